/*
 * scheme.c
 *		The formats in which systems keep hashes of passwords: how each is read, what it
 *		costs and how a password is verified.
 *
 * crypt(5) is libxcrypt's.  For the others, what other systems wrote is read here and
 * computed by OpenSSL or libargon2: PBKDF2 and scrypt (RFC 8018, RFC 7914) as Django,
 * passlib and Werkzeug write them, Argon2 (RFC 9106) in the PHC string format, and bcrypt
 * of a SHA-256, as Django and passlib write it.  New hashes are made in password.c.
 */
#include "postgres.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/sha2.h"
#include "utils/builtins.h"

#include "casnet.h"

#define MOST_SALT 128			/* bytes */
#define MOST_DIGEST 64			/* bytes, also the most of a SHA-2 */
#define MOST_LANES 64			/* of Argon2, and of scrypt */
#define MOST_SHA_PASSWORD 128	/* bytes of a password, of which SHA-crypt takes time for each */
#define LEAST_SHA_ROUNDS 1000	/* for less, crypt(3) makes no hash */

#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"
#define BASE64 DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/"
/* The alphabet of crypt(5); of passlib's PBKDF2, which has . for the + of base64 */
#define CRYPT64 DIGITS "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* yescrypt's log2(N) from 1 to 18, and r from 1 to 32, as crypt_gensalt(3) writes them */
#define YESCRYPT_SIZES "./0123456789ABCDEF"
#define YESCRYPT_BLOCKS YESCRYPT_SIZES "GHIJKLMNOPQRST"

typedef enum Kind
{
	BCRYPT, SHA256_CRYPT, SHA512_CRYPT, YESCRYPT, BCRYPT_SHA256, PBKDF2_SHA1,
	PBKDF2_SHA256, PBKDF2_SHA512, SCRYPT, ARGON2
} Kind;

/*
 * The work that a hash is expected to take, in a unit of the scheme: rounds; for yescrypt
 * and scrypt N * r * p, for Argon2 kilobytes * passes.  Below the least, it is cheap to
 * guess.  Above the most it takes more than about two seconds.  Above "slow" it can take
 * more than a second: a password that is not normalized is verified twice, SHA-crypt takes
 * longer for a long one, and Argon2 takes longer for a kilobyte if it has few passes.
 */
static const struct
{
	const char *name;
	uint64		least;
	uint64		slow;
	uint64		most;
}			schemes[] = {
	[BCRYPT] = {"bcrypt", 1 << 10, 1 << 12, 1 << 15},
	[SHA256_CRYPT] = {"sha256-crypt", 10000, 150000, 1000000},
	[SHA512_CRYPT] = {"sha512-crypt", 10000, 150000, 1000000},
	[YESCRYPT] = {"yescrypt", 1 << 15, 1 << 21, 1 << 23},
	[BCRYPT_SHA256] = {"bcrypt-sha256", 1 << 10, 1 << 12, 1 << 15},
	[PBKDF2_SHA1] = {"pbkdf2-sha1", 130000, 1000000, 5000000},
	[PBKDF2_SHA256] = {"pbkdf2-sha256", 60000, 1000000, 5000000},
	[PBKDF2_SHA512] = {"pbkdf2-sha512", 21000, 400000, 2500000},
	[SCRYPT] = {"scrypt", 1 << 17, 1 << 20, 1 << 22},
	[ARGON2] = {"argon2", 35000, 1 << 18, 1 << 20},
};

/* What a hash says. */
typedef struct Parsed
{
	Kind		kind;
	uint64		work;
	const char *crypt;			/* crypt(5): the hash; else NULL */
	uint32		cost;			/* N of scrypt, kilobytes of Argon2, or rounds */
	uint32		blocks;			/* r of scrypt, passes of Argon2 */
	uint32		lanes;			/* p */
	argon2_type type;			/* i or id */
	argon2_version version;
	size_t		salt_length;
	size_t		digest_length;
	char		setting[CRYPT_OUTPUT_SIZE]; /* of bcrypt of a SHA-256, with the hash */
	uint8		salt[MOST_SALT];
	uint8		digest[MOST_DIGEST];
} Parsed;

