"""Break casnet in one way at a time and see whether a test notices.

Called by scripts/mutate.sh and test/mutation/run.sh, as the server's user.
"""
import argparse
import collections
import glob
import hashlib
import os
import queue
import random
import re
import signal
import sys
import threading
import time

import psycopg2

import bodies
import csource
import schema
from suites import Coverage, NoCoverage, Server, all_units

HERE = os.path.dirname(os.path.abspath(__file__))
INSTALLS_ANEW = ('regress', 'isolation', 'tap')
CATALOG = re.compile(r'^golden/|^pgtap/doctor_')   # only notices that the catalog changed
LOCK = threading.Lock()


def say(text):
    """Print a line of progress."""
    with LOCK:
        print(text, flush=True)


def table_of(path):
    """A file with two columns, separated by a tab, as a dictionary by the first one."""
    path = os.path.join(HERE, path)
    if not os.path.exists(path):
        return {}
    lines = [line.rstrip('\n').split('\t', 1) for line in open(path, encoding='utf-8')
             if line.strip() and not line.startswith('#')]
    for line in lines:
        if len(line) != 2:
            raise SystemExit('%s: not two columns: %s' % (path, line))
    return dict(lines)


class Likely:
    """The file likely: for each place of mutants, the units that notice most, and the noticed mutants."""

    def __init__(self, units):
        self.units, self.noticed = {}, {}
        for place, rest in table_of('likely').items():
            names, _, noticed = rest.partition('\t')
            self.units[place] = names.split()
            self.noticed[place] = set(noticed.split())
            for name in set(self.units[place]) - set(units):
                raise SystemExit('likely: %s: there is no test %s' % (place, name))

    def takes(self, mutant):
        """Whether the mutant was noticed.  A kind of change in the schema may name none: all of it is."""
        noticed = self.noticed.get(mutant['place'])
        if noticed == set():
            return mutant['place'].startswith('schema ')
        return noticed is not None and digest(mutant) in noticed

    def show(self, mutants, killers):
        """Print the lines of likely, updated with the units that noticed mutants since."""
        for place in sorted({m['place'] for m in mutants}):
            here = [m for m in mutants if m['place'] == place]
            times = collections.Counter(killers[m['id']] for m in here if m['id'] in killers)
            old = self.units.get(place, [])
            # Tests of behaviour come before a look at the catalog.
            names = sorted({*old, *times} - {'install'}, key=lambda u: (
                place.startswith('schema ') and bool(CATALOG.match(u)), -times[u], old.index(u) if u in old else len(old), u))
            noticed = {digest(m) for m in here if m['id'] in killers or self.takes(m)}
            if names:
                all_of_them = place.startswith('schema ') and self.noticed.get(place) == set()
                print('\t'.join([place, ' '.join(names)] + ([] if all_of_them else [' '.join(sorted(noticed))])))


def digest(mutant):
    """A short name of a mutant."""
    return hashlib.sha256(mutant['id'].encode()).hexdigest()[:4]


def enumerate_mutants(server, groups):
    """Every mutant of the groups that were asked for."""
    connection = psycopg2.connect(host=server.folder, port=server.port, user='postgres', dbname='mutation_base')
    mutants = []
    if 'schema' in groups:
        mutants.extend(schema.enumerate_mutants(connection))
    if 'functions' in groups:
        mutants.extend(bodies.enumerate_mutants(connection))
    connection.close()
    if 'c' in groups:
        mutants.extend(csource.enumerate_mutants(os.path.join(server.tree, 'src'),
                                                 os.path.join(HERE, 'c.mutants')))
    made = made_in(server.tree)
    for m in mutants:
        m['place'] = ('schema ' + m['kind'] if m['group'] == 'schema' else
                      'src/' + m['file'] if m['group'] == 'c' else made[m['objects'][0]])
    return mutants


def made_in(tree):
    """The file of each function in SQL."""
    made = {}
    for path in glob.glob(os.path.join(tree, 'sql', '*', '*.sql')):
        for name in re.findall(r'^CREATE OR REPLACE FUNCTION (?:\w+\.)?(\w+)', open(path, encoding='utf-8').read(), re.M):
            made[name] = os.path.relpath(path, tree)
    return made


def stems(text):
    """The beginnings of the words; a test and a mutant that share them have the same subject."""
    return {word[:5] for word in re.findall('[a-z]{4,}', text.lower())}


