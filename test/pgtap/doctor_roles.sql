-- casnet.doctor() on the attributes that application roles have or can get.
BEGIN;
SELECT plan(95);
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
SELECT is((SELECT remedy FROM casnet.doctor() WHERE code = 'role-superuser'), (SELECT format('REVOKE casnet_user FROM %I', rolname) FROM pg_roles WHERE oid = 10), 'by its own membership');
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

-- The role that owns the tables and functions of casnet.
SELECT is(diagnosis('owner-powerful'), NULL, 'casnet_owner as it was made');
ALTER ROLE casnet_owner LOGIN;
SELECT is(diagnosis('owner-powerful'), 'error casnet_owner', 'it may log in');
SELECT is(after_remedy('owner-powerful'), 'silent', 'remedy');
GRANT casnet_owner TO tap_group;
SELECT is(diagnosis('owner-powerful'), 'error casnet_owner', 'it has a member');
SELECT is(after_remedy('owner-powerful'), 'silent', 'remedy');
SELECT is(diagnosis('owner-other'), NULL, 'its tables');
ALTER TABLE casnet.records OWNER TO tap_boss;
SELECT is(diagnosis('owner-other'), 'error casnet.records', 'one of another');
SELECT is(after_remedy('owner-other'), 'silent', 'remedy');
ALTER TABLE casnet_internal.audit_entries_default OWNER TO tap_boss;
SELECT is(diagnosis('owner-other'), 'error casnet_internal.audit_entries_default', 'a partition of another');
SELECT is(after_remedy('owner-other'), 'silent', 'remedy');
ALTER FUNCTION casnet.leave_tenant() OWNER TO tap_boss;
SELECT is(diagnosis('owner-other'), 'error casnet.leave_tenant()', 'a function of another');
ALTER FUNCTION casnet.leave_tenant() OWNER TO casnet_owner;
ALTER FUNCTION casnet.tenant_with(text) OWNER TO tap_app;
SELECT is(diagnosis('owner-other'), 'error casnet.tenant_with(text)', 'one that policies call, and that its owner can replace');
SELECT is(after_remedy('owner-other'), 'silent', 'remedy');
SELECT is(diagnosis('load-view-changed'), NULL, 'its views to load tables through');
ALTER VIEW casnet.records_load OWNER TO tap_group;
SELECT is(diagnosis('load-view-changed'), 'error casnet.records_load', 'one of another, who can put triggers on it');
ALTER VIEW casnet.records_load OWNER TO casnet_owner;
CREATE FUNCTION public.takes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE OR REPLACE TRIGGER casnet_load INSTEAD OF INSERT ON casnet.records_load FOR EACH ROW EXECUTE FUNCTION public.takes();
SELECT is(diagnosis('load-view-changed'), 'error casnet.records_load', 'one with a trigger of another');
DROP VIEW casnet.records_load;
SELECT casnet.install() AS installed \gset
SELECT is(diagnosis('load-view-changed'), NULL, 'remedy');
SELECT is(diagnosis('owner-schema'), NULL, 'its schemas');
ALTER SCHEMA casnet OWNER TO tap_group;
ALTER SCHEMA casnet_internal OWNER TO casnet_owner;
SELECT is(diagnosis('owner-schema'), 'error casnet, error casnet_internal', 'of others');
SELECT is(after_remedy('owner-schema'), 'silent', 'remedy');
SELECT is((SELECT count(*) FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner
		   WHERE n.nspname IN ('casnet', 'casnet_internal') AND r.rolsuper), 2::bigint, 'they belong to a superuser');
-- Each of its powers alone.
SELECT format('ALTER ROLE casnet_owner %s', a), format('SELECT is(diagnosis(''owner-powerful''), ''error casnet_owner'', %L)', a), format('SELECT matches((SELECT string_agg(remedy, ''; '') FROM casnet.doctor() WHERE code = ''owner-powerful''), %L)', 'ALTER ROLE casnet_owner NO' || a),
	'SELECT is(after_remedy(''owner-powerful''), ''silent'', ''remedy'')'
  FROM unnest('{LOGIN,CREATEROLE,CREATEDB,REPLICATION,SUPERUSER}'::text[]) AS a
\gexec
SELECT is(diagnosis('role-powerful'), NULL, 'the others as they were made');
SELECT format('ALTER ROLE %s %s', r, a), format('SELECT is(diagnosis(''role-powerful''), %L, %L)', 'error ' || r, a),
	'SELECT is(after_remedy(''role-powerful''), ''silent'', ''remedy'')'
  FROM unnest('{casnet_user,casnet_authenticator,casnet_admin}'::text[]) AS r, unnest('{LOGIN,CREATEROLE,CREATEDB,REPLICATION,BYPASSRLS,SUPERUSER}'::text[]) AS a
\gexec
GRANT tap_group TO casnet_owner;
SELECT is(diagnosis('owner-powerful'), 'error casnet_owner', 'it is a member of another');
SELECT * FROM finish();
ROLLBACK;
