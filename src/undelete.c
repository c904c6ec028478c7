/*
 * undelete.c
 *		Rows that were deleted come back from the audit.
 *
 * The entries are read as the owner of the audit.  Every row is written by an INSERT or an
 * UPDATE of the caller's: privileges, policies, triggers, keys and the audit do what they
 * do for any statement of the caller.  An INSERT returns the key of its row, so the server
 * also asks whether the caller may see that row.  Before, the row as it was deleted is
 * judged in the same way (undelete_rights.c): a caller who could not have seen it then
 * gets the answer for a row that never was.  Nothing of an entry reaches the caller in
 * another way, and the permissions of the table are asked for before an entry is read.
 *
 * Entries name their table by its name only.  So they count as the table's from the time
 * on since which it is audited without a gap; another one can have had the name before.
 *
 * What the transaction of the deletion took with the row comes back with it: rows that the
 * foreign keys deleted, and references that they cleared.  casnet finds these by the keys
 * of now and the entries of that transaction.  It refuses where a referring table was not
 * audited by then, since what was there is not known.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "audit.h"
#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_undelete);
PG_FUNCTION_INFO_V1(casnet_undelete_by_id);

/* A row to insert, or references to give back. */
typedef struct Lost
{
	Oid			table;
	Jsonb	   *key;
	Jsonb	   *values;			/* the row, or the columns to set */
	Jsonb	   *cleared;		/* the same columns as they were left; NULL for a row */
} Lost;

/* What is asked of the audit and the catalogs. */
typedef enum Question
{
	KIND_OF_TABLE, AUDITED_SINCE, NEWEST_ENTRY, LATER_CHANGE, REFERRING_KEYS, ENTRIES_OF_REFERENCES,
	QUESTIONS
} Question;

#define MAX_ARGUMENTS 6

static const struct
{
	Oid			types[MAX_ARGUMENTS];
	const char *query;
}			questions[QUESTIONS] = {
	/* A row if the table is one of casnet's with rows of tenants. */
	[KIND_OF_TABLE] = {{REGCLASSOID},
		"SELECT FROM casnet_internal.managed_tables() AS m"
		" WHERE m.relation = $1 AND m.kind = 'tenant'"
	},
	/* Since when the table is audited, if it is. */
	[AUDITED_SINCE] = {{REGCLASSOID},
		"SELECT a.since FROM casnet_internal.audited_tables() AS a"
		" WHERE a.relation = $1 AND a.enabled AND a.since IS NOT NULL"
	},
	/* The newest entry of a row.  Nobody blanks it before what comes from it is there. */
	[NEWEST_ENTRY] = {{UUIDOID, TEXTOID, JSONBOID},
		"SELECT e.action, e.before, e.transaction_id, e.at, e.id"
		"  FROM casnet_internal.audit_entries AS e"
		" WHERE e.tenant_id = $1 AND e.relation = $2 AND e.row_key = $3"
		"   AND jsonb_hash_extended(e.row_key, 0) = jsonb_hash_extended($3, 0)"
		" ORDER BY e.at DESC, e.id DESC LIMIT 1 FOR SHARE OF e"
	},
	/* A row if an entry of the row changed the columns after the given entry. */
	[LATER_CHANGE] = {{UUIDOID, TEXTOID, JSONBOID, TIMESTAMPTZOID, UUIDOID, TEXTARRAYOID},
		"SELECT FROM casnet_internal.audit_entries AS e"
		" WHERE e.tenant_id = $1 AND e.relation = $2 AND e.row_key = $3"
		"   AND jsonb_hash_extended(e.row_key, 0) = jsonb_hash_extended($3, 0)"
		"   AND (e.at, e.id) > ($4, $5) AND e.after ?| $6 LIMIT 1"
	},
	/*
	 * The keys of other tables that lead to a table and change their rows, and since when
	 * these tables are audited.
	 */
	[REFERRING_KEYS] = {{OIDOID},
		"SELECT r.relation, k.confdeltype = 'c', a.since,"
		"       (SELECT array_agg(t.attname::text ORDER BY n.n)"
		"          FROM unnest(k.conkey) WITH ORDINALITY AS n (number, n)"
		"          JOIN pg_attribute AS t ON t.attrelid = k.conrelid AND t.attnum = n.number),"
		"       (SELECT array_agg(t.attname::text ORDER BY n.n)"
		"          FROM unnest(k.confkey) WITH ORDINALITY AS n (number, n)"
		"          JOIN pg_attribute AS t ON t.attrelid = k.confrelid AND t.attnum = n.number),"
		"       (SELECT array_agg(t.attname::text ORDER BY t.attnum) FROM pg_attribute AS t"
		"         WHERE t.attrelid = k.conrelid"
		"           AND t.attnum = ANY (coalesce(k.confdelsetcols, k.conkey)))"
		"  FROM pg_constraint AS k"
		" CROSS JOIN LATERAL (SELECT coalesce(pg_partition_root(k.conrelid), k.conrelid)) AS r (relation)"
		"  LEFT JOIN casnet_internal.audited_tables() AS a ON a.relation = r.relation AND a.enabled"
		" WHERE k.contype = 'f' AND k.confrelid = $1 AND k.conparentid = 0"
		"   AND k.confdeltype IN ('c', 'n', 'd')"
		" ORDER BY r.relation::regclass::text, k.conname"
	},
	/*
	 * What the transaction did to rows of a table.  The entries can come from another server, whose transactions
	 * had the same numbers; so the time must fit too, in a form that no index serves: the
	 * transaction finds fewer entries than two days do.
	 */
	[ENTRIES_OF_REFERENCES] = {{UUIDOID, INT8OID, TEXTOID, TIMESTAMPTZOID},
		"SELECT e.row_key, e.action, e.before, e.after, e.at, e.id"
		"  FROM casnet_internal.audit_entries AS e"
		" WHERE e.tenant_id = $1 AND e.transaction_id = $2 AND e.relation = $3"
		"   AND e.at - $4 BETWEEN interval '-1 day' AND interval '1 day'"
		"   AND e.action IN ('DELETE', 'UPDATE') AND e.before IS NOT NULL"
		" ORDER BY e.at, e.id"
	}
};

