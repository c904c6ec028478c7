#!/usr/bin/env bash
#
# citus.sh - run the tests of a distributed database against a real Citus.
#
# Exit status 0 means that every test passed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage()
{
	cat <<-'HELP'
	usage: PG_CONFIG=PATH scripts/citus.sh [--only NAME,...] [--shards NUMBER] [--help]

	Builds casnet, installs it into the server of PG_CONFIG, and starts a coordinator
	and two workers of Citus in a private folder, on 127.0.0.1 only.  Runs each program
	of test/citus on a fresh database there.  Removes the servers and the folder at exit,
	and touches no other cluster.

	  --only ...    only these programs, for instance isolation
	  --shards ...  the number of shards (default 8)

	The server needs the extension citus, version 12 or later.  Citus has packages of its
	own for PostgreSQL, which its documentation names; install the one for your version
	of PostgreSQL, and name that server's pg_config.  casnet contains nothing of Citus.
	While the servers run, every user of this machine can connect to them.
	CASNET_SECONDS is how long differential compares (60), CASNET_SEED its seed.  With
	CASNET_LONG=1 all kinds of session attack, not four.
	Needs python3 with psycopg2, 1 GB of memory, and a quarter of an hour.
	HELP
}

ONLY=()
SHARDS=8
FAILED=0
declare -a PORTS=()

# parse ARGUMENT...: the command line.
parse()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--only) [ -n "${2:-}" ] || { usage >&2; exit 2; }
				IFS=, read -ra ONLY <<< "$2"; shift 2 ;;
			--shards) [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || { usage >&2; exit 2; }
				SHARDS=$2; shift 2 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
	done
}

# need_citus: stop unless PG_CONFIG names a server that has Citus.
need_citus()
{
	[ -n "${PG_CONFIG:-}" ] ||
		die 'PG_CONFIG does not name a server that has Citus' \
			'Install Citus by its own packages, and run this again with PG_CONFIG=.../bin/pg_config.'
	[ -e "$("$PG_CONFIG" --sharedir)/extension/citus.control" ] ||
		die "the server of $PG_CONFIG has no extension citus" \
			'Install Citus by its own packages for that version of PostgreSQL.'
	/usr/bin/python3 -c 'import psycopg2' 2>/dev/null ||
		die 'python3 has no psycopg2' 'Install the package python3-psycopg2.'
}

# free_ports: three ports that nothing listens on.
free_ports()
{
	mapfile -t PORTS < <(/usr/bin/python3 -c '
import socket
kept = [socket.socket() for _ in range(3)]
for one in kept:
    one.bind(("127.0.0.1", 0))
    print(one.getsockname()[1])')
	[ ${#PORTS[@]} -eq 3 ] || die 'there are no free ports on 127.0.0.1'
}

# start_node PORT: one server, which only this machine reaches.
start_node()
{
	local data=$WORK/node$1

	as_server "$BINDIR/initdb" -D "$data" -U postgres -A trust -N --locale=C.UTF-8 -E UTF8 \
		> "$WORK/initdb.log" 2>&1 || { cat "$WORK/initdb.log" >&2; die 'initdb failed'; }
	as_server tee -a "$data/postgresql.conf" > /dev/null <<-CONF
		port = $1
		listen_addresses = '127.0.0.1'
		unix_socket_directories = ''
		shared_preload_libraries = 'citus,casnet'
		max_prepared_transactions = 50
		fsync = off
		citus.enable_statistics_collection = off
	CONF
	as_server "$BINDIR/pg_ctl" -s -D "$data" -l "$WORK/node$1.log" -w -t 120 start || {
		tail -n 20 "$WORK/node$1.log" >&2
		die 'a server did not start'
	}
}

# on PORT ARGUMENT...: psql as a superuser on a node.
on()
{
	local port=$1

	shift
	super -h 127.0.0.1 -p "$port" -U postgres -d "${DATABASE:-postgres}" "$@"
}

# make_database NAME: a database on all nodes, with casnet, not yet distributed.
make_database()
{
	local port
	local -a commands=()

	for port in "${PORTS[@]}"; do
		DATABASE=postgres on "$port" -c 'SET citus.enable_create_database_propagation = off' \
			-c "CREATE DATABASE $1"
		DATABASE=$1 on "$port" -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION citus'
	done
	commands=(-c "SELECT citus_set_coordinator_host('127.0.0.1', ${PORTS[0]})")
	for port in "${PORTS[@]:1}"; do
		commands+=(-c "SELECT citus_add_node('127.0.0.1', $port)")
	done
	DATABASE=$1 on "${PORTS[0]}" "${commands[@]}" \
		-c "SELECT citus_set_node_property('127.0.0.1', ${PORTS[0]}, 'shouldhaveshards', false)" \
		-c 'SET client_min_messages = warning' -c 'CREATE EXTENSION casnet' > /dev/null
}

# run_program FILE: on a database of its own.
run_program()
{
	local name status=0

	name=$(basename "$1" .py)
	say "$name"
	make_database "citus_$name"
	# A password file or a service of the caller names other servers.
	(cd "$COPY" && as_server env PYTHONDONTWRITEBYTECODE=1 PGHOST=127.0.0.1 PGUSER=postgres \
		PGPORT="${PORTS[0]}" PGDATABASE="citus_$name" CASNET_WORKERS="${PORTS[1]},${PORTS[2]}" \
		CASNET_SHARDS="$SHARDS" CASNET_BINDIR="$BINDIR" CASNET_NODES="$WORK" \
		timeout -k 15 900 /usr/bin/python3 "test/citus/$name.py") || status=$?
	[ "$status" -eq 0 ] || FAILED=1
}

main()
{
	local file name found=0

	parse "$@"
	need_citus
	setup_work
	need_packages run
	build_and_install ''
	free_ports
	say "starting a coordinator and two workers on ports ${PORTS[*]}"
	for name in "${PORTS[@]}"; do start_node "$name"; done
	for file in "$ROOT"/test/citus/*.py; do
		name=$(basename "$file" .py)
		[ "$name" != nodes ] || continue   # what the others share
		[ ${#ONLY[@]} -eq 0 ] || [[ " ${ONLY[*]} " == *" $name "* ]] || continue
		found=1
		run_program "$file"
	done
	[ "$found" -eq 1 ] || die 'there is no such program in test/citus'
	exit "$FAILED"
}

main "$@"
