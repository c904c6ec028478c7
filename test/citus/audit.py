#!/usr/bin/python3 -B
"""audit.py - who changed what on a real Citus: entries are written, read, moved and removed.

scripts/citus.sh runs this on a fresh database that has casnet, with the PG* variables of the
coordinator and the ports of the workers in CASNET_WORKERS.  Prints `ok N - name` or
`not ok N - name`, and at last `X passed, Y failed`.
"""
import io

from nodes import MIA, NORTH, OLGA, SHARDS, SOUTH, WORKERS, ZOE, ask, be, check, connect, finish, one

LOG = ("SELECT username, relation, action, coalesce(before ->> 'title', ''), coalesce(after ->> 'title', '')"
       ' FROM casnet.audit_log(max_rows => %s)')


def entries(admin, tenant=None, relation=None):
    """The numbers of entries on the coordinator and on the workers."""
    wanted = " WHERE coalesce(tenant_id::text, '') = coalesce(%s, tenant_id::text, '') AND relation = coalesce(%s, relation)"
    return tuple(one(admin, 'SELECT count(*) FROM casnet_internal.%s%s' % (table, wanted), tenant, relation)
                 for table in ('audit_entries', 'audit_on_nodes'))


def findings(admin):
    return ask(admin, "SELECT code, object, problem FROM casnet.doctor() WHERE code <> 'audit-incomplete'")


def fill(admin):
    for statement in (
            'DROP ROLE IF EXISTS citus_backend', 'CREATE ROLE citus_backend LOGIN',
            'GRANT casnet_authenticator TO citus_backend',
            'DROP ROLE IF EXISTS citus_web', 'CREATE ROLE citus_web LOGIN', 'GRANT casnet_user TO citus_web, citus_backend',
            'DROP ROLE IF EXISTS citus_admin', 'CREATE ROLE citus_admin LOGIN', 'GRANT casnet_admin TO citus_admin'):
        ask(admin, statement)
    with admin.cursor() as cursor:
        for user, name in ((OLGA, 'olga'), (MIA, 'mia'), (ZOE, 'zoe')):
            cursor.execute('INSERT INTO casnet.users (id, username, email) VALUES (%s, %s, %s)',
                           (user, name, name + '@citus.test'))
        for tenant, name in ((NORTH, 'North'), (SOUTH, 'South')):
            cursor.execute('INSERT INTO casnet.tenants (id, name) VALUES (%s, %s)', (tenant, name))
        for user, tenant, role in ((OLGA, NORTH, 'owner'), (MIA, NORTH, 'member'), (ZOE, SOUTH, 'owner')):
            cursor.execute('INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%s, %s, %s)',
                           (user, tenant, role))
    for table in ('records', 'users', 'user_tenants'):
        ask(admin, 'SELECT casnet.enable_audit(%s)', 'casnet.' + table)
    ask(admin, "SELECT casnet.enable_audit('casnet.persons', '{birth_date}')")
    for statement in ('DROP TABLE IF EXISTS public.notes', 'CREATE TABLE public.notes (id integer PRIMARY KEY, tenant_id uuid)',
                      'ALTER TABLE public.notes OWNER TO citus_admin', 'ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY'):
        ask(admin, statement)
    check('a table of the application is audited', one(connect('citus_admin'), "SELECT casnet.enable_audit('public.notes')"), '')


def distributed(admin, app):
    """distribute() takes the audit along."""
    be(app, OLGA, NORTH)
    ask(app, "INSERT INTO casnet.records (title) VALUES ('old')")
    before = ask(admin, 'SELECT * FROM casnet_internal.audited_tables()')
    check('distribute()', one(admin, 'SELECT casnet.distribute(%s)', SHARDS), 13)
    check('the same tables are audited, since the same time',
          ask(admin, 'SELECT * FROM casnet_internal.audited_tables()'), before)
    check('the shards of the audit are beside the others', one(
        admin, 'SELECT count(DISTINCT colocationid) FROM pg_dist_partition WHERE logicalrelid IN'
               " ('casnet.records'::regclass, 'casnet_internal.audit_on_nodes'::regclass)"), 1)
    check('doctor() has nothing to say', findings(admin), [])
    check('the entry of before is read', ask(app, LOG % 10), [('olga', 'casnet.records', 'INSERT', '', 'old')])
    check('an application may not audit', one(app, "SELECT casnet.enable_audit('casnet.tasks')"), '42501')
    check('nor an administrator who does not own the table',
          one(connect('citus_admin'), "SELECT casnet.enable_audit('casnet.tasks')"), '42501')
    for table in ('tasks', 'record_tags', 'tags'):
        check('enable_audit() of ' + table, one(admin, 'SELECT casnet.enable_audit(%s)', 'casnet.' + table), '')
    check('the audit is not audited', one(admin, "SELECT casnet.enable_audit('casnet_internal.audit_on_nodes')"), '42809')
    check('doctor() nor now', findings(admin), [])


