/*
 * tagging.c
 *		Names of tags, and the records that have them.
 *
 * Queries name a tag by tag_id('urgent'), which is STABLE.  The planner evaluates it to
 * estimate how common the tag is.  The executor uses its value of the moment as an index
 * key.
 *
 * records_tagged() is here as a function; tagging_plan.c replaces it in statements.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "casnet.h"
#include "tagging.h"

/* Longest name of a tag, in characters. */
#define MAX_TAG_LENGTH 100

/* Most tags that are compared one by one. */
#define MAX_OR 8

/* Rows fetched at a time where the function runs by itself. */
#define FETCH_ROWS 10000

/* What tag_id() keeps in fn_extra. */
typedef struct TagSite
{
	bool		is_constant;	/* whether the argument is */
	bool		stands_in;		/* whether the call does, for records_tagged() */
	TimestampTz statement;		/* the client's, which got the answer */
	TransactionId xmax;			/* the answer holds for this snapshot */
	uint32		running;
	CommandId	command;
	uint64		generation;		/* and unless it stands in, this session */
	SubTransactionId transaction;	/* and this savepoint */
	CasnetOpener opener;		/* and for this one */
	bool		isnull;
	pg_uuid_t	id;				/* unless it is null */
} TagSite;

/* How many plans are being made. */
int			casnet_tagging_plans = 0;

PG_FUNCTION_INFO_V1(casnet_tag_names);
PG_FUNCTION_INFO_V1(casnet_tag_id);
PG_FUNCTION_INFO_V1(casnet_tag_ids);
PG_FUNCTION_INFO_V1(casnet_records_tagged);

/* list_sort() comparator of C strings. */
static int
compare_names(const ListCell *a, const ListCell *b)
{
	CHECK_FOR_INTERRUPTS();
	return strcmp(lfirst(a), lfirst(b));
}

/*
 * The names in an array, in the form in which tags have them, sorted by their bytes, each
 * one once; NIL for NULL.  Names that are too long for a tag are not normalized.  Raises
 * 22023 for a name that is NULL or blank.
 */
List *
casnet_tag_names_of(ArrayType *array)
{
	List	   *names = NIL;
	List	   *distinct = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			n;
	ListCell   *lc;

	if (array == NULL)
		return NIL;
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		text	   *name = nulls[i] ? NULL :
			casnet_name_form_within(DatumGetTextPP(values[i]), MAX_TAG_LENGTH);

		if (name == NULL || VARSIZE_ANY_EXHDR(name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the name of a tag is %s",
							nulls[i] ? "null" : "blank"),
					 errhint("Give every tag a name.")));
		names = lappend(names, text_to_cstring(name));
		CHECK_FOR_INTERRUPTS();
	}
	list_sort(names, compare_names);
	foreach(lc, names)
	{
		if (distinct == NIL || strcmp(llast(distinct), lfirst(lc)) != 0)
			distinct = lappend(distinct, lfirst(lc));
		CHECK_FOR_INTERRUPTS();
	}
	return distinct;
}

/*
 * casnet_internal.tag_names(names text[]) returns text[]
 *
 * Names that tags may be given: in their form, sorted, each one once.  Raises 22023
 * for a name that is NULL, blank or longer than 100 characters.
 */
Datum
casnet_tag_names(PG_FUNCTION_ARGS)
{
	List	   *names = casnet_tag_names_of(PG_ARGISNULL(0) ? NULL :
								 PG_GETARG_ARRAYTYPE_P(0));
	Datum	   *values = palloc(list_length(names) * sizeof(Datum) + 1);
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
	{
		char	   *name = lfirst(lc);

		if (pg_mbstrlen(name) > MAX_TAG_LENGTH)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the name of a tag is longer than %d characters",
							MAX_TAG_LENGTH),
					 errhint("Choose a shorter name.")));
		values[n++] = CStringGetTextDatum(name);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, TEXTOID, -1, false,
										  TYPALIGN_INT));
}

/*
 * Find a tag of the tenant by its name in a table that Citus distributes.  On the node of
 * the tenant that is a query of the shard, as its owner.  Elsewhere it is one that Citus
 * sends there, under the policies.  The planner is told that there is no such tag, since
 * it cannot run a query on another node.
 */
