/*
 * link.c
 *		Whom the tokens of other issuers name: links to accounts, and the first sign_in().
 *
 * The issuer's name for a person is linked to an account, by an administrator, or by a user
 * who shows a token of the issuer while signed in.  So nobody links a person whom they
 * cannot prove to be, or an account that is not theirs.  An account is made at the first
 * sign_in() only if the administrator said so, and never takes over one that exists: an
 * address says little about who owns an account.
 *
 * The link names the registration of the issuer, so that one that is made again has no
 * links.  It has no key to that or to the account, so that nobody can hold what an
 * administrator needs; a link of an account that is gone counts for nothing.  When a link
 * ends, so do the person's tokens so far: whoever has one cannot link it to another account.
 *
 * verify.c judges tokens.  What this file writes is in force at the next statement, because
 * the messages of news.c make every backend verify its tokens again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "casnet.h"
#include "token.h"

/* Columns of casnet.identities(). */
#define IDENTITIES_LISTED 3

/* How long to wait for somebody who changes the same account, in milliseconds. */
#define PATIENCE_MS 2000

/* The most seconds since a token was issued that proves its user once more. */
#define MOST_AGE 600

PG_FUNCTION_INFO_V1(casnet_link_identity);
PG_FUNCTION_INFO_V1(casnet_link_identity_of_token);
PG_FUNCTION_INFO_V1(casnet_unlink_identity);
PG_FUNCTION_INFO_V1(casnet_identities);
PG_FUNCTION_INFO_V1(casnet_sign_in);
PG_FUNCTION_INFO_V1(casnet_end_codes);

/* Raises 22023, with a message and a hint. */
void
casnet_link_refuse_argument(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 errhint("%s", hint)));
}

/* A text argument that fits into a claim of a token.  Raises 22023. */
char *
casnet_link_claim_argument(FunctionCallInfo fcinfo, int argument, const char *message,
			   const char *hint)
{
	char	   *value = PG_ARGISNULL(argument) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(argument));

	if (value == NULL || value[0] == '\0' || strlen(value) >= JWS_MAX_STRING)
		casnet_link_refuse_argument(message, hint);
	return value;
}

/* The issuer in that argument.  Raises 22023. */
char *
casnet_link_issuer_argument(FunctionCallInfo fcinfo, int argument)
{
	return casnet_link_claim_argument(fcinfo, argument, "the issuer is empty or too long",
						  "Give the claim iss of its tokens exactly, such as 'https://id.example.com/'.");
}

/* What is registered of the issuer at this moment; false if it is not. */
bool
casnet_link_registration(const char *issuer, CasnetRegistration *found)
{
	CasnetTable issuers = CASNET_ISSUERS;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, CASNET_ISSUER,
					  casnet_reading_begin(&reading, 1, &issuers),
					  CStringGetTextDatum(issuer), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;

		found->id = *DatumGetUUIDP(casnet_scan_value(&scan, tuple, ISSUERS_ID,
													 &isnull));
		found->user_claim =
			TextDatumGetCString(casnet_scan_value(&scan, tuple,
												  ISSUERS_USER_CLAIM, &isnull));
		found->makes_accounts =
			DatumGetBool(casnet_scan_value(&scan, tuple,
										   ISSUERS_MAKES_ACCOUNTS, &isnull));
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return tuple != NULL;
}

/* A link of a person to an account. */
typedef struct Identity
{
	ItemPointerData row;
	pg_uuid_t	issuer_id;
	char	   *issuer;
	char	   *subject;
	pg_uuid_t	user;
	TimestampTz created_at;
	int64		generation;		/* of the person when it was made */
} Identity;

