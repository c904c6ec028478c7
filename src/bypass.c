/*
 * bypass.c
 *		The setting casnet.bypass: says it aloud when policies do not apply.
 *
 * Superusers, roles with BYPASSRLS, and the owner of a table without FORCE ROW
 * LEVEL SECURITY see through every policy, and the server does not say so: an
 * application that connects as one of them works, with the rows of all tenants.
 * A database may choose to be warned, or to have such statements refused.
 *
 * Only statements that a session runs as itself are judged.  In a SECURITY
 * DEFINER function, the check of a foreign key, a cascade or maintenance the
 * server has made somebody else the current user, on purpose.  row_security =
 * off is on purpose too: it is what pg_dump sets, and asks for all rows or an
 * error.  It does not excuse a view whose owner sees through policies.
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

/* Whether one of the table's policies, if it is under any, is ours. */
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
 * Whether the session itself is at work; see the top of the file.  A parallel
 * worker is not: its leader was judged.  Who is made somebody else gets a
 * context, but for the owner as whom an apply worker writes, since 16.
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
 * ExecutorCheckPerms_hook: warns once, or raises 42501, when the statement uses
 * a table past a policy of ours; a view counts as its owner.  When asked not to
 * raise, answers no instead: the server asks so before it checks a new foreign
 * key with one query, and then does it row by row as the owner.
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

		/* No table of the statement, or a part of one that is. */
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
 * A value from before the library was loaded that may not be taken, because the
 * role may not set it or it is misspelt, leaves the default behind: so that no
 * connection option undoes what the database says, it refuses then.
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
