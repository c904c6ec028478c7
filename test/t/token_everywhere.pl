# Invariant 4 for tokens: what ends a token ends it in every session at the next statement.
# This holds on standbys once replayed, in parallel workers, and after a dump and restore.
# A token works however the setting was made.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
init_cluster($node, allows_streaming => 1);
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nparallel_setup_cost = 0\nparallel_tuple_cost = 0\nmin_parallel_table_scan_size = 0\n");
$node->start;
make_fixture($node, 'postgres');
set_passwords($node, 'postgres');
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = -1');
$standby->start;

my $count = 'SELECT count(*) FROM casnet.records';
my $who = 'SELECT username FROM casnet.whoami()';

# sql by the superuser, replayed.
sub super
{
	my ($sql) = @_;
	my $rows = $node->safe_psql('postgres', $sql);

	$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
	return $rows;
}

# A session with a token, on the primary unless another server is given.
sub signed_in
{
	my ($token, $where) = @_;
	my $session = open_session($where || $node, 'postgres', undef, undef, 'casnet_plain');

	ask($session, "SET casnet.token = '$token'");
	return $session;
}

# Which of the sessions have access: '+' or '-' for each.
sub let_in
{
	return join '', map { my $answer = ask($_, $count); $answer eq '28000' ? '-' : $answer =~ /^\d+$/ && $answer < 100 ? '+' : "($answer)" } @_;
}

# Two tokens of ada, one of cid; on both servers, and in an old transaction.
sub token { return super("SELECT casnet_internal.issue_token('$ID{$_[0]}', '$ID{$_[1]}', '1 hour')") }
my ($first, $second, $other) = (token('ada', 'north'), token('ada', 'north'), token('cid', 'south'));
my @sessions = map { (signed_in($_), signed_in($_, $standby)) } $first, $second, $other;
my $old = signed_in($first);
my $admin = open_session($node, 'postgres', undef, undef, $node->safe_psql('postgres', 'SELECT current_user'));
is(let_in(@sessions), '++++++', 'two tokens of one user, one of another, on primary and standby');

# restore(): new tokens of ada in her sessions.
sub restore
{
	($first, $second) = (token('ada', 'north'), token('ada', 'north'));
	ask($_, "SET casnet.token = '$first'") foreach @sessions[0, 1], $old;
	ask($_, "SET casnet.token = '$second'") foreach @sessions[2, 3];
	is(let_in(@sessions, $old), '+++++++', 'with new tokens');
	return;
}

# What a session with the first token does, and which tokens that ends.
my %end = (
	'revoke_token()' => [ 'SELECT casnet.revoke_token()', '--++++' ],
	'revoke_all_tokens()' => [ 'SELECT casnet.revoke_all_tokens(casnet.current_user_id())', '----++' ],
	'change_password()' => [ "SELECT casnet.change_password('password of ada', 'password of ada')", '++--++' ]);
foreach my $name (sort keys %end)
{
	my ($sql, $expected) = @{ $end{$name} };
	my $one = signed_in($first);

	ask($old, 'BEGIN ISOLATION LEVEL REPEATABLE READ');
	is(ask($old, $count), '2', "$name: in a transaction of before");
	ask($one, "BEGIN; $sql; ROLLBACK");
	super('CREATE TABLE flushed ()');
	super('DROP TABLE flushed');
	is(let_in(@sessions, $one), '+++++++', "$name: rolled back");
	ask($one, "BEGIN; SAVEPOINT s; $sql");
	is(let_in($one), substr($expected, 0, 1), "$name: in the session itself") ;
	is(let_in(@sessions), '++++++', "$name: not committed");
	ask($one, 'ROLLBACK TO s');
	is(let_in($one), '+', "$name: rolled back to a savepoint");
	ask($one, 'COMMIT');
	ask($one, "BEGIN; $sql; PREPARE TRANSACTION 'end'");
	is(let_in(@sessions, $one), '+++++++', "$name: prepared");
	super("COMMIT PREPARED 'end'");
	is(let_in(@sessions), $expected, "$name: committed");
	is(let_in($one), substr($expected, 0, 1), "$name: in the session itself");
	is(let_in($old), substr($expected, 0, 1), "$name: in a transaction of before");
	is(ask($old, "COMMIT; $count"), $expected =~ /^-/ ? '28000' : '2', "$name: and after it");
	is(ask_once($node, 'postgres', 'casnet_plain', "SET casnet.token = '$second'; $count"), $expected =~ /^..-/ ? '28000' : '2', "$name: in a new session");
	$one->quit;
	restore();
}

