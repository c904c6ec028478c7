/*
 * holders.c
 *		Finds who holds a lock or a row that an administrator needs, and ends their
 *		sessions.
 *
 * Holders get some seconds, and then casnet ends their sessions.  It waits for
 * administrators and prepared transactions.  A session that changes members of the tenant
 * shows its rank by a lock.  A session of lower rank waits long before ending it.  Nobody
 * ends one to save their own membership, as somebody who is just being removed might.
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
#include "executor/tuptable.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "casnet.h"

/* How long those who hold a row may go on, and how long they may take to end. */
#define GRACE_MS 2000
#define PEER_GRACE_MS 10000		/* for a peer of the same rank; see guard.c */
#define HIGHER_GRACE_MS 30000	/* for a higher rank, which that session could have lost */
#define END_MS 5000
#define POLL_MS 50
#define QUICK_POLL_MS 2			/* if a session was ended just now */
#define JUST_NOW_MS 100
#define AGAIN_MS 1000			/* no process is signalled twice within that time */

/*
 * Class of casnet's locks on tenants.  The advisory lock functions use only classes 1 and
 * 2, so nobody can take these locks from SQL.
 */
#define TENANT_LOCK_CLASS 0xCA5E

/* Likewise, for those who change members of a tenant; their rank is added to it. */
#define CHANGE_LOCK_CLASS 0xCA60

/* Stands for no tenant: accounts, and many tenants. */
const pg_uuid_t casnet_holders_no_tenant;

/* Whether the session of that process may be ended: it must not be an administrator's. */
static bool
may_be_ended(int pid)
{
	PGPROC	   *process = pid == 0 ? NULL : BackendPidGetProc(pid);
	Oid			role = process == NULL ? InvalidOid : process->roleId;
	Oid			admin = get_role_oid("casnet_admin", true);

	return OidIsValid(role) && !superuser_arg(role) &&
		!(OidIsValid(admin) && has_privs_of_role(role, admin));
}

/* Add a process, if it may be ended. */
static void
add_process(int pid, CasnetHolders *holders)
{
	if (holders->n < MAX_HOLDERS && pid != MyProcPid && may_be_ended(pid))
		holders->pids[holders->n++] = pid;
}

/* Add those who wait for a lock that is in the way, ahead of the present request. */
static void
add_waiters_for_lock(const LOCKTAG *tag, LOCKMODE mode, CasnetHolders *holders)
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

/* Add those whose lock prevents taking it in that mode. */
void
casnet_holders_add_of_lock(const LOCKTAG *tag, LOCKMODE mode, CasnetHolders *holders)
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
 * Add the process of a transaction in progress, unless it is this one.  Returns whether the
 * transaction is in progress.  Others who wait for its end can do so for another reason;
 * those who wait for a row hold or want the lock of its place.
 */
static bool
add_transaction(TransactionId xid, CasnetHolders *holders)
{
	if (!TransactionIdIsValid(xid) || TransactionIdIsCurrentTransactionId(xid) ||
		!TransactionIdIsInProgress(xid))
		return false;
	xid = SubTransGetTopmostTransaction(xid);
	add_process(BackendXidGetPid(xid), holders);
	return true;
}

/* Add those who made, locked or changed a version of a row; whether there are any. */
static bool
add_holders_of_version(HeapTuple tuple, CasnetHolders *holders)
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

/* Add those who hold the row version at this TID, or queue for it. */
static void
add_holders_of_place(Relation relation, const ItemPointerData *place,
					 CasnetHolders *holders)
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
	/* The holder has ended since; the row could be free now. */
	if (!found)
		holders->look_again = true;
	if (holders->with_queue)
	{
		SET_LOCKTAG_TUPLE(tag, MyDatabaseId, RelationGetRelid(relation),
						  ItemPointerGetBlockNumber(place),
						  ItemPointerGetOffsetNumber(place));
		casnet_holders_add_of_lock(&tag, AccessExclusiveLock, holders);
	}
}

/*
 * Lock a row that a scan found, if nobody holds it; otherwise add its holders.  The lock
 * is kept until the row is changed.  If the row was updated since the scan began, this
 * applies to its newest version, where the server then stops.
 */
void
casnet_holders_lock_or_add(Relation relation, HeapTuple tuple, CasnetHolders *holders)
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

/* The lock of those who remove an owner from a tenant. */
LOCKTAG
casnet_holders_owner_lock(const pg_uuid_t *tenant)
{
	uint64		hash = hash_bytes_extended(tenant->data, UUID_LEN, 0);
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32),
						 (uint32) hash, TENANT_LOCK_CLASS);
	return tag;
}

/* The lock of those of that rank who change members of the tenant. */
LOCKTAG
casnet_holders_change_lock(const pg_uuid_t *tenant, int rank)
{
	LOCKTAG		tag = casnet_holders_owner_lock(tenant);

	tag.locktag_field4 = CHANGE_LOCK_CLASS + rank;
	return tag;
}

/* The rank in a lock of those who change members of the tenant; -1 for any other lock. */
static int
rank_of_lock(LOCKTAG tag, const pg_uuid_t *tenant)
{
	LOCKTAG		lowest = casnet_holders_change_lock(tenant, 0);
	int			rank = (int) tag.locktag_field4 - lowest.locktag_field4;

	tag.locktag_field4 = lowest.locktag_field4;
	return rank >= 0 && rank <= CASNET_HIGHEST_RANK &&
		memcmp(&tag, &lowest, sizeof(tag)) == 0 ? rank : -1;
}

/* The rank with which a process changes members of the tenant, or of many; otherwise -1. */
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
		rank = Max(rank, rank_of_lock(tag, &casnet_holders_no_tenant));
	}
	return rank;
}

/* The processes that were told to end, and when.  The oldest entry is overwritten. */
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
 * End those of the processes that have held up somebody of that rank for too long,
 * counted from began; returns how many.
 */
int
casnet_holders_end(const CasnetHolders *holders, const pg_uuid_t *tenant, int rank,
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

/* Whether a session was told to end a moment ago. */
bool
casnet_holders_ended_just_now(TimestampTz now)
{
	return !TimestampDifferenceExceeds(told[last_told].at, now, JUST_NOW_MS);
}

/* Wait for a moment, or a shorter one, unless interrupted. */
void
casnet_holders_wait(bool quick)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 quick ? QUICK_POLL_MS : POLL_MS, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Lock a table that nobody needs for long.  An administrator ends those who hold it for
 * too long; others wait.
 */
void
casnet_holders_take_table(Oid table, LOCKMODE mode)
{
	TimestampTz began = 0;

	while (!ConditionalLockRelationOid(table, mode))
	{
		TimestampTz now = GetCurrentTimestamp();
		CasnetHolders		holders = {.n = 0};
		LOCKTAG		tag;

		if (began == 0)
			began = now;
		SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
		if (casnet_security_is_administrator() &&
			!TimestampDifferenceExceeds(began, now, GRACE_MS + END_MS))
			casnet_holders_add_of_lock(&tag, mode, &holders);
		if (holders.n == 0)
		{
			LockRelationOid(table, mode);
			return;
		}
		(void) casnet_holders_end(&holders, &casnet_holders_no_tenant, CASNET_HIGHEST_RANK + 1,
						   began);
		casnet_holders_wait(false);
	}
}
