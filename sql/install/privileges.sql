-- Who may call what.  Trigger functions need no EXECUTE to fire.

DO $$
DECLARE
	installed record;
BEGIN
	FOR installed IN
		SELECT d.objid::regprocedure AS name
		  FROM pg_catalog.pg_depend AS d
		  JOIN pg_catalog.pg_extension AS e
			ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
		 WHERE e.extname = 'casnet' AND d.deptype = 'e'
		   AND d.classid = 'pg_catalog.pg_proc'::regclass
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', installed.name);
	END LOOP;
END
$$;

-- A partition gets the triggers of its table, so whoever adds it needs EXECUTE on their
-- functions.  These change nothing but the row that is written.
GRANT EXECUTE ON FUNCTION casnet_internal.touch_updated_at(),
	casnet_internal.fill_tenant(), casnet_internal.keep_tenant() TO PUBLIC;

GRANT EXECUTE ON FUNCTION
	casnet.uuid_v7(),
	casnet.current_user_id(),
	casnet.current_tenant_id(),
	casnet.tenant_with(text),
	casnet.can(text),
	casnet_internal.require_user(),
	casnet_internal.my_tenant_ids(),
	casnet_internal.visible_user_ids(),
	casnet_internal.is_administrator(),
	casnet_internal.tenant_to_manage(text),
	casnet.whoami(),
	casnet.my_tenants(),
	casnet.use_tenant(text, boolean),
	casnet.use_tenant(uuid, boolean),
	casnet.sign_out(),
	casnet.schema_version(),
	casnet.create_tenant(text, text, uuid),
	casnet.delete_tenant(uuid),
	casnet.add_member(text, text),
	casnet.set_member_role(text, text),
	casnet_internal.find_member(text, uuid),
	casnet_internal.name_form(text),
	casnet_internal.account_name_form(text),
	casnet.remove_member(text),
	casnet.members(),
	casnet.grant_permission(text, text),
	casnet.revoke_permission(text, text),
	casnet.hash_password(text),
	casnet.sign_in(text, boolean),
	casnet.create_user(text, text, text, text, boolean),
	casnet_internal.free_membership(uuid, uuid, boolean),
	casnet_internal.free_account(uuid),
	casnet_internal.set_active(uuid, boolean),
	casnet.deactivate_user(uuid),
	casnet.reactivate_user(uuid),
	casnet.set_password(uuid, text),
	casnet.revoke_all_tokens(uuid)
	TO casnet_user, casnet_admin;

-- For whoever searches, and for the indexes of whoever writes.
GRANT EXECUTE ON FUNCTION
	casnet_internal.gin_extract_uuid(uuid, internal),
	casnet_internal.gin_extract_uuid(uuid, internal, int2, internal, internal),
	casnet_internal.gin_uuid_consistent(internal, int2, uuid, int4, internal, internal),
	casnet_internal.gin_extract_search_query(tsvector, internal, int2, internal,
									internal, internal, internal),
	casnet_internal.gin_extract_substring(text, internal, int2, internal, internal,
								 internal, internal),
	casnet.search_query(text),
	casnet_internal.search_match(tsvector, tsquery),
	casnet_internal.search_match(tsvector, text),
	casnet_internal.contains(text, text),
	casnet_internal.search_limit(integer),
	casnet_internal.search_part(text),
	casnet.search_records(text, integer),
	casnet_internal.tag_names(text[]),
	casnet_internal.tag_id(text),
	casnet_internal.tag_ids(text[]),
	casnet.records_tagged(text[], text[], text[]),
	casnet_internal.require_records(uuid[]),
	casnet.tag_records(uuid[], text[]),
	casnet.tag_record(uuid, text[]),
	casnet.untag_record(uuid, text[]),
	casnet.untag_records(uuid[], text[]),
	casnet.tags_of(uuid),
	casnet.tag_counts(),
	casnet_internal.require_tag(text),
	casnet.merge_tags(text, text),
	casnet.rename_tag(text, text),
	casnet.search_persons(text, integer)
	TO casnet_user;

