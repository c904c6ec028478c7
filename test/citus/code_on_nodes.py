#!/usr/bin/python3 -B
"""code_on_nodes.py - functions of applications that run on the nodes of a real Citus gain nothing.

scripts/citus.sh runs this on a fresh database that has casnet, with the PG* variables of the
coordinator and the ports of the workers in CASNET_WORKERS.  Prints `ok N - name` or
`not ok N - name`, and at last `X passed, Y failed`.
"""
from nodes import MIA, NORA, NORTH, OLGA, SHARDS, SOUTH, WORKERS, ZOE, ask, be, check, connect, finish, one

START = 'eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6ImNhc25ldC1yZWxheSJ9.'
ON_WORKER = 'SELECT attack.run(%s) FROM casnet.records LIMIT 1'


def fill(admin):
    for statement in (
            'DROP ROLE IF EXISTS citus_backend', 'CREATE ROLE citus_backend LOGIN',
            'GRANT casnet_authenticator TO citus_backend',
            'CREATE SCHEMA attack', 'GRANT ALL ON SCHEMA attack TO citus_backend'):
        ask(admin, statement)
    with admin.cursor() as cursor:
        for user, name in ((OLGA, 'olga'), (MIA, 'mia'), (ZOE, 'zoe'), (NORA, 'nora')):
            cursor.execute('INSERT INTO casnet.users (id, username, email) VALUES (%s, %s, %s)',
                           (user, name, name + '@citus.test'))
        for tenant, name in ((NORTH, 'North'), (SOUTH, 'South')):
            cursor.execute('INSERT INTO casnet.tenants (id, name) VALUES (%s, %s)', (tenant, name))
        for user, tenant, role in ((OLGA, NORTH, 'owner'), (MIA, NORTH, 'member'), (ZOE, SOUTH, 'owner'), (NORA, SOUTH, 'member')):
            cursor.execute('INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%s, %s, %s)',
                           (user, tenant, role))
        cursor.execute("INSERT INTO casnet.records (tenant_id, title) SELECT id, name || ' 1' FROM casnet.tenants")
    check('distribute()', one(admin, 'SELECT casnet.distribute(%s)', SHARDS), 13)


def functions(app):
    """What the attacks call.  Functions of an application are on all nodes."""
    for name, body in (
            ('run(command text) RETURNS text LANGUAGE plpgsql',
             "BEGIN EXECUTE command; RETURN 'done'; END"),
            ('value(command text) RETURNS text LANGUAGE plpgsql',
             'DECLARE result text; BEGIN EXECUTE command INTO result; RETURN result; END'),
            ('other(a uuid) RETURNS boolean LANGUAGE plpgsql IMMUTABLE',
             "BEGIN RETURN current_setting('port')::integer IN (%s); END" % ', '.join(map(str, WORKERS))),
            ('node() RETURNS text LANGUAGE plpgsql IMMUTABLE', "BEGIN RETURN current_setting('port'); END"),
            ('rises(a text) RETURNS boolean LANGUAGE plpgsql',
             "BEGIN IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN "
             "RAISE EXCEPTION 'a superuser' USING ERRCODE = 'ZZZZZ'; END IF; RETURN true; END"),
            ('reads(a text) RETURNS boolean LANGUAGE plpgsql',
             "BEGIN RAISE WARNING '%', reverse(current_query()); RETURN true; END")):
        check('function ' + name.split('(')[0], ask(app, 'CREATE FUNCTION attack.%s AS $$%s$$' % (name, body)), -1)
    for name in ('rises', 'reads'):
        check('domain ' + name, ask(app, 'CREATE DOMAIN attack.%s_domain AS text CHECK (attack.%s(VALUE))' % (name, name)), -1)


def superuser(app):
    """Citus makes on workers, as a superuser, what an object of an application needs."""
    for name, made, needed in (
            ('a view', "CREATE VIEW attack.made1 AS SELECT '{a}'::attack.rises_domain[] AS x", 'SELECT * FROM attack.made1'),
            ('a default', "CREATE FUNCTION attack.made2(x attack.rises_domain[] DEFAULT '{a}') RETURNS text LANGUAGE sql AS $$SELECT 'a'$$",
             'SELECT attack.made2()'),
            ('a body', "CREATE FUNCTION attack.made3() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT ('{a}'::attack.rises_domain[])::text; END",
             'SELECT attack.made3()')):
        ask(app, 'SET citus.enable_ddl_propagation = off')
        check('%s that calls code is made' % name, ask(app, made), -1)
        ask(app, 'RESET citus.enable_ddl_propagation')
        check('%s calls nothing as a superuser' % name, ask(app, 'CREATE VIEW attack.needs_%s AS %s' % (name[2:], needed)), '42501')
    check('as the application itself it may', ask(app, "CREATE VIEW attack.own AS SELECT '{a}'::attack.rises_domain[] AS x"), -1)


