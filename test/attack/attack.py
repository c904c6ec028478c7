"""Attack every relation and function of casnet as every kind of session, and
compare each outcome with the expected one.

usage: attack.py [options]
  --quick            every relation, the main commands, four kinds of session
  --long             every command by everybody; otherwise those who are refused
                     alike make the main attempts only
  --table NAME       these relations only (again for more); "functions", "server",
                     "forged"
  --role NAME        these kinds of session only
  --command TEXT     the commands only whose name begins so
  --template NAME    make the database from this one, which has casnet
  --database NAME    make the database under this name, and keep it with its role
  --no-setup         attack that database as it is, left by --database
  --no-self-test     do not break the database to see whether that is noticed
  --failures N       how many failures to show in full (40)
  --verbose          say every attempt

A connection of a role that has casnet_user and nothing else makes each attempt in a
transaction of its own.  Whatever it returns, raises or notes is searched for canaries of
rows that the session may not see.  Rows are counted, and the SQLSTATE must be the
expected one.  After each successful write a judge in the database compares all rows of
all others.
"""

import argparse
import collections
import io
import re
import sys
import time

import psycopg2

import commands
import elsewhere
import fixture
import forged
import functions
import matrix as m

LOCAL = "SELECT set_config('casnet.token', %s, {0}), set_config('casnet.tenant_id', %s, {0})"


class Notices:
    """What the server sent besides results; append() is called by psycopg2."""

    def __init__(self):
        self.lines = []

    def append(self, line):
        """Keep one more notice."""
        self.lines.append(line)


class Outcome:
    """The outcome of an attempt."""

    def __init__(self):
        self.sqlstate = '00000'
        self.text = []              # everything that the client received
        self.rows = []              # of the last statement
        self.count = None
        self.copied = 0             # lines of COPY TO
        self.state = None           # by the judge, after a write that succeeded
        self.error = ''


class Session:
    """The connection of one actor."""

    def __init__(self, database, role, actor, tokens, **more):
        self.actor = actor
        self.tokens = tokens
        self.open = lambda: fixture.connect(database, role, options='-c lock_timeout=5s -c jit=off', **more)
        self.connection = None
        self.connect()

    def connect(self):
        """A new connection, with the identity of the actor."""
        self.connection = self.open()
        self.notices = Notices()
        self.connection.notices = self.notices
        self.cursor = self.connection.cursor()
        self.cursor.execute('SELECT casnet.current_tenant_id()')
        self.cursor.execute(LOCAL.format('false'), self.identity(self.actor))

    def identity(self, actor):
        """The two settings of an actor."""
        return (self.tokens[actor.name] or '', m.tenant_id(actor.tenant) if actor.tenant else '')

    def close(self):
        """Close it."""
        self.connection.close()

    def run(self, statement, outcome, copy=None):
        """Run one statement and add all that it produces to the outcome."""
        cursor = self.cursor
        if statement.startswith('COPY') and ('STDOUT' in statement or 'STDIN' in statement):
            stream = io.StringIO(copy or '')
            cursor.copy_expert(statement, stream)
            if 'STDOUT' in statement:
                outcome.text.append(stream.getvalue())
                outcome.copied = stream.getvalue().count('\n')
            outcome.rows, outcome.count = [], cursor.rowcount
            return
        cursor.execute(statement)
        outcome.count = cursor.rowcount
        outcome.rows = cursor.fetchall() if cursor.description else []
        if outcome.rows:
            outcome.text.append(str(outcome.rows))

    def attempt(self, statements, prime=None, copy=None, judge=False):
        """Run the statements in a transaction that is rolled back."""
        outcome = Outcome()
        try:
            self.cursor.execute('BEGIN')
            if prime:
                self.cursor.execute(LOCAL.format('true'), self.identity(prime[0]))
                self.cursor.execute('SAVEPOINT primed')
                for statement in prime[1]:
                    self.cursor.execute(statement)
                self.cursor.execute(LOCAL.format('true'), self.identity(self.actor))
            self.notices.lines = []
            for statement in statements:
                self.run(statement, outcome, copy)
            if judge:
                outcome.state = fixture.judged(self.cursor)
        except psycopg2.Error as error:
            outcome.sqlstate = error.pgcode or 'XXXXX'
            outcome.error = str(error).strip()
            outcome.text.append(str(error))
            for part in ('message_detail', 'message_hint', 'context', 'message_primary',
                         'constraint_name', 'internal_query'):
                outcome.text.append(str(getattr(error.diag, part, '') or ''))
        outcome.text += self.notices.lines
        try:
            self.cursor.execute('ROLLBACK')
            self.cursor.execute('DEALLOCATE ALL')
        except psycopg2.Error:
            self.connect()
        return outcome


