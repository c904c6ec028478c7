/*
 * erase.c
 *		Deletes a tenant and everything that belongs to it.
 *
 * Tables of an application can refer to the tenant, or to its rows, and the server's
 * cascades would empty them.  Cascades run as the owner of the table, but before 18 the
 * AFTER triggers that they queue run as whoever deletes the tenant.  Deferred triggers run
 * as whoever commits, and what a BEFORE trigger sets stays set.  So casnet empties such
 * tables first, each as its owner (owner.c), and each before those that it refers to.  If
 * their triggers leave rows or bring them back, that is an error.  Then casnet deletes its
 * own rows, with cascades and triggers switched off, except its own that always fire.
 * From there on, no code of anybody else runs.
 *
 * Each statement sees what is committed when it begins, whatever the isolation level.  The
 * lock on the row of the tenant keeps everybody from referring to it anew.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "casnet.h"

/* casnet's tables with rows of tenants, in the order in which they are emptied. */
static const char *const own_tables[] = {
	"casnet.record_persons", "casnet.record_tags", "casnet.tasks",
	"casnet.calendar_events", "casnet.tags", "casnet.persons", "casnet.records", "casnet.user_tenant_permissions",
	"casnet.user_tenants", "casnet_internal.invitations"
};

/* A foreign key of an application's table that refers to rows of a tenant. */
typedef struct Cascade
{
	Oid			table;
	Oid			target;			/* casnet's table that it refers to */
	char		action;			/* as in pg_constraint.confdeltype */
	char	   *condition;		/* which rows are of the tenant, $1 */
	char	   *refers;			/* which of these refer to something */
	char	   *assignments;	/* what SET NULL and SET DEFAULT do */
	bool		done;
} Cascade;

/* Any foreign key, with its two tables and those that they are partitions of. */
typedef struct Edge
{
	Oid			from;
	Oid			to;
	List	   *from_tables;
	List	   *to_tables;
	NameData	name;
	bool		is_deferrable;
	bool		is_deferred;
} Edge;

/* For what tables are looked at that a change reaches; see look_along(). */
typedef enum Purpose
{
	GUARDS,						/* a change of casnet's tables, by whoever makes it */
	ERASES_PERSON,				/* as an administrator */
	ERASES_TENANT				/* as the owner of the first table */
} Purpose;

PG_FUNCTION_INFO_V1(casnet_erase_tenant);
PG_FUNCTION_INFO_V1(casnet_guard_cascade);

/*
 * Run a statement about the tenant with the newest snapshot, while SPI is connected.
 * Returns the number of rows.
 */
static uint64
run_with_tenant(const char *statement, const pg_uuid_t *tenant)
{
	Oid			types[] = {UUIDOID};
	Datum		values[] = {UUIDPGetDatum(tenant)};
	SPIPlanPtr	plan = SPI_prepare(statement, 1, types);
	int			code;

	if (plan == NULL)
		elog(ERROR, "could not prepare a statement: %s",
			 SPI_result_code_string(SPI_result));
	code = SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
								InvalidSnapshot, false, true, 0);
	if (code < 0)
		elog(ERROR, "could not run a statement: %s",
			 SPI_result_code_string(code));
	SPI_freeplan(plan);
	return SPI_processed;
}

/* The name of a table, with its schema, as SQL takes it. */
static char *
qualified_name(Oid table)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
}

/* The OID of one of casnet's tables with rows of tenants, or InvalidOid. */
static Oid
own_table(int i)
{
	const char *name = strchr(own_tables[i], '.') + 1;

	return get_relname_relid(name,
							 strncmp(own_tables[i], "casnet.", 7) == 0 ?
							 casnet_schema() : casnet_schema_internal());
}

/* Whether the table is one of these, or tenants. */
static bool
is_own(Oid table)
{
	if (!casnet_schema_is_ours(get_rel_namespace(table)))
		return false;
	for (int i = 0; i < lengthof(own_tables); i++)
		if (table == own_table(i))
			return true;
	return table == get_relname_relid("tenants", casnet_schema());
}

