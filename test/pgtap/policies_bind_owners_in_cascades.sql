-- While a foreign key cascades, or casnet reads a table as its owner, the server does not
-- force policies on owners.  Code that a role plants there gains nothing: it reads no more
-- through another role's views and functions.
BEGIN;
SELECT plan(25);
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
SELECT is((SELECT string_agg(DISTINCT what, ' ') FROM own.loot), '28000', 'nor in a trigger of a cascade');
CALL be('olga', 'North');
DELETE FROM own.loot;
DELETE FROM own.parent WHERE id = 2;
SELECT is((SELECT string_agg(DISTINCT what, ' ') FROM own.loot), 'of North', 'somebody reads rows of the own tenant there');
DROP TRIGGER fires ON own.child;
-- A statement that is prepared there keeps its policies.
CREATE FUNCTION own.prepares() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'PREPARE kept AS SELECT note FROM shop.listed'; RETURN old; END $$;
CREATE TRIGGER prepares BEFORE DELETE ON own.child FOR EACH ROW EXECUTE FUNCTION own.prepares();
INSERT INTO own.parent VALUES (5);
INSERT INTO own.child VALUES (5);
DELETE FROM own.parent WHERE id = 5;
CREATE TEMP TABLE kept AS EXECUTE kept;
SELECT is((SELECT string_agg(note, ' ') FROM kept), 'of North', 'a query that was prepared there');
DROP TRIGGER prepares ON own.child;
-- So does a statement that writes, whatever other checks and conditions replace the
-- policies.
CREATE VIEW own.barred WITH (security_barrier) AS SELECT * FROM shop.editable WHERE id > 0;
CREATE FUNCTION own.prepares_writing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'PREPARE plants (uuid) AS INSERT INTO shop.editable VALUES ($1, 3, ''planted'') RETURNING note';
	EXECUTE 'PREPARE changes AS UPDATE own.barred SET note = note || ''!'' RETURNING note';
	EXECUTE 'PREPARE erases AS DELETE FROM own.barred RETURNING note';
	RETURN old;
END
$$;
CREATE TRIGGER prepares BEFORE DELETE ON own.child FOR EACH ROW EXECUTE FUNCTION own.prepares_writing();
INSERT INTO own.parent VALUES (7);
INSERT INTO own.child VALUES (7);
DELETE FROM own.parent WHERE id = 7;
SELECT throws_ok(format('EXECUTE plants (%L)', :'south'), '42501', 'new row violates row-level security policy for table "orders"', 'an INSERT that was prepared there');
SAVEPOINT a;
EXECUTE changes \g /dev/null
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(note, ' ' ORDER BY note) FROM shop.orders), 'of North! of South', 'an UPDATE');
SET LOCAL SESSION AUTHORIZATION tap_app;
EXECUTE erases \g /dev/null
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(note, ' ' ORDER BY note) FROM shop.orders), 'of South', 'a DELETE');
ROLLBACK TO a;
DROP TRIGGER prepares ON own.child;
SELECT is(own.look('SELECT string_agg(note, '','') FROM shop.listed'), 'of North', 'the same in a statement of its own');
-- A function that the planner inlines, and the view of a member of the owner.
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
SELECT is((SELECT string_agg(DISTINCT what, ' ') FROM own.loot), 'of North', 'both are read there');
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
SELECT is((SELECT count(*) FROM casnet_internal.read_documents('own.documents', 'd', '(0,0)', '(1,1)')), 0::bigint, 'documents of the own table, by a superuser');
SELECT is(current_setting('own.seen') ~ 'of ', false, 'for whom its expressions read nothing');
-- Triggers of the owner's own do not see more rows there than elsewhere, even by cached
-- plans.
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.counted (what text, n bigint);
CREATE FUNCTION shop.touched() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN UPDATE "shop"."orders" SET note = note; GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END $$;
CREATE FUNCTION shop.counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO shop.counted VALUES ('plpgsql', shop.touched()), ('select', (SELECT count(*) FROM shop.orders)), ('sql', shop.of_sql());
	RETURN CASE TG_OP WHEN 'UPDATE' THEN new ELSE old END;