def tokens(app):
    """Nobody reads a token that names a session to a worker, or sets one."""
    be(app, OLGA, NORTH)
    for name, statement in (
            ('a condition', "SELECT title FROM casnet.records WHERE '{a}'::attack.reads_domain[] IS NOT NULL"),
            ('a value', "SELECT title, '{a}'::attack.reads_domain[] FROM casnet.records"),
            ('an order', "SELECT title FROM casnet.records ORDER BY '{a}'::attack.reads_domain[]"),
            ('an update', "UPDATE casnet.records SET content = title WHERE '{a}'::attack.reads_domain[] IS NOT NULL")):
        del app.notices[:]
        check('%s that runs code while it is parsed' % name, ask(app, statement), lambda have: not isinstance(have, str))
        shown = ''.join(app.notices)
        check('%s shows no token' % name, (START[:-1][::-1] in shown, shown.count('WARNING') > 0), (False, True))
    for name, command in (('set_config()', "SELECT set_config('casnet.token', '%se30.AA', true)" % START),
                          ('SET', "SET casnet.token = '%se30.AA'" % START)):
        check('%s sets no token for workers in a function' % name, ask(app, ON_WORKER, command), '42501')
    check('the session is as it was', one(app, 'SELECT min(title) FROM casnet.records'), 'North 1')


def copies(admin, app):
    """Each node has the same memberships, and an entry of the audit for each change."""
    shard = {table: one(admin, 'SELECT shardid FROM pg_dist_shard WHERE logicalrelid = %s::regclass', 'casnet.' + table)
             for table in ('users', 'user_tenants')}

    def each_node():
        rows = []
        for port in [None] + WORKERS:
            link = connect(port=port) if port else connect()
            rows.append(ask(link, 'SELECT user_id, tenant_id, role FROM casnet.user_tenants_%s ORDER BY 1, 2' % shard['user_tenants']))
            link.close()
        return rows

    before = each_node()
    be(app, OLGA, NORTH)
    ask(app, 'CREATE TEXT SEARCH CONFIGURATION attack.words (COPY = pg_catalog.simple)')
    ask(app, "CREATE TYPE attack.kind AS ENUM ('a', 'b')")
    for name, command in (
            ('INSERT', "INSERT INTO casnet.user_tenants_%s (user_id, tenant_id, role) VALUES ('%s', '%s', 'owner')"
             % (shard['user_tenants'], NORA, NORTH)),
            ('UPDATE', "UPDATE casnet.user_tenants_%s SET role = 'admin' WHERE user_id = '%s'" % (shard['user_tenants'], MIA)),
            ('DELETE', "DELETE FROM casnet.user_tenants_%s WHERE user_id = '%s'" % (shard['user_tenants'], MIA)),
            ('a CTE', "WITH d AS (DELETE FROM casnet.user_tenants_%s WHERE user_id = '%s' RETURNING 1) SELECT * FROM d"
             % (shard['user_tenants'], MIA)),
            ('FOR UPDATE', "SELECT 1 FROM casnet.users_%s WHERE id = '%s' FOR UPDATE" % (shard['users'], OLGA)),
            ('FOR KEY SHARE', "SELECT 1 FROM casnet.users_%s WHERE id = '%s' FOR KEY SHARE" % (shard['users'], OLGA))):
        check('%s in a function on a worker' % name, ask(app, ON_WORKER, command), '42501')
    for name, statement in (
            ('an immutable function', "DELETE FROM casnet.user_tenants WHERE attack.other(user_id) AND user_id = '%s'" % MIA),
            ('one of values', "UPDATE casnet.user_tenants SET role = CASE attack.node() WHEN '1' THEN 'admin' ELSE 'viewer' END "
                              "WHERE user_id = '%s'" % MIA),
            ('the place of a row', "DELETE FROM casnet.user_tenants WHERE ctid = '(0,2)'"),
            ('a transaction', "DELETE FROM casnet.user_tenants WHERE xmin::text <> '3' AND user_id = '%s'" % MIA),
            ('a configuration', "DELETE FROM casnet.user_tenants WHERE to_tsvector('attack.words', role) @@ 'member'"),
            ('a type', "DELETE FROM casnet.user_tenants WHERE role IN ('member', ('b'::attack.kind)::text)"),
            ('any row', "DELETE FROM casnet.user_tenants WHERE user_id = (SELECT user_id FROM casnet.user_tenants WHERE user_id <> '%s' LIMIT 1)" % OLGA)):
        check('%s does not differ between nodes' % name, ask(app, statement), '0A000')
    check('all nodes are as they were', each_node() == before and len({str(rows) for rows in before}) == 1, True)
    check('a plain change works', ask(app, "UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = %s", MIA), 1)
    check('on all nodes', len({str(rows) for rows in each_node()}), 1)


