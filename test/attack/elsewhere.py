"""Attacks on all besides tables: settings, roles, catalogs, statistics,
other sessions."""

import re

import psycopg2

import fixture
import matrix as m

# What needs a power that an application role lacks.  The outcome is the same for
# everybody, so two kinds of session try it.  (name, statements, SQLSTATE)
POWERLESS = [(text, [text], '42501') for text in (
    "SET casnet.user_id = '{owner}'", "SET LOCAL casnet.user_id = '{owner}'",
    "SELECT set_config('casnet.user_id', '{owner}', true)",
    "CREATE FUNCTION attack.f() RETURNS uuid LANGUAGE sql SET casnet.user_id = '{owner}' AS"
    " 'SELECT casnet.current_user_id()'",
    "ALTER ROLE {role} SET casnet.user_id = '{owner}'", "ALTER ROLE {role} SET casnet.bypass = 'allow'",
    "ALTER DATABASE {database} SET casnet.tenant_id = '{A}'",
    "SET casnet.bypass = 'allow'", 'SET session_replication_role = replica',
    "SET session_preload_libraries = ''", 'SET ROLE postgres', 'SET ROLE casnet_admin',
    'SET ROLE casnet_authenticator', 'SET SESSION AUTHORIZATION postgres',
    "SELECT set_config('role', 'casnet_admin', true)",
    "SELECT set_config('session_authorization', 'postgres', true)",
    'GRANT casnet_admin TO {role}', 'GRANT casnet_authenticator TO {role}', 'CREATE ROLE attack_more',
    'ALTER ROLE {role} BYPASSRLS', 'ALTER ROLE {role} SUPERUSER', 'ALTER ROLE postgres PASSWORD NULL',
    'GRANT SET ON PARAMETER casnet.user_id TO {role}',
    "LOAD '/tmp/attack.so'", "LOAD 'casnet'", 'DROP EXTENSION casnet CASCADE',
    'ALTER EXTENSION casnet UPDATE', 'ALTER EXTENSION casnet DROP FUNCTION casnet.can(text)',
    'ALTER SCHEMA casnet RENAME TO mine', 'ALTER SCHEMA casnet OWNER TO {role}', 'DROP SCHEMA casnet',
    'ALTER SCHEMA casnet_internal RENAME TO mine', 'ALTER SCHEMA casnet_internal OWNER TO {role}',
    'DROP SCHEMA casnet_internal CASCADE', 'CREATE TABLE casnet_internal.mine (x text)',
    "CREATE FUNCTION casnet_internal.mine() RETURNS void LANGUAGE sql AS ''",
    "CREATE OR REPLACE FUNCTION casnet_internal.require_user() RETURNS uuid LANGUAGE sql"
    " AS 'SELECT NULL::uuid'",
    'ALTER FUNCTION casnet_internal.require_user() OWNER TO {role}',
    "CREATE FUNCTION casnet.mine() RETURNS void LANGUAGE sql AS ''",
    "CREATE OR REPLACE FUNCTION casnet.can(permission text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    'CREATE TABLE casnet.mine (x text)', 'CREATE VIEW casnet.mine AS SELECT 1',
    'ALTER FUNCTION casnet.tenant_with(text) OWNER TO {role}',
    'ALTER FUNCTION casnet.tenant_with(text) IMMUTABLE', 'DROP FUNCTION casnet.tenant_with(text) CASCADE',
    'GRANT EXECUTE ON FUNCTION casnet_internal.can_in(uuid, text) TO {role}',
    'ALTER FUNCTION attack.leak(text) LEAKPROOF',
    'ALTER FUNCTION attack.leak(text) SUPPORT casnet_internal.planner_support',
    "CREATE FUNCTION attack.f(text) RETURNS boolean LANGUAGE sql LEAKPROOF AS 'SELECT true'",
    "CREATE FUNCTION attack.f() RETURNS void LANGUAGE c AS 'casnet', 'casnet_can_in'",
    "CREATE FUNCTION attack.f(uuid, text) RETURNS boolean LANGUAGE internal AS 'texteq'",
    'CREATE OPERATOR pg_catalog.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = attack.leak_equal)',
    'ALTER OPERATOR pg_catalog.= (uuid, uuid) SET (RESTRICT = neqsel)',
    'CREATE OPERATOR CLASS attack.o FOR TYPE uuid USING btree AS OPERATOR 1 attack.=',
    'CREATE CAST (uuid AS text) WITH INOUT AS IMPLICIT',
    'CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION casnet_internal.load_row()',
    'ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO {role}',
    'REASSIGN OWNED BY postgres TO {role}', 'CREATE PUBLICATION attack_mine FOR ALL TABLES',
    'CREATE FOREIGN DATA WRAPPER mine', "ALTER TEXT SEARCH CONFIGURATION casnet.search RENAME TO mine",
    'ALTER OPERATOR casnet.@~ (tsvector, tsquery) OWNER TO {role}',
    "SELECT pg_read_file('PG_VERSION')", "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')", "SELECT pg_stat_file('PG_VERSION')", "SELECT lo_import('/etc/hostname')",
    'SELECT pg_current_logfile()', 'SELECT * FROM pg_hba_file_rules', 'SELECT * FROM pg_authid',
    'SELECT * FROM pg_shadow', 'SELECT * FROM pg_statistic', 'SELECT * FROM pg_statistic_ext_data',
    'SELECT * FROM pg_largeobject', 'SELECT * FROM pg_user_mapping', 'SELECT * FROM pg_file_settings',
    'SELECT subconninfo FROM pg_subscription', 'SELECT pg_reload_conf()', 'SELECT pg_stat_reset()',
    "SELECT pg_stat_reset_single_table_counters('casnet.records'::regclass)",
    "SELECT gin_clean_pending_list(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c"
    " ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam AND a.amname = 'gin'"
    " WHERE i.indrelid = 'casnet.records'::regclass",
    "SELECT pg_create_logical_replication_slot('mine', 'test_decoding')",
    "SELECT pg_log_backend_memory_contexts(1)", "SELECT currtid2('casnet.users', '(0,1)')",
    "SELECT currtid2('casnet_internal.signing_keys', '(0,1)')",
    "SELECT casnet_internal.can_in('{A}', 'view_records')", "SELECT casnet.install()",
    "SELECT casnet_internal.user_can_in('{owner}', '{A}', 'view_records')", "SELECT casnet_internal.erase_tenant('{A}')",
    "SELECT casnet_internal.bring_over_passwords()", "SELECT casnet_internal.issue_token('{owner}', '{A}', '1 day')",
    "SELECT casnet_internal.is_application_superuser()", "SELECT casnet_internal.login_succeeded('{owner}')",
    "SELECT casnet.add_signing_key('mine')", "SELECT casnet.remove_issuer('https://id.example')", 'SELECT * FROM casnet.issuers()',
    'SELECT * FROM casnet.signing_keys()',
    "SELECT casnet.set_issuer('https://id.example', '{}', NULL)", "SELECT casnet.retire_signing_key('attack')",
    "SELECT casnet.enable_audit('casnet.records')", "SELECT casnet.disable_audit('casnet.records')",
    "SELECT casnet.purge_audit('1 second')", "SELECT casnet_internal.make_load_view('casnet.users')",
    "SELECT casnet_internal.begin_protection('attack.loot', 'loot', false, 'tenant_id')",
    "SELECT casnet_internal.end_protection('public.attack_notes')", "SELECT casnet_internal.add_tenant_key('attack.loot', 'tenant_id')",
    "SELECT casnet_internal.begin_declaration('attack.loot', 'exempt')", "SELECT casnet_internal.end_declaration('attack.loot')",
    "SELECT casnet_internal.note_declaration('attack.loot', 'exempt')",
    "SELECT casnet_internal.forget_declaration('attack.loot')",
    "SELECT casnet_internal.run_for_owner('attack.loot', 'SELECT 1')",
    "SELECT casnet_internal.run_as_owner('casnet.tenants', 'SELECT 1')",
    "SELECT casnet_internal.set_not_null('attack.loot', 'tenant_id')",
    'SELECT * FROM casnet.doctor()', 'SELECT casnet_internal.forget_audit(\'{A}\')',
    "CREATE TRIGGER g BEFORE INSERT ON attack.loot FOR EACH ROW EXECUTE FUNCTION casnet_internal.record_change()",
    "CREATE TRIGGER g AFTER INSERT ON attack.loot FOR EACH ROW EXECUTE FUNCTION casnet_internal.announce_change()",
    "CREATE TRIGGER g INSTEAD OF INSERT ON attack.own_view FOR EACH ROW"
    " EXECUTE FUNCTION casnet_internal.load_row('records')",
)] + [
    ('a name under casnet', ["SET casnet.whatever = 'x'"], '42602'),
    ('no uuid', ["SET casnet.tenant_id = 'x'"], '22023'),
    ('no token', ["SET casnet.token = 'x'"], '22023'),
    ('admin functions by a name of the system', ["SELECT pg_catalog.pg_read_file('x')"], '42501'),
    ('set role within a function', [
        "CREATE FUNCTION attack.f() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$BEGIN SET ROLE casnet_admin; END$$", 'SELECT attack.f()'], ('42501', '0A000')),
]


