-- 23505, 23503 and 23514 as usual, without the values of a row.
SET SESSION AUTHORIZATION regress_backend;
\set SHOW_CONTEXT never
CALL be('olga', 'North');

INSERT INTO casnet.tags (name) VALUES ('tag 1');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO casnet.record_tags (record_id, tag_id)
VALUES ('00000000-0000-7000-8000-0002000000a0', '00000000-0000-7000-8000-9002000000a0');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO casnet.record_persons (record_id, person_id)
VALUES ('00000000-0000-7000-8000-0001000000a0', '00000000-0000-7000-8000-0001000000a0');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.add_member('mia');
\echo :LAST_ERROR_SQLSTATE

INSERT INTO casnet.tasks (title, assignee_id) VALUES ('x', '00000000-0000-7000-8000-000000000005');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO casnet.tasks (title, record_id) VALUES ('x', '00000000-0000-7000-8000-0001000000b0');
\echo :LAST_ERROR_SQLSTATE

INSERT INTO casnet.persons (name) VALUES (' ');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO casnet.persons (name, gender) VALUES ('x', 'male');
INSERT INTO casnet.persons (name, contact_info) VALUES ('x', '[]');
INSERT INTO casnet.record_persons (record_id, person_id, relation)
VALUES ('00000000-0000-7000-8000-0002000000a0', '00000000-0000-7000-8000-0001000000a0', U&'\200b');
INSERT INTO casnet.tags (name) VALUES (E'  ');
INSERT INTO casnet.tags (name) VALUES (repeat('x', 201));
INSERT INTO casnet.tasks (title, status) VALUES ('x', 'DONE');
INSERT INTO casnet.tasks (title, priority) VALUES ('x', 'URGENT');
INSERT INTO casnet.calendar_events (title, starts_at, ends_at) VALUES ('x', '2024-01-02', '2024-01-01');
INSERT INTO casnet.calendar_events (title, starts_at, status) VALUES ('x', '2024-01-02', 'MAYBE');
UPDATE casnet.tenants SET name = '';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM casnet.user_tenants WHERE role = 'owner';
\echo :LAST_ERROR_SQLSTATE
