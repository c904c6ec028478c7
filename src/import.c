/*
 * import.c
 *		The rows of an import, inserted as the owner of their table.
 *
 * What the owner of a table has put into it, such as triggers, checks and types, runs with
 * the rights of whoever inserts a row.  An administrator who imports a tenant names no table,
 * and must not lend these rights to the owners of all.  So an administrator inserts as the
 * owner of the table (owner.c).  The owner cannot read the documents.  So they are read as
 * the caller, ids and members are put into them, and a tuplestore takes them to the
 * statement of the owner.  An application inserts with its own rights, as in any INSERT.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "casnet.h"

/* What statements call the documents that a tuplestore takes to them. */
#define DOCUMENTS "casnet_documents"

PG_FUNCTION_INFO_V1(casnet_imports_as_owner);
PG_FUNCTION_INFO_V1(casnet_insert_documents);

/*
 * Whether the table is one of casnet's, or the caller's and has no code of roles without the
 * caller's rights.  The caller answers for an INSERT into it.
 */
static bool
is_own_work(Oid table)
{
	Oid			owner = casnet_owner_of(table);
	Relation	relation;
	bool		result;

	if (owner == get_role_oid("casnet_owner", true))
		return true;
	if (owner != GetUserId())
		return false;
	relation = table_open(table, NoLock);
	result = relation->rd_rules == NULL &&
		casnet_stranger_in_triggers(relation, owner) == NULL &&
		casnet_stranger_in_table(relation, owner, false) == NULL;
	table_close(relation, NoLock);
	return result;
}

/* Run the INSERT.  A deferred key cannot be noted within it; say what to do. */
static int
insert_rows(const char *statement, ParamListInfo params, Oid *types)
{
	MemoryContext context = CurrentMemoryContext;
	int			code = 0;

	PG_TRY();
	{
		code = SPI_execute_with_args(statement, 1, types, &params->params[2].value,
									 params->params[2].isnull ? "n" : " ", false, 0);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->message_id == NULL ||
			strcmp(error->message_id, "cannot fire deferred trigger within security-restricted operation") != 0)
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a foreign key would be checked later, as somebody else"),
				 errdetail("It is deferred, and rows of another role's table are inserted as that role."),
				 errhint("Run SET CONSTRAINTS ALL IMMEDIATE first, in the transaction of the import.")));
	}
	PG_END_TRY();
	return code;
}

/*
 * casnet_internal.imports_as_owner(relation regclass) returns boolean
 *
 * Whether an import by the caller reads and fills the table as the owner of the table;
 * internal.  Raises 55000 if an administrator can neither become the owner nor trust
 * whoever has code in the table or a partition.  Raises 42P01 if there is no such table.
 */
Datum
casnet_imports_as_owner(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	bool		is_ours = true;
	ListCell   *lc;

	if (!casnet_security_is_administrator())
		PG_RETURN_BOOL(false);
	casnet_owner_require_table(table);
	/* Nobody puts a trigger there between this look and the rows. */
	foreach(lc, find_all_inheritors(table, RowExclusiveLock, NULL))
		is_ours = is_ours && is_own_work(lfirst_oid(lc));
	if (is_ours)
		PG_RETURN_BOOL(false);
	if (casnet_may_become(GetUserId(), casnet_owner_of(table)))
		PG_RETURN_BOOL(true);
	foreach(lc, find_all_inheritors(table, NoLock, NULL))
	{
		Oid			owner = casnet_owner_of(lfirst_oid(lc));

		if (!casnet_security_is_trusted(owner, GetUserId()))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s belongs to role \"%s\"",
							casnet_owner_name(lfirst_oid(lc)),
							GetUserNameFromId(owner, false)),
					 errdetail("Code that its owner has put into it would run with your rights."),
					 errhint("Import as a superuser, or as a role of the application.")));
	}
	PG_RETURN_BOOL(false);
}

/* Whether the index of a constraint evaluates an expression. */
static bool
has_expression(Oid constraint_index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(constraint_index));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return true;
	result = !heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return result;
}

