# Invariant 9: a database with everything in it (CasnetLife.pm) comes back the same by every
# way of pg_dump, pg_restore and psql: rows, catalogs, and what each user can do.  A restore
# that leaves something out either reports that or denies access.
#
# PG_TEST_EXTRA=casnet_long takes more formats, and asks everybody each time.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetLife;
use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('everything');
init_cluster($node);
$node->start;
databases($node, 'source');
make_everything($node, 'source');
my $behaviour = behaviour($node, 'source');
my $source = fingerprint($node, 'source');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $long = $ENV{PG_TEST_EXTRA} && $ENV{PG_TEST_EXTRA} =~ /\bcasnet_long\b/;

# Settings belong to a database, which has another name here.
my $not_settings = qr/^settings [-] \(.*,"this database",/;

# pg_dump of the source to a file.
sub dump_to
{
	my ($file, @options) = @_;

	command_ok([ 'pg_dump', '-d', $node->connstr('source'), '-f', "$dir/$file", @options ], "pg_dump to $file");
	return "$dir/$file";
}

sub restore
{
	my ($database, $file, @options) = @_;

	command_ok([ 'pg_restore', '-e', '-d', $node->connstr($database), @options, $file ],
		join ' ', 'pg_restore', @options, "into $database");
	return;
}

# A restored database, and whether it behaves as well.
sub is_restored
{
	my ($database, $behaves) = @_;

	same_as("$database: rows and catalogs", fingerprint($node, $database), $source, $not_settings);
	same_as("$database: behaviour", behaviour($node, $database), $behaviour) if $behaves || $long;
	return;
}

# Every way that gives all of it.
databases($node, qw(plain custom sections parallel inserts halves));
command_ok(psql_file($node, 'plain', dump_to('plain.sql'), '-1'), 'psql -1 into plain');
is_restored('plain', 1);
my $custom = dump_to('custom', '-Fc');
restore('custom', $custom, '-1');
is_restored('custom');
restore('sections', $custom, "--section=$_") foreach qw(pre-data data post-data);
is_restored('sections');
# Not the constraints: if a partitioned table has a foreign key, workers of pg_restore
# that attach its indexes and create the key can deadlock.
my $folder = dump_to('folder', '-Fd', '-j', '4', '--load-via-partition-root');
restore('parallel', $folder, '--section=pre-data', '--section=data', '-j', '4');
restore('parallel', $folder, '--section=post-data');
is_restored('parallel', 1);
command_ok(psql_file($node, 'inserts', dump_to('inserts.sql', '--column-inserts', '--rows-per-insert=7', '--quote-all-identifiers')),
	'psql into inserts');
is_restored('inserts');

# First the schema.  It is empty, and nobody gets in, not even with a token.
command_ok(psql_file($node, 'halves', dump_to('schema.sql', '-s')), 'the schema');
$node->safe_psql('halves', 'REFRESH MATERIALIZED VIEW public.totals');
my @let_in = grep { !/^nobody.*: \(f\)$/ && !/: 28000(\|28000)?$/ && !/: (42501|22023)$/ && !/role_permissions: \(0\)$/ && $_ ne 'login: 28P01' } @{ behaviour($node, 'halves')->{behaviour} };
is(join("\n", @let_in), '', 'denies everybody while it is empty');


# A new installation from the schema: install() adds the rows that every new one has.
databases($node, 'staging');
command_ok(psql_file($node, 'staging', "$dir/schema.sql"), 'the schema for another installation');
$node->safe_psql('staging', 'SELECT casnet.install()');
is($node->safe_psql('staging', 'SELECT count(*), count(DISTINCT permission) FROM casnet.role_permissions'), '76|29', 'has the permissions of the roles');
is($node->safe_psql('staging', 'SELECT count(*) FROM casnet_internal.signing_keys'), 1, 'and a key');
$node->safe_psql('staging', "INSERT INTO casnet.users (id, username, email) VALUES ('$ID{ada}', 'ada', 'ada\@example.org');
	INSERT INTO casnet.tenants (id, name) VALUES ('$ID{north}', 'first');
	INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ada}', '$ID{north}', 'owner')");
is(ask_once($node, 'staging', 'casnet_plain', "SET casnet.token = '" . token_of($node, 'staging', 'ada', 'north') . "'; INSERT INTO casnet.records (title) VALUES ('first') RETURNING title"),
	'first', 'and its users can begin');

# Then the data.  --disable-triggers leaves triggers that fire always as ordinary ones,
# which the doctor reports and install() repairs.
my $data = dump_to('data.sql', '-a', '--disable-triggers');
command_ok(psql_file($node, 'halves', $data), 'and the data');
$node->safe_psql('halves', 'REFRESH MATERIALIZED VIEW public.totals');
isnt($node->safe_psql('halves', "SELECT count(*) FROM casnet.doctor() WHERE code = 'trigger-missing'"), 0, 'the doctor sees triggers that do not always fire');
$node->safe_psql('halves', 'SELECT casnet.install()');
is_restored('halves', 1);
databases($node, 'replica');
command_ok(psql_file($node, 'replica', "$dir/schema.sql"), 'the schema once more');
{
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	command_ok(psql_file($node, 'replica', dump_to('data2.sql', '-a')), 'and the data with session_replication_role, as it should be');
}
$node->safe_psql('replica', 'REFRESH MATERIALIZED VIEW public.totals');
is_restored('replica');
if ($long)
{
	databases($node, qw(tar folder rows security));
	restore('tar', dump_to('tar', '-Ft'), '-1');
	restore('folder', dump_to('folder1', '-Fd'), '-j', '2');
	command_ok(psql_file($node, 'rows', dump_to('rows.sql', '--inserts', '--on-conflict-do-nothing')), 'psql into rows');
	is_restored($_) foreach qw(tar folder rows);
}

# The data alone, into tables that CREATE EXTENSION has made.  This works only after the
# rows of a new installation are deleted; otherwise it fails as a whole.
databases($node, qw(small installed));
make_fixture($node, 'small', without => ['roles']);
$node->safe_psql('installed', 'CREATE EXTENSION casnet');
my $new = fingerprint($node, 'installed');
command_ok([ 'pg_dump', '-a', '-d', $node->connstr('small'), '-f', "$dir/small.sql" ], 'the data of a plain database');
{
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	$node->command_fails_like(psql_file($node, 'installed', "$dir/small.sql", '-1'), qr/duplicate key/, 'is not put on top of a new installation');
	same_as('which stays as it is', fingerprint($node, 'installed'), $new);
	$node->safe_psql('installed', 'TRUNCATE casnet.roles, casnet_internal.signing_keys CASCADE');
	command_ok(psql_file($node, 'installed', "$dir/small.sql", '-1'), 'but is restored once that is empty');
}
same_as('installed: rows and catalogs', fingerprint($node, 'installed'), fingerprint($node, 'small'));

# Over existing tables, and over later changes.
$node->safe_psql('plain', qq{
	DELETE FROM casnet.users WHERE username = 'mia';
	ALTER TABLE casnet.records DROP COLUMN file_number CASCADE;
	DROP POLICY casnet_select ON casnet.records;
	CREATE TABLE casnet.more (id integer);
	DELETE FROM app.cases});
cmp_ok(scalar differences(fingerprint($node, 'plain'), $source), '>', 10, 'all of which the fingerprint shows');
cmp_ok(scalar differences(behaviour($node, 'plain'), $behaviour), '>', 10, 'and the behaviour');
$node->safe_psql('plain', 'DROP TABLE casnet.more');
# pg_dump drops the constraints of a partition's partitions, which the server refuses.
$node->safe_psql('plain', 'DROP TABLE app.days');
restore('plain', $custom, '-1', '--clean', '--if-exists');
is_restored('plain', 1);


# Ways that leave something out.  Without privileges nobody reads a row.
databases($node, qw(bare schemas policies refused));
restore('bare', $custom, '-O', '-x');
is(join("\n", grep { /SELECT count.* FROM (?:casnet|casnet_internal|app|public)\.\w+: \(|^token.*\|\(|(?:INSERT|UPDATE|DELETE|COPY).*: (?!\w{5}$)/ } @{ behaviour($node, 'bare')->{behaviour} }), '',
	'-x: nobody reads or writes a row');

# A dump of single schemas needs the extensions (-e) as well; without them it fails.
$node->command_fails_like(psql_file($node, 'refused', dump_to('schemas0.sql', '-n', 'casnet', '-n', 'casnet_internal', '-n', 'app'), '-1'),
	qr/does not exist/, '-n without -e does not restore');
command_ok(psql_file($node, 'schemas', dump_to('schemas.sql', '-n', 'casnet', '-n', 'casnet_internal', '-n', 'app', '-e', 'casnet', '-e', 'pg_trgm'), '-1'), '-n with -e does');
$node->safe_psql('schemas', 'SELECT casnet.install()');
same_as('schemas: rows and catalogs of these', fingerprint($node, 'schemas'), $source,
	qr/^settings|^publications|[( ]"?(?:public|locked)[.,]|^members/);

# Without the entries of the audit and without the signing keys.
databases($node, 'lean');
restore('lean', dump_to('lean', '-Fc', '--exclude-table-data=casnet_internal.audit_entries*', '--exclude-table-data=casnet_internal.signing_keys'));
same_as('lean: rows and catalogs but of these', fingerprint($node, 'lean'), $source, qr/$not_settings|^rows . casnet_internal\.(?:audit_entries_\w+|signing_keys) /);
is(ask_once($node, 'lean', 'casnet_plain', "SET casnet.token = '$TOKENS{good}'; SELECT count(*) FROM casnet.records"), '28000', 'lean: a token of before proves nobody');

# Who dumps.  A role that cannot read all rows dumps none, unless it asks for its own.
sub dump_as
{
	my ($role, @options) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '-d', $node->connstr('source') . " user=$role", @options ]);

	$out =~ s/^\\(un)?restrict .*$//mg;
	return ($out, $err);
}
$ENV{PGOPTIONS} = "-c casnet.user_id=$ID{ben} -c casnet.tenant_id=$ID{south}";
my ($out, $err) = dump_as('casnet_app', '-t', 'casnet.records', '-a');
like($err, qr/query would be affected by row-level security policy for table "records"/, 'a user who dumps is refused');
unlike($out, qr/north|south/, 'and gets no row');
($out, $err) = dump_as('casnet_app', '-t', 'casnet.records', '-a', '--enable-row-security', '--inserts');
is($err, '', 'a user who dumps with row security');
is(scalar(() = $out =~ /^INSERT INTO .*'south/mg), 38, 'gets the rows of the tenant');
unlike($out, qr/north/, 'and no other');
delete $ENV{PGOPTIONS};
($out, $err) = dump_as('casnet_plain');
like($err, qr/permission denied/, 'nor can a user dump the database');
$node->safe_psql('source', 'CREATE ROLE casnet_backup LOGIN BYPASSRLS IN ROLE pg_read_all_data');
$node->safe_psql('postgres', "ALTER DATABASE source SET casnet.bypass = 'refuse'");
($out, $err) = dump_as('casnet_backup');
is($err, '', 'a role with BYPASSRLS and pg_read_all_data dumps, also where casnet.bypass refuses');
my $as_superuser = slurp_file("$dir/plain.sql") =~ s/^\\(un)?restrict .*$//mgr;
ok($out =~ s/\s+\z//r eq $as_superuser =~ s/\s+\z//r, 'what a superuser does');
$node->safe_psql('postgres', "ALTER DATABASE source SET casnet.bypass = 'allow'; ALTER ROLE casnet_backup CREATEDB");
$node->safe_psql('postgres', 'CREATE DATABASE of_backup OWNER casnet_backup');
$node->command_fails_like([ 'psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", '-d', $node->connstr('of_backup') . ' user=casnet_backup' ],
	qr/permission denied|must be (?:superuser|member|able to SET ROLE)/, 'who is no superuser restores nothing');

$node->safe_psql('postgres', 'DROP DATABASE of_backup; DROP ROLE casnet_backup');

# A dump of a superuser with row security, restored with it.
command_ok(psql_file($node, 'policies', dump_to('policies.sql', '--enable-row-security'), '-1'), 'psql with row security');
is_restored('policies');

# Another cluster: the restore fails without the roles; pg_restore -C brings the settings too.
my $other = PostgreSQL::Test::Cluster->new('other');
init_cluster($other);
$other->start;
databases($other, 'source');
$other->command_fails_like(psql_file($other, 'source', "$dir/plain.sql", '-1'), qr/role "casnet_\w+" does not exist/, 'not without the roles');
is($other->safe_psql('source', "SELECT count(*) FROM pg_extension WHERE extname = 'casnet'"), 0, 'and nothing is left');
$other->safe_psql('postgres', 'DROP DATABASE source');
command_ok([ 'pg_dumpall', '-g', '-d', $node->connstr('postgres'), '-f', "$dir/roles.sql" ], 'pg_dumpall -g');
run_command([ 'psql', '-X', '-q', '-d', $other->connstr('postgres'), '-f', "$dir/roles.sql" ]);
$other->command_ok([ 'pg_restore', '-e', '-C', '-d', $other->connstr('postgres'), $custom ], 'pg_restore -C');
same_as('another cluster: rows, catalogs, settings', fingerprint($other, 'source'), $source);
same_as('another cluster: behaviour', behaviour($other, 'source'), $behaviour);

$_->stop foreach $node, $other;
done_testing();
