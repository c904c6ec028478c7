-- Import of a tenant from JSON documents.
--
-- Import runs as its caller, who names the table with the documents.  Nobody
-- else's rights touch that table, and the rows are inserted under the policies,
-- the triggers and the keys.  Other rights only make a tenant with its old
-- date, and look up accounts.

CREATE OR REPLACE FUNCTION casnet_internal.reissue_uuid(id uuid, tenant_id uuid) RETURNS uuid
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_reissue_uuid';
COMMENT ON FUNCTION casnet_internal.reissue_uuid(uuid, uuid) IS
	'the id that a row gets as a copy in that tenant: the time of the old one, and a digest of both';

CREATE OR REPLACE FUNCTION casnet_internal.found_imported_tenant(
	name text, description text, created_at timestamptz)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	founder uuid := casnet_internal.require_user();
	tenant_id uuid := casnet.uuid_v7();
BEGIN
	INSERT INTO casnet.tenants (id, name, description, created_at)
	VALUES (tenant_id, found_imported_tenant.name,
			found_imported_tenant.description,
			found_imported_tenant.created_at);
	INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
	VALUES (founder, tenant_id, 'owner');
	RETURN tenant_id;
END
$$;
COMMENT ON FUNCTION casnet_internal.found_imported_tenant(text, text, timestamptz) IS
	'internal: a new tenant of the user of this session, with the creation time given';

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

-- Members come before all else, since tasks name them; importer is NULL for a
-- superuser.  The importer's own membership waits until everything is in.
CREATE OR REPLACE FUNCTION casnet_internal.import_members(
	documents regclass, document_column name, batches jsonb, target uuid,
	importer uuid, OUT members jsonb, OUT importer_at tid)
	RETURNS record
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	usernames text[] := '{}';
	accounts uuid[] := '{}';
	account uuid;
	range record;
	document record;
	at tid;
BEGIN
	members := '{}';
	IF batches IS NULL THEN
		RETURN;
	END IF;
	FOR batch IN (batches->0)::bigint..(batches->1)::bigint LOOP
		range := casnet_internal.document_range(batch);
		FOR document IN EXECUTE format(
			'SELECT s.ctid AS at, s.d->''row'' AS r FROM %s AS s '
			'WHERE s.d->>''table'' = %L',
			casnet_internal.document_source(documents, document_column), 'members')
			USING range.first, range.last
		LOOP
			at := document.at;
			IF importer IS NULL THEN
				account := (SELECT u.id FROM casnet.users AS u
					WHERE lower(u.username) = lower(left(casnet_internal.account_name_form(document.r->>'username'), 2001))
					  AND lower(u.email) = lower(left(casnet_internal.account_name_form(document.r->>'email'), 2001)));
			ELSE
				account := casnet_internal.find_account(document.r->>'username',
											   document.r->>'email');
			END IF;
			IF account IS NULL THEN
				RAISE EXCEPTION 'there is no account "%" with the email address of the documents',
						document.r->>'username'
					USING ERRCODE = 'P0002',
						  HINT = 'All members need accounts; an administrator makes them with casnet.create_user().';
			END IF;
			usernames := array_append(usernames, document.r->>'username');
			accounts := array_append(accounts, account);

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

	members := jsonb_object(usernames, accounts::text[]);
	IF cardinality(accounts) <> (SELECT count(DISTINCT a)
								   FROM unnest(accounts) AS a) THEN
		RAISE EXCEPTION 'a member occurs twice in the documents'
			USING ERRCODE = 'unique_violation',
				  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
	END IF;
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
COMMENT ON FUNCTION casnet_internal.import_members(regclass, name, jsonb, uuid, uuid, OUT jsonb, OUT tid) IS
	'internal: adds the members of documents to a tenant; returns their ids by name, and where the importer''s own document is';

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

