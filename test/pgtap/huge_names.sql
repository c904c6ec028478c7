-- Invariant 10: a name that is too long for lower() or btrim() of the server is
-- refused as any other that is too long.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql

-- btrim() takes eight bytes a character, lower() four a byte; no allocation has 1 GB.
\set long 'repeat(repeat($$x$$, 1000), 135000)'
\set longer 'repeat(repeat($$x$$, 1000), 270000)'
CREATE FUNCTION pg_temp.state(statement text) RETURNS text LANGUAGE sql AS
	$$ SELECT left(public.error_of(statement), 5) $$;
CALL be('olga', 'North');

SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT is(pg_temp.state('SELECT casnet.create_tenant(' || :'long' || ')'), '23514', 'a tenant');
SELECT is(pg_temp.state('SELECT casnet.create_user(' || :'long' || ', $$e$$, NULL)'), '23514', 'a username');
SELECT is(pg_temp.state('SELECT casnet.create_user($$u$$, ' || :'long' || ', NULL)'), '23514', 'an email address');
SELECT is(pg_temp.state('SELECT casnet.add_signing_key(' || :'long' || ')'), '22023', 'a key id');
SELECT is(pg_temp.state('SELECT casnet.add_member(' || :'longer' || ')'), 'P0002', 'an account, for administrators');

SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(pg_temp.state('SELECT casnet.invite_member(' || :'long' || ')'), '22023', 'an invitation');
SELECT is(pg_temp.state('SELECT casnet.add_member(' || :'longer' || ')'), 'P0002', 'an account');
SELECT is(pg_temp.state('SELECT casnet.remove_member(' || :'longer' || ')'), 'P0002', 'a member');
SELECT is(pg_temp.state('SELECT casnet.login(' || :'longer' || ', $$x$$)'), '28P01', 'a login');
SELECT is(pg_temp.state('INSERT INTO casnet.tags (name) SELECT ' || :'long'), '23514', 'a tag');
SELECT is(pg_temp.state('INSERT INTO casnet.persons (name) SELECT ' || :'long'), '23514', 'a person');
SELECT is(pg_temp.state('SELECT casnet.grant_permission($$mia$$, ' || :'long' || ')'), '22023', 'a permission');

SELECT * FROM finish();
ROLLBACK;
