/*
 * password.c
 *		Password hashes by libxcrypt, and the slowing of failed logins.
 *
 * Failures are counted in memory and not in a table, so that rolling back a
 * transaction forgets none: in shared memory when the library is in
 * shared_preload_libraries, else in each backend for itself.
 */
#include "postgres.h"

#include <crypt.h>
#include <sys/socket.h>
#include <openssl/crypto.h>

#include "catalog/pg_collation.h"
#include "common/cryptohash.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/fmgrprotos.h"
#include "utils/inet.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "casnet.h"

#define MIN_PASSWORD 8			/* bytes */
#define MAX_PASSWORD 1024		/* bytes */

/* The highest costs of a stored hash; each takes about two seconds. */
#define MAX_BCRYPT_COST 15		/* log2 of the iterations */
#define MAX_SHA_ROUNDS 5000000
#define YESCRYPT_SIZES "./0123456789ABCDEF"	/* log2(N) from 1 to 18 */
#define YESCRYPT_BLOCKS YESCRYPT_SIZES "GHIJKLMNOPQRST" /* r from 1 to 32 */

/* Names and addresses whose failures are counted at a time. */
#define MAX_COUNTED 2048

/* How long an attempt waits after so many failures; the last holds for more. */
static const int delays_ms[] = {0, 0, 0, 200, 400, 800, 1600, 3200, 6400};

/* A login that would have to wait longer than this fails at once. */
#define MAX_WAIT_MS 15000

/* After so many failures of a name from all addresses each attempt waits so long. */
#define MANY_FAILURES 50
#define NAME_DELAY_MS 1000

/* Failures are forgotten after so long without another. */
#define FORGET_MS (15 * 60 * 1000)

/* A failed login takes a multiple of this, whatever the reason. */
#define FAILURE_MS 1000

/* So many attempts wait at a time: in all, and of those one address may have a half. */
#define MAX_WAITING 128

typedef struct FailureCount
{
	uint64		key;			/* hash of the name that was given, and the address */
	int			failures;
	TimestampTz last;
	TimestampTz free_at;		/* when the next attempt may start */
} FailureCount;

/* An attempt that waits; over by itself, however the attempt ends. */
typedef struct Waiting
{
	uint64		address;
	TimestampTz until;
} Waiting;

typedef struct FailureCounts
{
	LWLock	   *lock;			/* NULL in a backend's own memory */
	FailureCount counts[MAX_COUNTED];
	Waiting		waiting[MAX_WAITING];
} FailureCounts;

static FailureCounts *failure_counts = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

PG_FUNCTION_INFO_V1(casnet_hash_password);
PG_FUNCTION_INFO_V1(casnet_login_wait);
PG_FUNCTION_INFO_V1(casnet_login_succeeded);
PG_FUNCTION_INFO_V1(casnet_login_failed);

static void
request_shared_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(FailureCounts)));
	RequestNamedLWLockTranche("casnet", 1);
}

