"""A case management application over casnet.  No statement here names a tenant: the server
keeps tenants apart, and checks what a user may do."""
from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.staticfiles import StaticFiles
from sqlalchemy import ARRAY, Boolean, Date, Double, Text, Uuid, cast, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload, selectinload

from . import errors, schemas
from .database import login, transaction
from .models import MOMENT, CalendarEvent, Note, Person, Record, RecordPerson, Tag, Task, User

app = FastAPI(title='Casework')
errors.install(app)


@app.middleware('http')
async def headers(request: Request, call_next):
    response = await call_next(request)
    response.headers['Content-Security-Policy'] = "default-src 'self'; frame-ancestors 'none'"
    response.headers['X-Content-Type-Options'] = 'nosniff'
    response.headers['Cache-Control'] = 'no-store' if request.url.path.startswith('/api') else 'no-cache'
    return response


@dataclass
class Identity:
    token: str | None
    tenant: str | None
    time_zone: str | None

    def transaction(self) -> AbstractContextManager[Session]:
        return transaction(self.token, self.tenant, self.time_zone)


def identity(bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
             x_tenant: Annotated[str | None, Header()] = None,
             x_time_zone: Annotated[str | None, Header()] = None) -> Identity:
    """What the request says.  The server judges it, so nothing is checked here.

    The transaction is opened in the endpoint, and not here after a yield, so that it has
    been committed when the answer is sent."""
    return Identity(bearer.credentials if bearer else None, x_tenant, x_time_zone)


Who = Annotated[Identity, Depends(identity)]


# Accounts and tenants

@app.post('/api/login')
def sign_in(given: schemas.Login):
    return {'token': login(given.username, given.password)}


@app.post('/api/refresh')
def refresh(who: Who):
    with who.transaction() as db:
        return {'token': db.scalar(select(func.casnet.refresh_token()))}


@app.post('/api/logout', status_code=204)
def logout(who: Who):
    with transaction(who.token) as db:
        db.execute(select(func.casnet.revoke_token()))


@app.get('/api/me')
def me(who: Who):
    with who.transaction() as db:
        columns = func.casnet.whoami().table_valued('username', 'tenant_name', 'role', 'permissions')
        return dict(db.execute(select(columns)).mappings().one())


@app.get('/api/tenants')
def tenants(who: Who):
    """Those of the user.  It works before a tenant has been chosen."""
    with transaction(who.token) as db:
        columns = func.casnet.my_tenants().table_valued('tenant_id', 'name', 'role')
        return [dict(row) for row in db.execute(select(columns).order_by(columns.c.name)).mappings()]


@app.get('/api/members')
def members(who: Who) -> list[schemas.UserOut]:
    with who.transaction() as db:
        users = db.scalars(select(User).where(User.memberships.any()).order_by(User.username))
        return [schemas.UserOut.model_validate(user) for user in users]


# Persons

@app.get('/api/persons')
def list_persons(who: Who, q: str = '') -> list[schemas.PersonOut]:
    statement = select(Person).order_by(Person.name, Person.id).limit(100)
    if q:
        statement = statement.where(Person.name.op('OPERATOR(casnet.*=*)', return_type=Boolean())(q))
    with who.transaction() as db:
        return [schemas.PersonOut.model_validate(person) for person in db.scalars(statement)]


@app.post('/api/persons', status_code=201)
def create_person(who: Who, given: schemas.PersonIn) -> schemas.PersonOut:
    with who.transaction() as db:
        person = Person(**given.model_dump())
        db.add(person)
        db.flush()
        return schemas.PersonOut.model_validate(person)


@app.get('/api/persons/{person_id}')
def show_person(who: Who, person_id: UUID) -> schemas.PersonWithRecords:
    records = selectinload(Person.links).joinedload(RecordPerson.record).selectinload(Record.tags)
    with who.transaction() as db:
        person = schemas.PersonWithRecords.model_validate(db.get_one(Person, person_id, options=[records]))
    person.records.sort(key=lambda record: record.created_at, reverse=True)
    return person


# Tags

@app.get('/api/tags')
def list_tags(who: Who):
    with who.transaction() as db:
        columns = func.casnet.tag_counts().table_valued('name', 'records')
        return [dict(row) for row in db.execute(select(columns)).mappings()]