CREATE OR REPLACE FUNCTION casnet_internal.import_rows(
	documents regclass, document_column name, table_name text, batches jsonb,
	target uuid, members jsonb, keep_ids boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- No table has a longer name, and the server cannot quote a text of any length.
	source CONSTANT text := format(
		'(SELECT s.ctid, s.d->''row'' AS r FROM %s AS s '
		'WHERE s.d->>''table'' = %L OFFSET 0)',
		casnet_internal.document_source(documents, document_column),
		left(table_name, 64));
	statement text;
	range record;
	at tid;
BEGIN
	IF batches IS NULL THEN
		RETURN;
	END IF;
	SELECT format('INSERT INTO casnet.%I (tenant_id, %s) '
				  'SELECT $3, %s FROM %s AS x',
				  import_rows.table_name,
				  string_agg(quote_ident(
					CASE d.key WHEN 'assignee' THEN 'assignee_id'
						ELSE d.key END), ', '),
				  string_agg(CASE rtrim(d.kind, '?')
					WHEN 'uuid' THEN
						format(CASE WHEN keep_ids THEN '(x.r->>%L)::uuid'
							ELSE 'casnet_internal.reissue_uuid((x.r->>%L)::uuid, $3)'
							END, d.key)
					WHEN 'time' THEN format('(x.r->>%L)::timestamptz', d.key)
					WHEN 'date' THEN format('(x.r->>%L)::date', d.key)
					WHEN 'boolean' THEN format('(x.r->>%L)::boolean', d.key)
					WHEN 'object' THEN format('x.r->%L', d.key)
					WHEN 'member' THEN
						format('casnet_internal.document_member($4, x.r->>%L)', d.key)
					ELSE format('x.r->>%L', d.key) END, ', '),
				  source)
	  INTO STRICT statement
	  FROM casnet_internal.document_keys() AS d
	 WHERE d.table_name = import_rows.table_name;

	FOR batch IN (batches->0)::bigint..(batches->1)::bigint LOOP
		range := casnet_internal.document_range(batch);
		BEGIN
			EXECUTE statement
			  USING range.first, range.last, target, members;
		EXCEPTION
			WHEN data_exception OR integrity_constraint_violation THEN
				-- Once more, one by one, to find out which document it is.
				BEGIN
					FOR at IN EXECUTE format('SELECT x.ctid FROM %s AS x',
											 source)
						USING range.first, range.last
					LOOP
						EXECUTE statement USING at, at, target, members;
					END LOOP;
				EXCEPTION
					WHEN unique_violation THEN
						RAISE;
					WHEN data_exception OR integrity_constraint_violation THEN
						PERFORM casnet_internal.refuse_document(
							documents, document_column, at, SQLERRM);
				END;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.import_rows(regclass, name, text, jsonb, uuid, jsonb, boolean) IS
	'internal: inserts the documents of one table into it';

CREATE OR REPLACE FUNCTION casnet.import_tenant(
	documents regclass, name text DEFAULT NULL, tenant_id uuid DEFAULT NULL,
	keep_ids boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	-- So that the active tenant is the caller's again at the end.
	SET casnet.tenant_id = ''
	-- LLVM keeps memory for each of the many statements that it compiles.
	SET jit = off
	AS $$
DECLARE
	tables CONSTANT text[] :=
		'{persons, records, tags, record_tags, tasks, calendar_events}';
	document_column CONSTANT name := casnet_internal.document_column(documents);
	importer uuid;
	target uuid;
	table_name text;
	is_filled boolean;
	checked record;
	new_name text;
	founded_at timestamptz;
	imported record;
BEGIN
	IF import_tenant.tenant_id IS NOT NULL AND import_tenant.name IS NOT NULL
	THEN
		RAISE EXCEPTION 'a tenant that exists keeps its name'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the name of a new tenant, or the id of an empty one.';
	END IF;
	-- A superuser needs no session, and does not become a member.
	IF NOT casnet_internal.is_operator() THEN
		importer := casnet_internal.require_user();
	END IF;
	PERFORM casnet_internal.lock_documents(documents);

	IF import_tenant.tenant_id IS NOT NULL THEN
		IF importer IS NULL THEN
			target := casnet_internal.existing_tenant(import_tenant.tenant_id);
		ELSE
			target := casnet_internal.managed_tenant(import_tenant.tenant_id);
		END IF;
		PERFORM set_config('casnet.tenant_id', target::text, true);
		-- From here on nobody else adds rows.
		PERFORM FROM casnet.tenants AS t WHERE t.id = target FOR UPDATE;
		FOREACH table_name IN ARRAY tables LOOP
			EXECUTE format('SELECT EXISTS (SELECT FROM casnet.%I AS t '
						   'WHERE t.tenant_id = $1)', table_name)
			   INTO is_filled USING target;
			IF is_filled THEN
				RAISE EXCEPTION 'the tenant is not empty'
					USING ERRCODE = 'object_not_in_prerequisite_state',
						  DETAIL = format('There are rows in casnet.%I.', table_name),
						  HINT = 'Import into a new tenant, or delete the rows first.';
			END IF;
		END LOOP;
	END IF;

	checked := casnet_internal.check_documents(documents, document_column);
	PERFORM casnet_internal.check_document_roles(documents, document_column,
		checked.batches->'members');
	IF target IS NULL THEN
		new_name := coalesce(import_tenant.name, checked.header->>'name');
		IF casnet_internal.name_form(new_name) = '' THEN
			RAISE EXCEPTION 'the name of the tenant is blank'
				USING ERRCODE = 'invalid_parameter_value',
					  HINT = 'Give the tenant a name.';
		END IF;
		BEGIN
			founded_at := (checked.header->>'created_at')::timestamptz;
		EXCEPTION WHEN data_exception THEN
			RAISE EXCEPTION 'the header of the documents cannot be imported'
				USING ERRCODE = 'invalid_parameter_value', DETAIL = SQLERRM,
					  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
		END;
		IF importer IS NULL THEN
			target := casnet.uuid_v7();
			INSERT INTO casnet.tenants (id, name, description, created_at)
			VALUES (target, new_name, checked.header->>'description',
					founded_at);
		ELSE
			target := casnet_internal.found_imported_tenant(
				new_name, checked.header->>'description', founded_at);
		END IF;
		PERFORM set_config('casnet.tenant_id', target::text, true);
	END IF;

	imported := casnet_internal.import_members(documents, document_column,
		checked.batches->'members', target, importer);
	FOREACH table_name IN ARRAY tables LOOP
		PERFORM casnet_internal.import_rows(documents, document_column, table_name,
			checked.batches->table_name, target, imported.members, keep_ids);
	END LOOP;
	IF imported.importer_at IS NOT NULL THEN
		PERFORM casnet_internal.import_importer(documents, document_column,
			imported.importer_at, target, importer);
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION casnet.import_tenant(regclass, text, uuid, boolean) IS
	'makes a tenant, or fills an empty one, from the documents of export_tenant() in a table with one jsonb column; returns its id';
