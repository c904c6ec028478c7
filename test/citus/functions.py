#!/usr/bin/python3
"""functions.py - the functions of casnet on tables that Citus distributes.

Calls each function as a role of an application, on the coordinator that PGHOST and PGPORT
name, in the database of PGDATABASE, which it distributes if need be.  Makes users,
tenants and roles of its own.  A function works, or is refused with 0A000 and a hint; no
other error of Citus is accepted.  Prints TAP, and the numbers at the end.
"""
import io
import json
import os
import sys
import uuid

import psycopg2
import psycopg2.extensions

MARK = uuid.uuid4().hex[:8]
PASSWORD = 'correct horse ' + MARK
counts = {True: 0, False: 0}


def report(passed, name, detail=''):
    """One line of TAP."""
    counts[passed] += 1
    print(('ok' if passed else 'not ok'), sum(counts.values()), '-', name)
    if not passed:
        for line in str(detail).splitlines():
            print('#  ', line)
    sys.stdout.flush()


def connect(role=None):
    """A connection of that role, or of the superuser."""
    options = {'dbname': os.environ.get('PGDATABASE', 'postgres')}
    if role:
        options['user'] = role
    connection = psycopg2.connect(**options)
    connection.autocommit = True
    return connection


class Session:
    """A user's session, over a role that may name its user."""

    def __init__(self, user=None, tenant=None, role='citus_backend'):
        self.connection = connect(role)
        self.cursor = self.connection.cursor()
        if user:
            self.run("SELECT set_config('casnet.user_id', %s, false),"
                     " set_config('casnet.tenant_id', %s, false)", str(user), str(tenant or ''))

    def run(self, sql, *values):
        """The rows of a statement."""
        self.cursor.execute(sql, values or None)
        return self.cursor.fetchall() if self.cursor.description else None

    def one(self, sql, *values):
        """The value of a statement."""
        rows = self.run(sql, *values)
        return rows[0][0] if rows else None

    def is_(self, name, expected, sql, *values):
        """The value of a statement is that; with one column and several rows it is a list."""
        try:
            rows = self.run(sql, *values)
            if rows and len(rows[0]) == 1:
                rows = [row[0] for row in rows]
            found = rows if isinstance(expected, list) else (rows[0] if rows else None)
            if isinstance(expected, tuple) and len(expected) == 1:
                expected = expected[0]
            report(found == expected, name, 'found %r\nexpected %r' % (found, expected))
            return found
        except psycopg2.Error as error:
            report(False, name, '%s %s' % (error.pgcode, error))
            self.forget_error()
        return None

    def works(self, name, sql, *values):
        """The statement raises nothing; its value."""
        try:
            value = self.one(sql, *values)
            report(True, name)
            return value
        except psycopg2.Error as error:
            report(False, name, '%s %s' % (error.pgcode, error))
            self.forget_error()
        return None

    def fails(self, name, code, sql, *values):
        """The statement raises that error, with a hint."""
        try:
            rows = self.run(sql, *values)
            report(False, name, 'returned %r' % (rows,))
        except psycopg2.Error as error:
            report(error.pgcode == code and bool(error.diag.message_hint), name,
                   '%s %s' % (error.pgcode, error))
            self.forget_error()

    def refused(self, name, sql, *values):
        """The statement is refused in so many words."""
        try:
            rows = self.run(sql, *values)
            report(False, name, 'returned %r' % (rows,))
        except psycopg2.Error as error:
            report(error.pgcode == '0A000' and bool(error.diag.message_hint)
                   and 'casnet.' in error.diag.message_primary, name,
                   '%s %s' % (error.pgcode, error))
            self.forget_error()

    def forget_error(self):
        """Go on after an error."""
        if not self.connection.closed and \
                self.connection.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_INERROR:
            self.run('ROLLBACK')


admin = Session(role=None)
admin.run("SET client_min_messages = warning")
if not admin.one('SELECT casnet_internal.is_distributed()'):
    admin.one('SELECT casnet.distribute(%s)', int(os.environ.get('CASNET_SHARDS', '8')))
