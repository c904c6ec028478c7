# shellcheck shell=bash
#
# server.sh - a throwaway server in $work, a folder of its own, which is removed when the
# script ends.  Sourced by run.sh of oracle, stress and plans, never run.
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

# start_server SETTING...: with these additional lines of configuration.
start_server()
{
	"$bin/initdb" -D "$work/data" -U postgres -A trust -N --locale=C.UTF-8 -E UTF8 \
		> "$work/initdb.log" 2>&1 || give_up 'initdb failed' "$work/initdb.log"
	printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$work'" \
		'fsync = off' 'shared_buffers = 64MB' "$@" >> "$work/data/postgresql.conf"
	"$bin/pg_ctl" -s -D "$work/data" -l "$work/log" -w start < /dev/null ||
		give_up 'the server did not start' "$work/log"
	export PGHOST=$work PGPORT=5432 PGUSER=postgres
}
