#!/usr/bin/env bash
#
# load_view.sh - what loading through a view costs: COPY by a tenant user into
# casnet.records_load and record_tags_load, over COPY of the same rows into the
# table itself by a superuser, to whom no policy applies.  They run in turn, on a
# private server pinned to one processor with its client.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

ROWS=50000
ROUNDS=9
PROCESSOR=1
BUILD=1
DATABASE=postgres
USER_ID=00000000-0000-7000-8000-000000000001
TENANT=00000000-0000-7000-8000-0000000000a0

usage()
{
	cat <<-HELP
	usage: bench/load_view.sh [--rows N] [--rounds N] [--processor N] [--no-build]
	HELP
}

options()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--rows) ROWS=$2; shift ;;
			--rounds) ROUNDS=$2; shift ;;
			--processor) PROCESSOR=$2; shift ;;
			--no-build) BUILD=0 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done
}

# prepare: make a tenant with its owner and 20 tags, and the files to load.  Each
# record has a third of a kilobyte and three tags in turn; ids are in order of
# creation.
prepare()
{
	super -d $DATABASE <<-SQL
		CREATE EXTENSION casnet;
		CREATE ROLE bench_load LOGIN IN ROLE casnet_authenticator;
		INSERT INTO casnet.users (id, username, email) VALUES ('$USER_ID', 'olga', 'olga@example.org');
		INSERT INTO casnet.tenants (id, name) VALUES ('$TENANT', 'North');
		INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$USER_ID', '$TENANT', 'owner');
		CREATE FUNCTION public.item(kind integer, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE RETURN
			('0189' || lpad(kind::text, 4, '0') || '-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid;
		INSERT INTO casnet.tags (tenant_id, id, name) SELECT '$TENANT', item(2, n), 'tag ' || n FROM generate_series(0, 19) AS n;
	SQL
	super -d $DATABASE -c "\\copy (SELECT '$TENANT', item(1, n), 'Case ' || n, repeat('Visited at home, spoke to both parents. ', 1 + n % 15) FROM generate_series(1, $ROWS) AS n) TO pstdout (FORMAT csv)" > "$WORK/records.csv"
	super -d $DATABASE -c "\\copy (SELECT '$TENANT', item(1, n), item(2, n % 20) FROM generate_series(1, $ROWS) AS n) TO pstdout (FORMAT csv)" > "$WORK/record_tags.csv"
	own "$WORK"/*.csv
}

columns()
{
	case $1 in
		records) echo 'tenant_id, id, title, content' ;;
		record_tags) echo 'tenant_id, record_id, tag_id' ;;
	esac
}

# milliseconds WAY TABLE: the time of one COPY into the empty table.
milliseconds()
{
	local user=postgres target=casnet.$2

	if [ "$2" = records ]; then
		super -d $DATABASE -c 'SET client_min_messages = warning' -c 'TRUNCATE casnet.records CASCADE' -c CHECKPOINT
	else
		super -d $DATABASE -c 'TRUNCATE casnet.record_tags' -c CHECKPOINT
	fi
	if [ "$1" = view ]; then
		user=bench_load
		target=casnet.$2_load
	fi
	as_server "$BINDIR/psql" -X -q -v ON_ERROR_STOP=1 -U $user -d $DATABASE <<-SQL > "$WORK/copy.log"
		SET casnet.user_id = '$USER_ID';
		SET casnet.tenant_id = '$TENANT';
		\\timing on
		\\copy $target ($(columns "$2")) FROM '$WORK/$2.csv' (FORMAT csv)
	SQL
	sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$WORK/copy.log"
}

# summary: median and range of the numbers on stdin.
summary()
{
	sort -n | awk '{ v[NR] = $1 } END {
		m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
		printf "%.3f (%.3f to %.3f)\n", m, v[1], v[NR] }'
}

main()
{
	local table round view plain

	options "$@"
	setup_work
	need_packages demo
	[ "$BUILD" -eq 0 ] || build_and_install ''
	command -v taskset > /dev/null || die 'taskset is missing'
	chmod go+rx "$WORK"
	taskset -cp "$PROCESSOR" $$ > /dev/null
	start_server
	prepare

	say "PostgreSQL $(super -d $DATABASE -At -c 'SHOW server_version'), $ROWS rows, $ROUNDS rounds"
	echo 'rows a second through the view over those of plain COPY: median and range'
	for table in records record_tags; do
		# the last round has left the records that the links need
		for ((round = 1; round <= ROUNDS; round++)); do
			if ((round % 2)); then
				view=$(milliseconds view $table)
				plain=$(milliseconds plain $table)
			else
				plain=$(milliseconds plain $table)
				view=$(milliseconds view $table)
			fi
			echo "$plain $view"
		done > "$WORK/rounds"
		printf '%-12s %s   (%s us a row)\n' $table \
			"$(awk '{ print $1 / $2 }' "$WORK/rounds" | summary)" \
			"$(awk -v n="$ROWS" '{ printf "%.1f and %.1f\n", 1000 * $2 / n, 1000 * $1 / n }' "$WORK/rounds" |
				sort -n | sed -n "$(((ROUNDS + 1) / 2))p")"
	done
}

main "$@"
