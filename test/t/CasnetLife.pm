# A database with everything in it, and what shows whether it is the same
# after it was moved, restored, upgraded or rebuilt: its fingerprint (rows and
# catalogs, nothing by OID) and its behaviour (what each user can do).
package CasnetLife;

use strict;
use warnings;

use CasnetTest;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use Test::More;

our @EXPORT = qw(%TOKENS make_everything make_questions fingerprint behaviour same_as psql_file databases differences);

# Tokens of the fixture, by what happens to them.
our %TOKENS;

# The user whom the outside issuer's tokens name, and one of these tokens,
# good until 2100.  test/pgtap/outside_issuers.sql says where it is from.
my $MIA = '00000000-0000-7000-8000-000000000003';
my $OUTSIDE_KEY = '{"kty": "OKP", "crv": "Ed25519", "x": "nmX563dBY9L-tOajIfSLqxoYoVhpHAzcTuAM5kCtWzo"}';
my $OUTSIDE_TOKEN = 'eyJhbGciOiJFZERTQSIsImtpZCI6Im91dGVyIGVkIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIn0.YJatsN-FVSqcHlQxRAyJWkiUYRDxEwYPyincAds1GUH14gPYnGBJYcIBV8nmAqBVXntfcwaTlKFR5MfeKa1zAA';

my $ROLES = q{
	CREATE ROLE casnet_builder LOGIN CREATEROLE IN ROLE casnet_admin;
	CREATE ROLE casnet_reader NOLOGIN;
	COMMENT ON ROLE casnet_reader IS 'reads titles';
	GRANT casnet_reader TO casnet_plain WITH ADMIN OPTION;
};

