#!/usr/bin/env bash
#
# peers.sh - what casnet costs beside the limit, which is no policy and a constant
# tenant in the query, and beside what people use instead: policies with a setting
# or with memberships, a schema for each tenant, WHERE by the application.
# Everything runs on one private server with the same rows; see bench/README.md.
set -euo pipefail
# shellcheck source=bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROUNDS=5
SECONDS_EACH=2
PEER_SECONDS=0.4
TIMEOUT=4          # seconds; a longer statement counts as "slower than"
SCHEMAS=1000        # tenants that get a schema
ONLY=''
WAYS=''
LOAD_ONLY=0
RESUME=()
RESULTS=$ROOT/bench/results
README=$ROOT/bench/README.md
PLANS=${TMPDIR:-/tmp}/casnet-peers-plans

usage()
{
	cat <<-HELP
	usage: bench/peers.sh [option]...

	  --scale N         1: 1,500,000 records, 1,000 tenants; 3: 5,000,000 and 10,000;
	                    10: 10,000,000 and 100,000
	  --rows N          records in all tenants together ($RECORDS)
	  --tenants N       tenants ($TENANTS)
	  --schemas N       how many tenants also get a schema of their own ($SCHEMAS)
	  --rounds N        measurements of casnet and of the limit; others have three ($ROUNDS)
	  --seconds N       length of one ($SECONDS_EACH)
	  --timeout N       seconds after which a statement is cancelled ($TIMEOUT)
	  --only L          reads, planning, session, connect, parallel, writes, mixed, or
	                    names of workloads, separated by commas (all); other results in the
	                    JSON stay as they are
	  --ways L          only these ways of peers.py, separated by commas. casnet and limit are
	                    always measured; alone they take a third of the time (all). Takes
	                    an --output
	  --load            load, and measure nothing; takes a --data-dir
	  --resume          skip what the JSON has already
	  --processor N     run server and client on that processor ($PROCESSOR)
	  --data-dir DIR    keep the loaded database there, and use it again
	  --output DIR      folder for the JSON and charts (bench/results)
	  --plans DIR       folder for the plan of each way ($PLANS)
	  --quick           a trial: 60,000 records, 100 tenants, 2 rounds; without --output, in
	                    a folder that is removed
	  --no-build        use the installed casnet
	HELP
}

# options ARGUMENT...: set the variables above.
options()
{
	local quick=0 output=''

	while [ $# -gt 0 ]; do
		case $1 in
			--scale)
				case ${2:-} in
					1) RECORDS=1500000 TENANTS=1000 ;;
					3) RECORDS=5000000 TENANTS=10000 ;;
					10) RECORDS=10000000 TENANTS=100000 ;;
					*) die '--scale is 1, 3 or 10' ;;
				esac
				shift ;;
			--rows) RECORDS=$2; shift ;;
			--tenants) TENANTS=$2; shift ;;
			--schemas) SCHEMAS=$2; shift ;;
			--rounds) ROUNDS=$2; shift ;;
			--seconds) SECONDS_EACH=$2; shift ;;
			--timeout) TIMEOUT=$2; shift ;;
			--only) ONLY=$2; shift ;;
			--ways) WAYS=$2; shift ;;
			--load) LOAD_ONLY=1 ;;
			--resume) RESUME=(--resume) ;;
			--processor) PROCESSOR=$2; shift ;;
			--data-dir) DATA_DIR=$2; shift ;;
			--output) output=$2; shift ;;
			--plans) PLANS=$2; shift ;;
			--quick) RECORDS=60000 TENANTS=100 ROUNDS=2; quick=1 ;;
			--no-build) BUILD=0 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done
	[ $LOAD_ONLY -eq 0 ] || [ -n "$DATA_DIR" ] || die '--load takes a --data-dir'
	# a JSON is of the same ways throughout
	[ -z "$WAYS" ] || [ -n "$output" ] || [ $quick -eq 1 ] || die '--ways takes an --output'
	if [ -n "$output" ]; then
		mkdir -p "$output"
		RESULTS=$(realpath "$output")
		README=$RESULTS/README.md
	elif [ $quick -eq 1 ]; then
		RESULTS=''
	fi
}

# load_peers: load the tables of the other ways, unless the data folder has them.
load_peers()
{
	if [ "$(super -d $DATABASE -At -c "SELECT to_regclass('bench.peers_loaded') IS NULL")" = f ]; then
		return
	fi
	[ "$(super -d $DATABASE -At -c "SELECT to_regnamespace('plain') IS NULL")" = t ] ||
		die 'the data folder holds a load that was not finished; remove it'
	say 'loading the tables of the others'
	cp "$ROOT/bench/peers.sql" "$WORK/peers.sql"
	own "$WORK/peers.sql"
	super -d $DATABASE -v schemas="$SCHEMAS" -f "$WORK/peers.sql"
}

# warm: read into shared buffers what will be measured.
warm()
{
	say 'reading the tables'
	super -d $DATABASE -At > "$WORK/warm.log" <<-SQL
		SET client_min_messages = warning;
		CREATE EXTENSION IF NOT EXISTS pg_prewarm;
		SELECT sum(pg_prewarm(c.oid)) FROM pg_class AS c
		  JOIN pg_namespace AS s ON s.oid = c.relnamespace
		 WHERE c.relkind IN ('r', 'i', 't')
		   AND s.nspname IN ('casnet', 'casnet_internal', 'plain', 'tenant_1', 'tenant_$((TENANTS / 2))');
	SQL
}

main()
{
	local program memory name=peers

	options "$@"
	setup_work
	need_packages demo
	[ "$BUILD" -eq 0 ] || build_and_install ''
	for program in taskset pgbouncer "$BINDIR/pgbench"; do
		command -v "$program" > /dev/null || die "$program is missing"
	done
	/usr/bin/python3 -c 'import psycopg2' || die 'psycopg2 is missing' 'install python3-psycopg2'
	[ -n "$RESULTS" ] || RESULTS=$WORK/results README=$WORK/results/README.md
	chmod go+rx "$WORK"
	# everything fits in memory: there are three copies of each table
	memory=$(awk '/^MemTotal:/ { print int($2 / 1024 / 3) }' /proc/meminfo)
	[ "$memory" -le 8192 ] || memory=8192
	# by chance, any way could have to write full pages after a checkpoint
	SERVER_OPTIONS="-c shared_buffers=${memory}MB -c full_page_writes=off"
	start_pinned
	load
	load_peers
	[ $LOAD_ONLY -eq 0 ] || return 0
	warm

	# peers.json, or of casnet and the limit alone limit.json; at ten times the size ...-10.json
	[ "$WAYS" != casnet,limit ] || name=limit
	[ "$RECORDS" -lt 9000000 ] || name=$name-10
	say "measuring: $ROUNDS rounds of $SECONDS_EACH s"
	taskset -cp "$PROCESSOR" $$ > /dev/null
	BENCH_DATABASE=$DATABASE /usr/bin/python3 -B "$ROOT/bench/peers.py" \
		--data "$SERVER_DATA" --work "$WORK" --bindir "$BINDIR" --output "$RESULTS" --name "$name" --plans "$PLANS" \
		--processor "$PROCESSOR" --rounds "$ROUNDS" --seconds "$SECONDS_EACH" \
		--peer-seconds "$PEER_SECONDS" --timeout "$TIMEOUT" --only "$ONLY" \
		--ways "$WAYS" "${RESUME[@]}"
	say "the plans are in $PLANS"
	"$ROOT/bench/chart.py" --readme "$README" "$RESULTS/$name.json"
}

main "$@"
