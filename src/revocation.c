/*
 * revocation.c
 *		How tokens end: all of a user up to now, or one.
 *
 * casnet only adds rows to both tables.  It updates none; no row has a key to an account,
 * and no unique key makes two transactions wait.  So nobody can hold what an administrator
 * needs, and a revocation outlives the account.
 *
 * A row of token_cutoffs, with a random number, ends all tokens of a user up to now.  The
 * generation of a user is the exclusive or of these numbers.  A token carries the
 * generation in which it was made.  It is valid while that is the generation by the rows
 * that do not spare it.  So a token is never valid if it was made with rows that a rollback
 * takes away, or without rows that were not yet committed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "casnet.h"

/* With this many rows of one user, compact() merges them. */
#define MANY_CUTOFFS 50

/* Seconds by which the clock of an issuer is taken to differ at least. */
#define USUAL_SKEW 60

/* How long the rows of revoked tokens stay after the tokens would have expired. */
#define KEPT_AFTER_EXPIRY (60 * 60 * USECS_PER_SEC)

/* The sum of the rows of one user. */
typedef struct Sum
{
	int64		generation;		/* exclusive or of their numbers */
	int64		issued_before;
} Sum;

/* Seconds since 1970. */
int64
casnet_revocation_clock(void)
{
	return GetCurrentTimestamp() / USECS_PER_SEC +
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

static bool
same_bytes(bytea *a, bytea *b)
{
	return a != NULL && b != NULL &&
		VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* Read a row; returns whether it spares that digest, which may be NULL. */
static bool
read_cutoff(CasnetScan *scan, HeapTuple tuple, bytea *digest, Sum *row)
{
	bool		isnull;
	Datum		spared;

	row->generation = DatumGetInt64(casnet_scan_value(scan, tuple,
													  TOKEN_CUTOFFS_NONCE,
													  &isnull));
	row->issued_before =
		DatumGetInt64(casnet_scan_value(scan, tuple,
										TOKEN_CUTOFFS_ISSUED_BEFORE, &isnull));
	spared = casnet_scan_value(scan, tuple, TOKEN_CUTOFFS_SPARED, &isnull);
	return !isnull && same_bytes(DatumGetByteaPP(spared), digest);
}

static void
add_to_sum(Sum *sum, const Sum *row)
{
	sum->generation ^= row->generation;
	sum->issued_before = Max(sum->issued_before, row->issued_before);
}

/* The sum of the user's rows that do not spare that digest; of all for NULL. */
static Sum
sum_cutoffs(const pg_uuid_t *user, bytea *digest, Snapshot snapshot)
{
	CasnetScan	scan;
	HeapTuple	tuple;
	Sum			sum = {0, PG_INT64_MIN};

	casnet_scan_begin(&scan, CASNET_CUTOFFS_OF_USER, snapshot,
					  UUIDPGetDatum(user), (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		Sum			row;

		if (!read_cutoff(&scan, tuple, digest, &row))
			add_to_sum(&sum, &row);
	}
	casnet_scan_end(&scan);
	return sum;
}

/* The generation of a token that is made for the user now. */
int64
casnet_revocation_generation(const pg_uuid_t *user, Snapshot snapshot)
{
	return sum_cutoffs(user, NULL, snapshot).generation;
}

/* The same by what others have committed. */
int64
casnet_revocation_generation_to_others(const pg_uuid_t *user)
{
	CasnetTable cutoffs = CASNET_TOKEN_CUTOFFS;
	CasnetReading reading;
	SnapshotData others =
		casnet_catalog_snapshot_of_others(casnet_reading_begin(&reading, 1,
															   &cutoffs));
	int64		generation = casnet_revocation_generation(user, &others);

	casnet_reading_end(&reading);
	return generation;
}

/*
 * Whether a row of the user ends this token.  casnet's tokens carry the generation in
 * which they were made.  For those of other issuers the generation is -1, and the time
 * decides.
 */
bool
casnet_revocation_ends(const pg_uuid_t *user, int64 generation,
					   int64 issued_at, bytea *digest, Snapshot snapshot)
{
	Sum			sum = sum_cutoffs(user, digest, snapshot);

	return generation >= 0 ? generation != sum.generation :
		issued_at < sum.issued_before;
}

/* Add a row of token_cutoffs. */
static void
insert_cutoff(const pg_uuid_t *user, const Sum *sum, bytea *spared)
{
	Datum		values[TOKEN_CUTOFFS_COLUMNS];
	bool		isnull[TOKEN_CUTOFFS_COLUMNS] = {0};
	pg_uuid_t	id;

	/*
	 * A worker of Citus sees only tokens that the coordinator makes for a minute, of users
	 * whom it has just judged.  Such a token says nothing of the rows here.
	 */
	if (casnet_shard_is_worker())
		return;
	casnet_uuid_make(&id, false);
	values[TOKEN_CUTOFFS_ID] = UUIDPGetDatum(&id);
	values[TOKEN_CUTOFFS_USER_ID] = UUIDPGetDatum(user);
	values[TOKEN_CUTOFFS_NONCE] = Int64GetDatum(sum->generation);
	values[TOKEN_CUTOFFS_ISSUED_BEFORE] = Int64GetDatum(sum->issued_before);
	values[TOKEN_CUTOFFS_SPARED] = PointerGetDatum(spared);
	isnull[TOKEN_CUTOFFS_SPARED] = spared == NULL;
	casnet_row_insert(CASNET_TOKEN_CUTOFFS, values, isnull);
}

/*
 * Merge many rows into two: one of those that spare this token, one of the others.  What
 * else the others spare can be forgotten, since the row that comes next ends it.  A row
 * that somebody else is about to delete stays as it is.
 */
static void
compact(const pg_uuid_t *user, bytea *spared)
{
	CasnetTable cutoffs = CASNET_TOKEN_CUTOFFS;
	CasnetReading reading;
	ItemPointerData rows[2 * MANY_CUTOFFS];
	Sum			row_sums[2 * MANY_CUTOFFS];
	bool		spares[2 * MANY_CUTOFFS];
	Sum			sums[2] = {{0, PG_INT64_MIN}, {0, PG_INT64_MIN}};
	CasnetScan	scan;
	HeapTuple	tuple;
	int			count = 0;

	casnet_scan_begin(&scan, CASNET_CUTOFFS_OF_USER,
					  casnet_reading_begin(&reading, 1, &cutoffs),
					  UUIDPGetDatum(user), (Datum) 0);
	while (count < lengthof(rows) && (tuple = casnet_scan_next(&scan)) != NULL)
	{
		rows[count] = tuple->t_self;
		spares[count] = read_cutoff(&scan, tuple, spared, &row_sums[count]);
		count++;
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	if (count < MANY_CUTOFFS)
		return;

	for (int i = 0; i < count; i++)
		if (casnet_row_delete(CASNET_TOKEN_CUTOFFS, &rows[i], false))
			add_to_sum(&sums[spares[i]], &row_sums[i]);
	CommandCounterIncrement();
	for (int i = 0; i < 2; i++)
		if (sums[i].issued_before != PG_INT64_MIN)
			insert_cutoff(user, &sums[i], i == 1 ? spared : NULL);
}

/* By how many seconds the clock of an issuer with that leeway can differ from casnet's. */
int
casnet_revocation_skew(int leeway)
{
	return Max(leeway, USUAL_SKEW);
}

/* The most seconds by which a clock can differ, as of now. */
static int
most_skew(void)
{
	CasnetTable issuers = CASNET_ISSUERS;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	int			most = 0;

	casnet_scan_begin(&scan, CASNET_ALL_ISSUERS,
					  casnet_reading_begin(&reading, 1, &issuers), (Datum) 0,
					  (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		leeway = casnet_scan_value(&scan, tuple, ISSUERS_LEEWAY,
											   &isnull);

		if (!isnull)
			most = Max(most, DatumGetInt32(leeway));
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return casnet_revocation_skew(most);
}

/*
 * End all tokens of the user so far, except the one with that digest, if it is not NULL.  Those
 * of other clocks can say that they were issued later.  How much later is decided now, since
 * an issuer's leeway can be less when the token comes back.
 */
void
casnet_revocation_end_all(const pg_uuid_t *user, bytea *spared)
{
	Sum			row = {0, casnet_revocation_clock() + 1 + most_skew()};

	if (!pg_strong_random(&row.generation, sizeof(row.generation)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not make a random number"),
				 errhint("The server's cryptographic library failed; see its configuration.")));
	/* Every reader of JSON takes 53 bits for a whole number (RFC 8259, section 6). */
	row.generation &= (INT64CONST(1) << 53) - 1;
	compact(user, spared);
	insert_cutoff(user, &row, spared);
}

/* Whether a token, or a code, with this digest was revoked. */
bool
casnet_revocation_is_revoked(bytea *digest, Snapshot snapshot)
{
	CasnetScan	scan;
	bool		found;

	casnet_scan_begin(&scan, CASNET_REVOKED_TOKEN, snapshot,
					  PointerGetDatum(digest), (Datum) 0);
	found = casnet_scan_next(&scan) != NULL;
	casnet_scan_end(&scan);
	return found;
}

/* Revoke the token or code with this digest, which would otherwise expire at that time. */
void
casnet_revocation_add(bytea *digest, const pg_uuid_t *user,
					  TimestampTz expires_at)
{
	Datum		values[REVOKED_TOKENS_COLUMNS];
	bool		isnull[REVOKED_TOKENS_COLUMNS] = {0};
	pg_uuid_t	id;

	casnet_row_clear(CASNET_REVOKED_TOKENS, CASNET_REVOCATIONS_OVER,
					 GetCurrentTimestamp() - KEPT_AFTER_EXPIRY);
	casnet_uuid_make(&id, false);
	values[REVOKED_TOKENS_ID] = UUIDPGetDatum(&id);
	values[REVOKED_TOKENS_DIGEST] = PointerGetDatum(digest);
	values[REVOKED_TOKENS_USER_ID] = UUIDPGetDatum(user);
	values[REVOKED_TOKENS_EXPIRES_AT] = TimestampTzGetDatum(expires_at);
	casnet_row_insert(CASNET_REVOKED_TOKENS, values, isnull);
}
