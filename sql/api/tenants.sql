-- Tenants.
--
-- Most functions run as their caller, so the policies and the triggers judge
-- their statements as they judge the caller's own.  Those that are SECURITY
-- DEFINER ask for the permission themselves, of the session and not of the
-- database role.

CREATE OR REPLACE FUNCTION casnet_internal.found_tenant(name text, description text, owner_id uuid)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	founder uuid := casnet_internal.require_whole_user();
	tenant_id uuid := casnet.uuid_v7();
BEGIN
	IF coalesce(found_tenant.owner_id, founder) <> founder
	   AND casnet_internal.is_application_superuser() IS NOT TRUE THEN
		RAISE EXCEPTION 'only administrators create tenants for others'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Leave owner_id out: the tenant is yours, and you can add other owners.';
	END IF;

	INSERT INTO casnet.tenants (id, name, description)
	VALUES (tenant_id, found_tenant.name, found_tenant.description);
	INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
	VALUES (coalesce(found_tenant.owner_id, founder), tenant_id, 'owner');
	RETURN tenant_id;
END
$$;
COMMENT ON FUNCTION casnet_internal.found_tenant(text, text, uuid) IS
	'internal: create_tenant() for users';

CREATE OR REPLACE FUNCTION casnet.create_tenant(
	name text, description text DEFAULT NULL, owner_id uuid DEFAULT NULL)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
	AS $$
DECLARE
	tenant_id uuid;
	owner uuid;
BEGIN
	IF coalesce(casnet_internal.name_form(create_tenant.name), '') = '' THEN
		RAISE EXCEPTION 'the name of the tenant is blank'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the tenant a name.';
	END IF;
	IF NOT casnet_internal.is_administrator() THEN
		RETURN casnet_internal.found_tenant(create_tenant.name,
								   create_tenant.description,
								   create_tenant.owner_id);
	END IF;

	owner := coalesce(create_tenant.owner_id, casnet.current_user_id());
	tenant_id := casnet.uuid_v7();
	INSERT INTO casnet.tenants (id, name, description)
	VALUES (tenant_id, create_tenant.name, create_tenant.description);
	IF owner IS NOT NULL THEN
		INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
		VALUES (owner, tenant_id, 'owner');
	END IF;
	RETURN tenant_id;
EXCEPTION WHEN lock_not_available THEN
	RAISE EXCEPTION 'another session is taking the name of the tenant'
		USING ERRCODE = 'lock_not_available',
			  HINT = 'Try again when it has ended, or choose another name.';
END
$$;
COMMENT ON FUNCTION casnet.create_tenant(text, text, uuid) IS
	'creates a tenant, owned by the user of this session; administrators may name another owner, or none';

CREATE OR REPLACE FUNCTION casnet_internal.erase_tenant(tenant_id uuid) RETURNS bigint
	LANGUAGE c VOLATILE STRICT SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_erase_tenant';
COMMENT ON FUNCTION casnet_internal.erase_tenant(uuid) IS
	'internal: deletes a tenant and returns the number of rows, or NULL when there is none; for casnet_admin';

CREATE OR REPLACE FUNCTION casnet_internal.judge_again(tenant_id uuid, permission text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_judge_again';
COMMENT ON FUNCTION casnet_internal.judge_again(uuid, text) IS
	'internal: the transaction fails unless the user of this session still holds the permission in the tenant when it ends';

CREATE OR REPLACE FUNCTION casnet_internal.remove_tenant(tenant_id uuid) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	erased bigint;
BEGIN
	IF casnet_internal.can_in(remove_tenant.tenant_id, 'delete_tenant') THEN
		PERFORM casnet_internal.judge_again(remove_tenant.tenant_id, 'delete_tenant');
		erased := casnet_internal.erase_tenant(remove_tenant.tenant_id);
	ELSIF remove_tenant.tenant_id = ANY (casnet_internal.my_tenant_ids()) THEN
		PERFORM casnet_internal.refuse_in(remove_tenant.tenant_id, 'delete_tenant');
	END IF;
	IF erased IS NULL THEN
		RAISE EXCEPTION 'the tenant does not exist, or you are not a member of it'
			USING ERRCODE = 'P0002',
				  HINT = 'casnet.my_tenants() lists the tenants you belong to.';
	END IF;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION casnet_internal.remove_tenant(uuid) IS
	'internal: delete_tenant() for users';

CREATE OR REPLACE FUNCTION casnet.delete_tenant(tenant_id uuid) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	erased bigint;
BEGIN
	IF NOT casnet_internal.is_administrator() THEN
		RETURN casnet_internal.remove_tenant(delete_tenant.tenant_id);
	END IF;
	erased := casnet_internal.erase_tenant(delete_tenant.tenant_id);
	IF erased IS NULL THEN
		RAISE EXCEPTION 'there is no such tenant'
			USING ERRCODE = 'P0002',
				  HINT = 'SELECT id, name FROM casnet.tenants lists them.';
	END IF;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION casnet.delete_tenant(uuid) IS
	'deletes a tenant with everything in it, and returns the number of rows; takes delete_tenant there';
