#!/usr/bin/env bash
#
# halves.sh - run a command twice at a time, on two servers, each with every other word.
#
# usage: scripts/halves.sh PGHOST COMMAND [ARGUMENT...] -- WORD...
#
# PGHOST is that of the second server; the first is the caller's.  {} in an argument
# stands for the words, or they follow the arguments.  Programs that take OUTPUT from the
# environment write to folders of their own.  The second half's output comes after
# the first one's.  Exit status 0 means that both ended so.
set -euo pipefail

second_host=$1
shift
arguments=()
while [ "$1" != -- ]; do
	arguments+=("$1")
	shift
done
shift
odd=()
even=()
for word in "$@"; do
	if [ ${#odd[@]} -gt ${#even[@]} ]; then
		even+=("$word")
	else
		odd+=("$word")
	fi
done

# run_half OUTPUT WORD...: the command with these words; nothing without one.
run_half()
{
	local output=$1 argument placed=0
	local -a command=()

	shift
	[ $# -gt 0 ] || return 0
	for argument in "${arguments[@]}"; do
		[ "${argument/'{}'/}" = "$argument" ] || placed=1
		command+=("${argument/'{}'/$*}")
	done
	[ "$placed" -eq 1 ] || command+=("$@")
	OUTPUT=$PWD/$output "${command[@]}"
}

log=$(mktemp)
# what there is of it is shown also when the time is over
trap 'cat "$log"; rm -f "$log"' EXIT
trap 'exit 143' TERM
PGHOST=$second_host run_half half_2 "${even[@]}" > "$log" 2>&1 &
second=$!
status=0
run_half half_1 "${odd[@]}" || status=$?
wait "$second" || status=$?
exit "$status"
