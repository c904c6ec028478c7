# Invariant 9: after a crash everything that was committed is there, nothing else is, and
# casnet enforces.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('crash');
init_cluster($node);
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->start;
make_fixture($node, 'postgres');

my $ada = open_session($node, 'postgres', 'ada', 'north');
my $ben = open_session($node, 'postgres', 'ben', 'north');
is(ask($ben, 'SELECT count(*) FROM casnet.records'), '2', 'before');
ask($ada, "SELECT casnet.grant_permission('ben', 'delete_records')");
ask($ben, "INSERT INTO casnet.records (title) VALUES ('committed')");
ask($ada, "BEGIN; SELECT casnet.remove_member('ben')");
ask($ben, "BEGIN; INSERT INTO casnet.records (title) VALUES ('uncommitted')");
is(ask($ben, 'SELECT count(*) FROM casnet.records'), '4', 'in the middle of things');

$node->stop('immediate');
eval { $_->{run}->kill_kill } foreach $ada, $ben;
$node->start;

$ben = open_session($node, 'postgres', 'ben', 'north');
is(ask($ben, 'SELECT count(*) FROM casnet.records'), '3', 'committed rows, and no other');
is(ask($ben, "DELETE FROM casnet.records WHERE title = 'committed' RETURNING 1"), '1',
	'the committed grant holds, the uncommitted removal does not');
is(ask($ben, "DELETE FROM casnet.tasks"), '42501', 'and nothing more');
$ada = open_session($node, 'postgres', 'ada', 'north');
ask($ada, "SELECT casnet.remove_member('ben')");
is(ask($ben, 'SELECT count(*) FROM casnet.records'), '42501', 'a revocation bites');

# Another backend dies: the server restarts all of them, and none forgets.
my $pid = ask($ben, 'SELECT pg_backend_pid()');
kill 'KILL', $pid;
eval { $_->{run}->kill_kill } foreach $ada, $ben;
$node->poll_query_until('postgres', 'SELECT true');
is(ask_once($node, 'postgres', 'casnet_app',
		"SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{north}'; SELECT count(*) FROM casnet.records"),
	'42501', 'removed after a second crash too');
is(ask_once($node, 'postgres', 'casnet_app',
		"SET casnet.user_id = '$ID{ada}'; SET casnet.tenant_id = '$ID{north}'; SELECT count(*) FROM casnet.records"),
	'2', 'and the owner is in');

$node->stop;
done_testing();
