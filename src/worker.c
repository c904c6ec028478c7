/*
 * worker.c
 *		What code of others may do on the nodes of Citus.
 *
 * A function of an application also runs on a worker, within a statement that the
 * coordinator sends there.  The worker knows whose session it is, and the policies hold.
 * But a worker's copy of a table that every node has is written by the coordinator alone.
 * And the texts from the coordinator name the session, by tokens that nobody may read.
 *
 * Citus makes objects on workers as a superuser if others depend on them.  The server
 * evaluates checks of domains while it parses such a command.  So nobody else's functions
 * are called then.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "casnet.h"

/* The rest of the chain of hooks. */
static object_access_hook_type next_hook = NULL;

/* How many statements that make objects are in progress, as a superuser of Citus. */
static int	making = 0;

/*
 * Citus calls some functions on workers as the role of the session, in a text of its own.
 * Raises 42501 for anybody else's call of these: whoever takes the number of another
 * session's transaction reads the results that Citus keeps for it, whoever locks a shard
 * stops other tenants, whoever explains a plan sees estimates, and whoever fetches results
 * has the server connect to any host.
 */
static void
check_call(Oid function)
{
	static const char *const calls[][2] = {
		{"assign_distributed_transaction_id", "BEGIN TRANSACTION "},
		{"lock_shard_resources", "SELECT lock_shard_resources("},
		{"lock_shard_metadata", "SELECT lock_shard_metadata("},
		{"fetch_intermediate_results",
			"SELECT bytes FROM fetch_intermediate_results("},
		{"worker_last_saved_explain_analyze",
			"SELECT explain_analyze_output, execution_duration, execution_ntuples, "
			"execution_nloops FROM worker_last_saved_explain_analyze()"}
	};
	const char *name;

	if (superuser() || get_func_namespace(function) != PG_CATALOG_NAMESPACE)
		return;
	name = get_func_name(function);
	for (int i = 0; i < lengthof(calls); i++)
		if (strcmp(name, calls[i][0]) == 0 &&
			(debug_query_string == NULL ||
			 strncmp(debug_query_string, calls[i][1], strlen(calls[i][1])) != 0))
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, name);
}

/*
 * A function is about to be executed.  It can run before the statement is planned, in a
 * check of a domain, and must not read the tokens in the text even then.
 */
static void
check_function(ObjectAccessType access, Oid class, Oid object, int part, void *arg)
{
	if (next_hook != NULL)
		next_hook(access, class, object, part, arg);
	if (access != OAT_FUNCTION_EXECUTE || class != ProcedureRelationId)
		return;
	if (unlikely(making > 0) && superuser() &&
		casnet_stranger_owns_function(object, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function %s() would run as a superuser while Citus makes an object",
						get_func_name(object)),
				 errhint("Create what the object needs with citus.enable_ddl_propagation on, and call no function in constants.")));
	if (!casnet_shard_is_worker())
		return;
	casnet_carried_blank_text();
	if (object >= FirstNormalObjectId)
		check_call(object);
}

/* Whether a statement makes or changes objects, and calls functions for nothing else. */
static bool
makes_objects(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CallStmt:
		case T_DoStmt:
		case T_ExecuteStmt:
		case T_ExplainStmt:
		case T_CopyStmt:
		case T_DeclareCursorStmt:
		case T_FetchStmt:
		case T_CreateTableAsStmt:
		case T_RefreshMatViewStmt:
		case T_VariableSetStmt:
		case T_TransactionStmt:
			return false;
		default:
			return true;
	}
}

/*
 * A statement without a plan is about to be executed.  Returns whether Citus makes an object
 * by it as a superuser; then casnet_worker_end_making() has to follow, also after an error.
 */
bool
casnet_worker_begin_making(const Node *statement)
{
	if (!casnet_shard_has_citus() || application_name == NULL ||
		strncmp(application_name, "citus_", strlen("citus_")) != 0 ||
		!superuser() || !makes_objects(statement))
		return false;
	making++;
	return true;
}

void
casnet_worker_end_making(void)
{
	making--;
}

/* Whether the role owns the table. */
static bool
is_owner(Oid table, Oid role)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->relowner == role;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* Raises 42501 if the entry is a copy of a table that all nodes have. */
static void
check_entry(const PlannedStmt *plan, Index entry)
{
	Oid			table = rt_fetch(entry, plan->rtable)->relid;

	if (casnet_shard_spread(casnet_shard_shell(table)) != CASNET_SPREAD_REFERENCE ||
		is_owner(table, GetUserId()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("a function cannot write or lock one node's copy of table \"%s\"",
					get_rel_name(casnet_shard_shell(table))),
			 errhint("Do that in a statement of its own, on the coordinator.")));
}

/*
 * An execution is about to start.  On a worker, raises 42501 if a function writes or locks
 * rows of a table that every node has a copy of.  The other copies would differ, and no
 * entry of the audit would say so.  Foreign keys do it as the owner of the table.
 */
void
casnet_worker_check_start(const QueryDesc *query)
{
	const PlannedStmt *plan = query->plannedstmt;
	ListCell   *lc;

	if (!casnet_shard_is_worker() ||
		(casnet_written_entries(plan) == NULL && plan->rowMarks == NIL) || superuser() ||
		(debug_query_string != NULL && query->sourceText != NULL &&
		 strcmp(debug_query_string, query->sourceText) == 0))
		return;
	for (int i = 1; i <= list_length(plan->rtable); i++)
		if (casnet_is_written(plan, i))
			check_entry(plan, i);
	foreach(lc, plan->rowMarks)
	{
		PlanRowMark *mark = lfirst_node(PlanRowMark, lc);

		if (!mark->isParent && RowMarkRequiresRowShareLock(mark->markType))
			check_entry(plan, mark->rti);
	}
}

/* To be called only where Citus is loaded. */
void
casnet_worker_init(void)
{
	next_hook = object_access_hook;
	object_access_hook = check_function;
}
