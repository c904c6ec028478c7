-- The audit records exactly what was in a row: each column, when the row is inserted,
-- updated and deleted.
BEGIN;
SELECT plan(37);
\ir include/fixtures.sql
\ir include/every_value.sql
RESET SESSION AUTHORIZATION;
-- Entries are in UTC whatever the session's time zone, so the rows are read in UTC.
SET LOCAL timezone = 'UTC';
CREATE TABLE public.rows_before AS SELECT name, l || jsonb_build_object('tenant_id', :'north') AS line FROM public.data, public.rows_in(name, :'north') AS l;
CREATE FUNCTION public.recorded(name text, wanted text) RETURNS jsonb[] LANGUAGE sql STABLE AS
	$$SELECT array_agg(coalesce(e.after, e.before)) FROM casnet_internal.audit_entries AS e WHERE e.relation = 'casnet.' || name AND e.action = wanted$$;
SELECT casnet.enable_audit(relation) FROM casnet_internal.managed_tables() WHERE kind = 'tenant';
SET LOCAL timezone = 'America/St_Johns';
DELETE FROM casnet.tasks WHERE tenant_id = :'north';
DELETE FROM casnet.calendar_events WHERE tenant_id = :'north';
DELETE FROM casnet.record_persons WHERE tenant_id = :'north';
DELETE FROM casnet.record_tags WHERE tenant_id = :'north';
DELETE FROM casnet.records WHERE tenant_id = :'north';
DELETE FROM casnet.tags WHERE tenant_id = :'north';
DELETE FROM casnet.persons WHERE tenant_id = :'north';
SELECT is(public.lost((SELECT array_agg(line) FROM public.rows_before AS r WHERE r.name = d.name), public.recorded(d.name, 'DELETE')), NULL, d.name || ': a row that goes') FROM public.data AS d;
SELECT is(cardinality(public.recorded(d.name, 'DELETE')), (SELECT count(*)::int FROM public.rows_before AS r WHERE r.name = d.name), d.name || ': each of them') FROM public.data AS d;

SELECT format('INSERT INTO casnet.%1$I (%2$s) SELECT r.%3$s FROM public.rows_before AS b, jsonb_populate_record(NULL::casnet.%1$I, b.line) AS r WHERE b.name = %1$L', d.name, c.columns, replace(c.columns, ', ', ', r.'))
  FROM public.data AS d,
	LATERAL (SELECT string_agg(quote_ident(attname), ', ') AS columns FROM pg_attribute WHERE attrelid = ('casnet.' || d.name)::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped) AS c
 ORDER BY array_position('{persons,records,record_persons,tags,record_tags,tasks,calendar_events}', d.name)
\gexec
SELECT is(public.lost((SELECT array_agg(line) FROM public.rows_before AS r WHERE r.name = d.name), public.recorded(d.name, 'INSERT')), NULL, d.name || ': a row that comes') FROM public.data AS d;
-- Each row gets the values of another one; a value that both have is not recorded.
CREATE FUNCTION public.shift(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	columns text := (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = ('casnet.' || name)::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped
		AND attname NOT IN ('tenant_id', 'id', 'record_id', 'person_id', 'tag_id', 'updated_at') AND NOT (name = 'tags' AND attname = 'name') AND attname NOT IN ('series_id', 'occurrence_at', 'recurrence_rule'));
	wrong text;
BEGIN
	EXECUTE format($q$
		CREATE TEMP TABLE shifted AS
		SELECT line AS old, lead(line, 1, first) OVER (ORDER BY line->>'id', line->>'record_id', line->>'person_id', line->>'tag_id') AS new
		  FROM (SELECT line, first_value(line) OVER (ORDER BY line->>'id', line->>'record_id', line->>'person_id', line->>'tag_id') AS first FROM public.rows_before WHERE name = %L) AS v $q$, name);
	EXECUTE format($q$
		UPDATE casnet.%1$I AS t SET (%2$s) = (SELECT %2$s FROM jsonb_populate_record(NULL::casnet.%1$I, s.new))
		  FROM shifted AS s WHERE to_jsonb(t) @> (SELECT jsonb_object_agg(key, value) FROM jsonb_each(s.old) WHERE key IN ('tenant_id', 'id', 'record_id', 'person_id', 'tag_id')) $q$, name, columns);
	SELECT string_agg(DISTINCT key, ' ') INTO wrong
	  FROM shifted AS s
	 CROSS JOIN jsonb_each(s.old) AS o
	  JOIN casnet_internal.audit_entries AS e ON e.relation = 'casnet.' || name AND e.action = 'UPDATE' AND s.old @> e.row_key
	 WHERE key = ANY (string_to_array(columns, ', '))
	   AND (e.before->key IS DISTINCT FROM CASE WHEN o.value <> s.new->key THEN o.value END OR e.after->key IS DISTINCT FROM CASE WHEN o.value <> s.new->key THEN s.new->key END);
	DROP TABLE shifted;
	RETURN wrong;
END
$$;
SELECT is(public.shift(d.name), NULL, d.name || ': a row that changes') FROM public.data AS d;
-- Whatever was done to a row, its key is recorded, and nothing but the key.
SELECT is((SELECT string_agg(DISTINCT relation, ' ') FROM casnet_internal.audit_entries AS e
	WHERE action = a AND (SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(row_key) AS key) IS DISTINCT FROM CASE relation WHEN 'casnet.record_persons' THEN '{person_id,record_id,tenant_id}' WHEN 'casnet.record_tags' THEN '{record_id,tag_id,tenant_id}' ELSE '{id,tenant_id}' END::text[]), NULL, a || ': the key')
  FROM unnest('{INSERT,UPDATE,DELETE}'::text[]) AS a;
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE action = a AND NOT coalesce(after, before) @> row_key), 0::bigint, a || ': of that row') FROM unnest('{INSERT,DELETE}'::text[]) AS a;
SELECT is((SELECT string_agg(DISTINCT action || (before IS NULL) || (after IS NULL), ' ' ORDER BY action || (before IS NULL) || (after IS NULL)) FROM casnet_internal.audit_entries), 'DELETEfalsetrue INSERTtruefalse UPDATEfalsefalse', 'before and after, as there was one');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE tenant_id IS DISTINCT FROM :'north'), 0::bigint, 'all of this tenant');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE action = a), (SELECT count(*) FROM public.rows_before), a || ': one for each row') FROM unnest('{INSERT,DELETE}'::text[]) AS a;
SELECT * FROM finish();
ROLLBACK;
