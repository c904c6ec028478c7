#!/usr/bin/env bash
#
# run.sh - what row-level security by casnet costs: the same queries, once
# under the policies and once by a role with BYPASSRLS and the tenant in the
# WHERE clause, in turn, on a private server pinned to one processor.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

RECORDS=1500000
TENANTS=1000
SECONDS_EACH=3
ROUNDS=7
PROCESSOR=1
PROTOCOLS=(prepared simple)
QUERIES=(point page count tagjoin)
POINT_READS=100     # point reads are of that many ids, chosen at random
DATA_DIR=''
OUTPUT=''
BUILD=1
KEEP_ASKED=0
FAULTS=0
DATABASE=bench

usage()
{
	cat <<-HELP
	usage: bench/run.sh [option]...

	  --rows N        records in all tenants together ($RECORDS)
	  --tenants N     tenants ($TENANTS)
	  --seconds N     length of one measurement ($SECONDS_EACH)
	  --rounds N      pairs of measurements for each query ($ROUNDS)
	  --protocols L   of pgbench -M, separated by commas (prepared,simple)
	  --queries L     of point, page, count, tagjoin, separated by commas (all)
	  --processor N   run server and client on that processor ($PROCESSOR)
	  --data-dir DIR  keep the loaded database there, use it if it is there
	  --output FILE   write the report there as well
	  --quick         a trial: 60000 records, 100 tenants, 3 rounds of 1 second
	  --no-build      use the casnet that is installed
	  --keep          leave the server running
	HELP
}

# options ARGUMENT...: settle the settings above.
options()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--rows) RECORDS=$2; shift ;;
			--tenants) TENANTS=$2; shift ;;
			--seconds) SECONDS_EACH=$2; shift ;;
			--rounds) ROUNDS=$2; shift ;;
			--protocols) IFS=, read -ra PROTOCOLS <<< "$2"; shift ;;
			--queries) IFS=, read -ra QUERIES <<< "$2"; shift ;;
			--processor) PROCESSOR=$2; shift ;;
			--data-dir) DATA_DIR=$2; shift ;;
			--output) OUTPUT=$2; shift ;;
			--quick) RECORDS=60000 TENANTS=100 ROUNDS=3 SECONDS_EACH=1 ;;
			--no-build) BUILD=0 ;;
			--keep) KEEP_ASKED=1 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done
	LARGE=1
	SMALL=$((TENANTS / 2))
}

# report TEXT...: a line on the screen and in the report.
report()
{
	printf '%s\n' "$*" | tee -a "$WORK/report"
}

# start_pinned: initdb unless done before; the server on one processor.
start_pinned()
{
	local data=${DATA_DIR:-$WORK/data}

	if [ ! -f "$data/PG_VERSION" ]; then
		mkdir -p "$data"
		own "$data"
		as_server "$BINDIR/initdb" -D "$data" -U postgres -A trust -N \
			--locale=C.UTF-8 -E UTF8 > "$WORK/initdb.log" 2>&1 ||
			die 'initdb failed' "$(tail -n 3 "$WORK/initdb.log")"
		as_server tee -a "$data/postgresql.conf" > /dev/null <<-'CONF'
			listen_addresses = ''
			fsync = off
			shared_buffers = 2GB
			work_mem = 16MB
			maintenance_work_mem = 512MB
			max_wal_size = 4GB
			# one processor: workers would only wait for each other
			max_parallel_workers_per_gather = 0
			# nothing but the measurement while it runs
			autovacuum = off
			jit = off
		CONF
	fi
	SERVER_DATA=$data
	as_server taskset -c "$PROCESSOR" "$BINDIR/pg_ctl" -s -D "$data" \
		-l "$WORK/server.log" -o "-k $WORK/sock" -w -t 60 start < /dev/null ||
		die 'the server did not start' "$(tail -n 5 "$WORK/server.log")"
	export PGHOST=$WORK/sock PGPORT=5432 PGUSER=postgres
}

# load: the records, unless the data folder has them.
load()
{
	if [ "$(super -d postgres -At -c \
		"SELECT count(*) FROM pg_roles WHERE rolname = 'bench_hand'")" = 1 ]; then
		# by this build, and without what a larger run may have left behind
		say 'using the records that are there'
		RECORDS=$(super -d $DATABASE -At -c 'SELECT sum(records) FROM bench.size')
		TENANTS=$(super -d $DATABASE -At -c 'SELECT count(*) FROM bench.size')
		SMALL=$((TENANTS / 2))
		return
	fi
	say "loading $RECORDS records of $TENANTS tenants"
	super -d postgres -c 'DROP DATABASE IF EXISTS '$DATABASE \
		-c 'CREATE DATABASE '$DATABASE
	super -d $DATABASE -c 'CREATE EXTENSION casnet'
	cp "$ROOT/bench/load.sql" "$WORK/load.sql"
	own "$WORK/load.sql"
	super -d $DATABASE -v records="$RECORDS" -v tenants="$TENANTS" \
		-f "$WORK/load.sql"
}

