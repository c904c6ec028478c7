#!/usr/bin/env bash
#
# coverage.sh - which lines of src/ do the tests run, and are the others known?
#
# Builds casnet for gcov in a temporary copy, with a private copy of the server, and runs
# the tests of scripts/test.sh on it.  Then it compares the lines that no test ran with
# test/coverage/uncovered.  Exit status 0 means that every test passed and at least 95
# percent of the lines ran, and that test/coverage/uncovered gives a reason for the others.
#
# A process writes its counters when it exits.  So lines that a backend ran before
# an immediate shutdown, a crash or a kill -9 do not count; they must also run in a
# server that is stopped in an orderly way.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/test.sh
. "$here/test.sh"

LEAST=95        # percent of lines

# Mutants have their own builds, and instructions are compared for a build without
# counters.
LEFT_OUT='mutation plans'

usage()
{
	cat <<-'HELP'
	usage: scripts/coverage.sh [--only KIND]... [--html FOLDER] [--keep FOLDER] [--help]

	  --only KIND    run only tests of this kind, and show lines that did not
	                 run without a failure; see scripts/test.sh --help
	  --html FOLDER  also write HTML pages there, by genhtml of the package lcov
	  --keep FOLDER  keep the counters and the text of gcov there

	The exit status is 1 if a test fails, if no test ran a line that
	test/coverage/uncovered does not list, and if a line that it lists did run
	or does not exist any more.
	HELP
}

# time_left LIMIT: how long a runner may take, for test.sh; nobody waits here.
time_left()
{
	echo $(($1 * 4))
}

# copy_server: a private copy of the server that PG_CONFIG belongs to, in which an
# instrumented casnet can be installed.  The server finds its files relative to its
# programs, so the copy has the folders that the original has.
copy_server()
{
	local what folder

	say "copying the server of $PG_CONFIG"
	for what in bindir pkglibdir sharedir includedir includedir-server pkgincludedir; do
		folder=$("$PG_CONFIG" "--$what")
		[ -d "$WORK/pg$folder" ] || {
			mkdir -p "$WORK/pg$folder"
			cp -a "$folder/." "$WORK/pg$folder/"
		}
	done
	PG_CONFIG=$WORK/pg$("$PG_CONFIG" --bindir)/pg_config
	BINDIR=$("$PG_CONFIG" --bindir)
	[ "${BINDIR#"$WORK"/}" != "$BINDIR" ] || die "the copy of the server still uses $BINDIR"
	# no bitcode: it has no counters
	sed -i 's/^with_llvm\b.*/with_llvm = no/' "$(dirname "$("$PG_CONFIG" --pgxs)")/../Makefile.global"
}

# count_jws: run the tests of jws.c once more with the build that counts; their own
# build does not.
count_jws()
{
	as_server gcc --coverage -DJWS_LINKED -o "$WORK/tmp/jws_test" -I "$COPY/src" \
		"$COPY/test/jws/jws_test.c" "$COPY/src/jws.o"
	as_server "$WORK/tmp/jws_test" 5 > "$WORK/jws-count.log" || {
		cat "$WORK/jws-count.log"
		die 'the tests of jws.c failed in the build that counts'
	}
}

# write_counts: the counters as gcov shows them, one JSON document a file.
write_counts()
{
	mkdir "$WORK/gcov"
	(
		cd "$COPY"
		for file in src/*.gcda; do
			gcov --json-format --branch-probabilities --stdout "$file" \
				> "$WORK/gcov/$(basename "$file" .gcda).json" 2>> "$WORK/gcov.log"
		done
	)
	[ -s "$WORK/gcov/jws.json" ] || die 'gcov found no counters'
}

# write_html FOLDER: pages, where lcov is installed.
write_html()
{
	if ! command -v genhtml > /dev/null; then
		echo 'no pages: genhtml is not installed (package lcov)'
		return
	fi
	lcov --quiet --capture --directory "$COPY/src" --base-directory "$COPY" --no-external \
		--rc lcov_branch_coverage=1 --output-file "$WORK/lcov.info"
	genhtml --quiet --branch-coverage --output-directory "$1" "$WORK/lcov.info"
	echo "pages: $1/index.html"
}

coverage_main()
{
	local -a only=()
	local html='' keep='' kind status=0

	while [ $# -gt 0 ]; do
		case $1 in
			--only)
				[[ " ${KINDS[*]} " == *" ${2:-?} "* ]] || { usage >&2; exit 2; }
				only+=("$2")
				shift 2 ;;
			--html) html=$(realpath -m "${2:?}"); shift 2 ;;
			--keep) keep=$(realpath -m "${2:?}"); shift 2 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
	done

	setup_work
	need_packages test
	command -v gcov > /dev/null || die 'gcov is missing'
	copy_server
	build_and_install "$WARNINGS -Wno-cpp -O0 --coverage -fprofile-update=atomic"
	start_server
	export CASNET_SLOWER=10
	for kind in "${only[@]:-${KINDS[@]}}"; do
		[[ " $LEFT_OUT " != *" $kind "* ]] || continue
		run_kind "$kind"
		[ "$kind" != jws ] || count_jws
	done
	stop_server
	write_counts
	[ -z "$keep" ] || { mkdir -p "$keep"; cp -r "$WORK/gcov" "$COPY/src" "$keep/"; }
	say 'coverage'
	/usr/bin/python3 "$ROOT/test/coverage/report.py" --least "$LEAST" \
		${only[0]:+--partial} "$ROOT" "$WORK/gcov"/*.json || status=1
	[ -z "$html" ] || write_html "$html"
	finish || status=1
	return "$status"
}

coverage_main "$@"
