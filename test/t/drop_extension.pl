# The tables outlive the extension, and deny everyone while it is absent.  A new
# CREATE EXTENSION adopts them, also in sessions that were open all along.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('drop');
init_cluster($node);
$node->start;

# Before any role exists: a schema in which everybody is allowed to create objects.
foreach my $schema (qw(casnet casnet_internal))
{
	$node->safe_psql('postgres', "CREATE DATABASE early_$schema");
	$node->safe_psql("early_$schema", "CREATE SCHEMA $schema; GRANT ALL ON SCHEMA $schema TO PUBLIC");
	my ($status, $out, $err) = $node->psql("early_$schema", 'CREATE EXTENSION casnet');
	like($err, qr/schema casnet cannot be trusted\n.*in schema $schema\./, "before there are roles, CREATE EXTENSION is refused: $schema");
}

make_fixture($node, 'postgres');
set_passwords($node, 'postgres');
$node->safe_psql('postgres', qq{
	CREATE ROLE casnet_boss LOGIN IN ROLE casnet_admin;
	CREATE TABLE public.notes (id integer PRIMARY KEY);
	SELECT casnet.protect('public.notes');
	CREATE TABLE public.migrations (id integer);
	SELECT casnet.exempt('public.migrations');
	CREATE SCHEMA guarded;
	SELECT casnet.guard_schema('guarded');
	INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at)
		VALUES (sha256('a code'), '$ID{south}', 'ada\@example.org', 'viewer', '$ID{cid}', '2100-01-01');
	INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at)
		VALUES (sha256('a code'), '$ID{ben}', 'password', '-', sha256('0 ben\@example.org'), '2100-01-01');
	SELECT casnet.set_issuer('https://id.example/', '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}', '{x}'),
		casnet.link_identity('$ID{ben}', 'https://id.example/', 'ben');
	SELECT casnet.login('ben', 'password of ben');
	INSERT INTO casnet_internal.audit_entries (at, id, transaction_id, session_role, role, relation, action)
		VALUES ('2020-01-01', casnet.uuid_v7(), 1, 'a', 'b', 'c', 'INSERT')});
my ($token, $revoked) = map { token_of($node, 'postgres', $_, 'north') } qw(ben ada);
ask_once($node, 'postgres', 'casnet_plain', "SET casnet.token = '$revoked'; SELECT casnet.revoke_token()");

my $ben = open_session($node, 'postgres', 'ben', 'north');
my $admin = open_session($node, 'postgres', undef, undef, $node->safe_psql('postgres', 'SELECT current_user'));
ask($ben, 'PREPARE titles AS SELECT title FROM casnet.records ORDER BY 1');
is(ask($ben, 'EXECUTE titles'), "north 1\nnorth 2", 'before');

my @tables = split /\n/, ask($admin, q{
	SELECT oid::regclass FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind = 'r' ORDER BY 1});
is(scalar @tables, 27, 'tables');
my @internal = grep { /^casnet_internal\./ } @tables;
is(scalar @internal, 14, 'some of them internal');
is($node->safe_psql('postgres', "SELECT count(*) > 0 FROM $_"), 't', "$_ has rows") foreach @internal;

# What only functions read, and even they read it for whoever asks.
sub nobody_reads
{
	my ($when) = @_;

	foreach my $role (qw(casnet_app casnet_plain casnet_boss))
	{
		is(join(' ', map { ask_once($node, 'postgres', $role, "SELECT count(*) FROM $_") } @internal, 'casnet_internal.audit_entries'),
			join(' ', ('42501') x (@internal + 1)), "$when, $role reads no internal table");
	}
	return;
}
nobody_reads('with the extension');
my $columns = q{
	SELECT attrelid::regclass, attname, atttypid::regtype, attnotnull FROM pg_attribute
	 WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind = 'r')
	   AND attnum > 0 ORDER BY 1, 2};
my $policies = q{
	SELECT tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies WHERE schemaname IN ('casnet', 'casnet_internal') ORDER BY 1, 2};
my $triggers = q{
	SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1};
my $defaults = q{
	SELECT adrelid::regclass, adnum, pg_get_expr(adbin, adrelid) FROM pg_attrdef ORDER BY 1, 2};
my $grants = q{
	SELECT oid::regclass::text, relacl FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) ORDER BY 1};
my $rows = join ' UNION ALL ', map { "SELECT '$_', count(*), md5(string_agg(t::text, ';' ORDER BY t::text)) FROM $_ AS t" } @tables;
my %before = map { $_ => ask($admin, $_) } $columns, $policies, $triggers, $defaults, $grants, $rows;

