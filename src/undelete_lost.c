/*
 * undelete_lost.c
 *		What a deletion took: the row, and what the foreign keys deleted or cleared with it.
 *
 * The entries of the audit are read as its owner.  casnet finds what went with a row by the
 * keys of now and the entries of the transaction of the deletion.  It refuses where a
 * referring table was not audited by then, since what was there is not known.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "audit.h"
#include "casnet.h"
#include "undelete.h"

#define MAX_ARGUMENTS 6

static const struct
{
	Oid			types[MAX_ARGUMENTS];
	const char *query;
}			questions[QUESTIONS] = {
	/* A row if the table is one of casnet's with rows of tenants. */
	[KIND_OF_TABLE] = {{REGCLASSOID},
		"SELECT FROM casnet_internal.managed_tables() AS m"
		" WHERE m.relation = $1 AND m.kind = 'tenant'"
	},
	/* Since when the table is audited, if it is. */
	[AUDITED_SINCE] = {{REGCLASSOID},
		"SELECT a.since FROM casnet_internal.audited_tables() AS a"
		" WHERE a.relation = $1 AND a.enabled AND a.since IS NOT NULL"
	},
	/* The newest entry of a row.  Nobody blanks it before what comes from it is there. */
	[NEWEST_ENTRY] = {{UUIDOID, TEXTOID, JSONBOID},
		"SELECT e.action, e.before, e.transaction_id, e.at, e.id"
		"  FROM casnet_internal.audit_entries AS e"
		" WHERE e.tenant_id = $1 AND e.relation = $2 AND e.row_key = $3"
		"   AND jsonb_hash_extended(e.row_key, 0) = jsonb_hash_extended($3, 0)"
		" ORDER BY e.at DESC, e.id DESC LIMIT 1 FOR SHARE OF e"
	},
	/* A row if an entry of the row changed the columns after the given entry. */
	[LATER_CHANGE] = {{UUIDOID, TEXTOID, JSONBOID, TIMESTAMPTZOID, UUIDOID, TEXTARRAYOID},
		"SELECT FROM casnet_internal.audit_entries AS e"
		" WHERE e.tenant_id = $1 AND e.relation = $2 AND e.row_key = $3"
		"   AND jsonb_hash_extended(e.row_key, 0) = jsonb_hash_extended($3, 0)"
		"   AND (e.at, e.id) > ($4, $5) AND e.after ?| $6 LIMIT 1"
	},
	/*
	 * The keys of other tables that lead to a table and change their rows, and since when
	 * these tables are audited.
	 */
	[REFERRING_KEYS] = {{OIDOID},
		"SELECT r.relation, k.confdeltype = 'c', a.since,"
		"       (SELECT array_agg(t.attname::text ORDER BY n.n)"
		"          FROM unnest(k.conkey) WITH ORDINALITY AS n (number, n)"
		"          JOIN pg_attribute AS t ON t.attrelid = k.conrelid AND t.attnum = n.number),"
		"       (SELECT array_agg(t.attname::text ORDER BY n.n)"
		"          FROM unnest(k.confkey) WITH ORDINALITY AS n (number, n)"
		"          JOIN pg_attribute AS t ON t.attrelid = k.confrelid AND t.attnum = n.number),"
		"       (SELECT array_agg(t.attname::text ORDER BY t.attnum) FROM pg_attribute AS t"
		"         WHERE t.attrelid = k.conrelid"
		"           AND t.attnum = ANY (coalesce(k.confdelsetcols, k.conkey)))"
		"  FROM pg_constraint AS k"
		" CROSS JOIN LATERAL (SELECT coalesce(pg_partition_root(k.conrelid), k.conrelid)) AS r (relation)"
		"  LEFT JOIN casnet_internal.audited_tables() AS a ON a.relation = r.relation AND a.enabled"
		" WHERE k.contype = 'f' AND k.confrelid = $1 AND k.conparentid = 0"
		"   AND k.confdeltype IN ('c', 'n', 'd')"
		" ORDER BY r.relation::regclass::text, k.conname"
	},
	/*
	 * What the transaction did to rows of a table.  The entries can come from another server, whose transactions
	 * had the same numbers; so the time must fit too, in a form that no index serves: the
	 * transaction finds fewer entries than two days do.
	 */
	[ENTRIES_OF_REFERENCES] = {{UUIDOID, INT8OID, TEXTOID, TIMESTAMPTZOID},
		"SELECT e.row_key, e.action, e.before, e.after, e.at, e.id"
		"  FROM casnet_internal.audit_entries AS e"
		" WHERE e.tenant_id = $1 AND e.transaction_id = $2 AND e.relation = $3"
		"   AND e.at - $4 BETWEEN interval '-1 day' AND interval '1 day'"
		"   AND e.action IN ('DELETE', 'UPDATE') AND e.before IS NOT NULL"
		" ORDER BY e.at, e.id"
	}
};

