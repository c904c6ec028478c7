#!/usr/bin/env bash
#
# features.sh - what tags, search and tagging in bulk cost, against queries written
# by hand for a constant tenant and run without policies.  They run in turn, on a
# private server pinned to one processor.
set -euo pipefail
# shellcheck source=bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

WORKLOADS=(all_rare all_common any_rare any_common none_rare none_common
	search_rare search_common search_count search_records tag_1000)
SECONDS_EACH=1

usage()
{
	cat <<-HELP
	usage: bench/features.sh [option]...

	  --rows N, --tenants N    size of the database ($RECORDS, $TENANTS)
	  --seconds N, --rounds N  length and number of measurements ($SECONDS_EACH, $ROUNDS)
	  --workloads L            separated by commas (all)
	  --processor N            run server and client on that processor ($PROCESSOR)
	  --data-dir DIR           keep the loaded database there, and use it again
	  --output FILE            also write the report there
	  --quick                  a trial: 60000 records, 100 tenants, 3 rounds
	  --no-build               use the installed casnet
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
			--workloads) IFS=, read -ra WORKLOADS <<< "$2"; shift ;;
			--processor) PROCESSOR=$2; shift ;;
			--data-dir) DATA_DIR=$2; shift ;;
			--output) OUTPUT=$2; shift ;;
			--quick) RECORDS=60000 TENANTS=100 ROUNDS=3 ;;
			--no-build) BUILD=0 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done
}

# quoted NAME...: the names as SQL literals, separated by commas.
quoted()
{
	local name list=''

	for name in "$@"; do
		list+=", '$name'"
	done
	printf '%s' "${list:2}"
}

# tag_number NAME: of load.sql.
tag_number()
{
	if [ "$1" = rare ]; then echo 21; else echo "${1#tag }"; fi
}

# linked FORM N NAME...: EXISTS (a link of r with one of these tags of tenant N).
# By hand there are three forms: tags are joined by name; their ids are subqueries;
# or the ids are known, which takes an earlier statement.
linked()
{
	local form=$1 n=$2 tenant name ids='' join='' condition

	tenant=$(tenant_id "$n")
	shift 2
	case $form in
		join)
			join=" JOIN casnet.tags AS t ON t.tenant_id = '$tenant' AND t.id = l.tag_id"
			condition="t.name IN ($(quoted "$@"))" ;;
		subquery)
			condition="(SELECT id FROM casnet.tags WHERE tenant_id = '$tenant' AND name IN ($(quoted "$@")))"
			if [ $# -eq 1 ]; then
				condition="l.tag_id = $condition"
			else
				condition="l.tag_id = ANY (ARRAY$condition)"
			fi ;;
		ids)
			for name in "$@"; do
				ids+=", '$(record_id "$n" $((16777216 + $(tag_number "$name"))))'"
			done
			condition="l.tag_id IN (${ids:2})" ;;
	esac
	echo "EXISTS (SELECT FROM casnet.record_tags AS l$join WHERE l.tenant_id = '$tenant' AND l.record_id = r.id AND $condition)"
}

# tags WAY N MODE NAME...: the newest records with all of, any of or none of them.
tags()
{
	local form=$1 n=$2 mode=$3 name where

	shift 3
	if [ "$form" = casnet ]; then
		where="id IN (SELECT casnet.records_tagged(${mode}_of => ARRAY[$(quoted "$@")]))"
	else
		where="tenant_id = '$(tenant_id "$n")'"
		case $mode in
			all) for name in "$@"; do where+=" AND $(linked "$form" "$n" "$name")"; done ;;
			any) where+=" AND $(linked "$form" "$n" "$@")" ;;
			none) where+=" AND NOT $(linked "$form" "$n" "$@")" ;;
		esac
	fi
	echo "SELECT id, title, created_at FROM casnet.records AS r WHERE $where ORDER BY created_at DESC, id DESC LIMIT 20;"
}