# tenant_id N, record_id N I: the uuids that load.sql gives them.
tenant_id()
{
	printf '00000000-0000-7000-8000-%012x' "$1"
}

record_id()
{
	printf '01890000-%04x-7000-8000-%012x' "$1" "$2"
}

# sql WAY QUERY TENANT [RECORD]: the statement.
sql()
{
	local where='' id joined tenant

	tenant=$(tenant_id "$3")
	id=$(record_id "$3" "${4:-1}")
	case $2 in
		point)
			[ "$1" = casnet ] || where="tenant_id = '$tenant' AND "
			echo "SELECT id, title, content, created_at FROM casnet.records WHERE ${where}id = '$id';" ;;
		page)
			[ "$1" = casnet ] || where=" WHERE tenant_id = '$tenant'"
			echo "SELECT id, title, created_at FROM casnet.records$where ORDER BY created_at DESC, id DESC LIMIT 20;" ;;
		count)
			[ "$1" = casnet ] || where=" WHERE tenant_id = '$tenant'"
			echo "SELECT count(*) FROM casnet.records$where;" ;;
		tagjoin)
			[ "$1" = casnet ] || where="r.tenant_id = '$tenant' AND "
			joined='casnet.records AS r'
			joined+=' JOIN casnet.record_tags AS l ON l.tenant_id = r.tenant_id AND l.record_id = r.id'
			joined+=' JOIN casnet.tags AS t ON t.tenant_id = l.tenant_id AND t.id = l.tag_id'
			echo "SELECT r.id, r.title, r.created_at FROM $joined WHERE ${where}t.name = 'tag 3' ORDER BY r.created_at DESC, r.id DESC LIMIT 20;" ;;
		*) die "there is no query $2" ;;
	esac
}

# way WAY TENANT COMMAND...: run it as the role of that way, with the session
# settings that it takes.
way()
{
	local who=$1 settings=''

	[ "$who" = hand ] || settings="-c casnet.user_id=$(record_id 0 "$2") -c casnet.tenant_id=$(tenant_id "$2")"
	shift 2
	as_server env PGUSER="bench_$who" PGOPTIONS="$settings" \
		taskset -c "$PROCESSOR" "$@"
}

# plan WAY QUERY TENANT: EXPLAIN with costs.  After a call of casnet, since a
# session loads the library then, and with it the estimates' exactness.
plan()
{
	way "$1" "$3" "$BINDIR/psql" -X -q -At -d $DATABASE -v ON_ERROR_STOP=1 \
		-c "EXPLAIN $(sql "$1" "$2" "$3")"
}

# shape: the nodes of a plan with their estimated rows, without costs,
# conditions and names of columns.
shape()
{
	sed -nE 's/^( *(->)?.*) +\(cost=[^ ]+ (rows=[0-9]+) .*/\1 \3/p'
}

# same_plans QUERY TENANT LABEL: print both plans, and say where they differ.
same_plans()
{
	plan casnet "$1" "$2" > "$WORK/plan.casnet"
	plan hand "$1" "$2" > "$WORK/plan.hand"
	report ''
	report "$1, $3 tenant, casnet:"
	sed 's/^/    /' "$WORK/plan.casnet" | tee -a "$WORK/report"
	report "$1, $3 tenant, hand-written:"
	sed 's/^/    /' "$WORK/plan.hand" | tee -a "$WORK/report"
	if diff <(shape < "$WORK/plan.casnet") <(shape < "$WORK/plan.hand") > "$WORK/diff"; then
		report 'same nodes, same estimates'
	else
		report 'DIFFERENT PLANS:'
		sed 's/^/    /' "$WORK/diff" | tee -a "$WORK/report"
		FAULTS=$((FAULTS + 1))
	fi
	if grep -E '^ *Filter:.*tenant_with' "$WORK/plan.casnet" > /dev/null; then
		report 'A POLICY IS A FILTER, CALLED FOR EACH ROW'
		FAULTS=$((FAULTS + 1))
	fi
}

# scripts QUERY TENANT: pgbench scripts for both ways.
scripts()
{
	local size n number=1 who

	size=$(super -d $DATABASE -At -c "SELECT records FROM bench.size WHERE n = $2")
	[ "$1" != point ] || number=$POINT_READS
	for who in casnet hand; do
		rm -rf "$WORK/$who" && mkdir "$WORK/$who"
		RANDOM=42
		for ((n = 0; n < number; n++)); do
			sql $who "$1" "$2" $(((RANDOM * 32768 + RANDOM) % size + 1)) \
				> "$WORK/$who/$n.sql"
		done
		own "$WORK/$who"
	done
}

