-- Who changed what.  enable_audit() and disable_audit() run as their caller, so
-- the server checks that the table is the caller's.  Only casnet_admin has
-- EXECUTE on these and on the rest of the administration.

CREATE OR REPLACE FUNCTION casnet_internal.remove_audit_entries(
	tenant_id uuid, since timestamptz, until timestamptz) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_remove_audit_entries';
COMMENT ON FUNCTION casnet_internal.remove_audit_entries(uuid, timestamptz, timestamptz) IS
	'internal: deletes entries of the audit, which nothing else can; returns their number';

-- Writers of the current month are not blocked, only those that would write
-- to the default partition.
CREATE OR REPLACE FUNCTION casnet.maintain_audit(months_ahead integer DEFAULT 3)
	RETURNS integer
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	SET timezone = 'UTC'
	SET client_min_messages = warning
	AS $$
DECLARE
	month timestamptz;
	made integer := 0;
BEGIN
	IF maintain_audit.months_ahead IS NULL
	   OR maintain_audit.months_ahead NOT BETWEEN 0 AND 120 THEN
		RAISE EXCEPTION 'the number of months is not between 0 and 120'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'The default is 3.';
	END IF;
	LOCK TABLE ONLY casnet_internal.audit_entries IN SHARE UPDATE EXCLUSIVE MODE;
	FOR month IN
		SELECT date_trunc('month', now()) + n * interval '1 month'
		  FROM generate_series(0, maintain_audit.months_ahead) AS n
		UNION
		SELECT date_trunc('month', e.at) FROM casnet_internal.audit_entries_default AS e
		 WHERE isfinite(e.at)
		ORDER BY 1
	LOOP
		IF casnet_internal.add_audit_month(month) THEN
			made := made + 1;
		END IF;
	END LOOP;
	RETURN made;
END
$$;
COMMENT ON FUNCTION casnet.maintain_audit(integer) IS
	'makes the partitions of the audit for this month and some ahead, and those that late entries lack; returns how many; call it each month';

-- The time is in the comment of the trigger, so that it is dumped with the trigger and
-- goes with it.
CREATE OR REPLACE FUNCTION casnet_internal.audited_tables(
	OUT relation regclass, OUT enabled boolean, OUT since timestamptz)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT t.tgrelid::regclass, t.tgenabled IN ('O', 'A'),
		   substring(obj_description(t.oid, 'pg_trigger')
					 FROM ' since ([0-9]{4,6}(-[0-9]{2}){2} [0-9]{2}(:[0-9]{2}){2}[.][0-9]{6}[+]00)$')::timestamptz
	  FROM pg_trigger AS t
	 WHERE t.tgname = 'casnet_audit' AND t.tgparentid = 0
	   AND t.tgfoid = 'casnet_internal.record_change()'::regprocedure
	 ORDER BY t.tgrelid::regclass::text
$$;
COMMENT ON FUNCTION casnet_internal.audited_tables() IS
	'the tables whose changes are recorded, whether their trigger is enabled, and since when they are recorded without a gap';

-- A partition is audited with its table.
CREATE OR REPLACE FUNCTION casnet_internal.is_audited(relation regclass) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT EXISTS (
		SELECT FROM pg_trigger AS t
		 WHERE t.tgrelid = coalesce(pg_partition_root(is_audited.relation),
									is_audited.relation)
		   AND t.tgname = 'casnet_audit' AND t.tgenabled IN ('O', 'A')
		   AND t.tgfoid = 'casnet_internal.record_change()'::regprocedure)
$$;
COMMENT ON FUNCTION casnet_internal.is_audited(regclass) IS
	'internal: whether changes of the table are recorded';

-- Raises 42501 unless the table is the caller's.
CREATE OR REPLACE FUNCTION casnet_internal.require_own_table(relation regclass) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	owner oid;
BEGIN
	SELECT c.relowner INTO owner FROM pg_class AS c
	 WHERE c.oid = require_own_table.relation;
	IF owner IS NULL THEN
		RAISE EXCEPTION 'there is no such table'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the name of a table, with its schema.';
	END IF;
	IF NOT pg_has_role(current_user, owner, 'USAGE') THEN
		RAISE EXCEPTION 'must be owner of table %', require_own_table.relation
			USING ERRCODE = 'insufficient_privilege',
				  HINT = format('Ask a superuser or %I.', owner::regrole);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.require_own_table(regclass) IS
	'internal: raises an error unless the caller owns the table or is a superuser';