/* The numbers in an array of pg_constraint. */
static AttrNumber *
key_numbers(Relation catalog, HeapTuple tuple, int column, int *n)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column,
									 RelationGetDescr(catalog), &isnull);
	ArrayType  *array;

	*n = 0;
	if (isnull)
		return NULL;
	array = DatumGetArrayTypeP(value);
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (AttrNumber *) ARR_DATA_PTR(array);
}

/*
 * What an application's key does to its rows when those of a tenant are deleted.  Raises
 * 55000 if no column of the key names the tenant, so that its rows cannot be told.
 */
static Cascade *
describe_cascade(Relation catalog, HeapTuple tuple, Oid tenants)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	Cascade    *cascade = palloc0(sizeof(Cascade));
	StringInfoData assignments;
	StringInfoData refers;
	AttrNumber *from;
	AttrNumber *to;
	AttrNumber *set;
	int			nfrom;
	int			nto;
	int			nset;

	from = key_numbers(catalog, tuple, Anum_pg_constraint_conkey, &nfrom);
	to = key_numbers(catalog, tuple, Anum_pg_constraint_confkey, &nto);
	for (int i = 0; i < nto; i++)
		if (to[i] == get_attnum(form->confrelid, form->confrelid == tenants ?
								"id" : "tenant_id"))
			cascade->condition =
				psprintf("%s OPERATOR(pg_catalog.=) $1",
						 quote_identifier(get_attname(form->conrelid, from[i],
													  false)));
	if (cascade->condition == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("foreign key \"%s\" of table \"%s\" refers to rows of tenants without their tenant",
						NameStr(form->conname), get_rel_name(form->conrelid)),
				 errdetail("Rows that it would delete or forbid to delete cannot be told by the tenant."),
				 errhint("Drop it, or make one that names the tenant, too.")));
	initStringInfo(&refers);
	for (int i = 0; i < nfrom; i++)
		appendStringInfo(&refers, " AND %s IS NOT NULL",
						 quote_identifier(get_attname(form->conrelid, from[i],
													  false)));

	set = key_numbers(catalog, tuple, Anum_pg_constraint_confdelsetcols, &nset);
	if (nset == 0)
		set = from, nset = nfrom;
	initStringInfo(&assignments);
	for (int i = 0; i < nset; i++)
		appendStringInfo(&assignments, "%s%s = %s", i == 0 ? "" : ", ",
						 quote_identifier(get_attname(form->conrelid, set[i],
													  false)),
						 form->confdeltype == FKCONSTR_ACTION_SETNULL ?
						 "NULL" : "DEFAULT");
	cascade->table = form->conrelid;
	cascade->target = form->confrelid;
	cascade->refers = refers.data;
	cascade->action = form->confdeltype;
	cascade->assignments = assignments.data;
	return cascade;
}

/* The table, and those that it is a partition of. */
static List *
with_ancestors(Oid table)
{
	List	   *ancestors = get_rel_relispartition(table) ?
		get_partition_ancestors(table) : NIL;

	return lcons_oid(table, ancestors);
}

/*
 * The keys of applications that refer to rows of a tenant.  Adds every foreign key to
 * *edges, which give the order.
 */
static List *
find_cascades(Oid tenants, List **edges)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0,
										  NULL);
	HeapTuple	tuple;
	List	   *cascades = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		Edge	   *edge;

		if (form->contype != CONSTRAINT_FOREIGN ||
			OidIsValid(form->conparentid))
			continue;
		edge = palloc0(sizeof(Edge));
		edge->from = form->conrelid;
		edge->to = form->confrelid;
		edge->from_tables = with_ancestors(form->conrelid);
		edge->to_tables = with_ancestors(form->confrelid);
		edge->is_deferred = form->condeferred;
		edge->name = form->conname;
		edge->is_deferrable = form->condeferrable;
		*edges = lappend(*edges, edge);
		if (is_own(form->confrelid) && !is_own(form->conrelid))
			cascades = lappend(cascades,
							   describe_cascade(catalog, tuple, tenants));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return cascades;
}

