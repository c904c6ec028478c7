/*
 * calendar.c
 *		Events of the calendar: what is checked when one is written, and when it occurs.
 *
 * An event is in a time zone.  If it recurs, it does so at the same local time, whether or
 * not it is summer there.  An event of whole days is from midnight to midnight in its zone.
 * It is shown on the same days in every other zone.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/int.h"
#include "funcapi.h"
#include "lib/qunique.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "casnet.h"
#include "recurrence.h"

PG_FUNCTION_INFO_V1(casnet_check_event);
PG_FUNCTION_INFO_V1(casnet_occurrences);
PG_FUNCTION_INFO_V1(casnet_calendar_since);
PG_FUNCTION_INFO_V1(casnet_calendar_until);
PG_FUNCTION_INFO_V1(casnet_moved_times);
PG_FUNCTION_INFO_V1(casnet_event_problem);

/* Occurrences of one event that one query gets. */
#define MOST_OCCURRENCES 10000

/* An event of whole days begins at most that far from where its midnight was. */
#define DAYS_BETWEEN_ZONES 2

/* No event that is looked for by its start lasts longer. */
#define MOST_DAYS 1000

/* The row that a trigger checks, and the one that was there before. */
typedef struct EventRow
{
	Relation	relation;
	HeapTuple	row;
	HeapTuple	before;			/* NULL for a new row */
	pg_tz	   *zone;
} EventRow;

/* A column of the row; before is that of the row that was there, if any. */
static Datum
column_of(EventRow *event, const char *name, Oid type, bool *isnull)
{
	return heap_getattr(event->row,
						casnet_trigger_column(event->relation, name, type),
						RelationGetDescr(event->relation), isnull);
}

/* Whether the row has another value there than the one before, or is new. */
static bool
column_changes(EventRow *event, const char *name, Oid type)
{
	int			number = casnet_trigger_column(event->relation, name, type);
	TupleDesc	columns = RelationGetDescr(event->relation);
	Form_pg_attribute column = TupleDescAttr(columns, number - 1);
	bool		was_null;
	bool		is_null;
	Datum		was;
	Datum		is;

	if (event->before == NULL)
		return true;
	was = heap_getattr(event->before, number, columns, &was_null);
	is = heap_getattr(event->row, number, columns, &is_null);
	return was_null != is_null ||
		(!is_null && !datum_image_eq(was, is, column->attbyval, column->attlen));
}

/* Put another value into the row. */
static void
replace_column(EventRow *event, const char *name, Oid type, Datum value)
{
	int			number = casnet_trigger_column(event->relation, name, type);
	bool		isnull = false;

	event->row = heap_modify_tuple_by_cols(event->row,
										   RelationGetDescr(event->relation), 1,
										   &number, &value, &isnull);
}

/* Raises 22023 when the zone of an event cannot be the session's. */
static const char *
zone_of_session(void)
{
	const char *name = casnet_zone_of_session();

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the time zone of the session has no IANA name"),
				 errhint("Give the event a time_zone, or SET TimeZone to a name such as Europe/Berlin.")));
	return name;
}

/*
 * Finds the zone of the row, and writes its name as the time zone tables do.  NULL and the
 * name of the session's own zone stand for the IANA name of that.  Raises 22023 for what is
 * no name of a zone.
 */
static void
check_zone(EventRow *event)
{
	bool		isnull;
	Datum		value = column_of(event, "time_zone", TEXTOID, &isnull);
	char	   *given = isnull ? NULL : TextDatumGetCString(value);
	const char *name = given;

	if (given == NULL ||
		strcmp(given, pg_get_timezone_name(session_timezone)) == 0)
		name = zone_of_session();
	event->zone = casnet_zone_find(name);
	if (event->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no time zone \"%.100s\"", name),
				 errhint("Give an IANA name such as Europe/Berlin: SELECT name FROM pg_timezone_names.")));
	name = pg_get_timezone_name(event->zone);
	if (given == NULL || strcmp(given, name) != 0)
		replace_column(event, "time_zone", TEXTOID, CStringGetTextDatum(name));
}

