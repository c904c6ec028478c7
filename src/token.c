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

#include "access/parallel.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "casnet.h"
#include "token.h"

/* A pooled connection sees many tokens; this is the most that it keeps. */
#define MAX_VERIFIED 512

#define MAX_ATTEMPTS 10

/* The most tokens that the session has given up, but on which something still rests. */
#define MAX_FORMER 100

/* A token with a valid signature that is not revoked. */
typedef struct VerifiedToken
{
	uint64		hash;			/* hash key; must be first */
	CasnetParsedToken *parsed;
	CasnetProved proved;
} VerifiedToken;

static char *token_string;
static const CasnetParsedToken *active_token;

static CasnetCache cache = {
	.name = "casnet tokens", .key_size = sizeof(uint64),
	.entry_size = sizeof(VerifiedToken), .most = MAX_VERIFIED
};
static uint64 cache_epoch = 0;

/* The answer about active_token; valid while token and epoch are the present ones. */
static const CasnetParsedToken *answered_token = NULL;
static uint64 answered_epoch = 0;
static const char *answer = NULL;	/* NULL: verified; else the problem */

/*
 * What the token with that number proves, or proved before it ended.  A token of another
 * issuer names its user only after a look into the tables.
 */
static struct
{
	uint64		number;			/* 0 for none */
	CasnetProved proved;
}			present;

/* Whether a token is being verified. */
static bool is_verifying = false;

/* Why casnet_token_user() last returned NULL. */
static const char *refusal = NULL;

/* Another issuer has just made the token, and would make the next one in vain as well. */
static const char ended_lately[] =
"All tokens so far were revoked shortly before this one was made, or after that.";

/*
 * A token that the session had when somebody opened what still goes on, by its number.  It
 * is in memory of the C library, since the assign hook makes it.  All are freed when
 * nothing holds a token any more.
 */
typedef struct FormerToken
{
	struct FormerToken *next;
	uint64		number;
	CasnetParsedToken parsed;			/* must be last */
} FormerToken;

static FormerToken *former_tokens = NULL;
static int	former_count = 0;
static uint64 token_number = 0; /* how often the setting was assigned */
static int	holders = 0;

