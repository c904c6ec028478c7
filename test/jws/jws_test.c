/*
 * jws_test.c
 *		Tests of src/jws.c without a server: the vectors of the RFCs, and
 *		tokens changed at random, under the compiler's sanitizers.
 *
 * usage: jws_test [seconds [seed]]
 *
 * Includes the source, to reach static functions.  With JWS_LINKED it is linked
 * instead, and the test of these is left out.
 *
 * Prints a line for each failure and the sums at the end.  A finding of a
 * sanitizer ends the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef JWS_LINKED
#include "../../src/jws.h"
#else
#include "../../src/jws.c"
#endif

#define PUBLIC_HEADER "{\"alg\":\"HS256\",\"kid\":\"k\"}"
#define PUBLIC_CLAIMS "{\"sub\":\"u\",\"exp\":1}"

static int	passed = 0;
static int	failed = 0;

static void
check(bool ok, const char *what)
{
	if (ok)
		passed++;
	else
	{
		failed++;
		printf("failed: %s\n", what);
	}
}

/*
 * Parse a copy that ends where its memory ends, so that a read beyond it is found.
 * No reason may contain anything of the token.  Since all reasons are constants, it is
 * enough that they are outside of it.
 */
static const char *
parse(const char *token, size_t length, JwsToken *result)
{
	char	   *copy = malloc(length + 1);
	const char *error;

	memcpy(copy, token, length);
	copy[length] = '\0';
	error = jws_parse(copy, result);
	if (error != NULL && error >= copy && error <= copy + length)
		abort();
	free(copy);
	return error;
}

/* base64url(header) . base64url(claims) . signature */
static char *
join(const char *header, size_t header_length,
	 const char *claims, size_t claims_length, const char *signature)
{
	char	   *token = malloc(4 * (header_length + claims_length) / 3 + 16 +
							   strlen(signature));
	size_t		n;

	n = jws_base64url_encode((const unsigned char *) header, header_length,
							 token);
	token[n++] = '.';
	n += jws_base64url_encode((const unsigned char *) claims, claims_length,
							  token + n);
	token[n++] = '.';
	strcpy(token + n, signature);
	return token;
}

/* Whether header and claims are accepted. */
static bool
accepts(const char *header, const char *claims)
{
	JwsToken	result;
	char	   *token = join(header, strlen(header), claims, strlen(claims),
							 "AA");
	bool		accepted = parse(token, strlen(token), &result) == NULL;

	free(token);
	return accepted;
}

