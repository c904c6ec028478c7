/*
 * signing.c
 *		The keys that sign tokens, and new tokens.
 *
 * This file makes or reads a secret key, uses it and forgets it.  The key is never an
 * argument, result or variable of SQL, nor in a plan.  Only a client that adds a key as a
 * JWK passes it as an argument, from which it is written into the table.
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/sha2.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "casnet.h"
#include "key.h"
#include "token.h"

/* Shortest secret, in bytes: that of a hash of HS256 (RFC 7518). */
#define SECRET_LENGTH 32

/* Longest lifetime of a token: 366 days, in seconds. */
#define MAX_LIFETIME (366 * 24 * 60 * 60)

PG_FUNCTION_INFO_V1(casnet_add_signing_key);
PG_FUNCTION_INFO_V1(casnet_retire_signing_key);
PG_FUNCTION_INFO_V1(casnet_issue_token);

/* Raises 22023 unless the key id is a valid one, and no other key's. */
static void
check_kid(const char *kid)
{
	if (kid == NULL || strlen(kid) > 255 || kid[strspn(kid, " ")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key id is blank or too long"),
				 errhint("Give the kid that the issuer writes into its tokens.")));
	if (strcmp(kid, CASNET_RELAY_KID) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key id \"%s\" is kept for the nodes of Citus", kid),
				 errhint("Give the key another id.")));
}

/* Delete the row of a retired key, so that its key id can come back with another key. */
static void
forget_retired(Datum kid)
{
	CasnetTable keys = CASNET_SIGNING_KEYS;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	ItemPointerData row;
	bool		is_live = true;

	casnet_scan_begin(&scan, CASNET_KEY_BY_KID,
					  casnet_reading_begin(&reading, 1, &keys), kid, (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		(void) casnet_scan_value(&scan, tuple, SIGNING_KEYS_RETIRED_AT,
								 &is_live);
		row = tuple->t_self;
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	if (!is_live && casnet_row_delete(CASNET_SIGNING_KEYS, &row, true))
		CommandCounterIncrement();
}

/*
 * Raises 55000 if the issuer is registered: its tokens are judged by its set of keys alone, and
 * the key would count when it is removed, for tokens of before, too.
 */
static void
refuse_registered(Datum issuer)
{
	CasnetTable issuers = CASNET_ISSUERS;
	CasnetReading reading;
	CasnetScan	scan;
	bool		is_registered;

	/* As who registers one takes it. */
	table_close(casnet_catalog_open(CASNET_ISSUERS, ShareRowExclusiveLock), NoLock);
	casnet_scan_begin(&scan, CASNET_ISSUER,
					  casnet_reading_begin(&reading, 1, &issuers), issuer,
					  (Datum) 0);
	is_registered = casnet_scan_next(&scan) != NULL;
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	if (is_registered)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the issuer is registered with a set of keys"),
				 errhint("Add the key to the set with casnet.set_issuer().")));
}

/*
 * casnet.add_signing_key(kid text, jwk jsonb, issuer text, audience text)
 * returns void
 *
 * Adds a key that signs tokens: a JWK (RFC 7517), or a new secret for casnet's own tokens.
 * Raises 22023 for what is not a key, 23505 for the kid of a live key, 55000 if the issuer is
 * registered.
 */
Datum
casnet_add_signing_key(PG_FUNCTION_ARGS)
{
	Datum		values[SIGNING_KEYS_COLUMNS] = {0};
	bool		isnull[SIGNING_KEYS_COLUMNS] = {0};
	char	   *kid = PG_ARGISNULL(0) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(0));
	JwsAlgorithm algorithm = JWS_HS256;
	bytea	   *key;

	check_kid(kid);
	if (PG_ARGISNULL(1))
	{
		key = palloc(VARHDRSZ + SECRET_LENGTH);
		SET_VARSIZE(key, VARHDRSZ + SECRET_LENGTH);
		casnet_key_random((uint8 *) VARDATA(key), SECRET_LENGTH);
	}
	else
	{
		const char *problem = casnet_jwk_read(&PG_GETARG_JSONB_P(1)->root,
											  &algorithm, &key);

		if (problem != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the JWK is not a key that casnet can use"),
					 errdetail_internal("%s", problem),
					 errhint("Give one key as its issuer publishes it (RFC 7517); casnet.set_issuer() takes a whole set.")));
	}

	values[SIGNING_KEYS_KID] = CStringGetTextDatum(kid);
	values[SIGNING_KEYS_ALGORITHM] =
		CStringGetTextDatum(jws_algorithm_name(algorithm));
	values[SIGNING_KEYS_KEY] = PointerGetDatum(key);
	isnull[SIGNING_KEYS_ISSUER] = PG_ARGISNULL(2);
	if (!PG_ARGISNULL(2))
	{
		values[SIGNING_KEYS_ISSUER] = PG_GETARG_DATUM(2);
		refuse_registered(values[SIGNING_KEYS_ISSUER]);
	}
	isnull[SIGNING_KEYS_AUDIENCE] = PG_ARGISNULL(3);
	if (!PG_ARGISNULL(3))
		values[SIGNING_KEYS_AUDIENCE] = PG_GETARG_DATUM(3);
	isnull[SIGNING_KEYS_RETIRED_AT] = true;
	forget_retired(values[SIGNING_KEYS_KID]);
	values[SIGNING_KEYS_CREATED_AT] =
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	casnet_row_insert(CASNET_SIGNING_KEYS, values, isnull);
	explicit_bzero(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	PG_RETURN_VOID();
}

