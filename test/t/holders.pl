# Nobody who is to be stopped holds a lock that prevents it.  A member has been assigned a
# task in an open transaction, has locked the membership or changed it.  Even so, the member
# is demoted, removed and deactivated within seconds, and the session that holds the lock is
# ended.  An administrator's session is waited for.  LOCK TABLE on casnet's tables is refused.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes 'time';

my $node = PostgreSQL::Test::Cluster->new('main');
init_cluster($node);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'casnet'");
$node->start;
make_fixture($node, 'postgres');
$node->safe_psql('postgres', 'CREATE ROLE casnet_boss LOGIN IN ROLE casnet_admin');

# What ben holds in an open transaction, and what is done about it meanwhile.
my $membership = "user_id = '$ID{ben}' AND tenant_id = '$ID{north}'";
my @holds = (
	['a task that is assigned', "INSERT INTO casnet.tasks (title, assignee_id) VALUES ('x', '$ID{ben}')"],
	['a task of ben, FOR UPDATE', "SELECT FROM casnet.tasks WHERE assignee_id = '$ID{ben}' FOR UPDATE"],
	['permissions, FOR UPDATE', "SELECT FROM casnet.user_tenant_permissions WHERE $membership FOR UPDATE"],
	['FOR UPDATE', "SELECT FROM casnet.user_tenants WHERE $membership FOR UPDATE"],
	['FOR KEY SHARE in a subtransaction', "SAVEPOINT a; SELECT FROM casnet.user_tenants WHERE $membership FOR KEY SHARE"]);
my %stops = (
	removed => ["SELECT casnet.remove_member('ben')", "NOT EXISTS (SELECT FROM casnet.user_tenants WHERE $membership)"],
	deprived => ["SELECT casnet.revoke_permission('ben', 'view_analytics')", "NOT EXISTS (SELECT FROM casnet.user_tenant_permissions WHERE $membership)"],
	demoted => ["SELECT casnet.set_member_role('ben', 'viewer')", "EXISTS (SELECT FROM casnet.user_tenants WHERE $membership AND role = 'viewer')"]);

for my $hold (@holds)
{
	for my $stop (sort keys %stops)
	{
		my ($statement, $done) = @{ $stops{$stop} };
		my ($ben, $ada, $began);

		$node->safe_psql('postgres', "INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ben}', '$ID{north}', 'admin') ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = 'admin'");
		$node->safe_psql('postgres', "INSERT INTO casnet.tasks (tenant_id, title, assignee_id) VALUES ('$ID{north}', 'of ben', '$ID{ben}');"
			. "INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES ('$ID{ben}', '$ID{north}', 'view_analytics') ON CONFLICT DO NOTHING");
		$ben = open_session($node, 'postgres', 'ben', 'north');
		$ada = open_session($node, 'postgres', 'ada', 'north');
		ask($ben, "BEGIN; $hold->[1]");
		$began = time;
		ask($ada, "SET statement_timeout = '30s'; $statement");
		cmp_ok(time - $began, '<', 20, "$hold->[0]: ben is $stop in time");
		is($node->safe_psql('postgres', "SELECT $done"), 't', "$hold->[0]: ben is $stop");
		eval { $ben->quit };
		$ada->quit;
	}
}

# An account; and an administrator's session is waited for.
my $boss = open_session($node, 'postgres', undef, undef, 'casnet_boss');
my $ada = open_session($node, 'postgres', 'ada', 'north');

ask($ada, 'BEGIN; UPDATE casnet.users SET full_name = $$x$$');
is(ask($boss, "SET statement_timeout = '30s'; SELECT casnet.deactivate_user('$ID{ada}')"), '', 'an account is deactivated');
eval { $ada->quit };
is($node->safe_psql('postgres', "SELECT is_active FROM casnet.users WHERE id = '$ID{ada}'"), 'f', 'and is inactive');
is(ask($boss, "SELECT casnet.reactivate_user('$ID{ada}')"), '', 'it is reactivated');

