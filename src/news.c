/*
 * news.c
 *		The news that something changed which decides about access.
 *
 * Whoever keeps something derived from the deciding tables, or from the settings,
 * compares a number of this file with the one that it saw.  All numbers are here, and
 * all callbacks that move them.
 *
 * A relcache message carries the news that rows changed: the trigger function
 * casnet_internal.announce_change() sends it at the end of the transaction that wrote
 * them.  That message names not the table but its TOAST table.  One that names the
 * table has every backend build its relcache entry again, with policies and triggers,
 * find the indexes again and plan again what reads it: five times what the lookups of
 * a verdict cost.
 *
 * A rollback takes back rows from which something may have been derived meanwhile.
 * No message says so in time; hence the callbacks of transactions.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "casnet.h"

/* So many files listen to messages about relations. */
#define MAX_LISTENERS 4

/*
 * Move whenever a row or a definition of the tables may have changed: those
 * about users and tenants, and those about tokens.
 */
uint64		casnet_epoch = 1;
uint64		casnet_token_epoch = 1;

/* Move together with casnet_epoch: which of the tables may have changed. */
uint64		casnet_table_epochs[CASNET_SIGNING_KEYS];

/*
 * Moves whenever the identity, or what is known about it, may have changed.
 * A call site that remembers an answer compares this number.
 */
uint64		casnet_generation = 1;

/* Moves whenever casnet.user_id or casnet.token is assigned. */
uint64		casnet_user_changes = 0;

/* The relations whose messages are about a deciding table. */
static struct
{
	Oid			table;			/* its definition changed */
	Oid			messenger;		/* its rows changed */
}			watched[CASNET_NUM_TABLES];

static void (*listeners[MAX_LISTENERS]) (Oid relation);
static int	listener_count = 0;

/*
 * Set when something was derived by a transaction that has written something:
 * it may rest on rows that a rollback takes away again.
 */
static bool may_rest_on_own_rows = false;

PG_FUNCTION_INFO_V1(casnet_announce_change);

/*
 * Everything derived from the tables so far is out of date.  Never raises:
 * it is called from relcache and transaction callbacks.
 */
void
casnet_news_all(void)
{
	casnet_epoch++;
	casnet_token_epoch++;
	for (int i = 0; i < CASNET_SIGNING_KEYS; i++)
		casnet_table_epochs[i]++;
	casnet_generation++;
}

/*
 * The definition of a deciding table is that of this relation; what is said about
 * its rows, the relation of casnet_news_watch_rows() says.
 */
void
casnet_news_watch(CasnetTable table, Oid relation)
{
	watched[table].table = relation;
}

/*
 * The relation whose message says that rows of this one changed.  Should it
 * become another, there is a message about the table itself before the first
 * one about that, so no backend misses either.
 */
static Oid
messenger_of(Relation relation)
{
	Oid			toast = relation->rd_rel->reltoastrelid;

	return OidIsValid(toast) ? toast : RelationGetRelid(relation);
}

/* A deciding table, which is open: listen to what is said about its rows. */
void
casnet_news_watch_rows(CasnetTable table, Relation relation)
{
	watched[table].messenger = messenger_of(relation);
}

/*
 * Have a function called with each relation about which a message came, or InvalidOid
 * when all may have changed.  It must not raise.
 */
void
casnet_news_listen(void (*listener) (Oid relation))
{
	Assert(listener_count < MAX_LISTENERS);
	listeners[listener_count++] = listener;
}

/*
 * A relcache message arrived; relation is InvalidOid when all of them may
 * have changed.  Only numbers move here, since a lookup may be under way.  It is the one
 * callback of casnet: the server has room for ten.
 */
static void
relcache_callback(Datum arg, Oid relation)
{
	for (int i = 0; i < listener_count; i++)
		listeners[i] (relation);
	if (!OidIsValid(relation))
	{
		casnet_news_all();
		return;
	}
	for (int i = 0; i < CASNET_TAGS; i++)
	{
		if (watched[i].table == relation)
			casnet_news_all();
		else if (watched[i].messenger != relation)
			continue;
		else if (i < CASNET_SIGNING_KEYS)
		{
			casnet_epoch++;
			casnet_table_epochs[i]++;
		}
		else
			casnet_token_epoch++;
		casnet_generation++;
	}
}

/* Something was derived from the tables that a rollback may have to undo. */
void
casnet_news_note_lookup(void)
{
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		may_rest_on_own_rows = true;
}

/*
 * The end of a transaction by rollback, or by PREPARE TRANSACTION, which takes
 * its rows out of our sight until COMMIT PREPARED.  The message about them that
 * the server then gives is not enough: the version of a row that comes back
 * is older than the verdict, and would count as the one that it was made from.
 */
static void
transaction_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		case XACT_EVENT_PREPARE:
			if (may_rest_on_own_rows)
				casnet_news_all();
			may_rest_on_own_rows = false;
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
			may_rest_on_own_rows = false;
			break;
		default:
			break;
	}
}

/* ROLLBACK TO SAVEPOINT, or an exception handler's rollback. */
static void
subtransaction_callback(SubXactEvent event, SubTransactionId mySubid,
						SubTransactionId parentSubid, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && may_rest_on_own_rows)
		casnet_news_all();
}

void
casnet_news_init(void)
{
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	RegisterXactCallback(transaction_callback, NULL);
	RegisterSubXactCallback(subtransaction_callback, NULL);
}

/* Rows of the table, which is open, have changed: see casnet_announce_change(). */
void
casnet_news_announce(CasnetTable table, Relation relation)
{
	if (table < CASNET_TAGS)
		CacheInvalidateRelcacheByRelid(messenger_of(relation));
}

/*
 * casnet_internal.announce_change() returns trigger
 *
 * Makes every backend forget what it derived from the table, at commit; this
 * one at the next command, and again should the transaction roll back.  A row
 * trigger, since logical replication fires no others; AFTER TRUNCATE too.
 * Raises 39P01 when it is not called as a trigger.
 */
Datum
casnet_announce_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.announce_change() was not called as a trigger"),
				 errhint("It is attached to tables by casnet.install().")));

	CacheInvalidateRelcacheByRelid(messenger_of(trigger->tg_relation));
	return PointerGetDatum(NULL);
}
