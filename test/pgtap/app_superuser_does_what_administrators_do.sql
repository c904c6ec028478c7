-- A superuser of the application does by the functions what docs/functions.md says that administrators
-- can do, with a database role that has casnet_user and no more, in tenants that it does not
-- belong to.  Nobody else does.
BEGIN;
SELECT plan(74);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET hashed_password = NULL WHERE username = 'vic';
CREATE PROCEDURE pg_temp.sign_in(person text, tenant text DEFAULT NULL) LANGUAGE sql AS $$
	SELECT set_config('casnet.token', public.token(jsonb_build_object('sub', (SELECT id FROM public.who WHERE name = person))), true),
		   set_config('casnet.tenant_id', coalesce((SELECT id::text FROM public.who WHERE name = tenant), ''), true) $$;
GRANT ALL ON ALL PROCEDURES IN SCHEMA pg_temp TO PUBLIC;
CREATE TABLE public.claims (number serial, tenant text, statement text, refused text, superuser text DEFAULT 'none');
INSERT INTO public.claims (tenant, statement, refused) VALUES
	-- accounts; the code is that for the owner of the tenant
	(NULL, $$SELECT casnet.revoke_all_tokens('00000000-0000-7000-8000-000000000003')$$, '42501'),
	(NULL, $$SELECT casnet.set_password('00000000-0000-7000-8000-000000000003', 'another password')$$, '42501'),
	(NULL, $$SELECT casnet.set_password('00000000-0000-7000-8000-000000000004', 'the first password')$$, '42501'),
	(NULL, $$SELECT casnet.password_code('mia')$$, '42501'),
	(NULL, $$SELECT casnet.deactivate_user('00000000-0000-7000-8000-000000000003')$$, '42501'),
	(NULL, $$SELECT casnet.reactivate_user('00000000-0000-7000-8000-000000000006')$$, '42501'),
	(NULL, $$SELECT casnet.create_user('new', 'new@x.test', 'password of new')$$, '42501'),
	(NULL, $$SELECT casnet.create_user('new', 'new@x.test', NULL, is_superuser => true)$$, '42501'),
	(NULL, $$SELECT casnet.delete_user('00000000-0000-7000-8000-000000000003')$$, '42501'),
	(NULL, $$SELECT * FROM casnet.accounts()$$, '42501'),
	-- tenants
	(NULL, $$SELECT casnet.create_tenant('East', owner_id => '00000000-0000-7000-8000-000000000003')$$, '42501'),
	(NULL, $$SELECT casnet.delete_tenant('00000000-0000-7000-8000-0000000000b0')$$, 'P0002'),
	(NULL, $$SELECT casnet.use_tenant('South')$$, 'P0002'),
	('South', $$UPDATE casnet.tenants SET description = 'changed' WHERE name = 'South' RETURNING 1$$, '42501'),
	('South', $$SELECT casnet.export_tenant()$$, 'P0002'),
	('South', $$SELECT * FROM casnet.audit_log()$$, '42501'),
	-- members of a tenant
	('South', $$SELECT * FROM casnet.members()$$, '42501'),
	('South', $$SELECT casnet.add_member('vic', 'owner')$$, '42501'),
	('South', $$SELECT casnet.set_member_role('mia', 'owner')$$, '42501'),
	('South', $$SELECT casnet.remove_member('mia')$$, '42501'),
	('South', $$SELECT casnet.grant_permission('mia', 'delete_tenant')$$, '42501'),
	('South', $$SELECT casnet.revoke_permission('mia', 'delete_tenant')$$, '42501'),
	('South', $$SELECT casnet.invite_member('x@x.test', 'owner')$$, '42501'),
	('South', $$SELECT * FROM casnet.invitations()$$, '42501');
INSERT INTO public.claims (tenant, statement, refused, superuser) VALUES
	-- what takes casnet_admin
	(NULL, 'SELECT casnet.adopt_users(''public.claims'')', '42501', '42501'),
	(NULL, 'SELECT casnet.add_signing_key(''k'')', '42501', '42501'),
	(NULL, 'SELECT casnet.retire_signing_key(''tap'')', '42501', '42501'),
	(NULL, 'SELECT casnet.purge_audit(''1 year'')', '42501', '42501'),
	(NULL, 'INSERT INTO casnet.role_permissions (role, permission) VALUES (''owner'', ''approve'')', '42501', '42501'),
	(NULL, 'INSERT INTO casnet.roles (name) VALUES (''clerk'')', '42501', '42501');
GRANT SELECT ON public.claims TO PUBLIC;
CREATE FUNCTION pg_temp.outcome_of(person text, claim public.claims) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	CALL pg_temp.sign_in(person, claim.tenant);
	RETURN public.state_of(claim.statement);
END
$$;
GRANT ALL ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.outcome_of('sue', c), c.superuser, c.statement) FROM public.claims AS c ORDER BY c.number;
SELECT is(pg_temp.outcome_of('olga', c), c.refused, 'an owner: ' || c.statement) FROM public.claims AS c ORDER BY c.number;

-- the way of a last owner: the error names the tenants, and each gets another owner
CALL pg_temp.sign_in('sue');
SELECT is(public.error_of(format('SELECT casnet.delete_user(%L)', :'olga')) ~ '^23514 .*00000000-0000-7000-8000-0000000000a0 "North"', true, 'the error names the tenants');
SELECT casnet.use_tenant('North') AS north \gset
SELECT casnet.set_member_role('adam', 'owner');
SELECT casnet.delete_user(:'olga');
SELECT is((SELECT count(*) FROM casnet.accounts() WHERE username = 'olga'), 0::bigint, 'gone');

-- accounts() by pages, in the order of names whatever their case
SELECT casnet.create_user(n, lower(n) || '@x.test', CASE n WHEN 'Bea' THEN 'password of bea' END) AS id FROM unnest(ARRAY['Bea', 'zoe']) AS n \g /dev/null
SELECT is((SELECT string_agg(username, ' ') FROM casnet.accounts()), 'adam Bea ines mia nora otto sue vic zoe', 'all');
SELECT is((SELECT string_agg(username, ' ') FROM casnet.accounts(max_rows => 3)), 'adam Bea ines', 'a page');
SELECT is((SELECT string_agg(username, ' ') FROM casnet.accounts(' INES ', 3)), 'mia nora otto', 'the next one');
SELECT is((SELECT count(*) FROM casnet.accounts('zoe')), 0::bigint, 'none after the last');
SELECT is((SELECT string_agg(username, ' ') FROM casnet.accounts() WHERE NOT has_password), 'vic zoe', 'who has no password');
SELECT is((SELECT a::text FROM casnet.accounts() AS a WHERE username = 'ines') ~ '^\(00000000-0000-7000-8000-000000000006,ines,ines@north.test,,f,f,t,"?20', true, 'what is known of one');
SELECT is((SELECT string_agg(username, ' ') FROM casnet.accounts() WHERE is_superuser), 'sue', 'superusers');
SELECT is(public.state_of(format('SELECT * FROM casnet.accounts(max_rows => %s)', n)), '22023', n || ' rows') FROM unnest(ARRAY['0', '10001', 'NULL']) AS n;
SELECT casnet.sign_out();
SELECT is(public.state_of('SELECT * FROM casnet.accounts()'), '28000', 'nobody lists accounts');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is((SELECT string_agg(username, ' ') FROM casnet.accounts('vic')), 'zoe', 'casnet_admin does, without a user');
SELECT * FROM finish();
ROLLBACK;
