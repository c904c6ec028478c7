/*
 * secret.c
 *		The hashes of passwords: a table that only C reads, and what stands for a
 *		hash in the column users.hashed_password.
 *
 * That column is written and never read.  A BEFORE trigger takes a written hash into
 * memory, under a new number, and leaves a mark with the number in the row.  Once the row
 * exists, an AFTER trigger finds the hash by the mark, and puts it into
 * casnet_internal.password_hashes.  So the hash follows the row through ON CONFLICT, MERGE
 * and COPY, and a row that was not written has none.  A (sub)transaction that is rolled
 * back takes with it the hashes that wait in memory.
 *
 * casnet never updates a row of the table, so that nobody can hold what an administrator
 * needs.  An administrator, or a statement on users, writes a root row.  A row that stands
 * for a root is written when the user changes the password, or when a login renews the
 * hash.  The newest row of the newest root is in force.  So an administrator's password
 * wins over an open change by the user, whichever began first.  Of two changes by the user,
 * the one that commits first counts, and COMMIT refuses the other.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "casnet.h"

/*
 * Class of the advisory locks in which the changes of one user queue; see guard.c.
 * Administrators take no such lock.
 */
#define PASSWORD_LOCK_CLASS 0xCA5F

/* What the column holds for a hash that is in the table. */
#define MARK "$casnet$"

/* How many superseded rows are deleted at a time. */
#define MAX_SUPERSEDED 100

/* A hash that waits for its row to exist. */
typedef struct PendingHash
{
	pg_uuid_t	number;			/* hash key; must be first */
	SubTransactionId writer;
	bool		was_there;		/* the row had it before, from an older version */
	char	   *hash;
} PendingHash;

static MemoryContext pending_context = NULL;
static HTAB *pending = NULL;

PG_FUNCTION_INFO_V1(casnet_take_password);
PG_FUNCTION_INFO_V1(casnet_keep_password);
PG_FUNCTION_INFO_V1(casnet_password_scheme);

/* Forget a waiting hash. */
static void
forget(PendingHash *entry)
{
	char	   *hash = entry->hash;

	(void) hash_search(pending, &entry->number, HASH_REMOVE, NULL);
	explicit_bzero(hash, strlen(hash));
	pfree(hash);
}

/* Forget all waiting hashes.  Never raises. */
static void
forget_all(void)
{
	HASH_SEQ_STATUS status;
	PendingHash *entry;

	if (pending == NULL)
		return;
	hash_seq_init(&status, pending);
	while ((entry = hash_seq_search(&status)) != NULL)
		explicit_bzero(entry->hash, strlen(entry->hash));
	pending = NULL;
	MemoryContextDelete(pending_context);
	pending_context = NULL;
}

static void
transaction_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_ABORT:
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			forget_all();
			break;
		default:
			break;
	}
}

/* Forget what a subtransaction wrote, or give it to the parent. */
static void
subtransaction_callback(SubXactEvent event, SubTransactionId mySubid,
						SubTransactionId parentSubid, void *arg)
{
	HASH_SEQ_STATUS status;
	PendingHash *entry;

	if (pending == NULL || (event != SUBXACT_EVENT_ABORT_SUB &&
							event != SUBXACT_EVENT_COMMIT_SUB))
		return;
	hash_seq_init(&status, pending);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->writer != mySubid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			entry->writer = parentSubid;
		else
			forget(entry);
	}
}

void
casnet_secret_init(void)
{
	RegisterXactCallback(transaction_callback, NULL);
	RegisterSubXactCallback(subtransaction_callback, NULL);
}

