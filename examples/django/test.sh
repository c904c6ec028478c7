#!/usr/bin/env bash
# Runs the migrations as the owner of schema app, then models and requests as applications.
# packages: python3-django python3-psycopg python3-psycopg-pool postgresql-client
# suite: forky
set -euo pipefail

export DJANGO_SETTINGS_MODULE=example.settings PYTHONDONTWRITEBYTECODE=1
echo "# versions: $(python3 -c 'import django, psycopg, sys
print("Python", sys.version.split()[0] + ", Django", django.__version__ + ", psycopg", psycopg.__version__)')"

# check WHAT COMMAND...: ok if the command succeeds.
check()
{
	local what=$1

	shift
	if "$@" > log 2>&1; then echo "ok $what"; else echo "not ok $what"; cat log; fi
}

definitions()
{
	psql -XAtq -U example_owner -c "SELECT relname, relrowsecurity, relforcerowsecurity, (SELECT count(*)
		FROM pg_policy WHERE polrelid = c.oid), (SELECT count(*) FROM pg_attribute WHERE attrelid = c.oid)
		FROM pg_class AS c WHERE relnamespace = 'casnet'::regnamespace ORDER BY 1"
}

before=$(definitions)
export PGUSER=example_owner
check 'the settings and models are in order' python3 manage.py check
check 'makemigrations finds nothing to do' python3 manage.py makemigrations --check --dry-run
check 'migrations run as the owner of schema app' python3 manage.py migrate
check 'the tables of casnet are as before' [ "$before" = "$(definitions)" ]
PGUSER=example_backend python3 check_models.py
PGUSER=example_web python3 check_requests.py
