/*
 * adopt.c
 *		Accounts and memberships from a table of another system.
 *
 * Administrators read the table with their own rights, and its columns by name.  A table has
 * its owner's code in it: the query of a view, policies, types; and who owns the source can
 * give it other code and other rows while it is read.  So casnet takes it only of an owner
 * who has the caller's rights, as all that a view or policy leads to must be, and turns
 * values into text by the output functions of their types, which are no casts.
 *
 * Hashes come from the table into this file, and go on as marks (secret.c).  So they are in
 * no plan and in no parameter.  Each row is written in a subtransaction.  A row that clashes
 * is reported, and changes nothing.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "casnet.h"

/* Rows that are read at a time. */
#define AT_A_TIME 1000

/* What is reported of a row that clashes. */
#define REPORT_COLUMNS 4

/* The columns that are read. */
enum
{
	SOURCE_ID, SOURCE_USERNAME, SOURCE_EMAIL, SOURCE_FULL_NAME,
	SOURCE_HASHED_PASSWORD, SOURCE_IS_ACTIVE, SOURCE_TENANT, SOURCE_ROLE,
	SOURCE_COLUMNS
};

static const char *const column_names[SOURCE_COLUMNS] = {
	"id", "username", "email", "full_name", "hashed_password", "is_active",
	"tenant", "role"
};

/* A row of the source; NULL for a column that is null, empty or not there. */
typedef struct Entry
{
	char	   *values[SOURCE_COLUMNS];
} Entry;

/* The statements that are run for rows. */
typedef enum Statement
{
	FIND_ACCOUNT,
	MAKE_ACCOUNT,
	FIND_TENANT,
	FIND_TENANT_BY_ID,
	FIND_MEMBER,
	MAKE_MEMBER,
	STATEMENTS
} Statement;

/* The most parameters of one. */
#define MOST_TEXTS 6

static const struct
{
	const char *text;
	int			count;			/* of parameters */
	bool		reads;
}			statements[STATEMENTS] = {
	[FIND_ACCOUNT] = {
		"SELECT u.id FROM casnet.users AS u"
		" WHERE pg_catalog.lower(u.username) OPERATOR(pg_catalog.=)"
		" pg_catalog.lower(casnet_internal.account_name_form($1))"
		" AND pg_catalog.lower(u.email) OPERATOR(pg_catalog.=)"
		" pg_catalog.lower(casnet_internal.account_name_form($2))", 2, true},
	[MAKE_ACCOUNT] = {
		"INSERT INTO casnet.users"
		" (id, username, email, full_name, hashed_password, is_active)"
		" VALUES (coalesce($1::pg_catalog.uuid, casnet.uuid_v7()), $2, $3, $4, $5,"
		" coalesce($6::pg_catalog.bool, true)) RETURNING id", 6, false},
	[FIND_TENANT] = {
		"SELECT t.id FROM casnet.tenants AS t"
		" WHERE t.name OPERATOR(pg_catalog.=) casnet_internal.name_form($1)", 1, true},
	[FIND_TENANT_BY_ID] = {
		"SELECT t.id FROM casnet.tenants AS t"
		" WHERE t.id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid", 1, true},
	[FIND_MEMBER] = {
		"SELECT FROM casnet.user_tenants AS m"
		" WHERE m.user_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
		" AND m.tenant_id OPERATOR(pg_catalog.=) $2::pg_catalog.uuid"
		" AND m.role OPERATOR(pg_catalog.=) $3", 3, true},
	[MAKE_MEMBER] = {
		"INSERT INTO casnet.user_tenants (user_id, tenant_id, role)"
		" VALUES ($1::pg_catalog.uuid, $2::pg_catalog.uuid, $3)", 3, false},
};

/* What goes on from row to row. */
typedef struct Adoption
{
	SPIPlanPtr	plans[STATEMENTS];
	MemoryContext rows;			/* of one account */
	bool		is_known;		/* these have an account, with this id: */
	pg_uuid_t	user;
	Entry		first;			/* the first of these rows */
} Adoption;

PG_FUNCTION_INFO_V1(casnet_adopt_users);

/* Raises 55000 unless nobody else decides what is read, and which code runs then. */
static void
require_own_code(Relation source)
{
	Form_pg_class form = source->rd_rel;

	if (casnet_security_is_trusted(form->relowner, GetUserId()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("relation \"%s\" could run code of its owner as yourself",
					RelationGetRelationName(source)),
			 errdetail("It belongs to role \"%s\".",
					   GetUserNameFromId(form->relowner, false)),
			 errhint("Copy the rows into a table of your own.")));
}

