-- undelete() judges a deleted row by what the audit knows of it.  What is not known, what
-- cannot be read any more, and what the caller's search_path would change, is not seen.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TABLE app.cases (id int, tenant_id uuid, level text, sort text, conf boolean GENERATED ALWAYS AS (level = 'secret') STORED, only_for uuid, old_for uuid, body text, PRIMARY KEY (tenant_id, id));
CREATE TABLE app.plain (id int, tenant_id uuid, level text, body text, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect(t), casnet.enable_audit(t) FROM unnest('{app.cases,app.plain}'::regclass[]) AS t \g /dev/null
\set is_olga 'casnet.current_user_id() = ''00000000-0000-7000-8000-000000000001'''
CREATE POLICY generated ON app.cases AS RESTRICTIVE USING (conf IS NOT TRUE OR :is_olga);
CREATE POLICY mine ON app.cases AS RESTRICTIVE USING (only_for IS NULL OR :is_olga);
CREATE POLICY renamed ON app.cases AS RESTRICTIVE USING (old_for IS NULL OR :is_olga);
CREATE POLICY distinct_from ON app.plain AS RESTRICTIVE USING (level IS DISTINCT FROM 'secret' OR :is_olga);
CREATE FUNCTION public.tried(a text, b text, c text DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM casnet.undelete(a::regclass, b, true, c::jsonb);
	RETURN 'came back';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
\set unseen 'P0002 no deletion of this row is recorded'
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO app.cases (id, level, only_for, old_for, body) VALUES (1, 'secret', NULL, NULL, 'hidden'), (2, 'x', :'olga', NULL, 'hidden'), (3, 'x', NULL, :'olga', 'hidden');
INSERT INTO app.plain (id, level, body) VALUES (1, 'secret', 'hidden'), (2, 'open', 'seen'), (3, 'suspected fraud', 'hidden');
DELETE FROM app.cases;
DELETE FROM app.plain;
RESET SESSION AUTHORIZATION;
ALTER TABLE app.cases RENAME old_for TO for_whom;

SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(public.tried('app.cases', k, c), :'unseen', k || ' ' || c)
  FROM (VALUES ('1', '{}'), ('1', '{"level": "x"}'), ('2', '{}'), ('2', '{"only_for": null}'), ('3', '{}'), ('3', '{"for_whom": null}'), ('99', '{}')) AS v (k, c);

-- An operator of the caller's, which IS DISTINCT FROM would find along the path.
SELECT is(public.tried('app.plain', '1', '{"level": null}'), :'unseen', 'a row that was hidden');
RESET SESSION AUTHORIZATION;
CREATE SCHEMA mine;
GRANT USAGE ON SCHEMA mine TO PUBLIC;
CREATE FUNCTION mine.eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR mine.= (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.eq);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SET LOCAL search_path = mine, pg_catalog, public;
SELECT public.tried('app.plain', '1', '{"level": null}') AS hidden, public.tried('app.plain', '2') AS seen, current_setting('search_path') AS path \gset
RESET search_path;
SELECT is(:'hidden', :'unseen'::text, 'also with an operator on the path');
SELECT is(:'path', text 'mine, pg_catalog, public', 'which stays as it was');
SELECT is(:'seen', text 'came back', 'what was seen comes back');

-- A type that does not take the value any more.
RESET SESSION AUTHORIZATION;
DROP POLICY distinct_from ON app.plain;
DELETE FROM app.plain;
CREATE TYPE app.lvl AS ENUM ('open', 'closed');
ALTER TABLE app.plain ALTER level TYPE app.lvl USING 'closed'::app.lvl;
CREATE POLICY by_level ON app.plain AS RESTRICTIVE USING (level = 'open' OR :is_olga);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(public.tried('app.plain', k, c), :'unseen', 'another type, ' || k) FROM (VALUES ('3', '{}'), ('3', '{"level": "open"}'), ('99', '{}')) AS v (k, c);

-- Settings that change constants, collations, null in json, and names that are gone.
RESET SESSION AUTHORIZATION;
CREATE COLLATION app.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE ROLE tap_team;
CREATE TABLE app.odd (id int, tenant_id uuid, risk float8, level text COLLATE app.ci, data jsonb, team regrole, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('app.odd'), casnet.enable_audit('app.odd') \g /dev/null
CREATE POLICY odd ON app.odd AS RESTRICTIVE USING (:is_olga OR (risk < '0.46' AND level <> 'secret' AND data IS NULL));
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO app.odd (id, risk, level, data) VALUES (1, 0.48, 'x', NULL), (2, 0.1, 'SECRET', NULL), (3, 0.1, 'x', 'null'), (4, 0.1, 'x', NULL);
CALL be('mia', 'North');
SELECT results_eq('SELECT id FROM app.odd', 'VALUES (4)', 'one is seen');
CALL be('olga', 'North');
DELETE FROM app.odd;
CALL be('mia', 'North');
SET LOCAL extra_float_digits = -15;
SELECT is(public.tried('app.odd', id, '{"risk": 0.1, "level": "x", "data": null}'), :'unseen', 'hidden: ' || id) FROM unnest('{1,2,3,99}'::text[]) AS id;
RESET extra_float_digits;
RESET SESSION AUTHORIZATION;
DROP POLICY odd ON app.odd;
CREATE POLICY team ON app.odd AS RESTRICTIVE USING (:is_olga OR team IS NULL);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO app.odd (id, team) VALUES (5, 'tap_team');
DELETE FROM app.odd;
RESET SESSION AUTHORIZATION;
DROP ROLE tap_team;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(public.tried('app.odd', id), :'unseen', 'a role that is gone: ' || id) FROM unnest('{5,99}'::text[]) AS id;
SELECT * FROM finish();
ROLLBACK;
