# Invariant 2: a value of casnet.user_id that was set before the library is loaded is a
# placeholder, which anybody can set.  However it was set, it never takes effect for a role
# without the privilege to set the parameter.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('placeholder');
init_cluster($node);
$node->start;
make_fixture($node, 'postgres');
my $super = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', 'GRANT CREATE ON DATABASE postgres TO casnet_plain; CREATE DATABASE own OWNER casnet_plain');
make_fixture($node, 'own', without => ['roles']);

my $count = 'SELECT count(*) FROM casnet.records';
my $me = "casnet.user_id = '$ID{ada}'";
my $here = "SET casnet.tenant_id = '$ID{north}';";

# Each answer is that of the last statement, in a connection of its own.
sub plain_is
{
	my ($sql, $expected, $name, $options) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is(ask_once($node, 'postgres', 'casnet_plain', $sql, $options), $expected, "ordinary role: $name");
	return;
}

sub app_is
{
	my ($sql, $expected, $name, $options) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is(ask_once($node, 'postgres', 'casnet_app', $sql, $options), $expected, "trusted backend: $name");
	return;
}

# All cases, with the library loaded at first use and at session start.
foreach my $preload ('', '-c session_preload_libraries=casnet')
{
	$node->append_conf('postgresql.conf', $preload ? 'session_preload_libraries = casnet' : '');
	$node->reload;
	my $how = $preload ? 'preloaded' : 'loaded at first use';
	my $options = "-c casnet.user_id=$ID{ada} -c casnet.tenant_id=$ID{north}";

	plain_is("$count;", '28000', "connection option, $how", $options);
	plain_is("SELECT casnet.current_user_id() IS NULL", 't', "whose user is nobody, $how", $options);
	plain_is("SET $me; $here $count", '28000', "SET, $how");
	plain_is("BEGIN; SET LOCAL $me; SET LOCAL casnet.tenant_id = '$ID{north}'; $count", '28000', "SET LOCAL, $how")
	  unless $preload;	# there the SET fails and ends the transaction
	plain_is("SELECT set_config('casnet.user_id', '$ID{ada}', false); $here $count", '28000', "set_config, $how");
	plain_is("BEGIN; SET LOCAL $me; SAVEPOINT s; SELECT casnet.uuid_v7(); ROLLBACK TO s; $here $count", '28000',
		"a savepoint around the load, $how") unless $preload;
	plain_is("SET $me; BEGIN; SELECT casnet.uuid_v7(); ROLLBACK; $here $count", '28000',
		"a rollback around the load, $how");
	plain_is("SET $me; BEGIN; SET LOCAL casnet.user_id = '$ID{ben}'; SELECT casnet.uuid_v7(); COMMIT; $here $count",
		'28000', "two values on the stack, $how") unless $preload;
	plain_is("SET \"CasNet.User_Id\" = '$ID{ada}'; $here $count", '28000', "another spelling, $how");
	plain_is("ALTER ROLE casnet_plain SET $me", '42501', "ALTER ROLE, $how");
	plain_is("$here $count", '28000', "and the session after it, $how");
	plain_is("UPDATE pg_settings SET setting = '$ID{ada}' WHERE name = 'casnet.user_id'; $here $count", '28000',
		"pg_settings, $how");
	is(ask_once($node, 'own', 'casnet_plain', "ALTER DATABASE own SET $me"), '42501', "ALTER DATABASE by its owner, $how");
	is(ask_once($node, 'own', 'casnet_plain', "$here $count"), '28000', "and the session after it, $how");
	plain_is("CREATE SCHEMA IF NOT EXISTS mine; CREATE FUNCTION mine.f() RETURNS bigint LANGUAGE sql SET $me AS '$count'",
		'42501', "a function with SET, $how");
	plain_is("CREATE OR REPLACE FUNCTION mine.g() RETURNS text LANGUAGE sql AS \$\$ SELECT set_config('casnet.user_id', '$ID{ada}', true) \$\$; SELECT mine.g(); $here $count",
		'28000', "a function that calls set_config, $how");
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_db_role_setting WHERE setconfig::text LIKE '%casnet.user_id%'"),
		0, "nothing was stored, $how") or diag($node->safe_psql('postgres', 'SELECT * FROM pg_db_role_setting'));

	# A role with the privilege to set it gets the identity it sets.
	app_is($count, '2', "connection option, $how", $options);
	app_is("SET $me; $here $count", '2', "SET, $how");
	app_is("SELECT set_config('casnet.user_id', '$ID{ben}', false); SET casnet.tenant_id = '$ID{south}'; $count", '1',
		"set_config, $how");
	app_is("BEGIN; SET LOCAL $me; SET LOCAL casnet.tenant_id = '$ID{north}'; $count", '2', "SET LOCAL, $how");
	app_is("BEGIN; SET LOCAL $me; SELECT casnet.uuid_v7(); ROLLBACK; $here $count", '28000', "SET LOCAL and ROLLBACK, $how");

	# A malformed value counts as none.
	foreach my $bad ('x', $ID{ada} . '0', '{' . $ID{ada}, "$ID{ada}x", ' ')
	{
		(my $quoted = $bad) =~ s/ /\\ /g;
		app_is($count, '28000', "malformed option \"$bad\", $how", "-c casnet.user_id=$quoted");
		app_is("SET casnet.user_id = '$bad'; $here $count", '28000', "malformed value \"$bad\", $how");
	}
	app_is($count, '55000', "malformed tenant, $how", "-c casnet.user_id=$ID{ada} -c casnet.tenant_id=x");
	app_is("SET $me; SET casnet.tenant_id = 'x'; $count", '55000', "malformed tenant by SET, $how");

	# Becoming another role, either way.
	app_is("SET $me; SET ROLE casnet_user; $here $count", '2', "SET, then SET ROLE, $how");
	app_is("SET ROLE casnet_user; SET $me; $here $count", '28000', "SET ROLE, then SET, $how");
	app_is("SELECT casnet.uuid_v7(); SET ROLE casnet_user; SET $me", '42501', "SET ROLE, loaded, then SET, $how");
	is(ask_once($node, 'postgres', $super, "SET SESSION AUTHORIZATION casnet_plain; SET $me; $here $count"), '28000',
		"a superuser as an ordinary role, $how");
	is(ask_once($node, 'postgres', $super, "SET SESSION AUTHORIZATION casnet_app; SET $me; $here $count"), '2',
		"a superuser as a trusted backend, $how");
	is(ask_once($node, 'postgres', $super, "SET $me; SET SESSION AUTHORIZATION casnet_plain; $here $count"), '2',
		"a superuser's own SET holds, $how");

	# Other names under casnet.
	plain_is('SELECT casnet.uuid_v7(); SET casnet.nonsense = 1', '42602', "another name, $how");
	plain_is("SET casnet.nonsense = 1; SELECT casnet.uuid_v7(); SHOW casnet.nonsense", '42704',
		"another name before, $how");
}

# An administrator sets it for a role that cannot set it itself.
$node->safe_psql('postgres', "ALTER ROLE casnet_plain SET $me");
plain_is("$here $count", '2', 'set for the role by a superuser');
$node->safe_psql('postgres', 'ALTER ROLE casnet_plain RESET ALL');
plain_is("$here $count", '28000', 'and not any more');

# Preloaded in every process.
$node->append_conf('postgresql.conf', "session_preload_libraries = ''\nshared_preload_libraries = casnet");
$node->restart;
plain_is("$here $count", '28000', 'preloaded by the server');
plain_is("SET $me; $here $count", '28000', 'SET, preloaded by the server');
my $answer = ask_once($node, 'postgres', 'casnet_plain', "$here $count", "-c casnet.user_id=$ID{ada}");
isnt($answer, '2', 'connection option, preloaded by the server');
app_is("$here $count", '2', 'connection option, preloaded by the server', "-c casnet.user_id=$ID{ada}");

$node->stop;
done_testing();
