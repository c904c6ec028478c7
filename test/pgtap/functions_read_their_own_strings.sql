-- A body of a function is read by the rules of whoever calls it.  Where these keep a backslash,
-- or take it as an escape, casnet's functions mean the same.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.without(body text) RETURNS text LANGUAGE sql AS $f$
	SELECT regexp_replace(regexp_replace(regexp_replace(body, $r$\$([a-z]+)\$.*?\$\1\$$r$, '', 'g'),
										 '--[^\n]*', '', 'g'),
						  $r$[eE]'([^'\\]|''|\\.)*'$r$, '', 'g')
$f$;
SELECT is((SELECT string_agg(p.oid::regprocedure::text, ', ' ORDER BY 1) FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
			WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND l.lanname IN ('sql', 'plpgsql')
			  AND pg_temp.without(p.prosrc) ~ $r$'[^']*\\[^']*'$r$ AND NOT coalesce(p.proconfig @> '{standard_conforming_strings=on}', false)),
		  NULL, 'no body has a backslash in a plain string');
CREATE TABLE public.papers (id uuid PRIMARY KEY DEFAULT casnet.uuid_v7(), title text);
SELECT casnet.protect('public.papers') AS notes \gset
SELECT casnet.enable_audit(t) FROM unnest('{public.papers,casnet.persons,casnet.record_persons}'::regclass[]) AS t;
ALTER TABLE public.papers OWNER TO tap_app;
-- From 19 on there is one rule, and the rest runs by it.
SELECT current_setting('server_version_num')::integer < 190000 AS has_other_strings \gset
\if :has_other_strings
SET LOCAL escape_string_warning = off;
SET LOCAL standard_conforming_strings = off;
\endif
SELECT is(casnet.schema_version(), (SELECT extversion FROM pg_extension WHERE extname = 'casnet'), 'the version of the tables');
SET LOCAL SESSION AUTHORIZATION tap_app;
ALTER TABLE public.papers RENAME TO pages;
SELECT ok(to_regclass('public.pages_load') IS NOT NULL, 'the view to load a table through follows it');
CALL be('olga', 'North');
INSERT INTO public.pages (title) VALUES ('one') RETURNING id AS page \gset
DELETE FROM public.pages;
SELECT lives_ok(format('SELECT casnet.history(''public.pages'', %L::uuid)', :'page'), 'its audit is read');
SELECT lives_ok('SELECT casnet.export_person(''00000000-0000-7000-8000-0000000001a0'')', 'a person is exported');
SELECT lives_ok('SELECT casnet.erase_person(''00000000-0000-7000-8000-0000000001a0'')', 'and erased');
SELECT * FROM finish();
ROLLBACK;
