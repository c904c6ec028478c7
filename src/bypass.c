/*
 * bypass.c
 *		The setting casnet.bypass: warns, or refuses, when policies do not apply.
 *
 * Superusers, roles with BYPASSRLS, and the owner of a table without FORCE ROW LEVEL
 * SECURITY see through every policy.  The server does not say so: an application that
 * connects as one of them works, and sees the rows of all tenants.  A database can choose
 * to be warned, or to have such statements refused.
 *
 * Only statements that a session runs as itself are judged.  In a SECURITY DEFINER
 * function, a foreign key's check, a cascade or maintenance, the server has made somebody
 * else the current user on purpose.  row_security = off is on purpose too: pg_dump sets
 * it, and it asks for all rows or an error.  It does not excuse a view whose owner sees
 * through policies.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "replication/walsender.h"
#include "rewrite/rowsecurity.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "casnet.h"

typedef enum Bypass
{
	BYPASS_ALLOW,
	BYPASS_WARN,
	BYPASS_REFUSE
} Bypass;

static const struct config_enum_entry bypass_options[] = {
	{"allow", BYPASS_ALLOW, false},
	{"warn", BYPASS_WARN, false},
	{"refuse", BYPASS_REFUSE, false},
	{NULL, 0, false}
};

static int	bypass = BYPASS_ALLOW;
static ExecutorCheckPerms_hook_type previous_hook = NULL;

/* Whether the table has a policy of casnet. */
static bool
has_our_policy(Oid table)
{
	Relation	relation = table_open(table, NoLock);
	bool		found = false;

	if (relation->rd_rsdesc != NULL)
	{
		ListCell   *lc;

		foreach(lc, relation->rd_rsdesc->policies)
		{
			RowSecurityPolicy *policy = lfirst(lc);

			found = found ||
				casnet_order_calls_ours((Node *) policy->qual, NULL) ||
				casnet_order_calls_ours((Node *) policy->with_check_qual,
										  NULL);
		}
	}
	table_close(relation, NoLock);
	return found;
}

/*
 * Whether the session acts for itself; see the top of the file.  A parallel worker does
 * not: its leader was judged.  Whenever the server switches the user it sets a context,
 * except when an apply worker writes as the table's owner, since 16.
 */
static bool
is_on_its_own_behalf(void)
{
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	return context == 0 && user == GetOuterUserId() && !IsParallelWorker() &&
		!am_walsender;
}

/*
 * ExecutorCheckPerms_hook: warns once, or raises 42501, if the statement uses a table
 * past a policy of casnet.  A view counts as its owner.  If raise is false, returns false
 * instead.  The server asks that way before it checks a new foreign key with one query;
 * on false it checks row by row, as the owner.
 */
static bool
check_bypass(CASNET_CHECK_PERMS_ARGUMENTS)
{
	ListCell   *lc;

	if (previous_hook && !previous_hook(CASNET_CHECK_PERMS_NAMES))
		return false;
	if (bypass == BYPASS_ALLOW || !is_on_its_own_behalf())
		return true;

	foreach(lc, CASNET_CHECK_PERMS_LIST)
	{
		CasnetPermissionInfo *info = lfirst(lc);
		bool		is_view;
		Oid			role;

		/* Not a table of the statement, or a child of one. */
		if (info->requiredPerms == 0)
			continue;
		is_view = OidIsValid(info->checkAsUser) &&
			info->checkAsUser != GetUserId();
		if (!row_security && !is_view)
			continue;
		role = is_view ? info->checkAsUser : GetUserId();
		if (check_enable_rls(info->relid, role, true) != RLS_NONE_ENV ||
			!has_our_policy(info->relid))
			continue;
		if (!raise)
			return false;
		ereport(bypass == BYPASS_WARN ? WARNING : ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the policies of table \"%s\" do not apply to role \"%s\"",
						get_rel_name(info->relid),
						GetUserNameFromId(role, false)),
				 is_view ?
				 errdetail("A view works on the rows of all tenants, as its owner.") :
				 errdetail("The statement works on the rows of all tenants."),
				 is_view ?
				 errhint("Make the view WITH (security_invoker), or give it to a role that sees through no policy.") :
				 errhint("Connect as a member of casnet_user that is no superuser, has no BYPASSRLS and does not own the table. For maintenance, SET row_security = off, or SET casnet.bypass = 'allow'.")));
		break;
	}
	return true;
}

/*
 * A value from before the library was loaded is lost if the role must not set it, or if
 * it is misspelt.  The default then takes its place.  No connection option must undo what
 * the database says, so the default is then to refuse.
 */
void
casnet_bypass_init(void)
{
	bool		was_set = GetConfigOption("casnet.bypass", true, false) != NULL;

	DefineCustomEnumVariable("casnet.bypass",
							 "What happens when a role sees through the policies.",
							 "allow, warn or refuse; for ALTER DATABASE ... SET, with casnet in session_preload_libraries.",
							 &bypass, was_set ? BYPASS_REFUSE : BYPASS_ALLOW,
							 bypass_options, PGC_SUSET, 0, NULL, NULL, NULL);
	previous_hook = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = check_bypass;
}
