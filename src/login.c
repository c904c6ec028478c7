/*
 * login.c
 *		What users do with their own account: log in, renew a token, change the password.
 *
 * SQL finds the id that belongs to a name, since the indexes on names are on expressions.
 * C reads all else as it is at this moment: the account, its hash, keys and what ended
 * tokens.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "casnet.h"

/* The most bytes of a password, and the least of a new one. */
#define MAX_PASSWORD 1024
#define MIN_PASSWORD 8

/* How long a change waits for another change of the same password. */
#define PATIENCE_MS 2000

/* What is known of an account, all by one snapshot. */
typedef struct Account
{
	bool		active;
	CasnetHash	hash;			/* none if the account has no mark */
	int64		generation;
} Account;

PG_FUNCTION_INFO_V1(casnet_login);
PG_FUNCTION_INFO_V1(casnet_refresh_token);
PG_FUNCTION_INFO_V1(casnet_change_password);
PG_FUNCTION_INFO_V1(casnet_revoke_token);

/*
 * Until end_quiet(), the server's statistics do not count reads.  Everybody sees these
 * counts, and what is read depends on the account.  An error ends it too.
 */
static int
begin_quiet(void)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("track_counts", "off", PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

static void
end_quiet(int level)
{
	AtEOXact_GUC(true, level);
}

/* The name in the form in which names are compared; an empty one for NULL. */
static Datum
fold(FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
		return CStringGetTextDatum("");
	return PointerGetDatum(casnet_name_compared(PG_GETARG_TEXT_PP(argument)));
}

/*
 * Find the account with that username or email address, as of now.  Finds none if there
 * are two, which is possible for accounts from before both shared one namespace.
 */
static bool
find_by_name(Datum name, pg_uuid_t *user)
{
	Oid			type = TEXTOID;
	SPIPlanPtr	plan;
	bool		found;

	SPI_connect();
	plan = SPI_prepare("SELECT u.id FROM casnet.users AS u"
					   " WHERE pg_catalog.lower(u.username) OPERATOR(pg_catalog.=) $1"
					   " OR pg_catalog.lower(u.email) OPERATOR(pg_catalog.=) $1"
					   " LIMIT 2", 1, &type);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, &name, NULL, GetLatestSnapshot(),
							 InvalidSnapshot, true, false, 2) < 0)
		elog(ERROR, "could not look an account up");
	found = SPI_processed == 1;
	if (found)
	{
		bool		isnull;
		Datum		id = SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull);

		*user = *DatumGetUUIDP(id);
	}
	SPI_finish();
	return found;
}

/* Read what is known of the account; all zero if there is none. */
static void
read_account(const pg_uuid_t *user, Account *account)
{
	static const CasnetTable tables[] = {CASNET_USERS,
	CASNET_PASSWORD_HASHES, CASNET_TOKEN_CUTOFFS};
	CasnetReading reading;
	Snapshot	snapshot = casnet_reading_begin(&reading, lengthof(tables),
												tables);
	char	   *mark = NULL;
	char	   *email;

	memset(account, 0, sizeof(Account));
	if (casnet_account_find(user, snapshot, &account->active, &mark, &email))
	{
		casnet_secret_find(user, snapshot, &account->hash);
		if (mark == NULL)
			account->hash.hash = NULL;
		account->generation = casnet_revocation_generation(user, snapshot);
	}
	casnet_reading_end(&reading);
}

/* The password in an argument; an empty one for NULL. */
static text *
password_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? cstring_to_text("") :
		PG_GETARG_TEXT_PP(argument);
}

/*
 * Whether the password is that of the account.  Otherwise counts a failure, and takes the
 * same time for each reason.  The caller has waited for former failures; may_try says
 * whether it is allowed to try.  No cancel request is obeyed between the verification and
 * the count.  Sets *outdated if a new hash of the password should replace the old one.
 */
static bool
password_matches(text *password, const Account *account, bool may_try,
				 Datum counted, TimestampTz started, bool *outdated)
{
	*outdated = false;
	if (may_try && VARSIZE_ANY_EXHDR(password) <= MAX_PASSWORD &&
		casnet_password_verify(password, account->hash.hash, outdated) &&
		account->active)
	{
		(void) DirectFunctionCall1(casnet_login_succeeded, counted);
		return true;
	}
	(void) DirectFunctionCall2(casnet_login_failed, counted,
							   TimestampTzGetDatum(started));
	CHECK_FOR_INTERRUPTS();
	return false;
}

/* Replace an outdated hash of the password, unless somebody else is changing it. */
static void
renew_hash(const pg_uuid_t *user, const Account *account, text *password)
{
	char	   *hash;

	if (XactReadOnly || VARSIZE_ANY_EXHDR(password) < MIN_PASSWORD ||
		!casnet_secret_lock(user, 0))
		return;
	hash = casnet_password_hash(password);
	(void) casnet_secret_replace(user, &account->hash, hash);
	explicit_bzero(hash, strlen(hash));
}

/*
 * casnet.login(username text, password text, tenant_id uuid, lifetime interval)
 * returns text
 *
 * A token for whoever knows the password of the account with that username or email
 * address.  Raises 28P01 after the same work, whatever the reason.
 */
