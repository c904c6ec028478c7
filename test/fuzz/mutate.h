/*
 * mutate.h
 *		Changes documents, one a line, as JSON.  Values, keys, members and lines are
 *		replaced, removed, repeated and moved.  libFuzzer changes strings.
 */
#ifndef CASNET_FUZZ_MUTATE_H
#define CASNET_FUZZ_MUTATE_H

#define MAX_SPANS 1024
#define MAX_DEPTH 64

extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
extern size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* A value or a key; the contents of a container come before the container. */
typedef struct Span
{
	size_t		start;
	size_t		end;
	bool		is_key;
} Span;

/* The input that is being changed. */
typedef struct Document
{
	char	   *data;
	size_t		size;
	size_t		max;
	Span		spans[MAX_SPANS];
	int			nspans;
} Document;

static const char *const odd_values[] = {
	"null", "true", "false", "0", "-1", "1.5", "1e300", "9223372036854775808", "\"\"", "\" \"", "\"x\"", "\"P!\"", "\"\\t\"", "\"\\u00e9\"",
	"\"\\ud83d\\ude00\"", "\"\\u202e\"", "\"infinity\"", "\"-infinity\"", "\"COMPLETED\"", "\"PENDING\"", "\"IN_PROGRESS\"", "\"LOW\"", "\"HIGH\"",
	"\"SCHEDULED\"", "\"CANCELLED\"", "\"MALE\"", "\"OTHER\"", "\"owner\"", "\"admin\"", "\"member\"", "\"viewer\"",
	"\"2024-02-30\"", "\"2024-02-29\"", "\"0044-03-15 BC\"", "\"2024-13-01T00:00:00.000000Z\"", "\"2024-01-01T00:00:00.000000Z\"",
	"\"9999-12-31T23:59:59.999999Z\"", "\"0044-03-15T00:00:00.000000Z BC\"", "\"2024-01-01T24:00:00.000000Z\"", "\"2024-01-01T00:00:60.000000Z\"",
	"\"aaaa-bb-ccTdd:ee:ff.ggggggZ\"", "\"2024-01-01T00:00:00.000000Z+25\"", "\"00000000-0000-7000-8000-0000000001a0\"",
	"\"00000000-0000-7000-8000-0000000002a0\"", "\"{00000000-0000-7000-8000-0000000001A0}\"", "\"00000000000000000000000000000000\"",
	"\"olga\"", "\"mia\"", "\"MIA\"", "\"olga@fuzz.test\"", "\"mia@fuzz.test\"", "\"nobody\"", "\"view_records\"", "\"a,b\"", "[]", "{}", "[null]", "[[]]",
	"{\"\":{}}", "[\"view_records\",7]", "[\"view_records\",\"view_records\"]", "[\"manage_tenant\"]", "[\"2024-01-01T00:00:00.000000Z\"]", "\"Asia/Tokyo\"", "\"FREQ=DAILY;COUNT=2\"",
	"\"tenant\"", "\"members\"", "\"persons\"", "\"records\"", "\"tags\"", "\"record_persons\"", "\"record_tags\"", "\"tasks\"", "\"calendar_events\""
};

static const char *const keys[] = {
	"\"\"", "\"x\"", "\"casnet\"", "\"version\"", "\"tenant\"", "\"table\"", "\"row\"", "\"id\"", "\"name\"", "\"title\"", "\"status\"", "\"completed_at\"",
	"\"record_id\"", "\"person_id\"", "\"relation\"", "\"tag_id\"", "\"username\"", "\"email\"", "\"role\"", "\"permissions\"", "\"created_at\"", "\"updated_at\"", "\"assignee_id\"", "\"columns\"", "\"left_out\"",
	"\"time_zone\"", "\"recurrence_rule\"", "\"excluded_dates\"", "\"series_id\"", "\"occurrence_at\""
};

static uint64_t chance;

/*
 * Recently accepted inputs.  A rejected document hides what follows it, so most changes
 * begin with one of these.
 */
#define MAX_BASES 64
static char *bases[MAX_BASES];
static size_t base_sizes[MAX_BASES];
static size_t nbases = 0;

static void
keep_as_base(const uint8_t *data, size_t size)
{
	size_t		i = nbases++ % MAX_BASES;

	free(bases[i]);
	bases[i] = malloc(size);
	memcpy(bases[i], data, size);
	base_sizes[i] = size;
}

/* A number below n. */
static size_t
below(size_t n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return n == 0 ? 0 : chance % n;
}

/* Replace a part of the input, unless it would grow too long. */
static void
replace(Document *d, size_t start, size_t end, const char *with, size_t length)
{
	char	   *copy;

	if (d->size - (end - start) + length > d->max)
		return;
	copy = malloc(length + 1);	/* it may be a part of the input */
	memcpy(copy, with, length);
	memmove(d->data + start + length, d->data + end, d->size - end);
	memcpy(d->data + start, copy, length);
	d->size += length - (end - start);
	free(copy);
}

/* Find the values and keys of the input, which need not be sound. */
static void
find_spans(Document *d)
{
	size_t		open[MAX_DEPTH];
	int			depth = 0;

	d->nspans = 0;
	for (size_t i = 1; i < d->size && d->nspans < MAX_SPANS;)
	{
		size_t		start = i;
		char		c = d->data[i++];
		bool		is_key = false;

		if (c == '\n')
			depth = 0;
		if (strchr("\n,: ", c) != NULL)
			continue;
		if (c == '{' || c == '[')
		{
			if (depth < MAX_DEPTH)
				open[depth++] = start;
			continue;
		}
		if (c == '}' || c == ']')
		{
			if (depth == 0)
				continue;
			start = open[--depth];
		}
		else if (c == '"')
		{
			while (i < d->size && d->data[i] != '"' && d->data[i] != '\n')
				i += d->data[i] == '\\' && i + 1 < d->size ? 2 : 1;
			i += i < d->size;
			is_key = i < d->size && d->data[i] == ':';
		}
		else
			while (i < d->size && strchr("{}[]\",:\n ", d->data[i]) == NULL)
				i++;
		d->spans[d->nspans++] = (Span) {start, i, is_key};
	}
}

