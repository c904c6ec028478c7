/*
 * permission.c
 *		Permissions: their names and bits, and the functions that ask for them.
 *
 * A permission is a name in the tables and a bit in a verdict.  The bits of
 * one backend mean nothing to another.  The built-in names have the first
 * ones; others are added when they are met in role_permissions or
 * user_tenant_permissions, so what callers pass in never takes up memory.  That a
 * name has a bit does not say that the permission exists: what was met may be gone,
 * or was never committed.
 */
#include "postgres.h"

#include "fmgr.h"
#include "access/xact.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "casnet.h"

typedef struct PermissionEntry
{
	char		name[CASNET_NAME_LENGTH];	/* hash key; must be first */
	int			bit;
	uint64		met;			/* the reading of role_permissions that last met it */
} PermissionEntry;

/* What a call site of tenant_with() or can() keeps in fn_extra. */
typedef struct CallSite
{
	uint64		generation;		/* the answer holds for this generation */
	TimestampTz statement;		/* and this statement of the client */
	int			nbits;			/* the permissions that are asked for */
	int			bits[CASNET_MAX_UNITED];
	bool		holds;			/* what can() answered */
	bool		is_stored;		/* of a policy or view, not of a statement */
	CasnetOpener opener;		/* the answer is for this one */
	bool		has_tenant;
	pg_uuid_t	tenant;			/* what tenant_with() answered first */
} CallSite;

static const char *const built_in[] = {
	"view_persons", "create_persons", "edit_persons", "delete_persons",
	"view_records", "create_records", "edit_records", "delete_records",
	"view_tags", "create_tags", "edit_tags", "delete_tags",
	"view_tasks", "create_tasks", "edit_tasks", "delete_tasks",
	"view_calendar", "create_calendar", "edit_calendar", "delete_calendar",
	"view_users", "manage_users", "assign_roles", "manage_permissions",
	"manage_tenant", "delete_tenant", "view_analytics"
};

/* The lengths of the built-in names, to find them without hashing. */
static uint8 built_in_lengths[lengthof(built_in)];

static HTAB *registry = NULL;
static const char **names = NULL;	/* by bit */
static int	names_allocated = 0;
static int	names_used = 0;

/* The last reading of role_permissions, and the epoch of the table that it is good for. */
static uint64 last_reading = 0;
static uint64 read_epoch = PG_UINT64_MAX;

PG_FUNCTION_INFO_V1(casnet_tenant_with);
PG_FUNCTION_INFO_V1(casnet_can);
PG_FUNCTION_INFO_V1(casnet_can_in);
PG_FUNCTION_INFO_V1(casnet_user_can_in);

/* Add a name to the registry; returns its bit. */
static int
add_name(const char *name)
{
	PermissionEntry *entry;

	if (names_used == names_allocated)
	{
		int			wanted = names_allocated == 0 ? 64 : names_allocated * 2;

		if (names == NULL)
			names = MemoryContextAlloc(TopMemoryContext,
									   wanted * sizeof(char *));
		else
			names = repalloc(names, wanted * sizeof(char *));
		names_allocated = wanted;
	}
	entry = hash_search(registry, name, HASH_ENTER, NULL);
	entry->bit = names_used;
	entry->met = 0;
	names[names_used++] = entry->name;
	return entry->bit;
}

/* Make the registry with the built-in names, unless that is done. */
static void
ensure_registry(void)
{
	HASHCTL		ctl;

	if (registry == NULL)
	{
		memset(&ctl, 0, sizeof(ctl));
		ctl.keysize = CASNET_NAME_LENGTH;
		ctl.entrysize = sizeof(PermissionEntry);
		registry = hash_create("casnet permissions", 64, &ctl,
							   HASH_ELEM | HASH_STRINGS);
	}
	/* Resumes where running out of memory may have interrupted it. */
	while (names_used < lengthof(built_in))
	{
		built_in_lengths[names_used] = strlen(built_in[names_used]);
		add_name(built_in[names_used]);
	}
}

/* The bit of a name that was met before, whether it exists or not; or -1. */
int
casnet_permission_find(const char *name)
{
	PermissionEntry *entry;

	ensure_registry();
	if (strlen(name) >= CASNET_NAME_LENGTH)
		return -1;
	entry = hash_search(registry, name, HASH_FIND, NULL);
	return entry == NULL ? -1 : entry->bit;
}

/*
 * The bit of a name found in one of our tables, new if need be; -1 for one
 * that is too long to be a permission.
 */