/* RFC 4648 section 10 in the alphabet of section 5, and forms that are not canonical. */
static void
test_base64url(void)
{
	static const struct
	{
		const char *plain;
		const char *encoded;
	}			vectors[] = {
		{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
		/* RFC 7515, appendix C */
		{"\x03\xec\xff\xe0\xc1", "A-z_4ME"}
	};
	static const char *const refused[] = {
		"Z", "A", "Zm9vY", "Zm9vA", "Zg==", "Zm8=", "Zh", "Zv", "Zm9", "A+z_4ME", "A-z/4ME",
		"Zm9{", "Zm9[", "Zm 9v", "Zm9v\n", " Zm9v", "Zm9v.", "Zm\xc3\xa9", "\x80", "Z=", "="
	};
	unsigned char output[16];
	char		encoded[32];
	size_t		written;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
	{
		const char *plain = vectors[i].plain;
		const char *code = vectors[i].encoded;

		jws_base64url_encode((const unsigned char *) plain, strlen(plain),
							 encoded);
		check(strcmp(encoded, code) == 0, code);
		check(jws_base64url_decode(code, strlen(code), output, sizeof(output),
								   &written) &&
			  written == strlen(plain) &&
			  memcmp(output, plain, written) == 0, code);
		check(jws_base64url_decode(code, strlen(code), output, strlen(plain),
								   &written), "output that just fits");
		check(strlen(plain) == 0 ||
			  !jws_base64url_decode(code, strlen(code), output,
									strlen(plain) - 1, &written),
			  "output that does not fit");
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		check(!jws_base64url_decode(refused[i], strlen(refused[i]), output,
									sizeof(output), &written), refused[i]);
	check(!jws_base64url_decode("Zm\0v", 4, output, sizeof(output), &written),
		  "a zero byte");

	/* Every byte string of length 2 comes back, and only from one encoding. */
	for (int a = 0; a < 256; a++)
	{
		int			preimages = 0;
		unsigned char bytes[2] = {(unsigned char) a, (unsigned char) (a * 7)};
		static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= .";

		jws_base64url_encode(bytes, 2, encoded);
		for (const char *last = all; *last != '\0'; last++)
		{
			encoded[2] = *last;
			if (jws_base64url_decode(encoded, 3, output, sizeof(output),
									 &written) &&
				memcmp(output, bytes, 2) == 0)
				preimages++;
		}
		check(preimages == 1, "one encoding for each string");
	}
}

/*
 * The examples of the RFCs.  Their headers name no kid, and those of RFC 7515 no user.
 * They are refused for that, so all that precedes it was read.
 */
static void
test_rfc_tokens(void)
{
	static const struct
	{
		const char *name;
		const char *token;
		const char *error;
	}			vectors[] = {
		{"RFC 7515 A.1, HS256",
			"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
			"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
			"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
		"The token names no key (kid)."},
		{"RFC 7515 A.2, RS256",
			"eyJhbGciOiJSUzI1NiJ9."
			"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
			"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
		"The token names no key (kid)."},
		{"RFC 7515 A.3, ES256",
			"eyJhbGciOiJFUzI1NiJ9."
			"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
			"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
		"The token names no key (kid)."},
		{"RFC 7515 A.4, ES512, which casnet does not support",
			"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA."
			"AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
		"The token's algorithm (alg) is not one that casnet knows."},
		{"RFC 7515 A.5 and 7519 6.1, unsecured",
			"eyJhbGciOiJub25lIn0."
			"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
		"The token's algorithm (alg) is not one that casnet knows."},
		{"RFC 7515 appendix E, crit",
			"eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.",
		"The token's algorithm (alg) is not one that casnet knows."},
		{"RFC 8037 A.4, EdDSA, whose payload is no JSON",
			"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
			"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
		"A part of the token is not valid JSON."},
		{"RFC 7519 A.1, a JWE",
			"eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.QR1Owv2ug2WyPBnbQrRARTeEk9kDO2w8.AxY8DCtDaGlsbGljb3RoZQ.MKOle7UQrG6nSxTLX6Mqwt0orbHvAKeWnDYvpIAeZ72deHxz3roJDXQyhxx0wKaM.fiK51VwhsxJ-siBMR-YFiA",
		"The token does not have three parts."}
	};
	JwsToken	result;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
	{
		const char *error = parse(vectors[i].token, strlen(vectors[i].token),
								  &result);

		check(error != NULL && strcmp(error, vectors[i].error) == 0,
			  vectors[i].name);
	}
}

/* What is read of a good token. */
static void
test_fields(void)
{
	static const char header[] =
	" {\"typ\":\"JWT\" , \"kid\":\"k\\u00e9y \\ud83d\\ude00\\\"\\/\",\r\n\t\"alg\":\"ES256\"} ";
	static const char claims[] =
	"{\"sub\":\"u\",\"tid\":\"t\",\"iss\":\"i\",\"aud\":[\"a\",\"bc\",\"d\"],"
	"\"exp\":9007199254740992,\"nbf\":2,\"iat\":3,\"gen\":4,"
	"\"x\":[{\"y\":[null,true,false,-0.5e-3,1E+2,\"\\b\\f\\n\\r\\t\\\\\"]}]}";
	static const char code_points[] =
	"{\"exp\":1,\"sub\":\"\\u0001\\u007F\\u0080\\u07ff\\u0800"
	"\\ud7ff\\ue000\\uffff\\uD800\\uDC00\\uDBFF\\uDFFF\"}";
	JwsToken	result;
	char	   *token = join(header, strlen(header), claims, strlen(claims),
							 "AQID");

	check(parse(token, strlen(token), &result) == NULL, "a good token");
	check(result.algorithm == JWS_ES256, "alg");
	check(strcmp(result.kid, "k\xc3\xa9y \xf0\x9f\x98\x80\"/") == 0, "kid");
	check(strcmp(result.sub, "u") == 0, "sub");
	check(strcmp(result.tid, "t") == 0, "tid");
	check(strcmp(result.iss, "i") == 0, "iss");
	check(memcmp(result.aud, "a\0bc\0d\0", 8) == 0, "aud");
	check(result.exp == JWS_MAX_TIME, "exp");
	check(result.nbf == 2 && result.iat == 3 && result.generation == 4,
		  "nbf, iat, gen");
	check(result.signature_length == 3 &&
		  memcmp(result.signature, "\1\2\3", 3) == 0, "signature");
	check(token[result.signed_length] == '.' &&
		  result.signed_length == strlen(token) - 5, "signed part");
	free(token);

	/* The limits of what takes one, two, three and four bytes in UTF-8. */
	token = join(PUBLIC_HEADER, strlen(PUBLIC_HEADER), code_points,
				 strlen(code_points), "AA");
	check(parse(token, strlen(token), &result) == NULL &&
		  strcmp(result.sub, "\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80"
				 "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
				 "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") == 0, "UTF-8");
	free(token);

	check(accepts(PUBLIC_HEADER, PUBLIC_CLAIMS), "the least");
	token = join(PUBLIC_HEADER, strlen(PUBLIC_HEADER), PUBLIC_CLAIMS,
				 strlen(PUBLIC_CLAIMS), "AA");
	check(parse(token, strlen(token), &result) == NULL &&
		  result.tid[0] == '\0' && result.iss[0] == '\0' &&
		  result.aud[0] == '\0' && result.nbf == 0 && result.iat == 0 &&
		  result.generation == -1, "what is absent");
	free(token);
}

/* The token of these claims, parsed; NULL if it is refused. */
static char *
parsed_token(const char *claims, JwsToken *result)
{
	char	   *token = join(PUBLIC_HEADER, strlen(PUBLIC_HEADER), claims,
							 strlen(claims), "AA");

	if (parse(token, strlen(token), result) == NULL)
		return token;
	free(token);
	return NULL;
}

/* A fraction makes a token end earlier and begin later. */
static void
test_fractions(void)
{
	JwsToken	result;
	char	   *token = parsed_token("{\"sub\":\"u\",\"exp\":9.75,\"nbf\":2.01,\"iat\":3.99}",
							 &result);

	check(token != NULL && result.exp == 9 && result.nbf == 3 && result.iat == 3,
		  "times with fractions");
	free(token);
	token = parsed_token("{\"sub\":\"u\",\"exp\":9.0,\"nbf\":2.000,\"iat\":3}", &result);
	check(token != NULL && result.exp == 9 && result.nbf == 2, "fractions of zero");
	free(token);
}

/* Only what is meant to sign somebody in: other types have the same keys. */
static void
test_types(void)
{
	static const struct
	{
		const char *type;
		bool		good;
	}			types[] = {
		{"\"JWT\"", true}, {"\"jwt\"", true}, {"\"at+jwt\"", true}, {"\"AT+JWT\"", true},
		{"\"application/jwt\"", true}, {"\"application/at+jwt\"", true},
		{"\"logout+jwt\"", false}, {"\"secevent+jwt\"", false}, {"\"dpop+jwt\"", false},
		{"\"JOT\"", false}, {"\"it+jwt\"", false}, {"\"application/jwe\"", false},
		{"\"JWTs\"", false}, {"\"JW\"", false}, {"\"\"", false}, {"1", false}, {"null", false}
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
	{
		char		header[100];

		sprintf(header, "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":%s}", types[i].type);
		check(accepts(header, PUBLIC_CLAIMS) == types[i].good, header);
	}
}

/* Claims by name, and claims of casnet's in the tokens of others. */
static void
test_claims(void)
{
	static const char claims[] = "{\"sub\":\"u\",\"exp\":1,\"iss\":\"i\",\"tid\":[1],\"gen\":\"x\","
	"\"a\":\"v\\u00e9\",\"n\":5,\"t\": true,\"ts\":\"true\",\"f\":false,\"fs\":\"false\",\"e\":\"\","
	"\"o\":{\"a\":\"inner\"},\"to\":[true],\"n2\":null}";
	char		value[8];
	JwsToken	result;
	char	   *token = parsed_token(claims, &result);

	check(token != NULL && result.problem != NULL && result.tid[0] == '\0' &&
		  result.generation == -1, "tid and gen of another issuer");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"tid\":[1]}"), "tid [1] without an issuer");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"perm\":\"a\"}"), "perm that is no list");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"perm\":[\"a\",1]}"), "perm with a number");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"perm\":[\"a\"}"), "perm open");
	free(token);
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"ses\":[\"a\"]}"), "ses that is no string");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"ses\":\"0123456789012345678901234567890123456789012345678901234567890123\"}"), "ses that is too long");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"ses\":\"a\",\"ses\":\"a\"}"), "ses twice");
	token = parsed_token("{\"sub\":\"u\",\"exp\":1,\"ses\":\"a\"}", &result);
	check(token != NULL && strcmp(result.ses, "a") == 0, "ses");
	free(token);
	token = parsed_token("{\"sub\":\"u\",\"exp\":1}", &result);
	check(token != NULL && result.ses[0] == '\0', "no ses");
	free(token);
	token = parsed_token("{\"sub\":\"u\",\"exp\":1,\"perm\": [ \"a\" , \"bc\"]}", &result);
	check(token != NULL && result.narrows && memcmp(result.perm, "a\0bc\0", 6) == 0, "perm");
	free(token);
	token = parsed_token("{\"sub\":\"u\",\"exp\":1,\"perm\":[]}", &result);
	check(token != NULL && result.narrows && result.perm[0] == '\0', "perm of none");
	free(token);
	token = parsed_token(claims, &result);
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"iss\":\"i\",\"tid\":[1}"), "tid that is no JSON");
	if (token == NULL)
		return;
	check(jws_claim_text(token, "a", value, sizeof(value)) &&
		  strcmp(value, "v\xc3\xa9") == 0, "a claim");
	check(jws_claim_text(token, "a", value, 4), "a claim that just fits");
	check(!jws_claim_text(token, "a", value, 3), "a claim that does not fit");
	for (const char *name = "n\0t\0e\0o\0n2\0none\0"; *name != '\0'; name += strlen(name) + 1)
		check(!jws_claim_text(token, name, value, sizeof(value)), name);
	check(jws_claim_is_true(token, "t") && jws_claim_is_true(token, "ts"), "true");
	for (const char *name = "f\0fs\0a\0n\0e\0o\0to\0n2\0none\0"; *name != '\0'; name += strlen(name) + 1)
		check(!jws_claim_is_true(token, name), name);
	free(token);
}

