#!/usr/bin/env bash
#
# sanitize.sh - run the tests on a server that notices wrong use of memory and of
# its caches.
#
# Builds a server for this from Debian's source of PostgreSQL: with assertions, with
# memory that is overwritten when it is freed, and with what valgrind has to know
# about palloc().  Keeps that server for the next time.  Changes no other server of
# this machine.  Exit status 0 means that every test passed and nothing was found in
# casnet.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/test.sh
. "$here/test.sh"

CONTRIB='amcheck btree_gin btree_gist citext hstore pageinspect pg_stat_statements pg_trgm pgcrypto unaccent'
MODES=(assert asan discard valgrind)
SANITIZERS='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'

usage()
{
	cat <<-'HELP'
	usage: scripts/sanitize.sh [OPTION]... [MODE]...

	  assert    assertions, freed memory overwritten: all kinds of tests
	  asan      the same with AddressSanitizer and UndefinedBehaviorSanitizer
	  discard   the server's caches emptied at every turn: test/sanitize/discard.sql
	  valgrind  golden tests and some tests of pgTAP
	Without a mode, all of them.

	  --long           discard and valgrind run every golden test and all of pgTAP (hours)
	  --cache FOLDER   keep the server there (default
	                   ~/.cache/casnet/postgresql-VERSION)
	  --source FOLDER  PostgreSQL's source (default: from apt-get source)
	  --only KIND      only tests of this kind; see scripts/test.sh --help
	  --keep FOLDER    keep reports there
	PG_MAJOR=15..19 or PG_CONFIG=/path/of/pg_config chooses the version to build.
	HELP
}

# Tests that run most of casnet's C, for valgrind, where everything is 20 to 50
# times slower.
CHOSEN=(adding_above_member_takes_assign_roles audit_entries audit_partitioned
	bypass custom_permission last_owner_stays load_follows_the_table password_hashes
	prepared_statement_follows_the_session protect_rows records_tagged_common_tags
	records_tagged_nulls records_tagged_positions revocation_within_transaction
	search_query_syntax search_substrings several_permissions_at_once
	tables_changed_by_hand tag_id_follows_the_tags tenant_with_in_any_expression
	token_and_settings token_header_is_strict wide_input)

# time_left LIMIT: how long a runner may take, for test.sh; here, much longer.
time_left()
{
	echo $(($1 * SLOWER))
}

# fetch_source FOLDER SOURCE: unpack the source of the server there, of the
# installed version, or of the newest version that apt's archives still have.
fetch_source()
{
	local folder=$1 source=$2 version installed

	mkdir -p "$folder"
	if [ -n "$source" ]; then
		cp -a "$source/." "$folder"
		return
	fi
	mkdir -p "$WORK/apt/lists/partial" "$WORK/apt/archives/partial"
	cd "$WORK/apt"
	# shellcheck disable=SC2016
	apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) main' \
		'Created-By: Packages' 'Component: main' | sort -u > sources.list
	local -a options=(-q -o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD"
		-o "Dir::Etc::sourcelist=$PWD/sources.list" -o Dir::Etc::sourceparts=-
		-o APT::Sandbox::User=root)
	apt-get "${options[@]}" update > "$WORK/source.log" 2>&1 || true
	installed=$(dpkg-query -W -f='${Version}' "postgresql-$PG_MAJOR" || true)
	for version in $installed $(apt-cache "${options[@]}" showsrc --only-source \
		"postgresql-$PG_MAJOR" 2>> "$WORK/source.log" |
		sed -n 's/^Version: //p' | sort -rVu); do
		rm -f postgresql-*
		if apt-get "${options[@]}" source --download-only "postgresql-$PG_MAJOR=$version" \
			>> "$WORK/source.log" 2>&1; then
			say "the source of postgresql-$PG_MAJOR $version"
			tar -xf postgresql-*.orig.tar.* -C "$folder" --strip-components=1
			cd "$WORK"
			return
		fi
	done
	tail -n 5 "$WORK/source.log" >&2
	die 'apt-get could not fetch the source of the server' 'give it with --source FOLDER'
}

