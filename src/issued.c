/*
 * issued.c
 *		The sessions of a user: the tokens that casnet has issued and that are valid.
 *
 * login(), refresh_token() and service_token() note each token: for whom, when, until when,
 * and the digest by which it can be revoked.  Nothing asks for that when a token is used, so
 * a session costs no more per statement, and nobody knows when it was used last.
 *
 * Rows are added and deleted, never updated, and have no key to an account, which an old
 * snapshot might not see.  They go with the account by a trigger.  Whoever gets a token
 * deletes their own rows that are over, except those that somebody else holds.  The row of
 * the last login stays, to say when that was.  In a read-only transaction, as on a standby,
 * a token is issued and not noted.  If the transaction that issued a token is rolled back,
 * the token is not noted either; casnet.revoke_all_tokens() ends it like all others.  Only
 * the token of a program, which lives for long, is valid only if it is noted.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "casnet.h"

#define LISTED_COLUMNS 7

/* Longest name of a token, in bytes. */
#define MAX_NAME 200

/* The most bytes of the permissions of a token, as its claim takes them. */
#define MAX_PERMISSIONS 1000

/* How many rows that are over are deleted at a time. */
#define MAX_CLEARED 100

/* How a token was made. */
#define BY_LOGIN "login"

/* What a row says. */
typedef struct Issued
{
	ItemPointerData row;
	pg_uuid_t	id;
	pg_uuid_t	user;
	bytea	   *digest;
	char	   *made_by;
	int64		generation;
	TimestampTz created_at;
	TimestampTz expires_at;
	text	   *name;			/* or NULL */
	ArrayType  *permissions;	/* text[]; NULL: all of the user */
	bool		is_valid;
} Issued;

PG_FUNCTION_INFO_V1(casnet_service_token);
PG_FUNCTION_INFO_V1(casnet_sessions);
PG_FUNCTION_INFO_V1(casnet_end_session);
PG_FUNCTION_INFO_V1(casnet_last_login);

/* Read a row into *issued. */
static void
read_issued(CasnetScan *scan, HeapTuple tuple, Snapshot snapshot, Issued *issued)
{
	bool		isnull;
	Datum		value;

	issued->row = tuple->t_self;
	issued->id = *DatumGetUUIDP(casnet_scan_value(scan, tuple, SESSIONS_ID,
												  &isnull));
	issued->user = *DatumGetUUIDP(casnet_scan_value(scan, tuple,
													SESSIONS_USER_ID, &isnull));
	value = casnet_scan_value(scan, tuple, SESSIONS_DIGEST, &isnull);
	issued->digest = DatumGetByteaPCopy(value);
	value = casnet_scan_value(scan, tuple, SESSIONS_MADE_BY, &isnull);
	issued->made_by = TextDatumGetCString(value);
	issued->generation =
		DatumGetInt64(casnet_scan_value(scan, tuple, SESSIONS_GENERATION, &isnull));
	issued->created_at =
		DatumGetTimestampTz(casnet_scan_value(scan, tuple, SESSIONS_CREATED_AT,
											  &isnull));
	issued->expires_at =
		DatumGetTimestampTz(casnet_scan_value(scan, tuple, SESSIONS_EXPIRES_AT,
											  &isnull));
	value = casnet_scan_value(scan, tuple, SESSIONS_NAME, &isnull);
	issued->name = isnull ? NULL : DatumGetTextPCopy(value);
	value = casnet_scan_value(scan, tuple, SESSIONS_PERMISSIONS, &isnull);
	issued->permissions = isnull ? NULL : DatumGetArrayTypePCopy(value);
	issued->is_valid = issued->expires_at > GetCurrentTimestamp() &&
		!casnet_revocation_is_revoked(issued->digest, snapshot) &&
		!casnet_revocation_ends(&issued->user, issued->generation, 0,
								issued->digest, snapshot);
}

