/*
 * jwk.c
 *		JSON Web Keys (RFC 7517): for which algorithm a key is, and its stored form.
 *
 * The key fixes the algorithm: its member alg, or else the usual one for its kind.  Real key
 * sets also have keys for encryption and for algorithms that casnet does not verify.  So the
 * answer for such a key is a reason, and the caller refuses it or skips it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "casnet.h"
#include "key.h"

/* Shortest secret, in bytes: that of a hash of HS256 (RFC 7518). */
#define SECRET_LENGTH 32

/* The kinds of keys.  The first algorithm of a kind is the one of a key that names none. */
static const struct
{
	const char *kind;
	const char *curve;			/* or NULL */
	JwsAlgorithm algorithm;
}			kinds[] = {
	{"oct", NULL, JWS_HS256},
	{"OKP", "Ed25519", JWS_EDDSA},
	{"EC", "P-256", JWS_ES256},
	{"EC", "P-384", JWS_ES384},
	{"RSA", NULL, JWS_RS256},
	{"RSA", NULL, JWS_RS384},
	{"RSA", NULL, JWS_RS512},
	{"RSA", NULL, JWS_PS256},
	{"RSA", NULL, JWS_PS384},
	{"RSA", NULL, JWS_PS512}
};

/*
 * A string member of the JWK; NULL if it is absent or null, the empty string if it is not a
 * string.
 */
char *
casnet_jwk_member(JsonbContainer *jwk, const char *name)
{
	JsonbValue	buffer;
	JsonbValue *value;

	if (!JsonContainerIsObject(jwk))
		return NULL;
	value = getKeyJsonValueFromContainer(jwk, name, strlen(name), &buffer);
	if (value == NULL || value->type == jbvNull)
		return NULL;
	return value->type != jbvString ? pstrdup("") :
		pnstrdup(value->val.string.val, value->val.string.len);
}

static bool
is_text(const char *value, const char *expected)
{
	return value != NULL && strcmp(value, expected) == 0;
}

/* Whether key_ops (RFC 7517, section 4.3) is absent, or has "verify". */
static bool
may_verify(JsonbContainer *jwk)
{
	JsonbValue	buffer;
	JsonbValue	verify = {.type = jbvString};
	JsonbValue *operations = getKeyJsonValueFromContainer(jwk, "key_ops", 7,
														  &buffer);

	if (operations == NULL || operations->type == jbvNull)
		return true;
	verify.val.string.val = "verify";
	verify.val.string.len = strlen("verify");
	return operations->type == jbvBinary &&
		JsonContainerIsArray(operations->val.binary.data) &&
		findJsonbValueFromContainer(operations->val.binary.data, JB_FARRAY,
									&verify) != NULL;
}

/* A decoded member; NULL if it is absent or not base64url. */
static bytea *
decoded_member(JsonbContainer *jwk, const char *name)
{
	char	   *member = casnet_jwk_member(jwk, name);

	return member == NULL ? NULL : casnet_key_decode(member, strlen(member));
}

/* The algorithm for which the JWK is a key; false if there is none. */
static bool
find_algorithm(JsonbContainer *jwk, JwsAlgorithm *algorithm)
{
	char	   *kind = casnet_jwk_member(jwk, "kty");
	char	   *curve = casnet_jwk_member(jwk, "crv");
	char	   *stated = casnet_jwk_member(jwk, "alg");
	JwsAlgorithm wanted = JWS_HS256;

	if (stated != NULL && !jws_algorithm_find(stated, &wanted))
		return false;
	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (!is_text(kind, kinds[i].kind) ||
			(kinds[i].curve != NULL && !is_text(curve, kinds[i].curve)) ||
			(stated != NULL && wanted != kinds[i].algorithm))
			continue;
		*algorithm = kinds[i].algorithm;
		return true;
	}
	return false;
}

/*
 * The key of the JWK in its stored form, and its algorithm.  Returns NULL, or why casnet
 * does not take it.
 */
const char *
casnet_jwk_read(JsonbContainer *jwk, JwsAlgorithm *algorithm, bytea **key)
{
	char	   *use;
	bytea	   *first;
	bytea	   *second = NULL;
	JsonbValue	buffer;

	if (!JsonContainerIsObject(jwk))
		return "The key is not a JSON object.";
	use = casnet_jwk_member(jwk, "use");
	if ((use != NULL && !is_text(use, "sig")) || !may_verify(jwk))
		return "The key is not for signatures.";
	if (!find_algorithm(jwk, algorithm))
		return "The key is for none of HS256, EdDSA with Ed25519, ES256, ES384, RS256 to RS512 and PS256 to PS512.";
	if (getKeyJsonValueFromContainer(jwk, "d", 1, &buffer) != NULL)
		return "The key is a private key. Give the public one, and consider the private one disclosed.";

	if (*algorithm == JWS_HS256)
	{
		*key = decoded_member(jwk, "k");
		return *key != NULL && VARSIZE_ANY_EXHDR(*key) >= SECRET_LENGTH ? NULL :
			"The secret is not base64url without padding, or has less than 32 bytes.";
	}
	if (*algorithm == JWS_EDDSA)
		first = decoded_member(jwk, "x");
	else if (*algorithm == JWS_ES256 || *algorithm == JWS_ES384)
	{
		first = decoded_member(jwk, "x");
		second = decoded_member(jwk, "y");
	}
	else
	{
		first = decoded_member(jwk, "n");
		second = decoded_member(jwk, "e");
	}
	if (first == NULL || (second == NULL && *algorithm != JWS_EDDSA))
		return "A member of the key is absent, or not base64url without padding.";
	*key = casnet_key_public(*algorithm, first, second);
	return *key != NULL ? NULL :
		"The key is not valid: a point must be on its curve, and RSA has 2048 to 8192 bits.";
}