/* Go past the text; false if something else is there. */
static bool
literal(const char **at, const char *text)
{
	if (strncmp(*at, text, strlen(text)) != 0)
		return false;
	*at += strlen(text);
	return true;
}

/* Go past a decimal number that begins with no zero and fits. */
static bool
number(const char **at, uint32 *value)
{
	size_t		length = strspn(*at, DIGITS);

	if (length == 0 || length > 9 || **at == '0')
		return false;
	*value = strtoul(*at, NULL, 10);
	*at += length;
	return true;
}

/* Go past a salt that is used as it is written, and the $ behind it. */
static bool
plain_salt(const char **at, Parsed *parsed)
{
	size_t		length = strcspn(*at, "$");

	if (length == 0 || length > sizeof(parsed->salt) || (*at)[length] != '$')
		return false;
	memcpy(parsed->salt, *at, length);
	parsed->salt_length = length;
	*at += length + 1;
	return true;
}

/*
 * Go past base64 without line breaks, with or without padding, up to the end character.
 * "plus" is the digit for 62.
 */
static bool
base64(const char **at, char end, char plus, uint8 *into, size_t most,
	   size_t *length)
{
	char		digits[4 * ((MOST_SALT + 2) / 3) + 1];
	uint8		bytes[3 * sizeof(digits) / 4];
	size_t		count = 0;
	const char *c = *at;

	while (*c != '\0' && *c != '=' && *c != end)
	{
		if (count == sizeof(digits) - 1)
			return false;
		if ((*c == '+' || *c == '.') ? *c != plus : strchr(BASE64, *c) == NULL)
			return false;
		digits[count++] = *c == plus ? '+' : *c;
		c++;
	}
	*length = count * 3 / 4;
	while (*c == '=' && count % 4 != 0)
	{
		digits[count++] = 'A';
		c++;
	}
	if (*c != end || *length == 0 || *length > most)
		return false;
	while (count % 4 != 0)
		digits[count++] = 'A';
	if (EVP_DecodeBlock(bytes, (unsigned char *) digits, count) < 0)
		return false;
	memcpy(into, bytes, *length);
	*at = end == '\0' ? c : c + 1;
	return true;
}

/* The same for a digest of this many bytes, which ends the hash. */
static bool
digest_in_base64(const char *at, char plus, size_t length, Parsed *parsed)
{
	return base64(&at, '\0', plus, parsed->digest, sizeof(parsed->digest),
				  &parsed->digest_length) && parsed->digest_length == length;
}

/* The same in lower-case hexadecimal digits. */
static bool
digest_in_hex(const char *at, size_t length, Parsed *parsed)
{
	if (strspn(at, HEX) != 2 * length || at[2 * length] != '\0')
		return false;
	parsed->digest_length = hex_decode(at, 2 * length, (char *) parsed->digest);
	return true;
}

/* The digest function of PBKDF2, and the number of its bytes. */
static const EVP_MD *
digest_of(Kind kind)
{
	return kind == PBKDF2_SHA1 ? EVP_sha1() :
		kind == PBKDF2_SHA256 ? EVP_sha256() : EVP_sha512();
}

/*
 * PBKDF2 in the three forms
 *		pbkdf2_sha256$ROUNDS$salt$base64			Django
 *		$pbkdf2-sha256$ROUNDS$base64$base64			passlib; $pbkdf2$ for SHA-1
 *		pbkdf2:sha256:ROUNDS$salt$hex				Werkzeug
 */
