/* casnet: multi-tenant case management with isolation enforced in the server */

-- complain if the script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION casnet" to load this file. \quit

-- The bodies name tables that a restore makes only afterwards.
SET LOCAL check_function_bodies = off;

-- What is made here runs with the privileges of a superuser or is run by one,
-- so nobody else may own its schemas or be able to put objects into them.
DO $$
DECLARE
	trouble text;
BEGIN
	SELECT CASE
			WHEN NOT o.rolsuper AND o.rolname NOT IN (current_user, 'casnet_owner')
				THEN format('Schema %I belongs to %I.', n.nspname, o.rolname)
			WHEN EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) AS a
						 WHERE a.privilege_type = 'CREATE'
						   AND a.grantee NOT IN (
							n.nspowner,
							-- not 0, which is PUBLIC
							coalesce(pg_catalog.to_regrole('casnet_owner'),
									 n.nspowner)))
				THEN format('Another role than its owner may create objects in schema %I.',
							n.nspname)
			ELSE (SELECT format('Role %I owns something in schema %I.', r.rolname, n.nspname)
					FROM (SELECT relowner, relnamespace FROM pg_catalog.pg_class
						  UNION SELECT proowner, pronamespace FROM pg_catalog.pg_proc
						  UNION SELECT typowner, typnamespace FROM pg_catalog.pg_type
						  UNION SELECT oprowner, oprnamespace FROM pg_catalog.pg_operator
						  UNION SELECT opcowner, opcnamespace FROM pg_catalog.pg_opclass
						  UNION SELECT opfowner, opfnamespace FROM pg_catalog.pg_opfamily
						  UNION SELECT collowner, collnamespace FROM pg_catalog.pg_collation
						  UNION SELECT conowner, connamespace FROM pg_catalog.pg_conversion
						  UNION SELECT cfgowner, cfgnamespace FROM pg_catalog.pg_ts_config
						  UNION SELECT dictowner, dictnamespace FROM pg_catalog.pg_ts_dict
						  UNION SELECT stxowner, stxnamespace FROM pg_catalog.pg_statistic_ext
						 ) AS thing (owner, namespace)
					JOIN pg_catalog.pg_roles AS r ON r.oid = thing.owner
				   WHERE thing.namespace = n.oid AND NOT r.rolsuper
					 AND r.rolname NOT IN (current_user, 'casnet_owner')
				   ORDER BY r.rolname LIMIT 1)
			END
	  INTO trouble
	  FROM pg_catalog.pg_namespace AS n
	  JOIN pg_catalog.pg_roles AS o ON o.oid = n.nspowner
	 WHERE n.nspname IN ('casnet', 'casnet_internal')
	 ORDER BY 1 NULLS LAST LIMIT 1;
	IF trouble IS NOT NULL THEN
		RAISE EXCEPTION 'schema casnet cannot be trusted'
			USING ERRCODE = 'insufficient_privilege', DETAIL = trouble,
				  HINT = 'Drop or rename the schema. One of a superuser, where nobody else may create or owns anything, is taken.';
	END IF;
END
$$;

-- Machinery and internal tables.  The schema is no member of the extension, since it
-- holds people's tables: a dump has it, and it outlives DROP EXTENSION.
DO $$
BEGIN
	IF pg_catalog.to_regnamespace('casnet_internal') IS NULL THEN
		CREATE SCHEMA casnet_internal;
		ALTER EXTENSION casnet DROP SCHEMA casnet_internal;
		COMMENT ON SCHEMA casnet_internal IS
			'casnet: machinery, and tables that only its functions read';
	END IF;
END
$$;

-- For the next block only.
CREATE FUNCTION casnet.grant_setting(setting text, role_name text) RETURNS void
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_grant_setting';

-- Roles belong to the cluster: another database may have made them already.
DO $$
DECLARE
	role_name text;
	meaning text;
BEGIN
	FOR role_name, meaning IN VALUES
		('casnet_user',
		 'casnet: applications; sees and changes what the policies allow'),
		('casnet_authenticator',
		 'casnet: trusted backends; casnet_user that may set casnet.user_id'),
		('casnet_admin',
		 'casnet: manages users, tenants and role permissions'),
		('casnet_owner',
		 'casnet: owns its tables and functions; nobody is a member')
	LOOP
		IF pg_catalog.to_regrole(role_name) IS NULL THEN
			BEGIN
				EXECUTE format('CREATE ROLE %I NOLOGIN %s', role_name,
							   CASE role_name WHEN 'casnet_owner'
									THEN 'BYPASSRLS' END);
				EXECUTE format('COMMENT ON ROLE %I IS %L', role_name, meaning);
			EXCEPTION WHEN duplicate_object OR unique_violation THEN
				NULL;			-- made by another session just now
			END;
		END IF;
	END LOOP;

	-- It sees through the policies of its own tables, for functions that judge the
	-- session themselves; and that is all.
	IF EXISTS (SELECT FROM pg_catalog.pg_roles AS r
			   WHERE r.rolname = 'casnet_owner'
				 AND (r.rolsuper OR r.rolcanlogin OR r.rolcreaterole
					  OR r.rolcreatedb OR r.rolreplication))
	   OR EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m
				  WHERE pg_catalog.to_regrole('casnet_owner')
						IN (m.roleid, m.member)
					AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r
									WHERE r.oid = m.member AND r.rolsuper)) THEN
		RAISE EXCEPTION 'role casnet_owner has powers or members'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Drop or rename the role, or take them away.';
	END IF;
	IF NOT (SELECT r.rolbypassrls FROM pg_catalog.pg_roles AS r
			WHERE r.rolname = 'casnet_owner') THEN
		ALTER ROLE casnet_owner BYPASSRLS;
	END IF;

	-- Only if need be: two databases that do it at once update the same row.
	IF NOT has_parameter_privilege('casnet_authenticator', 'casnet.user_id',
								   'SET') THEN
		PERFORM casnet.grant_setting('casnet.user_id', 'casnet_authenticator');
	END IF;
	-- Anybody may set it once the library is loaded; ALTER ROLE asks before.
	IF NOT has_parameter_privilege('casnet_user', 'casnet.tenant_id',
								   'SET') THEN
		PERFORM casnet.grant_setting('casnet.tenant_id', 'casnet_user');
	END IF;
END
$$;
DROP FUNCTION casnet.grant_setting(text, text);

GRANT casnet_user TO casnet_authenticator;
GRANT USAGE ON SCHEMA casnet, casnet_internal
	TO casnet_user, casnet_admin, casnet_owner;
-- For the partitions of the audit.
GRANT CREATE ON SCHEMA casnet_internal TO casnet_owner;
