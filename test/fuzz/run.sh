#!/usr/bin/env bash
#
# run.sh - fuzz the parsers with libFuzzer, guided by coverage, under the address
# and undefined-behaviour sanitizers.  Takes no server, only its headers.
#
# usage: test/fuzz/run.sh [seconds for each target [seed [target...]]]
#
# A finding is printed as base64; put the input into corpus/TARGET once mended.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seconds=${1:-10}
seed=${2:-$((RANDOM * 32768 + RANDOM + 1))}
targets=("${@:3}")
[ ${#targets[@]} -gt 0 ] || targets=(token jwk uuid search permission)
include=$("${PG_CONFIG:-pg_config}" --includedir-server)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# build TARGET OUTPUT [OPTION...]: compile a target.  Functions of the server
# that it never calls are left unresolved.
build()
{
	local target=$1 output=$2
	local -a more=()

	shift 2
	[ "$target" != jwk ] || more=("$here/../../src/jws.c")
	"${CLANG:-clang}" -std=gnu99 -g -O1 -fno-omit-frame-pointer -Wall -Werror \
		-Wno-unused-function -D_GNU_SOURCE -isystem "$include" -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all "$@" -o "$output" "$here/fuzz_$target.c" "${more[@]}" \
		-lcrypto -no-pie -Wl,--unresolved-symbols=ignore-all -Wl,-z,lazy
}

# fuzz PROGRAM CORPUS ARGUMENT...: run it on a copy of the corpus.
fuzz()
{
	local program=$1 corpus=$2

	shift 2
	mkdir -p "$work/new"
	"$program" -seed="$seed" -timeout=10 -max_len=12000 -rss_limit_mb=1024 \
		-artifact_prefix="$work/finding-" -dict="$here/dictionary" "$@" "$work/new" "$corpus" \
		> "$work/log" 2>&1
}

echo "seed $seed, $seconds seconds for each of: ${targets[*]}"
for target in "${targets[@]}"; do
	if ! build "$target" "$work/$target"; then
		echo "$target: the compiler failed"
		failed=$((failed + 1))
		continue
	fi
	rm -rf "$work/new"
	status=0
	fuzz "$work/$target" "$here/corpus/$target" -max_total_time="$seconds" \
		-print_final_stats=1 || status=$?
	executed=$(sed -nE 's/^stat::number_of_executed_units: ([0-9]+)$/\1/p' "$work/log")
	coverage=$(sed -nE 's/.* cov: ([0-9]+) ft: ([0-9]+) .*/\1 places, \2 features/p' "$work/log" | tail -n 1)
	echo "$target: ${executed:-0} executions, ${coverage:-nothing reached}"
	if [ "$status" -ne 0 ] || [ "${executed:-0}" -eq 0 ]; then
		failed=$((failed + 1))
		tail -n 40 "$work/log"
		for finding in "$work"/finding-*; do
			[ ! -f "$finding" ] || { echo "input (base64) of $target:"; base64 < "$finding"; rm "$finding"; }
		done
	else
		passed=$((passed + 1))
	fi
done

# A planted bug must be found, or the rest proves nothing.
rm -rf "$work/new"
status=0
build token "$work/planted" -DCASNET_FUZZ_SELFTEST || status=$?
if [ "$status" -eq 0 ] && ! fuzz "$work/planted" "$here/corpus/token" -max_total_time=60 &&
	grep -q 'heap-buffer-overflow' "$work/log"; then
	echo 'planted bug: found'
	passed=$((passed + 1))
else
	echo 'planted bug: not found'
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
