# Invariant 6: parallel workers resolve the identity for themselves and come to the same
# result as their leader.  This also holds in transactions with changes of their own, and
# at every isolation level.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('parallel');
init_cluster($node);
$node->append_conf('postgresql.conf', q{
parallel_setup_cost = 0
parallel_tuple_cost = 0
min_parallel_table_scan_size = 0
min_parallel_index_scan_size = 0
max_parallel_workers_per_gather = 2
});
$node->start;
make_fixture($node, 'postgres');
$node->safe_psql('postgres', qq{
	INSERT INTO casnet.records (tenant_id, title)
	SELECT t.id, 'bulk ' || i
	  FROM casnet.tenants AS t, generate_series(1, CASE t.name WHEN 'north' THEN 8000 ELSE 3000 END) AS i;
	INSERT INTO casnet.tags (tenant_id, name) SELECT id, 'urgent' FROM casnet.tenants;
	INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
	SELECT r.tenant_id, r.id, t.id FROM casnet.records AS r JOIN casnet.tags AS t USING (tenant_id);
	VACUUM ANALYZE casnet.records, casnet.record_tags;
});
my $force = $node->safe_psql('postgres',
	"SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");

# The answer to a query, after a check that workers run its plan.
sub parallel_is
{
	my ($session, $sql, $expected, $plan, $name) = @_;
	my $explain = ask($session, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $sql");

	like($explain, qr/Workers Launched: [12]/, "$name: workers launched");
	like($explain, $plan, "$name: plan");
	is(ask($session, $sql), $expected, $name);
	return;
}

# EXPLAIN shows only readers of statistics whether there were workers.
$node->safe_psql('postgres', 'GRANT pg_read_all_stats TO casnet_app, casnet_plain, casnet_user');
my $ben = open_session($node, 'postgres', 'ben', 'north');

parallel_is($ben, 'SELECT count(*) FROM casnet.records', 8002,
	qr/Parallel Seq Scan|Parallel Index Only Scan|Parallel Bitmap/, 'count');
parallel_is($ben, 'SELECT count(DISTINCT tenant_id), min(tenant_id::text) FROM casnet.records',
	"1|$ID{north}", qr/Parallel/, 'aggregate');
ask($ben, 'SET enable_seqscan = off; SET enable_bitmapscan = off');
parallel_is($ben, 'SELECT count(title) FROM casnet.records', 8002,
	qr/Parallel Index (?:Only )?Scan/, 'index scan');
ask($ben, 'RESET enable_seqscan; RESET enable_bitmapscan; SET enable_mergejoin = off; SET enable_nestloop = off');
parallel_is($ben,
	'SELECT count(*) FROM casnet.records AS r JOIN casnet.record_tags AS l ON l.record_id = r.id',
	8002, qr/Parallel Hash/, 'hash join');
parallel_is($ben, "SELECT count(*) FROM casnet.records WHERE casnet.can('delete_records')", 0,
	qr/Parallel/, 'can() in a worker');

# Another tenant, in a transaction only.
ask($ben, "BEGIN; SET LOCAL casnet.tenant_id = '$ID{south}'");
parallel_is($ben, 'SELECT count(*) FROM casnet.records', 3001, qr/Parallel/, 'SET LOCAL');
ask($ben, 'ROLLBACK');
is(ask($ben, 'SELECT count(*) FROM casnet.records'), 8002, 'and back again');

foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	ask($ben, "BEGIN ISOLATION LEVEL $level");
	parallel_is($ben, 'SELECT count(*) FROM casnet.records', 8002, qr/Parallel/, $level);
	ask($ben, 'COMMIT');
}

# Whatever can run in a worker does.
ask($ben, "SET $force = on");
is(ask($ben, 'SELECT username, tenant_name, role FROM casnet.whoami()'),
	'ben|north|member', 'whoami() in a worker');
is(ask($ben, 'SELECT casnet.current_user_id(), casnet.current_tenant_id()'),
	"$ID{ben}|$ID{north}", 'current user and tenant in a worker');
