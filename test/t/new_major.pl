# Invariant 9: a database with everything in it (CasnetLife.pm) moves to another version of
# the server.  It moves by pg_upgrade, with copies and with links, and by the newer pg_dump,
# and stays the same: rows, catalogs, and what each user can do.
#
# CASNET_OLD and CASNET_NEW are folders of installations (scripts/upgrade.sh
# sets them); without them, both are the one that is tested.
use strict;
use warnings;

use Cwd;
use FindBin;
use lib $FindBin::RealBin;

use CasnetLife;
use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Test::More;

my %install = (
	old => $ENV{CASNET_OLD} ? [ install_path => $ENV{CASNET_OLD} ] : [],
	new => $ENV{CASNET_NEW} ? [ install_path => $ENV{CASNET_NEW} ] : []);
my $dir = PostgreSQL::Test::Utils::tempdir();

# A new cluster, with checksums: initdb of 18 enables them by default, older ones do not.
sub cluster
{
	my ($name, $version) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, @{ $install{$version} });

	init_cluster($node, extra => ['-k']);
	return $node;
}

# The path of a program of the new version.
my $new_programs;
sub new_program
{
	return "$new_programs/$_[0]";
}

# Moves the old cluster, or a copy of it, to a new one by pg_upgrade, and starts that.
sub upgraded
{
	my ($old, $data, $name, @options) = @_;
	my $new = cluster($name, 'new');
	my $before = getcwd;

	# it writes to the folder that it is started in
	mkdir "$dir/$name" or die "mkdir: $!";
	chdir "$dir/$name" or die "chdir: $!";
	command_ok([ new_program('pg_upgrade'), '--no-sync', '-d', $data, '-D', $new->data_dir,
			'-b', $old->config_data('--bindir'), '-B', $new_programs, '-s', $new->host,
			'-p', $old->port, '-P', $new->port, @options ],
		"$name: pg_upgrade");
	chdir $before or die "chdir: $!";
	$new->start;
	return $new;
}

# What the doctor finds, except about the server's own version.
sub doctor
{
	my ($node) = @_;

	return $node->safe_psql('source', q{
		SELECT severity, code, object FROM casnet.doctor()
		 WHERE severity <> 'notice' AND code <> 'server-outdated' ORDER BY 1, 2, 3});
}

