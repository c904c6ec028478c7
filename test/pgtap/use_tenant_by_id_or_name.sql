-- use_tenant() accepts an id or a name of the user's own tenants, and reveals nothing of
-- others.  The tenants and users that a user may see are listed once.
BEGIN;
SELECT plan(33);
\ir include/fixtures.sql
\set none 'P0002 | the tenant does not exist, or you are not a member of it |  | casnet.my_tenants() lists the tenants you belong to. | '
CALL be('olga');
SELECT is(error_of(format('SELECT casnet.use_tenant(%L)', t)), :'none', 'olga does not use ' || t) FROM unnest(ARRAY[:'south', 'South', :'nowhere', 'Nowhere', '', ' ', 'north', upper(:'south')]) AS t;
SELECT is(casnet.use_tenant(:'north'), :'north'::uuid, 'her own by id');
SELECT is(casnet.current_tenant_id(), :'north'::uuid, 'is active');
CALL be('olga');
SELECT is(casnet.use_tenant(upper(:'north')), :'north'::uuid, 'in any case');
SELECT is(casnet.use_tenant('North'), :'north'::uuid, 'by name');
SELECT is(error_of('SELECT casnet.use_tenant(NULL)'), '22023 | the tenant is null |  | Give the name or the id of one of the tenants that casnet.my_tenants() lists. | ', 'null');
CALL be('sue');
SELECT is(casnet.use_tenant(t), :'south'::uuid, 'a superuser uses ' || t) FROM unnest(ARRAY[:'south', 'South']) AS t;
SELECT is(error_of(format('SELECT casnet.use_tenant(%L)', t)), :'none', 'but not ' || t) FROM unnest(ARRAY[:'nowhere', 'Nowhere']) AS t;
-- A UUID is an id and no name, whatever tenants are called.
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tenants DROP CONSTRAINT tenants_name_is_no_id;
ALTER TABLE casnet.tenants DISABLE TRIGGER casnet_check_name;
INSERT INTO casnet.tenants (id, name) VALUES (:'nowhere', :'north');
ALTER TABLE casnet.tenants ENABLE TRIGGER casnet_check_name;
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'mia', :'nowhere', 'viewer'), (:'vic', :'nowhere', 'viewer');
DELETE FROM casnet.user_tenants WHERE user_id = :'vic' AND tenant_id = :'north';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia');
SELECT is(casnet.use_tenant(:'north'), :'north'::uuid, 'the id');
CALL be('vic');
SELECT is(error_of(format('SELECT casnet.use_tenant(%L)', t)), :'none', 'not the tenant that is called ' || t) FROM unnest(ARRAY[:'north', upper(:'north'), '{' || :'north' || '}']) AS t;
SELECT is(error_of(format('SELECT casnet.use_tenant(%L::uuid)', :'north')), :'none', 'nor by the type');
-- An argument of type uuid is an id as well.
SELECT is(casnet.use_tenant(:'nowhere'::uuid), :'nowhere'::uuid, 'a uuid');
SELECT is(casnet.use_tenant(:'nowhere'::uuid, true), casnet.current_tenant_id(), 'for the transaction');
SELECT is(error_of('SELECT casnet.use_tenant(NULL::uuid)'), '22023 | the tenant is null |  | Give the name or the id of one of the tenants that casnet.my_tenants() lists. | ', 'null');
CALL be('mia');
SELECT is(casnet.use_tenant('North'), :'north'::uuid, 'a literal is a text');
PREPARE use AS SELECT casnet.use_tenant($1);
SELECT is(parameter_types, '{text}', 'and so is a parameter') FROM pg_prepared_statements WHERE name = 'use';

CALL be('mia', 'North');
SELECT is((SELECT array_agg(i ORDER BY i) FROM unnest(casnet_internal.my_tenant_ids()) AS i), ARRAY[:'north', :'south', :'nowhere']::uuid[], 'the tenants of mia, each once');
SELECT is((SELECT array_agg(i ORDER BY i) FROM unnest(casnet_internal.visible_user_ids()) AS i), (SELECT array_agg(user_id ORDER BY user_id) FROM casnet.members()), 'of users the members');
CALL be('olga', 'North');
SELECT is((SELECT array_agg(i ORDER BY i) FROM unnest(casnet_internal.visible_user_ids()) AS i), ARRAY[:'olga', :'adam', :'mia', :'ines']::uuid[], 'of users the members, each once');
CALL be('sue', 'South');
SELECT is(casnet_internal.my_tenant_ids(), ARRAY[:'south']::uuid[], 'a superuser has the active one');
-- Within one statement they follow the session.
CREATE FUNCTION pg_temp.wander(what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answers text := '';
	person text;
BEGIN
	FOREACH person IN ARRAY ARRAY['olga', 'otto', 'mia'] LOOP
		CALL public.be(person);
		answers := answers || CASE what WHEN 'tenants' THEN cardinality(casnet_internal.my_tenant_ids()) ELSE cardinality(casnet_internal.visible_user_ids()) END;
	END LOOP;
	RETURN answers;
END
$$;
SELECT is(pg_temp.wander('tenants'), '113', 'tenants in a loop');
SELECT is(pg_temp.wander('users'), '111', 'users in a loop');
SELECT * FROM finish();
ROLLBACK;
