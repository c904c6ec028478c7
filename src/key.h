/*
 * key.h
 *		Keys and signatures; see key.c.
 */
#ifndef CASNET_KEY_H
#define CASNET_KEY_H

#include "jws.h"

struct JsonbContainer;

/* Bytes of a key and of a signature (RFC 8032). */
#define CASNET_ED25519_KEY 32
#define CASNET_ED25519_SIGNATURE 64

extern void casnet_key_random(uint8 *bytes, size_t length);
extern bytea *casnet_key_decode(const char *member, size_t length);
extern bytea *casnet_key_public(JwsAlgorithm algorithm, bytea *first,
								bytea *second);
extern void casnet_key_hmac(const uint8 *secret, size_t secret_length,
							const char *data, size_t length, uint8 *mac);
extern bool casnet_key_ed25519_public(const uint8 *seed, uint8 *key);
extern bool casnet_key_ed25519_sign(const uint8 *seed, const char *data,
									size_t length, uint8 *signature);
extern bool casnet_key_verify(JwsAlgorithm algorithm, const uint8 *key,
							  size_t key_length, const char *data,
							  size_t length, const unsigned char *signature,
							  size_t signature_length);

/* jwk.c: JSON Web Keys */

extern char *casnet_jwk_member(struct JsonbContainer *jwk, const char *name);
extern const char *casnet_jwk_read(struct JsonbContainer *jwk,
								   JwsAlgorithm *algorithm, bytea **key);

#endif							/* CASNET_KEY_H */
