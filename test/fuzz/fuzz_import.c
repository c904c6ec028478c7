/*
 * fuzz_import.c
 *		casnet.import_tenant() in a backend of a throwaway server: this file and
 *		casnet are one library, whose procedure runs libFuzzer in the backend.
 *
 * The first byte of an input selects what is called.  The lines after it are the
 * documents; with 'p' they are names of permissions, and with 'k' a set of keys.  Each input has a transaction of
 * its own that is rolled back.  Coverage is that of casnet's C code, the statements of
 * PL/pgSQL in their order, and the places where errors are raised.
 *
 * A call ends in time, in success or in an error that test/input accepts.  What was
 * imported is the same after export and another import.  The backend's memory does
 * not grow.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "plpgsql.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timeout.h"

#undef fprintf
#undef snprintf

#include "fuzz.h"
#include "mutate.h"

#define MAX_WORDS 64
#define PATIENCE 20000			/* milliseconds for one input */
#define WARM_UP 2000			/* inputs until the caches are full */
#define MAX_GROWTH ((Size) 16 << 20)	/* of the backend's memory after that */

extern int	LLVMFuzzerRunDriver(int *argc, char ***argv,
								int (*callback) (const uint8_t *data, size_t size));

/* Half for statements, a quarter for pairs of them, a quarter for errors. */
#define COUNTERS 8192
__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t counters[COUNTERS];

/* What is being done with an input. */
typedef enum Stage
{
	PREPARING,					/* errors are not casnet's */
	CALLING,
	CHECKING					/* what was accepted */
} Stage;

static char *ours[MAX_WORDS];	/* SQLSTATEs that casnet raises */
static char *theirs[MAX_WORDS];	/* SQLSTATEs and their classes of the server */
static long executed = 0;
static long accepted = 0;
static Size warm = 0;

PG_FUNCTION_INFO_V1(casnet_fuzz_import);

/* Count a visit in one of the counters from first on. */
static void
visit(uint32 first, uint32 count, uint32 what)
{
	uint8_t    *counter = &counters[first + what * 2654435761u % count];

	if (*counter < 255)
		(*counter)++;
}

static void
begin_statement(PLpgSQL_execstate *estate, PLpgSQL_stmt *stmt)
{
	static uint32 previous = 0;
	uint32		here = estate->func->fn_oid * 8191 + stmt->lineno * 31 + stmt->cmd_type;

	visit(0, COUNTERS / 2, here);
	visit(COUNTERS / 2, COUNTERS / 4, here ^ previous);
	previous = here * 3;
}

static PLpgSQL_plugin plugin = {.stmt_beg = begin_statement};

/* Something that must not be; libFuzzer keeps the input. */
static void
finding(const char *what, const ErrorData *error)
{
	fprintf(stderr, "finding: %s\n", what);
	if (error != NULL)
		fprintf(stderr, "%s: %s\ndetail: %s\nhint: %s\ncontext: %s\nin %s, %s line %d\n",
				unpack_sql_state(error->sqlerrcode), error->message,
				error->detail ? error->detail : "", error->hint ? error->hint : "",
				error->context ? error->context : "",
				error->funcname, error->filename, error->lineno);
	abort();
}

static bool
is_among(const char *state, char *const *words)
{
	for (; *words != NULL; words++)
		if (strncmp(state, *words, strlen(*words)) == 0)
			return true;
	return false;
}

/* Judge the error that a call ended in. */
static void
judge(const ErrorData *error)
{
	const char *state = unpack_sql_state(error->sqlerrcode);
	uint32		place = error->lineno;
	const char *c;

	for (c = error->funcname; *c != '\0'; c++)
		place = place * 31 + *c;
	/* What is wrong with a document; a colon comes before what it contains. */
	for (c = error->detail; c != NULL && *c != '\0' && *c != ':' && strncmp(c, "unknown", 7) != 0; c++)
		place = place * 31 + *c;
	visit(COUNTERS / 4 * 3, COUNTERS / 4, place);

	if (strcmp(error->domain, "casnet") == 0 || strcmp(error->funcname, "exec_stmt_raise") == 0)
	{
		if (!is_among(state, ours))
			finding("an SQLSTATE that is none of casnet's", error);
		if (error->hint == NULL || error->hint[0] == '\0')
			finding("an error without a hint", error);
	}
	else if (strcmp(state, "57014") == 0)
		finding("a call that does not end", error);
	else if (!is_among(state, theirs) || strncmp(error->message, "invalid memory alloc", 20) == 0)
		finding("an error that no call may end in", error);
}

/* Run a statement with at most two texts as arguments. */
static void
execute(const char *statement, const char *first, const char *second)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[2];
	int			n = 0;

	if (first != NULL)
		values[n++] = CStringGetTextDatum(first);
	if (second != NULL)
		values[n++] = CStringGetTextDatum(second);
	if (SPI_execute_with_args(statement, n, types, values, NULL, false, 0) < 0)
		elog(FATAL, "%s", statement);
	SPI_freetuptable(SPI_tuptable);
}

