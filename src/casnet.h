/*
 * casnet.h
 *		Declarations shared between the source files, one section per file.
 */
#ifndef CASNET_H
#define CASNET_H

#include "access/genam.h"
#include "access/htup.h"
#include "commands/trigger.h"
#include "datatype/timestamp.h"
#include "executor/execdesc.h"
#include "fmgr.h"
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "compat.h"

/* uuid = uuid, of the catalog's fixed part. */
#define CASNET_UUID_EQ_OPERATOR 2972

/* Longest permission or role name, in bytes, with the final zero. */
#define CASNET_NAME_LENGTH NAMEDATALEN

/* catalog.c: where our tables are, and how to read them */

typedef enum CasnetTable
{
	CASNET_USERS,
	CASNET_TENANTS,
	CASNET_USER_TENANTS,
	CASNET_ROLE_PERMISSIONS,
	CASNET_USER_TENANT_PERMISSIONS,
	/* from here on: about tokens */
	CASNET_SIGNING_KEYS,
	CASNET_REVOKED_TOKENS,
	CASNET_TOKEN_CUTOFFS,
	/* from here on: nothing that is kept of them concerns permissions */
	CASNET_TAGS,
	CASNET_PASSWORD_HASHES,
	CASNET_INVITATIONS,
	CASNET_ROLES,
	CASNET_TASKS
} CasnetTable;

#define CASNET_NUM_TABLES (CASNET_TASKS + 1)

/* Column numbers within a table of ours; catalog.c has the names. */
enum
{
	USERS_ID, USERS_USERNAME, USERS_IS_ACTIVE, USERS_IS_SUPERUSER, USERS_EMAIL,
	USERS_HASHED_PASSWORD, USERS_COLUMNS
};
enum
{
	TENANTS_ID, TENANTS_NAME
};
enum
{
	USER_TENANTS_USER_ID, USER_TENANTS_TENANT_ID, USER_TENANTS_ROLE
};
enum
{
	ROLE_PERMISSIONS_ROLE, ROLE_PERMISSIONS_PERMISSION
};
enum
{
	USER_TENANT_PERMISSIONS_USER_ID, USER_TENANT_PERMISSIONS_TENANT_ID,
	USER_TENANT_PERMISSIONS_PERMISSION
};

enum
{
	SIGNING_KEYS_KID, SIGNING_KEYS_ALGORITHM, SIGNING_KEYS_KEY,
	SIGNING_KEYS_ISSUER, SIGNING_KEYS_AUDIENCE, SIGNING_KEYS_RETIRED_AT,
	SIGNING_KEYS_CREATED_AT, SIGNING_KEYS_COLUMNS
};
enum
{
	REVOKED_TOKENS_DIGEST, REVOKED_TOKENS_ID, REVOKED_TOKENS_USER_ID,
	REVOKED_TOKENS_EXPIRES_AT, REVOKED_TOKENS_COLUMNS
};
enum
{
	TOKEN_CUTOFFS_USER_ID, TOKEN_CUTOFFS_NONCE,
	TOKEN_CUTOFFS_ISSUED_BEFORE, TOKEN_CUTOFFS_SPARED, TOKEN_CUTOFFS_ID,
	TOKEN_CUTOFFS_COLUMNS
};

enum
{
	TAGS_TENANT_ID, TAGS_ID, TAGS_NAME
};

enum
{
	PASSWORD_HASHES_ID, PASSWORD_HASHES_USER_ID, PASSWORD_HASHES_HASH,
	PASSWORD_HASHES_REPLACES, PASSWORD_HASHES_COLUMNS
};
enum
{
	INVITATIONS_DIGEST, INVITATIONS_TENANT_ID, INVITATIONS_EMAIL,
	INVITATIONS_ROLE, INVITATIONS_INVITED_BY, INVITATIONS_EXPIRES_AT,
	INVITATIONS_CREATED_AT, INVITATIONS_COLUMNS
};
enum
{
	ROLES_NAME
};
enum
{
	TASKS_TENANT_ID, TASKS_ASSIGNEE_ID
};

