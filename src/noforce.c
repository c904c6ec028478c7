/*
 * noforce.c
 *		Policies bind the owner of a table also while a foreign key cascades.
 *
 * Policies are forced on owners.  While the server checks a foreign key, and while
 * casnet reads a table as its owner, they are not, so that the rows are found; and that
 * goes for all that happens meanwhile: the functions that triggers and expressions call,
 * and the views that rules read.  A view, or a SECURITY DEFINER function, of the owner of
 * a protected table so showed all tenants to whoever has two tables of their own.
 *
 * The role whose code it is may read its own tables like that, whose policies it can
 * change.  But a function that runs as somebody else is called with policies forced again,
 * and what would read a table as its owner through a view is refused.  For that the
 * library must be loaded.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "casnet.h"

static fmgr_hook_type previous_hook = NULL;

/* Whether the function runs as its owner. */
static bool
runs_as_owner(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_proc) GETSTRUCT(tuple))->prosecdef;
	ReleaseSysCache(tuple);
	return result;
}

/* What is known of such a function, while its caller keeps it. */
typedef struct Watched
{
	bool		forced;			/* policies were forced again for this call */
	Datum		next;			/* of the hook that was there before */
} Watched;

/* fmgr_hook: a function with settings, or one that runs as its owner, begins or ends. */
static void
around_function(FmgrHookEventType event, FmgrInfo *function, Datum *known)
{
	Watched    *watched = (Watched *) DatumGetPointer(*known);
	Oid			user;
	int			context;

	if (watched == NULL)
	{
		watched = MemoryContextAllocZero(function->fn_mcxt, sizeof(Watched));
		*known = PointerGetDatum(watched);
	}
	GetUserIdAndSecContext(&user, &context);
	if (event == FHET_START)
	{
		watched->forced = (context & SECURITY_NOFORCE_RLS) != 0 &&
			runs_as_owner(function->fn_oid);
		if (watched->forced)
			SetUserIdAndSecContext(user, context & ~SECURITY_NOFORCE_RLS);
	}
	if (previous_hook)
		previous_hook(event, function, &watched->next);
	if (event != FHET_START && watched->forced)
	{
		watched->forced = false;
		SetUserIdAndSecContext(user, context | SECURITY_NOFORCE_RLS);
	}
}

/* Whether policies are forced on the owner of the table, who is that role. */
static bool
is_forced_on(Oid table, Oid role)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Form_pg_class form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	result = form->relrowsecurity && form->relforcerowsecurity &&
		form->relowner == role;
	ReleaseSysCache(tuple);
	return result;
}

/* Raises 42501 if a view or a rule in the query reads past forced policies. */
static bool
refuse_past_policies(Node *node, void *context)
{
	Query	   *query = (Query *) node;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, refuse_past_policies, context);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);
		Oid			role = casnet_checked_as(query, entry);

		if (entry->rtekind == RTE_RELATION && OidIsValid(role) &&
			role != GetUserId() && entry->securityQuals == NIL &&
			is_forced_on(entry->relid, role))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("policies of table \"%s\" would not bind its owner here",
							get_rel_name(entry->relid)),
					 errdetail("A foreign key is being checked, or a table read as its owner."),
					 errhint("Read the view in a statement of its own.")));
	}
	return query_tree_walker(query, refuse_past_policies, context, 0);
}

/* A query is about to be planned. */
void
casnet_noforce_check(Query *query)
{
	if (unlikely(InNoForceRLSOperation()))
		(void) refuse_past_policies((Node *) query, NULL);
}

void
casnet_noforce_init(void)
{
	previous_hook = fmgr_hook;
	fmgr_hook = around_function;
}
