"""Every function of casnet and casnet_internal that casnet_user may call, and how it is
attacked: with objects of a tenant in which the caller has no permission.

In the calls {H...} belongs to the hidden tenant of the actor, and {C...} to one in which no
actor is a member.  The others belong to the active tenant.  Each call that names a hidden
object is repeated with an absent one, and the two answers must be equal.  A function that
is not listed fails the run.
"""

import re

import matrix as m


class Call:
    """Statements, what they take, and the SQLSTATE if the actor has that.

    ends: an SQLSTATE, or {actor: SQLSTATE, '*': SQLSTATE}.  extra: what may change
    besides the active tenant, by key of the judge.  tells: it reveals by design
    whether something exists.  slow: only some actors call it."""

    def __init__(self, statements, need='ANY', ends='00000', extra=(), tells=False, slow=False,
                 value=None, by_chief=None, dues=None, shows=()):
        self.statements = [statements] if isinstance(statements, str) else list(statements)
        self.need = need
        self.ends = ends
        self.extra = extra
        self.tells = tells
        self.slow = slow
        self.value = value          # of actor: the one value returned
        self.by_chief = by_chief    # the SQLSTATE for a superuser of the application
        self.dues = dues or {}      # actor -> SQLSTATE, before all else
        self.shows = shows          # what it shows of the active tenant: canaries, or ids by letter

    def due(self, actor):
        """The expected SQLSTATE."""
        if actor.name in self.dues:
            return self.dues[actor.name]
        found = actor.due(self.need)
        if found != '00000':
            return found
        if actor.name == 'chief' and self.by_chief:
            return self.by_chief
        return self.ends


def pure(expression, ends='00000'):
    """A function that looks at nothing but its arguments."""
    return [Call('SELECT ' + expression, 'ANY', ends)]


def over(function, arguments='', need='ANY', ends='00000', **more):
    """One call as a statement."""
    return Call('SELECT * FROM casnet.%s(%s)' % (function, arguments), need, ends, **more)


def inner(function, arguments='', need='ANY', ends='00000', **more):
    """The same for a function of casnet_internal."""
    return Call('SELECT * FROM casnet_internal.%s(%s)' % (function, arguments), need, ends, **more)


NEW = ('new',)
ALL = ('',)
UNCALLABLE = 'internal'
DOCUMENTS = ['CREATE TEMP TABLE docs (d jsonb)',
             """INSERT INTO docs VALUES ('{"table": "members", "row": {"username": "canary-u-spare",
                "email": "canary-u-spare@here.test", "role": "owner", "permissions": [],
                "created_at": "2024-01-01T00:00:00.000000Z"}}'),
                ('{"table": "records", "row": {"id": "12345678-0000-7000-8000-000000000000",
                "title": "mine", "content": "", "created_at": "2024-01-01T00:00:00.000000Z",
                "updated_at": "2024-01-01T00:00:00.000000Z"}}'),
                ('{"casnet": "tenant", "version": 1, "left_out": [], "tenant": {"id": "{C}", "name": "mine",
                "description": null, "created_at": "2024-01-01T00:00:00.000000Z"}, "columns": {"records":
                {"id": "uuid", "title": "text", "content": "text", "created_at": "time", "updated_at": "time"}}}')"""]
CALENDAR = ("E'BEGIN:VCALENDAR\\nBEGIN:VEVENT\\nUID:mine\\nSUMMARY:mine\\nDTSTART:20240101T000000Z\\n"
            "END:VEVENT\\nEND:VCALENDAR'")
MY_TENANT = {'viewer': '42501', 'narrow': '42501', 'granted': '42501', 'member': '42501', 'admin': '42501',
             'both': '42501', 'intruder': 'P0002', 'outsider': 'P0002', 'removed': 'P0002'}
# Rows of protected tables, which are in no other attack on functions.
OWN_TABLES = tuple('attack_%s-%d' % (name, n) for name in ('parts', 'lists') for n in (1, 2, 3, 4)) + tuple(
    lambda letter, n=n: m.row_id(letter, m.NOTES, n) for n in (1, 2, 3, 4))
BELONGS = {'both': '00000', 'tenantless': '00000', 'chief': '00000'}

