/*
 * export.c
 *		The rows of a table as the documents of an export.
 *
 * The rows are read as the owner of the table (owner.c), page by page in the order of the
 * primary key, so that an export of any length takes the memory of one page.  All pages
 * have the snapshot of the query that calls.  Values become JSON by the output functions
 * of their types and by no casts, which could be somebody's code.
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "casnet.h"

/* A page ends with the row that makes it so long, in rows or in bytes. */
#define PAGE_ROWS 1000
#define PAGE_BYTES 1000000

/* How a column is shown. */
typedef struct Column
{
	char	   *name;
	bool		is_member;		/* by the name of the user, who is a member */
	bool		is_optional;	/* left out when it is NULL */
	Oid			type;
	FmgrInfo	output;
} Column;

/* An export of one table; in memory that lasts for all its documents. */
typedef struct Export
{
	DestReceiver receiver;		/* first, so that one points to the other */
	Oid			table;
	char	   *name;			/* of the table, in the documents */
	char	   *tenant_column;
	pg_uuid_t	tenant;
	Jsonb	   *members;		/* usernames by user id */
	int			natts;
	Column	   *columns;
	int			nkeys;
	char	  **keys;			/* columns of the primary key, but for the tenant */
	Oid			key_types[INDEX_MAX_KEYS];
	Datum		last[INDEX_MAX_KEYS];	/* the key of the last row of a page */
	bool		begun;			/* there has been a page */
	bool		ended;			/* there is no further page */
	MemoryContext memory;		/* of all this */
	MemoryContext page;			/* of the documents */
	MemoryContext row;			/* what one row needs */
	List	   *documents;
	int			next;			/* of the documents */
	Size		bytes;
} Export;

PG_FUNCTION_INFO_V1(casnet_table_documents);

/* Add a token of the document. */
static void
push(CasnetJson *json, JsonbIteratorToken token, JsonbValue *value)
{
	casnet_json_push(json, token, value);
}

/* Make a string of the value. */
static void
set_string(JsonbValue *json, char *string)
{
	json->type = jbvString;
	json->val.string.val = string;
	json->val.string.len = strlen(string);
}

static void
push_key(CasnetJson *json, const char *key)
{
	JsonbValue	value;

	set_string(&value, unconstify(char *, key));
	push(json, WJB_KEY, &value);
}

/* A time in ISO 8601, UTC, to the microsecond, whatever the settings. */
static char *
format_time(TimestampTz time)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (TIMESTAMP_IS_NOBEGIN(time))
		return pstrdup("-infinity");
	if (TIMESTAMP_IS_NOEND(time))
		return pstrdup("infinity");
	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range"),
				 errhint("Correct the time.")));
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ%s",
					tm.tm_year > 0 ? tm.tm_year : 1 - tm.tm_year, tm.tm_mon,
					tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec,
					tm.tm_year > 0 ? "" : " BC");
}

/* A number, or a string for what JSON has no number: not finite, or minus zero. */
static void
set_number(JsonbValue *json, char *text, bool is_number)
{
	if (!is_number)
	{
		set_string(json, text);
		return;
	}
	json->type = jbvNumeric;
	json->val.numeric =
		DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											ObjectIdGetDatum(InvalidOid),
											Int32GetDatum(-1)));
}

/* A user: the name of a member, else an object with the id. */
static void
push_user(CasnetJson *json, const Export *export, Datum user)
{
	char	   *id = casnet_uuid_format(DatumGetUUIDP(user));
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(&export->members->root, id, strlen(id),
									 &value) != NULL)
	{
		push(json, WJB_VALUE, &value);
		return;
	}
	push(json, WJB_BEGIN_OBJECT, NULL);
	push_key(json, "id");
	set_string(&value, id);
	push(json, WJB_VALUE, &value);
	push(json, WJB_END_OBJECT, NULL);
}

