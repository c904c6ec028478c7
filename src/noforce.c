/*
 * noforce.c
 *		Policies bind the owner of a table also while a foreign key cascades.
 *
 * Policies are forced on owners.  While the server checks a foreign key, and while
 * casnet reads a table as its owner, they are not, so that the rows are found; and that
 * goes for all that happens meanwhile: the functions that triggers and expressions call,
 * and the views that rules read.  So a trigger that elsewhere meets the rows of one tenant
 * would meet those of all; and a view, or a SECURITY DEFINER function, of the owner of a
 * protected table would show them to whoever has two tables of their own.
 *
 * A function that a key's statement calls is therefore called with policies forced again,
 * and so is one that runs as its owner within what casnet does.  (Other code of a table's
 * owner reads that owner's tables there, as nobody: it could not without a tenant.)  What
 * would read a table as somebody else through a view is refused.  For that the library
 * must be loaded.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "casnet.h"

static fmgr_hook_type previous_hook = NULL;
static needs_fmgr_hook_type previous_needs_hook = NULL;

/* Whether plans were made here without policies of tables of the role's own. */
static bool plans_are_unforced = false;

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

/* Whether the server checks a key, or cascades, and casnet is not somebody else. */
static bool
is_within_key(int context)
{
	return (context & SECURITY_NOFORCE_RLS) != 0 &&
		(context & (CASNET_SECURITY_OTHERS | CASNET_SECURITY_OURS)) == 0;
}

/*
 * Raises 55000 if the function would run, for casnet, with rights that its owner has not:
 * who may make a trigger on a table, or an expression of it, is not always the table's
 * owner.
 */
static void
refuse_stranger(Oid function, Oid user)
{
	char	   *name;

	if (!casnet_function_is_strange(function, user))
		return;
	name = get_func_name(function);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("function \"%s\" would run with more rights than its owner has",
					name == NULL ? "" : name),
			 errdetail("A change of rows of casnet's goes on as role \"%s\".",
					   GetUserNameFromId(user, false)),
			 errhint("Give the function to that role or to a superuser, or make it SECURITY DEFINER.")));
}

/*
 * A function that runs as its owner begins.  Of casnet's, what it calls is held to that;
 * for others it is a matter of their own.
 */
static void
begin_as_owner(Oid user, int context)
{
	if (user == get_role_oid("casnet_owner", true))
		context |= CASNET_SECURITY_NO_STRANGER;
	else
		context &= ~CASNET_SECURITY_NO_STRANGER;
	SetUserIdAndSecContext(user, context);
}

/*
 * A function is looked up that is not the server's own.  Where a key changes rows of
 * casnet's, what follows is held to the rights of the function's owner, until the server
 * has run the key's statement and takes back the context.
 */
static void
hold_key_of_ours(Oid user, int *context)
{
	if (likely(!is_within_key(*context)) ||
		user != get_role_oid("casnet_owner", true))
		return;
	*context |= CASNET_SECURITY_NO_STRANGER;
	SetUserIdAndSecContext(user, *context);
}

/* needs_fmgr_hook: a function of whatever language but C is looked up. */
static bool
needs_watching(Oid function)
{
	HeapTuple	tuple;
	Oid			language;
	Oid			user;
	int			context;

	if (previous_needs_hook && previous_needs_hook(function))
		return true;
	GetUserIdAndSecContext(&user, &context);
	hold_key_of_ours(user, &context);
	if (context & CASNET_SECURITY_NO_STRANGER)
		refuse_stranger(function, user);
	if (likely(!is_within_key(context)))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	ReleaseSysCache(tuple);
	return language != INTERNALlanguageId && language != ClanguageId;
}

/* Outside of such an operation no plan that was made within is used. */
static void
drop_unforced_plans(void)
{
	if (likely(!plans_are_unforced) || InNoForceRLSOperation())
		return;
	plans_are_unforced = false;
	ResetPlanCache();
}

