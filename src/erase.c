/*
 * erase.c
 *		Everything of a tenant goes.
 *
 * Tables of an application refer to the tenant, or to rows of it, and would go by the
 * server's cascades.  Those run as the owner of the table, but the AFTER triggers that
 * they queue run as whoever deletes the tenant (before 18), deferred ones as whoever
 * commits, and what a BEFORE trigger sets stays set.  So such tables are emptied first,
 * each as its owner (owner.c), those that refer to others of them before these.
 * Then the row of the tenant goes without the server's cascades, which find nothing
 * but would fire triggers on whole statements; and last our own tables, which ask
 * whether the tenant still exists.
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
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "casnet.h"

/* Ours, in the order in which they are emptied, and the column that names the tenant. */
static const char *const own_tables[] = {
	"record_tags", "tasks", "calendar_events", "tags", "persons", "records",
	"user_tenant_permissions", "user_tenants", "invitations"
};

/* A foreign key of somebody else's that refers to rows of a tenant. */
typedef struct Cascade
{
	Oid			table;
	bool		of_tenant;		/* it refers to the row of the tenant itself */
	char		action;			/* as in pg_constraint.confdeltype */
	char	   *condition;		/* which rows; $1 is the tenant */
	char	   *assignments;	/* what SET NULL and SET DEFAULT do */
	bool		done;
} Cascade;

/* Any foreign key from one table to another. */
typedef struct Edge
{
	Oid			from;
	Oid			to;
	char	   *constraint;		/* its name, if it can be deferred */
	bool		is_deferred;
} Edge;

/* A tenant is being erased: no row of others goes with ours any more. */
static bool erasing = false;

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

/* Whether the table is one of those that hold the data of tenants, or tenants. */
static bool
is_own(Oid table, Oid namespace)
{
	const char *name;

	if (get_rel_namespace(table) != namespace)
		return false;
	name = get_rel_name(table);
	for (int i = 0; i < lengthof(own_tables); i++)
		if (strcmp(name, own_tables[i]) == 0)
			return true;
	return strcmp(name, "tenants") == 0;
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
	cascade->of_tenant = form->confrelid == tenants;
	cascade->action = form->confdeltype;
	cascade->assignments = assignments.data;
	return cascade;
}

/*
 * The keys of others that refer to rows of a tenant and do something when these go;
 * and every foreign key there is, for the order.
 */
static List *
find_cascades(Oid namespace, Oid tenants, List **edges)
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
		edge->is_deferred = form->condeferred;
		if (form->condeferrable)
			edge->constraint =
				quote_qualified_identifier(get_namespace_name(form->connamespace),
										   NameStr(form->conname));
		*edges = lappend(*edges, edge);
		if (!is_own(form->confrelid, namespace) ||
			is_own(form->conrelid, namespace) ||
			form->confdeltype == FKCONSTR_ACTION_NOACTION ||
			form->confdeltype == FKCONSTR_ACTION_RESTRICT)
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

		if (edge->to != cascade->table || edge->from == cascade->table)
			continue;
		foreach(other, cascades)
			if (!((Cascade *) lfirst(other))->done &&
				((Cascade *) lfirst(other))->table == edge->from)
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
 * Checks of foreign keys from and to the table are made at once, or are deferred
 * again.  Nothing can be deferred while we are its owner.  Their names must be theirs
 * alone, since SET CONSTRAINTS fires whatever has the name.
 */
static void
set_constraints(Oid table, List *edges, bool deferred)
{
	ListCell   *lc;

	foreach(lc, edges)
	{
		Edge	   *edge = lfirst(lc);

		if (edge->constraint == NULL ||
			(edge->from != table && edge->to != table) ||
			(deferred && !edge->is_deferred))
			continue;
		if (SPI_execute(psprintf("SET CONSTRAINTS %s %s", edge->constraint,
								 deferred ? "DEFERRED" : "IMMEDIATE"),
						false, 0) < 0)
			elog(ERROR, "could not set a constraint");
	}
}

/*
 * Raises 55000 if a trigger on the table would fire when the transaction commits, as
 * whoever does that; or, for whole statements, when our rows go to which it refers.
 */
static void
refuse_later_triggers(const Cascade *cascade)
{
	Relation	relation = table_open(cascade->table, AccessShareLock);
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgisinternal ||
			(!trigger->tgdeferrable &&
			 (cascade->of_tenant || TRIGGER_FOR_ROW(trigger->tgtype) ||
			  !TRIGGER_FOR_AFTER(trigger->tgtype))))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" of table \"%s\" would fire later, as somebody else",
						trigger->tgname, RelationGetRelationName(relation)),
				 errdetail("It would have the rights of whoever deletes the tenant."),
				 errhint("Make it an AFTER trigger FOR EACH ROW that cannot be deferred, or drop it.")));
	}
	table_close(relation, NoLock);
}

/* Do to the rows of others what their key says.  Returns how many went. */
static uint64
empty_foreign(Cascade *cascade, List *edges, const pg_uuid_t *tenant)
{
	CasnetOwnerSwitch former;
	char	   *relation =
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(cascade->table)),
								   get_rel_name(cascade->table));
	const char *only = get_rel_relkind(cascade->table) ==
		RELKIND_PARTITIONED_TABLE ? "" : "ONLY ";
	bool		deletes = cascade->action == FKCONSTR_ACTION_CASCADE;
	char	   *statement;
	uint64		rows;

	refuse_later_triggers(cascade);
	if (deletes)
		statement = psprintf("DELETE FROM %s%s WHERE %s", only, relation,
							 cascade->condition);
	else
		statement = psprintf("UPDATE %s%s SET %s WHERE %s", only, relation,
							 cascade->assignments, cascade->condition);
	casnet_owner_enter(&former, casnet_owner_of(cascade->table));
	set_constraints(cascade->table, edges, false);
	rows = run_with_tenant(statement, tenant);
	set_constraints(cascade->table, edges, true);
	casnet_owner_leave(&former);
	cascade->done = true;
	return deletes ? rows : 0;
}

