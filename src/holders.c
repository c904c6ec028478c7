/*
 * holders.c
 *		Whoever is to be stopped holds no lock that stops it.
 *
 * A membership or an account is changed by an UPDATE or DELETE of its row, and waits for
 * whoever has locked that, also for the user whom it is about: by an open change, by
 * FOR UPDATE, by a task that was assigned meanwhile.  So before an administrator's
 * function changes the row, it is locked without waiting; those who hold it are given
 * some seconds, and then their sessions are ended.  Administrators and prepared
 * transactions are waited for.  Who changes members of the tenant is known by the rank: one
 * of a lower rank waits long before ending such a session, and nobody ends it for the sake of
 * the own membership, as one who is just being removed might.
 *
 * LOCK TABLE on tables of casnet is refused; so are statements whose
 * lock the server takes, or waits for in front of others, before it looks whether the
 * role may do that at all.
 */
#include "postgres.h"

#include <signal.h>

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/subtrans.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "storage/bufmgr.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "casnet.h"

/* How long those who hold a row may go on, and how long they may take to end. */
#define GRACE_MS 2000
#define PEER_GRACE_MS 10000		/* for who does the same with the same rank; see guard.c */
#define HIGHER_GRACE_MS 30000	/* with a higher one, which may be gone by now */
#define END_MS 5000
#define POLL_MS 50
#define QUICK_POLL_MS 2			/* where somebody was ended just now */
#define JUST_NOW_MS 100
#define AGAIN_MS 1000			/* nobody is told twice within that */

/* So long after the first was ended, those go as well who wait for their turn. */
#define QUEUE_MS 500

/* Then the statement itself waits. */
#define GIVE_UP_MS 300000

/* More than that are not ended at a time. */
#define MAX_HOLDERS 64

/* Who is in the way. */
typedef struct Holders
{
	int			pids[MAX_HOLDERS];
	int			n;
	bool		with_queue;		/* who waits for a row counts, too */
	bool		look_again;		/* somebody has just ended */
} Holders;

/* In place of a tenant: accounts, and many tenants. */
static const pg_uuid_t no_tenant;

PG_FUNCTION_INFO_V1(casnet_free_membership);
PG_FUNCTION_INFO_V1(casnet_free_account);

/* Whether the session of that process may be ended: it is no administrator's. */
static bool
may_be_ended(int pid)
{
	PGPROC	   *process = pid == 0 ? NULL : BackendPidGetProc(pid);
	Oid			role = process == NULL ? InvalidOid : process->roleId;
	Oid			admin = get_role_oid("casnet_admin", true);

	return OidIsValid(role) && !superuser_arg(role) &&
		!(OidIsValid(admin) && has_privs_of_role(role, admin));
}

/* Add a process. */
static void
add_process(int pid, Holders *holders)
{
	if (holders->n < MAX_HOLDERS && pid != MyProcPid && may_be_ended(pid))
		holders->pids[holders->n++] = pid;
}

/* Add those who wait for a lock that is in the way, in front of who asks for it now. */
static void
add_waiters_for_lock(const LOCKTAG *tag, LOCKMODE mode, Holders *holders)
{
	LockData   *locks = GetLockStatusData();

	for (int i = 0; i < locks->nelements; i++)
	{
		LockInstanceData *lock = &locks->locks[i];

		if (lock->waitLockMode != NoLock &&
			memcmp(&lock->locktag, tag, sizeof(LOCKTAG)) == 0 &&
			DoLockModesConflict(lock->waitLockMode, mode))
			add_process(lock->pid, holders);
	}
}

/* Add those whose lock is in the way of taking it in that mode. */
static void
add_holders_of_lock(const LOCKTAG *tag, LOCKMODE mode, Holders *holders)
{
	VirtualTransactionId *conflicts = GetLockConflicts(tag, mode, NULL);

	add_waiters_for_lock(tag, mode, holders);
	for (; VirtualTransactionIdIsValid(*conflicts); conflicts++)
	{
		PGPROC	   *process = casnet_process_of(*conflicts);

		if (process != NULL)
			add_process(process->pid, holders);
	}
}

