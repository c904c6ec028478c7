"""Calls every function of casnet with bad input and judges what comes back.

A call can succeed, or fail with an error of casnet's, or of the server's, that is in the
lists below.  It never ends in an internal error, a lost connection or a warning.  An error
of casnet's always has a hint, and a failed call leaves everything as it was.  The
functions, operators and types come from the catalogs.  A function with a type that
values.py does not know fails the run.
"""
import argparse
import glob
import os
import random
import re
import sys
import time

import psycopg2
import psycopg2.extensions

import documents
import values

DATABASE = 'casnet_input'
HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = glob.glob(os.path.join(HERE, '../../src/*.c'))
# (file, function): the server has a uuid.c too.
OUR_FUNCTIONS = {(os.path.basename(path), name) for path in SOURCES for name in re.findall(r'^(\w+)\(', open(path).read(), re.M)}

# What casnet raises itself: the table of errors in docs/functions.md, and what the
# server would raise in its place.
OUR_STATES = {'28000', '28P01', '55000', '42501', 'P0002', '22023', '23505', '23503', '23514',
              '39P01', '42804', '42809', '0A000', '54001', '42P01', '42703', '23502', '2BP01', '25006', '3F000', '42710', '55006',
              '22001', '22008', '39P03', '40001', '55P03', '54000'}
# What the server raises by itself: bad data, constraints, names, limits, missing
# features, read-only transactions, a cancelled statement.
SERVER_CLASSES = {'22', '23', '42', '54', '0A'}
SERVER_STATES = {'25006', '57014', '2BP01', '53200', '3D000', '3F000', '39P03'}
# (SQLSTATE, function): reading the fixture's foreign table; a login without enough time, or
# while too many wait, as on a fast machine.
UNUSUAL = {('55000', 'GetFdwRoutineByServerId'), ('57014', 'require_time'), ('53300', 'refuse_to_wait')}

FIXTURE = f"""
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION casnet;
INSERT INTO casnet.users (id, username, email, hashed_password) VALUES
    ('{values.OLGA}', 'olga', 'olga@input.test', NULL), ('{values.MIA}', 'mia', 'mia@input.test', NULL);
INSERT INTO casnet.tenants (id, name) VALUES ('{values.NORTH}', 'North'), ('{values.SOUTH}', 'South');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES
    ('{values.OLGA}', '{values.NORTH}', 'owner'), ('{values.MIA}', '{values.NORTH}', 'member'),
    ('{values.MIA}', '{values.SOUTH}', 'owner');
INSERT INTO casnet.records (tenant_id, id, title, content) VALUES
    ('{values.NORTH}', '{values.RECORD}', 'a letter', 'about ' || chr(128512)),
    ('{values.SOUTH}', '{values.RECORD}', 'another letter', '');
INSERT INTO casnet.persons (tenant_id, name) VALUES ('{values.NORTH}', 'Anders'), ('{values.SOUTH}', 'Bersi');
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id)
    SELECT tenant_id, '{values.RECORD}', id FROM casnet.persons;
INSERT INTO casnet.tags (tenant_id, name) VALUES ('{values.NORTH}', 'urgent'), ('{values.NORTH}', 'late'), ('{values.SOUTH}', 'urgent');
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
    SELECT tenant_id, '{values.RECORD}', id FROM casnet.tags WHERE name = 'urgent';
INSERT INTO casnet.role_permissions (role, permission) VALUES ('owner', 'edit_invoices');
SELECT casnet.add_signing_key('input');
CREATE TABLE public.input_invoices (id uuid NOT NULL DEFAULT gen_random_uuid(), amount numeric, PRIMARY KEY (id));
CREATE TABLE public.input_documents (document jsonb);
INSERT INTO public.input_documents SELECT casnet.export_tenant('{values.NORTH}');
CREATE VIEW public.input_view AS SELECT 1 AS tenant_id;
CREATE SEQUENCE public.input_sequence;
CREATE TABLE public.input_partitioned (tenant_id uuid, document jsonb) PARTITION BY LIST (tenant_id);
CREATE TABLE public.input_partition PARTITION OF public.input_partitioned DEFAULT;
CREATE TABLE public.input_inherited () INHERITS (public.input_documents);
CREATE TABLE public."input_odd" ("a""b" jsonb, ctids tid[], PRIMARY KEY ("a""b"));
CREATE DOMAIN public.input_id AS uuid;
CREATE TABLE public.input_domain (tenant_id public.input_id, id public.input_id);
CREATE TYPE public.input_type AS (tenant_id uuid);
CREATE FOREIGN DATA WRAPPER input_wrapper;
CREATE SERVER input_server FOREIGN DATA WRAPPER input_wrapper;
CREATE FOREIGN TABLE public.input_foreign (tenant_id uuid, document jsonb) SERVER input_server;
ALTER TABLE public.input_invoices OWNER TO input_admin;
GRANT ALL ON ALL TABLES IN SCHEMA public TO input_user, input_app, input_admin;
GRANT ALL ON SCHEMA public TO input_user, input_app, input_admin;
-- What a hostile search_path finds before the server's own.
CREATE SCHEMA input_hostile;
GRANT ALL ON SCHEMA input_hostile TO PUBLIC;
CREATE FUNCTION input_hostile.boom() RETURNS boolean LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'somebody else''s function was called' USING ERRCODE = 'XX000'; END$$;
CREATE FUNCTION input_hostile.eq(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT input_hostile.boom()';
CREATE FUNCTION input_hostile.eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT input_hostile.boom()';
CREATE OPERATOR input_hostile.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = input_hostile.eq);
CREATE OPERATOR input_hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = input_hostile.eq);
CREATE OPERATOR input_hostile.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = input_hostile.eq);
CREATE FUNCTION input_hostile.lower(text) RETURNS text LANGUAGE sql AS 'SELECT input_hostile.boom()::text';
CREATE FUNCTION input_hostile.btrim(text) RETURNS text LANGUAGE sql AS 'SELECT input_hostile.boom()::text';
CREATE FUNCTION input_hostile.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS 'SELECT input_hostile.boom()::text';
CREATE FUNCTION input_hostile.unnest(anyarray) RETURNS SETOF text LANGUAGE sql AS 'SELECT input_hostile.boom()::text';
CREATE FUNCTION input_hostile.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT input_hostile.boom()::text::timestamptz';
"""

