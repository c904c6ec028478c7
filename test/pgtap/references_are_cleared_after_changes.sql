-- A session that has cleared references once does so again after the table was changed or
-- given to another owner.
BEGIN;
\ir include/fixtures.sql
SELECT plan(4);

RESET SESSION AUTHORIZATION;
CREATE ROLE tap_owner;
GRANT CREATE, USAGE ON SCHEMA casnet TO tap_owner;

-- The task of North that had the record with that number, after the record was deleted.
CREATE FUNCTION pg_temp.left_after(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	gone uuid := overlay('00000000-0000-7000-8000-0000000000a0' PLACING n::text FROM 34);
	task_id uuid;
BEGIN
	INSERT INTO casnet.tasks (tenant_id, title, record_id)
		VALUES ('00000000-0000-7000-8000-0000000000a0', 'call', gone)
		RETURNING id INTO task_id;
	DELETE FROM casnet.records WHERE id = gone;
	RETURN (SELECT coalesce(t.record_id::text, 'nothing') FROM casnet.tasks AS t WHERE id = task_id);
END
$$;

SELECT is(pg_temp.left_after(1), 'nothing', 'a first time');
ALTER TABLE casnet.tasks ADD COLUMN note text;
DROP INDEX casnet.tasks_tenant_id_record_id_idx;
SELECT is(pg_temp.left_after(2), 'nothing', 'after the table was changed');
ALTER TABLE casnet.tasks OWNER TO tap_owner;
SELECT is(pg_temp.left_after(3), 'nothing', 'after it got another owner');

INSERT INTO casnet.records (tenant_id, id, title)
SELECT '00000000-0000-7000-8000-0000000000a0', overlay('00000000-0000-7000-8000-0000000000a0' PLACING n::text FROM 34)::uuid, 'one more'
  FROM generate_series(4, 4) AS n;
ALTER TABLE casnet.tasks DROP COLUMN note, ADD CHECK (record_id IS NOT NULL) NOT VALID;
SELECT is(error_of($$SELECT pg_temp.left_after(4)$$) ~ '^23514 ', true, 'the table as it is now decides');

SELECT * FROM finish();
ROLLBACK;