/* Claims and headers that are refused, and their accepted neighbours. */
static void
test_strictness(void)
{
	static const char *const bad_headers[] = {
		"", "{", "}", "[]", "{}", "null", "{\"alg\":\"HS256\"}", "{\"kid\":\"k\"}",
		"{\"alg\":\"none\",\"kid\":\"k\"}", "{\"alg\":\"HS256\",\"kid\":\"\"}",
		"{\"alg\":\"HS256\",\"kid\":\"k\",\"crit\":[]}",
		"{\"alg\":\"HS256\",\"kid\":\"k\",\"cr\\u0069t\":1}",
		"{\"alg\":\"HS256\",\"kid\":\"k\",\"kid\":\"k\"}",
		"{\"alg\":\"HS256\",\"kid\":\"k\",\"\\u006bid\":\"k\"}",
		"{\"alg\":\"HS256\",\"kid\":\"k\\u0000\"}",
		"{\"alg\":\"HS256\",\"kid\":\"k\",\"\\u0000\":1}",
		"{\"alg\":\"HS256\",\"kid\":\"k\"}x", "{\"alg\":\"HS256\",\"kid\":\"k\",}",
		"{\"alg\":\"HS256\" \"kid\":\"k\"}", "{\"alg\":\"HS256\",\"kid\":\"\\ud800\"}",
		"{\"alg\":\"HS256\",\"kid\":\"\\ud800\\u0041\"}",
		"{\"alg\":\"HS256\",\"kid\":\"\\udc00\"}", "{\"alg\":\"HS256\",\"kid\":\"\\u12\"}",
		"{\"alg\":\"HS256\",\"kid\":\"\\ud800\\ue000\"}", "{\"alg\":\"HS256\",\"kid\":\"\\u004g\"}",
		"{\"alg\":\"HS256\",\"kid\":\"\\u004G\"}",
		"{\"alg\":\"HS256\",\"kid\":\"\\", "{\"alg\":\"HS256\",\"kid\":\"\x01\"}",
		"{'alg':'HS256','kid':'k'}", "{\"alg\":\"HS256\",\"kid\":k}"
	};
	static const char *const bad_numbers[] = {
		"", "-", "-1", "-0", "01", "1.0e0", "1.", ".1", "-0.5", "1e3", "1e", "1E+", "+1", "\"1\"",
		"null", "true", "[1]", "{}", "9007199254740993", "9223372036854775808",
		"18446744073709551617", "99999999999999999999999999999999", "0x1", "1 2", "1,"
	};
	char		text[512];

	for (size_t i = 0; i < sizeof(bad_headers) / sizeof(char *); i++)
		check(!accepts(bad_headers[i], PUBLIC_CLAIMS), bad_headers[i]);
	for (size_t i = 0; i < sizeof(bad_numbers) / sizeof(char *); i++)
	{
		static const char *const names[] = {"exp", "nbf", "iat", "gen"};

		for (int n = 0; n < 4; n++)
		{
			snprintf(text, sizeof(text), "{\"sub\":\"u\"%s,\"%s\":%s}",
					 n == 0 ? "" : ",\"exp\":1", names[n], bad_numbers[i]);
			check(!accepts(PUBLIC_HEADER, text), text);
		}
	}
	check(accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":0}"), "exp 0");
	check(accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":9007199254740992}"),
		  "exp 2^53");
	test_fractions();
	test_claims();
	check(!accepts(PUBLIC_HEADER, "{\"exp\":1}"), "no sub");
	check(accepts(PUBLIC_HEADER, "{\"exp\":1,\"iss\":\"i\"}"), "no sub of another issuer");
	check(accepts(PUBLIC_HEADER, "{\"exp\":1,\"iss\":\"i\",\"sub\":5}"), "a sub of another form");
	check(accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"events\":{}}"), "events of one's own");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"iss\":\"i\",\"events\":{}}"), "a report");
	test_types();
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\"}"), "no exp");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"aud\":1}"), "aud 1");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"aud\":[1]}"), "aud [1]");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"aud\":]}"), "aud ]");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"aud\":[\"a\"}"), "aud open");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"aud\":[\"a\",]}"), "aud comma");
	check(accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"aud\":[]}"), "aud []");
	check(accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"aud\":\"a\",\"exp\":1}"), "aud, more");
	check(!accepts(PUBLIC_HEADER, "{\"sub\":\"u\",\"exp\":1,\"aud\":\"a\",\"b\"}"), "aud a, b");

	/* Strings of 255 bytes and 256, in each place that keeps one. */
	for (int length = 254; length <= 257; length++)
	{
		static const char *const formats[] = {
			"{\"sub\":\"%s\",\"exp\":1}", "{\"sub\":\"u\",\"exp\":1,\"tid\":\"%s\"}",
			"{\"sub\":\"u\",\"exp\":1,\"iss\":\"%s\"}", "{\"sub\":\"u\",\"exp\":1,\"%s\":1}"
		};
		char		filler[300];

		memset(filler, 'x', length);
		filler[length] = '\0';
		for (int n = 0; n < 4; n++)
		{
			snprintf(text, sizeof(text), formats[n], filler);
			check(accepts(PUBLIC_HEADER, text) == (length < JWS_MAX_STRING), text);
		}
		snprintf(text, sizeof(text), "{\"alg\":\"HS256\",\"kid\":\"%s\"}", filler);
		check(accepts(text, PUBLIC_CLAIMS) == (length < JWS_MAX_STRING), text);
	}
}

