
-- For the next block only.
CREATE OR REPLACE FUNCTION casnet.grant_unrecorded(statement text) RETURNS void
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_grant_unrecorded';

-- Roles belong to the cluster, so another database can have made them already.
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

	-- Whoever made them can have given them more, for themselves or for later members.
	SELECT r.rolname INTO role_name
	  FROM pg_catalog.pg_roles AS r
	 WHERE r.rolname IN ('casnet_user', 'casnet_authenticator', 'casnet_admin')
	   AND (r.rolsuper OR r.rolcanlogin OR r.rolcreaterole OR r.rolcreatedb
			OR r.rolreplication OR r.rolbypassrls)
	 ORDER BY 1 LIMIT 1;
	IF role_name IS NOT NULL THEN
		RAISE EXCEPTION 'role % may log in or has powers', role_name
			USING ERRCODE = 'insufficient_privilege',
				  HINT = format('Find out who made it. Then drop or rename it, or run ALTER ROLE %I NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS.',
								role_name);
	END IF;

	-- The owner sees through the policies of its own tables, for functions that judge the
	-- session themselves.  It has no other power.
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
				  HINT = 'Drop or rename the role, or take the powers and members away.';
	END IF;
	IF NOT (SELECT r.rolbypassrls FROM pg_catalog.pg_roles AS r
			WHERE r.rolname = 'casnet_owner') THEN
		ALTER ROLE casnet_owner BYPASSRLS;
	END IF;

	-- Only if it is missing: two databases that grant it at once would update the same row.
	IF NOT has_parameter_privilege('casnet_authenticator', 'casnet.user_id',
								   'SET') THEN
		PERFORM casnet.grant_unrecorded(
			'GRANT SET ON PARAMETER casnet.user_id TO casnet_authenticator');
	END IF;
	-- Anybody may set it once the library is loaded; before that, ALTER ROLE asks for this.
	IF NOT has_parameter_privilege('casnet_user', 'casnet.tenant_id',
								   'SET') THEN
		PERFORM casnet.grant_unrecorded(
			'GRANT SET ON PARAMETER casnet.tenant_id TO casnet_user');
	END IF;
END
$$;
DROP FUNCTION casnet.grant_unrecorded(text);

GRANT casnet_user TO casnet_authenticator;
GRANT USAGE ON SCHEMA casnet, casnet_internal
	TO casnet_user, casnet_admin, casnet_owner;
-- For the partitions of the audit.
GRANT CREATE ON SCHEMA casnet_internal TO casnet_owner;
