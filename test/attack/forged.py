"""Attacks on one rule: a condition of a statement never replaces that of a policy.

A policy says that a row's tenant is the active one.  A statement can say the same of it,
with something that changes its answer while rows are read: a setting, the active tenant,
a function of one's own.  Suppose that the server dropped the policy's condition for the
statement's, or compared rows with the statement's value.  Then the statement would read,
change or delete rows of another tenant.
"""

import itertools
import random
import time

import matrix as m

PARTS = [m.case_table(name, m.NOTES, name, 'note', 'note', "'mine'", schema='public')
         for name in ('attack_parts', 'attack_lists')]
SEED = 20261128
SECONDS = {'quick': 4, 'until noticed': 60, 'long': 1800, 'default': 24}
# Members of the other tenant may switch to it; so the attacker is none of them.
ATTACKER = {'owner': 1.0, 'viewer': 0.15}       # and the share of the time

# How a statement can end: it is done or refused, but not by a mistake in the test.
ENDS = ('00000', '28000', '42501', '55000', 'P0002', '22023', '23503', '23514', '25000', '23502', '21000')

ALL_SCANS = ('seqscan', 'indexscan', 'indexonlyscan', 'bitmapscan', 'tidscan')


def only(*scans):
    """The settings that leave only these kinds of scan."""
    return ['SET LOCAL enable_%s = off' % s for s in ALL_SCANS if s not in scans]


SCANS = {
    'seq': only('seqscan'), 'index': only('indexscan'), 'indexonly': only('indexonlyscan'),
    'bitmap': only('bitmapscan'), 'tid': only('tidscan'),
    'nested': only('indexscan') + ['SET LOCAL enable_hashjoin = off', 'SET LOCAL enable_mergejoin = off'],
    'hashed': only('seqscan') + ['SET LOCAL enable_nestloop = off', 'SET LOCAL enable_mergejoin = off'],
    'parallel': only('seqscan', 'indexscan') + [
        'SET LOCAL parallel_setup_cost = 0', 'SET LOCAL parallel_tuple_cost = 0',
        'SET LOCAL min_parallel_table_scan_size = 0', 'SET LOCAL min_parallel_index_scan_size = 0'],
    'any': []}

# {c}: the column.  {v}: the value, at first the attacker's own.
CONDITIONS = {
    'equal': '{c} = {v}', 'turned': '{v} = {c}', 'in': '{c} IN ({v}, {v})',
    'in more': "{c} IN ({v}, '{none}')",
    'any': '{c} = ANY (ARRAY[{v}])', 'range': '{c} >= {v} AND {c} <= {v}',
    'between': '{c} BETWEEN {v} AND {v}',
    'row': '({c}, 1) = ({v}, 1)', 'rows': '({c}, {c}) >= ({v}, {v}) AND ({c}, {c}) <= ({v}, {v})',
    'distinct': '{c} IS NOT DISTINCT FROM {v}', 'or': '({c} = {v} OR {c} = {v})',
    'twice': '{c} = {v} AND {c} = {v}',
    'subquery': '{c} = (SELECT {v})', 'case': '{c} = CASE WHEN {c} IS NOT NULL THEN {v} END',
    'not': 'NOT {c} <> {v}', 'text': '{c}::text = {v}::text', 'none': '{v} IS NOT NULL'}

# Name: the value, and an expression whose evaluation changes it, or None.
VALUES = {
    'active tenant': ('casnet.current_tenant_id()', "set_config('casnet.tenant_id', '{e}', false)"),
    'no tenant': ('casnet.current_tenant_id()', "set_config('casnet.tenant_id', '', false)"),
    'policy': ("casnet.tenant_with('view_records')", "set_config('casnet.tenant_id', '{e}', false)"),
    'user': ('casnet.current_user_id()', 'casnet.sign_out()::text'),
    'setting': ("current_setting('attack.x')::uuid", "set_config('attack.x', '{e}', false)"),
    'own, the tenant changes': ("'{x}'::uuid", "set_config('casnet.tenant_id', '{e}', false)"),
    'other, the tenant changes': ("'{e}'::uuid", "set_config('casnet.tenant_id', '{e}', false)"),
    'own': ("'{x}'::uuid", None), 'other': ("'{e}'::uuid", None)}
for _how in ('volatile', 'stable', 'immutable'):
    for _n in range(5):
        VALUES['%s %d' % (_how, _n)] = ("attack.turn_%s(%d, '{x}', '{e}')" % (_how, _n), None)

