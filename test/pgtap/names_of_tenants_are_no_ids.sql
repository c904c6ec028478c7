-- No tenant's name looks like an id, and free text in accounts and tenants is bounded.
-- doctor() reports what an older version accepted until it is corrected.
BEGIN;
SELECT plan(23);
\ir include/fixtures.sql
\ir include/doctor.sql
\set no_id '23514 | the name of the tenant is a UUID |  | Give another name: casnet.use_tenant() takes a UUID for the id of a tenant. | '
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(public.error_of(format('SELECT casnet.create_tenant(%L)', n)), :'no_id', 'create_tenant() refuses ' || n)
  FROM unnest(ARRAY[:'south', upper(:'south'), translate(:'south', '-', ''), '{' || :'south' || '}', :'nowhere']) AS n;
SELECT is(public.error_of(format('UPDATE casnet.tenants SET name = %L', :'south')), :'no_id', 'nor is one renamed');
SELECT is(public.error_of(format('SELECT casnet.create_tenant(%L)', ' ' || :'south')), :'no_id', 'spaces are no way');
SELECT lives_ok(format('SELECT casnet.create_tenant(%L)', n), n || ' is a name')
  FROM unnest(ARRAY['10000000', left(:'south', 35), :'south' || '0', 'Tenant ' || :'south']) AS n;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(public.error_of(format('SELECT casnet.create_tenant(%L)', :'south')), :'no_id', 'an administrator has no more names');
SELECT is(public.error_of(format('INSERT INTO casnet.tenants (name) VALUES (%L)', :'south')), :'no_id', 'nor by writing them');

SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(public.error_of('UPDATE casnet.users SET full_name = repeat(''x'', 1001) WHERE id = casnet.current_user_id()'),
	'22001 | value too long for column full_name of table users |  | Give a text of at most 1000 bytes. | ', 'a name of a person');
SELECT is(public.error_of('UPDATE casnet.tenants SET description = repeat(''é'', 5001)'),
	'22001 | value too long for column description of table tenants |  | Give a text of at most 10000 bytes. | ', 'a description');
SELECT is(public.error_of('SELECT casnet.create_tenant(''long'', repeat(''x'', 20000000))'),
	'22001 | value too long for column description of table tenants |  | Give a text of at most 10000 bytes. | ', 'of a new tenant');
SELECT is(public.rows_of('UPDATE casnet.users SET full_name = repeat(''x'', 1000) WHERE id = casnet.current_user_id()'), 1::bigint, 'that long is right');
SELECT is(public.rows_of('UPDATE casnet.tenants SET description = repeat(''é'', 5000)'), 1::bigint, 'and that');

-- As an older version left it.
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('check-not-valid'), NULL, 'nothing is reported');
ALTER TABLE casnet.tenants DROP CONSTRAINT tenants_name_is_no_id, DROP CONSTRAINT tenants_description_check;
ALTER TABLE casnet.users DROP CONSTRAINT users_full_name_check;
DROP TRIGGER casnet_check_name ON casnet.tenants;
DROP TRIGGER casnet_check_full_name ON casnet.users;
INSERT INTO casnet.tenants (name) VALUES (:'nowhere');
UPDATE casnet.users SET full_name = repeat('x', 1001) WHERE id = :'sue';
SELECT casnet.install() \g /dev/null
SELECT is(diagnosis('check-not-valid'), 'warning tenants_name_is_no_id on casnet.tenants, warning users_full_name_check on casnet.users', 'but what an older version took');
SELECT alike((SELECT remedy FROM casnet.doctor() WHERE object ~ 'tenants_name_is_no_id'), '-- SELECT * FROM casnet.tenants WHERE NOT (%); correct them, then SELECT casnet.install()', 'and where it is');
UPDATE casnet.users SET full_name = 'Sue' WHERE id = :'sue';
UPDATE casnet.tenants SET name = 'Nowhere' WHERE name = :'nowhere';
SELECT casnet.install() \g /dev/null
SELECT is(diagnosis('check-not-valid'), NULL, 'until it is corrected');
SELECT is((SELECT count(*) FROM pg_constraint WHERE conrelid IN ('casnet.users'::regclass, 'casnet.tenants'::regclass) AND NOT convalidated), 0::bigint, 'and holds for all');
SELECT * FROM finish();
ROLLBACK;
