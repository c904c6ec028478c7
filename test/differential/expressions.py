"""Makes expressions and conditions over what is in FROM."""

import world
from parts import Param, Part, Sides, join, quote, text_array
from sources import WORDS, Scope, Sources

TAGS = ['urgent', 'closed', 'school', 'police', 'home', 'court', "O'Neil", '100%', 'Ärztin',
        'tag 12', 'no such tag', ' urgent ']
LIKES = ['%o%', 'h%', '%t', '_o%', '%', 'x%', '%a\\_b%', '%100\\%%', '%ärz%', 'School%', '']
REGEXES = ['^[a-m]', 'o+', '(home|court)', 't$', '[[:upper:]]', '\\d+', '^$', 'a.b']
SEARCHES = [('home', "'home'"), ('home visit', "'home' & 'visit'"),
            ('court or school', "'court' | 'school'"),
            ('home -court', "'home' & !'court'"), ('vis*', "'vis':*"),
            ('"home visit"', "'home' <-> 'visit'"),
            ('zzz', "'zzz'"), ('ärztin', "'ärztin'"), ('-home', "!'home'")]
PARTS = [('home', '%home%'), ('O', '%o%'), ('100%', '%100\\%%'), ('a_b', '%a\\_b%'),
         ('ÄRZ', '%ÄRZ%'),
         ('', '%'), ('zzz', '%zzz%'), ('\\', '%\\\\%')]


class Expressions(Sources):
    """Makes values and conditions; those about tags have different texts for the user and the expected version."""

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
                lambda: Part('(', sub('jsonb'),
                             " -> '%s')" % rng.choice(['city', 'age', 'phones'])),
                lambda: Part('to_jsonb(', sub('text'), ')')])()
        return None

    def scalar_subquery(self, scope, type_name):
        """A subquery with one row and one column."""
        text, inner = self.from_clause(0, 500000 // max(1, scope.rows), 0)
        both = Scope(inner.columns + scope.columns, [], inner.rows)
        where = self.correlation(inner, scope)
        if type_name == 'int':
            output = self.rng.choice([Part('count(*)'),
                                      Part('count(DISTINCT ', self.value(inner, 'text', 0), ')'),
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
            return Part('(', self.predicate(scope, depth - 1), glue,
                        self.predicate(scope, depth - 1), ')')
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
                lambda: Part(name, rng.choice([' ~ ', ' !~* ']),
                             Param(quote(rng.choice(REGEXES)), 'text')),
                lambda: Part(name, rng.choice([' = ', ' <> ', ' < ', ' >= ']),
                             self.value(scope, 'text', 1)),
                lambda: Part(name, ' = ANY (', Param(text_array(rng.sample(WORDS, 3)), 'text[]'),
                             ')'),
                lambda: Part(name, ' IN (', self.constant('text'), ', ', self.constant('text'),
                             ')'),
                lambda: Part(name, ' IS DISTINCT FROM ', self.value(scope, 'text', 1))])()
        if column.type == 'vec':
            typed, query = rng.choice(SEARCHES)
            expected = '%s @@ %s::tsquery' % (name, quote(query))
            return rng.choice([
                lambda: Sides(Part(name, ' OPERATOR(casnet.@~) ', Param(quote(typed), 'text')),
                              expected),
                lambda: Sides(Part(name, ' OPERATOR(casnet.@~) ', Param(quote(query), 'tsquery')),
                              expected),
                lambda: Part(name, ' @@ ', Param(quote(query), 'tsquery'))])()
        if column.type == 'jsonb':
            return rng.choice([
                lambda: Part(name, ' @> ', Param(quote('{"city": "Home"}'), 'jsonb')),
                lambda: Part(name, " ? '%s'" % rng.choice(['age', 'city', 'none'])),
                lambda: Part('(', name, " ->> 'age')::int ", rng.choice(['<', '>=']), ' ',
                             self.constant('int')),
                lambda: Part(name, ' = ', self.constant('jsonb')),
                lambda: Part(name, " @? '$.phones[*] ? (@ > 20)'")])()
        if column.type == 'bool':
            return rng.choice([name, 'NOT ' + name, name + ' IS NOT TRUE'])
        if column.text.endswith('.amount') and self.chance(0.5):
            return Part('100 / ', name, ' > ', self.constant('int'))
        if self.chance(0.15):
            return Part(name, ' BETWEEN ', self.constant(column.type), ' AND ',
                        self.constant(column.type))
        if self.chance(0.1):
            return Part('(', name, ', ', self.value(scope, 'text', 0), ') = (',
                        self.value(scope, column.type, 0),
                        ', ', self.value(scope, 'text', 0), ')')
        operators = [' = ', ' = ', ' <> '] if column.type == 'uuid' else [' = ', ' < ', ' >= ']
        return Part(name, rng.choice(operators), self.value(scope, column.type, 1))

    def subquery_predicate(self, scope):
        """EXISTS, IN, NOT IN, ANY or ALL with a subquery."""
        rng = self.rng
        text, inner = self.from_clause(0, 500000 // max(1, scope.rows), rng.choice([0, 0, 1]))
        kind = rng.choice(['EXISTS', 'EXISTS', 'IN', 'IN', 'NOT IN', 'ANY', 'ALL'])
        both = Scope(inner.columns + scope.columns, [], inner.rows)
        tied = kind == 'EXISTS' or self.chance(0.2)
        where = [' WHERE ', self.correlation(inner, scope) if tied else 'true',
                 Part(' AND ', self.predicate(both, 0), instead='')]
        if kind == 'EXISTS':
            made = Part(rng.choice(['EXISTS (SELECT FROM ', 'NOT EXISTS (SELECT FROM ']), text,
                        *where, ')')
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
        operator = rng.choice(['=', '<>', '<', '>=']) if outer.type in ('text', 'int', 'ts',
                                                                        'date') else '='
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
            lists = [rng.sample(TAGS, rng.choice([1, 1,
                                                  2])) if i == alone else [] for i in range(3)]
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
        form = self.rng.choice(['%s', '%s', '%s', '%s', '%s', '%s', 'NOT (%s)', '(%s) IS NULL',
                                '(%s) IS NOT TRUE', '(%s) IS FALSE',
                                'CASE WHEN %s THEN true ELSE false END', 'coalesce(%s, true)',
                                '(%s) = false', '(%s OR NULL)'])
        before, after = form.split('%s')
        return Part(before, test, after)
