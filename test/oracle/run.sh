#!/usr/bin/env bash
#
# run.sh - whether a condition of a user reveals anything of rows of another tenant: every
# kind of expression the server has, in every form of statement; see oracle.py.
#
# usage: test/oracle/run.sh [--quick | --long] [--seed N] [--only TEXT] ...
#        test/oracle/run.sh --help
#
# Uses the server that PGHOST names, or else a throwaway one of its own.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/server.sh
. "$here/../server.sh"

unset PGOPTIONS
case " $* " in
	*' --help '* | *' -h '*) ;;
	*)
		if [ -z "${PGHOST:-}" ]; then
			work=$(mktemp -d /tmp/oracle.XXXXXX)
			start_server 'autovacuum = off'
		fi ;;
esac
/usr/bin/python3 -B "$here/oracle.py" "$@"