/* Make the table of waiting hashes, unless it exists. */
static void
make_pending(void)
{
	HASHCTL		ctl;

	if (pending != NULL)
		return;
	if (pending_context == NULL)
		pending_context = AllocSetContextCreate(TopMemoryContext,
												"casnet passwords",
												ALLOCSET_SMALL_SIZES);
	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(pg_uuid_t);
	ctl.entrysize = sizeof(PendingHash);
	ctl.hcxt = pending_context;
	pending = hash_create("casnet passwords", 16, &ctl,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Let a hash wait for its row; returns the mark for the row. */
static char *
wait_for_row(const char *hash, bool was_there)
{
	pg_uuid_t	number;
	PendingHash *entry;
	char	   *copy;

	make_pending();
	casnet_uuid_make(&number, false);
	copy = MemoryContextStrdup(pending_context, hash);
	entry = hash_search(pending, &number, HASH_ENTER, NULL);
	entry->writer = GetCurrentSubTransactionId();
	entry->was_there = was_there;
	entry->hash = copy;
	return psprintf(MARK "%s", casnet_uuid_format(&number));
}

/* Let a hash wait.  A row that gets the mark in this transaction gets the hash. */
char *
casnet_secret_mark(const char *hash)
{
	return wait_for_row(hash, false);
}

/* The number of a mark; false if the string is not a mark. */
static bool
number_of(const char *string, pg_uuid_t *number)
{
	return strncmp(string, MARK, strlen(MARK)) == 0 &&
		strlen(string) == strlen(MARK) + 36 &&
		casnet_uuid_parse(string + strlen(MARK), number);
}

bool
casnet_secret_is_mark(const char *string)
{
	pg_uuid_t	number;

	return number_of(string, &number);
}

/* The hash that waits for a row with this mark, or NULL. */
static PendingHash *
find_pending(const char *mark)
{
	pg_uuid_t	number;

	if (pending == NULL || !number_of(mark, &number))
		return NULL;
	return hash_search(pending, &number, HASH_FIND, NULL);
}

/* The column hashed_password of the row, or NULL. */
static char *
column_of(Relation relation, HeapTuple row)
{
	bool		isnull;
	int			number = casnet_trigger_column(relation, "hashed_password",
											   TEXTOID);
	Datum		value = heap_getattr(row, number, RelationGetDescr(relation),
									 &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Raises 22023 for what is not a hash, without quoting it. */
static void
refuse_hash(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("hashed_password must be the hash of a password"),
			 errhint("Give the result of casnet.hash_password(), or a hash of another system in one of the formats that docs/accounts.md lists (yescrypt, bcrypt, SHA-2, PBKDF2, scrypt, Argon2); never the password.")));
}

/*
 * casnet_internal.take_password() returns trigger
 *
 * BEFORE INSERT OR UPDATE OF hashed_password FOR EACH ROW on users: replaces a hash by a
 * mark.  A new row keeps any mark, as when a dump is restored.  An existing row can only
 * keep its own mark, or get that of a waiting hash.  Raises 22023 for what is not a hash
 * of a known scheme.
 */
Datum
casnet_take_password(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "take_password", true);
	Relation	relation = trigger->tg_relation;
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple	row = is_update ? trigger->tg_newtuple : trigger->tg_trigtuple;
	char	   *before = is_update ?
		column_of(relation, trigger->tg_trigtuple) : NULL;
	char	   *written = column_of(relation, row);
	bool		stays = before != NULL && written != NULL &&
		strcmp(before, written) == 0;
	char	   *hash;
	int			column;
	Datum		mark;
	bool		isnull = false;

	if (written == NULL)
		return PointerGetDatum(row);
	if (casnet_secret_is_mark(written))
	{
		if (is_update && !stays && find_pending(written) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("hashed_password cannot be the mark of another account"),
					 errdetail("The column holds a mark that stands for a hash."),
					 errhint("Leave the column as it is, or write a hash, such as the result of casnet.hash_password().")));
		return PointerGetDatum(row);
	}

	/* Each node would keep the hash in a place of its own, under another mark. */
	if (casnet_shard_has_citus() &&
		casnet_shard_spread(get_relname_relid("users", casnet_schema())) !=
		CASNET_SPREAD_NOT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("hashed_password cannot be written while Citus distributes the tables"),
				 errhint("Call casnet.set_password() or casnet.create_user().")));

	/* What an older version of casnet left there counts as a hash. */
	hash = casnet_scheme_form(written);
	if (hash == NULL && !stays)
		refuse_hash();
	mark = CStringGetTextDatum(wait_for_row(hash == NULL ? written : hash,
											stays));
	explicit_bzero(written, strlen(written));
	if (hash != NULL)
		explicit_bzero(hash, strlen(hash));
	column = casnet_trigger_column(relation, "hashed_password", TEXTOID);
	row = heap_modify_tuple_by_cols(row, RelationGetDescr(relation), 1,
									&column, &mark, &isnull);
	return PointerGetDatum(row);
}

