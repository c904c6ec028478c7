/*
 * catalog.c
 *		Finds and reads the tables that decide about access.
 *
 * casnet reads these tables as the server reads its own catalogs: by OID and index, with a
 * snapshot of that moment.  It uses no SPI, and no privileges or policies of whoever asks.
 * It keeps what it found about them (OIDs, column numbers, indexes) until a relcache
 * message says that one of them changed.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "casnet.h"

#define MAX_COLUMNS 9
#define MAX_KEYS 2

typedef struct ColumnDescription
{
	const char *name;
	Oid			type;
} ColumnDescription;

typedef struct TableDescription
{
	const char *name;
	bool		is_internal;
	int			ncolumns;
	ColumnDescription columns[MAX_COLUMNS];
} TableDescription;

typedef struct PathDescription
{
	CasnetTable table;
	int			nkeys;
	int			columns[MAX_KEYS];
} PathDescription;

static const TableDescription tables[CASNET_NUM_TABLES] = {
	[CASNET_USERS] = {"users", false, 6, {{"id", UUIDOID}, {"username", TEXTOID},
	{"is_active", BOOLOID}, {"is_superuser", BOOLOID}, {"email", TEXTOID},
	{"hashed_password", TEXTOID}}},
	[CASNET_TENANTS] = {"tenants", false, 2, {{"id", UUIDOID}, {"name", TEXTOID}}},
	[CASNET_USER_TENANTS] = {"user_tenants", false, 3, {{"user_id", UUIDOID},
	{"tenant_id", UUIDOID}, {"role", TEXTOID}}},
	[CASNET_ROLE_PERMISSIONS] = {"role_permissions", false, 2, {{"role", TEXTOID},
	{"permission", TEXTOID}}},
	[CASNET_USER_TENANT_PERMISSIONS] = {"user_tenant_permissions", false, 3,
		{{"user_id", UUIDOID}, {"tenant_id", UUIDOID},
	{"permission", TEXTOID}}},
	[CASNET_SIGNING_KEYS] = {"signing_keys", true, 7, {{"kid", TEXTOID},
	{"algorithm", TEXTOID}, {"key", BYTEAOID}, {"issuer", TEXTOID},
	{"audience", TEXTOID}, {"retired_at", TIMESTAMPTZOID},
	{"created_at", TIMESTAMPTZOID}}},
	[CASNET_REVOKED_TOKENS] = {"revoked_tokens", true, 4, {{"digest", BYTEAOID},
	{"id", UUIDOID}, {"user_id", UUIDOID}, {"expires_at", TIMESTAMPTZOID}}},
	[CASNET_TOKEN_CUTOFFS] = {"token_cutoffs", true, 5, {{"user_id", UUIDOID},
	{"nonce", INT8OID}, {"issued_before", INT8OID},
	{"spared", BYTEAOID}, {"id", UUIDOID}}},
	[CASNET_ISSUERS] = {"issuers", true, 7, {{"issuer", TEXTOID},
	{"audiences", TEXTARRAYOID}, {"leeway", INT4OID}, {"user_claim", TEXTOID},
	{"trusts_claims", BOOLOID}, {"makes_accounts", BOOLOID},
	{"id", UUIDOID}}},
	[CASNET_ISSUER_KEYS] = {"issuer_keys", true, 4, {{"issuer", TEXTOID},
	{"kid", TEXTOID}, {"algorithm", TEXTOID}, {"key", BYTEAOID}}},
	[CASNET_IDENTITIES] = {"identities", true, 6, {{"issuer_id", UUIDOID},
	{"issuer", TEXTOID}, {"subject", TEXTOID}, {"user_id", UUIDOID},
	{"created_at", TIMESTAMPTZOID}, {"generation", INT8OID}}},
	[CASNET_TAGS] = {"tags", false, 3, {{"tenant_id", UUIDOID}, {"id", UUIDOID},
	{"name", TEXTOID}}},
	[CASNET_PASSWORD_HASHES] = {"password_hashes", true, 4, {{"id", UUIDOID},
	{"user_id", UUIDOID}, {"hash", TEXTOID}, {"replaces", UUIDOID}}},
	[CASNET_INVITATIONS] = {"invitations", true, 9, {{"digest", BYTEAOID},
	{"tenant_id", UUIDOID}, {"email", TEXTOID}, {"role", TEXTOID},
	{"invited_by", UUIDOID}, {"expires_at", TIMESTAMPTZOID},
	{"created_at", TIMESTAMPTZOID}, {"proves_address", BOOLOID},
	{"generation", INT8OID}}},
	[CASNET_SESSIONS] = {"sessions", true, 9, {{"id", UUIDOID},
	{"user_id", UUIDOID}, {"digest", BYTEAOID}, {"made_by", TEXTOID},
	{"generation", INT8OID}, {"expires_at", TIMESTAMPTZOID},
	{"created_at", TIMESTAMPTZOID}, {"name", TEXTOID},
	{"permissions", TEXTARRAYOID}}},
	[CASNET_CODES] = {"codes", true, 7, {{"digest", BYTEAOID}, {"user_id", UUIDOID},
	{"purpose", TEXTOID}, {"email", TEXTOID}, {"expires_at", TIMESTAMPTZOID},
	{"created_at", TIMESTAMPTZOID}, {"account", BYTEAOID}}},
	[CASNET_ROLES] = {"roles", false, 1, {{"name", TEXTOID}}},
	[CASNET_TASKS] = {"tasks", false, 2, {{"tenant_id", UUIDOID},
	{"assignee_id", UUIDOID}}}
};

static const PathDescription paths[] = {
	[CASNET_USER_BY_ID] = {CASNET_USERS, 1, {USERS_ID}},
	[CASNET_TENANT_BY_ID] = {CASNET_TENANTS, 1, {TENANTS_ID}},
	[CASNET_TENANT_BY_NAME] = {CASNET_TENANTS, 1, {TENANTS_NAME}},
	[CASNET_MEMBER] = {CASNET_USER_TENANTS, 2, {USER_TENANTS_USER_ID,
	USER_TENANTS_TENANT_ID}},
	[CASNET_MEMBERS_BY_USER] = {CASNET_USER_TENANTS, 1,
	{USER_TENANTS_USER_ID}},
	[CASNET_MEMBERS_BY_TENANT] = {CASNET_USER_TENANTS, 1,
	{USER_TENANTS_TENANT_ID}},
	[CASNET_MEMBERS_BY_ROLE] = {CASNET_USER_TENANTS, 1, {USER_TENANTS_ROLE}},
	[CASNET_PERMISSIONS_OF_ROLE] = {CASNET_ROLE_PERMISSIONS, 1,
	{ROLE_PERMISSIONS_ROLE}},
	[CASNET_ALL_ROLE_PERMISSIONS] = {CASNET_ROLE_PERMISSIONS, 0, {0}},
	[CASNET_PERMISSIONS_OF_MEMBER] = {CASNET_USER_TENANT_PERMISSIONS, 2,
		{USER_TENANT_PERMISSIONS_USER_ID,
	USER_TENANT_PERMISSIONS_TENANT_ID}},
	[CASNET_KEY_BY_KID] = {CASNET_SIGNING_KEYS, 1, {SIGNING_KEYS_KID}},
	[CASNET_ISSUER] = {CASNET_ISSUERS, 1, {ISSUERS_ISSUER}},
	[CASNET_ISSUER_KEY] = {CASNET_ISSUER_KEYS, 2, {ISSUER_KEYS_ISSUER,
	ISSUER_KEYS_KID}},
	[CASNET_IDENTITY] = {CASNET_IDENTITIES, 2, {IDENTITIES_ISSUER_ID,
	IDENTITIES_SUBJECT}},
	[CASNET_IDENTITIES_OF_USER] = {CASNET_IDENTITIES, 1, {IDENTITIES_USER_ID}},
	[CASNET_IDENTITIES_OF_ISSUER] = {CASNET_IDENTITIES, 1,
	{IDENTITIES_ISSUER_ID}},
	[CASNET_REVOKED_TOKEN] = {CASNET_REVOKED_TOKENS, 1,
	{REVOKED_TOKENS_DIGEST}},
	[CASNET_ALL_SIGNING_KEYS] = {CASNET_SIGNING_KEYS, 0, {0}},
	[CASNET_ALL_ISSUERS] = {CASNET_ISSUERS, 0, {0}},
	[CASNET_REVOCATIONS_OVER] = {CASNET_REVOKED_TOKENS, 1,
	{REVOKED_TOKENS_EXPIRES_AT}},
	[CASNET_CUTOFFS_OF_USER] = {CASNET_TOKEN_CUTOFFS, 1,
	{TOKEN_CUTOFFS_USER_ID}},
	[CASNET_TAG_BY_NAME] = {CASNET_TAGS, 2, {TAGS_TENANT_ID, TAGS_NAME}},
	[CASNET_HASHES_OF_USER] = {CASNET_PASSWORD_HASHES, 1,
	{PASSWORD_HASHES_USER_ID}},
	[CASNET_INVITATION] = {CASNET_INVITATIONS, 1, {INVITATIONS_DIGEST}},
	[CASNET_INVITATIONS_OVER] = {CASNET_INVITATIONS, 1,
	{INVITATIONS_EXPIRES_AT}},
	[CASNET_INVITATIONS_OF_TENANT] = {CASNET_INVITATIONS, 1,
	{INVITATIONS_TENANT_ID}},
	[CASNET_INVITATIONS_BY] = {CASNET_INVITATIONS, 1,
	{INVITATIONS_INVITED_BY}},
	[CASNET_INVITATIONS_TO] = {CASNET_INVITATIONS, 2, {INVITATIONS_EMAIL,
	INVITATIONS_TENANT_ID}},
	[CASNET_ALL_INVITATIONS_TO] = {CASNET_INVITATIONS, 1,
	{INVITATIONS_EMAIL}},
	[CASNET_CODE] = {CASNET_CODES, 1, {CODES_DIGEST}},
	[CASNET_CODES_OF_USER] = {CASNET_CODES, 1, {CODES_USER_ID}},
	[CASNET_SESSION] = {CASNET_SESSIONS, 1, {SESSIONS_ID}},
	[CASNET_SESSIONS_OF_USER] = {CASNET_SESSIONS, 1, {SESSIONS_USER_ID}},
	[CASNET_CODES_OVER] = {CASNET_CODES, 1, {CODES_EXPIRES_AT}},
	[CASNET_ROLE_BY_NAME] = {CASNET_ROLES, 1, {ROLES_NAME}},
	[CASNET_ALL_ROLES] = {CASNET_ROLES, 0, {0}},
	[CASNET_TASKS_OF_MEMBER] = {CASNET_TASKS, 2, {TASKS_TENANT_ID,
	TASKS_ASSIGNEE_ID}},
};

/* How often to try to find tables that change meanwhile. */
#define MAX_ATTEMPTS 10