static void
start_shared_memory(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	failure_counts = ShmemInitStruct("casnet failed logins",
									 sizeof(FailureCounts), &found);
	if (!found)
	{
		memset(failure_counts, 0, sizeof(FailureCounts));
		failure_counts->lock = &GetNamedLWLockTranche("casnet")->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

void
casnet_password_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shared_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_shared_memory;
}

/*
 * The password as it is hashed: normalized (NFKC, as RFC 8265 asks for a
 * canonical form), and a hex SHA-256 of it when it is longer than crypt(3)
 * takes.  The label keeps a plain SHA-256 of it, which may have leaked
 * elsewhere, from being a password too.  Raises 22023 when it is too long;
 * never quotes it.
 */
static char *
prepare_password(text *password)
{
	static const char digest_label[] = "casnet long password";
	char	   *string;
	size_t		length;

	if (VARSIZE_ANY_EXHDR(password) > MAX_PASSWORD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the password is too long"),
				 errhint("A password has 8 to 1024 bytes.")));
	if (GetDatabaseEncoding() == PG_UTF8)
		password = DatumGetTextPP(DirectFunctionCall2(unicode_normalize_func,
													  PointerGetDatum(password),
													  CStringGetTextDatum("NFKC")));
	string = text_to_cstring(password);
	length = strlen(string);
	if (length >= CRYPT_MAX_PASSPHRASE_SIZE)
	{
		uint8		digest[PG_SHA256_DIGEST_LENGTH];
		char	   *hex = palloc(2 * sizeof(digest) + 1);
		pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);
		bool		done;

		done = ctx != NULL && pg_cryptohash_init(ctx) >= 0 &&
			pg_cryptohash_update(ctx, (const uint8 *) digest_label,
								 sizeof(digest_label)) >= 0 &&
			pg_cryptohash_update(ctx, (uint8 *) string, length) >= 0 &&
			pg_cryptohash_final(ctx, digest, sizeof(digest)) >= 0;
		pg_cryptohash_free(ctx);
		explicit_bzero(string, length);
		if (!done)
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not compute a digest"),
					 errhint("The server's cryptographic library failed; see its configuration.")));
		hex_encode((char *) digest, sizeof(digest), hex);
		hex[2 * sizeof(digest)] = '\0';
		string = hex;
	}
	return string;
}

/* A new setting for yescrypt, with a random salt. */
static void
make_setting(char *setting)
{
	char		random[32];

	if (!pg_strong_random(random, sizeof(random)) ||
		crypt_gensalt_rn("$y$", 0, random, sizeof(random), setting,
						 CRYPT_GENSALT_OUTPUT_SIZE) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not make a salt for a password"),
				 errhint("The library libxcrypt must be built with yescrypt.")));
}

/* crypt(3) into the current memory context, or NULL for a bad setting. */
static char *
crypt_password(const char *password, const char *setting)
{
	struct crypt_data *data = palloc0(sizeof(struct crypt_data));
	char	   *hash = crypt_rn(password, setting, data,
								sizeof(struct crypt_data));

	if (hash != NULL)
		hash = pstrdup(hash);
	explicit_bzero(data, sizeof(struct crypt_data));
	pfree(data);
	return hash;
}

/*
 * The yescrypt hash of the password, in the format of crypt(5), in the current
 * memory context.  Raises 22023 when it has less than 8 or more than 1024 bytes.
 */
char *
casnet_password_hash(text *password)
{
	char		setting[CRYPT_GENSALT_OUTPUT_SIZE];
	char	   *string;
	char	   *hash;

	if (VARSIZE_ANY_EXHDR(password) < MIN_PASSWORD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the password is too short"),
				 errhint("A password has 8 to 1024 bytes.")));
	string = prepare_password(password);
	make_setting(setting);
	hash = crypt_password(string, setting);
	explicit_bzero(string, strlen(string));
	if (hash == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not hash a password"),
				 errhint("The library libxcrypt must be built with yescrypt.")));
	return hash;
}

/*
 * casnet.hash_password(password text) returns text
 *
 * The same for SQL.
 */
Datum
casnet_hash_password(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(casnet_password_hash(PG_GETARG_TEXT_PP(0))));
}