def changes(admin, app):
    """Each change has one entry, with who, what and how."""
    be(app, OLGA, NORTH)
    new = one(app, "INSERT INTO casnet.records (title) VALUES ('new') RETURNING id")
    ask(app, "UPDATE casnet.records SET title = 'newer' WHERE id = %s", new)
    ask(app, "UPDATE casnet.records SET title = 'newer' WHERE id = %s", new)
    ask(app, 'DELETE FROM casnet.records WHERE id = %s', new)
    check('a row that comes, changes and goes', ask(app, LOG % 3), [
        ('olga', 'casnet.records', 'DELETE', 'newer', ''), ('olga', 'casnet.records', 'UPDATE', 'new', 'newer'),
        ('olga', 'casnet.records', 'INSERT', '', 'new')])
    check('its history', [row[0] for row in ask(app, "SELECT action FROM casnet.history('casnet.records', %s::uuid)", new)],
          ['DELETE', 'UPDATE', 'INSERT'])
    check('its key', one(app, "SELECT row_key FROM casnet.audit_log(max_rows => 1)"), {'tenant_id': NORTH, 'id': new})
    check('an update has what changed',
          ask(app, "SELECT before, after FROM casnet.audit_log(max_rows => 1, for_action => 'UPDATE')"),
          [({'title': 'new'}, {'title': 'newer'})])
    check('the roles', ask(admin, 'SELECT DISTINCT role, session_role FROM casnet_internal.audit_on_nodes'
                                  " WHERE row_key ->> 'id' = %s", new), [('citus_backend', 'citus_backend')])
    before = entries(admin)
    ask(app, 'BEGIN')
    ask(app, "INSERT INTO casnet.records (title) VALUES ('undone')")
    ask(app, 'ROLLBACK')
    check('an undone change has none', entries(admin), before)
    ask(app, 'BEGIN')
    ask(app, "INSERT INTO casnet.records (title) VALUES ('kept')")
    ask(app, 'SAVEPOINT s')
    ask(app, "INSERT INTO casnet.records (title) VALUES ('undone')")
    ask(app, 'ROLLBACK TO s')
    ask(app, "INSERT INTO casnet.tags (name) VALUES ('kept')")
    ask(app, 'COMMIT')
    check('nor one that is undone alone', entries(admin), (before[0], before[1] + 2))
    check('the others are of one transaction',
          ask(app, 'SELECT count(*), count(DISTINCT transaction_id) FROM casnet.audit_log(max_rows => 2)'), [(2, 1)])
    check('several rows', ask(app, "INSERT INTO casnet.records (title) SELECT 'row ' || i FROM generate_series(1, 250) AS i"), 250)
    with admin.cursor() as cursor:
        cursor.copy_expert('COPY casnet.records (tenant_id, title) FROM STDIN', io.StringIO('%s\tcopied\n%s\tcopied too\n' % (NORTH, SOUTH)))
    ask(app, "WITH gone AS (DELETE FROM casnet.records WHERE title = 'row 1' RETURNING title) SELECT * FROM gone")
    ask(app, "INSERT INTO casnet.tags (name) VALUES ('kept') ON CONFLICT (tenant_id, name) DO UPDATE SET name = 'other'")
    check('each has an entry', entries(admin), (before[0], before[1] + 256))
    be(app, ZOE, SOUTH)
    ask(app, "INSERT INTO casnet.records (title) VALUES ('foreign')")
    check('another tenant reads its own', ask(app, LOG % 100), [('zoe', 'casnet.records', 'INSERT', '', 'foreign'),
                                                                (None, 'casnet.records', 'INSERT', '', 'copied too')])
    ask(app, "INSERT INTO casnet.persons (name, birth_date) VALUES ('Ada', '1815-12-10')")
    check('a column that is left out', one(app, "SELECT after ? 'birth_date' FROM casnet.audit_log(max_rows => 1)"), False)
    ask(admin, "INSERT INTO casnet.records (tenant_id, title) SELECT id, 'by nobody' FROM casnet.tenants")
    check('nobody', ask(app, LOG % 1), [(None, 'casnet.records', 'INSERT', '', 'by nobody')])


