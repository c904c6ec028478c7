/*
 * expression.c
 *		What casnet.doctor() needs to know about a stored expression.
 *
 * The expression is a pg_node_tree.  Nobody can make one from text: the server has stored
 * it, so the server's own functions can read it and walk it.  Nothing in it is planned or
 * evaluated, and no table that it names is opened.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "recheck.h"

#define INSPECTION_COLUMNS 4

/* What an expression contains. */
typedef struct Inspection
{
	bool		has_subquery;
	bool		has_wrapped_call;	/* a subquery that reads nothing */
	uint64		columns;		/* how many */
	List	   *row_functions;	/* OIDs of those with a column in their arguments */
} Inspection;

PG_FUNCTION_INFO_V1(casnet_inspect_expression);

/*
 * Note what an expression contains, also within its subqueries; returns false, so that
 * the walk goes on.  A column can be of any table.  A function also counts if it has a
 * subquery with a column in its arguments, or is called with one inside a subquery.
 */
static bool
inspect(Node *node, Inspection *found)
{
	uint64		before = found->columns;

	check_stack_depth();
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, inspect, found, 0);
	if (IsA(node, Var))
		found->columns++;
	else if (IsA(node, SubLink))
	{
		if (castNode(Query, ((SubLink *) node)->subselect)->rtable == NIL)
			found->has_wrapped_call = true;
		else
			found->has_subquery = true;
	}
	(void) expression_tree_walker(node, inspect, found);
	if (IsA(node, FuncExpr) && found->columns > before)
		found->row_functions =
			list_append_unique_oid(found->row_functions,
								   ((FuncExpr *) node)->funcid);
	return false;
}

/*
 * Whether a condition compares a column with tenant_with(), the first of the functions,
 * on either side and with nothing around either of them.
 */
static bool
is_of_tenant(Node *condition, Oid *functions)
{
	OpExpr	   *comparison = (OpExpr *) condition;
	Node	   *left;
	Node	   *right;

	if (!IsA(condition, OpExpr) || comparison->opno != CASNET_UUID_EQ_OPERATOR)
		return false;
	left = linitial(comparison->args);
	right = lsecond(comparison->args);
	return (IsA(left, Var) &&
			casnet_recheck_policy_call(right, functions) == 0) ||
		(IsA(right, Var) && casnet_recheck_policy_call(left, functions) == 0);
}

/* Whether an expression, or one of its ANDed terms, is such a condition. */
static bool
is_narrow(Node *expression)
{
	Oid			functions[CASNET_NOTED_FUNCTIONS];
	ListCell   *lc;

	(void) casnet_recheck_find_functions(functions);
	foreach(lc, make_ands_implicit((Expr *) expression))
		if (is_of_tenant(lfirst(lc), functions))
			return true;
	return false;
}

/* The list as an oid[]. */
static ArrayType *
oid_array(List *list)
{
	Datum	   *elements = palloc(Max(list_length(list), 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, list)
		elements[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	return construct_array(elements, n, OIDOID, sizeof(Oid), true,
						   TYPALIGN_INT);
}

/*
 * casnet_internal.inspect_expression(tree pg_node_tree) returns record
 *
 * is_narrow: the expression compares a column with casnet.tenant_with(text), or is an AND
 * of which a term does.
 * has_subquery: a subquery reads something.
 * has_wrapped_call: a subquery reads nothing, as in (SELECT f()).
 * row_functions: each function with a column in its arguments, once.
 *
 * Raises 22023 for the bound of a partition, 54001 for an expression nested too deep for
 * this session.
 */
Datum
casnet_inspect_expression(PG_FUNCTION_ARGS)
{
	Node	   *tree = stringToNode(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Inspection	found = {0};
	TupleDesc	columns;
	Datum		values[INSPECTION_COLUMNS];
	bool		isnull[INSPECTION_COLUMNS] = {false};

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "casnet_internal.inspect_expression() returns a row");
	if (tree != NULL && IsA(tree, PartitionBoundSpec))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the bound of a partition is no expression"),
				 errhint("Give an expression, such as polqual of pg_policy.")));
	(void) inspect(tree, &found);
	values[0] = BoolGetDatum(is_narrow(tree));
	values[1] = BoolGetDatum(found.has_subquery);
	values[2] = BoolGetDatum(found.has_wrapped_call);
	values[3] = PointerGetDatum(oid_array(found.row_functions));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns),
													  values, isnull)));
}
