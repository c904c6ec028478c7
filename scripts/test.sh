#!/usr/bin/env bash
#
# test.sh - build casnet and run every test of it, with one command.
#
# Installs what is missing, builds in a temporary copy with warnings as errors, and starts
# a private throwaway server.  Then it runs every kind of test, and removes everything
# again.  Exit status 0 means that every test ran and passed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage()
{
	cat <<-'HELP'
	usage: scripts/test.sh [--only KIND]... [--quick | --long] [--patience N] [--help]

	Builds casnet, starts a private throwaway server and runs
	  docs          the code of every page    README.md, docs    by .ci/check-docs
	  examples      programs to copy from     examples           two of them; the others
	                                                             need a newer Debian
	  jws           the parser of tokens      test/jws           without the server
	  fuzz          parsers, by libFuzzer     test/fuzz          without the server
	  regress       golden-output tests       test/sql           by pg_regress
	  isolation     races                     test/specs         by pg_isolation_regress
	  pgtap         behaviour                 test/pgtap         by pg_prove
	  attack        each role on each table   test/attack
	  differential  random queries, twice     test/differential
	  oracle        what conditions reveal    test/oracle        of other tenants' rows
	  smith         random SQL by SQLsmith    test/smith
	  input         extremes to each function test/input
	  stress        revocation under load     test/stress
	  mutation      whether tests see damage  test/mutation
	  plans         what the policies cost    test/plans         in plans and instructions
	  tap           restart, dump and so on   test/t             by prove
	An existing cluster is never touched. --only can be given more than once.
	--quick takes under five minutes: the kinds that find most, in their short forms, with
	every second file of pgtap.
	--long takes hours: kinds that take a time as an argument get more of it.
	--patience N makes each limit of time N times as long, for a machine that is busy.

	As root on Debian, the script installs missing packages; it installs casnet into
	the extension folder of the server that pg_config belongs to.
	PG_MAJOR=15..19 or PG_CONFIG=/path/of/pg_config chooses another server,
	CASNET_OFFLINE=1 installs no package.
	HELP
}

KINDS=(docs examples jws fuzz regress isolation pgtap attack differential oracle smith input stress mutation plans tap)
QUICK_KINDS=(docs examples jws regress pgtap attack oracle)
# Files of pgtap that wait for the clock, as slowed logins do; the short form leaves
# them out.
WAITING=(accounts accounts_are_deleted each_turn_of_a_loop_asks hashes_of_other_systems huge_names invitations
	kept_lists_end_with_the_token login_is_slowed login_refusals
	login_queue_is_bounded lookups_by_name_are_not_counted names_are_interrupted
	oldest_failures_give_way password_change_is_slowed password_hashes
	stored_answers_end_with_the_statement token_follows_time wrong_password_is_refused)
DEADLINE=2220   # seconds; the whole run ends within 37 minutes
PATIENCE=1      # how many times as long every limit of time is
LONG=0          # 1: the long forms
QUICK=0         # 1: the short ones
PASSED=0
FAILED=0
SKIPPED=0
REPORT=()
KIND_BEGAN=0    # when the kind that runs began

# note_result KIND PASSED FAILED SKIPPED: add to the totals and the report.
note_result()
{
	PASSED=$((PASSED + $2))
	FAILED=$((FAILED + $3))
	SKIPPED=$((SKIPPED + $4))
	REPORT+=("$(printf '%-12s %5d passed, %d failed   %4d s' "$1" "$2" "$3" $((SECONDS - KIND_BEGAN)))")
}

# time_left LIMIT: seconds that a runner may take, at most LIMIT.
time_left()
{
	local left=$((DEADLINE * PATIENCE - SECONDS))

	set -- $(($1 * PATIENCE))
	[ "$left" -gt 5 ] || left=5
	[ "$left" -lt "$1" ] && echo "$left" || echo "$1"
}

# run_logged LIMIT LOG COMMAND...: run the command as the server's user from the
# copy, show and keep its output, and return its status.
run_logged()
{
	local limit log=$2 status=0

	limit=$(time_left "$1")
	shift 2
	: > "$log"
	tail -n +1 -f --pid=$$ "$log" &
	local shower=$!
	run_limited "$limit" "${AS_SERVER[@]}" env -C "$COPY" "$@" >> "$log" 2>&1 || status=$?
	sleep 1.2
	kill "$shower" 2>/dev/null || true
	wait "$shower" 2>/dev/null || true
	[ "$status" -ne 124 ] || printf '%s\n' "${RED}no end within $limit seconds${PLAIN}"
	return "$status"
}

