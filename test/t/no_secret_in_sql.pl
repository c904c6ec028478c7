# No key, hash, digest, code or token is a value of SQL within casnet, whatever a user calls
# and sets.  None is in a tree that debug_print_* shows, in what auto_explain logs of nested
# statements and parameters, or in an error.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('no_secret');
init_cluster($node);
$node->append_conf('postgresql.conf', q{
log_min_messages = log
log_statement = none
log_error_verbosity = verbose
});
$node->start;
plan skip_all => 'auto_explain is not there'
  if $node->psql('postgres', "LOAD 'auto_explain'") != 0;
make_fixture($node, 'postgres');
set_passwords($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE ROLE casnet_office LOGIN IN ROLE casnet_admin;
	UPDATE casnet.users SET hashed_password = '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e' WHERE username = 'cid';
	CREATE FUNCTION public.leak() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
	DECLARE
		secret bytea := (SELECT key FROM casnet_internal.signing_keys LIMIT 1);
	BEGIN
		RETURN (SELECT count(*) FROM casnet_internal.signing_keys WHERE key = secret);
	END
	$$;
	CREATE FUNCTION public.leak_hash() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
	DECLARE
		secret text := (SELECT hash FROM casnet_internal.password_hashes LIMIT 1);
	BEGIN
		RETURN (SELECT count(*) FROM casnet_internal.password_hashes WHERE hash = secret);
	END
	$$;
});

# Settings of an administrator, and those that everybody is allowed to set.
$node->append_conf('postgresql.conf', q{
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_parameter_max_length = -1
auto_explain.log_verbose = on
auto_explain.log_triggers = on
auto_explain.log_analyze = on
log_parameter_max_length_on_error = -1
});
$node->restart;
my $settings = '-c debug_print_parse=on -c debug_print_rewritten=on -c debug_print_plan=on -c debug_pretty_print=off -c client_min_messages=log';
my %seen;
my $offset = -s $node->logfile;

# Adds the secrets that the tables hold now, as bytes; earlier ones stay in the list.
sub note_secrets
{
	my $rows = $node->safe_psql('postgres', q{
		SET auto_explain.log_min_duration = -1;
		SELECT encode(key, 'hex') FROM casnet_internal.signing_keys WHERE key <> ''
		UNION SELECT encode(hash::bytea, 'hex') FROM (SELECT replace(hash, '\\', '\\\\') AS hash FROM casnet_internal.password_hashes WHERE hash IS NOT NULL) AS h
		UNION SELECT encode(digest, 'hex') FROM casnet_internal.revoked_tokens
		UNION SELECT encode(spared, 'hex') FROM casnet_internal.token_cutoffs WHERE spared IS NOT NULL
		UNION SELECT encode(digest, 'hex') FROM casnet_internal.invitations
		UNION SELECT encode(digest, 'hex') FROM casnet_internal.codes});
	$seen{ pack 'H*', $_ } = 1 foreach split /\n/, $rows;
	return;
}

# The forms in which bytes can appear.
sub forms
{
	my ($bytes) = @_;
	my $base64 = encode_base64($bytes, '') =~ s/=+$//r;
	my $signed = join ' ', unpack 'c*', $bytes;
	my $part = join ' ', unpack 'c*', substr $bytes, 4, 12;

	return ($bytes, unpack('H*', $bytes), uc unpack('H*', $bytes), $base64, $base64 =~ tr{+/}{-_}r, $signed, $part,
		unpack('H*', unpack('H*', $bytes)));
}

# The secrets that a text shows.
sub told
{
	my ($text, @more) = @_;
	my @found;

	note_secrets();
	foreach my $secret (keys %seen, @more)
	{
		push @found, unpack('H*', $secret) if grep { index($text, $_) >= 0 } forms($secret);
	}
	return join ' ', @found;
}

