-- Each step that protect() leaves undone comes with its statement.  After these no row
-- refers to another tenant, and no key reveals rows there.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id int PRIMARY KEY, number text, title text, parent_id int REFERENCES public.invoices,
	CONSTRAINT invoices_number UNIQUE (number));
CREATE UNIQUE INDEX "a ""title"" USING btree (" ON public.invoices (lower(title)) WHERE title <> '';
CREATE TABLE public.lines (n int, invoice_id int, number text REFERENCES public.invoices (number) ON UPDATE CASCADE,
	PRIMARY KEY (n), FOREIGN KEY (invoice_id) REFERENCES public.invoices ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
CREATE SEQUENCE public.numbers;
ALTER TABLE public.lines ALTER COLUMN n SET DEFAULT nextval('numbers');
GRANT SELECT ON public.lines TO PUBLIC;
GRANT TRUNCATE, REFERENCES ON public.lines TO tap_app;
INSERT INTO public.invoices VALUES (1, 'N1', 'x');
INSERT INTO public.lines (invoice_id) VALUES (1);
SET CONSTRAINTS ALL IMMEDIATE;

SELECT is(cardinality(casnet.protect('public.invoices', tenant_id => :'north')), 4, 'a reference and three keys');
SELECT is(cardinality(casnet.protect('public.lines', tenant_id => :'north')), 6, 'two references, a key, privileges of two, a sequence');
SELECT is(casnet.protect('public.lines'), casnet.protect('public.lines'), 'the same each time');
SELECT ok(bool_and(note ~ '^-- .*\n[A-Z]'), 'each is a comment and statements') FROM unnest(casnet.protect('public.lines')) AS note;
SELECT unnest(casnet.protect('public.lines')) \gexec
SELECT is(casnet.protect('public.lines'), '{}', 'they work');
SELECT unnest(casnet.protect('public.invoices')) \gexec
SELECT is(casnet.protect('public.invoices'), '{}', 'for the other table');
SELECT set_eq($$SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('f', 'p', 'u') AND conrelid IN ('public.lines'::regclass, 'public.invoices'::regclass)
	AND confrelid <> 'casnet.tenants'::regclass$$, ARRAY['PRIMARY KEY (tenant_id, n)', 'PRIMARY KEY (tenant_id, id)', 'UNIQUE (tenant_id, number)',
	'FOREIGN KEY (tenant_id, parent_id) REFERENCES invoices(tenant_id, id)',
	'FOREIGN KEY (tenant_id, number) REFERENCES invoices(tenant_id, number) ON UPDATE CASCADE',
	'FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices(tenant_id, id) ON DELETE SET NULL (invoice_id) DEFERRABLE INITIALLY DEFERRED'], 'keys and references');
SELECT is(pg_get_indexdef('public."a ""title"" USING btree ("'::regclass),
	'CREATE UNIQUE INDEX "a ""title"" USING btree (" ON public.invoices USING btree (tenant_id, lower(title)) WHERE (title <> ''''::text)', 'an index of expressions');

INSERT INTO public.invoices (tenant_id, id, number) VALUES (:'south', 77, 'S5'), (:'south', 79, 'S6');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT throws_ok('INSERT INTO public.lines (invoice_id) VALUES (77)', '23503', NULL, 'no reference into another tenant');
SELECT is(replace(error_of('INSERT INTO public.lines (invoice_id) VALUES (77)'), '77', '78'), error_of('INSERT INTO public.lines (invoice_id) VALUES (78)'), 'to what is there or not');
SELECT throws_ok('INSERT INTO public.invoices (id, parent_id) VALUES (2, 77)', '23503', NULL, 'nor within one table');
SELECT lives_ok('INSERT INTO public.invoices (id, number, title) VALUES (77, ''S5'', ''y'')', 'the same keys in another tenant');
SELECT throws_ok('INSERT INTO public.invoices (id) VALUES (77)', '23505', NULL, 'once each');
SELECT is(rows_of('DELETE FROM public.invoices WHERE id = 1'), 1::bigint, 'a deleted row');
SELECT is((SELECT count(*) FROM public.lines WHERE invoice_id IS NULL), 1::bigint, 'clears the reference, and not the tenant');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('INSERT INTO public.lines (tenant_id, invoice_id) VALUES (%L, 79)', :'north'), '23503', NULL, 'nobody crosses');
INSERT INTO public.lines (tenant_id, invoice_id) VALUES (:'south', 79);
SELECT throws_ok(format('UPDATE public.lines SET tenant_id = %L WHERE invoice_id = 79', :'north'), '23514', NULL, 'a superuser neither');
SELECT * FROM finish();
ROLLBACK;
