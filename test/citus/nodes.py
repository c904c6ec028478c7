"""nodes.py - what the programs beside it share: connections, answers, and how a check ends.

PG* variables name the coordinator, and CASNET_WORKERS the ports of the workers.
"""
import os
import sys

import psycopg2

NORTH = '00000000-0000-7000-8000-0000000000d1'
SOUTH = '00000000-0000-7000-8000-0000000000d2'
OLGA, MIA, ZOE, NORA = ('00000000-0000-7000-8000-00000000001%d' % n for n in range(1, 5))
WORKERS = [int(port) for port in os.environ['CASNET_WORKERS'].split(',')]
SHARDS = int(os.environ.get('CASNET_SHARDS', '8'))
results = {True: 0, False: 0}


def connect(role='postgres', port=None, **options):
    """A connection in autocommit, to the coordinator unless a port is given."""
    if port:
        options['port'] = port
    link = psycopg2.connect(user=role, connect_timeout=20, **options)
    link.autocommit = True
    return link


def ask(link, statement, *values):
    """The rows of a statement, or the SQLSTATE of its error."""
    with link.cursor() as cursor:
        try:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else cursor.rowcount
        except psycopg2.Error as error:
            return error.pgcode or str(error)


def one(link, statement, *values):
    """The first value of a statement, or the SQLSTATE of its error."""
    answer = ask(link, statement, *values)
    return answer[0][0] if isinstance(answer, list) and answer else answer


def check(name, have, want):
    """One line of TAP: whether the answer is what is wanted, or passes that function."""
    good = want(have) if callable(want) else have == want
    results[good] += 1
    print('%s %d - %s' % ('ok' if good else 'not ok', sum(results.values()), name), flush=True)
    if not good:
        print('#   have %r%s' % (have, '' if callable(want) else ', want %r' % (want,)))


def be(link, user, tenant=None):
    """What a trusted backend does for each request."""
    ask(link, "SELECT set_config('casnet.user_id', %s, false), set_config('casnet.tenant_id', %s, false)",
        user or '', tenant or '')


def finish():
    """Print the numbers, and exit with status 1 if a check failed."""
    print('%d passed, %d failed' % (results[True], results[False]))
    sys.exit(bool(results[False]))
