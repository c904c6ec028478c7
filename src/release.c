/*
 * release.c
 *		Frees a membership or an account from locks before an administrator changes
 *		it.
 *
 * The change is an UPDATE or DELETE of the row, and waits for whoever has locked that.
 * The user concerned can lock it too: by an open change, by FOR UPDATE, or by assigning a
 * task.  So an administrator's function locks the row first, without waiting.  It gives
 * those who hold the row some seconds, and then ends their sessions (holders.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "casnet.h"

/*
 * This long after the first session was ended, those that wait in the queue are ended, too.
 */
#define QUEUE_MS 500

/* After this long, give up; the statement itself then waits. */
#define GIVE_UP_MS 300000

PG_FUNCTION_INFO_V1(casnet_free_membership);

/* Lock all rows that the path finds, or add their holders. */
static void
lock_or_add_holders_of_rows(CasnetPath path, const pg_uuid_t *key1,
							const pg_uuid_t *key2, CasnetHolders *holders)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, path, snapshot, UUIDPGetDatum(key1),
					  UUIDPGetDatum(key2));
	while ((tuple = casnet_scan_next(&scan)) != NULL)
		casnet_holders_lock_or_add(scan.relation, tuple, holders);
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
}

/*
 * Add those who keep others from using a table in that mode.  A member who changes a
 * membership must not end sessions of other tenants, so this is for administrators only.
 */
static void
add_holders_of_table(const char *name, LOCKMODE mode, CasnetHolders *holders)
{
	Oid			table = get_relname_relid(name,
										  casnet_schema());
	LOCKTAG		tag;

	if (!casnet_security_is_administrator())
		return;
	SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
	casnet_holders_add_of_lock(&tag, mode, holders);
}

/*
 * On the nodes of Citus one transaction at a time writes or locks rows of a table that every
 * node has.  Whoever holds it up would keep all tenants from removing anybody.
 */
static void
add_holders_of_copies(CasnetHolders *holders)
{
	static const char *const tables[] = {
		"users", "tenants", "user_tenants", "user_tenant_permissions"
	};

	if (!casnet_shard_has_citus())
		return;
	for (int i = 0; i < lengthof(tables); i++)
	{
		LOCKTAG		tag;

		if (casnet_shard_copy_lock(get_relname_relid(tables[i], casnet_schema()), &tag))
			casnet_holders_add_of_lock(&tag, ExclusiveLock, holders);
	}
}

/*
 * Take the lock of those who remove an owner from the tenant, or add its holders.  For an
 * owner it is taken now.  Otherwise it would be taken only when the row and all that
 * depends on it are written, which can take long.
 */