static bool
find_tag_on_node(Oid table, const pg_uuid_t *tenant, Datum name, pg_uuid_t *id)
{
	Oid			shard = casnet_shard_of_tenant(table, tenant);
	Oid			types[2] = {UUIDOID, TEXTOID};
	Datum		values[2] = {UUIDPGetDatum(tenant), name};
	CasnetOwnerSwitch former;
	bool		found;

	if (!OidIsValid(shard) && casnet_tagging_plans)
		return false;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (OidIsValid(shard))
		casnet_owner_enter(&former, casnet_owner_of(shard));
	if (SPI_execute_with_args(psprintf("SELECT id FROM %s"
									   " WHERE tenant_id OPERATOR(pg_catalog.=) $1"
									   " AND name OPERATOR(pg_catalog.=) $2",
									   OidIsValid(shard) ? casnet_owner_name(shard) :
									   "casnet.tags"),
							  2, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not find a tag");
	found = SPI_processed > 0;
	if (found)
	{
		bool		isnull;

		*id = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, 1, &isnull));
	}
	if (OidIsValid(shard))
		casnet_owner_leave(&former);
	SPI_finish();
	return found;
}

/*
 * Find a tag of the tenant by its name, with that snapshot.  Returns false when there is
 * none.
 */
static bool
find_tag(const pg_uuid_t *tenant, Datum name, Snapshot snapshot,
		 pg_uuid_t *id)
{
	CasnetScan	scan;
	HeapTuple	tuple;

	if (casnet_shard_has_citus())
	{
		Oid			table = get_relname_relid("tags", casnet_schema());

		if (casnet_shard_spread(table) == CASNET_SPREAD_BY_TENANT)
			return find_tag_on_node(table, tenant, name, id);
	}
	casnet_scan_begin(&scan, CASNET_TAG_BY_NAME, snapshot,
					  UUIDPGetDatum(tenant), name);
	tuple = casnet_scan_next(&scan);
	if (tuple != NULL)
	{
		bool		isnull;

		*id = *DatumGetUUIDP(casnet_scan_value(&scan, tuple, TAGS_ID,
											   &isnull));
	}
	casnet_scan_end(&scan);
	return tuple != NULL;
}

/* The snapshot with which the running query reads the tables. */
static Snapshot
query_snapshot(void)
{
	return ActiveSnapshotSet() ? GetActiveSnapshot() :
		GetTransactionSnapshot();
}

/* A new call site, known by fn_extra from now on. */
static TagSite *
make_site(FmgrInfo *flinfo)
{
	TagSite    *site = MemoryContextAllocZero(flinfo->fn_mcxt,
											  sizeof(TagSite));

	if (casnet_policy_argument_is_constant(flinfo))
	{
		site->is_constant = true;
		site->stands_in = ((FuncExpr *) flinfo->fn_expr)->location ==
			TAG_CALL_LOCATION;
	}
	flinfo->fn_extra = site;
	return site;
}

/*
 * How many transactions the snapshot knows as running.  As long as its xmax is
 * the same, they can only become fewer.
 */
static inline uint32
count_running(Snapshot snapshot)
{
	return snapshot->xcnt + snapshot->subxcnt;
}

/*
 * Whether the answer at the call site still holds, for the same name, session and
 * snapshot.  A parameter can have another value at the next call.  Neither the snapshot nor
 * the command shows what the end of a savepoint undoes.
 *
 * A call that stands in for records_tagged() belongs to one execution of one query.  For
 * the sake of cursors it stays with the session that it met first, as policies do.  Any
 * other call can belong to an expression that PL/pgSQL keeps for a transaction.
 */
static inline bool
is_fresh(const TagSite *site, Snapshot snapshot)
{
	return site->is_constant && site->xmax == snapshot->xmax &&
		site->running == count_running(snapshot) &&
		site->command == snapshot->curcid &&
		(site->stands_in ||
		 (site->generation == casnet_generation &&
		  site->statement == GetCurrentStatementStartTimestamp() &&
		  site->transaction == GetCurrentSubTransactionId() &&
		  casnet_statement_opener_is(&site->opener)));
}

/* Note for what the answer at the call site holds. */
static void
note_site(TagSite *site, Snapshot snapshot)
{
	site->xmax = snapshot->xmax;
	site->running = count_running(snapshot);
	site->command = snapshot->curcid;
	site->generation = casnet_generation;
	site->statement = GetCurrentStatementStartTimestamp();
	site->transaction = GetCurrentSubTransactionId();
	casnet_statement_note_opener(&site->opener);
}

/* Whether the call stands in for records_tagged(), or is of a policy or a view. */
static bool
is_of_query(FmgrInfo *flinfo)
{
	FuncExpr   *call = (FuncExpr *) flinfo->fn_expr;

	return casnet_policy_call_is_stored(flinfo) ||
		(call != NULL && IsA(call, FuncExpr) &&
		 call->location == TAG_CALL_LOCATION);
}

/*
 * The active tenant; raises an error unless the session holds view_tags there.  While rows
 * are fetched from a cursor, a call of its query is about whoever opened it.  A call in a
 * function that the query calls is about the session, and so is planning (without flinfo).
 */
