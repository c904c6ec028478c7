/*
 * format.c
 *		Settings under which a value has the same text for everybody.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "casnet.h"

/* search_path is last: it matters where names are looked up. */
static const struct
{
	const char *name;
	const char *value;
}			settings[] = {
	{"extra_float_digits", "1"},
	{"DateStyle", "ISO, YMD"},
	{"TimeZone", "UTC"},
	{"IntervalStyle", "postgres"},
	{"bytea_output", "hex"},
	{"xmlbinary", "base64"},
	{"lc_monetary", "C"},
	{"array_nulls", "on"},
	{"transform_null_equals", "off"},
	{"search_path", "pg_catalog, pg_temp"}
};

/*
 * Fix the settings, so that those of the session do not decide which text a value has.
 * Names say whether that of search_path is fixed, too.  Lasts until the returned level
 * ends, with AtEOXact_GUC().
 */
int
casnet_format_begin(bool names)
{
	int			count = lengthof(settings) - (names ? 0 : 1);
	int			level = NewGUCNestLevel();

	for (int i = 0; i < count; i++)
	{
		const char *value = GetConfigOption(settings[i].name, true, false);

		if (value != NULL && strcmp(value, settings[i].value) != 0)
			(void) set_config_option(settings[i].name, settings[i].value,
									 PGC_SUSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
	}
	return level;
}
