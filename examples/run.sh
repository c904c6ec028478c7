#!/usr/bin/env bash
#
# run.sh - run the examples against a private throwaway server, with one command.
#
# Each folder is an example.  Its test.sh says in comments what it needs, runs the example
# and prints "ok what" or "not ok what" for each thing that it saw, and "# versions: ..."
# once.  Exit status 0 means that all examples that were asked for ran and passed.
set -euo pipefail
# lib.sh unsets these, so that nothing else leads to somebody's server.
GIVEN_HOST=${PGHOST:-}
GIVEN_PORT=${PGPORT:-5432}
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"
# shellcheck source=scripts/suites.sh
. "$ROOT/scripts/suites.sh"

usage()
{
	cat <<-'HELP'
	usage: examples/run.sh [--here] [--cache DIR] [NAME...]

	Builds casnet, starts a private throwaway server and runs all examples, or those
	that are named.  What an example needs is installed by apt-get and npm; what this
	Debian is too old for runs in a newer suite that debootstrap makes in a folder.

	  --here       use the server of PGHOST and PGPORT, where casnet is installed
	               and postgres is a superuser without a password, and build nothing
	  --cache DIR  keep the suites there, and use them again

	test.sh of an example says what it needs:
	  # packages: NAME...   by apt-get
	  # suite: NAME         of which Debian suite, if not of this one
	and has PGHOST, PGPORT and PGDATABASE of its database, which setup.sql has filled.
	It starts in a copy of its folder, without the rights of root.  With package.json in
	the folder, npm has installed what that names.
	HELP
}

HERE=0
NAMES=()
ROWS=()      # of the table
FAILED=0
TEMPLATE=casnet_examples

# parse ARGUMENT...: the command line.
parse()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--here) HERE=1; shift ;;
			--cache) [ -n "${2:-}" ] || { usage >&2; exit 2; }
				CACHE=$2; shift 2 ;;
			-h | --help) usage; exit 0 ;;
			-*) usage >&2; exit 2 ;;
			*) [ -f "$ROOT/examples/$1/test.sh" ] || die "there is no example $1"
				NAMES+=("$1"); shift ;;
		esac
	done
	[ ${#NAMES[@]} -gt 0 ] || mapfile -t NAMES < <(cd "$ROOT/examples" &&
		for name in */test.sh; do echo "${name%/test.sh}"; done)
}

# needs NAME WHAT: what test.sh of an example says after "# WHAT:".
needs()
{
	sed -n "s/^# $2: *//p" "$ROOT/examples/$1/test.sh"
}

# add_port: let the server listen on a port of this machine, for programs in a suite.
add_port()
{
	PGPORT=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	printf '%s\n' "listen_addresses = '127.0.0.1'" "port = $PGPORT" "max_connections = 100" \
		"shared_preload_libraries = 'casnet'" | as_server tee -a "$SERVER_DATA/postgresql.conf" > /dev/null
	as_server "$BINDIR/pg_ctl" -s -D "$SERVER_DATA" -l "$WORK/server.log" -w restart < /dev/null
	export PGPORT PGHOST=127.0.0.1
}

# database NAME: a database of its own, with what all examples begin with.
database()
{
	super -d postgres -c 'SET client_min_messages = warning' -c "DROP DATABASE IF EXISTS \"$1\" WITH (FORCE)" \
		-c "CREATE DATABASE \"$1\" TEMPLATE $TEMPLATE"
}

# npm_settings FOLDER: how npm reaches its registry here, for an npm elsewhere.
npm_settings()
{
	local file

	: > "$1/.npmrc"
	for file in "$(npm config get userconfig 2>/dev/null)" "$(npm config get globalconfig 2>/dev/null)"; do
		[ ! -f "$file" ] || cat "$file" >> "$1/.npmrc"
	done
	chmod 600 "$1/.npmrc"
}

