#!/usr/bin/env bash
#
# run.sh - changes of memberships against readers, on a server of its own.
#
# usage: test/stress/run.sh [--long | SECONDS [SEED]]
#
# Two short runs come first, which must find wrong answers, or the checker is blind.
# One expects of everybody what held a change ago.  In the other one, changes of
# memberships are not announced.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seconds=40
[ $# -eq 0 ] || seconds=$1
[ "$seconds" != --long ] || seconds=900
seed=${2:-$((RANDOM * 32768 + RANDOM))}
# shellcheck source=test/server.sh
. "$here/../server.sh"
work=$(mktemp -d /tmp/stress.XXXXXX)
unset PGPASSWORD PGSERVICE PGOPTIONS
export PGDATABASE=stress

# prepare: a new database.
prepare()
{
	"$bin/psql" -X -q -d postgres -c 'DROP DATABASE IF EXISTS stress' \
		-c 'CREATE DATABASE stress' > "$work/setup.log" 2>&1 ||
		give_up 'no database' "$work/setup.log"
	"$bin/psql" -X -q -v ON_ERROR_STOP=1 -f "$here/setup.sql" \
		>> "$work/setup.log" 2>&1 || give_up 'setup.sql failed' "$work/setup.log"
}

"${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -Werror \
	-I"$("${PG_CONFIG:-pg_config}" --includedir)" -o "$work/stress" "$here/stress.c" \
	-L"$("${PG_CONFIG:-pg_config}" --libdir)" -lpq -lpthread \
	> "$work/cc.log" 2>&1 || give_up 'stress.c does not compile' "$work/cc.log"

start_server 'max_prepared_transactions = 10' 'log_min_messages = fatal' \
	'log_min_error_statement = panic' 'autovacuum_naptime = 5s'
"$bin/psql" -X -q -d postgres -c 'CREATE EXTENSION casnet' -c 'DROP EXTENSION casnet CASCADE' \
	-c 'CREATE ROLE stress_app LOGIN IN ROLE casnet_authenticator' > "$work/setup.log" 2>&1 ||
	give_up 'no role' "$work/setup.log"

passed=0
failed=0
for mode in behind blind; do
	prepare
	[ "$mode" != blind ] || "$bin/psql" -X -q -c \
		'ALTER TABLE casnet.user_tenants DISABLE TRIGGER casnet_announce_row'
	if "$work/stress" "$mode" 5 "$seed"; then
		passed=$((passed + 1))
	else
		echo 'FAILED: they should have been found'
		failed=$((failed + 1))
	fi
done

prepare
echo "$seconds seconds, seed $seed"
status=0
"$work/stress" check "$seconds" "$seed" > "$work/check.log" || status=$?
sed '$d' "$work/check.log"
read -r more lost < <(tail -n 1 "$work/check.log")
if [ "$status" -gt 1 ]; then    # it gave up
	tail -n 1 "$work/check.log"
	tail -n 20 "$work/log"
	more=0 lost=1
fi
passed=$((passed + more))
failed=$((failed + lost))
if grep -E 'terminated by signal|PANIC|TRAP:' "$work/log"; then
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
