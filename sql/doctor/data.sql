-- casnet.doctor(): what is in the tables of casnet.
--
-- Reads rows of casnet and settings that only superusers see, so it is for
-- casnet_admin, who may know all that it returns.  Without the tables, as in a
-- restore, there is nothing to say.

-- The libraries that the server loads.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_libraries()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET standard_conforming_strings = on
	AS $$
DECLARE
	shared text := casnet_internal.preload_setting('shared_preload_libraries');
	own text := casnet_internal.preload_setting('session_preload_libraries');
BEGIN
	-- preload-shared: takes a restart.
	IF shared !~ '\mcasnet\M' THEN
		code := 'preload-shared';
		object := 'shared_preload_libraries';
		problem := 'Each connection counts failed logins for itself, so many connections can try in parallel.';
		remedy := format('ALTER SYSTEM SET shared_preload_libraries = %s; -- then restart the server',
						 casnet_internal.preload_with_casnet(shared));
		RETURN NEXT;

		-- preload-session: a value set before the library is loaded is checked
		-- only when it is.
		IF own !~ '\mcasnet\M'
		   AND NOT EXISTS (SELECT FROM pg_db_role_setting AS s
							CROSS JOIN LATERAL unnest(s.setconfig) AS c (text)
							WHERE s.setrole = 0
							  AND s.setdatabase IN (0,
								(SELECT d.oid FROM pg_database AS d
								  WHERE d.datname = current_database()))
							  AND c.text ~ '^session_preload_libraries=.*\mcasnet\M')
		THEN
			code := 'preload-session';
			object := 'session_preload_libraries';
			problem := 'The server refuses a bad value of a setting of casnet only after the first call of a function.';
			remedy := format('ALTER DATABASE %I SET session_preload_libraries = %s',
							 current_database(),
							 casnet_internal.preload_with_casnet(own));
			RETURN NEXT;
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_libraries() IS
	'internal: doctor() about libraries; for casnet_admin';

-- The keys that sign and verify tokens.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_signing_keys()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- Another check reports that somebody else owns the table.
	IF has_table_privilege(to_regclass('casnet_internal.signing_keys'), 'SELECT') THEN
		RETURN QUERY
		WITH live AS (
			SELECT k.kid, k.issuer, k.audience, k.created_at,
				   k.algorithm = 'HS256' AND k.issuer IS NULL
				   AND k.audience IS NULL AS signs
			  FROM casnet_internal.signing_keys AS k
			 WHERE k.retired_at IS NULL
		), own_key AS (
			SELECT l.*, lead(l.created_at) OVER (ORDER BY l.created_at, l.kid DESC)
				   AS replaced_at
			  FROM live AS l
			 WHERE l.signs
		)
		-- signing-key-missing: login() fails, and no token is good.
		SELECT 'signing-key-missing', 'casnet_internal.signing_keys',
			   'No live key verifies tokens, so nobody can sign in with one.',
			   format('SELECT casnet.add_signing_key(%L)',
					  'casnet-' || gen_random_uuid())
		 WHERE NOT EXISTS (SELECT FROM live)

		-- signing-key-old: the newest signs.
		UNION ALL
		SELECT 'signing-key-old', quote_literal(o.kid),
			   format('The key has signed tokens since %s; a year is long enough to lose one.',
					  to_char(o.created_at, 'YYYY-MM-DD')),
			   format('SELECT casnet.add_signing_key(%L)',
					  'casnet-' || gen_random_uuid())
		  FROM own_key AS o
		 WHERE o.replaced_at IS NULL AND o.created_at < now() - interval '1 year'

		-- signing-key-left: no token lives longer than a year, most half an
		-- hour.  What is retired ends its tokens at once.
		UNION ALL
		SELECT 'signing-key-left', quote_literal(o.kid),
			   format('Another key has signed tokens since %s, and this one still verifies them.',
					  to_char(o.replaced_at, 'YYYY-MM-DD')),
			   format('SELECT casnet.retire_signing_key(%L)', o.kid)
		  FROM own_key AS o
		 WHERE o.replaced_at < now() - interval '30 days'

		-- signing-key-issuer, signing-key-audience: of another's public key.
		UNION ALL
		SELECT 'signing-key-issuer', quote_literal(k.kid),
			   'Tokens signed with this outside key are good whatever issuer they name.',
			   format('-- SELECT casnet.retire_signing_key(%L); SELECT casnet.add_signing_key(''new kid'', ''the JWK'', issuer => ''the iss of its tokens'')',
					  k.kid)
		  FROM casnet_internal.signing_keys AS k
		 WHERE k.retired_at IS NULL AND k.algorithm <> 'HS256' AND k.issuer IS NULL
		UNION ALL
		SELECT 'signing-key-audience', quote_literal(k.kid),
			   'Tokens that the outside issuer made for another application are good here.',
			   format('-- SELECT casnet.retire_signing_key(%L); SELECT casnet.add_signing_key(''new kid'', ''the JWK'', issuer => %L, audience => ''the aud of its tokens'')',
					  k.kid, k.issuer)
		  FROM casnet_internal.signing_keys AS k
		 WHERE k.retired_at IS NULL AND k.algorithm <> 'HS256'
		   AND k.issuer IS NOT NULL AND k.audience IS NULL;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_signing_keys() IS
	'internal: doctor() about the keys of tokens; for casnet_admin';

