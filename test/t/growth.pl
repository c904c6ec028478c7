# Invariant 10: a backend of a pool, which has another identity at every turn, does
# not grow.  Each thing is done to warm up, and then many times more, mostly in
# transactions of their own.  CASNET_LONG=1 does five times as many.
use strict;
use warnings;

# The time of a session is counted from its beginning.
BEGIN { $ENV{PG_TEST_TIMEOUT_DEFAULT} ||= $ENV{CASNET_LONG} ? 3600 : 600; }

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $many = $ENV{CASNET_LONG} ? 100_000 : 20_000;
my $some = $many / 5;
my $few = $many / 20;

my $node = PostgreSQL::Test::Cluster->new('growth');
init_cluster($node);
$node->append_conf('postgresql.conf', "fsync = off");
$node->start;
make_fixture($node, 'postgres');

# More users, tokens and tenants than casnet keeps in memory.  One role makes changes and
# sees them itself, so that it notices each change.
$node->safe_psql('postgres', qq{
	CREATE ROLE casnet_both LOGIN IN ROLE casnet_authenticator, casnet_admin, pg_read_all_stats;
	INSERT INTO casnet.tenants (name) SELECT 't' || i FROM generate_series(1, 50) AS i;
	INSERT INTO casnet.records (tenant_id, title) SELECT id, 'a letter' FROM casnet.tenants, generate_series(1, 5);
	INSERT INTO casnet.users (username, email) SELECT 'u' || i, 'u' || i FROM generate_series(1, 3000) AS i;
	INSERT INTO casnet.user_tenants (user_id, tenant_id)
		SELECT u.id, t.id FROM casnet.users AS u, casnet.tenants AS t WHERE u.username LIKE 'u%' AND t.name LIKE 't%' AND hashtext(u.username || t.name) % 10 = 0;
	CREATE TABLE people AS
		SELECT row_number() OVER ()::integer AS n, m.user_id, m.tenant_id, casnet_internal.issue_token(m.user_id, m.tenant_id, '1 day') AS token
		FROM (SELECT * FROM casnet.user_tenants LIMIT 5000) AS m;
	ALTER TABLE people ADD PRIMARY KEY (n);
	CREATE TABLE bad AS
		SELECT n, CASE n % 4
			WHEN 0 THEN overlay(token PLACING 'AAAA' FROM length(token) - 20)
			WHEN 1 THEN 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImdvbmUifQ' || substring(token FROM '[.].*')
			WHEN 2 THEN left(token, 100)
			ELSE repeat('x.', n % 3000) END AS token
		FROM people;
	ALTER TABLE bad ADD PRIMARY KEY (n);
	GRANT SELECT ON people, bad TO PUBLIC;
	ANALYZE;
});

my $session = open_session($node, 'postgres', undef, undef, 'casnet_both');
my $pid = ask($session, 'SELECT pg_backend_pid()');

# Bytes in the memory contexts of the session, and of the whole process.  casnet's
# caches are emptied when they are full, and measured at the end.
sub size
{
	my $contexts = ask($session, q{SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts WHERE name NOT LIKE 'casnet%'});

	open my $status, '<', "/proc/$pid/status" or return ($contexts, 0);
	my ($anonymous) = map { /^RssAnon:\s+(\d+)/ } <$status>;
	return ($contexts, 1024 * $anonymous);
}

# A loop over i, in a block that can end transactions.
sub turns
{
	my ($from, $to, $body) = @_;

	my $answer = ask($session, qq{
		DO \$\$
		DECLARE
			p people;
			b text;
			done integer := 0;
		BEGIN
			FOR i IN $from..$to LOOP
				SELECT * INTO p FROM people WHERE n = 1 + i % 5000;
				$body
				done := done + 1;
			END LOOP;
			PERFORM set_config('test.done', done::text, false);
		END
		\$\$;});
	return $answer ne '' ? $answer : ask($session, "SELECT current_setting('test.done')");
}

