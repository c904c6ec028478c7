/*
 * verify.c
 *		What a token proves: which key signed it, and whom it names.
 *
 * A token whose issuer is registered is judged by what is registered, and by nothing else:
 * its key is one of that issuer's, its audience one of those that were named, and its user
 * the account that is linked to the issuer's name for the person.  Claims that casnet gives
 * a meaning (tid, and a sub that is the id of an account) count only if an administrator
 * said so, since others use them in their own way.
 *
 * Every other token is judged by the keys of casnet.add_signing_key().  It names the account
 * by its id.
 *
 * The signature comes first.  So whoever has no key learns nothing about audiences and
 * accounts.  A refusal names the claim, and never a value of the token or of the tables.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/string.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "casnet.h"
#include "key.h"
#include "token.h"

/* What is registered of an issuer. */
typedef struct Issuer
{
	pg_uuid_t	id;
	ArrayType  *audiences;		/* text[]; NULL: any */
	int			leeway;			/* seconds */
	char	   *user_claim;
	bool		trusts_claims;
	bool		makes_accounts;
} Issuer;

static const char not_linked[] =
"No account is linked to the user whom the token names.";

/* A token that can become valid later, without a message. */
const char	casnet_verify_not_noted[] =
"The transaction that made the token was not committed.";

/*
 * Parse a token, without its final zero of that length, into *parsed.  Returns NULL, or why
 * it is refused.  The caller has made room for the string in *parsed.
 */
const char *
casnet_verify_parse(const char *string, size_t length, CasnetParsedToken *parsed)
{
	const char *problem = jws_parse(string, &parsed->jws);
	const JwsToken *jws = &parsed->jws;

	if (problem != NULL)
		return problem;
	memset(&parsed->user, 0, sizeof(pg_uuid_t));
	memset(&parsed->tenant, 0, sizeof(pg_uuid_t));
	parsed->has_user = casnet_uuid_parse(jws->sub, &parsed->user);
	parsed->has_tenant = jws->tid[0] != '\0' &&
		casnet_uuid_parse(jws->tid, &parsed->tenant);
	/* What others mean by these is known when their issuer is. */
	if (jws->iss[0] == '\0' && !parsed->has_user)
		return "The token's subject (sub) is not a UUID.";
	if (jws->iss[0] == '\0' && jws->tid[0] != '\0' && !parsed->has_tenant)
		return "The token's tenant (tid) is not a UUID.";
	parsed->hash = hash_bytes_extended((const unsigned char *) string, length, 0);
	parsed->length = length;
	memcpy(parsed->token, string, length + 1);
	return NULL;
}

/* Whether the audience, which need not end with a zero, is among those of the token. */
static bool
has_audience(const JwsToken *jws, const char *audience, size_t length)
{
	for (const char *aud = jws->aud; *aud != '\0'; aud += strlen(aud) + 1)
		if (strlen(aud) == length && memcmp(aud, audience, length) == 0)
			return true;
	return false;
}

/* The same for any of several audiences. */
static bool
has_one_audience(const JwsToken *jws, ArrayType *audiences)
{
	Datum	   *values;
	bool	   *isnull;
	int			count;

	deconstruct_array(audiences, TEXTOID, -1, false, TYPALIGN_INT, &values,
					  &isnull, &count);
	for (int i = 0; i < count; i++)
	{
		text	   *audience = isnull[i] ? NULL : DatumGetTextPP(values[i]);

		if (audience != NULL &&
			has_audience(jws, VARDATA_ANY(audience), VARSIZE_ANY_EXHDR(audience)))
			return true;
	}
	return false;
}

