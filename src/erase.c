/*
 * erase.c
 *		Deletes a tenant and everything that belongs to it.
 *
 * Tables of an application can refer to the tenant, or to its rows, and the server's
 * cascades would empty them.  Cascades run as the owner of the table, but before 18 the
 * AFTER triggers that they queue run as whoever deletes the tenant.  Deferred triggers run
 * as whoever commits, and what a BEFORE trigger sets stays set.  So casnet empties such
 * tables first, each as its owner (owner.c), and each before those that it refers to.  If
 * their triggers leave rows or bring them back, that is an error.  Then casnet deletes its
 * own rows, with cascades and triggers switched off, except its own that always fire.
 * From there on, no code of anybody else runs.
 *
 * Each statement sees what is committed when it begins, whatever the isolation level.  The
 * lock on the row of the tenant keeps everybody from referring to it anew.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "cascade.h"

PG_FUNCTION_INFO_V1(casnet_erase_tenant);

/*
 * Run a statement about the tenant with the newest snapshot, while SPI is connected.
 * Returns the number of rows.
 */
static uint64
run_with_tenant(const char *statement, const pg_uuid_t *tenant)
{
	Oid			types[] = {UUIDOID};
	Datum		values[] = {UUIDPGetDatum(tenant)};
	SPIPlanPtr	plan = SPI_prepare(statement, 1, types);
	int			code;

	if (plan == NULL)
		elog(ERROR, "could not prepare a statement: %s",
			 SPI_result_code_string(SPI_result));
	code = SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
								InvalidSnapshot, false, true, 0);
	if (code < 0)
		elog(ERROR, "could not run a statement: %s",
			 SPI_result_code_string(code));
	SPI_freeplan(plan);
	return SPI_processed;
}

/* The name of a table, with its schema, as SQL takes it. */
static char *
qualified_name(Oid table)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
}

/*
 * Raises 55000 if checks of a foreign key are pending.  SET CONSTRAINTS would fire them, and
 * they can wait for somebody's row for as long as it takes.
 */
static void
refuse_pending_checks(Form_pg_constraint key)
{
	Oid			tables[] = {key->conrelid, key->confrelid};

	for (int i = 0; i < lengthof(tables); i++)
	{
		ListCell   *lc;

		foreach(lc, find_all_inheritors(tables[i], NoLock, NULL))
			if (AfterTriggerPendingOnRel(lfirst_oid(lc)))
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("foreign key \"%s\" of table \"%s\" has rows to check",
								NameStr(key->conname), get_rel_name(key->conrelid)),
						 errhint("Run SET CONSTRAINTS ALL IMMEDIATE first, or delete the tenant in a transaction of its own.")));
	}
}

/*
 * Raises 55000 if SET CONSTRAINTS with the key's name could fire code of roles that are no
 * members of the current one, the table's owner.  Other foreign keys of that name do no
 * harm, since the server checks them as the owners of their tables.
 */
static void
require_own_name(const CasnetEdge *edge)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_constraint_conname, BTEqualStrategyNumber,
				F_NAMEEQ, NameGetDatum(&edge->name));
	ScanKeyInit(&keys[1], Anum_pg_constraint_connamespace,
				BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(get_rel_namespace(edge->from)));
	scan = systable_beginscan(catalog, ConstraintNameNspIndexId, true, NULL,
							  lengthof(keys), keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint other = (Form_pg_constraint) GETSTRUCT(tuple);

		if (other->contype == CONSTRAINT_FOREIGN && other->condeferrable)
			refuse_pending_checks(other);
		/* A role with only the privilege TRIGGER can have made a trigger. */
		if (!other->condeferrable || other->contype == CONSTRAINT_FOREIGN ||
			!OidIsValid(other->conrelid) ||
			(other->contype != CONSTRAINT_TRIGGER &&
			 is_member_of_role(casnet_owner_of(other->conrelid), GetUserId())))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("constraint \"%s\" of table \"%s\" has the name of one of table \"%s\"",
						NameStr(edge->name), get_rel_name(other->conrelid),
						get_rel_name(edge->from)),
				 errdetail("SET CONSTRAINTS cannot tell them apart, and they can belong to different roles."),
				 errhint("Rename one of them.")));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Have the server check foreign keys from and to the table at once, or defer them again.
 * Nothing can be deferred while casnet is the owner of the table.  SET CONSTRAINTS fires
 * whatever has the name, so no other constraint is allowed to have it.  A schema can belong
 * to another role, which is kept from renaming it until SET CONSTRAINTS has looked it up.
 */
static void
set_constraints(Oid table, List *edges, bool deferred)
{
	ListCell   *lc;

	foreach(lc, edges)
	{
		CasnetEdge	   *edge = lfirst(lc);
		const char *name;

		if (!edge->is_deferrable ||
			(!list_member_oid(edge->from_tables, table) &&
			 !list_member_oid(edge->to_tables, table)) ||
			(deferred && !edge->is_deferred))
			continue;
		casnet_owner_hold_names();
		require_own_name(edge);
		name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(edge->from)),
										  NameStr(edge->name));
		casnet_owner_sets_constraints = true;
		if (SPI_execute(psprintf("SET CONSTRAINTS %s %s", name,
								 deferred ? "DEFERRED" : "IMMEDIATE"),
						false, 0) < 0)
			elog(ERROR, "could not set a constraint");
		casnet_owner_release_names();
	}
}

