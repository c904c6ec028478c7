# Two standbys in a row, with sessions on both: what works on a standby, what is refused,
# and revocations by replay while a reader holds an old snapshot.  After promotion the new
# primary writes, signs in and makes keys, and the other standby follows it.  No session
# sees an old state.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetLife;
use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
init_cluster($primary, allows_streaming => 1);
$primary->append_conf('postgresql.conf', "log_statement = none\nautovacuum = off\n");
$primary->start;
databases($primary, 'cases');
make_everything($primary, 'cases');
make_questions($primary, 'cases');
my $expected = behaviour($primary, 'cases');
$primary->backup('copy');
my $middle = PostgreSQL::Test::Cluster->new('middle');
$middle->init_from_backup($primary, 'copy', has_streaming => 1);
$middle->append_conf('postgresql.conf', "max_standby_streaming_delay = 500ms\nhot_standby_feedback = off\nwal_receiver_status_interval = 1\n");
$middle->start;
my $last = PostgreSQL::Test::Cluster->new('last');
$last->init_from_backup($primary, 'copy', has_streaming => 1);
$last->append_conf('postgresql.conf', "primary_conninfo = '" . $middle->connstr . " application_name=last'\nrecovery_target_timeline = 'latest'\n"
	  . "hot_standby_feedback = on\nmax_standby_streaming_delay = -1\nwal_receiver_status_interval = 1\nwal_retrieve_retry_interval = 200ms\n");
$last->start;

# Waits until both have replayed what the primary has.
sub replayed
{
	my $lsn = $primary->lsn('flush');

	$_->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$lsn'") or die 'no replay' foreach $middle, $last;
	return;
}

sub replay
{
	my ($sql) = @_;

	$primary->safe_psql('cases', $sql);
	replayed();
	return;
}
replayed();

