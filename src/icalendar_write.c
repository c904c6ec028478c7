/*
 * icalendar_write.c
 *		Calendars as text, by RFC 5545: writing events and time zones.
 */
#include "postgres.h"

#include "common/int.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "casnet.h"
#include "recurrence.h"

PG_FUNCTION_INFO_V1(casnet_calendar_event);
PG_FUNCTION_INFO_V1(casnet_calendar_zone);

/* Bytes of a line, without its end. */
#define LINE_LENGTH 75

/* The last second of the year 9999. */
#define END_OF_YEARS \
	(((Timestamp) (date2j(10000, 1, 1) - POSTGRES_EPOCH_JDATE) * SECS_PER_DAY - 1) * \
	 USECS_PER_SEC)

/* Changes of a time zone that are written. */
#define MOST_CHANGES 2000

/* Append a line, folded between characters where it is too long. */
static void
append_line(StringInfo text, const char *line)
{
	int			room = LINE_LENGTH;

	while (*line != '\0')
	{
		int			length = pg_mblen(line);

		if (length > room)
		{
			appendStringInfoString(text, "\r\n ");
			room = LINE_LENGTH - 1;
		}
		for (; length > 0 && *line != '\0'; length--, room--)
			appendStringInfoChar(text, *line++);
	}
	appendStringInfoString(text, "\r\n");
}

/* Append a line with a text, whose special characters are escaped. */
static void
append_text(StringInfo text, const char *name, const char *value)
{
	StringInfoData line;

	initStringInfo(&line);
	appendStringInfo(&line, "%s:", name);
	for (; *value != '\0'; value++)
	{
		if (*value == '\n' || (*value == '\r' && value[1] != '\n'))
			appendStringInfoString(&line, "\\n");
		else if (*value == '\\' || *value == ';' || *value == ',')
			appendStringInfo(&line, "\\%c", *value);
		else if ((unsigned char) *value >= ' ' || *value == '\t')
			appendStringInfoChar(&line, *value);
	}
	append_line(text, line.data);
	pfree(line.data);
}

/* A local time as a date, or as a date and a time. */
static char *
written(Timestamp local, bool is_day)
{
	int64		seconds = local / USECS_PER_SEC - (local % USECS_PER_SEC < 0);
	int			day = seconds / SECS_PER_DAY - (seconds % SECS_PER_DAY < 0);
	int			within = seconds - (int64) day * SECS_PER_DAY;
	int			year;
	int			month;
	int			number;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &number);
	if (year < 1 || year > 9999)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
				 errmsg("a calendar has no time in the year %d", year),
				 errhint("Change the event, or export those of other records.")));
	if (is_day)
		return psprintf("%04d%02d%02d", year, month, number);
	return psprintf("%04d%02d%02dT%02d%02d%02d", year, month, number, within / 3600,
					within / 60 % 60, within % 60);
}

/* Append the times, as a line of that name. */
static void
append_times(StringInfo text, const char *name, const TimestampTz *times, int number,
			 bool is_day, pg_tz *zone)
{
	StringInfoData line;
	const char *zone_name = pg_get_timezone_name(zone);
	bool		in_utc = strcmp(zone_name, "UTC") == 0;
	TimestampTz at;

	/* A local time that occurs twice means the first one. */
	for (int i = 0; i < number && !is_day; i++)
		in_utc = in_utc ||
			!casnet_zone_instant(casnet_zone_local(times[i], zone), zone, &at) ||
			at != times[i];
	initStringInfo(&line);
	appendStringInfoString(&line, name);
	if (is_day)
		appendStringInfoString(&line, ";VALUE=DATE");
	else if (!in_utc)
		appendStringInfo(&line, ";TZID=%s", zone_name);
	for (int i = 0; i < number; i++)
		appendStringInfo(&line, "%c%s%s", i == 0 ? ':' : ',',
						 written(in_utc && !is_day ? times[i] :
								 casnet_zone_local(times[i], zone), is_day),
						 in_utc && !is_day ? "Z" : "");
	append_line(text, line.data);
}

static void
append_time(StringInfo text, const char *name, TimestampTz at, bool is_day, pg_tz *zone)
{
	append_times(text, name, &at, 1, is_day, zone);
}

/*
 * Append the rule of an event.  UNTIL is written as the start is: a date, or a time in UTC.
 */
