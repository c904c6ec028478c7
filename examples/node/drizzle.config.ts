import { defineConfig } from 'drizzle-kit'

const { PGHOST, PGPORT, PGDATABASE } = process.env

export default defineConfig({
  dialect: 'postgresql',
  dbCredentials: { url: `postgres://example_owner@${PGHOST}:${PGPORT}/${PGDATABASE}` },
  schema: './drizzle/app.ts',    // not casnet.ts
  schemaFilter: ['app'],         // not casnet
  out: './generated/migrations',
  migrations: { schema: 'app', table: 'migrations' },
})
