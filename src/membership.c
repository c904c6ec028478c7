/*
 * membership.c
 *		What a user is allowed to do in a tenant: the verdict, and how long it is kept.
 *
 * casnet makes a verdict on first use, from five index lookups, and keeps it until
 * casnet_epoch moves.  It keeps one only if the epoch stood still meanwhile.  A revocation
 * that commits between snapshot and lookup sends a message, which moves the epoch.
 * Verdicts live in a memory context of their own, and no callback frees them.
 *
 * Most changes concern other users.  After a message about a table, a verdict stays if its
 * own rows there are still the versions from which it was made.
 *
 * bench/hotpath.sh counts 80,000 instructions to make a verdict, 18,000 to look at one
 * again after such a change, and 36 for the answer that a call site keeps.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "casnet.h"
#include "jws.h"

/* A pooled connection sees many users; this is the most verdicts that it keeps. */
#define MAX_VERDICTS 1024

/* The most attempts of a lookup while the tables keep changing; see make_verdict(). */
#define MAX_ATTEMPTS 10

/* Transaction ids can be compared if they are less than 2^31 apart; well below that. */
#define MAX_XID_DISTANCE 1000000000

/* The entry of the session's verdict, unless somebody else was asked about since. */
static CasnetHeld *entry_of_session = NULL;

static CasnetCache cache = {
	.name = "casnet verdicts", .key_size = sizeof(CasnetVerdictKey),
	.entry_size = sizeof(CasnetVerdict), .most = MAX_VERDICTS
};
/* The same of the session's user, as its token narrows them. */
static CasnetCache narrowed = {
	.name = "casnet narrowed verdicts", .key_size = sizeof(CasnetVerdictKey),
	.entry_size = sizeof(CasnetVerdict), .most = 64
};
static uint64 last_epoch = 0;	/* that of the verdict last handed out */

/* The last verdict about the session; gone with the cache. */
static const CasnetVerdict *current_verdict = NULL;
static uint64 current_generation = 0;
static int	current_names = 0;

/* Add the permission in column of the row to the set. */
static Bitmapset *
add_permission(Bitmapset *set, CasnetScan *scan, HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = casnet_scan_value(scan, tuple, column, &isnull);
	char	   *name;
	int			bit;

	if (isnull)
		return set;
	name = TextDatumGetCString(value);
	bit = casnet_permission_intern(name);
	pfree(name);
	return bit < 0 ? set : bms_add_member(set, bit);
}

/*
 * The permissions of a role by role_permissions, in the current memory
 * context; NULL for an unknown role.
 */
Bitmapset *
casnet_membership_role_permissions(const char *role, Snapshot snapshot)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	Bitmapset  *set = NULL;

	casnet_scan_begin(&scan, CASNET_PERMISSIONS_OF_ROLE, snapshot,
					  CStringGetTextDatum(role), (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
		set = add_permission(set, &scan, tuple, ROLE_PERMISSIONS_PERMISSION);
	casnet_scan_end(&scan);
	return set;
}

/* The user's own row. */
static void
read_user(CasnetVerdict *verdict, Snapshot snapshot)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		isnull;

	casnet_scan_begin(&scan, CASNET_USER_BY_ID, snapshot,
					  UUIDPGetDatum(&verdict->key.user), (Datum) 0);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		verdict->user_active =
			DatumGetBool(casnet_scan_value(&scan, tuple,
										   USERS_IS_ACTIVE, &isnull));
		verdict->superuser =
			DatumGetBool(casnet_scan_value(&scan, tuple,
										   USERS_IS_SUPERUSER, &isnull));
	}
	casnet_scan_end(&scan);
}

