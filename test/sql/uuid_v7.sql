-- casnet.uuid_v7() makes version 7 UUIDs, each greater than the previous one.
\set QUIET on
SET SESSION AUTHORIZATION regress_user;
CREATE TEMP TABLE made AS SELECT n, casnet.uuid_v7() AS id FROM generate_series(1, 100000) AS n;
SELECT count(*), count(DISTINCT id) AS different,
	   count(*) FILTER (WHERE substr(id::text, 15, 1) = '7') AS version_7,
	   count(*) FILTER (WHERE substr(id::text, 20, 1) IN ('8', '9', 'a', 'b')) AS variant
  FROM made;
SELECT count(*) AS out_of_order FROM (SELECT id <= lag(id) OVER (ORDER BY n) AS wrong FROM made) AS x WHERE wrong;
SELECT count(DISTINCT right(id::text, 12)) > 99990 AS random FROM made;

-- The first 48 bits are the time in milliseconds.
SELECT abs(('x' || lpad(replace(left(casnet.uuid_v7()::text, 13), '-', ''), 16, '0'))::bit(64)::bigint
		   - extract(epoch FROM clock_timestamp()) * 1000) < 5000 AS now;
-- Nobody needs to be signed in.
SELECT casnet.current_user_id() IS NULL AND casnet.uuid_v7() IS NOT NULL AS for_anybody;
