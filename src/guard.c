/*
 * guard.c
 *		Row triggers that prevent escalation, however a row is written.
 *
 * Nobody can grant a role or a permission above their own.  A role is above theirs if it
 * gives a permission that they hold neither by their role nor in person.  The rule binds
 * the users of the application, not administrators.
 *
 * A row is judged by what the session's user may do in the row's tenant.  That need not
 * be the active one: policies check that.  If the user does not belong to the row's
 * tenant, the row is refused with the policies' own error, whether or not that tenant
 * exists.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "casnet.h"

/*
 * Whoever changes members of more tenants than this in a transaction takes one lock for
 * all further ones.
 */
#define MANY_TENANTS 64

PG_FUNCTION_INFO_V1(casnet_guard_membership);
PG_FUNCTION_INFO_V1(casnet_guard_grant);
PG_FUNCTION_INFO_V1(casnet_require_may_give);
PG_FUNCTION_INFO_V1(casnet_judge_again);

/*
 * The verdict about the session's user in the row's tenant; NULL if the row has no
 * tenant, since the server refuses that.  Raises 28000 or 55000 if the session cannot be
 * judged, 42501 if the user does not belong to the row's tenant.
 */
static const CasnetVerdict *
judge_of(Relation relation, HeapTuple row, CasnetVerdict *verdict)
{
	pg_uuid_t	tenant;
	pg_uuid_t	user;

	AcceptInvalidationMessages();
	user = casnet_membership_require(0, NULL)->key.user;
	if (!casnet_trigger_uuid(relation, row, "tenant_id", &tenant))
		return NULL;
	*verdict = *casnet_membership_of(&user, &tenant);
	if (!verdict->tenant_open)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("new row violates row-level security policy for table \"%s\"",
						RelationGetRelationName(relation)),
				 errhint("The row belongs to another tenant than the active one.")));

	/* A copy that outlives the next lookup of a verdict. */
	verdict->permissions = bms_copy(verdict->permissions);
	return verdict;
}

/* Raises 42501, with one message for every attempt at escalation. */
static void
refuse_escalation(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("nobody can grant or take away more than they hold themselves"),
			 errdetail_internal("%s", detail),
			 casnet_token_permissions() != NULL ?
			 errhint("The session token gives only some of the user's permissions. Use a token that gives that one, or ask somebody in the tenant who holds it, or an administrator.") :
			 errhint("Somebody in the tenant who holds that can do it, or an administrator.")));
}

/*
 * Why the judge must not give or take away that role, or NULL: the judge must hold all
 * that the role gives.
 */
static char *
role_objection(const CasnetVerdict *judge, const char *role)
{
	Snapshot	snapshot;
	Bitmapset  *missing;

	if (judge->superuser)
		return NULL;
	snapshot = casnet_catalog_snapshot();
	missing = bms_del_members(casnet_membership_role_permissions(role, snapshot),
							  judge->permissions);
	UnregisterSnapshot(snapshot);
	if (bms_is_empty(missing))
		return NULL;
	return psprintf("The role \"%s\" gives the permission \"%s\", which you do not hold.",
					role,
					casnet_permission_name(bms_next_member(missing, -1)));
}

/* Why the judge must not add a member with the role, or NULL. */
static char *
member_objection(const CasnetVerdict *judge, const char *role)
{
	char	   *objection = role_objection(judge, role);

	if (objection == NULL &&
		!casnet_membership_holds(judge,
								 casnet_permission_find("assign_roles")) &&
		casnet_role_is_above(role, "member"))
		return "To add somebody with a role above \"member\" takes the permission \"assign_roles\".";
	return objection;
}

/* The names of the permissions granted to a member besides the role. */
static List *
granted_in_person(const pg_uuid_t *user, const pg_uuid_t *tenant)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;
	List	   *names = NIL;

	casnet_scan_begin(&scan, CASNET_PERMISSIONS_OF_MEMBER, snapshot,
					  UUIDPGetDatum(user), UUIDPGetDatum(tenant));
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		name = casnet_scan_value(&scan, tuple,
											 USER_TENANT_PERMISSIONS_PERMISSION,
											 &isnull);

		if (!isnull)
			names = lappend(names, TextDatumGetCString(name));
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return names;
}

/*
 * Why the judge must not remove a member who was granted that permission besides the
 * role, or NULL.  Nobody holds a permission that no longer exists.
 */