# Do it half as often to warm up, then so many times, and compare.
sub stays_small
{
	my ($name, $number, $body) = @_;

	ask($session, "RESET ALL; SELECT set_config('casnet.user_id', user_id::text, false), set_config('casnet.tenant_id', tenant_id::text, false) FROM people WHERE n = 1");
	turns(1, $number / 2, $body);
	my @before = size();
	is(turns($number / 2 + 1, $number / 2 + $number, $body), $number, "$name: $number");
	my @after = size();
	my @grown = map { $after[$_] - $before[$_] } 0, 1;
	note sprintf '%s: contexts %+.2f, process %+.2f bytes each', $name, map { $_ / $number } @grown;
	cmp_ok($grown[0], '<=', 256 * 1024, "$name: contexts grew by at most 256 kB");
	cmp_ok($grown[1], '<=', 1536 * 1024, "$name: the process grew by at most 1.5 MB");
	return;
}

stays_small('sign in by token', $many, q{
	PERFORM set_config('casnet.tenant_id', '', false), casnet.sign_in(p.token);
	ASSERT EXISTS (SELECT FROM casnet.records);
	COMMIT;});
ask($session, 'SELECT casnet.sign_out()');
stays_small('sign in by a trusted backend', $many, q{
	PERFORM set_config('casnet.user_id', p.user_id::text, i % 2 = 0), set_config('casnet.tenant_id', p.tenant_id::text, i % 2 = 0);
	ASSERT casnet.can('view_records') AND EXISTS (SELECT FROM casnet.records);
	COMMIT;});
stays_small('tokens that prove nobody', $many, q{
	SELECT token INTO b FROM bad WHERE n = p.n;
	BEGIN
		PERFORM casnet.sign_in(b);
		ASSERT false, b;
	EXCEPTION WHEN invalid_authorization_specification OR invalid_parameter_value THEN
	END;});
stays_small('changes of a membership', $some, q{
	UPDATE casnet.user_tenants SET role = CASE WHEN i % 2 = 0 THEN 'admin' ELSE 'viewer' END
	 WHERE user_id = casnet.current_user_id() AND tenant_id = casnet.current_tenant_id();
	IF i % 3 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
	ASSERT casnet.can('view_records');
	COMMIT;});
stays_small('permissions that do not exist', $many, q{
	BEGIN
		PERFORM casnet.can('permission ' || i);
		ASSERT false;
	EXCEPTION WHEN invalid_parameter_value THEN
	END;});
stays_small('prepared statements made and dropped', $many, q{
	EXECUTE format('PREPARE s%s AS SELECT count(*) FROM casnet.records WHERE title <> $1', i);
	EXECUTE format('EXECUTE s%s(%L)', i, i);
	EXECUTE 'DEALLOCATE s' || i;
	COMMIT;});
stays_small('searches', $few, q{
	PERFORM FROM casnet.search_records('letter or word' || i);
	COMMIT;});
ask($session, "UPDATE casnet.user_tenants SET role = 'admin' WHERE user_id = casnet.current_user_id() AND tenant_id = casnet.current_tenant_id()");
stays_small('tags', $few, q{
	PERFORM casnet.tag_record((SELECT id FROM casnet.records ORDER BY id LIMIT 1), 'tag ' || i % 500, 'another');
	PERFORM FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(ARRAY['tag ' || i % 500]));
	PERFORM casnet.records_tagged(ARRAY['another', 'tag ' || i % 500]);
	PERFORM casnet.untag_record((SELECT id FROM casnet.records ORDER BY id LIMIT 1), 'tag ' || i % 500);
	COMMIT;});
$node->safe_psql('postgres', "SELECT casnet.enable_audit('casnet.records')");
stays_small('changes that are audited, 300 rows each', $few / 20, q{
	INSERT INTO casnet.records (title) SELECT 'entry ' || n FROM generate_series(1, 300) AS n;
	UPDATE casnet.records SET content = 'changed ' || i;
	ROLLBACK;});
stays_small('tenants made and deleted', $few / 4, q{
	PERFORM casnet.delete_tenant(casnet.create_tenant('tenant ' || i));
	COMMIT;});

cmp_ok(ask($session, "SELECT sum(total_bytes)::bigint / 1024 FROM pg_backend_memory_contexts WHERE name LIKE 'casnet%'"),
	'<=', 4096, 'all that is kept is at most 4 MB');

$session->quit;
$node->stop;
done_testing();
