"""The tables of casnet, and one of the application's own, as classes.

Keys are (tenant_id, id) in the database.  A session of the application sees one tenant
only, so the classes take id alone: session.get(Record, id).  Nothing writes tenant_id; the
server fills it in.

Each relationship names the columns to join by.  foreign() stands at the id and not at
tenant_id: so SQLAlchemy sets and clears record_id, and leaves the tenant alone.
"""
from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (ARRAY, Computed, DateTime, FetchedValue, ForeignKey,
                        ForeignKeyConstraint, Index, PrimaryKeyConstraint, Text, text)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship

MOMENT = DateTime(timezone=True)


class Base(DeclarativeBase):
    type_annotation_map = {str: Text, datetime: MOMENT, dict[str, Any]: JSONB}
    # PostgreSQL's own names, so that migrations find keys again
    metadata_conventions = {'pk': '%(table_name)s_pkey', 'ix': '%(table_name)s_%(column_0_N_name)s_idx',
                            'fk': '%(table_name)s_%(column_0_N_name)s_fkey'}


Base.metadata.naming_convention = Base.metadata_conventions


class Times:
    """created_at and updated_at, which the server keeps."""
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue(),
                                                 server_onupdate=FetchedValue())


class Owned(Times):
    """A row of a tenant, with an id."""
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=FetchedValue())

    @declared_attr
    def tenant_id(cls) -> Mapped[UUID]:
        return mapped_column(ForeignKey('casnet.tenants.id'), server_default=FetchedValue())


class User(Times, Base):
    """Made by casnet.create_user() or sign_up(), not by INSERT."""
    __tablename__ = 'users'
    __table_args__ = {'schema': 'casnet'}
    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str]
    email: Mapped[str]
    full_name: Mapped[str | None]
    hashed_password: Mapped[str | None] = mapped_column(deferred=True)   # a mark, never the hash
    is_active: Mapped[bool]
    is_superuser: Mapped[bool]
    memberships: Mapped[list[Membership]] = relationship(back_populates='user', passive_deletes='all')
    tenants: Mapped[list[Tenant]] = relationship(
        secondary='casnet.user_tenants', back_populates='users', viewonly=True, order_by='Tenant.name')
    tasks: Mapped[list[Task]] = relationship(
        primaryjoin='User.id == foreign(Task.assignee_id)', back_populates='assignee', passive_deletes='all')


class Tenant(Times, Base):
    """A department.  Made by casnet.create_tenant()."""
    __tablename__ = 'tenants'
    __table_args__ = {'schema': 'casnet'}
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str | None]
    memberships: Mapped[list[Membership]] = relationship(back_populates='tenant', passive_deletes='all')
    users: Mapped[list[User]] = relationship(
        secondary='casnet.user_tenants', back_populates='tenants', viewonly=True, order_by='User.username')
    persons: Mapped[list[Person]] = relationship(back_populates='tenant', viewonly=True)
    records: Mapped[list[Record]] = relationship(back_populates='tenant', viewonly=True)
    tags: Mapped[list[Tag]] = relationship(back_populates='tenant', viewonly=True)
    tasks: Mapped[list[Task]] = relationship(back_populates='tenant', viewonly=True)
    calendar_events: Mapped[list[CalendarEvent]] = relationship(back_populates='tenant', viewonly=True)


class Membership(Times, Base):
    """A user in a tenant, with a role."""
    __tablename__ = 'user_tenants'
    __table_args__ = {'schema': 'casnet'}
    user_id: Mapped[UUID] = mapped_column(ForeignKey('casnet.users.id'), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey('casnet.tenants.id'), primary_key=True, server_default=FetchedValue())
    role: Mapped[str] = mapped_column(server_default=FetchedValue())
    user: Mapped[User] = relationship(back_populates='memberships')
    tenant: Mapped[Tenant] = relationship(back_populates='memberships')
    extra_permissions: Mapped[list[ExtraPermission]] = relationship(
        back_populates='membership', passive_deletes='all')
    role_permissions: Mapped[list[RolePermission]] = relationship(
        primaryjoin='Membership.role == foreign(RolePermission.role)', viewonly=True)


class ExtraPermission(Times, Base):
    """A permission of one member, besides those of the role."""
    __tablename__ = 'user_tenant_permissions'
    __table_args__ = (ForeignKeyConstraint(['user_id', 'tenant_id'],
                                           ['casnet.user_tenants.user_id', 'casnet.user_tenants.tenant_id']),
                      {'schema': 'casnet'})
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=FetchedValue())
    permission: Mapped[str] = mapped_column(primary_key=True)
    membership: Mapped[Membership] = relationship(back_populates='extra_permissions')


