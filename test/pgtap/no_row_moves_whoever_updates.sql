-- UPDATE never moves a row to another tenant.  A superuser cannot, by UPDATE, MERGE or ON
-- CONFLICT, in a tenant's table or a protected one.  An administrator moves no membership.
-- An application that changes the tenant on the way is refused.
BEGIN;
SELECT plan(55);
\ir include/fixtures.sql
\ir include/both_tenants.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id uuid DEFAULT casnet.uuid_v7(), title text);
CREATE TABLE public.parted (tenant_id uuid NOT NULL, id integer, title text) PARTITION BY LIST (tenant_id);
SELECT format('CREATE TABLE public.parted_%s PARTITION OF public.parted FOR VALUES IN (%L)', name, id) FROM public.who WHERE name IN ('North', 'South') \gexec
SELECT casnet.protect('public.invoices') IS NOT NULL AS one, casnet.protect('public.parted') IS NOT NULL AS two \gset
INSERT INTO public.invoices (tenant_id, title) VALUES (:'north', 'x');
INSERT INTO public.parted (tenant_id, id, title) VALUES (:'north', 1, 'x');
-- Only the triggers that keep rows in their tenant prevent the move.
DELETE FROM casnet.tasks WHERE tenant_id = :'north';
DELETE FROM casnet.calendar_events WHERE tenant_id = :'north';
INSERT INTO casnet.tasks (tenant_id, title) VALUES (:'north', 'alone');
INSERT INTO casnet.calendar_events (tenant_id, title, starts_at) VALUES (:'north', 'alone', now());
INSERT INTO casnet.records (tenant_id, id, title) VALUES (:'north', :'nora', 'alone');
INSERT INTO casnet.tags (tenant_id, id, name) VALUES (:'north', :'nora', 'alone');
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id) SELECT id, :'nora', :'nora' FROM casnet.tenants WHERE id = :'north';
INSERT INTO casnet.persons (tenant_id, id, name) VALUES (:'north', :'nora', 'alone');
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id) SELECT tenant_id, :'nora', id FROM casnet.persons WHERE name = 'North person';
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'mia', :'north', 'view_analytics');
CREATE TABLE public.targets (name text, row_is text);
INSERT INTO public.targets VALUES ('casnet.persons', 'name = ''alone'''), ('casnet.records', 'title = ''alone'''), ('casnet.tags', 'name = ''alone'''),
	('casnet.record_persons', 'record_id = ''00000000-0000-7000-8000-000000000008'''), ('casnet.record_tags', 'record_id = ''00000000-0000-7000-8000-000000000008'''), ('casnet.tasks', 'true'), ('casnet.calendar_events', 'true'),
	('casnet.user_tenants', 'user_id = ''00000000-0000-7000-8000-000000000002'''), ('casnet.user_tenant_permissions', 'true'),
	('public.invoices', 'true'), ('public.parted', 'true');
GRANT SELECT ON public.targets TO PUBLIC;
CREATE FUNCTION public.moves(target text, row_is text, tenant uuid) RETURNS text LANGUAGE sql AS $$
	SELECT format('UPDATE %s SET tenant_id = %L WHERE tenant_id = ''00000000-0000-7000-8000-0000000000a0'' AND %s', target, tenant, row_is)
$$;
CREATE FUNCTION public.merges(target text, row_is text, tenant uuid) RETURNS text LANGUAGE sql AS $$
	SELECT format('MERGE INTO %s AS t USING (VALUES (1)) AS v ON tenant_id = ''00000000-0000-7000-8000-0000000000a0'' AND %s WHEN MATCHED THEN UPDATE SET tenant_id = %L', target, row_is, tenant)
$$;

-- A superuser.
SELECT is(state_of(public.moves(name, row_is, :'south')), '23514', 'a superuser, ' || name) FROM public.targets;
SELECT is(state_of(public.merges(name, row_is, :'south')), '23514', 'by MERGE, ' || name) FROM public.targets;
SELECT is(state_of(format($s$INSERT INTO casnet.tags (tenant_id, name) VALUES (%L, 'alone') ON CONFLICT (tenant_id, name) DO UPDATE SET tenant_id = %L$s$, :'north', :'south')), '23514', 'by ON CONFLICT');
SELECT is(state_of(format('UPDATE casnet.persons SET tenant_id = %L', :'north')), '23514', 'both ways');
SELECT is(state_of('UPDATE casnet.persons SET tenant_id = tenant_id, name = name || ''!'''), 'none', 'a row that stays is changed');
SELECT is(state_of('UPDATE public.parted SET tenant_id = tenant_id, title = title || ''!'''), 'none', 'that of a partition, too');

-- A trigger that moves a row that a superuser updates.
CREATE FUNCTION public.moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.tenant_id := '00000000-0000-7000-8000-0000000000b0';
	RETURN NEW;
END
$$;
CREATE TRIGGER zz_moved BEFORE UPDATE ON casnet.persons FOR EACH ROW EXECUTE FUNCTION public.moved();
CREATE TRIGGER aa_moved BEFORE UPDATE ON public.invoices FOR EACH ROW EXECUTE FUNCTION public.moved();
SELECT is(state_of('UPDATE casnet.persons SET gender = ''OTHER'' WHERE name = ''alone'''), '23514', 'a trigger');
SELECT is(state_of('UPDATE public.invoices SET title = ''x'' WHERE tenant_id = ''00000000-0000-7000-8000-0000000000a0'''), '23514', 'one of a protected table');
DROP TRIGGER zz_moved ON casnet.persons;
DROP TRIGGER aa_moved ON public.invoices;

