-- COPY is one statement, like INSERT: all of its rows name the user as whom it began.  If
-- anything changes the session's user on the way, COPY is refused.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
\ir include/both_tenants.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.log (tenant_id uuid NOT NULL, id integer PRIMARY KEY, move text);
GRANT SELECT, INSERT ON public.log TO tap_app;
SELECT casnet.enable_audit('public.log');
-- What a row calls before it is recorded.
CREATE FUNCTION public.obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.move IS NOT NULL THEN
		PERFORM public.go(split_part(NEW.move, '=', 1), split_part(NEW.move, '=', 2));
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER obey BEFORE INSERT ON public.log FOR EACH ROW EXECUTE FUNCTION public.obey();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(public.state_of(format('INSERT INTO public.log VALUES (%1$L, 1, NULL), (%1$L, 2, ''user_id=%2$s'')', :'north', :'olga')), '55000', 'INSERT');
\set ON_ERROR_STOP off
SAVEPOINT a;
-- A question asked after COPY has failed is refused.
\set user refused
\set tenant refused
\set plain refused
COPY public.log FROM STDIN;
00000000-0000-7000-8000-0000000000a0	1	\N
00000000-0000-7000-8000-0000000000a0	2	user_id=00000000-0000-7000-8000-000000000001
\.
SELECT 'done' AS user \gset
ROLLBACK TO a;
COPY public.log FROM STDIN;
00000000-0000-7000-8000-0000000000a0	1	tenant_id=00000000-0000-7000-8000-0000000000b0
\.
SELECT 'done' AS tenant \gset
ROLLBACK TO a;
COPY public.log FROM STDIN;
00000000-0000-7000-8000-0000000000a0	1	\N
00000000-0000-7000-8000-0000000000a0	2	\N
\.
SELECT 'done' AS plain \gset
\set ON_ERROR_STOP on
SELECT is(:'user'::text, 'refused', 'COPY, and the user changes');
SELECT is(:'tenant'::text, 'refused', 'or the tenant');
SELECT is(:'plain'::text, 'done', 'but for that, it is done');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM public.log), 2::bigint, 'with its rows');
SELECT results_eq('SELECT user_id, action, row_key->>''id'' FROM casnet_internal.audit_entries ORDER BY at, id', format('VALUES (%1$L::uuid, ''INSERT'', ''1''), (%1$L, ''INSERT'', ''2'')', :'mia'), 'of the user as whom it began');
SELECT * FROM finish();
ROLLBACK;
