-- A load into an audited table leaves an entry for each row, whatever the earlier rows
-- were: what a trigger keeps between rows must last until the end.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('casnet.records');
SELECT casnet.enable_audit('casnet.persons');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');

SELECT is(rows_of($$INSERT INTO casnet.records_load (title, content)
	SELECT 'row ' || n, repeat(chr(65 + n % 26), (n * 7919) % 9000) FROM generate_series(1, 400) AS n$$), 400::bigint, 'rows of all sizes');
SELECT is(rows_of($$INSERT INTO casnet.persons_load (name) SELECT 'person ' || n FROM generate_series(1, 50) AS n$$), 50::bigint, 'into two tables');
\copy casnet.records_load (title, content) FROM PROGRAM 'for n in $(seq 40); do printf "copied %d\t%0*d\n" $n $((n * 197 % 4000)) 0; done'
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT relation, action, count(*) FROM casnet_internal.audit_entries GROUP BY 1, 2 ORDER BY 1$$,
	$$VALUES ('casnet.persons', 'INSERT', 50::bigint), ('casnet.records', 'INSERT', 440)$$, 'as many entries');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries AS e JOIN casnet.records AS r ON e.row_key->>'id' = r.id::text
	WHERE e.after->>'title' = r.title AND e.after->>'content' IS NOT DISTINCT FROM r.content AND e.user_id = (SELECT id FROM who WHERE name = 'olga')), 440::bigint, 'each with its row');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE after->>'name' LIKE 'person %'), 50::bigint, 'of its table');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE after->>'title' LIKE 'copied %'), 40::bigint, 'by COPY, too');
SELECT * FROM finish();
ROLLBACK;