/* One call. */
typedef struct Undelete
{
	SPIPlanPtr	plans[QUESTIONS];
	List	   *judges;			/* see casnet_undelete_sees() */
	Oid			table;			/* that the caller has named */
	pg_uuid_t	tenant;
	Datum		transaction;	/* bigint: the transaction of the deletion */
	Datum		at;				/* timestamptz: when that was */
	List	   *rows;			/* of Lost, in the order in which they were found */
	List	   *references;		/* of Lost */
	HTAB	   *listed;			/* of Listed: both of these */
	List	   *referred;		/* of Referred */
	const char *statement;		/* the last one of the caller's, and its plan */
	SPIPlanPtr	plan;
} Undelete;

/* What is listed already, found by a hash of the key. */
typedef struct Listed
{
	struct ListedKey
	{
		Oid			table;
		uint32		hash;
	}			key;
	List	   *rows;			/* of Lost */
} Listed;

/* A key that leads from another table to the one of a row, see REFERRING_KEYS. */
typedef struct Reference
{
	Oid			table;
	char	   *name;			/* of the table, as in the entries */
	Datum		since;			/* timestamptz: since when that is audited, or 0 */
	List	   *columns;
	List	   *referenced;		/* the columns of the row that they repeat */
	List	   *cleared;		/* those of them that a deletion clears; NIL if it deletes */
	SPITupleTable *entries;		/* of the transaction, once they were read */
	HTAB	   *found;			/* of Found */
} Reference;

/* The keys to a table. */
typedef struct Referred
{
	Oid			table;
	List	   *references;		/* of Reference */
} Referred;

/* Entries of a reference, by a hash of what they refer to. */
typedef struct Found
{
	uint32		hash;
	List	   *entries;		/* their numbers */
} Found;

/* A text array as a list of strings. */
static List *
strings_of(Datum array)
{
	List	   *strings = NIL;
	Datum	   *elements;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
		strings = lappend(strings, TextDatumGetCString(elements[i]));
	return strings;
}

/* The member of an object, or NULL if there is none. */
static JsonbValue *
member(Jsonb *object, const char *name)
{
	return getKeyJsonValueFromContainer(&object->root, name, strlen(name), NULL);
}

/*
 * An object of the members of another that are listed, under the other list's names.
 * NULL if one of them is missing or null.
 */
static Jsonb *
pick(Jsonb *object, List *names, List *new_names)
{
	CasnetJson	state = {0};
	ListCell   *lc;
	ListCell   *new;

	casnet_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	forboth(lc, names, new, new_names)
	{
		JsonbValue *value = member(object, lfirst(lc));
		JsonbValue	name;

		if (value == NULL || value->type == jbvNull)
			return NULL;
		name.type = jbvString;
		name.val.string.val = lfirst(new);
		name.val.string.len = strlen(lfirst(new));
		casnet_json_push(&state, WJB_KEY, &name);
		casnet_json_push(&state, WJB_VALUE, value);
	}
	casnet_json_push(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(state.result);
}

/* The first object with the members of the second in place of its own. */
static Jsonb *
merge(Jsonb *object, Jsonb *other)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  JsonbPGetDatum(object),
											  JsonbPGetDatum(other)));
}

/*
 * Ask as the owner of the audit; an error ends that.  A datum of 0 is NULL.  The result is
 * SPI's, and valid until SPI_finish().
 */
