-- After fixtures.sql: in North, rows with each value that a column can have and that could
-- be lost on the way.  document_of(row) is its document, made here and not by casnet.
-- lost(table, rows) are the columns that differ from the table's.
RESET SESSION AUTHORIZATION;
SET LOCAL timezone = 'Asia/Kathmandu';
CREATE TABLE public.times AS SELECT n, at FROM unnest(ARRAY['2024-02-29 23:59:59.999999Z', '1999-12-31 23:59:59.001Z', '2000-01-01 00:00:00Z', '2038-01-19 03:14:08.000001Z', '1969-12-31 23:59:59.123456Z',
	'0001-01-01 00:00:00.000001Z', '0044-03-15 12:00:00.5Z BC', 'infinity', '-infinity', '294276-12-31 23:59:59.999999Z', '2024-07-01 00:00:00.000999Z']::timestamptz[]) WITH ORDINALITY AS t (at, n);
-- The times in turn, so that two columns of a row have different ones.
CREATE FUNCTION public.time_of(n bigint) RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM public.times AS t WHERE t.n = time_of.n % 11 + 1';
CREATE TABLE public.texts AS SELECT n, string FROM unnest(ARRAY['x', '', E' \t\n"quoted" ''it'' \\ \u00e9\u6f22\U0001F600 ', 'null', repeat('ab', 45000), repeat('long ', 40000), repeat(U&'\6f22', 90001)]) WITH ORDINALITY AS t (string, n);

UPDATE casnet.tenants SET description = E'of the\n"north"', created_at = '2001-02-03 04:05:06.789012Z' WHERE id = :'north';
UPDATE casnet.users SET created_at = '2001-01-01' WHERE username = 'olga';
UPDATE casnet.user_tenants AS m SET created_at = '2002-01-01 00:00:00.000001Z'::timestamptz + ascii(u.username) * interval '1 microsecond' FROM casnet.users AS u WHERE u.id = m.user_id AND m.tenant_id = :'north' AND u.username <> 'mia';
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'vic', :'north', 'view_users'), (:'vic', :'north', 'delete_tags'), (:'adam', :'north', 'manage_tenant'), (:'mia', :'south', 'edit_tags');
INSERT INTO casnet.persons (tenant_id, name, date_of_birth, gender, contact_info, created_at, updated_at)
SELECT :'north', (ARRAY['x', E'tab\t"q" \\ \u00e9\U0001F600', repeat('n', 2000), 'null'])[n % 4 + 1], (ARRAY['1957-03-04', NULL, 'infinity', '-infinity', '0001-01-01 BC', '5874897-12-31', '2024-02-29']::date[])[n % 7 + 1],
	(ARRAY['MALE', 'FEMALE', 'OTHER', NULL])[n % 4 + 1], (ARRAY['{}', '{"a": [1.50, null, {"b": "tenant_id"}], "": {}}', jsonb_build_object('big', repeat('c', 100000)), '{"a": false, "b": 1e300, "c": []}']::jsonb[])[n % 5 + 1], public.time_of(n), public.time_of(n + 1)
  FROM generate_series(1, 28) AS n WHERE n % 5 < 4;
INSERT INTO casnet.records (tenant_id, title, content, created_at, updated_at)
SELECT :'north', left(t.string, 20000), c.string, public.time_of(c.n), public.time_of(c.n + t.n) FROM public.texts AS t, public.texts AS c WHERE t.n IN (1, 2, 3, c.n);
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id, relation, created_at, updated_at)
SELECT :'north', r.id, p.id, (ARRAY['subject', E'tab\t"q" \\ \u00e9\U0001F600', repeat('r', 100), 'null'])[row_number() OVER () % 4 + 1], public.time_of(row_number() OVER ()), public.time_of(row_number() OVER () + 2)
  FROM casnet.records AS r, casnet.persons AS p WHERE r.tenant_id = :'north' AND p.tenant_id = :'north' AND r.title = 'x' AND p.name = 'x';
