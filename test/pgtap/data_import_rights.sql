-- An import needs a user, a table of that user, and a tenant that is new, or empty and
-- theirs.  It imports all or nothing, and calling its internal functions gives no more
-- rights.
BEGIN;
SELECT plan(35);
\ir include/fixtures.sql
CALL be('olga', 'North');
CREATE TEMP TABLE e AS SELECT row_number() OVER () AS n, d FROM casnet.export_tenant() AS d;

-- Tables.
CREATE VIEW pg_temp.v AS SELECT d FROM e;
CREATE TEMP TABLE p (d jsonb) PARTITION BY LIST (d);
CREATE TEMP TABLE parent (d jsonb);
CREATE TEMP TABLE child () INHERITS (parent);
CREATE TEMP TABLE two AS SELECT d, d AS d2 FROM e;
CREATE TEMP TABLE texts AS SELECT d::text FROM e;
CREATE DOMAIN public.document AS jsonb;
CREATE TEMP TABLE domains AS SELECT d::public.document FROM e;
CREATE TEMP TABLE arrays AS SELECT ARRAY[d] AS d FROM e;
CREATE TEMP TABLE secured AS SELECT d FROM e;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
ALTER TABLE secured FORCE ROW LEVEL SECURITY;
SELECT is(error_of(format('SELECT casnet.import_tenant(%L, %L)', t, 'X')) ~ ('^' || code || ' '), true, t || ': ' || code)
  FROM (VALUES ('v', 42809), ('p', 42809), ('parent', 42809), ('two', 22023), ('texts', 22023), ('domains', 22023), ('arrays', 22023),
		('secured', 42809), ('casnet.tags', 22023), ('casnet.persons', 42809), ('pg_class', 22023)) AS v (t, code);
SELECT throws_ok($$SELECT casnet.import_tenant('secured', 'X')$$, '42809', 'the table with the documents has row security', 'which says why');
SELECT throws_ok('SELECT casnet.import_tenant(NULL)', '42809', NULL, 'NULL');
ALTER TABLE two DROP COLUMN d;
SELECT lives_ok($$SELECT casnet.import_tenant('two', 'Two')$$, 'a dropped column does not count');
CREATE TABLE public.theirs AS SELECT d FROM e;
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_reader;
GRANT casnet_authenticator TO tap_reader;
GRANT SELECT ON public.theirs TO tap_reader;
CREATE TABLE public."Odd name" AS SELECT row_number() OVER () AS "tenant_id", d AS "the ""document""" FROM e;
GRANT SELECT, UPDATE ON public."Odd name" TO tap_reader;
SET LOCAL SESSION AUTHORIZATION tap_reader;
SELECT throws_ok($$SELECT casnet.import_tenant('public.theirs', 'X')$$, '42501', 'the table with the documents is not yours to read and lock', 'a table of somebody else');
SELECT lives_ok($$SELECT casnet.import_tenant('public."Odd name"', 'Odd')$$, 'unless they may change it');
SET LOCAL SESSION AUTHORIZATION tap_app;

-- Users and tenants.
SELECT is(error_of(format($$SELECT casnet.import_tenant('e', tenant_id => %L)$$, :'south')), error_of(format($$SELECT casnet.import_tenant('e', tenant_id => %L)$$, :'nowhere')), 'a tenant of others and none are one');
SELECT throws_ok(format($$SELECT casnet.import_tenant('e', tenant_id => %L)$$, :'south'), 'P0002', NULL, 'and refused');
SELECT throws_ok(format($$SELECT casnet.import_tenant('e', tenant_id => %L)$$, :'north'), '55000', 'the tenant is not empty', 'one with rows');
SELECT throws_ok($$SELECT casnet.import_tenant('e', ' ')$$, '22023', 'the name of the tenant is blank', 'a blank name');
SELECT throws_ok($$SELECT casnet.import_tenant('e', 'South')$$, '23505', NULL, 'a name that is taken');
CALL be('adam', 'North');
SELECT throws_ok(format($$SELECT casnet.import_tenant('e', tenant_id => %L)$$, :'north'), '42501', 'permission "manage_tenant" is missing in that tenant', 'an admin');
CALL be('ines');
SELECT throws_ok($$SELECT casnet.import_tenant('e', 'X')$$, '28000', NULL, 'an inactive user');
SELECT casnet.sign_out();
SELECT throws_ok($$SELECT casnet.import_tenant('e', 'X')$$, '28000', 'nobody is signed in', 'nobody');
SELECT throws_ok($$SELECT casnet_internal.found_imported_tenant('X', '', now())$$, '28000', NULL, 'nobody founds a tenant');
SELECT throws_ok($$SELECT casnet_internal.find_account('olga', 'olga@north.test')$$, '28000', NULL, 'or looks for an account');
CALL be('mia', 'North');
SELECT throws_ok($$SELECT casnet_internal.find_account('olga', 'olga@north.test')$$, '42501', NULL, 'nor does a member');
SELECT throws_ok(format($$SELECT casnet_internal.import_rows('e', 'd', 'records', 'casnet.records', '{"title": "text"}', '[0, 0]', %L, '{}', false)$$, :'south'), '42501', NULL, 'rows go where the session may write');
CALL be('vic', 'North');
SELECT throws_ok(format($$SELECT casnet_internal.import_rows('e', 'd', 'records', 'casnet.records', '{"title": "text"}', '[0, 0]', %L, '{}', false)$$, :'north'), '42501', NULL, 'if it is allowed to');
SELECT throws_ok(format($$SELECT casnet_internal.import_members('e', 'd', '[0, 0]', %L, NULL, casnet_internal.find_members('e', 'd', '[0, 0]', casnet.current_user_id()))$$, :'north'), '42501', NULL, 'only a user who may add members imports them');

-- All or nothing, and the active tenant does not change.
CALL be('olga', 'North');
UPDATE e SET d = jsonb_set(d, '{row,status}', '"x"') WHERE d->>'table' = 'calendar_events';
CREATE FUNCTION pg_temp.attempt() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM casnet.import_tenant('e', 'X');
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN SQLERRM;
END
$$;
SELECT is(pg_temp.attempt(), 'document 16 (calendar_events 00000000-0000-7000-8000-0000000001a0) cannot be imported', 'the last document is wrong');
SELECT is(casnet.current_tenant_id(), :'north'::uuid, 'the active tenant is what it was');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT array_agg(name ORDER BY name) FROM casnet.tenants), '{North,Odd,South,Two}', 'and nothing is left');
SELECT is((SELECT count(*) FROM casnet.records), 12::bigint, 'no row either');
-- No place is beyond the end of a table that is not there.
SET LOCAL statement_timeout = '10s';
SELECT lives_ok($$SELECT casnet_internal.document_place(0, NULL, '(4294967295,65535)')$$, 'a place of no table takes no time');
SELECT * FROM finish();
ROLLBACK;
