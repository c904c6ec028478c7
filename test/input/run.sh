#!/usr/bin/env bash
#
# run.sh - call every function of casnet with bad input, in every role.
#
# usage: test/input/run.sh [--long | --huge] [--seed N] [--only FUNCTION] [--seconds N]
#
# Uses the server that PGHOST, PGPORT and PGUSER name, with casnet installed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec /usr/bin/python3 "$here/input.py" "$@"