/* Raises 55000 if something of the table would be evaluated at commit, as whoever commits. */
static void
refuse_later_code(Oid table)
{
	Relation	relation = table_open(table, RowExclusiveLock);
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (!trigger->tgdeferrable || !TRIGGER_FOR_INSERT(trigger->tgtype) ||
			(trigger->tgisinternal && (trigger->tgfoid != F_UNIQUE_KEY_RECHECK ||
									   !has_expression(trigger->tgconstrindid))))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 trigger->tgisinternal ?
				 errmsg("constraint \"%s\" of table \"%s\" would be checked later, as somebody else",
						get_constraint_name(trigger->tgconstraint),
						RelationGetRelationName(relation)) :
				 errmsg("trigger \"%s\" of table \"%s\" would fire later, as somebody else",
						trigger->tgname, RelationGetRelationName(relation)),
				 errdetail("It would have the rights of whoever imports the tenant."),
				 errhint("Make it one that cannot be deferred, or import as a role of the application.")));
	}
	table_close(relation, NoLock);
}

/* Run a query of the caller's and keep its only column, a jsonb. */
static Tuplestorestate *
read_documents(const char *query, ParamListInfo params)
{
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	SPIExecuteOptions options = {0};

	options.params = params;
	options.dest = CreateDestReceiver(DestTuplestore);
	SetTuplestoreDestReceiverParams(options.dest, store, CurrentMemoryContext, true,
									NULL, NULL);
	if (SPI_execute_extended(query, &options) < 0)
		elog(ERROR, "could not read documents");
	return store;
}

/* The rest of the statements of this connection of SPI can read the documents by name. */
static void
name_documents(Tuplestorestate *store)
{
	EphemeralNamedRelation documents = palloc0_object(EphemeralNamedRelationData);

	documents->md.name = pstrdup(DOCUMENTS);
	documents->md.tupdesc = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(documents->md.tupdesc, 1, "r", JSONBOID, -1, 0);
	TupleDescFinalize(documents->md.tupdesc);
	documents->md.enrtype = ENR_NAMED_TUPLESTORE;
	documents->md.enrtuples = tuplestore_tuple_count(store);
	documents->reldata = store;
	if (SPI_register_relation(documents) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not name documents");
}

/*
 * casnet_internal.insert_documents(relation regclass, query text, statement text,
 * first tid, last tid, tenant_id uuid, members jsonb) returns void
 *
 * Runs the query as the caller, with the last four arguments as its parameters, and then the
 * statement as the owner of the table, for roles that can become the owner anyway; internal.
 * The statement has the tenant as $1, and finds the column r of the query in
 * casnet_documents.  Raises 42P01 if there is no such table, 42501 unless the caller can
 * become its owner, 55006 if the statement names another table, 55000 for code that would
 * run with more rights than its owner has, and what the statement raises.
 */
Datum
casnet_insert_documents(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TIDOID, TIDOID, UUIDOID, JSONBOID};
	ParamListInfo params = makeParamList(lengthof(types));
	Oid			table = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	Tuplestorestate *store;
	CasnetOwnerSwitch former;
	char	   *statement;
	ListCell   *lc;
	int			code;

	casnet_owner_require(table);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a statement is NULL"),
				 errhint("casnet.import_tenant() calls this function.")));
	statement = text_to_cstring(PG_GETARG_TEXT_PP(2));
	for (int i = 0; i < lengthof(types); i++)
	{
		params->params[i].value = PG_GETARG_DATUM(3 + i);
		params->params[i].isnull = PG_ARGISNULL(3 + i);
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = types[i];
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	store = read_documents(text_to_cstring(PG_GETARG_TEXT_PP(1)), params);
	name_documents(store);

	casnet_reach_require_one_owner(table);
	foreach(lc, find_all_inheritors(table, NoLock, NULL))
		refuse_later_code(lfirst_oid(lc));
	casnet_reach_enter_owner(&former, table);
	casnet_owner_expect(table);
	code = insert_rows(statement, params, &types[2]);
	if (code != SPI_OK_INSERT && code != SPI_OK_REWRITTEN)
		elog(ERROR, "could not insert documents: %s", SPI_result_code_string(code));
	casnet_owner_leave(&former);
	tuplestore_end(store);
	SPI_finish();
	PG_RETURN_VOID();
}