def ends(app):
    """No statement ends the server."""
    be(app, OLGA, NORTH)
    check('an element as another type of the same kind',
          ask(app, "UPDATE casnet.records SET content = (ARRAY[title])[1]::varchar WHERE title = 'North 1'"), 1)
    check('and another one', ask(app, "UPDATE casnet.records SET content = ((ARRAY[title])[1])::varchar::text WHERE title = 'North 1'"), 1)
    check('worker_copy_table_to_node()', ask(app, 'SELECT worker_copy_table_to_node(0::regclass, 0)'), '42501')
    check('fetch_intermediate_results()', ask(app, "SELECT fetch_intermediate_results(ARRAY['a'], '127.0.0.1', 9)"), '42501')
    check('on a worker', ask(app, ON_WORKER, "SELECT fetch_intermediate_results(ARRAY['a'], '127.0.0.1', 9)"), '42501')
    check('nor there', ask(app, ON_WORKER, 'SELECT worker_copy_table_to_node(0::regclass, 0)'), '42501')


def pooled(app):
    """DISCARD ALL leaves nothing in the sessions of workers."""
    be(app, OLGA, NORTH)
    setting = "SELECT attack.value('SELECT current_setting(''attack.left'', true)') FROM casnet.records LIMIT 1"
    for name, statement in (('for the session', "SET standard_conforming_strings = 'off'"),
                            ('for the role', "ALTER ROLE citus_backend SET standard_conforming_strings = 'off'")):
        check('strings stay as they are %s' % name, ask(app, statement), '0A000')
    check('nor in a function on a worker', ask(app, ON_WORKER, "SET standard_conforming_strings = 'off'"), '0A000')
    ask(app, ON_WORKER, "SELECT set_config('attack.left', 'by olga', false)")
    ask(app, ON_WORKER, 'CREATE TEMPORARY TABLE left_by_olga (a integer)')
    check('a setting of a worker', one(app, setting), 'by olga')
    check('DISCARD ALL', ask(app, 'DISCARD ALL'), -1)
    be(app, MIA, NORTH)
    check('no setting of the former user', one(app, setting), lambda have: have in (None, ''))
    check('no table of the former user', ask(app, ON_WORKER, 'SELECT * FROM left_by_olga'), '42P01')
    ask(app, 'BEGIN')
    check('a text is a text', ask(app, 'SELECT title FROM casnet.records WHERE title = %s',
                                  "\\' OR attack.run($$SELECT 1$$) IS NOT NULL)) --"), [])
    ask(app, 'ROLLBACK')
    check('DISCARD ALL once more', (ask(app, 'DISCARD ALL'), ask(app, 'DISCARD ALL')), (-1, -1))


def held(admin):
    """Whoever keeps a transaction open keeps nobody from being stopped."""
    ask(admin, "SET statement_timeout = '15s'")
    for name, statement in (('a change', "UPDATE casnet.users SET full_name = 'Zoe' WHERE id = '%s'" % ZOE),
                            ('FOR UPDATE of the account', "SELECT 1 FROM casnet.users WHERE id = '%s' FOR UPDATE" % ZOE),
                            ('FOR UPDATE of memberships', 'SELECT 1 FROM casnet.user_tenants FOR UPDATE'),
                            ('FOR UPDATE of tenants', 'SELECT 1 FROM casnet.tenants FOR UPDATE')):
        for change, undo in (("SELECT casnet.deactivate_user('%s')" % MIA, "SELECT casnet.reactivate_user('%s')" % MIA),
                             ("SELECT casnet.remove_member('mia')", "SELECT casnet.add_member('mia', 'member')")):
            other = connect('citus_backend')
            be(other, ZOE, SOUTH)
            ask(other, 'BEGIN')
            check('%s in another tenant' % name, ask(other, statement), lambda have: not isinstance(have, str))
            ask(admin, "SELECT set_config('casnet.tenant_id', %s, false)", NORTH)
            check('%s does not hold up %s' % (name, change.split('.')[1].split('(')[0]), one(admin, change), '')
            other.close()
            check('undone', one(admin, undo), '')
    ask(admin, 'RESET statement_timeout')


def main():
    admin = connect()
    fill(admin)
    app = connect('citus_backend')
    functions(app)
    superuser(app)
    tokens(app)
    copies(admin, app)
    ends(app)
    pooled(app)
    held(admin)
    check('doctor()', ask(admin, "SELECT code, object, problem FROM casnet.doctor() WHERE severity = 'error'"), [])
    finish()


main()
