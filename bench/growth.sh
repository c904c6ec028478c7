#!/usr/bin/env bash
#
# growth.sh - how casnet's cost grows with tenants, memberships, permissions,
# members, protected tables in a query, changes of memberships, and users that a
# backend has met.  Each curve is measured beside the same by hand, on a private
# server.
set -euo pipefail
# shellcheck source=bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROUNDS=5
SECONDS_EACH=1
ONLY=''
MORE=()
OUTPUT=$ROOT/bench/results/growth.json
README=$ROOT/bench/README.md

usage()
{
	cat <<-HELP
	usage: bench/growth.sh [option]...

	  --only L        some of tenants, memberships, permissions, members, tables, changes
	                  and memory, separated by commas (all); other curves in the JSON stay
	  --resume        skip the curves that the JSON has already
	  --rounds N      measurements of each point ($ROUNDS)
	  --seconds N     length of one ($SECONDS_EACH)
	  --processor N   run server and client on that processor ($PROCESSOR)
	  --data-dir DIR  keep the server's data there; the databases are made again
	  --output FILE   the JSON; the charts are written beside it (bench/results/growth.json)
	  --quick         a trial: few small points, 2 rounds; without --output, in a folder
	                  that is removed
	  --no-build      use the installed casnet
	HELP
}

# options ARGUMENT...: set the variables above.
options()
{
	local quick=0 output=''

	while [ $# -gt 0 ]; do
		case $1 in
			--only) ONLY=$2; shift ;;
			--resume) MORE+=(--resume) ;;
			--rounds) ROUNDS=$2; shift ;;
			--seconds) SECONDS_EACH=$2; shift ;;
			--processor) PROCESSOR=$2; shift ;;
			--data-dir) DATA_DIR=$2; shift ;;
			--output) output=$2; shift ;;
			--quick) quick=1 ROUNDS=2; MORE+=(--small) ;;
			--no-build) BUILD=0 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done
	if [ -n "$output" ]; then
		mkdir -p "$(dirname "$output")"
		OUTPUT=$(realpath "$output")
		README=${OUTPUT%/*}/README.md
	elif [ $quick -eq 1 ]; then
		OUTPUT=''
	fi
}

main()
{
	local program

	options "$@"
	setup_work
	need_packages demo
	[ "$BUILD" -eq 0 ] || build_and_install ''
	for program in taskset "$BINDIR/pgbench"; do
		command -v "$program" > /dev/null || die "$program is missing"
	done
	/usr/bin/python3 -c 'import psycopg2' || die 'psycopg2 is missing' 'install python3-psycopg2'
	chmod go+rx "$WORK"
	mkdir "$WORK/scripts"
	[ -n "$OUTPUT" ] || OUTPUT=$WORK/growth.json README=$WORK/README.md
	start_pinned
	# the clients do not run as the server's user, who alone can use its socket
	as_server chmod go+rwx "$WORK/sock" "$WORK/sock/.s.PGSQL.5432"
	say "measuring: $ROUNDS rounds of $SECONDS_EACH s"
	/usr/bin/python3 -B "$ROOT/bench/growth.py" --bindir "$BINDIR" --work "$WORK/scripts" --json "$OUTPUT" \
		--processor "$PROCESSOR" --rounds "$ROUNDS" --seconds "$SECONDS_EACH" --only "$ONLY" "${MORE[@]}"
	/usr/bin/python3 -B "$ROOT/bench/chart.py" --readme "$README" "$OUTPUT"
}

main "$@"
