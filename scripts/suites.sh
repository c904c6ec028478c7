# shellcheck shell=bash
# shellcheck disable=SC2034
#
# suites.sh - what scripts/versions.sh, scripts/upgrade.sh, scripts/package.sh and
# scripts/docker.sh share: a Debian suite in a folder, with a PostgreSQL for which this
# system has no package.
#
# Sourced after lib.sh, never run.  Commands in a suite run in namespaces of their
# own (mounts, processes, shared memory).  They end with this script, however it
# ends, and leave no mount to undo.
#
# Environment:
#   CASNET_MIRROR  URL of a Debian mirror (default: the one apt uses here)

SUITES=(bookworm trixie forky sid experimental)   # the first that has a version is taken
MIRROR=''
CACHE=''        # folder that keeps the suites, empty for none
APT=()          # apt's options to look into all suites
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
SUITE_TOOLS=(debootstrap debian-archive-keyring)

# setup_suites: like setup_work, and prepare what the functions below need.
setup_suites()
{
	is_root || die 'a suite in a folder needs root' 'run this as root'
	command -v apt-get > /dev/null || die 'there is no apt-get' 'run this on Debian'
	if [ -n "$CACHE" ]; then
		mkdir -p "$CACHE"
		CACHE=$(realpath "$CACHE")
	fi
	setup_work
	SERVER_USER=root
	trap leave EXIT
	unshare --mount --pid --ipc --fork true 2> "$WORK/unshare.log" ||
		die 'no namespaces can be made here' "$(cat "$WORK/unshare.log")"
	install_tools
	find_mirror
	read_suites
}

# leave: end what runs in a suite, and with it the mounts, then clean up.
leave()
{
	local status=$?

	trap '' INT TERM HUP
	set +e
	if [ -n "$JOB_PID" ]; then
		kill -KILL "$JOB_PID" 2>/dev/null
		wait "$JOB_PID" 2>/dev/null
		JOB_PID=''
	fi
	if grep -qF " $WORK/" /proc/self/mountinfo; then
		echo "error: something is mounted in $WORK, which is left as it is" >&2
		KEEP_WORK=1
	else
		rm -rf --one-file-system "$WORK"
	fi
	(exit "$status")
	cleanup
}

# install_tools: debootstrap, and the keys that the suites are signed with.
install_tools()
{
	local -a missing

	mapfile -t missing < <(missing_packages "${SUITE_TOOLS[@]}")
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "${CASNET_OFFLINE:-0}" != 1 ] || die "these packages are missing: ${missing[*]}"
	install_packages "${missing[@]}"
}

# find_mirror: the mirror of this system, unless the environment names one.
find_mirror()
{
	MIRROR=${CASNET_MIRROR:-}
	[ -z "$MIRROR" ] || return 0
	# shellcheck disable=SC1091,SC2016
	[ "$(. /etc/os-release && echo "$ID")" != debian ] ||
		MIRROR=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' \
			'Created-By: Packages' 'Component: main' |
			awk -v name="$(debian_codename)" '
				$1 == name { found = $2; exit }
				$1 !~ /[-\/]/ && first == "" { first = $2 }
				END { print found != "" ? found : first }')
	[ -n "$MIRROR" ] || die 'apt names no Debian mirror here' \
		'set CASNET_MIRROR to the URL of one'
}

# read_suites: the lists of packages of all suites, in a private folder.
read_suites()
{
	local state=$WORK/apt suite

	say "reading the lists of ${SUITES[*]}"
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	: > "$state/status"
	for suite in "${SUITES[@]}"; do
		echo "deb [signed-by=$KEYRING] $MIRROR $suite main"
	done > "$state/sources.list"
	APT=(-o "Dir::State=$state" -o "Dir::State::status=$state/status"
		-o "Dir::Cache=$state/cache" -o "Dir::Etc::sourcelist=$state/sources.list"
		-o Dir::Etc::sourceparts=- -o Acquire::Languages=none
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false
		-o APT::Sandbox::User=root)
	apt-get "${APT[@]}" -q update > "$WORK/apt.log" 2>&1 || {
		tail -n 25 "$WORK/apt.log" >&2
		die "apt-get could not read the suites at $MIRROR"
	}
}

# suite_of MAJOR: the first suite that has this PostgreSQL; empty if none has.
suite_of()
{
	apt-cache "${APT[@]}" madison "postgresql-$1" > "$WORK/madison"
	local suite

	for suite in "${SUITES[@]}"; do
		if grep -qF " $suite/main " "$WORK/madison"; then
			echo "$suite"
			return
		fi
	done
}

# apt_settings: how apt reaches its mirror here, and how old its lists may be.
apt_settings()
{
	apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|Check-Valid-Until|Check-Date)[: ]' || true
}

# base_of SUITE: what a system of it is made of; experimental is an addition only.
base_of()
{
	[ "$1" = experimental ] && echo sid || echo "$1"
}

# sources_of SUITE: apt's list of it.
sources_of()
{
	local suite

	for suite in $(printf '%s\n' "$(base_of "$1")" "$1" | sort -u); do
		echo "deb [signed-by=$KEYRING] $MIRROR $suite main"
	done
}

# pin_suite SUITE FOLDER: from an addition take the server alone, however new all else is.
pin_suite()
{
	local file=$2/etc/apt/preferences.d/casnet

	rm -f "$file"
	[ "$(base_of "$1")" = "$1" ] ||
		printf 'Package: src:postgresql-*:any\nPin: release a=%s\nPin-Priority: 500\n' "$1" > "$file"
}

