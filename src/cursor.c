/*
 * cursor.c
 *		No cursor stays open that code of another role has opened.
 *
 * A cursor runs as whoever fetches from it, and is found by its name.  Code that runs as
 * a table's owner could so put one of its own in the place of one of the session's.  What
 * was open before such code is known, and what is there afterwards besides is closed.
 *
 * Which cursor is the same as before is told by a callback of its memory: it is called
 * when the cursor goes, also with a transaction or a subtransaction, so that neither a
 * name nor an address that is used again is mistaken for it.
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
	uint64		since;			/* the note in which it was there first */
} KnownCursor;

static HTAB *known_cursors = NULL;
static uint64 last_note = 0;

/* MemoryContextCallbackFunction: the cursor goes. */
static void
forget_cursor(void *portal)
{
	(void) hash_search(known_cursors, &portal, HASH_REMOVE, NULL);
}

/*
 * The open cursors, as the view pg_cursors has them.  Others, such as the one that runs the
 * client's statement, have no name by which a function could close or open one.
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
 * Note which cursors are open.  Returns a number for casnet_cursors_close_since(), greater
 * than those of before.
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
 * Close the cursors that were opened after that note, as the role whose they are.  Raises
 * 24000 for one that is in use, which none is once the code is through that opened it.
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
