/*
 * recurrence.c
 *		The local times of a recurrence rule, in order.
 *
 * It goes through the periods of the rule (years, months, weeks, days).  In each it looks
 * which days match, and takes the times of each.  A day is a number of days since
 * 2000-01-01.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "casnet.h"
#include "recurrence.h"

/* Days and times that are looked at for one rule: less than a second. */
#define MOST_STEPS 20000000

/* No timestamp is of a later year. */
#define LAST_YEAR 294276

typedef struct Walk
{
	CasnetRule	rule;			/* with what the first time says about the others */
	Timestamp	first;
	Timestamp	since;			/* periods before it are left out */
	Timestamp	until;
	CasnetTakeTime take;
	void	   *state;
	int			first_day;
	int			day_seconds;	/* of the first time */
	int			fraction;		/* of its second */
	int			times;			/* of a day that matches */
	int			seconds[60];
	int			seconds_number;
	int			minutes[60];
	int			minutes_number;
	int			hours[24];
	int			hours_number;
	int64		steps;			/* left */
} Walk;

/* What is known of a day. */
typedef struct Day
{
	int			number;
	int			year;
	int			month;
	int			day;
	int			weekday;
} Day;

static int
day_number(int year, int month, int day)
{
	return date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
}

static int
weekday_of(int number)
{
	return j2day(number + POSTGRES_EPOCH_JDATE);
}

static void
know_day(int number, Day *day)
{
	day->number = number;
	j2date(number + POSTGRES_EPOCH_JDATE, &day->year, &day->month, &day->day);
	day->weekday = weekday_of(number);
}

static int
days_of_month(int year, int month)
{
	return day_tab[isleap(year)][month - 1];
}

static int
days_of_year(int year)
{
	return isleap(year) ? 366 : 365;
}

/* The day of a local time. */
static int
day_of(Timestamp local)
{
	return local / USECS_PER_DAY - (local % USECS_PER_DAY < 0);
}

/* a modulo b, never negative. */
static int64
modulo(int64 a, int64 b)
{
	int64		rest = a % b;

	return rest < 0 ? rest + b : rest;
}

/*
 * The number of the week in which a day is, and how many weeks its year has.  A week is of
 * the year in which most of its days are.
 */
static int
week_of(int number, int week_start, int *weeks)
{
	Day			middle;
	int			last;

	know_day(number - (weekday_of(number) - week_start + 7) % 7 + 3, &middle);
	last = day_number(middle.year, 12, 28);
	last = last - (weekday_of(last) - week_start + 7) % 7 + 3;
	*weeks = (last - day_number(middle.year, 1, 1)) / 7 + 1;
	return (middle.number - day_number(middle.year, 1, 1)) / 7 + 1;
}

/* Whether BYDAY has the day. */
static bool
weekday_matches(const CasnetRule *rule, const Day *day)
{
	bool		within_year = rule->frequency == CASNET_YEARLY &&
		!(rule->parts & CASNET_BY_MONTH);
	int			place = within_year ?
		day->number - day_number(day->year, 1, 1) : day->day - 1;
	int			length = within_year ? days_of_year(day->year) :
		days_of_month(day->year, day->month);
	const bool *nth = rule->nth_weekdays[day->weekday];

	return rule->weekdays[day->weekday] || nth[53 + place / 7 + 1] ||
		nth[53 - ((length - 1 - place) / 7 + 1)];
}

/* Whether all lists of days have the day. */
static bool
day_matches(const CasnetRule *rule, const Day *day)
{
	int			parts = rule->parts;

	if ((parts & CASNET_BY_MONTH) && !rule->months[day->month])
		return false;
	if ((parts & CASNET_BY_MONTH_DAY) && !rule->month_days[31 + day->day] &&
		!rule->month_days[31 + day->day - 1 - days_of_month(day->year, day->month)])
		return false;
	if ((parts & CASNET_BY_DAY) && !weekday_matches(rule, day))
		return false;
	if (parts & CASNET_BY_YEAR_DAY)
	{
		int			place = day->number - day_number(day->year, 1, 1);

		if (!rule->year_days[366 + place + 1] &&
			!rule->year_days[366 + place - days_of_year(day->year)])
			return false;
	}
	if (parts & CASNET_BY_WEEK)
	{
		int			weeks;
		int			week = week_of(day->number, rule->week_start, &weeks);

		if (!rule->weeks[53 + week] && !rule->weeks[53 + week - weeks - 1])
			return false;
	}
	return true;
}