static char *
removal_objection(const CasnetVerdict *judge, const char *permission)
{
	int			bit = casnet_permission_existing(permission);

	if (bit < 0 || casnet_membership_holds(judge, bit))
		return NULL;
	return psprintf("The member holds the permission \"%s\", which you do not hold.",
					permission);
}

/*
 * Whether the judge may change a member with this role, or none, by the rule of
 * escalation.
 */
bool
casnet_guard_may_change(const CasnetVerdict *judge, const char *role)
{
	return role[0] == '\0' || role_objection(judge, role) == NULL;
}

/* Whether the judge may add a member with this role, by the rule of escalation. */
bool
casnet_guard_may_add(const CasnetVerdict *judge, const char *role)
{
	return member_objection(judge, role) == NULL;
}

/*
 * The rank of a user in the tenant is the number of permissions.  So it is higher for one
 * who holds all that another holds and more.
 */
int
casnet_guard_rank_of(const CasnetVerdict *verdict)
{
	if (verdict->superuser)
		return CASNET_HIGHEST_RANK;
	return Min(bms_num_members(verdict->permissions), CASNET_HIGHEST_RANK - 1);
}

/*
 * The session changes members of the tenant, with the rights of that verdict.  Until the
 * transaction ends, a lock shows its rank to everybody, and a session of lower rank waits
 * long before ending it (holders.c).  For many tenants one lock without a tenant is
 * enough, since the server's lock table is limited.
 */
void
casnet_guard_note_change(const CasnetVerdict *judge)
{
	static const pg_uuid_t no_tenant;
	static TimestampTz transaction = 0;
	static int	count = 0;
	LOCKTAG		tag;

	if (transaction != GetCurrentTransactionStartTimestamp())
	{
		transaction = GetCurrentTransactionStartTimestamp();
		count = 0;
	}
	tag = casnet_holders_change_lock(count < MANY_TENANTS ?
								   &judge->key.tenant : &no_tenant,
								   casnet_guard_rank_of(judge));
	if (LockAcquire(&tag, AccessShareLock, false, false) != LOCKACQUIRE_ALREADY_HELD)
		count++;
}

/* Raises 42501 if there is an objection. */
static void
check_objection(const char *objection)
{
	if (objection != NULL)
		refuse_escalation(objection);
}

/* What to judge again when the transaction ends. */
typedef struct Given
{
	pg_uuid_t	judge;
	pg_uuid_t	tenant;
	int			needed;			/* bit of the permission to change such rows */
	bool		is_given;		/* the permission is given, not only taken away */
	bool		is_new;			/* the member is new */
	char		permission[CASNET_NAME_LENGTH]; /* given or taken away, or empty */
	char		former[CASNET_NAME_LENGTH]; /* role before, or empty */
	char		role[CASNET_NAME_LENGTH];	/* role after, or empty */
} Given;

/*
 * Whether the judge may still do it, by that verdict.  bit is the permission's, or -1 if
 * no permission has that name: then nobody can give it, and anybody may take it away.
 */
static bool
may_give(const CasnetVerdict *verdict, int bit, const Given *given)
{
	return casnet_membership_holds(verdict, given->needed) &&
		(given->permission[0] == '\0' ||
		 (bit < 0 ? !given->is_given : casnet_membership_holds(verdict, bit))) &&
		(given->former[0] == '\0' ||
		 role_objection(verdict, given->former) == NULL) &&
		(given->role[0] == '\0' ||
		 (given->is_new ? member_objection(verdict, given->role) == NULL :
		  role_objection(verdict, given->role) == NULL));
}

/* Whether the judge still has that right, by what others have committed. */
static bool
is_left(const Given *given)
{
	CasnetVerdict verdict;

	casnet_membership_of_others(&given->judge, &given->tenant, &verdict);
	return may_give(&verdict, given->permission[0] == '\0' ? -1 :
					casnet_permission_existing_to_others(given->permission),
					given);
}

/* Raises 42501. */
static void
refuse_lost(const Given *given)
{
	bool		gives = given->permission[0] != '\0' ||
		given->former[0] != '\0' || given->role[0] != '\0';

	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 gives ?
			 errmsg("the right to change memberships or permissions was lost before the transaction ended") :
			 errmsg("permission \"%s\" was lost before the transaction ended",
					casnet_permission_name(given->needed)),
			 errhint("The transaction is undone. Somebody who still has the right can repeat it.")));
}