/* The links that a path finds at this moment. */
static List *
find_identities(CasnetPath path, Datum key1, Datum key2)
{
	CasnetTable identities = CASNET_IDENTITIES;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	List	   *found = NIL;

	casnet_scan_begin(&scan, path,
					  casnet_reading_begin(&reading, 1, &identities), key1, key2);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		Identity   *identity = palloc(sizeof(Identity));
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		identity->row = tuple->t_self;
		identity->issuer_id =
			*DatumGetUUIDP(casnet_scan_value(&scan, tuple, IDENTITIES_ISSUER_ID,
											 &isnull));
		identity->issuer =
			TextDatumGetCString(casnet_scan_value(&scan, tuple,
												  IDENTITIES_ISSUER, &isnull));
		identity->subject =
			TextDatumGetCString(casnet_scan_value(&scan, tuple,
												  IDENTITIES_SUBJECT, &isnull));
		identity->user =
			*DatumGetUUIDP(casnet_scan_value(&scan, tuple, IDENTITIES_USER_ID,
											 &isnull));
		identity->created_at =
			DatumGetTimestampTz(casnet_scan_value(&scan, tuple,
												  IDENTITIES_CREATED_AT, &isnull));
		identity->generation =
			DatumGetInt64(casnet_scan_value(&scan, tuple, IDENTITIES_GENERATION,
											&isnull));
		found = lappend(found, identity);
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return found;
}

/* The generation of the tokens of a person, which every end of a link changes. */
static int64
generation_of(const char *issuer, const char *subject)
{
	CasnetTable cutoffs = CASNET_TOKEN_CUTOFFS;
	CasnetReading reading;
	pg_uuid_t	person = casnet_verify_person(issuer, subject);
	int64		generation;

	generation = casnet_revocation_generation(&person,
											  casnet_reading_begin(&reading, 1,
																   &cutoffs));
	casnet_reading_end(&reading);
	return generation;
}

/*
 * Whether a link has not ended, of a registered issuer.  Somebody could have held its row
 * then, so that it is still there.
 */
static bool
is_live(const Identity *identity)
{
	CasnetRegistration present;

	return casnet_link_registration(identity->issuer, &present) &&
		memcmp(&present.id, &identity->issuer_id, UUID_LEN) == 0 &&
		identity->generation == generation_of(identity->issuer,
											  identity->subject);
}

/* The links of a user that have not ended. */
static List *
find_identities_of(const pg_uuid_t *user)
{
	List	   *found = NIL;
	ListCell   *lc;

	foreach(lc, find_identities(CASNET_IDENTITIES_OF_USER, UUIDPGetDatum(user),
								(Datum) 0))
	{
		if (is_live(lfirst(lc)))
			found = lappend(found, lfirst(lc));
	}
	return found;
}

/* The link of a person, or NULL. */
static Identity *
find_identity(const pg_uuid_t *issuer_id, const char *subject)
{
	List	   *found = find_identities(CASNET_IDENTITY, UUIDPGetDatum(issuer_id),
										CStringGetTextDatum(subject));

	return found == NIL ? NULL : linitial(found);
}

/*
 * End a link, and the person's tokens so far.  Without wait, the row stays that somebody else
 * holds, and counts for nothing.  With wait, returns false if somebody else has deleted it.
 */
static bool
end_identity(Identity *identity, bool wait)
{
	pg_uuid_t	person = casnet_verify_person(identity->issuer,
											  identity->subject);

	if (!casnet_row_delete(CASNET_IDENTITIES, &identity->row, wait) && wait)
		return false;
	CommandCounterIncrement();
	casnet_revocation_end_all(&person, NULL);
	return true;
}

/* Whether persons of that registration are linked. */
bool
casnet_link_is_any(const pg_uuid_t *issuer_id)
{
	ListCell   *lc;

	foreach(lc, find_identities(CASNET_IDENTITIES_OF_ISSUER,
								UUIDPGetDatum(issuer_id), (Datum) 0))
		if (is_live(lfirst(lc)))
			return true;
	return false;
}

/*
 * End all tokens of an issuer so far, whomever they name, and all links of that registration.
 */
