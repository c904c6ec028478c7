#!/usr/bin/env bash
#
# run.sh - test src/jws.c without a server: RFC vectors and random changes,
# under the address and undefined-behaviour sanitizers.
#
# usage: test/jws/run.sh [seconds [seed]]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

if ! "${CC:-cc}" -std=gnu99 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all \
	-o "$build/jws_test" "$here/jws_test.c"; then
	echo 'the compiler, or one of its sanitizers, failed'
	echo '0 passed, 1 failed'
	exit 1
fi
status=0
"$build/jws_test" "$@" || status=$?
if [ "$status" -gt 1 ]; then    # a sanitizer stopped it before its last line
	echo '0 passed, 1 failed'
fi
exit "$status"
