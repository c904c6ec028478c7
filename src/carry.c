/*
 * carry.c
 *		Statements that carry the token of their session to a worker of Citus.
 *
 * A worker has to know whose session sends it a statement (relay.c).  SET LOCAL needs a
 * transaction on the worker, and so two more round trips.  A client's statement on rows of
 * one tenant therefore carries the token itself: in a condition that is always true, or in
 * an inserted value.  One that is planned in a transaction block gets the tenant only.
 *
 *		SELECT ... WHERE ... AND tenant_id = $2 AND $1 IS NOT NULL
 *		INSERT ... VALUES (..., CASE WHEN $1 IS NULL THEN NULL ELSE value END)
 *
 * The plan has parameters that no client gives, and no token.  relay.c gives them their
 * values when an execution starts.  Citus then writes the values into the text for the
 * worker: of a SELECT since the tenant is a parameter, by which it finds the node, and of
 * the others since it evaluates stable functions, as a policy is one.  It evaluates no test
 * for NULL, so the token arrives.  With the tenant as a condition Citus also plans faster.
 *
 * On the worker, carried.c takes the token out.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "casnet.h"

/* References to a column. */
typedef struct References
{
	AttrNumber	column;
	int			count;
} References;

/* A parameter that relay.c gives its value. */
static Node *
make_parameter(int number, Oid type)
{
	Param	   *parameter = makeNode(Param);

	parameter->paramkind = PARAM_EXTERN;
	parameter->paramid = number;
	parameter->paramtype = type;
	parameter->paramtypmod = -1;
	parameter->paramcollid = get_typcollation(type);
	parameter->location = -1;
	return (Node *) parameter;
}

/* Whether the token is there, or is not. */
static Node *
make_test(int number, NullTestType kind)
{
	NullTest   *test = makeNode(NullTest);

	test->arg = (Expr *) make_parameter(number, TEXTOID);
	test->nulltesttype = kind;
	test->location = -1;
	return (Node *) test;
}

/* Find the highest number of a parameter. */
static bool
find_highest(Node *node, int *highest)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		*highest = Max(*highest, ((Param *) node)->paramid);
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_highest, highest, 0);
	return expression_tree_walker(node, find_highest, highest);
}

/* Count references to a column of the only table. */
static bool
count_references(Node *node, References *references)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		references->count +=
			((Var *) node)->varattno == references->column ||
			((Var *) node)->varattno == 0;
	return expression_tree_walker(node, count_references, references);
}

/* Whether there is an expression that Citus cannot evaluate in parts. */
static bool
has_test_value(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, CaseTestExpr))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_test_value, context, 0);
	return expression_tree_walker(node, has_test_value, context);
}

/* Whether the node is a comparison of that column with something; sets *with. */
static bool
is_comparison(Node *node, AttrNumber column, Node **with)
{
	OpExpr	   *comparison = (OpExpr *) node;
	Var		   *left;

	if (!IsA(node, OpExpr) || list_length(comparison->args) != 2 ||
		get_opcode(comparison->opno) != F_UUID_EQ ||
		!IsA(linitial(comparison->args), Var))
		return false;
	left = linitial_node(Var, comparison->args);
	*with = lsecond(comparison->args);
	return left->varattno == column && left->varlevelsup == 0;
}

/* The same with that tenant as a constant. */
static bool
compares_with(Node *node, AttrNumber column, const pg_uuid_t *tenant)
{
	Node	   *with;

	return is_comparison(node, column, &with) && IsA(with, Const) &&
		!((Const *) with)->constisnull &&
		memcmp(DatumGetUUIDP(((Const *) with)->constvalue), tenant, UUID_LEN) == 0;
}

/* The condition of the policies that compares the column with the tenant, or NULL. */
static Node *
policy_about(const RangeTblEntry *rte, AttrNumber column, const pg_uuid_t *tenant)
{
	ListCell   *qual;
	ListCell   *lc;

	foreach(qual, rte->securityQuals)
		foreach(lc, make_ands_implicit(lfirst(qual)))
			if (compares_with(lfirst(lc), column, tenant))
				return lfirst(lc);
	return NULL;
}

