# A clock that stands still, goes back, or jumps ahead by hours.  Ids stay in order,
# updated_at increases, and what expires by time expires neither early nor late.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'no C compiler' if system('cc --version > /dev/null 2>&1') != 0;
plan skip_all => 'another library is preloaded' if $ENV{LD_PRELOAD} || $ENV{CASNET_UNDER};

# Replaces the server's clock.  The file that $CLOCK names has the number of microseconds
# to add, or after "=" the time itself, which then stands still.
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/clock.c", <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long
change(long long now)
{
	char		text[64] = "";
	int			file = open(getenv("CLOCK"), O_RDONLY);

	if (file < 0 || read(file, text, sizeof(text) - 1) < 0)
		abort();
	close(file);
	return text[0] == '=' ? atoll(text + 1) : now + atoll(text);
}

int
clock_gettime(clockid_t id, struct timespec *result)
{
	static int	(*real) (clockid_t, struct timespec *);
	long long	changed;

	if (real == NULL)
		*(void **) &real = dlsym(RTLD_NEXT, "clock_gettime");
	if (real(id, result) != 0 || id != CLOCK_REALTIME)
		return -(id == CLOCK_REALTIME);
	changed = change(result->tv_sec * 1000000LL + result->tv_nsec / 1000);
	result->tv_sec = changed / 1000000;
	result->tv_nsec = changed % 1000000 * 1000 + result->tv_nsec % 1000;
	return 0;
}

int
gettimeofday(struct timeval *result, void *zone)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	result->tv_sec = now.tv_sec;
	result->tv_usec = now.tv_nsec / 1000;
	return 0;
}
C
system_or_bail('cc', '-shared', '-fPIC', '-O2', '-o', "$dir/clock.so", "$dir/clock.c", '-ldl');

sub set_clock
{
	my ($change) = @_;

	append_to_file("$dir/next", $change);
	rename("$dir/next", "$dir/clock") or die $!;
	return;
}

my ($second, $minute, $day) = (1_000_000, 60_000_000, 86_400_000_000);
set_clock(0);
my $node = PostgreSQL::Test::Cluster->new('clock');
init_cluster($node);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'casnet'\nautovacuum = off");
{
	local $ENV{LD_PRELOAD} = "$dir/clock.so";
	local $ENV{CLOCK} = "$dir/clock";
	$node->start;
}
make_fixture($node, 'postgres');
set_passwords($node, 'postgres');
set_clock(3 * $day);
cmp_ok($node->safe_psql('postgres', "SELECT extract(epoch FROM clock_timestamp())"), '>', time + 2.9 * 86400, 'the clock is the test\'s');

# Ids of one session: those that uuid_v7() returns, and those of new rows.
my $session = open_session($node, 'postgres', 'ada', 'north');
my $ordered = 'SELECT count(*) FILTER (WHERE id <= before) FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before'
  . ' FROM (SELECT casnet.uuid_v7() AS id, n FROM generate_series(1, 2000) AS n OFFSET 0) AS v) AS w';
my $milliseconds = "SELECT ('x' || translate(left(casnet.uuid_v7()::text, 13), '-', ''))::bit(48)::bigint";
my $last = ask($session, 'SELECT casnet.uuid_v7()');
foreach my $case ([ 'goes', 3 * $day ], [ 'stands still', '=1900000000123456' ], [ 'went back a day', 2 * $day ], [ 'went back a year', -365 * $day ],
	[ 'stands still before', '=1700000000999999' ])
{
	my ($name, $change) = @$case;

	set_clock($change);
	is(ask($session, $ordered), 0, "the clock $name: each id is greater than the one before");
	is(ask($session, "SELECT casnet.uuid_v7() > '$last'"), 't', "the clock $name: and than the last one");
	$last = ask($session, 'SELECT casnet.uuid_v7()');
}
set_clock('=1950000000123456');
cmp_ok(ask($session, $milliseconds), '==', 1950000000123, 'an id has the time, to the millisecond');
is(ask($session, 'INSERT INTO casnet.tags (name) SELECT n::text FROM generate_series(1, 300) AS n; SELECT count(*) FROM (SELECT name::int > lag(name::int) OVER (ORDER BY id) AS ok FROM casnet.tags) AS t WHERE NOT ok'), 0, 'rows that are made while it stands still are in order');

