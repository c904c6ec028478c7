-- In a load view, NULL in a column that takes none stands for the default of the table, since
-- an empty cell of a CSV file is NULL.  Elsewhere NULL is a value.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
CALL be('olga', 'North');
COPY casnet.records_load (title, content, id, created_at, updated_at) FROM stdin (FORMAT csv, HEADER MATCH);
title,content,id,created_at,updated_at
empty,,,,
given,text,00000000-0000-7000-8000-0000000000f1,2001-02-03 00:00:00Z,2001-02-04 00:00:00Z
quoted,"",,,
\.
SELECT is((SELECT (content, id IS NULL, created_at = now(), updated_at = now())::text FROM casnet.records WHERE title = 'empty'), '("",f,t,t)', 'an empty cell');
SELECT is((SELECT (content, id, created_at = '2001-02-03Z', updated_at = '2001-02-04Z')::text FROM casnet.records WHERE title = 'given'), '(text,00000000-0000-7000-8000-0000000000f1,t,t)', 'a cell with a value');
SELECT is((SELECT count(DISTINCT id) FROM casnet.records WHERE title IN ('empty', 'given', 'quoted')), 3::bigint, 'a default is computed for each row');
COPY casnet.persons_load (name, contact_info, gender, tenant_id) FROM stdin (FORMAT csv);
a,,,
\.
SELECT is((SELECT (contact_info, gender, tenant_id)::text FROM casnet.persons WHERE name = 'a'), '({},,00000000-0000-7000-8000-0000000000a0)', 'of a type that is no text, and NULL where it is a value');
SELECT lives_ok($$INSERT INTO casnet.tasks_load (title, status, priority) VALUES ('t', NULL, NULL), ('u', 'CANCELLED', 'LOW')$$, 'INSERT');
SELECT results_eq($$SELECT title, status, priority FROM casnet.tasks WHERE title IN ('t', 'u') ORDER BY 1$$, $$VALUES ('t', 'PENDING', 'MEDIUM'), ('u', 'CANCELLED', 'LOW')$$, 'has the same rows');
SELECT throws_ok($$INSERT INTO casnet.records_load (title) VALUES (NULL)$$, '23502', NULL, 'a column without a default');

-- Any default of any type; as it is now, since install() need not have run.
RESET SESSION AUTHORIZATION;
CREATE DOMAIN public.grade AS varchar(5) CHECK (VALUE <> 'no');
CREATE SEQUENCE public.numbers START 7;
GRANT USAGE ON SEQUENCE public.numbers TO tap_app;
CREATE TABLE public.odd (id integer NOT NULL DEFAULT nextval('public.numbers'), "a % b" public.grade NOT NULL DEFAULT 'mid', day date NOT NULL DEFAULT now(),
	span interval day to minute NOT NULL DEFAULT '1 day 02:03', list integer[] NOT NULL DEFAULT ARRAY[1, 2], free text DEFAULT 'x', price numeric(6, 2) NOT NULL DEFAULT 1, gone text NOT NULL);
SELECT unnest(casnet.protect('public.odd')) IS NOT NULL AS protected \gset
ALTER TABLE public.odd ALTER COLUMN gone SET DEFAULT 'back';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok($$INSERT INTO public.odd_load VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (1, 'low', 'infinity', '2 days', '{}', 'y', 2.5, 'no')$$, 'a table of the application');
SELECT is((SELECT (id, "a % b", day = current_date, span, list, free, price, gone)::text FROM public.odd WHERE id = 7), '(7,mid,t,"1 day 02:03:00","{1,2}",,1.00,back)', 'has its defaults');
SELECT is((SELECT (id, "a % b", day, span, list, free, price, gone)::text FROM public.odd WHERE id = 1), '(1,low,infinity,"2 days",{},y,2.50,no)', 'or what is given');
SELECT is(nextval('public.numbers'), 8::bigint, 'a default is computed where it is needed only');
RESET SESSION AUTHORIZATION;
REVOKE USAGE ON SEQUENCE public.numbers FROM tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok($$INSERT INTO public.odd_load (day, gone) VALUES (NULL, NULL)$$, '42501', 'permission denied for sequence numbers', 'by the rights of the caller');
SELECT throws_ok($$INSERT INTO public.odd_load (id, "a % b") VALUES (1, 'no')$$, '23514', NULL, 'a check stays');
SELECT throws_ok($$INSERT INTO casnet.records (title, content) VALUES ('x', NULL)$$, '23502', NULL, 'the table itself takes no NULL');
SELECT * FROM finish();
ROLLBACK;