/* A value of a column, which is not NULL. */
static void
push_value(CasnetJson *json, Column *column, Datum value)
{
	JsonbValue	member;

	switch (column->type)
	{
		case BOOLOID:
			member.type = jbvBool;
			member.val.boolean = DatumGetBool(value);
			break;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			set_number(&member, OutputFunctionCall(&column->output, value), true);
			break;
		case NUMERICOID:
			set_number(&member, OutputFunctionCall(&column->output, value),
					   !numeric_is_nan(DatumGetNumeric(value)) &&
					   !numeric_is_inf(DatumGetNumeric(value)));
			break;
		case FLOAT4OID:
		case FLOAT8OID:
			{
				double		number = column->type == FLOAT4OID ?
					DatumGetFloat4(value) : DatumGetFloat8(value);

				set_number(&member, OutputFunctionCall(&column->output, value),
						   isfinite(number) && !(number == 0 && signbit(number)));
				break;
			}
		case TIMESTAMPTZOID:
			set_string(&member, format_time(DatumGetTimestampTz(value)));
			break;
		case JSONBOID:
			{
				Jsonb	   *jsonb = DatumGetJsonbP(value);

				if (JsonbExtractScalar(&jsonb->root, &member))
					break;
				member.type = jbvBinary;
				member.val.binary.data = &jsonb->root;
				member.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
				break;
			}
		default:
			set_string(&member, OutputFunctionCall(&column->output, value));
	}
	push(json, WJB_VALUE, &member);
}

/* The document of a row. */
static Jsonb *
make_document(Export *export, TupleTableSlot *slot)
{
	CasnetJson	json = {0};
	JsonbValue	value;

	push(&json, WJB_BEGIN_OBJECT, NULL);
	push_key(&json, "table");
	set_string(&value, export->name);
	push(&json, WJB_VALUE, &value);
	push_key(&json, "row");
	push(&json, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < export->natts; i++)
	{
		Column	   *column = &export->columns[i];

		if (slot->tts_isnull[i] && column->is_optional)
			continue;
		push_key(&json, column->name);
		if (slot->tts_isnull[i])
		{
			value.type = jbvNull;
			push(&json, WJB_VALUE, &value);
		}
		else if (column->is_member)
			push_user(&json, export, slot->tts_values[i]);
		else
			push_value(&json, column, slot->tts_values[i]);
	}
	push(&json, WJB_END_OBJECT, NULL);
	push(&json, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(json.result);
}

/* DestReceiver: the query of a page begins. */
static void
start_page(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	Export	   *export = (Export *) self;

	if (export->begun)
		return;
	for (int i = 0; i < export->natts; i++)
	{
		Column	   *column = &export->columns[i];
		Oid			output;
		bool		varlena;

		column->type = TupleDescAttr(tupdesc, i)->atttypid;
		if (column->is_member && column->type != UUIDOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" does not name a user", column->name),
					 errhint("Only a column of type uuid can name a user.")));
		getTypeOutputInfo(column->type, &output, &varlena);
		fmgr_info_cxt(output, &column->output, export->memory);
	}
	for (int i = 0; i < export->nkeys; i++)
		export->key_types[i] = TupleDescAttr(tupdesc, export->natts + i)->atttypid;
	export->begun = true;
}

/* Note the key of a row, which the next page begins after. */
static void
keep_key(Export *export, TupleTableSlot *slot)
{
	MemoryContext before = MemoryContextSwitchTo(export->page);

	for (int i = 0; i < export->nkeys; i++)
	{
		Form_pg_attribute attribute =
			TupleDescAttr(slot->tts_tupleDescriptor, export->natts + i);

		export->last[i] = datumCopy(slot->tts_values[export->natts + i],
									attribute->attbyval, attribute->attlen);
	}
	MemoryContextSwitchTo(before);
}

