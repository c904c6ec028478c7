/**
 * The tables of casnet for Drizzle.  Not in this file are foreign keys, checks, policies and
 * indexes, which are the extension's, and two columns: records.search_vector (generated) and
 * users.hashed_password (it holds a mark; passwords have functions).
 */
import { relations, sql } from 'drizzle-orm'
import { boolean, date, jsonb, pgSchema, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'

export const casnet = pgSchema('casnet')

// Text, not Date: a Date has no microseconds, so that pages would miss rows.
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' })
const id = () => uuid().notNull().default(sql`casnet.uuid_v7()`)
const tenantId = () => uuid('tenant_id').notNull().default(sql`casnet.current_tenant_id()`)
const times = () => ({ createdAt: time('created_at').notNull().defaultNow(), updatedAt: time('updated_at').notNull().defaultNow() })
const ofTenant = (t: any) => [primaryKey({ columns: [t.tenantId, t.id] })]

export const users = casnet.table('users', {
  id: id().primaryKey(), username: text().notNull(), email: text().notNull(), fullName: text('full_name'),
  isActive: boolean('is_active').notNull().default(true), isSuperuser: boolean('is_superuser').notNull().default(false),
  ...times(),
})
export const tenants = casnet.table('tenants', {
  id: id().primaryKey(), name: text().notNull(), description: text(), ...times(),
})
export const roles = casnet.table('roles', { name: text().primaryKey(), description: text(), ...times() })
export const rolePermissions = casnet.table('role_permissions', {
  role: text().notNull(), permission: text().notNull(), ...times(),
}, t => [primaryKey({ columns: [t.role, t.permission] })])
export const userTenants = casnet.table('user_tenants', {
  userId: uuid('user_id').notNull(), tenantId: tenantId(), role: text().notNull().default('member'), ...times(),
}, t => [primaryKey({ columns: [t.userId, t.tenantId] })])
export const userTenantPermissions = casnet.table('user_tenant_permissions', {
  userId: uuid('user_id').notNull(), tenantId: tenantId(), permission: text().notNull(), ...times(),
}, t => [primaryKey({ columns: [t.userId, t.tenantId, t.permission] })])
export const persons = casnet.table('persons', {
  id: id(), tenantId: tenantId(), name: text().notNull(), dateOfBirth: date('date_of_birth'),
  gender: text({ enum: ['MALE', 'FEMALE', 'OTHER'] }), contactInfo: jsonb('contact_info').notNull().default({}), ...times(),
}, ofTenant)
export const records = casnet.table('records', {
  id: id(), tenantId: tenantId(), title: text().notNull(), content: text().notNull().default(''), ...times(),
}, ofTenant)
export const recordPersons = casnet.table('record_persons', {
  recordId: uuid('record_id').notNull(), personId: uuid('person_id').notNull(), tenantId: tenantId(),
  relation: text().notNull().default('subject'), ...times(),
}, t => [primaryKey({ columns: [t.tenantId, t.recordId, t.personId] })])
export const tags = casnet.table('tags', { id: id(), tenantId: tenantId(), name: text().notNull(), ...times() }, ofTenant)
export const recordTags = casnet.table('record_tags', {
  recordId: uuid('record_id').notNull(), tagId: uuid('tag_id').notNull(), tenantId: tenantId(), ...times(),
}, t => [primaryKey({ columns: [t.tenantId, t.recordId, t.tagId] })])
export const tasks = casnet.table('tasks', {
  id: id(), recordId: uuid('record_id'), assigneeId: uuid('assignee_id'), tenantId: tenantId(),
  title: text().notNull(), description: text(),
  status: text({ enum: ['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED'] }).notNull().default('PENDING'),
  priority: text({ enum: ['LOW', 'MEDIUM', 'HIGH'] }).notNull().default('MEDIUM'),
  dueDate: time('due_date'), completedAt: time('completed_at'), ...times(),
}, ofTenant)
export const calendarEvents = casnet.table('calendar_events', {
  id: id(), recordId: uuid('record_id'), seriesId: uuid('series_id'), tenantId: tenantId(),
  title: text().notNull(), description: text(), location: text(),
  startsAt: time('starts_at').notNull(), endsAt: time('ends_at'), allDay: boolean('all_day').notNull().default(false),
  timeZone: text('time_zone').notNull().default(sql`current_setting('TimeZone')`), recurrenceRule: text('recurrence_rule'),
  excludedDates: time('excluded_dates').array().notNull().default([]), occurrenceAt: time('occurrence_at'),
  status: text({ enum: ['SCHEDULED', 'CANCELLED', 'COMPLETED'] }).notNull().default('SCHEDULED'), ...times(),
}, ofTenant)

// A relation compares the tenant, too: the indexes begin with it.
export const tenantsRelations = relations(tenants, ({ many }) => ({ members: many(userTenants) }))
export const usersRelations = relations(users, ({ many }) => ({ memberships: many(userTenants) }))
export const rolesRelations = relations(roles, ({ many }) => ({ permissions: many(rolePermissions) }))
export const rolePermissionsRelations = relations(rolePermissions, ({ one }) => ({
  of: one(roles, { fields: [rolePermissions.role], references: [roles.name] }),
}))
export const userTenantsRelations = relations(userTenants, ({ one, many }) => ({
  user: one(users, { fields: [userTenants.userId], references: [users.id] }),
  tenant: one(tenants, { fields: [userTenants.tenantId], references: [tenants.id] }),
  permissions: many(userTenantPermissions),
  tasks: many(tasks),
}))
export const userTenantPermissionsRelations = relations(userTenantPermissions, ({ one }) => ({
  member: one(userTenants, {
    fields: [userTenantPermissions.userId, userTenantPermissions.tenantId],
    references: [userTenants.userId, userTenants.tenantId],
  }),
}))
export const personsRelations = relations(persons, ({ many }) => ({ records: many(recordPersons) }))
export const recordsRelations = relations(records, ({ many }) => ({
  persons: many(recordPersons), tags: many(recordTags), tasks: many(tasks), events: many(calendarEvents),
}))
export const recordPersonsRelations = relations(recordPersons, ({ one }) => ({
  record: one(records, { fields: [recordPersons.recordId, recordPersons.tenantId], references: [records.id, records.tenantId] }),
  person: one(persons, { fields: [recordPersons.personId, recordPersons.tenantId], references: [persons.id, persons.tenantId] }),
}))
export const tagsRelations = relations(tags, ({ many }) => ({ records: many(recordTags) }))
export const recordTagsRelations = relations(recordTags, ({ one }) => ({
  record: one(records, { fields: [recordTags.recordId, recordTags.tenantId], references: [records.id, records.tenantId] }),
  tag: one(tags, { fields: [recordTags.tagId, recordTags.tenantId], references: [tags.id, tags.tenantId] }),
}))
export const tasksRelations = relations(tasks, ({ one }) => ({
  record: one(records, { fields: [tasks.recordId, tasks.tenantId], references: [records.id, records.tenantId] }),
  assignee: one(userTenants, { fields: [tasks.assigneeId, tasks.tenantId], references: [userTenants.userId, userTenants.tenantId] }),
}))
export const calendarEventsRelations = relations(calendarEvents, ({ one, many }) => ({
  record: one(records, { fields: [calendarEvents.recordId, calendarEvents.tenantId], references: [records.id, records.tenantId] }),
  series: one(calendarEvents, {
    fields: [calendarEvents.seriesId, calendarEvents.tenantId], references: [calendarEvents.id, calendarEvents.tenantId],
    relationName: 'series',
  }),
  occurrences: many(calendarEvents, { relationName: 'series' }),
}))
