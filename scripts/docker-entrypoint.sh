#!/bin/sh
#
# docker-entrypoint.sh - make a cluster in $PGDATA at the first start, then run the command.
#
# POSTGRES_PASSWORD becomes the password of the superuser.  Without one, nobody can log in
# over the network until a role has a password; the socket inside knows the system user.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	initdb --pgdata="$PGDATA" --username=postgres --data-checksums \
		--encoding=UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 \
		${POSTGRES_PASSWORD:+--pwfile=/dev/stdin} <<-PASSWORD
		${POSTGRES_PASSWORD:-}
	PASSWORD
fi
unset POSTGRES_PASSWORD
exec "$@"
