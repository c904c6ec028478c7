/*-------------------------------------------------------------------------
 *
 * probe.c
 *		Statements that ask a table for its columns and for no row.
 *
 * Tools that read definitions send SELECT * FROM t LIMIT 0, or WHERE false, before they
 * have an identity.  Such a statement returns the same to everybody, so casnet asks nothing
 * about the session.  It has the statement planned without policies, and with a condition
 * that is false, so that it reads nothing.  The server checks privileges as always.
 *
 * Only plain shapes qualify: tables and joins, also in a view or a subquery in FROM, with a
 * constant condition or limit.  Without policies the planner would pass values from the
 * statistics to the user's operators.  So casnet removes every other condition.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"

#include "casnet.h"

/* The constant to which the expression folds, or NULL if it does not. */
static Const *
constant_of(Node *expression)
{
	Node	   *simple;

	if (expression == NULL || contain_var_clause(expression) ||
		contain_volatile_functions(expression))
		return NULL;
	simple = eval_const_expressions(NULL, copyObject(expression));
	return IsA(simple, Const) ? (Const *) simple : NULL;
}

/* Whether the condition, or one part of an AND, lets no row through. */
static bool
is_false(Node *condition)
{
	Const	   *constant;
	ListCell   *lc;

	if (condition != NULL && is_andclause(condition))
	{
		foreach(lc, ((BoolExpr *) condition)->args)
			if (is_false(lfirst(lc)))
				return true;
		return false;
	}
	constant = constant_of(condition);
	return constant != NULL &&
		(constant->constisnull || !DatumGetBool(constant->constvalue));
}

/* Whether the limit, which is a bigint, is 0.  NULL means no limit. */
static bool
is_limit_of_none(Node *limit)
{
	Const	   *constant = constant_of(limit);

	return constant != NULL && !constant->constisnull &&
		DatumGetInt64(constant->constvalue) == 0;
}

/* Whether a query, and those in its FROM, read tables and do nothing else. */
static bool
is_plain(Query *query)
{
	ListCell   *lc;

	check_stack_depth();
	if (query->commandType != CMD_SELECT || query->hasSubLinks ||
		query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs ||
		query->groupClause != NIL || query->groupingSets != NIL ||
		query->havingQual != NULL || query->distinctClause != NIL ||
		query->setOperations != NULL || query->cteList != NIL ||
		query->rowMarks != NIL || query->limitOption != LIMIT_OPTION_COUNT)
		return false;
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY ? !is_plain(rte->subquery) :
			rte->rtekind != RTE_JOIN &&
			(rte->rtekind != RTE_RELATION || rte->tablesample != NULL))
			return false;
	}
	return true;
}

/* Remove the conditions of the joins. */
static void
join_without_conditions(Node *node)
{
	ListCell   *lc;

	check_stack_depth();
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			join_without_conditions(lfirst(lc));
	}
	else if (IsA(node, JoinExpr))
	{
		((JoinExpr *) node)->quals = NULL;
		join_without_conditions(((JoinExpr *) node)->larg);
		join_without_conditions(((JoinExpr *) node)->rarg);
	}
}

/* Change the query, and those in its FROM, to read nothing and have no policies. */
static void
read_nothing(Query *query)
{
	ListCell   *lc;

	query->hasRowSecurity = false;
	join_without_conditions((Node *) query->jointree);
	query->jointree->quals = makeBoolConst(false, false);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		rte->securityQuals = NIL;
		if (rte->rtekind == RTE_SUBQUERY)
			read_nothing(rte->subquery);
	}
}

/*
 * The query itself; or, if it is plain and asks for no row, a copy without policies that
 * reads nothing.
 */
Query *
casnet_probe_reads_nothing(Query *query)
{
	Query	   *probe;

	if (!query->hasRowSecurity || !is_plain(query) ||
		!(is_false(query->jointree->quals) ||
		  is_limit_of_none(query->limitCount)))
		return query;
	probe = copyObject(query);
	read_nothing(probe);
	return probe;
}
