/*
 * reach.c
 *		Looks at the tables that a change reaches by foreign keys, and at whose code runs there.
 *
 * The server's cascades run as the owner of each table, with the triggers of that table.
 * casnet refuses a change that would run code of a role with more rights than that role has.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_guard_cascade);

/*
 * Raises 55000 if a partition and its table have different owners.  Code of the
 * partition's owner would run as the owner of the table.
 */
void
casnet_reach_require_one_owner(Oid table)
{
	Oid			owner = casnet_owner_of(table);
	ListCell   *lc;

	foreach(lc, find_all_inheritors(table, RowExclusiveLock, NULL))
		if (casnet_owner_of(lfirst_oid(lc)) != owner)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("partition \"%s\" of table \"%s\" belongs to another role",
							get_rel_name(lfirst_oid(lc)), get_rel_name(table)),
					 errdetail("Its triggers would run as the owner of the table."),
					 errhint("Give both to one role, or detach the partition.")));
}

/* Raises 55000. */
static void
refuse_trigger(const Trigger *trigger, Relation relation, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s \"%s\" of table \"%s\" calls a function %s",
					what == NULL ? "trigger" : "the condition of trigger",
					trigger->tgname, RelationGetRelationName(relation),
					what == NULL ? "of another role" : what),
			 errdetail("It would run with the rights of the owner of the table."),
			 what == NULL ?
			 errhint("Give the functions that it calls to the owner of the table or to a superuser, or drop it.") :
			 errhint("Check the condition in the function of the trigger instead.")));
}

/*
 * Raises 55000 if a trigger's function, or one in its condition, belongs to a role without
 * the rights of the table's owner.  The trigger would run it as that owner, and a role with
 * only the privilege TRIGGER can have made the trigger.  Some functions of the server run a
 * query given as text.  So a condition must call nothing volatile, and while casnet erases,
 * immutable functions only.  The lock that casnet then holds on the table keeps others from
 * making triggers; noforce.c refuses functions that are changed meanwhile.
 */
static void
require_own_triggers(Relation relation, bool erasing)
{
	TriggerDesc *triggers = relation->trigdesc;
	Oid			owner = relation->rd_rel->relowner;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		Node	   *condition;

		if (trigger->tgisinternal || trigger->tgenabled == TRIGGER_DISABLED ||
			!(TRIGGER_FOR_DELETE(trigger->tgtype) ||
			  TRIGGER_FOR_UPDATE(trigger->tgtype)))
			continue;
		condition = trigger->tgqual == NULL ? NULL : stringToNode(trigger->tgqual);
		if (casnet_stranger_owns_function(trigger->tgfoid, owner) ||
			casnet_stranger_in_expression(condition, owner))
			refuse_trigger(trigger, relation, NULL);
		if (contain_volatile_functions(condition))
			refuse_trigger(trigger, relation, "that is volatile");
		if (erasing && contain_mutable_functions(condition))
			refuse_trigger(trigger, relation, "that is not immutable");
	}
}

/*
 * Follow the keys by which a change of the first table reaches others.  Raises 55000 if
 * one of these belongs to a role that is neither trusted nor the owner of the first, whose
 * code runs anyway.  To plan the change of a table, the server evaluates its expressions,
 * and its rows fire triggers.  Both run in this session and can change its settings, and
 * some run as whoever empties the first table.  So triggers must be the owner's as well.
 * The locks are kept, so that no other table joins these, and where casnet makes the
 * change, no trigger.  While casnet erases a tenant, keys that change no rows are not
 * followed.  What they evaluate runs as the owner, and to that code
 * the session is nobody.
 */