/* Raises 22023 when the rule of the row is none. */
static void
check_rule(EventRow *event)
{
	bool		isnull;
	Datum		value = column_of(event, "recurrence_rule", TEXTOID, &isnull);
	CasnetRule	rule;
	char	   *problem;

	if (isnull || !column_changes(event, "recurrence_rule", TEXTOID))
		return;
	if (VARSIZE_ANY_EXHDR(DatumGetTextPP(value)) > CASNET_RULE_LENGTH)
		problem = psprintf("It has more than %d bytes.", CASNET_RULE_LENGTH);
	else
		problem = casnet_rule_parse(TextDatumGetCString(value), &rule);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the recurrence rule cannot be read"),
				 errdetail_internal("%s", problem),
				 errhint("Give a rule of RFC 5545 such as FREQ=WEEKLY;BYDAY=MO, or NULL for an event that does not recur.")));
}

static bool
is_midnight(Timestamp local)
{
	return local % USECS_PER_DAY == 0;
}

static Timestamp
midnight_of(Timestamp local)
{
	Timestamp	rest = local % USECS_PER_DAY;

	return local - rest - (rest < 0 ? USECS_PER_DAY : 0);
}

/* The midnight that ends the day of a local time; a midnight ends the day before. */
static Timestamp
end_of_day(Timestamp local)
{
	return is_midnight(local) ? local : midnight_of(local) + USECS_PER_DAY;
}

/* The time, or infinity where the type has no such time. */
static TimestampTz
within_range(TimestampTz at)
{
	return at < MIN_TIMESTAMP ? DT_NOBEGIN : IS_VALID_TIMESTAMP(at) ? at : DT_NOEND;
}

/* That much later. */
static TimestampTz
later(TimestampTz at, int64 length)
{
	int64		sum;

	if (pg_add_s64_overflow(at, length, &sum))
		return length < 0 ? DT_NOBEGIN : DT_NOEND;
	return within_range(sum);
}

/* The time of a local time. */
static TimestampTz
instant_of(Timestamp local, const pg_tz *zone)
{
	TimestampTz at;

	if (TIMESTAMP_NOT_FINITE(local))
		return local;
	casnet_zone_instant(local, zone, &at);
	return within_range(at);
}

/* The local time of a time; of the first one of a day, midnight, also where that does not occur. */
static Timestamp
local_of(TimestampTz at, const pg_tz *zone)
{
	Timestamp	local = casnet_zone_local(at, zone);

	return !is_midnight(local) && instant_of(midnight_of(local), zone) == at ?
		midnight_of(local) : local;
}

/*
 * The midnight in the zone of the event that a time of an event of whole days means.  A
 * midnight in the other zone is the same day's midnight.  In other cases the time is in
 * the zone of the event, unless only the zone has changed.
 */
static TimestampTz
day_of_event(const pg_tz *zone, const pg_tz *other, bool only_zone, bool is_end,
			 TimestampTz at)
{
	Timestamp	local;
	TimestampTz day;

	if (TIMESTAMP_NOT_FINITE(at))
		return at;
	local = local_of(at, zone);
	if (only_zone || (!is_midnight(local) && is_midnight(local_of(at, other))))
		local = local_of(at, other);
	day = instant_of(is_end ? end_of_day(local) : midnight_of(local), zone);
	return TIMESTAMP_NOT_FINITE(day) ? at : day;
}

/* Brings one time of an event of whole days to midnight. */
static void
check_day(EventRow *event, const char *name, const pg_tz *before, bool is_end)
{
	bool		isnull;
	Datum		value = column_of(event, name, TIMESTAMPTZOID, &isnull);
	bool		only_zone = before != NULL &&
		!column_changes(event, name, TIMESTAMPTZOID);
	TimestampTz at;

	if (isnull)
		return;
	at = day_of_event(event->zone, only_zone ? before : session_timezone, only_zone,
					  is_end, DatumGetTimestampTz(value));
	if (at != DatumGetTimestampTz(value))
		replace_column(event, name, TIMESTAMPTZOID, TimestampTzGetDatum(at));
}

