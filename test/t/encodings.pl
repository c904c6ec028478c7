# Databases in other encodings than UTF8.  Names, tags, search, tokens, export and
# import work with bytes above 127, and no text makes the leakproof *=* raise.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# A locale of which the C library knows fewer characters than the server.
my $locales = PostgreSQL::Test::Utils::tempdir_short();
my $has_locale = system("localedef -i ja_JP -f EUC-JP $locales/ja_JP.eucjp >/dev/null 2>&1") == 0;
local $ENV{LOCPATH} = $locales if $has_locale;

my $node = PostgreSQL::Test::Cluster->new('encodings');
init_cluster($node, extra => ['--locale=C']);
$node->start;

# A letter above 127 of each encoding: an e with an acute accent, or its bytes.
my %letter = (latin1 => '\xe9', sql_ascii => '\xe9', euc_jp => '\x8fabb1', utf8 => '\xc3a9');
# of "password" with that letter for the a, by crypt(3)
my $hash_of_bytes = 'rEvtAaOx8bRbYtZArgdwwhvzJKeJ2fK7VM.mFStYAHC';
my $roles = 1;
foreach my $encoding (sort keys %letter)
{
	my $of = "convert_from('$letter{$encoding}', '" . ($encoding eq 'utf8' ? 'UTF8' : $encoding) . "')";

	$node->safe_psql('postgres', "CREATE DATABASE $encoding ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	make_fixture($node, $encoding, $roles ? () : (without => ['roles']));
	$roles = 0;
	$node->safe_psql($encoding, "SELECT casnet.add_signing_key('k' || $of);
		INSERT INTO casnet.users (username, email) VALUES ('zo' || $of, 'zo' || $of || '\@example.org');
		UPDATE casnet.records SET title = title || ' caf' || $of WHERE title = 'north 1'");

	my $ada = open_session($node, $encoding, 'ada', 'north');
	is(ask($ada, "SELECT casnet.tag_record(id, 'caf' || $of, ' caf' || $of || ' ') FROM casnet.records WHERE title = 'north 2'"), 1, "$encoding: a tag");
	is(ask($ada, "SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(ARRAY['caf' || $of]))"), 1, "$encoding: is found");
	is(ask($ada, "SELECT casnet.tag_record(id, repeat($of, 101)) FROM casnet.records WHERE title = 'north 2'"), '22023', "$encoding: too long");
	is(ask($ada, "SELECT casnet.tag_record(id, repeat($of, 100)) FROM casnet.records WHERE title = 'north 2'"), 1, "$encoding: 100 characters");
	is(ask($ada, "SELECT count(*) FROM casnet.search_records('CAF' || $of)"), 1, "$encoding: full text");
	is(ask($ada, "SELECT count(*) FROM casnet.records WHERE title OPERATOR(casnet.*=*) ('AF' || $of)"), 1, "$encoding: a part");
	is(ask($ada, "SELECT casnet.add_member('ZO' || $of)"), '', "$encoding: a username in another case");
	is(ask($ada, "SELECT casnet.add_member('zo' || $of)"), '23505', "$encoding: is the same");
	is(ask($ada, "SELECT casnet.use_tenant(casnet.create_tenant('Caf' || $of)::text) = casnet.use_tenant('Caf' || $of)"), 't', "$encoding: a tenant by name");
	is(ask($ada, "INSERT INTO casnet.persons (name) VALUES (E' \\t' || $of || 'va' || $of || E'\\x7f ')"), '', "$encoding: a name with blanks around it");
	is(ask($ada, "SELECT count(*) FROM casnet.search_persons(' ' || $of || 'va' || $of) AS p WHERE p.name = $of || 'va' || $of"), 1, "$encoding: has none");
	is(ask($ada, "INSERT INTO casnet.persons (name) VALUES (E' \\x01\\t')"), '23514', "$encoding: nothing but blanks");
	is(ask($ada, "SELECT casnet_internal.name_form($of) = $of"), 't', "$encoding: the bytes are kept");
	my $permission = "repeat($of, 21)";
	is(ask($ada, "SELECT casnet.can($permission)"), '22023', "$encoding: an unknown permission");
	$ada->quit;

	# A password with the letter; an older system hashed its bytes in UTF-8.
	$node->safe_psql($encoding, "SELECT casnet.set_password('$ID{ada}', 'p' || $of || 'ssword')");
	is(ask_once($node, $encoding, 'casnet_plain', "SELECT casnet.login('ada', 'p' || $of || 'ssword') IS NOT NULL"), 't', "$encoding: a password");
	if ($encoding eq 'latin1' || $encoding eq 'utf8')
	{
		$node->safe_psql($encoding, q{UPDATE casnet.users SET hashed_password = '$5$rounds=1000$saltsalt$} . $hash_of_bytes . "' WHERE username = 'ada'");
		is(ask_once($node, $encoding, 'casnet_plain', "SELECT casnet.login('ada', 'p' || $of || 'ssword') IS NOT NULL"), 't', "$encoding: a hash of another system");
	}

	# The kid of casnet's own key contains the letter too.
	my $token = token_of($node, $encoding, 'ada', 'north');
	is(ask_once($node, $encoding, 'casnet_plain', "SELECT casnet.sign_in('$token'); SELECT username FROM casnet.whoami()"), 'ada', "$encoding: a token");
	# Claims are UTF-8: an issuer that the database can represent, and invalid bytes.
	foreach my $iss ('\xc3a9', '\xff')
	{
		my $made = $node->safe_psql($encoding, "SELECT translate(encode(convert_to('{\"alg\":\"HS256\",\"kid\":\"x\"}', 'SQL_ASCII'), 'base64'), E'+/=\\n', '-_') || '.'
			|| translate(encode(convert_to('{\"sub\":\"$ID{ada}\",\"exp\":4000000000,\"iss\":\"', 'SQL_ASCII') || '$iss'::bytea || '\"}'::bytea, 'base64'), E'+/=\\n', '-_') || '.AAAA'");
		is(ask_once($node, $encoding, 'casnet_plain', "SELECT casnet.sign_in('$made')"), '28000', "$encoding: a claim of bytes $iss");
	}
}

# NFC is for UTF8 only; in other encodings its bytes are other characters.
foreach my $encoding ('utf8', 'sql_ascii')
{
	is($node->safe_psql($encoding, q{SELECT encode(convert_to(casnet_internal.name_form(E'e\xcc\x81'), 'SQL_ASCII'), 'hex')}), $encoding eq 'utf8' ? 'c3a9' : '65cc81', "$encoding: a letter and an accent");
}

# Bytes that are no character in any encoding.
my $raw = open_session($node, 'sql_ascii', 'ada', 'north');
is(ask($raw, q{SELECT casnet.tag_record(id, E'\xff\x80') FROM casnet.records WHERE title = 'north 2'}), 1, 'sql_ascii: any bytes');
is(ask($raw, q{SELECT count(*) FROM casnet.search_records(E'\xff\x80')}), 0, 'sql_ascii: are searched for');
is(ask($raw, q{SELECT count(*) FROM casnet.records WHERE title OPERATOR(casnet.*=*) E'\xff'}), 0, 'sql_ascii: as a part');
$raw->quit;

# Where the locale is C, punctuation is letters to the server's parser, but not to casnet.
my $plain = open_session($node, 'utf8', 'ada', 'north');
is(ask($plain, q{INSERT INTO casnet.records (title) VALUES (U&'\6771\4eac\3002PDF\00abend\00bb')}), '', 'utf8: a text with punctuation');
is(ask($plain, qq{SELECT count(*) FROM casnet.search_records('$_')}), 1, "utf8: $_ is found") foreach 'pdf', 'end', "\xe6\x9d\xb1\xe4\xba\xac";
$plain->quit;

# From LATIN1 to UTF8, through a file in the encoding of the client.
my $dir = PostgreSQL::Test::Utils::tempdir();
foreach my $client ('LATIN1', 'UTF8')
{
	my $file = "$dir/$client";

	local $ENV{PGCLIENTENCODING} = $client;
	$node->safe_psql('latin1', "COPY (SELECT casnet.export_tenant('$ID{north}')) TO '$file' ENCODING '$client'");
	my $title = $node->safe_psql('utf8', "CREATE TEMP TABLE documents (document jsonb); COPY documents FROM '$file' ENCODING '$client';
		DO \$\$BEGIN PERFORM set_config('casnet.tenant_id', casnet.import_tenant('documents', 'from $client')::text, false); END\$\$;
		SELECT count(*) FROM casnet.records AS r JOIN casnet.tenants AS t ON t.id = r.tenant_id WHERE t.name = 'from $client' AND r.title = 'north 1 caf' || chr(233)");
	is($title, 1, "export from LATIN1, import to UTF8, by a file in $client");
}
# A client of another encoding sees its own bytes.
{
	local $ENV{PGCLIENTENCODING} = 'LATIN1';
	is($node->safe_psql('utf8', "SELECT encode(convert_to(name, 'UTF8'), 'hex') FROM casnet.tenants WHERE name = 'Caf\xe9'"), '436166c3a9', 'a client in LATIN1');
}

SKIP:
{
	skip 'localedef cannot make ja_JP.eucjp', 2 unless $has_locale;
	$node->safe_psql('postgres', q{CREATE DATABASE japan ENCODING 'EUC_JP' LOCALE 'ja_JP.eucjp' TEMPLATE template0});
	make_fixture($node, 'japan', without => ['roles']);
	# Row 9 of JIS X 0208 is empty: valid in the encoding, but not known to the C library.
	my $ada = open_session($node, 'japan', 'ada', 'north');
	is(ask($ada, q{SELECT casnet_internal.contains(convert_from('\xa9a1', 'EUC_JP') || 'Abc', 'aBC')}), 't', 'a text that the C library does not know');
	is(ask($ada, q{SELECT casnet_internal.contains('Abc', convert_from('\xa9a1', 'EUC_JP'))}), 'f', 'and a part');
	$ada->quit;
}

SKIP:
{
	skip 'a server without ICU', 2 unless $node->safe_psql('postgres', q{SELECT count(*) FROM pg_collation WHERE collprovider = 'i'});
	$node->safe_psql('postgres', q{CREATE DATABASE western ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' TEMPLATE template0});
	make_fixture($node, 'western', without => ['roles']);
	my $ada = open_session($node, 'western', 'ada', 'north');
	is(ask($ada, q{SELECT casnet_internal.contains(convert_from('\xc9', 'LATIN1') || 'Abc', convert_from('\xe9', 'LATIN1') || 'aBC')}), 't', 'one byte for each letter: case as the locale has it');
	is(ask($ada, q{SELECT casnet_internal.contains(convert_from('\xc9', 'LATIN1'), 'e')}), 'f', 'and accents');
	$ada->quit;
}

$node->stop;
done_testing();