/*
 * The conditions with the tenant as a parameter, or as a constant if the number is 0.  NIL if a condition says something else of the tenant; Citus has a slower way for
 * those.
 */
static List *
with_tenant(List *conditions, Node *policy, AttrNumber column,
			const pg_uuid_t *tenant, int number)
{
	References	references = {column, 0};
	Node	   *with;
	Node	   *added;
	ListCell   *lc;

	(void) count_references((Node *) conditions, &references);
	if (references.count > 1)
		return NIL;
	added = copyObject(policy);
	if (number != 0)
		lsecond(((OpExpr *) added)->args) = make_parameter(number, UUIDOID);
	if (references.count == 0)
		return lappend(conditions, added);
	foreach(lc, conditions)
	{
		if (!is_comparison(lfirst(lc), column, &with))
			continue;
		if (IsA(with, Param) && ((Param *) with)->paramkind == PARAM_EXTERN)
			return conditions;
		if (!compares_with(lfirst(lc), column, tenant))
			return NIL;
		lfirst(lc) = added;
		return conditions;
	}
	return NIL;
}

/*
 * Put a condition with the token into a statement that reads or changes rows; only the
 * tenant if the number is 0.
 */
static bool
carry_in_condition(Query *query, const CasnetPinned *pinned, int number)
{
	RangeTblEntry *rte = linitial_node(RangeTblEntry, query->rtable);
	AttrNumber	column;
	Node	   *policy;
	List	   *conditions;

	if (pinned->number == 0 || list_length(query->rtable) != 1 ||
		rte->rtekind != RTE_RELATION || rte->tablesample != NULL ||
		query->rowMarks != NIL ||
		casnet_shard_spread(rte->relid) != CASNET_SPREAD_BY_TENANT)
		return false;
	/* It evaluates what a DELETE compares with only if there is a stable function. */
	if (query->commandType != CMD_SELECT && has_test_value((Node *) query, NULL))
		return false;
	column = get_attnum(rte->relid, "tenant_id");
	policy = policy_about(rte, column, &pinned->tenant);
	if (policy == NULL)
		return false;
	conditions = with_tenant(list_copy(make_ands_implicit((Expr *) query->jointree->quals)),
							 policy, column, &pinned->tenant,
							 number == 0 ? 0 : number + 1);
	if (conditions == NIL)
		return false;
	if (number != 0)
		conditions = lappend(conditions, make_test(number, IS_NOT_NULL));
	query->jointree->quals = (Node *) make_ands_explicit(conditions);
	return true;
}

/* Whether the value of a column can be put into CASE. */
static bool
is_value(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Const:
		case T_Param:
		case T_FuncExpr:
		case T_OpExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
			return true;
		default:
			return false;
	}
}

/* The value, unless there is no token. */
static Expr *
make_case(Expr *value, int number)
{
	CaseExpr   *made = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);

	when->expr = (Expr *) make_test(number, IS_NULL);
	when->result = (Expr *) makeNullConst(exprType((Node *) value),
										  exprTypmod((Node *) value),
										  exprCollation((Node *) value));
	when->location = -1;
	made->casetype = exprType((Node *) value);
	made->casecollid = exprCollation((Node *) value);
	made->args = list_make1(when);
	made->defresult = value;
	made->location = -1;
	return (Expr *) made;
}

/* Whether all is about one table.  ON CONFLICT names it again, and a view another one. */
static bool
has_one_table(const Query *query)
{
	Oid			table = rt_fetch(query->resultRelation, query->rtable)->relid;
	ListCell   *lc;

	foreach(lc, query->rtable)
		if (lfirst_node(RangeTblEntry, lc)->relid != table)
			return false;
	return true;
}

