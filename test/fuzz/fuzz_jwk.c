/*
 * fuzz_jwk.c
 *		Public keys of JWKs.  The input is the algorithm's number and the first and
 *		second member, with line ends between them.
 *
 * An accepted key must be one that OpenSSL reads back, be of the kind that was asked
 * for, and encode to the same bytes.  It must not verify a signature of zeros.
 */
#include "../../src/key.c"

#include "server.h"

/* This target does not cover signatures by a secret. */
pg_hmac_ctx *
pg_hmac_create(pg_cryptohash_type type)
{
	abort();
}

int
pg_hmac_init(pg_hmac_ctx *ctx, const uint8 *key, size_t len)
{
	abort();
}

int
pg_hmac_update(pg_hmac_ctx *ctx, const uint8 *data, size_t len)
{
	abort();
}

int
pg_hmac_final(pg_hmac_ctx *ctx, uint8 *dest, size_t len)
{
	abort();
}

void
pg_hmac_free(pg_hmac_ctx *ctx)
{
	abort();
}

bool
pg_strong_random(void *buf, size_t len)
{
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t lengths[] = {0, 64, 64, 96, 256, 256, 256, 256, 256, 256};
	const uint8_t *line_end = size > 2 ? memchr(data + 2, '\n', size - 2) : NULL;
	int			which;

	selftest(data, size);
	if (line_end == NULL || data[0] < '0' || data[0] > '9')
		return 0;
	which = data[0] - '0';
	if (setjmp(raised) == 0)
	{
		static const unsigned char zeros[256];
		bytea	   *first;
		bytea	   *second;
		bytea	   *der;
		const unsigned char *c;
		unsigned char *back = NULL;
		EVP_PKEY   *key;
		int			length;

		first = casnet_key_decode((const char *) data + 2, line_end - data - 2);
		second = casnet_key_decode((const char *) line_end + 1, data + size - line_end - 1);
		der = first == NULL || second == NULL ? NULL :
			casnet_key_public((JwsAlgorithm) which, first, second);
		if (der == NULL)
		{
			MUST(ERR_peek_error() == 0);
			forget_memory();
			return 0;
		}
		MUST(which != JWS_HS256);

		c = (unsigned char *) VARDATA_ANY(der);
		key = d2i_PUBKEY(NULL, &c, VARSIZE_ANY_EXHDR(der));
		MUST(key != NULL && c == (unsigned char *) VARDATA_ANY(der) + VARSIZE_ANY_EXHDR(der));
		MUST(key_fits(key, (JwsAlgorithm) which) && EVP_PKEY_get_bits(key) >= 253);
		length = i2d_PUBKEY(key, &back);
		MUST(length == (int) VARSIZE_ANY_EXHDR(der) && memcmp(back, VARDATA_ANY(der), length) == 0);
		OPENSSL_free(back);
		EVP_PKEY_free(key);
		/* A point of small order would accept zeros as a signature of anything. */
		if (which != 1)
			MUST(!casnet_key_verify((JwsAlgorithm) which, (uint8 *) VARDATA_ANY(der), length, "abc", 3, zeros, lengths[which]));
		MUST(ERR_peek_error() == 0);
	}
	else
		MUST(raised_sqlstate == ERRCODE_OUT_OF_MEMORY);
	forget_memory();
	return 0;
}
