-- Keys, and the identity of the session.

CREATE OR REPLACE FUNCTION casnet.uuid_v7() RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_uuid_v7';
COMMENT ON FUNCTION casnet.uuid_v7() IS
	'a new version 7 UUID (RFC 9562), greater than any this session made before';

CREATE OR REPLACE FUNCTION casnet_internal.planner_support(internal) RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_planner_support';
COMMENT ON FUNCTION casnet_internal.planner_support(internal) IS
	'internal: planner support of what policies call; asked about a call, the server loads the library';

CREATE OR REPLACE FUNCTION casnet.current_user_id() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_current_user_id';
COMMENT ON FUNCTION casnet.current_user_id() IS
	'the user of this session, or NULL unless one exists and is active';

CREATE OR REPLACE FUNCTION casnet.current_tenant_id() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE LEAKPROOF
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_current_tenant_id';
COMMENT ON FUNCTION casnet.current_tenant_id() IS
	'the active tenant of this session, or NULL; policies check whether it is allowed';

-- LEAKPROOF: without a column in its argument it depends on the session alone,
-- and with one it returns NULL whatever the value is.
CREATE OR REPLACE FUNCTION casnet.tenant_with(permission text) RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE LEAKPROOF COST 1
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_tenant_with';
COMMENT ON FUNCTION casnet.tenant_with(text) IS
	'the active tenant if the user holds the permission there, else an error; what policies call';

CREATE OR REPLACE FUNCTION casnet.can(permission text) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 1
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_can';
COMMENT ON FUNCTION casnet.can(text) IS
	'whether the user of this session holds the permission in the active tenant';

CREATE OR REPLACE FUNCTION casnet_internal.can_in(tenant_id uuid, permission text) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_can_in';
COMMENT ON FUNCTION casnet_internal.can_in(uuid, text) IS
	'internal: whether the user of this session holds the permission in that tenant';

CREATE OR REPLACE FUNCTION casnet_internal.refuse_in(tenant_id uuid, permission text) RETURNS void
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_refuse_in';
COMMENT ON FUNCTION casnet_internal.refuse_in(uuid, text) IS
	'internal: an error unless the user of this session holds the permission in that tenant, of which they are a member';

CREATE OR REPLACE FUNCTION casnet_internal.user_can_in(
	user_id uuid, tenant_id uuid, permission text)
	RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_user_can_in';
COMMENT ON FUNCTION casnet_internal.user_can_in(uuid, uuid, text) IS
	'internal: whether a user holds the permission in that tenant';

CREATE OR REPLACE FUNCTION casnet_internal.require_user() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_require_user';
COMMENT ON FUNCTION casnet_internal.require_user() IS
	'the user of this session, or an error when there is none; for policies';

CREATE OR REPLACE FUNCTION casnet_internal.my_tenant_ids() RETURNS uuid[]
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_my_tenant_ids';
COMMENT ON FUNCTION casnet_internal.my_tenant_ids() IS
	'the tenants that the user of this session may see; for policies';

CREATE OR REPLACE FUNCTION casnet_internal.visible_user_ids() RETURNS uuid[]
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_visible_user_ids';
COMMENT ON FUNCTION casnet_internal.visible_user_ids() IS
	'the users that the user of this session may see; for policies';

CREATE OR REPLACE FUNCTION casnet_internal.is_administrator() RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_is_administrator';
COMMENT ON FUNCTION casnet_internal.is_administrator() IS
	'whether the current database role is a superuser or a member of casnet_admin';

CREATE OR REPLACE FUNCTION casnet_internal.is_application_superuser() RETURNS boolean
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'casnet_is_application_superuser';
COMMENT ON FUNCTION casnet_internal.is_application_superuser() IS
	'internal: whether the user of this session is a superuser of the application, at this moment';

CREATE OR REPLACE FUNCTION casnet_internal.tenant_to_manage(permission text) RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_tenant_to_manage';
COMMENT ON FUNCTION casnet_internal.tenant_to_manage(text) IS
	'internal: tenant_with(), but administrators need no membership';

CREATE OR REPLACE FUNCTION casnet.whoami(
	OUT user_id uuid, OUT username text, OUT tenant_id uuid,
	OUT tenant_name text, OUT role text, OUT permissions text[],
	OUT expires_at timestamptz, OUT authenticated_by text)
	RETURNS record
	LANGUAGE c STABLE PARALLEL SAFE
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_whoami';
COMMENT ON FUNCTION casnet.whoami() IS
	'the user, active tenant, role and permissions of this session';

CREATE OR REPLACE FUNCTION casnet.my_tenants(
	OUT tenant_id uuid, OUT name text, OUT role text, OUT is_active boolean)
	RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL SAFE ROWS 10
	SUPPORT casnet_internal.planner_support
	AS 'MODULE_PATHNAME', 'casnet_my_tenants';
COMMENT ON FUNCTION casnet.my_tenants() IS
	'the tenants that the user of this session is a member of';

CREATE OR REPLACE FUNCTION casnet.use_tenant(tenant text, is_local boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_use_tenant';
COMMENT ON FUNCTION casnet.use_tenant(text, boolean) IS
	'makes one of your tenants, by name or id, the active one of the session or transaction; a text that is a UUID is an id; administrators to whom nobody is signed in choose any';

CREATE OR REPLACE FUNCTION casnet.use_tenant(tenant uuid, is_local boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_use_tenant_by_id';
COMMENT ON FUNCTION casnet.use_tenant(uuid, boolean) IS
	'makes one of your tenants the active one of the session or transaction';

CREATE OR REPLACE FUNCTION casnet.sign_in(token text, is_local boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_sign_in';
COMMENT ON FUNCTION casnet.sign_in(text, boolean) IS
	'sets casnet.token for the session or transaction; returns the user whom it proves, or raises an error; makes an account where set_issuer() said so';

CREATE OR REPLACE FUNCTION casnet.sign_out() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_sign_out';
COMMENT ON FUNCTION casnet.sign_out() IS
	'forgets the token, the user and the tenant of this session';
