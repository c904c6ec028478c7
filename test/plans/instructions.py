#!/usr/bin/env python3
"""Instructions of one execution under the policies, relative to the query by hand.

usage: instructions.py DATA-FOLDER DATABASE [--broken | --events]

One server in single-user mode runs every workload both ways under callgrind.  Callgrind
writes a file at each call of pg_backend_pid(): after no execution, and several times
after a few executions.  The least of these counts is taken, since timers now and then
make the server do something else.  No ratio may be above its ceiling.  With --broken
there must be one that is.  --events shows what callgrind's model of a processor counts
beside instructions, and compares nothing.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

import workloads

EXECUTIONS, TIMES = 5, 4
# As measured, plus one or two hundredths.  A statement that writes keeps its calls.  A
# change itself counts on both sides.
CEILINGS = {'point': 1.04, 'page': 1.02, 'deep page': 1.02, 'count': 1.02, 'join of three': 1.02,
            'tasks due': 1.02, 'events in a month': 1.02, 'search': 1.02, 'upsert': 1.23,
            'point, planned each time': 1.02, 'point, after a change': 1.08}
BROKEN = ['point', 'page']      # enough to notice a defect
# Changes somebody's membership, of which every session is notified.
CHANGE = "UPDATE casnet.user_tenants SET role = role WHERE user_id = '%s';" % workloads.item_id(0, 2)
MARK = 'SELECT pg_catalog.pg_backend_pid();'


def executions(tenant, wanted):
    """A list of (name, statement to prepare it, one execution) for each way."""
    found = {'casnet': [], 'hand': []}
    for way in found:
        for number, (name, types, values, template) in enumerate(workloads.workloads(tenant)):
            text = workloads.statements(template, way, tenant)[0]
            arguments = '(%s)' % ', '.join(workloads.literals(types, values)) if types else ''
            prepare = 'PREPARE q%d%s AS %s;' % (number, '(%s)' % ', '.join(types) if types else '', text)
            if name in wanted:
                found[way].append((name, prepare, 'EXECUTE q%d%s;' % (number, arguments)))
            if name == 'point' and name + ', planned each time' in wanted:
                literal = text.replace('$1', workloads.literals(types, values)[0])
                found[way].append((name + ', planned each time', 'SELECT 1;', literal + ';'))
                found[way].append((name + ', after a change', 'SELECT 1;', '\n'.join([
                    'RESET ROLE;', CHANGE, 'SET ROLE plans_%s;' % way, 'EXECUTE q%d%s;' % (number, arguments)])))
    return found


def script(tenant, wanted):
    """The script for the server, and the names of what it measures, in order."""
    lines, names = [], []
    for way, list_of_executions in executions(tenant, wanted).items():
        lines.append('SET ROLE plans_%s;' % way)
        if way == 'casnet':
            lines.append("SET casnet.user_id = '%s';" % workloads.item_id(0, tenant))
            lines.append("SET casnet.tenant_id = '%s';" % workloads.tenant_id(tenant))
        lines.append('SET plan_cache_mode = force_generic_plan;')
        for name, prepare, execute in list_of_executions:
            lines += [prepare] + [execute] * 3 + [MARK] * 3
            lines += ([execute] * EXECUTIONS + [MARK]) * TIMES
            names.append((way, name))
        lines += ['DEALLOCATE ALL;', 'RESET ROLE;']
    return '\n'.join(lines) + '\n', names


def run(folder, database, text, work, options=()):
    """What callgrind counts between one mark and the next, by name, of each pair of marks."""
    output = os.path.join(work, 'callgrind')
    bindir = subprocess.check_output([os.environ.get('PG_CONFIG', 'pg_config'), '--bindir'], text=True)
    server = os.path.join(bindir.strip(), 'postgres')
    result = subprocess.run(
        ['valgrind', '--tool=callgrind', '--callgrind-out-file=' + output,
         '--dump-before=pg_backend_pid', *options, server, '--single', '-D', folder, database],
        input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if result.returncode != 0 or 'ERROR:' in result.stdout:
        print(result.stdout[-3000:])
        sys.exit('the single-user server failed')
    parts = sorted(glob.glob(output + '.*'), key=lambda name: int(name.rsplit('.', 1)[1]))
    counts = []
    for part in parts:
        with open(part, encoding='utf-8') as file:
            text = file.read()
        events = re.search(r'^events: (.*)', text, re.M).group(1).split()
        totals = re.search(r'^(?:totals|summary): (.*)', text, re.M).group(1).split()
        counts.append(dict(zip(events, map(int, totals))))
    return counts


def count(folder, database, wanted, options=()):
    """What one execution takes: {(way, name): {event: number}}."""
    text, names = script(workloads.SMALL, wanted)
    with tempfile.TemporaryDirectory(prefix='plans.') as work:
        counts = run(folder, database, text, work, options)
    marks = 3 + TIMES
    if len(counts) != marks * len(names):
        sys.exit('%d dumps of callgrind for %d marks' % (len(counts), marks * len(names)))
    each = {}
    for number, key in enumerate(names):
        mine = counts[marks * number:marks * (number + 1)]
        each[key] = {event: (min(one.get(event, 0) for one in mine[3:]) -
                             min(one.get(event, 0) for one in mine[1:3])) / EXECUTIONS
                     for event in mine[0]}
    return each


def show_events(folder, database):
    """Print the counts of both ways, and what casnet has more of each."""
    each = count(folder, database, list(CEILINGS), ['--cache-sim=yes', '--branch-sim=yes'])
    print('%-26s %10s %10s %10s %10s' % ('', 'Ir', 'I1mr', 'D1mr+D1mw', 'Bcm+Bim'))
    for name in CEILINGS:
        rows = []
        for way in ('casnet', 'hand'):
            one = each[way, name]
            rows.append([one['Ir'], one['I1mr'], one['D1mr'] + one['D1mw'], one['Bcm'] + one['Bim']])
        for title, row in zip((name, '  by hand'), rows):
            print('%-26s' % title + ''.join(' %10.0f' % value for value in row))
        print('%-26s' % '  ratio' + ''.join(' %10.3f' % (mine / max(hand, 1)) for mine, hand in zip(*rows)))
    return 0


def main():
    """Count, print the table, and compare it with the ceilings."""
    folder, database = sys.argv[1:3]
    if '--events' in sys.argv[3:]:
        return show_events(folder, database)
    broken = '--broken' in sys.argv[3:]
    wanted = BROKEN if broken else list(CEILINGS)
    each = count(folder, database, wanted)
    good = bad = 0
    for name in wanted:
        ceiling = CEILINGS[name]
        casnet, hand = each['casnet', name]['Ir'], each['hand', name]['Ir']
        below = casnet <= ceiling * hand
        good += below
        bad += not below
        print('%-26s %8.0f casnet %8.0f by hand  %.3f, at most %.2f%s'
              % (name, casnet, hand, casnet / hand, ceiling, '' if below or broken else '  FAILED'))
    print('%d counts within their ceilings, %d not' % (good, bad))
    return 0 if (bad > 0 if broken else bad == 0 and good > 0) else 1


if __name__ == '__main__':
    sys.exit(main())
