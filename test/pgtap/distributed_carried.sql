-- A statement alone carries the token of its session to a worker: in a test that is always
-- true, or in a value, and a worker takes the token out.  In a transaction the coordinator
-- adds the tenant only; test/citus/isolation.py has statements alone.
BEGIN;
SELECT plan(32);
\ir include/fixtures.sql
\ir include/plan_of.sql
-- The key and the signature are of RFC 8032, section 7.1, test 1.  It names mia in North.
\set public '\\x302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
\set token 'eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6ImNhc25ldC1yZWxheSJ9.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJ0aWQiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwYTAiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMH0.OGle_1FtnqLPC6Hr41X5QMU8UH-dgBeQ_v8Mup50ddMy2yI2s3QGNqXjI2Na0JcWswVKS9X_jsx-CqunZu68Dg'
\set start 'eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6ImNhc25ldC1yZWxheSJ9.'
\ir include/nodes.sql

-- On a coordinator.  Only what a client sends itself is planned in this way.
CALL be('mia', 'North');
SELECT count(*) AS n, count(*) FILTER (WHERE title LIKE 'North%') AS own FROM casnet.records \gset
SELECT is(:n + :own, 6, 'a statement reads the rows of the tenant');
SELECT count(*) AS n FROM casnet.records WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' \gset
SELECT is(:n, 3, 'with the tenant as a condition');
SELECT count(*) AS n FROM casnet.records WHERE tenant_id = '00000000-0000-7000-8000-0000000000b0' \gset
SELECT is(:n, 0, 'with another tenant');
SELECT count(*) AS n FROM casnet.records WHERE tenant_id = '00000000-0000-7000-8000-0000000000b0' OR title LIKE '%1' \gset
SELECT is(:n, 1, 'with another tenant or something else');
SELECT count(*) AS n FROM casnet.records WHERE tenant_id IN (SELECT id FROM casnet.tenants) \gset
SELECT is(:n, 3, 'with a subquery');
SELECT count(*) AS n FROM casnet.records AS r JOIN casnet.tasks AS t ON t.record_id = r.id \gset
SELECT is(:n >= 0, true, 'a join');
INSERT INTO casnet.records (tenant_id, title) VALUES ('00000000-0000-7000-8000-0000000000a0', 'carried') RETURNING title AS n \gset
SELECT is(:'n'::text, 'carried', 'a row is inserted with its values');
INSERT INTO casnet.tags (tenant_id, name) VALUES ('00000000-0000-7000-8000-0000000000a0', 'carried'), ('00000000-0000-7000-8000-0000000000a0', 'more');
INSERT INTO casnet.tags (tenant_id, name) VALUES ('00000000-0000-7000-8000-0000000000a0', 'carried') ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name || '!' RETURNING name AS n \gset
SELECT is(:'n'::text, 'carried!', 'ON CONFLICT');
UPDATE casnet.records SET content = 'x' WHERE title = 'carried' RETURNING content AS n \gset
SELECT is(:'n'::text, 'x', 'a row is changed');
-- DELETE is for others.
CALL be('olga', 'North');
DELETE FROM casnet.records WHERE title = 'carried' RETURNING title AS n \gset
SELECT is(:'n'::text, 'carried', 'and deleted');
CALL be('mia', 'North');

-- EXECUTE.
PREPARE titles (text) AS SELECT string_agg(title, ',') AS n FROM casnet.records WHERE title LIKE $1;
EXECUTE titles ('%1') \gset
SELECT is(:'n'::text, 'North record 1', 'EXECUTE');
SET LOCAL plan_cache_mode = force_generic_plan;
EXECUTE titles ('%2') \gset
SELECT is(:'n'::text, 'North record 2', 'a generic plan');
SELECT unalike(plan_of('EXECUTE titles (''%1'')', 'VERBOSE, COSTS OFF'), '%' || :'start' || '%', 'EXPLAIN shows no token');
SELECT unalike(plan_of('SELECT title FROM casnet.records', 'VERBOSE, COSTS OFF'), '%IS NOT NULL%', 'nor a test');
RESET plan_cache_mode;
SELECT count(*) AS n FROM casnet.records WHERE :'token'::text IS NOT NULL \gset
SELECT is(:n, 3, 'a test of the client itself changes nothing on a coordinator');
CALL be(NULL);
SELECT is(outcome(format('SELECT count(*) FROM casnet.records WHERE %L::text IS NOT NULL', :'token')), '28000', 'and signs nobody in');

