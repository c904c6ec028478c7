-- What a table of an application can have: partitions, references to itself, triggers of
-- every kind; and what makes a load impossible, with an error that says so.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.nodes (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), id integer PRIMARY KEY,
	parent integer REFERENCES public.nodes, later integer REFERENCES public.nodes DEFERRABLE INITIALLY DEFERRED,
	twice integer GENERATED ALWAYS AS (id * 2) STORED, note text) PARTITION BY RANGE (id);
CREATE TABLE public.low PARTITION OF public.nodes FOR VALUES FROM (0) TO (10);
CREATE TABLE public.high PARTITION OF public.nodes FOR VALUES FROM (10) TO (100);
ALTER TABLE public.nodes ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON public.nodes USING (tenant_id = casnet.tenant_with('create_records'))
	WITH CHECK (tenant_id = casnet.tenant_with('create_records') AND note IS DISTINCT FROM (SELECT min(title) FROM casnet.records));
GRANT SELECT, INSERT ON public.nodes TO casnet_user;
CREATE TABLE public.seen (at text, new_rows bigint);
GRANT ALL ON public.seen TO casnet_user;
CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_WHEN = 'BEFORE' THEN
		INSERT INTO public.seen VALUES ('BEFORE');
	ELSE
		INSERT INTO public.seen SELECT 'AFTER', count(*) FROM fresh;
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER a BEFORE INSERT ON public.nodes FOR EACH STATEMENT EXECUTE FUNCTION public.see();
CREATE TRIGGER b AFTER INSERT ON public.nodes REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION public.see();
SELECT is(casnet_internal.make_load_view('public.nodes')::text, 'nodes_load', 'its view');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');

SELECT is(rows_of('INSERT INTO public.nodes_load (id, parent, later) SELECT n, nullif(n - 1, 0), n % 50 + 1 FROM generate_series(1, 50) AS n'), 50::bigint, 'rows that refer to earlier and later ones');
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'whose deferred keys are checked later');
SELECT results_eq('SELECT tableoid::regclass::text, count(*), sum(twice) FROM public.nodes GROUP BY 1 ORDER BY 2', $$VALUES ('low', 9::bigint, 90::bigint), ('high', 41, 2460)$$, 'partitions, and generated columns');
SELECT results_eq('SELECT at, new_rows, count(*) FROM public.seen GROUP BY 1, 2 ORDER BY 1', $$VALUES ('AFTER', 1::bigint, 50::bigint), ('BEFORE', NULL, 50)$$, 'triggers for each statement, and their transition tables, have one row at a time');
SELECT throws_ok('INSERT INTO public.nodes_load (id, parent) VALUES (60, 61), (61, NULL)', '23503', NULL, 'a row that comes too late');
SELECT throws_ok('INSERT INTO public.nodes_load (id) VALUES (100)', '23514', NULL, 'no partition for it');
SELECT throws_ok($$INSERT INTO public.nodes_load (id, note) VALUES (62, 'a'), (63, 'North record 1')$$, '42501', NULL, 'a policy with a subquery');
SELECT throws_ok($$INSERT INTO public.nodes_load (tenant_id, id) VALUES ('00000000-0000-7000-8000-0000000000b0', 64)$$, '42501', NULL, 'no other tenant');

-- The privilege on the table counts, too.
RESET SESSION AUTHORIZATION;
REVOKE INSERT ON public.nodes FROM casnet_user;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('INSERT INTO public.nodes_load (id) VALUES (65)', '42501', 'permission denied for table nodes', 'the view gives no privilege on the table');

-- Rules and missing triggers.
RESET SESSION AUTHORIZATION;
CREATE RULE too AS ON INSERT TO public.nodes DO ALSO INSERT INTO public.seen VALUES ('rule');
SELECT throws_ok('INSERT INTO public.nodes_load (id) VALUES (66)', '0A000', 'view nodes_load cannot load a table with rules', 'a rule');
CREATE OR REPLACE RULE too AS ON INSERT TO public.nodes DO INSTEAD UPDATE public.seen SET at = '';
SELECT throws_ok('INSERT INTO public.nodes_load (id) VALUES (66)', '0A000', NULL, 'another rule');
DROP RULE too ON public.nodes;
DROP TRIGGER casnet_load_end ON public.nodes_load;
SELECT throws_ok('INSERT INTO public.nodes_load (id) VALUES (66)', '55000', 'view nodes_load lacks the trigger that ends a load', 'a trigger is missing');
CREATE TRIGGER other AFTER INSERT ON public.nodes_load FOR EACH STATEMENT EXECUTE FUNCTION public.see();
SELECT throws_ok('INSERT INTO public.nodes_load (id) VALUES (66)', '55000', NULL, 'one of another function is there');
DROP TRIGGER other ON public.nodes_load;
CREATE TRIGGER casnet_load_end AFTER INSERT ON public.nodes_load FOR EACH STATEMENT WHEN (current_setting('casnet.user_id') = '') EXECUTE FUNCTION casnet_internal.load_row('nodes');
SELECT throws_ok('INSERT INTO public.nodes_load (id) VALUES (66)', '55000', NULL, 'one that is for some');
SELECT casnet_internal.make_load_view('public.nodes') IS NOT NULL AS made \gset
SELECT lives_ok('INSERT INTO public.nodes_load (id) VALUES (66)', 'and back');
-- A rule can bring a subquery, which is evaluated for each row.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.stock (tenant_id uuid, id integer);
CREATE TABLE public.stock_log (id integer, n bigint);
GRANT SELECT, INSERT ON public.stock, public.stock_log TO tap_app;
INSERT INTO public.stock VALUES (:'north', 1), (:'north', 1), (:'north', 7);
CREATE RULE counted AS ON INSERT TO public.stock DO INSTEAD INSERT INTO public.stock_log SELECT NEW.id, (SELECT count(*) FROM public.stock AS s WHERE s.id = NEW.id);
SELECT casnet_internal.make_load_view('public.stock') IS NOT NULL AS made \gset
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok('INSERT INTO public.stock_load (id) VALUES (1), (7), (2)', 'a rule with a subquery');
SELECT results_eq('SELECT id, n FROM public.stock_log ORDER BY id', $$VALUES (1, 2::bigint), (2, 0), (7, 1)$$, 'which counts for each row');
SELECT * FROM finish();
ROLLBACK;
