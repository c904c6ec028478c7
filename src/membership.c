/*
 * membership.c
 *		What a user may do in a tenant: the verdict, and how long it is kept.
 *
 * A verdict is made on first use from five index lookups and kept until
 * casnet_epoch moves.  It is kept only if the epoch stood still while it was
 * made: a revocation that commits between snapshot and lookup is announced
 * by a message, and the message moves the epoch.  Verdicts live in a memory
 * context of their own and are never thrown away from a callback.
 *
 * Most changes are somebody else's.  After a message about a table, a verdict
 * stays if its own rows there are the versions from which it was made.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "casnet.h"

/* A pooled connection sees many users; so many verdicts are kept at most. */
#define MAX_VERDICTS 1024

/* Lookups repeated because the tables changed meanwhile; see below. */
#define MAX_ATTEMPTS 10

/* Of transaction ids less far apart than 2^31, one is the older. */
#define MAX_XID_DISTANCE 1000000000

/* The entry of the session's verdict, if nobody else was asked about since. */
static CasnetHeld *entry_of_session = NULL;

static MemoryContext cache_context = NULL;
static HTAB *cache = NULL;
static uint64 last_epoch = 0;	/* that of the verdict last handed out */

/* The last verdict about the session; gone with the cache. */
static const CasnetVerdict *current_verdict = NULL;
static uint64 current_generation = 0;

/*
 * Set when a verdict was made by a transaction that has written something:
 * it may rest on rows that a rollback takes away again.
 */
static bool may_rest_on_own_rows = false;

/*
 * The end of a transaction by rollback, or by PREPARE TRANSACTION, which takes
 * its rows out of our sight until COMMIT PREPARED.  The message about them that
 * the server then gives us is not enough: the version of a row that comes back
 * is older than the verdict, and would count as the one that it was made from.
 */
static void
transaction_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		case XACT_EVENT_PREPARE:
			if (may_rest_on_own_rows)
				casnet_catalog_invalidate();
			may_rest_on_own_rows = false;
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
			may_rest_on_own_rows = false;
			break;
		default:
			break;
	}
}

/* ROLLBACK TO SAVEPOINT, or an exception handler's rollback. */
static void
subtransaction_callback(SubXactEvent event, SubTransactionId mySubid,
						SubTransactionId parentSubid, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && may_rest_on_own_rows)
		casnet_catalog_invalidate();
}

void
casnet_membership_init(void)
{
	RegisterXactCallback(transaction_callback, NULL);
	RegisterSubXactCallback(subtransaction_callback, NULL);
}

/* Throw all verdicts away and begin anew; may raise out of memory. */
static void
reset_cache(void)
{
	HASHCTL		ctl;

	current_verdict = NULL;
	cache = NULL;
	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(TopMemoryContext,
											  "casnet verdicts",
											  ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(cache_context);

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(CasnetVerdictKey);
	ctl.entrysize = sizeof(CasnetVerdict);
	ctl.hcxt = cache_context;
	cache = hash_create("casnet verdicts", 16, &ctl,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Add the permission in column of the row to the set. */
static Bitmapset *
add_permission(Bitmapset *set, CasnetScan *scan, HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = casnet_scan_value(scan, tuple, column, &isnull);
	char	   *name;
	int			bit;

	if (isnull)
		return set;
	name = TextDatumGetCString(value);
	bit = casnet_permission_intern(name);
	pfree(name);
	return bit < 0 ? set : bms_add_member(set, bit);
}

/*
 * The permissions of a role by role_permissions, in the current memory
 * context; NULL for an unknown role.
 */
Bitmapset *
casnet_membership_role_permissions(const char *role, Snapshot snapshot)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	Bitmapset  *set = NULL;

	casnet_scan_begin(&scan, CASNET_PERMISSIONS_OF_ROLE, snapshot,
					  CStringGetTextDatum(role), (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
		set = add_permission(set, &scan, tuple, ROLE_PERMISSIONS_PERMISSION);
	casnet_scan_end(&scan);
	return set;
}

/* The user's own row. */
static void
read_user(CasnetVerdict *verdict, Snapshot snapshot)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		isnull;

	casnet_scan_begin(&scan, CASNET_USER_BY_ID, snapshot,
					  UUIDPGetDatum(&verdict->key.user), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		verdict->user_active =
			DatumGetBool(casnet_scan_value(&scan, tuple,
										   USERS_IS_ACTIVE, &isnull));
		verdict->superuser =
			DatumGetBool(casnet_scan_value(&scan, tuple,
										   USERS_IS_SUPERUSER, &isnull));
	}
	casnet_scan_end(&scan);
}

/* The membership: the role and its permissions, and those granted in person. */
static void
read_member(CasnetVerdict *verdict, Snapshot snapshot)
{
	Datum		user = UUIDPGetDatum(&verdict->key.user);
	Datum		tenant = UUIDPGetDatum(&verdict->key.tenant);
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, CASNET_MEMBER, snapshot, user, tenant);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;
		Datum		role = casnet_scan_value(&scan, tuple, USER_TENANTS_ROLE,
											 &isnull);

		verdict->is_member = true;
		verdict->tenant_open = true;
		if (!isnull)
			text_to_cstring_buffer(DatumGetTextPP(role), verdict->role,
								   sizeof(verdict->role));
	}
	casnet_scan_end(&scan);
	if (!verdict->is_member)
		return;

	verdict->permissions =
		casnet_membership_role_permissions(verdict->role, snapshot);

	casnet_scan_begin(&scan, CASNET_PERMISSIONS_OF_MEMBER, snapshot,
					  user, tenant);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		verdict->permissions =
			add_permission(verdict->permissions, &scan, tuple,
						   USER_TENANT_PERMISSIONS_PERMISSION);
		verdict->granted++;
	}
	casnet_scan_end(&scan);
}