# What must hold after the move, besides equality; changes the rows.
sub lives
{
	my ($node, $how) = @_;
	my $ben = open_session($node, 'source', 'ben', 'north');

	# An index below a policy; conditions that reveal values stay behind the policy.
	$node->safe_psql('source', 'ANALYZE');
	like(ask($ben, q{EXPLAIN (COSTS OFF) SELECT title FROM casnet.records ORDER BY created_at DESC LIMIT 3}),
		qr/Index Scan.*Index Cond: \(tenant_id = casnet\.tenant_with/s, "$how: an index below the policy");
	like(ask($ben, q{EXPLAIN (COSTS OFF) SELECT title FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) 'zebra'}),
		qr/Bitmap Index Scan on records_tenant_id_search_vector_idx/, "$how: the index of the search");
	unlike(ask($ben, q{EXPLAIN (COSTS OFF) SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{urgent}'))}),
		qr/records_tagged/, "$how: tags are planned away");
	ask($ben, 'SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off');
	is(ask($ben, q{SELECT count(*) > 0 FROM casnet.records WHERE CASE WHEN title = 'south 1' THEN public.boom() ELSE true END}),
		't', "$how: a condition that reveals values stays behind the policy");
	ask($ben, 'RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_indexonlyscan');

	# Triggers of the tables, of events, and of the audit.
	is(ask($ben, q{INSERT INTO casnet.records_load (title) SELECT 'loaded ' || n FROM generate_series(1, 100) AS n}), '', "$how: a load");
	is(ask($ben, q{SELECT count(*) FROM casnet.records WHERE title ~ '^loaded'}), 100, "$how: loads");
	is($node->safe_psql('source', q{SELECT count(*) FROM casnet_internal.audit_entries WHERE after->>'title' ~ '^loaded'}), 100, "$how: the audit goes on");
	is(ask_once($node, 'source', 'postgres', 'CREATE TABLE locked.t (id integer)'), '55000', "$how: a guarded schema stays guarded");
	$node->safe_psql('source', 'CREATE TABLE app.latest (id integer PRIMARY KEY)');
	is($node->safe_psql('source', q{SELECT forced FROM casnet.protected_tables WHERE relation = 'app.latest'::regclass}), 't', "$how: or protects");

	# A revocation, of a token and of a membership.
	my $token = token_of($node, 'source', 'ben', 'north');
	is(ask_once($node, 'source', 'casnet_plain', "SET casnet.token = '$token'; SELECT username FROM casnet.whoami()"), 'ben', "$how: a new token");
	is(ask_once($node, 'source', 'casnet_plain', "SET casnet.token = '$token'; SELECT casnet.revoke_token(); SELECT count(*) FROM casnet.records"),
		'28000', "$how: can be revoked");
	ask_once($node, 'source', 'casnet_app', "SET casnet.user_id = '$ID{cid}'; SET casnet.tenant_id = '$ID{north}'; SELECT casnet.remove_member('ben')");
	is(ask($ben, 'SELECT count(*) FROM casnet.records'), '42501', "$how: a member too");
	$ben->quit;

	# The tables are those of the installed extension.
	my $version = $node->safe_psql('source', q{SELECT default_version FROM pg_available_extensions WHERE name = 'casnet'});
	is($node->safe_psql('source', 'SELECT casnet.install(), casnet.schema_version()'), "$version|$version", "$how: nothing to update");
	return;
}

my $old = cluster('old', 'old');
$old->start;
databases($old, 'source');
make_everything($old, 'source');
$old->safe_psql('source', qq{
	INSERT INTO casnet.records (tenant_id, title, content)
		SELECT '$ID{north}', 'one of many', CASE n % 700 WHEN 0 THEN 'zebra' ELSE repeat('other ', n % 20) END FROM generate_series(1, 3000) AS n;
	REFRESH MATERIALIZED VIEW public.totals});
$old->safe_psql('source', q{
	CREATE FUNCTION public.boom() RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
		$$ BEGIN RAISE EXCEPTION 'a row of another tenant'; END $$});
my $behaviour = behaviour($old, 'source');
my $source = common(fingerprint($old, 'source'));
my $found = doctor($old);

# The other usual way: the newer pg_dump, from the older server.
my $restored = cluster('restored', 'new');
$new_programs = $restored->config_data('--bindir');
$restored->start;
command_ok([ new_program('pg_dumpall'), '-g', '-d', $old->connstr('postgres'), '-f', "$dir/roles.sql" ], 'pg_dumpall -g');
run_command([ new_program('psql'), '-X', '-q', '-d', $restored->connstr('postgres'), '-f', "$dir/roles.sql" ]);
command_ok([ new_program('pg_dump'), '-Fc', '-d', $old->connstr('source'), '-f', "$dir/source" ], 'pg_dump');
command_ok([ new_program('pg_restore'), '-e', '-C', '-d', $restored->connstr('postgres'), "$dir/source" ], 'pg_restore');

# common(fingerprint): without what the server words differently in each version.
sub common
{
	my ($all) = @_;
	my %lines = map { $_ => [ @{ $all->{$_} } ] } keys %$all;

	# 16 names the table of a column in a view only when there are several
	s/\b(?:list_protected_tables|records)\.(?=\w+)//g foreach @{ $lines{relations} };
	# 17 counts the array types to the extension
	$lines{members} = [ grep { !/"type .*\[\]"/ } @{ $lines{members} } ];
	# 18 names the columns that are published, which generated ones never were
	s/\b(?:length|search_vector),// foreach @{ $lines{publications} };
	return \%lines;
}

# is_same(node, how): compares the fingerprint and the behaviour.
sub is_same
{
	my ($node, $how) = @_;

	same_as("$how: rows and catalogs", common(fingerprint($node, 'source')), $source);
	is(doctor($node), $found, "$how: the doctor finds what it found");
	$node->safe_psql('source', 'ALTER EXTENSION casnet UPDATE');
	same_as("$how: and after ALTER EXTENSION UPDATE", common(fingerprint($node, 'source')), $source);
	same_as("$how: behaviour", behaviour($node, 'source'), $behaviour);
	lives($node, $how);
	$node->stop;
	return;
}
is_same($restored, 'dump');

$old->stop;
is_same(upgraded($old, $old->data_dir, 'copied'), 'pg_upgrade');
if ($restored->pg_version >= 18)
{
	PostgreSQL::Test::RecursiveCopy::copypath($old->data_dir, "$dir/data");
	chmod 0700, "$dir/data" or die "chmod: $!";
	is_same(upgraded($old, "$dir/data", 'swapped', '--swap'), 'pg_upgrade --swap');
}
is_same(upgraded($old, $old->data_dir, 'linked', '--link'), 'pg_upgrade --link');

done_testing();
