# The search survives dump and restore, with a language and unaccent and without
# them, and DROP EXTENSION.  Its indexes exist again and are used, without a
# manual step.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('search');
init_cluster($node);
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(rich bare);

# Enough rows for an index to pay off, and some that depend on the language.
my $rows = qq{
	INSERT INTO casnet.records (tenant_id, title, content)
		SELECT t.id, 'letter ' || n, 'word' || n % 100 FROM casnet.tenants AS t, generate_series(1, 2000) AS n;
	INSERT INTO casnet.records (tenant_id, title, content) VALUES ('$ID{north}', 'The cafés', 'people were running'), ('$ID{north}', '日本語', '');
	INSERT INTO casnet.persons (tenant_id, name)
		SELECT t.id, 'person ' || n FROM casnet.tenants AS t, generate_series(1, 2000) AS n;
	INSERT INTO casnet.tags (tenant_id, name) VALUES ('$ID{north}', 'urgent');
	INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
		SELECT r.tenant_id, r.id, t.id FROM casnet.records AS r JOIN casnet.tags AS t USING (tenant_id) WHERE r.title IN ('north 1', 'The cafés');
};
make_fixture($node, 'bare');
$node->safe_psql('bare', $rows);
$node->safe_psql('rich', 'CREATE EXTENSION unaccent');
make_fixture($node, 'rich', without => ['roles']);
$node->safe_psql('rich', $rows);
$node->safe_psql('rich', q{SELECT casnet.set_search_language('english')});

my $objects = q{
	SELECT 'index', indexdef FROM pg_indexes WHERE schemaname IN ('casnet', 'casnet_internal') AND indexdef LIKE '%USING gin%'
	UNION ALL SELECT 'opclass', opcname || ' ' || obj_description(oid, 'pg_opclass') || ' ' || EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
		FROM pg_opclass AS c WHERE opcnamespace = 'casnet'::regnamespace
	UNION ALL SELECT 'configuration', obj_description(oid, 'pg_ts_config') || ' ' || EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
		FROM pg_ts_config AS c WHERE cfgnamespace = 'casnet'::regnamespace
	UNION ALL SELECT 'mapping', maptokentype || ' ' || mapseqno || ' ' || mapdict::regdictionary FROM pg_ts_config_map WHERE mapcfg = 'casnet.search'::regconfig
	UNION ALL SELECT 'column', pg_get_expr(adbin, adrelid) FROM pg_attrdef AS d JOIN pg_attribute AS a ON attrelid = adrelid AND attnum = adnum
		WHERE attname = 'search_vector'
	UNION ALL SELECT 'vectors', md5(string_agg(id::text || search_vector::text, ';' ORDER BY id)) FROM casnet.records
	ORDER BY 1, 2};

