/*
 * judged.c
 *		What changes somebody's rights is judged once more when its transaction ends.
 *
 * Whoever may give rights at this moment can leave a transaction open, and commit it
 * when that right is long gone.  So what was judged is remembered, and judged again at
 * COMMIT, by what others have committed meanwhile, and so is the token that proved who it
 * was.  (Of one that is prepared, at PREPARE TRANSACTION: at COMMIT PREPARED nothing of
 * casnet's is asked.)  What gives rights to the session itself is judged whenever something
 * changes, too: nobody sees such a member until the COMMIT.  A subtransaction takes with it
 * what was judged in it.
 *
 * Only others' doing counts.  Where a right comes from the transaction itself, as that of
 * an owner in a tenant that it has made, it comes from what was judged before, or needed
 * no judgement; then the token alone is judged again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "casnet.h"

/* So often all is judged, as long as something changes while it is. */
#define MAX_ROUNDS 3

/* Among so many of the last is looked whether something was judged before. */
#define MANY_JUDGED 256

typedef struct Judged
{
	SubTransactionId in;
	uint64		token;			/* number of the token with which it was done, or 0 */
	CasnetJudgement again;		/* NULL where it is the token alone */
	const void *what;
	Size		size;
	bool		at_once;		/* also whenever rights are looked up */
} Judged;

static List *all_judged = NIL;	/* in TopTransactionContext */
static bool is_judging = false;

/*
 * Raises 28000 if others have ended that token.  What this transaction has ended itself is
 * no matter, nor that it is out of time where the session has proved anew that it is the
 * same user.
 */
static void
require_token(uint64 number)
{
	const pg_uuid_t *now;
	const char *problem;
	bool		is_over;
	pg_uuid_t	user;

	problem = casnet_token_problem_to_others(number, &is_over, &user);
	if (problem == NULL)
		return;
	now = is_over ? casnet_session_user() : NULL;
	if (now != NULL && memcmp(now, &user, UUID_LEN) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("the session token is no longer valid"),
			 errdetail_internal("%s", problem),
			 errhint("Rights were changed with it in this transaction.  Sign in again, and do it again.")));
}

/* Judge all again, or what gives rights to the session; a token once for what it did in turn. */
static void
judge_list(bool all)
{
	ListCell   *lc;
	uint64		good_token = 0;

	foreach(lc, all_judged)
	{
		const Judged *judged = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (!all && !judged->at_once)
			continue;
		if (judged->token != 0 && judged->token != good_token)
			require_token(judged->token);
		good_token = judged->token;
		if (judged->again != NULL)
			judged->again(judged->what);
	}
}

/* The same.  Raises what the judgements do. */
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
 * Judge all, and again if something changes while it is judged.  Somebody who changes rights
 * without a pause holds up nobody: the last round counts, and all of it came after COMMIT
 * was asked for.
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
 * XactCallback: raises what the judgements raise.  What is done on commit to temporary tables
 * is done before: the server would do it once this is judged, and wait there as long as
 * another session holds anything of them.
 */
static void
end_of_transaction(XactEvent event, void *arg)
{
	if (likely(all_judged == NIL))
		return;
	if (event == XACT_EVENT_PRE_COMMIT)
	{
		PreCommit_on_commit_actions();
		/* That is done: the server need not do it again. */
		MyXactFlags &= ~XACT_FLAGS_ACCESSEDTEMPNAMESPACE;
		judge_at_commit();
	}
	else if (event == XACT_EVENT_PRE_PREPARE)
		judge_at_commit();
	else
		all_judged = NIL;
}

/* SubXactCallback */
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
 * Whether that is among the last that were judged.  One that was judged in a subtransaction
 * which has ended counts: with what undoes that, what follows now is undone as well.
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

/*
 * Judge it again when the transaction ends, or at once whenever rights change; of what it
 * is about a copy is kept.
 */
void
casnet_judged_remember(CasnetJudgement again, const void *what, Size size,
					   bool at_once)
{
	uint64		token = casnet_token_number();
	MemoryContext before;
	Judged	   *judged;
	void	   *copy;

	if (casnet_judged_knows(again, what, size))
		return;
	if (token != 0)
		(void) casnet_token_hold();
	before = MemoryContextSwitchTo(TopTransactionContext);
	copy = palloc(size);
	memcpy(copy, what, size);
	judged = palloc(sizeof(Judged));
	judged->in = GetCurrentSubTransactionId();
	judged->token = token;
	judged->again = again;
	judged->what = copy;
	judged->size = size;
	judged->at_once = at_once;
	all_judged = lappend(all_judged, judged);
	MemoryContextSwitchTo(before);
}

/* Judge the token alone again when the transaction ends. */
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