# What administrators do.
super("UPDATE casnet.users SET is_active = false WHERE username = 'ada'");
is(let_in(@sessions), '----++', 'deactivation');
super("UPDATE casnet.users SET is_active = true WHERE username = 'ada'");
is(let_in(@sessions), '----++', 'and activation, which brings no token back');
restore();
super("SELECT casnet.revoke_all_tokens('$ID{ada}')");
is(let_in(@sessions), '----++', 'revoke_all_tokens() of another');
restore();
super("SELECT casnet.set_password('$ID{ada}', 'password of ada')");
is(let_in(@sessions), '----++', 'set_password()');
restore();

# Keys: a second one is added, then the first one is retired.
my $key = super('SELECT kid FROM casnet_internal.signing_keys');
super("SELECT casnet.add_signing_key('next')");
my $next = token('ada', 'north');
ask($_, "SET casnet.token = '$next'") foreach @sessions[2, 3];
is(let_in(@sessions), '++++++', 'two keys');
ask($admin, "BEGIN; SELECT casnet.retire_signing_key('$key')");
is(let_in(@sessions), '++++++', 'a key that is about to be retired');
ask($admin, 'ROLLBACK');
is(let_in(@sessions), '++++++', 'and is not');
super("SELECT casnet.retire_signing_key('$key')");
is(let_in(@sessions, $old), '--++---', 'a retired key');
ask($_, "SET casnet.token = '" . token('cid', 'south') . "'") foreach @sessions[4, 5];
restore();
my $login = ask_once($standby, 'postgres', 'casnet_plain', "SELECT casnet.login('ada', 'password of ada', '$ID{north}')");
is(ask_once($standby, 'postgres', 'casnet_plain', "SET casnet.token = '$login'; $count"), '2', 'a login on the standby');
is(ask_once($node, 'postgres', 'casnet_plain', "SET casnet.token = '$login'; $count"), '2', 'is good on the primary');
is(ask($sessions[1], 'SELECT casnet.revoke_token()'), '25006', 'revoke_token() on a standby is refused');

