# ALTER EXTENSION casnet UPDATE, and install() on an old dump, end at what a
# new installation has, and lose no row.  Every upgrade path that is installed
# is taken, every dump in test/releases/ restored; and since a first version
# has neither, so is a path to a next version that is made up here: with a
# table, a column, an index, a policy and a function more, and one function less.
use strict;
use warnings;

use Cwd;
use File::Path 'make_path';
use FindBin;
use lib $FindBin::RealBin;

use CasnetLife;
use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# A private copy of the programs, since the server finds the scripts of
# extensions by where it is; all else is links to what is installed.
my $root = PostgreSQL::Test::Utils::tempdir();
sub config
{
	my ($option) = @_;
	my ($out) = run_command([ 'pg_config', "--$option" ]);

	return $out;
}
my ($bin, $share, $lib) = map { config($_) } qw(bindir sharedir pkglibdir);
make_path("$root$bin", "$root$share/extension", "$root$lib/..");
system_or_bail('cp', map({ "$bin/$_" } qw(postgres initdb pg_ctl psql pg_config pg_dump pg_isready)), "$root$bin");
rmdir "$root$lib";
symlink $lib, "$root$lib" or die "symlink: $!";
foreach my $folder ($share, "$share/extension")
{
	foreach my $file (glob "$folder/*")
	{
		symlink $file, "$root$file" unless -e "$root$file";
	}
}

my ($version) = slurp_file("$share/extension/casnet.control") =~ /default_version = '(.*?)'/;
my $old = slurp_file("$share/extension/casnet--$version.sql");

