/*
 * login.c
 *		What users do with their own account: log in, renew a token, change the password,
 *		delete it.
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
#include "funcapi.h"
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

PG_FUNCTION_INFO_V1(casnet_find_user);
PG_FUNCTION_INFO_V1(casnet_login);
PG_FUNCTION_INFO_V1(casnet_refresh_token);
PG_FUNCTION_INFO_V1(casnet_change_password);
PG_FUNCTION_INFO_V1(casnet_delete_account);
PG_FUNCTION_INFO_V1(casnet_revoke_token);

/* The name in the form in which names are compared; an empty one for NULL. */
Datum
casnet_login_name_argument(FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
		return CStringGetTextDatum("");
	return PointerGetDatum(casnet_name_compared(PG_GETARG_TEXT_PP(argument)));
}

/*
 * Find the account with that username or email address, as of now.  Finds none if there
 * are two, which is possible for accounts from before both shared one namespace.  Reads
 * users as the current role.
 */
bool
casnet_login_find_by_name(Datum name, pg_uuid_t *user)
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

/* Raises P0002. */
static void
refuse_user(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("there is no such user"),
			 errhint("Give the username or the email address of an account.")));
}

/*
 * casnet.find_user(name text) returns (user_id, username, email, full_name, is_active)
 *
 * The account with that username or email address, for roles that may name any user.  The
 * server's statistics do not count it, since every role sees them.  Raises P0002 if there is
 * none, or two.
 */
Datum
casnet_find_user(PG_FUNCTION_ARGS)
{
	int			level = casnet_catalog_begin_quiet();
	Oid			type = UUIDOID;
	pg_uuid_t	user;
	Datum		value;
	TupleDesc	columns;
	Datum		result;
	SPIPlanPtr	plan;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	columns = BlessTupleDesc(columns);
	if (!casnet_login_find_by_name(casnet_login_name_argument(fcinfo, 0), &user))
		refuse_user();
	value = UUIDPGetDatum(&user);
	SPI_connect();
	plan = SPI_prepare("SELECT u.id, u.username, u.email, u.full_name, u.is_active"
					   " FROM casnet.users AS u"
					   " WHERE u.id OPERATOR(pg_catalog.=) $1", 1, &type);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, &value, NULL, GetLatestSnapshot(),
							 InvalidSnapshot, true, false, 1) < 0)
		elog(ERROR, "could not read an account");
	/* Deleted since a moment ago. */
	if (SPI_processed != 1)
		refuse_user();
	result = PointerGetDatum(SPI_returntuple(SPI_tuptable->vals[0], columns));
	SPI_finish();
	casnet_catalog_end_quiet(level);
	PG_RETURN_DATUM(result);
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
	if (casnet_user_find(user, snapshot, &account->active, &mark, &email))
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
 * same time for each reason.  The caller has waited for former failures.  No cancel request
 * is obeyed between the verification and the count.  Sets *outdated if a new hash of the
 * password should replace the old one.
 */
static bool
password_matches(text *password, const Account *account, Datum counted,
				 TimestampTz started, bool *outdated)
{
	*outdated = false;
	/* An older system can have given somebody a hash of nothing. */
	if (VARSIZE_ANY_EXHDR(password) > 0 &&
		VARSIZE_ANY_EXHDR(password) <= MAX_PASSWORD &&
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
	Datum		name = casnet_login_name_argument(fcinfo, 0);
	text	   *password = password_argument(fcinfo, 1);
	int			level = casnet_catalog_begin_quiet();
	pg_uuid_t	user;
	bool		is_known;
	bool		outdated;
	Account		account;
	CasnetIssue issue;
	text	   *token;

	memset(&user, 0, sizeof(user));
	memset(&account, 0, sizeof(account));
	is_known = casnet_login_find_by_name(name, &user);

	/* By the given name: nobody must find out that two names belong to one account. */
	(void) DirectFunctionCall1(casnet_login_wait, name);

	/* One snapshot for the password and for what would end a token made with it. */
	if (is_known)
		read_account(&user, &account);
	if (!password_matches(password, &account, name, started, &outdated))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PASSWORD),
				 errmsg("login failed"),
				 errhint("Check the username and the password; after several failures, wait a while.")));

	casnet_catalog_end_quiet(level);
	if (outdated)
		renew_hash(&user, &account, password);
	token = casnet_signing_issue(&user,
								 PG_ARGISNULL(2) ? NULL : PG_GETARG_UUID_P(2),
								 PG_ARGISNULL(3) ? NULL : PG_GETARG_INTERVAL_P(3),
								 account.generation, 0, NIL, &issue);
	casnet_issued_by_login(&issue);
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
	pg_uuid_t	user;
	int64		generation;
	CasnetIssue issue;
	text	   *token;

	AcceptInvalidationMessages();
	user = *casnet_membership_require_whole();
	if (!casnet_token_is_set())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("the session has no token"),
				 errhint("Get one with casnet.login() and set it with casnet.sign_in().")));

	/* One snapshot for the old token and for what would end the new one. */
	(void) casnet_reading_begin(&reading, lengthof(tables), tables);
	casnet_token_require_own(reading.snapshot);
	generation = casnet_revocation_generation(&user, reading.snapshot);
	casnet_reading_end(&reading);
	tenant = casnet_session_tenant();
	token = casnet_signing_issue(&user, tenant,
								 PG_ARGISNULL(0) ? NULL : PG_GETARG_INTERVAL_P(0),
								 generation,
								 Max(casnet_token_authenticated_at(), 1),
								 NIL, &issue);
	casnet_issued_by_refresh(&issue);
	PG_RETURN_TEXT_P(token);
}

