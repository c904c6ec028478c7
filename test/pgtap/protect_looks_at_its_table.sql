-- Objects that protect() finds count only if they concern tenant_id and this table.  Keys
-- within a tenant get no note.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
GRANT CREATE ON SCHEMA public TO tap_operator;
GRANT REFERENCES ON casnet.tenants TO tap_operator;
CREATE FUNCTION public.keys_of(t regclass) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(regexp_replace(pg_get_indexdef(indexrelid), '^CREATE (UNIQUE )?INDEX .* USING btree ', '\1'), ', ' ORDER BY indexrelid) FROM pg_index WHERE indrelid = t AND obj_description(indexrelid, 'pg_class') LIKE 'casnet: %'
$$;
CREATE FUNCTION public.cascades_of(t regclass) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(pg_get_constraintdef(oid), ', ') FROM pg_constraint WHERE conrelid = t AND obj_description(oid, 'pg_constraint') LIKE 'casnet: %'
$$;
SET LOCAL SESSION AUTHORIZATION tap_operator;
CREATE TABLE public.plain (id uuid PRIMARY KEY);
CREATE TABLE public.behind (id uuid, tenant_id uuid, PRIMARY KEY (id, tenant_id));
CREATE TABLE public.other_index (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, note text);
CREATE INDEX ON public.other_index (tenant_id, note);
CREATE TABLE public.wider (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, note text, UNIQUE (tenant_id, id, note));
CREATE TABLE public.within (id uuid, tenant_id uuid, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect(t) FROM unnest('{plain,behind,other_index,wider}'::regclass[]) AS t;
SELECT is(keys_of(t), 'UNIQUE (tenant_id, id)', t || ' gets a key within the tenant') FROM unnest('{plain,behind,other_index,wider}'::regclass[]) AS t;
SELECT is(casnet.protect('within'), '{}', 'a key within the tenant is nothing to do');
SELECT is(keys_of('within'), NULL, 'and enough');
SELECT is(casnet.protect('within'), '{}', 'for the owner, again');
SELECT has_view('within_load', 'the view to load it through is there');
SELECT throws_ok('SELECT casnet.protect(''plain'', ''bills'')', '55000', 'table public.plain is protected as resource "plain"', 'a protected table keeps its resource');

CREATE TABLE public.orgs (id uuid PRIMARY KEY);
CREATE TABLE public.partners (id uuid, tenant_id uuid, partner uuid DEFAULT casnet.current_tenant_id() REFERENCES casnet.tenants ON DELETE CASCADE,
	rival uuid REFERENCES casnet.tenants, PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id) REFERENCES orgs ON DELETE CASCADE);
SELECT is(casnet.protect('partners'), '{}', 'foreign keys of other columns, or to other tables, are nothing to do');
SELECT matches(cascades_of('partners'), '^FOREIGN KEY .tenant_id. REFERENCES casnet.tenants.id. ON DELETE CASCADE$', 'nor do rows go with their tenant by them');
SELECT is((SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef AS d JOIN pg_attribute AS a ON a.attrelid = adrelid AND a.attnum = adnum WHERE adrelid = 'partners'::regclass AND attname = 'tenant_id'),
	'casnet.current_tenant_id()', 'nor is the default of another column that of tenant_id');
CREATE TABLE public.in_orgs (id uuid, tenant_id uuid REFERENCES orgs, PRIMARY KEY (tenant_id, id));
SELECT is(casnet.protect('in_orgs'), '{}', 'nor what keeps rows of another table');

-- References: within the tenant by both sides, or not.
CREATE TABLE public.lists (id uuid, tenant_id uuid, twin uuid NOT NULL, PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, twin, id));
SELECT is(casnet.protect('lists'), '{}', 'another table');
CREATE TABLE public.odd (id uuid PRIMARY KEY, tenant_id uuid);
CREATE POLICY casnet_select ON public.odd USING (true);
CREATE TABLE public.items (id uuid, tenant_id uuid, list uuid, odd uuid REFERENCES odd, PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (tenant_id, list) REFERENCES lists (tenant_id, id));
SELECT is(casnet.protect('items'), '{}', 'a reference within the tenant, and one to a table that is not protected');
CREATE TABLE public.from_elsewhere (id uuid, tenant_id uuid, list uuid, elsewhere uuid, PRIMARY KEY (tenant_id, id),
	CONSTRAINT key_a FOREIGN KEY (elsewhere, list) REFERENCES lists (tenant_id, id));
SELECT alike(array_to_string(casnet.protect('from_elsewhere'), ' '), '%foreign key key_a of public.from_elsewhere can point into another tenant%', 'another column that holds the tenant');
CREATE TABLE public.to_twin (id uuid, tenant_id uuid, list uuid, elsewhere uuid, PRIMARY KEY (tenant_id, id),
	CONSTRAINT key_b FOREIGN KEY (elsewhere, tenant_id, list) REFERENCES lists (tenant_id, twin, id));
SELECT alike(array_to_string(casnet.protect('to_twin'), ' '), '%foreign key key_b of public.to_twin can point into another tenant%', 'another column that is held against it');

-- ALTER TYPE renames the column of a typed table, and no event trigger names that table.
CREATE TYPE public.of_tenant AS (id uuid, tenant_id uuid);
CREATE TABLE public.typed OF public.of_tenant (PRIMARY KEY (tenant_id, id));
SELECT throws_ok('SELECT casnet.protect(''typed'')', '42809', 'table public.typed cannot be protected', 'a table of a type with tenant_id');
-- The load view of a renamed table of another role stays.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.theirs (id uuid, tenant_id uuid, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('theirs');
ALTER EVENT TRIGGER casnet_follow DISABLE;
ALTER TABLE public.theirs RENAME TO theirs_now;
ALTER EVENT TRIGGER casnet_follow ENABLE;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok('SELECT casnet.unprotect(''within'')', 'a table is left alone');
SELECT has_view('theirs_load', 'the view of another owner stays');
-- Column privileges of others are not given to casnet_user.
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_auditor;
SET LOCAL SESSION AUTHORIZATION tap_operator;
GRANT SELECT (id) ON public.plain TO tap_auditor;
SELECT lives_ok('SELECT casnet.unprotect(''plain'')', 'undone');
SELECT ok(NOT has_any_column_privilege('casnet_user', 'plain', 'SELECT'), 'casnet_user may read no column');
SELECT ok(has_column_privilege('tap_auditor', 'plain', 'id', 'SELECT'), 'others as before');
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION casnet.guard_schema TO tap_operator;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok('SELECT casnet.guard_schema(''public'')', '42501', 'only superusers may call casnet.guard_schema()', 'a schema is guarded by superusers');
SELECT * FROM finish();
ROLLBACK;
