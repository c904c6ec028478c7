/*
 * invitation.c
 *		Invitations: a code that makes one person a member, once.
 *
 * casnet makes the code and returns it to the client; a client later sends it back.
 * Neither the code nor its digest is a value of SQL within casnet.  Whether the code is
 * valid is judged when it is used, by the inviter's rights at that time.
 *
 * A tenant has one invitation to an address, the newest.  The invitation ends when the
 * membership in question begins, changes or ends, and when the account ends or is
 * deactivated: its row is deleted.  Somebody could be about to accept it, and so hold the
 * row.  So as not to wait for that, casnet then revokes the code like a token
 * (revocation.c).  Accepting checks for that twice: when the membership is written, since
 * that could have waited for the other transaction, and at COMMIT.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "casnet.h"
#include "key.h"

/* Random bytes of a code. */
#define CODE_BYTES 16

/* A code as text has fewer bytes than this. */
#define MAX_CODE 1000

/* Longest email address, in bytes, as in the table. */
#define MAX_EMAIL 2000

/* Longest lifetime of an invitation: 366 days, in seconds. */
#define MAX_LIFETIME (366 * 24 * 60 * 60)

/* What an invitation says. */
typedef struct Invitation
{
	ItemPointerData row;
	bytea	   *digest;
	pg_uuid_t	tenant;
	pg_uuid_t	inviter;
	char	   *email;
	char	   *role;
	TimestampTz expires_at;
	TimestampTz created_at;
} Invitation;

/* What invitations() and invitation() return. */
#define LIST_COLUMNS 6
#define PREVIEW_COLUMNS 4

PG_FUNCTION_INFO_V1(casnet_invite_member);
PG_FUNCTION_INFO_V1(casnet_accept_invitation);
PG_FUNCTION_INFO_V1(casnet_invitations);
PG_FUNCTION_INFO_V1(casnet_cancel_invitation);
PG_FUNCTION_INFO_V1(casnet_invitation);
PG_FUNCTION_INFO_V1(casnet_end_invitations);

/* The SHA-256 of a code, which is UTF-8 whatever the encoding of the database. */
static bytea *
digest_of(const char *code, int length)
{
	char	   *bytes = (char *)
		pg_do_encoding_conversion((unsigned char *) code, length,
								  GetDatabaseEncoding(), PG_UTF8);

	if (bytes != code)
		length = strlen(bytes);
	return casnet_digest(bytes, length);
}

/*
 * The digest of a code that a client sends, perhaps with white space around it.  A longer
 * text is no code; its beginning is digested, which matches none either.
 */
static bytea *
digest_argument(FunctionCallInfo fcinfo, int argument)
{
	text	   *code = PG_ARGISNULL(argument) ? cstring_to_text("") :
		PG_GETARG_TEXT_PP(argument);
	const char *begin = VARDATA_ANY(code);
	const char *end = begin + VARSIZE_ANY_EXHDR(code);

	while (begin < end && isspace((unsigned char) *begin))
	{
		begin++;
		CHECK_FOR_INTERRUPTS();
	}
	while (end > begin && isspace((unsigned char) end[-1]))
	{
		end--;
		CHECK_FOR_INTERRUPTS();
	}
	return digest_of(begin, pg_mbcliplen(begin, end - begin, MAX_CODE));
}

/* An address as it is compared and stored. */
static char *
fold(const char *string)
{
	return text_to_cstring(casnet_name_compared(cstring_to_text(string)));
}

/* The address as it is compared.  Raises 22023 if it cannot be one. */
static Datum
email_argument(FunctionCallInfo fcinfo, int argument)
{
	text	   *email = PG_ARGISNULL(argument) ? NULL :
		PG_GETARG_TEXT_PP(argument);
	char	   *folded = NULL;

	if (email != NULL && VARSIZE_ANY_EXHDR(email) <= MAX_EMAIL)
		folded = fold(text_to_cstring(email));
	if (folded == NULL || folded[0] == '\0' || strlen(folded) > MAX_EMAIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the email address is blank or too long"),
				 errhint("Give the address of the account that may accept.")));
	return CStringGetTextDatum(folded);
}

/* When an invitation made now expires.  Raises 22023. */
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

