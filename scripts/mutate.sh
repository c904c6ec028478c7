#!/usr/bin/env bash
#
# mutate.sh - break casnet in one way at a time, and see whether a test notices.
#
# Works on copies of the work tree and of the server's programs, into which it
# installs the broken casnet.  Removes everything again except its results.  Exit
# status 0 means that every mutant was noticed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage()
{
	cat <<-'HELP'
	usage: scripts/mutate.sh [--schema] [--functions] [--c] [--only PATTERN]
	       [--units PATTERN] [--list] [--sample N] [--seed S] [--jobs N]
	       [--budget SECONDS] [--state FOLDER] [--resume]

	Changes one thing at a time, and runs tests until one notices:
	  --schema      policies, privileges, constraints, triggers, attributes
	  --functions   conditions and checks in the bodies of functions in SQL
	  --c           checks in src/*.c
	Without any of these, all three. See test/mutation/README.md.

	  --only        mutants whose name matches; --list only prints the names
	  --units       tests whose name matches, such as 'pgtap|golden'
	  --sample      only this many mutants, chosen by the seed
	  --jobs        number of servers that work at the same time (default 1)
	  --budget      seconds for one mutant before it counts as surviving
	  --state       folder for results, measurements, and for each mutant the test that
	                noticed it, which the next run tries first
	                (default ~/.local/state/casnet/mutation); --resume continues
	                from them
	  --print-likely  the lines of test/mutation/likely, with what they have learnt
	HELP
}

# copy_server NUMBER: make a copy of the server's folders and print its pg_config.
# The copy works where it is, since programs find each other by relative paths.
copy_server()
{
	local top=$WORK/server$1 option folder

	for option in --bindir --pkglibdir --sharedir --includedir --includedir-server; do
		folder=$("$PG_CONFIG" "$option")
		mkdir -p "$top${folder%/*}"
		[ -e "$top$folder" ] || cp -aL "$folder" "$top${folder%/*}/"
	done
	own "$top"
	echo "$top$("$PG_CONFIG" --bindir)/pg_config"
}

main()
{
	local jobs=1 state=${XDG_STATE_HOME:-$HOME/.local/state}/casnet/mutation resume=0 groups='' n original status=0
	local -a options=() servers=()

	while [ $# -gt 0 ]; do
		case $1 in
			--schema | --functions | --c) groups+=${groups:+,}${1#--} ;;
			--only | --units | --sample | --seed | --budget)
				options+=("$1" "${2:?}")
				shift ;;
			--jobs) jobs=${2:?}; shift ;;
			--state) state=$(realpath -m "${2:?}"); shift ;;
			--list | --print-likely) options+=("$1") ;;
			--resume) resume=1 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done

	setup_work
	need_packages test
	original=$PG_CONFIG
	for ((n = 0; n < jobs; n++)); do
		PG_CONFIG=$original
		servers+=("$(copy_server "$n")")
	done
	PG_CONFIG=${servers[0]}
	BINDIR=$("$PG_CONFIG" --bindir)
	build_and_install ''
	own "$WORK/server0"
	for ((n = 1; n < jobs; n++)); do
		PG_CONFIG=${servers[n]}
		build_and_install_copy
	done
	PG_CONFIG=${servers[0]}
	# make install has just made files that belong to root, and mutants change them
	own "$WORK"/server*

	mkdir -p "$state" "$WORK/state" "$WORK/jobs"
	touch "$state/killers" "$state/results"
	# id, verdict, unit of the last run, over what was known before
	awk -F '\t' -v OFS='\t' 'FILENAME == ARGV[1] { unit[$1] = $2 } $2 == "killed" { unit[$1] = $3 }
		END { for (id in unit) print id, unit[id] }' "$state/killers" "$state/results" |
		LC_ALL=C sort > "$WORK/state/killers"
	cp "$WORK/state/killers" "$state/killers"
	[ ! -f "$state/coverage.json" ] || [ "$resume" -eq 0 ] || cp "$state/coverage.json" "$WORK/state/"
	if [ "$resume" -eq 1 ] && [ -f "$state/results" ]; then
		cp "$state/results" "$WORK/state/before"
		options+=(--resume "$WORK/state/before")
	else
		: > "$state/results"
	fi
	own "$WORK/state" "$WORK/jobs"
	[ -z "$groups" ] || options+=(--groups "$groups")
	for n in "${servers[@]}"; do
		options+=(--pg-config "$n")
	done
	exec 8>> "$state/results"
	run_limited 86400 "${AS_SERVER[@]}" /usr/bin/python3 "$COPY/test/mutation/mutate.py" \
		--work "$WORK/jobs" --tree "$COPY" --state "$WORK/state" --results 8 "${options[@]}" || status=$?
	[ ! -f "$WORK/state/coverage.json" ] || cp "$WORK/state/coverage.json" "$state/"
	say "results are in $state/results"
	return "$status"
}

# build_and_install_copy: install the existing build into another copy of the
# server.
build_and_install_copy()
{
	make -s -C "$COPY" PG_CONFIG="$PG_CONFIG" install > "$WORK/install.log" 2>&1 || {
		cat "$WORK/install.log" >&2
		die 'make install failed'
	}
	own "$COPY"
}

main "$@"
