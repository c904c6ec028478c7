# CREATE EXTENSION checks its schemas once nobody can change them any more.  A role that
# can create schemas in the database cannot replace them in between.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('seen');
init_cluster($node);
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE casnet_other LOGIN');

# stopped_at(database, tag): a session in which CREATE EXTENSION waits before a
# statement, and the session that lets it continue.
sub stopped_at
{
	my ($database, $tag) = @_;

	$node->safe_psql($database, qq{
		GRANT CREATE ON DATABASE $database TO casnet_other;
		CREATE FUNCTION public.wait() RETURNS event_trigger LANGUAGE plpgsql AS \$\$
		BEGIN
			IF current_setting('application_name') = 'installs' THEN
				PERFORM pg_advisory_xact_lock_shared(1);
			END IF;
		END \$\$;
		CREATE EVENT TRIGGER wait ON ddl_command_start WHEN TAG IN ('$tag') EXECUTE FUNCTION public.wait()});
	my $gate = $node->background_psql($database);
	$gate->query_safe('SELECT pg_advisory_lock(1)');
	my $session = $node->background_psql($database, on_error_stop => 0);
	$session->query_safe(q{SET application_name = 'installs'});
	$session->{stdin} .= "CREATE EXTENSION casnet;\n";
	$session->{run}->pump_nb;
	ok($node->poll_query_until($database,
			q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'installs' AND wait_event = 'advisory')}),
		"$database: CREATE EXTENSION waits at $tag");
	return ($session, $gate);
}

# goes_on(session, gate): the messages of CREATE EXTENSION.
sub goes_on
{
	my ($session, $gate) = @_;

	$gate->quit;
	$session->query('SELECT 1');
	my $messages = $session->{stderr};
	$session->quit;
	return $messages;
}
my $installed = q{SELECT count(*) FROM pg_extension WHERE extname = 'casnet'};

# Created after the check whether it exists, before CREATE SCHEMA.
$node->safe_psql('postgres', 'CREATE DATABASE made');
my @sessions = stopped_at('made', 'CREATE SCHEMA');
$node->safe_psql('made', 'CREATE SCHEMA casnet_internal', extra_params => [ '-U', 'casnet_other' ]);
like(goes_on(@sessions), qr/casnet_internal.* already exists/, 'another made the schema: refused');
is($node->safe_psql('made', $installed), '0', 'and nothing is there');
like(($node->psql('made', 'CREATE EXTENSION casnet'))[2], qr/schema casnet cannot be trusted\n.*belongs to casnet_other/, 'and once more');

# Changed after it was found, while others still can.
foreach my $case (
	[ 'given', 'ALTER SCHEMA SCHEMA OWNER TO casnet_other', qr/Schema SCHEMA belongs to casnet_other/ ],
	[ 'open', 'GRANT CREATE ON SCHEMA SCHEMA TO casnet_other', qr/create objects in schema SCHEMA\b/ ],
	[ 'filled', 'CREATE TABLE SCHEMA.t (); ALTER TABLE SCHEMA.t OWNER TO casnet_other', qr/casnet_other owns something in schema SCHEMA\b/ ],
	[ 'dropped', 'DROP SCHEMA SCHEMA', qr/does not exist|cache lookup failed for (?:namespace|schema)/ ])
{
	my ($name, $change, $message) = @$case;

	# the extension keeps its own schema from being dropped
	foreach my $schema ($name eq 'dropped' ? () : 'casnet', 'casnet_internal')
	{
		my $database = "${name}_$schema";
		$node->safe_psql('postgres', "CREATE DATABASE $database");
		$node->safe_psql($database, 'CREATE SCHEMA casnet; CREATE SCHEMA casnet_internal');
		@sessions = stopped_at($database, 'REVOKE');
		$node->safe_psql($database, $change =~ s/SCHEMA SCHEMA\b/SCHEMA $schema/gr =~ s/\bSCHEMA\./$schema./gr);
		my $expected = $message =~ s/\bSCHEMA\b/$schema/gr;
		like(goes_on(@sessions), qr/$expected/, "$database: refused");
		is($node->safe_psql($database, $installed), '0', "$database: nothing is there");
	}
}

# Afterwards every change waits, even one by a superuser.
$node->safe_psql('postgres', 'CREATE DATABASE later');
$node->safe_psql('later', 'CREATE SCHEMA casnet; CREATE SCHEMA casnet_internal');
@sessions = stopped_at('later', 'CREATE FUNCTION');
foreach my $schema (qw(casnet casnet_internal))
{
	foreach my $change ("ALTER SCHEMA $schema RENAME TO hidden", "ALTER SCHEMA $schema OWNER TO casnet_other",
		"GRANT CREATE ON SCHEMA $schema TO casnet_other", "DROP SCHEMA $schema CASCADE")
	{
		like(($node->psql('later', "SET lock_timeout = '200ms'; $change"))[2], qr/lock timeout/, "$change waits");
	}
}
is(goes_on(@sessions), '', 'CREATE EXTENSION goes on');
is($node->safe_psql('later', $installed), '1', 'and is done');

$node->stop;
done_testing();
