/*
 * owner.c
 *		Statements on somebody else's table, run as its owner.
 *
 * When the server plans a query, it evaluates parts of the table that its owner chose,
 * such as the expressions of indexes and checks.  When it runs the query, it fires the
 * owner's triggers.  None of this must run with more rights than the owner has.  So casnet
 * plans and runs its statements on somebody else's rows as the owner of the table, in a
 * security-restricted operation, as VACUUM and REINDEX do.  It takes back the settings of
 * the owner's code before it goes on.
 *
 * A statement names its table, and the server looks up the name during analysis.  A role
 * that can rename the schema could have put another table there meanwhile.  The code of
 * that table would run as the owner of the first.  So casnet checks which table was found
 * before the server evaluates anything of it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "commands/event_trigger.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_run_as_owner);
PG_FUNCTION_INFO_V1(casnet_run_for_owner);
PG_FUNCTION_INFO_V1(casnet_guard_action);
PG_FUNCTION_INFO_V1(casnet_lock_tree);
PG_FUNCTION_INFO_V1(casnet_require_current);
PG_FUNCTION_INFO_V1(casnet_run_on);
PG_FUNCTION_INFO_V1(casnet_run_on_for_owner);
PG_FUNCTION_INFO_V1(casnet_give_view);
PG_FUNCTION_INFO_V1(casnet_set_not_null);

/* The only table that the next statement is allowed to name, and the subtransaction. */
static Oid	expected_table;
static SubTransactionId expected_in;
static bool expected_by_keys;
static post_parse_analyze_hook_type previous_analyze_hook = NULL;

/* The next SET CONSTRAINTS is casnet's, and not that of the owner's code. */
bool		casnet_owner_sets_constraints = false;

/*
 * Raises 42501 for SET CONSTRAINTS in code of another role.  It would fire at once what
 * the session has deferred, in that code's settings.
 */
void
casnet_owner_check_statement(Node *statement)
{
	int			context;
	Oid			user;

	if (likely(!IsA(statement, ConstraintsSetStmt)))
		return;
	/* Only this one: what it fires is the owner's code. */
	if (casnet_owner_sets_constraints)
	{
		casnet_owner_sets_constraints = false;
		return;
	}
	GetUserIdAndSecContext(&user, &context);
	if (context & CASNET_SECURITY_OTHERS)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("code of another role cannot use SET CONSTRAINTS in this session"),
				 errhint("Leave it to whoever began the transaction.")));
}

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

/* The name of a table, as SQL writes it whatever the search_path is. */
char *
casnet_owner_name(Oid table)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
}

/*
 * Become a role, for code that is not casnet's.  An error ends that, together with its
 * subtransaction.  The caller must run nothing else meanwhile.
 */
void
casnet_owner_enter(CasnetOwnerSwitch *former, Oid role)
{
	static const char *const identity[] = {
		"casnet.token", "casnet.user_id", "casnet.tenant_id"
	};

	bool		trusted = casnet_security_is_trusted(role, InvalidOid);
	int			context;

	casnet_owner_sets_constraints = false;
	former->cursors = trusted ? 0 : casnet_cursors_note();
	GetUserIdAndSecContext(&former->user, &former->context);
	context = (former->context & ~CASNET_SECURITY_NO_STRANGER) |
		SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION |
		SECURITY_NOFORCE_RLS;
	if (trusted)
		context |= CASNET_SECURITY_OURS | CASNET_SECURITY_NO_STRANGER;
	else if (role != GetOuterUserId())
		context |= CASNET_SECURITY_OTHERS;
	SetUserIdAndSecContext(role, context);
	former->level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	if (trusted)
		return;
	/* It has no user either: any code could read the session's token. */
	for (int i = 0; i < lengthof(identity); i++)
		(void) set_config_option(identity[i], "", PGC_SUSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/* Return to the former role and settings, and close the cursors opened since. */
void
casnet_owner_leave(const CasnetOwnerSwitch *former)
{
	expected_table = InvalidOid;
	if (former->cursors != 0)
		casnet_cursors_close_since(former->cursors);
	AtEOXact_GUC(false, former->level);
	SetUserIdAndSecContext(former->user, former->context);
}

/*
 * The next statement that is planned must name only this table and tables of casnet's, or
 * else it raises 55006.  This holds for that statement only, and ends with the
 * subtransaction.
 */
void
casnet_owner_expect(Oid table)
{
	expected_table = table;
	expected_in = GetCurrentSubTransactionId();
	expected_by_keys = false;
}

/*
 * That statement is planned, or is executed without a plan.  What comes next is code of
 * the table's owner, or of an event trigger.
 */
void
casnet_owner_begun(void)
{
	if (!expected_by_keys)
		expected_table = InvalidOid;
}

/* Whether a statement names the table tenants, as the server's check of a key to it does. */
static bool
is_about_tenants(const Query *query)
{
	Oid			tenants = get_relname_relid("tenants",
											casnet_schema());
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *entry = lfirst(lc);

		if (entry->rtekind == RTE_RELATION && entry->relid == tenants)
			return true;
	}
	return false;
}

/* Raises 55006. */
static void
refuse_renamed(Oid table)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("the schema of table \"%s\" was renamed meanwhile",
					get_rel_name(table)),
			 errhint("Run the statement again.")));
}