static void
take_or_add_owner_lock(const pg_uuid_t *user, const pg_uuid_t *tenant,
					   CasnetHolders *holders)
{
	LOCKTAG		tag = casnet_holders_owner_lock(tenant);
	char		role[CASNET_NAME_LENGTH];

	if (!casnet_membership_role_of(user, tenant, role) ||
		strcmp(role, "owner") != 0 ||
		LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	casnet_holders_add_of_lock(&tag, ExclusiveLock, holders);
}

/*
 * Find those who hold the membership, or the account if tenant is NULL, and the tables.
 * If it is removed, also those who hold what depends on it.  Lock what nobody holds.
 */
static void
find_holders(const pg_uuid_t *user, const pg_uuid_t *tenant, bool is_removed,
			 CasnetHolders *holders)
{
	/*
	 * Dropping a foreign key to tenants, as dropping a protected table does, locks
	 * tenants.  And the first access to a row opens all deciding tables.
	 */
	add_holders_of_table("tenants", AccessShareLock, holders);
	add_holders_of_table("users", RowExclusiveLock, holders);
	add_holders_of_table("role_permissions", AccessShareLock, holders);
	add_holders_of_table("user_tenants", AccessShareLock, holders);
	add_holders_of_table("user_tenant_permissions", AccessShareLock, holders);
	add_holders_of_copies(holders);
	if (holders->n > 0)
		return;
	if (tenant == NULL)
	{
		lock_or_add_holders_of_rows(CASNET_USER_BY_ID, user, user, holders);
		/* They are deleted with the account. */
		if (is_removed)
		{
			lock_or_add_holders_of_rows(CASNET_INVITATIONS_BY, user, user,
										holders);
			lock_or_add_holders_of_rows(CASNET_IDENTITIES_OF_USER, user, user,
										holders);
		}
		return;
	}
	lock_or_add_holders_of_rows(CASNET_MEMBER, user, tenant, holders);
	add_holders_of_table("user_tenants", RowExclusiveLock, holders);
	take_or_add_owner_lock(user, tenant, holders);
	/* Opening a table waits for whoever has locked it against readers. */
	add_holders_of_table("user_tenant_permissions", RowExclusiveLock, holders);
	if (is_removed)
		add_holders_of_table("tasks", RowExclusiveLock, holders);
	if (holders->n > 0)
		return;
	lock_or_add_holders_of_rows(CASNET_PERMISSIONS_OF_MEMBER, user, tenant,
								holders);
	/* They are assigned to nobody when the membership is removed. */
	if (is_removed)
		lock_or_add_holders_of_rows(CASNET_TASKS_OF_MEMBER, tenant, user,
									holders);
}

/*
 * Wait until the caller, and nobody else, holds the membership or the account.  Ends the
 * sessions that hold it for too long, which is longer for those of a higher rank.  Some
 * time after the first, those that wait in the queue are ended as well.
 */
static void
free_row(const pg_uuid_t *user, const pg_uuid_t *tenant, bool is_removed,
		 int rank)
{
	TimestampTz began = 0;
	TimestampTz first_ended = 0;

	/* One round can take long by itself, for example with many tasks. */
	for (int looks = 1;; looks++)
	{
		CasnetHolders		holders = {.n = 0};
		TimestampTz now = GetCurrentTimestamp();
		int			ended;

		holders.with_queue = first_ended != 0 &&
			TimestampDifferenceExceeds(first_ended, now, QUEUE_MS);
		find_holders(user, tenant, is_removed, &holders);
		now = GetCurrentTimestamp();
		if (looks == 1)
			began = now;
		if ((holders.n == 0 && !holders.look_again) ||
			(looks > 3 &&
			 TimestampDifferenceExceeds(began, now, GIVE_UP_MS)))
			return;
		ended = casnet_holders_end(&holders, tenant == NULL ? &casnet_holders_no_tenant : tenant, rank,
							began);
		if (ended > 0 && first_ended == 0)
		{
			first_ended = now;
			ereport(NOTICE,
					(errmsg_plural("ended %d session that held the row",
								   "ended %d sessions that held the row",
								   ended, ended)));
		}
		casnet_holders_wait(holders.look_again ||
							casnet_holders_ended_just_now(now));
	}
}

/* The ids of the tenants of which the user is a member. */
static List *
tenants_of(const pg_uuid_t *user)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;
	List	   *found = NIL;

	casnet_scan_begin(&scan, CASNET_MEMBERS_BY_USER, snapshot,
					  UUIDPGetDatum(user), (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		tenant = casnet_scan_value(&scan, tuple,
											   USER_TENANTS_TENANT_ID, &isnull);

		found = lappend(found, DatumGetUUIDP(casnet_uuid_copy(DatumGetUUIDP(tenant))));
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found;
}

/* Free the account, and if it is removed also its memberships and what depends on them. */
static void
free_account(const pg_uuid_t *user, bool is_removed, int rank)
{
	ListCell   *lc;

	free_row(user, NULL, is_removed, rank);
	if (is_removed)
		foreach(lc, tenants_of(user))
			free_row(user, lfirst(lc), true, rank);
}

/*
 * Make sure that nobody else holds the account; see casnet_internal.free_account().  If it
 * is removed, nor what is deleted with it.
 */
void
casnet_release_account(const pg_uuid_t *user, bool is_removed)
{
	CasnetVerdict verdict;

	PreventCommandIfReadOnly("a change of an account");
	if (casnet_security_is_administrator())
	{
		free_account(user, is_removed, CASNET_HIGHEST_RANK + 1);
		return;
	}
	/* Not against those who manage one's own account. */
	verdict = *casnet_membership_require_user();
	if (memcmp(&verdict.key.user, user, UUID_LEN) == 0)
		return;
	/* A change of an account belongs to no tenant. */
	memset(&verdict.key.tenant, 0, sizeof(verdict.key.tenant));
	casnet_guard_note_change(&verdict);
	free_account(user, is_removed, casnet_guard_rank_of(&verdict));
}

/*
 * Take a lock of casnet's own until the end of the transaction, for somebody who manages
 * accounts.  Those who hold it have some seconds, and then their sessions are ended.
 */
void
casnet_release_lock(const LOCKTAG *tag)
{
	TimestampTz began = GetCurrentTimestamp();
	int			rank = CASNET_HIGHEST_RANK + 1;

	PreventCommandIfReadOnly("a change of an account");
	if (!casnet_security_is_administrator())
	{
		CasnetVerdict verdict = *casnet_membership_require_user();

		memset(&verdict.key.tenant, 0, sizeof(verdict.key.tenant));
		casnet_guard_note_change(&verdict);
		rank = casnet_guard_rank_of(&verdict);
	}
	while (LockAcquire(tag, ExclusiveLock, false, true) ==
		   LOCKACQUIRE_NOT_AVAIL)
	{
		CasnetHolders holders = {.n = 0};

		casnet_holders_add_of_lock(tag, ExclusiveLock, &holders);
		(void) casnet_holders_end(&holders, &casnet_holders_no_tenant, rank,
								  began);
		casnet_holders_wait(false);
	}
}

/*
 * casnet_internal.free_membership(user_id uuid, tenant_id uuid, is_removed boolean) returns void
 *
 * Makes sure that nobody else holds the membership, nor what depends on it if it is
 * removed.  Those who do have some seconds, and then their sessions are ended; internal.
 * Raises 42501 unless the caller may change it.
 */
Datum
casnet_free_membership(PG_FUNCTION_ARGS)
{
	static const char *const permissions[] = {
		"manage_users", "assign_roles", "manage_permissions"
	};
	pg_uuid_t	user = *PG_GETARG_UUID_P(0);
	pg_uuid_t	tenant = *PG_GETARG_UUID_P(1);
	bool		is_removed = PG_GETARG_BOOL(2);
	const CasnetVerdict *verdict = NULL;
	CasnetVerdict own;
	bool		may = false;
	char		role[CASNET_NAME_LENGTH];

	AcceptInvalidationMessages();
	if (casnet_security_is_administrator())
	{
		free_row(&user, &tenant, is_removed, CASNET_HIGHEST_RANK + 1);
		PG_RETURN_VOID();
	}
	for (int i = 0; i < lengthof(permissions) && !may; i++)
	{
		verdict = casnet_membership_in(&tenant);
		may = verdict != NULL &&
			casnet_membership_holds(verdict,
									casnet_permission_find(permissions[i]));
	}
	if (!may)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("you may not change this membership"),
				 errhint("Ask somebody who holds manage_users, assign_roles or manage_permissions in the tenant.")));

	/* Members of other tenants are not looked up. */
	own = *verdict;
	own.permissions = bms_copy(own.permissions);

	/*
	 * For a member of a higher role, or no member, the change itself is refused.  A user
	 * who changes their own membership ends nobody: an administrator could be about to end
	 * it.
	 */
	if (!casnet_membership_role_of(&user, &tenant, role) ||
		!casnet_guard_may_change(&own, role) ||
		memcmp(&own.key.user, &user, UUID_LEN) == 0)
		PG_RETURN_VOID();
	casnet_guard_note_change(&own);
	free_row(&user, &tenant, is_removed, casnet_guard_rank_of(&own));
	PG_RETURN_VOID();
}
