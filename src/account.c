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
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "casnet.h"

/* How long to wait for somebody who takes the same name, in milliseconds. */
#define PATIENCE_MS 2000

/* Bytes of a username that the table takes. */
#define MOST_NAME 2000

PG_FUNCTION_INFO_V1(casnet_keep_one_namespace);
PG_FUNCTION_INFO_V1(casnet_is_application_superuser);
PG_FUNCTION_INFO_V1(casnet_revoke_all_tokens);
PG_FUNCTION_INFO_V1(casnet_set_password);
PG_FUNCTION_INFO_V1(casnet_create_user);
PG_FUNCTION_INFO_V1(casnet_delete_user);
PG_FUNCTION_INFO_V1(casnet_free_account);

/* Whether that column of another account holds the name, whatever its case. */
static bool
is_held(Relation users, const pg_uuid_t *self, const char *name,
		const char *column)
{
	Oid			types[] = {TEXTOID, UUIDOID};
	Datum		values[] = {CStringGetTextDatum(name), UUIDPGetDatum(self)};
	CasnetOwnerSwitch former;
	SPIPlanPtr	plan;
	bool		found;

	SPI_connect();
	casnet_owner_enter(&former, users->rd_rel->relowner);
	casnet_owner_expect(RelationGetRelid(users));
	plan = SPI_prepare(psprintf("SELECT FROM casnet.users AS u WHERE pg_catalog.lower(u.%s)"
								" OPERATOR(pg_catalog.=) pg_catalog.lower($1)"
								" AND u.id OPERATOR(pg_catalog.<>) $2",
								column), lengthof(types), types);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
							 InvalidSnapshot, true, false, 1) < 0)
		elog(ERROR, "could not look a name up");
	found = SPI_processed > 0;
	casnet_owner_leave(&former);
	SPI_finish();
	return found;
}

/*
 * Raises 23505 if the other column of another account holds the name: usernames and email
 * addresses are one namespace.
 */