/* What was found about each table; usable while its element of valid is true. */
static bool valid[CASNET_NUM_TABLES];
static uint64 catalog_changes = 0;	/* messages about the tables themselves */
static Oid	table_oids[CASNET_NUM_TABLES];
static Oid	shell_oids[CASNET_NUM_TABLES];	/* the same, unless Citus distributes the table */
static AttrNumber attribute_numbers[CASNET_NUM_TABLES][MAX_COLUMNS];
static Oid	path_indexes[lengthof(paths)];
static bool path_is_known[lengthof(paths)];

/* The relation's definition can have changed, or that of any if it is InvalidOid. */
static void
forget_table(Oid relation)
{
	for (int i = 0; i < CASNET_NUM_TABLES; i++)
	{
		if (OidIsValid(relation) && table_oids[i] != relation &&
			shell_oids[i] != relation)
			continue;
		valid[i] = false;
		catalog_changes++;
	}
}

void
casnet_catalog_init(void)
{
	casnet_news_listen(forget_table);
}

/* Whether the index is a btree. */
static bool
is_btree(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relam == BTREE_AM_OID;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * A valid, complete btree index of the relation whose first columns are the
 * given ones, or InvalidOid.
 */
static Oid
find_index(Relation relation, int ncolumns, const AttrNumber *columns)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *lc;
	Oid			found = InvalidOid;

	foreach(lc, indexes)
	{
		Oid			index = lfirst_oid(lc);
		HeapTuple	tuple;
		Form_pg_index form;
		bool		matches;

		tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_index) GETSTRUCT(tuple);
		matches = form->indisvalid && form->indnkeyatts >= ncolumns &&
			heap_attisnull(tuple, Anum_pg_index_indpred, NULL) &&
			heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) &&
			is_btree(index);
		for (int i = 0; matches && i < ncolumns; i++)
			matches = form->indkey.values[i] == columns[i];
		ReleaseSysCache(tuple);

		if (matches)
		{
			found = index;
			break;
		}
	}
	list_free(indexes);
	return found;
}