/* Give a time to whom it is for.  Returns whether more are wanted. */
static bool
take_time(Walk *walk, int day, int seconds)
{
	Timestamp	local = day * USECS_PER_DAY + seconds * USECS_PER_SEC +
		walk->fraction;

	CHECK_FOR_INTERRUPTS();
	walk->steps--;
	if (local > walk->until || walk->steps < 0)
		return false;
	return local <= walk->first || walk->take(local, walk->state);
}

/* The time of a day with that number among those that the lists give. */
static int
time_numbered(const Walk *walk, int number)
{
	int			second = number % walk->seconds_number;
	int			minute = number / walk->seconds_number % walk->minutes_number;
	int			hour = number / walk->seconds_number / walk->minutes_number;

	return (walk->hours[hour] * 60 + walk->minutes[minute]) * 60 +
		walk->seconds[second];
}

static int
compare_places(const void *a, const void *b)
{
	int64		difference = *(const int64 *) a - *(const int64 *) b;

	return difference < 0 ? -1 : difference > 0;
}

/*
 * The places that BYSETPOS names among so many, in order.  Returns how many they are.
 */
static int
named_places(Walk *walk, int64 total, int64 *places)
{
	const CasnetRule *rule = &walk->rule;
	int			last = Min(total, 366);
	int			number = 0;
	int			kept = 0;

	walk->steps -= last;
	for (int position = 1; position <= last; position++)
	{
		if (rule->positions[366 + position])
			places[number++] = position - 1;
		if (rule->positions[366 - position])
			places[number++] = total - position;
	}
	qsort(places, number, sizeof(int64), compare_places);
	for (int i = 0; i < number; i++)
		if (kept == 0 || places[kept - 1] != places[i])
			places[kept++] = places[i];
	return kept;
}

/* Take the times of the days of a period.  Returns whether more are wanted. */
static bool
take_days(Walk *walk, const int *days, int number)
{
	int64		places[2 * 366];
	int			named;

	if (!(walk->rule.parts & CASNET_BY_POSITION))
	{
		for (int i = 0; i < number; i++)
			for (int time = 0; time < walk->times; time++)
				if (!take_time(walk, days[i], time_numbered(walk, time)))
					return false;
		return true;
	}
	named = named_places(walk, (int64) number * walk->times, places);
	for (int i = 0; i < named; i++)
		if (!take_time(walk, days[places[i] / walk->times],
					   time_numbered(walk, places[i] % walk->times)))
			return false;
	return true;
}

/*
 * Take what a period has, from one day to the day before another.  Returns whether more
 * is wanted.
 */
static bool
take_period(Walk *walk, int from, int to)
{
	int			days[366];
	int			number = 0;

	CHECK_FOR_INTERRUPTS();
	if (from > day_of(walk->until))
		return false;
	for (int i = from; i < to; i++)
	{
		Day			day;

		walk->steps--;
		know_day(i, &day);
		if ((walk->rule.parts & CASNET_BY_MONTH) && !walk->rule.months[day.month])
			/* to the end of the month */
			i += days_of_month(day.year, day.month) - day.day;
		else if (day_matches(&walk->rule, &day))
			days[number++] = i;
	}
	return walk->steps >= 0 && take_days(walk, days, number);
}

/*
 * The first of periods that the rule names which does not end before the time from which
 * on they are wanted: periods are numbered, and the rule names those that are a multiple
 * of the interval from the first.
 */
static int64
first_period(const Walk *walk, int64 first, int64 since)
{
	if (since <= first)
		return first;
	return since + modulo(first - since, walk->rule.interval);
}

static void
walk_years(Walk *walk)
{
	Day			first;
	Day			since;
	int64		year;

	know_day(walk->first_day, &first);
	know_day(day_of(walk->since), &since);
	for (year = first_period(walk, first.year, since.year);
		 year <= LAST_YEAR; year += walk->rule.interval)
		if (!take_period(walk, day_number(year, 1, 1), day_number(year + 1, 1, 1)))
			return;
}

