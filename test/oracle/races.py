"""A row changes while a statement waits for it, and is then judged again."""

import threading
import time

import cases
import shapes
import world

SHAPES = [
    shapes.Shape('race: update', 'UPDATE {T} AS r SET n = 2 WHERE {P} RETURNING r.w'),
    shapes.Shape('race: delete', 'DELETE FROM {T} AS r WHERE {P} RETURNING r.w'),
    shapes.Shape('race: for update', 'SELECT r.w FROM {T} AS r WHERE {P} FOR UPDATE'),
    shapes.Shape('race: for share', 'SELECT r.w FROM {T} AS r WHERE {P} FOR SHARE'),
    shapes.Shape('race: update from', 'UPDATE {T} AS r SET n = 2 FROM sink AS o WHERE o.id = r.id AND {P}'),
    shapes.Shape('race: update itself', 'UPDATE {T} AS r SET n = 2 FROM {T} AS o WHERE o.id = r.id AND {P}'),
    shapes.Shape('race: delete using', 'DELETE FROM {T} AS r USING sink AS o WHERE o.id = r.id AND {P}'),
    shapes.Shape('race: self join',
                 'SELECT r.w FROM {T} AS o JOIN {T} AS r ON o.id = r.id WHERE {P} FOR UPDATE'),
    shapes.Shape('race: subquery', 'SELECT r.w FROM (SELECT * FROM {T} FOR UPDATE) AS r WHERE {P}'),
    shapes.Shape('race: merge, in on', 'MERGE INTO {T} AS r USING sink AS o ON o.id = r.id AND {P} '
                 'WHEN MATCHED THEN UPDATE SET n = 2'),
    shapes.Shape('race: merge, in when', 'MERGE INTO {T} AS r USING sink AS o ON o.id = r.id '
                 'WHEN MATCHED AND {P} THEN UPDATE SET n = 2'),
]
CONDITIONS = ('FuncExpr/count', 'FuncExpr/error', 'FuncExpr/notice', 'ArrayExpr/dimensions',
              'OpExpr/collations',
              'Param/generic', 'OpExpr/class', 'MinMaxExpr/no comparison')

# The condition, changed so that the row is found before it changes.
AROUND = "({P}) IS NOT TRUE AND r.k = 51"


class Race:
    """The statement of one session, while another holds its row."""

    def __init__(self, database):
        self.session = cases.Session(database)
        self.other = world.connect(database)
        self.other_cursor = self.other.cursor()
        # With these triggers nobody moves a row to another tenant.
        self.other_cursor.execute('ALTER TABLE public.cases DISABLE TRIGGER casnet_keep_tenant,'
                                  ' DISABLE TRIGGER casnet_kept_tenant')
        self.watch = world.connect(database).cursor()
        self.process = self.session.connection.info.backend_pid

    def wait(self, thread):
        """Wait until the statement waits; whether it does."""
        until = time.time() + 5
        while thread.is_alive() and time.time() < until:
            self.watch.execute('SELECT cardinality(pg_blocking_pids(%s)) > 0', (self.process,))
            if self.watch.fetchone()[0]:
                return True
            time.sleep(0.002)
        return False

    def run(self, case, value, tenant, text):
        """The outcome of a case, while the role's own row gets a tenant and a text."""
        outcome = []
        self.other_cursor.execute('BEGIN')
        self.other_cursor.execute('UPDATE public.cases SET tenant_id = %s, w = %s, n = n WHERE id = %s',
                                  (tenant, text, world.OWN_ROW))
        thread = threading.Thread(target=lambda: outcome.append(self.session.run(case, value)))
        thread.start()
        waited = self.wait(thread)
        self.other_cursor.execute('COMMIT')
        thread.join()
        self.session.end()
        self.other_cursor.execute('UPDATE public.cases SET tenant_id = %s, w = %s WHERE id = %s',
                                  (world.TENANT_A, world.OWN, world.OWN_ROW))
        return waited, outcome[0]


def race(races, case, out):
    """A row moves to tenant B, with the value or another one, or stays in A with the value."""
    value = world.NOWHERE
    waited, hidden = races.run(case, value, world.TENANT_B, value)
    also, nowhere = races.run(case, value, world.TENANT_B, 'gone')
    out.check('%s waits' % case.name(), waited and also, '  %s' % nowhere)
    out.case(case, hidden, nowhere)
    _, own = races.run(case, value, world.TENANT_A, value)
    out.check('%s reveals an own row' % case.name(), own.told() != nowhere.told(), '  %s\n  %s' % (
        '; '.join(case.statements(value)), own))


def run(database, conditions, scan, options, out):
    """Try every form that locks rows, with some conditions."""
    races = Race(database)
    races.session.use(scan.settings)
    for shape in SHAPES:
        for name in CONDITIONS[:3] if options.quick else CONDITIONS:
            case = cases.Case(conditions[name], shape, scan, AROUND)
            if not options.only or options.only in case.name():
                race(races, case, out)
