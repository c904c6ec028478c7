-- When a tenant is deleted, the keys of an application's table change its rows exactly as
-- when only the referenced row is deleted.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
SELECT id AS record FROM casnet.records WHERE title = 'North record 3' \gset
-- The rows that remain after a statement: one refers to the record, one belongs to South,
-- one has no tenant.  All of it is undone.
CREATE FUNCTION public.left_by(key text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rows text;
BEGIN
	CREATE TABLE shop.notes (n int, tenant uuid, record_id uuid DEFAULT NULL, other int DEFAULT 7);
	EXECUTE 'ALTER TABLE shop.notes ADD FOREIGN KEY ' || key;
	ALTER TABLE shop.notes OWNER TO tap_maker;
	INSERT INTO shop.notes SELECT CASE title WHEN 'North record 3' THEN 1 ELSE 2 END, tenant_id, id, 0 FROM casnet.records WHERE title ~ '3$';
	INSERT INTO shop.notes VALUES (3, NULL, NULL, 0), (4, NULL, '00000000-0000-7000-8000-0000000003a0', 0);
	EXECUTE statement;
	SELECT string_agg(t::text, ' ' ORDER BY n) INTO rows FROM shop.notes AS t;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZY', MESSAGE = rows;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
SELECT is(public.left_by(key, format('SELECT casnet.delete_tenant(%L)', :'north')), public.left_by(key, format('DELETE FROM casnet.records WHERE id = %L', :'record')), key)
  FROM unnest(ARRAY['(tenant, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE CASCADE', '(tenant, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE SET NULL',
	'(tenant, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE SET NULL (record_id)',
	'(tenant, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE SET DEFAULT', '(tenant, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE SET DEFAULT (record_id)']) AS key;
SELECT is(public.left_by(key, format('SELECT casnet.delete_tenant(%L)', :'north')), public.left_by(key, format('ALTER TABLE casnet.tenants DISABLE TRIGGER USER; DELETE FROM casnet.tasks WHERE tenant_id = %1$L; DELETE FROM casnet.calendar_events WHERE tenant_id = %1$L; DELETE FROM casnet.tenants WHERE id = %1$L', :'north')), key)
  FROM unnest(ARRAY['(tenant) REFERENCES casnet.tenants ON DELETE CASCADE', '(tenant) REFERENCES casnet.tenants ON DELETE SET NULL', '(tenant) REFERENCES casnet.tenants ON DELETE SET DEFAULT']) AS key;
SELECT is(public.left_by('(tenant, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE SET NULL (record_id)', format('SELECT casnet.delete_tenant(%L)', :'north')),
	format('(1,%s,,0) (2,%s,00000000-0000-7000-8000-0000000003b0,0) (3,,,0) (4,,00000000-0000-7000-8000-0000000003a0,0)', :'north', :'south'), 'such as this');
SELECT * FROM finish();
ROLLBACK;
