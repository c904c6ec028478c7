/*
 * inline.c
 *		Puts functions of language SQL into the statements that call them, before Citus.
 *
 * The planner puts the query of such a function in its place.  Citus plans before that: it
 * sees no distributed table then, and refuses the table when it comes.  So on a
 * coordinator casnet does what the planner would do, by the planner's own function.
 *
 * What casnet's own functions read is distributed.  A call of one that cannot be put into
 * the statement is refused.  So is one that a node with rows would run, although it
 * belongs on the coordinator.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "casnet.h"

/* Context of the way through a statement. */
typedef struct Inlining
{
	ParamListInfo params;
	bool		has_policy;		/* a function brought policies */
} Inlining;

/*
 * Put a query in the place of the function of the entry.  Citus writes it as text, in which
 * its columns have the names of the target list, or of the first query of a UNION.  So the
 * entry gets an alias with the names of its columns, and the target list gets them too.
 */
void
casnet_inline_query(RangeTblEntry *rte, Query *query)
{
	ListCell   *target;
	ListCell   *name;

	forboth(target, query->targetList, name, rte->eref->colnames)
		lfirst_node(TargetEntry, target)->resname = pstrdup(strVal(lfirst(name)));
	rte->alias = makeAlias(rte->eref->aliasname, copyObject(rte->eref->colnames));
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	rte->security_barrier = false;
	rte->functions = NIL;
}

/* Put the query of the function into the entry, if the planner would. */
static void
put_in_place(RangeTblEntry *rte, Query *query, Inlining *inlining)
{
	PlannerGlobal *global = makeNode(PlannerGlobal);
	PlannerInfo *root = makeNode(PlannerInfo);
	Query	   *made;

	global->boundParams = inlining->params;
	root->glob = global;
	root->parse = query;
	rte->functions = (List *)
		eval_const_expressions(root, (Node *) rte->functions);
	made = casnet_inline_function(root, rte);
	if (made == NULL)
		return;
	casnet_inline_query(rte, made);
	inlining->has_policy |= made->hasRowSecurity || global->dependsOnRole;
}

/* Walk through a statement, its subqueries, and what comes into it. */
static bool
inline_walker(Node *node, Inlining *inlining)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		ListCell   *lc;

		foreach(lc, ((Query *) node)->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			if (rte->rtekind == RTE_FUNCTION)
				put_in_place(rte, (Query *) node, inlining);
		}
		return query_tree_walker((Query *) node, inline_walker, inlining, 0);
	}
	return expression_tree_walker(node, inline_walker, inlining);
}

/*
 * Whether a node with rows can run the function in the place of the coordinator.  Those in
 * PL/pgSQL read tables.  Volatile ones change something, but for two.
 */
static bool
runs_on_any_node(Form_pg_proc form)
{
	if (form->prolang != ClanguageId && form->prolang != SQLlanguageId)
		return false;
	return form->provolatile != PROVOLATILE_VOLATILE ||
		strcmp(NameStr(form->proname), "uuid_v7") == 0 ||
		strcmp(NameStr(form->proname), "hash_password") == 0;
}

/* What is looked for in a statement. */
typedef struct Refusing
{
	bool		has_rows;		/* it is about a table of Citus */
	bool		writes_copies;	/* it writes or locks a table that every node has */
	bool		is_trusted;		/* as whoever owns such tables, or a superuser */
} Refusing;

/* Raises 0A000: each node could do something else. */
static void
refuse_difference(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s cannot be in a statement that writes a table of all nodes", what),
			 errdetail("Nodes could find different rows or values."),
			 errhint("Find the keys and values in a statement of its own before.")));
}

/*
 * Each node evaluates such a statement on its copy.  Citus evaluates stable functions before,
 * and refuses volatile ones.  Whoever makes an immutable function can have it differ.
 */
static void
refuse_own_function(Oid function, Form_pg_proc form)
{
	if (form->provolatile == PROVOLATILE_IMMUTABLE &&
		casnet_stranger_owns_function(function, BOOTSTRAP_SUPERUSERID))
		refuse_difference(psprintf("function %s()", NameStr(form->proname)));
}

/*
 * Raises 0A000 for a function of the API that cannot be called where it is, and 42501 for
 * one that the role is not allowed to execute here, but would on a worker.
 */