/* Whether the scheme of the hash is one that we verify. */
static bool
scheme_is_known(const char *hash)
{
	static const char *const prefixes[] = {"$y$", "$2a$", "$2b$", "$2y$",
	"$5$", "$6$"};

	for (int i = 0; i < lengthof(prefixes); i++)
		if (strncmp(hash, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/*
 * Whether a hash of a known scheme costs what a login may: some seconds at
 * most, since crypt(3) cannot be interrupted, and bcrypt can ask for days.
 * yescrypt: the flavour, log2(N) and r, each a digit, as crypt_gensalt(3)
 * chooses them.  bcrypt: two digits.  SHA-2: 5000 rounds if none are given.
 */
static bool
cost_is_bearable(const char *hash)
{
	static const char rounds[] = "rounds=";
	const char *cost = strchr(hash + 1, '$') + 1;

	if (hash[1] == 'y')
		return cost[0] == 'j' && strspn(cost + 1, YESCRYPT_SIZES) > 0 &&
			strspn(cost + 2, YESCRYPT_BLOCKS) > 0 && cost[3] == '$';
	if (hash[1] == '2')
		return strtol(cost, NULL, 10) <= MAX_BCRYPT_COST;
	if (strncmp(cost, rounds, strlen(rounds)) != 0)
		return true;
	return strtol(cost + strlen(rounds), NULL, 10) <= MAX_SHA_ROUNDS;
}

/*
 * Whether the password has the hash: yescrypt, bcrypt, sha256-crypt or
 * sha512-crypt.  With a NULL, unknown or too costly hash it does the work of a
 * new one and returns false.  Raises 22023 for more than 1024 bytes.
 */
bool
casnet_password_verify(text *password, const char *expected)
{
	char		setting[CRYPT_GENSALT_OUTPUT_SIZE];
	char	   *string = prepare_password(password);
	char	   *hash;
	bool		matches = false;

	if (expected != NULL && scheme_is_known(expected) &&
		cost_is_bearable(expected))
		hash = crypt_password(string, expected);
	else
	{
		make_setting(setting);
		hash = crypt_password(string, setting);
		expected = NULL;
	}
	explicit_bzero(string, strlen(string));

	if (hash != NULL && expected != NULL &&
		strlen(hash) == strlen(expected))
		matches = CRYPTO_memcmp(hash, expected, strlen(hash)) == 0;
	return matches;
}

/* Whether a new hash would have another scheme or cost. */
bool
casnet_password_is_outdated(const char *hash)
{
	char		setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *salt;

	make_setting(setting);
	salt = strchr(setting + strlen("$y$"), '$');
	return salt == NULL || strncmp(hash, setting, salt + 1 - setting) != 0;
}

/*
 * Whether the string has the format of a hash of a known scheme, by crypt(5): the
 * prefix, and in the end a digest of the scheme's length, of its alphabet.
 */
bool
casnet_password_is_hash(const char *string)
{
	static const char alphabet[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *digest;

	if (!scheme_is_known(string) || strlen(string) >= CRYPT_OUTPUT_SIZE)
		return false;
	digest = strrchr(string, '$') + 1;
	if (strspn(digest, alphabet) != strlen(digest))
		return false;

	/* bcrypt: the salt, of 22 digits, and the digest are not parted. */
	if (string[1] == '2')
		return digest == string + 7 && strspn(string + 4, "0123456789") == 2 &&
			strlen(digest) == 53;
	for (const char *c = string; c < digest; c++)
		if (strchr(alphabet, *c) == NULL && *c != '$' && *c != '=')
			return false;
	return digest > string + 3 && strlen(digest) == (string[1] == '6' ? 86 : 43);
}

/* The counts, which may have to be made. */
static FailureCounts *
get_counts(void)
{
	if (failure_counts == NULL)
		failure_counts = MemoryContextAllocZero(TopMemoryContext,
												sizeof(FailureCounts));
	return failure_counts;
}

static void
lock_counts(void)
{
	if (get_counts()->lock != NULL)
		LWLockAcquire(failure_counts->lock, LW_EXCLUSIVE);
}

static void
unlock_counts(void)
{
	if (failure_counts->lock != NULL)
		LWLockRelease(failure_counts->lock);
}

/*
 * The address of the client, without the port; 0 for a socket of the machine.  Of IPv6
 * the first half, since the other is the client's to choose.
 */
static uint64
client_address(void)
{
	LOCAL_FCINFO(call, 0);
	Datum		result;
	inet	   *address;
	int			length;

	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	result = inet_client_addr(call);
	if (call->isnull)
		return 0;
	address = DatumGetInetPP(result);
	length = ip_addrsize(address);
	if (ip_family(address) == PGSQL_AF_INET6)
		length /= 2;
	return hash_bytes_extended(ip_addr(address), length, 2);
}

/* The name that was given, whatever its case. */
static uint64
key_of_name(text *name)
{
	char	   *folded = str_tolower(VARDATA_ANY(name),
									 VARSIZE_ANY_EXHDR(name),
									 DEFAULT_COLLATION_OID);

	return hash_bytes_extended((unsigned char *) folded, strlen(folded), 1);
}

/* The name, as given from the address of the client. */
static uint64
key_of_attempt(text *name)
{
	return hash_combine64(key_of_name(name), client_address());
}

/* The count of that key, NULL if there is none.  Under the lock. */
static FailureCount *
find_count(uint64 key)
{
	for (int i = 0; i < MAX_COUNTED; i++)
	{
		FailureCount *count = &failure_counts->counts[i];

		if (count->key == key && count->failures > 0)
			return count;
	}
	return NULL;
}

/*
 * Count a failure.  For a new count, the one that had a failure the longest time ago
 * gives way.  Under the lock.
 */
static void
count_failure(uint64 key, TimestampTz now)
{
	FailureCount *count = find_count(key);

	if (count == NULL)
	{
		count = &failure_counts->counts[0];
		for (int i = 1; i < MAX_COUNTED; i++)
			if (failure_counts->counts[i].last < count->last)
				count = &failure_counts->counts[i];
		memset(count, 0, sizeof(FailureCount));
		count->key = key;
	}
	count->failures++;
	count->last = now;
}

/* Forget the failures of that key.  Under the lock. */
static void
forget_failures(uint64 key)
{
	FailureCount *count = find_count(key);

	if (count != NULL)
		count->failures = 0;
}

/* The place that this process has taken last, and until when. */
static Waiting *place_taken = NULL;
static TimestampTz taken_until;

/*
 * An attempt is going to wait until then; false if too many do.  Under the lock.
 */
static bool
note_waiting(TimestampTz now, TimestampTz until)
{
	uint64		address = client_address();
	Waiting    *place = NULL;
	int			of_address = 0;

	for (int i = 0; i < MAX_WAITING; i++)
	{
		Waiting    *waiting = &failure_counts->waiting[i];

		if (waiting->until <= now)
			place = waiting;
		else if (waiting->address == address)
			of_address++;
	}
	if (place == NULL || of_address >= Min(MAX_WAITING, MaxConnections) / 2)
		return false;
	place->address = address;
	place->until = until;
	place_taken = place;
	taken_until = until;
	return true;
}

/* It has succeeded, and gives its place back.  Under the lock. */
static void
forget_waiting(void)
{
	if (place_taken != NULL && place_taken->until == taken_until)
		place_taken->until = 0;
	place_taken = NULL;
}

/* Raises 53300, whoever was named. */
static void
refuse_to_wait(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_TOO_MANY_CONNECTIONS),
			 errmsg("too many failed logins are waiting"),
			 errhint("Try again in some seconds.")));
}

/*
 * Raises 57014 at once if statement_timeout leaves too little time for an answer that
 * shows nothing: a login that fails takes a whole second.
 */
static void
require_time(TimestampTz now)
{
	if (get_timeout_active(STATEMENT_TIMEOUT) &&
		TimestampDifferenceMilliseconds(now,
										get_timeout_finish_time(STATEMENT_TIMEOUT)) < FAILURE_MS)
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("statement_timeout is too short for a login"),
				 errhint("Let it be two seconds at least.")));
}

