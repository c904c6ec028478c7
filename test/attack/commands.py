"""Every command on a relation, as statements with the expected outcome.

In the statements {t} is the relation, {s} all readable columns of a row of its alias t.
{hidden} is the condition that t is a certain row of a tenant that the actor has nothing
to do with; {absent} is the same for a row that does not exist.
"""

READ, WRITE, PAIR, DDL = 'read', 'write', 'pair', 'ddl'


class Command:
    """Statements, the permissions they take, and how the last one ends.

    rows: 'visible' all rows that one may see; 'count' one value, their number;
    'none' no row or zero; 'told' a function was called for no more rows than may
    be seen; a number; None: any number.  ends: the SQLSTATE if all
    is permitted.  prime: statements by another identity before the attack."""

    def __init__(self, name, kind, statements, takes=('view',), rows=None, ends='00000',
                 prime=(), quick=False, copy=None, fixed=None):
        self.name = name
        self.kind = kind
        self.statements = [statements] if isinstance(statements, str) else list(statements)
        self.takes = takes
        self.rows = rows
        self.ends = ends
        self.prime = prime
        self.quick = quick
        self.copy = copy            # what COPY FROM STDIN is given
        self.fixed = fixed          # the SQLSTATE for everybody


def read(name, statements, rows='visible', **more):
    """A command that reads, and takes the permission to view."""
    return Command(name, READ, statements, rows=rows, **more)


