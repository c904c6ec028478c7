/*
 * audit_value.c
 *		A value of an audited row as jsonb, as to_jsonb() has it.
 *
 * A type can have a cast to json, which its owner can add at any time, and to_jsonb()
 * calls it.  That code belongs to the owner of the type, not to the writer or the owner
 * of the table.  So it runs as the owner of the type (owner.c).  A composite type, or an
 * array of one, can contain types of several owners, so casnet takes these apart itself.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "audit.h"
#include "casnet.h"

/* The elements of an array, in the order in which they are stored. */
typedef struct Elements
{
	Oid			type;
	int			ndims;
	int		   *lengths;		/* of the dimensions */
	Datum	   *values;
	bool	   *nulls;
	int			next;
} Elements;

static void add_foreign(Oid type, FmgrInfo *function, Datum value,
						JsonbValue *json);

/* The function that converts a value of the type to jsonb as a whole. */
FmgrInfo *
casnet_audit_converter(Oid type, int32 modifier, Oid collation)
{
	FmgrInfo   *function = palloc(sizeof(FmgrInfo));
	Const	   *argument = makeNullConst(type, modifier, collation);

	fmgr_info(F_TO_JSONB, function);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
											 list_make1(argument), InvalidOid,
											 InvalidOid, COERCE_EXPLICIT_CALL),
					   function);
	return function;
}

/* Convert a jsonb to the value of a member. */
void
casnet_audit_unpack(Jsonb *jsonb, JsonbValue *json)
{
	CasnetJson	state = {0};
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (JsonbExtractScalar(&jsonb->root, json))
		return;
	iterator = JsonbIteratorInit(&jsonb->root);
	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
		casnet_json_push(&state, token,
						 token < WJB_BEGIN_ARRAY ? &value : NULL);
	*json = *state.result;
}

/* Convert a value of any type; function is its converter, or NULL. */
static void
add_any(Oid type, FmgrInfo *function, Datum value, bool isnull,
		JsonbValue *json)
{
	Oid			base = getBaseType(type);

	if (isnull)
	{
		json->type = jbvNull;
		return;
	}
	if (base >= FirstNormalObjectId)
	{
		add_foreign(base, function, value, json);
		return;
	}
	if (function == NULL)
		function = casnet_audit_converter(base, -1, get_typcollation(base));
	casnet_audit_unpack(DatumGetJsonbP(FunctionCall1(function, value)), json);
}

/* A value of a composite type becomes an object of its columns. */
static void
add_composite(Datum value, JsonbValue *json)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	TupleDesc	tupdesc =
		lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(header),
									HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple;
	Datum	   *values = palloc(tupdesc->natts * sizeof(Datum));
	bool	   *nulls = palloc(tupdesc->natts * sizeof(bool));
	CasnetJson	state = {0};

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, tupdesc, values, nulls);
	casnet_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tupdesc, i);
		JsonbValue	member;

		if (attribute->attisdropped)
			continue;
		member.type = jbvString;
		member.val.string.val = NameStr(attribute->attname);
		member.val.string.len = strlen(NameStr(attribute->attname));
		casnet_json_push(&state, WJB_KEY, &member);
		add_any(attribute->atttypid, NULL, values[i], nulls[i], &member);
		casnet_json_push(&state, WJB_VALUE, &member);
	}
	casnet_json_push(&state, WJB_END_OBJECT, NULL);
	*json = *state.result;
}

/* One dimension of an array, from the next element on. */
static JsonbValue *
add_dimension(Elements *elements, int dimension)
{
	CasnetJson	state = {0};

	casnet_json_push(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < elements->lengths[dimension]; i++)
	{
		JsonbValue	element;

		if (dimension + 1 < elements->ndims)
			element = *add_dimension(elements, dimension + 1);
		else
		{
			add_any(elements->type, NULL, elements->values[elements->next],
					elements->nulls[elements->next], &element);
			elements->next++;
		}
		casnet_json_push(&state, WJB_ELEM, &element);
	}
	casnet_json_push(&state, WJB_END_ARRAY, NULL);
	return state.result;
}

/* An array of a composite type. */
static void
add_array(Oid element, Datum value, JsonbValue *json)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Elements	elements;
	int			empty = 0;
	int			n;
	int16		length;
	bool		byval;
	char		align;

	get_typlenbyvalalign(element, &length, &byval, &align);
	deconstruct_array(array, element, length, byval, align, &elements.values,
					  &elements.nulls, &n);
	elements.type = element;
	elements.ndims = n == 0 ? 1 : ARR_NDIM(array);
	elements.lengths = n == 0 ? &empty : ARR_DIMS(array);
	elements.next = 0;
	*json = *add_dimension(&elements, 0);
}

/* The owner of a type, or of an array's element type. */
static Oid
owner_of_type(Oid type)
{
	Oid			element;
	HeapTuple	tuple;
	Oid			owner;

	while (OidIsValid(element = get_element_type(type)))
		type = getBaseType(element);
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	owner = ((Form_pg_type) GETSTRUCT(tuple))->typowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Whether the type is composite, or an array of composite values, however nested. */
static bool
has_composite(Oid type)
{
	while (OidIsValid(type))
	{
		type = getBaseType(type);
		if (type_is_rowtype(type))
			return true;
		type = get_element_type(type);
	}
	return false;
}

/* Convert a value of a type that is neither a domain nor built in. */
static void
add_foreign(Oid type, FmgrInfo *function, Datum value, JsonbValue *json)
{
	Oid			element = get_element_type(type);
	CasnetOwnerSwitch former;
	Jsonb	   *result;

	check_stack_depth();
	if (type_is_rowtype(type))
	{
		add_composite(value, json);
		return;
	}
	if (OidIsValid(element) && has_composite(element))
	{
		add_array(element, value, json);
		return;
	}
	if (function == NULL)
		function = casnet_audit_converter(type, -1, get_typcollation(type));
	casnet_owner_enter(&former, owner_of_type(type));
	result = DatumGetJsonbP(FunctionCall1(function, value));
	casnet_owner_leave(&former);
	casnet_audit_unpack(result, json);
}

/* Fix the settings that matter for a type, until the returned level ends. */
static int
begin_settings(Oid type)
{
	switch (type)
	{
		case NUMERICOID:
		case DATEOID:
		case TIMESTAMPOID:
		case BPCHAROID:
			/* jsonb has a form of its own for these. */
			return NewGUCNestLevel();
		case FLOAT4OID:
		case FLOAT8OID:
		case INTERVALOID:
		case BYTEAOID:
			return casnet_format_begin(false);
		default:
			return casnet_format_begin(true);
	}
}

/*
 * Convert a value of that base type to the value of a member, with its converter.  Raises
 * what a cast to json raises.
 */
void
casnet_audit_value(Oid type, FmgrInfo *function, Datum value, JsonbValue *json)
{
	int			level = begin_settings(type);

	add_any(type, function, value, false, json);
	AtEOXact_GUC(true, level);
}