/* Raises 55006 if a query, or one within it, names another table that is not casnet's. */
static bool
check_query(Node *node, void *context)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, check_query, context);
	foreach(lc, castNode(Query, node)->rtable)
	{
		RangeTblEntry *entry = lfirst(lc);

		if (entry->rtekind == RTE_RELATION && entry->relid != expected_table &&
			!casnet_schema_is_ours(get_rel_namespace(entry->relid)))
			refuse_renamed(expected_table);
	}
	return query_tree_walker(castNode(Query, node), check_query, context, 0);
}

/* post_parse_analyze_hook: check the tables of a statement; see casnet_owner_expect(). */
static void
check_table(ParseState *pstate, Query *query, CasnetJumbleState *jumble)
{
	if (previous_analyze_hook)
		previous_analyze_hook(pstate, query, jumble);
	casnet_security_notice_others();
	if (likely(!OidIsValid(expected_table)))
		return;
	if (expected_in != GetCurrentSubTransactionId() ||
		!InSecurityRestrictedOperation())
	{
		/* The expected statement ended with an error. */
		expected_table = InvalidOid;
		return;
	}
	if (!expected_by_keys || is_about_tenants(query))
		(void) check_query((Node *) query, NULL);
}

/*
 * Run ALTER TABLE as the owner of the table, by its OID: VALIDATE CONSTRAINT for a key to
 * tenants, or SET NOT NULL.  Both evaluate checks of the table.
 */
void
casnet_owner_alter(Oid table, AlterTableType kind, const char *name)
{
	CasnetOwnerSwitch former;
	AlterTableStmt *statement = makeNode(AlterTableStmt);
	AlterTableCmd *command = makeNode(AlterTableCmd);

	command->subtype = kind;
	command->name = pstrdup(name);
	statement->cmds = list_make1(command);
	statement->objtype = OBJECT_TABLE;
	casnet_owner_enter(&former, casnet_owner_of(table));
	casnet_owner_expect(table);
	expected_by_keys = true;
	EventTriggerAlterTableStart((Node *) statement);
	AlterTableInternal(table, statement->cmds, true);
	EventTriggerAlterTableEnd();
	expected_table = InvalidOid;
	casnet_owner_leave(&former);
}

void
casnet_owner_init(void)
{
	previous_analyze_hook = post_parse_analyze_hook;
	post_parse_analyze_hook = check_table;
}

/*
 * From here on nobody can rename a schema.  So a statement without a plan finds the table
 * that its name means now.  The caller must have locked the tables themselves.
 */
void
casnet_owner_hold_names(void)
{
	/* An event trigger runs as a superuser for those who may not end sessions. */
	if (casnet_security_session_is_administrator())
		casnet_holders_take_table(NamespaceRelationId, ShareLock);
	else
		LockRelationOid(NamespaceRelationId, ShareLock);
}

void
casnet_owner_release_names(void)
{
	UnlockRelationOid(NamespaceRelationId, ShareLock);
}

/* Raises 42P01 when there is no such table. */
void
casnet_owner_require_table(Oid table)
{
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table with OID %u", table),
				 errhint("Check whether somebody has dropped it.")));
}

/* Raises 42P01 when there is no such table, 42501 unless the role can become its owner. */
void
casnet_owner_require(Oid table)
{
	casnet_owner_require_table(table);
	if (!casnet_may_become(GetUserId(), casnet_owner_of(table)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", get_rel_name(table)),
				 errhint("Connect as its owner or as a superuser.")));
}

