/*
 * user_code.c
 *		Codes for the user of an account: a table that only C reads and writes.
 *
 * A code is for one account and one purpose, such as a new password.  Whoever has it may do
 * that once, in time.  It proves that its holder reads what was sent to an address, so it
 * ends when that stops being a proof: when a newer code for the same purpose is made, when
 * the password or the address changes, and when the account is deactivated or deleted.
 *
 * A code keeps a digest of what it was made for: the generation of the user's tokens
 * (revocation.c) and the address.  So it ends with a change of these, even one that is open
 * while the code is made, and with an account that is made again under the same id.
 *
 * Rows are added and deleted, never updated, and have no key to an account.  A code that
 * ends is deleted.  Somebody could be using it, and so hold the row.  So as not to wait for
 * that, casnet then revokes the code like a token (revocation.c), and the transaction that
 * uses it is refused at COMMIT.  Whoever uses a code waits for somebody who is using or
 * ending the same code.  A rollback makes the code good again, unless it has ended meanwhile.
 *
 * Two transactions can each make a code for the same purpose, since nobody waits.  The newer
 * one counts.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "casnet.h"

/* What a code says. */
typedef struct UserCode
{
	ItemPointerData row;
	bytea	   *digest;
	pg_uuid_t	user;
	char	   *purpose;
	char	   *email;			/* the address that it proves, or "-" */
	bytea	   *account;		/* see casnet_user_code_state() */
	TimestampTz expires_at;
	TimestampTz created_at;
} UserCode;

/* What is judged again when a transaction ends that has used a code. */
typedef struct Used
{
	TimestampTz expires_at;
	pg_uuid_t	user;
	int64		generation;		/* of the user's tokens, by what others have done */
	char		digest[FLEXIBLE_ARRAY_MEMBER];	/* a bytea */
} Used;

/* Read a row into *code. */
static void
read_code(CasnetScan *scan, HeapTuple tuple, UserCode *code)
{
	bool		isnull;

	code->row = tuple->t_self;
	code->digest =
		DatumGetByteaPCopy(casnet_scan_value(scan, tuple, CODES_DIGEST, &isnull));
	code->user =
		*DatumGetUUIDP(casnet_scan_value(scan, tuple, CODES_USER_ID, &isnull));
	code->purpose =
		TextDatumGetCString(casnet_scan_value(scan, tuple, CODES_PURPOSE,
											  &isnull));
	code->email =
		TextDatumGetCString(casnet_scan_value(scan, tuple, CODES_EMAIL, &isnull));
	code->account =
		DatumGetByteaPCopy(casnet_scan_value(scan, tuple, CODES_ACCOUNT, &isnull));
	code->expires_at =
		DatumGetTimestampTz(casnet_scan_value(scan, tuple, CODES_EXPIRES_AT,
											  &isnull));
	code->created_at =
		DatumGetTimestampTz(casnet_scan_value(scan, tuple, CODES_CREATED_AT,
											  &isnull));
}