/* Brings the excluded dates of an event of whole days to midnight. */
static void
check_excluded_days(EventRow *event, const pg_tz *before)
{
	bool		isnull;
	Datum		value = column_of(event, "excluded_dates", TIMESTAMPTZARRAYOID, &isnull);
	bool		only_zone = before != NULL &&
		!column_changes(event, "excluded_dates", TIMESTAMPTZARRAYOID);
	Datum	   *dates;
	bool	   *nulls;
	int			number;

	if (isnull || ARR_NDIM(DatumGetArrayTypeP(value)) == 0)
		return;
	deconstruct_array(DatumGetArrayTypeP(value), TIMESTAMPTZOID, sizeof(TimestampTz),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &dates, &nulls, &number);
	for (int i = 0; i < number; i++)
	{
		/* The check of the table refuses it. */
		if (nulls[i])
			return;
		dates[i] = TimestampTzGetDatum(
			day_of_event(event->zone, only_zone ? before : session_timezone, only_zone,
						 false, DatumGetTimestampTz(dates[i])));
	}
	replace_column(event, "excluded_dates", TIMESTAMPTZARRAYOID,
				   PointerGetDatum(construct_array(dates, number, TIMESTAMPTZOID,
												   sizeof(TimestampTz), FLOAT8PASSBYVAL,
												   TYPALIGN_DOUBLE)));
}

/* The zone in which the row before had whole days, or NULL. */
static pg_tz *
zone_before(EventRow *event)
{
	int			number = casnet_trigger_column(event->relation, "time_zone", TEXTOID);
	TupleDesc	columns = RelationGetDescr(event->relation);
	bool		isnull;
	Datum		value;

	if (event->before == NULL ||
		!casnet_trigger_bool(event->relation, event->before, "all_day"))
		return NULL;
	value = heap_getattr(event->before, number, columns, &isnull);
	return isnull ? NULL : casnet_zone_find(TextDatumGetCString(value));
}

/*
 * casnet_internal.check_event() returns trigger
 *
 * BEFORE INSERT OR UPDATE FOR EACH ROW: gives the event its time zone, and brings the times
 * of an event of whole days to midnight in it.  Raises 22023 for what is no time zone or no
 * recurrence rule.  A rule that an update does not change is not checked, so that older
 * rows can still be updated.  Raises 39P01 when called in any other way, 42703 or 42804
 * when the table has no such columns.
 */
Datum
casnet_check_event(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "check_event", true);
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	EventRow	event = {.relation = trigger->tg_relation,
		.row = is_update ? trigger->tg_newtuple : trigger->tg_trigtuple,
	.before = is_update ? trigger->tg_trigtuple : NULL};
	pg_tz	   *before;

	if (!is_update && !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.check_event() was not called for an insert or update"),
				 errhint("Attach it as casnet.install() does.")));
	if (column_changes(&event, "time_zone", TEXTOID))
		check_zone(&event);
	check_rule(&event);
	if (!casnet_trigger_bool(event.relation, event.row, "all_day"))
		return PointerGetDatum(event.row);

	if (event.zone == NULL)
		event.zone = casnet_zone_find(casnet_trigger_text(event.relation, event.row,
														  "time_zone"));
	before = zone_before(&event);
	if (event.zone == NULL)
		return PointerGetDatum(event.row);
	check_day(&event, "starts_at", before, false);
	check_day(&event, "ends_at", before, true);
	check_excluded_days(&event, before);
	return PointerGetDatum(event.row);
}

/* An event, and what of it a query asks for. */
typedef struct Event
{
	pg_uuid_t  *id;
	bool		all_day;
	pg_tz	   *zone;
	TimestampTz starts_at;
	Timestamp	starts;			/* local */
	int64		length;			/* of whole days: in local time */
	TimestampTz since;
	TimestampTz until;
	int64	   *left_out;		/* times that do not occur, sorted; of days: local */
	int			left_out_number;
	bool	   *met;			/* which of these the rule has, if that is asked */
	CasnetRule	rule;
	int			counted;		/* occurrences so far, for COUNT */
	int			number;			/* of those that were asked for */
	ReturnSetInfo *result;		/* NULL: only left_out is looked for */
} Event;

static int
compare_times(const void *a, const void *b)
{
	int64		first = *(const int64 *) a;
	int64		second = *(const int64 *) b;

	return first < second ? -1 : first > second;
}

/* Note the times of an array among those that do not occur. */
static void
leave_out(Event *event, ArrayType *times)
{
	Datum	   *values;
	bool	   *nulls;
	int			number;

	deconstruct_array(times, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &values, &nulls, &number);
	if (number == 0)
		return;
	event->left_out = event->left_out == NULL ? palloc(number * sizeof(int64)) :
		repalloc(event->left_out, (event->left_out_number + number) * sizeof(int64));
	for (int i = 0; i < number; i++)
	{
		TimestampTz at = DatumGetTimestampTz(values[i]);

		if (nulls[i] || TIMESTAMP_NOT_FINITE(at))
			continue;
		event->left_out[event->left_out_number++] = event->all_day ?
			midnight_of(casnet_zone_local(at, event->zone)) : at;
	}
}