CALLS = {
    'uuid_v7()': pure('casnet.uuid_v7()'),
    'casnet_internal.touch_updated_at()': pure('casnet_internal.touch_updated_at()', '39P01'),
    'casnet_internal.keep_tenant()': pure('casnet_internal.keep_tenant()', '39P01'),
    'casnet_internal.fill_tenant()': pure('casnet_internal.fill_tenant()', '39P01'),
    'current_user_id()': [over('current_user_id', value=lambda a:
                               m.user_id(a.user) if a.has_user() else None)],
    'current_tenant_id()': [over('current_tenant_id', value=lambda a:
                                 m.tenant_id(a.tenant) if a.tenant else None)],
    'tenant_with(text)': [
        over('tenant_with', "'%s'" % p, p, value=lambda a: m.tenant_id(a.tenant))
        for p in ('view_records', 'delete_tasks', 'manage_users', 'delete_tenant')] + [
            Call('SELECT casnet.tenant_with(b.letter) FROM attack.bait AS b'),
            Call("DO $$BEGIN FOR i IN 1..2 LOOP PERFORM casnet.tenant_with('view_records');"
                 " PERFORM set_config('casnet.tenant_id', '{C}', true); END LOOP; END$$",
                 'view_records', '42501', by_chief='00000'),
            Call("DO $$DECLARE x uuid; BEGIN FOR i IN 1..2 LOOP x := casnet.tenant_with('view_records');"
                 " SET LOCAL casnet.tenant_id = '{C}'; END LOOP; END$$",
                 'view_records', '42501', by_chief='00000'),
            over('tenant_with', "'nonsense'", ends='22023')],
    'can(text)': [
        over('can', "'%s'" % p, value=lambda a, p=p: not a.refusal and p in a.permissions)
        for p in ('view_records', 'edit_records', 'manage_users', 'delete_tenant')],
    'casnet_internal.require_user()': [inner('require_user', need='USER')],
    'casnet_internal.my_tenant_ids()': [inner('my_tenant_ids', need='USER')],
    'casnet_internal.visible_user_ids()': [inner('visible_user_ids', need='USER')],
    'casnet_internal.is_distributed()': [inner('is_distributed', value=lambda a: False)],
    'casnet_internal.refuse_distributed(text)': [inner('refuse_distributed', "'x'")],
    'casnet_internal.is_administrator()': [inner('is_administrator', value=lambda a: False)],
    'casnet_internal.tenant_to_manage(text)': [inner('tenant_to_manage', "'%s'" % p, p)
                               for p in ('view_users', 'manage_permissions', 'manage_tenant')],
    'whoami()': [over('whoami', need='USER')],
    'my_tenants()': [over('my_tenants', need='USER')],
    'use_tenant(text,boolean)': [
        over('use_tenant', "'{Hname}'", 'USER', 'P0002', dues=BELONGS),
        over('use_tenant', "'{H}', true", 'USER', 'P0002', dues=BELONGS),
        over('use_tenant', "'{Cname}'", 'USER', 'P0002', by_chief='00000'),
        Call(["SELECT set_config('casnet.tenant_id', '{C}', true)",
              'SELECT * FROM casnet.records'], 'USER', '42501', by_chief='00000')],
    'use_tenant(uuid,boolean)': [
        over('use_tenant', "'{H}'::uuid", 'USER', 'P0002', dues=BELONGS),
        over('use_tenant', "'{C}'::uuid, true", 'USER', 'P0002', by_chief='00000')],
    'sign_in(text,boolean)': [
        over('sign_in', "'{forged}'", ends='28000'), over('sign_in', "'{expired}', true", ends='28000'),
        over('sign_in', "'{retired_key}'", ends='28000'), over('sign_in', "'{revoked}'", ends='28000'),
        over('sign_in', "'{unsigned}'", ends='28000'),
        over('sign_in', "'nonsense'", ends='22023'), over('sign_in', "''", ends=('28000', '22023')),
        Call(["DO $$BEGIN PERFORM casnet.sign_in('{forged}'); EXCEPTION WHEN OTHERS THEN NULL; END$$",
              'SELECT casnet_internal.require_user()'], 'USER')],
    'sign_out()': [Call(['SELECT casnet.sign_out()', 'SELECT * FROM casnet.records'], ends='28000'),
                   Call(['SELECT casnet.sign_out()', 'SELECT * FROM casnet.members()'],
                        ends='28000')],
    'casnet_internal.gin_extract_uuid(uuid,internal)': UNCALLABLE,
    'casnet_internal.gin_extract_uuid(uuid,internal,smallint,internal,internal)': UNCALLABLE,
    'casnet_internal.gin_uuid_consistent(internal,smallint,uuid,integer,internal,internal)': UNCALLABLE,
    'casnet_internal.gin_extract_search_query(tsvector,internal,smallint,internal,internal,internal,internal)':
        UNCALLABLE,
    'casnet_internal.gin_extract_value_parts(text,internal,internal)': UNCALLABLE,
    'casnet_internal.gin_extract_part(text,internal,smallint,internal,internal,internal,internal)': UNCALLABLE,
    'casnet_internal.gin_compare_part(bigint,bigint,smallint,internal)': UNCALLABLE,
    'casnet_internal.gin_part_consistent(internal,smallint,text,integer,internal,internal,internal,internal)':
        UNCALLABLE,
    'casnet_internal.gin_part_triconsistent(internal,smallint,text,integer,internal,internal,internal)': UNCALLABLE,
    'casnet_internal.search_vector(regconfig,text,text)': pure("casnet_internal.search_vector('simple', 'x', 'y')"),
    'casnet_internal.search_snippet(text,tsquery)': pure("casnet_internal.search_snippet('x', 'x')"),
    'search_snippet(text,text)': pure("casnet.search_snippet('x', 'x')"),
    'search_query(text)': pure("casnet.search_query('canary or x*')"),
    'casnet_internal.search_match(tsvector,tsquery)': [
        Call("SELECT title FROM casnet.records WHERE search_vector OPERATOR(casnet.@~)"
             " casnet.search_query('canary')", 'view_records'),
        Call("SELECT id FROM casnet.records WHERE casnet_internal.search_match(search_vector,"
             " casnet.search_query(attack.leak_text(content)))", 'view_records')],
    'casnet_internal.search_match(tsvector,text)': [
        Call("SELECT title FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) 'canary'",
             'view_records')],
    'casnet_internal.contains(text,text)': [
        Call("SELECT %s FROM casnet.%s WHERE %s OPERATOR(casnet.*=*) 'CANARY'" % (c, t, c), p)
        for t, c, p in (('records', 'title', 'view_records'), ('persons', 'name', 'view_persons'),
                        ('tasks', 'title', 'view_tasks'))],
    'casnet_internal.search_limit(integer,double precision,uuid)': pure('casnet_internal.search_limit(20)'),
    'casnet_internal.search_rank(double precision)': pure('casnet_internal.search_rank(1)'),
    'casnet_internal.record_rank(tsvector,tsquery)': pure("casnet_internal.record_rank('a:1', 'a')"),
    'casnet_internal.search_part(text)': pure("casnet_internal.search_part('x')"),
    'casnet_internal.account_name_form(text)': pure("casnet_internal.account_name_form('x')"),
    'casnet_internal.name_form(text)': pure("casnet_internal.name_form('x')"),
    'search_records(text,integer,text[],text[],text[],double precision,uuid)': [
        over('search_records', "'canary*', 1000", 'view_records'),
        over('search_records', "'{h}*'", 'view_records'),
        over('search_records', "'canary*', after_rank => 1, after_id => '{C}'", 'view_records'),
        over('search_records', "'canary*', any_of => ARRAY['{Htag}', '{Ctag}']", 'view_records')],
    'search_persons(text,integer)': [over('search_persons', "'canary', 1000", 'view_persons')],
    'casnet_internal.calendar_since(timestamp with time zone,timestamp with time zone,integer)':
        pure("casnet_internal.calendar_since('2024-01-01', '2025-01-01', 7)"),
    'casnet_internal.calendar_until(timestamp with time zone,timestamp with time zone)':
        pure("casnet_internal.calendar_until('2024-01-01', '2025-01-01')"),
    'casnet_internal.occurrences(uuid,timestamp with time zone,timestamp with time zone,boolean,text,text,'
    'timestamp with time zone[],timestamp with time zone[],timestamp with time zone,'
    'timestamp with time zone)': [
        inner('occurrences', "'{Hrecord}', '2024-01-01', NULL, true, 'UTC', 'FREQ=DAILY', '{}', '{}',"
              " '2024-01-01', '2024-02-01'")],
    'casnet_internal.read_calendar(text)':
        pure("casnet_internal.read_calendar(E'BEGIN:VCALENDAR\nEND:VCALENDAR')"),
    'casnet_internal.calendar_id(text,text)': pure("casnet_internal.calendar_id('x')"),
    'casnet_internal.rule_until(text,timestamp with time zone)':
        pure("casnet_internal.rule_until('FREQ=DAILY', '2024-01-01')"),
    'casnet_internal.calendar_series(text)': pure("casnet_internal.calendar_series(%s)" % CALENDAR),
    'casnet_internal.calendar_changes(text)': pure("casnet_internal.calendar_changes(%s)" % CALENDAR),
    'casnet_internal.calendar_rows(text)': pure("casnet_internal.calendar_rows(%s)" % CALENDAR),
    'casnet_internal.calendar_event(text,text,text,text,text,timestamp with time zone,'
    'timestamp with time zone,boolean,text,text,timestamp with time zone[],timestamp with time zone,'
    'boolean,text,timestamp with time zone,timestamp with time zone[])':
        pure("casnet_internal.calendar_event('x', 'x', NULL, NULL, 'SCHEDULED', '2024-01-01', NULL, true,"
             " 'UTC', NULL, '{}', NULL, NULL, NULL, '2024-01-01', '{}')"),
    'casnet_internal.calendar_zone(text,timestamp with time zone,timestamp with time zone)':
        pure("casnet_internal.calendar_zone('Europe/Berlin', '2024-01-01', '2025-01-01')"),
    'import_calendar(text,uuid)': [
        over('import_calendar', CALENDAR, 'create_calendar', extra=NEW),
        over('import_calendar', CALENDAR + ", '{Hrecord}'", 'view_records', 'P0002')],
    'export_calendar(uuid)': [
        over('export_calendar', need='view_calendar'),
        over('export_calendar', "'{Hrecord}'", 'view_records', 'P0002')],
    'events_between(timestamp with time zone,timestamp with time zone,boolean)': [
        over('events_between', "'2020-01-01', '2030-01-01'", 'view_calendar'),
        over('events_between', "'2020-01-01', '2030-01-01', true", 'view_calendar')],
    'casnet_internal.moved_times(timestamp with time zone[],text,boolean,timestamp with time zone,'
    'timestamp with time zone)':
        pure("casnet_internal.moved_times('{2024-01-01}', 'UTC', false, '2024-01-01', '2024-01-02')"),
    'casnet_internal.rule_moves(text,text,timestamp with time zone,timestamp with time zone)':
        pure("casnet_internal.rule_moves('FREQ=DAILY', 'UTC', '2024-01-01', '2024-01-02')"),
    'move_series(uuid,timestamp with time zone,timestamp with time zone)': [
        over('move_series', "'{Hrecord}', '2024-01-01'", 'edit_calendar', 'P0002')],
    'schema_version()': pure('casnet.schema_version()'),
    'casnet_internal.found_tenant(text,text,uuid)': [
        inner('found_tenant', "'mine', NULL, NULL", 'USER', extra=NEW),
        inner('found_tenant', "'mine', NULL, '{Huser}'", 'USER', '42501', by_chief='00000',
             extra=NEW, tells=True),
        inner('found_tenant', "'{Cname}', NULL, NULL", 'USER', '23505', tells=True)],
    'create_tenant(text,text,uuid)': [
        over('create_tenant', "'mine'", 'USER', extra=NEW),
        over('create_tenant', "'mine', NULL, '{Huser}'", 'USER', '42501', by_chief='00000',
             extra=NEW, tells=True),
        over('create_tenant', "'{Cname}'", 'USER', '23505', tells=True),
        Call(["SELECT casnet.use_tenant(casnet.create_tenant('mine')::text, true)",
              "SELECT * FROM casnet.records"], 'USER', extra=NEW)],
    'casnet_internal.remove_tenant(uuid)': [
        inner('remove_tenant', "'{C}'", 'USER', 'P0002', by_chief='00000', extra=ALL),
        inner('remove_tenant', "'{tenant}'", 'USER', dues=MY_TENANT, extra=ALL)],
    'delete_tenant(uuid)': [over('delete_tenant', "'{C}'", 'USER', 'P0002', by_chief='00000', extra=ALL),
                            over('delete_tenant', "'{tenant}'", 'USER', dues=MY_TENANT, extra=ALL)],
    'casnet_internal.find_user(text)': [inner('find_user', "'{Cusername}'", 'manage_users', tells=True)],
    'casnet_internal.find_account(text,text)': [
        inner('find_account', "'{Cusername}', '{Cusername}@here.test'", 'manage_users', tells=True)],
    'add_member(text,text)': [over('add_member', "'{Cusername}'", 'manage_users', tells=True),
                              over('add_member', "'{Cusername}', 'owner'", 'manage_users', tells=True,
                                   dues={'admin': '42501', 'both': '42501'})],
    'casnet_internal.find_member(text,uuid)': [
        inner('find_member', "'{Cusername}', '{C}'", 'view_users', 'P0002')],
    'set_member_role(text,text)': [over('set_member_role', "'{Cusername}', 'viewer'", 'assign_roles',
                                        'P0002')],
    'remove_member(text)': [over('remove_member', "'{Cusername}'", 'manage_users', 'P0002')],
    'casnet_internal.free_membership(uuid,uuid,boolean)': [
        inner('free_membership', "'{Cuser}', '{C}', true", ends='42501', by_chief='00000')],
    'casnet_internal.free_account(uuid)': [
        inner('free_account', "'{Cuser}'", 'USER', '42501', by_chief='00000')],
    'casnet_internal.set_active(uuid,boolean)': [
        inner('set_active', "'{Cuser}', false", 'USER', '42501', by_chief='00000', extra=ALL)],
    'casnet_internal.set_active_in_session(uuid,boolean)': [
        inner('set_active_in_session', "'{Cuser}', false", 'USER', '42501', by_chief='00000', extra=ALL)],
    'deactivate_user(uuid)': [over('deactivate_user', "'{Cuser}'", 'USER', '42501', by_chief='00000',
                                   extra=ALL)],
    'reactivate_user(uuid)': [over('reactivate_user', "'{Cuser}'", 'USER', '42501', by_chief='00000',
                                   extra=ALL)],
    'leave_tenant()': [over('leave_tenant', need='TENANT', by_chief='42501'),
                       Call(["SELECT set_config('casnet.tenant_id', '{C}', true)",
                             'SELECT casnet.leave_tenant()'], 'USER', '42501')],
    'members()': [over('members', need='view_users')],
    'grant_permission(text,text)': [over('grant_permission', "'{Cusername}', 'view_records'",
                                         'manage_permissions', 'P0002')],
    'revoke_permission(text,text)': [over('revoke_permission', "'{Cusername}', 'view_analytics'",
                                          'manage_permissions', 'P0002')],
    'hash_password(text)': [over('hash_password', "'some password'", slow=True)],
    'login(text,text,uuid,interval)': [over('login', "'{Cusername}', 'wrong password'", ends='28P01',
                                            slow=True)],
    'refresh_token(interval)': [over('refresh_token', need='USER', extra=('sessions',))],
    'revoke_token()': [over('revoke_token', need='USER', extra=('revoked_tokens',))],
    'revoke_all_tokens(uuid)': [over('revoke_all_tokens', "'{Cuser}'", 'USER', '42501',
                                     by_chief='00000', extra=('token_cutoffs',))],
    'change_password(text,text)': [over('change_password', "'wrong password', 'some password'",
                                        'USER', '28P01', slow=True)],
    'link_identity(text,text)': [over('link_identity', "'{forged}'", 'USER', '28000')],
    'link_identity(uuid,text,text)': [over('link_identity', "'{Cuser}', 'https://id.example', 'mine'", 'USER', '42501',
                                           by_chief='P0002')],
    'unlink_identity(text,text)': [over('unlink_identity', "'https://id.example', 'mine'", 'USER', 'P0002')],
    'service_token(text,text[],interval,uuid)': [
        over('service_token', "'mine', ARRAY['view_records']", need='USER', extra=('sessions',))],
    'casnet_internal.require_whole_user()': [inner('require_whole_user', need='USER')],
    'sessions(uuid)': [over('sessions', need='USER'),
                       over('sessions', "'{Cuser}'", 'USER', '42501', by_chief='00000')],
    'end_session(uuid)': [over('end_session', "'{Cuser}'", 'USER', 'P0002')],
    'identities(uuid)': [over('identities', need='USER'),
                         over('identities', "'{Cuser}'", 'USER', '42501', by_chief='00000')],
    'set_password(uuid,text)': [over('set_password', "'{Cuser}', 'some password'", 'USER', '42501',
                                     by_chief='00000', extra=ALL)],
    'password_code(text,interval)': [
        over('password_code', "'{Cusername}'", 'USER', '42501', by_chief='00000', extra=('codes',)),
        over('password_code', "'nobody'", 'USER', '42501', by_chief='00000', extra=('codes',))],
    'reset_password(text,text)': [
        over('reset_password', "'canary-h-code-x', 'some password'", ends='P0002'),
        over('reset_password', "'canary-h-code-{h}', 'some password'", ends='P0002'),
        over('reset_password', 'NULL, NULL', ends='P0002')],
    'change_username(text)': [
        over('change_username', "'{Cusername}'", 'USER', '23505', tells=True),
        over('change_username', "'{Cusername}@here.test'", 'USER', '22023'),
        over('change_username', "'mine'", 'USER', extra=NEW)],
    'email_code(text,interval)': [over('email_code', "'{Cusername}@here.test'", ends='42501')],
    'confirm_email(text)': [over('confirm_email', "'canary-h-code-x'", 'USER', 'P0002'),
                            over('confirm_email', "'canary-h-code-of-owner'", 'USER', 'P0002')],
    'accounts(text,integer)': [over('accounts', need='USER', ends='42501', by_chief='00000'),
                               over('accounts', "'{Cusername}', 1", 'USER', '42501', by_chief='00000')],
    'casnet_internal.accounts_in_session(text,integer)': [
        inner('accounts_in_session', 'NULL, 100', 'USER', '42501', by_chief='00000')],
    'delete_user(uuid)': [over('delete_user', "'{Cuser}'", 'USER', '42501', by_chief='00000', extra=ALL)],
    'delete_account(text)': [over('delete_account', "'wrong password'", 'USER', '28P01', slow=True)],
    'create_user(text,text,text,text,boolean)': [
        over('create_user', "'mine', 'mine@here.test', NULL, NULL, true", 'USER', '42501',
             by_chief='00000', extra=NEW)],
    'invite_member(text,text,interval)': [
        over('invite_member', "'mine@here.test'", 'manage_users'),
        over('invite_member', "'mine@here.test', 'owner'", 'manage_users',
             dues={'admin': '42501', 'both': '42501'})],
    'accept_invitation(text)': [over('accept_invitation', "'canary-h-code-{h}'", 'USER', 'P0002',
                                     dues={'tenantless': 'P0002'}),
                                over('accept_invitation', "'canary-h-code-c'", 'USER', 'P0002')],
    'sign_up(text,text,text,text)': [
        over('sign_up', "'canary-h-code-x', '{Cusername}', 'some password'",
             ends='55000', dues={'nobody': 'P0002'}),
        Call(['SELECT casnet.sign_out()',
              "SELECT casnet.sign_up('canary-h-code-x', '{Cusername}', 'some password')"],
             ends='P0002')],
    'invitation(text)': [over('invitation', "'canary-h-code-x'", ends='P0002'),
                         over('invitation', 'NULL', ends='P0002')],
    'invitations()': [over('invitations', need='manage_users', shows=('invitations',))],
    'cancel_invitation(uuid)': [over('cancel_invitation', "'{C}'", 'manage_users', 'P0002')],
    'casnet_internal.require_protector(regclass)': [
        inner('require_protector', "'casnet.records'", ends='42501'),
        inner('require_protector', "'attack.loot'", ends='42501')],
    'casnet_internal.list_protected_tables()': [inner('list_protected_tables')],
    'casnet_internal.list_declared_tables()': [inner('list_declared_tables')],
    'share(regclass)': [over('share', "'attack.loot'", ends='42501'),
                        over('share', "'casnet.records'", ends='42501')],
    'exempt(regclass)': [over('exempt', "'attack.loot'", ends='42501'),
                         over('exempt', "'casnet.records'", ends='42501')],
    'protect(regclass,text,uuid,name)': [
        over('protect', "'attack.loot'", ends='42501'),
        over('protect', "'attack.loot', tenant_column => 'owner'", ends='42501'),
        over('protect', "'attack.loot', 'records', '{C}'", ends='42501'),
        over('protect', "'casnet.records'", ends='42501')],
    'unprotect(regclass)': [over('unprotect', "'public.attack_notes'", ends='42501')],
    'casnet_internal.reissue_uuid(uuid,uuid)': [inner('reissue_uuid', "'{Hrecord}', '{H}'", tells=True)],
    'casnet_internal.managed_tenant(uuid)': [
        inner('managed_tenant', "'{C}'", 'USER', 'P0002', by_chief='00000'),
        inner('managed_tenant', "'{tenant}'", 'USER', dues=MY_TENANT)],
    'casnet_internal.export_tenant_for_operator(uuid,boolean)': [
        inner('export_tenant_for_operator', "'{C}', true", ends='42501'),
        inner('export_tenant_for_operator', "'{tenant}', true", ends='42501')],
    'casnet_internal.export_tenant_in_session(uuid,boolean)': [
        inner('export_tenant_in_session', "'{C}', true", 'USER', 'P0002', by_chief='00000'),
        inner('export_tenant_in_session', "'{tenant}', true", 'USER', dues=MY_TENANT, shows=OWN_TABLES)],
    'export_tenant(uuid,boolean)': [
        over('export_tenant', "'{C}'", 'USER', 'P0002', by_chief='00000'),
        over('export_tenant', "'{C}', true", 'USER', 'P0002', by_chief='00000'),
        over('export_tenant', "'{tenant}', true", 'USER', dues=MY_TENANT, shows=OWN_TABLES),
        over('export_tenant', '', 'USER', dues=dict(MY_TENANT, tenantless='55000'))],
    'casnet_internal.is_operator()': [inner('is_operator', value=lambda a: False)],
    'casnet_internal.document_keys()': pure('casnet_internal.document_keys()'),
    'casnet_internal.document_value_fits(text,jsonb)': pure("casnet_internal.document_value_fits('text', '1')"),
    'casnet_internal.document_row_problem(jsonb,text,jsonb)': pure(
        "casnet_internal.document_row_problem('{}', 'tags', '{}')"),
    'casnet_internal.document_problem(jsonb,jsonb)': pure("casnet_internal.document_problem('{}', '{}')"),
    'casnet_internal.document_tables()': pure('casnet_internal.document_tables()'),
    'casnet_internal.tenant_column(regclass)': pure(
        "casnet_internal.tenant_column('casnet.records')"),
    'casnet_internal.document_columns(regclass)': pure("casnet_internal.document_columns('casnet.records')"),
    'casnet_internal.document_added_columns(regclass)': pure(
        "casnet_internal.document_added_columns('casnet.tenants')"),
    'casnet_internal.document_batches(regclass)': pure("casnet_internal.document_batches('casnet.roles')"),
    'casnet_internal.document_values(regclass,jsonb,boolean)': pure(
        '''casnet_internal.document_values('casnet.records', '{"title": "text"}', true)'''),
    'casnet_internal.document_shape(jsonb,boolean)': pure(
        '''casnet_internal.document_shape('{"records": {"title": "text"}}', false)'''),
    'casnet_internal.importable_columns()': pure('casnet_internal.importable_columns()'),
    'casnet_internal.read_header(regclass,name)': [
        inner('read_header', "'casnet.persons', 'contact_info'", ends='42809'),
        inner('read_header', "'casnet_internal.protected', 'before'", ends='42501')],
    'casnet_internal.require_empty_tenant(uuid,regclass[])': [
        inner('require_empty_tenant', "'{C}', '{casnet.records}'", 'manage_tenant'),
        inner('require_empty_tenant', "'{C}', '{casnet_internal.invitations}'", 'USER', '42501',
              dues={'tenantless': '55000'})],
    'casnet_internal.import_new_tenant(jsonb,text,boolean,uuid)': [
        inner('import_new_tenant',
              """'{"id": "{C}", "created_at": "2024-01-01Z"}', 'mine', true, '{Cuser}'""", 'USER',
              '42501')],
    'casnet_internal.document_column(regclass)': [inner('document_column', "'%s'" % t, ends=e) for t, e in (
        ('casnet.persons', '42809'), ('casnet_internal.signing_keys', '22023'),
        ('casnet_internal.protected', '42809'))],
    'casnet_internal.refuse_document(regclass,name,tid,text,jsonb)': [
        inner('refuse_document', "'casnet.persons', 'contact_info', '(0,%d)', NULL" % n,
             ends='42809') for n in (1, 3, 5)] + [
                 inner('refuse_document', "'casnet_internal.protected', 'before', '(0,1)', NULL", ends='42501')],
    'casnet_internal.document_place(regclass,name,tid)': [
        inner('document_place', "'casnet.persons', 'contact_info', '(0,%d)'" % n, ends='42809') for n in (1, 3, 5)] + [
            inner('document_place', "'casnet_internal.protected', 'before', '(0,1)'", ends='42501')],
    'casnet_internal.check_document_roles(regclass,name,jsonb)': [
        inner('check_document_roles', "'casnet.persons', 'contact_info', '[0, 0]'", 'USER', '42809'),
        inner('check_document_roles', "'casnet_internal.protected', 'before', '[0, 0]'", 'USER', '42501')],
    'casnet_internal.document_source(regclass,name)': pure(
        "casnet_internal.document_source('casnet.persons', 'contact_info')"),
    'casnet_internal.read_documents(regclass,name,tid,tid)': [
        inner('read_documents', "'%s', '%s', '(0,0)', '(9,9)'" % (t, c), ends=e) for t, c, e in (
            ('casnet.persons', 'contact_info', '42809'), ('casnet_internal.signing_keys', 'kid', '42501'),
            ('casnet_internal.protected', 'before', '42501'))],
    'casnet_internal.lock_documents(regclass)': [
        inner('lock_documents', "'%s'" % t, ends=e) for t, e in (
            ('casnet.persons', '42809'), ('casnet_internal.signing_keys', '42501'),
            ('casnet_internal.protected', '42501'))],
    'casnet_internal.document_range(bigint)': pure('casnet_internal.document_range(0)'),
    'casnet_internal.check_documents(regclass,name,jsonb)': [
        inner('check_documents', "'casnet.persons', 'contact_info', '{\"tags\": null}'", ends='42809'),
        inner('check_documents', "'casnet_internal.protected', 'before', '{\"tags\": null}'", ends='42501')],
    'casnet_internal.found_imported_tenant(text,text,timestamp with time zone)': [
        inner('found_imported_tenant', "'mine', NULL, now()", 'USER', extra=NEW)],
    'casnet_internal.find_members(regclass,name,jsonb,uuid)': [
        Call(DOCUMENTS + ["SELECT casnet_internal.find_members('docs', 'd', '[0, 0]',"
                          " casnet.current_user_id())"], 'manage_users', tells=True)],
    'casnet_internal.import_members(regclass,name,jsonb,uuid,uuid,jsonb)': [
        Call(DOCUMENTS + ["SELECT casnet_internal.import_members('docs', 'd', '[0, 0]', '{C}',"
                          " casnet.current_user_id(), jsonb_build_object('canary-u-spare', '{Cuser}'))"],
             'assign_roles', '42501')],
    'casnet_internal.document_for_owner(jsonb,boolean)': pure(
        "casnet_internal.document_for_owner('{\"id\": \"id\"}', false)"),
    'casnet_internal.imports_as_owner(regclass)': pure(
        "casnet_internal.imports_as_owner('casnet.records')"),
    'casnet_internal.import_statement(regclass,jsonb,boolean,text,boolean)': pure(
        "casnet_internal.import_statement('casnet.records', '{\"id\": \"id\"}', false, 'x', true)"),
    'casnet_internal.insert_documents(regclass,text,text,tid,tid,uuid,jsonb)': [
        inner('insert_documents', "'casnet.records', 'SELECT NULL::jsonb AS r',"
              " 'INSERT INTO casnet.records (tenant_id) VALUES ($1)', NULL, NULL, '{C}', NULL", ends='42501')],
    'casnet_internal.import_added(regclass,jsonb,text,text,tid,tid,uuid,jsonb)': [
        inner('import_added', "'casnet.tenants', '{}', '', '', NULL, NULL, '{C}', '{}'")],
    'casnet_internal.import_importer(regclass,name,tid,uuid,uuid)': [
        Call(DOCUMENTS + ["SELECT casnet_internal.import_importer('docs', 'd', '(0,1)', '{C}',"
                          " '{Cuser}')"], 'assign_roles', '00000')],
    'casnet_internal.import_rows(regclass,name,text,regclass,jsonb,jsonb,uuid,jsonb,boolean)': [
        Call(DOCUMENTS + ["SELECT casnet_internal.import_rows('docs', 'd', 'records', 'casnet.records',"
                          """ '{"id": "id", "title": "text"}', '[0, 0]', '{C}', '{}', true)"""],
             'create_records', '42501')],
    'import_tenant(regclass,text,uuid,boolean,boolean,boolean)': [
        Call(DOCUMENTS + ["SELECT casnet.import_tenant('docs', NULL, '{C}')"], 'USER', 'P0002',
             by_chief='55000'),
        Call(DOCUMENTS + ["SELECT casnet.import_tenant('docs', 'mine', keep_tenant_id => true)"],
             'ANY', '42501')],
    'casnet_internal.document_member(jsonb,jsonb)': pure("casnet_internal.document_member('{}', NULL)"),
    'casnet_internal.tag_names(text[])': pure("casnet_internal.tag_names('{x}')"),
    'casnet_internal.tag_id(text)': [inner('tag_id', "'{Htag}'", 'view_tags', value=lambda a: None)],
    'casnet_internal.tag_ids(text[])': [
        inner('tag_ids', "ARRAY['{Htag}']", 'view_tags', value=lambda a: None)],
    'records_tagged(text[],text[],text[])': [
        over('records_tagged', "ARRAY['{Htag}']", 'view_records'),
        over('records_tagged', "'{}', '{}', ARRAY['{Htag}']", 'view_records'),
        Call("SELECT title FROM casnet.records WHERE attack.leak(title) AND id IN"
             " (SELECT casnet.records_tagged(none_of => ARRAY['{Htag}']))", 'view_records'),
        Call("SELECT b.id FROM attack.bait AS b WHERE b.id IN"
             " (SELECT casnet.records_tagged(any_of => ARRAY['{Htag}', '{Ctag}']))", 'view_records')],
    'tag_records(uuid[],text[])': [
        over('tag_records', "ARRAY['{Hrecord}']::uuid[], ARRAY['mine']", 'view_records', 'P0002'),
        over('tag_records', "ARRAY['{record}']::uuid[], ARRAY['mine']", 'edit_records',
             dues={'granted': '42501'})],
    'casnet_internal.link_tags(uuid[],text[])': [
        inner('link_tags', "ARRAY['{Hrecord}']::uuid[], ARRAY['mine']", 'view_records', 'P0002'),
        inner('link_tags', "ARRAY['{record}']::uuid[], ARRAY['mine']", 'edit_records',
              dues={'granted': '42501'})],
    'casnet_internal.link_tags_by_kept_plans(uuid[],text[])': [
        inner('link_tags_by_kept_plans', "ARRAY['{Hrecord}']::uuid[], ARRAY['mine']", 'view_records', 'P0002'),
        inner('link_tags_by_kept_plans', "ARRAY['{record}']::uuid[], ARRAY['mine']", 'edit_records',
              dues={'granted': '42501'})],
    'casnet_internal.require_records(uuid[])': [
        inner('require_records', "ARRAY['{Hrecord}']::uuid[]", 'view_records', 'P0002')],
    'tag_record(uuid,text[])': [over('tag_record', "'{Hrecord}', 'mine'", 'view_records', 'P0002'),
                                over('tag_record', "'{record}', '{Htag}'", 'edit_records',
                                     dues={'granted': '42501'})],
    'untag_record(uuid,text[])': [over('untag_record', "'{Hrecord}', '{Htag}'", 'edit_records', 'P0002')],
    'untag_records(uuid[],text[])': [
        over('untag_records', "ARRAY['{Hrecord}']::uuid[], ARRAY['{Htag}']", 'view_records', 'P0002'),
        over('untag_records', "ARRAY['{record}', '{Hrecord}']::uuid[], ARRAY['{tag}']", 'view_records', 'P0002'),
        over('untag_records', "ARRAY['{record}']::uuid[], ARRAY['{tag}']", 'edit_records'),
        over('untag_records', "ARRAY['{record}']::uuid[], ARRAY['{Htag}']", 'edit_records')],
    'tags_of(uuid)': [over('tags_of', "'{Hrecord}'", 'view_records', 'P0002'),
                      over('tags_of', "'{record}'", 'view_records')],
    'tag_counts()': [over('tag_counts', need='view_tags')],
    'casnet_internal.require_person(uuid)': [inner('require_person', "'{Hperson}'", 'view_persons', 'P0002')],
    'link_person(uuid,uuid,text)': [
        over('link_person', "'{Hrecord}', '{person}'", 'view_records', 'P0002'),
        over('link_person', "'{record}', '{Hperson}', 'mine'", 'edit_records', 'P0002'),
        over('link_person', "'{Hrecord}', '{Hperson}', 'mine'", 'edit_records', 'P0002'),
        over('link_person', "'{record}', '{person}', 'mine'", 'edit_records')],
    'unlink_person(uuid,uuid)': [
        over('unlink_person', "'{Hrecord}', '{Hperson}'", 'edit_records', 'P0002'),
        over('unlink_person', "'{record}', '{Hperson}'", 'edit_records'),
        over('unlink_person', "'{record}', '{person}'", 'edit_records')],
    'persons_of(uuid)': [over('persons_of', "'{Hrecord}'", 'view_records', 'P0002'),
                         over('persons_of', "'{record}'", 'view_records')],
    'records_of(uuid)': [
        over('records_of', "'{Hperson}'", 'view_records'),
        over('records_of', "'{person}'", 'view_records'),
        Call("SELECT title FROM casnet.records WHERE attack.leak(title) AND id IN"
             " (SELECT record_id FROM casnet.records_of('{Hperson}'))", 'view_records'),
        Call("SELECT b.id FROM attack.bait AS b WHERE b.id IN"
             " (SELECT record_id FROM casnet.records_of('{Hperson}')"
             " UNION ALL SELECT record_id FROM casnet.records_of('{Cperson}'))", 'view_records')],
    'casnet_internal.require_tag(text)': [inner('require_tag', "'{Htag}'", 'view_tags', 'P0002')],
    'merge_tags(text,text)': [over('merge_tags', "'{Htag}', '{tag}'", 'view_tags', 'P0002'),
                              over('merge_tags', "'{tag}', '{Htag}'", 'view_tags', 'P0002')],
    'rename_tag(text,text)': [over('rename_tag', "'{Htag}', 'mine'", 'view_tags', 'P0002'),
                              over('rename_tag', "'{tag}', '{Htag}'", 'edit_tags')],
    'audit_log(timestamp with time zone,timestamp with time zone,integer,uuid,regclass,jsonb,uuid,text)': [
        over('audit_log', need='view_analytics'),
        over('audit_log', "'-infinity', 'infinity', 1000", 'view_analytics'),
        over('audit_log', "for_relation => 'casnet.records', for_user => '{Huser}', for_action => 'update'",
             'view_analytics'),
        over('audit_log', "for_row => '{\"id\": \"{Hrecord}\", \"tenant_id\": \"{H}\"}'", 'view_analytics')],
    'history(regclass,text,timestamp with time zone,integer,uuid)': [
        over('history', "'casnet.records', '{Hrecord}'", 'view_analytics'),
        over('history', "'casnet.records', '{\"id\": \"{Hrecord}\", \"tenant_id\": \"{H}\"}'", 'view_analytics'),
        over('history', "'casnet.tasks', '{Hrecord}'", 'view_analytics', '55000'),
        over('history', "'casnet.records', '{record}'", 'view_analytics')],
    'history(regclass,uuid,timestamp with time zone,integer,uuid)': [
        over('history', "'casnet.records', '{Hrecord}'::uuid", 'view_analytics')],
    'undelete(regclass,text,boolean,jsonb)': [
        over('undelete', "'casnet.records', '{Hrecord}'", 'create_records', 'P0002'),
        over('undelete', "'casnet.records', '{\"id\": \"{Hrecord}\", \"tenant_id\": \"{H}\"}'", 'create_records', 'P0002'),
        over('undelete', "'casnet.record_tags', '{Hrecord}'", 'edit_records', '22023'),
        over('undelete', "'casnet.user_tenants', '{Huser}'", 'TENANT', '42809', dues={'granted': '42809'}),
        over('undelete', "'casnet_internal.sessions', '{Huser}'", 'TENANT', '42809'),
        over('undelete', "'casnet.records', '{record}'", 'create_records', 'P0002')],
    'undelete(regclass,uuid,boolean,jsonb)': [
        over('undelete', "'casnet.records', '{Hrecord}'::uuid", 'create_records', 'P0002')],
    'casnet_internal.row_key(regclass,text)': [
        inner('row_key', "'casnet.records', '{Hrecord}'", 'TENANT'),
        inner('row_key', "'casnet.record_tags', '{Hrecord}'", 'TENANT', '22023')],
    'casnet_internal.is_audited(regclass)': pure("casnet_internal.is_audited('casnet.records')"),
    'export_person(uuid)': [over('export_person', "'{Hperson}'", 'export_persons', 'P0002'),
                            over('export_person', "'{person}'", 'export_persons')],
    'erase_person(uuid,text,uuid[])': [over('erase_person', "'{Hperson}'", 'erase_persons', 'P0002'),
                                over('erase_person', "'{person}', 'request', ARRAY['{Hrecord}']::uuid[]", 'erase_persons', '22023'),
                                       over('erase_person', "'{person}', 'request'", 'erase_persons')],
}


