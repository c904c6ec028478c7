/*
 * policy.c
 *		The functions that policies call: tenant_with(), can() and their kind.
 *
 * Each call site keeps its answer while that is valid.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/inval.h"

#include "casnet.h"

/* What a call site of tenant_with() or can() keeps in fn_extra. */
typedef struct CallSite
{
	uint64		generation;		/* the answer is valid for this generation */
	TimestampTz statement;		/* and this statement of the client */
	int			nbits;			/* the permissions that are asked for */
	int			bits[CASNET_MAX_UNITED];
	bool		holds;			/* what can() answered */
	bool		is_stored;		/* in a policy or view, not in a statement */
	CasnetOpener opener;		/* and for this opener of a cursor */
	bool		has_tenant;
	pg_uuid_t	tenant;			/* what tenant_with() answered first */
} CallSite;

PG_FUNCTION_INFO_V1(casnet_tenant_with);
PG_FUNCTION_INFO_V1(casnet_can);
PG_FUNCTION_INFO_V1(casnet_can_in);
PG_FUNCTION_INFO_V1(casnet_refuse_in);
PG_FUNCTION_INFO_V1(casnet_user_can_in);

/*
 * Whether the argument can differ from row to row: whether it contains anything but
 * constants, parameters of the statement and operations on them.  False for a call
 * outside an expression.
 */
static bool
varies_by_row(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Const:
			return false;
		case T_Param:
			return ((Param *) node)->paramkind != PARAM_EXTERN;
		case T_List:
		case T_FuncExpr:
		case T_OpExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_CollateExpr:
			return expression_tree_walker(node, varies_by_row, context);
		default:
			return true;
	}
}

/*
 * Whether the first argument of this call is a constant; the function must have one.  A
 * parameter does not count, since PL/pgSQL evaluates one expression with many values.
 */
bool
casnet_policy_argument_is_constant(FmgrInfo *flinfo)
{
	FuncExpr   *call = (FuncExpr *) flinfo->fn_expr;

	return call != NULL && IsA(call, FuncExpr) &&
		IsA(linitial(call->args), Const);
}

/*
 * Whether tenant_with() was called as a function of a row.  The server can run a leakproof
 * function on rows that no policy has let through.  So such a call must not depend on its
 * argument, not even by raising an error.
 */
static bool
called_on_rows(FmgrInfo *flinfo)
{
	return varies_by_row(flinfo->fn_expr, NULL);
}

/*
 * Whether the call comes from a stored expression, such as a policy, and so has no
 * location.  Then it belongs to one execution of one query.  A call in the text of a
 * statement can belong to an expression that PL/pgSQL keeps for a transaction.  See
 * casnet_planner_support() for a call that a stored function brings into such an
 * expression.
 */
bool
casnet_policy_call_is_stored(FmgrInfo *flinfo)
{
	FuncExpr   *call = (FuncExpr *) flinfo->fn_expr;

	return call != NULL && IsA(call, FuncExpr) && call->location < 0;
}

/*
 * The call is about to answer for the session.  Raises 55000 when it is in a policy or a
 * view, and the session fetches rows from a cursor that somebody else opened.  Such a
 * condition must not let through rows of two users or tenants.
 */
void
casnet_policy_check_opener(FmgrInfo *flinfo)
{
	const CasnetIdentity *opener = casnet_statement_opener();

	if (unlikely(opener != NULL) && casnet_policy_call_is_stored(flinfo))
		casnet_statement_require_opener(opener);
}

/*
 * Whether the answer kept at this call site is still valid.  Several statements can
 * evaluate an expression that PL/pgSQL keeps, and each rests on the answer; so only stored
 * expressions use a kept one.  An answer about the opener of a cursor is not one about the
 * session, which can ask next.
 */
static inline bool
site_is_fresh(const CallSite *site)
{
	return site != NULL && site->is_stored &&
		site->generation == casnet_generation &&
		site->statement == GetCurrentStatementStartTimestamp() &&
		casnet_statement_opener_is(&site->opener);
}

