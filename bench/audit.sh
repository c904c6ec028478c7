#!/usr/bin/env bash
#
# audit.sh - what the audit costs: insertions into casnet.records as a tenant user,
# audited over not audited, and over the usual trigger in PL/pgSQL that inserts
# to_jsonb(NEW) into a table.  Everything runs on a private server and one
# processor.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

ROUNDS=9
SECONDS_EACH=2
PROCESSOR=1
BUILD=1

usage()
{
	echo 'usage: bench/audit.sh [--rounds N] [--seconds N] [--processor N] [--no-build]'
}

options()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--rounds) ROUNDS=$2; shift ;;
			--seconds) SECONDS_EACH=$2; shift ;;
			--processor) PROCESSOR=$2; shift ;;
			--no-build) BUILD=0 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done
}

# load: three databases that differ only in the audit.
load()
{
	local way

	super -d postgres -c 'CREATE DATABASE none'
	super -d none <<-'SQL'
		CREATE EXTENSION casnet;
		CREATE ROLE bench_app LOGIN IN ROLE casnet_authenticator;
		INSERT INTO casnet.users (id, username, email) VALUES ('00000000-0000-7000-8000-000000000001', 'u', 'u@example.org');
		INSERT INTO casnet.tenants (id, name) VALUES ('00000000-0000-7000-8000-0000000000a0', 't');
		INSERT INTO casnet.user_tenants (user_id, tenant_id, role) SELECT u.id, t.id, 'owner' FROM casnet.users AS u, casnet.tenants AS t;
	SQL
	for way in casnet plpgsql; do
		super -d postgres -c "CREATE DATABASE $way TEMPLATE none"
	done
	super -d casnet -c "SELECT casnet.enable_audit('casnet.records')" > "$WORK/load.log"
	super -d plpgsql <<-'SQL'
		CREATE TABLE public.log (
			id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			at timestamptz NOT NULL DEFAULT clock_timestamp(), tenant_id uuid, transaction_id bigint,
			user_id uuid, role text, relation text, action text, before jsonb, after jsonb);
		CREATE INDEX ON public.log (tenant_id, at);
		CREATE FUNCTION public.log_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
		BEGIN
			INSERT INTO public.log (tenant_id, transaction_id, user_id, role, relation, action, before, after)
			VALUES (coalesce(NEW.tenant_id, OLD.tenant_id), pg_current_xact_id()::text::bigint, casnet.current_user_id(),
				session_user, TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, TG_OP,
				CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
			RETURN NULL;
		END
		$$;
		CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON casnet.records FOR EACH ROW EXECUTE FUNCTION public.log_change();
	SQL
}

# scripts: one row, and many.
scripts()
{
	cat > "$WORK/1.sql" <<-'SQL'
		INSERT INTO casnet.records (title, content) VALUES ('Home visit', 'Spoke to both parents. The school has not called.');
	SQL
	cat > "$WORK/1000.sql" <<-'SQL'
		INSERT INTO casnet.records (title, content) SELECT 'Home visit ' || n, 'Spoke to both parents. The school has not called.' FROM generate_series(1, 1000) AS n;
	SQL
}

# tps WAY SCRIPT: transactions per second of one run.
tps()
{
	PGOPTIONS='-c casnet.user_id=00000000-0000-7000-8000-000000000001 -c casnet.tenant_id=00000000-0000-7000-8000-0000000000a0' \
		as_server "$BINDIR/pgbench" -n -M prepared -c 1 -T "$SECONDS_EACH" -U bench_app \
		-f "$WORK/$2.sql" "$1" > "$WORK/pgbench.log" 2>&1 ||
		die 'pgbench failed' "$(tail -n 3 "$WORK/pgbench.log")"
	sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$WORK/pgbench.log"
}

# summary: median and range of the numbers on stdin.
summary()
{
	sort -n | awk '{ v[NR] = $1 } END {
		m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
		printf "%.3f   %.3f to %.3f\n", m, v[1], v[NR] }'
}

# compare SCRIPT: rounds of the three ways; the order is reversed each time.
compare()
{
	local round way order

	for ((round = 1; round <= ROUNDS; round++)); do
		order='none casnet plpgsql'
		[ $((round % 2)) -eq 1 ] || order='plpgsql casnet none'
		for way in $order; do
			printf '%s %s\n' "$way" "$(tps "$way" "$1")"
		done | sort | awk '{ printf "%s ", $2 } END { print "" }'
		for way in none casnet plpgsql; do
			super -d $way -c CHECKPOINT
		done
	done > "$WORK/rounds"
	# in the order of the names: casnet none plpgsql
	printf '%-16s over no audit %s\n' "$1 rows" "$(awk '{ print $1 / $2 }' "$WORK/rounds" | summary)"
	printf '%-16s over PL/pgSQL %s\n' '' "$(awk '{ print $1 / $3 }' "$WORK/rounds" | summary)"
	printf '%-16s time added by PL/pgSQL over time added by casnet %s\n' '' \
		"$(awk '$2 > $1 { print (1 / $3 - 1 / $2) / (1 / $1 - 1 / $2) }' "$WORK/rounds" | summary)"
}

main()
{
	options "$@"
	setup_work
	need_packages demo
	[ "$BUILD" -eq 0 ] || build_and_install ''
	for program in taskset "$BINDIR/pgbench"; do
		command -v "$program" > /dev/null || die "$program is missing"
	done
	chmod go+rx "$WORK"
	taskset -cp "$PROCESSOR" $$ > /dev/null
	start_server
	load
	scripts
	say "PostgreSQL $(super -d none -Atc 'SHOW server_version'), $ROUNDS rounds of $SECONDS_EACH s: median and range"
	compare 1
	compare 1000
}

main "$@"
