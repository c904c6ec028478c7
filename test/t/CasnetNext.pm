# A made-up next version of casnet, and a copy of the server's programs where it is
# installed beside the present one, without its library.  It adds a table, a column, a
# key, a check, an index, policies, a trigger, a permission and functions.  It changes a
# policy, a function and the result of another function, and drops one function.
package CasnetNext;

use strict;
use warnings;

use Exporter 'import';
use File::Copy 'copy';
use File::Find;
use File::Path 'make_path';
use FindBin;
use PostgreSQL::Test::Utils;

our @EXPORT = qw($NEXT programs_of_our_own make_next set_default_version);

our $NEXT = '1.0.1';

# What changes: the file in sql/, the place in it, and the text that replaces it.  Each
# place must be found once.
my @CHANGES = (
	[ 'install/wanted_tables', qr/(?=\t\('casnet\.record_tags', 'tenant')/,
		"\t('casnet.colours', 'tenant', '', 'colours of tags'),\n" ],
	[ 'install/wanted_columns', qr/(\t\('casnet\.tags', 'name', [^\n]*\n)/, q{$1} . q{
	('casnet.tags', 'colour', 'text NOT NULL', '''grey''', 'colour to show it in'),
	('casnet.colours', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('casnet.colours', 'tenant_id', 'uuid NOT NULL', 'casnet.current_tenant_id()', NULL),
	('casnet.colours', 'name', 'text', '', NULL),
} ],
	[ 'install/wanted_constraints', qr/(?=\t\('casnet\.record_tags', 'record_tags_pkey')/, q{
	('casnet.colours', 'colours_pkey', 'PRIMARY KEY (tenant_id, id)'),
	('casnet.colours', 'colours_tenant_id_fkey', 'FOREIGN KEY (tenant_id) REFERENCES casnet.tenants (id) ON DELETE CASCADE'),
} ],
	[ 'install/wanted_constraints', qr/(?=\t\('casnet\.tags', 'tags_name_check')/,
		"\t('casnet.tags', 'tags_colour_check', \$c\$colour <> ''\$c\$),\n" ],
	[ 'install/indexes', qr/(?=\t\('casnet\.persons', 'persons_tenant_id_name_idx')/,
		"\t('casnet.tags', 'tags_tenant_id_colour_idx', '', '(tenant_id, colour)', 'tags of a colour'),\n" ],
	[ 'install/policies', qr/(?=\t\('casnet\.tags', 'SELECT')/, join '', map {
		"\t('casnet.colours', '$_', \$p\$tenant_id = casnet.tenant_with('view_colours')\$p\$),\n" } qw(SELECT INSERT UPDATE DELETE) ],
	[ 'install/policies', qr/('casnet\.calendar_events', 'SELECT', \$p\$tenant_id = casnet\.tenant_with\(')view_calendar/, q{$1} . 'edit_calendar' ],
	[ 'install/triggers', qr/(?=\t\('casnet\.tasks', 'casnet_completed_at')/,
		"\t('casnet.tags', 'casnet_colour', 'BEFORE INSERT', 'ROW', 'fill_colour()', '', 'a tag of no colour is white'),\n" ],
	[ 'install/trigger_functions', qr/\z/, q{
CREATE OR REPLACE FUNCTION casnet_internal.fill_colour() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	new.colour := coalesce(nullif(new.colour, 'grey'), 'white');
	RETURN new;
END
$$;
COMMENT ON FUNCTION casnet_internal.fill_colour() IS
	'trigger: a tag has a colour';
} ],
	[ 'install/grants', qr/(?=\t\('tags', 'GRANT )/, "\t('colours', 'GRANT SELECT ON casnet.colours TO casnet_user'),\n" ],
	[ 'install/grants', qr/(?=\('view_users', 1\))/, "('view_colours', 4), " ],
	[ 'install/privileges', qr/\tcasnet\.tag_counts\(\),\n/, "\tcasnet.colours(),\n" ],
	[ 'api/tags', qr/CREATE OR REPLACE FUNCTION casnet\.tag_counts\(.*?\nCOMMENT ON FUNCTION casnet\.tag_counts\(\) IS\n.*?;\n/s, q{
CREATE OR REPLACE FUNCTION casnet.colours() RETURNS bigint
	LANGUAGE sql STABLE
	AS 'SELECT count(*) FROM casnet.colours';
COMMENT ON FUNCTION casnet.colours() IS
	'how many';
} ],
	[ 'api/tags', qr/\tRETURN coalesce\(names, '\{\}'\);/, "\tRETURN coalesce(names, '{}') || 'and no more'::text;" ],
	[ 'api/tags', qr/(casnet\.rename_tag\([^\n]*\) RETURNS )void(.*?)END\n\$\$;/s, q{$1boolean$2} . "\tRETURN true;\nEND\n\$\$;" ]);

# The part of an update that is written by hand.
my $BY_HAND = q{
DROP FUNCTION casnet.tag_counts();
DROP FUNCTION casnet.rename_tag(text, text);
INSERT INTO casnet.role_permissions (role, permission) VALUES ('owner', 'view_colours');
};

# programs_of_our_own(): the server looks for the scripts of extensions relative to its
# programs.  So these are copied, and all else is links to the installation.  Returns the
# folder of the programs and the folder of the extensions.
sub programs_of_our_own
{
	my $root = PostgreSQL::Test::Utils::tempdir();
	my ($bin, $share, $lib) = map { (run_command([ $ENV{PG_CONFIG} // 'pg_config', "--$_" ]))[0] } qw(bindir sharedir pkglibdir);

	make_path("$root$bin", "$root$share/extension", "$root$lib/..");
	system_or_bail('cp', map({ "$bin/$_" } qw(postgres initdb pg_ctl psql pg_config pg_dump pg_isready)), "$root$bin");
	rmdir "$root$lib";
	symlink $lib, "$root$lib" or die "symlink: $!";
	foreach my $folder ($share, "$share/extension")
	{
		foreach my $file (glob "$folder/*")
		{
			symlink $file, "$root$file" unless -e "$root$file";
		}
	}
	return ("$root$bin", "$root$share/extension");
}

# change_tree(tree, version): makes the changes in a copy of the sources.
sub change_tree
{
	my ($tree, $version) = @_;

	foreach my $change (@CHANGES)
	{
		my ($name, $place, $text) = @$change;
		my $file = "$tree/sql/$name.sql";
		my $content = slurp_file($file);
		my @found = $content =~ /$place/ or die "nothing like $place in $file";
		my $there = $text =~ s/\$(\d)/$found[$1 - 1]/gr;

		$there =~ s/\n+/\n/g;
		$content =~ s/$place/$there/;
		unlink $file;
		append_to_file($file, $content);
	}
	# Each earlier release gets an update as well.
	my %parts = map { $_ => 1 } "$tree/sql/updates/$version.sql", glob "$tree/sql/updates/*.sql";
	append_to_file($_, $BY_HAND) foreach keys %parts;
	return;
}

# set_default_version(folder, version): the version that CREATE and ALTER EXTENSION take.
sub set_default_version
{
	my ($folder, $version) = @_;
	my $control = slurp_file("$folder/casnet.control");

	$control =~ s/default_version = '.*?'/default_version = '$version'/ or die 'no default_version';
	unlink "$folder/casnet.control";
	append_to_file("$folder/casnet.control", $control);
	return;
}

# make_next(extensions, version): builds the scripts of the next version as make does,
# and puts them into the folder of the extensions; version is the present one.
sub make_next
{
	my ($extensions, $version) = @_;
	my $source = "$FindBin::RealBin/../..";
	my $tree = PostgreSQL::Test::Utils::tempdir() . '/tree';
	local @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};

	make_path($tree);
	delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
	find({ no_chdir => 1, wanted => sub {
		my $name = substr $File::Find::name, length $source;

		return if $name =~ m{^/sql/casnet--};
		-d ? make_path("$tree$name") : copy($_, "$tree$name") || die "copy: $!";
	} }, map { "$source/$_" } qw(Makefile casnet.control sql));
	change_tree($tree, $version);
	set_default_version($tree, $NEXT);
	system_or_bail('make', '-s', '-C', $tree, 'PG_CONFIG=pg_config', 'sql-scripts');
	foreach my $script (glob "$tree/sql/casnet--*.sql")
	{
		copy($script, $extensions) or die "copy: $!";
	}
	return;
}

1;
