-- casnet.doctor() warns of each table without row level security that applications reach.
BEGIN;
SELECT plan(23);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE SCHEMA app;
CREATE SCHEMA hidden;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE ROLE tap_group;
CREATE ROLE tap_other;
GRANT tap_group TO tap_app;
CREATE TABLE app.invoices (id int, amount int);
CREATE TABLE app.parts (id int) PARTITION BY LIST (id);
CREATE TABLE app.part PARTITION OF app.parts DEFAULT;
CREATE TABLE hidden.base (id int);
CREATE FUNCTION found_after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	BEGIN
		EXECUTE statement;
		found := diagnosis('table-reachable');
		RAISE EXCEPTION 'undone' USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		RETURN found;
	END;
END $$;
SELECT is(diagnosis('table-reachable'), NULL, 'nobody has a privilege');
SELECT is(found_after(v.s), 'warning app.invoices', v.s)
  FROM (VALUES ('GRANT SELECT ON app.invoices TO tap_app'), ('GRANT INSERT (amount) ON app.invoices TO casnet_user'), ('GRANT UPDATE ON app.invoices TO PUBLIC'),
		('GRANT DELETE ON app.invoices TO tap_group'), ('ALTER TABLE app.invoices OWNER TO tap_app'), ('GRANT ALL ON app.invoices TO casnet_authenticator'),
		('CREATE VIEW app.shown AS SELECT * FROM app.invoices; GRANT SELECT ON app.shown TO casnet_user'),
		('CREATE VIEW app.one AS SELECT * FROM app.invoices; CREATE VIEW app.two AS SELECT * FROM app.one; GRANT SELECT ON app.two TO casnet_user'),
		('CREATE MATERIALIZED VIEW app.shown AS SELECT * FROM app.invoices; GRANT SELECT ON app.shown TO casnet_user')) AS v (s);
SELECT is(found_after(v.s), NULL, v.s)
  FROM (VALUES ('GRANT SELECT ON app.invoices TO tap_other'), ('GRANT SELECT ON hidden.base TO tap_app'),
		('CREATE VIEW app.shown WITH (security_invoker) AS SELECT * FROM app.invoices; GRANT SELECT ON app.shown TO casnet_user'),
		('GRANT SELECT ON app.invoices TO tap_app; ALTER TABLE app.invoices ENABLE ROW LEVEL SECURITY'),
		('GRANT SELECT ON app.invoices TO tap_app; SELECT casnet.protect(''app.invoices'')'), ('GRANT ALL ON app.invoices TO tap_app; SELECT casnet.share(''app.invoices'')'),
		('GRANT SELECT ON app.invoices TO tap_app; SELECT casnet.exempt(''app.invoices'')')) AS v (s);
SELECT is(found_after('GRANT SELECT ON app.parts, app.part TO tap_app'), 'warning app.part, warning app.parts', 'a partition is a table too');
SELECT is(found_after('GRANT SELECT ON app.parts, app.part TO tap_app; SELECT casnet.exempt(''app.parts'')'), NULL, 'and exempt with its table');
SELECT is(found_after('ALTER TABLE app.parts ADD tenant_id uuid NOT NULL; SELECT casnet.protect(''app.parts''); CREATE TABLE app.more PARTITION OF app.parts FOR VALUES IN (2); GRANT SELECT ON app.more TO tap_app'),
	NULL, 'one of a protected table is partition-open');
SELECT is(found_after('ALTER TABLE app.invoices ADD tenant_id uuid; GRANT SELECT ON app.invoices TO tap_app'), NULL, 'one with tenant_id is table-open');
CREATE FOREIGN DATA WRAPPER tap_nowhere;
CREATE SERVER tap_nowhere FOREIGN DATA WRAPPER tap_nowhere;
CREATE FOREIGN TABLE app.remote (id int, tenant_id uuid) SERVER tap_nowhere;
GRANT SELECT ON app.remote, app.invoices TO tap_app;
SELECT is(diagnosis('table-reachable'), 'warning app.invoices, warning app.remote', 'a foreign table');
SELECT results_eq('SELECT problem, remedy FROM casnet.doctor() WHERE code = ''table-reachable'' ORDER BY object', $$VALUES
	('It has no row level security, and applications reach it: tap_app has privileges on it.', '-- SELECT casnet.protect(''app.invoices'') if its rows belong to tenants, casnet.share(''app.invoices'') if all tenants read them, else casnet.exempt(''app.invoices'')'),
	('It has no row level security, and applications reach it: tap_app has privileges on it.', '-- REVOKE the privileges on it, or SELECT casnet.exempt(''app.remote'')')$$, 'the remedy is to decide');
SELECT * FROM finish();
ROLLBACK;
