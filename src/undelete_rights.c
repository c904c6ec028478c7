/*
 * undelete_rights.c
 *		Who may bring back a row, and whose code runs then.
 *
 * A row comes back with what the caller changes in it, and the policies of the INSERT judge
 * that row.  So the row as it was deleted is judged before, by the policies that the caller
 * is under.  They are evaluated as the caller, in a query on the values of the entry.  The
 * query is text that is written and read under settings of casnet's (format.c), along
 * pg_catalog only, since some expressions are printed without the schemas of their operators.  What is not known of the row, and what cannot be
 * read of it, counts as not seen: a column that the entry lacks, and a value that the type of
 * its column does not take any more.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/resowner.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "audit.h"
#include "casnet.h"

/* The prepared query that judges rows of a table. */
typedef struct Judge
{
	Oid			table;
	List	   *columns;		/* those that policies read, as Known */
	SPIPlanPtr	plan;			/* NULL if nothing can be judged */
} Judge;

/* The commands whose policies a row must pass: it is inserted, and then seen. */
static const char commands[] = {ACL_INSERT_CHR, ACL_SELECT_CHR};

/* What a policy says of a row for the command, or NULL if it is for another command. */
static Node *
expression_of(const RowSecurityPolicy *policy, char command)
{
	if (policy->polcmd != command && policy->polcmd != '*')
		return NULL;
	return (Node *) (command == ACL_INSERT_CHR && policy->with_check_qual != NULL ?
					 policy->with_check_qual : policy->qual);
}

/* Collects the permissions that calls of tenant_with() ask for, as bits. */
static bool
find_permissions(Node *node, List **bits)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr))
	{
		FuncExpr   *call = castNode(FuncExpr, node);
		Node	   *argument = call->args == NIL ? NULL : linitial(call->args);

		if (argument != NULL && IsA(argument, Const) &&
			!castNode(Const, argument)->constisnull &&
			get_func_namespace(call->funcid) == casnet_schema() &&
			strcmp(get_func_name(call->funcid), "tenant_with") == 0)
			*bits = lappend_int(*bits,
								casnet_permission_bit_of(DatumGetTextPP(castNode(Const, argument)->constvalue)));
	}
	return expression_tree_walker(node, find_permissions, bits);
}

/* The permissions that the permissive policies for the command ask for; how many there are. */
static int
ask_of_policies(Relation relation, char command, List **bits)
{
	int			permissive = 0;
	ListCell   *lc;

	if (relation->rd_rsdesc == NULL)
		return 0;
	foreach(lc, relation->rd_rsdesc->policies)
	{
		RowSecurityPolicy *policy = lfirst(lc);
		Node	   *expression = expression_of(policy, command);

		if (!policy->permissive || expression == NULL)
			continue;
		permissive++;
		(void) find_permissions(expression, bits);
	}
	return permissive;
}

/* Raises 42501 unless the caller may insert into the table, or into a column of it. */
static void
require_insert(Relation relation)
{
	Oid			table = RelationGetRelid(relation);

	if (pg_class_aclcheck(table, GetUserId(), ACL_INSERT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(table, GetUserId(), ACL_INSERT,
								  ACLMASK_ANY) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s",
						RelationGetRelationName(relation)),
				 errhint("Bringing back a row takes the privilege to insert it.")));
}

/*
 * Raises 42501 unless the caller holds the privilege INSERT, and the permissions that the
 * table's policies for SELECT and INSERT ask for.  The INSERT asks for them too, but only
 * after it is known whether there is an entry.  With several permissive policies for a
 * command, one of them suffices, and only the INSERT can judge that.  Where no policy asks
 * whether the caller may see rows, reading the audit takes what it always takes.
 */
void
casnet_undelete_ask_first(Relation relation)
{
	bool		asked = false;

	require_insert(relation);
	for (int i = lengthof(commands) - 1; i >= 0; i--)
	{
		List	   *bits = NIL;
		int			permissive = ask_of_policies(relation, commands[i], &bits);
		ListCell   *lc;

		asked |= commands[i] == ACL_SELECT_CHR && bits != NIL;
		if (permissive != 1)
			continue;
		foreach(lc, bits)
		{
			int			bit = lfirst_int(lc);

			(void) casnet_membership_require(1, &bit);
		}
	}
	if (!asked)
	{
		int			bit = casnet_permission_find("view_analytics");

		(void) casnet_membership_require(1, &bit);
	}
}