CREATE OR REPLACE FUNCTION casnet_internal.password_scheme(
	user_id uuid, OUT scheme text, OUT cost text)
	LANGUAGE c STABLE STRICT
	AS 'MODULE_PATHNAME', 'casnet_password_scheme';
COMMENT ON FUNCTION casnet_internal.password_scheme(uuid) IS
	'internal: the scheme of the account''s password hash, and whether it is cheap, fair, slow or unbearable to verify; NULL without one';

-- The schemes of password hashes: what older systems wrote stays until its user logs in.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_passwords()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF (has_table_privilege(to_regclass('casnet_internal.password_hashes'), 'SELECT')
		AND has_table_privilege(to_regclass('casnet.users'), 'SELECT')) IS NOT TRUE THEN
		RETURN;
	END IF;
	-- password-unbearable, password-cheap, password-slow, password-old
	RETURN QUERY
	SELECT CASE s.cost WHEN 'fair' THEN 'password-old' ELSE 'password-' || s.cost END,
		   s.scheme,
		   format(CASE s.cost
				  WHEN 'unbearable' THEN 'The hashes of %s accounts cost too much to be verified, so none of them can log in. The first: %s.'
				  WHEN 'cheap' THEN 'The hashes of %s accounts can be guessed quickly by whoever gets them. The first: %s.'
				  WHEN 'slow' THEN 'A failed login to one of %s accounts takes longer than others, which reveals the account. The first: %s.'
				  ELSE 'The hashes of %s accounts are not of the scheme of new ones. The first: %s.' END,
				  count(*), (array_agg(u.username ORDER BY u.username))[1]),
		   CASE s.cost WHEN 'unbearable' THEN '-- SELECT casnet.set_password(id, ''a new password'') for each'
				ELSE '-- A login replaces the hash. Others get a new password: SELECT casnet.set_password(id, ''a new password'')' END
	  FROM casnet.users AS u
	 CROSS JOIN LATERAL casnet_internal.password_scheme(u.id) AS s
	 WHERE u.hashed_password IS NOT NULL AND s.scheme IS NOT NULL
	   AND (s.scheme, s.cost) <> ('yescrypt', 'fair')
	 GROUP BY s.scheme, s.cost;
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_passwords() IS
	'internal: doctor() about the schemes of password hashes; for casnet_admin';

