/*
 * fuzzy.c
 *		The setting gin_fuzzy_search_limit has no effect.
 *
 * With it a GIN index leaves out rows at random once an entry has more rows than the
 * limit.  An entry has the rows of all tenants, so the result of a search would depend on
 * rows that its reader must not see.  Anybody may change the setting, in the middle of a
 * statement too, by SET, RESET or a rollback.  So casnet points the setting's record to a
 * variable that nobody reads, and the server's own stays 0.
 */
#include "postgres.h"

#include "access/gin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#include "casnet.h"

static int	limit_without_effect;

/* Raises XX000 if the server has no such setting. */
void
casnet_fuzzy_init(void)
{
	struct config_generic *setting =
		casnet_find_setting("gin_fuzzy_search_limit");

	if (setting == NULL || setting->vartype != PGC_INT ||
		casnet_int_setting(setting)->variable != &GinFuzzySearchLimit)
		elog(ERROR, "the setting gin_fuzzy_search_limit was not found");
	limit_without_effect = GinFuzzySearchLimit;
	casnet_int_setting(setting)->variable = &limit_without_effect;
	GinFuzzySearchLimit = 0;
}
