#!/usr/bin/python3 -B
"""isolation.py - two tenants on a real Citus, as application roles through the coordinator.

scripts/citus.sh runs this on a fresh database that has casnet, with the PG* variables of the
coordinator and the ports of the workers in CASNET_WORKERS.  Prints `ok N - name` or
`not ok N - name`, and at last `X passed, Y failed`.
"""
import os
import subprocess
import tempfile
import time

from nodes import MIA, NORA, NORTH, OLGA, SHARDS, SOUTH, WORKERS, ZOE, ask, be, check, connect, finish, one


def titles(link, statement):
    answer = ask(link, statement)
    return sorted(row[0] for row in answer) if isinstance(answer, list) else answer


def fill(admin):
    for statement in (
            'DROP ROLE IF EXISTS citus_backend', 'CREATE ROLE citus_backend LOGIN',
            'GRANT casnet_authenticator TO citus_backend',
            'DROP ROLE IF EXISTS citus_web', 'CREATE ROLE citus_web LOGIN', 'GRANT casnet_user TO citus_web'):
        ask(admin, statement)
    with admin.cursor() as cursor:
        for user, name in ((OLGA, 'olga'), (MIA, 'mia'), (ZOE, 'zoe'), (NORA, 'nora')):
            cursor.execute('INSERT INTO casnet.users (id, username, email) VALUES (%s, %s, %s)',
                           (user, name, name + '@citus.test'))
        for tenant, name in ((NORTH, 'North'), (SOUTH, 'South')):
            cursor.execute('INSERT INTO casnet.tenants (id, name) VALUES (%s, %s)', (tenant, name))
        for user, tenant, role in ((OLGA, NORTH, 'owner'), (MIA, NORTH, 'member'), (MIA, SOUTH, 'viewer'),
                                   (ZOE, SOUTH, 'owner')):
            cursor.execute('INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%s, %s, %s)',
                           (user, tenant, role))
        cursor.execute("INSERT INTO casnet.records (tenant_id, title) SELECT t.id, t.name || ' ' || i"
                       ' FROM casnet.tenants AS t, generate_series(1, 10) AS i')
        cursor.execute("INSERT INTO casnet.tags (tenant_id, name) SELECT id, 'red' FROM casnet.tenants")
        cursor.execute('INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id) SELECT r.tenant_id, r.id, t.id'
                       " FROM casnet.records AS r JOIN casnet.tags AS t USING (tenant_id) WHERE r.title LIKE '%3'")
        cursor.execute("INSERT INTO casnet.tasks (tenant_id, title, record_id) SELECT tenant_id, 'do ' || title, id"
                       ' FROM casnet.records')


# Statements that read; each begins with what its rows must begin with.
READS = {
    'a table': 'SELECT title FROM casnet.records',
    'a table with the tenant': "SELECT title FROM casnet.records WHERE tenant_id = '%(own)s'",
    'a condition': "SELECT title FROM casnet.records WHERE title LIKE '%%3'",
    'a condition that is always true': 'SELECT title FROM casnet.records WHERE true OR tenant_id IS NULL',
    'ORDER BY and LIMIT': 'SELECT title FROM casnet.records ORDER BY title LIMIT 20',
    'a join': 'SELECT r.title FROM casnet.records AS r JOIN casnet.tasks AS t ON t.record_id = r.id',
    'an outer join': 'SELECT r.title FROM casnet.records AS r LEFT JOIN casnet.tasks AS t ON t.record_id = r.id',
    'three tables': 'SELECT r.title FROM casnet.records AS r JOIN casnet.record_tags AS l ON l.record_id = r.id '
                    'JOIN casnet.tags AS t ON t.id = l.tag_id',
    'a reference table': 'SELECT r.title FROM casnet.records AS r JOIN casnet.tenants AS t ON t.id = r.tenant_id',
    'EXISTS': 'SELECT title FROM casnet.records AS r WHERE EXISTS '
              '(SELECT 1 FROM casnet.record_tags AS l WHERE l.record_id = r.id)',
    'NOT EXISTS': 'SELECT title FROM casnet.records AS r WHERE NOT EXISTS '
                  '(SELECT 1 FROM casnet.record_tags AS l WHERE l.record_id = r.id)',
    'IN': 'SELECT title FROM casnet.records WHERE id IN (SELECT record_id FROM casnet.tasks)',
    'a CTE': 'WITH r AS (SELECT title FROM casnet.records) SELECT title FROM r',
    'a CTE that is materialized': 'WITH r AS MATERIALIZED (SELECT title FROM casnet.records) SELECT title FROM r',
    'a window': 'SELECT title, row_number() OVER (ORDER BY title) FROM casnet.records',
    'LATERAL': 'SELECT r.title FROM casnet.records AS r, LATERAL '
               '(SELECT t.title FROM casnet.tasks AS t WHERE t.record_id = r.id LIMIT 1) AS t',
    'DISTINCT': 'SELECT DISTINCT title FROM casnet.records',
    'GROUP BY': 'SELECT title FROM casnet.records GROUP BY title HAVING count(*) > 0',
    'UNION ALL': "SELECT title FROM casnet.records WHERE title LIKE '%%1' "
                 "UNION ALL SELECT title FROM casnet.records WHERE title LIKE '%%2'",
    'a scalar subquery': 'SELECT title, (SELECT count(*) FROM casnet.tasks AS t WHERE t.record_id = r.id) '
                         'FROM casnet.records AS r',
}


