-- casnet.doctor() on predefined roles, owners and parameters.
BEGIN;
SELECT plan(34);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_dump;

GRANT pg_read_server_files, pg_read_all_data, pg_monitor TO tap_dump;
SELECT is(diagnosis('role-server-access'), NULL, 'predefined roles for others');
GRANT pg_read_all_data, pg_write_server_files, pg_checkpoint TO tap_app;
SELECT is(diagnosis('role-server-access'), 'error tap_app', 'for an application');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'role-server-access'), 2::bigint, 'the harmless one is not reported');
SELECT is(after_remedy('role-server-access'), 'silent', 'remedy');

-- Each role alone.
SELECT format('CREATE ROLE tap_%s', n), format('GRANT casnet_user, %s TO tap_%s', r, n) FROM unnest('{pg_read_server_files,pg_write_server_files,pg_execute_server_program,pg_read_all_data,pg_write_all_data}'::text[]) WITH ORDINALITY AS v (r, n)
\gexec
SELECT is(diagnosis('role-server-access'), 'error tap_1, error tap_2, error tap_3, error tap_4, error tap_5', 'each role that bypasses the policies');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'role-server-access'), 5::bigint, 'is reported once');
SELECT is(after_remedy('role-server-access'), 'silent', 'remedy');
SELECT is(diagnosis('role-statistics'), NULL, 'pg_monitor for others');
GRANT pg_monitor TO tap_app;
SELECT is(diagnosis('role-statistics'), 'warning tap_app', 'for an application');
SELECT is(after_remedy('role-statistics'), 'silent', 'remedy');
GRANT pg_read_all_stats TO tap_app;
SELECT is(diagnosis('role-statistics'), 'warning tap_app', 'pg_read_all_stats');
SELECT is(after_remedy('role-statistics'), 'silent', 'remedy');

SELECT is(diagnosis('role-administers'), 'notice tap_admin', 'not the one that is no application');
SELECT is(after_reading('role-administers'), 'silent', 'remedy');

CREATE ROLE tap_owner;
ALTER TABLE casnet.tags OWNER TO tap_owner;
SELECT is(diagnosis('role-owns-table'), NULL, 'an owner who is no application');
GRANT tap_owner TO tap_app;
SELECT is(diagnosis('role-owns-table'), 'error casnet.tags', 'one that an application can become');
SELECT is(after_remedy('role-owns-table'), 'silent', 'remedy');
ALTER TABLE casnet.tags OWNER TO tap_app;
SELECT is(diagnosis('role-owns-table'), 'error casnet.tags', 'an application');
SELECT is(after_remedy('role-owns-table'), 'silent', 'remedy');

GRANT SET ON PARAMETER casnet.user_id TO tap_owner;
SELECT is(diagnosis('identity-settable'), NULL, 'a backend of its own may set the user');
GRANT SET ON PARAMETER casnet.user_id TO casnet_user, PUBLIC;
SELECT is(diagnosis('identity-settable'), 'error casnet.user_id', 'every application may');
SELECT is(after_remedy('identity-settable'), 'silent', 'remedy');

GRANT SET ON PARAMETER session_replication_role TO tap_owner;
GRANT SET ON PARAMETER work_mem TO tap_app;
SELECT is(diagnosis('parameter-granted'), NULL, 'what does no harm');
GRANT SET ON PARAMETER session_replication_role, casnet.bypass, dynamic_library_path TO tap_app;
GRANT ALTER SYSTEM ON PARAMETER work_mem TO casnet_user;
SELECT is(diagnosis('parameter-granted'), 'error casnet.bypass, error dynamic_library_path, error session_replication_role, error work_mem', 'what switches protection off');
SELECT is(after_remedy('parameter-granted'), 'silent', 'remedy');
SELECT ok(has_parameter_privilege('casnet_authenticator', 'casnet.user_id', 'SET'), 'no remedy takes what has to be');
-- ALTER SYSTEM on the parameter could give every session an identity.
GRANT ALTER SYSTEM ON PARAMETER casnet.user_id TO casnet_authenticator;
SELECT is(diagnosis('identity-settable'), 'error casnet.user_id', 'who may name a user may not do it for all');
SELECT is(after_remedy('identity-settable'), 'silent', 'remedy');
SELECT ok(has_parameter_privilege('casnet_authenticator', 'casnet.user_id', 'SET'), 'and still may name one');
GRANT SET ON PARAMETER casnet.user_id TO casnet_user;
SELECT is(diagnosis('identity-settable'), 'error casnet.user_id', 'nor any application');
REVOKE SET ON PARAMETER casnet.user_id FROM casnet_user;
-- A privilege of PUBLIC is a privilege of applications.
GRANT SET ON PARAMETER casnet.user_id TO PUBLIC;
SELECT is(diagnosis('identity-settable'), 'error casnet.user_id', 'nor everybody');
SELECT is(after_remedy('identity-settable'), 'silent', 'remedy');
GRANT SET ON PARAMETER session_replication_role TO PUBLIC;
GRANT ALTER SYSTEM ON PARAMETER work_mem TO PUBLIC;
SELECT is(diagnosis('parameter-granted'), 'error session_replication_role, error work_mem', 'everybody switches triggers off');
SELECT is(after_remedy('parameter-granted'), 'silent', 'remedy');
SELECT * FROM finish();
ROLLBACK;
