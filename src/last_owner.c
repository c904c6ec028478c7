/*
 * last_owner.c
 *		A tenant that has an owner never loses its last one until it is deleted.
 *
 * The rule binds everybody, administrators included.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_keep_last_owner);

/* Whether the tenant has an owner at this moment. */
static bool
has_owner(const pg_uuid_t *tenant)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		found = false;

	casnet_scan_begin(&scan, CASNET_MEMBERS_BY_TENANT, snapshot,
					  UUIDPGetDatum(tenant), (Datum) 0);
	while (!found && (tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		role = casnet_scan_value(&scan, tuple, USER_TENANTS_ROLE,
											 &isnull);

		found = !isnull && strcmp(TextDatumGetCString(role), "owner") == 0;
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found;
}

/* Take the tenant's lock until the end of the transaction; see casnet_keep_last_owner(). */
static void
lock_tenant(const pg_uuid_t *tenant)
{
	LOCKTAG		tag = casnet_holders_owner_lock(tenant);

	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/* Whether the account exists at this moment. */
static bool
account_exists(const pg_uuid_t *user)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	bool		exists;

	casnet_scan_begin(&scan, CASNET_USER_BY_ID, snapshot, UUIDPGetDatum(user),
					  (Datum) 0);
	exists = casnet_scan_next(&scan) != NULL;
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return exists;
}

/* The id and the name of the tenant, for a message. */
static char *
describe_tenant(const pg_uuid_t *tenant)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;
	char	   *result = casnet_uuid_format(tenant);

	casnet_scan_begin(&scan, CASNET_TENANT_BY_ID, snapshot,
					  UUIDPGetDatum(tenant), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;
		Datum		name = casnet_scan_value(&scan, tuple, TENANTS_NAME, &isnull);

		if (!isnull)
			result = psprintf("%s \"%s\"", result, TextDatumGetCString(name));
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return result;
}

/*
 * The tenants whose last owner the user was before the command that took away this row.
 * The command that deletes an account takes away all its memberships at once.
 */
static char *
tenants_without_owner(HeapTuple gone, const pg_uuid_t *user)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	SnapshotData before = *snapshot;
	CasnetScan	scan;
	HeapTuple	tuple;
	List	   *tenants = NIL;
	ListCell   *cell;
	StringInfoData list;

	before.curcid = HeapTupleHeaderGetCmax(gone->t_data);
	casnet_scan_begin(&scan, CASNET_MEMBERS_BY_USER, &before,
					  UUIDPGetDatum(user), (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		role = casnet_scan_value(&scan, tuple, USER_TENANTS_ROLE,
											 &isnull);
		pg_uuid_t  *tenant;

		if (isnull || strcmp(TextDatumGetCString(role), "owner") != 0)
			continue;
		tenant = palloc(sizeof(pg_uuid_t));
		*tenant = *DatumGetUUIDP(casnet_scan_value(&scan, tuple,
												   USER_TENANTS_TENANT_ID,
												   &isnull));
		tenants = lappend(tenants, tenant);
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);

	initStringInfo(&list);
	foreach(cell, tenants)
	{
		pg_uuid_t  *tenant = lfirst(cell);

		if (casnet_catalog_tenant_exists(tenant) && !has_owner(tenant))
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
							 describe_tenant(tenant));
	}
	return list.data;
}

/*
 * Raises 23514 for the row whose removal took away the last owner.  Whoever deletes the
 * account of somebody else sees all tenants, and others are owners of those that are in the
 * way; so the error names them.
 */
static void
refuse_last_owner(Relation relation, HeapTuple gone)
{
	pg_uuid_t	user;

	if (casnet_trigger_uuid(relation, gone, "user_id", &user) &&
		!account_exists(&user))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("cannot remove the last owner of a tenant"),
				 errdetail("The account is the last owner of %s.",
						   tenants_without_owner(gone, &user)),
				 errhint("Set casnet.tenant_id to each and name another owner with casnet.add_member() or casnet.set_member_role(), or delete it with casnet.delete_tenant(). Until then casnet.deactivate_user() takes everything from the account."),
				 errtable(relation)));
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("cannot remove the last owner of a tenant"),
			 errhint("Make another member an owner first, or delete the tenant with casnet.delete_tenant()."),
			 errtable(relation)));
}

/*
 * casnet_internal.keep_last_owner() returns trigger
 *
 * AFTER UPDATE OR DELETE FOR EACH ROW on user_tenants: raises 23514 when the row was an
 * owner, no owner is left, and the tenant still exists.
 *
 * Two owners who leave at once delete different rows, and do not see each other's.  So
 * they queue for a lock on the tenant.  The second one looks with a snapshot taken after
 * the first one's commit, whatever the isolation level.
 */
Datum
casnet_keep_last_owner(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "keep_last_owner", false);
	Relation	relation = trigger->tg_relation;
	pg_uuid_t	tenant;
	pg_uuid_t	tenant_after;

	if (strcmp(casnet_trigger_text(relation, trigger->tg_trigtuple, "role"),
			   "owner") != 0 ||
		!casnet_trigger_uuid(relation, trigger->tg_trigtuple, "tenant_id", &tenant))
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		strcmp(casnet_trigger_text(relation, trigger->tg_newtuple, "role"),
			   "owner") == 0 &&
		casnet_trigger_uuid(relation, trigger->tg_newtuple, "tenant_id",
				   &tenant_after) &&
		memcmp(&tenant, &tenant_after, UUID_LEN) == 0)
		return PointerGetDatum(NULL);

	/* The coordinator has a copy of the row, too, and knows which tenant is deleted. */
	if (casnet_shard_is_worker())
		return PointerGetDatum(NULL);

	/* Make the rows that this command took away invisible here. */
	CommandCounterIncrement();

	/* No lock for a tenant that is deleted with its owners: there can be many. */
	if (!casnet_catalog_tenant_exists(&tenant))
		return PointerGetDatum(NULL);
	lock_tenant(&tenant);
	if (!has_owner(&tenant))
		refuse_last_owner(relation, trigger->tg_trigtuple);
	return PointerGetDatum(NULL);
}