def words(campaign, actor, absent=False):
    """The values of the placeholders; absent: objects that do not exist."""
    own = actor.tenant or 'a'
    found = {'tenant': m.tenant_id(own), 'record': m.row_id(own, m.RECORDS),
             'person': m.row_id(own, m.PERSONS), 'tag': 'canary-%s-tags-1' % own, 'h': actor.hidden}
    for name in ('forged', 'expired', 'retired_key', 'revoked'):
        found[name] = campaign.tokens[name]
    found['unsigned'] = campaign.tokens['owner'].rpartition('.')[0] + '.' + 'A' * 43
    for prefix, letter in (('H', actor.hidden), ('C', 'c')):
        name = 'absent' + prefix if absent else 'helper' + letter
        letter = m.ABSENT if absent else letter
        found.update({
            prefix: m.tenant_id(letter), prefix + 'name': 'canary-%s-tenants' % letter,
            prefix + 'record': m.row_id(letter, m.RECORDS),
            prefix + 'person': m.row_id(letter, m.PERSONS),
            prefix + 'tag': 'canary-%s-tags-1' % letter,
            prefix + 'user': m.row_id(m.ABSENT, m.USERS) if absent else m.user_id(name),
            prefix + 'username': 'canary-u-' + name})
    return found


def same(campaign, pair, filled):
    """Whether the answers about hidden and absent objects are equal."""
    texts = []
    for outcome, these in zip(pair, filled):
        text = '\n'.join(outcome.text)
        for key in sorted(these, key=lambda k: -len(these[k])):
            if key[0] in 'HC':
                text = text.replace(these[key], '?')
        text = re.sub(r'\d+::oid::regclass', '#', text)    # the caller's own table of documents
        texts.append((outcome.sqlstate, outcome.count,
                      re.sub(r'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{22}', '#', text)))
    return texts[0] == texts[1], texts


