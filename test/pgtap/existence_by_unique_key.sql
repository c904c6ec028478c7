-- A key that another tenant uses is free, and the error for a taken one names no value.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql

CALL be('olga', 'North');
SELECT lives_ok($$INSERT INTO casnet.records (id, title) VALUES ('00000000-0000-7000-8000-0000000001b0', 'the id of a record of South')$$, 'the id of a hidden record is free');
SELECT lives_ok($$INSERT INTO casnet.tags (id, name) VALUES ('00000000-0000-7000-8000-0000000009b0', 'South tag')$$, 'the id and the name of a hidden tag, too');
SELECT lives_ok($$UPDATE casnet.tasks SET id = '00000000-0000-7000-8000-0000000001b0'$$, 'also by UPDATE');
SELECT lives_ok($$INSERT INTO casnet.record_tags (record_id, tag_id) VALUES ('00000000-0000-7000-8000-0000000001b0', '00000000-0000-7000-8000-0000000009b0')$$, 'the same link is another one');
SELECT is(error_of($$INSERT INTO casnet.tags (name) VALUES ('North tag')$$),
	'23505 | duplicate key value violates unique constraint "tags_tenant_id_name_key" |  | The tenant has a tag with that name already. ON CONFLICT (tenant_id, name) DO NOTHING leaves it as it is. | tags_tenant_id_name_key', 'what is taken in the own tenant names no value');
-- Without the permission to see rows, a duplicate is refused like any other row.
CALL be('otto', 'North');
SELECT is(error_of($$INSERT INTO casnet.tags (name) VALUES ('North tag')$$), error_of($$INSERT INTO casnet.tags (name) VALUES ('no tag')$$), 'a stranger learns nothing of it');
SELECT is(error_of($$INSERT INTO casnet.tags (tenant_id, name) VALUES ('00000000-0000-7000-8000-0000000000b0', 'South tag')$$), error_of($$INSERT INTO casnet.tags (name) VALUES ('no tag')$$), 'nor in a tenant that is not active');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.records WHERE id = '00000000-0000-7000-8000-0000000001b0'), 2::bigint, 'both records are there');
SELECT * FROM finish();
ROLLBACK;