int
casnet_permission_intern(const char *name)
{
	int			bit = casnet_permission_find(name);

	if (bit < 0 && strlen(name) < CASNET_NAME_LENGTH)
		bit = add_name(name);
	return bit;
}

const char *
casnet_permission_name(int bit)
{
	return names[bit];
}

/* One more than the highest bit. */
int
casnet_permission_count(void)
{
	ensure_registry();
	return names_used;
}

/*
 * Meet all names in role_permissions.  Good until the table changes: a message says
 * so, also of one's own changes and of their rollback.
 */
static void
meet_permissions(void)
{
	uint64		epoch = casnet_table_epochs[CASNET_ROLE_PERMISSIONS];
	uint64		reading = ++last_reading;
	Snapshot	snapshot = casnet_catalog_snapshot_of_rights();
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, CASNET_ALL_ROLE_PERMISSIONS, snapshot,
					  (Datum) 0, (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		value = casnet_scan_value(&scan, tuple,
											  ROLE_PERMISSIONS_PERMISSION,
											  &isnull);
		char	   *name;

		if (isnull)
			continue;
		name = TextDatumGetCString(value);
		if (casnet_permission_intern(name) >= 0)
		{
			PermissionEntry *entry = hash_search(registry, name, HASH_FIND, NULL);

			entry->met = reading;
		}
		pfree(name);
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	read_epoch = epoch;
}

/*
 * The bit of a permission that exists: it is built in or in role_permissions; or -1.
 * Messages are taken in first, so that it is one that exists at this moment.
 */
int
casnet_permission_existing(const char *name)
{
	int			bit = casnet_permission_find(name);
	PermissionEntry *entry;

	if ((bit >= 0 && bit < lengthof(built_in)) ||
		strlen(name) >= CASNET_NAME_LENGTH)
		return bit;
	AcceptInvalidationMessages();
	if (read_epoch != casnet_table_epochs[CASNET_ROLE_PERMISSIONS])
		meet_permissions();
	entry = hash_search(registry, name, HASH_FIND, NULL);
	return entry != NULL && entry->met == last_reading ? entry->bit : -1;
}

/* The same by what others have committed, without what this transaction has changed. */
int
casnet_permission_existing_to_others(const char *name)
{
	int			bit = casnet_permission_find(name);
	Snapshot	snapshot;
	SnapshotData others;
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		found = false;

	if ((bit >= 0 && bit < lengthof(built_in)) ||
		strlen(name) >= CASNET_NAME_LENGTH)
		return bit;
	snapshot = casnet_catalog_snapshot();
	others = *snapshot;
	others.curcid = FirstCommandId;
	casnet_scan_begin(&scan, CASNET_ALL_ROLE_PERMISSIONS, &others,
					  (Datum) 0, (Datum) 0);
	while (!found && (tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		value = casnet_scan_value(&scan, tuple,
											  ROLE_PERMISSIONS_PERMISSION,
											  &isnull);
		char	   *other = isnull ? NULL : TextDatumGetCString(value);

		found = other != NULL && strcmp(other, name) == 0;
		if (other != NULL)
			pfree(other);
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found ? casnet_permission_intern(name) : -1;
}

/*
 * The bit of a permission that somebody asks for.  Raises 22023 when it does not
 * exist.
 */
int
casnet_permission_bit(const char *name)
{
	int			bit = casnet_permission_existing(name);

	if (bit < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown permission \"%s\"", name),
				 errhint("SELECT DISTINCT permission FROM casnet.role_permissions lists those that exist.")));
	return bit;
}

/* The same for a text argument, which is NULL if it is NULL in SQL. */
int
casnet_permission_bit_of(text *name)
{
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of the permission is null"),
				 errhint("Name a permission, such as 'view_records'.")));
	return casnet_permission_bit(text_to_cstring(name));
}

/*
 * Whether the argument may differ from row to row.  Anything but constants,
 * parameters of the statement and operations on them may; not that of a call
 * that is in no expression.
 */
static bool
varies_by_row(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Const:
			return false;
		case T_Param:
			return ((Param *) node)->paramkind != PARAM_EXTERN;
		case T_List:
		case T_FuncExpr:
		case T_OpExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_CollateExpr:
			return expression_tree_walker(node, varies_by_row, context);
		default:
			return true;
	}
}

/*
 * Whether the first argument of this call, of a function that has one, is a
 * constant.  A parameter does not count: PL/pgSQL evaluates one expression
 * with many values of it.
 */
bool
casnet_permission_argument_is_constant(FmgrInfo *flinfo)
{
	FuncExpr   *call = (FuncExpr *) flinfo->fn_expr;

	return call != NULL && IsA(call, FuncExpr) &&
		IsA(linitial(call->args), Const);
}

