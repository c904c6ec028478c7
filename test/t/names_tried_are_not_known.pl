# A user tries the name of a tenant in vain, and then an id.  What the server counts for the
# id does not reveal that it belongs to the tenant of that name.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('names');
init_cluster($node);
$node->append_conf('postgresql.conf', "session_preload_libraries = 'casnet'");
$node->start;
make_fixture($node, 'postgres');
my $hidden = $node->safe_psql('postgres', "INSERT INTO casnet.tenants (name) VALUES ('hidden') RETURNING id");
my $other = $node->safe_psql('postgres', "INSERT INTO casnet.tenants (name) VALUES ('other') RETURNING id");

# The scans of memberships that the second of two statements makes.
sub scans_after
{
	my ($first, $second) = @_;
	my $ada = open_session($node, 'postgres', 'ada', 'north');
	my $count = "SELECT coalesce(sum(pg_stat_get_xact_numscans(oid)), 0) FROM pg_class WHERE relname = 'user_tenants_pkey'";

	ask($ada, $_) foreach 'SELECT FROM casnet.records', $first, 'SELECT pg_sleep(1.1)', 'BEGIN', 'SAVEPOINT a';
	my $before = ask($ada, $count);
	my $error = ask($ada, $second);
	ask($ada, 'ROLLBACK TO a');
	my $after = ask($ada, $count);
	$ada->quit;
	return "$error, " . ($after - $before) . ' scans';
}

my $unknown = scans_after('SELECT 1', "SELECT casnet.use_tenant('00000000-0000-0000-0000-0000000000ff'::uuid)");
like($unknown, qr/^P0002, [1-9]/, 'an id is looked up');
foreach my $id ($hidden, $other)
{
	is(scans_after("SELECT casnet.use_tenant('hidden')", "SELECT casnet.use_tenant('$id'::uuid)"), $unknown, 'as is one after a name');
	is(scans_after("SELECT casnet.use_tenant('$hidden')", "SELECT casnet.use_tenant('$id'::uuid)") eq $unknown, $id ne $hidden, 'whoever has given an id knows it');
}

$node->stop;
done_testing();
