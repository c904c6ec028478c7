"""Whether a condition of a user reveals anything of rows of another tenant.

usage: oracle.py [options]
  --quick            a random sample, about an eighth
  --long             every condition in every shape under every scan
  --seed N           of the sample
  --only TEXT        only cases in whose name that is ("condition, shape, scan")
  --failures N       how many to show in full (20)
  --keep             leave the database

Each case is one statement of a role signed in to tenant A.  It runs with a value that a
row of tenant B has, and with one that no row has.  The outcomes (error, rows, notices,
number of evaluations) must be the same.  See "The policy is always there, and first" in
src/README.md.

The first condition of each kind of node runs in every shape, the others in half of the
shapes, chosen by the seed.  All of them run under every scan but parallel scans and JIT,
which take long.  The TELLERS run in every shape under every scan.
"""

import argparse
import os
import random
import re
import sys
import time

import cases
import first
import headers
import nodes
import races
import report
import scans
import shapes
import world

DATABASE = 'casnet_oracle'
# where an equivalence class would put a condition before the policy
CLASSES = [('class', 'free operators'), ('class in a join', 'free operators'), ('class with update',
            'free operators'),
           ('class by ctid', 'tid join')]

# Statements that break a policy, and the share of conditions that must notice.  The last
# one returns the right rows, but is no policy of casnet, so only the server orders its
# conditions.
HOLES = {
    'or_true': ([], 0.9, ["ALTER POLICY casnet_select ON public.cases "
                          "USING (tenant_id = casnet.tenant_with('view_cases') OR true)"]),
    'open': ([], 0.9, ['ALTER POLICY casnet_select ON public.cases USING (true)']),
    'by_hand': ([x for x in CLASSES if x[0] != 'class with update'], 0.4, [
        "ALTER POLICY casnet_select ON public.cases "
        "USING (tenant_id = current_setting('casnet.tenant_id', true)::uuid)"]),
}
TELLERS = ('FuncExpr/error', 'FuncExpr/count', 'ArrayExpr/dimensions')


def known_conditions(version, table_of_nodes, out):
    """The conditions that this server knows; each of its nodes must be known."""
    out.check('every kind of node of the server is known', not nodes.unknown(*table_of_nodes, version),
              '  ' + ', '.join(nodes.unknown(*table_of_nodes, version)))
    planted = nodes.unknown(*headers.expression_nodes(headers.PLANTED), version)
    out.check('new kinds of node are noticed', planted == ['NewExpr', 'NewerExpr'], '  ' + ', '.join(planted))
    both = [x for x in nodes.REASONS if any(x in c.nodes for c in nodes.CONDITIONS)]
    out.check('nodes with a condition and a reason against one', not both, '  ' + ', '.join(both))
    names = [c.name for c in nodes.CONDITIONS]
    out.check('names of conditions are unique', len(names) == len(set(names)))
    return [c for c in nodes.CONDITIONS if c.since <= version]


def check_nodes(database, conditions, plain, out):
    """Check in the server's own trees that each condition makes its nodes."""
    session = cases.Session(database)
    settings = ['debug_print_parse = on', 'debug_print_plan = on', 'debug_pretty_print = off',
                'client_min_messages = log']
    for condition in conditions:
        session.use(plain[1].settings + settings)
        session.notices.lines = []
        case = cases.Case(condition, *plain)
        outcome = session.run(case, world.NOWHERE)
        text = ''.join(outcome.notices)
        missing = [x for x in condition.nodes if x not in nodes.NOT_SHOWN and not nodes.shown(x, text)]
        out.check('%s makes its nodes' % condition.name, not missing, '  not in the tree: %s; %s' % (
            ', '.join(missing), outcome.error))


def check_tells(session, every, out):
    """Check that an own row makes a difference, and not only in the rows returned."""
    for case in every:
        session.use(case.scan.settings)
        own, nowhere = (session.run(case, x) for x in (world.OWN, world.NOWHERE))
        good = own.told() != nowhere.told() and (nowhere.error is None or case.condition.always)
        out.check('%s reveals an own row' % case.name(), good, '  %s\n  own      %s\n  nowhere  %s' % (
            '; '.join(case.statements(world.OWN)), own, nowhere))


def check_plans(session, all_scans, condition, shape, out):
    """Check that each scan is the one that it is named for."""
    for scan in all_scans:
        if not scan.plan:
            continue
        session.use(scan.settings)
        case = cases.Case(condition, shape, scan)
        session.cursor.execute('EXPLAIN (ANALYZE, TIMING off) ' + case.statements(world.NOWHERE)[0])
        plan = ' '.join(x[0] for x in session.cursor.fetchall())
        out.check('scan %s is one' % scan.name, re.search(scan.plan, plan), '  ' + plan)