# name: (login role, settings of its own)
SIGNED_IN = f'-c casnet.user_id={values.OLGA} -c casnet.tenant_id={values.NORTH}'
SESSIONS = {
    'member': ('input_app', SIGNED_IN), 'nobody': ('input_user', ''), 'admin': ('input_admin', ''),
    'superuser': ('postgres', ''), 'superuser signed in': ('postgres', SIGNED_IN),
}

# Seconds after which a call with a value near 1 GB is cancelled.
HUGE_PATIENCE = 20

HOSTILE = 'SET LOCAL search_path = input_hostile, pg_catalog, public; '

# A context: statements before the call, within its transaction.
CONTEXTS = {
    'read only': 'SET TRANSACTION READ ONLY',
    'hostile path': HOSTILE[:-2],
    'no path': "SET LOCAL search_path = ''",
    # Before 19, also plain strings in which a backslash escapes.
    'old strings': 'SET LOCAL backslash_quote = on',
    'styles': "SET LOCAL datestyle = 'German, DMY'; SET LOCAL intervalstyle = sql_standard; SET LOCAL timezone = 'Asia/Kathmandu';"
              " SET LOCAL bytea_output = escape; SET LOCAL extra_float_digits = -15; SET LOCAL xmlbinary = hex",
    'nulls': 'SET LOCAL transform_null_equals = on; SET LOCAL array_nulls = off',
    'parallel': None,
    'generic plan': 'SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL jit = on; SET LOCAL jit_above_cost = 0',
    'serializable': 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
    'deferrable': 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE',
    'replica': None,
    'latin1 client': "SET LOCAL client_encoding = 'LATIN1'",
    'small memory': 'SET LOCAL work_mem = 64;',
    'no row security': 'SET LOCAL row_security = off',
}


class Lost(Exception):
    """The connection was lost; a crash of the server ends all others too."""


