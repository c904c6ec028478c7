/*
 * person.c
 *		What belongs to a person, and its erasure.
 *
 * A person is a row of casnet.persons.  Rows that refer to it by a foreign key belong to
 * it, and so do those that refer to a row which the key deletes with it.  casnet reads
 * them as the owner of their table (owner.c), so that nothing is left out that the session
 * does not see, and nobody's code gains rights.
 *
 * Erasure deletes the person as the caller.  So the policies, the server's cascades and
 * everybody's triggers do what they do for any other DELETE.  Then casnet blanks what the
 * audit has about these rows (audit.c), and records the erasure.  The list of what belongs
 * to the person stays in C meanwhile: nobody can give another one.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "audit.h"
#include "casnet.h"

/* The longest reason for an erasure, in bytes. */
#define MOST_REASON 1000

/* Room for the place of a row: two numbers of 10 digits, and punctuation. */
#define PLACE_LENGTH 64

/* Rows whose references are yet to be followed. */
typedef struct Level
{
	Oid			table;
	char	   *rows;			/* a JSON array */
	bool		is_of_records;	/* they belong to records about the person */
} Level;

/* A foreign key to a table, as casnet_internal.references_to() describes it. */
typedef struct Reference
{
	Oid			child;
	char	   *fate;			/* of the rows that refer */
	char	   *query;			/* returns them; $1 are those that they refer to */
} Reference;

PG_FUNCTION_INFO_V1(casnet_rows_of_person);
PG_FUNCTION_INFO_V1(casnet_erase_person);

/* Run a query in SPI; raises XX000 if the server refuses to. */
static void
run(const char *query, int nargs, Oid *types, Datum *values, bool read_only)
{
	int			code = SPI_execute_with_args(query, nargs, types, values, NULL,
											 read_only, 0);

	if (code < 0)
		elog(ERROR, "could not run a statement: %s",
			 SPI_result_code_string(code));
}

/* The text of a column of the last result, in the given memory; NULL for NULL. */
static char *
result_text(uint64 row, int column, MemoryContext context)
{
	char	   *value = SPI_getvalue(SPI_tuptable->vals[row],
									 SPI_tuptable->tupdesc, column);

	return value == NULL ? NULL : MemoryContextStrdup(context, value);
}

/* The foreign keys that refer to a table, in the given memory. */
static List *
find_references(Oid table, MemoryContext context)
{
	Oid			type = REGCLASSOID;
	Datum		value = ObjectIdGetDatum(table);
	List	   *references = NIL;

	run("SELECT r.child::pg_catalog.oid, r.fate, r.query"
		" FROM casnet_internal.references_to($1) AS r",
		1, &type, &value, true);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(context);
		Reference  *reference = palloc(sizeof(Reference));

		reference->child = atooid(result_text(i, 1, context));
		reference->fate = result_text(i, 2, context);
		reference->query = result_text(i, 3, context);
		references = lappend(references, reference);
		MemoryContextSwitchTo(oldcontext);
	}
	SPI_freetuptable(SPI_tuptable);
	return references;
}

/* A text as jsonb in the current memory. */
static Datum
as_jsonb(const char *string)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(string));
}

/*
 * Add the rows of the last result that are not known yet to the function's result.
 * Returns those as a JSON array in the given memory, or NULL if there are none.
 */
