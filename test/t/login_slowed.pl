# Failed logins are slowed by account: across sessions if the library is in
# shared_preload_libraries, else within each.  Rolling back forgets none.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use IO::Socket::UNIX;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(time sleep);

my $node = PostgreSQL::Test::Cluster->new('slowed');
init_cluster($node);
$node->append_conf('postgresql.conf', "log_statement = none\nlisten_addresses = '127.0.0.1'");
$node->start;
make_fixture($node, 'postgres');
set_passwords($node, 'postgres');

my $wrong = sub { "SELECT length(casnet.login('$_[0]', 'wrong password'))" };
my $right = sub { "SELECT length(casnet.login('$_[0]', 'password of $_[0]')) > 100" };

# Seconds that a statement takes, and its answer.
sub timed
{
	my ($session, $sql) = @_;
	my $start = time;
	my $answer = ref $session ? ask($session, $sql) : ask_once($node, 'postgres', 'casnet_plain', $sql);
	my $taken = time - $start;

	note(sprintf('%.2f s: %s', $taken, $sql));
	return ($taken, $answer);
}

# A failure that must take that long.
sub fails
{
	my ($session, $account, $least, $most, $name) = @_;
	my ($taken, $answer) = timed($session, $wrong->($account));

	is($answer, '28P01', "$name: the login fails");
	cmp_ok($taken, '>=', $least, "$name: not before $least s");
	cmp_ok($taken, '<', $most, "$name: before $most s");
	return;
}

# Without a preload.
my $one = open_session($node, 'postgres', undef, undef, 'casnet_plain');
my $two = open_session($node, 'postgres', undef, undef, 'casnet_plain');
fails($one, 'ada', 0.99, 1.9, 'the first failure');
foreach my $end ('ROLLBACK', 'ROLLBACK', 'ROLLBACK TO s; COMMIT', 'COMMIT')
{
	ask($one, 'BEGIN; SAVEPOINT s');
	is(ask($one, $wrong->('ada')), '28P01', "another that ends with $end");
	ask($one, $end);
}
ask($one, "DO \$\$ BEGIN PERFORM casnet.login('ada', 'wrong'); EXCEPTION WHEN OTHERS THEN NULL; END \$\$");
fails($one, 'ada', 1.9, 4, 'the seventh, after rollbacks');
fails($one, 'ADA', 2.9, 6, 'the eighth, in capitals');
fails($two, 'ada', 0.99, 1.9, 'in another session, without a preload');
fails($one, 'ben', 0.99, 1.9, 'of another account');
fails($one, 'nobody', 0.99, 1.9, 'of no account');
my ($taken, $answer) = timed($one, $right->('cid'));
is($answer, 't', 'a third account logs in');
cmp_ok($taken, '<', 1, 'at once');

# A login with too little time to hide its outcome fails at once, and counts as no attempt.
ask($two, "SET statement_timeout = '150ms'");
foreach my $who ('ada', 'nobody')
{
	($taken, $answer) = timed($two, $wrong->($who));
	is($answer, '57014', "statement_timeout leaves no time, $who");
	cmp_ok($taken, '<', 0.9, 'which is said at once');
}
ask($two, 'SET statement_timeout = 0');
($taken, $answer) = timed($two, $right->('ada'));
is($answer, 't', 'the right password');
fails($two, 'ada', 0.99, 1.9, 'a success forgets them');
$_->quit foreach $one, $two;

# With a preload all sessions share the count, also behind another library that has
# asked for shared memory.
my $other = $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'")
	? 'pg_stat_statements, ' : '';
$node->append_conf('postgresql.conf', "shared_preload_libraries = '${other}casnet'");
$node->restart;
is((timed('', $wrong->('ada')))[1], '28P01', "failure $_, each in a session of its own") foreach 1 .. 3;
my @failing = map {
	IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-U', 'casnet_plain', '-c', $wrong->('ada') ],
		'<', \undef, '>&', \my $ignored) } 1 .. 3;
$_->finish foreach @failing;
fails('', 'ada', 1.9, 4, 'the seventh, in a new session');
fails('', 'ben', 0.99, 1.9, 'another account, preloaded');
is((timed('', $right->('cid')))[1], 't', 'a third account, preloaded');

# Cancelled while it waits.
my ($out, $err) = ('', '');
my $waiting = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-d', $node->connstr('postgres'), '-U', 'casnet_plain',
	'-c', $wrong->('ada') ], '<', \undef, '>', \$out, '2>', \$err);
ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'casnet_plain' AND wait_event_type = 'Extension'"),
	'a login waits');
