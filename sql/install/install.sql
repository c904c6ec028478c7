-- casnet.install() brings the tables to the version of the extension.

CREATE OR REPLACE FUNCTION casnet.schema_version() RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT substring(obj_description(to_regnamespace('casnet'),
									 'pg_namespace')
					 FROM '[(]schema version ([^()]+)[)]')
$$;
COMMENT ON FUNCTION casnet.schema_version() IS
	'the version that casnet.install() brought the tables to, or NULL; kept in the comment on the schema, which dumps carry';

-- The tables of casnet belong to casnet_owner, and so do the views to load them through
-- and the partitions of the audit.  This gives it new ones, those restored without their
-- owner, and older ones.  What belongs to a role that is no superuser can have that
-- role's code in it, so an administrator has to look first (doctor()).
CREATE OR REPLACE FUNCTION casnet_internal.install_owner() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	owned record;
BEGIN
	FOR owned IN
		SELECT c.oid::regclass AS relation,
			   CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind
		  FROM pg_class AS c
		  JOIN pg_roles AS r ON r.oid = c.relowner AND r.rolsuper
		 WHERE (c.oid IN (SELECT m.relation FROM casnet_internal.managed_tables() AS m)
				OR c.oid IN (SELECT p.relid
							   FROM pg_partition_tree(to_regclass('casnet_internal.audit_entries')) AS p)
				OR c.oid IN (SELECT to_regclass(m.relation::text || '_load')
							   FROM casnet_internal.managed_tables() AS m
							  WHERE m.kind = 'tenant'))
	LOOP
		EXECUTE format('ALTER %s %s OWNER TO casnet_owner',
					   owned.kind, owned.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_owner() IS
	'internal: gives the tables and views to casnet_owner';

CREATE OR REPLACE FUNCTION casnet.install() RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	SET client_min_messages = warning
	AS $$
DECLARE
	before regclass[];
	installed record;
	version text;
BEGIN
	PERFORM casnet_internal.refuse_distributed('install');
	IF casnet_internal.is_operator() IS NOT TRUE THEN
		RAISE EXCEPTION 'only superusers may call casnet.install()'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Connect as a superuser and call it again.';
	END IF;

	SELECT coalesce(array_agg(relation), '{}') INTO before
	  FROM casnet_internal.managed_tables();

	PERFORM casnet_internal.install_search_configuration();
	PERFORM casnet_internal.install_search_vector();
	PERFORM casnet_internal.install_tables();
	PERFORM casnet_internal.install_owner();
	PERFORM casnet_internal.install_indexes();
	PERFORM casnet_internal.install_policies();

	-- They belong to the cluster: DROP OWNED in another database takes them, too.
	IF NOT has_parameter_privilege('casnet_authenticator', 'casnet.user_id', 'SET') THEN
		GRANT SET ON PARAMETER casnet.user_id TO casnet_authenticator;
	END IF;
	IF NOT has_parameter_privilege('casnet_user', 'casnet.tenant_id', 'SET') THEN
		GRANT SET ON PARAMETER casnet.tenant_id TO casnet_user;
	END IF;

	-- Before the triggers: no session knows anything yet that they would have it look up again.
	PERFORM casnet_internal.install_roles();
	PERFORM casnet_internal.install_role_permissions();
	IF NOT casnet_internal.run_as_owner('casnet_internal.signing_keys',
		'SELECT EXISTS (SELECT FROM casnet_internal.signing_keys)')::boolean THEN
		PERFORM casnet.add_signing_key('casnet-' ||
			left(translate(gen_random_uuid()::text, '-', ''), 16));
	END IF;
	PERFORM casnet_internal.install_triggers();
	PERFORM casnet_internal.bring_over_passwords();
	PERFORM casnet_internal.bring_over_names();
	PERFORM casnet_internal.install_load_views();
	PERFORM casnet_internal.install_comments();
	-- What a dump of a distributed database has brought.
	PERFORM casnet_internal.gather_audit();
	IF EXISTS (SELECT FROM casnet_internal.audited_tables()) THEN
		PERFORM casnet.maintain_audit();
	END IF;

	-- Privileges that somebody has changed stay changed.
	FOR installed IN
		SELECT relation FROM casnet_internal.managed_tables()
		 WHERE NOT relation = ANY (before)
	LOOP
		PERFORM casnet_internal.install_grants(installed.relation);
	END LOOP;

	-- For new views and partitions.
	PERFORM casnet_internal.install_owner();

	SELECT extversion INTO STRICT version
	  FROM pg_extension WHERE extname = 'casnet';
	EXECUTE format('COMMENT ON SCHEMA casnet IS %L',
				   'casnet: multi-tenant case management (schema version ' ||
				   version || ')');

	-- Last, since it also makes pg_dump forget which privileges it took for the
	-- extension's own.  The tables hold people's data and are dumped as people's
	-- tables.
	FOR installed IN
		SELECT t.relation
		  FROM casnet_internal.managed_tables() AS t
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
		SELECT 'FUNCTION casnet_internal.search_vector(regconfig, text, text)',
			   'pg_proc'::regclass,
			   'casnet_internal.search_vector(regconfig, text, text)'::regprocedure
	LOOP
		IF EXISTS (SELECT FROM pg_depend AS d
					WHERE d.classid = installed.catalog
					  AND d.objid = installed.oid AND d.deptype = 'e') THEN
			EXECUTE 'ALTER EXTENSION casnet DROP ' || installed.object;
		END IF;
	END LOOP;
	PERFORM casnet_internal.install_protection();
	RETURN version;
END
$$;
COMMENT ON FUNCTION casnet.install() IS
	'brings the tables to the version of the extension, whether absent, older, current or left bare; superusers only; returns the version';
