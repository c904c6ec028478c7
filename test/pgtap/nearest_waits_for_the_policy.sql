-- An index scan by distance computes the distance of each of its entries, before any
-- policy.  An error for a row of another tenant would reveal that row.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.places (id integer, p point, c circle);
SELECT casnet.protect('public.places', 'records') IS NOT NULL AS protected \g /dev/null
CREATE INDEX ON public.places USING gist (p);
CREATE INDEX ON public.places USING spgist (p);
CREATE INDEX ON public.places USING gist (c);
INSERT INTO public.places (tenant_id, id, p, c) SELECT :'north', n, point(n, n), circle(point(n, n), 1) FROM generate_series(1, 20) AS n;
SELECT set_config('casnet.tenant_id', :'south', true) \g /dev/null
ANALYZE public.places;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL enable_seqscan = off;
SET LOCAL enable_sort = off;
\set far '''SELECT count(*) FROM (SELECT id FROM public.places ORDER BY p <-> point(1.271151006153646e+308,1.271151006153646e+308) OFFSET 0) AS x'''
\set round '''SELECT count(*) FROM (SELECT id FROM public.places ORDER BY c <-> point(1.271151006153646e+308,1.271151006153646e+308) OFFSET 0) AS x'''
SELECT is(outcome(:far), '20', 'without a row of another tenant');
SELECT is(outcome(:round), '20', 'of circles');
RESET SESSION AUTHORIZATION;
INSERT INTO public.places (tenant_id, id, p, c) VALUES (:'south', 0, point(-1e304, 0), circle(point(-1e304, 0), 1));
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(outcome(:far), '20', 'the same with one');
SELECT is(outcome(:round), '20', 'of circles');
CALL be('otto', 'South');
-- From PostgreSQL 19 on such a distance is infinite, and does not raise.
SELECT CASE WHEN current_setting('server_version_num')::integer >= 190000 THEN '1' ELSE '22003' END AS own \gset
SELECT is(outcome(:far), :'own', 'which raises for its own tenant');
SELECT is(outcome(:round), :'own', 'of circles');
SELECT * FROM finish();
ROLLBACK;
