-- updated_at moves forward even from a time in the future.  A row without a status is
-- refused for that and not stamped.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
CALL be('mia', 'North');
SELECT lives_ok($$INSERT INTO casnet.persons (name, updated_at) VALUES ('later', '2100-01-01Z')$$, 'a time to come');
UPDATE casnet.persons SET name = 'later still' WHERE name = 'later';
SELECT is(updated_at, '2100-01-01 00:00:00.000001Z', 'the next one is later') FROM casnet.persons WHERE name = 'later still';
UPDATE casnet.persons SET updated_at = '2000-01-01Z' WHERE name = 'later still';
SELECT is(updated_at, '2100-01-01 00:00:00.000002Z', 'whatever is written') FROM casnet.persons WHERE name = 'later still';
SELECT throws_ok($$INSERT INTO casnet.tasks (title, status) VALUES ('x', NULL)$$, '23502', NULL, 'a new task without a status');
SELECT throws_ok($$UPDATE casnet.tasks SET status = NULL$$, '23502', NULL, 'one that loses it');
SELECT is((SELECT count(*) FROM casnet.tasks WHERE completed_at IS NOT NULL), 0::bigint, 'no stamp');
SELECT * FROM finish();
ROLLBACK;
