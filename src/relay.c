/*
 * relay.c
 *		Tells workers of Citus whose session sends them a query.
 *
 * A coordinator sends parts of a statement to workers, whose policies ask who the session
 * is.  So before the first such statement of a transaction, casnet has Citus run two
 * commands in the transaction of each worker: SET LOCAL casnet.token, with a token that
 * lives for a minute (relay_key.c), and SET LOCAL casnet.tenant_id.  Citus runs them in
 * connections that it opens later, too.  It forgets them at the end of a subtransaction, so
 * casnet repeats them after each one.
 *
 * Citus takes the text of a statement that sets a local value.  casnet gives it a statement
 * that sets another setting to the value it has.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/plannodes.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "casnet.h"

/* A token is sent again when it lives for no more than that, in seconds. */
#define LEAST_LIFETIME 30

/* The setting that is set to what it is. */
#define SETTING "vacuum_cost_delay"

/* Whether a transaction block was begun for EXPLAIN. */
static bool began_to_show = false;

/* What the workers were told in this subtransaction. */
static bool told = false;
static CasnetIdentity told_identity;
static uint64 told_generation;
static TimestampTz told_until;

/* The rest of the chain of hooks. */
static object_access_hook_type next_hook = NULL;

/* Workers forget, or Citus does. */
static void
forget(void)
{
	told = false;
}

static void
subtransaction_callback(SubXactEvent event, SubTransactionId mySubid,
						SubTransactionId parentSubid, void *arg)
{
	forget();
}

static void
transaction_callback(XactEvent event, void *arg)
{
	began_to_show = false;
	forget();
}

/*
 * Only superusers change that setting of Citus.  Returns whether there is one.
 */
static bool
restrict_setting(const char *name)
{
	struct config_generic *setting = casnet_find_setting(name);

	if (setting == NULL || (setting->flags & GUC_CUSTOM_PLACEHOLDER) != 0)
		return false;
	if (setting->context == PGC_USERSET)
		setting->context = PGC_SUSET;
	return true;
}

/*
 * A function is about to be executed.  Citus calls some on workers as the role of the
 * session, in a text of its own.  Raises 42501 for anybody else's call of these: whoever
 * takes the number of another session's transaction reads the results that Citus keeps for
 * it, whoever locks a shard stops other tenants, and whoever explains a plan sees estimates.
 */
static void
check_function(ObjectAccessType access, Oid class, Oid object, int part, void *arg)
{
	static const char *const calls[][2] = {
		{"assign_distributed_transaction_id", "BEGIN TRANSACTION "},
		{"lock_shard_resources", "SELECT lock_shard_resources("},
		{"lock_shard_metadata", "SELECT lock_shard_metadata("},
		{"worker_last_saved_explain_analyze",
			"SELECT explain_analyze_output, execution_duration, execution_ntuples, "
			"execution_nloops FROM worker_last_saved_explain_analyze()"}
	};
	const char *name;

	if (next_hook != NULL)
		next_hook(access, class, object, part, arg);
	if (access != OAT_FUNCTION_EXECUTE || class != ProcedureRelationId ||
		object < FirstNormalObjectId || !casnet_shard_is_worker() || superuser() ||
		get_func_namespace(object) != PG_CATALOG_NAMESPACE)
		return;
	name = get_func_name(object);
	for (int i = 0; i < lengthof(calls); i++)
		if (strcmp(name, calls[i][0]) == 0 &&
			(debug_query_string == NULL ||
			 strncmp(debug_query_string, calls[i][1], strlen(calls[i][1])) != 0))
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, name);
}

void
casnet_relay_init(void)
{
	/* It sends whole texts of statements to workers. */
	if (restrict_setting("citus.propagate_set_commands"))
	{
		next_hook = object_access_hook;
		object_access_hook = check_function;
	}
	/* It shows the tokens. */
	(void) restrict_setting("citus.log_remote_commands");
	RegisterXactCallback(transaction_callback, NULL);
	RegisterSubXactCallback(subtransaction_callback, NULL);
}

