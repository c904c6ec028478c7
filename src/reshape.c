/*
 * reshape.c
 *		Statements that Citus would take past the policies, in another form.
 *
 * Citus copies the rows of INSERT ... SELECT into shards by COPY, and reads the rows of
 * COPY ... TO shard by shard outside of a transaction.  The server has no policies for the
 * first, and no session for the second.  With RETURNING, Citus inserts the rows on their
 * nodes by INSERT.  COPY of a query runs the query as any other.  So casnet gives
 * statements on tables that are distributed by tenant these forms.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "casnet.h"

/* Counts the rows that a statement returns. */
typedef struct Counter
{
	DestReceiver receiver;		/* first, so that one points to the other */
	uint64		rows;
} Counter;

/* Whether a table is distributed by tenant and has policies that may be moved. */
static bool
has_movable_policies(Query *query, int index)
{
	RangeTblEntry *rte = rt_fetch(index, query->rtable);

	return rte->rtekind == RTE_RELATION && index != query->resultRelation &&
		casnet_shard_spread(rte->relid) == CASNET_SPREAD_BY_TENANT;
}

/* Whether something else than such a table is joined with others. */
static bool
joins_others(Query *query, Node *node, int *items)
{
	ListCell   *lc;
	bool		result = false;

	if (IsA(node, RangeTblRef))
	{
		(*items)++;
		return !has_movable_policies(query, ((RangeTblRef *) node)->rtindex);
	}
	if (IsA(node, JoinExpr))
	{
		result = joins_others(query, ((JoinExpr *) node)->larg, items);
		return joins_others(query, ((JoinExpr *) node)->rarg, items) || result;
	}
	foreach(lc, castNode(FromExpr, node)->fromlist)
		result |= joins_others(query, lfirst(lc), items);
	return result;
}

/* Whether a statement is about a table that Citus does not know. */
static bool
is_about_local(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		return rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW &&
			casnet_shard_spread(rte->relid) == CASNET_SPREAD_NOT;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, is_about_local, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, is_about_local, context);
}

/*
 * Whether the policies of what is joined there can be taken.  FULL JOIN has no place for
 * them, so they are dropped where a local table makes Citus read each table alone.
 */
static bool
may_take(Node *node, bool has_local)
{
	JoinExpr   *join;

	if (!IsA(node, JoinExpr))
		return true;
	join = (JoinExpr *) node;
	return (join->jointype != JOIN_FULL || has_local) &&
		may_take(join->larg, has_local) && may_take(join->rarg, has_local);
}

/* Take the policies of what is joined there.  Returns what has to hold above the join. */
static List *
take_policies(Query *query, Node *node, bool has_local)
{
	List	   *conditions = NIL;
	JoinExpr   *join;
	List	   *left;
	List	   *right;

	if (IsA(node, RangeTblRef))
	{
		int			index = ((RangeTblRef *) node)->rtindex;

		if (has_movable_policies(query, index))
		{
			RangeTblEntry *rte = rt_fetch(index, query->rtable);

			conditions = rte->securityQuals;
			rte->securityQuals = NIL;
		}
		return conditions;
	}
	if (IsA(node, FromExpr))
	{
		ListCell   *lc;

		foreach(lc, ((FromExpr *) node)->fromlist)
			if (may_take(lfirst(lc), has_local))
				conditions = list_concat(conditions,
										 take_policies(query, lfirst(lc), has_local));
		return conditions;
	}
	join = castNode(JoinExpr, node);
	left = take_policies(query, join->larg, has_local);
	right = take_policies(query, join->rarg, has_local);
	if (join->jointype == JOIN_INNER)
		return list_concat(left, right);
	if (join->jointype == JOIN_FULL)
		return NIL;
	conditions = join->jointype == JOIN_LEFT ? right : left;
	if (conditions != NIL)
		join->quals = make_and_qual(join->quals, (Node *) make_ands_explicit(conditions));
	return join->jointype == JOIN_LEFT ? left : right;
}

/* Move the policies of a statement and its subqueries. */
static bool
move_policies(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		int			items = 0;

		if (query->commandType != CMD_MERGE && query->jointree != NULL &&
			joins_others(query, (Node *) query->jointree, &items) && items > 1)
		{
			List	   *conditions = take_policies(query, (Node *) query->jointree,
												   *(bool *) context);

			if (conditions != NIL)
				query->jointree->quals =
					make_and_qual(query->jointree->quals,
								  (Node *) make_ands_explicit(conditions));
		}
		return query_tree_walker(query, move_policies, context, 0);
	}
	return expression_tree_walker(node, move_policies, context);
}

/*
 * Make the policies of tables that are joined with others plain conditions.  Citus can make
 * a query of such a table alone, and leaves the numbers of the whole statement in its
 * policies: the server ends.  The shards have the policies, which hold there before any
 * condition.  What is moved only says which shard that is.
 *
 * Raises 0A000 for such a query of Citus whose policies were not moved.
 */
