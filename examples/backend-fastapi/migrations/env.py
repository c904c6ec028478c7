"""Migrates schema app, as its owner.  casnet makes and changes its own tables."""
import os

from alembic import context
from sqlalchemy import create_engine

from casework.models import Base

OURS = 'app'


def include_name(name, kind, _parents):
    """Which schemas of the database to read."""
    return name == OURS if kind == 'schema' else True


def include_object(thing, _name, kind, _reflected, _compare_to):
    """Which tables to compare: of the classes, not those of casnet."""
    return kind != 'table' or thing.schema == OURS


options = {'target_metadata': Base.metadata, 'include_schemas': True, 'include_name': include_name,
           'include_object': include_object, 'version_table_schema': OURS, 'compare_server_default': True}
engine = create_engine(os.environ.get('MIGRATION_URL', 'postgresql+psycopg://example_owner@'))
with engine.connect() as connection:
    context.configure(connection=connection, **options)
    with context.begin_transaction():
        context.run_migrations()
