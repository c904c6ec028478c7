-- unprotect() undoes what protect() did, exactly, whatever the table had.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
\ir include/table_state.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.nobody() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
CREATE TABLE public.bare (id int PRIMARY KEY, updated_at timestamptz);
CREATE TABLE public.keyless (body text);
CREATE TABLE public.rich (a int, b text, updated_at timestamptz, tenant_id uuid DEFAULT public.nobody(),
	PRIMARY KEY (a, b), UNIQUE (tenant_id, b, a));
CREATE TABLE public.ready (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id() REFERENCES casnet.tenants ON DELETE CASCADE,
	id int, updated_at timestamptz, PRIMARY KEY (tenant_id, id));
CREATE TRIGGER casnet_updated_at BEFORE UPDATE ON public.ready FOR EACH ROW EXECUTE FUNCTION casnet_internal.touch_updated_at();
ALTER TABLE public.ready ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON public.ready AS RESTRICTIVE USING (id % 2 = 1);
GRANT SELECT, DELETE ON public.ready TO casnet_user;
GRANT UPDATE (id) ON public.ready TO casnet_user;
GRANT SELECT ON public.bare TO tap_app;
REVOKE ALL ON public.keyless FROM CURRENT_USER;
CREATE FUNCTION public.state() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT x FROM unnest('{bare, keyless, rich, ready}'::regclass[]) AS t, table_state(t) AS x
$$;
CREATE TEMP TABLE before (state text);
CREATE TEMP TABLE between_ (state text);
INSERT INTO before SELECT state();

SELECT lives_ok(format('SELECT casnet.protect(%L)', t), t) FROM unnest('{bare, keyless, rich, ready}'::text[]) AS t;
INSERT INTO between_ SELECT state();
SELECT is((SELECT count(*) FROM pg_policies WHERE policyname ~ '^casnet' AND schemaname = 'public'), 16::bigint, 'they are protected');
SELECT casnet.protect('bare') IS NOT NULL AS again \gset
SELECT casnet.unprotect(t) FROM unnest('{bare, keyless, rich, ready}'::regclass[]) AS t;
SELECT set_eq('SELECT state()', 'TABLE before', 'and are as they were');
SELECT throws_ok('SELECT casnet.unprotect(''bare'')', '55000', NULL, 'once');
SELECT casnet.protect(t) IS NOT NULL AS again FROM unnest('{bare, keyless, rich, ready}'::regclass[]) AS t;
SELECT set_eq('SELECT state()', 'TABLE between_', 'and back');

-- After a rename, and with keys that somebody made from it.
ALTER TABLE public.bare RENAME TO plain;
ALTER INDEX public.bare_tenant_id_id_idx RENAME TO an_index;
ALTER TABLE public.plain RENAME CONSTRAINT bare_tenant_id_fkey TO a_key;
CREATE INDEX mine ON public.plain (tenant_id, updated_at);
SELECT throws_ok('SELECT casnet.unprotect(''plain'')', '2BP01', 'column tenant_id of table public.plain is used by what casnet did not make', 'an index of others');
SELECT alike(error_of('SELECT casnet.unprotect(''plain'')'), '%They would be dropped with the column: index public.mine.%', 'it is named');
DROP INDEX public.mine;
CREATE VIEW public.shown AS SELECT tenant_id FROM public.plain;
SELECT throws_ok('SELECT casnet.unprotect(''plain'')', '2BP01', NULL, 'or a view');
DROP VIEW public.shown;
SELECT casnet.unprotect('plain');
ALTER TABLE public.plain RENAME TO bare;
SELECT casnet.unprotect(t) FROM unnest('{keyless, rich, ready}'::regclass[]) AS t;
SELECT set_eq('SELECT state()', 'TABLE before', 'all is as it was');
SELECT is_empty('TABLE casnet_internal.protected', 'and forgotten');
SELECT * FROM finish();
ROLLBACK;