# Parallel workers verify for themselves.
super("INSERT INTO casnet.records (tenant_id, title) SELECT '$ID{north}', 'bulk' FROM generate_series(1, 6000)");
super('VACUUM ANALYZE casnet.records');
my $force = super("SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
my $many = $sessions[0];
super('GRANT pg_read_all_stats TO casnet_app, casnet_plain');
like(ask($many, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $count"), qr/Workers Launched: [12]/, 'workers are launched');
super('REVOKE pg_read_all_stats FROM casnet_app, casnet_plain');
is(ask($many, $count), '6002', 'and count');
is(ask($many, "SET $force = on; SELECT casnet.current_user_id(), casnet.current_tenant_id()"), "$ID{ada}|$ID{north}", 'a worker knows who it is');
is(ask($many, "BEGIN; SET LOCAL casnet.token = '" . token('cid', 'south') . "'; SELECT casnet.current_user_id(); COMMIT"), $ID{cid}, 'for the transaction as well');
my $short = super("SELECT casnet_internal.issue_token('$ID{ada}', '$ID{north}', '1 second')");
ask($many, "SET casnet.token = '$short'");
sleep 2;
is(ask($many, 'SELECT casnet.current_user_id() IS NULL'), 't', 'a token that expired, in a worker');
is(ask($many, 'SELECT casnet_internal.require_user()'), '28000', 'with its error') if super("SELECT has_function_privilege('casnet_plain', 'casnet_internal.require_user()', 'EXECUTE')") eq 't';
ask($many, "SET casnet.token = '$first'");
is(ask($many, 'SELECT casnet.current_user_id()'), $ID{ada}, 'the first token, in a worker');
ask($admin, "BEGIN; SELECT casnet.revoke_all_tokens('$ID{ada}')");
ask($admin, "SET LOCAL casnet.token = '$first'; SET LOCAL $force = on");
is(ask($admin, 'SELECT casnet.current_user_id() IS NULL'), 't', 'a revocation of its own transaction, in a worker');
ask($admin, 'ROLLBACK');
super("SELECT casnet.revoke_all_tokens('$ID{ada}')");
is(ask($many, 'SELECT casnet.current_user_id() IS NULL'), 't', 'and revoked, in a worker');
is(ask($many, $count), '28000', 'refuses');
super("DELETE FROM casnet.records WHERE title = 'bulk'");
ask($many, "RESET $force");
restore();

# Dump and restore: keys, revoked tokens and cutoffs.
my ($revoked, $cut, $good, $retired) = ($second, token('ben', 'south'), $first, $other);
is(ask($sessions[2], 'SELECT casnet.revoke_token()'), '', 'one revoked token');
super("SELECT casnet.revoke_all_tokens('$ID{ben}')");
my $after = token('ben', 'south');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
super('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restore');
my %expected = (good => [ $good, '2' ], revoked => [ $revoked, '28000' ], 'cut off' => [ $cut, '28000' ],
	'of after the cutoff' => [ $after, '1' ], 'of a retired key' => [ $retired, '28000' ]);
foreach my $database ('postgres', 'restored')
{
	is(ask_once($node, $database, 'casnet_plain', "SET casnet.token = '$expected{$_}[0]'; $count"), $expected{$_}[1],
		"$database: a token that is $_") foreach sort keys %expected;
}
is(ask_once($node, 'restored', 'casnet_plain', "SELECT casnet.login('ada', 'password of ada') IS NULL"), 'f', 'a login in the restored database');

# Ways to set it, whether or not the library is loaded when the session starts.
foreach my $preload ('', 'session_preload_libraries', 'shared_preload_libraries')
{
	my $how = $preload || 'no preload';

	if ($preload)
	{
		$node->append_conf('postgresql.conf', "$preload = 'casnet'\n");
		$node->restart;
	}
	my $token = $node->safe_psql('postgres', "SELECT casnet_internal.issue_token('$ID{ada}', '$ID{north}', '1 hour')");
	is(ask_once($node, 'postgres', 'casnet_plain', $who, "-c casnet.token=$token"), 'ada', "$how: PGOPTIONS");
	is(ask_once($node, 'postgres', 'casnet_plain', $who, "-c casnet.token=$revoked"), '28000', "$how: PGOPTIONS with a revoked one");
	is(ask_once($node, 'postgres', 'casnet_plain', $who, "-c casnet.token=$cut"), '28000', "$how: PGOPTIONS with one cut off");
	foreach my $level ('ROLE casnet_plain', 'DATABASE postgres')
	{
		$node->safe_psql('postgres', "ALTER $level SET casnet.token = '$token'");
		is(ask_once($node, 'postgres', 'casnet_plain', $who), 'ada', "$how: ALTER $level");
		is(ask_once($node, 'postgres', 'casnet_plain', "RESET casnet.token; $who"), 'ada', "$how: RESET goes back to it");
		is(ask_once($node, 'postgres', 'casnet_plain', "DISCARD ALL; $who"), 'ada', "$how: and DISCARD ALL");
		is(ask_once($node, 'postgres', 'casnet_plain', "SELECT casnet.sign_out(); $who"), '28000', "$how: sign_out() does not");
		is(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{cid}'; $who"), $level =~ /ROLE/ ? 'cid' : 'ada',
			"$how: a token goes before casnet.user_id");
		$node->safe_psql('postgres', "ALTER $level RESET casnet.token");
	}
	is(ask_once($node, 'postgres', 'casnet_plain', "SET casnet.token = '$token'; $who"), 'ada', "$how: SET first of all");
	is(ask_once($node, 'postgres', 'casnet_plain', "SET casnet.token = '$token'; SET casnet.user_id = '$ID{cid}'; $who"),
		$preload ? '42501' : 'ada', "$how: casnet.user_id by anybody changes nothing");
}

$_->quit foreach @sessions, $old, $admin;
$standby->stop;
$node->stop;
done_testing();
