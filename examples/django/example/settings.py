"""What a project with casnet needs; the rest is as in any other."""
import os


def sign_out(connection):
    """For the pool: what somebody set for the session is gone when a connection comes back."""
    connection.execute('SELECT casnet.sign_out()')
    connection.commit()


DATABASES = {'default': {
    'ENGINE': 'django.db.backends.postgresql',
    'HOST': os.environ.get('PGHOST', ''),
    'PORT': os.environ.get('PGPORT', ''),
    'NAME': os.environ.get('PGDATABASE', 'cases'),
    # the application is example_backend or example_web; migrations run as example_owner
    'USER': os.environ.get('PGUSER', 'example_web'),
    'OPTIONS': {
        'options': '-c search_path=app',   # tables of the application's own, not casnet
        'pool': {'min_size': 1, 'max_size': 2, 'reset': sign_out},
    },
}}

INSTALLED_APPS = [
    'django.contrib.admin', 'django.contrib.auth', 'django.contrib.contenttypes',
    'django.contrib.messages', 'cases', 'notes',
]
# The tables of casnet need no migrations.  Nor does the admin: it only reads, and its log
# would have a foreign key to casnet.users.
MIGRATION_MODULES = {'cases': None, 'admin': None}

AUTH_USER_MODEL = 'cases.User'
AUTHENTICATION_BACKENDS = ['cases.identity.Backend']
# The session has the token, in a signed cookie, so it takes no table.
SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'
SESSION_COOKIE_HTTPONLY = True

MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
    'cases.identity.Middleware',   # the last: what comes before it runs without an identity
]
ROOT_URLCONF = 'example.urls'
TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates',
    'APP_DIRS': True,
    'OPTIONS': {'context_processors': [
        'django.template.context_processors.request',
        'django.contrib.auth.context_processors.auth',
        'django.contrib.messages.context_processors.messages',
    ]},
}]
SECRET_KEY = os.environ.get('SECRET_KEY') or os.urandom(32).hex()
ALLOWED_HOSTS = ['testserver']
STATIC_URL = 'static/'
USE_TZ = True
DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'
