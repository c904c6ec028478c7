# shellcheck shell=bash
# shellcheck disable=SC2034
#
# lib.sh - what scripts/test.sh and scripts/demo.sh share: packages, a build in
# a temporary copy of the work tree, and a private throwaway server.
#
# Sourced, never run.  The caller sets `set -euo pipefail` and calls setup_work
# first.  Everything is removed at exit, however the caller exits.
#
# Environment:
#   PG_MAJOR    major version to use (15 to 19)
#   PG_CONFIG   path of a pg_config; then no server package is installed
#   CASNET_TMP  folder under which the private folder is made (default /tmp)
#   CASNET_OFFLINE=1  never install a package, only say what is missing

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WORK=''          # private folder, removed at exit
COPY=''          # copy of the work tree, inside WORK
BINDIR=''        # where postgres, psql, pg_ctl are
SERVER_USER=''   # system user that runs the server and the tests
SERVER_DATA=''   # data folder of the throwaway server, once it runs
SECOND_DATA=''   # and of the second one, which few need
SECOND_HOST=''   # the folder of its socket
KEEP_WORK=0      # 1: leave the server and the folder at exit
JOB_PID=''       # what run_limited is waiting for
DROPIN=/etc/postgresql-common/createcluster.d/zz-casnet-no-cluster.conf
DROPIN_MADE=0
POLICY=/usr/sbin/policy-rc.d
POLICY_MADE=0

COMMON_PACKAGES=(gcc make libssl-dev libcrypt-dev libargon2-dev)
TEST_PACKAGES=(libtap-parser-sourcehandler-pgtap-perl libipc-run-perl pgbouncer
	clang libclang-rt-dev python3-psycopg2 sqlsmith valgrind libc6-dbg)
WARNINGS='-Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare'

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
	BOLD='' DIM='' RED='' GREEN='' PLAIN=''
fi

# One locale, whatever the caller's is: a cluster takes its encoding from it, and
# messages and sorting follow it.
unset LANGUAGE LC_CTYPE LC_COLLATE LC_MESSAGES LC_MONETARY LC_NUMERIC LC_TIME
export LANG=C.UTF-8 LC_ALL=C.UTF-8
export HOME=${HOME:-/tmp} PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}

# The caller's connection settings must not lead to somebody else's server.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE \
	PGSERVICE PGSERVICEFILE PGOPTIONS PGAPPNAME PGSSLMODE PGDATA PGTZ \
	PGCLIENTENCODING PGTARGETSESSIONATTRS PGREQUIREAUTH PGDATESTYLE \
	PSQLRC MAKEFLAGS MFLAGS MAKELEVEL

# say TEXT: one line of progress.
say()
{
	printf '%s\n' "${BOLD}==> $*${PLAIN}"
}

