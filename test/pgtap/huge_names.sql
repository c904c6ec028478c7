-- Invariant 10: a name that is too long for lower() or btrim() of the server is refused
-- with the error of every too long name.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql

-- btrim() takes eight bytes a character, lower() four a byte; no allocation reaches 1 GB.
\set long 'repeat(repeat($$x$$, 1000), 135000)'
\set longer 'repeat(repeat($$x$$, 1000), 270000)'
CALL be('olga', 'North');

SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT is(state_of('SELECT casnet.create_tenant(' || :'long' || ')'), '23514', 'a tenant');
SELECT is(state_of('SELECT casnet.create_user(' || :'long' || ', $$e$$, NULL)'), '23514', 'a username');
SELECT is(state_of('SELECT casnet.create_user($$u$$, ' || :'long' || ', NULL)'), '23514', 'an email address');
SELECT is(state_of('SELECT casnet.add_signing_key(' || :'long' || ')'), '22023', 'a key id');
SELECT is(state_of('SELECT casnet.add_member(' || :'longer' || ')'), 'P0002', 'an account, for administrators');

SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of('SELECT casnet.invite_member(' || :'long' || ')'), '22023', 'an invitation');
SELECT is(state_of('SELECT casnet.add_member(' || :'longer' || ')'), 'P0002', 'an account');
SELECT is(state_of('SELECT casnet.remove_member(' || :'longer' || ')'), 'P0002', 'a member');
SELECT is(state_of('SELECT casnet.login(' || :'longer' || ', $$x$$)'), '28P01', 'a login');
SELECT is(state_of('INSERT INTO casnet.tags (name) SELECT ' || :'long'), '23514', 'a tag');
SELECT is(state_of('INSERT INTO casnet.persons (name) SELECT ' || :'long'), '23514', 'a person');
SELECT is(state_of('SELECT casnet.grant_permission($$mia$$, ' || :'long' || ')'), '22023', 'a permission');

SELECT * FROM finish();
ROLLBACK;
