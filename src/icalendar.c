/*
 * icalendar.c
 *		Calendars as text, by RFC 5545: reading events.
 *
 * A text is lines of a name, parameters and a value, within components.  Only events are
 * read, and of a calendar and its time zones what the events need.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "casnet.h"
#include "recurrence.h"

PG_FUNCTION_INFO_V1(casnet_read_calendar);

#define EVENT_COLUMNS 19

/* How deep components can be in each other. */
#define MOST_DEPTH 10

/*
 * How many time zones a calendar can describe, and how many rules and times an event can
 * have.  A program that writes more does not mean it.
 */
#define MOST_ZONES 1000
#define MOST_RULES 100
#define MOST_TIMES 10000

/* Longer names of time zones are none. */
#define ZONE_LENGTH 1000

/* One line, without its folds. */
typedef struct Line
{
	int			number;			/* of its first line in the text */
	char	   *name;
	char	   *parameters;		/* what is between name and value */
	char	   *value;
	char	   *zone;			/* the parameter TZID */
} Line;

/* A growing list of values. */
typedef struct Values
{
	Datum	   *values;
	int			number;
	int			room;
} Values;

/* A date, or a time. */
typedef struct Moment
{
	bool		is_day;
	TimestampTz at;
	DateADT		day;			/* as it is written */
	const char *zone;			/* its IANA name; NULL: none was given */
} Moment;

/* An event that is being read. */
typedef struct Component
{
	int			line;
	Line	   *uid;
	Line	   *start;
	Line	   *end;
	Line	   *duration;
	Line	   *recurrence;
	int			sequence;
	char	   *title;
	char	   *description;
	char	   *location;
	const char *status;
	bool		completed;
	const char *zone;			/* that casnet wrote */
	List	   *rules;			/* of Line */
	List	   *excluded;
	List	   *added;
} Component;

typedef struct Reader
{
	const char *rest;			/* of the text */
	int			number;			/* of its line */
	StringInfoData text;		/* of the present line */
	char	   *components[MOST_DEPTH];
	int			depth;
	char	   *zone;			/* X-WR-TIMEZONE */
	char	   *zone_id;		/* of the time zone that is being read */
	List	   *zones;			/* pairs: TZID, and the IANA name that it says */
	char	   *asked;			/* the name of a zone that was looked up last, */
	const char *found;			/* and what it is called */
	List	   *events;			/* of Component */
	Component  *event;
	MemoryContext context;
} Reader;

/* Raises 22023. */
casnet_noreturn static void
refuse_line(int number, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the calendar cannot be read at line %d", number),
			 errdetail_internal("%s", problem),
			 errhint("Give a calendar in the form of RFC 5545 (iCalendar).")));
}

/*
 * Where the name and the parameters of a line end: the first colon that is not in quotes.
 */
static char *
value_of_line(char *line)
{
	bool		quoted = false;

	for (; *line != '\0'; line++)
		if (*line == '"')
			quoted = !quoted;
		else if (*line == ':' && !quoted)
			return line;
	return NULL;
}

/* The next line of the text, unfolded, until the one after it; false at the end. */
static bool
next_line(Reader *reader, Line *line)
{
	StringInfo	text = &reader->text;
	char	   *colon;

	/* lines with nothing in them do no harm */
	while (*reader->rest == '\r' || *reader->rest == '\n')
		reader->number += *reader->rest++ == '\n';
	if (*reader->rest == '\0')
		return false;
	CHECK_FOR_INTERRUPTS();
	line->number = reader->number;
	resetStringInfo(text);
	for (;;)
	{
		size_t		length = strcspn(reader->rest, "\n");

		appendBinaryStringInfo(text, reader->rest,
							   length - (length > 0 && reader->rest[length - 1] == '\r'));
		reader->rest += length;
		if (*reader->rest == '\0')
			break;
		reader->rest++;
		reader->number++;
		if (*reader->rest != ' ' && *reader->rest != '\t')
			break;
		reader->rest++;
	}
	colon = value_of_line(text->data);
	if (colon == NULL)
		refuse_line(line->number, "It has no colon.");
	*colon = '\0';
	line->value = colon + 1;
	line->name = text->data;
	line->parameters = strchr(text->data, ';');
	if (line->parameters != NULL)
		*line->parameters++ = '\0';
	return true;
}