# {s}: what is shown of a row t.  {w}: the condition.  {g}: what changes the value.
# {r}: the plain query without the condition.  {b}: a table to join by.
READS = {'r': 'SELECT {s}, {g} FROM {t} AS t', 'b': 'attack.forms AS b',
         'set': 'UPDATE {t} AS t SET {column} = {column}'}
COMMANDS = {
    'select': ['{r} WHERE {w}'],
    'select where': ['SELECT {s} FROM {t} AS t WHERE {w} AND {g} IS NOT NULL'],
    'select first': ['SELECT {s} FROM {t} AS t WHERE {g} IS NOT NULL AND {w}'],
    'order': ['{r} WHERE {w} ORDER BY {c}, {k}'],
    'count': ['SELECT {k}, count(*), min({g}) FROM {t} AS t WHERE {w} GROUP BY {k}'],
    'limit': ['{r} WHERE {w} LIMIT 10'],
    'for update': ['{r} WHERE {w} FOR UPDATE'],
    'for share': ['SELECT {s} FROM {t} AS t WHERE {w} AND {g} IS NOT NULL FOR KEY SHARE'],
    'union all': ['{r} WHERE {w} UNION ALL {r} WHERE {w}'],
    'over union': ['SELECT {s}, {g} FROM (TABLE attack.v_{name} UNION ALL TABLE attack.v_{name}) AS t'
                   ' WHERE {w}'],
    'view': ['SELECT {s}, {g} FROM attack.v_{name} AS t WHERE {w}'],
    'join': ['{r}, {b} WHERE {cb} AND t.{c0} = b.x'],
    'join first': ['SELECT {s}, {g} FROM {b} JOIN {t} AS t ON t.{c0} = b.x AND {cb}'],
    'left join': ['SELECT {s}, {g} FROM {b} LEFT JOIN {t} AS t ON t.{c0} = b.x AND {w}'],
    'semi join': ['{r} WHERE {c} IN (SELECT b.x FROM {b} WHERE {cb})'],
    'lateral': ['SELECT l.* FROM {b}, LATERAL (SELECT {s} AS s, {g} AS g FROM {t} AS t'
                ' WHERE {w} AND {c} = b.x) AS l'],
    'self join': ['{r} JOIN {t} AS u ON u.{c0} = t.{c0} WHERE {w}'],
    'cte': ['WITH a AS MATERIALIZED (SELECT * FROM attack.v_{name} AS t WHERE {w} AND {g} IS NOT NULL)'
            ' SELECT {s} FROM a AS t'],
    'cursor': ['DECLARE c CURSOR FOR {r} WHERE {w}', 'FETCH 1 FROM c', 'FETCH ALL FROM c'],
    'cursor later': ['DECLARE c CURSOR FOR SELECT {s} FROM {t} AS t WHERE {w}', 'SELECT {g}',
                     'FETCH ALL FROM c'],
    'prepared': ['PREPARE p AS {r} WHERE {w}', 'EXECUTE p'],
    'parameter': ['PREPARE p(uuid) AS {r} WHERE {wp}', 'EXECUTE p({v})', "EXECUTE p('{e}')"],
    'generic': ['SET LOCAL plan_cache_mode = force_generic_plan', 'PREPARE p(uuid) AS {r} WHERE {wp}',
                'EXECUTE p({v})', "EXECUTE p('{e}')"],
    'generic cached': ['SET LOCAL plan_cache_mode = force_generic_plan', 'PREPARE p AS {r} WHERE {w}',
                       'EXECUTE p', 'EXECUTE p'],
    'copy': ['COPY ({r} WHERE {w}) TO STDOUT'],
    'insert select': ['INSERT INTO attack.loot SELECT {s} FROM {t} AS t WHERE {w} AND {g} IS NOT NULL',
                      'TABLE attack.loot'],
    'update': ['{set} WHERE {w} AND {g} IS NOT NULL'],
    'update returning': ['{set} WHERE {w} RETURNING {s}, {g}'],
    'update from': ['{set} FROM {b} WHERE t.{c0} = b.x AND {cb} AND {g} IS NOT NULL'],
    'delete': ['DELETE FROM {t} AS t WHERE {w} AND {g} IS NOT NULL'],
    'delete returning': ['DELETE FROM {t} AS t WHERE {w} RETURNING {s}, {g}'],
    'delete using': ['DELETE FROM {t} AS t USING {b} WHERE t.{c0} = b.x AND {cb} AND {g} IS NOT NULL'],
    'delete in cte': ['WITH d AS (DELETE FROM {t} AS t WHERE {w} AND {g} IS NOT NULL RETURNING {s} AS s)'
                      ' SELECT * FROM d'],
    'merge update': ['MERGE INTO {t} AS t USING (VALUES (1)) AS v ON {w} AND {g} IS NOT NULL'
                     ' WHEN MATCHED THEN UPDATE SET {column} = t.{column}'],
    'merge delete': ['MERGE INTO {t} AS t USING {b} ON t.{c0} = b.x AND {cb} AND {g} IS NOT NULL'
                     ' WHEN MATCHED THEN DELETE'],
    'block': ['DO $do$ DECLARE r record; BEGIN FOR r IN SELECT {s} AS s, {g} AS g FROM {t} AS t WHERE {w}'
              " LOOP RAISE NOTICE '%', r.s; END LOOP; END $do$"]}
