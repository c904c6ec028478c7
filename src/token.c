/*
 * token.c
 *		The setting casnet.token: a signed session token that proves the user.
 *
 * The check hook only parses, because it runs without a transaction when a connection
 * starts and in parallel workers.  casnet verifies the signature and the revocation on
 * first use.  It keeps the result for that exact token, and for several tokens, since a
 * pooled connection sees the same ones again.  It drops them when a message says that keys,
 * revoked tokens or cutoffs changed.  It compares the times at each use.
 *
 * No message ever contains a token or a part of one.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "casnet.h"
#include "key.h"

/* A pooled connection sees many tokens; this is the most that it keeps. */
#define MAX_VERIFIED 512

#define MAX_ATTEMPTS 10

/* The most tokens that the session has given up, but on which something still rests. */
#define MAX_FORMER 100

/* The value of the setting, parsed. */
typedef struct ParsedToken
{
	uint64		hash;
	size_t		length;
	pg_uuid_t	user;
	pg_uuid_t	tenant;
	bool		has_tenant;
	JwsToken	jws;
	char		token[FLEXIBLE_ARRAY_MEMBER];
} ParsedToken;

/* A token with a valid signature that is not revoked. */
typedef struct VerifiedToken
{
	uint64		hash;			/* hash key; must be first */
	ParsedToken *parsed;
} VerifiedToken;

static char *token_string;
static const ParsedToken *active_token;

static CasnetCache cache = {
	.name = "casnet tokens", .key_size = sizeof(uint64),
	.entry_size = sizeof(VerifiedToken), .most = MAX_VERIFIED
};
static uint64 cache_epoch = 0;

/* The answer about active_token; valid while token and epoch are the present ones. */
static const ParsedToken *answered_token = NULL;
static uint64 answered_epoch = 0;
static const char *answer = NULL;	/* NULL: verified; else the problem */

/* Why casnet_token_user() last returned NULL. */
static const char *refusal = NULL;

/*
 * A token that the session had when somebody opened what still goes on, by its number.  It
 * is in memory of the C library, since the assign hook makes it.  All are freed when
 * nothing holds a token any more.
 */
typedef struct FormerToken
{
	struct FormerToken *next;
	uint64		number;
	ParsedToken parsed;			/* must be last */
} FormerToken;

static FormerToken *former_tokens = NULL;
static int	former_count = 0;
static uint64 token_number = 0; /* how often the setting was assigned */
static int	holders = 0;

/* The kept copy of this verified token, or NULL. */
static ParsedToken *
find_verified(uint64 hash, const char *token, size_t length)
{
	VerifiedToken *entry = casnet_cache_find(&cache, &hash);

	if (entry == NULL || entry->parsed->length != length ||
		memcmp(entry->parsed->token, token, length) != 0)
		return NULL;
	return entry->parsed;
}

/* Refuse a value with an error of casnet's; the server's own would quote the value. */
static bool
out_of_memory(void)
{
	GUC_check_errcode(ERRCODE_OUT_OF_MEMORY);
	GUC_check_errmsg("out of memory");
	GUC_check_errhint("Give the server more memory.");
	return false;
}

/*
 * Check hook: parse the new value into *extra; empty means unset.  Refuses what is not a
 * token with 22023, without quoting it.
 */
static bool
check_token(char **newval, void **extra, GucSource source)
{
	JwsToken	jws;
	ParsedToken *parsed;
	pg_uuid_t	user;
	pg_uuid_t	tenant;
	ParsedToken *known;
	const char *problem;
	uint64		hash;
	size_t		length;

	*extra = NULL;
	if (*newval == NULL || **newval == '\0')
		return true;

	/* A pooled connection sees the same tokens again, and parsing costs most. */
	length = strlen(*newval);
	hash = hash_bytes_extended((unsigned char *) *newval,
							   Min(length, JWS_MAX_TOKEN + 1), 0);
	known = find_verified(hash, *newval, length);
	if (known != NULL)
	{
		size_t		size = offsetof(ParsedToken, token) + length + 1;

		parsed = casnet_guc_malloc(size);
		if (parsed == NULL)
			return out_of_memory();
		memcpy(parsed, known, size);
		*extra = parsed;
		return true;
	}

	problem = jws_parse(*newval, &jws);
	memset(&tenant, 0, sizeof(tenant));
	if (problem == NULL && !casnet_uuid_parse(jws.sub, &user))
		problem = "The token's subject is not a UUID.";
	if (problem == NULL && jws.tid[0] != '\0' &&
		!casnet_uuid_parse(jws.tid, &tenant))
		problem = "The token's tenant is not a UUID.";
	if (problem != NULL)
	{
		GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
		GUC_check_errmsg("invalid value for parameter \"casnet.token\"");
		GUC_check_errdetail("%s", problem);
		GUC_check_errhint("Give a token that casnet.login() or a known issuer made, or the empty string to unset it.");
		return false;
	}

	parsed = casnet_guc_malloc(offsetof(ParsedToken, token) + length + 1);
	if (parsed == NULL)
		return out_of_memory();
	parsed->hash = hash;
	parsed->length = length;
	parsed->user = user;
	parsed->tenant = tenant;
	parsed->has_tenant = jws.tid[0] != '\0';
	parsed->jws = jws;
	memcpy(parsed->token, *newval, length + 1);
	*extra = parsed;
	return true;
}

