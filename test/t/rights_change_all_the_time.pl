# An owner who changes rights in a tenant without a pause does not keep others from
# changing many memberships at once.  COMMIT judges all of them again, and comes to an end.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('all_the_time');
init_cluster($node);
$node->start;
make_fixture($node, 'postgres');
$node->safe_psql('postgres', "UPDATE casnet.users SET is_superuser = true WHERE username = 'ada';"
	. "INSERT INTO casnet.tenants (name) SELECT 'tenant ' || n FROM generate_series(1, 400) AS n");

# A session that never pauses.
my $busy = $node->background_psql('postgres', on_error_stop => 0);
$busy->query_until(qr/busy/, q{\echo busy
DO $$
BEGIN
	FOR i IN 1 .. 1000000 LOOP
		UPDATE casnet.user_tenants SET role = CASE role WHEN 'viewer' THEN 'member' ELSE 'viewer' END
		 WHERE role IN ('viewer', 'member') AND tenant_id = (SELECT id FROM casnet.tenants WHERE name = 'south');
		COMMIT;
	END LOOP;
END
$$;
});

my $ada = open_session($node, 'postgres', 'ada', 'north');
foreach my $n (1 .. 3)
{
	ask($ada, 'BEGIN');
	is(ask($ada, q{DO $$
		BEGIN
			FOR i IN 1 .. 400 LOOP
				PERFORM casnet.use_tenant('tenant ' || i);
				PERFORM casnet.add_member('ben', CASE i % 2 WHEN 0 THEN 'viewer' ELSE 'member' END);
			END LOOP;
		END $$}), '', 'members of 400 tenants');
	is(ask($ada, 'COMMIT'), '', 'and their COMMIT');
	is($node->safe_psql('postgres', "DELETE FROM casnet.user_tenants AS m USING casnet.tenants AS t WHERE t.id = m.tenant_id AND t.name LIKE 'tenant %' RETURNING 1") =~ tr/1//, '400', 'all are there');
}
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1000000 LOOP%' AND state = 'active' AND pid <> pg_backend_pid()"), '1', 'while rights changed');

$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%1000000 LOOP%' AND pid <> pg_backend_pid()");
eval { $busy->quit };
$ada->quit;
$node->stop;
done_testing();
