#!/usr/bin/python3 -B
"""differential.py - the statements of test/differential through the coordinator.

A plain database beside the distributed one has the same rows and answers with constants.
A statement that Citus refuses counts as refused.  When an answer differs, a superuser sends
the version with constants to Citus too: if Citus answers as it did to the user, the
difference is not one of casnet.  Writes are committed, compared, and undone.

scripts/citus.sh runs this on a fresh database that has casnet, with the PG* variables of the
coordinator and the ports of the workers in CASNET_WORKERS.  CASNET_SECONDS is how long the
comparison lasts, and CASNET_SEED its seed.
"""
import collections
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SUITE = os.path.join(os.path.dirname(HERE), 'differential')
sys.path.insert(0, SUITE)

import differential as suite
import writes
from nodes import SHARDS, WORKERS, ask, connect
from parts import expected_text, user_text

SECONDS = float(os.environ.get('CASNET_SECONDS', '60'))
SEED = int(os.environ.get('CASNET_SEED', '0')) or int(time.time())
DATABASE = os.environ['PGDATABASE']
PLAIN = DATABASE + '_plain'
TABLES = ['records', 'persons', 'tags', 'record_persons', 'record_tags', 'tasks', 'calendar_events']
# What Citus refuses with another code, and what a session gets for settings of its own.
REFUSALS = re.compile(
    r'XX000: cannot execute a distributed query from a query on a shard'
    r'|XX000: non-IMMUTABLE functions are not yet supported in MERGE'
    r'|XX000: Distributed queries with outer joins and pseudoconstant quals'
    r'|42883: operator does not exist: text = boolean'              # CASE x WHEN in an UPDATE
    r'|42703: column \w+\.\w+_\d+ does not exist'                   # JOIN USING and a third table
    r'|42501: permission denied for function assign_distributed_transaction_id')
WATCHED = [t for t in writes.WATCHED if t.startswith('casnet.')]
# Settings that change messages only, or make errors of them.
LEFT_ALONE = ('citus.log_', 'citus.explain_', 'citus.stat_', 'citus.multi_task_query_log_level')


def psql(database, *arguments):
    """Run psql as a superuser."""
    subprocess.run([os.path.join(os.environ['CASNET_BINDIR'], 'psql'), '-X', '-q', '-v', 'ON_ERROR_STOP=1',
                    '-d', database, *arguments], check=True, stdout=subprocess.DEVNULL)


def build():
    """The world of the suite in both databases, and one of them distributed."""
    for role in ('differential_app', 'differential_views'):
        psql(DATABASE, '-c', 'CREATE ROLE %s LOGIN' % role)   # Citus makes a view as its owner
    psql('postgres', '-c', 'SET citus.enable_create_database_propagation = off',
         '-c', 'CREATE DATABASE ' + PLAIN, '-c', 'ALTER DATABASE %s SET timezone = UTC' % PLAIN)
    # Citus does not tell workers the time zone of a session.
    for port in [None] + WORKERS:
        admin = connect(port=port)
        ask(admin, 'ALTER DATABASE %s SET timezone = UTC' % DATABASE)
        admin.close()
    for database in (DATABASE, PLAIN):
        psql(database, '-f', os.path.join(SUITE, 'data.sql'),
             '-c', "UPDATE casnet.roles SET created_at = '2024-01-01'")
        if database == DATABASE:
            save(database)
            psql(database, '-c', 'SELECT casnet.distribute(%d)' % SHARDS)
        psql(database, '-f', os.path.join(SUITE, 'views.sql'))


def save(database):
    """Copies of the rows, to undo writes from."""
    psql(database, '-c', 'CREATE SCHEMA saved', *[word for table in TABLES + ['users', 'tenants'] for word in
         ('-c', 'CREATE TABLE saved.%s AS TABLE casnet.%s' % (table, table))])


