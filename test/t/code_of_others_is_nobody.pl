# Code of another role that runs as that role, within casnet or during maintenance of a
# table, has no identity.  This holds even if the identity came with the connection, so
# that RESET brings it back.  (casnet cannot reach what runs before its library is loaded.)
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('nobody');
init_cluster($node);
$node->append_conf('postgresql.conf', "session_preload_libraries = 'casnet'");
$node->start;
make_fixture($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE ROLE maker LOGIN IN ROLE casnet_user;
	CREATE SCHEMA own AUTHORIZATION maker;
	GRANT USAGE ON SCHEMA own TO PUBLIC;
	SET ROLE maker;
	CREATE TABLE own.seen (step text, what text);
	GRANT INSERT ON own.seen TO PUBLIC;
	-- What there is to be seen of the session, after all that brings it back.
	CREATE FUNCTION own.look(step text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		setting text;
		found text := '';
	BEGIN
		EXECUTE 'RESET ALL';
		FOREACH setting IN ARRAY '{casnet.token,casnet.user_id,casnet.tenant_id}'::text[] LOOP
			BEGIN
				EXECUTE 'RESET ' || setting;
			EXCEPTION WHEN insufficient_privilege THEN
			END;
			found := found || current_setting(setting);
		END LOOP;
		-- Nor to functions of casnet's, which run as their owner.
		BEGIN
			found := found || casnet_internal.find_user('ada');
		EXCEPTION WHEN invalid_authorization_specification OR object_not_in_prerequisite_state THEN
		END;
		BEGIN
			found := found || casnet_internal.found_tenant('for ada', NULL, NULL);
		EXCEPTION WHEN invalid_authorization_specification OR object_not_in_prerequisite_state THEN
		END;
		found := found || coalesce((SELECT string_agg(s.setting || s.reset_val, '') FROM pg_settings AS s WHERE s.name = 'casnet.token'), '');
		INSERT INTO own.seen VALUES (step, CASE found WHEN '' THEN 'nothing' ELSE found END);
		RETURN step;
	END
	$$;
	CREATE FUNCTION own.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM own.look('trigger'); RETURN old; END $$;
	CREATE FUNCTION own.expression(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM own.look('index'); RETURN $1; END $$;
	CREATE TABLE own.rows (id integer PRIMARY KEY, tenant_id uuid);
	CREATE TRIGGER fires BEFORE DELETE ON own.rows FOR EACH ROW EXECUTE FUNCTION own.fires();
	CREATE TABLE own.indexed AS SELECT 1 AS id;
	RESET ROLE;
	SELECT casnet.protect('own.rows');
});
my $tenant = $node->safe_psql('postgres', "SELECT casnet.create_tenant('Gone', NULL, '$ID{ada}')");
$node->safe_psql('postgres', "INSERT INTO own.rows VALUES (1, '$tenant'); SELECT casnet.set_password('$ID{ada}', 'correct horse battery')");
my $token = ask_once($node, 'postgres', 'casnet_app', "SELECT casnet.login('ada', 'correct horse battery')");
like($token, qr/^\w+\.\w+\.[\w-]+$/, 'a token');

# sql as that role, with the identity in the options of the connection.
sub with_identity
{
	my ($role, $sql) = @_;

	return ask_once($node, 'postgres', $role, $sql, "-c casnet.token=$token -c casnet.tenant_id=$ID{north}");
}

sub seen
{
	return $node->safe_psql('postgres', 'SELECT DISTINCT step, what FROM own.seen ORDER BY 1, 2; DELETE FROM own.seen');
}

is(with_identity('casnet_app', 'SELECT username FROM casnet.whoami()'), 'ada', 'who connects is somebody');
is(with_identity('casnet_app', 'RESET ALL; SELECT username FROM casnet.whoami()'), 'ada', 'and is so again');
is(with_identity('casnet_app', "SELECT count(*) FROM pg_settings WHERE name = 'casnet.token'"), '0', 'but the token is in no list of settings');
is(with_identity('casnet_app', "SELECT casnet.delete_tenant('$tenant')"), '3', 'a tenant goes, with a row of a table that is another role\'s');
is(seen(), 'trigger|nothing', 'whose trigger sees nobody');
my $super = $node->safe_psql('postgres', 'SELECT current_user');
is(with_identity($super, 'CREATE INDEX by_expression ON own.indexed (own.expression(id)); SELECT 1'), '1', 'an index is made by a superuser');
is(seen(), 'index|nothing', 'for whom the function in it sees nobody');
is(with_identity($super, 'REINDEX TABLE own.indexed; SELECT 1'), '1', 'and again');
is(seen(), 'index|nothing', 'who is nobody then');
is(with_identity($super, 'ANALYZE own.indexed; SELECT 1'), '1', 'its statistics');
is(seen(), 'index|nothing', 'are made by nobody');
is(with_identity('casnet_app', 'SELECT username FROM casnet.whoami()'), 'ada', 'who connects is somebody still');

# Code that the server itself runs as the owner, as for the index of protect(), leaves no
# cursor either.  Such a cursor would run as the role that fetches.
$node->safe_psql('postgres', q{
	SET ROLE maker;
	CREATE TABLE own.parted (id integer NOT NULL) PARTITION BY RANGE (id);
	CREATE TABLE own.part PARTITION OF own.parted DEFAULT;
	CREATE FUNCTION own.swap() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		c refcursor := 'open';
	BEGIN
		CLOSE c;
		OPEN c FOR INSERT INTO own.seen VALUES ('cursor', current_user) RETURNING 'opened by the maker';
	END
	$$;
	CREATE FUNCTION own.opens(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		IF current_setting('own.opens', true) = 'on' THEN
			PERFORM own.swap();
		END IF;
		RETURN $1;
	END
	$$;
	CREATE INDEX ON own.part ((id + own.opens(0)));
	RESET ROLE;
	SELECT casnet.protect('own.parted', 'records');
	SET ROLE maker;
	DROP INDEX own.parted_tenant_id_idx;
});
is($node->safe_psql('postgres', q{
	BEGIN;
	DECLARE open CURSOR FOR SELECT 'opened by the session';
	SET LOCAL own.opens = on;
	SET client_min_messages = error;
	SELECT cardinality(casnet.protect('own.parted', 'records'));
	-- It has closed that of the session.
	SELECT count(*) FROM pg_cursors WHERE name = 'open';
	ROLLBACK;
}), "0\n0", 'nor does code of an index, which the server runs');

# Nor has it an identity when casnet empties a superuser's table, and the server then
# checks another role's table that refers to it.
$node->safe_psql('postgres', q{
	CREATE TABLE public.parents (id integer PRIMARY KEY);
	SELECT casnet.protect('public.parents', 'records');
	GRANT REFERENCES ON public.parents TO maker;
	SET ROLE maker;
	CREATE TABLE own.children (id integer REFERENCES public.parents);
	CREATE INDEX ON own.children ((id + own.expression(0)));
});
$tenant = $node->safe_psql('postgres', "SELECT casnet.create_tenant('Gone, too', NULL, '$ID{ada}')");
$node->safe_psql('postgres', "INSERT INTO public.parents (tenant_id, id) VALUES ('$tenant', 1); DELETE FROM own.seen");
is(with_identity('casnet_app', "SELECT casnet.delete_tenant('$tenant')"), '3', 'a tenant goes, with a row to which another role may refer');
is(seen(), 'index|nothing', 'whose code sees nobody');

$node->stop;
done_testing();
