/*
 * audit.h
 *		What the files of the audit share.  audit.c finds who made a change, audit_row.c
 *		what changed, audit_value.c converts a value to jsonb, audit_key.c makes the key
 *		of a row from what a user gives, audit_write.c writes the entries, undelete_rights.c
 *		judges who may bring back a row.
 */
#ifndef CASNET_AUDIT_H
#define CASNET_AUDIT_H

#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* What is known of an audited table; lives as long as the statement. */
typedef struct AuditedTable AuditedTable;

/* Entries that wait to be written, and the user and roles they name. */
typedef struct AuditBatch AuditBatch;

/* audit_row.c */

extern AuditedTable *casnet_audit_describe(Relation relation,
										   Trigger *trigger,
										   MemoryContext context);
extern char *casnet_audit_name_of(Relation relation);
extern const char *casnet_audit_name(AuditedTable *table);
extern int	casnet_audit_tenant_column(AuditedTable *table);
extern bool casnet_audit_is_key(AuditedTable *table, int number);
extern const pg_uuid_t *casnet_audit_tenant(AuditedTable *table,
											TupleTableSlot *row);
extern Datum casnet_audit_row(AuditedTable *table, TupleTableSlot *row,
							  bool key_only);
extern bool casnet_audit_changes(AuditedTable *table, TupleTableSlot *old,
								 TupleTableSlot *new, Datum *before,
								 Datum *after);

/* audit_value.c */

extern FmgrInfo *casnet_audit_converter(Oid type, int32 modifier,
										Oid collation);
extern void casnet_audit_unpack(Jsonb *jsonb, JsonbValue *json);
extern void casnet_audit_value(Oid type, FmgrInfo *function, Datum value,
							   JsonbValue *json);

/* audit_key.c */

extern Datum casnet_audit_key(Relation relation, const char *given,
							  const pg_uuid_t *tenant);

/* undelete_rights.c */

extern void casnet_undelete_ask_first(Relation relation);
extern bool casnet_undelete_sees(Relation relation, Jsonb *row, List **judges);
extern void casnet_undelete_check_code(Oid named, Oid table, const char *name);

/* audit_write.c */

/* The table of the entries that workers of Citus write, by tenant. */
#define CASNET_AUDIT_ON_NODES "audit_on_nodes"

extern void casnet_audit_forget(Oid relation);
extern AuditBatch *casnet_audit_make_batch(MemoryContext context);
extern void casnet_audit_add(AuditBatch *batch, const char *relation,
							 const pg_uuid_t *tenant, Datum row_key,
							 const char *action, Datum before, Datum after);
extern void casnet_audit_write(AuditBatch *batch);

#endif							/* CASNET_AUDIT_H */
