#!/usr/bin/env bash
# packages: nodejs npm postgresql-client
# suite: forky
#
# Makes the schema of the application as its owner, starts the server, which connects as
# example_web, and asks it by HTTP.
set -euo pipefail

echo "# versions: node $(node -p process.versions.node)," \
	"postgraphile $(node -p "require('./node_modules/postgraphile/package.json').version")"
psql -XqU example_owner -v ON_ERROR_STOP=1 -f app.sql
GRAPHILE_ENV=production exec node test.js
