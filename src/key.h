/*
 * key.h
 *		Keys and signatures; see key.c.
 */
#ifndef CASNET_KEY_H
#define CASNET_KEY_H

#include "jws.h"

extern void casnet_key_random(uint8 *bytes, size_t length);
extern bytea *casnet_key_decode(const char *member, size_t length);
extern bytea *casnet_key_public(const char *algorithm, bytea *first,
								bytea *second);
extern void casnet_key_hmac(const uint8 *secret, size_t secret_length,
							const char *data, size_t length, uint8 *mac);
extern bool casnet_key_verify(JwsAlgorithm algorithm, const uint8 *key,
							  size_t key_length, const char *data,
							  size_t length, const unsigned char *signature,
							  size_t signature_length);

#endif							/* CASNET_KEY_H */
