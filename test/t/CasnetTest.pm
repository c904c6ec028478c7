# What the whole-server tests share: two tenants, four users, two database
# roles, and questions that are answered with rows or with a SQLSTATE.
#
#   north: ada owns it, cid owns it too, ben is a member   2 records
#   south: cid owns it, ben is a viewer                     1 record
#   max is a superuser of the application, without any membership
#
# casnet_app is a trusted backend's login role, casnet_plain an ordinary one.
package CasnetTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;

our @EXPORT = qw(%ID init_cluster make_fixture open_session ask ask_once token_of set_passwords);

our %ID = (
	ada => '00000000-0000-0000-0000-00000000000a',
	ben => '00000000-0000-0000-0000-00000000000b',
	cid => '00000000-0000-0000-0000-00000000000c',
	max => '00000000-0000-0000-0000-00000000000d',
	north => '00000000-0000-0000-0000-000000000001',
	south => '00000000-0000-0000-0000-000000000002');

my $ROLES = q{
	CREATE ROLE casnet_app LOGIN IN ROLE casnet_authenticator;
	CREATE ROLE casnet_plain LOGIN IN ROLE casnet_user;
};

my $ROWS = qq{
	INSERT INTO casnet.users (id, username, email, is_superuser) VALUES
		('$ID{ada}', 'ada', 'ada\@example.org', false),
		('$ID{ben}', 'ben', 'ben\@example.org', false),
		('$ID{cid}', 'cid', 'cid\@example.org', false),
		('$ID{max}', 'max', 'max\@example.org', true);
	INSERT INTO casnet.tenants (id, name) VALUES
		('$ID{north}', 'north'), ('$ID{south}', 'south');
	INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES
		('$ID{ada}', '$ID{north}', 'owner'), ('$ID{cid}', '$ID{north}', 'owner'),
		('$ID{ben}', '$ID{north}', 'member'), ('$ID{cid}', '$ID{south}', 'owner'),
		('$ID{ben}', '$ID{south}', 'viewer');
	INSERT INTO casnet.records (tenant_id, title) VALUES
		('$ID{north}', 'north 1'), ('$ID{north}', 'north 2'),
		('$ID{south}', 'south 1');
};

# init_cluster(node, %parameters): initdb with the encoding and the locale that the tests
# are written for, whether or not the environment has others; and with room for the tests'
# sessions, for which the default of a streaming node is too low.
sub init_cluster
{
	my ($node, %parameters) = @_;

	$node->init(%parameters, extra => [ '--encoding=UTF8', '--locale=C.UTF-8', @{ $parameters{extra} || [] } ]);
	$node->append_conf('postgresql.conf', 'max_connections = 60');
	return;
}

# make_fixture(node, database, %options): the extension, the roles and the
# rows; without => ['roles'] or ['rows'] leaves something out.
sub make_fixture
{
	my ($node, $database, %options) = @_;
	my %without = map { $_ => 1 } @{ $options{without} || [] };

	$node->safe_psql($database, 'CREATE EXTENSION casnet');
	$node->safe_psql($database, $ROLES) unless $without{roles};
	$node->safe_psql($database, $ROWS) unless $without{rows};
	return;
}

# token_of(node, database, user, tenant, lifetime): a token as login() makes
# it; tenant may be undef, lifetime is an hour unless given.
sub token_of
{
	my ($node, $database, $user, $tenant, $lifetime) = @_;
	my $tid = defined $tenant ? "'$ID{$tenant}'" : 'NULL';

	$lifetime ||= '1 hour';
	return $node->safe_psql($database,
		"SELECT casnet_internal.issue_token('$ID{$user}', $tid, '$lifetime')");
}

# set_passwords(node, database): each user's becomes 'password of NAME'.
sub set_passwords
{
	my ($node, $database) = @_;

	$node->safe_psql($database,
		"UPDATE casnet.users SET hashed_password = casnet.hash_password('password of ' || username)");
	return;
}

# open_session(node, database, user, tenant, role): a session that stays open,
# as casnet_app unless a role is given; user and tenant may be undef.
sub open_session
{
	my ($node, $database, $user, $tenant, $role) = @_;
	my $session = $node->background_psql(
		$database,
		on_error_stop => 0,
		extra_params => [ '-U', $role || 'casnet_app' ]);

	# the time limit is for each query, not for the whole session
	$session->set_query_timer_restart();
	$session->query('\set VERBOSITY sqlstate');
	ask($session, "SET casnet.user_id = '$ID{$user}'") if defined $user;
	ask($session, "SET casnet.tenant_id = '$ID{$tenant}'") if defined $tenant;
	return $session;
}

# ask(session, sql): the rows, or the SQLSTATE of the error.
sub ask
{
	my ($session, $sql) = @_;
	my $rows = $session->query($sql);
	my $errors = $session->{stderr};

	$session->{stderr} = '';
	return join ' ', $errors =~ /(?:ERROR|FATAL|PANIC):\s+(\w+)/g
	  if $errors =~ /ERROR|FATAL|PANIC|connection to server was lost/;
	return $rows;
}

# ask_once(node, database, role, sql, pgoptions): the same on a new connection;
# of several statements, the answer to the last one.
sub ask_once
{
	my ($node, $database, $role, $sql, $options) = @_;

	local $ENV{PGOPTIONS} = $options || '';
	my ($status, $rows, $errors) = $node->psql(
		$database, $sql,
		on_error_stop => 0,
		extra_params => [ '-U', $role, '-v', 'VERBOSITY=sqlstate' ]);
	return $1 if $errors =~ /.*(?:ERROR|FATAL):\s+(\w+)/s;
	return (split /\n/, $rows)[-1] // '';
}

1;