-- Permissions, accounts and the owners of tenants.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_data()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	named record;
BEGIN
	-- Another check reports that somebody else owns a table.
	IF has_table_privilege(to_regclass('casnet_internal.protected'), 'SELECT') THEN
		-- permission-left: DROP TABLE leaves the permissions.  Members still hold them, and
		-- they count again once there is a new table with the same name.
		RETURN QUERY
		SELECT DISTINCT 'permission-left', p.resource,
			   format('The permissions of a protected table that was dropped are still there: %s.',
					  array_to_string(p.permissions, ', ')),
			   'SELECT casnet_internal.forget_protection(NULL)'
		  FROM casnet_internal.protected AS p
		 WHERE p.permissions <> '{}'
		   AND NOT EXISTS (
			SELECT FROM casnet_internal.protected AS o
			 WHERE o.resource = p.resource
			   AND casnet_internal.is_of_table(o.relation, o.tenant_column));
	END IF;

	IF has_table_privilege(to_regclass('casnet.role_permissions'), 'SELECT') THEN
		-- permission-unowned: nobody gives or takes away a role above their own.
		RETURN QUERY
		SELECT 'permission-unowned', p.permission,
			   format('Only administrators can give the role %s or take it away, since owner does not give this permission.',
					  string_agg(p.role, ', ' ORDER BY p.role)),
			   format('-- give it to owners, too: INSERT INTO casnet.role_permissions (role, permission) VALUES (''owner'', %L); if it is a typing error: DELETE FROM casnet.role_permissions WHERE permission = %L',
					  p.permission, p.permission)
		  FROM casnet.role_permissions AS p
		 WHERE NOT EXISTS (SELECT FROM casnet.role_permissions AS o
							WHERE o.role = 'owner' AND o.permission = p.permission)
		 GROUP BY p.permission;
	END IF;

	IF has_table_privilege(to_regclass('casnet.users'), 'SELECT') THEN
		-- password-hash-left: by an older version, or while triggers were off.
		RETURN QUERY
		SELECT 'password-hash-left', 'casnet.users',
			   format('Accounts whose hash is in the table: %s. None of them can log in with its password.',
					  count(*)),
			   'SELECT casnet.install()'
		  FROM casnet.users AS u
		 WHERE u.hashed_password !~ '^[$]casnet[$]'
		HAVING count(*) > 0;

		-- name-clash: from before it was refused, or while triggers were off.
		RETURN QUERY
		SELECT 'name-clash', 'casnet.users',
			   format('Usernames that are the email address of another account: %s. By such a name neither account can sign in or become a member.',
					  count(*)),
			   '-- Give one account of each pair another name: SELECT u.id, e.id FROM casnet.users AS u JOIN casnet.users AS e ON lower(e.email) = lower(u.username) AND e.id <> u.id'
		  FROM casnet.users AS u
		  JOIN casnet.users AS e
			ON lower(e.email) = lower(u.username) AND e.id <> u.id
		HAVING count(*) > 0;
	END IF;

	-- name-form: another row kept install() from changing it, or triggers were off.
	FOR named IN SELECT n.* FROM casnet_internal.named_columns() AS n LOOP
		BEGIN
			RETURN QUERY EXECUTE format(
				'SELECT %L, %L, format(%L, count(*)), %L FROM %s AS t '
				'WHERE t.%I <> %s(t.%I) HAVING count(*) > 0',
				'name-form', format('%s.%I', named.relation, named.name),
				'Names that are not in Unicode NFC, or have something invisible around them: %s. Nobody finds them by typing them.',
				format('-- SELECT casnet.install(); give those other names that it leaves: SELECT t.%I FROM %s AS t WHERE t.%I <> %s(t.%I)',
					   named.key, named.relation, named.name, named.form, named.name),
				named.relation, named.name, named.form, named.name);
		-- A node of Citus that cannot be reached.
		EXCEPTION WHEN connection_exception THEN
			RETURN QUERY SELECT 'node-unreachable', named.relation::text,
				format('Its rows cannot be read: %s', split_part(SQLERRM, E'\n', 1)),
				'-- start the server, or remove the node with citus_remove_node()';
		END;
	END LOOP;

	IF has_table_privilege(to_regclass('casnet.tenants'), 'SELECT')
	   AND has_table_privilege(to_regclass('casnet.user_tenants'), 'SELECT')
	   AND has_table_privilege(to_regclass('casnet.users'), 'SELECT') THEN
		RETURN QUERY
		WITH tenant AS (
			SELECT t.id, count(m.user_id) AS owners,
				   count(m.user_id) FILTER (WHERE u.is_active) AS active
			  FROM casnet.tenants AS t
			  LEFT JOIN casnet.user_tenants AS m
				ON m.tenant_id = t.id AND m.role = 'owner'
			  LEFT JOIN casnet.users AS u ON u.id = m.user_id
			 GROUP BY t.id
		)
		-- tenant-without-owner, tenant-owner-inactive: nobody there can manage
		-- or delete it.
		SELECT CASE t.owners WHEN 0 THEN 'tenant-without-owner'
					ELSE 'tenant-owner-inactive' END,
			   t.id::text,
			   CASE t.owners WHEN 0 THEN 'The tenant has no owner.'
					ELSE 'No owner of the tenant is an active user.' END,
			   format('-- INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (''the user'', %L, ''owner'')',
					  t.id)
		  FROM tenant AS t
		 WHERE t.active = 0;

		-- application-superusers
		RETURN QUERY
		SELECT 'application-superusers', 'casnet.users',
			   format('%s active users hold every permission in every tenant: %s.',
					  count(*), string_agg(u.username, ', ' ORDER BY u.username)),
			   '-- UPDATE casnet.users SET is_superuser = false WHERE username = ''one of them'''
		  FROM casnet.users AS u
		 WHERE u.is_superuser AND u.is_active
		HAVING count(*) > 3;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_data() IS
	'internal: doctor() about permissions, accounts and owners of tenants; for casnet_admin';

