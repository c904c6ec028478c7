/*
 * jws.c
 *		Parsing of session tokens; see jws.h.
 *
 * The parser is strict where the standards leave a choice.  It accepts base64url only
 * in canonical form (no padding, no spare bits), strings only without a zero byte, and
 * times only without an exponent.  It refuses a member that comes twice in header or
 * claims, and every critical extension, since it knows none.  The functions return NULL or
 * the reason for the refusal, which never contains any part of the token.
 */
#include "jws.h"

#include <string.h>

#define MAX_DEPTH 16
#define MAX_MEMBERS 64
#define MAX_PART 6144			/* decoded header or claims, in bytes */

typedef struct Reader
{
	const unsigned char *at;
	const unsigned char *end;
} Reader;

/* Takes the value of a member of the outermost object. */
typedef const char *(*MemberHandler) (Reader *reader, const char *name,
									  void *into);

/* A claim that is looked for. */
typedef struct Wanted
{
	const char *name;
	char	   *value;			/* gets a string that fits */
	size_t		size;
	bool		has_value;
	bool		is_true;		/* it is true, or the string "true" */
} Wanted;

static const char *const algorithm_names[] = {
	[JWS_HS256] = "HS256",
	[JWS_EDDSA] = "EdDSA",
	[JWS_ES256] = "ES256",
	[JWS_ES384] = "ES384",
	[JWS_RS256] = "RS256",
	[JWS_RS384] = "RS384",
	[JWS_RS512] = "RS512",
	[JWS_PS256] = "PS256",
	[JWS_PS384] = "PS384",
	[JWS_PS512] = "PS512"
};

static const char not_json[] = "A part of the token is not valid JSON.";

/*
 * The algorithm with this name of RFC 7518, 8037 or 9864; names are case-sensitive.  RFC
 * 9864 gives EdDSA with Ed25519 a second name.
 */
bool
jws_algorithm_find(const char *name, JwsAlgorithm *algorithm)
{
	if (strcmp(name, "Ed25519") == 0)
		name = algorithm_names[JWS_EDDSA];
	for (size_t i = 0; i < sizeof(algorithm_names) / sizeof(char *); i++)
	{
		if (strcmp(name, algorithm_names[i]) == 0)
		{
			*algorithm = (JwsAlgorithm) i;
			return true;
		}
	}
	return false;
}

/* The name under which a key's algorithm is stored. */
const char *
jws_algorithm_name(JwsAlgorithm algorithm)
{
	return algorithm_names[algorithm];
}

static int
base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	return -1;
}

/*
 * Decode base64url without padding (RFC 7515, section 2).  Returns false when
 * the input is not in canonical form or does not fit into size bytes.
 */
