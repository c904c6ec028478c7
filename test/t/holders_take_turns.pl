# Whoever is to be stopped gains nothing by writing the row again and again while the
# administrator looks for the holder.  Nor do sessions that take turns and reconnect.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes 'time';

my $node = PostgreSQL::Test::Cluster->new('turns');
init_cluster($node);
$node->append_conf('postgresql.conf', "session_preload_libraries = 'casnet'");
$node->start;
make_fixture($node, 'postgres');
$node->safe_psql('postgres', 'CREATE ROLE casnet_boss LOGIN IN ROLE casnet_admin');
$node->safe_psql('postgres', "INSERT INTO casnet.tasks (tenant_id, title, assignee_id) SELECT '$ID{north}', 'of ben', '$ID{ben}' FROM generate_series(1, 10000)");

# Starts psql in the background as ben; ends with the test.
sub start_ben
{
	my ($sql) = @_;
	local $ENV{PGOPTIONS} = "-c casnet.user_id=$ID{ben} -c casnet.tenant_id=$ID{north}";
	return IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-U', 'casnet_app', '-c', $sql ], '&>', '/dev/null');
}

# Of many tasks, the last one is updated, committed and locked in turn.  Once somebody
# waits for it, the lock is kept.
my $writer = start_ben(q{
DO $$
DECLARE
	last uuid := (SELECT id FROM casnet.tasks WHERE assignee_id = casnet.current_user_id() ORDER BY ctid DESC LIMIT 1);
BEGIN
	LOOP
		UPDATE casnet.tasks SET title = clock_timestamp()::text WHERE id = last;
		COMMIT;
		PERFORM FROM casnet.tasks WHERE id = last FOR UPDATE;
		FOR i IN 1 .. 5 LOOP
			PERFORM pg_sleep(0.02);
			WHILE EXISTS (SELECT FROM pg_locks AS l WHERE NOT l.granted AND l.locktype = 'transactionid' AND l.transactionid = pg_current_xact_id()::xid) LOOP
				PERFORM pg_sleep(1);
			END LOOP;
		END LOOP;
		COMMIT;
	END LOOP;
END $$;
});
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM casnet.tasks WHERE title ~ '^2'");
my $ada = open_session($node, 'postgres', 'ada', 'north');
my $began = time;
is(ask($ada, "SET statement_timeout = '40s'; SELECT casnet.remove_member('ben')"), '', 'a member is removed who writes a task again and again');
cmp_ok(time - $began, '<', 30, 'in time');
is($node->safe_psql('postgres', "SELECT count(*) FROM casnet.user_tenants WHERE user_id = '$ID{ben}' AND tenant_id = '$ID{north}'"), '0', 'and is gone');
$ada->quit;
eval { $writer->kill_kill };

# Somebody waits for the holder's transaction for another reason: a name that is taken once
# it commits.  The holder does not end at once, so those who queue for the row are ended.
sub start_in_south
{
	my ($user, @sql) = @_;
	local $ENV{PGOPTIONS} = "-c casnet.user_id=$ID{$user}";
	my $output = '';
	return (IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-U', 'casnet_app', map { ('-c', $_) } @sql ], '&>', \$output), \$output);
}
my ($holder) = start_in_south('cid', "SET casnet.tenant_id = '$ID{south}'", 'BEGIN', "SELECT casnet.create_tenant('one name')",
	"SELECT FROM casnet.user_tenants WHERE user_id = '$ID{ben}' FOR UPDATE", "SELECT length(normalize(repeat(U&'\\0316\\0300', 20000)))");
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'casnet_app' AND query ~ 'normalize'");
my ($waiter, $answer) = start_in_south('ada', "SET casnet.tenant_id = '$ID{north}'", "UPDATE casnet.tenants SET name = 'one name' WHERE id = '$ID{north}' RETURNING true");
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'casnet_app' AND wait_event_type = 'Lock'");
is(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{cid}'; SET casnet.tenant_id = '$ID{south}'; SET statement_timeout = '40s'; SELECT casnet.remove_member('ben')"), '', 'a member is removed whose row somebody holds');
eval { $holder->finish };
eval { $waiter->finish };
is($$answer, "t\n", 'and who waits for the holder for another reason goes on');

# Five that take turns to lock the account, and reconnect.
my $children = $node->basedir . '/go_on';
open(my $file, '>', $children) or die $!;
close $file;
my @loops;
foreach my $n (1 .. 5)
{
	local $ENV{PGOPTIONS} = "-c casnet.user_id=$ID{cid}";
	push @loops, IPC::Run::start([ 'sh', '-c', 'while [ -e "$0" ]; do psql -XAtq -d "$1" -U casnet_app -c BEGIN -c "SELECT FROM casnet.users WHERE id = casnet.current_user_id() FOR UPDATE" -c "SELECT pg_sleep(60)" > /dev/null 2>&1; done', $children, $node->connstr('postgres') ], '&>', '/dev/null');
}
$node->poll_query_until('postgres', "SELECT count(*) > 3 FROM pg_stat_activity WHERE usename = 'casnet_app' AND query ~ 'FOR UPDATE|pg_sleep'");
$began = time;
is(ask_once($node, 'postgres', 'casnet_boss', "SET statement_timeout = '40s'; SELECT casnet.deactivate_user('$ID{cid}')"), '', 'an account is deactivated for which five take turns');
cmp_ok(time - $began, '<', 30, 'in time');
is($node->safe_psql('postgres', "SELECT is_active FROM casnet.users WHERE id = '$ID{cid}'"), 'f', 'and is inactive');
unlink $children;
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'casnet_app'");
foreach my $loop (@loops)
{
	eval { $loop->finish };
}

$node->stop;
done_testing();
