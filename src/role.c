/*
 * role.c
 *		The roles: which exist, which stay, and which gives all that another one gives.
 *
 * A role is a name, and gives the permissions in role_permissions.  Four roles are built
 * in; administrators add others.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_keep_role);

/* Whether the role is built in. */
static bool
is_built_in(const char *role)
{
	static const char *const roles[] = {"owner", "admin", "member", "viewer"};

	for (int i = 0; i < lengthof(roles); i++)
		if (strcmp(role, roles[i]) == 0)
			return true;
	return false;
}

/* Whether the path leads to a row with that role, at this moment. */
static bool
has_row(CasnetTable table, CasnetPath path, const char *role)
{
	CasnetReading reading;
	CasnetScan	scan;
	bool		found;

	casnet_scan_begin(&scan, path, casnet_reading_begin(&reading, 1, &table),
					  CStringGetTextDatum(role), (Datum) 0);
	found = casnet_scan_next(&scan) != NULL;
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return found;
}

/* Raises 22023 unless the role exists; also for the empty string, which stands for NULL. */
void
casnet_role_require(const char *role)
{
	if (strlen(role) >= CASNET_NAME_LENGTH ||
		!has_row(CASNET_ROLES, CASNET_ROLE_BY_NAME, role))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown role \"%s\"", role),
				 errhint("SELECT name FROM casnet.roles lists them.")));
}

/* Whether the role gives a permission that the other one does not. */
bool
casnet_role_is_above(const char *role, const char *other)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	Bitmapset  *given = casnet_membership_role_permissions(role, snapshot);
	Bitmapset  *of_other = casnet_membership_role_permissions(other, snapshot);

	UnregisterSnapshot(snapshot);
	return !bms_is_subset(given, of_other);
}

/*
 * The names, as an array of text, of the roles that this one can replace, since it gives
 * all that they give.  Leaves out the role itself, and owner, which is more than its
 * permissions.
 */
ArrayType *
casnet_role_replaced_by(const char *role)
{
	CasnetTable tables[] = {CASNET_ROLES, CASNET_ROLE_PERMISSIONS};
	CasnetReading reading;
	Snapshot	snapshot = casnet_reading_begin(&reading, lengthof(tables), tables);
	Bitmapset  *given = casnet_membership_role_permissions(role, snapshot);
	ArrayBuildState *names = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, CASNET_ALL_ROLES, snapshot, (Datum) 0, (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		char	   *name = TextDatumGetCString(casnet_scan_value(&scan, tuple,
																 ROLES_NAME, &isnull));

		CHECK_FOR_INTERRUPTS();
		if (strcmp(name, role) != 0 && strcmp(name, "owner") != 0 &&
			bms_is_subset(casnet_membership_role_permissions(name, snapshot), given))
			names = accumArrayResult(names, CStringGetTextDatum(name), false,
									 TEXTOID, CurrentMemoryContext);
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return DatumGetArrayTypeP(makeArrayResult(names, CurrentMemoryContext));
}

/* Raises 23514 if the role is built in, 23503 if a member has it. */
static void
check_removal(Relation roles, const char *role)
{
	if (is_built_in(role))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("cannot delete the built-in role \"%s\"", role),
				 errhint("Change what it gives in casnet.role_permissions."),
				 errtable(roles)));
	if (has_row(CASNET_USER_TENANTS, CASNET_MEMBERS_BY_ROLE, role))
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("the role \"%s\" is in use", role),
				 errhint("Give its members another one first: UPDATE casnet.user_tenants SET role = 'viewer' WHERE role = %s, or casnet.set_member_role() for a member of the active tenant.",
						 quote_literal_cstr(role)),
				 errtable(roles)));
}

/*
 * casnet_internal.keep_role() returns trigger
 *
 * BEFORE UPDATE OR DELETE FOR EACH ROW on roles.  Raises 23514 for a role that is renamed,
 * and what check_removal() raises for one that is deleted.  A transaction that gives the
 * role to a member holds the row until it ends, so this looks only after that.  Raises
 * 39P01 when called in any other way.
 */
Datum
casnet_keep_role(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "keep_role", true);
	Relation	roles = trigger->tg_relation;
	char	   *role = casnet_trigger_text(roles, trigger->tg_trigtuple, "name");

	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		check_removal(roles, role);
	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return PointerGetDatum(trigger->tg_trigtuple);
	if (strcmp(role, casnet_trigger_text(roles, trigger->tg_newtuple, "name")) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("cannot rename a role"),
				 errhint("Add another role, give it the permissions and the members of this one, and delete this one unless it is built in."),
				 errtable(roles)));
	return PointerGetDatum(trigger->tg_newtuple);
}
