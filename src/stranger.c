/*
 * stranger.c
 *		What of a table is code of roles that do not have the rights with which it runs.
 *
 * Whoever writes a table evaluates its checks, defaults, generated columns, indexes, extended
 * statistics and conditions of triggers, and makes values of its types.  They call functions, and a domain
 * has checks.  The owner of a function or domain can change it at any time, and a check can
 * run SQL by functions of the server, which no hook sees.
 *
 * This file reads the catalogs as they are at this moment, whatever the snapshot of the
 * transaction or the statement is.  It reads expressions as they are stored.  The relation
 * cache keeps some folded, and folding calls functions.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_range.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_strangers_code);

/*
 * A table that was found to have no code of strangers, for what the role does there.
 * Anything that can change that empties the cache.
 */
typedef struct Clean
{
	Oid			table;			/* the whole entry is the hash key */
	Oid			role;
	int			deletes;
} Clean;

static CasnetCache clean = {
	.name = "casnet tables without code of strangers",
	.key_size = sizeof(Clean),
	.entry_size = sizeof(Clean),
	.most = 256
};
static bool clean_is_outdated = true;

/* Whether a temporary type can have been made or dropped since they were looked at. */
static bool temporary_is_outdated = true;

static bool is_strange_text(const char *expression, Oid role);

/* Whether a role that is not trusted owns a function; context is the role it runs as. */
static bool
is_strange_function(Oid function, void *context)
{
	HeapTuple	tuple;
	Oid			owner;

	if (function < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return true;
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return !casnet_security_is_trusted(owner, *(Oid *) context);
}

/* The functions of a range type: to make values canonical, and for GiST. */
static bool
has_strange_range_function(Oid range, Oid role)
{
	HeapTuple	tuple = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(range));
	Form_pg_range form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return true;
	form = (Form_pg_range) GETSTRUCT(tuple);
	result = is_strange_function(form->rngcanonical, &role) ||
		is_strange_function(form->rngsubdiff, &role);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Whether a check of a domain calls such a function or has such a type.  A domain that is
 * trusted can do so, too.
 */
static bool
has_strange_check(Oid domain, Oid role)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		result = false;

	ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(domain));
	scan = systable_beginscan(catalog, ConstraintTypidIndexId, true, NULL, 1,
							  &key);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		nodes = heap_getattr(tuple, Anum_pg_constraint_conbin,
										 RelationGetDescr(catalog), &isnull);

		result = !isnull && is_strange_text(TextDatumGetCString(nodes), role);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/* The same of its default. */
static bool
is_strange_default(HeapTuple domain, Oid role)
{
	bool		isnull;
	Datum		nodes = SysCacheGetAttr(TYPEOID, domain, Anum_pg_type_typdefaultbin,
										&isnull);

	return !isnull && is_strange_text(TextDatumGetCString(nodes), role);
}

/*
 * Whether a value of the type can call code of such a role, and the types of which it
 * consists, at the end of the list.
 */
static bool
look_at_type(Oid type, Oid role, List **parts)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	Oid			owner;
	TupleDesc	columns;
	char		kind;
	bool		has_strange_default = false;

	if (!HeapTupleIsValid(tuple))
		return true;
	form = (Form_pg_type) GETSTRUCT(tuple);
	kind = form->typtype;
	owner = form->typowner;
	if (kind == TYPTYPE_DOMAIN)
	{
		*parts = list_append_unique_oid(*parts, form->typbasetype);
		has_strange_default = is_strange_default(tuple, role);
	}
	else if (kind == TYPTYPE_BASE && OidIsValid(form->typelem))
		*parts = list_append_unique_oid(*parts, form->typelem);
	ReleaseSysCache(tuple);

	switch (kind)
	{
		case TYPTYPE_DOMAIN:
			return !casnet_security_is_trusted(owner, role) || has_strange_default ||
				has_strange_check(type, role);
		case TYPTYPE_RANGE:
			*parts = list_append_unique_oid(*parts, get_range_subtype(type));
			return has_strange_range_function(type, role);
		case TYPTYPE_MULTIRANGE:
			*parts = list_append_unique_oid(*parts, get_multirange_range(type));
			return false;
		case TYPTYPE_COMPOSITE:
			columns = lookup_rowtype_tupdesc(type, -1);
			for (int i = 0; i < columns->natts; i++)
				if (!TupleDescAttr(columns, i)->attisdropped)
					*parts = list_append_unique_oid(*parts,
													TupleDescAttr(columns, i)->atttypid);
			ReleaseTupleDesc(columns);
			return false;
		default:
			return false;
	}
}

/*
 * Whether a value of the type can call code of a role that is not trusted: checks of a
 * domain, or functions of a range.  It looks at each type once, however deep the types are
 * in each other.
 */
