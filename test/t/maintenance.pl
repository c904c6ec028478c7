# What administrators do to tables, databases and roles: VACUUM FULL, CLUSTER, REINDEX
# CONCURRENTLY, another tablespace, another owner, a database copied from another one.
# Sessions stay open all the while and work.  Each user can do the same as before, and
# what is revoked afterwards is revoked.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetLife;
use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('upkeep');
init_cluster($node);
$node->append_conf('postgresql.conf', "log_statement = none\n");
$node->start;
databases($node, 'first');
make_everything($node, 'first');
my $behaviour = behaviour($node, 'first');
my $before = fingerprint($node, 'first');
my $space = PostgreSQL::Test::Utils::tempdir_short();
$node->safe_psql('postgres', "CREATE TABLESPACE elsewhere LOCATION '$space'");

my $count = 'SELECT count(*), casnet.can($$delete_tags$$) FROM casnet.records';
my $ben = open_session($node, 'first', 'ben', 'north');
my $ada = open_session($node, 'first', undef, undef, 'casnet_plain');
my $cid = open_session($node, 'first', 'cid', 'south');
ask($ada, "SET casnet.token = '$TOKENS{good}'");
ask($ben, 'PREPARE mine AS SELECT count(*) FROM casnet.records AS r JOIN casnet.record_tags AS t USING (tenant_id) WHERE t.record_id = r.id; SET plan_cache_mode = force_generic_plan');

# Something is done to every table, index or schema of casnet and of the application,
# while sessions have looked at it.  Then a user is deactivated, which ends
# tokens and codes, and reactivated, which every session must notice.
sub goes_on
{
	my ($what, $sql) = @_;

	is(ask($ben, "$count; EXECUTE mine"), "40|t\n80", "before $what");
	is(ask($ada, $count), '40|t', 'and of a token');
	$node->safe_psql('first', $_) foreach grep { /\S/ } split /\n/, ref $sql ? join("\n", @$sql) : $node->safe_psql('first', $sql);
	is(ask($ben, "$count; EXECUTE mine"), "40|t\n80", "after $what");
	is(ask($ada, $count), '40|t', 'and of a token');
	is(ask($cid, 'SELECT count(*) FROM casnet.records'), '38', 'and of another tenant');
	$node->safe_psql('first', "BEGIN; UPDATE casnet.users SET is_active = false WHERE username = 'ben'; COMMIT");
	is(ask($ben, $count), '28000', 'a user who is switched off');
	is(ask($ben, 'EXECUTE mine'), '28000', 'in a prepared statement, too');
	$node->safe_psql('first', "SET session_replication_role = replica; UPDATE casnet.users AS u SET is_active = true WHERE username = 'ben'");
	is(ask($ben, $count), '40|t', 'and on again');
	return;
}
my $tables = q{FROM pg_class AS c WHERE c.relkind = 'r' AND c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace, 'app'::regnamespace) ORDER BY c.relname};
goes_on('VACUUM FULL', "SELECT format('VACUUM FULL %s', c.oid::regclass) $tables");
goes_on('VACUUM FULL of the catalogs', [ map { "VACUUM FULL $_" } qw(pg_class pg_attribute pg_index pg_proc pg_policy) ]);
goes_on('CLUSTER', q{SELECT format('CLUSTER %s USING %I', i.indrelid::regclass, c.relname) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
	WHERE i.indisprimary AND c.relkind = 'i' AND NOT c.relispartition AND c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) ORDER BY 1});
$node->safe_psql('first', $_) foreach split /\n/, $node->safe_psql('first', "SELECT format('ALTER TABLE %s SET WITHOUT CLUSTER', c.oid::regclass) $tables");
goes_on('REINDEX CONCURRENTLY', [ map { "REINDEX SCHEMA CONCURRENTLY $_" } qw(casnet casnet_internal app) ]);
goes_on('SET TABLESPACE', "SELECT format('ALTER TABLE %s SET TABLESPACE elsewhere', c.oid::regclass) $tables");
goes_on('SET TABLESPACE of indexes', [ 'ALTER INDEX ALL IN TABLESPACE pg_default SET TABLESPACE elsewhere' ]);
goes_on('SET TABLESPACE and back', [ "ALTER TABLE ALL IN TABLESPACE elsewhere SET TABLESPACE pg_default", "ALTER INDEX ALL IN TABLESPACE elsewhere SET TABLESPACE pg_default" ]);
goes_on('ANALYZE', [ 'ANALYZE', 'VACUUM (FREEZE)' ]);
$_->quit foreach $ben, $ada, $cid;
same_as('rows and catalogs', fingerprint($node, 'first'), $before, qr/^rows . casnet(?:\.users|_internal\.(?:audit_entries_\w+|token_cutoffs|codes)) |^sequences/);
same_as('behaviour', behaviour($node, 'first'), $behaviour);