def canaries(text):
    """The canaries in a text."""
    return {x.group() for x in m.CANARY.finditer(text)}


class Campaign:
    """All attempts on one database, and what was found."""

    def __init__(self, database, role, options, **more):
        self.database = database
        self.role = role
        self.options = options
        self.more = more                # how else to connect
        self.tokens = fixture.tokens()
        self.admin = fixture.connect(database, **more)
        self.judge = self.admin.cursor()
        self.server = self.admin.server_version
        self.failures = []
        self.tried = {'object': collections.Counter(), 'command': collections.Counter(),
                      'session': collections.Counter(), 'due': collections.Counter()}
        self.done = 0
        self.cache = {}
        self.before = self.state()
        self.sessions = {}

    def state(self):
        """What the judge sees of committed rows."""
        return fixture.judged(self.judge)

    def session(self, actor):
        """The session of an actor."""
        if actor.name not in self.sessions:
            self.sessions[actor.name] = Session(self.database, self.role, actor, self.tokens, **self.more)
        return self.sessions[actor.name]

    def actors(self):
        """The kinds of session that take part."""
        wanted = self.options.role or (m.QUICK_ACTORS if self.options.quick else None)
        return [a for a in m.ACTORS if not wanted or a.name in wanted]

    def value(self, sql):
        """One value, read as the superuser and cached."""
        if sql not in self.cache:
            self.judge.execute(sql)
            self.cache[sql] = self.judge.fetchone()[0]
        return self.cache[sql]

    def count(self, entry, actor, condition='true'):
        """The number of rows that an actor may see and that meet a condition."""
        visible = entry.visible(actor)
        if visible == 'false':
            return 0
        return self.value('SELECT count(*) FROM %s AS t WHERE %s AND (%s)'
                          % (entry.source, visible, condition))

    def allowed(self, actor):
        """The canaries in all that an actor may see."""
        key = ('allowed', actor.name)
        if key not in self.cache:
            found = set()
            for entry in m.ENTRIES:
                visible = entry.visible(actor)
                if visible != 'false' and self.exists(entry.table):
                    self.judge.execute('SELECT %s FROM %s AS t WHERE %s'
                                       % (entry.shown, entry.source, visible))
                    found |= canaries(str(self.judge.fetchall()))
            if actor.has_user():
                self.judge.execute('SELECT id, username FROM casnet.users AS t WHERE id = %s',
                                   (m.user_id(actor.user),))
                found |= canaries(str(self.judge.fetchall()))
            if actor.tenant:            # its own setting says so
                found.add(m.tenant_id(actor.tenant))
            self.cache[key] = found
        return self.cache[key]

    def everything(self):
        """All canaries that any member of any tenant may see."""
        found = set()
        for entry in m.ENTRIES:
            if entry.kind == 'table':
                self.judge.execute('SELECT %s FROM %s AS t' % (entry.shown, entry.source))
                found |= canaries(str(self.judge.fetchall()))
        return found

    def exists(self, table):
        """Whether there is such a relation."""
        return self.value("SELECT to_regclass('%s') IS NOT NULL" % table)

    # Which relations are known.

    def check_known(self):
        """Each relation has an entry, each entry a relation, and each table enabled policies."""
        self.judge.execute('''SELECT n.nspname, c.relname, c.relkind, c.relrowsecurity,
                c.relforcerowsecurity
              FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.relkind NOT IN ('i', 'I', 't')
               AND (n.nspname IN ('casnet', 'casnet_internal') OR c.relname LIKE 'attack_notes%'
                    OR (n.nspname = 'attack' AND c.relname = 'own_view'))''')
        there = {('%s.%s' % r[:2]): r for r in self.judge.fetchall()}
        known = {e.table: e for e in m.ENTRIES}
        for table, row in sorted(there.items()):
            if row[0] == 'casnet_internal' and m.PARTITION.match(row[1]) and table not in known:
                known[table] = m.Entry(row[1], 'internal', schema=row[0])
            entry = known.get(table)
            self.note('relation', 'has an entry', None, entry is not None, table,
                      'there is no entry for it in matrix.py')
            if row[2] in 'rp':
                self.note('relation', 'row security', None, row[3] and row[4], table,
                          'row security is not enabled and forced')
        for table in sorted(set(known) - set(there)):
            self.note('relation', 'exists', None, False, table, 'there is no such relation')
        return [known[t] for t in sorted(known) if t in there]

    # One attempt and its judgement.

    def note(self, place, command, actor, good, statement, trouble):
        """Count an attempt, and remember what was wrong with it."""
        self.done += 1
        self.tried['object'][place] += 1
        self.tried['command'][command] += 1
        self.tried['session'][actor.name if actor else '-'] += 1
        if not good:
            self.failures.append('%s, %s, as %s: %s\n    %s' % (
                place, command, actor.name if actor else 'anybody', trouble, statement))

    def changed(self, outcome, actor, may_change, extra=()):
        """What changed although it must not, as the judge sees it."""
        if outcome.state is None:
            return []
        keys = set(self.before) | set(outcome.state)
        moved = {k for k in keys if self.before.get(k) != outcome.state.get(k)}
        if may_change:
            mine = {'users/' + m.user_id(actor.user)} if actor.has_user() else set()
            if actor.tenant and not actor.refusal:
                mine |= {k for k in moved if k.endswith('/' + m.tenant_id(actor.tenant))}
            if any(k.startswith(('user_tenants/', 'user_tenant_permissions/')) for k in mine):
                mine.add('token_cutoffs')   # with a membership or a permission, invitations end
            moved -= mine
            if 'new' in extra:          # a new tenant or user
                moved = {k for k in moved if k in self.before or canaries(k)}
            moved = {k for k in moved if not any(re.match(x, k) for x in extra)}
        return sorted(moved)

    def judge_attempt(self, place, command, actor, statements, outcome, due, trouble='',
                      may_change=False, extra=(), expected=()):
        """Compare an outcome with the expected one; all verdicts are made here."""
        self.tried['due'][due if isinstance(due, str) else due[0]] += 1
        sent = ' ;; '.join(statements)
        dues = (due,) if isinstance(due, str) else due
        problems = []
        if outcome.sqlstate not in dues:
            problems.append('due was %s, seen %s %s' % (' or '.join(dues), outcome.sqlstate,
                                                        outcome.error[:300]))
        seen = canaries('\n'.join(outcome.text))
        hidden = {c for c in seen - self.allowed(actor) - set(expected) if c not in sent and
                  not any(x.startswith(c) for x in self.allowed(actor))}
        if hidden:
            problems.append('LEAK of %s' % ', '.join(sorted(hidden)[:8]))
        moved = self.changed(outcome, actor, may_change, extra)
        if moved:
            problems.append('CHANGED %s' % ', '.join(moved[:8]))
        if trouble and not problems:
            problems.append(trouble)
        if self.options.verbose:
            print('%-24s %-28s %-12s %s %s' % (place, command, actor.name, outcome.sqlstate,
                                               '; '.join(problems)))
        self.note(place, command, actor, not problems, sent, '; '.join(problems))

    # Commands on relations.

    def prepare(self, entry):
        """Complete the entry from the catalog."""
        entry.server = self.server
        self.judge.execute('''SELECT attname, attgenerated FROM pg_attribute
             WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
             ORDER BY attnum''', (entry.table,))
        found = self.judge.fetchall()
        entry.columns = [c for c, g in found if c != 'hashed_password' and not g]
        if entry.kind == 'internal':
            entry.key, entry.column = (entry.columns[0],), entry.columns[0]
            entry.insert, entry.values = entry.columns[0], 'NULL'

    def words(self, entry, actor):
        """The values of the placeholders in statements."""
        own, hidden = actor.tenant or 'a', actor.hidden

        def valued(letter, someone):
            text = entry.values or ''
            return (text.replace('{record1}', m.row_id(letter, m.RECORDS, 1))
                    .replace('{tag2}', m.row_id(letter, m.TAGS, 2))
                    .replace('{person2}', m.row_id(letter, m.PERSONS, 2))
                    .replace('{spare}', m.user_id('spare')).replace('{someone}', m.user_id(someone)))

        helper = 'viewer' if own == 'a' else 'helper' + own
        mine, theirs = valued(own, helper), valued(hidden, 'helper' + hidden)
        inserted = entry.insert.split(', ') if entry.insert else []
        rest = [(c, v) for c, v in zip(inserted, mine.split(', ')) if c not in entry.key]

        def full(letter):
            return ', '.join(["'%s'" % v for v in entry.key_values(letter)] + [v for _, v in rest])

        return {
            't': entry.table, 's': entry.shown, 'h': hidden, 'k': entry.key[0],
            'hidden': entry.is_key(hidden), 'column': entry.column or entry.key[0],
            'force_parallel': 'debug_parallel_query' if self.server >= 160000 else 'force_parallel_mode',
            'columns': ', '.join(entry.columns), 'two': ', '.join(entry.columns[:2]),
            'insert': entry.insert or '', 'values': mine, 'hvalues': theirs,
            'line': mine.replace("'", '').replace(', ', '\t'),
            'hline': theirs.replace("'", '').replace(', ', '\t'),
            'moves': entry.moves or '', 'htenant': m.tenant_id(hidden), 'tenant': m.tenant_id(own),
            'conflict': ', '.join((entry.moves or '',) + tuple(entry.key)),
            'full': ', '.join(list(entry.key) + [c for c, _ in rest]), 'ownrow': full(own),
            'role': self.role, 'hiddenrow': full(hidden), 'absentrow': full(m.ABSENT),
            'absent': entry.is_key(m.ABSENT)}

    @staticmethod
    def filled(text, words):
        """A statement with its placeholders filled in."""
        return re.sub(r'\{(\w+)\}', lambda x: words.get(x.group(1), x.group()), text)

    def due(self, entry, command, actor):
        """The SQLSTATE that a command on a relation ends with."""
        special = (entry.overrides.get((command.name, actor.name)) or
                   entry.overrides.get((command.name, '*')))
        if special:
            return special
        if command.fixed:
            return command.fixed
        if entry.kind == 'internal':
            return '42501'
        worst = '00000'
        for take in command.takes:
            when, _, last = take.rpartition(' ')
            if (when == 'matched' and not self.count(entry, actor) or when == 'hidden' and
                    not self.count(entry, actor, entry.is_key(actor.hidden))):
                if entry.needs[last] != 'NONE':
                    continue
            take = last
            if take in ('foreign', 'system'):
                if worst == '00000':
                    worst = '42501'
                continue
            need = entry.needs['edit' if take == 'lock' else take]
            if need == 'NONE':
                # The planner can ask a policy before the executor checks privileges.
                return ('42501', '28000') if actor.refusal == '28000' else '42501'
            found = actor.due(need)
            if found != '00000' and worst in ('00000', '42501'):
                worst = found
        if worst != '00000':
            return worst
        if entry.name in ('users', 'tenants') and command.name == 'merge update':
            # The actor sees the own row and others; changing the others is refused.
            return '00000' if self.count(entry, actor) <= 1 else '42501'
        if command.ends == '22P02 if rows':
            return '22P02' if self.count(entry, actor) else '00000'
        return command.ends

    def expected_rows(self, entry, command, actor):
        """How many rows there must be; None if any number will do."""
        kind = command.rows
        if kind is None or isinstance(kind, int):
            return kind
        visible = self.count(entry, actor)
        if kind in ('writable', 'current'):
            if entry.name in ('users', 'tenants'):
                return None if not visible else 1 if kind == 'writable' or visible == 1 else None
            return min(visible, 1) if kind == 'current' else visible
        if kind == 'hidden':
            return self.count(entry, actor, entry.is_key(actor.hidden))
        if kind in ('none', 'foreign'):
            return 0
        return visible

    def row_trouble(self, entry, command, actor, outcome):
        """What is wrong with the number of rows, or ''."""
        wanted = self.expected_rows(entry, command, actor)
        if wanted is None or outcome.sqlstate != '00000':
            return ''
        if command.rows == 'count' or (command.rows == 'none' and len(outcome.rows) == 1 and
                                       len(outcome.rows[0]) == 1):
            seen = outcome.rows[0][0]
        elif command.rows == 'lines':
            seen = outcome.copied
        elif command.rows == 'plan':
            # EXPLAIN shows only the shape of plans over protected tables.
            seen = outcome.rows[0][0][0]['Plan'].get('Actual Rows', wanted)
        elif command.rows == 'told':
            seen = '\n'.join(outcome.text).count('told of a row')
            return '' if seen <= wanted else 'LEAK: a function ran for %d rows of %d' % (seen, wanted)
        else:
            seen = outcome.count
        return '' if seen == wanted else 'due were %s rows, seen %s' % (wanted, seen)

    def attack_relation(self, entry):
        """All commands on a relation by all actors."""
        self.prepare(entry)
        every = [c for c in commands.commands(entry) if self.wants_command(c.name)]
        by_name = {a.name: a for a in m.ACTORS}
        for actor in self.actors():
            session, words = self.session(actor), self.words(entry, actor)
            for command in every:
                if not self.takes_part(entry, command, actor):
                    continue
                if command.kind == commands.PAIR:
                    self.probe(entry, command, actor, session, words)
                    continue
                statements = [self.filled(s, words) for s in command.statements]
                prime = None
                if command.prime:
                    who = by_name[command.prime[0]]
                    if entry.kind == 'internal':
                        continue
                    prime = (who, self.primed(entry, command, who, words))
                due = self.due(entry, command, actor)
                copy = self.filled(command.copy, words) if command.copy else None
                outcome = session.attempt(statements, prime, copy,
                                          judge=command.kind == commands.WRITE)
                self.judge_attempt(entry.name, command.name, actor,
                                   statements + ([copy] if copy else []), outcome, due,
                                   self.row_trouble(entry, command, actor, outcome),
                                   may_change=due == '00000', expected=self.told(entry, actor))

    def told(self, entry, actor):
        """What attack.tell() prints if the hidden tenant is one of the actor's."""
        seen = entry.moves == 'id' and self.count(entry, actor, entry.is_key(actor.hidden))
        return ('canary-h-told',) if seen else ()

    def takes_part(self, entry, command, actor):
        """Whether an actor makes this attempt, or leaves it to --long.

        What depends on table privileges or ownership is the same for every
        session, and sessions that are refused alike differ in nothing else."""
        if self.options.long:
            return True
        if self.options.quick and (entry.kind == 'internal' or entry.kind == 'load' and
                                   command.kind == commands.READ):
            return command.quick and actor.name in ('owner', 'nobody')
        if command.quick:
            return True
        if self.options.quick or m.PARTITION.match(entry.name):
            return False
        if (command.kind == commands.DDL or entry.kind == 'internal' or
                entry.kind == 'load' and command.kind == commands.READ):
            return actor.name in ('owner', 'nobody')
        return (actor.name in m.THOROUGH_ACTORS or command.kind == commands.PAIR or
                command.kind == commands.WRITE and actor.name in ('owner', 'tenantless'))

    def primed(self, entry, command, who, words):
        """The statements before the attack, without those that this actor cannot run."""
        statements = [self.filled(s, words) for s in command.prime[1]]
        if command.kind == commands.WRITE or self.due(entry, command, who) != '00000':
            statements = [s for s in statements if not s.startswith(('EXECUTE', 'SELECT'))]
        return statements

    def probe(self, entry, command, actor, session, words):
        """Hidden row and absent row: the two answers must be the same."""
        answers, sent = [], []
        for letter, which in ((actor.hidden, 'hidden'), (m.ABSENT, 'absent')):
            more = dict(words, row=words[which + 'row'], isrow=words[which],
                        rowfirst="'%s'" % entry.key_values(letter)[0],
                        rowrecord=m.row_id(letter, m.RECORDS))
            statement = self.filled(command.statements[0], more)
            sent.append(statement)
            outcome = session.attempt([statement])
            answers.append((outcome, self.neutral(outcome, entry, letter)))
        same = answers[0][1] == answers[1][1]
        # Whoever may see the row learns that it exists; whoever may add members learns
        # that an account exists (docs/limits.md).
        if not same and (self.count(entry, actor, entry.is_key(actor.hidden)) or
                         entry.name == 'user_tenants' and 'manage_users' in actor.permissions and
                         command.name in ('probe insert', 'probe on conflict')):
            same = True
        self.judge_attempt(entry.name, command.name, actor, sent, answers[0][0],
                           answers[1][0].sqlstate if not same else answers[0][0].sqlstate,
                           '' if same else 'a hidden row and no row differ: %r and %r'
                           % (answers[0][1], answers[1][1]))

    @staticmethod
    def neutral(outcome, entry, letter):
        """An answer without times, new ids, and the ids that were asked for."""
        text = '\n'.join(outcome.text)
        for value in entry.key_values(letter) + (m.row_id(letter, m.RECORDS),):
            text = text.replace(value, '?')
        text = re.sub(r'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{22}', '#', text)
        text = re.sub(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+\d\d', '@', text)
        return outcome.sqlstate, outcome.count, text

    # Everything.

    def wants_command(self, name):
        """Whether a command or function was asked for."""
        return not self.options.command or any(name.startswith(x) for x in self.options.command)

    def wants(self, name):
        """Whether a relation or topic was asked for."""
        return not self.options.table or name in self.options.table

    def run(self):
        """The whole campaign."""
        entries = self.check_known()
        for entry in entries:
            if self.wants(entry.name):
                self.attack_relation(entry)
        if self.wants('functions'):
            functions.attack(self)
        if self.wants('server'):
            elsewhere.attack(self)
        if self.wants('forged'):
            forged.attack(self)
        for session in self.sessions.values():
            session.close()
        self.note('relation', 'left as it was', None, self.state() == self.before, '',
                  'the attacks changed rows for good')
        self.admin.close()

    def report(self):
        """Counts, and the failures in full."""
        for what in ('object', 'session', 'due'):
            print('attempts by %s:' % what)
            line = ''
            for name, number in sorted(self.tried[what].items()):
                item = '%s %d' % (name, number)
                if len(line) + len(item) > 96:
                    print('   ' + line)
                    line = ''
                line += (', ' if line else ' ') + item
            print('   ' + line)
        print('commands: %d' % len(self.tried['command']))
        for failure in self.failures[:self.options.failures]:
            print('FAILED ' + failure)
        if len(self.failures) > self.options.failures:
            print('... and %d more' % (len(self.failures) - self.options.failures))


# Each opens one hole, which a few attacks must find.
HOLES = [
    ('a policy USING (true)', 'records',
     "ALTER POLICY casnet_select ON casnet.records USING (true)"),
    ('row security switched off', 'tasks', 'ALTER TABLE casnet.tasks DISABLE ROW LEVEL SECURITY'),
    ('row security not forced', 'persons', 'ALTER TABLE casnet.persons NO FORCE ROW LEVEL SECURITY'),
    ('a grant on a hidden table', 'signing_keys', 'GRANT SELECT ON casnet_internal.signing_keys TO casnet_user'),
    ('hashes that are readable', 'users', 'GRANT SELECT ON casnet_internal.password_hashes TO casnet_user'),
    ('a table that is new', 'relation', 'CREATE TABLE casnet.more (x text)'),
    ('a policy that lets write', 'tags',
     "CREATE POLICY more ON casnet.tags FOR INSERT WITH CHECK (casnet_internal.require_user() IS NOT NULL)"),
    ('a function that is new', 'functions', 'GRANT EXECUTE ON FUNCTION casnet_internal.can_in(uuid, text)'
     ' TO casnet_user'),
    ('a policy that a condition stands in for', 'forged', "ALTER POLICY casnet_select ON casnet.tags"
     " USING (tenant_id = casnet.current_tenant_id())"),
]


def self_test(database, role, options):
    """Open holes of all kinds, each in a copy of the database; return those not found."""
    missed = []
    for number, (what, place, statement) in enumerate(HOLES):
        copy = '%s_%d' % (database, number)
        try:
            admin = fixture.connect('postgres')
            admin.cursor().execute('CREATE DATABASE %s TEMPLATE %s' % (copy, database))
            admin.close()
            admin = fixture.connect(copy)
            admin.cursor().execute(statement)
            admin.close()
            less = argparse.Namespace(**dict(vars(options), table=[place], role=None, quick=True,
                                             command=None, verbose=False, until_noticed=True))
            campaign = Campaign(copy, role, less)
            campaign.run()
            found = len(campaign.failures)
            print('self-test: %s: %d attacks noticed' % (what, found))
            if not found:
                missed.append(what)
        finally:
            fixture.drop(copy)
    return missed


def arguments():
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('usage:')[0])
    for flag in ('--quick', '--long', '--no-setup', '--no-self-test', '--verbose'):
        parser.add_argument(flag, action='store_true')
    for listed in ('--table', '--role', '--command'):
        parser.add_argument(listed, action='append')
    parser.add_argument('--failures', type=int, default=40)
    parser.add_argument('--template')
    parser.add_argument('--database')
    parser.set_defaults(until_noticed=False)
    return parser.parse_args()


def main():
    """Make the database, attack it, drop it; 0 if every outcome was the expected one."""
    options = arguments()
    started = time.time()
    database = options.database or 'casnet_attack_' + fixture.suffix()
    role = database.replace('casnet_attack', 'attack_app').replace('-', '_')
    if not role.startswith('attack_'):
        role = 'attack_app_' + role
    missed = []
    try:
        if not options.no_setup:
            fixture.build(database, options.template, role)
        campaign = Campaign(database, role, options)
        campaign.run()
        if not (options.quick or options.no_self_test or options.table or options.role or
                options.command):
            missed = self_test(database, role, options)
    finally:
        if not options.database:
            fixture.drop(database, role)
    campaign.report()
    for what in missed:
        print('FAILED self-test: %s was not noticed' % what)
    failed = len(campaign.failures) + len(missed)
    print('%d attempts in %.1f seconds' % (campaign.done, time.time() - started))
    if campaign.done == 0:
        failed += 1
    print('%d passed, %d failed' % (campaign.done - len(campaign.failures), failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
