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
 * Only the plainest shape is taken: tables side by side, and a condition or a limit that
 * is constant.  Without policies the planner would give values out of the statistics to
 * operators of the user's; so no other condition may be left, anywhere.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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

/* Whether the query reads tables side by side, and does nothing else. */
static bool
is_plain(Query *query)
{
	ListCell   *lc;

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

		if (rte->rtekind != RTE_RELATION || rte->tablesample != NULL)
			return false;
	}
	foreach(lc, query->jointree->fromlist)
		if (!IsA(lfirst(lc), RangeTblRef))
			return false;
	return true;
}

/*
 * The query itself, or if it is a plain one that asks for no row one without policies
 * that reads nothing.
 */
Query *
casnet_probe_reads_nothing(Query *query)
{
	Query	   *probe;
	ListCell   *lc;

	if (!query->hasRowSecurity || !is_plain(query) ||
		!(is_false(query->jointree->quals) ||
		  is_limit_of_none(query->limitCount)))
		return query;
	probe = copyObject(query);
	probe->hasRowSecurity = false;
	probe->jointree->quals = makeBoolConst(false, false);
	foreach(lc, probe->rtable)
		lfirst_node(RangeTblEntry, lc)->securityQuals = NIL;
	return probe;
}
