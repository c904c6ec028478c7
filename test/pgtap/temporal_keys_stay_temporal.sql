-- The statements that protect() and doctor() give for keys with WITHOUT OVERLAPS and PERIOD
-- keep both.
BEGIN;
SELECT current_setting('server_version_num')::integer >= 180000 AS has_temporal \gset
\if :has_temporal
SELECT plan(7);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE public.rooms (room int, during tstzrange, PRIMARY KEY (room, during WITHOUT OVERLAPS), UNIQUE (during, room));
CREATE TABLE public.bookings (id uuid DEFAULT casnet.uuid_v7(), room int, during tstzrange,
	CONSTRAINT booked FOREIGN KEY (room, PERIOD during) REFERENCES public.rooms (room, PERIOD during));
SELECT casnet.protect('public.bookings') IS NOT NULL AND casnet.protect('public.rooms') IS NOT NULL AS protected \gset
SAVEPOINT protected;
-- As psql does it with \gexec.
CREATE PROCEDURE public.gexec(statements text[]) LANGUAGE plpgsql AS $$
DECLARE
	statement text;
BEGIN
	FOREACH statement IN ARRAY statements LOOP
		EXECUTE statement;
	END LOOP;
END
$$;
CREATE FUNCTION public.keys() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT pg_get_constraintdef(k.oid) FROM pg_constraint AS k
	 WHERE k.conrelid IN ('public.rooms'::regclass, 'public.bookings'::regclass) AND (k.contype = 'p' OR k.conname = 'booked')
$$;
CALL public.gexec(casnet_internal.protection_notes('public.rooms'));
SELECT set_eq('SELECT public.keys()', ARRAY['PRIMARY KEY (tenant_id, room, during WITHOUT OVERLAPS)',
	'FOREIGN KEY (tenant_id, room, PERIOD during) REFERENCES rooms(tenant_id, room, PERIOD during)'], 'the notes of protect()');
SELECT is(casnet_internal.protection_notes('public.rooms'), '{}', 'are done');
ROLLBACK TO protected;
SELECT is(after_remedy('key-across-tenants'), 'silent', 'remedies of doctor()');
SELECT is(after_remedy('key-without-tenant'), 'silent', 'and of the keys');
SELECT set_eq($$SELECT pg_get_constraintdef(k.oid) FROM pg_constraint AS k
	WHERE k.conrelid IN ('public.rooms'::regclass, 'public.bookings'::regclass) AND (k.contype = 'p' OR k.conname = 'booked')$$,
	ARRAY['PRIMARY KEY (tenant_id, room, during WITHOUT OVERLAPS)',
	'FOREIGN KEY (tenant_id, room, PERIOD during) REFERENCES rooms(tenant_id, room, PERIOD during)'], 'keep both');
CALL be('adam', 'North');
INSERT INTO public.rooms VALUES (1, '[2026-01-01,2026-12-31)');
SELECT throws_ok($$INSERT INTO public.rooms VALUES (1, '[2026-05-01,2026-06-01)')$$, '23P01', NULL, 'nothing overlaps');
SELECT throws_ok($$INSERT INTO public.bookings (room, during) VALUES (1, '[2027-01-01,2027-02-01)')$$, '23503', NULL, 'and what is referred to is there');
SELECT * FROM finish();
\else
SELECT plan(1);
SELECT skip('temporal keys come with PostgreSQL 18');
SELECT * FROM finish();
\endif
ROLLBACK;