Datum
casnet_login(PG_FUNCTION_ARGS)
{
	TimestampTz started = GetCurrentTimestamp();
	Datum		name = fold(fcinfo, 0);
	text	   *password = password_argument(fcinfo, 1);
	int			level = begin_quiet();
	pg_uuid_t	user;
	bool		is_known;
	bool		may_try;
	bool		outdated;
	Account		account;
	text	   *token;

	memset(&user, 0, sizeof(user));
	memset(&account, 0, sizeof(account));
	is_known = find_by_name(name, &user);

	/* By the given name: nobody must find out that two names belong to one account. */
	may_try = DatumGetBool(DirectFunctionCall1(casnet_login_wait, name));

	/* One snapshot for the password and for what would end a token made with it. */
	if (is_known)
		read_account(&user, &account);
	if (!password_matches(password, &account, may_try, name, started,
						  &outdated))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PASSWORD),
				 errmsg("login failed"),
				 errhint("Check the username and the password; after several failures, wait a while.")));

	if (outdated)
		renew_hash(&user, &account, password);
	token = casnet_signing_issue(&user,
								 PG_ARGISNULL(2) ? NULL : PG_GETARG_UUID_P(2),
								 PG_ARGISNULL(3) ? NULL : PG_GETARG_INTERVAL_P(3),
								 account.generation);
	end_quiet(level);
	PG_RETURN_TEXT_P(token);
}

/*
 * casnet.refresh_token(lifetime interval) returns text
 *
 * A new token for the user of the session's token, with the active tenant.  Raises 28000
 * when the session has no valid token, or one of another issuer.
 */
Datum
casnet_refresh_token(PG_FUNCTION_ARGS)
{
	static const CasnetTable tables[] = {CASNET_SIGNING_KEYS,
	CASNET_REVOKED_TOKENS, CASNET_TOKEN_CUTOFFS};
	CasnetReading reading;
	const pg_uuid_t *tenant;
	const char *problem;
	pg_uuid_t	user;
	int64		generation;
	bool		own;

	AcceptInvalidationMessages();
	user = casnet_membership_require_user()->key.user;
	if (!casnet_token_is_set())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("the session has no token"),
				 errhint("Get one with casnet.login() and set it with casnet.sign_in().")));

	/* One snapshot for the old token and for what would end the new one. */
	(void) casnet_reading_begin(&reading, lengthof(tables), tables);
	problem = casnet_token_judge(reading.snapshot, &own);
	generation = casnet_revocation_generation(&user, reading.snapshot);
	casnet_reading_end(&reading);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("invalid session token"),
				 errdetail_internal("%s", problem),
				 errhint("Get a new token with casnet.login() and set it with casnet.sign_in().")));
	if (!own)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("the session token is from another issuer"),
				 errhint("Get a new one from that issuer.")));
	tenant = casnet_session_tenant();
	PG_RETURN_TEXT_P(casnet_signing_issue(&user, tenant,
										  PG_ARGISNULL(0) ? NULL :
										  PG_GETARG_INTERVAL_P(0),
										  generation));
}

/* Raises 28P01: the password is a different one, perhaps only since a moment ago. */
static void
refuse_old_password(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PASSWORD),
			 errmsg("the old password is wrong"),
			 errhint("Give the present password; an administrator can set a new one.")));
}

/*
 * casnet.change_password(old text, new text) returns void
 *
 * Changes the user's own password, and ends all tokens but the session's.  The row of the
 * account stays as it is.  Waits at most two seconds for an open change by another session.
 * Raises 28000; 28P01 if the old password is wrong or was replaced meanwhile; 22023 for a
 * bad new one.  COMMIT raises 28000 if the token was ended, 40001 if the password was
 * changed meanwhile.
 */
Datum
casnet_change_password(PG_FUNCTION_ARGS)
{
	TimestampTz started = GetCurrentTimestamp();
	pg_uuid_t	user;
	Account		account;
	Datum		counted;
	bool		may_try;
	bool		outdated;
	char	   *hash;

	AcceptInvalidationMessages();
	user = casnet_membership_require_user()->key.user;
	counted = CStringGetTextDatum(casnet_uuid_format(&user));
	may_try = DatumGetBool(DirectFunctionCall1(casnet_login_wait, counted));
	(void) casnet_secret_lock(&user, PATIENCE_MS);
	read_account(&user, &account);
	if (!password_matches(password_argument(fcinfo, 0), &account, may_try,
						  counted, started, &outdated))
		refuse_old_password();
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the new password is null"),
				 errhint("A password has 8 to 1024 bytes.")));

	/* Must not replace one that an administrator has set since we looked. */
	hash = casnet_password_hash(PG_GETARG_TEXT_PP(1));
	if (!casnet_secret_replace(&user, &account.hash, hash))
		refuse_old_password();
	explicit_bzero(hash, strlen(hash));
	casnet_judged_remember_token();
	casnet_revocation_end_all(&user, casnet_token_digest());
	PG_RETURN_VOID();
}

/*
 * casnet.revoke_token() returns void
 *
 * Ends the token of this session.  Raises 28000 when it has no valid one.
 */
Datum
casnet_revoke_token(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user;
	bytea	   *digest;

	AcceptInvalidationMessages();
	user = casnet_membership_require_user()->key.user;
	digest = casnet_token_digest();
	if (digest == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("the session has no token"),
				 errhint("Set the token to be revoked with casnet.sign_in() first.")));

	casnet_revocation_add(digest, &user, casnet_token_expiry());
	PG_RETURN_VOID();
}