static void
walk_months(Walk *walk)
{
	Day			first;
	Day			since;
	int64		month;

	know_day(walk->first_day, &first);
	know_day(day_of(walk->since), &since);
	for (month = first_period(walk, first.year * 12 + first.month - 1,
							  since.year * 12 + since.month - 1);
		 month <= LAST_YEAR * INT64CONST(12); month += walk->rule.interval)
	{
		int			within = modulo(month, 12);
		int			year = (month - within) / 12;
		int			from = day_number(year, within + 1, 1);

		if (!take_period(walk, from, from + days_of_month(year, within + 1)))
			return;
	}
}

/* Weeks are periods of seven days, days of one. */
static void
walk_days(Walk *walk, int length)
{
	int			first = walk->first_day;
	int64		period;

	if (length == 7)
		first -= (weekday_of(first) - walk->rule.week_start + 7) % 7;
	for (period = first_period(walk, 0, (day_of(walk->since) - first) / length);
		 first + period * length <= day_of(walk->until);
		 period += walk->rule.interval)
		if (!take_period(walk, first + period * length,
						 first + period * length + length))
			return;
}

/* Take the times of an hour, a minute or a second.  Returns whether more are wanted. */
static bool
take_parts(Walk *walk, int day, int from, const int *minutes, int minutes_number,
		   const int *seconds, int seconds_number)
{
	int64		places[2 * 366];
	int			total = minutes_number * seconds_number;
	int			named = total;

	if (walk->rule.parts & CASNET_BY_POSITION)
		named = named_places(walk, total, places);
	for (int i = 0; i < named; i++)
	{
		int			place = walk->rule.parts & CASNET_BY_POSITION ? places[i] : i;

		if (!take_time(walk, day, from + minutes[place / seconds_number] * 60 +
					   seconds[place % seconds_number]))
			return false;
	}
	return true;
}

/* Whether the list of hours or minutes has the one, if there is a list. */
static bool
part_matches(const Walk *walk, int part, const bool *set, int number)
{
	return !(walk->rule.parts & part) || set[number];
}

/*
 * Take what a minute has, for rules of minutes and seconds; the distance is that from
 * the first time to the minute's start, in seconds.  Returns whether more is wanted.
 */
static bool
take_minute(Walk *walk, int day, int from, int64 distance)
{
	static const int zero = 0;
	int			interval = walk->rule.interval;

	if (walk->rule.frequency == CASNET_MINUTELY)
		return modulo(distance / SECS_PER_MINUTE, interval) != 0 ||
			take_parts(walk, day, from, &zero, 1, walk->seconds,
					   walk->seconds_number);
	for (int64 second = modulo(-distance, interval); second < 60;
		 second += interval)
	{
		int			number = second;

		walk->steps--;
		if (part_matches(walk, CASNET_BY_SECOND, walk->rule.seconds, number) &&
			!take_parts(walk, day, from, &zero, 1, &number, 1))
			return false;
	}
	return walk->steps >= 0;
}

/* Take what a day has, for rules of hours and less.  Returns whether more is wanted. */
static bool
take_times(Walk *walk, int day, int64 distance)
{
	for (int hour = 0; hour < 24; hour++)
	{
		int			from = hour * SECS_PER_HOUR;

		walk->steps--;
		if (!part_matches(walk, CASNET_BY_HOUR, walk->rule.hours, hour))
			continue;
		if (walk->rule.frequency == CASNET_HOURLY)
		{
			if (modulo((distance + from) / SECS_PER_HOUR, walk->rule.interval) == 0 &&
				!take_parts(walk, day, from, walk->minutes, walk->minutes_number,
							walk->seconds, walk->seconds_number))
				return false;
			continue;
		}
		for (int minute = 0; minute < 60; minute++)
		{
			walk->steps--;
			if (part_matches(walk, CASNET_BY_MINUTE, walk->rule.minutes, minute) &&
				!take_minute(walk, day, from + minute * SECS_PER_MINUTE,
							 distance + from + minute * SECS_PER_MINUTE))
				return false;
		}
	}
	return walk->steps >= 0;
}

