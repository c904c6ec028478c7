-- A protected table whose schema needs quotes has its name in the documents as SQL writes
-- it, quoted once, and an import finds it by that name.
BEGIN;
SELECT plan(3);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA "My ""shop";
GRANT USAGE ON SCHEMA "My ""shop" TO casnet_user;
CREATE TABLE "My ""shop"."Order" (tenant_id uuid NOT NULL, id uuid, n int, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('"My ""shop"."Order"', 'orders') \g /dev/null
INSERT INTO "My ""shop"."Order" VALUES (:'north', gen_random_uuid(), 7);
CREATE TABLE public.docs AS SELECT d FROM casnet.export_tenant(:'north', true) AS d;
SELECT is((SELECT d->>'table' FROM public.docs WHERE d->'row' ? 'n'), '"My ""shop"."Order"', 'the name is SQL');
SELECT casnet.import_tenant('public.docs', 'Copy') AS copy \gset
SELECT is((SELECT n FROM "My ""shop"."Order" WHERE tenant_id = :'copy'), 7, 'and finds the table');
DELETE FROM "My ""shop"."Order";
SELECT casnet.unprotect('"My ""shop"."Order"');
SELECT throws_like('SELECT casnet.import_tenant(''public.docs'', ''Other'')', '%lacks tables%', 'unless it is not protected');
SELECT * FROM finish();
ROLLBACK;
