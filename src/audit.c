/*
 * audit.c
 *		Who changed what: one entry for each row written to an audited table.
 *
 * casnet.record_change() is the trigger that casnet.enable_audit() attaches.
 * It is a row trigger, not one with transition tables, because those do not
 * see a statement that names a partition.  It makes the entry, and the entries
 * of a statement are put into the partition of casnet.audit_entries and its
 * indexes together, by and by and when the statement is over.  No SQL runs for
 * it, so no privilege, policy or trigger is in the way, and no role needs a
 * privilege on the table.  What cannot be recorded is not written: every error
 * here undoes the change.
 *
 * Who: AFTER triggers run when the statement is over, and what a statement
 * returns may have changed the session by then (RETURNING casnet.sign_out()).
 * So the executor's hooks remember how the session was when the statement
 * began, and a change that another user would answer for is refused.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "replication/logicalworker.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "casnet.h"

/* The columns of casnet.audit_entries. */
enum
{
	ENTRY_AT, ENTRY_ID, ENTRY_TENANT_ID, ENTRY_TRANSACTION_ID, ENTRY_USER_ID,
	ENTRY_SESSION_ROLE, ENTRY_ROLE, ENTRY_RELATION, ENTRY_ROW_KEY,
	ENTRY_ACTION, ENTRY_BEFORE, ENTRY_AFTER, ENTRY_COLUMNS
};

static const struct
{
	const char *name;
	Oid			type;
}			entry_columns[ENTRY_COLUMNS] = {
	[ENTRY_AT] = {"at", TIMESTAMPTZOID},
	[ENTRY_ID] = {"id", UUIDOID},
	[ENTRY_TENANT_ID] = {"tenant_id", UUIDOID},
	[ENTRY_TRANSACTION_ID] = {"transaction_id", INT8OID},
	[ENTRY_USER_ID] = {"user_id", UUIDOID},
	[ENTRY_SESSION_ROLE] = {"session_role", TEXTOID},
	[ENTRY_ROLE] = {"role", TEXTOID},
	[ENTRY_RELATION] = {"relation", TEXTOID},
	[ENTRY_ROW_KEY] = {"row_key", JSONBOID},
	[ENTRY_ACTION] = {"action", TEXTOID},
	[ENTRY_BEFORE] = {"before", JSONBOID},
	[ENTRY_AFTER] = {"after", JSONBOID}
};

/* Columns of these names are never recorded, in whatever table. */
static const char *const secret_names[] = {
	"digest", "hashed_password", "passwd", "password", "password_hash",
	"secret"
};

/* What becomes of a column. */
typedef enum ColumnUse
{
	USE_RECORD,
	USE_STAMP,					/* updated_at: not when a row is updated */
	USE_SECRET,					/* only that something changed */
	USE_NOTHING					/* dropped, generated or excepted */
} ColumnUse;

typedef struct AuditedColumn
{
	ColumnUse	use;
	bool		is_key;
	bool		byval;
	int16		length;
	Oid			type;			/* base type */
	int			number;			/* in the table, from 0 */
	JsonbValue	name;
	FmgrInfo   *to_jsonb;		/* for types without a short cut */
} AuditedColumn;

/* What is known of an audited table; lives as long as the statement. */
typedef struct AuditedTable
{
	char	   *name;			/* of the table that people know, quoted */
	int			tenant;			/* column with the tenant, or 0 */
	int			ncolumns;
	AuditedColumn columns[FLEXIBLE_ARRAY_MEMBER];	/* as jsonb sorts them */
} AuditedTable;

/* How the session was when a statement began. */
typedef struct Statement
{
	struct Statement *next;
	QueryDesc  *query;
	uint64		user_changes;
	Oid			role;
	MemoryContextCallback callback;
} Statement;

/* So many entries are put into the table together, or so many bytes. */
#define MAX_ENTRIES 200
#define MAX_BYTES (256 * 1024)

/* Most statements write few rows: room for so many entries at first. */
#define FIRST_ENTRIES 4

/* What happened to one row; the jsonb are 0 for NULL. */
typedef struct Entry
{
	TimestampTz at;
	pg_uuid_t	id;
	pg_uuid_t	tenant;
	bool		has_tenant;
	const char *relation;
	const char *action;
	Datum		row_key;
	Datum		before;
	Datum		after;
} Entry;

