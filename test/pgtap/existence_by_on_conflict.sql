-- INSERT ... ON CONFLICT neither skips, changes nor shows a row of another
-- tenant.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql

CALL be('olga', 'North');
SELECT is(rows_of($$INSERT INTO casnet.records (id, title) VALUES ('00000000-0000-7000-8000-0000000001b0', 'x') ON CONFLICT DO NOTHING$$), 1::bigint, 'an id of South is no conflict');
SELECT is(rows_of($$INSERT INTO casnet.tags (name) VALUES ('South tag') ON CONFLICT (tenant_id, name) DO NOTHING$$), 1::bigint, 'nor is a name');
SELECT is(error_of($$INSERT INTO casnet.records (tenant_id, id, title) VALUES ('00000000-0000-7000-8000-0000000000b0', '00000000-0000-7000-8000-0000000001b0', 'x') ON CONFLICT DO NOTHING$$),
	error_of($$INSERT INTO casnet.records (tenant_id, id, title) VALUES ('00000000-0000-7000-8000-0000000000b0', '00000000-0000-7000-8000-0000000001ee', 'x') ON CONFLICT DO NOTHING$$), 'with the tenant of South: refused, whether there is one');
SELECT throws_ok($$INSERT INTO casnet.records (tenant_id, id, title) VALUES ('00000000-0000-7000-8000-0000000000b0', '00000000-0000-7000-8000-0000000001b0', 'x')
	ON CONFLICT (tenant_id, id) DO UPDATE SET title = 'Hacked'$$, '42501', NULL, 'DO UPDATE is refused');
SELECT throws_ok($$INSERT INTO casnet.tags (name) VALUES ('North tag') ON CONFLICT (tenant_id, name) DO UPDATE SET tenant_id = '00000000-0000-7000-8000-0000000000b0'$$, '42501', NULL, 'and does not move a row');
SELECT throws_ok($$INSERT INTO casnet.tenants (name) VALUES ('South') ON CONFLICT DO NOTHING$$, '42501', NULL, 'tenants are not written');
SELECT throws_ok($$INSERT INTO casnet.users (username, email) VALUES ('otto', 'x') ON CONFLICT DO NOTHING$$, '42501', NULL, 'nor users');
-- A viewer cannot use it, either.
CALL be('vic', 'North');
SELECT is(error_of($$INSERT INTO casnet.tags (name) VALUES ('North tag') ON CONFLICT DO NOTHING$$), error_of($$INSERT INTO casnet.tags (name) VALUES ('x') ON CONFLICT DO NOTHING$$), 'a user who may not insert learns nothing');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.records WHERE tenant_id = :'south' AND title LIKE 'South%'), 3::bigint, 'South is as it was');
SELECT * FROM finish();
ROLLBACK;