static bool
read_pbkdf2(const char *hash, Parsed *parsed)
{
	static const struct
	{
		const char *prefix;
		Kind		kind;
	}			forms[] = {
		{"pbkdf2_sha1$", PBKDF2_SHA1}, {"pbkdf2_sha256$", PBKDF2_SHA256},
		{"$pbkdf2$", PBKDF2_SHA1}, {"$pbkdf2-sha256$", PBKDF2_SHA256},
		{"$pbkdf2-sha512$", PBKDF2_SHA512}, {"pbkdf2:sha1:", PBKDF2_SHA1},
		{"pbkdf2:sha256:", PBKDF2_SHA256}, {"pbkdf2:sha512:", PBKDF2_SHA512},
	};
	const char *at = hash;
	int			i = 0;
	size_t		length;

	while (!literal(&at, forms[i].prefix))
		if (++i == lengthof(forms))
			return false;
	parsed->kind = forms[i].kind;
	length = EVP_MD_size(digest_of(parsed->kind));
	if (!number(&at, &parsed->cost) || !literal(&at, "$"))
		return false;
	parsed->work = parsed->cost;
	if (hash[0] == '$')
		return base64(&at, '$', '.', parsed->salt, sizeof(parsed->salt),
					  &parsed->salt_length) &&
			digest_in_base64(at, '.', length, parsed);
	if (!plain_salt(&at, parsed))
		return false;
	return hash[strlen("pbkdf2")] == ':' ? digest_in_hex(at, length, parsed) :
		digest_in_base64(at, '+', length, parsed);
}

/*
 * scrypt in the three forms
 *		scrypt$N$salt$R$P$base64					Django
 *		$scrypt$ln=LOG2_N,r=R,p=P$base64$base64		passlib
 *		scrypt:N:R:P$salt$hex						Werkzeug
 */
static bool
read_scrypt(const char *hash, Parsed *parsed)
{
	const char *at = hash;
	bool		complete;

	if (literal(&at, "$scrypt$ln="))
	{
		complete = number(&at, &parsed->cost) && parsed->cost < 31 &&
			literal(&at, ",r=") && number(&at, &parsed->blocks) &&
			literal(&at, ",p=") && number(&at, &parsed->lanes) &&
			literal(&at, "$") &&
			base64(&at, '$', '+', parsed->salt, sizeof(parsed->salt),
				   &parsed->salt_length) &&
			digest_in_base64(at, '+', 32, parsed);
		parsed->cost = complete ? 1 << parsed->cost : 0;
	}
	else if (literal(&at, "scrypt$"))
		complete = number(&at, &parsed->cost) && literal(&at, "$") &&
			plain_salt(&at, parsed) &&
			number(&at, &parsed->blocks) && literal(&at, "$") &&
			number(&at, &parsed->lanes) && literal(&at, "$") &&
			digest_in_base64(at, '+', 64, parsed);
	else
		complete = literal(&at, "scrypt:") &&
			number(&at, &parsed->cost) && literal(&at, ":") &&
			number(&at, &parsed->blocks) && literal(&at, ":") &&
			number(&at, &parsed->lanes) && literal(&at, "$") &&
			plain_salt(&at, parsed) && digest_in_hex(at, 64, parsed);
	/* N is a power of two above one and below 2^(16 r) (RFC 7914). */
	if (!complete || parsed->cost < 2 ||
		(parsed->cost & (parsed->cost - 1)) != 0 ||
		(parsed->blocks == 1 && parsed->cost >= 65536) ||
		parsed->blocks > 1024 || parsed->lanes > MOST_LANES)
		return false;
	parsed->kind = SCRYPT;
	parsed->work = (uint64) parsed->cost * parsed->blocks * parsed->lanes;
	return true;
}

