/*
 * identity.c
 *		What a session may know about itself: its user, and the user's tenants.
 *
 * These functions read the tables directly, past privileges and policies.  They show
 * nobody more than the rows of their own user and active tenant.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "casnet.h"

#define WHOAMI_COLUMNS 8
#define MY_TENANTS_COLUMNS 4

PG_FUNCTION_INFO_V1(casnet_current_user_id);
PG_FUNCTION_INFO_V1(casnet_current_tenant_id);
PG_FUNCTION_INFO_V1(casnet_sign_out);
PG_FUNCTION_INFO_V1(casnet_require_user);
PG_FUNCTION_INFO_V1(casnet_require_whole_user);
PG_FUNCTION_INFO_V1(casnet_is_administrator);
PG_FUNCTION_INFO_V1(casnet_is_operator);
PG_FUNCTION_INFO_V1(casnet_tenant_to_manage);
PG_FUNCTION_INFO_V1(casnet_whoami);
PG_FUNCTION_INFO_V1(casnet_my_tenants);
PG_FUNCTION_INFO_V1(casnet_use_tenant);
PG_FUNCTION_INFO_V1(casnet_use_tenant_by_id);

/*
 * casnet.current_user_id() returns uuid
 *
 * The session's user if that exists and is active, else NULL.  Raises 55000 in a policy
 * if the session became somebody else while rows are fetched.
 */
Datum
casnet_current_user_id(PG_FUNCTION_ARGS)
{
	const CasnetVerdict *verdict;

	casnet_policy_check_opener(fcinfo->flinfo);
	AcceptInvalidationMessages();
	verdict = casnet_membership_current();
	if (verdict == NULL || !verdict->user_active)
		PG_RETURN_NULL();
	return casnet_uuid_copy(&verdict->key.user);
}

/*
 * casnet.current_tenant_id() returns uuid
 *
 * The active tenant that the session names, or NULL.  It is a column default; policies
 * decide whether the tenant is allowed.  Raises 55000 if the session became somebody else
 * while a statement writes, or, in a policy, while rows are fetched.
 */
Datum
casnet_current_tenant_id(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *tenant;
	pg_uuid_t  *result;

	casnet_policy_check_opener(fcinfo->flinfo);
	casnet_statement_check();
	tenant = casnet_session_tenant();
	if (tenant == NULL)
		PG_RETURN_NULL();

	/* A copy: the setting can change while the value is still in use. */
	result = palloc(sizeof(pg_uuid_t));
	*result = *tenant;
	PG_RETURN_UUID_P(result);
}

/*
 * casnet_internal.require_user() returns uuid
 *
 * current_user_id() for policies: raises 28000 instead of returning NULL.  In a policy,
 * while rows are fetched from a cursor, it is the cursor's opener.
 */
Datum
casnet_require_user(PG_FUNCTION_ARGS)
{
	const CasnetIdentity *opener = casnet_statement_opener();

	AcceptInvalidationMessages();
	if (opener != NULL && opener->has_user && !casnet_session_is(opener) &&
		casnet_policy_call_is_stored(fcinfo->flinfo))
	{
		casnet_membership_require_active(&opener->user);
		return casnet_uuid_copy(&opener->user);
	}
	return casnet_uuid_copy(&casnet_membership_require_user()->key.user);
}

/*
 * casnet_internal.require_whole_user() returns uuid
 *
 * The session's user, who acts for the account as a whole; internal.  Raises 28000, and
 * 42501 if the session's token is for certain permissions only.
 */
Datum
casnet_require_whole_user(PG_FUNCTION_ARGS)
{
	AcceptInvalidationMessages();
	return casnet_uuid_copy(casnet_membership_require_whole());
}

/*
 * casnet_internal.is_administrator() returns boolean
 *
 * Whether the current role is a superuser or a member of casnet_admin.
 */
Datum
casnet_is_administrator(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(casnet_security_is_administrator());
}

/*
 * casnet_internal.is_operator() returns boolean
 *
 * Whether the current role is a superuser, by the present catalog; internal.
 */
Datum
casnet_is_operator(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(superuser());
}

/*
 * casnet_internal.tenant_to_manage(permission text) returns uuid
 *
 * tenant_with() for the functions that manage members; the policies then judge their
 * statements.  An administrator needs no membership, only an active tenant; raises 55000
 * if none is active.
 */
Datum
casnet_tenant_to_manage(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *tenant = casnet_session_tenant();
	int			bit;

	AcceptInvalidationMessages();
	bit = casnet_permission_bit_of(PG_ARGISNULL(0) ? NULL :
								   PG_GETARG_TEXT_PP(0));
	if (!casnet_security_is_administrator())
		return casnet_uuid_copy(&casnet_membership_require(1, &bit)->key.tenant);
	if (tenant == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no tenant is active"),
				 errhint("Choose the tenant to manage with SELECT casnet.use_tenant('name').")));
	return casnet_uuid_copy(tenant);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The permissions that the verdict includes, as a sorted text[]. */