END
$$;
CREATE FUNCTION shop.of_sql() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM shop.orders';
CREATE TABLE shop.parent (id integer PRIMARY KEY);
CREATE TABLE shop.child (id integer DEFAULT 1 REFERENCES shop.parent ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TRIGGER counts BEFORE DELETE OR UPDATE ON shop.child FOR EACH ROW EXECUTE FUNCTION shop.counts();
INSERT INTO shop.parent VALUES (1);
INSERT INTO shop.child VALUES (1);
SET LOCAL plan_cache_mode = force_generic_plan;
UPDATE shop.parent SET id = 2;
DELETE FROM shop.parent;
SELECT is((SELECT string_agg(what || ' ' || n, ', ' ORDER BY what) FROM shop.counted), 'plpgsql 1, plpgsql 1, select 1, select 1, sql 1, sql 1', 'triggers of the owner in a cascade');
SELECT is(shop.touched(), 1::bigint, 'and what they keep');
-- In delete_tenant() they have no user, and read their owner's tables on their own.  Such a
-- plan is not kept for use elsewhere.
ALTER FUNCTION shop.touched() RENAME TO touched_before;
CREATE FUNCTION shop.touched() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN UPDATE "shop"."orders" SET note = note; GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END $$;
CREATE TABLE shop.items (id integer);
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.items', 'records') IS NOT NULL AS protected \g /dev/null
INSERT INTO casnet.tenants (name) VALUES ('Short') RETURNING id AS short \gset
INSERT INTO shop.items (tenant_id, id) VALUES (:'short', 1);
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER counts BEFORE DELETE ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.counts();
DELETE FROM shop.counted;
RESET SESSION AUTHORIZATION;
SELECT casnet.delete_tenant(:'short') IS NOT NULL AS deleted \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_maker;
SELECT is((SELECT n FROM shop.counted WHERE what = 'plpgsql'), 2::bigint, 'in delete_tenant()');
SELECT is(shop.touched(), 1::bigint, 'whose plan is not used elsewhere');
-- Nor if it ends with an error.
ALTER FUNCTION shop.touched() RENAME TO touched_once;
CREATE FUNCTION shop.touched() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN UPDATE "shop"."orders" SET note = note; GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END $$;
CREATE FUNCTION shop.fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', shop.touched(); END $$;
DROP TRIGGER counts ON shop.items;
CREATE TRIGGER counts BEFORE DELETE ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.fails();
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.tenants (name) VALUES ('Shorter') RETURNING id AS shorter \gset
INSERT INTO shop.items (tenant_id, id) VALUES (:'shorter', 1);
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'shorter'), 'P0001', '2', 'delete_tenant() fails');
SET LOCAL SESSION AUTHORIZATION tap_maker;
SET LOCAL search_path = pg_catalog, pg_temp;
SELECT public.error_of('SELECT shop.touched()') AS error \gset
SET LOCAL search_path = public;
SELECT is(left(:'error', 5), '55000', 'then its plan is refused once, where it is used without another');
SELECT is(shop.touched(), 1::bigint, 'and made anew, with the policies');
RESET SESSION AUTHORIZATION;
DROP TRIGGER counts ON shop.items;
SET LOCAL SESSION AUTHORIZATION tap_maker;
RESET plan_cache_mode;
-- Nor is anything refused outside.
RESET SESSION AUTHORIZATION;
ALTER TABLE shop.orders ADD UNIQUE (tenant_id, id);
SET LOCAL SESSION AUTHORIZATION tap_maker;
SELECT lives_ok('INSERT INTO shop.orders (id, note) VALUES (1, ''of North'') ON CONFLICT (tenant_id, id) DO UPDATE SET note = excluded.note', 'the owner writes with a conflict');
RESET SESSION AUTHORIZATION;
-- The policies have not changed for the cascades themselves.
SELECT casnet.delete_tenant(:'south') IS NOT NULL AS deleted \g /dev/null
SELECT is((SELECT string_agg(note, ' ') FROM shop.orders), 'of North', 'rows go with their tenant');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
WITH d AS (DELETE FROM own.barred RETURNING note) SELECT is((SELECT string_agg(note, ' ') FROM d), 'of North', 'and rows are deleted by such a view elsewhere');
SELECT * FROM finish();
ROLLBACK;
