#!/usr/bin/python3
"""Compare what users see under the policies with what a superuser sees, who runs the
same query with constants in place of the policies."""

import argparse
import collections
import os
import random
import sys
import time

import psycopg2
import psycopg2.extensions as ext

import modes
import queries
import world
import writes
from parts import droppable, expected_text, user_text

TIMEOUT = 1500          # milliseconds for one statement
MOST_ROWS = 4000        # a larger answer is not compared
WAYS_PER_QUERY = 5
WRITES = 0.12           # share of statements that write
# To be noticed: title, the file that breaks a database, whether only writes are tried.
BROKEN = [('a policy that lets all rows be read', 'broken_read.sql', False),
          ('policies that let all rows be written', 'broken_write.sql', True),
          ('tags looked up wrongly', 'broken_tags.sql', False)]
# Ways in which SELECT ... FOR UPDATE cannot be sent.
READ_ONLY_WAYS = ['held cursor', 'cursor', 'scroll cursor', 'copy', 'table', 'view', 'sql inlined',
                  'plpgsql execute']


def connect(database):
    """A function that connects as a role, and reads all values as strings."""
    def made(role, options=''):
        connection = psycopg2.connect(dbname=database, user=role,
                                      options='-c timezone=UTC -c client_min_messages=error -c jit=off ' + options)
        ext.register_type(STRINGS, connection)
        return connection
    return made


def all_types():
    """The OIDs of all types, since each gets a reader of its own."""
    connection = psycopg2.connect(dbname='postgres')
    cursor = connection.cursor()
    cursor.execute('SELECT oid::int FROM pg_type')
    oids = tuple(row[0] for row in cursor.fetchall())
    connection.close()
    return oids


STRINGS = None


def read_strings():
    """Have connect() read all values as strings."""
    global STRINGS
    STRINGS = ext.new_type(all_types(), 'STRINGS', lambda value, cursor: value)


class Tally:
    """What was compared."""

    def __init__(self):
        self.by_mode = collections.Counter()
        self.skipped = collections.Counter()
        self.errors = collections.Counter()
        self.rows = 0
        self.nonempty = 0
        self.queries = 0
        self.differences = 0

    def compared(self):
        """Number of comparisons."""
        return sum(self.by_mode.values())

    def report(self):
        """Print the numbers."""
        print('%d comparisons of %d queries, %d rows; %d queries with rows'
              % (self.compared(), self.queries, self.rows, self.nonempty))
        for name, number in sorted(self.by_mode.items(), key=lambda x: -x[1])[:12]:
            print('  %6d %s' % (number, name))
        print('  %6d in %d other ways' % (sum(sorted(self.by_mode.values())[:-12]),
                                          max(0, len(self.by_mode) - 12)))
        for name, number in self.skipped.items():
            print('  %6d skipped: %s' % (number, name))
        for name, number in self.errors.items():
            print('  %6d with the same error in both: %s' % (number, name))


class Answer:
    """Rows, or the SQLSTATE of an error."""

    def __init__(self, rows=None, error=None, message=''):
        self.rows = rows
        self.error = error
        self.message = message

    def same(self, other, ordered):
        """Whether both are the same answer."""
        if self.error or other.error:
            return self.error == other.error
        if ordered:
            return self.rows == other.rows
        return collections.Counter(self.rows) == collections.Counter(other.rows)


def answer_of(function, *arguments):
    """What a function returns, or the error that it raises."""
    try:
        return Answer(rows=function(*arguments))
    except psycopg2.Error as error:
        return Answer(error=error.pgcode or 'lost', message=str(error).strip())


