-- That a table is shared or exempt is said of the table as it is.  A change ends it, and
-- doctor() says so.  Moving the table to another schema ends nothing.
BEGIN;
SELECT plan(34);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE SCHEMA app;
CREATE SCHEMA other;
GRANT USAGE ON SCHEMA app, other TO PUBLIC;
CREATE ROLE tap_maker;
CREATE TABLE app.countries (code varchar(2) PRIMARY KEY, name text);
CREATE TABLE app.versions (version text);
GRANT SELECT ON app.versions TO tap_app;
SELECT casnet.share('app.countries') = '{}' AS shared \gset
SELECT casnet.exempt('app.versions');
CREATE FUNCTION in_force(name text) RETURNS boolean LANGUAGE sql AS 'SELECT d.in_force FROM casnet.declared_tables AS d WHERE d.relation::text ~ name';

-- Each in a savepoint.
CREATE FUNCTION after(name text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	BEGIN
		EXECUTE statement;
		found := concat_ws(' ', in_force(name), diagnosis('declaration-ended'), diagnosis('table-reachable'));
		RAISE EXCEPTION 'undone' USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		RETURN found;
	END;
END $$;
SELECT is(after('countries', v.s), 'f warning app.countries', 'ends it: ' || v.s)
  FROM (VALUES ('ALTER TABLE app.countries ADD COLUMN note text'), ('ALTER TABLE app.countries DROP COLUMN name'), ('ALTER TABLE app.countries RENAME COLUMN name TO title'),
		('ALTER TABLE app.countries ALTER code TYPE varchar(3)'), ('ALTER TABLE app.countries ALTER name TYPE varchar'), ('ALTER TABLE app.countries OWNER TO tap_maker'),
		('CREATE TABLE app.more () INHERITS (app.countries)'), ('CREATE TABLE app.none (); ALTER TABLE app.countries INHERIT app.none'),
		('CREATE POLICY mine ON app.countries FOR INSERT WITH CHECK (true)'), ('ALTER POLICY casnet_shared ON app.countries USING (true)'), ('ALTER POLICY casnet_shared ON app.countries TO tap_app'),
		('ALTER POLICY casnet_admin ON app.countries TO PUBLIC'), ('DROP POLICY casnet_shared ON app.countries')) AS v (s);
SELECT is(after('countries', 'ALTER TABLE app.countries DISABLE ROW LEVEL SECURITY'), 'f warning app.countries warning app.countries', 'row level security off');
SELECT is(after('lands', 'ALTER TABLE app.countries RENAME TO lands'), 'f warning app.lands', 'another name');
SELECT is(after('countries', 'ALTER TABLE app.countries ADD tenant_id uuid'), 'f warning app.countries', 'a tenant');
SELECT is(after('countries', 'ALTER TABLE app.countries ADD FOREIGN KEY (name) REFERENCES casnet.roles (name)'), 'f warning app.countries', 'a key to a table of casnet');
SELECT is(after('countries', v.s), 't', 'does not: ' || v.s)
  FROM (VALUES ('ALTER TABLE app.countries SET SCHEMA other'), ('CREATE INDEX ON app.countries (name)'), ('CREATE POLICY fewer ON app.countries AS RESTRICTIVE USING (code <> ''XX'')'),
		('ALTER TABLE app.countries ALTER name SET DEFAULT ''x'''), ('ALTER TABLE app.countries FORCE ROW LEVEL SECURITY'), ('INSERT INTO app.countries VALUES (''FR'', ''France'')')) AS v (s);
SELECT is(after('versions', v.s), 'f warning app.versions warning app.versions', 'ends it: ' || v.s)
  FROM (VALUES ('ALTER TABLE app.versions ADD COLUMN note text'), ('DROP TABLE app.versions; CREATE TABLE app.versions (version text, note text); GRANT SELECT ON app.versions TO tap_app; UPDATE casnet_internal.declared SET relation = ''app.versions'' WHERE kind = ''exempt'' AND relation <> ''public.who''::regclass'),
		('ALTER TABLE app.versions OWNER TO tap_maker')) AS v (s);
SELECT is(after('versions', 'ALTER TABLE app.versions SET SCHEMA other'), 't', 'moved');
SELECT is(after('versions', 'GRANT ALL ON app.versions TO tap_app'), 't', 'granted');

-- Declared again.
ALTER TABLE app.countries ADD COLUMN note text;
ALTER TABLE app.versions ADD COLUMN note text;
SELECT is(diagnosis('declaration-ended'), 'warning app.countries, warning app.versions', 'both have ended');
SELECT is(array_agg(remedy ORDER BY object), '{"-- Look at it, and call SELECT casnet.share(''app.countries'') again, or casnet.unprotect(''app.countries'')","-- Look at it, and call SELECT casnet.exempt(''app.versions'') again, or casnet.unprotect(''app.versions'')"}',
	'the remedy is to look') FROM casnet.doctor() WHERE code = 'declaration-ended';
SELECT casnet.share('app.countries') = '{}' AS shared \gset
SELECT casnet.exempt('app.versions');
SELECT is(diagnosis('declaration-ended'), NULL, 'and begin again');
DROP POLICY casnet_shared ON app.countries;
SELECT casnet.install();
SELECT is(in_force('countries'), true, 'install() puts policies back');
CREATE POLICY mine ON app.countries FOR INSERT WITH CHECK (true);
DROP POLICY casnet_shared ON app.countries;
SELECT casnet.install();
SELECT is((SELECT count(*) FROM pg_policy WHERE polname = 'casnet_shared'), 0::bigint, 'but not beside others');
DROP POLICY mine ON app.countries;
SELECT casnet.unprotect('app.countries'), casnet.unprotect('app.versions');
SELECT is((SELECT count(*) FROM casnet.declared_tables WHERE relation <> 'public.who'::regclass), 0::bigint, 'unprotect() forgets them');
SELECT * FROM finish();
ROLLBACK;
