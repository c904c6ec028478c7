-- Which tables of applications are protected as ours are, and which schemas
-- are guarded.  No policy and no privilege for anybody: functions read and
-- write them.

CREATE OR REPLACE FUNCTION casnet_internal.install_protect_tables() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- A dropped table leaves its row, and in a dump its OID, which may be that
	-- of another table in the database it is restored into.  So created_at is
	-- part of the key, and whoever reads a row looks at the table too.
	IF to_regclass('casnet_internal.protected') IS NULL THEN
	CREATE TABLE casnet_internal.protected (
		relation regclass NOT NULL,
		resource text NOT NULL,
		permissions text[] NOT NULL DEFAULT '{}',
		before jsonb NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT protected_pkey PRIMARY KEY (relation, created_at),
		CONSTRAINT protected_resource_check
			CHECK (resource ~ '^[a-z][a-z0-9_]*$'
				   AND octet_length(resource) <= 56)
	);
	END IF;

	IF to_regclass('casnet_internal.guarded_schemas') IS NULL THEN
	CREATE TABLE casnet_internal.guarded_schemas (
		schema text NOT NULL,
		action text NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT guarded_schemas_pkey PRIMARY KEY (schema),
		CONSTRAINT guarded_schemas_action_check
			CHECK (action IN ('refuse', 'protect'))
	);
	END IF;

	COMMENT ON TABLE casnet_internal.protected IS
		'tables of applications that casnet.protect() took in';
	COMMENT ON COLUMN casnet_internal.protected.relation IS 'the table';
	COMMENT ON COLUMN casnet_internal.protected.resource IS
		'what its permissions are named after, as in view_RESOURCE';
	COMMENT ON COLUMN casnet_internal.protected.permissions IS
		'the permissions that casnet.protect() made';
	COMMENT ON COLUMN casnet_internal.protected.before IS
		'what the table had of its own, for casnet.unprotect()';
	COMMENT ON TABLE casnet_internal.guarded_schemas IS
		'schemas where a new table has to be protected';
	COMMENT ON COLUMN casnet_internal.guarded_schemas.schema IS 'name of the schema';
	COMMENT ON COLUMN casnet_internal.guarded_schemas.action IS
		'what becomes of a new table: refuse or protect';
END
$$;
COMMENT ON FUNCTION casnet_internal.install_protect_tables() IS
	'internal: makes the tables about protected tables that are missing';
