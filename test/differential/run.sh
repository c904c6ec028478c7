#!/usr/bin/env bash
#
# run.sh - compare random queries of users under the policies with the same
# queries of a superuser, with constants in place of the policies.
#
# usage: test/differential/run.sh [--seconds S] [--count N] [--seed N] [--long]
#
# First it breaks copies of the database in several ways, which it must notice.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
database=casnet_differential
roles=(differential_app differential_views)
arguments=(--least 1000)

# cleanup: remove the databases and roles that this script made.
cleanup()
{
	local name

	for name in "$database" "${database}_broken"; do
		psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $name WITH (FORCE)" || true
	done
	for name in "${roles[@]}"; do
		psql -X -q -d postgres -c "DROP ROLE IF EXISTS $name" || true
	done
}

while [ $# -gt 0 ]; do
	case $1 in
		--long) arguments+=(--seconds 3600); shift ;;
		--seconds | --count | --seed)
			# few were asked for
			[ "$1" = --seed ] || arguments+=(--least 1)
			arguments+=("$1" "${2:?}")
			shift 2 ;;
		*)
			sed -n 's/^# usage: /usage: /p' "$0" >&2
			exit 2 ;;
	esac
done

export PGOPTIONS='-c client_min_messages=warning' PYTHONDONTWRITEBYTECODE=1
cleanup
trap cleanup EXIT
trap 'exit 143' INT TERM HUP

psql -X -q -d postgres -c 'CREATE ROLE differential_app LOGIN' -c 'CREATE ROLE differential_views' \
	-c "CREATE DATABASE $database"
psql -X -q -v ON_ERROR_STOP=1 -d "$database" -f "$here/data.sql" -f "$here/protected.sql" \
	-f "$here/views.sql" > /dev/null
psql -X -q -d postgres -c "CREATE DATABASE ${database}_broken TEMPLATE $database"
unset PGOPTIONS
/usr/bin/python3 "$here/differential.py" --database "$database" --broken "${database}_broken" \
	"${arguments[@]}"