/* Put one occurrence into the result, if it was asked for. */
static void
put_occurrence(Event *event, TimestampTz at, TimestampTz starts_at, TimestampTz ends_at)
{
	Datum		values[3];
	bool		isnull[3] = {false, false, false};

	if (starts_at >= event->until ||
		(ends_at <= event->since && (starts_at < event->since || ends_at > starts_at)))
		return;
	if (++event->number > MOST_OCCURRENCES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("event %s has more than %d occurrences in that time",
						casnet_uuid_format(event->id), MOST_OCCURRENCES),
				 errhint("Ask for a shorter time, or change the recurrence rule of the event.")));
	values[0] = TimestampTzGetDatum(at);
	values[1] = TimestampTzGetDatum(starts_at);
	values[2] = TimestampTzGetDatum(ends_at);
	tuplestore_putvalues(event->result->setResult, event->result->setDesc, values,
						 isnull);
}

/* Put the occurrence with that local time into the result. */
static void
occur(Event *event, Timestamp local, TimestampTz at)
{
	int64		key = event->all_day ? local : at;
	int64	   *found = event->left_out_number == 0 ? NULL :
		bsearch(&key, event->left_out, event->left_out_number, sizeof(int64),
				compare_times);

	if (found != NULL && event->met != NULL)
		event->met[found - event->left_out] = true;
	if (found != NULL || event->result == NULL)
		return;
	if (event->all_day)
		put_occurrence(event, at, instant_of(local, session_timezone),
					   instant_of(later(local, event->length), session_timezone));
	else
		put_occurrence(event, at, at, later(at, event->length));
}

/* Whether the rule ends before that occurrence. */
static bool
is_over(const Event *event, Timestamp local, TimestampTz at)
{
	const CasnetRule *rule = &event->rule;

	switch (rule->end)
	{
		case CASNET_RULE_DATE:
			return local >= rule->until + USECS_PER_DAY;
		case CASNET_RULE_LOCAL:
			return local > rule->until;
		case CASNET_RULE_UTC:
			return at > rule->until;
		default:
			return false;
	}
}

/* Takes a local time of the rule; returns whether it wants more. */
static bool
take_occurrence(Timestamp local, void *state)
{
	Event	   *event = state;
	TimestampTz at;

	/* Section 3.3.10: it is ignored, and does not count. */
	if (!casnet_zone_instant(local, event->zone, &at) && !event->all_day)
		return true;
	if (!IS_VALID_TIMESTAMP(at) || is_over(event, local, at))
		return false;
	/* The second of a local time that occurs twice is the first one of the event. */
	if (at <= event->starts_at)
		return true;
	occur(event, local, at);
	event->counted++;
	return event->rule.count == 0 || event->counted < event->rule.count;
}

/* A time that is so many days later, or the last one. */
static TimestampTz
days_later(TimestampTz at, int64 days)
{
	TimestampTz moved = at + days * USECS_PER_DAY;

	return moved < MIN_TIMESTAMP ? MIN_TIMESTAMP :
		IS_VALID_TIMESTAMP(moved) ? moved : END_TIMESTAMP - 1;
}

/*
 * Take the occurrences of an event with a rule.  Returns false when that takes too long.
 */
static bool
recur(Event *event)
{
	TimestampTz since = days_later(event->since, -DAYS_BETWEEN_ZONES);

	if (is_over(event, event->starts, event->starts_at))
		return true;
	occur(event, event->starts, event->starts_at);
	event->counted = 1;
	if (event->rule.count == 1)
		return true;
	/* Occurrences are counted from the first one on. */
	since = event->rule.count > 0 ? MIN_TIMESTAMP : later(since, -event->length);
	return casnet_recurrence_each(&event->rule, event->starts, since,
								  days_later(event->until, DAYS_BETWEEN_ZONES),
								  take_occurrence, event);
}

/* Read the rule and the zone of an event.  Raises 22023 for what casnet did not check. */
static void
read_event(Event *event, FunctionCallInfo fcinfo)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(4));
	char	   *problem = NULL;

	event->zone = casnet_zone_find(name);
	if (!PG_ARGISNULL(5))
		problem = casnet_rule_parse(text_to_cstring(PG_GETARG_TEXT_PP(5)), &event->rule);
	if (event->zone == NULL || problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s of event %s cannot be read",
						event->zone == NULL ? "time zone" : "recurrence rule",
						casnet_uuid_format(event->id)),
				 problem == NULL ? 0 : errdetail_internal("%s", problem),
				 errhint("Update the event.")));
}

