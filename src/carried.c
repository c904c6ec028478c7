/*
 * carried.c
 *		A worker of Citus takes the token out of a statement that carries it.
 *
 * A coordinator puts the token of the session into a test for NULL (carry.c).  casnet finds
 * it before the statement is planned, and sets casnet.token for the transaction.  Anybody
 * may set that; the token proves itself.  Then the token is written over in the texts of the
 * statement, which functions such as current_query() show.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/portal.h"

#include "casnet.h"
#include "token.h"

/* The token in such a test, or NULL. */
static char *
token_in(Node *node, NullTestType kind)
{
	NullTest   *test = (NullTest *) node;
	Const	   *value;
	char	   *token;

	if (node == NULL || !IsA(node, NullTest) || test->nulltesttype != kind ||
		!IsA(test->arg, Const))
		return NULL;
	value = (Const *) test->arg;
	if (value->consttype != TEXTOID || value->constisnull)
		return NULL;
	token = TextDatumGetCString(value->constvalue);
	return strncmp(token, CASNET_RELAY_START, strlen(CASNET_RELAY_START)) == 0 ?
		token : NULL;
}

/* Take the token out of the values of a row.  Returns it, or NULL. */
static char *
take_from_values(Query *query)
{
	TargetEntry *carrier = NULL;
	char	   *token = NULL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);
		CaseExpr   *made = (CaseExpr *) entry->expr;
		char	   *found;

		if (!IsA(made, CaseExpr) || made->arg != NULL ||
			list_length(made->args) != 1)
			continue;
		found = token_in((Node *) linitial_node(CaseWhen, made->args)->expr, IS_NULL);
		if (found == NULL)
			continue;
		token = found;
		carrier = entry;
	}
	if (carrier != NULL)
		carrier->expr = ((CaseExpr *) carrier->expr)->defresult;
	return token;
}

/*
 * Take the token out of the conditions.  Returns it, or NULL.  A coordinator adds it as the
 * last one.
 */
static char *
take_from_conditions(Query *query)
{
	List	   *conditions = list_copy(make_ands_implicit((Expr *) query->jointree->quals));
	Node	   *carrier = NULL;
	char	   *token = NULL;
	ListCell   *lc;

	foreach(lc, conditions)
	{
		char	   *found = token_in(lfirst(lc), IS_NOT_NULL);

		if (found == NULL)
			continue;
		token = found;
		carrier = lfirst(lc);
	}
	if (carrier != NULL)
		query->jointree->quals = (Node *)
			make_ands_explicit(list_delete_ptr(conditions, carrier));
	return token;
}

/* Write over the tokens in a text. */
static void
blank(const char *text)
{
	char	   *token = text == NULL ? NULL : (char *) strstr(text, CASNET_RELAY_START);

	while (token != NULL)
	{
		for (; *token != '\0' && *token != '\''; token++)
			*token = '*';
		token = strstr(token, CASNET_RELAY_START);
	}
}

/*
 * A function is about to be executed on a worker, perhaps before the statement is planned:
 * write over the tokens in the text of the statement.
 */
void
casnet_carried_blank_text(void)
{
	blank(debug_query_string);
	if (ActivePortal != NULL)
		blank(ActivePortal->sourceText);
}

/*
 * An execution is about to start, whose functions can read the text of the statement.  On a
 * worker, write over the tokens in it.
 */
void
casnet_carried_blank(const QueryDesc *query)
{
	if (likely(!casnet_shard_is_worker()))
		return;
	blank(query->sourceText);
	casnet_carried_blank_text();
}

/*
 * A statement is about to be planned: if this is a worker and the statement carries a
 * token, the session is the one that the token names, until the end of the transaction.
 * Raises 22023 if it is no token.
 */
void
casnet_carried_take(Query *query, const char *query_string)
{
	char	   *token = NULL;
	const char *tenant;

	if (!casnet_shard_is_worker())
		return;
	if (query->commandType == CMD_INSERT)
		token = take_from_values(query);
	else if (query->jointree != NULL)
		token = take_from_conditions(query);
	if (token == NULL)
		return;
	casnet_token_is_named = true;
	(void) set_config_option("casnet.token", token, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	casnet_token_is_named = false;
	/* The tenant is in the token, too. */
	tenant = GetConfigOption("casnet.tenant_id", true, false);
	if (tenant != NULL && *tenant != '\0')
		(void) set_config_option("casnet.tenant_id", "", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
	explicit_bzero(token, strlen(token));
	blank(query_string);
	blank(debug_query_string);
}