/* Whether another table that is yet to be emptied refers to this one. */
static bool
is_referred_to(const Cascade *cascade, List *cascades, List *edges)
{
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, edges)
	{
		Edge	   *edge = lfirst(lc);

		if (!list_member_oid(edge->to_tables, cascade->table) ||
			list_member_oid(edge->from_tables, cascade->table))
			continue;
		foreach(other, cascades)
			if (!((Cascade *) lfirst(other))->done &&
				list_member_oid(edge->from_tables,
								((Cascade *) lfirst(other))->table))
				return true;
	}
	return false;
}

/*
 * The next key to follow, or NULL; any, where tables refer to each other in a ring.  Rows
 * that a key deletes need no other key to clear them, so such a key comes first.
 */
static Cascade *
next_cascade(List *cascades, List *edges)
{
	Cascade    *any = NULL;
	Cascade    *clears = NULL;
	ListCell   *lc;

	foreach(lc, cascades)
	{
		Cascade    *cascade = lfirst(lc);

		if (cascade->done)
			continue;
		if (any == NULL || any->action != FKCONSTR_ACTION_CASCADE)
			any = cascade;
		if (is_referred_to(cascade, cascades, edges))
			continue;
		if (cascade->action == FKCONSTR_ACTION_CASCADE)
			return cascade;
		clears = cascade;
	}
	return clears != NULL ? clears : any;
}

/*
 * Raises 55000 if checks of a foreign key are pending.  SET CONSTRAINTS would fire them, and
 * they can wait for somebody's row for as long as it takes.
 */
static void
refuse_pending_checks(Form_pg_constraint key)
{
	Oid			tables[] = {key->conrelid, key->confrelid};

	for (int i = 0; i < lengthof(tables); i++)
	{
		ListCell   *lc;

		foreach(lc, find_all_inheritors(tables[i], NoLock, NULL))
			if (AfterTriggerPendingOnRel(lfirst_oid(lc)))
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("foreign key \"%s\" of table \"%s\" has rows to check",
								NameStr(key->conname), get_rel_name(key->conrelid)),
						 errhint("Run SET CONSTRAINTS ALL IMMEDIATE first, or delete the tenant in a transaction of its own.")));
	}
}

/*
 * Raises 55000 if SET CONSTRAINTS with the key's name could fire code of roles that are no
 * members of the current one, the table's owner.  Other foreign keys of that name do no
 * harm, since the server checks them as the owners of their tables.
 */
static void
require_own_name(const Edge *edge)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_constraint_conname, BTEqualStrategyNumber,
				F_NAMEEQ, NameGetDatum(&edge->name));
	ScanKeyInit(&keys[1], Anum_pg_constraint_connamespace,
				BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(get_rel_namespace(edge->from)));
	scan = systable_beginscan(catalog, ConstraintNameNspIndexId, true, NULL,
							  lengthof(keys), keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint other = (Form_pg_constraint) GETSTRUCT(tuple);

		if (other->contype == CONSTRAINT_FOREIGN && other->condeferrable)
			refuse_pending_checks(other);
		/* A role with only the privilege TRIGGER can have made a trigger. */
		if (!other->condeferrable || other->contype == CONSTRAINT_FOREIGN ||
			!OidIsValid(other->conrelid) ||
			(other->contype != CONSTRAINT_TRIGGER &&
			 is_member_of_role(casnet_owner_of(other->conrelid), GetUserId())))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("constraint \"%s\" of table \"%s\" has the name of one of table \"%s\"",
						NameStr(edge->name), get_rel_name(other->conrelid),
						get_rel_name(edge->from)),
				 errdetail("SET CONSTRAINTS cannot tell them apart, and they can belong to different roles."),
				 errhint("Rename one of them.")));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Have the server check foreign keys from and to the table at once, or defer them again.
 * Nothing can be deferred while casnet is the owner of the table.  SET CONSTRAINTS fires
 * whatever has the name, so no other constraint is allowed to have it.  A schema can belong
 * to another role, which is kept from renaming it until SET CONSTRAINTS has looked it up.
 */