-- Between partitions, which is a DELETE and an INSERT.
INSERT INTO public.parted (tenant_id, id, title) VALUES (:'north', 2, 'y'), (:'south', 3, 'z');
CREATE TRIGGER zz_moved BEFORE UPDATE ON public.parted FOR EACH ROW EXECUTE FUNCTION public.moved();
SELECT is(state_of('UPDATE public.parted SET title = ''x'''), '23514', 'a trigger of a partitioned table');
SELECT is(state_of('UPDATE public.parted SET title = ''x'' WHERE id = 3'), 'none', 'where it changes nothing');
SELECT is(state_of('MERGE INTO public.parted AS t USING (VALUES (2)) AS v (id) ON t.id = v.id WHEN MATCHED THEN UPDATE SET title = ''x'''), '23514', 'by MERGE');
DROP TRIGGER zz_moved ON public.parted;
SELECT is(state_of(format('MERGE INTO public.parted AS t USING (VALUES (2, %L::uuid), (3, %L), (4, %2$L)) AS v (id, tenant) ON t.id = v.id'
	' WHEN MATCHED AND t.id = 2 THEN UPDATE SET title = ''u'' WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (tenant_id, id) VALUES (v.tenant, v.id)', :'north', :'south')),
	'none', 'MERGE updates one, deletes another and inserts a third');
CREATE FUNCTION public.also_writes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() = 1 THEN
		UPDATE public.parted SET title = title WHERE id = 4;
		DELETE FROM public.parted WHERE id = 5;
		INSERT INTO public.parted (tenant_id, id) SELECT id, 5 FROM casnet.tenants WHERE name = 'South';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER aa_writes BEFORE UPDATE ON public.parted FOR EACH ROW EXECUTE FUNCTION public.also_writes();
CREATE TRIGGER zz_writes BEFORE UPDATE ON public.parted FOR EACH ROW EXECUTE FUNCTION public.also_writes();
SELECT is(state_of('UPDATE public.parted SET title = ''x'' WHERE id = 2'), 'none', 'what triggers write meanwhile is no move');
CREATE TRIGGER mm_moved BEFORE UPDATE ON public.parted FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION public.moved();
SELECT is(state_of('UPDATE public.parted SET title = ''x'' WHERE id = 2'), '23514', 'and hides none');
DROP TRIGGER aa_writes ON public.parted;
DROP TRIGGER zz_writes ON public.parted;
DROP TRIGGER mm_moved ON public.parted;
-- A table that becomes a partition, and partitions by tenant.
CREATE TABLE public.by_year (tenant_id uuid NOT NULL, id integer, year integer, title text) PARTITION BY LIST (year);
CREATE TABLE public.by_year_1 (tenant_id uuid NOT NULL, id integer, year integer, title text);
CREATE TABLE public.by_year_2 PARTITION OF public.by_year FOR VALUES IN (2);
SELECT casnet.protect('public.by_year_1', 'by_year') IS NOT NULL AS three \gset
ALTER TABLE public.by_year ATTACH PARTITION public.by_year_1 FOR VALUES IN (1);
SELECT casnet.protect('public.by_year', 'by_year') IS NOT NULL AS four \gset
INSERT INTO public.by_year VALUES (:'north', 1, 1, 'x');
SELECT is(state_of('UPDATE public.by_year SET year = 2'), 'none', 'a row goes to another partition');
SELECT is(state_of('UPDATE public.by_year SET year = 1'), 'none', 'and back');
CREATE TRIGGER zz_moved BEFORE UPDATE ON public.by_year FOR EACH ROW EXECUTE FUNCTION public.moved();
SELECT is(state_of('UPDATE public.by_year SET year = 2'), '23514', 'not to another tenant on the way');

-- An administrator, whose only policies are on memberships and permissions.
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT is(state_of(public.moves(name, row_is, :'south')), '23514', 'an administrator, ' || name) FROM public.targets WHERE name ~ 'user_tenant';
SELECT is(state_of(public.merges(name, row_is, :'south')), '23514', 'an administrator, by MERGE, ' || name) FROM public.targets WHERE name ~ 'user_tenant';

-- An application whose user belongs to both tenants: without a change, and with one on the
-- way.
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(state_of(public.moves(name, row_is, :'south')), '42501', 'an application, ' || name) FROM public.targets WHERE name ~ 'invoices|parted|permissions';
SELECT is(state_of(format('INSERT INTO casnet.tags (name) VALUES (''alone'') ON CONFLICT (tenant_id, name) DO UPDATE SET tenant_id = %L', :'south')), '42501', 'by ON CONFLICT');
SELECT matches(state_of(public.moves(name, row_is || format(' AND public.go(''tenant_id'', %L)', :'south'), :'south')), '^(42501|55000)$', 'there on the way, ' || name)
  FROM public.targets WHERE name !~ 'user_tenant';
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.persons WHERE tenant_id = :'south'), 1::bigint, 'nothing moved');
SELECT * FROM finish();
ROLLBACK;