/* The rows that a path finds at this moment, those that are over included. */
static List *
find_issued(CasnetPath path, Datum key)
{
	static const CasnetTable tables[] = {CASNET_SESSIONS, CASNET_REVOKED_TOKENS,
	CASNET_TOKEN_CUTOFFS};
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	List	   *found = NIL;

	(void) casnet_reading_begin(&reading, lengthof(tables), tables);
	casnet_scan_begin(&scan, path, reading.snapshot, key, (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		Issued	   *issued = palloc(sizeof(Issued));

		CHECK_FOR_INTERRUPTS();
		read_issued(&scan, tuple, reading.snapshot, issued);
		found = lappend(found, issued);
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return found;
}

/* The row of the last login, or NULL. */
static Issued *
last_login_among(List *found)
{
	Issued	   *last = NULL;
	ListCell   *lc;

	foreach(lc, found)
	{
		Issued	   *issued = lfirst(lc);

		if (strcmp(issued->made_by, BY_LOGIN) == 0 &&
			(last == NULL || issued->created_at > last->created_at))
			last = issued;
	}
	return last;
}

/* Delete the user's rows that are over; all, or all but that of the last login. */
static void
clear(const pg_uuid_t *user, bool all)
{
	List	   *found = find_issued(CASNET_SESSIONS_OF_USER, UUIDPGetDatum(user));
	Issued	   *last = all ? NULL : last_login_among(found);
	int			most = all ? list_length(found) : MAX_CLEARED;
	ItemPointerData *rows = palloc(Max(most, 1) * sizeof(ItemPointerData));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, found)
	{
		Issued	   *issued = lfirst(lc);

		if (!issued->is_valid && issued != last && count < most)
			rows[count++] = issued->row;
	}
	casnet_row_delete_all(CASNET_SESSIONS, rows, count);
	pfree(rows);
}

/*
 * Note a token of the user that was made now in that way, with its digest and generation,
 * until it expires.  The name, and the permissions to which it narrows, can be NULL.
 */
static void
note(const CasnetIssue *issue, const char *made_by, text *name,
	 ArrayType *permissions)
{
	Datum		values[SESSIONS_COLUMNS];
	bool		isnull[SESSIONS_COLUMNS] = {0};

	if (XactReadOnly)
		return;
	values[SESSIONS_ID] = UUIDPGetDatum(&issue->id);
	values[SESSIONS_USER_ID] = UUIDPGetDatum(&issue->user);
	values[SESSIONS_DIGEST] = PointerGetDatum(issue->digest);
	values[SESSIONS_MADE_BY] = CStringGetTextDatum(made_by);
	values[SESSIONS_GENERATION] = Int64GetDatum(issue->generation);
	values[SESSIONS_CREATED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[SESSIONS_EXPIRES_AT] = TimestampTzGetDatum(issue->expires_at);
	isnull[SESSIONS_NAME] = name == NULL;
	values[SESSIONS_NAME] = PointerGetDatum(name);
	isnull[SESSIONS_PERMISSIONS] = permissions == NULL;
	values[SESSIONS_PERMISSIONS] = PointerGetDatum(permissions);
	casnet_row_insert(CASNET_SESSIONS, values, isnull);
	clear(&issue->user, false);
}

void
casnet_issued_by_login(const CasnetIssue *issue)
{
	note(issue, BY_LOGIN, NULL, NULL);
}

void
casnet_issued_by_refresh(const CasnetIssue *issue)
{
	note(issue, "refresh", NULL, NULL);
}

/* The permissions in the argument, which exist, as a list of names.  Raises 22023. */
static List *
permissions_argument(FunctionCallInfo fcinfo, int argument)
{
	List	   *names = NIL;
	Size		length = 0;
	Datum	   *values;
	bool	   *isnull;
	int			count = 0;

	if (!PG_ARGISNULL(argument))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false,
						  TYPALIGN_INT, &values, &isnull, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *name = isnull[i] ? pstrdup("") : TextDatumGetCString(values[i]);

		/* Raises 22023 for one that does not exist. */
		(void) casnet_permission_bit(name);
		length += strlen(name) + 1;
		names = lappend(names, name);
	}
	if (names == NIL || length > MAX_PERMISSIONS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the list of permissions is empty or too long"),
				 errhint("Give the permissions that the token needs, such as '{view_records}'.")));
	return names;
}

/* The name in the argument.  Raises 22023 if it is blank or too long. */
static text *
name_argument(FunctionCallInfo fcinfo, int argument)
{
	text	   *name = PG_ARGISNULL(argument) ? NULL :
		PG_GETARG_TEXT_PP(argument);

	if (name == NULL || VARSIZE_ANY_EXHDR(name) > MAX_NAME ||
		casnet_name_is_blank(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of the token is blank or too long"),
				 errhint("Say what it is for, in at most 200 bytes; casnet.sessions() shows it.")));
	return name;
}

/*
 * casnet.service_token(name text, permissions text[], lifetime interval, tenant_id uuid)
 * returns text
 *
 * A token for the session's user that a program keeps.  It gives those of the permissions
 * that the user holds when it is used, and nothing else.  Without a tenant it is for the
 * active one.  Raises 22023, 25006; 28000, also if the session's token is from another
 * issuer; 42501 if it is a token such as this.
 */