def by_session():
    """What depends on the session: (name, statements, expected SQLSTATE of an actor, rows)."""
    def always(code='00000'):
        return lambda actor: code

    def view(permission):
        return lambda actor: actor.due(permission)

    def elsewhere(actor):
        if not actor.has_user():
            return '28000'
        return '00000' if actor.name == 'chief' else '42501'

    shadows = ["CREATE TEMP TABLE user_tenants AS SELECT casnet.current_user_id() AS user_id,"
               " '{C}'::uuid AS tenant_id, 'owner'::text AS role",
               'CREATE TEMP TABLE role_permissions AS SELECT \'owner\'::text AS role,'
               " 'view_records'::text AS permission",
               'SET LOCAL search_path = pg_temp, attack, pg_catalog']
    return [
        ('another tenant', ["SET LOCAL casnet.tenant_id = '{C}'", 'SELECT * FROM casnet.records'],
         elsewhere, None),
        ('another tenant by set_config', [
            "SELECT set_config('casnet.tenant_id', '{C}', true) FROM casnet.records"],
         view('view_records'), None),
        ('another tenant within the statement', [
            "SELECT title, set_config('casnet.tenant_id', '{C}', true) FROM casnet.records"],
         view('view_records'), None),
        ('another tenant within a condition', [
            "SELECT title FROM casnet.records WHERE set_config('casnet.tenant_id', '{C}', true) <> ''"
            " AND attack.leak(title)"], view('view_records'), None),
        ('another tenant in a subtransaction', [
            "DO $$BEGIN BEGIN SET LOCAL casnet.tenant_id = '{C}'; PERFORM 1 FROM casnet.records;"
            " EXCEPTION WHEN OTHERS THEN NULL; END; END$$", 'SELECT title FROM casnet.records'],
         lambda a: '00000' if a.name == 'chief' else a.due('view_records'), None),
        ('another tenant under a cursor', [
            'DECLARE c CURSOR FOR SELECT title FROM casnet.records', 'FETCH 1 FROM c',
            "SET LOCAL casnet.tenant_id = '{C}'", 'FETCH ALL FROM c'], view('view_records'), None),
        ('a forged token', ["SET LOCAL casnet.token = '{forged}'", 'SELECT * FROM casnet.records'],
         always('28000'), None),
        ('no token', ['SET LOCAL casnet.token = \'\'', 'SELECT * FROM casnet.records'],
         always('28000'), None),
        ('own tables of permissions', shadows + ["SET LOCAL casnet.tenant_id = '{C}'",
                                                 'SELECT * FROM casnet.records'], elsewhere, None),
        ('own functions first', ['SET LOCAL search_path = attack, casnet, pg_catalog',
                                 'SELECT title FROM records WHERE attack.leak(title)'],
         view('view_records'), None),
        ('own functions under members()', ['SET LOCAL search_path = attack, pg_catalog',
                                           'SELECT * FROM casnet.members()'], view('view_users'), None),
        ('own functions under search', ['SET LOCAL search_path = attack, pg_catalog',
                                        "SELECT * FROM casnet.search_records('canary')"],
         view('view_records'), None),
        ('schema_to_xml', ["SELECT schema_to_xml('casnet', true, false, '')::text"],
         view('view_users'), None),
        ('schema_to_xml of internal tables', ["SELECT schema_to_xml('casnet_internal', true, false, '')::text"],
         always(), None),
        ('table_to_xml', ["SELECT table_to_xml('casnet.tasks', true, false, '')::text"],
         view('view_tasks'), None),
        ('cursor_to_xml', ['DECLARE c CURSOR FOR SELECT * FROM casnet.persons',
                           "SELECT cursor_to_xml('c', 10, true, false, '')::text"],
         view('view_persons'), None),
        ('pg_stats', ["SELECT * FROM pg_stats WHERE schemaname IN ('casnet', 'casnet_internal') OR"
                      " tablename LIKE 'attack_notes%'"],
         always(), 0),
        ('pg_stats of all', ["SELECT * FROM pg_stats WHERE schemaname <> 'attack'"], always(), None),
        ('pg_stats_ext', ["SELECT * FROM pg_stats_ext WHERE schemaname IN ('casnet', 'casnet_internal', 'public')"],
         always(), 0),
        ('pg_stats_ext_exprs', ["SELECT * FROM pg_stats_ext_exprs"
                                " WHERE schemaname IN ('casnet', 'casnet_internal', 'public')"],
         always(), 0),
        # It asks no policy, and reveals whether some row there was changed, but not whose.
        ('currtid2', ["SELECT currtid2('casnet.' || n, '(0,1)') FROM unnest(ARRAY['records', 'tags',"
                      " 'tenants', 'user_tenants']) AS n"], always(), 4),
        ('large objects', ['SELECT * FROM pg_largeobject_metadata'], always(), 0),
        ('sequences', ["SELECT * FROM pg_sequences WHERE schemaname IN ('casnet', 'casnet_internal')"],
         always(), 0),
        ('statements of others', ['SELECT query, query_id FROM pg_stat_activity WHERE usename <>'
                                  " session_user AND query NOT LIKE '<insufficient privilege>'"],
         always(), 0),
        ('prepared statements', ['SELECT * FROM pg_prepared_statements'], always(), 0),
        ('cursors', ["SELECT * FROM pg_cursors WHERE name <> ''"], always(), 0),
        ('locks', ['SELECT * FROM pg_locks'], always(), None),
        ('catalogs', ['SELECT p.prosrc, p.proconfig FROM pg_proc AS p'], always(), None),
        ('settings', ["SELECT name, setting, reset_val, boot_val FROM pg_settings"
                      " WHERE name <> 'casnet.token'"], always(), None),
        ('settings of roles', ['SELECT * FROM pg_db_role_setting'], always(), None),
        ('comments', ['SELECT * FROM pg_description'], always(), None),
    ]


