-- Who may call what.  Trigger functions need no EXECUTE to fire.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA casnet FROM PUBLIC;

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
	casnet.set_password(uuid, text),
	casnet.revoke_all_tokens(uuid)
	TO casnet_user, casnet_admin;

GRANT EXECUTE ON FUNCTION
	casnet.add_signing_key(text, jsonb, text, text),
	casnet.retire_signing_key(text),
	casnet.cut_off_tokens(uuid)
	TO casnet_admin;

-- The owner of a table is asked for by the server; record_change() is named so
-- that they may attach it.
GRANT EXECUTE ON FUNCTION
	casnet.enable_audit(regclass, text[]),
	casnet.disable_audit(regclass),
	casnet.require_own_table(regclass),
	casnet.check_auditable(regclass, text[]),
	casnet.managed_tables(),
	casnet.record_change(),
	casnet.audited_tables(),
	casnet.maintain_audit(integer),
	casnet.purge_audit(interval)
	TO casnet_admin;

-- SECURITY DEFINER, and judges the session.
GRANT EXECUTE ON FUNCTION
	casnet.found_tenant(text, text, uuid),
	casnet.remove_tenant(uuid),
	casnet.find_user(text),
	casnet.leave_tenant(),
	casnet.login(text, text, uuid, interval),
	casnet.refresh_token(interval),
	casnet.revoke_token(),
	casnet.revoke_tokens_in_session(uuid),
	casnet.change_password(text, text),
	casnet.set_password_in_session(uuid, text),
	casnet.create_user_in_session(text, text, text, text, boolean),
	casnet.invite_member(text, text, interval),
	casnet.accept_invitation(text),
	casnet.audit_log(timestamptz, timestamptz, integer, uuid)
	TO casnet_user;

-- In a restore the tables come from the dump, and on a Citus worker from the
-- coordinator.  Every script of pg_dump sets row_security off.
DO $$
BEGIN
	IF pg_catalog.current_setting('row_security') = 'off'
	   OR pg_catalog.current_setting('application_name')
		  LIKE 'citus\_internal%' THEN
		RETURN;
	END IF;
	PERFORM casnet.install();
END
$$;
