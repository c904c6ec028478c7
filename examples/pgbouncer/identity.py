"""A transaction as a user, which is what each request does through PgBouncer."""
import contextlib


@contextlib.contextmanager
def as_user(connection, user_id, tenant):
    """For a backend (casnet_authenticator) that has authenticated the user itself."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('casnet.user_id', %s, true), casnet.use_tenant(%s, true)",
                       (user_id, tenant))
        yield cursor


@contextlib.contextmanager
def with_token(connection, token, tenant):
    """For an application (casnet_user) that passes on what casnet.login() returned."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT casnet.sign_in(%s, true), casnet.use_tenant(%s, true)",
                       (token, tenant))
        yield cursor