/* Read a row into *invitation. */
static void
read_invitation(CasnetScan *scan, HeapTuple tuple, Invitation *invitation)
{
	bool		isnull;

	invitation->row = tuple->t_self;
	invitation->digest =
		DatumGetByteaPCopy(casnet_scan_value(scan, tuple, INVITATIONS_DIGEST,
											 &isnull));
	invitation->tenant =
		*DatumGetUUIDP(casnet_scan_value(scan, tuple, INVITATIONS_TENANT_ID,
										 &isnull));
	invitation->inviter =
		*DatumGetUUIDP(casnet_scan_value(scan, tuple, INVITATIONS_INVITED_BY,
										 &isnull));
	invitation->email =
		TextDatumGetCString(casnet_scan_value(scan, tuple, INVITATIONS_EMAIL,
											  &isnull));
	invitation->role =
		TextDatumGetCString(casnet_scan_value(scan, tuple, INVITATIONS_ROLE,
											  &isnull));
	invitation->expires_at =
		DatumGetTimestampTz(casnet_scan_value(scan, tuple,
											  INVITATIONS_EXPIRES_AT, &isnull));
	invitation->created_at =
		DatumGetTimestampTz(casnet_scan_value(scan, tuple,
											  INVITATIONS_CREATED_AT, &isnull));
}

/* The invitations that a path finds at this moment, expired ones included. */
static List *
find_invitations(CasnetPath path, Datum key1, Datum key2)
{
	CasnetTable tables[] = {CASNET_INVITATIONS, CASNET_REVOKED_TOKENS};
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	List	   *found = NIL;

	casnet_scan_begin(&scan, path,
					  casnet_reading_begin(&reading, lengthof(tables), tables),
					  key1, key2);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		Invitation *invitation = palloc(sizeof(Invitation));

		CHECK_FOR_INTERRUPTS();
		read_invitation(&scan, tuple, invitation);
		if (!casnet_revocation_is_revoked(invitation->digest,
										  reading.snapshot))
			found = lappend(found, invitation);
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return found;
}

/* The invitation with this digest, if there is one at this moment; else NULL. */
static Invitation *
find_invitation(bytea *digest)
{
	List	   *found = find_invitations(CASNET_INVITATION,
										 PointerGetDatum(digest), (Datum) 0);

	return found == NIL ? NULL : linitial(found);
}

static List *
find_of_tenant(const pg_uuid_t *tenant)
{
	return find_invitations(CASNET_INVITATIONS_OF_TENANT,
							UUIDPGetDatum(tenant), (Datum) 0);
}

/*
 * The invitations to an address: from that tenant, or from any if it is NULL.  For a
 * member only the tenant's own are scanned, because the server's statistics count what a
 * scan finds.
 */
static List *
find_of_address(const char *email, const pg_uuid_t *tenant)
{
	Datum		address = CStringGetTextDatum(fold(email));

	return tenant == NULL ?
		find_invitations(CASNET_ALL_INVITATIONS_TO, address, (Datum) 0) :
		find_invitations(CASNET_INVITATIONS_TO, address,
						 UUIDPGetDatum(tenant));
}

/* Whether others, a list of the same tenant, has a newer one to the same address. */
static bool
is_replaced(const Invitation *invitation, List *others)
{
	ListCell   *lc;

	foreach(lc, others)
	{
		Invitation *other = lfirst(lc);

		if (other->created_at > invitation->created_at &&
			strcmp(other->email, invitation->email) == 0)
			return true;
	}
	return false;
}

/*
 * End it.  If somebody else holds the row, its code is revoked.  A transaction that has
 * accepted it and is still open then gets a message, as for a change of membership.
 */
static void
end_invitation(Invitation *invitation)
{
	Relation	members;

	if (casnet_row_delete(CASNET_INVITATIONS, &invitation->row, false))
	{
		CommandCounterIncrement();
		return;
	}
	casnet_revocation_add(invitation->digest, &invitation->inviter,
						  invitation->expires_at);
	members = casnet_catalog_open(CASNET_USER_TENANTS, AccessShareLock);
	casnet_news_announce(CASNET_USER_TENANTS, members);
	table_close(members, NoLock);
}

/* End the invitations to the address: from that tenant, or from any if it is NULL. */
static void
end_invitations_to(const char *email, const pg_uuid_t *tenant)
{
	ListCell   *lc;

	foreach(lc, find_of_address(email, tenant))
		end_invitation(lfirst(lc));
}

/* The address of an account at this moment, or NULL. */
static char *
address_of(const pg_uuid_t *user)
{
	CasnetTable users = CASNET_USERS;
	CasnetReading reading;
	bool		active;
	char	   *mark;
	char	   *email = NULL;

	(void) casnet_account_find(user, casnet_reading_begin(&reading, 1, &users),
							   &active, &mark, &email);
	casnet_reading_end(&reading);
	return email;
}

