"""What can be queried: the tables and views, the rows of each that a user is to see,
and the users."""

from parts import FENCE, Sides

# Columns: name, type, and the domain: columns of one domain can sensibly be joined.
COMMON = [('tenant_id', 'uuid', 'tenant'), ('id', 'uuid', 'own')]
TIMES = [('created_at', 'ts', 'time')]

# name: (permission to see it, key, columns)
TENANT_TABLES = {
    'casnet.records': ('view_records', ['id'], [
        ('tenant_id', 'uuid', 'tenant'), ('id', 'uuid', 'record'), ('title', 'text', 'title'),
        ('content', 'text', ''), ('search_vector', 'vec', '')] + TIMES),
    'casnet.persons': ('view_persons', ['id'], COMMON + [
        ('name', 'text', 'name'), ('date_of_birth', 'date', 'date'), ('gender', 'text', 'kind'),
        ('contact_info', 'jsonb', '')] + TIMES),
    'casnet.tags': ('view_tags', ['id'], [
        ('tenant_id', 'uuid', 'tenant'), ('id', 'uuid', 'tag'),
        ('name', 'text', 'tagname')] + TIMES),
    'casnet.record_persons': ('view_records', ['record_id', 'person_id'], [
        ('tenant_id', 'uuid', 'tenant'), ('record_id', 'uuid', 'record'),
        ('person_id', 'uuid', 'own'), ('relation', 'text', 'kind')]),
    'casnet.record_tags': ('view_records', ['record_id', 'tag_id'], [
        ('tenant_id', 'uuid', 'tenant'), ('record_id', 'uuid', 'record'),
        ('tag_id', 'uuid', 'tag')]),
    'casnet.tasks': ('view_tasks', ['id'], COMMON + [
        ('title', 'text', 'title'), ('description', 'text', ''), ('status', 'text', 'kind'),
        ('priority', 'text', 'kind'), ('due_date', 'ts', 'time'), ('assignee_id', 'uuid', 'user'),
        ('record_id', 'uuid', 'record')] + TIMES),
    'casnet.calendar_events': ('view_calendar', ['id'], COMMON + [
        ('title', 'text', 'title'), ('description', 'text', ''), ('location', 'text', ''),
        ('starts_at', 'ts', 'time'), ('ends_at', 'ts', 'time'), ('all_day', 'bool', ''),
        ('time_zone', 'text', 'kind'), ('recurrence_rule', 'text', ''), ('series_id', 'uuid', ''),
        ('occurrence_at', 'ts', 'time'), ('status', 'text', 'kind'), ('record_id', 'uuid', 'record')]),
    'differential.invoices': ('view_invoices', ['id'], COMMON + [
        ('record_id', 'uuid', 'record'), ('amount', 'int', ''), ('note', 'text', ''),
        ('billed', 'date', 'date'), ('paid', 'bool', '')]),
    'differential.notes': ('view_letters', ['id'], COMMON + [
        ('record_id', 'uuid', 'record'), ('body', 'text', ''), ('details', 'jsonb', ''),
        ('written', 'ts', 'time')]),
    'casnet.user_tenants': ('view_users', ['user_id'], [
        ('user_id', 'uuid', 'user'), ('tenant_id', 'uuid', 'tenant'), ('role', 'text', 'kind')]),
    'casnet.user_tenant_permissions': ('view_users', ['user_id', 'permission'], [
        ('user_id', 'uuid', 'user'), ('tenant_id', 'uuid', 'tenant'), ('permission', 'text', '')]),
}


class Relation:
    """A table or view: the user's text for it, and the expected one."""

    def __init__(self, name, expected, columns, key, rows, is_table):
        self.name = name
        self.text = Sides(name, expected)
        self.columns = columns
        self.key = key
        self.rows = rows
        self.is_table = is_table


