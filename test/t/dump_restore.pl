# Invariant 9: every way to dump and restore gives the same database again,
# with what users added, without a manual step, and it enforces.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
init_cluster($node);
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source');
make_fixture($node, 'source');
$node->safe_psql('source', 'CREATE ROLE casnet_boss LOGIN IN ROLE casnet_admin');

# Rows of every table, and what a user adds to the tables.
$node->safe_psql('source', qq{
	INSERT INTO casnet.persons (tenant_id, name, gender, contact_info)
		VALUES ('$ID{north}', 'Jane Doe', 'FEMALE', '{"phone": "1"}');
	INSERT INTO casnet.tags (tenant_id, name) VALUES ('$ID{north}', 'urgent');
	INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
		SELECT r.tenant_id, r.id, t.id FROM casnet.records AS r JOIN casnet.tags AS t USING (tenant_id);
	INSERT INTO casnet.record_persons (tenant_id, record_id, person_id, relation)
		SELECT r.tenant_id, r.id, p.id, 'parent' FROM casnet.records AS r JOIN casnet.persons AS p USING (tenant_id);
	INSERT INTO casnet.tasks (tenant_id, title, status, assignee_id, record_id)
		SELECT tenant_id, 'call', 'COMPLETED', '$ID{ben}', id FROM casnet.records WHERE title = 'north 1';
	INSERT INTO casnet.calendar_events (tenant_id, title, starts_at, record_id)
		SELECT tenant_id, 'visit', '2026-01-01', id FROM casnet.records WHERE title = 'north 2';
	INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
		VALUES ('$ID{ben}', '$ID{north}', 'delete_tags');
	DELETE FROM casnet.role_permissions WHERE role = 'viewer' AND permission = 'view_tags';
	UPDATE casnet.records SET content = 'edited' WHERE title = 'north 1';

	ALTER TABLE casnet.records ADD COLUMN file_number text;
	UPDATE casnet.records SET file_number = 'A-17' WHERE title = 'north 2';
	CREATE INDEX records_file_number_idx ON casnet.records (tenant_id, file_number);
	CREATE POLICY only_odd ON casnet.persons AS RESTRICTIVE FOR SELECT USING (name <> 'hidden');
	GRANT SELECT ON casnet.tags TO casnet_plain;
	REVOKE DELETE ON casnet.tasks FROM casnet_user;
	CREATE TABLE casnet.notes (
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(),
		id uuid PRIMARY KEY DEFAULT casnet.uuid_v7(), body text);
	CREATE VIEW public.titles AS SELECT title FROM casnet.records;
	REVOKE INSERT ON casnet.tags_load FROM casnet_user;
	INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at)
		VALUES (sha256('a code'), '$ID{south}', 'ada\@example.org', 'viewer', '$ID{cid}', '2100-01-01');
	INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at)
		VALUES (sha256('a code'), gen_random_uuid(), 'password', '-', sha256('0 ben\@example.org'), '2100-01-01');
	INSERT INTO casnet_internal.audit_entries (at, id, transaction_id, session_role, role, relation, action)
		VALUES ('2020-01-01', casnet.uuid_v7(), 1, 'a', 'b', 'c', 'INSERT');
	SELECT casnet.protect('casnet.notes', 'notes');
	CREATE TABLE public.lands (code text);
	SELECT casnet.share('public.lands');
	CREATE SCHEMA guarded;
	SELECT casnet.guard_schema('guarded');
	SELECT casnet.install();
});
set_passwords($node, 'source');
my ($token, $revoked) = map { token_of($node, 'source', $_, 'north') } qw(ben ada);
ask_once($node, 'source', 'casnet_plain', "SET casnet.token = '$revoked'; SELECT casnet.revoke_token()");

# Tables that only functions read; each has rows.
my @internal = map { "casnet_internal.$_" } qw(signing_keys revoked_tokens token_cutoffs password_hashes invitations codes audit_entries protected guarded_schemas declared);
my $internal = join ' UNION ALL ', map { "SELECT '$_', count(*) > 0, md5(string_agg(t::text, ';' ORDER BY t::text)) FROM $_ AS t" } @internal;
my $kept = $node->safe_psql('source', $internal);
is(scalar(() = $kept =~ /\|t\|/g), scalar @internal, 'every internal table has rows');