void
casnet_link_end_all(const char *issuer, const pg_uuid_t *issuer_id)
{
	pg_uuid_t	all = casnet_verify_person(issuer, "");
	ListCell   *lc;

	casnet_revocation_end_all(&all, NULL);

	foreach(lc, find_identities(CASNET_IDENTITIES_OF_ISSUER,
								UUIDPGetDatum(issuer_id), (Datum) 0))
		(void) end_identity(lfirst(lc), false);
}

/* Whether there is such an account at this moment. */
static bool
account_exists(const pg_uuid_t *user)
{
	return casnet_user_address(user) != NULL;
}

/* A link that was made. */
typedef struct Made
{
	pg_uuid_t	issuer_id;
	pg_uuid_t	user;
	int64		generation;		/* of the user's tokens, by what others have done */
	bool		by_itself;		/* the account was made with it, at a first sign_in() */
	char		issuer[JWS_MAX_STRING];
	char		subject[JWS_MAX_STRING];
	char		user_claim[JWS_MAX_STRING];
} Made;

/*
 * CasnetJudgement: raises 55000 if others have removed or changed the issuer, or deleted the
 * account, while the transaction was open.  An account that was deleted and made again under
 * the same id has another generation.
 */
static void
judge_again(const void *what)
{
	const Made *made = what;
	CasnetRegistration present;
	Identity   *identity = find_identity(&made->issuer_id, made->subject);

	if (identity == NULL ||
		(is_live(identity) &&
		 casnet_link_registration(made->issuer, &present) &&
		 strcmp(present.user_claim, made->user_claim) == 0 &&
		 (present.makes_accounts || !made->by_itself) &&
		 account_exists(&made->user) &&
		 made->generation == casnet_revocation_generation_to_others(&made->user)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the issuer or the account was changed before the transaction ended"),
			 errdetail("The link is that of \"%s\" of issuer \"%s\".", made->subject, made->issuer),
			 errhint("Repeat the transaction.")));
}

/* Let the link rest on the issuer and the account until the transaction ends. */
static void
remember_link(const pg_uuid_t *issuer_id, const char *issuer,
			  const char *subject, const pg_uuid_t *user, bool by_itself)
{
	Made	   *made = palloc0(sizeof(Made));
	CasnetRegistration present;

	if (!casnet_link_registration(issuer, &present))
		present.user_claim = "";
	made->issuer_id = *issuer_id;
	made->user = *user;
	strlcpy(made->issuer, issuer, sizeof(made->issuer));
	strlcpy(made->subject, subject, sizeof(made->subject));
	strlcpy(made->user_claim, present.user_claim, sizeof(made->user_claim));
	made->generation = casnet_revocation_generation_to_others(user);
	made->by_itself = by_itself;
	casnet_judged_remember_alone(judge_again, made, sizeof(Made));
}

/* Raises 55P03. */
static void
refuse_to_wait(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("another session is linking or unlinking that person"),
			 errhint("Try again when it has ended; an administrator can end it with casnet.unlink_identity().")));
}

/*
 * Link an issuer's name for a person to an account, unless it is; by_itself if sign_in() makes
 * the account.  A link that has ended, or is to an account that is gone, gives way.  Raises 23505 if another account is linked, 55P03
 * if somebody else is linking that person for long.
 */
static void
link_to(const pg_uuid_t *issuer_id, const char *issuer, const char *subject,
		const pg_uuid_t *user, bool by_itself)
{
	Datum		values[IDENTITIES_COLUMNS];
	bool		isnull[IDENTITIES_COLUMNS] = {0};
	pg_uuid_t	person = casnet_verify_person(issuer, subject);
	Identity   *present;
	bool		counts;

	if (!casnet_secret_lock(&person, PATIENCE_MS))
		refuse_to_wait();
	present = find_identity(issuer_id, subject);
	counts = present != NULL && is_live(present) && account_exists(&present->user);
	if (counts && memcmp(&present->user, user, UUID_LEN) == 0)
		return;
	if (counts)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("another account is linked to that person already"),
				 errhint("Unlink it first with casnet.unlink_identity(), as that account or as an administrator.")));
	if (present != NULL && !casnet_row_delete(CASNET_IDENTITIES, &present->row, false))
		refuse_to_wait();
	if (present != NULL)
		CommandCounterIncrement();
	values[IDENTITIES_ISSUER_ID] = UUIDPGetDatum(issuer_id);
	values[IDENTITIES_ISSUER] = CStringGetTextDatum(issuer);
	values[IDENTITIES_SUBJECT] = CStringGetTextDatum(subject);
	values[IDENTITIES_USER_ID] = UUIDPGetDatum(user);
	values[IDENTITIES_CREATED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[IDENTITIES_GENERATION] =
		Int64GetDatum(generation_of(issuer, subject));
	casnet_row_insert(CASNET_IDENTITIES, values, isnull);
	remember_link(issuer_id, issuer, subject, user, by_itself);
}