#define MAX_ARGUMENTS 6

/* What is listed already, found by a hash of the key. */
typedef struct Listed
{
	struct ListedKey
	{
		Oid			table;
		uint32		hash;
	}			key;
	List	   *rows;			/* of Lost */
} Listed;

/* A key that leads from another table to the one of a row, see REFERRING_KEYS. */
typedef struct Reference
{
	Oid			table;
	char	   *name;			/* of the table, as in the entries */
	Datum		since;			/* timestamptz: since when that is audited, or 0 */
	List	   *columns;
	List	   *referenced;		/* the columns of the row that they repeat */
	List	   *cleared;		/* those of them that a deletion clears; NIL if it deletes */
	SPITupleTable *entries;		/* of the transaction, once they were read */
	HTAB	   *found;			/* of Found */
} Reference;

/* The keys to a table. */
typedef struct Referred
{
	Oid			table;
	List	   *references;		/* of Reference */
} Referred;

/* Entries of a reference, by a hash of what they refer to. */
typedef struct Found
{
	uint32		hash;
	List	   *entries;		/* their numbers */
} Found;

/* A text array as a list of strings. */
static List *
strings_of(Datum array)
{
	List	   *strings = NIL;
	Datum	   *elements;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
		strings = lappend(strings, TextDatumGetCString(elements[i]));
	return strings;
}

/* The member of an object, or NULL if there is none. */
JsonbValue *
casnet_undelete_member(Jsonb *object, const char *name)
{
	return getKeyJsonValueFromContainer(&object->root, name, strlen(name), NULL);
}

/*
 * An object of the members of another that are listed, under the other list's names.
 * NULL if one of them is missing or null.
 */
static Jsonb *
pick(Jsonb *object, List *names, List *new_names)
{
	CasnetJson	state = {0};
	ListCell   *lc;
	ListCell   *new;

	casnet_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	forboth(lc, names, new, new_names)
	{
		JsonbValue *value = casnet_undelete_member(object, lfirst(lc));
		JsonbValue	name;

		if (value == NULL || value->type == jbvNull)
			return NULL;
		name.type = jbvString;
		name.val.string.val = lfirst(new);
		name.val.string.len = strlen(lfirst(new));
		casnet_json_push(&state, WJB_KEY, &name);
		casnet_json_push(&state, WJB_VALUE, value);
	}
	casnet_json_push(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(state.result);
}

/* The first object with the members of the second in place of its own. */
Jsonb *
casnet_undelete_merge(Jsonb *object, Jsonb *other)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  JsonbPGetDatum(object),
											  JsonbPGetDatum(other)));
}

/*
 * Ask as the owner of the audit; an error ends that.  A datum of 0 is NULL.  The result is
 * SPI's, and valid until SPI_finish().
 */
SPITupleTable *
casnet_undelete_ask(Undelete *call, Question question, Datum *values)
{
	Oid			audit = get_relname_relid("audit_entries", casnet_schema_internal());
	int			nargs = 0;
	char		nulls[MAX_ARGUMENTS];
	CasnetOwnerSwitch former;
	int			code;

	if (!OidIsValid(audit))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no audit"),
				 errhint("A superuser can make what is missing with SELECT casnet.install().")));
	while (nargs < MAX_ARGUMENTS && OidIsValid(questions[question].types[nargs]))
	{
		nulls[nargs] = values[nargs] == (Datum) 0 ? 'n' : ' ';
		nargs++;
	}
	casnet_owner_enter(&former, casnet_owner_of(audit));
	if (call->plans[question] == NULL)
		call->plans[question] =
			SPI_prepare_cursor(questions[question].query, nargs,
							   (Oid *) questions[question].types,
							   CURSOR_OPT_GENERIC_PLAN);
	code = SPI_execute_plan(call->plans[question], values, nulls, false, 0);
	casnet_owner_leave(&former);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not read the audit: %s", SPI_result_code_string(code));
	return SPI_tuptable;
}