def tag_named(db: Session, name: str) -> Tag:
    """The tag with this name, made if it is missing.  The server stores names without blanks
    around them, so only the row that comes back says what it is called."""
    made = insert(Tag).values(name=name)
    return db.scalars(made.on_conflict_do_update(index_elements=[Tag.tenant_id, Tag.name],
                                                 set_={'name': made.excluded.name}).returning(Tag)).one()


@app.post('/api/tags', status_code=201)
def create_tag(who: Who, given: schemas.TagIn) -> schemas.TagOut:
    with who.transaction() as db:
        return schemas.TagOut.model_validate(tag_named(db, given.name))


@app.get('/api/tags/{name:path}/records')
def records_of_tag(who: Who, name: str) -> list[schemas.RecordLine]:
    with who.transaction() as db:
        tag = db.scalars(select(Tag).where(Tag.name == name)).one()
        return [schemas.RecordLine.model_validate(record) for record in tag.records]


# Records

def names(tags: list[str] | None):
    return literal(tags or None, ARRAY(Text))


@app.get('/api/records')
def list_records(who: Who, tag: Annotated[list[str] | None, Query()] = None,
                 without: Annotated[list[str] | None, Query()] = None,
                 before: str | None = None, limit: Annotated[int, Query(ge=1, le=100)] = 20
                 ) -> schemas.RecordPage:
    """The newest records, with all of the tags; the next page begins before the last row."""
    statement = (select(Record).options(selectinload(Record.tags))
                 .order_by(Record.created_at.desc(), Record.id.desc()).limit(limit + 1))
    if tag or without:
        found = func.casnet.records_tagged(names(tag), names(None), names(without))
        statement = statement.where(Record.id.in_(select(found)))
    if before:
        try:
            at, last = before.split('_')
            key = datetime.fromisoformat(at), UUID(last)
        except ValueError:
            raise HTTPException(422, 'before is not from a page of records') from None
        statement = statement.where(tuple_(Record.created_at, Record.id)
                                    < tuple_(literal(key[0], MOMENT), literal(key[1], Uuid)))
    with who.transaction() as db:
        rows = [schemas.RecordLine.model_validate(record) for record in db.scalars(statement)]
    more = len(rows) > limit
    rows = rows[:limit]
    return schemas.RecordPage(
        records=rows, next=f'{rows[-1].created_at.isoformat()}_{rows[-1].id}' if more else None)


@app.post('/api/records', status_code=201)
def create_record(who: Who, given: schemas.RecordIn) -> schemas.RecordOut:
    with who.transaction() as db:
        record = Record(title=given.title, content=given.content)
        record.tags = list(dict.fromkeys(tag_named(db, name) for name in given.tags))
        db.add(record)
        db.flush()
        db.expire(record, ['tags'])      # to be read in order
        return schemas.RecordOut.model_validate(record)


@app.get('/api/records/{record_id}')
def show_record(who: Who, record_id: UUID) -> schemas.RecordOut:
    everything = [selectinload(Record.tags), selectinload(Record.links).joinedload(RecordPerson.person),
                  selectinload(Record.tasks).joinedload(Task.assignee),
                  selectinload(Record.notes).joinedload(Note.author)]
    with who.transaction() as db:
        return schemas.RecordOut.model_validate(db.get_one(Record, record_id, options=everything))


@app.put('/api/records/{record_id}')
def change_record(who: Who, record_id: UUID, given: schemas.RecordChange) -> schemas.RecordOut:
    with who.transaction() as db:
        record = db.get_one(Record, record_id, with_for_update=True)
        if record.updated_at != given.updated_at:
            raise HTTPException(409, 'somebody else has changed it meanwhile')
        record.title, record.content = given.title, given.content
        db.flush()
        return schemas.RecordOut.model_validate(record)


@app.delete('/api/records/{record_id}', status_code=204)
def delete_record(who: Who, record_id: UUID):
    with who.transaction() as db:
        db.delete(db.get_one(Record, record_id, with_for_update=True))


@app.put('/api/records/{record_id}/tags/{name:path}')
def tag_record(who: Who, record_id: UUID, name: str) -> list[schemas.TagOut]:
    with who.transaction() as db:
        record, tag = db.get_one(Record, record_id), tag_named(db, name)
        if tag not in record.tags:
            record.tags.append(tag)
        db.flush()
        db.expire(record, ['tags'])
        return [schemas.TagOut.model_validate(tag) for tag in record.tags]