class Writer(writes.Writer):
    """Writes of users are committed at Citus; those with constants are rolled back."""

    watched = WATCHED

    def __init__(self, timeout):
        options = '-c statement_timeout=%d' % timeout
        self.as_user = suite.connect(DATABASE)('differential_app', options)
        self.plain = suite.connect(PLAIN)('postgres', options)
        self.admin = suite.connect(DATABASE)('postgres', '-c citus.multi_shard_modify_mode=sequential')
        self.columns = {}
        with self.admin.cursor() as cursor:
            for table in TABLES:
                cursor.execute("SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE"
                               " attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
                               ('casnet.' + table,))
                self.columns[table] = cursor.fetchone()[0]
            self.base = self.contents(cursor)
        self.admin.rollback()
        self.lost = []

    def summed(self, cursor):
        """All rows are summed as a whole, since xmin means nothing on another node."""
        return 'true'

    def run_user(self, query, identity, settings, dropped=frozenset()):
        """As the user; committed, looked at, and undone."""
        cursor = self.as_user.cursor()
        try:
            cursor.execute(settings + identity.settings() + user_text(query, dropped))
            rows, count = cursor.fetchall() if cursor.description else [], cursor.rowcount
            self.as_user.commit()
        except suite.psycopg2.Error:
            if self.as_user.closed:
                self.as_user = suite.connect(DATABASE)('differential_app')
            self.as_user.rollback()
            if self.look_and_undo() != self.base:
                self.lost.append(user_text(query, dropped))
            raise
        return [rows, count, self.look_and_undo()]

    def look_and_undo(self):
        """The contents of the tables, which are then as they were."""
        self.admin.rollback()
        with self.admin.cursor() as cursor:
            found = self.contents(cursor)
            touched = {row[0] for new, old in zip(found, self.base) for row in set(new) ^ set(old)}
            if touched:
                self.undo(cursor, sorted(touched))
                self.admin.commit()
                again = self.contents(cursor)
                assert again == self.base, 'the rows did not come back'
        self.admin.rollback()
        return found

    def undo(self, cursor, ids):
        """Bring back the rows of these tenants, and what these users and tenants are called."""
        for table in reversed(TABLES):
            cursor.execute('DELETE FROM casnet.%s WHERE tenant_id = ANY (%%s::uuid[])' % table, (ids,))
        for table in TABLES:
            cursor.execute('INSERT INTO casnet.%s (%s) SELECT %s FROM saved.%s WHERE tenant_id = ANY (%%s::uuid[])'
                           % (table, self.columns[table], self.columns[table], table), (ids,))
        for table, column in (('users', 'full_name'), ('tenants', 'description')):
            cursor.execute('SELECT id, %s FROM saved.%s WHERE id = ANY (%%s::uuid[])' % (column, table), (ids,))
            for key, value in cursor.fetchall():
                cursor.execute('UPDATE casnet.%s SET %s = %%s WHERE id = %%s' % (table, column), (value, key))


class Comparison(suite.Comparison):
    """Compares what Citus answers to a user with what the plain database answers with constants."""

    def __init__(self, seed, out=sys.stdout):
        super().__init__(DATABASE, seed, out, plain=PLAIN)
        self.control = suite.connect(DATABASE)('postgres', '-c statement_timeout=%d' % (suite.TIMEOUT * 2))
        for connection in (self.writer.as_user, self.writer.plain):
            connection.close()
        self.writer = Writer(suite.TIMEOUT * 8)
        self.refused = collections.Counter()
        self.of_citus = collections.Counter()
        self.examples = {}
        self.last = (None, None)
        self.modes = {name: value for name, value in self.modes.items() if not name.startswith('enable_')}
        with self.control.cursor() as cursor:
            cursor.execute("SELECT name, setting, vartype, enumvals FROM pg_settings WHERE name LIKE 'citus.%' AND"
                           " context = 'user' AND vartype IN ('bool', 'enum') ORDER BY name")
            for name, setting, kind, values in cursor.fetchall():
                if name.startswith(LEFT_ALONE):
                    continue
                others = ['off' if setting == 'on' else 'on'] if kind == 'bool' else \
                    [v for v in values.strip('{}').replace('"', '').split(',') if v != setting]
                for value in others:
                    self.modes['%s=%s' % (name, value)] = "SET LOCAL %s = '%s'; " % (name, value)
        self.control.rollback()

    def close(self):
        """End the connections."""
        super().close()
        self.control.close()
        self.writer.admin.close()

    def of_superuser(self, text):
        """What Citus answers to a superuser."""
        def run():
            try:
                with self.control.cursor() as cursor:
                    cursor.execute(text)
                    return cursor.fetchall() if cursor.description else []
            finally:
                self.control.rollback()
        answer = suite.answer_of(run)
        if self.control.closed:
            self.control = suite.connect(DATABASE)('postgres')
        return answer

    def with_constants(self, query):
        """What Citus answers to a superuser who sends the version with constants."""
        if self.last[0] is not query:
            self.last = (query, self.of_superuser(expected_text(query)))
        return self.last[1]

    def see(self, way, name, identity, other, query, types, dropped=frozenset()):
        """The user's answer.  Citus does not explain every plan of a superuser who has a tenant."""
        return super().see(way and way.replace('by superuser', 'elsewhere'), name, identity, other, query,
                           types, dropped)

    def excused(self, query, seen, expected, ordered):
        """Whether Citus refuses the statement, or answers so without policies too."""
        control = self.with_constants(query)
        message = kind_of(seen)
        if seen.error == '0A000' or REFUSALS.match('%s: %s' % (seen.error, seen.message)):
            self.refused['%s: %s' % ('with constants too' if control.error == '0A000' else 'only under policies',
                                     message)] += 1
            self.examples.setdefault(message, user_text(query))
            return True
        if seen.error and seen.error != '57014' and kind_of(self.of_superuser(user_text(query))) == message:
            self.of_citus[message] += 1
            self.examples.setdefault(message, user_text(query))
            return True
        if seen.rows and isinstance(seen.rows[0], list):    # of a write, with the tables after it
            if expected.rows and seen.rows[2] != expected.rows[2]:
                return False
            seen = suite.Answer(seen.rows[0])
        if expected.rows and isinstance(expected.rows[0], list):
            expected = suite.Answer(expected.rows[0])
        if seen.same(control, ordered) and not control.same(expected, ordered):
            self.of_citus[message or 'other rows'] += 1
            self.examples.setdefault(message or 'other rows', user_text(query))
            return True
        return False

    def report_all(self):
        """The numbers, and what was refused."""
        self.tally.report()
        for title, found in (('refused, ', self.refused), ('Citus alone answers so: ', self.of_citus)):
            for message, number in found.most_common():
                print('  %6d %s%s' % (number, title, message))
        if os.environ.get('CASNET_EXAMPLES'):
            for message, text in self.examples.items():
                print('example of %s\n    %s' % (message, text))


