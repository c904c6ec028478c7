"""The ways in which a user's query is run: planner settings, and who sends it."""

from parts import user_text
from sources import SQL_TYPES

PARALLEL = ('SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; '
            'SET LOCAL min_parallel_table_scan_size = 0; SET LOCAL min_parallel_index_scan_size = 0; '
            'SET LOCAL max_parallel_workers_per_gather = 4; ')
FETCHES = ['FETCH 1', 'FETCH 7', 'FETCH FORWARD 3', 'FETCH ALL']


def settings_of(cursor):
    """Names of modes that are settings only, with their statements."""
    modes = {'plain': '', 'parallel': PARALLEL}
    cursor.execute("SELECT name, setting FROM pg_settings WHERE name LIKE 'enable\\_%' ORDER BY name")
    for name, setting in cursor.fetchall():
        value = 'off' if setting == 'on' else 'on'
        modes['%s=%s' % (name, value)] = 'SET LOCAL %s = %s; ' % (name, value)
    # Where nested loops are off, hash and merge joins are tried one by one too.
    modes['merge only'] = 'SET LOCAL enable_hashjoin = off; SET LOCAL enable_nestloop = off; '
    modes['hash only'] = 'SET LOCAL enable_mergejoin = off; SET LOCAL enable_nestloop = off; '
    modes['loops only'] = 'SET LOCAL enable_mergejoin = off; SET LOCAL enable_hashjoin = off; '
    modes['seqscan only'] = ('SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; '
                             'SET LOCAL enable_indexonlyscan = off; ')
    modes['partitionwise'] = ('SET LOCAL enable_partitionwise_join = on; '
                              'SET LOCAL enable_partitionwise_aggregate = on; ')
    modes['work_mem=64kB'] = 'SET LOCAL work_mem = 64; SET LOCAL hash_mem_multiplier = 1; '
    modes['no collapse'] = 'SET LOCAL join_collapse_limit = 1; SET LOCAL from_collapse_limit = 1; '
    modes['geqo'] = 'SET LOCAL geqo_threshold = 2; SET LOCAL geqo_seed = 0.3; '
    modes['costs'] = 'SET LOCAL random_page_cost = 0.01; SET LOCAL cpu_operator_cost = 5; '
    for name in ('force_parallel_mode', 'debug_parallel_query'):
        cursor.execute('SELECT 1 FROM pg_settings WHERE name = %s', (name,))
        if cursor.fetchone():
            for value in ('on', 'regress'):
                modes['%s=%s' % (name, value)] = 'SET LOCAL %s = %s; ' % (name, value)
    cursor.execute('SELECT pg_jit_available()')
    if cursor.fetchone()[0] == 't':
        modes['jit'] = ('SET LOCAL jit = on; SET LOCAL jit_above_cost = 0; '
                        'SET LOCAL jit_inline_above_cost = -1; SET LOCAL jit_optimize_above_cost = -1; ')
    return modes


CONSTANTS = ', constants'

# Ways to send a query, besides the plain one.
WAYS = ['generic', 'custom', 'generic elsewhere', 'generic by superuser', 'function elsewhere',
        'cursor',
        'scroll cursor', 'copy',
        'table', 'sql inlined', 'sql not inlined', 'plpgsql', 'plpgsql execute', 'plpgsql loop',
        'view',
        'first statement', 'held cursor']
# Without parameters, so that the generic plan contains the tags as constants.
WAYS += [way + CONSTANTS for way in ('generic elsewhere', 'generic by superuser',
                                     'function elsewhere', 'plpgsql')]


def literals(params):
    """The values of parameters as arguments of a call."""
    return ', '.join('%s::%s' % (p.literal, p.type_name) for p in params)


def column_list(types):
    """The columns of a result, with their types."""
    return ', '.join('c%d %s' % (i + 1, SQL_TYPES[t]) for i, t in enumerate(types))


def prepare_and_execute(text, params):
    """The texts of PREPARE, with a semicolon, and of EXECUTE."""
    prepare = 'PREPARE made_%s AS %s; ' % (
        ' (%s)' % ', '.join(p.type_name for p in params) if params else '', text)
    return prepare, 'EXECUTE made_%s' % (' (%s)' % literals(params) if params else '')


