# A database with everything in it is replicated logically.  The first copy and every kind
# of change give the same rows, entries of the audit included, once each.  Policies hold on
# the subscriber, and what is revoked on the publisher is revoked there.  A subscription
# whose owner is under the policies stops.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetLife;
use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes 'usleep';

my @settings = ("max_worker_processes = 20\nmax_sync_workers_per_subscription = 4\nmax_logical_replication_workers = 10\n"
	  . "wal_retrieve_retry_interval = 200ms\nlog_statement = none\n");
my $publisher = PostgreSQL::Test::Cluster->new('publisher');
init_cluster($publisher, allows_streaming => 'logical');
$publisher->append_conf('postgresql.conf', $_) foreach @settings;
$publisher->start;
databases($publisher, 'source');
make_everything($publisher, 'source');
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
init_cluster($subscriber, allows_streaming => 'logical');
$subscriber->append_conf('postgresql.conf', $_) foreach @settings;
$subscriber->start;

# The subscriber gets the roles and the schema by dump.  It refuses every role that
# policies do not bind; replication is exempt.
my $dir = PostgreSQL::Test::Utils::tempdir();
command_ok([ 'pg_dumpall', '-g', '-d', $publisher->connstr('postgres'), '-f', "$dir/roles.sql" ], 'the roles');
command_ok([ 'pg_dump', '-s', '-C', '-d', $publisher->connstr('source'), '-f', "$dir/schema.sql" ], 'the schema');
run_command([ 'psql', '-X', '-q', '-d', $subscriber->connstr('postgres'), '-f', "$dir/roles.sql" ]);
command_ok(psql_file($subscriber, 'postgres', "$dir/schema.sql"), 'restored');
$subscriber->safe_psql('postgres', "ALTER DATABASE source SET casnet.bypass = 'refuse'");

# Rows of casnet's tables and of the application's.
sub rows_of
{
	my ($server) = @_;
	my $found = do { local $ENV{PGOPTIONS} = '-c casnet.bypass=allow'; fingerprint($server, 'source') };

	# what is computed from other rows is not replicated
	return { rows => [ grep { !/^public\.totals / } @{ $found->{rows} } ] };
}

