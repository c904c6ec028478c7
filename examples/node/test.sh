#!/usr/bin/env bash
# packages: nodejs npm
# suite: trixie
#
# Runs the program as example_backend and example_web, and the tools that write schemas as
# example_owner.
set -euo pipefail

version()
{
	echo "$1 $(node -p "require('./node_modules/$1/package.json').version")"
}

echo "# versions: node $(node -p process.versions.node), $(version pg), $(version kysely)," \
	"$(version drizzle-orm), $(version prisma)"

# `prisma generate` needs no engine, but downloads one first unless it has a path.
export PRISMA_SCHEMA_ENGINE_BINARY=/bin/true
status=0

# try WHAT COMMAND...: the command succeeds.
try()
{
	local what=$1 output

	shift
	if output=$("$@" 2>&1); then
		echo "ok $what"
	else
		printf 'not ok %s\n%s\n' "$what" "${output//$'\n'/$'\n# '}"
		status=1
	fi
}

export DATABASE_URL=postgres://example_backend@$PGHOST:$PGPORT/$PGDATABASE
try 'kysely-codegen and prisma generate, without an identity' npm run generate
try 'the types of all programs' npm run check
npm start --silent || status=1
DATABASE_URL=postgres://example_owner@$PGHOST:$PGPORT/$PGDATABASE npx tsx src/tools.ts || status=1
exit "$status"
