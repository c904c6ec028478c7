-- Import of the members of a tenant from JSON documents.

CREATE OR REPLACE FUNCTION casnet_internal.find_account(username text, email text) RETURNS uuid
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenant_id uuid := casnet.tenant_with('manage_users');
BEGIN
	-- The collation is not the caller's; see find_user().
	RETURN (SELECT u.id FROM casnet.users AS u
			WHERE lower(u.username) = lower(left(casnet_internal.account_name_form(find_account.username COLLATE "default"), 2001))
			  AND lower(u.email) = lower(left(casnet_internal.account_name_form(find_account.email COLLATE "default"), 2001)));
END
$$;
COMMENT ON FUNCTION casnet_internal.find_account(text, text) IS
	'internal: the account with a username and an email address, for whoever may add it';

-- All members that have no account are named at once.  importer is NULL for a superuser.
CREATE OR REPLACE FUNCTION casnet_internal.find_members(
	documents regclass, document_column name, batches jsonb, importer uuid)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	usernames text[] := '{}';
	accounts uuid[] := '{}';
	missing text[] := '{}';
	account uuid;
	range record;
	document record;
BEGIN
	FOR batch IN coalesce((batches->0)::bigint, 0)..coalesce((batches->1)::bigint, -1) LOOP
		range := casnet_internal.document_range(batch);
		FOR document IN EXECUTE format(
			'SELECT s.d#>>''{row,username}'' AS username, s.d#>>''{row,email}'' AS email '
			'FROM %s AS s WHERE s.d->>''table'' = %L',
			casnet_internal.document_source(documents, document_column), 'members')
			USING range.first, range.last
		LOOP
			IF importer IS NULL THEN
				account := (SELECT u.id FROM casnet.users AS u
					WHERE lower(u.username) = lower(left(casnet_internal.account_name_form(document.username), 2001))
					  AND lower(u.email) = lower(left(casnet_internal.account_name_form(document.email), 2001)));
			ELSE
				account := casnet_internal.find_account(document.username, document.email);
			END IF;
			usernames := array_append(usernames, document.username);
			accounts := array_append(accounts, account);
			IF account IS NULL THEN
				missing := array_append(missing, format('%s <%s>',
					left(document.username, 200), left(document.email, 200)));
			END IF;
		END LOOP;
	END LOOP;
	IF missing <> '{}' THEN
		RAISE EXCEPTION 'members of the documents have no account'
			USING ERRCODE = 'P0002', DETAIL = array_to_string(missing, E'\n'),
				  HINT = 'Members need accounts with the same username and email address. An administrator makes them with casnet.create_user().';
	ELSIF cardinality(accounts) <> (SELECT count(DISTINCT a) FROM unnest(accounts) AS a) THEN
		RAISE EXCEPTION 'a member occurs twice in the documents'
			USING ERRCODE = 'unique_violation',
				  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
	END IF;
	RETURN jsonb_object(usernames, accounts::text[]);
END
$$;
COMMENT ON FUNCTION casnet_internal.find_members(regclass, name, jsonb, uuid) IS
	'internal: the accounts of the members of documents, by username, or an error that names all who have none';

-- The importer's own membership waits until everything is in.
CREATE OR REPLACE FUNCTION casnet_internal.import_members(
	documents regclass, document_column name, batches jsonb, target uuid,
	importer uuid, members jsonb)
	RETURNS tid
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	account uuid;
	importer_at tid;
	range record;
	document record;
	at tid;
BEGIN
	FOR batch IN coalesce((batches->0)::bigint, 0)..coalesce((batches->1)::bigint, -1) LOOP
		range := casnet_internal.document_range(batch);
		FOR document IN EXECUTE format(
			'SELECT s.ctid AS at, s.d->''row'' AS r FROM %s AS s '
			'WHERE s.d->>''table'' = %L',
			casnet_internal.document_source(documents, document_column), 'members')
			USING range.first, range.last
		LOOP
			at := document.at;
			account := (members->>(document.r->>'username'))::uuid;
			IF account = importer AND EXISTS
				(SELECT FROM casnet.user_tenants AS m
				  WHERE m.user_id = account
					AND m.tenant_id = target) THEN
				importer_at := document.at;
			ELSE
				INSERT INTO casnet.user_tenants AS m
					(user_id, tenant_id, role, created_at)
				VALUES (account, target,
						document.r->>'role',
						(document.r->>'created_at')::timestamptz)
				ON CONFLICT (user_id, tenant_id) DO UPDATE
				   SET role = excluded.role, created_at = excluded.created_at
				 WHERE (m.role, m.created_at)
					IS DISTINCT FROM (excluded.role, excluded.created_at);
			END IF;
			INSERT INTO casnet.user_tenant_permissions
				(user_id, tenant_id, permission)
			SELECT account, target, p
			  FROM jsonb_array_elements_text(document.r->'permissions') AS p
			ON CONFLICT DO NOTHING;
		END LOOP;
	END LOOP;
	RETURN importer_at;
EXCEPTION
	WHEN unique_violation THEN
		RAISE;
	WHEN data_exception OR integrity_constraint_violation THEN
		-- Before the first document it is no document's fault.
		IF at IS NULL THEN
			RAISE;
		END IF;
		PERFORM casnet_internal.refuse_document(documents, document_column, at,
									   SQLERRM);
END
$$;
COMMENT ON FUNCTION casnet_internal.import_members(regclass, name, jsonb, uuid, uuid, jsonb) IS
	'internal: adds the members of documents to a tenant; returns where the importer''s own document is';

CREATE OR REPLACE FUNCTION casnet_internal.import_importer(
	documents regclass, document_column name, at tid, target uuid,
	importer uuid)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	document jsonb;
BEGIN
	EXECUTE format('SELECT s.d->''row'' FROM %s AS s',
				   casnet_internal.document_source(documents, document_column))
	   INTO document USING at, at;
	UPDATE casnet.user_tenants AS m
	   SET created_at = (document->>'created_at')::timestamptz,
		   role = CASE WHEN EXISTS
				(SELECT FROM casnet.user_tenants AS o
				  WHERE o.tenant_id = target
					AND o.role = 'owner' AND o.user_id <> importer)
			THEN document->>'role' ELSE m.role END
	 WHERE m.tenant_id = target AND m.user_id = importer;
EXCEPTION
	WHEN data_exception OR integrity_constraint_violation THEN
		PERFORM casnet_internal.refuse_document(documents, document_column, at,
									   SQLERRM);
END
$$;
COMMENT ON FUNCTION casnet_internal.import_importer(regclass, name, tid, uuid, uuid) IS
	'internal: gives the importer the exported date of joining, and the exported role if another owner is left';
