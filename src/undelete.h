/*
 * undelete.h
 *		Shared by undelete.c and undelete_lost.c: one call of undelete(), and what it asks.
 */
#ifndef CASNET_UNDELETE_H
#define CASNET_UNDELETE_H

#include "executor/spi.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* A row to insert, or references to give back. */
typedef struct Lost
{
	Oid			table;
	Jsonb	   *key;
	Jsonb	   *values;			/* the row, or the columns to set */
	Jsonb	   *cleared;		/* the same columns as they were left; NULL for a row */
} Lost;

/* What is asked of the audit and the catalogs. */
typedef enum Question
{
	KIND_OF_TABLE, AUDITED_SINCE, NEWEST_ENTRY, LATER_CHANGE, REFERRING_KEYS, ENTRIES_OF_REFERENCES,
	QUESTIONS
} Question;

/* One call. */
typedef struct Undelete
{
	SPIPlanPtr	plans[QUESTIONS];
	List	   *judges;			/* see casnet_undelete_sees() */
	Oid			table;			/* that the caller has named */
	pg_uuid_t	tenant;
	Datum		transaction;	/* bigint: the transaction of the deletion */
	Datum		at;				/* timestamptz: when that was */
	List	   *rows;			/* of Lost, in the order in which they were found */
	List	   *references;		/* of Lost */
	HTAB	   *listed;			/* of what undelete_lost.c has listed: both of these */
	List	   *referred;		/* keys to the tables of rows, which undelete_lost.c knows */
	const char *statement;		/* the last one of the caller's, and its plan */
	SPIPlanPtr	plan;
} Undelete;

extern JsonbValue *casnet_undelete_member(Jsonb *object, const char *name);
extern Jsonb *casnet_undelete_merge(Jsonb *object, Jsonb *other);
extern SPITupleTable *casnet_undelete_ask(Undelete *call, Question question, Datum *values);
extern Datum casnet_undelete_value(SPITupleTable *result, uint64 row, int column);
extern SPITupleTable *casnet_undelete_newest(Undelete *call, const char *table, Jsonb *key);
extern bool casnet_undelete_is_deletion(SPITupleTable *newest);
extern void casnet_undelete_add_row(Undelete *call, Oid table, Jsonb *key, Jsonb *values,
									bool with_references);

#endif							/* CASNET_UNDELETE_H */