def reads(app):
    for user, tenant, name in ((OLGA, NORTH, 'North'), (ZOE, SOUTH, 'South'), (MIA, SOUTH, 'South')):
        be(app, user, tenant)
        for kind, statement in READS.items():
            found = titles(app, statement % {'own': tenant})
            check('%s sees %s of its own' % (name, kind), found,
                  lambda rows, name=name: isinstance(rows, list) and rows and all(r.startswith(name) for r in rows))
        check('%s has all its rows' % name, one(app, 'SELECT count(*) FROM casnet.records'), 10)
    be(app, OLGA, NORTH)
    check('rows of another tenant by its id', ask(app, 'SELECT title FROM casnet.records WHERE tenant_id = %s', SOUTH), [])
    for kind, statement in READS.items():
        plan = ask(app, 'EXPLAIN (COSTS OFF) ' + statement % {'own': NORTH})
        text = '\n'.join(row[0] for row in plan) if isinstance(plan, list) else plan
        check('one task: ' + kind, text, lambda plan: plan.count('Task Count: 1') >= 1 and
              plan.count('Task Count:') == plan.count('Task Count: 1'))


def writes(app, admin):
    be(app, OLGA, NORTH)
    check('INSERT', one(app, "INSERT INTO casnet.records (title) VALUES ('North new') RETURNING tenant_id::text"), NORTH)
    check('INSERT of several', ask(app, "INSERT INTO casnet.tags (name) VALUES ('blue'), ('green')"), 2)
    check('INSERT for another tenant', ask(app, "INSERT INTO casnet.records (tenant_id, title) VALUES (%s, 'foreign')", SOUTH), '42501')
    check('INSERT ... SELECT', ask(app, "INSERT INTO casnet.tags (name) SELECT 'x' || i FROM generate_series(1, 3) AS i"), 3)
    check('INSERT ... SELECT of its own', ask(app, "INSERT INTO casnet.tasks (tenant_id, title) SELECT tenant_id, 'more' "
                                                   "FROM casnet.records WHERE title = 'North 1'"), 1)
    check('INSERT ... SELECT for another tenant',
          ask(app, "INSERT INTO casnet.tags (tenant_id, name) SELECT %s, 'y' || i FROM generate_series(1, 3) AS i", SOUTH), '42501')
    check('UPDATE of all', ask(app, "UPDATE casnet.records SET content = 'seen'"), 11)
    check('UPDATE of another tenant', ask(app, "UPDATE casnet.records SET content = 'taken' WHERE tenant_id = %s", SOUTH), 0)
    check('UPDATE FROM', ask(app, "UPDATE casnet.tasks SET title = 'did ' || r.title FROM casnet.records AS r "
                                  "WHERE r.id = record_id AND r.title = 'North 2'"), 1)
    check('UPDATE of the tenant', ask(app, 'UPDATE casnet.records SET tenant_id = %s', SOUTH),
          lambda state: isinstance(state, str) and len(state) == 5)
    check('UPDATE with an element of an array', ask(app, "UPDATE casnet.tags SET name = (ARRAY[name, 'x'])[1] WHERE name = 'red'"), 1)
    check('INSERT with one', ask(app, "INSERT INTO casnet.tags (name) VALUES (('{one,x}'::text[])[1])"), 1)
    check('upsert with one', one(app, "INSERT INTO casnet.tags (name) VALUES ('one') ON CONFLICT (tenant_id, name) "
                                      "DO UPDATE SET name = ('{one,x}'::text[])[1] RETURNING name"), 'one')
    check('upsert', one(app, "INSERT INTO casnet.tags (name) VALUES ('blue') ON CONFLICT (tenant_id, name) "
                             "DO UPDATE SET name = excluded.name RETURNING name"), 'blue')
    check('upsert that does nothing', ask(app, "INSERT INTO casnet.tags (name) VALUES ('blue') ON CONFLICT DO NOTHING"), 0)
    check('upsert for another tenant', ask(app, "INSERT INTO casnet.tags (tenant_id, name) VALUES (%s, 'red') "
                                                "ON CONFLICT (tenant_id, name) DO UPDATE SET name = 'taken'", SOUTH), '42501')
    check('MERGE that updates', ask(app, "MERGE INTO casnet.tags AS t USING (VALUES ('%s'::uuid, 'blue')) AS s (tenant_id, name) "
                                         'ON t.tenant_id = s.tenant_id AND t.name = s.name '
                                         "WHEN MATCHED THEN UPDATE SET name = s.name" % NORTH),
          lambda n: n == 1 or isinstance(n, str) and len(n) == 5)
    ask(app, "MERGE INTO casnet.tags AS t USING (VALUES ('%s'::uuid, 'red')) AS s (tenant_id, name) "
             "ON t.tenant_id = s.tenant_id AND t.name = s.name WHEN MATCHED THEN UPDATE SET name = 'taken'" % SOUTH)
    check('DELETE', ask(app, "DELETE FROM casnet.records WHERE title = 'North 9'"), 1)
    check('a task outlives its record', one(app, 'SELECT count(*) FROM casnet.tasks WHERE record_id IS NULL'), lambda n: n >= 1)
    check('DELETE of another tenant', ask(app, 'DELETE FROM casnet.records WHERE tenant_id = %s', SOUTH), 0)
    check('COPY from', ask(app, "COPY casnet.tags (name) FROM '/dev/null'"), lambda state: isinstance(state, str))
    be(app, MIA, SOUTH)
    check('a viewer does not write', ask(app, "INSERT INTO casnet.records (title) VALUES ('no')"), '42501')
    check('nor delete', ask(app, 'DELETE FROM casnet.records'), '42501')
    check('the other tenant is as it was',
          (one(admin, 'SELECT count(*) FROM casnet.records WHERE tenant_id = %s AND content IS DISTINCT FROM %s', SOUTH, 'taken'),
           one(admin, 'SELECT count(*) FROM casnet.tags WHERE tenant_id = %s', SOUTH),
           one(admin, "SELECT count(*) FROM casnet.tags WHERE tenant_id = %s AND name = 'taken'", SOUTH)), (10, 1, 0))