/* A text column, or NULL. */
static char *
text_column(CasnetScan *scan, HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = casnet_scan_value(scan, tuple, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* A boolean column; false for NULL. */
static bool
bool_column(CasnetScan *scan, HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = casnet_scan_value(scan, tuple, column, &isnull);

	return !isnull && DatumGetBool(value);
}

/*
 * NULL, or why this key has not signed the token.  The key fixes the algorithm, whatever the
 * header says.
 */
static const char *
check_signature(const CasnetParsedToken *token, const char *algorithm, Datum key)
{
	const JwsToken *jws = &token->jws;
	bytea	   *bytes = DatumGetByteaPP(key);
	JwsAlgorithm of_key;

	if (algorithm == NULL || !jws_algorithm_find(algorithm, &of_key) ||
		of_key != jws->algorithm)
		return "The token's algorithm (alg) is not that of its key.";
	return casnet_key_verify(of_key, (uint8 *) VARDATA_ANY(bytes),
							 VARSIZE_ANY_EXHDR(bytes), token->token,
							 jws->signed_length, jws->signature,
							 jws->signature_length) ? NULL :
		"The token's signature is not one of its key.";
}

/* NULL, or why a row of signing_keys does not verify the token; sets *own. */
static const char *
check_key(const CasnetParsedToken *token, CasnetScan *scan, HeapTuple tuple,
		  bool *own)
{
	const JwsToken *jws = &token->jws;
	char	   *issuer = text_column(scan, tuple, SIGNING_KEYS_ISSUER);
	char	   *audience = text_column(scan, tuple, SIGNING_KEYS_AUDIENCE);
	bool		key_isnull;
	bool		is_not_retired;
	Datum		key = casnet_scan_value(scan, tuple, SIGNING_KEYS_KEY,
										&key_isnull);
	const char *problem;

	(void) casnet_scan_value(scan, tuple, SIGNING_KEYS_RETIRED_AT,
							 &is_not_retired);
	if (!is_not_retired || key_isnull)
		return "The token's key (kid) is retired.";
	problem = check_signature(token,
							  text_column(scan, tuple, SIGNING_KEYS_ALGORITHM),
							  key);
	if (problem != NULL)
		return problem;
	if (issuer != NULL && strcmp(issuer, jws->iss) != 0)
		return "The token's issuer (iss) is not that of its key.";
	if (audience != NULL && !has_audience(jws, audience, strlen(audience)))
		return "The token's audience (aud) is not that of its key.";
	*own = jws->algorithm == JWS_HS256 && issuer == NULL && audience == NULL;
	return NULL;
}

/* NULL, or what keeps a token that has casnet's claims from naming user and tenant. */
static const char *
check_own_claims(const CasnetParsedToken *token)
{
	if (token->jws.problem != NULL)
		return token->jws.problem;
	if (token->jws.tid[0] != '\0' && !token->has_tenant)
		return "The token's tenant (tid) is not a UUID.";
	return NULL;
}

/*
 * NULL, or that the session of which casnet's token says that it is noted is not: who made
 * it has not committed.
 */
static const char *
check_session(const CasnetParsedToken *token, Snapshot snapshot)
{
	const JwsToken *jws = &token->jws;
	pg_uuid_t	session;
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		is_it = false;

	if (!casnet_uuid_parse(jws->ses, &session))
		return "The token's session (ses) is not a UUID.";
	casnet_scan_begin(&scan, CASNET_SESSION, snapshot, UUIDPGetDatum(&session),
					  (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;
		Datum		digest = casnet_scan_value(&scan, tuple, SESSIONS_DIGEST,
											   &isnull);

		is_it = DatumGetBool(DirectFunctionCall2(byteaeq, digest,
												 PointerGetDatum(casnet_digest(token->token,
																			   jws->signed_length))));
	}
	casnet_scan_end(&scan);
	return is_it ? NULL : casnet_verify_not_noted;
}

/* Judge a token by the keys of signing_keys. */
static const char *
verify_by_key(const CasnetParsedToken *token, Snapshot snapshot,
			  CasnetProved *proved)
{
	const char *problem = token->jws.iss[0] == '\0' ?
		"No key has the token's key id (kid)." :
		"The token's issuer (iss) is not registered, and no key has its key id (kid).";
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, CASNET_KEY_BY_KID, snapshot,
					  CStringGetTextDatum(token->jws.kid), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
		problem = check_key(token, &scan, tuple, &proved->own);
	casnet_scan_end(&scan);
	if (problem == NULL)
		problem = check_own_claims(token);
	if (problem == NULL && !token->has_user)
		problem = "The token's subject (sub) is not a UUID.";
	if (problem == NULL && proved->own && token->jws.ses[0] != '\0')
		problem = check_session(token, snapshot);
	proved->user = token->user;
	proved->names_tenant = token->has_tenant;
	proved->narrows = token->jws.narrows;
	return problem;
}

/* Find what is registered of the token's issuer; false if nothing is. */
static bool
find_issuer(const CasnetParsedToken *token, Snapshot snapshot, Issuer *issuer)
{
	CasnetScan	scan;
	HeapTuple	tuple;

	if (token->jws.iss[0] == '\0' || !casnet_verify_is_text(token->jws.iss))
		return false;
	casnet_scan_begin(&scan, CASNET_ISSUER, snapshot,
					  CStringGetTextDatum(token->jws.iss), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;
		Datum		value = casnet_scan_value(&scan, tuple, ISSUERS_AUDIENCES,
											  &isnull);

		issuer->audiences = isnull ? NULL : DatumGetArrayTypePCopy(value);
		value = casnet_scan_value(&scan, tuple, ISSUERS_ID, &isnull);
		issuer->id = *DatumGetUUIDP(value);
		value = casnet_scan_value(&scan, tuple, ISSUERS_LEEWAY, &isnull);
		issuer->leeway = isnull ? 0 : DatumGetInt32(value);
		issuer->user_claim = text_column(&scan, tuple, ISSUERS_USER_CLAIM);
		issuer->trusts_claims = bool_column(&scan, tuple, ISSUERS_TRUSTS_CLAIMS);
		issuer->makes_accounts = bool_column(&scan, tuple,
											 ISSUERS_MAKES_ACCOUNTS);
	}
	casnet_scan_end(&scan);
	return tuple != NULL;
}

/* NULL, or why none of the issuer's keys has signed the token. */
static const char *
check_issuer_key(const CasnetParsedToken *token, Snapshot snapshot)
{
	const char *problem = "The issuer has no key with the token's key id (kid).";
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, CASNET_ISSUER_KEY, snapshot,
					  CStringGetTextDatum(token->jws.iss),
					  CStringGetTextDatum(token->jws.kid));
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;

		problem = check_signature(token,
								  text_column(&scan, tuple,
											  ISSUER_KEYS_ALGORITHM),
								  casnet_scan_value(&scan, tuple,
													ISSUER_KEYS_KEY, &isnull));
	}
	casnet_scan_end(&scan);
	return problem;
}

/* Whether a string of a token, which is UTF-8, is a valid one of this database. */
bool
casnet_verify_is_text(const char *string)
{
	int			length = strlen(string);

	return GetDatabaseEncoding() == PG_UTF8 ?
		pg_verify_mbstr(PG_UTF8, string, length, true) :
		pg_is_ascii(string);
}

/*
 * Whom an issuer names, as an id under which the person's tokens can be ended: a UUID of
 * version 8 (RFC 9562), made of both by a digest.  Nobody has an empty name; that stands for
 * all persons of the issuer.
 */
pg_uuid_t
casnet_verify_person(const char *issuer, const char *subject)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];

	casnet_digest_of_two(issuer, strlen(issuer) + 1, subject, strlen(subject),
						 digest);
	return casnet_uuid_of_digest(digest);
}