for role, group in (('citus_web', 'casnet_user'), ('citus_backend', 'casnet_authenticator'),
                    ('citus_admin', 'casnet_admin')):
    if not admin.one('SELECT count(*) FROM pg_roles WHERE rolname = %s', role):
        admin.run('CREATE ROLE %s LOGIN' % role)
        admin.run('GRANT %s TO %s' % (group, role))
        if group != 'casnet_user':
            admin.run('GRANT casnet_user TO %s' % role)


def unique(name):
    """A name that nothing else has."""
    return name + '-' + MARK


def new_user(name, **more):
    """An account, made by an administrator."""
    try:
        return admin.one('SELECT casnet.create_user(%s, %s, %s)', unique(name),
                         unique(name) + '@x.test', PASSWORD)
    except psycopg2.Error as error:
        report(False, 'create_user(%s)' % name, '%s %s' % (error.pgcode, error))
        return admin.one('INSERT INTO casnet.users (username, email) VALUES (%s, %s) RETURNING id',
                         unique(name), unique(name) + '@x.test')


olga, mia, zoe, nora = (new_user(name) for name in ('olga', 'mia', 'zoe', 'nora'))

# Tenants and members.
session = Session(olga)
north = session.works('create_tenant()', 'SELECT casnet.create_tenant(%s)', unique('North'))
south = Session(zoe).works('create_tenant() of another', 'SELECT casnet.create_tenant(%s)',
                           unique('South'))
session.is_('my_tenants()', [(unique('North'), 'owner')], 'SELECT name, role FROM casnet.my_tenants()')
session.is_('use_tenant() by name', (north,), 'SELECT casnet.use_tenant(%s)::text', unique('North'))
session.is_('use_tenant() by id', (north,), 'SELECT casnet.use_tenant(%s::uuid)::text', north)
session.fails('use_tenant() of another', 'P0002', 'SELECT casnet.use_tenant(%s)', unique('South'))
session.is_('whoami()', (unique('olga'), 'owner'), 'SELECT username, role FROM casnet.whoami()')
session.is_('can()', (True,), "SELECT casnet.can('edit_tags')")
session.is_('tenant_with()', (north,), "SELECT casnet.tenant_with('view_records')::text")
session.is_('current_user_id()', (olga,), 'SELECT casnet.current_user_id()::text')
session.is_('current_tenant_id()', (north,), 'SELECT casnet.current_tenant_id()::text')
session.works('add_member()', 'SELECT casnet.add_member(%s)', unique('mia'))
session.works('add_member() by address', 'SELECT casnet.add_member(%s, %s)', unique('nora') + '@x.test', 'viewer')
session.fails('add_member() twice', '23505', 'SELECT casnet.add_member(%s)', unique('mia'))
session.is_('members()', [(unique('mia'), 'member'), (unique('nora'), 'viewer'), (unique('olga'), 'owner')],
            'SELECT username, role FROM casnet.members()')
worker = Session(mia, north)
worker.fails('add_member() without the permission', '42501', 'SELECT casnet.add_member(%s)', unique('zoe'))
session.works('set_member_role()', 'SELECT casnet.set_member_role(%s, %s)', unique('nora'), 'member')
session.is_('grant_permission()', (True,), 'SELECT casnet.grant_permission(%s, %s)', unique('nora'), 'view_users')
session.is_('grant_permission() again', (False,), 'SELECT casnet.grant_permission(%s, %s)', unique('nora'), 'view_users')
session.is_('revoke_permission()', (True,), 'SELECT casnet.revoke_permission(%s, %s)', unique('nora'), 'view_users')
session.works('remove_member()', 'SELECT casnet.remove_member(%s)', unique('nora'))
session.fails('remove_member() again', 'P0002', 'SELECT casnet.remove_member(%s)', unique('nora'))
session.fails('set_member_role() of the last owner', '23514', 'SELECT casnet.set_member_role(%s, %s)', unique('olga'), 'member')
session.fails('leave_tenant() of the last owner', '23514', 'SELECT casnet.leave_tenant()')
session.works('add_member() again', 'SELECT casnet.add_member(%s)', unique('nora'))
leaver = Session(nora, north)
leaver.works('leave_tenant()', 'SELECT casnet.leave_tenant()')
leaver.fails('nothing after leave_tenant()', '42501', 'SELECT count(*) FROM casnet.records')

