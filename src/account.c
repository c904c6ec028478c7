/*
 * account.c
 *		Accounts, and who manages them.
 *
 * One function each for administrators, who act by their database role, and for
 * superusers of the application, who are judged by the verdict.  Both read the present
 * state, whatever the transaction's snapshot is.  A client's password is an argument of
 * these functions and of nothing else; neither it nor its hash is ever a value of SQL.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_keep_one_namespace);
PG_FUNCTION_INFO_V1(casnet_is_application_superuser);
PG_FUNCTION_INFO_V1(casnet_revoke_all_tokens);
PG_FUNCTION_INFO_V1(casnet_set_password);
PG_FUNCTION_INFO_V1(casnet_create_user);
PG_FUNCTION_INFO_V1(casnet_free_account);

/*
 * Whether the account exists.  If so, sets *active, *mark (what hashed_password holds, or
 * NULL) and *email.
 */
bool
casnet_account_find(const pg_uuid_t *user, Snapshot snapshot, bool *active,
					char **mark, char **email)
{
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, CASNET_USER_BY_ID, snapshot, UUIDPGetDatum(user),
					  (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;
		Datum		value;

		value = casnet_scan_value(&scan, tuple, USERS_IS_ACTIVE, &isnull);
		*active = !isnull && DatumGetBool(value);
		value = casnet_scan_value(&scan, tuple, USERS_HASHED_PASSWORD, &isnull);
		*mark = isnull ? NULL : TextDatumGetCString(value);
		value = casnet_scan_value(&scan, tuple, USERS_EMAIL, &isnull);
		*email = isnull ? NULL : TextDatumGetCString(value);
	}
	casnet_scan_end(&scan);
	return tuple != NULL;
}

/*
 * Raises 23505 if the other column of another account holds the name: usernames and email
 * addresses are one namespace.
 */
static void
require_free(Relation users, const pg_uuid_t *self, const char *name,
			 const char *other_column)
{
	Oid			types[] = {TEXTOID, UUIDOID};
	Datum		values[] = {CStringGetTextDatum(name), UUIDPGetDatum(self)};
	CasnetOwnerSwitch former;
	SPIPlanPtr	plan;
	bool		is_taken;

	SPI_connect();
	casnet_owner_enter(&former, users->rd_rel->relowner);
	casnet_owner_expect(RelationGetRelid(users));
	plan = SPI_prepare(psprintf("SELECT FROM casnet.users AS u WHERE pg_catalog.lower(u.%s)"
								" OPERATOR(pg_catalog.=) pg_catalog.lower($1)"
								" AND u.id OPERATOR(pg_catalog.<>) $2",
								other_column), lengthof(types), types);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
							 InvalidSnapshot, true, false, 1) < 0)
		elog(ERROR, "could not look a name up");
	is_taken = SPI_processed > 0;
	casnet_owner_leave(&former);
	SPI_finish();
	if (is_taken)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("another account has \"%s\" as its %s", name,
						other_column),
				 errhint("Usernames and email addresses are one namespace, since either signs in; choose another one."),
				 errtable(users)));
}

/*
 * casnet_internal.keep_one_namespace() returns trigger
 *
 * AFTER INSERT OR UPDATE FOR EACH ROW on users: raises 23505 if the username is another
 * account's email address, or the other way round.  (Two concurrent transactions can
 * still do that.  Then neither can sign in with the name, and doctor() reports it.)
 */
Datum
casnet_keep_one_namespace(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "keep_one_namespace",
											  false);
	Relation	users = trigger->tg_relation;
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple	row = is_update ? trigger->tg_newtuple : trigger->tg_trigtuple;
	pg_uuid_t	id;
	char	   *username = casnet_trigger_text(users, row, "username");
	char	   *email = casnet_trigger_text(users, row, "email");

	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		!casnet_trigger_uuid(users, row, "id", &id))
		return PointerGetDatum(NULL);
	/* A token that ends before the COMMIT must not have changed an account. */
	casnet_judged_remember_token();
	/* See the other rows of this command, too. */
	CommandCounterIncrement();
	if (!is_update ||
		strcmp(username, casnet_trigger_text(users, trigger->tg_trigtuple,
											 "username")) != 0)
		require_free(users, &id, username, "email");
	if (!is_update ||
		strcmp(email, casnet_trigger_text(users, trigger->tg_trigtuple,
										  "email")) != 0)
		require_free(users, &id, email, "username");
	return PointerGetDatum(NULL);
}

/*
 * Whether the account is active and a superuser of the application, by what others have
 * committed.
 */
