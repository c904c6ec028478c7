-- use_tenant() takes an id or a name of one's own tenants, and tells nothing of
-- others; what one may see of tenants and users is listed once.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
\set none '02000 | there is no such tenant among yours |  | casnet.my_tenants() lists the tenants you belong to. | '
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
-- An id goes before a name that looks like one.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.tenants (id, name) VALUES (:'nowhere', :'north');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'mia', :'nowhere', 'viewer'), (:'vic', :'nowhere', 'viewer');
DELETE FROM casnet.user_tenants WHERE user_id = :'vic' AND tenant_id = :'north';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia');
SELECT is(casnet.use_tenant(:'north'), :'north'::uuid, 'the id');
CALL be('vic');
SELECT is(casnet.use_tenant(:'north'), :'nowhere'::uuid, 'the name, for who has no such id');

CALL be('mia', 'North');
SELECT is((SELECT array_agg(i ORDER BY i) FROM unnest(casnet.my_tenant_ids()) AS i), ARRAY[:'north', :'south', :'nowhere']::uuid[], 'the tenants of mia, each once');
SELECT is(casnet.visible_user_ids(), ARRAY[:'mia']::uuid[], 'of users herself');
CALL be('olga', 'North');
SELECT is((SELECT array_agg(i ORDER BY i) FROM unnest(casnet.visible_user_ids()) AS i), ARRAY[:'olga', :'adam', :'mia', :'ines']::uuid[], 'of users the members, each once');
CALL be('sue', 'South');
SELECT is(casnet.my_tenant_ids(), ARRAY[:'south']::uuid[], 'a superuser has the active one');
-- Within one statement they follow the session.
CREATE FUNCTION pg_temp.wander(what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answers text := '';
	person text;
BEGIN
	FOREACH person IN ARRAY ARRAY['olga', 'otto', 'mia'] LOOP
		CALL public.be(person);
		answers := answers || CASE what WHEN 'tenants' THEN cardinality(casnet.my_tenant_ids()) ELSE cardinality(casnet.visible_user_ids()) END;
	END LOOP;
	RETURN answers;
END
$$;
SELECT is(pg_temp.wander('tenants'), '113', 'tenants in a loop');
SELECT is(pg_temp.wander('users'), '111', 'users in a loop');
SELECT * FROM finish();
ROLLBACK;