is(ask($ben, 'SELECT name FROM casnet.my_tenants() ORDER BY 1'), "north\nsouth",
	'my_tenants() in a worker');
is(ask($ben, 'SELECT count(*) FROM casnet.users'), 3, 'users in a worker');
is(ask($ben, 'SELECT count(*) FROM casnet.user_tenants'), 3, 'members in a worker');
is(ask($ben, 'SELECT name FROM casnet.tenants ORDER BY 1'), "north\nsouth",
	'tenants in a worker');
$node->safe_psql('postgres', "DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_users'");
is(ask($ben, 'SELECT count(*) FROM casnet.users'), 1, 'oneself in a worker');
is(ask($ben, 'SELECT count(*) FROM casnet.user_tenants'), '42501',
	'a refusal in a worker');
ask($ben, "SET casnet.user_id = ''");
is(ask($ben, 'SELECT count(*) FROM casnet.records'), '28000', 'nobody in a worker');
ask($ben, "SET casnet.user_id = '$ID{max}'");
is(ask($ben, 'SELECT count(*) FROM casnet.records'), 8002, 'a superuser in a worker');
ask($ben, "SET casnet.tenant_id = ''");
is(ask($ben, 'SELECT count(*) FROM casnet.records'), '55000', 'no tenant in a worker');
$ben->quit;

# A worker accepts the value of a setting that its role is not allowed to set.
my $backend = open_session($node, 'postgres', 'ben', 'north');
ask($backend, 'SELECT casnet.whoami(); SET ROLE casnet_user');
is(ask($backend, "SET casnet.user_id = '$ID{ada}'"), '42501', 'another role may not set the user');
parallel_is($backend, 'SELECT count(*) FROM casnet.records', 8002, qr/Parallel/, 'but keeps who it is');
$backend->quit;
$node->safe_psql('postgres', "ALTER ROLE casnet_plain SET casnet.user_id = '$ID{ben}'");
my $plain = open_session($node, 'postgres', undef, 'south', 'casnet_plain');
parallel_is($plain, 'SELECT count(*) FROM casnet.records', 3001, qr/Parallel/, 'a setting of the role');
$plain->quit;

# Changes that only this transaction sees.
my $ada = open_session($node, 'postgres', 'ada', 'north');
my $allowed = "SELECT count(*) FROM casnet.records WHERE casnet.can('delete_records')";
is(ask($ada, $allowed), 8002, 'an owner may delete');
ask($ada, "BEGIN; SELECT casnet.set_member_role('ada', 'viewer')");
parallel_is($ada, $allowed, 0, qr/Parallel/, 'her own uncommitted demotion');
ask($ada, 'ROLLBACK');
parallel_is($ada, $allowed, 8002, qr/Parallel/, 'and its rollback');

ask($ada, "BEGIN; SELECT casnet.create_tenant('west'); SELECT casnet.use_tenant('west', true)");
is(ask($ada, "INSERT INTO casnet.records (title) SELECT 'bulk ' || i FROM generate_series(1, 4000) AS i"),
	'', 'rows of an uncommitted tenant');
ask($ada, 'SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off');
parallel_is($ada, 'SELECT count(*) FROM casnet.records', 4000, qr/Parallel/, 'an uncommitted tenant');
ask($ada, 'ROLLBACK');

# A revocation that commits while a REPEATABLE READ transaction is open.
my $cid = open_session($node, 'postgres', 'cid', 'north');
ask($ada, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
ask($cid, "SELECT casnet.set_member_role('ada', 'viewer')");
parallel_is($ada, $allowed, 0, qr/Parallel/, 'revoked since the snapshot');
ask($cid, "SELECT casnet.remove_member('ada')");
is(ask($ada, 'SELECT count(*) FROM casnet.records'), '42501', 'removed since the snapshot');
ask($ada, 'ROLLBACK');

$_->quit foreach $ada, $cid;
$node->stop;
done_testing();