static bool
refuse_function(Oid function, void *context)
{
	const Refusing *refusing = context;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	char	   *name = NULL;
	bool		stays;

	if (!HeapTupleIsValid(tuple))
		return false;
	if (refusing->has_rows && !casnet_may_execute(function))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, get_func_name(function));
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (refusing->writes_copies && !refusing->is_trusted)
		refuse_own_function(function, form);
	stays = form->prolang == SQLlanguageId && form->proretset && !form->prosecdef &&
		heap_attisnull(tuple, Anum_pg_proc_proconfig, NULL);
	if (form->pronamespace == casnet_schema() &&
		(stays || (refusing->has_rows && !runs_on_any_node(form))))
		name = pstrdup(NameStr(form->proname));
	ReleaseSysCache(tuple);
	if (name == NULL)
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("casnet.%s() cannot be called in this way while Citus distributes the tables",
					name),
			 stays ?
			 errhint("Call it in FROM, with arguments that are no subqueries.") :
			 errhint("Call it in a statement of its own, once for each row.")));
}

/*
 * Whether a constant can mean something else on another node: it names an object, or its
 * type is of a role that could have made that in another way there.
 */
static bool
differs(Oid type)
{
	HeapTuple	tuple;
	bool		result;

	switch (type)
	{
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGTYPEOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
			return true;
		default:
			break;
	}
	if (type < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return true;
	result = !casnet_security_is_trusted(((Form_pg_type) GETSTRUCT(tuple))->typowner,
										 BOOTSTRAP_SUPERUSERID);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Refuse what each node can answer in another way: columns of the system, and rows that no
 * order or key chooses.
 */
static void
refuse_differences(Node *node)
{
	const Query *query = (const Query *) node;

	if (IsA(node, Var) && ((Var *) node)->varattno < 0)
		refuse_difference("a column of the system");
	else if (IsA(node, Const) && differs(((Const *) node)->consttype))
		refuse_difference("a constant of that type");
	else if (IsA(node, Query) && query->commandType == CMD_SELECT &&
			 (query->limitCount != NULL || query->limitOffset != NULL ||
			  query->hasDistinctOn || query->hasAggs || query->hasWindowFuncs ||
			  query->rowMarks != NIL))
		refuse_difference("a query with LIMIT, an aggregate or the like");
}

/* Refuse such calls in a statement. */
static bool
refuse_walker(Node *node, void *context)
{
	const Refusing *refusing = context;

	if (node == NULL)
		return false;
	if (refusing->writes_copies && !refusing->is_trusted)
		refuse_differences(node);
	if (check_functions_in_node(node, refuse_function, context))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, refuse_walker, context, 0);
	return expression_tree_walker(node, refuse_walker, context);
}

/* Whether a statement, or a part of it, writes a table that every node has. */
static bool
writes_copies_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		const Query *query = (const Query *) node;

		if (query->resultRelation != 0 &&
			casnet_shard_spread(rt_fetch(query->resultRelation, query->rtable)->relid) ==
			CASNET_SPREAD_REFERENCE)
			return true;
		return query_tree_walker((Query *) node, writes_copies_walker, context, 0);
	}
	return expression_tree_walker(node, writes_copies_walker, context);
}

/*
 * Put the queries of functions in the place of their calls, in a statement that is about to
 * be planned on a coordinator.  Changes the statement.  Returns whether they brought
 * policies.
 */
bool
casnet_inline_functions(Query *query, ParamListInfo params)
{
	Inlining	inlining = {params, false};

	(void) inline_walker((Node *) query, &inlining);
	query->hasRowSecurity |= inlining.has_policy;
	return inlining.has_policy;
}

/*
 * Look at such a statement once all queries are in it that come into it.  Raises 0A000 for a
 * call of a function of casnet's that has to stay, and for what nodes could answer in
 * different ways where it writes a table that every node has.
 */
void
casnet_inline_check(Query *query)
{
	Refusing	refusing;

	refusing.has_rows = casnet_shard_is_about((Node *) query, CASNET_SPREAD_REFERENCE);
	refusing.writes_copies = refusing.has_rows &&
		writes_copies_walker((Node *) query, NULL);
	refusing.is_trusted = refusing.writes_copies &&
		(superuser() || GetUserId() == get_role_oid("casnet_owner", true));
	(void) refuse_walker((Node *) query, &refusing);
	if (refusing.has_rows)
		(void) casnet_reshape_elements((Node *) query, NULL);
}
