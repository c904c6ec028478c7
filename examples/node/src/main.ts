/** The scenario, run by each client. */
import { strict as assert } from 'node:assert'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import * as schema from '../drizzle/casnet.ts'
import type { Cases, Client, Item } from './cases.ts'
import { check } from './check.ts'
import { CaseError, CleanPool, SIGN_IN } from './pool.ts'
import { withDrizzle } from './with-drizzle.ts'
import { withKysely } from './with-kysely.ts'
import { asToken, asUser, withPg } from './with-pg.ts'
import { withPrisma } from './with-prisma.ts'

const CHILD = 'Child Services'

/** The error that the application shows. */
async function refused(work: Promise<unknown>, kind: CaseError['kind'], message: RegExp) {
  const error = await work.then(() => assert.fail('nothing was refused'), e => e)
  assert(error instanceof CaseError, error)
  assert.equal(error.kind, kind)
  assert.match(error.message, message)
  assert(error.hint, 'no hint')
}

async function scenario(client: Client, admin: CleanPool, ada: string, eve: string) {
  const mine = (what: string, test: () => Promise<unknown>) => check(`${client.name}: ${what}`, test)
  const asAda = (work: (cases: Cases) => Promise<unknown>) => client.asUser(ada, CHILD, work)
  const title = `Report by ${client.name}`

  await mine('nobody is signed in: no rows, an error with a hint', () =>
    refused(client.anonymous(), 'sign in', /nobody is signed in/))
  await mine('records of the tenant, page by page, and none of another', () => asAda(async cases => {
    const all: Item[] = []
    for (let page = await cases.newest(2); page.length; page = await cases.newest(2, all.at(-1))) all.push(...page)
    assert.equal(new Set(all.map(item => item.id)).size, all.length)
    assert.deepEqual(all.map(item => item.title).filter(t => t.startsWith('Visit')),
      [5, 4, 3, 2, 1].map(n => `Visit ${n}`))
    assert(!all.some(item => item.title.includes('Secret')))
  }))
  await mine('a record with tags, and its relations both ways', () => asAda(async cases => {
    const id = await cases.create(title, `Parents met ${client.name}.`, ['report', client.name])
    assert.deepEqual(await cases.tagsOf(id), [client.name, 'report'].sort())
    assert.deepEqual(await cases.recordsOf(client.name), [title])
    assert.deepEqual(await cases.recordsOf('urgent'), ['Visit 5'])
    assert.deepEqual(await cases.tasksOf('Visit 1'), ['Call the school'])
  }))
  await mine('a tag is made once', () => asAda(async cases =>
    assert.equal(await cases.ensureTag('once'), await cases.ensureTag('once'))))
  await mine('search with snippets', () => asAda(async cases =>
    assert.deepEqual(await cases.search(`"met ${client.name}"`),
      [{ title, snippet: `Parents <b>met</b> <b>${client.name}</b>.` }])))
  await mine('a viewer may read and not write', async () => {
    await client.asUser(eve, CHILD, async cases => assert.equal((await cases.newest(1)).length, 1))
    await refused(client.asUser(eve, CHILD, cases => cases.create('x', 'y', [])),
      'not allowed', /permission "create_records" is missing/)
  })
  await mine('another tenant is refused', () =>
    refused(client.asUser(ada, 'Adult Services', cases => cases.newest(1)), 'invalid', /not a member of it/))
  await mine('no identity is left in the pool, also after a mistake', async () => {
    await client.forgetful(ada, CHILD)
    await refused(client.anonymous(), 'sign in', /nobody is signed in/)
  })
  await mine('a membership that ends is gone at the next statement', async () => {
    try {
      await refused(client.asUser(eve, CHILD, async cases => {
        assert.equal((await cases.newest(1)).length, 1)
        await asUser(admin, ada, CHILD, db => db.query(`SELECT casnet.remove_member('eve')`))
        await cases.newest(1)
      }), 'not allowed', /not a member of the active tenant/)
    } finally {
      await asUser(admin, ada, CHILD, db => db.query(`SELECT casnet.add_member('eve', 'viewer')`))
    }
  })
}

const pool = new CleanPool({ user: 'example_backend', max: 1 })    // max 1: any mistake would be met again
const admin = new CleanPool({ user: 'example_backend', max: 3 })
const find = async (name: string) =>
  (await admin.query('SELECT user_id FROM casnet.find_user($1)', [name])).rows[0].user_id
const [ada, eve] = [await find('ada'), await find('eve')]

for (const make of [withPg, withKysely, withDrizzle, withPrisma]) {
  await scenario(make(pool), admin, ada, eve)
}

await check('pg: a transaction that the code forgot is rolled back', async () => {
  const db = await pool.connect()
  await db.query('BEGIN')
  await db.query(SIGN_IN, [ada, CHILD])
  await db.query(`INSERT INTO casnet.tags (name) VALUES ('forgotten')`)
  db.release()
  const { rows } = await asUser(pool, ada, CHILD, tx => tx.query(`SELECT FROM casnet.tags WHERE name = 'forgotten'`))
  assert.equal(rows.length, 0)
})
await check('pg: a token instead of the name of the user', async () => {
  const web = new CleanPool({ user: 'example_web' })
  const [{ token }] = (await web.query(`SELECT casnet.login('eve', 'correct horse battery') AS token`)).rows
  const { rows } = await asToken(web, token, CHILD, db => db.query('SELECT username, role FROM casnet.whoami()'))
  assert.deepEqual(rows, [{ username: 'eve', role: 'viewer' }])
  await asToken(web, token, CHILD, db => db.query('SELECT casnet.revoke_token()'))
  await refused(asToken(web, token, CHILD, db => db.query('SELECT 1')), 'sign in', /invalid session token/)
  await web.end()
})
await check('drizzle: its tables have the columns of casnet', async () => {
  const { rows } = await admin.query(`
    SELECT table_name, array_agg(column_name::text ORDER BY column_name::text COLLATE "C") AS columns
      FROM information_schema.columns
     WHERE table_schema = 'casnet' AND column_name NOT IN ('search_vector', 'hashed_password')
       AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'casnet')
     GROUP BY table_name ORDER BY table_name COLLATE "C"`)
  const tables = Object.values(schema as Record<string, unknown>).filter(t => t instanceof PgTable)
    .map(table => getTableConfig(table))
    .map(({ name, columns }) => ({ table_name: name, columns: columns.map(column => column.name).sort() }))
  assert.deepEqual(tables.sort((a, b) => a.table_name < b.table_name ? -1 : 1), rows)
})
await pool.end()
await admin.end()