# Refused, and CASCADE.
is(ask($admin, 'DROP EXTENSION casnet'), '2BP01', 'DROP EXTENSION is refused');
is(ask($ben, 'EXECUTE titles'), "north 1\nnorth 2", 'and changes nothing');
is(ask($admin, 'BEGIN; SET LOCAL client_min_messages = warning; DROP EXTENSION casnet CASCADE; ROLLBACK; EXECUTE nothing'),
	'26000', 'DROP EXTENSION rolled back');
is(ask($ben, 'EXECUTE titles'), "north 1\nnorth 2", 'changes nothing either');

ask($admin, 'SET client_min_messages = warning');
is(ask($admin, 'DROP EXTENSION casnet CASCADE'), '', 'DROP EXTENSION CASCADE');
is(ask($admin, $columns), $before{$columns}, 'no column is lost');
is(ask($admin, $rows), $before{$rows}, 'no row is lost');
nobody_reads('without the extension');
foreach my $table (@tables)
{
	# 42501 where nobody has the privilege to read
	my $answer = ask($ben, "SELECT count(*) FROM $table");
	ok($answer eq '0' || $answer eq '42501', "$table shows nothing") or diag($answer);
	my ($column) = ask($admin, "SELECT attname FROM pg_attribute WHERE attrelid = '$table'::regclass AND attnum = 1");
	is(ask($ben, "UPDATE $table SET $column = $column RETURNING 1") =~ /^(42501)?$/, 1, "$table: nothing to update");
	is(ask($ben, "DELETE FROM $table RETURNING 1") =~ /^(42501)?$/, 1, "$table: nothing to delete");
	is(ask($ben, "TRUNCATE $table"), '42501', "$table: no TRUNCATE");
}
is(ask($ben, "INSERT INTO casnet.records (tenant_id, id, title) VALUES ('$ID{north}', gen_random_uuid(), 'x')"),
	'42501', 'nothing can be inserted');
is(ask($ben, "INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ben}', '$ID{south}', 'owner')"),
	'42501', 'no membership either');
is(ask($ben, 'SELECT casnet.whoami()'), '42883', 'the functions are gone');
is(ask($admin, $rows), $before{$rows}, 'and still no row is lost');

# Back again, in old sessions and new ones.
is(ask($admin, 'CREATE EXTENSION casnet'), '', 'CREATE EXTENSION on bare tables');
is(ask($admin, 'SELECT casnet.schema_version() = extversion FROM pg_extension WHERE extname = $$casnet$$'),
	't', 'schema_version()');
is(ask($ben, 'EXECUTE titles'), "north 1\nnorth 2", 'the open session goes on');
nobody_reads('with the extension again');
is(ask($admin, q{SELECT count(*) FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = 'casnet_internal'::regnamespace AND deptype = 'e'}),
	'0', 'the schema of the internal tables is no member');