# Tags.
record = session.works('a record', "INSERT INTO casnet.records (title, content) VALUES ('Alpha dispute', 'The quick brown fox') RETURNING id::text")
other = session.works('another', "INSERT INTO casnet.records (title, content) VALUES ('Beta', 'Lazy dogs') RETURNING id::text")
session.is_('tag_record()', (2,), 'SELECT casnet.tag_record(%s, %s, %s)', record, 'urgent', 'blue')
session.is_('tag_record() with known tags', (2,), 'SELECT casnet.tag_record(%s, %s, %s)', other, 'urgent', 'blue')
session.is_('tag_record() again', (0,), 'SELECT casnet.tag_record(%s, %s)', record, 'urgent')
session.is_('tag_records()', (4,), 'SELECT casnet.tag_records(%s::uuid[], %s)', [record, other], ['green', 'new'])
session.fails('tag_record() of no record', 'P0002', 'SELECT casnet.tag_record(%s, %s)', str(uuid.uuid4()), 'x')
session.is_('tags_of()', (['blue', 'green', 'new', 'urgent'],), 'SELECT casnet.tags_of(%s)', record)
session.is_('untag_record()', (1,), 'SELECT casnet.untag_record(%s, %s)', other, 'urgent')
session.is_('untag_records()', (2,), 'SELECT casnet.untag_records(%s::uuid[], %s)', [record, other], ['new'])
session.is_('tag_counts()', [('blue', 2), ('green', 2), ('urgent', 1), ('new', 0)], 'SELECT * FROM casnet.tag_counts()')
session.is_('tag_counts() within a statement', [('urgent', 1)], "SELECT t.name, records FROM casnet.tag_counts() t JOIN casnet.tags USING (name) WHERE name = 'urgent'")
tagged = "SELECT casnet.records_tagged('{urgent}')"
session.is_('records_tagged() in IN', ['Alpha dispute'], 'SELECT title FROM casnet.records WHERE id IN (%s)' % tagged)
session.is_('records_tagged() in NOT IN', ['Beta'], 'SELECT title FROM casnet.records WHERE id NOT IN (%s)' % tagged)
session.is_('records_tagged() in FROM', [record], "SELECT x.t::text FROM casnet.records_tagged('{urgent,blue}') AS x (t)")
session.is_('records_tagged() in the select list', [record], "SELECT casnet.records_tagged('{urgent}')::text")
session.is_('records_tagged(any_of)', (2,), "SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(any_of => '{urgent,green}'))")
session.is_('records_tagged(none_of)', ['Beta'], "SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(none_of => '{urgent}'))")
session.is_('records_tagged() of all three', ['Beta'], "SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{blue}', '{green,new}', '{urgent}'))")
session.is_('records_tagged() of an unknown tag', (0,), "SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{unknown}'))")
session.run("PREPARE tagged (text[]) AS SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged($1))")
for i in range(7):
    session.is_('records_tagged() prepared, %d' % i, ['Alpha dispute'], "EXECUTE tagged ('{urgent}')")