/* Raises 22023 if a column that is needed is not there, or an id cannot be one. */
static void
require_columns(Relation source)
{
	TupleDesc	columns = RelationGetDescr(source);
	int			id = SPI_fnumber(columns, column_names[SOURCE_ID]);

	if (SPI_fnumber(columns, column_names[SOURCE_USERNAME]) <= 0 ||
		SPI_fnumber(columns, column_names[SOURCE_EMAIL]) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("relation \"%s\" has no column username, or none email",
						RelationGetRelationName(source)),
				 errhint("It needs both, and can have id, full_name, hashed_password, is_active, tenant and role. Make a view that names its columns so.")));
	if (id > 0 && SPI_gettypeid(columns, id) != UUIDOID &&
		SPI_gettypeid(columns, id) != TEXTOID &&
		SPI_gettypeid(columns, id) != VARCHAROID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"id\" of relation \"%s\" has no ids of accounts",
						RelationGetRelationName(source)),
				 errdetail("They are of type uuid."),
				 errhint("Leave the column out by a view; casnet makes ids.")));
}

/*
 * The query of the source: its columns as text, rows of one account together.  Rows whose
 * name is in the form in which casnet stores it come first, so that nobody takes a name by
 * writing it in another form.
 */
static char *
query_of(Relation source)
{
	TupleDesc	columns = RelationGetDescr(source);
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int i = 0; i < SOURCE_COLUMNS; i++)
	{
		if (i > 0)
			appendStringInfoString(&query, ", ");
		/* format() calls the output function; a cast could be anybody's. */
		if (SPI_fnumber(columns, column_names[i]) > 0)
			appendStringInfo(&query, "NULLIF(pg_catalog.format('%%s', s.%s), '')",
							 column_names[i]);
		else
			appendStringInfoString(&query, "NULL::pg_catalog.text");
	}
	appendStringInfo(&query, " FROM %s.%s AS s ORDER BY"
					 " casnet_internal.name_form(pg_catalog.format('%%s', s.username))"
					 " OPERATOR(pg_catalog.<>) pg_catalog.format('%%s', s.username),"
					 " 2, 3, 7",
					 quote_identifier(get_namespace_name(RelationGetNamespace(source))),
					 quote_identifier(RelationGetRelationName(source)));
	return query.data;
}

/* Read a row of the result, in the current memory context. */
static void
read_entry(HeapTuple tuple, TupleDesc columns, Entry *entry)
{
	for (int i = 0; i < SOURCE_COLUMNS; i++)
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, i + 1, columns, &isnull);

		entry->values[i] = isnull ? NULL : TextDatumGetCString(value);
	}
}

/* Whether two values, either of which can be NULL, are the same. */
static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/*
 * Run a statement with texts as its parameters, and the newest snapshot.  Returns whether
 * there was a row, and sets *id to what that has returned, unless id is NULL.
 */
static bool
run(Adoption *adoption, Statement number, char *const *texts, pg_uuid_t *id)
{
	Oid			types[MOST_TEXTS];
	Datum		values[MOST_TEXTS];
	char		nulls[MOST_TEXTS + 1] = {0};
	const char *text = statements[number].text;
	int			count = statements[number].count;
	bool		found;

	for (int i = 0; i < count; i++)
	{
		types[i] = TEXTOID;
		nulls[i] = texts[i] == NULL ? 'n' : ' ';
		values[i] = texts[i] == NULL ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	if (adoption->plans[number] == NULL)
		adoption->plans[number] = SPI_prepare(text, count, types);
	if (adoption->plans[number] == NULL ||
		SPI_execute_snapshot(adoption->plans[number], values, nulls,
							 GetLatestSnapshot(), InvalidSnapshot,
							 statements[number].reads, true, 0) < 0)
		elog(ERROR, "could not adopt an account");
	found = SPI_processed > 0;
	if (found && id != NULL)
	{
		bool		isnull;

		*id = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/*
 * Find the account that has both the name and the address.  So a second run adds what the
 * first one could not.
 */
static bool
find_account(Adoption *adoption, const Entry *entry)
{
	char	   *texts[] = {entry->values[SOURCE_USERNAME], entry->values[SOURCE_EMAIL]};

	return texts[0] != NULL && texts[1] != NULL &&
		run(adoption, FIND_ACCOUNT, texts, &adoption->user);
}

/* The mark of the row's hash, or NULL without one.  Raises 22023. */
static char *
mark_of(const Entry *entry)
{
	char	   *written = entry->values[SOURCE_HASHED_PASSWORD];
	char	   *hash = written == NULL ? NULL : casnet_scheme_form(written);
	char	   *mark;

	if (written == NULL)
		return NULL;
	if (hash == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("hashed_password is no hash of a scheme that casnet knows; NULL makes an account without a password"),
				 errhint("docs/accounts.md lists the schemes.")));
	mark = casnet_secret_mark(hash);
	explicit_bzero(hash, strlen(hash));
	return mark;
}

/* Make the account of a row. */
static void
make_account(Adoption *adoption, const Entry *entry)
{
	char	   *texts[] = {entry->values[SOURCE_ID], entry->values[SOURCE_USERNAME],
		entry->values[SOURCE_EMAIL], entry->values[SOURCE_FULL_NAME],
	mark_of(entry), entry->values[SOURCE_IS_ACTIVE]};

	(void) run(adoption, MAKE_ACCOUNT, texts, &adoption->user);
}

/* Make the account a member, unless it is one in that role.  Raises P0002, 23505, 23503. */
static void
make_member(Adoption *adoption, const Entry *entry)
{
	char	   *role = entry->values[SOURCE_ROLE];
	char	   *tenant = entry->values[SOURCE_TENANT];
	char	   *texts[3];
	pg_uuid_t	id;

	/* No name of a tenant is a UUID. */
	if (!run(adoption, casnet_uuid_parse(tenant, &id) ? FIND_TENANT_BY_ID :
			 FIND_TENANT, &tenant, &id))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no such tenant"),
				 errhint("Make it first, or correct the row.")));
	texts[0] = casnet_uuid_format(&adoption->user);
	texts[1] = casnet_uuid_format(&id);
	texts[2] = role == NULL ? pstrdup("member") : role;
	if (!run(adoption, FIND_MEMBER, texts, NULL))
		(void) run(adoption, MAKE_MEMBER, texts, NULL);
}

