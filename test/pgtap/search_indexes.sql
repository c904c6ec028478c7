-- A search uses an index that begins with the tenant, and finds the same as without one.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
\ir include/plan_of.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.persons (tenant_id, name)
SELECT t.id, substr('jane doe ÄÖÜ 50%_\', 1 + n % 13) || ' ' || n % 97 || ' ' || md5(n::text) FROM casnet.tenants AS t, generate_series(1, 2000) AS n;
INSERT INTO casnet.persons (tenant_id, name) SELECT id, 'back\slash' FROM casnet.tenants;
INSERT INTO casnet.records (tenant_id, title, content)
SELECT t.id, p.name, 'word' || row_number() OVER () % 50 FROM casnet.persons AS p JOIN casnet.tenants AS t ON t.id = p.tenant_id;
ANALYZE casnet.persons, casnet.records;
SELECT gin_clean_pending_list(indexrelid) FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid JOIN pg_am AS a ON a.oid = relam
 WHERE amname = 'gin' AND relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT matches(plan_of('SELECT * FROM casnet.search_persons(''doe 7'')'), 'persons_tenant_id_name_substring_idx\s+Index Cond: \(\(tenant_id = casnet.tenant_with\(''view_persons''::text\)\) AND \(name OPERATOR\(casnet.\*=\*\) ''doe 7''', 'search_persons() by index');
SELECT matches(plan_of('SELECT * FROM casnet.records WHERE title OPERATOR(casnet.*=*) ''doe 7'''), 'records_tenant_id_title_substring_idx', 'titles by index');
SELECT matches(plan_of('SELECT * FROM casnet.search_records(''word7'')'), 'records_tenant_id_search_vector_idx\s+Index Cond: \(\(tenant_id = casnet.tenant_with\(''view_records''::text\)\) AND \(search_vector OPERATOR\(casnet.@~\) ''''''word7''''''', 'search_records() by index');
SELECT matches(plan_of('SELECT * FROM casnet.records WHERE search_vector @@ ''word7'''), 'Filter:[^\n]* @@ ', '@@ not');
SELECT results_eq('SELECT name FROM casnet.search_persons(''k\sla'')', ARRAY['back\slash'], 'a backslash by index');

-- Every answer by index and without it.
CREATE TABLE public.parts AS
SELECT substr(name, 1 + n % 9, 1 + n % 7) AS part FROM casnet.persons, generate_series(1, 5) AS n WHERE name ~ ' 7 ' UNION
SELECT unnest(ARRAY['', ' ', '%', '_', '\', '%_\', 'äöü 5', 'DOE', 'e  d', '0%_', 'jane doe 50', 'South', 'x', 'ä', 'o', 'AOU', 'u5', repeat('x', 300), repeat('doe', 30)]);
CREATE FUNCTION pg_temp.both(query text, OUT by_index text, OUT by_scan text) LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_indexscan = off;
	EXECUTE query INTO by_index;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_bitmapscan = off;
	EXECUTE query INTO by_scan;
	SET LOCAL enable_indexscan = on;
	SET LOCAL enable_bitmapscan = on;
END
$$;
SELECT cmp_ok((SELECT count(*) FROM public.parts), '>', 50::bigint, 'parts');
SELECT is_empty('SELECT part FROM public.parts, pg_temp.both(format(''SELECT count(*) || min(id::text) FROM casnet.persons WHERE name OPERATOR(casnet.*=*) %L'', part)) WHERE by_index IS DISTINCT FROM by_scan', 'names with a part, by index and not');
SELECT is_empty('SELECT part FROM public.parts, pg_temp.both(format(''SELECT count(*) FROM casnet.persons WHERE name OPERATOR(casnet.*=*) %L'', part)) WHERE by_index <> (SELECT count(*)::text FROM casnet.persons WHERE strpos(translate(lower(name), ''äöü'', ''aou''), translate(lower(part), ''äöü'', ''aou'')) > 0)', 'are those that contain it');
SELECT is(by_index, by_scan, query)
  FROM unnest(ARRAY['word7', 'word1*', '-word7', 'word7 or jane', '"jane doe" -word1*']) AS query,
	   pg_temp.both(format('SELECT count(*) || '' '' || min(id::text) FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) %L', query));
SELECT * FROM finish();
ROLLBACK;