static SPITupleTable *
ask(Undelete *call, Question question, Datum *values)
{
	Oid			audit = get_relname_relid("audit_entries", casnet_schema_internal());
	int			nargs = 0;
	char		nulls[MAX_ARGUMENTS];
	CasnetOwnerSwitch former;
	int			code;

	if (!OidIsValid(audit))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no audit"),
				 errhint("A superuser can make what is missing with SELECT casnet.install().")));
	while (nargs < MAX_ARGUMENTS && OidIsValid(questions[question].types[nargs]))
	{
		nulls[nargs] = values[nargs] == (Datum) 0 ? 'n' : ' ';
		nargs++;
	}
	casnet_owner_enter(&former, casnet_owner_of(audit));
	if (call->plans[question] == NULL)
		call->plans[question] =
			SPI_prepare_cursor(questions[question].query, nargs,
							   (Oid *) questions[question].types,
							   CURSOR_OPT_GENERIC_PLAN);
	code = SPI_execute_plan(call->plans[question], values, nulls, false, 0);
	casnet_owner_leave(&former);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not read the audit: %s", SPI_result_code_string(code));
	return SPI_tuptable;
}

/* A value of a result, or 0 for NULL. */
static Datum
value_of(SPITupleTable *result, uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(result->vals[row], result->tupdesc, column, &isnull);

	return isnull ? (Datum) 0 : value;
}

/* The newest entry of a row; no rows if there is none. */
static SPITupleTable *
find_newest(Undelete *call, const char *table, Jsonb *key)
{
	Datum		values[] = {UUIDPGetDatum(&call->tenant), CStringGetTextDatum(table),
	JsonbPGetDatum(key)};

	return ask(call, NEWEST_ENTRY, values);
}

/* Whether a row of find_newest() is a deletion. */
static bool
is_deletion(SPITupleTable *newest)
{
	return newest->numvals > 0 &&
		strcmp(TextDatumGetCString(value_of(newest, 0, 1)), "DELETE") == 0;
}

/* Raises 42809 for tables of casnet whose rows do not come back, and for what is no table. */
static void
check_table(Undelete *call, Relation relation)
{
	Datum		values[] = {ObjectIdGetDatum(RelationGetRelid(relation))};
	char		kind = relation->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(relation)),
				 errhint("Name the table that the row was in.")));
	if (!casnet_schema_is_ours(RelationGetNamespace(relation)) ||
		ask(call, KIND_OF_TABLE, values)->numvals > 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("rows of table %s do not come back", casnet_audit_name_of(relation)),
			 errhint("What gave rights to somebody is given anew, for example with casnet.add_member().")));
}

/* The columns of a table, as what is needed of them is put together. */
typedef struct ColumnLists
{
	StringInfoData names;		/* a, b */
	StringInfoData values;		/* r.a, r.b */
	StringInfoData definitions;	/* a integer, b text */
} ColumnLists;

/* List the columns of the table that the object has; generated ones have no value. */
static void
list_columns(Relation relation, Jsonb *object, const char *alias, ColumnLists *lists)
{
	initStringInfo(&lists->names);
	initStringInfo(&lists->values);
	initStringInfo(&lists->definitions);
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);
		const char *name = quote_identifier(NameStr(attribute->attname));
		const char *glue = lists->names.len > 0 ? ", " : "";

		if (attribute->attisdropped || attribute->attgenerated ||
			member(object, NameStr(attribute->attname)) == NULL)
			continue;
		appendStringInfo(&lists->names, "%s%s", glue, name);
		appendStringInfo(&lists->values, "%s%s.%s", glue, alias, name);
		appendStringInfo(&lists->definitions, "%s%s %s", glue, name,
						 format_type_extended(attribute->atttypid, attribute->atttypmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
	}
}

/* The number of the column of that name that can have a value, or 0. */
static int
find_column(Relation relation, const char *name)
{
	int			number = SPI_fnumber(RelationGetDescr(relation), name);

	return number > 0 &&
		!TupleDescAttr(RelationGetDescr(relation), number - 1)->attgenerated ?
		number : 0;
}

/*
 * Whether the value is an object or array that a column of a base type has got by a cast to
 * json, as hstore has one.  The input function of such a type takes another form.
 */
static bool
is_cast_value(Relation relation, int number, JsonbValue *value)
{
	Oid			type = number == 0 ? InvalidOid :
		getBaseType(TupleDescAttr(RelationGetDescr(relation), number - 1)->atttypid);

	return type >= FirstNormalObjectId && value->type == jbvBinary &&
		get_typtype(type) == TYPTYPE_BASE && !OidIsValid(get_element_type(type));
}

/*
 * Raises 55000 if the row had a value in a column that the table has lost, or has one that
 * the column does not take.
 */
