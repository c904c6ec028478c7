-- An import by an administrator fills a table as its owner.  It refuses code of that table
-- that would run at COMMIT, as the administrator, and code of roles without the rights of
-- the owner.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\ir include/hostile.sql
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE TABLE h.plain (tenant_id uuid NOT NULL, id uuid DEFAULT gen_random_uuid(), PRIMARY KEY (tenant_id, id));
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('h.plain') \g /dev/null
INSERT INTO h.plain VALUES (:'north'), (:'north');
CREATE TABLE public.docs AS SELECT d FROM casnet.export_tenant(:'north', true) AS d;
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON h.plain DEFERRABLE FOR EACH ROW EXECUTE FUNCTION h.fires();
RESET SESSION AUTHORIZATION;
SELECT is(error_of($$SELECT casnet.import_tenant('public.docs', 'Later')$$), '55000 | trigger "later" of table "plain" would fire later, as somebody else | It would have the rights of whoever imports the tenant. | Make it one that cannot be deferred, or import as a role of the application. | ', 'a trigger at commit');
SET LOCAL SESSION AUTHORIZATION tap_evil;
DROP TRIGGER later ON h.plain;
ALTER TABLE h.plain ADD CONSTRAINT later EXCLUDE USING btree ((h.evil(id::text)) WITH =) WHERE (id IS NULL) DEFERRABLE;
RESET SESSION AUTHORIZATION;
SELECT alike(error_of($$SELECT casnet.import_tenant('public.docs', 'Later')$$), '55000 | constraint "later" of table "plain" would be checked later, as somebody else | %', 'an expression at commit');
SET LOCAL SESSION AUTHORIZATION tap_evil;
ALTER TABLE h.plain DROP CONSTRAINT later, ADD UNIQUE (tenant_id, id) DEFERRABLE;
RESET SESSION AUTHORIZATION;
SELECT lives_ok($$SELECT casnet.import_tenant('public.docs', 'Not later')$$, 'a key of columns can be deferred');
CREATE FUNCTION public.of_another() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
ALTER FUNCTION public.of_another() OWNER TO tap_boss;
CREATE TRIGGER of_another BEFORE INSERT ON h.plain FOR EACH ROW EXECUTE FUNCTION public.of_another();
SELECT lives_ok($$SELECT casnet.import_tenant('public.docs', 'Boss')$$, 'a trigger of a role with the rights of the owner');
CREATE ROLE tap_third;
ALTER FUNCTION public.of_another() OWNER TO tap_third;
SELECT alike(error_of($$SELECT casnet.import_tenant('public.docs', 'Third')$$), '55000 | function "of_another" would run with more rights than its owner has | %', 'and of another one');
DROP TRIGGER of_another ON h.plain;
CREATE TABLE public.parted (tenant_id uuid NOT NULL, n int) PARTITION BY LIST (tenant_id);
CREATE TABLE public.part PARTITION OF public.parted DEFAULT;
SELECT casnet.protect('public.parted') IS NOT NULL AS made \gset
INSERT INTO public.parted VALUES (:'north', 1);
INSERT INTO public.docs SELECT d FROM casnet.export_tenant(:'north', true) AS d WHERE d->>'table' = 'public.parted';
UPDATE public.docs SET d = (SELECT d FROM casnet.export_tenant(:'north', true) AS d LIMIT 1) WHERE d ? 'casnet';
SELECT lives_ok($$SELECT casnet.import_tenant('public.docs', 'Parted')$$, 'a partitioned table');
ALTER TABLE public.part OWNER TO tap_evil;
SELECT alike(error_of($$SELECT casnet.import_tenant('public.docs', 'Parted again')$$), '55000 | partition "part" of table "parted" belongs to another role | %', 'a partition of another role');
SELECT casnet.enable_audit('h.plain') \g /dev/null
DROP TABLE public.parted;
DELETE FROM public.docs WHERE d->>'table' = 'public.parted';
UPDATE public.docs SET d = (SELECT d FROM casnet.export_tenant(:'north', true) AS d LIMIT 1) WHERE d ? 'casnet';
SELECT casnet.import_tenant('public.docs', 'Audited') AS audited \gset
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE tenant_id = :'audited' AND relation = 'h.plain'), 2::bigint, 'the audit has the rows');
SELECT is(current_setting('search_path') ~ '^h', false, 'no setting of the owner stays');
SELECT * FROM finish();
ROLLBACK;