def kind_of(answer):
    """The message of an error, without the names and numbers in it."""
    if not answer.error:
        return ''
    first = answer.message.split('\n')[0]
    return '%s %s' % (answer.error, re.sub(r'"[^"]*"|\d+', '...', first)[:120])


def policies(admin):
    """Statements that make the policies as they are."""
    found = []
    for relation, name, using, check in ask(admin, '''SELECT polrelid::regclass::text, quote_ident(polname),
            pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy
            WHERE polrelid::regclass::text IN ('casnet.tasks', 'casnet.persons', 'casnet.calendar_events')'''):
        found.append('ALTER POLICY %s ON %s%s%s' % (name, relation, ' USING (%s)' % using if using else '',
                                                   ' WITH CHECK (%s)' % check if check else ''))
    return found


def breaks(admin):
    """What must be noticed: title, whether only writes are tried, where and how it is broken and mended."""
    mend = policies(admin)
    for title, file, writes_only in suite.BROKEN[:2]:
        with open(os.path.join(SUITE, file), encoding='utf-8') as text:
            yield title, writes_only, None, [text.read()], mend
    shard, port = ask(admin, "SELECT table_name::text || '_' || shardid, nodeport FROM citus_shards WHERE shardid ="
                             " get_shard_id_for_distribution_column('casnet.records',"
                             " (SELECT id FROM casnet.tenants WHERE name = 'middle'))")[0]
    manual = 'SET citus.enable_manual_changes_to_shards = on'
    yield ('a worker that hides rows', False, port,
           [manual, "CREATE POLICY hides ON %s AS RESTRICTIVE USING (title !~ '^[hms]')" % shard],
           [manual, 'DROP POLICY hides ON %s' % shard])


def self_test(admin):
    """Break the database, and look whether the comparison notices it.  Returns what it missed."""
    missed = []
    for title, writes_only, port, broken, mended in list(breaks(admin)):
        link = connect(port=port)
        with link.cursor() as cursor:
            for statement in broken:
                cursor.execute(statement)
            with open(os.devnull, 'w', encoding='utf-8') as sink:
                comparison = Comparison(SEED, sink)
                tally = comparison.run(100, 1500, stop_at=1, writes_share=1 if writes_only else suite.WRITES)
                comparison.close()
            for statement in mended:
                cursor.execute(statement)
        link.close()
        print('self-test: %s: %s after %d comparisons' % (
            title, 'noticed' if tally.differences else 'NOT NOTICED', tally.compared()), flush=True)
        if not tally.differences:
            missed.append(title)
    return missed


def main():
    """Build, break and mend, compare; 0 if nothing differs."""
    print('seed %d' % SEED, flush=True)
    build()
    suite.read_strings()
    admin = connect()
    missed = self_test(admin) if SECONDS >= 20 else []
    comparison = Comparison(SEED)
    tally = comparison.run(SECONDS, 10 ** 9)
    comparison.report_all()
    failed = tally.differences + len(missed) + len(comparison.writer.lost)
    for text in comparison.writer.lost:
        print('FAILED a statement that ended in an error changed rows: ' + text)
    findings = ask(admin, "SELECT code, object, problem FROM casnet.doctor() WHERE severity = 'error'")
    if findings:
        print('FAILED doctor(): %s' % (findings,))
        failed += 1
    comparison.close()
    ask(admin, 'DROP DATABASE ' + PLAIN)
    print('%d passed, %d failed' % (tally.compared() - tally.differences, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
