/*
 * audit_row.c
 *		What changed in a row of an audited table, as jsonb.
 *
 * Secrets, generated columns and those that casnet.enable_audit() excepts are left out.
 * A TOASTed value is fetched only if it is to be recorded.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "audit.h"
#include "casnet.h"

/* Columns of these names are never recorded, in any table. */
static const char *const secret_names[] = {
	"digest", "hashed_password", "passwd", "password", "password_hash",
	"secret"
};

/* How a column is recorded. */
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
	FmgrInfo   *to_jsonb;		/* for types that add_value() does not know */
} AuditedColumn;

struct AuditedTable
{
	char	   *name;			/* of the table, or of its partitioned table; quoted */
	int			tenant;			/* column with the tenant, or 0 */
	int			ncolumns;
	AuditedColumn columns[FLEXIBLE_ARRAY_MEMBER];	/* in the order of jsonb */
};

/* Whether columns of that name are kept secret. */
static bool
is_secret(const char *name)
{
	for (int i = 0; i < lengthof(secret_names); i++)
		if (strcmp(name, secret_names[i]) == 0)
			return true;
	return false;
}

/* Mark the columns of the primary key; raises 55000 if there is none. */
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

/* Whether the function is casnet_internal.fill_tenant(). */
static bool
is_fill_tenant(Oid function)
{
	char	   *name = get_func_name(function);

	return name != NULL && strcmp(name, "fill_tenant") == 0 &&
		get_func_namespace(function) == casnet_schema_internal();
}

/*
 * The name of the column with the tenant in a table of an application.  A protected table
 * and its partitions have a trigger that knows it.  Whoever has the privilege TRIGGER makes
 * one of that name, but only with a function of its own.
 */
static const char *
tenant_of_application(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (strcmp(triggers->triggers[i].tgname, "casnet_fill_tenant") == 0 &&
			is_fill_tenant(triggers->triggers[i].tgfoid))
			return casnet_trigger_tenant(&triggers->triggers[i]);
	return "tenant_id";
}

/*
 * The number of the column with the tenant: id in casnet.tenants, tenant_id in others of
 * casnet's; 0 for the tables about accounts and roles.  Raises 55000 for any other table
 * without it.
 */
static int
find_tenant(Relation relation, const char *name)
{
	TupleDesc	tupdesc = RelationGetDescr(relation);
	const char *relname = get_rel_name(casnet_shard_shell(RelationGetRelid(relation)));
	const char *wanted = tenant_of_application(relation);

	if (RelationGetNamespace(relation) == casnet_schema())
	{
		if (strcmp(relname, "users") == 0 || strcmp(relname, "roles") == 0 ||
			strcmp(relname, "role_permissions") == 0)
			return 0;
		if (strcmp(relname, "tenants") == 0)
			wanted = "id";
	}
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tupdesc, i);

		/* A dropped column has no type. */
		if (attribute->atttypid == UUIDOID &&
			strcmp(NameStr(attribute->attname), wanted) == 0)
			return i + 1;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("audited table %s has no column %s of type uuid",
					name, wanted),
			 errhint("Add the column, or end the audit with casnet.disable_audit().")));
}

/*
 * Qualified name of the table, or of the topmost table that it is a partition of, or of the
 * table that it is a shard of.
 */
char *
casnet_audit_name_of(Relation relation)
{
	Oid			table = RelationGetRelid(relation);
	bool		quotes_all = quote_all_identifiers;
	char	   *name;

	if (relation->rd_rel->relispartition)
		table = llast_oid(get_partition_ancestors(table));
	else
		table = casnet_shard_shell(table);
	/* Whoever is recorded must not choose how. */
	quote_all_identifiers = false;
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
	quote_all_identifiers = quotes_all;
	return name;
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

/* Compares as jsonb sorts the members of an object. */
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
 * Describes the audited table, in the given context; the arguments of the trigger, if
 * there is one, are the excepted columns.  Raises 55000 if one of them does not exist: it
 * was perhaps renamed, and would be recorded under its new name.
 */
AuditedTable *
casnet_audit_describe(Relation relation, Trigger *trigger, MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	TupleDesc	tupdesc = RelationGetDescr(relation);
	AuditedTable *table = palloc0(offsetof(AuditedTable, columns) +
								  tupdesc->natts * sizeof(AuditedColumn));

	table->name = casnet_audit_name_of(relation);
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
			column->to_jsonb = casnet_audit_converter(attribute->atttypid,
													  attribute->atttypmod,
													  attribute->attcollation);
	}
	for (int i = 0; trigger != NULL && i < trigger->tgnargs; i++)
	{
		int			number = SPI_fnumber(tupdesc, trigger->tgargs[i]);

		if (number <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("audited table %s has lost the excepted column \"%s\"",
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
			casnet_audit_unpack(DatumGetJsonbP(value), json);
			break;
		default:
			casnet_audit_value(column->type, column->to_jsonb, value, json);
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

/* The whole row, or its key only, without the columns that are not recorded. */
Datum
casnet_audit_row(AuditedTable *table, TupleTableSlot *row, bool key_only)
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
 * Whether two values are the same, byte for byte.  An unchanged TOASTed value is
 * recognized by its pointer and not fetched.
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
 * What an update changed, before and after; false if no recorded column changed.  A
 * change of secrets alone leaves two empty objects.
 */
bool
casnet_audit_changes(AuditedTable *table, TupleTableSlot *old, TupleTableSlot *new,
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

/* The name of the table, qualified and quoted. */
const char *
casnet_audit_name(AuditedTable *table)
{
	return table->name;
}

/* The number of the column with the tenant, or 0. */
int
casnet_audit_tenant_column(AuditedTable *table)
{
	return table->tenant;
}

/* Whether the column of that number, from 1, is one of the primary key. */
bool
casnet_audit_is_key(AuditedTable *table, int number)
{
	for (int i = 0; i < table->ncolumns; i++)
		if (table->columns[i].number == number - 1)
			return table->columns[i].is_key;
	return false;
}

/* The tenant of a row, or NULL. */
const pg_uuid_t *
casnet_audit_tenant(AuditedTable *table, TupleTableSlot *row)
{
	if (table->tenant == 0 || row->tts_isnull[table->tenant - 1])
		return NULL;
	return DatumGetUUIDP(row->tts_values[table->tenant - 1]);
}
