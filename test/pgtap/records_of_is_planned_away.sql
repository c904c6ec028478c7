-- records_of() in a condition of any statement is planned as joins, by the indexes that begin
-- with the tenant, and each policy is decided first.
BEGIN;
SELECT plan(26);
\ir include/fixtures.sql
\ir include/plan_of.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.records (tenant_id, title, content) SELECT t.id, t.name || ' made ' || n, 'visit ' || n FROM casnet.tenants AS t, generate_series(1, 1000) AS n;
INSERT INTO casnet.persons (tenant_id, name) SELECT t.id, 'Doe ' || n FROM casnet.tenants AS t, generate_series(1, 1000) AS n;
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id, relation)
SELECT r.tenant_id, r.id, p.id, CASE WHEN r.title ~ '5$' THEN 'witness' ELSE 'subject' END FROM casnet.records AS r JOIN casnet.persons AS p ON p.tenant_id = r.tenant_id
 WHERE substring(p.name FROM 'Doe (.*)')::int % 250 = substring(r.title FROM 'made (.*)')::int % 250;
ANALYZE casnet.records, casnet.persons, casnet.record_persons;
SELECT id AS doe FROM casnet.persons WHERE tenant_id = :'north' AND name = 'Doe 5' \gset
SELECT id AS others FROM casnet.persons WHERE tenant_id = :'south' AND name = 'Doe 5' \gset
CREATE TABLE public.of_doe AS SELECT r.id, r.title FROM casnet.records AS r JOIN casnet.record_persons AS l ON l.record_id = r.id WHERE l.person_id = :'doe';
GRANT SELECT ON public.of_doe TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT cmp_ok((SELECT count(*) FROM public.of_doe), '=', 4::bigint, 'there are some');

-- Alone, in a condition, negated, joined, with a search, as a parameter, lateral, in writes.
CREATE TABLE public.queries (n serial, query text);
INSERT INTO public.queries (query) VALUES (format('SELECT record_id FROM casnet.records_of(%L)', :'doe')),
	(format('SELECT id FROM casnet.records WHERE id IN (SELECT record_id FROM casnet.records_of(%L))', :'doe')),
	(format('SELECT r.id FROM casnet.records AS r JOIN casnet.records_of(%L) AS o ON o.record_id = r.id', :'doe')),
	(format('SELECT id FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) ''visit'' AND id IN (SELECT record_id FROM casnet.records_of(%L))', :'doe')),
	(format('SELECT o.record_id FROM (VALUES (%L::uuid)) AS p (id), casnet.records_of(p.id) AS o', :'doe')),
	(format('SELECT r.id FROM casnet.records AS r WHERE EXISTS (SELECT FROM casnet.records_of(%L) AS o WHERE o.record_id = r.id)', :'doe'));
SELECT set_eq(query, 'SELECT id FROM public.of_doe', query) FROM public.queries;
SELECT doesnt_match(plan_of(query), 'Function Scan|SubPlan|Seq Scan on (records|record_persons)', 'without a call: ' || query) FROM public.queries;
SELECT matches(plan_of(query), 'Index.* (using|on) record_persons_tenant_id_person_id_record_id_idx', 'by index: ' || query) FROM public.queries WHERE n <= 4;
SELECT is(plan_of(query), plan_of(regexp_replace(query, 'casnet\.records_of\((.*?)\)', '(SELECT l.record_id FROM casnet.record_persons AS l WHERE l.person_id = \1) AS o')), 'as if written by hand: ' || query) FROM public.queries WHERE n IN (2, 4);
SELECT is((SELECT count(*) FROM casnet.records WHERE id NOT IN (SELECT record_id FROM casnet.records_of(:'doe'))), (SELECT count(*) FROM casnet.records) - 4, 'NOT IN');
PREPARE of_person (uuid, text) AS SELECT id FROM casnet.records WHERE id IN (SELECT record_id FROM casnet.records_of($1) WHERE relation = $2);
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT set_eq(format('EXECUTE of_person (%L, ''witness'')', :'doe'), 'SELECT id FROM public.of_doe WHERE title ~ ''5$''', 'a generic plan, and a relation');
SELECT is_empty(format('EXECUTE of_person (%L, ''witness'')', :'others'), 'of another tenant''s person there is none');
RESET plan_cache_mode;
-- By the name of the person, and about two persons at once.
SELECT set_eq($$SELECT id FROM casnet.records WHERE id IN (SELECT l.record_id FROM casnet.record_persons AS l JOIN casnet.persons AS p ON p.tenant_id = l.tenant_id AND p.id = l.person_id WHERE p.name OPERATOR(casnet.*=*) 'doe 5' AND p.name ~ ' 5$')$$,
	'SELECT id FROM public.of_doe', 'by name');
SELECT is((SELECT count(*) FROM casnet.records WHERE id IN (SELECT record_id FROM casnet.records_of(:'doe')) AND id IN (SELECT record_id FROM casnet.records_of((SELECT id FROM casnet.persons WHERE name = 'Doe 255')))), 4::bigint, 'about both');
SELECT is(rows_of(format('DELETE FROM casnet.tasks WHERE record_id IN (SELECT record_id FROM casnet.records_of(%L))', '00000000-0000-7000-8000-0000000001a0')), 1::bigint, 'in a DELETE');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.tasks), 1::bigint, 'which leaves South''s');
SELECT * FROM finish();
ROLLBACK;