# die TEXT...: one line on stderr for each TEXT, then exit 1.
die()
{
	printf '%s\n' "${RED}error:${PLAIN} $1" >&2
	shift
	[ $# -eq 0 ] || printf '       %s\n' "$@" >&2
	exit 1
}

# is_root: whether this is the superuser of the system.
is_root()
{
	[ "$(id -u)" -eq 0 ]
}

# setup_work: make the private folder and arrange for its removal.
setup_work()
{
	WORK=$(mktemp -d "${CASNET_TMP:-/tmp}/casnet.XXXXXX")
	# a unix socket's path may have 107 bytes at most
	[ ${#WORK} -le 70 ] || {
		rmdir "$WORK"
		die "the path $WORK is too long for a unix socket" \
			"set CASNET_TMP to a shorter folder"
	}
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# cleanup: stop what this script started, by its id, and remove the private folder.
cleanup()
{
	local status=$?

	trap '' INT TERM HUP
	set +e
	if [ -n "$JOB_PID" ]; then
		kill -TERM "$JOB_PID" 2>/dev/null
		wait "$JOB_PID" 2>/dev/null
	fi
	[ "$DROPIN_MADE" -eq 0 ] || rm -f "$DROPIN"
	[ "$POLICY_MADE" -eq 0 ] || rm -f "$POLICY"
	if [ "$KEEP_WORK" -eq 0 ] && [ -n "$WORK" ]; then
		stop_server
		stop_strays
		cd / && rm -rf "$WORK"
	fi
	exit "$status"
}

# debian_codename: the release's name, empty elsewhere.
debian_codename()
{
	# shellcheck disable=SC1091
	(. /etc/os-release 2>/dev/null && printf '%s' "${VERSION_CODENAME:-}") || true
}

# choose_postgres: settle PG_MAJOR and PG_CONFIG; the latter need not exist yet.
choose_postgres()
{
	if [ -n "${PG_CONFIG:-}" ]; then
		PG_CONFIG=$(command -v "$PG_CONFIG") || die "PG_CONFIG is not a program"
		PG_CONFIG=$(realpath -s "$PG_CONFIG")
		PG_MAJOR=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
		return
	fi
	if [ -z "${PG_MAJOR:-}" ]; then
		case $(debian_codename) in
			bookworm) PG_MAJOR=15 ;;
			*)
				if command -v pg_config >/dev/null; then
					PG_MAJOR=$(pg_config --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
				elif [ "$(debian_codename)" = trixie ]; then
					PG_MAJOR=17
				else
					die "no pg_config found" "set PG_MAJOR (15 to 19) or PG_CONFIG"
				fi ;;
		esac
	fi
	PG_CONFIG=/usr/lib/postgresql/$PG_MAJOR/bin/pg_config
	if [ ! -x "$PG_CONFIG" ] && ! command -v dpkg-query >/dev/null; then
		PG_CONFIG=$(command -v pg_config) ||
			die "no pg_config found" "set PG_CONFIG to the path of one"
	fi
}

# missing_packages NAME...: those that are not installed.
missing_packages()
{
	local name

	for name in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null || true)" = installed ] ||
			printf '%s\n' "$name"
	done
}

# forbid_main_cluster: installing the server's package makes and starts a cluster.
# A file prevents that while apt-get runs, and is removed afterwards.
forbid_main_cluster()
{
	mkdir -p "${DROPIN%/*}"
	DROPIN_MADE=1
	echo 'create_main_cluster = false' > "$DROPIN"
}

# forbid_services: packages start their services, such as a pooler, unless this
# program refuses.  An existing program is left alone.
forbid_services()
{
	[ ! -e "$POLICY" ] || return 0
	POLICY_MADE=1
	printf '#!/bin/sh\nexit 101\n' > "$POLICY"
	chmod +x "$POLICY"
}

# install_packages NAME...: apt-get install, quiet unless it fails.
install_packages()
{
	local log=$WORK/apt.log

	say "installing packages: $*"
	forbid_main_cluster
	forbid_services
	export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
	{
		apt-get -q update &&
		# postgresql-common first: it reads the file above only once it is there
		apt-get -q install -y --no-install-recommends --no-upgrade postgresql-common &&
		apt-get -q install -y --no-install-recommends "$@"
	} > "$log" 2>&1 < /dev/null || {
		tail -n 25 "$log" >&2
		die "apt-get could not install: $*"
	}
	rm -f "$DROPIN"
	DROPIN_MADE=0
	[ "$POLICY_MADE" -eq 0 ] || rm -f "$POLICY"
	POLICY_MADE=0
}

# has_package NAME: is it here, or can apt install it?
has_package()
{
	[ -z "$(missing_packages "$1")" ] || [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# borrow_pgtap: the files of pgTAP, which are SQL alone, from the package for another
# version.  A server that is new in Debian has no package of its own yet.
borrow_pgtap()
{
	local package folder

	folder=$("$PG_CONFIG" --sharedir)/extension
	[ ! -e "$folder/pgtap.control" ] || return 0
	package=$(apt-cache pkgnames postgresql- 2>/dev/null |
		grep -E '^postgresql-[0-9]+-pgtap$' | sort -V | tail -n 1)
	is_root && [ -n "$package" ] && [ "${CASNET_OFFLINE:-0}" != 1 ] ||
		die "there is no pgTAP in $folder"
	say "taking pgTAP from $package"
	mkdir "$WORK/pgtap"
	(cd "$WORK/pgtap" && apt-get -q download "$package" && dpkg-deb -x ./*.deb .) \
		> "$WORK/pgtap.log" 2>&1 || {
		cat "$WORK/pgtap.log" >&2
		die "apt-get could not download $package"
	}
	cp "$WORK"/pgtap/usr/share/postgresql/*/extension/pgtap* "$folder/"
}

# want_if_any NAME...: add those that exist to wanted.  Debian has pgTAP not for each
# version, and JIT beside the server from 18 on.
want_if_any()
{
	local name

	for name in "$@"; do
		! has_package "$name" || wanted+=("$name")
	done
}

# need_packages demo|test: install whatever is missing, by package name.
need_packages()
{
	local -a wanted=("${COMMON_PACKAGES[@]}") missing=()
	local program custom=${PG_CONFIG:-}

	choose_postgres
	[ "${1:-}" != test ] || wanted+=("${TEST_PACKAGES[@]}")
	if [ -z "$custom" ]; then
		wanted+=("postgresql-$PG_MAJOR" "postgresql-server-dev-$PG_MAJOR")
		[ "${1:-}" != test ] || want_if_any "postgresql-$PG_MAJOR-pgtap" \
			"postgresql-$PG_MAJOR-jit"
	fi
	if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
		mapfile -t missing < <(missing_packages "${wanted[@]}")
		if [ ${#missing[@]} -gt 0 ]; then
			if ! is_root || [ "${CASNET_OFFLINE:-0}" = 1 ]; then
				die "these packages are missing: ${missing[*]}" \
					"install them, or run this as root:" \
					"apt-get install --no-install-recommends ${missing[*]}"
			fi
			install_packages "${missing[@]}"
		fi
	fi
	for program in gcc make; do
		command -v $program >/dev/null || die "$program is missing"
	done
	[ -x "$PG_CONFIG" ] || die "$PG_CONFIG is missing"
	BINDIR=$("$PG_CONFIG" --bindir)
	[ -x "$BINDIR/initdb" ] || die "there is no server in $BINDIR"
	[ -n "$custom" ] || [ "${1:-}" != test ] || borrow_pgtap
	choose_user
}

# choose_user: the server refuses to run as root, so root borrows the postgres
# system user, who then also runs every test.
choose_user()
{
	if is_root; then
		SERVER_USER=postgres
		id "$SERVER_USER" >/dev/null 2>&1 ||
			die "there is no system user $SERVER_USER to run the server"
		chown "$SERVER_USER" "$WORK"
	else
		SERVER_USER=$(id -un)
	fi
	# the server's user can lack access to the folder of the caller
	cd "$WORK" || die "cannot enter $WORK"
	AS_SERVER=(env HOME="$WORK/home" TMPDIR="$WORK/tmp")
	! is_root || AS_SERVER=(runuser -u "$SERVER_USER" -- "${AS_SERVER[@]}")
	mkdir "$WORK/home" "$WORK/tmp" "$WORK/sock"
	chmod 700 "$WORK/home" "$WORK/tmp" "$WORK/sock"
	own "$WORK/home" "$WORK/tmp" "$WORK/sock"
}

# own PATH...: give these to the server's user.
own()
{
	! is_root || chown -R "$SERVER_USER": "$@"
}

# as_server COMMAND...: run the command as the server's user, with a home of its
# own.
as_server()
{
	"${AS_SERVER[@]}" "$@"
}

# copy_tree FOLDER: a copy of the work tree without what a build leaves behind.
copy_tree()
{
	mkdir "$1"
	tar -C "$ROOT" -cf - --exclude=./.git --exclude='*.o' --exclude='*.bc' \
		--exclude='*.so' --exclude=./results --exclude=./output_iso \
		--exclude=./tmp_check --exclude=./log --exclude=./tmp_check_iso \
		--exclude=./regression.diffs --exclude=./regression.out . |
		tar -C "$1" -xf - --no-same-owner
	# a checkout with a private umask must not shut out the server's user
	chmod -R u+rwX,go+rX "$1"
	own "$1"
}

# quiet_make FOLDER ARGUMENT...: make as the server's user; output on failure.
quiet_make()
{
	local folder=$1 log=$WORK/make.log

	shift
	as_server make -C "$folder" -j2 PG_CONFIG="$PG_CONFIG" "$@" > "$log" 2>&1 || {
		cat "$log" >&2
		return 1
	}
}

# build_and_install [COPT]: build in a copy of the work tree and install.
build_and_install()
{
	local target log=$WORK/install.log

	[ -f "$ROOT/Makefile" ] || die "there is no Makefile in $ROOT"
	COPY=$WORK/src
	copy_tree "$COPY"
	# what an earlier build left in the checkout is stale or foreign
	quiet_make "$COPY" clean || die "make clean failed"
	say "building with PostgreSQL $("$PG_CONFIG" --version | cut -d' ' -f2)"
	quiet_make "$COPY" COPT="${1:-}" || die "the build failed"
	for target in "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)/extension"; do
		[ -w "$target" ] || die "you may not write to $target" \
			"run this as root, or set PG_CONFIG to a server of your own"
	done
	# two runs must not install at the same moment
	flock "$("$PG_CONFIG" --pkglibdir)" \
		make -C "$COPY" PG_CONFIG="$PG_CONFIG" COPT="${1:-}" install > "$log" 2>&1 || {
		cat "$log" >&2
		die "make install failed"
	}
	own "$COPY"
}

# launch_server SUFFIX: a private cluster in the folder data and the suffix, reached by a
# unix socket in sock and the suffix.
launch_server()
{
	local data=$WORK/data$1 socket=$WORK/sock$1 log=$WORK/server$1.log

	as_server mkdir -p -m 700 "$socket"
	as_server "$BINDIR/initdb" -D "$data" -U postgres -A trust -N \
		--locale=C.UTF-8 -E UTF8 > "$WORK/initdb.log" 2>&1 || {
		cat "$WORK/initdb.log" >&2
		die 'initdb failed'
	}
	as_server tee -a "$data/postgresql.conf" > /dev/null <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$socket'
		unix_socket_permissions = 0700
		fsync = off
		shared_buffers = 64MB
		max_connections = 60
		timezone = 'UTC'
		log_timezone = 'UTC'
		logging_collector = off
	CONF
	as_server "$BINDIR/pg_ctl" -s -D "$data" -l "$log" -w -t 60 start \
		< /dev/null || {
		tail -n 20 "$log" >&2
		die 'the server did not start'
	}
}

# start_server: the throwaway server, which every client of this script then finds.
start_server()
{
	say 'starting a private server'
	SERVER_DATA=$WORK/data
	launch_server ''
	export PGHOST=$WORK/sock PGPORT=5432 PGUSER=postgres
}

# start_second_server: one more, at SECOND_HOST; it stays when it runs already.
start_second_server()
{
	[ -z "$SECOND_DATA" ] || return 0
	SECOND_DATA=$WORK/data2
	SECOND_HOST=$WORK/sock2
	launch_server 2
}

# stop_server: stop what start_server and start_second_server started; harmless when
# there is none.
stop_server()
{
	local data

	for data in "$SERVER_DATA" "$SECOND_DATA"; do
		[ -n "$data" ] || continue
		[ -f "$data/postmaster.pid" ] || continue
		as_server "$BINDIR/pg_ctl" -s -D "$data" -m fast -w -t 60 stop ||
			as_server "$BINDIR/pg_ctl" -s -D "$data" -m immediate -w stop || true
	done
	SERVER_DATA=''
	SECOND_DATA=''
}

# stop_strays: stop servers that a killed test left in the private folder.
stop_strays()
{
	local pidfile

	[ -n "$BINDIR" ] || return 0
	while IFS= read -r pidfile; do
		as_server "$BINDIR/pg_ctl" -s -D "${pidfile%/*}" -m immediate -w -t 20 stop \
			> /dev/null 2>&1 || true
	done < <(find "$WORK" -name postmaster.pid 2>/dev/null)
}

# run_limited SECONDS COMMAND...: run the command in the background and wait, so
# that this script answers a signal at once; returns 124 when the time is over.
run_limited()
{
	local seconds=$1 status=0

	shift
	timeout -k 15 "$seconds" "$@" < /dev/null &
	JOB_PID=$!
	wait "$JOB_PID" || status=$?
	JOB_PID=''
	return "$status"
}

# super ARGUMENT...: psql as the throwaway server's superuser.
super()
{
	as_server "$BINDIR/psql" -X -q -v ON_ERROR_STOP=1 "$@"
}
