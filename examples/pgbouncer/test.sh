#!/usr/bin/env bash
# Starts a PgBouncer with pgbouncer.ini here, and runs clients.py against it.
# packages: pgbouncer python3-psycopg2
set -euo pipefail

PATH=$PATH:/usr/sbin
echo "# versions: $(pgbouncer --version | head -n 1), psycopg2 $(python3 -c '
import psycopg2; print(psycopg2.__version__.split()[0])')"

# the same settings, for this server and in this folder
sed -E -e "s,^cases = .*,$PGDATABASE = host=$PGHOST port=$PGPORT dbname=$PGDATABASE," \
	-e "s,^unix_socket_dir = .*,unix_socket_dir = $PWD," \
	-e 's,^auth_type = .*,auth_type = trust,' \
	-e "s,^auth_file = .*,auth_file = $PWD/users," pgbouncer.ini > here.ini
printf '"%s" ""\n' example_backend example_web > users
pgbouncer -q here.ini 2> log &
trap 'kill "$!"' EXIT
export PGHOST=$PWD PGPORT=6432
for _ in {1..50}; do
	psql -XAtq -U example_web -c '' 2> /dev/null && break
	sleep 0.1
done
python3 clients.py