/*
 * Whether tenant_with() was called as a function of a row.  The planner runs
 * a leakproof function on rows that no policy has let through yet, so such a
 * call must not depend on its argument, not even by raising an error.
 */
static bool
called_on_rows(FmgrInfo *flinfo)
{
	return varies_by_row(flinfo->fn_expr, NULL);
}

/*
 * Whether the call comes from a stored expression, such as a policy: those
 * have no location.  It then belongs to one execution of one query; one of a
 * statement's own may be an expression that PL/pgSQL keeps for a transaction.
 * For one that a stored function brought into such an expression, see
 * casnet_unite_permissions().
 */
bool
casnet_permission_call_is_stored(FmgrInfo *flinfo)
{
	FuncExpr   *call = (FuncExpr *) flinfo->fn_expr;

	return call != NULL && IsA(call, FuncExpr) && call->location < 0;
}

/*
 * The call is about to answer for the session.  Raises 55000 when it is of a policy or
 * a view, and rows are fetched from what somebody else opened: such a condition must
 * not let through rows of two users or tenants.
 */
void
casnet_permission_check_opener(FmgrInfo *flinfo)
{
	const CasnetIdentity *opener = casnet_statement_opener();

	if (unlikely(opener != NULL) && casnet_permission_call_is_stored(flinfo))
		casnet_statement_require_opener(opener);
}

/*
 * The answer kept at this call site still holds.  An expression which PL/pgSQL
 * keeps is asked by one statement after the other, of which a client may send
 * several at once, and each rests on the answer; so that is asked for again.  What was
 * answered about whoever opened a cursor is not about the session, which may ask next.
 */
static inline bool
site_is_fresh(const CallSite *site)
{
	return site != NULL && site->is_stored &&
		site->generation == casnet_generation &&
		site->statement == GetCurrentStatementStartTimestamp() &&
		casnet_statement_opener_is(&site->opener);
}

/* The bit of a built-in name that need not end with a zero, or -1. */
static int
find_built_in(const char *name, size_t length)
{
	ensure_registry();
	for (int bit = 0; bit < lengthof(built_in); bit++)
		if (built_in_lengths[bit] == length &&
			memcmp(built_in[bit], name, length) == 0)
			return bit;
	return -1;
}

/*
 * The bits of the argument: of one permission, or of several that planner.c
 * united, separated by commas.  Returns their number.  Raises 22023.
 */
static int
find_bits(FunctionCallInfo fcinfo, int *bits)
{
	text	   *argument = PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0);
	const char *name;
	size_t		left;
	int			n = 0;

	if (argument == NULL)
	{
		bits[0] = casnet_permission_bit_of(NULL);
		return 1;
	}

	name = VARDATA_ANY(argument);
	left = VARSIZE_ANY_EXHDR(argument);
	for (;;)
	{
		const char *comma = n == CASNET_MAX_UNITED - 1 ? NULL :
			memchr(name, ',', left);
		size_t		length = comma == NULL ? left : comma - name;

		bits[n] = find_built_in(name, length);
		if (bits[n] < 0)
			bits[n] = casnet_permission_bit(pnstrdup(name, length));
		n++;
		if (comma == NULL)
			return n;
		left -= length + 1;
		name = comma + 1;
	}
}

/*
 * Messages that arrived since the client's last statement are taken in
 * before the first answer of each call site, which the executor makes anew
 * for each execution.  Returns the site; a scratch one, which is not kept, if
 * the argument may change.
 */
static CallSite *
prepare_site(FunctionCallInfo fcinfo, CallSite *scratch)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;

	AcceptInvalidationMessages();
	if (site != NULL)
		return site;

	if (casnet_permission_argument_is_constant(fcinfo->flinfo))
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
									  sizeof(CallSite));
		site->is_stored = casnet_permission_call_is_stored(fcinfo->flinfo);
	}
	else
		site = memset(scratch, 0, sizeof(CallSite));
	site->nbits = find_bits(fcinfo, site->bits);
	if (site != scratch)
		fcinfo->flinfo->fn_extra = site;
	return site;
}

/* From now on the site may answer by itself. */
static void
keep_answer(CallSite *site)
{
	if (!casnet_membership_is_cached())
		return;
	site->generation = casnet_generation;
	site->statement = GetCurrentStatementStartTimestamp();
	casnet_statement_note_opener(&site->opener);
}