/* Whether the policy is for the current role. */
static bool
is_for_caller(const RowSecurityPolicy *policy)
{
	Oid		   *roles = (Oid *) ARR_DATA_PTR(policy->roles);

	for (int i = 0; i < ARR_DIMS(policy->roles)[0]; i++)
		if (roles[i] == ACL_ID_PUBLIC || has_privs_of_role(GetUserId(), roles[i]))
			return true;
	return false;
}

/* Whether the operator is not one of the server's. */
static bool
is_others_operator(Oid operator)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	bool		result = true;

	if (!HeapTupleIsValid(tuple))
		return result;
	result = ((Form_pg_operator) GETSTRUCT(tuple))->oprnamespace != PG_CATALOG_NAMESPACE;
	ReleaseSysCache(tuple);
	return result;
}

/* Whether an operator of others is in it. */
static bool
has_others_operator(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, OpExpr) && is_others_operator(castNode(OpExpr, node)->opno))
		return true;
	return expression_tree_walker(node, has_others_operator, context);
}

/*
 * Whether the expression is printed without the schema of an operator that is not the
 * server's, and so would be read as another one.
 */
static bool
loses_operator(Node *node, void *context)
{
	if (node == NULL)
		return false;
	/* Both have the form of OpExpr. */
	if ((IsA(node, DistinctExpr) || IsA(node, NullIfExpr)) &&
		is_others_operator(((OpExpr *) node)->opno))
		return true;
	if (IsA(node, CaseExpr) && castNode(CaseExpr, node)->arg != NULL &&
		has_others_operator(node, NULL))
		return true;
	if (IsA(node, RowCompareExpr))
	{
		ListCell   *lc;

		foreach(lc, castNode(RowCompareExpr, node)->opnos)
			if (is_others_operator(lfirst_oid(lc)))
				return true;
	}
	if (IsA(node, SubLink) &&
		(has_others_operator(castNode(SubLink, node)->testexpr, NULL) ||
		 loses_operator(castNode(SubLink, node)->testexpr, context)))
		return true;
	if (IsA(node, JoinExpr) && castNode(JoinExpr, node)->usingClause != NIL &&
		has_others_operator(castNode(JoinExpr, node)->quals, NULL))
		return true;
	if (IsA(node, Query))
		return query_tree_walker(castNode(Query, node), loses_operator, context, 0);
	return expression_tree_walker(node, loses_operator, context);
}

/*
 * Add to the query that the policies for the command let the row through, as the server
 * combines them; and the columns that they read to those that are needed.  Returns false if
 * one of them cannot be printed.
 */
static bool
append_command(StringInfo query, Relation relation, char command, List *context,
			   List **columns)
{
	StringInfoData permissive;
	StringInfoData restrictive;
	ListCell   *lc;

	initStringInfo(&permissive);
	initStringInfo(&restrictive);
	foreach(lc, relation->rd_rsdesc->policies)
	{
		RowSecurityPolicy *policy = lfirst(lc);
		Node	   *expression = expression_of(policy, command);
		char	   *text;

		if (expression == NULL || !is_for_caller(policy))
			continue;
		if (loses_operator(expression, NULL))
			return false;
		text = deparse_expression(expression, context, true, false);
		*columns = list_concat(*columns, pull_vars_of_level(expression, 0));
		if (policy->permissive)
			appendStringInfo(&permissive, "%s(%s)",
							 permissive.len == 0 ? "" : " OR ", text);
		else
			appendStringInfo(&restrictive, " AND (%s)", text);
	}
	appendStringInfo(query, "(%s)%s", permissive.len == 0 ? "false" : permissive.data,
					 restrictive.data);
	return true;
}

/* A column that policies read. */
typedef struct Known
{
	char	   *name;
	bool		is_json;		/* null in the entry can be NULL or a value */
} Known;

/*
 * Whether the entry does not tell a value of the type from NULL or from another one: it has
 * json within it.
 */
static bool
is_ambiguous(Oid type)
{
	Oid			element = get_base_element_type(type);

	type = getBaseType(OidIsValid(element) ? element : type);
	return get_typtype(type) == TYPTYPE_COMPOSITE ||
		(OidIsValid(element) && (type == JSONOID || type == JSONBOID));
}

