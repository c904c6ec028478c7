/*
 * support.c
 *		What the server asks about the functions that policies call, while it plans.
 *
 * The library may be loaded by the first statement of a session that needs it, when the
 * planner hook is too late for that statement.  To ask a support function, the server
 * loads its library before it takes conditions apart; so the hooks of order.c and index.c
 * are there in time, and policies come first.  Nothing else is done about a statement
 * here.
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_planner_support);

/*
 * Whether the statement reads nothing and writes nothing, as an expression of
 * PL/pgSQL does.  The planner has given it a table of one row by then.
 */
static bool
reads_nothing(Query *query)
{
	ListCell   *lc;

	if (query->commandType != CMD_SELECT || query->cteList != NIL)
		return false;
	foreach(lc, query->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->rtekind != RTE_RESULT)
			return false;
	}
	return !query->hasSubLinks;
}

/*
 * casnet_internal.planner_support(internal) returns internal
 *
 * Planner support function of what policies call.  Answers SupportRequestSimplify about
 * a call that came out of a stored function, or a default of its arguments, into a
 * statement that reads nothing, with one that has a location, since that may be an
 * expression which PL/pgSQL keeps while the session changes.  NULL to every other
 * request.
 *
 * This leans on the planner simplifying the expressions of a query after it has put the
 * table of one row into it that a FROM of none stands for.
 */
Datum
casnet_planner_support(PG_FUNCTION_ARGS)
{
	SupportRequestSimplify *request =
		(SupportRequestSimplify *) PG_GETARG_POINTER(0);
	FuncExpr   *call;

	if (!IsA(request, SupportRequestSimplify) || request->root == NULL ||
		request->root->parent_root != NULL ||
		!reads_nothing(request->root->parse))
		PG_RETURN_POINTER(NULL);
	call = copyObject(request->fcall);
	call->location = 0;
	PG_RETURN_POINTER(call);
}
