"""Random statements that write, with an outcome that does not depend on the plan, and
the contents of all tables after them."""

from parts import Param, Part, Sides, expected_text, join, quote, user_text
from queries import Queries
from sources import Column, Scope

# Tables whose rows, of all tenants, are compared after each statement.
WATCHED = ['casnet.records', 'casnet.persons', 'casnet.record_persons', 'casnet.tags',
           'casnet.record_tags', 'casnet.tasks', 'casnet.calendar_events', 'differential.invoices', 'differential.notes', 'casnet.users',
           'casnet.tenants', 'casnet.user_tenants', 'casnet.user_tenant_permissions']

# Tables of links, which follow the permissions on records, and the rest of their keys.
LINKS = {'casnet.record_persons': 'person_id', 'casnet.record_tags': 'tag_id'}

KEYS = {'casnet.record_persons': ['record_id', 'person_id'],
        'casnet.record_tags': ['record_id', 'tag_id'],
        'casnet.user_tenants': ['user_id', 'tenant_id'],
        'casnet.user_tenant_permissions': ['user_id', 'tenant_id']}

# table: (permissions by what they allow, columns that are written, with their types)
TARGETS = {
    'casnet.records': ('records', [('title', 'text'), ('content', 'text')]),
    'casnet.persons': ('persons', [('gender', 'gender'), ('date_of_birth', 'date'),
                                   ('contact_info', 'object')]),
    'casnet.tags': ('tags', [('name', 'unique')]),
    'casnet.record_persons': ('', [('relation', 'relation')]),
    'casnet.record_tags': ('', [('tag_id', 'tag')]),
    'casnet.tasks': ('tasks', [('description', 'text'), ('status', 'status'),
                               ('record_id', 'record')]),
    'casnet.calendar_events': ('calendar', [('location', 'text'), ('record_id', 'record')]),
    'differential.invoices': ('invoices', [('amount', 'int'), ('note', 'text'),
                                           ('record_id', 'record')]),
    'differential.notes': ('letters', [('body', 'body'), ('details', 'jsonb')]),
}


