-- Whoever searches cannot have GIN indexes leave rows out, which would follow how many rows
-- of all tenants have a word: not by any way to set that, nor while a statement runs.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
CALL be('mia', 'North');
SELECT throws_ok('SET gin_fuzzy_search_limit = 1', '55000', 'gin_fuzzy_search_limit stays 0 where casnet is', 'SET');
SELECT throws_ok('SET LOCAL gin_fuzzy_search_limit = 1', '55000', NULL, 'SET LOCAL');
SELECT throws_ok('SET SESSION gin_fuzzy_search_limit = 5000', '55000', NULL, 'SET SESSION');
SELECT throws_ok($$SELECT set_config('gin_fuzzy_search_limit', '1', true)$$, '55000', NULL, 'set_config()');
SELECT throws_ok($$UPDATE pg_settings SET setting = '1' WHERE name = 'gin_fuzzy_search_limit'$$, '55000', NULL, 'UPDATE of pg_settings');
SELECT throws_ok('CREATE FUNCTION public.f() RETURNS void LANGUAGE sql SET gin_fuzzy_search_limit = 1 AS $$SELECT$$', '55000', NULL, 'a function with the setting');
SELECT throws_ok('ALTER ROLE CURRENT_USER SET gin_fuzzy_search_limit = 1', '55000', NULL, 'a setting of the role');
SELECT throws_ok($$SELECT count(*) FROM casnet.records WHERE set_config('gin_fuzzy_search_limit', '1', false) IS NULL AND search_vector OPERATOR(casnet.@~) 'x'$$, '55000', NULL, 'while a statement runs');
SELECT lives_ok('SET gin_fuzzy_search_limit = 0', 'what it is may be set');
SELECT is(current_setting('gin_fuzzy_search_limit'), '0', 'and it is that');
SELECT * FROM finish();
ROLLBACK;