/* Whether the account has, at this moment, the address of the invitation. */
static bool
is_for(const Invitation *invitation, const pg_uuid_t *holder)
{
	char	   *email = address_of(holder);

	return email != NULL && strcmp(invitation->email, fold(email)) == 0;
}

/*
 * casnet.invite_member(email text, role text, lifetime interval) returns text
 *
 * A code with which the account of that address becomes a member of the active tenant,
 * once.  An earlier code for the address ends.  Raises 22023, 28000, 55000, 42501.
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
	casnet_guard_judge_again(verdict, "manage_users");
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
	values[INVITATIONS_CREATED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	casnet_row_clear(CASNET_INVITATIONS, CASNET_INVITATIONS_OVER,
					 GetCurrentTimestamp());
	end_invitations_to(TextDatumGetCString(values[INVITATIONS_EMAIL]), &tenant);
	casnet_row_insert(CASNET_INVITATIONS, values, isnull);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(code, length));
}

/* Whether the verdict allows inviting with the role. */
static bool
may_invite(const CasnetVerdict *verdict, const char *role)
{
	return casnet_membership_holds(verdict,
								   casnet_permission_find("manage_users")) &&
		casnet_guard_may_add(verdict, role);
}

/* The inviter must still hold what is given when it takes effect. */
static bool
inviter_may(const Invitation *invitation)
{
	AcceptInvalidationMessages();
	return may_invite(casnet_membership_of(&invitation->inviter,
										   &invitation->tenant),
					  invitation->role);
}

/*
 * Make the user a member.  A member's role is replaced only if the new one gives all that
 * the old one gave; see accept_invitation().
 */
static void
add_member(const pg_uuid_t *user, const Invitation *invitation)
{
	Oid			types[] = {UUIDOID, UUIDOID, TEXTOID, TEXTARRAYOID};
	Datum		values[] = {UUIDPGetDatum(user),
		UUIDPGetDatum(&invitation->tenant),
		CStringGetTextDatum(invitation->role),
	PointerGetDatum(casnet_role_replaced_by(invitation->role))};
	SPIPlanPtr	plan;

	SPI_connect();
	plan = SPI_prepare("INSERT INTO casnet.user_tenants AS m (user_id, tenant_id, role)"
					   " VALUES ($1, $2, $3)"
					   " ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = excluded.role"
					   " WHERE m.role OPERATOR(pg_catalog.=) ANY ($4)",
					   lengthof(types), types);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
							 InvalidSnapshot, false, true, 0) < 0)
		elog(ERROR, "could not add a member");
	SPI_finish();
}

/* Whether anybody could accept it at this moment. */
static bool
counts(const Invitation *invitation)
{
	return invitation->expires_at > GetCurrentTimestamp() &&
		!is_replaced(invitation, find_of_address(invitation->email,
												&invitation->tenant)) &&
		inviter_may(invitation);
}

/* Raises P0002, with one message for every code that is not valid. */
static void
refuse_code(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("there is no such invitation for you"),
			 errhint("A code works once, in time, for the account with the email address it was sent to; ask for a new one.")));
}

/* Whether it was cancelled, or ended in another way. */
static bool
is_revoked(bytea *digest)
{
	CasnetTable revoked = CASNET_REVOKED_TOKENS;
	CasnetReading reading;
	bool		result =
		casnet_revocation_is_revoked(digest,
									 casnet_reading_begin(&reading, 1,
														  &revoked));

	casnet_reading_end(&reading);
	return result;
}

/* What was accepted. */
typedef struct Accepted
{
	pg_uuid_t	tenant;
	pg_uuid_t	inviter;
	bool		is_left;		/* others have committed the inviter's right */
	char		role[CASNET_NAME_LENGTH];
	TimestampTz expires_at;
	char		digest[FLEXIBLE_ARRAY_MEMBER];	/* a bytea */
} Accepted;

/* Whether the inviter still may give that, by what others have committed. */
static bool
inviter_is_left(const pg_uuid_t *inviter, const pg_uuid_t *tenant,
				const char *role)
{
	CasnetVerdict verdict;

	casnet_membership_of_others(inviter, tenant, &verdict);
	return may_invite(&verdict, role);
}

/* CasnetJudgement: raises P0002 if an accepted invitation is not valid any more. */
static void
judge_again(const void *what)
{
	const Accepted *accepted = what;

	/* A revocation can be deleted an hour after the invitation expires. */
	if (accepted->expires_at <= GetCurrentTimestamp() ||
		is_revoked((bytea *) accepted->digest) ||
		(accepted->is_left &&
		 !inviter_is_left(&accepted->inviter, &accepted->tenant, accepted->role)))
		refuse_code();
}