/*
 * Raises 55000 if a trigger on the table could fire at commit, as whoever commits.
 */
static void
refuse_later_triggers(const CasnetCascade *cascade)
{
	Relation	relation = table_open(cascade->table, AccessShareLock);
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgisinternal || !trigger->tgdeferrable)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" of table \"%s\" would fire later, as somebody else",
						trigger->tgname, RelationGetRelationName(relation)),
				 errdetail("It would have the rights of whoever deletes the tenant."),
				 errhint("Make it an AFTER trigger that cannot be deferred, or drop it.")));
	}
	table_close(relation, NoLock);
}

/* The key's table as a statement names it, with partitions but no inheritance children. */
static char *
target_of(const CasnetCascade *cascade)
{
	return psprintf("%s%s", get_rel_relkind(cascade->table) ==
					RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					qualified_name(cascade->table));
}

/* Do to an application's rows what their key says.  Returns how many were deleted. */
static uint64
empty_foreign(CasnetCascade *cascade, List *edges, const pg_uuid_t *tenant)
{
	CasnetOwnerSwitch former;
	bool		deletes = cascade->action == FKCONSTR_ACTION_CASCADE;
	List	   *seen = NIL;
	char	   *statement;
	uint64		rows;

	cascade->done = true;
	if (cascade->action == FKCONSTR_ACTION_NOACTION ||
		cascade->action == FKCONSTR_ACTION_RESTRICT)
		return 0;
	refuse_later_triggers(cascade);
	casnet_reach_require_one_owner(cascade->table);
	casnet_reach_enter_owner(&former, cascade->table);
	casnet_reach_check(cascade->table, &seen, CASNET_REACH_ERASES_TENANT);
	set_constraints(cascade->table, edges, false);
	if (deletes)
		statement = psprintf("DELETE FROM %s WHERE %s%s", target_of(cascade),
							 cascade->condition, cascade->refers);
	else
		statement = psprintf("UPDATE %s SET %s WHERE %s%s", target_of(cascade),
							 cascade->assignments, cascade->condition,
							 cascade->refers);
	casnet_owner_expect(cascade->table);
	rows = run_with_tenant(statement, tenant);
	set_constraints(cascade->table, edges, true);
	casnet_owner_leave(&former);
	return deletes ? rows : 0;
}

/*
 * Raises 23503 if a row of an application still refers to the tenant or to one of its
 * rows.  The key can forbid the deletion, or a trigger or rule kept the row or brought it
 * back.
 */
static void
require_empty(const CasnetCascade *cascade, const pg_uuid_t *tenant)
{
	CasnetOwnerSwitch former;
	uint64		rows;

	casnet_reach_enter_owner(&former, cascade->table);
	casnet_owner_expect(cascade->table);
	rows = run_with_tenant(psprintf("SELECT FROM %s WHERE %s%s LIMIT 1",
									target_of(cascade), cascade->condition,
									cascade->refers), tenant);
	casnet_owner_leave(&former);
	if (rows > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("rows of table \"%s\" refer to the tenant",
						get_rel_name(cascade->table)),
				 errhint("Delete them first. A trigger or a rule of that table can keep them.")));
}

/*
 * Raises 55000 if a partition of a table that was emptied is being detached.  Statements on
 * the table leave its rows out, and so do the server's cascades.
 */
static void
refuse_detaching(List *cascades)
{
	List	   *tables = NIL;
	Relation	catalog;
	SysScanDesc scan;
	HeapTuple	tuple;
	ListCell   *lc;

	foreach(lc, cascades)
		tables = list_concat_unique_oid(tables,
										find_all_inheritors(((CasnetCascade *) lfirst(lc))->table,
															NoLock, NULL));
	catalog = table_open(InheritsRelationId, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);

		if (form->inhdetachpending && list_member_oid(tables, form->inhparent))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("partition \"%s\" of table \"%s\" is being detached",
							get_rel_name(form->inhrelid),
							get_rel_name(form->inhparent)),
					 errdetail("Rows of the tenant there would stay."),
					 errhint("Wait until it is detached, or end that with ALTER TABLE ... DETACH PARTITION ... FINALIZE.")));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Require that of all keys as they are now.  Code of the owners has run before, which can
 * have renamed columns and detached partitions.  To plan a query, the server calls
 * functions of a partition key or of statistics, also while it is looked for rows.  If one
 * of these writes, it can bring back a row of a table that was looked at before.  Raises
 * 55000 then.
 */