static pg_uuid_t
require_tags(FmgrInfo *flinfo)
{
	const CasnetIdentity *opener = casnet_statement_opener();
	int			view_tags = casnet_permission_find("view_tags");

	AcceptInvalidationMessages();
	if (opener != NULL && opener->has_user && opener->has_tenant &&
		flinfo != NULL && is_of_query(flinfo))
	{
		if (!casnet_statement_opening_asks(1, &view_tags))
			casnet_membership_note_asked(&opener->user, &opener->tenant, 0);
		return casnet_membership_require_of(&opener->user, &opener->tenant,
											1, &view_tags)->key.tenant;
	}
	return casnet_membership_require(1, &view_tags)->key.tenant;
}

/*
 * casnet_internal.tag_id(name text) returns uuid
 *
 * The id of a tag of the active tenant, NULL when there is none of that name.
 * Needs view_tags there; raises 28000, 55000 or 42501.
 */
Datum
casnet_tag_id(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = query_snapshot();
	TagSite    *site = fcinfo->flinfo->fn_extra;

	if (site == NULL)
		site = make_site(fcinfo->flinfo);
	if (!is_fresh(site, snapshot))
	{
		pg_uuid_t	tenant;
		text	   *name;

		site->xmax = InvalidTransactionId;	/* matches no snapshot */
		tenant = require_tags(fcinfo->flinfo);
		name = casnet_name_form_within(PG_GETARG_TEXT_PP(0), MAX_TAG_LENGTH);
		site->isnull = !find_tag(&tenant, PointerGetDatum(name), snapshot,
								 &site->id);
		note_site(site, snapshot);
	}
	if (site->isnull)
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(&site->id);
}

/*
 * casnet_internal.tag_ids(names text[]) returns uuid[]
 *
 * The ids of the tags of these names in the active tenant, NULL when one of
 * them does not exist.  Needs view_tags there; raises 28000, 55000 or 42501,
 * and 22023 for a name that is NULL or blank.
 */
Datum
casnet_tag_ids(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = query_snapshot();
	pg_uuid_t	tenant = require_tags(fcinfo->flinfo);
	List	   *names = casnet_tag_names_of(PG_GETARG_ARRAYTYPE_P(0));
	pg_uuid_t  *ids = palloc(list_length(names) * sizeof(pg_uuid_t) + 1);
	Datum	   *values = palloc(list_length(names) * sizeof(Datum) + 1);
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
	{
		if (!find_tag(&tenant, CStringGetTextDatum(lfirst(lc)), snapshot,
					  &ids[n]))
			PG_RETURN_NULL();
		values[n] = UUIDPGetDatum(&ids[n]);
		n++;
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, UUIDOID, UUID_LEN, false,
										  TYPALIGN_CHAR));
}

/*
 * Whether one of the tags is among the most common ones in the statistics of record_tags.
 * Raises what require_tags() does.
 */
static bool
any_is_common(List *names)
{
	Oid			links = get_relname_relid("record_tags",
										  casnet_schema());
	HeapTuple	statistics;
	AttStatsSlot common;
	pg_uuid_t	tenant = require_tags(NULL);
	bool		found = false;
	ListCell   *lc;

	statistics = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(links),
								 Int16GetDatum(get_attnum(links, "tag_id")),
								 BoolGetDatum(false));
	if (!HeapTupleIsValid(statistics))
		return false;
	if (get_attstatsslot(&common, statistics, STATISTIC_KIND_MCV, InvalidOid,
						 ATTSTATSSLOT_VALUES))
	{
		foreach(lc, names)
		{
			pg_uuid_t	id;

			if (!find_tag(&tenant, CStringGetTextDatum(lfirst(lc)),
						  query_snapshot(), &id))
				continue;
			for (int i = 0; i < common.nvalues && !found; i++)
				found = memcmp(DatumGetUUIDP(common.values[i]), &id,
							   UUID_LEN) == 0;
		}
		free_attstatsslot(&common);
	}
	ReleaseSysCache(statistics);
	return found;
}

/*
 * Append links with one of the tags: FROM and WHERE over record_tags.
 *
 * There are two forms for several tags.  = ANY (ARRAY[...]) can look them up in an index.
 * The planner counts the elements of that array, but not those that a function returns.
 * Where the tags are common, it becomes a filter on the links of record after record, and
 * makes the array for each.  OR makes none.
 */
