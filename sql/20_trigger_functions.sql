-- Trigger functions; casnet.install() attaches them.

CREATE FUNCTION casnet.announce_change() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_announce_change';
COMMENT ON FUNCTION casnet.announce_change() IS
	'trigger: tells every session that what it knows of memberships is out of date';

CREATE FUNCTION casnet.touch_updated_at() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_touch_updated_at';
COMMENT ON FUNCTION casnet.touch_updated_at() IS
	'trigger: moves updated_at on every update';

CREATE FUNCTION casnet.stamp_completed_at() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_stamp_completed_at';
COMMENT ON FUNCTION casnet.stamp_completed_at() IS
	'trigger: completed_at follows status';

CREATE FUNCTION casnet.take_password() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_take_password';
COMMENT ON FUNCTION casnet.take_password() IS
	'trigger: leaves a mark where the hash of a password was written';

CREATE FUNCTION casnet.keep_password() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_keep_password';
COMMENT ON FUNCTION casnet.keep_password() IS
	'trigger: keeps the hash for whose mark the row waits, and ends tokens when it changes';

CREATE FUNCTION casnet.check_text() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_check_text';
COMMENT ON FUNCTION casnet.check_text() IS
	'trigger (column, bytes) or (column): a text is no longer, or a name is no id';

CREATE FUNCTION casnet.guard_membership() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_guard_membership';
COMMENT ON FUNCTION casnet.guard_membership() IS
	'trigger: nobody grants or takes away a role above their own';

CREATE FUNCTION casnet.guard_grant() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_guard_grant';
COMMENT ON FUNCTION casnet.guard_grant() IS
	'trigger: nobody grants or takes away a permission that they do not hold';

CREATE FUNCTION casnet.keep_last_owner() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_keep_last_owner';
COMMENT ON FUNCTION casnet.keep_last_owner() IS
	'trigger: a tenant that has an owner never loses its last one until it is deleted';

CREATE FUNCTION casnet.keep_tenant() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_keep_tenant';
COMMENT ON FUNCTION casnet.keep_tenant() IS
	'trigger: no row moves to another tenant';

CREATE FUNCTION casnet.keep_owners_on_truncate() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF EXISTS (SELECT FROM casnet.tenants) THEN
		RAISE EXCEPTION 'a tenant keeps its last owner'
			USING ERRCODE = 'check_violation',
				  HINT = 'Truncate casnet.tenants with CASCADE, or delete single members.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casnet.keep_owners_on_truncate() IS
	'trigger: the same for TRUNCATE';

CREATE FUNCTION casnet.clear_references() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_clear_references';
COMMENT ON FUNCTION casnet.clear_references() IS
	'trigger (table, column, key): clears references to a row that is about to go';

CREATE FUNCTION casnet.guard_cascade() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_guard_cascade';
COMMENT ON FUNCTION casnet.guard_cascade() IS
	'trigger: nothing is deleted whose cascade would run triggers with more rights than their owner has';