/*
 * Add the process of a transaction that is under way, unless it is ours, and those who wait
 * for its end if they count; returns whether it is under way.
 */
static bool
add_transaction(TransactionId xid, Holders *holders)
{
	LOCKTAG		tag;

	if (!TransactionIdIsValid(xid) || TransactionIdIsCurrentTransactionId(xid) ||
		!TransactionIdIsInProgress(xid))
		return false;
	xid = SubTransGetTopmostTransaction(xid);
	add_process(BackendXidGetPid(xid), holders);
	if (holders->with_queue)
	{
		SET_LOCKTAG_TRANSACTION(tag, xid);
		add_waiters_for_lock(&tag, ExclusiveLock, holders);
	}
	return true;
}

/* Add those who have made, locked or changed a version of a row; whether there are any. */
static bool
add_holders_of_version(HeapTuple tuple, Holders *holders)
{
	uint16		infomask = tuple->t_data->t_infomask;
	TransactionId xmax = HeapTupleHeaderGetRawXmax(tuple->t_data);
	bool		found = add_transaction(HeapTupleHeaderGetRawXmin(tuple->t_data),
										holders);
	MultiXactMember *members;
	int			nmembers;

	if (infomask & HEAP_XMAX_INVALID)
		return found;
	if (!(infomask & HEAP_XMAX_IS_MULTI))
		return add_transaction(xmax, holders) || found;
	nmembers = GetMultiXactIdMembers(xmax, &members, false,
									 HEAP_XMAX_IS_LOCKED_ONLY(infomask));
	for (int i = 0; i < nmembers; i++)
		found |= add_transaction(members[i].xid, holders);
	return found;
}

/* Add those who hold the version of a row that is at this place, or take their turn there. */
static void
add_holders_of_place(Relation relation, const ItemPointerData *place,
					 Holders *holders)
{
	HeapTupleData tuple;
	Buffer		buffer;
	bool		found = false;
	LOCKTAG		tag;

	tuple.t_self = *place;
	if (heap_fetch(relation, SnapshotAny, &tuple, &buffer, false))
	{
		HeapTuple	copy;

		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		copy = heap_copytuple(&tuple);
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		ReleaseBuffer(buffer);
		found = add_holders_of_version(copy, holders);
		heap_freetuple(copy);
	}
	/* Who held it has ended since, and it may be had now. */
	if (!found)
		holders->look_again = true;
	if (holders->with_queue)
	{
		SET_LOCKTAG_TUPLE(tag, MyDatabaseId, RelationGetRelid(relation),
						  ItemPointerGetBlockNumber(place),
						  ItemPointerGetOffsetNumber(place));
		add_holders_of_lock(&tag, AccessExclusiveLock, holders);
	}
}

/*
 * Lock a row that a scan found, if nobody holds it; else add those who do.  It so
 * stays ours until it is changed.  Where the row was updated since the scan began, that is
 * about its newest version, at whose place the server then stops.
 */
static void
lock_or_add_holders(Relation relation, HeapTuple tuple, Holders *holders)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TM_FailureData failure;
	ItemPointerData place = tuple->t_self;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TM_Result	result =
		table_tuple_lock(relation, &place, snapshot, slot,
						 GetCurrentCommandId(true), LockTupleExclusive,
						 LockWaitSkip, TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
						 &failure);

	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	if (result == TM_WouldBlock)
		add_holders_of_place(relation, &place, holders);
}

/* The same of all rows that the path finds. */
static void
lock_or_add_holders_of_rows(CasnetPath path, const pg_uuid_t *key1,
							const pg_uuid_t *key2, Holders *holders)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, path, snapshot, UUIDPGetDatum(key1),
					  UUIDPGetDatum(key2));
	while ((tuple = casnet_scan_next(&scan)) != NULL)
		lock_or_add_holders(scan.relation, tuple, holders);
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
}

