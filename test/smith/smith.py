#!/usr/bin/python3
"""Run the queries that SQLsmith makes as a user of one tenant.  Look for the canary of
the other tenant in all that the server answers."""

import argparse
import base64
import collections
import os
import random
import re
import subprocess
import sys
import time

import psycopg2
import psycopg2.extensions as ext

LETTERS = 'qzxjvkw'
TIMEOUT = 700           # milliseconds for one query
BATCH = 400             # queries that SQLsmith makes at a time
MOST_ROWS = 3000        # rows fetched of one answer
# In the database that leaks, these must be found wrong, for this reason.
MUST_FAIL = [
    ('SELECT count(*), min(title) FROM app.leak_1', 'the canary'),
    ('SELECT upper(reverse(content)) FROM app.leak_1', 'the canary'),
    ("SELECT encode(convert_to(title, 'UTF8'), 'base64') FROM app.leak_1", 'the canary'),
    ('SELECT id FROM app.leak_1', 'the canary'),
    ('SELECT title::int FROM app.leak_1 WHERE title NOT LIKE \'word%\'', 'the canary'),
    ("DO $$ BEGIN RAISE NOTICE '%', (SELECT min(title) FROM app.leak_1 WHERE title NOT LIKE 'word%'); END $$",
     'the canary'),
    ("UPDATE casnet.tags SET name = 'changed' || random()", 'it changed'),
    ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'XX000'; END $$", 'internal error'),
    ('SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(0.1)', None),
    ('SELECT title FROM casnet.records', None),
]
USERS = {'owner': '00000000-0000-7000-8000-000000000001',
         'viewer': '00000000-0000-7000-8000-000000000002'}

# SQLsmith's only constants are NULL, it uses types of its own time, and it reads
# whatever it sees.  Each query is run as it was made, and corrected.
MENDED = [
    (r'\btablesample \w+ \([0-9.]+\)', ''),
    (r'\bas "?anymultirange"?\)', 'as int4multirange)'), (r'\bas "?anyrange"?\)', 'as int4range)'),
    (r'\bas "?(anyenum|unknown|anyelement|anynonarray)"?\)', 'as text)'),
    (r'\bas "?anyarray"?\)', 'as text[])'),
    (r'(?<!insert into )\b(casnet|app)\.(\w+)_load\b', r'\1.\2'),
    (r'\bhashed_password\b', 'full_name'),
]
CONSTANTS = {
    'text': ["'word1'", "'word'", "'home'", "'viewer'", "'view_records'", "''"],
    'name': ["'records'", "'casnet'"], 'varchar': ["'word2'"], 'bool': ['true', 'false'],
    'int2': ['1'], 'int4': ['1', '0', '20'], 'int8': ['7', '2'], 'numeric': ['1.5'],
    'float8': ['2', '0.1'],
    'uuid': ["'00000000-0000-7000-8000-000000000001'", "'00000000-0000-7000-8000-0000000000a0'"],
    'date': ["'2024-01-02'"], 'timestamptz': ["'2024-01-02'", "'2030-01-01'"],
    'timestamp': ["'2024-01-02'"],
    'interval': ["'1 day'"], 'jsonb': ["'{\"word\": \"word\"}'", "'{}'"], 'json': ["'{}'"],
    'regclass': ["'casnet.records'", "'app.invoices'"], 'oid': ["'casnet.records'::regclass"],
    'tsquery': ["'word'", "'word:*'"], 'tsvector': ["'word:1'"], 'bytea': ["'word'"],
}

# Internal errors that are PostgreSQL's own.  The whole message must match.
KNOWN_XX000 = [
    (r'could not determine which collation to use for .*', 'arguments without a collation'),
    (r'cache lookup failed for \w+( \w+)* \d+',
     'functions of the catalog that take any number as an OID'),
    (r'failed to find conversion function from unknown to \w+',
     'constants of type unknown, which SQLsmith casts to'),
    (r'could not open relation with OID \d+', 'the same'),
    (r'invalid INTERVAL typmod: 0x[0-9a-f]+', 'intervaltypmodout() of any number'),
]
# And those of its functions on values, which read no table.
VALUE_FILES = {'acl.c', 'arrayfuncs.c', 'array_userfuncs.c', 'bool.c', 'char.c', 'date.c', 'datetime.c',
               'encode.c', 'float.c', 'formatting.c', 'geo_ops.c', 'int.c', 'int8.c', 'jsonb.c',
               'jsonb_util.c', 'jsonfuncs.c', 'jsonpath_exec.c', 'like.c', 'mac.c', 'mac8.c',
               'multirangetypes.c', 'network.c', 'numeric.c', 'rangetypes.c', 'regexp.c', 'timestamp.c',
               'tsvector_op.c', 'varbit.c', 'varchar.c', 'varlena.c', 'xml.c'}
