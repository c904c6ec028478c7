"""Mutants of the schema, read from the catalogs of an installed database."""

ROLES = ['casnet_user', 'casnet_authenticator', 'casnet_admin', 'PUBLIC']

# A permission and the one that a careless hand would write in its place.
NEIGHBOURS = {
    'view': 'create', 'create': 'view', 'edit': 'create', 'delete': 'edit',
    'view_users': 'manage_users', 'manage_users': 'view_users',
    'assign_roles': 'manage_users', 'manage_permissions': 'manage_users',
    'manage_tenant': 'delete_tenant', 'delete_tenant': 'manage_tenant',
    'export_persons': 'erase_persons', 'erase_persons': 'export_persons',
}

# The schema of each table, view or index; every name is in one of the two only.
PLACES = """
    SELECT relname, format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class
     WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)"""

POLICIES = """
    SELECT tablename, policyname, cmd, qual, with_check,
           substring(coalesce(qual, with_check) FROM $$tenant_with\\('(\\w+)'$$),
           format('CREATE POLICY %I ON %I.%I FOR %s TO %s', policyname, schemaname, tablename, cmd,
                  array_to_string(roles, ', ')) || coalesce(' USING (' || qual || ')', '')
           || coalesce(' WITH CHECK (' || with_check || ')', '')
      FROM pg_policies WHERE schemaname IN ('casnet', 'casnet_internal') ORDER BY 1, 2"""

TABLES = """
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity
      FROM pg_class AS c WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
       AND c.relkind IN ('r', 'p') ORDER BY 1"""

CONSTRAINTS = """
    SELECT c.relname, o.conname, o.contype, o.confdeltype, pg_get_constraintdef(o.oid)
      FROM pg_constraint AS o JOIN pg_class AS c ON c.oid = o.conrelid
     WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND o.contype IN ('p', 'u', 'f', 'c')
       AND o.conparentid = 0 AND o.coninhcount = 0 ORDER BY 1, 2"""

COLUMNS = """
    SELECT c.relname, a.attname, a.attnotnull AND NOT EXISTS (
               SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary
                  AND a.attnum = ANY (i.indkey)),
           CASE WHEN a.attgenerated = '' THEN
               (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d
                 WHERE d.adrelid = c.oid AND d.adnum = a.attnum) END
      FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
     WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND c.relkind IN ('r', 'p')
       AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY 1, a.attnum"""

TRIGGERS = """
    SELECT c.relname, t.tgname, t.tgenabled, c.relkind, pg_get_triggerdef(t.oid)
      FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
     WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND NOT t.tgisinternal
       AND t.tgparentid = 0 ORDER BY 1, 2"""

EVENT_TRIGGERS = "SELECT evtname FROM pg_event_trigger ORDER BY 1"

INDEXES = """
    SELECT c.relname, x.relname
      FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
      JOIN pg_class AS c ON c.oid = i.indrelid
     WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND NOT c.relispartition
       AND NOT EXISTS (SELECT FROM pg_constraint AS o WHERE o.conindid = x.oid
                          AND o.contype IN ('p', 'u'))
     ORDER BY 1, 2"""

# Each privilege on a table or view, and whether the role has it.
PRIVILEGES = """
    SELECT c.relname, r.role, p.privilege,
           CASE r.role WHEN 'PUBLIC' THEN false
                ELSE has_table_privilege(r.role::name, c.oid, p.privilege) END,
           EXISTS (SELECT FROM aclexplode(c.relacl) AS a
                    WHERE a.grantee = (CASE r.role WHEN 'PUBLIC' THEN 0
                                       ELSE to_regrole(r.role)::oid END)
                      AND a.privilege_type = p.privilege),
           EXISTS (SELECT FROM pg_attribute AS x, aclexplode(x.attacl) AS a
                    WHERE x.attrelid = c.oid AND a.grantee = to_regrole(r.role)
                      AND a.privilege_type = p.privilege)
      FROM pg_class AS c, unnest(%s) AS r (role),
           unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE',
                        'REFERENCES', 'TRIGGER']) AS p (privilege)
     WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v')
     ORDER BY 1, 2, 3"""

# The same for each column of a table that has privileges by column.
COLUMN_PRIVILEGES = """
    SELECT c.relname, a.attname, r.role, p.privilege,
           has_column_privilege(r.role::name, c.oid, a.attnum, p.privilege),
           EXISTS (SELECT FROM aclexplode(a.attacl) AS x
                    WHERE x.grantee = to_regrole(r.role) AND x.privilege_type = p.privilege)
      FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid,
           unnest(ARRAY['casnet_user', 'casnet_admin']) AS r (role),
           unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS p (privilege)
     WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND a.attnum > 0 AND NOT a.attisdropped
       AND EXISTS (SELECT FROM pg_attribute AS b
                    WHERE b.attrelid = c.oid AND b.attacl IS NOT NULL)
     ORDER BY 1, a.attnum, 3, 4"""

