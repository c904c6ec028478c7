/*
 * noforce.c
 *		Policies bind the owner of a table also while a foreign key cascades.
 *
 * casnet forces policies on owners.  To find all rows, the server lifts that while it
 * checks a foreign key.  casnet lifts it while it reads a table as its owner.
 * Everything that runs meanwhile would be unbound, too: the functions that triggers and
 * expressions call, and the views that rules read.  A trigger that elsewhere sees the rows
 * of one tenant would see those of all.  A view or a SECURITY DEFINER function of the
 * owner of a protected table would show them to anybody who has two tables.
 *
 * So casnet forces policies again for a function that a key's statement calls, and for one
 * that runs as its owner within casnet's own operations.  (Other code of a table's owner
 * reads that owner's tables there without policies: it runs as nobody, without a tenant.)
 * casnet refuses a query that would read a table as another role through a view.  All of
 * this works only while the library is loaded.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "casnet.h"

static fmgr_hook_type previous_hook = NULL;
static needs_fmgr_hook_type previous_needs_hook = NULL;

/* Whether this backend made plans that leave out the policies of the role's own tables. */
static bool plans_are_unforced = false;

/* Whether plans can have functions that were looked up while strangers' were allowed. */
static bool plans_have_strangers = false;

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

/*
 * Raises 55000 if casnet would run the function with rights that the function's owner does
 * not have.  A trigger or an expression of a table is not always its owner's work.
 */
static void
refuse_stranger(Oid function, Oid user)
{
	char	   *name;

	if (!casnet_stranger_owns_function(function, user))
		return;
	name = get_func_name(function);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("function \"%s\" would run with more rights than its owner has",
					name == NULL ? "" : name),
			 errdetail("The statement changes casnet's rows as role \"%s\".",
					   GetUserNameFromId(user, false)),
			 errhint("Give the function to that role or to a superuser, or make it SECURITY DEFINER.")));
}

/*
 * A function that runs as its owner begins.  If the owner is casnet_owner, the functions
 * that it calls must not be strangers'.  Other owners answer for what they call.
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
 * A function is looked up that is not the server's own.  If a key changes casnet's rows,
 * functions of strangers are refused from now on.  The server takes back the context when
 * it has run the key's statement.
 */
static void
hold_key_of_ours(Oid user, int *context)
{
	if (likely(!casnet_security_is_within_key()) ||
		user != get_role_oid("casnet_owner", true))
		return;
	*context |= CASNET_SECURITY_NO_STRANGER;
	SetUserIdAndSecContext(user, *context);
}

/* Whether the function is in a language that can run SQL by itself, such as PL/pgSQL. */
static bool
runs_statements(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			language;

	if (!HeapTupleIsValid(tuple))
		return false;
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	ReleaseSysCache(tuple);
	return language != INTERNALlanguageId && language != ClanguageId;
}

/*
 * Functions of strangers are refused, and a function that runs statements is about to be
 * called.  The server, and PL/pgSQL, keep plans with functions that they have looked up or
 * inlined.  They must look them up again, under the hook.  Raises 55000 if a name in the
 * function can stand for a temporary type of a stranger.
 */
static void
begin_without_strangers(Oid function, Oid user)
{
	if (plans_have_strangers)
	{
		plans_have_strangers = false;
		ResetPlanCache();
	}
	if (likely(!casnet_stranger_in_temporary_types(user)) ||
		casnet_schema_has_function(function))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("function \"%s\" could use a temporary type of another role",
					get_func_name(function)),
			 errdetail("The statement changes casnet's rows as role \"%s\".",
					   GetUserNameFromId(user, false)),
			 errhint("Drop temporary domains and ranges first.")));
}

/*
 * A function begins that runs as its caller.  The other hook does not see functions with
 * settings.
 */
static void
begin_as_caller(Oid function, Oid user, int context)
{
	hold_key_of_ours(user, &context);
	if (likely((context & CASNET_SECURITY_NO_STRANGER) == 0))
	{
		plans_have_strangers = true;
		return;
	}
	refuse_stranger(function, user);
	if (runs_statements(function))
		begin_without_strangers(function, user);
}

/*
 * needs_fmgr_hook: whether around_function() must see the calls of this function.  Raises
 * what refuse_stranger() and begin_without_strangers() raise.
 */
static bool
needs_watching(Oid function)
{
	Oid			user;
	int			context;
	bool		is_strict;
	bool		is_within_key;

	if (previous_needs_hook && previous_needs_hook(function))
		return true;
	if (function < FirstNormalObjectId)
		return false;
	GetUserIdAndSecContext(&user, &context);
	hold_key_of_ours(user, &context);
	is_strict = (context & CASNET_SECURITY_NO_STRANGER) != 0;
	is_within_key = casnet_security_is_within_key();
	if (is_strict)
		refuse_stranger(function, user);
	else
		plans_have_strangers = true;
	if (likely(!is_strict && !is_within_key))
		return false;
	if (!runs_statements(function))
		return false;
	if (is_strict)
		begin_without_strangers(function, user);
	return is_within_key;
}