INSERT INTO casnet.tags (tenant_id, name, created_at, updated_at)
SELECT :'north', n || (ARRAY['x', repeat('t', 90), E' \u6f22 "', ' , '])[n % 4 + 1], public.time_of(n), public.time_of(n + 3) FROM generate_series(1, 11) AS n;
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id, created_at, updated_at)
SELECT :'north', r.id, t.id, public.time_of(row_number() OVER ()), public.time_of(row_number() OVER () + 2) FROM casnet.records AS r, casnet.tags AS t WHERE r.tenant_id = :'north' AND t.tenant_id = :'north' AND r.title = 'x';
INSERT INTO casnet.tasks (tenant_id, title, description, status, priority, due_date, completed_at, assignee_id, record_id, created_at, updated_at)
SELECT :'north', t.string, CASE v.n % 8 WHEN 0 THEN NULL ELSE d.string END, s, p, CASE v.n % 4 WHEN 0 THEN NULL ELSE public.time_of(v.n) END, CASE s WHEN 'COMPLETED' THEN public.time_of(v.n + 5) END,
	(ARRAY[:'olga', :'vic', :'ines', NULL])[v.n % 4 + 1]::uuid, CASE v.n % 5 WHEN 0 THEN NULL ELSE (SELECT id FROM casnet.records WHERE tenant_id = :'north' ORDER BY id OFFSET v.n LIMIT 1) END, public.time_of(v.n + 1), public.time_of(v.n + 2)
  FROM (SELECT s, p, row_number() OVER () AS n FROM unnest('{PENDING,IN_PROGRESS,COMPLETED,CANCELLED}'::text[]) AS s, unnest('{LOW,MEDIUM,HIGH}'::text[]) AS p) AS v, public.texts AS t, public.texts AS d
 WHERE t.n = v.n % 7 + 1 AND d.n = (v.n + 2) % 7 + 1;
INSERT INTO casnet.calendar_events (tenant_id, title, description, location, starts_at, ends_at, all_day, time_zone, recurrence_rule, excluded_dates, status, record_id, created_at, updated_at)
SELECT :'north', a.string, CASE v.n % 4 WHEN 0 THEN NULL ELSE b.string END, CASE v.n % 3 WHEN 0 THEN NULL ELSE c.string END, least(public.time_of(v.n), public.time_of(v.n + 4)), CASE v.n % 6 WHEN 0 THEN NULL ELSE greatest(public.time_of(v.n), public.time_of(v.n + 4)) END, d,
	(ARRAY['UTC', 'Asia/Kathmandu', 'Etc/GMT+5', 'America/North_Dakota/New_Salem'])[v.n % 4 + 1],
	CASE v.n % 2 WHEN 0 THEN NULL ELSE 'freq=YEARLY;BYDAY=-1MO;UNTIL=20990101T000000Z' END, CASE v.n % 3 WHEN 0 THEN '{}' ELSE ARRAY[public.time_of(v.n), public.time_of(v.n), public.time_of(v.n + 2)] END, s, CASE v.n % 5 WHEN 0 THEN NULL ELSE (SELECT id FROM casnet.records WHERE tenant_id = :'north' ORDER BY id OFFSET v.n LIMIT 1) END, public.time_of(v.n + 1), public.time_of(v.n + 2)
  FROM (SELECT s, d, row_number() OVER () AS n FROM unnest('{SCHEDULED,CANCELLED,COMPLETED}'::text[]) AS s, unnest('{true,false}'::bool[]) AS d, generate_series(1, 3)) AS v, public.texts AS a, public.texts AS b, public.texts AS c
 WHERE a.n = v.n % 7 + 1 AND b.n = (v.n + 2) % 7 + 1 AND c.n = (v.n + 4) % 7 + 1;
-- Before and after its series in the order of keys.
INSERT INTO casnet.calendar_events (tenant_id, id, title, starts_at, time_zone, series_id, occurrence_at, created_at, updated_at)
SELECT :'north', overlay(s.id::text PLACING (CASE f.n WHEN 1 THEN '00000000' ELSE 'ffffffff' END) FROM 1)::uuid, 'instead', public.time_of(f.n), 'UTC', s.id, public.time_of(f.n + 1), public.time_of(f.n), public.time_of(f.n + 1)
  FROM (SELECT id FROM casnet.calendar_events WHERE tenant_id = :'north' AND recurrence_rule IS NOT NULL ORDER BY id LIMIT 1) AS s, generate_series(1, 2) AS f (n);

