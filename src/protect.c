/*
 * protect.c
 *		What casnet.protect() does with more rights than its caller has.
 *
 * protect() runs as its caller, an administrator who owns the table.  Two steps need more
 * rights.  Only casnet is allowed to reference casnet.tenants by a foreign key, and to
 * write the table about protected tables.  Each step checks the caller itself, since
 * anybody can call the functions one by one.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_require_protector);
PG_FUNCTION_INFO_V1(casnet_begin_protection);
PG_FUNCTION_INFO_V1(casnet_end_protection);
PG_FUNCTION_INFO_V1(casnet_keep_load_view);
PG_FUNCTION_INFO_V1(casnet_begin_declaration);
PG_FUNCTION_INFO_V1(casnet_end_declaration);
PG_FUNCTION_INFO_V1(casnet_add_tenant_key);
PG_FUNCTION_INFO_V1(casnet_guard_created_table);

/* Raises 42501 unless the caller owns the table and is an administrator. */
static void
require_protector(Oid table)
{
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no such table"),
				 errhint("Name a table, such as 'public.invoices'.")));
	if (!casnet_security_is_administrator() ||
		!has_privs_of_role(GetUserId(), casnet_owner_of(table)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only its owner may protect table %s or undo it",
						DatumGetCString(DirectFunctionCall1(regclassout,
															ObjectIdGetDatum(table)))),
				 errhint("Connect as a superuser, or as the owner of the table, if that role is a member of casnet_admin.")));
}

/*
 * casnet_internal.require_protector(relation regclass) returns void
 *
 * Raises 42501 unless the caller owns the table and is an administrator, 42P01
 * when there is no such table.
 */
Datum
casnet_require_protector(PG_FUNCTION_ARGS)
{
	require_protector(PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

/*
 * A function of casnet_internal, to be called for a role that has no EXECUTE on it.  It
 * gets its owner's rights if it is SECURITY DEFINER.
 */
static Oid
inner_function(const char *name, int nargs, const Oid *types)
{
	return LookupFuncName(list_make2(makeString("casnet_internal"),
									 makeString(pstrdup(name))),
						  nargs, types, false);
}

/*
 * Make or drop the event trigger by which what casnet made for protected tables follows
 * them.  Only a superuser is allowed to do that; the statement has no names of others.
 */
static void
install_follow(void)
{
	(void) casnet_owner_run(superuser() ? GetUserId() : BOOTSTRAP_SUPERUSERID,
							"SELECT casnet_internal.install_follow()");
}

/*
 * casnet_internal.keep_load_view(relation regclass) returns void
 *
 * Does casnet_internal.note_load_view() for the table's protector, once the table has its
 * key.  Raises 42501 for others.
 */
Datum
casnet_keep_load_view(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID};

	require_protector(PG_GETARG_OID(0));
	OidFunctionCall1(inner_function("note_load_view", lengthof(types), types),
					 PG_GETARG_DATUM(0));
	if (!OidIsValid(get_event_trigger_oid("casnet_follow", true)))
		install_follow();
	PG_RETURN_VOID();
}

/*
 * casnet_internal.begin_protection(relation regclass, resource text, is_named boolean,
 * tenant name) returns void
 *
 * Does casnet_internal.note_protection() for the table's protector.  Raises 42501 for
 * others.
 */
Datum
casnet_begin_protection(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID, TEXTOID, BOOLOID, NAMEOID};

	require_protector(PG_GETARG_OID(0));
	OidFunctionCall4(inner_function("note_protection", lengthof(types), types),
					 PG_GETARG_DATUM(0), PG_GETARG_DATUM(1),
					 PG_GETARG_DATUM(2), PG_GETARG_DATUM(3));
	PG_RETURN_VOID();
}

/*
 * casnet_internal.end_protection(relation regclass) returns void
 *
 * Does casnet_internal.forget_protection() for the table's protector.  Raises 42501 for
 * others.
 */
Datum
casnet_end_protection(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID};

	require_protector(PG_GETARG_OID(0));
	OidFunctionCall1(inner_function("forget_protection", lengthof(types), types),
					 PG_GETARG_DATUM(0));
	install_follow();
	PG_RETURN_VOID();
}

/*
 * casnet_internal.begin_declaration(relation regclass, kind text) returns void
 *
 * Does casnet_internal.note_declaration() for the table's protector.  Raises 42501 for
 * others.
 */
Datum
casnet_begin_declaration(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID, TEXTOID};

	require_protector(PG_GETARG_OID(0));
	OidFunctionCall2(inner_function("note_declaration", lengthof(types), types),
					 PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));
	PG_RETURN_VOID();
}

/*
 * casnet_internal.end_declaration(relation regclass) returns jsonb
 *
 * Does casnet_internal.forget_declaration() for the table's protector.  Raises 42501 for
 * others.
 */
