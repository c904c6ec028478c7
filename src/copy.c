/*
 * copy.c
 *		What COPY into a table with row security is told to do instead.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "casnet.h"

/* ErrorContextCallback: give the server's refusal a hint that names the view. */
static void
name_view(void *arg)
{
	if (geterrcode() == ERRCODE_FEATURE_NOT_SUPPORTED)
		errhint("COPY into %s, which takes the rows under the policies of the table.",
				(const char *) arg);
}

/*
 * The view to load the table through, as SQL writes its name, or NULL.  A view of another
 * role could have that name, and would get the rows.
 */
static char *
view_of(Oid table)
{
	Oid			schema = get_rel_namespace(table);
	char	   *name = psprintf("%s_load", get_rel_name(table));
	Oid			view = get_relname_relid(name, schema);

	if (!OidIsValid(view) || get_rel_relkind(view) != RELKIND_VIEW ||
		!OidIsValid(get_trigger_oid(view, "casnet_load", true)) ||
		(casnet_owner_of(view) != casnet_owner_of(table) &&
		 !casnet_security_is_trusted(casnet_owner_of(view), InvalidOid)))
		return NULL;
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

/*
 * A statement is about to be executed.  If it is a COPY that the server refuses because of
 * row security, its error will name the view to load the table through.  The caller takes
 * the callback off error_context_stack afterwards.
 */
void
casnet_copy_begin(const Node *statement, ErrorContextCallback *callback)
{
	const CopyStmt *copy = (const CopyStmt *) statement;
	Oid			table;
	char	   *view;

	if (!IsA(statement, CopyStmt) || !copy->is_from || copy->relation == NULL)
		return;
	table = RangeVarGetRelid(copy->relation, NoLock, true);
	if (!OidIsValid(table) || get_rel_relkind(table) == RELKIND_VIEW ||
		check_enable_rls(table, InvalidOid, true) != RLS_ENABLED ||
		(view = view_of(table)) == NULL)
		return;
	callback->callback = name_view;
	callback->arg = view;
	callback->previous = error_context_stack;
	error_context_stack = callback;
}
