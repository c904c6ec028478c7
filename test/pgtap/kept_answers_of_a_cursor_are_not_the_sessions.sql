-- For a transaction PL/pgSQL keeps the answers in the check of a domain.  An answer given
-- while rows are fetched from a cursor is about the cursor's opener.  The session, which
-- asks next, gets an answer of its own; so does a cursor after the session.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA own AUTHORIZATION tap_app;
CREATE TABLE public.notes AS SELECT tenant_id, title FROM casnet.records;
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY here ON public.notes USING (CASE WHEN title IS NULL THEN false ELSE tenant_id = casnet.tenant_with('view_records') END);
GRANT SELECT ON public.notes TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE DOMAIN own.my_tenant AS uuid CHECK (VALUE = ANY (casnet_internal.my_tenant_ids()));
CREATE DOMAIN own.colleague AS uuid CHECK (VALUE = ANY (casnet_internal.visible_user_ids()));
CREATE DOMAIN own.here AS uuid CHECK (VALUE = casnet.tenant_with('view_records'));
CREATE DOMAIN own.tag AS uuid CHECK (VALUE IS NOT DISTINCT FROM casnet_internal.tag_id('North tag'));
CREATE FUNCTION own.tenant(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.my_tenant := t; BEGIN RETURN 'fits'; END $$;
CREATE FUNCTION own.tenant_again(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.my_tenant := t; BEGIN RETURN 'fits'; END $$;
CREATE FUNCTION own.account(u uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.colleague := u; BEGIN RETURN 'fits'; END $$;
CREATE FUNCTION own.where_we_are(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.here := t; BEGIN RETURN 'fits'; END $$;
CREATE FUNCTION own.tagged(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.tag := t; BEGIN RETURN 'fits'; END $$;
-- The next row of a cursor, and in the same statement the same question by the session.
CREATE FUNCTION own.next_and(c refcursor, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	own_answer text;
BEGIN
	FETCH c INTO answer;
	EXECUTE statement INTO own_answer;
	RETURN answer || ', ' || own_answer;
EXCEPTION WHEN check_violation THEN
	RETURN answer || ', does not';
END
$$;
SELECT format('own.tenant(%L)', :'north') AS tenant, format('own.account(%L)', :'olga') AS account, format('own.where_we_are(%L)', :'north') AS here,
	format('own.tagged(%L)', '00000000-0000-7000-8000-0000000009a0') AS tagged, format('own.tenant_again(%L)', :'north') AS again \gset
-- The plan of a cursor that locks rows keeps the calls of policies.  So does a plan in which
-- they are deep in a condition.
CALL be('olga', 'North');
DECLARE one CURSOR FOR SELECT :tenant, :account FROM casnet.records FOR UPDATE;
DECLARE two CURSOR FOR SELECT :here FROM casnet.records FOR UPDATE;
DECLARE four CURSOR FOR SELECT :again FROM casnet.records FOR UPDATE;
DECLARE three CURSOR FOR SELECT :tagged FROM public.notes;
CALL be('otto', 'South');
SELECT is(own.next_and('three', 'SELECT ' || :'tagged'), 'fits, does not', 'a tag where who opened a cursor was');
FETCH 1 FROM one \gset one_
SELECT throws_ok('SELECT ' || :'tenant', '23514', NULL, 'the tenants of who opened a cursor');
SELECT throws_ok('SELECT ' || :'account', '23514', NULL, 'the users whom they see');
SELECT is(own.next_and('two', 'SELECT ' || :'here'), 'fits, does not', 'the tenant of who opened it');
SELECT is(own.tenant_again(:'south'), 'fits', 'the tenants of the session');
FETCH 1 FROM four \gset four_
SELECT is(:'four_tenant_again'::text, 'fits', 'are not those of who opened another');
SELECT is(own.tenant_again(:'south'), 'fits', 'nor the other way round');
SELECT throws_ok('SELECT ' || :'again', '23514', NULL, 'in each statement');
-- Also in a statement that writes.
RESET SESSION AUTHORIZATION;
CREATE TABLE own.log (note text);
GRANT ALL ON own.log TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION own.tenant_once_more(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.my_tenant := t; BEGIN RETURN 'fits'; END $$;
CALL be('olga', 'North');
DECLARE five CURSOR FOR SELECT own.tenant_once_more(:'north') FROM casnet.records FOR UPDATE;
CALL be('otto', 'South');
INSERT INTO own.log SELECT own.next_and('five', format('SELECT own.tenant_once_more(%L)', :'north')) RETURNING note \gset log_
SELECT is(:'log_note'::text, 'fits, does not', 'a statement that writes');
-- A list made for one cursor does not serve the next one once a tenant is deleted.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'olga', :'south', 'member');
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION own.one_more_tenant(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.my_tenant := t; BEGIN RETURN 'fits'; END $$;
CALL be('olga', 'North');
DECLARE six CURSOR FOR SELECT own.one_more_tenant(:'south') FROM casnet.records FOR UPDATE;
CALL be('otto', 'South');
FETCH 1 FROM six \gset six_
SELECT is(:'six_one_more_tenant'::text, 'fits', 'a tenant of who opened a cursor');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.user_tenants WHERE user_id = :'olga' AND tenant_id = :'south';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
DECLARE seven CURSOR FOR SELECT own.one_more_tenant(:'south') FROM casnet.records FOR UPDATE;
CALL be('otto', 'South');
-- 42501, or 23514 if PL/pgSQL has not kept the expression.
SELECT throws_matching('FETCH 1 FROM seven', 'taken away|violates check', 'that was taken away is none in the next cursor');
SELECT * FROM finish();
ROLLBACK;
