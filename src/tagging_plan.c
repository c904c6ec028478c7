/*
 * tagging_plan.c
 *		Replaces records_tagged() in a statement by the joins that one writes by hand.
 *
 * A function is a black box that must return all its rows before the first one is used.
 * "The newest 20 of the records that are tagged urgent" would read every urgent record.  So
 * plan.c has it replaced before a statement is planned.  There is a semi-join for each tag
 * that a record must have, and one for those of which it must have any.  An anti-join
 * stands for those that it must not have.  The text of each is parsed and
 * rewritten like any statement, so the policies of whoever asks come with it.  The newest
 * 20 records of a tag take 69 and 80 % of the function's instructions, and a count of a
 * rare one 28 and 70 %.  (callgrind counted for tenants 40 and 2 of test/plans/data.sql.)
 *
 * The tags are not always known when the plan is made (a generic plan, a column as
 * argument).  Nor is the library always loaded by then.  In both cases the function in
 * tagging.c runs the same text with SPI.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "casnet.h"
#include "tagging.h"

/* Added to the cost of a generic plan, which does not know the tags. */
#define UNKNOWN_TAGS_COST 1.0e10

/* Context of the search through a statement. */
typedef struct Expansion
{
	ParamListInfo params;
	Query	   *query;			/* whose expressions are searched */
	bool		filter;			/* where NULL is as good as false */
	bool		has_policy;		/* the replacement has policies */
	bool		unknown;		/* a call has tags that are not known yet */
} Expansion;

/* The operator uuid = uuid. */
static Oid
uuid_equality(void)
{
	return lookup_type_cache(UUIDOID, TYPECACHE_EQ_OPR)->eq_opr;
}

/* casnet.records_tagged(text[], text[], text[]), or InvalidOid. */
static Oid
records_tagged(void)
{
	Oid			types[] = {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID};
	Oid			schema = casnet_schema();

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum("records_tagged"),
						   PointerGetDatum(buildoidvector(types,
														  lengthof(types))),
						   ObjectIdGetDatum(schema));
}

/* Whether the node is a call of casnet.records_tagged(). */
static bool
is_call(Node *node)
{
	FuncExpr   *call = (FuncExpr *) node;

	/* Few functions return sets, so few are looked up. */
	return IsA(node, FuncExpr) && call->funcretset &&
		call->funcid == records_tagged();
}

/*
 * Whether a query can contain a call that is expanded, by what the parser noted.  Such a
 * call is in FROM or in a subquery.
 */
static bool
may_have_call(Query *query)
{
	ListCell   *lc;

	if (query->hasSubLinks || query->cteList != NIL)
		return true;
	foreach(lc, query->rtable)
	{
		RTEKind		kind = lfirst_node(RangeTblEntry, lc)->rtekind;

		if (kind == RTE_SUBQUERY || kind == RTE_FUNCTION)
			return true;
	}
	return false;
}

/* Whether the tree has such a call. */
static bool
has_call(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (is_call(node))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_call, context, 0);
	return expression_tree_walker(node, has_call, context);
}

/*
 * Find the names in the arguments of the call.  Returns false unless all of them are known
 * now and the current role may execute it.  Raises 22023 for a name that is NULL or blank.
 */
static bool
filter_of_call(FuncExpr *call, Expansion *expansion, TagFilter *filter)
{
	PlannerGlobal *global;
	PlannerInfo *root;
	List	  **names[] = {&filter->all_of, &filter->any_of, &filter->none_of};
	int			i = 0;
	ListCell   *lc;

	if (!casnet_may_execute(call->funcid))
		return false;			/* the executor refuses it */

	/* Names, defaults and parameters of this execution become constants. */
	global = makeNode(PlannerGlobal);
	global->boundParams = expansion->params;
	root = makeNode(PlannerInfo);
	root->glob = global;
	root->parse = expansion->query;
	call = castNode(FuncExpr, eval_const_expressions(root,
													 copyObject((Node *) call)));
	Assert(list_length(call->args) == lengthof(names));

	foreach(lc, call->args)
	{
		Const	   *array = lfirst(lc);

		if (!IsA(array, Const))
		{
			expansion->unknown = true;
			return false;
		}
		*names[i++] = casnet_tag_names_of(array->constisnull ? NULL :
							   DatumGetArrayTypeP(array->constvalue));
	}
	return true;
}

/* Mark the calls of tag_id() as those that stand in for records_tagged(). */
static bool
mark_calls(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, mark_calls, context, 0);
	if (IsA(node, FuncExpr))
		((FuncExpr *) node)->location = TAG_CALL_LOCATION;
	return expression_tree_walker(node, mark_calls, context);
}