class Judge:
    """Counts the calls and keeps what was wrong with them."""

    def __init__(self, seed):
        self.seed = seed
        self.calls = 0
        self.refused = 0
        self.cut_short = {}
        self.states = {}
        self.of_server = {}
        self.failures = []

    def fail(self, session, statement, expected, seen):
        """Note a defect, with all that is needed to reproduce it."""
        kind = (' '.join(re.findall(r'casnet(?:_internal)?\.\w+|^\w+', statement)[:2]), str(seen)[:40])
        self.failures.append(kind)
        if self.failures.count(kind) <= 2 and len(self.failures) <= 1000:
            print(f'failed: as {session} (seed {self.seed}): {statement[:600]}\n'
                  f'    expected: {expected}\n    seen: {seen}', flush=True)

    def judge_error(self, session, function, statement, error):
        """Check that the error is one in which a call is allowed to end."""
        diag = error.diag
        state = error.pgcode
        if state is None:
            self.fail(session, statement, 'an answer', f'lost connection: {error}')
            return
        self.refused += 1
        self.states[state] = self.states.get(state, 0) + 1
        ours = (diag.source_file, diag.source_function) in OUR_FUNCTIONS or (
            diag.source_file == 'pl_exec.c' and diag.source_function == 'exec_stmt_raise')
        said = f'{state} {diag.message_primary[:300]} ({diag.source_file}, {diag.source_function})'
        if (state, diag.source_function) in UNUSUAL:
            return
        if ours:
            if state not in OUR_STATES:
                self.fail(session, statement, 'one of the SQLSTATEs of casnet', said)
            elif not (diag.message_hint or '').strip():
                self.fail(session, statement, 'a hint', said)
            return
        kind = (function, state, re.sub(r'"[^"]*"|[0-9]+', '_', diag.message_primary)[:90], diag.source_function)
        self.of_server.setdefault(kind, statement)
        if state not in SERVER_STATES and (state[:2] not in SERVER_CLASSES or 'invalid memory alloc' in said):
            self.fail(session, statement, 'success, or an error of a class that calls may end in', said)


class Session:
    """A connection as one role."""

    def __init__(self, name, judge, database=DATABASE):
        self.name = name
        self.judge = judge
        self.database = database
        self.connection = None
        self.open()

    def open(self):
        """Connect."""
        role, options = SESSIONS[self.name]
        self.connection = psycopg2.connect(dbname=self.database, user=role, options=options)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()

    def run(self, statement):
        """Run what must work; return its first row, or None."""
        self.cursor.execute(statement)
        return self.cursor.fetchone() if self.cursor.description else None

    def call(self, function, statement, before=''):
        """Run a call, which is allowed to fail, and judge it; True if it succeeded."""
        self.judge.calls += 1
        accepted = False
        try:
            self.cursor.execute(before + statement)
            accepted = True
        except UnicodeEncodeError:
            self.judge.calls -= 1
        except (psycopg2.Error, psycopg2.Warning) as error:
            self.judge.judge_error(self.name, function, statement, error)
            if self.connection.closed:
                raise Lost() from error
        for notice in self.connection.notices:
            if notice.startswith(('WARNING', 'PANIC')) and 'leak' in notice or 'not closed' in notice:
                self.judge.fail(self.name, statement, 'no warning', notice.strip())
        del self.connection.notices[:]
        return accepted

    def begin(self, context=''):
        """Begin a transaction with a savepoint that each call returns to."""
        self.cursor.execute('BEGIN; ' + (context + '; ' if context else '') + 'SAVEPOINT s')

    def end(self):
        """Undo everything."""
        self.cursor.execute('ROLLBACK')

    def identity(self):
        """What a call that was undone must not have changed."""
        # A setting that nobody has read yet is NULL.
        return self.run("SELECT current_user, coalesce(current_setting('casnet.user_id', true), ''), coalesce(current_setting('casnet.tenant_id', true), ''),"
                        " coalesce(current_setting('casnet.token', true), ''), current_setting('search_path'), current_setting('client_encoding'),"
                        " current_setting('row_security'), current_setting('session_replication_role')")


