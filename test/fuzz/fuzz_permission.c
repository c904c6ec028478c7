/*
 * fuzz_permission.c
 *		Names of permissions, as policies and callers ask for them and as tables
 *		have them.  Each line of the input is a step.  '+' adds a row to
 *		role_permissions, and '!' meets a name as membership.c does.  '?' calls can(),
 *		'=' calls tenant_with() and 'i' calls can_in(), with the rest of the line.
 *
 * What is asked for must be known, which means built in or met.  Asking must not make a
 * name known, and each name has one bit.  The results are compared with a list of names.
 */
#include "../../src/permission.c"
#include "../../src/policy.c"

#include "server.h"

#define MAX_NAMES 512

/* The part of the server and of casnet that the file calls. */
MemoryContext TopMemoryContext = NULL;
uint64		casnet_generation = 1;

/* No statement writes, and none fetches from a cursor. */
void
casnet_statement_check(void)
{
}

void
casnet_statement_require_opener(const CasnetIdentity *identity)
{
}

const CasnetIdentity *
casnet_statement_opener(void)
{
	return NULL;
}

bool
casnet_statement_opening_asks(int nbits, const int *bits)
{
	return false;
}

void
casnet_membership_note_asked(const pg_uuid_t *user, const pg_uuid_t *tenant,
							 uint64 token)
{
}

void
casnet_statement_note_opener(CasnetOpener *note)
{
	memset(note, 0, sizeof(*note));
}

bool
casnet_statement_opener_is(const CasnetOpener *note)
{
	return !note->is_somebody;
}

struct HTAB
{
	Size		keysize;
	Size		entrysize;
	int			used;
	char	   *entries[MAX_NAMES];
};

uint64		casnet_table_epochs[CASNET_SIGNING_KEYS];

static const char *rows[MAX_NAMES];	/* of role_permissions */
static int	nrows;
static char *met[MAX_NAMES];		/* names that are known, in order */
static int	nmet;
static CasnetVerdict verdict;

/* Whether two names are the same; under a sanitizer strcmp() is slow. */
static bool
is_same(const char *a, const char *b)
{
	return a[0] == b[0] && (a[0] == '\0' || (a[1] == b[1] && strcmp(a, b) == 0));
}

HTAB *
hash_create(const char *tabname, long nelem, const HASHCTL *info, int flags)
{
	HTAB	   *table = palloc(sizeof(HTAB));

	table->keysize = info->keysize;
	table->entrysize = info->entrysize;
	table->used = 0;
	return table;
}

void *
hash_search(HTAB *table, const void *key, HASHACTION action, bool *found)
{
	char	   *entry;

	MUST(strlen(key) < table->keysize);
	for (int i = 0; i < table->used; i++)
		if (is_same(table->entries[i], key))
			return table->entries[i];
	if (action == HASH_FIND)
		return NULL;
	MUST(table->used < MAX_NAMES);
	entry = table->entries[table->used++] = palloc(table->entrysize);
	strcpy(entry, key);
	return entry;
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return palloc(size);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return memset(palloc(size), 0, size);
}

char *
pnstrdup(const char *in, Size length)
{
	char	   *copy = palloc(length + 1);

	memcpy(copy, in, length);
	copy[length] = '\0';
	return copy;
}

void
AcceptInvalidationMessages(void)
{
}

TimestampTz
GetCurrentStatementStartTimestamp(void)
{
	return 1;
}

/* All memory is freed at the end. */
void
pfree(void *pointer)
{
}

void
UnregisterSnapshot(Snapshot snapshot)
{
}

Snapshot
casnet_catalog_snapshot_of_rights(void)
{
	return NULL;
}

SnapshotData
casnet_catalog_snapshot_of_others(Snapshot snapshot)
{
	SnapshotData nothing = {0};

	return nothing;
}

void
casnet_scan_begin(CasnetScan *scan, CasnetPath path, Snapshot snapshot,
				  Datum key1, Datum key2)
{
	scan->relation = NULL;
}

/* A tuple is the row's number, from one. */
HeapTuple
casnet_scan_next(CasnetScan *scan)
{
	uintptr_t	next = (uintptr_t) scan->relation + 1;

	scan->relation = (Relation) next;
	return next > nrows ? NULL : (HeapTuple) next;
}

Datum
casnet_scan_value(CasnetScan *scan, HeapTuple tuple, int column, bool *isnull)
{
	const char *name = rows[(uintptr_t) tuple - 1];

	*isnull = false;
	return PointerGetDatum(cstring_to_text_with_len(name, strlen(name)));
}

void
casnet_scan_end(CasnetScan *scan)
{
}

const CasnetVerdict *
casnet_membership_in(const pg_uuid_t *tenant)
{
	return &verdict;
}

const CasnetVerdict *
casnet_membership_of(const pg_uuid_t *user, const pg_uuid_t *tenant)
{
	return &verdict;
}

const CasnetVerdict *
casnet_membership_current(void)
{
	return &verdict;
}

bool
casnet_membership_is_cached(void)
{
	return true;
}

/* The user holds every name of even length. */
bool
casnet_membership_holds(const CasnetVerdict *of, int bit)
{
	return strlen(casnet_permission_name(bit)) % 2 == 0;
}

void
casnet_membership_refuse_missing(const CasnetVerdict *of, int bit, bool is_active)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errhint("x")));
}

const CasnetVerdict *
casnet_membership_require(int nbits, const int *bits)
{
	for (int i = 0; i < nbits; i++)
		if (!casnet_membership_holds(&verdict, bits[i]))
			casnet_membership_refuse_missing(&verdict, bits[i], true);
	return &verdict;
}

