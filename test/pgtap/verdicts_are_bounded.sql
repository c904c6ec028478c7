-- A session keeps a limited number of verdicts.  When it forgets them, the verdict on the
-- session itself is made again.
BEGIN;
SELECT plan(3);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CALL be('olga', 'North');
SELECT results_eq($$SELECT casnet.can('view_records'),
	(SELECT count(casnet_internal.user_can_in(('00000000-0000-7000-8000-' || to_char(n, 'FM000000000000'))::uuid, '00000000-0000-7000-8000-0000000000a0', 'view_records')) FROM generate_series(1, 1500) AS n),
	casnet.can('edit_records')$$, $$VALUES (true, 1500::bigint, true)$$, 'an owner remains one');
SELECT is((SELECT count(casnet_internal.user_can_in(('00000000-0000-7000-8000-' || to_char(n, 'FM000000000000'))::uuid, :'north', 'view_records')) FROM generate_series(1, 6000) AS n), 6000::bigint, 'many users');
SELECT cmp_ok((SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'casnet verdicts'), '<', 500000::numeric, 'take a bounded room');
SELECT * FROM finish();
ROLLBACK;
