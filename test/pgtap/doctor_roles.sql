-- casnet.doctor() on what application roles are, can become and own.
BEGIN;
SELECT plan(43);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_boss SUPERUSER;
CREATE ROLE tap_group;

SELECT is(diagnosis('role-superuser'), NULL, 'a superuser who is no application');
ALTER ROLE tap_app SUPERUSER;
SELECT is(diagnosis('role-superuser'), 'error tap_app', 'an application that is one');
SELECT is(after_remedy('role-superuser'), 'silent', 'remedy');
GRANT tap_boss TO tap_app;
SELECT is(diagnosis('role-superuser'), 'error tap_app', 'one that can become one');
SELECT is(after_remedy('role-superuser'), 'silent', 'remedy');
GRANT tap_group TO tap_app;
GRANT tap_boss TO tap_group;
SELECT is(diagnosis('role-superuser'), 'error tap_group', 'by a group');
SELECT is(after_remedy('role-superuser'), 'silent', 'remedy');
SELECT format('GRANT casnet_user TO %I', rolname) FROM pg_roles WHERE oid = 10 \gexec
SELECT is(diagnosis('role-superuser'), (SELECT format('error %I', rolname) FROM pg_roles WHERE oid = 10), 'the first superuser of all');
SELECT is(after_remedy('role-superuser'), 'silent', 'loses the membership, not the attribute');

CREATE ROLE tap_dump BYPASSRLS;
SELECT is(diagnosis('role-bypassrls'), NULL, 'a role for dumps');
GRANT casnet_user TO tap_group;
ALTER ROLE tap_group BYPASSRLS;
SELECT is(diagnosis('role-bypassrls'), 'error tap_group', 'an application with BYPASSRLS');
SELECT is(after_remedy('role-bypassrls'), 'silent', 'remedy');
GRANT tap_dump TO tap_group;
SELECT is(diagnosis('role-bypassrls'), 'error tap_group', 'one that can become it');
SELECT is(after_remedy('role-bypassrls'), 'silent', 'remedy');

ALTER ROLE tap_dump REPLICATION;
SELECT is(diagnosis('role-replication'), NULL, 'a standby''s role');
ALTER ROLE tap_app REPLICATION;
SELECT is(diagnosis('role-replication'), 'error tap_app', 'an application that may copy the cluster');
SELECT is(after_remedy('role-replication'), 'silent', 'remedy');

ALTER ROLE tap_dump CREATEROLE;
SELECT is(diagnosis('role-createrole'), NULL, 'CREATEROLE elsewhere');
ALTER ROLE tap_app CREATEROLE;
SELECT is(diagnosis('role-createrole'), CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'error tap_app' END, 'an application with CREATEROLE, until 15');
SELECT is(after_remedy('role-createrole'), 'silent', 'remedy');

GRANT pg_read_server_files, pg_read_all_data, pg_monitor TO tap_dump;
SELECT is(diagnosis('role-server-access'), NULL, 'predefined roles for others');
GRANT pg_read_all_data, pg_write_server_files, pg_checkpoint TO tap_app;
SELECT is(diagnosis('role-server-access'), 'error tap_app', 'for an application');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'role-server-access'), 2::bigint, 'the harmless one is not told');
SELECT is(after_remedy('role-server-access'), 'silent', 'remedy');

SELECT is(diagnosis('role-statistics'), NULL, 'pg_monitor for others');
GRANT pg_monitor TO tap_app;
SELECT is(diagnosis('role-statistics'), 'warning tap_app', 'for an application');
SELECT is(after_remedy('role-statistics'), 'silent', 'remedy');
GRANT pg_read_all_stats TO tap_app;
SELECT is(diagnosis('role-statistics'), 'warning tap_app', 'pg_read_all_stats');
SELECT is(after_remedy('role-statistics'), 'silent', 'remedy');

SELECT is(diagnosis('role-administers'), 'notice tap_admin', 'not the one that is no application');
SELECT is(after_remedy('role-administers'), 'silent', 'remedy');

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
GRANT SET ON PARAMETER session_replication_role TO tap_app;
GRANT ALTER SYSTEM ON PARAMETER work_mem TO casnet_user;
SELECT is(diagnosis('parameter-granted'), 'error session_replication_role, error work_mem', 'what switches triggers off');
SELECT is(after_remedy('parameter-granted'), 'silent', 'remedy');
SELECT ok(has_parameter_privilege('casnet_authenticator', 'casnet.user_id', 'SET'), 'no remedy takes what has to be');
SELECT * FROM finish();
ROLLBACK;
