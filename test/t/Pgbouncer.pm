# A PgBouncer in front of a test server, for the tests that need one.
#
# PGBOUNCER names the program, if it is not the one in the path.
package Pgbouncer;

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use IPC::Run ();
use PostgreSQL::Test::Cluster;

our @EXPORT = qw(pgbouncer_program pgbouncer_version start_pgbouncer);

# The program, or undef.
sub pgbouncer_program
{
	return (grep { -x } $ENV{PGBOUNCER}) ? $ENV{PGBOUNCER} : undef
	  if $ENV{PGBOUNCER};
	foreach my $folder (split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin')
	{
		return "$folder/pgbouncer" if -x "$folder/pgbouncer";
	}
	return;
}

# Its version as a number that can be compared: 1.24.1 is 12401.
sub pgbouncer_version
{
	my $program = pgbouncer_program();

	return `$program --version` =~ /PgBouncer (\d+)\.(\d+)(?:\.(\d+))?/
	  ? $1 * 10000 + $2 * 100 + ($3 || 0) : 0;
}

# start_pgbouncer(node, setting => value, ...): a pooler of the node's database
# postgres for casnet_plain, with these settings.
sub start_pgbouncer
{
	my ($node, %settings) = @_;
	my $folder = File::Temp::tempdir(CLEANUP => 1);
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my %all = (
		auth_type => 'trust',
		auth_file => "$folder/users",
		unix_socket_dir => $folder,
		listen_port => $port,
		logfile => "$folder/log",
		pool_mode => 'transaction',
		default_pool_size => 1,
		max_client_conn => 200,
		%settings);

	open(my $users, '>', "$folder/users") || die "$folder/users: $!";
	print $users qq("casnet_plain" ""\n);
	close($users);
	open(my $config, '>', "$folder/ini") || die "$folder/ini: $!";
	print $config "[databases]\npostgres = host=" . $node->host . ' port=' . $node->port . "\n[pgbouncer]\n";
	print $config "$_ = $all{$_}\n" foreach sort keys %all;
	close($config);

	my $output = '';
	my $self = bless {
		node => $node,
		folder => $folder,
		port => $port,
		run => IPC::Run::start([ pgbouncer_program(), '-q', "$folder/ini" ], '<', \undef, '>&', \$output) };
	foreach my $try (1 .. 30)
	{
		return $self if $self->once('SELECT 1') eq '1';
		select(undef, undef, undef, 0.1);
	}
	die "pgbouncer did not start: $output" . $self->log;
}

# Where clients connect.
sub connstr
{
	my ($self) = @_;

	return "host=$self->{folder} port=$self->{port} dbname=postgres user=casnet_plain";
}

# A client that stays, for ask().
sub client
{
	my ($self) = @_;
	my $psql = $self->{node}->background_psql('postgres', on_error_stop => 0, extra_params => [ '-d', $self->connstr ]);

	$psql->query('\set VERBOSITY sqlstate');
	return $psql;
}

# The rows that a new client gets for one statement; '' on failure.
sub once
{
	my ($self, $sql) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'psql', '-XAtq', '-d', $self->connstr, '-c', $sql ], '<', \undef, '>', \$out, '2>', \$err);
	chomp $out;
	return $out;
}

sub log
{
	my ($self) = @_;

	open(my $file, '<', "$self->{folder}/log") || return '';
	local $/;
	return <$file>;
}

# Stops it at once, whoever is connected.
sub stop
{
	my ($self) = @_;

	$self->{run}->kill_kill(grace => 0) if $self->{run};
	delete $self->{run};
	return;
}

sub DESTROY
{
	my ($self) = @_;

	local $? = $?;
	$self->stop;
	return;
}

1;
