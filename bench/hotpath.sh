#!/usr/bin/env bash
#
# hotpath.sh - count what casnet does for every statement, in instructions:
# tenant_with() with a kept answer, after a change, and with a token. callgrind
# counts, on a private server.  Other programs on the machine do not change the
# counts.
set -euo pipefail
# shellcheck source=bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

OUTPUT=$ROOT/bench/results/hotpath.json
README=$ROOT/bench/README.md

usage()
{
	cat <<-HELP
	usage: bench/hotpath.sh [--output FILE] [--no-build]

	  --output FILE  the JSON; the chart is written beside it (bench/results/hotpath.json)
	  --no-build     use the installed casnet
	HELP
}

# environment: on what system this is counted, as JSON.
environment()
{
	super -d postgres -At -c "SELECT json_build_object(
		'casnet', (SELECT extversion FROM pg_extension WHERE extname = 'casnet'),
		'PostgreSQL', split_part(current_setting('server_version'), ' ', 1),
		'valgrind', '$(valgrind --version | sed 's/^valgrind-//')', 'day', '$(date -u +%F)')"
}

main()
{
	local where

	while [ $# -gt 0 ]; do
		case $1 in
			--output) mkdir -p "$(dirname "$2")"; OUTPUT=$(realpath "$2"); README=${OUTPUT%/*}/README.md; shift ;;
			--no-build) BUILD=0 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done
	setup_work
	need_packages demo
	command -v valgrind > /dev/null || die 'valgrind is missing' 'install valgrind'
	[ "$BUILD" -eq 0 ] || build_and_install ''
	chmod go+rx "$WORK"
	start_server
	as_server tee -a "$SERVER_DATA/postgresql.conf" > /dev/null <<-'CONF'
		session_preload_libraries = casnet
		autovacuum = off
	CONF
	cp "$ROOT/bench/hotpath.sql" "$WORK/hotpath.sql"
	own "$WORK/hotpath.sql"
	super -d postgres -f "$WORK/hotpath.sql"
	super -d postgres -At -c "
		SELECT casnet_internal.issue_token('00000000-0000-7000-9000-000000000005', '00000000-0000-7000-8000-000000000005', '1 day')
		  FROM generate_series(1, 10)" > "$WORK/tokens"
	where=$(environment)
	as_server "$BINDIR/pg_ctl" -s -D "$SERVER_DATA" -m fast -w stop

	say 'counting'
	mkdir "$WORK/counts"
	own "$WORK/counts" "$WORK/tokens"
	cp "$ROOT/bench/hotpath.py" "$WORK/hotpath.py"
	chmod a+r "$WORK/hotpath.py"
	as_server /usr/bin/python3 -B "$WORK/hotpath.py" "$SERVER_DATA" "$BINDIR" "$WORK/tokens" \
		"$WORK/counts/hotpath.json" "$where"
	cp "$WORK/counts/hotpath.json" "$OUTPUT"
	/usr/bin/python3 -B "$ROOT/bench/chart.py" --readme "$README" "$OUTPUT"
}

main "$@"