/*
 * Keep the present token, which the setting is about to lose, for what was opened with it
 * and goes on.  If there is no room, casnet refuses that later.
 */
static void
keep_former(void)
{
	size_t		size = offsetof(FormerToken, parsed) +
		offsetof(ParsedToken, token) + active_token->length + 1;
	FormerToken *former = former_count < MAX_FORMER ? malloc(size) : NULL;

	if (former == NULL)
		return;
	former_count++;
	former->number = token_number;
	memcpy(&former->parsed, active_token, size - offsetof(FormerToken, parsed));
	former->next = former_tokens;
	former_tokens = former;
}

/*
 * Hold the session's token, since something goes on that was opened with it.  Returns its
 * number, for casnet_token_problem_of().
 */
uint64
casnet_token_hold(void)
{
	holders++;
	return token_number;
}

/* Release all tokens at the end of the transaction.  Never raises. */
void
casnet_token_release_all(void)
{
	holders = 0;
	former_count = 0;
	while (former_tokens != NULL)
	{
		FormerToken *former = former_tokens;

		former_tokens = former->next;
		free(former);
	}
}

/* Something that held a token has ended.  Never raises. */
void
casnet_token_release(void)
{
	if (--holders <= 0)
		casnet_token_release_all();
}

/* The token that is set; NULL if there is none, or code of another role runs. */
static const ParsedToken *
current_token(void)
{
	return casnet_security_is_suspended() ? NULL : active_token;
}

/* The number of the session's token, 0 for none. */
uint64
casnet_token_number(void)
{
	return current_token() == NULL ? 0 : token_number;
}

static void
assign_token(const char *newval, void *extra)
{
	if (holders > 0 && active_token != NULL)
		keep_former();
	token_number++;
	active_token = extra;
	/* The memory of the former token can be reused for another one. */
	answered_token = NULL;
	casnet_generation++;
	casnet_user_changes++;
}

/* Show hook: hides the token from code of another role. */
static const char *
show_token(void)
{
	return casnet_security_is_suspended() || token_string == NULL ? "" :
		token_string;
}

void
casnet_token_init(void)
{
	DefineCustomStringVariable("casnet.token",
							   "A signed session token, which proves the user of this session.",
							   "Bind it as a parameter of set_config() or casnet.sign_in(), so that it is not logged.",
							   &token_string, "", PGC_USERSET,
							   GUC_REPORT | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE,
							   check_token, assign_token, show_token);
}

/* Whether this very token was verified since the tables last changed. */
static bool
is_verified(const ParsedToken *token)
{
	return cache_epoch == casnet_token_epoch &&
		find_verified(token->hash, token->token, token->length) != NULL;
}

/* Remember the token, verified in the given epoch. */
static void
keep_verified(const ParsedToken *token, uint64 epoch)
{
	VerifiedToken *entry;
	size_t		size = offsetof(ParsedToken, token) + token->length + 1;
	ParsedToken *copy;

	if (cache_epoch != epoch || casnet_cache_is_full(&cache))
		casnet_cache_reset(&cache);
	cache_epoch = epoch;

	copy = MemoryContextAlloc(cache.context, size);
	memcpy(copy, token, size);
	entry = casnet_cache_enter(&cache, &token->hash);
	entry->parsed = copy;
}

/*
 * The SHA-256 of the signed part of a token, which identifies it for revocation.  It leaves
 * out the signature, since an ECDSA signature has a second valid form.
 */
