-- Before references are cleared an index tells whether there may be any.  One that does not
-- hold every row is not asked, nor is one for whose table the row is not what
-- is referred to; then the UPDATE is made, which finds them.
BEGIN;
\ir include/fixtures.sql
SELECT plan(21);
RESET SESSION AUTHORIZATION;

CREATE TABLE casnet.citing (tenant_id uuid, record_id uuid, kind text, label text);
CREATE TRIGGER citing BEFORE DELETE ON casnet.records FOR EACH ROW EXECUTE FUNCTION casnet_internal.clear_references('citing', 'record_id', 'id');
ALTER TABLE casnet.citing ADD CONSTRAINT citing_fkey FOREIGN KEY (tenant_id, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE RESTRICT;

-- A record of North, which a row cites if it is of a kind; what is left of that after
-- the record went.
CREATE FUNCTION pg_temp.after_deletion(kind text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	north uuid := '00000000-0000-7000-8000-0000000000a0';
	record_id uuid;
BEGIN
	DELETE FROM casnet.citing;
	INSERT INTO casnet.records (tenant_id, title) VALUES (north, 'cited') RETURNING id INTO record_id;
	IF kind IS NOT NULL THEN
		INSERT INTO casnet.citing VALUES (north, record_id, kind, record_id::text);
	END IF;
	DELETE FROM casnet.records WHERE id = record_id;
	RETURN (SELECT coalesce(string_agg(coalesce(c.record_id::text, 'cleared'), ','), 'none') FROM casnet.citing AS c);
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
	RETURN 'still cited';
END
$$;
-- An index that may be used at once, although rows were changed in this transaction.
CREATE PROCEDURE pg_temp.make_index(definition text) LANGUAGE plpgsql AS $$
BEGIN
	IF to_regclass('casnet.citing_index') IS NOT NULL THEN
		DROP INDEX casnet.citing_index;
	END IF;
	EXECUTE 'CREATE INDEX citing_index ON casnet.citing ' || definition;
	UPDATE pg_index SET indcheckxmin = false WHERE indrelid = 'casnet.citing'::regclass;
END
$$;
-- How many UPDATEs of the table this session keeps.
CREATE FUNCTION pg_temp.updates() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM pg_backend_memory_contexts
	 WHERE name = 'CachedPlanSource' AND ident LIKE 'UPDATE casnet.citing SET record_id = NULL%'
$$;

-- By an index that serves.
CALL pg_temp.make_index($i$(tenant_id, record_id)$i$);
SELECT is(pg_temp.after_deletion(), 'none', 'no reference');
SELECT is(pg_temp.updates(), 0::bigint, 'which no UPDATE had to find out');
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'a reference is cleared');
SELECT is(pg_temp.updates(), 1::bigint, 'by an UPDATE');

-- By none.
DROP INDEX casnet.citing_index;
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'without an index');
CALL pg_temp.make_index($i$(tenant_id, record_id) WHERE kind = 'b'$i$);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one of some rows');
CALL pg_temp.make_index($i$(tenant_id) INCLUDE (record_id)$i$);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one of one column, which includes the other');
CALL pg_temp.make_index($i$(tenant_id, kind)$i$);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one of another column');
CALL pg_temp.make_index($i$(record_id, tenant_id)$i$);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one with the columns turned round');
DROP INDEX casnet.citing_index;
ALTER TABLE casnet.citing ADD COLUMN id uuid;
CALL pg_temp.make_index($i$(id, record_id)$i$);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one of another column before it');
CALL pg_temp.make_index($i$USING gin (tenant_id casnet.gin_uuid_ops, record_id casnet.gin_uuid_ops)$i$);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one of another kind');
DROP INDEX casnet.citing_index;

-- An index that rows are not put into, since it is not complete yet.
CALL pg_temp.make_index($i$(tenant_id, record_id)$i$);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one that is complete');
UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid = 'casnet.citing_index'::regclass;
ALTER TABLE casnet.citing ADD COLUMN one integer;
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'and is not any more');
UPDATE pg_index SET indisvalid = true, indcheckxmin = true WHERE indexrelid = 'casnet.citing_index'::regclass;
ALTER TABLE casnet.citing ADD COLUMN other integer;
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'or only for new transactions');
DROP INDEX casnet.citing_index;

