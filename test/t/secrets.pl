# A token or a password that the client binds as a parameter reaches no log and
# no view.  A literal does, as the test shows.  Errors quote neither, on any path.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('secrets');
init_cluster($node);
$node->append_conf('postgresql.conf', "log_statement = none\nlog_min_messages = warning\nlog_min_error_statement = error\ncompute_query_id = on\n");
$node->start;
my $statements = $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'");
if ($statements)
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.track = all\n");
	$node->restart;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');
}
make_fixture($node, 'postgres');
set_passwords($node, 'postgres');

my $token = token_of($node, 'postgres', 'ada', 'north');
my $late = token_of($node, 'postgres', 'ben', 'south', '1 second');
my $forged = $token =~ s/\.\K(.)([^.]*)$/($1 eq 'A' ? 'B' : 'A') . $2/er;
my $signature = (split /\./, $token)[2];
my $password = 'password of ada';
my $folder = PostgreSQL::Test::Utils::tempdir();
my $scripts = 0;
my $offset = -s $node->logfile;

# What the server has logged since the last call.
sub new_log
{
	my $log = slurp_file($node->logfile, $offset);

	$offset = -s $node->logfile;
	return $log;
}

# bound(script, variable => value, ...): a run with bound parameters.  pgbench
# binds the variables that its scripts name, on every version.
sub bound
{
	my ($script, %value) = @_;
	my $file = "$folder/script" . $scripts++;

	append_to_file($file, $script);
	my ($out, $err) = run_command([ 'pgbench', '-n', '-M', $value{mode} || 'extended', '-t', 1, '-f', $file,
		(map { ('-D', "$_=$value{$_}") } grep { $_ ne 'mode' } keys %value),
		'-h', $node->host, '-p', $node->port, '-U', 'casnet_plain', 'postgres' ]);
	return $out . $err;
}

# Whether a text contains a secret.
sub tells
{
	my ($text) = @_;

	return scalar grep { index($text, $_) >= 0 } $signature, (split /\./, $forged)[2], (split /\./, $late)[2],
	  $password, 'wrong secret', 'new secret';
}

# What pg_stat_statements holds.
sub statements
{
	return $statements ? $node->safe_psql('postgres', 'SELECT query FROM pg_stat_statements') : '';
}

# The wrong way: literals.
my $session = open_session($node, 'postgres', undef, undef, 'casnet_plain');
my $activity = "SELECT query FROM pg_stat_activity WHERE usename = 'casnet_plain'";
ask($session, "SET casnet.token = '$token'");
ok(tells($node->safe_psql('postgres', $activity)), 'a literal is in pg_stat_activity');
is(ask($session, 'SELECT count(*) FROM casnet.records'), '2', 'and works');
new_log();
is(ask($session, "SELECT casnet.sign_in('$forged')"), '28000', 'a forged token');
ok(tells(new_log()), 'a literal is in the log when the statement fails');
is(ask($session, "SELECT casnet.login('ada', 'wrong secret')"), '28P01', 'a wrong password');
ok(tells(new_log()), 'that one too');
SKIP:
{
	skip 'pg_stat_statements is not there', 2 unless $statements;
	ask($session, "DO 'BEGIN PERFORM casnet.sign_in(''$token''); END'");
	ok(tells(statements()), 'a literal in DO is in pg_stat_statements');
	$node->safe_psql('postgres', 'SELECT pg_stat_statements_reset()');
	ok(!tells(statements()), 'which begins anew');
}
$session->quit;
new_log();

