#!/usr/bin/env bash
#
# docker.sh - try scripts/Dockerfile without Docker, with one command.
#
# Its instructions are carried out one by one in folders that debootstrap makes, and its
# entrypoint is started there twice.  So this tests what the file says, and neither the
# command "docker build" nor the image that it makes.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/suites.sh
. "$ROOT/scripts/suites.sh"

usage()
{
	cat <<-'HELP'
	usage: scripts/docker.sh [--cache DIR] [--help]

	Carries out scripts/Dockerfile in Debian suites in folders, starts the entrypoint
	with an empty folder for the cluster and again with what is in it, and asks the
	server as the superuser, as an application role by password, and without one.

	  --cache DIR  keep the suites there, and use them again

	Needs root, about 2 GB, and five minutes.
	CASNET_MIRROR=URL names a mirror other than the one that apt uses here.
	HELP
}

FILE=$ROOT/scripts/Dockerfile
STAGE=''                # folder of the stage that is being made
STAGES=0
declare -A FOLDER=()    # name of a stage: its folder
DIRECTORY=/
ACCOUNT=root
VARIABLES=()            # what ENV says
START=''                # what ENTRYPOINT and CMD say

# parse ARGUMENT...: the command line.
parse()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--cache) [ -n "${2:-}" ] || { usage >&2; exit 2; }
				CACHE=$2; shift 2 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
	done
}

# instructions: those of the file, one a line.
instructions()
{
	sed -E '/^[[:space:]]*(#|$)/d' "$FILE" | sed -E ':a; /\\$/ { N; s/\\\n[[:space:]]*/ /; ba }'
}

# inside COMMAND: a shell's command in the stage, as RUN has it.
inside()
{
	# shellcheck disable=SC2016
	in_suite "$STAGE" /usr/sbin/runuser -u "$ACCOUNT" -- /usr/bin/env "${VARIABLES[@]}" \
		/bin/sh -c 'cd "$1" && exec /bin/sh -c "$2"' sh "$DIRECTORY" "$1"
}

# from IMAGE [as NAME]: the next stage, a fresh suite.
from()
{
	[[ $1 =~ ^debian:([a-z]+)$ ]] || die "a stage is FROM $1, which is no suite of Debian"
	STAGES=$((STAGES + 1))
	STAGE=$WORK/stage$STAGES
	FOLDER[${3:-$STAGES}]=$STAGE
	DIRECTORY=/ ACCOUNT=root VARIABLES=() START=''
	fresh_suite "${BASH_REMATCH[1]}" "$STAGE"
	# the image has no such file, which keeps packages from making a cluster
	rm "$STAGE/etc/postgresql-common/createcluster.d/no-cluster.conf"
}

# copy [--from=STAGE] SOURCE TARGET: a file, or what is in a folder.
copy()
{
	local base=$WORK/context target

	if [[ $1 == --from=* ]]; then
		base=${FOLDER[${1#--from=}]:?no such stage}
		shift
	fi
	[[ $# -eq 2 && $* != *[\*\?]* ]] || die "COPY $* takes more than this script knows"
	target=$STAGE/${2#/}
	if [ -d "$base/$1" ]; then
		mkdir -p "$target"
		# a link of the stage stays, such as /lib
		tar -C "$base/$1" -cf - . | tar -C "$target" -xf - --keep-directory-symlink --no-same-owner
	else
		[[ $2 != */ ]] || mkdir -p "$target"
		cp "$base/$1" "$target"
	fi
}

# carry_out NAME REST: one instruction.
carry_out()
{
	local -a words

	read -ra words <<< "$2"
	case $1 in
		FROM) from "${words[@]}" ;;
		RUN) inside "$2" > "$WORK/run.log" 2>&1 || {
				tail -n 40 "$WORK/run.log" >&2
				die "RUN $2"
			} ;;
		COPY) copy "${words[@]}" ;;
		WORKDIR) DIRECTORY=$2 ;;
		ENV) VARIABLES+=("$2") ;;
		USER) ACCOUNT=$2 ;;
		ENTRYPOINT | CMD)
			[[ $2 =~ ^\[\"([a-z.-]+)\"\]$ ]] || die "$1 $2 is more than this script knows"
			START+="${BASH_REMATCH[1]} " ;;
		VOLUME | EXPOSE | STOPSIGNAL) ;;
		*) die "this script does not know $1" ;;
	esac
}

# This runs in the stage, beside what ENTRYPOINT and CMD say.
# ask TIMES: what somebody asks a server that has started this many times.
# shellcheck disable=SC2317
ask()
{
	local -a super=(psql -X -q -At -v ON_ERROR_STOP=1 -d postgres)
	local -a app=(psql -X -q -At -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PGPORT" -U my_app -d postgres)
	local tries=0 got

	until pg_isready -q; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || { echo 'the server does not answer'; return 1; }
		sleep 0.2
	done
	got=$("${super[@]}" -c 'SHOW shared_preload_libraries')
	echo "preloaded: $got"
	[ "$got" = casnet ]
	if [ "$1" -eq 1 ]; then
		"${super[@]}" <<-'SQL'
			CREATE EXTENSION casnet;
			CREATE ROLE my_app LOGIN PASSWORD 'of the application';
			GRANT casnet_user TO my_app;
			SELECT casnet.create_user('ada', 'ada@example.org', 'correct horse battery') AS ada \gset
			SELECT casnet.create_tenant('Child Services', owner_id => :'ada') IS NOT NULL;
		SQL
	fi
	got=$(PGPASSWORD='of the application' "${app[@]}" <<-'SQL'
		SELECT casnet.login('ada', 'correct horse battery') AS token \gset
		SELECT casnet.sign_in(:'token') IS NULL \g /dev/null
		SELECT casnet.use_tenant('Child Services') \g /dev/null
		INSERT INTO casnet.records (title) VALUES ('Home visit');
		SELECT 'visits: ' || count(*) FROM casnet.records;
	SQL
	)
	echo "$got"
	[[ $got == *"visits: $1"* ]]
	PGPASSWORD='of the container' psql -X -At -h 127.0.0.1 -p "$PGPORT" -U postgres -d postgres \
		-c "SELECT 'the superuser logs in by password'"
	if PGPASSWORD=wrong "${app[@]}" -c 'SELECT 1' 2> /tmp/refused; then return 1; fi
	grep 'password authentication failed' /tmp/refused
}

# start TIMES: the container's start and end, with a command beside it.
start()
{
	in_suite "$STAGE" /usr/sbin/runuser -u "$ACCOUNT" -- /usr/bin/env "${VARIABLES[@]}" \
		"PGPORT=$PORT" 'POSTGRES_PASSWORD=of the container' bash -euo pipefail -c "$(declare -f ask)
		cd '$DIRECTORY'
		$START > /tmp/server.log 2>&1 &
		unset POSTGRES_PASSWORD
		status=0
		(ask $1) || status=\$?
		kill -INT \$!
		wait \$! || status=\$?
		exit \$status"
}

main()
{
	local name rest times

	parse "$@"
	setup_suites
	copy_tree "$WORK/context"
	while read -r name rest; do
		say "$name $rest"
		carry_out "$name" "$rest"
	done < <(instructions)
	PORT=$(chroot "$STAGE" perl -MIO::Socket::INET -e \
		'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
	for times in 1 2; do
		say "start $times: $START"
		start "$times" || {
			tail -n 30 "$WORK/tmp/server.log" >&2
			die "start $times failed"
		}
	done
	say "passed after $SECONDS seconds; \"docker build\" itself was not run"
}

main "$@"