/* Entries that wait to be written, and what they have in common. */
typedef struct Batch
{
	MemoryContext context;		/* of the entries' values */
	bool		has_user;
	pg_uuid_t	user;
	Datum		session_role;
	Datum		role;
	int			count;
	int			room;
	Entry	   *entries;
} Batch;

/* A statement whose AFTER triggers are running. */
typedef struct Finish
{
	const Statement *statement; /* NULL if its beginning was not seen */
	MemoryContext context;		/* of the statement */
	Batch	   *batch;
} Finish;

/* Statements under way that write, the innermost first. */
static Statement *statements = NULL;

/* The innermost one that is at its end; NULL for COPY and TRUNCATE. */
static Finish *finishing = NULL;

/* The statement that loaded the library, for want of a hook. */
static Statement loading;
static TimestampTz loading_start = 0;

/* The partition that was written last, and where its columns are. */
static Oid	known_partition = InvalidOid;
static AttrNumber entry_numbers[ENTRY_COLUMNS];

/* Entries may be deleted while this is above zero. */
static int	removals_under_way = 0;

static ExecutorStart_hook_type previous_start_hook = NULL;
static ExecutorFinish_hook_type previous_finish_hook = NULL;

PG_FUNCTION_INFO_V1(casnet_record_change);
PG_FUNCTION_INFO_V1(casnet_refuse_audit_change);
PG_FUNCTION_INFO_V1(casnet_remove_audit_entries);

static void write_batch(Batch *batch);

/* The memory of a statement goes, however it ended. */
static void
forget_statement(void *arg)
{
	Statement **link = &statements;

	while (*link != NULL && *link != arg)
		link = &(*link)->next;
	if (*link != NULL)
		*link = (*link)->next;
}

/* ExecutorStart_hook: remember who begins a statement that writes. */
static void
note_start(QueryDesc *query, int eflags)
{
	uint64		user_changes = casnet_user_changes;
	Oid			role = GetOuterUserId();
	Statement  *statement;

	if (previous_start_hook)
		previous_start_hook(query, eflags);
	else
		standard_ExecutorStart(query, eflags);

	if (query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE)
		return;
	statement = MemoryContextAlloc(query->estate->es_query_cxt,
								   sizeof(Statement));
	statement->query = query;
	statement->user_changes = user_changes;
	statement->role = role;
	statement->callback.func = forget_statement;
	statement->callback.arg = statement;
	statement->next = statements;
	statements = statement;
	MemoryContextRegisterResetCallback(query->estate->es_query_cxt,
									   &statement->callback);
}

/*
 * ExecutorFinish_hook: the AFTER triggers of a statement run in here, and leave
 * their entries for us.
 */
static void
note_finish(QueryDesc *query)
{
	Finish	   *outer = finishing;
	const Statement *statement = statements;
	Finish		finish;

	while (statement != NULL && statement->query != query)
		statement = statement->next;
	if (statement == NULL &&
		loading_start == GetCurrentStatementStartTimestamp())
		statement = &loading;
	finish.statement = statement;
	finish.context = query->estate->es_query_cxt;
	finish.batch = NULL;
	finishing = &finish;
	PG_TRY();
	{
		if (previous_finish_hook)
			previous_finish_hook(query);
		else
			standard_ExecutorFinish(query);
		if (finish.batch != NULL)
			write_batch(finish.batch);
	}
	PG_FINALLY();
	{
		finishing = outer;
	}
	PG_END_TRY();
}

/* A relcache message: what is known of the partition may be out of date. */
static void
relcache_callback(Datum arg, Oid relation)
{
	if (relation == known_partition || !OidIsValid(relation))
		known_partition = InvalidOid;
}

/*
 * After the settings were defined.  A statement may be under way that began
 * before there was a hook; this is as near to its beginning as we get, and
 * nothing of ours has run yet.
 */
void
casnet_audit_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
	{
		loading.user_changes = casnet_user_changes;
		loading.role = GetOuterUserId();
		loading_start = GetCurrentStatementStartTimestamp();
	}

	previous_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = note_start;
	previous_finish_hook = ExecutorFinish_hook;
	ExecutorFinish_hook = note_finish;
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
}

/*
 * Raises 55000 when the session has become somebody else, or has another role,
 * since the statement began whose rows are recorded.
 */
static void
check_same_session(void)
{
	if (finishing == NULL || finishing->statement == NULL)
		return;
	if (finishing->statement->user_changes != casnet_user_changes ||
		finishing->statement->role != GetOuterUserId())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the user of the session changed while a statement wrote to an audited table"),
				 errhint("Sign in, sign out or change the role in a statement of its own.")));
}

