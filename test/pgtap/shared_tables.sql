-- A shared table is read by everybody who is signed in, whatever their tenant, and written
-- by its owner and administrators only, whatever privileges others have.
BEGIN;
SELECT plan(49);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_keeper;
CREATE ROLE tap_founder;
GRANT casnet_admin TO tap_founder;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TABLE app.countries (code text PRIMARY KEY, name text NOT NULL);
INSERT INTO app.countries VALUES ('FR', 'France'), ('SE', 'Sweden');
GRANT ALL ON app.countries TO tap_app;
GRANT SELECT ON app.countries TO PUBLIC;
ALTER TABLE app.countries OWNER TO tap_founder;

SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok('SELECT casnet.share(''app.countries'')', '42501', 'only its owner may protect table app.countries or undo it', 'an administrator who does not own it shares nothing');
SELECT throws_ok('SELECT casnet_internal.begin_declaration(''app.countries'', ''exempt'')', '42501', 'only its owner may protect table app.countries or undo it', 'nor records it');
SELECT throws_ok('SELECT casnet_internal.end_declaration(''app.countries'')', '42501', 'only its owner may protect table app.countries or undo it', 'nor ends it');
RESET SESSION AUTHORIZATION;
ALTER TABLE app.countries OWNER TO tap_keeper;
SET LOCAL SESSION AUTHORIZATION tap_keeper;
SELECT throws_like('SELECT casnet.share(''app.countries'')', 'permission denied%', 'nor does an owner who is no administrator');
RESET SESSION AUTHORIZATION;
ALTER TABLE app.countries OWNER TO tap_founder;
SET LOCAL SESSION AUTHORIZATION tap_founder;
SELECT is(replace(casnet.share('app.countries')::text, ' MAINTAIN,', '')::text[], ARRAY[
	E'-- PUBLIC has privileges that it does not need\nREVOKE SELECT ON app.countries FROM PUBLIC;',
	E'-- tap_app has privileges that it does not need\nREVOKE DELETE, INSERT, REFERENCES, TRIGGER, TRUNCATE, UPDATE ON app.countries FROM tap_app;'], 'who is both does, and hears of privileges');
SELECT is(cardinality(casnet.share('app.countries')), 2, 'called again, it makes nothing twice');
SELECT results_eq('TABLE casnet.declared_tables', $$VALUES ('app.countries'::regclass, 'shared', true)$$, 'a view shows it');
SELECT is((SELECT count(*) FROM app.countries), 2::bigint, 'the owner reads it');
SELECT is(rows_of('UPDATE app.countries SET name = upper(name)'), 2::bigint, 'and writes it');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT array_agg(polname::text || ' ' || obj_description(oid, 'pg_policy') ORDER BY polname) FROM pg_policy WHERE polrelid = 'app.countries'::regclass),
	'{"casnet_admin casnet: administrators write","casnet_shared casnet: everybody who is signed in may read"}', 'its policies are described');

-- Those who are signed in.
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('TABLE app.countries', '28000', NULL, 'nobody reads nothing');
CALL be('nora');
SELECT is((SELECT count(*) FROM app.countries), 2::bigint, 'a user without a tenant');
CALL be('ines', 'North');
SELECT throws_ok('TABLE app.countries', '28000', NULL, 'no inactive user');
CALL be('vic', 'North');
SELECT is((SELECT array_agg(code ORDER BY code) FROM app.countries), '{FR,SE}', 'a member');
CALL be('otto', 'South');
SELECT is((SELECT array_agg(code ORDER BY code) FROM app.countries), '{FR,SE}', 'and one of another tenant');
-- For the role has privileges, and sue is a superuser of the application.
CALL be('sue', 'North');
SELECT throws_ok('INSERT INTO app.countries VALUES (''XX'', ''x'')', '42501', 'new row violates row-level security policy for table "countries"', 'INSERT');
SELECT is(rows_of('UPDATE app.countries SET name = ''x'''), 0::bigint, 'UPDATE');
SELECT is(rows_of('DELETE FROM app.countries'), 0::bigint, 'DELETE');
SELECT throws_ok('INSERT INTO app.countries VALUES (''FR'', ''x'') ON CONFLICT (code) DO UPDATE SET name = ''x''', '42501', NULL, 'upsert');
SELECT throws_ok('MERGE INTO app.countries AS c USING (VALUES (''XX'')) AS v (code) ON c.code = v.code WHEN NOT MATCHED THEN INSERT VALUES (''XX'', ''x'')', '42501', NULL, 'MERGE');
SELECT is((SELECT count(*) FROM app.countries WHERE name = 'FRANCE'), 1::bigint, 'change nothing');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE object = 'app.countries' AND code = 'grant-unpoliced'), 3::bigint, 'doctor() names what no policy limits');
REVOKE ALL ON app.countries FROM tap_app, PUBLIC;
SELECT is((SELECT array_agg(code) FROM casnet.doctor() WHERE object ~ 'countries'), NULL, 'and nothing else');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic', 'North');
SELECT is((SELECT count(*) FROM app.countries), 2::bigint, 'what share() granted is enough');
SELECT throws_ok('INSERT INTO app.countries VALUES (''XX'', ''x'')', '42501', 'permission denied for table countries', 'and no more');
CALL be(NULL);
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok('INSERT INTO app.countries VALUES (''IS'', ''Iceland'')', 'an administrator adds a row, as nobody');
SELECT is(rows_of('UPDATE app.countries SET name = initcap(name)'), 3::bigint, 'changes rows');
SELECT is(rows_of('DELETE FROM app.countries WHERE code = ''IS'''), 1::bigint, 'and deletes one');

