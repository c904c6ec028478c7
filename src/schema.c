/*-------------------------------------------------------------------------
 *
 * schema.c
 *		The schemas of casnet: "casnet" shows what applications and administrators
 *		use, "casnet_internal" has the machinery and the tables that only functions
 *		read.
 *
 * Their OIDs are kept until a row of pg_namespace changes.  If a lookup is interrupted,
 * or a row changes during it, nothing is kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "casnet.h"

static Oid	api = InvalidOid;
static Oid	internal = InvalidOid;
static bool is_kept = false;
static uint64 changes = 0;

/* Syscache callback: a schema was created, renamed or dropped. */
static void
forget(Datum argument, int cache, uint32 hash)
{
	is_kept = false;
	changes++;
}

static void
find_schemas(void)
{
	static bool is_registered = false;
	uint64		before;

	if (likely(is_kept))
		return;
	if (!is_registered)
	{
		CacheRegisterSyscacheCallback(NAMESPACEOID, forget, (Datum) 0);
		is_registered = true;
	}
	before = changes;
	api = get_namespace_oid("casnet", true);
	internal = get_namespace_oid("casnet_internal", true);
	is_kept = before == changes;
}

/* Schema "casnet"; InvalidOid if there is none. */
Oid
casnet_schema(void)
{
	find_schemas();
	return api;
}

/* Schema "casnet_internal"; InvalidOid if there is none. */
Oid
casnet_schema_internal(void)
{
	find_schemas();
	return internal;
}

/* Whether the schema is casnet's. */
bool
casnet_schema_is_ours(Oid schema)
{
	find_schemas();
	return OidIsValid(schema) && (schema == api || schema == internal);
}

/* Whether the function is in one of casnet's schemas. */
bool
casnet_schema_has_function(Oid function)
{
	return casnet_schema_is_ours(get_func_namespace(function));
}