/*
 * Run one statement as that role.  Returns the first column of the first row, or else the
 * number of rows, in the caller's memory.  Raises what the statement raises.
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
		/* SPI owns its memory. */
		char	   *copy = SPI_palloc(strlen(result) + 1);

		strcpy(copy, result);
		result = copy;
	}
	SPI_finish();
	return result;
}

/*
 * casnet_internal.run_as_owner(relation regclass, statement text) returns text
 *
 * Runs one query, or one statement that changes rows, as the owner of the table;
 * internal.  Returns the first column of the first row, or else the number of rows.
 * Raises 42P01 when there is no such table, 55006 when the statement finds another one,
 * and what the statement raises.
 */
Datum
casnet_run_as_owner(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	char	   *result;

	casnet_owner_require_table(table);
	casnet_owner_expect(table);
	result = casnet_owner_run(casnet_owner_of(table),
							  text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(result));
}

/*
 * casnet_internal.run_for_owner(relation regclass, statement text) returns text
 *
 * The same for roles that can become the owner anyway, such as administrators, so that the
 * statement never gains rights.  Raises 42501 for others.
 */
Datum
casnet_run_for_owner(PG_FUNCTION_ARGS)
{
	casnet_owner_require(PG_GETARG_OID(0));
	return casnet_run_as_owner(fcinfo);
}

/* Whether this transaction has created the table, so that nobody else can change it. */
static bool
is_made_here(Oid table)
{
	Relation	relation = relation_open(table, NoLock);
	bool		result = relation->rd_createSubid != InvalidSubTransactionId;

	relation_close(relation, NoLock);
	return result;
}

/* Whether this transaction has created the table and those that it inherits from. */
static bool
is_wholly_made_here(Oid table)
{
	Relation	inherits;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		result = is_made_here(table);

	inherits = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1,
							  &key);
	while (result && HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = is_wholly_made_here(((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return result;
}

/*
 * Raises 55000 in a transaction with one snapshot, unless it has created the table and
 * those that it inherits from.
 */
static void
require_current(Oid table)
{
	if (IsolationUsesXactSnapshot() && !is_wholly_made_here(table))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this transaction cannot see the current state of table %s",
						casnet_owner_name(table)),
				 errdetail("A transaction of this isolation level sees tables as they were when it began."),
				 errhint("Use a transaction that is READ COMMITTED.")));
}

/*
 * casnet_internal.require_current(relation oid) returns void
 *
 * Does what require_current() does for a relation that this transaction has created or
 * locked, if it is a table; internal.
 */
Datum
casnet_require_current(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	char		kind = get_rel_relkind(table);

	if (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE ||
		kind == RELKIND_FOREIGN_TABLE || kind == RELKIND_MATVIEW)
		require_current(table);
	PG_RETURN_VOID();
}

/*
 * casnet_internal.guard_action(schema name, name name) returns text
 *
 * What casnet does now with a new table of that name in the schema, whatever the snapshot
 * of the transaction is: protect, refuse or exempt it, or NULL; internal.
 */
Datum
casnet_guard_action(PG_FUNCTION_ARGS)
{
	Oid			types[] = {NAMEOID, NAMEOID};
	Datum		values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	SPIPlanPtr	plan;
	char	   *action = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare("SELECT CASE WHEN $2::pg_catalog.text"
					   " OPERATOR(pg_catalog.=) ANY (g.exempt) THEN 'exempt'"
					   " ELSE g.action END FROM casnet_internal.guarded_schemas AS g"
					   " WHERE g.schema OPERATOR(pg_catalog.=) $1",
					   lengthof(types), types);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
							 InvalidSnapshot, true, false, 1) < 0)
		elog(ERROR, "could not look a guarded schema up");
	if (SPI_processed > 0)
	{
		char	   *found = SPI_getvalue(SPI_tuptable->vals[0],
										 SPI_tuptable->tupdesc, 1);

		action = SPI_palloc(strlen(found) + 1);
		strcpy(action, found);
	}
	SPI_finish();
	if (action == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(action));
}

/*
 * casnet_internal.lock_tree(relation regclass) returns void
 *
 * Locks the caller's table and its partitions against everybody, by their OIDs, so that
 * what is found out about them next stays true; internal.  Raises 42P01 when there is no
 * such table, 42501 unless the caller can become its owner, and what require_current()
 * raises.
 */