def revocation(app, admin):
    count = 'SELECT count(*) FROM casnet.records'
    insert = "INSERT INTO casnet.records (title) VALUES ('by mia') RETURNING 1"

    def each_way(name, change, undo, statement, denied, granted):
        """The change at the next statement: outside of a transaction, then inside of an open one."""
        for place in ('outside', 'inside'):
            be(app, MIA, NORTH)
            if place == 'inside':
                ask(app, 'BEGIN')
            check('%s, %s of a transaction: before' % (name, place), one(app, statement), granted)
            with admin.cursor() as cursor:
                cursor.execute(change)
            check('%s, %s of a transaction: after' % (name, place), one(app, statement), denied)
            ask(app, 'ROLLBACK')
            with admin.cursor() as cursor:
                cursor.execute(undo)
            check('%s, %s of a transaction: undone' % (name, place), one(app, statement), granted)

    held = one(app, 'SELECT 1') and None
    be(app, MIA, NORTH)
    held = one(app, count)
    member = "user_id = '%s' AND tenant_id = '%s'" % (MIA, NORTH)
    each_way('a member removed', 'DELETE FROM casnet.user_tenants WHERE ' + member,
             "INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('%s', '%s', 'member')" % (MIA, NORTH),
             count, '42501', held)
    each_way('an account deactivated', "UPDATE casnet.users SET is_active = false WHERE id = '%s'" % MIA,
             "UPDATE casnet.users SET is_active = true WHERE id = '%s'" % MIA, count, '28000', held)
    each_way('a role changed', "UPDATE casnet.user_tenants SET role = 'viewer' WHERE " + member,
             "UPDATE casnet.user_tenants SET role = 'member' WHERE " + member, insert, '42501', 1)
    each_way('a permission revoked', "DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_tags'",
             "INSERT INTO casnet.role_permissions (role, permission) VALUES ('member', 'view_tags')",
             'SELECT count(*) FROM casnet.tags', '42501', lambda n: isinstance(n, int) and n > 0)


def statements(app):
    for mode in ('auto', 'force_generic_plan', 'force_custom_plan'):
        ask(app, 'SET plan_cache_mode = ' + mode)
        be(app, OLGA, NORTH)
        ask(app, 'DEALLOCATE ALL')
        ask(app, "PREPARE kept AS SELECT left(min(title), 5), left(max(title), 5) FROM casnet.records WHERE title LIKE '%o%'")
        ask(app, 'PREPARE by_title (text) AS SELECT title FROM casnet.records WHERE title = $1')
        ask(app, 'PREPARE added (text) AS INSERT INTO casnet.tasks (title) VALUES ($1) RETURNING tenant_id::text')
        for turn in range(7):
            check('%s: prepared, turn %d' % (mode, turn), ask(app, 'EXECUTE kept'), [('North', 'North')])
        check('%s: a parameter' % mode, ask(app, "EXECUTE by_title('North 1')"), [('North 1',)])
        check('%s: of another tenant' % mode, ask(app, "EXECUTE by_title('South 1')"), [])
        check('%s: a write' % mode, one(app, "EXECUTE added('prepared')"), NORTH)
        be(app, ZOE, SOUTH)
        check('%s: prepared, in another tenant' % mode, ask(app, 'EXECUTE kept'), [('South', 'South')])
        check('%s: a parameter there' % mode, ask(app, "EXECUTE by_title('South 1')"), [('South 1',)])
        check('%s: nothing of the first' % mode, ask(app, "EXECUTE by_title('North 1')"), [])
        check('%s: a write there' % mode, one(app, "EXECUTE added('prepared')"), SOUTH)
        be(app, ZOE, NORTH)
        check('%s: prepared, no member' % mode, ask(app, 'EXECUTE kept'), '42501')
        be(app, None)
        check('%s: prepared, nobody' % mode, ask(app, 'EXECUTE kept'), '28000')
        be(app, OLGA, NORTH)
        check('%s: prepared, back' % mode, ask(app, 'EXECUTE kept'), [('North', 'North')])
    ask(app, 'RESET plan_cache_mode')
    ask(app, 'DEALLOCATE ALL')


