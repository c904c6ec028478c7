#!/usr/bin/env bash
#
# run.sh - whether a condition of a user tells on rows of another tenant: every kind
# of expression the server has, in every form of statement; see oracle.py.
#
# usage: test/oracle/run.sh [--quick | --long] [--seed N] [--only TEXT] ...
#        test/oracle/run.sh --help
#
# Uses the server that PGHOST names, or else a throwaway one of its own.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=''
bin=$("${PG_CONFIG:-pg_config}" --bindir)

# cleanup: the server and everything in its folder.
cleanup()
{
	[ -n "$work" ] || return 0
	[ ! -f "$work/data/postmaster.pid" ] ||
		"$bin/pg_ctl" -s -D "$work/data" -m immediate stop || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP

# give_up TEXT FILE: nothing could be checked.
give_up()
{
	echo "$1"
	cat "$2"
	echo '0 passed, 1 failed'
	exit 1
}

# start_server: one of our own, in a folder of its own.
start_server()
{
	work=$(mktemp -d /tmp/oracle.XXXXXX)
	"$bin/initdb" -D "$work/data" -U postgres -A trust -N --locale=C.UTF-8 -E UTF8 \
		> "$work/initdb.log" 2>&1 || give_up 'initdb failed' "$work/initdb.log"
	cat >> "$work/data/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$work'
		fsync = off
		shared_buffers = 64MB
		autovacuum = off
	CONF
	"$bin/pg_ctl" -s -D "$work/data" -l "$work/log" -w start < /dev/null ||
		give_up 'the server did not start' "$work/log"
	export PGHOST=$work PGPORT=5432 PGUSER=postgres
}

unset PGOPTIONS
case " $* " in
	*' --help '* | *' -h '*) ;;
	*) [ -n "${PGHOST:-}" ] || start_server ;;
esac
/usr/bin/python3 -B "$here/oracle.py" "$@"