/* The codes that a path finds at this moment, expired and revoked ones included. */
static List *
find_codes(CasnetPath path, Datum key)
{
	CasnetTable codes = CASNET_CODES;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	List	   *found = NIL;

	casnet_scan_begin(&scan, path, casnet_reading_begin(&reading, 1, &codes),
					  key, (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		UserCode   *code = palloc(sizeof(UserCode));

		CHECK_FOR_INTERRUPTS();
		read_code(&scan, tuple, code);
		found = lappend(found, code);
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return found;
}

/*
 * A digest of what a change of the account ends its codes with: the generation of its tokens
 * and its address, as of now.  Sets *active: whether there is an active account, with an
 * address.
 */
bytea *
casnet_user_code_state(const pg_uuid_t *user, bool *active)
{
	static const CasnetTable tables[] = {CASNET_USERS, CASNET_TOKEN_CUTOFFS};
	CasnetReading reading;
	char	   *mark;
	char	   *email = NULL;
	int64		generation;
	StringInfoData state;

	(void) casnet_reading_begin(&reading, lengthof(tables), tables);
	*active = false;
	(void) casnet_user_find(user, reading.snapshot, active, &mark, &email);
	generation = casnet_revocation_generation(user, reading.snapshot);
	casnet_reading_end(&reading);
	*active = *active && email != NULL;
	initStringInfo(&state);
	appendStringInfo(&state, INT64_FORMAT " %s", generation,
					 email == NULL ? "" : casnet_code_fold(email));
	return casnet_digest(state.data, state.len);
}

/* End the user's codes for that purpose, or for any if it is NULL. */
static void
end_codes(const pg_uuid_t *user, const char *purpose)
{
	int			level = casnet_catalog_begin_quiet();
	List	   *found = find_codes(CASNET_CODES_OF_USER, UUIDPGetDatum(user));
	ListCell   *lc;

	casnet_catalog_end_quiet(level);
	foreach(lc, found)
	{
		UserCode   *code = lfirst(lc);

		if (purpose != NULL && strcmp(code->purpose, purpose) != 0)
			continue;
		if (casnet_row_delete(CASNET_CODES, &code->row, false))
			CommandCounterIncrement();
		else
			casnet_revocation_add(code->digest, &code->user, code->expires_at);
	}
}

/* End all codes of the user. */
void
casnet_user_code_end_all(const pg_uuid_t *user)
{
	end_codes(user, NULL);
}

/*
 * A code for that purpose; email is the address that it proves, in the form in which
 * addresses are compared, or "-", and account what casnet_user_code_state() says.  An earlier
 * one ends.
 */
text *
casnet_user_code_make(const pg_uuid_t *user, const char *purpose,
					  const char *email, const bytea *account,
					  TimestampTz expires_at)
{
	Datum		values[CODES_COLUMNS];
	bool		isnull[CODES_COLUMNS] = {0};
	bytea	   *digest;
	text	   *code = casnet_code_make(&digest);

	values[CODES_DIGEST] = PointerGetDatum(digest);
	values[CODES_USER_ID] = UUIDPGetDatum(user);
	values[CODES_PURPOSE] = CStringGetTextDatum(purpose);
	values[CODES_EMAIL] = CStringGetTextDatum(email);
	values[CODES_ACCOUNT] = PointerGetDatum(account);
	values[CODES_EXPIRES_AT] = TimestampTzGetDatum(expires_at);
	values[CODES_CREATED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	casnet_row_clear(CASNET_CODES, CASNET_CODES_OVER, GetCurrentTimestamp());
	end_codes(user, purpose);
	casnet_row_insert(CASNET_CODES, values, isnull);
	return code;
}

/* Whether the user has a newer code for the same purpose. */
static bool
is_replaced(const UserCode *code)
{
	ListCell   *lc;

	foreach(lc, find_codes(CASNET_CODES_OF_USER, UUIDPGetDatum(&code->user)))
	{
		UserCode   *other = lfirst(lc);

		if (other->created_at > code->created_at &&
			strcmp(other->purpose, code->purpose) == 0)
			return true;
	}
	return false;
}

/* Whether it can be used at this moment. */
static bool
counts(const UserCode *code)
{
	bool		active;
	bytea	   *account = casnet_user_code_state(&code->user, &active);

	return active && VARSIZE_ANY(account) == VARSIZE_ANY(code->account) &&
		memcmp(account, code->account, VARSIZE_ANY(account)) == 0 &&
		code->expires_at > GetCurrentTimestamp() &&
		!casnet_code_is_revoked(code->digest) && !is_replaced(code);
}

/* Raises P0002, with one message for every code that is not valid. */
void
casnet_user_code_refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("the code is not valid"),
			 errhint("A code works once and in time, and ends when the account changes; ask for a new one.")));
	pg_unreachable();
}

/*
 * CasnetJudgement: raises P0002 if a code that was used has ended since, also with all tokens
 * of its user.  A revocation can be deleted an hour after the code expires.
 */
static void
judge_again(const void *what)
{
	const Used *used = what;

	if (used->expires_at <= GetCurrentTimestamp() ||
		used->generation != casnet_revocation_generation_to_others(&used->user) ||
		casnet_code_is_revoked((bytea *) used->digest))
		casnet_user_code_refuse();
}

/*
 * Use a code for that purpose, so that nobody else does: of any user, or only of the holder
 * if that is not NULL.  Waits for whoever is using it.  Sets the user, and the address that
 * it proves.  Raises P0002 now, or at COMMIT if it ends meanwhile.
 */
void
casnet_user_code_take(bytea *digest, const char *purpose,
					  const pg_uuid_t *holder, pg_uuid_t *user, char **email)
{
	List	   *found = find_codes(CASNET_CODE, PointerGetDatum(digest));
	UserCode   *code = found == NIL ? NULL : linitial(found);
	Size		length = VARSIZE_ANY(digest);
	Used	   *used = palloc0(offsetof(Used, digest) + length);

	if (code != NULL)
		used->generation = casnet_revocation_generation_to_others(&code->user);
	/* What can change during the wait is judged afterwards. */
	if (code == NULL || strcmp(code->purpose, purpose) != 0 ||
		(holder != NULL && memcmp(holder, &code->user, UUID_LEN) != 0) ||
		!casnet_row_delete(CASNET_CODES, &code->row, true) || !counts(code))
		casnet_user_code_refuse();
	CommandCounterIncrement();
	used->expires_at = code->expires_at;
	used->user = code->user;
	memcpy(used->digest, digest, length);
	/* It rests on the code, whatever token the session has. */
	casnet_judged_remember_alone(judge_again, used,
								 offsetof(Used, digest) + length);
	*user = code->user;
	*email = code->email;
}
