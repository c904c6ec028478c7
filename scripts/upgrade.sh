#!/usr/bin/env bash
#
# upgrade.sh - move a cluster with casnet in it to a newer PostgreSQL, by
# pg_upgrade and by a dump, and compare everything, with one command.
#
# The servers of all versions are installed side by side in the newest Debian
# suite, made in a folder; casnet is built for each with the headers of its own.
# Exit status 0 means that every way was tried and every test passed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/suites.sh
. "$ROOT/scripts/suites.sh"

usage()
{
	cat <<-'HELP'
	usage: scripts/upgrade.sh [--cache DIR] [--only OLD-NEW,...] [--help]

	Runs test/t/new_major.pl from 15 to 17, from 17 to 18 and from 15 to 18:
	pg_upgrade with copies and with links, pg_dump and pg_restore, pg_dumpall.

	  --cache DIR  keep the folder with the servers there, and use it again
	  --only ...   only these steps, such as 15-17

	Needs root, about 1.5 GB, and 10 minutes.
	CASNET_MIRROR=URL names a mirror other than the one that apt uses here.
	HELP
}

TEST=test/t/new_major.pl
STEPS=(15-17 17-18 15-18)
MAJORS=()
REPORT=()
FAILED=0

# parse ARGUMENT...: the command line.
parse()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--cache) [ -n "${2:-}" ] || { usage >&2; exit 2; }
				CACHE=$2; shift 2 ;;
			--only) [[ ${2:-} =~ ^1[5-9]-1[5-9](,1[5-9]-1[5-9])*$ ]] || { usage >&2; exit 2; }
				IFS=, read -ra STEPS <<< "$2"
				shift 2 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
	done
	mapfile -t MAJORS < <(printf '%s\n' "${STEPS[@]}" | tr - '\n' | sort -nu)
}

# add_older FOLDER SUITE...: add packages of these suites, but only those that the
# suite of the folder does not have.
add_older()
{
	local folder=$1 suite

	shift
	for suite in "$@"; do
		echo "deb [signed-by=$KEYRING] $MIRROR $suite main" >> "$folder/etc/apt/sources.list"
		printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n\n' "$suite"
	done > "$folder/etc/apt/preferences.d/older"
}

# install_servers FOLDER MAJOR...: install the servers.  The last, the newest, gets
# all that builds and tests need.  The others get the server, and the headers
# without their packages, each of which depends on a compiler of its own.
install_servers()
{
	local folder=$1 major
	local newest=${MAJORS[-1]}
	local -a packages=(gcc make libssl-dev libcrypt-dev libargon2-dev libipc-run-perl
		"postgresql-server-dev-$newest")

	for major in "${MAJORS[@]}"; do
		packages+=("postgresql-$major")
	done
	say "installing PostgreSQL ${MAJORS[*]}"
	install_in_suite "$folder" "${packages[@]}"
	[ "${CASNET_OFFLINE:-0}" != 1 ] || return 0
	for major in "${MAJORS[@]}"; do
		[ "$major" != "$newest" ] || continue
		# shellcheck disable=SC2016
		in_suite "$folder" sh -euc 'cd /tmp
			apt-get -q download "postgresql-server-dev-$1"
			dpkg-deb -x postgresql-server-dev-"$1"_*.deb /
			rm postgresql-server-dev-"$1"_*.deb' sh "$major" > "$WORK/headers.log" 2>&1 || {
			tail -n 25 "$WORK/headers.log" >&2
			die "could not get the headers of PostgreSQL $major"
		}
	done
}

# install_casnet FOLDER: build and install casnet for each server.  The headers of
# older servers need an older C standard than the default of newer compilers.
install_casnet()
{
	local major target

	for major in "${MAJORS[@]}"; do
		say "building for PostgreSQL $major"
		tree_for_suite
		for target in clean all install; do
			in_suite "$1" make -s -j2 -C /tmp/casnet with_llvm=no COPT=-std=gnu17 \
				PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" "$target" \
				> "$WORK/build.log" 2>&1 || {
				tail -n 40 "$WORK/build.log" >&2
				die "casnet could not be built for PostgreSQL $major"
			}
		done
	done
}