static void
require_free(Relation users, const pg_uuid_t *self, const char *name,
			 const char *other_column)
{
	if (is_held(users, self, name, other_column))
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
	if (!casnet_security_is_administrator())
		casnet_membership_refuse_narrowed();
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
bool
casnet_account_is_superuser(void)
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
	PG_RETURN_BOOL(casnet_account_is_superuser());
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
	if (!casnet_account_is_superuser())
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
char *
casnet_account_require(const pg_uuid_t *user, bool by_role)
{
	CasnetTable users = CASNET_USERS;
	CasnetReading reading;
	bool		active;
	char	   *mark = NULL;
	char	   *email;
	bool		found =
		casnet_user_find(user, casnet_reading_begin(&reading, 1, &users),
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
 * Execute a statement that writes users, with a snapshot of this moment; returns the number
 * of rows.  An administrator's statement runs with the caller's rights, any other with those
 * of the table's owner.  Its parameters contain no secrets.
 */
uint64
casnet_account_write(const char *statement, int nargs, Oid *types,
					 Datum *values, const char *nulls, bool by_role)
{
	Oid			caller;
	int			context;
	SPIPlanPtr	plan;
	uint64		rows;

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
	rows = SPI_processed;
	SPI_finish();
	SetUserIdAndSecContext(caller, context);
	return rows;
}

/*
 * From now on, no statement of this session waits long for a lock.  Returns a level of
 * settings, at which AtEOXact_GUC() ends that.
 */
int
casnet_account_limit_waiting(void)
{
	int			level = NewGUCNestLevel();

	if (LockTimeout == 0 || LockTimeout > PATIENCE_MS)
		(void) set_config_option("lock_timeout", psprintf("%d", PATIENCE_MS),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
	return level;
}

/*
 * The same as casnet_account_write() for a statement that writes names.  Others can hold a
 * name in an open transaction, and have to end for nobody.  Raises 55P03 if one holds it for
 * long.
 */
uint64
casnet_account_write_names(const char *statement, int nargs, Oid *types,
						   Datum *values, const char *nulls, bool by_role)
{
	MemoryContext context = CurrentMemoryContext;
	int			level = casnet_account_limit_waiting();
	uint64		rows = 0;

	PG_TRY();
	{
		rows = casnet_account_write(statement, nargs, types, values, nulls,
									by_role);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (geterrcode() != ERRCODE_LOCK_NOT_AVAILABLE)
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("another session is taking the name or the address, or is changing the account"),
				 errhint("Try again when it has ended, or choose another name.")));
	}
	PG_END_TRY();
	AtEOXact_GUC(true, level);
	return rows;
}

/* Write the hash of an account that has none.  The triggers do the rest. */
static void
set_first_password(const pg_uuid_t *user, const char *hash, bool by_role)
{
	Oid			types[] = {TEXTOID, UUIDOID};
	Datum		values[] = {CStringGetTextDatum(casnet_secret_mark(hash)),
	UUIDPGetDatum(user)};

	(void) casnet_account_write("UPDATE casnet.users AS u SET hashed_password = $1"
								" WHERE u.id OPERATOR(pg_catalog.=) $2",
								lengthof(types), types, values, NULL, by_role);
}

/*
 * Replace the password of an account, for its user; false if somebody else has just replaced
 * it.  Ends all tokens and codes.  An account without a password gets one, which waits for
 * whoever holds its row.
 */
bool
casnet_account_replace_password(const pg_uuid_t *user, const char *hash)
{
	static const CasnetTable tables[] = {CASNET_USERS, CASNET_PASSWORD_HASHES};
	CasnetReading reading;
	Snapshot	snapshot = casnet_reading_begin(&reading, lengthof(tables),
												tables);
	CasnetHash	present;
	bool		active;
	char	   *mark = NULL;
	char	   *email;

	(void) casnet_user_find(user, snapshot, &active, &mark, &email);
	casnet_secret_find(user, snapshot, &present);
	casnet_reading_end(&reading);
	if (mark == NULL || !casnet_secret_is_mark(mark))
	{
		set_first_password(user, hash, false);
		return true;
	}
	if (!casnet_secret_replace(user, &present, hash))
		return false;
	casnet_revocation_end_all(user, NULL);
	casnet_user_code_end_all(user);
	return true;
}

/*
 * Make an account with that id and address, which is the username, too.  The caller has
 * judged who asks.  Raises 23505 if the address signs in to another account.
 */
void
casnet_account_make(const pg_uuid_t *id, const char *email,
					const char *full_name)
{
	Oid			types[] = {UUIDOID, TEXTOID, TEXTOID};
	Datum		values[] = {UUIDPGetDatum(id), CStringGetTextDatum(email),
	full_name == NULL ? (Datum) 0 : CStringGetTextDatum(full_name)};
	Relation	users = casnet_catalog_open(CASNET_USERS, RowExclusiveLock);
	char	   *form = text_to_cstring(casnet_name_compared(cstring_to_text(email)));

	if (is_held(users, id, form, "email") ||
		is_held(users, id, form, "username"))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("an account with the address of this token exists already"),
				 errhint("Sign in to that account and link it with casnet.link_identity(), or ask an administrator to do so.")));
	table_close(users, NoLock);
	(void) casnet_account_write_names("INSERT INTO casnet.users (id, username, email, full_name)"
								" VALUES ($1, $2, $2, $3)",
								lengthof(types), types, values,
								full_name == NULL ? "  n" : NULL, false);
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
		(void) casnet_account_require(user, true);
	else
	{
		AcceptInvalidationMessages();
		if (memcmp(casnet_membership_require_whole(), user, UUID_LEN) != 0)
		{
			require_superuser();
			(void) casnet_account_require(user, false);
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
	mark = casnet_account_require(user, by_role);
	hash = casnet_password_hash(PG_GETARG_TEXT_PP(1));
	if (mark != NULL && casnet_secret_is_mark(mark))
	{
		casnet_secret_set(user, hash, false);
		casnet_revocation_end_all(user, NULL);
		casnet_user_code_end_all(user);
	}
	else
	{
		casnet_release_account(user, false);
		set_first_password(user, hash, by_role);
	}
	explicit_bzero(hash, strlen(hash));
	PG_RETURN_VOID();
}

/*
 * Raises 23505 if that column of another account, username or email, holds the name.  An
 * unfinished change elsewhere meets the index.
 */
void
casnet_account_require_unused(const pg_uuid_t *user, const char *name,
							  const char *column)
{
	Relation	users = casnet_catalog_open(CASNET_USERS, AccessShareLock);

	if (is_held(users, user, name, column))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("another account has this %s", column),
				 errhint("Choose another one; no two accounts have the same, whatever its case."),
				 errtableconstraint(users, psprintf("users_%s_lower_key", column))));
	table_close(users, NoLock);
}

