-- A list of ids that a writing statement or a cursor depends on belongs to that statement.
-- PL/pgSQL keeps casts to domains, and the results of their checks, for the transaction.
-- The next statement, of another user, gets its own list.  A cursor over accounts stays with
-- its opener, also FOR UPDATE.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA own AUTHORIZATION tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE DOMAIN own.my_tenant AS uuid CHECK (VALUE = ANY (casnet_internal.my_tenant_ids()));
CREATE DOMAIN own.my_user AS uuid CHECK (VALUE = ANY (casnet_internal.visible_user_ids()));
CREATE TABLE own.log (note text);
CREATE FUNCTION own.tenant(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.my_tenant := t; BEGIN RETURN 'accepted'; END $$;
CREATE FUNCTION own.account(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.my_user := t; BEGIN RETURN 'accepted'; END $$;
CALL be('olga', 'North');
INSERT INTO own.log SELECT own.tenant(:'north') || own.account(:'olga');
SELECT is((SELECT count(*) FROM own.log), 1::bigint, 'of the own tenant and account');
CALL be('otto', 'South');
SELECT throws_ok(format('INSERT INTO own.log SELECT own.tenant(%L)', :'north'), '23514', NULL, 'somebody else writes');
SELECT throws_ok(format('INSERT INTO own.log SELECT own.account(%L)', :'olga'), '23514', NULL, 'also about accounts');
SELECT throws_ok(format('SELECT own.tenant(%L)', :'north'), '23514', NULL, 'or reads');
SELECT lives_ok(format('INSERT INTO own.log SELECT own.tenant(%L)', :'south'), 'of the own');
DECLARE theirs CURSOR FOR SELECT own.tenant(:'south');
CALL be('olga', 'North');
SELECT throws_ok(format('SELECT own.tenant(%L)', :'south'), '23514', NULL, 'after a cursor of somebody else');
-- Within one statement of the client, once the session has changed.
CREATE FUNCTION own.fits(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.my_tenant := t; BEGIN RETURN 'accepted'; END $$;
CREATE FUNCTION own.first_as_olga(t uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	CALL public.be('olga', 'North');
	PERFORM own.fits(t);
	CALL public.be('otto', 'South');
	RETURN own.fits(t);
END
$$;
SELECT throws_ok(format('SELECT own.first_as_olga(%L)', :'north'), '23514', NULL, 'somebody else in the same statement');
-- Accounts.
CREATE FUNCTION pg_temp.next(c refcursor) RETURNS text LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN FETCH c INTO t; RETURN t; END $$;
DECLARE accounts CURSOR FOR SELECT username FROM casnet.users FOR UPDATE;
CALL be('otto', 'South');
SELECT is(pg_temp.next('accounts'), 'olga', 'the cursor gives the account of who opened it');
SELECT is(pg_temp.next('accounts'), NULL, 'and no other');
-- A function that a cursor calls looks for a tag in the session's tenant.
CALL be('olga', 'North');
CREATE FUNCTION own.tag() RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN RETURN casnet_internal.tag_id(current_setting('own.name')); END $$;
CREATE FUNCTION pg_temp.next_tag(c refcursor) RETURNS text LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN FETCH c INTO t; RETURN coalesce(t, 'none'); END $$;
SET LOCAL own.name = 'North tag';
DECLARE tags CURSOR FOR SELECT own.tag() FROM casnet.records FOR UPDATE;
CALL be('otto', 'South');
SELECT is(pg_temp.next_tag('tags'), 'none', 'a tag of the other tenant is none');
SELECT * FROM finish();
ROLLBACK;
