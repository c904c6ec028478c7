-- delete_tenant() returns how many rows it deleted: its own, and those of application
-- tables that go with the tenant.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT casnet.grant_permission('vic', 'view_users');
SELECT casnet.invite_member('somebody@else.test') IS NOT NULL AS invited;
-- Tenant, 5 members, a permission, an invitation, 3 records, a tag, 2 links, a person, a
-- link, a task and an event.
SELECT is(error_of(format('DO $q$BEGIN IF casnet.delete_tenant(%L) <> 18 THEN RAISE EXCEPTION %L; END IF; END$q$', :'north', 'other')), 'none', 'rows of all tables');
CALL be('adam', 'North');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), '42501', NULL, 'an admin deletes nothing');
SELECT throws_ok(format('SELECT casnet_internal.erase_tenant(%L)', :'north'), '42501', NULL, 'nor by the internal function');
CALL be('olga', 'North');
SELECT is(error_of(format('SELECT casnet.delete_tenant(%L)', :'south')), error_of(format('SELECT casnet.delete_tenant(%L)', :'nowhere')), 'a tenant of others and none are one');

RESET SESSION AUTHORIZATION;
CREATE ROLE tap_owner;
CREATE TABLE public.notes (note text, tenant uuid REFERENCES casnet.tenants ON DELETE CASCADE, other uuid REFERENCES casnet.tenants ON DELETE CASCADE);
CREATE TABLE public.parts (tenant_id uuid REFERENCES casnet.tenants ON DELETE CASCADE) PARTITION BY LIST (tenant_id);
CREATE TABLE public.parts_1 PARTITION OF public.parts DEFAULT;
CREATE TABLE public.kept (tenant_id uuid REFERENCES casnet.tenants ON DELETE SET NULL);
INSERT INTO public.notes VALUES ('a', :'north', NULL), ('b', :'north', :'north'), ('c', :'south', :'north'), ('d', :'south', :'south'), ('e', NULL, NULL);
INSERT INTO public.parts VALUES (:'north'), (:'north'), (:'south');
INSERT INTO public.kept VALUES (:'north'), (:'south');
-- A trigger of the application runs as the owner of its table, not as casnet's owner.
CREATE TABLE public.ran_as (who name);
GRANT INSERT ON public.ran_as TO PUBLIC;
CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.ran_as VALUES (current_user); RETURN OLD; END';
CREATE TRIGGER tell BEFORE DELETE ON public.notes FOR EACH ROW EXECUTE FUNCTION public.tell();
GRANT CREATE ON SCHEMA public TO tap_owner;
GRANT USAGE ON SCHEMA casnet TO tap_owner;
ALTER TABLE public.notes OWNER TO tap_owner;
ALTER FUNCTION public.tell() OWNER TO tap_owner;

SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(casnet.delete_tenant(:'north'), 23::bigint, 'and of tables of the application');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), 'P0002', 'the tenant does not exist, or you are not a member of it', 'once');
RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT note FROM public.notes ORDER BY 1', ARRAY['d', 'e'], 'they are gone');
SELECT is((SELECT count(*) FROM public.parts), 1::bigint, 'partitions, too');
SELECT is((SELECT count(*) FROM public.kept WHERE tenant_id IS NULL), 1::bigint, 'other tables follow their keys');
SELECT set_eq('SELECT who FROM public.ran_as', ARRAY['tap_owner'::name], 'nobody''s trigger runs as the extension''s owner');
SELECT is((SELECT count(*) FROM casnet_internal.invitations) + (SELECT count(*) FROM casnet.user_tenant_permissions)
	+ (SELECT count(*) FROM casnet.record_persons WHERE tenant_id = :'north') + (SELECT count(*) FROM casnet.record_tags WHERE tenant_id = :'north') + (SELECT count(*) FROM casnet.tasks WHERE tenant_id = :'north'), 0::bigint, 'nothing is left');

SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(casnet.delete_tenant(:'south'), 15::bigint, 'administrators likewise');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), 'P0002', 'there is no such tenant', 'once');
SELECT throws_ok('SELECT casnet.delete_tenant(NULL)', 'P0002', NULL, 'and nothing for NULL');
SELECT * FROM finish();
ROLLBACK;