/*
 * The role of somebody in the tenant, at this moment; whether there is such a membership.
 * It is there whatever the state of the account, on which a verdict depends; so this is what
 * decides about who is judged, and the verdict about who does something.
 */
bool
casnet_membership_role_of(const pg_uuid_t *user, const pg_uuid_t *tenant,
						  char role[CASNET_NAME_LENGTH])
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;

	role[0] = '\0';
	casnet_scan_begin(&scan, CASNET_MEMBER, snapshot, UUIDPGetDatum(user),
					  UUIDPGetDatum(tenant));
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;
		Datum		value = casnet_scan_value(&scan, tuple, USER_TENANTS_ROLE,
											  &isnull);

		if (!isnull)
			text_to_cstring_buffer(DatumGetTextPP(value), role,
								   CASNET_NAME_LENGTH);
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return tuple != NULL;
}

/* Whether the tenant is there. */
static bool
tenant_exists(const pg_uuid_t *tenant, Snapshot snapshot)
{
	CasnetScan	scan;
	bool		exists;

	casnet_scan_begin(&scan, CASNET_TENANT_BY_ID, snapshot,
					  UUIDPGetDatum(tenant), (Datum) 0);
	exists = casnet_scan_next(&scan) != NULL;
	casnet_scan_end(&scan);
	return exists;
}

/* Make the verdict whose key is given, with one snapshot throughout. */
static void
read_verdict(CasnetVerdict *verdict, Snapshot snapshot)
{
	read_user(verdict, snapshot);
	if (!verdict->user_active || !verdict->key.has_tenant)
		return;

	read_member(verdict, snapshot);

	/* A superuser may be active in any tenant that exists. */
	if (verdict->superuser && !verdict->tenant_open)
		verdict->tenant_open = tenant_exists(&verdict->key.tenant, snapshot);
}

/* The first transaction id that is not given out yet; it does not wrap around. */
static uint64
next_xid(void)
{
	return U64FromFullTransactionId(ReadNextFullTransactionId());
}

/* Something was derived from the tables that a rollback may have to undo. */
void
casnet_membership_note_lookup(void)
{
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		may_rest_on_own_rows = true;
}

/* The verdict is good at this moment. */
static void
note_moment(CasnetVerdict *verdict)
{
	verdict->epoch = casnet_epoch;
	memcpy(verdict->table_epochs, casnet_table_epochs,
		   sizeof(casnet_table_epochs));
}

/*
 * Whether this version of a row, which is there now, was there when the verdict
 * was made.  Its writer had ended then; hint bits would not tell, since vacuum
 * may set them while the writer's message is still under way.
 */
