/*
 * rule.c
 *		Recurrence rules: the text of section 3.3.10 of RFC 5545.
 */
#include "postgres.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "casnet.h"
#include "recurrence.h"

/* A list of numbers: where its set is, and which numbers are allowed. */
typedef struct NumberList
{
	const char *name;
	int			part;
	size_t		offset;
	int			lowest;			/* if negative, zero is not allowed */
	int			highest;
} NumberList;

static const NumberList number_lists[] = {
	{"BYSECOND", CASNET_BY_SECOND, offsetof(CasnetRule, seconds), 0, 60},
	{"BYMINUTE", CASNET_BY_MINUTE, offsetof(CasnetRule, minutes), 0, 59},
	{"BYHOUR", CASNET_BY_HOUR, offsetof(CasnetRule, hours), 0, 23},
	{"BYMONTHDAY", CASNET_BY_MONTH_DAY, offsetof(CasnetRule, month_days), -31, 31},
	{"BYYEARDAY", CASNET_BY_YEAR_DAY, offsetof(CasnetRule, year_days), -366, 366},
	{"BYWEEKNO", CASNET_BY_WEEK, offsetof(CasnetRule, weeks), -53, 53},
	{"BYMONTH", CASNET_BY_MONTH, offsetof(CasnetRule, months), 1, 12},
	{"BYSETPOS", CASNET_BY_POSITION, offsetof(CasnetRule, positions), -366, 366}
};

static const char *const frequencies[] = {
	"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"
};

static const char *const weekdays[] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

/* The place of a word in a list, in any case, or -1. */
static int
place_of(const char *word, const char *const *words, int number)
{
	for (int i = 0; i < number; i++)
		if (pg_strcasecmp(word, words[i]) == 0)
			return i;
	return -1;
}

/*
 * Reads digits, at most that many; moves on behind them.  Returns false if there is none,
 * or more.
 */
static bool
read_digits(const char **text, int most, int *number)
{
	int			digits = 0;

	*number = 0;
	for (; **text >= '0' && **text <= '9'; (*text)++)
	{
		if (++digits > most)
			return false;
		*number = *number * 10 + (**text - '0');
	}
	return digits > 0;
}

/* Reads a number with a sign before it, if it has one. */
static bool
read_signed(const char **text, int *number)
{
	int			sign = **text == '-' ? -1 : 1;

	if (**text == '-' || **text == '+')
		(*text)++;
	if (!read_digits(text, 3, number))
		return false;
	*number *= sign;
	return true;
}

/* Reads exactly that many digits. */
static bool
read_field(const char **text, int digits, int lowest, int highest, int *number)
{
	const char *before = *text;

	*number = 0;
	while (*text < before + digits && **text >= '0' && **text <= '9')
		*number = *number * 10 + (*(*text)++ - '0');
	return *text == before + digits && *number >= lowest && *number <= highest;
}

/* Reads the last day or time of a rule.  Returns whether it is one. */
static bool
read_until(const char *text, CasnetRule *rule)
{
	int			year;
	int			month;
	int			day;
	int			hour;
	int			minute;
	int			second;

	if (!read_field(&text, 4, 1, 9999, &year) ||
		!read_field(&text, 2, 1, 12, &month) ||
		!read_field(&text, 2, 1, day_tab[isleap(year)][month - 1], &day))
		return false;
	rule->until = (Timestamp) (date2j(year, month, day) - POSTGRES_EPOCH_JDATE) *
		USECS_PER_DAY;
	rule->end = CASNET_RULE_DATE;
	if (*text == '\0')
		return true;
	if ((*text != 'T' && *text != 't') || !(text++, read_field(&text, 2, 0, 23, &hour)) ||
		!read_field(&text, 2, 0, 59, &minute) ||
		!read_field(&text, 2, 0, 60, &second))
		return false;
	rule->until += ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
	rule->end = CASNET_RULE_LOCAL;
	if (*text == 'Z' || *text == 'z')
	{
		rule->end = CASNET_RULE_UTC;
		text++;
	}
	return *text == '\0';
}

/* Reads a list of numbers into its set.  Returns whether it is one. */
static bool
read_numbers(const char *text, const NumberList *list, CasnetRule *rule)
{
	bool	   *set = (bool *) ((char *) rule + list->offset);

	for (;; text++)
	{
		int			number;

		if (!(list->lowest < 0 ? read_signed(&text, &number) :
			  read_digits(&text, 2, &number)) ||
			number < list->lowest || number > list->highest ||
			(list->lowest < 0 && number == 0))
			return false;
		set[list->lowest < 0 ? number + list->highest : number] = true;
		if (*text != ',')
			return *text == '\0';
	}
}

/* Reads a list of days of the week.  Returns whether it is one. */
static bool
read_weekdays(const char *text, CasnetRule *rule)
{
	for (;; text++)
	{
		bool		is_nth = *text == '+' || *text == '-' ||
			(*text >= '0' && *text <= '9');
		int			number = 0;
		char		name[3] = "";
		int			weekday;

		if (is_nth && (!read_signed(&text, &number) || number == 0 ||
					   number < -53 || number > 53))
			return false;
		strlcpy(name, text, sizeof(name));
		weekday = place_of(name, weekdays, lengthof(weekdays));
		if (weekday < 0)
			return false;
		if (is_nth)
			rule->nth_weekdays[weekday][number + 53] = true;
		else
			rule->weekdays[weekday] = true;
		text += 2;
		if (*text != ',')
			return *text == '\0';
	}
}

