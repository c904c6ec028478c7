"""Makes random queries whose answer is one and the same multiset of rows,
whatever plan is chosen; where they are ordered, by all their columns."""

import world
from parts import Param, Part, Sides, join, quote, text_array

SQL_TYPES = {'text': 'text', 'int': 'bigint', 'uuid': 'uuid', 'ts': 'timestamptz',
             'date': 'date', 'bool': 'boolean', 'jsonb': 'jsonb', 'vec': 'tsvector',
             'num': 'numeric'}
OUTPUT_TYPES = ['text', 'text', 'text', 'int', 'int', 'uuid', 'uuid', 'ts', 'date', 'bool', 'jsonb']
WORDS = ['home', 'school', 'Parent', 'Ärztin', 'urgent', 'x', '', 'a_b', '100%', 'PENDING', 'HIGH',
         'Owner', 'MALE', 'visit court', 'owner_small', 'police', "O'Neil", 'zzz']
TAGS = ['urgent', 'closed', 'school', 'police', 'home', 'court', "O'Neil", '100%', 'Ärztin',
        'tag 12', 'no such tag', ' urgent ']
LIKES = ['%o%', 'h%', '%t', '_o%', '%', 'x%', '%a\\_b%', '%100\\%%', '%ärz%', 'School%', '']
REGEXES = ['^[a-m]', 'o+', '(home|court)', 't$', '[[:upper:]]', '\\d+', '^$', 'a.b']
SEARCHES = [('home', "'home'"), ('home visit', "'home' & 'visit'"), ('court or school', "'court' | 'school'"),
            ('home -court', "'home' & !'court'"), ('vis*', "'vis':*"), ('"home visit"', "'home' <-> 'visit'"),
            ('zzz', "'zzz'"), ('ärztin', "'ärztin'"), ('-home', "!'home'")]
PARTS = [('home', '%home%'), ('O', '%o%'), ('100%', '%100\\%%'), ('a_b', '%a\\_b%'), ('ÄRZ', '%ÄRZ%'),
         ('', '%'), ('zzz', '%zzz%'), ('\\', '%\\\\%')]
MAX_ROWS = 60000


class Column:
    """Something that an expression may name."""

    def __init__(self, text, type_name, domain=''):
        self.text = text
        self.type = type_name
        self.domain = domain


class Scope:
    """What is in FROM: its columns, those that tell its rows apart, and about
    how many rows there are."""

    def __init__(self, columns, key, rows, table=None, alias=None):
        self.columns = columns
        self.key = key
        self.rows = rows
        self.table = table
        self.alias = alias