/*
 * The transaction can commit much later, so it is judged again until then, and at COMMIT.
 * is_left was determined before the inviter's right was judged.
 */
static void
remember_accepted(const Invitation *invitation, bool is_left)
{
	Size		length = VARSIZE_ANY(invitation->digest);
	Size		size = offsetof(Accepted, digest) + length;
	Accepted   *accepted = palloc0(size);

	accepted->tenant = invitation->tenant;
	accepted->inviter = invitation->inviter;
	strlcpy(accepted->role, invitation->role, sizeof(accepted->role));
	accepted->expires_at = invitation->expires_at;
	memcpy(accepted->digest, invitation->digest, length);
	accepted->is_left = is_left;
	casnet_judged_remember(judge_again, accepted, size, true);
}

/*
 * casnet.accept_invitation(code text) returns uuid
 *
 * Makes the session's user a member, or raises the role, and returns the tenant.  A
 * second caller waits for the first, and then finds nothing.  Raises P0002 for any code
 * that is not valid for this user, 28000 without a user.
 */
Datum
casnet_accept_invitation(PG_FUNCTION_ARGS)
{
	Invitation *invitation;
	pg_uuid_t	holder;
	pg_uuid_t  *tenant;
	bool		is_left;

	AcceptInvalidationMessages();
	holder = casnet_membership_require_user()->key.user;
	invitation = find_invitation(digest_argument(fcinfo, 0));

	/* What can change during the wait is judged afterwards. */
	if (invitation == NULL || !is_for(invitation, &holder) ||
		!casnet_row_delete(CASNET_INVITATIONS, &invitation->row, true) ||
		!is_for(invitation, &holder))
		refuse_code();
	is_left = inviter_is_left(&invitation->inviter, &invitation->tenant,
							  invitation->role);
	if (!counts(invitation))
		refuse_code();
	casnet_membership_require_active(&holder);
	CommandCounterIncrement();
	add_member(&holder, invitation);
	/* Judge it once more, since this could have waited. */
	remember_accepted(invitation, is_left);
	casnet_judged_now();
	end_invitations_to(invitation->email, &invitation->tenant);
	tenant = palloc(sizeof(pg_uuid_t));
	*tenant = invitation->tenant;
	PG_RETURN_UUID_P(tenant);
}

/*
 * The id by which an invitation is listed and cancelled: a UUID of version 8 (RFC 9562,
 * section 5.8).  It is made of a digest of the digest, so it reveals nothing about the
 * code.
 */
static pg_uuid_t
id_of(const Invitation *invitation)
{
	pg_uuid_t	id;

	memcpy(id.data, VARDATA_ANY(casnet_digest(VARDATA_ANY(invitation->digest),
									   VARSIZE_ANY_EXHDR(invitation->digest))),
		   UUID_LEN);
	id.data[6] = (id.data[6] & 0x0f) | 0x80;
	id.data[8] = (id.data[8] & 0x3f) | 0x80;
	return id;
}

/* The session's verdict; the user must hold manage_users.  Raises 28000, 55000, 42501. */
static const CasnetVerdict *
require_inviter(void)
{
	int			manage_users = casnet_permission_find("manage_users");

	AcceptInvalidationMessages();
	return casnet_membership_require(1, &manage_users);
}

/*
 * casnet.invitations() returns setof (id, email, role, invited_by, created_at, expires_at)
 *
 * The invitations to the active tenant that have not ended.  Raises 28000, 55000; 42501
 * without manage_users.
 */
Datum
casnet_invitations(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	pg_uuid_t	tenant = require_inviter()->key.tenant;
	List	   *found = find_of_tenant(&tenant);
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, found)
	{
		Invitation *invitation = lfirst(lc);
		Datum		values[LIST_COLUMNS];
		bool		isnull[LIST_COLUMNS] = {false};
		pg_uuid_t	id = id_of(invitation);

		if (invitation->expires_at <= GetCurrentTimestamp() ||
			is_replaced(invitation, found))
			continue;
		values[0] = UUIDPGetDatum(&id);
		values[1] = CStringGetTextDatum(invitation->email);
		values[2] = CStringGetTextDatum(invitation->role);
		values[3] = UUIDPGetDatum(&invitation->inviter);
		values[4] = TimestampTzGetDatum(invitation->created_at);
		values[5] = TimestampTzGetDatum(invitation->expires_at);
		tuplestore_putvalues(result->setResult, result->setDesc, values,
							 isnull);
	}
	return (Datum) 0;
}