class Order:
    """The order of units: first those that noticed mutants of the same kind and object before."""

    def __init__(self, tree, units, coverage, killers, likely):
        self.units, self.coverage, self.killers, self.likely = units, coverage, killers, likely
        self.kills = collections.Counter()
        self.texts = {}
        for unit in units:
            path = os.path.join(tree, 'test', unit)
            if os.path.isfile(path):
                self.texts[unit] = open(path, encoding='utf-8', errors='replace').read()

    def note(self, mutant, unit):
        """Note that the unit noticed the mutant."""
        self.kills[unit, mutant['kind']] += 1
        for thing in mutant['objects']:
            self.kills[unit, mutant['kind'], thing] += 3

    def of(self, mutant):
        """The units for a mutant, the likeliest and cheapest first."""
        likely = self.likely.units.get(mutant['place'], [])

        def rank(unit):
            """The smallest rank is tried first."""
            suite = unit.split('/')[0]
            stage = ['pgtap', 'jws', 'golden', 'regress', 'isolation', 'tap'].index(suite)
            if unit.startswith('pgtap/doctor_') and mutant['group'] == 'schema':
                stage = 2.5
            seconds = self.coverage.units[unit]['seconds']
            score = self.kills[unit, mutant['kind']] + sum(
                10 * self.kills[unit, mutant['kind'], o] for o in mutant['objects'])
            score += 3 * sum(o in self.texts.get(unit, '') for o in mutant['objects'])
            score += 10 * len(stems(mutant['id']) & stems(unit))
            return (unit != self.killers.get(mutant['id']), likely.index(unit) if unit in likely else len(likely),
                    stage, -score / (seconds + 0.3), seconds)
        return sorted((u for u in self.units if self.coverage.reaches(u, mutant)), key=rank)


def worth_it(unit, mutant, order):
    """Whether to run the unit: for a change in the schema, if it names the object, or all objects."""
    if unit in order.likely.units.get(mutant['place'], ()):
        return True
    if mutant['group'] != 'schema' or mutant['function'] or not mutant['objects'] or not unit.startswith('pgtap/'):
        return True
    text = order.texts[unit]
    return 'relnamespace' in text or any(o in text for o in mutant['objects'])


def catalog_first(mutant):
    """Whether cheap tests come first: the server enforces the change by itself, and there are many."""
    if mutant['group'] != 'schema' or 'SECURITY INVOKER' in mutant['id']:
        return False
    return mutant['kind'] == 'attribute' or mutant['kind'] == 'execute' and mutant['function'] is None


def judge(server, mutant, order, budget):
    """Apply one mutant and run tests until one notices: verdict, unit, detail."""
    began = time.time()
    tried = 0
    if catalog_first(mutant):
        for unit in sorted(order.units, key=lambda u: -order.kills[u, mutant['kind']]):
            if unit.startswith('golden/'):
                tried += 1
                detail = server.run_golden(unit[7:], 0, mutant['sql'])
                if detail:
                    return 'killed', unit, detail
    trouble = server.apply(mutant)
    if trouble and not trouble.startswith('does not install'):
        return 'invalid', '-', trouble
    if trouble:
        return 'killed', 'install', trouble
    for unit in order.of(mutant):
        suite = unit.split('/')[0]
        if not worth_it(unit, mutant, order):
            continue
        if suite == 'golden' and (mutant['group'] == 'c' or catalog_first(mutant)):
            continue
        if time.time() - began > budget:
            return 'survived', 'budget', 'after %d tests' % tried
        if suite in INSTALLS_ANEW:
            if mutant['undo']:
                continue
            server.mutate_script(mutant)
        seconds = order.coverage.units[unit]['seconds']
        if suite == 'golden':
            detail = server.run_golden(unit[7:], 0, mutant['sql'])
        else:
            detail = server.run_unit(unit, 20 + 4 * seconds)
        tried += 1
        if detail:
            return 'killed', unit, detail
    return 'survived', '-', 'after %d tests' % tried


def try_out(server, mutant, order, budget):
    """Judge one mutant, and leave everything as it was."""
    try:
        found = judge(server, mutant, order, budget)
    except Exception as error:      # an error of the tools, not of the tests
        found = 'invalid', '-', '%s: %s' % (type(error).__name__, error)
    try:
        server.undo(mutant)
    except Exception:
        server.revive()
        server.undo(mutant)
    return found