# The made-up version.  Each change must find its place.
my $next = $old;
sub change
{
	my ($place, $text) = @_;

	$next =~ s/$place/$text/ or die "nothing like $place";
	return;
}
change(qr/END\n(?=\$\$;\nCOMMENT ON FUNCTION casnet_internal\.install_tables\(\))/, q{
	ALTER TABLE casnet.tags ADD COLUMN IF NOT EXISTS colour text NOT NULL DEFAULT 'grey';
	IF to_regclass('casnet.colours') IS NULL THEN
	CREATE TABLE casnet.colours (
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), id uuid NOT NULL DEFAULT casnet.uuid_v7(), name text,
		created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT colours_pkey PRIMARY KEY (tenant_id, id));
	END IF;
END
});
change(qr/(?=\('casnet\.persons', 'tenant'\), )/, "('casnet.colours', 'tenant'), ");
change(qr/(?=\t\t\('users_email_lower_key')/, "\t\t('tags_tenant_id_colour_idx', '', 'casnet.tags', '(tenant_id, colour)', 'tags of a colour'),\n");
change(qr/(?=\t\('tags', 'SELECT')/, "\t('colours', 'SELECT', \$p\$tenant_id = casnet.tenant_with('view_tags')\$p\$),\n");
change(qr/(\('tags', 'DELETE', \$p\$tenant_id = casnet\.tenant_with\(')delete_tags/, "('tags', 'DELETE', \$p\$tenant_id = casnet.tenant_with('edit_tags");
change(qr/(?=\t\('tags', 'GRANT )/, "\t('colours', 'GRANT SELECT ON casnet.colours TO casnet_user'),\n");
change(qr/CREATE FUNCTION casnet\.tag_counts\(.*?\nCOMMENT ON FUNCTION casnet\.tag_counts\(\) IS\n.*?;\n/s, '');
change(qr/\tcasnet\.tag_counts\(\),\n/, "\tcasnet.colours(),\n");
change(qr/(?=-- Who may call what\.)/, "CREATE FUNCTION casnet.colours() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM casnet.colours';\nCOMMENT ON FUNCTION casnet.colours() IS 'how many';\n");

# Its upgrade script: every function anew, what is new or gone, and install().
sub upgrade_script
{
	my $functions = join '', $next =~ /^(CREATE FUNCTION .*?;\n)(?=COMMENT ON FUNCTION)/msg;
	my $comments = join '', $next =~ /^(COMMENT ON FUNCTION .*?;\n)/msg;

	$functions =~ s/^CREATE FUNCTION/CREATE OR REPLACE FUNCTION/mg;
	return "SET LOCAL check_function_bodies = off;\n$functions$comments
		DROP FUNCTION casnet.tag_counts();
		REVOKE ALL ON FUNCTION casnet.colours() FROM PUBLIC;
		GRANT EXECUTE ON FUNCTION casnet.colours() TO casnet_user;
		SELECT casnet.install();\n";
}
my $extension = "$root$share/extension";
my $script = upgrade_script();
append_to_file("$extension/casnet--next.sql", $next);
append_to_file("$extension/casnet--$version--next.sql", $script);
# Two that do not do it: one forgets a function, one fails half way.
append_to_file("$extension/casnet--$version--forgetful.sql", $script =~ s/^CREATE OR REPLACE FUNCTION casnet_internal\.install_policies.*?\n\$\$;\n//msr);
append_to_file("$extension/casnet--$version--failing.sql", $script . 'SELECT 1 / 0;');

my $node = PostgreSQL::Test::Cluster->new('update', install_path => "$root$bin" =~ s/\/bin$//r);
init_cluster($node);
$node->start;
is($node->safe_psql('postgres', q{SELECT target FROM pg_extension_update_paths('casnet') WHERE source = '} . $version . q{' AND target = 'next' AND path IS NOT NULL}),
	'next', 'the server sees the made-up version');

# The catalogs, and the description that pg_dump gives.
sub state_of
{
	my ($database) = @_;
	my $found = fingerprint($node, $database);
	my ($dump) = run_command([ 'pg_dump', '-s', '-d', $node->connstr($database) ]);

	@{ $found->{rows} } = grep { !/^casnet_internal\.signing_keys / } map { s/ [0-9a-f]{32}$//r } @{ $found->{rows} };
	@{ $found->{rows} } = grep { !/^casnet\.colours / } @{ $found->{rows} };
	$found->{dump} = [ grep { !/^--|^\\(un)?restrict / } split /\n/, $dump ];
	return $found;
}

# What becomes of an installation of one version by an update to another.
sub updated
{
	my ($from, $to) = @_;

	$node->safe_psql('postgres', "DROP DATABASE IF EXISTS updated");
	databases($node, 'updated');
	$node->safe_psql('updated', "CREATE EXTENSION casnet VERSION '$from'");
	$node->safe_psql('updated', "ALTER EXTENSION casnet UPDATE TO '$to'");
	return state_of('updated');
}

sub created
{
	my ($at) = @_;

	$node->safe_psql('postgres', "DROP DATABASE IF EXISTS created");
	databases($node, 'created');
	$node->safe_psql('created', "CREATE EXTENSION casnet VERSION '$at'");
	return state_of('created');
}

# The paths to the current version that are installed, and the one made up.
my @paths = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', qq{
	SELECT source, target FROM pg_extension_update_paths('casnet')
	 WHERE path IS NOT NULL AND (target = '$version' OR (source, target) = ('$version', 'next'))
	   AND source IN (SELECT version FROM pg_available_extension_versions WHERE name = 'casnet') ORDER BY 1, 2});
ok((grep { $_->[1] eq 'next' } @paths), 'one of them is made up');
same_as("update from $_->[0] to $_->[1]", updated(@$_), created($_->[1])) foreach @paths;
cmp_ok(scalar differences(updated($version, 'forgetful'), created('next')), '>', 0, 'a step that forgets something is found');

# With everything in it: not a row is lost, privileges that somebody changed
# stay changed, sessions go on, and a step that fails changes nothing.
databases($node, 'used');
make_everything($node, 'used');
my $before = fingerprint($node, 'used');
my $dir = PostgreSQL::Test::Utils::tempdir();
command_ok([ 'pg_dump', '-d', $node->connstr('used'), '-f', "$dir/old.sql" ], 'a dump of the old version');
my ($status, $out, $err) = $node->psql('used', "ALTER EXTENSION casnet UPDATE TO 'failing'");
like($err, qr/division by zero/, 'a step that fails');
same_as('changes nothing', fingerprint($node, 'used'), $before);
my $ben = open_session($node, 'used', 'ben', 'north');
is(ask($ben, 'SELECT count(*) FROM casnet.records'), '40', 'a session of before');
$node->safe_psql('used', "ALTER EXTENSION casnet UPDATE TO 'next'");
is(ask($ben, 'SELECT count(*) FROM casnet.records'), '40', 'goes on');
is(ask($ben, 'SELECT count(*), count(DISTINCT colour) FROM casnet.tags'), '3|1', 'with what is new');
is(ask($ben, 'SELECT casnet.colours()'), '0', 'functions as well');
is(ask($ben, 'SELECT casnet.tag_counts()'), '42883', 'and without what is gone');
is(ask($ben, "SELECT casnet.create_tenant('x')"), '42501', 'a privilege that was taken away stays away');
$ben->quit;
my @lost = grep { / [-] / && !/casnet\.tags |tag_counts|^(?:policies|triggers|functions|extensions|schemas|relations|columns) / } differences(fingerprint($node, 'used'), $before);
is(join("\n", @lost), '', 'no row is lost, no constraint, no index');

# The old dump, restored where the new version is: install() brings it up.
append_to_file("$extension/casnet.new", slurp_file("$share/extension/casnet.control") =~ s/default_version = '.*?'/default_version = 'next'/r);
rename "$extension/casnet.new", "$extension/casnet.control" or die "rename: $!";
my $releases = getcwd() . '/test/releases';
my %dumps = ('the dump of before' => "$dir/old.sql", map { $_ => $_ } glob "$releases/*.sql");
foreach my $dump (sort keys %dumps)
{
	databases($node, 'restored');
	command_ok(psql_file($node, 'restored', $dumps{$dump}), "$dump restored");
	isnt($node->safe_psql('restored', 'SELECT casnet.schema_version()'), 'next', 'it is an old one');
	is($node->safe_psql('restored', 'SELECT casnet.install()'), 'next', 'install() brings it up');
	if ($dumps{$dump} eq "$dir/old.sql")
	{
		same_as("$dump: as the updated database", fingerprint($node, 'restored'), fingerprint($node, 'used'),
			qr/^settings/);
		is($node->safe_psql('restored', 'SELECT count(*), count(DISTINCT colour) FROM casnet.tags'), '6|1', 'rows of before have the new column');
	}
	$node->safe_psql('restored', 'SELECT casnet.install()');
	$node->safe_psql('postgres', 'DROP DATABASE restored');
}

$node->stop;
done_testing();