/* The ways in which we read them. */
typedef enum CasnetPath
{
	CASNET_USER_BY_ID,
	CASNET_TENANT_BY_ID,
	CASNET_TENANT_BY_NAME,
	CASNET_MEMBER,				/* user, tenant */
	CASNET_MEMBERS_BY_USER,
	CASNET_MEMBERS_BY_TENANT,
	CASNET_MEMBERS_BY_ROLE,
	CASNET_PERMISSIONS_OF_ROLE,
	CASNET_ALL_ROLE_PERMISSIONS,
	CASNET_PERMISSIONS_OF_MEMBER,	/* user, tenant */
	CASNET_KEY_BY_KID,
	CASNET_REVOKED_TOKEN,
	CASNET_ALL_SIGNING_KEYS,
	CASNET_REVOCATIONS_OVER,	/* those that expire before a time */
	CASNET_CUTOFFS_OF_USER,
	CASNET_TAG_BY_NAME,			/* tenant, name */
	CASNET_HASHES_OF_USER,
	CASNET_INVITATION,			/* digest */
	CASNET_INVITATIONS_OVER,	/* those that expire before a time */
	CASNET_INVITATIONS_OF_TENANT,
	CASNET_INVITATIONS_TO,		/* an address, in lower case, from a tenant */
	CASNET_ALL_INVITATIONS_TO,	/* from any */
	CASNET_ROLE_BY_NAME,
	CASNET_ALL_ROLES,
	CASNET_TASKS_OF_MEMBER		/* tenant, user */
} CasnetPath;

typedef struct CasnetScan
{
	CasnetTable table;
	Relation	relation;
	SysScanDesc scan;
} CasnetScan;

/* Tables that are read with one snapshot, which is later than their locks. */
typedef struct CasnetReading
{
	Snapshot	snapshot;
	int			count;
	Relation	relations[CASNET_NUM_TABLES];
} CasnetReading;

extern uint64 casnet_epoch;
extern uint64 casnet_token_epoch;
extern uint64 casnet_table_epochs[CASNET_SIGNING_KEYS];

extern void casnet_catalog_init(void);
extern void casnet_catalog_invalidate(void);
extern Snapshot casnet_catalog_snapshot(void);
extern Snapshot casnet_catalog_snapshot_of_rights(void);
extern Snapshot casnet_reading_begin(CasnetReading *reading, int count,
									 const CasnetTable *wanted);
extern void casnet_reading_end(CasnetReading *reading);
extern void casnet_scan_begin(CasnetScan *scan, CasnetPath path,
							  Snapshot snapshot, Datum key1, Datum key2);
extern HeapTuple casnet_scan_next(CasnetScan *scan);
extern Datum casnet_scan_value(CasnetScan *scan, HeapTuple tuple, int column,
							   bool *isnull);
extern void casnet_scan_end(CasnetScan *scan);
extern Relation casnet_catalog_open(CasnetTable table, LOCKMODE lock);
extern char *casnet_catalog_name(CasnetPath path, const pg_uuid_t *id,
								 int column, Snapshot snapshot);
extern bool casnet_catalog_is(CasnetTable table, Relation relation);
extern void casnet_catalog_fill(CasnetTable table, TupleTableSlot *slot,
								const Datum *values, const bool *isnull);
extern void casnet_catalog_announce(CasnetTable table, Relation relation);

/* row.c: rows that only C writes */

extern void casnet_row_insert(CasnetTable table, const Datum *values,
							  const bool *isnull);
extern bool casnet_row_delete(CasnetTable table, ItemPointer row, bool wait);
extern void casnet_row_delete_all(CasnetTable table,
								  const ItemPointerData *rows, int count);
extern void casnet_row_clear(CasnetTable table, CasnetPath path,
							 TimestampTz before);

/* name.c: the form of names */

extern text *casnet_name_form_of(text *name);
extern text *casnet_name_form_within(text *name, int characters);
extern bool casnet_name_is_blank(const text *name);
extern text *casnet_name_compared(text *name);
extern text *casnet_name_respelled(const char *bytes, size_t length,
								   bool composed);

/* trigger.c: what row triggers have in common */

extern TriggerData *casnet_trigger_row(FunctionCallInfo fcinfo,
									   const char *name, bool before);