void
casnet_reshape_policies(Query *query)
{
	RangeTblEntry *first = query->rtable == NIL ? NULL : linitial(query->rtable);
	bool		has_local;

	if (!casnet_shard_has_citus() || casnet_shard_is_worker())
		return;
	if (!query->hasRowSecurity && first != NULL && first->securityQuals != NIL &&
		list_length(query->rtable) == 1)
	{
		Relids		tables = pull_varnos(NULL, (Node *) first->securityQuals);

		if (!bms_is_empty(tables) &&
			(bms_membership(tables) != BMS_SINGLETON || !bms_is_member(1, tables)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("Citus cannot join table \"%s\" in this way",
							get_rel_name(first->relid)),
					 errhint("Read the table in a subquery with OFFSET 0, and join that.")));
	}
	if (!query->hasRowSecurity ||
		!casnet_shard_is_about((Node *) query, CASNET_SPREAD_BY_TENANT))
		return;
	has_local = is_about_local((Node *) query, NULL);
	(void) move_policies((Node *) query, &has_local);
}

/*
 * Have a statement that inserts the rows of a query return something, if its table is
 * distributed by tenant.  Returns whether it did; then casnet_reshape_finish() takes that
 * out of the plan.  Changes the statement, which is about to be planned.
 */
bool
casnet_reshape_insert(Query *query)
{
	RangeTblEntry *target;
	ListCell   *lc;
	bool		has_query = false;

	if (query->commandType != CMD_INSERT || query->returningList != NIL ||
		!casnet_shard_has_citus())
		return false;
	target = rt_fetch(query->resultRelation, query->rtable);
	if (casnet_shard_spread(target->relid) != CASNET_SPREAD_BY_TENANT)
		return false;
	foreach(lc, query->rtable)
		has_query |= lfirst_node(RangeTblEntry, lc)->rtekind == RTE_SUBQUERY;
	if (!has_query)
		return false;
	query->returningList =
		list_make1(makeTargetEntry((Expr *) makeConst(INT4OID, -1, InvalidOid, 4,
													  Int32GetDatum(1), false, true),
								   1, pstrdup("?column?"), false));
	return true;
}

/*
 * A value that is assigned, with COALESCE around an element that is taken out of an array.
 * Citus takes that for an assignment to an element, whose value it misses: the server ends.
 */
static Node *
cover_element(Node *value)
{
	if (value == NULL)
		return NULL;
	if (IsA(value, CoerceToDomain))
	{
		CoerceToDomain *domain = (CoerceToDomain *) value;

		domain->arg = (Expr *) cover_element((Node *) domain->arg);
	}
	else if (IsA(value, RelabelType))
	{
		RelabelType *relabeled = (RelabelType *) value;

		relabeled->arg = (Expr *) cover_element((Node *) relabeled->arg);
	}
	else if (IsA(value, FieldStore))
	{
		ListCell   *lc;

		foreach(lc, ((FieldStore *) value)->newvals)
			lfirst(lc) = cover_element(lfirst(lc));
	}
	else if (IsA(value, SubscriptingRef))
	{
		SubscriptingRef *element = (SubscriptingRef *) value;
		CoalesceExpr *cover;

		if (element->refassgnexpr != NULL)
		{
			element->refassgnexpr =
				(Expr *) cover_element((Node *) element->refassgnexpr);
			return value;
		}
		cover = makeNode(CoalesceExpr);
		cover->coalescetype = exprType(value);
		cover->coalescecollid = exprCollation(value);
		cover->args = list_make1(value);
		cover->location = -1;
		return (Node *) cover;
	}
	return value;
}

/* Cover the elements that a list assigns. */
static void
cover_targets(List *targets)
{
	ListCell   *lc;

	foreach(lc, targets)
	{
		TargetEntry *target = lfirst_node(TargetEntry, lc);

		target->expr = (Expr *) cover_element((Node *) target->expr);
	}
}

/*
 * Cover the elements of arrays that a statement and its CTEs assign to columns.  Changes the
 * statement, which is about to be planned on a coordinator.
 */
bool
casnet_reshape_elements(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		if (query->commandType == CMD_UPDATE || query->commandType == CMD_INSERT)
			cover_targets(query->targetList);
		if (query->onConflict != NULL)
			cover_targets(query->onConflict->onConflictSet);
		foreach(lc, query->mergeActionList)
			cover_targets(lfirst_node(MergeAction, lc)->targetList);
		return query_tree_walker(query, casnet_reshape_elements, context, 0);
	}
	return expression_tree_walker(node, casnet_reshape_elements, context);
}

/* Nobody is to receive what the statement returns. */
void
casnet_reshape_finish(PlannedStmt *plan, bool was_reshaped)
{
	if (was_reshaped)
		plan->hasReturning = false;
}

/* DestReceiver: a row, which nobody receives. */
static bool
count_row(TupleTableSlot *slot, DestReceiver *self)
{
	((Counter *) self)->rows++;
	return true;
}

