-- What an older version did not ask for holds for new rows at once, and for all when
-- no row is in its way; until then doctor() tells (check-not-valid).
CREATE OR REPLACE FUNCTION casnet_internal.install_checks() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT v.relation, v.name, v.expression, k.convalidated
		  FROM (VALUES
			('casnet.users'::regclass, 'users_full_name_check'::name,
			 'octet_length(full_name) <= 1000'),
			('casnet.tenants', 'tenants_description_check',
			 'octet_length(description) <= 10000'),
			-- No row of one tenant is too long, or too deep, for the dump of all, or for
			-- what reads that.
			('casnet.persons', 'persons_contact_info_size_check',
			 $c$octet_length(contact_info::text) <= 1000000
				AND NOT jsonb_path_exists(contact_info, '$.**{100}')$c$),
			('casnet.records', 'records_size_check',
			 'octet_length(title) + octet_length(content) <= 100000000'),
			('casnet.tasks', 'tasks_size_check',
			 'octet_length(title) + octet_length(coalesce(description, '''')) <= 100000000'),
			('casnet.calendar_events', 'calendar_events_size_check',
			 $c$octet_length(title) + octet_length(coalesce(description, ''))
				+ octet_length(coalesce(location, ''))
				+ octet_length(coalesce(recurrence_rule, '')) <= 100000000$c$),
			-- What the type uuid takes, and spaces.
			('casnet.tenants', 'tenants_name_is_no_id',
			 $c$name !~ '^\s*[{]?([0-9A-Fa-f]{4}-?){7}[0-9A-Fa-f]{4}[}]?\s*$'$c$))
			AS v (relation, name, expression)
		  LEFT JOIN pg_constraint AS k
			ON k.conrelid = v.relation AND k.conname = v.name
		 WHERE k.oid IS NULL OR NOT k.convalidated
	LOOP
		IF wanted.convalidated IS NULL THEN
			EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%s) NOT VALID',
						   wanted.relation, wanted.name, wanted.expression);
		END IF;
		IF NOT casnet_internal.run_as_owner(wanted.relation,
			format('SELECT EXISTS (SELECT FROM %s WHERE NOT (%s))',
				   wanted.relation, wanted.expression))::boolean THEN
			EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I',
						   wanted.relation, wanted.name);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_checks() IS
	'internal: makes the checks that older tables do not have';