WRITES = ('update', 'delete', 'merge', 'insert')
QUICK = ('select', 'select where', 'for update', 'union all', 'join', 'left join', 'cursor', 'update',
         'delete')

# Made in the schema of the attacker, as the attacker.
TOOLS = ''.join('''
CREATE FUNCTION attack.turn_{0}(n integer, a uuid, b uuid) RETURNS uuid LANGUAGE plpgsql {0} COST 0.0000001
    AS $$BEGIN
        PERFORM set_config('attack.calls', (current_setting('attack.calls')::integer + 1)::text, false);
        RETURN CASE WHEN current_setting('attack.calls')::integer <= n THEN a ELSE b END;
    END$$;'''.format(how) for how in ('volatile', 'stable', 'immutable')) + '''
CREATE TABLE attack.forms (x uuid);'''


def prepare_database(cursor):
    """Protected tables and their rows, in partitions by id and by tenant, as the superuser."""
    for name, by in (('attack_parts', 'HASH (id)'), ('attack_lists', 'LIST (tenant_id)')):
        cursor.execute('CREATE TABLE public.%s (tenant_id uuid NOT NULL, id uuid DEFAULT casnet.uuid_v7(),'
                       ' note text NOT NULL, PRIMARY KEY (tenant_id, id)) PARTITION BY %s' % (name, by))
    for n in (0, 1):
        cursor.execute('CREATE TABLE public.attack_parts_%d PARTITION OF public.attack_parts'
                       ' FOR VALUES WITH (MODULUS 2, REMAINDER %d)' % (n, n))
        cursor.execute('CREATE TABLE public.attack_lists_%d PARTITION OF public.attack_lists'
                       " FOR VALUES IN ('%s')" % (n, m.tenant_id('ab'[n])))
    cursor.execute('CREATE TABLE public.attack_lists_more PARTITION OF public.attack_lists DEFAULT')
    for entry in PARTS:
        cursor.execute('SELECT casnet.protect(%s::regclass)', (entry.table,))
    for entry, letter, n in itertools.product(PARTS, m.LETTERS, (1, 2, 3, 4)):
        cursor.execute('INSERT INTO %s VALUES (%%s, %%s, %%s)' % entry.table, (
            m.tenant_id(letter), m.row_id(letter, m.NOTES, n),
            'canary-%s-%s-%d' % (letter, entry.name, n)))


def prepare_tools(cursor):
    """Functions, views of each table, and ids to join by, as the attacker."""
    cursor.execute(TOOLS)
    for entry in entries():
        columns = 'id, username, email, full_name' if entry.name == 'users' else '*'
        cursor.execute('CREATE VIEW attack.v_%s AS SELECT %s FROM %s' % (entry.name, columns, entry.table))
    for letter in m.LETTERS + m.ABSENT:
        cursor.execute('INSERT INTO attack.forms VALUES (%s)', (m.tenant_id(letter),))
    for name in ('owner', 'ownerb', 'viewer'):
        cursor.execute('INSERT INTO attack.forms VALUES (%s)', (m.user_id(name),))
    cursor.execute('ANALYZE attack.forms')


def entries():
    """The tables for which a condition can be forged."""
    return [e for e in m.ENTRIES if e.kind == 'table' and (e.moves or e.name == 'users')] + PARTS


def core(quick):
    """What every run tries: the plain forms of the break."""
    values = ('active tenant', 'setting', 'stable 1', 'stable 2', 'stable 3', 'volatile 1', 'other')
    for entry, value, command, scan in itertools.product(
            entries(), values, QUICK, ('seq', 'index') if not quick else ('seq',)):
        if not quick or (value in ('active tenant', 'setting', 'stable 2') and
                         command in QUICK[:2] + QUICK[-2:]):
            yield entry, 'equal', value, command, scan


