-- TRUNCATE of a partition is recorded, however and whenever the partition came to a table
-- that is audited, and whoever attached it.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_owner;
GRANT CREATE ON SCHEMA public TO tap_owner;
GRANT CREATE ON DATABASE :DBNAME TO tap_owner;
GRANT EXECUTE ON FUNCTION casnet_internal.record_change() TO tap_owner;
GRANT USAGE ON SCHEMA casnet_internal TO tap_owner;
CREATE TABLE public.visits (tenant_id uuid NOT NULL, n int NOT NULL, PRIMARY KEY (tenant_id, n)) PARTITION BY RANGE (n);
ALTER TABLE public.visits OWNER TO tap_owner;
CREATE TABLE public.free (LIKE public.visits INCLUDING ALL) PARTITION BY RANGE (n);
CREATE TABLE public.free_0 PARTITION OF public.free FOR VALUES FROM (0) TO (10);
SELECT casnet.enable_audit('public.visits');
CREATE FUNCTION public.truncations() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM casnet_internal.audit_entries WHERE relation = 'public.visits' AND action = 'TRUNCATE'
$$;

SET LOCAL SESSION AUTHORIZATION tap_owner;
SET LOCAL quote_all_identifiers = on;
CREATE TABLE public.made PARTITION OF public.visits FOR VALUES FROM (0) TO (10);
CREATE TABLE public."Attached one" (LIKE public.visits INCLUDING ALL);
ALTER TABLE public.visits ATTACH PARTITION public."Attached one" FOR VALUES FROM (10) TO (20);
CREATE TABLE public.tree (LIKE public.visits INCLUDING ALL) PARTITION BY LIST (n);
CREATE TABLE public.leaf PARTITION OF public.tree FOR VALUES IN (20);
ALTER TABLE public.visits ATTACH PARTITION public.tree FOR VALUES FROM (20) TO (30);
CREATE TABLE public.late_leaf PARTITION OF public.tree DEFAULT;
CREATE SCHEMA elsewhere CREATE TABLE part PARTITION OF public.visits FOR VALUES FROM (30) TO (40);
SELECT is(obj_description(oid, 'pg_trigger'), 'TRUNCATE is recorded in casnet_internal.audit_entries', tgrelid::regclass::text)
  FROM pg_trigger WHERE tgname = 'casnet_audit_truncate' ORDER BY tgrelid::regclass::text;
RESET SESSION AUTHORIZATION;
SELECT is(public.truncations(), 0::bigint, 'none so far');
SET LOCAL SESSION AUTHORIZATION tap_owner;
TRUNCATE public.made;
TRUNCATE public."Attached one";
TRUNCATE public.leaf;
TRUNCATE public.late_leaf;
TRUNCATE elsewhere.part;
RESET SESSION AUTHORIZATION;
SELECT is(public.truncations(), 5::bigint, 'each one');

-- A restore, which has row_security off, makes the trigger itself.
SET LOCAL row_security = off;
CREATE TABLE public.restored PARTITION OF public.visits FOR VALUES FROM (50) TO (60);
SELECT lives_ok('CREATE TRIGGER casnet_audit_truncate AFTER TRUNCATE ON public.restored FOR EACH STATEMENT EXECUTE FUNCTION casnet_internal.record_change()', 'a restore');
SET LOCAL row_security = on;

-- Nothing else gets a trigger, and nothing is left when the audit ends.
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgname = 'casnet_audit_truncate' AND tgrelid::regclass::text LIKE 'free%'), 0::bigint, 'no table that is not audited');
SELECT casnet.disable_audit('public.visits');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'casnet_audit%'), 0::bigint, 'none is left');
CREATE TABLE public.last PARTITION OF public.visits DEFAULT;
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'casnet_audit%'), 0::bigint, 'nor made then');
SELECT * FROM finish();
ROLLBACK;