/*
 * The bits of the argument, which names one permission, or several that unite.c united,
 * separated by commas.  Returns their number.  Raises 22023.
 */
static int
find_bits(FunctionCallInfo fcinfo, int *bits)
{
	text	   *argument = PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0);
	const char *name;
	size_t		left;
	int			n = 0;

	if (argument == NULL)
	{
		bits[0] = casnet_permission_bit_of(NULL);
		return 1;
	}

	name = VARDATA_ANY(argument);
	left = VARSIZE_ANY_EXHDR(argument);
	for (;;)
	{
		const char *comma = n == CASNET_MAX_UNITED - 1 ? NULL :
			memchr(name, ',', left);
		size_t		length = comma == NULL ? left : comma - name;

		bits[n] = casnet_permission_built_in(name, length);
		if (bits[n] < 0)
			bits[n] = casnet_permission_bit(pnstrdup(name, length));
		n++;
		if (comma == NULL)
			return n;
		left -= length + 1;
		name = comma + 1;
	}
}

/*
 * The call site, or a scratch one, which is not kept, if the argument can change.  The
 * executor makes the site anew for each execution.  Processes the messages that arrived
 * since the client's last statement, before the site's first answer.
 */
static CallSite *
prepare_site(FunctionCallInfo fcinfo, CallSite *scratch)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;

	AcceptInvalidationMessages();
	if (site != NULL)
		return site;

	if (casnet_policy_argument_is_constant(fcinfo->flinfo))
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
									  sizeof(CallSite));
		site->is_stored = casnet_policy_call_is_stored(fcinfo->flinfo);
	}
	else
		site = memset(scratch, 0, sizeof(CallSite));
	site->nbits = find_bits(fcinfo, site->bits);
	if (site != scratch)
		fcinfo->flinfo->fn_extra = site;
	return site;
}

/* From now on the site can answer by itself. */
static void
keep_answer(CallSite *site)
{
	if (!casnet_membership_is_cached())
		return;
	site->generation = casnet_generation;
	site->statement = GetCurrentStatementStartTimestamp();
	casnet_statement_note_opener(&site->opener);
}

/* tenant_with() when the call site has no fresh answer. */
static Datum
tenant_with_slow(FunctionCallInfo fcinfo)
{
	CallSite	scratch;
	CallSite   *site;
	const CasnetIdentity *opener = casnet_statement_opener();
	const CasnetVerdict *verdict;
	pg_uuid_t  *result;

	casnet_statement_check();
	if (fcinfo->flinfo->fn_extra == NULL && called_on_rows(fcinfo->flinfo))
		PG_RETURN_NULL();

	site = prepare_site(fcinfo, &scratch);

	/*
	 * A cursor stays with the user and the tenant that opened it, even after the
	 * session has become somebody else.  But the user must still hold the permission.
	 */
	if (site->is_stored && opener != NULL && opener->has_user &&
		opener->has_tenant)
	{
		if (!casnet_statement_opening_asks(site->nbits, site->bits))
			casnet_membership_note_asked(&opener->user, &opener->tenant, 0);
		verdict = casnet_membership_require_of(&opener->user, &opener->tenant,
											   site->nbits, site->bits);
	}
	else
	{
		casnet_policy_check_opener(fcinfo->flinfo);
		verdict = casnet_membership_require(site->nbits, site->bits);
	}

	/*
	 * A scan key can point to the value that we returned before, so a site never
	 * changes its tenant.  If the session changes its tenant during the life of an
	 * expression, it gets copies.
	 */
	if (site != &scratch)
	{
		if (!site->has_tenant)
		{
			site->tenant = verdict->key.tenant;
			site->has_tenant = true;
		}
		if (memcmp(&site->tenant, &verdict->key.tenant,
				   sizeof(pg_uuid_t)) == 0)
		{
			keep_answer(site);
			PG_RETURN_UUID_P(&site->tenant);
		}
	}
	result = palloc(sizeof(pg_uuid_t));
	*result = verdict->key.tenant;
	PG_RETURN_UUID_P(result);
}