/* The name of a table, with its schema. */
static char *
qualified_name(int table)
{
	return psprintf("%s.%s",
					tables[table].is_internal ? "casnet_internal" : "casnet",
					tables[table].name);
}

/* Find the table.  Raises 55000 when it is missing. */
static void
resolve_table(int table)
{
	Oid			schema = tables[table].is_internal ?
		casnet_schema_internal() : casnet_schema();

	shell_oids[table] = OidIsValid(schema) ?
		get_relname_relid(tables[table].name, schema) : InvalidOid;
	table_oids[table] = casnet_shard_copy(shell_oids[table]);
	casnet_news_watch(table, shell_oids[table], table_oids[table]);
	/* Rows that are on several nodes are read by tenant; see casnet_scan_begin(). */
	if (!OidIsValid(table_oids[table]))
		table_oids[table] = shell_oids[table];
	if (!OidIsValid(table_oids[table]))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s does not exist", qualified_name(table)),
				 errhint("A superuser can make the missing tables with SELECT casnet.install().")));
}

/* Find the columns of a table that is open.  Raises 55000 when one is missing. */
static void
resolve_columns(int table, Relation relation)
{
	for (int j = 0; j < tables[table].ncolumns; j++)
	{
		const ColumnDescription *column = &tables[table].columns[j];
		/* get_attnum() would fill the server's cache of columns one by one. */
		int			number = SPI_fnumber(RelationGetDescr(relation),
										 column->name);

		if (number <= 0 ||
			TupleDescAttr(RelationGetDescr(relation), number - 1)->atttypid
			!= column->type)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s has no column %s of type %s",
							qualified_name(table), column->name,
							format_type_be(column->type)),
					 errhint("casnet needs this column as casnet.install() made it; undo the change.")));
		attribute_numbers[table][j] = number;
	}
}

