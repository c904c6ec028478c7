-- casnet.install() brings the tables to the version of the extension.

CREATE FUNCTION casnet.schema_version() RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT substring(obj_description(to_regnamespace('casnet'),
									 'pg_namespace')
					 FROM 'schema version ([0-9.]+)')
$$;
COMMENT ON FUNCTION casnet.schema_version() IS
	'the version that casnet.install() brought the tables to, or NULL; kept in the comment on the schema, which dumps carry';

CREATE FUNCTION casnet.install() RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
	AS $$
DECLARE
	before regclass[];
	installed record;
	version text;
BEGIN
	IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
		RAISE EXCEPTION 'casnet.install() takes a superuser'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Connect as a superuser and call it again.';
	END IF;

	SELECT coalesce(array_agg(relation), '{}') INTO before
	  FROM casnet.managed_tables();

	PERFORM casnet.install_search_configuration();
	PERFORM casnet.install_tables();
	PERFORM casnet.install_token_tables();
	PERFORM casnet.install_audit_tables();
	PERFORM casnet.install_protect_tables();
	PERFORM casnet.install_defaults();
	PERFORM casnet.install_indexes();
	PERFORM casnet.install_policies();

	-- Before the triggers: nobody knows anything yet that they could tell.
	PERFORM casnet.install_role_permissions();
	IF NOT casnet.run_as_owner('casnet.signing_keys',
		'SELECT EXISTS (SELECT FROM casnet.signing_keys)')::boolean THEN
		PERFORM casnet.add_signing_key('casnet-' ||
									   encode(casnet.random_bytes(8), 'hex'));
	END IF;
	PERFORM casnet.install_triggers();
	PERFORM casnet.install_load_views();
	PERFORM casnet.install_comments();
	PERFORM casnet.describe_audit_partitions();
	IF EXISTS (SELECT FROM casnet.audited_tables()) THEN
		PERFORM casnet.maintain_audit();
	END IF;

	-- Given by an older version; protect() makes the keys.
	REVOKE REFERENCES ON casnet.tenants FROM casnet_admin;

	-- Privileges that somebody has changed stay changed.
	FOR installed IN
		SELECT relation FROM casnet.managed_tables()
		 WHERE NOT relation = ANY (before)
	LOOP
		PERFORM casnet.install_grants(installed.relation);
	END LOOP;

	SELECT extversion INTO STRICT version
	  FROM pg_extension WHERE extname = 'casnet';
	EXECUTE format('COMMENT ON SCHEMA casnet IS %L',
				   'casnet: multi-tenant case management (schema version ' ||
				   version || ')');

	-- Last, since it also makes pg_dump forget what it took for the
	-- extension's own privileges: the tables hold people's data and are dumped
	-- as people's tables.
	FOR installed IN
		SELECT t.relation
		  FROM casnet.managed_tables() AS t
		  JOIN pg_depend AS d
			ON d.classid = 'pg_class'::regclass AND d.objid = t.relation
			   AND d.deptype = 'e'
	LOOP
		EXECUTE format('ALTER EXTENSION casnet DROP TABLE %s',
					   installed.relation);
	END LOOP;
	FOR installed IN
		SELECT 'TEXT SEARCH CONFIGURATION casnet.search' AS object,
			   'pg_ts_config'::regclass AS catalog, oid
		  FROM pg_ts_config
		 WHERE oid = 'casnet.search'::regconfig
		UNION ALL
		SELECT 'OPERATOR CLASS casnet.gin_substring_ops USING gin',
			   'pg_opclass'::regclass, oid
		  FROM pg_opclass
		 WHERE opcname = 'gin_substring_ops'
		   AND opcnamespace = 'casnet'::regnamespace
		UNION ALL
		SELECT 'OPERATOR FAMILY casnet.gin_substring_ops USING gin',
			   'pg_opfamily'::regclass, oid
		  FROM pg_opfamily
		 WHERE opfname = 'gin_substring_ops'
		   AND opfnamespace = 'casnet'::regnamespace
	LOOP
		IF EXISTS (SELECT FROM pg_depend AS d
					WHERE d.classid = installed.catalog
					  AND d.objid = installed.oid AND d.deptype = 'e') THEN
			EXECUTE 'ALTER EXTENSION casnet DROP ' || installed.object;
		END IF;
	END LOOP;
	PERFORM casnet.install_protection();
	RETURN version;
END
$$;
COMMENT ON FUNCTION casnet.install() IS
	'brings the tables to the version of the extension, whether absent, older, current or left bare; returns the version';