void
casnet_reach_check(Oid table, List **seen, CasnetReach purpose)
{
	bool		erasing = purpose == CASNET_REACH_ERASES_TENANT;
	LOCKMODE	lock = purpose == CASNET_REACH_GUARDS ? AccessShareLock : RowExclusiveLock;
	Relation	relation;
	TriggerDesc *triggers;
	ListCell   *lc;

	check_stack_depth();
	if (list_member_oid(*seen, table))
		return;
	*seen = lappend_oid(*seen, table);
	relation = table_open(table, lock);
	if (!casnet_security_is_trusted(relation->rd_rel->relowner, GetUserId()) &&
		relation->rd_rel->relowner != casnet_owner_of(linitial_oid(*seen)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" of role \"%s\" is changed with these rows",
						RelationGetRelationName(relation),
						GetUserNameFromId(relation->rd_rel->relowner, false)),
				 errdetail("Code that its owner has put into it would run in your session."),
				 erasing ?
				 errhint("Give the table to the owner of table \"%s\", whose rows change, or to a superuser; or drop its key.",
						 get_rel_name(linitial_oid(*seen))) :
				 purpose == CASNET_REACH_ERASES_PERSON ?
				 errhint("Call casnet.erase_person() as a role of the application, or give the table to a superuser.") :
				 errhint("Delete a tenant with casnet.delete_tenant(), which does that as the owner of the table; or give the table to a superuser.")));

	/* Otherwise the first one is casnet's, and its triggers fire as the session. */
	if (erasing || list_length(*seen) > 1)
		require_own_triggers(relation, erasing);
	triggers = relation->trigdesc;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		/* Only the server's own triggers on a referenced table lead on. */
		if (!trigger->tgisinternal || !OidIsValid(trigger->tgconstrrelid) ||
			!(TRIGGER_FOR_DELETE(trigger->tgtype) ||
			  TRIGGER_FOR_UPDATE(trigger->tgtype)) ||
			RI_FKey_trigger_type(trigger->tgfoid) != RI_TRIGGER_PK)
			continue;
		if (!erasing || (trigger->tgfoid != F_RI_FKEY_NOACTION_DEL &&
						 trigger->tgfoid != F_RI_FKEY_RESTRICT_DEL &&
						 trigger->tgfoid != F_RI_FKEY_NOACTION_UPD &&
						 trigger->tgfoid != F_RI_FKEY_RESTRICT_UPD))
			casnet_reach_check(trigger->tgconstrrelid, seen, purpose);
	}
	foreach(lc, find_inheritance_children(table, lock))
		casnet_reach_check(lfirst_oid(lc), seen, purpose);
	table_close(relation, NoLock);
}

/*
 * Raises 55000 if the deletion of a person by the current role would run code of roles
 * without its rights: before 18, AFTER triggers of a cascade run as whoever deletes.
 */
void
casnet_reach_check_person(Oid persons)
{
	List	   *seen = NIL;

	casnet_reach_check(persons, &seen, CASNET_REACH_ERASES_PERSON);
}


/*
 * Become the owner of the table.  Until casnet leaves it, noforce.c refuses functions of
 * roles without the owner's rights.  What the table's triggers change can have triggers of
 * others, and a type of others can have casts that they made.
 */
void
casnet_reach_enter_owner(CasnetOwnerSwitch *former, Oid table)
{
	Oid			owner;
	int			context;

	casnet_owner_enter(former, casnet_owner_of(table));
	GetUserIdAndSecContext(&owner, &context);
	SetUserIdAndSecContext(owner, context | CASNET_SECURITY_NO_STRANGER);
}


/*
 * casnet_internal.guard_cascade() returns trigger
 *
 * BEFORE DELETE, TRUNCATE OR UPDATE of the key FOR EACH STATEMENT.  Raises 55000 if the
 * change would reach a table of an owner who is not trusted, 39P01 when called in any other
 * way.
 */
Datum
casnet_guard_cascade(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	const CasnetVerdict *verdict;
	List	   *seen = NIL;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event) ||
		TRIGGER_FIRED_BY_INSERT(data->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.guard_cascade() was not called before rows are changed or deleted"),
				 errhint("Attach it as casnet.install() does.")));

	/* Policies let the session delete only the active tenant. */
	if (TRIGGER_FIRED_BY_DELETE(data->tg_event) &&
		casnet_catalog_is(CASNET_TENANTS, data->tg_relation) &&
		!casnet_trigger_stands_above(data->tg_relation) &&
		(verdict = casnet_membership_current()) != NULL &&
		casnet_membership_holds(verdict, casnet_permission_find("delete_tenant")))
		casnet_guard_judge_again(verdict, "delete_tenant");

	/*
	 * As a replica, the server neither cascades nor fires triggers of others, except that
	 * TRUNCATE ... CASCADE still cascades.
	 */
	if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA ||
		TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		casnet_reach_check(RelationGetRelid(data->tg_relation), &seen, CASNET_REACH_GUARDS);
	return PointerGetDatum(NULL);
}