#ifndef JWS_LINKED
/*
 * An object that ends too early, at any place, is refused, and nothing beyond it is
 * read: its memory ends there.
 */
static void
test_ends(void)
{
	static const char text[] =
	"{\"alg\":\"HS256\",\"kid\":\"k\",\"sub\":\"u\",\"exp\":12,"
	"\"aud\":[\"a\",\"b\"],\"x\" : [ true , false,null,{\"y\":-1.5e+3},"
	"{ },[\"\\n\\u00e9\\ud83d\\ude00\"]],\"z\":0}";
	static const MemberHandler handlers[] = {header_member, claim_member};

	for (size_t length = 0; length < sizeof(text); length++)
	{
		unsigned char *copy = malloc(length);

		memcpy(copy, text, length);
		for (int i = 0; i < 2; i++)
		{
			JwsToken	result;

			check((read_object(copy, length, handlers[i], &result) == NULL) ==
				  (length == sizeof(text) - 1), "end of an object");
		}
		free(copy);
	}
}
#endif

/* Lengths: the token, a part, the signature, the audience; depth, members. */
static void
test_limits(void)
{
	static char claims[20000];
	static char signature[20000];
	JwsToken	result;
	char	   *token;
	size_t		base;

	for (size_t length = JWS_MAX_SIGNATURE - 2; length <= JWS_MAX_SIGNATURE + 2; length++)
	{
		static unsigned char zeros[JWS_MAX_SIGNATURE + 2];

		jws_base64url_encode(zeros, length, signature);
		token = join(PUBLIC_HEADER, strlen(PUBLIC_HEADER), PUBLIC_CLAIMS,
					 strlen(PUBLIC_CLAIMS), signature);
		check((parse(token, strlen(token), &result) == NULL) ==
			  (length <= JWS_MAX_SIGNATURE), "length of the signature");
		free(token);
	}

	token = join(PUBLIC_HEADER, strlen(PUBLIC_HEADER), PUBLIC_CLAIMS,
				 strlen(PUBLIC_CLAIMS), "");
	check(parse(token, strlen(token), &result) != NULL, "no signature");
	free(token);

	/* Claims filled up to a token of 8190 to 8195 bytes. */
	base = strlen(PUBLIC_HEADER);
	for (size_t length = 6000; length < 6200; length++)
	{
		memset(claims, ' ', length);
		memcpy(claims, PUBLIC_CLAIMS, strlen(PUBLIC_CLAIMS));
		token = join(PUBLIC_HEADER, base, claims, length, "AA");
		check((parse(token, strlen(token), &result) == NULL) ==
			  (strlen(token) <= JWS_MAX_TOKEN && length <= 6144),
			  "length of the token");
		free(token);
	}
	memset(signature, 'A', sizeof(signature) - 1);
	check(strcmp(parse(signature, 8193, &result),
				 "The token is longer than 8192 bytes.") == 0, "8193 bytes");
	check(strcmp(parse(signature, 8192, &result),
				 "The token does not have three parts.") == 0, "8192 bytes");

	for (int depth = 1; depth < 2500; depth++)
	{
		size_t		n = sprintf(claims, "{\"sub\":\"u\",\"exp\":1,\"x\":");

		memset(claims + n, '[', depth);
		memset(claims + n + depth, ']', depth);
		strcpy(claims + n + 2 * depth, "}");
		check(accepts(PUBLIC_HEADER, claims) == (depth <= 16), "depth");
	}
	for (int members = 60; members <= 70; members++)
	{
		size_t		n = sprintf(claims, "{\"sub\":\"u\",\"exp\":1");

		for (int i = 2; i < members; i++)
			n += sprintf(claims + n, ",\"m%d\":%d", i, i);
		strcpy(claims + n, "}");
		check(accepts(PUBLIC_HEADER, claims) == (members <= 64), "members");
	}
	/* Empty audiences take no space. */
	for (int entries = 1; entries < 1500; entries += 7)
	{
		size_t		n = sprintf(claims, "{\"sub\":\"u\",\"exp\":1,\"aud\":[\"\"");

		for (int i = 1; i < entries; i++)
			n += sprintf(claims + n, ",\"\"");
		strcpy(claims + n, ",\"a\"]}");
		token = join(PUBLIC_HEADER, base, claims, strlen(claims), "AA");
		check(parse(token, strlen(token), &result) == NULL &&
			  memcmp(result.aud, "a\0", 3) == 0, "empty audiences");
		free(token);
	}
	/* Two audiences fill their space and no more. */
	for (int size = 4080; size < 4110; size++)
	{
		sprintf(claims, "{\"sub\":\"u\",\"exp\":1,\"aud\":[\"a\",\"%0*d\"]}", size, 1);
		check(accepts(PUBLIC_HEADER, claims) ==
			  (size + 4 <= (int) sizeof(result.aud)), "long audience");
	}
	/* An audience list of any size is kept within its space. */
	for (int entries = 1; entries < 700; entries++)
	{
		size_t		n = sprintf(claims, "{\"sub\":\"u\",\"exp\":1,\"aud\":[\"a\"");

		for (int i = 1; i < entries; i++)
			n += sprintf(claims + n, ",\"%.*s\"", i % 3, "ab");
		strcpy(claims + n, "]}");
		token = join(PUBLIC_HEADER, base, claims, strlen(claims), "AA");
		check(parse(token, strlen(token), &result) == NULL &&
			  memchr(result.aud, 'a', sizeof(result.aud)) != NULL &&
			  result.aud[sizeof(result.aud) - 1] == '\0', "audience kept");
		free(token);
	}
}

