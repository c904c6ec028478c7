-- No row that a user can write prevents a dump or its restore.  None is too long for a line,
-- none too deep to read, and no time is beyond the last one.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
CALL be('mia', 'North');
SELECT throws_ok($$INSERT INTO casnet.records (title, content) VALUES ('x', repeat('x', 100000000))$$, '23514', NULL, 'a record of more than 100 MB');
SELECT throws_ok($$INSERT INTO casnet.tasks (title, description) VALUES ('x', repeat('x', 100000000))$$, '23514', NULL, 'a task');
SELECT throws_ok($$INSERT INTO casnet.calendar_events (title, starts_at, location, description) VALUES ('x', now(), repeat('x', 50000000), repeat('x', 50000000))$$, '23514', NULL, 'an event');
SELECT throws_ok($$INSERT INTO casnet.persons (name, contact_info) VALUES ('x', jsonb_build_object('a', repeat('x', 1000000)))$$, '23514', NULL, 'contact data of more than 1 MB');
SELECT throws_ok($$UPDATE casnet.persons SET contact_info = ('{"a": ' || repeat('[', 10000) || repeat(']', 10000) || '}')::jsonb$$, '23514', NULL, 'or of many levels');
SELECT lives_ok($$UPDATE casnet.persons SET contact_info = ('{"a": ' || repeat('[', 98) || repeat(']', 98) || '}')::jsonb$$, 'of fewer');
SELECT lives_ok($$INSERT INTO casnet.records (title, content) VALUES ('long', repeat('long ', 1000000))$$, 'a record of 5 MB');
SELECT lives_ok($$INSERT INTO casnet.tasks (title) VALUES ('without a description')$$, 'a task without a description');
SELECT lives_ok($$INSERT INTO casnet.calendar_events (title, starts_at) VALUES ('without anything', now())$$, 'an event without anything');
-- updated_at
INSERT INTO casnet.records (title, updated_at) VALUES ('last', '294276-12-31 23:59:59.999999+00'), ('last but one', '294276-12-31 23:59:59.999998+00'), ('infinite', 'infinity');
UPDATE casnet.records SET content = 'changed' WHERE title IN ('last', 'last but one', 'infinite');
SELECT is((SELECT updated_at::text::timestamptz FROM casnet.records WHERE title = 'last but one'), '294276-12-31 23:59:59.999999+00'::timestamptz, 'later than it was');
SELECT cmp_ok((SELECT updated_at::text::timestamptz FROM casnet.records WHERE title = 'last'), '<', now() + interval '1 hour', 'or now, if nothing is later');
SELECT cmp_ok((SELECT updated_at::text::timestamptz FROM casnet.records WHERE title = 'infinite'), '<', now() + interval '1 hour', 'as after infinity');
SELECT is_empty($$SELECT updated_at::text::timestamptz FROM casnet.records WHERE title = 'last' AND updated_at::text::timestamptz > now() + interval '1 hour'$$, 'each can be read again');
-- Nor can the check of a domain get around the limit of times.
RESET SESSION AUTHORIZATION;
CREATE DOMAIN public.long_ago AS timestamptz CHECK (VALUE < '2000-01-01');
CREATE TABLE public.old (id integer, updated_at public.long_ago);
CREATE TRIGGER touch BEFORE UPDATE ON public.old FOR EACH ROW EXECUTE FUNCTION casnet_internal.touch_updated_at();
INSERT INTO public.old VALUES (1, '1999-01-01');
SELECT throws_ok('UPDATE public.old SET id = 2', '23514', NULL, 'a time that a domain refuses');
SELECT * FROM finish();
ROLLBACK;