/* The membership: the role with its permissions, and those granted to the member. */
static void
read_member(CasnetVerdict *verdict, Snapshot snapshot)
{
	Datum		user = UUIDPGetDatum(&verdict->key.user);
	Datum		tenant = UUIDPGetDatum(&verdict->key.tenant);
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, CASNET_MEMBER, snapshot, user, tenant);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;
		Datum		role = casnet_scan_value(&scan, tuple, USER_TENANTS_ROLE,
											 &isnull);

		verdict->is_member = true;
		verdict->tenant_open = true;
		if (!isnull)
			text_to_cstring_buffer(DatumGetTextPP(role), verdict->role,
								   sizeof(verdict->role));
	}
	casnet_scan_end(&scan);
	if (!verdict->is_member)
		return;

	verdict->permissions =
		casnet_membership_role_permissions(verdict->role, snapshot);

	casnet_scan_begin(&scan, CASNET_PERMISSIONS_OF_MEMBER, snapshot,
					  user, tenant);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		verdict->permissions =
			add_permission(verdict->permissions, &scan, tuple,
						   USER_TENANT_PERMISSIONS_PERMISSION);
		verdict->granted++;
	}
	casnet_scan_end(&scan);
}

/*
 * The role of a user in the tenant at this moment; false if there is no such membership.
 * Unlike a verdict, it does not depend on whether the account is active.  So this role
 * decides about a member who is changed, and the verdict about the user who changes one.
 */
bool
casnet_membership_role_of(const pg_uuid_t *user, const pg_uuid_t *tenant,
						  char role[CASNET_NAME_LENGTH])
{
	Snapshot	snapshot = casnet_catalog_snapshot_of_rights();
	CasnetScan	scan;
	HeapTuple	tuple;

	role[0] = '\0';
	casnet_scan_begin(&scan, CASNET_MEMBER, snapshot, UUIDPGetDatum(user),
					  UUIDPGetDatum(tenant));
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;
		Datum		value = casnet_scan_value(&scan, tuple, USER_TENANTS_ROLE,
											  &isnull);

		if (!isnull)
			text_to_cstring_buffer(DatumGetTextPP(value), role,
								   CASNET_NAME_LENGTH);
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return tuple != NULL;
}

/* Make the verdict whose key is given, with one snapshot throughout. */
static void
read_verdict(CasnetVerdict *verdict, Snapshot snapshot)
{
	read_user(verdict, snapshot);
	if (!verdict->user_active || !verdict->key.has_tenant)
		return;

	read_member(verdict, snapshot);

	/* A superuser is allowed to be active in any tenant that exists. */
	if (verdict->superuser && !verdict->tenant_open)
		verdict->tenant_open = casnet_catalog_has_tenant(&verdict->key.tenant, snapshot);
}

/* The next transaction id, in 64 bits, which do not wrap around. */
static uint64
next_xid(void)
{
	return U64FromFullTransactionId(ReadNextFullTransactionId());
}

/* The verdict is valid at this moment. */
static void
note_moment(CasnetVerdict *verdict)
{
	verdict->epoch = casnet_epoch;
	memcpy(verdict->table_epochs, casnet_table_epochs,
		   sizeof(casnet_table_epochs));
}

/*
 * Whether this version of a row, which is visible now, was visible when the verdict was
 * made.  Then its writer had already ended.  Hint bits do not show that: vacuum can set
 * them before the writer's message arrives.
 */
static bool
was_seen(const CasnetVerdict *verdict, HeapTuple tuple)
{
	return TransactionIdPrecedes(HeapTupleHeaderGetRawXmin(tuple->t_data),
								 verdict->xmin);
}

/*
 * Whether the only row on the path is the version from which the verdict was made, or is
 * still missing if there was none.
 */
static bool
row_stays(const CasnetVerdict *verdict, CasnetPath path, bool expected,
		  Snapshot snapshot)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		stays;

	casnet_scan_begin(&scan, path, snapshot,
					  UUIDPGetDatum(&verdict->key.user),
					  UUIDPGetDatum(&verdict->key.tenant));
	tuple = casnet_scan_next(&scan);
	stays = tuple == NULL ? !expected : expected && was_seen(verdict, tuple);
	casnet_scan_end(&scan);
	return stays;
}