my $plain = open_session($subscriber, 'source', undef, undef, 'casnet_plain');
ask($plain, "SET casnet.token = '$TOKENS{good}'");
is(ask($plain, 'SELECT count(*) FROM casnet.records'), '28000', 'nobody is there yet');
$publisher->safe_psql('source', 'CREATE PUBLICATION all_of_it FOR ALL TABLES');
my $connstr = $publisher->connstr('source');
# from 16 on, rows are written as the owner of the table unless it is said otherwise, and
# that is under the policies of a protected table
my $options = $subscriber->safe_psql('source', 'SHOW server_version_num') < 160000 ? '' : ' WITH (run_as_owner = true)';
$subscriber->safe_psql('source', "CREATE SUBSCRIPTION everything CONNECTION '" . $connstr =~ s/'/''/gr . "' PUBLICATION all_of_it$options");
$subscriber->wait_for_subscription_sync($publisher, 'everything', 'source');
same_as('the first copy', rows_of($subscriber), rows_of($publisher));
is(ask($plain, 'SELECT count(*) FROM casnet.records'), '40', 'a token of the publisher is good on the subscriber, in an open session');
my $ben = open_session($subscriber, 'source', 'ben', 'south');
is(ask($ben, 'SELECT count(*) FROM app.cases'), '4', 'rows of a protected table, of one tenant');
is(ask($ben, "INSERT INTO app.days (day) VALUES ('2025-02-02')"), '42501', 'which a viewer does not write');

# sql on the publisher, as a user or as the superuser, applied on the subscriber.
sub apply
{
	my ($sql, $user, $tenant) = @_;

	if ($user)
	{
		my $answer = ask_once($publisher, 'source', 'casnet_app', "SET casnet.user_id = '$ID{$user}'; SET casnet.tenant_id = '$ID{$tenant}'; $sql");

		unlike($answer, qr/^\w{5}$/, $sql) unless $answer eq '';
	}
	else { $publisher->safe_psql('source', $sql) }
	$publisher->wait_for_catchup('everything');
	return;
}

# Changes of every kind, with their cascades and their entries.
apply($_, 'ada', 'north') foreach "INSERT INTO casnet.records (title, content) SELECT 'new ' || n, repeat('visited ', n * 100) FROM generate_series(1, 50) AS n",
  "UPDATE casnet.records SET content = content || '!' WHERE title ~ 'record'",
  "UPDATE casnet.tasks SET status = 'COMPLETED', assignee_id = NULL",
  "DELETE FROM casnet.records WHERE title ~ '[12]\$'",
  "SELECT casnet.merge_tags('urgent', 'school')",
  "UPDATE app.days SET day = day + 400 WHERE day < '2026-01-01'",
  "DELETE FROM app.cases WHERE id % 2 = 0; INSERT INTO app.cases (body) VALUES ('late')",
  "SELECT casnet.set_member_role('cid', 'viewer')";
apply("TRUNCATE app.lines");
apply("UPDATE casnet.users SET username = 'Benjamin', hashed_password = NULL WHERE username = 'ben'");
same_as('changes', rows_of($subscriber), rows_of($publisher));
is(ask($ben, 'SELECT username FROM casnet.whoami()'), 'Benjamin', 'who has another name now');

# Written on the subscriber, a change is recorded there, once.
my $entries = 'SELECT count(*) FROM casnet_internal.audit_entries';
my $count = sub { local $ENV{PGOPTIONS} = '-c casnet.bypass=allow'; $subscriber->safe_psql('source', $entries) };
my $before = $count->();
is(ask_once($subscriber, 'source', 'casnet_app', "SET casnet.user_id = '$ID{cid}'; SET casnet.tenant_id = '$ID{south}'; INSERT INTO casnet.records (title) VALUES ('local') RETURNING title"),
	'local', 'a local change');
is($count->(), $before + 1, 'is recorded once');
is(ask_once($subscriber, 'source', 'casnet_app', "SET casnet.user_id = '$ID{cid}'; SET casnet.tenant_id = '$ID{south}'; DELETE FROM casnet.records WHERE title = 'local' RETURNING title"),
	'local', 'and so is its end');

# Revocations in open sessions.
my $session = open_session($subscriber, 'source', undef, undef, 'casnet_plain');
is(ask($session, "SET casnet.token = '$TOKENS{new}'; SET casnet.tenant_id = '$ID{south}'; SELECT count(*) FROM casnet.records"), '38', 'a token of cid');
ask_once($publisher, 'source', 'casnet_plain', "SET casnet.token = '$TOKENS{new}'; SELECT casnet.revoke_token()");
apply('SELECT 1');
is(ask($session, 'SELECT count(*) FROM casnet.records'), '28000', 'a token that is revoked on the publisher');
is(ask($plain, 'SELECT count(*) > 0 FROM casnet.records'), 't', 'another one is good');
apply("SELECT casnet.revoke_all_tokens('$ID{ada}')");
is(ask($plain, 'SELECT count(*) FROM casnet.records'), '28000', 'until all of the user are revoked');
ask($session, "SET casnet.token = '$TOKENS{outside}'");
is(ask($session, 'SELECT count(*) FROM casnet.records'), '38', 'a token of an outside issuer');
apply("SELECT casnet.retire_signing_key('outer ed')");
is(ask($session, 'SELECT count(*) FROM casnet.records'), '28000', 'until its key is retired');
is(ask($ben, 'SELECT count(*) FROM app.cases'), '4', 'a member');
apply("SELECT casnet.remove_member('Benjamin')", 'cid', 'south');
is(ask($ben, 'SELECT count(*) FROM app.cases'), '42501', 'until removed');

# An owner of the subscription who is under the policies: nothing is applied, with errors
# in the log, until the owner is a superuser again.
$subscriber->safe_psql('source', 'CREATE ROLE casnet_carrier LOGIN SUPERUSER; ALTER SUBSCRIPTION everything OWNER TO casnet_carrier; ALTER ROLE casnet_carrier NOSUPERUSER;'
	  . 'GRANT ALL ON ALL TABLES IN SCHEMA casnet, casnet_internal, app TO casnet_carrier; GRANT USAGE ON SCHEMA casnet, casnet_internal, app TO casnet_carrier');
my $offset = -s $subscriber->logfile;
$subscriber->restart;
$publisher->safe_psql('source', "INSERT INTO casnet.records (tenant_id, title) VALUES ('$ID{north}', 'carried')");
# from 16 on, it is the owner of the table or the connection that he lacks rights to
my ($refused, $tries) = ('', 0);
until ($refused || $tries++ > 300)
{
	($refused) = slurp_file($subscriber->logfile, $offset) =~ /(row-level security|cannot SET ROLE|password is required)/;
	usleep(100_000);
}
ok($refused, 'an owner under the policies applies nothing') and note($refused);
my $carried = sub { local $ENV{PGOPTIONS} = '-c casnet.bypass=allow'; $subscriber->safe_psql('source', "SELECT count(*) FROM casnet.records WHERE title = 'carried'") };
is($carried->(), 0, 'not a row');
$subscriber->safe_psql('source', 'ALTER ROLE casnet_carrier SUPERUSER');
$publisher->wait_for_catchup('everything');
is($carried->(), 1, 'until it is put right');

# A tenant is deleted, with its entries; the sequences are the subscriber's own.
apply("SELECT casnet.delete_tenant('$ID{south}')", 'cid', 'south');
same_as('all changes', rows_of($subscriber), rows_of($publisher), qr/^rows . casnet_internal\.audit_entries_/);
my $shared = q{SELECT count(*), md5(string_agg(e::text, ';' ORDER BY at, id)) FROM casnet_internal.audit_entries AS e WHERE coalesce(before, after)->>'title' IS DISTINCT FROM 'local'};
is(do { local $ENV{PGOPTIONS} = '-c casnet.bypass=allow'; $subscriber->safe_psql('source', $shared) }, $publisher->safe_psql('source', $shared),
	'and all entries, but for those of local changes');
is($publisher->safe_psql('source', "SELECT count(*) FROM casnet_internal.audit_entries WHERE tenant_id = '$ID{south}'"), 0, 'of the tenant that went, no entry is left');

$_->quit foreach $ben, $plain, $session;
{
	local $ENV{PGOPTIONS} = '-c casnet.bypass=allow';
	$subscriber->safe_psql('source', 'DROP SUBSCRIPTION everything');
}
$_->stop foreach $subscriber, $publisher;
done_testing();