/* The calls of one input; *stage names the step to which an error would belong. */
static void
call(char how, char *lines, volatile Stage *stage)
{
	if (how == 'p')
	{
		execute("SELECT become_olga('postgres')", NULL, NULL);
		*stage = CALLING;
		for (char *line = strtok(lines, "\n"); line != NULL; line = strtok(NULL, "\n"))
		{
			execute("INSERT INTO casnet.role_permissions VALUES ('owner', $1) ON CONFLICT DO NOTHING", line, NULL);
			execute("SELECT casnet.can($1), casnet.tenant_with($1), casnet.grant_permission('mia', $1)", line, NULL);
		}
		return;
	}
	if (how == 'k')
	{
		execute("SELECT set_config('fuzz.keys', $1::jsonb::text, true)", lines, NULL);
		*stage = CALLING;
		execute("SELECT casnet.set_issuer('https://id.fuzz.test', current_setting('fuzz.keys')::jsonb, NULL)", NULL, NULL);
		return;
	}
	execute("INSERT INTO documents SELECT d::jsonb FROM string_to_table($1, E'\\n') AS d WHERE d <> ''", lines, NULL);
	if (how & 1)
		execute("SELECT become_olga('fuzz_app')", NULL, NULL);
	*stage = CALLING;
	execute("SELECT set_config('fuzz.tenant', casnet.import_tenant('documents',"
			" tenant_id => CASE WHEN $1 = 'empty' THEN '00000000-0000-7000-8000-0000000000c0'::uuid END,"
			" name => CASE WHEN $1 = 'named' THEN 'East' END, keep_ids => $2::boolean)::text, true)",
			how & 8 ? "empty" : how & 4 ? "named" : "", how & 2 ? "true" : "false");
	*stage = CHECKING;
	execute("RESET ROLE", NULL, NULL);
	execute("SELECT check_round_trip(current_setting('fuzz.tenant')::uuid)", NULL, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context;
	ResourceOwner owner = CurrentResourceOwner;
	volatile Stage stage = PREPARING;
	ErrorData  *volatile error = NULL;
	char	   *lines;

	executed++;
	if (size == 0 || memchr(data, '\0', size) != NULL ||
		!pg_verify_mbstr(PG_UTF8, (const char *) data, size, true))
		return 0;
	context = AllocSetContextCreate(outer, "input", ALLOCSET_DEFAULT_SIZES);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	lines = pnstrdup((const char *) data + 1, size - 1);
	PG_TRY();
	{
		enable_timeout_after(STATEMENT_TIMEOUT, PATIENCE);
		call((char) data[0], lines, &stage);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	disable_timeout(STATEMENT_TIMEOUT, false);
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(outer);
	CurrentResourceOwner = owner;
	if (error != NULL)
	{
		if (stage == CHECKING)
			finding("what was imported does not export and import as the same", error);
		if (stage == CALLING)
			judge(error);
	}
	else
	{
		accepted++;
		keep_as_base(data, size);
	}
	MemoryContextDelete(context);
	SPI_rollback();

	if (warm == 0 && executed >= WARM_UP)
		warm = MemoryContextMemAllocated(TopMemoryContext, true);
	else if (warm > 0 && executed % 500 == 0 &&
			 MemoryContextMemAllocated(TopMemoryContext, true) > warm + MAX_GROWTH)
	{
		MemoryContextStats(TopMemoryContext);
		finding("the backend's memory grows", NULL);
	}
	return 0;
}

/* The elements of a text[], in memory that outlives transactions. */
static int
take_words(Datum array, char **words)
{
	Datum	   *elements;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &n);
	if (n >= MAX_WORDS)
		elog(ERROR, "too many words");
	for (int i = 0; i < n; i++)
		words[i] = strdup(TextDatumGetCString(elements[i]));
	words[n] = NULL;
	return n;
}

/* The driver ends the process; print what it does not count. */
static void
report(void)
{
	fprintf(stderr, "accepted: %ld of %ld, memory of the backend: %zu kB after %d, %zu kB now\n",
			accepted, executed, warm / 1024, WARM_UP, MemoryContextMemAllocated(TopMemoryContext, true) / 1024);
}

/* fuzz_import(arguments text[], ours text[], theirs text[]): a procedure that never returns */
Datum
casnet_fuzz_import(PG_FUNCTION_ARGS)
{
	static char *arguments[MAX_WORDS];
	char	  **argv = arguments;
	int			argc = take_words(PG_GETARG_DATUM(0), arguments);

	take_words(PG_GETARG_DATUM(1), ours);
	take_words(PG_GETARG_DATUM(2), theirs);
	*(PLpgSQL_plugin **) find_rendezvous_variable("PLpgSQL_plugin") = &plugin;
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) < 0)
		elog(ERROR, "no SPI");
	atexit(report);
	exit(LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput));
}
