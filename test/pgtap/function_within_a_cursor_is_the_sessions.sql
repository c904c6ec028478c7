-- A function that runs while rows are fetched from another user's cursor acts as the
-- session's present user.  The audit records it so.
BEGIN;
SELECT plan(10);
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
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE at >= now() AND tenant_id = :'north'), 0::bigint, 'none of the opener''s tenant is recorded');
SELECT is((SELECT string_agg(DISTINCT w.name, ',') FROM casnet_internal.audit_entries AS e JOIN public.who AS w ON w.id = e.user_id WHERE at >= now()), 'otto', 'and the session''s user');
-- The cursor's opener does not influence what is planned or pruned in the function.
CREATE TABLE public.parted (tenant_id uuid NOT NULL, note text) PARTITION BY LIST (tenant_id);
SELECT format('CREATE TABLE public.parted_%s PARTITION OF public.parted FOR VALUES IN (%L)', right(id::text, 2), id) FROM casnet.tenants WHERE id IN (:'north', :'south') \gexec
SELECT casnet.protect('public.parted') IS NOT NULL AS protected \gset
INSERT INTO public.parted VALUES (:'north', 'n'), (:'south', 's');
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.elsewhere() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n integer;
BEGIN
	PERFORM casnet.use_tenant('South');
	UPDATE public.parted SET note = note || '!';
	GET DIAGNOSTICS n = ROW_COUNT;
	DELETE FROM casnet.tasks WHERE false;
	PERFORM casnet.use_tenant('North');
	RETURN n;
END
$$;
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET role = 'owner' WHERE user_id = :'mia' AND tenant_id = :'south';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is((SELECT public.elsewhere()), '1', 'a function that goes to another tenant');
SELECT is((SELECT e FROM (SELECT public.elsewhere() AS e FROM casnet.records LIMIT 1 FOR SHARE) AS s), '1', 'and below a statement that shares rows');
-- Nor do the AFTER triggers of its statement act for the opener, whatever calls the policies' function there.
RESET SESSION AUTHORIZATION;
CREATE DOMAIN public.active AS uuid CHECK (VALUE = casnet.tenant_with('view_records'));
CREATE TABLE public.notes (tenant uuid);
GRANT INSERT ON public.notes TO tap_app;
CREATE FUNCTION public.after_note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	tenant public.active;
BEGIN
	tenant := NEW.tenant;
	RETURN NULL;
END
$$;
CREATE TRIGGER after_note AFTER INSERT ON public.notes FOR EACH ROW EXECUTE FUNCTION public.after_note();
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.noted(tenant uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN public.error_of(format('INSERT INTO public.notes VALUES (%L)', tenant));
END
$$;
CALL be('olga', 'North');
\set each '''SELECT public.noted(%L) AS own, public.noted(%L) AS opener FROM casnet.records WHERE title ~ ''''2$'''' FOR UPDATE'''
SELECT format(:each, :'south', :'north') AS query \gset
DECLARE noting CURSOR FOR :query;
CALL be('otto', 'South');
FETCH ALL FROM noting \gset n_
SELECT is(:'n_own'::text, 'none', 'a trigger within a cursor is in the tenant of the session');
SELECT is(left(:'n_opener'::text, 5), '23514', 'and not in the opener''s');
SELECT * FROM finish();
ROLLBACK;
