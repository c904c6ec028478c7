-- The permissions are named after the resource, by default after the table.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA app;
CREATE TABLE app.records (id int);
CREATE TABLE app.users (id int);
CREATE TABLE public."Visits" (id int);
CREATE TABLE app.visits (id int);
CREATE TABLE app.others (id int);

SELECT throws_ok(format('SELECT casnet.protect(''app.others'', %L)', name), '22023', NULL, 'bad: ' || left(quote_nullable(replace(name, E'\n', '\n')), 20))
  FROM unnest(ARRAY['', ' ', 'Upper', 'a,b', '1st', 'a b', E'a\nb', 'ä', repeat('a', 57), 'users', 'tenant', 'tenants', 'analytics', 'permissions']) AS name;
SELECT lives_ok(format('SELECT casnet.protect(''app.others'', %L)', repeat('a', 56)), 'the longest');
SELECT casnet.unprotect('app.others');
SELECT throws_ok('SELECT casnet.protect(''app.users'')', '22023', 'resource "users" is kept for the permissions of casnet', 'a table of such a name');
SELECT throws_ok('SELECT casnet.protect(''app.records'')', '42710', 'another table has the permissions of resource "records"', 'the name of a table of casnet');
SELECT lives_ok('SELECT casnet.protect(''app.records'', ''records'')', 'may be shared on purpose');
SELECT lives_ok('SELECT casnet.protect(''public."Visits"'')', 'lower case by default');
SELECT throws_ok('SELECT casnet.protect(''app.visits'')', '42710', NULL, 'the name of another one');
SELECT lives_ok('SELECT casnet.protect(''app.visits'', ''visits'')', 'may be shared, too');

-- Permissions stay as long as a table uses them; casnet's own stay always.
SELECT casnet.unprotect('public."Visits"');
SELECT is((SELECT count(*) FROM casnet.role_permissions WHERE permission = 'view_visits'), 4::bigint, 'still used');
SELECT casnet.unprotect('app.visits');
SELECT is((SELECT count(*) FROM casnet.role_permissions WHERE permission ~ 'visits'), 0::bigint, 'used no more');
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_records';
SELECT casnet.unprotect('app.records');
SELECT is((SELECT count(*) FROM casnet.role_permissions WHERE permission = 'view_records'), 3::bigint, 'casnet''s own');
DROP TABLE app.others;
CREATE TABLE app.others (id int);
SELECT casnet.protect('app.others') IS NOT NULL AS protected \gset
DROP TABLE app.others;
CREATE TABLE app.others (id int);
SELECT lives_ok('SELECT casnet.protect(''app.others'')', 'a dropped table is forgotten');
SELECT * FROM finish();
ROLLBACK;
