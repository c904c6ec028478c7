-- audit_log() returns the entries of the active tenant, newest first, by pages, to users
-- who hold view_analytics there.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('casnet.records');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
INSERT INTO casnet.records (title) SELECT 'n' || n FROM generate_series(1, 25) AS n;
CALL be('otto', 'South');
INSERT INTO casnet.records (title) SELECT 's' || n FROM generate_series(1, 5) AS n;
SELECT is((SELECT array_agg(after->>'title') FROM casnet.audit_log()), '{s5,s4,s3,s2,s1}', 'south');
SELECT is((SELECT DISTINCT concat(username, user_id, role, relation, action, before, row_key->>'tenant_id') FROM casnet.audit_log()), 'otto' || :'otto' || 'tap_appcasnet.recordsINSERT' || :'south', 'who, what and where');
SELECT is((SELECT count(*) FROM casnet.audit_log() WHERE transaction_id = pg_current_xact_id()::text::bigint AND at > now()), 5::bigint, 'when');
CALL be('olga', 'North');
SELECT is((SELECT array_agg(after->>'title') FROM casnet.audit_log(max_rows => 2)), '{n25,n24}', 'north');
SELECT is((SELECT count(*) FROM casnet.audit_log()), 25::bigint, 'nothing of south');
WITH RECURSIVE page AS (
	SELECT 1 AS n, a.at, a.id, a.after->>'title' AS title, row_number() OVER () AS r FROM casnet.audit_log(max_rows => 10) AS a
	UNION ALL
	SELECT p.n + 1, a.at, a.id, a.after->>'title', a.r FROM page AS p,
		LATERAL (SELECT *, row_number() OVER () AS r FROM casnet.audit_log(until => p.at, before_id => p.id, max_rows => 10)) AS a
	 WHERE p.r = 10
) SELECT is((SELECT array_agg(title ORDER BY n, r) FROM page), (SELECT array_agg('n' || n ORDER BY n DESC) FROM generate_series(1, 25) AS n), 'by pages, each entry once');
SELECT at AS middle FROM casnet.audit_log() WHERE after->>'title' = 'n10' \gset
SELECT is((SELECT count(*) FROM casnet.audit_log(since => :'middle')) + (SELECT count(*) FROM casnet.audit_log(until => :'middle')), 25::bigint, 'since is included and until is not');
SELECT ok(bool_and(at >= :'middle'), 'since') FROM casnet.audit_log(since => :'middle');
SELECT ok(bool_and(at < :'middle'), 'until') FROM casnet.audit_log(until => :'middle');

CALL be('adam', 'North');
SELECT lives_ok('SELECT casnet.audit_log()', 'an admin reads it');
CALL be('mia', 'North');
SELECT throws_ok('SELECT casnet.audit_log()', '42501', 'permission "view_analytics" is missing in the active tenant', 'a member does not');
CALL be('olga', 'South');
SELECT throws_ok('SELECT casnet.audit_log()', '42501', 'not a member of the active tenant', 'nor somebody from elsewhere');
CALL be('olga', NULL);
SELECT throws_ok('SELECT casnet.audit_log()', '55000', NULL, 'nor without a tenant');
CALL be(NULL);
SELECT throws_ok('SELECT casnet.audit_log()', '28000', NULL, 'nor anybody who is not signed in');
CALL be('olga', 'North');
SELECT throws_ok(format('SELECT casnet.audit_log(%s)', a), '22023', NULL, a) FROM unnest(ARRAY['max_rows => 0', 'max_rows => -1', 'max_rows => NULL', 'max_rows => 10001', $a$before_id => '00000000-0000-7000-8000-000000000001'$a$]) AS a;

-- The log also has what a deletion sets off in other tables, and it loses the name when the
-- account is deleted.
DELETE FROM casnet.records WHERE title = 'n1';
SELECT is((SELECT username || action FROM casnet.audit_log(max_rows => 1)), 'olgaDELETE', 'a deletion');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.user_tenants WHERE user_id = :'mia';
DELETE FROM casnet.users WHERE id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is((SELECT user_id::text || coalesce(username, ' nobody') FROM casnet.audit_log() WHERE after->>'title' = 'n2'), :'mia' || ' nobody', 'entries outlive the user');
SELECT * FROM finish();
ROLLBACK;