static char *
keep_rows(const char *name, const char *fate, HTAB *known,
		  ReturnSetInfo *result, MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	MemoryContext values_context = AllocSetContextCreate(context, "casnet rows of a person",
														 ALLOCSET_DEFAULT_SIZES);
	StringInfoData rows;

	initStringInfo(&rows);
	MemoryContextSwitchTo(values_context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *key = result_text(i, 1, values_context);
		char	   *content = result_text(i, 2, values_context);
		char		place[PLACE_LENGTH] = {0};
		Datum		values[4];
		bool		isnull[4] = {false, false, key == NULL, false};
		bool		found;

		strlcpy(place, result_text(i, 3, values_context), PLACE_LENGTH);
		(void) hash_search(known, place, HASH_ENTER, &found);
		if (!found)
		{
			values[0] = CStringGetTextDatum(name);
			values[1] = CStringGetTextDatum(fate);
			values[2] = key == NULL ? (Datum) 0 : as_jsonb(key);
			values[3] = as_jsonb(content);
			tuplestore_putvalues(result->setResult, result->setDesc, values,
								 isnull);
			appendStringInfo(&rows, "%c%s", rows.len == 0 ? '[' : ',', content);
		}
		MemoryContextReset(values_context);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(values_context);
	if (rows.len == 0)
		return NULL;
	appendStringInfoChar(&rows, ']');
	return rows.data;
}

/* Whether the rows that refer are deleted with what they refer to. */
static bool
is_deleted(const Reference *reference)
{
	return strcmp(reference->fate, "deleted") == 0;
}

/*
 * Read the rows that refer to those of a level, as the owner of their table.  Those that will
 * be deleted are locked, if asked for, so that nobody changes them or refers to them anew.
 */
static char *
follow(const Reference *reference, const Level *level, bool locks, HTAB *known,
	   ReturnSetInfo *result, MemoryContext context)
{
	const char *fate = level->is_of_records ? "stays" : reference->fate;
	Relation	child;
	CasnetOwnerSwitch former;
	Oid			type = JSONBOID;
	Datum		value = as_jsonb(level->rows);
	char	   *name;
	char	   *rows;

	locks = locks && is_deleted(reference);
	casnet_reach_require_one_owner(reference->child);
	child = table_open(reference->child, AccessShareLock);
	name = casnet_audit_name_of(child);
	casnet_reach_enter_owner(&former, reference->child);
	casnet_owner_expect(reference->child);
	run(locks ? psprintf("%s FOR UPDATE OF t", reference->query) : reference->query,
		1, &type, &value, !locks);
	casnet_owner_leave(&former);
	table_close(child, NoLock);
	rows = keep_rows(name, fate, known, result, context);
	SPI_freetuptable(SPI_tuptable);
	return rows;
}

/* Rows of a table, to be followed after others; allocated in the current memory. */
static List *
add_level(List *levels, Oid table, char *rows, bool is_of_records)
{
	Level	   *level = palloc(sizeof(Level));

	level->table = table;
	level->rows = rows;
	level->is_of_records = is_of_records;
	return lappend(levels, level);
}

/* The records that links lead to: a JSON array of their keys, in the given memory. */
static char *
linked_records(const char *links, MemoryContext context)
{
	Oid			type = JSONBOID;
	Datum		value = as_jsonb(links);
	char	   *records;

	run("SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
		"'id', l.record_id, 'tenant_id', l.tenant_id))"
		" FROM pg_catalog.jsonb_to_recordset($1)"
		" AS l (record_id pg_catalog.uuid, tenant_id pg_catalog.uuid)",
		1, &type, &value, true);
	records = result_text(0, 1, context);
	SPI_freetuptable(SPI_tuptable);
	return records;
}

/* The tenant where the session may export, or erase, all about a person; raises 42501 else. */
static pg_uuid_t
tenant_of_permission(bool erases)
{
	int			bit = casnet_permission_find(erases ? "erase_persons" : "export_persons");

	return casnet_membership_require(1, &bit)->key.tenant;
}

/*
 * casnet_internal.rows_of_person(person_id uuid, for_update boolean, OUT relation text,
 * OUT fate text, OUT row_key jsonb, OUT content jsonb) returns setof record
 *
 * The rows that refer to a person of the active tenant, and those that would be deleted
 * with them, in any table; what would become of each if the person were deleted.  For an
 * update, locks those that would be deleted, and sees what others have committed by then.
 * Else returns the rows of records about the person as well, which would stay.  Raises
 * 28000, 55000, and 42501 without export_persons, or for an update erase_persons.  Raises 55000 for code
 * that would run with more rights than its owner has.
 */
Datum
casnet_rows_of_person(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context = CurrentMemoryContext;
	bool		locks = PG_GETARG_BOOL(1);
	Oid			links = get_relname_relid("record_persons", casnet_schema());
	pg_uuid_t	tenant;
	List	   *levels;
	HASHCTL		control;
	HTAB	   *known;

	AcceptInvalidationMessages();
	tenant = tenant_of_permission(locks);
	InitMaterializedSRF(fcinfo, 0);
	memset(&control, 0, sizeof(control));
	control.keysize = PLACE_LENGTH;
	control.entrysize = PLACE_LENGTH;
	control.hcxt = context;
	known = hash_create("casnet rows of a person", 128, &control,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	levels = add_level(NIL, get_relname_relid("persons", casnet_schema()),
					   psprintf("[{\"id\": \"%s\", \"tenant_id\": \"%s\"}]",
								casnet_uuid_format(PG_GETARG_UUID_P(0)),
								casnet_uuid_format(&tenant)), false);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	while (levels != NIL)
	{
		Level	   *level = linitial(levels);
		ListCell   *lc;

		levels = list_delete_first(levels);
		foreach(lc, find_references(level->table, context))
		{
			Reference  *reference = lfirst(lc);
			bool		is_link = reference->child == links;
			char	   *rows = level->is_of_records && is_link ? NULL :
				follow(reference, level, locks, known, result, context);
			char	   *records = rows != NULL && is_link && !locks ?
				linked_records(rows, context) : NULL;
			MemoryContext oldcontext = MemoryContextSwitchTo(context);

			if (rows != NULL && is_deleted(reference))
				levels = add_level(levels, reference->child, rows,
								   level->is_of_records);
			if (records != NULL)
				levels = add_level(levels, get_relname_relid("records", casnet_schema()),
								   records, true);
			MemoryContextSwitchTo(oldcontext);
		}
	}
	SPI_finish();
	return (Datum) 0;
}

/* Run a query as the owner of casnet's tables; its first value is in the last result. */
static void
run_as_casnet(const char *query, int nargs, Oid *types, Datum *values)
{
	CasnetOwnerSwitch former;

	casnet_owner_enter(&former, get_role_oid("casnet_owner", false));
	run(query, nargs, types, values, false);
	casnet_owner_leave(&former);
}

/* Raises P0002. */
static void
refuse_missing(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("there is no such person"),
			 errhint("SELECT id, name FROM casnet.persons lists those of the active tenant.")));
}