def work(server, todo, total, order, arguments, results):
    """One worker: takes mutants from the queue until it is empty."""
    while True:
        try:
            number, mutant = todo.get_nowait()
        except queue.Empty:
            return
        began = time.time()
        verdict, unit, detail = try_out(server, mutant, order, arguments.budget)
        with LOCK:
            if verdict == 'killed':
                order.note(mutant, unit)
            by = ' by ' + unit if verdict == 'killed' else ''
            print('[%d/%d] %s%s  %s  (%.1f s)' % (number, total, verdict, by, mutant['id'],
                                                  time.time() - began), flush=True)
            if verdict == 'invalid':
                print('    ' + detail[-400:].replace('\n', ' '), flush=True)
            results[mutant['id']] = verdict, unit, ' '.join(detail.split())[:150], mutant['kind']
            arguments.out.write('\t'.join((mutant['id'],) + results[mutant['id']]) + '\n')
            arguments.out.flush()


def report(mutants, results, equivalent):
    """Print the table at the end; return the totals."""
    kinds = collections.OrderedDict()
    suites = ['jws', 'pgtap', 'golden', 'regress', 'isolation', 'tap', 'install']
    for m in mutants:
        verdict, unit, _, kind = results.get(m['id'], ('not tried', '-', '', m['kind']))
        row = kinds.setdefault(m['group'] + ' ' + kind if m['group'] == 'schema' else m['group'],
                               collections.Counter())
        row['mutants'] += 1
        if m['id'] in equivalent:
            row['equivalent'] += 1
        elif verdict == 'killed':
            row[unit.split('/')[0]] += 1
            row['catalog'] += bool(CATALOG.match(unit))
        else:
            row[verdict] += 1
    columns = ['mutants'] + suites + ['equivalent', 'survived', 'invalid', 'not tried']
    print('\n%-22s' % 'kind' + ''.join('%10s' % c for c in columns))
    total = collections.Counter()
    for kind, row in kinds.items():
        total.update(row)
        print('%-22s' % kind + ''.join('%10s' % (row[c] or '.') for c in columns))
    print('%-22s' % 'all' + ''.join('%10d' % total[c] for c in columns))
    print('%d are noticed by a look at the catalog alone (golden, doctor)' % total['catalog'])
    for verdict in ('survived', 'invalid'):
        for m in mutants:
            if m['id'] not in equivalent and results.get(m['id'], ('',))[0] == verdict:
                print('%s: %s' % (verdict, m['id']))
    return total


def catalog_only(mutants, results):
    """Print the mutants that matter and that only a look at the catalog notices."""
    for m in mutants:
        verdict, unit, _, kind = results.get(m['id'], ('', '-', '', ''))
        if verdict == 'killed' and CATALOG.match(unit) and kind not in ('attribute', 'execute'):
            print('catalog only: %s (%s)' % (m['id'], unit))


