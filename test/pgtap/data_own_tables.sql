-- Protected tables go out with an export on request, and come in with the import, under
-- the rights of whoever imports.
BEGIN;
SELECT plan(30);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_owner;
GRANT CREATE, USAGE ON SCHEMA public TO tap_owner;
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TABLE public."My % notes" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), parent uuid REFERENCES public."My % notes", author uuid, body text, outside uuid);
CREATE TABLE public.bills (number integer GENERATED ALWAYS AS IDENTITY, note uuid, record uuid, payer uuid, amount numeric(8, 2), total numeric GENERATED ALWAYS AS (amount * 2) STORED) PARTITION BY RANGE (amount);
CREATE TABLE public.bills_low PARTITION OF public.bills FOR VALUES FROM (0) TO (10);
CREATE TABLE public.bills_high PARTITION OF public.bills FOR VALUES FROM (10) TO (1000);
CREATE TABLE public.parts (a integer, b text COLLATE "C", c uuid, PRIMARY KEY (b, a));
CREATE TABLE public.loose (word text, at timestamptz, "of firm" uuid);
CREATE TABLE public.unused (word text);
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('public."My % notes"', 'notes') IS NOT NULL AND casnet.protect('public.bills') IS NOT NULL AND casnet.protect('public.parts') IS NOT NULL AND casnet.protect('public.loose', tenant_column => 'of firm') IS NOT NULL AS protected \gset
ALTER TABLE public."My % notes" ADD FOREIGN KEY (author, tenant_id) REFERENCES casnet.user_tenants (user_id, tenant_id), ADD UNIQUE (id, tenant_id);
ALTER TABLE public.bills ADD FOREIGN KEY (note, tenant_id) REFERENCES public."My % notes" (id, tenant_id), ADD FOREIGN KEY (record, tenant_id) REFERENCES casnet.records (id, tenant_id),
	ADD FOREIGN KEY (payer, tenant_id) REFERENCES casnet.persons (id, tenant_id);
ALTER TABLE public.parts DROP CONSTRAINT parts_pkey, ADD PRIMARY KEY (tenant_id, b, a);
-- More rows, and longer ones, than a page has.
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO public."My % notes" (id, parent, author, body, outside) VALUES
	('00000000-0000-7000-8000-00000000e001', NULL, :'mia', 'a', '00000000-0000-7000-8000-00000000e009'), ('00000000-0000-7000-8000-00000000e002', '00000000-0000-7000-8000-00000000e003', NULL, 'b', NULL), ('00000000-0000-7000-8000-00000000e003', '00000000-0000-7000-8000-00000000e001', :'vic', 'c', NULL);
INSERT INTO public.bills (note, record, payer, amount) SELECT '00000000-0000-7000-8000-00000000e002', '00000000-0000-7000-8000-0000000001a0', '00000000-0000-7000-8000-0000000001a0', n FROM unnest('{5, 50, 500}'::int[]) AS n;
INSERT INTO public.parts SELECT n % 7, 'part ' || n / 7, gen_random_uuid() FROM generate_series(1, 2345) AS n;
INSERT INTO public.loose SELECT repeat(chr(97 + n), 300000), '2024-01-01Z' FROM generate_series(0, 9) AS n;
CALL be('otto', 'South');
INSERT INTO public.loose VALUES ('of South');
INSERT INTO public.parts VALUES (99, 'of South');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
CREATE TEMP TABLE plain AS SELECT d FROM casnet.export_tenant() AS d;
SELECT is((SELECT count(*) FROM plain), 16::bigint, 'without a request they are left out');
SELECT is((SELECT d->'left_out' FROM plain WHERE d ? 'casnet'), '["public.\"My % notes\"", "public.bills", "public.loose", "public.parts"]'::jsonb, 'and the header says so');
SELECT is((SELECT count(*) FROM casnet.export_tenant(NULL, NULL)), 16::bigint, 'NULL is no request');
CREATE TABLE public.e AS SELECT n, d FROM casnet.export_tenant(own_tables => true) WITH ORDINALITY AS e (d, n);
SELECT is((SELECT d->'left_out' FROM public.e WHERE n = 1), '[]'::jsonb, 'on request nothing is');
SELECT is((SELECT string_agg(t, ' ' ORDER BY n) FROM (SELECT min(n) AS n, d->>'table' AS t FROM public.e WHERE n > 1 GROUP BY 2) AS x),
	'members persons records record_persons tags record_tags tasks calendar_events public."My % notes" public.bills public.loose public.parts', 'tables come after those that they refer to');