static void
set_constraints(Oid table, List *edges, bool deferred)
{
	ListCell   *lc;

	foreach(lc, edges)
	{
		Edge	   *edge = lfirst(lc);
		const char *name;

		if (!edge->is_deferrable ||
			(!list_member_oid(edge->from_tables, table) &&
			 !list_member_oid(edge->to_tables, table)) ||
			(deferred && !edge->is_deferred))
			continue;
		casnet_owner_hold_names();
		require_own_name(edge);
		name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(edge->from)),
										  NameStr(edge->name));
		casnet_owner_sets_constraints = true;
		if (SPI_execute(psprintf("SET CONSTRAINTS %s %s", name,
								 deferred ? "DEFERRED" : "IMMEDIATE"),
						false, 0) < 0)
			elog(ERROR, "could not set a constraint");
		casnet_owner_release_names();
	}
}

/*
 * Raises 55000 if a trigger on the table could fire at commit, as whoever commits.
 */
static void
refuse_later_triggers(const Cascade *cascade)
{
	Relation	relation = table_open(cascade->table, AccessShareLock);
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgisinternal || !trigger->tgdeferrable)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" of table \"%s\" would fire later, as somebody else",
						trigger->tgname, RelationGetRelationName(relation)),
				 errdetail("It would have the rights of whoever deletes the tenant."),
				 errhint("Make it an AFTER trigger that cannot be deferred, or drop it.")));
	}
	table_close(relation, NoLock);
}

/*
 * Raises 55000 if a partition and its table have different owners.  Code of the
 * partition's owner would run as the owner of the table.
 */
void
casnet_erase_require_one_owner(Oid table)
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
static void
look_along(Oid table, List **seen, Purpose purpose)
{
	bool		erasing = purpose == ERASES_TENANT;
	LOCKMODE	lock = purpose == GUARDS ? AccessShareLock : RowExclusiveLock;
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
				 purpose == ERASES_PERSON ?
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
			look_along(trigger->tgconstrrelid, seen, purpose);
	}
	foreach(lc, find_inheritance_children(table, lock))
		look_along(lfirst_oid(lc), seen, purpose);
	table_close(relation, NoLock);
}

/*
 * Raises 55000 if the deletion of a person by the current role would run code of roles
 * without its rights: before 18, AFTER triggers of a cascade run as whoever deletes.
 */
void
casnet_erase_check_person(Oid persons)
{
	List	   *seen = NIL;

	look_along(persons, &seen, ERASES_PERSON);
}

/* The key's table as a statement names it, with partitions but no inheritance children. */
static char *
target_of(const Cascade *cascade)
{
	return psprintf("%s%s", get_rel_relkind(cascade->table) ==
					RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					qualified_name(cascade->table));
}

/*
 * Become the owner of the table.  Until casnet leaves it, noforce.c refuses functions of
 * roles without the owner's rights.  What the table's triggers change can have triggers of
 * others, and a type of others can have casts that they made.
 */
void
casnet_erase_enter_owner(CasnetOwnerSwitch *former, Oid table)
{
	Oid			owner;
	int			context;

	casnet_owner_enter(former, casnet_owner_of(table));
	GetUserIdAndSecContext(&owner, &context);
	SetUserIdAndSecContext(owner, context | CASNET_SECURITY_NO_STRANGER);
}