static void
check_columns(Relation relation, Jsonb *values)
{
	JsonbIterator *iterator = JsonbIteratorInit(&values->root);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		char	   *name;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(value.val.string.val, value.val.string.len);
		if (find_column(relation, name) == 0 && member(values, name)->type != jbvNull)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s no longer has the column \"%s\" of the row",
							casnet_owner_name(RelationGetRelid(relation)), name),
					 errhint("To leave its value out, undelete the row by itself with null for the column in changes.")));
		if (is_cast_value(relation, find_column(relation, name), member(values, name)))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the audit has column \"%s\" of table %s in another form than its type takes",
							name, casnet_owner_name(RelationGetRelid(relation))),
					 errhint("Undelete the row by itself with the value in changes, in the form that the type takes.")));
	}
}

/* Error context callback: which row it is, and what to do about keys. */
static void
explain_error(void *table)
{
	errcontext("undelete of a row of table %s", (char *) table);
	switch (geterrcode())
	{
		case ERRCODE_UNIQUE_VIOLATION:
			errhint("Another row has the key or the name that this row had. Change that row, or give this one another value in changes.");
			break;
		case ERRCODE_FOREIGN_KEY_VIOLATION:
			errhint("What the row referred to is gone. Undelete that first, by itself (with_references => false) if it was deleted together with this row; or give this row another value in changes.");
			break;
		case ERRCODE_NOT_NULL_VIOLATION:
			errhint("The audit does not have the value of this column. Give one in changes.");
			break;
		default:
			break;
	}
}

/*
 * Run a statement of the caller's with these objects; returns the number of rows.  The plan
 * is kept for the next row, which most often needs the same.
 */
static uint64
run_as_caller(Undelete *call, Relation relation, const char *statement, Jsonb *first,
			  Jsonb *second)
{
	Oid			types[] = {JSONBOID, JSONBOID};
	Datum		values[] = {JsonbPGetDatum(first), JsonbPGetDatum(second)};
	ErrorContextCallback callback;
	int			code;

	callback.callback = explain_error;
	callback.arg = casnet_owner_name(RelationGetRelid(relation));
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (call->statement == NULL || strcmp(call->statement, statement) != 0)
	{
		call->statement = NULL;
		if (call->plan != NULL)
			SPI_freeplan(call->plan);
		call->plan = SPI_prepare(statement, second == NULL ? 1 : 2, types);
		if (call->plan == NULL)
			elog(ERROR, "could not bring back a row: %s",
				 SPI_result_code_string(SPI_result));
		call->statement = statement;
	}
	code = SPI_execute_plan(call->plan, values, NULL, false, 0);
	error_context_stack = callback.previous;
	if (code < 0)
		elog(ERROR, "could not bring back a row: %s", SPI_result_code_string(code));
	return SPI_processed;
}

/*
 * Insert a row as the caller, who must be allowed to see it, and also to see it as it was
 * deleted.  The row that the caller has named was judged before.
 */
static void
insert_row(Undelete *call, Lost *row)
{
	Relation	relation = relation_open(row->table, AccessShareLock);
	ColumnLists columns;
	ColumnLists key;

	if (row != linitial(call->rows) &&
		!casnet_undelete_sees(relation, row->values, &call->judges))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a row of table %s that was deleted with the row is hidden from you",
						casnet_owner_name(row->table)),
				 errhint("Undelete the row by itself with with_references => false, or ask somebody who could see all of it.")));
	check_columns(relation, row->values);
	list_columns(relation, row->values, "r", &columns);
	list_columns(relation, row->key, "k", &key);
	if (run_as_caller(call, relation,
					  psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s"
							   " FROM pg_catalog.jsonb_to_record($1) AS r (%s)"
							   " RETURNING %s",
							   casnet_owner_name(row->table), columns.names.data,
							   columns.values.data, columns.definitions.data,
							   key.names.data),
					  row->values, NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a row of table %s did not come back",
						casnet_owner_name(row->table)),
				 errhint("A trigger or a rule of the table keeps it.")));
	relation_close(relation, NoLock);
}

