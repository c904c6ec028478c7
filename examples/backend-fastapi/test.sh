#!/usr/bin/env bash
# Migrates, starts the application, and uses it by its classes, through HTTP and in a browser.
# The browser leaves pictures in SCREENSHOTS (default: screenshots).
# packages: python3-sqlalchemy python3-psycopg python3-fastapi python3-uvicorn python3-httpx alembic python3-selenium chromium chromium-driver
# suite: trixie
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PYTHONDONTWRITEBYTECODE=1

version() { python3 -c "import importlib.metadata as m; print(m.version('$1'))"; }
echo "# versions: SQLAlchemy $(version sqlalchemy), FastAPI $(version fastapi), psycopg $(version psycopg), alembic $(version alembic), $(chromium --version 2> /dev/null | cut -d' ' -f1,2)"

# try WHAT COMMAND...: the command succeeds.
failed=0
try()
{
	local what=$1 said

	shift
	if said=$("$@" 2>&1); then
		echo "ok $what"
	else
		failed=1
		printf 'not ok %s\n' "$what"
		sed 's/^/# /' <<< "$said"
	fi
}

# refuses PATTERN COMMAND...: the command fails, and says what matches.
refuses()
{
	local pattern=$1 said

	shift
	if said=$("$@" 2>&1); then return 1; fi
	grep -E "$pattern" <<< "$said" || { echo "$said"; return 1; }
}

as_owner() { python3 -c 'import psycopg, sys; psycopg.connect(user="example_owner", autocommit=True).execute(sys.argv[1])' "$1"; }

# nothing_to_do: autogenerate writes a migration without any operation.
nothing_to_do()
{
	local file

	alembic check || return 1
	alembic revision --autogenerate -m probe || return 1
	file=$(echo migrations/versions/*_probe.py)
	cat "$file"
	if grep -qiE 'op\.[a-z]|drop' "$file"; then rm "$file"; return 1; fi
	rm "$file"
}

try 'migrations run' alembic upgrade head
try 'they go back and forth' bash -c 'alembic downgrade base && alembic upgrade head'
try "autogenerate leaves casnet's tables alone, and finds nothing to do" nothing_to_do
as_owner 'CREATE TABLE app.stray (id int PRIMARY KEY)'
try 'it does see a table in its own schema' refuses "remove_table.*stray" alembic check
as_owner 'DROP TABLE app.stray'
try 'no statement of the API names a tenant' bash -c '! grep -nE "where.*tenant|filter.*tenant" casework/main.py'
python3 tests/with_models.py || failed=1

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
python3 -m uvicorn casework.main:app --port "$port" --log-level warning 2> server.log &
server=$!
trap 'kill "$server" 2> /dev/null; wait "$server" 2> /dev/null || true' EXIT
for _ in $(seq 100); do
	! python3 -c "import urllib.request as u; u.urlopen('$url/')" 2> /dev/null || break
	sleep 0.2
done
python3 tests/through_http.py "$url" || failed=1
SCREENSHOTS=${SCREENSHOTS:-screenshots} python3 tests/in_browser.py "$url" || failed=1
try 'the server has nothing to say' bash -c '! cat server.log | grep .'
exit "$failed"