/*
 * The columns, all for the whole row, in SPI's memory.  *unknown becomes true if one is of
 * a type of which the entry does not tell all values.
 */
static List *
known_columns(Relation relation, List *columns, bool *unknown)
{
	TupleDesc	descriptor = RelationGetDescr(relation);
	List	   *known = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		AttrNumber	number = lfirst_node(Var, lc)->varattno;

		*unknown |= number < 0;
		for (int i = 0; i < descriptor->natts; i++)
		{
			Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

			Known	   *column;
			Oid			type;

			if (attribute->attisdropped ||
				(number != InvalidAttrNumber && number != attribute->attnum))
				continue;
			type = getBaseType(attribute->atttypid);
			column = palloc(sizeof(Known));
			column->name = pstrdup(NameStr(attribute->attname));
			column->is_json = type == JSONOID || type == JSONBOID;
			*unknown |= is_ambiguous(attribute->atttypid);
			known = lappend(known, column);
		}
	}
	return known;
}

/* Add the source of the query: the row, with those of its columns that policies read. */
static void
append_source(StringInfo query, Relation relation, List *columns)
{
	const char *name = quote_identifier(RelationGetRelationName(relation));
	StringInfoData definitions;
	List	   *known = NIL;
	ListCell   *lc;

	initStringInfo(&definitions);
	foreach(lc, columns)
	{
		AttrNumber	number = lfirst_node(Var, lc)->varattno;
		Form_pg_attribute attribute;

		if (number == InvalidAttrNumber)
		{
			appendStringInfo(query, " FROM pg_catalog.jsonb_populate_record(NULL::%s, $1) AS %s",
							 casnet_owner_name(RelationGetRelid(relation)), name);
			return;
		}
		if (number < 0 || list_member_int(known, number))
			continue;
		known = lappend_int(known, number);
		attribute = TupleDescAttr(RelationGetDescr(relation), number - 1);
		appendStringInfo(&definitions, "%s%s %s", definitions.len == 0 ? "" : ", ",
						 quote_identifier(NameStr(attribute->attname)),
						 format_type_extended(attribute->atttypid, attribute->atttypmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
		if (OidIsValid(attribute->attcollation))
			appendStringInfo(&definitions, " COLLATE %s",
							 generate_collation_name(attribute->attcollation));
	}
	appendStringInfo(query, " FROM pg_catalog.jsonb_to_record($1) AS %s (%s)", name,
					 definitions.len == 0 ? "\"no column\" pg_catalog.text" : definitions.data);
}

/* Who judges rows of the table, kept in the list. */
static Judge *
find_judge(Relation relation, List **judges)
{
	Oid			table = RelationGetRelid(relation);
	Oid			type = JSONBOID;
	Judge	   *judge;
	List	   *context;
	List	   *columns = NIL;
	bool		unknown = false;
	StringInfoData query;
	ListCell   *lc;

	foreach(lc, *judges)
		if (((Judge *) lfirst(lc))->table == table)
			return lfirst(lc);
	judge = palloc0(sizeof(Judge));
	judge->table = table;
	*judges = lappend(*judges, judge);
	context = deparse_context_for(RelationGetRelationName(relation), table);
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int i = 0; i < lengthof(commands); i++)
	{
		appendStringInfoString(&query, i == 0 ? "(" : ") AND (");
		if (!append_command(&query, relation, commands[i], context, &columns))
			return judge;
	}
	appendStringInfoChar(&query, ')');
	append_source(&query, relation, columns);
	judge->columns = known_columns(relation, columns, &unknown);
	if (unknown)
		return judge;
	judge->plan = SPI_prepare(query.data, 1, &type);
	if (judge->plan == NULL)
		elog(ERROR, "could not judge a row: %s", SPI_result_code_string(SPI_result));
	return judge;
}

/* Whether the entry has all the columns, and says what they held. */
static bool
has_columns(Jsonb *row, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		Known	   *column = lfirst(lc);
		JsonbValue	name;
		JsonbValue *value;

		name.type = jbvString;
		name.val.string.val = column->name;
		name.val.string.len = strlen(column->name);
		value = findJsonbValueFromContainer(&row->root, JB_FOBJECT, &name);
		if (value == NULL || (column->is_json && value->type == jbvNull))
			return false;
	}
	return true;
}

