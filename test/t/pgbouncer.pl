# Invariant 7 behind a real PgBouncer.  What a client sets for the transaction ends with
# it; what it sets for the session is shown to reach the next client.
# CASNET_SKIP_PGBOUNCER=1 skips the test; PGBOUNCER names another program.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use Pgbouncer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'CASNET_SKIP_PGBOUNCER is set' if $ENV{CASNET_SKIP_PGBOUNCER};
die "pgbouncer is not installed; install it, or set CASNET_SKIP_PGBOUNCER=1\n" unless pgbouncer_program();
note('pgbouncer ' . pgbouncer_version());

my $node = PostgreSQL::Test::Cluster->new('server');
init_cluster($node);
$node->start;
make_fixture($node, 'postgres');

my $count = 'SELECT count(*) FROM casnet.records';
my $nobody = 'SELECT casnet.current_user_id() IS NULL, casnet.current_tenant_id() IS NULL';
my %token = map { $_->[0] => token_of($node, 'postgres', @$_) } [ 'ada', 'north' ], [ 'cid', 'south' ], [ 'ben', undef ];

# The wrong way: a session's SET through a pool of transactions.
my $pool = start_pgbouncer($node);
my ($ada, $cid) = ($pool->client, $pool->client);
is(ask($cid, $count), '28000', 'nobody is signed in');
ask($ada, "SET casnet.token = '$token{ada}'");
is(ask($ada, $count), '2', 'a SET for the session');
is(ask($cid, $count), '2', 'reaches the next client: shown to leak');
ask($cid, "SET casnet.token = '$token{cid}'");
is(ask($ada, $count), '1', 'and back');
ask($cid, 'RESET casnet.token');
is(ask($ada, $count), '28000', 'until somebody resets it');

# The right way: SET for the transaction.
my %set = (
	'SET LOCAL' => sub { "SET LOCAL casnet.token = '$token{$_[0]}'" },
	'set_config' => sub { "SELECT set_config('casnet.token', '$token{$_[0]}', true) IS NULL" },
	'sign_in' => sub { "SELECT casnet.sign_in('$token{$_[0]}', true) IS NULL" });
foreach my $way (sort keys %set)
{
	ask($ada, 'BEGIN;' . $set{$way}->('ada'));
	is(ask($ada, $count), '2', "$way: her rows");
	ask($ada, 'COMMIT');
	is(ask($cid, $nobody), 't|t', "$way: nobody after COMMIT");
	is(ask($cid, $count), '28000', "$way: no rows");
	ask($cid, 'BEGIN;' . $set{$way}->('cid'));
	is(ask($cid, $count), '1', "$way: the next client's rows");
	is(ask($cid, 'SELECT 1/0'), '22012', "$way: an error");
	ask($cid, 'ROLLBACK');
	is(ask($ada, $nobody), 't|t', "$way: nobody after ROLLBACK");
	ask($ada, 'BEGIN;' . $set{$way}->('ben'));
	is(ask($ada, $count), '55000', "$way: a token that names no tenant");
	ask($ada, 'ROLLBACK; BEGIN;' . $set{$way}->('ben') . "; SELECT casnet.use_tenant('south', true)");
	is(ask($ada, $count), '1', "$way: use_tenant() for the transaction");
	ask($ada, 'COMMIT');
	is(ask($cid, $nobody), 't|t', "$way: nobody, in no tenant");
}
ask($ada, "SELECT casnet.sign_in('$token{ada}', true)");
is(ask($ada, $count), '28000', 'outside of a transaction it is over with the statement');

# A client that disconnects in the middle.
my $lost = $pool->client;
ask($lost, 'BEGIN;' . $set{sign_in}->('ada'));
$lost->quit;
is(ask($cid, $count), '28000', 'a client that leaves in a transaction leaves nothing');
$_->quit foreach $ada, $cid;
$pool->stop;

# Pools of sessions: the reset query.
foreach my $reset ('', 'DISCARD ALL')
{
	$pool = start_pgbouncer($node, pool_mode => 'session', server_reset_query => $reset);
	my $first = $pool->once("SET casnet.token = '$token{ada}'; SET casnet.tenant_id = '$ID{north}'; SELECT pg_backend_pid(), count(*) FROM casnet.records");
	my ($backend) = $first =~ /^(\d+)\|2$/;
	ok($backend, "server_reset_query = '$reset': a client's session");
	my $client = $pool->client;
	is(ask($client, 'SELECT pg_backend_pid()'), $backend, 'the same backend for the next');
	is(ask($client, $nobody), $reset ? 't|t' : 'f|f', $reset ? 'is nobody' : 'is signed in: shown to leak');
	is(ask($client, $count), $reset ? '28000' : '2', 'and sees accordingly');
	$client->quit;
	$pool->stop;
}

