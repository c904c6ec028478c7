-- A verdict is kept until a deciding table changes, or the server says that any may have
-- changed.  A change without an announcement shows how long.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.user_tenants DISABLE TRIGGER casnet_announce_row;
CALL be('mia', 'North');
SELECT ok(casnet.can('edit_tags'), 'a member');
UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = :'mia';
SELECT ok(casnet.can('edit_tags'), 'is one while nothing is announced');
CREATE TABLE public.other (id integer);
ALTER TABLE public.other ADD COLUMN more text;
SELECT ok(casnet.can('edit_tags'), 'another table is nothing to us');
ALTER TABLE casnet.tags SET (fillfactor = 90);
SELECT ok(casnet.can('edit_tags'), 'nor are tags');
CALL be('vic', 'North');
SELECT ok(NOT casnet.can('edit_tags'), 'somebody else meanwhile');
CALL be('mia', 'North');
SELECT ok(casnet.can('edit_tags'), 'does not matter');
SAVEPOINT a;
ALTER TABLE casnet.users SET (fillfactor = 90);
SELECT ok(NOT casnet.can('edit_tags'), 'one of the tables does');
ROLLBACK TO a;
SELECT ok(NOT casnet.can('edit_tags'), 'and so does a rollback');
UPDATE casnet.user_tenants SET role = 'member' WHERE user_id = :'mia';
SELECT ok(NOT casnet.can('edit_tags'), 'kept again');
-- This is how the server says that any table may have changed.
SET LOCAL client_min_messages = error;	-- of wal_level
CREATE PUBLICATION everything FOR ALL TABLES;
SELECT ok(casnet.can('edit_tags'), 'a word about all tables does as well');
SELECT * FROM finish();
ROLLBACK;