my $EVERYTHING = qq{
	-- accounts, keys, tokens
	INSERT INTO casnet.users (id, username, email, full_name, is_active) VALUES
		('$MIA', 'mia', 'mia\@example.org', 'Mia Outside', true),
		('00000000-0000-0000-0000-00000000000e', 'ivo', 'ivo\@example.org', NULL, false);
	INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$MIA', '$ID{south}', 'admin');
	SELECT casnet.add_signing_key('old');
	SELECT casnet.add_signing_key('outer ed', '$OUTSIDE_KEY');
	INSERT INTO casnet.role_permissions (role, permission)
		VALUES ('owner', 'approve_budget'), ('admin', 'approve_budget');
	DELETE FROM casnet.role_permissions WHERE role = 'viewer' AND permission = 'view_tags';
	INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES
		('$ID{ben}', '$ID{north}', 'delete_tags'), ('$ID{ben}', '$ID{south}', 'approve_budget');
	INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) VALUES
		(sha256('a code'), '$ID{south}', 'ada\@example.org', 'viewer', '$ID{cid}', '2100-01-01'),
		(sha256('late'), '$ID{south}', 'max\@example.org', 'viewer', '$ID{cid}', '2020-01-01');
	INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at) VALUES
		(sha256('a code'), '$ID{ben}', 'password', '-', sha256('0 ben\@example.org'), '2100-01-01');

	-- the search, before there are many records
	CREATE EXTENSION pg_trgm;
	SELECT casnet.install();
	SELECT casnet.set_search_language('english');

	-- what is in a tenant, with and without an entry in the audit
	SELECT casnet.enable_audit('casnet.records'), casnet.enable_audit('casnet.user_tenants'),
		casnet.enable_audit('casnet.persons', '{contact_info}');
	INSERT INTO casnet.persons (tenant_id, name, gender, date_of_birth, contact_info)
		SELECT t.id, 'Jane Doe of ' || t.name, 'FEMALE', '1980-02-29', '{"phone": ["1", "2"]}' FROM casnet.tenants AS t;
	INSERT INTO casnet.persons (tenant_id, name) VALUES ('$ID{north}', E'\\u00C9mile \\\\ "quoted"\\ttab\\nline');
	INSERT INTO casnet.records (tenant_id, title, content)
		SELECT t.id, t.name || ' record ' || n, repeat('visited the schools ', n) FROM casnet.tenants AS t, generate_series(3, 40) AS n;
	UPDATE casnet.records SET content = 'edited' WHERE title = 'north 1';
	DELETE FROM casnet.records WHERE title = 'south record 40';
	INSERT INTO casnet.tags (tenant_id, name) SELECT t.id, n FROM casnet.tenants AS t, unnest('{urgent,school,"a, b"}'::text[]) AS n;
	INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
		SELECT r.tenant_id, r.id, t.id FROM casnet.records AS r JOIN casnet.tags AS t USING (tenant_id)
		 WHERE r.title ~ '[13579]\$' OR t.name = 'school';
	INSERT INTO casnet.record_persons (tenant_id, record_id, person_id, relation)
		SELECT r.tenant_id, r.id, p.id, CASE WHEN r.title ~ '[13579]\$' THEN 'parent' ELSE 'subject' END
		  FROM casnet.records AS r JOIN casnet.persons AS p USING (tenant_id) WHERE p.name ~ 'Doe';
	INSERT INTO casnet.tasks (tenant_id, title, status, assignee_id, record_id)
		SELECT tenant_id, 'call', CASE WHEN title ~ '1\$' THEN 'COMPLETED' ELSE 'PENDING' END, '$ID{ben}', id FROM casnet.records WHERE title ~ ' [12]\$';
	INSERT INTO casnet.calendar_events (tenant_id, title, starts_at, ends_at, record_id, recurrence_rule)
		SELECT tenant_id, 'visit', '2026-01-01', '2026-01-02', id, 'FREQ=WEEKLY' FROM casnet.records WHERE title ~ ' [12]\$';

	-- what a user adds to our tables
	ALTER TABLE casnet.records ADD COLUMN file_number text COLLATE "C" CHECK (file_number <> '');
	COMMENT ON COLUMN casnet.records.file_number IS 'of the paper file';
	ALTER TABLE casnet.persons ADD COLUMN age_group text, ADD COLUMN dropped text;
	ALTER TABLE casnet.persons DROP COLUMN dropped;
	ALTER TABLE casnet.records ALTER COLUMN content SET STORAGE EXTERNAL, ALTER COLUMN file_number SET STATISTICS 500;
	ALTER TABLE casnet.records SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
	UPDATE casnet.records SET file_number = 'A-17' WHERE title = 'north 2';
	CREATE INDEX records_file_number_idx ON casnet.records (tenant_id, file_number) WHERE file_number IS NOT NULL;
	CREATE STATISTICS casnet.records_extra (dependencies) ON tenant_id, file_number FROM casnet.records;
	CREATE POLICY only_odd ON casnet.persons AS RESTRICTIVE FOR SELECT TO casnet_user USING (name <> 'hidden');
	GRANT SELECT ON casnet.tags TO casnet_reader;
	GRANT SELECT (id, title) ON casnet.records TO casnet_reader WITH GRANT OPTION;
	REVOKE DELETE ON casnet.tasks FROM casnet_user;
	REVOKE INSERT ON casnet.tags_load FROM casnet_user;
	REVOKE EXECUTE ON FUNCTION casnet.create_tenant(text, text, uuid) FROM casnet_user;
	GRANT EXECUTE ON FUNCTION casnet.doctor() TO casnet_reader;
	GRANT USAGE ON SCHEMA casnet, casnet_internal TO casnet_reader;
	SELECT casnet.install();

	-- tables of the application: keys that count, keys between and to ours
	CREATE SCHEMA app AUTHORIZATION casnet_builder;
	GRANT USAGE ON SCHEMA app TO casnet_user;
	CREATE TABLE app.cases (
		id bigint GENERATED ALWAYS AS IDENTITY (START 100) PRIMARY KEY, number serial, record_id uuid, body text,
		length integer GENERATED ALWAYS AS (length(body)) STORED, updated_at timestamptz);
	CREATE TABLE app.lines (id integer GENERATED BY DEFAULT AS IDENTITY, case_id bigint, position integer DEFAULT 1, PRIMARY KEY (id));
	ALTER TABLE app.cases OWNER TO casnet_builder;
	SELECT casnet.protect('app.cases'), casnet.protect('app.lines', 'cases');
	ALTER TABLE app.cases ADD FOREIGN KEY (tenant_id, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE CASCADE;
	ALTER TABLE app.lines ADD FOREIGN KEY (tenant_id, case_id) REFERENCES app.cases (tenant_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
	GRANT USAGE ON SEQUENCE app.cases_number_seq TO casnet_user;
	INSERT INTO app.cases (tenant_id, record_id, body) SELECT tenant_id, id, 'case of ' || title FROM casnet.records WHERE title ~ '7\$' ORDER BY title;
	INSERT INTO app.lines (tenant_id, case_id) SELECT tenant_id, id FROM app.cases, generate_series(1, 3) ORDER BY id;
	DELETE FROM app.cases WHERE body = 'case of north record 37';

	CREATE TABLE app.days (tenant_id uuid, day date, note text, PRIMARY KEY (tenant_id, day)) PARTITION BY RANGE (day);
	CREATE TABLE app.days_25 PARTITION OF app.days FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
	CREATE TABLE app.days_rest PARTITION OF app.days DEFAULT PARTITION BY HASH (tenant_id);
	CREATE TABLE app.days_rest_all PARTITION OF app.days_rest FOR VALUES WITH (MODULUS 1, REMAINDER 0);
	SELECT casnet.protect('app.days'), casnet.enable_audit('app.days');
	INSERT INTO app.days SELECT t.id, d::date, t.name FROM casnet.tenants AS t, generate_series('2025-12-30'::timestamp, '2026-01-02', '1 day') AS d;
	UPDATE app.days SET note = 'changed' WHERE day = '2026-01-01';
	CREATE TABLE app.gone (id integer PRIMARY KEY);
	CREATE TABLE app.firms (id integer PRIMARY KEY, firm uuid);
	INSERT INTO app.firms SELECT row_number() OVER (ORDER BY name), id FROM casnet.tenants;
	SELECT casnet.protect('app.firms', 'cases', tenant_column => 'firm');
	ALTER TABLE app.firms RENAME COLUMN firm TO "Our firm";
	CREATE TABLE app.lands (code text PRIMARY KEY);
	INSERT INTO app.lands VALUES ('FR'), ('SE');
	SELECT casnet.share('app.lands');
	CREATE TABLE app.versions (version text);
	SELECT casnet.exempt('app.versions');
	SELECT casnet.protect('app.gone');
	DROP TABLE app.gone;
	DROP VIEW app.gone_load;
	SELECT casnet.guard_schema('app', 'protect');
	CREATE SCHEMA locked;
	SELECT casnet.guard_schema('locked');
	ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO casnet_reader;
	CREATE TABLE app.later (id integer PRIMARY KEY, tenant_id uuid);

	-- what else is built on ours
	CREATE VIEW public.titles WITH (security_invoker) AS SELECT title, casnet.can('edit_records') AS mine FROM casnet.records;
	GRANT SELECT ON public.titles TO casnet_user;
	CREATE FUNCTION public.record_count() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM casnet.records';
	CREATE FUNCTION public.my_name() RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT username FROM casnet.whoami(); END;
	CREATE MATERIALIZED VIEW public.totals AS SELECT tenant_id, count(*) AS records FROM casnet.records GROUP BY 1;
	REVOKE ALL ON public.totals FROM PUBLIC;
	CREATE TABLE public.free (id uuid DEFAULT casnet.uuid_v7(), word text CHECK (casnet.search_query(word) IS NOT NULL));
	INSERT INTO public.free (word) VALUES ('schools');
	CREATE INDEX free_match_idx ON public.free USING gin ((to_tsvector('casnet.search', word)) casnet.gin_match_ops);
	CREATE TABLE casnet.notes (
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(),
		id uuid PRIMARY KEY DEFAULT casnet.uuid_v7(), body text);
	CREATE PUBLICATION of_app FOR TABLES IN SCHEMA app;
	CREATE PUBLICATION of_ours FOR TABLE casnet.records WHERE (tenant_id <> '$ID{south}'), casnet.users (id, username);
	COMMENT ON EXTENSION casnet IS 'ours';
};

# make_everything(node, database): on top of make_fixture(), which it calls.
# Sets the settings of the database and of roles in it, too.
sub make_everything
{
	my ($node, $database) = @_;

	make_fixture($node, $database);
	$node->safe_psql($database, $ROLES);
	set_passwords($node, $database);
	$node->safe_psql($database, $EVERYTHING);

	# A retired key, a revoked token, and a user whose tokens were all cut off.
	$node->safe_psql($database, "SELECT casnet.add_signing_key('retired')");
	$TOKENS{$_} = token_of($node, $database, 'ada', 'north') foreach qw(retired);
	$node->safe_psql($database, "SELECT casnet.retire_signing_key('retired')");
	$TOKENS{$_} = token_of($node, $database, 'ada', 'north') foreach qw(good revoked);
	$TOKENS{$_} = token_of($node, $database, 'cid', 'south') foreach qw(cut);
	$TOKENS{outside} = $OUTSIDE_TOKEN;
	ask_once($node, $database, 'casnet_plain', "SET casnet.token = '$TOKENS{revoked}'; SELECT casnet.revoke_token()");
	$node->safe_psql($database, "SELECT casnet.revoke_all_tokens('$ID{cid}')");
	$TOKENS{new} = token_of($node, $database, 'cid', 'south');

	$node->safe_psql('postgres', qq{
		ALTER DATABASE $database SET session_preload_libraries = 'casnet';
		ALTER DATABASE $database SET casnet.bypass = 'allow';
		ALTER ROLE casnet_plain IN DATABASE $database SET casnet.tenant_id = '$ID{north}';
		ALTER ROLE casnet_reader SET statement_timeout = '1min'});
	return;
}

# Each is [name, query]: lines about the database, in a fixed order, that
# name no OID.
my $OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_temp|^pg_toast'";
my $ACL = sub {
	my ($acl, $kind, $owner) = @_;
	return qq{(SELECT string_agg(a.line, ' ' ORDER BY a.line)
		FROM (SELECT DISTINCT format('%s=%s/%s%s', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END,
				x.privilege_type, pg_get_userbyid(x.grantor), CASE WHEN x.is_grantable THEN '*' END)
			  FROM aclexplode(coalesce($acl, acldefault($kind, $owner))) AS x
			 -- the owner has it since 17
			 WHERE x.privilege_type <> 'MAINTAIN') AS a (line))};
};
my @CATALOGS = (
	[ relations => qq{
		SELECT c.oid::regclass, c.relkind, pg_get_userbyid(c.relowner), c.relpersistence, c.relreplident, c.relrowsecurity,
			c.relforcerowsecurity, c.reloptions, c.relispartition, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid),
			(SELECT array_agg(i.inhparent::regclass) FROM pg_inherits AS i WHERE i.inhrelid = c.oid),
			obj_description(c.oid, 'pg_class'), t.spcname, CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
			} . $ACL->('c.relacl', q{CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END}, 'c.relowner') . qq{
		  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN pg_tablespace AS t ON t.oid = c.reltablespace
		 WHERE $OURS AND c.relkind NOT IN ('i', 'I', 't')} ],
	[ columns => qq{
		SELECT c.oid::regclass, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname,
			format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation,
			a.attstorage, nullif(a.attstattarget, -1),
			(SELECT array_agg(o ORDER BY o) FROM unnest(a.attoptions) AS o WHERE o !~ '^pg_attver='), pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum),
			(SELECT array_agg(x::text ORDER BY x::text) FROM unnest(a.attacl) AS x)
		  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
		  LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
		 WHERE $OURS AND c.relkind NOT IN ('i', 'I', 't', 'S') AND a.attnum > 0 AND NOT a.attisdropped} ],
	[ constraints => qq{
		SELECT k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid), k.convalidated, k.conislocal, obj_description(k.oid, 'pg_constraint')
		  FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace
		 -- 18 has one for each column that is not null
		 WHERE $OURS AND k.contype <> 'n'} ],
	[ indexes => qq{
		SELECT pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indisclustered, i.indisreplident, c.reloptions,
			obj_description(i.indexrelid, 'pg_class')
		  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE $OURS} ],
	[ statistics => 'SELECT pg_get_statisticsobjdef(oid), pg_get_userbyid(stxowner) FROM pg_statistic_ext' ],
	[ policies => q{
		SELECT p.polrelid::regclass, p.polname, p.polpermissive, p.polcmd,
			(SELECT array_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r) END ORDER BY pg_get_userbyid(r)) FROM unnest(p.polroles) AS r),
			pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy')
		  FROM pg_policy AS p} ],
	[ triggers => q{
		SELECT tgrelid::regclass, tgname, pg_get_triggerdef(oid), tgenabled, tgparentid <> 0,
			-- of what a partition has from its table, pg_dump leaves the comments out
			CASE tgparentid WHEN 0 THEN obj_description(oid, 'pg_trigger') END
		  FROM pg_trigger WHERE NOT tgisinternal} ],
	[ 'event triggers' => q{
		SELECT evtname, evtevent, evttags, evtenabled, evtfoid::regprocedure, pg_get_userbyid(evtowner), obj_description(oid, 'pg_event_trigger')
		  FROM pg_event_trigger} ],
	[ functions => qq{
		SELECT p.oid::regprocedure, pg_get_userbyid(p.proowner), md5(pg_get_functiondef(p.oid)), obj_description(p.oid, 'pg_proc'),
			} . $ACL->('p.proacl', q{'f'}, 'p.proowner') . qq{
		  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE $OURS AND p.prokind IN ('f', 'p')} ],
	[ schemas => q{
		SELECT n.nspname, pg_get_userbyid(n.nspowner), obj_description(n.oid, 'pg_namespace'), } . $ACL->('n.nspacl', q{'n'}, 'n.nspowner') . qq{
		  FROM pg_namespace AS n WHERE $OURS} ],
	[ extensions => q{SELECT extname, extversion, extnamespace::regnamespace, extconfig, obj_description(oid, 'pg_extension') FROM pg_extension} ],
	[ members => q{
		SELECT e.extname, pg_describe_object(d.classid, d.objid, d.objsubid)
		  FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass WHERE d.deptype = 'e'} ],
	[ search => q{
		SELECT m.mapcfg::regconfig, m.maptokentype, m.mapseqno, m.mapdict::regdictionary, obj_description(m.mapcfg, 'pg_ts_config')
		  FROM pg_ts_config_map AS m JOIN pg_ts_config AS c ON c.oid = m.mapcfg WHERE c.cfgname = 'search'} ],
	[ 'operator classes' => q{SELECT pg_describe_object('pg_opclass'::regclass, oid, 0), pg_get_userbyid(opcowner), obj_description(oid, 'pg_opclass') FROM pg_opclass WHERE opcnamespace = 'casnet'::regnamespace} ],
	[ 'default privileges' => q{SELECT pg_get_userbyid(defaclrole), defaclnamespace::regnamespace, defaclobjtype, defaclacl FROM pg_default_acl} ],
	[ publications => q{SELECT p.pubname, p.puballtables, t.schemaname, t.tablename, t.attnames, t.rowfilter FROM pg_publication AS p, pg_publication_tables AS t WHERE t.pubname = p.pubname} ],
	[ sequences => q{SELECT schemaname, sequencename, start_value, increment_by, last_value, cycle FROM pg_sequences} ],
	[ roles => q{
		SELECT r.rolname, r.rolsuper, r.rolcreaterole, r.rolcanlogin, r.rolbypassrls, shobj_description(r.oid, 'pg_authid'),
			(SELECT array_agg(g.rolname || CASE WHEN m.admin_option THEN '*' ELSE '' END ORDER BY g.rolname)
			   FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid WHERE m.member = r.oid)
		  FROM pg_roles AS r WHERE r.rolname LIKE 'casnet%'} ],
	[ parameters => q{SELECT p.parname, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(p.paracl) AS a) FROM pg_parameter_acl AS p} ],
	[ settings => q{
		SELECT coalesce(r.rolname, 'every role'), CASE s.setdatabase WHEN 0 THEN 'every database' ELSE 'this database' END, s.setconfig
		  FROM pg_db_role_setting AS s LEFT JOIN pg_roles AS r ON r.oid = s.setrole
		 WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))} ]);

