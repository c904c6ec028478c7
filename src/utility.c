/*
 * utility.c
 *		casnet's only ProcessUtility_hook, for statements without a plan.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/portal.h"

#include "casnet.h"

static ProcessUtility_hook_type previous_hook = NULL;

/* Whether the statement writes rows without a plan. */
static bool
writes_rows(const Node *statement)
{
	return IsA(statement, TruncateStmt) ||
		(IsA(statement, CopyStmt) && ((const CopyStmt *) statement)->is_from);
}

/* Whether the statement cleans the session. */
static bool
discards_all(const Node *statement)
{
	return IsA(statement, DiscardStmt) &&
		((const DiscardStmt *) statement)->target == DISCARD_ALL;
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
	ErrorContextCallback *outer = error_context_stack;
	ErrorContextCallback callback;
	ErrorContextCallback hints;

	casnet_session_identity(&identity);
	casnet_hint_begin(&hints);
	casnet_copy_begin(utility->statement->utilityStmt, &callback);
	casnet_statement_begin(&identity, &identity);
	PG_TRY();
	{
		execute_next(utility);
	}
	PG_FINALLY();
	{
		casnet_statement_end(&identity);
		error_context_stack = outer;
	}
	PG_END_TRY();
}

/* Execute what makes objects, as a superuser of Citus; see worker.c. */
static void
execute_making(const CasnetUtility *utility)
{
	if (!casnet_worker_begin_making(utility->statement->utilityStmt))
	{
		execute_next(utility);
		return;
	}
	PG_TRY();
	{
		execute_next(utility);
	}
	PG_FINALLY();
	{
		casnet_worker_end_making();
	}
	PG_END_TRY();
}

/*
 * The same for ALTER TABLE.  It can let the server compare all rows with those that they
 * refer to.  As the owner of a table with forced policies, the server would compare the
 * rows that the policies show, and then note that the key holds for all.  So the policies
 * do not bind owners meanwhile; an owner could switch them off by the same command.
 */
static void
execute_altering(const CasnetUtility *utility)
{
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(user, context | SECURITY_NOFORCE_RLS);
	execute_making(utility);
	/* After an error the server restores it.  The statement can have changed the role. */
	if ((context & SECURITY_NOFORCE_RLS) == 0)
	{
		GetUserIdAndSecContext(&user, &context);
		SetUserIdAndSecContext(user, context & ~SECURITY_NOFORCE_RLS);
	}
}

/* Whether the statement is one of the client's, which a coordinator is on a worker. */
static bool
is_of_client(const PlannedStmt *statement)
{
	return ActivePortal != NULL && list_member_ptr(ActivePortal->stmts, statement);
}

/* Execute SET, by which a coordinator of Citus can name the session. */
static void
execute_setting(const CasnetUtility *utility, bool names)
{
	casnet_token_is_named = names;
	execute_next(utility);
	casnet_token_is_named = false;
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
	casnet_noforce_check_utility();
	if (utility.read_only_tree &&
		casnet_lock_changes_statement(utility.statement->utilityStmt))
	{
		utility.statement = copyObject(utility.statement);
		utility.read_only_tree = false;
	}
	casnet_lock_check_statement(utility.statement->utilityStmt);
	casnet_reshape_refuse(utility.statement->utilityStmt);
	if (casnet_reshape_changes(utility.statement->utilityStmt))
	{
		utility.statement = copyObject(utility.statement);
		utility.read_only_tree = false;
		casnet_reshape_copy((CopyStmt *) utility.statement->utilityStmt);
	}
	if (IsA(utility.statement->utilityStmt, AlterTableStmt))
		execute_altering(&utility);
	else if (IsA(utility.statement->utilityStmt, VariableSetStmt))
		execute_setting(&utility, is_of_client(given->statement));
	else if (unlikely(writes_rows(utility.statement->utilityStmt)))
		execute_writing(&utility);
	else
		execute_making(&utility);
	if (discards_all(given->statement->utilityStmt))
		casnet_relay_discard();
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
	{
		casnet_explain_check_guard((ExplainStmt *) statement->utilityStmt);
		casnet_explain_execute(&utility, execute_checked);
		casnet_relay_end_shown();
	}
	else
		execute_checked(&utility);
}

void
casnet_utility_init(void)
{
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