/* A small random generator, so that a seed gives the same run anywhere. */
static uint64_t state;

static uint32_t
random_below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t) (state >> 32) % limit;
}

/* Whether the result of an accepted token is sound in itself. */
static bool
is_sound(const char *token, const JwsToken *result)
{
	size_t		length = strlen(token);
	const char *aud = result->aud;

	if (length > JWS_MAX_TOKEN || result->signed_length >= length ||
		token[result->signed_length] != '.' ||
		result->signature_length == 0 ||
		result->signature_length > JWS_MAX_SIGNATURE)
		return false;
	if ((int) result->algorithm < JWS_HS256 || result->algorithm > JWS_PS512)
		return false;
	if (memchr(result->kid, '\0', JWS_MAX_STRING) == NULL ||
		memchr(result->sub, '\0', JWS_MAX_STRING) == NULL ||
		memchr(result->tid, '\0', JWS_MAX_STRING) == NULL ||
		memchr(result->iss, '\0', JWS_MAX_STRING) == NULL ||
		result->kid[0] == '\0' ||
		(result->sub[0] == '\0' && result->iss[0] == '\0'))
		return false;
	while (aud < result->aud + sizeof(result->aud) && *aud != '\0')
		aud += strnlen(aud, result->aud + sizeof(result->aud) - aud) + 1;
	if (aud >= result->aud + sizeof(result->aud))
		return false;
	return result->exp >= 0 && result->exp <= JWS_MAX_TIME &&
		result->nbf >= 0 && result->nbf <= JWS_MAX_TIME &&
		result->iat >= 0 && result->iat <= JWS_MAX_TIME &&
		result->generation >= -1 && result->generation <= JWS_MAX_TIME;
}