/* CasnetJudgement: raises 42501 if the judge has lost that right. */
static void
judge_again(const void *given)
{
	if (!is_left(given))
		refuse_lost(given);
}

/*
 * Have it judged again when the transaction ends.  needed is the permission that the
 * policies ask for.  permission is the one given or taken away.  former and role are the
 * member's before and after, or NULL.  If others have not committed that right, either
 * this transaction made it, or others have just taken it.  So it is looked up again after
 * that.
 */
static void
remember_given(const CasnetVerdict *judge, const char *needed,
			   const char *permission, bool is_given,
			   const char *former, const char *role)
{
	Given		given;
	int			bit;

	memset(&given, 0, sizeof(given));
	given.judge = judge->key.user;
	given.tenant = judge->key.tenant;
	given.needed = casnet_permission_find(needed);
	given.is_given = is_given;
	given.is_new = former == NULL;
	/* There is no permission with a longer name. */
	if (permission != NULL && strlen(permission) < CASNET_NAME_LENGTH)
		strlcpy(given.permission, permission, sizeof(given.permission));
	if (former != NULL)
		strlcpy(given.former, former, sizeof(given.former));
	if (role != NULL)
		strlcpy(given.role, role, sizeof(given.role));
	if (casnet_judged_knows(judge_again, &given, sizeof(given)))
		return;
	if (is_left(&given))
	{
		casnet_judged_remember(judge_again, &given, sizeof(given), false);
		return;
	}
	casnet_judged_remember_token();
	/* Looked up before the verdict, which the next lookup can free. */
	bit = casnet_permission_existing(given.permission);
	AcceptInvalidationMessages();
	if (!may_give(casnet_membership_of(&given.judge, &given.tenant), bit,
				  &given))
		refuse_lost(&given);
}

/*
 * casnet_internal.guard_membership() returns trigger
 *
 * BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW on user_tenants.  The writer must hold
 * all that the old and the new role give.  To remove a member, the writer must also hold
 * what was granted to them besides the role.  A membership does not move to another user
 * or tenant.  Adding somebody above member also takes assign_roles.  Raises 42501; 22023
 * for an unknown role.
 */
Datum
casnet_guard_membership(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "guard_membership", true);
	Relation	relation = trigger->tg_relation;
	HeapTuple	old = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ?
		NULL : trigger->tg_trigtuple;
	HeapTuple	new = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ?
		trigger->tg_trigtuple : NULL;
	HeapTuple	result = new != NULL ? new : old;
	CasnetVerdict verdict;
	const CasnetVerdict *judge;
	char	   *old_role = NULL;
	char	   *new_role = NULL;

	if (new != NULL)
	{
		new_role = casnet_trigger_text(relation, new, "role");
		casnet_role_require(new_role);
	}
	if (casnet_trigger_stands_above(relation))
		return PointerGetDatum(result);
	judge = judge_of(relation, old != NULL ? old : new, &verdict);
	if (judge == NULL)
		return PointerGetDatum(result);
	casnet_guard_note_change(judge);

	if (old != NULL)
	{
		old_role = casnet_trigger_text(relation, old, "role");
		check_objection(role_objection(judge, old_role));
	}
	if (new == NULL)
	{
		pg_uuid_t	user;
		List	   *permissions = NIL;
		ListCell   *lc;

		if (casnet_trigger_uuid(relation, old, "user_id", &user))
			permissions = granted_in_person(&user, &judge->key.tenant);
		foreach(lc, permissions)
			check_objection(removal_objection(judge, lfirst(lc)));
		remember_given(judge, "manage_users", NULL, false, old_role, NULL);
		foreach(lc, permissions)
			remember_given(judge, "manage_users", lfirst(lc), false, old_role,
						   NULL);
	}
	if (old != NULL && new != NULL && !judge->superuser)
	{
		pg_uuid_t	before[2];
		pg_uuid_t	after[2];

		memset(before, 0, sizeof(before));
		memset(after, 0, sizeof(after));
		casnet_trigger_uuid(relation, old, "user_id", &before[0]);
		casnet_trigger_uuid(relation, old, "tenant_id", &before[1]);
		casnet_trigger_uuid(relation, new, "user_id", &after[0]);
		casnet_trigger_uuid(relation, new, "tenant_id", &after[1]);
		if (memcmp(before, after, sizeof(before)) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("a membership cannot be moved to another user or tenant"),
					 errhint("Remove the member and add the other one.")));
	}
	if (new != NULL && old == NULL)
	{
		check_objection(member_objection(judge, new_role));
		remember_given(judge, "manage_users", NULL, false, NULL, new_role);
	}
	else if (new != NULL)
	{
		check_objection(role_objection(judge, new_role));
		remember_given(judge, "assign_roles", NULL, false, old_role, new_role);
	}
	return PointerGetDatum(result);
}

