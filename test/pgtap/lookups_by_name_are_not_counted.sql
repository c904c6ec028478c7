-- The counters that the server shows everybody do not reveal by a login or by use_tenant()
-- whether such an account or tenant exists.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
CALL be('mia', 'North');
-- The server's statistics of everything in casnet.
CREATE FUNCTION public.counted() RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_object_agg(c.oid::regclass::text || ' ' || v.name, v.n)
	  FROM pg_class AS c CROSS JOIN LATERAL (VALUES
		('scans', pg_stat_get_xact_numscans(c.oid)), ('returned', pg_stat_get_xact_tuples_returned(c.oid)), ('fetched', pg_stat_get_xact_tuples_fetched(c.oid)),
		('blocks', pg_stat_get_xact_blocks_fetched(c.oid)), ('hits', pg_stat_get_xact_blocks_hit(c.oid))) AS v (name, n)
	 WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND c.relkind IN ('r', 'i')
$$;
-- Their change by a statement that was executed before.
CREATE FUNCTION public.counted_by(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before jsonb;
BEGIN
	FOR n IN 1 .. 2 LOOP
		before := public.counted();
		BEGIN
			EXECUTE statement;
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END LOOP;
	RETURN (SELECT string_agg(format('%s %s', a.key, a.value::bigint - (before->>a.key)::bigint), ', ' ORDER BY a.key)
			  FROM jsonb_each_text(public.counted()) AS a WHERE a.value <> before->>a.key);
END
$$;
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.tenants (name) VALUES ('Hidden');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.counted_by(format('SELECT casnet.login(%L, %L)', name, 'wrong password')), public.counted_by('SELECT casnet.login(''no such account'', ''wrong password'')'), 'login() by ' || name)
  FROM unnest(ARRAY['otto', 'nobody', 'otto@south.test', 'nobody@south.test']) AS name;
SELECT is(public.counted_by(format('SELECT casnet.use_tenant(%L)', name)), public.counted_by('SELECT casnet.use_tenant(''No such tenant'')'), 'use_tenant() by ' || name)
  FROM unnest(ARRAY['Nowhere', 'Hidden']) AS name;
SELECT is(current_setting('track_counts'), 'on', 'everything else is counted');
SELECT isnt(public.counted_by('SELECT FROM casnet.records'), NULL, 'such as records that are read');
SELECT * FROM finish();
ROLLBACK;
