/*
 * shard.c
 *		Where the rows are of tables that Citus distributes.
 *
 * Citus leaves a distributed table empty, as a shell, and keeps the rows in shards, plain
 * tables with the name of the shell and a number.  A reference table has one shard, and
 * each node has a copy of it.  The shards of any other table hold a range of hashes of
 * tenant_id each, and each is on one node.  Citus says so in pg_dist_partition and
 * pg_dist_shard, which are in pg_catalog.  Without Citus there is no such table, and casnet
 * looks only once.
 *
 * What casnet knows of a table is kept until a relcache message names the table.  Citus
 * sends one with each change of the shards.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "casnet.h"

/* The most tables that are kept; a database has a few dozens. */
#define MAX_TABLES 1024

/* The class of the locks of Citus on what is in a shard. */
#define CITUS_SHARD_CLASS 5

/* One range of hashes. */
typedef struct Shard
{
	int64		id;
	int32		from;
	int32		to;
} Shard;

/* What Citus says of a table. */
typedef struct Spread
{
	Oid			table;			/* the key */
	CasnetSpread kind;
	int			nshards;
	Shard	   *shards;
} Spread;

PG_FUNCTION_INFO_V1(casnet_refuse_distributed);

static CasnetCache cache = {
	.name = "casnet shards", .key_size = sizeof(Oid),
	.entry_size = sizeof(Spread), .most = MAX_TABLES
};

/* The tables of Citus; looked for again after a message if they are not there. */
static Oid	partitions = InvalidOid;
static bool looked = false;

/* The group of this node, which is 0 unless it is a worker; a node stays what it is. */
static int32 node_group = 0;

/* Moves when what is known of a table can be out of date. */
static uint64 changes = 0;

/* A relcache message.  Never raises. */
static void
forget(Oid relation)
{
	changes++;
	if (!OidIsValid(partitions) || relation == partitions || !OidIsValid(relation))
		looked = false;
	if (cache.entries == NULL)
		return;
	if (!OidIsValid(relation))
	{
		HASH_SEQ_STATUS status;
		Spread	   *entry;

		hash_seq_init(&status, cache.entries);
		while ((entry = hash_seq_search(&status)) != NULL)
			entry->kind = CASNET_SPREAD_UNKNOWN;
	}
	else
	{
		Spread	   *entry = hash_search(cache.entries, &relation, HASH_FIND, NULL);

		if (entry != NULL)
			entry->kind = CASNET_SPREAD_UNKNOWN;
	}
}

void
casnet_shard_init(void)
{
	casnet_news_listen(forget);
}

/* A table of Citus, or InvalidOid. */
static Oid
citus_table(const char *name)
{
	return get_relname_relid(name, PG_CATALOG_NAMESPACE);
}

/* A column of a row of such a table, by its name.  Raises 55000 if it has none. */
static Datum
column_of(Relation relation, HeapTuple tuple, const char *name, bool *isnull)
{
	AttrNumber	number = get_attnum(RelationGetRelid(relation), name);

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s of Citus has no column %s",
						RelationGetRelationName(relation), name),
				 errhint("This version of casnet does not know this version of Citus.")));
	return heap_getattr(tuple, number, RelationGetDescr(relation), isnull);
}