/* Whether the row is one more of the account of the rows before it. */
static bool
is_more(const Adoption *adoption, const Entry *entry)
{
	return adoption->first.values[SOURCE_USERNAME] != NULL &&
		is_same(entry->values[SOURCE_USERNAME],
				adoption->first.values[SOURCE_USERNAME]) &&
		is_same(entry->values[SOURCE_EMAIL],
				adoption->first.values[SOURCE_EMAIL]);
}

/* Why a row cannot be taken, by itself and those before it; NULL if it can. */
static const char *
problem_of(const Adoption *adoption, const Entry *entry)
{
	if (entry->values[SOURCE_TENANT] == NULL && entry->values[SOURCE_ROLE] != NULL)
		return "the row has a role and no tenant";
	if (!is_more(adoption, entry))
		return NULL;
	if (!adoption->is_known)
		return "the account was not made; see its first row";
	for (int i = 0; i < SOURCE_TENANT; i++)
		if (!is_same(entry->values[i], adoption->first.values[i]))
			return psprintf("column %s differs from that of another row of the account",
							column_names[i]);
	return NULL;
}

/* The row is the first one of an account: keep a copy. */
static void
keep_first(Adoption *adoption, const Entry *entry)
{
	MemoryContext before;

	MemoryContextReset(adoption->rows);
	before = MemoryContextSwitchTo(adoption->rows);
	for (int i = 0; i < SOURCE_COLUMNS; i++)
		adoption->first.values[i] = entry->values[i] == NULL ? NULL :
			pstrdup(entry->values[i]);
	MemoryContextSwitchTo(before);
	adoption->is_known = false;
}

/* Report a row that clashes. */
static void
report(ReturnSetInfo *result, const Entry *entry, const char *problem)
{
	const char *texts[REPORT_COLUMNS] = {entry->values[SOURCE_USERNAME],
		entry->values[SOURCE_EMAIL], entry->values[SOURCE_TENANT], problem};
	Datum		values[REPORT_COLUMNS] = {0};
	bool		isnull[REPORT_COLUMNS];

	for (int i = 0; i < REPORT_COLUMNS; i++)
	{
		isnull[i] = texts[i] == NULL;
		if (!isnull[i])
			values[i] = CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
}

/* Whether the error is a clash of a row, so that the other rows can be taken. */
static bool
is_clash(int code)
{
	return ERRCODE_TO_CATEGORY(code) == ERRCODE_DATA_EXCEPTION ||
		ERRCODE_TO_CATEGORY(code) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		code == ERRCODE_NO_DATA_FOUND || code == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* The message of a clash, or for what a constraint refuses the same in plain words. */
static const char *
clash_of(const ErrorData *error)
{
	static const char *const words[][2] = {
		{"users_pkey", "another account has this id"},
		{"users_username_key", "another account has this username"},
		{"users_username_lower_key", "another account has this username"},
		{"users_username_check", "the username is too long"},
		{"users_email_key", "another account has this email address"},
		{"users_email_lower_key", "another account has this email address"},
		{"users_email_check", "the email address is too long"},
		{"user_tenants_pkey", "the account is a member of the tenant in another role"}
	};

	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		return "another session is taking the name or the address, or is changing the account";
	for (int i = 0; error->constraint_name != NULL && i < lengthof(words); i++)
		if (strcmp(words[i][0], error->constraint_name) == 0)
			return words[i][1];
	return error->message;
}

/*
 * Run one of the two parts of a row in a subtransaction: the account, or the membership.
 * Returns NULL, or why it clashes.  Raises any other error.
 */
static const char *
try_part(Adoption *adoption, const Entry *entry,
		 void (*part) (Adoption *adoption, const Entry *entry))
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	const char *volatile problem = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		part(adoption, entry);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!is_clash(error->sqlerrcode))
			ReThrowError(error);
		problem = pstrdup(clash_of(error));
		FreeErrorData(error);
	}
	PG_END_TRY();
	return problem;
}