class RolePermission(Times, Base):
    """A permission that a role gives, in every tenant."""
    __tablename__ = 'role_permissions'
    __table_args__ = {'schema': 'casnet'}
    role: Mapped[str] = mapped_column(primary_key=True)
    permission: Mapped[str] = mapped_column(primary_key=True)


class RecordTag(Times, Base):
    """A tag on a record.  Record.tags and Tag.records write it."""
    __tablename__ = 'record_tags'
    __table_args__ = {'schema': 'casnet'}
    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    tag_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(server_default=FetchedValue())


class Person(Owned, Base):
    __tablename__ = 'persons'
    __table_args__ = {'schema': 'casnet'}
    name: Mapped[str]
    date_of_birth: Mapped[date | None]
    gender: Mapped[str | None]
    contact_info: Mapped[dict[str, Any]] = mapped_column(server_default=FetchedValue())
    tenant: Mapped[Tenant] = relationship(back_populates='persons', viewonly=True)
    links: Mapped[list[RecordPerson]] = relationship(
        primaryjoin='and_(Person.id == foreign(RecordPerson.person_id),'
                    ' Person.tenant_id == RecordPerson.tenant_id)',
        back_populates='person', cascade='all, delete-orphan', passive_deletes=True)
    records: AssociationProxy[list[Record]] = association_proxy(
        'links', 'record', creator=lambda record: RecordPerson(record=record))


class Record(Owned, Base):
    __tablename__ = 'records'
    __table_args__ = {'schema': 'casnet'}
    title: Mapped[str]
    content: Mapped[str] = mapped_column(server_default=FetchedValue())
    search_vector: Mapped[str] = mapped_column(TSVECTOR, Computed('casnet'), deferred=True)
    tenant: Mapped[Tenant] = relationship(back_populates='records', viewonly=True)
    tags: Mapped[list[Tag]] = relationship(
        secondary='casnet.record_tags',
        primaryjoin='and_(Record.id == foreign(RecordTag.record_id),'
                    ' Record.tenant_id == RecordTag.tenant_id)',
        secondaryjoin='and_(Tag.id == foreign(RecordTag.tag_id),'
                      ' Tag.tenant_id == RecordTag.tenant_id)',
        back_populates='records', order_by='Tag.name', passive_deletes=True)
    links: Mapped[list[RecordPerson]] = relationship(
        primaryjoin='and_(Record.id == foreign(RecordPerson.record_id),'
                    ' Record.tenant_id == RecordPerson.tenant_id)',
        back_populates='record', cascade='all, delete-orphan', passive_deletes=True)
    persons: AssociationProxy[list[Person]] = association_proxy(
        'links', 'person', creator=lambda person: RecordPerson(person=person))
    tasks: Mapped[list[Task]] = relationship(
        primaryjoin='and_(Record.id == foreign(Task.record_id), Record.tenant_id == Task.tenant_id)',
        back_populates='record', order_by='Task.due_date, Task.id', passive_deletes='all')
    events: Mapped[list[CalendarEvent]] = relationship(
        primaryjoin='and_(Record.id == foreign(CalendarEvent.record_id),'
                    ' Record.tenant_id == CalendarEvent.tenant_id)',
        back_populates='record', order_by='CalendarEvent.starts_at', passive_deletes='all')
    notes: Mapped[list[Note]] = relationship(
        primaryjoin='and_(Record.id == foreign(Note.record_id), Record.tenant_id == Note.tenant_id)',
        back_populates='record', order_by='Note.id', cascade='all, delete-orphan', passive_deletes=True)


class RecordPerson(Times, Base):
    """A person in a record: subject, parent, witness."""
    __tablename__ = 'record_persons'
    __table_args__ = {'schema': 'casnet'}
    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(server_default=FetchedValue())
    relation: Mapped[str] = mapped_column(server_default=FetchedValue())
    record: Mapped[Record] = relationship(
        primaryjoin='and_(Record.id == foreign(RecordPerson.record_id),'
                    ' Record.tenant_id == RecordPerson.tenant_id)', back_populates='links')
    person: Mapped[Person] = relationship(
        primaryjoin='and_(Person.id == foreign(RecordPerson.person_id),'
                    ' Person.tenant_id == RecordPerson.tenant_id)', back_populates='links')