extern int	casnet_trigger_column(Relation relation, const char *column,
								  Oid type);
extern bool casnet_trigger_uuid(Relation relation, HeapTuple row,
								const char *column, pg_uuid_t *uuid);
extern char *casnet_trigger_text(Relation relation, HeapTuple row,
								 const char *column);
extern bool casnet_trigger_bool(Relation relation, HeapTuple row,
								const char *column);
extern bool casnet_trigger_stands_above(Relation relation);

/* owner.c: statements on somebody else's table */

/* Who we were before we became somebody else. */
typedef struct CasnetOwnerSwitch
{
	Oid			user;
	int			context;
	int			level;			/* of settings */
	uint64		cursors;		/* a note of those that were open, or 0 */
} CasnetOwnerSwitch;

extern bool casnet_owner_is_trusted(Oid owner, Oid role);
extern Oid	casnet_owner_of(Oid table);
extern char *casnet_owner_name(Oid table);
extern void casnet_owner_enter(CasnetOwnerSwitch *former, Oid role);
extern void casnet_owner_leave(const CasnetOwnerSwitch *former);
extern char *casnet_owner_run(Oid role, const char *statement);
extern void casnet_owner_expect(Oid table);
extern bool casnet_owner_sets_constraints;
extern void casnet_owner_check_statement(Node *statement);
extern void casnet_owner_hold_names(void);
extern void casnet_owner_release_names(void);
extern void casnet_owner_begun(void);
extern void casnet_owner_notice_others(void);
extern void casnet_owner_alter(Oid table, AlterTableType kind, const char *name);
extern void casnet_owner_init(void);

/* partition_key.c: whose code partition keys call */

extern Oid	casnet_partition_key_strange(Oid table);
extern bool casnet_expression_is_strange(Node *expression, Oid role);
extern bool casnet_function_is_strange(Oid function, Oid role);

/* cursor.c: no cursor of code of others stays open */

extern uint64 casnet_cursors_note(void);
extern void casnet_cursors_close_since(uint64 note);

/* judged.c: what changes rights is judged again when its transaction ends */

typedef void (*CasnetJudgement) (const void *what);

extern void casnet_judged_init(void);
extern void casnet_judged_remember(CasnetJudgement again, const void *what,
								   Size size, bool at_once);
extern bool casnet_judged_knows(CasnetJudgement again, const void *what,
								Size size);
extern void casnet_judged_remember_token(void);
extern void casnet_judged_now(void);

/* noforce.c: policies bind owners also while a foreign key cascades */

extern void casnet_noforce_init(void);
extern void casnet_noforce_check(Query *query);
extern bool casnet_noforce_check_plan(PlannedStmt *plan,
									  const char *query_string);
extern void casnet_noforce_check_start(PlannedStmt *plan);

/* session.c: who the session is, by its settings */

/* Whom the settings name, verified or not; bytes that are not used are zero. */
typedef struct CasnetIdentity
{
	pg_uuid_t	user;
	pg_uuid_t	tenant;
	bool		has_user;
	bool		has_tenant;
} CasnetIdentity;

extern uint64 casnet_generation;
extern uint64 casnet_user_changes;

extern void casnet_session_init(void);
extern bool casnet_session_is_suspended(void);

/*
 * Bits of the server's security context, beside its own: it hands them on to what is called,
 * and takes them back with the subtransaction.  Code of another role runs; casnet became
 * the owner of its tables, or a superuser.
 */
#define CASNET_SECURITY_OTHERS	0x10000000
#define CASNET_SECURITY_OURS	0x20000000

/* What casnet does may run functions of others; none with rights that their owner has not. */
#define CASNET_SECURITY_NO_STRANGER	0x40000000
extern const pg_uuid_t *casnet_session_user(void);
extern const pg_uuid_t *casnet_session_tenant(void);
extern void casnet_session_identity(CasnetIdentity *identity);
extern bool casnet_session_is(const CasnetIdentity *identity);

/* token.c: the setting casnet.token */

