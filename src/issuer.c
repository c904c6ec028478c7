/*
 * issuer.c
 *		The registry of issuers of tokens.
 *
 * An administrator registers an issuer: its keys as it publishes them (a JWK Set, RFC 7517),
 * the audiences that its tokens must name, and how clocks may differ.  A second call replaces
 * all of that.  Keys that are not in the new set are gone, and their tokens with them.
 *
 * verify.c judges tokens.  What this file writes is in force at the next statement, because
 * the messages of news.c make every backend verify its tokens again.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/snapmgr.h"

#include "casnet.h"
#include "key.h"
#include "token.h"

/* Longest difference of clocks, in seconds. */
#define MAX_LEEWAY 600

/* The most keys of an issuer; sets have two to ten. */
#define MAX_KEYS 100

PG_FUNCTION_INFO_V1(casnet_set_issuer);
PG_FUNCTION_INFO_V1(casnet_remove_issuer);

/* The leeway in seconds.  Raises 22023. */
static int
leeway_argument(FunctionCallInfo fcinfo, int argument)
{
	double		seconds = PG_ARGISNULL(argument) ? -1 :
		DatumGetFloat8(DirectFunctionCall2(interval_part,
										   CStringGetTextDatum("epoch"),
										   PG_GETARG_DATUM(argument)));

	if (!(seconds >= 0 && seconds <= MAX_LEEWAY))
		casnet_link_refuse_argument("the leeway is out of range",
						"Give an interval from zero to ten minutes.");
	return (int) seconds;
}

/* Raises 22023 unless the audiences are NULL, or a list of some that are not empty. */
static void
check_audiences(FunctionCallInfo fcinfo, int argument)
{
	ArrayType  *audiences = PG_ARGISNULL(argument) ? NULL :
		PG_GETARG_ARRAYTYPE_P(argument);
	Datum	   *values;
	bool	   *isnull;
	int			count;

	if (audiences == NULL)
		return;
	deconstruct_array(audiences, TEXTOID, -1, false, TYPALIGN_INT, &values,
					  &isnull, &count);
	for (int i = 0; i < count; i++)
		if (isnull[i] || VARSIZE_ANY_EXHDR(DatumGetPointer(values[i])) == 0)
			count = 0;
	if (count == 0)
		casnet_link_refuse_argument("the list of audiences is empty, or one of them is",
						"Give the audiences (aud) that stand for your application, or NULL to take tokens made for any.");
}

/* Execute a statement as the owner of the tables, with a snapshot of this moment. */
static uint64
write_registry(const char *statement, int nargs, Oid *types, Datum *values,
			   const char *nulls)
{
	SPIPlanPtr	plan;
	uint64		count;

	SPI_connect();
	plan = SPI_prepare(statement, nargs, types);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(),
							 InvalidSnapshot, false, true, 0) < 0)
		elog(ERROR, "could not write an issuer");
	count = SPI_processed;
	SPI_finish();
	return count;
}

/*
 * Keep others from changing what is registered until the transaction ends.  Only administrators
 * do, and reading needs no such lock.
 */
static void
lock_registry(void)
{
	table_close(casnet_catalog_open(CASNET_ISSUERS, ShareRowExclusiveLock), NoLock);
}

/* Retire the keys that casnet.add_signing_key() has added for an issuer. */
static void
retire_keys(Datum issuer)
{
	Oid			type = TEXTOID;

	(void) write_registry("UPDATE casnet_internal.signing_keys AS k"
						  " SET retired_at = pg_catalog.now(), key = ''"
						  " WHERE k.issuer OPERATOR(pg_catalog.=) $1"
						  " AND k.retired_at IS NULL", 1, &type, &issuer, NULL);
}

/* The element keys of a JWK Set, or NULL. */
static JsonbContainer *
keys_of(Jsonb *set)
{
	JsonbValue	buffer;
	JsonbValue *keys = !JB_ROOT_IS_OBJECT(set) ? NULL :
		getKeyJsonValueFromContainer(&set->root, "keys", 4, &buffer);

	return keys != NULL && keys->type == jbvBinary &&
		JsonContainerIsArray(keys->val.binary.data) ? keys->val.binary.data :
		NULL;
}

