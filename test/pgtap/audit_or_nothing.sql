-- If a change cannot be recorded, it is refused.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.mine (tenant_id uuid, id int PRIMARY KEY);
SELECT casnet.enable_audit('public.mine');
\set write 'INSERT INTO public.mine VALUES (NULL, 1)'
SELECT lives_ok(:'write', 'a row without tenant is recorded');
DELETE FROM public.mine;
SAVEPOINT a;
SELECT set_config('client_min_messages', 'error', true);
DO $$ DECLARE p regclass; BEGIN
	FOR p IN SELECT relation FROM casnet_internal.audit_partitions() LOOP EXECUTE format('DROP TABLE %s', p); END LOOP;
END $$;
SELECT throws_ok(:'write', '55000', 'the audit cannot record the change', 'without a partition');
SELECT casnet.install();
SELECT lives_ok(:'write', 'until install() makes it');
ROLLBACK TO a;
ALTER TABLE casnet_internal.audit_entries ADD COLUMN note text DEFAULT 'x' NOT NULL;
SELECT throws_ok(:'write', '23502', NULL, 'a column of the audit that must not be null');
ROLLBACK TO a;
ALTER TABLE casnet_internal.audit_entries RENAME COLUMN before TO earlier;
SELECT throws_ok(:'write', '55000', 'the audit cannot record the change', 'a column of the audit that is missing');
ROLLBACK TO a;
ALTER TABLE public.mine DROP CONSTRAINT mine_pkey;
SELECT throws_ok(:'write', '55000', 'audited table public.mine has no primary key', 'the key of the table');
ROLLBACK TO a;
ALTER TABLE public.mine RENAME tenant_id TO t;
SELECT throws_ok(:'write', '55000', 'audited table public.mine has no column tenant_id of type uuid', 'its tenant');
ROLLBACK TO a;
CREATE INDEX ON casnet_internal.audit_entries USING gin (after);
CREATE INDEX ON casnet_internal.audit_entries ((after->>'id')) WHERE tenant_id IS NULL;
INSERT INTO public.mine VALUES (NULL, 1), (NULL, 2);
SET LOCAL enable_seqscan = off;
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE after @> '{"id": 2}') + (SELECT count(*) FROM casnet_internal.audit_entries WHERE tenant_id IS NULL AND after->>'id' = '2'), 2::bigint, 'any index on the audit is kept up');
SELECT casnet.disable_audit('public.mine');
CREATE TRIGGER casnet_audit BEFORE INSERT ON public.mine FOR EACH ROW EXECUTE FUNCTION casnet_internal.record_change();
SELECT throws_ok(:'write', '39P01', NULL, 'a trigger of another kind');
SELECT * FROM finish();
ROLLBACK;