/* Do to an application's rows what their key says.  Returns how many were deleted. */
static uint64
empty_foreign(Cascade *cascade, List *edges, const pg_uuid_t *tenant)
{
	CasnetOwnerSwitch former;
	bool		deletes = cascade->action == FKCONSTR_ACTION_CASCADE;
	List	   *seen = NIL;
	char	   *statement;
	uint64		rows;

	cascade->done = true;
	if (cascade->action == FKCONSTR_ACTION_NOACTION ||
		cascade->action == FKCONSTR_ACTION_RESTRICT)
		return 0;
	refuse_later_triggers(cascade);
	casnet_erase_require_one_owner(cascade->table);
	casnet_erase_enter_owner(&former, cascade->table);
	look_along(cascade->table, &seen, ERASES_TENANT);
	set_constraints(cascade->table, edges, false);
	if (deletes)
		statement = psprintf("DELETE FROM %s WHERE %s%s", target_of(cascade),
							 cascade->condition, cascade->refers);
	else
		statement = psprintf("UPDATE %s SET %s WHERE %s%s", target_of(cascade),
							 cascade->assignments, cascade->condition,
							 cascade->refers);
	casnet_owner_expect(cascade->table);
	rows = run_with_tenant(statement, tenant);
	set_constraints(cascade->table, edges, true);
	casnet_owner_leave(&former);
	return deletes ? rows : 0;
}

/*
 * Raises 23503 if a row of an application still refers to the tenant or to one of its
 * rows.  The key can forbid the deletion, or a trigger or rule kept the row or brought it
 * back.
 */
static void
require_empty(const Cascade *cascade, const pg_uuid_t *tenant)
{
	CasnetOwnerSwitch former;
	uint64		rows;

	casnet_erase_enter_owner(&former, cascade->table);
	casnet_owner_expect(cascade->table);
	rows = run_with_tenant(psprintf("SELECT FROM %s WHERE %s%s LIMIT 1",
									target_of(cascade), cascade->condition,
									cascade->refers), tenant);
	casnet_owner_leave(&former);
	if (rows > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("rows of table \"%s\" refer to the tenant",
						get_rel_name(cascade->table)),
				 errhint("Delete them first. A trigger or a rule of that table can keep them.")));
}

/*
 * Raises 55000 if a partition of a table that was emptied is being detached.  Statements on
 * the table leave its rows out, and so do the server's cascades.
 */
static void
refuse_detaching(List *cascades)
{
	List	   *tables = NIL;
	Relation	catalog;
	SysScanDesc scan;
	HeapTuple	tuple;
	ListCell   *lc;

	foreach(lc, cascades)
		tables = list_concat_unique_oid(tables,
										find_all_inheritors(((Cascade *) lfirst(lc))->table,
															NoLock, NULL));
	catalog = table_open(InheritsRelationId, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);

		if (form->inhdetachpending && list_member_oid(tables, form->inhparent))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("partition \"%s\" of table \"%s\" is being detached",
							get_rel_name(form->inhrelid),
							get_rel_name(form->inhparent)),
					 errdetail("Rows of the tenant there would stay."),
					 errhint("Wait until it is detached, or end that with ALTER TABLE ... DETACH PARTITION ... FINALIZE.")));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Require that of all keys as they are now.  Code of the owners has run before, which can
 * have renamed columns and detached partitions.  To plan a query, the server calls
 * functions of a partition key or of statistics, also while it is looked for rows.  If one
 * of these writes, it can bring back a row of a table that was looked at before.  Raises
 * 55000 then.
 */
static void
require_all_empty(Oid tenants, const pg_uuid_t *tenant)
{
	List	   *edges = NIL;
	List	   *cascades;
	CommandId	before;
	ListCell   *lc;

	foreach(lc, find_cascades(tenants, &edges))
		LockRelationOid(((Cascade *) lfirst(lc))->table, AccessShareLock);
	AcceptInvalidationMessages();
	CommandCounterIncrement();
	before = GetCurrentCommandId(false);
	cascades = find_cascades(tenants, &edges);
	refuse_detaching(cascades);
	foreach(lc, cascades)
		require_empty(lfirst(lc), tenant);
	CommandCounterIncrement();
	if (GetCurrentCommandId(false) != before)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a table's owner has code that wrote rows while those of the tenant were looked for"),
				 errhint("Look for functions that write in the statistics and the partition keys of protected tables.")));
}

/*
 * Lock the tables that are emptied, so that nobody adds a key meanwhile.  Whoever adds one
 * locks the table that has the key before the one to which it refers, as this does.
 */