static bytea *
digest_of(const ParsedToken *token)
{
	return casnet_digest(token->token, token->jws.signed_length);
}

/* Whether the audience is among those of the token. */
static bool
has_audience(const JwsToken *jws, const char *audience)
{
	for (const char *aud = jws->aud; *aud != '\0'; aud += strlen(aud) + 1)
		if (strcmp(aud, audience) == 0)
			return true;
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

/*
 * Whether a live key signed the token for this use.  *own says whether that is one of
 * casnet's own secrets, and not an issuer's.
 */
static bool
signature_is_good(const ParsedToken *token, Snapshot snapshot, bool *own)
{
	const JwsToken *jws = &token->jws;
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		good = false;

	casnet_scan_begin(&scan, CASNET_KEY_BY_KID, snapshot,
					  CStringGetTextDatum(jws->kid), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		char	   *algorithm = text_column(&scan, tuple,
											SIGNING_KEYS_ALGORITHM);
		char	   *issuer = text_column(&scan, tuple, SIGNING_KEYS_ISSUER);
		char	   *audience = text_column(&scan, tuple, SIGNING_KEYS_AUDIENCE);
		bool		key_isnull;
		bool		is_not_retired;
		Datum		key = casnet_scan_value(&scan, tuple, SIGNING_KEYS_KEY,
											&key_isnull);
		JwsAlgorithm of_key;

		(void) casnet_scan_value(&scan, tuple, SIGNING_KEYS_RETIRED_AT,
								 &is_not_retired);

		/* The key fixes the algorithm, whatever the header says. */
		if (is_not_retired && !key_isnull && algorithm != NULL &&
			jws_algorithm_find(algorithm, &of_key) &&
			of_key == jws->algorithm &&
			(issuer == NULL || strcmp(issuer, jws->iss) == 0) &&
			(audience == NULL || has_audience(jws, audience)))
		{
			bytea	   *bytes = DatumGetByteaPP(key);

			*own = of_key == JWS_HS256 && issuer == NULL && audience == NULL;
			good = casnet_key_verify(of_key, (uint8 *) VARDATA_ANY(bytes),
									 VARSIZE_ANY_EXHDR(bytes), token->token,
									 jws->signed_length, jws->signature,
									 jws->signature_length);
		}
	}
	casnet_scan_end(&scan);
	return good;
}

/* NULL, or that the token was revoked; own says whether a key of casnet's signed it. */
static const char *
problem_of_revocation(const ParsedToken *token, bool own, Snapshot snapshot)
{
	bytea	   *digest = digest_of(token);

	if (casnet_revocation_is_revoked(digest, snapshot) ||
		casnet_revocation_ends(&token->user, own ? token->jws.generation : -1,
							   token->jws.iat, digest, snapshot))
		return "The token was revoked.";
	return NULL;
}

/* Verify all that does not depend on the time; NULL, or the problem. */
static const char *
verify(const ParsedToken *token, Snapshot snapshot, bool *own)
{
	*own = false;
	if (!signature_is_good(token, snapshot, own))
		return "The token is not signed by a live key for this use.";
	return problem_of_revocation(token, *own, snapshot);
}

/* The same, from the cache or looked up now. */
static const char *
verified_answer(const ParsedToken *token)
{
	MemoryContext context;
	MemoryContext oldcontext;
	const char *problem = NULL;
	uint64		epoch = 0;

	if (is_verified(token))
		return NULL;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"casnet token verification",
									ALLOCSET_SMALL_SIZES);
	oldcontext = MemoryContextSwitchTo(context);
	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		Snapshot	snapshot = casnet_catalog_snapshot();
		bool		own;

		epoch = casnet_token_epoch;
		problem = verify(token, snapshot, &own);
		UnregisterSnapshot(snapshot);
		if (epoch == casnet_token_epoch)
			break;
	}
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);

	casnet_news_note_lookup();
	if (problem == NULL)
		keep_verified(token, epoch);
	return problem;
}

bool
casnet_token_is_set(void)
{
	return current_token() != NULL;
}

/* Why the token is not valid at this time, or NULL if it is. */
static const char *
problem_of_time(const ParsedToken *token)
{
	int64		now = casnet_revocation_clock();

	if (now >= token->jws.exp)
		return "The token has expired.";
	if (now < token->jws.nbf)
		return "The token is not valid yet.";
	return NULL;
}

