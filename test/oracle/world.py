"""The database of the test: two tenants, a user of one of them, the tables.

In every table the rows of the tenants lie side by side.  One row of tenant A has
the value OWN, one of tenant B the value HIDDEN, and none has NOWHERE.
"""

import psycopg2

ROLE = 'oracle_app'
OWN, HIDDEN, NOWHERE = 'value-own', 'value-hid', 'value-non'
TENANT_A = '00000000-0000-7000-8000-0000000000a0'
TENANT_B = '00000000-0000-7000-8000-0000000000b0'
USER = '00000000-0000-7000-8000-000000000001'
# the row of A that has OWN
OWN_ROW = '00000000-0000-7000-8000-0000000a0051'
IDENTITY = '-c casnet.user_id=%s -c casnet.tenant_id=%s' % (USER, TENANT_A)
TABLES = ('cases', 'many', 'parted')

COLUMNS = '''id uuid NOT NULL, tenant_id uuid NOT NULL, w text, n integer DEFAULT 0, h integer,
    k integer, o integer, q integer, y uuid,     a integer[] DEFAULT '{1}', b integer[] DEFAULT '{1,2}',
         ca text COLLATE "C" DEFAULT 'x',
    cb text COLLATE "POSIX" DEFAULT 'x', p point DEFAULT '(1,1)', g int4range DEFAULT '[1,5)',
    s tsvector DEFAULT 'word', filler text DEFAULT \'\''''

# Row n of each tenant; the letter of the tenant is in the row's id.
FILL = '''INSERT INTO public.{table} (id, tenant_id, w, h, k, o, q, y, filler)
SELECT ('00000000-0000-7000-8000-0000000' || letter || to_char(n, 'FM0000'))::uuid, t,
       CASE WHEN n <> {special} THEN letter || n WHEN letter = 'a' THEN '{own}' ELSE '{hidden}' END,
       n % 2, n, n, n, t, repeat('x', {filler})
  FROM generate_series(1, {rows}) AS n,
       (VALUES ('a', '{a}'::uuid), ('b', '{b}'::uuid)) AS v (letter, t) ORDER BY n, letter'''

INDEXES = '''
CREATE INDEX {table}_w ON public.{table} (w);
CREATE INDEX {table}_covering ON public.{table} (w, n) INCLUDE (id, tenant_id, h, k, o, q, y, a, b, ca, cb);
CREATE INDEX {table}_hash ON public.{table} USING hash (k);
CREATE INDEX {table}_point ON public.{table} USING gist (p);
CREATE INDEX {table}_range ON public.{table} USING gist (g);
CREATE INDEX {table}_words ON public.{table} USING gin (s);
CREATE INDEX {table}_block ON public.{table} USING brin (o) WITH (pages_per_range = 4);
CREATE INDEX {table}_expression ON public.{table} (nullif(h, 5), (w = 'no'));
CREATE INDEX {table}_partial ON public.{table} (n) WHERE q = 51;
'''

