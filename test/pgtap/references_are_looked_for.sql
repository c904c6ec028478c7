-- Before references are cleared an index tells whether there may be any.  One that does not
-- hold every row is not asked, nor is one for whose table the row is not what
-- is referred to; then the UPDATE is made, which finds them.
BEGIN;
\ir include/fixtures.sql
SELECT plan(16);
RESET SESSION AUTHORIZATION;

CREATE TABLE casnet.citing (tenant_id uuid, record_id uuid, kind text, label text);
CREATE TRIGGER citing BEFORE DELETE ON casnet.records FOR EACH ROW EXECUTE FUNCTION casnet.clear_references('citing', 'record_id', 'id');
ALTER TABLE casnet.citing ADD CONSTRAINT citing_fkey FOREIGN KEY (tenant_id, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE RESTRICT;

-- A record of North, which a row cites if it is of a kind; what is left of that after
-- the record went.
CREATE FUNCTION pg_temp.after_deletion(kind text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	north uuid := '00000000-0000-7000-8000-0000000000a0';
	record_id uuid;
BEGIN
	TRUNCATE casnet.citing;
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
-- How many UPDATEs of the table this session keeps.
CREATE FUNCTION pg_temp.updates() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM pg_backend_memory_contexts
	 WHERE name = 'CachedPlanSource' AND ident LIKE 'UPDATE casnet.citing SET record_id = NULL%'
$$;

-- By an index that serves.
CREATE INDEX citing_index ON casnet.citing (tenant_id, record_id);
SELECT is(pg_temp.after_deletion(), 'none', 'no reference');
SELECT is(pg_temp.updates(), 0::bigint, 'which no UPDATE had to find out');
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'a reference is cleared');
SELECT is(pg_temp.updates(), 1::bigint, 'by an UPDATE');

-- By none.
DROP INDEX casnet.citing_index;
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'without an index');
CREATE INDEX citing_index ON casnet.citing (tenant_id, record_id) WHERE kind = 'b';
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one of some rows');
DROP INDEX casnet.citing_index;
CREATE INDEX citing_index ON casnet.citing (tenant_id) INCLUDE (record_id);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one of one column, which includes the other');
DROP INDEX casnet.citing_index;
CREATE INDEX citing_index ON casnet.citing (tenant_id, kind);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one of another column');
DROP INDEX casnet.citing_index;
CREATE INDEX citing_index ON casnet.citing (record_id, tenant_id);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one with the columns turned round');
DROP INDEX casnet.citing_index;
CREATE INDEX citing_index ON casnet.citing USING gin (tenant_id casnet.gin_uuid_ops, record_id casnet.gin_uuid_ops);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one of another kind');
DROP INDEX casnet.citing_index;

-- An index that rows are not put into, since it is not complete yet.
CREATE INDEX citing_index ON casnet.citing (tenant_id, record_id);
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'one that is complete');
UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid = 'casnet.citing_index'::regclass;
ALTER TABLE casnet.citing ADD COLUMN one integer;
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'and is not any more');
UPDATE pg_index SET indisvalid = true, indcheckxmin = true WHERE indexrelid = 'casnet.citing_index'::regclass;
ALTER TABLE casnet.citing ADD COLUMN other integer;
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'or only for new transactions');
DROP INDEX casnet.citing_index;

-- Who refers to something else, or to this by another type, is not looked up.
CREATE INDEX citing_index ON casnet.citing (tenant_id, record_id);
ALTER TABLE casnet.citing DROP CONSTRAINT citing_fkey;
ALTER TABLE casnet.citing RENAME TO whole;
CREATE TABLE casnet.citing (LIKE casnet.whole INCLUDING INDEXES);
CREATE TABLE casnet.citing_part () INHERITS (casnet.citing);
CREATE FUNCTION pg_temp.to_part() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO casnet.citing_part VALUES (NEW.*); RETURN NULL; END$$;
CREATE TRIGGER to_part BEFORE INSERT ON casnet.citing FOR EACH ROW EXECUTE FUNCTION pg_temp.to_part();
SELECT is(pg_temp.after_deletion('a'), 'cleared', 'rows elsewhere, without a foreign key here');
DROP TABLE casnet.citing CASCADE;
ALTER TABLE casnet.whole RENAME TO citing;
ALTER TABLE casnet.citing ADD CONSTRAINT citing_fkey FOREIGN KEY (tenant_id, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE RESTRICT;
CREATE INDEX ON casnet.citing (tenant_id, label);
CREATE TRIGGER label BEFORE DELETE ON casnet.records FOR EACH ROW EXECUTE FUNCTION casnet.clear_references('citing', 'label', 'id');
SELECT alike(error_of($$SELECT pg_temp.after_deletion('a')$$), '42883 %', 'a column that is a text is no reference');
DROP TRIGGER label ON casnet.records;

SELECT is(pg_temp.after_deletion('a'), 'cleared', 'and the other one still is');
SELECT * FROM finish();
ROLLBACK;
