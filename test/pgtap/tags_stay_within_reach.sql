-- However a tag is written, the functions find it by the name that was typed and by the name
-- that it has: also when a tool for loading or replication writes it, or triggers change it.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
\set record 00000000-0000-7000-8000-0000000003a0
\set zoe 'U&\'Zo\\00eb\''
RESET SESSION AUTHORIZATION;
CREATE TABLE public.typed AS SELECT U&'\00a0 Zoe\0308 \200b' AS name;
-- What the functions do with the tag beside the fixture's, by both of its names.
CREATE FUNCTION public.reached() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	shown CONSTANT text := (SELECT string_agg(name, '|') FROM casnet.tags WHERE name <> 'North tag');
	record CONSTANT uuid := '00000000-0000-7000-8000-0000000003a0';
	done integer[] := '{}';
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY[(SELECT t.name FROM public.typed AS t), shown] LOOP
		done := done || casnet.tag_record(record, name);
		done := done || (SELECT count(*)::int FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(ARRAY[name])));
		done := done || casnet.untag_record(record, name);
		done := done || casnet.tag_records(ARRAY[record], ARRAY[name])::int;
		done := done || casnet.untag_records(ARRAY[record], ARRAY[name])::int;
		PERFORM casnet.rename_tag(name, 'other');
		PERFORM casnet.rename_tag('other', name);
	END LOOP;
	PERFORM casnet.merge_tags(shown, 'North tag');
	RETURN format('%s: %s, %s', shown, done, (SELECT string_agg(t.name, '|') FROM casnet.tags AS t));
END
$$;
CREATE FUNCTION public.pads() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.name := ' ' || NEW.name || U&'\200b'; RETURN NEW; END$$;
CREATE FUNCTION public.blanks() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.name := U&'\200b'; RETURN NEW; END$$;
-- Each way by which a row gets into the table.
CREATE TABLE public.ways (n serial, way text, as_user boolean, statement text);
INSERT INTO public.ways (way, as_user, statement) VALUES
	('INSERT', true, 'INSERT INTO casnet.tags (name) SELECT name FROM public.typed'),
	('a load view', true, 'INSERT INTO casnet.tags_load (name) SELECT name FROM public.typed'),
	('ON CONFLICT DO NOTHING', true, 'INSERT INTO casnet.tags (name) SELECT name || x FROM public.typed, unnest(''{"", " "}''::text[]) AS x ON CONFLICT (tenant_id, name) DO NOTHING'),
	('ON CONFLICT DO UPDATE', true, 'INSERT INTO casnet.tags (name) VALUES (''x''); INSERT INTO casnet.tags (name) VALUES (''x'') ON CONFLICT (tenant_id, name) DO UPDATE SET name = (SELECT name FROM public.typed)'),
	('UPDATE', true, 'INSERT INTO casnet.tags (name) VALUES (''x''); UPDATE casnet.tags SET name = t.name FROM public.typed AS t WHERE tags.name = ''x'''),
	('MERGE', true, 'MERGE INTO casnet.tags AS o USING public.typed AS t ON o.name = t.name WHEN NOT MATCHED THEN INSERT (name) VALUES (t.name)'),
	('COPY', false, format('COPY casnet.tags (tenant_id, name) FROM PROGRAM %L', format('printf ''%s\t\302\240 Zoe\314\210 \342\200\213\n''', :'north'))),
	('session_replication_role', false, format('SET LOCAL session_replication_role = replica; INSERT INTO casnet.tags (tenant_id, name) SELECT %L, name FROM public.typed; SET LOCAL session_replication_role = origin', :'north')),
	('a trigger that comes first', false, format('CREATE TRIGGER aa_pads BEFORE INSERT OR UPDATE ON casnet.tags FOR EACH ROW EXECUTE FUNCTION public.pads(); INSERT INTO casnet.tags (tenant_id, name) SELECT %L, name FROM public.typed', :'north'));
GRANT SELECT ON public.typed, public.ways TO PUBLIC;
CALL be('olga', 'North');
SELECT 'SAVEPOINT before', CASE WHEN as_user THEN 'SET LOCAL SESSION AUTHORIZATION tap_app' ELSE 'RESET SESSION AUTHORIZATION' END, statement, 'SET LOCAL SESSION AUTHORIZATION tap_app',
	format('SELECT is(public.reached(), %L, %L)', :zoe || ': {1,1,1,1,1,1,1,1,1,1}, North tag', way), 'ROLLBACK TO before'
  FROM public.ways ORDER BY n