HERE = os.path.dirname(os.path.abspath(__file__))
OUR_FILES = set(os.listdir(os.path.join(HERE, '..', '..', 'src')))
# Leaks of resources and the ends of backends, as the server's log reports them.
BAD_LOG = re.compile(
    r'terminated by signal|TRAP:|PANIC:|WARNING: .*(leak|still referenced)|was terminated|'
    r'server process .* exited with exit code [^01]|stuck spinlock')


def canary_pattern():
    """Four letters of the canary in a row, also backwards, in hexadecimal and in
    base64; the ids, dates and the number that come with it."""
    round_ = LETTERS * 2
    pieces = set()
    for i in range(len(LETTERS)):
        part = round_[i:i + 4]
        pieces.update([part, part[::-1], part.encode().hex(), part.upper().encode().hex()])
        pieces.add(re.escape(base64.b64encode(round_[i:i + 6].encode()).decode()))
    pieces.update(['f00dbabe', 'babef00d', '1789-0', '909090909'])
    return re.compile('|'.join(sorted(pieces)), re.IGNORECASE)


CANARY = canary_pattern()


class Tally:
    """What happened to the queries."""

    def __init__(self):
        self.classes = collections.Counter()
        self.rows = 0
        self.forms = [0, 0]
        self.known = collections.Counter()
        self.functions = set()
        self.failures = []

    def queries(self):
        """Number of queries that were run."""
        return sum(self.classes.values())


def make_queries(database, seed, number, catalog):
    """The text of queries from SQLsmith, which looks at the catalogs and runs none."""
    command = ['sqlsmith', '--target=dbname=%s user=smith_user' % database, '--dry-run',
               '--max-queries=%d' % number, '--seed=%d' % seed]
    if not catalog:
        command.append('--exclude-catalog')
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    text = made.stdout.decode('utf-8', 'replace')
    queries = [q.strip() for q in text.split(';\n')]
    queries = [q for q in queries if q]
    if not queries:
        sys.exit('sqlsmith made no query: %s' % made.stderr.decode('utf-8', 'replace')[-2000:])
    return queries


def superuser(database, statement, fetch=True):
    """Run one statement as the superuser."""
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(statement)
    rows = cursor.fetchall() if fetch else None
    connection.close()
    return rows


def mend(query, rng):
    """The query without SQLsmith's mistakes, and with half of its NULLs replaced."""
    for pattern, text in MENDED:
        query = re.sub(pattern, text, query)

    def constant(match):
        values = CONSTANTS.get(match.group(1))
        if values is None or rng.random() < 0.5:
            return match.group(0)
        return 'cast(%s as "%s")' % (rng.choice(values), match.group(1)) \
            if match.group(0).endswith('")') else 'cast(%s as %s)' % (rng.choice(values),
                                                                      match.group(1))

    return re.sub(r'\bcast\(null as "?(\w+)"?\)', constant, query)


class User:
    """A connection of the database role smith_user, signed in by a token."""

    def __init__(self, database, username, read_as_text):
        self.database = database
        self.username = username
        self.read_as_text = read_as_text
        token = superuser(database,
                          "SELECT casnet_internal.issue_token('%s', '00000000-0000-7000-8000-0000000000a0',"
                          " interval '12 hours')" % USERS[username])[0][0]
        self.options = ('-c casnet.token=%s -c statement_timeout=%d -c search_path=public,casnet'
                        % (token, TIMEOUT))
        self.connect()

    def connect(self):
        """Connect anew."""
        self.connection = psycopg2.connect(dbname=self.database, user='smith_user',
                                           options=self.options)
        ext.register_type(self.read_as_text, self.connection)
        cursor = self.connection.cursor()
        cursor.execute('SELECT tenant_name, username FROM casnet.whoami()')
        assert cursor.fetchone() == ('home', self.username)
        self.connection.rollback()

    def digest(self):
        """Digest of what must not change, as the transaction sees it."""
        cursor = self.connection.cursor()
        cursor.execute('SELECT smith_watch.digest()')
        return cursor.fetchone()[0]