# fingerprint(node, database, %options): topic to lines; without => [topics].
# The rows of a table are one line of their own topic: their number and hash.
sub fingerprint
{
	my ($node, $database, %options) = @_;
	my %without = map { $_ => 1 } @{ $options{without} || [] };
	my (%found, $script);

	foreach my $catalog (@CATALOGS)
	{
		my ($topic, $query) = @$catalog;

		$script .= "SELECT '$topic' || chr(1) || replace(t::text, chr(10), ' ') FROM ($query) AS t ORDER BY 1;\n";
	}
	$script .= q{
		SELECT format('SELECT %L || count(*) || chr(32) || coalesce(md5(string_agg(r, chr(10) ORDER BY r COLLATE "C")), %L) FROM (SELECT t::text AS r FROM ONLY %s AS t) AS t',
					  'rows' || chr(1) || c.oid::regclass || ' ', 'none', c.oid::regclass)
		  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE } . $OURS . q{ AND c.relkind IN ('r', 'm') AND c.relispopulated ORDER BY c.oid::regclass::text \gexec
	};
	my $answer = $node->safe_psql($database,
		"SET search_path = pg_catalog; SET timezone = 'UTC'; SET datestyle = 'ISO'; SET row_security = off;\n$script");
	foreach my $line (split /\n/, $answer)
	{
		my ($topic, $rest) = split /\x01/, $line, 2;

		push @{ $found{$topic} }, $rest unless $without{$topic};
	}
	die "no fingerprint of $database" unless $found{rows} && ($found{policies} || $options{bare});
	return \%found;
}