/* Change a text of at most size bytes in one to four places; its new length. */
static size_t
mutate(char *text, size_t length, size_t size)
{
	static const char *const words[] = {
		"\"exp\":", "\"sub\":", "\"alg\":", "\"kid\":", "\"aud\":[", "\"crit\":", "\\u0000",
		"\\ud83d\\ude00", "\\ud800", "null", "9007199254740993", "1e9", "-", "{", "}", "[",
		"]", ",", ":", "\"", ".", "..", "\\", "=", "\xff", "\xc3", " ", "\n", "{\"a\":", "\"\""
	};

	for (uint32_t i = 1 + random_below(4); i > 0; i--)
	{
		size_t		at = random_below((uint32_t) length + 1);
		size_t		to;
		const char *word;

		switch (random_below(6))
		{
			case 0:				/* another byte */
				if (at < length)
					text[at] = (char) random_below(256);
				break;
			case 1:				/* one bit */
				if (at < length)
					text[at] ^= (char) (1 << random_below(8));
				break;
			case 2:				/* take out */
				to = at + random_below((uint32_t) (length - at) + 1);
				if (random_below(4) > 0 && to > at + 4)
					to = at + 1 + random_below(4);
				memmove(text + at, text + to, length - to);
				length -= to - at;
				break;
			case 3:				/* put a word in */
				word = words[random_below(sizeof(words) / sizeof(char *))];
				if (length + strlen(word) > size)
					break;
				memmove(text + at + strlen(word), text + at, length - at);
				memcpy(text + at, word, strlen(word));
				length += strlen(word);
				break;
			case 4:				/* repeat a piece */
				to = at + random_below((uint32_t) (length - at) + 1);
				if (length + to - at > size)
					break;
				memmove(text + to + (to - at), text + to, length - to);
				memcpy(text + to, text + at, to - at);
				length += to - at;
				break;
			default:			/* cut off */
				if (random_below(8) == 0)
					length = at;
				break;
		}
	}
	return length;
}

