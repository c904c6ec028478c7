# Somebody who can create roles has created casnet's in the cluster beforehand.  They also
# have made its schemas and tables, with code that a superuser would run.  CREATE EXTENSION
# takes over none of it, but all that superusers and the application added to an earlier
# installation.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('prepared');
init_cluster($node);
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(theirs ours powers);
my $trap = q{
	CREATE TABLE casnet.users (id uuid NOT NULL, username text NOT NULL, email text NOT NULL, full_name text, hashed_password text,
		is_active boolean NOT NULL DEFAULT true, is_superuser boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
	CREATE FUNCTION SCHEMA.innocent() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER innocent BEFORE INSERT ON casnet.users FOR EACH ROW EXECUTE FUNCTION SCHEMA.innocent()};
$node->safe_psql('theirs', 'CREATE ROLE casnet_owner; GRANT CREATE ON DATABASE theirs TO casnet_owner; SET ROLE casnet_owner; CREATE SCHEMA casnet; CREATE SCHEMA casnet_internal;'
	  . ($trap =~ s/SCHEMA/casnet/gr));
like(($node->psql('theirs', 'CREATE EXTENSION casnet'))[2], qr/schema casnet cannot be trusted\n.*Schema casnet belongs to casnet_owner/, 'a prepared schema is refused');
$node->safe_psql('theirs', 'ALTER SCHEMA casnet OWNER TO CURRENT_USER; ALTER SCHEMA casnet_internal OWNER TO CURRENT_USER');
like(($node->psql('theirs', 'CREATE EXTENSION casnet'))[2], qr/role casnet_owner cannot be trusted\n.*function casnet\.innocent\(\)/, 'and what is in it');
$node->safe_psql('theirs', 'DROP TABLE casnet.users; DROP FUNCTION casnet.innocent(); CREATE SCHEMA elsewhere AUTHORIZATION casnet_owner; GRANT ALL ON SCHEMA casnet TO casnet_owner; SET ROLE casnet_owner;'
	  . ($trap =~ s/SCHEMA/elsewhere/gr));
like(($node->psql('theirs', 'CREATE EXTENSION casnet'))[2], qr/role casnet_owner cannot be trusted\n.*function elsewhere\.innocent\(\)/, 'wherever the function is');
$node->safe_psql('theirs', 'DROP FUNCTION elsewhere.innocent() CASCADE; CREATE DOMAIN casnet.word AS text; ALTER DOMAIN casnet.word OWNER TO casnet_owner');
like(($node->psql('theirs', 'CREATE EXTENSION casnet'))[2], qr/role casnet_owner cannot be trusted\n.*type casnet\.word/, 'or whatever it is');
$node->safe_psql('theirs', 'DROP DOMAIN casnet.word');
$node->safe_psql('theirs', 'CREATE EXTENSION casnet');
is($node->safe_psql('theirs', q{SELECT count(*) FROM casnet.doctor() WHERE code LIKE 'owner-%'}), '0', 'a table alone is taken');

# Each power of a role, which every member would get with the extension.
foreach my $role (qw(casnet_user casnet_authenticator casnet_admin casnet_owner))
{
	foreach my $power (qw(LOGIN SUPERUSER CREATEROLE CREATEDB REPLICATION), $role eq 'casnet_owner' ? () : 'BYPASSRLS')
	{
		$node->safe_psql('powers', "ALTER ROLE $role $power");
		like(($node->psql('powers', 'CREATE EXTENSION casnet'))[2], qr/ERROR:  role $role .*powers/, "$role with $power is refused");
		$node->safe_psql('powers', "ALTER ROLE $role NO$power");
	}
}
$node->safe_psql('powers', 'CREATE ROLE casnet_app LOGIN IN ROLE casnet_authenticator; CREATE EXTENSION casnet');
is($node->safe_psql('powers', q{SELECT count(*) FROM casnet.doctor() WHERE severity = 'error'}), '0', 'without them all is well');

# What superusers and the application have added outlives the extension.
$node->safe_psql('ours', q{
	CREATE ROLE casnet_builder;
	CREATE EXTENSION casnet;
	CREATE FUNCTION casnet.ours() RETURNS integer LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION public.theirs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	ALTER FUNCTION public.theirs() OWNER TO casnet_builder;
	CREATE TRIGGER theirs BEFORE INSERT ON casnet.records FOR EACH ROW EXECUTE FUNCTION public.theirs();
	CREATE STATISTICS casnet.often ON status, priority FROM casnet.tasks;
	ALTER STATISTICS casnet.often OWNER TO casnet_owner;
	DROP EXTENSION casnet CASCADE;
	CREATE EXTENSION casnet});
is($node->safe_psql('ours', q{SELECT casnet.ours(), (SELECT count(*) FROM pg_trigger WHERE tgname = 'theirs')}), '1|1', 'functions of superusers and triggers of applications stay');

$node->stop;
done_testing();
