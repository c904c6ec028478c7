"""Uses the models as example_backend, which names its users."""
from ok import connection, ok, one, refusal

import threading

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist

from cases.identity import as_user
from cases.models import Membership, Record, RecordTag, Tag, Task, User
from notes.models import Note

CHILD, ADULT = 'Child Services', 'Adult Services'
NEWEST = ['Visit 5', 'Visit 4', 'Visit 3', 'Visit 2', 'Visit 1']
IDS = {name: one('SELECT user_id FROM casnet.find_user(%s)', name) for name in ('ada', 'bob', 'eve')}


def titles():
    return [record.title for record in Record.objects.page(100)]


def as_(name, call, tenant=CHILD):
    with as_user(user_id=IDS[name], tenant=tenant):
        return call()


refused = refusal(titles)
ok(refused and refused.sign_in and refused.hint, 'without an identity there is an error with a hint')
ok(as_('ada', titles) == NEWEST, 'ada sees the records of her tenant, and no others')
refused = refusal(lambda: as_('ada', titles, ADULT))
ok(refused and refused.code == 'P0002', 'she cannot choose the tenant of somebody else')

with as_user(user_id=IDS['ada'], tenant=CHILD):
    pages, page = [], list(Record.objects.page(2))
    while page:
        pages += [record.title for record in page]
        page = list(Record.objects.page(2, after=page[-1]))
    ok(pages == NEWEST, 'pages by (created_at, id)')
    hit = Record.objects.search('parent*')[0]
    ok('<b>parents</b>' in hit.snippet and hit.rank > 0, 'search with a snippet')
    first = Record.objects.prefetch_related('tasks', 'persons').get(title='Visit 1')
    ok([task.title for task in first.tasks.all()] == ['Call the school']
       and [person.name for person in first.persons.all()] == ['Jane Doe'],
       'the tasks and persons of a record, prefetched')

with as_user(user_id=IDS['ada'], tenant=CHILD):
    made = Record.objects.create(title='From Django', content='By a model.')
    made.tag('django')
    made.tags.add(Tag.objects.get(name='urgent'))
with as_user(user_id=IDS['ada'], tenant=CHILD):
    ok({tag.name for tag in made.tags.all()} == {'django', 'urgent'}, 'a new record has its tags')
    ok({record.title for record in Tag.objects.get(name='urgent').records.all()} == {'From Django', 'Visit 5'},
       'the records of a tag, of this tenant only')
    ok(list(Record.objects.tagged('django', 'urgent')) == [made], 'records by tags')
    link = RecordTag.objects.get(pk=(made.id, Tag.objects.get(name='urgent').id))
    ok(link.delete()[0] == 1 and [tag.name for tag in made.tags.all()] == ['django'],
       'a link is found and deleted by its composite key, and nothing else')
    made.title = 'Changed'
    made.save()
    made.refresh_from_db()
    ok(made.title == 'Changed' and made.tenant.name == CHILD, 'a record is changed')
    task = Task.objects.create(title='Ask', record=made, assignee_id=IDS['eve'])
    ok(task.status == 'PENDING' and task.id, 'the server gives a task its id and defaults')
    for _ in range(2):
        Tag.objects.bulk_create([Tag(name='urgent'), Tag(name='new')], update_conflicts=True,
                                unique_fields=['tenant', 'name'], update_fields=['name'])
    ok(Tag.objects.filter(name__in=['urgent', 'new']).count() == 2, 'upsert of tags by (tenant_id, name)')
    ok([tenant.name for tenant in User.objects.get(username='eve').tenants.all()] == [CHILD],
       'the tenants of a user')
    tables = list(apps.get_app_config('cases').get_models())
    ok(len(tables) == 13 and sum(len(table.objects.all()[:1]) for table in tables) >= 10,
       'there is a model for each of the 13 tables')

refused = refusal(lambda: as_('eve', lambda: Record.objects.create(title='By a viewer')))
ok(refused and refused.forbidden and 'create_records' in refused.message,
   'a viewer may not write, and the message names the permission')

# the pool
process = one('SELECT pg_backend_pid()')
right = True
for turn in range(20):
    seen = as_('ada', titles) if turn % 2 else as_('bob', titles, ADULT)
    right = right and ('Secret of Adult Services' in seen) == (turn % 2 == 0) and refusal(titles).sign_in
ok(right and one('SELECT pg_backend_pid()') == process, 'two users take turns on one connection, also after errors')
one("SELECT set_config('casnet.user_id', %s, false)", str(IDS['ada']))   # the mistake: false
connection.close()                                                       # as at the end of a request
seen = []
for _ in range(2):   # the pool has at most two connections
    seen.append(refusal(titles))
    connection.close()
ok(all(refused and refused.sign_in for refused in seen), 'a user set for the session is gone at the next request')
try:
    as_('ada', lambda: as_('bob', titles, ADULT))
    ok(False, 'a transaction as one user within that of another is refused')
except RuntimeError:
    ok(True, 'a transaction as one user within that of another is refused')
late = as_('ada', Record.objects.all)
refused = refusal(lambda: list(late))
ok(refused and refused.sign_in, 'a queryset that leaves the transaction is refused')

# a table of the application's own
as_('ada', lambda: Note.objects.create(record=made, body='Mine'))
refused = refusal(Note.objects.count)
ok(as_('ada', made.notes.count) == 1 and as_('bob', Note.objects.count, ADULT) == 0 and refused and refused.sign_in,
   'a protected table of the application')

with as_user(user_id=IDS['ada'], tenant=CHILD):
    gone = Record.objects.create(title='Gone')
    gone.notes.create(body='Too')
    gone.delete()
    ok(Note.objects.count() == 1, 'its rows go with their record')


# a membership ends while its user's program goes on
def remove_eve():
    as_('ada', lambda: one("SELECT casnet.remove_member('eve')"))
    connection.close()


def go_on():
    titles()
    other = threading.Thread(target=remove_eve)   # a thread has a connection of its own
    other.start()
    other.join()
    titles()


refused = refusal(lambda: as_('eve', go_on))
ok(refused and refused.forbidden and 'not a member' in refused.message,
   'eve is refused at the statement after the end of her membership')
try:
    as_('ada', lambda: Membership.objects.get(pk=(IDS['eve'], made.tenant_id)))
    ok(False, 'her membership is gone')
except ObjectDoesNotExist:
    ok(True, 'her membership is gone')
as_('ada', lambda: one("SELECT casnet.add_member('eve', 'viewer')"))   # for check_requests.py
