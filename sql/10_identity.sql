-- Keys, and the identity of the session.

CREATE FUNCTION casnet.uuid_v7() RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_uuid_v7';
COMMENT ON FUNCTION casnet.uuid_v7() IS
	'a new version 7 UUID (RFC 9562), greater than any this session made before';

CREATE FUNCTION casnet.unite_permissions(internal) RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_unite_permissions';
COMMENT ON FUNCTION casnet.unite_permissions(internal) IS
	'internal: planner support; the policies of one statement ask for the same permissions';

CREATE FUNCTION casnet.current_user_id() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_current_user_id';
COMMENT ON FUNCTION casnet.current_user_id() IS
	'the user of this session, or NULL when there is none who exists and is active';

CREATE FUNCTION casnet.current_tenant_id() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE LEAKPROOF
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_current_tenant_id';
COMMENT ON FUNCTION casnet.current_tenant_id() IS
	'the active tenant of this session, or NULL; policies check whether it is allowed';

-- LEAKPROOF: without a column in its argument it depends on the session alone,
-- and with one it returns NULL whatever the value is.
CREATE FUNCTION casnet.tenant_with(permission text) RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE LEAKPROOF COST 1
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_tenant_with';
COMMENT ON FUNCTION casnet.tenant_with(text) IS
	'the active tenant if the user holds the permission there, else an error; what policies call';

CREATE FUNCTION casnet.can(permission text) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 1
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_can';
COMMENT ON FUNCTION casnet.can(text) IS
	'whether the user of this session holds the permission in the active tenant';

CREATE FUNCTION casnet.can_in(tenant_id uuid, permission text) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_can_in';
COMMENT ON FUNCTION casnet.can_in(uuid, text) IS
	'internal: whether the user of this session holds the permission in that tenant';

CREATE FUNCTION casnet.user_can_in(
	user_id uuid, tenant_id uuid, permission text)
	RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_user_can_in';
COMMENT ON FUNCTION casnet.user_can_in(uuid, uuid, text) IS
	'internal: whether a user holds the permission in that tenant';

CREATE FUNCTION casnet.require_user() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_require_user';
COMMENT ON FUNCTION casnet.require_user() IS
	'the user of this session, or an error when there is none; for policies';

CREATE FUNCTION casnet.my_tenant_ids() RETURNS uuid[]
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_my_tenant_ids';
COMMENT ON FUNCTION casnet.my_tenant_ids() IS
	'the tenants that the user of this session may see; for policies';

CREATE FUNCTION casnet.visible_user_ids() RETURNS uuid[]
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_visible_user_ids';
COMMENT ON FUNCTION casnet.visible_user_ids() IS
	'the users that the user of this session may see; for policies';

CREATE FUNCTION casnet.is_administrator() RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_is_administrator';
COMMENT ON FUNCTION casnet.is_administrator() IS
	'whether the current database role is a superuser or a member of casnet_admin';

CREATE FUNCTION casnet.tenant_to_manage(permission text) RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_tenant_to_manage';
COMMENT ON FUNCTION casnet.tenant_to_manage(text) IS
	'internal: tenant_with(), but administrators need no membership';

CREATE FUNCTION casnet.whoami(
	OUT user_id uuid, OUT username text, OUT tenant_id uuid,
	OUT tenant_name text, OUT role text, OUT permissions text[],
	OUT expires_at timestamptz, OUT authenticated_by text)
	RETURNS record
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_whoami';
COMMENT ON FUNCTION casnet.whoami() IS
	'the user, active tenant, role and permissions of this session';

CREATE FUNCTION casnet.my_tenants(
	OUT tenant_id uuid, OUT name text, OUT role text, OUT is_active boolean)
	RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL SAFE ROWS 10
	SUPPORT casnet.unite_permissions
	AS 'MODULE_PATHNAME', 'casnet_my_tenants';
COMMENT ON FUNCTION casnet.my_tenants() IS
	'the tenants that the user of this session is a member of';

CREATE FUNCTION casnet.use_tenant(tenant text, is_local boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_use_tenant';
COMMENT ON FUNCTION casnet.use_tenant(text, boolean) IS
	'makes one of your tenants, by name or id, the active one of the session or transaction; a text that is a UUID is an id';

CREATE FUNCTION casnet.use_tenant(tenant uuid, is_local boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_use_tenant_by_id';
COMMENT ON FUNCTION casnet.use_tenant(uuid, boolean) IS
	'makes one of your tenants the active one of the session or transaction';

CREATE FUNCTION casnet.sign_in(token text, is_local boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_sign_in';
COMMENT ON FUNCTION casnet.sign_in(text, boolean) IS
	'sets casnet.token for the session or transaction; returns the user whom it proves, or raises an error';

CREATE FUNCTION casnet.sign_out() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_sign_out';
COMMENT ON FUNCTION casnet.sign_out() IS
	'forgets the token, the user and the tenant of this session';

CREATE FUNCTION casnet.run_as_owner(relation regclass, statement text)
	RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_run_as_owner';
COMMENT ON FUNCTION casnet.run_as_owner(regclass, text) IS
	'internal: runs a statement on a table as its owner, as a security-restricted operation';

CREATE FUNCTION casnet.run_for_owner(relation regclass, statement text)
	RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_run_for_owner';
COMMENT ON FUNCTION casnet.run_for_owner(regclass, text) IS
	'internal: the same for whoever can become the owner; for administrators';

CREATE FUNCTION casnet.run_on_for_owner(before text, relation regclass, after text)
	RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_run_on_for_owner';
COMMENT ON FUNCTION casnet.run_on_for_owner(text, regclass, text) IS
	'internal: run_on() as the owner, for whoever can become that; for administrators';

CREATE FUNCTION casnet.guard_action(schema name) RETURNS text
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_guard_action';
COMMENT ON FUNCTION casnet.guard_action(name) IS
	'internal: what guard_schema() does about new tables of a schema, at this moment';

CREATE FUNCTION casnet.require_current(relation oid) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_require_current';
COMMENT ON FUNCTION casnet.require_current(oid) IS
	'internal: refuses a table that was there before a transaction which sees tables as they were then';

CREATE FUNCTION casnet.lock_tree(relation regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_lock_tree';
COMMENT ON FUNCTION casnet.lock_tree(regclass) IS
	'internal: locks a table of the caller and its partitions, by OID';

CREATE FUNCTION casnet.run_on(before text, relation regclass, after text)
	RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_run_on';
COMMENT ON FUNCTION casnet.run_on(text, regclass, text) IS
	'internal: runs a statement that changes catalogs, with the name of a relation in it';

CREATE FUNCTION casnet.give_view(view regclass, relation regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_give_view';
COMMENT ON FUNCTION casnet.give_view(regclass, regclass) IS
	'internal: gives a view that casnet has made to the owner of a table';

CREATE FUNCTION casnet.set_not_null(relation regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_set_not_null';
COMMENT ON FUNCTION casnet.set_not_null(regclass) IS
	'internal: makes the column tenant_id of the caller''s table NOT NULL, as the owner of the table';