# search WAY N WORDS: the newest records that match.
search()
{
	local where="search_vector OPERATOR(casnet.@~) casnet.search_query('$3')"

	[ "${1#casnet}" != "$1" ] || where="tenant_id = '$(tenant_id "$2")' AND $where"
	# what people write, with an index of its own
	[ "$1" != casnet-plain ] || where="search_vector @@ casnet.search_query('$3')"
	[ "$1" != hand-plain ] || where="tenant_id = '$(tenant_id "$2")' AND search_vector @@ casnet.search_query('$3')"
	echo "SELECT id, title, created_at FROM casnet.records WHERE $where ORDER BY created_at DESC, id DESC LIMIT 20;"
}

# best_ranked WAY N WORDS: what search_records() does.
best_ranked()
{
	if [ "$1" = casnet ]; then
		echo "SELECT * FROM casnet.search_records('$3');"
	else
		cat <<-SQL
			SELECT f.id, f.title, replace(replace(replace(replace(replace(ts_headline('casnet.search', translate(f.content, E'\\x02\\x03', ''), casnet.search_query('$3'), E'StartSel=\\x02, StopSel=\\x03, MaxFragments=2, MinWords=5, MaxWords=18'), '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), E'\\x02', '<b>'), E'\\x03', '</b>'), f.rank FROM (SELECT id, title, content, ts_rank(search_vector, casnet.search_query('$3')) AS rank FROM casnet.records WHERE tenant_id = '$(tenant_id "$2")' AND search_vector OPERATOR(casnet.@~) casnet.search_query('$3') ORDER BY rank DESC, id DESC LIMIT 20) AS f ORDER BY f.rank DESC, f.id DESC;
		SQL
	fi
}

# tagging WAY N: give five tags to a thousand records, and remove them again.
tagging()
{
	local new="'new 1', 'new 2', 'new 3', 'new 4', 'new 5'"
	local chosen

	chosen="SELECT id FROM casnet.records WHERE tenant_id = '$(tenant_id "$2")' ORDER BY id LIMIT 1000"

	echo 'BEGIN;'
	case $1 in
		casnet) echo "SELECT casnet.tag_records(ARRAY(SELECT id FROM casnet.records ORDER BY id LIMIT 1000), ARRAY[$new]);" ;;
		casnet-each) echo "SELECT sum(casnet.tag_record(id, $new)) FROM (SELECT id FROM casnet.records ORDER BY id LIMIT 1000) AS r;" ;;
		*) echo "INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id) SELECT '$(tenant_id "$2")', r.id, t.id FROM ($chosen) AS r, casnet.tags AS t WHERE t.tenant_id = '$(tenant_id "$2")' AND t.name IN ($new) ON CONFLICT DO NOTHING;" ;;
	esac
	echo 'ROLLBACK;'
}

# ways WORKLOAD: casnet first, then what it is compared with.
ways()
{
	case $1 in
		all_* | any_* | none_*) echo casnet join subquery ids ;;
		search_records) echo casnet hand ;;
		search_*) echo casnet hand hand-plain casnet-plain ;;
		tag_1000) echo casnet casnet-each hand ;;
		*) die "there is no workload $1" ;;
	esac
}

# statement WAY WORKLOAD N
statement()
{
	case $2 in
		all_rare) tags "$1" "$3" all 'tag 3' rare ;;
		all_common) tags "$1" "$3" all 'tag 1' 'tag 2' ;;
		any_rare) tags "$1" "$3" any rare 'tag 20' ;;
		any_common) tags "$1" "$3" any 'tag 1' 'tag 2' ;;
		none_rare) tags "$1" "$3" none rare 'tag 20' ;;
		none_common) tags "$1" "$3" none 'tag 1' 'tag 2' ;;
		search_rare) search "$1" "$3" 'word1900' ;;
		search_common) search "$1" "$3" 'word3 word5' ;;
		search_count) search "$1" "$3" 'word900' | sed 's/SELECT .* FROM/SELECT count(*) FROM/; s/ ORDER BY.*;/;/' ;;
		search_records) best_ranked "$1" "$3" 'word1500 or "word1700"' ;;
		tag_1000) tagging "$1" "$3" ;;
	esac
}

