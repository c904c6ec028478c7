#!/usr/bin/env bash
#
# demo.sh - see casnet work, with one command: two departments on a private
# server, and what each user of them can and cannot do.
#
# A step that does not behave as its caption claims ends the demo with an error.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage()
{
	cat <<-'HELP'
	usage: scripts/demo.sh [--keep] [--help]

	Builds casnet, starts a private throwaway server, loads two departments from
	scripts/data, and shows what casnet does with them. An existing cluster is
	never touched.

	  --keep   leave the server running and print how to reach and to stop it

	As root on Debian, the script installs missing packages; it installs casnet into
	the extension folder of the server that pg_config belongs to.
	PG_MAJOR=15..19 or PG_CONFIG=/path/of/pg_config chooses another server,
	CASNET_OFFLINE=1 installs no package.
	HELP
}

DATABASE=casnet_demo
CHILDREN='Children and Family Services'
ADULTS='Housing and Adult Care'
STEP=0
KEEP_ASKED=0
OUT=''     # what the last query printed

# caption TEXT...: number and text of the next step.
caption()
{
	STEP=$((STEP + 1))
	printf '\n%s\n' "${BOLD}$STEP. $1${PLAIN}"
	shift
	[ $# -eq 0 ] || printf '   %s\n' "$@"
}

# show SQL: print a statement as one would type it.
show()
{
	printf '\n%s\n' "${DIM}$1${PLAIN}"
}

# user_id USERNAME: the id of a user, as the application's backend knows it.
user_id()
{
	super -d "$DATABASE" -At -c "SELECT id FROM casnet.users WHERE username = '$1'"
}

# rows_of TENANT: how many records it has, as the superuser counts them.
rows_of()
{
	super -d "$DATABASE" -At -c "SELECT count(*) FROM casnet.records r
		JOIN casnet.tenants t ON t.id = r.tenant_id WHERE t.name = '$1'"
}

# app USERNAME TENANT SQL: run as demo_app with that user asserted and that
# department active; prints and keeps the output, the status is psql's.
app()
{
	local -a session=()
	local status=0

	[ -z "$1" ] || session+=(-c "SET casnet.user_id = '$(user_id "$1")'")
	[ -z "$2" ] || session+=(-o /dev/null -c "SELECT casnet.use_tenant('$2')")
	OUT=$(as_server env PGUSER=demo_app "$BINDIR/psql" -X -q -v ON_ERROR_STOP=1 \
		-v VERBOSITY=verbose -P pager=off -d "$DATABASE" \
		"${session[@]}" -c '\o' -c "$3" 2>&1) || status=$?
	# where an error arose is of no interest here
	OUT=$(sed -E '/^(LOCATION|SCHEMA NAME|TABLE NAME|CONSTRAINT NAME): /d' <<< "$OUT")
	printf '%s\n' "$OUT"
	return "$status"
}

# wanted PATTERN: the last output must match the pattern, as the caption claims.
wanted()
{
	grep -qE -- "$1" <<< "$OUT" || die "step $STEP did not do what it says" "expected: $1"
}

# refused SQLSTATE USERNAME TENANT SQL: the statement must fail with that SQLSTATE.
refused()
{
	if app "$2" "$3" "$4"; then
		die "step $STEP: this should have been refused"
	fi
	wanted "ERROR:  $1:"
}

# load TABLE: one CSV file; its header is the list of columns.
load()
{
	local file=$COPY/scripts/data/$1.csv

	super -d "$DATABASE" -c \
		"\\copy casnet.$1 ($(head -n 1 "$file")) FROM '$file' CSV HEADER"
	printf '   %-18s %6d rows\n' "$1" \
		"$(super -d "$DATABASE" -At -c "SELECT count(*) FROM casnet.$1")"
}

# set_up: database, extension, application role and data.
set_up()
{
	local table

	super -d postgres -c "CREATE DATABASE $DATABASE"
	say 'CREATE EXTENSION casnet'
	super -d "$DATABASE" -c 'CREATE EXTENSION casnet' \
		-c 'CREATE ROLE demo_app LOGIN' -c 'GRANT casnet_authenticator TO demo_app'
	say 'loading two departments'
	for table in users tenants user_tenants persons records record_persons tags \
		record_tags tasks calendar_events; do
		load "$table"
	done
	super -d "$DATABASE" -c 'VACUUM ANALYZE'
}

# same_query: one statement gives two users two answers.
same_query()
{
	local sql first

	sql="SELECT left(title, 44) AS title, created_at::date AS day, count(*) OVER () AS visible
  FROM casnet.records ORDER BY created_at DESC LIMIT 4;"
	caption 'The same query, as two users' \
		'No WHERE clause names the department: row-level security adds it.'
	show "$sql"
	echo "   Sofia Lindqvist, $CHILDREN:"
	app sofia.lindqvist "$CHILDREN" "$sql"
	wanted "\| +$(rows_of "$CHILDREN")\$"
	first=$OUT
	echo "   Dan Fletcher, $ADULTS:"
	app dan.fletcher "$ADULTS" "$sql"
	wanted "\| +$(rows_of "$ADULTS")\$"
	[ "$first" != "$OUT" ] || die "step $STEP: both users see the same rows"
}

# who_am_i: what the session knows about itself.
who_am_i()
{
	local sql='SELECT username, tenant_name, role, authenticated_by FROM casnet.whoami();'

	caption 'Who am I?' 'Miriam Cohen works for both departments, with a role in each.'
	show "$sql"
	app miriam.cohen "$CHILDREN" "$sql"
	wanted 'miriam.cohen .*Children.* member '
	app miriam.cohen "$ADULTS" "$sql"
	wanted 'miriam.cohen .*Housing.* viewer '
}

# cross_tenant: reading, writing and pointing at the other department.
cross_tenant()
{
	local sql foreign tenant title

	foreign=$(super -d "$DATABASE" -At -c "SELECT r.id FROM casnet.records r
		JOIN casnet.tenants t ON t.id = r.tenant_id WHERE t.name = '$ADULTS'
		ORDER BY r.id LIMIT 1")
	tenant=$(super -d "$DATABASE" -At -c "SELECT id FROM casnet.tenants WHERE name = '$ADULTS'")
	caption 'Across the border' \
		"Sofia belongs to $CHILDREN only. She knows the id of a record" \
		'of the other department, and tries to reach it in five ways.'

	sql="SELECT title FROM casnet.records WHERE id = '$foreign';"
	show "$sql"
	app sofia.lindqvist "$CHILDREN" "$sql"
	wanted '^\(0 rows\)$'

	sql="UPDATE casnet.records SET title = 'mine' WHERE id = '$foreign' RETURNING id;"
	show "$sql"
	app sofia.lindqvist "$CHILDREN" "$sql"
	wanted '^\(0 rows\)$'

	sql="INSERT INTO casnet.records (tenant_id, title) VALUES ('$tenant', 'planted');"
	show "$sql"
	refused 42501 sofia.lindqvist "$CHILDREN" "$sql"

	sql="INSERT INTO casnet.tasks (title, record_id) VALUES ('Follow up', '$foreign');"
	show "$sql"
	refused 23503 sofia.lindqvist "$CHILDREN" "$sql"

	sql="SET casnet.tenant_id = '$tenant'; SELECT title FROM casnet.records;"
	show "$sql"
	refused 42501 sofia.lindqvist '' "$sql"

	title=$(super -d "$DATABASE" -At -c "SELECT title FROM casnet.records WHERE id = '$foreign'")
	[ "$title" != mine ] || die "step $STEP: a foreign record was changed"
}

# no_session: an empty result would look like an answer, so casnet raises an error.
no_session()
{
	local sql='SELECT count(*) FROM casnet.persons;'

	caption 'Nobody signed in, or too little permission' \
		'An empty result would look like an answer; casnet refuses instead.'
	show "$sql"
	refused 28000 '' '' "$sql"
	sql="INSERT INTO casnet.records (title, content) VALUES ('Note', 'by a viewer');"
	echo "   George Katsaros is a viewer of $ADULTS:"
	show "$sql"
	refused 42501 george.katsaros "$ADULTS" "$sql"
}

# ask_held SQL: send a statement to the session that is held open, and collect its
# answer up to a mark.
ask_held()
{
	local line

	printf '%s\n\\echo casnet-mark\n' "$1" >&"${HELD[1]}"
	OUT=''
	while IFS= read -r -t 30 line <&"${HELD[0]}"; do
		[ "$line" != casnet-mark ] || break
		case $line in LOCATION:*) continue ;; esac
		OUT+=${OUT:+$'\n'}$line
	done
	[ "${line:-}" = casnet-mark ] || die "step $STEP: the open session does not answer"
}

# revocation: a session stays open while somebody else takes a right away.
revocation()
{
	local sql='SELECT count(*) AS records FROM casnet.records;' id all

	id=$(user_id tom.hesketh)
	all=$(rows_of "$CHILDREN")
	caption 'A revocation takes effect in a session that is already open' \
		'Tom Hesketh keeps one connection open. In another one, the owner of his' \
		'department removes him, and nobody notifies his session.'
	coproc HELD {
		as_server env PGUSER=demo_app "$BINDIR/psql" -X -q -v VERBOSITY=verbose \
			-P pager=off -d "$DATABASE" 2>&1
	}
	ask_held "SET casnet.user_id = '$id'; SELECT casnet.use_tenant('$CHILDREN') \\g /dev/null"
	show "$sql"
	ask_held "$sql"
	printf '%s\n' "   Tom:" "$OUT"
	wanted "^ +$all\$"
	echo "   Helen Ashdown, owner, in a session of her own:"
	show "SELECT casnet.remove_member('tom.hesketh');"
	app helen.ashdown "$CHILDREN" "SELECT casnet.remove_member('tom.hesketh')" > /dev/null ||
		die "step $STEP: $OUT"
	echo "   Tom, on the same connection as before:"
	show "$sql"
	ask_held "$sql"
	printf '%s\n' "$OUT"
	wanted '^ERROR:  42501:'
	app helen.ashdown "$CHILDREN" "SELECT casnet.add_member('tom.hesketh')" > /dev/null ||
		die "step $STEP: $OUT"
	echo "   Helen adds him again, and Tom can read again:"
	ask_held "$sql"
	printf '%s\n' "$OUT"
	wanted "^ +$all\$"
	printf '\\q\n' >&"${HELD[1]}"
	wait "${HELD_PID:-}" 2>/dev/null || true
}

# plan: what the planner makes of a query under the policies.
plan()
{
	local sql='EXPLAIN (COSTS OFF)
SELECT id, title FROM casnet.records ORDER BY created_at DESC LIMIT 20;'

	caption 'The plan of a tenant query' \
		'The policy is one comparison without a subquery, so the index returns the' \
		'newest page: no sort, and no rows of others are read and thrown away.'
	show "$sql"
	app ravi.menon "$CHILDREN" "$sql"
	wanted 'Index.* Scan'
	wanted 'Index Cond.*tenant_with'
	! grep -q Sort <<< "$OUT" || die "step $STEP: the plan sorts"
}

# about_whom: the persons in a record, and the records about a person.
about_whom()
{
	local sql="SELECT p.name, p.relation, left(r.title, 40) AS title
  FROM (SELECT * FROM casnet.records ORDER BY created_at DESC LIMIT 3) AS r,
       casnet.persons_of(r.id) AS p;"

	caption 'Who a case is about' 'A record is about persons, each in some relation to it.'
	show "$sql"
	app ravi.menon "$CHILDREN" "$sql"
	wanted '\| subject +\|'
	sql="SELECT o.relation, count(*) AS records
  FROM casnet.search_persons('a', 3) AS p, casnet.records_of(p.person_id) AS o
 GROUP BY o.relation;"
	echo '   And the records about some persons:'
	show "$sql"
	app ravi.menon "$CHILDREN" "$sql"
	wanted '\| +[1-9][0-9]*$'
}

# tagged_search: tags and text together.
tagged_search()
{
	local sql="SELECT title, snippet FROM casnet.search_records('damp mould -school', 3);"

	caption 'Search' "What $CHILDREN wrote about damp and mould, but not school, best first."
	show "$sql"
	app caitlin.byrne "$CHILDREN" "$sql"
	wanted '<b>(damp|mould|Damp|Mould)</b>'
	sql="SELECT created_at::date AS day, left(title, 50) AS title FROM casnet.records
 WHERE search_vector OPERATOR(casnet.@~) 'damp or mould'
   AND id IN (SELECT casnet.records_tagged(all_of => '{home visit}'))
 ORDER BY created_at DESC LIMIT 4;"
	echo '   The newest home visits among them:'
	show "$sql"
	app caitlin.byrne "$CHILDREN" "$sql"
	wanted '\| '
	echo '   The server uses the index below the policy, which it does not do for @@:'
	show "EXPLAIN (COSTS OFF) ..."
	app caitlin.byrne "$CHILDREN" "EXPLAIN (COSTS OFF) $sql"
	wanted 'Bitmap Index Scan on records_tenant_id_search_vector_idx'
	sql="SELECT * FROM casnet.tag_counts() LIMIT 5;"
	echo "   The commonest tags of $ADULTS:"
	show "$sql"
	app louise.mbeki "$ADULTS" "$sql"
	wanted '\| +[1-9][0-9]*$'
}

# bulk: load a file as a member, and copy a whole tenant elsewhere.
bulk()
{
	local sql rows

	caption 'Bulk load, export, import' \
		'PostgreSQL refuses COPY below policies, so Sofia loads a file through a view.' \
		'Its last line is bad, and the error says so.'
	printf 'title,content\nVisit,"Nobody at home"\n,\n' > "$WORK/tmp/bad.csv"
	printf 'title,content\nVisit,"Nobody at home"\nCall,\n' > "$WORK/tmp/good.csv"
	own "$WORK/tmp"
	sql="\\copy casnet.records_load (title, content) FROM '$WORK/tmp/bad.csv' (FORMAT csv, HEADER MATCH)"
	show "$sql"
	refused 23502 sofia.lindqvist "$CHILDREN" "$sql"
	wanted 'COPY records_load, line 3'
	sql="\\copy casnet.records_load (title, content) FROM '$WORK/tmp/good.csv' (FORMAT csv, HEADER MATCH)"
	show "$sql"
	app sofia.lindqvist "$CHILDREN" "$sql"

	rows=$(rows_of "$CHILDREN")
	sql="CREATE TEMP TABLE documents (document jsonb);
INSERT INTO documents SELECT casnet.export_tenant();
SELECT casnet.import_tenant('documents', 'A copy') AS tenant_id;
SELECT casnet.use_tenant('A copy');
SELECT count(*) AS records FROM casnet.records;
SELECT casnet.delete_tenant(casnet.current_tenant_id()) AS deleted_rows;"
	echo "   Helen, the owner, makes a copy of $CHILDREN, and deletes it again:"
	show "$sql"
	app helen.ashdown "$CHILDREN" "$sql"
	wanted "^ +$rows\$"
}

# own_table: a table of the application, protected by one call.
own_table()
{
	local sql

	caption 'A table of your own' \
		'casnet.protect() gives it what the other tables have: tenant, policies, permissions.'
	sql="CREATE TABLE public.allowances (
  tenant_id uuid, id uuid DEFAULT casnet.uuid_v7(), amount numeric, note text,
  PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('public.allowances') AS left_to_do;"
	show "$sql"
	super -d "$DATABASE" -c "$sql" > /dev/null || die "step $STEP: protect() failed"
	sql="INSERT INTO public.allowances (amount, note) VALUES (45.50, 'school shoes') RETURNING amount;"
	echo "   Sofia, $CHILDREN:"
	show "$sql"
	app sofia.lindqvist "$CHILDREN" "$sql"
	wanted '45.50'
	sql='SELECT count(*) AS allowances FROM public.allowances;'
	echo "   Dan, $ADULTS, sees none of it; a viewer may not add one:"
	show "$sql"
	app dan.fletcher "$ADULTS" "$sql"
	wanted '^ +0$'
	refused 42501 george.katsaros "$ADULTS" 'INSERT INTO public.allowances (amount) VALUES (1)'
}

# audit_trail: who changed what, and who may see that.
audit_trail()
{
	local sql

	caption 'Who did what' 'With the audit on, each change leaves an entry that nobody can change.'
	sql="SELECT casnet.enable_audit('public.allowances');"
	show "$sql"
	super -d "$DATABASE" -c "$sql" > /dev/null || die "step $STEP: enable_audit() failed"
	sql='UPDATE public.allowances SET amount = 54.50;'
	echo '   Sofia corrects the amount, and Helen, the owner, reads the log:'
	show "$sql"
	app sofia.lindqvist "$CHILDREN" "$sql"
	sql='SELECT username, relation, action, before, after FROM casnet.audit_log();'
	show "$sql"
	app helen.ashdown "$CHILDREN" "$sql"
	wanted 'sofia.lindqvist .*UPDATE .*45.50.*54.50'
	echo '   The log of the other department does not have it, and Sofia, a member, may read no log:'
	app peter.stannard "$ADULTS" 'SELECT count(*) FROM casnet.audit_log();'
	wanted '^ +0$'
	refused 42501 sofia.lindqvist "$CHILDREN" "$sql"
}

# check_up: what is unsafe in this database, before and after a mistake.
check_up()
{
	local sql="SELECT severity, code, object, remedy FROM casnet.doctor() WHERE severity <> 'notice';"

	caption 'The doctor' 'Is anything unsafe here? Nothing is:'
	show "$sql"
	OUT=$(super -d "$DATABASE" -P pager=off -c "$sql")
	printf '%s\n' "$OUT"
	wanted '^\(0 rows\)$'
	echo '   Somebody grants more than they should, and the doctor says how to fix it:'
	show 'GRANT TRUNCATE ON casnet.records TO casnet_user;'
	super -d "$DATABASE" -c 'GRANT TRUNCATE ON casnet.records TO casnet_user'
	OUT=$(super -d "$DATABASE" -P pager=off -c "$sql")
	printf '%s\n' "$OUT"
	wanted 'error +\| grant-unpoliced .*REVOKE TRUNCATE'
	super -d "$DATABASE" -At -c "SELECT remedy FROM casnet.doctor() WHERE code = 'grant-unpoliced'" > "$WORK/remedy.sql"
	super -d "$DATABASE" -f "$WORK/remedy.sql"
	OUT=$(super -d "$DATABASE" -P pager=off -c "$sql")
	wanted '^\(0 rows\)$'
	echo '   Pasting the remedy fixed it.'
}

# keep_running: how to reach the server and how to remove it.
keep_running()
{
	local as='' psql

	KEEP_WORK=1
	is_root && as="runuser -u $SERVER_USER -- "
	psql="${as}$BINDIR/psql -h $WORK/sock -U demo_app $DATABASE"
	caption 'Your turn' 'The server keeps running. Open psql on it with'
	printf '%s\n' "$psql" ''
	echo '   and sign in, for example as Sofia Lindqvist, with'
	printf '%s\n' "SET casnet.user_id = '$(user_id sofia.lindqvist)';" \
		"SELECT casnet.use_tenant('$CHILDREN');" ''
	echo '   Stop it, and remove every trace, with'
	printf '%s\n' "${as}$BINDIR/pg_ctl -D $SERVER_DATA -m fast stop && rm -rf $WORK"
}

main()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--keep) KEEP_ASKED=1 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done

	setup_work
	need_packages demo
	build_and_install ""
	start_server
	set_up
	same_query
	who_am_i
	cross_tenant
	no_session
	revocation
	plan
	about_whom
	tagged_search
	bulk
	own_table
	audit_trail
	check_up
	if [ "$KEEP_ASKED" -eq 1 ]; then
		keep_running
	else
		caption 'Your turn' 'The script removes the server now. To keep it and open psql on it, run'
		echo 'scripts/demo.sh --keep'
	fi
}

main "$@"