/* Forget which indexes the table has. */
static void
forget_paths(int table)
{
	for (int p = 0; p < lengthof(paths); p++)
		if (paths[p].table == table)
			path_is_known[p] = false;
}

/* The index that the path uses on its table, which is open, or InvalidOid. */
static Oid
path_index(CasnetPath path, Relation relation)
{
	const PathDescription *description = &paths[path];
	AttrNumber	keys[MAX_KEYS];

	if (path_is_known[path])
		return path_indexes[path];
	for (int k = 0; k < description->nkeys; k++)
		keys[k] = attribute_numbers[description->table][description->columns[k]];
	path_indexes[path] = description->nkeys == 0 ? InvalidOid :
		find_index(relation, description->nkeys, keys);
	path_is_known[path] = true;
	return path_indexes[path];
}

/*
 * Open a table by OID.  An administrator ends those who hold it for too long.  The owner of
 * a protected table can hold tenants, since dropping the key to it locks it.
 */
static Relation
open_table(Oid table, LOCKMODE lock)
{
	casnet_holders_take_table(table, lock);
	return table_open(table, NoLock);
}

/*
 * Find a table and its columns, unless that was done since it last changed.  The tables
 * about users and tenants are found together, and so are those about tokens, and those
 * about other issuers.  Any other table is found alone, so nobody waits for a lock on one
 * that they do not read.  Raises 55000 when a table is missing or not as casnet made it.
 *
 * The result is valid only if all tables were found and no message about one of them
 * arrived while they were opened.  An error on the way, such as a lock timeout, leaves it
 * invalid.  casnet listens to messages about a table's rows once the table is open, which
 * is before it reads any.
 */