/* The same of all permissions that were granted to the member. */
static bool
grants_stay(const CasnetVerdict *verdict, Snapshot snapshot)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	int			seen = 0;

	casnet_scan_begin(&scan, CASNET_PERMISSIONS_OF_MEMBER, snapshot,
					  UUIDPGetDatum(&verdict->key.user),
					  UUIDPGetDatum(&verdict->key.tenant));
	while ((tuple = casnet_scan_next(&scan)) != NULL &&
		   was_seen(verdict, tuple))
		seen++;
	casnet_scan_end(&scan);
	return tuple == NULL && seen == verdict->granted;
}

/*
 * Whether a verdict is still valid after messages about changed rows, which mostly belong
 * to others.
 */
static bool
still_holds(const CasnetVerdict *verdict, Snapshot snapshot)
{
	const uint64 *then = verdict->table_epochs;
	const uint64 *now = casnet_table_epochs;

	if (then[CASNET_ROLE_PERMISSIONS] != now[CASNET_ROLE_PERMISSIONS] ||
		(verdict->superuser && then[CASNET_TENANTS] != now[CASNET_TENANTS]) ||
		next_xid() - verdict->next_xid > MAX_XID_DISTANCE)
		return false;
	if (then[CASNET_USERS] != now[CASNET_USERS] &&
		!row_stays(verdict, CASNET_USER_BY_ID, true, snapshot))
		return false;
	if (then[CASNET_USER_TENANTS] != now[CASNET_USER_TENANTS] &&
		!row_stays(verdict, CASNET_MEMBER, verdict->is_member, snapshot))
		return false;
	return then[CASNET_USER_TENANT_PERMISSIONS] ==
		now[CASNET_USER_TENANT_PERMISSIONS] || grants_stay(verdict, snapshot);
}

/* Make the key of a verdict; its unused bytes are zero. */
static void
set_key(CasnetVerdictKey *key, const pg_uuid_t *user, const pg_uuid_t *tenant)
{
	memset(key, 0, sizeof(*key));
	key->user = *user;
	key->has_tenant = tenant != NULL;
	if (tenant != NULL)
		key->tenant = *tenant;
}

/*
 * Make the verdict with that key from the newest rows; false if the kept one turned out to
 * be still valid.
 *
 * If the tables change faster than we can read them, we use the last attempt, which was
 * true when it was made.  Nobody uses it again, because its epoch stays behind.
 */
static bool
make_verdict(const CasnetVerdictKey *key, const CasnetVerdict *kept,
			 CasnetVerdict *made)
{
	bool		holds = false;

	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		Snapshot	snapshot = casnet_catalog_snapshot();

		/*
		 * All messages up to the snapshot are processed; from here on each one counts.
		 * Taking a snapshot processes none.
		 */
		memset(made, 0, sizeof(*made));
		made->key = *key;
		made->xmin = snapshot->xmin;
		made->next_xid = next_xid();
		note_moment(made);

		/* Only at first: the last attempt must have read its rows. */
		holds = attempt == 0 && kept != NULL && still_holds(kept, snapshot);
		if (!holds)
			read_verdict(made, snapshot);
		UnregisterSnapshot(snapshot);
		if (made->epoch == casnet_epoch)
			break;
		holds = false;
	}
	casnet_news_note_lookup();
	return !holds;
}

/*
 * Keep the verdict in place of the kept one, if any.  The caller has made all lookups,
 * since a lookup can itself invalidate the cache.
 */
static CasnetVerdict *
store_verdict(CasnetVerdict *made, CasnetVerdict *kept)
{
	MemoryContext oldcontext;
	Bitmapset  *permissions;

	if (casnet_cache_is_full(&cache))
	{
		current_verdict = NULL;
		casnet_cache_reset(&cache);
		kept = NULL;
	}

	oldcontext = MemoryContextSwitchTo(cache.context);
	permissions = bms_copy(made->permissions);
	MemoryContextSwitchTo(oldcontext);
	bms_free(made->permissions);
	made->permissions = permissions;

	if (kept != NULL)
		bms_free(kept->permissions);
	else
		kept = casnet_cache_enter(&cache, &made->key);
	*kept = *made;
	return kept;
}

