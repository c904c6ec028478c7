# Invariant 9: the server is killed while sessions write, load, tag, sign in and manage
# members.  After recovery every commit that a client saw confirmed is there.  Each
# transaction is whole, keys and owners hold, the audit matches the rows, and indexes
# match the tables.  What was revoked stays revoked.
#
# CASNET_SEED repeats a run; PG_TEST_EXTRA=casnet_long makes more rounds.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetLife;
use CasnetTest;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes 'sleep';

my $seed = $ENV{CASNET_SEED} || time;
srand $seed;
note("CASNET_SEED=$seed");
my $long = $ENV{PG_TEST_EXTRA} && $ENV{PG_TEST_EXTRA} =~ /\bcasnet_long\b/;

my $node = PostgreSQL::Test::Cluster->new('load');
init_cluster($node);
$node->append_conf('postgresql.conf', "restart_after_crash = on\nlog_statement = none\n"
	  . "wal_level = replica\ncheckpoint_timeout = 30s\nmax_wal_size = 64MB\nautovacuum_naptime = 1s\n");
$node->start;
databases($node, 'busy');
make_everything($node, 'busy');
$node->safe_psql('busy', 'CREATE EXTENSION amcheck');
my $dir = PostgreSQL::Test::Utils::tempdir();

# What a writer does in its n-th transaction: SQL that ends with "\echo kind
# what", which psql prints once the commit is acknowledged.
my %work = (
	tagged => sub { my ($name) = @_;
		return "BEGIN; INSERT INTO casnet.records (title, content) VALUES ('tagged $name', repeat('visits ', 200)) RETURNING id \\gset\n"
		  . "SELECT casnet.tag_record(:'id', 'load', '$name'); COMMIT;\n\\echo tagged $name\n" },
	loaded => sub { my ($name) = @_;
		return "COPY casnet.records_load (title, content) FROM stdin;\n" . join('', map { "loaded $name\tpart $_\n" } 1 .. 50) . "\\.\n\\echo loaded $name\n" },
	counted => sub { my ($name, $n) = @_;
		my ($writer) = split /\./, $name;
		return ($n == 1 ? "INSERT INTO casnet.persons (name, gender) VALUES ('counter $writer', 'OTHER');\n" : '')
		  . "UPDATE casnet.persons SET age_group = (coalesce(age_group, '0')::integer + 1)::text WHERE name = 'counter $writer' RETURNING 'counted $writer ' || age_group;\n" },
	cased => sub { my ($name, $n) = @_;
		my $day = sprintf '(date $$2025-12-25$$ + %d)', $n;
		return "BEGIN; INSERT INTO app.cases (body) VALUES ('$name') RETURNING id \\gset\nINSERT INTO app.lines (case_id) SELECT :id FROM generate_series(1, 3);\n"
		  . "DELETE FROM app.days WHERE day = $day; INSERT INTO app.days (day, note) VALUES ($day, '$name'); COMMIT;\n\\echo cased $name\n" },
	removed => sub { my ($name) = @_;
		return "INSERT INTO casnet.records (title) VALUES ('removed $name') RETURNING id \\gset\nINSERT INTO casnet.tasks (title, record_id) VALUES ('$name', :'id');\n"
		  . "DELETE FROM casnet.records WHERE id = :'id';\n\\echo removed $name\n" },
	managed => sub { my ($name, $n) = @_;
		# the last round may have ended between removing and adding him
		return ($n == 1 ? "SELECT casnet.add_member('ben') WHERE 'ben' NOT IN (SELECT username FROM casnet.members());\n" : '')
		  . ($n % 2 ? "SELECT casnet.set_member_role('ben', 'owner'); SELECT casnet.grant_permission('ben', 'view_analytics');\n" : "SELECT casnet.remove_member('ben'); SELECT casnet.add_member('ben', 'member');\n")
		  . "\\echo managed $name\n" },
	revoked => sub { my ($name) = @_;
		return "SELECT casnet.login('ada', 'password of ada', '$ID{north}') AS token \\gset\nSELECT casnet.sign_in(:'token');\nSELECT casnet.revoke_token();\n"
		  . "SELECT casnet.sign_out();\n\\echo revoked :token\n" });