EXECUTE = """
    SELECT p.oid::regprocedure::text, p.proname, r.role,
           CASE r.role WHEN 'PUBLIC' THEN false
                ELSE has_function_privilege(r.role::name, p.oid, 'EXECUTE') END,
           EXISTS (SELECT FROM aclexplode(p.proacl) AS a
                    WHERE a.grantee = (CASE r.role WHEN 'PUBLIC' THEN 0
                                       ELSE to_regrole(r.role)::oid END))
      FROM pg_proc AS p, unnest(%s) AS r (role)
     WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
     ORDER BY 1, 3"""

FUNCTIONS = """
    SELECT p.oid::regprocedure::text, p.proname, p.prosecdef, p.proleakproof, p.proisstrict,
           p.provolatile, p.proparallel, p.proconfig::text LIKE '%%search_path%%', l.lanname
      FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
     WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) ORDER BY 1"""

# Mutants that change the cluster, with the statement that undoes each.
CLUSTER = [
    ('GRANT SET ON PARAMETER casnet.user_id TO casnet_user',
     'REVOKE SET ON PARAMETER casnet.user_id FROM casnet_user'),
    ('GRANT SET ON PARAMETER casnet.user_id TO casnet_admin',
     'REVOKE SET ON PARAMETER casnet.user_id FROM casnet_admin'),
    ('GRANT SET ON PARAMETER casnet.user_id TO PUBLIC',
     'REVOKE SET ON PARAMETER casnet.user_id FROM PUBLIC'),
    ('REVOKE SET ON PARAMETER casnet.user_id FROM casnet_authenticator',
     'GRANT SET ON PARAMETER casnet.user_id TO casnet_authenticator'),
    ('REVOKE SET ON PARAMETER casnet.tenant_id FROM casnet_user',
     'GRANT SET ON PARAMETER casnet.tenant_id TO casnet_user'),
    ('REVOKE casnet_user FROM casnet_authenticator',
     'GRANT casnet_user TO casnet_authenticator'),
    ('GRANT casnet_authenticator TO casnet_admin',
     'REVOKE casnet_authenticator FROM casnet_admin'),
    ('GRANT casnet_user TO casnet_admin', 'REVOKE casnet_user FROM casnet_admin'),
    ('GRANT casnet_admin TO casnet_user', 'REVOKE casnet_admin FROM casnet_user'),
    ('ALTER ROLE casnet_user LOGIN', 'ALTER ROLE casnet_user NOLOGIN'),
    ('ALTER ROLE casnet_user BYPASSRLS', 'ALTER ROLE casnet_user NOBYPASSRLS'),
]


def mutant(kind, name, sql, objects=(), undo=None, function=None, restore=None):
    """One change, as the rest of the program uses it; with restore '' the database is made anew."""
    if kind == 'grant' and undo is None and restore is None:
        restore = sql.replace('GRANT ', 'REVOKE ', 1).replace(' TO ', ' FROM ')
    elif kind in ('revoke', 'execute') and sql.startswith('REVOKE'):
        restore = sql.replace('REVOKE ', 'GRANT ', 1).replace(' FROM ', ' TO ')
    return {'group': 'schema', 'kind': kind, 'id': 'schema ' + kind + ': ' + name,
            'restore': restore, 'sql': sql, 'undo': undo, 'objects': list(objects), 'function': function}


PLACE = {}      # by name


def place(name):
    """The name of a table, view or index with its schema."""
    return PLACE[name]


def other_permission(name):
    """The permission that a wrong policy would ask for."""
    if name in NEIGHBOURS:
        return NEIGHBOURS[name]
    verb, _, noun = name.partition('_')
    return NEIGHBOURS.get(verb, 'view') + '_' + noun