# Settings that PgBouncer tracks.  The server must know them, and so report them,
# when the connection starts.
SKIP:
{
	skip 'track_extra_parameters takes PgBouncer 1.20', 6 if pgbouncer_version() < 12000;

	$node->safe_psql('postgres', 'ALTER SYSTEM SET session_preload_libraries = casnet');
	$node->reload;
	$pool = start_pgbouncer($node, track_extra_parameters => 'casnet.token');
	($ada, $cid) = ($pool->client, $pool->client);
	ask($ada, "SET casnet.token = '$token{ada}'");
	is(ask($ada, $count), '2', 'a session of its own');
	is(ask($cid, $count), '28000', 'is not that of a client without a token');
	ask($cid, "SET casnet.token = '$token{cid}'");
	is(ask($cid, $count), '1', 'another session');

	# It silently restores no value beyond 127 bytes (apply_var() in its
	# src/varcache.c), and every token is longer.
	cmp_ok(length $token{ada}, '>', 127, 'a token is longer than what PgBouncer restores');
	is(ask($ada, $count), '1', 'a client with a token of its own gets the last one: shown to leak');
	ask($ada, 'BEGIN;' . $set{sign_in}->('ada'));
	is(ask($ada, $count), '2', 'the transaction still works');
	ask($ada, 'ROLLBACK');
	$_->quit foreach $ada, $cid;
	$pool->stop;
	$node->safe_psql('postgres', 'ALTER SYSTEM RESET session_preload_libraries');
	$node->reload;
}

# 50 users of 10 tenants at once on 5 connections.
$node->safe_psql('postgres', q{
	INSERT INTO casnet.tenants (name) SELECT 'tenant ' || n FROM generate_series(0, 9) AS n;
	INSERT INTO casnet.users (username, email) SELECT 'user ' || n, n || '@example.org' FROM generate_series(0, 49) AS n;
	INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
		SELECT u.id, t.id, 'member' FROM generate_series(0, 49) AS n
		  JOIN casnet.users AS u ON u.username = 'user ' || n JOIN casnet.tenants AS t ON t.name = 'tenant ' || n % 10;
	INSERT INTO casnet.records (tenant_id, title)
		SELECT id, name || ' record ' || n FROM casnet.tenants, generate_series(1, 5) AS n WHERE name LIKE 'tenant %';
	CREATE TABLE public.clients AS
		SELECT n AS client, m.user_id, m.tenant_id, casnet_internal.issue_token(m.user_id, m.tenant_id, '1 hour') AS token
		  FROM generate_series(0, 49) AS n JOIN casnet.users AS u ON u.username = 'user ' || n
		  JOIN casnet.user_tenants AS m ON m.user_id = u.id;
	CREATE TABLE public.seen (client integer, backend integer, user_id uuid, tenant_id uuid, title text);
	GRANT SELECT ON public.clients TO casnet_plain;
	GRANT INSERT ON public.seen TO casnet_plain;
});

# Each client records what it reads, and who it is.
my $look = 'INSERT INTO public.seen SELECT :client_id, pg_backend_pid(), casnet.current_user_id(), tenant_id, title FROM casnet.records';
my %script = (
	naive => "SELECT token AS token FROM public.clients WHERE client = :client_id \\gset\nSELECT set_config('casnet.token', :token, false);\n$look;\n",
	local => "SELECT token AS token FROM public.clients WHERE client = :client_id \\gset\nBEGIN;\nSELECT set_config('casnet.token', :token, true);\n$look;\nCOMMIT;\n",
	sign_in => "SELECT token AS token FROM public.clients WHERE client = :client_id \\gset\nBEGIN;\nSELECT casnet.sign_in(:token, true);\n$look;\nROLLBACK;\nBEGIN;\nSELECT casnet.sign_in(:token, true);\n$look;\nEND;\n",
	nobody => "DO \$\$ BEGIN $look; EXCEPTION WHEN invalid_authorization_specification THEN NULL; END \$\$;\n" =~ s/:client_id/-1/r);
my $folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$folder/$_", $script{$_}) foreach keys %script;

# Runs these scripts; returns the number of foreign rows, of all rows, and so on.
sub pooled_run
{
	my @scripts = @_;

	$node->safe_psql('postgres', 'TRUNCATE public.seen');
	$pool = start_pgbouncer($node, default_pool_size => 5);
	my ($out, $err) = run_command([ 'pgbench', '-n', '-M', 'extended', '-c', 50, '-j', 2, '-t', 60,
		(map { ('-f', "$folder/$_") } @scripts), $pool->connstr ]);
	$pool->stop;
	my ($done) = $out =~ m{processed: (\d+)/3000};
	return $done, split /\|/, $node->safe_psql('postgres', q{
		SELECT count(*) FILTER (WHERE c.client IS NULL OR s.tenant_id <> c.tenant_id OR s.user_id <> c.user_id
				OR s.title NOT LIKE t.name || ' record %'), count(*), count(DISTINCT s.client), count(DISTINCT s.backend)
		  FROM public.seen AS s LEFT JOIN public.clients AS c USING (client) LEFT JOIN casnet.tenants AS t ON t.id = c.tenant_id});
}

# Some clients find nobody signed in and give up, others find somebody else.
my ($done, $foreign, $rows, $clients, $backends) = pooled_run('naive@9', 'nobody@1');
cmp_ok($foreign, '>', 0, 'SET for the session: foreign rows, shown to leak');
diag("naive: $foreign of $rows rows are foreign");
($done, $foreign, $rows, $clients, $backends) = pooled_run('local@4', 'sign_in@4', 'nobody@2');
is($done, 3000, 'each transaction is done');
is($foreign, 0, 'for the transaction: not one row is foreign');
is($clients, 50, 'of 50 clients');
is($backends, 5, 'on 5 connections');
cmp_ok($rows, '>', 5000, 'many rows were read');
diag("for the transaction: $foreign of $rows rows are foreign");

$node->stop;
done_testing();