def transactions(app):
    be(app, OLGA, NORTH)
    check('a DO block with a loop', ask(app, """DO $$
        DECLARE n integer; r record;
        BEGIN
            FOR r IN SELECT title FROM casnet.records LOOP
                IF r.title NOT LIKE 'North%' AND r.title <> 'by mia' THEN RAISE EXCEPTION 'foreign %', r.title; END IF;
            END LOOP;
            FOR i IN 1..3 LOOP
                INSERT INTO casnet.tasks (title) VALUES ('do ' || i);
                SELECT count(*) INTO n FROM casnet.records;
                IF n = 0 THEN RAISE EXCEPTION 'empty'; END IF;
            END LOOP;
        END $$"""), -1)
    check('a DO block with COMMIT', ask(app, """DO $$
        DECLARE n integer;
        BEGIN
            FOR i IN 1..3 LOOP
                SELECT count(*) INTO n FROM casnet.records;
                IF n = 0 THEN RAISE EXCEPTION 'empty'; END IF;
                COMMIT;
            END LOOP;
        END $$"""), -1)
    check('a DO block with exceptions', ask(app, """DO $$
        DECLARE n integer;
        BEGIN
            FOR i IN 1..2 LOOP
                BEGIN
                    INSERT INTO casnet.records (tenant_id, title) VALUES ('%s', 'foreign');
                    RAISE EXCEPTION 'written' USING ERRCODE = 'ZZZZZ';
                EXCEPTION WHEN insufficient_privilege THEN
                    SELECT count(*) INTO n FROM casnet.records;
                    IF n = 0 THEN RAISE EXCEPTION 'empty'; END IF;
                END;
            END LOOP;
        END $$""" % SOUTH), -1)
    all_rows = one(app, 'SELECT count(*) FROM casnet.records')
    count = 'SELECT count(*) FROM casnet.records'
    for level in ('READ COMMITTED', 'REPEATABLE READ'):
        ask(app, 'BEGIN ISOLATION LEVEL ' + level)
        check(level + ': reads', one(app, count), all_rows)
        ask(app, 'SAVEPOINT a')
        check(level + ': a savepoint', one(app, count), all_rows)
        ask(app, "INSERT INTO casnet.records (title) VALUES ('North within')")
        ask(app, 'RELEASE a')
        check(level + ': after RELEASE', one(app, count), all_rows + 1)
        ask(app, 'SAVEPOINT b')
        check(level + ': refused', ask(app, "INSERT INTO casnet.records (tenant_id, title) VALUES (%s, 'foreign')", SOUTH), '42501')
        ask(app, 'ROLLBACK TO b')
        check(level + ': after ROLLBACK TO', one(app, count), all_rows + 1)
        ask(app, "SET LOCAL casnet.tenant_id = ''")
        check(level + ': without a tenant', ask(app, count), lambda state: isinstance(state, str))
        ask(app, 'ROLLBACK')
        check(level + ': undone', one(app, count), all_rows)
    ask(app, 'BEGIN')
    be(app, MIA, SOUTH)
    check('the other tenant in a transaction', one(app, 'SELECT min(title) FROM casnet.records'), 'South 1')
    be(app, MIA, NORTH)
    check('and back', one(app, "SELECT count(*) FROM casnet.records WHERE title LIKE 'South%'"), 0)
    ask(app, 'COMMIT')
    be(app, OLGA, NORTH)
    ask(app, 'BEGIN')
    check('a cursor', ask(app, "DECLARE c CURSOR FOR SELECT title FROM casnet.records ORDER BY title COLLATE \"C\""), -1)
    check('its first rows', ask(app, 'FETCH 2 FROM c'), [('North 1',), ('North 10',)])
    be(app, ZOE, SOUTH)
    rows = ask(app, 'FETCH ALL FROM c')
    check('it shows no other session', rows, lambda rows: isinstance(rows, str) or
          all(not row[0].startswith('South') for row in rows))
    ask(app, 'ROLLBACK')
    be(app, OLGA, NORTH)
    check('several statements in a message', ask(app, 'SELECT count(*) FROM casnet.tags; SELECT count(*) FROM casnet.records'),
          [(all_rows,)])
    # Longer than a session of a worker is told for, in one transaction.
    if os.environ.get('CASNET_SLOW') == '1':
        ask(app, 'BEGIN')
        check('before a minute', one(app, count), all_rows)
        time.sleep(65)
        check('after a minute', one(app, count), all_rows)
        ask(app, 'COMMIT')