/* Set the cleared columns of a row again, as the caller. */
static void
give_back(Undelete *call, Lost *row)
{
	Relation	relation = relation_open(row->table, AccessShareLock);
	StringInfoData statement;
	ColumnLists columns;
	ColumnLists key;
	const char *glue = " WHERE ";

	list_columns(relation, row->values, "r", &columns);
	list_columns(relation, row->key, "k", &key);
	initStringInfo(&statement);
	appendStringInfo(&statement, "UPDATE %s AS t SET (%s) = ROW(%s)"
					 " FROM pg_catalog.jsonb_to_record($1) AS r (%s),"
					 " pg_catalog.jsonb_to_record($2) AS k (%s)",
					 casnet_owner_name(row->table), columns.names.data,
					 columns.values.data, columns.definitions.data,
					 key.definitions.data);
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);
		const char *name = quote_identifier(NameStr(attribute->attname));
		JsonbValue *cleared = member(row->cleared, NameStr(attribute->attname));

		if (attribute->attisdropped)
			continue;
		if (member(row->key, NameStr(attribute->attname)) != NULL)
		{
			appendStringInfoString(&statement, glue);
			generate_operator_clause(&statement, psprintf("t.%s", name),
									 attribute->atttypid,
									 lookup_type_cache(attribute->atttypid,
													   TYPECACHE_EQ_OPR)->eq_opr,
									 psprintf("k.%s", name), attribute->atttypid);
			glue = " AND ";
		}
		if (cleared != NULL && cleared->type == jbvNull)
			appendStringInfo(&statement, "%st.%s IS NULL", glue, name);
	}
	if (run_as_caller(call, relation, statement.data, row->values, row->key) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a row of table %s cannot refer to the row again",
						casnet_owner_name(row->table)),
				 errhint("It is hidden from you, or was changed without the audit. Undelete the row by itself with with_references => false.")));
	relation_close(relation, NoLock);
}

/* Whether two objects are the same, byte for byte. */
static bool
is_same_object(Jsonb *one, Jsonb *other)
{
	return VARSIZE(one) == VARSIZE(other) && memcmp(one, other, VARSIZE(one)) == 0;
}

