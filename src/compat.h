/*
 * compat.h
 *		Differences between the supported PostgreSQL releases, 15 to 19.
 *
 * This is the only file that tests PG_VERSION_NUM.
 */
#ifndef CASNET_COMPAT_H
#define CASNET_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "casnet needs PostgreSQL 15 or later"
#endif

/*
 * Memory handed to the settings machinery by a check hook: malloc() in 15, guc_malloc()
 * from 16 on.  Both return NULL when out of memory, which makes the check hook refuse the
 * value.
 */
#if PG_VERSION_NUM >= 160000
#define casnet_guc_malloc(size) guc_malloc(LOG, (size))
#define casnet_guc_free(memory) guc_free(memory)
#else
#define casnet_guc_malloc(size) malloc(size)
#define casnet_guc_free(memory) free(memory)
#endif

/*
 * The query of a text, which raises what is wrong with it.  A function gets what is pushed
 * as a Datum until 18, and as a pointer from 19 on.
 */
#if PG_VERSION_NUM >= 190000
#define CASNET_PUSHED void *
#define casnet_pushed(opaque) (opaque)
#define casnet_parse_tsquery(text, push, pointer) \
	parse_tsquery((text), (push), (pointer), 0, NULL)
#else
#define CASNET_PUSHED Datum
#define casnet_pushed(opaque) DatumGetPointer(opaque)
#if PG_VERSION_NUM >= 160000
#define casnet_parse_tsquery(text, push, pointer) \
	parse_tsquery((text), (push), PointerGetDatum(pointer), 0, NULL)
#else
#define casnet_parse_tsquery(text, push, pointer) \
	parse_tsquery((text), (push), PointerGetDatum(pointer), 0)
#endif
#endif

/* The query of an SQL function in FROM; 19 has another name for it. */
#if PG_VERSION_NUM >= 190000
#define casnet_inline_function(root, rte) inline_function_in_from((root), (rte))
#else
#define casnet_inline_function(root, rte) inline_set_returning_function((root), (rte))
#endif

/* The record of a setting, or NULL.  15 has only an array of all settings. */
#if PG_VERSION_NUM >= 160000
#define casnet_find_setting(name) find_option((name), false, true, LOG)
#else
#include "utils/guc.h"
#include "utils/guc_tables.h"
#define casnet_find_setting(name) casnet_setting_among( \
	(name), get_guc_variables(), GetNumConfigOptions())
static inline struct config_generic *
casnet_setting_among(const char *name, struct config_generic **settings,
					 int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(settings[i]->name, name) == 0)
			return settings[i];
	return NULL;
}
#endif

/* A setting of integers or truth values: a kind of the record until 18, and a part of it from 19 on. */
#if PG_VERSION_NUM >= 190000
#define casnet_int_setting(setting) (&(setting)->_int)
#define casnet_bool_setting(setting) (&(setting)->_bool)
#else
#define casnet_int_setting(setting) ((struct config_int *) (setting))
#define casnet_bool_setting(setting) ((struct config_bool *) (setting))
#endif

/* The role whose privileges a table is read with; from 16 on it is in a list of its own. */
#if PG_VERSION_NUM >= 160000
#define casnet_check_as_user(query, rte) \
	(getRTEPermissionInfo((query)->rteperminfos, (rte))->checkAsUser)
#else
#define casnet_check_as_user(query, rte) ((rte)->checkAsUser)
#endif

/* Since 16 one function checks all kinds of objects. */
#if PG_VERSION_NUM >= 160000
#define casnet_may_execute(function) \
	(object_aclcheck(ProcedureRelationId, (function), GetUserId(), \
					 ACL_EXECUTE) == ACLCHECK_OK)
#else
#define casnet_may_execute(function) \
	(pg_proc_aclcheck((function), GetUserId(), ACL_EXECUTE) == ACLCHECK_OK)
#endif

/* The entries of its range table that a plan writes: a list until 18, a set from 19 on. */
#if PG_VERSION_NUM >= 190000
#define casnet_written_entries(plan) ((plan)->resultRelationRelids)
#define casnet_is_written(plan, entry) \
	bms_is_member((entry), (plan)->resultRelationRelids)
#else
#define casnet_written_entries(plan) ((plan)->resultRelations)
#define casnet_is_written(plan, entry) \
	list_member_int((plan)->resultRelations, (entry))
#endif

/* Marks a function that does not return; name and place changed in 18. */
#if PG_VERSION_NUM >= 180000
#define casnet_noreturn pg_noreturn
#else
#define casnet_noreturn pg_attribute_noreturn()
#endif

/*
 * Whether one role may become another and so has all its rights.  From 16 on, a
 * membership can give the privileges without SET ROLE.
 */
#if PG_VERSION_NUM >= 160000
#define casnet_may_become(member, role) \
	(has_privs_of_role((member), (role)) && member_can_set_role((member), (role)))
