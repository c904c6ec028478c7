# A client can call a function by a message of the protocol instead of a statement.
# No expression surrounds such a call.  It is judged and answered as any other.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('calls');
init_cluster($node);
$node->start;
plan skip_all => 'needs a socket in a folder' unless $node->host =~ m{^/};
make_fixture($node, 'postgres');
my $tag = $node->safe_psql('postgres', "INSERT INTO casnet.tags (tenant_id, name) VALUES ('$ID{north}', 'urgent') RETURNING id");

my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "cannot connect: $!";
$socket->autoflush(1);

# The rest of the answer to what was sent, as [type, body] of each message.
sub answers
{
	my @messages;

	do
	{
		read($socket, my $head, 5) == 5 or die 'the server has closed the connection';
		my ($type, $length) = unpack 'aN', $head;
		read($socket, my $body, $length - 4) == $length - 4 or die 'the server has closed the connection';
		push @messages, [ $type, $body ];
	} while ($messages[-1][0] ne 'Z');
	return @messages;
}

# The value that a message brought, 'null', or the SQLSTATE of the error.
sub outcome
{
	foreach my $message (answers())
	{
		my ($type, $body) = @$message;
		return $body =~ /(?:^|\0)C(\w{5})/ ? $1 : die $body if $type eq 'E';
		next if $type ne 'V';
		my $length = unpack 'N', $body;
		return $length == 0xffffffff ? 'null' : substr $body, 4, $length;
	}
	return;
}

# Calls a function with text arguments and a text result.
sub call
{
	my ($function, @arguments) = @_;
	my $oid = $node->safe_psql('postgres', "SELECT '$function'::regprocedure::oid");
	my $body = pack('Nnn', $oid, 0, scalar @arguments) . join('', map { pack 'N/a', $_ } @arguments) . pack('n', 0);

	print $socket 'F' . pack('N', length($body) + 4) . $body;
	return outcome();
}

my $startup = pack('N', 196608) . "user\0casnet_app\0database\0postgres\0\0";
print $socket pack('N', length($startup) + 4) . $startup;
answers();
sub query
{
	my ($sql) = @_;

	print $socket 'Q' . pack('N', length($sql) + 5) . "$sql\0";
	return outcome();
}

is(call('casnet.tenant_with(text)', 'view_records'), '28000', 'nobody');
is(call('casnet.can(text)', 'view_records'), 'f', 'can nothing');
query("SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{north}'");
is(call('casnet.tenant_with(text)', 'view_records'), $ID{north}, 'a member');
is(call('casnet.tenant_with(text)', 'delete_records'), '42501', 'who is refused');
is(call('casnet.tenant_with(text)', 'fly'), '22023', 'and gets an error for what does not exist');
is(call('casnet.can(text)', $_->[0]), $_->[1], "can() of $_->[0]") foreach [ 'edit_records', 't' ], [ 'delete_records', 'f' ];
is(call('casnet_internal.tag_id(text)', 'urgent'), $tag, 'a tag');
is(call('casnet_internal.tag_id(text)', 'nothing'), 'null', 'and none');
is(call('casnet.current_user_id()'), $ID{ben}, 'who it is');
is(call('casnet_internal.require_user()'), $ID{ben}, 'or has to be');
is(call('casnet_internal.my_tenant_ids()'), "{$ID{north},$ID{south}}", 'tenants');
is(call('casnet_internal.can_in(uuid,text)', $ID{north}, 'view_records'), '42501', 'what is internal');
query("SET casnet.tenant_id = '$ID{south}'");
is(call('casnet.tenant_with(text)', 'view_records'), $ID{south}, 'in another tenant');
is(call('casnet.tenant_with(text)', 'edit_records'), '42501', 'as a viewer');
is(call('casnet_internal.tag_id(text)', 'urgent'), 'null', 'without that tag');

close $socket;
$node->stop;
done_testing();