/* What is listed under the hash of the row's key; made if it is not there. */
static Listed *
find_listed(Undelete *call, Oid table, Jsonb *key)
{
	struct ListedKey place = {table, hash_bytes((unsigned char *) key, VARSIZE(key))};
	bool		found;
	Listed	   *listed;

	if (call->listed == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(struct ListedKey),
			.entrysize = sizeof(Listed), .hcxt = CurrentMemoryContext};

		call->listed = hash_create("casnet rows to undelete", 64, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	listed = hash_search(call->listed, &place, HASH_ENTER, &found);
	if (!found)
		listed->rows = NIL;
	return listed;
}

/*
 * Whether the row is listed already: as one to insert, or with references to give back that
 * have these values.
 */
static bool
is_listed(Undelete *call, Oid table, Jsonb *key, Jsonb *values)
{
	ListCell   *lc;

	foreach(lc, find_listed(call, table, key)->rows)
	{
		Lost	   *row = lfirst(lc);

		if (is_same_object(row->key, key) && (row->cleared != NULL) == (values != NULL) &&
			(values == NULL || is_same_object(row->values, values)))
			return true;
	}
	return false;
}

/* List a row to insert, or references to give back if cleared is not NULL. */
static void
list_lost(Undelete *call, Oid table, Jsonb *key, Jsonb *values, Jsonb *cleared)
{
	Lost	   *lost = palloc(sizeof(Lost));
	Listed	   *listed = find_listed(call, table, key);

	lost->table = table;
	lost->key = key;
	lost->values = values;
	lost->cleared = cleared;
	listed->rows = lappend(listed->rows, lost);
	if (cleared == NULL)
		call->rows = lappend(call->rows, lost);
	else
		call->references = lappend(call->references, lost);
}

static void add_row(Undelete *call, Oid table, Jsonb *key, Jsonb *values,
					bool with_references);

/*
 * A row was referring to the row and was updated so that it did not.  If it is there and
 * nobody has changed the columns since, they are given back.  If the transaction deleted it
 * then, it comes back as it was before both.
 */
static void
add_cleared(Undelete *call, Reference *reference, uint64 n)
{
	SPITupleTable *entries = reference->entries;
	Jsonb	   *key = DatumGetJsonbP(value_of(entries, n, 1));
	Jsonb	   *before = pick(DatumGetJsonbP(value_of(entries, n, 3)),
							  reference->cleared, reference->cleared);
	SPITupleTable *newest = find_newest(call, reference->name, key);
	Datum		values[MAX_ARGUMENTS];
	Datum	   *names = palloc(list_length(reference->cleared) * sizeof(Datum));
	ListCell   *lc;

	if (is_deletion(newest))
	{
		if (value_of(newest, 0, 2) != (Datum) 0 &&
			DatumGetInt64(value_of(newest, 0, 3)) == DatumGetInt64(call->transaction))
			add_row(call, reference->table, key,
					merge(DatumGetJsonbP(value_of(newest, 0, 2)), before), true);
		return;
	}
	foreach(lc, reference->cleared)
		names[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	values[0] = UUIDPGetDatum(&call->tenant);
	values[1] = CStringGetTextDatum(reference->name);
	values[2] = JsonbPGetDatum(key);
	values[3] = value_of(entries, n, 5);
	values[4] = value_of(entries, n, 6);
	values[5] = PointerGetDatum(construct_array(names, list_length(reference->cleared),
												TEXTOID, -1, false, TYPALIGN_INT));
	if (ask(call, LATER_CHANGE, values)->numvals > 0)
		return;
	/* Two keys can lead to the row by the same columns. */
	if (!is_listed(call, reference->table, key, before))
		list_lost(call, reference->table, key, before,
				  DatumGetJsonbP(value_of(entries, n, 4)));
}

/* The hash of an object, which is the same for equal ones. */
static uint32
hash_of(Jsonb *object)
{
	return DatumGetUInt32(DirectFunctionCall1(jsonb_hash, JsonbPGetDatum(object)));
}

/* Whether an entry is of an UPDATE. */
static bool
is_update(SPITupleTable *entries, uint64 n)
{
	return strcmp(TextDatumGetCString(value_of(entries, n, 2)), "UPDATE") == 0;
}

/*
 * What a row referred to, by an entry of the transaction: by all columns of the key if it
 * was deleted, by those that a deletion clears if it was updated.  An entry of an UPDATE
 * has only what it changed.  NULL if it referred to nothing.
 */
static Jsonb *
referred_to(Reference *reference, uint64 n)
{
	List	   *columns = is_update(reference->entries, n) ? reference->cleared :
		reference->columns;

	return columns == NIL ? NULL :
		pick(DatumGetJsonbP(value_of(reference->entries, n, 3)), columns, columns);
}

/* Read what the transaction did to rows of the table, once for all rows that come back. */
static void
read_entries(Undelete *call, Reference *reference)
{
	Datum		values[] = {UUIDPGetDatum(&call->tenant), call->transaction,
	CStringGetTextDatum(reference->name), call->at};
	HASHCTL		control = {.keysize = sizeof(uint32), .entrysize = sizeof(Found),
	.hcxt = CurrentMemoryContext};

	reference->entries = ask(call, ENTRIES_OF_REFERENCES, values);
	reference->found = hash_create("casnet references to undelete", 64, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (uint64 n = 0; n < reference->entries->numvals; n++)
	{
		Jsonb	   *object = referred_to(reference, n);
		uint32		hash;
		Found	   *found;
		bool		is_there;

		CHECK_FOR_INTERRUPTS();
		if (object == NULL)
			continue;
		hash = hash_of(object);
		found = hash_search(reference->found, &hash, HASH_ENTER, &is_there);
		found->entries = lappend_int(is_there ? found->entries : NIL, (int) n);
	}
}

/* The numbers of entries of that action about rows that referred to the values. */
static List *
find_entries(Reference *reference, Jsonb *values, bool updates)
{
	uint32		hash = hash_of(values);
	Found	   *found = hash_search(reference->found, &hash, HASH_FIND, NULL);
	List	   *numbers = NIL;
	ListCell   *lc;

	if (found == NULL)
		return NIL;
	foreach(lc, found->entries)
		if (is_update(reference->entries, lfirst_int(lc)) == updates &&
			compareJsonbContainers(&referred_to(reference, lfirst_int(lc))->root,
								   &values->root) == 0)
			numbers = lappend_int(numbers, lfirst_int(lc));
	return numbers;
}

/* Add what the transaction did to rows that referred to these values by this key. */
static void
add_references(Undelete *call, Reference *reference, Jsonb *values)
{
	Jsonb	   *cleared = reference->cleared == NIL ? NULL :
		pick(values, reference->cleared, reference->cleared);
	List	   *numbers;
	ListCell   *lc;

	if (reference->found == NULL)
		read_entries(call, reference);
	numbers = find_entries(reference, values, false);
	if (cleared != NULL)
		numbers = list_concat(numbers, find_entries(reference, cleared, true));
	list_sort(numbers, list_int_cmp);
	foreach(lc, numbers)
	{
		int			n = lfirst_int(lc);
		SPITupleTable *entries = reference->entries;
		Jsonb	   *key = DatumGetJsonbP(value_of(entries, n, 1));
		SPITupleTable *newest;

		CHECK_FOR_INTERRUPTS();
		if (is_update(entries, n))
		{
			add_cleared(call, reference, n);
			continue;
		}
		/*
		 * It can have come back since, or have been there again in between, or have been
		 * erased.
		 */
		newest = find_newest(call, reference->name, key);
		if (is_deletion(newest) && value_of(newest, 0, 2) != (Datum) 0 &&
			memcmp(DatumGetUUIDP(value_of(newest, 0, 5)),
				   DatumGetUUIDP(value_of(entries, n, 6)), UUID_LEN) == 0)
			add_row(call, reference->table, key,
					DatumGetJsonbP(value_of(newest, 0, 2)), true);
	}
}

/* Raises 55000: rows of a table that the deletion took along are not known. */
static void
refuse_unaudited(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s was not audited when the row was deleted", name),
			 errdetail("What of it the deletion took along is not known."),
			 errhint("Undelete the row by itself with with_references => false. From casnet.enable_audit('%s') on, rows come back with all that belongs to them.",
					 name)));
}

/* The keys to the table; raises 55000 where an administrator would run code of others. */
static List *
references_to(Undelete *call, Oid table)
{
	Datum		arguments[] = {ObjectIdGetDatum(table)};
	Referred   *referred;
	SPITupleTable *keys;
	ListCell   *lc;

	foreach(lc, call->referred)
		if (((Referred *) lfirst(lc))->table == table)
			return ((Referred *) lfirst(lc))->references;
	referred = palloc0(sizeof(Referred));
	referred->table = table;
	keys = ask(call, REFERRING_KEYS, arguments);
	for (uint64 n = 0; n < keys->numvals; n++)
	{
		Reference  *reference = palloc0(sizeof(Reference));
		Relation	relation;

		reference->table = DatumGetObjectId(value_of(keys, n, 1));
		relation = relation_open(reference->table, AccessShareLock);
		reference->name = casnet_audit_name_of(relation);
		relation_close(relation, NoLock);
		casnet_undelete_check_code(call->table, reference->table, reference->name);
		reference->since = value_of(keys, n, 3);
		reference->columns = strings_of(value_of(keys, n, 4));
		reference->referenced = strings_of(value_of(keys, n, 5));
		reference->cleared = DatumGetBool(value_of(keys, n, 2)) ? NIL :
			strings_of(value_of(keys, n, 6));
		referred->references = lappend(referred->references, reference);
	}
	call->referred = lappend(call->referred, referred);
	return referred->references;
}

/* Add a row to those that come back, and what the transaction took with it. */
static void
add_row(Undelete *call, Oid table, Jsonb *key, Jsonb *values, bool with_references)
{
	ListCell   *lc;

	check_stack_depth();
	if (is_listed(call, table, key, NULL))
		return;
	list_lost(call, table, key, values, NULL);
	if (!with_references)
		return;
	foreach(lc, references_to(call, table))
	{
		Reference  *reference = lfirst(lc);
		Datum		since = reference->since;
		Jsonb	   *referred = pick(values, reference->referenced, reference->columns);

		if (since == (Datum) 0 || referred == NULL ||
			DatumGetTimestampTz(since) > DatumGetTimestampTz(call->at))
			refuse_unaudited(reference->name);
		add_references(call, reference, referred);
	}
}

/* Whether a table refers to another one of the list. */
static bool
refers_to_one_of(Oid table, List *tables)
{
	Relation	relation = relation_open(table, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(relation))
	{
		Oid			other = ((ForeignKeyCacheInfo *) lfirst(lc))->confrelid;

		if (other != table && list_member_oid(tables, other))
			found = true;
	}
	relation_close(relation, NoLock);
	return found;
}

/*
 * Insert all rows: a table's after those of the tables that it refers to, and of one table
 * in the order in which they were found, where a row stands after the one that led to it.
 */
static void
insert_rows(Undelete *call)
{
	List	   *tables = NIL;
	ListCell   *lc;

	foreach(lc, call->rows)
		tables = list_append_unique_oid(tables, ((Lost *) lfirst(lc))->table);
	while (tables != NIL)
	{
		Oid			next = linitial_oid(tables);

		foreach(lc, tables)
			if (!refers_to_one_of(lfirst_oid(lc), tables))
			{
				next = lfirst_oid(lc);
				break;
			}
		tables = list_delete_oid(tables, next);
		foreach(lc, call->rows)
			if (((Lost *) lfirst(lc))->table == next)
				insert_row(call, lfirst(lc));
	}
}

/* Raises 22023 if the changes are no object of columns that may get another value. */
static void
check_changes(Relation relation, Jsonb *key, Jsonb *changes)
{
	int			tenant_column =
		casnet_audit_tenant_column(casnet_audit_describe(relation, NULL,
														 CurrentMemoryContext));
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(changes))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("changes is not an object of columns"),
				 errhint("Give columns and their values, such as '{\"assignee_id\": null}'.")));
	iterator = JsonbIteratorInit(&changes->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		char	   *name;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(value.val.string.val, value.val.string.len);
		if (member(key, name) != NULL || find_column(relation, name) == tenant_column)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the key of the row cannot be changed"),
					 errhint("Leave column \"%s\" out of changes.", name)));
		if (find_column(relation, name) == 0 && member(changes, name)->type != jbvNull)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("table %s has no column \"%s\" to change",
							casnet_owner_name(RelationGetRelid(relation)), name),
					 errhint("Name the columns of the table as they are now.")));
	}
}