session.run('BEGIN')
session.works('a record in a transaction', "INSERT INTO casnet.records (title) VALUES ('Gamma')")
gamma = session.one("SELECT id::text FROM casnet.records WHERE title = 'Gamma'")
session.is_('tag_record() after a write', (1,), "SELECT casnet.tag_record(%s, 'fresh')", gamma)
session.is_('records_tagged() after a write', ['Gamma'], "SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{fresh}'))")
session.is_('tags_of() after a write', (['fresh'],), 'SELECT casnet.tags_of(%s)', gamma)
session.is_('tag_counts() after a write', [('fresh', 1)], "SELECT * FROM casnet.tag_counts() WHERE name = 'fresh'")
session.works('rename_tag() after a write', "SELECT casnet.rename_tag('fresh', 'fresher')")
session.is_('the renamed tag', (['fresher'],), 'SELECT casnet.tags_of(%s)', gamma)
session.run('ROLLBACK')
session.is_('nothing of it is left', (0,), "SELECT count(*) FROM casnet.tags WHERE name LIKE 'fresh%'")
session.works('rename_tag()', "SELECT casnet.rename_tag('new', 'newer')")
session.works('rename_tag() merges', "SELECT casnet.rename_tag('urgent', 'green')")
session.is_('merge_tags()', (0,), "SELECT casnet.merge_tags('blue', 'green')")
session.is_('merged tags', [('green', 2), ('newer', 0)], 'SELECT * FROM casnet.tag_counts()')
session.fails('rename_tag() of none', 'P0002', "SELECT casnet.rename_tag('missing', 'x')")
Session(zoe, south).is_('tags of another tenant', [], 'SELECT * FROM casnet.tag_counts()')
Session(zoe, south).fails('tag_record() of another tenant', 'P0002', "SELECT casnet.tag_record(%s, 'green')", record)
session.refused('tag_record() for rows', "SELECT casnet.tag_record(id, 'green') FROM casnet.records")
session.refused('tag_record() of a subquery', "SELECT casnet.tag_record((SELECT id FROM casnet.records LIMIT 1), 'green')")
session.refused('use_tenant() for rows', 'SELECT casnet.use_tenant(tenant_id) FROM casnet.records')
session.refused('sign_out() for rows', 'SELECT casnet.sign_out() FROM casnet.records')
session.is_('can() for rows', [True, True], "SELECT casnet.can('edit_tags') FROM casnet.records")
session.is_('current_tenant_id() for rows', [True, True], 'SELECT casnet.current_tenant_id() = tenant_id FROM casnet.records')

# Search.
session.is_('search_records()', ['Alpha dispute'], "SELECT title FROM casnet.search_records('quick')")
session.is_('search_records() has snippets', (True,), "SELECT snippet LIKE '%%<b>%%' FROM casnet.search_records(%s)", 'fox')
session.is_('search_records() with tags', ['Alpha dispute'], "SELECT title FROM casnet.search_records('quick', all_of => '{green}')")
session.is_('search_records() without tags', [], "SELECT title FROM casnet.search_records('quick', none_of => '{green}')")
session.run("PREPARE search (text) AS SELECT title FROM casnet.search_records($1)")
for i in range(7):
    session.is_('search_records() prepared, %d' % i, ['Beta'], "EXECUTE search ('dogs')")
session.refused('search_records() in the select list', "SELECT casnet.search_records('quick')")
session.is_('search_snippet()', (True,), "SELECT casnet.search_snippet('a fox', 'fox') LIKE '%<b>%'")
session.works('search_query()', "SELECT casnet.search_query('fox')")
session.is_('search by operator', ['Alpha dispute'], "SELECT title FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) casnet.search_query('fox')")

# Persons.
person = session.works('a person', "INSERT INTO casnet.persons (name) VALUES ('Ada Lovelace') RETURNING id::text")
session.is_('search_persons()', ['Ada Lovelace'], "SELECT name FROM casnet.search_persons('lace')")
session.is_('link_person()', (True,), 'SELECT casnet.link_person(%s, %s)', record, person)
session.is_('link_person() again', (False,), 'SELECT casnet.link_person(%s, %s)', record, person)
session.is_('link_person() with another relation', (True,), "SELECT casnet.link_person(%s, %s, 'witness')", record, person)
session.is_('persons_of()', [('Ada Lovelace', 'witness')], 'SELECT name, relation FROM casnet.persons_of(%s)', record)
session.is_('records_of()', [(record, 'witness')], 'SELECT record_id::text, relation FROM casnet.records_of(%s)', person)
session.is_('records_of() within a statement', ['Alpha dispute'], 'SELECT title FROM casnet.records WHERE id IN (SELECT record_id FROM casnet.records_of(%s))', person)
session.is_('records_of() of each person', [('Ada Lovelace', 'witness')], 'SELECT p.name, r.relation FROM casnet.persons p, casnet.records_of(p.id) r')
session.refused('export_person()', 'SELECT casnet.export_person(%s)', person)
session.refused('erase_person()', 'SELECT casnet.erase_person(%s)', person)
session.is_('unlink_person()', (True,), 'SELECT casnet.unlink_person(%s, %s)', record, person)
session.is_('unlink_person() again', (False,), 'SELECT casnet.unlink_person(%s, %s)', record, person)
session.fails('link_person() of nobody', 'P0002', 'SELECT casnet.link_person(%s, %s)', record, str(uuid.uuid4()))