GRANT EXECUTE ON FUNCTION
	casnet.adopt_users(regclass),
	casnet_internal.name_form(text),
	casnet.add_signing_key(text, jsonb, text, text),
	casnet.retire_signing_key(text),
	casnet.doctor(),
	casnet.doctor_codes(),
	casnet_internal.application_roles(),
	casnet_internal.application_powers(),
	casnet_internal.watched_tables(),
	casnet_internal.unlimited_readers(),
	casnet_internal.grantees(),
	casnet_internal.managed_tables(),
	casnet_internal.wanted_tables(),
	casnet_internal.wanted_columns(),
	casnet_internal.wanted_account_columns(),
	casnet_internal.wanted_case_columns(),
	casnet_internal.wanted_internal_columns(),
	casnet_internal.wanted_keys(),
	casnet_internal.wanted_values(),
	casnet_internal.wanted_checks(),
	casnet_internal.wanted_indexes(),
	casnet_internal.wanted_policies(),
	casnet_internal.wanted_general_triggers(),
	casnet_internal.wanted_triggers(),
	casnet_internal.audit_partitions(),
	casnet_internal.missing_definitions(),
	casnet_internal.strangers_code(regclass),
	casnet_internal.inspect_expression(pg_node_tree),
	casnet_internal.server_holes(integer),
	casnet_internal.settings_in_force(),
	casnet_internal.doctor_roles(),
	casnet_internal.doctor_owners(),
	casnet_internal.doctor_parameters(),
	casnet_internal.doctor_grants(),
	casnet_internal.doctor_partitions(),
	casnet_internal.doctor_function_grants(),
	casnet_internal.doctor_tables(),
	casnet_internal.doctor_policies(),
	casnet_internal.doctor_made_policies(),
	casnet_internal.doctor_policy_functions(),
	casnet_internal.doctor_keys(),
	casnet_internal.doctor_indexes(),
	casnet_internal.doctor_views(),
	casnet_internal.doctor_functions(),
	casnet_internal.doctor_triggers(),
	casnet_internal.doctor_replication(),
	casnet_internal.doctor_settings(),
	casnet_internal.doctor_logging(),
	casnet_internal.doctor_state(),
	casnet_internal.doctor_libraries(),
	casnet_internal.doctor_signing_keys(),
	casnet_internal.doctor_passwords(),
	casnet_internal.doctor_data()
	TO casnet_admin;

GRANT EXECUTE ON FUNCTION casnet_internal.erase_tenant(uuid) TO casnet_admin;

GRANT EXECUTE ON FUNCTION
	casnet.export_tenant(uuid),
	casnet.import_tenant(regclass, text, uuid, boolean),
	casnet_internal.reissue_uuid(uuid, uuid)
	TO casnet_user;

-- Parts of these two, which run with the caller's rights.
GRANT EXECUTE ON FUNCTION
	casnet_internal.is_operator(),
	casnet_internal.export_tenant_for_operator(uuid),
	casnet_internal.document_keys(),
	casnet_internal.document_value_fits(text, jsonb),
	casnet_internal.document_row_problem(text, jsonb),
	casnet_internal.document_problem(jsonb),
	casnet_internal.document_column(regclass),
	casnet_internal.document_source(regclass, name),
	casnet_internal.lock_documents(regclass),
	casnet_internal.read_documents(regclass, name, tid, tid),
	casnet_internal.document_range(bigint),
	casnet_internal.document_member(jsonb, text),
	casnet_internal.document_place(regclass, name, tid),
	casnet_internal.refuse_document(regclass, name, tid, text),
	casnet_internal.check_documents(regclass, name),
	casnet_internal.check_document_roles(regclass, name, jsonb),
	casnet_internal.import_members(regclass, name, jsonb, uuid, uuid),
	casnet_internal.import_importer(regclass, name, tid, uuid, uuid),
	casnet_internal.import_rows(regclass, name, text, jsonb, uuid, jsonb, boolean)
	TO casnet_user;

GRANT EXECUTE ON FUNCTION casnet_internal.is_operator() TO casnet_admin;

GRANT EXECUTE ON FUNCTION casnet.find_user(text) TO casnet_authenticator, casnet_admin;

-- For the views of protected tables.
GRANT EXECUTE ON FUNCTION
	casnet_internal.load_view_name(regclass),
	casnet_internal.copy_load_defaults(regclass, regclass),
	casnet_internal.make_load_triggers(regclass, regclass),
	casnet_internal.make_load_view(regclass),
	casnet_internal.load_row()
	TO casnet_admin;

-- The server itself checks who owns the table.  record_change() is among these so that the
-- owner may attach it.
GRANT EXECUTE ON FUNCTION
	casnet.enable_audit(regclass, text[]),
	casnet.disable_audit(regclass),
	casnet_internal.require_own_table(regclass),
	casnet_internal.check_auditable(regclass, text[]),
	casnet_internal.record_change(),
	casnet_internal.audited_tables(),
	casnet.maintain_audit(integer),
	casnet.purge_audit(interval)
	TO casnet_admin;

-- Tables of the application.  protect() and unprotect() refuse all but administrators.
GRANT EXECUTE ON FUNCTION
	casnet_internal.require_protector(regclass),
	casnet.protect(regclass, text, uuid),
	casnet.unprotect(regclass),
	casnet_internal.list_protected_tables()
	TO casnet_user, casnet_admin;