-- Raises an error unless the table can be audited without those columns.
CREATE OR REPLACE FUNCTION casnet_internal.check_auditable(relation regclass, except_columns text[])
	RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	class pg_class;
	root regclass;
	kind text;
	key_columns text[];
	wrong text;
	tenant text;
BEGIN
	SELECT c.* INTO class FROM pg_class AS c
	 WHERE c.oid = check_auditable.relation;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no such table'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the name of a table, with its schema.';
	END IF;
	SELECT m.kind INTO kind FROM casnet_internal.managed_tables() AS m
	 WHERE m.relation = check_auditable.relation;
	root := pg_partition_root(check_auditable.relation);

	IF kind IN ('token', 'invitation') THEN
		RAISE EXCEPTION 'table % holds secrets and is not audited',
						check_auditable.relation
			USING ERRCODE = 'wrong_object_type',
				  HINT = 'Audit the tables of users, members or data instead.';
	ELSIF kind = 'audit' OR root = to_regclass('casnet_internal.audit_entries') THEN
		RAISE EXCEPTION 'table % is the audit itself', check_auditable.relation
			USING ERRCODE = 'wrong_object_type',
				  HINT = 'Nothing can change its entries, so there is nothing to record.';
	ELSIF class.relispartition THEN
		RAISE EXCEPTION 'table % is a partition', check_auditable.relation
			USING ERRCODE = 'wrong_object_type',
				  HINT = format('Audit %s, and all its partitions are audited.', root);
	ELSIF class.relkind NOT IN ('r', 'p') THEN
		RAISE EXCEPTION '% is not a table', check_auditable.relation
			USING ERRCODE = 'wrong_object_type',
				  HINT = 'Audit the table where the rows are.';
	ELSIF casnet_internal.strange_partition_key(check_auditable.relation) IS NOT NULL THEN
		RAISE EXCEPTION 'the partition key of table % calls a function of a role that is no superuser',
				casnet_internal.strange_partition_key(check_auditable.relation)
			USING ERRCODE = 'wrong_object_type',
				  HINT = 'Use a key of columns, or of functions of the server.';
	ELSIF class.relpersistence = 't' THEN
		RAISE EXCEPTION 'table % is temporary', check_auditable.relation
			USING ERRCODE = 'wrong_object_type',
				  HINT = 'Audit tables that stay.';
	ELSIF class.relnamespace IN ('pg_catalog'::regnamespace,
								 'information_schema'::regnamespace,
								 'pg_toast'::regnamespace) THEN
		RAISE EXCEPTION 'table % belongs to the system', check_auditable.relation
			USING ERRCODE = 'wrong_object_type',
				  HINT = 'Audit your own tables.';
	END IF;

	tenant := CASE check_auditable.relation
		WHEN to_regclass('casnet.users') THEN NULL
		WHEN to_regclass('casnet.roles') THEN NULL
		WHEN to_regclass('casnet.role_permissions') THEN NULL
		WHEN to_regclass('casnet.tenants') THEN 'id'
		ELSE casnet_internal.tenant_column(check_auditable.relation) END;
	IF tenant IS NOT NULL AND NOT EXISTS (
		SELECT FROM pg_attribute AS a
		 WHERE a.attrelid = check_auditable.relation AND a.attname = tenant
		   AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped) THEN
		RAISE EXCEPTION 'table % has no column % of type uuid',
						check_auditable.relation, tenant
			USING ERRCODE = 'undefined_column',
				  HINT = 'Add the column, so that an entry says which tenant it belongs to.';
	END IF;

	SELECT array_agg(a.attname::text) INTO key_columns
	  FROM pg_index AS i
	  JOIN pg_attribute AS a
		ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
	 WHERE i.indrelid = check_auditable.relation AND i.indisprimary;
	IF key_columns IS NULL THEN
		RAISE EXCEPTION 'table % has no primary key', check_auditable.relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Add one, so that an entry says which row it is about.';
	END IF;

	IF array_position(check_auditable.except_columns, NULL) IS NOT NULL
	   OR check_auditable.except_columns IS NULL THEN
		RAISE EXCEPTION 'a column that is not to be recorded is null'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Leave except_columns out to record every column.';
	END IF;
	SELECT e.name INTO wrong FROM unnest(check_auditable.except_columns) AS e (name)
	 WHERE NOT EXISTS (
		SELECT FROM pg_attribute AS a
		 WHERE a.attrelid = check_auditable.relation AND a.attname = e.name
		   AND a.attnum > 0 AND NOT a.attisdropped);
	IF FOUND THEN
		RAISE EXCEPTION 'table % has no column "%"', check_auditable.relation, wrong
			USING ERRCODE = 'undefined_column',
				  HINT = 'Name the columns that are not to be recorded as they are in the table.';
	END IF;
	-- Names that are never recorded, as in audit_row.c.
	SELECT k.name INTO wrong FROM unnest(key_columns) AS k (name)
	 WHERE k.name = ANY (check_auditable.except_columns || ARRAY[
		'digest', 'hashed_password', 'passwd', 'password', 'password_hash',
		'secret'])
		OR k.name = tenant AND tenant = ANY (check_auditable.except_columns);
	IF FOUND OR tenant = ANY (check_auditable.except_columns) THEN
		RAISE EXCEPTION 'column "%" of table % cannot be left out',
						coalesce(wrong, tenant), check_auditable.relation
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'An entry needs the tenant and the columns of the primary key.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.check_auditable(regclass, text[]) IS
	'internal: raises an error unless changes of the table can be recorded';