# The right way: parameters, in good calls and in failing ones.
sleep 2;
foreach my $mode ('extended', 'prepared')
{
	my %good = (
		sign_in => [ "SELECT casnet.sign_in(:token, false);\nSELECT 1 / (count(*) = 2)::integer FROM casnet.records;\n", token => $token ],
		local => [ "BEGIN;\nSELECT set_config('casnet.token', :token, true);\nSELECT 1 / (count(*) = 2)::integer FROM casnet.records;\nCOMMIT;\n", token => $token ],
		login => [ "SELECT length(casnet.login('ada', :password));\n", password => $password ],
		change => [ "SELECT casnet.sign_in(:token);\nSELECT casnet.change_password(:password, :password);\n", token => $token, password => $password ]);
	my %bad = (
		'a forged token' => [ 'SELECT casnet.sign_in(:token);', token => $forged ],
		'a forged token in set_config' => [ "SELECT set_config('casnet.token', :token, false);\nSELECT count(*) FROM casnet.records;", token => $forged ],
		'a late token' => [ 'SELECT casnet.sign_in(:token);', token => $late ],
		'a malformed token' => [ 'SELECT casnet.sign_in(:token);', token => "x$signature" ],
		'a malformed token in set_config' => [ "SELECT casnet.current_user_id();\nSELECT set_config('casnet.token', :token, false);", token => "x$signature" ],
		'a token of three parts' => [ "SELECT casnet.sign_in(:token);", token => "$signature.$signature.$signature" ],
		'a wrong password' => [ "SELECT casnet.login('ada', :password);", password => 'wrong secret' ],
		'no user' => [ "SELECT casnet.login(:password, :password);", password => 'wrong secret' ],
		'a long password' => [ "SELECT casnet.login('ada', :password);", password => 'wrong secret' x 100 ],
		'a wrong old password' => [ "SELECT casnet.sign_in(:token);\nSELECT casnet.change_password(:password, 'x');", token => $token, password => 'wrong secret' ],
		'a short new one' => [ "SELECT casnet.sign_in(:token);\nSELECT casnet.change_password('password of ada', :new) AS password;" =~ s/'password of ada'/:password/r, token => $token, password => $password, new => 'abc' ],
		'a long new one' => [ "SELECT casnet.sign_in(:token);\nSELECT casnet.change_password(:password, :new);", token => $token, password => $password, new => 'new secret' x 200 ],
		'hash_password()' => [ "SELECT casnet.hash_password(:new);", new => 'new secret' x 200 ],
		'a code' => [ "SELECT casnet.sign_in(:token);\nSELECT casnet.accept_invitation(:code);", token => $token, code => $signature ],
		'a user that exists' => [ "SELECT casnet.create_user('ada', 'ada\@example.org', :new);", new => 'new secret' ]);

	foreach my $name (sort keys %good)
	{
		my $out = bound(@{ $good{$name} }, mode => $mode);
		like($out, qr{processed: 1/1}, "$mode: $name works") || diag($out);
	}
	my $log = new_log();
	is($log, '', "$mode: and nothing is logged");
	foreach my $name (sort keys %bad)
	{
		my $out = bound(@{ $bad{$name} }, mode => $mode);
		$log = new_log();
		like($log, qr/ERROR: .*STATEMENT: /s, "$mode: $name is logged");
		ok(!tells($log) && !tells($out), "$mode: without a secret") || diag($log, $out);
	}
	ok(!tells(statements()), "$mode: pg_stat_statements holds none");
	like(statements(), qr/casnet\.sign_in\(\$1/, "$mode: but the statements") if $statements;
	$token = token_of($node, 'postgres', 'ada', 'north');
	$signature = (split /\./, $token)[2];
}

# pg_stat_activity, while a session is idle after a bound call.
append_to_file("$folder/idle", "SELECT casnet.sign_in(:token);\n\\sleep 20 s\n");
my $idle = IPC::Run::start([ 'pgbench', '-n', '-M', 'extended', '-t', 1, '-f', "$folder/idle", '-D', "token=$token",
	'-h', $node->host, '-p', $node->port, '-U', 'casnet_plain', 'postgres' ], '<', \undef, '>&', \my $ignored);
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'casnet_plain' AND state = 'idle' AND query LIKE '%sign_in(\$1)%'"),
	'pg_stat_activity has the statement');
ok(!tells($node->safe_psql('postgres', $activity)), 'and not the token');
$idle->kill_kill(grace => 0);
new_log();

# A setting of the role; the error, if any.
sub alter
{
	my ($what) = @_;
	my ($status, $rows, $errors) = $node->psql('postgres', "ALTER ROLE casnet_plain $what", on_error_stop => 0);
	return $errors;
}

# The server's settings that log parameters, and what turns them off.
alter("SET log_statement = 'all'");
bound('SELECT casnet.sign_in(:token);', token => $token);
ok(tells(new_log()), 'log_statement = all logs parameters');
alter("SET log_parameter_max_length = 0");
new_log();
bound('SELECT casnet.sign_in(:token);', token => $token);
my $log = new_log();
like($log, qr/sign_in/, 'log_statement = all with log_parameter_max_length = 0');
ok(!tells($log), 'does not');
alter("RESET log_statement");
alter("SET log_parameter_max_length_on_error = -1");
new_log();
bound('SELECT casnet.sign_in(:token);', token => $forged);
ok(tells(new_log()), 'log_parameter_max_length_on_error = -1 logs parameters of what fails');
alter("RESET log_parameter_max_length_on_error");

# Messages never quote a value, not even a literal one.  STATEMENT does.
sub message
{
	my ($sql, $options) = @_;

	local $ENV{PGOPTIONS} = $options || '';
	my ($status, $rows, $errors) = $node->psql('postgres', $sql, on_error_stop => 0,
		extra_params => [ '-U', 'casnet_plain', '-v', 'VERBOSITY=verbose' ]);
	my $log = join '', grep { !/STATEMENT:|^\t/ } split /^/, new_log();
	return ($errors, $log);
}
my $load = 'SELECT casnet.current_user_id();';
my $count = 'SELECT count(*) FROM casnet.records';
my @bad = ($forged, "x$signature", "$signature.$signature.$signature", "$token$signature", $signature);
foreach my $preload ('', 'session_preload_libraries', 'shared_preload_libraries')
{
	if ($preload)
	{
		$node->append_conf('postgresql.conf', "$preload = 'casnet'\n");
		$node->restart;
	}
	my $how = $preload || 'no preload';
	foreach my $i (0 .. $#bad)
	{
		my $value = $bad[$i];
		new_log();
		my %got = (
			SET => [ message("$load SET casnet.token = '$value'; $count") ],
			'SET before the library is loaded' => [ message("SET casnet.token = '$value'; $count") ],
			PGOPTIONS => [ message($count, "-c casnet.token=$value") ]);
		my $refusal = alter("SET casnet.token = '$value'");
		my @got = message($count);
		$got{'ALTER ROLE'} = [ $refusal . $got[0], $got[1] ];
		alter('RESET casnet.token');
		$got{'ALTER ROLE by a session that has the library'} = [ message("$load ALTER ROLE casnet_plain SET casnet.token = '$value'; SET casnet.token = ''; $count") ];
		alter('RESET casnet.token');
		foreach my $path (sort keys %got)
		{
			my ($errors, $log) = @{ $got{$path} };
			like($errors, qr/(ERROR|FATAL):\s+(28000|22023|invalid value)/, "$how, value $i: $path fails closed") || diag($errors);
			ok(!tells($errors) && !tells($log), "$how, value $i: $path quotes nothing") || diag($errors, $log);
		}
	}
}

$node->stop;
done_testing();