/*
 * Whether it is the statement of a foreign key, which the server writes like that, with an
 * operator by its schema.  Whoever writes a statement alike keeps a plan without policies of
 * tables of the own.
 */
static bool
is_of_key(const char *query)
{
	static const char *const beginnings[] = {
		"SELECT 1 FROM ONLY \"", "SELECT 1 FROM \"", "DELETE FROM ONLY \"",
		"DELETE FROM \"", "UPDATE ONLY \"", "UPDATE \""
	};

	for (int i = 0; query != NULL && i < lengthof(beginnings); i++)
		if (strncmp(query, beginnings[i], strlen(beginnings[i])) == 0)
			return strstr(query, " OPERATOR(") != NULL;
	return false;
}

/* What is known of such a function, while its caller keeps it. */
typedef struct Watched
{
	bool		forced;			/* policies were forced again for this call */
	Datum		next;			/* of the hook that was there before */
} Watched;

/*
 * fmgr_hook: a function begins or ends that has settings, runs as its owner, or was looked
 * up within a key.
 */
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
		/* The server takes it back when the function ends. */
		if (runs_as_owner(function->fn_oid))
			begin_as_owner(user, context);
		else if (context & CASNET_SECURITY_NO_STRANGER)
			refuse_stranger(function->fn_oid, user);
		casnet_owner_notice_others();
		GetUserIdAndSecContext(&user, &context);
		watched->forced = (context & SECURITY_NOFORCE_RLS) != 0 &&
			(is_within_key(context) || runs_as_owner(function->fn_oid));
		if (watched->forced)
			SetUserIdAndSecContext(user, context & ~SECURITY_NOFORCE_RLS);
		drop_unforced_plans();
	}
	if (previous_hook)
		previous_hook(event, function, &watched->next);
	if (event != FHET_START && watched->forced)
	{
		watched->forced = false;
		SetUserIdAndSecContext(user, context | SECURITY_NOFORCE_RLS);
	}
}

/* Whether the table has policies that are forced on that role as an owner of it. */
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
		has_privs_of_role(role, form->relowner) &&
		!has_bypassrls_privilege(role);
	ReleaseSysCache(tuple);
	return result;
}

/* Raises 42501. */
static void
refuse_table(Oid table)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("policies of table \"%s\" would not bind its owner here",
					get_rel_name(table)),
			 errdetail("The query was made while a foreign key was checked, or a table read as its owner."),
			 errhint("Make it in a statement of its own.")));
}

/*
 * Raises 42501 if the table would be read without policies that are forced on the role as
 * which it is read: but for a query of that role's own, in such an operation; whether it
 * is one.
 */
static bool
check_entry(Oid table, Oid checked_as)
{
	Oid			role = OidIsValid(checked_as) ? checked_as : GetUserId();

	if (!is_forced_on(table, role))
		return false;
	if (!InNoForceRLSOperation() || role != GetUserId())
		refuse_table(table);
	return true;
}

/* Whether a check by a policy is among those of what the query writes. */
static bool
checks_policies(const Query *query)
{
	ListCell   *lc;

	foreach(lc, query->withCheckOptions)
	{
		WCOKind		kind = lfirst_node(WithCheckOption, lc)->kind;

		/* Others are of views. */
		if (kind == WCO_RLS_INSERT_CHECK || kind == WCO_RLS_UPDATE_CHECK ||
			kind == WCO_RLS_MERGE_UPDATE_CHECK ||
			kind == WCO_RLS_MERGE_DELETE_CHECK)
			return true;
	}
	return false;
}

/* Whether what the query writes is seen through a view with a security barrier. */
static bool
has_barrier(const Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);
		Relation	view;
		bool		result;

		if (entry->rtekind != RTE_RELATION ||
			get_rel_relkind(entry->relid) != RELKIND_VIEW)
			continue;
		view = relation_open(entry->relid, NoLock);
		result = RelationIsSecurityView(view);
		relation_close(view, NoLock);
		if (result)
			return true;
	}
	return false;
}

