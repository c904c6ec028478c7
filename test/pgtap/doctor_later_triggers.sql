-- casnet.doctor() names triggers that a cascade defers until somebody else than the table's
-- owner is current.  It does not name those that fire within the cascade.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_owner;
GRANT CREATE ON SCHEMA public TO tap_owner;
GRANT USAGE ON SCHEMA casnet TO tap_owner;
GRANT REFERENCES ON casnet.tenants TO tap_owner;
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE FUNCTION public.later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE public.goes (id int PRIMARY KEY, t uuid REFERENCES casnet.tenants ON DELETE CASCADE);
CREATE TABLE public.goes_too (id int REFERENCES public.goes ON DELETE SET NULL);
CREATE TABLE public.stays (t uuid REFERENCES casnet.tenants);
CREATE TRIGGER within BEFORE DELETE ON public.goes FOR EACH ROW EXECUTE FUNCTION public.later();
CREATE TRIGGER within_too BEFORE DELETE ON public.goes FOR EACH STATEMENT EXECUTE FUNCTION public.later();
CREATE TRIGGER insertions AFTER INSERT ON public.goes FOR EACH STATEMENT EXECUTE FUNCTION public.later();
CREATE TRIGGER no_cascade AFTER DELETE ON public.stays FOR EACH STATEMENT EXECUTE FUNCTION public.later();
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('later-trigger'), NULL, 'within the cascade, or not by one');
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TRIGGER after_it AFTER DELETE ON public.goes FOR EACH STATEMENT EXECUTE FUNCTION public.later();
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('later-trigger'), 'warning after_it on public.goes', 'after the statement');
SELECT alike((SELECT remedy FROM casnet.doctor() WHERE code = 'later-trigger'), '-- %DROP TRIGGER after_it ON public.goes', 'with a remedy to think about');
ALTER TABLE public.goes DISABLE TRIGGER after_it;
SELECT is(diagnosis('later-trigger'), NULL, 'switched off');
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE CONSTRAINT TRIGGER at_the_end AFTER UPDATE ON public.goes_too DEFERRABLE FOR EACH ROW EXECUTE FUNCTION public.later();
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('later-trigger'), 'warning at_the_end on public.goes_too', 'at the end of the transaction, of a table behind the table');
DROP TRIGGER at_the_end ON public.goes_too;
CREATE TRIGGER after_row AFTER DELETE ON public.goes FOR EACH ROW EXECUTE FUNCTION public.later();
SELECT is(diagnosis('later-trigger'), CASE WHEN current_setting('server_version_num')::int < 180000 THEN 'warning after_row on public.goes' END, 'for each row, before 18');
ALTER TRIGGER after_row ON public.goes RENAME TO "x
DROP TABLE y; --";
SELECT is_empty($$SELECT FROM casnet.doctor() WHERE code = 'later-trigger' AND remedy ~ '\n'$$, 'a name makes no line of the remedy');
DROP TRIGGER "x
DROP TABLE y; --" ON public.goes;
ALTER TABLE public.goes ENABLE TRIGGER after_it;
ALTER TABLE public.goes OWNER TO tap_admin;
SELECT is(diagnosis('later-trigger'), 'warning after_it on public.goes', 'of an administrator');
ALTER TABLE public.goes OWNER TO CURRENT_USER;
SELECT is(diagnosis('later-trigger'), NULL, 'a superuser is trusted');

-- casnet's triggers on a table whose owner has no right in casnet.
REVOKE ALL ON SCHEMA casnet FROM tap_owner;
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TABLE public.invoices (id int PRIMARY KEY, updated_at timestamptz);
RESET SESSION AUTHORIZATION;
SELECT ok(casnet.protect('public.invoices') IS NOT NULL, 'a protected table');
SELECT casnet.enable_audit('public.invoices');
SELECT is(diagnosis('later-trigger'), NULL, 'has triggers of casnet only');
SELECT * FROM finish();
ROLLBACK;