/* A text that lives as long as the backend, since refusals are kept; each text once. */
static const char *
keep_text(const char *text)
{
	static List *kept = NIL;
	ListCell   *lc;
	MemoryContext before;

	foreach(lc, kept)
		if (strcmp(lfirst(lc), text) == 0)
			return lfirst(lc);
	before = MemoryContextSwitchTo(TopMemoryContext);
	kept = lappend(kept, pstrdup(text));
	MemoryContextSwitchTo(before);
	return llast(kept);
}

/*
 * Read whom the issuer's token names.  An address counts only if the issuer says that it was
 * verified.
 */
static const char *
read_subject(const CasnetParsedToken *token, const Issuer *issuer, char *subject)
{
	if (issuer->user_claim == NULL ||
		!jws_claim_text(token->token, issuer->user_claim, subject,
						JWS_MAX_STRING) ||
		!casnet_verify_is_text(subject))
		return keep_text(psprintf("The claim that names the user (%s) is absent, or not a string of moderate length.",
								  issuer->user_claim == NULL ? "" :
								  issuer->user_claim));
	if (strcmp(issuer->user_claim, "email") == 0 &&
		!jws_claim_is_true(token->token, "email_verified"))
		return "The token does not say that the address was verified (email_verified).";
	return NULL;
}

