-- Who may call what.  Trigger functions need no EXECUTE to fire.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA casnet FROM PUBLIC;

-- Except where a partition is added: its owner gets the triggers of the table, and is asked
-- for this.  They do nothing but to the row that is written.
GRANT EXECUTE ON FUNCTION casnet.touch_updated_at(), casnet.keep_tenant() TO PUBLIC;

GRANT EXECUTE ON FUNCTION
	casnet.uuid_v7(),
	casnet.current_user_id(),
	casnet.current_tenant_id(),
	casnet.tenant_with(text),
	casnet.can(text),
	casnet.require_user(),
	casnet.my_tenant_ids(),
	casnet.visible_user_ids(),
	casnet.is_administrator(),
	casnet.tenant_to_manage(text),
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
	casnet.find_member(text, uuid),
	casnet.remove_member(text),
	casnet.members(),
	casnet.grant_permission(text, text),
	casnet.revoke_permission(text, text),
	casnet.hash_password(text),
	casnet.sign_in(text, boolean),
	casnet.create_user(text, text, text, text, boolean),
	casnet.free_membership(uuid, uuid, boolean),
	casnet.free_account(uuid),
	casnet.set_active(uuid, boolean),
	casnet.deactivate_user(uuid),
	casnet.reactivate_user(uuid),
	casnet.set_password(uuid, text),
	casnet.revoke_all_tokens(uuid)
	TO casnet_user, casnet_admin;

-- Whoever searches, and the indexes of whoever writes.
GRANT EXECUTE ON FUNCTION
	casnet.gin_extract_uuid(uuid, internal),
	casnet.gin_extract_uuid(uuid, internal, int2, internal, internal),
	casnet.gin_uuid_consistent(internal, int2, uuid, int4, internal, internal),
	casnet.gin_extract_search_query(tsvector, internal, int2, internal,
									internal, internal, internal),
	casnet.gin_extract_substring(text, internal, int2, internal, internal,
								 internal, internal),
	casnet.search_query(text),
	casnet.search_match(tsvector, tsquery),
	casnet.search_match(tsvector, text),
	casnet.contains(text, text),
	casnet.search_limit(integer),
	casnet.search_part(text),
	casnet.search_records(text, integer),
	casnet.tag_names(text[]),
	casnet.tag_id(text),
	casnet.tag_ids(text[]),
	casnet.records_tagged(text[], text[], text[]),
	casnet.require_records(uuid[]),
	casnet.tag_records(uuid[], text[]),
	casnet.tag_record(uuid, text[]),
	casnet.untag_record(uuid, text[]),
	casnet.tags_of(uuid),
	casnet.tag_counts(),
	casnet.require_tag(text),
	casnet.merge_tags(text, text),
	casnet.rename_tag(text, text),
	casnet.search_persons(text, integer)
	TO casnet_user;

GRANT EXECUTE ON FUNCTION
	casnet.add_signing_key(text, jsonb, text, text),
	casnet.retire_signing_key(text),
	casnet.doctor(),
	casnet.doctor_codes(),
	casnet.application_roles(),
	casnet.application_powers(),
	casnet.watched_tables(),
	casnet.managed_tables(),
	casnet.inspect_expression(text),
	casnet.expected_policies(),
	casnet.server_holes(integer),
	casnet.doctor_roles(),
	casnet.doctor_grants(),
	casnet.doctor_tables(),
	casnet.doctor_policies(),
	casnet.doctor_keys(),
	casnet.doctor_views(),
	casnet.doctor_settings(),
	casnet.doctor_state(),
	casnet.doctor_data()
	TO casnet_admin;

GRANT EXECUTE ON FUNCTION casnet.erase_tenant(uuid) TO casnet_admin;

GRANT EXECUTE ON FUNCTION
	casnet.export_tenant(uuid),
	casnet.import_tenant(regclass, text, uuid, boolean),
	casnet.reissue_uuid(uuid, uuid)
	TO casnet_user;

-- Parts of these two, with the rights of whoever calls.
GRANT EXECUTE ON FUNCTION
	casnet.is_operator(),
	casnet.export_tenant_for_operator(uuid),
	casnet.document_keys(),
	casnet.document_value_fits(text, jsonb),
	casnet.document_row_problem(text, jsonb),
	casnet.document_problem(jsonb),
	casnet.document_column(regclass),
	casnet.document_source(regclass, name),
	casnet.lock_documents(regclass),
	casnet.read_documents(regclass, name, tid, tid),
	casnet.document_range(bigint),
	casnet.document_member(jsonb, text),
	casnet.refuse_document(regclass, name, tid, text),
	casnet.check_documents(regclass, name),
	casnet.import_members(regclass, name, jsonb, uuid, uuid),
	casnet.import_importer(regclass, name, tid, uuid, uuid),
	casnet.import_rows(regclass, name, text, jsonb, uuid, jsonb, boolean)
	TO casnet_user;

