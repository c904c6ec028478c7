/*
 * casnet.h
 *		Declarations shared between the source files, one section for each file that shares any.
 *
 * The layers, from below.  A file uses only what files before it define;
 * .ci/check-layers enforces that.  Sections are in the same order.
 *
 *	tools               digest.c, uuid.c, jws.c, key.c, cache.c, schema.c, security.c,
 *	                    estimate.c, cursor.c, jwk.c, scheme.c, password.c, throttle.c, fuzzy.c,
 *	                    trigger.c, name.c, text.c, format.c, zone.c, windows.c, rule.c,
 *	                    recurrence.c, fold.c
 *	deciding tables     news.c, shard.c, holders.c, catalog.c, row.c
 *	the session         revocation.c, verify.c, token.c, session.c, statement.c
 *	rights              judged.c, permission.c, asked.c, membership.c, remember.c,
 *	                    policy.c, id_set.c, identity.c
 *	row triggers        move.c, stamp.c, role.c, guard.c, last_owner.c
 *	others' tables      owner.c, reference.c, stranger.c, partition_key.c, query_code.c, protect.c, documents.c,
 *	                    export.c, reach.c, cascade.c, erase.c, import.c
 *	accounts            code.c, user.c, user_code.c, release.c, secret.c, account.c,
 *	                    signing.c, relay_key.c, issued.c, login.c, reset.c, profile.c, link.c,
 *	                    issuer.c, invitation.c, invitation_end.c, adopt.c
 *	tags, search, load  tagging.c, words.c, snippet.c, parts.c, search.c, calendar.c,
 *	                    icalendar.c, icalendar_write.c, load.c, copy.c, hint.c
 *	the audit           audit_value.c, audit_row.c, audit_key.c, audit_write.c, audit.c,
 *	                    undelete_rights.c, undelete_lost.c, undelete.c, person.c
 *	plans               recheck.c, support.c, expression.c, unite.c, pin.c, reshape.c, carry.c,
 *	                    carried.c, probe.c, order.c, bypass.c,
 *	                    noforce.c, inline.c, tagging_plan.c, plan.c, index.c
 *	executions          explain.c, lock.c, worker.c, relay.c, execution.c, utility.c, casnet.c
 *
 * The hooks take every statement with a plan through plan.c, order.c and execution.c, and
 * every other one through utility.c.  Those ask membership.c, which keeps what it has read
 * from the deciding tables until news.c hears that they have changed.  src/README.md says
 * the topic of each file.
 */
#ifndef CASNET_H
#define CASNET_H

#include "access/genam.h"
#include "access/htup.h"
#include "commands/trigger.h"
#include "common/sha2.h"
#include "datatype/timestamp.h"
#include "executor/execdesc.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "pgtime.h"
#include "storage/lock.h"
#include "tcop/utility.h"
#include "tsearch/ts_type.h"
#include "tsearch/ts_utils.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "compat.h"

/* The OID of the operator uuid = uuid, which is part of the fixed catalogs. */
#define CASNET_UUID_EQ_OPERATOR 2972

/* Longest permission or role name, in bytes, with the final zero byte. */
#define CASNET_NAME_LENGTH NAMEDATALEN

/* digest.c: SHA-256 */

extern void casnet_digest_of_two(const void *first, size_t first_length,
								 const void *second, size_t second_length,
								 uint8 digest[PG_SHA256_DIGEST_LENGTH]);
extern bytea *casnet_digest(const void *bytes, size_t length);

/* uuid.c: keys of rows, and UUIDs as text */

extern bool casnet_uuid_parse(const char *string, pg_uuid_t *uuid);
extern void casnet_uuid_make(pg_uuid_t *uuid, bool quick);
extern char *casnet_uuid_format(const pg_uuid_t *uuid);
extern Datum casnet_uuid_copy(const pg_uuid_t *uuid);
extern pg_uuid_t casnet_uuid_of_digest(const void *digest);

/* cache.c: what is kept for the life of a backend */

typedef struct CasnetCache
{
	const char *name;
	Size		key_size;		/* of the key, which begins each entry */
	Size		entry_size;
	long		most;			/* number of entries kept */
	MemoryContext context;		/* also of what entries point to */
	HTAB	   *entries;
} CasnetCache;

extern void *casnet_cache_find(const CasnetCache *cache, const void *key);
extern bool casnet_cache_is_full(const CasnetCache *cache);
extern void casnet_cache_reset(CasnetCache *cache);
extern void *casnet_cache_enter(CasnetCache *cache, const void *key);

/* schema.c: casnet and casnet_internal */

extern Oid	casnet_schema(void);
extern Oid	casnet_schema_internal(void);
extern bool casnet_schema_is_ours(Oid schema);
extern bool casnet_schema_has_function(Oid function);

/* security.c: with whose rights code runs */

/*
 * Bits added to the server's security context: it passes them on to what is called, and a
 * subtransaction's end restores them.  OTHERS: code of another role is running.  OURS:
 * casnet runs as the owner of its tables, or as a superuser.
 */
#define CASNET_SECURITY_OTHERS	0x10000000
#define CASNET_SECURITY_OURS	0x20000000

/*
 * Statements of casnet can run functions of others, but not with rights that their owner
 * lacks.
 */
#define CASNET_SECURITY_NO_STRANGER	0x40000000