static bool
was_seen(const CasnetVerdict *verdict, HeapTuple tuple)
{
	return TransactionIdPrecedes(HeapTupleHeaderGetRawXmin(tuple->t_data),
								 verdict->xmin);
}

/*
 * Whether the only row that the path finds, or that there is none, is as it was
 * when the verdict was made.
 */
static bool
row_stays(const CasnetVerdict *verdict, CasnetPath path, bool expected,
		  Snapshot snapshot)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		stays;

	casnet_scan_begin(&scan, path, snapshot,
					  UUIDPGetDatum(&verdict->key.user),
					  UUIDPGetDatum(&verdict->key.tenant));
	tuple = casnet_scan_next(&scan);
	stays = tuple == NULL ? !expected : expected && was_seen(verdict, tuple);
	casnet_scan_end(&scan);
	return stays;
}

/* The same of all permissions that were granted in person. */
static bool
grants_stay(const CasnetVerdict *verdict, Snapshot snapshot)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	int			seen = 0;

	casnet_scan_begin(&scan, CASNET_PERMISSIONS_OF_MEMBER, snapshot,
					  UUIDPGetDatum(&verdict->key.user),
					  UUIDPGetDatum(&verdict->key.tenant));
	while ((tuple = casnet_scan_next(&scan)) != NULL &&
		   was_seen(verdict, tuple))
		seen++;
	casnet_scan_end(&scan);
	return tuple == NULL && seen == verdict->granted;
}

/*
 * Whether a verdict is still good, after messages that rows of some tables
 * changed: those of others, mostly.
 */
static bool
still_holds(const CasnetVerdict *verdict, Snapshot snapshot)
{
	const uint64 *then = verdict->table_epochs;
	const uint64 *now = casnet_table_epochs;

	if (then[CASNET_ROLE_PERMISSIONS] != now[CASNET_ROLE_PERMISSIONS] ||
		(verdict->superuser && then[CASNET_TENANTS] != now[CASNET_TENANTS]) ||
		next_xid() - verdict->next_xid > MAX_XID_DISTANCE)
		return false;
	if (then[CASNET_USERS] != now[CASNET_USERS] &&
		!row_stays(verdict, CASNET_USER_BY_ID, true, snapshot))
		return false;
	if (then[CASNET_USER_TENANTS] != now[CASNET_USER_TENANTS] &&
		!row_stays(verdict, CASNET_MEMBER, verdict->is_member, snapshot))
		return false;
	return then[CASNET_USER_TENANT_PERMISSIONS] ==
		now[CASNET_USER_TENANT_PERMISSIONS] || grants_stay(verdict, snapshot);
}

/*
 * The verdict about a user in a tenant, or about the user alone when tenant
 * is NULL.  Good until the next call of this function.  Raises 55000 when the
 * tables are missing.
 */
const CasnetVerdict *
casnet_membership_of(const pg_uuid_t *user, const pg_uuid_t *tenant)
{
	CasnetVerdictKey key;
	CasnetVerdict made;
	CasnetVerdict *kept = NULL;
	MemoryContext oldcontext;
	Bitmapset  *permissions;

	memset(&key, 0, sizeof(key));
	key.user = *user;
	key.has_tenant = tenant != NULL;
	if (tenant != NULL)
		key.tenant = *tenant;

	if (cache != NULL)
		kept = hash_search(cache, &key, HASH_FIND, NULL);
	if (kept != NULL && kept->epoch == casnet_epoch)
	{
		last_epoch = kept->epoch;
		return kept;
	}

	casnet_judged_now();

	/*
	 * If the tables change faster than we can read them, the last attempt is
	 * used, which was true when it was made, and not kept: its epoch stays
	 * behind.
	 */
	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		Snapshot	snapshot = casnet_catalog_snapshot_of_rights();
		bool		holds;

		/*
		 * Messages up to the snapshot are in; from here on each one counts.
		 * Taking a snapshot processes none.
		 */
		memset(&made, 0, sizeof(made));
		made.key = key;
		made.xmin = snapshot->xmin;
		made.next_xid = next_xid();
		note_moment(&made);

		/* Once: what comes of the last attempt must have been read. */
		holds = attempt == 0 && kept != NULL && still_holds(kept, snapshot);
		if (!holds)
			read_verdict(&made, snapshot);
		UnregisterSnapshot(snapshot);
		if (made.epoch != casnet_epoch)
			continue;
		if (!holds)
			break;

		casnet_membership_note_lookup();
		note_moment(kept);
		last_epoch = kept->epoch;
		return kept;
	}

	casnet_membership_note_lookup();

	/* The entry is made last, since the lookup may itself invalidate. */
	if (cache == NULL || hash_get_num_entries(cache) >= MAX_VERDICTS)
	{
		reset_cache();
		kept = NULL;
	}

	oldcontext = MemoryContextSwitchTo(cache_context);
	permissions = bms_copy(made.permissions);
	MemoryContextSwitchTo(oldcontext);
	bms_free(made.permissions);
	made.permissions = permissions;

	if (kept != NULL)
		bms_free(kept->permissions);
	else
		kept = hash_search(cache, &key, HASH_ENTER, NULL);
	*kept = made;
	last_epoch = kept->epoch;
	return kept;
}

