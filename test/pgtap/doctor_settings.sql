-- casnet.doctor() on settings of the session, of roles and of the database.
-- What takes ALTER SYSTEM is pasted in test/t/017_doctor.pl.
BEGIN;
SELECT plan(33);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_dump;
SELECT current_database() AS db, 'DATABASE ' || quote_ident(current_database()) AS whose \gset

ALTER ROLE tap_dump SET row_security = off;
ALTER ROLE tap_app SET row_security = on;
SELECT is(diagnosis('setting-row-security'), NULL, 'of a role that dumps');
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
SELECT casnet.issue_token(:'mia', NULL, '1 hour') AS token \gset
ALTER ROLE tap_dump SET casnet.token = :'token';
SELECT is(diagnosis('setting-token'), 'error ROLE tap_dump', 'of whatever role');
SELECT is(after_remedy('setting-token'), 'silent', 'remedy');

ALTER ROLE tap_app SET casnet.user_id = :'mia';
SELECT is(diagnosis('setting-identity'), NULL, 'of a role of its own');
ALTER DATABASE :"db" SET casnet.user_id = :'mia';
SELECT is(diagnosis('setting-identity'), 'warning ' || :'whose', 'of everybody');
SELECT is(after_remedy('setting-identity'), 'silent', 'remedy');

SET LOCAL log_statement = 'mod';
SET LOCAL log_parameter_max_length = 0;
SELECT is(diagnosis('log-statement'), NULL, 'no SET or SELECT is logged');
SELECT is(diagnosis('log-parameters'), NULL, 'no value is');
SET LOCAL log_statement = 'all';
SELECT is(diagnosis('log-statement'), 'warning log_statement', 'all are');
SET LOCAL log_parameter_max_length = -1;
SELECT is(diagnosis('log-parameters'), 'warning log_statement', 'with values');
SET LOCAL log_statement = 'none';
SET LOCAL log_min_duration_statement = 1000;
SELECT is(diagnosis('log-parameters'), 'warning log_min_duration_statement', 'of slow statements');
SET LOCAL log_min_duration_statement = -1;
SELECT is(diagnosis('log-parameters'), NULL, 'of none');
ALTER ROLE tap_app SET log_statement = 'all';
SELECT is(diagnosis('log-statement'), 'warning ROLE tap_app', 'of an application');
SELECT is(after_remedy('log-statement'), 'silent', 'remedy');
ALTER ROLE tap_dump SET log_min_duration_statement = 0;
ALTER ROLE tap_admin SET log_min_duration_statement = '10s';
ALTER ROLE tap_admin SET log_parameter_max_length = '0';
SELECT is(diagnosis('log-parameters'), NULL, 'without values, or of another role');
ALTER ROLE tap_app SET log_min_duration_statement = '10s';
SELECT is(diagnosis('log-parameters'), 'warning ROLE tap_app', 'with values, of an application');
SELECT is(after_remedy('log-parameters'), 'silent', 'remedy');

SELECT is(diagnosis('log-parameters-on-error'), NULL, 'nothing of what fails');
SET LOCAL log_parameter_max_length_on_error = 100;
SELECT is(diagnosis('log-parameters-on-error'), 'warning log_parameter_max_length_on_error', 'values of what fails');
SET LOCAL log_parameter_max_length_on_error = 0;
ALTER ROLE tap_app SET log_parameter_max_length_on_error = 100;
SELECT is(after_remedy('log-parameters-on-error'), 'silent', 'remedy');

SET LOCAL debug_pretty_print = on;
SELECT is(diagnosis('log-trees'), NULL, 'no trees');
SET LOCAL debug_print_plan = on;
SELECT is(diagnosis('log-trees'), 'warning debug_print_plan', 'trees');
SET LOCAL debug_print_plan = off;
ALTER ROLE tap_app SET debug_print_parse = on;
SELECT is(diagnosis('log-trees'), 'warning ROLE tap_app', 'of an application');
SELECT is(after_remedy('log-trees'), 'silent', 'remedy');

SELECT is(diagnosis('preload-session'), CASE WHEN diagnosis('preload-shared') IS NOT NULL THEN 'notice session_preload_libraries' END, 'nothing is preloaded for every session');
SELECT is(after_remedy('preload-session'), 'silent', 'remedy');
SELECT * FROM finish();
ROLLBACK;
