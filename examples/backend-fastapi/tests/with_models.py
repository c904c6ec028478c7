"""The classes and the pool, in one process."""
import os
import sys
import warnings

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, SAWarning
from sqlalchemy.orm import configure_mappers

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from casework.database import engine, login, transaction   # noqa: E402
from casework.models import (CalendarEvent, ExtraPermission, Membership, Note, Person, Record, RecordPerson,   # noqa: E402
                             RecordTag, RolePermission, Tag, Task, Tenant, User)
from tap import check, done   # noqa: E402

warnings.simplefilter('error', SAWarning)
configure_mappers()
token = login('ada', 'correct horse battery')


def ada():
    return transaction(token, 'Child Services')


def count(model):
    with ada() as db:
        return len(db.scalars(select(model)).all())


check('every table can be read as a class', [True] * 13,
      [count(model) is not None for model in (User, Tenant, Membership, ExtraPermission, RolePermission, Person, Record,
                                              RecordPerson, RecordTag, Tag, Task, CalendarEvent, Note)])
with ada() as db:
    user = db.scalars(select(User).where(User.username == 'ada')).one()
    check('from a user to tenants and back', (['Child Services'], ['ada', 'eve']),
          ([tenant.name for tenant in user.tenants], [other.username for other in user.tenants[0].users]))
    check('roles and their permissions', (True, []),
          ('manage_tenant' in [given.permission for given in user.memberships[0].role_permissions],
           user.memberships[0].extra_permissions))
    tenant = user.tenants[0]
    check('from a tenant to what it has', (2, 5, 2, 1, 1),
          tuple(len(rows) for rows in (tenant.persons, tenant.records, tenant.tags, tenant.tasks, tenant.calendar_events)))
    person = db.scalars(select(Person).where(Person.name == 'Jane Doe')).one()
    record = person.records[0]
    check('from a person to records, tasks, tags and back', ('Visit 1', ['Jane Doe'], ['Call the school'], 'Visit 1', ['home visit'], True),
          (record.title, [other.name for other in record.persons], [task.title for task in record.tasks],
           record.tasks[0].record.title, [tag.name for tag in record.tags], record in record.tags[0].records))
with ada() as db:
    record = Record(title='Made by classes', tags=[Tag(name='made')], persons=[Person(name='Made')],
                    tasks=[Task(title='Made')], events=[CalendarEvent(title='Made', starts_at=func.now())])
    db.add(record)
    db.flush()
    check('everything is in the active tenant', {'Child Services'},
          {thing.tenant.name for thing in (record, record.tags[0], record.persons[0], record.tasks[0], record.events[0])})
    task, event = record.tasks[0], record.events[0]
    task.record = None
    db.flush()
    check('a task without a record keeps its tenant', 'Child Services', task.tenant.name)
    moved = CalendarEvent(title='Moved', starts_at=event.starts_at, series=event, occurrence_at=event.starts_at)
    db.add(moved)
    db.flush()
    check('a series and the event for an occurrence', [moved], event.moved)
    record.tags.clear()
    db.flush()
    check('a tag outlives its link', 'made', db.scalars(select(Tag.name).where(Tag.name == 'made')).one())
    db.rollback()

# A session identity that somebody forgot, in each connection of the pool
for _ in range(3):
    with engine.connect() as connection:
        connection.execute(select(func.casnet.sign_in(token)))
        connection.execute(select(func.casnet.use_tenant('Child Services')))
        process = connection.scalar(text('SELECT pg_backend_pid()'))
        connection.commit()
with engine.connect() as connection:
    check('the same connection comes from the pool', process, connection.scalar(text('SELECT pg_backend_pid()')))
    check('without the identity that was left in it', (None, None),
          tuple(connection.execute(select(func.casnet.current_user_id(), func.casnet.current_tenant_id())).one()))
    try:
        connection.execute(select(Record.id))
        code = None
    except DBAPIError as error:
        code = error.orig.sqlstate
    check('so it reads nothing', '28000', code)
done()