/* Days in which no period of the rule begins are passed over at once. */
static void
walk_times(Walk *walk)
{
	int			unit = walk->rule.frequency == CASNET_HOURLY ? SECS_PER_HOUR :
		walk->rule.frequency == CASNET_MINUTELY ? SECS_PER_MINUTE : 1;
	int			start = walk->day_seconds - walk->day_seconds % unit;
	int64		stride = (int64) walk->rule.interval * unit;
	int64		last = day_of(walk->until);

	for (int64 day = Max(walk->first_day, day_of(walk->since)); day <= last; day++)
	{
		int64		distance = (day - walk->first_day) * SECS_PER_DAY - start;
		int64		next = modulo(-distance, stride);
		Day			known;

		CHECK_FOR_INTERRUPTS();
		if (--walk->steps < 0)
			return;
		if (next >= SECS_PER_DAY)
		{
			day += next / SECS_PER_DAY - 1;
			continue;
		}
		know_day(day, &known);
		if (day_matches(&walk->rule, &known) && !take_times(walk, day, distance))
			return;
	}
}

/* The numbers of a set, in order, or that number without such a part. */
static int
numbers_of(const Walk *walk, int part, const bool *set, int size, int otherwise,
		   int *numbers)
{
	int			number = 0;

	if (!(walk->rule.parts & part))
		numbers[number++] = otherwise;
	else
		for (int i = 0; i < size; i++)
			if (set[i])
				numbers[number++] = i;
	return number;
}

/* What the rule does not say, the first time says. */
static void
complete_rule(Walk *walk)
{
	CasnetRule *rule = &walk->rule;
	int			days = CASNET_BY_DAY | CASNET_BY_MONTH_DAY | CASNET_BY_YEAR_DAY;
	Day			first;

	know_day(walk->first_day, &first);
	if (rule->frequency == CASNET_YEARLY &&
		!(rule->parts & (days | CASNET_BY_WEEK | CASNET_BY_MONTH)))
	{
		rule->parts |= CASNET_BY_MONTH;
		rule->months[first.month] = true;
	}
	if (rule->frequency == CASNET_WEEKLY || (rule->parts & CASNET_BY_WEEK))
	{
		if (!(rule->parts & days))
		{
			rule->parts |= CASNET_BY_DAY;
			rule->weekdays[first.weekday] = true;
		}
	}
	else if (rule->frequency > CASNET_WEEKLY && !(rule->parts & days))
	{
		rule->parts |= CASNET_BY_MONTH_DAY;
		rule->month_days[31 + first.day] = true;
	}
	/* There is no local time with such a second. */
	rule->seconds[60] = false;
	walk->hours_number = numbers_of(walk, CASNET_BY_HOUR, rule->hours, 24,
									walk->day_seconds / SECS_PER_HOUR, walk->hours);
	walk->minutes_number = numbers_of(walk, CASNET_BY_MINUTE, rule->minutes, 60,
									  walk->day_seconds / 60 % 60, walk->minutes);
	walk->seconds_number = numbers_of(walk, CASNET_BY_SECOND, rule->seconds, 60,
									  walk->day_seconds % 60, walk->seconds);
	walk->times = walk->hours_number * walk->minutes_number * walk->seconds_number;
}

/*
 * Gives the local times of a rule after the first one, in order, to whom they are for.
 * Begins with the period in which a time is, or earlier, and ends with the last time that
 * is not after another.  Returns false when that takes too long.
 */
bool
casnet_recurrence_each(const CasnetRule *rule, Timestamp first, Timestamp since,
					   Timestamp until, CasnetTakeTime take, void *state)
{
	Walk		walk = {.rule = *rule, .first = first, .since = Max(since, first),
	.until = until, .take = take, .state = state, .steps = MOST_STEPS};

	walk.first_day = day_of(first);
	walk.day_seconds = (first - walk.first_day * USECS_PER_DAY) / USECS_PER_SEC;
	walk.fraction = (first - walk.first_day * USECS_PER_DAY) % USECS_PER_SEC;
	complete_rule(&walk);
	if (walk.times == 0)
		return true;
	switch (rule->frequency)
	{
		case CASNET_YEARLY:
			walk_years(&walk);
			break;
		case CASNET_MONTHLY:
			walk_months(&walk);
			break;
		case CASNET_WEEKLY:
			walk_days(&walk, 7);
			break;
		case CASNET_DAILY:
			walk_days(&walk, 1);
			break;
		default:
			walk_times(&walk);
	}
	return walk.steps >= 0;
}