-- What events_between() and export_calendar() read.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_calendar()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- event-unreadable: written by an older version, with the time zones of another server,
	-- or while triggers were off.
	IF has_table_privilege(to_regclass('casnet.calendar_events'), 'SELECT') THEN
		RETURN QUERY
		WITH read AS (
			SELECT e.time_zone, e.recurrence_rule, count(*) AS events,
				   min(e.id::text COLLATE "C") AS first
			  FROM casnet.calendar_events AS e
			 GROUP BY e.time_zone, e.recurrence_rule
		)
		SELECT 'event-unreadable', 'casnet.calendar_events',
			   format('Events whose time zone or recurrence rule cannot be read: %s, such as %s. %s events_between() fails in their tenants.',
					  sum(r.events), (array_agg(r.first ORDER BY r.first))[1],
					  (array_agg(p.problem ORDER BY r.first))[1]),
			   '-- Give them others: SELECT tenant_id, id, time_zone, recurrence_rule FROM casnet.calendar_events WHERE casnet_internal.event_problem(time_zone, recurrence_rule) IS NOT NULL'
		  FROM read AS r
		 CROSS JOIN LATERAL (SELECT casnet_internal.event_problem(r.time_zone,
																  r.recurrence_rule)) AS p (problem)
		 WHERE p.problem IS NOT NULL
		HAVING count(*) > 0;
	END IF;
-- A node of Citus that cannot be reached.
EXCEPTION WHEN connection_exception THEN
	RETURN QUERY SELECT 'node-unreachable', 'casnet.calendar_events',
		format('Its rows cannot be read: %s', split_part(SQLERRM, E'\n', 1)),
		'-- start the server, or remove the node with citus_remove_node()';
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_calendar() IS
	'internal: doctor() about events that cannot be read; for casnet_admin';
