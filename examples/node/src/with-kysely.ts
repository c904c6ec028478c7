/** Kysely, with types that kysely-codegen has written (generated/db.d.ts). */
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import type { DB } from '../generated/db.d.ts'
import type { Cases, Client } from './cases.ts'
import { asCaseError, type CleanPool } from './pool.ts'

export function asUser<T>(db: Kysely<DB>, userId: string, tenant: string,
  work: (tx: Transaction<DB>) => Promise<T>): Promise<T> {
  return db.transaction().execute(async tx => {
    await sql`SELECT set_config('casnet.user_id', ${userId}, true), casnet.use_tenant(${tenant}, true)`.execute(tx)
    return work(tx.withSchema('casnet'))
  }).catch(error => { throw asCaseError(error) })
}

function cases(tx: Transaction<DB>): Cases {
  return {
    newest(count, after) {
      let query = tx.selectFrom('records')
        .select(['id', 'title', sql<string>`created_at::text`.as('createdAt')])
        .orderBy('records.created_at', 'desc').orderBy('id', 'desc').limit(count)
      if (after) {
        query = query.where(eb => eb(eb.refTuple('records.created_at', 'id'), '<',
          eb.tuple(sql<Date>`${after.createdAt}::timestamptz`, after.id)))
      }
      return query.execute()
    },
    async create(title, content, tags) {
      const { id } = await tx.insertInto('records').values({ title, content })
        .returning('id').executeTakeFirstOrThrow()
      await sql`SELECT casnet.tag_record(${id}::uuid, VARIADIC ${tags}::text[])`.execute(tx)
      return id
    },
    async tagsOf(recordId) {
      const rows = await tx.selectFrom('tags')
        .innerJoin('record_tags', join => join
          .onRef('record_tags.tenant_id', '=', 'tags.tenant_id').onRef('record_tags.tag_id', '=', 'tags.id'))
        .where('record_tags.record_id', '=', recordId)
        .select('tags.name').orderBy('tags.name').execute()
      return rows.map(row => row.name)
    },
    async recordsOf(tag) {
      const rows = await tx.selectFrom('records')
        .where('id', 'in', sql<string>`(SELECT casnet.records_tagged(all_of => ${[tag]}))`)
        .select('title').orderBy('title').execute()
      return rows.map(row => row.title)
    },
    async tasksOf(title) {
      const rows = await tx.selectFrom('records')
        .innerJoin('tasks', join => join
          .onRef('tasks.tenant_id', '=', 'records.tenant_id').onRef('tasks.record_id', '=', 'records.id'))
        .where('records.title', '=', title).select('tasks.title').execute()
      return rows.map(row => row.title)
    },
    async ensureTag(name) {
      const { id } = await tx.insertInto('tags').values({ name })
        .onConflict(conflict => conflict.columns(['tenant_id', 'name']).doUpdateSet({ name }))
        .returning('id').executeTakeFirstOrThrow()
      return id
    },
    async search(words) {
      return (await sql<{ title: string, snippet: string }>`
        SELECT title, snippet FROM casnet.search_records(${words})`.execute(tx)).rows
    },
  }
}

export function withKysely(pool: CleanPool): Client {
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
  return {
    name: 'kysely',
    asUser: (userId, tenant, work) => asUser(db, userId, tenant, tx => work(cases(tx))),
    anonymous: () => db.withSchema('casnet').selectFrom('records').select('id').execute()
      .catch(error => { throw asCaseError(error) }),
    forgetful: (userId, tenant) => db.connection().execute(async connection => {
      await sql`SELECT set_config('casnet.user_id', ${userId}, false)`.execute(connection)
      await sql`SELECT casnet.use_tenant(${tenant})`.execute(connection)
    }),
  }
}