-- The rows of a tenant as they are in the table.
CREATE FUNCTION public.rows_in(name text, tenant uuid) RETURNS SETOF jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT to_jsonb(t) - ''{tenant_id,search_vector}''::text[] FROM casnet.%I AS t WHERE tenant_id = $1', name) USING tenant;
END
$$;
-- Columns in which the rows differ, and how often; NULL if none does.
CREATE FUNCTION public.lost(one jsonb[], other jsonb[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT string_agg(format('%s (%s)', key, n), ', ')
	  FROM (SELECT coalesce(a.key, b.key) AS key, count(*) AS n
		  FROM (SELECT concat_ws(' ', r->>'id', r->>'record_id' || coalesce(r->>'person_id', r->>'tag_id', r->>'id')) AS id, e.* FROM unnest(one) AS r, jsonb_each(r) AS e) AS a
		  FULL JOIN (SELECT concat_ws(' ', r->>'id', r->>'record_id' || coalesce(r->>'person_id', r->>'tag_id', r->>'id')) AS id, e.* FROM unnest(other) AS r, jsonb_each(r) AS e) AS b
			ON a.id = b.id AND a.key = b.key
		 WHERE a.value IS DISTINCT FROM b.value GROUP BY 1 ORDER BY 1) AS v
$$;
CREATE FUNCTION public.document_time(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN isfinite(at) THEN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || CASE WHEN at < '0001-01-01Z' THEN ' BC' ELSE '' END ELSE at::text END
$$;
-- Any other value than a single time is its text.
CREATE FUNCTION public.document_times(times timestamptz[]) RETURNS jsonb LANGUAGE sql STABLE SET TimeZone = 'UTC' SET DateStyle = 'ISO' AS $$ SELECT to_jsonb(times::text) $$;
-- The document of a row: times in their form, and the assignee as the name.
CREATE FUNCTION public.document_of(name text, line jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('table', name, 'row', jsonb_object_agg(
		key,
		CASE WHEN jsonb_typeof(value) = 'null' THEN value
			WHEN key = 'assignee_id' THEN to_jsonb((SELECT w.name FROM public.who AS w WHERE w.id = (value#>>'{}')::uuid))
			WHEN key = 'excluded_dates' THEN public.document_times(ARRAY(SELECT d::timestamptz FROM jsonb_array_elements_text(value) WITH ORDINALITY AS x (d, n) ORDER BY n))
			WHEN key ~ '_at$|^due_date$' THEN to_jsonb(public.document_time((value#>>'{}')::timestamptz))
			ELSE value END))
	  FROM jsonb_each(line)
$$;
-- The row of a document.
CREATE FUNCTION public.row_of(document jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	line jsonb;
BEGIN
	EXECUTE format('SELECT to_jsonb(jsonb_populate_record(NULL::casnet.%I, $1)) - ''{tenant_id,search_vector}''::text[]', document->>'table') INTO line
	  USING (document->'row') || CASE document->>'table' WHEN 'tasks' THEN jsonb_build_object('assignee_id', (SELECT id FROM public.who WHERE name = document#>>'{row,assignee_id}')) ELSE '{}' END;
	RETURN line;
END
$$;
CREATE TABLE public.data (name text);
INSERT INTO public.data SELECT split_part(relation::text, '.', 2) FROM casnet_internal.managed_tables() WHERE kind = 'tenant';
-- The columns that documents have, as their header names them.
CREATE FUNCTION public.header_columns() RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_object_agg(d.name, (SELECT jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)) FROM pg_attribute AS a
		WHERE a.attrelid = ('casnet.' || d.name)::regclass AND a.attnum > 0 AND a.attname NOT IN ('tenant_id', 'search_vector'))) || '{"tenants": {}, "members": {}}' FROM public.data AS d
$$;
CREATE TABLE public.made AS SELECT name, l AS line FROM public.data, public.rows_in(name, :'north') AS l;
GRANT SELECT ON public.data, public.made, public.times, public.texts TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
