# Another library uses the same hooks as casnet.  Each is called, and what it
# refuses is refused, while casnet does its part.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'no C compiler' if system('cc --version > /dev/null 2>&1') != 0;

my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/other.c", <<'C');
#include "postgres.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "nodes/pg_list.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "compat.h"

PG_MODULE_MAGIC;
void _PG_init(void);

static int planned, started, ran, finished, checked, utility, looked, paths;
static char *calls = "";

static PlannedStmt *
plan_it(CASNET_PLANNER_ARGUMENTS)
{
	planned++;
	return standard_planner(CASNET_PLANNER_NAMES);
}

static void
start_it(QueryDesc *query, int eflags)
{
	started++;
	standard_ExecutorStart(query, eflags);
}

static void
run_it(QueryDesc *query, ScanDirection direction, CASNET_RUN_ARGUMENTS)
{
	ran++;
	standard_ExecutorRun(query, direction, CASNET_RUN_NAMES);
}

static void
finish_it(QueryDesc *query)
{
	finished++;
	standard_ExecutorFinish(query);
}

/* Refuses every table named tags, and denies without an error one named persons. */
static bool
check_it(CASNET_CHECK_PERMS_ARGUMENTS)
{
	ListCell   *lc;

	checked++;
	foreach(lc, CASNET_CHECK_PERMS_LIST)
	{
		char	   *name = get_rel_name(((CasnetPermissionInfo *) lfirst(lc))->relid);

		if (name != NULL && strcmp(name, "tags") == 0)
			ereport(ERROR, (errcode(MAKE_SQLSTATE('X', 'X', '0', '0', '1')), errmsg("no tags")));
		if (name != NULL && strcmp(name, "persons") == 0)
			return false;
	}
	return true;
}

static void
process_it(PlannedStmt *statement, const char *string, bool read_only, ProcessUtilityContext context,
		   ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	utility++;
	standard_ProcessUtility(statement, string, read_only, context, params, environment, receiver, completion);
}

static void
look_at_it(CASNET_RELATION_ARGUMENTS)
{
	looked++;
}

static void
path_it(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	paths++;
}

/* Runs a statement as an extension may that starts the executor by itself. */
PG_FUNCTION_INFO_V1(run_past);
Datum
run_past(PG_FUNCTION_ARGS)
{
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	List	   *queries = pg_analyze_and_rewrite_fixedparams(linitial(pg_parse_query(sql)), sql, NULL, 0, NULL);
	PlannedStmt *plan = casnet_plan_query(linitial(queries), sql, CURSOR_OPT_PARALLEL_OK, NULL);
	QueryDesc  *query = CreateQueryDesc(plan, sql, GetActiveSnapshot(), InvalidSnapshot, None_Receiver, NULL, NULL, 0);
	uint64		rows;

	standard_ExecutorStart(query, 0);
	casnet_executor_run(query);
	rows = query->estate->es_processed;
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	PG_RETURN_INT64(rows);
}

static const char *
show_calls(void)
{
	return psprintf("%d %d %d %d %d %d %d %d", planned, started, ran, finished, checked, utility, looked, paths);
}

void
_PG_init(void)
{
	DefineCustomStringVariable("other.calls", "how often each hook was called", NULL, &calls, "",
							   PGC_USERSET, 0, NULL, NULL, show_calls);
	planner_hook = plan_it;
	ExecutorStart_hook = start_it;
	ExecutorRun_hook = run_it;
	ExecutorFinish_hook = finish_it;
	ExecutorCheckPerms_hook = check_it;
	ProcessUtility_hook = process_it;
	casnet_relation_hook = look_at_it;
	set_rel_pathlist_hook = path_it;
}
C
my ($include) = run_command([ $ENV{PG_CONFIG} // 'pg_config', '--includedir-server' ]);
command_ok([ 'cc', '-shared', '-fPIC', '-w', "-I$include", "-I$FindBin::RealBin/../../src", '-o', "$dir/other.so", "$dir/other.c" ], 'a library');

my $node = PostgreSQL::Test::Cluster->new('hooks');
init_cluster($node);
$node->start;
make_fixture($node, 'postgres');
$node->safe_psql('postgres', "ALTER DATABASE postgres SET session_preload_libraries = '$dir/other', 'casnet'");

my $ben = open_session($node, 'postgres', 'ben', 'north');
my @before = split / /, ask($ben, 'SHOW other.calls');
is(ask($ben, 'SELECT count(*) FROM casnet.records'), '2', 'rows of the tenant');
is(ask($ben, "UPDATE casnet.records SET content = 'x' WHERE title = 'north 1' RETURNING 1"), '1', 'a change');
my @after = split / /, ask($ben, 'SHOW other.calls');
my @names = qw(planner ExecutorStart ExecutorRun ExecutorFinish ExecutorCheckPerms ProcessUtility get_relation_info set_rel_pathlist);
cmp_ok($after[$_], '>', $before[$_], "its $names[$_]_hook was called") foreach 0 .. $#names;
is(ask($ben, 'SELECT count(*) FROM casnet.tags'), 'XX001', 'what it refuses is refused');
is(ask($ben, 'SELECT count(*) FROM casnet.persons'), '0', 'what it only denies is left to the server');

# An extension that starts the executor by itself gets rows of the tenant, too.
$node->safe_psql('postgres', "CREATE FUNCTION public.run_past(text) RETURNS bigint LANGUAGE c AS '$dir/other', 'run_past'");
is(ask($ben, "SELECT public.run_past('SELECT title FROM casnet.records')"), '2', 'started past the hook');
is(ask($ben, "SELECT public.run_past('SELECT username FROM casnet.users')"), '3', 'by a list of ids');
is(ask($ben, "SET casnet.tenant_id = '$ID{south}'; SELECT public.run_past('SELECT title FROM casnet.records')"), '1', 'of the tenant that is active');
$ben->quit;

my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
is(ask_once($node, 'postgres', $superuser, "SET casnet.bypass = 'refuse'; SELECT count(*) FROM casnet.records"), '42501', 'and what casnet refuses');
is(ask_once($node, 'postgres', $superuser, "SET casnet.bypass = 'refuse'; SELECT count(*) FROM casnet.tags"), 'XX001', 'by whoever comes first');

$node->stop;
done_testing();