/* Whether an error of that SQLSTATE comes from a value, or from a name that is gone. */
static bool
is_of_data(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		(category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
		 sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE);
}

/* Ask the policies. */
static bool
execute_judge(SPIPlanPtr plan, Datum row)
{
	bool		isnull = true;
	bool		sees;
	int			code = SPI_execute_plan(plan, &row, NULL, false, 0);

	if (code != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not judge a row: %s", SPI_result_code_string(code));
	sees = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
									  &isnull));
	SPI_freetuptable(SPI_tuptable);
	return sees && !isnull;
}

/*
 * The same in a subtransaction.  What cannot be read or evaluated is not seen, since the
 * error would show that it was there: SQLSTATE classes 22, 23 and 42, but for rights that are
 * missing.
 */
static bool
execute_carefully(SPIPlanPtr plan, Datum row)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool sees = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		sees = execute_judge(plan, row);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (!is_of_data(error->sqlerrcode))
		{
			MemoryContextSwitchTo(context);
			CurrentResourceOwner = owner;
			ReThrowError(error);
		}
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return sees;
}

/*
 * Whether the caller could insert and see the row, by the policies of the table, as far as
 * the entry tells.  The judges are kept in the list, in SPI's memory.  Raises what the
 * policies raise, except for bad data.
 */
bool
casnet_undelete_sees(Relation relation, Jsonb *row, List **judges)
{
	Judge	   *judge;
	bool		sees = false;
	int			level;

	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, true) != RLS_ENABLED)
		return true;
	level = casnet_format_begin(true);
	judge = find_judge(relation, judges);
	if (judge->plan != NULL)
		sees = execute_carefully(judge->plan, JsonbPGetDatum(row)) &&
			has_columns(row, judge->columns);
	AtEOXact_GUC(true, level);
	return sees;
}

/* Raises 55000: code of others would run; what is NULL for the owner of the whole table. */
static void
refuse_code(const char *what, const char *name, Oid owner)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 what == NULL ?
			 errmsg("table %s of role \"%s\" may be changed with the row",
					name, GetUserNameFromId(owner, false)) :
			 errmsg("%s of table %s, which may be changed with the row, is code of another role",
					what, name),
			 what == NULL ?
			 errdetail("Code that its owner has put into it would run in your session.") :
			 errdetail("It would run in your session."),
			 errhint("Undelete the row by itself with with_references => false, and rows of that table by their own keys; or call casnet.undelete() as a role of the application.")));
}

/* The same for one table or partition, whose code runs with the rights of the role. */
static void
check_one(Oid table, const char *name, Oid role)
{
	Relation	relation = relation_open(table, NoLock);
	char	   *found;

	if (!casnet_security_is_trusted(relation->rd_rel->relowner, role))
		refuse_code(psprintf("partition \"%s\"", RelationGetRelationName(relation)), name,
					InvalidOid);
	found = casnet_stranger_in_triggers(relation, role);
	if (found != NULL)
		refuse_code(psprintf("trigger \"%s\"", found), name, InvalidOid);
	found = casnet_stranger_in_table(relation, role, false);
	if (found != NULL)
		refuse_code(found, name, InvalidOid);
	/* What a rule calls is not looked at. */
	if (relation->rd_rules != NULL)
		refuse_code("a rule", name, InvalidOid);
	relation_close(relation, NoLock);
}

/*
 * Raises 55000 if the caller is an administrator who has not named the table, and roles
 * without the caller's rights have put code into it or a partition: that would run as the
 * caller.  The owner of the named table counts as trusted, since the caller runs that code
 * anyway.  An application runs it with each of its own statements.  The lock keeps others
 * from making triggers until the transaction ends.
 */
void
casnet_undelete_check_code(Oid named, Oid table, const char *name)
{
	Oid			owner = casnet_owner_of(table);
	Oid			role = GetUserId();
	ListCell   *lc;

	if (table == named || !casnet_security_is_administrator())
		return;
	if (!casnet_security_is_trusted(owner, role))
	{
		if (owner != casnet_owner_of(named))
			refuse_code(NULL, name, owner);
		role = owner;
	}
	foreach(lc, find_all_inheritors(table, RowExclusiveLock, NULL))
		check_one(lfirst_oid(lc), name, role);
	if (OidIsValid(casnet_partition_key_strange(table)))
		refuse_code("the partition key", name, InvalidOid);
}
