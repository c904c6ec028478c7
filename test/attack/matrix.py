"""Who attacks what, and the expected outcome: users, objects and permissions.

Every relation that the database has in casnet and casnet_internal must have an entry
here, and every entry a relation; see attack.check_known().
"""

import re

LETTERS = 'abc'         # the tenants; nobody who attacks belongs to c
ABSENT = 'e'            # ids with this letter belong to no row

# What a row of the fixture contains and no statement of an attacker can make up:
# a text that names tenant and table, or an id of one letter.  The last form is the
# beginning of the secrets of signing keys, as hexadecimal.
CANARY = re.compile(r'canary-[abcuh]-\w+(?:-\w+)?'
                    r'|(?:([a-d])\1{7})-00[0-9a-f]{2}-7000-8000-[0-9a-f]{12}'
                    r'|63616e6172792d')


def row_id(letter, code, number=1):
    """The id of a row: the letter of its tenant, the code of its table."""
    return '%s-00%02x-7000-8000-%012x' % (letter * 8, code, number)


def tenant_id(letter):
    """The id of a tenant."""
    return row_id(letter, TENANTS)


def user_id(name):
    """The id of a user."""
    return row_id('d', USERS, USER_NAMES.index(name) + 1)


PERSONS, RECORDS, TAGS, LINKS, TASKS, EVENTS, TENANTS, USERS, MEMBERS, NOTES = range(1, 11)

FIVE = ('persons', 'records', 'tags', 'tasks', 'calendar', 'attack_notes')
NARROW = {'view_' + r for r in FIVE}         # a role that an administrator added
VIEWER = NARROW | {'view_users'}
MEMBER = VIEWER | {'create_' + r for r in FIVE} | {'edit_' + r for r in FIVE}
ADMIN = MEMBER | {'delete_' + r for r in FIVE} | {
    'manage_users', 'assign_roles', 'manage_permissions', 'view_analytics'}
OWNER = ADMIN | {'manage_tenant', 'delete_tenant', 'export_persons', 'erase_persons'}

# Memberships: user, tenant, role.
USER_NAMES = ['viewer', 'granted', 'member', 'admin', 'owner', 'both', 'ownerb', 'ownerc',
              'outsider', 'inactive', 'removed', 'spare', 'helpera', 'helperb', 'helperc',
              'chief', 'narrow']
MEMBERSHIPS = [
    ('viewer', 'a', 'viewer'), ('granted', 'a', 'viewer'), ('member', 'a', 'member'),
    ('admin', 'a', 'admin'), ('owner', 'a', 'owner'), ('both', 'a', 'admin'),
    ('inactive', 'a', 'owner'), ('removed', 'a', 'owner'), ('helpera', 'a', 'viewer'),
    ('narrow', 'a', 'attack_narrow'),
    ('both', 'b', 'owner'), ('ownerb', 'b', 'owner'), ('helperb', 'b', 'viewer'),
    ('ownerc', 'c', 'owner'), ('helperc', 'c', 'viewer')]
# Besides the role.
GRANTS = [('granted', 'a', 'edit_records'), ('helpera', 'a', 'view_analytics'),
          ('helperb', 'b', 'view_analytics'), ('helperc', 'c', 'view_analytics')]


class Actor:
    """A kind of session: a user, a token, and the tenant that it sets as active."""

    def __init__(self, name, user, tenant, refusal=None, permissions=(), token='good',
                 belongs='', hidden=None):
        self.name = name
        self.user = user                # who the token says it is
        self.tenant = tenant            # letter of casnet.tenant_id, or None
        self.refusal = refusal          # SQLSTATE of all that needs a tenant
        self.permissions = set(permissions)
        self.token = token
        self.belongs = belongs          # letters of the tenants it may see
        self.hidden = hidden or ('b' if tenant == 'a' and not refusal else 'a')

    def has_user(self):
        """Whether the session has a user."""
        return self.refusal != '28000'

    def due(self, need):
        """The SQLSTATE with which a need ends: '00000' if it is met."""
        if need == 'ANY':
            return '00000'
        if need == 'USER':
            return '00000' if self.has_user() else '28000'
        if need == 'NONE':
            return '42501'
        if self.refusal:
            return self.refusal
        if need == 'TENANT':
            return '00000'
        return '00000' if need in self.permissions else '42501'