def copies(admin, app):
    """What each node has is recorded once, and what follows where it is."""
    be(app, OLGA, NORTH)
    old = one(app, "SELECT id FROM casnet.records WHERE title = 'old'")
    ask(app, "INSERT INTO casnet.tasks (title, record_id, assignee_id) VALUES ('do', %s, %s)", old, MIA)
    ask(app, "INSERT INTO casnet.record_tags (record_id, tag_id) SELECT %s, id FROM casnet.tags", old)
    before = entries(admin)
    ask(app, "UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = %s", MIA)
    check('a change of a role', entries(admin), (before[0] + 1, before[1]))
    check('is the user\'s', ask(app, 'SELECT username, role, relation, action, before, after FROM casnet.audit_log(max_rows => 1)'),
          [('olga', 'citus_backend', 'casnet.user_tenants', 'UPDATE', {'role': 'member'}, {'role': 'viewer'})])
    check('and in the history of the membership', one(
        app, "SELECT count(*) FROM casnet.history('casnet.user_tenants', '{\"user_id\": \"%s\"}')" % MIA), 1)
    ask(app, 'DELETE FROM casnet.user_tenants WHERE user_id = %s', MIA)
    check('a removal, and the task without assignee', entries(admin), (before[0] + 2, before[1] + 1))
    check('are the user\'s', ask(app, 'SELECT username, relation, action, after FROM casnet.audit_log(max_rows => 2) ORDER BY relation'),
          [('olga', 'casnet.tasks', 'UPDATE', {'assignee_id': None}),
           ('olga', 'casnet.user_tenants', 'DELETE', None)])
    ask(app, 'DELETE FROM casnet.records WHERE id = %s', old)
    check('a record takes a tag along, and leaves a task',
          ask(app, 'SELECT relation, action, after FROM casnet.audit_log(max_rows => 3) ORDER BY relation'),
          [('casnet.record_tags', 'DELETE', None), ('casnet.records', 'DELETE', None),
           ('casnet.tasks', 'UPDATE', {'record_id': None})])
    check('in one transaction',
          ask(app, 'SELECT count(DISTINCT transaction_id) FROM casnet.audit_log(max_rows => 3)'), [(1,)])
    before = entries(admin)
    ask(admin, "UPDATE casnet.users SET full_name = 'Mia M' WHERE id = %s", MIA)
    check('an account', entries(admin), (before[0] + 1, before[1]))
    ask(admin, 'TRUNCATE casnet.record_tags')
    check('TRUNCATE', entries(admin), (before[0] + 2, before[1]))
    ask(admin, "INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%s, %s, 'member')", MIA, NORTH)
    notes = connect('citus_admin')
    before = entries(admin)
    ask(notes, 'INSERT INTO public.notes VALUES (1, %s)', NORTH)
    check('a table of the coordinator', entries(admin), (before[0] + 1, before[1]))
    check('is read', ask(app, LOG % 1), [(None, 'public.notes', 'INSERT', '', '')])
    check('its audit ends', one(notes, "SELECT casnet.disable_audit('public.notes')"), '')


def read(app):
    """The same permissions as on one server, page by page."""
    be(app, MIA, NORTH)
    check('a member without view_analytics', one(app, 'SELECT count(*) FROM casnet.audit_log()'), '42501')
    be(app, OLGA, SOUTH)
    check('no member', one(app, 'SELECT count(*) FROM casnet.audit_log()'), '42501')
    be(app, None)
    check('nobody', one(app, 'SELECT count(*) FROM casnet.audit_log()'), '28000')
    be(app, OLGA, NORTH)
    whole = ask(app, 'SELECT id, at FROM casnet.audit_log(max_rows => 1000)')
    check('the log is in order', [row[1] for row in whole], sorted((row[1] for row in whole), reverse=True))
    pages = []
    while True:
        page = ask(app, 'SELECT id, at FROM casnet.audit_log(max_rows => 50, until => %s, before_id => %s)',
                   *((pages[-1][1], pages[-1][0]) if pages else (None, None)))
        if not page:
            break
        pages += page
    check('and the same by pages', pages, whole)
    check('of both places', ask(app, 'SELECT DISTINCT relation FROM casnet.audit_log(max_rows => 1000) ORDER BY 1'),
          [('casnet.%s' % name,) for name in ('record_tags', 'records', 'tags', 'tasks', 'user_tenants')] + [('public.notes',)])
    check('one user', one(app, 'SELECT count(*) FROM casnet.audit_log(for_user => %s)', ZOE), 0)
    ask(app, 'BEGIN')
    ask(app, "UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = %s", MIA)
    check('a change of a role in the same transaction', ask(app, LOG % 1), [('olga', 'casnet.user_tenants', 'UPDATE', '', '')])
    ask(app, 'ROLLBACK')
    ask(app, 'BEGIN')
    check('in a transaction', one(app, 'SELECT count(*) > 0 FROM casnet.audit_log()'), True)
    check('a change after that', ask(app, "INSERT INTO casnet.tags (name) VALUES ('later')"), 1)
    check('but not before', one(app, 'SELECT count(*) > 0 FROM casnet.audit_log()'), '25001')
    ask(app, 'ROLLBACK')


