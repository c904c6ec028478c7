#!/usr/bin/env bash
#
# confidential.sh - what a restrictive policy for confidential records costs: the list in
# the record, as docs/own-tables.md has it, and lists in a table of their own, against the policies
# of casnet alone.  They run in turn, on a private server pinned to one processor.
set -euo pipefail
# shellcheck source=bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

WORKLOADS=(one page count search)
WAYS=(alone list table)
SECONDS_EACH=1

usage()
{
	cat <<-HELP
	usage: bench/confidential.sh [option]...

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

# prepare_lists: one record of a hundred is confidential.  A way is a role: each of the two
# policies is for one of them.
prepare_lists()
{
	super -d $DATABASE -c "
		DROP TABLE IF EXISTS public.assignments;
		DROP POLICY IF EXISTS list ON casnet.records;
		DROP POLICY IF EXISTS listed ON casnet.records;
		ALTER TABLE casnet.records DROP COLUMN IF EXISTS assigned;
		DO \$\$
		DECLARE
			way text;
		BEGIN
			FOREACH way IN ARRAY '{$(IFS=,; echo "${WAYS[*]}")}'::text[] LOOP
				IF to_regrole('bench_' || way) IS NULL THEN
					EXECUTE format('CREATE ROLE bench_%s LOGIN IN ROLE casnet_authenticator', way);
				END IF;
			END LOOP;
		END \$\$;
		ALTER TABLE casnet.records ADD COLUMN assigned uuid[] NOT NULL DEFAULT '{}';
		UPDATE casnet.records SET assigned = ARRAY['$(record_id 0 1)']::uuid[]
		 WHERE hashtext(id::text) % 100 = 0;
		CREATE TABLE public.assignments AS
			SELECT tenant_id, id AS record_id, u AS user_id FROM casnet.records, unnest(assigned) AS u;
		ALTER TABLE public.assignments ADD PRIMARY KEY (record_id, user_id);
		GRANT SELECT ON public.assignments TO casnet_user;
		CREATE POLICY list ON casnet.records AS RESTRICTIVE FOR SELECT TO bench_list
			USING (assigned = '{}' OR casnet.current_user_id() = ANY (assigned));
		CREATE POLICY listed ON casnet.records AS RESTRICTIVE FOR SELECT TO bench_table
			USING (NOT EXISTS (SELECT FROM public.assignments AS a WHERE a.record_id = records.id)
				   OR EXISTS (SELECT FROM public.assignments AS a WHERE a.record_id = records.id
							  AND a.user_id = casnet.current_user_id()))" \
		-c 'VACUUM FULL ANALYZE casnet.records' -c 'VACUUM ANALYZE public.assignments'
}

# statement WORKLOAD N
statement()
{
	local columns='SELECT id, title, created_at FROM casnet.records'
	local newest='ORDER BY created_at DESC, id DESC LIMIT 20;'

	case $1 in
		one) echo "$columns WHERE id = '$(record_id "$2" 7)';" ;;
		page) echo "$columns $newest" ;;
		count) echo 'SELECT count(*) FROM casnet.records;' ;;
		search) echo "$columns WHERE search_vector OPERATOR(casnet.@~) casnet.search_query('word3') $newest" ;;
		*) die "there is no workload $1" ;;
	esac
}

# way WAY TENANT COMMAND...: run the command as the role of that way, as a user who is on
# no list.
way()
{
	local who=$1 settings="-c casnet.user_id=$(record_id 0 "$2") -c casnet.tenant_id=$(tenant_id "$2")"

	shift 2
	as_server env PGUSER="bench_$who" PGOPTIONS="$settings" \
		taskset -c "$PROCESSOR" "$@"
}

# compare WORKLOAD N LABEL: the rounds; the order is reversed each time.
compare()
{
	local round who n=1
	local -A got=()

	for who in "${WAYS[@]}"; do
		rm -rf "$WORK/scripts.$who" && mkdir "$WORK/scripts.$who"
		statement "$1" "$2" > "$WORK/scripts.$who/0.sql"
	done
	own "$WORK"/scripts.*
	: > "$WORK/rounds"
	for ((round = 1; round <= ROUNDS; round++)); do
		for who in $(if ((round % 2)); then echo "${WAYS[@]}"; else printf '%s\n' "${WAYS[@]}" | tac; fi); do
			got[$who]=$(tps "$who" "$2" prepared)
			# per processor time, which other programs disturb less
			got[$who]=${got[$who]##* }
		done
		for who in "${WAYS[@]}"; do
			printf '%s ' "${got[$who]}"
		done >> "$WORK/rounds"
		echo >> "$WORK/rounds"
	done
	{
		echo "$1, $3 tenant: ${WAYS[*]}"
		cat "$WORK/rounds"
	} >> "$WORK/raw"
	for who in "${WAYS[@]:1}"; do
		n=$((n + 1))
		printf '%-8s %-6s time of %-6s over alone: %s\n' "$1" "$3" "$who" "$(median 1 $n)"
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
	say 'assigning users to one record of a hundred'
	prepare_lists
	report "casnet, PostgreSQL $(super -d $DATABASE -At -c 'SHOW server_version')"
	report "$(super -d $DATABASE -At -c "SELECT format('%s records, %s confidential, %s tenants; large: %s records, small: %s',
		(SELECT count(*) FROM casnet.records), (SELECT count(*) FROM casnet.records WHERE assigned <> '{}'), (SELECT count(*) FROM casnet.tenants),
		(SELECT records FROM bench.size WHERE n = 1), (SELECT records FROM bench.size WHERE n = $((TENANTS / 2))))")"
	report "$ROUNDS rounds of $SECONDS_EACH s for each, prepared, one client, server and client on one processor"
	: > "$WORK/raw"
	: > "$WORK/table"
	for workload in "${WORKLOADS[@]}"; do
		compare "$workload" 1 large
		compare "$workload" $((TENANTS / 2)) small
	done
	report ''
	report 'Rounds: transactions per second of processor time'
	tee -a "$WORK/report" < "$WORK/raw" > /dev/null
	report ''
	report 'Time with the policy over that without: median and range'
	tee -a "$WORK/report" < "$WORK/table"
	[ -z "$OUTPUT" ] || cp "$WORK/report" "$OUTPUT"
}

main "$@"
