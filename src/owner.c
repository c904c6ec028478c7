/*
 * owner.c
 *		Statements on somebody else's table, run as its owner.
 *
 * To plan a query the server evaluates parts of a table that its owner chose, such
 * as the expressions of indexes and checks, and to run it fires the owner's triggers.
 * None of it may run with more rights than the owner has.  So whatever casnet does to
 * rows that belong to somebody else is planned and run as that owner, as a
 * security-restricted operation, as VACUUM and REINDEX are; and what the owner's code
 * sets meanwhile is taken back before casnet goes on.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_run_as_owner);
PG_FUNCTION_INFO_V1(casnet_run_for_owner);
PG_FUNCTION_INFO_V1(casnet_read_documents);

/* The owner of a table.  Raises XX000 when there is no such table. */
Oid
casnet_owner_of(Oid table)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* A table, as SQL writes it whatever the search_path. */
char *
casnet_owner_name(Oid table)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
}

/*
 * Become a role, for code that is not ours.  An error ends that by itself, with the
 * subtransaction that it ends.  Not for long: nothing else may run meanwhile.
 */
void
casnet_owner_enter(CasnetOwnerSwitch *former, Oid role)
{
	static const char *const identity[] = {
		"casnet.token", "casnet.user_id", "casnet.tenant_id"
	};

	GetUserIdAndSecContext(&former->user, &former->context);
	SetUserIdAndSecContext(role, former->context |
						   SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION |
						   SECURITY_NOFORCE_RLS);
	former->level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	if (superuser_arg(role) || role == get_role_oid("casnet_owner", true))
		return;
	/* Nor is it the user of the session, whose token anybody could read. */
	for (int i = 0; i < lengthof(identity); i++)
		(void) set_config_option(identity[i], "", PGC_SUSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/* Be who we were, with the settings that we had. */
void
casnet_owner_leave(const CasnetOwnerSwitch *former)
{
	AtEOXact_GUC(false, former->level);
	SetUserIdAndSecContext(former->user, former->context);
}

/* Raises 42P01 when there is no such table. */
static void
require_table(Oid table)
{
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table with OID %u", table),
				 errhint("Somebody may have dropped it; look again.")));
}

/*
 * Run one statement as that role.  Returns the first column of the first row, or
 * else the number of rows, in memory of the caller's.  Raises what the statement
 * raises.
 */
char *
casnet_owner_run(Oid role, const char *statement)
{
	CasnetOwnerSwitch former;
	char	   *result = NULL;
	int			code;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	casnet_owner_enter(&former, role);
	code = SPI_execute(statement, false, 0);
	if (code < 0)
		elog(ERROR, "could not run a statement: %s",
			 SPI_result_code_string(code));
	if (SPI_tuptable != NULL && SPI_processed > 0)
		result = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	else if (SPI_tuptable == NULL)
		result = psprintf(UINT64_FORMAT, SPI_processed);
	casnet_owner_leave(&former);
	if (result != NULL)
	{
		/* It is in memory of SPI's. */
		char	   *copy = SPI_palloc(strlen(result) + 1);

		strcpy(copy, result);
		result = copy;
	}
	SPI_finish();
	return result;
}

/*
 * casnet.run_as_owner(relation regclass, statement text) returns text
 *
 * Runs one statement as the owner of the table; internal.  Returns the first column
 * of the first row, or else the number of rows.  Raises 42P01 when there is no such
 * table, and what the statement raises.
 */
Datum
casnet_run_as_owner(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	char	   *result;

	require_table(table);
	result = casnet_owner_run(casnet_owner_of(table),
							  text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(result));
}

/*
 * casnet.run_for_owner(relation regclass, statement text) returns text
 *
 * The same for whoever can become the owner anyway, so that the statement gets fewer
 * rights by it and never more; for administrators.  Raises 42501 for others.
 */
Datum
casnet_run_for_owner(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);

	require_table(table);
	if (!casnet_may_become(GetUserId(), casnet_owner_of(table)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", get_rel_name(table)),
				 errhint("Connect as its owner or as a superuser.")));
	return casnet_run_as_owner(fcinfo);
}

/*
 * casnet.read_documents(documents regclass, document_column name, first tid, last tid,
 * OUT at tid, OUT document jsonb) returns setof record
 *
 * The documents from one place to another in a table that the caller may read, read
 * as its owner.  Raises 42P01 when there is no such table, 42809 for what is no
 * ordinary table or has row security for the caller, 42501 when the caller may not
 * read it.
 */
Datum
casnet_read_documents(PG_FUNCTION_ARGS)
{
	static Oid	types[] = {TIDOID, TIDOID};
	Oid			table = PG_GETARG_OID(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		bounds[] = {PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};
	char	   *statement;
	CasnetOwnerSwitch former;

	require_table(table);
	if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table));
	if (get_rel_relkind(table) != RELKIND_RELATION ||
		check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the documents are not in an ordinary table without row security"),
				 errhint("Copy them into a table of your own.")));

	InitMaterializedSRF(fcinfo, 0);
	statement = psprintf("SELECT t.ctid, t.%s #> '{}' FROM ONLY %s AS t "
						 "WHERE t.ctid >= $1 AND t.ctid <= $2",
						 quote_identifier(NameStr(*PG_GETARG_NAME(1))),
						 casnet_owner_name(table));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	casnet_owner_enter(&former, casnet_owner_of(table));
	if (SPI_execute_with_args(statement, lengthof(types), types, bounds, NULL,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the documents");
	casnet_owner_leave(&former);
	if (SPI_gettypeid(SPI_tuptable->tupdesc, 2) != JSONBOID)
		elog(ERROR, "a column of documents is no jsonb");
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
	return (Datum) 0;
}
