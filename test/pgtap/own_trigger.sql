-- An application's trigger writes as the session that fires it, and cannot be put on a
-- table of casnet.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
CREATE TABLE public.inbox (title text, tenant uuid DEFAULT casnet.current_tenant_id());
CREATE FUNCTION public.file_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	INSERT INTO casnet.records (tenant_id, title) VALUES (NEW.tenant, NEW.title);
	RETURN NEW;
END
$$;
CREATE TRIGGER file_it AFTER INSERT ON public.inbox FOR EACH ROW EXECUTE FUNCTION public.file_it();
CREATE CONSTRAINT TRIGGER file_it_later AFTER INSERT ON public.inbox DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.title LIKE 'later%') EXECUTE FUNCTION public.file_it();

CALL be('mia', 'North');
SELECT lives_ok($$INSERT INTO public.inbox (title) VALUES ('new')$$, 'it writes');
SELECT is((SELECT count(*) FROM casnet.records), 4::bigint, 'into the active tenant');
SELECT throws_ok($$INSERT INTO public.inbox VALUES ('new', '00000000-0000-7000-8000-0000000000b0')$$, '42501', NULL, 'and into no other one');
CALL be('vic', 'North');
SELECT throws_ok($$INSERT INTO public.inbox (title) VALUES ('new')$$, '42501', 'permission "create_records" is missing in the active tenant', 'with the permissions of the session');
CALL be('mia', 'North');
SELECT lives_ok($$INSERT INTO public.inbox (title) VALUES ('later')$$, 'one that is deferred');
CALL be('mia', 'South');
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', '42501', NULL, 'has the session as it is when it fires');
CALL be('mia', 'North');
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'and with the privilege it may');

SELECT throws_ok('CREATE TRIGGER t BEFORE INSERT ON casnet.records FOR EACH ROW EXECUTE FUNCTION public.file_it()', '42501', NULL, 'none on records');
SELECT throws_ok('CREATE TRIGGER t BEFORE DELETE ON casnet.user_tenants FOR EACH ROW EXECUTE FUNCTION public.file_it()', '42501', NULL, 'nor on memberships');
SELECT throws_ok('CREATE TRIGGER t AFTER UPDATE ON public.inbox FOR EACH ROW EXECUTE FUNCTION casnet_internal.keep_last_owner()', '42501', NULL, 'and our trigger functions are not for tables of theirs');
SELECT * FROM finish();
ROLLBACK;