/* The verdict with that snapshot; not kept, and in memory of the caller's. */
static void
read_apart(const pg_uuid_t *user, const pg_uuid_t *tenant, Snapshot snapshot,
		   CasnetVerdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->key.user = *user;
	verdict->key.has_tenant = tenant != NULL;
	if (tenant != NULL)
		verdict->key.tenant = *tenant;
	read_verdict(verdict, snapshot);
}

/* The verdict by what others have committed, without what this transaction has changed. */
void
casnet_membership_of_others(const pg_uuid_t *user, const pg_uuid_t *tenant,
							CasnetVerdict *verdict)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	SnapshotData others = *snapshot;

	others.curcid = FirstCommandId;
	read_apart(user, tenant, &others, verdict);
	UnregisterSnapshot(snapshot);
}

/*
 * Whether the user may be active in the tenant.  Nothing of it is kept, lest it be seen
 * later that it was asked.
 */
bool
casnet_membership_is_open(const pg_uuid_t *user, const pg_uuid_t *tenant)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetVerdict verdict;

	read_apart(user, tenant, snapshot, &verdict);
	UnregisterSnapshot(snapshot);
	return verdict.tenant_open;
}

/*
 * The rights of a user in a tenant, or alone if that is NULL, are asked for by a
 * token of that number; 0 for none.
 */
void
casnet_membership_note_asked(const pg_uuid_t *user, const pg_uuid_t *tenant,
							 uint64 token)
{
	entry_of_session = NULL;
	(void) casnet_asked_note(casnet_membership_of(user, tenant), token);
}

/* The last verdict is kept, so an answer derived from it may be kept too. */
bool
casnet_membership_is_cached(void)
{
	return last_epoch == casnet_epoch;
}

/*
 * The verdict about the session's user in this tenant, or about the user alone
 * when tenant is NULL; NULL when the session names no user.
 *
 * The token and the membership are looked up one after the other.  If the
 * tables about tokens changed meanwhile, the token is asked again, lest the
 * answer be put together from a time before and a time after.
 */
const CasnetVerdict *
casnet_membership_in(const pg_uuid_t *tenant)
{
	const pg_uuid_t *user;
	const CasnetVerdict *verdict = NULL;

	casnet_statement_check();
	user = casnet_session_user();
	for (int attempt = 0; attempt < MAX_ATTEMPTS && user != NULL; attempt++)
	{
		uint64		epoch = casnet_token_epoch;

		verdict = casnet_membership_of(user, tenant);
		entry_of_session = NULL;
		(void) casnet_asked_note(verdict, casnet_token_number());
		AcceptInvalidationMessages();
		if (epoch == casnet_token_epoch)
			return verdict;
		user = casnet_session_user();
	}
	return user == NULL ? NULL : verdict;
}

/*
 * The verdict about the session, or NULL when it names no user.  Raises 55000
 * when it became somebody else while a statement was writing.
 */