class Session:
    """The user's connection."""

    def __init__(self, connect, timeout):
        self.connect = connect
        self.timeout = timeout
        self.connection = None
        self.reconnect()
        # A superuser, who becomes the user once the query is planned.
        self.above = connect('postgres', '-c statement_timeout=%d' % timeout)

    def reconnect(self, options=''):
        """A new connection, with these settings from the start."""
        if self.connection is not None:
            self.connection.close()
        self.connection = self.connect('differential_app',
                                       '-c statement_timeout=%d %s' % (self.timeout, options))
        self.cursor = self.connection.cursor()

    def fetch(self, statements):
        """Run statements and return the rows of the last one."""
        self.cursor.execute(statements)
        return self.cursor.fetchall()

    def run(self, way, settings, identity, other, query, types, dropped=frozenset()):
        """The rows of a query, sent in one of the ways; the transaction is rolled back."""
        try:
            return self.send(way, settings, identity, other, query, types, dropped)
        finally:
            self.connection.rollback()

    def send(self, way, settings, identity, other, query, types, dropped):
        """run(), but the transaction stays open."""
        start = settings + identity.settings()
        if way is None:
            return self.fetch(start + user_text(query, dropped))
        if way == 'first statement':
            self.reconnect('-c casnet.user_id=%s -c casnet.tenant_id=%s' % (identity.user,
                                                                            identity.tenant))
            return self.fetch(user_text(query, dropped))
        if way in ('cursor', 'scroll cursor', 'held cursor'):
            return self.by_cursor(way, start, user_text(query, dropped))
        if way == 'copy':
            return self.by_copy(start, user_text(query, dropped))
        if way == 'table':
            return self.fetch(start + 'CREATE TEMP TABLE made_ ON COMMIT DROP AS %s; SELECT * FROM made_'
                              % user_text(query, dropped))
        if way == 'view':
            return self.fetch(start + 'CREATE TEMP VIEW made_ AS %s; SELECT * FROM made_' % user_text(query, dropped))
        params = []
        if way.endswith(CONSTANTS):
            way = way[:-len(CONSTANTS)]
            text = user_text(query, dropped)
        else:
            text = user_text(query, dropped, params)
        if way == 'generic by superuser':
            return self.planned_above(settings, identity, other, text, params)
        if way in ('generic', 'custom', 'generic elsewhere'):
            return self.prepared(way, start, settings, identity, other, text, params)
        return self.by_function(way, start, settings, identity, other, text, params, types)

    def by_cursor(self, way, start, text):
        """Fetch in pieces."""
        kind = {'cursor': 'CURSOR', 'scroll cursor': 'SCROLL CURSOR',
                'held cursor': 'CURSOR WITH HOLD'}[way]
        self.cursor.execute(start + 'DECLARE made_ %s FOR %s' % (kind, text))
        rows = []
        for fetch in FETCHES:
            rows += self.fetch(fetch + ' FROM made_')
        if way == 'scroll cursor':
            rows = self.fetch('MOVE ABSOLUTE 0 FROM made_; FETCH ALL FROM made_')
        return rows

    def by_copy(self, start, text):
        """COPY (query) TO, read back into rows by the server."""
        self.cursor.execute(start)
        sink = Sink()
        self.cursor.copy_expert("COPY (%s) TO STDOUT (FORMAT csv, FORCE_QUOTE *)" % text, sink)
        return sink.rows()

    def prepared(self, way, start, settings, identity, other, text, params):
        """PREPARE and EXECUTE; elsewhere: another user has prepared and executed it before."""
        self.cursor.execute('DEALLOCATE ALL')
        mode = 'custom' if way == 'custom' else 'generic'
        plan = 'SET LOCAL plan_cache_mode = force_%s_plan; ' % mode
        prepare, execute = prepare_and_execute(text, params)
        if way == 'generic elsewhere':
            self.cursor.execute(settings + plan + other.settings() + prepare + execute)
            return self.fetch(identity.settings() + execute)
        return self.fetch(start + plan + prepare + execute)

    def planned_above(self, settings, identity, other, text, params):
        """Planned by a superuser, whom no policy binds, and executed by the user."""
        cursor = self.above.cursor()
        prepare, execute = prepare_and_execute(text, params)
        try:
            cursor.execute('DEALLOCATE ALL')
            cursor.execute(settings + 'SET LOCAL plan_cache_mode = force_generic_plan; ' + other.settings() +
                           prepare + 'EXPLAIN ' + execute)
            cursor.execute('SET LOCAL SESSION AUTHORIZATION differential_app; ' + identity.settings() + execute)
            return cursor.fetchall()
        finally:
            self.above.rollback()

    def by_function(self, way, start, settings, identity, other, text, params, types):
        """Inside a function of the user's own."""
        arguments = ', '.join(p.type_name for p in params)
        call = 'SELECT * FROM pg_temp.made_(%s) AS x (%s)' % (literals(params), column_list(types))
        if way.startswith('sql'):
            volatility = 'STABLE' if way == 'sql inlined' else 'VOLATILE'
            body, language = text, 'sql ' + volatility
        elif way == 'plpgsql execute':
            using = ' USING ' + ', '.join('$%d' % (i + 1) for i in range(len(params))) if params else ''
            body = 'BEGIN RETURN QUERY EXECUTE $q$%s$q$%s; END' % (text, using)
            language = 'plpgsql STABLE'
        elif way == 'plpgsql loop':
            body = 'DECLARE r_ record; BEGIN FOR r_ IN %s LOOP RETURN NEXT r_; END LOOP; END' % text
            language = 'plpgsql'
        else:
            body = 'BEGIN RETURN QUERY %s; END' % text
            language = 'plpgsql'
        make = 'CREATE FUNCTION pg_temp.made_(%s) RETURNS SETOF record LANGUAGE %s AS $f$%s$f$; ' % (
            arguments, language, body)
        if way == 'function elsewhere':
            plan = 'SET LOCAL plan_cache_mode = force_generic_plan; '
            self.cursor.execute(settings + plan + other.settings() + make + call)
            return self.fetch(identity.settings() + call)
        return self.fetch(start + make + call)


class Sink:
    """Receives CSV of COPY in which every value but NULL is quoted."""

    def __init__(self):
        self.pieces = []

    def write(self, piece):
        """Called with each piece."""
        self.pieces.append(piece if isinstance(piece, bytes) else piece.encode())

    def rows(self):
        """Tuples of strings, None for NULL."""
        text = b''.join(self.pieces).decode()
        rows, row, i = [], [], 0
        while i < len(text):
            value = None
            if text[i] == '"':
                value = ''
                i += 1
                while True:
                    end = text.index('"', i)
                    value += text[i:end]
                    i = end + 1
                    if i < len(text) and text[i] == '"':
                        value += '"'
                        i += 1
                    else:
                        break
            row.append(value)
            if text[i] == '\n':
                rows.append(tuple(row))
                row = []
            i += 1
        return rows