extern void casnet_token_init(void);
extern bool casnet_token_is_set(void);
extern const pg_uuid_t *casnet_token_user(void);
extern const char *casnet_token_refusal(void);
extern const pg_uuid_t *casnet_token_tenant(void);
extern TimestampTz casnet_token_expiry(void);
extern const char *casnet_token_problem(void);
extern const pg_uuid_t *casnet_token_named_user(void);
extern const pg_uuid_t *casnet_token_named_tenant(void);
extern uint64 casnet_token_hold(void);
extern void casnet_token_release(void);
extern void casnet_token_release_all(void);
extern uint64 casnet_token_number(void);
extern const char *casnet_token_problem_of(uint64 number);
extern const char *casnet_token_problem_to_others(uint64 number,
												  bool *is_over,
												  pg_uuid_t *user);
extern bytea *casnet_token_digest(void);
extern int64 casnet_token_clock(void);
extern const char *casnet_token_judge(Snapshot snapshot, bool *own);

/* revocation.c: how tokens end */

extern int64 casnet_revocation_generation(const pg_uuid_t *user,
										  Snapshot snapshot);
extern bool casnet_revocation_ends(const pg_uuid_t *user, int64 generation,
								   int64 issued_at, bytea *digest,
								   Snapshot snapshot);
extern void casnet_revocation_end_all(const pg_uuid_t *user, bytea *spared);
extern bool casnet_revocation_is_revoked(bytea *digest, Snapshot snapshot);
extern void casnet_revocation_add(bytea *digest, const pg_uuid_t *user,
								  TimestampTz expires_at);

/* signing.c: the keys that sign tokens, and new tokens */

extern text *casnet_signing_issue(const pg_uuid_t *user,
								  const pg_uuid_t *tenant,
								  const Interval *lifetime, int64 generation);

/* secret.c: the hashes of passwords */

/* The hash that is in force for an account. */
typedef struct CasnetHash
{
	pg_uuid_t	id;				/* of its row; all zero without one */
	pg_uuid_t	root;			/* the administrator's row that it stands for */
	char	   *hash;			/* NULL: no password */
} CasnetHash;

extern void casnet_secret_init(void);
extern void casnet_secret_find(const pg_uuid_t *user, Snapshot snapshot,
							   CasnetHash *found);
extern bool casnet_secret_replace(const pg_uuid_t *user,
								  const CasnetHash *old, const char *hash);
extern void casnet_secret_set(const pg_uuid_t *user, const char *hash,
							  bool is_new);
extern char *casnet_secret_mark(const char *hash);
extern bool casnet_secret_is_mark(const char *string);
extern bool casnet_secret_lock(const pg_uuid_t *user, int patience);

/* account.c: accounts, and who manages them */

extern bool casnet_account_require_power(void);
extern bool casnet_account_find(const pg_uuid_t *user, Snapshot snapshot,
								bool *active, char **mark, char **email);

/* statement.c: whose a statement is */

/* Who had opened what rows were fetched from when something was answered, if anybody. */
typedef struct CasnetOpener
{
	bool		is_somebody;
	CasnetIdentity identity;
} CasnetOpener;

extern void casnet_statement_init(void);
extern bool casnet_statement_is_noted(void);
extern uint64 casnet_statement_number(void);
extern void casnet_statement_begin(const void *owner,
								   const CasnetIdentity *identity);
extern void casnet_statement_end(const void *owner);
extern void casnet_statement_check(void);
extern void casnet_statement_require_opener(const CasnetIdentity *identity);
extern bool casnet_statement_check_role(void);
extern void casnet_statement_note_proof(const pg_uuid_t *user);
extern const pg_uuid_t *casnet_statement_writer(void);
extern const CasnetIdentity *casnet_statement_opener(void);
extern void casnet_statement_note_opener(CasnetOpener *note);
extern bool casnet_statement_opener_is(const CasnetOpener *note);
extern const CasnetIdentity *casnet_statement_set_opener(const CasnetIdentity *identity);

/* membership.c: what a user may do in a tenant */

typedef struct CasnetVerdictKey
{
	pg_uuid_t	user;
	pg_uuid_t	tenant;			/* all zero when has_tenant is false */
	bool		has_tenant;
} CasnetVerdictKey;