/*
 * Raises 55000 where an erasure would leave something.  A statement around it writes its
 * entries of the audit when it ends.  A transaction with one snapshot does not see the
 * entries that others have written since.
 */
static void
require_own_statement(void)
{
	if (casnet_statement_is_noted())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a person cannot be erased within a statement that writes"),
				 errhint("Call casnet.erase_person() in a statement of its own.")));
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a person cannot be erased in a transaction of this isolation level"),
				 errdetail("It does not see what others have written since it began."),
				 errhint("Call casnet.erase_person() in a READ COMMITTED transaction.")));
}

/* The reason as text, or 0 for NULL.  Raises 22001 if it is too long. */
static Datum
reason_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		return (Datum) 0;
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(1)) > MOST_REASON)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("the reason is too long"),
				 errhint("Give at most %d bytes, such as the number of the request.",
						 MOST_REASON)));
	return PG_GETARG_DATUM(1);
}

/*
 * Delete the person as the caller.  Returns the list of what is deleted with it, in the given
 * memory; it has no element if the person had been deleted before.  Raises P0002 if the
 * caller's policies hide the person, 55000 if an administrator would run code of others.
 * A role of the application runs that in each of its own statements.
 */
static Datum
delete_person(Datum *values, MemoryContext context)
{
	Oid			types[] = {UUIDOID, UUIDOID};
	MemoryContext oldcontext;
	char	   *string;
	Datum		rows;

	if (casnet_security_is_administrator())
		casnet_reach_check_person(get_relname_relid("persons", casnet_schema()));
	run_as_casnet("SELECT casnet_internal.hold_person($1, $2)", 2, types, values);
	string = result_text(0, 1, context);
	oldcontext = MemoryContextSwitchTo(context);
	rows = as_jsonb(string == NULL ? "[]" : string);
	MemoryContextSwitchTo(oldcontext);
	if (string == NULL)
	{
		int			bit = casnet_permission_find("delete_persons");

		(void) casnet_membership_require(1, &bit);
		return rows;
	}
	run("DELETE FROM casnet.persons AS p WHERE p.tenant_id OPERATOR(pg_catalog.=) $1"
		" AND p.id OPERATOR(pg_catalog.=) $2", 2, types, values, false);
	if (SPI_processed == 0)
		refuse_missing();
	return rows;
}