/* Which part a name means, or 0. */
static int
part_named(const char *name, const NumberList **list)
{
	static const char *const names[] = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY"};
	static const int parts[] = {
		CASNET_FREQUENCY, CASNET_INTERVAL, CASNET_COUNT, CASNET_UNTIL,
		CASNET_WEEK_START, CASNET_BY_DAY
	};
	int			place = place_of(name, names, lengthof(names));

	*list = NULL;
	if (place >= 0)
		return parts[place];
	for (int i = 0; i < lengthof(number_lists); i++)
		if (pg_strcasecmp(name, number_lists[i].name) == 0)
		{
			*list = &number_lists[i];
			return number_lists[i].part;
		}
	return 0;
}

/* Reads the value of a part.  Returns whether it is one. */
static bool
read_value(int part, const NumberList *list, const char *value, CasnetRule *rule)
{
	int			place;

	if (list != NULL)
		return read_numbers(value, list, rule);
	switch (part)
	{
		case CASNET_FREQUENCY:
			place = place_of(value, frequencies, lengthof(frequencies));
			rule->frequency = (CasnetFrequency) Max(place, 0);
			return place >= 0;
		case CASNET_WEEK_START:
			rule->week_start = place_of(value, weekdays, lengthof(weekdays));
			return rule->week_start >= 0;
		case CASNET_INTERVAL:
			return read_digits(&value, 9, &rule->interval) && *value == '\0' &&
				rule->interval > 0;
		case CASNET_COUNT:
			return read_digits(&value, 9, &rule->count) && *value == '\0' &&
				rule->count > 0 && rule->count <= CASNET_MOST_OF_COUNT;
		case CASNET_UNTIL:
			return read_until(value, rule);
		default:
			return read_weekdays(value, rule);
	}
}

/* Whether a day of the week has a number before it. */
static bool
has_nth_weekday(const CasnetRule *rule)
{
	for (int weekday = 0; weekday < 7; weekday++)
		for (int i = 0; i < lengthof(rule->nth_weekdays[0]); i++)
			if (rule->nth_weekdays[weekday][i])
				return true;
	return false;
}

/* What is wrong with parts that are right each, or NULL. */
static char *
problem_of_parts(const CasnetRule *rule)
{
	int			parts = rule->parts;
	CasnetFrequency frequency = rule->frequency;

	if (!(parts & CASNET_FREQUENCY))
		return "It has no FREQ.";
	if ((parts & CASNET_COUNT) && (parts & CASNET_UNTIL))
		return "It has both COUNT and UNTIL.";
	if ((parts & CASNET_BY_WEEK) && frequency != CASNET_YEARLY)
		return "BYWEEKNO needs FREQ=YEARLY.";
	if ((parts & CASNET_BY_MONTH_DAY) && frequency == CASNET_WEEKLY)
		return "BYMONTHDAY does not go with FREQ=WEEKLY.";
	if ((parts & CASNET_BY_YEAR_DAY) && frequency >= CASNET_DAILY &&
		frequency <= CASNET_MONTHLY)
		return "BYYEARDAY does not go with FREQ=DAILY, WEEKLY or MONTHLY.";
	if (has_nth_weekday(rule) &&
		(frequency < CASNET_MONTHLY || (parts & CASNET_BY_WEEK)))
		return "A number before a day of BYDAY needs FREQ=MONTHLY, or YEARLY without BYWEEKNO.";
	if ((parts & CASNET_BY_POSITION) &&
		!(parts & CASNET_BY_ANY & ~CASNET_BY_POSITION))
		return "BYSETPOS needs another part that begins with BY.";
	return NULL;
}

/*
 * Reads a rule.  Returns what is wrong with it, as a sentence, or NULL.  Nothing beyond
 * the length of the text is allocated.
 */
char *
casnet_rule_parse(const char *text, CasnetRule *rule)
{
	char	   *rest = pstrdup(text);

	memset(rule, 0, sizeof(*rule));
	rule->interval = 1;
	rule->week_start = 1;
	while (rest != NULL)
	{
		char	   *name = rest;
		char	   *value;
		const NumberList *list;
		int			part;

		rest = strchr(name, ';');
		if (rest != NULL)
			*rest++ = '\0';
		value = strchr(name, '=');
		if (value == NULL)
			return psprintf("\"%.40s\" has no value.", name);
		*value++ = '\0';
		part = part_named(name, &list);
		if (part == 0)
			return psprintf("It has no part \"%.40s\".", name);
		if (rule->parts & part)
			return psprintf("It has %s twice.", name);
		rule->parts |= part;
		if (!read_value(part, list, value, rule))
			return psprintf("%s cannot be \"%.40s\".", name, value);
	}
	return problem_of_parts(rule);
}