# run_step FOLDER OLD-NEW: run the Perl test with these two versions.
run_step()
{
	local folder=$1 old=${2%-*} new=${2#*-} status=0 begin=$SECONDS log=$WORK/step.log total failed
	local newest=/usr/lib/postgresql/${MAJORS[-1]}

	say "PostgreSQL $old to $new"
	ENVIRONMENT=("CASNET_OLD=/usr/lib/postgresql/$old" "CASNET_NEW=/usr/lib/postgresql/$new"
		"PATH=$newest/bin:/usr/sbin:/usr/bin:/sbin:/bin" "PGPORT=65432"
		"PERL5LIB=$newest/lib/pgxs/src/test/perl"
		"PG_REGRESS=$newest/lib/pgxs/src/test/regress/pg_regress"
		TESTDIR=/tmp/casnet "TESTDATADIR=/tmp/casnet/tmp_check/$2"
		"TESTLOGDIR=/tmp/casnet/tmp_check/$2/log")
	in_suite "$folder" /usr/sbin/runuser -u postgres -- \
		sh -c "mkdir -p /tmp/casnet/tmp_check/$2/log && cd /tmp/casnet && prove $TEST" \
		> >(tee "$log") 2>&1 || status=$?
	ENVIRONMENT=()
	sleep 0.2   # for tee
	total=$(sed -nE 's/^Files=[0-9]+, Tests=([0-9]+),.*/\1/p' "$log")
	failed=$(sed -nE 's/.*\(Wstat: .* Failed: ([0-9]+)\)$/\1/p' "$log")
	total=${total:-0} failed=${failed:-0}
	if [ "$status" -ne 0 ] || [ "$total" -eq 0 ]; then
		[ "$failed" -gt 0 ] || failed=1
		FAILED=1
		tail -n 60 "$WORK/tmp/casnet/tmp_check/$2"/log/regress_log_* 2>/dev/null || true
	fi
	REPORT+=("$(printf '%s to %s  %5d passed, %d failed, %d seconds' "$old" "$new" \
		$((total > failed ? total - failed : 0)) "$failed" $((SECONDS - begin)))")
}

# report FOLDER: the servers, and a line for each step.
report()
{
	local major

	say "results after $SECONDS seconds"
	for major in "${MAJORS[@]}"; do
		chroot "$1" "/usr/lib/postgresql/$major/bin/pg_config" --version
	done
	printf '%s\n' "${REPORT[@]}"
	if [ "$FAILED" -ne 0 ] || [ ${#REPORT[@]} -ne ${#STEPS[@]} ]; then
		printf '%s\n' "${RED}failed$PLAIN"
		return 1
	fi
	printf '%s\n' "${GREEN}passed$PLAIN"
}

main()
{
	local folder major suite step
	local -a suites=()

	parse "$@"
	setup_suites
	for major in "${MAJORS[@]}"; do
		suite=$(suite_of "$major")
		[ -n "$suite" ] || die "no suite that can be reached has PostgreSQL $major"
		suites+=("$suite")
	done
	# the folder belongs to these servers; other servers get their own folder
	folder=${CACHE:-$WORK}/upgrade-$(IFS=-; echo "${MAJORS[*]}")
	lock_suite "$folder"
	make_suite "${suites[-1]}" "$folder"
	add_older "$folder" "${suites[@]:0:${#suites[@]}-1}"
	refresh_suite "$folder"
	install_servers "$folder"
	install_casnet "$folder"
	tree_for_suite
	chroot "$folder" id postgres > /dev/null || die 'there is no system user postgres'
	chown -R "$(chroot "$folder" id -u postgres)" "$WORK/tmp/casnet"
	for step in "${STEPS[@]}"; do
		run_step "$folder" "$step"
	done
	report "$folder"
}

main "$@"
