-- A role that owns a domain can change its checks at any time, and a check can run SQL by
-- functions of the server, such as query_to_xml().  If somebody gave a table of casnet a
-- column of such a type, nothing writes that table with more rights than the role has.
BEGIN;
SELECT plan(48);
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
SELECT throws_ok(:'delete', '55000', 'column "label" of table "tasks" would run code with more rights than its owner has', 'below a key');
SAVEPOINT before;
SELECT lives_ok('SELECT casnet.delete_tenant(casnet.current_tenant_id())', 'a deletion makes no values');
CALL be('otto', 'South');
SELECT throws_ok('DELETE FROM casnet.records', '55000', 'column "label" of table "tasks" would run code with more rights than its owner has', 'and shows nothing about what does');
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
SELECT is(diagnosis('table-strange-code'), 'error casnet.tenants', 'doctor() reports it');
SELECT alike((SELECT problem FROM casnet.doctor() WHERE code = 'table-strange-code'), 'Its column "pairs"%', 'with the column');
ALTER TABLE casnet.tenants DROP COLUMN pairs;
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
SELECT is(diagnosis('table-strange-code'), NULL, 'nothing to report');

-- What is not a column of such a type, but runs such a check: a domain over it, an expression
-- that casts to it, and the functions of a range.
SET LOCAL SESSION AUTHORIZATION tap_stranger;
CREATE DOMAIN strange.inner_label AS text;
CREATE FUNCTION strange.difference(a float8, b float8) RETURNS float8 IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN a - b; END';
CREATE TYPE strange.span AS RANGE (subtype = float8, subtype_diff = strange.difference);
RESET SESSION AUTHORIZATION;
CREATE DOMAIN public.outer_label AS strange.inner_label;
CREATE FUNCTION pg_temp.refused(change text, undo text, run text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE change;
	SET LOCAL SESSION AUTHORIZATION tap_app;
	CALL public.be('olga', 'North');
	answer := public.error_of(run);
	RESET SESSION AUTHORIZATION;
	answer := substr(answer, 1, 5) || coalesce(' ' || public.diagnosis('table-strange-code'), '');
	EXECUTE undo;
	RETURN answer;
END
$$;
INSERT INTO casnet.records (tenant_id, id, title, content) VALUES (:'north', '00000000-0000-7000-8000-00000000d002', 'to go', '');
INSERT INTO casnet.tasks (tenant_id, title, record_id) VALUES (:'north', 'about it', '00000000-0000-7000-8000-00000000d002');
SELECT is(pg_temp.refused(v.change, v.undo, 'DELETE FROM casnet.records WHERE id = ''00000000-0000-7000-8000-00000000d002'''), v.answer, v.what) FROM (VALUES
	('55000 error casnet.tasks', 'a domain over a domain', 'ALTER TABLE casnet.tasks ADD COLUMN x public.outer_label', 'ALTER TABLE casnet.tasks DROP COLUMN x'),
	('55000 error casnet.tasks', 'a range', 'ALTER TABLE casnet.tasks ADD COLUMN x strange.span', 'ALTER TABLE casnet.tasks DROP COLUMN x'),
	('55000 error casnet.tasks', 'ranges', 'ALTER TABLE casnet.tasks ADD COLUMN x strange.span_multirange', 'ALTER TABLE casnet.tasks DROP COLUMN x'),
	('55000 error casnet.tasks', 'a generated column', 'ALTER TABLE casnet.tasks ADD COLUMN x text GENERATED ALWAYS AS (title::strange.inner_label) STORED', 'ALTER TABLE casnet.tasks DROP COLUMN x'),
	('55000 error casnet.tasks', 'a constraint', 'ALTER TABLE casnet.tasks ADD CONSTRAINT x CHECK (title::strange.inner_label IS NOT NULL)', 'ALTER TABLE casnet.tasks DROP CONSTRAINT x'),
	('55000 error casnet.tasks', 'an index', 'CREATE INDEX x ON casnet.tasks ((title::strange.inner_label))', 'DROP INDEX casnet.x'),
	('55000 error casnet.tasks', 'the condition of an index', 'CREATE INDEX x ON casnet.tasks (tenant_id) WHERE title::strange.inner_label IS NOT NULL', 'DROP INDEX casnet.x'),
	('55000 error casnet.tasks', 'extended statistics', 'CREATE STATISTICS casnet.x ON (title::strange.inner_label), (title || status) FROM casnet.tasks', 'DROP STATISTICS casnet.x'),
	('55000 error casnet.tasks', 'the condition of a trigger', 'CREATE TRIGGER x BEFORE UPDATE ON casnet.tasks FOR EACH ROW WHEN (NEW.title::strange.inner_label IS NOT NULL) EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'DROP TRIGGER x ON casnet.tasks'),
	('55000 error casnet.tasks', 'a default, which a key can set', 'ALTER TABLE casnet.tasks ALTER description SET DEFAULT ''x''::strange.inner_label', 'ALTER TABLE casnet.tasks ALTER description DROP DEFAULT')) AS v (answer, what, change, undo);
-- A domain of a superuser, whose check calls the stranger's function.  The server can have
-- put its text in its place before.
SET LOCAL SESSION AUTHORIZATION tap_stranger;
CREATE FUNCTION strange.good(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
GRANT EXECUTE ON FUNCTION strange.good(text) TO PUBLIC;
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA strange TO PUBLIC;
CREATE DOMAIN public.checked AS text CHECK (strange.good(VALUE));
SELECT NULL::public.checked \g /dev/null
SELECT is(pg_temp.refused('ALTER TABLE casnet.tenants ADD COLUMN x public.checked', 'ALTER TABLE casnet.tenants DROP COLUMN x', 'SELECT casnet.create_tenant(''mine too'')'), '55000 error casnet.tenants', 'a check of a trusted domain');
-- A function that changes hands, and a role that loses its rights, when the table was found
-- to have no such code.
CREATE FUNCTION public.handed(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE DOMAIN public.by_hand AS text CHECK (public.handed(VALUE));
ALTER TABLE casnet.tasks ADD COLUMN x public.by_hand;
INSERT INTO casnet.records (tenant_id, id, title) SELECT :'north', ('00000000-0000-7000-8000-00000000d10' || n)::uuid, 'by hand' FROM generate_series(1, 5) AS n;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok('DELETE FROM casnet.records WHERE id = ''00000000-0000-7000-8000-00000000d101''', 'a function of a superuser');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tasks ADD COLUMN y strange.inner_label;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('DELETE FROM casnet.records WHERE id = ''00000000-0000-7000-8000-00000000d102''', '55000', 'column "y" of table "tasks" would run code with more rights than its owner has', 'another column');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tasks DROP COLUMN y;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok('DELETE FROM casnet.records WHERE id = ''00000000-0000-7000-8000-00000000d105''', 'which goes');
RESET SESSION AUTHORIZATION;
ALTER FUNCTION public.handed(text) OWNER TO tap_stranger;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('DELETE FROM casnet.records WHERE id = ''00000000-0000-7000-8000-00000000d102''', '55000', 'column "x" of table "tasks" would run code with more rights than its owner has', 'goes to somebody else');
RESET SESSION AUTHORIZATION;
GRANT casnet_owner TO tap_stranger;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok('DELETE FROM casnet.records WHERE id = ''00000000-0000-7000-8000-00000000d103''', 'who has the owner''s rights');
RESET SESSION AUTHORIZATION;
REVOKE casnet_owner FROM tap_stranger;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('DELETE FROM casnet.records WHERE id = ''00000000-0000-7000-8000-00000000d104''', '55000', 'column "x" of table "tasks" would run code with more rights than its owner has', 'for as long as that is so');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tasks DROP COLUMN x;
-- An enum has no code.
SELECT is(pg_temp.refused('ALTER TABLE casnet.tenants ADD COLUMN x strange.plain DEFAULT ''a'' CHECK (x <> ''b'')', 'ALTER TABLE casnet.tenants DROP COLUMN x', 'SELECT casnet.create_tenant(''mine too'')'), 'none', 'nor does a default of a type without code');
SELECT is(pg_temp.refused('ALTER TABLE casnet.tenants ADD COLUMN x text DEFAULT ''x''::strange.inner_label', 'ALTER TABLE casnet.tenants DROP COLUMN x', 'SELECT casnet.create_tenant(''mine too'')'), '55000 error casnet.tenants', 'a default');

-- Types can be nested so that a walk over all paths would not end; the server takes the
-- square root of these when it makes them.  Each is looked at once.
CREATE FUNCTION pg_temp.nest(name text, depth integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TYPE strange.%s0 AS (x integer)', name);
	FOR i IN 1 .. depth LOOP
		EXECUTE format('CREATE TYPE strange.%s%s AS (a strange.%1$s%3$s, b strange.%1$s%3$s)', name, i, i - 1);
	END LOOP;
END
$$;
SELECT pg_temp.nest('t', 14), pg_temp.nest('u', 14);
SET LOCAL statement_timeout = '20s';
SELECT is(pg_temp.refused('ALTER TABLE casnet.tenants ADD COLUMN x strange.t14; ALTER TYPE strange.t0 ADD ATTRIBUTE u strange.u14', 'ALTER TABLE casnet.tenants DROP COLUMN x', 'SELECT casnet.create_tenant(''mine three'')'), 'none', 'types in types');
RESET statement_timeout;

-- In tables of an application, another role's check runs as the owner of the table while a
-- key cascades, without the policies.  No statement begins there.
CREATE ROLE tap_own;
GRANT casnet_user TO tap_own;
CREATE SCHEMA own AUTHORIZATION tap_own;
GRANT USAGE ON SCHEMA own TO PUBLIC;
GRANT USAGE ON SCHEMA strange TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_own;
CREATE TABLE own.p (tenant_id uuid, id integer, PRIMARY KEY (tenant_id, id));
CREATE TABLE own.c (tenant_id uuid, id integer, p integer, note text, label strange.inner_label GENERATED ALWAYS AS (note) STORED, s strange.span,
	PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, p) REFERENCES own.p ON DELETE SET NULL (p));
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('own.p') \g /dev/null
SELECT casnet.protect('own.c') \g /dev/null
GRANT SELECT, INSERT, UPDATE, DELETE ON own.p, own.c TO casnet_user;
INSERT INTO own.p VALUES (:'north', 1), (:'south', 1);
INSERT INTO own.c VALUES (:'north', 1, 1, 'north'), (:'south', 1, 1, 'SECRET of south');
SET LOCAL SESSION AUTHORIZATION tap_stranger;
ALTER DOMAIN strange.inner_label ADD CONSTRAINT c CHECK (current_user <> 'tap_own' OR query_to_xml($$SELECT (string_agg(note, ', '))::int FROM own.c$$, true, true, '') IS NOT NULL) NOT VALID;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok('UPDATE own.c SET note = ''changed''', 'in a statement of its own a check runs as the caller');
SELECT throws_ok('DELETE FROM own.p', '55000', 'a statement would run without policies as role "tap_own"', 'and below a key it runs no statement');
RESET SESSION AUTHORIZATION;
ALTER DOMAIN strange.inner_label DROP CONSTRAINT c;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok('DELETE FROM own.p', 'without it, the key cascades');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(coalesce(p::text, 'none'), ' ' ORDER BY tenant_id) FROM own.c), 'none 1', 'in the tenant');

-- Tables without policies cascade as without casnet, whatever their checks run.
CREATE TABLE own.plain_p (id integer PRIMARY KEY);
CREATE TABLE own.plain_c (p integer REFERENCES own.plain_p ON DELETE SET NULL, CHECK (query_to_xml('SELECT count(*) FROM own.plain_p', true, true, '') IS NOT NULL));
INSERT INTO own.plain_p VALUES (1);
INSERT INTO own.plain_c VALUES (1);
SELECT lives_ok('DELETE FROM own.plain_p', 'tables without policies');
SELECT is((SELECT count(*) FROM own.plain_c WHERE p IS NULL), 1::bigint, 'cascade');
-- A trigger in SQL that a key fires may do what others may.
CREATE TABLE own.x (id integer PRIMARY KEY);
CREATE TABLE own.d (x integer REFERENCES own.x DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION own.on_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO own.d VALUES (7);
	INSERT INTO own.x VALUES (7);
	SET CONSTRAINTS ALL IMMEDIATE;
	RETURN OLD;
END
$$;
CREATE TABLE own.e (p integer REFERENCES own.plain_p ON DELETE CASCADE);
CREATE TRIGGER t BEFORE DELETE ON own.e FOR EACH ROW EXECUTE FUNCTION own.on_delete();
GRANT ALL ON own.x, own.d, own.e TO tap_own;
ALTER TABLE own.e OWNER TO tap_own;
ALTER TABLE own.d OWNER TO tap_own;
ALTER TABLE own.x OWNER TO tap_own;
INSERT INTO own.plain_p VALUES (2);
INSERT INTO own.e VALUES (2);
SELECT lives_ok('DELETE FROM own.plain_p', 'a trigger has deferred keys checked');
SELECT is((SELECT count(*) FROM own.d), 1::bigint, 'below a key');

DROP TABLE own.c, own.p;

-- Code that comes with a partition of another role, or with a default, while a tenant is
-- deleted as the owner of a table.
CREATE ROLE tap_third;
GRANT CREATE, USAGE ON SCHEMA own TO tap_third;
SET LOCAL SESSION AUTHORIZATION tap_third;
CREATE DOMAIN own.third AS text;
GRANT USAGE ON DOMAIN own.third TO PUBLIC;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_own;
CREATE TABLE own.log (note text) PARTITION BY LIST (note);
CREATE TABLE own.log_part PARTITION OF own.log DEFAULT;
CREATE TABLE own.kept (tenant_id uuid, id integer);
CREATE FUNCTION own.write_log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO own.log VALUES (''deleted''); RETURN OLD; END';
CREATE TRIGGER t BEFORE DELETE ON own.kept FOR EACH ROW EXECUTE FUNCTION own.write_log();
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('own.kept') \g /dev/null
INSERT INTO own.kept VALUES (:'south', 1);
ALTER TABLE own.log_part OWNER TO tap_third;
SET CONSTRAINTS ALL IMMEDIATE;
SAVEPOINT s;
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), 'a partition of another role does no harm');
ROLLBACK TO s;
ALTER TABLE own.log_part ADD CHECK (note::own.third IS NOT NULL);
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'constraint "log_part_note_check" of table "log_part" would run code with more rights than its owner has', 'its checks do');
ALTER TABLE own.log_part DROP CONSTRAINT log_part_note_check;
SET LOCAL SESSION AUTHORIZATION tap_own;
CREATE TABLE own.by_default (tenant_id uuid DEFAULT (nullif('x'::own.third, 'x'))::uuid, id integer);
RESET SESSION AUTHORIZATION;
GRANT REFERENCES ON casnet.tenants TO tap_own;
SET LOCAL SESSION AUTHORIZATION tap_own;
ALTER TABLE own.by_default ADD FOREIGN KEY (tenant_id) REFERENCES casnet.tenants ON DELETE SET DEFAULT;
RESET SESSION AUTHORIZATION;
INSERT INTO own.by_default VALUES (:'south', 1);
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'default of column "tenant_id" of table "by_default" would run code with more rights than its owner has', 'and so does a default');
DROP TABLE own.by_default;
-- Rows that one key deletes need no other key to clear them.
CREATE TABLE own.both (tenant_id uuid NOT NULL REFERENCES casnet.tenants ON DELETE CASCADE, id integer, record_id uuid,
	FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE SET NULL);
INSERT INTO casnet.records (tenant_id, id, title) VALUES (:'south', '00000000-0000-7000-8000-00000000d003', 'there');
INSERT INTO own.both VALUES (:'south', 1, '00000000-0000-7000-8000-00000000d003');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), 'rows with two keys');
SELECT is((SELECT count(*) FROM own.both) + (SELECT count(*) FROM own.kept), 0::bigint, 'go with their tenant');
SELECT is((SELECT count(*) FROM casnet.tenants WHERE id = :'south'), 0::bigint, 'which is gone');
SELECT * FROM finish();
ROLLBACK;