my $in_north = "SET casnet.tenant_id = '$ID{north}'; SELECT count(*) FROM casnet.records";
is(ask_once($node, 'postgres', 'casnet_plain', "SET casnet.token = '$token'; $in_north"), '2', 'a token of before is good');
is(ask_once($node, 'postgres', 'casnet_plain', "SET casnet.token = '$revoked'; $in_north"), '28000', 'and a revoked one is not');
is(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{ada}'; SELECT tenant_name FROM casnet.invitation('a code')"), 'south', 'so are invitations');
is($node->safe_psql('postgres', 'SELECT relation, resource FROM casnet.protected_tables'), 'notes|notes', 'so are protected tables');
is(ask($admin, 'CREATE TABLE guarded.new (id integer)'), '55000', 'and guarded schemas');
is(ask($ben, "DELETE FROM casnet.records WHERE title = 'north 1'"), '42501', 'and is refused what it was');
is(ask($ben, "SET casnet.tenant_id = '$ID{south}'; EXECUTE titles"), 'south 1', 'and changes its tenant');
is(ask($admin, $_->[1]), $before{ $_->[1] }, "$_->[0] are back")
  foreach [ policies => $policies ], [ triggers => $triggers ], [ defaults => $defaults ],
  [ grants => $grants ], [ rows => $rows ];
is(ask_once($node, 'postgres', 'casnet_plain', q{SELECT length(casnet.login('ben', 'password of ben')) > 100}), 't', 'passwords are known');
my $late = open_session($node, 'postgres', 'ben', 'north');
is(ask($late, 'SELECT count(*) FROM casnet.records'), '2', 'a new session works');
ask($admin, "UPDATE casnet.users SET is_active = false WHERE username = 'ben'");
is(ask($_, 'SELECT count(*) FROM casnet.records'), '28000', 'a revocation bites') foreach $ben, $late;
is(ask($admin, "DELETE FROM casnet.user_tenants WHERE user_id <> '$ID{ben}'"), '23514', 'the last owner stays');

# install() again changes nothing.
$before{$_} = ask($admin, $_) foreach $rows;
is(ask($admin, 'SELECT casnet.install() = extversion FROM pg_extension WHERE extname = $$casnet$$'), 't', 'install() again');
is(ask($admin, $_), $before{$_}, 'changes nothing') foreach $columns, $policies, $triggers, $defaults, $grants, $rows;
is(ask($ben, 'SELECT casnet.install()'), '42501', 'install() is not for everybody');
$_->quit foreach $ben, $late, $admin;

# A schema that somebody else owns, or in which they own or can create objects.
my %foreign = (
	owner => 'CREATE SCHEMA SCHEMA AUTHORIZATION casnet_plain',
	keeper => 'CREATE SCHEMA SCHEMA AUTHORIZATION casnet_owner',
	create => 'CREATE SCHEMA SCHEMA; GRANT CREATE ON SCHEMA SCHEMA TO casnet_plain',
	public => 'CREATE SCHEMA SCHEMA; GRANT ALL ON SCHEMA SCHEMA TO PUBLIC',
	table => 'CREATE SCHEMA SCHEMA; CREATE TABLE SCHEMA.users (id uuid); ALTER TABLE SCHEMA.users OWNER TO casnet_plain',
	type => q{CREATE SCHEMA SCHEMA; CREATE TYPE SCHEMA.word AS ENUM ('x'); ALTER TYPE SCHEMA.word OWNER TO casnet_plain});
foreach my $schema (qw(casnet casnet_internal))
{
	foreach my $kind (sort keys %foreign)
	{
		my $database = "foreign_${kind}_$schema";

		$node->safe_psql('postgres', "CREATE DATABASE $database");
		$node->safe_psql($database, $foreign{$kind} =~ s/SCHEMA SCHEMA\b/SCHEMA $schema/gr =~ s/\bSCHEMA\./$schema./gr);
		my ($status, $out, $err) = $node->psql($database, 'CREATE EXTENSION casnet');
		like($err, qr/schema casnet cannot be trusted\n.*schema $schema\b/i, "$database: CREATE EXTENSION is refused");
		is($node->safe_psql($database, q{SELECT count(*) FROM pg_extension WHERE extname = 'casnet'}), 0,
			"$database: and nothing is there");
	}
	$node->safe_psql("foreign_owner_$schema", "ALTER SCHEMA $schema OWNER TO CURRENT_USER");
	$node->safe_psql("foreign_owner_$schema", 'CREATE EXTENSION casnet');
	is($node->safe_psql("foreign_owner_$schema", 'SELECT count(*) FROM casnet.users'), 0, 'a schema that is put right will do');
}

# While something else makes the tables, CREATE EXTENSION makes none.  install() makes
# them later, and keeps those that it finds.
foreach my $setting ("row_security = off", "application_name = 'citus_internal gpid=1'")
{
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS skipped');
	$node->safe_psql('postgres', 'CREATE DATABASE skipped');
	$node->safe_psql('skipped', "SET $setting; CREATE EXTENSION casnet");
	is($node->safe_psql('skipped', q{SELECT count(*) FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)}),
		0, "no table with $setting");
	is($node->safe_psql('skipped', 'SELECT casnet.schema_version() IS NULL'), 't', 'and no version');
	is(ask_once($node, 'skipped', 'casnet_plain', "SELECT casnet.can('view_records')"), 'f', 'nobody may do anything');
	is(ask_once($node, 'skipped', 'casnet_app', "SET casnet.user_id = '$ID{ada}'; SELECT casnet.can('view_records')"),
		'55000', 'and the error says what is missing');
	$node->safe_psql('skipped', 'CREATE TABLE casnet.tags (tenant_id uuid NOT NULL, id uuid NOT NULL, name text, extra text, PRIMARY KEY (tenant_id, id))');
	$node->safe_psql('skipped', 'SELECT casnet.install()');
	is($node->safe_psql('skipped', q{SELECT count(*) FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind = 'r' AND relrowsecurity AND relforcerowsecurity}),
		27, 'install() makes the rest');
}

$node->stop;
done_testing();