def choices(generator):
    """Random attempts, without end."""
    tables, conditions, values = entries(), sorted(CONDITIONS), sorted(VALUES)
    commands, scans = sorted(COMMANDS), sorted(SCANS)
    while True:
        yield (generator.choice(tables), generator.choice(conditions), generator.choice(values),
               generator.choice(commands), generator.choice(scans))


def everything():
    """All attempts, in the order of the tables."""
    return itertools.product(entries(), sorted(CONDITIONS), sorted(VALUES), sorted(COMMANDS),
                             sorted(SCANS))


def statements(entry, condition, value, command, scan, actor):
    """The statements of an attempt."""
    column = entry.moves or 'id'
    if entry.name == 'users':
        own, other = m.user_id(actor.user), m.user_id('owner' + actor.hidden)
    else:
        own, other = m.tenant_id(actor.tenant), m.tenant_id(actor.hidden)
    expression, change = VALUES[value]
    shown = entry.shown
    if scan == 'indexonly':
        shown = "concat_ws(' ', t.%s, t.%s)" % (column, ', t.'.join(entry.key))
    elif command in ('view', 'over union', 'cte') and entry.name == 'users':
        shown = "concat_ws(' ', t.id, t.username, t.email, t.full_name)"
    about = CONDITIONS[condition]
    words = dict(READS, **{
        't': entry.table, 's': shown, 'c': 't.' + column, 'c0': column, 'k': 't.' + entry.key[0],
        'g': change or "'x'::text", 'v': expression, 'x': own, 'e': other, 'column': entry.column,
        'name': entry.name, 'none': m.row_id(m.ABSENT, m.TENANTS)})
    words['w'] = about
    words['wp'] = about.replace('{v}', '$1')
    words['cb'] = about.replace('{c}', 'b.x')
    if scan == 'tid' and command not in ('view', 'over union', 'cte'):
        tids = " AND t.ctid = ANY (ARRAY[%s]::tid[])" % ', '.join("'(0,%d)'" % n for n in range(1, 13))
        words['w'] += tids
        words['wp'] += tids
        words['cb'] += tids if 'left' not in command and 'semi' not in command else ''
    found = list(SCANS[scan]) + ["SET LOCAL attack.x = '%s'" % own, "SET LOCAL attack.calls = '0'"]
    for text in COMMANDS[command]:
        for _ in range(4):
            text = filled(text, words)
        found.append(text)
    return found


def filled(text, words):
    """The text with its placeholders filled in; braces of SQL stay."""
    for name, value in words.items():
        text = text.replace('{%s}' % name, value)
    return text


def one(campaign, session, actor, choice):
    """One attempt and its judgement."""
    entry, condition, value, command, scan = choice
    sent = statements(*choice, actor)
    outcome = session.attempt(sent, judge=command.startswith(WRITES))
    # The matrix does not know of these tables.
    own = ('canary-%s-attack_' % actor.tenant, actor.tenant * 8)
    expected = {c for c in canaries(outcome) if entry in PARTS and c.startswith(own)}
    due = outcome.sqlstate if outcome.sqlstate in ENDS else '00000'
    campaign.judge_attempt('forged', '%s by %s' % (command, scan), actor,
                           ['%s, %s, %s' % (entry.name, condition, value)] + sent, outcome, due,
                           may_change=True, expected=expected)


def canaries(outcome):
    """The canaries in an outcome."""
    return {x.group() for x in m.CANARY.finditer('\n'.join(outcome.text))}


def attack(campaign):
    """What every run tries, and then random attempts while time lasts."""
    options = campaign.options
    mode = 'quick' if options.quick else 'long' if options.long else 'default'
    seconds = SECONDS['until noticed' if options.until_noticed else mode]
    began = campaign.done
    for actor in campaign.actors():
        if actor.name not in ATTACKER:
            continue
        session = campaign.session(actor)
        generator = random.Random('%s %d' % (actor.name, SEED))
        started = time.time()
        if actor.name == 'owner':
            for choice in core(options.quick):
                one(campaign, session, actor, choice)
        for choice in everything() if options.long and actor.name == 'owner' else choices(generator):
            if campaign.failures and options.until_noticed:
                return
            if time.time() - started > seconds * ATTACKER[actor.name]:
                break
            one(campaign, session, actor, choice)
    print('forged: %d attempts, seed %d' % (campaign.done - began, SEED))
