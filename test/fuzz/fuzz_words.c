/*
 * fuzz_words.c
 *		The form of a text for the parser, and letters that count as one, in a database of
 *		UTF8.  Both make valid UTF8 of it, whose size has a bound.  Each byte of the form is
 *		of a character of the text.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

/* Its second argument has another type from PostgreSQL 16 on. */
static void append_binary(StringInfo str, const char *data, int length);

#define appendBinaryStringInfo(str, data, length) append_binary((str), (data), (length))

#include "../../src/fold.c"
#include "../../src/words.c"

#include "server.h"

int
GetDatabaseEncoding(void)
{
	return PG_UTF8;
}

/* Programs have no table for it; then all are composed that can be. */
UnicodeNormalizationQC
unicode_is_normalized_quickcheck(UnicodeNormalizationForm form, const pg_wchar *input)
{
	return UNICODE_NORM_QC_MAYBE;
}

/* The server's unicode_normalize() for programs calls malloc(). */
void
pfree(void *pointer)
{
	for (size_t i = 0; i < nallocated; i++)
		if (allocated[i] == pointer)
		{
			allocated[i] = allocated[--nallocated];
			break;
		}
	free(pointer);
}

void *
repalloc_huge(void *pointer, Size size)
{
	return repalloc(pointer, size);
}

void
initStringInfo(StringInfo str)
{
	str->maxlen = 16;
	str->data = palloc(16);
	str->data[0] = '\0';
	str->len = 0;
}

static void
append_binary(StringInfo str, const char *data, int length)
{
	if (str->len + length >= str->maxlen)
	{
		str->maxlen = 2 * (str->len + length + 1);
		str->data = repalloc(str->data, str->maxlen);
	}
	memcpy(str->data + str->len, data, length);
	str->len += length;
	str->data[str->len] = '\0';
}

void
appendStringInfoString(StringInfo str, const char *s)
{
	appendBinaryStringInfo(str, s, strlen(s));
}

#undef appendStringInfoChar
void
appendStringInfoChar(StringInfo str, char c)
{
	appendBinaryStringInfo(str, &c, 1);
}

/* Whether the server would take the text. */
static bool
is_text(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length;)
	{
		const unsigned char *c = (const unsigned char *) bytes + i;
		size_t		n = pg_utf_mblen(c);

		if (*c == 0 || n > length - i || !pg_utf8_islegal(c, n))
			return false;
		i += n;
	}
	return true;
}

static void
check_form(const char *bytes, int length, bool is_query)
{
	CasnetPlace *places;
	char	   *form = casnet_words_form(bytes, length, is_query, &places);
	int			n = strlen(form);

	MUST(is_text(form, n) && n <= 12 * length + 2);
	MUST(strpbrk(form, "<>&") == NULL);
	for (int i = 0; i < n; i++)
		MUST(places[i].start >= 0 && places[i].start < places[i].end &&
			 places[i].end <= length && (i == 0 || places[i].start >= places[i - 1].start - 64));
	MUST(strcmp(form, casnet_words_form(bytes, length, is_query, NULL)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text = malloc(size + 1);
	StringInfoData folded;

	selftest(data, size);
	memcpy(text, data, size);
	text[size] = '\0';
	if (is_text(text, size))
	{
		check_form(text, size, false);
		check_form(text, size, true);
		initStringInfo(&folded);
		casnet_fold_letters(&folded, text, size);
		MUST(is_text(folded.data, folded.len) && (size_t) folded.len <= 11 * size);
		for (int i = 0; i < folded.len; i++)
			MUST(folded.data[i] < 'A' || folded.data[i] > 'Z');
	}
	forget_memory();
	free(text);
	return 0;
}
