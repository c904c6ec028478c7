-- Accounts: passwords, and who may use them.
--
-- C all the way, so that no key, hash or digest is ever a value of SQL.  A password
-- or token is one only as a client gives or gets it.  Functions for administrators
-- and users alike run as their caller and judge the role, or else the session.  C
-- writes the tables of secrets, with no privilege and no policy.  Functions that
-- read or write accounts by SQL, without secrets, are SECURITY DEFINER.

CREATE OR REPLACE FUNCTION casnet.hash_password(password text) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 100000
	AS 'MODULE_PATHNAME', 'casnet_hash_password';
COMMENT ON FUNCTION casnet.hash_password(text) IS
	'the yescrypt hash of a password of 8 to 1024 bytes';

CREATE OR REPLACE FUNCTION casnet.change_password(old text, new text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_change_password';
COMMENT ON FUNCTION casnet.change_password(text, text) IS
	'changes one''s own password and ends all other tokens';

CREATE OR REPLACE FUNCTION casnet.set_password(user_id uuid, new text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_set_password';
COMMENT ON FUNCTION casnet.set_password(uuid, text) IS
	'sets the password of an account and ends its tokens; for administrators';

CREATE OR REPLACE FUNCTION casnet.create_user(
	username text, email text, password text, full_name text DEFAULT NULL,
	is_superuser boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_create_user';
COMMENT ON FUNCTION casnet.create_user(text, text, text, text, boolean) IS
	'creates an account, without a password login if the password is null; for administrators';

CREATE OR REPLACE FUNCTION casnet_internal.free_membership(user_id uuid, tenant_id uuid, is_removed boolean)
	RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_free_membership';
COMMENT ON FUNCTION casnet_internal.free_membership(uuid, uuid, boolean) IS
	'internal: ends sessions that hold a membership, or what is deleted with it, for more than some seconds';

CREATE OR REPLACE FUNCTION casnet_internal.free_account(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_free_account';
COMMENT ON FUNCTION casnet_internal.free_account(uuid) IS
	'internal: ends sessions that hold an account for more than some seconds';

CREATE OR REPLACE FUNCTION casnet_internal.set_active_in_session(user_id uuid, is_active boolean)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- Raises an error unless the user of the session may.
	PERFORM casnet_internal.free_account(set_active_in_session.user_id);
	UPDATE casnet.users AS u SET is_active = set_active_in_session.is_active
	 WHERE u.id = set_active_in_session.user_id;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casnet_internal.set_active_in_session(uuid, boolean) IS
	'internal: deactivate_user() and reactivate_user() for superusers of the application';

CREATE OR REPLACE FUNCTION casnet_internal.set_active(user_id uuid, is_active boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	done boolean;
BEGIN
	IF set_active.user_id IS NULL THEN
		RAISE EXCEPTION 'the user is null'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the id of an account.';
	END IF;
	IF casnet_internal.is_administrator() THEN
		PERFORM casnet_internal.free_account(set_active.user_id);
		UPDATE casnet.users AS u SET is_active = set_active.is_active
		 WHERE u.id = set_active.user_id;
		done := FOUND;
	ELSE
		done := casnet_internal.set_active_in_session(set_active.user_id,
											 set_active.is_active);
	END IF;
	IF done IS NOT TRUE THEN
		RAISE EXCEPTION 'there is no such user'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the id of an account.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.set_active(uuid, boolean) IS
	'internal: deactivate_user() and reactivate_user()';

CREATE OR REPLACE FUNCTION casnet.deactivate_user(user_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet_internal.set_active(deactivate_user.user_id, false);
END
$$;
COMMENT ON FUNCTION casnet.deactivate_user(uuid) IS
	'the account may do nothing from the next statement on, whatever its sessions hold; for administrators';

CREATE OR REPLACE FUNCTION casnet.reactivate_user(user_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet_internal.set_active(reactivate_user.user_id, true);
END
$$;
COMMENT ON FUNCTION casnet.reactivate_user(uuid) IS
	'the account may do what it could before deactivate_user(); for administrators';

-- The account of the last row that was read is the present one's as well if both have the
-- same names, so that a row for each membership will do.
CREATE OR REPLACE FUNCTION casnet.adopt_users(source regclass)
	RETURNS TABLE (username text, email text, tenant text, problem text)
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
#variable_conflict use_column
DECLARE
	entries jsonb[];
	one jsonb;
	entry record;
	last record;
	account uuid;
	member_of uuid;
BEGIN
	SELECT NULL::text AS username, NULL::text AS email INTO last;
	-- All at once: a cursor ends when rights change, as they do with each row.
	EXECUTE format('SELECT array_agg(t.j ORDER BY t.j->>''username'', t.j->>''email'', t.j->>''tenant'') '
				   'FROM (SELECT to_jsonb(s) AS j FROM %s AS s) AS t', source)
	   INTO entries;
	FOREACH one IN ARRAY coalesce(entries, '{}') LOOP
		SELECT * FROM jsonb_to_record(one) AS r (
			id text, username text, email text, full_name text, hashed_password text,
			is_active text, tenant text, role text) INTO entry;
		IF account IS NULL OR (entry.username, entry.email) IS DISTINCT FROM (last.username, last.email) THEN
			account := NULL;
			last := entry;
			BEGIN
				INSERT INTO casnet.users (id, username, email, full_name, hashed_password, is_active)
				VALUES (coalesce(entry.id::uuid, casnet.uuid_v7()), entry.username, entry.email,
						entry.full_name, entry.hashed_password,
						coalesce(entry.is_active::boolean, true))
				RETURNING id INTO account;
			EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
				problem := SQLERRM;
			END;
		END IF;
		IF account IS NOT NULL AND entry.tenant IS NOT NULL THEN
			BEGIN
				-- No name of a tenant is a UUID.
				IF entry.tenant ~ '^[0-9A-Fa-f-]{36}$' THEN
					member_of := entry.tenant::uuid;
				ELSE
					SELECT t.id INTO STRICT member_of FROM casnet.tenants AS t
					 WHERE t.name = casnet_internal.name_form(entry.tenant);
				END IF;
				INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
				VALUES (account, member_of, coalesce(entry.role, 'member'));
			EXCEPTION WHEN no_data_found THEN
				problem := 'there is no such tenant';
			WHEN data_exception OR integrity_constraint_violation THEN
				problem := SQLERRM;
			END;
		END IF;
		IF problem IS NOT NULL THEN
			username := entry.username;
			email := entry.email;
			tenant := entry.tenant;
			RETURN NEXT;
			problem := NULL;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet.adopt_users(regclass) IS
	'makes accounts and memberships of the rows of a table or view, and returns those that it could not take with the reason; for casnet_admin';