/* The text as a query, with the policies of the current role. */
static Query *
parse_query(const char *sql, Expansion *expansion)
{
	List	   *queries = raw_parser(sql, RAW_PARSE_DEFAULT);
	Query	   *query;

	queries = pg_analyze_and_rewrite_fixedparams(linitial_node(RawStmt, queries),
												 sql, NULL, 0, NULL);
	query = linitial_node(Query, queries);
	(void) mark_calls((Node *) query, NULL);
	expansion->has_policy |= query->hasRowSecurity;
	return query;
}

/*
 * The call, if the query returns the same set as it: in x IN (SELECT
 * casnet.records_tagged()) or x IN (SELECT t FROM casnet.records_tagged() t).
 * DISTINCT, GROUP BY, ORDER BY and WITH ORDINALITY do not change the set, unless an
 * expression comes with them.
 */
static FuncExpr *
call_of_query(Query *query)
{
	RangeTblFunction *function;
	List	   *functions;
	Node	   *node;

	if (list_length(query->targetList) != 1 || query->jointree->quals != NULL ||
		query->groupingSets != NIL || query->havingQual != NULL ||
		query->limitOffset != NULL || query->limitCount != NULL)
		return NULL;
	node = (Node *) linitial_node(TargetEntry, query->targetList)->expr;
	if (query->jointree->fromlist == NIL)
		return is_call(node) ? (FuncExpr *) node : NULL;

	if (list_length(query->rtable) != 1 || !IsA(node, Var) ||
		((Var *) node)->varlevelsup != 0)
		return NULL;
	functions = linitial_node(RangeTblEntry, query->rtable)->functions;
	if (list_length(functions) != 1)
		return NULL;			/* none: it is no function */
	function = linitial_node(RangeTblFunction, functions);
	return is_call(function->funcexpr) ? (FuncExpr *) function->funcexpr : NULL;
}

/*
 * Whether the expression is the id of a row of casnet.records that this query reads as the
 * same role as the call would.  Then it need not be looked up again.  False if an outer
 * join can have put a NULL in its place.
 */
static bool
is_record_id(Node *node, Query *query)
{
	Var		   *var = (Var *) node;
	RangeTblEntry *rte;
	ListCell   *lc;

	if (!IsA(node, Var) || var->varlevelsup != 0)
		return false;
	foreach(lc, query->rtable)
	{
		/* An entry that is no join has the jointype of an inner one. */
		if (lfirst_node(RangeTblEntry, lc)->jointype != JOIN_INNER)
			return false;
	}
	rte = rt_fetch(var->varno, query->rtable);
	return rte->relid == get_relname_relid("records",
										   casnet_schema()) &&
		!OidIsValid(casnet_check_as_user(query, rte)) &&
		strcmp(get_attname(rte->relid, var->varattno, false), "id") == 0;
}

/* x IN (text), made from x IN (something else). */
static Node *
make_in(SubLink *in, const char *sql, Expansion *expansion)
{
	SubLink    *made = copyObject(in);

	made->subselect = (Node *) parse_query(sql, expansion);
	return (Node *) made;
}

/* NOT EXISTS (a link of x with one of the tags). */
static Node *
make_not_exists(Node *x, List *names, Expansion *expansion)
{
	Query	   *query = parse_query(casnet_tag_sql_of_links(names), expansion);
	TargetEntry *target = linitial_node(TargetEntry, query->targetList);
	SubLink    *exists = makeNode(SubLink);
	Node	   *outer = copyObject(x);

	IncrementVarSublevelsUp(outer, 1, 0);
	query->jointree->quals =
		make_and_qual(query->jointree->quals,
					  (Node *) make_opclause(uuid_equality(), BOOLOID,
											 false, target->expr,
											 (Expr *) outer, InvalidOid,
											 InvalidOid));
	exists->subLinkType = EXISTS_SUBLINK;
	exists->subselect = (Node *) query;
	exists->location = -1;
	return (Node *) make_notclause((Expr *) exists);
}

/*
 * What to put in the place of x IN (SELECT casnet.records_tagged(...)), or NULL.  Where the
 * statement filters by it, that is a condition on x for every tag.  Elsewhere it is one
 * query.  If x is NULL, the answer is false when no record passes, else NULL, and several
 * conditions do not add up to that.
 */