#else
#define casnet_may_become(member, role) has_privs_of_role((member), (role))
#endif

#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#endif

/* VARDATA() and the like moved out of postgres.h in 16. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Runs to the end; until 17 the caller also had to say whether it runs only once. */
#if PG_VERSION_NUM >= 180000
#define casnet_executor_run(query) \
	ExecutorRun((query), ForwardScanDirection, 0)
#else
#define casnet_executor_run(query) \
	ExecutorRun((query), ForwardScanDirection, 0, false)
#endif

/* The arguments of ExecutorRun() after the direction. */
#if PG_VERSION_NUM >= 180000
#define CASNET_RUN_ARGUMENTS uint64 count
#define CASNET_RUN_NAMES count
#else
#define CASNET_RUN_ARGUMENTS uint64 count, bool once
#define CASNET_RUN_NAMES count, once
#endif

/*
 * From 16 on, indexes that only summarize can be asked for alone; from 19 on the choices
 * are flags.
 */
#if PG_VERSION_NUM >= 190000
#define casnet_insert_index_tuples(rri, slot, estate) \
	ExecInsertIndexTuples((rri), (estate), 0, (slot), NIL, NULL)
#elif PG_VERSION_NUM >= 160000
#define casnet_insert_index_tuples(rri, slot, estate) \
	ExecInsertIndexTuples((rri), (slot), (estate), false, false, NULL, NIL, \
						  false)
#else
#define casnet_insert_index_tuples(rri, slot, estate) \
	ExecInsertIndexTuples((rri), (slot), (estate), false, false, NULL, NIL)
#endif

/*
 * ExecutorCheckPerms_hook: in 15 the range table holds what to check, from 16 on a list
 * beside it.
 */
#if PG_VERSION_NUM >= 160000
#define CASNET_CHECK_PERMS_ARGUMENTS \
	List *range_table, List *permissions, bool raise
#define CASNET_CHECK_PERMS_NAMES range_table, permissions, raise
#define CASNET_CHECK_PERMS_LIST permissions
#define CasnetPermissionInfo RTEPermissionInfo
#else
#define CASNET_CHECK_PERMS_ARGUMENTS List *range_table, bool raise
#define CASNET_CHECK_PERMS_NAMES range_table, raise
#define CASNET_CHECK_PERMS_LIST range_table
#define CasnetPermissionInfo RangeTblEntry
#endif

/* From 18 on, returns whether no other path may be made. */
#if PG_VERSION_NUM >= 180000
#define casnet_create_tidscan_paths(root, relation) \
	create_tidscan_paths((root), (relation))
#else
#define casnet_create_tidscan_paths(root, relation) \
	(create_tidscan_paths((root), (relation)), false)
#endif

/* The process of a virtual transaction; the field with its number was renamed in 17. */
#if PG_VERSION_NUM >= 170000
#define casnet_process_of(vxid) ProcNumberGetProc((vxid).procNumber)
#else
#define casnet_process_of(vxid) BackendIdGetProc((vxid).backendId)
#endif

/* Whether a plan prunes partitions at run time; since 18 an index says so. */
#if PG_VERSION_NUM >= 180000
#define casnet_prunes(append) ((append)->part_prune_index >= 0)
#else
#define casnet_prunes(append) ((append)->part_prune_info != NULL)
#endif

/*
 * The role a table is read as, beside the range table from 16 on; InvalidOid means the
 * user.
 */
#if PG_VERSION_NUM >= 160000
#define casnet_checked_as(query, entry) \
	((entry)->perminfoindex == 0 ? InvalidOid : \
	 getRTEPermissionInfo((query)->rteperminfos, (entry))->checkAsUser)
#define casnet_plan_checked_as(plan, entry) \
	((entry)->perminfoindex == 0 ? InvalidOid : \
	 getRTEPermissionInfo((plan)->permInfos, (entry))->checkAsUser)
#else
#define casnet_checked_as(query, entry) ((entry)->checkAsUser)
#define casnet_plan_checked_as(plan, entry) ((entry)->checkAsUser)
#endif

/*
 * From 18 on, the planner can replace a self-join on a unique key by one scan, of either
 * entry.  The policy can belong to the other one.  Turns that on or off, and returns the
 * old value.
 */
#if PG_VERSION_NUM >= 180000
#include "optimizer/planmain.h"
#define CASNET_JOINS_ITSELF true
#define casnet_join_itself(enable) \
	casnet_exchange(&enable_self_join_elimination, (enable))
#else
#define CASNET_JOINS_ITSELF false
#define casnet_join_itself(enable) (enable)
#endif

static inline bool
casnet_exchange(bool *setting, bool value)
{
	bool		before = *setting;

	*setting = value;
	return before;
}

