-- The form of names: Unicode NFC, without anything around it that nobody sees.  Triggers
-- bring names into it, functions what they look for.

CREATE OR REPLACE FUNCTION casnet_internal.name_form(name text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_name_form';
COMMENT ON FUNCTION casnet_internal.name_form(text) IS
	'internal: a name in the form in which it is stored, empty if there is nothing in it to see';

CREATE OR REPLACE FUNCTION casnet_internal.account_name_form(name text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_account_name_form';
COMMENT ON FUNCTION casnet_internal.account_name_form(text) IS
	'internal: name_form() for a username or email address; lower() of it has that form too';

-- Messages show the column that identifies a row, so no digest is among these columns.
CREATE OR REPLACE FUNCTION casnet_internal.named_columns(
	OUT relation regclass, OUT name text, OUT key text, OUT form text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT c.oid::regclass, v.name, v.key, 'casnet_internal.' || v.form
	  FROM (VALUES
		('casnet.users', 'username', 'id', 'account_name_form'),
		('casnet.users', 'email', 'id', 'account_name_form'),
		('casnet.tenants', 'name', 'id', 'name_form'),
		('casnet.tags', 'name', 'id', 'name_form'),
		('casnet.persons', 'name', 'id', 'name_form'),
		('casnet.record_persons', 'relation', 'record_id', 'name_form'),
		('casnet_internal.invitations', 'email', 'tenant_id', 'account_name_form'))
			AS v (table_name, name, key, form)
	  JOIN pg_class AS c ON c.oid = to_regclass(v.table_name)
	 -- doctor() reports a table that another role owns (owner-other).
	 WHERE c.relowner = 'casnet_owner'::regrole
	   AND has_table_privilege(c.relowner, c.oid, 'SELECT')
	   AND has_table_privilege(c.relowner, c.oid, 'UPDATE')
$$;
COMMENT ON FUNCTION casnet_internal.named_columns() IS
	'internal: the columns with names, and the column that identifies a row';

-- An existing name stays as it is if another row has its form already, or if the form is too
-- long or blank; doctor() counts these (name-form).  The triggers have just been made, so
-- nobody else writes until the end.
CREATE OR REPLACE FUNCTION casnet_internal.bring_over_names() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	named record;
	places text[];
	place text;
	kept text[];
BEGIN
	FOR named IN SELECT n.* FROM casnet_internal.named_columns() AS n LOOP
		places := casnet_internal.run_as_owner(named.relation, format(
			'SELECT array_agg(t.ctid ORDER BY t.ctid) FROM %s AS t '
			'WHERE t.%I <> %s(t.%I)',
			named.relation, named.name, named.form, named.name));
		kept := '{}';
		FOREACH place IN ARRAY coalesce(places, '{}') LOOP
			BEGIN
				PERFORM casnet_internal.run_as_owner(named.relation, format(
					'UPDATE %s AS t SET %I = %s(t.%I) WHERE t.ctid = %L',
					named.relation, named.name, named.form, named.name, place));
			EXCEPTION
				WHEN integrity_constraint_violation THEN
					kept := kept || casnet_internal.run_as_owner(named.relation,
						format('SELECT t.%I FROM %s AS t WHERE t.ctid = %L',
							   named.key, named.relation, place));
			END;
		END LOOP;
		IF kept <> '{}' THEN
			RAISE WARNING 'names in column % of % stay as they are: %', named.name,
					named.relation, cardinality(kept)
				USING DETAIL = format('%s: %s%s.', named.key,
									  array_to_string(kept[:20], ', '),
									  CASE WHEN cardinality(kept) > 20
										   THEN ' and others' ELSE '' END),
					  HINT = 'Another row has what they would become, or there is nothing in them to see, or they are too long. Give them other names.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.bring_over_names() IS
	'internal: brings names that an older version stored into their form';