# Calendar.
event = session.works('an event', """INSERT INTO casnet.calendar_events (title, starts_at, ends_at, time_zone, recurrence_rule)
    VALUES ('Hearing', '2026-03-02 09:00Z', '2026-03-02 10:00Z', 'Europe/Vienna', 'FREQ=WEEKLY;COUNT=3') RETURNING id::text""")
session.is_('events_between()', ['Hearing'] * 3, "SELECT title FROM casnet.events_between('2026-03-01', '2026-04-01')")
session.run('BEGIN')
session.works('an event in a transaction', "INSERT INTO casnet.calendar_events (title, starts_at, ends_at) VALUES ('Once', '2026-03-05 09:00Z', '2026-03-05 10:00Z')")
session.is_('events_between() after a write', ['Hearing', 'Once', 'Hearing', 'Hearing'], "SELECT title FROM casnet.events_between('2026-03-01', '2026-04-01')")
session.run('ROLLBACK')
session.works('move_series()', "SELECT casnet.move_series(%s, '2026-03-03 09:00Z')", event)
session.is_('the moved series', (True,), "SELECT min(starts_at) = '2026-03-03 09:00Z' FROM casnet.events_between('2026-03-01', '2026-04-01')")
calendar = session.works('export_calendar()', 'SELECT casnet.export_calendar()')
if calendar:
    session.works('import_calendar()', 'SELECT casnet.import_calendar(%s)', calendar.replace('Hearing', 'Imported'))

# Accounts.
web = Session(role='citus_web')
token = web.works('login()', 'SELECT casnet.login(%s, %s, %s)', unique('olga'), PASSWORD, north)
web.fails('login() with a wrong password', '28P01', 'SELECT casnet.login(%s, %s)', unique('olga'), 'wrong' + MARK)
if token:
    web.is_('sign_in()', (olga,), 'SELECT casnet.sign_in(%s)::text', token)
    web.is_('rows by token', (2,), 'SELECT count(*) FROM casnet.records')
    fresh = web.works('refresh_token()', 'SELECT casnet.refresh_token()')
    web.works('sessions()', 'SELECT count(*) FROM casnet.sessions()')
    web.works('change_password()', 'SELECT casnet.change_password(%s, %s)', PASSWORD, PASSWORD + '2')
    web.is_('the own token stays', (2,), 'SELECT count(*) FROM casnet.records')
    second = Session(role='citus_web')
    second.fails('another token ends', '28000', 'SELECT casnet.sign_in(%s)', fresh)
    second.fails('the old password ends', '28P01', 'SELECT casnet.login(%s, %s)', unique('olga'), PASSWORD)
    new = second.works('login() with the new password', 'SELECT casnet.login(%s, %s, %s)', unique('olga'), PASSWORD + '2', north)
    second.works('sign_in() with it', 'SELECT casnet.sign_in(%s)', new)
    second.is_('rows of it', (2,), 'SELECT count(*) FROM casnet.records')
    second.run('BEGIN')
    second.is_('rows of it in a transaction', (2,), 'SELECT count(*) FROM casnet.records')
    web.works('revoke_all_tokens()', 'SELECT casnet.revoke_all_tokens(%s)', olga)
    second.fails('a revoked token ends within a transaction', '28000', 'SELECT count(*) FROM casnet.records')
    second.run('ROLLBACK')
    new = Session(role='citus_web').one('SELECT casnet.login(%s, %s, %s)', unique('olga'), PASSWORD + '2', north)
    third = Session(role='citus_web')
    third.works('sign_in() again', 'SELECT casnet.sign_in(%s)', new)
    service = third.works('service_token()', "SELECT casnet.service_token('export', '{view_records}')")
    if service:
        program = Session(role='citus_web')
        program.works('sign_in() by a service token', 'SELECT casnet.sign_in(%s)', service)
        program.is_('it reads', (2,), 'SELECT count(*) FROM casnet.records')
        program.fails('it does no more', '42501', 'SELECT count(*) FROM casnet.persons')
        sid = third.one("SELECT id FROM casnet.sessions() WHERE name = 'export'")
        third.works('end_session()', 'SELECT casnet.end_session(%s)', sid)
        program.fails('its session ends', '28000', 'SELECT count(*) FROM casnet.records')
    third.works('revoke_token()', 'SELECT casnet.revoke_token()')
    third.fails('a revoked token', '28000', 'SELECT count(*) FROM casnet.records')
