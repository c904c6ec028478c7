-- A task survives its record and its assignee, an event its record.  That holds even if the
-- user who deletes cannot edit tasks, or not even see them.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE permission ~ '_(tasks|calendar)$' AND role IN ('admin', 'member');
SET LOCAL SESSION AUTHORIZATION tap_app;

CALL be('adam', 'North');
SELECT throws_ok('SELECT count(*) FROM casnet.tasks', '42501', NULL, 'an admin who sees no task');
SELECT lives_ok($$DELETE FROM casnet.records WHERE title = 'North record 1'$$, 'deletes a record');
SELECT lives_ok($$SELECT casnet.remove_member('mia')$$, 'and removes a member');
CALL be('olga', 'North');
SELECT results_eq('SELECT title, record_id, assignee_id FROM casnet.tasks', $$VALUES ('North task'::text, NULL::uuid, NULL::uuid)$$, 'the task is there and forgot both');
SELECT results_eq('SELECT title, record_id FROM casnet.calendar_events', $$VALUES ('North event'::text, NULL::uuid)$$, 'the event, too');
CALL be('mia', 'South');
SELECT isnt((SELECT assignee_id FROM casnet.tasks), NULL, 'in South she keeps hers');
SELECT lives_ok('SELECT casnet.leave_tenant()', 'and leaves there');
CALL be('otto', 'South');
SELECT is((SELECT assignee_id FROM casnet.tasks), NULL, 'which clears it');
RESET SESSION AUTHORIZATION;
SELECT lives_ok(format('DELETE FROM casnet.users WHERE id = %L', :'mia'), 'her account can go');
SELECT * FROM finish();
ROLLBACK;
