/*
 * guard.c
 *		Row triggers that keep memberships in order, however a row is written, and
 *		rows in their tenant.
 *
 * Two rules about memberships.  Escalation: nobody grants a role or a permission above their
 * own; it binds the users of the application, not administrators.  Last
 * owner: a tenant that has an owner never loses its last one until it is
 * deleted; it binds everybody.
 *
 * A row is judged by what the session's user may do in the tenant of the row,
 * which need not be the active one: policies decide about that.  Where the user
 * belongs to no such tenant, the row is refused with the policies' own error,
 * the same for tenants that exist and tenants that do not.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "casnet.h"

/*
 * Class of our locks on tenants.  The advisory lock functions use classes 1
 * and 2 only, so nobody can take these from SQL.
 */
#define TENANT_LOCK_CLASS 0xCA5E

PG_FUNCTION_INFO_V1(casnet_guard_membership);
PG_FUNCTION_INFO_V1(casnet_guard_grant);
PG_FUNCTION_INFO_V1(casnet_keep_last_owner);
PG_FUNCTION_INFO_V1(casnet_keep_tenant);
PG_FUNCTION_INFO_V1(casnet_require_may_give);

/* Raises 39P01 unless the function was called for a row event, as asked. */
static TriggerData *
row_trigger(FunctionCallInfo fcinfo, const char *name, bool before)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		before != (bool) TRIGGER_FIRED_BEFORE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet.%s() was not called %s a row event", name,
						before ? "before" : "after"),
				 errhint("It is attached to tables by casnet.install().")));
	return trigger;
}

/* A uuid column of the row; false when it is NULL.  Raises 42703, 42804. */
static bool
uuid_value(Relation relation, HeapTuple row, const char *column,
		   pg_uuid_t *uuid)
{
	bool		isnull;
	int			number = casnet_trigger_column(relation, column, UUIDOID);
	Datum		value = heap_getattr(row, number, RelationGetDescr(relation),
									 &isnull);

	if (!isnull)
		*uuid = *DatumGetUUIDP(value);
	return !isnull;
}

/*
 * A text column of the row, or the empty string when it is NULL.  Raises 42703,
 * 42804.
 */
static char *
text_value(Relation relation, HeapTuple row, const char *column)
{
	bool		isnull;
	int			number = casnet_trigger_column(relation, column, TEXTOID);
	Datum		value = heap_getattr(row, number, RelationGetDescr(relation),
									 &isnull);

	return isnull ? pstrdup("") : TextDatumGetCString(value);
}

/*
 * The order of the roles, from 1.  Raises 22023 for an unknown one, also for
 * the empty string that stands for NULL.
 */
static int
role_rank(const char *role)
{
	static const char *const roles[] = {"viewer", "member", "admin", "owner"};

	for (int i = 0; i < lengthof(roles); i++)
		if (strcmp(role, roles[i]) == 0)
			return i + 1;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown role \"%s\"", role),
			 errhint("The roles are owner, admin, member and viewer.")));
}

/*
 * Whether the rule of escalation does not bind the current database role:
 * superusers, administrators, and the owner of the table, as whom cascades
 * run.
 */
static bool
stands_above(Relation relation)
{
	return casnet_membership_is_administrator() ||
		has_privs_of_role(GetUserId(), relation->rd_rel->relowner);
}

/*
 * The verdict about the session's user in the tenant of the row, or NULL if it is
 * not to judge: the user is a superuser of the application, or the row has no
 * tenant, which the server refuses.  Raises 28000 or 55000 when the session has
 * no standing, 42501 when the user has none in the tenant of the row.
 */
static const CasnetVerdict *
judge_of(Relation relation, HeapTuple row, CasnetVerdict *verdict)
{
	pg_uuid_t	tenant;
	pg_uuid_t	user;

	AcceptInvalidationMessages();
	user = casnet_membership_require(0, NULL)->key.user;
	if (!uuid_value(relation, row, "tenant_id", &tenant))
		return NULL;
	*verdict = *casnet_membership_of(&user, &tenant);
	if (!verdict->tenant_open)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("new row violates row-level security policy for table \"%s\"",
						RelationGetRelationName(relation)),
				 errhint("The row belongs to another tenant than the active one.")));
	if (verdict->superuser)
		return NULL;

	/* A copy that lives on when the next verdict is looked up. */
	verdict->permissions = bms_copy(verdict->permissions);
	return verdict;
}

/* Raises 42501 with one message for every attempt to rise. */
static void
refuse_escalation(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("nobody can grant or take away more than they hold themselves"),
			 errdetail_internal("%s", detail),
			 errhint("Somebody with a higher role in the tenant can do it.")));
}

