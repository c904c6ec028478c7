/*
 * user.c
 *		What the row of an account says.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "casnet.h"

/*
 * Whether the account exists.  If so, sets *active, *mark (what hashed_password holds, or
 * NULL) and *email.
 */
bool
casnet_user_find(const pg_uuid_t *user, Snapshot snapshot, bool *active,
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

/* The address of an account at this moment, or NULL. */
char *
casnet_user_address(const pg_uuid_t *user)
{
	CasnetTable users = CASNET_USERS;
	CasnetReading reading;
	bool		active;
	char	   *mark;
	char	   *email = NULL;

	(void) casnet_user_find(user, casnet_reading_begin(&reading, 1, &users),
							&active, &mark, &email);
	casnet_reading_end(&reading);
	return email;
}