/* DestReceiver: a row.  Returns false to end the page. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	Export	   *export = (Export *) self;
	MemoryContext before = MemoryContextSwitchTo(export->row);
	Jsonb	   *document;
	Jsonb	   *copy;

	slot_getallattrs(slot);
	document = make_document(export, slot);
	MemoryContextSwitchTo(export->page);
	copy = palloc(VARSIZE(document));
	memcpy(copy, document, VARSIZE(document));
	export->documents = lappend(export->documents, copy);
	export->bytes += VARSIZE(document);
	MemoryContextSwitchTo(before);
	MemoryContextReset(export->row);
	if (export->nkeys == 0 || (list_length(export->documents) < PAGE_ROWS &&
							   export->bytes < PAGE_BYTES))
		return true;
	export->ended = false;
	keep_key(export, slot);
	return false;
}

static void
end_page(DestReceiver *self)
{
}

/*
 * The query of a page.  Without a key, one page has all rows, and does not end before.
 * Rows of tables that inherit from this one are not its own.
 */
static char *
page_query(const Export *export)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int i = 0; i < export->natts + export->nkeys; i++)
		appendStringInfo(&query, "%st.%s", i > 0 ? ", " : "",
						 quote_identifier(i < export->natts ?
										  export->columns[i].name :
										  export->keys[i - export->natts]));
	appendStringInfo(&query, " FROM %s%s AS t WHERE t.%s OPERATOR(pg_catalog.=) $1",
					 get_rel_relkind(export->table) == RELKIND_PARTITIONED_TABLE ?
					 "" : "ONLY ", casnet_owner_name(export->table),
					 quote_identifier(export->tenant_column));
	if (export->nkeys == 0)
		return query.data;
	if (export->begun)
	{
		appendStringInfoString(&query, " AND ROW(");
		for (int i = 0; i < export->nkeys; i++)
			appendStringInfo(&query, "%st.%s", i > 0 ? ", " : "",
							 quote_identifier(export->keys[i]));
		appendStringInfoString(&query, ") OPERATOR(pg_catalog.>) ROW(");
		for (int i = 0; i < export->nkeys; i++)
			appendStringInfo(&query, "%s$%d", i > 0 ? ", " : "", i + 2);
		appendStringInfoString(&query, ")");
	}
	for (int i = 0; i < export->nkeys; i++)
		appendStringInfo(&query, "%st.%s", i > 0 ? ", " : " ORDER BY ",
						 quote_identifier(export->keys[i]));
	appendStringInfo(&query, " LIMIT %d", PAGE_ROWS);
	return query.data;
}

/*
 * Read the next page as the owner of the table.  Raises 55006 if the name of the table
 * means another one.
 */
static void
read_page(Export *export)
{
	SPIExecuteOptions options = {0};
	ParamListInfo params = makeParamList(1 + (export->begun ? export->nkeys : 0));
	CasnetOwnerSwitch former;
	Oid			types[1 + INDEX_MAX_KEYS] = {UUIDOID};
	MemoryContext former_page = export->page;
	SPIPlanPtr	plan;
	int			level;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	for (int i = 0; i < params->numParams; i++)
	{
		if (i > 0)
			types[i] = export->key_types[i - 1];
		params->params[i].value = i == 0 ? UUIDPGetDatum(&export->tenant) :
			export->last[i - 1];
		params->params[i].isnull = false;
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = types[i];
	}
	casnet_owner_enter(&former, casnet_owner_of(export->table));
	casnet_owner_expect(export->table);
	level = casnet_format_begin(true);
	plan = SPI_prepare(page_query(export), params->numParams, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare a query: %s",
			 SPI_result_code_string(SPI_result));

	/* The last key is in the memory of the page before. */
	export->page = AllocSetContextCreate(export->memory, "casnet page of documents",
										 ALLOCSET_DEFAULT_SIZES);
	export->documents = NIL;
	export->next = 0;
	export->bytes = 0;
	export->ended = true;
	options.params = params;
	options.read_only = true;
	options.dest = &export->receiver;
	if (SPI_execute_plan_extended(plan, &options) < 0)
		elog(ERROR, "could not read rows: %s", SPI_result_code_string(SPI_result));
	AtEOXact_GUC(true, level);
	casnet_owner_leave(&former);
	SPI_finish();
	if (former_page != NULL)
		MemoryContextDelete(former_page);
}

