-- An entry names the user as whom the statement was judged.  A statement that changes the
-- session's user or role on its way is refused.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('casnet.records');
CREATE ROLE tap_other;
GRANT tap_other TO tap_app;
CREATE FUNCTION public.last_user() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
	SELECT coalesce(w.name, 'nobody') FROM casnet_internal.audit_entries AS e LEFT JOIN public.who AS w ON w.id = e.user_id ORDER BY at DESC, e.id DESC LIMIT 1
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
\set changed 'the identity of the session changed while a statement was writing'

CALL be('olga', 'North');
SELECT throws_ok(s, '55000', :'changed', s) FROM unnest(ARRAY[
	'INSERT INTO casnet.records (title) VALUES (1) RETURNING casnet.sign_out()',
	$s$UPDATE casnet.records SET title = 'x' RETURNING set_config('casnet.user_id', '', false)$s$,
	$s$DELETE FROM casnet.records RETURNING set_config('casnet.user_id', '00000000-0000-7000-8000-000000000002', false)$s$,
	format('DELETE FROM casnet.records RETURNING casnet.sign_in(%L)', public.token()),
	$s$DELETE FROM casnet.records RETURNING set_config('role', 'tap_other', true)$s$,
	$s$WITH i AS (INSERT INTO casnet.records (title) VALUES ('x') RETURNING 1) SELECT casnet.sign_out() FROM i$s$,
	$s$INSERT INTO casnet.records (title) VALUES ('x') RETURNING set_config('casnet.tenant_id', '', false)$s$]) AS s;
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'nothing was written');

-- It is not refused if the session is the same again before anything is asked, nor if it
-- changes between statements, even between nested ones.
SELECT lives_ok($$INSERT INTO casnet.records (title) VALUES ('x') RETURNING set_config('casnet.user_id', '', false), set_config('casnet.user_id', '00000000-0000-7000-8000-000000000001', false)$$, 'the same user again');
CALL be('olga', 'North');
CREATE FUNCTION pg_temp.relay() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	UPDATE casnet.records SET title = clock_timestamp() WHERE title ~ '3$';
	result := public.last_user();
	PERFORM set_config('casnet.user_id', (SELECT id::text FROM public.who WHERE name = 'adam'), false);
	DELETE FROM casnet.records WHERE title !~ 'North';
	RETURN result || ' ' || public.last_user();
END
$$;
SELECT is(pg_temp.relay(), 'olga adam', 'a function that changes the user between two statements');
CALL be('olga', 'North');
DO $$ BEGIN
	BEGIN
		INSERT INTO casnet.records (title) VALUES ('x') RETURNING casnet.sign_out();
	EXCEPTION WHEN OTHERS THEN NULL;
	END;
	INSERT INTO casnet.records (title) VALUES ('after an error');
END $$;
SELECT is(public.last_user(), 'olga', 'after a statement that failed');

-- By a token, and by a token that is no longer valid.
CALL be(NULL);
SELECT public.token(jsonb_build_object('tid', :'north')) AS token \gset
SELECT casnet.sign_in(:'token') AS u \gset
INSERT INTO casnet.records (title) VALUES ('by token');
SELECT is(public.last_user(), 'mia', 'the user whom a token proves');
SAVEPOINT by_token;
INSERT INTO casnet.records (title) VALUES ('the last') RETURNING casnet.revoke_token() IS NULL AS revoked \gset
SELECT is(public.last_user(), 'mia', 'the user of a token that the statement ends');
ROLLBACK TO by_token;
SET LOCAL casnet.user_id = :'olga';
INSERT INTO casnet.records (title) VALUES ('by token');
SELECT is(public.last_user(), 'mia', 'not the one that is set besides');
RESET SESSION AUTHORIZATION;
SELECT casnet.sign_out();
SET LOCAL casnet.user_id = :'nowhere';
UPDATE casnet.records SET content = 'x';
SELECT is(public.last_user(), 'nobody', 'a user who does not exist is none');
SELECT casnet.sign_out();
UPDATE casnet.records SET content = 'y' WHERE title = 'by token';
SELECT is(public.last_user(), 'nobody', 'nobody');
SELECT * FROM finish();
ROLLBACK;