static void
resolve(CasnetTable table)
{
	/* The first table of each group; every table from the last one on is one by itself. */
	static const int groups[] = {CASNET_USERS, CASNET_SIGNING_KEYS, CASNET_ISSUERS,
	CASNET_TAGS};
	int			first = table;
	int			last = table;

	for (int i = 0; i + 1 < lengthof(groups); i++)
		if (table >= groups[i] && table < groups[i + 1])
		{
			first = groups[i];
			last = groups[i + 1] - 1;
		}
	for (int attempt = 0; !valid[table] && attempt < MAX_ATTEMPTS; attempt++)
	{
		uint64		changes;

		for (int i = first; i <= last; i++)
			resolve_table(i);
		changes = catalog_changes;
		for (int i = first; i <= last; i++)
		{
			Relation	relation = open_table(table_oids[i],
											  AccessShareLock);

			casnet_news_watch_rows(i, relation);
			resolve_columns(i, relation);
			forget_paths(i);
			table_close(relation, AccessShareLock);
		}
		for (int i = first; i <= last; i++)
			valid[i] = changes == catalog_changes;
	}
}

/*
 * A snapshot of this moment, registered; the caller unregisters it.
 *
 * Under REPEATABLE READ, the transaction's snapshot can be older than a revocation that
 * was already announced.  Parallel workers must not call GetLatestSnapshot().  A catalog
 * snapshot is allowed everywhere, and for a table without a syscache it is always taken
 * anew.  It sees what this transaction did up to the last command.
 *
 * First finds the tables that are read with it, including those about tokens.
 */
Snapshot
casnet_catalog_snapshot(void)
{
	resolve(CASNET_SIGNING_KEYS);
	return casnet_catalog_snapshot_of_rights();
}

/*
 * The same for callers that read no table about tokens.  The policies and triggers of
 * those tables are a third of what a connection builds for its first query.
 */
Snapshot
casnet_catalog_snapshot_of_rights(void)
{
	resolve(CASNET_USERS);
	AcceptInvalidationMessages();
	return RegisterSnapshot(GetCatalogSnapshot(table_oids[CASNET_USERS]));
}

/*
 * Find the tables about other issuers, before a snapshot to read them with.  No connection
 * that has no token of theirs needs them.
 */
void
casnet_catalog_find_issuers(void)
{
	resolve(CASNET_ISSUERS);
}

/* The same for the table of sessions, which tokens of programs need. */
void
casnet_catalog_find_sessions(void)
{
	resolve(CASNET_SESSIONS);
}

/*
 * The same snapshot without what this transaction has changed: it sees what others have
 * committed.  It lives as long as the one that is given.
 */
SnapshotData
casnet_catalog_snapshot_of_others(Snapshot snapshot)
{
	SnapshotData others = *snapshot;

	others.curcid = FirstCommandId;
	return others;
}

/*
 * Begin to read tables with one snapshot of this moment.  It is taken after the locks,
 * since a wait for a lock would make it old.
 */
Snapshot
casnet_reading_begin(CasnetReading *reading, int count,
					 const CasnetTable *wanted)
{
	reading->count = count;
	for (int i = 0; i < count; i++)
	{
		resolve(wanted[i]);
		reading->relations[i] = open_table(table_oids[wanted[i]],
										   AccessShareLock);
	}
	reading->snapshot = casnet_catalog_snapshot();
	return reading->snapshot;
}

void
casnet_reading_end(CasnetReading *reading)
{
	UnregisterSnapshot(reading->snapshot);
	for (int i = 0; i < reading->count; i++)
		table_close(reading->relations[i], AccessShareLock);
}

/* The function of = for a type that keys of paths have, of < for times. */
static RegProcedure
comparison_function(Oid type)
{
	switch (type)
	{
		case UUIDOID:
			return F_UUID_EQ;
		case BYTEAOID:
			return F_BYTEAEQ;
		case TIMESTAMPTZOID:
			return F_TIMESTAMPTZ_LT;
		default:
			return F_TEXTEQ;
	}
}

/*
 * Begin to read one of the tables.  A key is a uuid, text or bytea, or a time before which
 * the rows lie.  A key that the path does not have is ignored.
 */