# Known, and in docs/limits.md: what PostgreSQL shows everybody about a relation as a
# whole.  It must be the same whoever asks, and so no figure of a tenant.
TOTALS = [
    ('pg_relation_size', 'pg_relation_size(c.oid)'), ('pg_table_size', 'pg_table_size(c.oid)'),
    ('pg_indexes_size', 'pg_indexes_size(c.oid)'),
    ('pg_total_relation_size', 'pg_total_relation_size(c.oid)'),
    ('reltuples', 'c.reltuples'), ('relpages', 'c.relpages'),
]


def attack(campaign):
    """Make all attempts of this file."""
    words = {'owner': m.user_id('owner'), 'role': campaign.role, 'database': campaign.database,
             'A': m.tenant_id('a'), 'C': m.tenant_id('c'), 'forged': campaign.tokens['forged']}

    def attempt(actor, name, statements, due, rows=None):
        if not campaign.wants_command(name):
            return
        filled = [campaign.filled(s, words) for s in statements]
        outcome = campaign.session(actor).attempt(filled, judge=True)
        trouble = ''
        if rows is not None and outcome.sqlstate == '00000' and outcome.count != rows:
            trouble = 'due were %d rows, seen %d' % (rows, outcome.count)
        expected = ()
        if actor.name == 'chief' and '{C}' in ''.join(statements):
            expected = campaign.everything()
        campaign.judge_attempt('server', name, actor, filled, outcome, due, trouble, expected=expected)

    for actor in campaign.actors():
        if actor.name in ('owner', 'nobody') and not campaign.options.quick or campaign.options.long:
            for name, statements, due in POWERLESS:
                attempt(actor, name, statements, due)
        for name, statements, due, rows in by_session():
            attempt(actor, name, statements, due(actor), rows)
        for name, expression in TOTALS:
            totals(campaign, actor, name, expression)
    if not campaign.options.command:
        for scenario in (connection_options, first_statement, reset, hold_cursor, notifications,
                         row_locks, unique_locks, explain_says_who_sees_more, printed_plans):
            scenario(campaign)


