/*
 * code.c
 *		Codes: random text that a client gets once, and that somebody sends back once.
 *
 * Whoever has a code may do what it was made for, so it is a secret like a token.  casnet
 * stores its digest only.  Neither the code nor the digest is a value of SQL within casnet:
 * C makes them, reads and writes the rows, and returns the code to the client.  A code has
 * 128 random bits, so nobody guesses one, and nothing slows whoever tries.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "casnet.h"
#include "key.h"

/* Random bytes of a code. */
#define CODE_BYTES 16

/* A code as text has fewer bytes than this. */
#define MAX_CODE 1000

/* Longest email address, in bytes, as in the tables. */
#define MAX_EMAIL 2000

/* Longest lifetime of a code: 366 days, in seconds. */
#define MAX_LIFETIME (366 * 24 * 60 * 60)

/* The SHA-256 of a code, which is UTF-8 whatever the encoding of the database. */
static bytea *
digest_of(const char *code, int length)
{
	char	   *bytes = (char *)
		pg_do_encoding_conversion((unsigned char *) code, length,
								  GetDatabaseEncoding(), PG_UTF8);

	if (bytes != code)
		length = strlen(bytes);
	return casnet_digest(bytes, length);
}

/* A new code, and its digest. */
text *
casnet_code_make(bytea **digest)
{
	uint8		random[CODE_BYTES];
	char		code[4 * CODE_BYTES / 3 + 4];
	size_t		length;

	casnet_key_random(random, sizeof(random));
	length = jws_base64url_encode(random, sizeof(random), code);
	*digest = digest_of(code, length);
	return cstring_to_text_with_len(code, length);
}

/*
 * The digest of a code that a client sends, perhaps with white space around it.  A longer
 * text is no code; its beginning is digested, which matches none either.
 */
bytea *
casnet_code_digest_argument(FunctionCallInfo fcinfo, int argument)
{
	text	   *code = PG_ARGISNULL(argument) ? cstring_to_text("") :
		PG_GETARG_TEXT_PP(argument);
	const char *begin = VARDATA_ANY(code);
	const char *end = begin + VARSIZE_ANY_EXHDR(code);

	while (begin < end && isspace((unsigned char) *begin))
	{
		begin++;
		CHECK_FOR_INTERRUPTS();
	}
	while (end > begin && isspace((unsigned char) end[-1]))
	{
		end--;
		CHECK_FOR_INTERRUPTS();
	}
	return digest_of(begin, pg_mbcliplen(begin, end - begin, MAX_CODE));
}

/* An address as it is compared and stored. */
char *
casnet_code_fold(const char *string)
{
	return text_to_cstring(casnet_name_compared(cstring_to_text(string)));
}

/* Whether the text has a space or a control character of ASCII. */
static bool
has_blank(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char) *c <= ' ' || *c == 0x7f)
			return true;
	return false;
}

/* Whether something stands before the last @ of the address, and after it. */
static bool
has_domain(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL && at > address && at[1] != '\0';
}

/*
 * Whether an address is stored in the form in which it was given, except for the case of
 * ASCII letters and white space around it.  The code is sent to what was given.
 */
bool
casnet_code_is_as_sent(text *given, const char *folded)
{
	const char *begin = VARDATA_ANY(given);
	const char *end = begin + VARSIZE_ANY_EXHDR(given);

	if (has_blank(folded))
		return false;
	while (begin < end && isspace((unsigned char) *begin))
		begin++;
	while (end > begin && isspace((unsigned char) end[-1]))
		end--;
	if (end - begin != strlen(folded))
		return false;
	for (; begin < end; begin++, folded++)
		if (*begin != *folded &&
			pg_ascii_tolower((unsigned char) *begin) != (unsigned char) *folded)
			return false;
	return true;
}

/* The address as it is compared.  Raises 22023 if it cannot be one. */
Datum
casnet_code_email_argument(FunctionCallInfo fcinfo, int argument)
{
	text	   *email = PG_ARGISNULL(argument) ? NULL :
		PG_GETARG_TEXT_PP(argument);
	char	   *folded = NULL;

	if (email != NULL && VARSIZE_ANY_EXHDR(email) <= MAX_EMAIL)
		folded = casnet_code_fold(text_to_cstring(email));
	if (folded == NULL || folded[0] == '\0' || strlen(folded) > MAX_EMAIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the email address is blank or too long"),
				 errhint("Give the address that the code is sent to.")));
	if (has_blank(folded))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the email address has a space or a control character"),
				 errhint("Give one address, such as ada@example.org, without a name.")));
	if (!has_domain(folded))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the email address has no name, or no domain after an @"),
				 errhint("Give the address that the code is sent to. casnet.add_member() takes the username of an account.")));
	if (!casnet_code_is_as_sent(email, folded))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("casnet would store the email address in another form"),
				 errdetail("The code would be sent to another address than the one that it proves."),
				 errhint("Give the address in lower case and Unicode NFC, without invisible characters.")));
	return CStringGetTextDatum(folded);
}

/* When a code made now expires.  Raises 22023. */
TimestampTz
casnet_code_end_argument(FunctionCallInfo fcinfo, int argument)
{
	double		seconds = PG_ARGISNULL(argument) ? 0 :
		DatumGetFloat8(DirectFunctionCall2(interval_part,
										   CStringGetTextDatum("epoch"),
										   PG_GETARG_DATUM(argument)));

	if (!(seconds >= 1 && seconds <= MAX_LIFETIME))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lifetime of a code is out of range"),
				 errhint("Give an interval from a second to a year.")));
	/* By seconds: months and days of an interval can be of any number and sign. */
	return GetCurrentTimestamp() + (int64) (seconds * USECS_PER_SEC);
}

/* Whether the code with this digest was ended while somebody held its row. */
bool
casnet_code_is_revoked(bytea *digest)
{
	CasnetTable revoked = CASNET_REVOKED_TOKENS;
	CasnetReading reading;
	bool		result =
		casnet_revocation_is_revoked(digest,
									 casnet_reading_begin(&reading, 1,
														  &revoked));

	casnet_reading_end(&reading);
	return result;
}