/*
 * casnet_internal.occurrences(event_id uuid, starts_at timestamptz, ends_at timestamptz,
 * all_day boolean, time_zone text, recurrence_rule text, excluded timestamptz[],
 * replaced timestamptz[], since timestamptz, until timestamptz, OUT occurrence_at timestamptz,
 * OUT starts_at timestamptz, OUT ends_at timestamptz) returns setof record
 *
 * When an event occurs between two times, without the times of the two arrays.  One without
 * end lasts no time, or a day.  Whole days are those of the session's time zone.  Raises
 * 22023 for a time zone or a rule that cannot be read, and 54000 for too many occurrences.
 * The time between the two is finite.
 */
Datum
casnet_occurrences(PG_FUNCTION_ARGS)
{
	Event		event = {0};
	TimestampTz ends_at;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i <= 9; i++)
		if (PG_ARGISNULL(i) && i != 2 && i != 5)
			return (Datum) 0;
	event.result = (ReturnSetInfo *) fcinfo->resultinfo;
	event.id = PG_GETARG_UUID_P(0);
	event.starts_at = PG_GETARG_TIMESTAMPTZ(1);
	ends_at = PG_ARGISNULL(2) ? event.starts_at : PG_GETARG_TIMESTAMPTZ(2);
	event.all_day = PG_GETARG_BOOL(3);
	event.since = PG_GETARG_TIMESTAMPTZ(8);
	event.until = PG_GETARG_TIMESTAMPTZ(9);
	if (TIMESTAMP_NOT_FINITE(event.starts_at) || TIMESTAMP_NOT_FINITE(ends_at))
	{
		put_occurrence(&event, event.starts_at, event.starts_at, ends_at);
		return (Datum) 0;
	}
	read_event(&event, fcinfo);
	event.starts = casnet_zone_local(event.starts_at, event.zone);
	if (pg_sub_s64_overflow(ends_at, event.starts_at, &event.length))
		event.length = PG_INT64_MAX;
	if (event.all_day)
	{
		event.starts = midnight_of(event.starts);
		if (pg_sub_s64_overflow(end_of_day(local_of(ends_at, event.zone)), event.starts,
								&event.length))
			event.length = PG_INT64_MAX;
		event.length = Max(event.length, USECS_PER_DAY);
	}
	if (PG_ARGISNULL(5))
	{
		occur(&event, event.starts, event.starts_at);
		return (Datum) 0;
	}
	leave_out(&event, PG_GETARG_ARRAYTYPE_P(6));
	leave_out(&event, PG_GETARG_ARRAYTYPE_P(7));
	if (event.left_out_number > 0)
		qsort(event.left_out, event.left_out_number, sizeof(int64), compare_times);
	if (!recur(&event))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the recurrence rule of event %s takes too long",
						casnet_uuid_format(event.id)),
				 errhint("Ask for a shorter time, or change the recurrence rule of the event.")));
	return (Datum) 0;
}

/*
 * Of some times the ones at which an event does not occur, sorted, each once; NULL if the
 * event always occurs then.  Without a rule that can be read it occurs only once.  One that
 * takes too long has the times that it was not seen to have.
 */
TimestampTz *
casnet_calendar_added(TimestampTz starts_at, bool all_day, pg_tz *zone, const char *rule,
					  ArrayType *times, int *number)
{
	Event		event = {.starts_at = starts_at, .all_day = all_day, .zone = zone};
	int			kept = 0;

	*number = 0;
	leave_out(&event, times);
	if (event.left_out_number == 0)
		return NULL;
	event.starts = casnet_zone_local(starts_at, zone);
	if (all_day)
		event.starts = midnight_of(event.starts);
	qsort(event.left_out, event.left_out_number, sizeof(int64), compare_times);
	event.left_out_number = qunique(event.left_out, event.left_out_number, sizeof(int64),
									compare_times);
	event.met = palloc0(event.left_out_number * sizeof(bool));
	event.since = event.left_out[0];
	event.until = later(event.left_out[event.left_out_number - 1], 1);
	if (rule == NULL || casnet_rule_parse(rule, &event.rule) != NULL)
		occur(&event, event.starts, starts_at);
	else
		(void) recur(&event);
	for (int i = 0; i < event.left_out_number; i++)
		if (!event.met[i])
			event.left_out[kept++] = all_day ? instant_of(event.left_out[i], zone) :
				event.left_out[i];
	*number = kept;
	return kept == 0 ? NULL : event.left_out;
}

