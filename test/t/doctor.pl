# casnet.doctor() on what a transaction cannot provoke: settings of the server, preloaded
# libraries, and logical slots.  Also: every code that it reports has a test, and a
# database with 500 tables takes it less than a second.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('main');
init_cluster($node, allows_streaming => 'logical');
# The test harness logs all statements.
$node->append_conf('postgresql.conf', "log_statement = none\n");
$node->start;
make_fixture($node, 'postgres');

# diagnosis(code): what a new session reports under one code.
sub diagnosis
{
	my ($code) = @_;

	return $node->safe_psql('postgres',
		"SELECT string_agg(severity || ' ' || object, ', ' ORDER BY object) FROM casnet.doctor() WHERE code = '$code'");
}

# take_remedy(code): runs the remedies, each statement by itself, which ALTER
# SYSTEM requires.
sub take_remedy
{
	my ($code) = @_;
	my $remedies = $node->safe_psql('postgres',
		"SELECT DISTINCT remedy FROM casnet.doctor() WHERE code = '$code'");

	foreach my $statement (split /;\s*|\n/, $remedies)
	{
		$node->safe_psql('postgres', $statement) if $statement !~ /^--/;
	}
	return;
}

is(diagnosis('log-statement'), '', 'statements are not logged');
foreach my $case (
	[ 'log_statement', 'all', 'log-statement', 'warning log_statement' ],
	[ 'log_min_duration_statement', '100', 'log-parameters', 'warning log_min_duration_statement' ],
	[ 'log_min_duration_sample', '100', 'log-parameters', 'warning log_min_duration_sample' ],
	[ 'log_transaction_sample_rate', '0.1', 'log-parameters', 'warning log_transaction_sample_rate' ],
	[ 'log_parameter_max_length_on_error', '64', 'log-parameters-on-error', 'warning log_parameter_max_length_on_error' ],
	[ 'debug_print_rewritten', 'on', 'log-trees', 'warning debug_print_rewritten' ],
	[ 'session_replication_role', 'replica', 'setting-replication-role', 'error session_replication_role' ])
{
	my ($name, $value, $code, $expected) = @$case;

	$node->safe_psql('postgres', "ALTER SYSTEM SET $name = '$value'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('$name') LIKE '$value%'");
	is(diagnosis($code), $expected, "$name = $value");
	take_remedy($code);
	ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM casnet.doctor() WHERE code = '$code')"),
		"and its remedy");
	$node->safe_psql('postgres', 'ALTER SYSTEM RESET ALL');
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('$name') NOT LIKE '$value%'");
}

# A setting of the database is reported for the database, and only once.
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET log_statement = 'all'});
is(diagnosis('log-statement'), 'warning DATABASE postgres', 'a setting of the database');
take_remedy('log-statement');
is(diagnosis('log-statement'), '', 'and its remedy');
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET session_replication_role = replica});
is(diagnosis('setting-replication-role'), 'error DATABASE postgres', 'another');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET ALL');

# A slot of this database, not of another, and not a physical one.
$node->safe_psql('postgres', q{
	CREATE DATABASE other;
	SELECT pg_create_physical_replication_slot('physical')});
$node->safe_psql('other', "SELECT pg_create_logical_replication_slot('elsewhere', 'pgoutput')");
is(diagnosis('slot-logical'), '', 'slots of others');
$node->safe_psql('postgres', "SELECT pg_create_logical_replication_slot('here', 'pgoutput')");
is(diagnosis('slot-logical'), 'notice here', 'a logical slot');
take_remedy('slot-logical');
is(diagnosis('slot-logical'), 'notice here', 'which is not dropped by its remedy');
is($node->safe_psql('postgres', "SELECT remedy FROM casnet.doctor() WHERE code = 'slot-logical'"),
	q{-- unless it is meant: SELECT pg_drop_replication_slot('here')}, 'a comment');
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('here')});
is(diagnosis('slot-logical'), '', 'without it');