class Tag(Owned, Base):
    __tablename__ = 'tags'
    __table_args__ = {'schema': 'casnet'}
    name: Mapped[str]
    tenant: Mapped[Tenant] = relationship(back_populates='tags', viewonly=True)
    records: Mapped[list[Record]] = relationship(
        secondary='casnet.record_tags',
        primaryjoin='and_(Tag.id == foreign(RecordTag.tag_id),'
                    ' Tag.tenant_id == RecordTag.tenant_id)',
        secondaryjoin='and_(Record.id == foreign(RecordTag.record_id),'
                      ' Record.tenant_id == RecordTag.tenant_id)',
        back_populates='tags', order_by='Record.created_at', passive_deletes=True)


class Task(Owned, Base):
    __tablename__ = 'tasks'
    __table_args__ = {'schema': 'casnet'}
    record_id: Mapped[UUID | None]
    assignee_id: Mapped[UUID | None]
    title: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default=FetchedValue())
    priority: Mapped[str] = mapped_column(server_default=FetchedValue())
    due_date: Mapped[datetime | None]
    completed_at: Mapped[datetime | None] = mapped_column(server_onupdate=FetchedValue())
    tenant: Mapped[Tenant] = relationship(back_populates='tasks', viewonly=True)
    record: Mapped[Record | None] = relationship(
        primaryjoin='and_(Record.id == foreign(Task.record_id), Record.tenant_id == Task.tenant_id)',
        back_populates='tasks')
    assignee: Mapped[User | None] = relationship(
        primaryjoin='User.id == foreign(Task.assignee_id)', back_populates='tasks')


class CalendarEvent(Owned, Base):
    __tablename__ = 'calendar_events'
    __table_args__ = {'schema': 'casnet'}
    record_id: Mapped[UUID | None]
    series_id: Mapped[UUID | None]
    title: Mapped[str]
    description: Mapped[str | None]
    location: Mapped[str | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    all_day: Mapped[bool] = mapped_column(server_default=FetchedValue())
    time_zone: Mapped[str] = mapped_column(server_default=FetchedValue())
    recurrence_rule: Mapped[str | None]
    excluded_dates: Mapped[list[datetime]] = mapped_column(ARRAY(MOMENT), server_default=FetchedValue())
    occurrence_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(server_default=FetchedValue())
    tenant: Mapped[Tenant] = relationship(back_populates='calendar_events', viewonly=True)
    record: Mapped[Record | None] = relationship(
        primaryjoin='and_(Record.id == foreign(CalendarEvent.record_id),'
                    ' Record.tenant_id == CalendarEvent.tenant_id)', back_populates='events')
    series: Mapped[CalendarEvent | None] = relationship(
        primaryjoin='and_(foreign(CalendarEvent.series_id) == remote(CalendarEvent.id),'
                    ' CalendarEvent.tenant_id == remote(CalendarEvent.tenant_id))',
        back_populates='moved')
    moved: Mapped[list[CalendarEvent]] = relationship(
        primaryjoin='and_(remote(foreign(CalendarEvent.series_id)) == CalendarEvent.id,'
                    ' remote(CalendarEvent.tenant_id) == CalendarEvent.tenant_id)',
        back_populates='series', passive_deletes='all')


class Note(Base):
    """What somebody noted about a record: the application's own table, made by a migration
    and protected by casnet.protect().  Its definition is complete, since alembic compares it."""
    __tablename__ = 'notes'
    __table_args__ = (
        PrimaryKeyConstraint('tenant_id', 'id'),
        ForeignKeyConstraint(['record_id', 'tenant_id'], ['casnet.records.id', 'casnet.records.tenant_id'],
                             ondelete='CASCADE'),
        Index(None, 'tenant_id', 'record_id'),
        {'schema': 'app'})
    __mapper_args__ = {'primary_key': ['id']}
    id: Mapped[UUID] = mapped_column(server_default=text('casnet.uuid_v7()'))
    record_id: Mapped[UUID]
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey('casnet.tenants.id', ondelete='CASCADE'),
                                            server_default=text('casnet.current_tenant_id()'))
    author_id: Mapped[UUID | None] = mapped_column(server_default=text('casnet.current_user_id()'))
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text('now()'))
    updated_at: Mapped[datetime] = mapped_column(server_default=text('now()'),
                                                 server_onupdate=FetchedValue())
    record: Mapped[Record] = relationship(
        primaryjoin='and_(Record.id == foreign(Note.record_id), Record.tenant_id == Note.tenant_id)',
        back_populates='notes')
    author: Mapped[User | None] = relationship(
        primaryjoin='foreign(Note.author_id) == User.id', viewonly=True)
