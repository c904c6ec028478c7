-- PL/pgSQL keeps the list of ids in the check of a domain for the transaction.  The next
-- statement asks for it again: once the token has ended in between, it reveals the list to
-- nobody.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
\ir include/tokens.sql
CREATE DOMAIN pg_temp.my_tenant AS uuid CHECK (VALUE = ANY (casnet_internal.my_tenant_ids()));
CREATE DOMAIN pg_temp.colleague AS uuid CHECK (VALUE = ANY (casnet_internal.visible_user_ids()));
CREATE FUNCTION pg_temp.tenant(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m pg_temp.my_tenant := t; BEGIN RETURN 'fits'; END $$;
CREATE FUNCTION pg_temp.account(u uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m pg_temp.colleague := u; BEGIN RETURN 'fits'; END $$;
SELECT set_config('casnet.token', public.token(jsonb_build_object('tid', :'north', 'exp', floor(extract(epoch FROM clock_timestamp()))::bigint + 3)), false) AS token \gset
SELECT is(pg_temp.tenant(:'north'), 'fits', 'one of the tenants');
SELECT is(pg_temp.account(:'mia'), 'fits', 'one of the accounts');
SELECT is(pg_temp.tenant(:'south'), 'fits', 'and in the next statement');
SELECT is(pg_temp.account(:'mia'), 'fits', 'likewise');
SELECT pg_sleep(3.1) \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.tenant(%L)', :'north'), '28000', 'invalid session token', 'the list of tenants ends with the token');
SELECT throws_ok(format('SELECT pg_temp.account(%L)', :'mia'), '28000', 'invalid session token', 'and that of accounts');
SELECT is(casnet.can('view_records'), false, 'as does every right');
SELECT * FROM finish();
ROLLBACK;