-- Row triggers of a partitioned table are there for its later partitions too; those of
-- TRUNCATE are not.
CREATE OR REPLACE FUNCTION casnet_internal.record_truncation(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
BEGIN
	PERFORM casnet_internal.run_on(
		'CREATE OR REPLACE TRIGGER casnet_audit_truncate AFTER TRUNCATE ON',
		record_truncation.relation,
		'FOR EACH STATEMENT EXECUTE FUNCTION casnet_internal.record_change()');
	PERFORM casnet_internal.run_on('ALTER TABLE', record_truncation.relation,
						  'ENABLE TRIGGER casnet_audit_truncate');
	PERFORM casnet_internal.run_on(
		'COMMENT ON TRIGGER casnet_audit_truncate ON', record_truncation.relation,
		'IS ''TRUNCATE is recorded in casnet_internal.audit_entries''');
END
$$;
COMMENT ON FUNCTION casnet_internal.record_truncation(regclass) IS
	'internal: records TRUNCATE of this table from now on';

CREATE OR REPLACE FUNCTION casnet.enable_audit(
	relation regclass, except_columns text[] DEFAULT '{}') RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
DECLARE
	arguments text;
	since timestamptz;
	owner regrole;
BEGIN
	PERFORM casnet_internal.require_own_table(enable_audit.relation);
	IF casnet_internal.is_distributed() THEN
		PERFORM casnet_internal.allow_triggers_on_nodes();
	END IF;
	PERFORM casnet_internal.lock_tree(enable_audit.relation);
	PERFORM casnet_internal.check_auditable(enable_audit.relation,
								   enable_audit.except_columns);
	PERFORM casnet.maintain_audit();

	SELECT coalesce(string_agg(format('%L', e.name), ', '), '') INTO arguments
	  FROM unnest(enable_audit.except_columns) AS e (name);
	-- A table that was audited already still is.
	SELECT t.since INTO since FROM casnet_internal.audited_tables() AS t
	 WHERE t.relation = enable_audit.relation AND t.enabled;
	PERFORM casnet_internal.run_on(
		'CREATE OR REPLACE TRIGGER casnet_audit '
		'AFTER INSERT OR UPDATE OR DELETE ON', enable_audit.relation,
		format('FOR EACH ROW EXECUTE FUNCTION casnet_internal.record_change(%s)',
			   arguments));
	PERFORM casnet_internal.run_on('ALTER TABLE', enable_audit.relation,
						  'ENABLE TRIGGER casnet_audit');
	-- By now nobody else writes.
	PERFORM casnet_internal.run_on(
		'COMMENT ON TRIGGER casnet_audit ON', enable_audit.relation,
		format('IS %L', 'changes are recorded in casnet_internal.audit_entries since '
			   || to_char(coalesce(since, clock_timestamp()) AT TIME ZONE 'UTC',
						  'YYYY-MM-DD HH24:MI:SS.US') || '+00'));
	PERFORM casnet_internal.record_truncation(p.relation)
	   FROM (SELECT enable_audit.relation
			 UNION SELECT t.relid FROM pg_partition_tree(enable_audit.relation) AS t
			   JOIN pg_class AS c ON c.oid = t.relid AND c.relkind IN ('r', 'p')) AS p;

	-- A new partition gets the trigger, and the server asks its owner for EXECUTE.
	SELECT c.relowner::regrole INTO owner FROM pg_class AS c
	 WHERE c.oid = enable_audit.relation AND c.relkind = 'p'
	   AND NOT has_function_privilege(c.relowner, 'casnet_internal.record_change()', 'EXECUTE');
	IF FOUND THEN
		RAISE NOTICE 'role % cannot add partitions to table %', owner,
					 enable_audit.relation
			USING HINT = format('GRANT EXECUTE ON FUNCTION casnet_internal.record_change() TO %s allows that, and also to record anything for any table of its own.',
								owner);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.enable_audit(regclass, text[]) IS
	'records every change of the table from now on, but for the columns named; takes a superuser, or the owner of the table who is a member of casnet_admin';

-- The event trigger of this is part of the extension.  It runs as a superuser, since
-- whoever attaches a partition need not be an administrator.  CREATE TRIGGER evaluates
-- nothing of the table's.
CREATE OR REPLACE FUNCTION casnet_internal.record_truncation_of_partitions()
	RETURNS event_trigger
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
BEGIN
	-- A restore makes all triggers itself.
	IF NOT current_setting('row_security')::boolean THEN
		RETURN;
	END IF;
	PERFORM casnet_internal.record_truncation(p.relation)
	   FROM (SELECT DISTINCT t.relid::regclass AS relation
			   FROM pg_event_trigger_ddl_commands() AS e
			   JOIN pg_class AS c
				 ON c.oid = e.objid AND (c.relkind = 'p' OR c.relkind = 'r' AND c.relispartition)
			   JOIN pg_trigger AS a
				 ON a.tgrelid = pg_partition_root(c.oid) AND a.tgname = 'casnet_audit'
				AND a.tgfoid = 'casnet_internal.record_change()'::regprocedure
			  CROSS JOIN pg_partition_tree(c.oid) AS t
			   JOIN pg_class AS m ON m.oid = t.relid AND m.relkind IN ('r', 'p')
			  WHERE e.classid = 'pg_class'::regclass
				AND NOT EXISTS (SELECT FROM pg_trigger AS g
								 WHERE g.tgrelid = t.relid
								   AND g.tgname = 'casnet_audit_truncate')) AS p;
END
$$;
COMMENT ON FUNCTION casnet_internal.record_truncation_of_partitions() IS
	'event trigger: TRUNCATE of a partition that comes to an audited table is recorded';

CREATE OR REPLACE FUNCTION casnet.disable_audit(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
DECLARE
	attached record;
BEGIN
	PERFORM casnet_internal.require_own_table(disable_audit.relation);
	IF casnet_internal.is_distributed() THEN
		PERFORM casnet_internal.allow_triggers_on_nodes();
	END IF;
	PERFORM casnet_internal.lock_tree(disable_audit.relation);
	FOR attached IN
		SELECT t.tgrelid::regclass AS relation, t.tgname
		  FROM pg_trigger AS t
		 WHERE t.tgname IN ('casnet_audit', 'casnet_audit_truncate')
		   AND t.tgfoid = 'casnet_internal.record_change()'::regprocedure
		   AND t.tgparentid = 0
		   AND (t.tgrelid = disable_audit.relation
				OR t.tgrelid IN (SELECT p.relid FROM pg_partition_tree(disable_audit.relation) AS p))
	LOOP
		PERFORM casnet_internal.run_on(format('DROP TRIGGER %I ON', attached.tgname),
							  attached.relation, '');
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet.disable_audit(regclass) IS
	'stops recording changes of the table; the entries stay; takes a superuser, or the owner of the table who is a member of casnet_admin';

CREATE OR REPLACE FUNCTION casnet_internal.forget_audit(tenant_id uuid) RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.remove_audit_entries(forget_audit.tenant_id, NULL, NULL)
$$;
COMMENT ON FUNCTION casnet_internal.forget_audit(uuid) IS
	'internal: removes every entry of a tenant; returns their number';

CREATE OR REPLACE FUNCTION casnet.purge_audit(older_than interval) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
DECLARE
	part regclass;
	removed bigint := 0;
	entries bigint;
BEGIN
	IF purge_audit.older_than IS NULL
	   OR purge_audit.older_than < interval '1 day' THEN
		RAISE EXCEPTION 'older_than must be at least one day'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give an age such as ''1 year''.';
	END IF;
	FOR part IN
		SELECT p.relation FROM casnet_internal.audit_partitions() AS p
		 WHERE p.until <= now() - purge_audit.older_than
	LOOP
		EXECUTE format('SELECT count(*) FROM %s', part) INTO entries;
		EXECUTE format('DROP TABLE %s', part);
		removed := removed + entries;
	END LOOP;
	RETURN removed + casnet_internal.remove_audit_entries(NULL, NULL,
												 now() - purge_audit.older_than);
END
$$;
COMMENT ON FUNCTION casnet.purge_audit(interval) IS
	'removes the entries of the audit that are older than that, whole months by dropping their table; returns their number';
