#!/usr/bin/python3 -B
"""life.py - a cluster that grows, goes back to one server, and is distributed again.

scripts/citus.sh runs this on a fresh database that has casnet, with the PG* variables of the
coordinator and the ports of the workers in CASNET_WORKERS.  Prints `ok N - name` or
`not ok N - name`, and at last `X passed, Y failed`.
"""
import os

from nodes import MIA, NORTH, OLGA, SHARDS, SOUTH, WORKERS, ask, be, check, connect, finish, one

FIRST, SECOND = WORKERS


def fill(admin):
    with admin.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = 'citus_life'")
        if cursor.rowcount == 0:
            cursor.execute('CREATE ROLE citus_life LOGIN')
        cursor.execute('GRANT casnet_authenticator TO citus_life')
        for user, name in ((OLGA, 'olga'), (MIA, 'mia')):
            cursor.execute('INSERT INTO casnet.users (id, username, email) VALUES (%s, %s, %s)',
                           (user, name, name + '@citus.test'))
        for tenant, name in ((NORTH, 'North'), (SOUTH, 'South')):
            cursor.execute('INSERT INTO casnet.tenants (id, name) VALUES (%s, %s)', (tenant, name))
            cursor.execute("INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%s, %s, 'owner')", (OLGA, tenant))
        cursor.execute("INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%s, %s, 'member')", (MIA, NORTH))
        cursor.execute("INSERT INTO casnet.records (tenant_id, title) SELECT id, 'running dogs' FROM casnet.tenants")


def fresh_worker(admin):
    """The second worker as a server that knows nothing of this database."""
    name = os.environ['PGDATABASE']
    ask(admin, "SELECT citus_remove_node('127.0.0.1', %s)", SECOND)
    server = connect(port=SECOND, dbname='postgres')
    ask(server, 'SET citus.enable_create_database_propagation = off')
    with server.cursor() as cursor:
        cursor.execute('DROP DATABASE "%s" WITH (FORCE)' % name)
        cursor.execute('CREATE DATABASE "%s"' % name)
    ask(connect(port=SECOND), 'CREATE EXTENSION citus')


def language(app, admin, place):
    """Rows are found by the words of the language, wherever they are."""
    for tenant in (NORTH, SOUTH):
        be(app, OLGA, tenant)
        check('%s: an old row is found' % place, one(app, "SELECT count(*) FROM casnet.search_records('run dog')"), 1)
        ask(app, "INSERT INTO casnet.records (title) VALUES ('walking cats')")
        check('%s: a new row is found' % place, one(app, "SELECT count(*) > 0 FROM casnet.search_records('walk cat')"), True)
    check('%s: doctor()' % place, ask(admin, 'SELECT code, object, problem FROM casnet.doctor()'), [])


def added(app, admin):
    """A new worker, by the steps of docs/scale-out.md."""
    check('a worker is added', one(admin, "SELECT citus_add_node('127.0.0.1', %s)", SECOND), lambda node: isinstance(node, int))
    check('doctor() asks for its settings', one(admin, "SELECT count(*) FROM casnet.doctor() WHERE code LIKE 'node-%%'"),
          lambda found: found > 0)
    check('it is prepared', ask(admin, "SELECT DISTINCT success FROM run_command_on_workers("
                                       "format('SELECT casnet_internal.install_worker(%L)', casnet_internal.relay_key()))"), [(True,)])
    check('with the language', ask(admin, "SELECT DISTINCT success FROM run_command_on_workers("
                                          "'SELECT casnet_internal.map_search_language(''english'')')"), [(True,)])
    check('it gets the memberships', one(admin, "SELECT replicate_reference_tables('block_writes')"), '')
    for tenant in (NORTH, SOUTH):
        shard = one(admin, "SELECT get_shard_id_for_distribution_column('casnet.records', %s)", tenant)
        if one(admin, 'SELECT nodeport FROM citus_shards WHERE shardid = %s', shard) == FIRST:
            check('a shard moves there', one(admin, "SELECT citus_move_shard_placement(%s, '127.0.0.1', %s, '127.0.0.1', %s, "
                                                    "'block_writes')", shard, FIRST, SECOND), '')
    language(app, admin, 'on the new worker')
    be(app, OLGA, NORTH)
    ask(app, "INSERT INTO casnet.tasks (title) VALUES ('there')")
    check('a change there is recorded', ask(app, "SELECT username, after ->> 'title' FROM casnet.audit_log()"), [('olga', 'there')])
    check('no row for another tenant', ask(app, "INSERT INTO casnet.records (tenant_id, title) VALUES (%s, 'foreign')", SOUTH), '42501')
    be(app, MIA, NORTH)
    check('a member reads', one(app, 'SELECT count(*) > 0 FROM casnet.records'), True)
    ask(admin, 'DELETE FROM casnet.user_tenants WHERE user_id = %s', MIA)
    check('and does not after the removal', ask(app, 'SELECT * FROM casnet.records'), '42501')


def updated(admin):
    """The end of an update, which Citus runs on each worker, makes no tables there."""
    worker = connect(port=FIRST, application_name='citus_internal gpid=10000000001')
    check('a worker has no table', one(worker, "SELECT to_regclass('casnet.users')"), None)
    with open('sql/install/finish_update.sql', encoding='utf-8') as file:
        check('the update ends', ask(worker, file.read()), -1)
    check('it has made no table', one(worker, "SELECT to_regclass('casnet.users')"), None)


def main():
    admin = connect()
    fill(admin)
    check('a language', one(admin, "SELECT casnet.set_search_language('english')"), 2)
    check('enable_audit()', one(admin, "SELECT casnet.enable_audit('casnet.tasks')"), '')
    fresh_worker(admin)
    check('distribute()', one(admin, 'SELECT casnet.distribute(%s)', SHARDS), 13)
    app = connect('citus_life')
    language(app, admin, 'on one worker')
    added(app, admin)
    rows = one(admin, 'SELECT count(*) FROM casnet.records')
    # Citus drops shards that have moved a while later, which would meet this.
    ask(admin, 'CALL citus_cleanup_orphaned_resources()')
    check('undistribute()', one(admin, 'SELECT casnet.undistribute()'), lambda moved: isinstance(moved, int) and moved > 0)
    check('no row is lost', one(admin, 'SELECT count(*) FROM casnet.records'), rows)
    check('no entry', one(admin, 'SELECT count(*) FROM casnet_internal.audit_entries'), 1)
    language(app, admin, 'on one server')
    updated(admin)
    check('distribute() again', one(admin, 'SELECT casnet.distribute(4)'), 13)
    check('nor now', one(admin, 'SELECT count(*) FROM casnet.records'), rows + 2)
    language(app, admin, 'distributed again')
    finish()


main()