/* The group of workers that this node says it belongs to, or 0. */
static int32
read_group(void)
{
	Oid			table = citus_table("pg_dist_local_group");
	Relation	relation;
	SysScanDesc scan;
	HeapTuple	tuple;
	int32		result = 0;

	if (!OidIsValid(table))
		return 0;
	relation = table_open(table, AccessShareLock);
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Datum		group = column_of(relation, tuple, "groupid", &isnull);

		if (!isnull)
			result = Max(result, DatumGetInt32(group));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/* Whether this database has Citus. */
bool
casnet_shard_has_citus(void)
{
	if (unlikely(!looked))
	{
		/* Before, since a message can arrive meanwhile. */
		looked = true;
		partitions = citus_table("pg_dist_partition");
		if (OidIsValid(partitions))
			node_group = read_group();
	}
	return OidIsValid(partitions);
}

/* Whether this node is a worker, where a coordinator writes. */
bool
casnet_shard_is_worker(void)
{
	return casnet_shard_group() > 0;
}

/* The number of this node's group: 0 on a coordinator, and without Citus. */
int32
casnet_shard_group(void)
{
	return casnet_shard_has_citus() ? node_group : 0;
}

/* Rows of a table of Citus about that table. */
static SysScanDesc
scan_about(Relation relation, Oid table, ScanKeyData *key)
{
	ScanKeyInit(key, get_attnum(RelationGetRelid(relation), "logicalrelid"),
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	return systable_beginscan(relation, InvalidOid, false, NULL, 1, key);
}

/* How Citus spreads the table. */
static CasnetSpread
read_kind(Oid table)
{
	Relation	relation = table_open(partitions, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan = scan_about(relation, table, &key);
	HeapTuple	tuple = systable_getnext(scan);
	CasnetSpread kind = CASNET_SPREAD_NOT;

	if (tuple != NULL)
	{
		bool		isnull;
		char		method = DatumGetChar(column_of(relation, tuple,
													"partmethod", &isnull));
		char		model = DatumGetChar(column_of(relation, tuple,
												   "repmodel", &isnull));

		if (method == 'h')
			kind = CASNET_SPREAD_BY_TENANT;
		else if (method == 'n' && model == 't')
			kind = CASNET_SPREAD_REFERENCE;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return kind;
}

/* The shards of a table, in the current memory context. */
static Shard *
read_shards(Oid table, int *count)
{
	Oid			catalog = citus_table("pg_dist_shard");
	Shard	   *shards = palloc(sizeof(Shard));
	int			room = 1;
	Relation	relation;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	*count = 0;
	if (!OidIsValid(catalog))
		return shards;
	relation = table_open(catalog, AccessShareLock);
	scan = scan_about(relation, table, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Shard	   *shard;
		bool		no_id;
		bool		no_from;
		bool		no_to;
		Datum		from = column_of(relation, tuple, "shardminvalue", &no_from);
		Datum		to = column_of(relation, tuple, "shardmaxvalue", &no_to);

		if (*count == room)
			shards = repalloc(shards, (room *= 2) * sizeof(Shard));
		shard = &shards[(*count)++];
		shard->id = DatumGetInt64(column_of(relation, tuple, "shardid", &no_id));
		shard->from = no_from ? PG_INT32_MIN :
			pg_strtoint32(TextDatumGetCString(from));
		shard->to = no_to ? PG_INT32_MAX : pg_strtoint32(TextDatumGetCString(to));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return shards;
}

/* What is known of the table.  Valid until the next message. */
static Spread *
find_spread(Oid table)
{
	Spread	   *spread = casnet_cache_find(&cache, &table);
	uint64		before = changes;
	CasnetSpread kind;
	Shard	   *shards = NULL;
	int			count = 0;

	if (spread != NULL && spread->kind != CASNET_SPREAD_UNKNOWN)
		return spread;
	kind = read_kind(table);
	if (kind != CASNET_SPREAD_NOT)
		shards = read_shards(table, &count);
	if (spread == NULL && casnet_cache_is_full(&cache))
		casnet_cache_reset(&cache);
	spread = casnet_cache_find(&cache, &table);
	if (spread == NULL)
	{
		spread = casnet_cache_enter(&cache, &table);
		spread->shards = NULL;
	}
	if (spread->shards != NULL)
		pfree(spread->shards);
	spread->shards = NULL;
	spread->nshards = count;
	if (count > 0)
	{
		spread->shards = MemoryContextAlloc(cache.context, count * sizeof(Shard));
		memcpy(spread->shards, shards, count * sizeof(Shard));
	}
	spread->kind = kind;
	/* Used now, and read again next time. */
	if (changes != before)
		changes++;
	return spread;
}

/* How the rows of a table are spread over nodes. */
CasnetSpread
casnet_shard_spread(Oid table)
{
	return casnet_shard_has_citus() ? find_spread(table)->kind : CASNET_SPREAD_NOT;
}

/* Whether this node plans statements about distributed tables. */
bool
casnet_shard_is_coordinator(void)
{
	return casnet_shard_has_citus() && !casnet_shard_is_worker() &&
		casnet_shard_spread(get_relname_relid("records", casnet_schema())) ==
		CASNET_SPREAD_BY_TENANT;
}

/* casnet_shard_is_about(), for each node of the statement. */
static bool
is_about_walker(Node *node, CasnetSpread *least)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		return rte->rtekind == RTE_RELATION &&
			casnet_shard_spread(rte->relid) >= *least;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, is_about_walker, least,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, is_about_walker, least);
}

/* Whether a statement reads or writes a table that is spread at least so far. */
bool
casnet_shard_is_about(Node *statement, CasnetSpread least)
{
	return is_about_walker(statement, &least);
}

/* The table of that shard on this node, or InvalidOid. */
static Oid
shard_table(Oid table, int64 id)
{
	char	   *name = get_rel_name(table);
	char		number[24];

	if (name == NULL)
		return InvalidOid;
	snprintf(number, sizeof(number), "_" INT64_FORMAT, id);
	/* Citus shortens longer names by a digest; no table of casnet has one. */
	if (strlen(name) + strlen(number) >= NAMEDATALEN)
		return InvalidOid;
	return get_relname_relid(psprintf("%s%s", name, number),
							 get_rel_namespace(table));
}

/* The table that Citus keeps in this shard; any other table is its own. */
Oid
casnet_shard_shell(Oid table)
{
	char	   *name;
	char	   *number;
	Oid			shell;
	Spread	   *spread;

	if (!casnet_shard_has_citus() || (name = get_rel_name(table)) == NULL ||
		(number = strrchr(name, '_')) == NULL ||
		strspn(number + 1, "0123456789") != strlen(number + 1))
		return table;
	*number++ = '\0';
	shell = get_relname_relid(name, get_rel_namespace(table));
	if (!OidIsValid(shell))
		return table;
	spread = find_spread(shell);
	for (int i = 0; i < spread->nshards; i++)
		if (spread->shards[i].id == strtoll(number, NULL, 10))
			return shell;
	return table;
}

/*
 * The table with the rows of a table that has all of them on this node: of a reference
 * table the copy, of a plain table itself.  InvalidOid for any other.
 */
Oid
casnet_shard_copy(Oid table)
{
	Spread	   *spread;

	if (!OidIsValid(table) || !casnet_shard_has_citus())
		return table;
	spread = find_spread(table);
	if (spread->kind == CASNET_SPREAD_NOT)
		return table;
	return spread->kind == CASNET_SPREAD_REFERENCE && spread->nshards == 1 ?
		shard_table(table, spread->shards[0].id) : InvalidOid;
}

/* The table with a tenant's rows of a table, or InvalidOid if another node has it. */
Oid
casnet_shard_of_tenant(Oid table, const pg_uuid_t *tenant)
{
	Spread	   *spread;
	int32		hash;

	if (!casnet_shard_has_citus())
		return table;
	spread = find_spread(table);
	if (spread->kind != CASNET_SPREAD_BY_TENANT)
		return casnet_shard_copy(table);
	hash = DatumGetInt32(DirectFunctionCall1(uuid_hash, UUIDPGetDatum(tenant)));
	for (int i = 0; i < spread->nshards; i++)
		if (hash >= spread->shards[i].from && hash <= spread->shards[i].to)
			return shard_table(table, spread->shards[i].id);
	return InvalidOid;
}

/*
 * The lock that Citus takes for a transaction that writes a table of all nodes.  Returns
 * whether the table is one.  The advisory lock functions use only classes 1 and 2.
 */
bool
casnet_shard_copy_lock(Oid table, LOCKTAG *tag)
{
	Spread	   *spread;

	if (!OidIsValid(table) || casnet_shard_spread(table) != CASNET_SPREAD_REFERENCE)
		return false;
	spread = find_spread(table);
	if (spread->nshards != 1)
		return false;
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, (uint32) (spread->shards[0].id >> 32),
						 (uint32) spread->shards[0].id, CITUS_SHARD_CLASS);
	return true;
}

/* Raises 0A000 for a function that does not work while Citus distributes the tables. */
void
casnet_shard_refuse(const char *function)
{
	if (!casnet_shard_has_citus() ||
		casnet_shard_spread(get_relname_relid("users", casnet_schema())) ==
		CASNET_SPREAD_NOT)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("casnet.%s() does not work yet while Citus distributes the tables",
					function),
			 errhint("A superuser can bring the tables back to one node with SELECT casnet.undistribute().")));
}

/* Raises 0A000 on a worker for a function that reads what other nodes have. */
void
casnet_shard_refuse_on_worker(const char *function)
{
	if (casnet_shard_is_worker())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("casnet.%s() cannot be called in this way while Citus distributes the tables",
						function),
				 errhint("Call it with constants, or in a statement of its own.")));
}

/*
 * casnet_internal.refuse_distributed(name text) returns void
 *
 * Raises 0A000 for the function of that name if Citus distributes the tables.
 */
Datum
casnet_refuse_distributed(PG_FUNCTION_ARGS)
{
	casnet_shard_refuse(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}