def workers(app, admin):
    shards = ask(admin, "SELECT table_name::text || '_' || shardid, nodeport FROM citus_shards "
                        "WHERE table_name::text IN ('casnet.records', 'casnet.users')")
    for port in WORKERS:
        for role in ('citus_backend', 'citus_web'):
            link = connect(role, port)
            check('%s on a worker: no statements of others' % role, ask(link, 'SELECT public.pg_stat_statements()'), '42501')
            check('%s on a worker: nobody reads a distributed table' % role, ask(link, 'SELECT * FROM casnet.records'), '28000')
            check('%s on a worker: nobody writes' % role, ask(link, "INSERT INTO casnet.records (tenant_id, title) VALUES (%s, 'x')", NORTH),
                  lambda state: isinstance(state, str))
            for shard in sorted(name for name, node in shards if node == port)[:3]:
                check('%s on a worker: nobody reads %s' % (role, shard.split('_')[0]), ask(link, 'SELECT * FROM ' + shard),
                      lambda have: have in ('28000', '42501', []) and (have != [] or 'users' in shard))
            check('%s on a worker: no keys' % role, ask(link, 'SELECT * FROM casnet_internal.signing_keys'), '42501')
            link.close()
        link = connect(port=port)
        check('a worker has the public key', one(link, "SELECT count(*) FROM casnet_internal.signing_keys WHERE kid = 'casnet-relay' "
                                                       'AND octet_length(key) = 44 AND retired_at IS NULL'), 1)
        check('and nothing else', one(link, 'SELECT count(*) FROM casnet_internal.signing_keys'), 1)
        private = one(admin, "SELECT encode(key, 'hex') FROM casnet_internal.signing_keys WHERE kid = 'casnet-relay'")
        check('the private key is on no worker', one(link, "SELECT count(*) FROM casnet_internal.signing_keys WHERE encode(key, 'hex') LIKE %s",
                                                     '%' + private + '%'), 0)
        check('a worker shows no activity', one(link, 'SHOW track_activities'), 'off')
        link.close()
    # A relayed token, as a superuser of a worker could read it.
    be(app, OLGA, NORTH)
    seen = one(admin, 'SELECT 1')
    spy = connect(port=WORKERS[0])
    ask(spy, 'SELECT 1')
    token = relayed_token(app, admin)
    check('a token was relayed', token, lambda text: isinstance(text, str) and text.count('.') == 2)
    web = connect('citus_web')
    ask(web, "SELECT set_config('casnet.token', %s, false), set_config('casnet.tenant_id', %s, false)", token, NORTH)
    check('the coordinator refuses a relayed token', ask(web, 'SELECT * FROM casnet.records'), '28000')
    web.close()
    spy.close()
    return seen


def relayed_token(app, admin):
    """The token that workers get.  The log of one shows it when a superuser asks for that."""
    for port in WORKERS:
        link = connect(port=port)
        ask(link, "ALTER SYSTEM SET log_statement = 'all'")
        ask(link, 'SELECT pg_reload_conf()')
        link.close()
    time.sleep(1)
    fresh = connect('citus_backend')
    be(fresh, OLGA, NORTH)
    ask(fresh, 'BEGIN')
    ask(fresh, 'SELECT count(*) FROM casnet.records')
    ask(fresh, 'COMMIT')
    fresh.close()
    time.sleep(0.5)
    token = None
    for port in WORKERS:
        link = connect(port=port)
        ask(link, 'ALTER SYSTEM RESET log_statement')
        ask(link, 'SELECT pg_reload_conf()')
        link.close()
        path = os.path.join(os.environ.get('CASNET_NODES', '.'), 'node%d.log' % port)
        if os.path.exists(path):
            with open(path, encoding='utf-8', errors='replace') as file:
                for line in file:
                    start = line.find("casnet.token TO 'ey")
                    if start >= 0:
                        token = line[start + 17:].split("'")[0]
    return token


# Statements alone carry the token of their session.
ALONE = {
    'a count': 'SELECT count(*) FROM casnet.records',
    'the tenant given': "SELECT title FROM casnet.records WHERE tenant_id = '%s' ORDER BY title LIMIT 3" % NORTH,
    'an insert': "INSERT INTO casnet.records (tenant_id, title) VALUES ('%s', 'North alone') RETURNING title" % NORTH,
    'an upsert': "INSERT INTO casnet.tags (tenant_id, name) VALUES ('%s', 'red') ON CONFLICT (tenant_id, name) "
                 'DO UPDATE SET name = excluded.name RETURNING name' % NORTH,
    'an update': "UPDATE casnet.records SET content = 'alone' WHERE title = 'North alone' RETURNING content",
    'a delete': "DELETE FROM casnet.records WHERE title = 'North alone' AND content = 'alone' RETURNING title",
}
START = 'eyJhbGciOiJFZERTQSIs'