Datum
casnet_service_token(PG_FUNCTION_ARGS)
{
	static const CasnetTable tables[] = {CASNET_SIGNING_KEYS,
	CASNET_REVOKED_TOKENS, CASNET_TOKEN_CUTOFFS};
	CasnetReading reading;
	CasnetIssue issue;
	pg_uuid_t	user;
	const pg_uuid_t *tenant;
	text	   *name;
	List	   *permissions;
	text	   *token;
	int64		generation;

	PreventCommandIfReadOnly("casnet.service_token()");
	AcceptInvalidationMessages();
	user = *casnet_membership_require_whole();
	name = name_argument(fcinfo, 0);
	permissions = permissions_argument(fcinfo, 1);
	/* A token that ends before the COMMIT has noted no other one. */
	casnet_judged_remember_token();
	(void) casnet_reading_begin(&reading, lengthof(tables), tables);
	/* A link that ends would not end it. */
	if (casnet_token_is_set())
		casnet_token_require_own(reading.snapshot);
	generation = casnet_revocation_generation(&user, reading.snapshot);
	casnet_reading_end(&reading);
	tenant = PG_ARGISNULL(3) ? casnet_session_tenant() : PG_GETARG_UUID_P(3);
	token = casnet_signing_issue(&user, tenant, PG_ARGISNULL(2) ? NULL :
								 PG_GETARG_INTERVAL_P(2), generation, 0,
								 permissions, &issue);
	note(&issue, "service", name, PG_GETARG_ARRAYTYPE_P(1));
	PG_RETURN_TEXT_P(token);
}

/* The account is deleted: forget its sessions, which have ended. */
void
casnet_issued_forget(const pg_uuid_t *user)
{
	clear(user, true);
}

/*
 * The user whose sessions are asked for: the session's own, or for those who manage accounts
 * the one in the argument.  Raises 28000, 42501, P0002.
 */
static pg_uuid_t
whose(FunctionCallInfo fcinfo)
{
	pg_uuid_t	user;

	AcceptInvalidationMessages();
	if (PG_ARGISNULL(0))
		return *casnet_membership_require_whole();
	user = *PG_GETARG_UUID_P(0);
	(void) casnet_account_require(&user, casnet_account_require_power());
	return user;
}

/*
 * casnet.sessions(user_id uuid) returns setof (id, made_by, name, permissions, created_at,
 * expires_at, is_current)
 *
 * The tokens that casnet has issued to a user and that are valid: one's own for NULL,
 * anybody's for those who manage accounts.  Raises 28000, 42501, P0002.
 */
Datum
casnet_sessions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	pg_uuid_t	user = whose(fcinfo);
	bytea	   *own = casnet_token_is_set() ? casnet_token_digest() : NULL;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, find_issued(CASNET_SESSIONS_OF_USER, UUIDPGetDatum(&user)))
	{
		Issued	   *issued = lfirst(lc);
		Datum		values[LISTED_COLUMNS];
		bool		isnull[LISTED_COLUMNS] = {false};

		if (!issued->is_valid)
			continue;
		values[0] = UUIDPGetDatum(&issued->id);
		values[1] = CStringGetTextDatum(issued->made_by);
		isnull[2] = issued->name == NULL;
		values[2] = PointerGetDatum(issued->name);
		isnull[3] = issued->permissions == NULL;
		values[3] = PointerGetDatum(issued->permissions);
		values[4] = TimestampTzGetDatum(issued->created_at);
		values[5] = TimestampTzGetDatum(issued->expires_at);
		values[6] = BoolGetDatum(own != NULL &&
								 VARSIZE_ANY(own) == VARSIZE_ANY(issued->digest) &&
								 memcmp(own, issued->digest,
										VARSIZE_ANY(own)) == 0);
		tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
	}
	return (Datum) 0;
}

/*
 * casnet.end_session(id uuid) returns void
 *
 * Revokes a token that casnet.sessions() lists: one's own, or anybody's for those who manage
 * accounts.  Raises 28000; P0002 if there is none, or it is somebody else's.
 */
Datum
casnet_end_session(PG_FUNCTION_ARGS)
{
	bool		may_all = casnet_security_is_administrator();
	List	   *found = PG_ARGISNULL(0) ? NIL :
		find_issued(CASNET_SESSION, PG_GETARG_DATUM(0));
	Issued	   *issued = found == NIL ? NULL : linitial(found);
	pg_uuid_t	user;

	if (!may_all)
	{
		AcceptInvalidationMessages();
		user = *casnet_membership_require_whole();
		if (issued != NULL && memcmp(&issued->user, &user, UUID_LEN) == 0)
			casnet_judged_remember_token();
		else if (!casnet_account_is_superuser())
			issued = NULL;
	}
	if (issued == NULL || !issued->is_valid)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no such session"),
				 errhint("casnet.sessions() lists your own.")));
	casnet_revocation_add(issued->digest, &issued->user, issued->expires_at);
	PG_RETURN_VOID();
}

/*
 * casnet_internal.last_login(user_id uuid) returns timestamptz
 *
 * When the user has last logged in with a password, or NULL; internal, for
 * casnet.accounts().
 */
Datum
casnet_last_login(PG_FUNCTION_ARGS)
{
	Issued	   *last = last_login_among(find_issued(CASNET_SESSIONS_OF_USER,
													PG_GETARG_DATUM(0)));

	if (last == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(last->created_at);
}