static void
append_links(StringInfo sql, List *names, bool all)
{
	bool		by_or;
	const char *glue;
	ListCell   *lc;

	appendStringInfoString(sql, "FROM casnet.record_tags AS l WHERE ");
	if (all)
		names = list_make1(linitial(names));
	by_or = list_length(names) == 1 ||
		(list_length(names) <= MAX_OR && any_is_common(names));

	glue = by_or ? "(l.tag_id OPERATOR(pg_catalog.=) " :
		"l.tag_id OPERATOR(pg_catalog.=) ANY (ARRAY[";
	foreach(lc, names)
	{
		appendStringInfo(sql, "%scasnet_internal.tag_id(%s)", glue,
						 quote_literal_cstr(lfirst(lc)));
		glue = by_or ? " OR l.tag_id OPERATOR(pg_catalog.=) " : ", ";
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoString(sql, by_or ? ")" : "])");
}

/* A query for the ids of the records with one of the tags. */
char *
casnet_tag_sql_of_links(List *names)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT l.record_id ");
	append_links(&sql, names, false);
	return sql.data;
}

/*
 * A query for the ids of the records with each of the tags.  They have as many links with
 * the tags as there are tags.  To plan a join for each tag would take time that grows with
 * the third power of their number.
 */
char *
casnet_tag_sql_of_all(List *names)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT l.record_id ");
	append_links(&sql, names, false);
	appendStringInfo(&sql, " GROUP BY l.record_id"
					 " HAVING pg_catalog.count(*) OPERATOR(pg_catalog.=) %d",
					 list_length(names));
	return sql.data;
}

/* A query for the ids of all records that pass the filter, each one once. */
char *
casnet_tag_sql_of_filter(TagFilter *filter)
{
	StringInfoData sql;
	const char *id = filter->all_of != NIL ? "l.record_id" : "r.id";
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s ", id);
	if (filter->all_of != NIL)
		append_links(&sql, filter->all_of, true);
	else
		appendStringInfoString(&sql, "FROM casnet.records AS r WHERE true");

	for_each_from(lc, filter->all_of, 1)
	{
		if (foreach_current_index(lc) == CASNET_TAGS_JOINED)
			break;
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.=) ANY (%s)", id,
						 casnet_tag_sql_of_links(list_make1(lfirst(lc))));
	}
	if (list_length(filter->all_of) > CASNET_TAGS_JOINED)
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.=) ANY (%s)", id,
						 casnet_tag_sql_of_all(list_copy_tail(filter->all_of,
															  CASNET_TAGS_JOINED)));
	if (filter->any_of != NIL)
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.=) ANY (%s)", id,
						 casnet_tag_sql_of_links(filter->any_of));
	if (filter->none_of != NIL)
	{
		/* The inner l hides the outer one, so name its column first. */
		appendStringInfoString(&sql, " AND NOT EXISTS (SELECT FROM ("
							   "SELECT l.record_id AS id ");
		append_links(&sql, filter->none_of, false);
		appendStringInfo(&sql, ") AS n WHERE n.id OPERATOR(pg_catalog.=) %s)",
						 id);
	}
	return sql.data;
}

/*
 * casnet.records_tagged(all_of text[], any_of text[], none_of text[])
 *		returns setof uuid
 *
 * The records of the active tenant that have all tags of the first array, at least one of
 * the second, and none of the third.  An empty second array asks for nothing.  NULL is an
 * empty array; a name that no tag has is a tag that no record has.
 * Raises 22023 for a name that is NULL or blank, otherwise what the policies
 * raise.
 *
 * Called only where the planner could not put the query itself in its place.  Raises 0A000 on
 * a worker of Citus, which asks no other node while it runs a statement of the coordinator.
 */
Datum
casnet_records_tagged(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TagFilter	filter;
	SPIPlanPtr	plan;
	Portal		portal;

	filter.all_of = casnet_tag_names_of(PG_ARGISNULL(0) ? NULL :
							 PG_GETARG_ARRAYTYPE_P(0));
	filter.any_of = casnet_tag_names_of(PG_ARGISNULL(1) ? NULL :
							 PG_GETARG_ARRAYTYPE_P(1));
	filter.none_of = casnet_tag_names_of(PG_ARGISNULL(2) ? NULL :
							  PG_GETARG_ARRAYTYPE_P(2));

	casnet_shard_refuse_on_worker("records_tagged");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(casnet_tag_sql_of_filter(&filter), 0, NULL);
	if (plan == NULL)
		elog(ERROR, "could not prepare the query of records_tagged()");
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		isnull;
			Datum		id = SPI_getbinval(SPI_tuptable->vals[i],
										   SPI_tuptable->tupdesc, 1, &isnull);

			tuplestore_putvalues(result->setResult, result->setDesc, &id,
								 &isnull);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	return (Datum) 0;
}