class Identity:
    """A user in a tenant, and the relations that the user sees there."""

    def __init__(self, user, username, tenant, tenant_name, role, permissions):
        self.user = user
        self.username = username
        self.tenant = tenant
        self.tenant_name = tenant_name
        self.role = role
        self.permissions = permissions
        self.relations = {}

    def __str__(self):
        return '%s in %s' % (self.username, self.tenant_name)

    def settings(self):
        """Statements that make the session this user in this tenant."""
        return ("SET LOCAL casnet.user_id = '%s'; SET LOCAL casnet.tenant_id = '%s'; "
                % (self.user, self.tenant))

    def of_tenant(self, table):
        """The rows of a table that are the tenant's."""
        return "(SELECT * FROM %s WHERE tenant_id = '%s' %s)" % (table, self.tenant, FENCE)


def id_list(ids):
    """Ids as an array of SQL."""
    return "'{%s}'::uuid[]" % ','.join(ids)


def records_tagged(identity, all_of, any_of, none_of):
    """A query for records by their tags, each name given as an expression."""
    links = ("EXISTS (SELECT FROM casnet.record_tags AS l_ JOIN casnet.tags AS g_"
             " ON g_.tenant_id = l_.tenant_id AND g_.id = l_.tag_id WHERE l_.tenant_id = '%s'"
             " AND l_.record_id = r_.id AND g_.name IN (%%s))" % identity.tenant)
    conditions = ["r_.tenant_id = '%s'" % identity.tenant]
    conditions += [links % name for name in all_of]
    if any_of:
        conditions.append(links % ', '.join(any_of))
    if none_of:
        conditions.append('NOT ' + links % ', '.join(none_of))
    return 'SELECT r_.id FROM casnet.records AS r_ WHERE ' + ' AND '.join(conditions)


