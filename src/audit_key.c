/*
 * audit_key.c
 *		The key of a row as entries of the audit have it, from what a user gives.
 *
 * The values pass through the input functions of their types, which run as the caller, and
 * then through the code that makes an entry.  So whatever way a key is written (an id in
 * upper case, a time in another zone), it is the one of the entries.  Checks of domains do
 * not run: reading a table runs none of them either.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "audit.h"
#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_row_key);

/* What is known while a key is made. */
typedef struct RowKey
{
	Relation	relation;
	AuditedTable *table;
	int			tenant_column;
	int			ncolumns;		/* of the key, besides the tenant */
	char	   *names;			/* of these, with commas */
} RowKey;

/* Whether the column of that number is one that a user has to give. */
static bool
must_be_given(const RowKey *key, int number)
{
	return casnet_audit_is_key(key->table, number) &&
		(number != key->tenant_column || key->ncolumns == 0);
}

/* Find the columns of the key that a user has to give: all but the tenant. */
static void
find_columns(RowKey *key)
{
	TupleDesc	tupdesc = RelationGetDescr(key->relation);
	StringInfoData names;

	initStringInfo(&names);
	key->ncolumns = 0;
	for (int i = 0; i < tupdesc->natts; i++)
	{
		if (!casnet_audit_is_key(key->table, i + 1) || i + 1 == key->tenant_column)
			continue;
		appendStringInfo(&names, "%s%s", key->ncolumns > 0 ? ", " : "",
						 NameStr(TupleDescAttr(tupdesc, i)->attname));
		key->ncolumns++;
	}
	/* The tenant itself is the key of a table with one row for each tenant. */
	key->names = key->ncolumns > 0 ? names.data :
		pstrdup(NameStr(TupleDescAttr(tupdesc, key->tenant_column - 1)->attname));
}

/* Raises 22023: what was given is no key of the table. */
static void
refuse_key(const RowKey *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this is no key of table %s", casnet_audit_name(key->table)),
			 key->ncolumns < 2 ?
			 errhint("Give the value of column %s.", key->names) :
			 errhint("Give an object with the columns %s, as audit_log() has it in row_key.",
					 key->names)));
}

/* The value of a member of the object as text; NULL if there is none, or null. */
static char *
member_text(Jsonb *object, const char *name)
{
	JsonbValue	space;
	JsonbValue *value = getKeyJsonValueFromContainer(&object->root, name,
													 strlen(name), &space);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvBool:
			return value->val.boolean ? "true" : "false";
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
		default:
			return JsonbToCString(NULL, &JsonbValueToJsonb(value)->root, -1);
	}
}

/* Error context callback: what no input function takes is no key of the table. */
static void
explain_input(void *name)
{
	int			code = geterrcode();

	if (code == ERRCODE_INVALID_PARAMETER_VALUE)
		return;
	if (ERRCODE_TO_CATEGORY(code) != ERRCODE_DATA_EXCEPTION &&
		code != ERRCODE_STATEMENT_TOO_COMPLEX && code != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		return;
	errcode(ERRCODE_INVALID_PARAMETER_VALUE);
	errhint("Give the key of a row of table %s.", (char *) name);
}

/*
 * The text as a value of the column; runs the input function of the type below the domains
 * as the caller.  Raises 55000 for a type whose values call code of others, such as an array
 * of a domain.
 */
static Datum
input_value(const RowKey *key, Form_pg_attribute attribute, char *value)
{
	int32		modifier = attribute->atttypmod;
	Oid			type = getBaseTypeAndTypmod(attribute->atttypid, &modifier);
	Oid			function;
	Oid			parameter;

	if (casnet_stranger_in_type(type, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the type of column \"%s\" of table %s calls code of another role",
						NameStr(attribute->attname), casnet_audit_name(key->table)),
				 errhint("Look for the row in casnet.audit_log(for_relation => '%s').",
						 casnet_audit_name(key->table))));
	getTypeInputInfo(type, &function, &parameter);
	return OidInputFunctionCall(function, value, parameter, modifier);
}