def state_of(session):
    """A digest of all rows of casnet and of its catalog entries."""
    rows = "SELECT string_agg(format('SELECT %L || md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '''')) FROM %s AS t'," \
           " c.oid::regclass, c.oid::regclass), ' UNION ALL ' ORDER BY c.oid) FROM pg_class AS c" \
           " WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace, 'public'::regnamespace) AND c.relkind IN ('r', 'p')"
    statement = session.run(rows)[0]
    digest = session.run(f'SELECT md5(string_agg(d, chr(10) ORDER BY d)) FROM ({statement}) AS x (d)')[0]
    catalogs = session.run(
        "SELECT md5(string_agg(x, chr(10) ORDER BY x)) FROM (SELECT format('%s %s %s', c.oid::regclass, c.relacl, c.relrowsecurity) FROM pg_class AS c"
        " WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace, 'public'::regnamespace)"
        " UNION ALL SELECT format('%s %s %s %s', p.polname, p.polrelid, p.polqual, p.polroles) FROM pg_policy AS p"
        " UNION ALL SELECT format('%s %s %s', t.tgname, t.tgrelid, t.tgenabled) FROM pg_trigger AS t"
        " UNION ALL SELECT format('%s %s', p.oid, p.proacl) FROM pg_proc AS p WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)) AS y (x)")[0]
    return digest, catalogs


def functions_of(session):
    """Every function of the schemas: name, the name with its schema, argument names, types and so on."""
    session.cursor.execute("""
        SELECT p.oid::int8, p.proname, format('%I.%I', p.pronamespace::regnamespace, p.proname), coalesce(p.proargnames, '{}'), coalesce(p.proargmodes::text[], '{}'),
               ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS u (t, n) ORDER BY n),
               format_type(p.prorettype, NULL), p.provariadic <> 0, p.proparallel = 's', p.pronargdefaults
          FROM pg_proc AS p WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) ORDER BY p.proname, p.oid""")
    found = []
    for oid, name, place, names, modes, types, result, variadic, parallel, defaults in session.cursor.fetchall():
        inputs = [n for n, m in zip(names, modes) if m in 'iv'] if modes else list(names)
        inputs += [''] * (len(types) - len(inputs))
        found.append({'name': name, 'place': place, 'names': inputs, 'types': types, 'result': result, 'variadic': variadic,
                      'parallel': parallel, 'defaults': defaults})
    return found


def call_text(function, arguments, named=False):
    """SELECT of a call with these expressions."""
    shown = [f'({value})::{type_name}' if type_name != 'internal' and value != 'NULL' else
             (value if type_name == 'internal' else f'NULL::{type_name}')
             for value, type_name in zip(arguments, function['types'])]
    if named and all(function['names']):
        shown = [f'"{name}" => {text}' for name, text in zip(function['names'], shown)]
    if function['variadic'] and shown:
        shown[-1] = 'VARIADIC ' + shown[-1]
    return f"SELECT {function['place']}({', '.join(shown)})"


def calls_of(function, chance):
    """All calls of a function: each argument with all its values, NULLs, and random ones."""
    types = function['types']
    base = [values.usual(t, n) for t, n in zip(types, function['names'])]
    first = [call_text(function, base), call_text(function, ['NULL'] * len(types)), call_text(function, base, named=True),
             f"SELECT * FROM {function['place']}({', '.join(['NULL'] * len(types))})",
             f"SELECT {function['place']}({', '.join(['NULL'] * (len(types) + 1))})"]
    if function['variadic']:
        first.append(f"SELECT {function['place']}({', '.join(['NULL'] * (len(types) + 2))})")
    rest = []
    first[1:1] = [HOSTILE + first[0]]
    for place, type_name in enumerate(types):
        for value in ['NULL'] + list(values.values_of(type_name)):
            rest.append(call_text(function, base[:place] + [value] + base[place + 1:]))
    for _ in range(10 * len(types)):
        rest.append(call_text(function, [chance.choice(['NULL'] + list(values.values_of(t))) if chance.random() < 0.7 else b
                                         for t, b in zip(types, base)], named=chance.random() < 0.2))
    chance.shuffle(rest)
    return first + [HOSTILE + call if chance.random() < 0.1 else call for call in rest]


def try_functions(sessions, functions, judge, chance, options):
    """Every function with every value, as every session, undone each time."""
    end = time.monotonic() + options.functions
    for number, function in enumerate(functions):
        if function['result'] in ('trigger', 'event_trigger'):
            continue
        for place, (name, session) in enumerate(sessions.items()):
            calls = calls_of(function, chance)
            # A share of the time left; what one function does not need is left to the others.
            now = time.monotonic()
            deadline = now + max(0, end - now) / ((len(functions) - number) * len(sessions) - place) * 4
            session.begin()
            before = session.identity()
            for done, statement in enumerate(calls):
                if done >= 3 and time.monotonic() > min(deadline, end + 10):
                    judge.cut_short[function['name']] = judge.cut_short.get(function['name'], 0) + len(calls) - done
                    break
                session.call(function['name'], statement, 'ROLLBACK TO s; ')
            session.cursor.execute('ROLLBACK TO s')
            if session.identity() != before:
                judge.fail(name, function['place'], before, session.identity())
            session.end()
    return