void
casnet_scan_begin(CasnetScan *scan, CasnetPath path, Snapshot snapshot,
				  Datum key1, Datum key2)
{
	const PathDescription *description = &paths[path];
	Datum		values[MAX_KEYS] = {key1, key2};
	ScanKeyData keys[MAX_KEYS];
	Oid			index;

	scan->table = description->table;
	resolve(scan->table);
	scan->relation = open_table(table_oids[scan->table], AccessShareLock);

	/* Opening it can bring the news that it has changed. */
	resolve(scan->table);

	for (int i = 0; i < description->nkeys; i++)
	{
		int			column = description->columns[i];
		AttrNumber	number = attribute_numbers[scan->table][column];
		Form_pg_attribute attribute =
			TupleDescAttr(RelationGetDescr(scan->relation), number - 1);

		ScanKeyEntryInitialize(&keys[i], 0, number,
							   attribute->atttypid == TIMESTAMPTZOID ?
							   BTLessStrategyNumber : BTEqualStrategyNumber,
							   InvalidOid, attribute->attcollation,
							   comparison_function(attribute->atttypid),
							   values[i]);
	}
	index = path_index(path, scan->relation);
	scan->scan = systable_beginscan(scan->relation, index, OidIsValid(index),
									snapshot, description->nkeys, keys);
}

/* The next row, or NULL; valid until the next call. */
HeapTuple
casnet_scan_next(CasnetScan *scan)
{
	return systable_getnext(scan->scan);
}

/* A column of the row, by the number that casnet.h gives it. */
Datum
casnet_scan_value(CasnetScan *scan, HeapTuple tuple, int column, bool *isnull)
{
	return heap_getattr(tuple, attribute_numbers[scan->table][column],
						RelationGetDescr(scan->relation), isnull);
}

void
casnet_scan_end(CasnetScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
}

/*
 * One text column of the user or tenant with the given id, or NULL when there
 * is no such row.
 */
char *
casnet_catalog_name(CasnetPath path, const pg_uuid_t *id, int column,
					Snapshot snapshot)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	char	   *name = NULL;

	casnet_scan_begin(&scan, path, snapshot, UUIDPGetDatum(id), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;
		Datum		value = casnet_scan_value(&scan, tuple, column, &isnull);

		if (!isnull)
			name = TextDatumGetCString(value);
	}
	casnet_scan_end(&scan);
	return name;
}

/* Open one of the tables; the lock is held to the end of the transaction. */
Relation
casnet_catalog_open(CasnetTable table, LOCKMODE lock)
{
	Relation	relation;

	resolve(table);
	relation = open_table(table_oids[table], lock);
	/* Opening it can bring the news that it has changed. */
	resolve(table);
	return relation;
}

/* Whether the relation is that table. */
bool
casnet_catalog_is(CasnetTable table, Relation relation)
{
	resolve(table);
	return RelationGetRelid(relation) == table_oids[table];
}

/* Put values into a slot of the table, which is open, by the numbers of casnet.h. */
void
casnet_catalog_fill(CasnetTable table, TupleTableSlot *slot,
					const Datum *values, const bool *isnull)
{
	for (int i = 0; i < tables[table].ncolumns; i++)
	{
		AttrNumber	number = attribute_numbers[table][i];

		slot->tts_values[number - 1] = values[i];
		slot->tts_isnull[number - 1] = isnull[i];
	}
}

/* Whether the snapshot sees the tenant. */
bool
casnet_catalog_has_tenant(const pg_uuid_t *tenant, Snapshot snapshot)
{
	CasnetScan	scan;
	bool		exists;

	casnet_scan_begin(&scan, CASNET_TENANT_BY_ID, snapshot,
					  UUIDPGetDatum(tenant), (Datum) 0);
	exists = casnet_scan_next(&scan) != NULL;
	casnet_scan_end(&scan);
	return exists;
}

/* Whether a snapshot of this moment sees the tenant. */
bool
casnet_catalog_tenant_exists(const pg_uuid_t *tenant)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	bool		exists = casnet_catalog_has_tenant(tenant, snapshot);

	UnregisterSnapshot(snapshot);
	return exists;
}

/*
 * Until casnet_catalog_end_quiet(), the server's statistics do not count reads.  Everybody
 * sees these counts, and what is read depends on the account.  An error ends it too.  Writes
 * have to be counted, or nothing would vacuum the table.
 */
int
casnet_catalog_begin_quiet(void)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("track_counts", "off", PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

void
casnet_catalog_end_quiet(int level)
{
	AtEOXact_GUC(true, level);
}
