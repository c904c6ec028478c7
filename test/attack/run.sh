#!/usr/bin/env bash
#
# run.sh - attack every object of casnet with every command as every kind of
# user, and compare each outcome with the expected one; see attack.py.
#
# usage: test/attack/run.sh [--quick | --long] [--template NAME] ...
#        test/attack/run.sh --help
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec /usr/bin/python3 -B "$here/attack.py" "$@"