# make_suite SUITE FOLDER: make the suite in a folder, unless it exists, with apt
# set up as here.  FOLDER appears only when it is complete.
make_suite()
{
	local suite=$1 folder=$2 log=$WORK/debootstrap.log script= base

	base=$(base_of "$suite")
	if [ ! -d "$folder" ]; then
		say "making a system of $suite"
		[ -e "/usr/share/debootstrap/scripts/$base" ] ||
			script=/usr/share/debootstrap/scripts/sid
		rm -rf --one-file-system "$folder.new"
		in_background unshare --mount --pid --ipc --fork --kill-child \
			debootstrap --variant=minbase --keyring="$KEYRING" \
			--include=ca-certificates "$base" "$folder.new" "$MIRROR" \
			${script:+"$script"} > "$log" 2>&1 || {
			tail -n 25 "$log" >&2
			die "debootstrap could not make $suite"
		}
		mv "$folder.new" "$folder"
	fi
	cp -L /etc/resolv.conf "$folder/etc/resolv.conf"
	cp -L /etc/hosts "$folder/etc/hosts"
	apt_settings > "$folder/etc/apt/apt.conf.d/90host"
	echo 'APT::Sandbox::User "root";' >> "$folder/etc/apt/apt.conf.d/90host"
	[ ! -d /etc/apt/auth.conf.d ] || cp -rT /etc/apt/auth.conf.d "$folder/etc/apt/auth.conf.d"
	cp "$KEYRING" "$folder$KEYRING"
	sources_of "$suite" > "$folder/etc/apt/sources.list"
	pin_suite "$suite" "$folder"
	rm -f "$folder/etc/apt/sources.list.d/"*
	cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/ca-certificates.crt" \
		2>/dev/null || true
	# a lost folder is made again, so nothing has to be flushed
	echo force-unsafe-io > "$folder/etc/dpkg/dpkg.cfg.d/unsafe-io"
	# no package may start a service or make a cluster
	printf '#!/bin/sh\nexit 101\n' > "$folder/usr/sbin/policy-rc.d"
	chmod 755 "$folder/usr/sbin/policy-rc.d"
	mkdir -p "$folder/etc/postgresql-common/createcluster.d"
	echo 'create_main_cluster = false' \
		> "$folder/etc/postgresql-common/createcluster.d/no-cluster.conf"
}

# in_background COMMAND...: run the command and wait, so that this script answers a
# signal at once.
in_background()
{
	local status=0

	"$@" < /dev/null &
	JOB_PID=$!
	wait "$JOB_PID" || status=$?
	JOB_PID=''
	return "$status"
}

# in_suite FOLDER COMMAND...: run the command there as root, with this system's
# network, a private /tmp and an environment that has only what ENVIRONMENT says.
ENVIRONMENT=()
in_suite()
{
	local folder=$1

	shift
	mkdir -p "$WORK/tmp"
	chmod 1777 "$WORK/tmp"
	# shellcheck disable=SC2016
	in_background unshare --mount --pid --ipc --fork --kill-child bash -euc '
		mount -t proc proc "$1/proc"
		mkdir -p "$1/dev/shm"
		mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
		mount --bind "$2" "$1/tmp"
		shift 2
		"$@" &
		wait "$!"' in_suite "$folder" "$WORK/tmp" \
		env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		CASNET_OFFLINE="${CASNET_OFFLINE:-0}" ${NO_COLOR:+"NO_COLOR=$NO_COLOR"} \
		"${ENVIRONMENT[@]}" chroot "$folder" "$@"
}

# refresh_suite FOLDER: bring a suite that was kept up to date.
refresh_suite()
{
	local log=$WORK/refresh.log

	[ "${CASNET_OFFLINE:-0}" != 1 ] || return 0
	in_suite "$1" sh -c 'apt-get -q update && apt-get -q -y dist-upgrade && apt-get clean' \
		> "$log" 2>&1 || {
		tail -n 25 "$log" >&2
		die "the packages in $1 could not be brought up to date"
	}
}

# install_in_suite FOLDER PACKAGE...: by apt-get, quiet unless it fails.
install_in_suite()
{
	local folder=$1 log=$WORK/install.log

	shift
	[ "${CASNET_OFFLINE:-0}" != 1 ] || return 0
	in_suite "$folder" apt-get -q install -y --no-install-recommends "$@" > "$log" 2>&1 || {
		tail -n 25 "$log" >&2
		die "apt-get could not install: $*"
	}
}

# fresh_suite SUITE FOLDER: a copy of the suite with nothing added to it, in place of what
# is there.  The original is kept with the suites, and up to date.
FRESHENED=' '
fresh_suite()
{
	local original=${CACHE:-$WORK}/fresh-$1

	lock_suite "$original"
	if [[ $FRESHENED != *" $1 "* ]]; then
		make_suite "$1" "$original"
		refresh_suite "$original"
		FRESHENED+="$1 "
	fi
	rm -rf --one-file-system "$2"
	cp -a --reflink=auto "$original" "$2"
	exec 9>&-
}

# tree_for_suite: the work tree, at /tmp/casnet in every suite.
tree_for_suite()
{
	mkdir -p "$WORK/tmp"
	chmod 1777 "$WORK/tmp"
	rm -rf "$WORK/tmp/casnet"
	copy_tree "$WORK/tmp/casnet"
}

# lock_suite FOLDER: two runs may not work in one folder; the lock is held until
# this script ends.
lock_suite()
{
	exec 9> "$1.lock"
	flock -n 9 || die "another run works in $1" 'wait for it, or name another folder'
}
