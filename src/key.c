/*
 * key.c
 *		Keys and signatures: HMAC by the server's own code, the rest by OpenSSL.
 *
 * Public keys are kept as DER SubjectPublicKeyInfo, so that a JWK is checked
 * once, when it is added.  No function raises while it holds an object of
 * OpenSSL, because no memory context would free that.
 */
#include "postgres.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "casnet.h"
#include "key.h"

#define MAX_COORDINATE 48
#define ED25519_KEY CASNET_ED25519_KEY
#define MIN_RSA_BITS 2048
#define MAX_RSA_BITS 8192

/*
 * HMAC-SHA-256 (RFC 2104) of the data into mac.  Raises XX000 if the server's
 * cryptographic library fails.
 */
void
casnet_key_hmac(const uint8 *secret, size_t secret_length, const char *data,
				size_t length, uint8 *mac)
{
	pg_hmac_ctx *ctx = pg_hmac_create(PG_SHA256);
	bool		done;

	done = ctx != NULL &&
		pg_hmac_init(ctx, secret, secret_length) >= 0 &&
		pg_hmac_update(ctx, (const uint8 *) data, length) >= 0 &&
		pg_hmac_final(ctx, mac, PG_SHA256_DIGEST_LENGTH) >= 0;
	pg_hmac_free(ctx);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a message authentication code"),
				 errhint("The server's cryptographic library failed; see its configuration.")));
}

/* Bytes of a coordinate on the curve of an algorithm (RFC 7518, section 3.4), or 0. */
static int
coordinate_of(JwsAlgorithm algorithm)
{
	return algorithm == JWS_ES256 ? 32 : algorithm == JWS_ES384 ? 48 : 0;
}

/*
 * Encode the signature r || s of RFC 7518 section 3.4 as DER, which OpenSSL allocates.
 * Returns its length, or 0.
 */
