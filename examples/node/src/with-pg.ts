/** node-postgres (pg). */
import type { PoolClient } from 'pg'
import type { Cases, Client, Item } from './cases.ts'
import { asCaseError, SIGN_IN, type CleanPool } from './pool.ts'

export async function asUser<T>(pool: CleanPool, userId: string, tenant: string,
  work: (db: PoolClient) => Promise<T>): Promise<T> {
  const db = await pool.connect()
  try {
    await db.query('BEGIN')
    await db.query(SIGN_IN, [userId, tenant])
    const result = await work(db)
    await db.query('COMMIT')
    return result
  } catch (error) {
    throw asCaseError(error)
  } finally {
    db.release()    // what is still open is rolled back by the pool
  }
}

/** The same for an application that passes on a token: it needs no casnet_authenticator. */
export async function asToken<T>(pool: CleanPool, token: string, tenant: string,
  work: (db: PoolClient) => Promise<T>): Promise<T> {
  const db = await pool.connect()
  try {
    await db.query('BEGIN')
    await db.query('SELECT casnet.sign_in($1, true)', [token])
    await db.query('SELECT casnet.use_tenant($1, true)', [tenant])
    const result = await work(db)
    await db.query('COMMIT')
    return result
  } catch (error) {
    throw asCaseError(error)
  } finally {
    db.release()
  }
}

function cases(db: PoolClient): Cases {
  const values = async (sql: string, parameters: unknown[]) =>
    (await db.query({ text: sql, values: parameters, rowMode: 'array' })).rows.map(row => row[0])

  return {
    // A Date has no microseconds, so a page that begins after one would miss rows: text.
    async newest(count, after) {
      const { rows } = await db.query<Item>(
        `SELECT id, title, created_at::text AS "createdAt" FROM casnet.records
          WHERE $2::timestamptz IS NULL OR (created_at, id) < ($2::timestamptz, $3::uuid)
          ORDER BY records.created_at DESC, id DESC LIMIT $1`, [count, after?.createdAt, after?.id])
      return rows
    },
    async create(title, content, tags) {
      const [id] = await values(
        'INSERT INTO casnet.records (title, content) VALUES ($1, $2) RETURNING id', [title, content])
      await db.query('SELECT casnet.tag_record($1::uuid, VARIADIC $2::text[])', [id, tags])
      return id
    },
    tagsOf: recordId => values('SELECT unnest(casnet.tags_of($1::uuid))', [recordId]),
    recordsOf: tag => values(
      `SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(all_of => $1))
        ORDER BY title`, [[tag]]),
    tasksOf: title => values(
      `SELECT t.title FROM casnet.records AS r
         JOIN casnet.tasks AS t ON t.tenant_id = r.tenant_id AND t.record_id = r.id
        WHERE r.title = $1`, [title]),
    async ensureTag(name) {
      const [id] = await values(
        `INSERT INTO casnet.tags (name) VALUES ($1)
             ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name RETURNING id`, [name])
      return id
    },
    async search(words) {
      return (await db.query('SELECT title, snippet FROM casnet.search_records($1)', [words])).rows
    },
  }
}

export const withPg = (pool: CleanPool): Client => ({
  name: 'pg',
  asUser: (userId, tenant, work) => asUser(pool, userId, tenant, db => work(cases(db))),
  anonymous: () => pool.query('SELECT id FROM casnet.records').catch(error => { throw asCaseError(error) }),
  async forgetful(userId, tenant) {
    const db = await pool.connect()
    await db.query(`SELECT set_config('casnet.user_id', $1, false)`, [userId])
    await db.query('SELECT casnet.use_tenant($1)', [tenant])
    db.release()
  },
})
