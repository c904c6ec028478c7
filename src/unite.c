/*
 * unite.c
 *		Makes all policies of a statement ask for the same permissions.
 *
 * A statement on two tables, or one that both reads and changes rows, is under
 * policies that ask for different permissions.  The planner knows that tenant_id
 * equals the one and the other, and would compare the two in a Result node of its
 * own.  If they are any tenant, they are the same one.  So each asks for all the
 * permissions instead; an execution asks for every one of them anyway.
 *
 * Before the statement is planned, this changes RangeTblEntry.securityQuals, where the
 * rewriter has put the policies, and nothing of the planner's.  It does not see a
 * statement that loads the library, nor a query that the server puts in the place of a
 * function.  They keep the Result node.
 *
 * It saves 8 % of the instructions of a prepared update, 19 % of one that is planned each
 * time, and 8 % of a prepared join of three tables.  (callgrind counted for tenant 40 of
 * test/plans/data.sql.)  test/plans/instructions.py compares the join with one by hand.
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"

#include "casnet.h"
#include "recheck.h"

/* Calls in policies that are made in any case, of functions with one constant argument. */
typedef struct PolicyCalls
{
	List	   *calls;			/* of FuncExpr, which are the statement's */
	bool		differ;			/* whether they do */
} PolicyCalls;

/*
 * Collect from the conditions of a policy that are evaluated in any case.  An arm of CASE
 * or OR is not one, since the executor can skip it.  (Before it reads anything, plan.c
 * still asks for the permission in an arm of OR; only CASE with can() prevents that.)
 */
static void
collect_from_policy(Node *node, PolicyCalls *found)
{
	FuncExpr   *call = (FuncExpr *) node;
	List	   *parts = NIL;
	ListCell   *lc;

	if (node == NULL)
		return;
	if (IsA(node, List))
		parts = (List *) node;
	else if (is_andclause(node))
		parts = ((BoolExpr *) node)->args;
	else if (IsA(node, OpExpr))
		parts = ((OpExpr *) node)->args;
	else if (IsA(node, ScalarArrayOpExpr))
		parts = ((ScalarArrayOpExpr *) node)->args;
	else if (IsA(node, FuncExpr) && list_length(call->args) == 1 &&
			 IsA(linitial(call->args), Const) &&
			 !linitial_node(Const, call->args)->constisnull)
	{
		found->calls = lappend(found->calls, call);
		found->differ |= !equal(call, linitial(found->calls));
	}
	foreach(lc, parts)
		collect_from_policy(lfirst(lc), found);
}

/* Collect from the policies of a statement and its subqueries. */
static bool
collect_calls(Node *node, PolicyCalls *found)
{
	Query	   *query = (Query *) node;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, collect_calls, found);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		collect_from_policy((Node *) rte->securityQuals, found);
		if (!query->hasSubLinks)
			(void) collect_calls((Node *) rte->subquery, found);
	}
	/* Without sublinks, only CTEs can contain more queries. */
	if (query->hasSubLinks)
		return query_tree_walker(query, collect_calls, found, 0);
	foreach(lc, query->cteList)
		(void) collect_calls(lfirst_node(CommonTableExpr, lc)->ctequery,
							 found);
	return false;
}

/* Add a name to a sorted list of names, each one once. */
static List *
add_name(List *names, char *name)
{
	int			at = 0;
	ListCell   *lc;

	foreach(lc, names)
	{
		int			order = strcmp(lfirst(lc), name);

		if (order == 0)
			return names;
		if (order > 0)
			break;
		at++;
	}
	return list_insert_nth(names, at, name);
}

/*
 * Add the names in the argument of a call.  False if they cannot be united: there are too
 * many, or one is not the name of a permission.  The call then raises by itself.
 */
static bool
add_names(List **names, FuncExpr *call)
{
	text	   *argument = DatumGetTextPP(linitial_node(Const, call->args)->constvalue);
	char	   *rest;
	char	   *name;
	int			count = 0;

	/* A policy of an application can have an argument of any length. */
	if (VARSIZE_ANY_EXHDR(argument) >= CASNET_MAX_UNITED * CASNET_NAME_LENGTH)
		return false;
	rest = text_to_cstring(argument);
	while ((name = strsep(&rest, ",")) != NULL)
	{
		if (name[0] == '\0' || ++count > CASNET_MAX_UNITED)
			return false;
		*names = add_name(*names, name);
	}
	return list_length(*names) <= CASNET_MAX_UNITED;
}

/*
 * Make each policy's call of tenant_with() ask for the permissions of all policies in the
 * statement, so that the calls are the same.  The names are sorted and separated by commas.
 * Changes the statement, which is about to be planned.
 */
void
casnet_unite_policies(Query *query)
{
	PolicyCalls found = {NIL, false};
	Oid			functions[CASNET_NOTED_FUNCTIONS];
	List	   *names = NIL;
	StringInfoData all;
	ListCell   *lc;

	if (!query->hasRowSecurity)
		return;
	(void) collect_calls((Node *) query, &found);
	if (!found.differ || !casnet_recheck_find_functions(functions))
		return;

	foreach(lc, found.calls)
	{
		FuncExpr   *call = lfirst_node(FuncExpr, lc);

		if (call->funcid != functions[0])
			found.calls = foreach_delete_current(found.calls, lc);
		else if (!add_names(&names, call))
			return;
	}

	initStringInfo(&all);
	foreach(lc, names)
		appendStringInfo(&all, "%s%s", all.len > 0 ? "," : "",
						 (char *) lfirst(lc));
	foreach(lc, found.calls)
		linitial_node(Const, lfirst_node(FuncExpr, lc)->args)->constvalue =
			CStringGetTextDatum(all.data);
}