/*
 * Let that claim name the persons of the issuer.  If it was another one, the tokens so far
 * end, since those of a link that has ended are known by the old claim.  Raises 55000 if
 * persons are linked by that.  A link that is made meanwhile is one of the registration of
 * before, since this one gets another id.
 */
static void
change_claim(const char *issuer, const char *user_claim)
{
	CasnetRegistration former;

	if (!casnet_link_registration(issuer, &former) ||
		strcmp(former.user_claim, user_claim) == 0)
		return;
	if (casnet_link_is_any(&former.id))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("accounts are linked by another claim of this issuer"),
				 errdetail("A value of the new claim can be another person's value of the old one."),
				 errhint("Remove the issuer with casnet.remove_issuer(), register it, and link the accounts anew.")));
	casnet_link_end_all(issuer, &former.id);
}

/* Whether one of the kids is that one. */
static bool
has_kid(List *kids, const char *kid)
{
	ListCell   *lc;

	foreach(lc, kids)
		if (strcmp(lfirst(lc), kid) == 0)
			return true;
	return false;
}

/* Why casnet does not take a key of a set under that kid, or NULL. */
static const char *
read_key(JsonbValue *entry, const char *kid, List *kids, JwsAlgorithm *algorithm,
		 bytea **key)
{
	const char *problem;

	if (kid == NULL || kid[0] == '\0' || strlen(kid) >= JWS_MAX_STRING)
		return "The key has no key id (kid) of moderate length.";
	if (has_kid(kids, kid))
		return "An earlier key of the set has the same key id (kid).";
	problem = casnet_jwk_read(entry->val.binary.data, algorithm, key);
	if (problem == NULL && *algorithm == JWS_HS256)
		return "The key is a secret, and sets are public.";
	return problem;
}

/* Store the usable keys of a set, with a NOTICE for each other one; returns their number. */
static int
add_keys(Datum issuer, JsonbContainer *keys)
{
	int			count = JsonContainerSize(keys);
	List	   *kids = NIL;

	if (count > MAX_KEYS)
		casnet_link_refuse_argument("the set has more than 100 keys",
						"Give the set as the issuer publishes it.");
	for (int i = 0; i < count; i++)
	{
		JsonbValue *entry = getIthJsonbValueFromContainer(keys, i);
		bool		is_object = entry->type == jbvBinary &&
			JsonContainerIsObject(entry->val.binary.data);
		char	   *kid = is_object ?
			casnet_jwk_member(entry->val.binary.data, "kid") : NULL;
		Datum		values[ISSUER_KEYS_COLUMNS];
		bool		isnull[ISSUER_KEYS_COLUMNS] = {0};
		JwsAlgorithm algorithm;
		bytea	   *key;
		const char *problem = !is_object ? "The key is not a JSON object." :
			read_key(entry, kid, kids, &algorithm, &key);

		CHECK_FOR_INTERRUPTS();
		if (problem != NULL)
		{
			ereport(NOTICE,
					(errmsg("skipped key %d of the set", i + 1),
					 errdetail_internal("%s", problem)));
			continue;
		}
		values[ISSUER_KEYS_ISSUER] = issuer;
		values[ISSUER_KEYS_KID] = CStringGetTextDatum(kid);
		values[ISSUER_KEYS_ALGORITHM] =
			CStringGetTextDatum(jws_algorithm_name(algorithm));
		values[ISSUER_KEYS_KEY] = PointerGetDatum(key);
		casnet_row_insert(CASNET_ISSUER_KEYS, values, isnull);
		kids = lappend(kids, kid);
	}
	return list_length(kids);
}

/*
 * casnet.set_issuer(issuer text, jwks jsonb, audiences text[], leeway interval,
 * user_claim text, trusts_claims boolean, makes_accounts boolean) returns integer
 *
 * Registers an issuer, or replaces all that is registered of it except who is linked.
 * Retires keys that casnet.add_signing_key() has added for it.
 * Returns the number of its keys.  Raises 22023 when an argument is no such thing, or none
 * of the keys can be used; 55000 if accounts are linked by another claim.
 */