static int
encode_ecdsa(const unsigned char *signature, size_t length, int coordinate,
			 unsigned char **der)
{
	ECDSA_SIG  *pair;
	BIGNUM	   *r;
	BIGNUM	   *s;
	int			result = 0;

	if (length != 2 * coordinate)
		return 0;
	pair = ECDSA_SIG_new();
	r = BN_bin2bn(signature, coordinate, NULL);
	s = BN_bin2bn(signature + coordinate, coordinate, NULL);
	if (pair != NULL && r != NULL && s != NULL &&
		ECDSA_SIG_set0(pair, r, s) == 1)
	{
		r = s = NULL;			/* now owned by pair */
		result = i2d_ECDSA_SIG(pair, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return Max(result, 0);
}

/* Whether the algorithm takes a public key of this kind. */
static bool
key_fits(EVP_PKEY *key, JwsAlgorithm algorithm)
{
	if (algorithm == JWS_EDDSA)
		return EVP_PKEY_is_a(key, "ED25519");
	if (coordinate_of(algorithm) > 0)
		return EVP_PKEY_is_a(key, "EC") &&
			EVP_PKEY_get_bits(key) == 8 * coordinate_of(algorithm);
	return algorithm != JWS_HS256 && EVP_PKEY_is_a(key, "RSA");
}

/* The hash of an algorithm; NULL for Ed25519, which has its own. */
static const EVP_MD *
hash_of(JwsAlgorithm algorithm)
{
	switch (algorithm)
	{
		case JWS_ES256:
		case JWS_RS256:
		case JWS_PS256:
			return EVP_sha256();
		case JWS_ES384:
		case JWS_RS384:
		case JWS_PS384:
			return EVP_sha384();
		case JWS_RS512:
		case JWS_PS512:
			return EVP_sha512();
		default:
			return NULL;
	}
}

/*
 * Let ctx verify with that key.  PS256 and its like take PSS with a salt as long as the
 * hash (RFC 7518, section 3.5).
 */
static bool
begin_verification(EVP_MD_CTX *ctx, EVP_PKEY *key, JwsAlgorithm algorithm)
{
	bool		is_pss = algorithm == JWS_PS256 || algorithm == JWS_PS384 ||
		algorithm == JWS_PS512;
	EVP_PKEY_CTX *options = NULL;

	if (EVP_DigestVerifyInit(ctx, &options, hash_of(algorithm), NULL, key) != 1)
		return false;
	return !is_pss ||
		(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
		 EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1);
}

/* Verify a signature of one of the asymmetric algorithms. */
static bool
verify_public(JwsAlgorithm algorithm, const uint8 *key, size_t key_length,
			  const char *data, size_t length,
			  const unsigned char *signature, size_t signature_length)
{
	const unsigned char *der = key;
	unsigned char *ecdsa = NULL;
	EVP_PKEY   *pkey = d2i_PUBKEY(NULL, &der, (long) key_length);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool		valid = false;

	if (coordinate_of(algorithm) > 0)
	{
		signature_length = encode_ecdsa(signature, signature_length,
										coordinate_of(algorithm), &ecdsa);
		signature = ecdsa;
	}
	if (pkey != NULL && ctx != NULL && signature_length > 0 &&
		key_fits(pkey, algorithm) && begin_verification(ctx, pkey, algorithm))
		valid = EVP_DigestVerify(ctx, signature, signature_length,
								 (const unsigned char *) data, length) == 1;

	OPENSSL_free(ecdsa);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return valid;
}

/*
 * Whether the key has signed the data.  The key is a secret for HS256, a DER public key
 * for the others.  Takes the same time whichever byte of an HMAC differs.
 */
bool
casnet_key_verify(JwsAlgorithm algorithm, const uint8 *key, size_t key_length,
				  const char *data, size_t length,
				  const unsigned char *signature, size_t signature_length)
{
	uint8		mac[PG_SHA256_DIGEST_LENGTH];

	if (algorithm != JWS_HS256)
		return verify_public(algorithm, key, key_length, data, length,
							 signature, signature_length);

	if (signature_length != sizeof(mac))
		return false;
	casnet_key_hmac(key, key_length, data, length, mac);
	return CRYPTO_memcmp(mac, signature, sizeof(mac)) == 0;
}

/*
 * The public key of a private key for Ed25519 (RFC 8032, section 5.1.5), both of 32 bytes.
 * False if the cryptographic library fails.
 */
bool
casnet_key_ed25519_public(const uint8 *seed, uint8 *key)
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
													seed, ED25519_KEY);
	size_t		length = ED25519_KEY;
	bool		done = pkey != NULL &&
		EVP_PKEY_get_raw_public_key(pkey, key, &length) == 1 &&
		length == ED25519_KEY;

	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return done;
}

/*
 * Sign the data with a private key for Ed25519 (RFC 8032); the signature has 64 bytes.
 * False if the cryptographic library fails.
 */
bool
casnet_key_ed25519_sign(const uint8 *seed, const char *data, size_t length,
						uint8 *signature)
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
													seed, ED25519_KEY);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t		signature_length = CASNET_ED25519_SIGNATURE;
	bool		done = pkey != NULL && ctx != NULL &&
		EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		EVP_DigestSign(ctx, signature, &signature_length,
					   (const unsigned char *) data, length) == 1 &&
		signature_length == CASNET_ED25519_SIGNATURE;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return done;
}

/* Random bytes from the operating system.  Raises XX000 if it has no source. */
void
casnet_key_random(uint8 *bytes, size_t length)
{
	if (!pg_strong_random(bytes, length))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values"),
				 errhint("The operating system has no source of random numbers.")));
}

/*
 * A member of a JWK, decoded from base64url without padding (RFC 7515).  NULL if it is not
 * that.
 */
bytea *
casnet_key_decode(const char *member, size_t length)
{
	bytea	   *result = palloc(VARHDRSZ + length);
	size_t		written;

	if (!jws_base64url_decode(member, length,
							  (unsigned char *) VARDATA(result), length,
							  &written))
		return NULL;
	SET_VARSIZE(result, VARHDRSZ + written);
	return result;
}

