/*
 * estimate.c
 *		Who sees the planner's estimates.
 *
 * Estimates follow the statistics of all tenants; see explain.c.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"

#include "casnet.h"

/* Whether the role sees only the shape of a plan. */
bool
casnet_estimate_is_restricted(Oid role)
{
	Oid			admin = get_role_oid("casnet_admin", true);

	return !superuser_arg(role) &&
		!(OidIsValid(admin) && has_privs_of_role(role, admin)) &&
		!has_privs_of_role(role, ROLE_PG_READ_ALL_STATS);
}

/*
 * debug_print_plan shows what EXPLAIN hides from most roles.  Turns it off for this plan,
 * whatever it reads, and for later plans of the transaction.
 */
void
casnet_estimate_hide(void)
{
	if (likely(!Debug_print_plan) ||
		!OidIsValid(casnet_schema()) ||
		!casnet_estimate_is_restricted(GetOuterUserId()))
		return;
	ereport(NOTICE,
			(errmsg("debug_print_plan is turned off, since it would show estimates for protected tables"),
			 errhint("Members of casnet_admin and of pg_read_all_stats may use it.")));
	SetConfigOption("debug_print_plan", "off", PGC_USERSET, PGC_S_SESSION);
}
