# Roles and parameters belong to the cluster.  Databases that create or restore
# the extension at the same moment do not disturb each other, neither the first
# time nor when the roles exist.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('install');
init_cluster($node);
$node->start;
my @databases = map { "db$_" } 1 .. 4;
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach @databases;

foreach my $round (1 .. 4)
{
	my @sessions = map { $node->background_psql($_, on_error_stop => 0) } @databases;

	# A lock on shared catalogs holds all of them up, so that they start together.
	my $gate = $node->background_psql('postgres');
	$gate->query_safe('BEGIN; LOCK TABLE pg_authid, pg_parameter_acl');
	$_->{stdin} .= "CREATE EXTENSION casnet;\n" foreach @sessions;
	$_->{run}->pump_nb foreach @sessions;
	$gate->query_safe('COMMIT');
	$gate->quit;
	foreach my $session (@sessions)
	{
		$session->query('SELECT 1');
		is($session->{stderr}, '', "round $round");
		$session->quit;
	}
	is($node->safe_psql($_, 'SELECT count(*) > 0 FROM casnet.role_permissions'), 't', "round $round: $_") foreach @databases;
	# what is granted in the cluster is no initial privilege of an object here
	is($node->safe_psql($_, q{SELECT count(*) FROM pg_init_privs WHERE classoid = 'pg_parameter_acl'::regclass}), '0', "round $round: $_")
	  foreach @databases;
	$node->safe_psql($_, 'DROP EXTENSION casnet CASCADE; DROP SCHEMA casnet, casnet_internal CASCADE') foreach @databases;
	$node->safe_psql('postgres', 'DROP OWNED BY casnet_user, casnet_authenticator, casnet_admin, casnet_owner; DROP ROLE casnet_user, casnet_authenticator, casnet_admin, casnet_owner')
	  if $round % 2;
}
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'casnet%'"), 4, 'four roles');

$node->stop;
done_testing();
