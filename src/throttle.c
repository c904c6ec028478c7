/*
 * throttle.c
 *		Slows down logins after failures.
 *
 * casnet counts failures in memory and not in a table, so that a rollback forgets none.
 * It uses shared memory when the library is in shared_preload_libraries, else the memory of
 * each backend.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "catalog/pg_collation.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"
#include "utils/inet.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "casnet.h"

/* How many keys of names and addresses have a count at a time. */
#define MAX_COUNTED 2048

/* How long an attempt waits after that many failures; the last also for more. */
static const int delays_ms[] = {0, 0, 0, 200, 400, 800, 1600, 3200, 6400};

/*
 * No attempt waits longer than this, however many are before it.  All from one address queue
 * together, so the owner of an account must get a turn while others try passwords there.
 */
#define MAX_WAIT_MS 15000

/* After this many failures of a name from all addresses, each attempt waits this long. */
#define MANY_FAILURES 50
#define NAME_DELAY_MS 1000

/* Failures are forgotten after this long without another one. */
#define FORGET_MS (15 * 60 * 1000)

/* A failed login takes a multiple of this, whatever the reason. */
#define FAILURE_MS 1000

/* The most attempts that wait at a time; one address can have half of them. */
#define MAX_WAITING 128

typedef struct FailureCount
{
	uint64		key;			/* hash of the name that was given, and the address */
	int			failures;
	TimestampTz last;
	TimestampTz free_at;		/* when the next attempt may start */
} FailureCount;

/* An attempt that waits.  The entry expires by itself, however the attempt ends. */
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
casnet_throttle_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shared_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_shared_memory;
}

/* The counts; makes them if necessary. */
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
 * The address of the client, without the port; 0 for a Unix-domain socket.  Of IPv6 it
 * takes the first half, since the client can choose the other one.
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

/* The key of the given name in this database, whatever its case. */
static uint64
key_of_name(text *name)
{
	char	   *folded = str_tolower(VARDATA_ANY(name),
									 VARSIZE_ANY_EXHDR(name),
									 DEFAULT_COLLATION_OID);

	return hash_combine64(hash_bytes_extended((unsigned char *) folded,
											  strlen(folded), 1), MyDatabaseId);
}

/* The key of the given name together with the client's address. */
static uint64
key_of_attempt(text *name)
{
	return hash_combine64(key_of_name(name), client_address());
}

/* The count of that key, NULL if there is none.  The caller holds the lock. */
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
 * Count a failure.  A new count replaces the one whose last failure is the oldest.  The
 * caller holds the lock.
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

/* Forget the failures of that key.  The caller holds the lock. */
static void
forget_failures(uint64 key)
{
	FailureCount *count = find_count(key);

	if (count != NULL)
		count->failures = 0;
}

/* The place that this process took last, and until when. */
static Waiting *place_taken = NULL;
static TimestampTz taken_until;

/*
 * Note that an attempt waits until then; false if too many wait.  The caller holds the
 * lock.
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

/* Give back the place of this process.  The caller holds the lock. */
static void
forget_waiting(void)
{
	if (place_taken != NULL && place_taken->until == taken_until)
		place_taken->until = 0;
	place_taken = NULL;
}

/* Raises 53300, whatever name was given. */
static void
refuse_to_wait(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_TOO_MANY_CONNECTIONS),
			 errmsg("too many failed logins are waiting"),
			 errhint("Try again in a few seconds.")));
}

/*
 * Raises 57014 at once if statement_timeout leaves less than the whole second that a
 * failed login takes.  A shorter answer would reveal something.
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
				 errhint("Set it to at least two seconds.")));
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
 * shmem_exit callback: the attempt gives up before its turn, and so without a guess.  It
 * gives back its place, and the next attempt need not wait behind it.
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
 * casnet_internal.login_wait(name text) returns void
 *
 * Waits for former failures.  Those of this name from this address make a queue; those of
 * this name from anywhere cost a second at most.  Raises 57014 when statement_timeout leaves
 * no time, 53300 when too many wait.  Internal.
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
		turn.at = Min(turn.at, TimestampTzPlusMilliseconds(now, MAX_WAIT_MS));
		count->free_at = turn.at;
		start = Max(start, turn.at);
	}
	/* An attempt that fails waits on for up to a second. */
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
	PG_RETURN_VOID();
}

/*
 * casnet_internal.login_succeeded(name text) returns void
 *
 * Forgets the failures of the name from this address, and gives back the place of the
 * attempt; internal.
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
 * Counts a failure and waits until the attempt has taken a whole multiple of a second.  So
 * the time does not reveal the scheme of a hash, or that there is none.  Obeys
 * statement_timeout in time.  A cancel request, the end of the connection and whatever else
 * ends the session come only afterwards.  Returns false.  Internal.
 */
Datum
casnet_login_failed(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	TimestampTz started = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz until;
	long		taken;

	/* A start that is infinite or in the future counts as now. */
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
	HOLD_INTERRUPTS();
	wait_until(until);
	RESUME_INTERRUPTS();
	PG_RETURN_BOOL(false);
}