def reading(entry):
    """Queries, each with a function that reveals the rows it is given."""
    found = []
    add = found.append
    add(read('select', 'SELECT {s} FROM {t} AS t WHERE attack.leak({s})', quick=True))
    add(read('select plain', 'SELECT {s} FROM {t} AS t', quick=True))
    add(read('select count', 'SELECT count(*) FROM {t} AS t', 'count', quick=True))
    add(read('select constant', 'SELECT 1 FROM {t} AS t'))
    add(read('select exists', 'SELECT count(*) WHERE EXISTS (SELECT FROM {t} AS t WHERE {hidden})',
             'none' if not entry.rows else None))
    add(read('select hidden', 'SELECT {s} FROM {t} AS t WHERE {hidden} AND attack.leak({s})',
             'hidden', quick=True))
    add(read('select other tenants', 'SELECT count(*) FROM {t} AS t WHERE {s} LIKE '
             "'%canary-' || '{h}-%' OR {s} LIKE '%canary-' || 'c-%'",
             'none' if entry.moves == 'tenant_id' else None))
    add(read('select join', 'SELECT count(*) FROM {t} AS t JOIN attack.loot AS l'
             ' ON attack.leak({s})', 'none'))
    add(read('select left join', 'SELECT {s} FROM attack.bait AS b JOIN {t} AS t ON attack.leak({s})'
             ' WHERE b.code = 1 AND b.letter = \'e\' AND b.id::text LIKE \'%1\''))
    add(read('select self join', 'SELECT a.n FROM (SELECT {s} AS n FROM {t} AS t) AS a JOIN'
             ' (SELECT {s} AS n FROM {t} AS t) AS b ON attack.leak(a.n) AND a.n = b.n'))
    add(read('select filter', 'SELECT count(*) FILTER (WHERE attack.leak({s})) FROM {t} AS t', 'count'))
    add(read('select order', 'SELECT {s} FROM {t} AS t ORDER BY attack.leak_text({s})'))
    add(read('select group', 'SELECT count(*) FROM {t} AS t GROUP BY attack.leak_text({s})'))
    add(read('select having', 'SELECT {s} FROM {t} AS t GROUP BY 1 HAVING attack.leak(min({s}))'))
    add(read('select window', 'SELECT row_number() OVER (ORDER BY attack.leak_text({s})) FROM {t} AS t'))
    add(read('select distinct', 'SELECT DISTINCT attack.leak_text({s}) FROM {t} AS t'))
    add(read('select aggregate', 'SELECT attack.leak_count({s}) FROM {t} AS t', 'count'))
    add(read('select array', 'SELECT cardinality(array_agg(attack.leak_text({s}))) FROM {t} AS t', None))
    add(read('select json', 'SELECT json_agg({s}) FROM {t} AS t', None))
    add(read('select union', 'SELECT {s} FROM {t} AS t UNION SELECT {s} FROM {t} AS t'))
    add(read('select except', 'SELECT {s} FROM {t} AS t EXCEPT SELECT line FROM attack.loot'))
    add(read('select lateral', 'SELECT l.x FROM {t} AS t, LATERAL (SELECT attack.leak_text({s})) AS l (x)'))
    add(read('select case', "SELECT {s} FROM {t} AS t WHERE CASE WHEN {s} LIKE '%{h}{h}{h}{h}{h}%'"
             " OR {s} LIKE '%canary-' || 'c-%' THEN attack.tell() ELSE true END",
             None if entry.rows else 'visible'))
    add(read('select division', "SELECT {s} FROM {t} AS t WHERE 1 / CASE WHEN {s} LIKE '%cccccccc%'"
             " THEN 0 ELSE 1 END = 1"))
    add(read('select cast', 'SELECT {s}::integer FROM {t} AS t', None, ends='22P02 if rows'))
    add(read('select where cast', 'SELECT FROM {t} AS t WHERE {s}::integer = 1', None,
             ends='22P02 if rows'))
    add(read('select domain', 'SELECT {s}::attack.nosy FROM {t} AS t'))
    if entry.code:
        add(read('select own type', 'SELECT t.{k}::attack.box FROM {t} AS t'))
    add(read('select operator', ['SET LOCAL search_path = attack, pg_catalog',
                                 "SELECT {s} FROM {t} AS t WHERE {s} ~~ 'x'"]))
    add(read('select equality', ['SET LOCAL search_path = attack, pg_catalog',
                                 'SELECT {s} FROM {t} AS t JOIN attack.bait AS b'
                                 ' ON t.{k}::text = b.id::text AND leak({s})'], None))
    add(read('select path', ['SET LOCAL search_path = attack, pg_temp, pg_catalog, casnet',
                             'SELECT {s} FROM {t} AS t']))
    add(read('select limit', 'SELECT {s} FROM {t} AS t WHERE attack.leak({s}) LIMIT 1', None))
    add(read('select subquery', 'SELECT count(*) FROM (SELECT {s} AS n FROM {t} AS t OFFSET 0) AS x'
             ' WHERE attack.leak(x.n)', 'count'))
    add(read('select in', 'SELECT {s} FROM {t} AS t WHERE {s} IN (SELECT {s} FROM {t} AS t)'))
    add(read('select not in', 'SELECT {s} FROM {t} AS t WHERE {s} NOT IN (SELECT line FROM attack.loot)'))
    add(read('select recursive', 'WITH RECURSIVE x (n, d) AS (SELECT {s}, 1 FROM {t} AS t UNION ALL '
             'SELECT {s}, d + 1 FROM {t} AS t JOIN x ON d < 2 AND attack.leak(x.n) AND {s} = x.n)'
             ' SELECT n FROM x WHERE d = 2'))
    add(read('select materialized', 'WITH x AS MATERIALIZED (SELECT {s} AS n FROM {t} AS t)'
             ' SELECT n FROM x WHERE attack.leak(n)'))
    add(read('table command', 'TABLE {t}' if entry.shown == 't::text' else 'SELECT {s} FROM {t} AS t'))
    if entry.kind == 'table' and entry.shown != 't::text':
        for name in 'ctid', 'xmin', 'tableoid':
            found.append(Command('select ' + name, READ, 'SELECT %s FROM {t} AS t' % name,
                                 takes=('view', 'system')))
    elif entry.kind == 'table':
        add(read('select system columns', 'SELECT tableoid::regclass, xmin, cmin, ctid, {s}'
                 ' FROM {t} AS t WHERE attack.leak({s})'))
        add(read('select tablesample', 'SELECT {s} FROM {t} AS t TABLESAMPLE BERNOULLI (100)'
                 ' WHERE attack.leak({s})'))
        add(read('select tablesample system', 'SELECT {s} FROM {t} AS t TABLESAMPLE SYSTEM (100)'
                 ' WHERE attack.leak({s})'))
        add(read('select ctid', "SELECT {s} FROM {t} AS t WHERE ctid = ANY (ARRAY(SELECT"
                 " format('(%s,%s)', b, n)::tid FROM generate_series(0, 3) AS b,"
                 " generate_series(1, 200) AS n)) AND attack.leak({s})"))
        add(read('select ctid range', "SELECT {s} FROM {t} AS t WHERE ctid >= '(0,1)' AND ctid < '(9,1)'"
                 ' AND attack.leak({s})'))
        add(read('select only', 'SELECT {s} FROM ONLY {t} AS t WHERE attack.leak({s})'))
    if entry.name == 'records':     # slow, and the same for every relation
        add(read('select compiled', ['SET LOCAL jit = on', 'SET LOCAL jit_above_cost = 0',
                                     'SELECT {s} FROM {t} AS t WHERE attack.leak({s})']))
    if entry.name == 'users':
        found.append(Command('select hash', READ, 'SELECT hash FROM casnet_internal.password_hashes AS t',
                             fixed='42501', quick=True))
        found.append(Command('select by hash', READ, 'SELECT id FROM casnet_internal.password_hashes AS t WHERE'
                             " attack.leak(t.hash)", fixed='42501'))
        add(read('select whole', 'SELECT t FROM {t} AS t', rows=None))
    for setting in ('enable_seqscan = off', 'enable_indexscan = off, enable_bitmapscan = off',
                    'enable_nestloop = off', 'enable_hashjoin = off, enable_mergejoin = off',
                    'enable_material = off, enable_memoize = off', 'geqo_threshold = 2',
                    'from_collapse_limit = 1, join_collapse_limit = 1', 'work_mem = 64',
                    'constraint_exclusion = on',
                    'cpu_operator_cost = 100000', 'random_page_cost = 0',
                    'transform_null_equals = on', 'default_statistics_target = 1',
                    'cursor_tuple_fraction = 1'):
        sets = ['SET LOCAL ' + x for x in setting.split(', ')]
        add(read('select with ' + setting.split(' = ')[0], sets + [
            'SELECT x.n FROM (SELECT {s} AS n FROM {t} AS t) AS x JOIN (SELECT {s} AS n FROM {t} AS t)'
            ' AS y USING (n) WHERE attack.leak(x.n)']))
    if entry.kind == 'table':
        add(read('select in parallel', ['SET LOCAL {force_parallel} = on',
                                    'SET LOCAL parallel_setup_cost = 0',
                                    'SET LOCAL parallel_tuple_cost = 0',
                                    'SET LOCAL min_parallel_table_scan_size = 0',
                                    'SELECT {s} FROM {t} AS t WHERE attack.leak({s})']))
    if entry.kind == 'table':
        # Conditions that run before the policy if they join its equivalence class, or
        # the class of a policy of the attacker's own.
        # The planner of 19 knows that no key is null, and folds what only asks for that.
        seen = 'CASE WHEN nullif(t.{k}, t.{k}) IS NULL THEN attack.tell_id() END'
        off = ['SET LOCAL enable_indexscan = off', 'SET LOCAL enable_bitmapscan = off',
               'SET LOCAL enable_indexonlyscan = off']
        add(read('select case first', off + [
            'SELECT 1 FROM {t} AS t WHERE %s IS NULL' % seen], 'told', quick=True))
        if entry.moves:
            add(read('select class', off + [
                'SELECT 1 FROM {t} AS t, attack.bait AS b WHERE %s = b.id AND b.id = t.{moves}' % seen],
                     'told', quick=True))
        if entry.shown == 't::text':
            add(read('select class by ctid', off + [
                'SET LOCAL enable_seqscan = off', 'SET LOCAL enable_hashjoin = off',
                'SET LOCAL enable_mergejoin = off',
                'SELECT 1 FROM attack.hooks AS b JOIN {t} AS t ON t.ctid = b.at WHERE %s = b.x' % seen],
                     'told', quick=True))
    for mode in ('UPDATE', 'NO KEY UPDATE', 'SHARE', 'KEY SHARE'):
        add(read('select for ' + mode.lower(), 'SELECT {s} FROM {t} AS t WHERE attack.leak({s})'
                 ' FOR %s OF t' % mode, 'writable', takes=('view', 'lock'), quick=mode == 'UPDATE'))
    add(read('select for update nowait', 'SELECT {s} FROM {t} AS t FOR UPDATE NOWAIT', 'writable',
             takes=('view', 'lock')))
    add(read('select for update skip locked', 'SELECT {s} FROM {t} AS t WHERE {hidden} FOR UPDATE'
             ' SKIP LOCKED', None, takes=('view', 'lock')))
    return found