/* Whether columns of that name are kept secret. */
static bool
is_secret(const char *name)
{
	for (int i = 0; i < lengthof(secret_names); i++)
		if (strcmp(name, secret_names[i]) == 0)
			return true;
	return false;
}

/* Mark the columns of the primary key; raises 55000 when there is none. */
static void
find_key(Relation relation, AuditedTable *table)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *lc;
	bool		found = false;

	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_index) GETSTRUCT(tuple);
		for (int i = 0; form->indisprimary && i < form->indnkeyatts; i++)
		{
			table->columns[form->indkey.values[i] - 1].is_key = true;
			found = true;
		}
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("audited table %s has no primary key", table->name),
				 errhint("Add a primary key, or end the audit with casnet.disable_audit().")));
}

/*
 * The column with the tenant: tenant_id, and of tenants themselves id; 0 for
 * the tables about accounts and roles.  Raises 55000 for any other table.
 */
static int
find_tenant(Relation relation, const char *name)
{
	TupleDesc	tupdesc = RelationGetDescr(relation);
	const char *relname = RelationGetRelationName(relation);
	const char *wanted = "tenant_id";

	if (RelationGetNamespace(relation) == get_namespace_oid("casnet", true))
	{
		if (strcmp(relname, "users") == 0 ||
			strcmp(relname, "role_permissions") == 0)
			return 0;
		if (strcmp(relname, "tenants") == 0)
			wanted = "id";
	}
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tupdesc, i);

		if (!attribute->attisdropped && attribute->atttypid == UUIDOID &&
			strcmp(NameStr(attribute->attname), wanted) == 0)
			return i + 1;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("audited table %s has no column tenant_id of type uuid",
					name),
			 errhint("Add the column, or end the audit with casnet.disable_audit().")));
}

/* Qualified name of the table, or of the one that it is a partition of. */
static char *
name_of(Relation relation)
{
	Oid			table = RelationGetRelid(relation);

	if (relation->rd_rel->relispartition)
		table = llast_oid(get_partition_ancestors(table));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
}

/* How a value of a type without a short cut becomes JSON. */
static FmgrInfo *
converter_of(Form_pg_attribute attribute)
{
	FmgrInfo   *function = palloc(sizeof(FmgrInfo));
	Const	   *argument = makeNullConst(attribute->atttypid,
										 attribute->atttypmod,
										 attribute->attcollation);

	fmgr_info(F_TO_JSONB, function);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
											 list_make1(argument), InvalidOid,
											 InvalidOid, COERCE_EXPLICIT_CALL),
					   function);
	return function;
}

/* Whether add_value() knows the type without asking to_jsonb(). */
static bool
has_short_cut(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case TEXTOID:
		case VARCHAROID:
		case UUIDOID:
		case TIMESTAMPTZOID:
		case JSONBOID:
			return true;
		default:
			return false;
	}
}

/* The order that the members of an object have in jsonb. */
static int
compare_columns(const void *a, const void *b)
{
	const JsonbValue *left = &((const AuditedColumn *) a)->name;
	const JsonbValue *right = &((const AuditedColumn *) b)->name;

	if (left->val.string.len != right->val.string.len)
		return left->val.string.len > right->val.string.len ? 1 : -1;
	return memcmp(left->val.string.val, right->val.string.val,
				  left->val.string.len);
}

/*
 * What there is to know about the audited table, in the given context; the
 * arguments of the trigger are the excepted columns.  Raises 55000 when one of
 * them is missing: under its new name it would be recorded.
 */
