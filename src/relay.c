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
 * A statement alone carries the token itself (carry.c), and needs no transaction on the
 * worker.  casnet gives the parameters of its plan their values when an execution starts.
 * The token is empty if the session is named in the other way.
 *
 * Citus takes the text of a statement that sets a local value.  casnet gives it a statement
 * that sets another setting to the value it has.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/plannodes.h"
#include "parser/parse_func.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "casnet.h"
#include "token.h"

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

/* Whether workers were told something in this transaction, in whatever way. */
static bool said = false;

/* Whether this session has asked workers, and keeps connections to them. */
static bool asked = false;

/* The last token, until it is made anew. */
static struct
{
	char	   *token;			/* NULL for none */
	CasnetIdentity identity;
	uint64		generation;
	TimestampTz until;
}			kept;

/* The rest of the chain of hooks. */
static emit_log_hook_type next_log_hook = NULL;

/* Workers forget, or Citus does. */
static void
forget(void)
{
	told = false;
	casnet_token_is_named = false;
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
	said = false;
	forget();
}

/*
 * emit_log_hook: a statement that carries a token, or sets it, is not in the log with what
 * went wrong in it.
 */
static void
hide_statement(ErrorData *error)
{
	if (!error->hide_stmt && debug_query_string != NULL &&
		strstr(debug_query_string, CASNET_RELAY_START) != NULL)
		error->hide_stmt = true;
	if (next_log_hook != NULL)
		next_log_hook(error);
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
 * Check hook of standard_conforming_strings.  Citus writes values of parameters into texts as
 * the setting of the coordinator has it, and a worker reads them as its own has it.  If they
 * differ, a value is taken for SQL.
 */
static bool
check_strings(bool *newval, void **extra, GucSource source)
{
	if (*newval || source < PGC_S_GLOBAL)
		return true;
	GUC_check_errcode(ERRCODE_FEATURE_NOT_SUPPORTED);
	GUC_check_errmsg("standard_conforming_strings cannot be off on a server with Citus");
	GUC_check_errhint("Write backslashes that escape in texts as E'...'.");
	return false;
}

/* Have texts read in the same way on all nodes. */
static void
fix_strings(void)
{
	struct config_generic *setting =
		casnet_find_setting("standard_conforming_strings");

	if (setting != NULL && setting->vartype == PGC_BOOL &&
		casnet_bool_setting(setting)->check_hook == NULL)
		casnet_bool_setting(setting)->check_hook = check_strings;
}

void
casnet_relay_init(void)
{
	/* It sends whole texts of statements to workers, and only Citus has it. */
	if (restrict_setting("citus.propagate_set_commands"))
	{
		/* They show the tokens: what is sent, and what a worker logs of it. */
		(void) restrict_setting("citus.log_remote_commands");
		(void) restrict_setting("citus.worker_min_messages");
		casnet_worker_init();
		fix_strings();
		next_log_hook = emit_log_hook;
		emit_log_hook = hide_statement;
	}
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
	bool		result;

	if (!casnet_shard_has_citus())
		return false;
	result = asks_workers(plan->planTree);
	foreach(lc, plan->subplans)
		result = result || asks_workers(lfirst(lc));
	asked |= result;
	return result;
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

/* Forget the last token. */
static void
drop_token(void)
{
	char	   *token = kept.token;

	kept.token = NULL;
	if (token == NULL)
		return;
	explicit_bzero(token, strlen(token));
	pfree(token);
}

/*
 * A token that names the session, or NULL if it proves nobody.  It is good until kept.until
 * at least, and for as long as the session is the same.
 */
static const char *
token_for(const CasnetIdentity *identity)
{
	const pg_uuid_t *user = casnet_session_user();
	TimestampTz now = GetCurrentTimestamp();
	char	   *made;
	int			seconds;

	if (user == NULL)
		return NULL;
	if (kept.token != NULL && kept.generation == casnet_generation &&
		now < kept.until &&
		memcmp(identity, &kept.identity, sizeof(CasnetIdentity)) == 0)
		return kept.token;
	drop_token();
	made = casnet_relay_key_token(user, identity->has_tenant ? &identity->tenant : NULL,
								  casnet_token_is_set() ?
								  casnet_token_permissions() : NULL, &seconds);
	if (made == NULL)
		return NULL;
	kept.token = MemoryContextStrdup(TopMemoryContext, made);
	explicit_bzero(made, strlen(made));
	kept.identity = *identity;
	kept.generation = casnet_generation;
	kept.until = TimestampTzPlusMilliseconds(now, (seconds - LEAST_LIFETIME) * 1000);
	return kept.token;
}

/* The commands that name the session, or nobody. */
static char *
commands_for(const CasnetIdentity *identity)
{
	const char *token = token_for(identity);

	return psprintf("SET LOCAL casnet.token TO '%s'; SET LOCAL casnet.tenant_id TO '%s';",
					token == NULL ? "" : token,
					token == NULL || !identity->has_tenant ? "" :
					casnet_uuid_format(&identity->tenant));
}

/* ErrorContextCallback: no message shows a statement with a token. */
static void
hide_token(void *arg)
{
	MemoryContext before;
	ErrorData  *error;

	/* There is no memory for a copy. */
	if (geterrcode() == ERRCODE_OUT_OF_MEMORY)
		return;
	before = MemoryContextSwitchTo(TopTransactionContext);
	error = CopyErrorData();
	MemoryContextSwitchTo(before);
	if (error->message != NULL && strstr(error->message, CASNET_RELAY_START) != NULL)
		errmsg_internal("a statement for a worker, which is not shown");
	if (error->detail != NULL && strstr(error->detail, CASNET_RELAY_START) != NULL)
		errdetail_internal("It is in a statement for a worker, which is not shown.");
	FreeErrorData(error);
}

/*
 * From now on, messages do not show tokens.  The caller takes the callback off
 * error_context_stack afterwards.
 */
void
casnet_relay_hide_begin(ErrorContextCallback *callback)
{
	callback->callback = hide_token;
	callback->arg = NULL;
	callback->previous = error_context_stack;
	error_context_stack = callback;
}

/*
 * Whether the execution is of a client's statement alone.  Citus takes each of those for a
 * transaction by itself.  Of EXECUTE, the client has sent another text.
 */
static bool
is_alone(const QueryDesc *query)
{
	const char *shown;

	if (IsTransactionBlock() || said || ActivePortal == NULL ||
		debug_query_string == NULL || query->sourceText == NULL ||
		strcmp(query->sourceText, debug_query_string) != 0)
		return false;
	/* With that, it shows the statement in the log, or to the client. */
	shown = GetConfigOption("auto_explain.log_verbose", true, false);
	return shown == NULL || strcmp(shown, "off") == 0;
}

/*
 * An execution is about to start.  If its plan has parameters for a token and a tenant, give
 * them values.  Returns whether the statement carries a token; otherwise
 * casnet_relay_begin() has to name the session.
 */
bool
casnet_relay_carry(QueryDesc *query, const CasnetIdentity *identity,
				   bool explain_only)
{
	int			number = casnet_carry_number(query->plannedstmt);
	const char *token = NULL;

	if (number == 0)
		return false;
	if (!explain_only && is_alone(query))
		token = token_for(identity);
	query->params = casnet_carry_parameters(query->params, number, PARAM_FLAG_CONST,
											token == NULL ? "" : token,
											&identity->tenant);
	said |= token != NULL;
	return token != NULL;
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
	TimestampTz now = GetCurrentTimestamp();

	casnet_session_identity(&identity);
	if (told ? told_generation == casnet_generation && now < told_until &&
		memcmp(&identity, &told_identity, sizeof(identity)) == 0 :
		!identity.has_user && !said)
		return false;

	/* Citus sends nothing before a statement that is a transaction by itself. */
	if (!IsTransactionBlock())
	{
		BeginImplicitTransactionBlock();
		began = true;
	}
	commands = commands_for(&identity);
	send(commands);
	explicit_bzero(commands, strlen(commands));
	told = said = true;
	told_identity = identity;
	told_generation = casnet_generation;
	told_until = !identity.has_user ? DT_NOEND :
		kept.token == NULL ? now : kept.until;
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

/*
 * The session has been cleaned by DISCARD ALL.  What functions have set and made in the
 * sessions of workers would stay for the next user of the connection.  So Citus closes those
 * when the transaction ends, if it is one that Citus takes part in.
 */
void
casnet_relay_discard(void)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Oid			function;

	if (!asked)
		return;
	function = LookupFuncName(list_make2(makeString("pg_catalog"),
										 makeString("create_intermediate_result")),
							  2, types, true);
	if (!OidIsValid(function))
		return;
	(void) set_config_option("citus.max_cached_conns_per_worker", "0", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	(void) OidFunctionCall2(function, CStringGetTextDatum("casnet"),
							CStringGetTextDatum("SELECT 1"));
	asked = false;
}
