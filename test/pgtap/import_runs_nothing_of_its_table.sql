-- Reading documents from another role's table runs nothing that this role has put into it.
-- The import is the caller's work, with the caller's rights.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
\ir include/hostile.sql
CREATE TEMP TABLE exported AS SELECT n, d FROM casnet.export_tenant(:'north') WITH ORDINALITY AS e (d, n);
GRANT SELECT ON exported TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE TABLE h.documents (n int, d jsonb, CHECK (h.evil('check') = 1), CHECK (d <> '1' OR h.evil('check') = 1), note int DEFAULT h.evil('default'));
CREATE INDEX ON h.documents ((h.evil('index expression')));
CREATE INDEX ON h.documents (n) WHERE h.evil('index predicate') = 1;
CREATE STATISTICS h.told ON n, (n + h.evil('statistics')) FROM h.documents;
INSERT INTO h.documents SELECT n, d, 1 FROM exported ORDER BY n;
ANALYZE h.documents;
GRANT SELECT, UPDATE ON h.documents TO tap_app;
CREATE VIEW h.shown AS SELECT d, h.evil('view') FROM h.documents;
RESET SESSION AUTHORIZATION;
SELECT h.rose() IS NOT NULL AS begun \gset

SELECT lives_ok('SELECT casnet.import_tenant(''h.documents'', ''Copy'')', 'a superuser imports');
SELECT is(h.rose_if_at_all(), NULL, 'nothing ran');
SELECT throws_ok('SELECT casnet.import_tenant(''h.shown'', ''Copy'')', '42809', NULL, 'a view is no table');
SELECT is(h.rose_if_at_all(), NULL, 'and is not read');
SELECT is((SELECT count(*) FROM casnet.records AS r JOIN casnet.tenants AS t ON t.id = r.tenant_id WHERE t.name = 'Copy'), 3::bigint, 'all is there');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('sue');
SELECT lives_ok('SELECT casnet.import_tenant(''h.documents'', ''Other copy'')', 'a user imports');
SELECT is(h.rose_if_at_all(), NULL, 'nothing ran');
SET LOCAL SESSION AUTHORIZATION tap_evil;
UPDATE h.documents SET d = jsonb_set(d, '{row,title}', '1') WHERE n = (SELECT max(n) FROM h.documents WHERE d->>'table' = 'records');
RESET SESSION AUTHORIZATION;
SELECT h.rose() IS NOT NULL AS begun \gset
SELECT matches(error_of('SELECT casnet.import_tenant(''h.documents'', ''Bad'')'),
	'^22023 . document \d+ .records .* cannot be imported . "title" of "row" is no string', 'a document that does not fit is named');
SELECT is(h.rose_if_at_all(), NULL, 'nothing ran');
SELECT is((regexp_match(error_of('SELECT casnet.import_tenant(''h.documents'', ''Bad'')'), 'document (\d+)'))[1]::bigint, (SELECT count(*) FROM h.documents), 'by its place, the last one since the change');

-- The function that reads them checks the caller's privilege itself.
SELECT h.rose() IS NOT NULL AS begun \gset
SET LOCAL SESSION AUTHORIZATION tap_evil;
REVOKE ALL ON h.documents FROM tap_app;
CREATE TABLE h.secured (d jsonb);
ALTER TABLE h.secured ENABLE ROW LEVEL SECURITY;
GRANT ALL ON h.secured TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('SELECT casnet.import_tenant(''h.documents'', ''Copy'')', '42501', NULL, 'a table that the caller may not read');
SELECT throws_ok($$SELECT * FROM casnet_internal.read_documents('h.documents', 'd', '(0,0)', '(9,9)')$$, '42501', NULL, 'directly');
SELECT throws_ok($$SELECT * FROM casnet_internal.read_documents('casnet_internal.signing_keys', 'kid', '(0,0)', '(9,9)')$$, '42501', NULL, 'of casnet');
SELECT throws_ok($$SELECT * FROM casnet_internal.read_documents('h.secured', 'd', '(0,0)', '(9,9)')$$, '42809', NULL, 'with row security');
SELECT throws_ok($$SELECT * FROM casnet_internal.read_documents('h.shown', 'd', '(0,0)', '(9,9)')$$, '42501', NULL, 'a view');
SELECT throws_ok($$SELECT * FROM casnet_internal.read_documents(1::regclass, 'd', '(0,0)', '(9,9)')$$, '42P01', NULL, 'nothing');
RESET SESSION AUTHORIZATION;
SELECT is(h.rose_if_at_all(), NULL, 'nothing ran');
-- The table is known by its OID, also the caller's own.  A role that renames its schema
-- cannot put another table in its place.
CREATE TABLE h.mine (d jsonb);
INSERT INTO h.mine VALUES ('{"casnet": "tenant"}');
SELECT casnet_internal.document_source('h.mine', 'd') AS source \gset
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE FUNCTION h.documents() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM h.now('document'); RETURN '{}'; END $$;
RESET SESSION AUTHORIZATION;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO tap_evil', current_database()); END $$;
SET LOCAL SESSION AUTHORIZATION tap_evil;
ALTER SCHEMA h RENAME TO h_before;
CREATE SCHEMA h;
GRANT USAGE ON SCHEMA h TO PUBLIC;
CREATE FUNCTION h.document() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
CREATE VIEW h.mine AS SELECT '(0,1)'::tid AS ctid, h.document() AS d;
GRANT SELECT ON h.mine TO PUBLIC;
RESET SESSION AUTHORIZATION;
PREPARE documents (tid, tid) AS SELECT string_agg(t.d::text, '') AS found FROM :source AS t;
CREATE TEMP TABLE found AS EXECUTE documents ('(0,0)', '(9,9)');
SELECT is((SELECT found FROM found), '{"casnet": "tenant"}', 'the own table is read, wherever it is');
SELECT * FROM finish();
ROLLBACK;
