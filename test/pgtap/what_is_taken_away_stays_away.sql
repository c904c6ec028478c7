-- For a tenant and an address only the newest invitation exists.  It ends when its
-- membership begins, changes or ends, and when the account is deactivated or deleted,
-- whoever does that and by whatever statement.
BEGIN;
SELECT plan(40);
\ir include/fixtures.sql
CREATE FUNCTION pg_temp.invite(email text, role text DEFAULT 'admin') RETURNS text LANGUAGE sql AS $$ SELECT casnet.invite_member(email, role) $$;
-- The result of accepting it, which is undone.
CREATE FUNCTION pg_temp.accepted(person text, code text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	CALL be(person);
	PERFORM casnet.accept_invitation(code);
	RAISE EXCEPTION 'accepted' USING ERRCODE = 'ZZ001';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'ZZ001' THEN SQLERRM ELSE SQLSTATE END;
END
$$;
\set listed 'SELECT string_agg(email || '' '' || role, '', '' ORDER BY email) FROM casnet.invitations()'

-- one by one
CALL be('adam', 'North');
SELECT pg_temp.invite('nora@nowhere.test', 'viewer') AS first, pg_temp.invite('NORA@nowhere.test', 'admin') AS second \gset
SELECT is(pg_temp.accepted('nora', :'first'), 'P0002', 'a newer one replaces the older');
SELECT is(pg_temp.accepted('nora', :'second'), 'accepted', 'and counts itself');
CALL be('sue', 'South');
SELECT pg_temp.invite('nora@nowhere.test', 'viewer') AS elsewhere \gset
SELECT is(pg_temp.accepted('nora', :'second'), 'accepted', 'one to another tenant does not');
CALL be('adam', 'North');
SELECT pg_temp.invite('vic@north.test', 'admin') AS other \gset
SELECT is(pg_temp.accepted('nora', :'second'), 'accepted', 'nor one to another address');
SELECT is((:listed), 'nora@nowhere.test admin, vic@north.test admin', 'all are listed');

-- codes with the text around them in a mail
SELECT is(pg_temp.accepted('nora', E' \t' || :'second' || E'\r\n'), 'accepted', 'white space around a code');
SELECT is((SELECT string_agg(i::text, ';') FROM casnet.invitation(:'second' || ' ') AS i) ~ '^\(North,admin,nora@nowhere.test,"20', true, 'what it is for');
SELECT casnet.sign_out();
SELECT is((SELECT tenant_name FROM casnet.invitation(:'second')), 'North', 'also before anybody is signed in');
SELECT throws_ok('SELECT casnet.invitation(''x'')', 'P0002', NULL, 'only for the holder of the code');
SELECT throws_ok('SELECT casnet.invitation(NULL)', 'P0002', NULL, 'and nobody else');

-- listed, and taken back
CALL be('vic', 'North');
SELECT throws_ok('SELECT * FROM casnet.invitations()', '42501', NULL, 'the list is for users who may invite');
SELECT throws_ok($$SELECT casnet.cancel_invitation('00000000-0000-7000-8000-0000000000a0')$$, '42501', NULL, 'and so is taking back');
CALL be('adam', 'North');
SELECT id, invited_by = :'adam' AS by_adam FROM casnet.invitations() WHERE role = 'admin' AND email ~ 'nora' \gset
SELECT is(:'by_adam'::text, 't', 'with who invited');
SELECT throws_ok(format('SELECT casnet.cancel_invitation(%L)', i), 'P0002', NULL, 'none is ' || coalesce(i::text, 'null')) FROM unnest(ARRAY[NULL, '00000000-0000-7000-8000-0000000000a0']::uuid[]) AS i;
SAVEPOINT a;
SELECT casnet.cancel_invitation(:'id') \g /dev/null
SELECT is((:listed), 'vic@north.test admin', 'taken back');
SELECT is(pg_temp.accepted('nora', :'second'), 'P0002', 'it does not count');
SELECT is(pg_temp.accepted('nora', :'first'), 'P0002', 'nor does the older one again');
ROLLBACK TO a;
SELECT is(pg_temp.accepted('nora', :'second'), 'accepted', 'unless that is undone');
CALL be('sue', 'South');
SELECT is(public.state_of(format('SELECT casnet.cancel_invitation(%L)', :'id')), 'P0002', 'nobody takes back those of another tenant');

-- What ends it: each statement, then the same code again.
CREATE FUNCTION pg_temp.after(person text, tenant text, statement text, code text, invited text DEFAULT 'nora') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	IF person IS NULL THEN
		RESET SESSION AUTHORIZATION;
	ELSE
		CALL be(person, tenant);
	END IF;
	EXECUTE statement;
	SET LOCAL SESSION AUTHORIZATION tap_app;
	answer := pg_temp.accepted(invited, code);
	RAISE EXCEPTION '%', answer USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN SQLERRM;
END
$$;
RESET SESSION AUTHORIZATION;
GRANT tap_app TO CURRENT_USER;
GRANT ALL ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
CREATE TABLE public.w (code text, other text, elsewhere text, vic uuid, nora uuid, north uuid);
INSERT INTO public.w VALUES (:'second', :'other', :'elsewhere', :'vic', :'nora', :'north');
GRANT SELECT ON public.w TO PUBLIC;
SELECT is(pg_temp.after(NULL, NULL, 'SELECT', code), 'accepted', 'with nothing it counts') FROM public.w;
SELECT is(pg_temp.after('olga', 'North', 'SELECT casnet.add_member(''nora'', ''viewer'')', code), 'P0002', 'added meanwhile') FROM public.w;
SELECT is(pg_temp.after('olga', 'North', 'SELECT casnet.add_member(''nora'', ''viewer''); SELECT casnet.remove_member(''nora'')', code), 'P0002', 'added and removed') FROM public.w;
SELECT is(pg_temp.after(NULL, NULL, format('INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%L, %L, ''viewer'')', nora, north), code), 'P0002', 'by a plain INSERT') FROM public.w;
SELECT is(pg_temp.after('olga', 'North', 'SELECT casnet.remove_member(''vic'')', other, 'vic'), 'P0002', 'removed') FROM public.w;
SELECT is(pg_temp.after(NULL, NULL, format('DELETE FROM casnet.user_tenants WHERE user_id = %L', vic), other, 'vic'), 'P0002', 'by a plain DELETE') FROM public.w;
SELECT is(pg_temp.after('vic', 'North', 'SELECT casnet.leave_tenant()', other, 'vic'), 'P0002', 'gone by oneself') FROM public.w;
SELECT is(pg_temp.after('olga', 'North', 'SELECT casnet.set_member_role(''vic'', ''member'')', other, 'vic'), 'P0002', 'with another role') FROM public.w;
SELECT is(pg_temp.after('olga', 'North', 'SELECT casnet.set_member_role(''vic'', ''viewer'')', other, 'vic'), 'accepted', 'with the same') FROM public.w;
SELECT is(pg_temp.after(NULL, NULL, format('UPDATE casnet.user_tenants SET role = ''member'' WHERE user_id = %L', vic), other, 'vic'), 'P0002', 'by a plain UPDATE') FROM public.w;
SELECT is(pg_temp.after(NULL, NULL, format('MERGE INTO casnet.user_tenants AS t USING public.w ON t.user_id = w.vic WHEN MATCHED THEN UPDATE SET role = ''member''', vic), other, 'vic'), 'P0002', 'by MERGE') FROM public.w;
SELECT is(pg_temp.after(NULL, NULL, format('SELECT casnet.deactivate_user(%L); SELECT casnet.reactivate_user(%1$L)', nora), code), 'P0002', 'deactivated and active again') FROM public.w;
SELECT is(pg_temp.after(NULL, NULL, format('SELECT casnet.deactivate_user(%L); SELECT casnet.reactivate_user(%1$L)', nora), elsewhere), 'P0002', 'in every tenant') FROM public.w;
SELECT is(pg_temp.after(NULL, NULL, format('UPDATE casnet.users SET is_active = false WHERE id = %L; UPDATE casnet.users SET is_active = true WHERE id = %1$L', nora), code), 'P0002', 'by a plain UPDATE of the account') FROM public.w;
SELECT is(pg_temp.after(NULL, NULL, format('UPDATE casnet.users SET full_name = ''Nora'', is_active = true WHERE id = %L', nora), code), 'accepted', 'not by another one') FROM public.w;
SELECT is(pg_temp.after(NULL, NULL, format('DELETE FROM casnet.users WHERE id = %L; INSERT INTO casnet.users (id, username, email) VALUES (%1$L, ''nora'', ''nora@nowhere.test'')', nora), code), 'P0002', 'deleted and made again') FROM public.w;
SELECT is(pg_temp.after('nora', NULL, format('SELECT casnet.accept_invitation(%L)', elsewhere), code), 'accepted', 'accepting one ends none of another tenant') FROM public.w;

-- Two that were made at once, since neither saw the other.  The newer one stays.  When it
-- ends or is accepted, the older one ends, too.
INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at, created_at)
SELECT sha256('old'), w.north, 'nora@nowhere.test', 'owner', u.id, 'infinity', '2020-01-01' FROM public.w, casnet.users AS u WHERE u.username = 'olga';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(pg_temp.accepted('nora', 'old'), 'P0002', 'of two that were made at once the newer one is left');
CALL be('nora');
SELECT casnet.accept_invitation(:'second') \g /dev/null
SELECT is(pg_temp.accepted('nora', 'old'), 'P0002', 'with the newer one the older is accepted');
CALL be('olga', 'North');
SELECT is((:listed), 'vic@north.test admin', 'no more of it is left');
SELECT * FROM finish();
ROLLBACK;
