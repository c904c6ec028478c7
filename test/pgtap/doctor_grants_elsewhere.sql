-- casnet.doctor() on privileges on functions, partitions and statistics.
BEGIN;
SELECT plan(22);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_owner;

GRANT EXECUTE ON FUNCTION casnet.can(text), casnet.login(text, text, uuid, interval) TO tap_app;
GRANT EXECUTE ON FUNCTION casnet_internal.issue_token(uuid, uuid, interval) TO tap_owner;
SELECT is(diagnosis('grant-function'), NULL, 'what applications may call anyway, and others');
GRANT EXECUTE ON FUNCTION casnet_internal.issue_token(uuid, uuid, interval), casnet.retire_signing_key(text) TO tap_app;
SELECT is(diagnosis('grant-function'), 'error casnet.retire_signing_key(text), error casnet_internal.issue_token(uuid,uuid,interval)', 'what makes tokens');
SELECT is(after_remedy('grant-function'), 'silent', 'remedy');
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA casnet, casnet_internal TO casnet_user;
SELECT cmp_ok((SELECT count(*) FROM casnet.doctor() WHERE code = 'grant-function'), '>', 20::bigint, 'all functions');
SELECT is(after_remedy('grant-function'), 'silent', 'remedy');
SELECT ok(has_function_privilege('casnet_user', 'casnet.can(text)', 'EXECUTE'), 'the others stay');
ALTER FUNCTION casnet_internal.issue_token(uuid, uuid, interval) OWNER TO tap_app;
SELECT is(diagnosis('grant-function'), 'error casnet_internal.issue_token(uuid,uuid,interval)', 'an application that owns it');
SELECT is(after_remedy('grant-function'), 'silent', 'remedy');

-- A statement names the parent or the partition.
CREATE TABLE public.visits (tenant_id uuid, day date) PARTITION BY RANGE (day);
CREATE TABLE public.visits_2024 PARTITION OF public.visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY RANGE (day);
CREATE TABLE public.visits_2024_1 PARTITION OF public.visits_2024 FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE POLICY visits ON public.visits USING (tenant_id = casnet.tenant_with('view_records'));
ALTER TABLE public.visits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON public.visits TO tap_app;
GRANT SELECT ON public.visits_2024_1 TO tap_owner;
SELECT is(diagnosis('partition-open'), NULL, 'by the parent');
SELECT is(diagnosis('table-open'), NULL, 'and a partition');
SELECT is(diagnosis('table-unprotected'), NULL, 'is no table of its own');
GRANT SELECT, INSERT (day) ON public.visits_2024_1 TO tap_app;
SELECT is(diagnosis('partition-open'), 'error public.visits_2024_1', 'by the partition');
SELECT is(after_remedy('partition-open'), 'silent', 'remedy');
ALTER TABLE public.visits_2024 ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON public.visits_2024 TO tap_app;
SELECT is(diagnosis('partition-open'), NULL, 'by one that denies everybody');
DROP TABLE public.visits_2024_1;
CREATE TABLE public.visits_2024_2 PARTITION OF public.visits_2024 FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
ALTER TABLE public.visits_2024_2 OWNER TO tap_app;
SELECT is(diagnosis('partition-open'), 'error public.visits_2024_2', 'by one that an application owns');
GRANT SELECT ON public.visits_2024_2 TO tap_owner;
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'partition-open'), 1::bigint, 'reported once');
SELECT is(after_remedy('partition-open'), 'silent', 'remedy');

SELECT is(diagnosis('statements-readable'), NULL, 'statistics of statements');
CREATE EXTENSION pg_stat_statements;
SELECT matches(diagnosis('statements-readable'), '^warning public.pg_stat_statements\(', 'that every role can read');
SELECT is(after_remedy('statements-readable'), 'silent', 'remedy');
SELECT format('ALTER FUNCTION %s OWNER TO tap_app', p.oid::regprocedure) FROM pg_proc AS p WHERE p.proname = 'pg_stat_statements' \gexec
SELECT matches(diagnosis('statements-readable'), '^warning public.pg_stat_statements\(', 'that an application owns');
SELECT is(after_remedy('statements-readable'), 'silent', 'remedy');
SELECT * FROM finish();
ROLLBACK;