/*
 * The same of using a table in that mode.  Sessions of other tenants are not for a member
 * to end, who comes here for the sake of a membership.
 */
static void
add_holders_of_table(const char *name, LOCKMODE mode, Holders *holders)
{
	Oid			table = get_relname_relid(name,
										  casnet_schema());
	LOCKTAG		tag;

	if (!casnet_membership_is_administrator())
		return;
	SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
	add_holders_of_lock(&tag, mode, holders);
}

/* Wait for a moment, unless interrupted. */
static void
wait_for(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

void
casnet_holders_wait(void)
{
	wait_for(POLL_MS);
}

/*
 * The lock of those who take an owner from the tenant.  For an owner it is taken now, since
 * it is asked for once the row and what goes with it have been written, which may take long.
 */
static void
take_or_add_owner_lock(const pg_uuid_t *user, const pg_uuid_t *tenant,
					   Holders *holders)
{
	LOCKTAG		tag = casnet_guard_lock_of(tenant);
	char		role[CASNET_NAME_LENGTH];

	if (!casnet_membership_role_of(user, tenant, role) ||
		strcmp(role, "owner") != 0 ||
		LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	add_holders_of_lock(&tag, ExclusiveLock, holders);
}

/*
 * Find those who hold the membership, or the account if tenant is NULL: what goes with it
 * as well if it is removed, and the tables.  What nobody holds is locked.
 */
static void
find_holders(const pg_uuid_t *user, const pg_uuid_t *tenant, bool is_removed,
			 Holders *holders)
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
	/* They are assigned to nobody when the membership goes. */
	if (is_removed)
		lock_or_add_holders_of_rows(CASNET_TASKS_OF_MEMBER, tenant, user,
									holders);
}

/* The rank that a lock of those who change members of the tenant names; -1 for another. */
static int
rank_of_lock(LOCKTAG tag, const pg_uuid_t *tenant)
{
	LOCKTAG		lowest = casnet_guard_change_lock(tenant, 0);
	int			rank = (int) tag.locktag_field4 - lowest.locktag_field4;

	tag.locktag_field4 = lowest.locktag_field4;
	return rank >= 0 && rank <= CASNET_HIGHEST_RANK &&
		memcmp(&tag, &lowest, sizeof(tag)) == 0 ? rank : -1;
}

/* The rank with which a process changes members of the tenant, or of many; else -1. */
static int
rank_of_process(int pid, const pg_uuid_t *tenant, const LockData *locks)
{
	int			rank = -1;

	for (int i = 0; i < locks->nelements; i++)
	{
		LOCKTAG		tag = locks->locks[i].locktag;

		if (locks->locks[i].pid != pid || locks->locks[i].holdMask == 0)
			continue;
		rank = Max(rank, rank_of_lock(tag, tenant));
		rank = Max(rank, rank_of_lock(tag, &no_tenant));
	}
	return rank;
}

/* Who was told to end, and when; the oldest gives way. */
static struct
{
	int			pid;
	TimestampTz at;
}			told[MAX_HOLDERS];
static int	last_told = 0;

/* Whether that process was told to end lately. */
static bool
was_told(int pid, TimestampTz now)
{
	for (int i = 0; i < MAX_HOLDERS; i++)
		if (told[i].pid == pid &&
			!TimestampDifferenceExceeds(told[i].at, now, AGAIN_MS))
			return true;
	return false;
}

/*
 * End those of the processes that have held up somebody of that rank for too long since
 * then; returns how many.
 */
static int
end_holders(const Holders *holders, const pg_uuid_t *tenant, int rank,
			TimestampTz began)
{
	LockData   *locks = GetLockStatusData();
	TimestampTz now = GetCurrentTimestamp();
	int			ended = 0;

	for (int i = 0; i < holders->n; i++)
	{
		int			pid = holders->pids[i];
		int			of_holder = rank_of_process(pid, tenant, locks);
		int			grace = of_holder > rank ? HIGHER_GRACE_MS :
			of_holder == rank ? PEER_GRACE_MS : GRACE_MS;

		if (!TimestampDifferenceExceeds(began, now, grace) ||
			was_told(pid, now))
			continue;
		last_told = (last_told + 1) % MAX_HOLDERS;
		told[last_told].pid = pid;
		told[last_told].at = now;
		ereport(LOG,
				(errmsg("ending process %d, which holds up an administrator",
						pid)));
		(void) kill(pid, SIGTERM);
		ended++;
	}
	return ended;
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
		Holders		holders = {.n = 0};
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
		ended = end_holders(&holders, tenant == NULL ? &no_tenant : tenant, rank,
							began);
		if (ended > 0 && first_ended == 0)
		{
			first_ended = now;
			ereport(NOTICE,
					(errmsg_plural("ended %d session that held the row",
								   "ended %d sessions that held the row",
								   ended, ended)));
		}
		wait_for(holders.look_again ||
				 !TimestampDifferenceExceeds(told[last_told].at, now,
											 JUST_NOW_MS) ?
				 QUICK_POLL_MS : POLL_MS);
	}
}

