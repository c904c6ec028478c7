# Invariant 4: a revocation that arrives by logical replication bites in a
# session that is open on the subscriber.  Only triggers enabled ALWAYS fire for
# replicated rows.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
init_cluster($publisher, allows_streaming => 'logical');
$publisher->start;
make_fixture($publisher, 'postgres');
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
init_cluster($subscriber, allows_streaming => 'logical');
$subscriber->start;
make_fixture($subscriber, 'postgres', without => ['rows']);

my $count = 'SELECT count(*) FROM casnet.records';
my $ben = open_session($subscriber, 'postgres', 'ben', 'north');
my $max = open_session($subscriber, 'postgres', 'max', 'south');
is(ask($ben, $count), '28000', 'nobody is there yet');

# The roles' permissions come with the rest.
$subscriber->safe_psql('postgres', 'TRUNCATE casnet.role_permissions');
$publisher->safe_psql('postgres', q{
	CREATE PUBLICATION casnet FOR TABLE casnet.users, casnet.tenants, casnet.user_tenants,
		casnet.role_permissions, casnet.user_tenant_permissions, casnet.records, casnet.tasks, casnet.tags});
my $connstr = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION casnet CONNECTION '$connstr' PUBLICATION casnet");
$subscriber->wait_for_subscription_sync($publisher, 'casnet');
is(ask($ben, $count), '2', 'the first copy reaches an open session');
is(ask($max, $count), '1', 'and that of a superuser');

# sql on the publisher, applied on the subscriber.
sub apply
{
	my ($sql) = @_;

	$publisher->safe_psql('postgres', $sql);
	$publisher->wait_for_catchup('casnet');
	return;
}

apply("INSERT INTO casnet.records (tenant_id, title) VALUES ('$ID{north}', 'north 3')");
is(ask($ben, $count), '3', 'rows arrive');
apply("ALTER TABLE casnet.tags DISABLE TRIGGER USER; INSERT INTO casnet.tags (tenant_id, name) VALUES ('$ID{north}', ' padded ')");
is($subscriber->safe_psql('postgres', "SELECT '<' || name || '>' FROM casnet.tags WHERE name ~ 'padded'"), '<padded>', 'and names get their form, whatever the publisher has');

ask($ben, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
is(ask($ben, $count), '3', 'in a transaction before');
apply("DELETE FROM casnet.user_tenants WHERE user_id = '$ID{ben}' AND tenant_id = '$ID{north}'");
is(ask($ben, $count), '42501', 'a removal bites');
ask($ben, 'ROLLBACK');
is(ask($ben, $count), '42501', 'and after the transaction');

ask($ben, "SELECT casnet.use_tenant('south')");
is(ask($ben, $count), '1', 'not in the other tenant');
apply("UPDATE casnet.user_tenants SET role = 'member' WHERE user_id = '$ID{ben}'");
is(ask($ben, "INSERT INTO casnet.persons (name) VALUES ('x') RETURNING name"), 'x', 'a promotion counts');
apply("DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_records'");
is(ask($ben, $count), '42501', 'role_permissions');
apply("INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES ('$ID{ben}', '$ID{south}', 'view_records')");
is(ask($ben, $count), '1', 'a permission in person');
apply('TRUNCATE casnet.user_tenant_permissions');
is(ask($ben, $count), '42501', 'TRUNCATE');
apply("INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES ('$ID{ben}', '$ID{south}', 'view_records')");
is(ask($ben, $count), '1', 'once more');
apply("UPDATE casnet.users SET is_active = false WHERE username = 'ben'");
is(ask($ben, $count), '28000', 'is_active');
apply("UPDATE casnet.users SET is_superuser = false WHERE username = 'max'");
is(ask($max, $count), '42501', 'is_superuser');
apply("DELETE FROM casnet.users WHERE username = 'max'");
is(ask($max, $count), '28000', 'a deleted user');

# Replication deletes entries of the audit there too, which nothing else is allowed to do.
my $entries = 'SELECT count(*) FROM casnet_internal.audit_entries';
$publisher->safe_psql('postgres', "SELECT casnet.enable_audit('casnet.records'); ALTER PUBLICATION casnet ADD TABLE casnet_internal.audit_entries");
$subscriber->safe_psql('postgres', $_) foreach 'SELECT casnet.maintain_audit()', 'ALTER SUBSCRIPTION casnet REFRESH PUBLICATION';
$subscriber->wait_for_subscription_sync($publisher, 'casnet');
apply("INSERT INTO casnet.records (tenant_id, title) VALUES ('$ID{south}', 'recorded')");
is($subscriber->safe_psql('postgres', $entries), '1', 'an entry of the audit');
$publisher->safe_psql('postgres', "SELECT casnet_internal.remove_audit_entries('$ID{south}', NULL, NULL)");
{
	local $PostgreSQL::Test::Utils::timeout_default = 10;
	ok($subscriber->poll_query_until('postgres', $entries, '0'), 'is deleted');
}

# And it blanks those about a person who was erased.
my $names = q{SELECT string_agg(concat_ws(' ', action, after->>'name'), ', ' ORDER BY at) FROM casnet_internal.audit_entries WHERE relation = 'casnet.persons'};
my $somebody = $publisher->safe_psql('postgres', "INSERT INTO casnet.users (username, email, is_superuser) VALUES ('eva', 'eva\@x.test', true) RETURNING id");
$publisher->safe_psql('postgres', "SELECT casnet.enable_audit('casnet.persons')");
my $erased = $publisher->safe_psql('postgres', "INSERT INTO casnet.persons (tenant_id, name) VALUES ('$ID{south}', 'ann') RETURNING id");
$publisher->wait_for_catchup('casnet');
is($subscriber->safe_psql('postgres', $names), 'INSERT ann', 'an entry about a person');
$publisher->safe_psql('postgres', "SET casnet.user_id = '$somebody'; SET casnet.tenant_id = '$ID{south}'; SELECT casnet.erase_person('$erased')");
$publisher->wait_for_catchup('casnet');
is($subscriber->safe_psql('postgres', $names), 'INSERT, DELETE, ERASE', 'is blanked');

$_->quit foreach $ben, $max;
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION casnet');
$_->stop foreach $subscriber, $publisher;
done_testing();
