/*
 * digest.c
 *		SHA-256 (FIPS 180-4), by the server.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"

#include "casnet.h"

/*
 * The digest of two pieces of memory, one after the other; the second can be empty.
 * Raises XX000 if the server's library cannot compute it.
 */
void
casnet_digest_of_two(const void *first, size_t first_length,
					 const void *second, size_t second_length,
					 uint8 digest[PG_SHA256_DIGEST_LENGTH])
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	bool		done;

	done = context != NULL && pg_cryptohash_init(context) >= 0 &&
		pg_cryptohash_update(context, first, first_length) >= 0 &&
		pg_cryptohash_update(context, second, second_length) >= 0 &&
		pg_cryptohash_final(context, digest, PG_SHA256_DIGEST_LENGTH) >= 0;
	pg_cryptohash_free(context);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a SHA-256 digest"),
				 errhint("Check whether the server's OpenSSL offers SHA-256.")));
}

/* The digest, as a bytea in the current memory context.  Raises XX000. */
bytea *
casnet_digest(const void *bytes, size_t length)
{
	bytea	   *digest = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

	SET_VARSIZE(digest, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	casnet_digest_of_two(bytes, length, NULL, 0, (uint8 *) VARDATA(digest));
	return digest;
}