def texts_of_error(error):
    """All that an error reports to the client."""
    parts = [str(error)]
    for name in dir(error.diag):
        if not name.startswith('_'):
            parts.append(str(getattr(error.diag, name, '') or ''))
    return '\n'.join(p for p in parts if p)


def run_query(user, query, digest, tally):
    """Run one query and roll it back; a description of what is wrong, or None."""
    connection = user.connection
    connection.notices.clear()
    cursor = connection.cursor()
    told = ''
    wrong = None
    try:
        cursor.execute(query)
        if cursor.description:
            rows = cursor.fetchmany(MOST_ROWS)
            tally.rows += len(rows)
            told = '\n'.join('\t'.join(v for v in row if v is not None) for row in rows)
        if user.digest() != digest:
            wrong = 'it changed what is not its own'
        tally.classes['success'] += 1
    except psycopg2.Error as error:
        told = texts_of_error(error)
        code = error.pgcode
        if code is None and connection.closed and 'pg_terminate_backend(' in query:
            tally.classes['ended by pg_terminate_backend()'] += 1
        elif code is None and connection.closed:
            tally.classes['the connection was lost'] += 1
            wrong = 'the server closed the connection: %s' % told
        elif code == '57P02':
            tally.classes['57'] += 1
            wrong = 'the server crashed: %s' % told
        elif code == 'XX000' or (code or '').startswith('XX'):
            known = [reason for pattern, reason in KNOWN_XX000
                     if re.fullmatch(pattern, error.diag.message_primary or '')
                     and error.diag.source_file not in OUR_FILES]
            if error.diag.source_file in VALUE_FILES - OUR_FILES:
                known.append('functions on values, in %s' % error.diag.source_file)
            tally.classes[code] += 1
            if known:
                tally.known[known[0]] += 1
            else:
                wrong = 'internal error: %s' % told
        else:
            tally.classes[code if code in ('42501',
                                           '57014') else 'class %s' % (code or '?')[:2]] += 1
    told += '\n' + '\n'.join(connection.notices)
    found = CANARY.search(told)
    if found:
        wrong = 'the canary: ...%s...' % told[max(0, found.start() - 60):found.end() + 60]
    try:
        connection.rollback()
    except psycopg2.Error:
        user.connect()
    return wrong


class ServerLog:
    """The server's log from now on, where its error output is a file we can read."""

    def __init__(self):
        self.path = None
        data = superuser('postgres', 'SHOW data_directory')[0][0]
        try:
            with open(os.path.join(data, 'postmaster.pid')) as file:
                pid = file.readline().strip()
            path = os.readlink('/proc/%s/fd/2' % pid)
            self.offset = os.path.getsize(path)
            self.path = path
        except OSError:
            pass

    def bad_lines(self):
        """Lines that report a crash or a leak of resources."""
        if self.path is None:
            return []
        with open(self.path, 'rb') as file:
            file.seek(self.offset)
            text = file.read().decode('utf-8', 'replace')
        return [line for line in text.split('\n') if BAD_LOG.search(line)]


def make_digest(database):
    """Make the function behind User.digest()."""
    with open(os.path.join(HERE, 'digest.sql')) as file:
        superuser(database, file.read(), fetch=False)


