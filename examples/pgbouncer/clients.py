"""Many clients of one PgBouncer, with both kinds of identity; none sees another's."""
import collections
import threading

import psycopg2
from identity import as_user, with_token

CLIENTS = 24         # at once, over two connections of each role
REQUESTS = 25        # of each client
TENANTS = {'ada': 'Child Services', 'eve': 'Child Services', 'bob': 'Adult Services'}
SECRET = 'Secret of Adult Services'


def ok(passed, what, seen=None):
    print(('ok ' if passed else 'not ok ') + what)
    if not passed and seen is not None:
        print('#', seen)


def refused(code, call):
    """The error of the call if it has that SQLSTATE, otherwise None."""
    try:
        call()
    except psycopg2.Error as error:
        return error if error.pgcode == code else None
    return None


def execute(connection, statement, values=()):
    """One statement in a transaction of its own, without an identity."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


backend = psycopg2.connect(user='example_backend')
web = psycopg2.connect(user='example_web')
ids, tokens = {}, {}
for name in TENANTS:
    [(ids[name],)] = execute(backend, 'SELECT user_id FROM casnet.find_user(%s)', (name,))
    [(tokens[name],)] = execute(web, 'SELECT casnet.login(%s, %s)', (name, 'correct horse battery'))

# without an identity
error = refused('28000', lambda: execute(backend, 'SELECT title FROM casnet.records'))
ok(error and error.diag.message_hint, 'without an identity there is an error with a hint')

# many clients over few connections
counts = collections.Counter()
processes = set()


def requests(number):
    """Each third request has no identity, the others alternate between users."""
    names = list(TENANTS)
    by_token = number % 2 == 0
    role = 'example_web' if by_token else 'example_backend'
    connection = psycopg2.connect(user=role)
    for turn in range(REQUESTS):
        name = names[(number + turn) % 3]
        try:
            if turn % 3 == 2:
                execute(connection, 'SELECT title FROM casnet.records')
                counts['without an identity'] += 1
                continue
            identity = (with_token(connection, tokens[name], TENANTS[name]) if by_token
                        else as_user(connection, ids[name], TENANTS[name]))
            with identity as cursor:
                cursor.execute('SELECT username, tenant_name, pg_backend_pid() FROM casnet.whoami()')
                user, tenant, process = cursor.fetchone()
                cursor.execute('SELECT title FROM casnet.records')
                titles = {title for title, in cursor}
            processes.add((role, process))
            right = ((user, tenant) == (name, TENANTS[name])
                     and (titles == {SECRET}) == (name == 'bob') and titles)
            counts['right' if right else 'wrong'] += 1
        except psycopg2.Error as failure:
            counts['refused' if failure.pgcode == '28000' else str(failure)] += 1
    connection.close()


threads = [threading.Thread(target=requests, args=(number,)) for number in range(CLIENTS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
unnamed = CLIENTS * (REQUESTS // 3)
ok(counts == {'right': CLIENTS * REQUESTS - unnamed, 'refused': unnamed},
   f'{CLIENTS * REQUESTS} requests of {CLIENTS} clients see their own tenant, or are refused', counts)
ok(2 <= len(processes) <= 4, 'they share two connections of each role', processes)

# a client that forgets LOCAL leaves nothing
for what, connection, statement, value in (
        ('SET casnet.user_id', backend, "SELECT set_config('casnet.user_id', %s, false)", ids['bob']),
        ('sign_in()', web, 'SELECT casnet.sign_in(%s)', tokens['bob'])):
    execute(connection, statement, (value,))
    role = connection.info.user
    others = [psycopg2.connect(user=role) for _ in range(4)]
    ok(all(refused('28000', lambda other=other: execute(other, 'SELECT title FROM casnet.records'))
           for other in others + [connection]),
       f'{what} for the session ends with the transaction')
    for other in others:
        other.close()

# an identity cannot come with the connection
try:
    psycopg2.connect(user='example_backend', options=f"-c casnet.user_id={ids['ada']}")
    ok(False, 'an identity in the options of the connection is refused')
except psycopg2.OperationalError as failure:
    ok('unsupported startup parameter' in str(failure),
       'an identity in the options of the connection is refused', failure)


# writing, and what a viewer may not do
def create(name):
    with as_user(backend, ids[name], TENANTS[name]) as cursor:
        cursor.execute('INSERT INTO casnet.records (title) VALUES (%s) RETURNING id', ('Pooled',))
        record, = cursor.fetchone()
        cursor.execute('SELECT casnet.tag_record(%s::uuid, %s)', (record, 'pooled'))


create('ada')
with as_user(backend, ids['eve'], TENANTS['eve']) as cursor:
    cursor.execute("""SELECT title FROM casnet.records
                       WHERE id IN (SELECT casnet.records_tagged(all_of => %s))""", (['pooled'],))
    ok(cursor.fetchall() == [('Pooled',)], 'a record that one client tagged, another finds')
ok(refused('42501', lambda: create('eve')), 'a viewer may not create a record')


# a membership ends while its client goes on
def go_on():
    with with_token(web, tokens['eve'], TENANTS['eve']) as eve:
        eve.execute('SELECT count(*) FROM casnet.records')
        with as_user(backend, ids['ada'], TENANTS['ada']) as ada:
            ada.execute("SELECT casnet.remove_member('eve')")
        eve.execute('SELECT count(*) FROM casnet.records')


ok(refused('42501', go_on), 'eve is refused at the statement after the end of her membership')
