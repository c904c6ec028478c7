-- A permission's name has 63 bytes at most.  A longer one never means one that begins alike,
-- even if somebody has dropped the constraint.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions VALUES ('owner', repeat('x', 63));
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT ok(casnet.can(repeat('x', 63)), 'the longest');
SELECT throws_ok($$SELECT casnet.can(repeat('x', 64))$$, '22023', NULL, 'longer by one');
SELECT throws_ok($$SELECT casnet.can(repeat('x', 10000))$$, '22023', NULL, 'and by many');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.role_permissions DROP CONSTRAINT role_permissions_permission_check;
INSERT INTO casnet.role_permissions VALUES ('owner', repeat('y', 64)), ('owner', 'speak_up');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT ok(casnet.can('speak_up'), 'another new one');
SELECT throws_ok($$SELECT casnet.can(repeat('y', 63))$$, '22023', NULL, 'the beginning of a longer one is unknown');
SELECT * FROM finish();
ROLLBACK;