/* The entry of the audit that says who has erased the person. */
static void
record_erasure(const pg_uuid_t *tenant, const pg_uuid_t *person, Datum summary)
{
	AuditBatch *batch = casnet_audit_make_batch(CurrentMemoryContext);
	char	   *key = psprintf("{\"id\": \"%s\", \"tenant_id\": \"%s\"}",
							   casnet_uuid_format(person),
							   casnet_uuid_format(tenant));

	casnet_audit_add(batch, "casnet.persons", tenant, as_jsonb(key), "ERASE",
					 (Datum) 0, summary);
	casnet_audit_write(batch);
}

/*
 * Raises 55000 if a trigger has changed who the session is: the audit would name somebody
 * else.
 */
static void
require_same(const CasnetVerdictKey *key, Oid role)
{
	const CasnetVerdict *verdict = casnet_membership_current();

	if (verdict == NULL || GetOuterUserId() != role ||
		memcmp(&verdict->key.user, &key->user, UUID_LEN) != 0 ||
		memcmp(&verdict->key.tenant, &key->tenant, UUID_LEN) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the user, the role or the tenant of the session changed while a person was erased"),
				 errhint("Look for a trigger that signs in or out, or that changes the role.")));
}

/* Put what was erased into the function's result: table, what became of rows, how many. */
static void
return_summary(Datum rows, int64 entries, ReturnSetInfo *result)
{
	Oid			types[] = {JSONBOID, INT8OID};
	Datum		values[] = {rows, Int64GetDatum(entries)};

	run_as_casnet("SELECT s.relation, s.action, s.rows, s.row_keys"
				  " FROM casnet_internal.erased($1, $2) AS s", 2, types, values);
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
}

/*
 * casnet.erase_person(person_id uuid, reason text, records uuid[], OUT relation text,
 * OUT action text, OUT rows bigint, OUT row_keys jsonb) returns setof record
 *
 * Deletes a person of the active tenant, and blanks what the audit has about the person and
 * the rows that are or were deleted with it, and about these records.  Returns what it did.
 * Raises 22023 for NULL, and for a record that is not about the person,
 * 22001 for a long reason, 28000, 42501, P0002; 23503 if a row of a table forbids the
 * deletion; 55000 within a statement that writes, in isolation levels above READ COMMITTED,
 * if a trigger signs in or out, and for code that would run as an administrator; 40001 if somebody brings the person back meanwhile.
 */
Datum
casnet_erase_person(PG_FUNCTION_ARGS)
{
	Oid			types[] = {UUIDOID, UUIDOID, JSONBOID, UUIDARRAYOID, INT8OID, TEXTOID};
	Datum		values[lengthof(types)];
	MemoryContext context = CurrentMemoryContext;
	MemoryContext oldcontext;
	const CasnetVerdict *verdict;
	CasnetVerdictKey key;
	Oid			role = GetOuterUserId();
	Datum		reason = reason_argument(fcinfo);
	int64		entries;
	char	   *summary;
	bool		isnull;
	int			bit = casnet_permission_find("erase_persons");

	casnet_shard_refuse("erase_person");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the person is null"),
				 errhint("Give the id of a person.")));
	AcceptInvalidationMessages();
	verdict = casnet_membership_require(1, &bit);
	key = verdict->key;
	require_own_statement();
	casnet_guard_judge_again(verdict, "erase_persons");
	InitMaterializedSRF(fcinfo, 0);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	values[0] = UUIDPGetDatum(&key.tenant);
	values[1] = PG_GETARG_DATUM(0);
	values[2] = delete_person(values, context);
	require_same(&key, role);
	values[3] = PG_ARGISNULL(2) ?
		PointerGetDatum(construct_empty_array(UUIDOID)) : PG_GETARG_DATUM(2);
	run_as_casnet("SELECT casnet_internal.blank_person($1, $2, $3, $4)", 4, types,
				  values);
	entries = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										  SPI_tuptable->tupdesc, 1, &isnull));
	if (isnull)
		refuse_missing();

	values[4] = Int64GetDatum(entries);
	values[5] = reason == (Datum) 0 ? CStringGetTextDatum("") : reason;
	run_as_casnet("SELECT casnet_internal.erasure_summary($3, $5, $6, $4)",
				  lengthof(types), types, values);
	summary = result_text(0, 1, context);
	oldcontext = MemoryContextSwitchTo(context);
	record_erasure(&key.tenant, PG_GETARG_UUID_P(0), as_jsonb(summary));
	MemoryContextSwitchTo(oldcontext);
	return_summary(values[2], entries, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	return (Datum) 0;
}