def try_huge(sessions, functions, judge, chance, seconds):
    """Every argument near the largest value of its type; return the numbers of calls left out and of calls cancelled."""
    calls = []
    for function in functions:
        if function['result'] in ('trigger', 'event_trigger'):
            continue
        base = [values.usual(t, n) for t, n in zip(function['types'], function['names'])]
        for place, type_name in enumerate(function['types']):
            for number, value in enumerate(values.ENORMOUS.get(type_name, [])):
                statement = call_text(function, base[:place] + [value] + base[place + 1:])
                # That session gets furthest; the first value is tried by another session too.
                calls.append((function['name'], statement, 'superuser signed in'))
                if number == 0:
                    calls.append((function['name'], statement, chance.choice(['member', 'nobody', 'admin', 'superuser'])))
    chance.shuffle(calls)
    end = time.monotonic() + seconds
    cancelled = 0
    for done, (function, statement, name) in enumerate(calls):
        if time.monotonic() > end:
            return len(calls) - done, cancelled
        session = sessions[name]
        session.begin(f'SET LOCAL statement_timeout = {HUGE_PATIENCE * 1000}')
        before = session.identity()
        began = time.monotonic()
        session.call(function, statement, 'ROLLBACK TO s; ')
        took = time.monotonic() - began
        if took > HUGE_PATIENCE:
            cancelled += 1
            print(f'{took:.1f} s: as {name}: {statement}', flush=True)
        # An error that quotes its argument takes long to send and to log.
        if took > 300:
            judge.fail(name, statement, f"an end once it is cancelled after {HUGE_PATIENCE} s", f'{took:.0f} s')
        session.cursor.execute('ROLLBACK TO s')
        if session.identity() != before:
            judge.fail(name, statement, before, session.identity())
        session.end()
    return 0, cancelled


def try_contexts(sessions, functions, judge, chance, seconds):
    """Calls taken at random, in all kinds of transactions, until the time is over."""
    deadline = time.monotonic() + seconds
    callable_ones = [f for f in functions if f['result'] not in ('trigger', 'event_trigger') and not f['name'].startswith('login')]
    version = sessions['superuser'].connection.server_version
    forced = 'debug_parallel_query' if version >= 160000 else 'force_parallel_mode'
    parallel = (f'SET LOCAL {forced} = on; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0;'
                ' SET LOCAL min_parallel_table_scan_size = 0')
    rounds = 0
    while time.monotonic() < deadline or rounds == 0:
        rounds += 1
        for context, settings in CONTEXTS.items():
            name = chance.choice(list(sessions))
            session = sessions[name]
            if context == 'parallel':
                settings = parallel
            if context == 'replica':
                if not name.startswith('superuser'):
                    continue
                settings = 'SET LOCAL session_replication_role = replica'
            if context == 'old strings' and version < 190000:
                settings += '; SET LOCAL standard_conforming_strings = off; SET LOCAL escape_string_warning = off'
            among = [f for f in callable_ones if f['parallel']] if context == 'parallel' else callable_ones
            session.begin(settings)
            before = session.identity()
            for function in chance.sample(among, min(20, len(among))):
                statement = chance.choice(calls_of(function, chance))
                session.call(function['name'], statement, 'ROLLBACK TO s; ')
            session.cursor.execute('ROLLBACK TO s')
            if session.identity() != before:
                judge.fail(name, f'context {context}', before, session.identity())
            session.end()
        # Cancelled in the middle; the time counts from the start of the message.
        session = sessions[chance.choice(list(sessions))]
        for function in chance.sample(callable_ones, 10):
            session.begin(f'SET LOCAL statement_timeout = {chance.randint(1, 8)}')
            session.call(function['name'], chance.choice(calls_of(function, chance)), 'ROLLBACK TO s; ')
            session.end()
        # In a transaction that has failed already, every call ends in 25P02.
        session.begin()
        for function in chance.sample(callable_ones, 5):
            try:
                session.cursor.execute('SELECT 1/0')
            except psycopg2.Error:
                pass
            statement = call_text(function, [values.usual(t, n) for t, n in zip(function['types'], function['names'])])
            judge.calls += 1
            try:
                session.cursor.execute(statement)
                judge.fail(session.name, statement, '25P02', 'success')
            except psycopg2.Error as error:
                if error.pgcode != '25P02':
                    judge.fail(session.name, statement, '25P02', str(error))
        session.end()
    return rounds