static void
lock_tables(Oid tenants)
{
	List	   *edges = NIL;
	ListCell   *lc;

	foreach(lc, find_cascades(tenants, &edges))
		LockRelationOid(((Cascade *) lfirst(lc))->table, RowExclusiveLock);
	for (int i = 0; i < lengthof(own_tables); i++)
		if (OidIsValid(own_table(i)))
			LockRelationOid(own_table(i), RowExclusiveLock);
	LockRelationOid(tenants, RowExclusiveLock);
	AcceptInvalidationMessages();
}

/* Lock casnet's rows that applications refer to, so that nobody refers to them anew. */
static void
lock_targets(List *cascades, Oid tenants, const pg_uuid_t *tenant)
{
	List	   *done = list_make1_oid(tenants);
	ListCell   *lc;

	foreach(lc, cascades)
	{
		Oid			target = ((Cascade *) lfirst(lc))->target;

		if (list_member_oid(done, target))
			continue;
		done = lappend_oid(done, target);
		(void) run_with_tenant(psprintf("SELECT FROM %s WHERE tenant_id "
										"OPERATOR(pg_catalog.=) $1 FOR UPDATE",
										qualified_name(target)), tenant);
	}
}

/*
 * casnet_internal.erase_tenant(tenant_id uuid) returns bigint
 *
 * Deletes the tenant and all that belongs to it; internal.  Returns the number of rows, or
 * NULL when there is no such tenant.  For an application's table, raises 55000 when a
 * trigger could fire later as somebody else, or code of another role would run as the
 * owner, and within a statement that writes.  Raises 23503 when rows of such a table still
 * refer to the tenant.
 */
Datum
casnet_erase_tenant(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant = *PG_GETARG_UUID_P(0);
	Oid			tenants = get_relname_relid("tenants", casnet_schema());
	List	   *edges = NIL;
	List	   *cascades;
	Cascade    *cascade;
	int64		erased = 0;
	int			level = NewGUCNestLevel();
	uint64		cursors = casnet_cursors_note();

	/* It would write entries about rows of the tenant after these are gone. */
	if (casnet_statement_is_noted())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a tenant cannot be deleted within a statement that writes"),
				 errhint("Call casnet.delete_tenant() in a statement of its own.")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!OidIsValid(tenants) ||
		run_with_tenant("SELECT FROM casnet.tenants AS t "
						"WHERE t.id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
						&tenant) == 0)
	{
		SPI_finish();
		AtEOXact_GUC(false, level);
		PG_RETURN_NULL();
	}
	lock_tables(tenants);
	cascades = find_cascades(tenants, &edges);
	/* Granting to a member locks the membership, not the tenant, so lock that, too. */
	(void) run_with_tenant("SELECT FROM casnet.user_tenants AS m "
						   "WHERE m.tenant_id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
						   &tenant);
	lock_targets(cascades, tenants, &tenant);
	while ((cascade = next_cascade(cascades, edges)) != NULL)
		erased += empty_foreign(cascade, edges, &tenant);
	require_all_empty(tenants, &tenant);

	/* From here on, only triggers that always fire run, and these are casnet's. */
	(void) set_config_option("session_replication_role", "replica", PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	for (int i = 0; i < lengthof(own_tables); i++)
		erased += run_with_tenant(psprintf("DELETE FROM %s WHERE "
										   "tenant_id OPERATOR(pg_catalog.=) $1",
										   own_tables[i]), &tenant);
	erased += run_with_tenant("DELETE FROM casnet.tenants "
							  "WHERE id OPERATOR(pg_catalog.=) $1", &tenant);

	/* Last, since emptying tables writes entries; these are not counted. */
	(void) run_with_tenant("SELECT casnet_internal.forget_audit($1)", &tenant);
	SPI_finish();
	/* Also cursors of code that the server itself ran as another role. */
	casnet_cursors_close_since(cursors);
	/* This also undoes what triggers of others have set. */
	AtEOXact_GUC(false, level);
	PG_RETURN_INT64(erased);
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
		look_along(RelationGetRelid(data->tg_relation), &seen, GUARDS);
	return PointerGetDatum(NULL);
}