/*
 * A random key or value, or NULL; mostly no container, and not of the first line,
 * without which nothing else is read.
 */
static const Span *
choose_span(const Document *d, bool is_key)
{
	const char *line_end = memchr(d->data + 1, '\n', d->size - 1);
	size_t		first = line_end == NULL || below(8) == 0 ? 0 : line_end - d->data;
	bool		any = below(8) == 0;

	for (int i = 0; i < 50 && d->nspans > 0; i++)
	{
		const Span *span = &d->spans[below(d->nspans)];

		if (span->is_key == is_key && span->start >= first &&
			(any || strchr("{[", d->data[span->start]) == NULL))
			return span;
	}
	return NULL;
}

/* A value to put there, mostly of the same type. */
static const char *
choose_value(const Document *d, const Span *span)
{
	for (int i = 0; i < 20; i++)
	{
		const char *value = odd_values[below(lengthof(odd_values))];

		if (value[0] == d->data[span->start] || below(10) == 0)
			return value;
	}
	return "null";
}

/* Where the line of a place begins, and where the next one does. */
static void
find_line(const Document *d, size_t at, size_t *start, size_t *end)
{
	for (*start = at; *start > 1 && d->data[*start - 1] != '\n'; (*start)--);
	for (*end = at; *end < d->size && d->data[*end] != '\n'; (*end)++);
	*end += *end < d->size;
}

static void
change_lines(Document *d)
{
	size_t		start,
				end,
				other,
				other_end;

	find_line(d, 1, &start, &end);
	if (below(8) != 0 && end < d->size)
		find_line(d, end + below(d->size - end), &start, &end);
	find_line(d, 1 + below(d->size - 1), &other, &other_end);
	if (below(2) == 0)
		replace(d, start, end, "", 0);
	else if (below(2) == 0)
		replace(d, other, other, d->data + start, end - start);
	else
		replace(d, other, other_end, d->data + start, end - start);
}

/* Let libFuzzer change the inside of a string; it mostly stays one. */
static void
change_string(Document *d, const Span *span)
{
	char		text[4096];
	size_t		length = span->end - span->start - 2;
	bool		is_raw = below(8) == 0;

	if (length > sizeof(text) / 2)
		length = 0;
	memcpy(text, d->data + span->start + 1, length);
	length = LLVMFuzzerMutate((uint8_t *) text, length, length + 64);
	for (size_t i = 0; i < length && !is_raw; i++)
		if ((unsigned char) text[i] < ' ' || (unsigned char) text[i] > '~' || text[i] == '"' || text[i] == '\\')
			text[i] = 'a' + (unsigned char) text[i] % 26;
	replace(d, span->start + 1, span->end - 1, text, length);
}

/* Change one thing in documents. */
static void
change(Document *d)
{
	const char *name = keys[below(lengthof(keys))];
	const char *value;
	size_t		kind = below(24);
	const Span *span;

	if (d->size < 2)
		return;
	find_spans(d);
	span = choose_span(d, kind >= 21);
	if (span == NULL || kind < 3)
	{
		change_lines(d);
		return;
	}
	value = choose_value(d, span);
	if (kind < 9 || (kind >= 13 && kind < 21 && d->data[span->start] != '"'))
		replace(d, span->start, span->end, value, strlen(value));
	else if (kind < 13)
	{
		const Span *other = choose_span(d, false);

		other = other == NULL ? span : other;
		replace(d, span->start, span->end, d->data + other->start, other->end - other->start);
	}
	else if (kind < 21)
	{
		if (span->end - span->start >= 2)
			change_string(d, span);
	}
	else if (kind == 21)
		replace(d, span->start, span->end, name, strlen(name));
	else if (kind == 22)
	{
		/* a member more */
		char		member[256];
		int			length = snprintf(member, sizeof(member), "%s:%s,", name, value);

		replace(d, span->start, span->start, member, length);
	}
	else
	{
		/* a member less: up to its value's end, and a comma */
		size_t		end = span->end;

		for (int i = 0; i < d->nspans; i++)
			if (d->spans[i].start == span->end + 1)
				end = d->spans[i].end;
		end += end < d->size && d->data[end] == ',';
		replace(d, span->start, end, "", 0);
	}
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static Document d;

	chance = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	below(1);
	if (nbases > 0 && below(4) != 0)
	{
		size_t		i = below(nbases < MAX_BASES ? nbases : MAX_BASES);
		size_t		other = below(nbases < MAX_BASES ? nbases : MAX_BASES);

		/* the larger of two has more to change */
		if (base_sizes[other] > base_sizes[i])
			i = other;
		if (base_sizes[i] <= max_size)
		{
			size = base_sizes[i];
			memcpy(data, bases[i], size);
		}
	}
	if (size < 2 || data[0] == 'p' || below(50) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	d.data = (char *) data;
	d.size = size;
	d.max = max_size;
	for (size_t n = below(3) == 0 ? 1 + below(4) : 1; n > 0; n--)
		change(&d);
	if (below(10) == 0 && d.size > 0)
		d.data[0] = '0' + below(16);
	return d.size;
}

#endif							/* CASNET_FUZZ_MUTATE_H */