extern bool casnet_security_is_administrator(void);
extern bool casnet_security_session_is_administrator(void);
extern bool casnet_security_is_backend(void);
extern bool casnet_security_is_trusted(Oid owner, Oid role);
extern void casnet_security_notice_others(void);
extern bool casnet_security_is_suspended(void);
extern bool casnet_security_is_within_key(void);
extern bool casnet_security_key_runs(void);
extern bool casnet_security_note_key(bool runs);

/* estimate.c: who sees the planner's estimates */

extern bool casnet_estimate_is_restricted(Oid role);
extern void casnet_estimate_hide(void);

/* cursor.c: closing the cursors that code of others opened */

extern uint64 casnet_cursors_note(void);
extern void casnet_cursors_close_since(uint64 note);

/* scheme.c: formats of password hashes */

typedef enum CasnetSchemeCost
{
	CASNET_SCHEME_CHEAP,		/* to guess */
	CASNET_SCHEME_FAIR,
	CASNET_SCHEME_SLOW,			/* takes more than about a second */
	CASNET_SCHEME_UNBEARABLE	/* never verifies */
} CasnetSchemeCost;

extern char *casnet_scheme_form(const char *written);
extern CasnetSchemeCost casnet_scheme_cost(const char *hash, const char **name);
extern char *casnet_scheme_crypt(const char *password, const char *setting);
extern bool casnet_scheme_takes(const char *hash, const char *password);
extern bool casnet_scheme_verify(const char *password, const char *hash);

/* password.c: passwords and new hashes */

extern char *casnet_password_hash(text *password);
extern bool casnet_password_verify(text *password, const char *expected,
								   bool *outdated);

/* throttle.c: the slowing of failed logins */

extern void casnet_throttle_init(void);
extern Datum casnet_login_wait(PG_FUNCTION_ARGS);
extern Datum casnet_login_succeeded(PG_FUNCTION_ARGS);
extern Datum casnet_login_failed(PG_FUNCTION_ARGS);

/* fuzzy.c: the setting gin_fuzzy_search_limit has no effect */
extern void casnet_fuzzy_init(void);

/* trigger.c: what row triggers have in common */

extern TriggerData *casnet_trigger_row(FunctionCallInfo fcinfo,
									   const char *name, bool before);
extern int	casnet_trigger_column(Relation relation, const char *column,
								  Oid type);
extern const char *casnet_trigger_tenant(const Trigger *trigger);
extern bool casnet_trigger_uuid(Relation relation, HeapTuple row,
								const char *column, pg_uuid_t *uuid);
extern char *casnet_trigger_text(Relation relation, HeapTuple row,
								 const char *column);
extern bool casnet_trigger_bool(Relation relation, HeapTuple row,
								const char *column);
extern bool casnet_trigger_stands_above(Relation relation);

/* name.c: the form of names */

extern text *casnet_name_form_of(text *name);
extern text *casnet_name_form_within(text *name, int characters);
extern bool casnet_name_hides(const text *name);
extern bool casnet_name_is_blank(const text *name);
extern text *casnet_name_compared(text *name);

/* format.c: settings under which a value has the same text for everybody */

extern int	casnet_format_begin(bool names);

/* zone.c: time zones; see recurrence.h for rule.c and recurrence.c */

extern pg_tz *casnet_zone_find(const char *name);
extern const char *casnet_zone_of_session(void);
extern Timestamp casnet_zone_local(TimestampTz at, const pg_tz *zone);
extern bool casnet_zone_instant(Timestamp local, const pg_tz *zone,
								TimestampTz *at);

/* windows.c: names of time zones in calendars */

extern const char *casnet_windows_zone(const char *name);

/* fold.c: letters that count as one in a search */

extern bool casnet_fold_is_unspaced(pg_wchar character);
extern bool casnet_fold_is_punctuation(pg_wchar character);
extern pg_wchar casnet_fold_compose(pg_wchar before, pg_wchar character);
extern void casnet_fold_letters(StringInfo folded, const char *bytes,
								size_t length);
extern text *casnet_fold(const char *bytes, size_t length);

/* news.c: changes to what decides about access */

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
	/* from here on: about tokens of other issuers */
	CASNET_ISSUERS,
	CASNET_ISSUER_KEYS,
	CASNET_IDENTITIES,
	/* from here on: no cached data from them concerns permissions */
	CASNET_TAGS,
	CASNET_PASSWORD_HASHES,
	CASNET_INVITATIONS,
	CASNET_CODES,
	CASNET_SESSIONS,
	CASNET_ROLES,
	CASNET_TASKS
} CasnetTable;

#define CASNET_NUM_TABLES (CASNET_TASKS + 1)

extern uint64 casnet_epoch;
extern uint64 casnet_token_epoch;
extern uint64 casnet_table_epochs[CASNET_SIGNING_KEYS];
extern uint64 casnet_generation;
extern uint64 casnet_user_changes;

extern void casnet_news_init(void);
extern void casnet_news_all(void);
extern void casnet_news_watch(CasnetTable table, Oid shell, Oid relation);
extern void casnet_news_watch_rows(CasnetTable table, Relation relation);
extern void casnet_news_listen(void (*listener) (Oid relation));
extern void casnet_news_note_lookup(void);
extern void casnet_news_announce(CasnetTable table, Relation relation);

/* shard.c: where the rows are of tables that Citus distributes */

typedef enum CasnetSpread
{
	CASNET_SPREAD_UNKNOWN,
	CASNET_SPREAD_NOT,			/* a plain table */
	CASNET_SPREAD_REFERENCE,	/* each node has all rows */
	CASNET_SPREAD_BY_TENANT		/* each tenant's rows are on one node */
} CasnetSpread;

