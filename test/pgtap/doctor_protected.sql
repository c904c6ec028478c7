-- casnet.doctor() starts from the tables that somebody has protected, and reports whatever
-- their owner has changed since.  The remedy makes them what casnet.protect() makes.
BEGIN;
SELECT plan(35);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_owner;
GRANT tap_owner TO tap_operator;
CREATE SCHEMA shop AUTHORIZATION tap_owner;
GRANT USAGE ON SCHEMA shop TO casnet_user;
CREATE FUNCTION public.findings() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(d.severity || ' ' || d.code || ' ' || d.object, ', ' ORDER BY d.code, d.object)
	  FROM casnet.doctor() AS d WHERE d.object ~ 'shop\.'
$$;
-- What the owner does, what is found then, and after the remedies.
CREATE FUNCTION public.tried(statements text, expected text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	found text;
	remedy text;
BEGIN
	BEGIN
		SET LOCAL ROLE tap_owner;
		EXECUTE statements;
		RESET ROLE;
		CREATE TEMP TABLE before AS SELECT d.* FROM casnet.doctor() AS d WHERE d.object ~ 'shop\.';
		found := string_agg(d.severity || ' ' || d.code || ' ' || d.object, ', ' ORDER BY d.code, d.object) FROM before AS d;
		FOR remedy IN SELECT DISTINCT d.remedy FROM before AS d ORDER BY 1 LOOP
			EXECUTE remedy;
		END LOOP;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = coalesce(public.findings(), 'silent');
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		RETURN NEXT is(found, expected, statements);
		RETURN NEXT is(SQLERRM, 'silent', 'remedy');
	END;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TABLE shop.t (tenant_id uuid NOT NULL, id uuid DEFAULT gen_random_uuid(), other uuid, v text, updated_at timestamptz, PRIMARY KEY (tenant_id, id));
CREATE TABLE shop.p (firm uuid NOT NULL, v text) PARTITION BY LIST (v);
CREATE TABLE shop.p1 PARTITION OF shop.p FOR VALUES IN ('a');
CREATE FUNCTION shop.own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.protect('shop.t'), casnet.protect('shop.p', tenant_column => 'firm') \g /dev/null
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION casnet.tenant_with(text), casnet.current_tenant_id() TO tap_owner;
GRANT USAGE ON SCHEMA casnet TO tap_owner;
SELECT is(public.findings(), NULL, 'as casnet.protect() makes them');

SELECT tried('DROP POLICY casnet_select ON shop.t; DROP POLICY casnet_insert ON shop.t; DROP POLICY casnet_update ON shop.t; DROP POLICY casnet_delete ON shop.t; CREATE POLICY p ON shop.t USING (true)',
	'error policy-changed casnet_delete on shop.t, error policy-changed casnet_insert on shop.t, error policy-changed casnet_select on shop.t, error policy-changed casnet_update on shop.t, error policy-widens p on shop.t');
SELECT tried('DROP POLICY casnet_select ON shop.p; ALTER TABLE shop.p DISABLE ROW LEVEL SECURITY', 'error policy-changed casnet_select on shop.p, error table-rls-off shop.p');
SELECT tried('ALTER POLICY casnet_delete ON shop.t USING (tenant_id = casnet.tenant_with(''view_records''))', 'error policy-changed casnet_delete on shop.t');
SELECT tried('ALTER POLICY casnet_select ON shop.t USING (other = casnet.tenant_with(''view_t''))', 'error policy-changed casnet_select on shop.t');
SELECT tried('DROP POLICY casnet_update ON shop.p1; CREATE POLICY casnet_update ON shop.p1 AS RESTRICTIVE FOR UPDATE USING (true)', 'error policy-changed casnet_update on shop.p1, notice policy-restrictive casnet_update on shop.p1');
SELECT tried('CREATE TABLE shop.above (v text); ALTER TABLE shop.t INHERIT shop.above; ALTER TABLE shop.above ENABLE ROW LEVEL SECURITY; CREATE POLICY x ON shop.above USING (true); GRANT SELECT ON shop.above TO casnet_user', 'error partition-open shop.t');
SELECT tried('CREATE TABLE shop.above (firm uuid NOT NULL, v text) PARTITION BY LIST (v); ALTER TABLE shop.above ENABLE ROW LEVEL SECURITY; ALTER TABLE shop.above ATTACH PARTITION shop.p DEFAULT', 'error partition-open shop.p');
SELECT tried('ALTER TABLE shop.t DISABLE TRIGGER USER', 'error trigger-missing casnet_fill_tenant on shop.t, error trigger-missing casnet_keep_tenant on shop.t, error trigger-missing casnet_kept_tenant on shop.t, error trigger-missing casnet_updated_at on shop.t');
SELECT tried('ALTER TABLE shop.p1 ENABLE REPLICA TRIGGER casnet_fill_tenant', 'error trigger-missing casnet_fill_tenant on shop.p1');
SELECT tried('CREATE OR REPLACE TRIGGER casnet_fill_tenant BEFORE INSERT ON shop.t FOR EACH ROW EXECUTE FUNCTION shop.own()', 'error trigger-missing casnet_fill_tenant on shop.t');
SELECT tried('DROP TRIGGER casnet_keep_tenant ON shop.t; CREATE OR REPLACE TRIGGER casnet_kept_tenant BEFORE UPDATE ON shop.t FOR EACH ROW EXECUTE FUNCTION shop.own()', 'error trigger-missing casnet_keep_tenant on shop.t, error trigger-missing casnet_kept_tenant on shop.t');
SELECT tried('DROP TRIGGER casnet_keep_tenant ON shop.p1', 'error trigger-missing casnet_keep_tenant on shop.p1');
SELECT tried('ALTER TABLE shop.t DROP CONSTRAINT t_tenant_id_fkey', 'error key-not-enforced shop.t');
SELECT tried('ALTER TABLE shop.p ALTER firm DROP NOT NULL, ALTER firm DROP DEFAULT', 'warning definition-missing firm on shop.p, warning definition-missing firm on shop.p');

-- Whatever is gone, the table stays on the list.
SET LOCAL SESSION AUTHORIZATION tap_owner;
ALTER TABLE shop.p DROP CONSTRAINT p_firm_fkey;
DROP POLICY casnet_select ON shop.p;
DROP POLICY casnet_insert ON shop.p;
ALTER TABLE shop.p RENAME firm TO company;
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('permission-left'), NULL, 'its permissions are not left over');
SELECT is((SELECT tenant_column::text FROM casnet.protected_tables WHERE resource = 'p'), 'firm', 'without its key and a policy the column is not found');
SELECT matches(public.findings(), 'error policy-changed casnet_select on shop.p', 'all is missed');
ALTER TABLE shop.p RENAME company TO firm;
SELECT casnet.protect('shop.p') \g /dev/null
SELECT is(public.findings(), NULL, 'and comes back');
ALTER TABLE shop.p DROP CONSTRAINT p_firm_fkey;
ALTER TABLE shop.p RENAME firm TO company;
SELECT is((SELECT tenant_column::text FROM casnet.protected_tables WHERE resource = 'p'), 'company', 'the column follows without its key');
SELECT lives_ok('SELECT casnet.unprotect(''shop.p'')', 'and the table can be unprotected');
SELECT * FROM finish();
ROLLBACK;
