#!/usr/bin/env bash
#
# calendar.sh - how long events_between() takes for a member of a tenant with many events
# and series, beside another tenant of the same size: a day, a week and a month.  On a
# private server pinned to one processor with its client.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

EVENTS=100000
SERIES=2000
ROUNDS=21
PROCESSOR=1
BUILD=1
DATABASE=postgres
USER_ID=00000000-0000-7000-8000-000000000001
TENANT=00000000-0000-7000-8000-0000000000a0

usage()
{
	cat <<-HELP
	usage: bench/calendar.sh [--events N] [--series N] [--rounds N] [--processor N] [--no-build]
	HELP
}

options()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--events) EVENTS=$2; shift ;;
			--series) SERIES=$2; shift ;;
			--rounds) ROUNDS=$2; shift ;;
			--processor) PROCESSOR=$2; shift ;;
			--no-build) BUILD=0 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done
}

# prepare: two tenants with events over ten years, one in 200 of three weeks and one in ten
# of whole days, and with series that began in the first years, of six kinds; one occurrence
# in each daily series is moved.
prepare()
{
	super -d $DATABASE <<-SQL
		CREATE EXTENSION casnet;
		CREATE ROLE bench_calendar LOGIN IN ROLE casnet_authenticator;
		INSERT INTO casnet.users (id, username, email) VALUES ('$USER_ID', 'olga', 'olga@example.org');
		INSERT INTO casnet.tenants (id, name) VALUES ('$TENANT', 'North'), ('00000000-0000-7000-8000-0000000000b0', 'South');
		INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('$USER_ID', '$TENANT', 'owner');
		INSERT INTO casnet.calendar_events (tenant_id, title, starts_at, ends_at, all_day, time_zone)
		SELECT t.id, 'Visit ' || n, e.at, e.at + CASE WHEN n % 200 = 0 THEN interval '3 weeks' ELSE interval '1 hour' END, n % 10 = 0, 'Europe/Berlin'
		  FROM casnet.tenants AS t, generate_series(1, $EVENTS) AS n, LATERAL (SELECT timestamptz '2020-01-01' + n * (interval '10 years' / $EVENTS)) AS e (at);
		INSERT INTO casnet.calendar_events (tenant_id, title, starts_at, ends_at, time_zone, recurrence_rule)
		SELECT t.id, 'Meeting ' || n, e.at, e.at + interval '1 hour', 'Europe/Berlin',
			   (ARRAY['FREQ=WEEKLY;BYDAY=MO,WE', 'FREQ=DAILY', 'FREQ=MONTHLY;BYDAY=-1FR', 'FREQ=YEARLY', 'FREQ=WEEKLY;COUNT=300', 'FREQ=WEEKLY;INTERVAL=2;UNTIL=20220101'])[1 + n % 6]
		  FROM casnet.tenants AS t, generate_series(1, $SERIES) AS n, LATERAL (SELECT timestamptz '2020-01-01 09:00' + n * (interval '4 years' / $SERIES)) AS e (at);
		INSERT INTO casnet.calendar_events (tenant_id, title, starts_at, time_zone, series_id, occurrence_at)
		SELECT tenant_id, 'Moved', starts_at + interval '50 hours', time_zone, id, starts_at + interval '48 hours'
		  FROM casnet.calendar_events WHERE recurrence_rule = 'FREQ=DAILY';
		VACUUM ANALYZE casnet.calendar_events;
	SQL
}

# measure LENGTH: the median and range of the times, and the number of occurrences.
measure()
{
	local query="SELECT count(*) FROM casnet.events_between('2025-03-10', timestamptz '2025-03-10' + interval '$1')"

	{
		printf "SET casnet.user_id = '%s';\nSET casnet.tenant_id = '%s';\n%s;\n\\\\timing on\n" $USER_ID $TENANT "$query"
		for ((round = 1; round <= ROUNDS; round++)); do printf '%s;\n' "$query"; done
	} | as_server "$BINDIR/psql" -X -q -At -v ON_ERROR_STOP=1 -U bench_calendar -d $DATABASE > "$WORK/times"
	printf '%-8s %6s occurrences   %s ms\n' "$1" "$(head -n 1 "$WORK/times")" \
		"$(sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$WORK/times" | sort -n |
			awk '{ v[NR] = $1 } END { printf "%.1f (%.1f to %.1f)", v[int((NR + 1) / 2)], v[1], v[NR] }')"
}

main()
{
	local length

	options "$@"
	setup_work
	need_packages demo
	[ "$BUILD" -eq 0 ] || build_and_install ''
	command -v taskset > /dev/null || die 'taskset is missing'
	taskset -cp "$PROCESSOR" $$ > /dev/null
	start_server
	prepare
	say "PostgreSQL $(super -d $DATABASE -At -c 'SHOW server_version'), $EVENTS events and $SERIES series, $ROUNDS rounds"
	for length in '1 day' '1 week' '1 month'; do
		measure "$length"
	done
}

main "$@"