class Writes:
    """A generator for one user in one tenant."""

    def __init__(self, rng, identity):
        self.rng = rng
        self.identity = identity
        self.maker = Queries(rng, identity)

    def may(self, verb, table):
        """Whether the user is allowed to do that to rows of the table."""
        resource = TARGETS[table][0]
        if table in LINKS:
            return 'edit_records' in self.identity.permissions
        return '%s_%s' % (verb, resource) in self.identity.permissions

    def target(self, verb):
        """A table that the user may write to, and the scope of its rows as t."""
        tables = [t for t in TARGETS if self.may(verb, t)]
        if not tables:
            return None, None
        table = self.rng.choice(tables)
        relation = self.identity.relations[table]
        columns = [Column('t.' + n, t, d) for n, t, d in relation.columns if t != 'vec']
        return table, Scope(columns, ['t.' + k for k in relation.key], max(1, relation.rows),
                            relation, 't')

    def mine(self, word, alias='t'):
        """A condition of the expected version: the row is of the tenant."""
        return Sides('', " %s %s.tenant_id = '%s'" % (word, alias, self.identity.tenant))

    def new_value(self, kind, scope):
        """An expression for a column of the target, over its rows alone."""
        rng = self.rng
        if kind == 'unique':
            return "t.name || '~'"
        if kind == 'body':
            return "coalesce(nullif(%s, ''), 'x')" % rng.choice(['t.body', 'upper(t.body)'])
        if kind == 'relation':
            return rng.choice(["'witness'", 'upper(t.relation)'])
        if kind in ('record', 'tag', 'person'):
            if kind == 'record' and self.maker.chance(0.3):
                return 'NULL'
            table = 'casnet.%ss' % kind
            return Part('(SELECT i.id FROM ', self.identity.relations[table].text,
                        ' AS i ORDER BY i.id LIMIT 1 OFFSET %d)' % rng.randint(0, 2))
        if kind == 'gender':
            return rng.choice(["'OTHER'", 'NULL',
                               "CASE t.gender WHEN 'MALE' THEN 'FEMALE' ELSE 'MALE' END"])
        if kind == 'object':
            return Part('t.contact_info || ', Param(quote('{"seen": true}'), 'jsonb'))
        if kind == 'status':
            return rng.choice(["'PENDING'", "'COMPLETED'", "'CANCELLED'"])
        if kind == 'text':
            return Part('coalesce(', self.maker.value(scope, 'text', 1), ", '-')")
        return self.maker.value(scope, kind, 1)

    def returning(self, table, alias=True):
        """RETURNING columns that do not depend on the clock."""
        prefix = 't.' if alias else ''
        names = [prefix + k for k in self.identity.relations[table].key]
        names += [prefix + n for n, _ in TARGETS[table][1]]
        extra = ''
        if self.maker.chance(0.2) and 'view_records' in self.identity.permissions:
            extra = Part(', (SELECT count(*) FROM ',
                         self.identity.relations['casnet.records'].text, ' AS c_)')
        return Part(' RETURNING ', ', '.join(names), extra)

    def set_clause(self, table, scope):
        """SET with one or two columns."""
        kinds = TARGETS[table][1]
        chosen = self.rng.sample(kinds, self.rng.randint(1, min(2, len(kinds))))
        return Part('SET ', join(', ', [Part(n + ' = ', self.new_value(k, scope)) for n,
                                        k in chosen]))

    def update(self):
        """UPDATE, perhaps FROM other tables."""
        table, scope = self.target('edit')
        values = self.set_clause(table, scope)
        if table == 'casnet.record_tags':
            # The first tag for links that lack it, one link of each record: no key twice.
            return Part('UPDATE casnet.record_tags AS t SET created_at = t.created_at + interval \'1 day\' WHERE (',
                        self.maker.predicate(scope), ')', self.mine('AND'), self.returning(table))
        text = [Part('UPDATE ', table, ' AS t ', values)]
        inside = scope
        condition = 'true'
        if self.maker.chance(0.4):
            source, other = self.maker.from_clause(0, joins=0)
            found, _ = self.maker.join_condition(scope, other)
            if found:
                text.append(Part(' FROM ', source))
                condition = found
                inside = Scope(scope.columns + other.columns, [], scope.rows)
        if self.maker.chance(0.15) and condition == 'true':
            return Part(*text, self.mine('WHERE'))     # all rows, no column read
        if self.maker.chance(0.05):
            return Part(*text, ' WHERE ', condition, ' AND ', self.maker.counts(), ' % 2 = 0',
                        self.mine('AND'),
                        self.returning(table))
        return Part(*text, ' WHERE ', condition, ' AND (', self.maker.predicate(inside), ')',
                    self.mine('AND'), self.returning(table))

    def delete(self):
        """DELETE, perhaps USING other tables."""
        table, scope = self.target('delete')
        using, condition, inside = '', 'true', scope
        if self.maker.chance(0.3):
            source, other = self.maker.from_clause(0, joins=0)
            found, _ = self.maker.join_condition(scope, other)
            if found:
                using, condition = Part(' USING ', source), found
                inside = Scope(scope.columns + other.columns, [], scope.rows)
        if self.maker.chance(0.15) and not using:
            return Part('DELETE FROM ', table, ' AS t', self.mine('WHERE'))
        return Part('DELETE FROM ', table, ' AS t', using, ' WHERE ', condition, ' AND (',
                    self.maker.predicate(inside), ')', self.mine('AND'), self.returning(table))

    def insert(self):
        """INSERT ... SELECT, perhaps ON CONFLICT; ids are those of the source or made from them."""
        table, _ = self.target('create')
        source, scope = self.maker.base()
        while 'uuid' not in [c.type for c in scope.columns] or len(scope.key) != 1 or not scope.key[0].endswith('id'):
            source, scope = self.maker.base()
        key = scope.key[0]
        new_id = self.rng.choice([key, "md5(%s::text || 'new')::uuid" % key])
        text = self.maker.value(scope, 'text', 1)
        columns = {
            'casnet.records': [('id', new_id), ('title', Part('coalesce(', text, ", '')"))],
            'casnet.persons': [('id', new_id),
                               ('name', Part("'p' || left(coalesce(", text, ", 'x'), 90)"))],
            'casnet.tags': [('id', new_id), ('name', Part("left('t' || md5(%s::text), 9)" % key))],
            'casnet.tasks': [('id', new_id), ('title', Part('coalesce(', text, ", '')")),
                             ('record_id', self.new_value('record', scope))],
            'casnet.calendar_events': [('id', new_id), ('title', Part('coalesce(', text, ", '')")),
                                       ('starts_at', "'2024-05-05'::timestamptz")],
            'differential.invoices': [('id', new_id), ('billed', "'2024-05-05'::date"),
                                      ('note', text)],
            'differential.notes': [('id', new_id), ('body', Part('coalesce(', text, ", '')")),
                                   ('written', "'2024-05-05'::timestamptz")],
            'casnet.record_persons': [('record_id', self.new_value('record', scope)),
                                      ('person_id', self.new_value('person', scope))],
            'casnet.record_tags': [('record_id', self.new_value('record', scope)),
                                   ('tag_id', self.new_value('tag', scope))],
        }[table]
        tenant = quote(self.identity.tenant) + '::uuid'
        names = Part('(', Sides('', 'tenant_id, '), ', '.join(n for n, _ in columns), ')')
        values = Part(Sides('', tenant + ', '), join(', ', [v for _, v in columns]))
        conflict = ' ON CONFLICT DO NOTHING'
        if table not in LINKS and self.may('edit', table):
            update = ' ON CONFLICT (tenant_id, id) DO UPDATE SET %s = excluded.%s' % (columns[1][0], columns[1][0])
            conflict = self.rng.choice([conflict, update, update + ' WHERE t.id <> excluded.id',
                                        ''])
        elif table in LINKS and self.maker.chance(0.3):
            conflict = ''
        return Part('INSERT INTO ', table, ' AS t ', names, ' SELECT ', values, ' FROM ', source,
                    ' WHERE (',
                    self.maker.predicate(scope), ')', conflict, self.returning(table))

    def merge(self):
        """MERGE; a row of the source for each id."""
        table, scope = self.target('delete')
        while table in LINKS:
            table, scope = self.target('delete')
        source, other = self.maker.base()
        while len(other.key) != 1 or not other.key[0].endswith('id'):
            source, other = self.maker.base()
        key = other.key[0]
        new_id = self.rng.choice([key, "md5(%s::text || 'new')::uuid" % key])
        using = Part('(SELECT ', self.rng.choice([key, new_id]), ' AS id, left(coalesce(',
                     self.maker.value(other, 'text', 1), ", 'x'), 50) AS v FROM ", source,
                     ' WHERE (',
                     self.maker.predicate(other), '))')
        actions = []
        for _ in range(self.rng.randint(1, 2)):
            when = Part(' WHEN MATCHED AND (', self.maker.simple_predicate(scope), ') THEN ')
            what = self.rng.choice([Part('UPDATE ', self.set_clause(table, scope)), Part('DELETE'),
                                    Part('DO NOTHING')])
            actions.append(Part(when, what))
        if self.maker.chance(0.6):
            extra = {'casnet.records': ('title', "'m' || s.v"),
                     'casnet.persons': ('name', "'m' || s.v"),
                     'casnet.tags': ('name', "left(md5(s.id::text), 12)"),
                     'casnet.tasks': ('title', 's.v'),
                     'casnet.calendar_events': ('title, starts_at',
                                                "s.v, '2024-05-05'::timestamptz"),
                     'differential.invoices': ('note, billed', "s.v, '2024-05-05'::date"),
                     'differential.notes': ('body, written',
                                            "s.v, '2024-05-05'::timestamptz")}[table]
            actions.append(Part(' WHEN NOT MATCHED THEN INSERT (', Sides('', 'tenant_id, '),
                                'id, %s) VALUES (' % extra[0],
                                Sides('', quote(self.identity.tenant) + ', '),
                                's.id, %s)' % extra[1]))
        return Part('MERGE INTO ', table, ' AS t USING ', using, ' AS s ON t.id = s.id',
                    self.mine('AND'), *actions)

    def in_cte(self, inner):
        """A statement with RETURNING below a query that looks at the same tables."""
        records = self.identity.relations['casnet.records'].text
        return Part('WITH d AS (', inner,
                    ') SELECT (SELECT count(*) FROM d), (SELECT count(*) FROM ', records,
                    ' AS r WHERE r.id IN (SELECT d.id FROM d))')

    def account(self):
        """What users may change of themselves and of their tenant."""
        if 'manage_tenant' in self.identity.permissions and self.maker.chance(0.5):
            return Part("UPDATE casnet.tenants AS t SET description = coalesce(description, '') || '!' WHERE ",
                        self.rng.choice(['true', "t.name <> 'x'", 't.description IS NULL']),
                        Sides('', " AND t.id = '%s'" % self.identity.tenant),
                        ' RETURNING t.id, t.description')
        return Part("UPDATE casnet.users AS t SET full_name = upper(full_name) WHERE ",
                    self.rng.choice(['true', 't.is_active', "t.username LIKE '%o%'"]),
                    Sides('', " AND t.id = '%s'" % self.identity.user),
                    ' RETURNING t.id, t.full_name')

    def statement(self):
        """One statement."""
        kinds = [self.update, self.update, self.insert]
        if 'delete_records' in self.identity.permissions:
            kinds += [self.delete, self.merge, self.delete]
        if self.maker.chance(0.05):
            return self.account()
        kind = self.rng.choice(kinds)
        made = kind()
        last = made.parts[-1]
        if kind == self.delete and isinstance(last, Part) and self.maker.chance(0.15) \
                and 't.id' in str(last.parts[1]):
            return self.in_cte(made)
        return made