/* The columns of the primary key but for the tenant; none if types are not built in. */
static void
find_keys(Export *export, Relation relation)
{
	Oid			index = casnet_primary_key(relation);
	Relation	key;
	Form_pg_index form;

	if (!OidIsValid(index))
		return;
	key = index_open(index, AccessShareLock);
	form = key->rd_index;
	export->keys = palloc_array(char *, form->indnkeyatts);
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		Form_pg_attribute attribute =
			TupleDescAttr(RelationGetDescr(relation), form->indkey.values[i] - 1);

		if (strcmp(NameStr(attribute->attname), export->tenant_column) == 0)
			continue;
		if (attribute->atttypid >= FirstNormalObjectId)
		{
			export->nkeys = 0;
			break;
		}
		export->keys[export->nkeys++] = pstrdup(NameStr(attribute->attname));
	}
	index_close(key, AccessShareLock);
}

/* What a table is exported as; in the memory of the call. */
static Export *
begin_export(FunctionCallInfo fcinfo)
{
	Export	   *export = palloc0_object(Export);
	Relation	relation;
	Datum	   *names;
	Datum	   *kinds;
	int			nkinds;

	export->receiver.receiveSlot = receive_row;
	export->receiver.rStartup = start_page;
	export->receiver.rShutdown = end_page;
	export->receiver.rDestroy = end_page;
	export->receiver.mydest = DestTuplestore;
	export->memory = CurrentMemoryContext;
	export->row = AllocSetContextCreate(export->memory, "casnet document",
										ALLOCSET_DEFAULT_SIZES);
	export->table = PG_GETARG_OID(0);
	export->name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	export->tenant_column = pstrdup(NameStr(*PG_GETARG_NAME(2)));
	deconstruct_array_builtin(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, &names, NULL,
							  &export->natts);
	deconstruct_array_builtin(PG_GETARG_ARRAYTYPE_P(4), TEXTOID, &kinds, NULL,
							  &nkinds);
	if (nkinds != export->natts || nkinds == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d kinds for %d columns", nkinds, export->natts),
				 errhint("Give each column its kind.")));
	export->tenant = *PG_GETARG_UUID_P(5);
	export->members = (Jsonb *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(6));
	export->columns = palloc0_array(Column, export->natts);
	for (int i = 0; i < export->natts; i++)
	{
		char	   *kind = TextDatumGetCString(kinds[i]);

		export->columns[i].name = TextDatumGetCString(names[i]);
		export->columns[i].is_member = strncmp(kind, "member", 6) == 0;
		export->columns[i].is_optional = strcmp(kind, "json?") == 0;
	}

	casnet_owner_require_table(export->table);
	relation = table_open(export->table, AccessShareLock);
	find_keys(export, relation);
	table_close(relation, NoLock);
	return export;
}

/*
 * casnet_internal.table_documents(relation regclass, name text, tenant_column name,
 * columns text[], kinds text[], tenant_id uuid, members jsonb) returns setof jsonb
 *
 * The rows of a tenant in a table, read as the owner of the table, as documents in the
 * order of the primary key; internal.  Raises 42P01 if there is no such table, 55006 if its
 * name means another one, 22023 unless each column has a kind, 42804 if a column is no
 * user, and what the query of the rows raises.
 */
Datum
casnet_table_documents(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	Export	   *export;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext before;

		call = SRF_FIRSTCALL_INIT();
		before = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		call->user_fctx = begin_export(fcinfo);
		MemoryContextSwitchTo(before);
	}
	call = SRF_PERCALL_SETUP();
	export = call->user_fctx;
	if (export->next == list_length(export->documents) && !export->ended)
		read_page(export);
	if (export->next == list_length(export->documents))
		SRF_RETURN_DONE(call);
	SRF_RETURN_NEXT(call, PointerGetDatum(list_nth(export->documents,
												   export->next++)));
}