# make_list VARIABLE: the words of a variable of the Makefile, one a line.
make_list()
{
	# shellcheck disable=SC2016
	as_server make -s -C "$COPY" PG_CONFIG="$PG_CONFIG" \
		--eval='casnet-list: ; @printf "%s\n" $('"$1"')' casnet-list 2>/dev/null |
		sed '/^$/d'
}

# has_tests FOLDER PATTERN: whether there are files to run.  A missing folder is no
# failure; a folder without tests is.
has_tests()
{
	[ -d "$COPY/test/$1" ] && [ -n "$(find "$COPY/test/$1" -maxdepth 1 -name "$2" -print -quit)" ]
}

# run_docs: the code of README.md and docs; counts as one test.  It runs first, since it
# makes roles that must not exist yet.
run_docs()
{
	local log=$WORK/docs.log

	# a released archive does not have it
	[ -e "$COPY/.ci/check-docs" ] || return 0
	say 'docs test'
	if run_logged 180 "$log" env PSQL="$BINDIR/psql" PGDATABASE=postgres .ci/check-docs; then
		note_result docs 1 0 0
	else
		note_result docs 0 1 0
	fi
}

# run_examples: those that this system has the packages for.
run_examples()
{
	local log=$WORK/examples.log status=0

	[ -e "$COPY/examples/run.sh" ] || return 0
	say 'examples'
	echo 'not here, since they need a newer Debian or other packages: all but pgbouncer and psql'
	run_logged 120 "$log" env CASNET_TMP="$WORK/tmp" PG_CONFIG="$PG_CONFIG" examples/run.sh --here pgbouncer psql ||
		status=$?
	note_result examples "$(grep -c '^ok ' "$log" || true)" \
		"$(($(grep -c '^not ok ' "$log" || true) + (status != 0)))" 0
}

# long_form KIND: arguments of its runner for the long form.
long_form()
{
	case $1 in
		jws) echo 300 ;;
		plans) ;;    # has none
		fuzz) echo 900 ;;
		stress) echo 900 ;;
		*) echo --long ;;
	esac
}

# quick_form KIND: arguments of its runner for the short form.
quick_form()
{
	case $1 in
		attack | oracle) echo --quick ;;
		jws) echo 5 ;;
	esac
}

# run_own KIND LIMIT: a kind with a runner of its own, test/KIND/run.sh, which
# ends with a line "N passed, M failed".  It finds the throwaway server by PGHOST
# and PGPORT, and its programs first in PATH.
run_own()
{
	local kind=$1 log=$WORK/$1.log status=0 passed failed
	local -a arguments=()

	[ -d "$COPY/test/$kind" ] || return 0
	say "$kind tests"
	[ "$LONG" -eq 0 ] || read -ra arguments <<< "$(long_form "$kind")"
	[ "$QUICK" -eq 0 ] || read -ra arguments <<< "$(quick_form "$kind")"
	run_logged "$2" "$log" env PATH="$BINDIR:$PATH" PG_CONFIG="$PG_CONFIG" \
		"test/$kind/run.sh" "${arguments[@]}" || status=$?
	passed=$(sed -nE 's/^([0-9]+) passed, [0-9]+ failed$/\1/p' "$log" | tail -n 1)
	failed=$(sed -nE 's/^[0-9]+ passed, ([0-9]+) failed$/\1/p' "$log" | tail -n 1)
	[ "$status" -eq 0 ] || [ "${failed:-0}" -gt 0 ] || failed=1
	[ "${passed:-0}" -gt 0 ] || [ "${failed:-0}" -gt 0 ] || failed=1
	note_result "$kind" "${passed:-0}" "${failed:-0}" 0
}

# run_halves LIMIT LOG COMMAND... -- WORD...: like run_logged, but on two servers at a
# time, each with half of the words.
run_halves()
{
	local limit=$1 log=$2

	shift 2
	start_second_server
	run_logged "$limit" "$log" scripts/halves.sh "$SECOND_HOST" "$@"
}

