-- Calendars as text, by RFC 5545 (iCalendar).

CREATE OR REPLACE FUNCTION casnet_internal.read_calendar(
	calendar text, OUT line integer, OUT uid text, OUT sequence integer, OUT title text,
	OUT description text, OUT location text, OUT status text, OUT starts_at timestamptz,
	OUT ends_at timestamptz, OUT all_day boolean, OUT time_zone text, OUT rules text[],
	OUT excluded timestamptz[], OUT added timestamptz[], OUT added_ends timestamptz[],
	OUT occurrence_at timestamptz, OUT of_day boolean, OUT occurrence_day date,
	OUT and_future boolean)
	RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL SAFE ROWS 100
	AS 'MODULE_PATHNAME', 'casnet_read_calendar';
COMMENT ON FUNCTION casnet_internal.read_calendar(text) IS
	'internal: the events of a calendar by RFC 5545; 22023 with the line that cannot be read';

-- The same text gets the same ids, so that a calendar can be imported again.  A part says
-- its time in seconds, which no setting of a session writes in another way.
CREATE OR REPLACE FUNCTION casnet_internal.calendar_id(uid text, part text DEFAULT '') RETURNS uuid
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT CASE WHEN part = '' AND uid ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
		THEN uid::uuid ELSE md5(uid || E'\n' || part)::uuid END
$$;
COMMENT ON FUNCTION casnet_internal.calendar_id(text, text) IS
	'internal: the id of an event, or of a part of it, by its UID in a calendar';

CREATE OR REPLACE FUNCTION casnet_internal.rule_until(rule text, until timestamptz) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT ltrim(regexp_replace(rule, '(^|;)(COUNT|UNTIL)=[^;]*', '', 'gi'), ';')
		|| to_char((until - interval '1 second') AT TIME ZONE 'UTC', '";UNTIL="YYYYMMDD"T"HH24MISS"Z"')
$$;
COMMENT ON FUNCTION casnet_internal.rule_until(text, timestamptz) IS
	'internal: a recurrence rule that ends before a time';

-- The series of a calendar.  Where a change is for this occurrence and all later ones, the
-- series ends there, and another one goes on.
CREATE OR REPLACE FUNCTION casnet_internal.calendar_series(
	calendar text, OUT id uuid, OUT uid text, OUT since timestamptz, OUT until timestamptz,
	OUT title text, OUT description text, OUT location text, OUT status text,
	OUT starts_at timestamptz, OUT ends_at timestamptz, OUT all_day boolean,
	OUT time_zone text, OUT rules text[], OUT excluded timestamptz[],
	OUT added timestamptz[], OUT added_ends timestamptz[], OUT sequence integer,
	OUT moved interval)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
	AS $$
	WITH event AS MATERIALIZED (
		SELECT DISTINCT ON (r.uid, r.occurrence_at) r.*
		  FROM casnet_internal.read_calendar(calendar_series.calendar) AS r
		 WHERE r.occurrence_at IS NULL OR r.and_future
		 ORDER BY r.uid, r.occurrence_at, r.sequence DESC, r.line DESC
	), part AS (
		SELECT e.uid, '-infinity'::timestamptz AS since, e.title, e.description, e.location,
			   e.status, e.starts_at, e.ends_at, e.all_day, e.time_zone, e.rules, e.excluded,
			   e.added, e.added_ends, e.sequence
		  FROM event AS e WHERE e.occurrence_at IS NULL
		UNION ALL
		SELECT e.uid, e.occurrence_at, e.title, e.description, e.location, e.status,
			   e.starts_at, e.ends_at, e.all_day, e.time_zone,
			   ARRAY(SELECT CASE WHEN counted.of IS NULL THEN x.rule
							ELSE regexp_replace(x.rule, 'COUNT=[0-9]+', 'COUNT=' || greatest(
								counted.of::integer - (SELECT count(*)
								  FROM casnet_internal.occurrences(m_id.id, m.starts_at, m.ends_at,
									m.all_day, m.time_zone, x.rule, '{}', '{}', m.starts_at, e.occurrence_at)), 1), 'i') END
					   FROM unnest(m.rules) WITH ORDINALITY AS x (rule, n),
							LATERAL (SELECT substring(x.rule FROM '(?i)COUNT=([0-9]+)')) AS counted (of),
							LATERAL (SELECT casnet_internal.calendar_id(m.uid)) AS m_id (id)
					  ORDER BY x.n),
			   m.excluded, m.added, m.added_ends, m.sequence
		  FROM event AS e JOIN event AS m ON m.uid = e.uid AND m.occurrence_at IS NULL
		 WHERE e.occurrence_at IS NOT NULL
	)
	SELECT casnet_internal.calendar_id(p.uid,
			CASE WHEN isfinite(p.since) THEN 'from ' || extract(epoch FROM p.since) ELSE '' END),
		   p.uid, p.since,
		   lead(p.since, 1, 'infinity') OVER (PARTITION BY p.uid ORDER BY p.since),
		   p.title, p.description, p.location, p.status, p.starts_at, p.ends_at, p.all_day,
		   p.time_zone, p.rules, p.excluded, p.added, p.added_ends, p.sequence,
		   CASE WHEN isfinite(p.since) THEN p.starts_at - p.since ELSE interval '0' END
	  FROM part AS p
