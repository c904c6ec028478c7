"""Break casnet in one way at a time and see whether a test notices.

Called by scripts/mutate.sh and test/mutation/run.sh, as the server's user.
"""
import argparse
import collections
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
from suites import Coverage, Server, all_units

HERE = os.path.dirname(os.path.abspath(__file__))
INSTALLS_ANEW = ('regress', 'isolation', 'tap')
CATALOG = re.compile(r'^golden/|^pgtap/doctor_')   # notices that the catalog is another one
LOCK = threading.Lock()


def say(text):
    """A line of progress."""
    with LOCK:
        print(text, flush=True)


def table_of(name, columns):
    """A file of lines with tabs between the columns, as a dictionary by the first."""
    path = os.path.join(HERE, name)
    if not os.path.exists(path):
        return {}
    lines = [line.rstrip('\n').split('\t', columns - 1) for line in open(path, encoding='utf-8')
             if line.strip() and not line.startswith('#')]
    for line in lines:
        if len(line) != columns:
            raise SystemExit('%s: not %d columns: %s' % (name, columns, line))
    return {line[0]: line[1] for line in lines}


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
    return mutants


def stems(text):
    """The beginnings of the words, by which a test and a mutant are about the same."""
    return {word[:5] for word in re.findall('[a-z]{4,}', text.lower())}


class Order:
    """Which unit to try first: what noticed mutants of the same kind and object before."""

    def __init__(self, tree, units, coverage, killers):
        self.units, self.coverage, self.killers = units, coverage, killers
        self.kills = collections.Counter()
        self.texts = {}
        for unit in units:
            path = os.path.join(tree, 'test', unit)
            if os.path.isfile(path):
                self.texts[unit] = open(path, encoding='utf-8', errors='replace').read()

    def note(self, mutant, unit):
        """It noticed."""
        self.kills[unit, mutant['kind']] += 1
        for thing in mutant['objects']:
            self.kills[unit, mutant['kind'], thing] += 3

    def of(self, mutant):
        """The units for a mutant, the likeliest and cheapest first."""
        def rank(unit):
            """Smaller goes first."""
            suite = unit.split('/')[0]
            stage = ['pgtap', 'jws', 'golden', 'regress', 'isolation', 'tap'].index(suite)
            if unit.startswith('pgtap/doctor_') and mutant['group'] == 'schema':
                stage = 2.5
            seconds = self.coverage.units[unit]['seconds']
            score = self.kills[unit, mutant['kind']] + sum(
                10 * self.kills[unit, mutant['kind'], o] for o in mutant['objects'])
            score += 3 * sum(o in self.texts.get(unit, '') for o in mutant['objects'])
            score += 10 * len(stems(mutant['id']) & stems(unit))
            return unit != self.killers.get(mutant['id']), stage, -score / (seconds + 0.3), seconds
        return sorted((u for u in self.units if self.coverage.reaches(u, mutant)), key=rank)


def worth_it(unit, mutant, order):
    """Of a change in the schema, only tests that speak of the object, or of all of them."""
    if mutant['group'] != 'schema' or mutant['function'] or not mutant['objects'] or not unit.startswith('pgtap/'):
        return True
    text = order.texts[unit]
    return 'relnamespace' in text or any(o in text for o in mutant['objects'])


def catalog_first(mutant):
    """What the server itself enforces once the catalog says so, and many: the cheap tests go first."""
    if mutant['group'] != 'schema' or 'SECURITY INVOKER' in mutant['id']:
        return False
    return mutant['kind'] in ('attribute', 'grant') or mutant['kind'] == 'execute' and mutant['function'] is None


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


def work(server, todo, total, order, arguments, results):
    """One worker: mutants from the queue until there are none."""
    while True:
        try:
            number, mutant = todo.get_nowait()
        except queue.Empty:
            return
        began = time.time()
        try:
            verdict, unit, detail = judge(server, mutant, order, arguments.budget)
        except Exception as error:      # of the tools, not of the tests
            verdict, unit, detail = 'invalid', '-', '%s: %s' % (type(error).__name__, error)
        try:
            server.undo(mutant)
        except Exception:
            server.revive()
            server.undo(mutant)
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
    """The table at the end; returns how many survive."""
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
    """Print what matters and is noticed by a look at the catalog alone."""
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
    parser.add_argument('--known', action='store_true', help='only the test that is known to notice')
    parser.add_argument('--seconds', type=int, default=100, help='how long, with --known')
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
    """Everything; the exit status is 0 if no mutant survives."""
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


def sample_known(server, mutants, arguments):
    """As many mutants as time allows, in an order by the seed, each with the test in killers."""
    killers = table_of('killers', 2)
    names = {m['id']: m for m in mutants}
    stale = [i for i in killers if i not in names]
    chosen = [names[i] for i in killers if i in names]
    # All kinds alike, although some are many.
    source = random.Random(arguments.seed)
    source.shuffle(chosen)
    turn = collections.Counter()
    place = {}
    for m in chosen:
        turn[m['kind']] += 1
        place[m['id']] = turn[m['kind']], source.random()
    chosen.sort(key=lambda m: place[m['id']])
    print('seed %s, %d mutants of which %d have a known killer' % (arguments.seed, len(mutants), len(chosen)))
    end = time.time() + arguments.seconds
    sound = {}
    passed = failed = 0
    for m in chosen:
        if time.time() > end:
            break
        unit = killers[m['id']]
        if unit not in sound:
            sound[unit] = server.run_unit(unit, 120)
        if sound[unit]:
            detail, verdict = sound[unit], unit + ' fails without it'
        else:
            trouble = server.apply(m)
            if unit.split('/')[0] in INSTALLS_ANEW:
                server.mutate_script(m)
            if unit.startswith('golden/'):
                detail = trouble or server.run_golden(unit[7:], 0, m['sql'])
            else:
                detail = trouble or server.run_unit(unit, 60)
            verdict = 'noticed by ' + unit if detail else unit + ' does not notice'
            server.undo(m)
        good = detail and not sound[unit] and (not trouble or unit == 'install')
        passed += bool(good)
        failed += not good
        if not good:
            print('FAILED: %s: %s: %s' % (m['id'], verdict, ' '.join(str(detail).split())[:300]))
        elif passed % 10 == 0:
            print('%d noticed so far; last: %s by %s' % (passed, m['id'], unit), flush=True)
    for i in stale:
        print('killers names a mutant that is no more: ' + i)
    print('%d passed, %d failed' % (passed, failed + (passed == 0)))
    return 0 if failed == 0 and passed > 0 else 1


def mutate(servers, arguments):
    """With servers that run."""
    groups = arguments.groups.split(',')
    mutants = enumerate_mutants(servers[0], groups)
    equivalent = table_of('equivalent', 2)
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

    if arguments.known:
        return sample_known(servers[0], chosen, arguments)
    units = [u for u in all_units(servers[0].tree) if re.search(arguments.units, u)]
    coverage = Coverage(os.path.join(arguments.state, 'coverage.json'))
    coverage.measure(servers[0], units, say)
    killers = table_of('killers', 2)
    results = {}
    if arguments.resume:
        for line in open(arguments.resume, encoding='utf-8'):
            fields = line.rstrip('\n').split('\t')
            if len(fields) == 5 and fields[1] == 'killed':
                results[fields[0]] = tuple(fields[1:])
                killers.setdefault(fields[0], fields[2])
    order = Order(servers[0].tree, units, coverage, killers)
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