/* Take a row.  Returns NULL, or why not. */
static const char *
adopt_entry(Adoption *adoption, const Entry *entry)
{
	const char *problem = problem_of(adoption, entry);

	if (!is_more(adoption, entry))
	{
		keep_first(adoption, entry);
		if (problem == NULL && !find_account(adoption, entry))
			problem = try_part(adoption, entry, make_account);
		adoption->is_known = problem == NULL;
	}
	if (problem == NULL && entry->values[SOURCE_TENANT] != NULL)
		problem = try_part(adoption, entry, make_member);
	return problem;
}

/*
 * The query, prepared.  Raises 55000 if it leads to code of roles without the caller's rights.
 * Nothing of it was planned or run by then.
 */
static SPIPlanPtr
prepare(const char *query, const char *name)
{
	SPIPlanPtr	plan = SPI_prepare(query, 0, NULL);
	CachedPlanSource *source;

	if (plan == NULL)
		elog(ERROR, "could not read the source of accounts");
	source = linitial(SPI_plan_get_plan_sources(plan));
	if (casnet_query_code_is_strange(linitial_node(Query, source->query_list),
									 GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" could run code of others as yourself", name),
				 errdetail("A view, a policy, a partition, an index or the like leads to a table or function of a role without your rights."),
				 errhint("Copy the rows into a table of your own.")));
	return plan;
}

/* Take all rows of the relation with that name that a query finds. */
static void
adopt_rows(const char *query, const char *name, ReturnSetInfo *result)
{
	Adoption	adoption = {0};
	MemoryContext before = CurrentMemoryContext;
	MemoryContext each = AllocSetContextCreate(before, "casnet adopted row",
											   ALLOCSET_DEFAULT_SIZES);
	Portal		portal = SPI_cursor_open(NULL, prepare(query, name), NULL, NULL,
										 true);
	int			level;

	adoption.rows = AllocSetContextCreate(before, "casnet adopted account",
										  ALLOCSET_SMALL_SIZES);
	level = casnet_account_limit_waiting();
	for (;;)
	{
		SPITupleTable *rows;
		uint64		count;

		SPI_cursor_fetch(portal, true, AT_A_TIME);
		rows = SPI_tuptable;
		count = SPI_processed;
		if (count == 0)
			break;
		for (uint64 i = 0; i < count; i++)
		{
			Entry		entry;
			const char *problem;

			CHECK_FOR_INTERRUPTS();
			MemoryContextSwitchTo(each);
			read_entry(rows->vals[i], rows->tupdesc, &entry);
			problem = adopt_entry(&adoption, &entry);
			if (problem != NULL)
				report(result, &entry, problem);
			MemoryContextSwitchTo(before);
			MemoryContextReset(each);
		}
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
	AtEOXact_GUC(true, level);
}

/*
 * casnet.adopt_users(source regclass) returns setof (username, email, tenant, problem)
 *
 * Makes accounts and memberships of the rows of a table or view, and returns those that it
 * did not take, with the reason.  An account that has both names stays as it is, and gets
 * the memberships.  Raises 42P01 if there is no such relation, 22023 without the columns,
 * 55000 if reading it could run code of roles without the caller's rights, 42501.
 */
Datum
casnet_adopt_users(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	source;
	char	   *query;
	char	   *name;

	casnet_shard_refuse("adopt_users");
	source = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	if (source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no such table or view"),
				 errhint("Give the name of one that has the columns username and email.")));
	require_own_code(source);
	require_columns(source);
	query = query_of(source);
	name = pstrdup(RelationGetRelationName(source));
	relation_close(source, NoLock);
	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	adopt_rows(query, name, result);
	SPI_finish();
	return (Datum) 0;
}
