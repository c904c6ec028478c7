-- If a table lacks something that casnet needs, an error says what is missing, and there is
-- never an answer without it.  Once the change is undone, everything works again.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
CALL be('mia', 'North');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'before');
SAVEPOINT a;
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.users RENAME COLUMN is_active TO active;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(error_of('SELECT FROM casnet.records'), '55000 | table casnet.users has no column is_active of type boolean |  | '
	'casnet needs this column as casnet.install() made it; undo the change. | ', 'a column that was renamed');
SELECT throws_ok('SELECT casnet.can(''view_records'')', '55000', NULL, 'for every question');
ROLLBACK TO a;
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'and back');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.role_permissions ALTER COLUMN permission TYPE varchar(64);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('adam', 'North');
SELECT is(error_of('SELECT FROM casnet.records'), '55000 | table casnet.role_permissions has no column permission of type text |  | '
	'casnet needs this column as casnet.install() made it; undo the change. | ', 'a column of another type');
ROLLBACK TO a;
SELECT lives_ok('SELECT casnet.search_records(''north'')', 'search, before');
RESET SESSION AUTHORIZATION;
ALTER TEXT SEARCH CONFIGURATION casnet.search RENAME TO search2;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(error_of('SELECT casnet.search_query(''north'')'), '55000 | text search configuration casnet.search does not exist |  | '
	'A superuser can make it with SELECT casnet.install(). | ', 'without the configuration');
SELECT matches(error_of('SELECT casnet.search_records(''north'')'), '^(42704|55000) ', 'nor do the functions find it');
ROLLBACK TO a;
SELECT lives_ok('SELECT casnet.search_records(''north'')', 'and back');
SELECT * FROM finish();
ROLLBACK;
