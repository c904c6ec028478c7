/*
 * password.c
 *		Password hashes by libxcrypt, in the formats of crypt(5).
 */
#include "postgres.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include "common/sha2.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "casnet.h"

#define MIN_PASSWORD 8			/* bytes */
#define MAX_PASSWORD 1024		/* bytes */

/* The highest costs of a stored hash; each takes about two seconds. */
#define MAX_BCRYPT_COST 15		/* log2 of the iterations */
#define MAX_SHA_ROUNDS 5000000
#define YESCRYPT_SIZES "./0123456789ABCDEF"	/* log2(N) from 1 to 18 */
#define YESCRYPT_BLOCKS YESCRYPT_SIZES "GHIJKLMNOPQRST" /* r from 1 to 32 */

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

/* crypt(3) into the current memory context, or NULL for a bad setting. */
static char *
crypt_password(const char *password, const char *setting)
{
	struct crypt_data *data = palloc0(sizeof(struct crypt_data));
	char	   *hash = crypt_rn(password, setting, data,
								sizeof(struct crypt_data));

	if (hash != NULL)
		hash = pstrdup(hash);
	explicit_bzero(data, sizeof(struct crypt_data));
	pfree(data);
	return hash;
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
	hash = crypt_password(string, setting);
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

/* Whether casnet verifies hashes of this scheme. */
static bool
scheme_is_known(const char *hash)
{
	static const char *const prefixes[] = {"$y$", "$2a$", "$2b$", "$2y$",
	"$5$", "$6$"};

	for (int i = 0; i < lengthof(prefixes); i++)
		if (strncmp(hash, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/*
 * Whether a hash of a known scheme costs a few seconds at most.  crypt(3) cannot be
 * interrupted, and bcrypt can ask for days.  A hash of yescrypt has the flavour, log2(N)
 * and r, each as a digit, as crypt_gensalt(3) chooses them.  One of bcrypt has two digits.
 * SHA-2 does 5000 rounds if the hash gives no number.
 */
static bool
cost_is_bearable(const char *hash)
{
	static const char rounds[] = "rounds=";
	const char *cost = strchr(hash + 1, '$') + 1;

	if (hash[1] == 'y')
		return cost[0] == 'j' && strspn(cost + 1, YESCRYPT_SIZES) > 0 &&
			strspn(cost + 2, YESCRYPT_BLOCKS) > 0 && cost[3] == '$';
	if (hash[1] == '2')
		return strtol(cost, NULL, 10) <= MAX_BCRYPT_COST;
	if (strncmp(cost, rounds, strlen(rounds)) != 0)
		return true;
	return strtol(cost + strlen(rounds), NULL, 10) <= MAX_SHA_ROUNDS;
}

/*
 * Whether the hash (yescrypt, bcrypt, sha256-crypt or sha512-crypt) is that of the
 * password.  If it is NULL, unknown or too costly, this does the work of a new one and
 * returns false.  Raises 22023 for more than 1024 bytes.
 */
bool
casnet_password_verify(text *password, const char *expected)
{
	char		setting[CRYPT_GENSALT_OUTPUT_SIZE];
	char	   *string = prepare_password(password);
	char	   *hash;
	bool		matches = false;

	if (expected != NULL && scheme_is_known(expected) &&
		cost_is_bearable(expected))
		hash = crypt_password(string, expected);
	else
	{
		make_setting(setting);
		hash = crypt_password(string, setting);
		expected = NULL;
	}
	explicit_bzero(string, strlen(string));

	if (hash != NULL && expected != NULL &&
		strlen(hash) == strlen(expected))
		matches = CRYPTO_memcmp(hash, expected, strlen(hash)) == 0;
	return matches;
}

/* Whether a new hash would have another scheme or cost. */
bool
casnet_password_is_outdated(const char *hash)
{
	char		setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *salt;

	make_setting(setting);
	salt = strchr(setting + strlen("$y$"), '$');
	return salt == NULL || strncmp(hash, setting, salt + 1 - setting) != 0;
}

/*
 * Whether the string has the format of a hash of a known scheme, by crypt(5).  It has the
 * prefix, and ends with a digest of the scheme's length in its alphabet.
 */
bool
casnet_password_is_hash(const char *string)
{
	static const char alphabet[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *digest;

	if (!scheme_is_known(string) || strlen(string) >= CRYPT_OUTPUT_SIZE)
		return false;
	digest = strrchr(string, '$') + 1;
	if (strspn(digest, alphabet) != strlen(digest))
		return false;

	/* bcrypt does not separate the salt, of 22 digits, from the digest. */
	if (string[1] == '2')
		return digest == string + 7 && strspn(string + 4, "0123456789") == 2 &&
			strlen(digest) == 53;
	for (const char *c = string; c < digest; c++)
		if (strchr(alphabet, *c) == NULL && *c != '$' && *c != '=')
			return false;
	return digest > string + 3 && strlen(digest) == (string[1] == '6' ? 86 : 43);
}
