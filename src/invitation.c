/*
 * invitation.c
 *		Invitations: a code that makes one person, once, a member.
 *
 * The code is made here and returned to the client, or comes from one; neither it
 * nor its digest is a value of SQL within casnet.  Whether it counts is judged at
 * the moment when it is used, by what the inviter may do then.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "casnet.h"
#include "key.h"

/* Random bytes of a code. */
#define CODE_BYTES 16

/* Longest email address, in bytes, as in the table. */
#define MAX_EMAIL 2000

/* Longest lifetime of an invitation: 366 days, in seconds. */
#define MAX_LIFETIME (366 * 24 * 60 * 60)

/* What an invitation says. */
typedef struct Invitation
{
	ItemPointerData row;
	pg_uuid_t	tenant;
	pg_uuid_t	inviter;
	char	   *email;
	char	   *role;
	TimestampTz expires_at;
} Invitation;

PG_FUNCTION_INFO_V1(casnet_invite_member);
PG_FUNCTION_INFO_V1(casnet_accept_invitation);

/* The SHA-256 of a code, which is UTF-8 whatever the encoding of the database. */
static bytea *
digest_of(const char *code, int length)
{
	char	   *bytes = (char *)
		pg_do_encoding_conversion((unsigned char *) code, length,
								  GetDatabaseEncoding(), PG_UTF8);

	if (bytes != code)
		length = strlen(bytes);
	return DatumGetByteaP(DirectFunctionCall1(sha256_bytea,
											  PointerGetDatum(cstring_to_text_with_len(bytes, length))));
}

/* The address without spaces around it.  Raises 22023 when it cannot be one. */
static Datum
email_argument(FunctionCallInfo fcinfo, int argument)
{
	text	   *email = PG_ARGISNULL(argument) ? NULL :
		PG_GETARG_TEXT_PP(argument);
	Datum		result = (Datum) 0;

	if (email != NULL && VARSIZE_ANY_EXHDR(email) <= MAX_EMAIL)
		result = DirectFunctionCall1(btrim1, PointerGetDatum(email));
	if (result == (Datum) 0 ||
		VARSIZE_ANY_EXHDR(DatumGetTextPP(result)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the email address is blank or too long"),
				 errhint("Give the address of the account that may accept.")));
	return result;
}

/* When an invitation ends that is made now.  Raises 22023. */
static TimestampTz
end_of(FunctionCallInfo fcinfo, int argument)
{
	double		seconds = PG_ARGISNULL(argument) ? 0 :
		DatumGetFloat8(DirectFunctionCall2(interval_part,
										   CStringGetTextDatum("epoch"),
										   PG_GETARG_DATUM(argument)));

	if (!(seconds >= 1 && seconds <= MAX_LIFETIME))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lifetime of an invitation is out of range"),
				 errhint("Give an interval from a second to a year.")));
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(GetCurrentTimestamp()),
												   PG_GETARG_DATUM(argument)));
}

/*
 * casnet.invite_member(email text, role text, lifetime interval) returns text
 *
 * A code with which the account of that address, once, becomes a member of the
 * active tenant.  Raises 22023, 28000, 55000, 42501.
 */
Datum
casnet_invite_member(PG_FUNCTION_ARGS)
{
	int			manage_users = casnet_permission_find("manage_users");
	Datum		values[INVITATIONS_COLUMNS];
	bool		isnull[INVITATIONS_COLUMNS] = {0};
	uint8		random[CODE_BYTES];
	char		code[4 * CODE_BYTES / 3 + 4];
	size_t		length;
	pg_uuid_t	tenant;
	pg_uuid_t	inviter;
	const CasnetVerdict *verdict;

	AcceptInvalidationMessages();
	verdict = casnet_membership_require(1, &manage_users);
	tenant = verdict->key.tenant;
	inviter = verdict->key.user;
	values[INVITATIONS_EMAIL] = email_argument(fcinfo, 0);
	values[INVITATIONS_EXPIRES_AT] = TimestampTzGetDatum(end_of(fcinfo, 2));
	values[INVITATIONS_ROLE] = PG_ARGISNULL(1) ? CStringGetTextDatum("") :
		PG_GETARG_DATUM(1);
	(void) DirectFunctionCall1(casnet_require_may_give,
							   values[INVITATIONS_ROLE]);

	casnet_key_random(random, sizeof(random));
	length = jws_base64url_encode(random, sizeof(random), code);
	values[INVITATIONS_DIGEST] = PointerGetDatum(digest_of(code, length));
	values[INVITATIONS_TENANT_ID] = UUIDPGetDatum(&tenant);
	values[INVITATIONS_INVITED_BY] = UUIDPGetDatum(&inviter);
	casnet_row_clear(CASNET_INVITATIONS, CASNET_INVITATIONS_OVER,
					 GetCurrentTimestamp());
	casnet_row_insert(CASNET_INVITATIONS, values, isnull);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(code, length));
}