def policies(cursor):
    """Drop it, widen what it lets through, ask for the neighbour's permission."""
    cursor.execute(POLICIES)
    for table, policy, command, using, check, permission, definition in cursor.fetchall():
        where = '%s on %s' % (policy, table)
        alter = 'ALTER POLICY %s ON %s ' % (policy, place(table))
        drop = 'DROP POLICY IF EXISTS %s ON %s' % (policy, place(table))
        of = {'objects': (table, command.lower()), 'restore': drop + '; ' + definition}
        yield mutant('policy', where + ' dropped', drop, **of)
        if policy == 'casnet_admin':
            yield mutant('policy', where + ' for everybody', alter + 'TO PUBLIC', **of)
            continue
        if using is not None:
            yield mutant('policy', where + ' shows every row', alter + 'USING (true)', **of)
        if command in ('INSERT', 'UPDATE'):
            yield mutant('policy', where + ' takes any new row', alter + 'WITH CHECK (true)', **of)
        if permission is not None:
            changed = (using or check).replace(permission, other_permission(permission))
            clause = 'WITH CHECK' if using is None else 'USING'
            yield mutant('policy', '%s asks for %s' % (where, other_permission(permission)),
                         '%s%s (%s)' % (alter, clause, changed), **of)


def tables(cursor):
    """Row-level security off, or off for the owner."""
    cursor.execute(TABLES)
    for table, enabled, forced in cursor.fetchall():
        if enabled:
            yield mutant('row security', table + ' disabled',
                         'ALTER TABLE %s DISABLE ROW LEVEL SECURITY' % place(table), [table],
                         restore='ALTER TABLE %s ENABLE ROW LEVEL SECURITY' % place(table))
        if forced:
            yield mutant('row security', table + ' not forced',
                         'ALTER TABLE %s NO FORCE ROW LEVEL SECURITY' % place(table), [table],
                         restore='ALTER TABLE %s FORCE ROW LEVEL SECURITY' % place(table))


def constraints(cursor):
    """Keys, references and checks dropped; references that no longer cascade."""
    words = {'p': 'primary key', 'u': 'unique key', 'f': 'foreign key', 'c': 'check'}
    cursor.execute(CONSTRAINTS)
    for table, name, kind, on_delete, definition in cursor.fetchall():
        drop = 'ALTER TABLE %s DROP CONSTRAINT %s' % (place(table), name)
        yield mutant(words[kind], '%s on %s dropped' % (name, table), drop + ' CASCADE', [table, name])
        if kind == 'f' and on_delete == 'c':
            without = definition.replace(' ON DELETE CASCADE', '')
            yield mutant('foreign key', '%s on %s does not cascade' % (name, table),
                         '%s; ALTER TABLE %s ADD CONSTRAINT %s %s' % (drop, place(table), name, without),
                         [table, name])


def columns(cursor):
    """NOT NULL and DEFAULT dropped."""
    cursor.execute(COLUMNS)
    for table, column, not_null, default in cursor.fetchall():
        alter = 'ALTER TABLE %s ALTER COLUMN %s ' % (place(table), column)
        if not_null:
            yield mutant('not null', '%s.%s nullable' % (table, column), alter + 'DROP NOT NULL', [table, column],
                         restore=alter + 'SET NOT NULL')
        if default:
            yield mutant('default', '%s.%s without default' % (table, column), alter + 'DROP DEFAULT', [table, column],
                         restore=alter + 'SET DEFAULT ' + default)


def triggers(cursor):
    """Dropped, disabled, and no longer for what replication brings."""
    cursor.execute(TRIGGERS)
    for table, name, enabled, relkind, definition in cursor.fetchall():
        where = '%s on %s' % (name, table)
        drop = 'DROP TRIGGER IF EXISTS %s ON %s' % (name, place(table))
        alter = 'ALTER TABLE %s ' % place(table)
        restore = '%s; %s' % (drop, definition)
        if enabled == 'A':
            restore += '; %sENABLE ALWAYS TRIGGER %s' % (alter, name)
        yield mutant('trigger', where + ' dropped', drop, [table, name], restore=restore)
        if relkind == 'v':
            continue
        yield mutant('trigger', where + ' disabled', alter + 'DISABLE TRIGGER ' + name, [table, name], restore=restore)
        if enabled == 'A':
            yield mutant('trigger', where + ' not always', alter + 'ENABLE TRIGGER ' + name, [table, name], restore=restore)
    cursor.execute(EVENT_TRIGGERS)
    for (name,) in cursor.fetchall():
        yield mutant('trigger', name + ' dropped', 'DROP EVENT TRIGGER ' + name, [name])


def indexes(cursor):
    """Each index that no constraint owns, dropped."""
    cursor.execute(INDEXES)
    for table, name in cursor.fetchall():
        yield mutant('index', name + ' dropped', 'DROP INDEX ' + place(name), [table, name])