GRANT EXECUTE ON FUNCTION
	casnet_internal.managed_tables(),
	casnet_internal.require_protectable(regclass),
	casnet_internal.wanted_policies(text),
	casnet_internal.foreign_policies(regclass, text),
	casnet_internal.protection_of(regclass),
	casnet_internal.begin_protection(regclass, text, boolean),
	casnet_internal.end_protection(regclass),
	casnet_internal.run_for_owner(regclass, text),
	casnet_internal.lock_tree(regclass),
	casnet_internal.run_on(text, regclass, text),
	casnet_internal.run_on_for_owner(text, regclass, text),
	casnet_internal.give_view(regclass, regclass),
	casnet_internal.set_not_null(regclass),
	casnet_internal.add_tenant_key(regclass),
	casnet_internal.strange_partition_key(regclass),
	casnet_internal.require_one_owner(regclass),
	casnet_internal.tenant_references(regclass),
	casnet_internal.key_within_tenant(regclass, name[]),
	casnet_internal.column_list(oid, int2[]),
	casnet_internal.key_columns(oid, int2[], boolean, text, text),
	casnet_internal.index_within(oid, name),
	casnet_internal.key_within(oid, name),
	casnet_internal.reference_within(oid, name, name),
	casnet_internal.key_for_reference(oid, name),
	casnet_internal.protected_members(regclass),
	casnet_internal.loose_references(regclass),
	casnet_internal.reference_notes(regclass),
	casnet_internal.key_notes(regclass),
	casnet_internal.privilege_notes(regclass),
	casnet_internal.protection_notes(regclass),
	casnet_internal.permission_notes(text),
	casnet_internal.comment_line(text),
	casnet_internal.note(text, text),
	casnet_internal.protect_column(regclass, uuid),
	casnet_internal.protect_default(regclass),
	casnet_internal.protect_index(regclass),
	casnet_internal.protect_rows(regclass, text),
	casnet_internal.protect_writes(regclass),
	casnet_internal.protect_loading(regclass),
	casnet_internal.unprotect_member(regclass, text, jsonb),
	casnet_internal.unprotect_objects(regclass),
	casnet_internal.unprotect_privileges(regclass, jsonb),
	casnet_internal.unprotect_column(regclass, jsonb)
	TO casnet_admin;

-- These judge the session, as SECURITY DEFINER or in C.
GRANT EXECUTE ON FUNCTION
	casnet_internal.found_tenant(text, text, uuid),
	casnet_internal.remove_tenant(uuid),
	casnet_internal.find_user(text),
	casnet_internal.managed_tenant(uuid),
	casnet_internal.export_tenant_in_session(uuid),
	casnet_internal.found_imported_tenant(text, text, timestamptz),
	casnet_internal.find_account(text, text),
	casnet.leave_tenant(),
	casnet.login(text, text, uuid, interval),
	casnet.refresh_token(interval),
	casnet.revoke_token(),
	casnet.change_password(text, text),
	casnet_internal.set_active_in_session(uuid, boolean),
	casnet.invite_member(text, text, interval),
	casnet.accept_invitation(text),
	casnet.invitation(text),
	casnet.invitations(),
	casnet.cancel_invitation(uuid),
	casnet.audit_log(timestamptz, timestamptz, integer, uuid)
	TO casnet_user;

-- For functions that run as the owner of the tables.
GRANT EXECUTE ON FUNCTION
	casnet_internal.name_form(text),
	casnet_internal.account_name_form(text),
	casnet_internal.named_columns(),
	casnet.uuid_v7(),
	casnet.current_tenant_id(),
	casnet.tenant_with(text),
	casnet_internal.require_user(),
	casnet_internal.my_tenant_ids(),
	casnet_internal.can_in(uuid, text),
	casnet_internal.judge_again(uuid, text),
	casnet_internal.is_application_superuser(),
	casnet_internal.free_account(uuid),
	casnet_internal.existing_tenant(uuid),
	casnet_internal.tenant_documents(uuid),
	casnet_internal.document_time(timestamptz),
	casnet_internal.password_scheme(uuid),
	casnet_internal.preload_setting(text),
	casnet_internal.preload_with_casnet(text),
	casnet_internal.tenant_references(regclass),
	casnet_internal.foreign_policies(regclass, text),
	casnet_internal.wanted_policies(text),
	casnet_internal.add_audit_month(timestamptz),
	casnet_internal.audit_partitions(),
	casnet_internal.describe_audit_partitions(),
	casnet_internal.remove_audit_entries(uuid, timestamptz, timestamptz),
	casnet_internal.forget_audit(uuid),
	casnet_internal.refuse_audit_change()
	TO casnet_owner;
