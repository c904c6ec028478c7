-- What was changed, for the users of a tenant.  Reading it takes view_analytics and no
-- permission for the single tables: whoever reads the audit reads what was ever written
-- to any of them, also what the policies hide today.  Undeleting a row takes the
-- permissions to insert and to see it: it shows what the row was when it was deleted, to
-- somebody who could have read it then, and nothing of before.

-- Raises 22023 for arguments of audit_log() that cannot be meant.
CREATE OR REPLACE FUNCTION casnet_internal.check_audit_page(
	until timestamptz, max_rows integer, before_id uuid, action text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF check_audit_page.max_rows IS NULL
	   OR check_audit_page.max_rows NOT BETWEEN 1 AND 10000 THEN
		RAISE EXCEPTION 'max_rows is not between 1 and 10000'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Read more by pages: give the at and the id of the last row as until and before_id.';
	ELSIF check_audit_page.before_id IS NOT NULL AND check_audit_page.until IS NULL THEN
		RAISE EXCEPTION 'before_id was given without until'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the at and the id of the last row as until and before_id.';
	ELSIF check_audit_page.action NOT IN ('INSERT', 'UPDATE', 'DELETE', 'ERASE') THEN
		RAISE EXCEPTION 'unknown action "%"', check_audit_page.action
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'The actions are INSERT, UPDATE, DELETE and ERASE.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.check_audit_page(timestamptz, integer, uuid, text) IS
	'internal: raises an error unless audit_log() can take these arguments';

-- The conditions are in the text only where they are asked for, so that each page is
-- planned for what it asks: the entries of a row are found by its key.
CREATE OR REPLACE FUNCTION casnet.audit_log(
	since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	max_rows integer DEFAULT 100, before_id uuid DEFAULT NULL,
	for_relation regclass DEFAULT NULL, for_row jsonb DEFAULT NULL,
	for_user uuid DEFAULT NULL, for_action text DEFAULT NULL,
	OUT at timestamptz, OUT transaction_id bigint, OUT user_id uuid,
	OUT username text, OUT role text, OUT relation text, OUT row_key jsonb,
	OUT action text, OUT before jsonb, OUT after jsonb, OUT id uuid)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
DECLARE
	tenant uuid := casnet.tenant_with('view_analytics');
	wanted_action text := upper(audit_log.for_action);
	entries text := 'casnet_internal.audit_entries';
	wanted text;
	entry casnet_internal.audit_entries;
	others casnet_internal.audit_entries[] := '{}';
	-- Entries name a partition by the table that it is a partition of.
	table_name text := (SELECT format('%I.%I', n.nspname, c.relname)
						  FROM pg_class AS c
						  JOIN pg_namespace AS n ON n.oid = c.relnamespace
						 WHERE c.oid = coalesce(pg_partition_root(audit_log.for_relation),
												audit_log.for_relation));
BEGIN
	PERFORM casnet_internal.check_audit_page(audit_log.until, audit_log.max_rows,
											 audit_log.before_id, wanted_action);
	IF audit_log.for_relation IS NOT NULL AND table_name IS NULL THEN
		RAISE EXCEPTION 'there is no such table'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the name of a table, with its schema.';
	END IF;
	wanted := ' WHERE e.tenant_id = $1 AND e.at >= $2 AND (e.at, e.id) < ($3, $4)'
		|| CASE WHEN table_name IS NOT NULL THEN ' AND e.relation = $6' ELSE '' END
		|| CASE WHEN audit_log.for_row IS NOT NULL THEN
			' AND jsonb_hash_extended(e.row_key, 0) = jsonb_hash_extended($7, 0)
			  AND e.row_key = $7' ELSE '' END
		|| CASE WHEN audit_log.for_user IS NOT NULL THEN ' AND e.user_id = $8' ELSE '' END
		|| CASE WHEN wanted_action IS NOT NULL THEN ' AND e.action = $9' ELSE '' END
		|| ' ORDER BY e.at DESC, e.id DESC LIMIT $5';
	since := coalesce(since, '-infinity');
	until := coalesce(until, 'infinity');
	before_id := coalesce(before_id, '00000000-0000-0000-0000-000000000000');
	-- Of a distributed database the tenant's node has entries, too.
	IF to_regclass('casnet_internal.audit_on_nodes') IS NOT NULL THEN
		FOR entry IN EXECUTE 'SELECT e.* FROM casnet_internal.audit_on_nodes AS e' || wanted
		USING tenant, since, until, before_id, max_rows, table_name, for_row, for_user,
			  wanted_action
		LOOP
			others := others || entry;
		END LOOP;
		entries := '(SELECT o.* FROM casnet_internal.audit_entries AS o
					 UNION ALL SELECT o.* FROM unnest($10) AS o)';
	END IF;
	RETURN QUERY EXECUTE
		'SELECT e.at, e.transaction_id, e.user_id, u.username, e.role, e.relation,
				e.row_key, e.action, e.before, e.after, e.id
		   FROM ' || entries || ' AS e
		   LEFT JOIN casnet.users AS u ON u.id = e.user_id' || wanted
	USING tenant, since, until, before_id, max_rows, table_name, for_row, for_user,
		  wanted_action, others;