/*
 * Lock a table that nobody needs for long.  Who holds it against an administrator for too
 * long is ended; others wait.
 */
void
casnet_holders_take_table(Oid table, LOCKMODE mode)
{
	TimestampTz began = 0;

	while (!ConditionalLockRelationOid(table, mode))
	{
		TimestampTz now = GetCurrentTimestamp();
		Holders		holders = {.n = 0};
		LOCKTAG		tag;

		if (began == 0)
			began = now;
		SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
		if (casnet_membership_is_administrator() &&
			!TimestampDifferenceExceeds(began, now, GRACE_MS + END_MS))
			add_holders_of_lock(&tag, mode, &holders);
		if (holders.n == 0)
		{
			LockRelationOid(table, mode);
			return;
		}
		(void) end_holders(&holders, &no_tenant, CASNET_HIGHEST_RANK + 1,
						   began);
		casnet_holders_wait();
	}
}

/* Nobody holds the account any more; see casnet_internal.free_account(). */
void
casnet_holders_free_account(const pg_uuid_t *user)
{
	CasnetVerdict verdict;

	if (casnet_membership_is_administrator())
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
	if (casnet_membership_is_administrator())
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

/*
 * casnet_internal.free_account(user_id uuid) returns void
 *
 * The same of an account; internal.  Raises 42501 for who is no administrator and no
 * superuser of the application.
 */
Datum
casnet_free_account(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user = *PG_GETARG_UUID_P(0);

	(void) casnet_account_require_power();
	casnet_holders_free_account(&user);
	PG_RETURN_VOID();
}

/* Whether the current role is one for whom casnet's rules about locks are. */
static bool
is_bound(void)
{
	Oid			user = get_role_oid("casnet_user", true);

	return OidIsValid(user) && has_privs_of_role(GetUserId(), user) &&
		!casnet_membership_is_administrator();
}

/*
 * Have a name without a schema mean the relation that it means now, and none that is
 * found in its stead while the server waits: of casnet's, if one's own goes away.
 */
static void
qualify(RangeVar *name, Oid relation)
{
	if (name->schemaname == NULL)
		name->schemaname = get_namespace_name(get_rel_namespace(relation));
}

/* Raises 42501 if LOCK TABLE may not lock the relation. */
static void
check_locked(Oid relation)
{
	if (get_rel_relkind(relation) == RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot lock what view \"%s\" reads",
						get_rel_name(relation)),
				 errhint("Lock the tables themselves.")));
	if (casnet_schema_is_ours(get_rel_namespace(relation)) &&
		!has_privs_of_role(GetUserId(), casnet_owner_of(relation)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot lock table \"%s\" of casnet",
						get_rel_name(relation)),
				 errhint("Lock the rows that you change with SELECT ... FOR UPDATE.")));
}

