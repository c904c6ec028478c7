# Invariant 7: one connection that serves client after client, as behind a
# transaction pooler, carries over nothing that the pooler clears.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('pool');
init_cluster($node);
$node->start;
make_fixture($node, 'postgres');

my $count = 'SELECT count(*) FROM casnet.records';
my $pool = open_session($node, 'postgres');

# One client's transaction: its identity is local to it.
sub client
{
	my ($user, $tenant, $sql, $end) = @_;

	ask($pool, 'BEGIN');
	ask($pool, "SELECT set_config('casnet.user_id', '$ID{$user}', true), set_config('casnet.tenant_id', '$ID{$tenant}', true)");
	my $answer = ask($pool, $sql);
	ask($pool, $end || 'COMMIT');
	return $answer;
}

ask($pool, "PREPARE titles AS SELECT string_agg(title, ',' ORDER BY title) FROM casnet.records");
foreach my $mode ('force_custom_plan', 'force_generic_plan')
{
	ask($pool, "SET plan_cache_mode = $mode");
	is(client('ada', 'north', 'EXECUTE titles'), 'north 1,north 2', "$mode: the first client");
	is(ask($pool, 'EXECUTE titles'), '28000', "$mode: nobody in between");
	is(client('ben', 'south', 'EXECUTE titles'), 'south 1', "$mode: the next client");
	is(client('ada', 'south', 'EXECUTE titles'), '42501', "$mode: a client in a tenant that is not hers");
	is(ask($pool, 'EXECUTE titles'), '28000', "$mode: nobody after an error");
	is(client('cid', 'south', 'EXECUTE titles', 'ROLLBACK'), 'south 1', "$mode: a client that rolls back");
	is(ask($pool, 'EXECUTE titles'), '28000', "$mode: nobody after a rollback");
}
is(ask($pool, 'SELECT casnet.current_user_id() IS NULL, casnet.current_tenant_id() IS NULL'), 't|t', 'no identity');
is(ask($pool, "INSERT INTO casnet.records (title) VALUES ('x')"), '28000', 'no writes');

# use_tenant(is_local), and another use_tenant() within the transaction.
is(client('ben', 'north', "SELECT casnet.use_tenant('south', true); $count"), "$ID{south}\n1", 'use_tenant(is_local)');
is(ask($pool, $count), '28000', 'is over with the transaction');
is(client('ben', 'north', "SAVEPOINT s; SET LOCAL casnet.user_id = '$ID{cid}'; SET LOCAL casnet.tenant_id = '$ID{south}'; ROLLBACK TO s; $count"),
	'2', 'ROLLBACK TO SAVEPOINT brings the identity back');
is(client('ben', 'north', "SAVEPOINT s; SET LOCAL casnet.user_id = '$ID{cid}'; RELEASE s; SELECT username FROM casnet.whoami()"),
	'cid', 'RELEASE SAVEPOINT keeps the new one');
is(ask($pool, $count), '28000', 'until the end of the transaction');

# Identities of the session, and what clears them.
foreach my $clear ('DISCARD ALL', 'RESET ALL', 'RESET casnet.user_id; RESET casnet.tenant_id', 'SELECT casnet.sign_out()',
	"SET casnet.user_id = ''; SET casnet.tenant_id = ''", 'SET casnet.user_id TO DEFAULT; SET casnet.tenant_id TO DEFAULT')
{
	ask($pool, "SET casnet.user_id = '$ID{ada}'; SET casnet.tenant_id = '$ID{north}'");
	is(ask($pool, $count), '2', "before $clear");
	ask($pool, $clear);
	is(ask($pool, $count), '28000', $clear);
	is(ask($pool, 'SELECT casnet.current_tenant_id() IS NULL'), 't', "$clear: no tenant either");
}

# A SET that is rolled back, and one within a transaction that commits.
ask($pool, "BEGIN; SET casnet.user_id = '$ID{ada}'; SET casnet.tenant_id = '$ID{north}'");
is(ask($pool, $count), '2', 'SET in a transaction');
ask($pool, 'ROLLBACK');
is(ask($pool, $count), '28000', 'is rolled back with it');
ask($pool, "SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{south}'");
is(client('ada', 'north', $count), '2', 'a transaction of somebody else');
is(ask($pool, $count), '1', 'ends with who was there before');

# Several users within one statement, at one call site.
ask($pool, 'RESET ALL');
is(ask($pool, qq{
	DO \$\$
	DECLARE
		seen text := '';
		tenant uuid;
	BEGIN
		FOR i IN 1..2 LOOP
			PERFORM set_config('casnet.user_id', who, true), set_config('casnet.tenant_id', place, true)
			   FROM (VALUES ('$ID{ada}', '$ID{north}')) AS v (who, place);
			FOR j IN 1..2 LOOP
				IF j = 2 THEN
					PERFORM set_config('casnet.user_id', '$ID{ben}', true), set_config('casnet.tenant_id', '$ID{south}', true);
				END IF;
				tenant := casnet.tenant_with('view_records');
				seen := seen || right(tenant::text, 1) || CASE WHEN casnet.can('delete_records') THEN 'y' ELSE 'n' END
					|| (SELECT count(*) FROM casnet.records) || ' ';
			END LOOP;
		END LOOP;
		PERFORM set_config('application_name', seen, false);
	END
	\$\$;
	SHOW application_name}), '1y2 2n1 1y2 2n1 ', 'users in turn within one statement');
is(ask($pool, $count), '28000', 'and nobody after it');

# Two clients, many transactions in turn.
my $wrong = 0;
foreach my $i (1 .. 100)
{
	$wrong++ if client('ada', 'north', $count, $i % 3 ? 'COMMIT' : 'ROLLBACK') ne '2';
	$wrong++ if client('cid', 'south', $count, $i % 4 ? 'COMMIT' : 'ROLLBACK') ne '1';
	$wrong++ if client('ada', 'south', $count) ne '42501';
}
is($wrong, 0, '300 transactions in turn');

$pool->quit;
$node->stop;
done_testing();