def totals(campaign, actor, name, expression):
    """A figure of whole relations must be the one that the superuser sees."""
    query = ("SELECT string_agg(format('%%s %%s', c.oid::regclass, %s), ', ' ORDER BY c.oid)"
             " FROM pg_class AS c"
             " WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)"
             " AND c.relkind IN ('r', 'p')" % expression)
    outcome = campaign.session(actor).attempt([query])
    campaign.judge.execute(query)
    wanted = campaign.judge.fetchone()[0]
    trouble = '' if outcome.rows and outcome.rows[0][0] == wanted else 'another figure than for others'
    campaign.judge_attempt('server', name, actor, [query], outcome, '00000', trouble)


def answer(cursor, statement):
    """The SQLSTATE of a statement, and the text of its rows."""
    try:
        cursor.execute(statement)
        return '00000', str(cursor.fetchall()) if cursor.description else str(cursor.rowcount)
    except psycopg2.Error as error:
        return error.pgcode, str(error)


def become(campaign, name, **more):
    """A new connection with the identity of an actor."""
    connection = fixture.connect(campaign.database, campaign.role, **more)
    actor = [a for a in m.ACTORS if a.name == name][0]
    cursor = connection.cursor()
    switch(campaign, cursor, actor)
    return cursor, actor


def switch(campaign, cursor, actor):
    """Another identity on the same connection."""
    cursor.execute("SELECT casnet.current_tenant_id()")
    cursor.execute("SELECT set_config('casnet.token', %s, false),"
                   " set_config('casnet.tenant_id', %s, false)",
                   (campaign.tokens[actor.name] or '', m.tenant_id(actor.tenant)))


