-- An audited table leaves an entry for each row written: who, in which tenant,
-- which row, and what was there before and after.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('casnet.records'), casnet.enable_audit('casnet.tasks');
CREATE FUNCTION public.log(OUT l text) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS $$
	SELECT concat_ws(' ', w.name, e.session_role, e.role, e.relation, e.action, e.row_key->>'id', e.before, e.after)
	  FROM casnet_internal.audit_entries AS e LEFT JOIN public.who AS w ON w.id = e.user_id
	 WHERE e.at > now() ORDER BY e.at, e.id
$$;
-- The log since the last call, as an array; the function then deletes those entries.
CREATE FUNCTION public.news() RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	l text[] := ARRAY(SELECT l FROM public.log());
BEGIN
	PERFORM casnet_internal.remove_audit_entries(NULL, '-infinity', NULL);
	RETURN l;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;

CALL be('olga', 'North');
SELECT is(public.news(), '{}', 'nothing yet');
INSERT INTO casnet.records (id, title, created_at, updated_at)
VALUES ('00000000-0000-7000-8000-000000000ac1', 'new', '2024-01-01 00:00+02', '2024-06-01 00:00:00.5Z');
SELECT is(public.news(), ARRAY['olga tap_app tap_app casnet.records INSERT 00000000-0000-7000-8000-000000000ac1 {"id": "00000000-0000-7000-8000-000000000ac1", "title": "new", "content": "", "tenant_id": "00000000-0000-7000-8000-0000000000a0", "created_at": "2023-12-31T22:00:00+00:00", "updated_at": "2024-06-01T00:00:00.5+00:00"}'], 'an insertion: all columns, times in UTC');
UPDATE casnet.records SET title = 'newer' WHERE title = 'new';
SELECT is(public.news(), ARRAY['olga tap_app tap_app casnet.records UPDATE 00000000-0000-7000-8000-000000000ac1 {"title": "new"} {"title": "newer"}'], 'an update: what changed, without updated_at');
UPDATE casnet.records SET title = title WHERE title = 'newer';
SELECT is(public.news(), '{}', 'an update that changes nothing leaves nothing');
UPDATE casnet.records SET id = '00000000-0000-7000-8000-000000000ac2' WHERE title = 'newer';
SELECT is(public.news(), ARRAY['olga tap_app tap_app casnet.records UPDATE 00000000-0000-7000-8000-000000000ac1 {"id": "00000000-0000-7000-8000-000000000ac1"} {"id": "00000000-0000-7000-8000-000000000ac2"}'], 'a new key: the entry is under the old one');
DELETE FROM casnet.records WHERE title = 'newer';
SELECT matches((public.news())[1], '^olga tap_app tap_app casnet.records DELETE 00000000-0000-7000-8000-000000000ac2 \{"id": .*"title": "newer".*\}$', 'a deletion: all that was there');

-- Several rows, and statements that do several things.
UPDATE casnet.records SET content = repeat('x', 20);
SELECT is(cardinality(public.news()), 3, 'one entry for each row');
INSERT INTO casnet.records (id, title) VALUES ('00000000-0000-7000-8000-0000000001a0', 'a'), ('00000000-0000-7000-8000-000000000ac3', 'b')
	ON CONFLICT (tenant_id, id) DO UPDATE SET title = 'merged';
SELECT is(ARRAY(SELECT substring(l FROM '(INSERT|UPDATE)') FROM unnest(public.news()) AS l ORDER BY 1), '{INSERT,UPDATE}', 'ON CONFLICT');
MERGE INTO casnet.records AS r USING (VALUES ('merged'), ('c')) AS v (t) ON r.title = v.t
	WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (title) VALUES (v.t);
SELECT is(ARRAY(SELECT substring(l FROM 'records (INSERT|DELETE)') FROM unnest(public.news()) AS l WHERE l ~ 'records' ORDER BY 1), '{DELETE,INSERT}', 'MERGE');
WITH d AS (DELETE FROM casnet.records WHERE title = 'c' RETURNING 1) UPDATE casnet.tasks SET priority = 'HIGH';
SELECT is(ARRAY(SELECT substring(l FROM 'casnet\.(\w+ \w+)') FROM unnest(public.news()) AS l ORDER BY 1), '{records DELETE,tasks UPDATE}', 'a statement on two tables');
SAVEPOINT s;
DELETE FROM casnet.records;
ROLLBACK TO s;
SELECT is(public.news(), '{}', 'what was rolled back left nothing');

-- What a statement sets off: the task loses its reference to the record.
SELECT rows_of($$INSERT INTO casnet.tasks (title, record_id) SELECT 't', id FROM casnet.records WHERE title = 'North record 2'$$) AS n \gset
SELECT cardinality(public.news()) AS n \gset
DELETE FROM casnet.records WHERE title = 'North record 2';
SELECT is(ARRAY(SELECT substring(l FROM '^olga tap_app tap_app casnet\.(\w+ \w+)') FROM unnest(public.news()) AS l ORDER BY 1), '{records DELETE,tasks UPDATE}', 'a cascade is put down to whoever set it off');

-- Nobody signed in, and roles.
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_other;
GRANT tap_other TO tap_app;
GRANT casnet_user TO tap_other;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL ROLE tap_other;
UPDATE casnet.records SET title = 'r' WHERE title = 'North record 3';
SELECT matches((public.news())[1], '^olga tap_app tap_other casnet.records', 'the role after SET ROLE, and the one that had connected');
RESET SESSION AUTHORIZATION;
CALL be(NULL);
UPDATE casnet.records SET title = 'root' WHERE title = 'r';
SELECT matches((public.news())[1], '^postgres postgres casnet.records UPDATE', 'nobody signed in: no user');
CALL be('ines', 'North');
UPDATE casnet.records SET title = 'inactive' WHERE title = 'root';
SELECT matches((public.news())[1], '^postgres postgres casnet.records UPDATE', 'an inactive user counts as none');
-- A row that moves is deleted for the one tenant and inserted for the other.  Only a
-- superuser who disables a trigger can move one.
ALTER TABLE casnet.records DISABLE TRIGGER casnet_keep_tenant, DISABLE TRIGGER casnet_kept_tenant;
UPDATE casnet.records SET tenant_id = :'south' WHERE title = 'inactive';
SELECT is(ARRAY(SELECT tenant_id || action || (before IS NULL) || (after IS NULL) FROM casnet_internal.audit_entries WHERE at > now() ORDER BY action),
	ARRAY[:'north' || 'DELETE' || 'falsetrue', :'south' || 'INSERT' || 'truefalse'], 'a row that moves to another tenant');
TRUNCATE casnet.tasks;
SELECT is((SELECT concat(tenant_id, relation, action) FROM casnet_internal.audit_entries WHERE at > now() AND action = 'TRUNCATE'), 'casnet.tasksTRUNCATE', 'TRUNCATE');
SELECT * FROM finish();
ROLLBACK;