/* Outside such an operation, the plans that were made within one must not be used. */
static void
drop_unforced_plans(void)
{
	if (likely(!plans_are_unforced) || InNoForceRLSOperation())
		return;
	plans_are_unforced = false;
	ResetPlanCache();
}

/*
 * Whether the text is the statement of a foreign key.  The server begins it like this, and
 * qualifies the operator with a schema.  A role that imitates such a statement only keeps a
 * plan without the policies of its own tables.
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

/* What the hook knows of a function for as long as the caller keeps its FmgrInfo. */
typedef struct Watched
{
	bool		forced;			/* this call has policies forced again */
	bool		key_ran;		/* and a key's statement called it */
	Datum		next;			/* of the previous hook */
} Watched;

/*
 * fmgr_hook: a function begins or ends.  It has settings, runs as its owner, or was looked
 * up while a key was checked.
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
		/* The server restores the user and context when the function ends. */
		if (runs_as_owner(function->fn_oid))
			begin_as_owner(user, context);
		else
			begin_as_caller(function->fn_oid, user, context);
		casnet_security_notice_others();
		GetUserIdAndSecContext(&user, &context);
		watched->forced = (context & SECURITY_NOFORCE_RLS) != 0 &&
			(casnet_security_is_within_key() || runs_as_owner(function->fn_oid));
		if (watched->forced)
		{
			SetUserIdAndSecContext(user, context & ~SECURITY_NOFORCE_RLS);
			watched->key_ran = casnet_security_note_key(false);
		}
		drop_unforced_plans();
	}
	if (previous_hook)
		previous_hook(event, function, &watched->next);
	if (event != FHET_START && watched->forced)
	{
		watched->forced = false;
		(void) casnet_security_note_key(watched->key_ran);
		SetUserIdAndSecContext(user, context | SECURITY_NOFORCE_RLS);
	}
}

/* Whether the table forces its policies on that role as its owner. */
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
			 errhint("Run the query in a statement of its own.")));
}

/*
 * Raises 42501 if the query would read the table without policies that are forced on the
 * role as which it reads.  Returns true for the exception: such an operation, in which the
 * query reads as the current role.
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

/* Whether a policy is among the checks of the rows that the query writes. */
static bool
checks_policies(const Query *query)
{
	ListCell   *lc;

	foreach(lc, query->withCheckOptions)
	{
		WCOKind		kind = lfirst_node(WithCheckOption, lc)->kind;

		/* The other kinds belong to views. */
		if (kind == WCO_RLS_INSERT_CHECK || kind == WCO_RLS_UPDATE_CHECK ||
			kind == WCO_RLS_MERGE_UPDATE_CHECK ||
			kind == WCO_RLS_MERGE_DELETE_CHECK)
			return true;
	}
	return false;
}

/* Whether the query writes through a view with a security barrier. */
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
 * Whether the security quals of the table from which the query deletes contain all its
 * policies.  They can also be the condition of a view with a security barrier.
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

/* Whether the query applies the policies of one of its tables. */
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

/* Check all tables of a query that have no policies in it; see check_entry(). */
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
			/* EXCLUDED is not a row of the table. */
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
	/* Without sublinks, only CTEs can contain more queries. */
	if (query->hasSubLinks)
		return query_tree_walker(query, check_query, context, 0);
	foreach(lc, query->cteList)
		(void) check_query(lfirst_node(CommonTableExpr, lc)->ctequery, context);
	return false;
}

/*
 * A query is about to be planned.  It can have been rewritten long ago, outside such an
 * operation or within one, and the server keeps it as it was then.  Raises 42501.
 */
void
casnet_noforce_check(Query *query)
{
	if (query->hasRowSecurity)
		(void) check_query((Node *) query, NULL);
}

/*
 * The query is planned, and functions that the planner inlined were rewritten meanwhile.
 * Whether the plan reads the role's own tables, and so serves only such an operation.
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
	/* The server executes the plans of keys nowhere else. */
	is_unforced = is_unforced && !is_of_key(query_string);
	plans_are_unforced |= is_unforced;
	return is_unforced;
}

/*
 * A table is about to be written as that role, with rights that strangers do not have.
 * Raises 55000 if something of the table is code of a stranger.
 */