$$;
COMMENT ON FUNCTION casnet_internal.calendar_series(text) IS
	'internal: the events of a calendar that are no changes of one occurrence';

-- Changes of one occurrence, and added dates.  A series that leaves a date out also leaves
-- out an older change of that date.
CREATE OR REPLACE FUNCTION casnet_internal.calendar_changes(
	calendar text, OUT id uuid, OUT series_id uuid, OUT occurrence_at timestamptz,
	OUT title text, OUT description text, OUT location text, OUT status text,
	OUT starts_at timestamptz, OUT ends_at timestamptz, OUT all_day boolean,
	OUT time_zone text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
	AS $$
	WITH series AS MATERIALIZED (
		SELECT s.* FROM casnet_internal.calendar_series(calendar_changes.calendar) AS s
	), change AS MATERIALIZED (
		SELECT DISTINCT ON (r.uid, r.occurrence_at) r.*,
			   CASE WHEN m.all_day OR r.of_day AND m.uid IS NOT NULL
				THEN (r.occurrence_day + (m.starts_at AT TIME ZONE m.time_zone)::time)
					 AT TIME ZONE m.time_zone
				ELSE r.occurrence_at END AS at,
			   m.uid IS NOT NULL AS has_series
		  FROM casnet_internal.read_calendar(calendar_changes.calendar) AS r
		  LEFT JOIN series AS m ON m.uid = r.uid AND NOT isfinite(m.since)
		 WHERE r.occurrence_at IS NOT NULL AND (NOT r.and_future OR m.uid IS NULL)
		 ORDER BY r.uid, r.occurrence_at, r.sequence DESC, r.line DESC
	)
	SELECT casnet_internal.calendar_id(c.uid, 'at ' || extract(epoch FROM c.at)), s.id,
		   CASE WHEN s.id IS NOT NULL THEN c.at + s.moved END, c.title, c.description, c.location,
		   c.status, c.starts_at, c.ends_at, c.all_day, c.time_zone
	  FROM change AS c
	  LEFT JOIN series AS s ON s.uid = c.uid AND c.at >= s.since AND c.at < s.until
	 WHERE NOT c.has_series OR NOT (c.at = ANY (s.excluded) AND c.sequence < s.sequence)
	UNION ALL
	SELECT casnet_internal.calendar_id(s.uid, 'at ' || extract(epoch FROM a.at)), s.id, a.at, s.title,
		   s.description, s.location, s.status, a.at,
		   CASE WHEN isfinite(a.until) THEN a.until ELSE a.at + (s.ends_at - s.starts_at) END,
		   s.all_day, s.time_zone
	  FROM series AS s
	 CROSS JOIN LATERAL (SELECT DISTINCT ON (x.at) x.at, x.until
						   FROM unnest(s.added, s.added_ends) AS x (at, until) ORDER BY x.at) AS a
	 WHERE a.at >= s.since AND a.at < s.until AND a.at <> ALL (s.excluded)
	   AND NOT EXISTS (SELECT FROM change AS c WHERE c.uid = s.uid AND c.at = a.at)
$$;
COMMENT ON FUNCTION casnet_internal.calendar_changes(text) IS
	'internal: the events of a calendar that stand for one occurrence of another';

-- Each series and each of its further rules; a series with changes and without a rule is one
-- of one occurrence.
CREATE OR REPLACE FUNCTION casnet_internal.calendar_rows(
	calendar text, OUT id uuid, OUT series_id uuid, OUT occurrence_at timestamptz,
	OUT title text, OUT description text, OUT location text, OUT status text,
	OUT starts_at timestamptz, OUT ends_at timestamptz, OUT all_day boolean,
	OUT time_zone text, OUT recurrence_rule text, OUT excluded_dates timestamptz[])
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
	AS $$
	WITH change AS MATERIALIZED (
		SELECT c.* FROM casnet_internal.calendar_changes(calendar_rows.calendar) AS c
	), rule AS (
		SELECT s.*, r.n,
			   CASE WHEN r.rule IS NULL AND EXISTS (SELECT FROM change AS c WHERE c.series_id = s.id)
						THEN 'FREQ=DAILY;COUNT=1'
					WHEN isfinite(s.until) THEN casnet_internal.rule_until(r.rule, s.until + s.moved)
					ELSE r.rule END AS rule
		  FROM casnet_internal.calendar_series(calendar_rows.calendar) AS s
		  LEFT JOIN LATERAL unnest(s.rules) WITH ORDINALITY AS r (rule, n) ON true
	)
	SELECT CASE WHEN r.n > 1 THEN casnet_internal.calendar_id(r.uid, 'rule ' || r.n || r.id) ELSE r.id END,
		   NULL::uuid, NULL::timestamptz, r.title, r.description, r.location, r.status,
		   r.starts_at, r.ends_at, r.all_day, r.time_zone,
		   CASE WHEN r.n > 1 THEN regexp_replace(r.rule, 'COUNT=[0-9]+',
				'COUNT=' || substring(r.rule FROM '(?i)COUNT=([0-9]+)')::integer + 1, 'i')
				ELSE r.rule END,
		   ARRAY(SELECT x + r.moved FROM unnest(r.excluded) AS x)
			|| CASE WHEN r.n > 1 THEN ARRAY[r.starts_at] ELSE '{}' END
	  FROM rule AS r
	UNION ALL
	SELECT c.id, c.series_id, c.occurrence_at, c.title, c.description, c.location, c.status,
		   c.starts_at, c.ends_at, c.all_day, c.time_zone, NULL, '{}'
	  FROM change AS c
$$;
COMMENT ON FUNCTION casnet_internal.calendar_rows(text) IS
	'internal: the rows of calendar_events that a calendar stands for';

CREATE OR REPLACE FUNCTION casnet.import_calendar(calendar text, record_id uuid DEFAULT NULL)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	-- Compiling takes longer than a calendar does.
	SET jit = off
	AS $$
DECLARE
	written bigint;
BEGIN
	IF calendar IS NULL THEN
		RAISE EXCEPTION 'there is no calendar to import'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give a calendar in the form of RFC 5545 (iCalendar).';
	END IF;
	IF import_calendar.record_id IS NOT NULL THEN
		PERFORM casnet_internal.require_records(ARRAY[import_calendar.record_id]);
	END IF;
	INSERT INTO casnet.calendar_events AS e (id, record_id, series_id, occurrence_at, title,
		description, location, status, starts_at, ends_at, all_day, time_zone,
		recurrence_rule, excluded_dates)
	SELECT w.* FROM (
		SELECT DISTINCT ON (coalesce(o.id, r.id)) coalesce(o.id, r.id),
			   import_calendar.record_id, r.series_id, r.occurrence_at, r.title,
			   r.description, r.location, r.status, r.starts_at, r.ends_at, r.all_day,
			   r.time_zone, r.recurrence_rule, r.excluded_dates
		  FROM casnet_internal.calendar_rows(calendar) AS r
		  LEFT JOIN casnet.calendar_events AS o
			ON o.series_id = r.series_id AND o.occurrence_at = r.occurrence_at) AS w
	 -- A trigger of an event for an occurrence finds the series.
	 ORDER BY w.series_id NULLS FIRST
	ON CONFLICT (tenant_id, id) DO UPDATE
	   SET record_id = coalesce(excluded.record_id, e.record_id),
		   series_id = excluded.series_id, occurrence_at = excluded.occurrence_at,
		   title = excluded.title, description = excluded.description,
		   location = excluded.location, status = excluded.status,
		   starts_at = excluded.starts_at, ends_at = excluded.ends_at,
		   all_day = excluded.all_day, time_zone = excluded.time_zone,
		   recurrence_rule = excluded.recurrence_rule,
		   excluded_dates = excluded.excluded_dates;
	GET DIAGNOSTICS written = ROW_COUNT;
	RETURN written;
END
$$;
COMMENT ON FUNCTION casnet.import_calendar(text, uuid) IS
	'adds the events of a calendar (iCalendar), or updates those that it added before; returns how many; takes view_calendar, create_calendar and edit_calendar';

CREATE OR REPLACE FUNCTION casnet_internal.calendar_event(
	uid text, title text, description text, location text, status text,
	starts_at timestamptz, ends_at timestamptz, all_day boolean, time_zone text,
	recurrence_rule text, excluded_dates timestamptz[], occurrence_at timestamptz,
	of_day boolean, of_zone text, updated_at timestamptz, changed timestamptz[])
	RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_calendar_event';
COMMENT ON FUNCTION casnet_internal.calendar_event(text, text, text, text, text, timestamptz, timestamptz, boolean, text, text, timestamptz[], timestamptz, boolean, text, timestamptz, timestamptz[]) IS
	'internal: an event as a part of a calendar by RFC 5545';

CREATE OR REPLACE FUNCTION casnet_internal.calendar_zone(
	time_zone text, since timestamptz, until timestamptz)
	RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_calendar_zone';
COMMENT ON FUNCTION casnet_internal.calendar_zone(text, timestamptz, timestamptz) IS
	'internal: a time zone as a part of a calendar by RFC 5545';

-- Changes of time zones are written from the first event to ten years after the last, or
-- after today.  An event that the calendar cannot have must not keep the others from it.
CREATE OR REPLACE FUNCTION casnet.export_calendar(record_id uuid DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	zones text;
	events text;
	left_out uuid[];
BEGIN
	IF export_calendar.record_id IS NOT NULL THEN
		PERFORM casnet_internal.require_records(ARRAY[export_calendar.record_id]);
	END IF;
	SELECT string_agg(casnet_internal.calendar_zone(z.time_zone,
				greatest(z.since - interval '1 year', timestamptz '0001-01-02 00:00+00'),
				least(greatest(z.until, now()) + interval '10 years',
					  timestamptz '9999-12-30 00:00+00')), '' ORDER BY z.time_zone)
	  INTO zones
	  FROM (SELECT e.time_zone, min(e.starts_at) AS since, max(e.starts_at) AS until
			  FROM casnet.calendar_events AS e
			 WHERE e.starts_at >= '0001-01-02 00:00+00' AND e.starts_at < '9999-12-31 00:00+00'
			   AND NOT e.all_day
			   AND (export_calendar.record_id IS NULL
					OR e.record_id = export_calendar.record_id)
			 GROUP BY e.time_zone) AS z;
	SELECT string_agg(w.text, '' ORDER BY w.starts_at, w.uid, w.occurrence_at NULLS FIRST, w.id),
		   array_agg(w.id ORDER BY w.starts_at, w.id)
				FILTER (WHERE w.text = '' AND isfinite(w.starts_at))
	  INTO events, left_out
	  FROM (SELECT e.id, e.starts_at, coalesce(e.series_id, e.id) AS uid, e.occurrence_at,
				   casnet_internal.calendar_event(coalesce(e.series_id, e.id)::text,
						e.title, e.description, e.location, e.status, e.starts_at, e.ends_at,
						e.all_day, e.time_zone, e.recurrence_rule, e.excluded_dates,
						e.occurrence_at, s.all_day, s.time_zone, e.updated_at, c.changed) AS text
			  FROM casnet.calendar_events AS e
			  LEFT JOIN casnet.calendar_events AS s ON s.id = e.series_id
			  LEFT JOIN (SELECT x.series_id, array_agg(x.occurrence_at) AS changed
						   FROM casnet.calendar_events AS x
						  WHERE x.series_id IS NOT NULL
							AND (export_calendar.record_id IS NULL
								 OR x.record_id = export_calendar.record_id)
						  GROUP BY x.series_id) AS c ON c.series_id = e.id
			 WHERE export_calendar.record_id IS NULL
				OR e.record_id = export_calendar.record_id) AS w;
	IF left_out IS NOT NULL THEN
		RAISE NOTICE 'events outside of the years 1 to 9999 are left out: %', cardinality(left_out)
			USING DETAIL = format('They include %s.', array_to_string(left_out[1:10], ', ')),
				  HINT = 'A calendar has no other years. Change the times of these events.';
	END IF;
	RETURN concat(E'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//casnet//casnet//EN\r\n',
				  zones, events, E'END:VCALENDAR\r\n');
END
$$;
COMMENT ON FUNCTION casnet.export_calendar(uuid) IS
	'the calendar of the active tenant, or the events about a record, as text (iCalendar); takes view_calendar, and for a record view_records';