# build_server CACHE SOURCE: build the server, unless it exists.
build_server()
{
	local cache=$1 log=$WORK/server-build.log contrib share

	[ ! -f "$cache/complete" ] || return 0
	say "building a server into $cache (some minutes)"
	rm -rf "$cache"
	mkdir -p "$cache"
	fetch_source "$cache/source" "$2"
	# If asked for, one block of malloc() for each chunk.  Otherwise an address
	# sanitizer sees the blocks and not the chunks within.
	sed -i 's/^\tset->allocChunkLimit = ALLOC_CHUNK_LIMIT;$/\tset->allocChunkLimit = getenv("PG_ASET_SEPARATE") ? 0 : ALLOC_CHUNK_LIMIT;/
		s/^\tif (size > set->allocChunkLimit)$/\tif (size == 0 \&\& set->allocChunkLimit == 0)\n\t\tsize = 1;\n&/' \
		"$cache/source/src/backend/utils/mmgr/aset.c"
	# shellcheck disable=SC2086
	(
		cd "$cache/source" &&
		./configure -q --prefix="$cache/server" --enable-cassert --enable-tap-tests \
			--with-openssl --without-readline --without-icu --disable-rpath \
			CFLAGS='-O1 -g -fno-omit-frame-pointer' CPPFLAGS=-DUSE_VALGRIND &&
		make -s -j2 -C src install &&
		for contrib in $CONTRIB; do
			make -s -C "contrib/$contrib" install || exit 1
		done
	) > "$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die 'the server could not be built' \
			'needed are: build-essential zlib1g-dev valgrind libipc-run-perl'
	}
	share=$("$cache/server/bin/pg_config" --sharedir)/extension
	# pgTAP is SQL only
	cp "$("$PG_CONFIG" --sharedir)"/extension/pgtap* "$share/"
	cp "$cache/source/src/tools/valgrind.supp" "$cache/"
	mv "$cache/server/bin/postgres" "$cache/server/bin/postgres.real"
	find "$cache/source" -name '*.o' -delete
	touch "$cache/complete"
}

# use_server CACHE: a copy of the server, in which casnet can be installed.
use_server()
{
	cp -a "$1/server" "$WORK/pg"
	# a server that runs under whatever CASNET_UNDER names, except to make a
	# cluster
	cat > "$WORK/pg/bin/postgres" <<-'WRAPPER'
		#!/bin/sh
		case $1 in --*|-V) CASNET_UNDER= ;; esac
		exec $CASNET_UNDER "${0%/*}/postgres.real" "$@"
	WRAPPER
	chmod 755 "$WORK/pg/bin/postgres"
	PG_CONFIG=$WORK/pg/bin/pg_config
	BINDIR=$WORK/pg/bin
	mkdir "$WORK/reports"
	own "$WORK/reports"
	chmod 755 "$WORK/pg"
}

