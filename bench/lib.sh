# shellcheck shell=bash
# shellcheck disable=SC2034
#
# lib.sh - what the benchmarks share: a pinned private server with the records of
# load.sql, and measurements with pgbench.  Sourced, never run.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

RECORDS=1500000
TENANTS=1000
SECONDS_EACH=3
ROUNDS=7
PROCESSOR=1
SERVER_OPTIONS=''   # of the server, besides those of its configuration
DATA_DIR=''
OUTPUT=''
BUILD=1
VARIABLES=()        # of the pgbench scripts
DATABASE=bench

# report TEXT...: a line on the screen and in the report.
report()
{
	printf '%s\n' "$*" | tee -a "$WORK/report"
}

# start_pinned: initdb unless the folder has a cluster; start the server on one
# processor.
start_pinned()
{
	local data=${DATA_DIR:-$WORK/data}

	if [ ! -f "$data/PG_VERSION" ]; then
		mkdir -p "$data"
		own "$data"
		as_server "$BINDIR/initdb" -D "$data" -U postgres -A trust -N \
			--locale=C.UTF-8 -E UTF8 > "$WORK/initdb.log" 2>&1 ||
			die 'initdb failed' "$(tail -n 3 "$WORK/initdb.log")"
		as_server tee -a "$data/postgresql.conf" > /dev/null <<-'CONF'
			listen_addresses = ''
			fsync = off
			shared_buffers = 2GB
			work_mem = 16MB
			maintenance_work_mem = 1GB
			max_wal_size = 4GB
			session_preload_libraries = casnet
			# on one processor, workers would only wait for each other
			max_parallel_workers_per_gather = 0
			# nothing runs besides the measurement
			autovacuum = off
			jit = off
		CONF
	fi
	[ ! -f "$data/postmaster.pid" ] || die "a server uses $data already"
	SERVER_DATA=$data
	as_server taskset -c "$PROCESSOR" "$BINDIR/pg_ctl" -s -D "$data" \
		-l "$WORK/server.log" -o "-k $WORK/sock $SERVER_OPTIONS" -w -t 60 start < /dev/null ||
		die 'the server did not start' "$(tail -n 5 "$WORK/server.log")"
	export PGHOST=$WORK/sock PGPORT=5432 PGUSER=postgres
}

# load: load the records, unless the data folder has them.
load()
{
	if [ "$(super -d postgres -At -c \
		"SELECT count(*) FROM pg_roles WHERE rolname = 'bench_hand'")" = 1 ]; then
		say 'using the records that are there'
		RECORDS=$(super -d $DATABASE -At -c 'SELECT sum(records) FROM bench.size')
		TENANTS=$(super -d $DATABASE -At -c 'SELECT count(*) FROM bench.size')
		SMALL=$((TENANTS / 2))
		return
	fi
	say "loading $RECORDS records of $TENANTS tenants"
	super -d postgres -c 'DROP DATABASE IF EXISTS '$DATABASE \
		-c 'CREATE DATABASE '$DATABASE
	super -d $DATABASE -c 'CREATE EXTENSION casnet'
	cp "$ROOT/bench/load.sql" "$WORK/load.sql"
	own "$WORK/load.sql"
	super -d $DATABASE -v records="$RECORDS" -v tenants="$TENANTS" \
		-f "$WORK/load.sql"
}

# tenant_id N, record_id N I: the uuids that load.sql gives them.
tenant_id()
{
	printf '00000000-0000-7000-8000-%012x' "$1"
}

record_id()
{
	printf '0189%04x-%04x-7000-8000-%012x' $(($1 >> 16)) $(($1 & 65535)) "$2"
}

# way WAY TENANT COMMAND...: run the command as the role of that way, with its
# session settings.  A way whose name begins with casnet is under the policies.
way()
{
	local who=hand settings=''

	if [ "${1#casnet}" != "$1" ]; then
		who=casnet
		settings="-c casnet.user_id=$(record_id 0 "$2") -c casnet.tenant_id=$(tenant_id "$2")"
	fi
	shift 2
	as_server env PGUSER="bench_$who" PGOPTIONS="$settings" \
		taskset -c "$PROCESSOR" "$@"
}

# server_ticks: processor time of the sessions that have ended.
server_ticks()
{
	sed 's/.*) //' "/proc/$(head -n 1 "$SERVER_DATA/postmaster.pid")/stat" |
		awk '{ print $14 + $15 }'
}

# tps WAY TENANT PROTOCOL: one measurement, as "tps tps/cpu": transactions per
# second, and per second of the processor time that the session and pgbench used.
# Other programs on the machine disturb the latter less.
tps()
{
	local -a files=()
	local file before clock

	for file in "$WORK/scripts.$1"/*.sql; do
		files+=(-f "$file")
	done
	before=$(server_ticks)
	way "$1" "$2" bash -c 'TIMEFORMAT="cpu %U %S"; time "$@"' - \
		"$BINDIR/pgbench" -n -M "$3" -c 1 -j 1 -T "$SECONDS_EACH" \
		"${VARIABLES[@]}" "${files[@]}" $DATABASE > "$WORK/pgbench.log" 2>&1 ||
		die 'pgbench failed' "$(tail -n 3 "$WORK/pgbench.log")"
	! grep -q 'failed: [1-9]' "$WORK/pgbench.log" || die 'a transaction failed'
	sleep 0.1		# until the postmaster has seen the session end
	clock=$(($(server_ticks) - before))
	awk -v ticks="$clock" -v hz="$(getconf CLK_TCK)" '
		/^number of transactions actually processed:/ { n = $NF + 0 }
		/^tps = / { tps = $3 }
		/^cpu / { cpu = $2 + $3 + ticks / hz }
		END { printf "%.1f %.1f\n", tps, n / cpu }' "$WORK/pgbench.log"
}

# median A B: of column A over column B, and the range.
median()
{
	awk -v a="$1" -v b="$2" '{ print $a / $b }' "$WORK/rounds" | sort -n | awk '
		{ ratio[NR] = $1 }
		END {
			middle = NR % 2 ? ratio[(NR + 1) / 2] : (ratio[NR / 2] + ratio[NR / 2 + 1]) / 2
			printf "%.3f (%.2f-%.2f)", middle, ratio[1], ratio[NR]
		}'
}
