-- Partitions are protected with their table, even if a statement names them directly.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
\ir include/table_state.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO tap_app;
CREATE TABLE app."The Log" (at date NOT NULL, kind int, updated_at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE app.y20 PARTITION OF app."The Log" FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE app.y21 PARTITION OF app."The Log" FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (kind);
CREATE TABLE app.y21_other PARTITION OF app.y21 DEFAULT;
ALTER TABLE app.y20 ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.y21_other ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
INSERT INTO app."The Log" VALUES ('2020-05-05', 1), ('2021-05-05', 1);
GRANT SELECT, INSERT, DELETE ON app.y20, app.y21, app.y21_other TO tap_app;
CREATE TEMP TABLE before AS SELECT table_state('app."The Log"');

SELECT throws_ok('SELECT casnet.protect(''app."The Log"'')', '22023', '"the log" is no name of a resource', 'the name of a resource is simpler');
SELECT is(casnet.protect('app."The Log"', 'logs', :'north'), '{}', 'nothing is left to do');
INSERT INTO app."The Log" (tenant_id, at, kind) VALUES (:'south', '2020-06-06', 1), (:'south', '2021-06-06', 2);
SELECT is((SELECT count(*) FROM pg_policies WHERE schemaname = 'app'), 16::bigint, 'four policies on each');
SELECT throws_ok('SELECT casnet.protect(''app.y21'')', '42809', NULL, 'a partition is not protected by itself');

SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is((SELECT count(*) FROM app."The Log"), 2::bigint, 'the table');
SELECT is((SELECT count(*) FROM app.y20), 1::bigint, 'a partition');
SELECT is((SELECT count(*) FROM app.y21), 1::bigint, 'one with partitions');
SELECT is((SELECT count(*) FROM app.y21_other), 1::bigint, 'and one of those');
SELECT throws_ok(format('INSERT INTO app.y20 (tenant_id, at) VALUES (%L, ''2020-07-07'')', :'south'), '42501', NULL, 'no row for others into a partition');
SELECT lives_ok('INSERT INTO app.y20 (at) VALUES (''2020-07-07'')', 'and one of its own');
SELECT is(rows_of('UPDATE app."The Log" SET at = ''2021-07-07'' WHERE at = ''2020-07-07'''), 1::bigint, 'it moves to another partition');
SELECT ok(bool_or(updated_at IS NOT NULL), 'with its time') FROM app.y21;

-- A partition made later is protected when protect() is called again.
RESET SESSION AUTHORIZATION;
CREATE TABLE app.y22 PARTITION OF app."The Log" FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
SELECT casnet.protect('app."The Log"');
SELECT ok(relrowsecurity AND relforcerowsecurity, 'a new partition') FROM pg_class WHERE oid = 'app.y22'::regclass;
SELECT is((SELECT count(*) FROM pg_policies WHERE tablename = 'y22'), 4::bigint, 'has the policies');
CREATE TABLE app.y23 PARTITION OF app."The Log" FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
SELECT casnet.install();
SELECT is((SELECT count(*) FROM pg_policies WHERE tablename = 'y23'), 4::bigint, 'so does casnet.install()');
DROP TABLE app.y22, app.y23;

DELETE FROM app."The Log" WHERE tenant_id = :'south';
SELECT casnet.unprotect('app."The Log"');
SELECT set_eq('SELECT table_state(''app."The Log"'')', 'TABLE before', 'unprotect() leaves nothing');
SELECT is((SELECT count(*) FROM app."The Log"), 3::bigint, 'and takes no row');
SELECT * FROM finish();
ROLLBACK;
