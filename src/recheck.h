/*
 * recheck.h
 *		Shared by recheck.c, unite.c, order.c and plan.c: the calls of policies in a plan.
 */
#ifndef CASNET_RECHECK_H
#define CASNET_RECHECK_H

#include "nodes/plannodes.h"

#include "casnet.h"

/* A function that policies call. */
typedef struct CasnetPolicyFunction
{
	const char *name;
	CasnetNote	note;			/* what a call of it asks for */
	Oid			type;			/* of its result */
} CasnetPolicyFunction;

/* tenant_with() is the first. */
#define CASNET_POLICY_FUNCTIONS 4

/* Those, and can(), current_user_id() and current_tenant_id(). */
#define CASNET_NOTED_FUNCTIONS 7

/* What an expression calls. */
typedef struct CasnetCalls
{
	Oid		   *functions;		/* CASNET_NOTED_FUNCTIONS of them */
	bool		policy;			/* what casnet's policies call */
	bool		session;		/* what others may ask about the session */
} CasnetCalls;

extern const CasnetPolicyFunction casnet_policy_functions[CASNET_POLICY_FUNCTIONS];

extern bool casnet_recheck_is_policy_function(const char *name);
extern bool casnet_recheck_find_functions(Oid *functions);
extern int	casnet_recheck_policy_call(Node *node, Oid *functions);
extern int	casnet_recheck_permissions(FuncExpr *call, int *bits);
extern bool casnet_recheck_calls_policy(Node *node, void *functions);
extern bool casnet_recheck_find_calls(Node *node, CasnetCalls *calls);
extern NullTest *casnet_recheck_make_mark(void);
extern void casnet_recheck_order(Plan *plan, Oid *functions);
extern void casnet_recheck_guard_conflict(ModifyTable *plan);
extern void casnet_recheck_merge(ModifyTable *plan, Oid function);

#endif							/* CASNET_RECHECK_H */
