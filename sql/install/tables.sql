-- Makes what wanted_tables(), wanted_columns(), wanted_keys() and wanted_checks() list and
-- the database lacks.

CREATE OR REPLACE FUNCTION casnet_internal.install_tables() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	-- In an extension's script CREATE TABLE IF NOT EXISTS refuses a table that is
	-- not the extension's own.  Tables that outlived it are not.
	FOR wanted IN
		SELECT t.table_name, t.partition, t.kind,
			   (SELECT string_agg(format(E'%I %s %s', c.name, c.type,
								CASE WHEN c.value LIKE 'GENERATED%' THEN c.value
									 WHEN c.value <> '' THEN 'DEFAULT ' || c.value END),
								  ', ' ORDER BY c.number)
				  FROM casnet_internal.wanted_columns() AS c
				 WHERE c.table_name = t.table_name) AS columns
		  FROM casnet_internal.wanted_tables() AS t
	LOOP
		CONTINUE WHEN to_regclass(wanted.table_name) IS NOT NULL;
		EXECUTE format('CREATE TABLE %s %s %s', wanted.table_name,
					   '(' || wanted.columns || ')', wanted.partition);
		IF wanted.kind = 'audit' THEN
			-- It has no key, so a deletion is published with the whole row.
			EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', wanted.table_name);
		END IF;
	END LOOP;

	PERFORM casnet_internal.install_columns();
	PERFORM casnet_internal.install_keys();
	PERFORM casnet_internal.install_checks();
END
$$;
COMMENT ON FUNCTION casnet_internal.install_tables() IS
	'internal: makes the tables that are missing, and what is missing of the others';

-- Also puts back defaults that DROP EXTENSION CASCADE dropped; others stay as somebody left
-- them.
CREATE OR REPLACE FUNCTION casnet_internal.install_columns() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	missing record;
BEGIN
	FOR missing IN
		SELECT w.table_name, w.name, w.type, w.value, a.attnum IS NULL AS is_column
		  FROM casnet_internal.wanted_columns() AS w
		  LEFT JOIN pg_attribute AS a
			ON a.attrelid = to_regclass(w.table_name) AND a.attname = w.name
			   AND NOT a.attisdropped
		 WHERE a.attnum IS NULL OR w.value LIKE 'casnet.%' AND NOT a.atthasdef
		 ORDER BY w.number
	LOOP
		EXECUTE format(CASE WHEN NOT missing.is_column
								THEN 'ALTER TABLE %1$s ALTER COLUMN %2$I SET DEFAULT %4$s'
							WHEN missing.value = '' OR missing.value LIKE 'GENERATED%'
								THEN 'ALTER TABLE %1$s ADD COLUMN %2$I %3$s %4$s'
							ELSE 'ALTER TABLE %1$s ADD COLUMN %2$I %3$s DEFAULT %4$s' END,
					   missing.table_name, missing.name, missing.type, missing.value);
	END LOOP;

	-- Statistics hold values of the column.
	FOR missing IN
		SELECT a.attrelid::regclass AS relation, a.attname
		  FROM (VALUES
			('casnet_internal.signing_keys', 'key'),
			('casnet_internal.password_hashes', 'hash'),
			('casnet_internal.revoked_tokens', 'digest'),
			('casnet_internal.token_cutoffs', 'spared'),
			('casnet_internal.sessions', 'digest'),
			('casnet_internal.codes', 'account'),
			('casnet_internal.invitations', 'digest'),
			('casnet_internal.codes', 'digest')) AS v (table_name, name)
		  JOIN pg_attribute AS a
			ON a.attrelid = to_regclass(v.table_name) AND a.attname = v.name
		 WHERE a.attstattarget IS DISTINCT FROM 0
	LOOP
		EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0',
					   missing.relation, missing.attname);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_columns() IS
	'internal: adds the columns and defaults that are missing';

-- A foreign key that existing rows break holds for new rows only; doctor() reports it
-- (key-not-enforced).
CREATE OR REPLACE FUNCTION casnet_internal.install_keys() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	missing record;
BEGIN
	FOR missing IN
		SELECT w.table_name, w.name, w.definition, w.definition LIKE 'FOREIGN%' AS is_foreign
		  FROM casnet_internal.wanted_keys() AS w
		 WHERE NOT EXISTS (SELECT FROM pg_constraint AS k
							WHERE k.conrelid = to_regclass(w.table_name)
							  AND k.conname = w.name)
		 ORDER BY is_foreign
	LOOP
		EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s %s', missing.table_name,
					   missing.name, missing.definition,
					   CASE WHEN missing.is_foreign THEN 'NOT VALID' END);
		IF missing.is_foreign THEN
			BEGIN
				EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I',
							   missing.table_name, missing.name);
			EXCEPTION WHEN foreign_key_violation THEN
				NULL;
			END;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_keys() IS
	'internal: adds the keys that are missing';

-- A check that an older version lacked holds for new rows at once, and for all rows once
-- none breaks it; until then doctor() reports it (check-not-valid).
CREATE OR REPLACE FUNCTION casnet_internal.install_checks() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT w.table_name, w.name, w.expression, k.convalidated
		  FROM casnet_internal.wanted_checks() AS w
		  LEFT JOIN pg_constraint AS k
			ON k.conrelid = to_regclass(w.table_name) AND k.conname = w.name
		 WHERE k.oid IS NULL OR NOT k.convalidated
	LOOP
		IF wanted.convalidated IS NULL THEN
			EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%s) NOT VALID',
						   wanted.table_name, wanted.name, wanted.expression);
		END IF;
		IF NOT casnet_internal.run_as_owner(wanted.table_name::regclass,
			format('SELECT EXISTS (SELECT FROM %s WHERE NOT (%s))',
				   wanted.table_name, wanted.expression))::boolean THEN
			EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I',
						   wanted.table_name, wanted.name);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_checks() IS
	'internal: adds the checks that are missing';

CREATE OR REPLACE FUNCTION casnet_internal.install_comments() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT w.table_name, w.meaning FROM casnet_internal.wanted_tables() AS w
	LOOP
		EXECUTE format('COMMENT ON TABLE %s IS %L', wanted.table_name, wanted.meaning);
	END LOOP;
	FOR wanted IN
		SELECT w.table_name, w.name, w.meaning FROM casnet_internal.wanted_columns() AS w
		UNION ALL
		SELECT 'casnet_internal.audit_entries_default', w.name, w.meaning
		  FROM casnet_internal.wanted_columns() AS w
		 WHERE w.table_name = 'casnet_internal.audit_entries'
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L',
					   wanted.table_name, wanted.name, wanted.meaning);
	END LOOP;
	PERFORM casnet_internal.describe_audit_partitions();
END
$$;
COMMENT ON FUNCTION casnet_internal.install_comments() IS
	'internal: describes the tables and columns';
