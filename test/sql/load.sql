-- COPY into a table with policies uses its load view.  The error of a bad row names the
-- line, and no row stays.
\set QUIET on
SET SESSION AUTHORIZATION regress_backend;
CALL be('olga', 'North');
BEGIN;
COPY casnet.records_load (title, content) FROM stdin (FORMAT csv, HEADER);
title,content
first,"with, comma"
second,""
\.
SELECT title, content FROM casnet.records WHERE title IN ('first', 'second') ORDER BY 1;
ROLLBACK;

-- Faults of a row.
COPY casnet.records_load (title, created_at) FROM stdin (FORMAT csv, HEADER);
title,created_at
good,2026-01-01
bad,yesterdai
\.
COPY casnet.records_load (title, tenant_id) FROM stdin (FORMAT csv, HEADER);
title,tenant_id
good,00000000-0000-7000-8000-0000000000a0
of South,00000000-0000-7000-8000-0000000000b0
\.
COPY casnet.records_load (title, content) FROM stdin (FORMAT csv, HEADER);
title,content
good,
,no title
\.
COPY casnet.tags_load (name) FROM stdin (FORMAT csv, HEADER);
name
tag 5
tag 1
\.
COPY casnet.tasks_load (title, status) FROM stdin (FORMAT csv, HEADER);
title,status
good,PENDING
bad,DONE
\.
COPY casnet.tasks_load (title, record_id) FROM stdin (FORMAT csv, HEADER);
title,record_id
good,
of a record of South,00000000-0000-7000-8000-0001000000b0
never read,
\.

-- COPY itself reports faults of the file or of the command.
COPY casnet.tags_load (name) FROM stdin (FORMAT csv, HEADER MATCH);
title
tag 5
\.
COPY casnet.tags_load (name) FROM stdin (FORMAT csv);
tag 5,tag 6
\.
COPY casnet.tags_load TO stdout;

-- As another user.
CALL be('vic', 'North');
COPY casnet.records_load (title) FROM stdin;
not by a viewer
\.
CALL be('');
COPY casnet.records_load (title) FROM stdin;
nor by nobody
\.
CALL be('olga', 'North');
SELECT count(*) FROM casnet.records WHERE title !~ '^North record';
SELECT (SELECT count(*) FROM casnet.tags) AS tags, (SELECT count(*) FROM casnet.tasks) AS tasks;

-- A failed load in a DO block keeps its memory beyond the transaction, and does not count
-- as a load of the next one.
CREATE FUNCTION pg_temp.fail() RETURNS void LANGUAGE sql AS
	$$INSERT INTO casnet.tags_load (name) SELECT 'zero ' || 1 / (2 - n) FROM generate_series(1, 2) AS n$$;
SELECT format($f$
DO $$
DECLARE
	nothing text;
BEGIN
	BEGIN
		nothing := pg_temp.fail();
	EXCEPTION WHEN division_by_zero THEN
		RAISE NOTICE 'failed';
	END;
	%s;
	BEGIN
		INSERT INTO casnet.tags_load (name) VALUES ('another');
		RAISE NOTICE 'loaded';
	EXCEPTION WHEN unique_violation THEN
	END;
	ROLLBACK;
END$$
$f$, e) FROM unnest(ARRAY['COMMIT', 'ROLLBACK']) AS e
\gexec

-- The trigger function serves no other table or view.
CREATE TEMP VIEW mine AS SELECT 1 AS id;
CREATE TRIGGER t INSTEAD OF INSERT ON mine FOR EACH ROW EXECUTE FUNCTION casnet_internal.load_row('records');
RESET SESSION AUTHORIZATION;
CREATE TRIGGER t BEFORE INSERT ON who FOR EACH ROW EXECUTE FUNCTION casnet_internal.load_row('records');
INSERT INTO who VALUES ('x', NULL);
DROP TRIGGER t ON who;
CREATE TRIGGER t INSTEAD OF INSERT ON mine FOR EACH ROW EXECUTE FUNCTION casnet_internal.load_row('tables');
\set VERBOSITY sqlstate
INSERT INTO mine VALUES (1);