const CasnetVerdict *
casnet_membership_current(void)
{
	casnet_statement_check();
	if (casnet_session_user() == NULL)
		return NULL;
	if (current_verdict == NULL || current_generation != casnet_generation ||
		current_verdict->epoch != casnet_epoch)
	{
		const CasnetVerdict *verdict =
			casnet_membership_in(casnet_session_tenant());

		current_verdict = verdict;
		current_generation = casnet_generation;
		entry_of_session = NULL;
	}
	else if (likely(entry_of_session != NULL &&
					entry_of_session->token == casnet_token_number()))
		entry_of_session->asked = ++casnet_rights_asked;
	else
		entry_of_session = casnet_asked_note(current_verdict,
											 casnet_token_number());
	return current_verdict;
}

/* Raises 28000 unless the user exists and is active; one message for both. */
static void
check_user(const CasnetVerdict *verdict)
{
	if (!verdict->user_active)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("the user of this session does not exist or is not active"),
				 errhint("Sign in as an active user; an administrator can set users.is_active.")));
}

/* The verdict about the session's user, who exists and is active, or 28000. */
const CasnetVerdict *
casnet_membership_require_user(void)
{
	const CasnetVerdict *verdict = casnet_membership_current();

	if (verdict == NULL && casnet_token_is_set())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("the session token proves nobody"),
				 errdetail_internal("%s", casnet_token_refusal()),
				 errhint("Get a new token with casnet.login() and set it with casnet.sign_in().")));
	if (verdict == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("nobody is signed in"),
				 errhint("Sign in with casnet.login() and casnet.sign_in(), or have a trusted backend, a member of casnet_authenticator, set casnet.user_id. A tool that reads definitions is given that in the options of its connection.")));
	check_user(verdict);
	casnet_statement_note_proof(&verdict->key.user);
	return verdict;
}

/* Whether the verdict includes the permission. */
bool
casnet_membership_holds(const CasnetVerdict *verdict, int bit)
{
	return verdict->tenant_open && verdict->user_active &&
		(verdict->superuser || bms_is_member(bit, verdict->permissions));
}

/*
 * Raises 42501 unless the verdict includes the permissions.  A tenant that does
 * not exist and one that the user is no member of give the same error.
 */
static void
check_permissions(const CasnetVerdict *verdict, int nbits, const int *bits)
{
	if (!verdict->tenant_open)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("not a member of the active tenant"),
				 errhint("Choose one of your tenants with SELECT casnet.use_tenant('name'); casnet.my_tenants() lists them.")));
	for (int i = 0; i < nbits; i++)
		if (!casnet_membership_holds(verdict, bits[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission \"%s\" is missing in the active tenant",
							casnet_permission_name(bits[i])),
					 errhint("Somebody who holds manage_permissions there can give it with casnet.grant_permission().")));
}

/*
 * The verdict about the session, which holds the permissions in the active
 * tenant.  Raises 28000, 55000 or 42501.
 */
const CasnetVerdict *
casnet_membership_require(int nbits, const int *bits)
{
	const CasnetVerdict *verdict = casnet_membership_require_user();

	if (!verdict->key.has_tenant)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no tenant is active"),
				 errhint("Choose one with SELECT casnet.use_tenant('name'), or set casnet.tenant_id; casnet.my_tenants() lists yours.")));
	check_permissions(verdict, nbits, bits);
	return verdict;
}

/* The same of a user and a tenant that the session had before. */
const CasnetVerdict *
casnet_membership_require_of(const pg_uuid_t *user, const pg_uuid_t *tenant,
							 int nbits, const int *bits)
{
	const CasnetVerdict *verdict = casnet_membership_of(user, tenant);

	check_user(verdict);
	check_permissions(verdict, nbits, bits);
	return verdict;
}

/* Raises 28000 unless the user still exists and is active. */
void
casnet_membership_require_active(const pg_uuid_t *user)
{
	check_user(casnet_membership_of(user, NULL));
}

/* Whether the tenant exists, to a snapshot of this moment. */
bool
casnet_tenant_exists(const pg_uuid_t *tenant)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	bool		exists = tenant_exists(tenant, snapshot);

	UnregisterSnapshot(snapshot);
	return exists;
}

/*
 * Whether the current database role stands above the rules that bind the
 * users: a superuser, or a member of casnet_admin.
 */
bool
casnet_membership_is_administrator(void)
{
	Oid			admin;

	if (superuser())
		return true;
	admin = get_role_oid("casnet_admin", true);
	return OidIsValid(admin) && has_privs_of_role(GetUserId(), admin);
}