@app.delete('/api/records/{record_id}/tags/{name:path}')
def untag_record(who: Who, record_id: UUID, name: str) -> list[schemas.TagOut]:
    with who.transaction() as db:
        record = db.get_one(Record, record_id)
        record.tags = [tag for tag in record.tags if tag.name != name]
        return [schemas.TagOut.model_validate(tag) for tag in record.tags]


@app.post('/api/records/{record_id}/persons', status_code=201)
def link_person(who: Who, record_id: UUID, given: schemas.LinkIn) -> schemas.LinkOut:
    with who.transaction() as db:
        link = RecordPerson(record=db.get_one(Record, record_id),
                            person=db.get_one(Person, given.person_id), relation=given.relation)
        db.add(link)
        db.flush()
        return schemas.LinkOut.model_validate(link)


@app.post('/api/records/{record_id}/notes', status_code=201)
def add_note(who: Who, record_id: UUID, given: schemas.NoteIn) -> schemas.NoteOut:
    with who.transaction() as db:
        note = Note(body=given.body, record=db.get_one(Record, record_id))
        db.add(note)
        db.flush()
        return schemas.NoteOut.model_validate(note)


@app.get('/api/search')
def search(who: Who, q: str, tag: Annotated[list[str] | None, Query()] = None,
           limit: Annotated[int, Query(ge=1, le=100)] = 20,
           after_rank: float | None = None, after_id: UUID | None = None) -> list[schemas.Found]:
    """The best records first.  snippet is HTML, escaped by the server, with hits in <b>."""
    found = func.casnet.search_records(
        q, limit, names(tag), names(None), names(None), literal(after_rank, Double),
        literal(after_id, Uuid)).table_valued('record_id', 'title', 'snippet', 'rank')
    with who.transaction() as db:
        return [schemas.Found.model_validate(row) for row in db.execute(select(found))]


# Tasks and calendar

@app.get('/api/tasks')
def list_tasks(who: Who, done: bool = False) -> list[schemas.TaskOut]:
    statement = (select(Task).options(joinedload(Task.record), joinedload(Task.assignee))
                 .order_by(Task.due_date.nulls_last(), Task.id).limit(200))
    if not done:
        statement = statement.where(Task.status.in_(['PENDING', 'IN_PROGRESS']))
    with who.transaction() as db:
        return [schemas.TaskOut.model_validate(task) for task in db.scalars(statement)]


@app.post('/api/tasks', status_code=201)
def create_task(who: Who, given: schemas.TaskIn) -> schemas.TaskOut:
    with who.transaction() as db:
        task = Task(**given.model_dump())
        db.add(task)
        db.flush()
        return schemas.TaskOut.model_validate(task)


@app.patch('/api/tasks/{task_id}')
def change_task(who: Who, task_id: UUID, given: schemas.TaskChange) -> schemas.TaskOut:
    with who.transaction() as db:
        task = db.get_one(Task, task_id, with_for_update={'of': Task})
        for name, value in given.model_dump(exclude_unset=True).items():
            setattr(task, name, value)
        db.flush()
        return schemas.TaskOut.model_validate(task)


@app.get('/api/calendar/{year}/{month}')
def calendar(who: Who, year: int, month: int) -> list[schemas.Occurrence]:
    """What is in a month, in the time zone of the request."""
    try:
        first = date(year, month, 1)
        until = (first + timedelta(days=31)).replace(day=1)
    except (ValueError, OverflowError):
        raise HTTPException(422, 'there is no such month') from None
    # a date becomes its midnight in the time zone of the transaction
    found = func.casnet.events_between(
        cast(literal(first, Date), MOMENT), cast(literal(until, Date), MOMENT)).table_valued(
        'event_id', 'title', 'starts_at', 'ends_at', 'all_day', 'location', 'record_id')
    with who.transaction() as db:
        rows = [dict(row) for row in db.execute(select(found)).mappings()]
    for row in rows:
        last = max(row['starts_at'], row['ends_at'] - timedelta(microseconds=1)).date()
        day = max(row['starts_at'].date(), first)
        row['days'] = [day + timedelta(days=n) for n in range((min(last, until - timedelta(days=1)) - day).days + 1)]
    return [schemas.Occurrence.model_validate(row) for row in rows]


@app.post('/api/events', status_code=201)
def create_event(who: Who, given: schemas.EventIn):
    with who.transaction() as db:
        event = CalendarEvent(**given.model_dump())
        db.add(event)
        db.flush()
        return {'id': event.id, 'time_zone': event.time_zone}


app.mount('/', StaticFiles(directory=Path(__file__).parent.parent / 'static', html=True))
