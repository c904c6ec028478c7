/*
 * lock.c
 *		Statements whose lock would stop others.
 *
 * casnet refuses LOCK TABLE on its own tables.  For some statements the server takes the
 * lock, or queues for it, before it checks the role's privilege; casnet checks that first.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "casnet.h"

/* Whether casnet's rules about locks bind the current role. */
static bool
is_bound(void)
{
	Oid			user = get_role_oid("casnet_user", true);

	return OidIsValid(user) && has_privs_of_role(GetUserId(), user) &&
		!casnet_security_is_administrator();
}

/*
 * If a name has no schema, add that of the relation that it means now.  Otherwise, if a
 * table of the role's own is dropped while the server waits, the name can come to mean
 * one of casnet's tables.
 */
static void
qualify(RangeVar *name, Oid relation)
{
	if (name->schemaname == NULL)
		name->schemaname = get_namespace_name(get_rel_namespace(relation));
}

/* Raises 42501 if the role is not allowed to lock the relation with LOCK TABLE. */
static void
check_locked(Oid relation)
{
	if (get_rel_relkind(relation) == RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot lock the tables that view \"%s\" reads",
						get_rel_name(relation)),
				 errhint("Lock the tables themselves.")));
	if (casnet_schema_is_ours(get_rel_namespace(relation)) &&
		!has_privs_of_role(GetUserId(), casnet_owner_of(relation)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot lock table \"%s\" of casnet",
						get_rel_name(relation)),
				 errhint("Lock the rows that you change with SELECT ... FOR UPDATE.")));
}

/*
 * Take the lock by OID, if the role has a privilege for which the server would grant it,
 * and lock what inherits from the relation.
 */
static void
lock_beforehand(const RangeVar *name, Oid relation, LOCKMODE mode)
{
	if (pg_class_aclcheck(relation, GetUserId(),
						  ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE) != ACLCHECK_OK)
		return;
	LockRelationOid(relation, mode);
	if (name->inh && get_rel_relkind(relation) != RELKIND_VIEW)
		(void) find_all_inheritors(relation, mode, NULL);
}

/*
 * LOCK TABLE is about to be executed.  If casnet's rules bind the role, raises 42501 for a
 * lock on a view or a table of casnet's that would keep others from changing rows.
 *
 * While the server waits for the lock, a name can come to mean another table.  So this
 * waits first, by OID, and the server then finds the lock granted.  Raises 55006 if a
 * name no longer means the same table.
 */
static void
check_lock(const LockStmt *statement)
{
	List	   *tables = NIL;
	ListCell   *lc;
	ListCell   *table;

	if (statement->mode <= RowExclusiveLock || !is_bound())
		return;
	foreach(lc, statement->relations)
	{
		RangeVar   *name = lfirst(lc);
		Oid			found = RangeVarGetRelid(name, NoLock, true);

		tables = lappend_oid(tables, found);
		if (!OidIsValid(found))
			continue;
		qualify(name, found);
		check_locked(found);
		if (!statement->nowait)
			lock_beforehand(name, found, statement->mode);
	}
	forboth(lc, statement->relations, table, tables)
		if (RangeVarGetRelid(lfirst(lc), NoLock, true) != lfirst_oid(table))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("table \"%s\" was replaced meanwhile",
							((RangeVar *) lfirst(lc))->relname),
					 errhint("Run the statement again.")));
}

/*
 * For a table of casnet's, raises 42501 as the server would.  The role passes if it owns
 * the table, or has the privilege, if one is given, on the table or a column.
 */
static void
check_privilege(RangeVar *name, AclMode privilege)
{
	Oid			table = name == NULL ? InvalidOid :
		RangeVarGetRelid(name, NoLock, true);

	if (!OidIsValid(table))
		return;
	qualify(name, table);
	if (!casnet_schema_is_ours(get_rel_namespace(table)) ||
		has_privs_of_role(GetUserId(), casnet_owner_of(table)))
		return;
	if (privilege == ACL_NO_RIGHTS)
		aclcheck_error(ACLCHECK_NOT_OWNER,
					   get_relkind_objtype(get_rel_relkind(table)),
					   get_rel_name(table));
	if (pg_class_aclcheck(table, GetUserId(), privilege) != ACLCHECK_OK &&
		(privilege != ACL_REFERENCES ||
		 pg_attribute_aclcheck_all(table, GetUserId(), privilege,
								   ACLMASK_ANY) != ACLCHECK_OK))
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_relkind_objtype(get_rel_relkind(table)),
					   get_rel_name(table));
}

