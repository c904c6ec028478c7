/*
 * judged.c
 *		What changes somebody's rights is judged once more when its transaction ends.
 *
 * Whoever may give rights at this moment can leave a transaction open, and commit it
 * when that right is long gone.  So what was judged is remembered, and judged again at
 * COMMIT, by what others have committed meanwhile.  It cannot be prepared, since nothing
 * of casnet's is asked at COMMIT PREPARED.  What gives rights to the session itself is
 * judged whenever something changes, too: nobody sees such a member until the COMMIT.  A
 * subtransaction takes with it what was judged in it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "casnet.h"

typedef struct Judged
{
	SubTransactionId in;
	CasnetJudgement again;
	const void *what;
	bool		at_once;		/* also whenever rights are looked up */
} Judged;

static List *all_judged = NIL;	/* in TopTransactionContext */
static bool is_judging = false;

/* Judge all again, or what gives rights to the session.  Raises what the judgements do. */
static void
judge_again(bool all)
{
	ListCell   *lc;

	is_judging = true;
	PG_TRY();
	{
		foreach(lc, all_judged)
		{
			const Judged *judged = lfirst(lc);

			if (all || judged->at_once)
				judged->again(judged->what);
		}
	}
	PG_FINALLY();
	{
		is_judging = false;
	}
	PG_END_TRY();
}

/* XactCallback: raises what the judgements raise, 0A000 for PREPARE TRANSACTION. */
static void
end_of_transaction(XactEvent event, void *arg)
{
	if (likely(all_judged == NIL))
		return;
	if (event == XACT_EVENT_PRE_PREPARE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has changed somebody's rights"),
				 errdetail("Whether they were yours to change is judged once more at COMMIT."),
				 errhint("Change memberships, permissions and accounts, and accept invitations, in transactions that are not prepared.")));
	if (event == XACT_EVENT_PRE_COMMIT)
		judge_again(true);
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
 * Judge it again when the transaction ends, or at once whenever rights change.  What it is
 * about must last as long, so be in TopTransactionContext.
 */
void
casnet_judged_remember(CasnetJudgement again, const void *what, bool at_once)
{
	MemoryContext before = MemoryContextSwitchTo(TopTransactionContext);
	Judged	   *judged = palloc(sizeof(Judged));

	judged->in = GetCurrentSubTransactionId();
	judged->again = again;
	judged->what = what;
	judged->at_once = at_once;
	all_judged = lappend(all_judged, judged);
	MemoryContextSwitchTo(before);
}

/* Something has changed.  Raises what the judgements raise about the session itself. */
void
casnet_judged_now(void)
{
	if (unlikely(all_judged != NIL) && !is_judging)
		judge_again(false);
}

/*
 * The last that was remembered with that judgement, if it was in this subtransaction, so
 * that what is judged many times is remembered once; else NULL.
 */
const void *
casnet_judged_last(CasnetJudgement again)
{
	Judged	   *judged = all_judged == NIL ? NULL : llast(all_judged);

	return judged != NULL && judged->again == again &&
		judged->in == GetCurrentSubTransactionId() ? judged->what : NULL;
}

void
casnet_judged_init(void)
{
	RegisterXactCallback(end_of_transaction, NULL);
	RegisterSubXactCallback(end_of_subtransaction, NULL);
}