-- Rows that are elsewhere.
CALL pg_temp.make_index($i$(tenant_id, record_id)$i$);
ALTER TABLE casnet.citing DROP CONSTRAINT citing_fkey;
ALTER TABLE casnet.citing RENAME TO whole;
CREATE TABLE casnet.citing (LIKE casnet.whole INCLUDING INDEXES);
CREATE TABLE casnet.citing_part () INHERITS (casnet.citing);
CREATE FUNCTION pg_temp.to_part() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO casnet.citing_part VALUES (NEW.*); RETURN NULL; END$$;
CREATE TRIGGER to_part BEFORE INSERT ON casnet.citing FOR EACH ROW EXECUTE FUNCTION pg_temp.to_part();
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'no foreign key here');
ALTER TABLE casnet.citing ADD CONSTRAINT tag_fkey FOREIGN KEY (tenant_id, record_id) REFERENCES casnet.tags (tenant_id, id) ON DELETE RESTRICT;
CREATE TRIGGER citing BEFORE DELETE ON casnet.tags FOR EACH ROW EXECUTE FUNCTION casnet_internal.clear_references('citing', 'record_id', 'id');
INSERT INTO casnet.tags (tenant_id, name) VALUES (:'north', 'citing');
DELETE FROM casnet.tags WHERE name = 'citing';
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'or to another table, from which a row was just deleted');
DROP TABLE casnet.citing CASCADE;
CREATE TABLE casnet.citing (LIKE casnet.whole) PARTITION BY LIST (kind);
CREATE TABLE casnet.citing_a PARTITION OF casnet.citing FOR VALUES IN ('a');
CALL pg_temp.make_index($i$(tenant_id, record_id)$i$);
ALTER TABLE casnet.citing ADD FOREIGN KEY (tenant_id, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE RESTRICT;
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'partitions');
DROP TABLE casnet.citing;
DROP TRIGGER citing ON casnet.tags;

-- What is no column, or not of the type, is said by the UPDATE.
ALTER TABLE casnet.whole RENAME TO citing;
DROP TRIGGER citing ON casnet.records;
ALTER TABLE casnet.citing ADD COLUMN place uuid, ADD FOREIGN KEY (tenant_id, place) REFERENCES casnet.records (tenant_id, id) ON DELETE RESTRICT;
CALL pg_temp.make_index($i$(tenant_id, label)$i$);
CREATE TRIGGER citing BEFORE DELETE ON casnet.records FOR EACH ROW EXECUTE FUNCTION casnet_internal.clear_references('citing', 'label', 'id');
SELECT alike(error_of($$SELECT pg_temp.after_deletion()$$), '42883 %', 'a text');
CREATE OR REPLACE TRIGGER citing BEFORE DELETE ON casnet.records FOR EACH ROW EXECUTE FUNCTION casnet_internal.clear_references('citing', 'absent', 'id');
CALL pg_temp.make_index($i$(tenant_id, (label::uuid))$i$);
SELECT alike(error_of($$SELECT pg_temp.after_deletion()$$), '42703 %', 'no column');
CREATE OR REPLACE TRIGGER citing BEFORE DELETE ON casnet.records FOR EACH ROW EXECUTE FUNCTION casnet_internal.clear_references('citing', 'record_id', 'id');
ALTER TABLE casnet.citing ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE casnet.citing RENAME COLUMN tenant_id TO owner_id;
CALL pg_temp.make_index($i$((label::uuid), record_id)$i$);
SELECT alike(error_of($$SELECT pg_temp.after_deletion()$$), '42703 %', 'no tenant');
ALTER TABLE casnet.citing ADD COLUMN tenant_id text;
CALL pg_temp.make_index($i$(tenant_id, record_id)$i$);
SELECT alike(error_of($$SELECT pg_temp.after_deletion()$$), '42883 %', 'a tenant that is a text');

SELECT * FROM finish();
ROLLBACK;
