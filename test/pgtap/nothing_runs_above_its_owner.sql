-- What casnet changes as another role fires triggers, and their changes fire further ones.
-- A role with the privilege TRIGGER on one of the tables can have made them.  No function
-- runs with rights that its owner lacks.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker IN ROLE casnet_user;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
UPDATE casnet.user_tenants SET role = 'owner' WHERE user_id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.seen (who name);
GRANT SELECT, INSERT ON shop.seen TO PUBLIC;
CREATE FUNCTION shop.looks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.seen VALUES (current_user); RETURN coalesce(new, old); END $$;
-- A function with settings starts in another way.
CREATE FUNCTION shop.looks_set() RETURNS trigger LANGUAGE plpgsql SET work_mem = '4MB' AS $$ BEGIN INSERT INTO shop.seen VALUES (current_user); RETURN coalesce(new, old); END $$;
CREATE FUNCTION shop.looks_own() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO shop.seen VALUES (current_user); RETURN coalesce(new, old); END $$;
CREATE FUNCTION shop.called(integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.seen VALUES (current_user); RETURN true; END $$;
CREATE FUNCTION shop.inlined(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA shop TO PUBLIC;
-- What the trigger of the owner writes into another table.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id integer PRIMARY KEY);
CREATE TABLE public.counters (n integer);
INSERT INTO public.counters VALUES (0);
CREATE FUNCTION public.count_invoices() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE public.counters SET n = n - 1; RETURN old; END $$;
CREATE TRIGGER count AFTER DELETE ON public.invoices FOR EACH ROW EXECUTE FUNCTION public.count_invoices();
SELECT casnet.protect('public.invoices', 'records') IS NOT NULL AS protected \g /dev/null
GRANT REFERENCES, TRIGGER ON public.invoices TO tap_maker;
GRANT TRIGGER ON public.counters TO tap_maker;
INSERT INTO public.invoices (tenant_id, id) VALUES (:'south', 1);
SAVEPOINT a;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER looks BEFORE UPDATE ON public.counters FOR EACH ROW EXECUTE FUNCTION shop.looks();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'function "looks" would run with more rights than its owner has', 'a trigger of what the trigger of the owner changes');
ROLLBACK TO a;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER looks BEFORE UPDATE ON public.counters FOR EACH ROW EXECUTE FUNCTION shop.looks_set();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'function "looks_set" would run with more rights than its owner has', 'one with settings of its own');
ROLLBACK TO a;
RESET SESSION AUTHORIZATION;
ALTER TABLE public.counters ADD CHECK (shop.inlined(n) IS NOT NULL);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'constraint "counters_n_check" of table "counters" would run code with more rights than its owner has', 'one that the planner puts in its place');
ROLLBACK TO a;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER looks BEFORE UPDATE ON public.counters FOR EACH ROW EXECUTE FUNCTION shop.looks_own();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), 'not one that runs as its own');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(who, ' ') FROM shop.seen), 'tap_maker', 'as which it ran');
ROLLBACK TO a;
-- Functions of the server run a query by its text.
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER looks BEFORE DELETE ON public.invoices FOR EACH ROW WHEN (query_to_xml('SELECT shop.called(1)', true, true, '') IS NULL) EXECUTE FUNCTION suppress_redundant_updates_trigger();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'the condition of trigger "looks" of table "invoices" calls a function that is volatile', 'a condition that does');
ROLLBACK TO a;
-- A key that sets columns to NULL changes rows, and can set off a further key.
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.follows (invoice integer REFERENCES public.invoices ON UPDATE CASCADE);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'table "follows" of role "tap_maker" is changed with these rows', 'a key that follows an UPDATE');
ROLLBACK TO a;
-- A table that refers to members, which a function of casnet removes.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.preferences (user_id uuid, tenant_id uuid, FOREIGN KEY (user_id, tenant_id) REFERENCES casnet.user_tenants (user_id, tenant_id) ON DELETE CASCADE);
GRANT TRIGGER ON public.preferences TO tap_maker;
INSERT INTO public.preferences VALUES (:'otto', :'south');
SAVEPOINT b;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER looks BEFORE DELETE ON public.preferences FOR EACH ROW EXECUTE FUNCTION shop.looks();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('otto', 'South');
SELECT throws_ok('SELECT casnet.leave_tenant()', '55000', 'trigger "looks" of table "preferences" calls a function of another role', 'leave_tenant()');
CALL be('mia', 'South');
SELECT throws_ok('SELECT casnet.remove_member(''otto'')', '55000', 'trigger "looks" of table "preferences" calls a function of another role', 'remove_member()');
ROLLBACK TO b;
-- Nor does it by what the trigger of the owner changes.
RESET SESSION AUTHORIZATION;
CREATE TRIGGER count BEFORE DELETE ON public.preferences FOR EACH ROW EXECUTE FUNCTION public.count_invoices();
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER looks BEFORE UPDATE ON public.counters FOR EACH ROW EXECUTE FUNCTION shop.looks();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('otto', 'South');
SELECT throws_ok('SELECT casnet.leave_tenant()', '55000', 'function "looks" would run with more rights than its owner has', 'a trigger of what that one changes');
ROLLBACK TO b;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('otto', 'South');
SELECT lives_ok('SELECT casnet.leave_tenant()', 'without it a member leaves');
ROLLBACK TO a;
-- A table of casnet itself, on which somebody was granted TRIGGER.
RESET SESSION AUTHORIZATION;
GRANT TRIGGER ON casnet.tasks TO tap_maker;
SAVEPOINT b;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER looks BEFORE UPDATE ON casnet.tasks FOR EACH ROW EXECUTE FUNCTION shop.looks();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
INSERT INTO casnet.records (title) VALUES ('with a task') RETURNING id AS record \gset
INSERT INTO casnet.tasks (title, record_id) VALUES ('of it', :'record');
SELECT throws_ok(format('DELETE FROM casnet.records WHERE id = %L', :'record'), '55000', 'function "looks" would run with more rights than its owner has', 'what a deletion clears as the owner of casnet''s tables');
UPDATE casnet.tasks SET title = 'changed' WHERE record_id = :'record';
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(who, ' ') FROM shop.seen), 'tap_app', 'a statement of the user''s own is the server''s matter');
ROLLBACK TO b;
-- What the trigger of a superuser changes below such a key.
CREATE TRIGGER count BEFORE UPDATE ON casnet.tasks FOR EACH ROW EXECUTE FUNCTION public.count_invoices();
GRANT SELECT, UPDATE ON public.counters TO casnet_owner;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER looks BEFORE UPDATE ON public.counters FOR EACH ROW EXECUTE FUNCTION shop.looks();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
INSERT INTO casnet.records (title) VALUES ('with a task') RETURNING id AS record \gset
INSERT INTO casnet.tasks (title, record_id) VALUES ('of it', :'record');
SELECT throws_ok(format('DELETE FROM casnet.records WHERE id = %L', :'record'), '55000', 'function "looks" would run with more rights than its owner has', 'what a trigger changes below that');
ROLLBACK TO b;
-- What is deleted with a record.
GRANT TRIGGER ON casnet.record_tags TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER looks BEFORE DELETE ON casnet.record_tags FOR EACH ROW EXECUTE FUNCTION shop.looks();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
INSERT INTO casnet.records (title) VALUES ('with a tag') RETURNING id AS record \gset
SELECT casnet.tag_record(:'record', 'seen') \g /dev/null
SELECT throws_ok(format('DELETE FROM casnet.records WHERE id = %L', :'record'), '55000', 'function "looks" would run with more rights than its owner has', 'what goes with a record');
ROLLBACK TO a;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM shop.seen), 0::bigint, 'nothing of this was kept');
SELECT * FROM finish();
ROLLBACK;
