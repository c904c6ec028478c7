# COMMIT judges a change of rights by the token that made the change: each token by itself.
# An expired token is accepted if the session has proved again that it is the same user.
# And a superuser of the application loses a tenant that is deleted.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('who');
init_cluster($node);
$node->start;
make_fixture($node, 'postgres');
$node->safe_psql('postgres', "INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{cid}', '$ID{north}', 'owner') ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = 'owner'");

# Two tokens use the same right, and one of them is revoked before the COMMIT.
foreach my $ended (0, 1)
{
	my @tokens = map { token_of($node, 'postgres', 'ada', 'north') } 1, 2;
	my $session = open_session($node, 'postgres', undef, undef, 'casnet_plain');

	ask($session, 'BEGIN');
	foreach my $n (0, 1)
	{
		is(ask($session, "SET casnet.token = '$tokens[$n]'; SELECT casnet.invite_member('$n\@who.test') IS NOT NULL"), 't', "token $n invites");
	}
	is(ask_once($node, 'postgres', 'casnet_plain', "SET casnet.token = '$tokens[$ended]'; SELECT casnet.revoke_token()"), '', "token $ended is revoked");
	is(ask($session, 'COMMIT'), '28000', 'and what was done with it is refused');
	$session->quit;
}

# The token has expired by then.
foreach my $next ([ 'the same user', 'ada', '' ], [ 'another user', 'cid', '28000' ], [ 'nobody', undef, '28000' ])
{
	my ($who, $user, $expected) = @$next;
	my $token = token_of($node, 'postgres', 'ada', 'north', '2 seconds');
	my $session = open_session($node, 'postgres', undef, undef, 'casnet_plain');

	ask($session, "BEGIN; SET casnet.token = '$token'");
	is(ask($session, "SELECT casnet.invite_member('late\@who.test') IS NOT NULL"), 't', 'a token invites');
	ask($session, 'SELECT pg_sleep(2.5)');
	ask($session, defined $user ? "SET casnet.token = '" . token_of($node, 'postgres', $user, 'north') . "'" : 'RESET casnet.token');
	is(ask($session, 'COMMIT'), $expected, "then the session is $who");
	$session->quit;
}

# One transaction uses two rights, and the second is lost.
my $ada = open_session($node, 'postgres', 'ada', 'north');
is(ask($ada, "BEGIN; SELECT casnet.invite_member('two\@who.test', 'viewer') IS NOT NULL; SELECT casnet.set_member_role('ben', 'owner')") ne '', 1, 'an invitation, and a new owner');
$node->safe_psql('postgres', "UPDATE casnet.user_tenants SET role = 'admin' WHERE user_id = '$ID{ada}' AND tenant_id = '$ID{north}'");
is(ask($ada, 'COMMIT'), '42501', 'who may invite still, but makes no owner, does neither');
is($node->safe_psql('postgres', "SELECT role FROM casnet.user_tenants WHERE user_id = '$ID{ben}' AND tenant_id = '$ID{north}'"), 'member', 'nobody is');
$ada->quit;

# The tenant of a superuser of the application, who is no member of it.
my $tenant = $node->safe_psql('postgres', "INSERT INTO casnet.tenants (name) VALUES ('short') RETURNING id");
my $max = open_session($node, 'postgres', 'max');
is(ask($max, "SET casnet.tenant_id = '$tenant'; SELECT count(*) FROM casnet.records"), '0', 'a superuser of the application in any tenant');
$node->safe_psql('postgres', "DELETE FROM casnet.tenants WHERE id = '$tenant'");
is(ask($max, 'SELECT count(*) FROM casnet.records'), '42501', 'but in none that is gone');
is(ask($max, 'SELECT casnet.can($$view_records$$)'), 'f', 'nor can there be anything done');
$max->quit;

$node->stop;
done_testing();