/* Whether a is the later id. */
static bool
is_later(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a, b, UUID_LEN) > 0;
}

/* Read the id of the row that a scan found, and that of the root for which it stands. */
static void
read_ids(CasnetScan *scan, HeapTuple tuple, CasnetHash *row)
{
	bool		isnull;
	Datum		value;

	value = casnet_scan_value(scan, tuple, PASSWORD_HASHES_ID, &isnull);
	row->id = *DatumGetUUIDP(value);
	value = casnet_scan_value(scan, tuple, PASSWORD_HASHES_REPLACES, &isnull);
	row->root = isnull ? row->id : *DatumGetUUIDP(value);
}

/*
 * The hash that is in force for the user: the newest row of the newest root.  All zero and
 * NULL without one.  The hash is also NULL if an administrator took it away.
 */
void
casnet_secret_find(const pg_uuid_t *user, Snapshot snapshot, CasnetHash *found)
{
	CasnetScan	scan;
	HeapTuple	tuple;

	memset(found, 0, sizeof(CasnetHash));
	casnet_scan_begin(&scan, CASNET_HASHES_OF_USER, snapshot,
					  UUIDPGetDatum(user), (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		CasnetHash	row;
		bool		isnull;
		Datum		hash;

		read_ids(&scan, tuple, &row);
		if (is_later(&found->root, &row.root) ||
			(!is_later(&row.root, &found->root) &&
			 is_later(&found->id, &row.id)))
			continue;
		hash = casnet_scan_value(&scan, tuple, PASSWORD_HASHES_HASH, &isnull);
		row.hash = isnull ? NULL : TextDatumGetCString(hash);
		*found = row;
	}
	casnet_scan_end(&scan);
}

/* List the user's present rows, at most MAX_SUPERSEDED, and find the latest id of all. */
static int
list_rows(const pg_uuid_t *user, ItemPointerData *rows, pg_uuid_t *latest)
{
	CasnetTable hashes = CASNET_PASSWORD_HASHES;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	int			count = 0;

	memset(latest, 0, sizeof(pg_uuid_t));
	casnet_scan_begin(&scan, CASNET_HASHES_OF_USER,
					  casnet_reading_begin(&reading, 1, &hashes),
					  UUIDPGetDatum(user), (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		CasnetHash	row;

		read_ids(&scan, tuple, &row);
		if (is_later(&row.id, latest))
			*latest = row.id;
		if (count < MAX_SUPERSEDED)
			rows[count++] = tuple->t_self;
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return count;
}

/* A new id, later than that one even if the clock was set back. */
static void
make_later_id(pg_uuid_t *id, const pg_uuid_t *latest)
{
	casnet_uuid_make(id, false);
	if (is_later(id, latest))
		return;
	*id = *latest;
	for (int i = UUID_LEN - 1; i >= 0; i--)
		if (++id->data[i] != 0)
			break;
}

/*
 * Add a row with the hash, or NULL for no password, and delete the rows that it supersedes,
 * except those that somebody else holds.  Without a root it is one itself.  Returns its id.
 */
static pg_uuid_t
add_hash(const pg_uuid_t *user, const char *hash, const pg_uuid_t *root)
{
	Datum		values[PASSWORD_HASHES_COLUMNS] = {0};
	bool		isnull[PASSWORD_HASHES_COLUMNS] = {0};
	ItemPointerData rows[MAX_SUPERSEDED];
	pg_uuid_t	latest;
	pg_uuid_t	id;
	int			count = list_rows(user, rows, &latest);

	make_later_id(&id, &latest);
	values[PASSWORD_HASHES_ID] = UUIDPGetDatum(&id);
	values[PASSWORD_HASHES_USER_ID] = UUIDPGetDatum(user);
	isnull[PASSWORD_HASHES_HASH] = hash == NULL;
	if (hash != NULL)
		values[PASSWORD_HASHES_HASH] = CStringGetTextDatum(hash);
	isnull[PASSWORD_HASHES_REPLACES] = root == NULL;
	if (root != NULL)
		values[PASSWORD_HASHES_REPLACES] = UUIDPGetDatum(root);
	casnet_row_insert(CASNET_PASSWORD_HASHES, values, isnull);
	casnet_row_delete_all(CASNET_PASSWORD_HASHES, rows, count);
	return id;
}

/* The hash that is in force by what others have committed. */
static void
find_of_others(const pg_uuid_t *user, CasnetHash *found)
{
	CasnetTable hashes = CASNET_PASSWORD_HASHES;
	CasnetReading reading;
	Snapshot	snapshot = casnet_reading_begin(&reading, 1, &hashes);
	SnapshotData others = casnet_catalog_snapshot_of_others(snapshot);

	casnet_secret_find(user, &others, found);
	casnet_reading_end(&reading);
}

/* A hash that a transaction wrote, or that was in force by what others had committed. */
typedef struct Written
{
	pg_uuid_t	user;
	pg_uuid_t	hash;
} Written;

/* Raises 40001. */
static void
refuse_lost(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("the password was changed elsewhere before the transaction ended"),
			 errhint("The transaction is undone. Repeat it if the password must still change.")));
}

/* CasnetJudgement: raises 40001 if another administrator's hash came later than this one. */
static void
judge_root_again(const void *what)
{
	const Written *written = what;
	CasnetHash	present;

	find_of_others(&written->user, &present);
	if (is_later(&present.root, &written->hash))
		refuse_lost();
}

/*
 * Put an administrator's hash in force, or NULL for no password.  Waits for no open
 * transaction.  Unless the account is new, COMMIT raises 40001 if another administrator has
 * committed a later hash meanwhile.
 */
void
casnet_secret_set(const pg_uuid_t *user, const char *hash, bool is_new)
{
	Written		written;

	written.user = *user;
	written.hash = add_hash(user, hash, NULL);
	if (!is_new)
		casnet_judged_remember(judge_root_again, &written, sizeof(written),
							   false);
}

/* The lock for changes by the user. */
LOCKTAG
casnet_secret_lock_of(const pg_uuid_t *user)
{
	uint64		hash = hash_bytes_extended(user->data, UUID_LEN, 0);
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32),
						 (uint32) hash, PASSWORD_LOCK_CLASS);
	return tag;
}