static Node *
expand_in(SubLink *in, Expansion *expansion)
{
	OpExpr	   *test = (OpExpr *) in->testexpr;
	FuncExpr   *call;
	TagFilter	filter;
	List	   *conditions = NIL;
	Node	   *x;
	ListCell   *lc;

	if (in->subLinkType != ANY_SUBLINK || !IsA(test, OpExpr) ||
		test->opno != uuid_equality())
		return NULL;
	x = linitial(test->args);
	call = call_of_query(castNode(Query, in->subselect));
	if (call == NULL || contain_volatile_functions(x) ||
		checkExprHasSubLink(x) || contain_vars_of_level((Node *) call, 1) ||
		!filter_of_call(call, expansion, &filter))
		return NULL;
	if (!expansion->filter)
		return make_in(in, casnet_tag_sql_of_filter(&filter), expansion);

	foreach(lc, filter.all_of)
	{
		char	   *links;

		if (foreach_current_index(lc) == CASNET_TAGS_JOINED)
			break;
		links = casnet_tag_sql_of_links(list_make1(lfirst(lc)));
		conditions = lappend(conditions, make_in(in, links, expansion));
	}
	if (list_length(filter.all_of) > CASNET_TAGS_JOINED)
		conditions = lappend(conditions,
							 make_in(in, casnet_tag_sql_of_all(list_copy_tail(filter.all_of,
																			  CASNET_TAGS_JOINED)),
									 expansion));
	if (filter.any_of != NIL)
		conditions = lappend(conditions,
							 make_in(in, casnet_tag_sql_of_links(filter.any_of),
									 expansion));
	if (conditions == NIL && !is_record_id(x, expansion->query))
		conditions = lappend(conditions,
							 make_in(in, "SELECT r.id FROM casnet.records AS r",
									 expansion));
	if (filter.none_of != NIL)
		conditions = lappend(conditions,
							 make_not_exists(x, filter.none_of, expansion));
	return (Node *) make_ands_explicit(conditions);
}

/* FROM casnet.records_tagged(...) becomes a subquery. */
static void
expand_function(RangeTblEntry *rte, Expansion *expansion)
{
	RangeTblFunction *function;
	TagFilter	filter;

	if (rte->funcordinality || list_length(rte->functions) != 1)
		return;
	function = linitial_node(RangeTblFunction, rte->functions);
	if (!is_call(function->funcexpr) || rte->lateral ||
		!filter_of_call((FuncExpr *) function->funcexpr, expansion, &filter))
		return;
	casnet_inline_query(rte, parse_query(casnet_tag_sql_of_filter(&filter), expansion));
}

/* Mutator of a statement and its subqueries. */
static Node *
expand_mutator(Node *node, Expansion *expansion)
{
	bool		outer_filter = expansion->filter;

	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		Query	   *outer = expansion->query;
		bool		outer_policy = expansion->has_policy;
		ListCell   *lc;

		expansion->query = query;
		expansion->filter = false;
		expansion->has_policy = false;
		foreach(lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			if (rte->rtekind == RTE_FUNCTION)
				expand_function(rte, expansion);
		}
		query = query_tree_mutator(query, expand_mutator, expansion,
								   QTW_DONT_COPY_QUERY);
		query->hasRowSecurity |= expansion->has_policy;
		expansion->query = outer;
		expansion->filter = outer_filter;
		expansion->has_policy |= outer_policy;
		return (Node *) query;
	}
	if (IsA(node, SubLink))
	{
		Node	   *made = expand_in((SubLink *) node, expansion);

		if (made != NULL)
			return made;
	}
	expansion->filter = IsA(node, FromExpr) || IsA(node, JoinExpr) ||
		(outer_filter &&
		 (IsA(node, List) || is_andclause(node) || is_orclause(node)));
	node = expression_tree_mutator(node, expand_mutator, expansion);
	expansion->filter = outer_filter;
	return node;
}

/*
 * Replace the calls of records_tagged() in a statement before it is planned.  Returns the
 * statement, which can be changed in place.  On a worker the function refuses by itself.
 */
Query *
casnet_tagging_expand(Query *query, ParamListInfo params, CasnetTagged *tagged)
{
	Expansion	expansion = {params, NULL, false, false, false};

	if (may_have_call(query) && !casnet_shard_is_worker() &&
		has_call((Node *) query, NULL))
		query = (Query *) expand_mutator((Node *) query, &expansion);
	tagged->has_policy = expansion.has_policy;
	tagged->unknown = expansion.unknown;
	return query;
}

/*
 * Finish a plan after that.  It depends on the role if the replacement has policies, even
 * if the statement itself has none.  Where tags are parameters, this makes the plan for any
 * tags look expensive, so that the server goes on to make one for each execution.
 */
void
casnet_tagging_finish(PlannedStmt *plan, ParamListInfo params,
					  const CasnetTagged *tagged)
{
	if (tagged->has_policy)
		plan->dependsOnRole = true;
	if (tagged->unknown && params == NULL)
		plan->planTree->total_cost += UNKNOWN_TAGS_COST;
}