static void
require_all_empty(Oid tenants, const pg_uuid_t *tenant)
{
	List	   *edges = NIL;
	List	   *cascades;
	CommandId	before;
	ListCell   *lc;

	foreach(lc, casnet_cascade_find(tenants, &edges))
		LockRelationOid(((CasnetCascade *) lfirst(lc))->table, AccessShareLock);
	AcceptInvalidationMessages();
	CommandCounterIncrement();
	before = GetCurrentCommandId(false);
	cascades = casnet_cascade_find(tenants, &edges);
	refuse_detaching(cascades);
	foreach(lc, cascades)
		require_empty(lfirst(lc), tenant);
	CommandCounterIncrement();
	if (GetCurrentCommandId(false) != before)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a table's owner has code that wrote rows while those of the tenant were looked for"),
				 errhint("Look for functions that write in the statistics and the partition keys of protected tables.")));
}

/*
 * Lock the tables that are emptied, so that nobody adds a key meanwhile.  Whoever adds one
 * locks the table that has the key before the one to which it refers, as this does.
 */
static void
lock_tables(Oid tenants)
{
	List	   *edges = NIL;
	ListCell   *lc;

	foreach(lc, casnet_cascade_find(tenants, &edges))
		LockRelationOid(((CasnetCascade *) lfirst(lc))->table, RowExclusiveLock);
	for (int i = 0; i < CASNET_CASCADE_TABLES; i++)
		if (OidIsValid(casnet_cascade_table(i)))
			LockRelationOid(casnet_cascade_table(i), RowExclusiveLock);
	LockRelationOid(tenants, RowExclusiveLock);
	AcceptInvalidationMessages();
}

/* Lock casnet's rows that applications refer to, so that nobody refers to them anew. */
static void
lock_targets(List *cascades, Oid tenants, const pg_uuid_t *tenant)
{
	List	   *done = list_make1_oid(tenants);
	ListCell   *lc;

	foreach(lc, cascades)
	{
		Oid			target = ((CasnetCascade *) lfirst(lc))->target;

		if (list_member_oid(done, target))
			continue;
		done = lappend_oid(done, target);
		(void) run_with_tenant(psprintf("SELECT FROM %s WHERE tenant_id "
										"OPERATOR(pg_catalog.=) $1 FOR UPDATE",
										qualified_name(target)), tenant);
	}
}

/*
 * casnet_internal.erase_tenant(tenant_id uuid) returns bigint
 *
 * Deletes the tenant and all that belongs to it; internal.  Returns the number of rows, or
 * NULL when there is no such tenant.  For an application's table, raises 55000 when a
 * trigger could fire later as somebody else, or code of another role would run as the
 * owner, and within a statement that writes.  Raises 23503 when rows of such a table still
 * refer to the tenant.
 */
Datum
casnet_erase_tenant(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant = *PG_GETARG_UUID_P(0);
	Oid			tenants = get_relname_relid("tenants", casnet_schema());
	List	   *edges = NIL;
	List	   *cascades;
	CasnetCascade    *cascade;
	int64		erased = 0;
	int			level = NewGUCNestLevel();
	uint64		cursors = casnet_cursors_note();

	/* It would write entries about rows of the tenant after these are gone. */
	if (casnet_statement_is_noted())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a tenant cannot be deleted within a statement that writes"),
				 errhint("Call casnet.delete_tenant() in a statement of its own.")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!OidIsValid(tenants) ||
		run_with_tenant("SELECT FROM casnet.tenants AS t "
						"WHERE t.id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
						&tenant) == 0)
	{
		SPI_finish();
		AtEOXact_GUC(false, level);
		PG_RETURN_NULL();
	}
	lock_tables(tenants);
	cascades = casnet_cascade_find(tenants, &edges);
	/* Granting to a member locks the membership, not the tenant, so lock that, too. */
	(void) run_with_tenant("SELECT FROM casnet.user_tenants AS m "
						   "WHERE m.tenant_id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
						   &tenant);
	lock_targets(cascades, tenants, &tenant);
	while ((cascade = casnet_cascade_next(cascades, edges)) != NULL)
		erased += empty_foreign(cascade, edges, &tenant);
	require_all_empty(tenants, &tenant);

	/* From here on, only triggers that always fire run, and these are casnet's. */
	(void) set_config_option("session_replication_role", "replica", PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	for (int i = 0; i < CASNET_CASCADE_TABLES; i++)
		erased += run_with_tenant(psprintf("DELETE FROM %s WHERE "
										   "tenant_id OPERATOR(pg_catalog.=) $1",
										   casnet_cascade_tables[i]), &tenant);
	erased += run_with_tenant("DELETE FROM casnet.tenants "
							  "WHERE id OPERATOR(pg_catalog.=) $1", &tenant);

	/* Last, since emptying tables writes entries; these are not counted. */
	(void) run_with_tenant("SELECT casnet_internal.forget_audit($1)", &tenant);
	SPI_finish();
	/* Also cursors of code that the server itself ran as another role. */
	casnet_cursors_close_since(cursors);
	/* This also undoes what triggers of others have set. */
	AtEOXact_GUC(false, level);
	PG_RETURN_INT64(erased);
}
