#!/usr/bin/env bash
#
# test-all.sh - run every test with one command: the long forms of the tests, every
# version, moving between versions, packages, coverage, sanitizers and mutants.  Takes most of
# a day on two processors; for a change, scripts/test.sh is enough.
#
# A step that fails does not stop the others.  Exit status 0 means that each chosen
# step succeeded.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage()
{
	cat <<-'HELP'
	usage: scripts/test-all.sh [--cache DIR] [--logs DIR] [--only STEP]...
	                           [--list] [--help]

	  tests      scripts/test.sh --long
	  versions   scripts/versions.sh: PostgreSQL 15, 17, 18 and 19
	  upgrade    scripts/upgrade.sh: a full database from version to version
	  packages   scripts/package.sh: Debian's packages and PGXN's archive in each suite
	  container  scripts/docker.sh: the Dockerfile, without Docker
	  coverage   scripts/coverage.sh
	  sanitize   scripts/sanitize.sh
	  mutate     scripts/mutate.sh

	  --cache DIR  keep Debian suites and a server with assertions there
	  --logs DIR   keep the output of each step there (default: a new folder)
	  --only STEP  run only this step; can be given more than once
	  --list       only print the commands
	Needs root.
	HELP
}

STEPS=(tests versions upgrade packages container coverage sanitize mutate)
CACHE=''
LOGS=''
LIST=0
FAILED=0
TABLE=()

# command_of STEP: the command of a step.
command_of()
{
	case $1 in
		tests) echo "$here/test.sh" --long ;;
		versions) echo "$here/versions.sh" ${CACHE:+--cache "$CACHE"} ;;
		upgrade) echo "$here/upgrade.sh" ${CACHE:+--cache "$CACHE"} ;;
		packages) echo "$here/package.sh" ${CACHE:+--cache "$CACHE"} ;;
		container) echo "$here/docker.sh" ${CACHE:+--cache "$CACHE"} ;;
		coverage) echo "$here/coverage.sh" ;;
		sanitize) echo "$here/sanitize.sh" ${CACHE:+--cache "$CACHE/assertions"} ;;
		mutate) echo "$here/mutate.sh" --jobs 2 ;;
	esac
}

# last_words LOG: the line that sums up a step.
last_words()
{
	sed 's/\x1b\[[0-9;]*m//g' "$1" |
		grep -E 'passed|failed|killed|surviv|%|error' | tail -n 1 | cut -c 1-70
}

# run STEP NUMBER OF: run it, showing its output.
run()
{
	local log=$LOGS/$1.log begin=$SECONDS status=0
	local -a command

	read -ra command <<< "$(command_of "$1")"
	echo "==> step $2 of $3: ${command[*]#"$here"/} (output also in $log)"
	"${command[@]}" 2>&1 | tee "$log" || status=${PIPESTATUS[0]}
	[ "$status" -eq 0 ] || FAILED=1
	TABLE+=("$(printf '%-10s %-8s %6d s   %s' "$1" \
		"$([ "$status" -eq 0 ] && echo passed || echo FAILED)" \
		$((SECONDS - begin)) "$(last_words "$log")")")
}

main()
{
	local -a only=()
	local step n=0

	while [ $# -gt 0 ]; do
		case $1 in
			--cache) CACHE=${2:?}; shift 2 ;;
			--logs) LOGS=${2:?}; shift 2 ;;
			--only)
				[[ " ${STEPS[*]} " == *" ${2:-?} "* ]] || { usage >&2; exit 2; }
				only+=("$2")
				shift 2 ;;
			--list) LIST=1; shift ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
	done
	[ ${#only[@]} -gt 0 ] || only=("${STEPS[@]}")
	if [ "$LIST" -eq 1 ]; then
		for step in "${only[@]}"; do
			command_of "$step"
		done
		return
	fi
	[ "$(id -u)" -eq 0 ] || { echo 'error: this takes root, to make Debian suites' >&2; exit 1; }
	[ -n "$LOGS" ] || LOGS=$(mktemp -d /tmp/casnet-logs.XXXXXX)
	mkdir -p "$LOGS"
	for step in "${only[@]}"; do
		n=$((n + 1))
		run "$step" $n ${#only[@]}
	done
	echo "==> all steps, after $SECONDS seconds; output in $LOGS"
	printf '%s\n' "${TABLE[@]}"
	[ "$FAILED" -eq 0 ]
}

main "$@"