bool
jws_base64url_decode(const char *input, size_t length,
					 unsigned char *output, size_t size, size_t *written)
{
	uint32_t	bits = 0;
	int			count = 0;
	size_t		n = 0;

	for (size_t i = 0; i < length; i++)
	{
		int			value = base64url_value(input[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t) value;
		count += 6;
		if (count >= 8)
		{
			count -= 8;
			if (n == size)
				return false;
			output[n++] = (unsigned char) (bits >> count & 0xff);
		}
	}

	/* Left over: nothing, or fewer than six bits, all of them zero. */
	if (count == 6 || (bits & ((1u << count) - 1)) != 0)
		return false;
	*written = n;
	return true;
}

/* Encode; output takes 4 * length / 3 + 3 bytes, with a final zero. */
size_t
jws_base64url_encode(const unsigned char *input, size_t length, char *output)
{
	static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t	bits = 0;
	int			count = 0;
	size_t		n = 0;

	for (size_t i = 0; i < length; i++)
	{
		bits = bits << 8 | input[i];
		count += 8;
		while (count >= 6)
		{
			count -= 6;
			output[n++] = alphabet[bits >> count & 0x3f];
		}
	}
	if (count > 0)
		output[n++] = alphabet[bits << (6 - count) & 0x3f];
	output[n] = '\0';
	return n;
}

static void
skip_space(Reader *reader)
{
	while (reader->at < reader->end &&
		   (*reader->at == ' ' || *reader->at == '\t' ||
			*reader->at == '\n' || *reader->at == '\r'))
		reader->at++;
}

/* Take the character, after white space, if it is the next one. */
static bool
take(Reader *reader, char c)
{
	skip_space(reader);
	if (reader->at == reader->end || *reader->at != (unsigned char) c)
		return false;
	reader->at++;
	return true;
}

static bool
take_word(Reader *reader, const char *word)
{
	size_t		length = strlen(word);

	if ((size_t) (reader->end - reader->at) < length ||
		memcmp(reader->at, word, length) != 0)
		return false;
	reader->at += length;
	return true;
}

/* Four hex digits of a \u escape, or -1. */
static int32_t
take_hex4(Reader *reader)
{
	int32_t		value = 0;

	if (reader->end - reader->at < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		unsigned char c = *reader->at++;

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			value = value << 4 | (c - 'A' + 10);
		else
			return -1;
	}
	return value;
}

/* The code point of an escape, surrogates combined; -1 if it is not valid. */
static int32_t
take_escape(Reader *reader)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	unsigned char c;
	int32_t		high;
	int32_t		low;

	if (reader->at == reader->end)
		return -1;
	c = *reader->at++;
	if (c != 'u')
	{
		found = c == '\0' ? NULL : strchr(from, c);
		return found == NULL ? -1 : to[found - from];
	}

	high = take_hex4(reader);
	if (high <= 0 || (high >= 0xDC00 && high <= 0xDFFF))
		return -1;				/* also \u0000: a string never has a zero */
	if (high < 0xD800 || high > 0xDBFF)
		return high;
	if (!take_word(reader, "\\u"))
		return -1;
	low = take_hex4(reader);
	if (low < 0xDC00 || low > 0xDFFF)
		return -1;
	return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* The bytes of a code point in UTF-8. */
static size_t
put_utf8(int32_t code, char *output)
{
	if (code < 0x80)
	{
		output[0] = (char) code;
		return 1;
	}
	if (code < 0x800)
	{
		output[0] = (char) (0xC0 | code >> 6);
		output[1] = (char) (0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000)
	{
		output[0] = (char) (0xE0 | code >> 12);
		output[1] = (char) (0x80 | (code >> 6 & 0x3F));
		output[2] = (char) (0x80 | (code & 0x3F));
		return 3;
	}
	output[0] = (char) (0xF0 | code >> 18);
	output[1] = (char) (0x80 | (code >> 12 & 0x3F));
	output[2] = (char) (0x80 | (code >> 6 & 0x3F));
	output[3] = (char) (0x80 | (code & 0x3F));
	return 4;
}

/*
 * Read a string, unescaped, into output of the given size; a NULL output skips it.
 * Returns false when there is no string, or it has a control character or does not fit.
 */
static bool
take_string(Reader *reader, char *output, size_t size)
{
	size_t		n = 0;

	if (!take(reader, '"'))
		return false;
	while (reader->at < reader->end)
	{
		unsigned char c = *reader->at++;
		char		bytes[4];
		size_t		length = 1;

		if (c == '"')
		{
			if (output != NULL)
				output[n] = '\0';
			return true;
		}
		if (c < 0x20)
			return false;
		bytes[0] = (char) c;
		if (c == '\\')
		{
			int32_t		code = take_escape(reader);

			if (code < 0)
				return false;
			length = put_utf8(code, bytes);
		}
		if (output != NULL)
		{
			if (n + length >= size)
				return false;
			memcpy(output + n, bytes, length);
			n += length;
		}
	}
	return false;
}

static bool
take_digits(Reader *reader)
{
	const unsigned char *start = reader->at;

	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return reader->at > start;
}

/* Skip a number in the form of RFC 8259; false if there is none. */
static bool
skip_number(Reader *reader)
{
	bool		zero;

	(void) take_word(reader, "-");
	zero = reader->at < reader->end && *reader->at == '0';
	if (zero)
		reader->at++;
	else if (!take_digits(reader))
		return false;
	if (take_word(reader, ".") && !take_digits(reader))
		return false;
	if (take_word(reader, "e") || take_word(reader, "E"))
	{
		if (!take_word(reader, "+"))
			(void) take_word(reader, "-");
		return take_digits(reader);
	}
	return true;
}

/* Skip any value; false if there is none, or it is nested too deeply. */
static bool
skip_value(Reader *reader, int depth)
{
	bool		object;
	char		closing;

	skip_space(reader);
	if (depth > MAX_DEPTH || reader->at == reader->end)
		return false;
	switch (*reader->at)
	{
		case '"':
			return take_string(reader, NULL, 0);
		case 't':
			return take_word(reader, "true");
		case 'f':
			return take_word(reader, "false");
		case 'n':
			return take_word(reader, "null");
		case '{':
		case '[':
			break;
		default:
			return skip_number(reader);
	}

	object = *reader->at++ == '{';
	closing = object ? '}' : ']';
	if (take(reader, closing))
		return true;
	do
	{
		if (object &&
			!(take_string(reader, NULL, 0) && take(reader, ':')))
			return false;
		if (!skip_value(reader, depth + 1))
			return false;
	} while (take(reader, ','));
	return take(reader, closing);
}

/*
 * A number from 0 to JWS_MAX_TIME, without an exponent (NumericDate, RFC 7519 section 2).
 * *fraction says whether something but zeros follows the point.
 */
static bool
take_time(Reader *reader, int64_t *value, bool *fraction)
{
	const unsigned char *c;
	int64_t		result = 0;

	skip_space(reader);
	c = reader->at;
	if (!skip_number(reader))
		return false;
	for (; c < reader->at && *c >= '0' && *c <= '9'; c++)
	{
		result = result * 10 + (*c - '0');
		if (result > JWS_MAX_TIME)
			return false;
	}
	*fraction = false;
	if (c < reader->at && *c == '.')
		for (c++; c < reader->at && *c >= '0' && *c <= '9'; c++)
			*fraction |= *c != '0';
	*value = result;
	return c == reader->at;
}

/* A string, or an array of strings, each with its final zero; empty ones are left out. */
static bool
take_audience(Reader *reader, char *output, size_t size)
{
	size_t		n = 0;
	bool		array = take(reader, '[');

	if (array && take(reader, ']'))
		return true;
	do
	{
		if (size - n < 3 || !take_string(reader, output + n, size - n - 1))
			return false;
		if (output[n] != '\0')
			n += strlen(output + n) + 1;
	} while (array && take(reader, ','));
	output[n] = '\0';
	return !array || take(reader, ']');
}

/*
 * Read an object that is the whole input.  The handler takes the value of each member.
 */
static const char *
read_object(const unsigned char *input, size_t length, MemberHandler handler,
			void *into)
{
	Reader		reader = {input, input + length};
	char		names[MAX_MEMBERS][JWS_MAX_STRING];
	int			count = 0;

	if (!take(&reader, '{'))
		return not_json;
	if (!take(&reader, '}'))
	{
		do
		{
			const char *error;

			if (count == MAX_MEMBERS)
				return "A part of the token has too many members.";
			if (!take_string(&reader, names[count], sizeof(names[count])) ||
				!take(&reader, ':'))
				return not_json;
			for (int i = 0; i < count; i++)
				if (strcmp(names[i], names[count]) == 0)
					return "A part of the token has a member twice.";
			error = handler(&reader, names[count], into);
			if (error != NULL)
				return error;
			count++;
		} while (take(&reader, ','));
		if (!take(&reader, '}'))
			return not_json;
	}
	skip_space(&reader);
	return reader.at == reader.end ? NULL : not_json;
}

/* Whether the strings are equal but for the case of ASCII letters. */
static bool
is_same_type(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++)
	{
		char		lower = *a >= 'A' && *a <= 'Z' ? *a + ('a' - 'A') : *a;

		if (lower != *b)
			return false;
	}
	return *a == *b;
}

/*
 * Whether a token of that type (typ) says who somebody is: RFC 7519 section 5.1, RFC 9068
 * section 2.1.  Issuers sign tokens for other purposes with the same keys (RFC 8725 section
 * 3.11), such as logout+jwt, secevent+jwt and dpop+jwt.
 */
static bool
is_type_of_tokens(const char *type)
{
	static const char *const types[] = {
		"jwt", "at+jwt", "application/jwt", "application/at+jwt"
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(char *); i++)
		if (is_same_type(type, types[i]))
			return true;
	return false;
}

/* A member of the header, RFC 7515 section 4.1. */
static const char *
header_member(Reader *reader, const char *name, void *into)
{
	JwsToken   *token = into;
	char		value[JWS_MAX_STRING];

	if (strcmp(name, "alg") == 0)
	{
		if (!take_string(reader, value, sizeof(value)) ||
			!jws_algorithm_find(value, &token->algorithm))
			return "The token's algorithm (alg) is not one that casnet knows.";
		return NULL;
	}
	if (strcmp(name, "kid") == 0)
		return take_string(reader, token->kid, sizeof(token->kid)) ? NULL :
			"The token's key id (kid) is not a string of moderate length.";
	if (strcmp(name, "typ") == 0)
		return take_string(reader, value, sizeof(value)) &&
			is_type_of_tokens(value) ? NULL :
			"The token's type (typ) is not that of a token that signs in.";
	if (strcmp(name, "crit") == 0)
		return "The token has a critical header that is not supported.";
	return skip_value(reader, 1) ? NULL : not_json;
}

/*
 * A time: of a fraction of a second, nbf is its end, and the others its beginning, so that
 * no token is valid longer than it says.
 */
static const char *
time_claim(Reader *reader, int64_t *value, bool is_begin)
{
	bool		fraction;

	if (!take_time(reader, value, &fraction))
		return "A time in the token is not a number of seconds.";
	*value += is_begin && fraction;
	return NULL;
}

/*
 * A claim of casnet's own, tid, gen, ses or perm, or sub or auth_time.  Other issuers give these names other
 * meanings and forms, so this notes what is wrong, and only bad JSON is refused.
 */
static const char *
own_claim(Reader *reader, const char *name, JwsToken *token)
{
	Reader		start = *reader;
	bool		fraction = false;

	if (strcmp(name, "tid") == 0)
	{
		if (take_string(reader, token->tid, sizeof(token->tid)))
			return NULL;
		token->tid[0] = '\0';
		token->problem = "The token's tenant (tid) is not a string of moderate length.";
	}
	else if (strcmp(name, "sub") == 0)
	{
		if (take_string(reader, token->sub, sizeof(token->sub)))
			return NULL;
		token->sub[0] = '\0';
		token->problem = "The token's subject (sub) is not a string of moderate length.";
	}
	else if (strcmp(name, "ses") == 0)
	{
		if (take_string(reader, token->ses, sizeof(token->ses)))
			return NULL;
		token->ses[0] = '\0';
		token->problem = "The token's session (ses) is not a short string.";
	}
	else if (strcmp(name, "auth_time") == 0)
	{
		/* Zero means that the claim is absent. */
		if (take_time(reader, &token->authenticated_at, &fraction))
		{
			if (token->authenticated_at == 0)
				token->authenticated_at = 1;
			return NULL;
		}
		token->authenticated_at = 1;
		token->problem = "The token's time of authentication (auth_time) is not a number of seconds.";
	}
	else if (strcmp(name, "perm") == 0)
	{
		token->narrows = true;
		skip_space(reader);
		if (reader->at < reader->end && *reader->at == '[' &&
			take_audience(reader, token->perm, sizeof(token->perm)))
			return NULL;
		memset(token->perm, 0, sizeof(token->perm));
		token->problem = "The token's permissions (perm) are not a short list of strings.";
	}
	else
	{
		if (take_time(reader, &token->generation, &fraction) && !fraction)
			return NULL;
		token->generation = -1;
		token->problem = "The token's generation (gen) is not a whole number.";
	}
	*reader = start;
	return skip_value(reader, 1) ? NULL : not_json;
}

/* A claim, RFC 7519 section 4.1. */
static const char *
claim_member(Reader *reader, const char *name, void *into)
{
	JwsToken   *token = into;

	if (strcmp(name, "iss") == 0)
		return take_string(reader, token->iss, sizeof(token->iss)) ? NULL :
			"The token's issuer (iss) is not a string of moderate length.";
	if (strcmp(name, "exp") == 0)
		return time_claim(reader, &token->exp, false);
	if (strcmp(name, "nbf") == 0)
		return time_claim(reader, &token->nbf, true);
	if (strcmp(name, "iat") == 0)
		return time_claim(reader, &token->iat, false);
	if (strcmp(name, "tid") == 0 || strcmp(name, "gen") == 0 ||
		strcmp(name, "perm") == 0 || strcmp(name, "ses") == 0 ||
		strcmp(name, "sub") == 0 || strcmp(name, "auth_time") == 0)
		return own_claim(reader, name, token);
	if (strcmp(name, "events") == 0)
		token->is_report = true;
	if (strcmp(name, "aud") == 0)
		return take_audience(reader, token->aud, sizeof(token->aud)) ? NULL :
			"The token's audience (aud) is neither a string nor a list of strings.";
	return skip_value(reader, 1) ? NULL : not_json;
}

/* One claim of a token that was parsed before. */
static const char *
wanted_member(Reader *reader, const char *name, void *into)
{
	Wanted	   *wanted = into;
	Reader		start = *reader;

	if (strcmp(name, wanted->name) == 0)
	{
		wanted->has_value = take_string(reader, wanted->value, wanted->size);
		if (wanted->has_value)
		{
			wanted->is_true = strcmp(wanted->value, "true") == 0;
			return NULL;
		}
		*reader = start;
		skip_space(reader);
		wanted->is_true = take_word(reader, "true");
		*reader = start;
	}
	return skip_value(reader, 1) ? NULL : not_json;
}

/* Decode one part and read its object. */
static const char *
read_part(const char *part, size_t length, MemberHandler handler, void *into)
{
	unsigned char decoded[MAX_PART];
	size_t		decoded_length;

	if (!jws_base64url_decode(part, length, decoded, sizeof(decoded),
							  &decoded_length))
		return "A part of the token is not base64url, or too long.";
	return read_object(decoded, decoded_length, handler, into);
}

/* Look for a claim of a token that jws_parse() took. */
static void
find_claim(const char *token, Wanted *wanted)
{
	const char *claims = strchr(token, '.') + 1;

	(void) read_part(claims, strchr(claims, '.') - claims, wanted_member,
					 wanted);
}

/*
 * The claim of a token that jws_parse() took, as a string; false if it is absent, not a
 * string, empty, or does not fit into size bytes with its final zero.
 */
bool
jws_claim_text(const char *token, const char *name, char *value, size_t size)
{
	Wanted		wanted = {name, value, size, false, false};

	find_claim(token, &wanted);
	return wanted.has_value && value[0] != '\0';
}

/* Whether that claim is true, or the string "true", which some issuers write. */
bool
jws_claim_is_true(const char *token, const char *name)
{
	char		value[sizeof("true")];
	Wanted		wanted = {name, value, sizeof(value), false, false};

	find_claim(token, &wanted);
	return wanted.is_true;
}

/*
 * Parse a token into result: header, claims and signature, none of them verified.
 * Returns NULL, or why it is refused.  A claim of casnet's or sub that has another form is
 * refused only in a token without an issuer; in others, result->problem says what is wrong.
 */
const char *
jws_parse(const char *token, JwsToken *result)
{
	size_t		length = strnlen(token, JWS_MAX_TOKEN + 1);
	const char *claims;
	const char *signature;
	const char *error;

	memset(result, 0, sizeof(*result));
	result->exp = -1;
	result->generation = -1;
	result->algorithm = (JwsAlgorithm) -1;

	if (length > JWS_MAX_TOKEN)
		return "The token is longer than 8192 bytes.";
	claims = memchr(token, '.', length);
	signature = claims == NULL ? NULL : strchr(claims + 1, '.');
	if (signature == NULL || strchr(signature + 1, '.') != NULL)
		return "The token does not have three parts.";

	error = read_part(token, claims - token, header_member, result);
	if (error == NULL)
		error = read_part(claims + 1, signature - claims - 1, claim_member,
						  result);
	if (error != NULL)
		return error;
	if (result->algorithm == (JwsAlgorithm) -1)
		return "The token names no algorithm.";
	if (result->kid[0] == '\0')
		return "The token names no key (kid).";
	if (result->exp < 0)
		return "The token does not say when it expires (exp).";
	if (result->iss[0] == '\0' && result->problem != NULL)
		return result->problem;
	if (result->iss[0] == '\0' && result->sub[0] == '\0')
		return "The token names no user (sub).";
	if (result->iss[0] != '\0' && result->is_report)
		return "The token says what happened (events), and signs nobody in.";

	result->signed_length = signature - token;
	if (!jws_base64url_decode(signature + 1,
							  length - result->signed_length - 1,
							  result->signature, sizeof(result->signature),
							  &result->signature_length) ||
		result->signature_length == 0)
		return "The token's signature is not base64url, or too long.";
	return NULL;
}
