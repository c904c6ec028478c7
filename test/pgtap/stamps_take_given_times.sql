-- updated_at becomes the present time if it is past or infinite.  A given completion time is
-- kept.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
CALL be('mia', 'North');
INSERT INTO casnet.persons (name, updated_at) VALUES ('past', '2020-01-01Z'), ('endless', 'infinity');
UPDATE casnet.persons SET name = name || '!' WHERE name IN ('past', 'endless');
SELECT ok(updated_at > '2024-01-01Z' AND updated_at < 'infinity', name) FROM casnet.persons WHERE name IN ('past!', 'endless!') ORDER BY name;
INSERT INTO casnet.tasks (title, status) VALUES ('done', 'COMPLETED');
SELECT isnt(completed_at, NULL, 'a task that is completed') FROM casnet.tasks WHERE title = 'done';
UPDATE casnet.tasks SET completed_at = '2020-01-01Z' WHERE title = 'done';
SELECT is(completed_at, '2020-01-01Z', 'at a time that is given') FROM casnet.tasks WHERE title = 'done';
UPDATE casnet.tasks SET completed_at = NULL WHERE title = 'done';
SELECT is(completed_at, '2020-01-01Z', 'which stays') FROM casnet.tasks WHERE title = 'done';
UPDATE casnet.tasks SET status = 'COMPLETED', completed_at = '2021-01-01Z' WHERE title = 'North task';
SELECT is(completed_at, '2021-01-01Z', 'also when it becomes that') FROM casnet.tasks WHERE title = 'North task';
SELECT * FROM finish();
ROLLBACK;
