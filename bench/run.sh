#!/usr/bin/env bash
#
# run.sh - what row-level security by casnet costs: runs the same queries under the
# policies, and by a role with BYPASSRLS and the tenant in the WHERE clause.  They
# run in turn, on a private server pinned to one processor.
set -euo pipefail
# shellcheck source=bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PROTOCOLS=(prepared simple)
QUERIES=(point page count tagjoin)
POINT_READS=100     # point reads use this many ids, chosen at random
KEEP_ASKED=0
INSTRUCTIONS=0
FAULTS=0
TABLE=casnet.records

usage()
{
	cat <<-HELP
	usage: bench/run.sh [option]...

	  --rows N        records in all tenants together ($RECORDS)
	  --tenants N     tenants ($TENANTS)
	  --seconds N     length of one measurement ($SECONDS_EACH)
	  --rounds N      measurements of each query ($ROUNDS)
	  --protocols L   protocols of pgbench -M, separated by commas (prepared,simple)
	  --queries L     some of point, page, count, tagjoin, separated by commas (all)
	  --processor N   run server and client on that processor ($PROCESSOR)
	  --data-dir DIR  keep the loaded database there, and use it again
	  --output FILE   also write the report there
	  --instructions  instead of time, count the instructions of one execution in
                  the small tenant; takes valgrind
  --quick         a trial: 60000 records, 100 tenants, 3 rounds of 1 second
	  --protected     read a table of an application under casnet.protect()
	  --no-build      use the installed casnet
	  --keep          leave the server running
	HELP
}

# options ARGUMENT...: set the variables above.
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
			--protected) TABLE=public.cases ;;
			--no-build) BUILD=0 ;;
			--instructions) INSTRUCTIONS=1 ;;
			--keep) KEEP_ASKED=1 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done
	LARGE=1
	SMALL=$((TENANTS / 2))
}

# protect_table: copy the records into a table that casnet.protect() protects.
protect_table()
{
	[ "$(super -d $DATABASE -At -c "SELECT to_regclass('$TABLE') IS NULL")" = t ] || return 0
	say "copying the records into $TABLE"
	super -d $DATABASE -o /dev/null -c "
		CREATE TABLE $TABLE AS
		SELECT tenant_id, id, title, content, created_at, updated_at FROM casnet.records" \
		-c "ALTER TABLE $TABLE ADD PRIMARY KEY (tenant_id, id)" \
		-c "CREATE INDEX ON $TABLE (tenant_id, created_at, id)" \
		-c "SELECT casnet.protect('$TABLE')" -c "VACUUM (FREEZE, ANALYZE) $TABLE"
}

# sql WAY QUERY TENANT ID: the statement.  Like an application, it sends the id as a
# parameter where the protocol has parameters.  The tenant of the hand-written query
# is a constant, its best case.  With the way "param" it is a parameter, which
# applications send, too.
sql()
{
	local where='' id joined tenant=':tenant'

	[ "$1" = param ] || tenant="'$(tenant_id "$3")'"
	id=${4:-}
	case $2 in
		point)
			[ "$1" = casnet ] || where="tenant_id = $tenant AND "
			echo "SELECT id, title, content, created_at FROM $TABLE WHERE ${where}id = $id;" ;;
		page)
			[ "$1" = casnet ] || where=" WHERE tenant_id = $tenant"
			echo "SELECT id, title, created_at FROM $TABLE$where ORDER BY created_at DESC, id DESC LIMIT 20;" ;;
		count)
			[ "$1" = casnet ] || where=" WHERE tenant_id = $tenant"
			echo "SELECT count(*) FROM $TABLE$where;" ;;
		tagjoin)
			[ "$1" = casnet ] || where="r.tenant_id = $tenant AND "
			joined="$TABLE AS r"
			joined+=' JOIN casnet.record_tags AS l ON l.tenant_id = r.tenant_id AND l.record_id = r.id'
			joined+=' JOIN casnet.tags AS t ON t.tenant_id = l.tenant_id AND t.id = l.tag_id'
			echo "SELECT r.id, r.title, r.created_at FROM $joined WHERE ${where}t.name = 'tag 3' ORDER BY r.created_at DESC, r.id DESC LIMIT 20;" ;;
		*) die "there is no query $2" ;;
	esac
}

# plan WAY QUERY TENANT: EXPLAIN with costs.
plan()
{
	way "$1" "$3" "$BINDIR/psql" -X -q -At -d $DATABASE -v ON_ERROR_STOP=1 \
		-c "EXPLAIN $(sql "$1" "$2" "$3" "'$(record_id "$3" 1)'")"
}