# An account without a password; and the lock of an owner who demotes another owner.
$node->safe_psql('postgres', "UPDATE casnet.users SET hashed_password = NULL WHERE id = '$ID{ada}'");
$ada = open_session($node, 'postgres', 'ada', 'north');
ask($ada, "BEGIN; SELECT FROM casnet.users WHERE id = '$ID{ada}' FOR UPDATE");
is(ask($boss, "SELECT casnet.set_password('$ID{ada}', 'a new password')"), '', 'an account without a password gets one');
eval { $ada->quit };
$node->safe_psql('postgres', "INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ben}', '$ID{north}', 'owner'), ('$ID{cid}', '$ID{north}', 'owner'), ('$ID{ada}', '$ID{north}', 'owner') ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = 'owner'");
my $ben = open_session($node, 'postgres', 'ben', 'north');
ask($ben, "BEGIN; SELECT casnet.set_member_role('cid', 'admin')");
is(ask($boss, "SET casnet.tenant_id = '$ID{north}'; SELECT casnet.remove_member('ben'); RESET casnet.tenant_id"), '', 'an owner is removed who demotes another one');
eval { $ben->quit };
$node->safe_psql('postgres', "INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ben}', '$ID{north}', 'admin') ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = 'admin'");
# A member whose account is inactive holds up nobody either; nor does anybody hold up the
# removal of an owner whose account is inactive.
for my $stop (sort keys %stops)
{
	my ($statement, $done) = @{ $stops{$stop} };

	$node->safe_psql('postgres', "INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ben}', '$ID{north}', 'admin') ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = 'admin'; INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES ('$ID{ben}', '$ID{north}', 'view_analytics') ON CONFLICT DO NOTHING");
	$ben = open_session($node, 'postgres', 'ben', 'north');
	ask($ben, "BEGIN; INSERT INTO casnet.tasks (title, assignee_id) VALUES ('x', '$ID{ben}'); SELECT FROM casnet.user_tenant_permissions WHERE $membership FOR UPDATE");
	$node->safe_psql('postgres', "UPDATE casnet.users SET is_active = false WHERE id = '$ID{ben}'");
	ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{ada}'; SET casnet.tenant_id = '$ID{north}'; SET statement_timeout = '20s'; $statement");
	is($node->safe_psql('postgres', "SELECT $done"), 't', "a task that is assigned: ben, who is not active, is $stop");
	eval { $ben->quit };
	$node->safe_psql('postgres', "UPDATE casnet.users SET is_active = true WHERE id = '$ID{ben}'");
}
$node->safe_psql('postgres', "INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ben}', '$ID{north}', 'owner') ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = 'owner'; UPDATE casnet.users SET is_active = false WHERE id = '$ID{ben}'");
my $leaving = open_session($node, 'postgres', 'cid', 'north');
ask($leaving, 'BEGIN; SELECT casnet.leave_tenant()');
is(ask_once($node, 'postgres', 'casnet_boss', "SET casnet.tenant_id = '$ID{north}'; SET statement_timeout = '20s'; SELECT casnet.remove_member('ben')"), '', 'an owner who is not active is removed while another one leaves');
eval { $leaving->quit };
$node->safe_psql('postgres', "UPDATE casnet.users SET is_active = true WHERE id = '$ID{ben}'; INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ben}', '$ID{north}', 'admin')");