/*
 * Why the token that is set is not valid, or NULL if it is.  This processes messages, so
 * it knows what has ended the token.  Raises 55000 when the tables are missing.
 */
const char *
casnet_token_problem(void)
{
	const ParsedToken *token = current_token();

	if (token == NULL)
		return "No token is set.";
	AcceptInvalidationMessages();

	if (answered_token != token || answered_epoch != casnet_token_epoch)
	{
		uint64		epoch;

		answered_token = NULL;
		answer = verified_answer(token);
		epoch = casnet_token_epoch;
		if (answer != NULL || is_verified(token))
		{
			answered_token = token;
			answered_epoch = epoch;
		}
	}
	return answer != NULL ? answer : problem_of_time(token);
}

/* The same for the token with that number, which is held. */
const char *
casnet_token_problem_of(uint64 number)
{
	const FormerToken *former = former_tokens;
	const char *problem;

	if (number == token_number)
		return casnet_token_problem();
	while (former != NULL && former->number != number)
		former = former->next;
	if (former == NULL)
		return "The token is not known any more.";
	AcceptInvalidationMessages();
	problem = verified_answer(&former->parsed);
	return problem != NULL ? problem : problem_of_time(&former->parsed);
}

/*
 * Why the token with that number, which is held, is not valid by what others have
 * committed; NULL if it is.  A key of this transaction counts, too.  *is_over says that
 * only the time is against it, and *user is the one that it names.
 */
const char *
casnet_token_problem_to_others(uint64 number, bool *is_over, pg_uuid_t *user)
{
	const FormerToken *former = former_tokens;
	const ParsedToken *token = active_token;
	Snapshot	snapshot;
	SnapshotData others;
	const char *problem;
	bool		own = false;

	*is_over = false;
	if (number != token_number)
	{
		while (former != NULL && former->number != number)
			former = former->next;
		token = former == NULL ? NULL : &former->parsed;
	}
	if (token == NULL)
		return "The token is not known any more.";
	*user = token->user;
	snapshot = casnet_catalog_snapshot();
	others = casnet_catalog_snapshot_of_others(snapshot);
	if (!signature_is_good(token, &others, &own) &&
		!signature_is_good(token, snapshot, &own))
		problem = "The token is not signed by a live key for this use.";
	else
		problem = problem_of_revocation(token, own, &others);
	UnregisterSnapshot(snapshot);
	if (problem != NULL)
		return problem;
	problem = problem_of_time(token);
	*is_over = problem != NULL;
	return problem;
}

/* The user that the token names, whether it is valid or not. */
const pg_uuid_t *
casnet_token_named_user(void)
{
	return &active_token->user;
}

/* The tenant that it names, likewise; NULL if it names none, or no token is set. */
const pg_uuid_t *
casnet_token_named_tenant(void)
{
	return current_token() != NULL && active_token->has_tenant ?
		&active_token->tenant : NULL;
}

/* The user whom the token proves, or NULL when it is not valid. */
const pg_uuid_t *
casnet_token_user(void)
{
	refusal = casnet_token_problem();
	return refusal == NULL ? &active_token->user : NULL;
}

/* Why that was NULL last time, for messages, even if the token is valid by now. */
const char *
casnet_token_refusal(void)
{
	return refusal;
}

/* The tenant that the token names, if it is valid. */
const pg_uuid_t *
casnet_token_tenant(void)
{
	return current_token() != NULL && active_token->has_tenant &&
		casnet_token_problem() == NULL ? &active_token->tenant : NULL;
}

/* When the token expires; one must be set. */
TimestampTz
casnet_token_expiry(void)
{
	/* A time after the year 9999 can be out of the type's range. */
	if (active_token->jws.exp > INT64CONST(253402300799))
		return DT_NOEND;
	return time_t_to_timestamptz((pg_time_t) active_token->jws.exp);
}

/*
 * The digest of this session's token, in the current memory context, or NULL when it has
 * no valid one.
 */
bytea *
casnet_token_digest(void)
{
	return casnet_token_problem() == NULL ? digest_of(active_token) : NULL;
}

/*
 * Why the session's token, which must be set, is not valid by this snapshot, or NULL if it
 * is.  *own says whether casnet issued it.
 */
const char *
casnet_token_judge(Snapshot snapshot, bool *own)
{
	const char *problem = verify(active_token, snapshot, own);

	return problem != NULL ? problem : problem_of_time(active_token);
}
