/*
 * news.c
 *		News of changes to what decides about access.
 *
 * Code that keeps something derived from the deciding tables, or from the settings, also
 * keeps a number of this file.  The kept answer is valid while the number stands still.
 * All these numbers are here, and all callbacks that move them.
 *
 * A relcache message carries the news that rows changed.  The trigger function
 * casnet_internal.announce_change() sends it at the end of the transaction that wrote
 * them.  The message names the table's TOAST table instead of the table.  A message that
 * names the table makes every backend rebuild its relcache entry, with policies and
 * triggers.  The backend then looks up the indexes again, and plans again what reads the
 * table.  That costs five times as much as the lookups of a verdict.
 *
 * A rollback takes back rows from which something can have been derived meanwhile.
 * No message says so in time; hence the transaction callbacks.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "casnet.h"

/* How many files listen to messages about relations. */
#define MAX_LISTENERS 5

/*
 * Move whenever a row or a definition of the tables can have changed.  The first is for
 * the tables about users and tenants, the second for those about tokens.
 */
uint64		casnet_epoch = 1;
uint64		casnet_token_epoch = 1;

/* Move together with casnet_epoch, and say which of its tables can have changed. */
uint64		casnet_table_epochs[CASNET_SIGNING_KEYS];

/*
 * Moves whenever the identity, or what is known about it, can have changed.
 * Call sites that remember an answer compare this number.
 */
uint64		casnet_generation = 1;

/* Moves whenever casnet.user_id or casnet.token is assigned. */
uint64		casnet_user_changes = 0;

/* The relations whose messages are about a deciding table. */
static struct
{
	Oid			shell;			/* how it is distributed changed */
	Oid			table;			/* its definition changed */
	Oid			messenger;		/* its rows changed */
}			watched[CASNET_NUM_TABLES];

static void (*listeners[MAX_LISTENERS]) (Oid relation);
static int	listener_count = 0;

/*
 * Set when a transaction that has written something derives an answer, which can rest on
 * rows that a rollback takes away again.
 */
static bool may_rest_on_own_rows = false;

PG_FUNCTION_INFO_V1(casnet_announce_change);

/*
 * Everything derived from the tables so far is out of date.  Never raises, since
 * relcache and transaction callbacks call it.
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
 * Listen to messages about this relation, which is a deciding table, or this node's copy of
 * one that Citus distributes, the shell.  They say that a definition changed; see
 * casnet_news_watch_rows() for the rows.
 */
void
casnet_news_watch(CasnetTable table, Oid shell, Oid relation)
{
	watched[table].shell = shell;
	watched[table].table = relation;
}

/*
 * The relation whose message says that rows of this one changed.  When another one takes
 * that role, the server sends a message about the table itself first.  So no backend
 * misses a message.
 */
static Oid
messenger_of(Relation relation)
{
	Oid			toast = relation->rd_rel->reltoastrelid;

	return OidIsValid(toast) ? toast : RelationGetRelid(relation);
}

/* Listen to messages about the rows of a deciding table, which is open. */
void
casnet_news_watch_rows(CasnetTable table, Relation relation)
{
	watched[table].messenger = messenger_of(relation);
}

/*
 * Register a function, which must not raise.  It is called with each relation that a
 * message names, or with InvalidOid when all can have changed.
 */
void
casnet_news_listen(void (*listener) (Oid relation))
{
	Assert(listener_count < MAX_LISTENERS);
	listeners[listener_count++] = listener;
}

/*
 * A relcache message arrived; relation is InvalidOid when all of them can have changed.
 * This only moves numbers, since a lookup can be under way.  casnet registers no other
 * relcache callback, because the server has room for ten only.
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
		if (watched[i].table == relation || watched[i].shell == relation)
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

/* An answer was derived from the tables, and a rollback can make it wrong. */
void
casnet_news_note_lookup(void)
{
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		may_rest_on_own_rows = true;
}

/*
 * A transaction ends by rollback, or by PREPARE TRANSACTION, which hides its rows from us
 * until COMMIT PREPARED.  The server's own message about these rows is not enough.  The
 * row version that comes back is older than the verdict, and so would count as the one
 * from which the verdict was made.
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

/* The same at ROLLBACK TO SAVEPOINT, and when an exception handler rolls back. */
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

/* Announce changed rows of the table, which is open, as casnet_announce_change() does. */
void
casnet_news_announce(CasnetTable table, Relation relation)
{
	if (table < CASNET_TAGS)
		CacheInvalidateRelcacheByRelid(messenger_of(relation));
}

/*
 * casnet_internal.announce_change() returns trigger
 *
 * At commit, makes every backend forget what it derived from the table.  This backend
 * forgets at the next command, and again if the transaction rolls back.  It is a row
 * trigger, since logical replication fires no others, and also fires AFTER TRUNCATE.
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
				 errhint("Attach it as casnet.install() does.")));

	CacheInvalidateRelcacheByRelid(messenger_of(trigger->tg_relation));
	return PointerGetDatum(NULL);
}