/*
 * casnet.retire_signing_key(kid text) returns void
 *
 * Retires a key: erases it, and keeps the row, which says since when.  Raises P0002 when
 * there is no such live key at this moment.
 */
Datum
casnet_retire_signing_key(PG_FUNCTION_ARGS)
{
	Oid			type = TEXTOID;
	Datum		value = PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0);
	char		isnull = PG_ARGISNULL(0) ? 'n' : ' ';
	SPIPlanPtr	plan;
	uint64		count;

	SPI_connect();
	plan = SPI_prepare("UPDATE casnet_internal.signing_keys AS k"
					   " SET retired_at = pg_catalog.now(), key = ''"
					   " WHERE k.kid OPERATOR(pg_catalog.=) $1"
					   " AND k.retired_at IS NULL", 1, &type);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, &value, &isnull, GetLatestSnapshot(),
							 InvalidSnapshot, false, true, 0) < 0)
		elog(ERROR, "could not retire a signing key");
	count = SPI_processed;
	SPI_finish();
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no such live key"),
				 errhint("Give the kid of a key that was added and not retired.")));
	PG_RETURN_VOID();
}

/* The newest of casnet's own live keys, and its kid; NULL when there is none. */
static bytea *
find_own_key(char **kid)
{
	CasnetTable keys = CASNET_SIGNING_KEYS;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	TimestampTz newest = DT_NOBEGIN;
	bytea	   *key = NULL;

	casnet_scan_begin(&scan, CASNET_ALL_SIGNING_KEYS,
					  casnet_reading_begin(&reading, 1, &keys),
					  (Datum) 0, (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull[SIGNING_KEYS_COLUMNS];
		Datum		values[SIGNING_KEYS_COLUMNS];
		TimestampTz created_at;
		char	   *name;

		for (int i = 0; i < SIGNING_KEYS_COLUMNS; i++)
			values[i] = casnet_scan_value(&scan, tuple, i, &isnull[i]);
		if (!isnull[SIGNING_KEYS_RETIRED_AT] || !isnull[SIGNING_KEYS_ISSUER] ||
			!isnull[SIGNING_KEYS_AUDIENCE] ||
			strcmp(TextDatumGetCString(values[SIGNING_KEYS_ALGORITHM]),
				   "HS256") != 0)
			continue;
		created_at = DatumGetTimestampTz(values[SIGNING_KEYS_CREATED_AT]);
		name = TextDatumGetCString(values[SIGNING_KEYS_KID]);
		if (key != NULL && (created_at < newest ||
							(created_at == newest && strcmp(name, *kid) > 0)))
			continue;
		newest = created_at;
		*kid = name;
		key = DatumGetByteaPCopy(values[SIGNING_KEYS_KEY]);
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return key;
}

/* Append base64url (RFC 4648) of the bytes, without padding. */
void
casnet_signing_append(StringInfo out, const void *bytes, size_t length)
{
	enlargeStringInfo(out, 4 * length / 3 + 4);
	out->len += jws_base64url_encode(bytes, length, out->data + out->len);
}

/*
 * A token with these claims (JSON), signed with HS256 (RFC 7518 section 3.2) by the newest
 * of casnet's own keys.  Raises 55000 when there is none.
 */
static text *
sign(StringInfo claims)
{
	char	   *kid = NULL;
	bytea	   *key = find_own_key(&kid);
	uint8		mac[PG_SHA256_DIGEST_LENGTH];
	StringInfoData header;
	StringInfoData token;

	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no key to sign tokens with"),
				 errhint("A member of casnet_admin can make one with casnet.add_signing_key('name').")));
	initStringInfo(&header);
	appendStringInfoString(&header, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":");
	escape_json(&header, kid);
	appendStringInfoChar(&header, '}');

	initStringInfo(&token);
	casnet_signing_append(&token, header.data, header.len);
	appendStringInfoChar(&token, '.');
	casnet_signing_append(&token, claims->data, claims->len);
	casnet_key_hmac((uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key),
					token.data, token.len, mac);
	explicit_bzero(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	appendStringInfoChar(&token, '.');
	casnet_signing_append(&token, mac, sizeof(mac));
	return cstring_to_text_with_len(token.data, token.len);
}

/* The lifetime in seconds, rounded up.  Raises 22023 when it is out of range. */
static int64
seconds_of(const Interval *lifetime)
{
	double		seconds = lifetime == NULL ? 0 :
		DatumGetFloat8(DirectFunctionCall2(interval_part,
										   CStringGetTextDatum("epoch"),
										   IntervalPGetDatum(lifetime)));

	if (!(seconds >= 1 && seconds <= MAX_LIFETIME))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lifetime of a token is out of range"),
				 errhint("Give an interval from a second to a year.")));
	return (int64) ceil(seconds);
}

