/*
 * erase.c
 *		Everything of a tenant goes.
 *
 * Tables of an application refer to the tenant, or to rows of it, and would go by the
 * server's cascades.  Those run as the owner of the table, but the AFTER triggers that
 * they queue run as whoever deletes the tenant (before 18), deferred ones as whoever
 * commits, and what a BEFORE trigger sets stays set.  So such tables are emptied first,
 * each as its owner (owner.c), those that refer to others before these.  What their
 * triggers have left or brought back is an error.  Then our own rows go with triggers
 * and cascades switched off, but for those of ours that fire always: from there on no
 * code of anybody else runs.
 *
 * Statements see what was committed until now, whatever the isolation level.  The lock
 * on the row of the tenant keeps everybody from referring to it anew.
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
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "casnet.h"

/* Ours, in the order in which they are emptied, and the column that names the tenant. */
static const char *const own_tables[] = {
	"casnet.record_tags", "casnet.tasks", "casnet.calendar_events", "casnet.tags",
	"casnet.persons", "casnet.records", "casnet.user_tenant_permissions",
	"casnet.user_tenants", "casnet_internal.invitations"
};

/* A foreign key of somebody else's that refers to rows of a tenant. */
typedef struct Cascade
{
	Oid			table;
	Oid			target;			/* the table of ours that it refers to */
	char		action;			/* as in pg_constraint.confdeltype */
	char	   *condition;		/* which rows are of the tenant, $1 */
	char	   *refers;			/* which of these refer to something */
	char	   *assignments;	/* what SET NULL and SET DEFAULT do */
	bool		done;
} Cascade;

/* Any foreign key from one table to another; and of which tables these are partitions. */
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

/* Whether the table is one of those that hold the data of tenants, or tenants. */
static bool
is_own(Oid table)
{
	const char *name;

	if (!casnet_schema_is_ours(get_rel_namespace(table)))
		return false;
	name = qualified_name(table);
	for (int i = 0; i < lengthof(own_tables); i++)
		if (strcmp(name, own_tables[i]) == 0)
			return true;
	return strcmp(name, "casnet.tenants") == 0;
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
 * What the key of somebody else's makes of rows when those of a tenant go, or NULL
 * if it names no column of the tenant.
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
		return NULL;
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
 * The keys of others that refer to rows of a tenant; and every foreign key there is,
 * for the order.
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
		Cascade    *cascade;

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
		if (!is_own(form->confrelid) || is_own(form->conrelid))
			continue;
		cascade = describe_cascade(catalog, tuple, tenants);
		if (cascade != NULL)
			cascades = lappend(cascades, cascade);
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

/* The next one; where tables refer to each other in a ring, any. */
static Cascade *
next_cascade(List *cascades, List *edges)
{
	Cascade    *any = NULL;
	ListCell   *lc;

	foreach(lc, cascades)
	{
		Cascade    *cascade = lfirst(lc);

		if (cascade->done)
			continue;
		if (!is_referred_to(cascade, cascades, edges))
			return cascade;
		if (any == NULL)
			any = cascade;
	}
	return any;
}

/*
 * Raises 55000 if SET CONSTRAINTS with the name of the key would fire something of
 * somebody who cannot become the current role, its owner.  Other foreign keys run
 * nothing as us: the server makes their checks as the owners of the tables.
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

		/* A trigger may be of who has no more than the privilege TRIGGER. */
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
				 errdetail("SET CONSTRAINTS cannot tell them apart, and they may be of different roles."),
				 errhint("Rename one of them.")));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Checks of foreign keys from and to the table are made at once, or are deferred
 * again.  Nothing can be deferred while we are its owner.  Their names must be theirs
 * alone, since SET CONSTRAINTS fires whatever has the name; and no schema is renamed
 * between our look and its own, by an owner that is not the table's.
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
 * Raises 55000 if a trigger on the table would fire when the transaction commits, as
 * whoever does that.
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
 * Raises 55000 if a partition is of another role than its table, whose code would run
 * as the owner of that.
 */
static void
require_one_owner(Oid table)
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
			 errhint("Ask that in the function of the trigger.")));
}

