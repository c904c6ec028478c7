/*
 * cascade.h
 *		The foreign keys of applications that refer to rows of a tenant.
 */
#ifndef CASNET_CASCADE_H
#define CASNET_CASCADE_H

#include "nodes/pg_list.h"

#include "casnet.h"

/* A foreign key of an application's table that refers to rows of a tenant. */
typedef struct CasnetCascade
{
	Oid			table;
	Oid			target;			/* casnet's table that it refers to */
	char		action;			/* as in pg_constraint.confdeltype */
	char	   *condition;		/* which rows are of the tenant, $1 */
	char	   *refers;			/* which of these refer to something */
	char	   *assignments;	/* what SET NULL and SET DEFAULT do */
	bool		done;
} CasnetCascade;

/* Any foreign key, with its two tables and those that they are partitions of. */
typedef struct CasnetEdge
{
	Oid			from;
	Oid			to;
	List	   *from_tables;
	List	   *to_tables;
	NameData	name;
	bool		is_deferrable;
	bool		is_deferred;
} CasnetEdge;

/* casnet's tables with rows of tenants, in the order in which they are emptied. */
#define CASNET_CASCADE_TABLES 10
extern const char *const casnet_cascade_tables[CASNET_CASCADE_TABLES];

extern Oid	casnet_cascade_table(int i);
extern List *casnet_cascade_find(Oid tenants, List **edges);
extern CasnetCascade *casnet_cascade_next(List *cascades, List *edges);

#endif							/* CASNET_CASCADE_H */
