/**
 * What `prisma migrate diff --from-config-datasource --to-schema prisma/schema.prisma --script`
 * prints, without the engine that Prisma downloads: by the same engine as WebAssembly, which npm has.
 *
 *     tsx prisma/diff.ts              with tables.external of prisma.config.ts
 *     tsx prisma/diff.ts --all        wrong: as if all tables were Prisma's
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import pg from 'pg'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import config from '../prisma.config.ts'

const folder = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm').replace(/[^/]*$/, '')
const engine = await import(`${folder}schema_engine_bg.js`)
const { instance } = await WebAssembly.instantiate(
  await readFile(`${folder}schema_engine_bg.wasm`), { './schema_engine_bg.js': engine })
engine.__wbg_set_wasm(instance.exports);
(instance.exports as any).__wbindgen_start()

// The engine reads "char" (18) from the catalogs, which the adapter does not know.
const CHAR = 18
const chars = new Set<string>()
class Client extends pg.Client {
  override query(...parameters: any[]): any {
    const result = (super.query as any)(...parameters)
    return result?.then ? result.then((r: pg.QueryResult) => {
      for (const field of r.fields ?? []) {
        if (field.dataTypeID === CHAR) { field.dataTypeID = 25; chars.add(field.name) }
      }
      return r
    }) : result
  }
}
class Pool extends pg.Pool {
  override query(...parameters: any[]): any {
    return this.connect().then(db => (db.query as any)(...parameters).finally(() => db.release()))
  }
}
const factory = new PrismaPg(new Pool({ connectionString: config.datasource!.url, Client }))
const connect = factory.connect.bind(factory)
factory.connect = async () => {
  const adapter = await connect()
  const queryRaw = adapter.queryRaw.bind(adapter)
  adapter.queryRaw = async query => {
    const result = await queryRaw(query)
    result.columnNames.forEach((name, i) => {
      if (chars.has(name)) result.columnTypes[i] = ColumnTypeEnum.Character
    })
    return result
  }
  return adapter
}

const path = config.schema!
const content = await readFile(path, 'utf8')
const files = [{ path, content }]
const external = process.argv.includes('--all') ? [] : config.tables!.external
const migration = await engine.SchemaEngine.new(
  { datamodels: [[path, content]] }, () => {}, bindMigrationAwareSqlAdapterFactory(factory))
const { stdout } = await migration.diff({
  from: { tag: 'schemaDatasource', files, configDir: '.' }, to: { tag: 'schemaDatamodel', files },
  shadowDatabaseUrl: null, script: true, exitCode: null, filters: { externalTables: external, externalEnums: [] },
})
console.log(stdout)
process.exit()
