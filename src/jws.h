/*
 * jws.h
 *		Parsing of session tokens: JWS compact serialization (RFC 7515) with the
 *		claims of a JWT (RFC 7519).
 *
 * Needs the C library only, raises nothing and allocates nothing, so that it
 * can run in a check hook and be fuzzed without a server.
 */
#ifndef CASNET_JWS_H
#define CASNET_JWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest token, in bytes; a longer one is refused before any work. */
#define JWS_MAX_TOKEN 8192

/* Largest signature: RSA with 8192 bits. */
#define JWS_MAX_SIGNATURE 1024

/* Latest time: the largest integer that every JSON reader keeps exactly. */
#define JWS_MAX_TIME INT64_C(9007199254740992)

/* Longest strings that the parser accepts, with the final zero byte. */
#define JWS_MAX_STRING 256

typedef enum JwsAlgorithm
{
	JWS_HS256,
	JWS_EDDSA,
	JWS_ES256,
	JWS_ES384,
	JWS_RS256,
	JWS_RS384,
	JWS_RS512,
	JWS_PS256,
	JWS_PS384,
	JWS_PS512
} JwsAlgorithm;

typedef struct JwsToken
{
	JwsAlgorithm algorithm;
	char		kid[JWS_MAX_STRING];

	char		sub[JWS_MAX_STRING];
	char		tid[JWS_MAX_STRING];	/* empty if absent, as those below */
	char		iss[JWS_MAX_STRING];
	char		aud[4096];		/* each one ends with a zero, the last with two */
	char		perm[1024];		/* casnet's claim "perm", likewise */
	bool		narrows;		/* that claim is there */
	char		ses[64];		/* casnet's claim "ses"; empty if absent */
	bool		is_report;		/* it says what happened (claim "events", RFC 8417) */
	const char *problem;		/* of a claim of casnet's or sub, or NULL; see jws_parse() */
	int64_t		exp;			/* seconds since 1970, as those below */
	int64_t		nbf;			/* 0 if absent */
	int64_t		iat;			/* 0 if absent */
	int64_t		generation;		/* casnet's claim "gen"; -1 if absent */
	int64_t		authenticated_at;	/* claim "auth_time"; 0 if absent, 1 if it is no time */

	size_t		signed_length;	/* bytes of the token that are signed */
	size_t		signature_length;
	unsigned char signature[JWS_MAX_SIGNATURE];
} JwsToken;

extern const char *jws_parse(const char *token, JwsToken *result);
extern bool jws_claim_text(const char *token, const char *name, char *value,
						   size_t size);
extern bool jws_claim_is_true(const char *token, const char *name);
extern bool jws_algorithm_find(const char *name, JwsAlgorithm *algorithm);
extern const char *jws_algorithm_name(JwsAlgorithm algorithm);
extern bool jws_base64url_decode(const char *input, size_t length,
								 unsigned char *output, size_t size,
								 size_t *written);
extern size_t jws_base64url_encode(const unsigned char *input, size_t length,
								   char *output);

#endif							/* CASNET_JWS_H */