static void
refuse_strange_code(Oid table, Oid user, bool deletes)
{
	Relation	relation = relation_open(table, AccessShareLock);
	char	   *code = casnet_stranger_in_table(relation, user, deletes);

	if (unlikely(code != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s of table \"%s\" would run code with more rights than its owner has",
						code, RelationGetRelationName(relation)),
				 errdetail("The statement changes the table as role \"%s\".",
						   GetUserNameFromId(user, false)),
				 errhint("Give the domain or function of which it consists to that role or to a superuser, or change it.")));
	relation_close(relation, NoLock);
}

/* The same for a table and, if it is partitioned, each table to which a row can go. */
static void
refuse_strange_tables(Oid table, Oid user, bool deletes)
{
	bool		is_partition = get_rel_relispartition(table);
	ListCell   *lc;

	if (likely(!is_partition &&
			   get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE))
	{
		refuse_strange_code(table, user, deletes);
		return;
	}
	if (is_partition)
		table = llast_oid(get_partition_ancestors(table));
	foreach(lc, find_all_inheritors(table, AccessShareLock, NULL))
		refuse_strange_code(lfirst_oid(lc), user, deletes);
}

/*
 * A relation is about to be used as that role, with rights that its owner does not have.
 * Raises 55000 if the owner can have put code into it that runs: a view's query, policies,
 * and what a written table has.  Functions of the server run SQL that is given as text, so
 * it need not be the owner's functions that are called.
 */
static void
refuse_relation_of_stranger(Oid relation, Oid user, bool is_written)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Form_pg_class form;
	bool		has_code;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_class) GETSTRUCT(tuple);
	has_code = form->relowner != user &&
		(is_written || form->relkind == RELKIND_VIEW || form->relrowsecurity) &&
		!casnet_security_is_trusted(form->relowner, user);
	ReleaseSysCache(tuple);
	if (unlikely(has_code))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("code of relation \"%s\" would run with more rights than its owner has",
						get_rel_name(relation)),
				 errdetail("The statement uses it as role \"%s\".",
						   GetUserNameFromId(user, false)),
				 errhint("Use it in a function that is SECURITY DEFINER, or give it to that role or to a superuser.")));
}

/* The same of all relations of a plan, if code of strangers is refused meanwhile. */
static void
refuse_strange_relations(PlannedStmt *plan)
{
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	if (likely((context & CASNET_SECURITY_NO_STRANGER) == 0) &&
		!(casnet_security_is_within_key() &&
		  user == get_role_oid("casnet_owner", true)))
		return;
	for (int i = 1; i <= list_length(plan->rtable); i++)
	{
		Oid			relation = rt_fetch(i, plan->rtable)->relid;
		bool		is_written = casnet_is_written(plan, i);

		if (relation < FirstNormalObjectId)
			continue;
		refuse_relation_of_stranger(relation, user, is_written);
		if (is_written)
			refuse_strange_tables(relation, user,
								  plan->commandType == CMD_DELETE &&
								  !plan->hasModifyingCTE);
	}
}

/* Whether a plan reads or writes a table whose policies are forced on the role. */
static bool
meets_forced_table(PlannedStmt *plan, Oid role)
{
	ListCell   *lc;

	foreach(lc, plan->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

		if (entry->rtekind == RTE_RELATION && is_forced_on(entry->relid, role))
			return true;
	}
	return false;
}

/*
 * While a key's statement runs, functions in SQL and the like have policies forced again.
 * No hook sees a function of the server that runs SQL, such as query_to_xml(), in the check
 * of a domain, or a function that was looked up before, such as that of a range.  So no
 * statement may begin there that meets forced policies, or has the rights of casnet_owner.
 * Raises 55000.  A statement without a plan has NULL.
 */
static void
refuse_within_key(PlannedStmt *plan)
{
	Oid			user = GetUserId();

	if (likely(!casnet_security_key_runs()) || !casnet_security_is_within_key() ||
		(user != get_role_oid("casnet_owner", true) &&
		 (plan == NULL || !meets_forced_table(plan, user))))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("a statement would run without policies as role \"%s\"",
					GetUserNameFromId(user, false)),
			 errdetail("A check, a default, an index or the condition of a trigger runs it while a foreign key changes rows."),
			 errhint("Run the statement in a function in SQL or PL/pgSQL, which policies bind.")));
}

/*
 * A statement without a plan is about to be executed.  Raises 55000 if a key's statement
 * runs it with the rights of casnet_owner.
 */
void
casnet_noforce_check_utility(void)
{
	if (unlikely(casnet_security_key_runs()))
		refuse_within_key(NULL);
}

/*
 * A plan is about to be executed.  Raises 55000 for a kept plan that was made without
 * policies for such an operation, which the next execution plans anew.  Raises 55000 also
 * for code of strangers, and for a statement that only a key may run.
 */
void
casnet_noforce_check_start(PlannedStmt *plan)
{
	ListCell   *lc;

	refuse_within_key(plan);
	refuse_strange_relations(plan);
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
				 errhint("Run the statement again; the server plans it anew.")));
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