-- Tables of tenants refer to it.
RESET SESSION AUTHORIZATION;
CREATE TABLE app.trips (id uuid DEFAULT casnet.uuid_v7(), tenant_id uuid NOT NULL, country text REFERENCES app.countries, PRIMARY KEY (tenant_id, id));
SELECT is(casnet.protect('app.trips'), '{}', 'a key to it needs no tenant');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok('INSERT INTO app.trips (country) VALUES (''FR'')', 'rows of tenants refer to it');
SELECT throws_ok('INSERT INTO app.trips (country) VALUES (''XX'')', '23503', NULL, 'to what is there');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT array_agg(code || ' ' || object) FROM casnet.doctor() WHERE object ~ 'app\.'), NULL, 'doctor() finds nothing there');

-- What cannot be shared.
CREATE TABLE app.parent (id int);
CREATE TABLE app.child () INHERITS (app.parent);
CREATE TABLE app.parts (id int) PARTITION BY LIST (id);
CREATE TABLE app.part PARTITION OF app.parts DEFAULT;
CREATE VIEW app.shown AS SELECT 1 AS x;
CREATE TABLE app.of_tenants (id int, tenant_id uuid);
CREATE TABLE app.of_users (id int, author uuid REFERENCES casnet.users);
CREATE TABLE app.of_trips (id int, tenant uuid, trip uuid, FOREIGN KEY (tenant, trip) REFERENCES app.trips);
SELECT throws_like(format('SELECT casnet.share(%L)', name), 'table % cannot be shared', name)
  FROM unnest('{app.parent,app.child,app.parts,app.part,app.shown,app.of_tenants,app.of_users,app.of_trips,casnet.records,pg_catalog.pg_class}'::text[]) AS name;
SELECT throws_ok('SELECT casnet.share(''app.trips'')', '55000', 'table app.trips is protected', 'nor is a protected one');
SELECT throws_ok('SELECT casnet.protect(''app.countries'')', '42809', 'table app.countries cannot be protected', 'nor a shared one protected');
SELECT throws_ok('SELECT casnet.exempt(''app.countries'')', '55000', 'table app.countries is shared', 'or exempt');
CREATE TABLE app.ruled (id int);
CREATE POLICY mine ON app.ruled USING (true);
SELECT throws_ok('SELECT casnet.share(''app.ruled'')', '55000', 'table app.ruled has permissive policies of its own', 'or one with policies');

-- And back.
DROP TABLE app.trips CASCADE;
SET LOCAL SESSION AUTHORIZATION tap_founder;
SELECT lives_ok('SELECT casnet.unprotect(''app.countries'')', 'unprotect()');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT relrowsecurity::text || replace(relacl::text, 'xtm', 'xt') FROM pg_class WHERE oid = 'app.countries'::regclass), 'false{tap_founder=arwdDxt/tap_founder}', 'takes back what share() gave');
SELECT is((SELECT count(*) FROM pg_policy WHERE polrelid = 'app.countries'::regclass), 0::bigint, 'and its policies');
SELECT * FROM finish();
ROLLBACK;
