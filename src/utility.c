/*
 * utility.c
 *		casnet's only ProcessUtility_hook, for statements without a plan.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "tcop/utility.h"

#include "casnet.h"

static ProcessUtility_hook_type previous_hook = NULL;

/* Whether the statement writes rows without a plan. */
static bool
writes_rows(const Node *statement)
{
	return IsA(statement, TruncateStmt) ||
		(IsA(statement, CopyStmt) && ((const CopyStmt *) statement)->is_from);
}

/* Hand over to the next hook, or the server. */
static void
execute_next(const CasnetUtility *utility)
{
	ProcessUtility_hook_type next = previous_hook ? previous_hook :
		standard_ProcessUtility;

	next(utility->statement, utility->query_string, utility->read_only_tree,
		 utility->context, utility->params, utility->environment,
		 utility->receiver, utility->completion);
}

/* The same for a statement that writes, with its identity noted. */
static void
execute_writing(const CasnetUtility *utility)
{
	CasnetIdentity identity;

	casnet_session_identity(&identity);
	casnet_statement_begin(&identity, &identity);
	PG_TRY();
	{
		execute_next(utility);
	}
	PG_FINALLY();
	{
		casnet_statement_end(&identity);
	}
	PG_END_TRY();
}

/*
 * Execute a statement after the checks: note code of others, check SET CONSTRAINTS and
 * locks.
 */
static void
execute_checked(const CasnetUtility *given)
{
	CasnetUtility utility = *given;

	casnet_owner_begun();
	casnet_security_notice_others();
	casnet_owner_check_statement(utility.statement->utilityStmt);
	if (utility.read_only_tree &&
		casnet_lock_changes_statement(utility.statement->utilityStmt))
	{
		utility.statement = copyObject(utility.statement);
		utility.read_only_tree = false;
	}
	casnet_lock_check_statement(utility.statement->utilityStmt);
	if (likely(!writes_rows(utility.statement->utilityStmt)))
		execute_next(&utility);
	else
		execute_writing(&utility);
}

/* ProcessUtility_hook: a utility statement is about to be executed. */
static void
process_utility(PlannedStmt *statement, const char *query_string,
				bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment,
				DestReceiver *receiver, QueryCompletion *completion)
{
	const CasnetUtility utility = {
		statement, query_string, read_only_tree, context, params, environment,
		receiver, completion
	};

	if (IsA(statement->utilityStmt, ExplainStmt))
		casnet_explain_execute(&utility, execute_checked);
	else
		execute_checked(&utility);
}

void
casnet_utility_init(void)
{
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