/* Take the lock, by OID, if the server would give it; with what inherits from it. */
static void
lock_beforehand(const RangeVar *name, Oid relation, LOCKMODE mode)
{
	if (pg_class_aclcheck(relation, GetUserId(),
						  ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE) != ACLCHECK_OK)
		return;
	LockRelationOid(relation, mode);
	if (name->inh && get_rel_relkind(relation) != RELKIND_VIEW)
		(void) find_all_inheritors(relation, mode, NULL);
}

/*
 * LOCK TABLE is about to be executed.  Raises 42501 if it would keep others from
 * changing what decides about access, or a table that goes with that, for whom casnet's
 * rules are.
 *
 * What a name means may change while the server waits for the lock.  So it is waited
 * for here, by OID; then the server has it already, and finds the same, or else this
 * raises 55006.
 */
static void
check_lock(const LockStmt *statement)
{
	List	   *tables = NIL;
	ListCell   *lc;
	ListCell   *table;

	if (statement->mode <= RowExclusiveLock || !is_bound())
		return;
	foreach(lc, statement->relations)
	{
		RangeVar   *name = lfirst(lc);
		Oid			found = RangeVarGetRelid(name, NoLock, true);

		tables = lappend_oid(tables, found);
		if (!OidIsValid(found))
			continue;
		qualify(name, found);
		check_locked(found);
		if (!statement->nowait)
			lock_beforehand(name, found, statement->mode);
	}
	forboth(lc, statement->relations, table, tables)
		if (RangeVarGetRelid(lfirst(lc), NoLock, true) != lfirst_oid(table))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("table \"%s\" was replaced meanwhile",
							((RangeVar *) lfirst(lc))->relname),
					 errhint("Do it again.")));
}

/*
 * Raises 42501 as the server would, unless the role owns that table of casnet's or, with
 * a privilege, has it on the table or a column.
 */
static void
check_privilege(RangeVar *name, AclMode privilege)
{
	Oid			table = name == NULL ? InvalidOid :
		RangeVarGetRelid(name, NoLock, true);

	if (!OidIsValid(table))
		return;
	qualify(name, table);
	if (!casnet_schema_is_ours(get_rel_namespace(table)) ||
		has_privs_of_role(GetUserId(), casnet_owner_of(table)))
		return;
	if (privilege == ACL_NO_RIGHTS)
		aclcheck_error(ACLCHECK_NOT_OWNER,
					   get_relkind_objtype(get_rel_relkind(table)),
					   get_rel_name(table));
	if (pg_class_aclcheck(table, GetUserId(), privilege) != ACLCHECK_OK &&
		(privilege != ACL_REFERENCES ||
		 pg_attribute_aclcheck_all(table, GetUserId(), privilege,
								   ACLMASK_ANY) != ACLCHECK_OK))
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_relkind_objtype(get_rel_relkind(table)),
					   get_rel_name(table));
}

/* Whether a name will mean the table that is to be made, once it is there. */
static bool
is_new_table(const RangeVar *name, const RangeVar *new_table)
{
	Oid			schema;
	ListCell   *lc;

	if (new_table == NULL || name->schemaname != NULL ||
		strcmp(name->relname, new_table->relname) != 0)
		return false;
	schema = RangeVarGetCreationNamespace(new_table);
	foreach(lc, fetch_search_path(true))
	{
		if (lfirst_oid(lc) == schema)
			return true;
		if (OidIsValid(get_relname_relid(name->relname, lfirst_oid(lc))))
			return false;
	}
	return false;
}

/*
 * The same of the foreign keys in an element of ALTER TABLE, or of CREATE TABLE with the
 * table that is to be made.
 */