/* Raises 42501 unless the judge may make a row with that role, or undo it. */
static void
check_role(const CasnetVerdict *judge, const char *role)
{
	if (!judge->is_member || role_rank(role) > role_rank(judge->role))
		refuse_escalation(psprintf("The role \"%s\" is above your own.", role));
}

/* Raises 42501 unless the judge holds each permission that the role gives. */
static void
check_role_permissions(const CasnetVerdict *judge, const char *role)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	Bitmapset  *given = casnet_membership_role_permissions(role, snapshot);
	Bitmapset  *missing = bms_difference(given, judge->permissions);

	UnregisterSnapshot(snapshot);
	if (!bms_is_empty(missing))
		refuse_escalation(psprintf("The role \"%s\" gives the permission \"%s\", which you do not hold.",
								   role,
								   casnet_permission_name(bms_next_member(missing, -1))));
}

/* Raises unless the judge may add a member with this role. */
static void
check_new_member(const CasnetVerdict *judge, const char *role)
{
	check_role(judge, role);
	check_role_permissions(judge, role);
	if (role_rank(role) > role_rank("member") &&
		!casnet_membership_holds(judge,
								 casnet_permission_find("assign_roles")))
		refuse_escalation("To add somebody with a role above \"member\" takes the permission \"assign_roles\".");
}

/*
 * casnet.guard_membership() returns trigger
 *
 * BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW on user_tenants: the role
 * before and the role after are not above the writer's own, the writer holds
 * every permission of the new one, a membership does not move, and to add
 * somebody above member takes assign_roles too.  Raises 42501; 22023 for an
 * unknown role.
 */
Datum
casnet_guard_membership(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = row_trigger(fcinfo, "guard_membership", true);
	Relation	relation = trigger->tg_relation;
	HeapTuple	old = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ?
		NULL : trigger->tg_trigtuple;
	HeapTuple	new = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ?
		trigger->tg_trigtuple : NULL;
	HeapTuple	result = new != NULL ? new : old;
	CasnetVerdict verdict;
	const CasnetVerdict *judge;
	char	   *new_role = NULL;

	if (new != NULL)
	{
		new_role = text_value(relation, new, "role");
		(void) role_rank(new_role);
	}
	if (stands_above(relation))
		return PointerGetDatum(result);
	judge = judge_of(relation, old != NULL ? old : new, &verdict);
	if (judge == NULL)
		return PointerGetDatum(result);

	if (old != NULL)
		check_role(judge, text_value(relation, old, "role"));
	if (old != NULL && new != NULL)
	{
		pg_uuid_t	before[2];
		pg_uuid_t	after[2];

		memset(before, 0, sizeof(before));
		memset(after, 0, sizeof(after));
		uuid_value(relation, old, "user_id", &before[0]);
		uuid_value(relation, old, "tenant_id", &before[1]);
		uuid_value(relation, new, "user_id", &after[0]);
		uuid_value(relation, new, "tenant_id", &after[1]);
		if (memcmp(before, after, sizeof(before)) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("a membership cannot be moved to another user or tenant"),
					 errhint("Remove the member and add the other one.")));
	}
	if (new != NULL && old == NULL)
		check_new_member(judge, new_role);
	else if (new != NULL)
	{
		check_role(judge, new_role);
		check_role_permissions(judge, new_role);
	}
	return PointerGetDatum(result);
}

/*
 * casnet.require_may_give(role text) returns void
 *
 * Raises 42501 unless the session's user may add a member with that role to
 * the active tenant, 22023 for an unknown role; for invitations.
 */
Datum
casnet_require_may_give(PG_FUNCTION_ARGS)
{
	CasnetVerdict verdict;
	char	   *role = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int			manage_users = casnet_permission_find("manage_users");

	AcceptInvalidationMessages();
	(void) role_rank(role);
	verdict = *casnet_membership_require(1, &manage_users);
	if (verdict.superuser)
		PG_RETURN_VOID();

	/* A copy that lives on when the next verdict is looked up. */
	verdict.permissions = bms_copy(verdict.permissions);
	check_new_member(&verdict, role);
	PG_RETURN_VOID();
}

/* Raises unless the judge may write this row of user_tenant_permissions. */
static void
check_grant(Relation relation, HeapTuple row)
{
	CasnetVerdict verdict;
	const CasnetVerdict *judge = judge_of(relation, row, &verdict);
	char	   *permission;
	pg_uuid_t	user;

	if (judge == NULL)
		return;
	permission = text_value(relation, row, "permission");
	if (!casnet_membership_holds(judge, casnet_permission_bit(permission)))
		refuse_escalation(psprintf("You do not hold the permission \"%s\".",
								   permission));
	if (uuid_value(relation, row, "user_id", &user))
	{
		const CasnetVerdict *member =
			casnet_membership_of(&user, &verdict.key.tenant);

		/* The foreign key refuses a permission for somebody else. */
		if (member->is_member)
			check_role(judge, member->role);
	}
}