/*
 * Raises 55000 if a trigger of the table would run a function, or evaluate one in its
 * condition, of a role that has not the rights of the table's owner, as which it fires:
 * who has no more than the privilege TRIGGER may have made it.  There are functions of the
 * server that run a query by its text; so while casnet erases, conditions call what is
 * immutable, and nothing volatile ever.  While the table is locked nobody makes another
 * trigger; of what is changed meanwhile noforce.c tells.
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
		if (casnet_function_is_strange(trigger->tgfoid, owner) ||
			casnet_expression_is_strange(condition, owner))
			refuse_trigger(trigger, relation, NULL);
		if (contain_volatile_functions(condition))
			refuse_trigger(trigger, relation, "that is volatile");
		if (erasing && contain_mutable_functions(condition))
			refuse_trigger(trigger, relation, "that is not immutable");
	}
}

/*
 * All tables by whose keys a change goes on, from the first one, are of roles that are
 * trusted, or of the owner of that one, whose code runs anyway.  Raises 55000: to plan
 * what it does there, the server evaluates expressions of the table, and rows fire
 * triggers, in this session, whose settings they can change, and some as whoever empties
 * the first one.  The locks are kept, so that no other table joins them.  Triggers must be
 * the owner's as well.  While casnet erases, of keys that change no rows nothing is asked:
 * what they evaluate runs as the owner, and is nobody's session.
 */
static void
look_along(Oid table, List **seen, bool erasing)
{
	Relation	relation;
	TriggerDesc *triggers;
	ListCell   *lc;

	check_stack_depth();
	if (list_member_oid(*seen, table))
		return;
	*seen = lappend_oid(*seen, table);
	relation = table_open(table, erasing ? RowExclusiveLock : AccessShareLock);
	if (!casnet_security_is_trusted(relation->rd_rel->relowner, GetUserId()) &&
		relation->rd_rel->relowner != casnet_owner_of(linitial_oid(*seen)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" of role \"%s\" is changed with these rows",
						RelationGetRelationName(relation),
						GetUserNameFromId(relation->rd_rel->relowner, false)),
				 errdetail("Code that its owner has put into it would run in your session."),
				 erasing ?
				 errhint("Give the table to the owner of table \"%s\", whose rows go, or to a superuser; or drop its key.",
						 get_rel_name(linitial_oid(*seen))) :
				 errhint("Delete a tenant with casnet.delete_tenant(), which does that as the owner of the table; or give the table to a superuser.")));

	/* On the first one, which is casnet's, they fire as the session otherwise. */
	if (erasing || list_length(*seen) > 1)
		require_own_triggers(relation, erasing);
	triggers = relation->trigdesc;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		/* The server's own, on the side of what is referred to. */
		if (!trigger->tgisinternal || !OidIsValid(trigger->tgconstrrelid) ||
			!(TRIGGER_FOR_DELETE(trigger->tgtype) ||
			  TRIGGER_FOR_UPDATE(trigger->tgtype)) ||
			RI_FKey_trigger_type(trigger->tgfoid) != RI_TRIGGER_PK)
			continue;
		if (!erasing || (trigger->tgfoid != F_RI_FKEY_NOACTION_DEL &&
						 trigger->tgfoid != F_RI_FKEY_RESTRICT_DEL &&
						 trigger->tgfoid != F_RI_FKEY_NOACTION_UPD &&
						 trigger->tgfoid != F_RI_FKEY_RESTRICT_UPD))
			look_along(trigger->tgconstrrelid, seen, erasing);
	}
	foreach(lc, find_inheritance_children(table, erasing ? RowExclusiveLock :
										  AccessShareLock))
		look_along(lfirst_oid(lc), seen, erasing);
	table_close(relation, NoLock);
}

/* The table of the key, as a statement names it: with its partitions only. */
static char *
target_of(const Cascade *cascade)
{
	return psprintf("%s%s", get_rel_relkind(cascade->table) ==
					RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					qualified_name(cascade->table));
}

/*
 * Become the owner of the table, for whom no function runs of a role that has not the rights
 * of that owner: what its triggers change may have triggers of others again, and a type of
 * others casts that they have made.
 */
static void
enter_owner(CasnetOwnerSwitch *former, Oid table)
{
	Oid			owner;
	int			context;

	casnet_owner_enter(former, casnet_owner_of(table));
	GetUserIdAndSecContext(&owner, &context);
	SetUserIdAndSecContext(owner, context | CASNET_SECURITY_NO_STRANGER);
}