Datum
casnet_set_issuer(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, TEXTARRAYOID, INT4OID, TEXTOID, BOOLOID, BOOLOID};
	Datum		values[lengthof(types)];
	char		nulls[] = "      ";
	char	   *issuer = casnet_link_issuer_argument(fcinfo, 0);
	JsonbContainer *keys;
	int			count;

	keys = PG_ARGISNULL(1) ? NULL : keys_of(PG_GETARG_JSONB_P(1));
	if (keys == NULL)
		casnet_link_refuse_argument("the key set is not an object with an array \"keys\"",
						"Give the JSON that the issuer publishes, at the jwks_uri of its /.well-known/openid-configuration (RFC 7517).");
	check_audiences(fcinfo, 2);
	values[0] = CStringGetTextDatum(issuer);
	nulls[1] = PG_ARGISNULL(2) ? 'n' : ' ';
	values[1] = PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2);
	values[2] = Int32GetDatum(leeway_argument(fcinfo, 3));
	values[3] = CStringGetTextDatum(casnet_link_claim_argument(fcinfo, 4,
												   "the claim that names the user is empty or too long",
												   "Give the name of a claim, such as 'sub'."));
	values[4] = BoolGetDatum(!PG_ARGISNULL(5) && PG_GETARG_BOOL(5));
	values[5] = BoolGetDatum(!PG_ARGISNULL(6) && PG_GETARG_BOOL(6));
	if (DatumGetBool(values[4]) && DatumGetBool(values[5]))
		casnet_link_refuse_argument("the issuer cannot both name accounts by their ids and have accounts made",
						"Leave out trusts_claims or makes_accounts.");

	lock_registry();
	change_claim(issuer, TextDatumGetCString(values[3]));
	/* Its keys of before would count again if the issuer were removed. */
	retire_keys(values[0]);
	(void) write_registry("INSERT INTO casnet_internal.issuers AS i"
						  " (issuer, audiences, leeway, user_claim, trusts_claims, makes_accounts)"
						  " VALUES ($1, $2, $3, $4, $5, $6)"
						  " ON CONFLICT (issuer) DO UPDATE SET id ="
						  " CASE WHEN i.user_claim OPERATOR(pg_catalog.=) excluded.user_claim"
						  " THEN i.id ELSE excluded.id END, audiences = excluded.audiences,"
						  " leeway = excluded.leeway, user_claim = excluded.user_claim,"
						  " trusts_claims = excluded.trusts_claims,"
						  " makes_accounts = excluded.makes_accounts",
						  lengthof(types), types, values, nulls);
	(void) write_registry("DELETE FROM casnet_internal.issuer_keys AS k"
						  " WHERE k.issuer OPERATOR(pg_catalog.=) $1",
						  1, types, values, NULL);
	count = add_keys(values[0], keys);
	if (count == 0)
		casnet_link_refuse_argument("the key set has no key that casnet can use",
						"The notices say why; keys are for EdDSA with Ed25519, ES256, ES384, RS256 to RS512 or PS256 to PS512, and have a kid.");
	PG_RETURN_INT32(count);
}

/*
 * casnet.remove_issuer(issuer text) returns void
 *
 * Forgets an issuer, its keys, and who is linked to it.  Retires keys that
 * casnet.add_signing_key() has added for it.  Raises P0002 if it is not registered.
 */
Datum
casnet_remove_issuer(PG_FUNCTION_ARGS)
{
	Oid			type = TEXTOID;
	char	   *issuer = casnet_link_issuer_argument(fcinfo, 0);
	Datum		value = CStringGetTextDatum(issuer);
	CasnetRegistration present;

	lock_registry();
	if (!casnet_link_registration(issuer, &present) ||
		write_registry("DELETE FROM casnet_internal.issuers AS i"
					   " WHERE i.issuer OPERATOR(pg_catalog.=) $1",
					   1, &type, &value, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no such issuer"),
				 errhint("SELECT issuer FROM casnet.issuers() lists them.")));
	retire_keys(value);
	casnet_link_end_all(issuer, &present.id);
	PG_RETURN_VOID();
}