typedef struct CasnetVerdict
{
	CasnetVerdictKey key;		/* hash key; must be first */
	bool		user_active;	/* the user exists and is active */
	bool		superuser;		/* users.is_superuser */
	bool		tenant_open;	/* the user may be active in the tenant */
	bool		is_member;		/* and there is a row in user_tenants */
	char		role[CASNET_NAME_LENGTH];	/* empty if no member */
	Bitmapset  *permissions;	/* of the role, and granted in person */
	int			granted;		/* rows of user_tenant_permissions */
	TransactionId xmin;			/* made when all older ones had ended */
	uint64		next_xid;		/* the first that had not begun */
	uint64		epoch;			/* casnet_epoch when last known to be good */
	uint64		table_epochs[CASNET_SIGNING_KEYS];	/* likewise */
} CasnetVerdict;

extern void casnet_membership_init(void);
extern void casnet_membership_require_active(const pg_uuid_t *user);
extern void casnet_membership_note_asked(const pg_uuid_t *user,
										 const pg_uuid_t *tenant,
										 uint64 token);
extern const CasnetVerdict *casnet_membership_of(const pg_uuid_t *user,
												 const pg_uuid_t *tenant);
extern bool casnet_membership_is_open(const pg_uuid_t *user,
									  const pg_uuid_t *tenant);
extern bool casnet_membership_role_of(const pg_uuid_t *user,
									  const pg_uuid_t *tenant,
									  char role[CASNET_NAME_LENGTH]);
extern void casnet_membership_of_others(const pg_uuid_t *user,
										const pg_uuid_t *tenant,
										CasnetVerdict *verdict);
extern const CasnetVerdict *casnet_membership_in(const pg_uuid_t *tenant);
extern const CasnetVerdict *casnet_membership_current(void);
extern const CasnetVerdict *casnet_membership_require_user(void);
extern const CasnetVerdict *casnet_membership_require(int nbits,
													  const int *bits);
extern const CasnetVerdict *casnet_membership_require_of(const pg_uuid_t *user,
														 const pg_uuid_t *tenant,
														 int nbits,
														 const int *bits);
extern bool casnet_membership_holds(const CasnetVerdict *verdict, int bit);
extern bool casnet_membership_is_cached(void);
extern Bitmapset *casnet_membership_role_permissions(const char *role,
													 Snapshot snapshot);
extern bool casnet_membership_is_administrator(void);
extern void casnet_membership_note_lookup(void);
extern bool casnet_tenant_exists(const pg_uuid_t *tenant);

/* asked.c: what was asked for lately */

/* So much of it is known. */
#define CASNET_KEYS_ASKED 16
#define CASNET_LISTS_ASKED 4

/* What somebody held in a tenant when that was asked for. */
typedef struct CasnetHeld
{
	uint64		asked;			/* its number, 0 for none */
	CasnetVerdictKey key;
	uint64		token;			/* number of the token that proved it, or 0 */
	bool		superuser;
	bool		tenant_open;
	Bitmapset  *permissions;
} CasnetHeld;

/* The tenants that were listed for somebody. */
typedef struct CasnetListed
{
	uint64		asked;			/* its number, 0 for none */
	pg_uuid_t	user;
	ArrayType  *tenants;		/* uuid[] */
} CasnetListed;

extern uint64 casnet_rights_asked;

extern CasnetHeld *casnet_asked_note(const CasnetVerdict *verdict,
									 uint64 token);
extern bool casnet_asked_is_list(const CasnetListed *listed,
								 const pg_uuid_t *user,
								 const ArrayType *tenants);
extern void casnet_asked_note_list(const pg_uuid_t *user,
								   const ArrayType *tenants);
extern void casnet_asked_note_more(void);
extern bool casnet_asked_all_known(uint64 since);
extern const CasnetHeld *casnet_asked_held(uint64 since, int *next);
extern const CasnetListed *casnet_asked_listed(uint64 since, int *next);

/* remember.c: what an execution that stopped on its way rests on */

typedef struct CasnetRemembered
{
	List	   *held;			/* of CasnetHeld */
	List	   *listed;			/* of CasnetListed */
	bool		is_strict;		/* there was more: */
	uint64		epochs;			/* nothing may change since these */
} CasnetRemembered;