def try_triggers(sessions, functions, judge, chance, long_run):
    """Call trigger functions by hand, and on tables for which they are not made."""
    shapes = ['()', '(id uuid)', '(tenant_id uuid, id uuid, updated_at timestamptz, status text, completed_at timestamptz)',
              '(tenant_id text, id text, updated_at text, status integer, completed_at integer, user_id jsonb, role integer, permission xml)',
              '(a integer, tenant_id uuid, user_id uuid, role text, permission text, updated_at timestamptz)']
    kinds = [('BEFORE', 'ROW'), ('AFTER', 'ROW'), ('BEFORE', 'STATEMENT'), ('AFTER', 'STATEMENT')]
    for function in functions:
        if function['result'] not in ('trigger', 'event_trigger'):
            continue
        for name, session in sessions.items():
            session.begin()
            for statement in (f"SELECT {function['place']}()", f"SELECT * FROM {function['place']}()",
                              f"SELECT {function['place']}(NULL)"):
                if session.call(function['name'], statement, 'ROLLBACK TO s; '):
                    judge.fail(name, statement, 'an error', 'success')
            session.end()
            if function['result'] == 'event_trigger' or name not in ('admin', 'superuser', 'superuser signed in'):
                continue
            end = time.monotonic() + (60 if long_run else 0.7)
            for shape in chance.sample(shapes, len(shapes)):
                columns = [c.strip().split()[0] for c in shape.strip('()').split(',') if c]
                for when, level in kinds:
                    given = ['', "''", "'records', 'x'", 'repeat', "'tasks', 'record_id'", "'tasks', 'record_id', 'id'"]
                    for argument in given if long_run else chance.sample(given, 2):
                        if time.monotonic() > end:
                            break
                        arguments = "'" + 'x' * 3000 + "'" if argument == 'repeat' else argument
                        events = 'INSERT OR UPDATE OR DELETE' + (' OR TRUNCATE' if level == 'STATEMENT' else '')
                        session.begin()
                        made = (f'CREATE TEMP TABLE input_trigger {shape}; INSERT INTO input_trigger DEFAULT VALUES;'
                                f" CREATE TRIGGER t {when} {events} ON input_trigger FOR EACH {level} EXECUTE FUNCTION {function['place']}({arguments})")
                        try:
                            session.cursor.execute(made + '; SAVEPOINT s')
                        except psycopg2.Error:
                            session.call(function['name'], made, 'ROLLBACK TO s; ')
                            session.end()
                            continue
                        statements = ['INSERT INTO input_trigger DEFAULT VALUES', 'DELETE FROM input_trigger', 'TRUNCATE input_trigger']
                        if columns:
                            statements += [f'UPDATE input_trigger SET {columns[0]} = NULL',
                                           f'INSERT INTO input_trigger SELECT * FROM input_trigger ON CONFLICT DO NOTHING',
                                           f'MERGE INTO input_trigger USING (SELECT 1) AS x ON true WHEN MATCHED THEN DELETE']
                        for statement in statements:
                            session.call(function['name'], f'{statement} /* {made} */', 'ROLLBACK TO s; ')
                        session.end()


def try_operators(sessions, judge, chance):
    """Every operator of the schemas, between all pairs of values that it accepts."""
    session = sessions['superuser']
    session.cursor.execute("SELECT format('%s.%s', oprnamespace::regnamespace, oprname), format_type(oprleft, NULL),"
                           " format_type(oprright, NULL) FROM pg_operator WHERE oprnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)")
    operators = session.cursor.fetchall()
    for operator, left, right in operators:
        for name in ('member', 'nobody'):
            sessions[name].begin()
            for a in ['NULL'] + list(values.values_of(left)):
                for b in chance.sample(['NULL'] + list(values.values_of(right)), 4):
                    sessions[name].call(operator, f'SELECT ({a})::{left} OPERATOR({operator}) ({b})::{right}', 'ROLLBACK TO s; ')
            sessions[name].end()
    casts = session.run("SELECT count(*) FROM pg_cast AS c JOIN pg_proc AS p ON p.oid = c.castfunc WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)")[0]
    if casts:
        judge.fail('superuser', 'pg_cast', 'no cast of casnet, since none is tried here', casts)


