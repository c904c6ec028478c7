/*
 * pin.c
 *		The tenant as a constant, in statements on tables that Citus distributes.
 *
 * Citus sends a statement to one node if it knows the tenant while it plans.  So casnet
 * asks for the permissions of the statement's policies then, and puts the tenant in the
 * place of their calls.  Shards have the same policies, which ask again on their node.
 *
 * Such a plan is one tenant's.  Cached plans are made again when the session's user, token
 * or tenant changes (token.c, session.c).  A note in the plan says for which tenant it was
 * made, and an execution for another one is refused.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/uuid.h"

#include "casnet.h"
#include "recheck.h"

/* While the policies of a statement are looked through. */
typedef struct Pinning
{
	Oid			functions[CASNET_NOTED_FUNCTIONS];
	CasnetPinned *pinned;
} Pinning;

/* The tenant of the last plan, and its number, which fits into a note. */
static pg_uuid_t last_tenant;
static int	last_number = 0;

/* The number of the tenant's plans; another tenant has another number. */
static int
number_of(const pg_uuid_t *tenant)
{
	if (last_number == 0 || memcmp(tenant, &last_tenant, UUID_LEN) != 0)
	{
		last_tenant = *tenant;
		last_number = last_number % (CASNET_NO_PARAMETER - 1) + 1;
	}
	return last_number;
}

/* Ask for what a call asks for.  False if the call has to raise by itself. */
static bool
ask(FuncExpr *call, Pinning *pinning)
{
	int			bits[CASNET_MAX_UNITED];
	int			count = casnet_recheck_permissions(call, bits);

	if (count < 0)
		return false;
	pinning->pinned->tenant = casnet_membership_require(count, bits)->key.tenant;
	for (int i = 0; i < count; i++)
		pinning->pinned->permissions = bms_add_member(pinning->pinned->permissions,
													  bits[i]);
	pinning->pinned->number = number_of(&pinning->pinned->tenant);
	return true;
}

/* A condition with the tenant in the place of calls. */
static Node *
pin_condition(Node *node, void *context)
{
	Pinning    *pinning = context;

	if (node == NULL)
		return NULL;
	if (casnet_recheck_policy_call(node, pinning->functions) == 0 &&
		ask((FuncExpr *) node, pinning))
		return (Node *) makeConst(UUIDOID, -1, InvalidOid, UUID_LEN,
								  casnet_uuid_copy(&pinning->pinned->tenant), false, false);
	return expression_tree_mutator(node, pin_condition, context);
}

/* Pin the policies of a statement and its subqueries. */
static bool
pin_queries(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		ListCell   *lc;

		foreach(lc, ((Query *) node)->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			rte->securityQuals = (List *)
				expression_tree_mutator((Node *) rte->securityQuals,
										pin_condition, context);
		}
		return query_tree_walker((Query *) node, pin_queries, context, 0);
	}
	return expression_tree_walker(node, pin_queries, context);
}

/*
 * Put the tenant in the place of the calls of tenant_with(), if the statement is about a
 * table that Citus distributes by tenant.  Changes the statement, which is about to be
 * planned.  Raises what tenant_with() raises.
 */
void
casnet_pin_tenant(Query *query, CasnetPinned *pinned)
{
	Pinning		pinning = {.pinned = pinned};

	memset(pinned, 0, sizeof(CasnetPinned));
	if (!query->hasRowSecurity || !casnet_shard_has_citus() ||
		casnet_shard_is_worker() ||
		!casnet_shard_is_about((Node *) query, CASNET_SPREAD_BY_TENANT) ||
		!casnet_recheck_find_functions(pinning.functions))
		return;
	casnet_token_pins = true;
	(void) pin_queries((Node *) query, &pinning);
}

/*
 * An execution of a plan with that number begins, for that tenant.  Raises 55000 if the plan
 * is another tenant's.
 */
void
casnet_pin_check(int number, const pg_uuid_t *tenant)
{
	if (number == last_number && memcmp(tenant, &last_tenant, UUID_LEN) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the statement was planned for another tenant"),
			 errhint("Change the tenant in a statement of its own.")));
}