def attack(campaign):
    """All calls by all actors."""
    campaign.judge.execute(
        '''SELECT CASE p.pronamespace WHEN 'casnet'::regnamespace THEN '' ELSE 'casnet_internal.' END
                  || p.proname || '(' || (SELECT coalesce(string_agg(format_type(t, NULL), ','
                  ORDER BY n), '') FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u (t, n)) || ')',
                  'internal'::regtype = ANY (p.proargtypes::oid[])
             FROM pg_proc AS p
            WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
              AND has_function_privilege(%s, p.oid, 'EXECUTE') ORDER BY 1''', (campaign.role,))
    there = dict(campaign.judge.fetchall())
    for name in sorted(set(there) | set(CALLS)):
        campaign.note('functions', 'is known', None, name in there and name in CALLS, name,
                      'there is no entry for it in functions.py' if name in there else
                      'casnet_user cannot call it')
        if name in there and CALLS.get(name) == UNCALLABLE:
            campaign.note('functions', 'takes internal', None, there[name], name,
                          'it can be called')
    for actor in campaign.actors():
        session = campaign.session(actor)
        for name, calls in sorted(CALLS.items()):
            if name not in there or calls == UNCALLABLE or not campaign.wants_command(name):
                continue
            for call in calls:
                if call.slow and (campaign.options.quick or actor.name not in ('owner', 'nobody')):
                    continue
                try_call(campaign, session, actor, name, call)


