/*
 * invitation.c
 *		Invitations: a code that makes one person, once, a member.
 *
 * The code is made here and returned to the client, or comes from one; neither it
 * nor its digest is a value of SQL within casnet.  Whether it counts is judged at
 * the moment when it is used, by what the inviter may do then.
 *
 * Of a tenant and an address there is one, the newest.  It ends when the membership
 * that it is about begins, changes or ends, and when the account does or is deactivated:
 * its row goes.  Whoever is about to accept it, and so holds the row, keeps nobody
 * waiting: then the code is revoked like a token (revocation.c), and whoever accepts it
 * looks for that once the membership is written, which may have waited for the other, and
 * when the transaction commits.
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

/* A code has fewer bytes, as it is written. */
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

static bytea *
sha256(const void *bytes, int length)
{
	return DatumGetByteaP(DirectFunctionCall1(sha256_bytea,
											  PointerGetDatum(cstring_to_text_with_len(bytes, length))));
}

/* The SHA-256 of a code, which is UTF-8 whatever the encoding of the database. */
static bytea *
digest_of(const char *code, int length)
{
	char	   *bytes = (char *)
		pg_do_encoding_conversion((unsigned char *) code, length,
								  GetDatabaseEncoding(), PG_UTF8);

	if (bytes != code)
		length = strlen(bytes);
	return sha256(bytes, length);
}

/*
 * The digest of a code that a client sends, perhaps with white space around it.  What is too
 * long to be one has the digest of its beginning, which is none either.
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

/* An address as it is compared, and stored here. */
static char *
fold(const char *string)
{
	return text_to_cstring(casnet_name_compared(cstring_to_text(string)));
}

/* The address as it is compared.  Raises 22023 when it cannot be one. */
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

/* Read a row. */
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

/* The invitations that a path finds at this moment, those that are over, too. */
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
 * Those to an address: from that tenant, or from any if it is NULL.  For a member none of
 * others is looked at, which the server would count.
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

/* Whether another one of those, which are of its tenant, is to the same address and newer. */
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
 * End it.  If somebody else holds the row, its code is revoked; and who has accepted it in
 * a transaction that is still open hears of it as of a membership.
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
	casnet_catalog_announce(CASNET_USER_TENANTS, members);
	table_close(members, NoLock);
}

/* End those to the address: to that tenant, or to any if it is NULL. */
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
 * A code with which the account of that address, once, becomes a member of the
 * active tenant; one that it had before ends.  Raises 22023, 28000, 55000, 42501.
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

/* Whether that verdict lets somebody invite with the role. */
static bool
may_invite(const CasnetVerdict *verdict, const char *role)
{
	return casnet_membership_holds(verdict,
								   casnet_permission_find("manage_users")) &&
		casnet_guard_may_add(verdict, role);
}

/* Nobody gives more than they hold when it takes effect. */
static bool
inviter_may(const Invitation *invitation)
{
	AcceptInvalidationMessages();
	return may_invite(casnet_membership_of(&invitation->inviter,
										   &invitation->tenant),
					  invitation->role);
}

/*
 * Make the user a member, or raise the role, as far as the new one gives all that the other
 * did; see accept_invitation().
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

/* Whether it counts at this moment, for anybody. */
static bool
counts(const Invitation *invitation)
{
	return invitation->expires_at > GetCurrentTimestamp() &&
		!is_replaced(invitation, find_of_address(invitation->email,
												&invitation->tenant)) &&
		inviter_may(invitation);
}

/* Raises P0002: one message for every code that does not count. */
static void
refuse_code(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("there is no such invitation for you"),
			 errhint("A code works once, in time, for the account with the email address it was sent to; ask for a new one.")));
}

/* Whether it was cancelled, or has ended in another way. */
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
	bool		is_left;		/* the inviter's right comes from others */
	char		role[CASNET_NAME_LENGTH];
	TimestampTz expires_at;
	char		digest[FLEXIBLE_ARRAY_MEMBER];	/* a bytea */
} Accepted;

/* Whether others have left the inviter the right to give that. */
static bool
inviter_is_left(const pg_uuid_t *inviter, const pg_uuid_t *tenant,
				const char *role)
{
	CasnetVerdict verdict;

	casnet_membership_of_others(inviter, tenant, &verdict);
	return may_invite(&verdict, role);
}

/* CasnetJudgement: raises P0002 if an accepted invitation does not count any more. */
static void
judge_again(const void *what)
{
	const Accepted *accepted = what;

	/* A cancellation is forgotten an hour after that. */
	if (accepted->expires_at <= GetCurrentTimestamp() ||
		is_revoked((bytea *) accepted->digest) ||
		(accepted->is_left &&
		 !inviter_is_left(&accepted->inviter, &accepted->tenant, accepted->role)))
		refuse_code();
}

/*
 * It may be long until the transaction commits; it is judged once more, and until then.
 * Whose the inviter's right is was found before that was judged.
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
 * Makes the user of this session a member, or raises the role, and returns the
 * tenant.  Whoever comes second waits for the first one, and finds nothing.  Raises
 * P0002 for any code that does not count for this user, 28000 without a user.
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

	/* What may change while we wait is judged afterwards. */
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
	/* Once more, since it may have waited. */
	remember_accepted(invitation, is_left);
	casnet_judged_now();
	end_invitations_to(invitation->email, &invitation->tenant);
	tenant = palloc(sizeof(pg_uuid_t));
	*tenant = invitation->tenant;
	PG_RETURN_UUID_P(tenant);
}

/*
 * The id by which an invitation is listed and cancelled: a UUID of version 8 (RFC 9562,
 * section 5.8) made of a digest of its digest, from which no code can be told.
 */
static pg_uuid_t
id_of(const Invitation *invitation)
{
	pg_uuid_t	id;

	memcpy(id.data, VARDATA_ANY(sha256(VARDATA_ANY(invitation->digest),
									   VARSIZE_ANY_EXHDR(invitation->digest))),
		   UUID_LEN);
	id.data[6] = (id.data[6] & 0x0f) | 0x80;
	id.data[8] = (id.data[8] & 0x3f) | 0x80;
	return id;
}

/* The verdict about the session, whose user may invite.  Raises 42501 and others. */
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
 * The invitations to the active tenant that have not ended.  Raises 28000, 55000,
 * 42501 without manage_users.
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
 * Ends an invitation to the active tenant.  Raises P0002 when there is none with that
 * id, 28000, 55000, 42501 without manage_users.
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
 * What an invitation is for, to whoever has its code, signed in or not.  Raises P0002
 * for any code that does not count.
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
 * End those that the change of an account makes an end of: it goes, is deactivated, or has
 * another address, to which the next change might lead back.
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

/* End those that the change of a membership makes an end of. */
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
	/* With the account they have gone before. */
	email = address_of(&user);
	if (email != NULL)
		end_invitations_to(email, &tenant);
}

/*
 * casnet_internal.end_invitations() returns trigger
 *
 * AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW ON users, user_tenants: what is taken
 * away is not given back by an invitation of before.  Raises 39P01 elsewhere.
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
				 errhint("It is attached to tables by casnet.install().")));
	return PointerGetDatum(NULL);
}
