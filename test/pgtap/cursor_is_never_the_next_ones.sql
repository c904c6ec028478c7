-- A user opens a cursor, and the first row is fetched after the session became another
-- user.  The cursor returns its opener's rows or is refused; it never returns a row that
-- only the other may see.
BEGIN;
SELECT plan(45);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
-- What each of the two may see; they share nothing.
UPDATE casnet.users SET full_name = 'of ' || CASE username WHEN 'otto' THEN 'South' ELSE 'North' END;
UPDATE casnet.tenants SET description = 'of ' || name;
INSERT INTO casnet.tags (tenant_id, name) SELECT id, name || ' of records' FROM casnet.tenants;
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id) SELECT t.tenant_id, r.id, t.id FROM casnet.tags AS t JOIN casnet.records AS r USING (tenant_id) WHERE t.name ~ 'of records';
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION pg_temp.fetch_all(c refcursor) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	lines text := '';
BEGIN
	LOOP
		FETCH c INTO line;
		EXIT WHEN NOT FOUND;
		lines := lines || line || ', ';
	END LOOP;
	RETURN lines;
EXCEPTION WHEN OTHERS THEN
	RETURN 'refused by ' || SQLSTATE;
END
$$;
-- Olga opens it and then becomes another user; the result of all rows.
CREATE FUNCTION pg_temp.fetched(query text, person text, tenant text, settings text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	result text;
BEGIN
	CALL be('olga', 'North');
	EXECUTE settings;
	OPEN c FOR EXECUTE query;
	CALL be(person, tenant);
	result := pg_temp.fetch_all(c);
	CLOSE c;
	RETURN result;
END
$$;
SET LOCAL jit = off;
CREATE TEMPORARY TABLE queries (n integer, name text, query text);
INSERT INTO queries VALUES (1, 'records', 'SELECT title FROM casnet.records'),
	(2, 'in order', 'SELECT title FROM casnet.records ORDER BY id'),
	(3, 'FOR UPDATE', 'SELECT title FROM casnet.records FOR UPDATE'),
	(4, 'FOR KEY SHARE, the tenant of the next one', format('SELECT title FROM casnet.records WHERE tenant_id = %L FOR KEY SHARE', :'south')),
	(5, 'the tenant as a constant', format('SELECT title FROM casnet.records WHERE tenant_id = %L', :'north')),
	(6, 'that of the next one', format('SELECT title FROM casnet.records WHERE tenant_id = %L', :'south')),
	(7, 'the active tenant', 'SELECT title FROM casnet.records WHERE tenant_id = casnet.current_tenant_id()'),
	(8, 'users', 'SELECT full_name FROM casnet.users'),
	(9, 'users by id', format('SELECT full_name FROM casnet.users WHERE id = %L', :'otto')),
	(10, 'tenants', 'SELECT description FROM casnet.tenants'),
	(11, 'tenants by id', format('SELECT description FROM casnet.tenants WHERE id = %L', :'south')),
	(12, 'UNION ALL', format('SELECT name FROM casnet.persons UNION ALL SELECT title FROM casnet.records WHERE tenant_id = %L', :'south')),
	(13, 'a join', 'SELECT t.title FROM casnet.records AS r JOIN casnet.tasks AS t ON t.tenant_id = r.tenant_id AND t.record_id = r.id'),
	(14, 'a subquery', 'SELECT (SELECT min(title) FROM casnet.records) FROM generate_series(1, 2)');
SELECT doesnt_match(pg_temp.fetched(query, 'otto', 'South'), 'South', name) FROM queries ORDER BY n;
SELECT doesnt_match(pg_temp.fetched(query, 'otto', 'South', 'SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off'), 'South', name || ', by index') FROM queries ORDER BY n;
-- The session becomes a superuser of the application, who may see either.
SELECT doesnt_match(pg_temp.fetched(query, 'sue', 'South', 'SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off'), 'South', name || ', for a superuser of the application') FROM queries WHERE n NOT IN (9, 10, 11) ORDER BY n;
-- The session becomes nobody, and the rows are still the opener's.
SELECT doesnt_match(pg_temp.fetched(query, 'nora', NULL), 'South', name || ', for a stranger') FROM queries WHERE n IN (1, 3, 7, 8, 10) ORDER BY n;
SELECT matches(pg_temp.fetched('SELECT title FROM casnet.records', 'otto', 'South'), '^((North record [123], ){3}|refused by (28000|42501|55000))$', 'all of hers, or a refusal');
SELECT * FROM finish();
ROLLBACK;