bool
casnet_stranger_in_type(Oid type, Oid role)
{
	List	   *parts;

	if (likely(type < FirstNormalObjectId))
		return false;
	parts = list_make1_oid(type);
	for (int i = 0; i < list_length(parts); i++)
	{
		Oid			part = list_nth_oid(parts, i);

		CHECK_FOR_INTERRUPTS();
		if (part >= FirstNormalObjectId && look_at_type(part, role, &parts))
			return true;
	}
	return false;
}

/* Whether an expression calls such a function, or has a value of such a type. */
static bool
is_strange(Node *node, void *context)
{
	if (node == NULL)
		return false;
	/* A whole row has the type of the table itself. */
	if (!IsA(node, List) &&
		!(IsA(node, Var) && ((Var *) node)->varattno == InvalidAttrNumber) &&
		casnet_stranger_in_type(exprType(node), *(Oid *) context))
		return true;
	return check_functions_in_node(node, is_strange_function, context) ||
		expression_tree_walker(node, is_strange, context);
}

/*
 * Whether an expression that is evaluated as that role calls a function, or has a type, of
 * a role that does not have its rights.
 */
bool
casnet_stranger_in_expression(Node *expression, Oid role)
{
	return is_strange(expression, &role);
}

/* Whether a role that is not trusted with the rights of that role owns the function. */
bool
casnet_stranger_owns_function(Oid function, Oid role)
{
	return is_strange_function(function, &role);
}

/* The same for an expression as it is stored, or NULL. */
static bool
is_strange_text(const char *expression, Oid role)
{
	return expression != NULL && is_strange(stringToNode(expression), &role);
}

/* Whether an expression or the condition of the index is one. */
bool
casnet_stranger_in_index(Oid index, Oid role)
{
	static const AttrNumber columns[] = {Anum_pg_index_indexprs,
	Anum_pg_index_indpred};
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		result = false;

	if (!HeapTupleIsValid(tuple))
		return true;
	for (int i = 0; i < lengthof(columns) && !result; i++)
	{
		bool		isnull;
		Datum		nodes = SysCacheGetAttr(INDEXRELID, tuple, columns[i],
											&isnull);

		result = !isnull && is_strange_text(TextDatumGetCString(nodes), role);
	}
	ReleaseSysCache(tuple);
	return result;
}

/* Whether an expression of extended statistics is one. */
bool
casnet_stranger_in_statistics(Oid statistics, Oid role)
{
	HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(statistics));
	Datum		nodes;
	bool		isnull;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return true;
	nodes = SysCacheGetAttr(STATEXTOID, tuple, Anum_pg_statistic_ext_stxexprs,
							&isnull);
	result = !isnull && is_strange_text(TextDatumGetCString(nodes), role);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Whether a cast of values of the type calls such a function.  The server casts values of
 * keys to compare them, and keeps that function for the session.
 */
