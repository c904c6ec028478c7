# The server preloads casnet, but a database does not have the extension, or not any more.
# Policies of its own hold there as if casnet did not exist.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('without');
init_cluster($node);
$node->append_conf('postgresql.conf', 'shared_preload_libraries = casnet');
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE reader LOGIN;
CREATE TABLE own (tenant text NOT NULL, title text);
INSERT INTO own VALUES ('north', 'a'), ('north', 'b'), ('south', 'c');
ALTER TABLE own ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON own USING (tenant = current_setting('own.tenant'));
GRANT SELECT, INSERT, UPDATE ON own TO reader;
SQL

my $reader = open_session($node, 'postgres', undef, undef, 'reader');

# What a session sees and changes, and what it is refused, in every way that casnet checks.
sub policies_hold
{
	my ($when) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ask($reader, "SET own.tenant = 'north'");
	is(ask($reader, 'SELECT count(*) FROM own'), '2', "rows of the tenant, $when");
	is(ask($reader, 'EXECUTE counted'), '2', "the same by a generic plan, $when");
	is(ask($reader, "SET own.tenant = 'south'; EXECUTE counted"), '1', "and in another tenant, $when");
	is(ask($reader, "UPDATE own SET title = title || 'x' RETURNING tenant"), 'south', "a change, $when");
	is(ask($reader, "INSERT INTO own VALUES ('north', 'd')"), '42501', "a row of another tenant, $when");
	like(ask($reader, 'EXPLAIN (COSTS OFF) SELECT * FROM own'), qr/Seq Scan on own/, "EXPLAIN, $when");
	return;
}

ask($reader, 'SET plan_cache_mode = force_generic_plan');
ask($reader, 'PREPARE counted AS SELECT count(*) FROM own');
policies_hold('without casnet');
is(ask($reader, "SELECT set_config('casnet.tenant_id', '$ID{north}', false)"), $ID{north}, 'the settings are there');
is(ask($reader, "SET casnet.tenant_id = 'no id'"), '22023', 'and are checked');
is(ask($reader, 'SELECT casnet.current_user_id()'), '3F000', 'but nothing else is');

$node->safe_psql('postgres', 'CREATE EXTENSION casnet');
policies_hold('with casnet');
is(ask($reader, 'SELECT casnet.uuid_v7() IS NULL'), '42501', 'casnet is there, for its own roles');
$node->safe_psql('postgres', 'DROP EXTENSION casnet CASCADE; DROP SCHEMA IF EXISTS casnet, casnet_internal CASCADE');
policies_hold('when casnet is gone');
$reader->quit;

$node->stop;
done_testing();