# Libraries.
is(diagnosis('preload-shared'), 'notice shared_preload_libraries', 'nothing is preloaded');
is(diagnosis('preload-session'), 'notice session_preload_libraries', 'nor for sessions');
$node->safe_psql('postgres', "ALTER SYSTEM SET session_preload_libraries = 'auto_explain'");
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('session_preload_libraries') <> ''");
is($node->safe_psql('postgres', "SELECT remedy FROM casnet.doctor() WHERE code = 'preload-session'"),
	'ALTER DATABASE postgres SET session_preload_libraries = auto_explain, casnet',
	'what is there stays there');
take_remedy('preload-session');
is(diagnosis('preload-session'), '', 'for each session');
is($node->safe_psql('postgres', 'SHOW session_preload_libraries'), 'auto_explain, casnet', 'indeed');
take_remedy('preload-shared');
$node->restart;
is(diagnosis('preload-shared'), '', 'for the server');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET session_preload_libraries');
is(diagnosis('preload-session'), '', 'which is for each session, too');

# Every code has a test, and every test a code.
my %tested;
foreach my $file (glob("$FindBin::RealBin/../pgtap/*.sql"), "$FindBin::RealBin/doctor.pl")
{
	open my $in, '<', $file or die "$file: $!";
	local $/;
	my $text = <$in>;
	$tested{$1} = 1 while $text =~ /diagnosis\('([a-z-]+)'\)/g;
	close $in;
}
is(join(' ', sort keys %tested),
	join(' ', sort split /\n/, $node->safe_psql('postgres', 'SELECT code FROM casnet.doctor_codes()')),
	'a test for every code');

# 500 tables with policies, indexes, keys and views.
$node->safe_psql('postgres', q{
	DO $$
	BEGIN
		FOR i IN 1 .. 500 LOOP
			EXECUTE format('CREATE TABLE public.t%s (tenant_id uuid NOT NULL, id uuid NOT NULL, up uuid, n text, PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, up) REFERENCES public.t%s)', i, i);
			EXECUTE format('CREATE INDEX ON public.t%s (tenant_id, n)', i);
			EXECUTE format('CREATE VIEW public.v%s WITH (security_invoker) AS SELECT * FROM public.t%s', i, i);
			EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.t%s TO casnet_user', i);
			EXECUTE format('ALTER TABLE public.t%s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', i);
			FOR j IN 1 .. 4 LOOP
				EXECUTE format('CREATE POLICY p%s ON public.t%s FOR %s %s (tenant_id = casnet.tenant_with(%L))', j, i,
					(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'])[j],
					CASE j WHEN 2 THEN 'WITH CHECK' ELSE 'USING' END, 'view_records');
			END LOOP;
			IF i % 50 = 0 THEN
				EXECUTE format('CREATE FUNCTION public.f%s() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L', i,
					'SELECT count(*) FROM pg_class');
			END IF;
			COMMIT;		-- locks
		END LOOP;
	END
	$$});
my $session = $node->background_psql('postgres');
my $pid = $session->query('SELECT pg_backend_pid()');
my $shortest;

# The CPU seconds of the session's process, where the system reports them.
# Otherwise the time, in which other processes count as well.
sub worked
{
	open my $file, '<', "/proc/$pid/stat" or return time;
	my @fields = split ' ', <$file> =~ s/.*\) //r;

	close $file;
	return ($fields[11] + $fields[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}
foreach my $try (1 .. 5)
{
	my $start = worked();
	is($session->query("SELECT count(*) FROM casnet.doctor() WHERE severity <> 'notice' AND code <> 'server-outdated'"),
		'0', '500 tables without a fault');
	my $took = worked() - $start;
	note sprintf('%.0f ms', 1000 * $took);
	$shortest = $took if !defined $shortest || $took < $shortest;
}
# CASNET_SLOWER: a build that counts or checks what it does
cmp_ok($shortest, '<', $ENV{CASNET_SLOWER} || 1, 'in less than a second');
$session->quit;

$node->stop;
done_testing();