/* tenant_with() when the call site has no fresh answer. */
static Datum
tenant_with_slow(FunctionCallInfo fcinfo)
{
	CallSite	scratch;
	CallSite   *site;
	const CasnetIdentity *opener = casnet_statement_opener();
	const CasnetVerdict *verdict;
	pg_uuid_t  *result;

	casnet_statement_check();
	if (fcinfo->flinfo->fn_extra == NULL && called_on_rows(fcinfo->flinfo))
		PG_RETURN_NULL();

	site = prepare_site(fcinfo, &scratch);

	/*
	 * A cursor stays with the user and the tenant that opened it, also when rows
	 * are fetched after the session has become somebody else; but the permission
	 * must still be there.
	 */
	if (site->is_stored && opener != NULL && opener->has_user &&
		opener->has_tenant)
	{
		if (!casnet_execution_asks(opener, site->nbits, site->bits))
			casnet_membership_note_asked(&opener->user, &opener->tenant, 0);
		verdict = casnet_membership_require_of(&opener->user, &opener->tenant,
											   site->nbits, site->bits);
	}
	else
	{
		casnet_permission_check_opener(fcinfo->flinfo);
		verdict = casnet_membership_require(site->nbits, site->bits);
	}

	/*
	 * A scan key may point to the value we returned before, so a site never
	 * changes its tenant.  A session that moves to another one in the middle
	 * of an expression's life gets copies.
	 */
	if (site != &scratch)
	{
		if (!site->has_tenant)
		{
			site->tenant = verdict->key.tenant;
			site->has_tenant = true;
		}
		if (memcmp(&site->tenant, &verdict->key.tenant,
				   sizeof(pg_uuid_t)) == 0)
		{
			keep_answer(site);
			PG_RETURN_UUID_P(&site->tenant);
		}
	}
	result = palloc(sizeof(pg_uuid_t));
	*result = verdict->key.tenant;
	PG_RETURN_UUID_P(result);
}

/*
 * casnet.tenant_with(permission text) returns uuid
 *
 * The active tenant, if the session's user holds the permission there; what
 * policies compare tenant_id with.  Raises 28000 when nobody is signed in,
 * 55000 when no tenant is active, 42501 when the user is no member of it or
 * lacks the permission, 22023 for an unknown permission.  Returns NULL when the
 * argument is computed from a row.
 */
Datum
casnet_tenant_with(PG_FUNCTION_ARGS)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;

	if (likely(site_is_fresh(site)))
		PG_RETURN_UUID_P(&site->tenant);
	return tenant_with_slow(fcinfo);
}

/*
 * casnet.can(permission text) returns boolean
 *
 * Whether tenant_with() would succeed.  Raises 22023 for an unknown one, 55000 in a
 * policy when the session became somebody else while rows are fetched.
 */
Datum
casnet_can(PG_FUNCTION_ARGS)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;
	CallSite	scratch;
	const CasnetVerdict *verdict;

	if (site_is_fresh(site))
		PG_RETURN_BOOL(site->holds);

	casnet_permission_check_opener(fcinfo->flinfo);
	site = prepare_site(fcinfo, &scratch);
	verdict = casnet_membership_current();
	site->holds = verdict != NULL;
	for (int i = 0; i < site->nbits && site->holds; i++)
		site->holds = casnet_membership_holds(verdict, site->bits[i]);
	if (verdict != NULL)
		keep_answer(site);
	PG_RETURN_BOOL(site->holds);
}

/*
 * casnet_internal.can_in(tenant_id uuid, permission text) returns boolean
 *
 * Whether the session's user holds the permission in that tenant, active or
 * not; internal.  Raises 22023 for an unknown permission.
 */
Datum
casnet_can_in(PG_FUNCTION_ARGS)
{
	const CasnetVerdict *verdict;
	int			bit;

	AcceptInvalidationMessages();
	bit = casnet_permission_bit_of(PG_ARGISNULL(1) ? NULL :
								   PG_GETARG_TEXT_PP(1));
	verdict = casnet_membership_in(PG_ARGISNULL(0) ? NULL :
								   PG_GETARG_UUID_P(0));
	PG_RETURN_BOOL(verdict != NULL && casnet_membership_holds(verdict, bit));
}

/*
 * casnet_internal.user_can_in(user_id uuid, tenant_id uuid, permission text)
 * returns boolean
 *
 * The same of any user; internal.
 */
Datum
casnet_user_can_in(PG_FUNCTION_ARGS)
{
	int			bit;

	AcceptInvalidationMessages();
	bit = casnet_permission_bit_of(PG_GETARG_TEXT_PP(2));
	PG_RETURN_BOOL(casnet_membership_holds(
		casnet_membership_of(PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1)), bit));
}