/* Whether entries of that time under the table's name are about this table. */
static bool
was_audited(Undelete *call, Relation relation, TimestampTz at)
{
	Datum		values[] = {ObjectIdGetDatum(RelationGetRelid(relation))};
	SPITupleTable *result;

	/* Nobody else gives a table the name of one of casnet's. */
	if (casnet_schema_is_ours(RelationGetNamespace(relation)))
		return true;
	result = ask(call, AUDITED_SINCE, values);
	return result->numvals > 0 && DatumGetTimestampTz(value_of(result, 0, 1)) <= at;
}

/*
 * Find the deletion of the row, and note when it was.  Raises P0002 if there is none, its
 * entry was blanked, or the caller could not have seen the row.  So that the answers do not
 * differ, the policies are asked about the key where there is no row.
 */
static Jsonb *
find_deletion(Undelete *call, Relation relation, Jsonb *key)
{
	SPITupleTable *newest = find_newest(call, casnet_audit_name_of(relation), key);
	bool		found = is_deletion(newest) &&
		was_audited(call, relation, DatumGetTimestampTz(value_of(newest, 0, 4)));
	bool		is_blank = found && value_of(newest, 0, 2) == (Datum) 0;
	Jsonb	   *row = !found || is_blank ? key : DatumGetJsonbP(value_of(newest, 0, 2));

	/* Who reads the audit may know that an entry was blanked; nobody knows who saw the row. */
	if (!casnet_undelete_sees(relation, row, &call->judges) &&
		!(is_blank && casnet_membership_holds(casnet_membership_require_user(),
											  casnet_permission_find("view_analytics"))))
		found = false;
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("no deletion of this row is recorded"),
				 errhint("A row comes back if it is gone, you could see it, and it was deleted while its table was audited, without a gap since. casnet.history() shows what is recorded.")));
	if (is_blank)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("the row was erased from the audit"),
				 errhint("What casnet.erase_person() has erased does not come back.")));
	call->transaction = value_of(newest, 0, 3);
	call->at = value_of(newest, 0, 4);
	return row;
}