def alone(app):
    """A statement alone needs one command on the worker, and nobody reads the token in it."""
    be(app, OLGA, NORTH)
    for name, statement in ALONE.items():
        before = ask(app, statement)
        check('%s: it works' % name, before, lambda rows: isinstance(rows, list) and len(rows) > 0)
        if name == 'a delete':
            ask(app, ALONE['an insert'])
            ask(app, ALONE['an update'])
        plan = str(ask(app, 'EXPLAIN (VERBOSE) ' + statement))
        check('%s: EXPLAIN shows no token' % name, START in plan or 'Task Count: 1' not in plan, False)
        del app.notices[:]
        for setting in ('client_min_messages = debug5', 'debug_print_parse = on', 'debug_print_rewritten = on'):
            ask(app, 'SET ' + setting)
        ask(app, statement)
        for setting in ('client_min_messages', 'debug_print_parse', 'debug_print_rewritten'):
            ask(app, 'RESET ' + setting)
        shown = ''.join(app.notices)
        check('%s: no message shows the token' % name, START in shown or '101 121 74 104 98 71' in shown, False)
        check('%s: one command' % name, shown.count('commands sent over the session') > 0 and
              all(': 1 to node' in line for line in shown.split('\n') if 'commands sent over the session' in line), True)
    # What runs on the worker knows its own statement.
    for name, call in (('current_query()', 'current_query()'),
                       ('pg_cursors', "query_to_xml('SELECT statement FROM pg_cursors', true, false, '')::text"),
                       ('pg_prepared_statements', "query_to_xml('SELECT statement FROM pg_prepared_statements', true, false, '')::text"),
                       ('the activity', "query_to_xml('SELECT query FROM pg_stat_activity', true, false, '')::text")):
        for statement in ('SELECT %s FROM casnet.records LIMIT 1', "UPDATE casnet.records SET content = %s || content "
                          "WHERE title = 'North 1' RETURNING content"):
            check('%s on a worker shows no token' % name, START in str(ask(app, statement % call)), False)
    ask(app, "SELECT set_config('debug_print_parse', 'on', false), set_config('client_min_messages', 'debug5', false) FROM casnet.records")
    del app.notices[:]
    ask(app, 'SET client_min_messages = debug5')
    ask(app, 'SELECT title FROM casnet.records')
    ask(app, 'RESET client_min_messages')
    shown = ''.join(app.notices)
    check('a worker that says all says no token', START in shown or '101 121 74 104 98 71' in shown, False)
    # Whoever writes such a test gains nothing.
    forged = START + 'InR5cCI6IkpXVCIsImtpZCI6ImNhc25ldC1yZWxheSJ9.e30.AA'
    check('a test of its own', one(app, "SELECT count(*) > 0 FROM casnet.records WHERE '%s' IS NOT NULL" % forged), True)
    check('in a value', ask(app, "INSERT INTO casnet.records (tenant_id, title) VALUES ('%s', CASE WHEN '%s'::text IS NULL THEN 'a' ELSE 'North own' END)"
                            % (NORTH, forged)), lambda have: have in (1, '22023', '28000'))
    be(app, None, NORTH)
    check('a test of nobody', ask(app, "SELECT count(*) FROM casnet.records WHERE '%s' IS NOT NULL" % forged), '28000')
    check('a value of nobody', ask(app, "INSERT INTO casnet.records (tenant_id, title) VALUES ('%s', CASE WHEN '%s'::text IS NULL THEN 'a' ELSE 'b' END)"
                                   % (NORTH, forged)), lambda have: have in ('22023', '28000'))
    be(app, OLGA, NORTH)
    check('UPDATE of the tenant to its own', ask(app, 'UPDATE casnet.records SET tenant_id = %s', NORTH), lambda have: isinstance(have, str))