def carried(entry):
    """Queries within something else: plans, cursors, functions."""
    found = []
    add = found.append
    query = 'SELECT {s} FROM {t} AS t WHERE attack.leak({s})'
    for mode in ('auto', 'force_generic_plan', 'force_custom_plan'):
        add(read('prepared ' + mode, ['SET LOCAL plan_cache_mode = ' + mode,
                                      "PREPARE p (text) AS %s AND $1 IS NOT NULL" % query] +
                 ["EXECUTE p ('x')"] * 7 + ['DEALLOCATE p', query], quick=mode == 'force_generic_plan'))
        add(read('prepared %s last' % mode, ['SET LOCAL plan_cache_mode = ' + mode,
                                             'PREPARE p AS ' + query] + ['EXECUTE p'] * 7))
    # Prepared and executed by somebody who may see rows, then by the actor.
    for who in ('owner', 'other_owner'):
        add(read('prepared by ' + who, ['EXECUTE p'], prime=(
            who, ['PREPARE p AS ' + query] + ['EXECUTE p'] * 6), quick=who == 'owner'))
        add(read('generic plan by ' + who, ['EXECUTE p (1)'], prime=(
            who, ['SET LOCAL plan_cache_mode = force_generic_plan',
                  'PREPARE p (integer) AS %s AND $1 = 1' % query, 'EXECUTE p (1)'])))
        add(read('function by ' + who, ['SELECT attack.f()'], prime=(
            who, ['CREATE FUNCTION attack.f() RETURNS SETOF text LANGUAGE plpgsql AS'
                  ' $$BEGIN RETURN QUERY %s; END$$' % query] + ['SELECT attack.f()'] * 7)))
        add(read('sql function by ' + who, ['SELECT attack.f()'], prime=(
            who, ['CREATE FUNCTION attack.f() RETURNS SETOF text LANGUAGE sql AS $$%s$$' % query,
                  'SELECT attack.f()'])))
    add(read('cursor', ['DECLARE c CURSOR FOR ' + query, 'FETCH ALL FROM c'], quick=True))
    add(read('cursor scroll', ['DECLARE c SCROLL CURSOR FOR ' + query, 'FETCH ALL FROM c',
                               'FETCH BACKWARD ALL FROM c'], 'backward'))
    add(read('cursor hold', ['DECLARE c CURSOR WITH HOLD FOR ' + query, 'FETCH ALL FROM c']))
    add(read('cursor insensitive', ['DECLARE c INSENSITIVE SCROLL CURSOR FOR ' + query,
                                    'MOVE LAST IN c', 'FETCH FIRST FROM c'], None))
    add(read('cursor of function', [
        'CREATE FUNCTION attack.f() RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER AS'
        " $$DECLARE c refcursor := 'c'; BEGIN OPEN c FOR %s; RETURN c; END$$" % query,
        'SELECT attack.f()', 'FETCH ALL FROM c']))
    for name, kind in (('sql', 'LANGUAGE sql'), ('sql definer', 'LANGUAGE sql SECURITY DEFINER'),
                       ('sql leakproof', 'LANGUAGE sql IMMUTABLE')):
        add(read('function ' + name, ['CREATE FUNCTION attack.f() RETURNS SETOF text %s AS $$%s$$'
                                      % (kind, query), 'SELECT attack.f()']))
    add(read('function plpgsql definer', [
        'CREATE FUNCTION attack.f() RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER AS'
        ' $$BEGIN RETURN QUERY EXECUTE $q$%s$q$; END$$' % query, 'SELECT attack.f()'], quick=True))
    add(read('function standard body', ['CREATE FUNCTION attack.f() RETURNS SETOF text LANGUAGE sql'
                                        ' BEGIN ATOMIC %s; END' % query, 'SELECT attack.f()']))
    add(read('function that catches', [
        'CREATE FUNCTION attack.f() RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY %s;'
        " EXCEPTION WHEN no_data_found THEN RETURN NEXT SQLERRM; END$$" % query, 'SELECT attack.f()']))
    add(read('do block', "DO $do$BEGIN PERFORM {s} FROM {t} AS t WHERE attack.leak({s}); END$do$", None))
    for name, option in (('', ''), (' invoker', ' WITH (security_invoker)'),
                         (' barrier', ' WITH (security_barrier)'), (' temporary', 'TEMP')):
        create = ('CREATE TEMP VIEW v AS %s' if option == 'TEMP' else
                  'CREATE VIEW attack.v' + option + ' AS %s') % 'SELECT {s} AS n FROM {t} AS t'
        add(read('view' + name, [create, 'SELECT n FROM %s WHERE attack.leak(n)' %
                                 ('v' if option == 'TEMP' else 'attack.v')], quick=not name))
    add(read('materialized view', ['CREATE MATERIALIZED VIEW attack.v AS SELECT {s} AS n FROM {t} AS t',
                                   'SELECT n FROM attack.v']))
    add(read('materialized view refreshed', [
        'CREATE MATERIALIZED VIEW attack.v AS SELECT {s} AS n FROM {t} AS t WITH NO DATA',
        'REFRESH MATERIALIZED VIEW attack.v', 'SELECT n FROM attack.v']))
    add(read('create table as', ['CREATE TEMP TABLE x AS SELECT {s} AS n FROM {t} AS t', 'TABLE x']))
    add(read('select into', ['SELECT {s} AS n INTO TEMP x FROM {t} AS t', 'TABLE x']))
    add(read('insert from', ['INSERT INTO attack.loot SELECT {s} FROM {t} AS t', 'TABLE attack.loot']))
    add(read('update from', ["INSERT INTO attack.loot VALUES ('x')",
                             'UPDATE attack.loot SET line = {s} FROM {t} AS t WHERE attack.leak({s})'
                             ' RETURNING line'], None))
    add(read('delete using', ["INSERT INTO attack.loot VALUES ('x')",
                              'DELETE FROM attack.loot USING {t} AS t WHERE attack.leak({s})'
                              ' RETURNING {s}'], None))
    add(read('merge from', ['MERGE INTO attack.loot AS l USING (SELECT {s} AS n FROM {t} AS t) AS x'
                            ' ON l.line = x.n WHEN NOT MATCHED THEN INSERT VALUES (x.n)',
                            'TABLE attack.loot']))
    add(read('own rule', ['CREATE RULE r AS ON INSERT TO attack.loot DO ALSO'
                          " INSERT INTO attack.bait (letter) SELECT {s} FROM {t} AS t",
                          "INSERT INTO attack.loot VALUES ('x')",
                          'SELECT letter FROM attack.bait WHERE code IS NULL']))
    add(read('own trigger', ['CREATE FUNCTION attack.f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER'
                             ' AS $$BEGIN INSERT INTO attack.bait (letter) SELECT {s} FROM {t} AS t;'
                             ' RETURN NEW; END$$',
                             'CREATE TRIGGER g AFTER INSERT ON attack.loot EXECUTE FUNCTION attack.f()',
                             "INSERT INTO attack.loot VALUES ('x')",
                             'SELECT letter FROM attack.bait WHERE code IS NULL']))
    add(read('own policy', ['CREATE POLICY p ON attack.loot USING (EXISTS'
                            ' (SELECT FROM {t} AS t WHERE attack.leak({s})))',
                            'ALTER TABLE attack.loot ENABLE ROW LEVEL SECURITY',
                            'ALTER TABLE attack.loot FORCE ROW LEVEL SECURITY',
                            "SELECT * FROM attack.loot"], None, ends='00000'))
    add(read('copy query', 'COPY (%s) TO STDOUT' % query, 'lines', quick=True))
    add(read('explain', 'EXPLAIN (VERBOSE) ' + query, None))
    add(read('explain analyze', 'EXPLAIN (ANALYZE, VERBOSE, BUFFERS, TIMING OFF) ' + query, None,
             quick=True))
    add(read('explain analyze rows', 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ' + query, 'plan'))
    add(read('query_to_xml', "SELECT query_to_xml($q$%s$q$, true, false, '')::text" % query, None))
    add(read('ts_stat', "SELECT * FROM ts_stat($q$SELECT to_tsvector('simple', {s}) FROM {t} AS t"
             " WHERE attack.leak({s})$q$)", None))
    add(read('row security off', ['SET LOCAL row_security = off', query], None, quick=True,
             fixed='42501' if entry.name not in ('protected_tables', 'declared_tables') else None))
    return found


def copying(entry):
    """COPY of the relation itself; the server refuses it for a view."""
    if entry.kind == 'table':
        whole = read('copy to', 'COPY {t} TO STDOUT', 'lines', quick=True)
        listed = read('copy columns to', 'COPY {t} ({columns}) TO STDOUT', 'lines')
    else:
        due = '42809' if entry.kind == 'view' else '42501'
        whole = Command('copy to', READ, 'COPY {t} TO STDOUT', fixed=due)
        listed = Command('copy columns to', READ, 'COPY {t} ({columns}) TO STDOUT', fixed=due)
    found = [whole, listed]
    for target in ("'/tmp/casnet_attack'", "PROGRAM 'cat'"):
        found.append(Command('copy to ' + target.split(' ')[0].strip("'"), READ,
                             'COPY {t} ({columns}) TO ' + target, fixed='42501'))
        found.append(Command('copy from ' + target.split(' ')[0].strip("'"), WRITE,
                             'COPY {t} ({columns}) FROM ' + target, fixed='42501'))
    return found


def writing(entry):
    """INSERT, UPDATE, DELETE and MERGE, of one's own rows and of hidden ones."""
    found = []

    def add(name, statements, takes, rows=None, **more):
        found.append(Command(name, WRITE, statements, takes, rows, **more))

    loads = entry.kind == 'load'
    create = ('create', 'view')
    own = 'INSERT INTO {t} AS t ({insert}) VALUES ({values})'
    add('insert', own, ('create',), 1, quick=True)
    add('insert returning', own + ' RETURNING attack.leak_text({s})', create, 1)
    add('insert select', 'INSERT INTO {t} ({insert}) SELECT {values} WHERE attack.leak(\'x\')',
        ('create',), 1)
    add('insert on conflict', own + ' ON CONFLICT DO NOTHING', ('create',), 1)
    add('insert by function', ['CREATE FUNCTION attack.f() RETURNS void LANGUAGE sql SECURITY DEFINER'
                               ' AS $$%s$$' % own, 'SELECT attack.f()'], ('create',))
    add('insert by cte', 'WITH x AS (%s) SELECT 1' % own, ('create',))
    add('insert by trigger', ['CREATE FUNCTION attack.f() RETURNS trigger LANGUAGE plpgsql AS'
                              ' $$BEGIN %s; RETURN NEW; END$$' % own,
                              'CREATE TRIGGER g AFTER INSERT ON attack.loot EXECUTE FUNCTION attack.f()',
                              "INSERT INTO attack.loot VALUES ('x')"], ('create',))
    add('insert prepared', ['PREPARE p AS ' + own, 'EXECUTE p'], ('create',), 1)
    # Prepared and executed by the other tenant's owner: it must not write there for
    # the actor.
    add('insert prepared by other', ['EXECUTE p'], ('create',), 1, prime=(
        'member', ['PREPARE p AS ' + own]))
    if entry.moves:
        theirs = ("INSERT INTO {t} ({moves}, {insert}) VALUES ('{htenant}', {hvalues})")
        add('insert hidden', theirs, ('create', 'foreign'), quick=True)
        add('insert hidden returning', theirs + ' RETURNING *', ('create', 'foreign', 'view'))
        add('insert hidden on conflict', theirs + ' ON CONFLICT DO NOTHING', ('create', 'foreign'))
        if entry.moves == 'tenant_id' and entry.kind == 'table':
            add('insert hidden on conflict update', theirs + ' ON CONFLICT ({conflict}) DO UPDATE'
                ' SET {k} = excluded.{k}', ('create', 'foreign', 'view', 'edit'))
            add('insert on conflict move', 'INSERT INTO {t} ({full}) VALUES ({ownrow})'
                " ON CONFLICT ({conflict}) DO UPDATE SET {moves} = '{htenant}'",
                ('create', 'view', 'edit', 'foreign'))
    if loads:
        add('copy from', 'COPY {t} ({insert}) FROM STDIN', ('create',), 1, copy='{line}\n', quick=True)
        add('copy hidden from', 'COPY {t} (tenant_id, {insert}) FROM STDIN', ('create', 'foreign'),
            copy='{htenant}\t{hline}\n', quick=True)
    elif entry.kind == 'view':
        found.append(Command('copy from', WRITE, 'COPY {t} ({columns}) FROM STDIN', copy='',
                             fixed='42809' if entry.needs['create'] != 'NONE' else '42501'))
    else:
        found.append(Command('copy from', WRITE, 'COPY {t} ({insert}) FROM STDIN', copy='{line}\n',
                             fixed='0A000' if entry.needs['create'] != 'NONE' else '42501', quick=True))

    if loads or entry.name in ('protected_tables', 'declared_tables'):
        for name, statement in (('update', 'UPDATE {t} AS t SET {column} = t.{column}'),
                                ('update hidden', 'UPDATE {t} AS t SET {k} = t.{k} WHERE {hidden}'),
                                ('delete', 'DELETE FROM {t}'),
                                ('delete returning', 'DELETE FROM {t} AS t RETURNING {s}')):
            found.append(Command(name, WRITE, statement, fixed='55000', quick=True))
        found.append(Command('merge', WRITE, 'MERGE INTO {t} AS t USING attack.bait AS b ON true WHEN'
                             ' MATCHED THEN DELETE',
                             fixed='0A000' if entry.server < 170000 else '55000'))
        if not loads:
            found[:] = [c for c in found if not c.name.startswith('insert')] + [
                Command('insert', WRITE, own, fixed='55000')]
        return found
    change = ('edit', 'view')
    column = '{column} = t.{column}'
    add('update', 'UPDATE {t} AS t SET %s' % column, change, 'writable', quick=True)
    add('update leak', 'UPDATE {t} AS t SET %s WHERE attack.leak({s})' % column, change, 'writable')
    add('update blind', 'UPDATE {t} AS t SET {column} = DEFAULT WHERE (SELECT false)', ('edit', 'view'), 0)
    add('update hidden', 'UPDATE {t} AS t SET %s WHERE {hidden}' % column, change, 'foreign', quick=True)
    add('update returning', 'UPDATE {t} AS t SET %s RETURNING attack.leak_text({s})' % column, change,
        'writable')
    add('update from', 'UPDATE {t} AS t SET %s FROM attack.bait AS b WHERE t.{k}::text = b.id::text'
        ' AND attack.leak({s})' % column, change)
    add('update only', 'UPDATE ONLY {t} AS t SET %s' % column, change, 'writable')
    add('update in cte', 'WITH x AS (UPDATE {t} AS t SET %s RETURNING {s} AS n) SELECT n FROM x' % column,
        change, 'writable')
    add('update current', ['DECLARE c CURSOR FOR SELECT 1 FROM {t} AS t',
                           'FETCH 1 FROM c', 'UPDATE {t} AS t SET %s WHERE CURRENT OF c' % column],
        ('view',) if entry.kind == 'view' else ('view', 'edit'),
        'current', ends='0A000' if entry.kind == 'view' else '00000')
    add('update by definer', ['CREATE FUNCTION attack.f() RETURNS void LANGUAGE sql SECURITY DEFINER AS'
                              ' $$UPDATE {t} AS t SET %s$$' % column, 'SELECT attack.f()'], change)
    add('update prepared', ['PREPARE p (text) AS UPDATE {t} AS t SET %s WHERE attack.leak({s})'
                            ' AND $1 IS NOT NULL' % column] + ["EXECUTE p ('x')"] * 6, change, 'writable')
    add('update prepared by owner', ['EXECUTE p'], change, 'writable', prime=(
        'owner', ['PREPARE p AS UPDATE {t} AS t SET %s' % column, 'EXECUTE p']))
    if entry.moves:
        add('update move', "UPDATE {t} AS t SET {moves} = '{htenant}'", change + ('foreign',), quick=True)
        add('update move by join', 'UPDATE {t} AS t SET {moves} = b.tenant_id FROM attack.bait AS b'
            " WHERE b.letter = '{h}' AND b.code = 1", change + ('foreign',))

    remove = ('delete', 'view')
    add('delete', 'DELETE FROM {t} AS t', remove, 'writable', quick=True)
    add('delete leak', 'DELETE FROM {t} AS t WHERE attack.leak({s})', remove, 'writable')
    add('delete hidden', 'DELETE FROM {t} AS t WHERE {hidden}', remove, 'foreign', quick=True)
    add('delete returning', 'DELETE FROM {t} AS t RETURNING attack.leak_text({s})', remove, 'writable')
    add('delete using', 'DELETE FROM {t} AS t USING attack.bait AS b WHERE t.{k}::text = b.id::text'
        ' AND attack.leak({s})', remove)
    add('delete by definer', ['CREATE FUNCTION attack.f() RETURNS void LANGUAGE sql SECURITY DEFINER AS'
                              ' $$DELETE FROM {t}$$', 'SELECT attack.f()'], remove)
    add('delete prepared by owner', ['EXECUTE p'], remove, 'writable', prime=(
        'other_owner', ['PREPARE p AS DELETE FROM {t} AS t']))

    if entry.kind == 'view' and entry.server < 170000:
        found.append(Command('merge', WRITE, 'MERGE INTO {t} AS t USING attack.bait AS b ON false'
                             ' WHEN MATCHED THEN DO NOTHING', fixed='0A000'))
        return found
    # The server asks a policy for UPDATE only for rows that it finds: 'matched' stands
    # for the permission, if any row is visible.
    merge = 'MERGE INTO {t} AS t USING (SELECT DISTINCT {s} AS n FROM {t} AS t) AS x ON {s} = x.n '
    add('merge update', merge + 'WHEN MATCHED THEN UPDATE SET %s' % column,
        ('view', 'matched edit'), 'writable', quick=True)
    add('merge delete', merge + 'WHEN MATCHED THEN DELETE', ('view', 'matched delete'), 'writable')
    add('merge insert', "MERGE INTO {t} AS t USING (VALUES (1)) AS x ON {hidden} WHEN NOT MATCHED THEN"
        ' INSERT ({insert}) VALUES ({values})', create, 1)
    add('merge hidden', "MERGE INTO {t} AS t USING (VALUES (1)) AS x ON {hidden} WHEN MATCHED THEN"
        ' UPDATE SET %s' % column, ('view', 'hidden edit'), 'foreign')
    add('merge leak', "MERGE INTO {t} AS t USING (VALUES ('x')) AS x (n) ON attack.leak({s})"
        ' WHEN MATCHED AND attack.leak({s}) THEN DO NOTHING', ('view',), None)
    if entry.moves:
        add('merge move', merge + "WHEN MATCHED THEN UPDATE SET {moves} = '{htenant}'",
            ('view', 'matched edit', 'foreign'))
    return found


def probing(entry):
    """The same for a hidden row and for an absent one: the answers must be equal."""
    found = []

    def add(name, statement):
        found.append(Command('probe ' + name, PAIR, statement))

    add('select', 'SELECT count(*) FROM {t} AS t WHERE {isrow}')
    add('division', 'SELECT 1 / count(*) FROM {t} AS t WHERE {isrow}')
    add('for update', 'SELECT 1 FROM {t} AS t WHERE {isrow} FOR UPDATE')
    if entry.column:
        add('update', 'UPDATE {t} AS t SET {column} = t.{column} WHERE {isrow}')
        add('key update', "UPDATE {t} AS t SET {k} = {rowfirst}")
    add('delete', 'DELETE FROM {t} AS t WHERE {isrow}')
    if entry.moves == 'tenant_id':
        insert = 'INSERT INTO {t} ({full}) VALUES ({row})'
        theirs = "INSERT INTO {t} (tenant_id, {full}) VALUES ('{htenant}', {row})"
        add('insert', insert)
        add('on conflict', insert + ' ON CONFLICT DO NOTHING')
        add('insert hidden', theirs)
        add('hidden on conflict', theirs + ' ON CONFLICT DO NOTHING')
        add('hidden on conflict update', theirs + ' ON CONFLICT ({conflict}) DO UPDATE'
            ' SET {k} = excluded.{k}')
    if entry.name == 'tasks':
        add('record of a task', "INSERT INTO {t} (title, record_id) VALUES ('mine', '{rowrecord}')")
        add('record of all tasks', "UPDATE {t} AS t SET record_id = '{rowrecord}'")
    if entry.name == 'calendar_events':
        add('record of an event', "INSERT INTO {t} (title, starts_at, record_id) VALUES"
            " ('mine', now(), '{rowrecord}')")
        add('occurrence of an event', "INSERT INTO {t} (title, starts_at, series_id, occurrence_at)"
            " VALUES ('mine', now(), {rowfirst}, now())")
    return found


def defining(entry):
    """What only the owner of the relation can do, and LOCK TABLE."""
    kind = 'VIEW' if entry.kind in ('view', 'load') else 'TABLE'
    found = []

    def add(name, statements, due='42501', quick=False):
        found.append(Command(name, DDL, statements, fixed=due, quick=quick))

    add('truncate', 'TRUNCATE {t}', '42809' if kind == 'VIEW' else '42501', quick=True)
    if entry.name == 'own_view':
        found.pop()
        add('truncate', 'TRUNCATE {t}', '42809')
        return found + locks(entry)
    add('drop', 'DROP %s {t} CASCADE' % kind)
    add('comment', "COMMENT ON %s {t} IS 'mine'" % kind)
    add('rename', 'ALTER %s {t} RENAME TO mine' % kind)
    add('set schema', 'ALTER %s {t} SET SCHEMA attack' % kind)
    add('owner to', 'ALTER %s {t} OWNER TO {role}' % kind)
    add('column default', 'ALTER %s {t} ALTER COLUMN {k} SET DEFAULT NULL' % kind)
    add('rename column', 'ALTER %s {t} RENAME COLUMN {k} TO mine' % kind)
    add('create trigger', ['CREATE FUNCTION attack.g() RETURNS trigger LANGUAGE plpgsql AS'
                           ' $$BEGIN RETURN NULL; END$$',
                           'CREATE TRIGGER g %s INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION attack.g()'
                           % ('INSTEAD OF' if kind == 'VIEW' else 'BEFORE')])
    add('create rule', 'CREATE RULE r AS ON INSERT TO {t} DO INSTEAD NOTHING')
    add('row security', 'ALTER TABLE {t} DISABLE ROW LEVEL SECURITY')
    if kind == 'VIEW':
        add('replace view', 'CREATE OR REPLACE VIEW {t} AS SELECT 1 AS x')
        add('view option', 'ALTER VIEW {t} SET (security_invoker = false)')
        return found + locks(entry)
    add('no force', 'ALTER TABLE {t} NO FORCE ROW LEVEL SECURITY')
    add('create policy', 'CREATE POLICY mine ON {t} USING (true)')
    add('drop policy', 'DROP POLICY casnet_select ON {t}')
    add('alter policy', 'ALTER POLICY casnet_select ON {t} USING (true)')
    add('add column', 'ALTER TABLE {t} ADD COLUMN mine text')
    add('add constraint', 'ALTER TABLE {t} ADD CHECK (attack.leak({k}::text))')
    add('disable triggers', 'ALTER TABLE {t} DISABLE TRIGGER ALL')
    add('create index', 'CREATE INDEX ON {t} (attack.leak_text({k}::text))')
    add('create statistics', 'CREATE STATISTICS attack.s ON {two} FROM {t}')
    add('inherits', 'CREATE TABLE attack.x () INHERITS ({t})')
    add('inherit', ['CREATE TABLE attack.x (LIKE attack.loot)', 'ALTER TABLE attack.x INHERIT {t}'])
    add('attach partition', ['CREATE TABLE attack.x (line text) PARTITION BY LIST (line)',
                             "ALTER TABLE attack.x ATTACH PARTITION {t} FOR VALUES IN ('x')"])
    add('references', 'CREATE TABLE attack.x (y uuid REFERENCES {t})', '42501')
    add('cluster', 'CLUSTER {t}', '42501')
    add('reindex', 'REINDEX TABLE {t}')
    add('publication', 'CREATE PUBLICATION attack_mine FOR TABLE {t}')
    add('security label', "SECURITY LABEL ON TABLE {t} IS 'mine'", '22023')
    add('replica identity', 'ALTER TABLE {t} REPLICA IDENTITY FULL')
    add('tablespace', 'ALTER TABLE {t} SET TABLESPACE pg_default')
    add('storage options', 'ALTER TABLE {t} SET (autovacuum_enabled = false)')
    add('set unlogged', 'ALTER TABLE {t} SET UNLOGGED')
    add('statistics target', 'ALTER TABLE {t} ALTER COLUMN {k} SET STATISTICS 10000')
    # Without a grant option GRANT grants nothing and warns.
    found.append(Command('column privileges', DDL, [
        'GRANT SELECT ({k}) ON {t} TO PUBLIC',
        "SELECT FROM pg_attribute WHERE attrelid = '{t}'::regclass AND attacl::text ~ '[{,]=r'"],
        rows=0, fixed='42501' if entry.kind == 'internal' else '00000'))
    return found + locks(entry)


def locks(entry):
    """LOCK TABLE in each mode; it needs table privileges but no identity."""
    found = []
    for mode in ('ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE',
                 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'):
        have = set(entry.lock)
        if entry.server < 160000:
            enough = {'ACCESS SHARE': 'r', 'ROW EXCLUSIVE': 'awd'}.get(mode, 'wd')
        else:
            enough = 'wd' + ('ar' if mode == 'ACCESS SHARE' else
                             'a' if mode in ('ROW SHARE', 'ROW EXCLUSIVE') else '')
        due = '00000' if have & set(enough) else '42501'
        # No application can lock casnet's tables, or views, in a mode that stops writers.
        if (entry.table.startswith(('casnet.', 'casnet_internal.')) or entry.kind in ('view', 'load') or
                entry.name == 'own_view') and mode not in ('ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE'):
            due = '42501'
        found.append(Command('lock ' + mode.lower(), DDL, 'LOCK TABLE {t} IN %s MODE' % mode, fixed=due))
    return found


def commands(entry):
    """All commands on a relation."""
    found = reading(entry) + carried(entry) + copying(entry)
    found += writing(entry) if entry.kind != 'internal' else forbidden(entry)
    if entry.kind == 'table':
        found += probing(entry)
    return found + defining(entry)


def forbidden(entry):
    """Writes to a relation that nobody is allowed to write to."""
    found = []
    for name, statement in (
            ('insert', 'INSERT INTO {t} DEFAULT VALUES'),
            ('insert on conflict', 'INSERT INTO {t} DEFAULT VALUES ON CONFLICT DO NOTHING'),
            ('update', 'UPDATE {t} SET {k} = {k}'), ('update blind', 'UPDATE {t} SET {k} = NULL'),
            ('delete', 'DELETE FROM {t}'), ('delete returning', 'DELETE FROM {t} AS t RETURNING {s}'),
            ('merge', 'MERGE INTO {t} AS t USING attack.bait AS b ON true WHEN MATCHED THEN DELETE')):
        found.append(Command(name, WRITE, statement, fixed='42501', quick=True))
    found.append(Command('copy from', WRITE, 'COPY {t} FROM STDIN', fixed='42501', copy='', quick=True))
    return found