ask($boss, "BEGIN; SELECT FROM casnet.user_tenants WHERE $membership FOR UPDATE");
is(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{cid}'; SET casnet.tenant_id = '$ID{north}'; SET lock_timeout = '1s'; SELECT casnet.remove_member('ben')"), '55P03', 'nobody ends the session of an administrator');
is(ask($boss, 'SELECT 1'), '1', 'which goes on');
ask($boss, 'COMMIT');
# Perl ends a test whose session waits for three minutes.
$boss->quit;
$ada = open_session($node, 'postgres', 'ada', 'north');
ask($ada, "BEGIN; INSERT INTO casnet.tasks (title, assignee_id) VALUES ('own', '$ID{ada}')");
like(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{north}'; SET lock_timeout = '4s'; SELECT casnet.remove_member('ada')"), qr/^(42501|55P03)$/, 'nor the session of a member with a higher role');
is(ask($ada, 'SELECT 1'), '1', 'which goes on as well');
ask($ada, 'ROLLBACK');
$ada->quit;

# A member who is being removed ends nobody's session.  Nor does a member of the same rank
# at once, or ever one of a lower rank.  The name of a user who is no member does not help.
$node->safe_psql('postgres', "UPDATE casnet.user_tenants SET role = 'admin' WHERE $membership; INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{cid}', '$ID{north}', 'viewer') ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = 'viewer'; INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES ('$ID{cid}', '$ID{north}', 'manage_permissions')");
for my $change ("SELECT casnet.remove_member('ben')", "DELETE FROM casnet.user_tenants WHERE $membership")
{
	my $freed = "SET statement_timeout = '14s'; SELECT casnet_internal.free_membership('$ID{ben}', '$ID{north}', true)";
	my $other = $node->safe_psql('postgres', 'SELECT casnet.uuid_v7()');

	$ada = open_session($node, 'postgres', 'ada', 'north');
	ask($ada, "BEGIN; $change");
	is(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{north}'; $freed"), '', "$change: who is removed asks for that");
	is(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{cid}'; SET casnet.tenant_id = '$ID{north}'; SET statement_timeout = '14s'; SELECT casnet_internal.free_membership('$other', '$ID{north}', true)"), '', 'or somebody in the name of nobody');
	ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{north}'; SET statement_timeout = '4s'; SELECT casnet.set_member_role('cid', 'member')");
	is(ask($ada, 'SELECT 1'), '1', 'and the owner goes on');
	ask($ada, 'ROLLBACK');
	$ada->quit;
}
# Only the removal of a member waits for locks on the member's tasks.
$node->safe_psql('postgres', "INSERT INTO casnet.tasks (tenant_id, title, assignee_id) VALUES ('$ID{north}', 'of cid', '$ID{cid}')");
my $colleague = open_session($node, 'postgres', 'ben', 'north');
ask($colleague, "BEGIN; SELECT FROM casnet.tasks WHERE assignee_id = '$ID{cid}' FOR UPDATE");
$ada = open_session($node, 'postgres', 'ada', 'north');
is(ask($ada, "SET statement_timeout = '4s'; SELECT casnet.set_member_role('cid', 'member'), casnet.revoke_permission('cid', 'manage_permissions')"), '|t', 'a colleague who edits a task of a member holds up no other change');
is(ask($colleague, 'SELECT 1'), '1', 'and goes on');
ask($colleague, 'ROLLBACK');
$_->quit foreach $ada, $colleague;
my $admin = open_session($node, 'postgres', 'ben', 'north');
ask($admin, "BEGIN; SELECT casnet.set_member_role('cid', 'member')");
$ada = open_session($node, 'postgres', 'ada', 'north');
is(ask($ada, "SET statement_timeout = '14s'; SELECT casnet.remove_member('cid')"), '', 'an owner ends the session of an admin who changes the same');
$ada->quit;
eval { $admin->quit };

# Nor can anybody hold up lookups of names, with a function of the server that locks any
# relation that it is given.
my $holder = open_session($node, 'postgres', undef, undef, 'casnet_app');
$node->safe_psql('postgres', 'CREATE TABLE public.locked (id integer); GRANT ALL ON public.locked TO casnet_app');
ask($holder, q{BEGIN; DO $$ BEGIN PERFORM currval('pg_namespace'::regclass); EXCEPTION WHEN OTHERS THEN NULL; END $$});
is(ask_once($node, 'postgres', 'casnet_app', "SELECT casnet.current_tenant_id(); SET lock_timeout = '4s'; BEGIN; LOCK TABLE public.locked IN EXCLUSIVE MODE"), '', 'LOCK TABLE waits for nobody who holds pg_namespace');
is($node->safe_psql('postgres', "SET lock_timeout = '20s'; SELECT casnet.protect('public.locked', 'records') IS NOT NULL"), 't', 'nor does protect() for long');
eval { $holder->quit };

# Who is allowed to call free_membership() and free_account(); and LOCK TABLE.
is(ask_once($node, 'postgres', 'casnet_plain', "SELECT casnet_internal.free_membership('$ID{ben}', '$ID{north}', true)"), '42501', 'nobody frees a membership');
is(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{south}'; SELECT casnet_internal.free_membership('$ID{cid}', '$ID{south}', true)"), '42501', 'nor does who may not change it');
is(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{north}'; SELECT casnet_internal.free_account('$ID{cid}')"), '42501', 'nor an account');
is(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{ben}'; SELECT casnet.deactivate_user('$ID{cid}')"), '42501', 'who is no administrator deactivates nobody');
is(ask_once($node, 'postgres', 'casnet_app', "SET casnet.user_id = '$ID{max}'; SELECT casnet.deactivate_user('$ID{ben}')"), '', 'a superuser of the application does');
for my $table (qw(users tenants user_tenants user_tenant_permissions role_permissions tasks records tags))
{
	is(ask_once($node, 'postgres', 'casnet_app', "BEGIN; LOCK TABLE casnet.$table"), '42501', "LOCK TABLE $table");
	is(ask_once($node, 'postgres', 'casnet_app', "BEGIN; LOCK TABLE casnet.$table IN SHARE MODE"), '42501', "and in another mode");
}
is(ask_once($node, 'postgres', 'casnet_app', "CREATE TEMP VIEW v AS SELECT role FROM casnet.user_tenants; CREATE TEMP VIEW w AS SELECT * FROM v; BEGIN; LOCK TABLE w"), '42501', 'LOCK TABLE by views');
is(ask_once($node, 'postgres', 'casnet_app', "CREATE TEMP VIEW v AS SELECT 1 FROM casnet.records WHERE EXISTS (SELECT FROM casnet.tenants); BEGIN; LOCK TABLE v"), '42501', 'and by a subquery of one');
is(ask_once($node, 'postgres', 'casnet_app', 'CREATE TEMP TABLE t (); BEGIN; LOCK TABLE t'), '', 'other tables may be locked');
is(ask_once($node, 'postgres', 'casnet_boss', 'BEGIN; LOCK TABLE casnet.user_tenants'), '', 'and by an administrator');

# A session that drops a protected table, or its key, locks the table of tenants.
$node->safe_psql('postgres', 'CREATE ROLE casnet_maker LOGIN IN ROLE casnet_authenticator; CREATE SCHEMA own AUTHORIZATION casnet_maker; SET ROLE casnet_maker; CREATE TABLE own.t (id integer); CREATE TABLE own.u (id integer); RESET ROLE; SELECT casnet.protect($$own.t$$), casnet.protect($$own.u$$)');
for my $drop ('ALTER TABLE own.t DROP CONSTRAINT t_tenant_id_fkey', 'DROP TABLE own.t CASCADE')
{
	my $maker = open_session($node, 'postgres', undef, undef, 'casnet_maker');
	my $began = time;

	ask($maker, "BEGIN; $drop");
	is(ask_once($node, 'postgres', 'casnet_boss', "SET statement_timeout = '30s'; SELECT casnet.deactivate_user('$ID{cid}')"), '', "$drop: an account is deactivated in a new session");
	cmp_ok(time - $began, '<', 20, 'in time');
	eval { $maker->quit };
}
# All else that an administrator does, in a new session and in one with filled caches.
my $warm = open_session($node, 'postgres', undef, undef, 'casnet_boss');
ask($warm, "SELECT casnet.revoke_all_tokens('$ID{cid}')");
for my $does ("SELECT casnet.revoke_all_tokens('$ID{cid}')", "SELECT casnet.set_password('$ID{ada}', 'another password')",
	"SELECT FROM casnet.create_user('of boss', 'of\@boss.test', NULL)", "SELECT FROM casnet.add_signing_key('of boss')", "SELECT casnet.retire_signing_key('of boss')",
	"UPDATE casnet.users SET full_name = 'x' WHERE username = 'of boss'",
	"DELETE FROM casnet.role_permissions WHERE permission = 'view_analytics' AND role = 'admin'", "DELETE FROM casnet.users WHERE username = 'of boss'")
{
	for my $session ($does =~ /revoke_all|set_password/ ? ('new', 'warm') : 'new')
	{
		my $maker = open_session($node, 'postgres', undef, undef, 'casnet_maker');
		my $began = time;

		ask($maker, 'BEGIN; ALTER TABLE own.u DROP CONSTRAINT u_tenant_id_fkey');
		my $sql = "BEGIN; SET LOCAL statement_timeout = '30s'; $does; ROLLBACK";
		unlike($session eq 'new' ? ask_once($node, 'postgres', 'casnet_boss', $sql) : ask($warm, $sql), qr/57014/, "$session session: $does");
		cmp_ok(time - $began, '<', 20, 'in time');
		eval { $maker->quit };
	}
}
$warm->quit;

# What is deleted with an account holds its deletion up no longer.
my $GUS = '00000000-0000-0000-0000-0000000000d5';
for my $who ([ 'casnet_boss', '' ], [ 'casnet_app', "SET casnet.user_id = '$ID{max}'; " ])
{
	for my $hold (
		[ 'a task', 'ada', 'north', "UPDATE casnet.tasks SET title = 'held' WHERE assignee_id = '$GUS'" ],
		[ 'a permission', 'ada', 'north', "SELECT FROM casnet.user_tenant_permissions WHERE user_id = '$GUS' FOR UPDATE" ],
		[ 'an invitation', 'ada', undef, "SELECT casnet.accept_invitation('code of gus')" ],
		[ 'the account', undef, undef, "SET casnet.user_id = '$GUS'; UPDATE casnet.users SET full_name = 'held'" ])
	{
		my ($what, @holder) = @$hold;
		my $statement = pop @holder;
		my ($holder, $began);

		$node->safe_psql('postgres', qq{
			DELETE FROM casnet.tasks WHERE title IN ('of gus', 'held');
			INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{ada}', '$ID{north}', 'owner') ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = 'owner';
			INSERT INTO casnet.users (id, username, email) VALUES ('$GUS', 'gus', 'gus\@example.org');
			INSERT INTO casnet.tenants (id, name) VALUES ('$GUS', 'of gus') ON CONFLICT DO NOTHING;
			INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$ID{cid}', '$GUS', 'owner') ON CONFLICT DO NOTHING;
			INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$GUS', '$ID{north}', 'member'), ('$GUS', '$GUS', 'admin');
			INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES ('$GUS', '$ID{north}', 'view_analytics');
			INSERT INTO casnet.tasks (tenant_id, title, assignee_id) VALUES ('$ID{north}', 'of gus', '$GUS');
			DELETE FROM casnet.user_tenants WHERE user_id = '$ID{ada}' AND tenant_id = '$GUS';
			INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at)
				SELECT sha256('code of gus'), '$GUS', lower(email), 'viewer', '$GUS', 'infinity' FROM casnet.users WHERE id = '$ID{ada}'});
		$holder = open_session($node, 'postgres', @holder);
		is(ask($holder, "BEGIN; $statement") =~ /^\d[0-9A-Z]{4}$/ ? 'refused' : 'held', 'held', "$what is held");
		$began = time;
		is(ask_once($node, 'postgres', $who->[0], "SET statement_timeout = '30s'; $who->[1]SELECT casnet.delete_user('$GUS')"), '', "$who->[0] deletes an account while $what is held");
		cmp_ok(time - $began, '<', 20, 'in time');
		is($node->safe_psql('postgres', "SELECT count(*) FROM casnet.users WHERE id = '$GUS'"), 0, 'and it is gone');
		eval { $holder->quit };
	}
}

# A link that is open is seen by nobody, and yet an administrator ends it; also an application's.
$node->safe_psql('postgres', q{SELECT casnet.set_issuer('https://p.example.com', '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}', NULL)});
$node->safe_psql('postgres', "UPDATE casnet.users SET is_superuser = true, is_active = true WHERE id IN ('$ID{cid}', '$ID{max}')");
for my $who (['casnet_boss', ''], ['casnet_app', "SET casnet.user_id = '$ID{cid}'; "])
{
	my $linker = open_session($node, 'postgres', undef, undef, 'casnet_app');
	my $unlink = "SET statement_timeout = '30s'; $who->[1]SELECT casnet.unlink_identity('https://p.example.com', 'k1')";
	my $began;

	ask($linker, "SET casnet.user_id = '$ID{max}'; BEGIN; SELECT casnet.link_identity('$ID{ben}', 'https://p.example.com', 'k1')");
	$began = time;
	is(ask_once($node, 'postgres', $who->[0], $unlink), 'P0002', "$who->[0] unlinks a person whom somebody is linking");
	cmp_ok(time - $began, '<', 20, 'in time');
	eval { ask($linker, 'COMMIT') };
	is($node->safe_psql('postgres', 'SELECT count(*) FROM casnet_internal.identities'), 0, 'whose session was ended, so nobody is linked');
	eval { $linker->quit };
}

# A member who calls free_membership() ends no session that has locked a table.
my $maker = open_session($node, 'postgres', undef, undef, 'casnet_maker');
$node->safe_psql('postgres', 'ALTER TABLE casnet.tasks OWNER TO casnet_maker');
ask($maker, 'BEGIN; LOCK TABLE casnet.tasks');
$ada = open_session($node, 'postgres', 'ada', 'north');
ask($ada, "SET statement_timeout = '4s'; SELECT casnet_internal.free_membership('$ID{ben}', '$ID{north}', true)");
is(ask($maker, 'SELECT 1'), '1', 'the owner of a table who works on it goes on');
ask($maker, 'COMMIT');
$_->quit foreach $maker, $ada;
$node->stop;
done_testing();
