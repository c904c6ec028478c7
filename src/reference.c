/*
 * reference.c
 *		References to a row that is deleted, on the nodes of Citus.
 *
 * A task outlives its record and its assignee, and an event its record.  Foreign keys with
 * ON DELETE SET NULL do that on one server.  Citus takes no such key that has the
 * distribution column, so distributed tables have a trigger in its place.  It works on the
 * shards of this node.  A tenant's rows are all on one node, and each node deletes its own
 * copy of a membership.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_clear_references);
PG_FUNCTION_INFO_V1(casnet_is_distributed);
PG_FUNCTION_INFO_V1(casnet_is_worker);

/*
 * Set the column to NULL in the rows of the shard that refer to the key.  Nothing is done
 * when the tenant itself is gone: its rows are about to go, and a row that is changed twice
 * in a transaction is checked against its tenant.
 */
static void
clear(Oid shard, const char *column, const pg_uuid_t *tenant, const pg_uuid_t *key)
{
	Oid			tenants =
		casnet_shard_of_tenant(get_relname_relid("tenants", casnet_schema()), tenant);
	Oid			types[2] = {UUIDOID, UUIDOID};
	Datum		values[2] = {UUIDPGetDatum(tenant), UUIDPGetDatum(key)};
	CasnetOwnerSwitch former;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	casnet_owner_enter(&former, casnet_owner_of(shard));
	if (SPI_execute_with_args(psprintf("UPDATE %s SET %s = NULL"
									   " WHERE tenant_id OPERATOR(pg_catalog.=) $1"
									   " AND %s OPERATOR(pg_catalog.=) $2"
									   " AND EXISTS (SELECT FROM %s AS t"
									   " WHERE t.id OPERATOR(pg_catalog.=) $1)",
									   casnet_owner_name(shard),
									   quote_identifier(column),
									   quote_identifier(column),
									   casnet_owner_name(tenants)),
							  2, types, values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not clear references");
	casnet_owner_leave(&former);
	SPI_finish();
}

/*
 * casnet_internal.clear_references(table, column, key, ...) returns trigger
 *
 * BEFORE DELETE FOR EACH ROW: sets the column of the table in schema casnet to NULL where
 * it refers to the key column of the row, in the tenant of the row.  Takes any number of
 * such triples.  Raises 39P01 when it is called in any other way.
 */
Datum
casnet_clear_references(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "clear_references", true);
	char	  **arguments = trigger->tg_trigger->tgargs;
	Relation	relation = trigger->tg_relation;
	pg_uuid_t	tenant;
	pg_uuid_t	key;

	if (!casnet_trigger_uuid(relation, trigger->tg_trigtuple, "tenant_id", &tenant))
		return PointerGetDatum(trigger->tg_trigtuple);
	for (int i = 0; i + 2 < trigger->tg_trigger->tgnargs; i += 3)
	{
		Oid			table = get_relname_relid(arguments[i], casnet_schema());
		Oid			shard = OidIsValid(table) ?
			casnet_shard_of_tenant(table, &tenant) : InvalidOid;

		if (OidIsValid(shard) &&
			casnet_trigger_uuid(relation, trigger->tg_trigtuple, arguments[i + 2], &key))
			clear(shard, arguments[i + 1], &tenant, &key);
	}
	return PointerGetDatum(trigger->tg_trigtuple);
}

/*
 * casnet_internal.is_distributed() returns boolean
 *
 * Whether Citus distributes the tables of casnet.
 */
Datum
casnet_is_distributed(PG_FUNCTION_ARGS)
{
	Oid			users = get_relname_relid("users", casnet_schema());

	PG_RETURN_BOOL(OidIsValid(users) &&
				   casnet_shard_spread(users) > CASNET_SPREAD_NOT);
}

/*
 * casnet_internal.is_worker() returns boolean
 *
 * Whether this node is a worker of Citus.
 */
Datum
casnet_is_worker(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(casnet_shard_is_worker());
}
