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
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_run_as_owner);

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

/*
 * Become a role, for code that is not ours.  An error ends that by itself, with the
 * subtransaction that it ends.  Not for long: nothing else may run meanwhile.
 */
void
casnet_owner_enter(CasnetOwnerSwitch *former, Oid role)
{
	GetUserIdAndSecContext(&former->user, &former->context);
	SetUserIdAndSecContext(role, former->context |
						   SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION |
						   SECURITY_NOFORCE_RLS);
	former->level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* Be who we were, with the settings that we had. */
void
casnet_owner_leave(const CasnetOwnerSwitch *former)
{
	AtEOXact_GUC(false, former->level);
	SetUserIdAndSecContext(former->user, former->context);
}

/*
 * casnet.run_as_owner(relation regclass, statement text) returns text
 *
 * Runs one statement as the owner of the table; internal.  Returns the first column
 * of the first row, or else the number of rows.  Raises 42P01 when there is no such
 * table, 42501 for who is not its owner, and what the statement raises.
 */
Datum
casnet_run_as_owner(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	char	   *statement = text_to_cstring(PG_GETARG_TEXT_PP(1));
	CasnetOwnerSwitch former;
	Oid			owner;
	char	   *result = NULL;
	int			code;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table with OID %u", table),
				 errhint("Somebody may have dropped it; look again.")));
	/* It takes rights away, and gives none. */
	owner = casnet_owner_of(table);
	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s",
						get_rel_name(table)),
				 errhint("Ask a superuser or the owner of the table.")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	casnet_owner_enter(&former, owner);
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
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(result));
}
