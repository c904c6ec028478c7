"""What queries read FROM: tables, views, subqueries and their joins; constants."""

from parts import Param, Part, Sides, join, quote

SQL_TYPES = {'text': 'text', 'int': 'bigint', 'uuid': 'uuid', 'ts': 'timestamptz',
             'date': 'date', 'bool': 'boolean', 'jsonb': 'jsonb', 'vec': 'tsvector',
             'num': 'numeric'}
WORDS = ['home', 'school', 'Parent', 'Ärztin', 'urgent', 'x', '', 'a_b', '100%', 'PENDING', 'HIGH',
         'Owner', 'MALE', 'visit court', 'owner_small', 'police', "O'Neil", 'zzz']
MAX_ROWS = 60000


class Column:
    """A column that an expression can name."""

    def __init__(self, text, type_name, domain=''):
        self.text = text
        self.type = type_name
        self.domain = domain


class Scope:
    """What is in FROM: its columns, those that identify its rows, and the approximate
    number of rows."""

    def __init__(self, columns, key, rows, table=None, alias=None):
        self.columns = columns
        self.key = key
        self.rows = rows
        self.table = table
        self.alias = alias


class Sources:
    """Makes constants and FROM, for one user in one tenant."""

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
            literal = quote(rng.choice(['{}', '{"city": "Home"}', '{"age": 12}', '{"age": null}',
                                        '[1]']))
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
        """The approximate number of values of a domain."""
        counts = {'tenant': 1, 'kind': 3, 'user': 4, '': 4, 'tag': 15, 'time': 200, 'date': 200}
        large = max(10, self.identity.relations['casnet.role_permissions'].rows)
        records = self.identity.relations.get('casnet.records')
        if domain in ('record', 'own') and records:
            return max(large, records.rows)
        return counts.get(domain, 30)

    def join_condition(self, left, right):
        """A condition to join two scopes by, and the approximate number of rows that result;
        None if there are too many."""
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
        kind = self.rng.choice(['JOIN', 'JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN',
                                'FULL JOIN'])
        both.rows = max(both.rows, left.rows if kind != 'JOIN' else 1)
        on = [condition]
        if self.chance(0.3) and kind != 'FULL JOIN':
            on.append(Part(' AND ', self.predicate(both, 0), instead=''))
        return Part(text, Part(' %s ' % kind, right_text, ' ON ', *on, instead='')), both

    def shared_columns(self, left, right):
        """The columns by which USING can join two tables."""
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
                Scope(left.columns + inner.columns, left.key + inner.key,
                      left.rows * min(rows, 20)))