# A database is copied, and the original dropped: roles and the rest stay.
my $now = fingerprint($node, 'first');
$node->safe_psql('postgres', 'CREATE DATABASE second TEMPLATE first');
same_as('a copy: rows and catalogs', fingerprint($node, 'second'), $now, qr/^settings/);
same_as('a copy: behaviour', behaviour($node, 'second'), $behaviour);
my $second = open_session($node, 'second', 'ben', 'north');
is(ask($second, $count), '40|t', 'a session in the copy');
$node->safe_psql('first', "DELETE FROM casnet.user_tenants WHERE user_id = '$ID{ben}'");
is(ask($second, $count), '40|t', 'has nothing to do with the original');
$node->safe_psql('postgres', 'DROP DATABASE first');
is(ask($second, $count), '40|t', 'which may go');
databases($node, 'third');
$node->safe_psql('third', 'CREATE EXTENSION casnet; DROP EXTENSION casnet CASCADE; DROP SCHEMA casnet, casnet_internal CASCADE');
is(ask($second, $count), '40|t', 'as may the extension in a third one');
$second->quit;
same_as('the copy: behaviour', behaviour($node, 'second'), $behaviour);

# The application's tables get another owner, who is nobody else: each user can do the
# same as before.  An owner of casnet's tables is under the policies as well.  The doctor
# reports such an owner, and an application that has its role.  Its remedies give the
# tables back.
$node->safe_psql('second', 'CREATE ROLE casnet_keeper LOGIN; GRANT USAGE ON SCHEMA casnet, casnet_internal, app TO casnet_keeper');
my $given = sub {
	my ($schema, $kinds) = @_;
	$node->safe_psql('second', $_) foreach split /\n/, $node->safe_psql('second', qq{SELECT format('ALTER TABLE %s OWNER TO casnet_keeper', c.oid::regclass)
		FROM pg_class AS c WHERE c.relkind IN ($kinds) AND c.relnamespace = '$schema'::regnamespace ORDER BY 1});
};
$given->('app', q{'r', 'p', 'v'});
same_as('another owner: behaviour', behaviour($node, 'second'), $behaviour);
$given->($_, q{'r', 'p'}) foreach qw(casnet casnet_internal);
is(ask_once($node, 'second', 'casnet_keeper', "SELECT count(*) FROM $_"), '42501', "the owner reads no $_") foreach qw(casnet.records casnet.user_tenants casnet.role_permissions);
is(ask_once($node, 'second', 'casnet_keeper', "SELECT count(*) FROM $_"), '0', "nor $_") foreach qw(casnet_internal.signing_keys casnet_internal.audit_entries);
my $owner = "SELECT count(*) > 0 FROM casnet.doctor() WHERE code = 'role-owns-table'";
is($node->safe_psql('second', $owner), 'f', 'an owner who is no application');
$node->safe_psql('second', 'GRANT casnet_keeper TO casnet_app');
is($node->safe_psql('second', $owner), 't', 'and one who is');
$node->safe_psql('second', 'REVOKE casnet_keeper FROM casnet_app');
$node->safe_psql('second', $_) foreach split /\n/, $node->safe_psql('second', q{SELECT remedy FROM casnet.doctor() WHERE code = 'owner-other'});
$node->safe_psql('second', 'SELECT casnet.install()');
same_as('owned by casnet_owner again: behaviour', behaviour($node, 'second'), $behaviour);
my $moved = fingerprint($node, 'second');
my $dir = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_dump', '-d', $node->connstr('second'), '-Fc', '-f', "$dir/custom" ], 'a dump');
$node->command_ok([ 'pg_restore', '-e', '-1', '-d', $node->connstr('restored'), "$dir/custom" ], 'of it is restored');
same_as('restored: rows and catalogs', fingerprint($node, 'restored'), $moved, qr/^settings/);
$node->safe_psql('postgres', 'DROP DATABASE restored');

# And back, with everything that he owns; then roles are dropped with their privileges.
my $superuser = $node->safe_psql('second', 'SELECT current_user');
$node->safe_psql('second', "REASSIGN OWNED BY casnet_keeper, casnet_builder TO $superuser; DROP OWNED BY casnet_keeper, casnet_builder, casnet_reader");
$node->safe_psql('second', 'DROP ROLE casnet_keeper, casnet_builder, casnet_reader');
same_as('REASSIGN OWNED and DROP OWNED: behaviour', behaviour($node, 'second'), $behaviour);
$node->safe_psql('second', 'DROP OWNED BY casnet_user');
is(join("\n", grep { /SELECT count.* FROM \S+: \(|^token.*\|\(|(?:INSERT|UPDATE|DELETE).*: (?!\w{5}$)/ } @{ behaviour($node, 'second')->{behaviour} }), '',
	'without the privileges of casnet_user nobody reads or writes');

$node->stop;
done_testing();