extern uint64 casnet_remember_epochs(void);
casnet_noreturn extern void casnet_remember_refuse(void);
extern void casnet_remember_require_list(const pg_uuid_t *user,
										 const ArrayType *tenants);
extern void casnet_remember_require_token(uint64 number);
extern void casnet_remember_require_tokens(const CasnetRemembered *remembered);
extern void casnet_remember_require(const CasnetRemembered *remembered);
extern void casnet_remember(CasnetRemembered *remembered, uint64 asked,
							uint64 epochs);
extern void casnet_remember_note_within(const CasnetRemembered *remembered);

/* permission.c: names and bits of permissions, and the function policies call */

extern int	casnet_permission_intern(const char *name);
extern int	casnet_permission_find(const char *name);
extern int	casnet_permission_existing(const char *name);
extern int	casnet_permission_existing_to_others(const char *name);
extern int	casnet_permission_bit(const char *name);
extern int	casnet_permission_bit_of(text *name);
extern const char *casnet_permission_name(int bit);
extern int	casnet_permission_count(void);
extern bool casnet_permission_call_is_stored(FmgrInfo *flinfo);
extern void casnet_permission_check_opener(FmgrInfo *flinfo);
extern bool casnet_permission_argument_is_constant(FmgrInfo *flinfo);
extern Datum casnet_tenant_with(PG_FUNCTION_ARGS);

/* identity.c: what a session may know about itself */

extern ArrayType *casnet_identity_my_tenants(const CasnetIdentity *session,
											 const pg_uuid_t *user);
extern ArrayType *casnet_identity_visible_users(const CasnetIdentity *session,
												const pg_uuid_t *user,
												bool *of_tenant);

/* probe.c: statements that ask for columns and no row */

extern Query *casnet_probe_reads_nothing(Query *query);

/* schema.c: casnet and casnet_internal */

extern Oid	casnet_schema(void);
extern Oid	casnet_schema_internal(void);
extern bool casnet_schema_is_ours(Oid schema);
extern bool casnet_schema_has_function(Oid function);

/* order.c: policies before the conditions of users */

struct PlannerInfo;
struct RelOptInfo;

extern void casnet_order_init(void);
extern bool casnet_order_calls_ours(Node *node, void *context);
extern bool casnet_order_may_call_ours(Node *node, void *context);
extern void casnet_order_leave_out_names(struct PlannerInfo *root,
										 struct RelOptInfo *relation);

/* planner.c: one policy for a statement, and indexes left out */

/* Most permissions that policies of one statement are united to ask for. */
#define CASNET_MAX_UNITED 8

extern void casnet_planner_init(void);

/* plan.c: what a finished plan has to ask for; see also recheck.h */

/* What a note in a plan says; see plan.c. */
typedef enum CasnetNote
{
	CASNET_NOTE_NONE,			/* the cell is no note */
	CASNET_NOTE_NOTHING,		/* looked at; nothing is asked for */
	CASNET_NOTE_SESSION,		/* conditions depend on who the session is */
	CASNET_NOTE_PERMISSION,		/* value: a bit */
	CASNET_NOTE_TENANT,			/* value: the parameter that gets it */
	CASNET_NOTE_USER,			/* likewise, as those below */
	CASNET_NOTE_MY_TENANTS,
	CASNET_NOTE_VISIBLE_USERS,
	CASNET_NOTE_CALLS,			/* calls are left in the plan */
	CASNET_NOTE_UNFORCED		/* made without policies; see noforce.c */
} CasnetNote;

/* The parameter of a note whose answer has none. */
#define CASNET_NO_PARAMETER 0xffffff

/* The cache of a note, which the server does not have. */
#define CASNET_NOTE_CACHE (-0x0ca5)

/* What the cell of a plan's list says, if it is a note. */
static inline CasnetNote
casnet_plan_note(ListCell *cell, int *value)
{
	PlanInvalItem *item = cell == NULL ? NULL : lfirst_node(PlanInvalItem, cell);

	if (item == NULL || item->cacheId != CASNET_NOTE_CACHE)
		return CASNET_NOTE_NONE;
	*value = (int) (item->hashValue & 0xffffff);
	return (CasnetNote) (item->hashValue >> 24);
}