/* Whether a name will mean the new table as soon as that is created. */
static bool
is_new_table(const RangeVar *name, const RangeVar *new_table)
{
	Oid			schema;
	ListCell   *lc;

	if (new_table == NULL || name->schemaname != NULL ||
		strcmp(name->relname, new_table->relname) != 0)
		return false;
	schema = RangeVarGetCreationNamespace(new_table);
	foreach(lc, fetch_search_path(true))
	{
		if (lfirst_oid(lc) == schema)
			return true;
		if (OidIsValid(get_relname_relid(name->relname, lfirst_oid(lc))))
			return false;
	}
	return false;
}

/*
 * The same check of the foreign keys in an element of ALTER TABLE, or of CREATE TABLE,
 * where new_table is the table to be created.
 */
static void
check_keys(Node *element, const RangeVar *new_table)
{
	ListCell   *lc;

	if (element == NULL)
		return;
	if (IsA(element, Constraint) &&
		((Constraint *) element)->contype == CONSTR_FOREIGN)
	{
		RangeVar   *key = ((Constraint *) element)->pktable;

		if (!is_new_table(key, new_table))
			check_privilege(key, ACL_REFERENCES);
	}
	if (IsA(element, ColumnDef))
		foreach(lc, ((ColumnDef *) element)->constraints)
			check_keys(lfirst(lc), new_table);
}

/* The same check of DROP for what belongs to a table: triggers, rules and policies. */
static void
check_drop(const DropStmt *statement)
{
	ListCell   *lc;

	if (statement->removeType != OBJECT_TRIGGER &&
		statement->removeType != OBJECT_RULE &&
		statement->removeType != OBJECT_POLICY)
		return;
	foreach(lc, statement->objects)
	{
		List	   *names = list_copy(lfirst_node(List, lc));
		RangeVar   *table;

		if (list_length(names) < 2)
			continue;
		table = makeRangeVarFromNameList(list_truncate(names,
													   list_length(names) - 1));
		check_privilege(table, ACL_NO_RIGHTS);
		if (list_length(names) == 1 && table->schemaname != NULL)
			lfirst(lc) = lcons(makeString(table->schemaname),
							   lfirst(lc));
	}
}

/* Whether casnet_lock_check_statement() can add a schema to names in the statement. */
bool
casnet_lock_changes_statement(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_LockStmt:
		case T_RuleStmt:
		case T_AlterObjectDependsStmt:
		case T_DropStmt:
		case T_CreateTrigStmt:
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
		case T_AlterTableStmt:
			return true;
		default:
			return false;
	}
}

/*
 * A utility statement is about to be executed.  Raises 42501 if its lock would keep others
 * from changing casnet's tables, though the role has no right to the statement.  This adds
 * the schema to names in the statement, so the caller must pass one that is not kept.
 */
void
casnet_lock_check_statement(Node *statement)
{
	ListCell   *lc;

	switch (nodeTag(statement))
	{
		case T_LockStmt:
			check_lock((LockStmt *) statement);
			break;
		case T_RuleStmt:
			check_privilege(((RuleStmt *) statement)->relation, ACL_NO_RIGHTS);
			break;
		case T_AlterObjectDependsStmt:
			check_privilege(((AlterObjectDependsStmt *) statement)->relation,
							ACL_NO_RIGHTS);
			break;
		case T_DropStmt:
			check_drop((DropStmt *) statement);
			break;
		case T_CreateTrigStmt:
			check_privilege(((CreateTrigStmt *) statement)->relation,
							ACL_TRIGGER);
			check_privilege(((CreateTrigStmt *) statement)->constrrel,
							ACL_TRIGGER);
			break;
		case T_CreateStmt:
		case T_CreateForeignTableStmt:	/* begins as the other does */
			foreach(lc, ((CreateStmt *) statement)->tableElts)
				check_keys(lfirst(lc),
						   ((CreateStmt *) statement)->relation);
			foreach(lc, ((CreateStmt *) statement)->inhRelations)
				check_privilege(lfirst(lc), ACL_NO_RIGHTS);
			break;
		case T_AlterTableStmt:
			foreach(lc, ((AlterTableStmt *) statement)->cmds)
			{
				AlterTableCmd *command = lfirst(lc);

				check_keys(command->def, NULL);
				if (command->subtype == AT_AttachPartition ||
					command->subtype == AT_DetachPartition)
					check_privilege(((PartitionCmd *) command->def)->name,
									ACL_NO_RIGHTS);
				else if (command->subtype == AT_AddInherit ||
						 command->subtype == AT_DropInherit)
					check_privilege((RangeVar *) command->def,
									ACL_NO_RIGHTS);
			}
			break;
		default:
			break;
	}
}
