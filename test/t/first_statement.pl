# The first statement of a session, without a preload.  The policy of an application comes
# before the statement's conditions, whichever function of casnet it calls and wherever.
# Only a policy that calls casnet inside another function needs a preload.  A write that
# began before the library was loaded is recorded for the user whom it began as.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('first');
init_cluster($node);
$node->start;
make_fixture($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE SCHEMA app;
	GRANT USAGE ON SCHEMA app TO PUBLIC;
	CREATE TABLE app.notes (id integer, tenant_id uuid, owner_id uuid, note text);
	ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY;
	GRANT SELECT ON app.notes TO PUBLIC;
	INSERT INTO app.notes SELECT n, t.id, u.id, 'secret' FROM casnet.tenants AS t, casnet.users AS u, generate_series(1, 20) AS n WHERE t.name = 'south' AND u.username = 'cid';
	ANALYZE app.notes;
	CREATE FUNCTION app.within(tenant uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN tenant = casnet.tenant_with('view_records'); END $$;
	CREATE FUNCTION app.reveal() RETURNS boolean LANGUAGE plpgsql STABLE COST 0.0001 AS $$ BEGIN RAISE NOTICE 'revealed'; RETURN true; END $$;
	CREATE POLICY p ON app.notes USING (false);
});
my $query = "SELECT count(*) FROM app.notes WHERE CASE WHEN note >= 'secret' THEN app.reveal() END";

# The answer and the messages of a statement, as the first of a session of ada's in north.
sub first_of_session
{
	my ($sql) = @_;

	local $ENV{PGOPTIONS} = "-c casnet.user_id=$ID{ada} -c casnet.tenant_id=$ID{north}";
	my ($status, $rows, $messages) = $node->psql('postgres', $sql, extra_params => [ '-U', 'casnet_app' ]);
	return "$rows$messages" =~ s/\n//gr;
}

foreach my $form (
	"tenant_id = casnet.tenant_with('view_records')",
	'owner_id = casnet.current_user_id()',
	'coalesce(owner_id = casnet.current_user_id(), false)',
	'CASE WHEN casnet.current_tenant_id() IS NULL THEN false ELSE tenant_id = casnet.current_tenant_id() END',
	'EXISTS (SELECT FROM casnet.my_tenants() AS m WHERE m.tenant_id = notes.tenant_id)',
	'tenant_id = (SELECT w.tenant_id FROM casnet.whoami() AS w)',
	'(casnet.whoami()).tenant_id = tenant_id',
	"casnet.can('view_records') AND tenant_id = casnet.current_tenant_id()",
	"casnet_internal.is_administrator() OR casnet.can('delete_tenant') AND tenant_id = casnet.current_tenant_id()")
{
	$node->safe_psql('postgres', "ALTER POLICY p ON app.notes USING ($form)");
	is(first_of_session($query), '0', $form);
	unlike(first_of_session('EXPLAIN (ANALYZE, TIMING off, SUMMARY off) SELECT FROM app.notes'), qr/Removed|rows=/, 'and no numbers are shown');
}

# Nor is a number shown that follows from an estimate.
$node->safe_psql('postgres', "ALTER POLICY p ON app.notes USING (tenant_id = casnet.tenant_with('view_records'));"
	. "INSERT INTO app.notes SELECT n, '$ID{south}', NULL, 'hidden ' || n FROM generate_series(1, 3000) AS n; ANALYZE app.notes");
{
	local $ENV{PGOPTIONS} = "-c casnet.user_id=$ID{ada} -c casnet.tenant_id=$ID{north} -c work_mem=64kB -c hash_mem_multiplier=1 -c enable_sort=off";
	my $plan = $node->safe_psql('postgres', "EXPLAIN SELECT note, array_agg(note), array_agg(id) FROM app.notes WHERE id > 0 GROUP BY note", extra_params => [ '-U', 'casnet_app' ]);
	like($plan, qr/HashAggregate/, 'rows are hashed');
	unlike($plan, qr/Planned Partitions/, 'and in how many parts is not said');
	$ENV{PGOPTIONS} .= ' -c jit=on -c jit_above_cost=0';
	unlike($node->safe_psql('postgres', 'EXPLAIN SELECT note FROM app.notes ORDER BY id', extra_params => [ '-U', 'casnet_app' ]), qr/JIT/, 'nor that it costs more than a limit');
}