def try_settings(sessions, judge):
    """Every setting of casnet with every text; a refused value leaves the old one."""
    session = sessions['superuser']
    session.cursor.execute("SELECT name FROM pg_settings WHERE name LIKE 'casnet.%'")
    # The token is in no list.
    names = [row[0] for row in session.cursor.fetchall()] + ['casnet.token']
    if len(names) < 4 or names.count('casnet.token') != 1:
        judge.fail('superuser', 'pg_settings', 'the settings of casnet', names)
    for name in names + ['casnet.nonsense', 'casnet."x', 'casnet.']:
        for who, session in sessions.items():
            session.begin()
            for text in values.TEXTS + (values.HUGE_TEXTS if who == 'member' else []):
                session.cursor.execute('ROLLBACK TO s')
                before = session.identity()
                if not session.call('set_config', f"SELECT set_config('{name}', {text}, false)"):
                    session.cursor.execute('ROLLBACK TO s')
                    if session.identity() != before:
                        judge.fail(who, f"SELECT set_config('{name}', {text}, false)", before, session.identity())
            session.end()


def try_committed(sessions, functions, judge, chance, seconds):
    """Calls outside of a transaction: after a failed one, all rows are unchanged."""
    session = sessions['superuser']
    deadline = time.monotonic() + seconds
    state = state_of(session)
    done = 0
    able = [f for f in functions if f['result'] not in ('trigger', 'event_trigger') and not f['name'].startswith('login')]
    while time.monotonic() < deadline or done == 0:
        name = chance.choice(['member', 'nobody', 'admin'])
        function = chance.choice(able)
        before = sessions[name].identity()
        statement = chance.choice(calls_of(function, chance))
        accepted = sessions[name].call(function['name'], statement)
        done += 1
        new_state = state_of(session)
        if accepted:
            state = new_state
            if sessions[name].identity() != before:
                sessions[name].connection.close()
                sessions[name].open()
        elif new_state != state or sessions[name].identity() != before:
            judge.fail(name, statement, 'nothing changed by a refused call', 'something did')
            state = new_state
    return done


def self_test(session, judge):
    """Planted defects, each of which must be found."""
    planted = Judge(judge.seed)
    real, session.judge = session.judge, planted
    bodies = {'internal': "RAISE EXCEPTION 'x' USING ERRCODE = 'XX000', HINT = 'x';", 'unhinted': "RAISE EXCEPTION 'x' USING ERRCODE = '22023';",
              'odd': "RAISE EXCEPTION 'x' USING HINT = 'x';", 'leaking': "RAISE WARNING 'resource was not closed: leak';"}
    found = []
    for name, body in bodies.items():
        session.run(f'CREATE FUNCTION casnet.input_{name}() RETURNS void LANGUAGE plpgsql AS $$BEGIN {body} END$$')
        count = len(planted.failures)
        quiet = sys.stdout
        sys.stdout = open(os.devnull, 'w')
        try:
            session.call(f'input_{name}', f'SELECT casnet.input_{name}()')
        finally:
            sys.stdout.close()
            sys.stdout = quiet
        if len(planted.failures) != count + 1:
            found.append(name)
        session.run(f'DROP FUNCTION casnet.input_{name}()')
    session.judge = real
    for name in found:
        judge.fail('superuser', f'self-test {name}', 'a failure', 'none')
    return len(bodies)


def maintenance_cursor():
    """A cursor in another database; after a crash it waits for the server."""
    for attempt in range(60):
        try:
            connection = psycopg2.connect(dbname='postgres')
            break
        except psycopg2.OperationalError:
            if attempt == 59:
                raise
            time.sleep(0.5)
    connection.autocommit = True
    return connection.cursor()


def drop_everything():
    """Remove the database and the roles, whether or not they are there."""
    cursor = maintenance_cursor()
    cursor.execute(f'DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)')
    for role in ('input_user', 'input_app', 'input_admin'):
        cursor.execute(f'DROP ROLE IF EXISTS {role}')


