# Invariant 4: a standby enforces too.  What the primary revokes bites in a session that
# is open on the standby, once it is replayed.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
init_cluster($primary, allows_streaming => 1);
$primary->start;
make_fixture($primary, 'postgres');
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = -1');
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));

my $count = 'SELECT count(*) FROM casnet.records';
my $ben = open_session($standby, 'postgres', 'ben', 'north');
my $old = open_session($standby, 'postgres', 'ben', 'north');
my $cid = open_session($standby, 'postgres', 'cid', 'south');
my $max = open_session($standby, 'postgres', 'max', 'south');

# sql on the primary, replayed.
sub replay
{
	my ($sql) = @_;

	$primary->safe_psql('postgres', $sql);
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
	return;
}

is(ask($ben, $count), '2', 'reads of one tenant');
is(ask($cid, $count), '1', 'and of another');
is(ask($max, $count), '1', 'and of a superuser');
is(ask($ben, 'SELECT username, role FROM casnet.whoami()'), 'ben|member', 'whoami()');
is(ask($ben, "SELECT casnet.use_tenant('south'); $count"), "$ID{south}\n1", 'use_tenant()');
is(ask($ben, "SELECT casnet.use_tenant('north'); $count"), "$ID{north}\n2", 'and back');
is(ask($ben, "INSERT INTO casnet.records (title) VALUES ('x')"), '25006', 'no writes');
is(ask_once($standby, 'postgres', 'casnet_plain', "SET casnet.user_id = '$ID{ada}'; $count"), '28000', 'no forged user');

# In the middle of transactions that began before.
ask($ben, 'BEGIN');
is(ask($ben, $count), '2', 'READ COMMITTED before');
ask($old, 'BEGIN ISOLATION LEVEL REPEATABLE READ');
is(ask($old, $count), '2', 'REPEATABLE READ before');
replay("DELETE FROM casnet.user_tenants WHERE user_id = '$ID{ben}' AND tenant_id = '$ID{north}'");
is(ask($ben, $count), '42501', 'a removal bites in an open transaction');
is(ask($old, $count), '42501', 'at REPEATABLE READ too');
ask($_, 'ROLLBACK') foreach $ben, $old;
is(ask($_, $count), '42501', 'and after it') foreach $ben, $old;

ask($ben, "SELECT casnet.use_tenant('south')");
is(ask($ben, $count), '1', 'not in the other tenant');
replay("DELETE FROM casnet.role_permissions WHERE role = 'viewer' AND permission = 'view_records'");
is(ask($ben, $count), '42501', 'role_permissions');
replay("INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES ('$ID{ben}', '$ID{south}', 'view_records')");
is(ask($ben, $count), '1', 'a permission in person');
replay('TRUNCATE casnet.user_tenant_permissions');
is(ask($ben, $count), '42501', 'TRUNCATE');
replay("UPDATE casnet.users SET is_superuser = false WHERE username = 'max'");
is(ask($max, $count), '42501', 'is_superuser');
replay("UPDATE casnet.users SET is_active = false WHERE username = 'cid'");
is(ask($cid, $count), '28000', 'is_active');
replay("UPDATE casnet.users SET is_active = true WHERE username = 'cid'");
is(ask($cid, $count), '1', 'and back');

# Fifty changes, each read as soon as it is replayed: by a session between statements and
# by one in a transaction that began before.
my ($role, $granted, $wrong) = ('viewer', 0, 0);
my $where = "user_id = '$ID{ben}' AND tenant_id = '$ID{south}'";
ask($old, "SELECT casnet.use_tenant('south')");
foreach my $turn (1 .. 50)
{
	ask($old, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	if ($role eq '')
	{
		$role = $turn % 2 ? 'member' : 'viewer';
		replay("INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ben}', '$ID{south}', '$role')");
	}
	elsif ($turn % 3 == 0)
	{
		$granted = !$granted;
		replay($granted ? "INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES ('$ID{ben}', '$ID{south}', 'view_records')"
			: "DELETE FROM casnet.user_tenant_permissions WHERE $where");
	}
	elsif ($turn % 5 == 0)
	{
		($role, $granted) = ('', 0);
		replay("DELETE FROM casnet.user_tenants WHERE $where");
	}
	else
	{
		$role = $role eq 'member' ? 'viewer' : 'member';
		replay("UPDATE casnet.user_tenants SET role = '$role' WHERE $where");
	}
	my $due = $role eq 'member' || $granted ? '1' : '42501';
	foreach my $session ($old, $ben)
	{
		my $seen = ask($session, $count);
		next if $seen eq $due;
		diag "turn $turn, role '$role', granted '$granted': $seen, due is $due";
		$wrong++;
	}
	ask($old, 'ROLLBACK');
}
is($wrong, 0, 'fifty changes in a row');

# A change that is not committed on the primary does not affect the standby.
my $admin = open_session($primary, 'postgres', undef, undef, $primary->safe_psql('postgres', 'SELECT current_user'));
ask($admin, "BEGIN; DELETE FROM casnet.tenants WHERE id = '$ID{south}'");
replay('CREATE TABLE flushed ()');
is(ask($cid, $count), '1', 'an uncommitted deletion');
ask($admin, 'COMMIT');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
is(ask($cid, $count), '42501', 'and its commit');
$admin->quit;

# The standby takes over, with the sessions that it has.
$primary->stop('immediate');
my $ada = open_session($standby, 'postgres', 'ada', 'north');
is(ask($ada, $count), '2', 'before promotion');
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
is(ask($ada, "INSERT INTO casnet.records (title) VALUES ('x'); $count"), '3', 'after promotion');
is(ask($ada, "SELECT casnet.set_member_role('ada', 'viewer')"), '', 'ada steps down');
is(ask($ada, "INSERT INTO casnet.records (title) VALUES ('x')"), '42501', 'at once');

$_->quit foreach $ben, $old, $cid, $max, $ada;
$standby->stop;
done_testing();
