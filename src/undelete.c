/*
 * undelete.c
 *		Rows that were deleted come back from the audit.
 *
 * Every row is written by an INSERT or an UPDATE of the caller's: privileges, policies,
 * triggers, keys and the audit do what they do for any statement of the caller.  An INSERT
 * returns the key of its row, so the server also asks whether the caller may see that row.
 * Before, the row as it was deleted is judged in the same way (undelete_rights.c): a caller
 * who could not have seen it then gets the answer for a row that never was.  Nothing of an
 * entry reaches the caller in another way, and the permissions of the table are asked for
 * before an entry is read.
 *
 * Entries name their table by its name only.  So they count as the table's from the time
 * on since which it is audited without a gap; another one can have had the name before.
 *
 * What the transaction of the deletion took with the row comes back with it
 * (undelete_lost.c): rows that the foreign keys deleted, and references that they cleared.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "audit.h"
#include "casnet.h"
#include "undelete.h"

PG_FUNCTION_INFO_V1(casnet_undelete);
PG_FUNCTION_INFO_V1(casnet_undelete_by_id);

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
		casnet_undelete_ask(call, KIND_OF_TABLE, values)->numvals > 0)
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
			casnet_undelete_member(object, NameStr(attribute->attname)) == NULL)
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
		if (find_column(relation, name) == 0 && casnet_undelete_member(values,
																	   name)->type != jbvNull)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s no longer has the column \"%s\" of the row",
							casnet_owner_name(RelationGetRelid(relation)), name),
					 errhint("To leave its value out, undelete the row by itself with null for the column in changes.")));
		if (is_cast_value(relation, find_column(relation, name), casnet_undelete_member(values,
																						name)))
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
		JsonbValue *cleared = casnet_undelete_member(row->cleared, NameStr(attribute->attname));

		if (attribute->attisdropped)
			continue;
		if (casnet_undelete_member(row->key, NameStr(attribute->attname)) != NULL)
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
		if (casnet_undelete_member(key, name) != NULL || find_column(relation,
																	 name) == tenant_column)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the key of the row cannot be changed"),
					 errhint("Leave column \"%s\" out of changes.", name)));
		if (find_column(relation, name) == 0 && casnet_undelete_member(changes,
																	   name)->type != jbvNull)
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
	result = casnet_undelete_ask(call, AUDITED_SINCE, values);
	return result->numvals > 0 && DatumGetTimestampTz(casnet_undelete_value(result, 0, 1)) <= at;
}

/*
 * Find the deletion of the row, and note when it was.  Raises P0002 if there is none, its
 * entry was blanked, or the caller could not have seen the row.  So that the answers do not
 * differ, the policies are asked about the key where there is no row.
 */
static Jsonb *
find_deletion(Undelete *call, Relation relation, Jsonb *key)
{
	SPITupleTable *newest = casnet_undelete_newest(call, casnet_audit_name_of(relation), key);
	bool		found = casnet_undelete_is_deletion(newest) &&
		was_audited(call, relation, DatumGetTimestampTz(casnet_undelete_value(newest, 0, 4)));
	bool		is_blank = found && casnet_undelete_value(newest, 0, 2) == (Datum) 0;
	Jsonb	   *row = !found || is_blank ? key : DatumGetJsonbP(casnet_undelete_value(newest, 0, 2));

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
	call->transaction = casnet_undelete_value(newest, 0, 3);
	call->at = casnet_undelete_value(newest, 0, 4);
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
	casnet_undelete_add_row(&call, table, key, casnet_undelete_merge(row, changes),
							with_references);
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
	casnet_shard_refuse("undelete");
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
