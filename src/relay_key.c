/*
 * relay_key.c
 *		The key by which workers know what the coordinator says of a session.
 *
 * On a database that Citus distributes, a worker has to know whose session sends it a
 * query.  The session's own token would be readable there in pg_stat_activity, and it lives
 * for long.  So the coordinator signs another token, which lives for a minute and which it
 * does not accept itself.  The key is an Ed25519 key (RFC 8037).  Its private half is in the
 * coordinator's signing_keys as a retired key, which verifies nothing.  Each worker has the
 * public half as a key of its own.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "casnet.h"
#include "key.h"
#include "token.h"

/* How long such a token lives, in seconds. */
#define RELAY_LIFETIME 60

/* How far the clock of a worker can be behind, in seconds. */
#define RELAY_SKEW 10

PG_FUNCTION_INFO_V1(casnet_relay_key);

/* Read the private key; false if there is none. */
static bool
read_key(uint8 seed[CASNET_ED25519_KEY])
{
	CasnetTable keys = CASNET_SIGNING_KEYS;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		found = false;

	casnet_scan_begin(&scan, CASNET_KEY_BY_KID,
					  casnet_reading_begin(&reading, 1, &keys),
					  CStringGetTextDatum(CASNET_RELAY_KID), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		no_key;
		bool		is_live;
		Datum		key = casnet_scan_value(&scan, tuple, SIGNING_KEYS_KEY, &no_key);

		(void) casnet_scan_value(&scan, tuple, SIGNING_KEYS_RETIRED_AT, &is_live);
		if (!no_key && !is_live)
		{
			bytea	   *bytes = DatumGetByteaPP(key);

			found = VARSIZE_ANY_EXHDR(bytes) == CASNET_ED25519_KEY;
			if (found)
				memcpy(seed, VARDATA_ANY(bytes), CASNET_ED25519_KEY);
		}
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return found;
}

/* Make a private key, and keep it as a retired one. */
static void
make_key(uint8 seed[CASNET_ED25519_KEY])
{
	Datum		values[SIGNING_KEYS_COLUMNS] = {0};
	bool		isnull[SIGNING_KEYS_COLUMNS] = {0};
	bytea	   *key = palloc(VARHDRSZ + CASNET_ED25519_KEY);
	Datum		now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());

	casnet_key_random(seed, CASNET_ED25519_KEY);
	SET_VARSIZE(key, VARHDRSZ + CASNET_ED25519_KEY);
	memcpy(VARDATA(key), seed, CASNET_ED25519_KEY);
	values[SIGNING_KEYS_KID] = CStringGetTextDatum(CASNET_RELAY_KID);
	values[SIGNING_KEYS_ALGORITHM] = CStringGetTextDatum(jws_algorithm_name(JWS_EDDSA));
	values[SIGNING_KEYS_KEY] = PointerGetDatum(key);
	isnull[SIGNING_KEYS_ISSUER] = true;
	isnull[SIGNING_KEYS_AUDIENCE] = true;
	values[SIGNING_KEYS_RETIRED_AT] = now;
	values[SIGNING_KEYS_CREATED_AT] = now;
	casnet_row_insert(CASNET_SIGNING_KEYS, values, isnull);
	explicit_bzero(VARDATA(key), CASNET_ED25519_KEY);
}

/*
 * casnet_internal.relay_key() returns bytea
 *
 * The public half of the key as SubjectPublicKeyInfo (RFC 5280); makes the key if there is
 * none.  For distribute(), which gives it to the workers.  Raises XX000 if the cryptographic
 * library fails.
 */
Datum
casnet_relay_key(PG_FUNCTION_ARGS)
{
	uint8		seed[CASNET_ED25519_KEY];
	bytea	   *key = palloc(VARHDRSZ + CASNET_ED25519_KEY);
	bool		done;

	if (!read_key(seed))
		make_key(seed);
	SET_VARSIZE(key, VARHDRSZ + CASNET_ED25519_KEY);
	done = casnet_key_ed25519_public(seed, (uint8 *) VARDATA(key));
	explicit_bzero(seed, sizeof(seed));
	if (done)
		key = casnet_key_public(JWS_EDDSA, key, NULL);
	if (!done || key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a public key"),
				 errhint("The server's cryptographic library failed; see its configuration.")));
	PG_RETURN_BYTEA_P(key);
}

/*
 * A token that says to workers who the session is, with a tenant or NULL, and narrowed to
 * the listed permissions, each of which ends with a zero, or not if the list is NULL.  Sets
 * for how many seconds it is valid.  NULL if there is no key.  Raises XX000 if the
 * cryptographic library fails.
 */
char *
casnet_relay_key_token(const pg_uuid_t *user, const pg_uuid_t *tenant,
					   const char *permissions, int *seconds)
{
	int64		now = casnet_revocation_clock();
	uint8		seed[CASNET_ED25519_KEY];
	uint8		signature[CASNET_ED25519_SIGNATURE];
	StringInfoData claims;
	StringInfoData token;
	bool		done;

	if (!read_key(seed))
		return NULL;
	initStringInfo(&claims);
	appendStringInfo(&claims, "{\"sub\":\"%s\"", casnet_uuid_format(user));
	if (tenant != NULL)
		appendStringInfo(&claims, ",\"tid\":\"%s\"", casnet_uuid_format(tenant));
	if (permissions != NULL)
	{
		List	   *names = NIL;

		for (; *permissions != '\0'; permissions += strlen(permissions) + 1)
			names = lappend(names, pstrdup(permissions));
		casnet_signing_append_permissions(&claims, names);
	}
	appendStringInfo(&claims, ",\"iat\":" INT64_FORMAT ",\"exp\":" INT64_FORMAT "}",
					 now - RELAY_SKEW, now + RELAY_LIFETIME);

	initStringInfo(&token);
	appendStringInfoString(&token, CASNET_RELAY_START);
	casnet_signing_append(&token, claims.data, claims.len);
	done = casnet_key_ed25519_sign(seed, token.data, token.len, signature);
	explicit_bzero(seed, sizeof(seed));
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not sign a token for workers"),
				 errhint("The server's cryptographic library failed; see its configuration.")));
	appendStringInfoChar(&token, '.');
	casnet_signing_append(&token, signature, sizeof(signature));
	*seconds = RELAY_LIFETIME;
	return token.data;
}