static bool
is_left(const pg_uuid_t *user)
{
	CasnetVerdict verdict;

	casnet_membership_of_others(user, NULL, &verdict);
	return verdict.user_active && verdict.superuser;
}

/* CasnetJudgement: raises 42501 if it is not any more. */
static void
judge_again(const void *user)
{
	if (!is_left(user))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the right to manage accounts was lost before the transaction ended"),
				 errhint("The transaction is undone. Somebody who still has the right can repeat it.")));
}

/*
 * Whether the session's user is a superuser of the application, now and when the
 * transaction ends.  Raises 28000 if nobody is signed in who exists and is active.
 */
static bool
is_superuser(void)
{
	const CasnetVerdict *verdict;
	pg_uuid_t	user;

	AcceptInvalidationMessages();
	verdict = casnet_membership_require_user();
	if (!verdict->superuser)
		return false;
	user = verdict->key.user;
	if (casnet_judged_knows(judge_again, &user, sizeof(user)))
		return true;
	if (is_left(&user))
	{
		casnet_judged_remember(judge_again, &user, sizeof(user), false);
		return true;
	}
	casnet_judged_remember_token();
	/* Either this transaction made the user a superuser, or others have just revoked it. */
	AcceptInvalidationMessages();
	return casnet_membership_require_user()->superuser;
}

/*
 * casnet_internal.is_application_superuser() returns boolean
 *
 * Whether the session's user is a superuser of the application, now and when the
 * transaction ends.  Raises 28000 if nobody is signed in who exists and is active.
 */
Datum
casnet_is_application_superuser(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_superuser());
}

/* Raises the error for a session that does not manage the accounts of others. */
static void
refuse(int code)
{
	ereport(ERROR,
			(errcode(code),
			 errmsg("only administrators may manage the accounts of others"),
			 errhint("Call it as a superuser, as a member of casnet_admin, or signed in as a user with is_superuser.")));
}

/* Raises 42501 unless the session's user is a superuser of the application. */
static void
require_superuser(void)
{
	if (!is_superuser())
		refuse(ERRCODE_INSUFFICIENT_PRIVILEGE);
}

/*
 * Raises 42501 unless the current role or the session's user may manage the accounts of
 * others, now and when the transaction ends.  Returns whether it is the role.
 * Raises 28000, with the same message, when nobody is signed in.
 */
bool
casnet_account_require_power(void)
{
	if (casnet_security_is_administrator())
		return true;
	if (casnet_membership_current() == NULL && !casnet_token_is_set())
		refuse(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION);
	require_superuser();
	return false;
}

/* The mark of the account, or NULL.  Raises P0002 if there is no such account. */
static char *
require_account(const pg_uuid_t *user, bool by_role)
{
	CasnetTable users = CASNET_USERS;
	CasnetReading reading;
	bool		active;
	char	   *mark = NULL;
	char	   *email;
	bool		found =
		casnet_account_find(user, casnet_reading_begin(&reading, 1, &users),
							&active, &mark, &email);

	casnet_reading_end(&reading);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no such user"),
				 by_role ?
				 errhint("SELECT id, username FROM casnet.users lists them.") :
				 errhint("Give the id of an account.")));
	return mark;
}

/*
 * Execute a statement that writes users, with a snapshot of this moment.  An
 * administrator's statement runs with the caller's rights, any other with those of the
 * table's owner.  Its parameters contain no secrets.
 */
static void
write_users(const char *statement, int nargs, Oid *types, Datum *values,
			const char *nulls, bool by_role)
{
	Oid			caller;
	int			context;
	SPIPlanPtr	plan;

	GetUserIdAndSecContext(&caller, &context);
	if (!by_role)
	{
		Relation	users = casnet_catalog_open(CASNET_USERS, RowExclusiveLock);

		SetUserIdAndSecContext(users->rd_rel->relowner,
							   context | SECURITY_LOCAL_USERID_CHANGE |
							   CASNET_SECURITY_NO_STRANGER);
		table_close(users, NoLock);
	}
	SPI_connect();
	plan = SPI_prepare(statement, nargs, types);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(),
							 InvalidSnapshot, false, true, 0) < 0)
		elog(ERROR, "could not write an account");
	SPI_finish();
	SetUserIdAndSecContext(caller, context);
}

/*
 * casnet.revoke_all_tokens(user_id uuid) returns void
 *
 * Ends all tokens of a user so far: one's own, or anybody's for those who manage
 * accounts.  Raises 22023, 28000, 42501, P0002.
 */
