"""Ways to reach the rows: settings, a condition that an index serves, and what the plan
of a plain SELECT must then contain."""

import world

OFF = ['seqscan', 'indexscan', 'indexonlyscan', 'bitmapscan', 'tidscan', 'hashjoin', 'mergejoin', 'nestloop']
SPECIAL = "ARRAY['%s', '%s', '%s']" % (world.OWN, world.HIDDEN, world.NOWHERE)


class Scan:
    """One way; only the scans named are enabled."""

    def __init__(self, name, on, extra='', table='cases', plan=None, settings=None, joins=(), dear=False):
        self.name = name
        self.extra = extra              # over the alias r
        self.table = table
        self.plan = plan                # a pattern that EXPLAIN's output must match
        self.joins = joins              # only shapes with joins
        self.dear = dear                # takes long, so it gets less
        on = [x + 'scan' for x in on.split()] + (list(joins) or ['hashjoin', 'mergejoin', 'nestloop'])
        self.settings = ['enable_%s = %s' % (x, 'on' if x in on else 'off') for x in OFF]
        self.settings += settings or ['max_parallel_workers_per_gather = 0']


# Of conditions with the same cost, the server evaluates first what the planner found first.
FREE = ['cpu_operator_cost = 0', 'max_parallel_workers_per_gather = 0']
PARALLEL = ['max_parallel_workers_per_gather = 2', 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0',
            'min_parallel_table_scan_size = 0', 'min_parallel_index_scan_size = 0']


def scans(version, tids):
    """All of them, for a major version of the server; tids is an array of row locations."""
    force = 'force_parallel_mode' if version < 16 else 'debug_parallel_query'
    return [
        Scan('seq', 'seq', plan='Seq Scan on '),
        Scan('index', 'index', 'r.w = ANY (%s)' % SPECIAL, plan='Index Scan using cases_(w|covering)'),
        Scan('hash index', 'index', 'r.k = 51', plan='Index Scan using cases_hash'),
        Scan('expression index', 'index', 'nullif(r.h, 5) = 1 AND NOT r.w = \'no\'',
             plan='Index Scan using cases_expression'),
        Scan('partial index', 'index', 'r.q = 51 AND r.n = 0', plan='Index Scan using cases_partial'),
        Scan('gist point', 'index bitmap', "r.p <@ box '((0,0),(2,2))'"),
        Scan('gist range', 'index bitmap', "r.g && '[1,2)'"),
        Scan('gin words', 'bitmap', "r.s OPERATOR(casnet.@~) 'word'::tsquery"),
        Scan('index only', 'index indexonly', 'r.w = ANY (%s)' % SPECIAL, plan='Index Only Scan'),
        Scan('bitmap', 'bitmap', 'r.w = ANY (%s)' % SPECIAL, plan='Bitmap Heap Scan'),
        Scan('bitmap or', 'bitmap', "(r.w = ANY (%s) OR r.k = 51)" % SPECIAL, table='many', plan='BitmapOr'),
        Scan('lossy bitmap', 'bitmap', table='many', plan='Bitmap Heap Scan on many .*lossy=',
             settings=["work_mem = '64kB'", 'max_parallel_workers_per_gather = 0']),
        Scan('block range', 'bitmap', 'r.o = 51', table='many', plan='Bitmap Index Scan on many_block'),
        Scan('tid', 'tid', "r.ctid = ANY (ARRAY(SELECT at FROM places))"),
        Scan('tid list', 'tid', 'r.ctid = ANY (%s)' % "'%s'::tid[]" % tids, plan='Tid Scan'),
        Scan('tid range', 'tid', "r.ctid >= '(0,0)' AND r.ctid < '(4,0)'", plan='Tid Range Scan'),
        Scan('parallel', 'seq', plan='Gather', dear=True, settings=PARALLEL),
        Scan('forced parallel', 'seq index', plan='Gather', dear=True, settings=[force + ' = on']),
        Scan('nested loop', 'seq index', joins=('nestloop',)),
        Scan('hash join', 'seq index', joins=('hashjoin',)),
        Scan('merge join', 'seq index', joins=('mergejoin',)),
        Scan('geqo', 'seq index', joins=('nestloop', 'hashjoin', 'mergejoin'),
             settings=['geqo_threshold = 2', 'from_collapse_limit = 20', 'join_collapse_limit = 20']),
        Scan('free operators', 'seq', settings=FREE),
        # compared with a constant, which the server takes for the policy
        Scan('own tenant', 'seq', "r.tenant_id = '%s'" % world.TENANT_A, settings=FREE),
        Scan('own tenant, hash index', 'index', "r.k = 51 AND r.tenant_id = '%s'" % world.TENANT_A,
             plan='Index Scan using cases_hash', settings=FREE),
        Scan('tid join', 'tid', joins=('nestloop',)),
        Scan('all', 'seq index indexonly bitmap tid'),
        Scan('jit', 'seq', dear=True, plan='JIT:', settings=['jit = on', 'jit_above_cost = 0',
             'jit_inline_above_cost = -1',
                                               'jit_optimize_above_cost = -1']),
    ]