/* The time from or until which events are asked for.  Raises 22023 unless the times are right. */
static TimestampTz
asked_time(FunctionCallInfo fcinfo, int argument)
{
	TimestampTz since = PG_ARGISNULL(0) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(0);
	TimestampTz until = PG_ARGISNULL(1) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(1);

	if (TIMESTAMP_NOT_FINITE(since) || TIMESTAMP_NOT_FINITE(until) || since > until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 since > until ?
				 errmsg("the time from which events are asked for is after the time until which they are") :
				 errmsg("events are asked for without a first or last time"),
				 errhint("Give the beginning and the end, such as '2026-01-01' and '2026-02-01'.")));
	return argument == 0 ? since : until;
}

/*
 * casnet_internal.calendar_since("from" timestamptz, until timestamptz, days integer) returns
 * timestamptz
 *
 * A time before which no event begins that is asked for and lasts at most so many days.
 * Raises 22023 unless both times are finite and in order.
 */
Datum
casnet_calendar_since(PG_FUNCTION_ARGS)
{
	int64		days = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2);

	PG_RETURN_TIMESTAMPTZ(days_later(asked_time(fcinfo, 0),
									 -Max(0, Min(days, MOST_DAYS)) - DAYS_BETWEEN_ZONES));
}

/*
 * casnet_internal.calendar_until("from" timestamptz, until timestamptz) returns timestamptz
 *
 * A time after which no event begins that is asked for.  Raises as calendar_since().
 */
Datum
casnet_calendar_until(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(days_later(asked_time(fcinfo, 1), DAYS_BETWEEN_ZONES));
}

/*
 * casnet_internal.moved_times(times timestamptz[], time_zone text, all_day boolean, before
 * timestamptz, after timestamptz) returns timestamptz[]
 *
 * The times, moved by what lies between the last two in the local time of the zone.  For
 * whole days, the last one means the day that it would as a start of the event.  Times at
 * infinity stay.  Raises 22023 for what is no zone, or no time.
 */
Datum
casnet_moved_times(PG_FUNCTION_ARGS)
{
	ArrayType  *times = PG_GETARG_ARRAYTYPE_P(0);
	pg_tz	   *zone = casnet_zone_find(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	TimestampTz before = PG_GETARG_TIMESTAMPTZ(3);
	TimestampTz after = PG_GETARG_TIMESTAMPTZ(4);
	Timestamp	difference;
	Datum	   *values;
	bool	   *nulls;
	int			number;
	int			first = 1;

	if (zone == NULL || TIMESTAMP_NOT_FINITE(before) || TIMESTAMP_NOT_FINITE(after))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the time to which a series moves, or from which, is at infinity"),
				 errhint("Give a time such as '2026-01-01 09:00'.")));
	if (PG_GETARG_BOOL(2))
		after = day_of_event(zone, session_timezone, false, false, after);
	difference = local_of(after, zone) - local_of(before, zone);
	deconstruct_array(times, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &values, &nulls, &number);
	for (int i = 0; i < number; i++)
	{
		TimestampTz at = DatumGetTimestampTz(values[i]);

		if (!nulls[i] && !TIMESTAMP_NOT_FINITE(at))
			values[i] = TimestampTzGetDatum(instant_of(later(local_of(at, zone),
															 difference), zone));
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, 1, &number, &first,
											 TIMESTAMPTZOID, sizeof(TimestampTz),
											 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * casnet_internal.event_problem(time_zone text, recurrence_rule text) returns text
 *
 * Why an event cannot be read whose zone and rule casnet did not check, as a sentence; NULL
 * if it can.  The rule can be NULL.
 */
Datum
casnet_event_problem(PG_FUNCTION_ARGS)
{
	char	   *problem = NULL;
	CasnetRule	rule;

	if (PG_ARGISNULL(0) || casnet_zone_find(text_to_cstring(PG_GETARG_TEXT_PP(0))) == NULL)
		problem = "The server has no such time zone.";
	else if (!PG_ARGISNULL(1))
		problem = casnet_rule_parse(text_to_cstring(PG_GETARG_TEXT_PP(1)), &rule);
	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}