static Datum
permission_array(const CasnetVerdict *verdict)
{
	int			count = casnet_permission_count();
	const char **names = palloc(count * sizeof(char *));
	Datum	   *elements = palloc(count * sizeof(Datum));
	ArrayType  *array;
	int			n = 0;

	for (int bit = 0; bit < count; bit++)
		/*
		 * A superuser of the application holds every bit; list only permissions that
		 * exist.
		 */
		if (casnet_membership_holds(verdict, bit) &&
			casnet_permission_existing(casnet_permission_name(bit)) >= 0)
			names[n++] = casnet_permission_name(bit);
	qsort(names, n, sizeof(char *), compare_names);
	for (int i = 0; i < n; i++)
		elements[i] = CStringGetTextDatum(names[i]);
	array = construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT);
	return PointerGetDatum(array);
}

/*
 * casnet.whoami() returns record
 *
 * user_id, username, tenant_id, tenant_name, role, permissions, expires_at,
 * authenticated_by.  The tenant's columns are NULL if none is active or the user does not
 * belong to it.  Raises 28000 if nobody is signed in.
 */
Datum
casnet_whoami(PG_FUNCTION_ARGS)
{
	Datum		values[WHOAMI_COLUMNS] = {0};
	bool		nulls[WHOAMI_COLUMNS];
	TupleDesc	tupdesc;
	CasnetVerdict verdict;
	Snapshot	snapshot;
	char	   *name;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	/* A copy, and the array first: reading names can replace the verdict. */
	AcceptInvalidationMessages();
	verdict = *casnet_membership_require_user();
	memset(nulls, true, sizeof(nulls));
	values[0] = UUIDPGetDatum(&verdict.key.user);
	nulls[0] = false;
	values[7] = CStringGetTextDatum(casnet_token_is_set() ? "token" :
									"trusted");
	nulls[7] = false;
	if (casnet_token_is_set())
	{
		values[6] = TimestampTzGetDatum(casnet_token_expiry());
		nulls[6] = false;
	}
	if (verdict.tenant_open)
	{
		values[5] = permission_array(&verdict);
		nulls[5] = false;
	}

	snapshot = casnet_catalog_snapshot();
	name = casnet_catalog_name(CASNET_USER_BY_ID, &verdict.key.user, USERS_USERNAME,
					 snapshot);
	if (name != NULL)
	{
		values[1] = CStringGetTextDatum(name);
		nulls[1] = false;
	}
	if (verdict.tenant_open)
	{
		values[2] = UUIDPGetDatum(&verdict.key.tenant);
		nulls[2] = false;
		name = casnet_catalog_name(CASNET_TENANT_BY_ID, &verdict.key.tenant,
						 TENANTS_NAME, snapshot);
		if (name != NULL)
		{
			values[3] = CStringGetTextDatum(name);
			nulls[3] = false;
		}
		if (verdict.is_member)
		{
			values[4] = CStringGetTextDatum(verdict.role);
			nulls[4] = false;
		}
	}
	UnregisterSnapshot(snapshot);

	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
}

/*
 * casnet.my_tenants() returns setof record
 *
 * tenant_id, name, role and is_active (it is the active tenant) of each membership of the
 * session's user.  Raises 28000 if nobody is signed in.
 */