/* The entry of this verified token, or NULL. */
static VerifiedToken *
find_verified(uint64 hash, const char *token, size_t length)
{
	VerifiedToken *entry = casnet_cache_find(&cache, &hash);

	if (entry == NULL || entry->parsed->length != length ||
		memcmp(entry->parsed->token, token, length) != 0)
		return NULL;
	return entry;
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
 * Whether the session is being named to a worker of Citus: by a command of the coordinator,
 * or by a statement that carries the token (carried.c).
 */
bool		casnet_token_is_named = false;

/* Whether it begins as the tokens for workers of Citus do. */
static bool
starts_as_relayed(const char *token)
{
	return strncmp(token, CASNET_RELAY_START, strlen(CASNET_RELAY_START)) == 0;
}

/*
 * Check hook: parse the new value into *extra; empty means unset.  Refuses what is not a
 * token with 22023, without quoting it.
 */
static bool
check_token(char **newval, void **extra, GucSource source)
{
	CasnetParsedToken *parsed;
	VerifiedToken *known;
	const char *problem;
	size_t		length;
	uint64		hash;

	*extra = NULL;
	if (*newval == NULL || **newval == '\0')
		return true;
	/* Code that got hold of a token of another session does not become that session. */
	if (!casnet_token_is_named && source == PGC_S_SESSION && IsTransactionState() &&
		!InitializingParallelWorker && starts_as_relayed(*newval))
	{
		GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		GUC_check_errmsg("a token for workers cannot be set by code");
		GUC_check_errhint("Only the coordinator names sessions to workers.");
		return false;
	}

	length = Min(strlen(*newval), JWS_MAX_TOKEN + 1);
	parsed = casnet_guc_malloc(offsetof(CasnetParsedToken, token) + length + 1);
	if (parsed == NULL)
		return out_of_memory();

	/* A pooled connection sees the same tokens again, and parsing costs most. */
	hash = hash_bytes_extended((unsigned char *) *newval, length, 0);
	known = find_verified(hash, *newval, length);
	if (known != NULL)
	{
		memcpy(parsed, known->parsed,
			   offsetof(CasnetParsedToken, token) + length + 1);
		*extra = parsed;
		return true;
	}

	problem = casnet_verify_parse(*newval, length, parsed);
	if (problem != NULL)
	{
		casnet_guc_free(parsed);
		GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
		GUC_check_errmsg("invalid value for parameter \"casnet.token\"");
		GUC_check_errdetail("%s", problem);
		GUC_check_errhint("Give a token that casnet.login() or a known issuer made, or the empty string to unset it.");
		return false;
	}
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
		offsetof(CasnetParsedToken, token) + active_token->length + 1;
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
static const CasnetParsedToken *
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

/*
 * Whether plans of this session have a tenant as a constant (pin.c).  They are made again
 * when the session's user, token or tenant changes.
 */
bool		casnet_token_pins = false;

/* The session becomes somebody else.  Never raises. */
void
casnet_token_replan(void)
{
	if (unlikely(casnet_token_pins))
		ResetPlanCache();
}

static void
assign_token(const char *newval, void *extra)
{
	casnet_token_replan();
	if (holders > 0 && active_token != NULL)
		keep_former();
	token_number++;
	active_token = extra;
	/* The memory of the former token can be reused for another one. */
	answered_token = NULL;
	casnet_generation++;
	casnet_user_changes++;
}

/*
 * Show hook: hides the token from code of another role, and one for workers of Citus from
 * everybody.  Who reads that could use it after the session's own token has ended.
 */
static const char *
show_token(void)
{
	return casnet_security_is_suspended() || token_string == NULL ||
		starts_as_relayed(token_string) ? "" : token_string;
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
is_verified(const CasnetParsedToken *token)
{
	return cache_epoch == casnet_token_epoch &&
		find_verified(token->hash, token->token, token->length) != NULL;
}

/* Remember the token, which was verified in the given epoch, and what it proves. */
static void
keep_verified(const CasnetParsedToken *token, const CasnetProved *proved,
			  uint64 epoch)
{
	VerifiedToken *entry;
	size_t		size = offsetof(CasnetParsedToken, token) + token->length + 1;
	CasnetParsedToken *copy;

	if (cache_epoch != epoch || casnet_cache_is_full(&cache))
		casnet_cache_reset(&cache);
	cache_epoch = epoch;

	copy = MemoryContextAlloc(cache.context, size);
	memcpy(copy, token, size);
	entry = casnet_cache_enter(&cache, &token->hash);
	entry->parsed = copy;
	entry->proved = *proved;
}

/*
 * The SHA-256 of the signed part of a token, which identifies it for revocation.  It leaves
 * out the signature, since an ECDSA signature has a second valid form.
 */
static bytea *
digest_of(const CasnetParsedToken *token)
{
	return casnet_digest(token->token, token->jws.signed_length);
}

/* Whether a cutoff ends a token with that digest and time, which proves that. */
static bool
is_cut_off(const CasnetProved *proved, int64 generation, int64 issued_at,
		   bytea *digest, Snapshot snapshot)
{
	return casnet_revocation_ends(&proved->user, generation, issued_at, digest,
								  snapshot) ||
		(proved->has_person &&
		 (casnet_revocation_ends(&proved->person, -1, issued_at, digest,
								 snapshot) ||
		  casnet_revocation_ends(&proved->issuer, -1, issued_at, digest,
								 snapshot)));
}

/*
 * NULL, or that the token, which proves that, was revoked.  A cutoff ends tokens of other
 * clocks that say they were issued a little later, so it can meet a new one.
 */
static const char *
problem_of_revocation(const CasnetParsedToken *token,
					  const CasnetProved *proved, Snapshot snapshot)
{
	bytea	   *digest = digest_of(token);
	int64		now = casnet_revocation_clock();

	if (casnet_revocation_is_revoked(digest, snapshot))
		return "The token was revoked.";
	if (!is_cut_off(proved, proved->own ? token->jws.generation : -1,
					token->jws.iat, digest, snapshot))
		return NULL;
	return !proved->own &&
		token->jws.iat >= now - casnet_revocation_skew(proved->leeway) &&
		is_cut_off(proved, -1, now, digest, snapshot) ?
		ended_lately : "The token was revoked.";
}

/* Verify all that does not depend on the time; NULL, or the problem. */
static const char *
verify(const CasnetParsedToken *token, Snapshot snapshot, CasnetProved *proved)
{
	const char *problem = casnet_verify_proof(token, snapshot, proved);

	return problem != NULL ? problem :
		problem_of_revocation(token, proved, snapshot);
}

/* A snapshot to verify the token with, as casnet_catalog_snapshot() takes it. */
static Snapshot
snapshot_for(const CasnetParsedToken *token)
{
	if (token->jws.iss[0] != '\0')
		casnet_catalog_find_issuers();
	if (token->jws.ses[0] != '\0')
		casnet_catalog_find_sessions();
	return casnet_catalog_snapshot();
}

/* The same, from the cache or looked up now. */
static const char *
verified_answer(const CasnetParsedToken *token, CasnetProved *proved)
{
	MemoryContext context;
	MemoryContext oldcontext;
	const char *problem = NULL;
	uint64		epoch = 0;

	if (is_verified(token))
	{
		*proved = find_verified(token->hash, token->token,
								token->length)->proved;
		return NULL;
	}

	context = AllocSetContextCreate(CurrentMemoryContext,
									"casnet token verification",
									ALLOCSET_SMALL_SIZES);
	oldcontext = MemoryContextSwitchTo(context);
	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		Snapshot	snapshot = snapshot_for(token);

		epoch = casnet_token_epoch;
		problem = verify(token, snapshot, proved);
		UnregisterSnapshot(snapshot);
		if (epoch == casnet_token_epoch)
			break;
	}
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);

	casnet_news_note_lookup();
	if (problem == NULL)
		keep_verified(token, proved, epoch);
	return problem;
}

bool
casnet_token_is_set(void)
{
	return current_token() != NULL;
}

/*
 * Why the token, which proves that, is not valid at this time, or NULL if it is.  One that
 * another clock issues in the future would outlive what ends it now.
 */
static const char *
problem_of_time(const CasnetParsedToken *token, const CasnetProved *proved)
{
	int64		now = casnet_revocation_clock();

	if (now >= token->jws.exp + proved->leeway)
		return "The token has expired (exp).";
	if (now < token->jws.nbf - proved->leeway)
		return "The token is not valid yet (nbf).";
	if (!proved->own &&
		now < token->jws.iat - casnet_revocation_skew(proved->leeway))
		return "The token was issued in the future (iat).";
	return NULL;
}

/*
 * Note what the session's token proves.  If it names somebody else than before, because its
 * issuer's name for a person was linked to another account, the session has changed.
 */
static void
note_proved(const CasnetProved *proved)
{
	if (present.number == token_number &&
		memcmp(&present.proved.user, &proved->user, UUID_LEN) != 0)
	{
		casnet_generation++;
		casnet_user_changes++;
	}
	present.number = token_number;
	present.proved = *proved;
}

/*
 * Why the token that is set is not valid, or NULL if it is.  This processes messages, so
 * it knows what has ended the token.  Raises 55000 when the tables are missing.
 */
const char *
casnet_token_problem(void)
{
	const CasnetParsedToken *token = current_token();

	if (token == NULL)
		return "No token is set.";
	AcceptInvalidationMessages();

	if (answered_token != token || answered_epoch != casnet_token_epoch)
	{
		CasnetProved proved;
		uint64		epoch;

		answered_token = NULL;
		answer = verified_answer(token, &proved);
		epoch = casnet_token_epoch;
		if (answer == NULL)
			note_proved(&proved);
		if (answer != casnet_verify_not_noted &&
			(answer != NULL || is_verified(token)))
		{
			answered_token = token;
			answered_epoch = epoch;
		}
	}
	return answer != NULL ? answer :
		problem_of_time(token, &present.proved);
}

/*
 * The same for the token with that number, which is held, and has proved that user.  The
 * issuer's name for a person can stand for another account by now.
 */
const char *
casnet_token_problem_of(uint64 number, const pg_uuid_t *user)
{
	static const char other[] = "The token names another account by now.";
	const FormerToken *former = former_tokens;
	CasnetProved proved;
	const char *problem;

	if (number == token_number)
	{
		problem = casnet_token_problem();
		return problem != NULL ? problem :
			memcmp(&present.proved.user, user, UUID_LEN) != 0 ? other : NULL;
	}
	while (former != NULL && former->number != number)
		former = former->next;
	if (former == NULL)
		return "The token is not known any more.";
	AcceptInvalidationMessages();
	problem = verified_answer(&former->parsed, &proved);
	if (problem == NULL && memcmp(&proved.user, user, UUID_LEN) != 0)
		problem = other;
	return problem != NULL ? problem :
		problem_of_time(&former->parsed, &proved);
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
	const CasnetParsedToken *token = active_token;
	Snapshot	snapshot;
	SnapshotData others;
	CasnetProved proved;
	const char *problem;

	*is_over = false;
	if (number != token_number)
	{
		while (former != NULL && former->number != number)
			former = former->next;
		token = former == NULL ? NULL : &former->parsed;
	}
	if (token == NULL)
		return "The token is not known any more.";
	snapshot = snapshot_for(token);
	others = casnet_catalog_snapshot_of_others(snapshot);
	problem = casnet_verify_proof(token, &others, &proved);
	if (problem != NULL)
		problem = casnet_verify_proof(token, snapshot, &proved);
	if (problem == NULL)
		problem = problem_of_revocation(token, &proved, &others);
	*user = proved.user;
	UnregisterSnapshot(snapshot);
	if (problem != NULL)
		return problem;
	problem = problem_of_time(token, &proved);
	*is_over = problem != NULL;
	return problem;
}

/*
 * Find out whom the session's token names, if only its issuer's tables say that.  Outside of
 * a transaction nothing can be found out.
 */
void
casnet_token_resolve(void)
{
	if (active_token == NULL || active_token->jws.iss[0] == '\0' ||
		present.number == token_number || is_verifying || !IsTransactionState())
		return;
	is_verifying = true;
	PG_TRY();
	{
		(void) casnet_token_problem();
	}
	PG_FINALLY();
	{
		is_verifying = false;
	}
	PG_END_TRY();
}

/*
 * The user that the token names, whether it is valid or not.  A token of another issuer that
 * has named no account yet gets an id that no account has; tokens with the same sub get the
 * same one, and no right.
 */
const pg_uuid_t *
casnet_token_named_user(void)
{
	static pg_uuid_t unknown;
	const JwsToken *jws = &active_token->jws;

	if (jws->iss[0] == '\0')
		return &active_token->user;
	if (present.number == token_number)
		return &present.proved.user;
	unknown = casnet_verify_person(jws->iss, jws->sub);
	return &unknown;
}

/* The tenant that it names, likewise; NULL if it names none, or no token is set. */
const pg_uuid_t *
casnet_token_named_tenant(void)
{
	const CasnetParsedToken *token = current_token();

	if (token == NULL || !token->has_tenant)
		return NULL;
	if (token->jws.iss[0] != '\0' && (present.number != token_number ||
									  !present.proved.names_tenant))
		return NULL;
	return &token->tenant;
}

/* The user whom the token proves, or NULL when it is not valid. */
const pg_uuid_t *
casnet_token_user(void)
{
	refusal = casnet_token_problem();
	return refusal == NULL ? &present.proved.user : NULL;
}

/* Why that was NULL last time, for messages, even if the token is valid by now. */
const char *
casnet_token_refusal(void)
{
	return refusal;
}

/* What somebody can do whose token has that problem and must be of another issuer, or NULL. */
const char *
casnet_token_hint_of(const char *problem)
{
	return problem == ended_lately ?
		"Get a new token from its issuer in a minute, or when the leeway is over if that is longer." :
		NULL;
}

/* What somebody can do whose session has a token with that problem. */
const char *
casnet_token_hint(const char *problem)
{
	if (casnet_token_hint_of(problem) != NULL)
		return casnet_token_hint_of(problem);
	return active_token->jws.iss[0] == '\0' ?
		"Get a new token with casnet.login() and set it with casnet.sign_in()." :
		"Get a new token from its issuer, which an administrator has to register; casnet.link_identity() links an account.";
}

/* The tenant that the token names, if it is valid. */
const pg_uuid_t *
casnet_token_tenant(void)
{
	const CasnetParsedToken *token = current_token();

	return token != NULL && token->has_tenant &&
		casnet_token_problem() == NULL && present.proved.names_tenant ?
		&token->tenant : NULL;
}

/*
 * The permissions to which the session's token narrows those of its user: each one ends with
 * a zero, the last with two.  NULL if it does not, or does not prove anybody.  Before a token
 * is verified, it narrows if it says so.
 */
const char *
casnet_token_permissions(void)
{
	const CasnetParsedToken *token = current_token();

	if (likely(token == NULL || !token->jws.narrows) ||
		(present.number == token_number && !present.proved.narrows))
		return NULL;
	return token->jws.perm;
}

/*
 * When the user of the session's token proved who they are, in seconds since 1970, as it
 * says; one must be set.  A token of refresh_token() and many of other issuers say when that
 * was (auth_time, of OpenID Connect), which can be long before the token was issued.
 */
int64
casnet_token_authenticated_at(void)
{
	const JwsToken *jws = &active_token->jws;

	return jws->authenticated_at != 0 ?
		Min(jws->iat, jws->authenticated_at) : jws->iat;
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
 * Raises 28000 unless the session's token, which must be set, is valid by this snapshot, and
 * casnet issued it.  Another token that it gets must end with it.
 */
void
casnet_token_require_own(Snapshot snapshot)
{
	CasnetProved proved;
	const char *problem = verify(active_token, snapshot, &proved);

	if (problem == NULL)
		problem = problem_of_time(active_token, &proved);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("invalid session token"),
				 errdetail_internal("%s", problem),
				 errhint("%s", casnet_token_hint(problem))));
	if (!proved.own)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("the session token is from another issuer"),
				 errhint("Get a new one from that issuer. For a program, let an administrator make an account.")));
}