class Queries:
    """A generator for one user in one tenant."""

    def __init__(self, rng, identity):
        self.rng = rng
        self.identity = identity
        self.aliases = 0
        self.ctes = []

    def alias(self):
        """A name that is not yet used in the statement."""
        self.aliases += 1
        return 'a%d' % self.aliases

    def chance(self, probability):
        """True with this probability."""
        return self.rng.random() < probability

    # Constants

    def constant(self, type_name):
        """A constant of a type; sometimes NULL."""
        rng = self.rng
        if self.chance(0.04):
            return Param('NULL', SQL_TYPES[type_name])
        if type_name == 'text':
            literal = quote(rng.choice(WORDS))
        elif type_name == 'int':
            literal = str(rng.choice([0, 1, 2, 3, 5, 7, 10, 20, 60, 2024]))
        elif type_name == 'uuid':
            literal = quote(self.some_id())
        elif type_name == 'ts':
            literal = quote('2024-%02d-%02d' % (rng.randint(1, 4), rng.randint(1, 28)))
        elif type_name == 'date':
            literal = quote(rng.choice(['1970-01-01', '1985-06-01', '2024-02-01', '2024-05-17']))
        elif type_name == 'bool':
            literal = rng.choice(['true', 'false'])
        elif type_name == 'jsonb':
            literal = quote(rng.choice(['{}', '{"city": "Home"}', '{"age": 12}', '{"age": null}', '[1]']))
        elif type_name == 'vec':
            literal = quote("'home':1")
        else:
            literal = '1'
        return Param(literal, SQL_TYPES[type_name])

    def some_id(self):
        """An id that tenants share, one of the tenant alone, or a tenant's."""
        rng = self.rng
        number = rng.randint(1, 60)
        if self.chance(0.15):
            return self.identity.tenant
        if self.chance(0.1):
            return '00000000-0000-7000-8000-0000000000b0'
        if number % 2:
            number += 65536 * rng.randint(1, 6)
        return '00000000-0000-7000-8000-%012x' % number

    # FROM

    def relation(self, limit=None):
        """A relation of the identity, the tables of tenants most of the time."""
        names = list(self.identity.relations.values())
        if limit is not None:
            names = [r for r in names if r.rows <= limit] or names
        tables = [r for r in names if r.is_table]
        return self.rng.choice(tables if tables and self.chance(0.7) else names)

    def base(self, limit=None):
        """A table or view with an alias."""
        relation = self.relation(limit)
        alias = self.alias()
        text = Part(relation.text, ' AS ', alias)
        if relation.name.startswith('casnet.t') and self.chance(0.05) and relation.is_table:
            text = Part(Sides('ONLY ' + relation.name, relation.text.expected), ' AS ', alias)
        columns = [Column('%s.%s' % (alias, n), t, d) for n, t, d in relation.columns]
        return text, Scope(columns, ['%s.%s' % (alias, k) for k in relation.key],
                           max(1, relation.rows), relation, alias)

    def item(self, depth, limit=None):
        """Something in FROM."""
        roll = self.rng.random()
        alias = self.alias()
        if roll < 0.06 and 'view_records' in self.identity.permissions \
                and 'view_tags' in self.identity.permissions:
            text = Part(self.tagged_query(None, call_only=True), ' AS %s (id)' % alias)
            key = alias + '.id'
            return text, Scope([Column(key, 'uuid', 'record')], [key], 300, None, alias)
        if roll < 0.12:
            rows = [Part('(', self.constant('text'), ', ', self.constant('int'), ', ',
                         self.constant('uuid'), ')') for _ in range(self.rng.randint(1, 4))]
            text = Part('(VALUES ', join(', ', rows), ') AS %s (v, n, id)' % alias)
            names = [('v', 'text', 'title'), ('n', 'int', ''), ('id', 'uuid', 'record')]
            columns = [Column('%s.%s' % (alias, n), t, d) for n, t, d in names]
            return text, Scope(columns, [c.text for c in columns], 4, None, alias)
        if roll < 0.2 and self.ctes:
            name, types, rows = self.rng.choice(self.ctes)
            return Part('%s AS %s' % (name, alias)), self.derived(alias, types, rows)
        if roll < 0.32 and depth > 0:
            query, types, rows = self.query(depth - 1, top=False)
            return Part('(', query, ') AS ', alias), self.derived(alias, types, rows)
        return self.base(limit)

    def derived(self, alias, types, rows):
        """The scope of a subquery in FROM."""
        columns = [Column('%s.c%d' % (alias, i + 1), t) for i, t in enumerate(types)]
        return Scope(columns, [c.text for c in columns], rows, None, alias)

    def distinct_values(self, domain):
        """About how many values a domain has."""
        counts = {'tenant': 1, 'kind': 3, 'user': 4, '': 4, 'tag': 15, 'time': 200, 'date': 200}
        large = max(10, self.identity.relations['casnet.role_permissions'].rows)
        records = self.identity.relations.get('casnet.records')
        if domain in ('record', 'own') and records:
            return max(large, records.rows)
        return counts.get(domain, 30)

    def join_condition(self, left, right):
        """A condition to join two scopes by, and about how many rows come out;
        None where there would be too many."""
        pairs = [(a, b) for a in left.columns for b in right.columns
                 if a.type == b.type and a.type in ('uuid', 'text', 'date', 'ts')
                 and (a.domain == b.domain or self.chance(0.05))]
        self.rng.shuffle(pairs)
        pairs.sort(key=lambda p: -self.distinct_values(p[0].domain) * self.rng.choice([1, 1, 0.01]))
        for a, b in pairs:
            rows = left.rows * right.rows // self.distinct_values(a.domain)
            if rows > MAX_ROWS:
                continue
            condition = '%s = %s' % (a.text, b.text)
            tenants = [(x, y) for x in left.columns for y in right.columns
                       if x.domain == 'tenant' and y.domain == 'tenant']
            if tenants and self.chance(0.35):
                x, y = self.rng.choice(tenants)
                condition += ' AND %s = %s' % (x.text, y.text)
            return condition, max(1, rows)
        return None, 0

    def from_clause(self, depth, limit=None, joins=None):
        """FROM with its joins."""
        text, scope = self.item(depth, limit)
        if joins is None:
            joins = self.rng.choice([0, 0, 1, 1, 1, 2])
        for _ in range(joins):
            text, scope = self.add_join(text, scope, depth)
        return text, scope

    def add_join(self, text, left, depth):
        """One more join."""
        if self.chance(0.1) and left.rows < 400 and depth > 0:
            return self.add_lateral(text, left)
        if left.table is not None and self.chance(0.08):
            alias = self.alias()    # with itself
            right_text = Part(left.table.text, ' AS ', alias)
            columns = [Column('%s.%s' % (alias, n), t, d) for n, t, d in left.table.columns]
            right = Scope(columns, ['%s.%s' % (alias, k) for k in left.table.key], left.rows,
                          left.table, alias)
        else:
            right_text, right = self.item(depth)
        both = Scope(left.columns + right.columns, left.key + right.key, 1)
        shared = self.shared_columns(left, right)
        if shared and self.chance(0.3):
            kind = self.rng.choice(['JOIN', 'LEFT JOIN', 'FULL JOIN'])
            both.rows = left.rows + right.rows
            return Part(text, ' %s ' % kind, right_text, ' USING (%s)' % ', '.join(shared)), both
        condition, both.rows = self.join_condition(left, right)
        if condition is None:
            if left.rows * right.rows > MAX_ROWS // 4:
                return text, left
            both.rows = left.rows * right.rows
            return Part(text, Part(' CROSS JOIN ', right_text, instead='')), both
        kind = self.rng.choice(['JOIN', 'JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN'])
        both.rows = max(both.rows, left.rows if kind != 'JOIN' else 1)
        on = [condition]
        if self.chance(0.3) and kind != 'FULL JOIN':
            on.append(Part(' AND ', self.predicate(both, 0), instead=''))
        return Part(text, Part(' %s ' % kind, right_text, ' ON ', *on, instead='')), both

    def shared_columns(self, left, right):
        """What two tables may be joined by with USING."""
        if left.table is None or right.table is None:
            return []
        names = [n for n, t, _ in left.table.columns
                 if t == 'uuid' and any(n == m for m, _, _ in right.table.columns)]
        if not {'record_id', 'id', 'user_id', 'tag_id'} & set(names):
            return []
        keep = [n for n in names if n != 'tenant_id']
        return [self.rng.choice(keep)] + (['tenant_id'] if 'tenant_id' in names
                                          and self.chance(0.5) else [])

    def add_lateral(self, text, left):
        """A subquery that is made for each row."""
        alias = self.alias()
        if self.chance(0.15) and 'casnet.tags' in self.identity.relations \
                and 'casnet.records' in self.identity.relations:
            names = [c.text for c in left.columns if c.type == 'text' and c.domain == 'tagname']
            if names:
                call = self.tagged_query(names[0], call_only=True)
                scope = Scope(left.columns + [Column(alias + '.id', 'uuid', 'record')],
                              left.key + [alias + '.id'], left.rows * 20)
                return Part(text, ' CROSS JOIN LATERAL ', call, ' AS %s (id)' % alias), scope
        query, types, rows = self.select(0, outer=left, limit=600000 // max(1, left.rows))
        body = [query]
        if self.chance(0.5):
            body.append(' ORDER BY %s LIMIT 2' % ', '.join(str(i + 1) for i in range(len(types))))
            rows = 2
        inner = self.derived(alias, types, rows)
        kind = self.rng.choice([' CROSS JOIN LATERAL (', ' LEFT JOIN LATERAL ('])
        end = ') AS ' + alias + (' ON true' if 'LEFT' in kind else '')
        return (Part(text, kind, *body, end),
                Scope(left.columns + inner.columns, left.key + inner.key, left.rows * min(rows, 20)))

    # Expressions

    def columns_of(self, scope, type_name):
        """The columns of a type."""
        return [c for c in scope.columns if c.type == type_name]

    def value(self, scope, type_name, depth=2):
        """An expression of a type over a scope."""
        columns = self.columns_of(scope, type_name)
        if columns and self.chance(0.5 if depth > 0 else 0.85):
            return self.rng.choice(columns).text
        if depth > 0 and self.chance(0.75):
            made = self.composed(scope, type_name, depth - 1)
            if made is not None:
                return made
        return self.constant(type_name)

    def composed(self, scope, type_name, depth):
        """An expression made of others, or None."""
        rng = self.rng

        def sub(name):
            return self.value(scope, name, depth)

        if self.chance(0.12):
            return Part('CASE WHEN ', self.predicate(scope, 0), ' THEN ', sub(type_name),
                        ' ELSE ', sub(type_name), ' END')
        if self.chance(0.08):
            return Part('coalesce(', sub(type_name), ', ', sub(type_name), ')')
        if self.chance(0.05):
            return Part('nullif(', sub(type_name), ', ', sub(type_name), ')')
        if type_name in ('text', 'int') and self.chance(0.12) and scope.rows < 3000:
            return self.scalar_subquery(scope, type_name)
        if type_name == 'text':
            return rng.choice([
                lambda: Part('upper(', sub('text'), ')'),
                lambda: Part('lower(', sub('text'), ')'),
                lambda: Part('left(', sub('text'), ', %d)' % rng.randint(0, 5)),
                lambda: Part('(', sub('text'), ' || ', sub('text'), ')'),
                lambda: Part('concat_ws(\'-\', ', sub('text'), ', ', sub('int'), ')'),
                lambda: Part('(', sub('int'), ')::text'),
                lambda: Part('(', sub('date'), ')::text'),
                lambda: Part('md5((', sub('uuid'), ')::text)'),
                lambda: Part('to_char(', sub('ts'), ", 'YYYY-MM')"),
                lambda: Part('(', sub('jsonb'), " ->> '%s')" % rng.choice(['city', 'age'])),
                lambda: Part('replace(', sub('text'), ", 'o', '0')"),
                lambda: Part('split_part(', sub('text'), ", ' ', 1)"),
                lambda: Part('jsonb_typeof(', sub('jsonb'), ')')])()
        if type_name == 'int':
            amounts = [c for c in scope.columns if c.text.endswith('.amount')]
            if amounts and self.chance(0.4):
                return '(1000 / %s)' % rng.choice(amounts).text
            details = [c for c in scope.columns if c.text.endswith(('.contact_info', '.details'))]
            if details and self.chance(0.5):
                return "(%s ->> 'age')::int" % rng.choice(details).text
            return rng.choice([
                lambda: Part('length(', sub('text'), ')'),
                lambda: Part('(', sub('int'), ' + %d)' % rng.randint(0, 9)),
                lambda: Part('(', sub('int'), ' % 7)'),
                lambda: Part('extract(year FROM ', sub('date'), ')::int'),
                lambda: Part('extract(dow FROM ', sub('ts'), ')::int'),
                lambda: Part('(', sub('bool'), ')::int'),
                lambda: Part('strpos(', sub('text'), ", 'o')"),
                lambda: Part('((', sub('ts'), ')::date - ', sub('date'), ')')])()
        if type_name == 'ts':
            return rng.choice([
                lambda: Part("date_trunc('month', ", sub('ts'), ')'),
                lambda: Part('(', sub('ts'), " + interval '36 hours')"),
                lambda: Part('greatest(', sub('ts'), ', ', sub('ts'), ')')])()
        if type_name == 'date':
            return rng.choice([
                lambda: Part('(', sub('ts'), ')::date'),
                lambda: Part('(', sub('date'), ' + %d)' % rng.randint(0, 40))])()
        if type_name == 'bool':
            return Part('(', self.predicate(scope, depth), ')')
        if type_name == 'jsonb':
            return rng.choice([
                lambda: Part("jsonb_build_object('k', ", sub('text'), ", 'n', ", sub('int'), ')'),
                lambda: Part('(', sub('jsonb'), " -> '%s')" % rng.choice(['city', 'age', 'phones'])),
                lambda: Part('to_jsonb(', sub('text'), ')')])()
        return None

    def scalar_subquery(self, scope, type_name):
        """A subquery with one row and one column."""
        text, inner = self.from_clause(0, 500000 // max(1, scope.rows), 0)
        both = Scope(inner.columns + scope.columns, [], inner.rows)
        where = self.correlation(inner, scope)
        if type_name == 'int':
            output = self.rng.choice([Part('count(*)'), Part('count(DISTINCT ', self.value(inner, 'text', 0), ')'),
                                      Part('max(', self.value(inner, 'int', 1), ')')])
        else:
            output = self.rng.choice([
                Part('max(', self.value(inner, 'text', 1), ')'),
                Part('string_agg(left(', self.value(inner, 'text', 0), ", 3), ',' ORDER BY ",
                     ', '.join(inner.key), ')')])
        return Part('(SELECT ', output, ' FROM ', text, ' WHERE ', where,
                    Part(' AND ', self.predicate(both, 0), instead=''), ')')

    def correlation(self, inner, outer):
        """A condition that ties a subquery to the query around it."""
        pairs = [(a, b) for a in inner.columns for b in outer.columns
                 if a.type == b.type and a.domain == b.domain and a.domain
                 and a.type in ('uuid', 'text')]
        if not pairs or self.chance(0.15):
            return 'true'
        a, b = self.rng.choice(pairs)
        return Part('%s = %s' % (a.text, b.text), instead='true')

    # Conditions

    def predicate(self, scope, depth=1):
        """A condition over a scope."""
        roll = self.rng.random()
        if depth > 0 and roll < 0.15:
            glue = self.rng.choice([' AND ', ' OR '])
            return Part('(', self.predicate(scope, depth - 1), glue, self.predicate(scope, depth - 1), ')')
        if depth > 0 and roll < 0.2:
            return Part('NOT (', self.predicate(scope, depth - 1), ')')
        if roll < 0.3:
            made = self.tag_predicate(scope)
            if made is not None:
                return made
        if depth > 0 and roll < 0.48 and scope.rows < 4000:
            return self.subquery_predicate(scope)
        if not scope.columns:
            return Part('(', self.constant('bool'), ')')
        return self.simple_predicate(scope)

    def simple_predicate(self, scope):
        """A condition on one column."""
        rng = self.rng
        column = rng.choice(scope.columns)
        name = column.text
        if self.chance(0.12):
            return name + rng.choice([' IS NULL', ' IS NOT NULL'])
        if column.type == 'text':
            if self.chance(0.2):
                typed, pattern = rng.choice(PARTS)
                return Sides(Part(name, ' OPERATOR(casnet.*=*) ', Param(quote(typed), 'text')),
                             "%s ILIKE %s" % (name, quote(pattern)))
            return rng.choice([
                lambda: Part(name, ' LIKE ', Param(quote(rng.choice(LIKES)), 'text')),
                lambda: Part(name, ' ILIKE ', Param(quote(rng.choice(LIKES)), 'text')),
                lambda: Part(name, rng.choice([' ~ ', ' !~* ']), Param(quote(rng.choice(REGEXES)), 'text')),
                lambda: Part(name, rng.choice([' = ', ' <> ', ' < ', ' >= ']), self.value(scope, 'text', 1)),
                lambda: Part(name, ' = ANY (', Param(text_array(rng.sample(WORDS, 3)), 'text[]'), ')'),
                lambda: Part(name, ' IN (', self.constant('text'), ', ', self.constant('text'), ')'),
                lambda: Part(name, ' IS DISTINCT FROM ', self.value(scope, 'text', 1))])()
        if column.type == 'vec':
            typed, query = rng.choice(SEARCHES)
            expected = '%s @@ %s::tsquery' % (name, quote(query))
            return rng.choice([
                lambda: Sides(Part(name, ' OPERATOR(casnet.@~) ', Param(quote(typed), 'text')), expected),
                lambda: Sides(Part(name, ' OPERATOR(casnet.@~) ', Param(quote(query), 'tsquery')), expected),
                lambda: Part(name, ' @@ ', Param(quote(query), 'tsquery'))])()
        if column.type == 'jsonb':
            return rng.choice([
                lambda: Part(name, ' @> ', Param(quote('{"city": "Home"}'), 'jsonb')),
                lambda: Part(name, " ? '%s'" % rng.choice(['age', 'city', 'none'])),
                lambda: Part('(', name, " ->> 'age')::int ", rng.choice(['<', '>=']), ' ', self.constant('int')),
                lambda: Part(name, ' = ', self.constant('jsonb')),
                lambda: Part(name, " @? '$.phones[*] ? (@ > 20)'")])()
        if column.type == 'bool':
            return rng.choice([name, 'NOT ' + name, name + ' IS NOT TRUE'])
        if column.text.endswith('.amount') and self.chance(0.5):
            return Part('100 / ', name, ' > ', self.constant('int'))
        if self.chance(0.15):
            return Part(name, ' BETWEEN ', self.constant(column.type), ' AND ', self.constant(column.type))
        if self.chance(0.1):
            return Part('(', name, ', ', self.value(scope, 'text', 0), ') = (', self.value(scope, column.type, 0),
                        ', ', self.value(scope, 'text', 0), ')')
        operators = [' = ', ' = ', ' <> '] if column.type == 'uuid' else [' = ', ' < ', ' >= ']
        return Part(name, rng.choice(operators), self.value(scope, column.type, 1))

    def subquery_predicate(self, scope):
        """EXISTS, IN, NOT IN, ANY or ALL with a subquery."""
        rng = self.rng
        text, inner = self.from_clause(0, 500000 // max(1, scope.rows), rng.choice([0, 0, 1]))
        kind = rng.choice(['EXISTS', 'EXISTS', 'IN', 'IN', 'NOT IN', 'ANY', 'ALL'])
        both = Scope(inner.columns + scope.columns, [], inner.rows)
        where = [' WHERE ', self.correlation(inner, scope) if kind == 'EXISTS' or self.chance(0.2) else 'true',
                 Part(' AND ', self.predicate(both, 0), instead='')]
        if kind == 'EXISTS':
            made = Part(rng.choice(['EXISTS (SELECT FROM ', 'NOT EXISTS (SELECT FROM ']), text, *where, ')')
            return Part(made, instead='true')
        outer = rng.choice(scope.columns)
        same = [c for c in inner.columns if c.type == outer.type and c.domain == outer.domain] \
            or self.columns_of(inner, outer.type)
        if not same:
            return self.simple_predicate(scope)
        column = rng.choice(same).text
        body = Part('(SELECT ', column, ' FROM ', text, *where, ')')
        if kind in ('IN', 'NOT IN'):
            return Part(Part(outer.text, ' %s ' % kind, body), instead='true')
        operator = rng.choice(['=', '<>', '<', '>=']) if outer.type in ('text', 'int', 'ts', 'date') else '='
        return Part(Part(outer.text, ' %s %s ' % (operator, kind), body), instead='true')

    # Tags

    def tagged_query(self, name_column, call_only=False):
        """A query of records_tagged(); as `call_only`, to stand in FROM."""
        rng = self.rng
        lists = [rng.sample(TAGS, rng.choice([0, 0, 1, 1, 2])),
                 rng.sample(TAGS, rng.choice([0, 0, 1, 2, 3])),
                 rng.sample(TAGS, rng.choice([0, 0, 1, 2]))]
        if self.chance(0.35):       # one of the three alone
            alone = rng.choice([0, 1, 2, 2])
            lists = [rng.sample(TAGS, rng.choice([1, 1, 2])) if i == alone else [] for i in range(3)]
        names = [[quote(n.strip()) for n in part] for part in lists]
        arguments = [Param(text_array(part), 'text[]') for part in lists]
        if name_column is not None:
            place = rng.randint(0, 2)
            names[place] = ['coalesce(%s, \'?\')' % name_column]
            arguments[place] = 'ARRAY[%s]' % names[place][0]
        elif not lists[0] and self.chance(0.2):
            arguments[0] = 'NULL'
        if self.chance(0.3):
            order = ['%s => ' % n for n in ('all_of', 'any_of', 'none_of')]
            arguments = [Part(n, a) for n, a in zip(order, arguments)]
            rng.shuffle(arguments)
        call = Part('casnet.records_tagged(', join(', ', arguments), ')')
        expected = world.records_tagged(self.identity, *names)
        if call_only:
            return Sides(call, '(' + expected + ')')
        if self.chance(0.7):
            return Sides(Part('SELECT ', call), expected)
        return Sides(Part('SELECT t_ FROM ', call, ' AS t_'), expected)

    def tag_predicate(self, scope):
        """x IN (SELECT casnet.records_tagged(...)), or None."""
        if not {'view_records', 'view_tags'} <= self.identity.permissions:
            return None
        ids = [c for c in scope.columns if c.type == 'uuid' and c.domain in ('record', 'own')] \
            or self.columns_of(scope, 'uuid')
        if not ids or (scope.rows > 4000 and self.chance(0.7)):
            return None
        x = self.rng.choice(ids).text
        tag_names = [c.text for c in scope.columns if c.domain == 'tagname']
        if tag_names and self.chance(0.2) and scope.rows < 300:
            query = self.tagged_query(self.rng.choice(tag_names))
        else:
            query = self.tagged_query(None)
        kind = self.rng.choice(['IN', 'IN', 'IN', 'NOT IN', '= ANY', '<> ALL'])
        if self.chance(0.1):
            x = Part('coalesce(', x, ', ', self.constant('uuid'), ')')
        return Part(Part(x, ' %s (' % kind, query, ')'), instead='true')

    def tag_test(self, x):
        """x IN (SELECT casnet.records_tagged(...)) in a place where NULL counts or not."""
        kind = self.rng.choice([' IN (', ' IN (', ' IN (', ' = ANY (', ' NOT IN ('])
        test = Part(x, kind, self.tagged_query(None), ')')
        form = self.rng.choice(['%s', '%s', '%s', '%s', '%s', '%s', 'NOT (%s)', '(%s) IS NULL', '(%s) IS NOT TRUE', '(%s) IS FALSE',
                                'CASE WHEN %s THEN true ELSE false END', 'coalesce(%s, true)',
                                '(%s) = false', '(%s OR NULL)'])
        before, after = form.split('%s')
        return Part(before, test, after)

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
            scope = Scope([Column(alias + '.id', 'uuid', 'record')], [alias + '.id'], 100, None, alias)
        for _ in range(joins):
            relation = self.identity.relations[rng.choice(['casnet.records', 'casnet.record_tags'])] \
                if self.chance(0.8) else self.relation()
            alias = self.alias()
            right = Scope([Column('%s.%s' % (alias, n), t, d) for n, t, d in relation.columns],
                          ['%s.%s' % (alias, k) for k in relation.key], max(1, relation.rows), relation, alias)
            condition, rows = self.join_condition(scope, right)
            if condition is None:
                continue
            extra = ''
            ids = [c.text for c in scope.columns + right.columns if c.type == 'uuid']
            if self.chance(0.3):
                extra = Part(' AND ', self.tag_test(rng.choice(ids)), instead='')
            kind = rng.choice([' JOIN ', ' LEFT JOIN ', ' LEFT JOIN ', ' RIGHT JOIN ', ' FULL JOIN '])
            if kind == ' FULL JOIN ':
                extra = ''
            text = Part(text, Part(kind, relation.text, ' AS ', alias, ' ON ', condition, extra, instead=''))
            scope = Scope(scope.columns + right.columns, scope.key + right.key, max(rows, scope.rows))
        ids = [c.text for c in scope.columns if c.type == 'uuid']
        records = [c.text for c in scope.columns if c.domain == 'record']
        own = [k for k in scope.key if k in records]
        tests = [self.tag_test(rng.choice(own if own and self.chance(0.5) else records or ids)) for _ in range(rng.choice([1, 1, 2]))]
        where = Part(' WHERE ', join(rng.choice([' AND ', ' OR ']), [Part(t, instead='true') for t in tests]))
        types = ['uuid', 'bool', 'uuid']
        columns = [self.output(rng.choice(ids), 'uuid', 1),
                   self.output(self.tag_test(rng.choice(ids)) if self.chance(0.4) else 'NULL', 'bool', 2),
                   self.output(rng.choice(records or ids), 'uuid', 3)]
        tail = ''
        if self.chance(0.2):
            types = ['uuid', 'int']
            columns = [self.output(records[0] if records else ids[0], 'uuid', 1), 'count(*) AS c2']
            tail = Part(' GROUP BY ', records[0] if records else ids[0],
                        Part(' HAVING ', self.tag_test(records[0] if records else ids[0]), instead=''))
        return Part('SELECT ', join(', ', columns), ' FROM ', text, where, tail), types, False

    def counts(self):
        """The numbers of rows of all relations, added up: so many policies in one statement."""
        names = self.rng.sample(list(self.identity.relations.values()), len(self.identity.relations))
        parts = []
        for relation in names[:self.rng.randint(6, len(names))]:
            columns = [Column('x.' + n, t, d) for n, t, d in relation.columns]
            where = Part(' WHERE ', self.predicate(Scope(columns, [], relation.rows), 0), instead='')
            parts.append(Part('(SELECT count(*) FROM ', relation.text, ' AS x', where, ')', instead='0'))
        return join(' + 3 * ', parts)

    def wide_statement(self):
        """A SELECT that reads nearly everything."""
        text, scope = self.base()
        columns = [self.output(self.counts(), 'int', 1), self.output(self.value(scope, 'text', 1), 'text', 2)]
        return Part('SELECT ', join(', ', columns), ' FROM ', text, self.where(scope)), ['int', 'text'], False

    # SELECT

    def where(self, scope, depth=1):
        """WHERE with some conditions, or nothing."""
        count = self.rng.choice([0, 0, 1, 1, 1, 2, 3])
        conditions = [Part('(', self.predicate(scope, depth), ')', instead='true') for _ in range(count)]
        return Part(' WHERE ', join(' AND ', conditions)) if conditions else ''

    def types(self, count=None):
        """Types for the columns of a query."""
        return [self.rng.choice(OUTPUT_TYPES) for _ in range(count or self.rng.randint(1, 4))]

    def output(self, expression, type_name, number):
        """A column of the select list."""
        return Part(Part('(', expression, ')', instead='NULL'), '::%s AS c%d' % (SQL_TYPES[type_name], number))

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
        kind = self.rng.choice(['rows', 'rows', 'rows', 'distinct', 'group', 'group', 'window', 'on'])
        if kind == 'group':
            return self.grouped(text, scope, where, types)
        if kind == 'window' and scope.rows < 20000:
            return self.windowed(text, scope, where, types)
        columns = [self.output(self.value(inside, t), t, i + 1) for i, t in enumerate(types)]
        if kind == 'on' and self.chance(0.5):
            order = ', '.join(str(i + 1) for i in range(len(types)))
            first = self.rng.randint(1, len(types))
            names = ', '.join('x.c%d' % (i + 1) for i in range(first))
            body = Part('SELECT DISTINCT ON (%s) * FROM (SELECT ' % names, join(', ', columns), ' FROM ', text,
                        where, ') AS x ORDER BY ', order)
            return Part('SELECT * FROM (', body, ') AS y'), types, max(1, scope.rows // 3)
        distinct = Part('DISTINCT ', instead='') if kind == 'distinct' else ''
        return Part('SELECT ', distinct, join(', ', columns), ' FROM ', text, where), types, scope.rows

    def aggregate(self, scope, type_name):
        """An aggregate of a type whose value does not depend on the order of rows."""
        rng = self.rng
        order = ', '.join(scope.key)
        filtered = Part(' FILTER (WHERE ', self.predicate(scope, 0), ')', instead='') if self.chance(0.25) else ''
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
                lambda: Part('left(md5(string_agg(', self.value(scope, 'text', 0), ", ',' ORDER BY ", order, ')', filtered, '), 9)'),
                lambda: Part('mode() WITHIN GROUP (ORDER BY ', self.value(scope, 'text', 0), ')'),
                lambda: Part('(array_agg(', self.value(scope, 'text', 0), ' ORDER BY ', order, ')', filtered, ')[1]')])()
            return made
        if type_name == 'uuid':
            return Part('(array_agg(', self.value(scope, 'uuid', 0), ' ORDER BY ', order, '))[1]')
        if type_name == 'bool':
            return Part('bool_or(', self.value(scope, 'bool', 1), ')', filtered)
        if type_name in ('ts', 'date'):
            return Part(rng.choice(['min(', 'max(']), self.value(scope, type_name, 1), ')', filtered)
        return Part('jsonb_build_object(\'n\', count(*), \'x\', max(', self.value(scope, 'text', 0), '))')

    def grouped(self, text, scope, where, types):
        """SELECT with GROUP BY, the first columns being those grouped by."""
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
        return Part('SELECT ', join(', ', columns), ' FROM ', text, where, group, having), types, rows

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
            Part('sum(', self.value(scope, 'int', 0), ') OVER (ORDER BY ', order, ' ROWS 2 PRECEDING)')]
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
            return Part('SELECT * FROM (', body, ') AS w WHERE %s <= 2' % number), types, scope.rows // 3 + 1
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
        records, links = (self.identity.relations[n].text for n in ('casnet.records', 'casnet.record_tags'))
        start = Part('SELECT 1 AS c1, (SELECT r.id FROM ', records, ' AS r WHERE ',
                     self.rng.choice(["r.title LIKE 'h%'", 'r.id IS NOT NULL', "r.content = ''"]),
                     ' ORDER BY r.id LIMIT 1) AS c2')
        steps = [
            Part('SELECT w.c1 + 1, y.record_id FROM ', name, ' AS w JOIN ', links, ' AS x ON x.record_id = w.c2 JOIN ',
                 links, ' AS y ON y.tag_id = x.tag_id AND y.tenant_id = x.tenant_id WHERE w.c1 < 3'),
            Part('SELECT w.c1 + 1, (SELECT r.id FROM ', records,
                 ' AS r WHERE r.id > w.c2 ORDER BY r.id LIMIT 1) FROM ', name,
                 ' AS w WHERE w.c2 IS NOT NULL AND w.c1 < 40')]
        small = self.identity.relations['casnet.records'].rows < 500
        return Part(start, ' UNION ', self.rng.choice(steps) if small else steps[1]), ['int', 'uuid'], 40

    def statement(self):
        """A whole SELECT: the parts, the types of its columns, whether it is ordered."""
        rng = self.rng
        heads = []
        recursive = False
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            name = 'q%d' % (len(self.ctes) + 1)
            if self.chance(0.15) and {'casnet.records', 'casnet.record_tags'} <= set(self.identity.relations):
                body, types, rows = self.recursive(name)
                heads.append(Part(name, ' (c1, c2) AS (', body, ')'))
                recursive = True
            else:
                body, types, rows = self.query(1, top=False)
                heads.append(Part(name, rng.choice([' AS (', ' AS MATERIALIZED (', ' AS NOT MATERIALIZED (']),
                                  body, ')'))
            self.ctes.append((name, types, rows))
        body, types, _ = self.query(2)
        if heads:
            start = 'WITH RECURSIVE ' if recursive else 'WITH '
            body = Part(Part(start, join(', ', heads), ' ', instead=''), body)
        return body, types, self.ordered


def locking_statement(rng, identity):
    """SELECT ... FOR UPDATE or SHARE: the parts, types, not ordered."""
    maker = Queries(rng, identity)
    name = rng.choice([n for n, p in (('casnet.records', 'edit_records'), ('casnet.tasks', 'edit_tasks'),
                                      ('casnet.tags', 'edit_tags')) if p in identity.permissions])
    relation = identity.relations[name]
    columns = [Column('a.' + n, t, d) for n, t, d in relation.columns]
    scope = Scope(columns, ['a.id'], relation.rows, relation, 'a')
    where = maker.where(scope)
    mode = rng.choice(['UPDATE', 'NO KEY UPDATE', 'SHARE', 'KEY SHARE'])
    text = Part('SELECT a.id AS c1, a.tenant_id AS c2 FROM ', relation.text, ' AS a', where, ' FOR ' + mode)
    return text, ['uuid', 'uuid'], False