/*
 * The planner's hook; from 19 on it gets the EXPLAIN for which it plans, or NULL.
 */
#if PG_VERSION_NUM >= 190000
#define CASNET_PLANNER_ARGUMENTS \
	Query *parse, const char *query_string, int options, ParamListInfo params, \
	ExplainState *explain
#define CASNET_PLANNER_NAMES parse, query_string, options, params, explain
#define casnet_plan_query(parse, query_string, options, params) \
	pg_plan_query((parse), (query_string), (options), (params), NULL)
#else
#define CASNET_PLANNER_ARGUMENTS \
	Query *parse, const char *query_string, int options, ParamListInfo params
#define CASNET_PLANNER_NAMES parse, query_string, options, params
#define casnet_plan_query(parse, query_string, options, params) \
	pg_plan_query((parse), (query_string), (options), (params))
#endif

/*
 * The hook for a relation of a query that is being looked up.  Until 18 it is for tables
 * only, from 19 on for whatever is in FROM.
 */
#if PG_VERSION_NUM >= 190000
#define casnet_relation_hook build_simple_rel_hook
#define CasnetRelationHook build_simple_rel_hook_type
#define CASNET_RELATION_ARGUMENTS \
	PlannerInfo *root, RelOptInfo *relation, RangeTblEntry *entry
#define CASNET_RELATION_NAMES root, relation, entry
#define CASNET_RELATION_IS_TABLE (entry->rtekind == RTE_RELATION)
#else
#define casnet_relation_hook get_relation_info_hook
#define CasnetRelationHook get_relation_info_hook_type
#define CASNET_RELATION_ARGUMENTS \
	PlannerInfo *root, Oid table, bool inherits, RelOptInfo *relation
#define CASNET_RELATION_NAMES root, table, inherits, relation
#define CASNET_RELATION_IS_TABLE (true)
#endif

/* The estimates of Memoize that EXPLAIN shows from 19 on. */
#if PG_VERSION_NUM >= 190000
#define casnet_hide_lookups(memoize) \
	((memoize)->est_calls = (memoize)->est_unique_keys = 1, \
	 (memoize)->est_hit_ratio = 0)
#else
#define casnet_hide_lookups(memoize) ((void) 0)
#endif

/* From 19 on, post_parse_analyze_hook must not change this argument. */
#if PG_VERSION_NUM >= 190000
#define CasnetJumbleState const JumbleState
#else
#define CasnetJumbleState JumbleState
#endif

/*
 * A jsonb that is being built.  From 19 on the server keeps the result beside its state;
 * until 18 the last call returned it.
 */
#include "utils/jsonb.h"
#if PG_VERSION_NUM >= 190000
#define CasnetJson JsonbInState
#define casnet_json_push(json, token, value) \
	pushJsonbValue((json), (token), (value))
#else
typedef struct CasnetJson
{
	JsonbValue *result;
	JsonbParseState *state;
} CasnetJson;
#define casnet_json_push(json, token, value) \
	((void) ((json)->result = pushJsonbValue(&(json)->state, (token), (value))))
#endif

/* From 19 on, deleting a row takes options. */
#if PG_VERSION_NUM >= 190000
#define casnet_tuple_delete(relation, row, wait, failure) \
	table_tuple_delete((relation), (row), GetCurrentCommandId(true), 0, \
					   InvalidSnapshot, InvalidSnapshot, (wait), (failure))
#else
#define casnet_tuple_delete(relation, row, wait, failure) \
	table_tuple_delete((relation), (row), GetCurrentCommandId(true), \
					   InvalidSnapshot, InvalidSnapshot, (wait), (failure), \
					   false)
#endif

/* So does scanning a part of a table. */
#if PG_VERSION_NUM >= 190000
#define casnet_beginscan_tidrange(relation, snapshot, first, last) \
	table_beginscan_tidrange((relation), (snapshot), (first), (last), SO_NONE)
#else
#define casnet_beginscan_tidrange(relation, snapshot, first, last) \
	table_beginscan_tidrange((relation), (snapshot), (first), (last))
#endif

/* Since 18 the primary key can be asked for although it is deferrable. */
#if PG_VERSION_NUM >= 180000
#define casnet_primary_key(relation) RelationGetPrimaryKeyIndex((relation), false)
#else
#define casnet_primary_key(relation) RelationGetPrimaryKeyIndex(relation)
#endif

/* Since 18 a foreign key can exist without being enforced. */
#if PG_VERSION_NUM >= 180000
#define casnet_is_enforced(constraint) ((constraint)->conenforced)
#else
#define casnet_is_enforced(constraint) (true)
#endif

/* From 19 on, a descriptor that is made by hand is finished before its use. */
#if PG_VERSION_NUM < 190000
#define TupleDescFinalize(descriptor) ((void) (descriptor))
#endif

#endif							/* CASNET_COMPAT_H */
