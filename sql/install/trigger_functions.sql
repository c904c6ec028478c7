-- Trigger functions; casnet.install() attaches them.

CREATE OR REPLACE FUNCTION casnet_internal.announce_change() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_announce_change';
COMMENT ON FUNCTION casnet_internal.announce_change() IS
	'trigger: makes every session look up permissions and tokens again';

CREATE OR REPLACE FUNCTION casnet_internal.touch_updated_at() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_touch_updated_at';
COMMENT ON FUNCTION casnet_internal.touch_updated_at() IS
	'trigger: moves updated_at on every update';

CREATE OR REPLACE FUNCTION casnet_internal.stamp_completed_at() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_stamp_completed_at';
COMMENT ON FUNCTION casnet_internal.stamp_completed_at() IS
	'trigger: completed_at follows status';

CREATE OR REPLACE FUNCTION casnet_internal.check_event() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_check_event';
COMMENT ON FUNCTION casnet_internal.check_event() IS
	'trigger: checks the time zone and the recurrence rule of an event, and brings whole days to midnight';

CREATE OR REPLACE FUNCTION casnet_internal.take_password() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_take_password';
COMMENT ON FUNCTION casnet_internal.take_password() IS
	'trigger: leaves a mark where the hash of a password was written';

CREATE OR REPLACE FUNCTION casnet_internal.keep_password() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_keep_password';
COMMENT ON FUNCTION casnet_internal.keep_password() IS
	'trigger: stores the hash that the mark in the row stands for, and ends tokens when it changes';

CREATE OR REPLACE FUNCTION casnet_internal.check_text() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_check_text';
COMMENT ON FUNCTION casnet_internal.check_text() IS
	'trigger (column, bytes): refuses a longer text; or (column): refuses a name that is an id';

CREATE OR REPLACE FUNCTION casnet_internal.normalize_names() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_normalize_names';
COMMENT ON FUNCTION casnet_internal.normalize_names() IS
	'trigger (column, ...): names are stored in their form';

CREATE OR REPLACE FUNCTION casnet_internal.normalize_account_names() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_normalize_account_names';
COMMENT ON FUNCTION casnet_internal.normalize_account_names() IS
	'trigger (column, ...): usernames and email addresses are stored in their form';

CREATE OR REPLACE FUNCTION casnet_internal.fill_tenant() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_fill_tenant';
COMMENT ON FUNCTION casnet_internal.fill_tenant() IS
	'trigger: a tenant_id that is NULL becomes the active tenant';

CREATE OR REPLACE FUNCTION casnet_internal.guard_membership() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_guard_membership';
COMMENT ON FUNCTION casnet_internal.guard_membership() IS
	'trigger: nobody grants or takes away a role above their own';

CREATE OR REPLACE FUNCTION casnet_internal.guard_grant() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_guard_grant';
COMMENT ON FUNCTION casnet_internal.guard_grant() IS
	'trigger: nobody grants or takes away a permission that they do not hold';

CREATE OR REPLACE FUNCTION casnet_internal.keep_role() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_keep_role';
COMMENT ON FUNCTION casnet_internal.keep_role() IS
	'trigger: a role keeps its name, and stays if casnet names it or a member has it';

CREATE OR REPLACE FUNCTION casnet_internal.keep_last_owner() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_keep_last_owner';
COMMENT ON FUNCTION casnet_internal.keep_last_owner() IS
	'trigger: a tenant that has an owner never loses its last one until it is deleted';

CREATE OR REPLACE FUNCTION casnet_internal.keep_tenant() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_keep_tenant';
COMMENT ON FUNCTION casnet_internal.keep_tenant() IS
	'trigger: no row moves to another tenant';

CREATE OR REPLACE FUNCTION casnet_internal.keep_owners_on_truncate() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF EXISTS (SELECT FROM casnet.tenants) THEN
		RAISE EXCEPTION 'cannot remove the last owner of a tenant'
			USING ERRCODE = 'check_violation',
				  HINT = 'Truncate casnet.tenants with CASCADE, or delete single members.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casnet_internal.keep_owners_on_truncate() IS
	'trigger: refuses TRUNCATE of memberships while there are tenants';

CREATE OR REPLACE FUNCTION casnet_internal.guard_cascade() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_guard_cascade';
COMMENT ON FUNCTION casnet_internal.guard_cascade() IS
	'trigger: refuses a deletion whose cascade would run triggers with more rights than their owner has';

CREATE OR REPLACE FUNCTION casnet_internal.keep_one_namespace() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'casnet_keep_one_namespace';
COMMENT ON FUNCTION casnet_internal.keep_one_namespace() IS
	'trigger: no username is the email address of another account';

CREATE OR REPLACE FUNCTION casnet_internal.end_invitations() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'casnet_end_invitations';
COMMENT ON FUNCTION casnet_internal.end_invitations() IS
	'trigger: ends invitations when a membership begins, changes or ends, when a permission is taken away, and when an account is deactivated, is deleted or gets another address';

CREATE OR REPLACE FUNCTION casnet_internal.end_codes() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'casnet_end_codes';
COMMENT ON FUNCTION casnet_internal.end_codes() IS
	'trigger: ends the codes of an account that gets another address or password, is deactivated, or is deleted, and the tokens and sessions of one that is deleted';

CREATE OR REPLACE FUNCTION casnet_internal.record_change() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_record_change';
COMMENT ON FUNCTION casnet_internal.record_change() IS
	'trigger (column, ...): records a change, without those columns; casnet.enable_audit() attaches it';

CREATE OR REPLACE FUNCTION casnet_internal.refuse_audit_change() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_refuse_audit_change';
COMMENT ON FUNCTION casnet_internal.refuse_audit_change() IS
	'trigger: entries of the audit stay as they are';

CREATE OR REPLACE FUNCTION casnet_internal.load_row() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_load_row';
COMMENT ON FUNCTION casnet_internal.load_row() IS
	'trigger (table): inserts the rows of a view into the table, as the caller';
