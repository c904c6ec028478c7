/*
 * cascade.c
 *		Finds the foreign keys of applications that refer to rows of a tenant, and their order.
 *
 * Whoever deletes a tenant empties the tables that have them: each table before those that it
 * refers to.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_constraint.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "cascade.h"

/* casnet's tables with rows of tenants, in the order in which they are emptied. */
const char *const casnet_cascade_tables[CASNET_CASCADE_TABLES] = {
	"casnet.record_persons", "casnet.record_tags", "casnet.tasks",
	"casnet.calendar_events", "casnet.tags", "casnet.persons", "casnet.records",
	"casnet.user_tenant_permissions", "casnet.user_tenants", "casnet_internal.invitations"
};

/* The OID of one of casnet's tables with rows of tenants, or InvalidOid. */
Oid
casnet_cascade_table(int i)
{
	const char *name = strchr(casnet_cascade_tables[i], '.') + 1;

	return get_relname_relid(name,
							 strncmp(casnet_cascade_tables[i], "casnet.", 7) == 0 ?
							 casnet_schema() : casnet_schema_internal());
}

/* Whether the table is one of these, or tenants. */
static bool
is_own(Oid table)
{
	if (!casnet_schema_is_ours(get_rel_namespace(table)))
		return false;
	for (int i = 0; i < CASNET_CASCADE_TABLES; i++)
		if (table == casnet_cascade_table(i))
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
static CasnetCascade *
describe_cascade(Relation catalog, HeapTuple tuple, Oid tenants)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	CasnetCascade    *cascade = palloc0(sizeof(CasnetCascade));
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
List *
casnet_cascade_find(Oid tenants, List **edges)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0,
										  NULL);
	HeapTuple	tuple;
	List	   *cascades = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		CasnetEdge	   *edge;

		if (form->contype != CONSTRAINT_FOREIGN ||
			OidIsValid(form->conparentid))
			continue;
		edge = palloc0(sizeof(CasnetEdge));
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
is_referred_to(const CasnetCascade *cascade, List *cascades, List *edges)
{
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, edges)
	{
		CasnetEdge	   *edge = lfirst(lc);

		if (!list_member_oid(edge->to_tables, cascade->table) ||
			list_member_oid(edge->from_tables, cascade->table))
			continue;
		foreach(other, cascades)
			if (!((CasnetCascade *) lfirst(other))->done &&
				list_member_oid(edge->from_tables,
								((CasnetCascade *) lfirst(other))->table))
				return true;
	}
	return false;
}

/*
 * The next key to follow, or NULL; any, where tables refer to each other in a ring.  Rows
 * that a key deletes need no other key to clear them, so such a key comes first.
 */
CasnetCascade *
casnet_cascade_next(List *cascades, List *edges)
{
	CasnetCascade    *any = NULL;
	CasnetCascade    *clears = NULL;
	ListCell   *lc;

	foreach(lc, cascades)
	{
		CasnetCascade    *cascade = lfirst(lc);

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