def verdict(campaign, name, actor, good, statement, seen):
    """Note one more attempt of a scenario."""
    campaign.note('server', name, actor, good, statement, 'seen %s' % (seen,))


def connection_options(campaign):
    """Settings that come with the connection prove no more than others."""
    for option in ('-c casnet.user_id=' + m.user_id('owner'), '-c casnet.bypass=allow',
                   '-c casnet.token=' + campaign.tokens['forged']):
        option += ' -c casnet.tenant_id=' + m.tenant_id('a')
        connection = fixture.connect(campaign.database, campaign.role, options=option)
        for attempt in range(2):
            seen = answer(connection.cursor(), 'SELECT title FROM casnet.records')
            verdict(campaign, 'connection option', None, seen[0] == '28000', option, seen)
        connection.close()


def first_statement(campaign):
    """The first statement of a session, for which the library is loaded."""
    options = ('-c casnet.token=%s -c casnet.tenant_id=%s -c enable_seqscan=off -c enable_hashjoin=off'
               ' -c enable_mergejoin=off')
    members = campaign.value("SELECT count(*) FROM casnet.user_tenants WHERE tenant_id = '%s'"
                             % m.tenant_id('a'))
    # Not by IS NOT NULL, which PostgreSQL 19 knows to be true, so that nothing of t is left.
    joined = ('SELECT t.id FROM attack.hooks AS b JOIN casnet.%s AS t ON t.ctid = b.at WHERE CASE WHEN'
              " t.id::text <> '' THEN attack.tell_id() END = b.x")
    alone = "SELECT t.id FROM casnet.%s AS t WHERE CASE WHEN t.id::text <> '' THEN attack.tell() END"
    for user, statement, table, due in (
            ('viewer', joined, 'records', 2), ('viewer', joined, 'tags', 2),
            ('viewer', joined, 'tenants', 1), ('viewer', alone, 'records', 2),
            ('viewer', alone, 'tenants', 1), ('viewer', alone, 'users', members),
            ('narrow', alone, 'users', 1)):
        connection = fixture.connect(campaign.database, campaign.role, options=options % (
            campaign.tokens[user], m.tenant_id('a')))
        seen = answer(connection.cursor(), statement % table)
        told = '\n'.join(connection.notices).count('told')
        verdict(campaign, 'first statement', None, seen[0] == '00000' and told == due,
                statement % table, (seen, told))
        connection.close()