/*
 * casnet.tenant_with(permission text) returns uuid
 *
 * The active tenant, if the session's user holds the permission there.  Policies compare
 * tenant_id with it.  Raises 28000 when nobody is signed in, and 55000 when no tenant is
 * active.  Raises 42501 when the user is not a member of it or lacks the permission, and
 * 22023 for an unknown permission.  Returns NULL when the argument is computed from a row.
 */
Datum
casnet_tenant_with(PG_FUNCTION_ARGS)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;

	if (likely(site_is_fresh(site)))
		PG_RETURN_UUID_P(&site->tenant);
	return tenant_with_slow(fcinfo);
}

/*
 * casnet.can(permission text) returns boolean
 *
 * Whether tenant_with() would succeed.  Raises 22023 for an unknown permission, 55000 in a
 * policy when somebody else opened the cursor from which the session fetches.
 */
Datum
casnet_can(PG_FUNCTION_ARGS)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;
	CallSite	scratch;
	const CasnetVerdict *verdict;

	if (site_is_fresh(site))
		PG_RETURN_BOOL(site->holds);

	casnet_policy_check_opener(fcinfo->flinfo);
	site = prepare_site(fcinfo, &scratch);
	verdict = casnet_membership_current();
	site->holds = verdict != NULL;
	for (int i = 0; i < site->nbits && site->holds; i++)
		site->holds = casnet_membership_holds(verdict, site->bits[i]);
	if (verdict != NULL)
		keep_answer(site);
	PG_RETURN_BOOL(site->holds);
}

/*
 * casnet_internal.can_in(tenant_id uuid, permission text) returns boolean
 *
 * Whether the session's user holds the permission in that tenant, active or
 * not; internal.  Raises 22023 for an unknown permission.
 */
Datum
casnet_can_in(PG_FUNCTION_ARGS)
{
	const CasnetVerdict *verdict;
	int			bit;

	AcceptInvalidationMessages();
	bit = casnet_permission_bit_of(PG_ARGISNULL(1) ? NULL :
								   PG_GETARG_TEXT_PP(1));
	verdict = casnet_membership_in(PG_ARGISNULL(0) ? NULL :
								   PG_GETARG_UUID_P(0));
	PG_RETURN_BOOL(verdict != NULL && casnet_membership_holds(verdict, bit));
}

/*
 * casnet_internal.refuse_in(tenant_id uuid, permission text) returns void
 *
 * Raises 42501 if can_in() is false, and says whether only the session's token leaves the
 * permission out; internal.  Raises 22023 for an unknown permission.  The caller knows that
 * the user is a member.
 */
Datum
casnet_refuse_in(PG_FUNCTION_ARGS)
{
	const CasnetVerdict *verdict;
	int			bit;

	AcceptInvalidationMessages();
	bit = casnet_permission_bit_of(PG_GETARG_TEXT_PP(1));
	verdict = casnet_membership_in(PG_GETARG_UUID_P(0));
	if (verdict != NULL && !casnet_membership_holds(verdict, bit))
		casnet_membership_refuse_missing(verdict, bit, false);
	PG_RETURN_VOID();
}

/*
 * casnet_internal.user_can_in(user_id uuid, tenant_id uuid, permission text)
 * returns boolean
 *
 * The same for any user; internal.
 */
Datum
casnet_user_can_in(PG_FUNCTION_ARGS)
{
	int			bit;

	AcceptInvalidationMessages();
	bit = casnet_permission_bit_of(PG_GETARG_TEXT_PP(2));
	PG_RETURN_BOOL(casnet_membership_holds(
		casnet_membership_of(PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1)), bit));
}
