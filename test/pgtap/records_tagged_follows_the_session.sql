-- A cached plan with records_tagged() answers for the session's identity, the present tags,
-- and the parameters of each execution.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
-- Both tenants have a tag "a": on record 1 in North, on record 2 in South.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.tags (tenant_id, name) VALUES (:'north', 'a'), (:'south', 'a');
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
SELECT r.tenant_id, r.id, t.id FROM casnet.records AS r JOIN casnet.tags AS t USING (tenant_id)
 WHERE t.name = 'a' AND r.title IN ('North record 1', 'South record 2');
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION pg_temp.titles(names text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT string_agg(title, ',' ORDER BY title) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(names)));
END
$$;
PREPARE fixed AS SELECT string_agg(title, ',' ORDER BY title) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{a}'));
PREPARE given (text[]) AS SELECT string_agg(title, ',' ORDER BY title) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged($1));
PREPARE counted (text[]) AS SELECT count(*) FROM casnet.records_tagged($1);


-- Nine times in turns, so that the server chooses between a plan for the
-- parameters and one for all.
CREATE FUNCTION pg_temp.rounds() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	place text;
	call text;
	answer text;
	answers text[];
BEGIN
	FOR i IN 1 .. 9 LOOP
		answers := '{}';
		FOREACH place IN ARRAY ARRAY['North', 'South'] LOOP
			CALL public.be('mia', place);
			FOREACH call IN ARRAY ARRAY['fixed', 'given (''{a}'')', 'given (''{North tag}'')', 'counted (''{North tag}'')'] LOOP
				EXECUTE 'EXECUTE ' || call INTO answer;
				answers := answers || answer;
			END LOOP;
			answers := answers || pg_temp.titles('{a}');
		END LOOP;
		RETURN NEXT array_to_string(answers, ' | ', '-');
	END LOOP;
END
$$;
\set nine 'ARRAY[''North record 1 | North record 1 | North record 1,North record 2 | 2 | North record 1 | South record 2 | South record 2 | - | 0 | South record 2'']'
SET LOCAL plan_cache_mode = auto;
SELECT results_eq('SELECT DISTINCT r FROM pg_temp.rounds() AS r', :nine, 'as the server likes');
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT results_eq('SELECT DISTINCT r FROM pg_temp.rounds() AS r', :nine, 'one plan for all');
SET LOCAL plan_cache_mode = force_custom_plan;
SELECT results_eq('SELECT DISTINCT r FROM pg_temp.rounds() AS r', :nine, 'one for each');
SET LOCAL plan_cache_mode = auto;

CALL be('olga', 'North');
SELECT casnet.untag_record('00000000-0000-7000-8000-0000000001a0', 'a');
SELECT is(pg_temp.titles('{a}'), NULL, 'a link that went');
SELECT is_empty('SELECT * FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(''{new}''))', 'no such tag yet');
PREPARE new AS SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{new}'));
SELECT results_eq('EXECUTE new', ARRAY[0::bigint], 'nor in a plan that is kept');
SELECT casnet.tag_record('00000000-0000-7000-8000-0000000001a0', 'new');
SELECT results_eq('EXECUTE new', ARRAY[1::bigint], 'a tag that was made');
SAVEPOINT before;
SELECT casnet.rename_tag('new', 'old');
SELECT results_eq('EXECUTE new', ARRAY[0::bigint], 'renamed');
ROLLBACK TO before;
SELECT results_eq('EXECUTE new', ARRAY[1::bigint], 'rolled back');
SELECT results_eq('WITH made AS (SELECT casnet.tag_record(id, ''late'') FROM casnet.records)
	SELECT (SELECT count(*) FROM made), (SELECT count(*) FROM casnet.records_tagged(''{late}''))', 'VALUES (3::bigint, 0::bigint)', 'a statement sees the tags as they were before it');
CALL be('mia', 'South');
SELECT results_eq('EXECUTE new', ARRAY[0::bigint], 'South has no such tag');
CALL be('nora', 'South');
SELECT throws_ok('EXECUTE fixed', '42501', 'not a member of the active tenant', 'a stranger');
SELECT throws_ok('EXECUTE counted (''{a}'')', '42501', 'not a member of the active tenant', 'by parameter');
CALL be('');
SELECT throws_ok('EXECUTE fixed', '28000', NULL, 'nobody');
SELECT * FROM finish();
ROLLBACK;
