#!/usr/bin/env bash
# Runs the migration as the owner of schema app, then models and requests as applications.
# packages: ruby ruby-pg ruby-activerecord ruby-actionpack ruby-railties rake postgresql-client
# suite: trixie
set -euo pipefail

export RAILS_ENV=production
echo "# versions: $(ruby -e 'require "rails"; require "pg"
puts "Ruby #{RUBY_VERSION}, Rails #{Rails.version}, pg #{PG::VERSION}"')"

# check WHAT COMMAND...: ok if the command succeeds.
check()
{
	local what=$1

	shift
	if "$@"; then echo "ok $what"; else echo "not ok $what"; fi
}

definitions()
{
	psql -XAtq -U example_owner -c "SELECT relname, relrowsecurity, relforcerowsecurity, (SELECT count(*)
		FROM pg_policy WHERE polrelid = c.oid) FROM pg_class AS c
		WHERE relnamespace = 'casnet'::regnamespace ORDER BY 1"
}

before=$(definitions)
check 'migrations run as the owner of schema app' env PGUSER=example_owner VERBOSE=false rake -s db:migrate
check 'structure.sql has the table of the application with its policies' \
	grep -q 'CREATE POLICY .* ON app.notes' db/structure.sql
check 'and no table of casnet' bash -c '! grep -E "(TABLE|INDEX|POLICY|TRIGGER).* casnet\.[a-z_]+( \(|;|$)" db/structure.sql'
check 'the tables of casnet are as before' [ "$before" = "$(definitions)" ]
PGUSER=example_backend ruby models.rb
PGUSER=example_web ruby requests.rb
