/*
 * invitation.c
 *		Invitations: a code that makes one person a member, once, by an account that
 *		exists or by a new one.
 *
 * casnet makes the code and returns it to the client; a client later sends it back.
 * Neither the code nor its digest is a value of SQL within casnet.  Whether the code is
 * valid is judged when it is used, by the inviter's rights at that time.
 *
 * A tenant has one invitation to an address, the newest.  When an invitation ends
 * (invitation_end.c), its row is deleted.  Somebody could be about to accept it, and so hold
 * the row.  So as not to wait for that, casnet then revokes the code like a token
 * (revocation.c).  Accepting checks for that twice: when the membership is written, since
 * that could have waited for the other transaction, and at COMMIT.
 *
 * An invitation of an open transaction is there for nobody who ends it, and what ends it can
 * be open while it is made.  So it carries a generation, which every end of a membership or
 * an account with that address, and every loss of a right of the inviter, changes, as for
 * tokens.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "casnet.h"
#include "invitation.h"

/* What invitations() and invitation() return. */
#define LIST_COLUMNS 6
#define PREVIEW_COLUMNS 4

PG_FUNCTION_INFO_V1(casnet_invite_member);
PG_FUNCTION_INFO_V1(casnet_accept_invitation);
PG_FUNCTION_INFO_V1(casnet_sign_up);
PG_FUNCTION_INFO_V1(casnet_invitations);
PG_FUNCTION_INFO_V1(casnet_cancel_invitation);
PG_FUNCTION_INFO_V1(casnet_invitation);

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
	invitation->proves_address =
		DatumGetBool(casnet_scan_value(scan, tuple, INVITATIONS_PROVES_ADDRESS,
									   &isnull));
	invitation->generation =
		DatumGetInt64(casnet_scan_value(scan, tuple, INVITATIONS_GENERATION,
										&isnull));
	if (isnull)
		invitation->generation = -1;
}

/*
 * Under which id the ends of invitations to an address are noted: of those from that tenant,
 * or from any if it is NULL.
 */
pg_uuid_t
casnet_invitation_ends_id(const char *email, const pg_uuid_t *tenant)
{
	static const pg_uuid_t any;
	char	   *address = casnet_code_fold(email);
	uint8		digest[PG_SHA256_DIGEST_LENGTH];

	casnet_digest_of_two(tenant == NULL ? &any : tenant, UUID_LEN, address,
						 strlen(address), digest);
	return casnet_uuid_of_digest(digest);
}

/* The same for the ends of what an inviter has made. */
pg_uuid_t
casnet_invitation_inviter_id(const pg_uuid_t *inviter, const pg_uuid_t *tenant)
{
	static const pg_uuid_t any;
	char		name[8 + UUID_LEN] = "inviter ";
	uint8		digest[PG_SHA256_DIGEST_LENGTH];

	memcpy(name + 8, inviter, UUID_LEN);
	casnet_digest_of_two(tenant == NULL ? &any : tenant, UUID_LEN, name,
						 sizeof(name), digest);
	return casnet_uuid_of_digest(digest);
}

/* The generation of an invitation to the address that somebody makes for the tenant now. */
static int64
generation_of(const char *email, const pg_uuid_t *tenant, const pg_uuid_t *inviter,
			  Snapshot snapshot)
{
	pg_uuid_t	ids[] = {
		casnet_invitation_ends_id(email, tenant), casnet_invitation_ends_id(email, NULL),
		casnet_invitation_inviter_id(inviter, tenant), casnet_invitation_inviter_id(inviter, NULL)
	};
	int64		generation = 0;

	for (int i = 0; i < lengthof(ids); i++)
		generation ^= casnet_revocation_generation(&ids[i], snapshot);
	return generation;
}

/*
 * Whether the invitation has not ended, whoever held its row then.  The server's statistics
 * do not count the look, since other tenants' members have accounts with that address.
 */
static bool
is_live(Invitation *invitation, Snapshot snapshot)
{
	int			level = casnet_catalog_begin_quiet();
	bool		result = !casnet_revocation_is_revoked(invitation->digest, snapshot) &&
		(invitation->generation == -1 ||
		 invitation->generation == generation_of(invitation->email,
												 &invitation->tenant,
												 &invitation->inviter, snapshot));

	casnet_catalog_end_quiet(level);
	return result;
}