extern void casnet_shard_init(void);
extern bool casnet_shard_has_citus(void);
extern bool casnet_shard_is_worker(void);
extern int32 casnet_shard_group(void);
extern CasnetSpread casnet_shard_spread(Oid table);
extern bool casnet_shard_is_coordinator(void);
extern bool casnet_shard_is_about(Node *statement, CasnetSpread least);
extern Oid	casnet_shard_shell(Oid table);
extern Oid	casnet_shard_copy(Oid table);
extern bool casnet_shard_copy_lock(Oid table, LOCKTAG *tag);
extern void casnet_shard_refuse(const char *function);
extern void casnet_shard_refuse_on_worker(const char *function);
extern Oid	casnet_shard_of_tenant(Oid table, const pg_uuid_t *tenant);

/* holders.c: who holds locks that an administrator needs, and ending them */

/* The rank of a superuser of the application, above those of all others. */
#define CASNET_HIGHEST_RANK 1000

/* At most this many are ended at a time. */
#define MAX_HOLDERS 64

/* The processes in the way. */
typedef struct CasnetHolders
{
	int			pids[MAX_HOLDERS];
	int			n;
	bool		with_queue;		/* those that wait for a row count, too */
	bool		look_again;		/* a process has just been ended */
} CasnetHolders;

extern const pg_uuid_t casnet_holders_no_tenant;

extern LOCKTAG casnet_holders_owner_lock(const pg_uuid_t *tenant);
extern LOCKTAG casnet_holders_change_lock(const pg_uuid_t *tenant, int rank);
extern void casnet_holders_add_of_lock(const LOCKTAG *tag, LOCKMODE mode,
									   CasnetHolders *holders);
extern void casnet_holders_lock_or_add(Relation relation, HeapTuple tuple,
									   CasnetHolders *holders);
extern int	casnet_holders_end(const CasnetHolders *holders,
							   const pg_uuid_t *tenant, int rank,
							   TimestampTz began);
extern bool casnet_holders_ended_just_now(TimestampTz now);
extern void casnet_holders_wait(bool quick);
extern void casnet_holders_take_table(Oid table, LOCKMODE mode);

/* catalog.c: where casnet's tables are, and how to read them */

/* Column numbers within a table of casnet; catalog.c has the names. */
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
	ISSUERS_ISSUER, ISSUERS_AUDIENCES, ISSUERS_LEEWAY, ISSUERS_USER_CLAIM,
	ISSUERS_TRUSTS_CLAIMS, ISSUERS_MAKES_ACCOUNTS, ISSUERS_ID
};
enum
{
	ISSUER_KEYS_ISSUER, ISSUER_KEYS_KID, ISSUER_KEYS_ALGORITHM, ISSUER_KEYS_KEY,
	ISSUER_KEYS_COLUMNS
};
enum
{
	IDENTITIES_ISSUER_ID, IDENTITIES_ISSUER, IDENTITIES_SUBJECT,
	IDENTITIES_USER_ID, IDENTITIES_CREATED_AT, IDENTITIES_GENERATION,
	IDENTITIES_COLUMNS
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
	INVITATIONS_CREATED_AT, INVITATIONS_PROVES_ADDRESS, INVITATIONS_GENERATION,
	INVITATIONS_COLUMNS
};
enum
{
	CODES_DIGEST, CODES_USER_ID, CODES_PURPOSE, CODES_EMAIL, CODES_EXPIRES_AT,
	CODES_CREATED_AT, CODES_ACCOUNT, CODES_COLUMNS
};
enum
{
	SESSIONS_ID, SESSIONS_USER_ID, SESSIONS_DIGEST, SESSIONS_MADE_BY,
	SESSIONS_GENERATION, SESSIONS_EXPIRES_AT, SESSIONS_CREATED_AT,
	SESSIONS_NAME, SESSIONS_PERMISSIONS, SESSIONS_COLUMNS
};
enum
{
	ROLES_NAME
};
enum
{
	TASKS_TENANT_ID, TASKS_ASSIGNEE_ID
};

/* The ways in which casnet reads them. */
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
	CASNET_ISSUER,
	CASNET_ISSUER_KEY,
	CASNET_IDENTITY,
	CASNET_IDENTITIES_OF_USER,
	CASNET_IDENTITIES_OF_ISSUER,
	CASNET_REVOKED_TOKEN,
	CASNET_ALL_SIGNING_KEYS,
	CASNET_ALL_ISSUERS,
	CASNET_REVOCATIONS_OVER,	/* those that expire before a time */
	CASNET_CUTOFFS_OF_USER,
	CASNET_TAG_BY_NAME,			/* tenant, name */
	CASNET_HASHES_OF_USER,
	CASNET_INVITATION,			/* digest */
	CASNET_INVITATIONS_OVER,	/* those that expire before a time */
	CASNET_INVITATIONS_OF_TENANT,
	CASNET_INVITATIONS_BY,		/* an inviter */
	CASNET_INVITATIONS_TO,		/* an address, in lower case, from a tenant */
	CASNET_ALL_INVITATIONS_TO,	/* from any */
	CASNET_CODE,				/* digest */
	CASNET_CODES_OF_USER,
	CASNET_SESSION,
	CASNET_SESSIONS_OF_USER,
	CASNET_CODES_OVER,			/* those that expire before a time */
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

/* Tables that are read with one snapshot, taken after they were locked. */
typedef struct CasnetReading
{
	Snapshot	snapshot;
	int			count;
	Relation	relations[CASNET_NUM_TABLES];
} CasnetReading;