/* Argon2: $argon2id$v=19$m=KB,t=PASSES,p=LANES$base64$base64; without v it is 16. */
static bool
read_argon2(const char *hash, Parsed *parsed)
{
	const char *at = hash;
	uint32		version = ARGON2_VERSION_10;

	if (literal(&at, "$argon2id$"))
		parsed->type = Argon2_id;
	else if (literal(&at, "$argon2i$"))
		parsed->type = Argon2_i;
	else
		return false;
	if (literal(&at, "v=") && (!number(&at, &version) || !literal(&at, "$")))
		return false;
	if ((version != ARGON2_VERSION_10 && version != ARGON2_VERSION_13) ||
		!literal(&at, "m=") || !number(&at, &parsed->cost) ||
		!literal(&at, ",t=") || !number(&at, &parsed->blocks) ||
		!literal(&at, ",p=") || !number(&at, &parsed->lanes) ||
		!literal(&at, "$") || parsed->lanes > MOST_LANES ||
		parsed->cost < ARGON2_SYNC_POINTS * 2 * parsed->lanes ||
		!base64(&at, '$', '+', parsed->salt, sizeof(parsed->salt),
				&parsed->salt_length) ||
		parsed->salt_length < ARGON2_MIN_SALT_LENGTH ||
		!base64(&at, '\0', '+', parsed->digest, sizeof(parsed->digest),
				&parsed->digest_length) || parsed->digest_length < 16)
		return false;
	parsed->kind = ARGON2;
	parsed->version = version;
	parsed->work = (uint64) parsed->cost * parsed->blocks;
	return true;
}

/* bcrypt: $2b$COST$, two digits, then a salt of 22 characters and a digest of 31. */
static bool
read_bcrypt(const char *hash, Parsed *parsed)
{
	const char *digits;

	if (strncmp(hash, "$2", 2) != 0 || strchr("abxy", hash[2]) == NULL ||
		hash[2] == '\0' || hash[3] != '$')
		return false;
	digits = hash + 4;
	if (strspn(digits, DIGITS) != 2 || digits[2] != '$' ||
		strspn(digits + 3, CRYPT64) != 53 || digits[56] != '\0' ||
		strtoul(digits, NULL, 10) > 31)
		return false;
	parsed->kind = BCRYPT;
	parsed->crypt = hash;
	parsed->work = UINT64CONST(1) << strtoul(digits, NULL, 10);
	return true;
}

/*
 * bcrypt of a SHA-256, which can have all bytes of a password
 *		bcrypt_sha256$$2b$COST$salt and digest				Django
 *		$bcrypt-sha256$v=2,t=2b,r=COST$salt$digest			passlib since 1.7.3
 * passlib's is an HMAC with the salt as key.
 */
static bool
read_bcrypt_sha256(const char *hash, Parsed *parsed)
{
	const char *at = hash;
	uint32		cost;

	if (literal(&at, "bcrypt_sha256$"))
		strlcpy(parsed->setting, at, sizeof(parsed->setting));
	else if (literal(&at, "$bcrypt-sha256$v=2,t=2b,r=") &&
			 number(&at, &cost) && literal(&at, "$") &&
			 strspn(at, CRYPT64) == 22 && at[22] == '$')
	{
		parsed->salt_length = 22;
		memcpy(parsed->salt, at, parsed->salt_length);
		snprintf(parsed->setting, sizeof(parsed->setting), "$2b$%02u$%.22s%s",
				 cost, at, at + 23);
	}
	else
		return false;
	if (!read_bcrypt(parsed->setting, parsed))
		return false;
	parsed->kind = BCRYPT_SHA256;
	return true;
}

/*
 * yescrypt, SHA-256 and SHA-512 of crypt(5).  yescrypt has the flavour, log2(N) and r, each
 * as a digit, as crypt_gensalt(3) chooses them.  SHA-2 does 5000 rounds if there is no
 * number.
 */