admin.works('set_password()', 'SELECT casnet.set_password(%s, %s)', olga, PASSWORD + '3')
web.works('login() after set_password()', 'SELECT casnet.login(%s, %s)', unique('olga'), PASSWORD + '3')
web.works('sign_out()', 'SELECT casnet.sign_out()')
backend = Session()
code = backend.works('password_code()', 'SELECT casnet.password_code(%s)', unique('olga'))
web.works('reset_password()', 'SELECT casnet.reset_password(%s, %s)', code, PASSWORD + '4')
web.works('login() after reset_password()', 'SELECT casnet.login(%s, %s)', unique('olga'), PASSWORD + '4')
session.works('change_username()', 'SELECT casnet.change_username(%s)', unique('olga2'))
session.is_('the new name', (unique('olga2'),), 'SELECT username FROM casnet.whoami()')
session.works('change_username() back', 'SELECT casnet.change_username(%s)', unique('olga'))
code = session.works('email_code()', 'SELECT casnet.email_code(%s)', unique('olga3') + '@x.test')
session.works('confirm_email()', 'SELECT casnet.confirm_email(%s)', code)
session.is_('find_user() by the new address', (olga,), 'SELECT user_id::text FROM casnet.find_user(%s)', unique('olga3') + '@x.test')
admin.works('accounts()', 'SELECT count(*) FROM casnet.accounts()')
admin.works('deactivate_user()', 'SELECT casnet.deactivate_user(%s)', mia)
worker.fails('nothing after deactivate_user()', '28000', 'SELECT count(*) FROM casnet.records')
admin.works('reactivate_user()', 'SELECT casnet.reactivate_user(%s)', mia)
worker.is_('all after reactivate_user()', (2,), 'SELECT count(*) FROM casnet.records')
admin.works('hash_password()', 'SELECT casnet.hash_password(%s)', PASSWORD)
admin.works('is_superuser is set', 'UPDATE casnet.users SET is_superuser = true WHERE id = %s', nora)
boss = Session(nora)
made = boss.works('create_user() by a superuser of the application', 'SELECT casnet.create_user(%s, %s, %s)', unique('tom'), unique('tom') + '@x.test', PASSWORD)
boss.works('login() of a new account', 'SELECT casnet.login(%s, %s)', unique('tom'), PASSWORD)
boss.works('set_password() by a superuser of the application', 'SELECT casnet.set_password(%s, %s)', made, PASSWORD + '5')
boss.works('deactivate_user() by a superuser of the application', 'SELECT casnet.deactivate_user(%s)', made)
boss.works('accounts() of a superuser of the application', 'SELECT count(*) FROM casnet.accounts()')
boss.works('delete_user()', 'SELECT casnet.delete_user(%s)', made)
boss.fails('its account is gone', '28P01', 'SELECT casnet.login(%s, %s)', unique('tom'), PASSWORD)
new_user('tina')
tina = Session(role='citus_web')
tina.works('sign_in() of tina', 'SELECT casnet.sign_in(casnet.login(%s, %s))', unique('tina'), PASSWORD)
tina.works('delete_account()', 'SELECT casnet.delete_account(%s)', PASSWORD)
admin.fails('hashed_password is not written by statements', '0A000', 'UPDATE casnet.users SET hashed_password = %s WHERE id = %s', '$2a$04$' + 'a' * 53, mia)