ACTORS = [
    Actor('viewer', 'viewer', 'a', None, VIEWER, belongs='a'),
    Actor('narrow', 'narrow', 'a', None, NARROW, belongs='a'),
    Actor('granted', 'granted', 'a', None, VIEWER | {'edit_records'}, belongs='a'),
    Actor('member', 'member', 'a', None, MEMBER, belongs='a'),
    Actor('admin', 'admin', 'a', None, ADMIN, belongs='a'),
    Actor('owner', 'owner', 'a', None, OWNER, belongs='a'),
    Actor('both', 'both', 'a', None, ADMIN, belongs='ab'),
    Actor('other_owner', 'ownerb', 'b', None, OWNER, belongs='b'),
    Actor('chief', 'chief', 'a', None, OWNER, belongs='a'),
    Actor('intruder', 'ownerb', 'a', '42501', belongs='b'),
    Actor('outsider', 'outsider', 'a', '42501'),
    Actor('removed', 'removed', 'a', '42501'),
    Actor('tenantless', 'owner', None, '55000', belongs='a'),
    Actor('inactive', 'inactive', 'a', '28000'),
    Actor('nobody', None, 'a', '28000', token=None),
    Actor('forged', 'owner', 'a', '28000', token='forged'),
    Actor('expired', 'owner', 'a', '28000', token='expired'),
    Actor('retired_key', 'owner', 'a', '28000', token='retired'),
    Actor('revoked', 'owner', 'a', '28000', token='revoked')]
THOROUGH_ACTORS = ('viewer', 'both', 'intruder', 'nobody')
QUICK_ACTORS = ('viewer', 'owner', 'intruder', 'nobody')


class Entry:
    """A relation: what each action takes, and how to address its rows.

    view, create, edit and delete name the permission that the action takes;
    USER: somebody signed in; ANY: nothing; NONE: no privilege."""

    def __init__(self, name, kind, view='NONE', create='NONE', edit='NONE', delete='NONE',
                 code=None, shown='t::text', column=None, key=('id',), insert=None,
                 values=None, lock='', schema='casnet', moves='tenant_id', due=None,
                 allowed_rows=None):
        self.name = name
        self.kind = kind                # table, load, view, internal
        self.table = '%s.%s' % (schema, name)
        # Where a superuser finds the rows: the view would ask for a session.
        self.source = 'casnet.records' if name == 'own_view' else self.table
        self.needs = {'view': view, 'create': create, 'edit': edit, 'delete': delete}
        self.code = code
        self.shown = shown              # all that is readable of alias t
        self.column = column            # one that may be updated
        self.key = key                  # columns that identify a row in a tenant
        self.insert = insert            # columns of a row that may be inserted
        self.values = values
        self.lock = lock                # table privileges, as LOCK TABLE asks
        self.moves = moves              # the column that names a row's tenant
        self.overrides = due or {}      # (command, actor or '*') -> SQLSTATE
        self.rows = allowed_rows        # SQL condition on the rows one may see

    def key_values(self, letter, number=1):
        """The key of a row of the fixture."""
        if self.name in ('users',):
            return (user_id({'a': 'helpera', 'b': 'helperb', 'c': 'helperc'}[letter])
                    if letter != ABSENT else row_id(ABSENT, USERS),)
        if self.code == MEMBERS:
            if letter == ABSENT:
                return (row_id(ABSENT, USERS),) + ('view_analytics',) * (len(self.key) - 1)
            return (user_id('helper' + letter),) + ('view_analytics',) * (len(self.key) - 1)
        if self.code == LINKS:
            other = {'person_id': PERSONS, 'tag_id': TAGS}[self.key[1]]
            return (row_id(letter, RECORDS, number), row_id(letter, other, number))
        if self.code is None:
            return ('00000000-0000-0000-0000-000000000000',)
        return (row_id(letter, self.code, number),)

    def is_key(self, letter, alias='t'):
        """The condition that a row is the first one of a tenant."""
        cast = '' if self.code else '::text'
        return ' AND '.join("%s.%s%s = '%s'" % (alias, c, cast, v)
                            for c, v in zip(self.key, self.key_values(letter)))

    def visible(self, actor):
        """The SQL condition, on alias t, for the rows that an actor may see."""
        if self.kind in ('internal', 'load') or actor.due(self.needs['view']) != '00000':
            return 'false'
        if self.rows:
            return self.rows(actor)
        return "t.tenant_id = '%s'" % tenant_id(actor.tenant)


def case_table(name, code, resource, column, insert, values, **other):
    """An entry for a table with the data of tenants."""
    return Entry(name, 'table', 'view_' + resource, 'create_' + resource, 'edit_' + resource,
                 'delete_' + resource, code=code, column=column, insert=insert, values=values,
                 lock='rawd', **other)


def link_table(name, other, values):
    """An entry for links of records, which follow the record."""
    return Entry(name, 'table', 'view_records', 'edit_records', 'edit_records', 'edit_records',
                 code=LINKS, key=('record_id', other), column='updated_at', lock='rawd',
                 insert='record_id, ' + other, values=values)


def load_view(name, table, schema='casnet'):
    """An entry for the view to load a table through."""
    return Entry(name, 'load', create=table.needs['create'], code=table.code, key=table.key,
                 column=table.column, insert=table.insert, values=table.values, lock='a',
                 schema=schema)


def visible_users(actor):
    """The actor, and with view_users the members of the active tenant."""
    mine = "t.id = '%s'" % user_id(actor.user)
    if 'view_users' in actor.permissions:
        mine += (" OR t.id IN (SELECT m.user_id FROM casnet.user_tenants AS m"
                 " WHERE m.tenant_id = '%s')" % tenant_id(actor.tenant))
    return '(%s)' % mine


