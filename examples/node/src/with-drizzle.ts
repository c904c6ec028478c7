/** Drizzle, with the tables of drizzle/casnet.ts. */
import { desc, eq, sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import * as schema from '../drizzle/casnet.ts'
import type { Cases, Client } from './cases.ts'
import { asCaseError, type CleanPool } from './pool.ts'

type Db = NodePgDatabase<typeof schema>
type Tx = Parameters<Parameters<Db['transaction']>[0]>[0]
const { records, tags } = schema

export function asUser<T>(db: Db, userId: string, tenant: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction(async tx => {
    await tx.execute(sql`SELECT set_config('casnet.user_id', ${userId}, true), casnet.use_tenant(${tenant}, true)`)
    return work(tx)
  }).catch(error => { throw asCaseError(error) })
}

function cases(tx: Tx): Cases {
  return {
    newest: (count, after) => tx.select({ id: records.id, title: records.title, createdAt: records.createdAt })
      .from(records)
      .where(after && sql`(${records.createdAt}, ${records.id}) < (${after.createdAt}::timestamptz, ${after.id}::uuid)`)
      .orderBy(desc(records.createdAt), desc(records.id)).limit(count),
    async create(title, content, names) {
      const [{ id }] = await tx.insert(records).values({ title, content }).returning({ id: records.id })
      await tx.execute(sql`SELECT casnet.tag_record(${id}::uuid, VARIADIC ${sql.param(names)}::text[])`)
      return id
    },
    async tagsOf(recordId) {
      const record = await tx.query.records.findFirst({
        where: eq(records.id, recordId), columns: {},
        with: { tags: { columns: {}, with: { tag: { columns: { name: true } } } } },
      })
      return record!.tags.map(link => link.tag.name).sort()
    },
    async recordsOf(name) {
      const tag = await tx.query.tags.findFirst({
        where: eq(tags.name, name), columns: {},
        with: { records: { columns: {}, with: { record: { columns: { title: true } } } } },
      })
      return tag!.records.map(link => link.record.title).sort()
    },
    async tasksOf(title) {
      const record = await tx.query.records.findFirst({
        where: eq(records.title, title), columns: {}, with: { tasks: { columns: { title: true } } },
      })
      return record!.tasks.map(task => task.title)
    },
    async ensureTag(name) {
      const [{ id }] = await tx.insert(tags).values({ name })
        .onConflictDoUpdate({ target: [tags.tenantId, tags.name], set: { name } }).returning({ id: tags.id })
      return id
    },
    async search(words) {
      return (await tx.execute<{ title: string, snippet: string }>(
        sql`SELECT title, snippet FROM casnet.search_records(${words})`)).rows
    },
  }
}

export function withDrizzle(pool: CleanPool): Client {
  const db = drizzle({ client: pool, schema })
  return {
    name: 'drizzle',
    asUser: (userId, tenant, work) => asUser(db, userId, tenant, tx => work(cases(tx))),
    anonymous: () => db.select({ id: records.id }).from(records).execute()
      .catch(error => { throw asCaseError(error) }),
    // Each statement outside of a transaction takes a connection of its own.
    forgetful: async userId => db.execute(sql`SELECT set_config('casnet.user_id', ${userId}, false)`),
  }
}