# run_here NAME LOG: an example on this system.
run_here()
{
	local folder=$WORK/examples/$1 packages
	local -a missing=()

	read -ra packages <<< "$(needs "$1" packages)"
	[ ${#packages[@]} -eq 0 ] || mapfile -t missing < <(missing_packages "${packages[@]}")
	if [ ${#missing[@]} -gt 0 ]; then
		is_root && [ "${CASNET_OFFLINE:-0}" != 1 ] || die "these packages are missing: ${missing[*]}"
		install_packages "${missing[@]}"
	fi
	mkdir -p "$WORK/examples"
	cp -r "$ROOT/examples/$1" "$folder"
	if [ -f "$folder/package.json" ]; then
		(cd "$folder" && npm ci --no-audit --no-fund) > "$WORK/npm.log" 2>&1 || {
			tail -n 25 "$WORK/npm.log" >&2
			return 1
		}
	fi
	own "$WORK/examples"
	as_server env -u PGUSER PATH="$BINDIR:$PATH" PGHOST="$PGHOST" PGPORT="$PGPORT" \
		PGDATABASE="example_$1" bash -c 'cd "$1" && timeout -k 10 600 bash test.sh' test "$folder" \
		> "$2" 2>&1 < /dev/null
}

# run_in_suite NAME SUITE LOG: an example in a newer Debian.
run_in_suite()
{
	local root=${CACHE:-$WORK}/$2 folder packages

	[ -n "$MIRROR" ] || { install_tools; find_mirror; }
	lock_suite "$root"
	make_suite "$2" "$root"
	read -ra packages <<< "$(needs "$1" packages)"
	in_suite "$root" apt-get -q update > "$WORK/apt.log" 2>&1 || { cat "$WORK/apt.log"; return 1; }
	install_in_suite "$root" "${packages[@]}"
	folder=$WORK/tmp/examples/$1
	mkdir -p "$WORK/tmp/examples"
	cp -r "$ROOT/examples/$1" "$folder"
	ENVIRONMENT=("PGHOST=$PGHOST" "PGPORT=$PGPORT" "PGDATABASE=example_$1")
	if [ -f "$folder/package.json" ]; then
		npm_settings "$folder"
		in_suite "$root" bash -c "cd /tmp/examples/$1 && npm ci --no-audit --no-fund" \
			> "$WORK/npm.log" 2>&1 || { tail -n 25 "$WORK/npm.log" >&2; return 1; }
		rm "$folder/.npmrc"
	fi
	chmod -R go+rwX "$folder"
	in_suite "$root" setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp \
		bash -c "cd /tmp/examples/$1 && timeout -k 10 900 bash test.sh" > "$3" 2>&1
}

# run_example NAME: run it, show what it prints, and note the result.
run_example()
{
	local log=$WORK/$1.log suite status=0 passed failed began=$SECONDS

	suite=$(needs "$1" suite)
	say "$1${suite:+ in $suite}"
	: > "$log"
	database "example_$1"
	if [ -n "$suite" ] && [ "$suite" != "$(debian_codename)" ]; then
		run_in_suite "$1" "$suite" "$log" || status=$?
	else
		run_here "$1" "$log" || status=$?
	fi
	super -d postgres -c 'SET client_min_messages = warning' -c "DROP DATABASE IF EXISTS \"example_$1\" WITH (FORCE)"
	passed=$(grep -c '^ok ' "$log" || true)
	failed=$(grep -c '^not ok ' "$log" || true)
	if [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; then
		[ "$failed" -gt 0 ] || failed=1
	fi
	[ "$failed" -eq 0 ] || FAILED=1
	if [ "$failed" -eq 0 ]; then grep -E '^(ok|# versions)' "$log"; else cat "$log"; fi
	ROWS+=("$(printf '%-18s %3d passed, %d failed  %4d s  %s' "$1" "$passed" "$failed" \
		$((SECONDS - began)) "$(sed -n 's/^# versions: *//p' "$log" | head -n 1)")")
}

parse "$@"
[ -z "$CACHE" ] || { mkdir -p "$CACHE"; CACHE=$(realpath "$CACHE"); }
setup_work
if [ "$HERE" -eq 1 ]; then
	PG_CONFIG=${PG_CONFIG:-pg_config}
	BINDIR=$("$PG_CONFIG" --bindir)
	choose_user
	export PGHOST=$GIVEN_HOST PGPORT=$GIVEN_PORT PGUSER=postgres
else
	need_packages demo
	build_and_install ""
	start_server
	add_port
fi
super -d postgres -c 'SET client_min_messages = warning' -c "DROP DATABASE IF EXISTS $TEMPLATE WITH (FORCE)" -c "CREATE DATABASE $TEMPLATE"
super -d "$TEMPLATE" -f - < "$ROOT/examples/setup.sql" > "$WORK/setup.log" 2>&1 || {
	cat "$WORK/setup.log" >&2
	die 'setup.sql failed'
}
for name in "${NAMES[@]}"; do
	run_example "$name"
done
super -d postgres -c "DROP DATABASE $TEMPLATE WITH (FORCE)" \
	-c 'DROP ROLE example_backend, example_web, example_owner'
say "results after $SECONDS seconds"
printf '%s\n' "${ROWS[@]}"
exit "$FAILED"