Datum
casnet_my_tenants(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const pg_uuid_t *active = casnet_session_tenant();
	pg_uuid_t	user;
	Snapshot	snapshot;
	CasnetScan	scan;
	HeapTuple	tuple;
	List	   *listed = NIL;

	AcceptInvalidationMessages();
	user = casnet_membership_require_user()->key.user;
	InitMaterializedSRF(fcinfo, 0);

	snapshot = casnet_catalog_snapshot();
	casnet_scan_begin(&scan, CASNET_MEMBERS_BY_USER, snapshot,
					  UUIDPGetDatum(&user), (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		Datum		values[MY_TENANTS_COLUMNS] = {0};
		bool		nulls[MY_TENANTS_COLUMNS] = {false};
		pg_uuid_t  *tenant;
		char	   *name;

		values[0] = casnet_scan_value(&scan, tuple, USER_TENANTS_TENANT_ID,
									  &nulls[0]);
		tenant = DatumGetUUIDP(values[0]);
		name = casnet_catalog_name(CASNET_TENANT_BY_ID, tenant, TENANTS_NAME, snapshot);
		nulls[1] = name == NULL;
		if (name != NULL)
			values[1] = CStringGetTextDatum(name);
		values[2] = casnet_scan_value(&scan, tuple, USER_TENANTS_ROLE,
									  &nulls[2]);
		values[3] = BoolGetDatum(active != NULL &&
								 memcmp(active, tenant, UUID_LEN) == 0);
		tuplestore_putvalues(result->setResult, result->setDesc,
							 values, nulls);
		listed = lappend(listed, DatumGetPointer(casnet_uuid_copy(tenant)));
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	casnet_asked_note_list(&user, casnet_id_set_array(listed));
	return (Datum) 0;
}

/*
 * Find the tenant of that name; false if the user may not be active there.  A NULL user is
 * an administrator.  The server shows everybody how many entries an index scan finds, so
 * counting is off for this one.
 */
static bool
find_by_name(const pg_uuid_t *user, const char *wanted, pg_uuid_t *found)
{
	int			level = NewGUCNestLevel();
	Snapshot	snapshot;
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		success = false;

	(void) set_config_option("track_counts", "off", PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	snapshot = casnet_catalog_snapshot();
	casnet_scan_begin(&scan, CASNET_TENANT_BY_NAME, snapshot,
					  CStringGetTextDatum(wanted), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;

		*found = *DatumGetUUIDP(casnet_scan_value(&scan, tuple, TENANTS_ID,
												  &isnull));
		success = true;
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	success = success &&
		(user == NULL || casnet_membership_is_open(user, found));
	AtEOXact_GUC(false, level);
	return success;
}

/*
 * Whether the user may be active in the tenant with that id; a NULL user is an administrator,
 * and may in any.
 */
static bool
may_use(const pg_uuid_t *user, const pg_uuid_t *tenant)
{
	Snapshot	snapshot;
	bool		exists;

	if (user != NULL)
		return casnet_membership_of(user, tenant)->tenant_open;
	snapshot = casnet_catalog_snapshot();
	exists = casnet_catalog_name(CASNET_TENANT_BY_ID, tenant, TENANTS_NAME,
								 snapshot) != NULL;
	UnregisterSnapshot(snapshot);
	return exists;
}

/*
 * Find the tenant with this id or name; false if the user may not be active in any such.
 * A text that is a UUID is always an id: somebody else can name a tenant like the id of
 * one that the user has left.
 */
static bool
find_tenant(const pg_uuid_t *user, const char *wanted, pg_uuid_t *found)
{
	if (casnet_uuid_parse(wanted, found))
		return may_use(user, found);
	return find_by_name(user, wanted, found);
}

/* Raises P0002 for a tenant that the user, or an administrator for NULL, does not use. */
static void
refuse_tenant(const pg_uuid_t *user)
{
	if (user == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("the tenant does not exist"),
				 errhint("SELECT id, name FROM casnet.tenants lists all tenants.")));
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("the tenant does not exist, or you are not a member of it"),
			 errhint("casnet.my_tenants() lists the tenants you belong to.")));
}

/*
 * Make the tenant of the call, given by text or id, the active one of the session; of the
 * transaction if the second argument is true.  Returns its id.  If nobody is signed in, an
 * administrator chooses among all tenants, who reads them anyway; others get 28000.  Raises
 * 22023 for NULL.  Raises P0002 alike for a tenant that does not exist, and for one to which
 * the user does not belong.
 */
static Datum
use_tenant(FunctionCallInfo fcinfo, bool by_id)
{
	pg_uuid_t	signed_in;
	const pg_uuid_t *user = NULL;
	pg_uuid_t	tenant;
	bool		found;

	AcceptInvalidationMessages();
	if (casnet_membership_current() != NULL || casnet_token_is_set() ||
		!casnet_security_is_administrator())
	{
		signed_in = casnet_membership_require_user()->key.user;
		user = &signed_in;
	}
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the tenant is null"),
				 errhint("Give the name or the id of one of the tenants that casnet.my_tenants() lists.")));

	if (by_id)
	{
		tenant = *PG_GETARG_UUID_P(0);
		found = may_use(user, &tenant);
	}
	else
		found = find_tenant(user,
							text_to_cstring(casnet_name_form_of(PG_GETARG_TEXT_PP(0))),
							&tenant);
	if (!found)
		refuse_tenant(user);

	set_config_option("casnet.tenant_id", casnet_uuid_format(&tenant),
					  PGC_USERSET, PGC_S_SESSION,
					  !PG_ARGISNULL(1) && PG_GETARG_BOOL(1) ?
					  GUC_ACTION_LOCAL : GUC_ACTION_SET, true, 0, false);
	return casnet_uuid_copy(&tenant);
}

/* casnet.use_tenant(tenant text, is_local boolean) returns uuid: see use_tenant(). */
Datum
casnet_use_tenant(PG_FUNCTION_ARGS)
{
	return use_tenant(fcinfo, false);
}

/* casnet.use_tenant(tenant uuid, is_local boolean) returns uuid: see use_tenant(). */
Datum
casnet_use_tenant_by_id(PG_FUNCTION_ARGS)
{
	return use_tenant(fcinfo, true);
}

/*
 * casnet.sign_out() returns void
 *
 * The session has no user and no tenant until it gets others.  Anybody may call it:
 * clearing casnet.user_id gives no access, unlike setting it.
 */
Datum
casnet_sign_out(PG_FUNCTION_ARGS)
{
	set_config_option("casnet.token", "", PGC_USERSET, PGC_S_SESSION,
					  GUC_ACTION_SET, true, 0, false);
	set_config_option("casnet.user_id", "", PGC_SUSET, PGC_S_SESSION,
					  GUC_ACTION_SET, true, 0, false);
	set_config_option("casnet.tenant_id", "", PGC_USERSET, PGC_S_SESSION,
					  GUC_ACTION_SET, true, 0, false);
	PG_RETURN_VOID();
}
