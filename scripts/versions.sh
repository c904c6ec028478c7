#!/usr/bin/env bash
#
# versions.sh - build casnet and run its tests on every supported PostgreSQL,
# with one command.
#
# Exit status 0 means that every test passed on each version found, and that at
# least one version was found.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/suites.sh
. "$ROOT/scripts/suites.sh"

usage()
{
	cat <<-'HELP'
	usage: scripts/versions.sh [--cache DIR] [--only MAJOR,...] [--help]
	                           [-- ARGUMENT of scripts/test.sh...]

	Runs scripts/test.sh on PostgreSQL 15 to 19: on this system for the version that
	it has, and otherwise in a Debian suite that debootstrap makes in a folder. The
	report calls a version that no suite has missing.

	  --cache DIR  keep the suites there, and use them again
	  --only ...   only these versions; a missing one is then a failure
	  -- ...       for instance: -- --only regress --only pgtap

	Needs root, about 2 GB for each suite, and half an hour for each version.
	CASNET_MIRROR=URL names a mirror other than the one that apt uses here.
	HELP
}

VERSIONS=(15 16 17 18 19)
MUST=0                  # 1: a version that is missing is a failure
ARGUMENTS=()            # of scripts/test.sh
COLUMNS_SEEN=()         # versions that have results, in order
KINDS_SEEN=()
FAILED=0
declare -A SERVER=()    # version: what it is called in the table
declare -A RESULT=()    # "version kind": passed/failed
declare -A TIME=()

# parse ARGUMENT...: the command line.
parse()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--cache) [ -n "${2:-}" ] || { usage >&2; exit 2; }
				CACHE=$2; shift 2 ;;
			--only) [[ ${2:-} =~ ^1[5-9](,1[5-9])*$ ]] || { usage >&2; exit 2; }
				IFS=, read -ra VERSIONS <<< "$2"
				MUST=1; shift 2 ;;
			--) shift; ARGUMENTS=("$@"); return ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
	done
}

# read_results MAJOR LOG STATUS: what scripts/test.sh reported.
read_results()
{
	local major=$1 kind passed failed total=0

	while read -r kind passed failed; do
		RESULT[$major $kind]=$passed/$failed
		[[ " ${KINDS_SEEN[*]} " == *" $kind "* ]] || KINDS_SEEN+=("$kind")
		total=$((total + passed + failed))
		[ "$failed" -eq 0 ] || FAILED=1
	done < <(sed -nE 's/^([a-z]+) +([0-9]+) passed, ([0-9]+) failed +[0-9]+ s$/\1 \2 \3/p' "$2")
	if [ "$3" -eq 0 ] && [ "$total" -gt 0 ]; then
		RESULT[$major status]=passed
	else
		RESULT[$major status]=FAILED
		FAILED=1
	fi
}

# run_here MAJOR LOG: on this system.
run_here()
{
	in_background env PG_MAJOR="$1" "$ROOT/scripts/test.sh" "${ARGUMENTS[@]}" \
		> >(tee "$2") 2>&1
}

# run_in FOLDER MAJOR LOG: in a suite.
run_in()
{
	tree_for_suite
	ENVIRONMENT=("PG_MAJOR=$2")
	in_suite "$1" /tmp/casnet/scripts/test.sh "${ARGUMENTS[@]}" > >(tee "$3") 2>&1
}

# run_version MAJOR: find the version, run the tests, note the results.
run_version()
{
	local major=$1 log=$WORK/tests.$1.log status=0 begin=$SECONDS suite folder program

	suite=$(suite_of "$major")
	if [ -z "$suite" ]; then
		SERVER[$major]="not in any Debian suite that can be reached (${SUITES[*]})"
		[ "$MUST" -eq 0 ] || FAILED=1
		return 0
	fi
	COLUMNS_SEEN+=("$major")
	say "PostgreSQL $major, $suite"
	: > "$log"
	if [ "$suite" = "$(debian_codename)" ]; then
		program=${PG_CONFIG:-/usr/lib/postgresql/$major/bin/pg_config}
		run_here "$major" "$log" || status=$?
		SERVER[$major]=$("$program" --version 2>/dev/null || true)
	else
		folder=${CACHE:-$WORK}/$suite
		lock_suite "$folder"
		make_suite "$suite" "$folder"
		refresh_suite "$folder"
		run_in "$folder" "$major" "$log" || status=$?
		SERVER[$major]=$(chroot "$folder" "/usr/lib/postgresql/$major/bin/pg_config" --version \
			2>/dev/null || true)
		[ -n "$CACHE" ] || rm -rf --one-file-system "$folder"
	fi
	sleep 0.2   # for tee
	SERVER[$major]="${SERVER[$major]:-no server}, $suite"
	TIME[$major]=$((SECONDS - begin))
	read_results "$major" "$log" "$status"
}

# row NAME: a line of the table, from RESULT.
row()
{
	local major

	printf '%-14s' "$1"
	for major in "${COLUMNS_SEEN[@]}"; do
		printf '%12s' "${RESULT[$major $1]:--}"
	done
	printf '\n'
}

# report: the servers, and a table of kinds and versions: passed/failed.
report()
{
	local major kind

	say "results after $SECONDS seconds, passed/failed"
	for major in "${VERSIONS[@]}"; do
		printf '%s: %s\n' "$major" "${SERVER[$major]}${TIME[$major]:+, ${TIME[$major]} seconds}"
	done
	if [ ${#COLUMNS_SEEN[@]} -eq 0 ]; then
		echo 'no test ran'
		return 1
	fi
	printf '\n%-14s' ''
	printf '%12s' "${COLUMNS_SEEN[@]}"
	printf '\n'
	for kind in "${KINDS_SEEN[@]}"; do
		row "$kind"
	done
	row status
	if [ "$FAILED" -ne 0 ]; then
		printf '%s\n' "${RED}failed$PLAIN"
		return 1
	fi
	printf '%s\n' "${GREEN}passed$PLAIN"
}

parse "$@"
setup_suites
for version in "${VERSIONS[@]}"; do
	run_version "$version"
done
report