/*
 * Find the account that is linked to the issuer's name for a person.  A link that ended while
 * somebody held its row is of an earlier generation.
 */
static bool
find_identity(const pg_uuid_t *issuer, const char *subject,
			  const pg_uuid_t *person, Snapshot snapshot, pg_uuid_t *user)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		isnull = true;

	casnet_scan_begin(&scan, CASNET_IDENTITY, snapshot,
					  UUIDPGetDatum(issuer), CStringGetTextDatum(subject));
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		Datum		value = casnet_scan_value(&scan, tuple, IDENTITIES_USER_ID,
											  &isnull);

		if (!isnull)
			*user = *DatumGetUUIDP(value);
		value = casnet_scan_value(&scan, tuple, IDENTITIES_GENERATION, &isnull);
		isnull |= DatumGetInt64(value) !=
			casnet_revocation_generation(person, snapshot);
	}
	casnet_scan_end(&scan);
	return !isnull;
}

/* Judge a token by what is registered of its issuer, and find whom it names. */
static const char *
verify_by_issuer(const CasnetParsedToken *token, const Issuer *issuer,
				 Snapshot snapshot, CasnetForeign *foreign)
{
	char		subject[JWS_MAX_STRING];
	const char *problem = check_issuer_key(token, snapshot);

	if (problem == NULL && issuer->audiences != NULL &&
		!has_one_audience(&token->jws, issuer->audiences))
		problem = "The token's audience (aud) is none that is registered for its issuer.";
	if (problem == NULL)
		problem = read_subject(token, issuer, subject);
	if (problem == NULL && issuer->trusts_claims)
		problem = check_own_claims(token);
	if (problem != NULL)
		return problem;

	memset(foreign, 0, sizeof(CasnetForeign));
	foreign->issuer_id = issuer->id;
	foreign->issuer = pstrdup(token->jws.iss);
	foreign->person = casnet_verify_person(token->jws.iss, subject);
	foreign->subject = pstrdup(subject);
	foreign->trusts_claims = issuer->trusts_claims;
	foreign->makes_accounts = issuer->makes_accounts;
	foreign->token = token->token;
	foreign->is_linked = issuer->trusts_claims ?
		casnet_uuid_parse(subject, &foreign->user) :
		find_identity(&issuer->id, subject, &foreign->person, snapshot,
					  &foreign->user);
	return NULL;
}

/*
 * Whom a token of a registered issuer names, whether or not an account is linked to that;
 * also the leeway for its times.  Returns NULL, or why the token is not good.
 */
const char *
casnet_verify_foreign(const CasnetParsedToken *token, Snapshot snapshot,
					  CasnetForeign *foreign, int *leeway)
{
	Issuer		issuer;

	if (!find_issuer(token, snapshot, &issuer))
		return "The token's issuer (iss) is not registered.";
	*leeway = issuer.leeway;
	return verify_by_issuer(token, &issuer, snapshot, foreign);
}

/*
 * What the token proves by this snapshot, whatever the time is and whether or not it was
 * revoked.  Returns NULL, or why it proves nothing.
 */
const char *
casnet_verify_proof(const CasnetParsedToken *token, Snapshot snapshot,
					CasnetProved *proved)
{
	CasnetForeign foreign;
	Issuer		issuer;
	const char *problem;

	memset(proved, 0, sizeof(CasnetProved));
	if (!find_issuer(token, snapshot, &issuer))
		return verify_by_key(token, snapshot, proved);
	problem = verify_by_issuer(token, &issuer, snapshot, &foreign);
	if (problem != NULL)
		return problem;
	if (!foreign.is_linked)
		return issuer.trusts_claims ?
			"The claim that names the user is not a UUID." : not_linked;
	proved->user = foreign.user;
	proved->names_tenant = issuer.trusts_claims && token->has_tenant;
	proved->narrows = issuer.trusts_claims && token->jws.narrows;
	proved->leeway = issuer.leeway;
	proved->has_person = true;
	proved->person = foreign.person;
	proved->issuer = casnet_verify_person(token->jws.iss, "");
	return NULL;
}