# differences(got, expected): lines that only one of two fingerprints has.
sub differences
{
	my ($got, $expected) = @_;
	my %topics = (%$got, %$expected);
	my @lines;

	foreach my $topic (sort keys %topics)
	{
		my %in_got = map { $_ => 1 } @{ $got->{$topic} || [] };
		my %in_expected = map { $_ => 1 } @{ $expected->{$topic} || [] };

		push @lines, map { "$topic + $_" } grep { !$in_expected{$_} } sort keys %in_got;
		push @lines, map { "$topic - $_" } grep { !$in_got{$_} } sort keys %in_expected;
	}
	return @lines;
}

# Asked as each user in each tenant; each answer is rolled back.
my @QUESTIONS = (
	(map { "SELECT count(*) FROM $_" } qw(casnet.users casnet.tenants casnet.user_tenants casnet.user_tenant_permissions
		casnet.role_permissions casnet.persons casnet.records casnet.record_persons casnet.tags casnet.record_tags casnet.tasks casnet.calendar_events
		casnet_internal.signing_keys casnet_internal.audit_entries casnet_internal.protected casnet_internal.invitations casnet_internal.codes app.cases app.lines app.days app.days_25 app.firms app.lands app.versions app.later
		public.titles public.totals casnet.notes), 'casnet.audit_log(max_rows => 10000)', "casnet.search_records('visit', 50)",
		"casnet.search_persons('DOE')", "casnet.events_between('2026-03-01', '2026-04-01')", "(SELECT p.relation FROM casnet.records AS r, casnet.persons_of(r.id) AS p) AS x",
		"(SELECT r.relation FROM casnet.persons AS p, casnet.records_of(p.id) AS r) AS x", "casnet.records_tagged('{urgent}', none_of => '{school}')"),
	"SELECT casnet.can('approve_budget')", "SELECT username, role, cardinality(permissions) FROM casnet.whoami()",
	'SELECT public.record_count()', 'SELECT public.my_name()',
	"INSERT INTO casnet.records (title) VALUES ('x') RETURNING tenant_id, file_number",
	"INSERT INTO casnet.records_load (title, file_number) VALUES ('x', 'B')",
	"INSERT INTO casnet.tags_load (name) VALUES ('x')",
	"INSERT INTO app.cases (body) VALUES ('x') RETURNING tenant_id, length",
	"INSERT INTO app.days (day) VALUES ('2025-05-05'), ('2027-01-01') RETURNING tenant_id",
	"UPDATE app.cases SET body = 'x' WHERE body ~ 'record 7' RETURNING updated_at IS NOT NULL",
	"UPDATE casnet.tasks SET status = 'COMPLETED' WHERE title = 'call' RETURNING completed_at > created_at",
	"UPDATE casnet.records SET tenant_id = '$ID{south}' WHERE title = 'north 1'",
	"UPDATE casnet.users SET full_name = 'x' RETURNING username", 'UPDATE casnet.users SET is_superuser = true',
	"DELETE FROM casnet.records WHERE title ~ ' 1\$' RETURNING title", 'DELETE FROM casnet.tasks', 'DELETE FROM casnet.tags RETURNING 1',
	'DELETE FROM app.lines RETURNING 1', 'SELECT casnet.leave_tenant()', "SELECT casnet.add_member('max', 'owner')",
	"SELECT casnet.create_tenant('x') IS NOT NULL", "SELECT casnet.accept_invitation('a code')",
	"SELECT casnet.tag_record(id, 'urgent', 'fresh') FROM casnet.records WHERE title ~ ' 2\$'",
	'SELECT count(*) FROM casnet.export_tenant()', 'CREATE TABLE app.x (id integer)', 'TRUNCATE casnet.records');

