/*
 * query_code.c
 *		What of a query is code of roles that do not have the rights with which it runs.
 *
 * Whoever reads a table runs more than the query says.  While the server plans, it looks
 * through the table and all below it, and folds the expressions of their indexes, extended
 * statistics, checks and partition keys.  Folding calls functions.  And an aggregate is the
 * functions of which it is made, each with an owner of its own.
 *
 * Query trees come here with their views and policies expanded, and not planned.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "storage/lockdefs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "casnet.h"

/* Whether an expression as it is stored calls such a function. */
static bool
is_strange_text(const char *expression, Oid role)
{
	return casnet_stranger_in_expression(stringToNode(expression), role);
}

/* Whether a check, or what a generated column is made of, does. */
static bool
has_strange_constraint(Relation relation, Oid role)
{
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	for (int i = 0; constraints != NULL && i < constraints->num_check; i++)
		if (is_strange_text(constraints->check[i].ccbin, role))
			return true;
	for (int i = 0; constraints != NULL && i < constraints->num_defval; i++)
	{
		AttrDefault *value = &constraints->defval[i];

		if (TupleDescAttr(RelationGetDescr(relation),
						  value->adnum - 1)->attgenerated != '\0' &&
			is_strange_text(value->adbin, role))
			return true;
	}
	return false;
}

/* Whether whoever reads that one table, and none below it, runs such code. */
static bool
is_strange_table(Oid table, Oid role)
{
	Relation	relation = try_relation_open(table, AccessShareLock);
	ListCell   *lc;
	bool		result;

	if (relation == NULL)
		return true;
	result = !casnet_security_is_trusted(relation->rd_rel->relowner, role) ||
		has_strange_constraint(relation, role);
	foreach(lc, result ? NIL : RelationGetIndexList(relation))
		result |= casnet_stranger_in_index(lfirst_oid(lc), role);
	foreach(lc, result ? NIL : RelationGetStatExtList(relation))
		result |= casnet_stranger_in_statistics(lfirst_oid(lc), role);
	relation_close(relation, NoLock);
	return result;
}

/* The same for a relation that the query names, with all below it. */
static bool
reads_strange_code(Oid named, Oid role)
{
	ListCell   *lc;

	/* What a view leads to is in the query, too. */
	if (get_rel_relkind(named) == RELKIND_VIEW)
		return is_strange_table(named, role);
	if (OidIsValid(casnet_partition_key_strange(named)))
		return true;
	foreach(lc, find_all_inheritors(named, AccessShareLock, NULL))
		if (is_strange_table(lfirst_oid(lc), role))
			return true;
	return false;
}

/* Whether a function is a stranger's, or an aggregate with one of those it is made of. */
static bool
is_strange_function(Oid function, void *context)
{
	Oid			role = *(Oid *) context;
	HeapTuple	tuple;
	Form_pg_aggregate form;
	bool		result;

	if (casnet_stranger_owns_function(function, role))
		return true;
	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	result = casnet_stranger_owns_function(form->aggtransfn, role) ||
		casnet_stranger_owns_function(form->aggfinalfn, role) ||
		casnet_stranger_owns_function(form->aggcombinefn, role) ||
		casnet_stranger_owns_function(form->aggserialfn, role) ||
		casnet_stranger_owns_function(form->aggdeserialfn, role) ||
		casnet_stranger_owns_function(form->aggmtransfn, role) ||
		casnet_stranger_owns_function(form->aggminvtransfn, role) ||
		casnet_stranger_owns_function(form->aggmfinalfn, role) ||
		casnet_stranger_in_type(form->aggtranstype, role) ||
		casnet_stranger_in_type(form->aggmtranstype, role);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Whether a node of a query has a value with a type.  The nodes that have none are named, so
 * that the server raises an error for one that nobody knows here.
 */
static bool
has_type(Node *node)
{
	switch (nodeTag(node))
	{
		case T_List:
		case T_TargetEntry:
		case T_FromExpr:
		case T_JoinExpr:
		case T_RangeTblRef:
		case T_RangeTblFunction:
		case T_TableFunc:
		case T_TableSampleClause:
		case T_CommonTableExpr:
		case T_SetOperationStmt:
		case T_SortGroupClause:
		case T_WindowClause:
		case T_GroupingSet:
			return false;
		case T_Var:
			return ((Var *) node)->varattno != InvalidAttrNumber;
		default:
			return true;
	}
}

/* Whether one of the relations of a query is one. */
static bool
has_strange_relation(List *entries, Oid role)
{
	ListCell   *lc;

	foreach(lc, entries)
	{
		Oid			named = lfirst_node(RangeTblEntry, lc)->relid;

		if (OidIsValid(named) && reads_strange_code(named, role))
			return true;
	}
	return false;
}

/* Whether a node of a query, or anything below it, is such code. */
static bool
is_strange(Node *node, void *context)
{
	Oid			role = *(Oid *) context;

	if (node == NULL)
		return false;
	CHECK_FOR_INTERRUPTS();
	if (IsA(node, Query))
		return has_strange_relation(((Query *) node)->rtable, role) ||
			query_tree_walker((Query *) node, is_strange, context, 0);
	if (has_type(node) && casnet_stranger_in_type(exprType(node), role))
		return true;
	return check_functions_in_node(node, is_strange_function, context) ||
		expression_tree_walker(node, is_strange, context);
}

/*
 * Whether a query, in which views and policies are expanded, calls a function of a role that
 * does not have the rights of the role that runs it, or reads a table of one.  What is above
 * can change afterwards only by the owners of what was looked at.
 */
bool
casnet_query_code_is_strange(Query *query, Oid role)
{
	return is_strange((Node *) query, &role);
}