/* The issuer's name for a person.  Raises 22023. */
static char *
subject_argument(FunctionCallInfo fcinfo, int argument)
{
	return casnet_link_claim_argument(fcinfo, argument, "the subject is empty or too long",
						  "Give the claim that names the user in the issuer's tokens, such as their sub.");
}

/*
 * casnet.link_identity(user_id uuid, issuer text, subject text) returns void
 *
 * Links an issuer's name for a person to an account; for those who manage accounts.  Raises
 * 22023, 28000, 42501, P0002; 23505 if another account is linked to it.
 */
Datum
casnet_link_identity(PG_FUNCTION_ARGS)
{
	char	   *issuer = casnet_link_issuer_argument(fcinfo, 1);
	char	   *subject = subject_argument(fcinfo, 2);
	CasnetRegistration present;

	if (PG_ARGISNULL(0))
		casnet_link_refuse_argument("the user is null", "Give the id of an account.");
	casnet_account_require(PG_GETARG_UUID_P(0),
						   casnet_account_require_power());
	if (!casnet_link_registration(issuer, &present))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no such issuer"),
				 errhint("An administrator registers one with casnet.set_issuer().")));
	link_to(&present.id, issuer, subject, PG_GETARG_UUID_P(0), false);
	PG_RETURN_VOID();
}

/*
 * Raises 28P01 or 55000 unless whoever has the session proves to be the user once more.  An
 * open session must not be enough, since the link outlives it.  Where there is a password,
 * it is asked for; else the session's token must be a new one.  A trusted backend names the
 * user without a token, and answers for that.  Another role can have been given the user
 * (ALTER ROLE ... SET casnet.user_id), and answers for nothing.
 */
static void
require_fresh_proof(FunctionCallInfo fcinfo, const pg_uuid_t *user)
{
	CasnetTable users = CASNET_USERS;
	CasnetReading reading;
	bool		active;
	char	   *mark = NULL;
	char	   *email;

	if (!casnet_token_is_set() && casnet_security_is_backend())
		return;
	(void) casnet_user_find(user, casnet_reading_begin(&reading, 1, &users),
							&active, &mark, &email);
	casnet_reading_end(&reading);
	if (mark != NULL && PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PASSWORD),
				 errmsg("the password of the account is missing"),
				 errhint("Give it as the second argument.")));
	if (mark != NULL)
		casnet_login_require_password(user, PG_GETARG_TEXT_PP(1));
	else if (!casnet_token_is_set() ||
			 casnet_token_authenticated_at() <
			 casnet_revocation_clock() - MOST_AGE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the session has no token, or one that is too old to link another issuer"),
				 errhint("Sign in again, and link within ten minutes.")));
}

/* The person whom a token that somebody shows proves to be.  Raises 28000, 55000. */
static void
examine_proof(const text *token, CasnetForeign *foreign)
{
	const char *problem = token == NULL ? "No token is given." :
		casnet_token_examine(token, foreign);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("the token to link is not valid"),
				 errdetail_internal("%s", problem),
				 errhint("%s", casnet_token_hint_of(problem) != NULL ?
						 casnet_token_hint_of(problem) :
						 "Get a new token from a registered issuer, and bind it as a parameter.")));
	if (foreign->trusts_claims)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tokens of this issuer name accounts by their ids"),
				 errhint("They need no link.")));
}

