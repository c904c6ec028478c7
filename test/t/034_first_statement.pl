# The first statement of a session, without a preload: the policy of an application comes
# before the conditions of the statement, whichever function of casnet it calls and
# wherever in it; only one that calls casnet within a function of its own takes a preload.
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

# What the statement says beside its answer, as the first of a session of ada's in north.
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
	"casnet.is_administrator() OR casnet.can('delete_tenant') AND tenant_id = casnet.current_tenant_id()")
{
	$node->safe_psql('postgres', "ALTER POLICY p ON app.notes USING ($form)");
	is(first_of_session($query), '0', $form);
	unlike(first_of_session('EXPLAIN (ANALYZE, TIMING off, SUMMARY off) SELECT FROM app.notes'), qr/Removed|rows=/, 'and no numbers are shown');
}
$node->safe_psql('postgres', 'ALTER POLICY p ON app.notes USING (app.within(tenant_id))');
$node->append_conf('postgresql.conf', "session_preload_libraries = 'casnet'");
$node->reload;
is(first_of_session($query), '0', 'with a preload also within a function');

$node->stop;
done_testing();
