-- Links follow the record: view_records to see them, edit_records to make and remove them.
-- Persons are shown and looked up with view_persons only.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
\set one 00000000-0000-7000-8000-0000000001a0
\set three 00000000-0000-7000-8000-0000000003a0
CREATE FUNCTION pg_temp.lacks(call text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(substring(e FROM '^42501 \| permission "([a-z_]+)" is missing'), e) FROM error_of('SELECT ' || call) AS e
$$;
CREATE FUNCTION pg_temp.calls() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format(call, r, '00000000-0000-7000-8000-0000000001a0') FROM unnest(ARRAY['00000000-0000-7000-8000-0000000001a0', '00000000-0000-7000-8000-0000000003a0']) AS r,
		unnest(ARRAY['casnet.link_person(%L, %L)', 'casnet.link_person(%L, %L, ''x'')']) AS call
$$;
CALL be('vic', 'North');
SELECT is(pg_temp.lacks(call), 'edit_records', 'a viewer: ' || call) FROM pg_temp.calls() AS call;
SELECT is(pg_temp.lacks(format('casnet.unlink_person(%L, %L)', r, :'one')), 'edit_records', 'unlink_person()') FROM unnest(ARRAY[:'one', :'three']) AS r;
SELECT is(pg_temp.lacks(format('casnet.persons_of(%L)', :'one')), 'none', 'but reads persons_of()');
SELECT is(pg_temp.lacks(format('casnet.records_of(%L)', :'one')), 'none', 'and records_of()');

-- Without view_persons the id of a person is to be seen, and no name.
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_persons';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(pg_temp.lacks(call), 'view_persons', 'without view_persons: ' || call) FROM pg_temp.calls() AS call;
SELECT is(pg_temp.lacks(format('casnet.persons_of(%L)', r)), 'view_persons', 'persons_of()') FROM unnest(ARRAY[:'one', :'three']) AS r;
SELECT results_eq('SELECT person_id FROM casnet.record_persons', ARRAY[:'one'::uuid], 'the table has ids');
SELECT results_eq(format('SELECT record_id FROM casnet.records_of(%L)', :'one'), ARRAY[:'one'::uuid], 'and records_of() finds the record');
SELECT is(casnet.unlink_person(:'one', :'one'), true, 'a link is removed');
SELECT is(pg_temp.lacks('count(*) FROM casnet.persons'), 'view_persons', 'no more than that');

-- Without view_records.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.role_permissions (role, permission) VALUES ('member', 'view_persons');
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_records';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(pg_temp.lacks(call), 'view_records', 'without view_records: ' || call)
  FROM unnest(ARRAY[format('casnet.link_person(%L, %L)', :'three', :'one'), format('casnet.unlink_person(%L, %L)', :'three', :'one'), format('casnet.persons_of(%L)', :'one'),
	format('casnet.records_of(%L)', :'one'), 'count(*) FROM casnet.record_persons']) AS call;
CALL be('nora', 'North');
SELECT is(pg_temp.lacks(format('casnet.records_of(%L)', :'one')), '42501 | not a member of the active tenant |  | Choose one of your tenants with SELECT casnet.use_tenant(''name''); casnet.my_tenants() lists them. | ', 'a stranger');
CALL be(NULL);
SELECT is(state_of(format('SELECT casnet.records_of(%L)', :'one')), '28000', 'nobody');
SELECT * FROM finish();
ROLLBACK;
