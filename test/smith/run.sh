#!/usr/bin/env bash
#
# run.sh - run queries of SQLsmith as a user of one tenant.  No answer of the server
# may contain the canary of the other tenant, and no server may crash.
#
# usage: test/smith/run.sh [--seconds S] [--seed N] [--long]
#
# First it makes a view that leaks, which it must notice.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
database=casnet_smith
arguments=()

# cleanup: remove the databases and the role that this script made.
cleanup()
{
	psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" \
		-c "DROP DATABASE IF EXISTS ${database}_leak WITH (FORCE)" \
		-c 'DROP ROLE IF EXISTS smith_user' || true
}

while [ $# -gt 0 ]; do
	case $1 in
		--long) arguments+=(--seconds 3600); shift ;;
		--seconds | --seed) arguments+=("$1" "${2:?}"); shift 2 ;;
		*)
			sed -n 's/^# usage: /usage: /p' "$0" >&2
			exit 2 ;;
	esac
done
command -v sqlsmith > /dev/null || {
	echo 'sqlsmith is missing'
	echo '0 passed, 1 failed'
	exit 1
}

export PGOPTIONS='-c client_min_messages=warning' PYTHONDONTWRITEBYTECODE=1
cleanup
trap cleanup EXIT
trap 'exit 143' INT TERM HUP

psql -X -q -d postgres -c 'CREATE ROLE smith_user LOGIN' -c "CREATE DATABASE $database"
psql -X -q -d "$database" -f "$here/data.sql" > /dev/null
psql -X -q -d postgres -c "CREATE DATABASE ${database}_leak TEMPLATE $database"
psql -X -q -d "${database}_leak" -f "$here/leak.sql"
unset PGOPTIONS
/usr/bin/python3 "$here/smith.py" --database "$database" --leaking "${database}_leak" "${arguments[@]}"
