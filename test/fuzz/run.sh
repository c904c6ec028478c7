#!/usr/bin/env bash
#
# run.sh - fuzz the parsers with libFuzzer, guided by coverage, under the address
# and undefined-behaviour sanitizers.  It needs no server, only its headers; but the
# target import runs in a backend of a throwaway server of its own.
#
# usage: test/fuzz/run.sh [seconds for each target [seed [target...]]]
#
# CASNET_RUNS=N stops each target after N executions.
# A finding is printed as base64; once it is fixed, add the input to corpus/TARGET.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seconds=${1:-6}
seed=${2:-$((RANDOM * 32768 + RANDOM + 1))}
targets=("${@:3}")
[ ${#targets[@]} -gt 0 ] || targets=(token jwk uuid search words permission scheme rule calendar import)
config=${PG_CONFIG:-pg_config}
include=$("$config" --includedir-server)
bindir=$("$config" --bindir)
clang=${CLANG:-clang}
work=$(mktemp -d)
trap cleanup EXIT
passed=0
failed=0

# cleanup: stop the throwaway server, if there is one, and remove everything.
cleanup()
{
	stop_server
	rm -rf "$work"
}

# compile OPTION...: what all targets are compiled with.
compile()
{
	"$clang" -std=gnu99 -g -O1 -fno-omit-frame-pointer -Wall -Werror -Wno-unused-function \
		-D_GNU_SOURCE -isystem "$include" "$@"
}

# build TARGET OUTPUT [OPTION...]: compile a target.  Functions of the server that
# it never calls are left unresolved, but no function of casnet is.
build()
{
	local target=$1 output=$2
	local -a more=()

	shift 2
	[ "$target" != import ] || { build_import "$output"; return; }
	[ "$target" != jwk ] || more=("$here/../../src/jws.c")
	[ "$target" != scheme ] || more=(-lcrypt -largon2)
	# the server's normalization
	[ "$target" != words ] || more=("-L$("$config" --pkglibdir)" "-L$("$config" --libdir)" -lpgcommon -lpgport)
	compile -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all "$@" \
		-o "$output" "$here/fuzz_$target.c" "${more[@]}" \
		-lcrypto -no-pie -Wl,--unresolved-symbols=ignore-all -Wl,-z,lazy || return
	# Only the object file, not the program, names what was left unresolved.
	compile -c -o "$output.o" "$here/fuzz_$target.c" || return
	if nm -u "$output.o" | grep ' casnet_'; then
		echo "fuzz_$target.c does not define what it takes from casnet"
		return 1
	fi
}

# build_import OUTPUT: casnet, the driver of libFuzzer, and the code that calls casnet,
# as one library.  A backend cannot have the address sanitizer.  Undefined behaviour
# ends it by a signal.
build_import()
{
	local runtime file source

	# where it is depends on how clang was built
	runtime=$("$clang" -print-runtime-dir)
	file=$(find "$runtime" "$(dirname "$runtime")/linux" -name "libclang_rt.fuzzer_no_main-$(uname -m).a" \
		-o -name libclang_rt.fuzzer_no_main.a 2> /dev/null | head -n 1)
	[ -n "$file" ] || { echo "clang has no libclang_rt.fuzzer_no_main.a"; return 1; }
	mkdir -p "$work/objects"
	for source in "$here"/../../src/*.c; do
		compile -fPIC -DTEXTDOMAIN='"casnet"' -fsanitize=fuzzer-no-link,undefined -fno-sanitize=function \
			-fsanitize-trap=undefined \
			-c -o "$work/objects/$(basename "$source" .c).o" "$source" || return
	done
	compile -fPIC -c -o "$work/objects/fuzz_import.o" "$here/fuzz_import.c" || return
	"$clang" -shared -Wl,-Bsymbolic -o "$1.so" "$work"/objects/*.o "$file" -lcrypt -lcrypto -largon2 -lstdc++ -lm -lpthread
}

# psql_here ARGUMENT...: psql in the throwaway server.
psql_here()
{
	env -u PGOPTIONS "$bindir/psql" -X -q -h "$work" -p 5432 -U postgres -d fuzz "$@"
}

# start_server: with a database for fuzz_import(); a backend is limited to 3 GB of
# memory.
start_server()
{
	"$bindir/initdb" -D "$work/data" -U postgres -A trust -N --locale=C.UTF-8 -E UTF8 > "$work/initdb.log" 2>&1 ||
		{ cat "$work/initdb.log"; return 1; }
	cat >> "$work/data/postgresql.conf" <<-CONF
		port = 5432
		listen_addresses = ''
		unix_socket_directories = '$work'
		fsync = off
		wal_level = minimal
		max_wal_senders = 0
		jit = off
		restart_after_crash = off
		autovacuum_naptime = 1s
	CONF
	(ulimit -v 3000000 && exec "$bindir/pg_ctl" -s -D "$work/data" -l "$work/server.log" -w start) &&
		env -u PGOPTIONS "$bindir/createdb" -h "$work" -p 5432 -U postgres fuzz &&
		psql_here -v library="$work/import.so" -f "$here/import.sql"
}

# stop_server: harmless when there is none.
stop_server()
{
	[ ! -d "$work/data" ] || {
		"$bindir/pg_ctl" -s -D "$work/data" -m immediate -w stop > /dev/null 2>&1 || true
		rm -rf "$work/data"
	}
}

# states NAME...: SQLSTATEs of test/input as an SQL array.
states()
{
	/usr/bin/python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import input
print("{" + ",".join(sorted(s for name in sys.argv[2:] for s in getattr(input, name))) + "}")' "$here/../input" "$@"
}

# fuzz_import ARGUMENT...: run a target with these arguments, but in a backend, which
# the driver ends.
fuzz_import()
{
	local arguments

	[ -d "$work/data" ] || start_server || return
	arguments=$(printf '%s,' fuzz "$@" -handle_int=0 -handle_term=0 -handle_fpe=0 -handle_xfsz=0 \
		-handle_usr1=0 -handle_usr2=0 -detect_leaks=0 -timeout=0 -rss_limit_mb=0)
	: > "$work/server.log"
	psql_here -v arguments="{${arguments%,}}" -v ours="$(states OUR_STATES)" \
		-v theirs="$(states SERVER_CLASSES SERVER_STATES)" > /dev/null 2>&1 <<-'SQL' || true
		CALL fuzz_import(:'arguments', :'ours', :'theirs');
	SQL
	cp "$work/server.log" "$work/log"
	sed -n '/^accepted: /s/^/import: /p' "$work/log"
	grep -q '^stat::number_of_executed_units' "$work/log" && ! compgen -G "$work/finding-*" > /dev/null
}

# fuzz PROGRAM CORPUS ARGUMENT...: run it on a copy of the corpus.
fuzz()
{
	local program=$1 corpus=$2
	local -a arguments

	shift 2
	mkdir -p "$work/new"
	arguments=(-seed="$seed" -artifact_prefix="$work/finding-" "$@")
	[ -z "${CASNET_RUNS:-}" ] || arguments+=(-runs="$CASNET_RUNS")
	if [ "$program" = "$work/import" ]; then
		fuzz_import "${arguments[@]}" -max_len=6000 -mutate_depth=2 "$work/new" "$corpus"
		return
	fi
	"$program" "${arguments[@]}" -timeout=10 -max_len=12000 -rss_limit_mb=1024 \
		-dict="$here/dictionary" "$work/new" "$corpus" > "$work/log" 2>&1
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
	: > "$work/log"
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

# The fuzzer must find a planted bug, or the rest proves nothing.
rm -rf "$work/new"
status=0
build token "$work/planted" -DCASNET_FUZZ_SELFTEST || status=$?
if [ "$status" -eq 0 ] && ! CASNET_RUNS='' fuzz "$work/planted" "$here/corpus/token" -max_total_time=60 &&
	grep -q 'heap-buffer-overflow' "$work/log"; then
	echo 'planted bug: found'
	passed=$((passed + 1))
else
	echo 'planted bug: not found'
	failed=$((failed + 1))
fi
rm -f "$work"/finding-*

# Also in the backend, behind two statements of PL/pgSQL.  It is found after 13 seconds at
# most in twelve runs on a busy machine.
if [ -d "$work/data" ]; then
	rm -rf "$work/new"
	if psql_here -f "$here/planted.sql" && ! CASNET_RUNS='' fuzz "$work/import" "$here/corpus/import" -max_total_time=100 &&
		grep -q '^XX000: planted' "$work/log"; then
		echo 'planted bug of the import: found'
		passed=$((passed + 1))
	else
		echo 'planted bug of the import: not found'
		failed=$((failed + 1))
		tail -n 20 "$work/log"
	fi
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