/*
 * Tokens changed before and after their encoding.  An accepted one must be sound,
 * and be the same when it is read again.
 */
static void
fuzz(int seconds, uint64_t seed)
{
	static const char *const headers[] = {
		PUBLIC_HEADER,
		"{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"a\\u0062c\",\"jku\":\"http://x\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"\\ud83d\\ude00\",\"x\":{\"y\":[1,2,{\"z\":null}]}}"
	};
	static const char *const claim_texts[] = {
		PUBLIC_CLAIMS,
		"{\"sub\":\"00000000-0000-7000-8000-000000000003\",\"exp\":4102444800,\"aud\":[\"a\",\"b\",\"c\"],\"iss\":\"https://id.example\"}",
		"{\"nbf\":0,\"iat\":1,\"gen\":2,\"tid\":\"t\",\"sub\":\"u\",\"exp\":9007199254740992,\"f\":[1.5e-3,true,[[[[]]]],{\"a\":{\"b\":\"\\\\\"}}]}"
	};
	static char text[9000];
	static char part[2][9000];
	time_t		end = time(NULL) + seconds;
	uint64_t	tried = 0;
	uint64_t	accepted = 0;

	state = seed != 0 ? seed : 1;
	while (tried % 4096 != 0 || time(NULL) < end)
	{
		JwsToken	first;
		JwsToken	second;
		size_t		length[2];
		char	   *token;
		size_t		token_length;

		tried++;
		strcpy(part[0], headers[random_below(3)]);
		strcpy(part[1], claim_texts[random_below(3)]);
		length[0] = strlen(part[0]);
		length[1] = strlen(part[1]);
		switch (random_below(8))
		{
			case 0:
			case 1:
				length[0] = mutate(part[0], length[0], 4000);
				break;
			case 2:
				length[0] = mutate(part[0], length[0], 4000);
				/* FALLTHROUGH */
			default:
				length[1] = mutate(part[1], length[1], 4000);
				break;
		}
		token = join(part[0], length[0], part[1], length[1], "AQIDBAUG");
		token_length = strlen(token);
		if (random_below(4) == 0 && token_length < 8500)
		{
			memcpy(text, token, token_length);
			free(token);
			token_length = mutate(text, token_length, sizeof(text) - 1);
			text[token_length] = '\0';
			token_length = strlen(text);
			token = malloc(token_length + 1);
			memcpy(token, text, token_length + 1);
		}

		if (parse(token, token_length, &first) == NULL)
		{
			accepted++;
			if (!is_sound(token, &first) ||
				parse(token, token_length, &second) != NULL ||
				memcmp(&first, &second, sizeof(first)) != 0)
				check(false, token);
		}
		free(token);
	}
	check(true, "fuzzing");
	/* Both answers must have occurred, or nothing was tested. */
	check(accepted > 0 && accepted < tried, "fuzzing gave one answer only");
	printf("%llu tokens changed at random with seed %llu, %llu of them accepted\n",
		   (unsigned long long) tried, (unsigned long long) seed,
		   (unsigned long long) accepted);
}

int
main(int argc, char **argv)
{
	int			seconds = argc > 1 ? atoi(argv[1]) : 20;
	uint64_t	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 7515;

	test_base64url();
	test_rfc_tokens();
	test_fields();
	test_strictness();
#ifndef JWS_LINKED
	test_ends();
#endif
	test_limits();
	fuzz(seconds, seed);
	printf("%d passed, %d failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}