extern void casnet_plan_init(void);
extern void casnet_plan_keep_tables_apart(void);
extern bool casnet_plan_note_late(PlannedStmt *plan, bool hide);
extern bool casnet_plan_may_have_come_past(void);
extern void casnet_plan_hide(void);
extern bool casnet_plan_is_policed(PlannedStmt *plan);
extern void casnet_plan_show_next(bool show);

/* execution.c: the policies of a plan, asked when it is executed */

extern void casnet_execution_init(void);
extern bool casnet_execution_asks(const CasnetIdentity *opener, int nbits,
								  const int *bits);

/* holders.c: whoever is to be stopped holds no lock that stops it */

extern void casnet_holders_take_table(Oid table, LOCKMODE mode);
extern bool casnet_holders_changes_statement(const Node *statement);
extern void casnet_holders_check_statement(Node *statement);
extern void casnet_holders_free_account(const pg_uuid_t *user);
extern void casnet_holders_wait(void);

/* fuzzy.c: the setting gin_fuzzy_search_limit has no effect */
extern void casnet_fuzzy_init(void);

/* explain.c: what EXPLAIN shows, and to whom */

extern void casnet_explain_init(void);
extern bool casnet_explain_is_restricted(Oid role);
extern void casnet_explain_check(const QueryDesc *query, bool is_policed,
								 bool is_late, bool explain_only);

/* bypass.c: the setting casnet.bypass */

extern void casnet_bypass_init(void);

/* tagging_plan.c: records_tagged() planned away; see also tagging.h */

/* What became of a statement's calls. */
typedef struct CasnetTagged
{
	bool		has_policy;		/* a query with a policy took their place */
	bool		unknown;		/* the tags of one are not known yet */
} CasnetTagged;

extern Query *casnet_tagging_expand(Query *query, ParamListInfo params,
									CasnetTagged *tagged);
extern void casnet_tagging_finish(PlannedStmt *plan, ParamListInfo params,
								  const CasnetTagged *tagged);

/* password.c: password hashes, and the slowing of failed logins */

extern void casnet_password_init(void);
extern char *casnet_password_hash(text *password);
extern bool casnet_password_verify(text *password, const char *expected);
extern bool casnet_password_is_outdated(const char *hash);
extern bool casnet_password_is_hash(const char *string);
extern Datum casnet_login_wait(PG_FUNCTION_ARGS);
extern Datum casnet_login_succeeded(PG_FUNCTION_ARGS);
extern Datum casnet_login_failed(PG_FUNCTION_ARGS);

/* load.c: bulk load through views */

extern void casnet_load_init(void);

/* guard.c: memberships in order */

/* The rank of a superuser of the application, above those of all others. */
#define CASNET_HIGHEST_RANK 1000

extern LOCKTAG casnet_guard_change_lock(const pg_uuid_t *tenant, int rank);
extern int	casnet_guard_rank_of(const CasnetVerdict *verdict);
extern void casnet_guard_judge_again(const CasnetVerdict *verdict,
									 const char *permission);
extern void casnet_guard_note_change(const CasnetVerdict *judge);
extern LOCKTAG casnet_guard_lock_of(const pg_uuid_t *tenant);
extern bool casnet_guard_may_change(const CasnetVerdict *judge, const char *role);
extern bool casnet_guard_may_add(const CasnetVerdict *judge, const char *role);
extern Datum casnet_require_may_give(PG_FUNCTION_ARGS);

/* role.c: the roles */

extern void casnet_role_require(const char *role);
extern bool casnet_role_is_above(const char *role, const char *other);
extern ArrayType *casnet_role_replaced_by(const char *role);

/* audit.c: who changed what; see also audit.h */

extern void casnet_audit_init(void);

/* uuid.c */

extern bool casnet_uuid_parse(const char *string, pg_uuid_t *uuid);
extern void casnet_uuid_make(pg_uuid_t *uuid, bool quick);
extern char *casnet_uuid_format(const pg_uuid_t *uuid);

#endif							/* CASNET_H */
