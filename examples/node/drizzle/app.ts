/** The application's own tables: only these are drizzle-kit's.  casnet.protect() does the rest. */
import { sql } from 'drizzle-orm'
import { pgSchema, primaryKey, text, uuid } from 'drizzle-orm/pg-core'

export const app = pgSchema('app')
export const notes = app.table('notes', {
  id: uuid().notNull().default(sql`casnet.uuid_v7()`),
  tenantId: uuid('tenant_id').notNull().default(sql`casnet.current_tenant_id()`),
  recordId: uuid('record_id'),
  body: text().notNull(),
}, t => [primaryKey({ name: 'notes_pkey', columns: [t.tenantId, t.id] })])
