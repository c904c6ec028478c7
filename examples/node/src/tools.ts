/** The tools that write schemas change a table of the application, and nothing of casnet's. */
import { strict as assert } from 'node:assert'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { check } from './check.ts'

const run = async (command: string) => (await promisify(execFile)('sh', ['-c', `${command} 2>&1`])).stdout
const owner = new pg.Client({ user: 'example_owner' })
await owner.connect()

/** Columns, keys, policies, triggers and switches of all tables of casnet. */
const state = async () => (await owner.query(`
  SELECT c.oid::regclass::text, c.relrowsecurity, c.relforcerowsecurity,
         array(SELECT (attname, atttypid, attnotnull) FROM pg_attribute WHERE attrelid = c.oid ORDER BY attnum)::text,
         array(SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = c.oid ORDER BY oid)::text,
         array(SELECT indexrelid FROM pg_index WHERE indrelid = c.oid ORDER BY indexrelid)::text,
         array(SELECT (polname, pg_get_expr(polqual, polrelid)) FROM pg_policy WHERE polrelid = c.oid ORDER BY oid)::text,
         array(SELECT (tgname, tgenabled) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal ORDER BY oid)::text
    FROM pg_class AS c WHERE relnamespace = 'casnet'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1`)).rows
const before = await state()
const untouched = async () => assert.deepEqual(await state(), before)

await check('drizzle-kit: a migration names only the table of the application', async () => {
  await run('npx drizzle-kit generate --name notes')
  const [file] = (await readdir('generated/migrations')).filter(name => name.endsWith('.sql'))
  const sql = await readFile(`generated/migrations/${file}`, 'utf8')
  assert.match(sql, /CREATE TABLE "app"."notes"/)
  assert.doesNotMatch(sql, /"casnet"|DROP|ALTER/)
})
await check('drizzle-kit push: makes that table, and changes nothing of casnet', async () => {
  const output = await run('npx drizzle-kit push --verbose')
  assert.match(output, /CREATE TABLE "app"."notes"/)
  assert.doesNotMatch(output, /"casnet"|DROP|ALTER/)
  await untouched()
})
await check('protect() does what is left to do', async () => {
  const { rows } = await owner.query(`SELECT unnest(casnet.protect('app.notes')) AS todo`)
  assert.deepEqual(rows, [])
})
await check('drizzle-kit: there is no further migration', async () =>
  assert.match(await run('npx drizzle-kit generate'), /No schema changes/))
await check('prisma migrate diff: an empty migration, for casnet and for the protected table', async () =>
  assert.match(await run('npx tsx prisma/diff.ts'), /This is an empty migration/))
await check('prisma migrate diff without tables.external: it would alter casnet', async () =>
  assert.match(await run('npx tsx prisma/diff.ts --all'), /ALTER TABLE "casnet"."users" DROP COLUMN "hashed_password"/))
await check('nothing of casnet has changed', untouched)
await owner.end()
