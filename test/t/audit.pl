# The audit is dumped, restored, left behind by DROP EXTENSION CASCADE and taken
# up again, with each entry once.  casnet.bypass as a setting of the database
# allows all this and refuses the rest.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('audit');
init_cluster($node, allows_streaming => 'logical');
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source');
make_fixture($node, 'source');
$node->safe_psql('source', q{
	SELECT casnet.enable_audit('casnet.records'), casnet.enable_audit('casnet.tasks', '{description}');
	CREATE TABLE public.notes (tenant_id uuid, id int PRIMARY KEY) PARTITION BY RANGE (id);
	CREATE TABLE public.notes_1 PARTITION OF public.notes FOR VALUES FROM (0) TO (100);
	SELECT casnet.enable_audit('public.notes')});

sub entries
{
	my ($database, $condition) = @_;

	return $node->safe_psql($database, 'SELECT count(*) FROM casnet_internal.audit_entries' . ($condition ? " WHERE $condition" : ''));
}
my $content = q{SELECT md5(string_agg(e::text, ';' ORDER BY at, id)), count(*), count(DISTINCT id) FROM casnet_internal.audit_entries AS e};
my $audited = q{SELECT relation, enabled, since FROM casnet_internal.audited_tables() ORDER BY relation::text};
my $protected = q{SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgname LIKE 'casnet_append%' ORDER BY tgrelid::regclass::text, 2};

my $ben = open_session($node, 'source', 'ben', 'north');
ask($ben, "INSERT INTO casnet.records (title) SELECT 'n' || n FROM generate_series(1, 450) AS n");
ask($ben, "INSERT INTO casnet.tasks (title, description) VALUES ('t', 'not recorded')");
is(entries('source'), 451, 'one entry for each row, more than are written at once');
is(entries('source', "user_id = '$ID{ben}' AND tenant_id = '$ID{north}' AND session_role = 'casnet_app'"), 451, 'by ben');
is(entries('source', "after ? 'description'"), 0, 'without the excepted column');

# COPY ends no execution at which its entries could be written; a failed constraint undoes all.
$node->safe_psql('source', qq{COPY public.notes FROM PROGRAM 'printf "$ID{north}\\t1\\n$ID{south}\\t2\\n"'});
is(entries('source', "relation = 'public.notes'"), 2, 'COPY');
is(ask($ben, "INSERT INTO casnet.tasks (title, status) SELECT 'x', CASE n WHEN 300 THEN 'x' ELSE 'PENDING' END FROM generate_series(1, 300) AS n"), '23514', 'a row that fails');
is(entries('source', "relation = 'casnet.tasks'"), 1, 'leaves no entry of those before it');
ask($ben, "BEGIN; UPDATE casnet.records SET title = 'prepared' WHERE title = 'n1'; PREPARE TRANSACTION 'p'");
is(entries('source', "action = 'UPDATE'"), 0, 'a prepared transaction has none yet');
ask($ben, "COMMIT PREPARED 'p'");
is(entries('source', "action = 'UPDATE'"), 1, 'and then has');
$ben->quit;

# The message that loads the library can change the user and then write.
is(ask_once($node, 'source', 'casnet_app', "BEGIN; DO \$\$BEGIN PERFORM casnet.current_user_id(), set_config('casnet.user_id', '$ID{ada}', false); INSERT INTO casnet.records (title) VALUES ('x'); END\$\$; ROLLBACK; SELECT 1",
	"-c casnet.user_id=$ID{ben} -c casnet.tenant_id=$ID{north}"), '1', 'a change of user in the message that loads the library');

# From here on, roles that policies do not bind are refused.
my $preload = "ALTER DATABASE %s SET session_preload_libraries = 'casnet'; ALTER DATABASE %s SET casnet.bypass = '%s'";
sub set_bypass
{
	my ($database, $value) = @_;

	$node->safe_psql('postgres', sprintf($preload, $database, $database, $value));
	return;
}
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
set_bypass('source', 'warn');
my ($status, $out, $err) = $node->psql('source', 'SELECT count(*) FROM casnet.records AS a, casnet.records AS b, casnet.tags; SELECT count(*) FROM casnet.tags');
is(() = $err =~ /WARNING:  the policies of table "\w+" do not apply to role/g, 2, 'a warning for each statement');
($status, $out, $err) = $node->psql('source', 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_indexonlyscan = off;'
	  . ' EXPLAIN (ANALYZE, COSTS OFF) SELECT count(content) FROM casnet.records');
like($out, qr/Workers Launched: [1-9]/, 'a statement with workers');
is(() = $err =~ /WARNING:/g, 1, 'has one warning, too');
($status, $out, $err) = $node->psql('source', 'ALTER TABLE casnet.tasks ADD CONSTRAINT again FOREIGN KEY (tenant_id, record_id) REFERENCES casnet.records');
is($err, '', 'none for the check of a foreign key');
$node->safe_psql('source', 'ALTER TABLE casnet.tasks DROP CONSTRAINT again');
set_bypass('source', 'refuse');
is(ask_once($node, 'source', $superuser, 'SELECT count(*) FROM casnet.records'), '42501', 'the first statement of a connection is refused');
is(ask_once($node, 'source', $superuser, 'COPY casnet.records TO STDOUT'), '42501', 'COPY too');
is(ask_once($node, 'source', $superuser, 'SELECT count(*) FROM casnet.records', '-c casnet.bypass=allow'), '453', 'maintenance is possible');
is(ask_once($node, 'source', 'casnet_app', "$_; SHOW casnet.bypass", '-c casnet.bypass=allow'), 'refuse', "for nobody else: $_") foreach 'SELECT 1', 'RESET ALL', 'DISCARD ALL';
is(ask_once($node, 'source', 'casnet_app', 'SELECT count(*) FROM casnet.records', "-c casnet.user_id=$ID{ben} -c casnet.tenant_id=$ID{north}"), '452', 'an application is not touched');
is(ask_once($node, 'source', 'casnet_app', "INSERT INTO casnet.tasks (title, record_id) SELECT 'last', id FROM casnet.records LIMIT 1 RETURNING 1", "-c casnet.user_id=$ID{ben} -c casnet.tenant_id=$ID{north}"), '1', 'nor are foreign keys and the audit');
is(ask_once($node, 'source', $superuser, 'VACUUM ANALYZE casnet.records; REINDEX TABLE casnet.records; SELECT 1'), '1', 'nor is upkeep');