Datum
casnet_end_declaration(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID};
	LOCAL_FCINFO(inner, 1);
	FmgrInfo	forget;
	Datum		before;

	require_protector(PG_GETARG_OID(0));
	fmgr_info(inner_function("forget_declaration", lengthof(types), types),
			  &forget);
	InitFunctionCallInfoData(*inner, &forget, 1, InvalidOid, NULL, NULL);
	inner->args[0].value = PG_GETARG_DATUM(0);
	inner->args[0].isnull = false;
	before = FunctionCallInvoke(inner);
	if (inner->isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(before);
}

/* The table of tenants.  Raises 42P01 when there is none. */
static Oid
tenants_table(void)
{
	Oid			table = get_relname_relid("tenants",
										  casnet_schema());

	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table casnet.tenants is missing"),
				 errhint("SELECT casnet.install() makes it.")));
	return table;
}

/*
 * The column of a table that names the tenant.  Raises 42809 unless its type is uuid
 * itself.  The server would put the cast of any other type into the query that checks the
 * key, and run it as the owner of casnet.tenants.
 */
static AttrNumber
tenant_column(Oid table, const char *tenant)
{
	HeapTuple	tuple = SearchSysCacheAttName(table, tenant);
	Form_pg_attribute column;
	AttrNumber	number = InvalidAttrNumber;

	if (HeapTupleIsValid(tuple))
	{
		column = (Form_pg_attribute) GETSTRUCT(tuple);
		if (column->atttypid == UUIDOID && column->attgenerated == '\0')
			number = column->attnum;
		ReleaseSysCache(tuple);
	}
	if (number == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table %s has no ordinary column %s of type uuid",
						casnet_owner_name(table), tenant),
				 errhint("Add the column, or give it this type.")));
	return number;
}

/*
 * The foreign key that deletes the rows of a table with their tenant, or NULL.  It must be
 * one that the server would attach to that of a partitioned table.  A key that is not
 * enforced does not count, since it cannot be validated.
 */
static char *
tenant_key(Oid table, const char *tenant, bool validated)
{
	AttrNumber	column = tenant_column(table, tenant);
	Oid			tenants = tenants_table();
	AttrNumber	id = get_attnum(tenants, "id");
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	char	   *name = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true,
							  NULL, 1, &key);
	while (name == NULL && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint one = (Form_pg_constraint) GETSTRUCT(tuple);
		AttrNumber	columns[INDEX_MAX_KEYS];
		AttrNumber	referenced[INDEX_MAX_KEYS];
		int			number;

		if (one->contype != CONSTRAINT_FOREIGN || one->confrelid != tenants ||
			one->confdeltype != FKCONSTR_ACTION_CASCADE ||
			one->confupdtype != FKCONSTR_ACTION_NOACTION ||
			one->confmatchtype != FKCONSTR_MATCH_SIMPLE ||
			one->condeferrable || OidIsValid(one->conparentid) ||
			one->convalidated != validated || !casnet_is_enforced(one))
			continue;
		DeconstructFkConstraintRow(tuple, &number, columns, referenced, NULL,
								   NULL, NULL, NULL, NULL);
		if (number == 1 && columns[0] == column && referenced[0] == id)
			name = pstrdup(NameStr(one->conname));
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return name;
}

/*
 * Raises 42809 if a partition key of the table or below it calls code that is not a
 * superuser's.  The server runs that code as the role that opens the table to change it.
 */
static void
require_plain_partition_key(Oid table)
{
	if (OidIsValid(casnet_partition_key_strange(table)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the partition key of table %s calls a function of a role that is no superuser",
						casnet_owner_name(table)),
				 errhint("Use a key of columns, or of functions of the server.")));
}

/* The name that the server gives a key of the table. */
static char *
key_name(Oid table, const char *tenant)
{
	return ChooseConstraintName(get_rel_name(table), tenant, "fkey",
								get_rel_namespace(table), NIL);
}

/*
 * Make the key, as a superuser.  This changes catalogs and runs no query: the key is NOT
 * VALID, or all partitions have validated it already.  It gets the name, unless another
 * constraint of the table has that.  The caller has locked the table.
 */
static void
make_key(Oid table, const char *tenant, const char *name, const char *how)
{
	char	   *statement;

	require_protector(table);
	(void) tenant_column(table, tenant);
	casnet_owner_hold_names();
	if (ConstraintNameIsUsed(CONSTRAINT_RELATION, table, name))
		name = key_name(table, tenant);
	statement = psprintf("ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY (%s) "
						 "REFERENCES %s (id) ON DELETE CASCADE%s",
						 casnet_owner_name(table), quote_identifier(name),
						 quote_identifier(tenant),
						 casnet_owner_name(tenants_table()), how);
	casnet_owner_run(superuser() ? GetUserId() : BOOTSTRAP_SUPERUSERID,
					 statement);
	casnet_owner_release_names();
}

