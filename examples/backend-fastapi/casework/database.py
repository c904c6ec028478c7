"""Who the user is, for one transaction at a time."""
from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator

from sqlalchemy import create_engine, event, func, select
from sqlalchemy.orm import Session

# PGHOST, PGPORT and PGDATABASE say where.  Parameters are passwords and people's data, so
# they stay out of messages and logs.
URL = os.environ.get('DATABASE_URL', 'postgresql+psycopg://example_web@')
SETTINGS = {'hide_parameters': True, 'pool_pre_ping': True, 'pool_timeout': 5, 'pool_reset_on_return': None}
engine = create_engine(URL, pool_size=5, **SETTINGS)
# A failed login takes seconds.  It waits with connections of its own, so that others work on.
logins = create_engine(URL, pool_size=2, max_overflow=0, **SETTINGS)


@event.listens_for(engine, 'reset')
@event.listens_for(logins, 'reset')
def clear(connection, _record, state):
    """A connection goes back to the pool: it has no identity, whatever its user forgot."""
    if state.terminate_only:
        return
    connection.rollback()
    connection.autocommit = True
    connection.execute('SELECT casnet.sign_out()')
    connection.autocommit = False


def login(username: str, password: str) -> str:
    """A token."""
    with Session(logins) as session, session.begin():
        return session.scalar(select(func.casnet.login(username, password)))


@contextmanager
def transaction(token: str | None = None, tenant: str | None = None,
                time_zone: str | None = None) -> Iterator[Session]:
    """One transaction as the user of the token, in a tenant.  It commits at the end, and
    user and tenant end with it."""
    with Session(engine) as session, session.begin():
        start = []
        if token is not None:
            start.append(func.casnet.sign_in(token, True))
        if tenant is not None:
            start.append(func.casnet.use_tenant(tenant, True))
        if time_zone is not None:
            start.append(func.set_config('TimeZone', time_zone, True))
        if start:
            session.execute(select(*start))
        yield session
