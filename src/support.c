/*
 * support.c
 *		The planner support function of the functions that policies call.
 *
 * The first statement of a session that needs the library can load it while that is being
 * planned, too late for the planner hook.  To ask a support function, the server loads its
 * library before it takes conditions apart.  So the hooks of order.c and index.c are there
 * in time, and policies come first.  casnet does nothing else about such a statement while
 * it is planned.
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
 * Planner support function of what policies call.  The planner can inline a call into a
 * statement that reads nothing, from a stored function or a default of its arguments.
 * Then this answers SupportRequestSimplify with a call that has a location, since PL/pgSQL
 * can keep such an expression while the session changes.  Returns NULL to every other
 * request.
 *
 * This depends on the planner simplifying the expressions of a query only after it has
 * given an empty FROM its table of one row.
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
