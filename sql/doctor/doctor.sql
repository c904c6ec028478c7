-- casnet.doctor() finds what is unsafe in a database, and says what to paste.
--
-- Everything is read from the catalogs, as the caller.  Only data.sql also reads tables of
-- casnet and settings that only superusers see, so it runs as its owner and is for
-- casnet_admin.  The checks are in the other files of this folder.  Each code has one
-- severity (codes.sql).
--
-- error: an application can reach rows of another tenant, secrets or identities now.
-- warning: one more mistake would allow that, or something is revealed or lost.
-- notice: could be better, or is good to know.
--
-- A remedy is a statement to paste if it adds or tightens protection.  It takes a power
-- that bypasses the policies from applications, or gives a key its tenant.  A remedy is a
-- comment to read if it would remove a protection, rows, an object of the application or
-- access that can be intended.  It is also a comment if somebody has to decide.

-- Each checker returns code, object, problem and remedy.
CREATE OR REPLACE FUNCTION casnet.doctor()
	RETURNS TABLE (severity text, code text, object text, problem text,
				   remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	SET standard_conforming_strings = on
	SET jit = off			-- takes longer than all the checks
	AS $$
	WITH finding AS (
		SELECT * FROM casnet_internal.doctor_roles()
		UNION ALL SELECT * FROM casnet_internal.doctor_owners()
		UNION ALL SELECT * FROM casnet_internal.doctor_parameters()
		UNION ALL SELECT * FROM casnet_internal.doctor_grants()
		UNION ALL SELECT * FROM casnet_internal.doctor_partitions()
		UNION ALL SELECT * FROM casnet_internal.doctor_function_grants()
		UNION ALL SELECT * FROM casnet_internal.doctor_tables()
		UNION ALL SELECT * FROM casnet_internal.doctor_declared()
		UNION ALL SELECT * FROM casnet_internal.doctor_unnoted()
		UNION ALL SELECT * FROM casnet_internal.doctor_protected()
		UNION ALL SELECT * FROM casnet_internal.doctor_policies()
		UNION ALL SELECT * FROM casnet_internal.doctor_made_policies()
		UNION ALL SELECT * FROM casnet_internal.doctor_policy_functions()
		UNION ALL SELECT * FROM casnet_internal.doctor_keys()
		UNION ALL SELECT * FROM casnet_internal.doctor_indexes()
		UNION ALL SELECT * FROM casnet_internal.doctor_views()
		UNION ALL SELECT * FROM casnet_internal.doctor_functions()
		UNION ALL SELECT * FROM casnet_internal.doctor_triggers()
		UNION ALL SELECT * FROM casnet_internal.doctor_replication()
		UNION ALL SELECT * FROM casnet_internal.doctor_audit()
		UNION ALL SELECT * FROM casnet_internal.doctor_settings()
		UNION ALL SELECT * FROM casnet_internal.doctor_logging()
		UNION ALL SELECT * FROM casnet_internal.doctor_state()
		UNION ALL SELECT * FROM casnet_internal.doctor_libraries()
		UNION ALL SELECT * FROM casnet_internal.doctor_signing_keys()
		UNION ALL SELECT * FROM casnet_internal.doctor_passwords()
		UNION ALL SELECT * FROM casnet_internal.doctor_data()
		UNION ALL SELECT * FROM casnet_internal.doctor_distributed()
		UNION ALL SELECT * FROM casnet_internal.doctor_calendar()
	)
	SELECT c.severity, f.code, f.object, f.problem,
		   CASE WHEN f.remedy LIKE '--%'
				THEN casnet_internal.comment_line(ltrim(substr(f.remedy, 3)))
				WHEN c.remedy = 'comment'
				THEN casnet_internal.comment_line('unless it is meant: ' || f.remedy)
				ELSE f.remedy END
	  FROM finding AS f
	  LEFT JOIN casnet.doctor_codes() AS c ON c.code = f.code
	-- A worker has only what its shards and the coordinator's tokens need.
	 WHERE NOT (casnet_internal.is_worker()
				AND f.code IN ('schema-outdated', 'table-missing', 'definition-missing',
							   'trigger-missing', 'owner-powerful', 'signing-key-missing',
							   'signing-key-issuer'))
	 ORDER BY array_position(ARRAY['error', 'warning', 'notice'], c.severity),
			  f.code COLLATE "C", f.object COLLATE "C", f.problem COLLATE "C"
$$;
COMMENT ON FUNCTION casnet.doctor() IS
	'what is unsafe in this database, worst first, each with a statement to paste or a comment; for superusers and casnet_admin';
