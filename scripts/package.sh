#!/usr/bin/env bash
#
# package.sh - build the packages of casnet and try them in each Debian suite, with one
# command.
#
# Exit status 0 means that every step passed in every suite.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/suites.sh
. "$ROOT/scripts/suites.sh"

usage()
{
	cat <<-'HELP'
	usage: scripts/package.sh [--cache DIR] [--only SUITE,...] [--steps STEP,...]
	                          [--output DIR] [--help]

	Takes what is committed.  In each suite, in folders that debootstrap makes:
	  build        builds the packages, with the golden files of one session
	  lintian      finds no error and no warning
	  install      apt installs the package by its name, and what it depends on
	  demo         a cluster, CREATE EXTENSION, and queries as an application role
	  remove       apt removes and purges it, and nothing is left
	  autopkgtest  runs debian/tests with the packages installed: golden files and races
	  pgxn         "pgxn install" of the archive of "make dist", the demo, and uninstall

	  --cache DIR   keep the suites there, and use them again
	  --only ...    of bookworm, trixie, forky and sid only these
	  --steps ...   of autopkgtest and pgxn only these; "none" for neither
	  --output DIR  keep the packages there, in a folder for each suite

	Needs root, a git repository, about 3 GB, and half an hour for each suite.
	CASNET_MIRROR=URL names a mirror other than the one that apt uses here.
	HELP
}

WANTED=(bookworm trixie forky sid)
COMMITTED=sid           # the suite that debian/control is generated for
STEPS=(build lintian install demo remove autopkgtest pgxn)
OPTIONAL=,autopkgtest,pgxn,
OUTPUT=''
FAILED=0
declare -A RESULT=()    # "suite step": what the table says
declare -A PACKAGES=()  # suite: packages, with their versions

# parse ARGUMENT...: the command line.
parse()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--cache) [ -n "${2:-}" ] || { usage >&2; exit 2; }
				CACHE=$2; shift 2 ;;
			--only) [[ ${2:-} =~ ^(bookworm|trixie|forky|sid)(,(bookworm|trixie|forky|sid))*$ ]] ||
				{ usage >&2; exit 2; }
				IFS=, read -ra WANTED <<< "$2"
				shift 2 ;;
			--steps) [[ ${2:-} =~ ^(autopkgtest|pgxn|none)(,(autopkgtest|pgxn))*$ ]] ||
				{ usage >&2; exit 2; }
				OPTIONAL=,$2,; shift 2 ;;
			--output) [ -n "${2:-}" ] || { usage >&2; exit 2; }
				mkdir -p "$2"
				OUTPUT=$(realpath "$2"); shift 2 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
	done
}

# make_sources: the source that Debian's package is made of, and the archive for PGXN.
make_sources()
{
	local upstream

	command -v git > /dev/null || install_packages git
	command -v python3 > /dev/null || install_packages python3-minimal
	upstream=$(dpkg-parsechangelog -l "$ROOT/debian/changelog" -S Version 2>/dev/null ||
		sed -nE '1s/.*\((.*)\).*/\1/p' "$ROOT/debian/changelog")
	upstream=${upstream%-*}
	mkdir "$WORK/source" "$WORK/dist"
	git -C "$ROOT" archive --prefix="casnet-$upstream/" --format=tar.gz HEAD ':!debian' \
		> "$WORK/source/casnet_$upstream.orig.tar.gz"
	git -C "$ROOT" archive --prefix="casnet-$upstream/" HEAD | tar -C "$WORK/source" -xf -
	mv "$WORK/source/casnet-$upstream" "$WORK/source/casnet"
	"$ROOT/.ci/dist" "$WORK/dist"
}

# The functions from here to "end of the functions in a suite" run there, each with the
# others, and take nothing from this script but arguments.

# install_quietly NAME...: by apt-get.
install_quietly()
{
	apt-get -q install -y --no-install-recommends "$@"
}

