"""Statements with room for a condition on the rows of a table.

In the text {T} is the table, with the alias r, and {P} the condition.  {C} is the columns
that conditions use, and {G} those of them with an equality.  {V} is the table's name
within the names of its views.
"""

import re

import world

COLUMNS = 'id, tenant_id, w, n, h, k, o, q, y, a, b, ca, cb, g, s, ctid, tableoid'

# Statements that the server refuses, whatever the rows contain.
IMPOSSIBLE = {(shape, other) for shape in ('merge, in when', 'merge, delete', 'merge, not matched by source')
              for other in ('tid', 'tid list', 'tid range', 'Var/ctid')}       # no ctid in WHEN
# a permission that a stored condition asks for is asked for with those of the policies
IMPOSSIBLE |= {(x + ' own barrier view', 'FuncExpr/tenant_with') for x in ('update', 'delete')}
IMPOSSIBLE |= {('below group by', 'gist point'), ('below distinct', 'gist point')}     # no equality of points


class Shape:
    """One form of statement; what its last part returns is compared."""

    def __init__(self, name, *statements, joins=False, table=None, word='w', generic=False, bare=False,
                 since=15):
        self.name = name
        self.statements = statements
        self.joins = joins
        self.table = table              # of its own
        self.word = word                # the column that has the value
        self.bare = bare                # no tenant_id, and columns that the role may not read
        self.since = since
        self.generic = generic          # with the value as a parameter
        # what is no query cannot be prepared
        self.preparable = not any(x.startswith(('CREATE', 'DECLARE', 'ALTER')) for x in statements)

    def fits(self, condition, scan):
        """Whether such a statement is possible."""
        if self.word != 'w' and (not condition.plain or 'r.' in scan.extra):
            return False
        if self.bare and re.search(r'\{[tr]\}', condition.text):
            return False
        if self.bare and 'tenant_id' in scan.extra:
            return False
        if self.table and scan.table != 'cases':
            return False
        if scan.joins and not self.joins:
            return False
        if condition.parameters is not None and not self.preparable:
            return False
        if condition.early and scan.plan == 'Gather':
            return False
        if condition.parameters and self.name == 'custom plan':
            return False        # raised when it is planned
        return (self.name, condition.name) not in IMPOSSIBLE and (self.name, scan.name) not in IMPOSSIBLE

    def text(self, condition, table):
        """The statements with a condition."""
        table = self.table or table
        return [x.replace('{T}', 'public.' + table if '.' not in table else table)
                .replace('{V}', table).replace('{C}', COLUMNS + ', p').replace('{G}',
                         COLUMNS).replace('{P}', '(%s)' % condition) for x in self.statements]


OWN_KEY = "'%s'" % world.OWN_ROW
# the condition as a member of an equivalence class
IN_CLASS = "CASE WHEN {P} THEN '%s'::uuid END" % world.TENANT_A