def protocol():
    """Statements that the driver prepares, by pgbench: they follow the session, too."""
    def bench(name, script, want):
        with tempfile.NamedTemporaryFile('w', suffix='.sql', delete=False) as file:
            file.write(script)
        for mode in ('extended', 'prepared'):
            run = subprocess.run([os.path.join(os.environ['CASNET_BINDIR'], 'pgbench'), '-n', '-t', '8', '-M', mode, '-f', file.name],
                                 env=dict(os.environ, PGUSER='citus_backend'), capture_output=True, text=True)
            check('%s, %s' % (name, mode), want in run.stderr if want else (run.returncode, 'aborted' in run.stderr) == (0, False), True)
        os.unlink(file.name)

    be_ = "SET casnet.user_id = '%s';\nSET casnet.tenant_id = '%s';\n"
    count = 'SELECT count(*) AS n, count(*) FILTER (WHERE title LIKE \'%s%%\') AS own FROM casnet.records \\gset\n'
    must = '\\if :n = 0 or :n <> :own\nSELECT 1/0;\n\\endif\n'
    north, south = count % 'North', count % 'South'
    nobody = "SET casnet.user_id = '';\n"
    bench('two tenants', be_ % (OLGA, NORTH) + north.replace('North%', '%') + be_ % (ZOE, SOUTH) + south + must, '')
    bench('nobody', be_ % (OLGA, NORTH) + north + nobody + north, 'nobody is signed in')
    bench('a stranger', be_ % (OLGA, NORTH) + north + be_ % (ZOE, NORTH) + north, 'not a member')
    read = 'SELECT title FROM casnet.records LIMIT 1;\n'
    write = "INSERT INTO casnet.tags (tenant_id, name) VALUES ('%s', gen_random_uuid()::text);\n" % NORTH
    for name, statement in (('reads', read), ('writes', write)):
        bench('nobody %s in a pipeline' % name, be_ % (OLGA, NORTH) + '\\startpipeline\n' + statement + nobody + statement + '\\endpipeline\n',
              'nobody is signed in')


def functions_of_citus(app, admin):
    """What Citus lets every role call."""
    be(app, OLGA, NORTH)
    ask(admin, 'CREATE SCHEMA IF NOT EXISTS citus_own')
    ask(admin, 'GRANT ALL ON SCHEMA citus_own TO citus_backend')
    ask(app, 'CREATE TABLE citus_own.places (tenant_id uuid, name text)')
    ask(app, "SET application_name = 'citus_internal gpid=10000000001'")
    shard = one(admin, "SELECT get_shard_id_for_distribution_column('casnet.records', %s)", NORTH)
    for call in ('assign_distributed_transaction_id(0, 1, now())', "citus_run_local_command('SELECT 1')",
                 'lock_shard_resources(7, ARRAY[%s])' % shard, 'lock_shard_metadata(7, ARRAY[%s])' % shard,
                 "lock_relation_if_exists('casnet.records', 'ACCESS EXCLUSIVE')",
                 "citus_unmark_object_distributed(1259, 'casnet.records'::regclass::oid, 0, false)",
                 'citus_internal.delete_placement_metadata(0)',
                 "citus_internal.update_none_dist_table_metadata('casnet.users'::regclass, 'c', 1, true)",
                 "column_to_column_name('casnet.records', '{VAR}')", "worker_split_copy(1, 'id', ARRAY[]::split_copy_info[])",
                 "worker_save_query_explain_analyze('SELECT 1', '{}')", 'worker_last_saved_explain_analyze()'):
        name = call.split('(')[0]
        check('%s() is not for applications' % name, ask(app, 'SELECT ' + call), lambda state: state in ('42501', '42601'))
        check('nor on a worker: ' + name, ask(app, 'SELECT (SELECT count(*) FROM %s AS f) FROM casnet.records' % call),
              lambda state: state in ('42501', '42601'))
    ask(app, 'RESET application_name')
    for name, value in (('citus.propagate_set_commands', 'local'), ('citus.log_remote_commands', 'on'),
                        ('citus.worker_min_messages', 'debug5')):
        check(name + ' is not for applications', ask(app, 'SELECT set_config(%s, %s, false)', name, value), '42501')
    check('a table of its own is not distributed by an application',
          ask(app, "SELECT create_distributed_table('citus_own.places', 'tenant_id')"), '42501')
    # Functions of the application are on workers, too.
    for name, body in (('number', "PERFORM assign_distributed_transaction_id(0, 1, now()); RETURN ''"),
                       ('locks', "PERFORM lock_shard_resources(7, ARRAY[%s]); RETURN ''" % shard),
                       ('tables', "PERFORM lock_relation_if_exists('casnet.records_%s', 'ACCESS EXCLUSIVE'); RETURN ''" % shard),
                       ('estimates', "PERFORM * FROM worker_save_query_explain_analyze('SELECT title FROM casnet.records_%s', '{}') AS f (t text); "
                                     'RETURN (SELECT explain_analyze_output FROM worker_last_saved_explain_analyze())' % shard)):
        check('a function of its own: ' + name,
              ask(app, 'CREATE FUNCTION citus_own.%s() RETURNS text LANGUAGE plpgsql AS $$BEGIN %s; END$$' % (name, body)), -1)
        check('it may not on a worker: ' + name, ask(app, 'SELECT citus_own.%s() FROM casnet.records' % name), '42501')
    check('nobody reads a relayed token', ask(app, "SELECT DISTINCT current_setting('casnet.token') FROM casnet.records"), [('',)])
    check('a plan is still shown', ask(app, 'EXPLAIN (ANALYZE) SELECT title FROM casnet.records'),
          lambda rows: isinstance(rows, list) and 'rows=' not in str(rows))
    ask(admin, 'DROP SCHEMA citus_own CASCADE')


