/*
 * zone.c
 *		Time zones, by the server's own tables.
 */
#include "postgres.h"

#include "pgtime.h"
#include "nodes/pg_list.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "casnet.h"

#define DIGITS "0123456789"

/* Seconds from 1970 to 2000. */
#define SECONDS_TO_2000 ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/*
 * The names of zones with digits, which are few.  To list zones takes as long as reading
 * hundreds of files, so a session does it once.
 */
static List *names_with_digits = NIL;
static bool names_are_known = false;

/* List the names of zones with digits. */
static void
know_names(void)
{
	pg_tzenum  *all = pg_tzenumerate_start();
	pg_tz	   *zone;

	/* an attempt that failed has left some */
	list_free_deep(names_with_digits);
	names_with_digits = NIL;
	while ((zone = pg_tzenumerate_next(all)) != NULL)
	{
		MemoryContext former = MemoryContextSwitchTo(TopMemoryContext);

		if (strpbrk(pg_get_timezone_name(zone), DIGITS) != NULL)
			names_with_digits = lappend(names_with_digits,
										pstrdup(pg_get_timezone_name(zone)));
		MemoryContextSwitchTo(former);
	}
	pg_tzenumerate_end(all);
	names_are_known = true;
}

/* Whether the server has a zone of exactly that name, which has digits. */
static bool
is_listed(const char *name)
{
	ListCell   *lc;

	if (!names_are_known)
		know_names();
	foreach(lc, names_with_digits)
		if (strcmp(name, lfirst(lc)) == 0)
			return true;
	return false;
}

/*
 * The zone of that IANA name, in any case; NULL if there is none.  The server takes POSIX
 * descriptions of zones for names, too.  Those have digits, as a few names have.  A name
 * in lower case, such as localtime, means another zone on another machine.
 */
pg_tz *
casnet_zone_find(const char *name)
{
	pg_tz	   *zone;

	if (name[0] == '\0' || strlen(name) > TZ_STRLEN_MAX ||
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") != strlen(name))
		return NULL;
	zone = pg_tzset(name);
	if (zone == NULL || !pg_tz_acceptable(zone))
		return NULL;
	name = pg_get_timezone_name(zone);
	if (name[0] < 'A' || name[0] > 'Z' ||
		(strpbrk(name, DIGITS) != NULL && !is_listed(name)))
		return NULL;
	return zone;
}

/*
 * The IANA name of the session's zone.  A fixed offset of whole hours has one, too; NULL
 * if there is none.
 */
const char *
casnet_zone_of_session(void)
{
	pg_tz	   *zone = casnet_zone_find(pg_get_timezone_name(session_timezone));
	long		offset;

	if (zone != NULL)
		return pg_get_timezone_name(zone);
	if (!pg_get_timezone_offset(session_timezone, &offset) ||
		offset % SECS_PER_HOUR != 0)
		return NULL;
	/* POSIX counts to the west. */
	zone = casnet_zone_find(offset == 0 ? "UTC" :
							psprintf("Etc/GMT%+ld", -offset / SECS_PER_HOUR));
	return zone == NULL ? NULL : pg_get_timezone_name(zone);
}

/* Seconds to the east of UTC at that time. */
static int64
offset_at(TimestampTz at, const pg_tz *zone)
{
	pg_time_t	seconds = at / USECS_PER_SEC - (at % USECS_PER_SEC < 0) + SECONDS_TO_2000;
	struct pg_tm *local = pg_localtime(&seconds, zone);

	if (local == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
				 errmsg("timestamp out of range"),
				 errhint("Give an earlier or later time.")));
	return local->tm_gmtoff;
}

/* The local time of a finite time. */
Timestamp
casnet_zone_local(TimestampTz at, const pg_tz *zone)
{
	return at + offset_at(at, zone) * USECS_PER_SEC;
}

/*
 * The time of a local time, by section 3.3.5 of RFC 5545: a local time that occurs twice
 * is the first one, and one that does not occur has the offset of before.  Returns whether
 * it occurs.
 */
bool
casnet_zone_instant(Timestamp local, const pg_tz *zone, TimestampTz *at)
{
	int64		before = offset_at(local - USECS_PER_DAY, zone);
	int64		after = offset_at(local + USECS_PER_DAY, zone);
	TimestampTz later = local - after * USECS_PER_SEC;

	*at = local - before * USECS_PER_SEC;
	if (before == after || offset_at(*at, zone) == before)
		return true;
	if (offset_at(later, zone) != after)
		return false;
	*at = later;
	return true;
}