static AuditedTable *
describe_table(Relation relation, Trigger *trigger, MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	TupleDesc	tupdesc = RelationGetDescr(relation);
	AuditedTable *table = palloc0(offsetof(AuditedTable, columns) +
								  tupdesc->natts * sizeof(AuditedColumn));

	table->name = name_of(relation);
	table->tenant = find_tenant(relation, table->name);
	table->ncolumns = tupdesc->natts;
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tupdesc, i);
		AuditedColumn *column = &table->columns[i];
		char	   *name = NameStr(attribute->attname);

		column->number = i;
		column->byval = attribute->attbyval;
		column->length = attribute->attlen;
		column->name.type = jbvString;
		column->name.val.string.val = pstrdup(name);
		column->name.val.string.len = strlen(name);
		if (attribute->attisdropped || attribute->attgenerated)
		{
			column->use = USE_NOTHING;
			continue;
		}
		column->use = is_secret(name) ? USE_SECRET :
			strcmp(name, "updated_at") == 0 ? USE_STAMP : USE_RECORD;
		column->type = getBaseType(attribute->atttypid);
		if (!has_short_cut(column->type))
			column->to_jsonb = converter_of(attribute);
	}
	for (int i = 0; i < trigger->tgnargs; i++)
	{
		int			number = SPI_fnumber(tupdesc, trigger->tgargs[i]);

		if (number <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("audited table %s has no column \"%s\", which is not to be recorded",
							table->name, trigger->tgargs[i]),
					 errhint("Call casnet.enable_audit() again with the columns that are not to be recorded.")));
		table->columns[number - 1].use = USE_NOTHING;
	}
	find_key(relation, table);
	qsort(table->columns, table->ncolumns, sizeof(AuditedColumn),
		  compare_columns);
	MemoryContextSwitchTo(oldcontext);
	return table;
}

/* A jsonb as the value of a member. */
static void
unpack(Jsonb *jsonb, JsonbValue *json)
{
	JsonbParseState *state = NULL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue *whole = NULL;

	if (JsonbExtractScalar(&jsonb->root, json))
		return;
	iterator = JsonbIteratorInit(&jsonb->root);
	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
		whole = pushJsonbValue(&state, token,
							   token < WJB_BEGIN_ARRAY ? &value : NULL);
	*json = *whole;
}

/* Add a member with the value to the object, which has room for it. */
static void
add_value(JsonbValue *object, AuditedColumn *column, Datum value, bool isnull)
{
	JsonbPair  *pair = &object->val.object.pairs[object->val.object.nPairs++];
	JsonbValue *json = &pair->value;
	text	   *string;
	int			utc = 0;

	pair->key = column->name;
	pair->order = 0;
	if (isnull)
	{
		json->type = jbvNull;
		return;
	}

	json->type = jbvString;
	switch (column->type)
	{
		case BOOLOID:
			json->type = jbvBool;
			json->val.boolean = DatumGetBool(value);
			break;
		case INT2OID:
			json->type = jbvNumeric;
			json->val.numeric = int64_to_numeric(DatumGetInt16(value));
			break;
		case INT4OID:
			json->type = jbvNumeric;
			json->val.numeric = int64_to_numeric(DatumGetInt32(value));
			break;
		case INT8OID:
			json->type = jbvNumeric;
			json->val.numeric = int64_to_numeric(DatumGetInt64(value));
			break;
		case TEXTOID:
		case VARCHAROID:
			string = DatumGetTextPP(value);
			json->val.string.val = VARDATA_ANY(string);
			json->val.string.len = VARSIZE_ANY_EXHDR(string);
			break;
		case UUIDOID:
			json->val.string.val = casnet_uuid_format(DatumGetUUIDP(value));
			json->val.string.len = strlen(json->val.string.val);
			break;
		case TIMESTAMPTZOID:
			/* In UTC, whatever the session's time zone. */
			json->val.string.val = palloc(MAXDATELEN + 1);
			JsonEncodeDateTime(json->val.string.val, value, TIMESTAMPTZOID,
							   &utc);
			json->val.string.len = strlen(json->val.string.val);
			break;
		case JSONBOID:
			unpack(DatumGetJsonbP(value), json);
			break;
		default:
			unpack(DatumGetJsonbP(FunctionCall1(column->to_jsonb, value)),
				   json);
			break;
	}
}

/* Make the value an empty object with room for all columns. */
static void
begin_object(AuditedTable *table, JsonbValue *object)
{
	object->type = jbvObject;
	object->val.object.nPairs = 0;
	object->val.object.pairs = palloc(table->ncolumns * sizeof(JsonbPair));
}

/* The whole row, or its key only, without what is not to be recorded. */
static Datum
row_object(AuditedTable *table, TupleTableSlot *row, bool key_only)
{
	JsonbValue	object;

	begin_object(table, &object);
	for (int i = 0; i < table->ncolumns; i++)
	{
		AuditedColumn *column = &table->columns[i];

		if (column->use > USE_STAMP || (key_only && !column->is_key))
			continue;
		add_value(&object, column, row->tts_values[column->number],
				  row->tts_isnull[column->number]);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(&object));
}

/*
 * Whether two values are the same, byte for byte.  An unchanged value out of
 * line is known by its pointer and not fetched.
 */
