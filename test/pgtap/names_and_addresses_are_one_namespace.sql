-- A user signs in by username or email address.  So no account's username equals another's
-- address, whatever the case and however the row is written.  An older name that two
-- accounts share signs nobody in, and doctor() reports it.
BEGIN;
SELECT plan(19);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT is(state_of(s), '23505', s) FROM unnest(ARRAY[
	'SELECT casnet.create_user(''mia@north.test'', ''new@x.test'', NULL)',
	'SELECT casnet.create_user(''MIA@North.test'', ''new@x.test'', NULL)',
	'SELECT casnet.create_user(''new'', ''vic'', NULL)',
	'INSERT INTO casnet.users (username, email) VALUES (''mia@north.test'', ''new@x.test'')',
	'UPDATE casnet.users SET username = ''mia@north.test'' WHERE username = ''vic''',
	'UPDATE casnet.users SET email = ''Mia'' WHERE username = ''vic''',
	'INSERT INTO casnet.users (username, email) VALUES (''one'', ''two''), (''two'', ''three'')',
	'MERGE INTO casnet.users AS u USING (VALUES (''vic'')) AS v (name) ON u.username = v.name WHEN MATCHED THEN UPDATE SET username = ''mia@north.test''']) AS s;
SELECT is(error_of(s), 'none', s) FROM unnest(ARRAY[
	'SELECT casnet.create_user(''own@x.test'', ''own@x.test'', NULL)',
	'UPDATE casnet.users SET username = email WHERE username = ''vic''',
	'UPDATE casnet.users SET full_name = ''Mia'' WHERE username = ''mia''',
	'SELECT casnet.create_user(''else@x.test'', ''new@x.test'', NULL)']) AS s;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(state_of('UPDATE casnet.users SET email = ''vic'' WHERE username = ''mia'''), '42501', 'nobody changes the own address by a plain UPDATE');
-- Accounts of an older version.
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'name-clash'), 0::bigint, 'no clash');
SET LOCAL session_replication_role = replica;
INSERT INTO casnet.users (id, username, email) VALUES ('00000000-0000-7000-8000-000000000010', 'nora@nowhere.test', 'x@x.test');
SET LOCAL session_replication_role = origin;
SELECT is((SELECT severity FROM casnet.doctor() WHERE code = 'name-clash'), 'warning', 'a clash is reported');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(state_of('SELECT casnet.add_member(''nora@nowhere.test'', ''admin'')'), 'P0002', 'and adds nobody');
SELECT is(error_of('SELECT casnet.add_member(''nora'', ''admin'')'), 'none', 'the other name does');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_admin;
SET LOCAL casnet.tenant_id = '00000000-0000-7000-8000-0000000000a0';
SELECT is(state_of('SELECT casnet.add_member(''nora@nowhere.test'', ''admin'')'), 'P0002', 'nor for an administrator');
SELECT is(error_of('SELECT casnet.add_member(''x@x.test'', ''admin'')'), 'none', 'who may use the address');
SELECT * FROM finish();
ROLLBACK;
