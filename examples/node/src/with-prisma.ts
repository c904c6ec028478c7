/** Prisma, with the models of prisma/schema.prisma and the driver adapter for pg. */
import { PrismaPg } from '@prisma/adapter-pg'
import { Prisma, PrismaClient } from '../generated/prisma/client.ts'
import type { Cases, Client } from './cases.ts'
import { asCaseError, type CleanPool } from './pool.ts'

type Tx = Prisma.TransactionClient

/**
 * Prisma has the error of the server in meta; its own code and message say less.  Of 28000 it
 * makes "P1010: User was denied access on the database", and drops the hint.
 */
function fromPrisma(error: any): unknown {
  const cause = error?.meta?.driverAdapterError?.cause
  if (!cause?.originalCode) return error
  return asCaseError({
    code: cause.originalCode, message: cause.originalMessage, hint: cause.hint ?? 'Sign in again.', cause: error,
  })
}

/** The work gets the id of the tenant, since a unique key of Prisma needs all its columns. */
export function asUser<T>(prisma: PrismaClient, userId: string, tenant: string,
  work: (tx: Tx, tenantId: string) => Promise<T>): Promise<T> {
  return prisma.$transaction(async tx => {
    const [{ id }] = await tx.$queryRaw<{ id: string }[]>`
      SELECT set_config('casnet.user_id', ${userId}, true), casnet.use_tenant(${tenant}, true) AS id`
    return work(tx, id)
  }).catch(error => { throw fromPrisma(error) })
}

function cases(tx: Tx, tenantId: string): Cases {
  return {
    async newest(count, after) {
      const records = await tx.record.findMany({
        select: { id: true, title: true, createdAt: true },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }], take: count,
        // A cursor: a Date has no microseconds, so `createdAt: { lt: ... }` would miss rows.
        ...(after && { cursor: { tenantId_id: { tenantId, id: after.id } }, skip: 1 }),
      })
      return records.map(record => ({ ...record, createdAt: record.createdAt.toISOString() }))
    },
    async create(title, content, names) {
      const { id } = await tx.record.create({ data: { title, content }, select: { id: true } })
      await tx.$queryRaw`SELECT casnet.tag_record(${id}::uuid, VARIADIC ${names}::text[])`
      return id
    },
    async tagsOf(id) {
      const record = await tx.record.findFirstOrThrow({
        where: { id }, select: { tags: { select: { tag: { select: { name: true } } } } },
      })
      return record.tags.map(link => link.tag.name).sort()
    },
    async recordsOf(name) {
      const records = await tx.record.findMany({
        where: { tags: { some: { tag: { name } } } }, select: { title: true }, orderBy: { title: 'asc' },
      })
      return records.map(record => record.title)
    },
    async tasksOf(title) {
      const tasks = await tx.task.findMany({ where: { record: { title } }, select: { title: true } })
      return tasks.map(task => task.title)
    },
    async ensureTag(name) {
      const { id } = await tx.tag.upsert({
        where: { tenantId_name: { tenantId, name } }, create: { tenantId, name }, update: { name }, select: { id: true },
      })
      return id
    },
    search: words => tx.$queryRaw`SELECT title, snippet FROM casnet.search_records(${words})`,
  }
}

export function withPrisma(pool: CleanPool): Client {
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })
  return {
    name: 'prisma',
    asUser: (userId, tenant, work) => asUser(prisma, userId, tenant, (tx, tenantId) => work(cases(tx, tenantId))),
    anonymous: () => prisma.record.findMany({ select: { id: true } }).catch(error => { throw fromPrisma(error) }),
    forgetful: async userId => prisma.$queryRaw`SELECT set_config('casnet.user_id', ${userId}, false)`,
  }
}
