#!/usr/bin/env bash
# Runs the scripts of this folder, and looks at what they print.
set -euo pipefail

echo "# versions: $(psql --version)"

# try WHAT WANTED COMMAND...: the last line that the command prints is WANTED.
try()
{
	local what=$1 wanted=$2 got

	shift 2
	got=$("$@" 2>&1 | tail -n 1) || true
	# shellcheck disable=SC2053  # a pattern
	if [[ $got == $wanted ]]; then
		echo "ok $what"
	else
		printf 'not ok %s\n# wanted %s\n# got    %s\n' "$what" "$wanted" "$got"
	fi
}

export PGUSER=example_backend
ada=$(psql -XAtc "SELECT user_id FROM casnet.find_user('ada')")
eve=$(psql -XAtc "SELECT user_id FROM casnet.find_user('eve')")
try 'nobody is signed in: no rows, an error' '*nobody is signed in*HINT*' \
	bash -c "psql -XAtc 'SELECT count(*) FROM casnet.records' 2>&1 | tr '\n' ' '"
try 'the newest records of the tenant' 'Visit 1' \
	psql -XAt -v user="$ada" -v tenant='Child Services' -f newest.sql
try 'a viewer may not write' '*permission "create_tags" is missing*' \
	bash -c "psql -XAt -v ON_ERROR_STOP=1 -v user=$eve -v tenant='Child Services' -f close.sql 2>&1 | grep ERROR"
try 'records are tagged' 'closed' \
	psql -XAt -v ON_ERROR_STOP=1 -v user="$ada" -v tenant='Child Services' -f close.sql
try 'records of another tenant are not there' 0 psql -XAt -v user="$ada" -v tenant='Child Services' -f - <<-'SQL'
	\set QUIET on
	BEGIN;
	SELECT set_config('casnet.user_id', :'user', true), casnet.use_tenant(:'tenant', true) \g /dev/null
	SELECT count(*) FROM casnet.records WHERE title LIKE 'Secret%';
	COMMIT;
SQL
try 'a script stops where the tenant is refused' '*HINT*' psql -XAt -v user="$ada" -v tenant='Adult Services' -f newest.sql
export CASNET_TOKEN
CASNET_TOKEN=$(psql -XAt -U example_web -c "SELECT casnet.login('ada', 'correct horse battery')")
try 'a search with a token' 'Visit ?|Spoke to both <b>parents</b>.' \
	psql -XAt -U example_web -v tenant='Child Services' -v words='parent*' -f search.sql
CASNET_TOKEN=${CASNET_TOKEN%????}AAAA
try 'a forged token' '*invalid session token*' \
	bash -c "psql -XAt -U example_web -v tenant='Child Services' -v words=x -f search.sql 2>&1 | grep ERROR"
# shellcheck disable=SC2016  # of the inner shells
try 'eve is refused at the statement after the end of her membership' '5*not a member of the active tenant*' \
	bash -c 'psql -XAt -v user="$1" -v ada="$2" -f - 2>&1 | tr "\n" " "' psql "$eve" "$ada" <<-'SQL'
	\set QUIET on
	\setenv ada :ada
	BEGIN;
	SELECT set_config('casnet.user_id', :'user', true), casnet.use_tenant('Child Services', true) \g /dev/null
	SELECT count(*) FROM casnet.records;
	\! psql -XAtq -v user="$ada" -v tenant='Child Services' -v name=eve -f remove.sql
	SELECT count(*) FROM casnet.records;
SQL
export PGOPTIONS
PGOPTIONS="-c casnet.user_id=$ada -c casnet.tenant_id=$(
	PGOPTIONS="-c casnet.user_id=$ada" psql -XAtc "SELECT tenant_id FROM casnet.my_tenants()")"
try 'an identity in the options of the connection' 5 \
	psql -XAtc 'SELECT count(*) FROM casnet.records'
