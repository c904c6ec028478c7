"""What goes in and out.  Lengths and allowed values are left to the server, which says
what is wrong with a value."""
from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Login(BaseModel):
    username: str
    password: str


class TenantOut(Out):
    id: UUID
    name: str
    description: str | None


class UserOut(Out):
    id: UUID
    username: str
    full_name: str | None


class TagOut(Out):
    id: UUID
    name: str


class TagIn(BaseModel):
    name: str


class PersonIn(BaseModel):
    name: str
    date_of_birth: date | None = None
    gender: str | None = None
    contact_info: dict[str, Any] = {}


class PersonOut(Out, PersonIn):
    id: UUID


class RecordLine(Out):
    """A record in a list."""
    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime
    tags: list[TagOut]


class PersonWithRecords(PersonOut):
    records: list[RecordLine]


class RecordPage(BaseModel):
    records: list[RecordLine]
    next: str | None


class RecordIn(BaseModel):
    title: str
    content: str = ''
    tags: list[str] = []


class RecordChange(BaseModel):
    """updated_at is that of the record which the user has seen."""
    title: str
    content: str
    updated_at: datetime


class LinkIn(BaseModel):
    person_id: UUID
    relation: str = 'subject'


class LinkOut(Out):
    person: PersonOut
    relation: str


class TaskIn(BaseModel):
    title: str
    description: str | None = None
    priority: str = 'MEDIUM'
    due_date: datetime | None = None
    record_id: UUID | None = None
    assignee_id: UUID | None = None


class TaskChange(BaseModel):
    status: str | None = None
    priority: str | None = None
    assignee_id: UUID | None = None
    due_date: datetime | None = None


class RecordTitle(Out):
    id: UUID
    title: str


class TaskOut(Out):
    id: UUID
    title: str
    description: str | None
    status: str
    priority: str
    due_date: datetime | None
    completed_at: datetime | None
    record: RecordTitle | None
    assignee: UserOut | None


class NoteIn(BaseModel):
    body: str


class NoteOut(Out):
    id: UUID
    body: str
    created_at: datetime
    author: UserOut | None


class RecordOut(RecordLine):
    content: str
    links: list[LinkOut]
    tasks: list[TaskOut]
    notes: list[NoteOut]


class EventIn(BaseModel):
    title: str
    starts_at: datetime
    ends_at: datetime | None = None
    all_day: bool = False
    location: str | None = None
    recurrence_rule: str | None = None
    record_id: UUID | None = None


class Occurrence(Out):
    event_id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    location: str | None
    record_id: UUID | None
    days: list[date]


class Found(Out):
    record_id: UUID
    title: str
    snippet: str
    rank: float
