#!/usr/bin/env bash
#
# run.sh - try a sample of the mutants, first with the tests that are likely to
# notice; scripts/mutate.sh tries all of them with all tests.
#
# usage: test/mutation/run.sh [--long] [seconds [seed]]
#
# Uses copies of the server's folders and a server of its own, so that the installed
# casnet stays as it is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
long=0
[ "${1:-}" != --long ] || { long=1; shift; }
seconds=${1:-40}
[ "$long" -eq 0 ] || seconds=${1:-1200}
seed=${2:-$(date +%s)}
work=$(mktemp -d "${TMPDIR:-/tmp}/mutation.XXXXXX")

# finish: stop the server if it still runs, and remove everything.
# shellcheck disable=SC2317
finish()
{
	local status=$?

	[ ! -f "$work/jobs/w0/data/postmaster.pid" ] ||
		pg_ctl -s -D "$work/jobs/w0/data" -m immediate -w stop || true
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for option in --bindir --pkglibdir --sharedir --includedir --includedir-server; do
	folder=$("$PG_CONFIG" "$option")
	mkdir -p "$work/server${folder%/*}"
	[ -e "$work/server$folder" ] || cp -aL "$folder" "$work/server${folder%/*}/"
done
mkdir "$work/jobs" "$work/state"
status=0
/usr/bin/python3 -B "$here/mutate.py" --pg-config "$work/server$("$PG_CONFIG" --bindir)/pg_config" \
	--work "$work/jobs" --tree "$(cd "$here/../.." && pwd)" --state "$work/state" \
	--seconds "$seconds" --seed "$seed" --budget 60 || status=$?
exit "$status"
