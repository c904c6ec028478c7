-- What was deleted while it was the person's is erased with the person, also if what it
-- referred to has become another person's since.  What is there goes with that.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
\ir include/persons.sql
INSERT INTO shop.notes (id, visit_id, body) VALUES (2, :'moved', 'ann fell'), (3, :'moved', 'ann slept');
UPDATE shop.notes SET body = 'ann fell deep' WHERE id = 2;
DELETE FROM shop.notes WHERE id = 2;
UPDATE shop.visits SET person_id = :'bob', note = 'bob limps' WHERE id = :'moved';
INSERT INTO shop.notes (id, visit_id, body) VALUES (4, :'moved', 'bob fell');
DELETE FROM shop.notes WHERE id IN (3, 4);
SELECT casnet.erase_person(:'ann') \g /dev/null
CREATE FUNCTION public.left_of(id text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', action, before->'body', after->'body'), ', ' ORDER BY at) FROM casnet.audit_log(for_relation => 'shop.notes') WHERE row_key->>'id' = $1
$$;
SELECT is(public.left_of('2'), 'INSERT, UPDATE, DELETE', 'a note that was deleted as hers');
SELECT is(public.left_of('3'), 'INSERT "ann slept", DELETE "ann slept"', 'one that went over with its visit');
SELECT is(public.left_of('4'), 'INSERT "bob fell", DELETE "bob fell"', 'one that was never hers');
SELECT is(state_of($$SELECT casnet.undelete('shop.notes', '2')$$), 'P0002', 'the first one does not come back');
SELECT is(casnet.undelete('shop.notes', '3'), 1::bigint, 'the second one does');
SELECT is((SELECT array_agg(note) FROM shop.visits), '{bob limps}', 'with the visit of now');
SELECT * FROM finish();
ROLLBACK;