# run_golden KIND: pg_regress or pg_isolation_regress through make installcheck.  A
# planned test that is not reported as ok counts as failed.
run_golden()
{
	local kind=$1 variable folder log=$WORK/$1.log status=0 planned passed failed
	local -a names

	if [ "$kind" = regress ]; then
		variable=REGRESS folder=sql
	else
		variable=ISOLATION folder=specs
	fi
	mapfile -t names < <(make_list "$variable")
	planned=${#names[@]}
	[ "$planned" -gt 0 ] || [ -d "$COPY/test/$folder" ] || return 0
	say "$kind tests"
	if [ "$planned" -eq 0 ]; then
		echo "${RED}no tests: $variable of the Makefile is empty${PLAIN}"
		note_result "$kind" 0 1 0
		return 0
	fi
	if [ "$kind" = regress ]; then
		run_logged 700 "$log" make PG_CONFIG="$PG_CONFIG" ISOLATION= installcheck || status=$?
	else
		run_halves 700 "$log" make PG_CONFIG="$PG_CONFIG" REGRESS= ISOLATION='{}' installcheck \
			-- "${names[@]}" || status=$?
	fi
	# "test x ... ok 9 ms" and "    x ... ok" before 16, "ok 1 - x 9 ms" since
	passed=$(grep -cE '^(test |  *)[^ ]+ +\.\.\. ok( |$)|^ok [0-9]+ ' "$log" || true)
	[ "$passed" -le "$planned" ] || passed=$planned
	failed=$((planned - passed))
	[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
	note_result "$kind" "$passed" "$failed" 0
	[ "$failed" -eq 0 ] || show_diffs
}

# show_diffs: what pg_regress leaves when a test fails.
show_diffs()
{
	local file

	while IFS= read -r file; do
		say "${file#"$COPY"/}"
		head -n 400 "$file"
		rm -f "$file"
	done < <(find "$COPY" -name regression.diffs -size +0)
}

# note_harness KIND LOG STATUS: count what prove and pg_prove report.  If a file
# stopped early, the tests that it did not run count as failed.
note_harness()
{
	local kind=$1 log=$2 status=$3 total passed failed skipped

	total=$(sed -nE 's/^Files=[0-9]+, Tests=([0-9]+),.*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
	failed=$(awk '
		/\(Wstat: / {
			file_failed = 0
			if (match($0, /Failed: [0-9]+\)/))
				file_failed = substr($0, RSTART + 8) + 0
			failed += file_failed
			broken = ($0 !~ /Wstat: 0 / && file_failed == 0)
			extra += broken
		}
		/You planned [0-9]+ tests? but ran [0-9]+/ {
			match($0, /planned [0-9]+/); planned = substr($0, RSTART + 8) + 0
			match($0, /ran [0-9]+/); ran = substr($0, RSTART + 4) + 0
			if (planned > ran) { missing += planned - ran; extra -= broken; broken = 0 }
		}
		/No plan found in TAP output|No tests run/ { if (!broken) extra++; broken = 1 }
		END { print failed + extra + missing + 0 }' "$log")
	skipped=$(grep -cE '\.\. skipped: ' "$log" || true)
	passed=$total
	# the total includes tests that ran and failed, but not those that did not run
	passed=$((total - $(awk '/\(Wstat: / && match($0, /Failed: [0-9]+\)/) {
		n += substr($0, RSTART + 8) + 0 } END { print n + 0 }' "$log")))
	[ "$passed" -ge 0 ] || passed=0
	if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$total" -eq 0 ]; }; then
		failed=1
	fi
	note_result "$kind" "$passed" "$failed" "$skipped"
}

# run_pgtap: every file against a database with both extensions, on one of two servers.
run_pgtap()
{
	local log=$WORK/pgtap.log status=0 name host
	local -a files

	[ -d "$COPY/test/pgtap" ] || return 0
	say 'pgtap tests'
	mapfile -t files < <(cd "$COPY" && printf '%s\n' test/pgtap/*.sql)
	if [ "$QUICK" -eq 1 ]; then
		echo "not in the short form, since they wait for the clock: ${WAITING[*]}"
		for name in "${WAITING[@]}"; do
			[ -f "$COPY/test/pgtap/$name.sql" ] || die "WAITING names no test: $name"
			mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -vxF "test/pgtap/$name.sql")
		done
		echo 'and of the others, only every second file'
		mapfile -t files < <(printf '%s\n' "${files[@]}" | sed -n 'p;n')
	fi
	has_tests pgtap '*.sql' || status=1
	start_second_server
	for host in "$PGHOST" "$SECOND_HOST"; do
		super -h "$host" -d postgres -c 'CREATE DATABASE casnet_pgtap' &&
			super -h "$host" -d casnet_pgtap -c 'CREATE EXTENSION casnet' -c 'CREATE EXTENSION pgtap' ||
			status=1
	done
	if [ "$status" -ne 0 ]; then
		echo "${RED}no pgTAP test found, or no database to run one in${PLAIN}"
		note_result pgtap 0 1 0
		return 0
	fi
	run_halves 700 "$log" env PATH="$BINDIR:$PATH" pg_prove --failures --comments \
		-d casnet_pgtap -- "${files[@]}" || status=$?
	note_harness pgtap "$log" "$status"
}

# run_tap: Perl tests, as PGXS would run them.  Each makes servers of its own and mostly
# waits for them, so three run at a time.
run_tap()
{
	local log=$WORK/tap.log status=0 top

	[ -d "$COPY/test/t" ] || return 0
	say 'tap tests'
	if ! has_tests t '*.pl'; then
		echo "${RED}no Perl test found${PLAIN}"
		note_result tap 0 1 0
		return 0
	fi
	top=$(cd "$(dirname "$("$PG_CONFIG" --pgxs)")/../.." && pwd)
	as_server mkdir -p "$COPY/tmp_check"
	# These tests start their own servers and must not find the throwaway server.
	# Nor do their clusters take encoding and locale from the environment, which can
	# have none.
	# shellcheck disable=SC2046
	run_logged 900 "$log" env -u PGHOST -u PGUSER -u LANG -u LC_ALL \
		PGPORT=65432 PATH="$BINDIR:$PATH" \
		PERL5LIB="$top/src/test/perl${PERL5LIB:+:$PERL5LIB}" \
		PG_CONFIG="$PG_CONFIG" PG_REGRESS="$top/src/test/regress/pg_regress" \
		TESTDIR="$COPY" TESTDATADIR="$COPY/tmp_check" \
		TESTLOGDIR="$COPY/tmp_check/log" \
		prove --timer --jobs 3 $(cd "$COPY" && printf '%s\n' test/t/*.pl) || status=$?
	[ "$status" -eq 0 ] || show_tap_logs "$log"
	note_harness tap "$log" "$status"
}

# show_tap_logs LOG: the end of the log of each failed Perl test.
show_tap_logs()
{
	local name file

	sed -nE 's/^test.t.([^ ]+)\.pl +\(Wstat: .*/\1/p' "$1" | while IFS= read -r name; do
		file=$COPY/tmp_check/log/regress_log_$name
		[ -f "$file" ] || continue
		say "end of regress_log_$name"
		tail -n 30 "$file"
	done
}

# check_asserts: a second build with assertions, never installed.
check_asserts()
{
	say 'building with assertions (not installed)'
	copy_tree "$WORK/asserts"
	quiet_make "$WORK/asserts" clean
	quiet_make "$WORK/asserts" with_llvm=no COPT="$WARNINGS -DUSE_ASSERT_CHECKING" ||
		die 'the build with assertions failed'
	rm -rf "$WORK/asserts"
}

# run_kind KIND: all tests of a kind.
run_kind()
{
	KIND_BEGAN=$SECONDS
	case $1 in
		docs) run_docs ;;
		examples) run_examples ;;
		regress | isolation) run_golden "$1" ;;
		pgtap) run_pgtap ;;
		tap) run_tap ;;
		*) run_own "$1" 300 ;;
	esac
}

# finish: the report and its exit status.
finish()
{
	local colour=$GREEN skipped=''

	say "results after $SECONDS seconds"
	[ ${#REPORT[@]} -eq 0 ] || printf '%s\n' "${REPORT[@]}"
	[ $((PASSED + FAILED)) -gt 0 ] || { echo 'no test ran'; FAILED=1; }
	[ "$FAILED" -eq 0 ] || colour=$RED
	[ "$SKIPPED" -eq 0 ] || skipped=", files skipped: $SKIPPED"
	printf '%s\n' "$colour$PASSED passed, $FAILED failed$skipped$PLAIN"
	[ "$FAILED" -eq 0 ]
}

main()
{
	local -a only=()
	local kind

	while [ $# -gt 0 ]; do
		case $1 in
			--only)
				[[ " ${KINDS[*]} " == *" ${2:-?} "* ]] || { usage >&2; exit 2; }
				only+=("$2")
				shift 2 ;;
			--long) LONG=1; PATIENCE=20; shift ;;
			--patience)
				[[ ${2:-} =~ ^[1-9][0-9]?$ ]] || { usage >&2; exit 2; }
				PATIENCE=$2; shift 2 ;;
			--quick) QUICK=1; shift ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
	done
	if [ "$LONG" -eq 1 ]; then
		export CASNET_LONG=1 PG_TEST_EXTRA="${PG_TEST_EXTRA:-} casnet_long"
	fi
	[ ${#only[@]} -gt 0 ] || [ "$QUICK" -eq 0 ] || only=("${QUICK_KINDS[@]}")
	[ ${#only[@]} -gt 0 ] || only=("${KINDS[@]}")

	setup_work
	need_packages test
	build_and_install "$WARNINGS"
	check_asserts
	start_server
	for kind in "${only[@]}"; do
		run_kind "$kind"
	done
	finish
}

# Other scripts source this one, for builds of other kinds.
[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