class Comparison:
    """Compares queries of users of one database."""

    def __init__(self, database, seed, out=sys.stdout, plain=None):
        """plain: the database that answers the version with constants."""
        self.rng = random.Random(seed)
        self.seed = seed
        self.out = out
        connector = connect(database)
        self.expected = connect(plain or database)('postgres', '-c statement_timeout=%d' % TIMEOUT)
        self.expected_cursor = self.expected.cursor()
        self.identities = world.load_identities(self.expected_cursor)
        self.modes = modes.settings_of(self.expected_cursor)
        self.expected.rollback()
        self.session = modes.Session(connector, TIMEOUT * 2)
        self.writer = writes.Writer(connector, TIMEOUT * 4)
        self.tally = Tally()

    def expect(self, query, dropped=frozenset()):
        """The answer of the version with constants.  An error can come from a row that
        the constants exclude, so it is run again with a fence below them."""
        def run(fenced):
            try:
                self.expected_cursor.execute(expected_text(query, dropped, fenced))
                return self.expected_cursor.fetchall()
            finally:
                self.expected.rollback()
        answer = answer_of(run, False)
        if answer.error and answer.error != '57014':
            answer = answer_of(run, True)
        return answer

    def close(self):
        """End the connections."""
        for connection in (self.expected, self.session.connection, self.session.above,
                           self.writer.as_user, self.writer.plain):
            connection.close()

    def pick_identity(self, wanted=None):
        """A user in a tenant; a large one now and then, the empty one seldom."""
        weights = {'large': 2, 'middle': 4, 'small': 4, 'tiny': 1.5, 'empty': 0.5}
        fitting = [i for i in self.identities if wanted is None or wanted(i)]
        return self.rng.choices(fitting, [weights[i.tenant_name] for i in fitting])[0]

    def pick_ways(self):
        """Pairs of a way to send a query and settings; the first is plain."""
        names = list(self.modes)
        chosen = [(None, 'plain')]
        while len(chosen) < WAYS_PER_QUERY:
            way = self.rng.choice(modes.WAYS) if self.rng.random() < 0.45 else None
            if way == 'first statement' and self.rng.random() < 0.5:
                continue
            name = self.rng.choice(names)
            if name == 'jit' and self.rng.random() < 0.7:
                continue
            if way is not None and self.rng.random() < 0.5:
                name = 'plain'
            if (way, name) not in chosen:
                chosen.append((way, name))
        return chosen

    def one_query(self):
        """Make a query and compare its answers in several ways."""
        seed = self.rng.getrandbits(40)
        rng = random.Random(seed)
        tags = False
        takes = {'view_users'}      # permissions of whoever uses the query first
        if rng.random() < 0.02:
            takes |= {'edit_records', 'edit_tasks', 'edit_tags'}
            identity = self.pick_identity(lambda i: takes <= i.permissions)
            query, types, ordered = queries.locking_statement(rng, identity)
        elif rng.random() < 0.03:
            identity = self.pick_identity()
            query, types, ordered = queries.Queries(rng, identity).wide_statement()
        elif rng.random() < 0.2:
            identity = self.pick_identity()
            query, types, ordered = queries.Queries(rng, identity).tag_statement()
            tags = True
        else:
            identity = self.pick_identity()
            query, types, ordered = queries.Queries(rng, identity).statement()
        other = self.pick_identity(lambda i: takes <= i.permissions and i is not identity)
        ways = self.pick_ways()
        if tags and self.rng.random() < 0.5:
            ways[1] = (self.rng.choice(['generic by superuser',
                                        'generic elsewhere']) + modes.CONSTANTS, 'plain')
        expected = self.expect(query)
        self.tally.queries += 1
        if expected.error == '57014':
            self.tally.skipped['the expected version took too long'] += 1
            return
        if expected.error and expected.error.startswith('42'):
            self.tally.differences += 1
            print('\nthe expected version is no SQL: %s\n%s' % (expected.message,
                                                                expected_text(query)),
                  file=self.out)
            return
        if expected.rows is not None and len(expected.rows) > MOST_ROWS:
            self.tally.skipped['too many rows'] += 1
            return
        if expected.rows:
            self.tally.nonempty += 1
            self.tally.rows += len(expected.rows)
        for way, name in ways:
            if way in READ_ONLY_WAYS and query_locks(query):
                continue
            seen = self.see(way, name, identity, other, query, types)
            if seen.error == '57014':
                self.tally.skipped['the user\'s took too long'] += 1
                continue
            self.tally.by_mode['%s / %s' % (way or 'sent', name)] += 1
            if expected.error:
                self.tally.errors[expected.error] += 1
            in_order = ordered and way not in ('table', 'view')
            if not seen.same(expected, in_order) and not self.excused(query, seen, expected, in_order):
                self.tally.differences += 1
                self.report(way, name, identity, other, query, types, in_order, seen, expected)
                return

    def excused(self, query, seen, expected, ordered):
        """Whether a difference is none of casnet's."""
        return False

    def see(self, way, name, identity, other, query, types, dropped=frozenset()):
        """The user's answer."""
        seen = answer_of(self.session.run, way, self.modes[name], identity, other, query, types,
                         dropped)
        if seen.error == 'lost' or self.session.connection.closed:
            self.session.reconnect()
        return seen

    def report(self, way, name, identity, other, query, types, ordered, seen, expected):
        """Print what differs, without the parts that do not matter for it."""
        def attempt(dropped):
            wanted = self.expect(query, dropped)
            got = self.see(way, name, identity, other, query, types, dropped)
            return got, wanted, got.same(wanted, ordered)
        dropped, seen, expected = shrink(query, seen, expected, attempt)
        print('\nDIFFERENCE for %s, sent as: %s; settings: %s (seed %d)'
              % (identity, way or 'plain', self.modes[name] or 'default', self.seed), file=self.out)
        if 'elsewhere' in (way or ''):
            print('used before by %s' % other, file=self.out)
        print('user:     %s%s' % (identity.settings(), user_text(query, dropped)), file=self.out)
        print('expected: %s' % expected_text(query, dropped), file=self.out)
        print_difference(seen, expected, self.out)

    def one_write(self):
        """Make a statement that writes; compare what it returns, and the tables after it."""
        rng = random.Random(self.rng.getrandbits(40))
        identity = self.pick_identity(lambda i: 'edit_records' in i.permissions)
        query = writes.Writes(rng, identity).statement()
        name = self.rng.choice(['plain', 'plain'] + [n for n in self.modes if n != 'jit'])

        def attempt(dropped):
            wanted = answer_of(self.writer.run_expected, query, dropped)
            if wanted.error and wanted.error != '57014':
                wanted = answer_of(self.writer.run_expected, query, dropped, True)
            got = answer_of(self.writer.run_user, query, identity, self.modes[name], dropped)
            return got, wanted, same_writes(got, wanted)

        seen, expected, same = attempt(frozenset())
        if expected.error and expected.error.startswith('42'):
            self.tally.differences += 1
            print('\nthe expected version is no SQL: %s\n%s' % (expected.message,
                                                                expected_text(query)),
                  file=self.out)
            return
        if '57014' in (seen.error, expected.error):
            self.tally.skipped['a write took too long'] += 1
            return
        self.tally.by_mode['write / %s' % name] += 1
        if expected.error:
            self.tally.errors['write ' + expected.error] += 1
        elif expected.rows[0]:
            self.tally.nonempty += 1
        if same or self.excused(query, seen, expected, False):
            return
        self.tally.differences += 1
        dropped, seen, expected = shrink(query, seen, expected, attempt)
        print('\nDIFFERENCE of a write for %s; settings: %s (seed %d)'
              % (identity, self.modes[name] or 'default', self.seed), file=self.out)
        print('user:     %s%s' % (identity.settings(), user_text(query, dropped)), file=self.out)
        print('expected: %s' % expected_text(query, dropped), file=self.out)
        if seen.error or expected.error:
            print_difference(seen, expected, self.out)
            return
        print_difference(Answer(rows=seen.rows[0]), Answer(rows=expected.rows[0]), self.out)
        for table, got, wanted in zip(self.writer.watched, seen.rows[2], expected.rows[2]):
            if got != wanted:
                print('  %s afterwards differs:' % table, file=self.out)
                print_difference(Answer(rows=got), Answer(rows=wanted), self.out)

    def run(self, seconds, most, stop_at=None, writes_share=WRITES):
        """Compare until the time or the number of comparisons is reached."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.tally.compared() < most:
            if self.rng.random() < writes_share:
                self.one_write()
            else:
                self.one_query()
            if stop_at and self.tally.differences >= stop_at:
                break
            if self.tally.differences >= 10:
                print('\nten differences are enough', file=self.out)
                break
        return self.tally


def same_writes(seen, expected):
    """Whether two statements returned the same rows and left equal tables."""
    if seen.error or expected.error:
        return seen.error == expected.error
    return (collections.Counter(seen.rows[0]) == collections.Counter(expected.rows[0])
            and seen.rows[1:] == expected.rows[1:])


def shrink(query, seen, expected, attempt):
    """Leave out parts while the answers differ in the same way, for at most 15 seconds."""
    kind = (seen.error, expected.error)
    dropped = frozenset()
    end = time.monotonic() + 15
    again = True
    while again:
        again = False
        for part in droppable(query, dropped):
            if time.monotonic() > end:
                return dropped, seen, expected
            got, wanted, same = attempt(dropped | {id(part)})
            if not same and (got.error, wanted.error) == kind:
                dropped, seen, expected, again = dropped | {id(part)}, got, wanted, True
                break
    return dropped, seen, expected


def query_locks(query):
    """Whether the query locks rows, as SELECT ... FOR UPDATE does."""
    return isinstance(query.parts[-1], str) and query.parts[-1].startswith(' FOR ')


def print_difference(seen, expected, out):
    """Print the first rows that only one answer has."""
    for label, answer in (('user', seen), ('expected', expected)):
        if answer.error:
            print('  %s: error %s %s' % (label, answer.error, answer.message), file=out)
    if seen.error or expected.error:
        return
    got, wanted = collections.Counter(seen.rows), collections.Counter(expected.rows)
    print('  rows: user %d, expected %d' % (len(seen.rows), len(expected.rows)), file=out)
    if got == wanted:
        print('  the same rows in another order', file=out)
    for label, rest in (('user only', got - wanted), ('expected only', wanted - got)):
        for row, number in list(rest.items())[:5]:
            print('  %s, %d times: %s' % (label, number, row), file=out)


def self_test(title, file, writes_only, database, seed):
    """Find a difference in a database that was broken on purpose."""
    def superuser(statement):
        connection = psycopg2.connect(dbname=database)
        connection.autocommit = True
        connection.cursor().execute(statement)
        connection.close()

    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, file)) as text:
        superuser(text.read())
    with open(os.devnull, 'w') as sink:
        comparison = Comparison(database, seed, sink)
        tally = comparison.run(20, 1500, stop_at=1, writes_share=1 if writes_only else WRITES)
        comparison.close()
    superuser('SELECT casnet.install()')
    found = tally.differences > 0
    print('self-test: %s: %s after %d comparisons'
          % (title, 'noticed' if found else 'NOT NOTICED', tally.compared()), flush=True)
    return found


def main():
    """Parse the arguments, run, print the tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--database', required=True)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--count', type=int, default=10 ** 9, help='comparisons')
    parser.add_argument('--seconds', type=float, default=45)
    parser.add_argument('--least', type=int, default=1,
                        help='comparisons below which the run fails')
    parser.add_argument('--broken', help='a copy of the database, to break')
    arguments = parser.parse_args()
    read_strings()
    print('seed %d' % arguments.seed, flush=True)
    passed = failed = 0
    for title, file, writes_only in BROKEN if arguments.broken else []:
        if self_test(title, file, writes_only, arguments.broken, arguments.seed):
            passed += 1
        else:
            failed += 1
    comparison = Comparison(arguments.database, arguments.seed)
    tally = comparison.run(arguments.seconds, arguments.count)
    tally.report()
    passed += tally.compared() - tally.differences
    failed += tally.differences
    if tally.compared() < arguments.least:
        print('fewer than %d comparisons' % arguments.least)
        failed += 1
    print('%d passed, %d failed' % (passed, failed))
    return 0 if failed == 0 else 1


if __name__ == '__main__':
    sys.exit(main())
