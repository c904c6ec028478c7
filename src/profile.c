/*
 * profile.c
 *		The name and the address of one's own account.
 *
 * A name is free for the asking.  An address is what codes are sent to, so nobody gets one
 * without proving it.  A backend that can send mail gets a code for a new address, for the
 * user of its session, and sends it there.  The same user sends it back.  An application
 * role gets none: its user would see the code, which then would prove nothing.
 *
 * Until the code is back, nobody learns whether another account has the address.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "casnet.h"

/* The most changes of a username in one transaction. */
#define MOST_CHANGES 8

PG_FUNCTION_INFO_V1(casnet_change_username);
PG_FUNCTION_INFO_V1(casnet_email_code);
PG_FUNCTION_INFO_V1(casnet_confirm_email);

/*
 * Count a change of a username.  Raises 55000 if this transaction has made many: it holds all
 * these names until it ends, and nobody may keep many from others.
 */
static void
count_change(void)
{
	static TimestampTz counted_in = 0;
	static int	changes = 0;

	if (counted_in != GetCurrentTransactionStartTimestamp())
		changes = 0;
	counted_in = GetCurrentTransactionStartTimestamp();
	if (++changes > MOST_CHANGES)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the transaction has changed usernames %d times",
						MOST_CHANGES),
				 errhint("Commit it before you change another one.")));
}

/*
 * casnet.change_username(new text) returns void
 *
 * Gives the session's user another username.  Raises 28000; 22001 if it is too long, 22023
 * if it is blank or looks like somebody else's address, 23505 if it is taken, 55P03 if
 * somebody is taking it for long, 55000 after many changes in one transaction.  COMMIT raises
 * 28000 if the token has ended.
 */
Datum
casnet_change_username(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, UUIDOID};
	Datum		values[lengthof(types)];
	pg_uuid_t	user;
	char	   *email;
	text	   *name;

	AcceptInvalidationMessages();
	user = *casnet_membership_require_whole();
	email = casnet_user_address(&user);
	name = casnet_account_username_argument(fcinfo, 0, email == NULL ? "" : email);
	casnet_account_require_unused(&user,
								  text_to_cstring(casnet_name_compared(name)),
								  "username");
	count_change();
	values[0] = PointerGetDatum(name);
	values[1] = UUIDPGetDatum(&user);
	(void) casnet_account_write_names("UPDATE casnet.users AS u SET username = $1"
								" WHERE u.id OPERATOR(pg_catalog.=) $2",
								lengthof(types), types, values, NULL, false);
	PG_RETURN_VOID();
}

/*
 * casnet.email_code(new_email text, lifetime interval) returns text
 *
 * A code that proves an address for the session's user, to be sent there.  An earlier one
 * ends.  Raises 42501 for a role that is not trusted with it, 28000, 22023.
 */
Datum
casnet_email_code(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user;
	Datum		email;
	TimestampTz expires_at;
	bool		active;

	if (!casnet_security_is_backend() && !casnet_security_is_administrator())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only a trusted backend gets codes that prove an address"),
				 errhint("Call it as a member of casnet_authenticator, and send the code to the address.")));
	AcceptInvalidationMessages();
	user = *casnet_membership_require_whole();
	email = casnet_code_email_argument(fcinfo, 0);
	expires_at = casnet_code_end_argument(fcinfo, 1);
	casnet_judged_remember_token();
	PG_RETURN_TEXT_P(casnet_user_code_make(&user, "email",
										   TextDatumGetCString(email),
										   casnet_user_code_state(&user, &active),
										   expires_at));
}

/*
 * casnet.confirm_email(code text) returns void
 *
 * Gives the session's user the address that the code proves.  A username that was the former
 * address follows.  The triggers end what was sent to that.  Raises 28000; P0002 for any
 * code that is not valid for this user; 23505 if another account has the address, 55P03 if
 * somebody is taking it for long.
 */
Datum
casnet_confirm_email(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, UUIDOID};
	Datum		values[lengthof(types)];
	pg_uuid_t	holder;
	pg_uuid_t	user;
	char	   *email;

	AcceptInvalidationMessages();
	holder = *casnet_membership_require_whole();
	casnet_user_code_take(casnet_code_digest_argument(fcinfo, 0), "email",
						  &holder, &user, &email);
	casnet_account_require_unused(&user, email, "email");
	values[0] = CStringGetTextDatum(email);
	values[1] = UUIDPGetDatum(&user);
	(void) casnet_account_write_names("UPDATE casnet.users AS u SET email = $1, username ="
								" CASE WHEN pg_catalog.lower(u.username) OPERATOR(pg_catalog.=)"
								" pg_catalog.lower(u.email) THEN $1 ELSE u.username END"
								" WHERE u.id OPERATOR(pg_catalog.=) $2",
								lengthof(types), types, values, NULL, false);
	PG_RETURN_VOID();
}
