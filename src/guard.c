/*
 * guard.c
 *		Row triggers against escalation, however a row is written.
 *
 * Nobody grants a role or a permission above their own; a role is above if it gives a
 * permission that they do not hold, by their role or in person.  The rule binds the
 * users of the application, not administrators.
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
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "casnet.h"

/* Whoever changes members of more tenants than that in a transaction takes one lock for all. */
#define MANY_TENANTS 64

PG_FUNCTION_INFO_V1(casnet_guard_membership);
PG_FUNCTION_INFO_V1(casnet_guard_grant);
PG_FUNCTION_INFO_V1(casnet_require_may_give);
PG_FUNCTION_INFO_V1(casnet_judge_again);

/*
 * The verdict about the session's user in the tenant of the row, or NULL if the row has
 * no tenant, which the server refuses.  Raises 28000 or 55000 when the session has
 * no standing, 42501 when the user has none in the tenant of the row.
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
			 errhint("Somebody in the tenant who holds that can do it, or an administrator.")));
}

/*
 * What is against the judge's making a row with that role, or undoing it, or NULL: the
 * judge must hold all that the role gives.
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

/* The same, of adding a member with the role. */
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

/* The names of the permissions that were granted to a member besides the role. */
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
 * The same, of removing a member to whom that permission was granted besides the role.
 * What does not exist any more is held by nobody.
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

/* Whether the judge may change a member with this role, or none, as far as the role goes. */
bool
casnet_guard_may_change(const CasnetVerdict *judge, const char *role)
{
	return role[0] == '\0' || role_objection(judge, role) == NULL;
}

/* Whether the judge may add a member with this role, as far as the role goes. */
bool
casnet_guard_may_add(const CasnetVerdict *judge, const char *role)
{
	return member_objection(judge, role) == NULL;
}

/*
 * The rank of somebody in the tenant: the number of permissions, so that it is higher for
 * who holds all that another one does and more.
 */
int
casnet_guard_rank_of(const CasnetVerdict *verdict)
{
	if (verdict->superuser)
		return CASNET_HIGHEST_RANK;
	return Min(bms_num_members(verdict->permissions), CASNET_HIGHEST_RANK - 1);
}

/*
 * The session changes members of the tenant, by the rights of that verdict: until the end
 * of the transaction everybody can see with which rank, and who has a lower one waits
 * long before ending it (holders.c).  Of many tenants that is said at once, without a
 * tenant, since the server's table of locks has an end.
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

/* What was judged of a row, for the end of the transaction. */
typedef struct Given
{
	pg_uuid_t	judge;
	pg_uuid_t	tenant;
	int			needed;			/* bit of the permission to change such rows */
	bool		is_given;		/* the permission is, and not only taken away */
	bool		is_new;			/* the member is */
	char		permission[CASNET_NAME_LENGTH]; /* given or taken away, or empty */
	char		former[CASNET_NAME_LENGTH]; /* role before, or empty */
	char		role[CASNET_NAME_LENGTH];	/* role after, or empty */
} Given;

/*
 * Whether the judge may still give it, by that verdict.  The bit is that of the permission,
 * or -1 if there is none of that name: then it is not given, and anybody takes it away.
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

/* Whether others have left the judge the right to do that. */
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
refuse_lost(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("the right to change memberships or permissions was lost before the transaction ended"),
			 errhint("Nothing of the transaction is done.")));
}

/* CasnetJudgement: raises 42501 if they have not. */
static void
judge_again(const void *given)
{
	if (!is_left(given))
		refuse_lost();
}

/*
 * Have it judged again when the transaction ends.  The permission is what policies ask for;
 * permission is one that is given or taken away, former and role are those of the member
 * before and after, or NULL.  If others have not left that right, it is of the transaction
 * itself: it must be there after that was found, or others have just taken it.
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
	/* Looked up before the verdict, which is good until the next look. */
	bit = casnet_permission_existing(given.permission);
	AcceptInvalidationMessages();
	if (!may_give(casnet_membership_of(&given.judge, &given.tenant), bit,
				  &given))
		refuse_lost();
}

/*
 * casnet_internal.guard_membership() returns trigger
 *
 * BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW on user_tenants: the writer holds
 * all that the role before and the role after give and, of a member who goes, what was
 * granted besides the role; a membership does not move, and to add somebody above member
 * takes assign_roles too.  Raises 42501; 22023 for an unknown role.
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

/* Whoever the verdict is about has to hold that permission when the transaction ends, too. */
void
casnet_guard_judge_again(const CasnetVerdict *verdict, const char *permission)
{
	CasnetVerdict copy = *verdict;

	remember_given(&copy, permission, NULL, false, NULL, NULL);
}

/*
 * casnet_internal.judge_again(tenant_id uuid, permission text) returns void
 *
 * The session's user does something in the tenant by the right of a permission, and has to
 * hold that when the transaction ends, too; internal.  Raises 28000, 22023 for an unknown
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
	casnet_role_require(role);
	verdict = *casnet_membership_require(1, &manage_users);
	/* A copy that lives on when the next verdict is looked up. */
	verdict.permissions = bms_copy(verdict.permissions);
	check_objection(member_objection(&verdict, role));
	PG_RETURN_VOID();
}

/*
 * Raises unless the judge may write this row of user_tenant_permissions: 22023 if it is
 * given, and there is no such permission after the judge's rights were looked up.  One that
 * does not exist any more can be held by nobody, and anybody may take it away.
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
	/* The foreign key refuses a permission for who is no member. */
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
 * BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW on user_tenant_permissions:
 * the permission is known, and the writer holds it and all that the member's role gives.
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