# [kind, user, tenant, database role] of the writers.
my @writers = ([qw(tagged ada north casnet_app)], [qw(loaded cid south casnet_app)], [qw(counted mia south casnet_app)],
	[qw(cased ada north casnet_app)], [qw(removed cid south casnet_app)], [qw(managed ada north casnet_app)],
	[qw(revoked ada north casnet_plain)], [qw(tagged mia south casnet_app)], [qw(counted ada north casnet_app)]);
$ID{mia} = '00000000-0000-7000-8000-000000000003';

# One writer in a psql of its own, until its server is gone.
sub start_writer
{
	my ($number, $round) = @_;
	my ($kind, $user, $tenant, $role) = @{ $writers[$number] };
	my $file = "$dir/writer_$number";

	unlink "$file.sql", "$file.out";
	append_to_file("$file.sql", "\\set VERBOSITY terse\n\\o /dev/null\n\\set QUIET on\n"
		  . ($role eq 'casnet_app' ? "SET casnet.user_id = '$ID{$user}'; SET casnet.tenant_id = '$ID{$tenant}';\n" : '')
		  . join '', map { my $sql = $work{$kind}->("w${number}r$round." . $_, $_); $kind eq 'counted' ? "\\o\n$sql" : $sql } 1 .. 20000);
	return IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('busy') . " user=$role", '-f', "$file.sql" ],
		'<', \undef, '>', "$file.out", '2>', "$file.err");
}