static bool
is_same(AuditedColumn *column, Datum a, bool a_null, Datum b, bool b_null)
{
	if (a_null || b_null)
		return a_null && b_null;
	if (column->length == -1 &&
		VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(a)) &&
		VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(b)) &&
		memcmp(DatumGetPointer(a), DatumGetPointer(b),
			   VARSIZE_EXTERNAL(DatumGetPointer(a))) == 0)
		return true;
	return datum_image_eq(a, b, column->byval, column->length);
}

/*
 * What an update changed, before and after; false when nothing did that is to
 * be recorded.  A change of secrets alone leaves two empty objects.
 */
static bool
changed_objects(AuditedTable *table, TupleTableSlot *old, TupleTableSlot *new,
				Datum *before, Datum *after)
{
	JsonbValue	before_object;
	JsonbValue	after_object;
	bool		changed = false;

	begin_object(table, &before_object);
	begin_object(table, &after_object);
	for (int i = 0; i < table->ncolumns; i++)
	{
		AuditedColumn *column = &table->columns[i];
		int			n = column->number;

		if (column->use == USE_NOTHING || column->use == USE_STAMP ||
			is_same(column, old->tts_values[n], old->tts_isnull[n],
					new->tts_values[n], new->tts_isnull[n]))
			continue;
		changed = true;
		if (column->use == USE_SECRET)
			continue;
		add_value(&before_object, column, old->tts_values[n],
				  old->tts_isnull[n]);
		add_value(&after_object, column, new->tts_values[n],
				  new->tts_isnull[n]);
	}
	if (!changed)
		return false;
	*before = JsonbPGetDatum(JsonbValueToJsonb(&before_object));
	*after = JsonbPGetDatum(JsonbValueToJsonb(&after_object));
	return true;
}

/* Raises 55000: the tables are not as casnet.install() makes them. */
static void
refuse_table(const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the audit cannot record the change"),
			 errdetail_internal("%s", problem),
			 errhint("A superuser can make what is missing with SELECT casnet.install().")));
}

/*
 * The partition of the table that takes entries of that time, or InvalidOid.
 */
static Oid
find_partition(Relation parent, TimestampTz at)
{
	PartitionKey key = RelationGetPartitionKey(parent);
	PartitionDesc partitions = RelationGetPartitionDesc(parent, true);
	Datum		value = TimestampTzGetDatum(at);
	bool		equal = false;
	int			index;

	if (key->strategy != PARTITION_STRATEGY_RANGE || key->partnatts != 1 ||
		key->parttypid[0] != TIMESTAMPTZOID)
		refuse_table("A table of the audit is not partitioned by range of a time.");
	if (partitions->nparts == 0)
		return InvalidOid;
	index = partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
										  partitions->boundinfo, 1, &value,
										  &equal);
	index = partitions->boundinfo->indexes[index + 1];
	if (index < 0)
		index = partitions->boundinfo->default_index;
	return index < 0 ? InvalidOid : partitions->oids[index];
}

/*
 * Open the table that takes an entry of that time; locks are kept to the end
 * of the transaction.  Also sets *parent to the table that it is a partition
 * of, which the caller closes too.  Raises 55000 when there is none.
 *
 * While we wait for the lock on a default partition, another one may be
 * attached that takes the entry instead, so look again.
 */
static Relation
open_partition(TimestampTz at, Relation *parent)
{
	Oid			namespace = get_namespace_oid("casnet", true);
	Oid			oid = OidIsValid(namespace) ?
		get_relname_relid("audit_entries", namespace) : InvalidOid;
	Relation	relation;

	if (!OidIsValid(oid))
		refuse_table("Table casnet.audit_entries does not exist.");
	relation = table_open(oid, RowExclusiveLock);
	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		refuse_table("Table casnet.audit_entries is not partitioned.");
	*parent = NULL;
	while (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		Relation	partition;

		oid = find_partition(relation, at);
		if (!OidIsValid(oid))
			refuse_table("No partition of casnet.audit_entries is for this time.");
		partition = table_open(oid, RowExclusiveLock);
		if (find_partition(relation, at) != oid)
		{
			table_close(partition, NoLock);
			continue;
		}
		if (*parent != NULL)
			table_close(*parent, NoLock);
		*parent = relation;
		relation = partition;
	}
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		refuse_table("A partition of casnet.audit_entries is no table.");
	return relation;
}

