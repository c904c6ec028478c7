-- If a user holds a permission, and only the session's token leaves it out, the error says
-- so.  Of what the user does not hold, it says what it says to everybody.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.narrow(person uuid, tenant uuid, permissions text[]) RETURNS text LANGUAGE sql AS $$
	SELECT token(jsonb_build_object('sub', person, 'tid', tenant, 'perm', to_jsonb(permissions), 'gen', public.generation_of(person)))
$$;
SET LOCAL SESSION AUTHORIZATION tap_client;
\set by_token '42501 | permission "view_persons" is missing in the active tenant | The session token gives only some of the user''s permissions. | Make a token with that permission, with casnet.service_token(). | '
\set by_user '42501 | permission "delete_tenant" is missing in the active tenant |  | Somebody who holds manage_permissions there can give it with casnet.grant_permission(). | '
\set reading 'SELECT count(*) FROM casnet.persons'
\set deleting 'SELECT casnet.tenant_with(''delete_tenant'')'

SELECT set_config('casnet.token', narrow(:'vic', :'north', '{view_records,manage_users}'), false) IS NOT NULL AS now \gset
SELECT is(error_of(:'deleting'), :'by_user', 'what the user does not hold');
SELECT is(error_of(format('SELECT casnet.add_member(%L)', 'nora')), replace(:'by_user', 'delete_tenant', 'manage_users'), 'also if the token names it');
SELECT set_config('casnet.token', narrow(:'adam', :'north', '{view_records}'), false) IS NOT NULL AS now \gset
SELECT is(error_of(:'reading'), :'by_token', 'what the token leaves out');
SELECT is(error_of(:'deleting'), :'by_user', 'what neither gives');
PREPARE persons AS SELECT count(*) FROM casnet.persons;
SELECT is(error_of('EXECUTE persons'), :'by_token', 'in a kept plan');
SELECT is(error_of('SELECT casnet.tenant_with(''view_persons'')'), :'by_token', 'in a function');
SELECT set_config('casnet.token', narrow(:'sue', :'north', '{view_records}'), false) IS NOT NULL AS now \gset
SELECT is(error_of(:'reading'), :'by_token', 'of a superuser of the application');
SELECT set_config('casnet.token', narrow(:'olga', :'south', '{view_records}'), false) IS NOT NULL AS now \gset
SELECT is(error_of(:'reading'), '42501 | not a member of the active tenant |  | Choose one of your tenants with SELECT casnet.use_tenant(''name''); casnet.my_tenants() lists them. | ', 'of another tenant');

-- What is for a whole tenant, by its id.
SELECT set_config('casnet.token', narrow(:'olga', :'north', '{view_records}'), false) IS NOT NULL AS now \gset
SELECT is(error_of(format('SELECT * FROM casnet.export_tenant(%L)', :'north')), replace(replace(:'by_token', 'view_persons', 'manage_tenant'), 'the active', 'that'), 'an owner who exports it');
SELECT is(error_of(format('SELECT casnet.delete_tenant(%L)', :'north')), replace(replace(:'by_token', 'view_persons', 'delete_tenant'), 'the active', 'that'), 'and who deletes it');
SELECT set_config('casnet.token', narrow(:'vic', :'north', '{view_records}'), false) IS NOT NULL AS now \gset
SELECT is(error_of(format('SELECT casnet.delete_tenant(%L)', :'north')), '42501 | permission "delete_tenant" is missing in that tenant |  | An owner of the tenant can do it. | ', 'somebody who could not anyway');

-- Who gives something to others.
SELECT set_config('casnet.token', narrow(:'adam', :'north', '{manage_users,view_users}'), false) IS NOT NULL AS now \gset
SELECT is(split_part(error_of('SELECT casnet.add_member(''nora'')'), ' | ', 4), 'The session token gives only some of the user''s permissions. Use a token that gives that one, or ask somebody in the tenant who holds it, or an administrator.', 'a token to add members');
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'vic', 'tid', :'north', 'gen', public.generation_of(:'vic'))), false) IS NOT NULL AS now \gset
SELECT is(error_of(:'deleting'), :'by_user', 'a token without a list');
SELECT * FROM finish();
ROLLBACK;
