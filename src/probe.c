/*-------------------------------------------------------------------------
 *
 * probe.c
 *		Statements that ask a table for its columns and for no row.
 *
 * Tools that read definitions send SELECT * FROM t LIMIT 0, or WHERE false, and have no
 * identity yet.  What such a statement returns is the same for everybody, so nothing has
 * to be asked about the session: it is planned without its policies, with a condition
 * that is false, so that nothing is read.  Privileges on the table are asked for as always.
 *
 * Only plain shapes are taken: tables and joins, also in a view or a subquery in FROM, and
 * a condition or a limit that is constant.  Without policies the planner would give values out of the statistics to
 * operators of the user's; so no other condition may be left, anywhere.
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

/* What the expression is when it is made simpler, if that is a constant; else NULL. */
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

/* Whether the condition lets no row through, by itself or as one of an AND. */
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

/* Whether the limit is 0; that is of type bigint, and NULL means none. */
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

/* Take the conditions of the joins away. */
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

/* Make the query, and those in its FROM, ones without policies that read nothing. */
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
 * The query itself, or if it is a plain one that asks for no row one without policies
 * that reads nothing.
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
