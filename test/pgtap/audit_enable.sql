-- What enable_audit() accepts, and from whom.
BEGIN;
SELECT plan(36);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_owner;
GRANT casnet_admin TO tap_owner;
GRANT CREATE ON SCHEMA public TO tap_owner;
CREATE TABLE public.plain (id int PRIMARY KEY);
CREATE TABLE public.texts (tenant_id text, id int PRIMARY KEY);
CREATE TABLE public.keyless (tenant_id uuid, id int UNIQUE NOT NULL);
CREATE TABLE public.secret_key (tenant_id uuid, digest text PRIMARY KEY);
CREATE TABLE public.good (tenant_id uuid, id int PRIMARY KEY, a int, b int);
CREATE VIEW public.a_view AS SELECT * FROM public.good;
CREATE MATERIALIZED VIEW public.a_matview AS SELECT * FROM public.good;
CREATE TEMP TABLE short (tenant_id uuid, id int PRIMARY KEY);
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE FOREIGN TABLE public.far (tenant_id uuid, id int) SERVER s;
SELECT throws_ok(format('SELECT casnet.enable_audit(%s)', a), c, NULL, a) FROM (VALUES
	('''public.plain''', '42703'), ('''public.texts''', '42703'), ('''public.keyless''', '55000'), ('''public.secret_key''', '22023'),
	('''public.a_view''', '42809'), ('''public.a_matview''', '42809'), ('''short''', '42809'), ('''public.far''', '42809'),
	('''pg_class''', '42809'), ('''information_schema.sql_features''', '42809'), ('''public.good_pkey''', '42809'),
	('''casnet_internal.audit_entries''', '42809'), ('''casnet_internal.audit_entries_default''', '42809'), ('''casnet_internal.signing_keys''', '42809'), ('''casnet_internal.revoked_tokens''', '42809'),
	('''casnet_internal.token_cutoffs''', '42809'), ('''casnet_internal.invitations''', '42809'), ('''casnet_internal.codes''', '42809'), ('''public.nothing''', '42P01'), ('NULL', 'P0002'), ('0', 'P0002'),
	('''public.good'', ''{c}''', '42703'), ('''public.good'', ''{id}''', '22023'), ('''public.good'', ''{tenant_id}''', '22023'), ('''public.good'', NULL', '22023'), ('''public.good'', ''{NULL}''', '22023')
	) AS v (a, c);
SELECT is((SELECT array_agg(relation::text) FROM casnet_internal.audited_tables()), NULL, 'none is audited');
SELECT throws_ok(format('SELECT casnet.disable_audit(%s)', a), 'P0002', NULL, 'none to end for ' || a) FROM unnest(ARRAY['NULL', '0']) AS a;

-- casnet's tables, also those without a tenant.
SELECT casnet.enable_audit(relation) FROM casnet_internal.managed_tables() WHERE kind IN ('administration', 'tenant');
UPDATE casnet.users SET full_name = 'x' WHERE username = 'mia';
UPDATE casnet.role_permissions SET updated_at = now(), role = 'viewer' WHERE role = 'admin' AND permission = 'view_analytics';
UPDATE casnet.tenants SET description = 'x' WHERE name = 'North';
SELECT results_eq('SELECT concat(tenant_id, relation, row_key) FROM casnet_internal.audit_entries ORDER BY at, id',
	ARRAY['casnet.users{"id": "' || :'mia' || '"}', 'casnet.role_permissions{"role": "admin", "permission": "view_analytics"}', :'north' || 'casnet.tenants{"id": "' || :'north' || '"}'], 'accounts and roles have no tenant, a tenant is its own');

-- A second call changes only the list of excepted columns.
SELECT casnet.enable_audit('public.good', '{a,b}'), casnet.enable_audit('public.good', '{b}');
ALTER TABLE public.good DISABLE TRIGGER casnet_audit;
SELECT casnet.enable_audit('public.good', '{b}');
INSERT INTO public.good VALUES (:'north', 1, 2, 3);
SELECT results_eq('SELECT after FROM casnet_internal.audit_entries WHERE relation = ''public.good''', ARRAY[jsonb_build_object('tenant_id', :'north', 'id', 1, 'a', 2)], 'one entry');
SELECT casnet.disable_audit('public.good'), casnet.disable_audit('public.good');
INSERT INTO public.good VALUES (:'north', 2, 2, 3);
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE relation = 'public.good'), 1::bigint, 'none once it is disabled');

-- The owner of the table if a member of casnet_admin; nobody else.
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TABLE public.own (tenant_id uuid, id int PRIMARY KEY);
SELECT lives_ok($$SELECT casnet.enable_audit('public.own')$$, 'the owner');
SELECT throws_ok($$SELECT casnet.enable_audit('public.good')$$, '42501', 'must be owner of table public.good', 'of another table');
SELECT throws_ok($$SELECT casnet.disable_audit('casnet.records')$$, '42501', 'must be owner of table casnet.records', 'of none of casnet''s');
SELECT lives_ok($$SELECT casnet.disable_audit('public.own')$$, 'and ends it');
SELECT * FROM finish();
ROLLBACK;