# What an application role creates to reveal values.
TELLING = '''
CREATE FUNCTION public.tell() RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1e-37 AS $$
BEGIN
    PERFORM set_config('mine.n', (current_setting('mine.n')::integer + 1)::text, false);
    RETURN true;
END$$;
CREATE FUNCTION public.tell_volatile() RETURNS boolean LANGUAGE plpgsql VOLATILE PARALLEL SAFE COST 1e-37
    AS $$BEGIN RETURN public.tell(); END$$;
CREATE FUNCTION public.tell_error_volatile() RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL SAFE COST 1e-37
    AS $$BEGIN RAISE 'told'; END$$;
CREATE FUNCTION public.tell_dear() RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE COST 100000
    AS $$BEGIN RETURN public.tell(); END$$;
CREATE FUNCTION public.tell_error() RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1e-37
    AS $$BEGIN RAISE 'told'; END$$;
CREATE FUNCTION public.tell_notice() RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1e-37
    AS $$BEGIN RAISE NOTICE 'told'; RETURN true; END$$;
CREATE FUNCTION public.tell_uuid() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1e-37
    AS $$BEGIN PERFORM public.tell(); RETURN NULL; END$$;
CREATE FUNCTION public.tell_named(x boolean, y boolean DEFAULT true) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1e-37 AS $$BEGIN RETURN public.tell(); END$$;
CREATE FUNCTION public.tell_any(x integer, y integer) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1e-37 AS $$BEGIN RETURN public.tell(); END$$;
CREATE OPERATOR public.=== (FUNCTION = public.tell_any, LEFTARG = integer, RIGHTARG = integer);
CREATE TYPE public.pair AS (x boolean, y text);
CREATE FUNCTION public.tell_pair() RETURNS public.pair LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1e-37
    AS $$BEGIN RETURN ROW(public.tell(), 'y')::public.pair; END$$;
CREATE TABLE public.elder (x boolean);
CREATE TABLE public.child (y integer) INHERITS (public.elder);
CREATE FUNCTION public.tell_child() RETURNS public.child LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1e-37
    AS $$BEGIN RETURN ROW(public.tell(), 1)::public.child; END$$;
CREATE DOMAIN public.positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN public.other AS text CHECK (VALUE <> current_setting('mine.value'));
CREATE DOMAIN public.told AS boolean CHECK (VALUE IS NULL OR public.tell());
CREATE SEQUENCE public.told_numbers CACHE 1;
CREATE TABLE public.bait (x uuid, y uuid, w text);
INSERT INTO public.bait VALUES ('{a}', '{a}', '{own}'), ('{b}', '{b}', '{hidden}'), (NULL, NULL, '{nowhere}');
-- What a policy compares is a class of equal values, whose comparisons come as early as a policy.
CREATE TABLE public.lure (x uuid, y uuid, at tid);
ALTER TABLE public.lure ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.lure FORCE ROW LEVEL SECURITY;
CREATE POLICY a_class ON public.lure USING (x = y);
CREATE TABLE public.places (at tid);
CREATE TABLE public.sink (id uuid, w text);
INSERT INTO public.sink VALUES ('{row}', 'kept');
'''

VIEWS = '''
CREATE VIEW public.plain_{table} AS SELECT *, ctid, tableoid FROM public.{table};
CREATE VIEW public.barrier_{table} WITH (security_barrier) AS SELECT *, ctid, tableoid FROM public.{table};
CREATE FUNCTION public.listing_{table}() RETURNS SETOF public.plain_{table} LANGUAGE sql STABLE
    AS 'SELECT * FROM public.plain_{table}';
CREATE VIEW public.invoker_{table} WITH (security_invoker) AS SELECT *, ctid, tableoid FROM public.{table};
'''


def connect(database, role=None, **more):
    """A connection, as the superuser or as the role of the application."""
    if role:
        more['user'] = role
    connection = psycopg2.connect(dbname=database, **more)
    connection.autocommit = True
    return connection


def drop(names):
    """Drop the databases of these names, and the role."""
    cursor = connect('postgres').cursor()
    for name in names:
        cursor.execute('DROP DATABASE IF EXISTS %s WITH (FORCE)' % name)
    cursor.execute('DROP ROLE IF EXISTS %s' % ROLE)


def make_table(cursor, table, rows, filler):
    """Make one protected table, with its rows and indexes."""
    partitions = ' PARTITION BY LIST (h)' if table == 'parted' else ''
    cursor.execute('CREATE TABLE public.%s (%s)%s' % (table, COLUMNS, partitions))
    if partitions:
        cursor.execute('CREATE TABLE public.part_0 PARTITION OF public.parted FOR VALUES IN (0);'
                       'CREATE TABLE public.part_1 PARTITION OF public.parted FOR VALUES IN (1)')
    cursor.execute('ALTER TABLE public.%s ALTER filler SET STORAGE plain' % table)
    cursor.execute(FILL.format(table=table, rows=rows, special=51, filler=filler, own=OWN,
                              hidden=HIDDEN, a=TENANT_A, b=TENANT_B))
    key = 'tenant_id, id' if not partitions else 'tenant_id, id, h'
    cursor.execute('ALTER TABLE public.%s ADD PRIMARY KEY (%s)' % (table, key))
    cursor.execute('SELECT casnet.protect(%s::regclass)', ('public.' + table,))
    cursor.execute(INDEXES.format(table=table))
    cursor.execute('GRANT ALL ON public.%s TO %s' % (table, ROLE))
    if partitions:
        cursor.execute('GRANT ALL ON public.part_0, public.part_1 TO %s' % ROLE)
    cursor.execute('VACUUM (ANALYZE) public.' + table)


