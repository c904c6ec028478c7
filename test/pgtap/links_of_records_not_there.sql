-- A record or a person of another tenant looks like one that does not exist: the same error,
-- to the letter, whatever is done with their links.
BEGIN;
SELECT plan(27);
\ir include/fixtures.sql
CREATE FUNCTION pg_temp.both(call text, OUT foreign_one text, OUT missing text) LANGUAGE plpgsql AS $$
BEGIN
	foreign_one := error_of('SELECT ' || replace(call, '$', '''00000000-0000-7000-8000-0000000001b0'''));
	missing := error_of('SELECT ' || replace(call, '$', '''00000000-0000-7000-8000-0000000001ff'''));
END
$$;
CREATE TABLE public.calls (call text, error text);
INSERT INTO public.calls VALUES
	('casnet.link_person($, ''00000000-0000-7000-8000-0000000001a0'')', 'record'), ('casnet.link_person($, ''00000000-0000-7000-8000-0000000001a0'', ''x'')', 'record'),
	('casnet.link_person(''00000000-0000-7000-8000-0000000001a0'', $)', 'person'), ('casnet.link_person(''00000000-0000-7000-8000-0000000001a0'', $, ''x'')', 'person'),
	('casnet.link_person($, $)', 'record'), ('casnet.unlink_person($, ''00000000-0000-7000-8000-0000000001a0'')', 'record'), ('casnet.unlink_person($, $)', 'record'),
	('casnet.persons_of($)', 'record');
CALL be('olga', 'North');
SELECT is(foreign_one, missing, 'owner: ' || call) FROM public.calls, pg_temp.both(call);
SELECT is(missing, CASE error WHEN 'record' THEN 'P0002 | there is no such record |  | SELECT id, title FROM casnet.records lists those of the active tenant. | '
	ELSE 'P0002 | there is no such person |  | SELECT id, name FROM casnet.persons lists those of the active tenant. | ' END, call) FROM public.calls, pg_temp.both(call);
-- a viewer is refused by one permission or finds none, but the same for both
CALL be('vic', 'North');
SELECT is(foreign_one, missing, 'viewer: ' || call) FROM public.calls, pg_temp.both(call);
SELECT is_empty('SELECT FROM casnet.records_of(''00000000-0000-7000-8000-0000000001b0'')', 'records_of() finds nothing of others');
CALL be('otto', 'South');
SELECT results_eq('SELECT relation FROM casnet.records_of(''00000000-0000-7000-8000-0000000001b0'')', ARRAY['subject'], 'South is as it was');
CALL be('mia', 'North');
SELECT is(state_of('SELECT casnet.' || f), 'P0002', f) FROM unnest(ARRAY['link_person(NULL, NULL)']) AS f;
SELECT * FROM finish();
ROLLBACK;
