-- A role that owns a domain can change its checks at any time, and a check can run SQL by
-- functions of the server, such as query_to_xml().  If somebody gave a table of casnet a
-- column of such a type, nothing writes that table with more rights than the role has.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
\ir include/doctor.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_stranger;
GRANT casnet_user TO tap_stranger;
CREATE SCHEMA strange AUTHORIZATION tap_stranger;
SET LOCAL SESSION AUTHORIZATION tap_stranger;
CREATE DOMAIN strange.label AS text;
CREATE TYPE strange.pair AS (a text, b strange.label);
CREATE TYPE strange.plain AS ENUM ('a', 'b');
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.records (tenant_id, id, title, content) VALUES (:'north', '00000000-0000-7000-8000-00000000d001', 'to go', '');
INSERT INTO casnet.tasks (tenant_id, title, record_id) VALUES (:'north', 'about it', '00000000-0000-7000-8000-00000000d001');
ALTER TABLE casnet.tasks ADD COLUMN label strange.label GENERATED ALWAYS AS (left(title, 10)) STORED;
SET LOCAL SESSION AUTHORIZATION tap_stranger;
ALTER DOMAIN strange.label ADD CONSTRAINT c CHECK (current_user NOT IN ('casnet_owner', 'tap_app') OR query_to_xml($$SELECT (current_user || string_agg(title, ', '))::int FROM casnet.records$$, true, true, '') IS NOT NULL) NOT VALID;
RESET SESSION AUTHORIZATION;
\set delete 'DELETE FROM casnet.records WHERE id = ''00000000-0000-7000-8000-00000000d001'''
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT throws_ok(:'delete', '55000', 'the checks of type strange.label would run with more rights than its owner has', 'below a key');
SAVEPOINT before;
SELECT lives_ok('SELECT casnet.delete_tenant(casnet.current_tenant_id())', 'a deletion makes no values');
ROLLBACK TO before;
SELECT lives_ok('INSERT INTO casnet.tags (tenant_id, name) VALUES (casnet.current_tenant_id(), ''new'')', 'other tables are written');
-- As the caller the check has only the caller's rights.
SELECT throws_ok('INSERT INTO casnet.tasks (title) VALUES (''x'')', '22P02', NULL, 'in a statement of its own it runs as the caller');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tasks DROP COLUMN label;
ALTER TABLE casnet.tenants ADD COLUMN region strange.label;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT throws_ok('SELECT casnet.create_tenant(''mine'')', '55000', NULL, 'below a function that runs as its owner');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tenants DROP COLUMN region;
ALTER TABLE casnet.tenants ADD COLUMN regions strange.label[];
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT throws_ok('SELECT casnet.create_tenant(''mine'')', '55000', NULL, 'in an array');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tenants DROP COLUMN regions;
ALTER TABLE casnet.tenants ADD COLUMN pairs strange.pair;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT throws_ok('SELECT casnet.create_tenant(''mine'')', '55000', NULL, 'in a row');
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('column-domain'), 'error pairs of casnet.tenants', 'doctor() reports it');
ALTER TABLE casnet.tenants ADD COLUMN region strange.label;
SELECT is(diagnosis('column-domain'), 'error pairs of casnet.tenants, error region of casnet.tenants', 'in each column');
ALTER TABLE casnet.tenants DROP COLUMN pairs, DROP COLUMN region;
ALTER TABLE casnet.tenants ADD COLUMN kind strange.plain;
CREATE DOMAIN public.trusted AS text CHECK (VALUE <> 'x');
ALTER TABLE casnet.tenants ADD COLUMN note public.trusted;
ALTER TABLE casnet.tasks ADD COLUMN note public.trusted;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok('SELECT casnet.create_tenant(''mine'')', 'a type without checks, and a domain of a superuser, do no harm');
SELECT lives_ok(:'delete', 'nor below a key');
SELECT is((SELECT count(*) FROM casnet.tasks WHERE title = 'about it' AND record_id IS NULL), 1::bigint, 'which clears the reference');
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('column-domain'), NULL, 'nothing to report');
SELECT * FROM finish();
ROLLBACK;
