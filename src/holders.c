/*
 * holders.c
 *		Whoever is to be stopped holds no lock that stops it.
 *
 * A membership or an account is changed by an UPDATE or DELETE of its row, and waits for
 * whoever has locked that, also for the user whom it is about: by an open change, by
 * FOR UPDATE, by a task that was assigned meanwhile.  So before an administrator's
 * function changes the row, those who hold it are given some seconds, and then their
 * sessions are ended.  Administrators and prepared transactions are waited for.
 *
 * LOCK TABLE on tables that decide about access is refused.
 */
#include "postgres.h"

#include <signal.h>

#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/subtrans.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "casnet.h"

/* How long those who hold a row may go on, and how long they may take to end. */
#define GRACE_MS 2000
#define END_MS 5000
#define POLL_MS 50

/* More than that are not ended at a time. */
#define MAX_HOLDERS 64

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

/* Add the process of a transaction that is under way, unless it is ours. */
static void
add_transaction(TransactionId xid, int *pids, int *n)
{
	int			pid;

	if (!TransactionIdIsValid(xid) || *n == MAX_HOLDERS ||
		TransactionIdIsCurrentTransactionId(xid) ||
		!TransactionIdIsInProgress(xid))
		return;
	pid = BackendXidGetPid(SubTransGetTopmostTransaction(xid));
	if (may_be_ended(pid))
		pids[(*n)++] = pid;
}

/* Add those who have locked or changed the row that the path finds. */
static void
add_holders_of_row(CasnetPath path, const pg_uuid_t *user,
				   const pg_uuid_t *tenant, int *pids, int *n)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, path, snapshot, UUIDPGetDatum(user),
					  UUIDPGetDatum(tenant));
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL && !(tuple->t_data->t_infomask & HEAP_XMAX_INVALID))
	{
		TransactionId xmax = HeapTupleHeaderGetRawXmax(tuple->t_data);

		if (tuple->t_data->t_infomask & HEAP_XMAX_IS_MULTI)
		{
			MultiXactMember *members;
			int			nmembers =
				GetMultiXactIdMembers(xmax, &members, false,
									  HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_data->t_infomask));

			for (int i = 0; i < nmembers; i++)
				add_transaction(members[i].xid, pids, n);
		}
		else
			add_transaction(xmax, pids, n);
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
}

/* Add those whose lock on the table is in the way of writing it. */
static void
add_holders_of_table(const char *name, int *pids, int *n)
{
	Oid			table = get_relname_relid(name,
										  get_namespace_oid("casnet", false));
	VirtualTransactionId *holders;
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
	holders = GetLockConflicts(&tag, RowExclusiveLock, NULL);
	for (; VirtualTransactionIdIsValid(*holders) && *n < MAX_HOLDERS; holders++)
	{
		PGPROC	   *process = casnet_process_of(*holders);

		if (process != NULL && process->pid != MyProcPid &&
			may_be_ended(process->pid))
			pids[(*n)++] = process->pid;
	}
}

/* Wait for a moment, unless interrupted. */
static void
wait_a_moment(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 POLL_MS, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Wait until nobody holds the row or its table, and end the sessions of those who
 * hold it for too long.
 */
static void
free_row(CasnetPath path, const char *table, const pg_uuid_t *user,
		 const pg_uuid_t *tenant)
{
	TimestampTz began = GetCurrentTimestamp();
	bool		ended = false;

	for (;;)
	{
		int			pids[MAX_HOLDERS];
		int			n = 0;
		TimestampTz now = GetCurrentTimestamp();

		add_holders_of_row(path, user, tenant, pids, &n);
		add_holders_of_table(table, pids, &n);
		if (n == 0 || TimestampDifferenceExceeds(began, now, GRACE_MS + END_MS))
			return;
		if (TimestampDifferenceExceeds(began, now, GRACE_MS))
		{
			for (int i = 0; i < n; i++)
			{
				ereport(LOG,
						(errmsg("ending process %d, which holds up an administrator",
								pids[i])));
				(void) kill(pids[i], SIGTERM);
			}
			if (!ended)
				ereport(NOTICE,
						(errmsg_plural("ended %d session that held the row",
									   "ended %d sessions that held the row",
									   n, n)));
			ended = true;
		}
		wait_a_moment();
	}
}

/*
 * casnet.free_membership(user_id uuid, tenant_id uuid) returns void
 *
 * Nobody holds the membership any more: those who do are given some seconds, and then
 * their sessions are ended; internal.  Raises 42501 for who may not change it.
 */
Datum
casnet_free_membership(PG_FUNCTION_ARGS)
{
	static const char *const permissions[] = {
		"manage_users", "assign_roles", "manage_permissions"
	};
	pg_uuid_t	user = *PG_GETARG_UUID_P(0);
	pg_uuid_t	tenant = *PG_GETARG_UUID_P(1);
	bool		may = casnet_membership_is_administrator();

	AcceptInvalidationMessages();
	for (int i = 0; i < lengthof(permissions) && !may; i++)
	{
		const CasnetVerdict *verdict = casnet_membership_in(&tenant);

		may = verdict != NULL &&
			casnet_membership_holds(verdict,
									casnet_permission_find(permissions[i]));
	}
	if (!may)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the membership is not yours to change"),
				 errhint("It takes manage_users or assign_roles in the tenant.")));
	free_row(CASNET_MEMBER, "user_tenants", &user, &tenant);
	PG_RETURN_VOID();
}

/*
 * casnet.free_account(user_id uuid) returns void
 *
 * The same of an account; internal.  Raises 42501 for who is no administrator and no
 * superuser of the application.
 */
Datum
casnet_free_account(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user = *PG_GETARG_UUID_P(0);

	AcceptInvalidationMessages();
	if (!casnet_membership_is_administrator() &&
		!casnet_membership_require_user()->superuser)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only administrators manage the accounts of others"),
				 errhint("Ask a superuser of the application or a member of casnet_admin.")));
	free_row(CASNET_USER_BY_ID, "users", &user, &user);
	PG_RETURN_VOID();
}

/* Whether the table decides about access. */
static bool
decides(Oid table)
{
	static const char *const names[] = {
		"users", "tenants", "user_tenants", "user_tenant_permissions",
		"role_permissions"
	};

	if (get_rel_namespace(table) != get_namespace_oid("casnet", true))
		return false;
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(get_rel_name(table), names[i]) == 0)
			return true;
	return false;
}

/*
 * LOCK TABLE is about to be executed.  Raises 42501 if it would keep others from
 * changing a table that decides about access, for whom its rules bind.
 */
void
casnet_holders_check_lock(const LockStmt *statement)
{
	ListCell   *lc;

	if (statement->mode <= RowExclusiveLock)
		return;
	foreach(lc, statement->relations)
	{
		Oid			table = RangeVarGetRelid(lfirst(lc), NoLock, true);

		if (!OidIsValid(table) || !decides(table) ||
			casnet_membership_is_administrator() ||
			has_privs_of_role(GetUserId(), casnet_owner_of(table)))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot lock table \"%s\", which decides about access",
						get_rel_name(table)),
				 errhint("Lock the rows that you change with SELECT ... FOR UPDATE.")));
	}
}