/* The user of the verdict must hold that permission when the transaction ends, too. */
void
casnet_guard_judge_again(const CasnetVerdict *verdict, const char *permission)
{
	CasnetVerdict copy = *verdict;

	remember_given(&copy, permission, NULL, false, NULL, NULL);
}

/*
 * casnet_internal.judge_again(tenant_id uuid, permission text) returns void
 *
 * The session's user does something in the tenant by right of a permission, and must hold
 * that when the transaction ends, too; internal.  Raises 28000; 22023 for an unknown
 * permission.
 */
Datum
casnet_judge_again(PG_FUNCTION_ARGS)
{
	char	   *permission = text_to_cstring(PG_GETARG_TEXT_PP(1));
	pg_uuid_t	user;

	AcceptInvalidationMessages();
	(void) casnet_permission_bit(permission);
	user = casnet_membership_require_user()->key.user;
	casnet_guard_judge_again(casnet_membership_of(&user, PG_GETARG_UUID_P(0)),
							 permission);
	PG_RETURN_VOID();
}

/*
 * casnet_internal.require_may_give(role text) returns void
 *
 * Raises 42501 unless the session's user may add a member with that role to the active
 * tenant, 22023 for an unknown role.  For invitations.
 */
Datum
casnet_require_may_give(PG_FUNCTION_ARGS)
{
	CasnetVerdict verdict;
	char	   *role = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int			manage_users = casnet_permission_find("manage_users");

	AcceptInvalidationMessages();
	casnet_role_require(role);
	verdict = *casnet_membership_require(1, &manage_users);
	/* A copy that outlives the next lookup of a verdict. */
	verdict.permissions = bms_copy(verdict.permissions);
	check_objection(member_objection(&verdict, role));
	PG_RETURN_VOID();
}

/*
 * Raises 42501 unless the judge may write this row of user_tenant_permissions.  Raises
 * 22023 if an unknown permission is given, but only after the judge's rights were looked
 * up.  Nobody holds a permission that no longer exists, and anybody may take it away.
 */
static void
check_grant(Relation relation, HeapTuple row, bool is_given)
{
	CasnetVerdict verdict;
	const CasnetVerdict *judge = judge_of(relation, row, &verdict);
	char	   *permission;
	bool		is_member;
	char		role[CASNET_NAME_LENGTH];
	int			bit;
	pg_uuid_t	user;

	if (judge == NULL)
		return;
	casnet_guard_note_change(judge);
	permission = casnet_trigger_text(relation, row, "permission");
	bit = is_given ? casnet_permission_bit(permission) :
		casnet_permission_existing(permission);
	if (bit >= 0 && !casnet_membership_holds(judge, bit))
		refuse_escalation(psprintf("You do not hold the permission \"%s\".",
								   permission));
	/* The foreign key refuses a permission for a user who is no member. */
	is_member = casnet_trigger_uuid(relation, row, "user_id", &user) &&
		casnet_membership_role_of(&user, &judge->key.tenant, role);
	if (is_member)
		check_objection(role_objection(judge, role));
	remember_given(judge, "manage_permissions", permission, is_given,
				   is_member ? role : NULL, NULL);
}

/*
 * casnet_internal.guard_grant() returns trigger
 *
 * BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW on user_tenant_permissions.  The
 * permission must exist; the writer must hold it, and all that the member's role gives.
 * Raises 22023 or 42501.
 */
Datum
casnet_guard_grant(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "guard_grant", true);
	Relation	relation = trigger->tg_relation;
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple	result = is_update ? trigger->tg_newtuple :
		trigger->tg_trigtuple;

	if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		(void) casnet_permission_bit(casnet_trigger_text(relation, result,
												"permission"));
	if (casnet_trigger_stands_above(relation))
		return PointerGetDatum(result);

	check_grant(relation, trigger->tg_trigtuple,
				TRIGGER_FIRED_BY_INSERT(trigger->tg_event));
	if (is_update)
		check_grant(relation, trigger->tg_newtuple, true);
	return PointerGetDatum(result);
}