/* A parameter of a line, or NULL. */
static char *
parameter_of(const Line *line, const char *name)
{
	const char *at = line->parameters;
	size_t		length = strlen(name);

	while (at != NULL && *at != '\0')
	{
		bool		quoted = false;
		const char *end = at;

		for (; *end != '\0' && (*end != ';' || quoted); end++)
			if (*end == '"')
				quoted = !quoted;
		if (pg_strncasecmp(at, name, length) == 0 && at[length] == '=')
		{
			const char *value = at + length + 1;

			if (end - value >= 2 && *value == '"' && end[-1] == '"')
				return pnstrdup(value + 1, end - value - 2);
			return pnstrdup(value, end - value);
		}
		at = *end == '\0' ? end : end + 1;
	}
	return NULL;
}

/* A copy of a line, for an event that keeps it.  Raises 22023. */
static Line *
kept_line(const Line *line)
{
	Line	   *kept = palloc(sizeof(Line));

	kept->number = line->number;
	kept->name = pstrdup(line->name);
	kept->parameters = line->parameters == NULL ? NULL : pstrdup(line->parameters);
	kept->value = pstrdup(line->value);
	kept->zone = parameter_of(kept, "TZID");
	if (kept->zone != NULL && strlen(kept->zone) > ZONE_LENGTH)
		refuse_line(line->number, "The name of the time zone is too long.");
	return kept;
}

/* A text without escapes. */
static char *
unescaped(const char *value)
{
	char	   *text = palloc(strlen(value) + 1);
	char	   *to = text;

	for (; *value != '\0'; value++)
	{
		if (*value == '\\' && value[1] != '\0')
		{
			value++;
			*to++ = *value == 'n' || *value == 'N' ? '\n' : *value;
		}
		else
			*to++ = *value;
	}
	*to = '\0';
	return text;
}

/* The same for zone_named(), which keeps the answer for the next time. */
static const char *
look_up_zone(Reader *reader, const char *name)
{
	ListCell   *cell;
	size_t		length = strlen(name);
	const char *part = length <= TZ_STRLEN_MAX ? name :
		strchr(name + length - TZ_STRLEN_MAX, '/');
	pg_tz	   *zone;
	const char *windows = casnet_windows_zone(name);

	if (windows != NULL)
		part = windows;
	/* What is longer than any name of a zone needs no look. */
	for (; part != NULL; part = strchr(part, '/'))
	{
		part += *part == '/';
		zone = casnet_zone_find(part);
		if (zone != NULL)
			return pg_get_timezone_name(zone);
	}
	foreach(cell, reader->zones)
	{
		List	   *pair = lfirst(cell);

		if (strcmp(linitial(pair), name) == 0 &&
			(zone = casnet_zone_find(lsecond(pair))) != NULL)
			return pg_get_timezone_name(zone);
	}
	return NULL;
}

/*
 * The IANA name for the name of a time zone: as it is, behind what some programs put before
 * it, as the calendar says, or for a name of Windows.  NULL if there is none.
 */
static const char *
zone_named(Reader *reader, const char *name)
{
	if (reader->asked == NULL || strcmp(reader->asked, name) != 0)
	{
		reader->found = look_up_zone(reader, name);
		if (reader->asked != NULL)
			pfree(reader->asked);
		reader->asked = MemoryContextStrdup(reader->context, name);
	}
	return reader->found;
}

/* The zone of what has none: that of the calendar, or the session's. */
static const char *
zone_by_default(Reader *reader)
{
	const char *name = reader->zone == NULL ? NULL : zone_named(reader, reader->zone);

	if (name == NULL)
		name = casnet_zone_of_session();
	return name == NULL ? "UTC" : name;
}

/* Reads so many digits.  Returns -1 unless they are there. */
static int
digits(const char **text, int number)
{
	int			value = 0;

	while (number-- > 0)
	{
		if (**text < '0' || **text > '9')
			return -1;
		value = value * 10 + *(*text)++ - '0';
	}
	return value;
}

