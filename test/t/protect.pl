# Protected tables survive what casnet's own survive: dump and restore, and the loss of
# the extension.  What casnet knows of them is kept, also what unprotect() needs.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('protect');
init_cluster($node);
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source; CREATE DATABASE bare');
make_fixture($node, 'source');

# Tables as an application makes them, and their state before.
my $tables = q{
	CREATE SCHEMA app;
	GRANT USAGE ON SCHEMA app TO casnet_user;
	CREATE TABLE app."Our Notes" (id int PRIMARY KEY, body text, updated_at timestamptz);
	INSERT INTO app."Our Notes" VALUES (1, 'one');
	CREATE TABLE app.days (day date NOT NULL) PARTITION BY RANGE (day);
	CREATE TABLE app.days_21 PARTITION OF app.days FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
};
$node->safe_psql('source', $tables);
$node->safe_psql('bare', $tables);

sub dump_of
{
	my ($database, @options) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '-d', $node->connstr($database), @options ]);

	is($err, '', "pg_dump of $database");
	$out =~ s/^\\(un)?restrict .*$//mg;
	return $out;
}

# The description of the application's tables, without privileges: after REVOKE,
# an explicit list remains that means the same as none.
sub app_of
{
	my ($database) = @_;

	return dump_of($database, '-n', 'app', '-x');
}

$node->safe_psql('source', qq{
	SELECT casnet.protect('app."Our Notes"', 'notes', '$ID{north}');
	SELECT casnet.protect('app.days');
	INSERT INTO app."Our Notes" (tenant_id, id, body) VALUES ('$ID{south}', 2, 'two');
	INSERT INTO app.days (tenant_id, day) VALUES ('$ID{north}', '2021-01-01'), ('$ID{south}', '2021-02-02');
	SELECT casnet.guard_schema('app');
	CREATE TABLE public.gone (id int);
	SELECT casnet.protect('public.gone');
	DROP TABLE public.gone;
	DROP VIEW IF EXISTS public.gone_load;
});

sub check
{
	my ($database) = @_;

	is($node->safe_psql($database, 'SELECT relation, resource, cardinality(policies), row_security, forced FROM casnet.protected_tables ORDER BY 2'),
		"app.days|days|4|t|t\napp.\"Our Notes\"|notes|4|t|t", "$database: protected_tables");
	my $ben = open_session($node, $database, 'ben', 'north');
	is(ask($ben, 'SELECT body FROM app."Our Notes"'), 'one', "$database: rows of the tenant");
	is(ask($ben, "BEGIN; INSERT INTO app.\"Our Notes\" (id) VALUES (9) RETURNING tenant_id; ROLLBACK"),
		$ID{north}, "$database: the default");
	is(ask($ben, "BEGIN; UPDATE app.\"Our Notes\" SET body = 'one' RETURNING updated_at IS NOT NULL; ROLLBACK"),
		't', "$database: the trigger");
	is(ask($ben, 'DELETE FROM app."Our Notes"'), '42501', "$database: a member does not delete");
	is(ask($ben, 'SELECT day FROM app.days'), '2021-01-01', "$database: a partitioned table");
	is(ask($ben, "SET casnet.tenant_id = '$ID{south}'; SELECT body FROM app.\"Our Notes\""), 'two', "$database: the other tenant");
	$ben->quit;
	is(ask_once($node, $database, 'casnet_plain', 'TABLE app.days'), '28000', "$database: nobody sees nothing");
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_policies WHERE tablename = 'days_21'}), 4, "$database: policies of a partition");
	my ($status, $out, $err) = $node->psql($database, 'CREATE TABLE app.more (id int)');
	like($err, qr/would not be protected/, "$database: the schema is guarded");
	return;
}