# As a subscriber copies a table, where the library is loaded for replication.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'casnet'");
$node->restart;
my ($copied) = run_command([ 'psql', '-X', '-d', $node->connstr('source') . ' replication=database', '-c', 'COPY casnet.records TO STDOUT' ]);
is(scalar(my @rows = split /\n/, $copied), 453, 'nor is replication');
is(ask_once($node, 'source', $superuser, 'COPY casnet.records TO STDOUT'), '42501', 'which others are not');

# Dumped and restored, while that is so.
my %before = map { $_ => $node->safe_psql('source', $_) } $content, $audited, $protected;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $from = $node->connstr('source');
command_ok([ 'pg_dump', '-d', $from, '-f', "$dir/plain.sql" ], 'plain dump');
command_ok([ 'pg_dump', '-d', $from, '-Fc', '-f', "$dir/custom" ], 'custom dump');
command_ok([ 'pg_dump', '-d', $from, '--inserts', '-f', "$dir/inserts.sql" ], 'dump as INSERT');
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(plain custom inserts);
set_bypass($_, 'refuse') foreach qw(plain custom inserts);
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('plain'), '-f', "$dir/plain.sql" ], 'psql restores');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('inserts'), '-f', "$dir/inserts.sql" ], 'psql restores INSERTs');
command_ok([ 'pg_restore', '-e', '-1', '-d', $node->connstr('custom'), "$dir/custom" ], 'pg_restore restores');
foreach my $database (qw(plain custom inserts))
{
	is($node->safe_psql($database, $_), $before{$_}, "$database: " . substr($_, 0, 40)) foreach $content, $audited, $protected;
	$node->safe_psql($database, 'SELECT casnet.install()');
	is($node->safe_psql($database, $_), $before{$_}, "$database after install(): " . substr($_, 0, 40)) foreach $content, $audited, $protected;
	is(ask_once($node, $database, 'casnet_app', "DELETE FROM casnet.tasks WHERE title = 'last'; UPDATE casnet.records SET title = 'restored' WHERE title = 'n2' RETURNING 1", "-c casnet.user_id=$ID{ada} -c casnet.tenant_id=$ID{north}"),
		'1', "$database: a change");
	is($node->safe_psql($database, "SELECT string_agg(concat_ws(' ', relation, action, before->>'title', after->>'title'), ', ' ORDER BY at, id) FROM casnet_internal.audit_entries WHERE user_id = '$ID{ada}'"),
		'casnet.tasks DELETE last, casnet.records UPDATE n2 restored', "$database: is recorded once");
	is(ask_once($node, $database, $superuser, 'DELETE FROM casnet_internal.audit_entries'), '42501', "$database: and stays");
	is(ask_once($node, $database, 'casnet_app', "SELECT casnet.undelete(l.relation::regclass, l.row_key::text) FROM casnet.audit_log(for_action => 'DELETE', max_rows => 1) AS l", "-c casnet.user_id=$ID{ada} -c casnet.tenant_id=$ID{north}"), '1', "$database: and is undone");
	is(ask_once($node, $database, 'casnet_app', 'SELECT count(*) FROM casnet.audit_log()', "-c casnet.user_id=$ID{ada} -c casnet.tenant_id=$ID{north}"), '100', "$database: and is read");
}

# A new database that refuses from the start; and the extension gone and back.
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
set_bypass('fresh', 'refuse');
is(ask_once($node, 'fresh', $superuser, 'CREATE EXTENSION casnet; SELECT casnet.install() IS NOT NULL'), 't', 'installed where it is refused');

$node->safe_psql('plain', 'SET client_min_messages = warning; DROP EXTENSION casnet CASCADE');
is(entries('plain'), 458, 'entries outlive the extension');
is(ask_once($node, 'plain', 'casnet_app', 'SELECT count(*) FROM casnet_internal.audit_entries'), '42501', 'and nobody reads them');
$node->safe_psql('plain', 'CREATE EXTENSION casnet; SELECT casnet.install()');
is(entries('plain'), 458, 'a new one keeps them');
is($node->safe_psql('plain', $protected), $before{$protected}, 'and protects them again');
is($node->safe_psql('plain', $audited), '', 'what was audited has to be said anew');
$node->safe_psql('plain', "SELECT casnet.enable_audit('casnet.records')");
is(ask_once($node, 'plain', 'casnet_app', "UPDATE casnet.records SET title = 'again' WHERE title = 'n3' RETURNING 1", "-c casnet.user_id=$ID{ada} -c casnet.tenant_id=$ID{north}"), '1', 'a change');
is(entries('plain'), 459, 'one more entry');
is(ask_once($node, 'plain', $superuser, 'SELECT casnet.purge_audit($$1 day$$) + (SELECT count(*) FROM pg_class WHERE relname LIKE $$audit_entries_20%$$ AND relkind = $$r$$)'), '4', 'nothing is old yet');

$node->stop;
done_testing();