/* Reads a date, or a date and a time.  Raises 22023 unless the text begins so. */
static Timestamp
read_local(const Line *line, const char **text, bool *is_day)
{
	int			year = digits(text, 4);
	int			month = year < 0 ? -1 : digits(text, 2);
	int			day = month < 0 ? -1 : digits(text, 2);
	int			hour = 0;
	int			minute = 0;
	int			second = 0;

	if (year < 1 || month < 1 || month > 12 || day < 1 ||
		day > day_tab[isleap(year)][month - 1])
		refuse_line(line->number, "There is no such date.");
	*is_day = **text != 'T' && **text != 't';
	if (!*is_day)
	{
		(*text)++;
		hour = digits(text, 2);
		minute = hour < 0 ? -1 : digits(text, 2);
		second = minute < 0 ? -1 : digits(text, 2);
		if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
			refuse_line(line->number, "There is no such time.");
	}
	return ((Timestamp) (date2j(year, month, day) - POSTGRES_EPOCH_JDATE) * SECS_PER_DAY +
			(hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
}

/*
 * Reads a date or time of a line, and moves on behind it.  A date is midnight in the zone
 * given.  Raises 22023 if it is none, or for an unknown time zone.
 */
static Moment
read_moment(Reader *reader, const Line *line, const char **text, const char *zone)
{
	Moment		moment = {.zone = NULL};
	Timestamp	local = read_local(line, text, &moment.is_day);
	char	   *name = line->zone;

	moment.day = local / USECS_PER_DAY - (local % USECS_PER_DAY < 0);
	if (**text == 'Z' || **text == 'z')
	{
		(*text)++;
		moment.zone = "UTC";
	}
	else if (name != NULL && !moment.is_day)
	{
		moment.zone = zone_named(reader, name);
		if (moment.zone == NULL)
			refuse_line(line->number, psprintf("There is no time zone \"%.*s\".",
											   pg_mbcliplen(name, strlen(name), 100), name));
	}
	casnet_zone_instant(local, casnet_zone_find(moment.zone == NULL ? zone : moment.zone),
						&moment.at);
	return moment;
}

/* Reads the one date or time that is the value of a line. */
static Moment
read_whole_moment(Reader *reader, const Line *line, const char *zone)
{
	const char *text = line->value;
	Moment		moment = read_moment(reader, line, &text, zone);

	if (*text != '\0')
		refuse_line(line->number, "There is something behind the time.");
	return moment;
}

/*
 * The time that is later by a duration, which the text ends with, or which a slash or comma
 * follows.  Days are those of the zone.  Raises 22023 if it is no duration.
 */
static TimestampTz
later_by(const Line *line, const char **text, TimestampTz at, const pg_tz *zone)
{
	int64		sign = **text == '-' ? -1 : 1;
	int64		days = 0;
	int64		seconds = 0;

	if (**text == '-' || **text == '+')
		(*text)++;
	if (**text != 'P' && **text != 'p')
		refuse_line(line->number, "There is no such duration.");
	for ((*text)++; **text != '\0' && **text != ',';)
	{
		int64		number = 0;
		int			length = 0;

		if (**text == 'T' || **text == 't')
		{
			(*text)++;
			continue;
		}
		for (; **text >= '0' && **text <= '9' && length < 8; length++)
			number = number * 10 + *(*text)++ - '0';
		switch (length == 0 ? '\0' : pg_toupper((unsigned char) **text))
		{
			case 'W':
				days += number * 7;
				break;
			case 'D':
				days += number;
				break;
			case 'H':
				seconds += number * SECS_PER_HOUR;
				break;
			case 'M':
				seconds += number * SECS_PER_MINUTE;
				break;
			case 'S':
				seconds += number;
				break;
			default:
				refuse_line(line->number, "There is no such duration.");
		}
		(*text)++;
	}
	if (days > 1000000 || seconds > INT64CONST(1000000) * SECS_PER_DAY)
		refuse_line(line->number, "The duration is too long.");
	casnet_zone_instant(casnet_zone_local(at, zone) + sign * days * USECS_PER_DAY, zone, &at);
	at += sign * seconds * USECS_PER_SEC;
	if (!IS_VALID_TIMESTAMP(at))
		refuse_line(line->number, "The duration is too long.");
	return at;
}

static void
append_value(Values *values, Datum value)
{
	if (values->number == values->room)
	{
		values->room = values->room * 2 + 4;
		values->values = values->values == NULL ?
			palloc(values->room * sizeof(Datum)) :
			repalloc(values->values, values->room * sizeof(Datum));
	}
	values->values[values->number++] = value;
}

static Datum
time_array(const Values *values)
{
	return PointerGetDatum(construct_array(values->values, values->number, TIMESTAMPTZOID,
										   sizeof(TimestampTz), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}

/*
 * Reads the dates and times of lines; of a period the end, too.  A date that an event with
 * times leaves out is the time of the event on that day.  To an event of whole days a time
 * means the day that is written, whatever its time zone.
 */
static void
read_times(Reader *reader, List *lines, const Moment *start, const char *zone,
		   Values *starts, Values *ends)
{
	pg_tz	   *tz = casnet_zone_find(zone);
	ListCell   *cell;

	foreach(cell, lines)
	{
		Line	   *line = lfirst(cell);
		const char *text = line->value;

		while (*text != '\0')
		{
			Moment		moment = read_moment(reader, line, &text, zone);
			TimestampTz end = DT_NOEND;

			CHECK_FOR_INTERRUPTS();
			if (starts->number == MOST_TIMES)
				refuse_line(line->number, "The event has too many dates.");
			if (moment.is_day && !start->is_day)
			{
				Timestamp	within = casnet_zone_local(start->at, tz);

				within -= (within / USECS_PER_DAY - (within % USECS_PER_DAY < 0)) *
					USECS_PER_DAY;
				casnet_zone_instant(casnet_zone_local(moment.at, tz) + within, tz, &moment.at);
			}
			else if (start->is_day && !moment.is_day)
				casnet_zone_instant(moment.day * USECS_PER_DAY, tz, &moment.at);
			if (*text == '/')
			{
				text++;
				end = *text >= '0' && *text <= '9' ?
					read_moment(reader, line, &text, zone).at :
					later_by(line, &text, moment.at, tz);
			}
			if (end < moment.at)
				refuse_line(line->number, "The period ends before it begins.");
			append_value(starts, TimestampTzGetDatum(moment.at));
			if (ends != NULL)
				append_value(ends, TimestampTzGetDatum(end));
			if (*text == ',')
				text++;
			else if (*text != '\0')
				refuse_line(line->number, "There is something behind the time.");
		}
	}
}

/*
 * The rule of a line, without what programs put there that does not belong there: a
 * semicolon at the end, COUNT below zero, and a part twice.  Empty if nothing is left.
 */
static char *
cleaned_rule(const Line *line)
{
	StringInfoData rule;
	const char *part = line->value;
	CasnetRule	parsed;
	char	   *problem;

	initStringInfo(&rule);
	while (*part != '\0')
	{
		size_t		length = strcspn(part, ";");
		char	   *again = length == 0 ? NULL :
			strstr(rule.data, pnstrdup(part, length));
		bool		is_new = again == NULL ||
			(again > rule.data && again[-1] != ';') ||
			(again[length] != ';' && again[length] != '\0');

		if (length > 0 && is_new && pg_strncasecmp(part, "COUNT=-", 7) != 0)
			appendStringInfo(&rule, "%s%.*s", rule.len > 0 ? ";" : "", (int) length, part);
		if (rule.len > CASNET_RULE_LENGTH)
			refuse_line(line->number, "The rule is too long.");
		part += length + (part[length] == ';');
	}
	problem = rule.len == 0 ? NULL : casnet_rule_parse(rule.data, &parsed);
	if (problem != NULL)
		refuse_line(line->number, problem);
	return rule.data;
}

/* Take a line of an event. */
static void
read_property(Reader *reader, Line *line)
{
	Component  *event = reader->event;

	if (pg_strcasecmp(line->name, "UID") == 0)
		event->uid = kept_line(line);
	else if (pg_strcasecmp(line->name, "DTSTART") == 0)
		event->start = kept_line(line);
	else if (pg_strcasecmp(line->name, "DTEND") == 0)
		event->end = kept_line(line);
	else if (pg_strcasecmp(line->name, "DURATION") == 0)
		event->duration = kept_line(line);
	else if (pg_strcasecmp(line->name, "RECURRENCE-ID") == 0)
		event->recurrence = kept_line(line);
	else if (pg_strcasecmp(line->name, "SEQUENCE") == 0)
		event->sequence = Max(0, Min(atoi(line->value), 1000000000));
	else if (pg_strcasecmp(line->name, "SUMMARY") == 0)
		event->title = unescaped(line->value);
	else if (pg_strcasecmp(line->name, "DESCRIPTION") == 0)
		event->description = unescaped(line->value);
	else if (pg_strcasecmp(line->name, "LOCATION") == 0)
		event->location = unescaped(line->value);
	else if (pg_strcasecmp(line->name, "STATUS") == 0)
		event->status = pg_strcasecmp(line->value, "CANCELLED") == 0 ? "CANCELLED" :
			"SCHEDULED";
	else if (pg_strcasecmp(line->name, "X-CASNET-STATUS") == 0)
		event->completed = pg_strcasecmp(line->value, "COMPLETED") == 0;
	else if (pg_strcasecmp(line->name, "X-CASNET-TIME-ZONE") == 0)
		event->zone = zone_named(reader, line->value);
	else if (pg_strcasecmp(line->name, "RRULE") == 0)
	{
		if (list_length(event->rules) == MOST_RULES)
			refuse_line(line->number, "The event has too many rules.");
		event->rules = lappend(event->rules, kept_line(line));
	}
	else if (pg_strcasecmp(line->name, "EXDATE") == 0)
		event->excluded = lappend(event->excluded, kept_line(line));
	else if (pg_strcasecmp(line->name, "RDATE") == 0)
		event->added = lappend(event->added, kept_line(line));
}

/* A component begins. */
static void
begin_component(Reader *reader, Line *line)
{
	if (reader->depth == MOST_DEPTH)
		refuse_line(line->number, "It begins a component too deep within others.");
	reader->components[reader->depth++] = pstrdup(line->value);
	if (reader->event == NULL && pg_strcasecmp(line->value, "VEVENT") == 0)
	{
		reader->event = palloc0(sizeof(Component));
		reader->event->line = line->number;
	}
	else if (pg_strcasecmp(line->value, "VTIMEZONE") == 0)
		reader->zone_id = NULL;
}

/* A component ends: the last one that has begun, whatever name the line has. */
static void
end_component(Reader *reader, Line *line)
{
	if (reader->depth == 0)
		refuse_line(line->number, "It ends what has not begun.");
	reader->depth--;
	if (reader->event != NULL &&
		pg_strcasecmp(reader->components[reader->depth], "VEVENT") == 0)
	{
		reader->events = lappend(reader->events, reader->event);
		reader->event = NULL;
	}
}

/* Take a line outside of events. */
static void
read_other(Reader *reader, Line *line)
{
	const char *component = reader->depth == 0 ? "" : reader->components[reader->depth - 1];

	if (pg_strcasecmp(component, "VCALENDAR") == 0 &&
		pg_strcasecmp(line->name, "X-WR-TIMEZONE") == 0)
		reader->zone = strlen(line->value) > ZONE_LENGTH ? NULL : unescaped(line->value);
	else if (pg_strcasecmp(component, "VTIMEZONE") == 0)
	{
		if (pg_strcasecmp(line->name, "TZID") == 0)
			reader->zone_id = strlen(line->value) > ZONE_LENGTH ? NULL : pstrdup(line->value);
		else if (reader->zone_id != NULL &&
				 pg_strcasecmp(line->name, "X-LIC-LOCATION") == 0)
		{
			if (list_length(reader->zones) == MOST_ZONES)
				refuse_line(line->number, "There are too many time zones.");
			reader->zones = lappend(reader->zones,
									list_make2(reader->zone_id, pstrdup(line->value)));
			if (reader->asked != NULL)
				pfree(reader->asked);
			reader->asked = NULL;
		}
	}
}

/* Read all lines. */
static void
read_lines(Reader *reader)
{
	Line		line;
	bool		is_calendar = false;

	initStringInfo(&reader->text);
	while (next_line(reader, &line))
	{
		if (pg_strcasecmp(line.name, "BEGIN") == 0)
		{
			begin_component(reader, &line);
			is_calendar |= pg_strcasecmp(line.value, "VCALENDAR") == 0;
		}
		else if (pg_strcasecmp(line.name, "END") == 0)
			end_component(reader, &line);
		else if (reader->event == NULL)
			read_other(reader, &line);
		else if (pg_strcasecmp(reader->components[reader->depth - 1], "VEVENT") == 0)
			read_property(reader, &line);
	}
	if (reader->depth > 0)
		refuse_line(reader->number, psprintf("There is no end of %s.",
											 reader->components[reader->depth - 1]));
	if (!is_calendar)
		refuse_line(1, "There is no BEGIN:VCALENDAR.");
}

/*
 * The end of an event.  One before the start changes places with it.  An event whose start
 * is a date and whose end is a time begins at midnight.
 */
static TimestampTz
end_of_event(Reader *reader, const Component *event, Moment *start, const char *zone,
			 bool *has_end)
{
	TimestampTz end = start->at;
	pg_tz	   *tz = casnet_zone_find(zone);

	*has_end = event->end != NULL || event->duration != NULL;
	if (event->end != NULL)
	{
		Moment		moment = read_whole_moment(reader, event->end, zone);

		end = moment.at;
		start->is_day = start->is_day && moment.is_day;
	}
	else if (event->duration != NULL)
	{
		const char *text = event->duration->value;

		end = later_by(event->duration, &text, start->at, tz);
		if (*text != '\0')
			refuse_line(event->duration->number, "There is no such duration.");
		start->is_day = start->is_day &&
			casnet_zone_local(end, tz) % USECS_PER_DAY == 0;
	}
	if (end < start->at)
	{
		TimestampTz first = end;

		end = start->at;
		start->at = first;
	}
	return end;
}

static void
set_text(Datum *value, bool *isnull, const char *text)
{
	*isnull = text == NULL;
	if (text != NULL)
		*value = CStringGetTextDatum(text);
}

/* The rules of an event, each one once. */
static Datum
rules_of(const Component *event)
{
	Values		rules = {0};
	List	   *seen = NIL;
	ListCell   *cell;

	foreach(cell, event->rules)
	{
		char	   *rule = cleaned_rule(lfirst(cell));
		ListCell   *other;
		bool		is_new = *rule != '\0';

		foreach(other, seen)
			is_new = is_new && pg_strcasecmp(lfirst(other), rule) != 0;
		if (!is_new)
			continue;
		seen = lappend(seen, rule);
		append_value(&rules, CStringGetTextDatum(rule));
	}
	return PointerGetDatum(construct_array(rules.values, rules.number, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/* Whether a calendar can have that time, in each time zone. */
bool
casnet_calendar_has_year(TimestampTz at)
{
	return at >= (TimestampTz) (date2j(1, 1, 2) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY &&
		at < (TimestampTz) (date2j(9999, 12, 31) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
}

/* Put an event into the result. */
static void
put_event(Reader *reader, const Component *event, ReturnSetInfo *result)
{
	Datum		values[EVENT_COLUMNS] = {0};
	bool		isnull[EVENT_COLUMNS] = {false};
	Values		excluded = {0};
	Values		added = {0};
	Values		added_ends = {0};
	const char *zone = event->zone != NULL ? event->zone : zone_by_default(reader);
	Moment		start;
	bool		has_end;
	char	   *range = event->recurrence == NULL ? NULL :
		parameter_of(event->recurrence, "RANGE");

	if (event->start == NULL)
		refuse_line(event->line, "The event has no DTSTART.");
	start = read_whole_moment(reader, event->start, zone);
	/* A calendar that has a zone writes times in UTC, and means the zone. */
	if (start.zone != NULL && event->zone == NULL &&
		(strcmp(start.zone, "UTC") != 0 || reader->zone == NULL))
		zone = start.zone;
	values[0] = Int32GetDatum(event->line);
	/* Two events without UID are two. */
	set_text(&values[1], &isnull[1], event->uid != NULL ? event->uid->value :
			 psprintf("%d %s %s", event->line, event->start->value,
					  event->title == NULL ? "" : event->title));
	values[2] = Int32GetDatum(event->sequence);
	set_text(&values[3], &isnull[3], event->title == NULL ? "" : event->title);
	set_text(&values[4], &isnull[4], event->description);
	set_text(&values[5], &isnull[5], event->location);
	set_text(&values[6], &isnull[6], event->completed ? "COMPLETED" :
			 event->status == NULL ? "SCHEDULED" : event->status);
	values[8] = TimestampTzGetDatum(end_of_event(reader, event, &start, zone, &has_end));
	isnull[8] = !has_end;
	if (!casnet_calendar_has_year(start.at) ||
		!casnet_calendar_has_year(DatumGetTimestampTz(values[8])))
		refuse_line(event->start->number, "The event is not in the years 1 to 9999.");
	values[7] = TimestampTzGetDatum(start.at);
	values[9] = BoolGetDatum(start.is_day);
	set_text(&values[10], &isnull[10], zone);
	values[11] = rules_of(event);
	read_times(reader, event->excluded, &start, zone, &excluded, NULL);
	values[12] = time_array(&excluded);
	read_times(reader, event->added, &start, zone, &added, &added_ends);
	values[13] = time_array(&added);
	values[14] = time_array(&added_ends);
	isnull[15] = event->recurrence == NULL;
	if (event->recurrence != NULL)
	{
		Moment		moment = read_whole_moment(reader, event->recurrence, zone);

		values[15] = TimestampTzGetDatum(moment.at);
		values[16] = BoolGetDatum(moment.is_day);
		values[17] = DateADTGetDatum(moment.day);
	}
	isnull[17] = event->recurrence == NULL;
	values[18] = BoolGetDatum(range != NULL && pg_strcasecmp(range, "THISANDFUTURE") == 0);
	tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
}

/*
 * casnet_internal.read_calendar(calendar text, OUT line integer, OUT uid text,
 * OUT sequence integer, OUT title text, OUT description text, OUT location text,
 * OUT status text, OUT starts_at timestamptz, OUT ends_at timestamptz, OUT all_day boolean,
 * OUT time_zone text, OUT rules text[], OUT excluded timestamptz[], OUT added timestamptz[],
 * OUT added_ends timestamptz[], OUT occurrence_at timestamptz, OUT of_day boolean,
 * OUT occurrence_day date, OUT and_future boolean) returns setof record
 *
 * The events of a calendar by RFC 5545.  What has no time zone is in that of the calendar,
 * or of the session.  Raises 22023 for what cannot be read, with the number of the line.
 */
Datum
casnet_read_calendar(PG_FUNCTION_ARGS)
{
	Reader		reader = {0};
	ListCell   *cell;
	MemoryContext context;
	MemoryContext former;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	reader.rest = text_to_cstring(PG_GETARG_TEXT_PP(0));
	reader.number = 1;
	reader.context = CurrentMemoryContext;
	/* what some programs write before a text in UTF-8 */
	if (strncmp(reader.rest, "\xEF\xBB\xBF", 3) == 0)
		reader.rest += 3;
	read_lines(&reader);
	context = AllocSetContextCreate(CurrentMemoryContext, "casnet event",
									ALLOCSET_DEFAULT_SIZES);
	former = MemoryContextSwitchTo(context);
	foreach(cell, reader.events)
	{
		CHECK_FOR_INTERRUPTS();
		put_event(&reader, lfirst(cell), (ReturnSetInfo *) fcinfo->resultinfo);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(former);
	MemoryContextDelete(context);
	return (Datum) 0;
}
