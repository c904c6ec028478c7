"""Counts what passed and failed, and prints failures: some in full, then numbers."""

import collections

IN_FULL = 20
OF_EACH = 2         # of one condition


class Report:
    """The outcome of the checks."""

    def __init__(self, in_full=IN_FULL):
        self.passed = self.failed = self.shown = 0
        self.in_full = in_full
        self.by = {x: collections.Counter() for x in ('condition', 'shape', 'scan')}

    def check(self, name, good, text=''):
        """Count one check, and print its name if it failed."""
        if good:
            self.passed += 1
            return
        self.failed += 1
        print('FAILED: %s%s' % (name, '\n' + text if text else ''), flush=True)

    def case(self, case, hidden, nowhere):
        """Count one case, by its outcomes with the two values."""
        if hidden.all() == nowhere.all():
            self.passed += 1
            return
        self.failed += 1
        for kind, key in (('condition', case.condition.name), ('shape', case.shape.name), ('scan',
                          case.scan.name)):
            self.by[kind][key] += 1
        self.show('FAILED: ' + case.name(), case, hidden, nowhere)

    def show(self, title, case, hidden, nowhere):
        """Print a failure in full, unless there were enough."""
        if self.shown >= self.in_full or self.by['condition'][case.condition.name] > OF_EACH:
            return
        self.shown += 1
        print(title)
        print('  settings   ' + ', '.join(case.scan.settings))
        print('  statement  ' + '; '.join(case.statements(hidden.value)))
        print('  hidden     %s' % hidden)
        print('  nowhere    %s' % nowhere, flush=True)

    def summary(self):
        """Print the numbers of failures, and the last line."""
        for kind, counter in self.by.items():
            if counter:
                print('failures by %s: %s' % (kind, ', '.join('%s %d' % x for x in counter.most_common())))
        print('%d passed, %d failed' % (self.passed, self.failed))
        return self.failed == 0