END
$$;
COMMENT ON FUNCTION casnet.audit_log(timestamptz, timestamptz, integer, uuid, regclass, jsonb, uuid, text) IS
	'who changed what in the active tenant from since to before until, newest first, in every audited table; only in one table, in the row of a key, by one user, or one action, if they are given; takes view_analytics; for the next page give at and id of the last row as until and before_id';

CREATE OR REPLACE FUNCTION casnet_internal.row_key(relation regclass, given text) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_row_key';
COMMENT ON FUNCTION casnet_internal.row_key(regclass, text) IS
	'internal: the key of a row of the active tenant, as entries of the audit have it, from its id or an object; the row need not exist';

-- It runs as its caller, since the key passes through input functions of types.
CREATE OR REPLACE FUNCTION casnet.history(
	relation regclass, row_key text, until timestamptz DEFAULT NULL,
	max_rows integer DEFAULT 100, before_id uuid DEFAULT NULL,
	OUT at timestamptz, OUT user_id uuid, OUT username text, OUT role text,
	OUT action text, OUT before jsonb, OUT after jsonb,
	OUT transaction_id bigint, OUT id uuid)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet.tenant_with('view_analytics');
	RETURN QUERY
	SELECT l.at, l.user_id, l.username, l.role, l.action, l.before, l.after,
		   l.transaction_id, l.id
	  FROM casnet.audit_log(until => history.until, max_rows => history.max_rows,
							before_id => history.before_id,
							for_relation => history.relation,
							for_row => casnet_internal.row_key(history.relation, history.row_key)) AS l;
	IF NOT FOUND AND NOT casnet_internal.is_audited(history.relation) THEN
		RAISE EXCEPTION 'changes of table % are not recorded', history.relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'The owner of the table, or a superuser, can have them recorded from now on with casnet.enable_audit().';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.history(regclass, text, timestamptz, integer, uuid) IS
	'who changed a row of the active tenant, how and when, newest first, also after it was deleted; the row by its id, or its key as an object; takes view_analytics; for the next page give at and id of the last row as until and before_id';

CREATE OR REPLACE FUNCTION casnet.history(
	relation regclass, row_key uuid, until timestamptz DEFAULT NULL,
	max_rows integer DEFAULT 100, before_id uuid DEFAULT NULL,
	OUT at timestamptz, OUT user_id uuid, OUT username text, OUT role text,
	OUT action text, OUT before jsonb, OUT after jsonb,
	OUT transaction_id bigint, OUT id uuid)
	RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT * FROM casnet.history(history.relation, history.row_key::text, history.until,
								 history.max_rows, history.before_id)
$$;
COMMENT ON FUNCTION casnet.history(regclass, uuid, timestamptz, integer, uuid) IS
	'the same for a row by its id';

-- These have no search_path: the triggers of the table run with the caller's.
CREATE OR REPLACE FUNCTION casnet.undelete(
	relation regclass, row_key text, with_references boolean DEFAULT true,
	changes jsonb DEFAULT '{}')
	RETURNS bigint
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'casnet_undelete';
COMMENT ON FUNCTION casnet.undelete(regclass, text, boolean, jsonb) IS
	'brings back a deleted row of the active tenant as it was, with other values for the columns in changes; and unless with_references is false, all that was deleted with it, and the references to it that were cleared; takes the permissions to insert and see each row; returns the number of rows';

CREATE OR REPLACE FUNCTION casnet.undelete(
	relation regclass, row_key uuid, with_references boolean DEFAULT true,
	changes jsonb DEFAULT '{}')
	RETURNS bigint
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'casnet_undelete_by_id';
COMMENT ON FUNCTION casnet.undelete(regclass, uuid, boolean, jsonb) IS
	'the same for a row by its id';