def add_relations(identity, counts, visible_users, own_tenants, person):
    """Fill in what the user is to see, from constants."""
    have = identity.relations

    def add(name, expected, columns, key, rows, is_table=False):
        have[name] = Relation(name, expected, columns, key, rows, is_table)

    for name, (permission, key, columns) in TENANT_TABLES.items():
        if permission in identity.permissions:
            add(name, identity.of_tenant(name), columns, key,
                counts.get((name, identity.tenant), 0), True)
    add('casnet.users',
        '(SELECT id, username, email, full_name, is_active, is_superuser FROM casnet.users'
        ' WHERE id = ANY (%s) %s)' % (id_list(visible_users), FENCE),
        [('id', 'uuid', 'user'), ('username', 'text', 'username'), ('full_name', 'text', 'name'),
         ('is_active', 'bool', '')], ['id'], len(visible_users))
    add('casnet.tenants',
        '(SELECT * FROM casnet.tenants WHERE id = ANY (%s) %s)' % (id_list(own_tenants), FENCE),
        [('id', 'uuid', 'tenant'), ('name', 'text', 'name'), ('description', 'text', '')],
        ['id'], len(own_tenants))
    add('casnet.role_permissions', 'casnet.role_permissions',
        [('role', 'text', 'kind'), ('permission', 'text', '')], ['role', 'permission'], 90)
    add('casnet.roles', 'casnet.roles',
        [('name', 'text', 'kind'), ('description', 'text', '')] + TIMES, ['name'], 6)

    records = identity.of_tenant('casnet.records')
    title = [('id', 'uuid', 'record'), ('title', 'text', 'title')]
    nrecords = counts.get(('casnet.records', identity.tenant), 0)
    add('differential.busy',
        '(SELECT r.id, r.title, count(t.id) AS tasks, max(t.due_date) AS due FROM %s AS r'
        ' LEFT JOIN %s AS t ON t.record_id = r.id GROUP BY r.id, r.title)'
        % (records, identity.of_tenant('casnet.tasks')),
        title + [('tasks', 'int', ''), ('due', 'ts', 'time')], ['id'], nrecords)
    add('differential.marked',
        '(SELECT id, title, created_at FROM %s AS r WHERE id IN (%s))'
        % (records, records_tagged(identity, [], ["'urgent'", "'school'"], ["'closed'"])),
        title + TIMES, ['id'], nrecords // 3)
    add('differential.owned',
        "(SELECT id, title FROM %s AS r WHERE title LIKE 'x%%' OR id IN (%s))"
        % (records, records_tagged(identity, ["'urgent'"], [], [])),
        title, ['id'], nrecords // 4)
    add('differential.people',
        '(SELECT id, name, gender, date_of_birth FROM %s AS p WHERE gender IS NOT NULL)'
        % identity.of_tenant('casnet.persons'),
        [('id', 'uuid', 'own'), ('name', 'text', 'name'), ('gender', 'text', 'kind'),
         ('date_of_birth', 'date', 'date')], ['id'],
        counts.get(('casnet.persons', identity.tenant), 0))
    add('casnet.tag_counts()',
        '(SELECT t.name, count(l.tag_id) AS records FROM %s AS t LEFT JOIN %s AS l'
        ' ON l.tag_id = t.id GROUP BY t.id, t.name)'
        % (identity.of_tenant('casnet.tags'), identity.of_tenant('casnet.record_tags')),
        [('name', 'text', 'tagname'), ('records', 'int', '')], ['name'], 30)
    if person:
        add("casnet.records_of('%s')" % person,
            "(SELECT record_id, relation FROM %s AS l WHERE person_id = '%s')"
            % (identity.of_tenant('casnet.record_persons'), person),
            [('record_id', 'uuid', 'record'), ('relation', 'text', 'kind')], ['record_id'],
            nrecords // 4)
    add('casnet.my_tenants()',
        "(SELECT t.id AS tenant_id, t.name, m.role, t.id = '%s' AS is_active FROM casnet.tenants AS t"
        " JOIN casnet.user_tenants AS m ON m.tenant_id = t.id WHERE m.user_id = '%s')"
        % (identity.tenant, identity.user),
        [('tenant_id', 'uuid', 'tenant'), ('name', 'text', 'name'), ('role', 'text', 'kind'),
         ('is_active', 'bool', '')], ['tenant_id'], 3)
    if 'view_users' in identity.permissions:
        add('casnet.members()',
            "(SELECT u.id AS user_id, u.username, u.full_name, m.role, u.is_active FROM casnet.users AS u"
            " JOIN casnet.user_tenants AS m ON m.user_id = u.id WHERE m.tenant_id = '%s')"
            % identity.tenant,
            [('user_id', 'uuid', 'user'), ('username', 'text', 'username'),
             ('full_name', 'text', 'name'), ('role', 'text', 'kind'), ('is_active', 'bool', '')],
            ['user_id'], 5)


def load_identities(cursor):
    """Every active user in every tenant but the poisoned one, from the tables."""
    counts = {}
    cursor.execute('SELECT t FROM unnest(%s) AS t WHERE to_regclass(t) IS NOT NULL', (list(TENANT_TABLES),))
    for (table,) in cursor.fetchall():
        cursor.execute('SELECT tenant_id::text, count(*) FROM %s GROUP BY 1' % table)
        for tenant, number in cursor.fetchall():
            counts[table, tenant] = int(number)
    cursor.execute("""
        SELECT u.id::text, u.username, t.id::text, t.name, m.role,
               (SELECT string_agg(permission, ',') FROM
                    (SELECT permission FROM casnet.role_permissions AS p WHERE p.role = m.role
                     UNION SELECT permission FROM casnet.user_tenant_permissions AS p
                            WHERE p.user_id = u.id AND p.tenant_id = t.id) AS x),
               (SELECT string_agg(o.user_id::text, ',') FROM casnet.user_tenants AS o
                 WHERE o.tenant_id = t.id),
               (SELECT string_agg(o.tenant_id::text, ',') FROM casnet.user_tenants AS o
                 WHERE o.user_id = u.id),
               (SELECT l.person_id::text FROM casnet.record_persons AS l
                 WHERE l.tenant_id = t.id GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)
          FROM casnet.user_tenants AS m
          JOIN casnet.users AS u ON u.id = m.user_id AND u.is_active
          JOIN casnet.tenants AS t ON t.id = m.tenant_id AND t.name <> 'poison'
         ORDER BY t.id, u.id""")
    found = []
    for row in cursor.fetchall():
        user, username, tenant, name, role, permissions, members, tenants, person = row
        identity = Identity(user, username, tenant, name, role, set(permissions.split(',')))
        visible = members.split(',') if 'view_users' in identity.permissions else [user]
        add_relations(identity, counts, visible, tenants.split(','), person)
        found.append(identity)
    return found
