# Invariant 10: a session that is many users one after the other, and one that is sent
# invalid names again and again, do not grow.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('memory');
init_cluster($node);
$node->start;
make_fixture($node, 'postgres');

# More users than casnet keeps verdicts for.
$node->safe_psql('postgres', qq{
	GRANT pg_read_all_stats TO casnet_app;
	INSERT INTO casnet.users (username, email) SELECT 'u' || i, 'u' || i FROM generate_series(1, 1500) AS i;
	INSERT INTO casnet.user_tenants (user_id, tenant_id)
	SELECT u.id, t.id FROM casnet.users AS u, casnet.tenants AS t WHERE u.username LIKE 'u%';
	ANALYZE;
	CREATE TABLE ids AS SELECT row_number() OVER () AS n, id FROM casnet.users WHERE username LIKE 'u%';
	GRANT SELECT ON ids TO casnet_app;
	CREATE FUNCTION evaluate(rounds integer) RETURNS integer LANGUAGE plpgsql AS \$\$
	DECLARE
		users uuid[] := (SELECT array_agg(id) FROM ids);
		tenants uuid[] := ARRAY['$ID{north}', '$ID{south}'];
		seen integer := 0;
	BEGIN
		FOR i IN 1..rounds LOOP
			PERFORM set_config('casnet.user_id', users[1 + i % cardinality(users)]::text, i % 2 = 0);
			PERFORM set_config('casnet.tenant_id', tenants[1 + i / 7 % 2]::text, i % 3 = 0);
			IF EXISTS (SELECT FROM casnet.records) AND casnet.can('create_records') THEN
				seen := seen + 1;
			END IF;
		END LOOP;
		RETURN seen;
	END
	\$\$;
	CREATE FUNCTION refuse(rounds integer) RETURNS integer LANGUAGE plpgsql AS \$\$
	DECLARE
		refused integer := 0;
	BEGIN
		FOR i IN 1..rounds LOOP
			BEGIN
				IF i % 3 = 0 THEN
					PERFORM set_config('casnet.user_id', repeat('x', i % 500) || i, false);
				ELSIF i % 3 = 1 THEN
					PERFORM casnet.can('no such permission ' || i);
				ELSE
					PERFORM set_config('casnet.tenant_id', gen_random_uuid()::text, false);
					PERFORM count(*) FROM casnet.records;
				END IF;
			EXCEPTION
				WHEN invalid_parameter_value OR insufficient_privilege THEN
					refused := refused + 1;
			END;
		END LOOP;
		RETURN refused;
	END
	\$\$;
});

my $session = open_session($node, 'postgres', 'ada', 'north');
my $pid = ask($session, 'SELECT pg_backend_pid()');

# Kilobytes in the memory contexts of the session, and of the whole process.
sub contexts
{
	return ask($session, 'SELECT sum(total_bytes)::bigint / 1024 FROM pg_backend_memory_contexts');
}

sub process_size
{
	open my $status, '<', "/proc/$pid/status" or return;
	my ($anonymous) = map { /^RssAnon:\s+(\d+)/ } <$status>;
	return $anonymous;
}

# The answer, and how much the session grew when the same was done once more.
sub stays_small
{
	my ($sql, $expected, $bound, $name) = @_;

	ask($session, $sql);
	my ($contexts, $process) = (contexts(), process_size());
	is(ask($session, $sql), $expected, $name);
	cmp_ok(contexts() - $contexts, '<=', $bound, "$name: memory contexts grew by at most $bound kB");
  SKIP:
	{
		skip 'no /proc', 1 unless defined $process;
		cmp_ok(process_size() - $process, '<=', 2 * $bound, "$name: the process grew by at most " . 2 * $bound . ' kB');
	}
	return;
}

stays_small('SELECT evaluate(100000)', 100000, 512, '100,000 evaluations as 1,500 users');
stays_small('SELECT refuse(10000)', 10000, 512, '10,000 refusals');
cmp_ok(ask($session, "SELECT sum(total_bytes)::bigint / 1024 FROM pg_backend_memory_contexts WHERE name LIKE 'casnet%'"),
	'<=', 2048, 'the cache is bounded');

# Every change makes the session look everything up again.
my $admin = open_session($node, 'postgres', undef, undef, $node->safe_psql('postgres', 'SELECT current_user'));
ask($session, "SELECT evaluate(1)");
my $before;
foreach my $round (1 .. 600)
{
	ask($admin, "UPDATE casnet.role_permissions SET permission = permission WHERE role = 'viewer'");
	ask($session, 'SELECT evaluate(3)');
	$before = contexts() if $round == 100;
}
cmp_ok(contexts() - $before, '<=', 128, '500 changes by another session');

$_->quit foreach $session, $admin;
$node->stop;
done_testing();