def closed(admin, app):
    """No application reads or writes the entries themselves, and nobody changes them."""
    table = 'casnet_internal.audit_on_nodes'
    roles = (('a backend', app), ('an application', connect('citus_web')), ('an administrator', connect('citus_admin')))
    writes = ("INSERT INTO %s (at, id, tenant_id, transaction_id, session_role, role, relation, action)"
              " VALUES (now(), casnet.uuid_v7(), '" + NORTH + "', 1, 'x', 'x', 'casnet.records', 'DELETE')",
              "UPDATE %s SET role = 'x'", 'DELETE FROM %s', 'TRUNCATE %s', 'SELECT count(*) FROM %s')
    be(app, OLGA, NORTH)
    for name, link in roles:
        check('%s may nothing' % name, [one(link, write % table) for write in writes], ['42501'] * len(writes))
        check('%s lets no entry go' % name, one(link, 'SELECT casnet_internal.entry_goes(%s)', NORTH), '42501')
    for write, name in zip(writes[1:4], ('UPDATE', 'DELETE', 'TRUNCATE')):
        check('nor a superuser: ' + name, ask(admin, write % table), '42501')
    for port in WORKERS:
        web = connect('citus_web', port)
        superuser = connect(port=port)
        shard = one(superuser, 'SELECT (casnet_internal.shards()).relation::text ORDER BY 1 DESC LIMIT 1')
        shards = [row[0] for row in ask(superuser, "SELECT s.relation::text FROM casnet_internal.shards() AS s WHERE s.shell = %s::regclass", table)]
        check('a worker has shards of it', (bool(shards), shard is None), (True, False))
        check('which no application reaches', {one(web, write % shards[0]) for write in writes} - {'42501', 'XX000'}, set())
        filled = [name for name in shards if one(superuser, 'SELECT count(*) FROM ' + name)]
        check('nor a superuser changes', {ask(superuser, write % name) for name in filled for write in writes[1:3]} - {'42501'}, set())
    ask(app, 'SET citus.enable_local_execution = off')
    before = entries(admin)
    ask(app, "INSERT INTO casnet.tags (name) VALUES ('elsewhere')")
    check('a setting of Citus leaves nothing out', entries(admin), (before[0], before[1] + 1))
    ask(app, "UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = %s", MIA)
    unknown = one(admin, "SELECT count(*) FROM casnet_internal.audit_entries WHERE user_id IS NULL AND role = 'citus_backend'")
    check('nor hides a user', unknown, 0)
    ask(app, 'RESET citus.enable_local_execution')


def moved(admin, app):
    """A shard takes its entries along."""
    be(app, OLGA, NORTH)
    log = ask(app, 'SELECT * FROM casnet.audit_log(max_rows => 1000)')
    before = entries(admin)
    shard = one(admin, "SELECT get_shard_id_for_distribution_column('casnet.records', %s)", NORTH)
    first = one(admin, 'SELECT nodeport FROM citus_shards WHERE shardid = %s', shard)
    second = WORKERS[1 - WORKERS.index(first)]
    check('a shard moves', one(admin, "SELECT citus_move_shard_placement(%s, '127.0.0.1', %s, '127.0.0.1', %s, 'block_writes')",
                               shard, first, second), '')
    check('which is no change', entries(admin), before)
    check('its entries are read', ask(app, 'SELECT * FROM casnet.audit_log(max_rows => 1000)'), log)
    ask(app, "INSERT INTO casnet.tags (name) VALUES ('moved')")
    check('and new ones written', entries(admin), (before[0], before[1] + 1))
    check('with numbers of another node', ask(
        app, 'SELECT count(DISTINCT transaction_id >> 48) FROM casnet.audit_log(max_rows => 1000)'), [(3,)])
    check('doctor()', findings(admin), [])