/* CasnetJudgement: raises the same if that is no longer so.  What it proves cannot change. */
static void
judge_proof_again(const void *what)
{
	CasnetForeign foreign;

	examine_proof(what, &foreign);
}

/*
 * casnet.link_identity(token text, password text) returns void
 *
 * Links the person whom a token of another issuer names to the account of the session.
 * Raises 28000 if nobody is signed in or the token is not good; 28P01 for a wrong password;
 * 55000 if its issuer names accounts by their ids, or the session's token is too old; 23505
 * if another account is linked to that person; 55P03 if somebody else is linking it for long.
 * COMMIT raises 28000, 55000 or 40001 if that has changed meanwhile.
 */
Datum
casnet_link_identity_of_token(PG_FUNCTION_ARGS)
{
	CasnetForeign foreign;
	pg_uuid_t	user;
	text	   *token = PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_P(0);

	AcceptInvalidationMessages();
	user = *casnet_membership_require_whole();
	examine_proof(token, &foreign);
	require_fresh_proof(fcinfo, &user);
	/* Neither token may end before the COMMIT. */
	casnet_judged_remember_token();
	casnet_judged_remember_alone(judge_proof_again, token, VARSIZE_ANY(token));
	link_to(&foreign.issuer_id, foreign.issuer, foreign.subject, &user, false);
	PG_RETURN_VOID();
}

/*
 * Raises 55000 if the account has no password, and only this identity to sign in with.  The
 * lock keeps a second session from ending the other one meanwhile; 55P03 if it has it for
 * long.
 */
static void
require_another_way(const pg_uuid_t *user)
{
	CasnetTable users = CASNET_USERS;
	CasnetReading reading;
	bool		active;
	char	   *mark = NULL;
	char	   *email;

	if (!casnet_secret_lock(user, PATIENCE_MS))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("another session is changing the account"),
				 errhint("Try again when it has ended.")));
	(void) casnet_user_find(user, casnet_reading_begin(&reading, 1, &users),
							&active, &mark, &email);
	casnet_reading_end(&reading);
	if (mark == NULL && list_length(find_identities_of(user)) < 2)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the account has no other way to sign in"),
				 errhint("Link another issuer first, or ask an administrator for a password.")));
}

/* The link among those of a user, or NULL. */
static Identity *
find_among(List *identities, const char *issuer, const char *subject)
{
	ListCell   *lc;

	foreach(lc, identities)
	{
		Identity   *identity = lfirst(lc);

		if (strcmp(identity->issuer, issuer) == 0 &&
			strcmp(identity->subject, subject) == 0)
			return identity;
	}
	return NULL;
}

/*
 * Anybody's link, for those who manage accounts, or NULL.  Those who hold the account or its
 * links, or are linking that person, have some seconds, and then their sessions are ended.
 */
static Identity *
find_to_manage(const char *issuer, const char *subject)
{
	CasnetRegistration present;
	Identity   *identity;

	if (!casnet_link_registration(issuer, &present))
		return NULL;
	identity = find_identity(&present.id, subject);
	if (identity == NULL)
	{
		pg_uuid_t	person = casnet_verify_person(issuer, subject);
		LOCKTAG		lock = casnet_secret_lock_of(&person);

		/* Nobody sees a link that is not committed. */
		casnet_release_lock(&lock);
		identity = find_identity(&present.id, subject);
	}
	if (identity == NULL)
		return NULL;
	casnet_release_account(&identity->user, true);
	return find_identity(&present.id, subject);
}

/*
 * casnet.unlink_identity(issuer text, subject text) returns void
 *
 * Ends a link, and the person's tokens so far: one's own, or anybody's for those who manage
 * accounts.  Raises 22023, 28000, 55000; P0002 if there is none, or it is somebody else's.
 */