/* Put the token into a value of a statement that inserts one row. */
static bool
carry_in_value(Query *query, int number)
{
	RangeTblEntry *target = rt_fetch(query->resultRelation, query->rtable);
	AttrNumber	column;
	ListCell   *lc;

	if (!query->hasRowSecurity || query->jointree->fromlist != NIL ||
		!has_one_table(query) ||
		casnet_shard_spread(target->relid) != CASNET_SPREAD_BY_TENANT)
		return false;
	column = get_attnum(target->relid, "tenant_id");
	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (entry->resjunk || entry->resno == column ||
			!is_value((Node *) entry->expr))
			continue;
		entry->expr = make_case(entry->expr, number);
		return true;
	}
	return false;
}

/* Whether Citus plans statements on one tenant without the server's planner. */
static bool
plans_fast(void)
{
	const char *value = GetConfigOption("citus.enable_fast_path_router_planner",
										true, false);

	return value == NULL || strcmp(value, "on") == 0;
}

/*
 * Have a statement carry the token of its session, if it is a client's own, on rows of one
 * tenant in one table.  Changes the statement, which is about to be planned on a
 * coordinator.  Returns the number of the parameter for the token, or 0; the next one is
 * for the tenant.
 */
int
casnet_carry_prepare(Query *query, const char *query_string,
					 ParamListInfo params, const CasnetPinned *pinned)
{
	int			highest = params == NULL ? 0 : params->numParams;

	/* Those of functions, cursors and EXECUTE are not planned between portals. */
	if (!casnet_shard_has_citus() || casnet_shard_is_worker() ||
		ActivePortal != NULL || query_string != debug_query_string ||
		query->rtable == NIL || query->cteList != NIL || query->hasSubLinks ||
		query->setOperations != NULL || query->hasTargetSRFs ||
		query->hasModifyingCTE)
		return 0;
	/* There the session is named once.  Such a plan carries no token later, either. */
	if (IsTransactionBlock())
	{
		if (query->commandType != CMD_INSERT && query->commandType != CMD_MERGE &&
			query->commandType != CMD_UTILITY && plans_fast())
			(void) carry_in_condition(query, pinned, 0);
		return 0;
	}
	(void) find_highest((Node *) query, &highest);
	switch (query->commandType)
	{
		case CMD_INSERT:
			return carry_in_value(query, highest + 1) ? highest + 1 : 0;
		case CMD_SELECT:
		case CMD_UPDATE:
		case CMD_DELETE:
			return plans_fast() &&
				carry_in_condition(query, pinned, highest + 1) ? highest + 1 : 0;
		default:
			return 0;
	}
}

/* One more parameter. */
static void
add_parameter(ParamListInfo params, int number, uint16 flags, Oid type, Datum value)
{
	ParamExternData *parameter = &params->params[number - 1];

	parameter->value = value;
	parameter->isnull = false;
	parameter->pflags = flags;
	parameter->ptype = type;
}

/*
 * Parameters, perhaps none, with a token and a tenant.  While Citus plans they have values,
 * since it does not report mistakes in statements with unknown ones.  They are no
 * constants then.
 */
ParamListInfo
casnet_carry_parameters(ParamListInfo given, int number, uint16 flags,
						const char *token, const pg_uuid_t *tenant)
{
	int			count = given == NULL ? 0 : given->numParams;
	ParamListInfo made = makeParamList(Max(count, number + 1));

	for (int i = 0; i < made->numParams; i++)
	{
		ParamExternData *parameter = &made->params[i];
		ParamExternData room;

		memset(parameter, 0, sizeof(ParamExternData));
		parameter->isnull = true;
		if (i < count)
			*parameter = given->paramFetch == NULL ? given->params[i] :
				*given->paramFetch(given, i + 1, false, &room);
	}
	add_parameter(made, number, flags, TEXTOID, CStringGetTextDatum(token));
	add_parameter(made, number + 1, flags, UUIDOID, casnet_uuid_copy(tenant));
	return made;
}

/* The number of the parameter for the token in a plan, 0 if it has none. */
int
casnet_carry_number(const PlannedStmt *plan)
{
	ListCell   *cell;

	if (!casnet_shard_has_citus())
		return 0;
	foreach(cell, plan->invalItems)
	{
		int			value;

		if (casnet_plan_note(cell, &value) == CASNET_NOTE_CARRIED)
			return value;
	}
	return 0;
}
