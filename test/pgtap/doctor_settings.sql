-- casnet.doctor() on settings of roles and of the database.  test/t/doctor.pl pastes the
-- remedies that need ALTER SYSTEM.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_dump;
SELECT current_database() AS db, 'DATABASE ' || quote_ident(current_database()) AS whose \gset

ALTER ROLE tap_dump SET row_security = off;
ALTER ROLE tap_app SET row_security = on;
ALTER ROLE tap_app SET enable_seqscan = off;
INSERT INTO pg_db_role_setting SELECT oid, 0, '{row_security=off}' FROM pg_database WHERE datname = 'template1';
SELECT is(diagnosis('setting-row-security'), NULL, 'of a role that dumps, of another database');
ALTER ROLE tap_app IN DATABASE :"db" SET row_security = off;
ALTER DATABASE :"db" SET row_security = off;
SELECT is(diagnosis('setting-row-security'), 'warning ' || :'whose' || ', warning ROLE tap_app IN ' || :'whose', 'of an application and the database');
SELECT is(after_remedy('setting-row-security'), 'silent', 'remedy');

ALTER ROLE tap_dump SET session_replication_role = replica;
ALTER ROLE tap_app SET session_replication_role = origin;
SELECT is(diagnosis('setting-replication-role'), NULL, 'triggers on');
ALTER ROLE tap_app SET session_replication_role = replica;
SELECT is(diagnosis('setting-replication-role'), 'error ROLE tap_app', 'off');
SELECT is(after_remedy('setting-replication-role'), 'silent', 'remedy');
SET LOCAL session_replication_role = replica;
SELECT is(diagnosis('setting-replication-role'), NULL, 'for a while in this session');
SET LOCAL session_replication_role = origin;

ALTER ROLE tap_app SET casnet.tenant_id = :'north';
SELECT is(diagnosis('setting-token'), NULL, 'no token');
SELECT casnet_internal.issue_token(:'mia', NULL, '1 hour') AS token \gset
ALTER ROLE tap_dump SET casnet.token = :'token';
SELECT is(diagnosis('setting-token'), 'error ROLE tap_dump', 'of whatever role');
SELECT is(after_remedy('setting-token'), 'silent', 'remedy');

ALTER ROLE tap_app SET casnet.user_id = :'mia';
ALTER DATABASE :"db" SET enable_seqscan = off;
SELECT is(diagnosis('setting-identity'), NULL, 'of a role of its own, or another setting');
ALTER DATABASE :"db" SET casnet.user_id = :'mia';
SELECT is(diagnosis('setting-identity'), 'warning ' || :'whose', 'of everybody');
SELECT is(after_remedy('setting-identity'), 'silent', 'remedy');

SELECT is(diagnosis('preload-shared'), CASE WHEN current_setting('shared_preload_libraries') !~ 'casnet' THEN 'notice shared_preload_libraries' END, 'the server preloads casnet, or not');
ALTER ROLE tap_app SET session_preload_libraries = 'casnet';
SELECT is(diagnosis('preload-session'), CASE WHEN diagnosis('preload-shared') IS NOT NULL THEN 'notice session_preload_libraries' END, 'nothing is preloaded for every session');
SELECT is(after_remedy('preload-session'), 'silent', 'remedy');
SELECT * FROM finish();
ROLLBACK;
