-- Schema casnet has only what applications and administrators use, and tools that read
-- definitions find no more, whoever uses them.  Whoever adds or removes a name changes this
-- list.
BEGIN;
SELECT plan(22);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT set_eq($$SELECT proname::text FROM pg_proc WHERE pronamespace = 'casnet'::regnamespace$$,
	$$SELECT unnest(string_to_array('accept_invitation accounts add_member add_signing_key adopt_users audit_log can cancel_invitation change_password change_username'
	' confirm_email create_tenant create_user current_tenant_id current_user_id deactivate_user delete_account delete_tenant delete_user'
	' disable_audit distribute doctor doctor_codes email_code enable_audit end_session events_between erase_person exempt export_calendar export_person export_tenant find_user grant_permission guard_schema hash_password history identities'
	' import_calendar import_tenant install invitation invitations invite_member issuers leave_tenant link_identity link_person login maintain_audit members merge_tags move_series'
	' my_tenants password_code persons_of protect purge_audit reactivate_user records_of records_tagged refresh_token remove_issuer remove_member rename_tag'
	' reset_password retire_signing_key revoke_all_tokens revoke_permission revoke_token schema_version search_persons search_query search_records search_snippet'
	' service_token sessions set_issuer set_member_role set_password set_search_language share signing_keys sign_in sign_out sign_up tag_counts tag_record tag_records tags_of tenant_with'
	' undelete undistribute unlink_identity unlink_person unprotect untag_record untag_records use_tenant uuid_v7 whoami', ' '))$$, 'functions');
SELECT set_eq($$SELECT relname::text FROM pg_class WHERE relnamespace = 'casnet'::regnamespace AND relkind NOT IN ('i', 'I', 't', 'c')$$,
	$$SELECT unnest(string_to_array('calendar_events calendar_events_load declared_tables persons persons_load protected_tables record_persons record_persons_load record_tags record_tags_load records records_load'
	' role_permissions roles tags tags_load tasks tasks_load tenants user_tenant_permissions user_tenants users', ' '))$$, 'tables and views');
SELECT is_empty($$SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'casnet'::regnamespace AND (prorettype IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
	OR 'internal'::regtype::oid = ANY (proargtypes) OR coalesce(obj_description(oid, 'pg_proc'), 'internal') ~ '^(internal|trigger)')$$, 'no machinery');
SELECT is_empty($$SELECT typname FROM pg_type WHERE typnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND typtype <> 'c' AND typelem = 0$$, 'no type');
SELECT is_empty($$SELECT a.attrelid::regclass, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
	AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND col_description(a.attrelid, a.attnum) IS NULL$$, 'each column is described');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class AS c WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v')
	AND obj_description(c.oid, 'pg_class') IS NULL$$, 'and each table and view');
SELECT is_empty($$SELECT a.attrelid::regclass, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r' WHERE c.relnamespace = 'casnet'::regnamespace
	AND a.attname = 'id' AND a.attnum <> 1$$, 'the id comes first');
SELECT is_empty($$SELECT k.conname FROM pg_constraint AS k JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
	WHERE k.contype = 'f' AND k.connamespace = 'casnet'::regnamespace AND cardinality(k.conkey) > 1 AND a.attname = 'tenant_id'$$, 'a foreign key names the row first');
SELECT is_empty($$SELECT k.conname FROM pg_constraint AS k WHERE k.contype = 'f' AND k.connamespace = 'casnet'::regnamespace AND cardinality(k.conkey) > 1
	AND k.conkey <> ARRAY(SELECT unnest(k.conkey) ORDER BY 1)$$, 'in the order of its table');
SELECT is_empty($$SELECT k.conname FROM pg_constraint AS k WHERE k.contype = 'f' AND k.connamespace = 'casnet'::regnamespace AND cardinality(k.conkey) > 1
	AND k.confkey <> ARRAY(SELECT unnest(k.confkey) ORDER BY 1)$$, 'and of the other one');

-- The schema is no member, so it and its tables outlive the extension.
SELECT is_empty($$SELECT FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = 'casnet_internal'::regnamespace AND deptype = 'e'$$, 'the schema of internal tables is detached');

-- What reflection finds.
PREPARE found AS SELECT count(DISTINCT table_name) FILTER (WHERE table_schema = 'casnet'), count(*) FILTER (WHERE table_schema = 'casnet_internal') FROM information_schema.columns;
PREPARE keys AS SELECT count(*) FROM information_schema.table_constraints WHERE table_schema = 'casnet_internal';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT results_eq('found', $$VALUES (22::bigint, 0::bigint)$$, 'an application finds its tables');
SELECT results_eq('keys', ARRAY[0::bigint], 'and no key of others');
SELECT is((SELECT count(*) FROM information_schema.role_table_grants WHERE table_schema = 'casnet_internal'), 0::bigint, 'nor a privilege');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is((SELECT count(*) FROM information_schema.columns WHERE table_schema = 'casnet_internal'), 0::bigint, 'an administrator finds none of the internal tables');
SELECT results_eq('keys', ARRAY[0::bigint], 'and no key of theirs');
SELECT is((SELECT user_id FROM casnet.find_user('OLGA')), :'olga'::uuid, 'but looks accounts up');

-- A trusted backend looks up accounts, too, before anybody is signed in.
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_backend;
GRANT casnet_authenticator TO tap_backend;
SET LOCAL SESSION AUTHORIZATION tap_backend;
SELECT casnet.sign_out();
SELECT results_eq($$SELECT username, email, is_active FROM casnet.find_user(' Ines@North.test ')$$, $$VALUES ('ines'::text, 'ines@north.test'::text, false)$$, 'by address, whatever its case');
SELECT throws_ok($$SELECT casnet.find_user('no such')$$, 'P0002', 'there is no such user', 'nobody');
SELECT throws_ok($$SELECT casnet.find_user(NULL)$$, 'P0002', NULL, 'nor by NULL');
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_plain;
GRANT casnet_user TO tap_plain;
SET LOCAL SESSION AUTHORIZATION tap_plain;
SELECT throws_ok($$SELECT casnet.find_user('olga')$$, '42501', NULL, 'an application does not');
SELECT throws_ok('SELECT * FROM casnet_internal.' || t, '42501', NULL, 'nor reads ' || t) FROM unnest(ARRAY['signing_keys']) AS t;
SELECT * FROM finish();
ROLLBACK;