# Nor how often rows of a join would be looked up.
$node->safe_psql('postgres', 'CREATE TABLE app.kinds (id integer PRIMARY KEY); GRANT SELECT ON app.kinds TO PUBLIC;'
	. 'INSERT INTO app.kinds SELECT generate_series(0, 9999); ANALYZE app.kinds');
{
	local $ENV{PGOPTIONS} = "-c casnet.user_id=$ID{cid} -c casnet.tenant_id=$ID{south} -c enable_hashjoin=off -c enable_mergejoin=off";
	my $plan = $node->safe_psql('postgres', 'EXPLAIN SELECT n.note FROM app.notes AS n JOIN app.kinds AS k ON k.id = (n.owner_id IS NULL)::integer', extra_params => [ '-U', 'casnet_app' ]);
	like($plan, qr/Memoize/, 'what was looked up is kept');
	SKIP:
	{
		skip 'EXPLAIN shows estimates of Memoize from PostgreSQL 19 on', 1
			if $node->safe_psql('postgres', 'SHOW server_version_num') < 190000;
		is(join(' ', $plan =~ /Estimates: (.*)/ ? $1 =~ /=(\d+)/g : 'none'), '1 1 1 0', 'and how often is not said');
	}
}

# A value set before the library was loaded has no effect, nor does restoring it.
$node->safe_psql('postgres', q{
	INSERT INTO casnet.records (tenant_id, title, content) SELECT id, 'zebra', 'zebra' FROM casnet.tenants WHERE name = 'north';
	INSERT INTO casnet.records (tenant_id, title, content) SELECT id, 'zebra', 'zebra' FROM casnet.tenants, generate_series(1, 300) WHERE name = 'south';
	INSERT INTO casnet.records (tenant_id, title) SELECT id, 'another' FROM casnet.tenants, generate_series(1, 3000) WHERE name = 'north';
	VACUUM ANALYZE casnet.records;
});
my $search = "SELECT count(*) FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) 'zebra'";
{
	local $ENV{PGOPTIONS} = "-c casnet.user_id=$ID{ada} -c casnet.tenant_id=$ID{north} -c gin_fuzzy_search_limit=1 -c enable_seqscan=off -c enable_indexscan=off";
	my @extra = (extra_params => [ '-U', 'casnet_app' ]);
	like($node->safe_psql('postgres', "SET client_min_messages = warning; EXPLAIN $search", @extra), qr/search_vector_idx/, 'the index is read');
	is($node->safe_psql('postgres', $search, @extra), '1', 'a search in the first statement leaves nothing out');
	is($node->safe_psql('postgres', "SET gin_fuzzy_search_limit = 0; $search; RESET gin_fuzzy_search_limit; $search", @extra), "1\n1", 'nor after RESET');
	is($node->safe_psql('postgres', "BEGIN; SET LOCAL gin_fuzzy_search_limit = 1; SAVEPOINT a; SET LOCAL gin_fuzzy_search_limit = 2; $search; ROLLBACK TO a; $search; COMMIT; $search", @extra), "1\n1\n1", 'nor after a rollback');
}

# The answer to the first statement of a session of ada's.  A function of the statement's
# own is the first to call casnet.
my $number = 0;

sub first_write
{
	my ($returned) = @_;

	$number++;
	return ask_once($node, 'postgres', 'casnet_app', "INSERT INTO app.log VALUES ($number, '$ID{north}', app.here()) RETURNING $returned",
		"-c casnet.user_id=$ID{ada} -c casnet.tenant_id=$ID{north}");
}

$node->safe_psql('postgres', q{
	CREATE TABLE app.log (id integer PRIMARY KEY, tenant_id uuid, note text);
	GRANT INSERT, SELECT ON app.log TO PUBLIC;
	SELECT casnet.enable_audit('app.log');
	CREATE FUNCTION app.here() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN casnet.current_tenant_id(); END $$;
});
my $token = token_of($node, 'postgres', 'cid', 'north');
is(first_write("'written'"), 'written', 'the first statement writes');
is(first_write("set_config('casnet.user_id', '$ID{cid}', false)"), '55000', 'not if it changes the user');
is(first_write("set_config('casnet.user_id', '', false)"), '55000', 'or takes it away');
is(first_write("set_config('casnet.token', '$token', false)"), '55000', 'or sets a token');
is(first_write("set_config('role', 'casnet_user', false)"), '55000', 'or changes the role');
is($node->safe_psql('postgres', "SELECT u.username, e.role, e.row_key->>'id' FROM casnet_internal.audit_entries AS e LEFT JOIN casnet.users AS u ON u.id = e.user_id"),
	'ada|casnet_app|1', 'one entry, of who it began as');

$node->safe_psql('postgres', 'ALTER POLICY p ON app.notes USING (app.within(tenant_id))');
$node->append_conf('postgresql.conf', "session_preload_libraries = 'casnet'");
$node->reload;
is(first_of_session($query), '0', 'with a preload also within a function');

$node->stop;
done_testing();