def main():
    """Parse the arguments, run everything, print the sums."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--long', action='store_true', help='every value, longer chance runs')
    parser.add_argument('--huge', action='store_true', help='values near 1 GB, and nothing else; takes 8 GB of memory')
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument('--seconds', type=float, help='of each of the chance runs')
    parser.add_argument('--only', help='a single function')
    parser.add_argument('--errors', action='store_true', help='list the kinds of errors that the server raised, with an example')
    options = parser.parse_args()
    options.functions = 3000 if options.long else 35
    seconds = options.seconds or (120 if options.long else 8)
    chance = random.Random(options.seed)
    judge = Judge(options.seed)
    print(f'seed {options.seed}', flush=True)

    drop_everything()
    try:
        cursor = maintenance_cursor()
        cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'")
        cursor.execute('CREATE ROLE input_user LOGIN; CREATE ROLE input_app LOGIN; CREATE ROLE input_admin LOGIN')
        if options.huge:
            # Errors that quote a value would fill the disk.
            cursor.execute(f'ALTER DATABASE {DATABASE} SET log_min_messages = fatal')
        superuser = Session('superuser', judge)
        superuser.run("SET client_min_messages = warning; " + FIXTURE)
        superuser.run('GRANT casnet_user TO input_user; GRANT casnet_authenticator TO input_app; GRANT casnet_admin, casnet_authenticator TO input_admin')
        sessions = {name: Session(name, judge) for name in SESSIONS}
        functions = [f for f in functions_of(superuser) if options.only in (None, f['name'])]
        for function in list(functions):
            for type_name in function['types']:
                if values.values_of(type_name) is None:
                    judge.fail('superuser', function['place'], 'a type that values.py knows', type_name)
                    functions.remove(function)
                    break
        checks = len(functions)
        checks += self_test(superuser, judge)
        state = state_of(superuser)
        started = time.monotonic()

        def progress(what):
            print(f'{what}: {judge.calls} calls so far, {judge.refused} refused, {len(judge.failures)} failed,'
                  f' {time.monotonic() - started:.0f} s', flush=True)

        if options.huge:
            left_out, cancelled = try_huge(sessions, functions, judge, chance, options.seconds or 7200)
            progress(f'values near 1 GB, {cancelled} cancelled after {HUGE_PATIENCE} s, {left_out} calls left out for lack of time')
            if state_of(superuser) != state:
                judge.fail('superuser', 'all calls that were undone', 'the rows and catalogs of before', 'others')
        else:
            try_functions(sessions, functions, judge, chance, options)
            progress(f'{len(functions)} functions, each as {len(sessions)} sessions')
            try_triggers(sessions, functions, judge, chance, options.long)
            progress('trigger functions by hand and on odd tables')
        if options.only is None and not options.huge:
            try_operators(sessions, judge, chance)
            try_settings(sessions, judge)
            progress('operators and settings')
            rounds = try_contexts(sessions, functions, judge, chance, seconds)
            progress(f'{rounds} rounds of {len(CONTEXTS)} contexts')
            if state_of(superuser) != state:
                judge.fail('superuser', 'all calls that were undone', 'the rows and catalogs of before', 'others')
            executed, accepted = documents.mutate(superuser, judge, chance, seconds)
            progress(f'documents and JWKs, mutational: {executed} executed, {accepted} accepted')
            checks += executed > 0
            if not executed or not accepted:
                judge.fail('superuser', 'documents', 'some accepted', f'{accepted} of {executed}')
            done = try_committed(sessions, functions, judge, chance, seconds / 2)
            progress(f'{done} calls not undone')
        if options.errors:
            for kind, statement in sorted(judge.of_server.items()):
                print(*kind, '|', statement[:200])
        if judge.cut_short:
            left = sorted(judge.cut_short.items(), key=lambda item: -item[1])
            print(f'left out for lack of time: {sum(judge.cut_short.values())} calls of {len(left)} functions; most: '
                  + ', '.join(f'{name} {count}' for name, count in left[:8]))
        print('errors by SQLSTATE: ' + ', '.join(f'{s} {n}' for s, n in sorted(judge.states.items(), key=lambda item: -item[1])))
    except Lost:
        print('the run ends with the connection', flush=True)
    finally:
        drop_everything()
    failed = len(judge.failures)
    if judge.calls == 0:
        failed += 1
    print(f'{judge.calls - failed if judge.calls else 0} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