Datum
casnet_lock_tree(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);

	casnet_owner_require(table);
	LockRelationOid(table, AccessExclusiveLock);
	/* It can have changed while we waited. */
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no such table"),
				 errhint("Check whether somebody has dropped it.")));
	casnet_owner_require(table);
	require_current(table);
	(void) find_all_inheritors(table, AccessExclusiveLock, NULL);
	PG_RETURN_VOID();
}

/*
 * Run a utility statement, with the name of the relation between the two texts, as the
 * relation's owner or the caller.  This makes the name once nobody can rename a schema, so
 * that the statement finds the relation.  Raises 42P01 when there is no such relation, and
 * what the statement raises.
 */
static void
run_on(Oid relation, const char *before, const char *after, bool as_owner)
{
	char	   *statement;
	uint64		cursors;

	/* Nobody must rename it either; perhaps nothing has locked it yet. */
	LockRelationOid(relation, AccessShareLock);
	AcceptInvalidationMessages();
	casnet_owner_require_table(relation);
	casnet_owner_hold_names();
	statement = psprintf("%s %s %s", before, casnet_owner_name(relation), after);
	if (as_owner)
		(void) casnet_owner_run(casnet_owner_of(relation), statement);
	else
	{
		/* For an index, the server itself becomes the owner of the table. */
		cursors = casnet_cursors_note();
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		if (SPI_execute(statement, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not run a statement");
		SPI_finish();
		casnet_cursors_close_since(cursors);
	}
	casnet_owner_release_names();
}

/*
 * casnet_internal.run_on(before text, relation regclass, after text) returns void
 *
 * Runs a utility statement as the caller, with the name of the relation between the two
 * texts; internal.  Raises 42P01 when there is no such relation, and what the statement
 * raises.
 */
Datum
casnet_run_on(PG_FUNCTION_ARGS)
{
	run_on(PG_GETARG_OID(1), text_to_cstring(PG_GETARG_TEXT_PP(0)),
		   text_to_cstring(PG_GETARG_TEXT_PP(2)), false);
	PG_RETURN_VOID();
}

/*
 * casnet_internal.run_on_for_owner(before text, relation regclass, after text) returns void
 *
 * The same as the owner of the relation, for roles that can become the owner anyway.
 * Raises 42501 for others.
 */
Datum
casnet_run_on_for_owner(PG_FUNCTION_ARGS)
{
	casnet_owner_require(PG_GETARG_OID(1));
	run_on(PG_GETARG_OID(1), text_to_cstring(PG_GETARG_TEXT_PP(0)),
		   text_to_cstring(PG_GETARG_TEXT_PP(2)), true);
	PG_RETURN_VOID();
}

/*
 * casnet_internal.give_view(view regclass, relation regclass) returns void
 *
 * Gives a view to the owner of a table, if the view belongs to the caller, a superuser or
 * casnet_owner; internal.  Raises 42710 for any other view, since its query would get the
 * rights of the table's owner.  Raises 42501 unless the caller is allowed to give it away.
 */
Datum
casnet_give_view(PG_FUNCTION_ARGS)
{
	Oid			view = PG_GETARG_OID(0);
	Oid			owner;
	Oid			maker;

	casnet_owner_require_table(view);
	casnet_owner_require_table(PG_GETARG_OID(1));
	owner = casnet_owner_of(PG_GETARG_OID(1));
	LockRelationOid(view, AccessExclusiveLock);
	casnet_owner_require_table(view);
	maker = casnet_owner_of(view);
	if (maker == owner)
		PG_RETURN_VOID();
	if (get_rel_relkind(view) != RELKIND_VIEW ||
		!(maker == GetUserId() || superuser_arg(maker) ||
		  maker == get_role_oid("casnet_owner", true)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("view %s belongs to another role", casnet_owner_name(view)),
				 errdetail("If it were given to the owner of the table, its query would get the rights of that owner."),
				 errhint("Look at it, and drop it or give it to the owner of the table.")));
	ATExecChangeOwner(view, owner, false, AccessExclusiveLock);
	CommandCounterIncrement();
	PG_RETURN_VOID();
}

/*
 * casnet_internal.set_not_null(relation regclass, name name) returns void
 *
 * Makes a column of the caller's table NOT NULL, as the owner of the table; internal.  Raises 42P01 when there is no such table, 42501 unless the caller
 * can become its owner, 42703 without the column, 23502 when a row has none.
 */
Datum
casnet_set_not_null(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);

	casnet_owner_require(table);
	casnet_owner_alter(table, AT_SetNotNull, NameStr(*PG_GETARG_NAME(1)));
	PG_RETURN_VOID();
}
