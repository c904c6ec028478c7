-- unprotect() drops the load view, which has followed the table's name, and no view of
-- another role.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
GRANT casnet_admin TO tap_app;
CREATE ROLE tap_neighbour;
GRANT casnet_admin TO tap_neighbour;
GRANT CREATE ON SCHEMA public TO tap_neighbour;
SET LOCAL SESSION AUTHORIZATION tap_neighbour;
CREATE TABLE public.bills (id int);
SELECT casnet.protect('public.bills') IS NOT NULL AS protected \gset
DROP TABLE public.bills;
SELECT has_view('public', 'bills_load', 'a table is gone, its view is not');

SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TABLE public.notes (id int);
SELECT casnet.protect('public.notes') IS NOT NULL AS protected \gset
ALTER TABLE public.notes RENAME TO remarks;
SELECT casnet.protect('public.remarks') IS NOT NULL AS protected \gset
SELECT is((SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'v' AND relname ~ '_load$' AND relnamespace = 'public'::regnamespace),
	'bills_load remarks_load', 'the view has the new name, too');
SELECT lives_ok('SELECT casnet.unprotect(''public.remarks'')', 'unprotect() by the owner of a table');
SELECT hasnt_view('public', 'remarks_load', 'drops its view');
SELECT hasnt_view('public', 'notes_load', 'and leaves none of its old name');
SELECT has_view('public', 'bills_load', 'not that of somebody else');
SELECT * FROM finish();
ROLLBACK;