static void
check_keys(Node *element, const RangeVar *new_table)
{
	ListCell   *lc;

	if (element == NULL)
		return;
	if (IsA(element, Constraint) &&
		((Constraint *) element)->contype == CONSTR_FOREIGN)
	{
		RangeVar   *key = ((Constraint *) element)->pktable;

		if (!is_new_table(key, new_table))
			check_privilege(key, ACL_REFERENCES);
	}
	if (IsA(element, ColumnDef))
		foreach(lc, ((ColumnDef *) element)->constraints)
			check_keys(lfirst(lc), new_table);
}

/* The same of what belongs to a table: triggers, rules and policies. */
static void
check_drop(const DropStmt *statement)
{
	ListCell   *lc;

	if (statement->removeType != OBJECT_TRIGGER &&
		statement->removeType != OBJECT_RULE &&
		statement->removeType != OBJECT_POLICY)
		return;
	foreach(lc, statement->objects)
	{
		List	   *names = list_copy(lfirst_node(List, lc));
		RangeVar   *table;

		if (list_length(names) < 2)
			continue;
		table = makeRangeVarFromNameList(list_truncate(names,
													   list_length(names) - 1));
		check_privilege(table, ACL_NO_RIGHTS);
		if (list_length(names) == 1 && table->schemaname != NULL)
			lfirst(lc) = lcons(makeString(table->schemaname),
							   lfirst(lc));
	}
}

/* Whether casnet_holders_check_statement() may give names in it their schema. */
bool
casnet_holders_changes_statement(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_LockStmt:
		case T_RuleStmt:
		case T_AlterObjectDependsStmt:
		case T_DropStmt:
		case T_CreateTrigStmt:
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
		case T_AlterTableStmt:
			return true;
		default:
			return false;
	}
}

/*
 * A statement without a plan is about to be executed.  Raises 42501 if its lock would
 * keep others from changing what decides about access, for no right of this role.  Names
 * in it get their schema, so it must not be one that is kept.
 */
void
casnet_holders_check_statement(Node *statement)
{
	ListCell   *lc;

	switch (nodeTag(statement))
	{
		case T_LockStmt:
			check_lock((LockStmt *) statement);
			break;
		case T_RuleStmt:
			check_privilege(((RuleStmt *) statement)->relation, ACL_NO_RIGHTS);
			break;
		case T_AlterObjectDependsStmt:
			check_privilege(((AlterObjectDependsStmt *) statement)->relation,
							ACL_NO_RIGHTS);
			break;
		case T_DropStmt:
			check_drop((DropStmt *) statement);
			break;
		case T_CreateTrigStmt:
			check_privilege(((CreateTrigStmt *) statement)->relation,
							ACL_TRIGGER);
			check_privilege(((CreateTrigStmt *) statement)->constrrel,
							ACL_TRIGGER);
			break;
		case T_CreateStmt:
		case T_CreateForeignTableStmt:	/* begins as the other does */
			foreach(lc, ((CreateStmt *) statement)->tableElts)
				check_keys(lfirst(lc),
						   ((CreateStmt *) statement)->relation);
			foreach(lc, ((CreateStmt *) statement)->inhRelations)
				check_privilege(lfirst(lc), ACL_NO_RIGHTS);
			break;
		case T_AlterTableStmt:
			foreach(lc, ((AlterTableStmt *) statement)->cmds)
			{
				AlterTableCmd *command = lfirst(lc);

				check_keys(command->def, NULL);
				if (command->subtype == AT_AttachPartition ||
					command->subtype == AT_DetachPartition)
					check_privilege(((PartitionCmd *) command->def)->name,
									ACL_NO_RIGHTS);
				else if (command->subtype == AT_AddInherit ||
						 command->subtype == AT_DropInherit)
					check_privilege((RangeVar *) command->def,
									ACL_NO_RIGHTS);
			}
			break;
		default:
			break;
	}
}