extern void casnet_catalog_init(void);
extern Snapshot casnet_catalog_snapshot(void);
extern void casnet_catalog_find_issuers(void);
extern void casnet_catalog_find_sessions(void);
extern int	casnet_catalog_begin_quiet(void);
extern void casnet_catalog_end_quiet(int level);
extern Snapshot casnet_catalog_snapshot_of_rights(void);
extern SnapshotData casnet_catalog_snapshot_of_others(Snapshot snapshot);
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
extern bool casnet_catalog_has_tenant(const pg_uuid_t *tenant,
									  Snapshot snapshot);
extern bool casnet_catalog_tenant_exists(const pg_uuid_t *tenant);

/* row.c: rows that only C writes */

extern void casnet_row_insert(CasnetTable table, const Datum *values,
							  const bool *isnull);
extern bool casnet_row_delete(CasnetTable table, ItemPointer row, bool wait);
extern void casnet_row_delete_all(CasnetTable table,
								  const ItemPointerData *rows, int count);
extern void casnet_row_clear(CasnetTable table, CasnetPath path,
							 TimestampTz before);

/* revocation.c: how tokens end */

extern int64 casnet_revocation_clock(void);
extern int casnet_revocation_skew(int leeway);
extern int64 casnet_revocation_generation(const pg_uuid_t *user,
										  Snapshot snapshot);
extern int64 casnet_revocation_generation_to_others(const pg_uuid_t *user);
extern bool casnet_revocation_ends(const pg_uuid_t *user, int64 generation,
								   int64 issued_at, bytea *digest,
								   Snapshot snapshot);
extern void casnet_revocation_end_all(const pg_uuid_t *user, bytea *spared);
extern bool casnet_revocation_is_revoked(bytea *digest, Snapshot snapshot);
extern void casnet_revocation_add(bytea *digest, const pg_uuid_t *user,
								  TimestampTz expires_at);

/* token.c: the setting casnet.token */

extern bool casnet_token_pins;
extern bool casnet_token_is_named;

extern void casnet_token_init(void);
extern void casnet_token_replan(void);
extern bool casnet_token_is_set(void);
extern const pg_uuid_t *casnet_token_user(void);
extern const char *casnet_token_refusal(void);
extern const pg_uuid_t *casnet_token_tenant(void);
extern TimestampTz casnet_token_expiry(void);
extern const char *casnet_token_problem(void);
extern void casnet_token_resolve(void);
extern const char *casnet_token_hint(const char *problem);
extern const char *casnet_token_hint_of(const char *problem);
extern const char *casnet_token_permissions(void);
extern int64 casnet_token_authenticated_at(void);
extern const pg_uuid_t *casnet_token_named_user(void);
extern const pg_uuid_t *casnet_token_named_tenant(void);
extern uint64 casnet_token_hold(void);
extern void casnet_token_release(void);
extern void casnet_token_release_all(void);
extern uint64 casnet_token_number(void);
extern const char *casnet_token_problem_of(uint64 number,
										   const pg_uuid_t *user);
extern const char *casnet_token_problem_to_others(uint64 number,
												  bool *is_over,
												  pg_uuid_t *user);
extern bytea *casnet_token_digest(void);
extern void casnet_token_require_own(Snapshot snapshot);

/* session.c: who the session is, by its settings */

/* The user and tenant that the settings name, verified or not; unused bytes are zero. */
typedef struct CasnetIdentity
{
	pg_uuid_t	user;
	pg_uuid_t	tenant;
	bool		has_user;
	bool		has_tenant;
} CasnetIdentity;

extern void casnet_session_init(void);
extern const pg_uuid_t *casnet_session_user(void);
extern const pg_uuid_t *casnet_session_tenant(void);
extern void casnet_session_identity(CasnetIdentity *identity);
extern bool casnet_session_is(const CasnetIdentity *identity);

/* statement.c: which user a statement belongs to */

/*
 * Who, if anybody, had opened the cursor or portal that rows were fetched from when
 * something was answered.
 */
typedef struct CasnetOpener
{
	bool		is_somebody;
	CasnetIdentity identity;
} CasnetOpener;

/* An open cursor or portal: who opened it, and what it asks for. */
typedef struct CasnetOpening
{
	CasnetIdentity as;
	bool		needs_tenant;	/* with these permissions: */
	int			nbits;
	int		   *bits;
} CasnetOpening;

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
extern const CasnetOpening *casnet_statement_opening(void);
extern const CasnetIdentity *casnet_statement_opener(void);
extern bool casnet_statement_opening_asks(int nbits, const int *bits);
extern void casnet_statement_note_opener(CasnetOpener *note);
extern bool casnet_statement_opener_is(const CasnetOpener *note);
extern const CasnetOpening *casnet_statement_set_opening(const CasnetOpening *next);

/* judged.c: changes of rights are judged again when their transaction ends */

typedef void (*CasnetJudgement) (const void *what);

extern void casnet_judged_init(void);
extern void casnet_judged_remember(CasnetJudgement again, const void *what,
								   Size size, bool at_once);
extern bool casnet_judged_knows(CasnetJudgement again, const void *what,
								Size size);
extern void casnet_judged_remember_alone(CasnetJudgement again,
										 const void *what, Size size);
extern void casnet_judged_remember_token(void);
extern void casnet_judged_now(void);

/* permission.c: names and bits of permissions */

/* Policies of one statement are united to ask for so many permissions at most. */
#define CASNET_MAX_UNITED 8