def visible_tenants(actor):
    """The tenants to which the actor belongs."""
    return "t.id::text = ANY (ARRAY[%s]::text[])" % ', '.join(
        "'%s'" % tenant_id(l) for l in actor.belongs)


TABLES = [
    case_table('persons', PERSONS, 'persons', 'name', 'name', "'mine'"),
    case_table('records', RECORDS, 'records', 'title', 'title', "'mine'"),
    case_table('tags', TAGS, 'tags', 'name', 'name', "'mine'"),
    link_table('record_persons', 'person_id', "'{record1}', '{person2}'"),
    link_table('record_tags', 'tag_id', "'{record1}', '{tag2}'"),
    case_table('tasks', TASKS, 'tasks', 'title', 'title', "'mine'"),
    case_table('calendar_events', EVENTS, 'calendar', 'title', 'title, starts_at',
               "'mine', '2030-01-01'"),
]
NOTE = case_table('attack_notes', NOTES, 'attack_notes', 'note', 'note', "'mine'",
                  schema='public')


def above_others(*commands):
    """The outcome of commands on all memberships at once: an admin cannot change the
    owner's, and the last owner stays."""
    due = {}
    for command in commands:
        for actor in ('admin', 'both'):
            due[command, actor] = '42501'
        if 'delete' in command:
            for actor in ('owner', 'other_owner', 'chief'):
                due[command, actor] = '23514'
    return due


GUARDED = above_others('update', 'update leak', 'update returning', 'update only', 'update in cte',
                       'update by definer', 'update prepared', 'update prepared by owner',
                       'merge update', 'merge delete', 'delete', 'delete leak', 'delete returning',
                       'delete by definer', 'delete prepared by owner')
# A policy without a column, which EXPLAIN does not evaluate.
LAZY = {('explain', a): '00000'
        for a in ('inactive', 'nobody', 'forged', 'expired', 'retired_key', 'revoked')}
ENTRIES = TABLES + [load_view(t.name + '_load', t) for t in TABLES] + [
    NOTE, load_view('attack_notes_load', NOTE, 'public'),
    # The attacker's own view has the rights of its owner, the attacker.
    Entry('own_view', 'view', 'view_records', 'create_records', 'edit_records', 'delete_records',
          code=RECORDS, column='title', insert='title', values="'mine'", lock='rawd',
          schema='attack'),
    Entry('tenants', 'table', 'USER', 'NONE', 'manage_tenant', 'delete_tenant', code=TENANTS,
          column='name', insert='name', values="'mine'", lock='rwd', moves='id',
          # The privilege on the column is missing, so nothing else is checked.
          due={('merge move', 'tenantless'): '42501'},
          allowed_rows=visible_tenants),
    Entry('users', 'table', 'USER', 'NONE', 'USER', 'NONE', code=USERS, column='full_name',
          shown="concat_ws(' ', t.id, t.username, t.email, t.full_name, t.is_active,"
                " t.is_superuser, t.created_at, t.updated_at)",
          insert='username, email', values="'mine', 'mine@here.test'", moves=None,
          allowed_rows=visible_users),
    Entry('user_tenants', 'table', 'view_users', 'manage_users', 'assign_roles', 'manage_users',
          code=MEMBERS, key=('user_id',), column='role', lock='rawd',
          insert='user_id, role', values="'{spare}', 'viewer'", due=GUARDED),
    Entry('user_tenant_permissions', 'table', 'view_users', 'manage_permissions',
          'manage_permissions', 'manage_permissions', code=MEMBERS,
          key=('user_id', 'permission'), column='permission', lock='rawd',
          insert='user_id, permission', values="'{someone}', 'create_tags'"),
    Entry('role_permissions', 'table', 'USER', key=('role',), column='permission',
          insert='role, permission', values="'viewer', 'delete_records'", lock='r',
          moves=None, allowed_rows=lambda actor: 'true', due=LAZY),
    Entry('roles', 'table', 'USER', key=('name',), column='description', insert='name',
          values="'mine'", lock='r', moves=None, allowed_rows=lambda actor: 'true', due=LAZY),
    Entry('protected_tables', 'view', 'ANY', key=('relation',), column='resource',
          insert='resource', values="'mine'", lock='r', moves=None,
          allowed_rows=lambda actor: 'true'),
    Entry('declared_tables', 'view', 'ANY', key=('relation',), column='kind',
          insert='kind', values="'exempt'", lock='r', moves=None,
          allowed_rows=lambda actor: 'true'),
] + [Entry(name, 'internal', schema='casnet_internal') for name in (
    'audit_entries', 'audit_entries_default', 'codes', 'declared', 'guarded_schemas', 'identities',
    'invitations', 'issuer_keys', 'issuers', 'protected', 'password_hashes', 'revoked_tokens', 'sessions', 'signing_keys',
    'token_cutoffs')]

# The months of the audit.
PARTITION = re.compile(r'audit_entries_\d{4}_?\d{2}$')