/* Append the claim perm, with these names. */
void
casnet_signing_append_permissions(StringInfo claims, List *permissions)
{
	ListCell   *lc;

	appendStringInfoString(claims, ",\"perm\":[");
	foreach(lc, permissions)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoChar(claims, ',');
		escape_json(claims, lfirst(lc));
	}
	appendStringInfoChar(claims, ']');
}

/*
 * A new token for the user, with a tenant or NULL.  The generation is that in which the
 * password or the former token was judged, since a revocation that commits meanwhile must
 * end the new token too.  A time of authentication, unless it is 0, is that of the token
 * before this one.  With a list of permissions it narrows the user's to those, and is
 * valid only with a row of sessions, which the caller writes.  Sets what is known of the
 * token.  Raises 22023 for a bad lifetime, 55000 without a key.
 */
text *
casnet_signing_issue(const pg_uuid_t *user, const pg_uuid_t *tenant,
					 const Interval *lifetime, int64 generation,
					 int64 authenticated_at, List *permissions,
					 CasnetIssue *issue)
{
	int64		seconds = seconds_of(lifetime);
	int64		issued_at = casnet_revocation_clock();
	pg_uuid_t	id;
	StringInfoData claims;
	text	   *token;
	char	   *string;

	casnet_key_random(id.data, UUID_LEN);
	id.data[6] = (id.data[6] & 0x0f) | 0x40;
	id.data[8] = (id.data[8] & 0x3f) | 0x80;
	initStringInfo(&claims);
	appendStringInfo(&claims, "{\"sub\":\"%s\"", casnet_uuid_format(user));
	if (tenant != NULL)
		appendStringInfo(&claims, ",\"tid\":\"%s\"",
						 casnet_uuid_format(tenant));
	if (permissions != NIL)
	{
		casnet_signing_append_permissions(&claims, permissions);
		/* It lives for long; so it counts only if its session is noted. */
		appendStringInfo(&claims, ",\"ses\":\"%s\"", casnet_uuid_format(&id));
	}
	if (authenticated_at != 0)
		appendStringInfo(&claims, ",\"auth_time\":" INT64_FORMAT, authenticated_at);
	appendStringInfo(&claims, ",\"iat\":" INT64_FORMAT ",\"exp\":" INT64_FORMAT
					 ",\"jti\":\"%s\",\"gen\":" INT64_FORMAT "}",
					 issued_at, issued_at + seconds, casnet_uuid_format(&id),
					 generation);
	token = sign(&claims);
	issue->id = id;
	issue->user = *user;
	issue->generation = generation;
	issue->expires_at = time_t_to_timestamptz(issued_at + seconds);
	/* Revocation knows a token by what is signed; see token.c. */
	string = text_to_cstring(token);
	issue->digest = casnet_digest(string, strrchr(string, '.') - string);
	return token;
}

/*
 * casnet_internal.issue_token(user_id uuid, tenant_id uuid, lifetime interval)
 * returns text
 *
 * A new token for any user, without a password; only for roles that can do everything
 * anyway.
 */
Datum
casnet_issue_token(PG_FUNCTION_ARGS)
{
	CasnetTable cutoffs = CASNET_TOKEN_CUTOFFS;
	CasnetReading reading;
	CasnetIssue issue;
	int64		generation;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the user is null"),
				 errhint("Give the id of an account.")));
	(void) casnet_reading_begin(&reading, 1, &cutoffs);
	generation = casnet_revocation_generation(PG_GETARG_UUID_P(0),
											  reading.snapshot);
	casnet_reading_end(&reading);
	PG_RETURN_TEXT_P(casnet_signing_issue(PG_GETARG_UUID_P(0),
										  PG_ARGISNULL(1) ? NULL :
										  PG_GETARG_UUID_P(1),
										  PG_ARGISNULL(2) ? NULL :
										  PG_GETARG_INTERVAL_P(2),
										  generation, 0, NIL, &issue));
}
