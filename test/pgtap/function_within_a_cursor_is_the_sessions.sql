-- What a function does while rows are fetched from somebody's cursor is done by
-- the session as it is then, and recorded as that.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('casnet.records');
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.touched() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	n integer;
BEGIN
	UPDATE casnet.records SET content = 'touched' WHERE title ~ '1$';
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n || ' in ' || (SELECT string_agg(DISTINCT left(title, 5), ',') FROM (SELECT title FROM casnet.records FOR UPDATE) AS r);
END
$$;
CALL be('olga', 'North');
DECLARE plain CURSOR FOR SELECT title, public.touched() AS t FROM casnet.records WHERE title ~ '2$';
DECLARE locking CURSOR FOR SELECT title, public.touched() AS t FROM casnet.records WHERE title ~ '2$' FOR UPDATE;
DECLARE share CURSOR FOR SELECT title, public.touched() AS t FROM casnet.records WHERE title ~ '3$' FOR KEY SHARE;
CALL be('otto', 'South');
FETCH ALL FROM plain \gset p_
SELECT is(:'p_title' || ' ' || :'p_t', 'North record 2 1 in South', 'a plain cursor');
FETCH ALL FROM locking \gset l_
SELECT is(:'l_title' || ' ' || :'l_t', 'North record 2 1 in South', 'one that locks');
FETCH ALL FROM share \gset s_
SELECT is(:'s_title' || ' ' || :'s_t', 'North record 3 1 in South', 'or shares');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(title, ',') FROM casnet.records WHERE content = 'touched'), 'South record 1', 'one row was written');
SELECT is((SELECT count(*) FROM casnet.audit_entries WHERE at >= now() AND tenant_id = :'north'), 0::bigint, 'none of the opener''s tenant is recorded');
SELECT is((SELECT string_agg(DISTINCT w.name, ',') FROM casnet.audit_entries AS e JOIN public.who AS w ON w.id = e.user_id WHERE at >= now()), 'otto', 'and the session''s user');
SELECT * FROM finish();
ROLLBACK;