extern int	casnet_permission_intern(const char *name);
extern int	casnet_permission_find(const char *name);
extern int	casnet_permission_existing(const char *name);
extern int	casnet_permission_existing_to_others(const char *name);
extern int	casnet_permission_bit(const char *name);
extern int	casnet_permission_bit_of(text *name);
extern const char *casnet_permission_name(int bit);
extern int	casnet_permission_count(void);
extern int	casnet_permission_built_in(const char *name, size_t length);

/* asked.c: which rights were asked for lately */

/* What somebody may do: see membership.c. */
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
	bool		is_member;		/* and user_tenants has a row for it */
	char		role[CASNET_NAME_LENGTH];	/* empty if no member */
	Bitmapset  *permissions;	/* of the role, and granted in person */
	Bitmapset  *withheld;		/* the user holds them, and the token does not give them */
	bool		withholds_rest; /* all others, which a superuser holds */
	int			granted;		/* rows of user_tenant_permissions */
	TransactionId xmin;			/* all older transactions had ended when this was made */
	uint64		next_xid;		/* the first that had not begun then */
	uint64		epoch;			/* casnet_epoch when last known to be valid */
	uint64		table_epochs[CASNET_SIGNING_KEYS];	/* likewise */
} CasnetVerdict;

/* How many of the last questions are kept. */
#define CASNET_KEYS_ASKED 16
#define CASNET_LISTS_ASKED 4

/* What a user held in a tenant when it was asked for. */
typedef struct CasnetHeld
{
	uint64		asked;			/* its number, 0 for none */
	CasnetVerdictKey key;
	uint64		token;			/* number of the token that proved it, or 0 */
	bool		superuser;
	bool		tenant_open;
	Bitmapset  *permissions;
} CasnetHeld;

/* The tenants that were listed for a user. */
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

/* membership.c: what a user may do in a tenant */

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
extern void casnet_membership_refuse_narrowed(void);
extern const pg_uuid_t *casnet_membership_require_whole(void);
extern const CasnetVerdict *casnet_membership_require(int nbits,
													  const int *bits);
extern const CasnetVerdict *casnet_membership_require_of(const pg_uuid_t *user,
														 const pg_uuid_t *tenant,
														 int nbits,
														 const int *bits);
extern bool casnet_membership_holds(const CasnetVerdict *verdict, int bit);
extern void casnet_membership_refuse_missing(const CasnetVerdict *verdict, int bit,
											 bool is_active);
extern bool casnet_membership_is_cached(void);
extern Bitmapset *casnet_membership_role_permissions(const char *role,
													 Snapshot snapshot);

/* remember.c: what a suspended execution depends on */

typedef struct CasnetRemembered
{
	List	   *held;			/* of CasnetHeld */
	List	   *listed;			/* of CasnetListed */
	bool		is_strict;		/* there was more than the lists hold: */
	uint64		epochs;			/* no epoch may have changed since these */
} CasnetRemembered;

extern uint64 casnet_remember_epochs(void);
casnet_noreturn extern void casnet_remember_refuse(void);
extern void casnet_remember_require_list(const pg_uuid_t *user,
										 const ArrayType *tenants);
extern void casnet_remember_require_token(uint64 number,
										  const pg_uuid_t *user);
extern void casnet_remember_require_tokens(const CasnetRemembered *remembered);
extern void casnet_remember_require(const CasnetRemembered *remembered);
extern void casnet_remember(CasnetRemembered *remembered, uint64 asked,
							uint64 epochs);
extern void casnet_remember_note_within(const CasnetRemembered *remembered);

/* policy.c: the functions that policies call */

extern bool casnet_policy_call_is_stored(FmgrInfo *flinfo);
extern void casnet_policy_check_opener(FmgrInfo *flinfo);
extern bool casnet_policy_argument_is_constant(FmgrInfo *flinfo);

/* id_set.c: the sets of ids that policies compare with */

extern ArrayType *casnet_id_set_array(List *uuids);
extern ArrayType *casnet_id_set_my_tenants(const CasnetIdentity *session,
											 const pg_uuid_t *user);
extern ArrayType *casnet_id_set_visible_users(const CasnetIdentity *session,
												const pg_uuid_t *user,
												bool *of_tenant);

/* role.c: the roles */

extern void casnet_role_require(const char *role);
extern bool casnet_role_is_above(const char *role, const char *other);
extern ArrayType *casnet_role_replaced_by(const char *role);

/* guard.c: memberships in order */

extern int	casnet_guard_rank_of(const CasnetVerdict *verdict);
extern void casnet_guard_judge_again(const CasnetVerdict *verdict,
									 const char *permission);
extern void casnet_guard_note_change(const CasnetVerdict *judge);
extern bool casnet_guard_may_change(const CasnetVerdict *judge, const char *role);
extern bool casnet_guard_may_add(const CasnetVerdict *judge, const char *role);
extern Datum casnet_require_may_give(PG_FUNCTION_ARGS);

/* owner.c: statements on somebody else's table */

/* The role and context before casnet_owner_enter(). */
typedef struct CasnetOwnerSwitch
{
	Oid			user;
	int			context;
	int			level;			/* of settings */
	uint64		cursors;		/* a note of those that were open, or 0 */
} CasnetOwnerSwitch;

extern void casnet_owner_require_table(Oid table);
extern void casnet_owner_require(Oid table);
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
extern void casnet_owner_alter(Oid table, AlterTableType kind, const char *name);
extern void casnet_owner_init(void);

/* stranger.c: what of a table is code of roles without the rights with which it runs */

