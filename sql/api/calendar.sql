-- The calendar.  Plain SQL without settings of its own, so that the planner puts the query
-- in the place of the function; it runs as the caller under the policies.

CREATE OR REPLACE FUNCTION casnet_internal.calendar_since(
	"from" timestamptz, until timestamptz, days integer)
	RETURNS timestamptz
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_calendar_since';
COMMENT ON FUNCTION casnet_internal.calendar_since(timestamptz, timestamptz, integer) IS
	'internal: a time before which no event begins that is asked for and lasts at most so many days; 22023 unless the times are right';

CREATE OR REPLACE FUNCTION casnet_internal.calendar_until("from" timestamptz, until timestamptz)
	RETURNS timestamptz
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_calendar_until';
COMMENT ON FUNCTION casnet_internal.calendar_until(timestamptz, timestamptz) IS
	'internal: a time after which no event begins that is asked for; 22023 unless the times are right';

CREATE OR REPLACE FUNCTION casnet_internal.occurrences(
	event_id uuid, event_starts_at timestamptz, event_ends_at timestamptz, all_day boolean,
	time_zone text, recurrence_rule text, excluded timestamptz[], replaced timestamptz[],
	since timestamptz, until timestamptz,
	OUT occurrence_at timestamptz, OUT starts_at timestamptz, OUT ends_at timestamptz)
	RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL SAFE ROWS 4
	AS 'MODULE_PATHNAME', 'casnet_occurrences';
COMMENT ON FUNCTION casnet_internal.occurrences(uuid, timestamptz, timestamptz, boolean, text, text, timestamptz[], timestamptz[], timestamptz, timestamptz, OUT timestamptz, OUT timestamptz, OUT timestamptz) IS
	'internal: when an event occurs between two times; 54000 when that is too often';

-- Three kinds of events have an index each: those that last up to a week, by their start;
-- longer ones, by their end; and series.  The second and third condition are those of the
-- indexes.
CREATE OR REPLACE FUNCTION casnet.events_between(
	"from" timestamptz, until timestamptz, with_cancelled boolean DEFAULT false,
	OUT event_id uuid, OUT occurrence_at timestamptz, OUT title text,
	OUT starts_at timestamptz, OUT ends_at timestamptz, OUT all_day boolean,
	OUT time_zone text, OUT location text, OUT status text, OUT record_id uuid,
	OUT series_id uuid)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
	AS $$
	SELECT e.id, COALESCE(e.occurrence_at, o.occurrence_at), e.title, o.starts_at,
		   o.ends_at, e.all_day, e.time_zone, e.location, e.status, e.record_id,
		   COALESCE(e.series_id, CASE WHEN e.recurrence_rule IS NOT NULL THEN e.id END)
	  FROM (
		SELECT s.id, s.title, s.starts_at, s.ends_at, s.all_day, s.time_zone, s.location,
			   s.recurrence_rule, s.excluded_dates, s.series_id, s.occurrence_at, s.status,
			   s.record_id, ARRAY[]::timestamptz[] AS replaced
		  FROM casnet.calendar_events AS s
		 WHERE s.starts_at OPERATOR(pg_catalog.>=)
			   casnet_internal.calendar_since(events_between."from", events_between.until, 7)
		   AND s.starts_at OPERATOR(pg_catalog.<=)
			   casnet_internal.calendar_until(events_between."from", events_between.until)
		   AND s.recurrence_rule IS NULL
		   AND (LEAST(pg_catalog.timezone('UTC', s.starts_at), timestamp '290000-01-01')
				OPERATOR(pg_catalog.+) interval '168:00' OPERATOR(pg_catalog.<)
				pg_catalog.timezone('UTC', s.ends_at)) IS NOT TRUE
		UNION ALL
		SELECT s.id, s.title, s.starts_at, s.ends_at, s.all_day, s.time_zone, s.location,
			   s.recurrence_rule, s.excluded_dates, s.series_id, s.occurrence_at, s.status,
			   s.record_id, ARRAY[]::timestamptz[]
		  FROM casnet.calendar_events AS s
		 WHERE s.ends_at OPERATOR(pg_catalog.>=)
			   casnet_internal.calendar_since(events_between."from", events_between.until, 0)
		   AND s.starts_at OPERATOR(pg_catalog.<=)
			   casnet_internal.calendar_until(events_between."from", events_between.until)
		   AND s.recurrence_rule IS NULL
		   AND LEAST(pg_catalog.timezone('UTC', s.starts_at), timestamp '290000-01-01')
			   OPERATOR(pg_catalog.+) interval '168:00' OPERATOR(pg_catalog.<)
			   pg_catalog.timezone('UTC', s.ends_at)
		UNION ALL
		SELECT s.id, s.title, s.starts_at, s.ends_at, s.all_day, s.time_zone, s.location,
			   s.recurrence_rule, s.excluded_dates, s.series_id, s.occurrence_at, s.status,
			   s.record_id, ARRAY(
					SELECT x.occurrence_at FROM casnet.calendar_events AS x
					 WHERE x.series_id OPERATOR(pg_catalog.=) s.id)
		  FROM casnet.calendar_events AS s
		 WHERE s.starts_at OPERATOR(pg_catalog.<=)
			   casnet_internal.calendar_until(events_between."from", events_between.until)
		   AND s.recurrence_rule IS NOT NULL
	  ) AS e
	 CROSS JOIN LATERAL casnet_internal.occurrences(e.id, e.starts_at, e.ends_at,
		e.all_day, e.time_zone, e.recurrence_rule, e.excluded_dates, e.replaced,
		events_between."from", events_between.until) AS o
	 WHERE events_between.with_cancelled
		OR e.status OPERATOR(pg_catalog.<>) 'CANCELLED'
	 ORDER BY o.starts_at, o.ends_at, e.id
