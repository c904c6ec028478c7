-- The settings accept what the type uuid accepts, and nothing else.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
SELECT is(public.error_of(format('SET LOCAL casnet.tenant_id = %L', v)) = 'none', accepted, v) FROM (VALUES
	('00000000-0000-7000-8000-0000000000aF', true), ('{00000000-0000-7000-8000-0000000000a0}', true),
	('0000000000007000800000000000000a', true), ('0000-0000-0000-7000-8000-0000-0000-00a0', true),
	('00-000000-0000-7000-8000-0000000000a0', false), ('00000000-0000-7000-8000-0000000000a0-', false),
	('{00000000-0000-7000-8000-0000000000a0', false), ('{00000000-0000-7000-8000-0000000000a0)', false),
	('00000000-0000-7000-8000-0000000000a:', false), ('00000000-0000-7000-8000-0000000000a/', false),
	('00000000-0000-7000-8000-0000000000a@', false), ('00000000-0000-7000-8000-0000000000ag', false),
	('00000000-0000-7000-8000-0000000000aG', false)) AS t (v, accepted);
SELECT * FROM finish();
ROLLBACK;
