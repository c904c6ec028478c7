/*
 * password.c
 *		Passwords: their form, new hashes by libxcrypt, and whether one is that of a hash.
 */
#include "postgres.h"

#include <crypt.h>

#include "catalog/namespace.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "casnet.h"

#define MIN_PASSWORD 8			/* bytes */
#define MAX_PASSWORD 1024		/* bytes */

PG_FUNCTION_INFO_V1(casnet_hash_password);

/*
 * The password in the form that is hashed.  It is normalized (NFKC, as RFC 8265 asks for a
 * canonical form), and a hex SHA-256 if it is longer than crypt(3) takes.  The label keeps
 * a plain SHA-256 of it, which can have leaked elsewhere, from being a password too.
 * Raises 22023, without quoting it, when it is too long.
 */
static char *
prepare_password(text *password)
{
	static const char digest_label[] = "casnet long password";
	char	   *string;
	size_t		length;

	if (VARSIZE_ANY_EXHDR(password) > MAX_PASSWORD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the password is too long"),
				 errhint("A password has 8 to 1024 bytes.")));
	if (GetDatabaseEncoding() == PG_UTF8)
		password = DatumGetTextPP(DirectFunctionCall2(unicode_normalize_func,
													  PointerGetDatum(password),
													  CStringGetTextDatum("NFKC")));
	string = text_to_cstring(password);
	length = strlen(string);
	if (length >= CRYPT_MAX_PASSPHRASE_SIZE)
	{
		uint8		digest[PG_SHA256_DIGEST_LENGTH];
		char	   *hex = palloc(2 * sizeof(digest) + 1);

		casnet_digest_of_two(digest_label, sizeof(digest_label), string, length,
							 digest);
		explicit_bzero(string, length);
		hex_encode((char *) digest, sizeof(digest), hex);
		hex[2 * sizeof(digest)] = '\0';
		string = hex;
	}
	return string;
}

/* A new setting for yescrypt, with a random salt. */
static void
make_setting(char *setting)
{
	char		random[32];

	if (!pg_strong_random(random, sizeof(random)) ||
		crypt_gensalt_rn("$y$", 0, random, sizeof(random), setting,
						 CRYPT_GENSALT_OUTPUT_SIZE) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not make a salt for a password"),
				 errhint("The library libxcrypt must be built with yescrypt.")));
}

/*
 * The yescrypt hash of the password, in the format of crypt(5), in the current
 * memory context.  Raises 22023 when it has less than 8 or more than 1024 bytes.
 */
char *
casnet_password_hash(text *password)
{
	char		setting[CRYPT_GENSALT_OUTPUT_SIZE];
	char	   *string;
	char	   *hash;

	if (VARSIZE_ANY_EXHDR(password) < MIN_PASSWORD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the password is too short"),
				 errhint("A password has 8 to 1024 bytes.")));
	string = prepare_password(password);
	make_setting(setting);
	hash = casnet_scheme_crypt(string, setting);
	explicit_bzero(string, strlen(string));
	if (hash == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not hash a password"),
				 errhint("The library libxcrypt must be built with yescrypt.")));
	return hash;
}

/*
 * casnet.hash_password(password text) returns text
 *
 * The same for SQL.
 */
Datum
casnet_hash_password(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(casnet_password_hash(PG_GETARG_TEXT_PP(0))));
}

/* The string in UTF-8, or NULL if it has a character that UTF-8 lacks, or that is none. */
static char *
in_utf8(char *string)
{
	int			encoding = GetDatabaseEncoding();
	int			length = strlen(string);
	Oid			function;
	char	   *result;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return string;
	function = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(function))
		return NULL;
	result = palloc(length * MAX_CONVERSION_GROWTH + 1);
	return pg_do_encoding_conversion_buf(function, encoding, PG_UTF8,
										 (unsigned char *) string, length,
										 (unsigned char *) result,
										 length * MAX_CONVERSION_GROWTH + 1,
										 true) == length ? result : NULL;
}

/*
 * The password as other systems hash it: its bytes in UTF-8, as they are.  NULL if that is
 * the form in which casnet hashes it.
 */
static char *
raw_password(text *password, const char *form)
{
	char	   *string = text_to_cstring(password);
	char	   *raw = in_utf8(string);

	if (raw != string)
		explicit_bzero(string, strlen(string));
	if (raw == NULL)
		return NULL;
	if (strcmp(raw, form) != 0)
		return raw;
	explicit_bzero(raw, strlen(raw));
	return NULL;
}

/* Whether a new hash would have another scheme or cost. */
static bool
is_outdated(const char *hash)
{
	char		setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *salt;

	make_setting(setting);
	salt = strchr(setting + strlen("$y$"), '$');
	return salt == NULL || strncmp(hash, setting, salt + 1 - setting) != 0;
}

/*
 * Whether the hash, in a format of scheme.c, is that of the password in its normalized form
 * or in its raw bytes.  Sets *outdated if it should be replaced by a new one.
 *
 * Does the same work for the right password as for a wrong one.  If the hash is NULL,
 * unknown or too costly, this does the work of a new one and returns false.  Raises 22023
 * for more than 1024 bytes.
 */
bool
casnet_password_verify(text *password, const char *expected, bool *outdated)
{
	char		setting[CRYPT_GENSALT_OUTPUT_SIZE];
	char	   *forms[2];
	bool		matches[2] = {false, false};
	const char *scheme;

	if (expected != NULL &&
		casnet_scheme_cost(expected, &scheme) == CASNET_SCHEME_UNBEARABLE)
		expected = NULL;
	make_setting(setting);
	forms[0] = prepare_password(password);
	forms[1] = raw_password(password, forms[0]);
	for (int i = 0; i < lengthof(forms); i++)
	{
		if (forms[i] == NULL)
			continue;
		if (expected == NULL || !casnet_scheme_takes(expected, forms[i]))
			(void) casnet_scheme_crypt(forms[i], setting);
		else
			matches[i] = casnet_scheme_verify(forms[i], expected);
		explicit_bzero(forms[i], strlen(forms[i]));
	}
	*outdated = !matches[0] || is_outdated(expected);
	return matches[0] || matches[1];
}