# build SUITE COMMITTED: build /tmp/build/casnet as a user without rights.  A suite
# other than that of the changelog gets an entry of its own, and with it a version.
build()
{
	install_quietly build-essential debhelper lintian postgresql-server-dev-all
	cd /tmp/build/casnet
	cp debian/control ../control.committed
	pg_buildext updatecontrol
	if [ "$1" = "$2" ]; then
		diff -u ../control.committed debian/control || {
			echo "debian/control is not what 'pg_buildext updatecontrol' makes in $1"
			return 1
		}
	else
		{
			printf 'casnet (%s~%s1) %s; urgency=medium\n\n' "$(dpkg-parsechangelog -S Version)" "$1" "$1"
			printf '  * Build for %s.\n\n -- %s  %s\n\n' "$1" "$(dpkg-parsechangelog -S Maintainer)" \
				"$(date -u -R -d "$(dpkg-parsechangelog -S Date) + 1 second")"
			cat debian/changelog
		} > ../changelog
		mv ../changelog debian/changelog
	fi
	# the build needs the tests' server, and that is all that recommendations would add
	apt-get -q build-dep -y --no-install-recommends ./
	useradd -m builder
	chown -R builder: /tmp/build
	runuser -u builder -- dpkg-buildpackage -us -uc -sa
	# what installs by name, for every suite
	cd /tmp/build
	mkdir /tmp/repository
	mv ./*.deb /tmp/repository/
	cp -l /tmp/repository/*.deb .
	cd /tmp/repository
	dpkg-scanpackages -m . > Packages
}

# check_lint: the source and the packages.
check_lint()
{
	cd /tmp/build
	runuser -u builder -- lintian --version
	runuser -u builder -- lintian --display-info --fail-on error,warning ./*.changes
	echo 'lintian: no error, no warning'
}

# install_package MAJOR: by name, as from any other repository.
install_package()
{
	echo 'deb [trusted=yes] file:/tmp/repository ./' > /etc/apt/sources.list.d/casnet.list
	apt-get -q update
	install_quietly "postgresql-$1-casnet"
	dpkg-query -L "postgresql-$1-casnet" > /tmp/files
	cat /tmp/files
	grep -q "/usr/lib/postgresql/$1/lib/casnet.so" /tmp/files
	# a library whose package is no dependency would be missing
	if ldd "/usr/lib/postgresql/$1/lib/casnet.so" | grep 'not found'; then return 1; fi
}

# expect TEXT COMMAND...: the command prints the text, and an error counts as what it prints.
expect()
{
	local text=$1 got

	shift
	got=$("$@" 2>&1) || true
	printf '%s\n' "$got"
	[[ $got == *"$text"* ]] || { echo "wanted: $text"; return 1; }
}

# demo MAJOR: a cluster, two tenants, and what an application sees of them.
demo()
{
	local -a psql=(psql -X -q -At -v ON_ERROR_STOP=1 -d cases)
	local ada bob

	pg_createcluster "$1" casnet_demo -- --auth=trust --encoding=UTF8 --locale=C.UTF-8
	pg_conftool "$1" casnet_demo set listen_addresses ''
	pg_conftool "$1" casnet_demo set shared_preload_libraries casnet
	pg_ctlcluster "$1" casnet_demo start
	psql -X -q -U postgres -d postgres -c 'CREATE DATABASE cases'
	"${psql[@]}" -U postgres <<-'SQL'
		CREATE EXTENSION casnet;
		CREATE ROLE my_app LOGIN;
		GRANT casnet_authenticator TO my_app;
		INSERT INTO casnet.users (username, email)
		VALUES ('ada', 'ada@example.org'), ('bob', 'bob@example.org');
		SELECT casnet.create_tenant(name, owner_id => id) IS NOT NULL
		  FROM casnet.users JOIN (VALUES ('ada', 'Child Services'), ('bob', 'Adult Services')) AS t (u, name)
		    ON username = u;
	SQL
	ada=$("${psql[@]}" -U postgres -c "SELECT id FROM casnet.users WHERE username = 'ada'")
	bob=$("${psql[@]}" -U postgres -c "SELECT id FROM casnet.users WHERE username = 'bob'")
	expect 'Home visit' "${psql[@]}" -U my_app -c "SET casnet.user_id = '$ada'" \
		-c "SELECT casnet.use_tenant('Child Services')" \
		-c "INSERT INTO casnet.records (title) VALUES ('Home visit') RETURNING title"
	expect 'rows: 0' "${psql[@]}" -U my_app -c "SET casnet.user_id = '$bob'" \
		-c "SELECT casnet.use_tenant('Adult Services')" \
		-c "SELECT 'rows: ' || count(*) FROM casnet.records"
	expect 'you are not a member of it' "${psql[@]}" -U my_app -c "SET casnet.user_id = '$bob'" \
		-c "SELECT casnet.use_tenant('Child Services')"
	expect 'nobody is signed in' "${psql[@]}" -U my_app -c 'SELECT count(*) FROM casnet.records'
	expect 'findings: 0' "${psql[@]}" -U postgres \
		-c "SELECT 'findings: ' || count(*) FROM casnet.doctor() WHERE severity <> 'notice'"
	pg_ctlcluster "$1" casnet_demo stop
	pg_dropcluster "$1" casnet_demo
}

# nothing_left: no file has the name, but those of the test itself.
nothing_left()
{
	local left

	left=$(find / -xdev \( -path /tmp -o -path /proc \) -prune -o \
		-iname '*casnet*' ! -path /etc/apt/sources.list.d/casnet.list \
		! -path '/var/lib/apt/lists/*' -print)
	[ -z "$left" ] || { printf 'left:\n%s\n' "$left"; return 1; }
}

# remove_package MAJOR: remove, purge, and look for what is left.
remove_package()
{
	local path left=''

	apt-get -q remove -y "postgresql-$1-casnet"
	apt-get -q purge -y "postgresql-$1-casnet"
	if dpkg-query -W "postgresql-$1-casnet" 2> /dev/null; then return 1; fi
	while IFS= read -r path; do
		[ -d "$path" ] || [ ! -e "$path" ] || left+="$path "
	done < /tmp/files
	[ -z "$left" ] || { echo "left: $left"; return 1; }
	nothing_left
	apt-get -q autoremove -y --purge
	nothing_left
	echo 'nothing is left'
}

# run_autopkgtest: debian/tests against the packages, with this system as the testbed.
run_autopkgtest()
{
	install_quietly autopkgtest dpkg-dev
	autopkgtest --output-dir=/tmp/autopkgtest.out /tmp/build/casnet_*.changes -- null
}

# try_pgxn MAJOR: the archive of "make dist", for the server of the suite.
try_pgxn()
{
	local config=/usr/lib/postgresql/$1/bin/pg_config

	install_quietly pgxnclient gcc make libssl-dev libcrypt-dev libargon2-dev \
		"postgresql-$1" "postgresql-server-dev-$1"
	pgxn install --pg_config "$config" /tmp/dist/casnet-*.zip
	demo "$1"
	pgxn uninstall --pg_config "$config" --yes /tmp/dist/casnet-*.zip
	nothing_left
	echo 'nothing is left'
}

# end of the functions in a suite
INSIDE=(install_quietly build check_lint install_package expect demo nothing_left
	remove_package run_autopkgtest try_pgxn)

# step SUITE NAME FOLDER FUNCTION ARGUMENT...: run the function in the folder, keep what
# it prints, and note for the table whether it passed.
step()
{
	local suite=$1 name=$2 folder=$3 begin=$SECONDS log=$WORK/$1.$2.log

	shift 3
	say "$suite: $name"
	if in_suite "$folder" bash -euo pipefail -c "$(declare -f "${INSIDE[@]}")"$'\n"$@"' bash "$@" \
		> "$log" 2>&1; then
		RESULT[$suite $name]="passed $((SECONDS - begin))s"
	else
		RESULT[$suite $name]=FAILED
		FAILED=1
		tail -n 60 "$log"
	fi
	[ -z "$OUTPUT" ] || { mkdir -p "$OUTPUT/$suite"; cp "$log" "$OUTPUT/$suite/$name.log"; }
	[[ ${RESULT[$suite $name]} == passed* ]]
}

# wants STEP: whether the command line asks for it.
wants()
{
	[[ $OPTIONAL == *,$1,* ]]
}

# run_suite SUITE: all steps in one.
run_suite()
{
	local suite=$1 root=$WORK/root major name

	rm -rf "$WORK/tmp"
	mkdir -p "$WORK/tmp"
	cp -a "$WORK/source" "$WORK/tmp/build"
	cp -a "$WORK/dist" "$WORK/tmp/dist"
	fresh_suite "$suite" "$root"
	step "$suite" build "$root" build "$suite" "$COMMITTED" || return 0
	step "$suite" lintian "$root" check_lint || true
	grep -E '^[EWIP]: ' "$WORK/$suite.lintian.log" || true
	[ -z "$OUTPUT" ] || cp "$WORK/tmp/repository"/*.deb "$WORK"/tmp/build/*.{dsc,xz,gz} "$OUTPUT/$suite/"
	for name in "$WORK"/tmp/repository/postgresql-*-casnet_*.deb; do
		major=$(sed -nE 's/.*\/postgresql-([0-9]+)-casnet_.*/\1/p' <<< "$name")
		PACKAGES[$suite]+="${PACKAGES[$suite]:+ }$(basename "$name")"
		fresh_suite "$suite" "$root"
		step "$suite" install "$root" install_package "$major" || continue
		step "$suite" demo "$root" demo "$major" || true
		step "$suite" remove "$root" remove_package "$major" || true
	done
	if wants autopkgtest; then
		fresh_suite "$suite" "$root"
		step "$suite" autopkgtest "$root" run_autopkgtest || true
	fi
	if wants pgxn; then
		fresh_suite "$suite" "$root"
		step "$suite" pgxn "$root" try_pgxn "${major:?}" || true
	fi
	rm -rf --one-file-system "$root"
}

# report: the packages, and a table of suites and steps.
report()
{
	local suite name

	say "results after $SECONDS seconds"
	for suite in "${WANTED[@]}"; do
		printf '%-10s%s\n' "$suite" "${PACKAGES[$suite]:-no package}"
	done
	printf '\n%-12s' ''
	printf '%14s' "${WANTED[@]}"
	printf '\n'
	for name in "${STEPS[@]}"; do
		printf '%-12s' "$name"
		for suite in "${WANTED[@]}"; do
			printf '%14s' "${RESULT[$suite $name]:--}"
		done
		printf '\n'
	done
	if [ "$FAILED" -ne 0 ]; then
		printf '%s\n' "${RED}failed$PLAIN"
		return 1
	fi
	printf '%s\n' "${GREEN}passed$PLAIN"
}

main()
{
	local suite

	parse "$@"
	setup_suites
	make_sources
	for suite in "${WANTED[@]}"; do
		run_suite "$suite"
	done
	report
}

main "$@"
