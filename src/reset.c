/*
 * reset.c
 *		A new password for whoever has lost the old one.
 *
 * A backend that can send mail gets a code for an account, and sends it to the address of
 * the account.  Whoever sends the code back reads mail there, and sets a password.  A role
 * that is trusted to name the user of its session may get codes, since it may act as any
 * user anyway; so may those who set the passwords of others.  An application role may not:
 * it would see the code.
 *
 * The reset is the user's own change of password.  So an administrator's change takes
 * precedence over one that is still open (secret.c), and refuses it at COMMIT.
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "casnet.h"

/* How long a reset waits for another change of the same password. */
#define PATIENCE_MS 2000

PG_FUNCTION_INFO_V1(casnet_password_code);
PG_FUNCTION_INFO_V1(casnet_reset_password);

/* A user that does not exist, the same one for each name: a UUID of version 8. */
static void
make_nobody(Datum name, pg_uuid_t *user)
{
	text	   *string = DatumGetTextPP(name);

	*user = casnet_uuid_of_digest(VARDATA_ANY(casnet_digest(VARDATA_ANY(string),
															VARSIZE_ANY_EXHDR(string))));
}

/*
 * Find the account with that name or address, and its state (user_code.c).  Returns whether
 * it is an active one; if not, *user is nobody.
 */
static bool
find_active(Datum name, pg_uuid_t *user, bytea **account)
{
	Relation	users = casnet_catalog_open(CASNET_USERS, AccessShareLock);
	Oid			caller;
	int			context;
	bool		active = false;

	GetUserIdAndSecContext(&caller, &context);
	SetUserIdAndSecContext(users->rd_rel->relowner,
						   context | SECURITY_LOCAL_USERID_CHANGE |
						   CASNET_SECURITY_NO_STRANGER);
	if (!casnet_login_find_by_name(name, user))
		make_nobody(name, user);
	*account = casnet_user_code_state(user, &active);
	if (!active)
		make_nobody(name, user);
	SetUserIdAndSecContext(caller, context);
	table_close(users, NoLock);
	return active;
}

/* Raises the error for a session that gets no code. */
static void
refuse_code(int code)
{
	ereport(ERROR,
			(errcode(code),
			 errmsg("only trusted backends and administrators get codes for a new password"),
			 errhint("Call it as a member of casnet_authenticator or casnet_admin, or signed in as a user with is_superuser, and send the code to the address of the account.")));
}

/* Raises 42501 for a session that gets no code; 28000 if nobody is signed in either. */
static void
require_sender(void)
{
	if (casnet_security_is_backend() || casnet_security_is_administrator())
		return;
	if (casnet_membership_current() == NULL && !casnet_token_is_set())
		refuse_code(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION);
	if (!casnet_account_is_superuser())
		refuse_code(ERRCODE_INSUFFICIENT_PRIVILEGE);
}

/*
 * casnet.password_code(username text, lifetime interval) returns text
 *
 * A code that sets a password for the account with that name or address, once; NULL if there
 * is no such active account.  An earlier code ends.  For a name without an account, it
 * stores a code that nobody gets: everybody sees how many rows are written.  Raises 22023,
 * 28000, 42501.
 */
Datum
casnet_password_code(PG_FUNCTION_ARGS)
{
	Datum		name;
	TimestampTz expires_at;
	pg_uuid_t	user;
	bytea	   *account;
	bool		found;
	text	   *code;
	int			level;

	require_sender();
	name = casnet_login_name_argument(fcinfo, 0);
	expires_at = casnet_code_end_argument(fcinfo, 1);
	AcceptInvalidationMessages();
	level = casnet_catalog_begin_quiet();
	found = find_active(name, &user, &account);
	casnet_catalog_end_quiet(level);
	/* As wide for everybody, since the server shows how much is written. */
	code = casnet_user_code_make(&user, "password", "-", account, expires_at);
	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(code);
}

/*
 * casnet.reset_password(code text, new text) returns void
 *
 * Sets the password of the account that the code is for, signed in or not, and ends all
 * its tokens and codes.  A second caller waits for the first, and then finds nothing.
 * Raises P0002 for any code that is not valid, 22023; COMMIT raises P0002 if the code has
 * ended, 40001 if the password was changed meanwhile.
 */
Datum
casnet_reset_password(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user;
	char	   *email;
	char	   *hash;

	AcceptInvalidationMessages();
	casnet_user_code_take(casnet_code_digest_argument(fcinfo, 0), "password",
						  NULL, &user, &email);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the new password is null"),
				 errhint("A password has 8 to 1024 bytes.")));
	hash = casnet_password_hash(PG_GETARG_TEXT_PP(1));
	(void) casnet_secret_lock(&user, PATIENCE_MS);
	if (!casnet_account_replace_password(&user, hash))
		casnet_user_code_refuse();
	explicit_bzero(hash, strlen(hash));
	PG_RETURN_VOID();
}