extern bool casnet_stranger_in_type(Oid type, Oid role);
extern bool casnet_stranger_in_expression(Node *expression, Oid role);
extern bool casnet_stranger_owns_function(Oid function, Oid role);
extern bool casnet_stranger_in_index(Oid index, Oid role);
extern bool casnet_stranger_in_statistics(Oid statistics, Oid role);
extern char *casnet_stranger_in_table(Relation relation, Oid role, bool deletes);
extern char *casnet_stranger_in_triggers(Relation relation, Oid role);
extern bool casnet_stranger_in_temporary_types(Oid role);
extern void casnet_stranger_init(void);

/* partition_key.c: whose code partition keys call */

extern Oid	casnet_partition_key_strange(Oid table);

/* query_code.c: what of a query is code of roles without the rights with which it runs */

extern bool casnet_query_code_is_strange(Query *query, Oid role);

/* reach.c: the tables that a change reaches, and whose code runs there */

/* For what tables are looked at that a change reaches; see casnet_reach_check(). */
typedef enum CasnetReach
{
	CASNET_REACH_GUARDS,		/* a change of casnet's tables, by whoever makes it */
	CASNET_REACH_ERASES_PERSON, /* as an administrator */
	CASNET_REACH_ERASES_TENANT	/* as the owner of the first table */
} CasnetReach;

extern void casnet_reach_require_one_owner(Oid table);
extern void casnet_reach_check(Oid table, List **seen, CasnetReach purpose);
extern void casnet_reach_check_person(Oid persons);
extern void casnet_reach_enter_owner(CasnetOwnerSwitch *former, Oid table);

/* code.c: codes that somebody sends back */

extern text *casnet_code_make(bytea **digest);
extern bytea *casnet_code_digest_argument(FunctionCallInfo fcinfo,
										  int argument);
extern char *casnet_code_fold(const char *string);
extern bool casnet_code_is_as_sent(text *given, const char *folded);
extern Datum casnet_code_email_argument(FunctionCallInfo fcinfo, int argument);
extern TimestampTz casnet_code_end_argument(FunctionCallInfo fcinfo,
											int argument);
extern bool casnet_code_is_revoked(bytea *digest);

/* user.c: what the row of an account says */

extern bool casnet_user_find(const pg_uuid_t *user, Snapshot snapshot,
							 bool *active, char **mark, char **email);
extern char *casnet_user_address(const pg_uuid_t *user);

/* user_code.c: codes for the user of an account */

extern text *casnet_user_code_make(const pg_uuid_t *user, const char *purpose,
								   const char *email, const bytea *account,
								   TimestampTz expires_at);
extern bytea *casnet_user_code_state(const pg_uuid_t *user, bool *active);
extern void casnet_user_code_take(bytea *digest, const char *purpose,
								  const pg_uuid_t *holder, pg_uuid_t *user,
								  char **email);
extern void casnet_user_code_end_all(const pg_uuid_t *user);
casnet_noreturn extern void casnet_user_code_refuse(void);

/* release.c: those who hold a membership or an account release it */

extern void casnet_release_account(const pg_uuid_t *user, bool is_removed);
extern void casnet_release_lock(const LOCKTAG *tag);

/* secret.c: the hashes of passwords */

/* The hash in force for an account. */
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
extern LOCKTAG casnet_secret_lock_of(const pg_uuid_t *user);
extern bool casnet_secret_lock(const pg_uuid_t *user, int patience);

/* account.c: accounts, and who manages them */

extern bool casnet_account_is_superuser(void);
extern bool casnet_account_require_power(void);
extern char *casnet_account_require(const pg_uuid_t *user, bool by_role);
extern void casnet_account_make(const pg_uuid_t *id, const char *email,
								const char *full_name);
extern uint64 casnet_account_write(const char *statement, int nargs,
								   Oid *types, Datum *values,
								   const char *nulls, bool by_role);
extern int	casnet_account_limit_waiting(void);
extern uint64 casnet_account_write_names(const char *statement, int nargs,
										 Oid *types, Datum *values,
										 const char *nulls, bool by_role);
extern void casnet_account_delete(const pg_uuid_t *user, bool by_role);
extern bool casnet_account_replace_password(const pg_uuid_t *user,
											const char *hash);
extern void casnet_account_require_unused(const pg_uuid_t *user,
										  const char *name, const char *column);
extern text *casnet_account_username_argument(FunctionCallInfo fcinfo,
											  int argument, const char *email);
extern void casnet_account_sign_up(const pg_uuid_t *id, text *username,
								   const char *email, text *password,
								   text *full_name);

/* signing.c: the keys that sign tokens, and new tokens */

/* A token that was made. */
typedef struct CasnetIssue
{
	pg_uuid_t	id;
	pg_uuid_t	user;
	int64		generation;
	TimestampTz expires_at;
	bytea	   *digest;			/* by which it is revoked */
} CasnetIssue;

extern void casnet_signing_append(StringInfo out, const void *bytes, size_t length);
extern void casnet_signing_append_permissions(StringInfo claims, List *permissions);
extern text *casnet_signing_issue(const pg_uuid_t *user,
								  const pg_uuid_t *tenant,
								  const Interval *lifetime, int64 generation,
								  int64 authenticated_at, List *permissions,
								  CasnetIssue *issue);

/* relay_key.c: the key by which workers know what the coordinator says of a session */

extern char *casnet_relay_key_token(const pg_uuid_t *user, const pg_uuid_t *tenant,
									const char *permissions, int *seconds);

/* issued.c: the sessions of a user */

