-- While a foreign key cascades, or casnet reads a table as its owner, the server does not
-- force policies on owners.  That is not so for what a role puts there to run: it reads
-- nothing more through views and functions of somebody else.
BEGIN;
SELECT plan(22);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
CREATE SCHEMA own AUTHORIZATION tap_app;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
GRANT casnet_user TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.orders (id integer, note text);
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.orders', 'records') IS NOT NULL AS protected \g /dev/null
INSERT INTO shop.orders (tenant_id, id, note) VALUES (:'north', 1, 'of North'), (:'south', 2, 'of South');
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE FUNCTION shop.notes() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT string_agg(note, '','') FROM shop.orders';
CREATE VIEW shop.listed AS SELECT note FROM shop.orders;
GRANT SELECT ON shop.listed TO casnet_user;
CREATE VIEW shop.editable AS SELECT tenant_id, id, note FROM shop.orders;
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.editable TO casnet_user;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TABLE own.parent (id integer PRIMARY KEY);
CREATE TABLE own.child (id integer REFERENCES own.parent ON DELETE CASCADE);
CREATE TABLE own.loot (what text);
CREATE FUNCTION own.look(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	EXECUTE statement INTO found;
	RETURN coalesce(found, 'nothing');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE FUNCTION own.fires() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO own.loot VALUES (own.look('SELECT shop.notes()')), (own.look('SELECT string_agg(note, '','') FROM shop.listed'));
	RETURN old;
END
$$;
CREATE TRIGGER fires BEFORE DELETE ON own.child FOR EACH ROW EXECUTE FUNCTION own.fires();
SELECT is(own.look('SELECT shop.notes()'), '28000', 'nobody reads nothing by a function');
SELECT is(own.look('SELECT string_agg(note, '','') FROM shop.listed'), '28000', 'and by a view');
INSERT INTO own.parent VALUES (1), (2);
INSERT INTO own.child VALUES (1), (2);
DELETE FROM own.parent WHERE id = 1;
SELECT is((SELECT string_agg(DISTINCT what, ' ') FROM own.loot), '28000 42501', 'nor in a trigger of a cascade');
CALL be('olga', 'North');
DELETE FROM own.loot;
DELETE FROM own.parent WHERE id = 2;
SELECT is((SELECT string_agg(DISTINCT what, ' ') FROM own.loot), '42501 of North', 'somebody reads rows of the own tenant by a function there');
DROP TRIGGER fires ON own.child;
-- What is prepared there is kept without policies, and so is not executed anywhere.
CREATE FUNCTION own.prepares() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'PREPARE kept AS SELECT note FROM shop.listed'; RETURN old; END $$;
CREATE TRIGGER prepares BEFORE DELETE ON own.child FOR EACH ROW EXECUTE FUNCTION own.prepares();
INSERT INTO own.parent VALUES (5);
INSERT INTO own.child VALUES (5);
DELETE FROM own.parent WHERE id = 5;
SELECT throws_ok('EXECUTE kept', '42501', NULL, 'a query that was prepared there');
DROP TRIGGER prepares ON own.child;
-- Nor what writes, whatever other checks and conditions are in the place of the policies.
CREATE VIEW own.barred WITH (security_barrier) AS SELECT * FROM shop.editable WHERE id > 0;
CREATE FUNCTION own.prepares_writing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'PREPARE plants (uuid) AS INSERT INTO shop.editable VALUES ($1, 3, ''planted'') RETURNING note';
	EXECUTE 'PREPARE changes AS UPDATE own.barred SET note = note RETURNING note';
	EXECUTE 'PREPARE erases AS DELETE FROM own.barred RETURNING note';
	RETURN old;
END
$$;
CREATE TRIGGER prepares BEFORE DELETE ON own.child FOR EACH ROW EXECUTE FUNCTION own.prepares_writing();
INSERT INTO own.parent VALUES (7);
INSERT INTO own.child VALUES (7);
DELETE FROM own.parent WHERE id = 7;
SELECT throws_ok(format('EXECUTE plants (%L)', :'south'), '42501', 'policies of table "orders" would not bind its owner here', 'an INSERT that was prepared there');
SELECT throws_ok('EXECUTE ' || s, '42501', 'policies of table "orders" would not bind its owner here', s) FROM unnest('{changes,erases}'::text[]) AS s;
DROP TRIGGER prepares ON own.child;
SELECT is(own.look('SELECT string_agg(note, '','') FROM shop.listed'), 'of North', 'the same in a statement of its own');
-- A function that the planner puts into the statement, and the view of a member of the owner.
CREATE FUNCTION own.inlined() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT note FROM shop.listed';
CREATE FUNCTION own.looks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO own.loot VALUES (own.look('SELECT string_agg(i, '','') FROM own.inlined() AS i')), (own.look('SELECT string_agg(note, '','') FROM shop.of_member')); RETURN old; END $$;
CREATE TRIGGER looks BEFORE DELETE ON own.child FOR EACH ROW EXECUTE FUNCTION own.looks();
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_member IN ROLE tap_maker;
CREATE VIEW shop.of_member AS SELECT note FROM shop.orders;
ALTER VIEW shop.of_member OWNER TO tap_member;
GRANT SELECT ON shop.of_member TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(own.look('SELECT string_agg(note, '','') FROM shop.of_member'), 'of North', 'the view of a member of the owner');
DELETE FROM own.loot;
INSERT INTO own.parent VALUES (6);
INSERT INTO own.child VALUES (6);
DELETE FROM own.parent WHERE id = 6;
SELECT is((SELECT string_agg(DISTINCT what, ' ') FROM own.loot), '42501', 'neither is read there');
DROP TRIGGER looks ON own.child;
SELECT is(own.look('SELECT string_agg(note, '','') FROM shop.listed'), 'of North', 'a view is read as before');
CREATE RULE also AS ON DELETE TO own.child DO ALSO INSERT INTO own.loot SELECT note FROM shop.listed;
INSERT INTO own.parent VALUES (3);
INSERT INTO own.child VALUES (3);
SELECT throws_ok('DELETE FROM own.parent WHERE id = 3', '42501', 'policies of table "orders" would not bind its owner here', 'a rule does not read past them');
CREATE TABLE own.documents (d jsonb);
CREATE FUNCTION own.look_once(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE '%', own.look('SELECT shop.notes()'); PERFORM own.remember(own.look('SELECT shop.notes()')); RETURN 1; END $$;
CREATE FUNCTION own.remember(what text) RETURNS void LANGUAGE sql AS 'SELECT set_config(''own.seen'', what, false)';
CREATE INDEX ON own.documents ((jsonb_typeof(d) || own.look_once(1)));
SELECT set_config('own.seen', 'nothing yet', false) \g /dev/null
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.read_documents('own.documents', 'd', '(0,0)', '(1,1)')), 0::bigint, 'documents of the own table, by a superuser');
SELECT is(current_setting('own.seen') ~ 'of ', false, 'for whom its expressions read nothing');
-- A plan of the owner's own that was made in a cascade is not kept for elsewhere.
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE FUNCTION shop.counted() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN (SELECT count(*) FROM shop.orders); END $$;
CREATE FUNCTION shop.counts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'PREPARE kept_by_owner AS SELECT count(*) FROM shop.orders'; EXECUTE 'EXECUTE kept_by_owner'; RETURN old; END $$;
CREATE TABLE shop.parent (id integer PRIMARY KEY);
CREATE TABLE shop.child (id integer REFERENCES shop.parent ON DELETE CASCADE);
CREATE TRIGGER counts BEFORE DELETE ON shop.child FOR EACH ROW EXECUTE FUNCTION shop.counts();
INSERT INTO shop.parent VALUES (1);
INSERT INTO shop.child VALUES (1);
SET LOCAL plan_cache_mode = force_generic_plan;
DELETE FROM shop.parent;
SELECT throws_ok('EXECUTE kept_by_owner', '55000', NULL, 'a plan that the owner made in a cascade');
-- Nor if it begins as the statements of keys do, but is kept as long as the function is.
CREATE FUNCTION shop.touched() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN UPDATE "shop"."orders" SET note = note; GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END $$;
CREATE FUNCTION shop.touches() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM shop.touched(); RETURN old; END $$;
DROP TRIGGER counts ON shop.child;
CREATE TRIGGER touches BEFORE DELETE ON shop.child FOR EACH ROW EXECUTE FUNCTION shop.touches();
INSERT INTO shop.parent VALUES (1);
INSERT INTO shop.child VALUES (1);
DELETE FROM shop.parent;
SELECT throws_ok('SELECT shop.touched()', '55000', NULL, 'a plan with quoted names');
SELECT is(shop.touched(), 1::bigint, 'likewise');
RESET plan_cache_mode;
CREATE TEMP TABLE counted AS EXECUTE kept_by_owner;
SELECT is((SELECT count FROM counted), 1::bigint, 'is made anew, with the policies');
-- Nor is anything refused outside.
RESET SESSION AUTHORIZATION;
ALTER TABLE shop.orders ADD UNIQUE (tenant_id, id);
SET LOCAL SESSION AUTHORIZATION tap_maker;
SELECT lives_ok('INSERT INTO shop.orders (id, note) VALUES (1, ''of North'') ON CONFLICT (tenant_id, id) DO UPDATE SET note = excluded.note', 'the owner writes with a conflict');
RESET SESSION AUTHORIZATION;
-- The policies are what they were for the cascades themselves.
SELECT casnet.delete_tenant(:'south') IS NOT NULL AS deleted \g /dev/null
SELECT is((SELECT string_agg(note, ' ') FROM shop.orders), 'of North', 'rows go with their tenant');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
WITH d AS (DELETE FROM own.barred RETURNING note) SELECT is((SELECT string_agg(note, ' ') FROM d), 'of North', 'and rows are deleted by such a view elsewhere');
SELECT * FROM finish();
ROLLBACK;