SHAPES = [
    Shape('select', 'SELECT r.w FROM {T} AS r WHERE {P}'),
    Shape('select all', 'SELECT * FROM {T} AS r WHERE {P}'),
    Shape('select nothing', 'SELECT FROM {T} AS r WHERE {P}'),
    Shape('condition in list', 'SELECT r.w, {P} FROM {T} AS r'),
    Shape('count', 'SELECT count(*) FROM {T} AS r WHERE {P}'),
    Shape('filter', 'SELECT count(*) FILTER (WHERE {P}) FROM {T} AS r'),
    Shape('join', 'SELECT r.id, o.w FROM {T} AS r JOIN bait AS o ON o.w = r.w WHERE {P}', joins=True),
    Shape('join with tenant', 'SELECT r.id FROM {T} AS r JOIN bait AS o ON o.x = r.tenant_id WHERE {P}',
          joins=True),
    Shape('cross join', 'SELECT r.id FROM bait AS o, {T} AS r WHERE {P}', joins=True),
    Shape('self join', 'SELECT r.id FROM {T} AS o JOIN {T} AS r ON (o.tenant_id, o.id) = (r.tenant_id, '
          'r.id) WHERE {P}',
          joins=True),
    Shape('join by id', 'SELECT r.id FROM {T} AS o JOIN {T} AS r ON o.id = r.id AND {P}', joins=True),
    Shape('two protected tables', 'SELECT r.id FROM casnet.records AS o JOIN {T} AS r ON o.id = r.id WHERE '
          '{P}',
          joins=True),
    Shape('class', 'SELECT r.id FROM {T} AS r, lure AS o WHERE %s = o.x AND o.x = r.tenant_id' % IN_CLASS,
          joins=True),
    Shape('class in a join', 'SELECT r.id FROM lure AS o JOIN {T} AS r ON %s = o.x AND o.x = '
          'r.tenant_id' % IN_CLASS,
          joins=True),
    Shape('class by ctid', 'SELECT r.id FROM lure AS o JOIN {T} AS r ON r.ctid = o.at WHERE %s = '
          'o.x' % IN_CLASS,
          joins=True),
    Shape('class with update', 'UPDATE {T} AS r SET n = 2 FROM lure AS o WHERE %s = o.x AND o.x = '
          'r.tenant_id' % IN_CLASS,
          joins=True),
    Shape('left join', 'SELECT r.id FROM {T} AS r LEFT JOIN bait AS o ON o.w = r.w WHERE {P}', joins=True),
    Shape('left join, inner side', 'SELECT o.w, r.id FROM bait AS o LEFT JOIN {T} AS r ON o.w = r.w AND {P}',
          joins=True),
    Shape('left join, above', 'SELECT o.w, r.id FROM bait AS o LEFT JOIN {T} AS r ON o.w = r.w WHERE {P}',
          joins=True),
    Shape('left join of a subquery',
          "SELECT o.w, r.id FROM bait AS o LEFT JOIN (SELECT {C}, coalesce(r.w, 'no') AS z "
          'FROM {T} AS r) AS r ON o.w = r.w WHERE {P} OR r.z IS NULL', joins=True),
    Shape('right join', 'SELECT r.id FROM bait AS o RIGHT JOIN {T} AS r ON o.w = r.w WHERE {P}', joins=True),
    Shape('full join', 'SELECT r.id, o.w FROM {T} AS r FULL JOIN bait AS o ON o.w = r.w WHERE {P}',
          joins=True),
    Shape('semi join', 'SELECT o.w FROM bait AS o WHERE o.w IN (SELECT r.w FROM {T} AS r WHERE {P})',
          joins=True),
    Shape('semi join, outer side',
          'SELECT r.w FROM {T} AS r WHERE {P} AND r.w IN (SELECT o.w FROM bait AS o)',
          joins=True),
    Shape('anti join', 'SELECT o.w FROM bait AS o WHERE NOT EXISTS (SELECT FROM {T} AS r WHERE r.w = o.w '
          'AND {P})',
          joins=True),
    Shape('not in', 'SELECT o.w FROM bait AS o WHERE o.w NOT IN (SELECT r.w FROM {T} AS r WHERE {P})',
          joins=True),
    Shape('lateral', 'SELECT o.w, s.id FROM bait AS o, LATERAL (SELECT r.id FROM {T} AS r WHERE r.w = o.w '
          'AND {P} '
          'LIMIT 1) AS s', joins=True),
    Shape('row by row', 'SELECT o.w, (SELECT min(r.n) FROM {T} AS r WHERE r.w = o.w AND {P}) FROM bait AS o'),
    Shape('exists', 'SELECT EXISTS (SELECT FROM {T} AS r WHERE {P})'),
    Shape('by ctid', 'SELECT r.id FROM places AS o JOIN {T} AS r ON r.ctid = o.at WHERE {P}', joins=True),
    Shape('cte', 'WITH s AS (SELECT r.id FROM {T} AS r WHERE {P}) SELECT * FROM s'),
    Shape('cte outside', 'WITH r AS NOT MATERIALIZED (SELECT {C} FROM {T}) SELECT r.id FROM r WHERE {P}'),
    Shape('cte materialized', 'WITH s AS MATERIALIZED (SELECT * FROM {T} AS r WHERE {P}) SELECT s.id FROM s'),
    Shape('recursive cte', 'WITH RECURSIVE s AS (SELECT r.id, 1 AS z FROM {T} AS r WHERE {P} UNION ALL '
          'SELECT s.id, z + 1 FROM s WHERE z < 3) SELECT * FROM s'),
    Shape('union all', 'SELECT r.id FROM {T} AS r WHERE {P} UNION ALL SELECT x FROM bait'),
    Shape('union all outside', 'SELECT r.w FROM (SELECT {C} FROM {T} UNION ALL SELECT {C} FROM {T}) AS r '
          'WHERE {P}'),
    Shape('except', 'SELECT r.w FROM {T} AS r EXCEPT SELECT r.w FROM {T} AS r WHERE {P}'),
    Shape('view', 'SELECT r.id FROM plain_{V} AS r WHERE {P}'),
    Shape('barrier view', 'SELECT r.id FROM barrier_{V} AS r WHERE {P}'),
    Shape('invoker view', 'SELECT r.id FROM invoker_{V} AS r WHERE {P}'),
    Shape('own view', 'CREATE VIEW public.now_{V} AS SELECT r.id FROM {T} AS r WHERE {P}',
          'SELECT * FROM public.now_{V}'),
    Shape('group by', 'SELECT r.w, count(*) FROM {T} AS r WHERE {P} GROUP BY r.w'),
    Shape('having', 'SELECT r.id FROM {T} AS r GROUP BY r.tenant_id, r.id HAVING {P}'),
    Shape('below group by', 'SELECT r.w FROM (SELECT {G} FROM {T} GROUP BY {G}) AS r WHERE {P}'),
    Shape('below distinct', 'SELECT r.w FROM (SELECT DISTINCT {G} FROM {T}) AS r WHERE {P}'),
    Shape('below window', 'SELECT r.w FROM (SELECT {C}, row_number() OVER (PARTITION BY w) AS z FROM {T}) '
          'AS r '
          'WHERE {P}'),
    Shape('below limit', 'SELECT r.w FROM (SELECT {C} FROM {T} OFFSET 0) AS r WHERE {P}'),
    Shape('order by limit', 'SELECT r.id FROM {T} AS r WHERE {P} ORDER BY r.id LIMIT 3'),
    Shape('order by condition', 'SELECT r.id FROM {T} AS r ORDER BY {P}, r.id LIMIT 3'),
    Shape('min', 'SELECT min(r.w), max(r.k) FROM {T} AS r WHERE {P}'),
    Shape('for update', 'SELECT r.w FROM {T} AS r WHERE {P} FOR UPDATE'),
    Shape('for key share', 'SELECT r.w FROM {T} AS r WHERE {P} FOR KEY SHARE'),
    Shape('update', "UPDATE {T} AS r SET n = r.n + 1 WHERE {P} RETURNING r.w"),
    Shape('update from', 'UPDATE {T} AS r SET n = 2 FROM bait AS o WHERE o.w = r.w AND {P}', joins=True),
    Shape('update itself', 'UPDATE {T} AS r SET n = 2 FROM {T} AS o WHERE o.id = r.id AND {P}', joins=True),
    Shape('delete', 'DELETE FROM {T} AS r WHERE {P} RETURNING r.w'),
    Shape('delete using', 'DELETE FROM {T} AS r USING bait AS o WHERE o.w = r.w AND {P}', joins=True),
    Shape('merge, in on', 'MERGE INTO {T} AS r USING bait AS o ON o.w = r.w AND {P} '
          'WHEN MATCHED THEN UPDATE SET n = 2', joins=True),
    Shape('merge, in when', 'MERGE INTO {T} AS r USING bait AS o ON o.w = r.w '
          'WHEN MATCHED AND {P} THEN UPDATE SET n = 2', joins=True),
    Shape('merge, delete', 'MERGE INTO {T} AS r USING bait AS o ON o.w = r.w '
          'WHEN MATCHED AND {P} THEN DELETE', joins=True),
    Shape('merge, insert', 'MERGE INTO sink AS z USING {T} AS r ON z.id = r.id AND {P} '
          'WHEN NOT MATCHED THEN INSERT VALUES (r.id, r.w)', 'SELECT count(*) FROM sink', joins=True),
    Shape('insert select', 'INSERT INTO sink SELECT r.id, r.w FROM {T} AS r WHERE {P} RETURNING *'),
    Shape('insert returning', "INSERT INTO sink VALUES (NULL, 'x') RETURNING (SELECT count(*) FROM {T} AS "
          "r WHERE {P})"),
    Shape('upsert', "INSERT INTO {T} AS r (id, w) VALUES (%s, 'new') ON CONFLICT (tenant_id, id) "
          'DO UPDATE SET n = 2 WHERE {P} RETURNING r.w' % OWN_KEY),
    Shape('tablesample', 'SELECT r.w FROM {T} AS r TABLESAMPLE bernoulli (100) WHERE {P}'),
    Shape('tablesample system', 'SELECT r.w FROM {T} AS r TABLESAMPLE system (100) REPEATABLE (1) WHERE {P}'),
    Shape('cursor', 'DECLARE c CURSOR FOR SELECT r.w FROM {T} AS r WHERE {P}', 'FETCH ALL FROM c'),
    Shape('scroll cursor', 'DECLARE c SCROLL CURSOR FOR SELECT r.w FROM {T} AS r WHERE {P}',
          'MOVE LAST FROM c',
          'FETCH BACKWARD ALL FROM c'),
    Shape('current of', 'DECLARE c CURSOR FOR SELECT r.w FROM {T} AS r WHERE {P} OR r.n = 0 FOR UPDATE',
          'MOVE 60 FROM c',
          'UPDATE {T} SET n = 3 WHERE CURRENT OF c'),
    Shape('inlined function', 'SELECT r.w FROM listing_{V}() AS r WHERE {P}'),
    Shape('update view', 'UPDATE plain_{V} AS r SET n = 2 WHERE {P}'),
    Shape('update barrier view', 'UPDATE barrier_{V} AS r SET n = 2 WHERE {P}'),
    Shape('update own barrier view', 'CREATE VIEW public.now_{V} WITH (security_barrier) AS '
          'SELECT * FROM {T} AS r WHERE {P}', 'UPDATE public.now_{V} SET n = 2'),
    Shape('delete own barrier view', 'CREATE VIEW public.now_{V} WITH (security_barrier) AS '
          'SELECT * FROM {T} AS r WHERE {P}',
               'DELETE FROM public.now_{V} AS v USING sink AS o WHERE v.id = o.id'),
    Shape('own barrier view', 'CREATE VIEW public.now_{V} WITH (security_barrier) AS '
          'SELECT * FROM {T} AS r WHERE {P}', "SELECT w FROM public.now_{V} WHERE w <> 'no' FOR UPDATE"),
    Shape('own policy', 'ALTER POLICY a_class ON public.lure USING (x = y AND EXISTS (SELECT FROM {T} AS r '
          'WHERE {P}))', 'SELECT count(*) FROM lure'),
    Shape('lateral without a table', 'SELECT r.w FROM {T} AS r, LATERAL (SELECT 1 AS z WHERE {P}) AS s',
          joins=True),
    Shape('lateral function', "SELECT r.w FROM {T} AS r, LATERAL regexp_split_to_table(({P})::text, 'x')"
          ' AS s', joins=True),
    Shape('left join, outer side in on', 'SELECT r.w, o.w FROM {T} AS r LEFT JOIN bait AS o ON {P}',
          joins=True),
    Shape('expression joined', 'SELECT r.w FROM {T} AS r JOIN bait AS o ON o.w = CASE WHEN {P} THEN r.w END',
          joins=True),
    Shape('in a subquery', 'SELECT r.w FROM {T} AS r WHERE ({P}) IN (SELECT x = y FROM bait)', joins=True),
    Shape('own function', "CREATE FUNCTION pg_temp.now() RETURNS bigint LANGUAGE plpgsql AS "
          '$f$BEGIN RETURN (SELECT count(*) FROM {T} AS r WHERE {P}); END$f$', 'SELECT pg_temp.now()'),
    Shape('create table as', 'CREATE TEMP TABLE made AS SELECT r.w FROM {T} AS r WHERE {P}',
          'SELECT * FROM made'),
    Shape('generic plan', 'SELECT r.w FROM {T} AS r WHERE {P}', generic=True),
    Shape('custom plan', 'SET LOCAL plan_cache_mode = force_custom_plan',
          'SELECT r.w FROM {T} AS r WHERE {P}',
          generic=True),
    Shape('generic join', 'SELECT r.w FROM bait AS o JOIN {T} AS r ON r.w = o.w WHERE {P}', generic=True,
          joins=True),
    Shape('partitioned', 'SELECT r.w FROM {T} AS r WHERE {P}', table='parted'),
    Shape('partition', 'SELECT r.w FROM {T} AS r WHERE {P}', table='part_1'),
    Shape('partitioned update', 'UPDATE {T} AS r SET n = 2 WHERE {P} RETURNING r.w', table='parted'),
    Shape('partitionwise join', 'SELECT r.w FROM {T} AS o JOIN {T} AS r ON o.h = r.h AND o.id = r.id WHERE '
          '{P}',
          table='parted', joins=True),
    Shape('merge, not matched by source', 'MERGE INTO {T} AS r USING bait AS o ON o.w = r.w AND o.x IS NULL '
          'WHEN NOT MATCHED BY SOURCE AND {P} THEN UPDATE SET n = 2', joins=True, since=17),
    Shape('merge returning', 'MERGE INTO {T} AS r USING bait AS o ON o.w = r.w AND {P} '
          'WHEN MATCHED THEN UPDATE SET n = 2 RETURNING merge_action(), r.w', joins=True, since=17),
    Shape('returning old', 'UPDATE {T} AS r SET n = 2 WHERE {P} RETURNING old.w, new.w', since=18),
    Shape('users', 'SELECT r.username FROM {T} AS r WHERE {P}', table='casnet.users', word='username',
          bare=True),
    Shape('tenants', 'SELECT r.name FROM {T} AS r WHERE {P}', table='casnet.tenants', word='name', bare=True),
    Shape('tenants and members', 'SELECT r.name FROM {T} AS r JOIN casnet.user_tenants AS o ON o.tenant_id '
          '= r.id '
          'WHERE {P}', table='casnet.tenants', word='name', bare=True, joins=True),
    Shape('records found', 'SELECT r.title FROM {T} AS r WHERE {P} AND '
          "r.search_vector OPERATOR(casnet.@~) 'common'::tsquery", table='casnet.records', word='title'),
    Shape('records tagged', "SELECT r.title FROM {T} AS r WHERE {P} AND r.id IN (SELECT "
          "casnet.records_tagged("
          "ARRAY['common']))", table='casnet.records', word='title', joins=True),
    Shape('records', 'SELECT r.title FROM {T} AS r WHERE {P}', table='casnet.records', word='title'),
    Shape('records and tasks', 'SELECT o.id FROM {T} AS r JOIN casnet.tasks AS o ON o.tenant_id = '
          'r.tenant_id '
          'AND o.id = r.id WHERE {P}', table='casnet.records', word='title', joins=True),
    Shape('tasks updated', 'UPDATE {T} AS r SET status = status WHERE {P}', table='casnet.tasks',
          word='title'),
    Shape('persons deleted', 'DELETE FROM {T} AS r WHERE {P}', table='casnet.persons', word='name'),
]