# pg_dump's text without its random parts.
sub dump_of
{
	my ($server, $database, @options) = @_;
	my ($out, $err) = run_command(
		[ 'pg_dump', '-d', $server->connstr($database), @options ]);

	is($err, '', "pg_dump of $database");
	$out =~ s/^\\(un)?restrict .*$//mg;
	return $out;
}

my $original = dump_of($node, 'source');
like($original, qr/$_/, "the dump has $_")
  foreach 'A-17', 'records_file_number_idx', 'only_odd', 'CREATE TABLE casnet.users ', 'CREATE SCHEMA casnet_internal;', 'CREATE TABLE casnet_internal.signing_keys ',
  'CREATE TRIGGER casnet_last_owner ', 'CREATE TRIGGER casnet_load INSTEAD OF INSERT ON casnet.records_load ', 'ENABLE ALWAYS TRIGGER casnet_announce_row',
  'GRANT SELECT ON TABLE casnet.tags TO casnet_plain', 'FORCE ROW LEVEL SECURITY';

# What must hold in a database that was restored.
sub check_restored
{
	my ($server, $database) = @_;

	ok(dump_of($server, $database) eq $original, "$database: its dump is the same");
	is($server->safe_psql($database, 'SELECT casnet.schema_version() = extversion FROM pg_extension WHERE extname = $$casnet$$'),
		't', "$database: schema_version()");
	is($server->safe_psql($database, q{
		SELECT count(*) FROM pg_depend
		 WHERE classid = 'pg_class'::regclass AND deptype = 'e' AND refclassid = 'pg_extension'::regclass
		   AND objid IN (SELECT oid FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace))}),
		0, "$database: no table is a member of the extension");

	is($server->safe_psql($database, $internal), $kept, "$database: every row of the internal tables");
	is($server->safe_psql($database, q{
		SELECT count(*) FROM pg_depend
		 WHERE classid = 'pg_namespace'::regclass AND objid = 'casnet_internal'::regnamespace AND deptype = 'e'}),
		0, "$database: whose schema is no member either");
	foreach my $role (qw(casnet_app casnet_plain casnet_boss))
	{
		is(join(' ', map { ask_once($server, $database, $role, "SELECT count(*) FROM $_") } @internal), join(' ', ('42501') x @internal),
			"$database: $role reads none of them");
	}
	my $in_north = "SET casnet.tenant_id = '$ID{north}'; SELECT count(*) FROM casnet.records";
	is(ask_once($server, $database, 'casnet_plain', "SET casnet.token = '$token'; $in_north"), '2', "$database: a token is good");
	is(ask_once($server, $database, 'casnet_plain', "SET casnet.token = '$revoked'; $in_north"), '28000', "$database: a revoked one is not");

	my $ben = open_session($server, $database, 'ben', 'north');
	is(ask($ben, 'SELECT count(*), count(*) FILTER (WHERE updated_at > created_at), max(file_number) FROM casnet.records'),
		'2|2|A-17', "$database: a member sees the rows");
	is(ask($ben, "DELETE FROM casnet.records WHERE title = ''"), '42501', "$database: and may not delete");
	is(ask($ben, "INSERT INTO casnet.records (title) VALUES ('new') RETURNING tenant_id"),
		$ID{north}, "$database: defaults work");
	is(ask($ben, "WITH loaded AS (INSERT INTO casnet.records_load (title, file_number) VALUES ('loaded', 'B-18') RETURNING 1) SELECT count(*) FROM loaded"),
		'1', "$database: views to load through take rows");
	is(ask($ben, "SELECT file_number, tenant_id FROM casnet.records WHERE title = 'loaded'"),
		"B-18|$ID{north}", "$database: with defaults and columns of users");
	is(ask($ben, "INSERT INTO casnet.tags_load (name) VALUES ('x')"), '42501', "$database: unless that was revoked");
	is(ask($ben, "INSERT INTO casnet.tasks (tenant_id, title) VALUES ('$ID{south}', 'x')"),
		'42501', "$database: no row for another tenant");
	is(ask($ben, "UPDATE casnet.records SET content = 'x' WHERE title = 'new' RETURNING updated_at > created_at"),
		't', "$database: triggers work");
	is(ask($ben, "SET casnet.tenant_id = '$ID{south}'; SELECT count(*) FROM casnet.tags"),
		'42501', "$database: role_permissions are as they were");
	my $cid = open_session($server, $database, 'cid', 'south');
	is(ask($cid, 'SELECT casnet.leave_tenant()'), '23514', "$database: the last owner stays");
	ask($cid, "SELECT casnet.remove_member('ben')");
	is(ask($ben, 'SELECT count(*) FROM casnet.records'), '42501', "$database: a revocation bites");
	is(ask_once($server, $database, 'casnet_plain', 'SELECT count(*) FROM casnet.records'),
		'28000', "$database: nobody sees nothing");
	$_->quit foreach $ben, $cid;
	return;
}

