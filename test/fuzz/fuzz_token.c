/*
 * fuzz_token.c
 *		Tokens.  The input is a token, or, if it begins with '1', header and
 *		claims with a line end between them, which are encoded and signed.
 *
 * What is accepted must be sound.  It must be read the same when it is encoded again
 * from what was read, and verify only with the key that signed it.
 */
#include "../../src/jws.c"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fuzz.h"

static const char secret[] = "0123456789abcdef0123456789abcdef";

/* Append base64url of a text to the token. */
static size_t
append(char *token, const char *part, size_t length)
{
	return jws_base64url_encode((const unsigned char *) part, length, token);
}

/* Append a JSON string of the value, with every byte above ASCII as it is. */
static char *
put_string(char *json, const char *name, const char *value)
{
	json += sprintf(json, ",\"%s\":\"", name);
	for (; *value != '\0'; value++)
	{
		unsigned char c = (unsigned char) *value;

		if (c < 0x20 || c == '"' || c == '\\')
			json += sprintf(json, "\\u%04x", c);
		else
			*json++ = (char) c;
	}
	*json++ = '"';
	return json;
}

/* A signed token of header and claims, to be freed. */
static char *
make_token(const char *header, size_t header_length, const char *claims,
		   size_t claims_length)
{
	char	   *token = malloc(4 * (header_length + claims_length) / 3 + 128);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_length;
	size_t		n = append(token, header, header_length);

	token[n++] = '.';
	n += append(token + n, claims, claims_length);
	HMAC(EVP_sha256(), secret, sizeof(secret) - 1, (unsigned char *) token, n,
		 mac, &mac_length);
	token[n++] = '.';
	append(token + n, (char *) mac, mac_length);
	return token;
}

/* Whether the token carries the signature of our secret. */
static bool
is_signed(const char *token, const JwsToken *jws)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_length;

	HMAC(EVP_sha256(), secret, sizeof(secret) - 1, (const unsigned char *) token,
		 jws->signed_length, mac, &mac_length);
	return jws->signature_length == mac_length &&
		memcmp(mac, jws->signature, mac_length) == 0;
}

/* Encode what was read, and read that. */
static void
check_again(const JwsToken *jws)
{
	static char header[4096];
	static char claims[32768];
	JwsToken	again;
	char	   *token;
	char	   *c = header;

	MUST((int) jws->algorithm >= 0 && jws->algorithm <= JWS_PS512);
	MUST(jws->kid[0] != '\0' && jws->exp >= 0);
	MUST(jws->sub[0] != '\0' || jws->iss[0] != '\0');
	MUST(jws->exp <= JWS_MAX_TIME && jws->nbf >= 0 && jws->iat >= 0);
	c += sprintf(c, "{\"alg\":\"%s\"", jws_algorithm_name(jws->algorithm));
	c = put_string(c, "kid", jws->kid);
	strcpy(c, "}");
	c = claims;
	c += sprintf(c, "{\"exp\":%lld,\"nbf\":%lld,\"iat\":%lld", (long long) jws->exp,
				 (long long) jws->nbf, (long long) jws->iat);
	if (jws->generation >= 0)
		c += sprintf(c, ",\"gen\":%lld", (long long) jws->generation);
	c = put_string(c, "sub", jws->sub);
	c = put_string(c, "tid", jws->tid);
	c = put_string(c, "iss", jws->iss);
	strcpy(c, "}");

	token = make_token(header, strlen(header), claims, strlen(claims));
	if (strlen(token) <= JWS_MAX_TOKEN && strlen(claims) <= MAX_PART)
	{
		MUST(jws_parse(token, &again) == NULL);
		MUST(is_signed(token, &again));
		MUST(again.algorithm == jws->algorithm && again.exp == jws->exp &&
			 again.nbf == jws->nbf && again.iat == jws->iat &&
			 again.generation == jws->generation);
		MUST(strcmp(again.kid, jws->kid) == 0 && strcmp(again.sub, jws->sub) == 0 &&
			 strcmp(again.tid, jws->tid) == 0 && strcmp(again.iss, jws->iss) == 0);
		/* Any other byte of the signed part spoils the signature. */
		token[again.exp % again.signed_length] ^= 1;
		MUST(!is_signed(token, &again));
	}
	free(token);
}

/* A claim by its name is the claim that was parsed. */
static void
check_claims(const char *token, const JwsToken *jws)
{
	char		value[JWS_MAX_STRING];

	MUST(jws->sub[0] == '\0' ||
		 (jws_claim_text(token, "sub", value, sizeof(value)) &&
		  strcmp(value, jws->sub) == 0));
	if (jws_claim_text(token, "iss", value, sizeof(value)))
		MUST(strcmp(value, jws->iss) == 0);
	else
		MUST(jws->iss[0] == '\0');
	MUST(!jws_claim_is_true(token, "exp"));
	if (jws_claim_text(token, "email", value, sizeof(value)))
		MUST(jws_claim_is_true(token, "email") == (strcmp(value, "true") == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line_end = size > 0 && data[0] == '1' ?
		memchr(data, '\n', size) : NULL;
	JwsToken	jws;
	char	   *token;
	const char *problem;

	selftest(data, size);
	if (line_end != NULL)
		token = make_token((const char *) data + 1, line_end - data - 1,
						   (const char *) line_end + 1,
						   data + size - line_end - 1);
	else
	{
		token = malloc(size + 1);
		memcpy(token, data, size);
		token[size] = '\0';
	}
	problem = jws_parse(token, &jws);
	MUST(problem == NULL || problem[0] != '\0');
	if (problem == NULL)
	{
		MUST(jws.signed_length < strlen(token) && token[jws.signed_length] == '.');
		MUST(line_end == NULL || is_signed(token, &jws));
		check_again(&jws);
		check_claims(token, &jws);
	}
	free(token);
	return 0;
}