static bool
read_crypt(const char *hash, Parsed *parsed)
{
	static const char sizes[] = YESCRYPT_SIZES;
	static const char blocks[] = YESCRYPT_BLOCKS;
	const char *at = hash;
	const char *digest = strrchr(hash, '$');
	size_t		length = 43;
	uint32		rounds = 5000;

	if (strlen(hash) >= CRYPT_OUTPUT_SIZE)
		return false;
	if (literal(&at, "$y$"))
	{
		parsed->kind = YESCRYPT;
		if (at[0] != 'j' || at[1] == '\0' || strchr(sizes, at[1]) == NULL ||
			at[2] == '\0' || strchr(blocks, at[2]) == NULL || at[3] != '$')
			parsed->work = PG_UINT64_MAX;
		else
			parsed->work = (UINT64CONST(2) << (strchr(sizes, at[1]) - sizes)) *
				(strchr(blocks, at[2]) - blocks + 1);
	}
	else if (literal(&at, "$5$") || literal(&at, "$6$"))
	{
		parsed->kind = hash[1] == '5' ? SHA256_CRYPT : SHA512_CRYPT;
		length = hash[1] == '5' ? 43 : 86;
		if (literal(&at, "rounds=") &&
			(!number(&at, &rounds) || !literal(&at, "$") ||
			 rounds < LEAST_SHA_ROUNDS))
			return false;
		parsed->work = rounds;
	}
	else
		return false;

	/* The salt, and a setting of yescrypt, may have more parts. */
	if (digest < at || strspn(digest + 1, CRYPT64) != length ||
		digest[length + 1] != '\0' || strspn(at, CRYPT64 "$=") != strlen(at))
		return false;
	parsed->crypt = hash;
	return true;
}

/* Read a hash; false if it is not in one of the formats. */
static bool
read_hash(const char *hash, Parsed *parsed)
{
	memset(parsed, 0, sizeof(Parsed));
	return read_bcrypt(hash, parsed) || read_crypt(hash, parsed) ||
		read_pbkdf2(hash, parsed) || read_scrypt(hash, parsed) ||
		read_argon2(hash, parsed) || read_bcrypt_sha256(hash, parsed);
}

/*
 * The form in which casnet keeps what another system wrote: without white space at the end
 * and without a prefix of Dovecot, Spring or Django that repeats what follows.  In the
 * current memory context; NULL if it is no hash in a known format.
 */
char *
casnet_scheme_form(const char *written)
{
	static const char *const prefixes[] = {"{BLF-CRYPT}", "{SHA256-CRYPT}",
		"{SHA512-CRYPT}", "{CRYPT}", "{ARGON2ID}", "{ARGON2I}", "{bcrypt}",
	"bcrypt$", "argon2"};
	char	   *form = pstrdup(written);
	size_t		length = strlen(form);
	const char *at = form;
	Parsed		parsed;

	while (length > 0 && strchr(" \t\r\n", form[length - 1]) != NULL)
		form[--length] = '\0';
	for (int i = 0; i < lengthof(prefixes); i++)
		if (literal(&at, prefixes[i]))
			break;
	/* After a prefix comes crypt(5) or a PHC string. */
	if ((at != form && *at != '$') || !read_hash(at, &parsed))
		return NULL;
	return pstrdup(at);
}

/* The name of the scheme of a hash, and what a verification costs. */
CasnetSchemeCost
casnet_scheme_cost(const char *hash, const char **name)
{
	Parsed		parsed;

	*name = "unknown";
	if (!read_hash(hash, &parsed))
		return CASNET_SCHEME_UNBEARABLE;
	*name = schemes[parsed.kind].name;
	return parsed.work > schemes[parsed.kind].most ? CASNET_SCHEME_UNBEARABLE :
		parsed.work > schemes[parsed.kind].slow ? CASNET_SCHEME_SLOW :
		parsed.work < schemes[parsed.kind].least ? CASNET_SCHEME_CHEAP :
		CASNET_SCHEME_FAIR;
}

/*
 * crypt(3) into the current memory context, or NULL for a bad setting or a password that is
 * too long for it.
 */
char *
casnet_scheme_crypt(const char *password, const char *setting)
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

/* Whether crypt(3) gives the hash for the password. */
static bool
crypt_matches(const char *password, const char *hash)
{
	char	   *made = casnet_scheme_crypt(password, hash);

	return made != NULL && strlen(made) == strlen(hash) &&
		CRYPTO_memcmp(made, hash, strlen(hash)) == 0;
}