/* Make the key of a table with rows of its own, and validate it as its owner. */
static void
make_valid_key(Oid table, const char *tenant, const char *wanted)
{
	char	   *name = tenant_key(table, tenant, false);

	if (name == NULL)
	{
		make_key(table, tenant, wanted, " NOT VALID");
		name = tenant_key(table, tenant, false);
	}
	if (name == NULL)
		elog(ERROR, "the key of table %u is not there", table);
	casnet_owner_alter(table, AT_ValidateConstraint, name);
}

/*
 * Make sure that each partition has a key, if possible with that name.  Raises 42809 for
 * one that cannot have it.  The server would make the missing keys itself, and read the
 * rows as a superuser.
 */
static void
cover_partitions(Oid table, const char *tenant, const char *name, bool make)
{
	ListCell   *cell;

	foreach(cell, find_inheritance_children(table, AccessExclusiveLock))
	{
		Oid			part = lfirst_oid(cell);
		char		kind = get_rel_relkind(part);

		if (tenant_key(part, tenant, true) != NULL)
			continue;
		if (kind == RELKIND_PARTITIONED_TABLE)
			cover_partitions(part, tenant, name, make);
		else if (kind == RELKIND_RELATION && make)
			make_valid_key(part, tenant, name);
		else
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("partition %s cannot have a key to its tenants",
							casnet_owner_name(part)),
					 errhint("Detach the partition.")));
	}
}

/*
 * casnet_internal.add_tenant_key(relation regclass, tenant name) returns void
 *
 * Adds a validated foreign key from that column to casnet.tenants, which deletes rows with
 * their tenant.  Reads the rows as the owner of the table.  Raises 42501 unless the caller
 * owns the table and is an administrator, 42809 when the column is not of type uuid, 23503
 * for rows whose tenant does not exist.
 */
Datum
casnet_add_tenant_key(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	const char *tenant = NameStr(*PG_GETARG_NAME(1));
	char	   *name;

	require_protector(table);
	LockRelationOid(table, AccessExclusiveLock);
	require_protector(table);
	(void) find_all_inheritors(table, AccessExclusiveLock, NULL);
	require_plain_partition_key(table);
	/* As with the server's own keys, those of partitions have the name of the table's. */
	name = key_name(table, tenant);
	if (get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE)
	{
		cover_partitions(table, tenant, name, true);
		/* Check again, since the owners' code can have changed something. */
		cover_partitions(table, tenant, name, false);
		require_plain_partition_key(table);
		make_key(table, tenant, name, "");
	}
	else
		make_valid_key(table, tenant, name);
	PG_RETURN_VOID();
}

/*
 * Whether the command of an event trigger creates or moves a table, or, with *joined, puts
 * a table below another.
 */
static bool
command_concerns(Node *command, bool *joined)
{
	ListCell   *cell;

	*joined = false;
	if (IsA(command, RenameStmt) || IsA(command, AlterOwnerStmt))
		return false;
	if (!IsA(command, AlterTableStmt))
		return true;
	*joined = true;
	foreach(cell, ((AlterTableStmt *) command)->cmds)
	{
		AlterTableType kind = lfirst_node(AlterTableCmd, cell)->subtype;

		if (kind == AT_AttachPartition || kind == AT_AddInherit)
			return true;
	}
	return false;
}

/*
 * casnet_internal.guard_created_table() returns event_trigger
 *
 * Calls casnet_internal.guard_tables() for a command that creates or moves a table, or
 * attaches one to another, and guard_renamed_schema() for one that renames a schema.  Only C sees which command it is.  Raises 55000 for what the
 * guard refuses.
 */
Datum
casnet_guard_created_table(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {BOOLOID};
	static const Oid names[] = {NAMEOID, NAMEOID};
	Node	   *command;
	bool		joined;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.guard_created_table() was not called as an event trigger"),
				 errhint("casnet.guard_schema() makes the event trigger.")));
	command = ((EventTriggerData *) fcinfo->context)->parsetree;
	if (IsA(command, RenameStmt) &&
		((RenameStmt *) command)->renameType == OBJECT_SCHEMA)
		OidFunctionCall2(inner_function("guard_renamed_schema",
										lengthof(names), names),
						 DirectFunctionCall1(namein, CStringGetDatum(((RenameStmt *) command)->subname)),
						 DirectFunctionCall1(namein, CStringGetDatum(((RenameStmt *) command)->newname)));
	if (command_concerns(command, &joined))
		OidFunctionCall1(inner_function("guard_tables", lengthof(types), types),
						 BoolGetDatum(joined));
	PG_RETURN_NULL();
}