my $dir = PostgreSQL::Test::Utils::tempdir();
my $from = $node->connstr('source');
command_ok([ 'pg_dump', '-d', $from, '-f', "$dir/plain.sql" ], 'plain dump');
command_ok([ 'pg_dump', '-d', $from, '-Fc', '-f', "$dir/custom" ], 'custom dump');
command_ok([ 'pg_dump', '-d', $from, '-s', '-f', "$dir/schema.sql" ], 'dump of the schema');
command_ok([ 'pg_dump', '-d', $from, '-a', '-f', "$dir/data.sql" ], 'dump of the data');

sub psql_file
{
	my ($server, $database, $file) = @_;

	return [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $server->connstr($database), '-f', $file ];
}

$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(plain single parallel halves again);
command_ok(psql_file($node, 'plain', "$dir/plain.sql"), 'psql restores');
command_ok([ 'pg_restore', '-e', '-1', '-d', $node->connstr('single'), "$dir/custom" ],
	'pg_restore -e -1 restores');
command_ok([ 'pg_restore', '-e', '-j', '2', '-d', $node->connstr('parallel'), "$dir/custom" ],
	'pg_restore -e -j 2 restores');
command_ok(psql_file($node, 'halves', "$dir/schema.sql"), 'psql restores the schema');
command_ok(psql_file($node, 'halves', "$dir/data.sql"), 'and then the data');

# The tables are current, so install() has nothing to do.
$node->safe_psql('plain', 'SELECT casnet.install()');

check_restored($node, $_) foreach qw(plain single parallel halves);

# Over what is there already, as pg_restore --clean does it.
make_fixture($node, 'again', without => [ 'roles', 'rows' ]);
command_ok([ 'pg_restore', '-e', '-1', '--clean', '--if-exists', '-d', $node->connstr('again'), "$dir/custom" ],
	'pg_restore --clean restores');
check_restored($node, 'again');

# A new cluster that has only the login roles of the application.
my $new = PostgreSQL::Test::Cluster->new('new');
init_cluster($new);
$new->start;
$new->safe_psql('postgres', 'CREATE ROLE casnet_app LOGIN; CREATE ROLE casnet_plain LOGIN; CREATE ROLE casnet_boss LOGIN; CREATE DATABASE moved; CREATE DATABASE moved_custom');
foreach my $database (qw(moved moved_custom))
{
	is($new->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolname IN ('casnet_user', 'casnet_authenticator', 'casnet_admin', 'casnet_owner')}),
		0, "$database: a new cluster has none of our roles");
	if ($database eq 'moved')
	{
		command_ok(psql_file($new, $database, "$dir/plain.sql"), 'a new cluster restores');
	}
	else
	{
		command_ok([ 'pg_restore', '-e', '-1', '-d', $new->connstr($database), "$dir/custom" ], 'as does pg_restore -e -1 in one');
	}
	$new->safe_psql($database, 'GRANT casnet_authenticator TO casnet_app; GRANT casnet_user TO casnet_plain; GRANT casnet_admin TO casnet_boss');
	check_restored($new, $database);
	next if $database ne 'moved';
	$new->safe_psql('postgres', 'DROP DATABASE moved; DROP OWNED BY casnet_user, casnet_authenticator, casnet_admin, casnet_owner;'
		  . 'DROP ROLE casnet_user, casnet_authenticator, casnet_admin, casnet_owner');
}

$_->stop foreach $node, $new;
done_testing();
