-- A custom permission exists once a role has it; unknown ones are refused.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql

CALL be('olga', 'North');
SELECT throws_ok($$SELECT casnet.can('approve_invoices')$$, '22023', 'unknown permission "approve_invoices"', 'before');
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions VALUES ('owner', 'approve_invoices'), ('admin', 'approve_invoices');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT ok(casnet.can('approve_invoices'), 'the owner holds it');
SELECT is(casnet.tenant_with('approve_invoices'), :'north'::uuid, 'and policies can ask for it');
SELECT ok('approve_invoices' = ANY (permissions), 'and it is listed') FROM casnet.whoami();
SELECT ok(casnet.grant_permission('vic', 'approve_invoices'), 'it can be granted');
CALL be('vic', 'North');
SELECT ok(casnet.can('approve_invoices'), 'in person');
CALL be('mia', 'North');
SELECT ok(NOT casnet.can('approve_invoices'), 'others do not hold it');
SELECT throws_ok($$SELECT casnet.tenant_with('approve_invoices')$$, '42501', 'permission "approve_invoices" is missing in the active tenant', 'and are refused');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok($$INSERT INTO casnet.role_permissions VALUES ('owner', ' ')$$, '23514', NULL, 'a blank one is none');
SELECT throws_ok($$INSERT INTO casnet.role_permissions VALUES ('owner', repeat('x', 64))$$, '23514', NULL, 'nor one too long');
SELECT throws_ok($$INSERT INTO casnet.role_permissions VALUES ('king', 'view_tags')$$, '23503', NULL, 'nor one of an unknown role');
SELECT * FROM finish();
ROLLBACK;