def moved(app, admin):
    """A shard moves with all that protects it."""
    be(app, OLGA, NORTH)
    rows = one(app, 'SELECT count(*) FROM casnet.records')
    shard, port = ask(admin, "SELECT get_shard_id_for_distribution_column('casnet.records', %s), NULL", NORTH)[0]
    port = one(admin, 'SELECT nodeport FROM citus_shards WHERE shardid = %s', shard)
    other = [node for node in WORKERS if node != port][0]
    check('a shard moves', one(admin, "SELECT citus_move_shard_placement(%s, '127.0.0.1', %s, '127.0.0.1', %s, 'block_writes')",
                               shard, port, other), '')
    check('it is elsewhere', one(admin, 'SELECT nodeport FROM citus_shards WHERE shardid = %s', shard), other)
    check('with its rows', one(app, 'SELECT count(*) FROM casnet.records'), rows)
    check('and its policies', ask(app, "INSERT INTO casnet.records (tenant_id, title) VALUES (%s, 'foreign')", SOUTH), '42501')
    check('it takes rows', one(app, "INSERT INTO casnet.records (title) VALUES ('North moved') RETURNING tenant_id::text"), NORTH)
    be(app, MIA, NORTH)
    with admin.cursor() as cursor:
        cursor.execute('DELETE FROM casnet.user_tenants WHERE user_id = %s AND tenant_id = %s', (MIA, NORTH))
    check('a member removed afterwards', ask(app, 'SELECT * FROM casnet.records'), '42501')


def silent(app):
    """No empty answer where rows are."""
    be(app, OLGA, NORTH)
    check('tag_counts()', ask(app, "SELECT count(*) FROM casnet.tag_counts()"), lambda have: isinstance(have, str) or have[0][0] > 0)
    check('records_tagged()', ask(app, "SELECT count(*) FROM casnet.records_tagged(ARRAY['red'])"), [(1,)])
    check('records_tagged() under another name', ask(app, "SELECT t = ANY (SELECT id FROM casnet.records)"
                                                          " FROM casnet.records_tagged(ARRAY['red']) AS t"), [(True,)])
    ask(app, 'CREATE TEMP TABLE places (id uuid)')
    ask(app, 'INSERT INTO places VALUES (%s), (%s)', NORTH, SOUTH)
    for join in ('LEFT JOIN', 'FULL JOIN'):
        check('a table of the session, then ' + join,
              ask(app, 'SELECT count(DISTINCT left(r.title, 5)), min(left(r.title, 5)) FROM places AS p %s casnet.records AS r ON r.tenant_id = p.id'
                       " AND r.tenant_id IS NOT NULL AND r.title LIKE '%%th%%' LEFT JOIN casnet.tags AS t ON t.tenant_id IS NOT NULL"
                       " WHERE r.title LIKE '%%th%%'" % join), [(1, 'North')])
    ask(app, 'CREATE FUNCTION pg_temp.both() RETURNS SETOF text LANGUAGE sql STABLE AS'
             ' $$SELECT title FROM casnet.records UNION ALL SELECT name FROM casnet.tags$$')
    check('a UNION in a function, under another name', ask(app, "SELECT DISTINCT left(f, 5) FROM pg_temp.both() AS f WHERE f ~ 'North|red'"
                                                                ' ORDER BY 1'), [('North',), ('red',)])
    check('search_records()', ask(app, "SELECT count(*) FROM casnet.search_records('North')"),
          lambda have: isinstance(have, str) or have[0][0] > 0)
    check('members()', ask(app, 'SELECT count(*) FROM casnet.members()'), [(2,)])
    check('my_tenants()', ask(app, 'SELECT count(*) FROM casnet.my_tenants()'), [(1,)])
    be(app, NORA)
    check('without a tenant', ask(app, 'SELECT * FROM casnet.records'), lambda have: isinstance(have, str))
    be(app, NORA, NORTH)
    check('a stranger', ask(app, 'SELECT * FROM casnet.records'), '42501')
    be(app, None, NORTH)
    check('nobody', ask(app, 'SELECT * FROM casnet.records'), '28000')


def main():
    admin = connect()
    fill(admin)
    # As an administrator has it who looks for slow statements; any function of that name.
    for port in WORKERS:
        link = connect(port=port)
        ask(link, 'SET citus.enable_ddl_propagation = off')
        ask(link, "CREATE FUNCTION public.pg_stat_statements() RETURNS text LANGUAGE sql AS $$SELECT 'a token'$$")
        link.close()
    check('distribute()', one(admin, 'SELECT casnet.distribute(%s)', SHARDS), 13)
    app = connect('citus_backend')
    reads(app)
    writes(app, admin)
    revocation(app, admin)
    statements(app)
    transactions(app)
    workers(app, admin)
    silent(app)
    alone(app)
    protocol()
    functions_of_citus(app, admin)
    moved(app, admin)
    check('doctor()', ask(admin, "SELECT code, object, problem FROM casnet.doctor() WHERE severity = 'error'"), [])
    finish()


main()