Datum
casnet_unlink_identity(PG_FUNCTION_ARGS)
{
	char	   *issuer = casnet_link_issuer_argument(fcinfo, 0);
	char	   *subject = subject_argument(fcinfo, 1);
	Identity   *identity = NULL;
	pg_uuid_t	user;

	AcceptInvalidationMessages();
	if (casnet_security_is_administrator())
		identity = find_to_manage(issuer, subject);
	else
	{
		/* Not by the issuer: the server counts what a scan finds, and shows it. */
		user = *casnet_membership_require_whole();
		identity = find_among(find_identities_of(&user), issuer, subject);
		if (identity != NULL)
		{
			casnet_judged_remember_token();
			require_another_way(&user);
		}
		else if (casnet_account_is_superuser())
			identity = find_to_manage(issuer, subject);
	}
	if (identity == NULL || !end_identity(identity, true))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no such identity"),
				 errhint("casnet.identities() lists your own.")));
	PG_RETURN_VOID();
}

/*
 * casnet.identities(user_id uuid) returns setof (issuer, subject, created_at)
 *
 * The identities that are linked to an account: one's own for NULL, anybody's for those who
 * manage accounts.  Raises 28000, 42501, P0002.
 */
Datum
casnet_identities(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	pg_uuid_t	user;
	ListCell   *lc;

	AcceptInvalidationMessages();
	if (PG_ARGISNULL(0))
		user = *casnet_membership_require_whole();
	else
	{
		user = *PG_GETARG_UUID_P(0);
		casnet_account_require(&user, casnet_account_require_power());
	}
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, find_identities_of(&user))
	{
		Identity   *identity = lfirst(lc);
		Datum		values[IDENTITIES_LISTED] = {
			CStringGetTextDatum(identity->issuer),
			CStringGetTextDatum(identity->subject),
			TimestampTzGetDatum(identity->created_at)
		};
		bool		isnull[IDENTITIES_LISTED] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
	}
	return (Datum) 0;
}

/* Raises 28000 with the reason why no account is made for the user of a token. */
static void
refuse_account(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("no account is made for the user of this token"),
			 errdetail("The token has no address (email) that its issuer has verified (email_verified)."),
			 errhint("Let the issuer add both claims, or link an account with casnet.link_identity().")));
}

/* Whether the claim is there, and a string of this database. */
static bool
read_claim(const CasnetForeign *foreign, const char *name, char *value)
{
	return jws_claim_text(foreign->token, name, value, JWS_MAX_STRING) &&
		casnet_verify_is_text(value);
}

/* Whether the text can be an address, and so no name that means somebody else. */
static bool
is_address(const char *text)
{
	const char *at = strchr(text, '@');

	if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL)
		return false;
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char) *c <= ' ' || *c == 0x7f)
			return false;
	return true;
}

/*
 * Make an account for the user of the session's token, if none is linked and its issuer has
 * accounts made.  The address is the username, too.  Raises 28000 without a verified
 * address, 23505 if an account has it, 55P03 while another session makes the account.
 */
static void
make_account(void)
{
	CasnetForeign foreign = {.issuer = NULL};
	char		email[JWS_MAX_STRING];
	char		name[JWS_MAX_STRING];
	pg_uuid_t	user;
	const char *problem = casnet_token_examine(NULL, &foreign);

	/* Signed by its issuer, and revoked or out of its time, whoever is linked. */
	if (problem != NULL && foreign.issuer != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("invalid session token"),
				 errdetail_internal("%s", problem),
				 errhint("%s", casnet_token_hint(problem))));
	if (problem != NULL || foreign.is_linked || !foreign.makes_accounts)
		return;
	/* A web page signs in several times at once; only the first one makes the account. */
	if (!casnet_secret_lock(&foreign.person, PATIENCE_MS))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("another session is making the account of this person"),
				 errhint("Try again when it has ended.")));
	if (casnet_token_examine(NULL, &foreign) != NULL || foreign.is_linked)
		return;
	if (!read_claim(&foreign, "email", email) || !is_address(email) ||
		!casnet_code_is_as_sent(cstring_to_text(email), casnet_code_fold(email)) ||
		!jws_claim_is_true(foreign.token, "email_verified"))
		refuse_account();
	/* First the link, so that the token names the account, on which its making rests. */
	casnet_uuid_make(&user, false);
	link_to(&foreign.issuer_id, foreign.issuer, foreign.subject, &user, true);
	CommandCounterIncrement();
	(void) casnet_token_problem();
	casnet_account_make(&user, email,
						read_claim(&foreign, "name", name) ? name : NULL);
}