/* Do to the rows of others what their key says.  Returns how many went. */
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
	require_one_owner(cascade->table);
	enter_owner(&former, cascade->table);
	look_along(cascade->table, &seen, true);
	set_constraints(cascade->table, edges, false);
	if (deletes)
		statement = psprintf("DELETE FROM %s WHERE %s", target_of(cascade),
							 cascade->condition);
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
 * Raises 23503 if a row of others still refers to the tenant or to a row of it: its key
 * says so, or a trigger or rule has kept it or brought it back.
 */
static void
require_empty(const Cascade *cascade, const pg_uuid_t *tenant)
{
	CasnetOwnerSwitch former;
	uint64		rows;

	enter_owner(&former, cascade->table);
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
				 errhint("Delete them first. A trigger or a rule of that table may keep them.")));
}

/* Rows of ours that others refer to are locked, so that nobody refers to them anew. */
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
 * Deletes the tenant and all that belongs to it; returns the number of rows, or NULL
 * when there is no such tenant; internal.  Raises 55000 when a trigger of an
 * application's table could fire later as somebody else, or code of another role run as
 * the owner of one, 23503 when rows of one stay.
 */
Datum
casnet_erase_tenant(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant = *PG_GETARG_UUID_P(0);
	Oid			tenants = get_relname_relid("tenants", casnet_schema());
	List	   *edges = NIL;
	List	   *cascades;
	ListCell   *lc;
	Cascade    *cascade;
	int64		erased = 0;
	int			level = NewGUCNestLevel();
	uint64		cursors = casnet_cursors_note();

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
	cascades = find_cascades(tenants, &edges);
	/* Nothing more is granted to the members, whom no key to the tenant holds up. */
	(void) run_with_tenant("SELECT FROM casnet.user_tenants AS m "
						   "WHERE m.tenant_id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
						   &tenant);
	lock_targets(cascades, tenants, &tenant);
	while ((cascade = next_cascade(cascades, edges)) != NULL)
		erased += empty_foreign(cascade, edges, &tenant);
	foreach(lc, cascades)
		require_empty(lfirst(lc), &tenant);

	/* From here on nothing runs but what fires always, which is ours. */
	(void) set_config_option("session_replication_role", "replica", PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	for (int i = 0; i < lengthof(own_tables); i++)
		erased += run_with_tenant(psprintf("DELETE FROM %s WHERE "
										   "tenant_id OPERATOR(pg_catalog.=) $1",
										   own_tables[i]), &tenant);
	erased += run_with_tenant("DELETE FROM casnet.tenants "
							  "WHERE id OPERATOR(pg_catalog.=) $1", &tenant);

	/* Last, since emptying tables leaves entries; those are not counted. */
	(void) run_with_tenant("SELECT casnet_internal.forget_audit($1)", &tenant);
	SPI_finish();
	/* Also of what the server ran as somebody else by itself. */
	casnet_cursors_close_since(cursors);
	/* What triggers of others have set goes with it. */
	AtEOXact_GUC(false, level);
	PG_RETURN_INT64(erased);
}

/*
 * casnet_internal.guard_cascade() returns trigger
 *
 * BEFORE DELETE, TRUNCATE OR UPDATE of the key FOR EACH STATEMENT: raises 55000 if a
 * table is changed with the rows whose owner is not trusted.  Raises 39P01 when called
 * in any other way.
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
				 errmsg("casnet_internal.guard_cascade() was not called before rows change or go"),
				 errhint("It is attached to tables by casnet.install().")));

	/* Under the policies it is the active tenant that goes. */
	if (TRIGGER_FIRED_BY_DELETE(data->tg_event) &&
		casnet_catalog_is(CASNET_TENANTS, data->tg_relation) &&
		!casnet_trigger_stands_above(data->tg_relation) &&
		(verdict = casnet_membership_current()) != NULL &&
		casnet_membership_holds(verdict, casnet_permission_find("delete_tenant")))
		casnet_guard_judge_again(verdict, "delete_tenant");

	/*
	 * As a replica the server does not cascade, nor do triggers of others fire, but for
	 * those of TRUNCATE that say so.
	 */
	if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA ||
		TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		look_along(RelationGetRelid(data->tg_relation), &seen, false);
	return PointerGetDatum(NULL);
}