/*
 * Whether all that policies say of the table from which the query deletes is among its
 * security quals, which may also be the condition of a view with a security barrier.
 */
static bool
deletes_by_policies(Query *query, RangeTblEntry *entry)
{
	List	   *quals;
	List	   *checks;
	bool		enabled;
	bool		has_sublinks;
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(user, context & ~SECURITY_NOFORCE_RLS);
	get_row_security_policies(query, entry, query->resultRelation, &quals,
							  &checks, &enabled, &has_sublinks);
	SetUserIdAndSecContext(user, context);
	return list_difference(quals, entry->securityQuals) == NIL;
}

/* Whether the query asks the policies of one of its tables. */
static bool
has_policies(Query *query, RangeTblEntry *entry, int place)
{
	if (place != query->resultRelation)
		return entry->securityQuals != NIL;
	if (query->commandType != CMD_DELETE)
		return checks_policies(query);
	return entry->securityQuals != NIL &&
		(!has_barrier(query) || deletes_by_policies(query, entry));
}

/* The same of all tables of a query that have no policies in it. */
static bool
check_query(Node *node, void *context)
{
	Query	   *query = (Query *) node;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, check_query, context);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

		if (entry->rtekind == RTE_RELATION)
		{
			/* What is excluded by a conflict is no row of the table. */
			if (!(query->onConflict != NULL &&
				  foreach_current_index(lc) + 1 ==
				  query->onConflict->exclRelIndex) &&
				!has_policies(query, entry, foreach_current_index(lc) + 1))
				(void) check_entry(entry->relid,
								   casnet_checked_as(query, entry));
		}
		else if (!query->hasSubLinks)
			(void) check_query((Node *) entry->subquery, context);
	}
	/* Where there are no sublinks, queries are in nothing else but these. */
	if (query->hasSubLinks)
		return query_tree_walker(query, check_query, context, 0);
	foreach(lc, query->cteList)
		(void) check_query(lfirst_node(CommonTableExpr, lc)->ctequery, context);
	return false;
}

/*
 * A query is about to be planned.  It may have been rewritten long ago, and the server
 * keeps it as it was then.
 */
void
casnet_noforce_check(Query *query)
{
	if (query->hasRowSecurity)
		(void) check_query((Node *) query, NULL);
}

/*
 * It is planned: what was put in the place of functions was rewritten meanwhile.  Whether
 * the plan reads tables of the role's own, and is for such an operation only.
 */
bool
casnet_noforce_check_plan(PlannedStmt *plan, const char *query_string)
{
	bool		is_unforced = false;
	ListCell   *lc;

	if (likely(!InNoForceRLSOperation()))
		return false;
	foreach(lc, plan->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

		if (entry->rtekind == RTE_RELATION &&
			check_entry(entry->relid, casnet_plan_checked_as(plan, entry)))
			is_unforced = true;
	}
	/* Those of keys are executed nowhere else. */
	is_unforced = is_unforced && !is_of_key(query_string);
	plans_are_unforced |= is_unforced;
	return is_unforced;
}

/*
 * A plan is executed.  Raises 55000 if it is one that was made without policies for such
 * an operation, and kept; then it is made anew for the next time.
 */
void
casnet_noforce_check_start(PlannedStmt *plan)
{
	ListCell   *lc;

	if (likely(!plans_are_unforced) || InNoForceRLSOperation())
		return;
	foreach(lc, plan->invalItems)
	{
		int			value;

		if (casnet_plan_note(lc, &value) != CASNET_NOTE_UNFORCED)
			continue;
		drop_unforced_plans();
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the plan was made while a foreign key was checked, without policies"),
				 errhint("Do it again; it is planned anew.")));
	}
}

void
casnet_noforce_init(void)
{
	previous_hook = fmgr_hook;
	fmgr_hook = around_function;
	previous_needs_hook = needs_fmgr_hook;
	needs_fmgr_hook = needs_watching;
}