def try_call(campaign, session, actor, name, call):
    """One call; if it names a hidden object, once more with an absent one."""
    filled = [words(campaign, actor), words(campaign, actor, absent=True)]
    statements = [campaign.filled(s, filled[0]) for s in call.statements]
    outcome = session.attempt(statements, judge=True)
    due, trouble = call.due(actor), ''
    if call.value and outcome.sqlstate == '00000':
        wanted, seen = call.value(actor), outcome.rows[0][0]
        if seen != wanted:
            trouble = 'due was %r, returned %r' % (wanted, seen)
    others = [campaign.filled(s, filled[1]) for s in call.statements]
    free = (actor.name == 'chief' or
            due == '00000' and '{H' in ''.join(call.statements) and actor.hidden in actor.belongs)
    if others != statements and not (call.tells or call.slow or free):
        again = session.attempt(others)
        is_same, texts = same(campaign, (outcome, again), filled)
        if not is_same:
            trouble = 'what is hidden and what is not there differ: %r and %r' % tuple(texts)
    # A superuser of the application may enter every tenant.
    mine = call.tells or actor.name == 'chief' and due == '00000'
    expected = {x.group() for x in m.CANARY.finditer('\n'.join(outcome.text))
                if not x.group().startswith('canary-h') and
                (mine or actor.name == 'tenantless' and due == '00000' and 'export' in name and
                 re.match('canary-[au]|aaaa|dddd', x.group()))}
    if due == '00000' and actor.tenant:
        expected |= {show(actor.tenant) if callable(show) else 'canary-%s-%s' % (actor.tenant, show)
                     for show in call.shows}
    campaign.judge_attempt('functions', name.split('(')[0], actor, statements, outcome, due, trouble,
                           may_change=due == '00000', expected=expected,
                           extra=call.extra if '{C}' not in ''.join(call.statements) or
                           actor.name == 'chief' else ())