/*
 * Fill the slot with the values of the key; all others are NULL.  Object is NULL if one
 * value was given as it is.
 */
static void
fill_key(const RowKey *key, TupleTableSlot *slot, const char *given,
		 Jsonb *object, const pg_uuid_t *tenant)
{
	int			found = 0;

	ExecClearTuple(slot);
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(slot->tts_tupleDescriptor, i);
		char	   *value = NULL;

		slot->tts_values[i] = (Datum) 0;
		slot->tts_isnull[i] = true;
		if (!casnet_audit_is_key(key->table, i + 1))
			continue;
		if (object != NULL)
			value = member_text(object, NameStr(attribute->attname));
		else if (must_be_given(key, i + 1))
			value = pstrdup(given);
		if (value == NULL && must_be_given(key, i + 1))
			refuse_key(key);
		found += value != NULL;
		slot->tts_values[i] = value == NULL ? UUIDPGetDatum(tenant) :
			input_value(key, attribute, value);
		slot->tts_isnull[i] = false;
	}
	/* Members that are no columns of the key, or one value for several columns. */
	if (object != NULL ? found != JB_ROOT_COUNT(object) : found != 1)
		refuse_key(key);
	ExecStoreVirtualTuple(slot);
}

/*
 * The key as jsonb, in the form of the entries.  Given is the value of the only column
 * besides the tenant, or a JSON object with the columns; the tenant can be left out of it.
 * Raises 22023 for anything else, 42809 for a table whose rows have no tenant, 55000 for
 * one without a primary key or tenant, or whose key calls code of others.
 */
Datum
casnet_audit_key(Relation relation, const char *given, const pg_uuid_t *tenant)
{
	TupleTableSlot *slot;
	Jsonb	   *object = NULL;
	RowKey		key;
	Datum		result;
	ErrorContextCallback callback;

	key.relation = relation;
	key.table = casnet_audit_describe(relation, NULL, CurrentMemoryContext);
	key.tenant_column = casnet_audit_tenant_column(key.table);
	if (key.tenant_column == 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("rows of table %s belong to no tenant",
						casnet_audit_name(key.table)),
				 errhint("Name a table of the active tenant, such as 'casnet.records'.")));
	find_columns(&key);
	callback.callback = explain_input;
	callback.arg = unconstify(char *, casnet_audit_name(key.table));
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (given[strspn(given, " \t\r\n")] == '{')
		object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
													CStringGetDatum(given)));
	slot = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsVirtual);
	fill_key(&key, slot, given, object, tenant);
	error_context_stack = callback.previous;
	result = casnet_audit_row(key.table, slot, true);
	ExecDropSingleTupleTableSlot(slot);
	return result;
}

/*
 * casnet_internal.row_key(relation regclass, given text) returns jsonb
 *
 * The key of a row of the active tenant, as the entries of the audit have it.  Reads no
 * row.  Raises 28000, 55000 or 42501 without an active tenant, P0002 without a table, and
 * what casnet_audit_key() raises.
 */
Datum
casnet_row_key(PG_FUNCTION_ARGS)
{
	const CasnetVerdict *verdict = casnet_membership_require(0, NULL);
	pg_uuid_t	tenant = verdict->key.tenant;
	Relation	relation;
	Datum		key;

	if (PG_ARGISNULL(0) || get_rel_relkind(PG_GETARG_OID(0)) == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no such table"),
				 errhint("Give the name of a table, with its schema.")));
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key of the row is null"),
				 errhint("Give the id of the row.")));
	relation = relation_open(PG_GETARG_OID(0), AccessShareLock);
	if (relation->rd_rel->relkind != RELKIND_RELATION &&
		relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(relation)),
				 errhint("Name the table that the row was in.")));
	key = casnet_audit_key(relation, text_to_cstring(PG_GETARG_TEXT_PP(1)), &tenant);
	relation_close(relation, AccessShareLock);
	PG_RETURN_DATUM(key);
}
