# Invariants 4 and 5 with two-phase commit: PREPARE TRANSACTION takes a
# session's rows out of its own sight, COMMIT PREPARED announces them.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('prepared');
init_cluster($node);
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 5');
$node->start;
make_fixture($node, 'postgres');

my $role = "SELECT role, casnet.can('delete_records') FROM casnet.whoami()";
my $ada = open_session($node, 'postgres', 'ada', 'north');
my $also = open_session($node, 'postgres', 'ada', 'north');
my $cid = open_session($node, 'postgres', 'cid', 'north');

foreach my $end ('ROLLBACK', 'COMMIT')
{
	is(ask($_, $role), 'owner|t', 'before') foreach $ada, $also;
	ask($ada, "BEGIN; SELECT casnet.set_member_role('ada', 'viewer')");
	is(ask($ada, $role), 'viewer|f', 'her own change');
	is(ask($also, $role), 'owner|t', 'is hers alone');
	is(ask($ada, "PREPARE TRANSACTION 'demotion'"), '', 'PREPARE TRANSACTION');
	is(ask($ada, $role), 'owner|t', 'is out of sight once prepared');
	is(ask($also, $role), 'owner|t', 'and of the other session');

	# The other owner waits for the outcome, as for any transaction.
	is(ask($cid, "SET lock_timeout = '200ms'; SELECT casnet.leave_tenant()"), '55P03', 'the last owner waits');
	if ($end eq 'COMMIT')
	{
		$_->quit foreach $ada, $also, $cid;
		$node->restart;
		$ada = open_session($node, 'postgres', 'ada', 'north');
		$also = open_session($node, 'postgres', 'ada', 'north');
		$cid = open_session($node, 'postgres', 'cid', 'north');
		is(ask($_, $role), 'owner|t', 'still so after a restart') foreach $ada, $also;
		is(ask($cid, "SET lock_timeout = '200ms'; SELECT casnet.leave_tenant()"), '55P03', 'and still waits');
	}
	$node->safe_psql('postgres', "$end PREPARED 'demotion'");
	is(ask($_, $role), $end eq 'COMMIT' ? 'viewer|f' : 'owner|t', "$end PREPARED") foreach $ada, $also;
}
is(ask($cid, 'SELECT casnet.leave_tenant()'), '23514', 'he is the last owner now');

# A grant that is rolled back in the end, with a lookup in between.
ask($cid, "BEGIN; SELECT casnet.grant_permission('ada', 'delete_records'); PREPARE TRANSACTION 'grant'");
is(ask($ada, $role), 'viewer|f', 'a prepared grant is none');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'grant'");
is(ask($ada, $role), 'viewer|f', 'nor is it once rolled back');
ask($cid, "BEGIN; SELECT casnet.grant_permission('ada', 'delete_records'); PREPARE TRANSACTION 'grant'");
$node->safe_psql('postgres', "COMMIT PREPARED 'grant'");
is(ask($ada, $role), 'viewer|t', 'it is one once committed');

# A session's own uncommitted tenant does not stay its tenant.
ask($ada, "BEGIN; SELECT casnet.create_tenant('west'); SELECT casnet.use_tenant('west')");
is(ask($ada, 'SELECT count(*) FROM casnet.records'), '0', 'a new tenant');
ask($ada, "PREPARE TRANSACTION 'west'");
is(ask($ada, 'SELECT count(*) FROM casnet.records'), '42501', 'is out of sight once prepared');
$node->safe_psql('postgres', "COMMIT PREPARED 'west'");
is(ask($ada, 'SELECT count(*) FROM casnet.records'), '0', 'and there when committed');

# An invitation that ends after it was accepted is judged when the transaction is prepared.
my $max = open_session($node, 'postgres', 'max');
foreach my $cancelled (0, 1)
{
	my $code = ask($cid, "SELECT casnet.invite_member('max\@example.org', 'viewer')");

	is(ask($max, "BEGIN; SELECT casnet.accept_invitation('$code') = '$ID{north}'"), 't', 'an invitation is accepted');
	ask($cid, 'SELECT casnet.cancel_invitation(id) FROM casnet.invitations()') if $cancelled;
	is(ask($max, "PREPARE TRANSACTION 'accepted'"), $cancelled ? 'P0002' : '', $cancelled ? 'and cancelled before it is prepared' : 'and prepared');
	ask($max, $cancelled ? 'ROLLBACK' : "ROLLBACK PREPARED 'accepted'");
}
$max->quit;

$_->quit foreach $ada, $also, $cid;
$node->stop;
done_testing();