static bool
has_strange_cast(Oid type, Oid role)
{
	Relation	catalog;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		result = false;

	if (type < FirstNormalObjectId)
		return false;
	catalog = table_open(CastRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_cast_castsource, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan(catalog, CastSourceTargetIndexId, true, NULL, 1,
							  &key);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = is_strange_function(((Form_pg_cast) GETSTRUCT(tuple))->castfunc,
									 &role);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/* The same for columns.  A key can set them to their default. */
static char *
find_in_columns(Relation relation, Oid role)
{
	TupleDesc	columns = RelationGetDescr(relation);

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (!column->attisdropped &&
			(casnet_stranger_in_type(column->atttypid, role) ||
			 has_strange_cast(column->atttypid, role)))
			return psprintf("column \"%s\"", NameStr(column->attname));
	}
	for (int i = 0; columns->constr != NULL && i < columns->constr->num_defval; i++)
	{
		AttrDefault *value = &columns->constr->defval[i];
		Form_pg_attribute column = TupleDescAttr(columns, value->adnum - 1);

		if (is_strange_text(value->adbin, role))
			return psprintf("default of column \"%s\"",
							NameStr(column->attname));
	}
	return NULL;
}

/* What of the table is code of strangers, as words for a message; NULL if nothing is. */
static char *
find_in_table(Relation relation, Oid role, bool deletes)
{
	TupleConstr *constraints = RelationGetDescr(relation)->constr;
	TriggerDesc *triggers = relation->trigdesc;
	char	   *found;
	ListCell   *lc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (triggers->triggers[i].tgenabled != TRIGGER_DISABLED &&
			is_strange_text(triggers->triggers[i].tgqual, role))
			return psprintf("trigger \"%s\"", triggers->triggers[i].tgname);
	/* A deletion makes no values. */
	if (deletes)
		return NULL;
	found = find_in_columns(relation, role);
	for (int i = 0; constraints != NULL && i < constraints->num_check; i++)
		if (found == NULL && is_strange_text(constraints->check[i].ccbin, role))
			found = psprintf("constraint \"%s\"", constraints->check[i].ccname);
	foreach(lc, RelationGetIndexList(relation))
		if (found == NULL && casnet_stranger_in_index(lfirst_oid(lc), role))
			found = psprintf("index \"%s\"", get_rel_name(lfirst_oid(lc)));
	foreach(lc, RelationGetStatExtList(relation))
		if (found == NULL && casnet_stranger_in_statistics(lfirst_oid(lc), role))
			found = pstrdup("extended statistics");
	return found;
}

/*
 * What of an open table is code of roles that are not trusted with the rights of the role,
 * as words for a message; NULL if nothing is.  That role writes rows there, or only
 * deletes some.
 */
char *
casnet_stranger_in_table(Relation relation, Oid role, bool deletes)
{
	Clean		key = {RelationGetRelid(relation), role, deletes};
	char	   *found;

	if (likely(!clean_is_outdated && casnet_cache_find(&clean, &key) != NULL))
		return NULL;
	if (clean_is_outdated || casnet_cache_is_full(&clean))
		casnet_cache_reset(&clean);
	/* A message that comes meanwhile makes the answer outdated. */
	clean_is_outdated = false;
	found = find_in_table(relation, role, deletes);
	if (found == NULL && !clean_is_outdated)
		(void) casnet_cache_enter(&clean, &key);
	return found;
}

/*
 * Whether the trigger can fire before this statement ends.  Only the owner of its table can
 * enable one.  Where the current role can set session_replication_role, code that runs as
 * that role can do so after this look, so there both settings count.
 */
static bool
can_fire(const Trigger *trigger)
{
	bool		in_replicas = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;

	if (trigger->tgenabled == TRIGGER_DISABLED ||
		trigger->tgenabled == TRIGGER_FIRES_ALWAYS)
		return trigger->tgenabled == TRIGGER_FIRES_ALWAYS;
	return in_replicas == (trigger->tgenabled == TRIGGER_FIRES_ON_REPLICA) ||
		pg_parameter_aclcheck("session_replication_role", GetUserId(),
							  ACL_SET) == ACLCHECK_OK;
}

/*
 * The name of a trigger of an open table that runs code of a role that is not trusted with
 * the rights of that role, while the current role inserts or updates rows there; NULL if
 * there is none.  Triggers that cannot fire do not count, nor do those of keys.  The answer
 * holds while the caller keeps a lock from ROW EXCLUSIVE on, since nobody makes or enables
 * a trigger meanwhile.
 */
char *
casnet_stranger_in_triggers(Relation relation, Oid role)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		/* An update that moves a row to another partition deletes it in this one. */
		if (!trigger->tgisinternal && can_fire(trigger) &&
			(TRIGGER_FOR_INSERT(trigger->tgtype) || TRIGGER_FOR_UPDATE(trigger->tgtype) ||
			 (TRIGGER_FOR_DELETE(trigger->tgtype) && relation->rd_rel->relispartition)) &&
			is_strange_function(trigger->tgfoid, &role))
			return trigger->tgname;
	}
	return NULL;
}

/*
 * casnet_internal.strangers_code(relation regclass) returns text
 *
 * What of the table is code of roles that are neither superusers nor casnet_owner; NULL if
 * nothing is, or there is no such relation.  For doctor().
 */
Datum
casnet_strangers_code(PG_FUNCTION_ARGS)
{
	Relation	relation = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	char	   *found;

	if (relation == NULL)
		PG_RETURN_NULL();
	found = find_in_table(relation, get_role_oid("casnet_owner", true), false);
	relation_close(relation, AccessShareLock);
	if (found == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(found));
}

/*
 * Whether the session has a temporary type whose values call code, of a role that is not
 * trusted.  Code that names a type without a schema can get that one instead.
 */
bool
casnet_stranger_in_temporary_types(Oid role)
{
	static Oid	kept_for = InvalidOid;
	static bool kept;
	Oid			schema = LookupNamespaceNoError("pg_temp");
	Relation	catalog;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (likely(!OidIsValid(schema)))
		return false;
	if (kept_for == role && !temporary_is_outdated)
		return kept;
	temporary_is_outdated = false;
	kept_for = role;
	kept = false;
	catalog = table_open(TypeRelationId, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (!kept && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

		kept = form->typnamespace == schema &&
			(form->typtype == TYPTYPE_DOMAIN || form->typtype == TYPTYPE_RANGE) &&
			!casnet_security_is_trusted(form->typowner, role);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return kept;
}

/* A relation changed, or anything about types, functions and roles. */
static void
note_relation(Oid relation)
{
	clean_is_outdated = true;
}

static void
note_catalog(Datum arg, int cache, uint32 hash)
{
	clean_is_outdated = true;
	temporary_is_outdated = true;
}

void
casnet_stranger_init(void)
{
	static const int caches[] = {TYPEOID, PROCOID, CONSTROID, AUTHOID,
	AUTHMEMMEMROLE, CASTSOURCETARGET};

	casnet_news_listen(note_relation);
	for (int i = 0; i < lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], note_catalog, (Datum) 0);
}