/* casnet.undelete() for a key as text; returns the number of rows. */
static int64
undelete(Oid table, const char *given, bool with_references, Jsonb *changes)
{
	Undelete	call = {0};
	Relation	relation;
	Jsonb	   *key;
	Jsonb	   *row;
	ListCell   *lc;

	call.tenant = casnet_membership_require(0, NULL)->key.tenant;
	PreventCommandIfReadOnly("casnet.undelete()");
	relation = relation_open(table, AccessShareLock);
	if (relation->rd_rel->relispartition)
	{
		table = llast_oid(get_partition_ancestors(table));
		relation_close(relation, AccessShareLock);
		relation = relation_open(table, AccessShareLock);
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	check_table(&call, relation);
	casnet_undelete_ask_first(relation);
	key = DatumGetJsonbP(casnet_audit_key(relation, given, &call.tenant));
	check_changes(relation, key, changes);
	call.table = table;
	row = find_deletion(&call, relation, key);
	add_row(&call, table, key, merge(row, changes), with_references);
	insert_rows(&call);
	foreach(lc, call.references)
		give_back(&call, lfirst(lc));
	SPI_finish();
	relation_close(relation, NoLock);
	return list_length(call.rows) + list_length(call.references);
}

/* Read the arguments besides the key, which is given as text. */
static int64
undelete_given(FunctionCallInfo fcinfo, const char *given)
{
	if (PG_ARGISNULL(0) || get_rel_relkind(PG_GETARG_OID(0)) == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no such table"),
				 errhint("Give the name of a table, with its schema.")));
	if (given == NULL || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is null", given == NULL ? "the key of the row" :
						PG_ARGISNULL(2) ? "with_references" : "changes"),
				 errhint("Give the id of the row, and leave out what has a default.")));
	return undelete(PG_GETARG_OID(0), given, PG_GETARG_BOOL(2), PG_GETARG_JSONB_P(3));
}

/*
 * casnet.undelete(relation regclass, row_key text, with_references boolean,
 *		changes jsonb) returns bigint
 *
 * Brings back a row of the active tenant that was deleted, with the changes; and unless
 * with_references is false, what the transaction of the deletion took with it.  Returns
 * the number of rows inserted or updated.  Raises 28000 and 55000 without an active
 * tenant, 42501 without a permission, P0002 if no deletion is recorded, 42809 for tables
 * that decide about rights, 22023 for what is no key or no column, 55000 if what belongs
 * to the row is not known, and what the INSERTs raise.
 */
Datum
casnet_undelete(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(undelete_given(fcinfo, PG_ARGISNULL(1) ? NULL :
								   text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/* casnet.undelete(relation, row_key uuid, ...) returns bigint: the same for a row's id. */
Datum
casnet_undelete_by_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(undelete_given(fcinfo, PG_ARGISNULL(1) ? NULL :
								   casnet_uuid_format(PG_GETARG_UUID_P(1))));
}