/* The permissions in a list as a token has it, in the current memory context. */
static Bitmapset *
listed_permissions(const char *list)
{
	Bitmapset  *set = NULL;

	for (const char *name = list; *name != '\0'; name += strlen(name) + 1)
	{
		int			bit = casnet_permission_find(name);

		if (bit >= 0)
			set = bms_add_member(set, bit);
	}
	return set;
}

/*
 * The verdict about the session's own user, as the session's token narrows it to the listed
 * permissions.  A token never gives what its user does not hold at this moment.
 */
static const CasnetVerdict *
narrow(const CasnetVerdict *whole, const char *list)
{
	static char kept[sizeof(((JwsToken *) NULL)->perm)];
	static uint64 epoch = 0;
	static int	names = 0;
	CasnetVerdict *verdict;
	MemoryContext before;
	Bitmapset  *listed;

	/* A pooled connection gets the same token again and again. */
	if (memcmp(kept, list, sizeof(kept)) != 0 || epoch != whole->epoch ||
		names != casnet_permission_count() || casnet_cache_is_full(&narrowed))
	{
		current_verdict = NULL;
		casnet_cache_reset(&narrowed);
		memcpy(kept, list, sizeof(kept));
		epoch = whole->epoch;
		names = casnet_permission_count();
	}
	verdict = casnet_cache_find(&narrowed, &whole->key);
	if (verdict != NULL && epoch == casnet_epoch)
		return verdict;

	before = MemoryContextSwitchTo(narrowed.context);
	listed = listed_permissions(list);
	verdict = casnet_cache_enter(&narrowed, &whole->key);
	*verdict = *whole;
	verdict->superuser = false;
	verdict->withholds_rest = whole->superuser;
	verdict->withheld = bms_difference(whole->permissions, listed);
	verdict->permissions = whole->superuser ? listed :
		bms_intersect(whole->permissions, listed);
	MemoryContextSwitchTo(before);
	return verdict;
}

/*
 * The verdict about a user in a tenant, or about the user alone when tenant is NULL.  About
 * the session's user it is what the session's token leaves.  The pointer is valid until the
 * next call.  Raises 55000 when the tables are missing.
 */
const CasnetVerdict *
casnet_membership_of(const pg_uuid_t *user, const pg_uuid_t *tenant)
{
	const char *list = casnet_token_permissions();
	CasnetVerdictKey key;
	CasnetVerdict *verdict;

	set_key(&key, user, tenant);
	verdict = casnet_cache_find(&cache, &key);
	if (verdict == NULL || verdict->epoch != casnet_epoch)
	{
		CasnetVerdict made;

		/* This can look up others, and so free what is kept. */
		casnet_judged_now();
		verdict = casnet_cache_find(&cache, &key);
		if (make_verdict(&key, verdict, &made))
			verdict = store_verdict(&made, verdict);
		else
			note_moment(verdict);
	}
	last_epoch = verdict->epoch;
	if (unlikely(list != NULL) &&
		memcmp(user, casnet_token_named_user(), UUID_LEN) == 0)
		return narrow(verdict, list);
	return verdict;
}

/* Make the verdict by that snapshot, in the caller's memory; it is not kept. */
static void
read_apart(const pg_uuid_t *user, const pg_uuid_t *tenant, Snapshot snapshot,
		   CasnetVerdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	set_key(&verdict->key, user, tenant);
	read_verdict(verdict, snapshot);
}

/* The verdict by what others have committed, without the changes of this transaction. */
void
casnet_membership_of_others(const pg_uuid_t *user, const pg_uuid_t *tenant,
							CasnetVerdict *verdict)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	SnapshotData others = casnet_catalog_snapshot_of_others(snapshot);

	read_apart(user, tenant, &others, verdict);
	UnregisterSnapshot(snapshot);
}

/*
 * Whether the user is allowed to be active in the tenant.  Keeps nothing, so that nobody
 * can find out later that this was asked.
 */
bool
casnet_membership_is_open(const pg_uuid_t *user, const pg_uuid_t *tenant)
{
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetVerdict verdict;

	read_apart(user, tenant, snapshot, &verdict);
	UnregisterSnapshot(snapshot);
	return verdict.tenant_open;
}

