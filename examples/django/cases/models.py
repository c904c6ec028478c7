"""The tables of casnet.  None is managed: migrations leave them alone.

An id is unique in all tenants, so it serves as the key of a model.  The server's key is
(tenant_id, id): an upsert names the tenant.  Tables of links have composite keys.
"""
from collections import namedtuple

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

ACTIONS = {'view': 'view', 'add': 'create', 'change': 'edit', 'delete': 'delete'}
RESOURCES = {'person': 'persons', 'record': 'records', 'tag': 'tags', 'task': 'tasks', 'calendarevent': 'calendar'}
Hit = namedtuple('Hit', 'record_id title snippet rank')


class UuidV7(models.Func):
    function = 'casnet.uuid_v7'
    output_field = models.UUIDField()


class CurrentTenant(models.Func):
    function = 'casnet.current_tenant_id'
    output_field = models.UUIDField()


def key():
    return models.UUIDField(primary_key=True, db_default=UuidV7(), editable=False)


def link(to, name='+', **options):
    """The server has the foreign keys, with what happens on deletion."""
    return models.ForeignKey(to, models.DO_NOTHING, related_name=name, db_constraint=False, **options)


class Times(models.Model):
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True


class OfTenant(Times):
    """A row of a tenant: the active one, so that nobody has to say which."""
    tenant = link('cases.Tenant', db_default=CurrentTenant(), db_index=False, editable=False)

    class Meta:
        abstract = True


class User(Times):
    id = key()
    username = models.TextField(unique=True)
    email = models.TextField(unique=True)
    full_name = models.TextField(null=True, blank=True)
    is_active = models.BooleanField(db_default=True)
    is_superuser = models.BooleanField(db_default=False)
    tenants = models.ManyToManyField('cases.Tenant', through='cases.Membership', related_name='users')

    USERNAME_FIELD = 'username'
    REQUIRED_FIELDS = ['email']
    is_authenticated = True
    is_anonymous = False
    is_staff = True   # the admin shows what the user sees anyway

    class Meta:
        managed = False
        db_table = '"casnet"."users"'

    def __str__(self):
        return self.username

    def get_username(self):
        return self.username

    def has_perm(self, perm, _obj=None):
        """cases.view_record is casnet's view_records."""
        app, _, name = perm.partition('.')
        action, _, model = name.partition('_')
        if app != 'cases' or action not in ACTIONS or model not in RESOURCES:
            return False
        with connection.cursor() as cursor:
            cursor.execute('SELECT casnet.can(%s)', [f'{ACTIONS[action]}_{RESOURCES[model]}'])
            return cursor.fetchone()[0]

    def has_module_perms(self, app):
        return app == 'cases'


class Tenant(Times):
    id = key()
    name = models.TextField(unique=True)
    description = models.TextField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = '"casnet"."tenants"'

    def __str__(self):
        return self.name


class Role(Times):
    name = models.TextField(primary_key=True)
    description = models.TextField()

    class Meta:
        managed = False
        db_table = '"casnet"."roles"'


class RolePermission(Times):
    pk = models.CompositePrimaryKey('role_id', 'permission')
    role = link(Role, 'permissions', db_column='role')
    permission = models.TextField()

    class Meta:
        managed = False
        db_table = '"casnet"."role_permissions"'


class Membership(Times):
    pk = models.CompositePrimaryKey('user_id', 'tenant_id')
    user = link(User, 'memberships')
    tenant = link(Tenant, 'memberships')
    role = link(Role, db_column='role')

    class Meta:
        managed = False
        db_table = '"casnet"."user_tenants"'


class UserPermission(Times):
    pk = models.CompositePrimaryKey('user_id', 'tenant_id', 'permission')
    user = link(User, 'permissions')
    tenant = link(Tenant)
    permission = models.TextField()

    class Meta:
        managed = False
        db_table = '"casnet"."user_tenant_permissions"'