def privileges(cursor):
    """Each existing privilege on tables and columns revoked, each other one granted."""
    cursor.execute(PRIVILEGES, (ROLES,))
    for table, role, privilege, has, granted, by_column in cursor.fetchall():
        name = '%s on %s ' % (privilege, table)
        if granted:
            yield mutant('revoke', name + 'from ' + role,
                         'REVOKE %s ON %s FROM %s' % (privilege, place(table), role), [table])
        elif not has:
            # REVOKE would remove the privileges on columns as well.
            yield mutant('grant', name + 'to ' + role,
                         'GRANT %s ON %s TO %s' % (privilege, place(table), role), [table],
                         restore='' if by_column else None)
    cursor.execute(COLUMN_PRIVILEGES)
    for table, column, role, privilege, has, granted in cursor.fetchall():
        name = '%s (%s) on %s ' % (privilege, column, table)
        if granted:
            yield mutant('revoke', name + 'from ' + role,
                         'REVOKE %s (%s) ON %s FROM %s' % (privilege, column, place(table), role), [table, column])
        elif not has:
            yield mutant('grant', name + 'to ' + role,
                         'GRANT %s (%s) ON %s TO %s' % (privilege, column, place(table), role), [table, column])
    for name in ('casnet', 'casnet_internal'):
        for role in ROLES:
            yield mutant('grant', 'CREATE on schema %s to %s' % (name, role),
                         'GRANT CREATE ON SCHEMA %s TO %s' % (name, role), ['schema'])
        yield mutant('grant', 'USAGE on schema %s to PUBLIC' % name,
                     'GRANT USAGE ON SCHEMA %s TO PUBLIC' % name, ['schema'])
        for role in ('casnet_user', 'casnet_admin', 'casnet_owner'):
            yield mutant('revoke', 'USAGE on schema %s from %s' % (name, role),
                         'REVOKE USAGE ON SCHEMA %s FROM %s' % (name, role), ['schema'])
    yield mutant('grant', 'CREATE on schema casnet to casnet_owner',
                 'GRANT CREATE ON SCHEMA casnet TO casnet_owner', ['schema'])
    yield mutant('revoke', 'CREATE on schema casnet_internal from casnet_owner',
                 'REVOKE CREATE ON SCHEMA casnet_internal FROM casnet_owner', ['schema'])
    for sql, undo in CLUSTER:
        yield mutant('role', sql, sql, [], undo)


def execute(cursor):
    """EXECUTE revoked where it is granted, and granted where it is not."""
    cursor.execute(EXECUTE, (ROLES,))
    for signature, name, role, has, granted in cursor.fetchall():
        if granted:
            yield mutant('execute', '%s from %s' % (signature, role),
                         'REVOKE EXECUTE ON FUNCTION %s FROM %s' % (signature, role), [name], None, name)
        elif not has:
            yield mutant('execute', '%s to %s' % (signature, role),
                         'GRANT EXECUTE ON FUNCTION %s TO %s' % (signature, role), [name])


def attributes(cursor):
    """Each attribute of each function, changed."""
    volatility = {'i': 'STABLE', 's': 'VOLATILE', 'v': 'STABLE'}
    parallel = {'s': 'UNSAFE', 'r': 'SAFE', 'u': 'SAFE'}
    cursor.execute(FUNCTIONS)
    for signature, name, definer, leakproof, strict, volatile, safety, pinned, _ in cursor.fetchall():
        alter = 'ALTER FUNCTION %s ' % signature
        changes = ['SECURITY INVOKER' if definer else 'SECURITY DEFINER',
                   'NOT LEAKPROOF' if leakproof else 'LEAKPROOF',
                   'CALLED ON NULL INPUT' if strict else 'STRICT',
                   volatility[volatile], 'PARALLEL ' + parallel[safety]]
        if pinned:
            changes.append('RESET search_path')
        for change in changes:
            yield mutant('attribute', '%s %s' % (signature, change), alter + change, [name], None, name)


def views(cursor):
    """Options of views that decide with whose rights, and in which order, they read."""
    cursor.execute("SELECT relname, coalesce(reloptions::text, '') FROM pg_class"
                   " WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind = 'v' ORDER BY 1")
    for view, options in cursor.fetchall():
        for option in ('security_invoker', 'security_barrier'):
            value = 'false' if option + '=true' in options else 'true'
            yield mutant('view', '%s %s %s' % (view, option, value),
                         'ALTER VIEW %s SET (%s = %s)' % (place(view), option, value), [view])


def enumerate_mutants(connection):
    """All mutants of the schema."""
    with connection.cursor() as cursor:
        cursor.execute(PLACES)
        names = cursor.fetchall()
        PLACE.update(names)
        assert len(PLACE) == len(names), 'a name in both schemas'
        for part in (policies, tables, constraints, columns, triggers, indexes,
                     privileges, execute, attributes, views):
            yield from part(cursor)