/* Find the columns of an entry; raises 55000 when one is missing. */
static void
find_entry_columns(Relation partition)
{
	if (RelationGetRelid(partition) == known_partition)
		return;
	for (int i = 0; i < ENTRY_COLUMNS; i++)
	{
		int			number = SPI_fnumber(RelationGetDescr(partition),
										 entry_columns[i].name);

		if (number <= 0 ||
			TupleDescAttr(RelationGetDescr(partition), number - 1)->atttypid !=
			entry_columns[i].type)
			refuse_table(psprintf("Table casnet.audit_entries has no column %s of type %s.",
								  entry_columns[i].name,
								  format_type_be(entry_columns[i].type)));
		entry_numbers[i] = number;
	}
	known_partition = RelationGetRelid(partition);
}

/* Fill a slot of the partition with the entry. */
static void
fill_slot(TupleTableSlot *slot, Batch *batch, Entry *entry)
{
	Datum		values[ENTRY_COLUMNS] = {0};
	bool		isnull[ENTRY_COLUMNS] = {0};

	values[ENTRY_AT] = TimestampTzGetDatum(entry->at);
	values[ENTRY_ID] = UUIDPGetDatum(&entry->id);
	values[ENTRY_TENANT_ID] = UUIDPGetDatum(&entry->tenant);
	values[ENTRY_TRANSACTION_ID] =
		Int64GetDatum((int64) U64FromFullTransactionId(GetTopFullTransactionId()));
	values[ENTRY_USER_ID] = UUIDPGetDatum(&batch->user);
	values[ENTRY_SESSION_ROLE] = batch->session_role;
	values[ENTRY_ROLE] = batch->role;
	values[ENTRY_RELATION] = CStringGetTextDatum(entry->relation);
	values[ENTRY_ROW_KEY] = entry->row_key;
	values[ENTRY_ACTION] = CStringGetTextDatum(entry->action);
	values[ENTRY_BEFORE] = entry->before;
	values[ENTRY_AFTER] = entry->after;
	isnull[ENTRY_TENANT_ID] = !entry->has_tenant;
	isnull[ENTRY_USER_ID] = !batch->has_user;
	isnull[ENTRY_ROW_KEY] = entry->row_key == (Datum) 0;
	isnull[ENTRY_BEFORE] = entry->before == (Datum) 0;
	isnull[ENTRY_AFTER] = entry->after == (Datum) 0;

	ExecClearTuple(slot);
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
	{
		slot->tts_values[i] = (Datum) 0;
		slot->tts_isnull[i] = true;
	}
	for (int i = 0; i < ENTRY_COLUMNS; i++)
	{
		slot->tts_values[entry_numbers[i] - 1] = values[i];
		slot->tts_isnull[entry_numbers[i] - 1] = isnull[i];
	}
	ExecStoreVirtualTuple(slot);
}

/*
 * Put entries from the given one on into the table for its time and into the
 * indexes, as many as belong there; returns how many.
 */
static int
write_entries(Batch *batch, int first)
{
	Relation	parent;
	Relation	partition = open_partition(batch->entries[first].at, &parent);
	EState	   *estate = CreateExecutorState();
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);
	ResultRelInfo *target = makeNode(ResultRelInfo);
	TupleTableSlot **slots;
	int			count = 0;

	find_entry_columns(partition);
	InitResultRelInfo(target, partition, 0, NULL, 0);
	ExecOpenIndices(target, false);

	slots = palloc((batch->count - first) * sizeof(TupleTableSlot *));
	while (first + count < batch->count)
	{
		/* A table within a month knows its own part of the time only. */
		if (count > 0 &&
			(parent->rd_rel->relispartition ||
			 find_partition(parent, batch->entries[first + count].at) !=
			 RelationGetRelid(partition)))
			break;
		slots[count] = ExecInitExtraTupleSlot(estate,
											  RelationGetDescr(partition),
											  table_slot_callbacks(partition));
		fill_slot(slots[count], batch, &batch->entries[first + count]);
		if (RelationGetDescr(partition)->constr != NULL)
			ExecConstraints(target, slots[count], estate);
		count++;
	}

	if (count == 1)
		table_tuple_insert(partition, slots[0], GetCurrentCommandId(true), 0,
						   NULL);
	else
		table_multi_insert(partition, slots, count, GetCurrentCommandId(true),
						   0, NULL);
	for (int i = 0; target->ri_NumIndices > 0 && i < count; i++)
	{
		casnet_insert_index_tuples(target, slots[i], estate);
		ResetPerTupleExprContext(estate);
	}

	ExecCloseIndices(target);
	ExecResetTupleTable(estate->es_tupleTable, false);
	MemoryContextSwitchTo(oldcontext);
	FreeExecutorState(estate);
	table_close(partition, NoLock);
	table_close(parent, NoLock);
	return count;
}

