/*
 * free.c
 *		A membership or an account is freed before an administrator changes it.
 *
 * It is changed by an UPDATE or DELETE of its row, and waits for
 * whoever has locked that, also for the user whom it is about: by an open change, by
 * FOR UPDATE, by a task that was assigned meanwhile.  So before an administrator's
 * function changes the row, it is locked without waiting; those who hold it are given
 * some seconds, and then their sessions are ended (holders.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "casnet.h"

/* So long after the first was ended, those go as well who wait for their turn. */
#define QUEUE_MS 500

/* Then the statement itself waits. */
#define GIVE_UP_MS 300000

PG_FUNCTION_INFO_V1(casnet_free_membership);

/* The same of all rows that the path finds. */
static void
lock_or_add_holders_of_rows(CasnetPath path, const pg_uuid_t *user,
							const pg_uuid_t *tenant, CasnetHolders *holders)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, path, snapshot, UUIDPGetDatum(user),
					  UUIDPGetDatum(tenant));
	while ((tuple = casnet_scan_next(&scan)) != NULL)
		casnet_holders_lock_or_add(scan.relation, tuple, holders);
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
}

/*
 * The same of the tasks of a member, which are assigned to nobody when the membership
 * goes.
 */
static void
lock_or_add_holders_of_tasks(const pg_uuid_t *user, const pg_uuid_t *tenant,
							 CasnetHolders *holders)
{
	Oid			table = get_relname_relid("tasks",
										  casnet_schema());
	Oid			index = casnet_reference_index(table, "assignee_id");
	AttrNumber	columns[] = {get_attnum(table, "tenant_id"),
	get_attnum(table, "assignee_id")};
	Relation	relation;
	ScanKeyData keys[2];
	SysScanDesc scan;
	Snapshot	snapshot;
	HeapTuple	tuple;

	if (!OidIsValid(index))
		return;
	relation = table_open(table, RowShareLock);
	snapshot = casnet_catalog_snapshot();
	ScanKeyInit(&keys[0], columns[0], BTEqualStrategyNumber, F_UUID_EQ,
				UUIDPGetDatum(tenant));
	ScanKeyInit(&keys[1], columns[1], BTEqualStrategyNumber, F_UUID_EQ,
				UUIDPGetDatum(user));
	scan = systable_beginscan(relation, index, true, snapshot, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		casnet_holders_lock_or_add(relation, tuple, holders);
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(relation, NoLock);
}

/*
 * The same of using a table in that mode.  Sessions of other tenants are not for a member
 * to end, who comes here for the sake of a membership.
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
 * The lock of those who take an owner from the tenant.  For an owner it is taken now, since
 * it is asked for once the row and what goes with it have been written, which may take long.
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
 * Find those who hold the membership, or the account if tenant is NULL: what goes with it
 * as well if it is removed, and the tables.  What nobody holds is locked.
 */
static void
find_holders(const pg_uuid_t *user, const pg_uuid_t *tenant, bool is_removed,
			 CasnetHolders *holders)
{
	/*
	 * To drop a key to tenants, as who drops a protected table does, locks them; and the
	 * first look at a row opens all tables that decide.
	 */
	add_holders_of_table("tenants", AccessShareLock, holders);
	add_holders_of_table("users", RowExclusiveLock, holders);
	add_holders_of_table("role_permissions", AccessShareLock, holders);
	add_holders_of_table("user_tenants", AccessShareLock, holders);
	add_holders_of_table("user_tenant_permissions", AccessShareLock, holders);
	if (holders->n > 0)
		return;
	if (tenant == NULL)
	{
		lock_or_add_holders_of_rows(CASNET_USER_BY_ID, user, user, holders);
		return;
	}
	lock_or_add_holders_of_rows(CASNET_MEMBER, user, tenant, holders);
	add_holders_of_table("user_tenants", RowExclusiveLock, holders);
	take_or_add_owner_lock(user, tenant, holders);
	/* Opening a table waits for who has locked it against readers. */
	add_holders_of_table("user_tenant_permissions", RowExclusiveLock, holders);
	if (is_removed)
		add_holders_of_table("tasks", RowExclusiveLock, holders);
	if (holders->n > 0)
		return;
	lock_or_add_holders_of_rows(CASNET_PERMISSIONS_OF_MEMBER, user, tenant,
								holders);
	if (is_removed)
		lock_or_add_holders_of_tasks(user, tenant, holders);
}

/*
 * Wait until nobody holds the membership, or the account, and the caller does; and end
 * the sessions of those who hold it for too long, and have no higher rank.  Some time after
 * the first of them, those go as well who wait for their turn to hold it.
 */
static void
free_row(const pg_uuid_t *user, const pg_uuid_t *tenant, bool is_removed,
		 int rank)
{
	TimestampTz began = 0;
	TimestampTz first_ended = 0;

	/* A look may take long by itself, as at many tasks. */
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

/* Nobody holds the account any more; see casnet_internal.free_account(). */
void
casnet_free_account_of(const pg_uuid_t *user)
{
	CasnetVerdict verdict;

	if (casnet_security_is_administrator())
	{
		free_row(user, NULL, false, CASNET_HIGHEST_RANK + 1);
		return;
	}
	/* Not against who manages one's own account. */
	verdict = *casnet_membership_require_user();
	if (memcmp(&verdict.key.user, user, UUID_LEN) == 0)
		return;
	/* That of an account is about no tenant. */
	memset(&verdict.key.tenant, 0, sizeof(verdict.key.tenant));
	casnet_guard_note_change(&verdict);
	free_row(user, NULL, false, casnet_guard_rank_of(&verdict));
}

/*
 * casnet_internal.free_membership(user_id uuid, tenant_id uuid, is_removed boolean) returns void
 *
 * Nobody holds the membership any more, nor what goes with it if it is removed: those who
 * do are given some seconds, and then their sessions are ended; internal.  Raises 42501 for who may not change it.
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
				 errmsg("the membership is not yours to change"),
				 errhint("It takes manage_users or assign_roles in the tenant.")));

	/* Nothing is looked up of members of a tenant of others. */
	own = *verdict;
	own.permissions = bms_copy(own.permissions);

	/*
	 * Of a role above, or of no member, the change itself is refused; and who changes one's
	 * own membership ends nobody, who may be about to end it.
	 */
	if (!casnet_membership_role_of(&user, &tenant, role) ||
		!casnet_guard_may_change(&own, role) ||
		memcmp(&own.key.user, &user, UUID_LEN) == 0)
		PG_RETURN_VOID();
	casnet_guard_note_change(&own);
	free_row(&user, &tenant, is_removed, casnet_guard_rank_of(&own));
	PG_RETURN_VOID();
}
