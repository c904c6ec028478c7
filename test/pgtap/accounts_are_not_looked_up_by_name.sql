-- An application's lookup of an account by name or address, or of a tenant by name, does
-- not use the index of that column.  A hidden value moves the counters of the index and of
-- the table as a missing value does.
BEGIN;
SELECT plan(34);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.users (username, email) SELECT 'more ' || n, n || '@more.test' FROM generate_series(1, 300) AS n;
INSERT INTO casnet.tenants (name) SELECT 'more ' || n FROM generate_series(1, 300) AS n;
ANALYZE casnet.users, casnet.tenants;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL jit = off;
SET LOCAL enable_seqscan = off;
-- The server's counters of each relation: scans, rows returned and fetched, blocks.
CREATE FUNCTION public.counters(relations text) RETURNS text[] LANGUAGE sql VOLATILE AS $$
	SELECT array_agg(format('%s %s', c.relname, v.name) ORDER BY c.relname, v.n)
		|| array_agg((v.value)::text ORDER BY c.relname, v.n)
	  FROM pg_class AS c, LATERAL (VALUES (1, 'scans', pg_stat_get_xact_numscans(c.oid)), (2, 'returned', pg_stat_get_xact_tuples_returned(c.oid)),
		(3, 'fetched', pg_stat_get_xact_tuples_fetched(c.oid)), (4, 'blocks', pg_stat_get_xact_blocks_fetched(c.oid))) AS v (n, name, value)
	 WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND c.relname ~ relations
$$;
CREATE FUNCTION public.moved(statement text, relations text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	one text[];
	two text[];
	n integer;
BEGIN
	-- Catalog lookups and the first planning do not count.
	EXECUTE statement;
	one := public.counters(relations);
	EXECUTE statement;
	two := public.counters(relations);
	n := cardinality(one) / 2;
	RETURN (SELECT string_agg(format('%s %s', one[i], two[n + i]::bigint - one[n + i]::bigint), ', ')
			  FROM generate_series(1, n) AS i WHERE one[n + i] <> two[n + i]);
END
$$;
CREATE TABLE public.lookups (n integer, statement text, hidden text, missing text);
INSERT INTO public.lookups VALUES (1, 'SELECT FROM casnet.users WHERE email = %L', 'otto@south.test', 'none@south.test'),
	(2, 'SELECT FROM casnet.users WHERE lower(email) = %L', 'otto@south.test', 'none@south.test'),
	(3, 'SELECT FROM casnet.users WHERE username = %L', 'otto', 'none'),
	(4, 'SELECT FROM casnet.users WHERE lower(username) = lower(%L)', 'Otto', 'None'),
	(5, 'SELECT FROM casnet.users WHERE email IN (%L, ''x'')', 'otto@south.test', 'none@south.test'),
	(6, 'SELECT FROM casnet.users WHERE username = ANY (ARRAY[%L, ''y''])', 'otto', 'none'),
	(7, 'SELECT FROM casnet.users WHERE username BETWEEN %1$L AND %1$L || ''~''', 'otto', 'ottp'),
	(8, 'SELECT FROM casnet.users WHERE username >= %L ORDER BY username LIMIT 1', 'otto', 'ottz'),
	(9, 'SELECT count(*) FROM casnet.users WHERE username = %L', 'otto', 'none'),
	(10, 'SELECT FROM (VALUES (%L)) AS v (x) JOIN casnet.users AS u ON u.email = v.x', 'otto@south.test', 'none@south.test'),
	(11, 'UPDATE casnet.users SET full_name = ''x'' WHERE email = %L', 'otto@south.test', 'none@south.test'),
	(12, 'SELECT FROM casnet.tenants WHERE name = %L', 'South', 'Nowhere'),
	(13, 'SELECT FROM casnet.tenants WHERE name IN (%L, ''x'')', 'South', 'Nowhere'),
	(14, 'SELECT FROM casnet.tenants WHERE name LIKE %L || ''%%''', 'Sout', 'Nowh'),
	(15, 'DELETE FROM casnet.tenants WHERE name = %L', 'South', 'Nowhere'),
	(16, 'SELECT EXISTS (SELECT FROM casnet.tenants WHERE name = %L)', 'South', 'Nowhere');

CALL be('olga', 'North');
SELECT is(public.moved(format(statement, hidden), '^(users|tenants)'), public.moved(format(statement, missing), '^(users|tenants)'), format(statement, hidden)) FROM public.lookups ORDER BY n;
SELECT is(public.moved(format(statement, hidden), '_(username|email|name)_.*key$'), NULL, 'no index of a name: ' || format(statement, hidden)) FROM public.lookups ORDER BY n;
-- An administrator's lookup uses these indexes.
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT matches(public.moved('SELECT FROM casnet.users WHERE email = ''otto@south.test''', '^users'), 'users_email_key scans 1', 'an administrator, by address');
SELECT matches(public.moved('SELECT FROM casnet.tenants WHERE name = ''South''', '^tenants'), 'tenants_name_key scans 1', 'and by name');
SELECT * FROM finish();
ROLLBACK;