/*
 * Under which name wrong passwords of somebody who is signed in are counted.  It is no name
 * with which anybody logs in, since these have no control characters (name.c): whoever logs
 * in starts the count of that name anew.
 */
static Datum
counted_as(const pg_uuid_t *user)
{
	return CStringGetTextDatum(psprintf("\001%s", casnet_uuid_format(user)));
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
	bool		outdated;
	char	   *hash;

	AcceptInvalidationMessages();
	user = *casnet_membership_require_whole();
	counted = counted_as(&user);
	(void) DirectFunctionCall1(casnet_login_wait, counted);
	(void) casnet_secret_lock(&user, PATIENCE_MS);
	read_account(&user, &account);
	if (!password_matches(password_argument(fcinfo, 0), &account, counted,
						  started, &outdated))
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
	casnet_user_code_end_all(&user);
	PG_RETURN_VOID();
}

/* A password that was given, and is judged again when the transaction ends. */
typedef struct Given
{
	pg_uuid_t	user;
	int64		generation;		/* of the user's tokens, by what others have done */
} Given;

/* CasnetJudgement: raises 40001 if others have changed the password since it was given. */
static void
judge_given_again(const void *what)
{
	const Given *given = what;

	if (given->generation != casnet_revocation_generation_to_others(&given->user))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the password was changed, or all tokens were revoked, before the transaction ended"),
				 errhint("Repeat the transaction with the present password.")));
}

/*
 * Raises 28P01 unless the password is that of the account, whose user is signed in, and 40001
 * at COMMIT if that has changed.  Slows whoever tries, as a login does.
 */
void
casnet_login_require_password(const pg_uuid_t *user, text *password)
{
	TimestampTz started = GetCurrentTimestamp();
	Datum		counted = counted_as(user);
	Account		account;
	bool		outdated;
	Given	   *given = palloc0(sizeof(Given));

	(void) DirectFunctionCall1(casnet_login_wait, counted);
	given->user = *user;
	given->generation = casnet_revocation_generation_to_others(user);
	casnet_judged_remember_alone(judge_given_again, given, sizeof(Given));
	read_account(user, &account);
	if (!password_matches(password == NULL ? cstring_to_text("") : password,
						  &account, counted, started, &outdated))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PASSWORD),
				 errmsg("the password is wrong"),
				 errhint("Give the present password of the account.")));
}

/*
 * casnet.delete_account(password text) returns void
 *
 * Deletes the user's own account, for whoever knows the password; see
 * casnet_account_delete().  Raises 28000; 28P01 for a wrong password, or if there is none;
 * 23514 for the last owner of a tenant.  COMMIT raises 28000 if the token was ended, 40001 if
 * the password was changed.
 */
Datum
casnet_delete_account(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user;

	AcceptInvalidationMessages();
	user = *casnet_membership_require_whole();
	casnet_login_require_password(&user, PG_ARGISNULL(0) ? NULL :
								  PG_GETARG_TEXT_PP(0));
	casnet_judged_remember_token();
	casnet_account_delete(&user, false);
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
