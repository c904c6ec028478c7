-- An invitation: one code, one use, one email address, in time, and never more than the
-- inviter holds when it is accepted.
BEGIN;
SELECT plan(88);
\ir include/fixtures.sql
\ir include/tokens.sql
-- Index scans find memberships in the order of their ids.
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
\set no_such 'P0002 | there is no such invitation for you |  | A code works once, in time, for the account with the email address it was sent to; ask for a new one. | '
CREATE PROCEDURE pg_temp.be(person text, tenant text DEFAULT NULL) LANGUAGE sql AS $$
	SELECT set_config('casnet.token', public.token(jsonb_build_object('sub', (SELECT id FROM public.who WHERE name = person), 'tid', (SELECT id FROM public.who WHERE name = tenant))), false)
$$;
CREATE FUNCTION pg_temp.accepted(code text) RETURNS text LANGUAGE sql AS $$ SELECT public.error_of(format('SELECT casnet.accept_invitation(%L)', code)) $$;
CREATE FUNCTION pg_temp.invited(email text, role text DEFAULT 'member', lifetime text DEFAULT '1 day') RETURNS text LANGUAGE sql AS $$
	SELECT public.state_of(format('SELECT casnet.invite_member(%L, %L, %L)', email, role, lifetime)) $$;
CREATE FUNCTION pg_temp.role_of(person text, tenant text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	CALL pg_temp.be(person, tenant);
	RETURN coalesce((SELECT role FROM casnet.whoami()), 'none');
END
$$;

-- the intended use
CALL pg_temp.be('adam', 'North');
SELECT casnet.invite_member('Nora@Nowhere.TEST') AS code \gset
SELECT matches(:'code'::text, '^[A-Za-z0-9_-]{22}$', 'a code of 128 bits');
SELECT isnt(casnet.invite_member('vic@north.test'), :'code', 'no two are the same');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet_internal.invitations AS i WHERE i::text LIKE '%' || :'code' || '%'), 0::bigint, 'it is not stored');
SELECT is((SELECT role FROM casnet_internal.invitations WHERE digest = sha256(convert_to(:'code', 'UTF8'))), 'member', 'but a digest');
SET LOCAL SESSION AUTHORIZATION tap_client;
CALL pg_temp.be('vic', 'North');
SELECT is(pg_temp.accepted(:'code'), :'no_such', 'not for another account');
CALL pg_temp.be('adam', 'North');
SELECT is(pg_temp.accepted(:'code'), :'no_such', 'not for the inviter');
SELECT casnet.sign_out();
SELECT is(left(pg_temp.accepted(:'code'), 5), '28000', 'not for nobody');
CALL pg_temp.be('nora');
SELECT is(pg_temp.accepted(c), :'no_such', coalesce('not with ' || left(c, 30), 'not with null'))
  FROM unnest(ARRAY[NULL, '', ' ', 'x', :'code' || 'x', left(:'code', 11) || ' ' || right(:'code', 11), lower(:'code') || upper(:'code'), left(:'code', 21), ''' OR true --', '%', repeat('x', 100000)]) AS c;
SAVEPOINT a;
SELECT is(casnet.accept_invitation(:'code'), :'north'::uuid, 'accepted');
SELECT is(pg_temp.accepted(:'code'), :'no_such', 'once');
SELECT is(pg_temp.role_of('nora', 'North'), 'member', 'a member');
ROLLBACK TO a;
SELECT is(pg_temp.role_of('nora', 'North'), 'none', 'rolled back');
CALL pg_temp.be('nora');
SELECT is(casnet.accept_invitation(:'code'), :'north'::uuid, 'the code is good again');
SELECT is(pg_temp.role_of('nora', 'North'), 'member', 'a member');

-- roles: never lowered, raised if there is a membership
CALL pg_temp.be('olga', 'North');
SELECT casnet.invite_member('adam@north.test', 'viewer') AS lower, casnet.invite_member('vic@north.test', 'admin') AS higher, casnet.invite_member('mia@north.test', 'member') AS equal \gset
CALL pg_temp.be('adam');
SELECT is(casnet.accept_invitation(:'lower'), :'north'::uuid, 'an admin invited as viewer');
SELECT is(pg_temp.role_of('adam', 'North'), 'admin', 'stays admin');
CALL pg_temp.be('vic');
SELECT is(casnet.accept_invitation(:'higher'), :'north'::uuid, 'a viewer invited as admin');
SELECT is(pg_temp.role_of('vic', 'North'), 'admin', 'is admin');
CALL pg_temp.be('mia');
SELECT is(casnet.accept_invitation(:'equal'), :'north'::uuid, 'a member invited as member');
SELECT is(pg_temp.role_of('mia', 'North'), 'member', 'stays one');

-- who may invite whom
CALL pg_temp.be('adam', 'North');
SELECT is(pg_temp.invited('x@x.test', r), e, 'an admin invites ' || coalesce(r, 'null')) FROM (VALUES ('owner', '42501'), ('admin', 'none'), ('viewer', 'none'), ('king', '22023'), ('', '22023'), (NULL, '22023')) AS v (r, e);
SELECT is(pg_temp.invited(m), '22023', 'address ' || coalesce(m, 'null')) FROM unnest(ARRAY[NULL, '', '  ']) AS m;
-- The code goes to what was given, and so proves that only where it is stored like that.
SELECT is(pg_temp.invited(m), e, 'an address ' || w) FROM (VALUES (E' X@x.test\t', 'none', 'in capital letters'), ('JÖRG@x.test', '22023', 'with other capital letters'), ('jörg@x.test', 'none', 'with other letters'),
	('jörg@x.test', '22023', 'not in NFC'), (E'a@x.test\nBcc: b@x.test', '22023', 'of two lines'), ('a b@x.test', '22023', 'with a space'), (E'a\x7f@x.test', '22023', 'with a control character')) AS v (m, e, w);
SELECT is(pg_temp.invited('x@x.test', 'member', l), e, 'for ' || coalesce(l, 'null')) FROM (VALUES (NULL, '22023'), ('0', '22023'), ('-1 day', '22023'), ('367 days', '22023'), ('1 second', 'none'), ('infinitely', '22007')) AS v (l, e);
SELECT is(pg_temp.invited('x@x.test'), e, 'by ' || p) FROM (VALUES ('mia', 'North', '42501'), ('nora', 'South', '42501'), ('mia', 'South', '42501'), ('olga', NULL, '55000'), ('sue', 'South', 'none')) AS v (p, t, e),
	LATERAL (SELECT set_config('casnet.token', token(jsonb_build_object('sub', (SELECT id FROM who WHERE name = p), 'tid', (SELECT id FROM who WHERE name = t))), false)) AS s;
SELECT casnet.sign_out();
SELECT is(pg_temp.invited('x@x.test'), '28000', 'by nobody');

-- changes of the inviter and the tenant meanwhile
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.user_tenants WHERE user_id = :'nora';
UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = :'vic';
SET LOCAL SESSION AUTHORIZATION tap_client;
CALL pg_temp.be('adam', 'North');
SELECT casnet.invite_member('one@nowhere.test', 'admin') AS code, casnet.invite_member('two@nowhere.test', 'viewer') AS low_code \gset
CALL pg_temp.be('olga', 'North');
SELECT casnet.invite_member('three@nowhere.test', 'owner') AS of_olga, casnet.invite_member('four@nowhere.test', 'admin') AS admin_of_olga \gset
CALL pg_temp.be('sue', 'North');
SELECT casnet.invite_member('five@nowhere.test', 'owner') AS of_sue \gset
CALL pg_temp.be('nora');
RESET SESSION AUTHORIZATION;
-- equally valid invitations, each tried alone
UPDATE casnet_internal.invitations SET email = 'nora@nowhere.test', created_at = now(), generation = NULL WHERE email LIKE '%@nowhere.test';
SAVEPOINT c;
UPDATE casnet.user_tenants SET role = 'member' WHERE user_id = :'adam';
SELECT is(pg_temp.accepted(:'code'), :'no_such', 'inviter demoted');
SELECT is(pg_temp.accepted(:'low_code'), :'no_such', 'also for a lower role: a member invites nobody');
ROLLBACK TO c;
-- They may still invite, but hold less: the rank of others does not count, nor their own
-- elsewhere.
INSERT INTO casnet.tenants (id, name) VALUES ('00000000-0000-7000-8000-000000000010', 'East');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'adam', '00000000-0000-7000-8000-000000000010', 'owner');
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'adam', :'north', 'manage_users');
UPDATE casnet.user_tenants SET role = 'member' WHERE user_id = :'adam' AND tenant_id = :'north';
SELECT is(pg_temp.accepted(:'code'), :'no_such', 'a member who may invite makes no admin');
SELECT is(pg_temp.accepted(:'low_code'), :'no_such', 'nor a viewer by an invitation of before');
ROLLBACK TO c;
INSERT INTO casnet.user_tenants VALUES (:'otto', :'north', 'owner');
UPDATE casnet.user_tenants SET role = 'admin' WHERE user_id = :'olga';
SELECT is(pg_temp.accepted(:'of_olga'), :'no_such', 'an owner who is an admin now makes no owner');
SELECT is(pg_temp.accepted(:'admin_of_olga'), :'no_such', 'nor an admin by an invitation of before');
ROLLBACK TO c;
DELETE FROM casnet.user_tenants WHERE user_id = :'adam';
SELECT is(pg_temp.accepted(:'low_code'), :'no_such', 'inviter removed');
ROLLBACK TO c;
UPDATE casnet.users SET is_active = false WHERE id = :'adam';
SELECT is(pg_temp.accepted(:'low_code'), :'no_such', 'inviter inactive');
ROLLBACK TO c;
DELETE FROM casnet.users WHERE id = :'adam';
SELECT is(pg_temp.accepted(:'low_code'), :'no_such', 'inviter deleted');
ROLLBACK TO c;
UPDATE casnet.users SET is_superuser = false WHERE id = :'sue';
SELECT is(pg_temp.accepted(:'of_sue'), :'no_such', 'no superuser any more');
ROLLBACK TO c;
UPDATE casnet.users SET email = 'other@nowhere.test' WHERE id = :'nora';
SELECT is(pg_temp.accepted(:'code'), :'no_such', 'another email address');
ROLLBACK TO c;
UPDATE casnet.users SET is_active = false WHERE id = :'nora';
SELECT is(left(pg_temp.accepted(:'code'), 5), '28000', 'invited and inactive');
ROLLBACK TO c;
DELETE FROM casnet.tenants WHERE id = :'north';
SELECT is(pg_temp.accepted(:'code'), :'no_such', 'tenant deleted');
SELECT is((SELECT count(*) FROM casnet_internal.invitations WHERE tenant_id = :'north'), 0::bigint, 'with its invitations');
ROLLBACK TO c;
UPDATE casnet_internal.invitations SET expires_at = clock_timestamp();
SELECT is(pg_temp.accepted(:'code'), :'no_such', 'expired');
ROLLBACK TO c;
SELECT is(pg_temp.accepted(:'of_sue'), 'none', 'and with nothing of that, it is accepted');
DELETE FROM casnet_internal.invitations;
CALL pg_temp.be('olga', 'North');
SELECT casnet.invite_member('old@x.test') \g /dev/null
RESET SESSION AUTHORIZATION;
UPDATE casnet_internal.invitations SET expires_at = now() - interval '1 second';
SET LOCAL SESSION AUTHORIZATION tap_client;
CALL pg_temp.be('olga', 'North');
SELECT casnet.invite_member('x@x.test') AS code \gset
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet_internal.invitations), 1::bigint, 'expired ones do not pile up');
-- The inviter has since lost what the role requires or gives.
CALL pg_temp.be('adam', 'North');
SELECT casnet.invite_member('nora@nowhere.test', 'admin') AS code \gset
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.user_tenants WHERE user_id = :'nora';
CREATE FUNCTION pg_temp.without(permission text, code text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	DELETE FROM casnet.role_permissions AS r WHERE r.role = 'admin' AND r.permission = without.permission;
	CALL pg_temp.be('nora');
	SET LOCAL ROLE tap_client;
	answer := public.error_of(format('SELECT casnet.accept_invitation(%L)', without.code));
	RESET ROLE;
	RAISE EXCEPTION '%', answer USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN SQLERRM;
END
$$;
SELECT is(pg_temp.without('assign_roles', :'code'), :'no_such', 'not if the inviter may no longer give such a role');
SELECT is(pg_temp.without('manage_users', :'code'), :'no_such', 'nor add members');
SELECT is(pg_temp.without('nothing', :'code'), 'none', 'else it counts');
-- When an account changes its address, its earlier invitations end for good.
SELECT casnet.invite_member('mia@nowhere.test', 'viewer') AS code \gset
RESET SESSION AUTHORIZATION;
SELECT email AS before FROM casnet.users WHERE id = :'mia' \gset
UPDATE casnet.users SET email = 'mia@nowhere.test' WHERE id = :'mia';
UPDATE casnet.users SET email = 'MIA@nowhere.test', full_name = 'Mia' WHERE id = :'mia';
SELECT is((SELECT count(*) FROM casnet_internal.invitations WHERE email = 'mia@nowhere.test'), 1::bigint, 'one that gets it, or writes it in another way, does not');
UPDATE casnet.users SET email = :'before' WHERE id = :'mia';
SELECT is((SELECT count(*) FROM casnet_internal.invitations WHERE email = 'mia@nowhere.test'), 0::bigint, 'nothing is left of it');
UPDATE casnet.users SET email = 'mia@nowhere.test' WHERE id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_client;
CALL pg_temp.be('mia', 'North');
SELECT throws_ok(format('SELECT casnet.accept_invitation(%L)', :'code'), 'P0002', NULL, 'nor when the address comes back');
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET email = :'before' WHERE id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_client;
CALL pg_temp.be('olga', 'North');
SELECT lives_ok($$SELECT casnet.invite_member('mia@nowhere.test', 'viewer')$$, 'a new invitation is for the account that has it then');
-- An address is bounded as it is stored; else the table would refuse the row, and show it.
SELECT throws_ok($$SELECT casnet.invite_member(repeat(U&'\023A', 990))$$, '22023', NULL, 'an address that is longer in lower case');
-- Only invitations that can still be accepted are listed, neither expired nor replaced
-- ones.
RESET SESSION AUTHORIZATION;
DELETE FROM casnet_internal.invitations;
SET LOCAL SESSION AUTHORIZATION tap_client;
CALL pg_temp.be('olga', 'North');
SELECT casnet.invite_member(name || '@Listed.test', 'viewer') AS code FROM unnest('{a,b,c}'::text[]) AS name;
SELECT set_eq('SELECT email FROM casnet.invitations()', ARRAY['a@listed.test', 'b@listed.test', 'c@listed.test'], 'three are listed');
RESET SESSION AUTHORIZATION;
UPDATE casnet_internal.invitations SET expires_at = clock_timestamp() WHERE email = 'a@listed.test';
INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, created_at, expires_at)
SELECT '\x01', tenant_id, 'b@listed.test', 'member', invited_by, clock_timestamp(), expires_at FROM casnet_internal.invitations WHERE email = 'b@listed.test';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT set_eq('SELECT email, role FROM casnet.invitations()', $$VALUES ('b@listed.test', 'member'), ('c@listed.test', 'viewer')$$, 'not what is over, or replaced');
SELECT is((SELECT count(*) FROM casnet.invitations() WHERE expires_at <= clock_timestamp()), 0::bigint, 'nothing that has ended');
CALL pg_temp.be('otto', 'South');
SELECT is_empty('SELECT FROM casnet.invitations()', 'nor those of others');
CALL pg_temp.be('vic', 'North');
SELECT throws_ok('SELECT FROM casnet.invitations()', '42501', NULL, 'nor to whoever may not invite');
SELECT * FROM finish();
ROLLBACK;
