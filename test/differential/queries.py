"""Makes random queries whose answer is the same multiset of rows whatever plan is
chosen.  Ordered answers are ordered by all their columns."""

from expressions import Expressions
from parts import Part, join
from sources import SQL_TYPES, Column, Scope

OUTPUT_TYPES = ['text', 'text', 'text', 'int', 'int', 'uuid', 'uuid', 'ts', 'date', 'bool', 'jsonb']


class Queries(Expressions):
    """Makes whole queries for one user in one tenant."""

    def where(self, scope, depth=1):
        """WHERE with some conditions, or nothing."""
        count = self.rng.choice([0, 0, 1, 1, 1, 2, 3])
        conditions = [Part('(', self.predicate(scope, depth), ')',
                           instead='true') for _ in range(count)]
        return Part(' WHERE ', join(' AND ', conditions)) if conditions else ''

    def types(self, count=None):
        """Types for the columns of a query."""
        return [self.rng.choice(OUTPUT_TYPES) for _ in range(count or self.rng.randint(1, 4))]

    def output(self, expression, type_name, number):
        """A column of the select list."""
        return Part(Part('(', expression, ')', instead='NULL'),
                    '::%s AS c%d' % (SQL_TYPES[type_name], number))

    def select(self, depth, types=None, outer=None, limit=None):
        """One SELECT without ORDER BY; returns it, its types and about how many rows."""
        text, scope = self.from_clause(depth, limit, 0 if outer else None)
        inside = scope
        if outer is not None:
            inside = Scope(scope.columns + outer.columns, scope.key, scope.rows)
        where = self.where(inside, 1 if outer is None else 0)
        if outer is not None:
            tie = self.correlation(scope, outer)
            where = Part(where, ' AND ' if where else ' WHERE ', tie)
        types = types or self.types()
        kind = self.rng.choice(['rows', 'rows', 'rows', 'distinct', 'group', 'group', 'window',
                                'on'])
        if kind == 'group':
            return self.grouped(text, scope, where, types)
        if kind == 'window' and scope.rows < 20000:
            return self.windowed(text, scope, where, types)
        columns = [self.output(self.value(inside, t), t, i + 1) for i, t in enumerate(types)]
        if kind == 'on' and self.chance(0.5):
            order = ', '.join(str(i + 1) for i in range(len(types)))
            first = self.rng.randint(1, len(types))
            names = ', '.join('x.c%d' % (i + 1) for i in range(first))
            body = Part('SELECT DISTINCT ON (%s) * FROM (SELECT ' % names, join(', ', columns),
                        ' FROM ', text,
                        where, ') AS x ORDER BY ', order)
            return Part('SELECT * FROM (', body, ') AS y'), types, max(1, scope.rows // 3)
        distinct = Part('DISTINCT ', instead='') if kind == 'distinct' else ''
        return Part('SELECT ', distinct, join(', ', columns), ' FROM ', text,
                    where), types, scope.rows

    def aggregate(self, scope, type_name):
        """An aggregate of a type; its value does not depend on the order of rows."""
        rng = self.rng
        order = ', '.join(scope.key)
        filtered = Part(' FILTER (WHERE ', self.predicate(scope, 0), ')',
                        instead='') if self.chance(0.25) else ''
        if type_name == 'int':
            made = rng.choice([
                lambda: Part('count(*)'),
                lambda: Part('count(', self.value(scope, 'uuid', 0), ')'),
                lambda: Part('count(DISTINCT ', self.value(scope, 'text', 1), ')'),
                lambda: Part('sum(', self.value(scope, 'int', 1), ')'),
                lambda: Part('min(', self.value(scope, 'int', 1), ')')])()
            return Part(made, filtered)
        if type_name == 'text':
            made = rng.choice([
                lambda: Part('max(', self.value(scope, 'text', 1), ')'),
                lambda: Part('min(', self.value(scope, 'text', 1), ')'),
                lambda: Part('left(md5(string_agg(', self.value(scope, 'text', 0),
                             ", ',' ORDER BY ", order, ')', filtered, '), 9)'),
                lambda: Part('mode() WITHIN GROUP (ORDER BY ', self.value(scope, 'text', 0), ')'),
                lambda: Part('(array_agg(', self.value(scope, 'text', 0), ' ORDER BY ', order, ')',
                             filtered, ')[1]')])()
            return made
        if type_name == 'uuid':
            return Part('(array_agg(', self.value(scope, 'uuid', 0), ' ORDER BY ', order, '))[1]')
        if type_name == 'bool':
            return Part('bool_or(', self.value(scope, 'bool', 1), ')', filtered)
        if type_name in ('ts', 'date'):
            return Part(rng.choice(['min(', 'max(']), self.value(scope, type_name, 1), ')',
                        filtered)
        return Part('jsonb_build_object(\'n\', count(*), \'x\', max(',
                    self.value(scope, 'text', 0), '))')

    def grouped(self, text, scope, where, types):
        """SELECT with GROUP BY; its first columns are those grouped by."""
        rng = self.rng
        count = rng.choice([0, 1, 1, 2])
        keys = [c for c in scope.columns if c.type in ('text', 'uuid', 'date', 'bool', 'int')]
        chosen = {}
        for i, type_name in enumerate(types):
            fitting = [c for c in keys if c.type == type_name and c not in chosen.values()]
            if fitting and len(chosen) < count:
                chosen[i] = rng.choice(fitting)
        names = [c.text for c in chosen.values()]
        columns = []
        for i, type_name in enumerate(types):
            made = chosen[i].text if i in chosen else self.aggregate(scope, type_name)
            columns.append(self.output(made, type_name, i + 1))
        group = ''
        if names:
            group = ' GROUP BY ' + ', '.join(names)
            if self.chance(0.35):
                group = ' GROUP BY ' + rng.choice(
                    ['ROLLUP (%s)', 'CUBE (%s)', 'GROUPING SETS ((%s), ())']) % ', '.join(names)
        having = ''
        if self.chance(0.25):
            test = rng.choice([Part('count(*) > %d' % rng.randint(0, 3)),
                               Part(self.aggregate(scope, 'int'), ' >= 1'),
                               Part('bool_or(', self.predicate(scope, 0), ')')])
            having = Part(' HAVING ', test, instead='')
        rows = min(scope.rows, 50) if names else 1
        body = Part('SELECT ', join(', ', columns), ' FROM ', text, where, group, having)
        if ' (' in group:
            # Up to PostgreSQL 17, a column that WHERE holds constant counts as sorted, although
            # grouping sets make it NULL. So a subquery keeps sorts and limits away from them.
            body = Part('SELECT * FROM (', body, Part(' OFFSET 0', instead=''), ') AS s')
        return body, types, rows

    def windowed(self, text, scope, where, types):
        """SELECT with a window function in one column."""
        rng = self.rng
        order = ', '.join(scope.key)
        part = rng.choice(scope.columns).text
        by = self.value(scope, 'text', 1)
        total = Part('(PARTITION BY ', part, ' ORDER BY ', by, ', ', order, ')')
        numbers = [
            Part('row_number() OVER ', total),
            Part('rank() OVER (PARTITION BY ', part, ' ORDER BY ', by, ')'),
            Part('count(*) OVER (PARTITION BY ', part, ')'),
            Part('ntile(3) OVER ', total),
            Part('sum(', self.value(scope, 'int', 0), ') OVER (ORDER BY ', order,
                 ' ROWS 2 PRECEDING)')]
        texts = [
            Part('lag(', self.value(scope, 'text', 0), ') OVER ', total),
            Part('first_value(', self.value(scope, 'text', 0), ') OVER ', total),
            Part('max(', self.value(scope, 'text', 0), ') OVER (PARTITION BY ', part, ')')]
        columns = []
        for i, type_name in enumerate(types):
            made = self.value(scope, type_name)
            if type_name == 'int':
                made = rng.choice(numbers)
            elif type_name == 'text' and self.chance(0.6):
                made = rng.choice(texts)
            columns.append(self.output(made, type_name, i + 1))
        body = Part('SELECT ', join(', ', columns), ' FROM ', text, where)
        if 'int' in types and self.chance(0.3):
            number = 'c%d' % (types.index('int') + 1)
            return Part('SELECT * FROM (', body,
                        ') AS w WHERE %s <= 2' % number), types, scope.rows // 3 + 1
        return body, types, scope.rows

    # Whole queries

    def query(self, depth, types=None, top=True):
        """A query, perhaps of several by set operations, perhaps ordered and limited."""
        body, types, rows = self.select(depth, types)
        if self.chance(0.15) and depth > 0:
            operation = self.rng.choice([' UNION ', ' UNION ALL ', ' INTERSECT ', ' EXCEPT ',
                                         ' EXCEPT ALL ', ' INTERSECT ALL '])
            other, _, more = self.select(depth - 1, types)
            body = Part(Part('(', body, ')'), Part(operation, '(', other, ')', instead=''))
            rows += more
        if top or self.chance(0.3):
            order = ', '.join('%d%s' % (i + 1, self.rng.choice(['', ' DESC', ' NULLS FIRST']))
                              for i in range(len(types)))
            self.ordered = top and self.chance(0.6)
            if self.ordered or not top:
                limit = ''
                if self.chance(0.5):
                    number = self.rng.randint(1, 12)
                    limit = Part(' LIMIT %d' % number, instead='')
                    rows = min(rows, number)
                    if self.chance(0.2):
                        limit = Part(limit, Part(' OFFSET 2', instead=''))
                body = Part(body, ' ORDER BY ', order, limit)
        return body, types, rows

    def recursive(self, name):
        """A recursive query over records that share a tag or a title."""
        records, links = (self.identity.relations[n].text for n in ('casnet.records',
                                                                    'casnet.record_tags'))
        start = Part('SELECT 1 AS c1, (SELECT r.id FROM ', records, ' AS r WHERE ',
                     self.rng.choice(["r.title LIKE 'h%'", 'r.id IS NOT NULL', "r.content = ''"]),
                     ' ORDER BY r.id LIMIT 1) AS c2')
        steps = [
            Part('SELECT w.c1 + 1, y.record_id FROM ', name, ' AS w JOIN ', links,
                 ' AS x ON x.record_id = w.c2 JOIN ',
                 links, ' AS y ON y.tag_id = x.tag_id AND y.tenant_id = x.tenant_id WHERE w.c1 < 3'),
            Part('SELECT w.c1 + 1, (SELECT r.id FROM ', records,
                 ' AS r WHERE r.id > w.c2 ORDER BY r.id LIMIT 1) FROM ', name,
                 ' AS w WHERE w.c2 IS NOT NULL AND w.c1 < 40')]
        small = self.identity.relations['casnet.records'].rows < 500
        return Part(start, ' UNION ', self.rng.choice(steps) if small else steps[1]), ['int',
                                                                                       'uuid'], 40

    def statement(self):
        """A whole SELECT: the parts, the types of its columns, whether it is ordered."""
        rng = self.rng
        heads = []
        recursive = False
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            name = 'q%d' % (len(self.ctes) + 1)
            if self.chance(0.15) and {'casnet.records',
                                      'casnet.record_tags'} <= set(self.identity.relations):
                body, types, rows = self.recursive(name)
                heads.append(Part(name, ' (c1, c2) AS (', body, ')'))
                recursive = True
            else:
                body, types, rows = self.query(1, top=False)
                heads.append(Part(name, rng.choice([' AS (', ' AS MATERIALIZED (',
                                                    ' AS NOT MATERIALIZED (']),
                                  body, ')'))
            self.ctes.append((name, types, rows))
        body, types, _ = self.query(2)
        if heads:
            start = 'WITH RECURSIVE ' if recursive else 'WITH '
            body = Part(Part(start, join(', ', heads), ' ', instead=''), body)
        return body, types, self.ordered

    # Statements about one thing

    def tag_statement(self):
        """A SELECT that is all about tags, over ids that may be NULL."""
        rng = self.rng
        text, scope = self.base()
        while not self.columns_of(scope, 'uuid'):
            text, scope = self.base()
        joins = rng.choice([0, 1, 1, 2])
        if self.chance(0.15):       # perhaps no table besides
            joins = rng.choice([0, 0, 0, 1])
            alias = self.alias()
            text = Part(self.tagged_query(None, call_only=True), ' AS %s (id)' % alias)
            if self.chance(0.5):
                ids = [Part('(', self.constant('uuid'), ')') for _ in range(5)]
                text = Part('(VALUES ', join(', ', ids), ') AS %s (id)' % alias)
            scope = Scope([Column(alias + '.id', 'uuid', 'record')], [alias + '.id'], 100, None,
                          alias)
        for _ in range(joins):
            relation = self.identity.relations[rng.choice(['casnet.records',
                                                           'casnet.record_tags'])] \
                if self.chance(0.8) else self.relation()
            alias = self.alias()
            right = Scope([Column('%s.%s' % (alias, n), t, d) for n, t, d in relation.columns],
                          ['%s.%s' % (alias, k) for k in relation.key], max(1, relation.rows),
                          relation, alias)
            condition, rows = self.join_condition(scope, right)
            if condition is None:
                continue
            extra = ''
            ids = [c.text for c in scope.columns + right.columns if c.type == 'uuid']
            if self.chance(0.3):
                extra = Part(' AND ', self.tag_test(rng.choice(ids)), instead='')
            kind = rng.choice([' JOIN ', ' LEFT JOIN ', ' LEFT JOIN ', ' RIGHT JOIN ',
                               ' FULL JOIN '])
            if kind == ' FULL JOIN ':
                extra = ''
            text = Part(text, Part(kind, relation.text, ' AS ', alias, ' ON ', condition, extra,
                                   instead=''))
            scope = Scope(scope.columns + right.columns, scope.key + right.key,
                          max(rows, scope.rows))
        ids = [c.text for c in scope.columns if c.type == 'uuid']
        records = [c.text for c in scope.columns if c.domain == 'record']
        own = [k for k in scope.key if k in records]
        tests = []
        for _ in range(rng.choice([1, 1, 2])):
            tested = own if own and self.chance(0.5) else records or ids
            tests.append(self.tag_test(rng.choice(tested)))
        where = Part(' WHERE ', join(rng.choice([' AND ', ' OR ']),
                                     [Part(t, instead='true') for t in tests]))
        types = ['uuid', 'bool', 'uuid']
        columns = [self.output(rng.choice(ids), 'uuid', 1),
                   self.output(self.tag_test(rng.choice(ids)) if self.chance(0.4) else 'NULL',
                               'bool', 2),
                   self.output(rng.choice(records or ids), 'uuid', 3)]
        tail = ''
        if self.chance(0.2):
            types = ['uuid', 'int']
            columns = [self.output(records[0] if records else ids[0], 'uuid', 1), 'count(*) AS c2']
            tail = Part(' GROUP BY ', records[0] if records else ids[0],
                        Part(' HAVING ', self.tag_test(records[0] if records else ids[0]),
                             instead=''))
        return Part('SELECT ', join(', ', columns), ' FROM ', text, where, tail), types, False

    def counts(self):
        """The numbers of rows of all relations, added up, which needs many policies in one statement."""
        names = self.rng.sample(list(self.identity.relations.values()),
                                len(self.identity.relations))
        parts = []
        for relation in names[:self.rng.randint(6, len(names))]:
            columns = [Column('x.' + n, t, d) for n, t, d in relation.columns]
            where = Part(' WHERE ', self.predicate(Scope(columns, [], relation.rows), 0),
                         instead='')
            parts.append(Part('(SELECT count(*) FROM ', relation.text, ' AS x', where, ')',
                              instead='0'))
        return join(' + 3 * ', parts)

    def wide_statement(self):
        """A SELECT that reads nearly everything."""
        text, scope = self.base()
        columns = [self.output(self.counts(), 'int', 1),
                   self.output(self.value(scope, 'text', 1), 'text', 2)]
        body = Part('SELECT ', join(', ', columns), ' FROM ', text, self.where(scope))
        return body, ['int', 'text'], False


def locking_statement(rng, identity):
    """SELECT ... FOR UPDATE or SHARE: the parts, types, not ordered."""
    maker = Queries(rng, identity)
    name = rng.choice([n for n, p in (('casnet.records', 'edit_records'),
                                      ('casnet.tasks', 'edit_tasks'),
                                      ('casnet.tags', 'edit_tags')) if p in identity.permissions])
    relation = identity.relations[name]
    columns = [Column('a.' + n, t, d) for n, t, d in relation.columns]
    scope = Scope(columns, ['a.id'], relation.rows, relation, 'a')
    where = maker.where(scope)
    mode = rng.choice(['UPDATE', 'NO KEY UPDATE', 'SHARE', 'KEY SHARE'])
    text = Part('SELECT a.id AS c1, a.tenant_id AS c2 FROM ', relation.text, ' AS a', where,
                ' FOR ' + mode)
    return text, ['uuid', 'uuid'], False
