-- For the self-test: views that show every tenant, as the README says not to,
-- those of the canary first, and a policy that lets every row be changed.
DO $$
BEGIN
	FOR n IN 1 .. 12 LOOP
		EXECUTE format('CREATE VIEW app.leak_%s AS SELECT title, content, id FROM casnet.records ORDER BY title', n);
		EXECUTE format('GRANT SELECT ON app.leak_%s TO casnet_user', n);
	END LOOP;
END
$$;
ALTER POLICY casnet_update ON casnet.tags USING (true);