my $start = time;
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'casnet_plain'");
$waiting->finish;
like($err, qr/57014/, 'and is cancelled');
cmp_ok(time - $start, '<', 1, 'at once');

# Failures from another address slow nobody down, and attempts that wait are bounded.
sub from_address
{
	my ($sql) = @_;
	return IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-d', $node->connstr('postgres') . ' host=127.0.0.1', '-U', 'casnet_plain', '-c', $sql ],
		'<', \undef, '>&', \my $ignored);
}
my @attack = map { from_address($wrong->('cid')) } 1 .. 6;
$_->finish foreach @attack;
@attack = map { from_address($wrong->('cid')) } 1 .. 6;
sleep 0.5;
($taken, $answer) = timed('', $right->('cid'));
is($answer, 't', 'the right password from elsewhere, while an attacker waits');
cmp_ok($taken, '<', 1.5, 'is not slowed');
$_->finish foreach @attack;

# In a flood of failures from the same address, longer than the queue, the right password logs
# in after 15 seconds at most.
@failing = map { IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-U', 'casnet_plain', map { ('-c', $_) } ($wrong->('ada')) x 2 ],
		'<', \undef, '>&', \my $ignored) } 1 .. 8;
sleep 0.5;
($taken, $answer) = timed('', $right->('ben'));
is($answer, 't', 'another account logs in during a flood');
cmp_ok($taken, '<', 1, 'at once');
($taken, $answer) = timed('', $right->('ada'));
is($answer, 't', 'the right password in the flood');
cmp_ok($taken, '<', 17, 'in bounded time');
$_->finish foreach @failing;
is((timed('', $right->('ada')))[1], 't', 'the right password after the flood');
fails('', 'ada', 0.99, 1.9, 'a success forgets for all sessions');

# Whoever ends the own connection during a failure learns no earlier that it is one.  The end
# must come after the verification: before it, the end comes at once for any password.
sub seconds_until_closed
{
	my (@statements) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "no connection: $!";
	my $send = sub { my ($type, $body) = @_; print {$socket} $type . pack('N', 4 + length $body) . $body; $socket->flush; };
	my $rest = '';
	# Reads messages until the server is ready, or has closed the connection.
	my $wait = sub {
		while (1)
		{
			while (length $rest >= 5 && length $rest >= 1 + unpack('N', substr $rest, 1, 4))
			{
				my $message = substr $rest, 0, 1 + unpack('N', substr $rest, 1, 4), '';
				return 1 if $message =~ /^Z/;
			}
			sysread($socket, $rest, 8192, length $rest) or return 0;
		}
	};
	my $start;

	$send->('', pack('N', 196608) . "user\0casnet_plain\0database\0postgres\0\0");
	$wait->() or die 'refused';
	foreach my $n (0 .. $#statements)
	{
		$start = time;
		$send->('Q', "$statements[$n]\0");
		shutdown $socket, 1 if $n == $#statements;
		last if !$wait->();
	}
	return time - $start;
}
my $taken_away = seconds_until_closed("SELECT 1 FROM casnet.find_user('x') LIMIT 0", "SET client_connection_check_interval = '300ms'", $wrong->('nobody'));
cmp_ok($taken_away, '>=', 0.99, 'a connection that its client has closed');
SKIP: {
	skip 'transaction_timeout is new in PostgreSQL 17', 1 if $node->pg_version < 17;
	$taken_away = seconds_until_closed('SELECT casnet.current_user_id()', "SET transaction_timeout = '300ms'", $wrong->('nobody'));
	cmp_ok($taken_away, '>=', 0.99, 'a connection that transaction_timeout ends');
}

# change_password() in a stolen session, too.
my $token = token_of($node, 'postgres', 'max');
my $guess = "SELECT casnet.change_password('wrong password', 'new password')";
my $thief = open_session($node, 'postgres', undef, undef, 'casnet_plain');
ask($thief, "SET casnet.token = '$token'");
is((timed($thief, $guess))[1], '28P01', "guess $_") foreach 1 .. 6;
($taken, $answer) = timed($thief, $guess);
is($answer, '28P01', 'guesses in change_password()');
cmp_ok($taken, '>=', 1.9, 'are slowed');
is((timed('', $right->('max')))[1], 't', 'the owner logs in, after a wait');
$thief->quit;

$node->stop;
done_testing();