my %acknowledged;    # kind to what was acknowledged
my %count;           # transactions by kind
sub collect
{
	foreach my $number (0 .. $#writers)
	{
		foreach my $line (split /\n/, slurp_file("$dir/writer_$number.out"))
		{
			my ($kind, $what, $n) = split / /, $line;

			next unless defined $what && $work{$kind};
			if ($kind eq 'counted') { $acknowledged{counted}{$what} = $n }
			else { push @{ $acknowledged{$kind} }, $what }
			$count{$kind}++;
		}
		my $error = slurp_file("$dir/writer_$number.err");

		unlike($error, qr/ERROR(?!:  (?:canceling|login failed))/, "writer $number met no error but its end") or diag($error);
	}
	return;
}

sub sql { return $node->safe_psql('busy', $_[0]) }

# missing(kind, query): how many acknowledged ones the query does not return.
sub missing
{
	my ($kind, $query) = @_;
	my $known = $acknowledged{$kind} || [];

	return sql("SELECT count(*) FROM (SELECT unnest('{" . join(',', @$known) . "}'::text[]) EXCEPT $query) AS x") if @$known;
	return 0;
}

# A test.  In a tampered database, it only notes the names of checks that fail.
my @found;
my $tampered = 0;
sub verdict
{
	my ($got, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 2;

	if ($tampered) { push @found, $name if $got ne $expected }
	else { is($got, $expected, $name) }
	return;
}

sub check
{
	my ($when) = @_;

	verdict(missing('tagged', "SELECT substr(title, 8) FROM casnet.records WHERE title LIKE 'tagged %'"), 0, "$when: records that were tagged");
	verdict(sql("SELECT count(*) FROM (SELECT r.id FROM casnet.records AS r LEFT JOIN casnet.record_tags AS l ON (l.tenant_id, l.record_id) = (r.tenant_id, r.id)
		WHERE r.title LIKE 'tagged %' GROUP BY r.id HAVING count(l.tag_id) <> 2) AS x"), 0, "$when: each with its tags");
	verdict(missing('loaded', "SELECT substr(title, 8) FROM casnet.records WHERE title LIKE 'loaded %'"), 0, "$when: records that were loaded");
	verdict(sql("SELECT count(*) FROM (SELECT title FROM casnet.records WHERE title LIKE 'loaded %' GROUP BY 1 HAVING count(*) <> 50) AS x"), 0, "$when: by whole loads");
	verdict(missing('cased', 'SELECT body FROM app.cases AS c WHERE 3 = (SELECT count(*) FROM app.lines AS l WHERE (l.tenant_id, l.case_id) = (c.tenant_id, c.id))'),
		0, "$when: cases with their lines");
	verdict(sql('SELECT count(*) FROM app.cases WHERE id > (SELECT last_value FROM app.cases_id_seq)'), 0, "$when: no number is given twice");
	verdict(missing('removed', 'SELECT title FROM casnet.tasks WHERE record_id IS NULL'), 0, "$when: tasks of removed records");
	foreach my $counter (sort keys %{ $acknowledged{counted} || {} })
	{
		verdict(sql("SELECT coalesce(max(age_group::integer), 0) >= $acknowledged{counted}{$counter} FROM casnet.persons WHERE name = 'counter $counter'"), 't', "$when: $counter counts");
	}

	# rules between rows
	verdict(sql("SELECT count(*) FROM casnet.tenants AS t WHERE NOT EXISTS (SELECT FROM casnet.user_tenants AS m WHERE m.tenant_id = t.id AND m.role = 'owner')"),
		0, "$when: every tenant has an owner");
	verdict(sql(q{SELECT string_agg(k.conname, ' ') FROM pg_constraint AS k WHERE k.contype IN ('f', 'c') AND NOT k.convalidated}), '', "$when: constraints are valid");
	verdict($node->safe_psql('busy', q{
		SELECT format('SELECT %L FROM %s AS r WHERE NOT (%s) AND NOT EXISTS (SELECT FROM %s AS k WHERE (%s) = (%s)) LIMIT 1', k.conname, k.conrelid::regclass,
			string_agg('r.' || quote_ident(a.attname) || ' IS NULL', ' OR '), k.confrelid::regclass,
			string_agg('k.' || quote_ident(b.attname), ', ' ORDER BY p.n), string_agg('r.' || quote_ident(a.attname), ', ' ORDER BY p.n))
		  FROM pg_constraint AS k, unnest(k.conkey, k.confkey) WITH ORDINALITY AS p (own, other, n), pg_attribute AS a, pg_attribute AS b
		 WHERE k.contype = 'f' AND k.conparentid = 0 AND (a.attrelid, a.attnum, b.attrelid, b.attnum) = (k.conrelid, p.own, k.confrelid, p.other)
		 GROUP BY k.oid, k.conname, k.conrelid, k.confrelid \gexec}), '', "$when: every foreign key holds");

	# The last entry about a row says whether the row exists, and what it contains.
	verdict(sql(qq{
		WITH audited (relation, key, value) AS (
			SELECT 'casnet.records', jsonb_build_object('tenant_id', tenant_id, 'id', id), title FROM casnet.records
			UNION ALL SELECT 'casnet.persons', jsonb_build_object('tenant_id', tenant_id, 'id', id), age_group FROM casnet.persons
			UNION ALL SELECT 'casnet.user_tenants', jsonb_build_object('tenant_id', tenant_id, 'user_id', user_id), role FROM casnet.user_tenants
			UNION ALL SELECT 'app.days', jsonb_build_object('tenant_id', tenant_id, 'day', day), note FROM app.days
		), entries AS (
			SELECT DISTINCT ON (relation, row_key) relation, row_key AS key, action, before, after,
				coalesce(after->>'age_group', after->>'note', after->>'role', after->>'title') AS value
			  FROM casnet_internal.audit_entries ORDER BY relation, row_key, transaction_id DESC, id DESC
		)
		SELECT count(*) FROM entries AS e FULL JOIN audited AS a USING (relation, key)
		 WHERE (e.action = 'DELETE') <> (a.key IS NULL) OR (e.key IS NULL AND a.value ~ 'w[0-9]+r')
			OR (e.action = 'UPDATE' AND e.value IS NOT NULL AND e.value <> a.value)}), 0, "$when: the audit matches the rows");
	verdict(sql(q{SELECT count(*) FROM casnet.persons AS p WHERE name LIKE 'counter %' AND age_group::integer <>
		(SELECT count(*) FROM casnet_internal.audit_entries AS e WHERE e.relation = 'casnet.persons' AND e.action = 'UPDATE' AND e.row_key->>'id' = p.id::text)}), 0,
		"$when: with an entry for each change");

	# indexes and tables
	verdict($node->safe_psql('busy', q{
		SELECT bt_index_parent_check(i.indexrelid, true, true) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
		  JOIN pg_am AS a ON a.oid = c.relam JOIN pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE a.amname = 'btree' AND c.relkind = 'i' AND n.nspname IN ('casnet', 'casnet_internal', 'app', 'pg_catalog')}) =~ /\S/ ? 1 : 0, 0, "$when: amcheck of indexes");
	verdict(sql(q{SELECT string_agg(c.oid::regclass || ': ' || v.msg, ', ') FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace,
		LATERAL verify_heapam(c.oid) AS v WHERE n.nspname IN ('casnet', 'casnet_internal', 'app') AND c.relkind = 'r'}), '', "$when: amcheck of tables");
	my $search = "SELECT count(*) FROM casnet.records WHERE tenant_id = '$ID{north}' AND search_vector OPERATOR(casnet.@~) 'visit'";
	verdict(sql("SET enable_seqscan = off; SET enable_indexscan = off; $search"), sql("SET enable_bitmapscan = off; SET enable_indexscan = off; $search"), "$when: the search index");
	verdict(sql(q{SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname IN ('casnet', 'casnet_internal') AND c.relpersistence <> 'p'}), 0,
		"$when: nothing is unlogged");

	# tokens
	my @tokens = @{ $acknowledged{revoked} || [] };
	@tokens = @tokens[-5 .. -1] if @tokens > 5;
	verdict(ask_once($node, 'busy', 'casnet_plain', "SET casnet.token = '$_'; SELECT count(*) FROM casnet.records"), '28000', "$when: a revoked token stays revoked")
	  foreach @tokens, $TOKENS{revoked}, $TOKENS{cut};
	verdict(ask_once($node, 'busy', 'casnet_plain', "SET casnet.token = '$TOKENS{good}'; SELECT count(*) > 0 FROM casnet.records"), 't', "$when: a good one stays good");
	return;
}

# Lines of the log about processes that died, except those that we killed.
my %killed;
sub deaths
{
	return join "\n", grep { !(/PID (\d+)\) was terminated by signal 9\b/ && $killed{$1}) }
	  grep { /terminated by signal|PANIC:|TRAP:/ } split /\n/, slurp_file($node->logfile);
}

my @ends = ('immediate stop', 'kill of a writer', 'kill of the checkpointer', 'kill of the walwriter');
foreach my $round (1 .. ($long ? 16 : 3))
{
	my $end = $ends[ ($round - 1) % @ends ];
	my @running = map { start_writer($_, $round) } 0 .. $#writers;

	sleep($long ? 1 + rand 6 : 1 + rand 1.5);
	if ($end eq 'immediate stop')
	{
		$node->stop('immediate');
		$_->finish foreach @running;
		$node->start;
	}
	else
	{
		my $who = $end =~ /(checkpointer|walwriter)/ ? "backend_type = '$1'" : "usename = 'casnet_app' ORDER BY random() LIMIT 1";

		my $pid = '';

		# a writer may be between two connections
		for (1 .. 100)
		{
			$pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE $who");
			last if $pid ne '';
			sleep 0.05;
		}
		die "no process to kill: $who" if $pid eq '';
		$killed{$pid} = 1;
		kill 'KILL', $pid;
		$_->finish foreach @running;
		$node->poll_query_until('postgres', 'SELECT true');
	}
	collect();
	check("round $round, $end");
	is(deaths(), '', "round $round, $end: nothing else died");
}
cmp_ok($count{$_} || 0, '>', 0, "something was $_: " . ($count{$_} || 0)) foreach sort keys %work;

# The checks can fail: remove a record to which keys refer, an owner, and revocations.
$tampered = 1;
sql(qq{SET session_replication_role = replica;
	DELETE FROM casnet.records WHERE id = (SELECT max(id::text)::uuid FROM casnet.records WHERE title LIKE 'tagged %');
	DELETE FROM casnet.user_tenants WHERE tenant_id = '$ID{south}' AND role = 'owner'; TRUNCATE casnet_internal.revoked_tokens});
check('tampered');
my $found = join "\n", @found;
like($found, qr/$_/, "a check finds it: $_") foreach 'records that were tagged', 'has an owner', 'foreign key', 'audit matches', 'revoked token';
my $victim = open_session($node, 'busy');
kill 'SEGV', ask($victim, 'SELECT pg_backend_pid()');
for (1 .. 200)
{
	last if deaths() ne '';
	sleep 0.05;
}
like(deaths(), qr/terminated by signal 11/, 'a check finds it: a process that died');
eval { $victim->{run}->kill_kill };
$node->poll_query_until('postgres', 'SELECT true');

$node->stop;
done_testing();