-- On a worker.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet_internal.signing_keys (kid, algorithm, key) VALUES ('casnet-relay', 'EdDSA', :'public');
UPDATE pg_catalog.pg_dist_local_group SET groupid = 1;
ALTER TABLE pg_catalog.pg_dist_partition SET (fillfactor = 90);		-- sends a message
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '28000', 'a worker knows nobody');
-- The result of a statement with a token in the place of the question mark.
CREATE FUNCTION pg_temp.carried(statement text, token text) RETURNS text LANGUAGE sql AS
	$$SELECT public.outcome(replace(statement, '?', format('%L::text', token)))$$;
SAVEPOINT worker;
SELECT pg_temp.carried('SELECT title FROM casnet.records WHERE title LIKE ''%1'' AND ? IS NOT NULL', :'token') AS n \gset
SELECT outcome('SELECT casnet.current_user_id()') AS who, current_setting('casnet.token') AS shown \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, 'North record 1', 'a test names the session');
SELECT is(:'who'::text, :'mia', 'until the end of the transaction');
SELECT is(:'shown'::text, '', 'and nobody reads the token');
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '28000', 'then the worker knows nobody again');
SELECT pg_temp.carried($$INSERT INTO casnet.records (tenant_id, title) VALUES ('00000000-0000-7000-8000-0000000000a0', CASE WHEN ? IS NULL THEN NULL ELSE 'carried' END) RETURNING title$$, :'token') AS n \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, 'carried', 'so does a value');
SELECT pg_temp.carried($$INSERT INTO casnet.records (tenant_id, title) VALUES ('00000000-0000-7000-8000-0000000000b0', CASE WHEN ? IS NULL THEN NULL ELSE 'carried' END) RETURNING title$$, :'token') AS n \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, '42501', 'not for another tenant');
SELECT pg_temp.carried($$UPDATE casnet.records SET content = 'x' WHERE title = 'North record 1' AND ? IS NOT NULL RETURNING content$$, :'token') AS n \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, 'x', 'UPDATE');
SELECT pg_temp.carried('SELECT count(*) FROM casnet.records WHERE tenant_id = ''00000000-0000-7000-8000-0000000000b0'' AND ? IS NOT NULL', :'token') AS n \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, '0', 'the rows of another tenant are not there');
SET LOCAL casnet.tenant_id = '00000000-0000-7000-8000-0000000000b0';
SELECT pg_temp.carried('SELECT count(*) FROM casnet.records WHERE ? IS NOT NULL', :'token') AS n \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, '3', 'the tenant is the one that the token names');
-- Only that form counts, with a good signature.
SELECT pg_temp.carried('SELECT count(*) FROM casnet.records WHERE ? IS NOT NULL', overlay(:'token' PLACING 'AAAA' FROM length(:'token') - 20)) AS n \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, '28000', 'another signature');
SELECT pg_temp.carried('SELECT count(*) FROM casnet.records WHERE ? IS NOT NULL', :'start' || 'e30.AA') AS n \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, '22023', 'no token');
SELECT pg_temp.carried('SELECT count(*) FROM casnet.records WHERE NOT ? IS NULL', :'token') AS n \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, '28000', 'another test');
SELECT pg_temp.carried('SELECT count(*) FROM casnet.records WHERE true OR ? IS NOT NULL', :'token') AS n \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, '28000', 'a test that need not be true');
SELECT pg_temp.carried('SELECT count(*) FROM casnet.records WHERE (? || '''') IS NOT NULL', :'token') AS n \gset
ROLLBACK TO worker;
SELECT is(:'n'::text, '28000', 'a value that is computed');
-- What runs in the statement does not read the token.
SELECT position(:'start' IN current_query()) AS place, length(current_query()) > 400 AS is_long FROM casnet.records WHERE :'token'::text IS NOT NULL LIMIT 1 \gset
ROLLBACK TO worker;
SELECT is(:'is_long'::boolean AND :place = 0, true, 'current_query() has no token');
SELECT * FROM finish();
ROLLBACK;