/* Lock the row of the tenant; false if there is none. */
static bool
lock_row(const pg_uuid_t *tenant, ItemPointer place)
{
	bool		isnull;

	if (run_with_tenant("SELECT t.ctid FROM casnet.tenants AS t "
						"WHERE t.id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
						tenant) == 0)
		return false;
	*place = *(ItemPointer) DatumGetPointer(SPI_getbinval(SPI_tuptable->vals[0],
														  SPI_tuptable->tupdesc,
														  1, &isnull));
	return true;
}

/* Delete the row of the tenant, which we hold locked, without any trigger. */
static void
delete_row(Oid tenants, ItemPointer place)
{
	Relation	relation = table_open(tenants, RowExclusiveLock);

	simple_table_tuple_delete(relation, place, GetLatestSnapshot());
	casnet_catalog_announce(CASNET_TENANTS, relation);
	table_close(relation, NoLock);
	CommandCounterIncrement();
}

/*
 * casnet.erase_tenant(tenant_id uuid) returns bigint
 *
 * Deletes the tenant and all that belongs to it; returns the number of rows, or NULL
 * when there is no such tenant; internal.  Raises 55000 when a trigger of an
 * application's table could fire later as somebody else.
 */
Datum
casnet_erase_tenant(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant = *PG_GETARG_UUID_P(0);
	Oid			namespace = get_namespace_oid("casnet", false);
	Oid			tenants = get_relname_relid("tenants", namespace);
	ItemPointerData place;
	List	   *edges = NIL;
	List	   *cascades;
	Cascade    *cascade;
	int64		erased = 1;
	int			level = NewGUCNestLevel();

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!OidIsValid(tenants) || !lock_row(&tenant, &place))
	{
		SPI_finish();
		AtEOXact_GUC(false, level);
		PG_RETURN_NULL();
	}
	cascades = find_cascades(namespace, tenants, &edges);
	while ((cascade = next_cascade(cascades, edges)) != NULL)
		erased += empty_foreign(cascade, edges, &tenant);

	/* Nothing more is granted to the members, whom no key to the tenant holds up. */
	(void) run_with_tenant("SELECT FROM casnet.user_tenants AS m "
						   "WHERE m.tenant_id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
						   &tenant);
	delete_row(tenants, &place);
	erasing = true;
	PG_TRY();
	{
		for (int i = 0; i < lengthof(own_tables); i++)
			erased += run_with_tenant(psprintf("DELETE FROM casnet.%s WHERE "
											   "tenant_id OPERATOR(pg_catalog.=) $1",
											   own_tables[i]), &tenant);
	}
	PG_FINALLY();
	{
		erasing = false;
	}
	PG_END_TRY();

	/* Last, since deleting leaves entries as well; those are not counted. */
	(void) run_with_tenant("SELECT casnet.forget_audit($1)", &tenant);
	SPI_finish();
	/* What triggers of others have set goes with it. */
	AtEOXact_GUC(false, level);
	PG_RETURN_INT64(erased);
}

/* Whether the function is one of casnet's own. */
static bool
is_ours(Oid function)
{
	return get_func_namespace(function) == get_namespace_oid("casnet", true);
}

/*
 * Raises 55000 if deletions of rows that the table refers to would fire triggers that
 * its owner chose, with rights that the owner does not have.
 */
static void
refuse_triggers_of(Oid table)
{
	Relation	relation = table_open(table, AccessShareLock);

	for (int i = 0; relation->trigdesc != NULL &&
		 i < relation->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &relation->trigdesc->triggers[i];

		if (trigger->tgisinternal || !TRIGGER_FOR_DELETE(trigger->tgtype) ||
			is_ours(trigger->tgfoid))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" of table \"%s\" would run with your rights",
						trigger->tgname, RelationGetRelationName(relation)),
				 errhint("Delete a tenant with casnet.delete_tenant(), which runs it as the owner of the table; delete other rows as that owner's peer, or drop the trigger.")));
	}
	table_close(relation, AccessShareLock);
}

/*
 * casnet.guard_cascade() returns trigger
 *
 * BEFORE DELETE FOR EACH STATEMENT: raises 55000 if a table goes with the rows whose
 * triggers would run with more rights than its owner has.  Raises 39P01 when called
 * in any other way.
 */
Datum
casnet_guard_cascade(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TriggerDesc *triggers;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_BY_DELETE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet.guard_cascade() was not called before the deletion of rows"),
				 errhint("It is attached to tables by casnet.install().")));

	if (erasing)
		return PointerGetDatum(NULL);
	triggers = data->tg_relation->trigdesc;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		/* The server's own, on the side of what is referred to. */
		if (trigger->tgisinternal && OidIsValid(trigger->tgconstrrelid) &&
			TRIGGER_FOR_DELETE(trigger->tgtype) &&
			!has_privs_of_role(casnet_owner_of(trigger->tgconstrrelid),
							   GetUserId()))
		{
			List	   *tables = find_all_inheritors(trigger->tgconstrrelid,
													 AccessShareLock, NULL);
			ListCell   *lc;

			foreach(lc, tables)
				refuse_triggers_of(lfirst_oid(lc));
		}
	}
	return PointerGetDatum(NULL);
}