/* The invitation with this digest, if there is one at this moment. */
static bool
find_invitation(bytea *digest, Invitation *invitation)
{
	CasnetTable invitations = CASNET_INVITATIONS;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		isnull;

	casnet_scan_begin(&scan, CASNET_INVITATION,
					  casnet_reading_begin(&reading, 1, &invitations),
					  PointerGetDatum(digest), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		invitation->row = tuple->t_self;
		invitation->tenant =
			*DatumGetUUIDP(casnet_scan_value(&scan, tuple,
											 INVITATIONS_TENANT_ID, &isnull));
		invitation->inviter =
			*DatumGetUUIDP(casnet_scan_value(&scan, tuple,
											 INVITATIONS_INVITED_BY, &isnull));
		invitation->email =
			TextDatumGetCString(casnet_scan_value(&scan, tuple,
												  INVITATIONS_EMAIL, &isnull));
		invitation->role =
			TextDatumGetCString(casnet_scan_value(&scan, tuple,
												  INVITATIONS_ROLE, &isnull));
		invitation->expires_at =
			DatumGetTimestampTz(casnet_scan_value(&scan, tuple,
												  INVITATIONS_EXPIRES_AT,
												  &isnull));
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return tuple != NULL;
}

static char *
fold(const char *string)
{
	return TextDatumGetCString(DirectFunctionCall1Coll(lower,
													   DEFAULT_COLLATION_OID,
													   CStringGetTextDatum(string)));
}

/* Whether the account has, at this moment, the address of the invitation. */
static bool
is_for(const Invitation *invitation, const pg_uuid_t *holder)
{
	CasnetTable users = CASNET_USERS;
	CasnetReading reading;
	bool		active;
	char	   *mark;
	char	   *email = NULL;
	bool		found =
		casnet_account_find(holder, casnet_reading_begin(&reading, 1, &users),
							&active, &mark, &email);

	casnet_reading_end(&reading);
	return found && email != NULL &&
		strcmp(fold(email), fold(invitation->email)) == 0;
}

/* Nobody gives more than they hold when it takes effect. */
static bool
inviter_may(const Invitation *invitation)
{
	const CasnetVerdict *verdict;

	AcceptInvalidationMessages();
	verdict = casnet_membership_of(&invitation->inviter, &invitation->tenant);
	return casnet_membership_holds(verdict,
								   casnet_permission_find("manage_users")) &&
		casnet_guard_may_add(verdict, invitation->role);
}

/* Make the user a member, or raise the role; see accept_invitation(). */
static void
add_member(const pg_uuid_t *user, const Invitation *invitation)
{
	Oid			types[] = {UUIDOID, UUIDOID, TEXTOID};
	Datum		values[] = {UUIDPGetDatum(user),
		UUIDPGetDatum(&invitation->tenant),
	CStringGetTextDatum(invitation->role)};
	SPIPlanPtr	plan;

	SPI_connect();
	plan = SPI_prepare("INSERT INTO casnet.user_tenants AS m (user_id, tenant_id, role)"
					   " VALUES ($1, $2, $3)"
					   " ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = excluded.role"
					   " WHERE pg_catalog.array_position('{viewer,member,admin,owner}'::pg_catalog.text[], m.role)"
					   " OPERATOR(pg_catalog.<)"
					   " pg_catalog.array_position('{viewer,member,admin,owner}'::pg_catalog.text[], excluded.role)",
					   lengthof(types), types);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
							 InvalidSnapshot, false, true, 0) < 0)
		elog(ERROR, "could not add a member");
	SPI_finish();
}

/*
 * casnet.accept_invitation(code text) returns uuid
 *
 * Makes the user of this session a member, or raises the role, and returns the
 * tenant.  Whoever comes second waits for the first one, and finds nothing.  Raises
 * 02000 for any code that does not count for this user, 28000 without a user.
 */
Datum
casnet_accept_invitation(PG_FUNCTION_ARGS)
{
	Invitation	invitation;
	pg_uuid_t	holder;
	pg_uuid_t  *tenant;
	text	   *code;
	bool		counts;

	AcceptInvalidationMessages();
	holder = casnet_membership_require_user()->key.user;
	code = PG_ARGISNULL(0) ? cstring_to_text("") : PG_GETARG_TEXT_PP(0);

	/* What may change while we wait is judged afterwards. */
	counts = find_invitation(digest_of(VARDATA_ANY(code),
									   VARSIZE_ANY_EXHDR(code)), &invitation) &&
		is_for(&invitation, &holder) &&
		casnet_row_delete(CASNET_INVITATIONS, &invitation.row, true) &&
		invitation.expires_at > GetCurrentTimestamp() &&
		is_for(&invitation, &holder) && inviter_may(&invitation);
	if (!counts)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("there is no such invitation for you"),
				 errhint("A code works once, in time, for the account with the email address it was sent to; ask for a new one.")));
	casnet_membership_require_active(&holder);
	CommandCounterIncrement();
	add_member(&holder, &invitation);
	tenant = palloc(sizeof(pg_uuid_t));
	*tenant = invitation.tenant;
	PG_RETURN_UUID_P(tenant);
}