def make(database):
    """Make the role and the database, from CREATE EXTENSION on."""
    cursor = connect('postgres').cursor()
    cursor.execute('CREATE ROLE %s LOGIN' % ROLE)
    cursor.execute('CREATE DATABASE %s' % database)
    connection = connect(database)
    cursor = connection.cursor()
    cursor.execute('CREATE EXTENSION casnet')
    # It sees plans with their numbers, so that the test can check its plans.
    cursor.execute('GRANT pg_read_all_stats TO %s' % ROLE)
    cursor.execute('GRANT casnet_authenticator TO %s; GRANT CREATE ON SCHEMA public TO %s; '
                   'GRANT TEMPORARY ON DATABASE %s TO %s' % (ROLE, ROLE, database, ROLE))
    cursor.execute("INSERT INTO casnet.users (id, username, email) VALUES (%s, 'ann', 'ann@a.test')", (USER,))
    cursor.execute('INSERT INTO casnet.tenants (id, name) VALUES (%s, %s), (%s, %s)',
                   (TENANT_A, OWN, TENANT_B, HIDDEN))
    cursor.execute("INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%s, %s, 'owner')",
                   (USER, TENANT_A))
    for name, tenant in ((OWN, TENANT_A), (HIDDEN, TENANT_B)):
        cursor.execute("INSERT INTO casnet.users (username, email) VALUES (%s, %s || '@here.test')",
                       (name, name))
        cursor.execute('INSERT INTO casnet.user_tenants (user_id, tenant_id) SELECT id, %s FROM casnet.users '
                       'WHERE username = %s', (tenant, name))
    for table, rows, filler in (('cases', 70, 0), ('many', 1300, 3900), ('parted', 70, 0)):
        make_table(cursor, table, rows, filler)
    for relation, column in (('records', 'title'), ('tasks', 'title'), ('persons', 'name')):
        cursor.execute('INSERT INTO casnet.%s (id, tenant_id, %s) SELECT id, tenant_id, w FROM public.cases'
                       % (relation, column))
        cursor.execute('VACUUM (ANALYZE) casnet.' + relation)
    cursor.execute('''UPDATE casnet.records SET content = 'common';
        INSERT INTO casnet.tags (tenant_id, id, name) SELECT id, id, 'common' FROM casnet.tenants;
        INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id) SELECT tenant_id, id, tenant_id
          FROM casnet.records;
        INSERT INTO casnet.record_persons (tenant_id, record_id, person_id, relation)
        SELECT p.tenant_id, r.id, p.id, p.name FROM casnet.records AS r JOIN casnet.persons AS p USING (tenant_id, id)''')
    own = connect(database, ROLE).cursor()
    own.execute(TELLING.format(a=TENANT_A, b=TENANT_B, own=OWN, hidden=HIDDEN, nowhere=NOWHERE, row=OWN_ROW))
    for table in TABLES:
        own.execute(VIEWS.format(table=table))
    # anybody can guess where rows lie
    cursor.execute('INSERT INTO public.places SELECT ctid FROM public.cases')
    cursor.execute('INSERT INTO public.lure SELECT u, u, ctid FROM (SELECT gen_random_uuid() AS u, ctid '
                   "FROM public.cases UNION ALL VALUES ('%s'::uuid, NULL::tid)) AS s" % TENANT_A)
    cursor.execute('VACUUM (ANALYZE) public.bait, public.lure, public.places, public.sink')
    # own functions that the server trusts, as an administrator can declare them
    cursor.execute('''CREATE FUNCTION public.dear(text) RETURNS boolean LANGUAGE plpgsql STABLE LEAKPROOF
        PARALLEL SAFE COST 100000 AS 'BEGIN RETURN true; END';
        CREATE FUNCTION public.cheap(text) RETURNS boolean LANGUAGE plpgsql STABLE LEAKPROOF
        PARALLEL SAFE COST 1e-37 AS 'BEGIN RETURN true; END' ''')


def copy(database, template, statements):
    """Make a copy of the database, changed by the statements."""
    connect('postgres').cursor().execute('CREATE DATABASE %s TEMPLATE %s' % (database, template))
    cursor = connect(database).cursor()
    for statement in statements:
        cursor.execute(statement)


def tids(database):
    """The locations of the rows with the values, and of one beside them."""
    cursor = connect(database).cursor()
    cursor.execute("SELECT array_agg(ctid)::text FROM public.cases WHERE k BETWEEN 50 AND 51")
    return cursor.fetchone()[0]


def has_jit(database):
    """Whether the server can compile expressions."""
    cursor = connect(database).cursor()
    cursor.execute('SELECT pg_jit_available()')
    return cursor.fetchone()[0]
