# A tenant of 100,000 rows is exported and imported, and is the same.  The memory of
# the server process does not grow with it.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use IPC::Run qw(start);
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('export');
init_cluster($node);
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nmax_wal_size = 4GB");
$node->start;
make_fixture($node, 'postgres');
plan skip_all => 'no /proc' unless -r '/proc/self/status';
$node->safe_psql('postgres', 'GRANT CREATE ON SCHEMA public TO casnet_app');
my $dir = PostgreSQL::Test::Utils::tempdir();

# That many rows, a quarter of them records.
sub make_rows
{
	my ($tenant, $rows) = @_;

	$node->safe_psql('postgres', qq{
		INSERT INTO casnet.records (tenant_id, title, content)
			SELECT '$ID{$tenant}', 'record ' || i, repeat('words ', 10) FROM generate_series(1, $rows / 4) AS i;
		INSERT INTO casnet.tags (tenant_id, name) VALUES ('$ID{$tenant}', 'one'), ('$ID{$tenant}', 'two');
		INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
			SELECT r.tenant_id, r.id, t.id FROM casnet.records AS r JOIN casnet.tags AS t USING (tenant_id)
			 WHERE tenant_id = '$ID{$tenant}';
		INSERT INTO casnet.persons (tenant_id, name) VALUES ('$ID{$tenant}', 'one');
		INSERT INTO casnet.record_persons (tenant_id, record_id, person_id)
			SELECT r.tenant_id, r.id, p.id FROM casnet.records AS r JOIN casnet.persons AS p USING (tenant_id)
			 WHERE tenant_id = '$ID{$tenant}';
		INSERT INTO casnet.tasks (tenant_id, title, record_id, assignee_id)
			SELECT tenant_id, 'about ' || title, id, '$ID{cid}' FROM casnet.records WHERE tenant_id = '$ID{$tenant}';
		ANALYZE;
	});
	return;
}

# Runs statements as the application, in one session of the user.  Returns the most
# kilobytes that its server process had to itself.
sub peak_of
{
	my ($user, $output, @statements) = @_;
	my $errors = '';
	my $peak = 0;
	local $ENV{PGAPPNAME} = 'measured';
	my $psql = start(
		[
			'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-U', 'casnet_app',
			'-d', $node->connstr('postgres'), '-c', "SET casnet.user_id = '$ID{$user}'",
			'-c', 'DO $$BEGIN PERFORM pg_sleep(0.5); END$$', map { ('-c', $_) } @statements
		],
		'<', \undef, '>', $output, '2>', \$errors);
	my $pid = '';

	for (1 .. 50)
	{
		$pid = $node->safe_psql('postgres',
			"SELECT pid FROM pg_stat_activity WHERE application_name = 'measured' AND pid <> pg_backend_pid()");
		last if $pid;
		usleep(20_000);
	}
	while (open my $status, '<', "/proc/$pid/status")
	{
		my ($now) = map { /^RssAnon:\s+(\d+)/ } <$status>;

		$peak = $now if $now && $now > $peak;
		usleep(5_000);
	}
	ok($psql->finish, 'it succeeds');
	is($errors, '', 'and says nothing else');
	return $peak;
}

# Exports and imports a tenant; returns both peaks.
sub out_and_in
{
	my ($tenant, $copy) = @_;
	my $out = peak_of('cid', "$dir/$tenant", "COPY (SELECT casnet.export_tenant('$ID{$tenant}')) TO STDOUT");

	$node->safe_psql('postgres', "CREATE TABLE public.from_$tenant (document jsonb)");
	$node->safe_psql('postgres', "COPY public.from_$tenant FROM '$dir/$tenant'");
	$node->safe_psql('postgres', "ALTER TABLE public.from_$tenant OWNER TO casnet_app");
	my $in = peak_of('cid', '/dev/null', "SELECT casnet.import_tenant('public.from_$tenant', '$copy')");

	return ($out, $in);
}

make_rows('north', 10_000);
make_rows('south', 100_000);
my ($small_out, $small_in) = out_and_in('north', 'north again');
my ($large_out, $large_in) = out_and_in('south', 'south again');
note "export: $small_out kB, $large_out kB; import: $small_in kB, $large_in kB";
cmp_ok($large_out - $small_out, '<=', 2048, 'export: ten times the rows take at most 2 MB more');
# The search index collects 4 MB of new rows, and then sorts them in.
cmp_ok($large_in - $small_in, '<=', 12288, 'import: at most 12 MB more');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM public.from_south'), '>', 100_000, 'all rows');

# With all its ids, and its name, it is the same file.
$node->safe_psql('postgres', "SELECT casnet.delete_tenant('$ID{south}')");
my $id = $node->safe_psql('postgres', "SELECT casnet.import_tenant('public.from_south', keep_ids => true, keep_tenant_id => true)");
my $again = $node->safe_psql('postgres', "SELECT casnet.export_tenant('$id')");
open my $file, '<', "$dir/south" or die;
local $/ = undef;
my $before = <$file>;
$before =~ s/\\\\/\\/g;
is(length "$again\n", length $before, 'as long as before');
ok("$again\n" eq $before, 'and the same');

$node->stop;
done_testing();