GRANT EXECUTE ON FUNCTION casnet.is_operator() TO casnet_admin;

-- For the views of protected tables.
GRANT EXECUTE ON FUNCTION
	casnet.make_load_view(regclass),
	casnet.load_row()
	TO casnet_admin;

-- The owner of a table is asked for by the server; record_change() is named so
-- that they may attach it.
GRANT EXECUTE ON FUNCTION
	casnet.enable_audit(regclass, text[]),
	casnet.disable_audit(regclass),
	casnet.require_own_table(regclass),
	casnet.check_auditable(regclass, text[]),
	casnet.record_change(),
	casnet.audited_tables(),
	casnet.maintain_audit(integer),
	casnet.purge_audit(interval)
	TO casnet_admin;

-- Own tables.  protect() and unprotect() refuse whoever is no administrator.
GRANT EXECUTE ON FUNCTION
	casnet.require_protector(regclass),
	casnet.protect(regclass, text, uuid),
	casnet.unprotect(regclass),
	casnet.list_protected_tables()
	TO casnet_user, casnet_admin;

GRANT EXECUTE ON FUNCTION
	casnet.managed_tables(),
	casnet.require_protectable(regclass),
	casnet.wanted_policies(text),
	casnet.foreign_policies(regclass, text),
	casnet.protection_of(regclass),
	casnet.begin_protection(regclass, text, boolean),
	casnet.end_protection(regclass),
	casnet.run_for_owner(regclass, text),
	casnet.lock_tree(regclass),
	casnet.run_on(text, regclass, text),
	casnet.run_on_for_owner(text, regclass, text),
	casnet.give_view(regclass, regclass),
	casnet.set_not_null(regclass),
	casnet.add_tenant_key(regclass),
	casnet.strange_partition_key(regclass),
	casnet.require_one_owner(regclass),
	casnet.tenant_references(regclass),
	casnet.key_within_tenant(regclass, name[]),
	casnet.column_list(oid, int2[]),
	casnet.key_columns(oid, int2[], boolean, text, text),
	casnet.index_within(oid, name),
	casnet.key_within(oid, name),
	casnet.reference_within(oid, name, name),
	casnet.key_for_reference(oid, name),
	casnet.protection_notes(regclass),
	casnet.permission_notes(text),
	casnet.comment_line(text),
	casnet.note(text, text),
	casnet.protect_column(regclass, uuid),
	casnet.protect_default(regclass),
	casnet.protect_index(regclass),
	casnet.protect_rows(regclass, text),
	casnet.protect_updates(regclass),
	casnet.protect_loading(regclass),
	casnet.unprotect_column(regclass, jsonb)
	TO casnet_admin;

-- SECURITY DEFINER, and judges the session.
GRANT EXECUTE ON FUNCTION
	casnet.found_tenant(text, text, uuid),
	casnet.remove_tenant(uuid),
	casnet.find_user(text),
	casnet.managed_tenant(uuid),
	casnet.export_tenant_in_session(uuid),
	casnet.found_imported_tenant(text, text, timestamptz),
	casnet.find_account(text, text),
	casnet.leave_tenant(),
	casnet.login(text, text, uuid, interval),
	casnet.refresh_token(interval),
	casnet.revoke_token(),
	casnet.change_password(text, text),
	casnet.set_active_in_session(uuid, boolean),
	casnet.invite_member(text, text, interval),
	casnet.accept_invitation(text),
	casnet.invitation(text),
	casnet.invitations(),
	casnet.cancel_invitation(uuid),
	casnet.audit_log(timestamptz, timestamptz, integer, uuid)
	TO casnet_user;

-- What these need that run as the owner of the tables.
GRANT EXECUTE ON FUNCTION
	casnet.uuid_v7(),
	casnet.current_tenant_id(),
	casnet.tenant_with(text),
	casnet.require_user(),
	casnet.my_tenant_ids(),
	casnet.can_in(uuid, text),
	casnet.judge_again(uuid, text),
	casnet.is_application_superuser(),
	casnet.free_account(uuid),
	casnet.existing_tenant(uuid),
	casnet.tenant_documents(uuid),
	casnet.document_time(timestamptz),
	casnet.preload_setting(text),
	casnet.preload_with_casnet(text),
	casnet.tenant_references(regclass),
	casnet.foreign_policies(regclass, text),
	casnet.wanted_policies(text),
	casnet.add_audit_month(timestamptz),
	casnet.audit_partitions(),
	casnet.describe_audit_partitions(),
	casnet.remove_audit_entries(uuid, timestamptz, timestamptz),
	casnet.forget_audit(uuid),
	casnet.refuse_audit_change()
	TO casnet_owner;