# Invitations.
code = session.works('invite_member()', 'SELECT casnet.invite_member(%s)', unique('nora') + '@x.test')
session.is_('invitations()', [unique('nora') + '@x.test'], 'SELECT email FROM casnet.invitations()')
Session(nora).is_('invitation()', (unique('North'),), 'SELECT tenant_name FROM casnet.invitation(%s)', code)
Session(nora).is_('accept_invitation()', (north,), 'SELECT casnet.accept_invitation(%s)::text', code)
Session(nora, north).is_('a member by invitation', (2,), 'SELECT count(*) FROM casnet.records')
code = session.works('invite_member() of a stranger', 'SELECT casnet.invite_member(%s)', unique('sue') + '@x.test')
session.works('cancel_invitation()', 'SELECT casnet.cancel_invitation(id) FROM casnet.invitations()')
code = session.works('invite_member() again', 'SELECT casnet.invite_member(%s)', unique('sue') + '@x.test')
sue = Session(role='citus_web').works('sign_up()', 'SELECT casnet.sign_up(%s, %s, %s)', code, unique('sue'), PASSWORD)
if sue:
    Session(sue, north).is_('a member by sign_up()', (2,), 'SELECT count(*) FROM casnet.records')
    Session(role='citus_web').works('login() after sign_up()', 'SELECT casnet.login(%s, %s)', unique('sue'), PASSWORD)

# Issuers and keys.
manager = Session(role='citus_admin')
manager.works('add_signing_key()', 'SELECT casnet.add_signing_key(%s)', unique('key'))
manager.works('signing_keys()', 'SELECT count(*) FROM casnet.signing_keys()')
manager.works('retire_signing_key()', 'SELECT casnet.retire_signing_key(%s)', unique('key'))
manager.works('set_issuer()', 'SELECT casnet.set_issuer(%s, %s, %s)', 'https://' + MARK + '.test',
              json.dumps({'keys': [{'kty': 'OKP', 'crv': 'Ed25519', 'kid': 'k', 'alg': 'EdDSA', 'x': '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'}]}), ['casnet'])
manager.works('issuers()', 'SELECT count(*) FROM casnet.issuers()')
manager.works('link_identity() by an administrator', 'SELECT casnet.link_identity(%s, %s, %s)', mia, 'https://' + MARK + '.test', 'mia')
manager.works('identities()', 'SELECT count(*) FROM casnet.identities(%s)', mia)
manager.works('unlink_identity()', 'SELECT casnet.unlink_identity(%s, %s)', 'https://' + MARK + '.test', 'mia')
manager.works('remove_issuer()', 'SELECT casnet.remove_issuer(%s)', 'https://' + MARK + '.test')

# Data in and out.
session.works('INSERT into a view for loading', "INSERT INTO casnet.tags_load (name) VALUES ('loaded')")
session.is_('what was loaded', (1,), "SELECT count(*) FROM casnet.tags WHERE name = 'loaded'")
with session.connection.cursor() as cursor:
    try:
        cursor.copy_expert('COPY casnet.tags_load (name) FROM STDIN', io.StringIO('copied\n'))
        report(True, 'COPY into a view for loading')
    except psycopg2.Error as error:
        report(False, 'COPY into a view for loading', error)
