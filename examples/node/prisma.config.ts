import { defineConfig } from 'prisma/config'

const external = ['users', 'tenants', 'roles', 'role_permissions', 'user_tenants', 'user_tenant_permissions', 'persons',
  'records', 'record_persons', 'tags', 'record_tags', 'tasks', 'calendar_events']

export default defineConfig({
  schema: 'prisma/schema.prisma',
  datasource: { url: process.env.DATABASE_URL },
  // casnet's tables are for queries; migrations leave them alone.
  experimental: { externalTables: true },
  tables: { external: external.map(name => `casnet.${name}`) },
})