def reset(campaign):
    """After DISCARD ALL, RESET ALL and sign_out() the session has no identity."""
    for statement in ('DISCARD ALL', 'RESET ALL', 'SELECT casnet.sign_out()', 'RESET casnet.token'):
        cursor, actor = become(campaign, 'owner')
        cursor.execute('PREPARE p AS SELECT title FROM casnet.records')
        before = answer(cursor, 'EXECUTE p')
        cursor.execute(statement)
        seen = answer(cursor, 'SELECT title FROM casnet.records')
        verdict(campaign, 'reset', actor, before[0] == '00000' and seen[0] == '28000', statement, seen)
        seen = answer(cursor, 'EXECUTE p')
        due = '26000' if statement == 'DISCARD ALL' else '28000'
        verdict(campaign, 'reset and execute', actor, seen[0] == due, statement, seen)
        cursor.connection.close()


def hold_cursor(campaign):
    """A cursor WITH HOLD keeps the rows of its maker, and shows no others."""
    by_name = {a.name: a for a in m.ACTORS}
    for maker, reader, letters in (('owner', 'nobody', 'bc'), ('owner', 'other_owner', 'bc'),
                                   ('other_owner', 'viewer', 'ac'), ('viewer', 'intruder', 'bc')):
        cursor, _ = become(campaign, maker)
        cursor.execute('DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT title FROM casnet.records'
                       ' WHERE attack.leak(title)')
        cursor.execute('FETCH 1 FROM h')
        switch(campaign, cursor, by_name[reader])
        seen = answer(cursor, 'FETCH ALL FROM h')
        seen = (seen[0], seen[1] + answer(cursor, 'FETCH BACKWARD ALL FROM h')[1])
        good = seen[0] == '00000' and not any('canary-' + l in seen[1] for l in letters)
        verdict(campaign, 'hold cursor', by_name[reader], good, 'made by ' + maker, seen)
        due = by_name[reader].due('view_records')
        seen = answer(cursor, 'SELECT title FROM casnet.records')
        verdict(campaign, 'after a hold cursor', by_name[reader], seen[0] == due, 'made by ' + maker, seen)
        cursor.connection.close()


def notifications(campaign):
    """LISTEN receives nothing about what others write."""
    listener, actor = become(campaign, 'viewer')
    for channel in ('casnet', 'records', 'tags', '"casnet.tags"', 'casnet_tags', 'tenants'):
        listener.execute('LISTEN ' + channel)
    writer, _ = become(campaign, 'other_owner')
    writer.execute("INSERT INTO casnet.tags (name) VALUES ('mine')")
    writer.execute("DELETE FROM casnet.tags WHERE name = 'mine'")
    listener.execute('SELECT pg_notification_queue_usage()')
    listener.connection.poll()
    verdict(campaign, 'listen', actor, not listener.connection.notifies, 'LISTEN',
            listener.connection.notifies)
    writer.connection.close()
    listener.connection.close()


def row_locks(campaign):
    """Rows that another tenant has locked block nobody."""
    holder, _ = become(campaign, 'other_owner')
    holder.execute('BEGIN')
    attacker, actor = become(campaign, 'owner', options='-c lock_timeout=2s')
    for table, key in (('records', m.RECORDS), ('tags', m.TAGS), ('tasks', m.TASKS),
                       ('persons', m.PERSONS)):
        holder.execute('SELECT 1 FROM casnet.%s FOR UPDATE' % table)
        for statement in ('SELECT 1 FROM casnet.%s FOR UPDATE NOWAIT' % table,
                          "SELECT 1 FROM casnet.%s WHERE id = '%s' FOR UPDATE NOWAIT"
                          % (table, m.row_id('b', key)),
                          "UPDATE casnet.%s SET id = id WHERE id = '%s'" % (table, m.row_id('b', key)),
                          "DELETE FROM casnet.%s WHERE id = '%s'" % (table, m.row_id('b', key))):
            seen = answer(attacker, statement)
            verdict(campaign, 'row lock', actor, seen[0] == '00000', statement, seen)
    holder.execute('ROLLBACK')
    holder.connection.close()
    attacker.connection.close()