/*
 * casnet.sign_in(token text, is_local boolean) returns uuid
 *
 * Sets casnet.token for the session, or for the transaction if is_local, and returns the
 * token's user.  Makes an account, if its issuer is registered so.  Raises 22023 for a
 * malformed token, 28000 for an invalid one; then the session stays what it was.
 */
Datum
casnet_sign_in(PG_FUNCTION_ARGS)
{
	bool		is_local = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);

	if (PG_ARGISNULL(0) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) == 0)
		casnet_link_refuse_argument("the token is empty",
						"Give a token that casnet.login() or a known issuer made.");
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) > JWS_MAX_TOKEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the token is longer than %d bytes", JWS_MAX_TOKEN),
				 errhint("Give a token that casnet.login() or a known issuer made.")));

	/* An error from here on rolls the setting back too. */
	set_config_option("casnet.token",
					  text_to_cstring(PG_GETARG_TEXT_PP(0)),
					  PGC_USERSET, PGC_S_SESSION,
					  is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET,
					  true, 0, false);
	if (casnet_token_problem() != NULL)
		make_account();
	return casnet_uuid_copy(&casnet_membership_require_user()->key.user);
}

/*
 * casnet_internal.end_codes() returns trigger
 *
 * AFTER UPDATE OR DELETE FOR EACH ROW on users: what was sent to the former address, or for
 * the former password, gives nothing back.  The tokens of an account that is deleted end as
 * well, even if an account with that id is made again.  Raises 39P01 elsewhere.
 */
Datum
casnet_end_codes(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "end_codes", false);
	Relation	relation = trigger->tg_relation;
	HeapTuple	old = trigger->tg_trigtuple;
	HeapTuple	new = trigger->tg_newtuple;
	pg_uuid_t	user;
	pg_uuid_t	now;
	ListCell   *lc;

	if (!casnet_catalog_is(CASNET_USERS, relation))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.end_codes() is for casnet.users only"),
				 errhint("Attach it as casnet.install() does.")));
	/* The coordinator does this for its copy of the row, and has the tables for it. */
	if (casnet_shard_is_worker())
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		!casnet_trigger_uuid(relation, old, "id", &user))
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		(!casnet_trigger_uuid(relation, new, "id", &now) ||
		 memcmp(&now, &user, UUID_LEN) != 0))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the id of an account does not change"),
				 errdetail("Its tokens, links and password belong to the id."),
				 errhint("Make another account, and delete this one.")));
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		(casnet_trigger_bool(relation, new, "is_active") ||
		 !casnet_trigger_bool(relation, old, "is_active")) &&
		strcmp(casnet_trigger_text(relation, old, "hashed_password"),
			   casnet_trigger_text(relation, new, "hashed_password")) == 0 &&
		strcmp(casnet_code_fold(casnet_trigger_text(relation, old, "email")),
			   casnet_code_fold(casnet_trigger_text(relation, new, "email"))) == 0)
		return PointerGetDatum(NULL);
	casnet_user_code_end_all(&user);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		!casnet_trigger_bool(relation, new, "is_active"))
		casnet_revocation_end_all(&user, NULL);
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
	{
		casnet_revocation_end_all(&user, NULL);
		casnet_issued_forget(&user);
		foreach(lc, find_identities_of(&user))
			(void) end_identity(lfirst(lc), false);
	}
	return PointerGetDatum(NULL);
}
