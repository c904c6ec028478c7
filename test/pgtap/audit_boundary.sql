-- A statement that is still running when a month ends writes to both months, and to the
-- partitions of a month.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.slow (tenant_id uuid, id int PRIMARY KEY);
CREATE FUNCTION public.nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END $$;
CREATE TRIGGER a_nap AFTER INSERT ON public.slow FOR EACH ROW EXECUTE FUNCTION public.nap();
SELECT casnet.enable_audit('public.slow');
DO $$
DECLARE
	p regclass;
	soon timestamptz := clock_timestamp() + '0.35 seconds';
BEGIN
	FOR p IN SELECT relation FROM casnet_internal.audit_partitions() WHERE since IS NOT NULL LOOP
		EXECUTE format('DROP TABLE %s', p);
	END LOOP;
	EXECUTE format('CREATE TABLE public.first PARTITION OF casnet_internal.audit_entries FOR VALUES FROM (MINVALUE) TO (%L)', soon);
	EXECUTE format('CREATE TABLE public.second PARTITION OF casnet_internal.audit_entries FOR VALUES FROM (%L) TO (%L) PARTITION BY RANGE (at)', soon, soon + interval '0.3 seconds');
	EXECUTE format('CREATE TABLE public.second_1 PARTITION OF public.second FOR VALUES FROM (%L) TO (%L)', soon, soon + interval '0.15 seconds');
	CREATE TABLE public.second_default PARTITION OF public.second DEFAULT;
END
$$;
INSERT INTO public.slow (id) SELECT generate_series(1, 9);
SELECT is((SELECT count(DISTINCT row_key->>'id') FROM casnet_internal.audit_entries), 9::bigint, 'each row has an entry');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries), 9::bigint, 'and one only');
SELECT is((SELECT array_agg(DISTINCT tableoid::regclass::text) FROM casnet_internal.audit_entries), '{casnet_internal.audit_entries_default,first,second_1,second_default}', 'in four tables')
  FROM set_config('search_path', 'public', true);
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries AS e WHERE NOT CASE tableoid WHEN 'first'::regclass THEN at < (SELECT min(at) FROM second)
	WHEN 'second_1'::regclass THEN at < (SELECT min(at) FROM second_default) WHEN 'second_default'::regclass THEN at < (SELECT min(at) FROM casnet_internal.audit_entries_default) ELSE true END), 0::bigint, 'that their times belong to');
SELECT * FROM finish();
ROLLBACK;