/*
 * casnet.guard_grant() returns trigger
 *
 * BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW on user_tenant_permissions:
 * the permission is known, the writer holds it, and the member's role is not
 * above the writer's.  Raises 22023 or 42501.
 */
Datum
casnet_guard_grant(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = row_trigger(fcinfo, "guard_grant", true);
	Relation	relation = trigger->tg_relation;
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple	result = is_update ? trigger->tg_newtuple :
		trigger->tg_trigtuple;

	if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		(void) casnet_permission_bit(text_value(relation, result,
												"permission"));
	if (stands_above(relation))
		return PointerGetDatum(result);

	check_grant(relation, trigger->tg_trigtuple);
	if (is_update)
		check_grant(relation, trigger->tg_newtuple);
	return PointerGetDatum(result);
}

/*
 * casnet.keep_tenant() returns trigger
 *
 * BEFORE UPDATE OF tenant_id FOR EACH ROW: the row stays in its tenant, whoever
 * writes it.  AFTER UPDATE FOR EACH ROW: it has, whatever other triggers did.
 * Raises 42501 for those whom policies bind, as these would do next, and 23514 for
 * those who stand above them.
 */
Datum
casnet_keep_tenant(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = row_trigger(fcinfo, "keep_tenant",
									   !CALLED_AS_TRIGGER(fcinfo) ||
									   TRIGGER_FIRED_BEFORE(((TriggerData *) fcinfo->context)->tg_event));
	Relation	relation = trigger->tg_relation;
	pg_uuid_t	before;
	pg_uuid_t	after;

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet.keep_tenant() was not called for an update"),
				 errhint("Attach it with CREATE TRIGGER ... BEFORE UPDATE ... FOR EACH ROW.")));

	/* A row without a tenant may get one; to lose it, the column is NOT NULL. */
	if (!uuid_value(relation, trigger->tg_trigtuple, "tenant_id", &before) ||
		!uuid_value(relation, trigger->tg_newtuple, "tenant_id", &after) ||
		memcmp(&before, &after, UUID_LEN) == 0)
		return PointerGetDatum(trigger->tg_newtuple);
	ereport(ERROR,
			(errcode(stands_above(relation) ? ERRCODE_CHECK_VIOLATION :
					 ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("a row of table \"%s\" cannot be moved to another tenant",
					RelationGetRelationName(relation)),
			 errhint("Insert it into the other tenant, and delete it here."),
			 errtable(relation)));
}

/* Whether the tenant has an owner, to a snapshot of this moment. */
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

/* Hold until the end of the transaction; see casnet_keep_last_owner(). */
static void
lock_tenant(const pg_uuid_t *tenant)
{
	uint64		hash = hash_bytes_extended(tenant->data, UUID_LEN, 0);
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32),
						 (uint32) hash, TENANT_LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/*
 * casnet.keep_last_owner() returns trigger
 *
 * AFTER UPDATE OR DELETE FOR EACH ROW on user_tenants: raises 23514 when an
 * owner went, none is left, and the tenant still exists.
 *
 * Two owners that leave at once delete different rows and do not see each
 * other's, so they queue for a lock on the tenant, and the second one looks
 * with a snapshot taken after the first one's commit, whatever the isolation
 * level.
 */
Datum
casnet_keep_last_owner(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = row_trigger(fcinfo, "keep_last_owner", false);
	Relation	relation = trigger->tg_relation;
	pg_uuid_t	tenant;
	pg_uuid_t	tenant_after;

	if (strcmp(text_value(relation, trigger->tg_trigtuple, "role"),
			   "owner") != 0 ||
		!uuid_value(relation, trigger->tg_trigtuple, "tenant_id", &tenant))
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		strcmp(text_value(relation, trigger->tg_newtuple, "role"),
			   "owner") == 0 &&
		uuid_value(relation, trigger->tg_newtuple, "tenant_id",
				   &tenant_after) &&
		memcmp(&tenant, &tenant_after, UUID_LEN) == 0)
		return PointerGetDatum(NULL);

	/* Make the rows that this command took away invisible to us. */
	CommandCounterIncrement();

	/* No lock for a tenant that goes with its owners: there may be many. */
	if (!casnet_tenant_exists(&tenant))
		return PointerGetDatum(NULL);
	lock_tenant(&tenant);
	if (!has_owner(&tenant))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("a tenant keeps its last owner"),
				 errhint("Make another member an owner first, or delete the tenant with casnet.delete_tenant()."),
				 errtable(relation)));
	return PointerGetDatum(NULL);
}
