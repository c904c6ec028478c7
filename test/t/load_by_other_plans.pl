# Another extension puts a node of its own above the plan of an INSERT.  A load still works
# then, row by row, with the same results: rows, triggers, keys, the audit, and the line
# that an error names.
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
#include "nodes/extensible.h"
#include "optimizer/planner.h"
#include "utils/guc.h"

#if PG_VERSION_NUM >= 190000
#define MORE_PARAMETERS , ExplainState *explain
#define MORE_ARGUMENTS , explain
#else
#define MORE_PARAMETERS
#define MORE_ARGUMENTS
#endif

PG_MODULE_MAGIC;
void _PG_init(void);

static int executed;
static char *shown = "";

static void
begin(CustomScanState *node, EState *estate, int eflags)
{
	executed++;
	node->custom_ps = list_make1(ExecInitNode(linitial(((CustomScan *) node->ss.ps.plan)->custom_plans), estate, eflags));
}

static TupleTableSlot *
execute(CustomScanState *node)
{
	return ExecProcNode(linitial(node->custom_ps));
}

static void
end(CustomScanState *node)
{
	ExecEndNode(linitial(node->custom_ps));
}

static void
again(CustomScanState *node)
{
	elog(ERROR, "this node cannot be run again");
}

static const CustomExecMethods execution = {"above", begin, execute, end, again};

static Node *
create(CustomScan *plan)
{
	CustomScanState *state = (CustomScanState *) newNode(sizeof(CustomScanState), T_CustomScanState);

	state->methods = &execution;
	return (Node *) state;
}

static const CustomScanMethods methods = {"above", create};

static PlannedStmt *
plan_it(Query *parse, const char *string, int options, ParamListInfo params MORE_PARAMETERS)
{
	PlannedStmt *plan = standard_planner(parse, string, options, params MORE_ARGUMENTS);

	if (plan->commandType == CMD_INSERT && IsA(plan->planTree, ModifyTable))
	{
		CustomScan *above = makeNode(CustomScan);

		above->methods = &methods;
		above->custom_plans = list_make1(plan->planTree);
		above->scan.plan.targetlist = plan->planTree->targetlist;
		above->custom_scan_tlist = plan->planTree->targetlist;
		plan->planTree = (Plan *) above;
	}
	return plan;
}

static const char *
show(void)
{
	return psprintf("%d", executed);
}

void
_PG_init(void)
{
	DefineCustomStringVariable("other.executed", "how often its node was started", NULL, &shown, "",
							   PGC_USERSET, 0, NULL, NULL, show);
	planner_hook = plan_it;
}
C
my ($include) = run_command([ $ENV{PG_CONFIG} // 'pg_config', '--includedir-server' ]);
command_ok([ 'cc', '-shared', '-fPIC', '-w', "-I$include", '-o', "$dir/other.so", "$dir/other.c" ], 'a library');

my $node = PostgreSQL::Test::Cluster->new('load');
init_cluster($node);
$node->start;
make_fixture($node, 'postgres');
$node->safe_psql('postgres', q{
	SELECT casnet.enable_audit('casnet.records');
	CREATE SCHEMA app;
	GRANT USAGE ON SCHEMA app TO PUBLIC;
	CREATE TABLE app.seen (at text, rows bigint);
	GRANT ALL ON app.seen TO PUBLIC;
	CREATE FUNCTION app.see() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF NEW.title = 'skip' THEN
			RETURN NULL;
		END IF;
		INSERT INTO app.seen SELECT NEW.title, count(*) FROM casnet.records WHERE title LIKE 'case%';
		RETURN NEW;
	END
	$$;
	CREATE TRIGGER a BEFORE INSERT ON casnet.records FOR EACH ROW EXECUTE FUNCTION app.see();
});

# What ben's session answers to these statements, and how many audit entries they leave.
sub loaded
{
	my ($libraries) = @_;

	$node->safe_psql('postgres', "ALTER DATABASE postgres SET session_preload_libraries = $libraries");
	my $ben = open_session($node, 'postgres', 'ben', 'north');
	my @results;
	push @results, ask($ben, "INSERT INTO casnet.records_load (title) SELECT 'case ' || n FROM generate_series(1, 30) AS n");
	push @results, ask($ben, "WITH x AS (INSERT INTO casnet.records_load (title) VALUES ('case 31'), ('skip'), ('case 32') RETURNING 1) SELECT count(*) FROM x");
	push @results, ask($ben, "SELECT count(*), count(DISTINCT id) FROM casnet.records WHERE title LIKE 'case%'");
	push @results, ask($ben, 'SELECT max(rows), sum(rows) FROM app.seen');
	push @results, ask($ben, "INSERT INTO casnet.tasks_load (title, record_id) SELECT title, id FROM casnet.records WHERE title = 'case 1'");
	push @results, ask($ben, "INSERT INTO casnet.tasks_load (title, record_id) VALUES ('good', NULL), ('of none', '$ID{north}')");
	push @results, ask($ben, "INSERT INTO casnet.records_load (tenant_id, title) VALUES ('$ID{south}', 'planted')");
	push @results, ask($ben, "SELECT count(*) FROM casnet.tasks");
	my $calls = ask($ben, "SELECT current_setting('other.executed', true)");
	$ben->quit;

	# The client reports the line.
	foreach my $rows ("case 40\ncase 41\n\\N\n", "case 42\nskip\ncase 43\tno such column\n")
	{
		local $ENV{PGOPTIONS} = "-c casnet.user_id=$ID{ben} -c casnet.tenant_id=$ID{north}";
		my ($status, $out, $error) = $node->psql('postgres', "COPY casnet.records_load (title) FROM stdin;\n$rows\\.\n",
			on_error_stop => 0, extra_params => [ '-U', 'casnet_app' ]);
		$error =~ s/^psql:.*?(?=ERROR)//m;
		# Row by row, the INSERT is a statement of its own, which adds a line to the context.
		push @results, $error =~ s/^CONTEXT:  SQL statement .*\n(?=COPY)/CONTEXT:  /mr;
	}
	push @results, $node->safe_psql('postgres', "SELECT count(*) FROM casnet_internal.audit_entries WHERE user_id = '$ID{ben}'");
	$node->safe_psql('postgres', "DELETE FROM casnet.tasks; DELETE FROM casnet.records WHERE title LIKE 'case%'; TRUNCATE app.seen");
	return ($calls, @results);
}

my ($none, @fast) = loaded('casnet');
my $entries = pop @fast;
my ($calls, @slow) = loaded("'$dir/other', 'casnet'");
my $more = pop @slow;
is($none, '', 'without the extension');
cmp_ok($calls, '>=', 32, 'its node is started for each row');
is_deeply(\@slow, \@fast, 'and the results are the same');
is($fast[2], '32|32', 'rows are there');
is($fast[3], '31|496', 'each row sees those before it');
is($fast[5], '23503', 'keys are kept');
like($fast[8], qr/COPY records_load, line 3/, 'an error names its line');
is("$entries $more", '32 64', 'the audit has each of them');

$node->stop;
done_testing();
