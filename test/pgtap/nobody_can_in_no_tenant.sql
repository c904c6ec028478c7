-- What a session can do in a tenant that is not active: without a user nothing, and without
-- a tenant nothing.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CALL be('olga');
SELECT ok(casnet_internal.can_in(:'north', 'view_records'), 'an owner');
SELECT ok(NOT casnet_internal.can_in(:'south', 'view_records'), 'elsewhere');
SELECT ok(NOT casnet_internal.can_in(NULL, 'view_records'), 'in no tenant');
CALL be('');
SELECT ok(NOT casnet_internal.can_in(:'north', 'view_records'), 'nobody');
SELECT throws_ok($$SELECT casnet_internal.can_in(NULL, NULL)$$, '22023', NULL, 'no permission');
SELECT * FROM finish();
ROLLBACK;
