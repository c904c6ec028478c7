/*
 * strings.h
 *		More of the server for the targets of the calendar: strings and dates.  Included
 *		after server.h.
 */
#ifndef CASNET_FUZZ_STRINGS_H
#define CASNET_FUZZ_STRINGS_H

#undef vsnprintf
#undef appendStringInfo

volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

char *
pstrdup(const char *string)
{
	return strcpy(palloc(strlen(string) + 1), string);
}

char *
pnstrdup(const char *string, Size size)
{
	char	   *copy = palloc(size + 1);

	copy[size] = '\0';
	return memcpy(copy, string, size);
}

/* forget_memory() frees it. */
void
pfree(void *pointer)
{
}

size_t
strlcpy(char *into, const char *from, size_t size)
{
	size_t		length = strlen(from);

	MUST(size > 0);
	memcpy(into, from, Min(length, size - 1));
	into[Min(length, size - 1)] = '\0';
	return length;
}

unsigned char
pg_toupper(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

int
pg_strncasecmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; n--, a++, b++)
		if (pg_toupper(*a) != pg_toupper(*b) || *a == '\0')
			return pg_toupper(*a) - pg_toupper(*b);
	return 0;
}

int
pg_strcasecmp(const char *a, const char *b)
{
	return pg_strncasecmp(a, b, SIZE_MAX);
}

char *
psprintf(const char *format,...)
{
	va_list		arguments;
	char	   *text = palloc(4096);

	va_start(arguments, format);
	vsnprintf(text, 4096, format, arguments);
	va_end(arguments);
	return text;
}

int
errdetail_internal(const char *format,...)
{
	return 0;
}

void
pg_qsort(void *base, size_t number, size_t size, int (*compare) (const void *, const void *))
{
#undef qsort
	qsort(base, number, size, compare);
}

const int	day_tab[2][13] = {
	{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0},
	{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0}
};

/* Days before a month of a year that begins in March, in which leap days are at the end. */
static int
days_before(int month)
{
	return (153 * month + 2) / 5;
}

int
date2j(int year, int month, int day)
{
	int64		years = (int64) year + 4800 - (month <= 2);

	return 365 * years + years / 4 - years / 100 + years / 400 +
		days_before((month + 9) % 12) + day - 1 - 32044;
}

void
j2date(int jd, int *year, int *month, int *day)
{
	int			m = 0;

	*year = (jd + 32044) / 366 - 4801;
	while (date2j(*year + 1, 1, 1) <= jd)
		(*year)++;
	while (m < 11 && date2j(*year, m + 2, 1) <= jd)
		m++;
	*month = m + 1;
	*day = jd - date2j(*year, m + 1, 1) + 1;
}

int
j2day(int date)
{
	return ((date + 1) % 7 + 7) % 7;
}

#endif							/* CASNET_FUZZ_STRINGS_H */