# What the client and the log receive while a role runs statements; and the rows.
sub run
{
	my ($role, $token, $sql) = @_;

	$offset = -s $node->logfile;
	local $ENV{PGOPTIONS} = $settings . ($token ? " -c casnet.token=$token" : '');
	my ($status, $rows, $messages) = $node->psql('postgres', $sql, on_error_stop => 0, extra_params => [ '-U', $role ]);
	return ($messages . slurp_file($node->logfile, $offset), $rows // '');
}

my ($text) = run('postgres', undef, 'SELECT public.leak()');
note_secrets();
ok(told($text), 'a key in a variable of PL/pgSQL would show');
($text) = run('postgres', undef, 'SELECT public.leak_hash()');
ok(told($text), 'as would a hash');

my $ada = token_of($node, 'postgres', 'ada', 'north', '1 day');
my $ben = token_of($node, 'postgres', 'ben', 'north', '1 day');
my $max = token_of($node, 'postgres', 'max', 'north', '1 day');
my $code;
my @calls = (
	[ 'login', undef, q{SELECT casnet.login('ada', 'password of ada')} ],
	[ 'login that renews a hash', undef, q{SELECT casnet.login('cid', 'correct horse')} ],
	[ 'login, and an error', undef, q{SELECT 1 / (length(casnet.login('ada', 'password of ada')) * 0)} ],
	[ 'login, twice in a function', undef, q{DO $$ BEGIN PERFORM casnet.login('ada', 'password of ada'); PERFORM casnet.login('ada', 'password of ada'); END $$} ],
	[ 'login with a wrong password', undef, q{SELECT casnet.login('ada', 'wrong')} ],
	[ 'login for ever', undef, q{SELECT casnet.login('ada', 'password of ada', NULL, '10 years')} ],
	[ 'refresh_token', $ada, q{SELECT casnet.refresh_token()} ],
	[ 'refresh_token for ever', $ada, q{SELECT casnet.refresh_token('-1 s')} ],
	[ 'refresh_token, and an error', $ada, q{SELECT 1 / (length(casnet.refresh_token()) * 0)} ],
	[ 'sign_in', undef, q{SELECT casnet.sign_in('x')} ],
	[ 'whoami', $ada, q{SELECT * FROM casnet.whoami()} ],
	[ 'invite_member', $ada, q{SELECT casnet.invite_member('ben@example.org', 'admin')} ],
	[ 'invite_member with a wrong role', $ada, q{SELECT casnet.invite_member('ben@example.org', 'king')} ],
	[ 'accept_invitation', $ben, sub { "SELECT casnet.accept_invitation('$code')" } ],
	[ 'accept_invitation again', $ben, sub { "SELECT casnet.accept_invitation('$code')" } ],
	[ 'invite_member somebody new', $ada, q{SELECT casnet.invite_member('signer@example.org')} ],
	[ 'sign_up', undef, sub { "SELECT casnet.sign_up('$code', 'signer', 'password of signer')" } ],
	[ 'sign_up again', undef, sub { "SELECT casnet.sign_up('$code', 'signer', 'password of signer')" } ],
	[ 'change_password', $ada, q{SELECT casnet.change_password('password of ada', 'another of ada')} ],
	[ 'change_password wrongly', $ada, q{SELECT casnet.change_password('wrong', 'another of ada')} ],
	[ 'change_password to a short one', $ada, q{SELECT casnet.change_password('another of ada', 'x')} ],
	[ 'set_password', $max, qq{SELECT casnet.set_password('$ID{ben}', 'another of ben')} ],
	[ 'set_password of nobody', $max, q{SELECT casnet.set_password('00000000-0000-0000-0000-0000000000ff', 'another of ben')} ],
	[ 'set_password by an ordinary user', $ada, qq{SELECT casnet.set_password('$ID{ben}', 'another of ben')} ],
	[ 'create_user', $max, q{SELECT casnet.create_user('new', 'new@example.org', 'password of new')} ],
	[ 'create_user that exists', $max, q{SELECT casnet.create_user('new', 'new@example.org', 'password of new')} ],
	[ 'set_password of one without', $max, qq{SELECT casnet.set_password(casnet.create_user('later', 'later\@example.org', NULL), 'password of later')} ],
	[ 'confirm_email of another user', $ben, sub { "SELECT casnet.confirm_email('$code')" } ],
	[ 'delete_account wrongly', $ben, q{SELECT casnet.delete_account('wrong')} ],
	[ 'password_code', $max, q{SELECT casnet.password_code('signer')} ],
	[ 'password_code of nobody', $max, q{SELECT casnet.password_code('nobody')} ],
	[ 'reset_password to a short one', undef, sub { "SELECT casnet.reset_password('$code', 'x')" } ],
	[ 'reset_password', undef, sub { "SELECT casnet.reset_password('$code', 'another of signer')" } ],
	[ 'reset_password again', undef, sub { "SELECT casnet.reset_password('$code', 'another of signer')" } ],
	[ 'accounts', $max, q{SELECT * FROM casnet.users} ],
	[ 'revoke_all_tokens', $ben, q{SELECT casnet.revoke_all_tokens(casnet.current_user_id())} ],
	[ 'revoke_token', $ada, q{SELECT casnet.revoke_token()} ],
	[ 'revoke_token again', $ada, q{SELECT casnet.revoke_token()} ]);
foreach my $call (@calls)
{
	my ($name, $token, $sql) = @$call;

	note_secrets();
	my ($shown, $rows) = run('casnet_plain', $token, ref $sql ? $sql->() : $sql);
	$code = $rows if $name =~ /^(invite_member|password_code)(?! with| of nobody)/;
	my @returned = $name =~ /^(login|refresh_token|invite_member|password_code)/ && $rows =~ /^\S{20,}$/ ? ($rows) : ();
	is(told($shown, @returned, map { (split /\./)[2] } grep { defined } $token), '', "$name shows no secret");
	like($shown, qr/QUERY|ERROR|duration/, "$name: though much is shown");
}

# Administrators; only the secret of a key that they bring is theirs to see.
foreach my $call (
	[ 'add_signing_key', q{SELECT casnet.add_signing_key('more')} ],
	[ 'add_signing_key again', q{SELECT casnet.add_signing_key('more')} ],
	[ 'retire_signing_key', q{SELECT casnet.retire_signing_key('more')} ],
	[ 'set_password', qq{SELECT casnet.set_password('$ID{ada}', 'third of ada')} ],
	[ 'create_user', q{SELECT casnet.create_user('office', 'office@example.org', 'password of office')} ],
	[ 'UPDATE', q{UPDATE casnet.users SET hashed_password = casnet.hash_password('fourth of ada') WHERE username = 'ada' RETURNING *} ],
	[ 'UPDATE, and an error', q{UPDATE casnet.users SET hashed_password = casnet.hash_password('fourth of ada'), username = ' ' WHERE username = 'ada'} ],
	[ 'INSERT, and an error', q{INSERT INTO casnet.users (username, email, hashed_password) VALUES (' ', 'x', casnet.hash_password('password of x'))} ],
	[ 'email_code', qq{SET casnet.token = '$max'; SELECT casnet.email_code('later\@example.org') IS NOT NULL} ],
	[ 'revoke_all_tokens', qq{SELECT casnet.revoke_all_tokens('$ID{ada}')} ],
	[ 'doctor', q{SELECT count(*) FROM casnet.doctor()} ],
	[ 'DELETE', q{DELETE FROM casnet.users WHERE username = 'office' RETURNING *} ])
{
	my ($name, $sql) = @$call;
	my ($shown) = run('casnet_office', undef, $sql);

	is(told($shown), '', "administrator: $name shows no secret");
}
($text) = run('postgres', undef, 'SELECT casnet.install()');
is(told($text), '', 'install() shows no secret');
cmp_ok(scalar keys %seen, '>=', 12, 'many secrets were looked for');

# A dump has the hashes in their own table, and a restore logs in with them.
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->append_conf('postgresql.conf', "auto_explain.log_min_duration = -1\n");
$node->reload;
$node->safe_psql('postgres', 'DROP FUNCTION public.leak(), public.leak_hash()');
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-e', '-1', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
isnt(ask_once($node, 'restored', 'casnet_plain', "SELECT casnet.login('cid', 'correct horse')"), '28P01', 'a password of before logs in');
is(ask_once($node, 'restored', 'casnet_plain', "SELECT casnet.login('cid', 'correct horse!')"), '28P01', 'and no other');
is($node->safe_psql('restored', q{SELECT count(*) FROM casnet.users WHERE hashed_password !~ '^[$]casnet[$]'}), 0, 'no hash is in users');
is($node->safe_psql('restored', 'SELECT md5(string_agg(h::text, chr(10) ORDER BY id)) FROM casnet_internal.password_hashes AS h'),
	$node->safe_psql('postgres', 'SELECT md5(string_agg(h::text, chr(10) ORDER BY id)) FROM casnet_internal.password_hashes AS h'), 'all hashes are as they were');

$node->stop;
done_testing();
