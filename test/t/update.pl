# ALTER EXTENSION casnet UPDATE, and install() on an old dump, lead to what a new
# installation has, and lose no row.  Every release is updated, and every dump in
# test/releases/ restored.  A first version has neither, so there is also an update to a
# made-up next version (CasnetNext.pm).
use strict;
use warnings;

use File::Copy 'copy';
use FindBin;
use lib $FindBin::RealBin;

use CasnetLife;
use CasnetNext;
use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = "$FindBin::RealBin/../..";
my ($bin, $extensions) = programs_of_our_own();
my ($version) = slurp_file("$extensions/casnet.control") =~ /default_version = '(.*?)'/;
copy($_, $extensions) foreach glob "$source/sql/releases/casnet--*.sql";
make_next($extensions, $version);

# Two update scripts that are wrong: one forgets a function, one fails half way.
my $script = slurp_file("$extensions/casnet--$version--$NEXT.sql");
append_to_file("$extensions/casnet--$version--forgetful.sql",
	$script =~ s/^CREATE OR REPLACE FUNCTION casnet_internal\.wanted_policies.*?\n\$\$;\n//msr);
append_to_file("$extensions/casnet--$version--failing.sql", $script . 'SELECT 1 / 0;');

my $node = PostgreSQL::Test::Cluster->new('update', install_path => $bin =~ s/\/bin$//r);
init_cluster($node);
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$node->start;

# The catalogs, with the privileges that pg_dump counts as the extension's own, and
# pg_dump's description.  The position of a column in its table does not matter.
sub state_of
{
	my ($database) = @_;
	my $found = fingerprint($node, $database);
	my ($dump) = run_command([ 'pg_dump', '-s', '-d', $node->connstr($database) ]);

	@{ $found->{rows} } = grep { !/^casnet_internal\.signing_keys / } map { s/ [0-9a-f]{32}$//r } @{ $found->{rows} };
	s/^\(([^,]*),\d+,/($1,/ foreach @{ $found->{columns} };
	s/ SELECT (.*?)   WHERE false;/join ', ', sort split m{, *}, $1/e foreach @{ $found->{relations} };
	$found->{dump} = [ map { s/,$//r } grep { !/^--|^\\(un)?restrict |^$/ } split /\n/, $dump ];
	$found->{'initial privileges'} = [ split /\n/, $node->safe_psql($database, q{
		SELECT pg_describe_object(i.classoid, i.objoid, i.objsubid), a::text
		  FROM pg_init_privs AS i, unnest(i.initprivs) AS a
		 WHERE i.privtype = 'e' AND pg_describe_object(i.classoid, i.objoid, i.objsubid) ~ 'casnet'}) ];
	$found->{doctor} = [ split /\n/, $node->safe_psql($database, 'SELECT * FROM casnet.doctor()') =~ s/ALTER DATABASE \w+/ALTER DATABASE/gr ];
	$found->{permissions} = [ split /\n/, $node->safe_psql($database, 'SELECT role, permission FROM casnet.role_permissions') ];
	return $found;
}

# An installation of one version after an update to another.
sub updated
{
	my ($from, $to) = @_;

	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS updated');
	databases($node, 'updated');
	$node->safe_psql('updated', "CREATE EXTENSION casnet VERSION '$from'");
	$node->safe_psql('updated', "ALTER EXTENSION casnet UPDATE TO '$to'");
	set_default_version($extensions, $to);
	my $found = state_of('updated');
	set_default_version($extensions, $version);
	return $found;
}

sub created
{
	my ($at) = @_;

	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS created');
	databases($node, 'created');
	$node->safe_psql('created', "CREATE EXTENSION casnet VERSION '$at'");
	set_default_version($extensions, $at);
	my $found = state_of('created');
	set_default_version($extensions, $version);
	return $found;
}

# The paths to the present version, and to the made-up one: one script each.
my @paths = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', qq{
	SELECT source, target, path FROM pg_extension_update_paths('casnet')
	 WHERE path IS NOT NULL AND target IN ('$version', '$NEXT')
	   AND source IN (SELECT version FROM pg_available_extension_versions WHERE name = 'casnet') ORDER BY 1, 2});
ok((grep { $_->[0] eq $version && $_->[1] eq $NEXT } @paths), 'one of them is made up');
my @released = map { m{casnet--(.*)\.sql$} } glob "$source/sql/releases/casnet--*.sql";
foreach my $from (grep { $_ ne $version } @released)
{
	ok((grep { $_->[0] eq $from && $_->[1] eq $version } @paths), "one leads from $from");
}
foreach my $path (@paths)
{
	my ($from, $to, $steps) = @$path;

	is($steps, "$from--$to", "from $from to $to in one step");
	same_as("update from $from to $to", updated($from, $to), created($to));
}
cmp_ok(scalar differences(updated($version, 'forgetful'), created($NEXT)), '>', 0, 'a step that forgets something is found');

# With everything in it: no row is lost, changed privileges stay changed, sessions go on,
# and a step that fails changes nothing.
databases($node, 'used');
make_everything($node, 'used');
$node->safe_psql('used', q{
	REVOKE EXECUTE ON FUNCTION casnet.rename_tag(text, text) FROM casnet_user;
	GRANT EXECUTE ON FUNCTION casnet.tags_of(uuid) TO casnet_reader WITH GRANT OPTION;
	GRANT EXECUTE ON FUNCTION casnet.uuid_v7() TO PUBLIC;
	CREATE FUNCTION casnet.of_ours() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1'});
my $before = fingerprint($node, 'used');
my $dir = PostgreSQL::Test::Utils::tempdir();
command_ok([ 'pg_dump', '-d', $node->connstr('used'), '-f', "$dir/old.sql" ], 'a dump of the old version');
my ($status, $out, $err) = $node->psql('used', "ALTER EXTENSION casnet UPDATE TO 'failing'");
like($err, qr/division by zero/, 'a step that fails');
same_as('changes nothing', fingerprint($node, 'used'), $before);

# Sessions: one is idle, one has prepared statements, one is in a transaction that holds
# no lock, and one in a transaction that has read.
my $idle = open_session($node, 'used', 'ben', 'north');
my $prepared = open_session($node, 'used', 'ben', 'south');
my $within = open_session($node, 'used', 'ada', 'north');
my $reader = open_session($node, 'used', 'ada', 'north');
my $record = $node->safe_psql('used', "SELECT id FROM casnet.records WHERE title = 'north record 3'");
my $functions = 'SELECT casnet.tags_of(' . "'$record')";
my $tag = q{INSERT INTO casnet.tags (name) VALUES ($1) RETURNING name};
my $counts = 'SELECT count(*) FROM casnet.tag_counts()';
ask($idle, "PREPARE tag (text) AS $tag");
ask($idle, "PREPARE names AS $functions");
ask($idle, "PREPARE counts AS $counts");
ask($prepared, 'PREPARE events AS SELECT count(*) FROM casnet.calendar_events');
ask($prepared, 'PREPARE records AS SELECT count(*) FROM casnet.records');
foreach my $time (1 .. 7)
{
	ask($idle, "EXECUTE tag ('tag $time')");
	is(ask($idle, 'EXECUTE names'), '{"a, b",school,urgent}', "statements of before, $time") if $time =~ /1|7/;
	is(ask($idle, 'EXECUTE counts'), 3 + $time, 'another') if $time =~ /1|7/;
	is(ask($idle, 'SELECT count(*) FROM casnet.records'), '40', 'a plain one') if $time =~ /1|7/;
	is(ask($prepared, 'EXECUTE events'), '1', 'a prepared one') if $time =~ /1|7/;
	ask($prepared, 'EXECUTE records');
}
ask($within, 'BEGIN');
is(ask($within, "SELECT casnet.can('edit_records')"), 't', 'a transaction');
ask($reader, 'BEGIN');
is(ask($reader, 'SELECT count(*) FROM casnet.calendar_events'), '2', 'and one that has read');

# What doctor() offers when a script exists, and when none does.
my $remedy = q{SELECT problem || ' ' || remedy FROM casnet.doctor() WHERE code = 'extension-outdated'};
is($node->safe_psql('used', $remedy), '', 'nothing newer');
set_default_version($extensions, $NEXT);
is($node->safe_psql('used', $remedy), "Version $version is installed here, and $NEXT is available. ALTER EXTENSION casnet UPDATE", 'a newer one');
rename "$extensions/casnet--$version--$NEXT.sql", "$dir/script" or die "rename: $!";
like($node->safe_psql('used', $remedy), qr/ -- no script updates this version: dump /, 'one that nothing leads to');
rename "$dir/script", "$extensions/casnet--$version--$NEXT.sql" or die "rename: $!";

my $meanwhile = fingerprint($node, 'used');
is(ask_once($node, 'used', 'postgres', 'ALTER EXTENSION casnet UPDATE', '-c lock_timeout=500ms'), '55P03', 'the update waits for who has read');
same_as('and changes nothing meanwhile', fingerprint($node, 'used'), $meanwhile);
ask($reader, 'COMMIT');
is(ask_once($node, 'used', 'postgres', 'ALTER EXTENSION casnet UPDATE', '-c lock_timeout=10s'), '', 'it waits for nobody else');

is(ask($idle, "EXECUTE tag ('new')"), 'new', 'a session goes on');
is(ask($idle, "SELECT colour, count(*) FROM casnet.tags GROUP BY 1 ORDER BY 1"), "grey|10\nwhite|1", 'with the trigger and the column that are new');
is(ask($idle, 'EXECUTE names'), '{"a, b",school,urgent,"and no more"}', 'with a function that changed');
is(ask($idle, 'EXECUTE counts'), '42883', 'and without what is gone');
is(ask($idle, 'SELECT count(*) FROM casnet.records'), '40', 'and as before');
is(ask($idle, 'SELECT casnet.colours()'), '42501', 'the permission is new');
is(ask($prepared, 'EXECUTE events'), '42501', 'the policy is in force for prepared statements');
is(ask($prepared, 'EXECUTE records'), '38', 'others go on');
is(ask($prepared, 'SELECT count(*) FROM casnet.calendar_events'), '42501', 'and for others');
is(ask($within, 'SELECT count(*) FROM casnet.calendar_events'), '2', 'and so does a transaction');
is(ask($within, 'SELECT casnet.colours()'), '0', 'an owner has what is new');
is(ask($within, "INSERT INTO casnet.calendar_events (title, starts_at, ends_at) VALUES ('within', now(), now()) RETURNING title"), 'within', 'and writes');
is(ask($within, 'COMMIT'), '', 'to the end');
is(ask($reader, "DELETE FROM casnet.calendar_events WHERE title = 'within' RETURNING title"), 'within', 'everybody sees it');
is(ask($reader, "SELECT casnet.create_tenant('x')"), '42501', 'a privilege that was taken away stays away');
is(ask($reader, "SELECT casnet.rename_tag('new', 'newer')"), '42501', 'also of a function that was made anew');
is(ask_once($node, 'used', 'casnet_plain', 'SET ROLE casnet_reader; SELECT length(casnet.uuid_v7()::text)'), '36', 'and one that was given is there');
$_->quit foreach $idle, $prepared, $within, $reader;
$node->safe_psql('used', q{DELETE FROM casnet.tags WHERE name ~ '^(tag|new)'});
my $after = fingerprint($node, 'used');
my @lost = grep { / [-] / && !/casnet\.tags |casnet\.role_permissions |tag_counts|^(?:policies|triggers|functions|extensions|schemas|relations|columns) / } differences($after, $before);
is(join("\n", @lost), '', 'no row is lost, no constraint, no index');
is($node->safe_psql('used', $remedy . q{ OR code IN ('schema-outdated', 'table-missing', 'trigger-missing', 'policy-changed', 'check-not-valid', 'table-no-policy')}),
	'', 'doctor() is content');
is($node->safe_psql('used', q{SELECT proowner::regrole, proacl FROM pg_proc WHERE oid = 'casnet.of_ours()'::regprocedure}), 'postgres|', 'functions of others are theirs');

# A dump of it keeps the changes to privileges.
databases($node, 'again');
command_ok([ 'pg_dump', '-d', $node->connstr('used'), '-f', "$dir/new.sql" ], 'a dump of the new version');
command_ok(psql_file($node, 'again', "$dir/new.sql"), 'is restored');
same_as('as it was', fingerprint($node, 'again'), $after, qr/^settings/);
$node->safe_psql('postgres', 'DROP DATABASE again');

# The old dump, restored where the new version is installed: install() updates it.
my %dumps = ('the dump of before' => "$dir/old.sql", map { $_ => $_ } glob "$source/test/releases/*.sql");
foreach my $dump (sort keys %dumps)
{
	databases($node, 'restored');
	command_ok(psql_file($node, 'restored', $dumps{$dump}), "$dump restored");
	isnt($node->safe_psql('restored', 'SELECT casnet.schema_version()'), $NEXT, 'it is an old one');
	is($node->safe_psql('restored', 'SELECT casnet.install()'), $NEXT, 'install() brings it up');
	if ($dumps{$dump} eq "$dir/old.sql")
	{
		same_as("$dump: as the updated database", fingerprint($node, 'restored'), $after,
			qr/^settings|^rows . casnet\.role_permissions /);
		is($node->safe_psql('restored', 'SELECT count(*), count(DISTINCT colour) FROM casnet.tags'), '6|1', 'rows of before have the new column');
	}
	$node->safe_psql('restored', 'SELECT casnet.install()');
	$node->safe_psql('postgres', 'DROP DATABASE restored');
}

$node->stop;
done_testing();
