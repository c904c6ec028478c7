/*
 * cursor.c
 *		Closes every cursor that code of another role has opened.
 *
 * A cursor runs as whoever fetches from it, and is found by its name.  So code that runs
 * as a table's owner could replace a cursor of the session by one of its own.  casnet
 * notes which cursors are open before such code runs, and afterwards closes all others.
 *
 * A callback of the cursor's memory context shows whether a cursor is still the same.  It
 * runs when the cursor is closed, also at the end of a transaction or subtransaction.  So
 * no later cursor with the same name or address is mistaken for it.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/portal.h"
#include "utils/tuplestore.h"

#include "casnet.h"

typedef struct KnownCursor
{
	Portal		portal;			/* key */
	uint64		since;			/* the note in which it was first open */
} KnownCursor;

static HTAB *known_cursors = NULL;
static uint64 last_note = 0;

/* MemoryContextCallbackFunction: the cursor is closed. */
static void
forget_cursor(void *portal)
{
	(void) hash_search(known_cursors, &portal, HASH_REMOVE, NULL);
}

/*
 * The open cursors, as in the view pg_cursors.  Other portals, such as the one that runs
 * the client's statement, have no name by which a function could close or open one.
 */
static List *
open_cursors(void)
{
	LOCAL_FCINFO(call, 0);
	FmgrInfo	function;
	ReturnSetInfo result = {.type = T_ReturnSetInfo};
	TupleTableSlot *slot;
	List	   *cursors = NIL;

	fmgr_info(F_PG_CURSOR, &function);
	result.econtext = CreateStandaloneExprContext();
	result.allowedModes = SFRM_Materialize;
	InitFunctionCallInfoData(*call, &function, 0, InvalidOid, NULL,
							 (Node *) &result);
	(void) FunctionCallInvoke(call);

	slot = MakeSingleTupleTableSlot(result.setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(result.setResult, true, false, slot))
	{
		bool		is_null;
		Datum		name = slot_getattr(slot, 1, &is_null);
		Portal		portal = GetPortalByName(TextDatumGetCString(name));

		if (PortalIsValid(portal))
			cursors = lappend(cursors, portal);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(result.setResult);
	FreeExprContext(result.econtext, true);
	return cursors;
}

/*
 * Note which cursors are open.  Returns a number for casnet_cursors_close_since(),
 * greater than all before.
 */
uint64
casnet_cursors_note(void)
{
	List	   *cursors = open_cursors();
	ListCell   *lc;

	last_note++;
	if (known_cursors == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(Portal),
			.entrysize = sizeof(KnownCursor)
		};

		known_cursors = hash_create("casnet cursors", 16, &control,
									HASH_ELEM | HASH_BLOBS);
	}
	foreach(lc, cursors)
	{
		Portal		portal = lfirst(lc);
		MemoryContextCallback *callback;
		KnownCursor *entry;
		bool		found;

		if (hash_search(known_cursors, &portal, HASH_FIND, NULL) != NULL)
			continue;
		callback = MemoryContextAlloc(portal->portalContext, sizeof(*callback));
		callback->func = forget_cursor;
		callback->arg = portal;
		entry = hash_search(known_cursors, &portal, HASH_ENTER, &found);
		entry->since = last_note;
		MemoryContextRegisterResetCallback(portal->portalContext, callback);
	}
	list_free(cursors);
	return last_note;
}

/*
 * Close the cursors opened after that note, as the role that owns them.  Raises 24000 for
 * one in use; none is once the code that opened it has ended.
 */
void
casnet_cursors_close_since(uint64 note)
{
	List	   *cursors = open_cursors();
	ListCell   *lc;

	foreach(lc, cursors)
	{
		Portal		portal = lfirst(lc);
		KnownCursor *entry = hash_search(known_cursors, &portal, HASH_FIND,
										 NULL);

		if (entry == NULL || entry->since > note)
			PortalDrop(portal, false);
	}
	list_free(cursors);
}
