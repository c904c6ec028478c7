-- casnet.doctor(): publications and replication slots.

-- What leaves the database past all policies.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_replication()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	-- publication-of-tenants: whoever subscribes gets all rows, unless there is a
	-- row filter.
	SELECT 'publication-of-tenants', quote_ident(p.pubname),
		   'It is for all tables, so it sends the rows of all tenants.',
		   format('DROP PUBLICATION %I', p.pubname)
	  FROM pg_publication AS p
	 WHERE p.puballtables
	UNION ALL
	SELECT 'publication-of-tenants', quote_ident(p.pubname),
		   format('It sends the rows that all tenants have in %s.',
				  w.relation),
		   format('ALTER PUBLICATION %I DROP TABLE %s', p.pubname,
				  w.relation)
	  FROM pg_publication_rel AS r
	  JOIN pg_publication AS p ON p.oid = r.prpubid
	  JOIN casnet_internal.watched_tables() AS w ON w.relation = r.prrelid
	 WHERE r.prqual IS NULL
	UNION ALL
	SELECT 'publication-of-tenants', quote_ident(p.pubname),
		   format('It sends all tables in %I, and so the rows of all tenants.',
				  n.nspname),
		   format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %I', p.pubname,
				  n.nspname)
	  FROM pg_publication_namespace AS s
	  JOIN pg_publication AS p ON p.oid = s.pnpubid
	  JOIN pg_namespace AS n ON n.oid = s.pnnspid
	 WHERE EXISTS (SELECT FROM casnet_internal.watched_tables() AS w
					 JOIN pg_class AS c ON c.oid = w.relation
					WHERE c.relnamespace = n.oid)

	-- slot-logical: it decodes every change; a forgotten one also retains WAL.
	UNION ALL
	SELECT 'slot-logical', quote_ident(s.slot_name),
		   'Whoever reads this logical slot gets the changes of all tenants.',
		   format('SELECT pg_drop_replication_slot(%L)', s.slot_name)
	  FROM pg_replication_slots AS s
	 WHERE s.slot_type = 'logical' AND s.database = current_database()
$$;
COMMENT ON FUNCTION casnet_internal.doctor_replication() IS
	'internal: doctor() about replication';