/* bcrypt of the SHA-256 in hex (Django), or of the HMAC in base64 (passlib). */
static bool
bcrypt_sha256_matches(const char *password, const Parsed *parsed)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char		text[2 * PG_SHA256_DIGEST_LENGTH + 1] = {0};
	unsigned int length = sizeof(digest);
	bool		matches;

	if (parsed->salt_length == 0)
	{
		casnet_digest_of_two(password, strlen(password), "", 0, digest);
		hex_encode((char *) digest, sizeof(digest), text);
	}
	else
	{
		if (HMAC(EVP_sha256(), parsed->salt, parsed->salt_length,
				 (const unsigned char *) password, strlen(password), digest,
				 &length) == NULL)
			return false;
		EVP_EncodeBlock((unsigned char *) text, digest, sizeof(digest));
	}
	matches = crypt_matches(text, parsed->setting);
	explicit_bzero(digest, sizeof(digest));
	explicit_bzero(text, sizeof(text));
	return matches;
}

/*
 * The digest that a scheme outside of crypt(5) makes of the password; false if the library
 * fails, as without memory.  Argon2 computes its lanes one after the other, since a
 * backend must not have threads.
 */
static bool
make_digest(const char *password, Parsed *parsed, uint8 *digest)
{
	argon2_context context;

	switch (parsed->kind)
	{
		case PBKDF2_SHA1:
		case PBKDF2_SHA256:
		case PBKDF2_SHA512:
			return PKCS5_PBKDF2_HMAC(password, strlen(password), parsed->salt,
									 parsed->salt_length, parsed->cost,
									 digest_of(parsed->kind),
									 parsed->digest_length, digest) == 1;
		case SCRYPT:
			return EVP_PBE_scrypt(password, strlen(password), parsed->salt,
								  parsed->salt_length, parsed->cost,
								  parsed->blocks, parsed->lanes,
								  UINT64CONST(1) << 30, digest,
								  parsed->digest_length) == 1;
		case ARGON2:
			memset(&context, 0, sizeof(context));
			context.out = digest;
			context.outlen = parsed->digest_length;
			context.pwd = (uint8 *) unconstify(char *, password);
			context.pwdlen = strlen(password);
			context.salt = parsed->salt;
			context.saltlen = parsed->salt_length;
			context.t_cost = parsed->blocks;
			context.m_cost = parsed->cost;
			context.lanes = parsed->lanes;
			context.threads = 1;
			context.version = parsed->version;
			return argon2_ctx(&context, parsed->type) == ARGON2_OK;
		default:
			return false;
	}
}

/*
 * Whether a verification of the password takes no longer than the work of the hash says.
 * SHA-crypt hashes the password in each round.
 */
bool
casnet_scheme_takes(const char *hash, const char *password)
{
	return (strncmp(hash, "$5$", 3) != 0 && strncmp(hash, "$6$", 3) != 0) ||
		strlen(password) <= MOST_SHA_PASSWORD;
}

/*
 * Whether a hash is that of the password, whose bytes are taken as they are.  Computes it in
 * any case.  Returns false for a hash that is unknown or costs too much.
 */
bool
casnet_scheme_verify(const char *password, const char *hash)
{
	Parsed		parsed;
	uint8		digest[MOST_DIGEST];
	bool		matches;

	if (!read_hash(hash, &parsed) ||
		parsed.work > schemes[parsed.kind].most)
		return false;
	if (parsed.kind == BCRYPT_SHA256)
		return bcrypt_sha256_matches(password, &parsed);
	if (parsed.crypt != NULL)
		return crypt_matches(password, parsed.crypt);
	if (!make_digest(password, &parsed, digest))
	{
		ereport(LOG_SERVER_ONLY,
				(errmsg("could not verify a password hash of scheme %s",
						schemes[parsed.kind].name),
				 errhint("The server can be short of memory.")));
		return false;
	}
	matches = CRYPTO_memcmp(digest, parsed.digest, parsed.digest_length) == 0;
	explicit_bzero(digest, sizeof(digest));
	return matches;
}
