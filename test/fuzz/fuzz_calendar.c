/*
 * fuzz_calendar.c
 *		Texts of calendars.  Each event that is read has an end that is not before its start,
 *		times within the range of the type, and rules that can be read again.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/tuplestore.h"

/* The declarations of these are not the same in all versions of the server. */
static void append_bytes(StringInfo text, const char *data, int length);
static ArrayType *make_array(Datum *values, int number);
static void take_event(Datum *values, bool *isnull);

#undef appendBinaryStringInfo
#undef construct_array
#define appendBinaryStringInfo(text, data, length) append_bytes(text, data, length)
#define construct_array(values, number, type, length, by_value, align) make_array(values, number)
#define tuplestore_putvalues(state, columns, values, isnull) take_event(values, isnull)

#include "../../src/rule.c"
#include "../../src/icalendar.c"

#include "server.h"
#include "strings.h"

MemoryContext CurrentMemoryContext = NULL;

/* A zone of the stubs is an offset in hours. */
static const char *const zone_names[] = {"UTC", "Asia/Tokyo", "America/New_York"};
static const int zone_hours[] = {0, 9, -5};

pg_tz *
casnet_zone_find(const char *name)
{
	for (int i = 0; i < lengthof(zone_names); i++)
		if (strcmp(name, zone_names[i]) == 0)
			return (pg_tz *) &zone_hours[i];
	return NULL;
}

const char *
pg_get_timezone_name(pg_tz *zone)
{
	return zone_names[(const int *) zone - zone_hours];
}

const char *
casnet_zone_of_session(void)
{
	return "Asia/Tokyo";
}

const char *
casnet_windows_zone(const char *name)
{
	return strcmp(name, "Tokyo Standard Time") == 0 ? "Asia/Tokyo" : NULL;
}

Timestamp
casnet_zone_local(TimestampTz at, const pg_tz *zone)
{
	return at + *(const int *) zone * USECS_PER_HOUR;
}

bool
casnet_zone_instant(Timestamp local, const pg_tz *zone, TimestampTz *at)
{
	*at = local - *(const int *) zone * USECS_PER_HOUR;
	return true;
}

int
pg_mbcliplen(const char *string, int length, int limit)
{
	return Min(length, limit);
}

void
initStringInfo(StringInfo text)
{
	text->data = palloc(16);
	text->data[0] = '\0';
	text->len = 0;
	text->maxlen = 16;
}

void
resetStringInfo(StringInfo text)
{
	text->len = 0;
	text->data[0] = '\0';
}

char *
MemoryContextStrdup(MemoryContext context, const char *string)
{
	return pstrdup(string);
}

static void
append_bytes(StringInfo text, const char *data, int length)
{
	if (text->len + length >= text->maxlen)
	{
		text->maxlen = 2 * (text->len + length + 1);
		text->data = repalloc(text->data, text->maxlen);
	}
	memcpy(text->data + text->len, data, length);
	text->len += length;
	text->data[text->len] = '\0';
}

void
appendStringInfo(StringInfo text, const char *format,...)
{
	va_list		arguments;
	char	   *more = malloc(16384);
	int			length;

	va_start(arguments, format);
	length = vsnprintf(more, 16384, format, arguments);
	va_end(arguments);
	MUST(length < 16384);
	append_bytes(text, more, length);
	free(more);
}

/* Lists have room for more from the start. */
List *
lappend(List *list, void *datum)
{
	if (list == NIL)
	{
		list = palloc0(sizeof(List));
		list->type = T_List;
		list->max_length = 4;
		list->elements = palloc(4 * sizeof(ListCell));
	}
	if (list->length == list->max_length)
	{
		list->max_length *= 2;
		list->elements = repalloc(list->elements, list->max_length * sizeof(ListCell));
	}
	list->elements[list->length++].ptr_value = datum;
	return list;
}

List *
list_make2_impl(NodeTag type, ListCell first, ListCell second)
{
	return lappend(lappend(NIL, first.ptr_value), second.ptr_value);
}

text *
cstring_to_text(const char *string)
{
	return cstring_to_text_with_len(string, strlen(string));
}

/* An array is its values and their number. */
typedef struct Array
{
	int			number;
	Datum	   *values;
} Array;

static ArrayType *
make_array(Datum *values, int number)
{
	Array	   *array = palloc(sizeof(Array));

	array->number = number;
	array->values = values;
	return (ArrayType *) array;
}

static ReturnSetInfo result;

#ifdef InitMaterializedSRF
#undef InitMaterializedSRF
#endif
void
InitMaterializedSRF(FunctionCallInfo fcinfo, uint32 flags)
{
}

void
SetSingleFuncCall(FunctionCallInfo fcinfo, uint32 flags)
{
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size minimum,
							  Size initial, Size maximum)
{
	return NULL;
}

void
MemoryContextReset(MemoryContext context)
{
}

void
MemoryContextDelete(MemoryContext context)
{
}

/* All times of an array are within the range. */
static void
check_times(Datum datum, bool may_be_endless)
{
	Array	   *array = (Array *) DatumGetPointer(datum);

	for (int i = 0; i < array->number; i++)
		MUST(IS_VALID_TIMESTAMP(DatumGetTimestampTz(array->values[i])) ||
			 (may_be_endless && DatumGetTimestampTz(array->values[i]) == DT_NOEND));
}

static void
take_event(Datum *values, bool *isnull)
{
	Array	   *rules = (Array *) DatumGetPointer(values[11]);
	CasnetRule	rule;

	MUST(!isnull[1] && !isnull[3] && !isnull[6] && !isnull[7] && !isnull[10]);
	MUST(IS_VALID_TIMESTAMP(DatumGetTimestampTz(values[7])));
	MUST(IS_VALID_TIMESTAMP(DatumGetTimestampTz(values[8])));
	MUST(DatumGetTimestampTz(values[7]) <= DatumGetTimestampTz(values[8]));
	MUST(casnet_zone_find(text_to_cstring(DatumGetTextPP(values[10]))) != NULL);
	for (int i = 0; i < rules->number; i++)
		MUST(casnet_rule_parse(text_to_cstring(DatumGetTextPP(rules->values[i])), &rule) == NULL);
	check_times(values[12], false);
	check_times(values[13], false);
	check_times(values[14], true);
	MUST(((Array *) DatumGetPointer(values[13]))->number ==
		 ((Array *) DatumGetPointer(values[14]))->number);
	MUST(isnull[15] == isnull[17]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LOCAL_FCINFO(fcinfo, 1);
	char	   *calendar = malloc(size + 1);

	selftest(data, size);
	memcpy(calendar, data, size);
	calendar[size] = '\0';
	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, (Node *) &result);
	fcinfo->args[0].isnull = false;
	fcinfo->args[0].value = PointerGetDatum(cstring_to_text_with_len(calendar, strlen(calendar)));
	if (setjmp(raised) == 0)
		casnet_read_calendar(fcinfo);
	else
		MUST(raised_sqlstate == ERRCODE_INVALID_PARAMETER_VALUE);
	forget_memory();
	free(calendar);
	return 0;
}