static void
begin_count(DestReceiver *self, int operation, TupleDesc tupdesc)
{
}

static void
end_count(DestReceiver *self)
{
}

/*
 * A statement is about to run, and Citus inserts the rows of a query.  Citus counts the rows
 * of the query, also those that ON CONFLICT leaves out.  So casnet counts what comes back.
 * An error ends the execution with the copy of the plan.
 */
void
casnet_reshape_begin_run(QueryDesc *query, CasnetReshaped *reshaped)
{
	PlannedStmt *plan = query->plannedstmt;
	Counter    *counter;

	reshaped->plan = NULL;
	if (plan->commandType != CMD_INSERT || plan->hasReturning ||
		!IsA(plan->planTree, CustomScan) || plan->planTree->targetlist == NIL ||
		strcmp(((CustomScan *) plan->planTree)->methods->CustomName,
			   "Citus INSERT ... SELECT") != 0)
		return;
	counter = palloc0(sizeof(Counter));
	counter->receiver.receiveSlot = count_row;
	counter->receiver.rStartup = begin_count;
	counter->receiver.rShutdown = end_count;
	counter->receiver.rDestroy = end_count;
	counter->receiver.mydest = DestNone;
	reshaped->plan = plan;
	reshaped->dest = query->dest;
	query->plannedstmt = palloc(sizeof(PlannedStmt));
	*query->plannedstmt = *plan;
	query->plannedstmt->hasReturning = true;
	query->dest = (DestReceiver *) counter;
}

/* It has run. */
void
casnet_reshape_end_run(QueryDesc *query, const CasnetReshaped *reshaped)
{
	if (reshaped->plan == NULL)
		return;
	query->estate->es_processed = ((Counter *) query->dest)->rows;
	query->plannedstmt = reshaped->plan;
	query->dest = reshaped->dest;
}

/* A column of the table that COPY names, or all of them. */
static ResTarget *
make_target(Node *field)
{
	ColumnRef  *column = makeNode(ColumnRef);
	ResTarget  *target = makeNode(ResTarget);

	column->fields = list_make1(field);
	column->location = -1;
	target->val = (Node *) column;
	target->location = -1;
	return target;
}

/* The columns that COPY without a list of columns copies: all but generated ones. */
static List *
all_columns(Oid table)
{
	Relation	relation = table_open(table, AccessShareLock);
	TupleDesc	columns = RelationGetDescr(relation);
	List	   *targets = NIL;

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (!column->attisdropped && column->attgenerated == '\0')
			targets = lappend(targets,
							  make_target((Node *) makeString(pstrdup(NameStr(column->attname)))));
	}
	table_close(relation, AccessShareLock);
	return targets;
}

/* The table of a COPY if Citus distributes it, or InvalidOid. */
static Oid
distributed_table(const CopyStmt *copy)
{
	Oid			table;

	if (copy->relation == NULL || !casnet_shard_has_citus())
		return InvalidOid;
	table = RangeVarGetRelid(copy->relation, NoLock, true);
	return OidIsValid(table) && casnet_shard_spread(table) > CASNET_SPREAD_NOT ?
		table : InvalidOid;
}

/* Whether casnet_reshape_copy() changes the statement. */
bool
casnet_reshape_changes(const Node *statement)
{
	return IsA(statement, CopyStmt) && !((const CopyStmt *) statement)->is_from &&
		OidIsValid(distributed_table((const CopyStmt *) statement));
}

/*
 * Make COPY of a table that Citus distributes COPY of a query.  Changes the statement.
 */
void
casnet_reshape_copy(CopyStmt *copy)
{
	Oid			table = distributed_table(copy);
	SelectStmt *select = makeNode(SelectStmt);
	ListCell   *lc;

	if (copy->attlist == NIL)
		select->targetList = all_columns(table);
	foreach(lc, copy->attlist)
		select->targetList = lappend(select->targetList, make_target(lfirst(lc)));
	copy->relation->inh = true;
	select->fromClause = list_make1(copy->relation);
	copy->relation = NULL;
	copy->attlist = NIL;
	copy->query = (Node *) select;
}

/*
 * Raises 0A000 for COPY into a table that Citus distributes, as the server does for a table
 * with policies.  Citus would ask the shards one after the other.
 */
void
casnet_reshape_refuse(const Node *statement)
{
	const CopyStmt *copy = (const CopyStmt *) statement;
	Oid			table;

	if (!IsA(statement, CopyStmt) || !copy->is_from)
		return;
	table = distributed_table(copy);
	if (OidIsValid(table) &&
		check_enable_rls(table, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("COPY FROM not supported with row-level security"),
				 casnet_shard_spread(table) == CASNET_SPREAD_BY_TENANT ?
				 errhint("Load the rows through the view %s_load.",
						 casnet_owner_name(table)) :
				 errhint("Write the rows by INSERT.")));
}
