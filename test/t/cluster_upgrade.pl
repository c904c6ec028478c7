# Invariant 9: a whole cluster moves, by pg_dumpall and by pg_upgrade, and
# enforces afterwards without a manual step: roles, memberships and the right
# to set casnet.user_id come along.
use strict;
use warnings;

use Cwd;
use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = PostgreSQL::Test::Cluster->new('old');
init_cluster($old);
$old->start;
make_fixture($old, 'postgres');
$old->safe_psql('postgres', q{
	ALTER TABLE casnet.records ADD COLUMN file_number text;
	UPDATE casnet.records SET file_number = 'A-17' WHERE title = 'north 2';
	CREATE TABLE public.visits (tenant_id uuid, id integer, note text, PRIMARY KEY (tenant_id, id));
	SELECT casnet.protect('public.visits');
	SELECT casnet.enable_audit('public.visits');
	CREATE SCHEMA guarded;
	SELECT casnet.guard_schema('guarded');
	SELECT casnet.set_search_language('english');
});

# The dump of a database, without its random parts.
sub dump_of
{
	my ($server) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '-d', $server->connstr('postgres') ]);

	$out =~ s/^\\(un)?restrict .*$//mg;
	return $out;
}
my $original = dump_of($old);
my ($roles) = run_command([ 'pg_dumpall', '-g', '-d', $old->connstr('postgres') ]);
$roles =~ s/^\\(un)?restrict .*$//mg;
like($roles, qr/GRANT SET ON PARAMETER "?casnet.user_id"? TO casnet_authenticator/, 'pg_dumpall has the privilege');

sub check_moved
{
	my ($server, $how) = @_;
	my $count = 'SELECT count(*), max(file_number) FROM casnet.records';

	ok(dump_of($server) eq $original, "$how: the dump is the same");
	my $ben = open_session($server, 'postgres', 'ben', 'north');
	is(ask($ben, $count), '2|A-17', "$how: a member sees the rows");
	is(ask($ben, "INSERT INTO casnet.records (title) VALUES ('x') RETURNING tenant_id"), $ID{north}, "$how: and may add one");
	is(ask($ben, 'DELETE FROM casnet.records'), '42501', "$how: and delete none");
	is(ask($ben, 'INSERT INTO public.visits (id) VALUES (1) RETURNING tenant_id'), $ID{north}, "$how: likewise in a protected table");
	is(ask($ben, 'DELETE FROM public.visits'), '42501', "$how: and delete none");
	is($server->safe_psql('postgres', q{SELECT action || relation FROM casnet_internal.audit_entries}), 'INSERTpublic.visits', "$how: the audit goes on");
	is($server->safe_psql('postgres', 'SELECT relation, resource, forced FROM casnet.protected_tables'), 'visits|visits|t', "$how: the table counts as protected");
	is(ask_once($server, 'postgres', 'postgres', 'CREATE TABLE guarded.t (id integer)'), '55000', "$how: a guarded schema stays guarded");
	is($server->safe_psql('postgres', q{SELECT casnet.search_query('visits')::text}), q{'visit'}, "$how: the language of the search");
	my $cid = open_session($server, 'postgres', 'cid', 'south');
	is(ask($cid, $count), '1|', "$how: another tenant has its own");
	is(ask($cid, 'SELECT casnet.leave_tenant()'), '23514', "$how: its last owner stays");
	ask($cid, "SELECT casnet.use_tenant('north'); SELECT casnet.remove_member('ben')");
	is(ask($ben, $count), '42501', "$how: a revocation bites");
	is(ask_once($server, 'postgres', 'casnet_plain', "SET casnet.user_id = '$ID{ada}'; SET casnet.tenant_id = '$ID{north}'; $count"),
		'28000', "$how: an ordinary role sets no user");
	is($server->safe_psql('postgres', 'SELECT casnet.schema_version() = extversion FROM pg_extension WHERE extname = $$casnet$$'),
		't', "$how: schema_version()");
	$_->quit foreach $ben, $cid;
	return;
}

# pg_dumpall, into a cluster that has nothing but its superuser.
my $restored = PostgreSQL::Test::Cluster->new('restored');
init_cluster($restored);
$restored->start;
my $file = PostgreSQL::Test::Utils::tempdir() . '/all.sql';
command_ok([ 'pg_dumpall', '-d', $old->connstr('postgres'), '-f', $file ], 'pg_dumpall');
my ($out, $err) = run_command([ 'psql', '-X', '-q', '-d', $restored->connstr('postgres'), '-f', $file ]);
is(join("\n", grep { /ERROR/ && !/role "\w+" already exists/ } split /\n/, $err), '', 'psql restores all of it');
check_moved($restored, 'pg_dumpall');
$restored->stop;

# pg_upgrade, here to the same version.
my $new = PostgreSQL::Test::Cluster->new('new');
init_cluster($new);
$old->stop;
my $bindir = $new->config_data('--bindir');
my $here = PostgreSQL::Test::Utils::tempdir();
{
	# it writes to the folder that it is started in
	my $before = getcwd;

	chdir $here or die "chdir: $!";
	command_ok([ 'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir,
			'-b', $bindir, '-B', $bindir, '-s', $new->host, '-p', $old->port, '-P', $new->port ],
		'pg_upgrade');
	chdir $before or die "chdir: $!";
}
$new->start;
check_moved($new, 'pg_upgrade');
$new->stop;

done_testing();