/* The public key of a point on P-256 or P-384, or NULL. */
static EVP_PKEY *
make_ec(bytea *x, bytea *y, int coordinate)
{
	unsigned char point[1 + 2 * MAX_COORDINATE];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY   *key = NULL;
	OSSL_PARAM	params[3];
	char		p256[] = "P-256";
	char		p384[] = "P-384";

	if (VARSIZE_ANY_EXHDR(x) != coordinate ||
		VARSIZE_ANY_EXHDR(y) != coordinate)
		return NULL;
	point[0] = 4;				/* uncompressed */
	memcpy(point + 1, VARDATA_ANY(x), coordinate);
	memcpy(point + 1 + coordinate, VARDATA_ANY(y), coordinate);

	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
												 coordinate == 32 ? p256 : p384,
												 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
												  point, 1 + 2 * coordinate);
	params[2] = OSSL_PARAM_construct_end();

	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* The RSA public key of modulus and exponent, or NULL. */
static EVP_PKEY *
make_rsa(bytea *modulus, bytea *exponent)
{
	BIGNUM	   *n = BN_bin2bn((unsigned char *) VARDATA_ANY(modulus),
							  VARSIZE_ANY_EXHDR(modulus), NULL);
	BIGNUM	   *e = BN_bin2bn((unsigned char *) VARDATA_ANY(exponent),
							  VARSIZE_ANY_EXHDR(exponent), NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY   *key = NULL;

	if (n != NULL && e != NULL && builder != NULL && ctx != NULL &&
		BN_num_bits(n) >= MIN_RSA_BITS && BN_num_bits(n) <= MAX_RSA_BITS &&
		BN_is_odd(e) && BN_num_bits(e) >= 2 && BN_num_bits(e) <= 64 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
		(params = OSSL_PARAM_BLD_to_param(builder)) != NULL &&
		EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	return key;
}

/* Whether the key is a valid one, such as a point on its curve. */
static bool
is_valid_key(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool		valid = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return valid;
}

/*
 * Whether a key for Ed25519 is a point of small order: with such a key, signatures can be made
 * without a private one (RFC 8032, section 8.9).  The bit of the sign does not count.  Two are
 * the same points in another form.
 */
static bool
is_of_small_order(const unsigned char *key)
{
	static const unsigned char points[][ED25519_KEY] = {
		{0x00},
		{0x01},
		{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
		{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
		{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		{0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	};

	for (int i = 0; i < lengthof(points); i++)
		if (memcmp(key, points[i], ED25519_KEY - 1) == 0 &&
			(key[ED25519_KEY - 1] & 0x7f) == points[i][ED25519_KEY - 1])
			return true;
	return false;
}

/*
 * The DER of a public key, from its members in a JWK (RFC 7517, 7518, 8037): x for EdDSA, x
 * and y for ES256 and ES384, n and e for RSA.  NULL when they are no valid key of that kind.
 */
bytea *
casnet_key_public(JwsAlgorithm algorithm, bytea *first, bytea *second)
{
	EVP_PKEY   *key = NULL;
	unsigned char *der = NULL;
	int			length = 0;
	bytea	   *result = NULL;

	if (coordinate_of(algorithm) > 0)
		key = make_ec(first, second, coordinate_of(algorithm));
	else if (algorithm != JWS_EDDSA && algorithm != JWS_HS256)
		key = make_rsa(first, second);
	else if (algorithm == JWS_EDDSA && VARSIZE_ANY_EXHDR(first) == ED25519_KEY &&
			 !is_of_small_order((unsigned char *) VARDATA_ANY(first)))
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
										  (unsigned char *) VARDATA_ANY(first),
										  ED25519_KEY);
	if (key != NULL && is_valid_key(key))
		length = i2d_PUBKEY(key, &der);
	EVP_PKEY_free(key);
	ERR_clear_error();

	if (length > 0)
		result = palloc_extended(VARHDRSZ + length, MCXT_ALLOC_NO_OOM);
	if (result != NULL)
	{
		SET_VARSIZE(result, VARHDRSZ + length);
		memcpy(VARDATA(result), der, length);
	}
	OPENSSL_free(der);
	if (length > 0 && result == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errhint("Give the server more memory.")));
	return result;
}