/*
 * Note that the token with that number, or none for 0, asks for a user's rights in a
 * tenant.  A NULL tenant stands for the user alone.
 */
void
casnet_membership_note_asked(const pg_uuid_t *user, const pg_uuid_t *tenant,
							 uint64 token)
{
	entry_of_session = NULL;
	(void) casnet_asked_note(casnet_membership_of(user, tenant), token);
}

/* Whether the last verdict is kept, so that an answer derived from it can be kept too. */
bool
casnet_membership_is_cached(void)
{
	return last_epoch == casnet_epoch;
}

/*
 * The verdict about the session's user in this tenant, or about the user alone
 * when tenant is NULL; NULL when the session has no user.
 *
 * This looks up the token first and the membership next.  If the tables about tokens
 * changed in between, it looks up the token again.  Otherwise the answer could combine
 * two different moments.
 */
const CasnetVerdict *
casnet_membership_in(const pg_uuid_t *tenant)
{
	const pg_uuid_t *user;
	const CasnetVerdict *verdict = NULL;

	casnet_statement_check();
	user = casnet_session_user();
	for (int attempt = 0; attempt < MAX_ATTEMPTS && user != NULL; attempt++)
	{
		uint64		epoch = casnet_token_epoch;

		verdict = casnet_membership_of(user, tenant);
		entry_of_session = NULL;
		(void) casnet_asked_note(verdict, casnet_token_number());
		AcceptInvalidationMessages();
		if (epoch == casnet_token_epoch)
			return verdict;
		user = casnet_session_user();
	}
	return user == NULL ? NULL : verdict;
}

/*
 * The verdict about the session, or NULL when it has no user.  Raises 55000 when the
 * session became somebody else while a statement was writing.
 */
const CasnetVerdict *
casnet_membership_current(void)
{
	casnet_statement_check();
	if (casnet_session_user() == NULL)
		return NULL;
	if (current_verdict == NULL || current_generation != casnet_generation ||
		current_verdict->epoch != casnet_epoch ||
		current_names != casnet_permission_count())
	{
		const CasnetVerdict *verdict =
			casnet_membership_in(casnet_session_tenant());

		current_verdict = verdict;
		current_generation = casnet_generation;
		current_names = casnet_permission_count();
		entry_of_session = NULL;
	}
	else if (likely(entry_of_session != NULL &&
					entry_of_session->token == casnet_token_number()))
		entry_of_session->asked = ++casnet_rights_asked;
	else
		entry_of_session = casnet_asked_note(current_verdict,
											 casnet_token_number());
	return current_verdict;
}

/* Raises 28000, with one message, if the user does not exist or is not active. */
static void
check_user(const CasnetVerdict *verdict)
{
	if (!verdict->user_active)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("the user of this session does not exist or is not active"),
				 errhint("Sign in as an active user; an administrator can set users.is_active.")));
}

/* The verdict about the session's user.  Raises 28000 unless there is an active one. */
const CasnetVerdict *
casnet_membership_require_user(void)
{
	const CasnetVerdict *verdict = casnet_membership_current();

	if (verdict == NULL && casnet_token_is_set())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("invalid session token"),
				 errdetail_internal("%s", casnet_token_refusal()),
				 errhint("%s", casnet_token_hint(casnet_token_refusal()))));
	if (verdict == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("nobody is signed in"),
				 errhint("Sign in with casnet.login() and casnet.sign_in(), or have a trusted backend, a member of casnet_authenticator, set casnet.user_id. For a tool that reads definitions, set it in the options of its connection.")));
	check_user(verdict);
	casnet_statement_note_proof(&verdict->key.user);
	return verdict;
}

/* Raises 42501 if the session's token is for certain permissions only. */
void
casnet_membership_refuse_narrowed(void)
{
	if (likely(casnet_token_permissions() == NULL))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("the session token is for certain permissions only"),
			 errdetail("It changes no account, and gives nobody another token."),
			 errhint("Sign in with a token of casnet.login().")));
}

