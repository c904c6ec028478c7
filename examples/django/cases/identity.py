"""Who the user is, in each transaction and each request."""
import contextlib
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.signals import user_logged_in
from django.db import DatabaseError, connection, transaction
from django.http import JsonResponse


def identify(*, user_id=None, token=None, tenant=None):
    """Say who the user is until the transaction ends: by the id of a user whom the
    application has authenticated (casnet_authenticator), or by a token."""
    with connection.cursor() as cursor:
        if token is not None:
            cursor.execute('SELECT casnet.sign_in(%s, true)', [token])
        else:
            cursor.execute("SELECT set_config('casnet.user_id', %s, true)", [str(user_id)])
        if tenant is not None:
            cursor.execute('SELECT casnet.use_tenant(%s, true)', [str(tenant)])


@contextlib.contextmanager
def as_user(**who):
    """One transaction as a user in a tenant; both end with it.

    durable: within another transaction, the rest of that would be this user.
    """
    with transaction.atomic(durable=True):
        identify(**who)
        yield


@dataclass
class Refusal:
    """What the server refused, in words for the person."""
    code: str
    message: str
    hint: str

    @classmethod
    def of(cls, error):
        """The refusal that an exception of Django stands for, or None."""
        cause = error.__cause__ if isinstance(error, DatabaseError) else None
        return cause and cause.sqlstate and cls(
            cause.sqlstate, cause.diag.message_primary, cause.diag.message_hint)

    @property
    def sign_in(self):
        return self.code in ('28000', '28P01')

    @property
    def forbidden(self):
        return self.code == '42501'

    def response(self):
        status = 401 if self.sign_in else 403 if self.forbidden else 422
        return JsonResponse({'error': self.message, 'hint': self.hint}, status=status)


class Middleware:
    """Each request of somebody who is signed in is one transaction as that user."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        token = request.session.get('token')
        if token is None:
            return self.get_response(request)
        try:
            with as_user(token=token, tenant=request.session.get('tenant')):
                return self.get_response(request)
        except DatabaseError as error:   # of sign_in() and use_tenant()
            refusal = Refusal.of(error)
            if refusal is None:
                raise
            request.session.flush()      # expired, revoked, or no longer a member
            return refusal.response()

    def process_exception(self, _request, error):
        """Of a view.  Django makes responses of exceptions, so they do not end atomic()."""
        if connection.in_atomic_block:
            transaction.set_rollback(True)
        refusal = Refusal.of(error)
        return refusal and refusal.response()


class Backend(BaseBackend):
    """Signs in with the name and the password of an account of casnet."""

    def authenticate(self, request, username=None, password=None):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute('SELECT casnet.login(%s, %s)', [username, password])
                token, = cursor.fetchone()
        except DatabaseError as error:
            refusal = Refusal.of(error)
            if refusal and refusal.sign_in:
                return None
            raise
        with transaction.atomic(), connection.cursor() as cursor:
            identify(token=token)
            cursor.execute('SELECT casnet.current_user_id()')
            user = self.get_user(cursor.fetchone()[0])
            cursor.execute('SELECT tenant_id::text FROM casnet.my_tenants() ORDER BY name LIMIT 1')
            user.token, user.tenant = token, cursor.fetchone()
        return user

    def get_user(self, user_id):
        return get_user_model().objects.filter(pk=user_id).first()


def remember(sender, request, user, **_):
    """When somebody has logged in: the session has the token and a tenant."""
    request.session['token'] = user.token
    request.session['tenant'] = user.tenant and user.tenant[0]


user_logged_in.connect(remember)