# shape: the nodes of a plan with their estimated rows, without costs and
# conditions.  It leaves out a gate: a Result whose One-Time Filter compares two
# calls of tenant_with(), and whose child is one level, six columns, deeper.
shape()
{
	awk '
	/\(cost=/ {
		match($0, /[^ ]/)
		indent = RSTART
		if (gates && indent <= column)
			gates = 0
		node = gates ? substr($0, 7) : $0
		rows = node
		sub(/.* rows=/, "rows=", rows)
		sub(/ .*/, "", rows)
		sub(/ +\(cost=.*/, "", node)
		line[++n] = node " " rows
		here = indent
	}
	/One-Time Filter: .*tenant_with.*tenant_with/ { n--; gates = 1; column = here }
	END { for (i = 1; i <= n; i++) print line[i] }'
}

# same_plans QUERY TENANT LABEL: print both plans and their differences.
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
		if grep -q 'One-Time Filter' "$WORK/plan.casnet"; then
			report 'same nodes, same estimates, and a gate: the second permission, asked for once'
		else
			report 'same nodes, same estimates'
		fi
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

# scripts QUERY TENANT PROTOCOL: pgbench scripts for each way.  Each point
# read is a script of its own, so that no arithmetic on ids is measured.
scripts()
{
	local size n number=1 who id quote="'"

	[ "$3" = simple ] || quote=''
	VARIABLES=(-D "tenant=$(tenant_id "$2")")
	size=$(super -d $DATABASE -At -c "SELECT records FROM bench.size WHERE n = $2")
	[ "$1" != point ] || number=$POINT_READS
	rm -rf "$WORK"/scripts.* && mkdir "$WORK"/scripts.{casnet,hand,param}
	RANDOM=42
	for ((n = 0; n < number; n++)); do
		id=$(record_id "$2" $(((RANDOM * 32768 + RANDOM) % size + 1)))
		[ "$1" != point ] || VARIABLES+=(-D "id$n=$quote$id$quote")
		for who in casnet hand param; do
			sql $who "$1" "$2" ":id$n" > "$WORK/scripts.$who/$n.sql"
		done
	done
	own "$WORK"/scripts.*
}

# measure QUERY TENANT LABEL PROTOCOL: the rounds; the order is reversed each time.
# The simple protocol has no parameters.
measure()
{
	local round who ways='casnet hand param'
	local -A got=([param]='0 0')

	[ "$4" != simple ] || ways='casnet hand'
	: > "$WORK/rounds"
	for ((round = 1; round <= ROUNDS; round++)); do
		for who in $ways; do
			got[$who]=$(tps "$who" "$2" "$4")
		done
		ways=$(tac -s ' ' <<< "$ways" | xargs)
		echo "${got[casnet]} ${got[hand]} ${got[param]}" >> "$WORK/rounds"
	done
	awk -v q="$1" -v t="$3" -v p="$4" '{
		printf "%-8s %-6s %-9s", q, t, p
		for (i = 1; i <= 6; i++)
			printf " %9s", $i ? sprintf("%.1f", $i) : "-"
		print ""
		}' "$WORK/rounds" | tee -a "$WORK/raw"
	printf '%-8s %-6s %-9s %s  %s  %s  %s\n' "$1" "$3" "$4" "$(median 1 3)" "$(median 2 4)" \
		"$([ "$4" = simple ] || median 1 5)" "$([ "$4" = simple ] || median 2 6)" |
		sed 's/ *$//' >> "$WORK/table"
}

# executed WAY QUERY TENANT TIMES: instructions of a server in single-user mode that
# executes a prepared statement this many times.
executed()
{
	local n

	{
		echo "SET ROLE bench_$1;"
		if [ "$1" = casnet ]; then
			echo "SET casnet.user_id = '$(record_id 0 "$3")';"
			echo "SET casnet.tenant_id = '$(tenant_id "$3")';"
		fi
		echo "PREPARE q AS $(sql "$1" "$2" "$3" "'$(record_id "$3" 1)'")"
		for ((n = 0; n < $4; n++)); do
			echo 'EXECUTE q;'
		done
	} > "$WORK/single.sql"
	as_server valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		"$BINDIR/postgres" --single -D "$SERVER_DATA" $DATABASE \
		< "$WORK/single.sql" > "$WORK/single.log" 2>&1 ||
		die 'the single-user server failed' "$(tail -n 3 "$WORK/single.log")"
	! grep -q 'ERROR:' "$WORK/single.log" || die "$(grep -m 1 'ERROR:' "$WORK/single.log")"
	sed -n 's/^.*Collected : //p' "$WORK/single.log"
}

# count_instructions: the instructions of one execution, from the difference of many
# and few.
count_instructions()
{
	local query who
	local -A got

	as_server "$BINDIR/pg_ctl" -s -D "$SERVER_DATA" -m fast -w stop
	report ''
	report 'Instructions of one EXECUTE, small tenant'
	report ''
	report "$(printf '%-8s %9s %9s %9s' query casnet constant more)"
	for query in "${QUERIES[@]}"; do
		for who in casnet hand; do
			got[$who]=$((($(executed $who "$query" "$SMALL" 300) - $(executed $who "$query" "$SMALL" 100)) / 200))
		done
		report "$(printf '%-8s %9d %9d %9d' "$query" "${got[casnet]}" "${got[hand]}" $((got[casnet] - got[hand])))"
	done
}

main()
{
	local query tenant protocol program n

	options "$@"
	setup_work
	need_packages demo
	[ "$BUILD" -eq 0 ] || build_and_install ''
	for program in taskset "$BINDIR/pgbench"; do
		command -v "$program" > /dev/null || die "$program is missing"
	done
	start_pinned
	load
	[ "$TABLE" = casnet.records ] || protect_table

	report "casnet $(super -d $DATABASE -At -c "SELECT extversion FROM pg_extension WHERE extname = 'casnet'"), PostgreSQL $(super -d $DATABASE -At -c 'SHOW server_version')"
	report "$(super -d $DATABASE -At -c "SELECT format('%s records, %s record_tags, %s tenants; large: %s records, small: %s records',
		(SELECT count(*) FROM casnet.records), (SELECT count(*) FROM casnet.record_tags), (SELECT count(*) FROM casnet.tenants),
		(SELECT records FROM bench.size WHERE n = $LARGE), (SELECT records FROM bench.size WHERE n = $SMALL))")"
	report "table $TABLE"
	report "$ROUNDS rounds of $SECONDS_EACH s for each, one client, server and client on one processor"
	report ''
	report 'Plans'
	for query in "${QUERIES[@]}"; do
		same_plans "$query" $LARGE large
		same_plans "$query" "$SMALL" small
	done

	if [ "$INSTRUCTIONS" -eq 1 ]; then
		count_instructions
		[ -z "$OUTPUT" ] || cp "$WORK/report" "$OUTPUT"
		[ $FAULTS -eq 0 ] || die "$FAULTS plans are not as they should be, see above"
		return
	fi

	say 'measuring: tps and tps/cpu of casnet, constant, parameter'
	: > "$WORK/raw"
	: > "$WORK/table"
	for protocol in "${PROTOCOLS[@]}"; do
		for query in "${QUERIES[@]}"; do
			for tenant in large small; do
				if [ $tenant = large ]; then n=$LARGE; else n=$SMALL; fi
				scripts "$query" "$n" "$protocol"
				measure "$query" "$n" $tenant "$protocol"
			done
		done
	done
	{
		echo
		echo 'Rounds: casnet, and hand-written with the tenant as a constant and as a'
		echo 'parameter; transactions per second, and per second of processor time'
		echo
		printf '%-8s %-6s %-9s %9s %9s %9s %9s %9s %9s\n' query tenant protocol \
			casnet /cpu constant /cpu parameter /cpu
		cat "$WORK/raw"
	} >> "$WORK/report"
	report ''
	report 'Ratio of casnet to the hand-written query, the tenant being a constant or a'
	report 'parameter: median and range'
	report ''
	report "$(printf '%-8s %-6s %-9s %-18s %-18s %-18s %s' query tenant protocol \
		'constant: tps' 'tps/cpu' 'parameter: tps' 'tps/cpu')"
	tee -a "$WORK/report" < "$WORK/table"
	[ -z "$OUTPUT" ] || cp "$WORK/report" "$OUTPUT"
	if [ "$KEEP_ASKED" -eq 1 ]; then
		KEEP_WORK=1
		say "the server runs on: -h $WORK/sock -U postgres $DATABASE; data in $SERVER_DATA"
	fi
	[ $FAULTS -eq 0 ] || die "$FAULTS plans are not as they should be, see above"
}

main "$@"