/* Whether the account is active by what others have committed. */
static bool
is_active_to_others(const pg_uuid_t *user)
{
	CasnetVerdict verdict;

	casnet_membership_of_others(user, NULL, &verdict);
	return verdict.user_active;
}

/* CasnetJudgement: raises 28000 if the account was deactivated or deleted meanwhile. */
static void
judge_again(const void *user)
{
	if (!is_active_to_others(user))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("the account was deactivated or deleted before the transaction ended"),
				 errhint("The transaction is undone. An administrator can reactivate the account.")));
}

/*
 * The session's user, who acts for the account as a whole, and must still be active when the
 * transaction ends.  Raises 28000, and 42501 if the token is for certain permissions only.
 */
const pg_uuid_t *
casnet_membership_require_whole(void)
{
	static pg_uuid_t user;

	user = casnet_membership_require_user()->key.user;
	casnet_membership_refuse_narrowed();
	/* An account of this transaction is of no concern to others. */
	if (!casnet_judged_knows(judge_again, &user, sizeof(user)) &&
		is_active_to_others(&user))
		casnet_judged_remember(judge_again, &user, sizeof(user), false);
	return &user;
}

/* Whether the verdict includes the permission. */
bool
casnet_membership_holds(const CasnetVerdict *verdict, int bit)
{
	return verdict->tenant_open && verdict->user_active &&
		(verdict->superuser || bms_is_member(bit, verdict->permissions));
}

/* Raises 42501 because the verdict, about the active tenant or another, lacks the permission. */
void
casnet_membership_refuse_missing(const CasnetVerdict *verdict, int bit, bool is_active)
{
	bool		withheld = verdict->withholds_rest ||
		bms_is_member(bit, verdict->withheld);

	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 is_active ?
			 errmsg("permission \"%s\" is missing in the active tenant",
					casnet_permission_name(bit)) :
			 errmsg("permission \"%s\" is missing in that tenant",
					casnet_permission_name(bit)),
			 withheld ?
			 errdetail("The session token gives only some of the user's permissions.") : 0,
			 withheld ?
			 errhint("Make a token with that permission, with casnet.service_token().") :
			 !is_active ? errhint("An owner of the tenant can do it.") :
			 errhint("Somebody who holds manage_permissions there can give it with casnet.grant_permission().")));
}

/*
 * Raises 42501 unless the verdict includes the permissions.  The error is the same for a
 * tenant that does not exist and for one of which the user is not a member.
 */
static void
check_permissions(const CasnetVerdict *verdict, int nbits, const int *bits)
{
	if (!verdict->tenant_open)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("not a member of the active tenant"),
				 errhint("Choose one of your tenants with SELECT casnet.use_tenant('name'); casnet.my_tenants() lists them.")));
	for (int i = 0; i < nbits; i++)
		if (!casnet_membership_holds(verdict, bits[i]))
			casnet_membership_refuse_missing(verdict, bits[i], true);
}

/*
 * The verdict about the session, which holds the permissions in the active
 * tenant.  Raises 28000, 55000 or 42501.
 */
const CasnetVerdict *
casnet_membership_require(int nbits, const int *bits)
{
	const CasnetVerdict *verdict = casnet_membership_require_user();

	if (!verdict->key.has_tenant)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no tenant is active"),
				 errhint("Choose one with SELECT casnet.use_tenant('name'), or set casnet.tenant_id; casnet.my_tenants() lists yours.")));
	check_permissions(verdict, nbits, bits);
	return verdict;
}

/* The same for a user and a tenant that the session had before. */
const CasnetVerdict *
casnet_membership_require_of(const pg_uuid_t *user, const pg_uuid_t *tenant,
							 int nbits, const int *bits)
{
	const CasnetVerdict *verdict = casnet_membership_of(user, tenant);

	check_user(verdict);
	check_permissions(verdict, nbits, bits);
	return verdict;
}

/* Raises 28000 unless the user still exists and is active. */
void
casnet_membership_require_active(const pg_uuid_t *user)
{
	check_user(casnet_membership_of(user, NULL));
}
