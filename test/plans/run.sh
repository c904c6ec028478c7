#!/usr/bin/env bash
#
# run.sh - what the policies cost, in plans and instructions, never in seconds.
#
# usage: test/plans/run.sh [--events]
#
# shapes.py compares the plans of casnet with those of the same queries by hand.
# instructions.py (if valgrind is installed) compares the instructions of an execution.
# In copies of the database with more expensive policies, each must notice.
# --events shows misses of caches and branches, by callgrind's model, and tests nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -eq 0 ] || [ "$*" = --events ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
# shellcheck source=test/server.sh
. "$here/../server.sh"
work=$(mktemp -d /tmp/plans.XXXXXX)
unset PGPASSWORD PGSERVICE PGOPTIONS
export PYTHONDONTWRITEBYTECODE=1
passed=0
failed=0

# check TEXT COMMAND...: one check, which passes if the command does.
check()
{
	local text=$1

	shift
	if "$@" > "$work/check.log" 2>&1; then
		passed=$((passed + 1))
		tail -n 1 "$work/check.log" | sed "s/^/$text: /"
	else
		failed=$((failed + 1))
		cat "$work/check.log"
		echo "FAILED: $text"
	fi
}

# database NAME TEMPLATE [STATEMENT]: a copy, changed by the statement.
database()
{
	"$bin/psql" -X -q -v ON_ERROR_STOP=1 -d postgres -c "CREATE DATABASE $1 TEMPLATE $2"
	[ $# -lt 3 ] || "$bin/psql" -X -q -v ON_ERROR_STOP=1 -d "$1" -c "$3"
}

start_server 'session_preload_libraries = casnet' 'autovacuum = off' 'jit = off'
database plans template1
"$bin/psql" -X -q -d plans -f "$here/data.sql" > "$work/data.log" 2>&1 ||
	give_up 'data.sql failed' "$work/data.log"
if [ $# -gt 0 ]; then
	"$bin/pg_ctl" -s -D "$work/data" -m fast -w stop
	/usr/bin/python3 "$here/instructions.py" "$work/data" plans --events
	exit
fi
# a check of every row
database plans_filter plans "
	DROP POLICY casnet_select ON casnet.records;
	CREATE POLICY casnet_select ON casnet.records
		USING (tenant_id::text = casnet.tenant_with('view_records')::text)"
# what is looked up beside the query
database plans_subquery plans "
	DROP POLICY casnet_select ON casnet.records;
	CREATE POLICY casnet_select ON casnet.records
		USING (tenant_id = (SELECT casnet.tenant_with('view_records')))"
# the same plan, with a function that is called at each scan
database plans_wrapped plans "
	CREATE FUNCTION plans.tenant() RETURNS uuid LANGUAGE plpgsql STABLE LEAKPROOF
		AS 'BEGIN RETURN casnet.tenant_with(''view_records''); END';
	DROP POLICY casnet_select ON casnet.records;
	CREATE POLICY casnet_select ON casnet.records USING (tenant_id = plans.tenant())"

check 'plans' /usr/bin/python3 "$here/shapes.py" plans
check 'a policy as a filter is noticed' /usr/bin/python3 "$here/shapes.py" plans_filter --broken
check 'a policy as a subquery is noticed' /usr/bin/python3 "$here/shapes.py" plans_subquery --broken

"$bin/pg_ctl" -s -D "$work/data" -m fast -w stop
if ! command -v valgrind > /dev/null; then
	echo 'instructions are not counted: there is no valgrind'
# 19 reads the processor's clock by RDTSCP when it starts; valgrind does not know that
# everywhere.  This start is without casnet.
elif ! valgrind -q --tool=none "$bin/postgres" -C port -D "$work/data" > "$work/bare" 2>&1; then
	grep -m 1 'unhandled instruction' "$work/bare" || cat "$work/bare"
	echo 'instructions are not counted: valgrind cannot start this server'
else
	/usr/bin/python3 "$here/instructions.py" "$work/data" plans > "$work/counts" 2>&1 ||
		touch "$work/above"
	cat "$work/counts"
	check 'instructions' test ! -e "$work/above"
	check 'a more expensive policy is noticed' \
		/usr/bin/python3 "$here/instructions.py" "$work/data" plans_wrapped --broken
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