# Runs a statement, undoes it, and returns its answer.
my $TRY = q{
	SET client_min_messages = error;
	CREATE FUNCTION SCHEMA.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		line record;
		answer text := '';
	BEGIN
		IF statement ~ '^(CREATE|TRUNCATE)' OR (statement ~ '^(INSERT|UPDATE|DELETE)' AND statement !~ ' RETURNING ') THEN
			EXECUTE statement;
			answer := 'done';
		ELSE
			FOR line IN EXECUTE statement LOOP answer := answer || line::text; END LOOP;
		END IF;
		SET CONSTRAINTS ALL IMMEDIATE;
		RAISE EXCEPTION USING ERRCODE = 'ZZZZZ', MESSAGE = answer;
	EXCEPTION
		WHEN SQLSTATE 'ZZZZZ' THEN RETURN SQLERRM;
		WHEN OTHERS THEN RETURN SQLSTATE;
	END $$;
};

# make_questions(node, database): makes once what behaviour() otherwise makes
# in each session, for servers where it cannot.
sub make_questions
{
	my ($node, $database) = @_;

	$node->safe_psql($database, $TRY =~ s/SCHEMA/public/r);
	return;
}

# behaviour(node, database): one line for each user, tenant and question, and
# for each token.  It changes nothing but sequences.
sub behaviour
{
	my ($node, $database) = @_;
	my $is_made = $node->safe_psql($database, "SELECT to_regproc('public.try') IS NOT NULL") eq 't';
	my $try = $is_made ? 'public.try' : 'pg_temp.try';
	my $make = $is_made ? '' : $TRY =~ s/SCHEMA/pg_temp/r;
	my $script = $make;
	my $quoted = join ', ', map { "\$q\$$_\$q\$" } @QUESTIONS;
	my @lines;

	foreach my $who ([ undef, 'north' ], [ 'ada', undef ], map { my $user = $_; map { [ $user, $_ ] } qw(north south) } qw(ada ben cid max))
	{
		my ($user, $tenant) = @$who;
		my $name = ($user || 'nobody') . ' in ' . ($tenant || 'none');

		$script .= "SET casnet.user_id = '" . ($user ? $ID{$user} : '') . "'; SET casnet.tenant_id = '" . ($tenant ? $ID{$tenant} : '') . "';\n"
		  . "SELECT '$name: ' || q || ': ' || $try(q) FROM unnest(ARRAY[$quoted]) AS q;\n";
	}
	push @lines, split /\n/, run_as($node, $database, 'casnet_app', $script);
	$script = $make;
	foreach my $token (sort keys %TOKENS)
	{
		my $tenant = $token =~ /outside|cut|new/ ? 'south' : 'north';

		$script .= "SET casnet.token = '$TOKENS{$token}'; SET casnet.tenant_id = '$ID{$tenant}';\n"
		  . "SELECT 'token $token: ' || $try('SELECT username, tenant_name, role FROM casnet.whoami()'), $try('SELECT count(*) FROM casnet.records');\n";
	}
	$script .= "RESET casnet.token; SELECT 'login: ' || $try('SELECT length(casnet.login(''ben'', ''password of ben'')) > 100');\n"
	  . "SELECT 'forged: ' || $try('SELECT set_config(''casnet.user_id'', ''$ID{ada}'', true)');\n";
	push @lines, split /\n/, run_as($node, $database, 'casnet_plain', $script);
	return { behaviour => \@lines };
}

# run_as(node, database, role, sql): the rows; dies on an error.
sub run_as
{
	my ($node, $database, $role, $sql) = @_;

	return $node->safe_psql($database, $sql, extra_params => [ '-U', $role ]);
}

# same_as(name, got, expected, except): a test that two fingerprints are equal;
# except is a regular expression for expected differences.
sub same_as
{
	my ($name, $got, $expected, $except) = @_;
	my @different = differences($got, $expected);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	@different = grep { $_ !~ $except } @different if defined $except;
	my $same = ok(!@different, $name);
	diag(join "\n", map { substr $_, 0, 400 } @different[0 .. ($#different > 19 ? 19 : $#different)]) unless $same;
	return $same;
}

# psql_file(node, database, file, options): the command that restores it.
sub psql_file
{
	my ($node, $database, $file, @options) = @_;

	return [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @options, '-d', $node->connstr($database), '-f', $file ];
}

# databases(node, names): makes them.
sub databases
{
	my ($node, @names) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $_") foreach @names;
	return;
}

1;