/* Wait until the time, unless interrupted. */
static void
wait_until(TimestampTz time)
{
	for (;;)
	{
		long		ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
														 time);

		if (ms <= 0)
			break;
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 ms, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The turn of an attempt in the queue of a name from an address. */
typedef struct Turn
{
	uint64		key;
	TimestampTz at;				/* 0 if there is no queue */
	int			delay;
} Turn;

/*
 * shmem_exit_callback: the attempt has given up before its turn, and so without a guess.  It
 * takes nobody's place, and who comes next need not wait behind it.
 */
static void
give_up(int code, Datum arg)
{
	const Turn *turn = (const Turn *) DatumGetPointer(arg);
	FailureCount *count;

	lock_counts();
	forget_waiting();
	count = find_count(turn->key);
	if (count != NULL && turn->at != 0 && count->free_at == turn->at)
		count->free_at = TimestampTzPlusMilliseconds(turn->at, -turn->delay);
	unlock_counts();
}

/*
 * casnet_internal.login_wait(name text) returns boolean
 *
 * Waits as long as former failures ask for, of this name from this address, which queue,
 * and, for a second at most, of this name from anywhere; false when that would be too
 * long, and the attempt must fail.  Raises 57014 when statement_timeout leaves no time,
 * 53300 when too many wait.  Internal.
 */
Datum
casnet_login_wait(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz start = now;
	FailureCount *count;
	Turn		turn = {.key = key_of_attempt(PG_GETARG_TEXT_PP(0))};
	bool		may_wait;

	require_time(now);
	lock_counts();
	count = find_count(key_of_name(name));
	if (count != NULL && count->failures >= MANY_FAILURES &&
		!TimestampDifferenceExceeds(count->last, now, FORGET_MS))
		start = TimestampTzPlusMilliseconds(now, NAME_DELAY_MS);
	count = find_count(turn.key);
	if (count != NULL &&
		TimestampDifferenceExceeds(count->last, now, FORGET_MS))
		count->failures = 0;
	else if (count != NULL)
	{
		turn.delay = delays_ms[Min(count->failures, lengthof(delays_ms) - 1)];
		turn.at = TimestampTzPlusMilliseconds(Max(now, count->free_at),
											  turn.delay);
		if (TimestampDifferenceExceeds(now, turn.at, MAX_WAIT_MS))
		{
			unlock_counts();
			PG_RETURN_BOOL(false);
		}
		count->free_at = turn.at;
		start = Max(start, turn.at);
	}
	/* If it fails, it goes on waiting. */
	may_wait = note_waiting(now, TimestampTzPlusMilliseconds(start, FAILURE_MS));
	unlock_counts();
	if (!may_wait)
	{
		give_up(0, PointerGetDatum(&turn));
		refuse_to_wait();
	}
	PG_ENSURE_ERROR_CLEANUP(give_up, PointerGetDatum(&turn));
	{
		wait_until(start);
	}
	PG_END_ENSURE_ERROR_CLEANUP(give_up, PointerGetDatum(&turn));
	PG_RETURN_BOOL(true);
}

/*
 * casnet_internal.login_succeeded(name text) returns void
 *
 * Forgets the failures of the name from this address, and waits no longer; internal.
 */
Datum
casnet_login_succeeded(PG_FUNCTION_ARGS)
{
	uint64		key = key_of_attempt(PG_GETARG_TEXT_PP(0));

	lock_counts();
	forget_failures(key);
	forget_waiting();
	unlock_counts();
	PG_RETURN_VOID();
}

/*
 * casnet_internal.login_failed(name text, started timestamptz) returns boolean
 *
 * Counts a failure and waits, so that the attempt has taken a whole multiple of
 * a second: the scheme of a hash, or that there is none, does not show in the
 * time.  A cancel request is obeyed after it, but statement_timeout in time.  Returns
 * false.  Internal.
 */
Datum
casnet_login_failed(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	TimestampTz started = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz until;
	long		taken;

	/* As one that began now, if that is no time. */
	if (TIMESTAMP_NOT_FINITE(started) || started > now)
		started = now;
	lock_counts();
	count_failure(key_of_attempt(name), now);
	count_failure(key_of_name(name), now);
	unlock_counts();

	taken = TimestampDifferenceMilliseconds(started, now);
	until = TimestampTzPlusMilliseconds(started,
										(taken / FAILURE_MS + 1) * FAILURE_MS);
	if (get_timeout_active(STATEMENT_TIMEOUT))
		until = Min(until, get_timeout_finish_time(STATEMENT_TIMEOUT));
	HOLD_CANCEL_INTERRUPTS();
	wait_until(until);
	RESUME_CANCEL_INTERRUPTS();
	PG_RETURN_BOOL(false);
}