static void
append_rule(StringInfo text, const char *rule, bool is_day, pg_tz *zone)
{
	CasnetRule	parsed;
	StringInfoData line;

	if (casnet_rule_parse(rule, &parsed) != NULL)
		return;
	initStringInfo(&line);
	appendStringInfoString(&line, "RRULE:");
	while (*rule != '\0')
	{
		int			length = strcspn(rule, ";");

		if (line.data[line.len - 1] != ':')
			appendStringInfoChar(&line, ';');
		if (pg_strncasecmp(rule, "UNTIL=", 6) == 0)
		{
			Timestamp	until = parsed.until;
			TimestampTz at = until;

			if (parsed.end == CASNET_RULE_DATE && !is_day)
				until += USECS_PER_DAY - USECS_PER_SEC;
			if (parsed.end != CASNET_RULE_UTC)
				casnet_zone_instant(until, zone, &at);
			else if (is_day)
				until = casnet_zone_local(until, zone);
			/* A rule ends in a year that can be written, in each time zone. */
			at = Min(at, END_OF_YEARS);
			until = Min(until, END_OF_YEARS);
			appendStringInfo(&line, "UNTIL=%s%s", written(is_day ? until : at, is_day),
							 is_day ? "" : "Z");
		}
		else
			for (int i = 0; i < length; i++)
				appendStringInfoChar(&line, pg_toupper((unsigned char) rule[i]));
		rule += length + (rule[length] == ';');
	}
	append_line(text, line.data);
}

/* The end of an event that is written; of a day, the midnight after it. */
static TimestampTz
written_end(TimestampTz starts_at, TimestampTz ends_at, bool is_day, pg_tz *zone)
{
	if (is_day && ends_at == starts_at)
		casnet_zone_instant(casnet_zone_local(starts_at, zone) + USECS_PER_DAY, zone, &ends_at);
	return ends_at;
}

/* Append the times that are left out, as far as a calendar can have them. */
static void
append_excluded(StringInfo text, ArrayType *excluded, bool is_day, pg_tz *zone)
{
	int			number = ArrayGetNItems(ARR_NDIM(excluded), ARR_DIMS(excluded));
	const TimestampTz *times = (const TimestampTz *) ARR_DATA_PTR(excluded);

	if (ARR_HASNULL(excluded))
		return;
	for (int i = 0; i < number; i++)
		if (casnet_calendar_has_year(times[i]))
			append_time(text, "EXDATE", times[i], is_day, zone);
}

/*
 * Append the times that have an event of their own and that the rule does not have.  To
 * other programs no event stands for a time that neither a rule nor such a line has.
 */
static void
append_added(StringInfo text, TimestampTz starts_at, const char *rule, ArrayType *changed,
			 bool is_day, pg_tz *zone)
{
	int			number;
	TimestampTz *times = casnet_calendar_added(starts_at, is_day, zone, rule, changed,
											   &number);

	for (int i = 0; i < number; i++)
		if (casnet_calendar_has_year(times[i]))
			append_time(text, "RDATE", times[i], is_day, zone);
}

/* The zone of an event.  Raises 22023 if there is none of that name. */
static pg_tz *
zone_of(text *name)
{
	pg_tz	   *zone = casnet_zone_find(text_to_cstring(name));

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no time zone \"%.*s\"",
						pg_mbcliplen(text_to_cstring(name), VARSIZE_ANY_EXHDR(name), 100),
						text_to_cstring(name)),
				 errhint("Update the event.")));
	return zone;
}

/*
 * casnet_internal.calendar_event(uid text, title text, description text, location text,
 * status text, starts_at timestamptz, ends_at timestamptz, all_day boolean, time_zone text,
 * recurrence_rule text, excluded_dates timestamptz[], occurrence_at timestamptz,
 * of_day boolean, of_zone text, updated_at timestamptz, changed timestamptz[]) returns text
 *
 * An event as a component of a calendar.  of_day and of_zone are those of its series, and
 * changed has the occurrences of the event that have events of their own.  The empty text for
 * an event that a calendar cannot have, since one of its times is outside of the years.
 * Raises 22023 for a time zone that there is not.
 */