# updated_at increases, whatever the clock does.
my @updated;
foreach my $change (0, 0, -2 * $day, "=1600000000000000", "=1600000000000000", 1)
{
	set_clock($change);
	ask($session, q{UPDATE casnet.records SET title = title WHERE title = 'north 1'});
	push @updated, ask($session, q{SELECT extract(epoch FROM updated_at) FROM casnet.records WHERE title = 'north 1'});
}
ok($updated[$_] > $updated[ $_ - 1 ], "updated_at goes on: $_") foreach 1 .. $#updated;
$session->quit;

# A password set after the clock went back is in force, and it ends the tokens of before.
# This holds although another session has locked the rows of former passwords, so that
# they stay.
my %tokens;
my $holder = $node->background_psql('postgres');
foreach my $case ([ 'first', 0 ], [ 'second', -2 * $day ], [ 'third', "=1500000000000000" ], [ 'fourth', "=1500000000000000" ])
{
	my ($name, $change) = @$case;

	set_clock($change);
	$holder->query_safe('BEGIN; SELECT id FROM casnet_internal.password_hashes FOR UPDATE');
	$node->safe_psql('postgres', "SELECT casnet.set_password('$ID{cid}', '$name password')");
	$holder->query_safe('ROLLBACK');
	set_clock(0);
	is(ask_once($node, 'postgres', 'casnet_app', "SELECT casnet.login('cid', '$name password') IS NOT NULL"), 't', "the $name password is in force");
	$tokens{$name} = token_of($node, 'postgres', 'cid', 'north');
	is(join(' ', map { ask_once($node, 'postgres', 'casnet_plain', "SET casnet.token = '$tokens{$_}'; SELECT count(*) FROM casnet.records") } grep { $_ ne $name } sort keys %tokens),
		join(' ', ('28000') x (keys(%tokens) - 1)), 'and tokens of before have ended');
}
is(ask_once($node, 'postgres', 'casnet_app', "SELECT casnet.login('cid', 'first password')"), '28P01', 'no former one is');

cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM casnet_internal.password_hashes WHERE user_id = '$ID{cid}'"), '>', 1, 'though they are there');
$holder->quit;

# Six failed logins are noted under the name and under the account, whichever counts.  The
# next login then waits for 1.6 seconds, unless they are forgotten.
my $fail = qq{SELECT casnet_internal.login_failed(key, clock_timestamp() - interval '0.99 s') FROM unnest('{ada,$ID{ada}}'::text[]) AS key, generate_series(1, 6)};
my $login = "SET statement_timeout = '30 s'; SELECT clock_timestamp() AS before \\gset\nSELECT casnet.login('ada', 'password of ada') IS NOT NULL AS done \\gset\n"
  . "SELECT CASE WHEN clock_timestamp() - :'before' >= interval '1.6 s' THEN 'waited' ELSE 'at once' END";
foreach my $case ([ 0, 'waited', 'at once after the failures' ], [ 14 * $minute, 'waited', '14 minutes after them' ], [ 16 * $minute, 'at once', '16 minutes after them' ], [ 10 * $day, 'at once', 'ten days after them' ])
{
	my ($later, $answer, $name) = @$case;

	set_clock(0);
	$node->safe_psql('postgres', $fail);
	set_clock($later);
	is($node->safe_psql('postgres', $login), $answer, "a login $name");
	set_clock(0);
	$node->safe_psql('postgres', qq{SELECT casnet_internal.login_succeeded(key) FROM unnest('{ada,$ID{ada}}'::text[]) AS key});
}
# A failure starts the time anew for all failures before it.
$node->safe_psql('postgres', $fail);
set_clock(10 * $minute);
$node->safe_psql('postgres', qq{SELECT casnet_internal.login_failed(key, clock_timestamp() - interval '0.99 s') FROM unnest('{ada,$ID{ada}}'::text[]) AS key});
set_clock(20 * $minute);
is($node->safe_psql('postgres', $login), 'waited', 'a login 20 minutes after the first failures, 10 after the last');

