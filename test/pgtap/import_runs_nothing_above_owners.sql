-- An administrator who imports a tenant fills tables of other roles as their owners.  So the
-- code of these tables never gets the rights of the administrator.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
\ir include/hostile.sql
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE TABLE h.plain (tenant_id uuid NOT NULL, id uuid PRIMARY KEY, parent uuid REFERENCES h.plain, author uuid, facts jsonb, old json);
CALL h.make('t', 'tenant_id uuid NOT NULL DEFAULT ''00000000-0000-7000-8000-0000000000a0'',');
DROP TRIGGER deferred ON h.t;
RESET SESSION AUTHORIZATION;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT casnet.protect('h.t'), casnet.protect('h.plain') \g /dev/null
ALTER TABLE h.plain ADD FOREIGN KEY (author, tenant_id) REFERENCES casnet.user_tenants (user_id, tenant_id), ADD UNIQUE (id, tenant_id);
INSERT INTO h.plain VALUES (:'north', '00000000-0000-7000-8000-00000000e001', NULL, :'mia', 'null', '{"a":1}'), (:'north', '00000000-0000-7000-8000-00000000e002', '00000000-0000-7000-8000-00000000e001', NULL, NULL, NULL);
CREATE TABLE public.docs AS SELECT d FROM casnet.export_tenant(:'north', true) AS d;
-- The code is the owner's, and has no keys that span tenants.
ALTER TABLE h.t DROP CONSTRAINT t_pkey;
SELECT h.rose() IS NOT NULL AS begun \gset

SELECT casnet.import_tenant('public.docs', 'Copy') AS copy \gset
SELECT is(h.rose(), 'no', 'a superuser imports, and the code runs as the owner');
SELECT is((SELECT count(*) FROM h.t WHERE tenant_id = :'copy'), 2::bigint, 'all rows are there');
SELECT results_eq(format('SELECT p.facts, p.old::text, w.username, p.id <> ''00000000-0000-7000-8000-00000000e001'', c.id IS NOT NULL FROM h.plain AS p LEFT JOIN h.plain AS c ON c.parent = p.id LEFT JOIN casnet.users AS w ON w.id = p.author WHERE p.tenant_id = %L AND p.parent IS NULL', :'copy'),
	$$VALUES ('null'::jsonb, '{"a":1}', 'mia', true, true)$$, 'with new ids, references, members and every kind of value');
SELECT casnet.create_tenant('Empty', owner_id => :'olga') AS empty \gset
SELECT h.rose() IS NOT NULL AS begun \gset
SELECT is(casnet.import_tenant('public.docs', tenant_id => :'empty'), :'empty'::uuid, 'an empty tenant');
SELECT is(h.rose(), 'no', 'is looked at as the owners of the tables');
SELECT alike(error_of(format('SELECT casnet.import_tenant(%L, tenant_id => %L)', 'public.docs', :'empty')), '55000 | the tenant is not empty | %', 'which finds their rows');

-- An administrator without the rights of the owner.
GRANT SELECT, UPDATE ON public.docs TO casnet_user;
GRANT casnet_admin TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(error_of($$SELECT casnet.import_tenant('public.docs', 'Other')$$), '55000 | table h.plain belongs to role "tap_evil" | Code that its owner has put into it would run with your rights. | Import as a superuser, or as a role of the application. | ', 'an administrator is refused');
RESET SESSION AUTHORIZATION;
SELECT is(h.rose_if_at_all(), NULL, 'before anything runs');
GRANT tap_evil TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT isnt(casnet.import_tenant('public.docs', 'As a member of the owner'), NULL, 'unless it can become the owner');
RESET SESSION AUTHORIZATION;
SELECT is(h.rose(), 'no', 'as which the code runs');
REVOKE tap_evil, casnet_admin FROM tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok($$SELECT casnet_internal.insert_documents('h.t', 'SELECT NULL::jsonb AS r', 'INSERT INTO h.t DEFAULT VALUES', NULL, NULL, NULL, NULL)$$, '42501', NULL, 'nobody else becomes the owner');
SELECT casnet.import_tenant('public.docs', 'As an application') AS imported \gset
RESET SESSION AUTHORIZATION;
RESET search_path;
SELECT is((SELECT count(*) FROM h.t WHERE tenant_id = :'imported'), 2::bigint, 'an application imports with its own rights');
SELECT * FROM finish();
ROLLBACK;