def all_cases(conditions, all_scans, options, rng):
    """The cases of this run, in groups of the same settings."""
    chosen = []
    main = nodes.first_of_each(conditions)
    for scan in all_scans:
        for shape in shapes.SHAPES:
            if shape.since > options.version:
                continue
            for condition in conditions:
                plain = scan.name == 'seq' or shape.name == 'select' or condition.name in TELLERS
                half = condition in main or rng.random() < 0.5
                if scan.dear:
                    plain = condition in main if shape.name == 'select' else condition.name == TELLERS[0]
                elif scan.name == 'seq' and not (half or options.long or shape.name == 'select'):
                    plain = False
                elif options.long or (shape.name, scan.name) in CLASSES:
                    plain = True
                if not plain or not shape.fits(condition, scan):
                    continue
                case = cases.Case(condition, shape, scan)
                if options.only and options.only not in case.name():
                    continue
                if not options.quick or rng.random() < 0.125:
                    chosen.append(case)
    return chosen


def run_cases(session, chosen, out):
    """Run each case with the hidden value and without."""
    scan = None
    for case in chosen:
        if case.scan is not scan:
            scan = case.scan
            session.use(scan.settings)
        hidden, nowhere = (session.run(case, x) for x in (world.HIDDEN, world.NOWHERE))
        if nowhere.error and not case.condition.always and hidden.all() == nowhere.all():
            out.check(case.name() + ' runs', False, '  %s\n  %s' % (
                '; '.join(case.statements(world.NOWHERE)), nowhere))
        else:
            out.case(case, hidden, nowhere)


def self_test(conditions, by_shape, by_scan, out):
    """Check that holes made on purpose are noticed."""
    plain = ('select', 'seq')
    for name, (forms, share, statements) in HOLES.items():
        broken = '%s_%s' % (DATABASE, name)
        world.copy(broken, DATABASE, statements)
        session = cases.Session(broken)
        for form in [plain] + forms:
            found = report.Report(in_full=0)
            run_cases(session, [cases.Case(x, by_shape[form[0]], by_scan[form[1]]) for x in conditions
                                if by_shape[form[0]].fits(x, by_scan[form[1]])], found)
            text = 'hole %s, %s, %s: noticed by %d of %d conditions' % (
                name, *form, found.failed, found.passed + found.failed)
            print(text)
            out.check(text, found.failed > share * len(conditions))
        session.connection.close()


def run(options, out):
    """Run everything."""
    began = time.time()

    def lap(text):
        print('%s, after %.0f s' % (text, time.time() - began), flush=True)

    version = world.connect('postgres').server_version // 10000
    options.version = version
    conditions = known_conditions(version, headers.read(os.environ.get('PG_CONFIG', 'pg_config')), out)
    world.make(DATABASE)
    all_scans = scans.scans(version, world.tids(DATABASE))
    if not world.has_jit(DATABASE):
        print('this server has no JIT, so there is no scan with it')
        all_scans = [x for x in all_scans if x.name != 'jit']
    by_shape = {x.name: x for x in shapes.SHAPES}
    by_scan = {x.name: x for x in all_scans}
    by_name = {x.name: x for x in conditions}
    plain = (by_shape['select'], by_scan['seq'])
    rng = random.Random(options.seed)
    chosen = all_cases(conditions, all_scans, options, rng)

    self_test(conditions, by_shape, by_scan, out)
    lap('self-test done')
    check_nodes(DATABASE, conditions, plain, out)
    session = cases.Session(DATABASE)
    check_plans(session, all_scans, by_name['FuncExpr/count'], plain[0], out)
    check_tells(session, [cases.Case(x, *plain) for x in conditions], out)
    error = by_name['FuncExpr/error']
    check_tells(session, [cases.Case(error, x, plain[1]) for x in shapes.SHAPES if x.since <= version] +
                [cases.Case(error, plain[0], x) for x in all_scans if not x.joins], out)
    lap('conditions, shapes and scans looked at')
    run_cases(session, chosen, out)
    session.end()
    lap('%d cases, seed %d' % (len(chosen), options.seed))
    races.run(DATABASE, by_name, plain[1], options, out)
    lap('races')
    first.run(DATABASE, conditions if options.long else nodes.first_of_each(conditions), plain, options,
              rng, out)
    lap('first statements of a session')


def main():
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(usage=__doc__.split('usage: ', 1)[1])
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--long', action='store_true')
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(10 ** 6))
    parser.add_argument('--only')
    parser.add_argument('--failures', type=int, default=report.IN_FULL)
    parser.add_argument('--keep', action='store_true')
    options = parser.parse_args()
    out = report.Report(options.failures)
    databases = ['%s_%s' % (DATABASE, x) for x in HOLES] + [DATABASE]
    world.drop(databases)
    try:
        run(options, out)
    finally:
        if not options.keep:
            world.drop(databases)
    return 0 if out.summary() else 1


if __name__ == '__main__':
    sys.exit(main())
