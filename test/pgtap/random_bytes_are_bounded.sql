-- Random bytes come by the thousand at most, and for members never.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT throws_ok('SELECT casnet.random_bytes(16)', '42501', NULL, 'not for applications');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SELECT casnet.random_bytes(%s)', n), '22023', 'the number of random bytes is out of range', n || ' bytes') FROM unnest(ARRAY[0, 1025, -2147483648]) AS n;
SELECT results_eq('SELECT length(casnet.random_bytes(n)) FROM unnest(ARRAY[1, 1024]) AS n', ARRAY[1, 1024], 'the least and the most');
SELECT isnt(casnet.random_bytes(16), casnet.random_bytes(16), 'each time others');
SELECT * FROM finish();
ROLLBACK;