const CasnetVerdict *
casnet_membership_require_of(const pg_uuid_t *user, const pg_uuid_t *tenant,
							 int nbits, const int *bits)
{
	return casnet_membership_require(nbits, bits);
}

/* Walks an expression: only a call has parts, its arguments. */
extern bool expression_tree_walker_impl(Node *node,
										bool (*walker) (Node *, void *),
										void *context);

bool
expression_tree_walker_impl(Node *node, bool (*walker) (Node *, void *),
							void *context)
{
	ListCell   *lc;

	if (IsA(node, FuncExpr))
		foreach(lc, ((FuncExpr *) node)->args)
			if (walker(lfirst(lc), context))
				return true;
	return false;
}

/* The function's name up to 15; later that is a macro. */
bool
(expression_tree_walker) (Node *node, bool (*walker) (), void *context)
{
	return expression_tree_walker_impl(node, walker, context);
}

/* The list of names that the registry is compared with. */
static bool
is_met(const char *name)
{
	for (int i = 0; i < nmet; i++)
		if (is_same(met[i], name))
			return true;
	return false;
}

static void
meet(const char *name)
{
	if (strlen(name) < NAMEDATALEN && !is_met(name))
		met[nmet++] = pnstrdup(name, strlen(name));
}

/* Whether it is a permission; reads all rows for a name that is not built in. */
static bool
exists(const char *name)
{
	bool		found = false;

	for (int i = 0; i < lengthof(built_in); i++)
		if (is_same(built_in[i], name))
			return true;
	if (strlen(name) >= NAMEDATALEN)
		return false;
	for (int i = 0; i < nrows; i++)
	{
		meet(rows[i]);
		found |= is_same(rows[i], name);
	}
	return found;
}

/* What asking for these permissions ends with: an SQLSTATE, or 0 if they are held. */
static int
expected(const char *argument, bool united)
{
	bool		holds = true;

	for (int n = 0;; n++)
	{
		const char *comma = united && n < CASNET_MAX_UNITED - 1 ? strchr(argument, ',') : NULL;
		char	   *name = pnstrdup(argument, comma == NULL ? strlen(argument) : comma - argument);

		if (!exists(name))
			return ERRCODE_INVALID_PARAMETER_VALUE;
		holds = holds && strlen(name) % 2 == 0;
		if (comma == NULL)
			return holds ? 0 : ERRCODE_INSUFFICIENT_PRIVILEGE;
		argument = comma + 1;
	}
}

/* Call one of the functions, twice at the same place; how it ended. */
static int
ask(char which, const char *argument, bool constant)
{
	LOCAL_FCINFO(fcinfo, 2);
	static FuncExpr call;
	static Const value;
	static union
	{
		List		list;
		char		room[sizeof(List) + sizeof(ListCell)];
	}			arguments;
	FmgrInfo	flinfo = {0};
	int			ends[2];

	call.xpr.type = T_FuncExpr;
	call.args = &arguments.list;
	call.location = constant ? -1 : 7;
	value.xpr.type = T_Const;
	arguments.list.type = T_List;
	arguments.list.length = arguments.list.max_length = 1;
	arguments.list.elements = arguments.list.initial_elements;
	arguments.list.elements[0].ptr_value = &value;
	if (constant)
		flinfo.fn_expr = (Node *) &call;
	for (volatile int i = 0; i < 2; i++)
	{
		Datum		name = PointerGetDatum(cstring_to_text_with_len(argument, strlen(argument)));

		InitFunctionCallInfoData(*fcinfo, &flinfo, 2, InvalidOid, NULL, NULL);
		fcinfo->args[0].isnull = fcinfo->args[1].isnull = false;
		fcinfo->args[0].value = which == 'i' ? PointerGetDatum(&verdict.key.tenant) : name;
		fcinfo->args[1].value = name;
		if (setjmp(raised) != 0)
			ends[i] = raised_sqlstate;
		else if (which == '=')
			ends[i] = DatumGetUUIDP(casnet_tenant_with(fcinfo)) != NULL ? 0 : -1;
		else
			ends[i] = DatumGetBool(which == '?' ? casnet_can(fcinfo) : casnet_can_in(fcinfo)) ?
				0 : ERRCODE_INSUFFICIENT_PRIVILEGE;
	}
	MUST(ends[0] == ends[1]);
	return ends[0];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *input;
	char	   *line;
	int			steps = 0;

	selftest(data, size);
	registry = NULL;
	read_epoch = PG_UINT64_MAX;
	names = NULL;
	names_allocated = names_used = nrows = nmet = 0;
	input = palloc(size + 1);
	memcpy(input, data, size);
	input[size] = '\0';
	for (int i = 0; i < lengthof(built_in); i++)
		meet(built_in[i]);

	for (line = strtok(input, "\n"); line != NULL && steps < 50; line = strtok(NULL, "\n"), steps++)
		switch (line[0])
		{
			case '+':
				rows[nrows++] = line + 1;
				casnet_table_epochs[CASNET_ROLE_PERMISSIONS]++;
				break;
			case '!':
				{
					int			bit = casnet_permission_intern(line + 1);

					MUST((bit < 0) == (strlen(line + 1) >= NAMEDATALEN));
					MUST(bit < 0 || strcmp(casnet_permission_name(bit), line + 1) == 0);
					meet(line + 1);
					break;
				}
			case '?':
			case '=':
			case 'i':
				{
					int			wanted = expected(line + 1, line[0] != 'i');

					MUST(ask(line[0], line + 1, steps % 2 == 0) == wanted);
					break;
				}
		}

	MUST(casnet_permission_count() == nmet);
	for (int bit = 0; bit < nmet; bit++)
		MUST(casnet_permission_find(met[bit]) >= 0 &&
			 casnet_permission_find(casnet_permission_name(bit)) == bit);
	forget_memory();
	return 0;
}