# prepare_load: what these workloads need besides load.sql.
prepare_load()
{
	super -d $DATABASE -c "
		INSERT INTO casnet.tags (tenant_id, name)
		SELECT '$(tenant_id 1)', 'new ' || n FROM generate_series(1, 5) AS n
		ON CONFLICT DO NOTHING" -c "
		CREATE INDEX IF NOT EXISTS bench_at_at ON casnet.records
		USING gin (tenant_id casnet.gin_uuid_ops, search_vector)" \
		-c 'VACUUM ANALYZE casnet.records' -c 'VACUUM ANALYZE casnet.tags'
}

# compare WORKLOAD N LABEL: the rounds; the order is reversed each time.
compare()
{
	local round who n=0
	local -a list
	local -A got=()

	read -ra list <<< "$(ways "$1")"
	for who in "${list[@]}"; do
		rm -rf "$WORK/scripts.$who" && mkdir "$WORK/scripts.$who"
		statement "$who" "$1" "$2" > "$WORK/scripts.$who/0.sql"
		report "$1, $3 tenant, $who:"
		[ "$1" = tag_1000 ] || way "$who" "$2" "$BINDIR/psql" -X -q -At -d $DATABASE \
			-v ON_ERROR_STOP=1 -c "EXPLAIN $(cat "$WORK/scripts.$who/0.sql")" |
			sed 's/^/    /' | tee -a "$WORK/report" > /dev/null
	done
	own "$WORK"/scripts.*
	: > "$WORK/rounds"
	for ((round = 1; round <= ROUNDS; round++)); do
		for who in $(if ((round % 2)); then echo "${list[@]}"; else printf '%s\n' "${list[@]}" | tac; fi); do
			got[$who]=$(tps "$who" "$2" prepared)
			got[$who]=${got[$who]%% *}
		done
		for who in "${list[@]}"; do
			printf '%s ' "${got[$who]}"
		done >> "$WORK/rounds"
		echo >> "$WORK/rounds"
	done
	{
		echo "$1, $3 tenant: ${list[*]}"
		cat "$WORK/rounds"
	} >> "$WORK/raw"
	for who in "${list[@]:1}"; do
		n=$((n + 1))
		printf '%-14s %-6s %-7s over %-12s %s\n' "$1" "$3" casnet "$who" "$(median 1 $((n + 1)))"
		if [ "$1" = tag_1000 ] && [ "$who" = hand ]; then
			printf '%-14s %-6s %-7s over %-12s %s\n' "$1" "$3" each "$who" "$(median 2 $((n + 1)))"
		fi
	done | tee -a "$WORK/table"
}

main()
{
	local workload

	options "$@"
	setup_work
	need_packages demo
	[ "$BUILD" -eq 0 ] || build_and_install ''
	start_pinned
	load
	say 'one more index, for plain @@'
	prepare_load
	report "casnet, PostgreSQL $(super -d $DATABASE -At -c 'SHOW server_version')"
	report "$(super -d $DATABASE -At -c "SELECT format('%s records, %s links, %s tenants; large: %s records, small: %s',
		(SELECT count(*) FROM casnet.records), (SELECT count(*) FROM casnet.record_tags), (SELECT count(*) FROM casnet.tenants),
		(SELECT records FROM bench.size WHERE n = 1), (SELECT records FROM bench.size WHERE n = $((TENANTS / 2))))")"
	report "$ROUNDS rounds of $SECONDS_EACH s for each, prepared, one client, server and client on one processor"
	: > "$WORK/raw"
	: > "$WORK/table"
	for workload in "${WORKLOADS[@]}"; do
		compare "$workload" 1 large
		[ "$workload" = tag_1000 ] || compare "$workload" $((TENANTS / 2)) small
	done
	report ''
	report 'Rounds: transactions per second'
	tee -a "$WORK/report" < "$WORK/raw" > /dev/null
	report ''
	report 'Ratio of casnet to the same by hand: median and range'
	tee -a "$WORK/report" < "$WORK/table"
	[ -z "$OUTPUT" ] || cp "$WORK/report" "$OUTPUT"
}

main "$@"