def doctor(admin):
    """A shard without the trigger is found."""
    worker = connect(port=WORKERS[0])
    shard, number = ask(worker, "SELECT relation::text, number FROM casnet_internal.shards() WHERE shell = 'casnet.tags'::regclass LIMIT 1")[0]
    ask(worker, 'SET citus.enable_manual_changes_to_shards = on')
    ask(worker, 'ALTER TABLE %s DISABLE TRIGGER casnet_audit_%s' % (shard, number))
    check('a shard that is not recorded', [row[2] for row in findings(admin)], ['Its changes are not recorded as those of its table.'])
    ask(worker, 'ALTER TABLE %s ENABLE TRIGGER casnet_audit_%s' % (shard, number))
    check('and is again', findings(admin), [])


def removed(admin, app):
    """Old entries go, and those of a tenant."""
    for table in ('audit_entries', 'audit_on_nodes'):
        ask(admin, 'INSERT INTO casnet_internal.%s (at, id, tenant_id, transaction_id, session_role, role, relation, action)'
                   " SELECT now() - interval '3 years', casnet.uuid_v7(), id, 1, 'x', 'x', 'casnet.tags', 'DELETE'"
                   ' FROM casnet.tenants' % table)
    before = entries(admin)
    check('purge_audit()', one(connect('citus_admin'), "SELECT casnet.purge_audit('2 years')"), 4)
    check('takes these alone', entries(admin), (before[0] - 2, before[1] - 2))
    be(app, ZOE, SOUTH)
    check('delete_tenant()', one(app, 'SELECT casnet.delete_tenant(%s)', SOUTH), lambda found: found not in (None, '42501'))
    check('leaves no entry of the tenant', entries(admin, SOUTH), (0, 0))
    check('and those of others', entries(admin, NORTH)[1] > 250, True)


def back(admin, app):
    """One server has all entries, and undelete() works there."""
    be(app, OLGA, NORTH)
    gone = one(app, "INSERT INTO casnet.records (title) VALUES ('comes back') RETURNING id")
    ask(app, 'DELETE FROM casnet.records WHERE id = %s', gone)
    check('disable_audit()', one(admin, "SELECT casnet.disable_audit('casnet.tags')"), '')
    before = entries(admin)
    ask(app, "INSERT INTO casnet.tags (name) VALUES ('unseen')")
    check('records nothing more', entries(admin), before)
    log = ask(app, 'SELECT * FROM casnet.audit_log(max_rows => 1000)')
    audited = ask(admin, 'SELECT * FROM casnet_internal.audited_tables()')
    check('undelete() is refused', one(app, "SELECT casnet.undelete('casnet.records', %s::uuid)", gone), '0A000')
    # Citus drops shards that have moved a while later, which would meet this.
    ask(admin, 'CALL citus_cleanup_orphaned_resources()')
    check('undistribute()', one(admin, 'SELECT casnet.undistribute()'), lambda tables: tables > 0)
    check('the same log', ask(app, 'SELECT * FROM casnet.audit_log(max_rows => 1000)'), log)
    check('the same tables', ask(admin, 'SELECT * FROM casnet_internal.audited_tables()'), audited)
    check('in one table', one(admin, "SELECT to_regclass('casnet_internal.audit_on_nodes')"), None)
    check('undelete()', one(app, "SELECT casnet.undelete('casnet.records', %s::uuid, false)", gone), 1)
    check('is recorded', ask(app, LOG % 1), [('olga', 'casnet.records', 'INSERT', '', 'comes back')])
    check('doctor() on one server', [row for row in findings(admin) if not row[0].startswith('node-')], [])
    check('distribute() again', one(admin, 'SELECT casnet.distribute(4)'), 13)
    ask(app, "UPDATE casnet.records SET title = 'here' WHERE id = %s", gone)
    check('the history of all times', [row[0] for row in ask(app, "SELECT action FROM casnet.history('casnet.records', %s::uuid)", gone)],
          ['UPDATE', 'INSERT', 'DELETE', 'INSERT'])
    check('doctor() in the end', findings(admin), [])


def main():
    admin = connect()
    fill(admin)
    app = connect('citus_backend')
    distributed(admin, app)
    changes(admin, app)
    copies(admin, app)
    read(app)
    closed(admin, app)
    moved(admin, app)
    doctor(admin)
    removed(admin, app)
    back(admin, app)
    finish()


main()