/* Write all entries; the batch is empty then. */
static void
write_batch(Batch *batch)
{
	for (int first = 0; first < batch->count;)
		first += write_entries(batch, first);
	batch->count = 0;
	MemoryContextReset(batch->context);
}

/* The name of a role, or its number when it has been dropped. */
static Datum
role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return CStringGetTextDatum(name != NULL ? name : psprintf("%u", role));
}

/* An empty batch for the session as it is, in the given context. */
static Batch *
make_batch(MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	Batch	   *batch = palloc0(sizeof(Batch));
	const CasnetVerdict *user;

	/* As casnet.current_user_id() has it. */
	AcceptInvalidationMessages();
	user = casnet_membership_current();
	if (user != NULL && user->user_active)
	{
		batch->has_user = true;
		batch->user = user->key.user;
	}
	batch->session_role = role_name(GetSessionUserId());
	batch->role = role_name(GetOuterUserId());
	batch->context = AllocSetContextCreate(context, "casnet audit",
										   ALLOCSET_DEFAULT_SIZES);
	batch->room = FIRST_ENTRIES;
	batch->entries = palloc(batch->room * sizeof(Entry));
	MemoryContextSwitchTo(oldcontext);
	return batch;
}

/* A copy in the batch of a jsonb, which may be 0 for NULL. */
static Datum
keep(Batch *batch, Datum jsonb)
{
	void	   *copy;

	if (jsonb == (Datum) 0)
		return (Datum) 0;
	copy = MemoryContextAlloc(batch->context,
							  VARSIZE(DatumGetPointer(jsonb)));
	memcpy(copy, DatumGetPointer(jsonb), VARSIZE(DatumGetPointer(jsonb)));
	return PointerGetDatum(copy);
}

/*
 * Record one change: now, or when the statement is over.  The row key, before
 * and after are jsonb, or 0 for NULL; a NULL tenant is one.
 */
static void
record(const char *relation, const pg_uuid_t *tenant, Datum row_key,
	   const char *action, Datum before, Datum after)
{
	Batch	   *batch;
	Entry	   *entry;

	if (finishing == NULL)
		batch = make_batch(CurrentMemoryContext);
	else
	{
		if (finishing->batch == NULL)
			finishing->batch = make_batch(finishing->context);
		batch = finishing->batch;
	}

	if (batch->count == batch->room)
	{
		batch->room = Min(batch->room * 4, MAX_ENTRIES);
		batch->entries = repalloc(batch->entries,
								  batch->room * sizeof(Entry));
	}
	entry = &batch->entries[batch->count++];
	entry->at = GetCurrentTimestamp();
	casnet_uuid_make(&entry->id, true);
	entry->has_tenant = tenant != NULL;
	if (tenant != NULL)
		entry->tenant = *tenant;
	entry->relation = MemoryContextStrdup(batch->context, relation);
	entry->action = action;
	entry->row_key = keep(batch, row_key);
	entry->before = keep(batch, before);
	entry->after = keep(batch, after);

	if (finishing == NULL || batch->count == MAX_ENTRIES ||
		MemoryContextMemAllocated(batch->context, false) > MAX_BYTES)
		write_batch(batch);
}

/* The tenant of a row, or NULL. */
static const pg_uuid_t *
tenant_of(AuditedTable *table, TupleTableSlot *row)
{
	if (table->tenant == 0 || row->tts_isnull[table->tenant - 1])
		return NULL;
	return DatumGetUUIDP(row->tts_values[table->tenant - 1]);
}

/* An insertion, or a deletion. */
static void
record_row(AuditedTable *table, TupleTableSlot *row, bool inserted)
{
	Datum		whole = row_object(table, row, false);

	record(table->name, tenant_of(table, row), row_object(table, row, true),
		   inserted ? "INSERT" : "DELETE", inserted ? (Datum) 0 : whole,
		   inserted ? whole : (Datum) 0);
}

/*
 * An update.  A row that moves to another tenant is gone for the one and new
 * for the other, so that neither reads of the other's.
 */