/* A value of a result, or 0 for NULL. */
Datum
casnet_undelete_value(SPITupleTable *result, uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(result->vals[row], result->tupdesc, column, &isnull);

	return isnull ? (Datum) 0 : value;
}

/* The newest entry of a row; no rows if there is none. */
SPITupleTable *
casnet_undelete_newest(Undelete *call, const char *table, Jsonb *key)
{
	Datum		values[] = {UUIDPGetDatum(&call->tenant), CStringGetTextDatum(table),
	JsonbPGetDatum(key)};

	return casnet_undelete_ask(call, NEWEST_ENTRY, values);
}

/* Whether a row of casnet_undelete_newest() is a deletion. */
bool
casnet_undelete_is_deletion(SPITupleTable *newest)
{
	return newest->numvals > 0 &&
		strcmp(TextDatumGetCString(casnet_undelete_value(newest, 0, 1)), "DELETE") == 0;
}

/* Whether two objects are the same, byte for byte. */
static bool
is_same_object(Jsonb *one, Jsonb *other)
{
	return VARSIZE(one) == VARSIZE(other) && memcmp(one, other, VARSIZE(one)) == 0;
}

/* What is listed under the hash of the row's key; made if it is not there. */
static Listed *
find_listed(Undelete *call, Oid table, Jsonb *key)
{
	struct ListedKey place = {table, hash_bytes((unsigned char *) key, VARSIZE(key))};
	bool		found;
	Listed	   *listed;

	if (call->listed == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(struct ListedKey),
			.entrysize = sizeof(Listed), .hcxt = CurrentMemoryContext};

		call->listed = hash_create("casnet rows to undelete", 64, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	listed = hash_search(call->listed, &place, HASH_ENTER, &found);
	if (!found)
		listed->rows = NIL;
	return listed;
}

/*
 * Whether the row is listed already: as one to insert, or with references to give back that
 * have these values.
 */
static bool
is_listed(Undelete *call, Oid table, Jsonb *key, Jsonb *values)
{
	ListCell   *lc;

	foreach(lc, find_listed(call, table, key)->rows)
	{
		Lost	   *row = lfirst(lc);

		if (is_same_object(row->key, key) && (row->cleared != NULL) == (values != NULL) &&
			(values == NULL || is_same_object(row->values, values)))
			return true;
	}
	return false;
}

/* List a row to insert, or references to give back if cleared is not NULL. */
static void
list_lost(Undelete *call, Oid table, Jsonb *key, Jsonb *values, Jsonb *cleared)
{
	Lost	   *lost = palloc(sizeof(Lost));
	Listed	   *listed = find_listed(call, table, key);

	lost->table = table;
	lost->key = key;
	lost->values = values;
	lost->cleared = cleared;
	listed->rows = lappend(listed->rows, lost);
	if (cleared == NULL)
		call->rows = lappend(call->rows, lost);
	else
		call->references = lappend(call->references, lost);
}

/*
 * A row was referring to the row and was updated so that it did not.  If it is there and
 * nobody has changed the columns since, they are given back.  If the transaction deleted it
 * then, it comes back as it was before both.
 */
static void
add_cleared(Undelete *call, Reference *reference, uint64 n)
{
	SPITupleTable *entries = reference->entries;
	Jsonb	   *key = DatumGetJsonbP(casnet_undelete_value(entries, n, 1));
	Jsonb	   *before = pick(DatumGetJsonbP(casnet_undelete_value(entries, n, 3)),
							  reference->cleared, reference->cleared);
	SPITupleTable *newest = casnet_undelete_newest(call, reference->name, key);
	Datum		values[MAX_ARGUMENTS];
	Datum	   *names = palloc(list_length(reference->cleared) * sizeof(Datum));
	ListCell   *lc;

	if (casnet_undelete_is_deletion(newest))
	{
		if (casnet_undelete_value(newest, 0, 2) != (Datum) 0 &&
			DatumGetInt64(casnet_undelete_value(newest, 0, 3)) == DatumGetInt64(call->transaction))
			casnet_undelete_add_row(call, reference->table, key,
									casnet_undelete_merge(DatumGetJsonbP(casnet_undelete_value(newest, 0, 2)), before), true);
		return;
	}
	foreach(lc, reference->cleared)
		names[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	values[0] = UUIDPGetDatum(&call->tenant);
	values[1] = CStringGetTextDatum(reference->name);
	values[2] = JsonbPGetDatum(key);
	values[3] = casnet_undelete_value(entries, n, 5);
	values[4] = casnet_undelete_value(entries, n, 6);
	values[5] = PointerGetDatum(construct_array(names, list_length(reference->cleared),
												TEXTOID, -1, false, TYPALIGN_INT));
	if (casnet_undelete_ask(call, LATER_CHANGE, values)->numvals > 0)
		return;
	/* Two keys can lead to the row by the same columns. */
	if (!is_listed(call, reference->table, key, before))
		list_lost(call, reference->table, key, before,
				  DatumGetJsonbP(casnet_undelete_value(entries, n, 4)));
}

/* The hash of an object, which is the same for equal ones. */
static uint32
hash_of(Jsonb *object)
{
	return DatumGetUInt32(DirectFunctionCall1(jsonb_hash, JsonbPGetDatum(object)));
}

/* Whether an entry is of an UPDATE. */
static bool
is_update(SPITupleTable *entries, uint64 n)
{
	return strcmp(TextDatumGetCString(casnet_undelete_value(entries, n, 2)), "UPDATE") == 0;
}

/*
 * What a row referred to, by an entry of the transaction: by all columns of the key if it
 * was deleted, by those that a deletion clears if it was updated.  An entry of an UPDATE
 * has only what it changed.  NULL if it referred to nothing.
 */
static Jsonb *
referred_to(Reference *reference, uint64 n)
{
	List	   *columns = is_update(reference->entries, n) ? reference->cleared :
		reference->columns;

	return columns == NIL ? NULL :
		pick(DatumGetJsonbP(casnet_undelete_value(reference->entries, n, 3)), columns, columns);
}

/* Read what the transaction did to rows of the table, once for all rows that come back. */
static void
read_entries(Undelete *call, Reference *reference)
{
	Datum		values[] = {UUIDPGetDatum(&call->tenant), call->transaction,
	CStringGetTextDatum(reference->name), call->at};
	HASHCTL		control = {.keysize = sizeof(uint32), .entrysize = sizeof(Found),
	.hcxt = CurrentMemoryContext};

	reference->entries = casnet_undelete_ask(call, ENTRIES_OF_REFERENCES, values);
	reference->found = hash_create("casnet references to undelete", 64, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (uint64 n = 0; n < reference->entries->numvals; n++)
	{
		Jsonb	   *object = referred_to(reference, n);
		uint32		hash;
		Found	   *found;
		bool		is_there;

		CHECK_FOR_INTERRUPTS();
		if (object == NULL)
			continue;
		hash = hash_of(object);
		found = hash_search(reference->found, &hash, HASH_ENTER, &is_there);
		found->entries = lappend_int(is_there ? found->entries : NIL, (int) n);
	}
}

/* The numbers of entries of that action about rows that referred to the values. */
static List *
find_entries(Reference *reference, Jsonb *values, bool updates)
{
	uint32		hash = hash_of(values);
	Found	   *found = hash_search(reference->found, &hash, HASH_FIND, NULL);
	List	   *numbers = NIL;
	ListCell   *lc;

	if (found == NULL)
		return NIL;
	foreach(lc, found->entries)
		if (is_update(reference->entries, lfirst_int(lc)) == updates &&
			compareJsonbContainers(&referred_to(reference, lfirst_int(lc))->root,
								   &values->root) == 0)
			numbers = lappend_int(numbers, lfirst_int(lc));
	return numbers;
}

/* Add what the transaction did to rows that referred to these values by this key. */
static void
add_references(Undelete *call, Reference *reference, Jsonb *values)
{
	Jsonb	   *cleared = reference->cleared == NIL ? NULL :
		pick(values, reference->cleared, reference->cleared);
	List	   *numbers;
	ListCell   *lc;

	if (reference->found == NULL)
		read_entries(call, reference);
	numbers = find_entries(reference, values, false);
	if (cleared != NULL)
		numbers = list_concat(numbers, find_entries(reference, cleared, true));
	list_sort(numbers, list_int_cmp);
	foreach(lc, numbers)
	{
		int			n = lfirst_int(lc);
		SPITupleTable *entries = reference->entries;
		Jsonb	   *key = DatumGetJsonbP(casnet_undelete_value(entries, n, 1));
		SPITupleTable *newest;

		CHECK_FOR_INTERRUPTS();
		if (is_update(entries, n))
		{
			add_cleared(call, reference, n);
			continue;
		}
		/*
		 * It can have come back since, or have been there again in between, or have been
		 * erased.
		 */
		newest = casnet_undelete_newest(call, reference->name, key);
		if (casnet_undelete_is_deletion(newest) && casnet_undelete_value(newest, 0,
																		 2) != (Datum) 0 &&
			memcmp(DatumGetUUIDP(casnet_undelete_value(newest, 0, 5)),
				   DatumGetUUIDP(casnet_undelete_value(entries, n, 6)), UUID_LEN) == 0)
			casnet_undelete_add_row(call, reference->table, key,
									DatumGetJsonbP(casnet_undelete_value(newest, 0, 2)), true);
	}
}

/* Raises 55000: rows of a table that the deletion took along are not known. */
static void
refuse_unaudited(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s was not audited when the row was deleted", name),
			 errdetail("What of it the deletion took along is not known."),
			 errhint("Undelete the row by itself with with_references => false. From casnet.enable_audit('%s') on, rows come back with all that belongs to them.",
					 name)));
}

/* The keys to the table; raises 55000 where an administrator would run code of others. */
static List *
references_to(Undelete *call, Oid table)
{
	Datum		arguments[] = {ObjectIdGetDatum(table)};
	Referred   *referred;
	SPITupleTable *keys;
	ListCell   *lc;

	foreach(lc, call->referred)
		if (((Referred *) lfirst(lc))->table == table)
			return ((Referred *) lfirst(lc))->references;
	referred = palloc0(sizeof(Referred));
	referred->table = table;
	keys = casnet_undelete_ask(call, REFERRING_KEYS, arguments);
	for (uint64 n = 0; n < keys->numvals; n++)
	{
		Reference  *reference = palloc0(sizeof(Reference));
		Relation	relation;

		reference->table = DatumGetObjectId(casnet_undelete_value(keys, n, 1));
		relation = relation_open(reference->table, AccessShareLock);
		reference->name = casnet_audit_name_of(relation);
		relation_close(relation, NoLock);
		casnet_undelete_check_code(call->table, reference->table, reference->name);
		reference->since = casnet_undelete_value(keys, n, 3);
		reference->columns = strings_of(casnet_undelete_value(keys, n, 4));
		reference->referenced = strings_of(casnet_undelete_value(keys, n, 5));
		reference->cleared = DatumGetBool(casnet_undelete_value(keys, n, 2)) ? NIL :
			strings_of(casnet_undelete_value(keys, n, 6));
		referred->references = lappend(referred->references, reference);
	}
	call->referred = lappend(call->referred, referred);
	return referred->references;
}

/* Add a row to those that come back, and what the transaction took with it. */
void
casnet_undelete_add_row(Undelete *call, Oid table, Jsonb *key, Jsonb *values, bool with_references)
{
	ListCell   *lc;

	check_stack_depth();
	if (is_listed(call, table, key, NULL))
		return;
	list_lost(call, table, key, values, NULL);
	if (!with_references)
		return;
	foreach(lc, references_to(call, table))
	{
		Reference  *reference = lfirst(lc);
		Datum		since = reference->since;
		Jsonb	   *referred = pick(values, reference->referenced, reference->columns);

		if (since == (Datum) 0 || referred == NULL ||
			DatumGetTimestampTz(since) > DatumGetTimestampTz(call->at))
			refuse_unaudited(reference->name);
		add_references(call, reference, referred);
	}
}
