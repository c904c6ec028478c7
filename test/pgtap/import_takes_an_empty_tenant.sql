-- A tenant to import into must be empty: one row in any of its tables is too much.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
CALL be('olga', 'North');
CREATE TEMP TABLE e AS SELECT d FROM casnet.export_tenant() AS d;
SELECT casnet.create_tenant('Target') AS target \gset
CREATE FUNCTION pg_temp.answer(tenant uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM casnet.import_tenant('e', tenant_id => tenant);
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ', MESSAGE = 'imported';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', SQLSTATE, SQLERRM, nullif(detail, ''));
END
$$;
SELECT is(pg_temp.answer(:'target'), 'ZZZZZ imported', 'a new one is');
-- A copy of one row, alone, whatever it refers to.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.only_in(name text, tenant uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET session_replication_role = replica AS $$
DECLARE
	columns text := (SELECT string_agg(attname, ', ') FROM pg_attribute WHERE attrelid = ('casnet.' || name)::regclass AND attnum > 0 AND attgenerated = '' AND attname <> 'tenant_id');
	relation regclass;
BEGIN
	FOR relation IN SELECT t.relation FROM casnet_internal.managed_tables() AS t WHERE kind = 'tenant' LOOP
		EXECUTE format('DELETE FROM %s WHERE tenant_id = %L', relation, tenant);
	END LOOP;
	EXECUTE format('INSERT INTO casnet.%1$I (tenant_id, %2$s) SELECT %3$L, %2$s FROM casnet.%1$I LIMIT 1', name, columns, tenant);
END
$$;
SELECT format('SELECT public.only_in(%L, %L)', name, :'target'), 'SET LOCAL SESSION AUTHORIZATION tap_app',
	format('SELECT is(pg_temp.answer(%L), %L, %L)', :'target', '55000 the tenant is not empty There are rows in casnet.' || name || '.', 'one row in ' || name), 'RESET SESSION AUTHORIZATION'
  FROM (SELECT split_part(relation::text, '.', 2) AS name FROM casnet_internal.managed_tables() WHERE kind = 'tenant') AS t
\gexec
SELECT public.only_in('tags', :'target');
DELETE FROM casnet.tags WHERE tenant_id = :'target';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(pg_temp.answer(:'target'), 'ZZZZZ imported', 'emptied, it is filled');
SELECT * FROM finish();
ROLLBACK;
