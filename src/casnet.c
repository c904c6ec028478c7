/*
 * casnet.c
 *		Entry point of the library: a table of contents of what it sets up.
 *
 * Nothing here needs a preload.  The library is loaded by the first call of one of its
 * functions, or by session_preload_libraries.  Only the counting of failed logins across
 * sessions takes shared_preload_libraries.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "casnet.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

/*
 * Called once per backend, also in each parallel worker.  Every name under
 * "casnet." that is not defined by then is refused from here on.
 */
void
_PG_init(void)
{
	casnet_news_init();
	casnet_shard_init();
	casnet_session_init();
	casnet_token_init();
	casnet_catalog_init();
	casnet_statement_init();
	casnet_judged_init();
	casnet_order_init();
	casnet_index_init();
	casnet_plan_init();
	casnet_owner_init();
	casnet_stranger_init();
	casnet_noforce_init();
	casnet_relay_init();
	casnet_execution_init();
	casnet_utility_init();
	casnet_fuzzy_init();
	casnet_throttle_init();
	casnet_secret_init();
	casnet_load_init();
	casnet_audit_init();
	casnet_bypass_init();

	MarkGUCPrefixReserved("casnet");
}