/*
 * Take the lock for changes by the user, until the end of the transaction.  Returns false
 * if somebody else has held it for that many milliseconds.
 */
bool
casnet_secret_lock(const pg_uuid_t *user, int patience)
{
	TimestampTz began = GetCurrentTimestamp();
	LOCKTAG		tag = casnet_secret_lock_of(user);

	while (LockAcquire(&tag, ExclusiveLock, false, true) ==
		   LOCKACQUIRE_NOT_AVAIL)
	{
		if (patience == 0 ||
			TimestampDifferenceExceeds(began, GetCurrentTimestamp(), patience))
			return false;
		casnet_holders_wait(false);
	}
	return true;
}

/* CasnetJudgement: raises 40001 if others have replaced the hash that was in force. */
static void
judge_again(const void *what)
{
	const Written *replaced = what;
	CasnetHash	present;

	find_of_others(&replaced->user, &present);
	if (memcmp(&present.id, &replaced->hash, UUID_LEN) != 0)
		refuse_lost();
}

/*
 * Replace a hash that was verified; false if another one is in force by now.  COMMIT checks
 * this again and raises 40001, since nobody waits long for an open transaction: what
 * commits first counts.
 */
bool
casnet_secret_replace(const pg_uuid_t *user, const CasnetHash *old,
					  const char *hash)
{
	CasnetTable hashes = CASNET_PASSWORD_HASHES;
	CasnetReading reading;
	CasnetHash	present;
	Written		replaced;

	find_of_others(user, &present);
	replaced.user = *user;
	replaced.hash = present.id;
	casnet_secret_find(user, casnet_reading_begin(&reading, 1, &hashes),
					   &present);
	casnet_reading_end(&reading);
	if (memcmp(&present.id, &old->id, UUID_LEN) != 0)
		return false;
	casnet_judged_remember(judge_again, &replaced, sizeof(replaced), false);
	add_hash(user, hash, &present.root);
	return true;
}

