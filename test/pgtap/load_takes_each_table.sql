-- COPY into the load view of a table adds rows of the active tenant, with the defaults,
-- triggers and keys of the table.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
CALL be('mia', 'North');
COPY casnet.persons_load (id, name, date_of_birth, contact_info) FROM stdin (FORMAT csv, HEADER);
id,name,date_of_birth,contact_info
00000000-0000-7000-8000-000000000cc1,Jane,2001-02-03,"{""phone"": ""1""}"
00000000-0000-7000-8000-000000000cc2,Joe,,{}
\.
COPY casnet.records_load (id, title) FROM stdin;
00000000-0000-7000-8000-000000000aa1	one
00000000-0000-7000-8000-000000000aa2	two
\.
COPY casnet.record_persons_load (record_id, person_id, relation) FROM stdin (FORMAT csv);
00000000-0000-7000-8000-000000000aa1,00000000-0000-7000-8000-000000000cc1,child
00000000-0000-7000-8000-000000000aa1,00000000-0000-7000-8000-000000000cc2, parent 
\.
COPY casnet.tags_load (id, name) FROM stdin (FORMAT csv, HEADER match);
id,name
00000000-0000-7000-8000-000000000bb1,urgent
\.
COPY casnet.record_tags_load (record_id, tag_id) FROM stdin (DELIMITER ' ');
00000000-0000-7000-8000-000000000aa1 00000000-0000-7000-8000-000000000bb1
00000000-0000-7000-8000-000000000aa2 00000000-0000-7000-8000-000000000bb1
\.
COPY casnet.tasks_load (title, status, assignee_id, record_id) FROM stdin;
call	COMPLETED	00000000-0000-7000-8000-000000000003	00000000-0000-7000-8000-000000000aa1
write	PENDING	\N	\N
\.
COPY casnet.calendar_events_load (title, starts_at, record_id) FROM stdin (NULL '');
visit	2026-01-01 10:00+01	00000000-0000-7000-8000-000000000aa1
\.
SELECT results_eq($$SELECT name, date_of_birth, contact_info::text FROM casnet.persons WHERE name LIKE 'J%' ORDER BY 1$$,
	$$VALUES ('Jane', date '2001-02-03', '{"phone": "1"}'), ('Joe', NULL, '{}')$$, 'persons');
SELECT results_eq($$SELECT title, content, tenant_id, created_at = now() FROM casnet.records WHERE title IN ('one', 'two') ORDER BY id$$,
	$$VALUES ('one', '', '00000000-0000-7000-8000-0000000000a0'::uuid, true), ('two', '', '00000000-0000-7000-8000-0000000000a0', true)$$, 'records');
SELECT results_eq($$SELECT r.title, p.name, l.relation, l.tenant_id FROM casnet.record_persons AS l JOIN casnet.records AS r ON r.id = record_id JOIN casnet.persons AS p ON p.id = person_id WHERE r.title = 'one' ORDER BY 2$$,
	$$VALUES ('one', 'Jane', 'child', '00000000-0000-7000-8000-0000000000a0'::uuid), ('one', 'Joe', 'parent', '00000000-0000-7000-8000-0000000000a0')$$, 'persons whom they are about');
SELECT results_eq($$SELECT r.title, t.name FROM casnet.record_tags AS l JOIN casnet.records AS r ON r.id = record_id JOIN casnet.tags AS t ON t.id = tag_id WHERE t.name = 'urgent' ORDER BY 1$$,
	$$VALUES ('one', 'urgent'), ('two', 'urgent')$$, 'tags and their links');
SELECT results_eq($$SELECT title, status, priority, assignee_id IS NULL FROM casnet.tasks WHERE title IN ('call', 'write') ORDER BY 1$$,
	$$VALUES ('call', 'COMPLETED', 'MEDIUM', false), ('write', 'PENDING', 'MEDIUM', true)$$, 'tasks');
SELECT ok((SELECT completed_at IS NOT NULL FROM casnet.tasks WHERE title = 'call'), 'whose trigger fires');
SELECT results_eq($$SELECT starts_at, all_day FROM casnet.calendar_events WHERE title = 'visit'$$,
	$$VALUES (timestamptz '2026-01-01 09:00+00', false)$$, 'events');

-- INSERT does the same; the number of rows is right.
SELECT is(rows_of($$INSERT INTO casnet.tags_load (name) SELECT 'tag ' || n FROM generate_series(1, 20) AS n$$), 20::bigint, 'INSERT ... SELECT');
SELECT is((SELECT count(*) FROM casnet.tags), 22::bigint, 'adds as many');
SELECT is(rows_of($$INSERT INTO casnet.tags_load (name) SELECT 'none' WHERE false$$), 0::bigint, 'or none');

-- They show nothing and do nothing else.
SELECT throws_ok('TABLE casnet.tags_load', '42501', NULL, 'no SELECT');
SELECT throws_ok($$INSERT INTO casnet.tags_load (name) VALUES ('x') RETURNING id$$, '42501', NULL, 'no RETURNING');
SELECT isnt(error_of('DELETE FROM casnet.tags_load'), 'none', 'no DELETE');
SELECT isnt(error_of($$UPDATE casnet.tags_load SET name = 'x'$$), 'none', 'no UPDATE');
SELECT * FROM finish();
ROLLBACK;