session.is_('what was copied', (1,), "SELECT count(*) FROM casnet.tags WHERE name = 'copied'")
rows = []
try:
    rows = [row[0] for row in session.run('SELECT casnet.export_tenant()')]
    report(any(row.get('table') == 'records' for row in rows), 'export_tenant()', rows[:2])
    session.run('CREATE TEMP TABLE documents (document jsonb)')
    for row in rows:
        session.run('INSERT INTO documents VALUES (%s)', json.dumps(row))
except psycopg2.Error as error:
    report(error.pgcode == '0A000' and bool(error.diag.message_hint)
           and 'casnet.' in error.diag.message_primary, 'export_tenant()', '%s %s' % (error.pgcode, error))
admin.run('CREATE TEMP TABLE documents (document jsonb)')
admin.refused('import_tenant()', "SELECT casnet.import_tenant('documents')")
admin.run('CREATE TEMP TABLE people (username text, email text)')
admin.refused('adopt_users()', "SELECT * FROM casnet.adopt_users('people')")

# What is not there yet.
admin.works('enable_audit()', "SELECT casnet.enable_audit('casnet.tags')")
session.refused('undelete()', "SELECT casnet.undelete('casnet.tags', %s::uuid)", str(uuid.uuid4()))
admin.run('CREATE TABLE IF NOT EXISTS public.notes_%s (id uuid PRIMARY KEY, tenant_id uuid)' % MARK)
admin.refused('protect()', "SELECT casnet.protect('public.notes_%s')" % MARK)
admin.run('ALTER TABLE public.notes_%s DROP COLUMN tenant_id' % MARK)
admin.works('exempt()', "SELECT casnet.exempt('public.notes_%s')" % MARK)
admin.works('share()', "SELECT casnet.share('public.notes_%s')" % MARK)
admin.run('DROP TABLE public.notes_%s' % MARK)
admin.run('CREATE SCHEMA guarded_%s' % MARK)
admin.works('guard_schema()', "SELECT casnet.guard_schema('guarded_%s')" % MARK)
admin.fails('a guarded schema', '55000', 'CREATE TABLE guarded_%s.t (tenant_id uuid)' % MARK)
admin.works('guard_schema() off', "SELECT casnet.guard_schema('guarded_%s', 'off')" % MARK)
admin.run('DROP SCHEMA guarded_%s' % MARK)
admin.refused('set_search_language()', "SELECT casnet.set_search_language('english')")
session.works('history()', "SELECT count(*) FROM casnet.history('casnet.tags', %s::uuid)", record)
admin.works('disable_audit()', "SELECT casnet.disable_audit('casnet.tags')")
session.fails('history() of another table', '55000', "SELECT count(*) FROM casnet.history('casnet.tags', %s::uuid)", record)
session.works('audit_log()', 'SELECT count(*) FROM casnet.audit_log()')
admin.works('maintain_audit()', 'SELECT casnet.maintain_audit()')
admin.works('purge_audit()', "SELECT casnet.purge_audit('1 year')")
admin.works('uuid_v7()', 'SELECT casnet.uuid_v7()')
session.is_('uuid_v7() for rows', (2,), 'SELECT count(DISTINCT casnet.uuid_v7()) FROM casnet.records')
admin.works('doctor_codes()', 'SELECT count(*) FROM casnet.doctor_codes()')
admin.works('doctor()', 'SELECT count(*) FROM casnet.doctor()')
admin.works('schema_version()', 'SELECT casnet.schema_version()')
admin.refused('install()', 'SELECT casnet.install()')

# The end of tenants.
east = admin.works('create_tenant() for another', 'SELECT casnet.create_tenant(%s, NULL, %s)', unique('East'), zoe)
admin.works('delete_tenant() by a superuser', 'SELECT casnet.delete_tenant(%s)', east)
session.works('delete_tenant()', 'SELECT casnet.delete_tenant(%s)', north)
admin.is_('nothing is left of it', (0,), 'SELECT count(*) FROM casnet.records WHERE tenant_id = %s', north)

print('%d passed, %d failed' % (counts[True], counts[False]))
sys.exit(1 if counts[False] else 0)
