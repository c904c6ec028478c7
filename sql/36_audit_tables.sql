-- The table of the audit, by months.  It has no policy and no privilege for
-- anybody: the trigger casnet_audit writes it, functions read and trim it.  It
-- refers to no tenant and no user, since its entries outlive them.

CREATE FUNCTION casnet.record_change() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_record_change';
COMMENT ON FUNCTION casnet.record_change() IS
	'trigger (column, ...): records a change, without those columns; casnet.enable_audit() attaches it';

CREATE FUNCTION casnet.refuse_audit_change() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casnet_refuse_audit_change';
COMMENT ON FUNCTION casnet.refuse_audit_change() IS
	'trigger: entries of the audit stay as they are';

CREATE FUNCTION casnet.install_audit_tables() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF to_regclass('casnet.audit_entries') IS NULL THEN
	CREATE TABLE casnet.audit_entries (
		at timestamptz NOT NULL,
		id uuid NOT NULL,
		tenant_id uuid,
		transaction_id bigint NOT NULL,
		user_id uuid,
		session_role text NOT NULL,
		role text NOT NULL,
		relation text NOT NULL,
		row_key jsonb,
		action text NOT NULL,
		before jsonb,
		after jsonb
	) PARTITION BY RANGE (at);
	-- Deletions are published with the row, for want of a key.
	ALTER TABLE casnet.audit_entries REPLICA IDENTITY FULL;
	END IF;

	-- What no month takes.
	IF to_regclass('casnet.audit_entries_default') IS NULL THEN
	CREATE TABLE casnet.audit_entries_default
		PARTITION OF casnet.audit_entries DEFAULT;
	ALTER TABLE casnet.audit_entries_default REPLICA IDENTITY FULL;
	END IF;

	-- The id only tells entries of one moment apart.
	CREATE INDEX IF NOT EXISTS audit_entries_tenant_id_at_id_idx
		ON casnet.audit_entries (tenant_id, at, id);
	COMMENT ON INDEX casnet.audit_entries_tenant_id_at_id_idx IS
		'the entries of a tenant, newest first';
END
$$;
COMMENT ON FUNCTION casnet.install_audit_tables() IS
	'internal: makes the tables of the audit that are missing';