static void
record_update(AuditedTable *table, TupleTableSlot *old, TupleTableSlot *new)
{
	const pg_uuid_t *old_tenant = tenant_of(table, old);
	const pg_uuid_t *new_tenant = tenant_of(table, new);
	Datum		before;
	Datum		after;

	if (table->tenant != 0 &&
		(old_tenant == NULL || new_tenant == NULL ?
		 old_tenant != new_tenant :
		 memcmp(old_tenant, new_tenant, UUID_LEN) != 0))
	{
		record_row(table, old, false);
		record_row(table, new, true);
		return;
	}
	if (changed_objects(table, old, new, &before, &after))
		record(table->name, old_tenant, row_object(table, old, true),
			   "UPDATE", before, after);
}

/*
 * casnet.record_change(column, ...) returns trigger
 *
 * AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW, and AFTER TRUNCATE: adds what
 * happened to casnet.audit_entries, without the columns named.  An update that
 * changes nothing but updated_at leaves no entry.  Raises 39P01 when called in
 * any other way, 55000 when the change cannot be recorded or would be put down
 * to somebody else.
 */
Datum
casnet_record_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	AuditedTable *table;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!(TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		  TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet.record_change() was not called after a row event or TRUNCATE"),
				 errhint("It is attached to tables by casnet.enable_audit().")));

	check_same_session();
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
	{
		record(name_of(trigger->tg_relation), NULL, (Datum) 0, "TRUNCATE",
			   (Datum) 0, (Datum) 0);
		return PointerGetDatum(NULL);
	}

	table = fcinfo->flinfo->fn_extra;
	if (table == NULL)
	{
		table = describe_table(trigger->tg_relation, trigger->tg_trigger,
							   fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = table;
	}
	slot_getallattrs(trigger->tg_trigslot);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		slot_getallattrs(trigger->tg_newslot);
		record_update(table, trigger->tg_trigslot, trigger->tg_newslot);
	}
	else
		record_row(table, trigger->tg_trigslot,
				   TRIGGER_FIRED_BY_INSERT(trigger->tg_event));
	return PointerGetDatum(NULL);
}

/*
 * casnet.refuse_audit_change() returns trigger
 *
 * BEFORE UPDATE OR DELETE FOR EACH ROW and BEFORE TRUNCATE on audit_entries:
 * raises 42501 for everybody, but lets casnet.remove_audit_entries() delete,
 * and logical replication, which brings what was done so elsewhere.
 */
Datum
casnet_refuse_audit_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet.refuse_audit_change() was not called before an event"),
				 errhint("It is attached to tables by casnet.install().")));
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event) &&
		(removals_under_way > 0 || IsLogicalWorker()))
		return PointerGetDatum(trigger->tg_trigtuple);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("entries of the audit are neither changed nor deleted"),
			 errhint("casnet.purge_audit() removes those that are older than some age.")));
}

/*
 * casnet.remove_audit_entries(tenant_id uuid, since timestamptz,
 *		until timestamptz) returns bigint
 *
 * Deletes the entries of a tenant, or of any when it is NULL, from since to
 * before until, where NULL is no limit; returns their number.  Raises 22023
 * without any condition.
 */
Datum
casnet_remove_audit_entries(PG_FUNCTION_ARGS)
{
	static const char *const conditions[] = {
		"tenant_id OPERATOR(pg_catalog.=) $1",
		"at OPERATOR(pg_catalog.>=) $2",
		"at OPERATOR(pg_catalog.<) $3"
	};
	Oid			types[] = {UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];
	const char *glue = " WHERE ";
	StringInfoData query;
	uint64		removed;

	initStringInfo(&query);
	appendStringInfoString(&query, "DELETE FROM casnet.audit_entries");
	for (int i = 0; i < lengthof(types); i++)
	{
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
		values[i] = PG_GETARG_DATUM(i);
		if (PG_ARGISNULL(i))
			continue;
		appendStringInfo(&query, "%s%s", glue, conditions[i]);
		glue = " AND ";
	}
	if (strcmp(glue, " AND ") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no entries of the audit were named"),
				 errhint("Give a tenant or a time.")));

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	removals_under_way++;
	PG_TRY();
	{
		if (SPI_execute_with_args(query.data, lengthof(types), types, values,
								  nulls, false, 0) != SPI_OK_DELETE)
			elog(ERROR, "could not remove entries");
		removed = SPI_processed;
	}
	PG_FINALLY();
	{
		removals_under_way--;
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_INT64((int64) removed);
}