def run(database, seed, seconds, read_as_text, stop_at=10, catalogs=(False, True),
        batch_size=BATCH):
    """Make and run queries until the time is over; the tally."""
    tally = Tally()
    end = time.monotonic() + seconds
    batch = 0
    users = None
    while time.monotonic() < end and len(tally.failures) < stop_at:
        batch_seed = seed * 1000 + batch
        catalog = catalogs[batch % len(catalogs)]
        # The schema of the digest must not exist while SQLsmith reads the catalogs.
        superuser(database, 'DROP SCHEMA IF EXISTS smith_watch CASCADE', fetch=False)
        queries = make_queries(database, batch_seed, batch_size, catalog)
        make_digest(database)
        if users is None:
            users = [User(database, name, read_as_text) for name in USERS]
            digest = users[0].digest()
            users[0].connection.rollback()
        rng = random.Random(batch_seed)
        queries = [form for q in queries for form in (q, mend(q, rng))]
        for number, query in enumerate(queries):
            if time.monotonic() > end or len(tally.failures) >= stop_at:
                break
            user = users[1 if number % 8 in (2, 3) else 0]
            tally.functions.update(re.findall(r'\bcasnet(?:_internal)?\.(\w+)\(', query))
            wrong = run_query(user, query, digest, tally)
            tally.forms[number % 2] += 1
            if wrong:
                tally.failures.append((batch_seed, catalog, number // 2, user.username, wrong,
                                       query))
        batch += 1
    return tally


def self_test(database, seed, read_as_text):
    """In a database with views that leak, find the canary, in SQLsmith's queries too; return
    the numbers of passed and failed checks."""
    make_digest(database)
    user = User(database, 'owner', read_as_text)
    digest = user.digest()
    user.connection.rollback()
    passed = failed = 0
    for query, expected in MUST_FAIL:
        wrong = run_query(user, query, digest, Tally())
        if (wrong or '').startswith(expected or '') and bool(wrong) == bool(expected):
            passed += 1
        else:
            failed += 1
            print('self-test: %s\n  should be: %s, but is: %s' % (query, expected, wrong))
    user.connection.close()
    tally = run(database, seed, 90, read_as_text, stop_at=1, catalogs=(False,), batch_size=100)
    found = [f for f in tally.failures if f[4].startswith('the canary')]
    print('self-test: views that show every tenant: %s after %d queries; %d of %d other checks passed'
          % ('noticed' if found else 'NOT NOTICED', tally.queries(), passed, len(MUST_FAIL)),
          flush=True)
    return passed + bool(found), failed + (not found)


def main():
    """Parse the arguments, run, print the tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--database', required=True)
    parser.add_argument('--leaking', required=True, help='a database with a view that leaks')
    parser.add_argument('--seed', type=int, default=int(time.time()) % 1000000)
    parser.add_argument('--seconds', type=float, default=30)
    arguments = parser.parse_args()
    connection = psycopg2.connect(dbname='postgres')
    cursor = connection.cursor()
    cursor.execute('SELECT oid::int FROM pg_type')
    oids = tuple(row[0] for row in cursor.fetchall())
    read_as_text = ext.new_type(oids, 'TEXTS', lambda value, cursor: value)
    connection.rollback()           # this connection stays; a crash would end it
    log = ServerLog()

    print('seed %d' % arguments.seed, flush=True)
    passed, failed = self_test(arguments.leaking, arguments.seed, read_as_text)
    tally = run(arguments.database, arguments.seed, arguments.seconds, read_as_text)
    for seed, catalog, number, user, wrong, query in tally.failures:
        failed += 1
        print('\nFAILED for %s: %s\nsqlsmith --seed=%d%s, query %d:\n%s\n'
              % (user, wrong, seed, '' if catalog else ' --exclude-catalog', number + 1, query))
    try:
        cursor.execute('SELECT 1')
    except psycopg2.Error as error:
        failed += 1
        print('FAILED: the server was restarted: %s' % error)
    for line in log.bad_lines():
        failed += 1
        print('FAILED: the server\'s log says: %s' % line)
    if log.path is None:
        print('the server\'s log could not be read, and was not looked at')
    print('%d queries as made and %d corrected, %d rows; %d functions of casnet called'
          % (*tally.forms, tally.rows, len(tally.functions)))
    for name, number in sorted(tally.classes.items(), key=lambda x: -x[1]):
        print('  %6d %s' % (number, {'42501': '42501 (permission)',
                                     '57014': '57014 (took too long)'}.get(name, name)))
    for name, number in tally.known.items():
        print('  %6d XX000 of PostgreSQL\'s own: %s' % (number, name))
    passed += tally.queries() - len(tally.failures)
    if tally.classes['success'] < 20:
        print('fewer than 20 queries succeeded')
        failed += 1
    print('%d passed, %d failed' % (passed, failed))
    return 0 if failed == 0 else 1


if __name__ == '__main__':
    sys.exit(main())