class Writer:
    """Two connections of the superuser; one becomes the user for the statement."""

    watched = WATCHED

    def __init__(self, connect, timeout):
        options = '-c statement_timeout=%d' % timeout
        self.as_user = connect('postgres', options)
        self.plain = connect('postgres', options)

    def summed(self, cursor):
        """The condition on rows that are summed as a whole: the transaction wrote them."""
        cursor.execute('SELECT pg_current_xact_id()')
        return 'xmin::text::bigint >= ' + cursor.fetchone()[0]

    def contents(self, cursor):
        """For each table and tenant: the number of rows, a sum over their ids, and a sum
        over the rows as a whole, but without columns set by the clock."""
        summed = self.summed(cursor)
        found = []
        for table in self.watched:
            tenant = {'casnet.users': 'id', 'casnet.tenants': 'id'}.get(table, 'tenant_id')
            keys = KEYS.get(table, ['id'])
            ids = ' # '.join('uuid_hash_extended(%s, %d)' % (k, i) for i, k in enumerate(keys))
            cursor.execute(
                "SELECT %s::text, count(*), sum(%s), sum(CASE WHEN %s THEN hashtextextended("
                "(to_jsonb(x) - '{created_at,updated_at,completed_at,search_vector}'::text[])::text, 0) END)"
                " FROM %s AS x GROUP BY 1 ORDER BY 1" % (tenant, ids, summed, table))
            found.append(cursor.fetchall())
        return found

    def run(self, connection, before, text):
        """Rows returned, number of rows, contents afterwards; rolled back."""
        cursor = connection.cursor()
        try:
            if before:
                cursor.execute(before)
            cursor.execute(text)
            rows = cursor.fetchall() if cursor.description else []
            count = cursor.rowcount
            if before:
                cursor.execute('RESET SESSION AUTHORIZATION')
            return [rows, count, self.contents(cursor)]
        finally:
            connection.rollback()

    def run_user(self, query, identity, settings, dropped=frozenset()):
        """As the user, under the policies."""
        return self.run(self.as_user,
                        "SET LOCAL SESSION AUTHORIZATION differential_app; " + settings +
                        identity.settings(), user_text(query, dropped))

    def run_expected(self, query, dropped=frozenset(), fenced=False):
        """As the superuser, with constants."""
        return self.run(self.plain, '', expected_text(query, dropped, fenced))