SELECT results_eq($$SELECT d->>'table', count(*) FROM public.e WHERE d->>'table' ~ '^public' GROUP BY 1 ORDER BY min(n)$$, $$VALUES ('public."My % notes"', 3::bigint), ('public.bills', 3), ('public.loose', 10), ('public.parts', 2345)$$, 'all their rows');
SELECT is_empty($$SELECT FROM public.e WHERE d::text ~ 'of South'$$, 'and none of another tenant');
SELECT results_eq($$SELECT d#>>'{row,b}', d#>>'{row,a}' FROM public.e WHERE d->>'table' = 'public.parts' ORDER BY n$$, 'SELECT b COLLATE "default", a::text FROM public.parts ORDER BY parts.b, parts.a', 'by their keys, over several pages');
SELECT is((SELECT d->'row' FROM public.e WHERE d#>>'{row,amount}' = '50.00'), '{"note": "00000000-0000-7000-8000-00000000e002", "payer": "00000000-0000-7000-8000-0000000001a0", "amount": 50.00, "number": 2, "record": "00000000-0000-7000-8000-0000000001a0"}', 'partitions, too');
SELECT is((SELECT d->'row' FROM public.e WHERE d#>>'{row,body}' = 'c'), '{"id": "00000000-0000-7000-8000-00000000e003", "body": "c", "author": "vic", "parent": "00000000-0000-7000-8000-00000000e001", "outside": null}', 'with members by name');
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT results_eq('SELECT d::text FROM casnet.export_tenant(own_tables => true) AS d WHERE d::text !~ ''public.loose''', 'SELECT d::text FROM public.e WHERE d::text !~ ''public.loose'' ORDER BY n', 'the plan does not matter');
RESET enable_indexscan;
RESET enable_bitmapscan;
CALL be('adam', 'North');
SELECT throws_ok('SELECT casnet.export_tenant(own_tables => true)', '42501', 'permission "manage_tenant" is missing in that tenant', 'an admin is refused');
SELECT throws_ok($$SELECT casnet_internal.table_documents('public.parts', 'x', 'tenant_id', '{a}', '{text}', '00000000-0000-7000-8000-0000000000b0', '{}')$$, '42501', NULL, 'nobody reads by the internal way');
SELECT throws_ok($$SELECT casnet_internal.exported_tables(true)$$, '42501', NULL, 'nor asks for the tables');
CALL be('olga');
SELECT throws_ok(format('SELECT casnet.export_tenant(%L, true)', :'south'), 'P0002', 'the tenant does not exist, or you are not a member of it', 'no tenant of others');
SELECT is((SELECT count(*) FROM casnet.export_tenant(:'north', true)), (SELECT count(*) FROM public.e), 'an own one need not be active');

-- In again, beside the original.
CALL be('olga', 'North');
SELECT casnet.import_tenant('public.e', 'Copy') AS copy \gset
SET LOCAL casnet.tenant_id = :'copy';
SELECT results_eq('SELECT n.body, p.body, w.name, n.outside FROM public."My % notes" AS n LEFT JOIN public."My % notes" AS p ON p.id = n.parent LEFT JOIN public.who AS w ON w.id = n.author ORDER BY 1',
	$$VALUES ('a', NULL, 'mia', '00000000-0000-7000-8000-00000000e009'::uuid), ('b', 'c', NULL, NULL), ('c', 'a', 'vic', NULL)$$, 'rows that refer to later ones, and to members');
SELECT results_eq('SELECT b.number, n.body, r.title, p.name, b.amount, b.total FROM public.bills AS b JOIN public."My % notes" AS n ON n.id = b.note JOIN casnet.records AS r ON r.id = b.record JOIN casnet.persons AS p ON p.id = b.payer ORDER BY 1',
	$$VALUES (1, 'b', 'North record 1', 'North person', 5.00, 10.00), (2, 'b', 'North record 1', 'North person', 50.00, 100.00), (3, 'b', 'North record 1', 'North person', 500.00, 1000.00)$$, 'and to rows of casnet');
SELECT is((SELECT count(*) FROM public."My % notes" WHERE id::text ~ 'e00.$'), 0::bigint, 'with new ids');
SELECT is((SELECT string_agg(left(word, 1) || length(word), ' ' ORDER BY word) FROM public.loose), 'a300000 b300000 c300000 d300000 e300000 f300000 g300000 h300000 i300000 j300000', 'a table without a key');
SELECT results_eq('SELECT b COLLATE "default", a, c FROM public.parts ORDER BY parts.b, parts.a', $$SELECT d#>>'{row,b}', (d#>>'{row,a}')::int, (d#>>'{row,c}')::uuid FROM public.e WHERE d->>'table' = 'public.parts' ORDER BY n$$, 'values that are no references stay');

-- Rights, and an existing tenant.
SELECT casnet.create_tenant('Empty') AS empty \gset
SELECT casnet.create_tenant('Filled') AS filled \gset
SET LOCAL casnet.tenant_id = :'filled';
INSERT INTO public.loose VALUES ('here');
SELECT is(error_of(format('SELECT casnet.import_tenant(%L, tenant_id => %L)', 'public.e', :'filled')), '55000 | the tenant is not empty | There are rows in public.loose. | Import into a new tenant, or delete the rows first. | ', 'one row in an own table is too much');
SELECT is(casnet.import_tenant('plain', tenant_id => :'filled'), :'filled'::uuid, 'unless the documents are not of that table');
SELECT is(error_of(format('SELECT casnet.import_tenant(%L, tenant_id => %L, keep_ids => true)', 'public.e', :'empty')) ~ '^23505 . duplicate key value violates unique constraint "My % notes_pkey"', true, 'a key that spans tenants is taken');
RESET SESSION AUTHORIZATION;
REVOKE INSERT ON public.loose FROM casnet_user;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok($$SELECT casnet.import_tenant('public.e', 'Third')$$, '42501', 'permission denied for table loose', 'the importer needs the privilege');
RESET SESSION AUTHORIZATION;
GRANT INSERT ON public.loose TO casnet_user;

-- With all ids, by a superuser, after the tenant is gone; then it is the same.
SELECT casnet.delete_tenant(:'north') > 2000 AS deleted \gset
SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;
SELECT is(casnet.import_tenant('public.e', keep_ids => true, keep_tenant_id => true), :'north'::uuid, 'the tenant comes back');
SELECT bag_eq(format('SELECT casnet.export_tenant(%L, true)::text', :'north'), 'SELECT d::text FROM public.e', 'as it was, for a superuser who exports');
SELECT is(error_of($$SELECT casnet.import_tenant('public.e', 'Other', keep_ids => true)$$) ~ '^23505', true, 'a key that spans tenants is taken');

-- Documents that are not of their table.
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga');
CREATE TEMP TABLE w AS SELECT CASE WHEN d#>>'{row,amount}' = '50.00' THEN jsonb_set(d, '{row,amount}', '5000') ELSE d END AS d FROM public.e ORDER BY n;
SELECT alike(error_of($$SELECT casnet.import_tenant('w', 'Third')$$), '22023 | document 21 (public.bills) cannot be imported | no partition of relation "bills" found for row | %', 'no partition for a row');
UPDATE w SET d = jsonb_set(d, '{row,amount}', 'true') WHERE d#>>'{row,amount}' = '5000';
SELECT is(error_of($$SELECT casnet.import_tenant('w', 'Third')$$) ~ '^22023 . document \d+ \(public.bills\) cannot be imported . "amount" of "row" is no number.', true, 'no number');
SELECT * FROM finish();
ROLLBACK;