/*
 * The username that somebody chooses, who has that address.  Raises 22001 if it is too long,
 * 22023 if it is blank, has invisible characters, or looks like the address of somebody else:
 * who has that address could then make no account, and who means them would name this one.
 */
text *
casnet_account_username_argument(FunctionCallInfo fcinfo, int argument,
								 const char *email)
{
	text	   *name = PG_ARGISNULL(argument) ? cstring_to_text("") :
		PG_GETARG_TEXT_PP(argument);

	if (VARSIZE_ANY_EXHDR(name) > MOST_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("the username is too long"),
				 errhint("Choose one of at most %d bytes.", MOST_NAME)));
	if (casnet_name_is_blank(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the username is blank"),
				 errhint("Choose one with visible characters.")));
	if (casnet_name_hides(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the username has invisible characters"),
				 errhint("Choose one that looks like no other, with plain spaces at most.")));
	if (memchr(VARDATA_ANY(name), '@', VARSIZE_ANY_EXHDR(name)) != NULL &&
		strcmp(text_to_cstring(casnet_name_compared(name)),
			   casnet_code_fold(email)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the username looks like the email address of somebody else"),
				 errhint("Choose one without \"@\", or the address of the account.")));
	return name;
}

/*
 * Make an account with that password for somebody who has proved the address.  A full name
 * can be NULL.  Raises 23505 if there is an account with the address, or with the name, 55P03
 * if somebody is taking one of them for long.
 */
void
casnet_account_sign_up(const pg_uuid_t *id, text *username, const char *email,
					   text *password, text *full_name)
{
	Oid			types[] = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	Datum		values[lengthof(types)];
	char	   *hash = casnet_password_hash(password);
	Relation	users = casnet_catalog_open(CASNET_USERS, RowExclusiveLock);
	bool		is_made;

	values[0] = UUIDPGetDatum(id);
	values[1] = PointerGetDatum(username);
	values[2] = CStringGetTextDatum(email);
	values[3] = CStringGetTextDatum(casnet_secret_mark(hash));
	values[4] = PointerGetDatum(full_name);
	explicit_bzero(hash, strlen(hash));
	is_made = casnet_account_write_names("INSERT INTO casnet.users"
										 " (id, username, email, hashed_password, full_name)"
										 " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
										 lengthof(types), types, values,
										 full_name == NULL ? "    n" : NULL, false) > 0;
	if (!is_made && is_held(users, id, email, "email"))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("there is an account with the email address of the invitation"),
				 errhint("Sign in to it, and call casnet.accept_invitation()."),
				 errtableconstraint(users, "users_email_lower_key")));
	if (!is_made)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("the username is taken"),
				 errhint("Choose another one; usernames are unique, whatever their case."),
				 errtableconstraint(users, "users_username_lower_key")));
	table_close(users, NoLock);
}

/*
 * Delete an account, and by cascade its memberships.  A trigger ends its tokens and codes.
 * Raises 23514 for the last owner of a tenant.
 */
void
casnet_account_delete(const pg_uuid_t *user, bool by_role)
{
	Oid			type = UUIDOID;
	Datum		value = UUIDPGetDatum(user);

	(void) casnet_account_write("DELETE FROM casnet.users AS u"
								" WHERE u.id OPERATOR(pg_catalog.=) $1",
								1, &type, &value, NULL, by_role);
}

/*
 * casnet.delete_user(user_id uuid) returns void
 *
 * Deletes an account.  Those who hold it, or what is deleted with it, have some seconds, and
 * then their sessions are ended.  Raises 22023, 28000, 42501, P0002, 23514.
 */
Datum
casnet_delete_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *user;
	bool		by_role;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the user is null"),
				 errhint("Give the id of an account.")));
	user = PG_GETARG_UUID_P(0);
	by_role = casnet_account_require_power();
	(void) casnet_account_require(user, by_role);
	casnet_release_account(user, true);
	casnet_account_delete(user, by_role);
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
 * 42501, 23505; 55P03 if somebody is taking the name or the address for long.
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
	(void) casnet_account_write_names("INSERT INTO casnet.users"
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
	casnet_release_account(&user, false);
	PG_RETURN_VOID();
}
