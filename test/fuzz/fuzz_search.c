/*
 * fuzz_search.c
 *		What people type into a search box.  Its translation must be in the syntax of
 *		to_tsquery().  Each operand must be quoted, be a part of what was typed, and
 *		contain something to search for.
 */
#include "../../src/search.c"

#include "server.h"

void
initStringInfo(StringInfo str)
{
	str->maxlen = 16;
	str->data = palloc(16);
	str->data[0] = '\0';
	str->len = 0;
}

/* Add so many bytes. */
static void
append_bytes(StringInfo str, const char *data, int length)
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
	append_bytes(str, s, strlen(s));
}

#undef appendStringInfoChar
void
appendStringInfoChar(StringInfo str, char c)
{
	append_bytes(str, &c, 1);
}

int
pg_strncasecmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; n--, a++, b++)
		if ((*a | 0x20) != *b)
			return 1;
	return 0;
}

/* Not called: they need the server's dictionaries. */
Oid
casnet_words_configuration(void)
{
	abort();
}

TSQuery
casnet_words_query(Oid configuration, char *operands)
{
	abort();
}

/* As fold.c does in a database of another encoding than UTF8, but for case. */
text *
casnet_fold(const char *bytes, size_t length)
{
	return cstring_to_text_with_len(bytes, length);
}

/* As name.c does in such a database. */
text *
casnet_name_form_of(text *name)
{
	const char *begin = VARDATA_ANY(name);
	const char *end = begin + VARSIZE_ANY_EXHDR(name);

	while (begin < end && ((unsigned char) *begin <= ' ' || *begin == 0x7f))
		begin++;
	while (end > begin && ((unsigned char) end[-1] <= ' ' || end[-1] == 0x7f))
		end--;
	return cstring_to_text_with_len(begin, end - begin);
}

/* Read one operand, '...' with doubled quotes and backslashes; returns where it ends. */
static const char *
check_operand(const char *c, const char *typed)
{
	char	   *plain = palloc(strlen(c) + 1);
	size_t		n = 0;

	if (*c == '!')
		c++;
	MUST(*c++ == '\'');
	for (;;)
	{
		MUST(*c != '\0');
		if (*c == '\'' || *c == '\\')
		{
			if (c[1] != *c)
				break;
			c++;
		}
		plain[n++] = *c++;
	}
	MUST(*c++ == '\'');
	plain[n] = '\0';
	MUST(n > 0 && has_word(plain, n) && strstr(typed, plain) != NULL);
	if (strncmp(c, ":*", 2) == 0)
		c += 2;
	return c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LOCAL_FCINFO(fcinfo, 1);
	char	   *typed = malloc(size + 1);
	const char *c;

	selftest(data, size);
	memcpy(typed, data, size);
	typed[size] = '\0';
	if (size <= MAX_QUERY_BYTES)
	{
		c = translate_query(typed);
		if (*c != '\0')
			for (;;)
			{
				c = check_operand(c, typed);
				if (*c == '\0')
					break;
				MUST(strncmp(c, " & ", 3) == 0 || strncmp(c, " | ", 3) == 0);
				c += 3;
			}
	}

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].isnull = false;
	fcinfo->args[0].value = PointerGetDatum(cstring_to_text_with_len(typed, strlen(typed)));
	if (setjmp(raised) == 0)
	{
		text	   *part = DatumGetTextPP(casnet_search_part(fcinfo));
		int			length = VARSIZE_ANY_EXHDR(part);

		MUST(length > 0 && !is_space(VARDATA_ANY(part)[0]) &&
			 !is_space(VARDATA_ANY(part)[length - 1]));
	}
	else
		for (c = typed; *c != '\0'; c++)
			MUST((unsigned char) *c <= ' ' || *c == 0x7f);
	forget_memory();
	free(typed);
	return 0;
}