def arguments_of(argv):
    """What the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--pg-config', action='append', required=True, help='of a private copy, for each job')
    parser.add_argument('--work', required=True)
    parser.add_argument('--tree', required=True)
    parser.add_argument('--state', required=True, help='folder of the measurements')
    parser.add_argument('--results', type=int, help='descriptor of the file of results')
    parser.add_argument('--resume', help='results to go on from')
    parser.add_argument('--groups', default='schema,functions,c')
    parser.add_argument('--only', default='')
    parser.add_argument('--units', default='', help='pattern of the tests that may run')
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--print-likely', action='store_true')
    parser.add_argument('--seconds', type=int, help='try mutants for so long, without measuring first')
    parser.add_argument('--sample', type=int)
    parser.add_argument('--seed', default=str(int(time.time())))
    parser.add_argument('--budget', type=float, default=150)
    arguments = parser.parse_args(argv)
    arguments.out = os.fdopen(arguments.results, 'a') if arguments.results else open(os.devnull, 'w')
    return arguments


def terminated(*_):
    """SIGTERM ends us like an interrupt, so that the servers are stopped."""
    raise KeyboardInterrupt


def main(argv):
    """Run everything; the exit status is 0 if no mutant survives."""
    arguments = arguments_of(argv)
    signal.signal(signal.SIGTERM, terminated)
    servers = [Server(os.path.join(arguments.work, 'w%d' % n), p, arguments.tree, 5700 + n)
               for n, p in enumerate(arguments.pg_config)]
    try:
        for server in servers:
            trouble = server.compile(server.tree, '-O0 -g0 -w')
            if trouble:
                raise SystemExit(trouble)
            server.start()
            server.prepare()
        return mutate(servers, arguments)
    finally:
        for server in servers:
            server.stop()


def sample(server, mutants, arguments):
    """Try known noticed mutants while time allows, in the seed's order, without measuring first."""
    units = all_units(server.tree)
    likely = Likely(units)
    order = Order(server.tree, units, NoCoverage(units), {}, likely)
    chosen = [m for m in mutants if likely.takes(m)]
    # All kinds equally often, although some have many mutants.
    source = random.Random(arguments.seed)
    source.shuffle(chosen)
    turn = collections.Counter()
    place = {}
    for m in chosen:
        turn[m['kind']] += 1
        place[m['id']] = turn[m['kind']], source.random()
    chosen.sort(key=lambda m: place[m['id']])
    print('seed %s, %d mutants of which %d are known to be noticed' % (arguments.seed, len(mutants), len(chosen)))
    end = time.time() + arguments.seconds
    sound = {}
    passed = failed = 0
    for m in chosen:
        if time.time() > end:
            break
        verdict, unit, detail = try_out(server, m, order, arguments.budget)
        if verdict == 'killed' and unit not in sound and unit != 'install':
            sound[unit] = server.run_unit(unit, 120)
        if verdict == 'killed' and sound.get(unit):
            verdict, detail = unit + ' fails without it', sound[unit]
        passed += verdict == 'killed'
        failed += verdict != 'killed'
        if verdict != 'killed':
            print('FAILED: %s: %s: %s' % (m['id'], verdict, ' '.join(detail.split())[:300]), flush=True)
        elif passed % 10 == 0:
            print('%d noticed so far; last: %s by %s' % (passed, m['id'], unit), flush=True)
    print('%d passed, %d failed' % (passed, failed + (passed == 0)))
    return 0 if failed == 0 and passed > 0 else 1


def mutate(servers, arguments):
    """The same, with running servers."""
    groups = arguments.groups.split(',')
    mutants = enumerate_mutants(servers[0], groups)
    equivalent = table_of('equivalent')
    killers = table_of(os.path.join(arguments.state, 'killers'))
    stale = [i for i in equivalent if i.split(' ')[0].replace('function', 'functions') in groups
             and i not in {m['id'] for m in mutants}]
    for i in stale:
        print('error: equivalent names a mutant that is none: ' + i)
    chosen = [m for m in mutants if re.search(arguments.only, m['id'])]
    if arguments.sample is not None:
        print('seed %s' % arguments.seed)
        chosen = random.Random(arguments.seed).sample(chosen, min(arguments.sample, len(chosen)))
    if arguments.list:
        for m in chosen:
            print(('equivalent  ' if m['id'] in equivalent else '') + m['id'])
        return 1 if stale else 0

    if arguments.print_likely:
        Likely(all_units(servers[0].tree)).show(mutants, killers)
        return 0
    if arguments.seconds:
        return sample(servers[0], [m for m in chosen if m['id'] not in equivalent], arguments)
    units = [u for u in all_units(servers[0].tree) if re.search(arguments.units, u)]
    coverage = Coverage(os.path.join(arguments.state, 'coverage.json'))
    coverage.measure(servers[0], units, say)
    results = {}
    if arguments.resume:
        for line in open(arguments.resume, encoding='utf-8'):
            fields = line.rstrip('\n').split('\t')
            if len(fields) == 5 and fields[1] == 'killed':
                results[fields[0]] = tuple(fields[1:])
    order = Order(servers[0].tree, units, coverage, killers, Likely(all_units(servers[0].tree)))
    wanted = [m for m in chosen if m['id'] not in equivalent and m['id'] not in results]
    todo = queue.Queue()
    for item in enumerate(wanted, 1):
        todo.put(item)
    workers = [threading.Thread(target=work, args=(s, todo, len(wanted), order, arguments, results), daemon=True)
               for s in servers]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    catalog_only(chosen, results)
    total = report(chosen, results, equivalent)
    killed = sum(1 for m in chosen if results.get(m['id'], ('',))[0] == 'killed')
    failed = total['survived'] + total['invalid'] + total['not tried'] + len(stale)
    print('%d passed, %d failed' % (killed, failed))
    return 0 if failed == 0 and killed > 0 else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
