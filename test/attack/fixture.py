"""The database that is attacked: tenants, users, rows with canaries, tokens."""

import base64
import hashlib
import hmac
import json
import os

import psycopg2
from psycopg2 import sql as names

import forged
import matrix as m

SECRET = b'canary-k-0123456789abcdef0123456789abcdef'
OLD_SECRET = b'canary-k-of-a-key-that-is-retired-by-now!'


def connect(database, role=None, **more):
    """A connection, as the superuser or as the role of the attacker."""
    if role:
        more['user'] = role
    connection = psycopg2.connect(dbname=database, **more)
    connection.autocommit = True
    return connection


def b64url(data):
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def token(user, kind='good', serial='1'):
    """A signed token of a user: good, forged, expired or of a retired key."""
    kid, secret = ('attack-old', OLD_SECRET) if kind == 'retired' else ('attack', SECRET)
    header = {'alg': 'HS256', 'kid': kid}
    claims = {'sub': m.user_id(user), 'exp': 1000000000 if kind == 'expired' else 4102444800, 'gen': 0,
              'jti': serial + kind}
    signed = '.'.join(b64url(json.dumps(part).encode()) for part in (header, claims))
    if kind == 'forged':
        secret = secret[::-1]
    return signed + '.' + b64url(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


def tokens():
    """The token of each actor."""
    return {a.name: token(a.user, a.token) if a.token else None for a in m.ACTORS}


def values(rows):
    """Rows as the text of a VALUES list; None is NULL."""
    return ',\n'.join('(%s)' % ', '.join(
        'NULL' if v is None else "'%s'" % v for v in row) for row in rows)


def fill(cursor):
    """The rows: in each of three tenants two of everything, each with a canary."""
    def insert(table, columns, rows):
        cursor.execute('INSERT INTO casnet.%s (%s) VALUES %s' % (table, columns, values(rows))
                       if '.' not in table else
                       'INSERT INTO %s (%s) VALUES %s' % (table, columns, values(rows)))

    def each(code, *columns):
        return [[m.tenant_id(l), m.row_id(l, code, n)] +
                [c(l, n) for c in columns] for l in m.LETTERS for n in (1, 2)]

    def text(table):
        return lambda l, n: 'canary-%s-%s-%d' % (l, table, n)

    insert('users', 'id, username, email, full_name, is_active, is_superuser, hashed_password',
           [[m.user_id(u), 'canary-u-' + u, 'canary-u-%s@here.test' % u, 'canary-u-%s-full' % u,
             u != 'inactive', u == 'chief', '$2b$04$' + 53 * 'x'] for u in m.USER_NAMES])
    cursor.execute("UPDATE casnet_internal.password_hashes AS h SET hash = 'canary-h-' || substr(u.username, 10)"
                   " FROM casnet.users AS u WHERE u.id = h.user_id")
    insert('tenants', 'id, name, description',
           [[m.tenant_id(l), 'canary-%s-tenants' % l, 'canary-%s-tenants-described' % l]
            for l in m.LETTERS])
    insert('roles', 'name', [['attack_narrow']])
    insert('role_permissions', 'role, permission', [['attack_narrow', p] for p in sorted(m.NARROW)])
    insert('user_tenants', 'user_id, tenant_id, role',
           [[m.user_id(u), m.tenant_id(l), r] for u, l, r in m.MEMBERSHIPS])
    insert('user_tenant_permissions', 'user_id, tenant_id, permission',
           [[m.user_id(u), m.tenant_id(l), p] for u, l, p in m.GRANTS])
    insert('persons', 'tenant_id, id, name, contact_info',
           each(m.PERSONS, text('persons'), lambda l, n: '{"note": "canary-%s-contacts-%d"}' % (l, n)))
    insert('records', 'tenant_id, id, title, content',
           each(m.RECORDS, text('records'), text('contents')))
    insert('tags', 'tenant_id, id, name', each(m.TAGS, text('tags')))
    insert('record_persons', 'tenant_id, record_id, person_id, relation',
           [[m.tenant_id(l), m.row_id(l, m.RECORDS, n), m.row_id(l, m.PERSONS, n),
             'canary-%s-record_persons-%d' % (l, n)] for l in m.LETTERS for n in (1, 2)])
    insert('record_tags', 'tenant_id, record_id, tag_id',
           [[m.tenant_id(l), m.row_id(l, m.RECORDS, n), m.row_id(l, m.TAGS, n)]
            for l in m.LETTERS for n in (1, 2)])
    insert('tasks', 'tenant_id, id, title, record_id, assignee_id',
           each(m.TASKS, text('tasks'), lambda l, n: m.row_id(l, m.RECORDS, n),
                lambda l, n: m.user_id('helper' + l)))
    insert('calendar_events', 'tenant_id, id, title, starts_at, record_id',
           each(m.EVENTS, text('calendar_events'), lambda l, n: '2024-01-0%d' % n,
                lambda l, n: m.row_id(l, m.RECORDS, n)))
    if m.NOTE in m.ENTRIES:
        insert('public.attack_notes', 'tenant_id, id, note', each(m.NOTES, text('attack_notes')))
    insert('casnet_internal.invitations', 'digest, tenant_id, email, role, invited_by, expires_at',
           [['\\x' + hashlib.sha256(('canary-h-code-' + l).encode()).hexdigest(), m.tenant_id(l),
             'canary-%s-invitations@here.test' % l, 'owner', m.user_id(u), '2099-01-01']
            for l, u in (('a', 'owner'), ('b', 'ownerb'), ('c', 'ownerc'))])
    insert('casnet_internal.codes', 'digest, user_id, purpose, email, account, expires_at',
           [['\\x' + hashlib.sha256(('canary-h-code-of-' + u).encode()).hexdigest(), m.user_id(u),
             'password', '-', '\\x' + hashlib.sha256(('0 canary-u-%s@here.test' % u).encode()).hexdigest(), '2099-01-01'] for u in ('owner', 'ownerb', 'ownerc')])
    insert('casnet_internal.issuers', 'id, issuer', [[m.user_id('spare'), 'canary-h-issuer']])
    insert('casnet_internal.issuer_keys', 'issuer, kid, algorithm, key', [['canary-h-issuer', 'canary-h-kid', 'RS256', '\\x00']])
    insert('casnet_internal.identities', 'issuer_id, issuer, subject, user_id, generation',
           [[m.user_id('spare'), 'canary-h-issuer', 'canary-h-subject', m.user_id('spare'), 0]])
    insert('casnet_internal.sessions', 'id, user_id, digest, made_by, generation, expires_at, name',
           [[m.user_id('spare'), m.user_id('spare'), '\\x00', 'login', 0, '2099-01-01', 'canary-h-session']])
    insert('casnet_internal.token_cutoffs', 'user_id, nonce, issued_before',
           [[m.user_id('spare'), 5, 0]])


# The judge looks at everything from inside the attacker's transaction.  It returns one
# row for each table and tenant, for each user, and for each table without tenants.
JUDGE = '''
CREATE FUNCTION attack_judge.state(OUT key text, OUT hash text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET enable_seqscan = on SET row_security = on
    AS $$BEGIN RETURN QUERY %s; END$$'''


# What judged() runs.
JUDGED = ['SELECT * FROM attack_judge.state()']


def judged(cursor):
    """What the judge sees: a hash of the rows of each table and tenant."""
    found = {}
    for statement in JUDGED:
        cursor.execute(statement)
        found.update(cursor.fetchall())
    return found


def make_judge(cursor, without=()):
    """attack_judge.state(), for all tables but those of these names."""
    cursor.execute('''SELECT format('%%I.%%I', c.relnamespace::regnamespace, c.relname), c.relname,
            (SELECT CASE WHEN c.relname = 'users' THEN 'id' WHEN c.relname = 'tenants' THEN 'id'
                    ELSE (SELECT a.attname FROM pg_attribute AS a
                           WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') END)
          FROM pg_class AS c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND (c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
                OR c.oid IN (to_regclass('public.attack_notes'),
                to_regclass('public.attack_parts'), to_regclass('public.attack_lists')))
           AND c.relname <> ALL (%s)''', (list(without),))
    parts = []
    for table, name, column in cursor.fetchall():
        group = "coalesce('/' || t.%s, '')" % column if column else "''"
        parts.append("SELECT '%s' || %s, md5(string_agg(t::text, chr(10) ORDER BY t::text))"
                     " FROM %s AS t GROUP BY 1" % (name, group, table))
    cursor.execute(JUDGE % '\nUNION ALL '.join(parts))


# What the attacker brings along: functions that reveal all they are given, and claim to
# cost nothing; operators, a type, a cast and a table of bait.
TOOLS = '''
CREATE FUNCTION attack.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 PARALLEL SAFE
    AS $$BEGIN RAISE NOTICE 'leak: %', $1; RETURN true; END$$;
CREATE FUNCTION attack.leak_text(text) RETURNS text LANGUAGE plpgsql COST 0.0000001
    IMMUTABLE PARALLEL SAFE
    AS $$BEGIN RAISE NOTICE 'leak: %', $1; RETURN $1; END$$;
CREATE FUNCTION attack.tell() RETURNS boolean LANGUAGE plpgsql COST 0.0000001 PARALLEL SAFE
    AS $$BEGIN RAISE NOTICE 'canary-%', 'h-told'; RETURN true; END$$;
CREATE FUNCTION attack.tell_id() RETURNS uuid LANGUAGE plpgsql STABLE COST 1e-37
    AS $$BEGIN RAISE NOTICE 'told of a row'; RETURN NULL; END$$;
CREATE FUNCTION attack.leak_equal(uuid, uuid) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
    IMMUTABLE PARALLEL SAFE
    AS $$BEGIN RAISE NOTICE 'leak: % %', $1, $2; RETURN $1 OPERATOR(pg_catalog.=) $2; END$$;
CREATE OPERATOR attack.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = attack.leak_equal,
    COMMUTATOR = OPERATOR(attack.=), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE FUNCTION attack.leak_like(text, text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
    IMMUTABLE PARALLEL SAFE
    AS $$BEGIN RAISE NOTICE 'leak: %', $1; RETURN true; END$$;
CREATE OPERATOR attack.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = attack.leak_like);
CREATE FUNCTION attack.tenant_with(text) RETURNS uuid LANGUAGE plpgsql COST 0.0000001
    AS $$BEGIN RETURN NULL; END$$;
CREATE FUNCTION attack.current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE FUNCTION attack.lower(text) RETURNS text LANGUAGE plpgsql COST 0.0000001 IMMUTABLE
    AS $$BEGIN RAISE NOTICE 'leak: %', $1; RETURN pg_catalog.lower($1); END$$;
CREATE FUNCTION attack.leak_step(integer, text) RETURNS integer LANGUAGE plpgsql COST 0.0000001
    AS $$BEGIN RAISE NOTICE 'leak: %', $2; RETURN $1 + 1; END$$;
CREATE AGGREGATE attack.leak_count(text) (SFUNC = attack.leak_step, STYPE = integer, INITCOND = '0');
CREATE DOMAIN attack.nosy AS text CHECK (attack.leak(VALUE));
CREATE TYPE attack.box AS (v text);
CREATE FUNCTION attack.to_box(uuid) RETURNS attack.box LANGUAGE plpgsql COST 0.0000001 IMMUTABLE
    AS $$BEGIN RAISE NOTICE 'leak: %', $1; RETURN ROW($1::text); END$$;
CREATE CAST (uuid AS attack.box) WITH FUNCTION attack.to_box(uuid) AS IMPLICIT;
CREATE TABLE attack.bait (letter text, tenant_id uuid, code integer, id uuid);
CREATE TABLE attack.loot (line text);
CREATE TABLE attack.hooks (x uuid, y uuid, at tid);
INSERT INTO attack.hooks SELECT u, u, format('(0,%s)', n)::tid
    FROM (SELECT gen_random_uuid() AS u, n FROM generate_series(1, 60) AS n) AS h;
ALTER TABLE attack.hooks ENABLE ROW LEVEL SECURITY;
ALTER TABLE attack.hooks FORCE ROW LEVEL SECURITY;
CREATE POLICY a_class ON attack.hooks USING (x = y);
'''


def build(database, template, role):
    """Make the database with casnet, its rows, and the attacker's schema."""
    admin = connect('postgres')
    with admin.cursor() as cursor:
        cursor.execute(names.SQL('CREATE DATABASE {} TEMPLATE {}').format(
            names.Identifier(database), names.Identifier(template or 'template1')))
        cursor.execute(names.SQL('CREATE ROLE {} LOGIN').format(names.Identifier(role)))
    admin.close()

    connection = connect(database, options='-c client_min_messages=warning')
    with connection.cursor() as cursor:
        cursor.execute('CREATE EXTENSION IF NOT EXISTS casnet')
    prepare(connection, database, role)
    connection.close()


def prepare(connection, database, role, filled=make_judge):
    """Make the rows, the judge and the attacker's schema.  filled: what makes the judge, once
    the tables have their rows."""
    with connection.cursor() as cursor:
        cursor.execute('GRANT casnet_user TO ' + role)
        if m.NOTE in m.ENTRIES:
            cursor.execute('CREATE TABLE public.attack_notes (id uuid DEFAULT casnet.uuid_v7(),'
                           ' note text NOT NULL)')
            cursor.execute("SELECT casnet.protect('public.attack_notes')")
            cursor.execute('ALTER TABLE public.attack_notes ADD PRIMARY KEY (tenant_id, id)')
        cursor.execute("SELECT casnet.enable_audit('casnet.records')")
        for kid, secret in (('attack', SECRET), ('attack-old', OLD_SECRET)):
            cursor.execute('SELECT casnet.add_signing_key(%s, %s)',
                           (kid, json.dumps({'kty': 'oct', 'k': b64url(secret)})))
        fill(cursor)
        forged.prepare_database(cursor)
        cursor.execute('CREATE SCHEMA attack_judge')
        filled(cursor)
        cursor.execute('CREATE SCHEMA attack AUTHORIZATION ' + role)
        cursor.execute('GRANT USAGE ON SCHEMA attack_judge TO ' + role)
        cursor.execute('GRANT CREATE, TEMPORARY ON DATABASE %s TO %s' % (database, role))

        cursor.execute('SET SESSION AUTHORIZATION ' + role)
        cursor.execute('SET client_min_messages = warning')
        cursor.execute(TOOLS)
        cursor.execute('CREATE VIEW attack.own_view AS SELECT * FROM casnet.records')
        forged.prepare_tools(cursor)
        bait = [[l, m.tenant_id(l), c, m.row_id(l, c, n)] for l in m.LETTERS + m.ABSENT
                for c in range(1, 11) for n in (1, 2)]
        cursor.execute('INSERT INTO attack.bait VALUES ' + values(bait))
        cursor.execute('RESET SESSION AUTHORIZATION')

        # What ends some sessions comes last: a key is retired, a token revoked, a member
        # removed.
        cursor.execute("SELECT set_config('casnet.token', %s, false), casnet.revoke_token()",
                       (token('owner', 'revoked'),))
        cursor.execute("SELECT set_config('casnet.token', '', false)")
        cursor.execute("SELECT casnet.retire_signing_key('attack-old')")
        cursor.execute('DELETE FROM casnet.user_tenants WHERE user_id = %s',
                       (m.user_id('removed'),))
        cursor.execute('ANALYZE')


def drop(database, role=None):
    """Drop the database, and the role if it is named."""
    admin = connect('postgres', options='-c client_min_messages=warning')
    with admin.cursor() as cursor:
        cursor.execute(names.SQL('DROP DATABASE IF EXISTS {} WITH (FORCE)').format(
            names.Identifier(database)))
        if role:
            cursor.execute(names.SQL('DROP ROLE IF EXISTS {}').format(names.Identifier(role)))
    admin.close()


def suffix():
    """Distinguishes the databases of concurrent runs."""
    return str(os.getpid())
