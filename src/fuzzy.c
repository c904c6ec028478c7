/*
 * fuzzy.c
 *		The setting gin_fuzzy_search_limit stays 0.
 *
 * With it a GIN index leaves out rows by chance, as soon as an entry has more of them than
 * the limit.  An entry has the rows of all tenants, so what a search finds would depend on
 * rows that its reader may not see.  Anybody may set it, in the middle of a statement too,
 * so its check hook refuses that; what was set before the library was loaded is undone.
 */
#include "postgres.h"

#include "access/gin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#include "casnet.h"

static GucIntCheckHook previous_check_hook = NULL;

/* GucIntCheckHook: false for a limit that somebody sets; one of a file has no effect. */
static bool
check_limit(int *limit, void **extra, GucSource source)
{
	if (*limit != 0 && source >= PGC_S_INTERACTIVE)
	{
		GUC_check_errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
		GUC_check_errmsg("gin_fuzzy_search_limit stays 0 where casnet is");
		GUC_check_errdetail("What a search leaves out would depend on rows of other tenants.");
		GUC_check_errhint("Use LIMIT.");
		return false;
	}
	*limit = 0;
	return previous_check_hook == NULL ||
		previous_check_hook(limit, extra, source);
}

/* What a rollback brought back of a time before the library was loaded goes again. */
void
casnet_fuzzy_check(void)
{
	if (unlikely(GinFuzzySearchLimit != 0))
		SetConfigOption("gin_fuzzy_search_limit", "0", PGC_SUSET,
						PGC_S_SESSION);
}

void
casnet_fuzzy_init(void)
{
	struct config_int *setting = (struct config_int *)
		casnet_find_setting("gin_fuzzy_search_limit");

	if (setting == NULL || setting->gen.vartype != PGC_INT ||
		setting->variable != &GinFuzzySearchLimit)
		elog(ERROR, "the setting gin_fuzzy_search_limit was not found");
	previous_check_hook = setting->check_hook;
	setting->check_hook = check_limit;
	if (GinFuzzySearchLimit != 0)
		SetConfigOption("gin_fuzzy_search_limit", "0", PGC_SUSET,
						PGC_S_OVERRIDE);
}