/*
 * The invitations that a path finds at this moment and that have not ended, expired ones
 * included.
 */
List *
casnet_invitation_find(CasnetPath path, Datum key1, Datum key2)
{
	static const CasnetTable tables[] = {CASNET_INVITATIONS,
	CASNET_REVOKED_TOKENS, CASNET_TOKEN_CUTOFFS};
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
		if (is_live(invitation, reading.snapshot))
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
	List	   *found = casnet_invitation_find(CASNET_INVITATION,
											   PointerGetDatum(digest), (Datum) 0);

	return found == NIL ? NULL : linitial(found);
}

List *
casnet_invitation_of_tenant(const pg_uuid_t *tenant)
{
	return casnet_invitation_find(CASNET_INVITATIONS_OF_TENANT,
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
	Datum		address = CStringGetTextDatum(casnet_code_fold(email));

	return tenant == NULL ?
		casnet_invitation_find(CASNET_ALL_INVITATIONS_TO, address, (Datum) 0) :
		casnet_invitation_find(CASNET_INVITATIONS_TO, address,
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
void
casnet_invitation_end(Invitation *invitation)
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
void
casnet_invitation_end_to(const char *email, const pg_uuid_t *tenant)
{
	ListCell   *lc;

	foreach(lc, find_of_address(email, tenant))
		casnet_invitation_end(lfirst(lc));
}

/* Whether the account has, at this moment, the address of the invitation. */
static bool
is_for(const Invitation *invitation, const pg_uuid_t *holder)
{
	char	   *email = casnet_user_address(holder);

	return email != NULL && strcmp(invitation->email, casnet_code_fold(email)) == 0;
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
	bytea	   *digest;
	text	   *code;
	pg_uuid_t	tenant;
	pg_uuid_t	inviter;
	const CasnetVerdict *verdict;
	CasnetTable cutoffs = CASNET_TOKEN_CUTOFFS;
	CasnetReading reading;
	int			level;

	AcceptInvalidationMessages();
	verdict = casnet_membership_require(1, &manage_users);
	tenant = verdict->key.tenant;
	inviter = verdict->key.user;
	casnet_guard_judge_again(verdict, "manage_users");
	values[INVITATIONS_EMAIL] = casnet_code_email_argument(fcinfo, 0);
	values[INVITATIONS_EXPIRES_AT] =
		TimestampTzGetDatum(casnet_code_end_argument(fcinfo, 2));
	values[INVITATIONS_ROLE] = PG_ARGISNULL(1) ? CStringGetTextDatum("") :
		PG_GETARG_DATUM(1);
	(void) DirectFunctionCall1(casnet_require_may_give,
							   values[INVITATIONS_ROLE]);

	level = casnet_catalog_begin_quiet();
	values[INVITATIONS_GENERATION] =
		Int64GetDatum(generation_of(TextDatumGetCString(values[INVITATIONS_EMAIL]),
									&tenant, &inviter,
									casnet_reading_begin(&reading, 1, &cutoffs)));
	casnet_reading_end(&reading);
	casnet_catalog_end_quiet(level);
	code = casnet_code_make(&digest);
	values[INVITATIONS_DIGEST] = PointerGetDatum(digest);
	values[INVITATIONS_TENANT_ID] = UUIDPGetDatum(&tenant);
	values[INVITATIONS_INVITED_BY] = UUIDPGetDatum(&inviter);
	values[INVITATIONS_CREATED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	/* Anybody else could keep the code, and so take the address of whom they like. */
	values[INVITATIONS_PROVES_ADDRESS] =
		BoolGetDatum(casnet_security_is_backend() ||
					 casnet_security_is_administrator());
	casnet_row_clear(CASNET_INVITATIONS, CASNET_INVITATIONS_OVER,
					 GetCurrentTimestamp());
	casnet_invitation_end_to(TextDatumGetCString(values[INVITATIONS_EMAIL]), &tenant);
	casnet_row_insert(CASNET_INVITATIONS, values, isnull);
	PG_RETURN_TEXT_P(code);
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
		casnet_code_is_revoked((bytea *) accepted->digest) ||
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
 * Take the invitation, so that nobody else does: wait for whoever is taking it, and delete
 * its row.  Raises P0002 if that fails.
 */
static void
take(Invitation *invitation)
{
	if (!casnet_row_delete(CASNET_INVITATIONS, &invitation->row, true))
		refuse_code();
}

/*
 * Make the user a member by an invitation that was taken.  This judges what could change
 * while somebody was waited for, and remembers it for COMMIT.  Raises P0002.
 */
static void
accept_taken(const pg_uuid_t *user, const Invitation *invitation)
{
	bool		is_left = inviter_is_left(&invitation->inviter,
										  &invitation->tenant,
										  invitation->role);

	if (!counts(invitation))
		refuse_code();
	casnet_membership_require_active(user);
	CommandCounterIncrement();
	add_member(user, invitation);
	/* Judge it once more, since this could have waited. */
	remember_accepted(invitation, is_left);
	casnet_judged_now();
	casnet_invitation_end_to(invitation->email, &invitation->tenant);
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

	AcceptInvalidationMessages();
	holder = *casnet_membership_require_whole();
	invitation = find_invitation(casnet_code_digest_argument(fcinfo, 0));

	/* What can change during the wait is judged afterwards. */
	if (invitation == NULL || !is_for(invitation, &holder))
		refuse_code();
	take(invitation);
	if (!is_for(invitation, &holder))
		refuse_code();
	accept_taken(&holder, invitation);
	return casnet_uuid_copy(&invitation->tenant);
}

/*
 * casnet.sign_up(code text, username text, password text, full_name text) returns uuid
 *
 * Makes an account with the address of an invitation, which whoever has the code has
 * proved, and accepts the invitation.  Returns the account's id.  An error undoes both.
 * The code is judged before anything else is looked at, so only its holder learns that a
 * name is taken.  Raises 55000 if somebody is signed in, P0002 for any code that is not
 * valid, 22023, 23505.
 */
Datum
casnet_sign_up(PG_FUNCTION_ARGS)
{
	Invitation *invitation;
	text	   *username;
	pg_uuid_t	user;

	AcceptInvalidationMessages();
	if (casnet_token_is_set() || casnet_session_user() != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("somebody is signed in"),
				 errhint("A user who has an account calls casnet.accept_invitation(). To make another account, call casnet.sign_out() first.")));
	invitation = find_invitation(casnet_code_digest_argument(fcinfo, 0));
	if (invitation == NULL || !counts(invitation))
		refuse_code();
	if (!invitation->proves_address)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the invitation does not prove the address"),
				 errdetail("Whoever made it has seen the code, with a role that is not trusted to mail it."),
				 errhint("Let a trusted backend, a member of casnet_authenticator, invite; or sign in to an account with that address and call casnet.accept_invitation().")));
	username = casnet_account_username_argument(fcinfo, 1, invitation->email);
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the password is null"),
				 errhint("A password has 8 to 1024 bytes.")));
	take(invitation);
	casnet_uuid_make(&user, false);
	casnet_account_sign_up(&user, username, invitation->email,
						   PG_GETARG_TEXT_PP(2),
						   PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3));
	accept_taken(&user, invitation);
	return casnet_uuid_copy(&user);
}

/*
 * The id by which an invitation is listed and cancelled: a UUID of version 8 (RFC 9562,
 * section 5.8).  It is made of a digest of the digest, so it reveals nothing about the
 * code.
 */
static pg_uuid_t
id_of(const Invitation *invitation)
{
	bytea	   *digest = casnet_digest(VARDATA_ANY(invitation->digest),
									   VARSIZE_ANY_EXHDR(invitation->digest));

	return casnet_uuid_of_digest(VARDATA_ANY(digest));
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
	List	   *found = casnet_invitation_of_tenant(&tenant);
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
		foreach(lc, casnet_invitation_of_tenant(&tenant))
		{
			pg_uuid_t	id = id_of(lfirst(lc));

			if (memcmp(&id, PG_GETARG_UUID_P(0), UUID_LEN) != 0)
				continue;
			/* Also one that this one has replaced. */
			casnet_invitation_end_to(((Invitation *) lfirst(lc))->email, &tenant);
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
	invitation = find_invitation(casnet_code_digest_argument(fcinfo, 0));
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