# What searches find in a database, and whether they use an index.
sub check_search
{
	my ($name, $database, $full) = @_;
	my $ben = open_session($node, $database, 'ben', 'north');

	is(ask($ben, q{SELECT count(*) FROM casnet.search_records('word17')}), 20, "$name: full text");
	is(ask($ben, q{SELECT title FROM casnet.search_records('run cafe')}), $full ? 'The cafés' : '', "$name: language");
	is(ask($ben, q{SELECT title FROM casnet.search_records('cafes')}), 'The cafés', "$name: accents");
	is(ask($ben, q{SELECT title FROM casnet.search_records('本語')}), '日本語', "$name: a part of a sentence");
	is(ask($ben, q{SELECT name FROM casnet.search_persons('SON 1717')}), 'person 1717', "$name: a part of a name");
	is(ask($ben, q{SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{urgent}')) ORDER BY 1}),
		"The cafés\nnorth 1", "$name: tags");
	like(ask($ben, q{EXPLAIN SELECT * FROM casnet.search_records('word17', 1000)}),
		qr/records_tenant_id_search_vector_idx.*Index Cond: [^\n]*\@~/s, "$name: full text by index");
	my $plan = ask($ben, q{EXPLAIN SELECT * FROM casnet.search_persons('SON 1717')});
	like($plan, qr/persons_tenant_id_name_substring_idx.*Index Cond: [^\n]*\*=\*/s, "$name: names by index");
	$ben->quit;
	return;
}

# Statistics are not dumped, and new GIN entries wait in the pending list.
sub tidy
{
	$node->safe_psql($_[0], 'VACUUM ANALYZE casnet.records, casnet.persons');
	return;
}

my $dir = PostgreSQL::Test::Utils::tempdir();
foreach my $source (qw(rich bare))
{
	my $full = $source eq 'rich';
	my $from = $node->connstr($source);

	tidy($source);
	check_search($source, $source, $full);
	my $before = $node->safe_psql($source, $objects);
	like($before, qr/index.*gin_match_ops/, "$source: an index for full text");
	like($before, qr/index.*gin_part_ops/, "$source: for parts of names");

	command_ok([ 'pg_dump', '-d', $from, '-f', "$dir/$source.sql" ], "$source: plain dump");
	command_ok([ 'pg_dump', '-d', $from, '-Fc', '-f', "$dir/$source.custom" ], "$source: custom dump");
	$node->safe_psql('postgres', "CREATE DATABASE ${source}_$_") foreach qw(plain custom);
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr("${source}_plain"), '-f', "$dir/$source.sql" ],
		"$source: psql restores");
	command_ok([ 'pg_restore', '-e', '-1', '-d', $node->connstr("${source}_custom"), "$dir/$source.custom" ],
		"$source: pg_restore restores");
	foreach my $restored ("${source}_plain", "${source}_custom")
	{
		is($node->safe_psql($restored, $objects), $before, "$restored: the objects are the same");
		tidy($restored);
		check_search($restored, $restored, $full);
		$node->safe_psql($restored, 'SELECT casnet.install()');
		is($node->safe_psql($restored, $objects), $before, "$restored: install() changes nothing");
	}
}

# The first statement of a session, which loads the library.
is(ask_once($node, 'rich', 'casnet_app', "SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{north}';
	SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{urgent}'))"), 2, 'tags in the first statement');
is(ask_once($node, 'rich', 'casnet_app', "SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{south}';
	SELECT count(*) FROM casnet.records_tagged('{urgent}')"), 0, 'and those of another tenant');
is(ask_once($node, 'rich', 'casnet_app', "SET casnet.user_id = '$ID{ben}'; SET casnet.tenant_id = '$ID{north}';
	SELECT count(*) FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) 'word17'"), 20, 'searching in the first statement');
is(ask_once($node, 'rich', 'casnet_plain', q{SELECT count(*) FROM casnet.records_tagged('{urgent}')}), '28000', 'nobody');

# DROP EXTENSION leaves rows and columns; CREATE EXTENSION creates the indexes again.
foreach my $database (qw(rich bare))
{
	my $rows = q{SELECT count(*), md5(string_agg(id::text || title || search_vector::text, ';' ORDER BY id)) FROM casnet.records};
	my $before = $node->safe_psql($database, $rows);
	my $objects_before = $node->safe_psql($database, $objects);

	$node->safe_psql($database, 'SET client_min_messages = warning; DROP EXTENSION casnet CASCADE');
	is($node->safe_psql($database, $rows), $before, "$database: rows and search_vector outlive the extension");
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_indexes WHERE schemaname IN ('casnet', 'casnet_internal') AND indexdef LIKE '%USING gin%'}),
		0, "$database: the indexes do not");
	$node->safe_psql($database, 'CREATE EXTENSION casnet');
	is($node->safe_psql($database, $objects), $objects_before, "$database: they are back");
	tidy($database);
	check_search("$database again", $database, $database eq 'rich');
}

# A column that was generated otherwise, by an older version, is brought over.
$node->safe_psql('bare', q{
	ALTER TABLE casnet.records DROP COLUMN search_vector;
	ALTER TABLE casnet.records ADD COLUMN search_vector tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('casnet.search'::regconfig, title)) STORED;
	CREATE EXTENSION pg_trgm;
	CREATE OPERATOR FAMILY casnet.gin_substring_ops USING gin});
is($node->safe_psql('bare', 'SELECT casnet.install() IS NOT NULL'), 't', 'install() on an older column');
tidy('bare');
check_search('bare brought over', 'bare', 0);
is($node->safe_psql('bare', q{SELECT count(*) FROM pg_opfamily WHERE opfname = 'gin_substring_ops'}), 0, 'and what needed pg_trgm is gone');

$node->stop;
done_testing();