extern void casnet_issued_by_login(const CasnetIssue *issue);
extern void casnet_issued_by_refresh(const CasnetIssue *issue);
extern void casnet_issued_forget(const pg_uuid_t *user);

/* login.c: what users do with their own account */

extern Datum casnet_login_name_argument(FunctionCallInfo fcinfo, int argument);
extern bool casnet_login_find_by_name(Datum name, pg_uuid_t *user);
extern void casnet_login_require_password(const pg_uuid_t *user, text *password);

/* link.c: whom the tokens of other issuers name */

/* What is registered of an issuer at a moment. */
typedef struct CasnetRegistration
{
	pg_uuid_t	id;
	char	   *user_claim;
	bool		makes_accounts;
} CasnetRegistration;

extern void casnet_link_refuse_argument(const char *message, const char *hint);
extern char *casnet_link_claim_argument(FunctionCallInfo fcinfo, int argument,
										const char *message, const char *hint);
extern char *casnet_link_issuer_argument(FunctionCallInfo fcinfo, int argument);
extern bool casnet_link_registration(const char *issuer, CasnetRegistration *found);
extern bool casnet_link_is_any(const pg_uuid_t *issuer_id);
extern void casnet_link_end_all(const char *issuer,
								const pg_uuid_t *issuer_id);

/* words.c: the words of a text */

/* So much of a content is indexed, in characters. */
#define CASNET_CONTENT_CHARACTERS 90000

/* Where a character of a text is, in bytes. */
typedef struct CasnetPlace
{
	int			start;
	int			end;
} CasnetPlace;

extern char *casnet_words_form(const char *bytes, int length, bool is_query,
							   CasnetPlace **places);
extern void casnet_words_fold(ParsedWord *word);
extern bool casnet_words_is_single(const char *word, int length);
extern TSQuery casnet_words_query(Oid configuration, char *operands);
extern Oid	casnet_words_configuration(void);

/* parts.c: parts of names and titles */

/* A part is searched for in this many bytes at the beginning of a value. */
#define CASNET_SEARCHED_BYTES 65536

/* calendar.c: when events occur */

extern TimestampTz *casnet_calendar_added(TimestampTz starts_at, bool all_day, pg_tz *zone,
										  const char *rule, ArrayType *times, int *number);

/* icalendar.c: calendars as text */

extern bool casnet_calendar_has_year(TimestampTz at);

/* load.c: bulk load through views */

extern void casnet_load_init(void);

/* copy.c: what COPY into a table with row security is told to do */

extern void casnet_copy_begin(const Node *statement,
							  ErrorContextCallback *callback);

/* hint.c: what to do when a constraint refuses a row */

extern void casnet_hint_begin(ErrorContextCallback *callback);

/* audit.c: who changed what; see also audit.h */

extern void casnet_audit_init(void);

/* unite.c: one policy for a statement */

extern void casnet_unite_policies(Query *query);

/* pin.c: the tenant as a constant, for Citus */

typedef struct CasnetPinned
{
	int			number;			/* of the tenant; 0 if nothing was replaced */
	pg_uuid_t	tenant;
	Bitmapset  *permissions;	/* which were asked for */
} CasnetPinned;

extern void casnet_pin_tenant(Query *query, CasnetPinned *pinned);
extern void casnet_pin_check(int number, const pg_uuid_t *tenant);

/* reshape.c: statements that Citus would take past the policies */

extern void casnet_reshape_policies(Query *query);
extern bool casnet_reshape_insert(Query *query);
extern bool casnet_reshape_elements(Node *node, void *context);
/* A run of a statement that was reshaped: its rows are counted. */
typedef struct CasnetReshaped
{
	PlannedStmt *plan;			/* of the statement, or NULL */
	DestReceiver *dest;
} CasnetReshaped;

extern void casnet_reshape_begin_run(QueryDesc *query, CasnetReshaped *reshaped);
extern void casnet_reshape_end_run(QueryDesc *query, const CasnetReshaped *reshaped);
extern void casnet_reshape_finish(PlannedStmt *plan, bool was_reshaped);
extern bool casnet_reshape_changes(const Node *statement);
extern void casnet_reshape_copy(CopyStmt *copy);
extern void casnet_reshape_refuse(const Node *statement);

/* carry.c: statements that carry the token of their session to a worker */

extern int	casnet_carry_prepare(Query *query, const char *query_string,
								 ParamListInfo params, const CasnetPinned *pinned);
extern ParamListInfo casnet_carry_parameters(ParamListInfo given, int number,
											  uint16 flags, const char *token,
											  const pg_uuid_t *tenant);
extern int	casnet_carry_number(const PlannedStmt *plan);

/* carried.c: a worker takes the token out of a statement that carries it */

extern void casnet_carried_take(Query *query, const char *query_string);
extern void casnet_carried_blank_text(void);
extern void casnet_carried_blank(const QueryDesc *query);

/* probe.c: statements that ask for columns and no row */

extern Query *casnet_probe_reads_nothing(Query *query);

/* order.c: policies before the conditions of users */

struct PlannerInfo;
struct RelOptInfo;

extern void casnet_order_init(void);
extern bool casnet_order_calls_ours(Node *node, void *context);
extern bool casnet_order_may_call_ours(Node *node, void *context);
extern void casnet_order_leave_out_names(struct PlannerInfo *root,
										 struct RelOptInfo *relation);

/* bypass.c: the setting casnet.bypass */

extern void casnet_bypass_init(void);

/* noforce.c: policies bind owners also while a foreign key cascades */