$$;
COMMENT ON FUNCTION casnet.events_between(timestamptz, timestamptz, boolean) IS
	'what the calendar of the active tenant has between two times, in order; series occur at the local time of their time zone, and days of all-day events are those of the session''s';

CREATE OR REPLACE FUNCTION casnet_internal.event_problem(time_zone text, recurrence_rule text)
	RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_event_problem';
COMMENT ON FUNCTION casnet_internal.event_problem(text, text) IS
	'internal: why an event with that time zone and recurrence rule cannot be read, or NULL';

CREATE OR REPLACE FUNCTION casnet_internal.moved_times(
	times timestamptz[], time_zone text, all_day boolean, before timestamptz,
	after timestamptz)
	RETURNS timestamptz[]
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_moved_times';
COMMENT ON FUNCTION casnet_internal.moved_times(timestamptz[], text, boolean, timestamptz, timestamptz) IS
	'internal: times, moved by the difference of two others in the local time of a zone';

-- A rule that names days, or hours, has its occurrences there wherever the series begins.
CREATE OR REPLACE FUNCTION casnet_internal.rule_moves(
	recurrence_rule text, time_zone text, before timestamptz, after timestamptz)
	RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT CASE
		WHEN l.days <> 0 AND (recurrence_rule ~* 'BY(MONTH|MONTHDAY|YEARDAY|WEEKNO|SETPOS)='
			OR recurrence_rule ~* 'BYDAY='
			   AND (l.days % 7 <> 0 OR recurrence_rule ~* 'FREQ=(MONTHLY|YEARLY)')) THEN false
		WHEN l.time_changes THEN recurrence_rule !~* 'BY(HOUR|MINUTE|SECOND)='
		ELSE true END
	  FROM (SELECT (after AT TIME ZONE time_zone)::date - (before AT TIME ZONE time_zone)::date
				   AS days,
				   (after AT TIME ZONE time_zone)::time <> (before AT TIME ZONE time_zone)::time
				   AS time_changes) AS l
$$;
COMMENT ON FUNCTION casnet_internal.rule_moves(text, text, timestamptz, timestamptz) IS
	'internal: whether the occurrences of a recurrence rule move with the start of the series';

CREATE OR REPLACE FUNCTION casnet.move_series(
	series_id uuid, starts_at timestamptz, ends_at timestamptz DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	former record;
	moved timestamptz[];
	new_start timestamptz;
	new_end timestamptz;
	left_out timestamptz[];
	single record;
BEGIN
	SELECT e.tenant_id, e.starts_at, e.ends_at, e.all_day, e.time_zone, e.recurrence_rule,
		   e.excluded_dates INTO former
	  FROM casnet.calendar_events AS e
	 WHERE e.id = move_series.series_id AND e.recurrence_rule IS NOT NULL
	   FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no such series'
			USING ERRCODE = 'P0002',
				  HINT = 'SELECT id, title FROM casnet.calendar_events WHERE recurrence_rule IS NOT NULL lists those of the active tenant.';
	END IF;
	IF move_series.starts_at IS NULL THEN
		RAISE EXCEPTION 'the time to which a series moves is null'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the new start of its first occurrence.';
	END IF;
	moved := casnet_internal.moved_times(ARRAY[former.starts_at, former.ends_at],
		former.time_zone, former.all_day, former.starts_at, move_series.starts_at);
	IF NOT casnet_internal.rule_moves(former.recurrence_rule, former.time_zone,
									  former.starts_at, moved[1]) THEN
		RAISE EXCEPTION 'the recurrence rule itself says when the series occurs'
			USING ERRCODE = 'invalid_parameter_value',
				  DETAIL = former.recurrence_rule,
				  HINT = 'In one transaction, change starts_at, recurrence_rule and excluded_dates of the series, and occurrence_at of the events that stand for occurrences.';
	END IF;
	-- Variables, since Citus evaluates no such expression in SET.
	new_start := moved[1];
	new_end := coalesce(move_series.ends_at, CASE WHEN former.all_day THEN moved[2]
		ELSE moved[1] + (former.ends_at - former.starts_at) END);
	left_out := casnet_internal.moved_times(former.excluded_dates,
		former.time_zone, former.all_day, former.starts_at, move_series.starts_at);
	UPDATE casnet.calendar_events AS e
	   SET starts_at = new_start, ends_at = new_end, excluded_dates = left_out
	 WHERE e.tenant_id = former.tenant_id AND e.id = move_series.series_id;
	-- One after the other, the foremost first: none takes a place that another has yet to leave.
	FOR single IN
		SELECT e.id, casnet_internal.moved_times(ARRAY[e.occurrence_at],
				former.time_zone, former.all_day, former.starts_at, move_series.starts_at)
				AS places
		  FROM casnet.calendar_events AS e
		 WHERE e.tenant_id = former.tenant_id AND e.series_id = move_series.series_id
		 ORDER BY CASE WHEN moved[1] > former.starts_at THEN e.occurrence_at END DESC,
				  e.occurrence_at
	LOOP
		new_start := single.places[1];
		UPDATE casnet.calendar_events AS e SET occurrence_at = new_start
		 WHERE e.tenant_id = former.tenant_id AND e.id = single.id;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet.move_series(uuid, timestamptz, timestamptz) IS
	'moves a series to another start, and with it what was left out of it and which occurrences its events stand for; takes view_calendar and edit_calendar';
