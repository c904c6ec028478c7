/*
 * judged.c
 *		Every change of somebody's rights is judged once more when its transaction ends.
 *
 * Whoever is allowed to give rights now can leave a transaction open, and commit it long
 * after losing that permission.  So casnet remembers what it judged.  At COMMIT it judges
 * that and the token that proved the user again, by what others have committed meanwhile.
 * It judges a prepared transaction at PREPARE TRANSACTION, since COMMIT PREPARED calls
 * nothing of casnet.  Nobody else sees a new member before the COMMIT; so what gives rights
 * to the session itself is also judged whenever something changes.  A subtransaction that
 * is rolled back takes with it what was judged in it.
 *
 * Only what others did counts.  A right can come from the transaction itself, such as that
 * of the owner of a tenant that it has created.  Such a right rests on what was judged
 * before, or on what needed no judgement; so only the token is judged again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "casnet.h"

/* All is judged at most this often while changes keep coming. */
#define MAX_ROUNDS 3

/* A search for what was judged before looks at this many of the last entries. */
#define MANY_JUDGED 256

typedef struct Judged
{
	SubTransactionId in;
	uint64		token;			/* number of the token that was used, or 0 */
	pg_uuid_t	user;			/* whom it has proved */
	CasnetJudgement again;		/* NULL: judge only the token */
	const void *what;
	Size		size;
	bool		at_once;		/* judge it also whenever rights are looked up */
} Judged;

static List *all_judged = NIL;	/* in TopTransactionContext */
static bool is_judging = false;

/*
 * Raises 28000 if others have ended that token, or let it name somebody else.  A token that
 * this transaction has ended passes, and so does an expired one if the session has since
 * proved the same user again.
 */
static void
require_token(uint64 number, const pg_uuid_t *proved)
{
	const pg_uuid_t *now;
	const char *problem;
	bool		is_over;
	pg_uuid_t	user;

	problem = casnet_token_problem_to_others(number, &is_over, &user);
	if (problem == NULL && memcmp(&user, proved, UUID_LEN) == 0)
		return;
	if (problem == NULL)
		problem = "The token names another account by now.";
	now = is_over ? casnet_session_user() : NULL;
	if (now != NULL && memcmp(now, &user, UUID_LEN) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("the session token is no longer valid"),
			 errdetail_internal("%s", problem),
			 errhint("The transaction changed rights with this token. Sign in again and repeat the transaction.")));
}

/*
 * Judge all again, or only what gives rights to the session; a token once for a run of
 * entries that it stands behind.
 */
static void
judge_list(bool all)
{
	ListCell   *lc;
	const Judged *good = NULL;

	foreach(lc, all_judged)
	{
		const Judged *judged = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (!all && !judged->at_once)
			continue;
		if (judged->token != 0 &&
			(good == NULL || judged->token != good->token ||
			 memcmp(&judged->user, &good->user, UUID_LEN) != 0))
			require_token(judged->token, &judged->user);
		good = judged;
		if (judged->again != NULL)
			judged->again(judged->what);
	}
}

/* The same, and is_judging meanwhile.  Raises what the judgements raise. */
static void
judge_again(bool all)
{
	is_judging = true;
	PG_TRY();
	{
		judge_list(all);
	}
	PG_FINALLY();
	{
		is_judging = false;
	}
	PG_END_TRY();
}

/*
 * Judge all, and again if something changes meanwhile.  The last round counts, since all of
 * it came after COMMIT began; so somebody who changes rights without a pause delays nobody.
 */
static void
judge_at_commit(void)
{
	uint64		epoch;
	int			rounds = 0;

	do
	{
		AcceptInvalidationMessages();
		epoch = casnet_epoch;
		judge_again(true);
		AcceptInvalidationMessages();
	} while (epoch != casnet_epoch && ++rounds < MAX_ROUNDS);
}

/*
 * XactCallback.  Raises what the judgements raise.  It runs the ON COMMIT actions of
 * temporary tables first.  The server would run them after the judgement, and wait there
 * for any session that holds a lock on such a table.
 */
static void
end_of_transaction(XactEvent event, void *arg)
{
	if (likely(all_judged == NIL))
		return;
	if (event == XACT_EVENT_PRE_COMMIT)
	{
		PreCommit_on_commit_actions();
		/* These are done; the server need not run them again. */
		MyXactFlags &= ~XACT_FLAGS_ACCESSEDTEMPNAMESPACE;
		judge_at_commit();
	}
	else if (event == XACT_EVENT_PRE_PREPARE)
		judge_at_commit();
	else
		all_judged = NIL;
}

/* SubXactCallback: forget what was judged in a subtransaction that is rolled back. */
static void
end_of_subtransaction(SubXactEvent event, SubTransactionId own,
					  SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	if (event == SUBXACT_EVENT_ABORT_SUB)
		foreach(lc, all_judged)
			if (((Judged *) lfirst(lc))->in >= own)
				all_judged = foreach_delete_current(all_judged, lc);
}

/*
 * Whether that is among the last that were judged.  An entry of a subtransaction that has
 * ended counts: whatever undoes it also undoes what follows now.
 */
bool
casnet_judged_knows(CasnetJudgement again, const void *what, Size size)
{
	uint64		token = casnet_token_number();
	int			n = list_length(all_judged);

	for (int i = n - 1; i >= 0 && i >= n - MANY_JUDGED; i--)
	{
		const Judged *judged = list_nth(all_judged, i);

		if (judged->again == again && judged->token == token &&
			judged->size == size &&
			memcmp(judged->what, what, size) == 0)
			return true;
	}
	return false;
}

/* Add an entry that rests on that token, or on none for 0; keeps a copy of what it is about. */
static void
remember(uint64 token, CasnetJudgement again, const void *what, Size size,
		 bool at_once)
{
	MemoryContext before;
	Judged	   *judged;
	void	   *copy;

	if (token == casnet_token_number() && casnet_judged_knows(again, what, size))
		return;
	if (token != 0)
		(void) casnet_token_hold();
	before = MemoryContextSwitchTo(TopTransactionContext);
	copy = palloc(size);
	memcpy(copy, what, size);
	judged = palloc0(sizeof(Judged));
	judged->in = GetCurrentSubTransactionId();
	judged->token = token;
	if (token != 0)
		judged->user = *casnet_token_named_user();
	judged->again = again;
	judged->what = copy;
	judged->size = size;
	judged->at_once = at_once;
	all_judged = lappend(all_judged, judged);
	MemoryContextSwitchTo(before);
}

/*
 * Judge it again when the transaction ends, and with at_once also whenever rights change.
 * Keeps a copy of what it is about.
 */
void
casnet_judged_remember(CasnetJudgement again, const void *what, Size size,
					   bool at_once)
{
	remember(casnet_token_number(), again, what, size, at_once);
}

/* The same for what does not rest on the session's token, such as a code. */
void
casnet_judged_remember_alone(CasnetJudgement again, const void *what, Size size)
{
	remember(0, again, what, size, false);
}

/* Judge only the token again when the transaction ends. */
void
casnet_judged_remember_token(void)
{
	if (casnet_token_number() != 0)
		casnet_judged_remember(NULL, "", 0, false);
}

/* Something has changed.  Raises what the judgements raise about the session itself. */
void
casnet_judged_now(void)
{
	if (unlikely(all_judged != NIL) && !is_judging)
		judge_again(false);
}

void
casnet_judged_init(void)
{
	RegisterXactCallback(end_of_transaction, NULL);
	RegisterSubXactCallback(end_of_subtransaction, NULL);
}
