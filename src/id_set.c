/*
 * id_set.c
 *		The sets of ids that policies on users and tenants compare rows with.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"

#include "casnet.h"

/*
 * A set of ids that a policy compares rows with, kept at its call site.  The first answer
 * is kept for the life of the expression, as long as it is valid.  Later ones, after the
 * session became somebody else, are made anew each time.
 */
typedef struct IdSet
{
	uint64		generation;
	TimestampTz begun;			/* when the client's statement began */
	uint64		statement;		/* number of the statement that wrote, or 0 */
	CasnetOpener opener;		/* whom they are about, if not the session */
	bool		of_tenants;		/* ids of tenants, not of users */
	ArrayType  *array;
} IdSet;

PG_FUNCTION_INFO_V1(casnet_my_tenant_ids);
PG_FUNCTION_INFO_V1(casnet_visible_user_ids);

/* The list as a uuid[], in the current memory context. */
ArrayType *
casnet_id_set_array(List *list)
{
	Datum	   *elements = palloc(Max(list_length(list), 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, list)
		elements[n++] = PointerGetDatum(lfirst(lc));
	return construct_array(elements, n, UUIDOID, UUID_LEN, false,
						   TYPALIGN_CHAR);
}

/* Append a copy of the UUID to the list, unless it is in it already. */
static List *
append_unique(List *list, const pg_uuid_t *uuid)
{
	ListCell   *lc;

	foreach(lc, list)
		if (memcmp(lfirst(lc), uuid, UUID_LEN) == 0)
			return list;
	return lappend(list, DatumGetPointer(casnet_uuid_copy(uuid)));
}

/* Append a column of all rows that the path finds for the key. */
static List *
append_rows(List *list, CasnetPath path, const pg_uuid_t *key, int column)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, path, snapshot, UUIDPGetDatum(key), (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		value = casnet_scan_value(&scan, tuple, column, &isnull);

		list = lappend(list, DatumGetPointer(casnet_uuid_copy(DatumGetUUIDP(value))));
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return list;
}

/*
 * Whether the answer belongs to the cursor from which rows are fetched, or to the
 * statement that writes.  PL/pgSQL keeps expressions longer than either.
 */
static bool
is_of_statement(const IdSet *set)
{
	return set->opener.is_somebody ||
		(set->statement != 0 && set->statement == casnet_statement_number());
}

/*
 * Whether a list made for a cursor's opener, perhaps for another of their cursors, is
 * still valid.  Raises 42501 if they lost one of its tenants.
 */
static bool
openers_list_holds(IdSet *set)
{
	if (!set->opener.is_somebody || set->generation == casnet_generation)
		return true;
	if (!set->of_tenants)
		return false;
	casnet_remember_require_list(&set->opener.identity.user, set->array);
	set->generation = casnet_generation;
	return true;
}

/*
 * The kept answer, or NULL.  A policy's answer stays the same while rows are fetched from
 * a cursor, or a statement writes.  The list of a cursor's opener does not answer for the
 * session, which can ask next: PL/pgSQL keeps the expression.
 */
static ArrayType *
kept_ids(FunctionCallInfo fcinfo)
{
	IdSet	   *set = fcinfo->flinfo->fn_extra;
	bool		is_stored = casnet_policy_call_is_stored(fcinfo->flinfo);
	bool		is_ours = set != NULL &&
		(!is_stored || casnet_statement_opener_is(&set->opener));
	pg_uuid_t	user;

	if (is_ours && is_stored && is_of_statement(set))
	{
		casnet_statement_check();
		return openers_list_holds(set) ? set->array : NULL;
	}
	AcceptInvalidationMessages();
	if (!is_ours || set->generation != casnet_generation)
		return NULL;
	/* PL/pgSQL keeps an expression beyond a statement, and the token can end. */
	if (!is_stored || set->begun != GetCurrentStatementStartTimestamp())
	{
		user = casnet_membership_require_user()->key.user;
		if (set->generation != casnet_generation)
			return NULL;
		if (set->of_tenants)
			casnet_asked_note_list(&user, set->array);
	}
	return set->array;
}

/* Keep the ids as this call site's answer if it is the first; return them. */
static Datum
keep_ids(FunctionCallInfo fcinfo, ArrayType *ids, bool of_tenants,
		 uint64 generation)
{
	MemoryContext oldcontext;
	IdSet	   *set;

	if (fcinfo->flinfo->fn_extra != NULL)
		PG_RETURN_ARRAYTYPE_P(ids);

	oldcontext = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	set = palloc(sizeof(IdSet));
	set->array = DatumGetArrayTypePCopy(PointerGetDatum(ids));
	set->generation = generation;
	set->begun = GetCurrentStatementStartTimestamp();
	set->statement = casnet_statement_number();
	casnet_statement_note_opener(&set->opener);
	set->of_tenants = of_tenants;
	MemoryContextSwitchTo(oldcontext);
	fcinfo->flinfo->fn_extra = set;
	PG_RETURN_ARRAYTYPE_P(set->array);
}

/*
 * The tenants that a user may see, in the current memory context.  These are the tenants
 * of the memberships, and the session's active one if the user may be active there.
 */
ArrayType *
casnet_id_set_my_tenants(const CasnetIdentity *session,
						   const pg_uuid_t *user)
{
	List	   *list = append_rows(NIL, CASNET_MEMBERS_BY_USER, user,
								   USER_TENANTS_TENANT_ID);
	ArrayType  *tenants;

	if (session->has_tenant &&
		casnet_membership_of(user, &session->tenant)->tenant_open)
		list = append_unique(list, &session->tenant);
	tenants = casnet_id_set_array(list);
	casnet_asked_note_list(user, tenants);
	return tenants;
}

/*
 * The users that a user may see, in the current memory context.  These are the user and,
 * with view_users, the members of the session's active tenant; *of_tenant says whether it
 * includes the members.
 */
ArrayType *
casnet_id_set_visible_users(const CasnetIdentity *session,
							  const pg_uuid_t *user, bool *of_tenant)
{
	List	   *list = NIL;

	*of_tenant = session->has_tenant &&
		casnet_membership_holds(casnet_membership_of(user, &session->tenant),
								casnet_permission_find("view_users"));
	if (*of_tenant)
		list = append_rows(list, CASNET_MEMBERS_BY_TENANT, &session->tenant,
						   USER_TENANTS_USER_ID);
	list = append_unique(list, user);
	return casnet_id_set_array(list);
}

/*
 * The user that the call is about: a cursor's opener for a policy's call while rows are
 * fetched from that cursor, else the session's user.  Raises 28000 if that user is not
 * active, or nobody is signed in.
 */
static pg_uuid_t
whose_ids(FunctionCallInfo fcinfo, CasnetIdentity *session)
{
	const CasnetIdentity *opener = casnet_statement_opener();

	if (opener != NULL && opener->has_user &&
		casnet_policy_call_is_stored(fcinfo->flinfo))
	{
		*session = *opener;
		casnet_membership_require_active(&opener->user);
		return opener->user;
	}
	casnet_session_identity(session);
	return casnet_membership_require_user()->key.user;
}

/*
 * casnet_internal.my_tenant_ids() returns uuid[]
 *
 * The tenants that the session's user may see: those of the user's memberships, and the
 * active one.  Raises 28000 if nobody is signed in.
 */
Datum
casnet_my_tenant_ids(PG_FUNCTION_ARGS)
{
	ArrayType  *kept = kept_ids(fcinfo);
	CasnetIdentity session;
	uint64		generation;
	pg_uuid_t	user;

	if (kept != NULL)
		PG_RETURN_ARRAYTYPE_P(kept);

	user = whose_ids(fcinfo, &session);
	generation = casnet_generation;
	return keep_ids(fcinfo, casnet_id_set_my_tenants(&session, &user), true,
					generation);
}

/*
 * casnet_internal.visible_user_ids() returns uuid[]
 *
 * The users that the session's user may see: the user and, with view_users, the members
 * of the active tenant.  Raises 28000 if nobody is signed in.
 */
Datum
casnet_visible_user_ids(PG_FUNCTION_ARGS)
{
	ArrayType  *kept = kept_ids(fcinfo);
	CasnetIdentity session;
	uint64		generation;
	pg_uuid_t	user;
	bool		of_tenant;

	if (kept != NULL)
		PG_RETURN_ARRAYTYPE_P(kept);

	user = whose_ids(fcinfo, &session);
	generation = casnet_generation;
	return keep_ids(fcinfo,
					casnet_id_set_visible_users(&session, &user, &of_tenant),
					false, generation);
}