check('source');
my $original = dump_of('source');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $from = $node->connstr('source');
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(plain single halves);
command_ok([ 'pg_dump', '-d', $from, '-f', "$dir/plain.sql" ], 'plain dump');
command_ok([ 'pg_dump', '-d', $from, '-Fc', '-f', "$dir/custom" ], 'custom dump');
command_ok([ 'pg_dump', '-d', $from, '-s', '-f', "$dir/schema.sql" ], 'dump of the schema');
command_ok([ 'pg_dump', '-d', $from, '-a', '-f', "$dir/data.sql" ], 'dump of the data');

sub psql_file
{
	my ($database, $file) = @_;

	return [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-f', $file ];
}

command_ok(psql_file('plain', "$dir/plain.sql"), 'psql restores');
command_ok([ 'pg_restore', '-e', '-1', '-d', $node->connstr('single'), "$dir/custom" ], 'pg_restore -e -1 restores');
command_ok(psql_file('halves', "$dir/schema.sql"), 'psql restores the schema');
command_ok(psql_file('halves', "$dir/data.sql"), 'and then the data');
foreach my $database (qw(plain single halves))
{
	ok(dump_of($database) eq $original, "$database: its dump is the same");
	check($database);
}

# Over existing tables, with the schema guarded all the while.
command_ok([ 'pg_restore', '-e', '-1', '--clean', '--if-exists', '-d', $node->connstr('plain'), "$dir/custom" ],
	'pg_restore --clean restores');
check('plain');

# A row about a dropped table that was restored counts for no other table.
is($node->safe_psql('single', 'SELECT count(*) FROM casnet_internal.protected'), 3, 'it is in the dump');
$node->safe_psql('single', q{UPDATE casnet_internal.protected SET relation = 'app.days' WHERE resource = 'gone'});
is($node->safe_psql('single', q{SELECT resource FROM casnet.protected_tables WHERE relation = 'app.days'::regclass}),
	'days', 'even with the OID of another protected one');
$node->safe_psql('single', 'SELECT casnet.install()');
check('single');

# The extension is dropped, which denies everyone, and created again.
$node->safe_psql('halves', 'SET client_min_messages = warning; DROP EXTENSION casnet CASCADE');
is($node->safe_psql('halves', 'SELECT count(*) FROM app."Our Notes"'), 2, 'no row is lost');
is($node->safe_psql('halves', 'SELECT count(*) FROM casnet_internal.protected'), 3, 'nor what is known of the tables');
is(ask_once($node, 'halves', 'casnet_plain', 'SELECT count(*) FROM app."Our Notes"'), 0, 'nobody sees any');
is(ask_once($node, 'halves', 'casnet_plain', 'SELECT count(*) FROM app.days_21'), '42501', 'nor in a partition');
is(ask_once($node, 'halves', 'casnet_plain', "INSERT INTO app.days VALUES ('2021-03-03', '$ID{north}')"), '42501', 'or writes');
$node->safe_psql('halves', 'CREATE TABLE app.meanwhile (id int); DROP TABLE app.meanwhile');
$node->safe_psql('halves', 'CREATE EXTENSION casnet');
check('halves');
ok(dump_of('halves') eq $original, 'the dump is the same again');
is($node->safe_psql('halves', q{
	SELECT count(*) FROM pg_depend WHERE deptype = 'e'
	   AND (classid = 'pg_class'::regclass OR classid = 'pg_event_trigger'::regclass
			AND objid = (SELECT oid FROM pg_event_trigger WHERE evtname = 'casnet_guard'))}),
	0, 'no view or table is a member of the extension, nor the guard');

# Undone after all of it, the tables are as they were.
$node->safe_psql('halves', qq{
	DELETE FROM casnet.tenants WHERE id = '$ID{south}';
	SELECT casnet.unprotect('app."Our Notes"'), casnet.unprotect('app.days');
	DELETE FROM app.days;
	SELECT casnet.guard_schema('app', 'off')});
ok(app_of('halves') eq app_of('bare'), 'unprotect() after a restore');
is($node->safe_psql('halves', q{SELECT count(*) FROM casnet.role_permissions WHERE permission ~ 'notes|days'}), 0,
	'and their permissions are gone');

$node->stop;
done_testing();
