-- casnet.doctor() on privileges that policies do not limit, and on secrets.
BEGIN;
SELECT plan(33);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_owner;

GRANT TRUNCATE, REFERENCES, TRIGGER ON casnet.records TO tap_owner;
GRANT SELECT ON casnet.records TO tap_app;
SELECT is(diagnosis('grant-unpoliced'), NULL, 'for a role that is no application');
GRANT TRUNCATE, REFERENCES, TRIGGER ON casnet.records TO tap_app;
GRANT REFERENCES (id) ON casnet.tags TO PUBLIC;
SELECT is(diagnosis('grant-unpoliced'), 'error casnet.records, error casnet.tags', 'for an application, and for PUBLIC by column');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'grant-unpoliced'), 4::bigint, 'one finding a privilege');
SELECT is(diagnosis('grant-public'), NULL, 'which is reported once');
SELECT is(after_remedy('grant-unpoliced'), 'silent', 'remedy');
SELECT ok(has_table_privilege('tap_app', 'casnet.records', 'SELECT'), 'the rest stays');

SELECT is(diagnosis('grant-maintain'), NULL, 'MAINTAIN');
SELECT current_setting('server_version_num')::int >= 170000 AS has_maintain \gset
\if :has_maintain
GRANT MAINTAIN ON casnet.records TO tap_app;
SELECT is(diagnosis('grant-maintain'), 'notice casnet.records', 'is reported');
SELECT is(after_reading('grant-maintain'), 'silent', 'remedy');
\else
SELECT skip('no MAINTAIN before 17', 2);
\endif

GRANT SELECT ON casnet.persons TO tap_owner;
SELECT is(diagnosis('grant-public'), NULL, 'for a role');
GRANT SELECT, INSERT (name) ON casnet.persons TO PUBLIC;
GRANT SELECT ON casnet.tenants TO PUBLIC;
SELECT is(diagnosis('grant-public'), 'warning casnet.persons, warning casnet.tenants', 'for every role');
SELECT is(after_remedy('grant-public'), 'silent', 'remedy');

GRANT SELECT ON casnet_internal.signing_keys TO tap_owner;
SELECT is(diagnosis('grant-secret'), NULL, 'keys for a role that dumps');
GRANT SELECT (kid) ON casnet_internal.signing_keys TO tap_app;
GRANT INSERT ON casnet_internal.invitations TO casnet_user;
GRANT TRUNCATE ON casnet_internal.token_cutoffs TO casnet_user;
SELECT is(diagnosis('grant-secret'), 'error casnet_internal.invitations, error casnet_internal.signing_keys', 'for an application');
SELECT is(after_remedy('grant-secret'), 'silent', 'remedy');
GRANT SELECT ON casnet_internal.signing_keys TO PUBLIC;
SELECT is(diagnosis('grant-secret') || coalesce(diagnosis('grant-public'), ''), 'error casnet_internal.signing_keys', 'for PUBLIC, reported once');
SELECT is(after_remedy('grant-secret'), 'silent', 'remedy');

GRANT SELECT (username), UPDATE (full_name) ON casnet.users TO tap_app;
SELECT is(diagnosis('grant-account'), NULL, 'columns without a secret');
GRANT SELECT ON casnet.users TO casnet_user, casnet_admin;
SELECT is(diagnosis('grant-account'), NULL, 'nor has any other, whole');
GRANT UPDATE ON casnet.users TO casnet_user, casnet_admin;
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'grant-account'), 1::bigint, 'changing all of it, but for administrators');
SELECT is(after_remedy('grant-account'), 'silent', 'remedy');
SELECT ok(has_column_privilege('casnet_user', 'casnet.users', 'full_name', 'UPDATE') AND NOT has_column_privilege('casnet_user', 'casnet.users', 'is_active', 'UPDATE'), 'the name stays');
GRANT UPDATE ON casnet.users TO PUBLIC;
SELECT is(diagnosis('grant-account') || coalesce(diagnosis('grant-public'), ''), 'error casnet.users', 'for PUBLIC, reported once');
SELECT is((SELECT remedy FROM casnet.doctor() WHERE code = 'grant-account'), 'REVOKE UPDATE ON casnet.users FROM PUBLIC', 'which gets nothing back');
SELECT is(after_remedy('grant-account'), 'silent', 'remedy');
GRANT SELECT (hashed_password), UPDATE (is_superuser) ON casnet.users TO tap_app;
SELECT is(diagnosis('grant-account'), 'error casnet.users', 'by column');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'grant-account'), 1::bigint, 'becoming a superuser, not reading marks');
SELECT is(after_remedy('grant-account'), 'silent', 'remedy');

GRANT USAGE ON SCHEMA casnet, casnet_internal TO PUBLIC;
SELECT is(diagnosis('grant-schema'), NULL, 'USAGE');
GRANT CREATE ON SCHEMA casnet, casnet_internal TO tap_owner;
SELECT is(diagnosis('grant-schema'), 'error casnet, error casnet_internal', 'CREATE, for whomever');
SELECT is(after_remedy('grant-schema'), 'silent', 'remedy');

-- Privileges that a role has because it owns the table are reported as that.
REVOKE TRUNCATE ON casnet_internal.token_cutoffs FROM casnet_user;
ALTER TABLE casnet.persons OWNER TO tap_app;
SELECT is(diagnosis('grant-unpoliced'), NULL, 'for the owner');
SELECT is(diagnosis('role-owns-table'), 'error casnet.persons', 'who is reported');
SELECT * FROM finish();
ROLLBACK;