class Person(OfTenant):
    id = key()
    name = models.TextField()
    date_of_birth = models.DateField(null=True, blank=True)
    gender = models.TextField(null=True, blank=True)
    contact_info = models.JSONField(db_default=models.Value({}, models.JSONField()))

    class Meta:
        managed = False
        db_table = '"casnet"."persons"'

    def __str__(self):
        return self.name


class Tag(OfTenant):
    id = key()
    name = models.TextField()

    class Meta:
        managed = False
        db_table = '"casnet"."tags"'

    def __str__(self):
        return self.name


class RecordQuerySet(models.QuerySet):
    def page(self, size, after=None):
        """The newest records, after the last one of the page before."""
        rows = self.order_by('-created_at', '-id')
        if after is not None:
            rows = rows.filter(RawSQL('("casnet"."records"."created_at", "casnet"."records"."id") < (%s, %s)',
                                      [after.created_at, after.id], models.BooleanField()))
        return rows[:size]

    def tagged(self, *names):
        return self.filter(id__in=RawSQL('SELECT casnet.records_tagged(all_of => %s)', [list(names)]))

    @staticmethod
    def search(words, size=20):
        """The best hits, with snippets in HTML."""
        with connection.cursor() as cursor:
            cursor.execute('SELECT record_id, title, snippet, rank FROM casnet.search_records(%s, %s)',
                           [words, size])
            return [Hit(*row) for row in cursor.fetchall()]


class Record(OfTenant):
    """Without search_vector, which is a generated column."""
    id = key()
    title = models.TextField()
    content = models.TextField(blank=True, db_default='')
    tags = models.ManyToManyField(Tag, through='cases.RecordTag', related_name='records')
    persons = models.ManyToManyField(Person, through='cases.RecordPerson', related_name='records')
    objects = RecordQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = '"casnet"."records"'

    def __str__(self):
        return self.title

    def tag(self, *names):
        """Give the record tags, and make those that are missing."""
        with connection.cursor() as cursor:
            cursor.execute('SELECT casnet.tag_record(%s, VARIADIC %s)', [self.id, list(names)])


class RecordTag(OfTenant):
    pk = models.CompositePrimaryKey('record_id', 'tag_id')
    record = link(Record, 'record_tags')
    tag = link(Tag, 'record_tags')

    class Meta:
        managed = False
        db_table = '"casnet"."record_tags"'


class RecordPerson(OfTenant):
    pk = models.CompositePrimaryKey('record_id', 'person_id')
    record = link(Record, 'record_persons')
    person = link(Person, 'record_persons')
    relation = models.TextField(db_default='subject')

    class Meta:
        managed = False
        db_table = '"casnet"."record_persons"'


class Task(OfTenant):
    id = key()
    record = link(Record, 'tasks', null=True, blank=True)
    assignee = link(User, 'tasks', null=True, blank=True)
    title = models.TextField()
    description = models.TextField(blank=True, db_default='')
    status = models.TextField(db_default='PENDING')
    priority = models.TextField(db_default='MEDIUM')
    due_date = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        managed = False
        db_table = '"casnet"."tasks"'

    def __str__(self):
        return self.title


class CalendarEvent(OfTenant):
    id = key()
    record = link(Record, 'events', null=True, blank=True)
    series = link('self', 'occurrences', null=True, blank=True)
    title = models.TextField()
    description = models.TextField(blank=True, db_default='')
    location = models.TextField(null=True, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    all_day = models.BooleanField(db_default=False)
    time_zone = models.TextField(null=True)   # NULL in an INSERT: that of the session
    recurrence_rule = models.TextField(null=True, blank=True)
    excluded_dates = ArrayField(models.DateTimeField(), db_default=[])
    occurrence_at = models.DateTimeField(null=True, blank=True)
    status = models.TextField(db_default='SCHEDULED')

    class Meta:
        managed = False
        db_table = '"casnet"."calendar_events"'

    def __str__(self):
        return self.title