/*
 * The account is gone; delete its hashes.  One that somebody is changing stays.  It
 * belongs to nobody, since a new account with that id gets a root of its own, or no mark.
 */
static void
forget_account(const pg_uuid_t *user)
{
	ItemPointerData rows[MAX_SUPERSEDED];
	pg_uuid_t	latest;
	int			count = list_rows(user, rows, &latest);

	casnet_row_delete_all(CASNET_PASSWORD_HASHES, rows, count);
}

/*
 * casnet_internal.keep_password() returns trigger
 *
 * AFTER INSERT OR DELETE OR UPDATE OF hashed_password FOR EACH ROW on users: writes the
 * hash that belongs to the mark of the row, or takes the hash away.  A change ends all
 * tokens of the account.  Raises 39P01 on another table.
 */
Datum
casnet_keep_password(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "keep_password", false);
	Relation	relation = trigger->tg_relation;
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple	row = is_update ? trigger->tg_newtuple : trigger->tg_trigtuple;
	PendingHash *entry;
	char	   *before;
	char	   *mark;
	pg_uuid_t	user;
	bool		changes;

	if (!casnet_catalog_is(CASNET_USERS, relation))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.keep_password() is for casnet.users only"),
				 errhint("Attach it as casnet.install() does.")));
	/* The coordinator does this for its copy of the row, and has the tables for it. */
	if (casnet_shard_is_worker())
		return PointerGetDatum(NULL);
	if (!casnet_trigger_uuid(relation, row, "id", &user))
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
	{
		forget_account(&user);
		return PointerGetDatum(NULL);
	}

	before = is_update ? column_of(relation, trigger->tg_trigtuple) : NULL;
	mark = column_of(relation, row);
	if (mark == NULL)
	{
		if (before == NULL)
			return PointerGetDatum(NULL);
		casnet_secret_set(&user, NULL, false);
		casnet_revocation_end_all(&user, NULL);
		return PointerGetDatum(NULL);
	}

	entry = find_pending(mark);
	if (entry == NULL)
		return PointerGetDatum(NULL);
	casnet_secret_set(&user, entry->hash, !is_update);
	changes = is_update && !entry->was_there;

	/* Find it again: what ran meanwhile can have moved it. */
	entry = find_pending(mark);
	if (entry != NULL)
		forget(entry);
	if (changes)
		casnet_revocation_end_all(&user, NULL);
	return PointerGetDatum(NULL);
}

/*
 * casnet_internal.password_scheme(user_id uuid) returns (scheme text, cost text)
 *
 * What doctor() says of the hash that is in force; NULLs if there is none.
 */
Datum
casnet_password_scheme(PG_FUNCTION_ARGS)
{
	static const char *const costs[] = {
		[CASNET_SCHEME_CHEAP] = "cheap",
		[CASNET_SCHEME_FAIR] = "fair",
		[CASNET_SCHEME_SLOW] = "slow",
		[CASNET_SCHEME_UNBEARABLE] = "unbearable",
	};
	CasnetTable hashes = CASNET_PASSWORD_HASHES;
	CasnetReading reading;
	CasnetHash	found;
	TupleDesc	result;
	Datum		values[2] = {0};
	bool		isnull[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &result) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "password_scheme() was called without a row type");
	casnet_secret_find(PG_GETARG_UUID_P(0),
					   casnet_reading_begin(&reading, 1, &hashes), &found);
	casnet_reading_end(&reading);
	if (found.hash != NULL)
	{
		const char *name;
		CasnetSchemeCost cost = casnet_scheme_cost(found.hash, &name);

		values[0] = CStringGetTextDatum(name);
		values[1] = CStringGetTextDatum(costs[cost]);
		isnull[0] = isnull[1] = false;
		explicit_bzero(found.hash, strlen(found.hash));
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(result),
													  values, isnull)));
}
