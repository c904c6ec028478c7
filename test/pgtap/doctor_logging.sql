-- casnet.doctor() on settings that put secrets into the log.  test/t/doctor.pl pastes the
-- remedies that need ALTER SYSTEM.
BEGIN;
SELECT plan(23);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_dump;

SET LOCAL log_statement = 'mod';
SET LOCAL log_parameter_max_length = 0;
-- Logging of only a part of the transactions, too.
SET LOCAL log_parameter_max_length = 1024;
SET LOCAL log_statement = 'none';
SET LOCAL log_transaction_sample_rate = 0.001;
SELECT is(diagnosis('log-parameters'), 'warning log_transaction_sample_rate', 'values of some transactions');
SET LOCAL log_transaction_sample_rate = 0;
SELECT is(diagnosis('log-parameters'), NULL, 'of none');
SET LOCAL log_min_duration_sample = 0;
SELECT is(diagnosis('log-parameters'), 'warning log_min_duration_sample', 'of some statements');
RESET log_min_duration_sample;
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
-- However it was written, for each kind of parse tree.
SELECT format('CREATE ROLE tap_trees_%s', n), format('GRANT casnet_user TO tap_trees_%s', n), format('ALTER ROLE tap_trees_%s SET %s = %L', n, s, v)
  FROM unnest('{on,true,yes,1,t,y,TRUE,ON,off,false,no,0,f,n}'::text[]) WITH ORDINALITY AS v (v, n), LATERAL (SELECT (ARRAY['debug_print_parse', 'debug_print_rewritten', 'debug_print_plan'])[n % 3 + 1] AS s) AS s
\gexec
SELECT is(diagnosis('log-trees'), (SELECT string_agg('warning ROLE tap_trees_' || n, ', ' ORDER BY n::text COLLATE "C") FROM generate_series(1, 8) AS n), 'each spelling');
SELECT is(after_remedy('log-trees'), 'silent', 'remedy');
SELECT * FROM finish();
ROLLBACK;
