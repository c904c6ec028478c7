-- An account is deleted by an administrator, or by its user with the password.  What depends on
-- it goes or stays as docs/accounts.md says, and the last owner of a tenant stays.
BEGIN;
SELECT plan(38);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.accounts_left() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT string_agg(username, ' ' ORDER BY username) FROM casnet.users $$;
CREATE FUNCTION public.left_of(gone uuid) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
	SELECT (SELECT count(*) FROM casnet.users WHERE id = gone) + (SELECT count(*) FROM casnet.user_tenants WHERE user_id = gone)
		+ (SELECT count(*) FROM casnet.user_tenant_permissions WHERE user_id = gone) + (SELECT count(*) FROM casnet.tasks WHERE assignee_id = gone)
		+ (SELECT count(*) FROM casnet_internal.password_hashes WHERE user_id = gone) + (SELECT count(*) FROM casnet_internal.codes WHERE user_id = gone)
		+ (SELECT count(*) FROM casnet_internal.invitations WHERE invited_by = gone OR email = 'mia@north.test') $$;
CREATE FUNCTION pg_temp.deleted(account uuid) RETURNS text LANGUAGE sql AS $$ SELECT public.state_of(format('SELECT casnet.delete_user(%L)', account)) $$;
CREATE FUNCTION pg_temp.goes(password text) RETURNS text LANGUAGE sql AS $$ SELECT public.error_of(format('SELECT casnet.delete_account(%L)', password)) $$;
GRANT ALL ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
UPDATE casnet.users SET hashed_password = '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e' WHERE username IN ('mia', 'olga', 'vic');
UPDATE casnet.users SET hashed_password = NULL WHERE username = 'nora';
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'mia', :'north', 'manage_users'), (:'mia', :'north', 'delete_tags');
SELECT token(jsonb_build_object('gen', public.generation_of(:'mia'), 'tid', :'north')) AS mias, token(jsonb_build_object('sub', :'olga', 'gen', public.generation_of(:'olga'))) AS olgas,
	token(jsonb_build_object('sub', :'nora', 'gen', public.generation_of(:'nora'))) AS noras, token(jsonb_build_object('sub', :'sue')) AS sues \gset
SELECT casnet.enable_audit('casnet.records');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT casnet.password_code('mia') IS NULL AS code \gset
CALL be('olga', 'North');
SELECT casnet.invite_member('mia@north.test', 'admin') IS NULL AS invitation \gset
CALL be('mia', 'North');
SELECT casnet.invite_member('later@x.test', 'member') AS invitation \gset
INSERT INTO casnet.records (title) VALUES ('by mia');
SELECT is(public.state_of(format('SELECT casnet.invitation(%L)', :'invitation')), 'none', 'an invitation of hers');
SELECT casnet.sign_out();

-- who may
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.deleted(:'mia'), '28000', 'not nobody');
SELECT casnet.sign_in(:'olgas') AS me \gset
SELECT is(pg_temp.deleted(:'mia'), '42501', 'not the owner of a tenant');
SELECT is(pg_temp.deleted(:'nowhere'), '42501', 'who learns of no account');
SELECT is(pg_temp.deleted(:'olga'), '42501', 'nor oneself without the password');
SELECT casnet.sign_in(:'sues') AS me \gset
SELECT is(pg_temp.deleted(:'mia'), 'none', 'a superuser of the application');
SELECT is(pg_temp.deleted(:'nowhere'), 'P0002', 'but nobody who is not there');
SELECT is(pg_temp.deleted(NULL), '22023', 'nor NULL');
SELECT is(pg_temp.deleted(:'olga'), '23514', 'nor a last owner');
SELECT is(pg_temp.deleted(:'sue'), 'none', 'also the own account');
SELECT casnet.sign_out();
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(pg_temp.deleted(:'mia'), 'none', 'and an administrator');
SELECT is(pg_temp.deleted(:'nowhere'), 'P0002', 'the same rules');
SELECT is(pg_temp.deleted(:'olga'), '23514', 'for everybody');

-- what goes, and what stays
SELECT is(fate(:'mias'), 'proves mia', 'a token of before');
SAVEPOINT a;
SELECT casnet.delete_user(:'mia');
SELECT is(public.accounts_left(), 'adam ines nora olga otto sue vic', 'the account is gone');
SELECT is(public.left_of(:'mia'), 0::bigint, 'with all that was given to it');
SELECT is(left(fate(:'mias'), 9), 'use 28000', 'its token is of nobody');
SELECT is(public.state_of(format('SELECT casnet.invitation(%L)', :'invitation')), '42501', 'administrators use no codes');
RESET SESSION AUTHORIZATION;
SELECT is(public.state_of(format('SELECT casnet.invitation(%L)', :'invitation')), 'P0002', 'the invitation that it made has ended');
SELECT is((SELECT count(*) FROM casnet.tasks), 2::bigint, 'tasks stay');
SELECT is((SELECT count(*) FROM casnet.records WHERE title = 'by mia'), 1::bigint, 'and records');
SELECT is((SELECT user_id FROM casnet_internal.audit_entries WHERE relation = 'casnet.records'), :'mia'::uuid, 'and entries of the audit');
INSERT INTO casnet.users (id, username, email, hashed_password) VALUES (:'mia', 'mia', 'mia@north.test', casnet.hash_password('some password'));
SELECT is(fate(:'mias'), 'use 28000 The token was revoked.', 'its token stays ended with a new account of that id');
ROLLBACK TO a;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(fate(:'mias'), 'proves mia', 'unless that is undone');
RESET SESSION AUTHORIZATION;

-- oneself
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(left(pg_temp.goes('correct horse'), 5), '28000', 'nobody goes');
SELECT casnet.sign_in(:'mias') AS me \gset
SELECT is(pg_temp.goes(p), '28P01 | the password is wrong |  | Give the present password of the account. | ', 'not with ' || coalesce(p, 'NULL')) FROM unnest(ARRAY['wrong', NULL]) AS p;
SELECT is(public.accounts_left(), 'adam ines mia nora olga otto sue vic', 'all are there');
SAVEPOINT a;
SELECT casnet.delete_account('correct horse');
SELECT is(public.accounts_left(), 'adam ines nora olga otto sue vic', 'gone');
SELECT is(public.left_of(:'mia'), 0::bigint, 'with all that was given to it');
SELECT is(public.state_of('SELECT casnet.whoami()'), '28000', 'the session is of nobody');
SELECT is(public.state_of('SELECT * FROM casnet.records'), '28000', 'and sees nothing');
ROLLBACK TO a;
SELECT is((SELECT username FROM casnet.whoami()), 'mia', 'unless that is undone');
SELECT casnet.sign_in(:'olgas') AS me \gset
SELECT is(left(pg_temp.goes('correct horse'), 5), '23514', 'a last owner stays');
SELECT is(public.accounts_left(), 'adam ines mia nora olga otto sue vic', 'with the account');
SELECT casnet.sign_in(:'noras') AS me \gset
SELECT is(left(pg_temp.goes(p), 5), '28P01', 'without a password nobody goes') FROM unnest(ARRAY['', NULL, 'correct horse']) AS p;
SELECT * FROM finish();
ROLLBACK;