Datum
casnet_calendar_event(PG_FUNCTION_ARGS)
{
	StringInfoData component;
	TimestampTz starts_at = PG_ARGISNULL(5) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(5);
	bool		is_day = !PG_ARGISNULL(7) && PG_GETARG_BOOL(7);
	TimestampTz ends_at = PG_ARGISNULL(6) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(6);
	char	   *status = PG_ARGISNULL(4) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(4));
	char	   *rule = PG_ARGISNULL(9) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(9));
	pg_tz	   *zone;
	TimestampTz first;

	initStringInfo(&component);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(8) || !casnet_calendar_has_year(starts_at) ||
		(!PG_ARGISNULL(11) && !casnet_calendar_has_year(PG_GETARG_TIMESTAMPTZ(11))))
		PG_RETURN_TEXT_P(cstring_to_text(""));
	zone = zone_of(PG_GETARG_TEXT_PP(8));
	if (!TIMESTAMP_NOT_FINITE(ends_at))
	{
		ends_at = written_end(starts_at, ends_at, is_day, zone);
		if (!casnet_calendar_has_year(ends_at))
			PG_RETURN_TEXT_P(cstring_to_text(""));
	}
	append_line(&component, "BEGIN:VEVENT");
	append_text(&component, "UID", text_to_cstring(PG_GETARG_TEXT_PP(0)));
	append_time(&component, "DTSTAMP", PG_ARGISNULL(14) ||
				!casnet_calendar_has_year(PG_GETARG_TIMESTAMPTZ(14)) ? starts_at :
				PG_GETARG_TIMESTAMPTZ(14), false, casnet_zone_find("UTC"));
	if (!PG_ARGISNULL(11) && !PG_ARGISNULL(13))
		append_time(&component, "RECURRENCE-ID", PG_GETARG_TIMESTAMPTZ(11),
					!PG_ARGISNULL(12) && PG_GETARG_BOOL(12),
					zone_of(PG_GETARG_TEXT_PP(13)));
	append_time(&component, "DTSTART", starts_at, is_day, zone);
	if (!TIMESTAMP_NOT_FINITE(ends_at))
		append_time(&component, "DTEND", ends_at, is_day, zone);
	if (rule != NULL)
		append_rule(&component, rule, is_day, zone);
	if (!PG_ARGISNULL(15))
		append_added(&component, starts_at, rule, PG_GETARG_ARRAYTYPE_P(15), is_day, zone);
	if (!PG_ARGISNULL(10))
		append_excluded(&component, PG_GETARG_ARRAYTYPE_P(10), is_day, zone);
	append_text(&component, "SUMMARY", PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (!PG_ARGISNULL(2))
		append_text(&component, "DESCRIPTION", text_to_cstring(PG_GETARG_TEXT_PP(2)));
	if (!PG_ARGISNULL(3))
		append_text(&component, "LOCATION", text_to_cstring(PG_GETARG_TEXT_PP(3)));
	append_line(&component, strcmp(status, "CANCELLED") == 0 ? "STATUS:CANCELLED" :
				"STATUS:CONFIRMED");
	if (strcmp(status, "COMPLETED") == 0)
		append_line(&component, "X-CASNET-STATUS:COMPLETED");
	/* A date has no zone, nor has the second of a local time that occurs twice. */
	casnet_zone_instant(casnet_zone_local(starts_at, zone), zone, &first);
	if (is_day || first != starts_at)
		append_line(&component, psprintf("X-CASNET-TIME-ZONE:%s", pg_get_timezone_name(zone)));
	append_line(&component, "END:VEVENT");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(component.data, component.len));
}

/* An offset from UTC, such as +0130. */
static char *
offset_written(long seconds)
{
	long		length = labs(seconds);

	return psprintf("%c%02ld%02ld%s", seconds < 0 ? '-' : '+', length / 3600,
					length / 60 % 60,
					length % 60 == 0 ? "" : psprintf("%02ld", length % 60));
}

/* Append a change of a time zone to the local time after it. */
static void
append_change(StringInfo text, Timestamp local, long before, long after, bool is_summer)
{
	const char *name = is_summer ? "DAYLIGHT" : "STANDARD";

	append_line(text, psprintf("BEGIN:%s", name));
	append_line(text, psprintf("DTSTART:%s", written(local, false)));
	append_line(text, psprintf("TZOFFSETFROM:%s", offset_written(before)));
	append_line(text, psprintf("TZOFFSETTO:%s", offset_written(after)));
	append_line(text, psprintf("END:%s", name));
}

/*
 * casnet_internal.calendar_zone(time_zone text, since timestamptz, until timestamptz) returns
 * text
 *
 * A time zone as a component of a calendar: what is in force at the first time, and each
 * change until the last.  The empty text for UTC.  Raises 22023 if there is no such zone.
 */
Datum
casnet_calendar_zone(PG_FUNCTION_ARGS)
{
	StringInfoData component;
	pg_tz	   *zone = zone_of(PG_GETARG_TEXT_PP(0));
	TimestampTz since = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz until = PG_GETARG_TIMESTAMPTZ(2);
	long		before;
	long		after;
	int			was_summer;
	int			is_summer;
	pg_time_t	at;
	pg_time_t	boundary;
	int			found;

	initStringInfo(&component);
	if (strcmp(pg_get_timezone_name(zone), "UTC") == 0 || TIMESTAMP_NOT_FINITE(since) ||
		TIMESTAMP_NOT_FINITE(until))
		PG_RETURN_TEXT_P(cstring_to_text(""));
	append_line(&component, "BEGIN:VTIMEZONE");
	append_line(&component, psprintf("TZID:%s", pg_get_timezone_name(zone)));
	at = timestamptz_to_time_t(since);
	found = pg_next_dst_boundary(&at, &before, &was_summer, &boundary, &after, &is_summer, zone);
	append_change(&component, casnet_zone_local(since, zone), before, before, was_summer);
	for (int i = 0; found == 1 && i < MOST_CHANGES &&
		 boundary <= timestamptz_to_time_t(until); i++)
	{
		CHECK_FOR_INTERRUPTS();
		/* the local time of before, at which the change is */
		append_change(&component, time_t_to_timestamptz(boundary) + before * USECS_PER_SEC,
					  before, after, is_summer);
		at = boundary;
		found = pg_next_dst_boundary(&at, &before, &was_summer, &boundary, &after,
									 &is_summer, zone);
	}
	append_line(&component, "END:VTIMEZONE");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(component.data, component.len));
}
