import django

django.setup()

from django.db import DatabaseError, connection  # noqa: E402
from cases.identity import Refusal  # noqa: E402


def ok(passed, what):
    print(('ok ' if passed else 'not ok ') + what)


def refusal(call):
    """The refusal that the call ends with, or None."""
    try:
        call()
    except DatabaseError as error:
        return Refusal.of(error)
    return None


def one(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]