Datum
casnet_revoke_all_tokens(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *user;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the user is null"),
				 errhint("Give the id of an account, such as casnet.current_user_id().")));
	user = PG_GETARG_UUID_P(0);
	if (casnet_security_is_administrator())
		(void) require_account(user, true);
	else
	{
		AcceptInvalidationMessages();
		if (memcmp(&casnet_membership_require_user()->key.user, user,
				   UUID_LEN) != 0)
		{
			require_superuser();
			(void) require_account(user, false);
		}
		casnet_judged_remember_token();
	}
	casnet_revocation_end_all(user, NULL);
	PG_RETURN_VOID();
}

/*
 * casnet.set_password(user_id uuid, new text) returns void
 *
 * Sets the password of an account and ends its tokens.  Writes the account's row only if
 * that says there is no password.  The user to be stopped can hold a lock on the row, and
 * then has some seconds to release it.  Raises 22023, 28000, 42501, P0002.
 */
Datum
casnet_set_password(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *user;
	bool		by_role;
	char	   *mark;
	char	   *hash;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the user or the new password is null"),
				 errhint("Give the id of an account and a password of 8 to 1024 bytes.")));
	user = PG_GETARG_UUID_P(0);
	by_role = casnet_account_require_power();
	mark = require_account(user, by_role);
	hash = casnet_password_hash(PG_GETARG_TEXT_PP(1));
	if (mark != NULL && casnet_secret_is_mark(mark))
	{
		casnet_secret_set(user, hash, false);
		casnet_revocation_end_all(user, NULL);
	}
	else
	{
		Oid			types[] = {TEXTOID, UUIDOID};
		Datum		values[] = {CStringGetTextDatum(casnet_secret_mark(hash)),
		UUIDPGetDatum(user)};

		/* The triggers do the rest. */
		casnet_release_account(user);
		write_users("UPDATE casnet.users AS u SET hashed_password = $1"
					" WHERE u.id OPERATOR(pg_catalog.=) $2",
					2, types, values, NULL, by_role);
	}
	explicit_bzero(hash, strlen(hash));
	PG_RETURN_VOID();
}

/* Whether the name is NULL or has no visible character. */
static bool
is_blank(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ||
		casnet_name_is_blank(PG_GETARG_TEXT_PP(argument));
}

/*
 * casnet.create_user(username text, email text, password text, full_name text,
 * is_superuser boolean) returns uuid
 *
 * Makes an account; a NULL password makes one without a password.  Raises 22023, 28000,
 * 42501, 23505.
 */
Datum
casnet_create_user(PG_FUNCTION_ARGS)
{
	Oid			types[] = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID};
	Datum		values[lengthof(types)] = {0};
	char		nulls[lengthof(types) + 1] = "      ";
	pg_uuid_t  *created = palloc(sizeof(pg_uuid_t));
	bool		by_role;

	if (is_blank(fcinfo, 0) || is_blank(fcinfo, 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the username or the email address is blank"),
				 errhint("Give both; each must be unique, whatever its case.")));
	by_role = casnet_account_require_power();

	casnet_uuid_make(created, false);
	values[0] = UUIDPGetDatum(created);
	values[1] = PG_GETARG_DATUM(0);
	values[2] = PG_GETARG_DATUM(1);
	if (PG_ARGISNULL(2))
		nulls[3] = 'n';
	else
	{
		char	   *hash = casnet_password_hash(PG_GETARG_TEXT_PP(2));

		values[3] = CStringGetTextDatum(casnet_secret_mark(hash));
		explicit_bzero(hash, strlen(hash));
	}
	if (PG_ARGISNULL(3))
		nulls[4] = 'n';
	else
		values[4] = PG_GETARG_DATUM(3);
	values[5] = BoolGetDatum(!PG_ARGISNULL(4) && PG_GETARG_BOOL(4));
	write_users("INSERT INTO casnet.users"
				" (id, username, email, hashed_password, full_name, is_superuser)"
				" VALUES ($1, $2, $3, $4, $5, $6)",
				lengthof(types), types, values, nulls, by_role);
	PG_RETURN_UUID_P(created);
}

/*
 * casnet_internal.free_account(user_id uuid) returns void
 *
 * Makes sure that nobody else holds the account, as free_membership() does for a
 * membership; internal.  Raises 42501 unless the caller is an administrator or a
 * superuser of the application.
 */
Datum
casnet_free_account(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user = *PG_GETARG_UUID_P(0);

	(void) casnet_account_require_power();
	casnet_release_account(&user);
	PG_RETURN_VOID();
}