# Reads return what they return on the primary, and writes are refused.  A login only reads,
# so it works unless the hash must be replaced, and its token is valid on every server.
my @reads = grep { /SELECT count|public\.|can\(/ && !/create_tenant|accept_|export_tenant|INSERT|UPDATE|DELETE/ } @{ $expected->{behaviour} };
foreach my $standby ($middle, $last)
{
	my %here = map { $_ => 1 } @{ behaviour($standby, 'cases')->{behaviour} };

	is(join("\n", grep { !$here{$_} } @reads), '', $standby->name . ': reads are those of the primary');
	is(join("\n", grep { /: (?:INSERT|UPDATE|DELETE|SELECT casnet\.(?:leave|add|create|accept|tag))/ && !/: (?:25006|28000|42501|55000|P0002|22023|23514)?$/ } sort keys %here), '',
		$standby->name . ': nothing is written');
	my $token = ask_once($standby, 'cases', 'casnet_plain', "SELECT casnet.login('cid', 'password of cid', '$ID{south}')");
	is(ask_once($_, 'cases', 'casnet_plain', "SET casnet.token = '$token'; SET casnet.tenant_id = '$ID{south}'; SELECT count(*) FROM casnet.records"), '38',
		$standby->name . ': a login is good on ' . $_->name) foreach $primary, $middle, $last;
	is(ask_once($standby, 'cases', 'casnet_plain', "SELECT casnet.login('cid', 'wrong')"), '28P01', 'a wrong password is none');
	is(ask_once($standby, 'cases', $standby->safe_psql('cases', 'SELECT current_user'), "SELECT casnet.add_signing_key('here')"), '25006', 'no key is made');
	is($standby->safe_psql('cases', "SELECT count(*) FROM casnet.doctor() WHERE severity = 'error' AND code !~ 'view-|function-|role-|grant-|table-|policy-|key-'"), 0, 'the doctor works');
}

# A reader with an old snapshot on each standby; rows are deleted meanwhile.
my $count = 'SELECT count(*) FROM casnet.records';
my %old = map { $_->name => open_session($_, 'cases', 'ben', 'north') } $middle, $last;
my %cid = map { $_->name => open_session($_, 'cases', 'cid', 'south') } $middle, $last;
my %token = map { $_->name => open_session($_, 'cases', undef, undef, 'casnet_plain') } $middle, $last;
foreach my $name (qw(middle last))
{
	is(ask($old{$name}, "BEGIN ISOLATION LEVEL REPEATABLE READ; $count"), '40', "$name: a snapshot");
	is(ask($cid{$name}, $count), '38', "$name: another session");
	is(ask($token{$name}, "SET casnet.token = '$TOKENS{good}'; $count"), '40', "$name: a token");
}
replay("DELETE FROM casnet.records WHERE title ~ 'record 2'");
is(ask($old{last}, $count), '40', 'last: the snapshot stays, with feedback');
replay("DELETE FROM casnet.user_tenants WHERE user_id = '$ID{ben}' AND tenant_id = '$ID{north}'");
is(ask($old{last}, $count), '42501', 'last: but not a membership that went');
is(ask($old{middle}, $count), '42501', 'middle: nor there');
ask($_, 'ROLLBACK') foreach values %old;
replay("INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ben}', '$ID{north}', 'member')");
is(ask($old{middle}, "BEGIN ISOLATION LEVEL REPEATABLE READ; $count"), '30', 'middle: a member again');
$primary->safe_psql('cases', 'VACUUM (FREEZE) casnet.records; VACUUM FULL casnet.user_tenants; VACUUM FULL casnet.users');
replayed();
my $answer = eval { ask($old{middle}, $count) } // 'gone';
like($answer, qr/^(?:gone|30|40001|57P01|40001 57P01)?$/, 'middle: a conflict ends the reader, or there is none');
eval { $old{middle}->{run}->kill_kill };
$old{middle} = open_session($middle, 'cases', 'ben', 'north');
is(ask($old{middle}, $count), '30', 'middle: and then it goes on');
is(ask($old{last}, $count), '30', 'last: as it does there');
replay("SELECT casnet.revoke_all_tokens('$ID{ada}')");
is(ask($token{$_}, $count), '28000', "$_: tokens that were revoked") foreach qw(middle last);

# The primary is lost.  The middle standby takes over, with its sessions.
$primary->safe_psql('cases', "DELETE FROM casnet.role_permissions WHERE role = 'owner' AND permission = 'view_records'");
$primary->stop('immediate');
$middle->promote;
$middle->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'no promotion';
like(ask($cid{middle}, $count), qr/^(?:42501|28)$/, 'what was not streamed is lost as a whole, or is there');
$middle->safe_psql('cases', "INSERT INTO casnet.role_permissions (role, permission) VALUES ('owner', 'view_records') ON CONFLICT DO NOTHING");
is(ask($cid{middle}, "$count; INSERT INTO casnet.records (title) VALUES ('promoted') RETURNING title"), "28\npromoted", 'a session of before reads and writes');
is(ask($cid{middle}, "SELECT username, action, relation FROM casnet.audit_log(max_rows => 1)"), 'cid|INSERT|casnet.records', 'and is recorded');
is(ask($token{middle}, $count), '28000', 'what was revoked is revoked');
my $super = $middle->safe_psql('cases', 'SELECT current_user');
is(ask_once($middle, 'cases', $super, "SELECT casnet.add_signing_key('promoted')"), '', 'a key is made');
my $new = ask_once($middle, 'cases', 'casnet_plain', "SELECT casnet.login('ada', 'password of ada', '$ID{north}')");
is(ask($token{middle}, "SET casnet.token = '$new'; $count"), '30', 'a login is signed with it');
ask($cid{middle}, "SELECT casnet.remove_member('ben')");
is(ask($old{middle}, "SET casnet.tenant_id = '$ID{south}'; $count"), '42501', 'a member who is removed');

# The last one follows onto the new timeline, with its sessions.
$primary = $middle;
my $lsn = $middle->lsn('flush');
$last->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$lsn'") or die 'the last one does not follow';
is(ask($cid{last}, $count), '29', 'the other standby follows');
is(ask($token{last}, "SET casnet.token = '$new'; SET casnet.tenant_id = '$ID{north}'; $count"), '30', 'and knows the new key');
is(ask($old{last}, "SET casnet.tenant_id = '$ID{south}'; $count"), '42501', 'and who was removed');
$last->promote;
$last->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
is(ask($cid{last}, "INSERT INTO casnet.records (title) VALUES ('twice') RETURNING title"), 'twice', 'and could take over in turn');

$_->quit foreach values %old, values %cid, values %token;
$_->stop foreach $last, $middle;
done_testing();