# keep_tests FOLDER SUFFIX NAME...: remove the other tests from the copy.
keep_tests()
{
	local folder=$1 suffix=$2 file

	shift 2
	for file in "$COPY/test/$folder"/*."$suffix"; do
		[[ " $* " == *" $(basename "$file" ".$suffix") "* ]] || rm "$file"
	done
}

# run_discard: the statements of discard.sql, which take seconds each.
run_discard()
{
	local status=0 expected=$COPY/test/sanitize/discard.out

	say 'discard tests'
	super -d postgres -c 'CREATE DATABASE casnet_discard'
	run_limited "$(time_left 60)" "${AS_SERVER[@]}" "$BINDIR/psql" -X -q -d casnet_discard \
		-f "$COPY/test/sanitize/discard.sql" > "$WORK/discard.log" 2>&1 || status=$?
	sed -i 's/^psql:[^ ]*: //' "$WORK/discard.log"
	if [ "$status" -eq 0 ] && diff -u "$expected" "$WORK/discard.log"; then
		note_result discard "$(wc -l < "$expected")" 0 0
	else
		note_result discard 0 1 0
	fi
}

# discard_caches: empty the caches in the golden tests and those of pgTAP.  Not while
# tables are made and filled, where only code of the server runs.
discard_caches()
{
	local line='ALTER DATABASE contrib_regression SET debug_discard_caches = 1;'

	super -d postgres -c 'ALTER SYSTEM SET autovacuum = off' -c 'SELECT pg_reload_conf()' > /dev/null
	sed -i '$a'"$line" "$COPY/test/sql/setup.sql" "$COPY/expected/setup.out"
	sed -i 's/^SET LOCAL SESSION AUTHORIZATION tap_app;$/SET LOCAL debug_discard_caches = 1;\n&/' \
		"$COPY/test/pgtap/include/fixtures.sql"
	grep -q debug_discard_caches "$COPY/test/pgtap/include/fixtures.sql"
}

# try_defects MODE: call the functions of defects.c; the server must notice each
# defect.
try_defects()
{
	local mode=$1 so=$WORK/pg/lib/defects.so name flags='' seen said=''
	local -a wrong=()

	[ "$mode" != asan ] || flags=$SANITIZERS
	# shellcheck disable=SC2046,SC2086
	gcc -Wall -Werror $("$PG_CONFIG" --cflags) $flags -I"$("$PG_CONFIG" --includedir-server)" -fPIC -shared \
		-o "$so" "$COPY/test/sanitize/defects.c"
	chmod 755 "$so"
	case $mode in
		assert) wrong=(read_freed) ;;
		asan) wrong=(read_beyond read_freed shift_too_far) ;;
		valgrind) wrong=(read_beyond read_freed read_unset) ;;
		discard) wrong=(keep_cached) ;;
	esac
	for name in "${wrong[@]}"; do
		rm -f "$WORK/reports"/*
		: > "$WORK/server.log"
		case $name in
			keep_cached)
				super -d postgres -c "CREATE FUNCTION $name(regclass) RETURNS text LANGUAGE c AS '$so'"
				seen=$(super -At -d postgres -c 'SET debug_discard_caches = 1' \
					-c "SELECT $name('pg_class') IS DISTINCT FROM 'pg_class'" 2>&1 || true)
				;;
			*)
				super -d postgres -c "CREATE FUNCTION $name() RETURNS integer LANGUAGE c AS '$so'"
				said=$(super -At -d postgres -c "SELECT $name() <> 0" 2>&1 || true)
				seen=$said
				[ "$mode" = assert ] || seen=''
				if grep -qsE " in $name |: $name |defects\.c:[0-9:]+ runtime error: " \
					"$WORK/reports"/* "$WORK/server.log"; then
					seen=t
				fi
				;;
		esac
		if [ "$seen" = t ]; then
			DEFECTS=$((DEFECTS + 1))
		else
			echo "${RED}$mode did not notice $name() of test/sanitize/defects.c: $said${PLAIN}"
			BLIND=$((BLIND + 1))
		fi
		# the server starts again after a crash
		wait_for_server
	done
	rm -f "$WORK/reports"/*
	: > "$WORK/server.log"
}

# wait_for_server: until it takes connections, a minute at most.
wait_for_server()
{
	local i

	for ((i = 0; i < 60; i++)); do
		super -d postgres -c 'SELECT 1' > /dev/null 2>&1 && return
		sleep 1
	done
	die 'the server is not there any more'
}

# look_for MODE: what was found, and where; sets FOUND and FOREIGN.
look_for()
{
	local file

	# reports of valgrind and of the sanitizers; a frame of casnet's is in its
	# source
	for file in "$WORK/reports"/*; do
		[ -s "$file" ] || continue
		if grep -qE "[ (/]src/[a-z_]+\.[ch]:[0-9]|casnet\.so" "$file"; then
			FOUND=$((FOUND + $(grep -cE 'ERROR: AddressSanitizer|runtime error:|^==[0-9]+== [A-Z]' "$file" || true)))
			FOUND=$((FOUND > 0 ? FOUND : 1))
			say "in casnet: $(basename "$file")"
			head -n 60 "$file"
		else
			FOREIGN=$((FOREIGN + 1))
			say "in the server: $(basename "$file")"
			head -n 30 "$file"
		fi
	done
	# assertions, warnings of the memory checks, and findings of the undefined
	# behaviour sanitizer, in any server's log
	while IFS= read -r file; do
		if grep -aE -A8 'runtime error: |TRAP: |WARNING:  problem in|detected write past chunk end|was terminated by signal (4|6|8|7|11)\b' \
			"$file" > "$WORK/traps"; then
			FOUND=$((FOUND + 1))
			say "in $(basename "$file")"
			head -n 40 "$WORK/traps"
		fi
	done < <(find "$WORK/server.log" "$COPY/tmp_check/log" -name '*.log' 2> /dev/null)
}

# run_mode MODE: build, run, count; ends with a line for the table.
run_mode()
{
	local mode=$1 kind status=0 copt=''
	local -a kinds=("${KINDS[@]}")

	DEFECTS=0 BLIND=0 FOUND=0 FOREIGN=0 SLOWER=4
	case $mode in
		asan)
			copt=$SANITIZERS
			CASNET_UNDER="env PG_ASET_SEPARATE=1 LD_PRELOAD=$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)"
			ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:malloc_context_size=8:quarantine_size_mb=32:log_path=$WORK/reports/asan
			# the other sanitizer writes to the server's log, whatever its
			# options say
			export ASAN_OPTIONS ;;
		discard)
			kinds=() SLOWER=60
			[ "$LONG" -eq 0 ] || kinds=(regress pgtap) ;;
		valgrind)
			kinds=(regress pgtap) SLOWER=40
			CASNET_UNDER="valgrind --quiet --leak-check=no --num-callers=30 --fullpath-after= --suppressions=$WORK/valgrind.supp --log-file=$WORK/reports/valgrind.%p" ;;
	esac
	[ ${#ONLY[@]} -eq 0 ] || kinds=("${ONLY[@]}")
	use_server "$CACHE"
	cp "$CACHE/valgrind.supp" "$WORK/"
	build_and_install "$WARNINGS $copt"
	export CASNET_UNDER="${CASNET_UNDER:-}"
	export CASNET_SLOWER=20
	start_server
	try_defects "$mode"
	case $mode in
		discard) discard_caches; run_discard ;;
		valgrind)
			[ "$LONG" -eq 1 ] || keep_tests pgtap sql "${CHOSEN[@]}" ;;
		asan)
			# it measures memory, and there is more of it
			rm "$COPY/test/t/memory.pl" ;;
	esac
	for kind in ${kinds[0]+"${kinds[@]}"}; do
		run_kind "$kind"
	done
	stop_server
	look_for "$mode"
	[ -z "$KEEP" ] || { mkdir -p "$KEEP" && cp -r "$WORK/reports" "$WORK/server.log" "$KEEP/"; }
	FAILED=$((FAILED + BLIND))
	finish || status=1
	for kind in "${REPORT[@]}"; do
		printf '%-9s %s\n' "$mode" "$kind" >> "$TABLE"
	done
	printf '%-9s noticed %d of %d defects made on purpose; found %d in casnet, %d in the server\n' \
		"$mode" "$DEFECTS" "$((DEFECTS + BLIND))" "$FOUND" "$FOREIGN" >> "$TABLE"
	[ "$FOUND" -eq 0 ] || status=1
	return "$status"
}

sanitize_main()
{
	local -a modes=()
	local source='' mode status=0
	local -a options=()

	LONG=0 CACHE='' KEEP='' ONLY=() TABLE=${CASNET_TABLE:-}
	while [ $# -gt 0 ]; do
		case $1 in
			--long) LONG=1; options+=(--long); shift ;;
			--cache) CACHE=$(realpath -m "${2:?}"); options+=(--cache "$CACHE"); shift 2 ;;
			--source) source=$(realpath "${2:?}"); options+=(--source "$source"); shift 2 ;;
			--keep) KEEP=$(realpath -m "${2:?}"); shift 2 ;;
			--only)
				[[ " ${KINDS[*]} " == *" ${2:-?} "* ]] || { usage >&2; exit 2; }
				ONLY+=("$2"); options+=(--only "$2"); shift 2 ;;
			-h | --help) usage; exit 0 ;;
			*)
				[[ " ${MODES[*]} " == *" $1 "* ]] || { usage >&2; exit 2; }
				modes+=("$1"); shift ;;
		esac
	done
	[ ${#modes[@]} -gt 0 ] || modes=("${MODES[@]}")

	if [ ${#modes[@]} -gt 1 ]; then    # each with a folder and a server of its own
		CASNET_TABLE=$(mktemp)
		export CASNET_TABLE
		for mode in "${modes[@]}"; do
			"$ROOT/scripts/sanitize.sh" "${options[@]}" ${KEEP:+--keep "$KEEP/$mode"} "$mode" || status=1
		done
		say 'all'
		cat "$CASNET_TABLE"
		rm -f "$CASNET_TABLE"
		return "$status"
	fi

	setup_work
	need_packages test
	[ -n "$TABLE" ] || TABLE=$WORK/table
	[ -n "$CACHE" ] ||
		CACHE=$HOME/.cache/casnet/postgresql-$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9.]+).*/\1/')
	build_server "$CACHE" "$source"
	run_mode "${modes[0]}" || status=1
	[ -n "${CASNET_TABLE:-}" ] || { say "${modes[0]}"; cat "$TABLE"; }
	return "$status"
}

sanitize_main "$@"
