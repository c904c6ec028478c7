-- delete_tenant() leaves no row whose key points at no tenant, whatever the owner of a
-- protected table does meanwhile: in a trigger, or when a query of the table is planned.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_own;
GRANT casnet_user TO tap_own;
CREATE SCHEMA own AUTHORIZATION tap_own;
GRANT USAGE ON SCHEMA own TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_own;
CREATE TABLE own.a (id integer, note text, other uuid);
CREATE TABLE own.b (id integer, note text, other uuid, x integer DEFAULT 1);
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('own.a', tenant_id => :'north') \g /dev/null
SELECT casnet.protect('own.b', tenant_id => :'north') \g /dev/null
INSERT INTO own.a (tenant_id, note) VALUES (:'north', 'a');
INSERT INTO own.b (tenant_id, note) VALUES (:'north', 'b');
CREATE FUNCTION pg_temp.deleted() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	SET LOCAL SESSION AUTHORIZATION tap_app;
	CALL public.be('olga', 'North');
	answer := public.error_of('SELECT casnet.delete_tenant(casnet.current_tenant_id())');
	RESET SESSION AUTHORIZATION;
	RETURN answer;
END
$$;
CREATE FUNCTION pg_temp.orphans() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (TABLE own.a UNION ALL SELECT id, note, other, tenant_id FROM own.b) AS r
	 WHERE tenant_id IS NOT NULL AND NOT EXISTS (SELECT FROM casnet.tenants AS t WHERE t.id = r.tenant_id)
$$;

-- Statistics on an expression: the planner calls its function, which brings a row back.
SAVEPOINT a;
SET LOCAL SESSION AUTHORIZATION tap_own;
CREATE FUNCTION own.write() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO own.a (tenant_id, note) VALUES ('00000000-0000-7000-8000-0000000000a0', 'left behind');
	RETURN 1;
END
$$;
CREATE FUNCTION own.constant(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_user <> 'tap_own' OR coalesce(current_setting('own.inside', true), '') = '1' THEN
		RETURN $1;
	END IF;
	PERFORM set_config('own.inside', '1', false);
	IF NOT EXISTS (SELECT FROM own.a) AND NOT EXISTS (SELECT FROM own.b) THEN
		PERFORM own.write();
	END IF;
	PERFORM set_config('own.inside', '', false);
	RETURN $1;
END
$$;
CREATE STATISTICS own.s ON (own.constant(1) + x), note FROM own.b;
RESET SESSION AUTHORIZATION;
SELECT matches(pg_temp.deleted(), '^(55000|23503) ', 'what writes when a query is planned');
SELECT is(pg_temp.orphans(), 0::bigint, 'leaves nothing');
ROLLBACK TO a;

-- Columns that are renamed meanwhile.
SET LOCAL SESSION AUTHORIZATION tap_own;
CREATE FUNCTION own.swap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_RELID = 'own.a'::regclass AND EXISTS (SELECT FROM own.b) THEN
		ALTER TABLE own.b RENAME tenant_id TO former;
		ALTER TABLE own.b RENAME other TO tenant_id;
	ELSIF TG_RELID = 'own.b'::regclass AND EXISTS (SELECT FROM own.a) THEN
		ALTER TABLE own.a RENAME tenant_id TO former;
		ALTER TABLE own.a RENAME other TO tenant_id;
	END IF;
	RETURN OLD;
END
$$;
CREATE TRIGGER swap BEFORE DELETE ON own.a FOR EACH ROW EXECUTE FUNCTION own.swap();
CREATE TRIGGER swap BEFORE DELETE ON own.b FOR EACH ROW EXECUTE FUNCTION own.swap();
RESET SESSION AUTHORIZATION;
SELECT is(left(pg_temp.deleted(), 5), '23503', 'columns that a trigger renames');
SELECT is((SELECT count(*) FROM casnet.tenants WHERE id = :'north'), 1::bigint, 'keep the tenant');
DROP TRIGGER swap ON own.a;
DROP TRIGGER swap ON own.b;

-- Keys that do not name the tenant.
SAVEPOINT b;
GRANT REFERENCES (name) ON casnet.tenants TO tap_own;
SET LOCAL SESSION AUTHORIZATION tap_own;
CREATE TABLE own.by_name (name text REFERENCES casnet.tenants (name) ON DELETE CASCADE);
RESET SESSION AUTHORIZATION;
SELECT is(left(pg_temp.deleted(), 5), '55000', 'a key to the name of a tenant');
ROLLBACK TO b;
ALTER TABLE casnet.records ADD UNIQUE (id);
CREATE TABLE own.by_record (record_id uuid REFERENCES casnet.records (id));
SELECT is(left(pg_temp.deleted(), 5), '55000', 'a key to a record alone');
ROLLBACK TO b;

-- Checks of a key that are deferred could wait for somebody's row, with a lock that keeps
-- everybody from making schemas.
SET LOCAL SESSION AUTHORIZATION tap_own;
CREATE TABLE own.y (tenant_id uuid, id integer, PRIMARY KEY (tenant_id, id));
CREATE TABLE own.x (tenant_id uuid, id integer, y integer, FOREIGN KEY (tenant_id, y) REFERENCES own.y DEFERRABLE INITIALLY DEFERRED);
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('own.y') \g /dev/null
SELECT casnet.protect('own.x') \g /dev/null
INSERT INTO own.y VALUES (:'north', 5);
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO own.x VALUES (:'north', 1, 5);
SELECT alike(pg_temp.deleted(), '55000 | foreign key "x_tenant_id_y_fkey" of table "x" has rows to check%', 'checks that are pending');
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok('SELECT casnet.delete_tenant(casnet.current_tenant_id())', 'once they are done, the tenant is deleted');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.tenants WHERE id = :'north'), 0::bigint, 'and is gone');
SELECT is((SELECT count(*) FROM own.x) + (SELECT count(*) FROM own.y), 0::bigint, 'with its rows');
SELECT is(pg_temp.orphans(), 0::bigint, 'and leaves none');
SELECT * FROM finish();
ROLLBACK;
