-- protect() makes an index that begins with tenant_id, unless one of all rows exists that a
-- foreign key within a tenant can refer to.  No other index counts.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.t (tenant_id uuid NOT NULL, id int PRIMARY KEY, a int, d int);
-- What protect() makes for a table that has such an index already; undone.
CREATE FUNCTION public.made(index text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made text;
BEGIN
	EXECUTE coalesce(index, 'SELECT');
	PERFORM casnet.protect('public.t');
	SELECT string_agg(pg_get_indexdef(indexrelid), '; ') INTO made FROM pg_index WHERE indrelid = 'public.t'::regclass AND obj_description(indexrelid, 'pg_class') LIKE 'casnet: %';
	RAISE EXCEPTION USING ERRCODE = 'ZZZZY', MESSAGE = coalesce(made, 'none');
EXCEPTION WHEN SQLSTATE 'ZZZZY' THEN
	RETURN SQLERRM;
END
$$;
\set needed 'CREATE UNIQUE INDEX t_tenant_id_id_idx ON public.t USING btree (tenant_id, id)'
SELECT is(public.made(NULL), :'needed', 'with the primary key');
SELECT is(public.made('CREATE UNIQUE INDEX mine ON public.t (tenant_id, id)'), 'none', 'unless there is such a one');
SELECT is(public.made('CREATE UNIQUE INDEX mine ON public.t (tenant_id, id) INCLUDE (a)'), 'none', 'also with more columns beside it');
SELECT is(public.made('CREATE UNIQUE INDEX mine ON public.t (tenant_id, id) WHERE a > 0'), :'needed', 'but of some rows only');
SELECT is(public.made('CREATE INDEX mine ON public.t (tenant_id, id)'), :'needed', 'or not unique');
SELECT is(public.made('CREATE UNIQUE INDEX mine ON public.t (id, tenant_id)'), :'needed', 'or led by another column');
SELECT is(public.made('CREATE UNIQUE INDEX mine ON public.t (tenant_id, id, a)'), :'needed', 'or of more columns');
SELECT is(public.made('ALTER TABLE public.t ADD UNIQUE (tenant_id, id) DEFERRABLE'), :'needed', 'or checked later');
SELECT * FROM finish();
ROLLBACK;
