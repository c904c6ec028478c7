"""Runs a statement with a value, and reports what a client could learn of it."""

import psycopg2

import world

SETTINGS = {'n': '0', 'value': 'no', 'empty': '', 'word': 'word', 'json': '1'}
OPTIONS = world.IDENTITY + ''.join(' -c mine.%s=%s' % x for x in SETTINGS.items())

# Settings of every case, unless a scan changes them.
USUAL = ['plan_cache_mode = force_generic_plan', 'search_path = public', 'jit = off', "lock_timeout = '5s'"]


class Notices:
    """What the server sent besides results; append() is called by psycopg2."""

    def __init__(self):
        self.lines = []

    def append(self, line):
        """Keep one more notice."""
        self.lines.append(line)


class Case:
    """A condition in a shape of statement under a scan."""

    def __init__(self, condition, shape, scan, around='{P}'):
        self.condition, self.shape, self.scan, self.around = condition, shape, scan, around
        self.generic = condition.parameters is not None or shape.generic

    def name(self):
        """The name of the case in the report."""
        return '%s, %s, %s' % (self.condition.name, self.shape.name, self.scan.name)

    def statements(self, value):
        """Its statements, for a value."""
        quoted = "'%s'" % value
        text = self.condition.over('r', '$1' if self.generic else quoted, self.shape.word)
        text = self.around.replace('{P}', text)
        if self.scan.extra:
            text = '(%s) AND %s' % (text, self.scan.extra)
        parts = self.shape.text(text, self.scan.table)
        if not self.generic:
            return parts
        given = [('text', quoted)] + list(self.condition.parameters or ())
        types, values = zip(*given)
        at = next(i for i, x in enumerate(parts) if '$1' in x or i == len(parts) - 1)
        return parts[:at] + ['PREPARE oracle (%s) AS %s' % (', '.join(types), parts[at]),
                             'EXECUTE oracle (%s)' % ', '.join(values)] + parts[at + 1:]


class Outcome:
    """What a client sees; the value itself is masked."""

    PARTS = ('error', 'notices', 'counter', 'rows', 'count')

    def __init__(self, value):
        self.value = value
        self.error = None
        self.notices, self.rows = [], ''
        self.count = self.counter = None

    def mask(self, text):
        """A text with the hidden values replaced by placeholders."""
        other = world.NOWHERE if self.value == world.HIDDEN else world.HIDDEN
        return str(text).replace(self.value, '<value>').replace(other, '<other>')

    def failed(self, error):
        """Keep what an error says."""
        diag = error.diag
        self.error = self.mask(' | '.join(
            [error.pgcode or 'XXXXX'] + [str(getattr(diag, x)) for x in (
                'message_primary', 'message_detail', 'message_hint', 'context') if getattr(diag, x)]))
        if not diag.message_primary:
            self.error += self.mask(error)

    def told(self):
        """What a condition reveals, apart from rows."""
        return self.error, self.notices, self.counter

    def all(self):
        """Everything."""
        return tuple(getattr(self, x) for x in self.PARTS)

    def __str__(self):
        return ', '.join('%s %s' % (x, str(getattr(self, x))[:300]) for x in self.PARTS
                         if getattr(self, x) not in (None, [], ''))


class Session:
    """A connection of the application's role, signed in to tenant A."""

    def __init__(self, database, options=OPTIONS):
        self.open = lambda: world.connect(database, world.ROLE, options=options)
        self.settings = []
        self.undo = ''                  # ends the last case; sent with the next message
        self.connect()

    def connect(self):
        """Connect anew, with the present settings."""
        self.connection = self.open()
        self.undo = ''
        self.connection.notices = self.notices = Notices()
        self.cursor = self.connection.cursor()
        self.use(self.settings)

    def use(self, settings):
        """Apply settings, until the next ones."""
        self.settings = settings
        self.end()
        self.cursor.execute('; '.join(['RESET ALL'] + ['SET ' + x for x in USUAL + settings]))

    def end(self):
        """Undo what the last case did."""
        if self.undo:
            self.cursor.execute(self.undo)
            self.undo = ''

    def begin(self, case, value):
        """What precedes the statement, in the same message."""
        parts = [x for x in (self.undo, 'BEGIN') if x] + ["SET LOCAL mine.value = '%s'" % value]
        if case.condition.told_by_sequence:
            parts.insert(-2, "SELECT setval('told_numbers', 1, false)")
        self.undo = 'ROLLBACK; DEALLOCATE ALL' if case.generic else 'ROLLBACK'
        return '; '.join(parts)

    def run(self, case, value):
        """The outcome of a case with a value; end() later undoes what it did."""
        outcome = Outcome(value)
        self.notices.lines = []
        cursor = self.cursor
        try:
            cursor.execute('; '.join([self.begin(case, value)] + case.statements(value)))
            outcome.count = cursor.rowcount
            if cursor.description:
                outcome.rows = sorted(outcome.mask(x) for x in cursor.fetchall())
            outcome.notices = [outcome.mask(x) for x in self.notices.lines]
            cursor.execute('SHOW mine.n')     # not a query, which might run in parallel
            outcome.counter = cursor.fetchone()[0]
        except psycopg2.Error as error:
            outcome.failed(error)
            outcome.notices = [outcome.mask(x) for x in self.notices.lines]
        try:
            if case.condition.told_by_sequence:
                self.end()
                cursor.execute('SELECT last_value, is_called FROM told_numbers')
                outcome.counter = '%s, sequence %s' % (outcome.counter, cursor.fetchone())
        except psycopg2.Error:
            self.connect()
        if self.connection.closed:
            self.connect()
        return outcome