\gexec
SET LOCAL SESSION AUTHORIZATION tap_app;
COPY casnet.tags_load (name) FROM stdin;
\xc2\xa0Zoe\xcc\x88 
\.
SELECT is(public.reached(), :zoe || ': {1,1,1,1,1,1,1,1,1,1}, North tag', 'COPY into the load view');
ROLLBACK TO before;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TEMP TABLE documents AS SELECT replace(d::text, 'North tag', (SELECT name FROM public.typed))::jsonb AS d FROM casnet.export_tenant() AS d;
SELECT casnet.use_tenant(casnet.import_tenant('documents', 'Copy')) \g /dev/null
SELECT results_eq('SELECT name FROM casnet.tags', ARRAY[:zoe], 'an import');
CALL be('olga', 'North');

-- A trigger that changes the form afterwards is refused, whoever writes, and one that does not
-- is not.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.told(function text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TRIGGER zz_changes BEFORE INSERT OR UPDATE ON casnet.tags FOR EACH ROW EXECUTE FUNCTION public.%I()', function);
	RETURN error_of(statement);
END
$$;
\set refused '23514 | a trigger has put a name into column name of table tags that is not in its form | The form is Unicode NFC, without invisible characters at the ends. | Give the trigger a name that sorts before casnet_canonical_names, or have it write names in that form. | '
SAVEPOINT before;
SELECT is(public.told('pads', format('INSERT INTO casnet.tags (tenant_id, name) VALUES (%L, ''x'')', :'north')), :'refused', 'a later trigger');
ROLLBACK TO before;
SELECT is(public.told('blanks', format('INSERT INTO casnet.tags (tenant_id, name) VALUES (%L, ''x'')', :'north')), :'refused', 'and one that leaves nothing');
ROLLBACK TO before;
SELECT is(public.told('pads', 'UPDATE casnet.tags SET created_at = now()'), :'refused', 'with an UPDATE of something else');
ROLLBACK TO before;
SELECT is(public.told('pads', format('SET LOCAL session_replication_role = replica; ALTER TABLE casnet.tags ENABLE ALWAYS TRIGGER zz_changes; INSERT INTO casnet.tags (tenant_id, name) VALUES (%L, ''x'')', :'north')), :'refused', 'with session_replication_role');
ROLLBACK TO before;
CREATE FUNCTION public.capitals() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.name := upper(NEW.name); RETURN NEW; END$$;
SELECT is(public.told('capitals', format('INSERT INTO casnet.tags (tenant_id, name) SELECT %L, name FROM public.typed', :'north')), 'none', 'a later trigger that leaves the form');
ROLLBACK TO before;
SELECT is((SELECT string_agg(t, ' ' ORDER BY t COLLATE "C") FROM (SELECT tgrelid::regclass::text AS t FROM pg_trigger WHERE tgname IN ('casnet_canonical_names', 'casnet_kept_names') AND tgenabled = 'A' AND tgrelid::regclass::text ~ '^casnet' GROUP BY 1 HAVING count(*) = 2) AS v),
	'casnet.persons casnet.record_persons casnet.tags casnet.tenants casnet.users casnet_internal.invitations', 'so it is with every name');

-- Whoever switched the triggers off has tags that are out of reach until they are renamed by
-- the names that they have.
ALTER TABLE casnet.tags DISABLE TRIGGER USER;
INSERT INTO casnet.tags (tenant_id, id, name) SELECT :'north', '00000000-0000-7000-8000-0000000009aa', name FROM public.typed;
INSERT INTO casnet.tags (tenant_id, id, name) VALUES (:'north', '00000000-0000-7000-8000-0000000009ab', :zoe), (:'north', '00000000-0000-7000-8000-0000000009ac', U&'\200b');
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id) VALUES (:'north', :'record', '00000000-0000-7000-8000-0000000009aa'), (:'north', :'record', '00000000-0000-7000-8000-0000000009ac');
ALTER TABLE casnet.tags ENABLE TRIGGER USER;
UPDATE casnet.tags SET created_at = now() WHERE tenant_id = :'north';
SELECT is((SELECT count(*) FROM casnet.tags WHERE tenant_id = :'north'), 4::bigint, 'an UPDATE of something else leaves them');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(casnet.untag_record(:'record', VARIADIC ARRAY[(SELECT name FROM public.typed)]), 0, 'two tags with one form');
SELECT lives_ok(format('SELECT casnet.rename_tag(%L, %L)', (SELECT name FROM public.typed), :zoe), 'rename_tag() finds one by its name');
SELECT is((SELECT count(*) FROM casnet.tags WHERE name ~ 'Z'), 1::bigint, 'and merges it with the other');
SELECT lives_ok('SELECT casnet.rename_tag(U&''\200b'', '' seen '')', 'rename_tag() finds one without anything to see');
SELECT is(casnet.tags_of(:'record'), ARRAY[:zoe, 'seen'], 'and both are on the record');
SELECT is(casnet.untag_record(:'record', VARIADIC casnet.tags_of(:'record')), 2, 'within reach');
SELECT throws_ok('SELECT casnet.rename_tag(U&''\200b'', ''x'')', '22023', 'the name of a tag is blank', 'no tag has such a name any more');
SELECT * FROM finish();
ROLLBACK;