extern void casnet_noforce_init(void);
extern void casnet_noforce_check(Query *query);
extern bool casnet_noforce_check_plan(PlannedStmt *plan,
									  const char *query_string);
extern void casnet_noforce_check_start(PlannedStmt *plan);
extern void casnet_noforce_check_utility(void);

/* inline.c: SQL functions in statements on tables that Citus distributes */

extern bool casnet_inline_functions(Query *query, ParamListInfo params);
extern void casnet_inline_query(RangeTblEntry *rte, Query *query);
extern void casnet_inline_check(Query *query);

/* tagging_plan.c: records_tagged() planned away; see also tagging.h */

/* What became of the calls in a statement. */
typedef struct CasnetTagged
{
	bool		has_policy;		/* a query with a policy took their place */
	bool		unknown;		/* the tags of one call are not known yet */
} CasnetTagged;

extern Query *casnet_tagging_expand(Query *query, ParamListInfo params,
									CasnetTagged *tagged);
extern void casnet_tagging_finish(PlannedStmt *plan, ParamListInfo params,
								  const CasnetTagged *tagged);

/* plan.c: what a finished plan must ask for; see also recheck.h */

/*
 * What a note in a plan says.  A note is an entry of PlannedStmt.invalItems, the list of
 * what a plan depends on.  The server copies the entries with the plan, and compares their
 * caches with that of an invalidation.  A note names a cache that the server does not have
 * (CASNET_NOTE_CACHE).  The upper 8 bits of its hash value are its kind, the others its
 * value.  Parallel workers get plans without that list, and no notes.
 *
 * plan.c writes notes when a plan is finished, or before it is executed if it came past
 * the planner hook.  execution.c reads them when an execution starts and when it goes on.
 * noforce.c reads CASNET_NOTE_UNFORCED and carry.c CASNET_NOTE_CARRIED, which stand at the
 * end of the list.  The others stand before the server's own entries, and the first entry answers most questions.  With
 * CASNET_NOTE_NONE, nobody has looked at the plan.  With CASNET_NOTE_NOTHING, there is
 * nothing to ask for.  With CASNET_NOTE_SESSION, only policies of others ask for something.
 * With any other, the plan has policies of casnet's.
 */
typedef enum CasnetNote
{
	CASNET_NOTE_NONE,			/* the cell is no note */
	CASNET_NOTE_NOTHING,		/* casnet has seen the plan; nothing to ask for */
	CASNET_NOTE_SESSION,		/* conditions depend on who the session is */
	CASNET_NOTE_PERMISSION,		/* value: a bit */
	CASNET_NOTE_TENANT,			/* value: the parameter that gets it */
	CASNET_NOTE_USER,			/* likewise, as those below */
	CASNET_NOTE_MY_TENANTS,
	CASNET_NOTE_VISIBLE_USERS,
	CASNET_NOTE_PINNED,			/* value: the number of the tenant; see pin.c */
	CASNET_NOTE_CALLS,			/* calls are left in the plan */
	CASNET_NOTE_UNFORCED,		/* made without policies; see noforce.c */
	CASNET_NOTE_CARRIED			/* value: the parameter for the token; see carry.c */
} CasnetNote;

/* The parameter number of a note whose answer needs no parameter. */
#define CASNET_NO_PARAMETER 0xffffff

/* The cache id that marks a note; no syscache of the server has it. */
#define CASNET_NOTE_CACHE (-0x0ca5)

/* The note in a cell of a plan's list, and its value; CASNET_NOTE_NONE if it is none. */
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
extern bool casnet_plan_is_policed(PlannedStmt *plan);
extern void casnet_plan_show_next(bool show);

/* index.c: indexes that the planner does not look at */

extern void casnet_index_init(void);

/* explain.c: what EXPLAIN shows, and to whom */

/* A statement without a plan, as ProcessUtility_hook receives it. */
typedef struct CasnetUtility
{
	PlannedStmt *statement;
	const char *query_string;
	bool		read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *receiver;
	QueryCompletion *completion;
} CasnetUtility;

extern void casnet_explain_check_guard(const ExplainStmt *statement);
extern void casnet_explain_execute(const CasnetUtility *utility,
								   void (*next) (const CasnetUtility *utility));
extern void casnet_explain_check(const QueryDesc *query, bool is_policed,
								 bool is_late, bool explain_only);

/* lock.c: statements whose lock would block others */

extern bool casnet_lock_changes_statement(const Node *statement);
extern void casnet_lock_check_statement(Node *statement);

/* worker.c: what code of others may do on the nodes of Citus */

extern void casnet_worker_init(void);
extern bool casnet_worker_begin_making(const Node *statement);
extern void casnet_worker_end_making(void);
extern void casnet_worker_check_start(const QueryDesc *query);

/* relay.c: workers of Citus know whose session asks them */

extern void casnet_relay_init(void);
extern bool casnet_relay_is_needed(const PlannedStmt *plan);
extern bool casnet_relay_carry(QueryDesc *query, const CasnetIdentity *identity,
							   bool explain_only);
extern void casnet_relay_hide_begin(ErrorContextCallback *callback);
extern bool casnet_relay_begin(void);
extern void casnet_relay_end(bool began);
extern void casnet_relay_begin_shown(void);
extern void casnet_relay_end_shown(void);
extern void casnet_relay_discard(void);

/* execution.c: the policies of a plan, evaluated when it is executed */

extern void casnet_execution_init(void);

/* utility.c: handling of statements without a plan */

extern void casnet_utility_init(void);

#endif							/* CASNET_H */