def unique_locks(campaign):
    """A key does not wait for the same key in another tenant's transaction."""
    holder, _ = become(campaign, 'other_owner')
    attacker, actor = become(campaign, 'owner', options='-c lock_timeout=2s')
    for statement in ("INSERT INTO casnet.tags (id, name) VALUES ('%s', 'mine')"
                      % m.row_id(m.ABSENT, m.TAGS),
                      "INSERT INTO casnet.records (id, title) VALUES ('%s', 'mine')"
                      % m.row_id(m.ABSENT, m.RECORDS)):
        holder.execute('BEGIN')
        holder.execute(statement)
        attacker.execute('BEGIN')
        seen = answer(attacker, statement)
        verdict(campaign, 'unique key lock', actor, seen[0] == '00000', statement, seen)
        attacker.execute('ROLLBACK')
        holder.execute('ROLLBACK')
    holder.connection.close()
    attacker.connection.close()


# On tables with policies, and on tables without.
PLANNED = ('SELECT title FROM casnet.records',
           'SELECT t.title FROM casnet.tasks AS t JOIN casnet.records AS r USING (tenant_id)',
           'SELECT username FROM casnet.users', 'SELECT name FROM casnet.tenants',
           'SELECT note FROM public.attack_notes', 'UPDATE casnet.tags SET name = name',
           'SELECT title FROM attack.own_view')
UNPLANNED = ('SELECT letter FROM attack.bait', 'SELECT relname FROM pg_class')


def explain_says_who_sees_more(campaign):
    """A notice says which role is shown the costs and rows of a plan."""
    cursor, actor = become(campaign, 'owner')
    notices = cursor.connection.notices
    for options in ('', '(ANALYZE) ', '(FORMAT JSON) '):
        for statement in PLANNED + UNPLANNED:
            del notices[:]
            cursor.execute('BEGIN')
            seen = answer(cursor, 'EXPLAIN %s%s' % (options, statement))
            cursor.execute('ROLLBACK')
            told = 'pg_read_all_stats' in ''.join(notices)
            verdict(campaign, 'explain says who sees more', actor,
                    seen[0] == '00000' and told == (statement in PLANNED),
                    options + statement, (seen[0], 'a notice' if told else 'no notice'))
    cursor.connection.close()


def printed_plans(campaign):
    """
    The server prints no plan for debugging, whatever the statement: even the plan of a
    foreign key's check has estimates.  For a superuser it does.
    """
    options = '-c client_min_messages=log -c debug_print_plan=on'
    cursor, actor = become(campaign, 'owner', options=options)
    notices = cursor.connection.notices
    cursor.execute('PREPARE p AS ' + PLANNED[0])
    block = "DO 'BEGIN PERFORM title FROM casnet.records; END'"
    for statement in PLANNED + UNPLANNED + ('EXECUTE p', 'EXPLAIN ' + PLANNED[0], block):
        del notices[:]
        cursor.execute('BEGIN')
        seen = answer(cursor, statement)
        cursor.execute('ROLLBACK')
        printed = [x for x in notices if 'PLANNEDSTMT' in x]
        estimates = set(re.findall(r':(?:startup_cost|total_cost|plan_rows)\s+([^\s)]+)',
                                   ' '.join(printed)))
        told = any(float(x) > 0 for x in estimates)
        verdict(campaign, 'printed plans', actor, seen[0] == '00000' and not told, statement,
                (seen[0], len(printed), sorted(estimates)[:6]))
    cursor.connection.close()
    admin = fixture.connect(campaign.database, options=options)
    admin.cursor().execute(UNPLANNED[0])
    verdict(campaign, 'printed plans of a superuser', actor,
            any('PLANNEDSTMT' in x for x in admin.notices), UNPLANNED[0], len(admin.notices))
    admin.close()