/* Whether a plan is Citus's, or one of a list. */
static bool
asks_workers(Plan *plan)
{
	ListCell   *lc;

	if (plan == NULL)
		return false;
	if (IsA(plan, CustomScan) &&
		strncmp(((CustomScan *) plan)->methods->CustomName, "Citus", 5) == 0)
		return true;
	if (IsA(plan, Append))
		foreach(lc, ((Append *) plan)->appendplans)
			if (asks_workers(lfirst(lc)))
				return true;
	if (IsA(plan, MergeAppend))
		foreach(lc, ((MergeAppend *) plan)->mergeplans)
			if (asks_workers(lfirst(lc)))
				return true;
	if (IsA(plan, SubqueryScan) && asks_workers(((SubqueryScan *) plan)->subplan))
		return true;
	return asks_workers(plan->lefttree) || asks_workers(plan->righttree);
}

/* Whether Citus sends parts of the statement to other nodes. */
bool
casnet_relay_is_needed(const PlannedStmt *plan)
{
	ListCell   *lc;

	if (!casnet_shard_has_citus())
		return false;
	if (asks_workers(plan->planTree))
		return true;
	foreach(lc, plan->subplans)
		if (asks_workers(lfirst(lc)))
			return true;
	return false;
}

/* Have Citus run the commands in the transactions of workers. */
static void
send(const char *commands)
{
	VariableSetStmt *set = makeNode(VariableSetStmt);
	PlannedStmt *statement = makeNode(PlannedStmt);
	int			level = NewGUCNestLevel();

	(void) set_config_option("citus.propagate_set_commands", "local", PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	set->kind = VAR_SET_CURRENT;
	set->name = pstrdup(SETTING);
	set->is_local = true;
	statement->commandType = CMD_UTILITY;
	statement->utilityStmt = (Node *) set;
	statement->stmt_location = -1;
	ProcessUtility(statement, commands, false, PROCESS_UTILITY_SUBCOMMAND, NULL,
				   NULL, None_Receiver, NULL);
	AtEOXact_GUC(false, level);
}

/* The commands that name the session, or nobody. */
static char *
commands_for(const CasnetIdentity *identity, int *seconds)
{
	const pg_uuid_t *user = casnet_session_user();
	const pg_uuid_t *tenant = identity->has_tenant ? &identity->tenant : NULL;
	char	   *token = NULL;

	*seconds = 0;
	if (user != NULL)
		token = casnet_relay_key_token(user, tenant, casnet_token_is_set() ?
									   casnet_token_permissions() : NULL, seconds);
	return psprintf("SET LOCAL casnet.token TO '%s'; SET LOCAL casnet.tenant_id TO '%s';",
					token == NULL ? "" : token,
					token == NULL || tenant == NULL ? "" : casnet_uuid_format(tenant));
}

/*
 * Citus is about to send parts of a statement to workers: say whose it is, unless they
 * know.  Returns whether casnet_relay_end() has to follow.  Raises what Citus does when a
 * worker cannot be reached.
 */
bool
casnet_relay_begin(void)
{
	CasnetIdentity identity;
	bool		began = false;
	char	   *commands;
	int			seconds;
	TimestampTz now = GetCurrentTimestamp();

	casnet_session_identity(&identity);
	if (told ? told_generation == casnet_generation && now < told_until &&
		memcmp(&identity, &told_identity, sizeof(identity)) == 0 :
		!identity.has_user)
		return false;

	/* Citus sends nothing before a statement that is a transaction by itself. */
	if (!IsTransactionBlock())
	{
		BeginImplicitTransactionBlock();
		began = true;
	}
	commands = commands_for(&identity, &seconds);
	send(commands);
	explicit_bzero(commands, strlen(commands));
	told = true;
	told_identity = identity;
	told_generation = casnet_generation;
	told_until = identity.has_user ?
		TimestampTzPlusMilliseconds(now, (seconds - LEAST_LIFETIME) * 1000) : DT_NOEND;
	return began;
}

/* The statement has ended, without an error. */
void
casnet_relay_end(bool began)
{
	if (began)
		EndImplicitTransactionBlock();
}

/* EXPLAIN is about to ask workers for their plans. */
void
casnet_relay_begin_shown(void)
{
	began_to_show |= casnet_relay_begin();
}

/* EXPLAIN has ended, without an error. */
void
casnet_relay_end_shown(void)
{
	casnet_relay_end(began_to_show);
	began_to_show = false;
}
