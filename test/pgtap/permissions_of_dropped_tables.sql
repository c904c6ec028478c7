-- doctor() reports the permissions that a dropped protected table leaves.  They are removed
-- when somebody says so.  protect() reports them if a new table would revive them.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
\ir include/doctor.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.left_of(resource text) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM casnet.role_permissions WHERE permission ~ ('_' || resource || '$')
$$;
GRANT ALL ON SCHEMA public TO tap_admin;
SET LOCAL SESSION AUTHORIZATION tap_admin;
CREATE TABLE public.bills (id int);
CREATE TABLE public.lines (id int);
SELECT is(casnet.protect('public.bills'), '{}', 'a table with permissions that nobody had');
SELECT is(casnet.protect('public.lines', 'bills'), '{}', 'and one that shares them');
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('permission-left'), NULL, 'nothing is left');
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'vic', :'north', 'delete_bills');
DROP TABLE public.bills;
SELECT is(diagnosis('permission-left'), NULL, 'nor while another table has them');
CREATE TABLE public.other (id int);
SELECT casnet.protect('public.other') IS NOT NULL AS protected \gset
SELECT is(public.left_of('bills'), 12::bigint, 'they are there for that one');
DROP TABLE public.lines;
SELECT is(diagnosis('permission-left'), 'notice bills', 'without it they are reported');
CREATE TABLE public.more (id int);
SELECT casnet.protect('public.more') IS NOT NULL AS protected \gset
SELECT is(diagnosis('permission-left'), 'notice bills', 'also after another protect()');

-- A new table of the same name.
SAVEPOINT gone;
SET LOCAL SESSION AUTHORIZATION tap_admin;
CREATE TABLE public.bills (id int);
SELECT is(casnet.protect('public.bills'), ARRAY[
	'-- permission view_bills was there before: roles admin, member, owner, viewer hold it, and members in person: 0',
	'-- permission create_bills was there before: roles admin, member, owner hold it, and members in person: 0',
	'-- permission edit_bills was there before: roles admin, member, owner hold it, and members in person: 0',
	'-- permission delete_bills was there before: roles admin, owner hold it, and members in person: 1'], 'protect() says who holds them');
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('permission-left'), NULL, 'they belong to a table again');
SELECT is(casnet.protect('public.bills'), '{}', 'which is said once');
SELECT casnet.unprotect('public.bills');
SELECT is(public.left_of('bills'), 0::bigint, 'and go with its protection');
SELECT is((SELECT count(*) FROM casnet.user_tenant_permissions WHERE permission = 'delete_bills'), 0::bigint, 'from members, too');
ROLLBACK TO gone;
SELECT is(public.left_of('bills'), 12::bigint, 'as before');
SELECT is(after_reading('permission-left'), 'silent', 'remedy');
SELECT is(public.left_of('bills'), 0::bigint, 'takes them away');
SELECT is((SELECT count(*) FROM casnet.user_tenant_permissions WHERE permission = 'delete_bills'), 0::bigint, 'from members, too');
SELECT is(public.left_of('other') + public.left_of('more'), 24::bigint, 'and no others');
SELECT is((SELECT count(*) FROM casnet_internal.protected), 2::bigint, 'what is there stays protected');
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT throws_ok('SELECT casnet_internal.forget_protection(NULL)', '42501', NULL, 'it takes a superuser');
-- A name that an administrator has used already.
INSERT INTO casnet.role_permissions VALUES ('viewer', 'delete_notes');
CREATE TABLE public.notes (id int);
SELECT is(casnet.protect('public.notes'), ARRAY['-- permission delete_notes was there before: roles viewer hold it, and members in person: 0'], 'is reported, too');
SELECT casnet.unprotect('public.notes');
SELECT is(public.left_of('notes'), 1::bigint, 'and stays an administrator''s');
SELECT * FROM finish();
ROLLBACK;