/*
 * Whom a token of a registered issuer names, at this moment; NULL stands for the session's
 * token.  Returns NULL, or why it is not good.  It is good even if no account is linked to
 * that person.
 */
const char *
casnet_token_examine(const text *string, CasnetForeign *foreign)
{
	const CasnetParsedToken *token = active_token;
	CasnetProved proved = {0};
	Snapshot	snapshot;
	const char *problem = NULL;

	if (string != NULL)
	{
		char	   *copy = text_to_cstring(string);
		size_t		length = Min(strlen(copy), JWS_MAX_TOKEN + 1);
		CasnetParsedToken *parsed =
			palloc(offsetof(CasnetParsedToken, token) + length + 1);

		problem = casnet_verify_parse(copy, length, parsed);
		token = parsed;
	}
	if (problem != NULL)
		return problem;
	if (token == NULL)
		return "No token is set.";
	snapshot = snapshot_for(token);
	if (token->jws.iss[0] == '\0')
		problem = "The token names no issuer (iss).";
	else
		problem = casnet_verify_foreign(token, snapshot, foreign,
										&proved.leeway);
	if (problem == NULL)
	{
		/* A token that is shown proves a person, whatever account they are linked to. */
		if (string == NULL)
			proved.user = foreign->user;
		proved.has_person = true;
		proved.person = foreign->person;
		proved.issuer = casnet_verify_person(token->jws.iss, "");
		problem = problem_of_revocation(token, &proved, snapshot);
	}
	UnregisterSnapshot(snapshot);
	return problem != NULL ? problem : problem_of_time(token, &proved);
}