/*
 * casnet.cancel_invitation(id uuid) returns void
 *
 * Ends an invitation to the active tenant.  Raises P0002 if none has that id, 28000,
 * 55000; 42501 without manage_users.
 */
Datum
casnet_cancel_invitation(PG_FUNCTION_ARGS)
{
	const CasnetVerdict *verdict = require_inviter();
	pg_uuid_t	tenant = verdict->key.tenant;
	ListCell   *lc;

	casnet_guard_judge_again(verdict, "manage_users");
	if (!PG_ARGISNULL(0))
		foreach(lc, find_of_tenant(&tenant))
		{
			pg_uuid_t	id = id_of(lfirst(lc));

			if (memcmp(&id, PG_GETARG_UUID_P(0), UUID_LEN) != 0)
				continue;
			end_invitation(lfirst(lc));
			PG_RETURN_VOID();
		}
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("there is no such invitation"),
			 errhint("SELECT * FROM casnet.invitations() lists them.")));
	PG_RETURN_VOID();
}

/*
 * casnet.invitation(code text) returns (tenant_name, role, email, expires_at)
 *
 * What an invitation is for, to whoever has its code, signed in or not.  Raises P0002 for
 * any code that is not valid.
 */
Datum
casnet_invitation(PG_FUNCTION_ARGS)
{
	CasnetTable tenants = CASNET_TENANTS;
	CasnetReading reading;
	Invitation *invitation;
	TupleDesc	columns;
	Datum		values[PREVIEW_COLUMNS];
	bool		isnull[PREVIEW_COLUMNS] = {false};
	char	   *name;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "casnet.invitation() returns a row");
	AcceptInvalidationMessages();
	invitation = find_invitation(digest_argument(fcinfo, 0));
	if (invitation == NULL || !counts(invitation))
		refuse_code();
	name = casnet_catalog_name(CASNET_TENANT_BY_ID, &invitation->tenant,
							   TENANTS_NAME,
							   casnet_reading_begin(&reading, 1, &tenants));
	casnet_reading_end(&reading);
	isnull[0] = name == NULL;
	values[0] = name == NULL ? (Datum) 0 : CStringGetTextDatum(name);
	values[1] = CStringGetTextDatum(invitation->role);
	values[2] = CStringGetTextDatum(invitation->email);
	values[3] = TimestampTzGetDatum(invitation->expires_at);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns),
													  values, isnull)));
}

/*
 * End the invitations to the address of an account that is deleted, deactivated, or gets
 * another address: a later change could return to the old one.
 */
static void
end_by_account(TriggerData *trigger)
{
	Relation	relation = trigger->tg_relation;
	HeapTuple	old = trigger->tg_trigtuple;
	HeapTuple	new = trigger->tg_newtuple;
	char	   *email = casnet_trigger_text(relation, old, "email");

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return;
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		(casnet_trigger_bool(relation, new, "is_active") ||
		 !casnet_trigger_bool(relation, old, "is_active")) &&
		strcmp(fold(email),
			   fold(casnet_trigger_text(relation, new, "email"))) == 0)
		return;
	end_invitations_to(email, NULL);
}

/* End the invitation that a change of a membership makes obsolete. */
static void
end_by_membership(TriggerData *trigger)
{
	Relation	relation = trigger->tg_relation;
	HeapTuple	row = trigger->tg_trigtuple;
	pg_uuid_t	user;
	pg_uuid_t	tenant;
	char	   *email;

	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		strcmp(casnet_trigger_text(relation, row, "role"),
			   casnet_trigger_text(relation, trigger->tg_newtuple, "role")) == 0)
		return;
	if (!casnet_trigger_uuid(relation, row, "user_id", &user) ||
		!casnet_trigger_uuid(relation, row, "tenant_id", &tenant))
		return;
	/* If the account is deleted, its invitations have already ended. */
	email = address_of(&user);
	if (email != NULL)
		end_invitations_to(email, &tenant);
}

/*
 * casnet_internal.end_invitations() returns trigger
 *
 * AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW ON users, user_tenants: an earlier
 * invitation must not give back what is taken away.  Raises 39P01 elsewhere.
 */
Datum
casnet_end_invitations(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "end_invitations", false);

	if (casnet_catalog_is(CASNET_USERS, trigger->tg_relation))
		end_by_account(trigger);
	else if (casnet_catalog_is(CASNET_USER_TENANTS, trigger->tg_relation))
		end_by_membership(trigger);
	else
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.end_invitations() was not called for an account or a membership"),
				 errhint("Attach it as casnet.install() does.")));
	return PointerGetDatum(NULL);
}
