/*
 * uuid.c
 *		UUIDs: version 7 for keys, new ids for copies, and the text form in settings.
 */
#include "postgres.h"

#include <time.h>

#include "common/pg_prng.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "casnet.h"

/* The 12 bits after the version count steps of a 4096th of a millisecond. */
#define STEPS_PER_MS 4096
#define NS_PER_MS INT64CONST(1000000)

/* The time of the last UUID that this backend made, in such steps. */
static uint64 last_step = 0;

PG_FUNCTION_INFO_V1(casnet_uuid_v7);
PG_FUNCTION_INFO_V1(casnet_reissue_uuid);

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Parse what the type uuid accepts: 32 hex digits, with a hyphen after any group of four,
 * perhaps in braces.  Returns false on anything else.  Never raises, since a check hook
 * must not, while uuid_in() does.
 */
bool
casnet_uuid_parse(const char *string, pg_uuid_t *uuid)
{
	bool		braces = *string == '{';

	if (braces)
		string++;
	for (int i = 0; i < UUID_LEN; i++)
	{
		int			high = hex_value(string[0]);
		int			low = high < 0 ? -1 : hex_value(string[1]);

		if (low < 0)
			return false;
		uuid->data[i] = (unsigned char) (high << 4 | low);
		string += 2;
		if (*string == '-' && i % 2 == 1 && i < UUID_LEN - 1)
			string++;
	}
	if (braces && *string++ != '}')
		return false;
	return *string == '\0';
}

/* The standard text form, allocated in the current memory context. */
char *
casnet_uuid_format(const pg_uuid_t *uuid)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out,
											   UUIDPGetDatum(uuid)));
}

/*
 * A version 7 UUID of RFC 9562: 48 bits of Unix time in milliseconds, 12 bits
 * of the fraction of the millisecond (section 6.2, method 3), 62 random bits.
 * Each one that a backend makes is greater than the one before, even if the clock stands
 * still or is set back.  Quick random bits will do where nobody gains by guessing them.
 * Raises XX000 without random numbers.
 */
void
casnet_uuid_make(pg_uuid_t *uuid, bool quick)
{
	struct timespec now;
	uint64		step;
	uint64		ms;
	uint64		bits;
	uint16		fraction;

	clock_gettime(CLOCK_REALTIME, &now);
	step = ((uint64) now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS)
		* STEPS_PER_MS +
		(uint64) (now.tv_nsec % NS_PER_MS) * STEPS_PER_MS / NS_PER_MS;
	if (step <= last_step)
		step = last_step + 1;

	if (quick)
		bits = pg_prng_uint64(&pg_global_prng_state);
	else if (!pg_strong_random(&bits, sizeof(bits)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values"),
				 errhint("The operating system has no source of random numbers.")));
	last_step = step;

	memcpy(&uuid->data[8], &bits, sizeof(bits));
	ms = pg_hton64(step / STEPS_PER_MS << 16);
	memcpy(&uuid->data[0], &ms, 6);
	fraction = pg_hton16(0x7000 | (uint16) (step % STEPS_PER_MS));
	memcpy(&uuid->data[6], &fraction, 2);
	uuid->data[8] = (uuid->data[8] & 0x3f) | 0x80;
}

/* The UUID of version 8 (RFC 9562 section 5.8) that these bytes of a digest make. */
pg_uuid_t
casnet_uuid_of_digest(const void *digest)
{
	pg_uuid_t	uuid;

	memcpy(uuid.data, digest, UUID_LEN);
	uuid.data[6] = (uuid.data[6] & 0x0f) | 0x80;
	uuid.data[8] = (uuid.data[8] & 0x3f) | 0x80;
	return uuid;
}

/*
 * casnet.uuid_v7() returns uuid
 *
 * A new key.  Raises XX000 without random numbers.
 */
Datum
casnet_uuid_v7(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));

	casnet_uuid_make(uuid, false);
	PG_RETURN_UUID_P(uuid);
}

/*
 * casnet_internal.reissue_uuid(id uuid, tenant_id uuid) returns uuid
 *
 * The id for a row's copy in another tenant, always the same for the same arguments.  It
 * replaces the random bits by 62 bits of the SHA-256 of tenant_id and id.  The first eight
 * bytes (time and version) and the variant stay, so copies sort like their originals.
 * Raises XX000 when the digest cannot be computed.
 */
Datum
casnet_reissue_uuid(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *id = PG_GETARG_UUID_P(0);
	const pg_uuid_t *tenant = PG_GETARG_UUID_P(1);
	pg_uuid_t  *result = palloc(sizeof(pg_uuid_t));
	uint8		digest[PG_SHA256_DIGEST_LENGTH];

	casnet_digest_of_two(tenant->data, UUID_LEN, id->data, UUID_LEN, digest);
	memcpy(&result->data[0], &id->data[0], 8);
	memcpy(&result->data[8], digest, 8);
	result->data[8] = (id->data[8] & 0xc0) | (digest[0] & 0x3f);
	PG_RETURN_UUID_P(result);
}

/*
 * A copy in the current memory context, since a verdict is only valid until the next one.
 */
Datum
casnet_uuid_copy(const pg_uuid_t *uuid)
{
	pg_uuid_t  *copy = palloc(sizeof(pg_uuid_t));

	*copy = *uuid;
	return UUIDPGetDatum(copy);
}
