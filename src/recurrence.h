/*
 * recurrence.h
 *		Shared by rule.c, recurrence.c and the calendar: recurrence rules and their times.
 */
#ifndef CASNET_RECURRENCE_H
#define CASNET_RECURRENCE_H

#include "datatype/timestamp.h"

typedef enum CasnetFrequency
{
	CASNET_SECONDLY,
	CASNET_MINUTELY,
	CASNET_HOURLY,
	CASNET_DAILY,
	CASNET_WEEKLY,
	CASNET_MONTHLY,
	CASNET_YEARLY
} CasnetFrequency;

/* What the end of a rule is compared with. */
typedef enum CasnetRuleEnd
{
	CASNET_RULE_ENDLESS,
	CASNET_RULE_DATE,			/* the day of an occurrence */
	CASNET_RULE_LOCAL,			/* its local time */
	CASNET_RULE_UTC				/* its time in UTC */
} CasnetRuleEnd;

/* The parts of a rule, as bits of what a rule has. */
#define CASNET_BY_SECOND	0x0001
#define CASNET_BY_MINUTE	0x0002
#define CASNET_BY_HOUR		0x0004
#define CASNET_BY_DAY		0x0008
#define CASNET_BY_MONTH_DAY	0x0010
#define CASNET_BY_YEAR_DAY	0x0020
#define CASNET_BY_WEEK		0x0040
#define CASNET_BY_MONTH		0x0080
#define CASNET_BY_POSITION	0x0100
#define CASNET_FREQUENCY	0x0200
#define CASNET_INTERVAL		0x0400
#define CASNET_COUNT		0x0800
#define CASNET_UNTIL		0x1000
#define CASNET_WEEK_START	0x2000
#define CASNET_BY_ANY		0x01FF

#define CASNET_MOST_OF_COUNT 100000

/* Longest text of a rule, in bytes. */
#define CASNET_RULE_LENGTH 2000

/*
 * A rule of RFC 5545.  In a set, an element says whether the number is in the list.  Where
 * a list can have negative numbers, the element for n is at n plus the highest number.
 */
typedef struct CasnetRule
{
	CasnetFrequency frequency;
	int			parts;			/* which it has */
	int			interval;
	int			count;
	CasnetRuleEnd end;
	Timestamp	until;			/* of a date: its midnight */
	int			week_start;		/* 0 is Sunday */
	bool		seconds[61];
	bool		minutes[60];
	bool		hours[24];
	bool		months[13];
	bool		month_days[2 * 31 + 1];
	bool		year_days[2 * 366 + 1];
	bool		weeks[2 * 53 + 1];
	bool		positions[2 * 366 + 1];
	bool		weekdays[7];	/* without a number before */
	bool		nth_weekdays[7][2 * 53 + 1];
} CasnetRule;

/* Takes a local time; returns whether it wants more. */
typedef bool (*CasnetTakeTime) (Timestamp local, void *state);

extern char *casnet_rule_parse(const char *text, CasnetRule *rule);
extern bool casnet_recurrence_each(const CasnetRule *rule, Timestamp first,
								   Timestamp since, Timestamp until,
								   CasnetTakeTime take, void *state);

#endif							/* CASNET_RECURRENCE_H */