# tps WAY TENANT PROTOCOL: one measurement.
tps()
{
	local -a files=()
	local file

	for file in "$WORK/$1"/*.sql; do
		files+=(-f "$file")
	done
	way "$1" "$2" "$BINDIR/pgbench" -n -M "$3" -c 1 -j 1 -T "$SECONDS_EACH" \
		"${files[@]}" $DATABASE > "$WORK/pgbench.log" 2>&1 ||
		die 'pgbench failed' "$(tail -n 3 "$WORK/pgbench.log")"
	! grep -q 'failed: [1-9]' "$WORK/pgbench.log" || die 'a transaction failed'
	sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$WORK/pgbench.log"
}

# measure QUERY TENANT LABEL PROTOCOL: the rounds; who goes first alternates.
measure()
{
	local round casnet hand

	: > "$WORK/rounds"
	for ((round = 1; round <= ROUNDS; round++)); do
		if ((round % 2)); then
			casnet=$(tps casnet "$2" "$4")
			hand=$(tps hand "$2" "$4")
		else
			hand=$(tps hand "$2" "$4")
			casnet=$(tps casnet "$2" "$4")
		fi
		awk -v c="$casnet" -v h="$hand" 'BEGIN { printf "%.4f %.1f %.1f\n", c / h, c, h }' \
			>> "$WORK/rounds"
	done
	awk -v q="$1" -v t="$3" -v p="$4" \
		'{ printf "%-8s %-6s %-9s %7.3f %11.1f %11.1f\n", q, t, p, $1, $2, $3 }' \
		"$WORK/rounds" | tee -a "$WORK/raw"
	sort -n "$WORK/rounds" | awk -v q="$1" -v t="$3" -v p="$4" '
		{ ratio[NR] = $1 }
		END {
			middle = NR % 2 ? ratio[(NR + 1) / 2] : (ratio[NR / 2] + ratio[NR / 2 + 1]) / 2
			printf "%-8s %-6s %-9s %7.3f   %.3f to %.3f\n", q, t, p, middle, ratio[1], ratio[NR]
		}' >> "$WORK/table"
}

main()
{
	local query tenant protocol

	options "$@"
	setup_work
	need_packages demo
	[ "$BUILD" -eq 0 ] || build_and_install ''
	for program in taskset "$BINDIR/pgbench"; do
		command -v "$program" > /dev/null || die "$program is missing"
	done
	start_pinned
	load

	report "casnet $(super -d $DATABASE -At -c "SELECT extversion FROM pg_extension WHERE extname = 'casnet'"), PostgreSQL $(super -d $DATABASE -At -c 'SHOW server_version')"
	report "$(super -d $DATABASE -At -c "SELECT format('%s records, %s record_tags, %s tenants; large: %s records, small: %s records',
		(SELECT count(*) FROM casnet.records), (SELECT count(*) FROM casnet.record_tags), (SELECT count(*) FROM casnet.tenants),
		(SELECT records FROM bench.size WHERE n = $LARGE), (SELECT records FROM bench.size WHERE n = $SMALL))")"
	report "$ROUNDS rounds of 2 times $SECONDS_EACH s, one client, server and client on one processor"
	report ''
	report 'Plans'
	for query in "${QUERIES[@]}"; do
		same_plans "$query" $LARGE large
		same_plans "$query" "$SMALL" small
	done

	say 'measuring: query, tenant, protocol, casnet/hand, tps casnet, tps hand'
	: > "$WORK/raw"
	: > "$WORK/table"
	for protocol in "${PROTOCOLS[@]}"; do
		for query in "${QUERIES[@]}"; do
			for tenant in large small; do
				if [ $tenant = large ]; then n=$LARGE; else n=$SMALL; fi
				scripts "$query" "$n"
				measure "$query" "$n" $tenant "$protocol"
			done
		done
	done
	{
		echo
		echo 'Rounds: casnet / hand-written, and the tps of each'
		echo
		printf '%-8s %-6s %-9s %7s %11s %11s\n' query tenant protocol ratio casnet hand
		cat "$WORK/raw"
	} >> "$WORK/report"
	report ''
	report 'tps of casnet over tps of the hand-written query: median and range'
	report ''
	report "$(printf '%-8s %-6s %-9s %7s   %s' query tenant protocol median range)"
	tee -a "$WORK/report" < "$WORK/table"
	[ -z "$OUTPUT" ] || cp "$WORK/report" "$OUTPUT"
	if [ "$KEEP_ASKED" -eq 1 ]; then
		KEEP_WORK=1
		say "the server runs on: -h $WORK/sock -U postgres $DATABASE; data in $SERVER_DATA"
	fi
	[ $FAULTS -eq 0 ] || die "$FAULTS plans are not as they should be, see above"
}

main "$@"