# A name with fifty failures, from whatever address, waits for a second at each attempt,
# until the failures are forgotten as well.
my $thrice = join("\n", "SET statement_timeout = '30 s';", (map {
	"SELECT clock_timestamp() AS before \\gset\nSELECT casnet.login('cid', 'fourth password') IS NOT NULL AS done \\gset\nSELECT clock_timestamp() - :'before' AS taken_$_ \\gset" } 1 .. 3),
	"SELECT CASE WHEN least(:'taken_1'::interval, :'taken_2', :'taken_3') >= interval '1 s' THEN 'a second each' ELSE 'at once' END");
foreach my $case ([ 14 * $minute, 'a second each' ], [ 16 * $minute, 'at once' ])
{
	my ($later, $answer) = @$case;

	set_clock(0);
	$node->safe_psql('postgres', "SELECT count(casnet_internal.login_failed('cid', clock_timestamp() - interval '0.99 s')) FROM generate_series(1, 50)");
	$node->safe_psql('postgres', "SELECT casnet_internal.login_succeeded('cid')");
	set_clock($later);
	is($node->safe_psql('postgres', $thrice), $answer, sprintf 'logins %d minutes after fifty failures', $later / $minute);
}
set_clock(0);

# Tokens and invitations end by the clock.
set_clock(0);
my $token = token_of($node, 'postgres', 'ada', 'north', '1 hour');
my $code = ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{ada}'; SET casnet.tenant_id = '$ID{north}'; SELECT casnet.invite_member('max\@example.org', 'viewer', '2 hours')");
my $use = "SET casnet.token = '$token'; SELECT count(*) FROM casnet.records";
my $accept = "SET casnet.user_id = '$ID{max}'; BEGIN; SELECT casnet.accept_invitation('$code') IS NOT NULL";
foreach my $case ([ 0, '2', 't' ], [ 59 * $minute, '2', 't' ], [ 61 * $minute, '28000', 't' ], [ 119 * $minute, '28000', 't' ], [ 121 * $minute, '28000', 'P0002' ])
{
	my ($later, $rows, $accepted) = @$case;

	set_clock($later);
	is(ask_once($node, 'postgres', 'casnet_plain', $use), $rows, sprintf 'a token of an hour after %d minutes', $later / $minute);
	is(ask_once($node, 'postgres', 'casnet_app', $accept), $accepted, sprintf 'an invitation of two hours after %d minutes', $later / $minute);
}

# Months of the audit, at the end of one and of a year.
foreach my $case ([ '2028-02-29 23:59:59.5', '2028_02', '2028_05' ], [ '2028-03-01 00:00:00', '2028_03', '2028_06' ], [ '2030-12-31 23:59:59.999999', '2030_12', '2031_03' ], [ '2031-01-31 12:00:00', '2031_01', '2031_04' ])
{
	my ($time, $first, $last_month) = @$case;

	set_clock('=' . $node->safe_psql('postgres', "SELECT (extract(epoch FROM timestamptz '${time}Z') * 1000000)::bigint"));
	is($node->safe_psql('postgres', "BEGIN; SET timezone = 'Pacific/Kiritimati'; SELECT casnet.maintain_audit() > 0; SELECT min(right(relation::text, 7)), max(right(relation::text, 7)), count(*) FROM casnet_internal.audit_partitions() WHERE since IS NOT NULL; ROLLBACK"),
		"t\n$first|$last_month|4", "the months at $time");
}
set_clock(0);
$node->stop;
done_testing();
