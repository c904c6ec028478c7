import { GraphQLError } from 'graphql'
import { makePgService } from 'postgraphile/adaptors/pg'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { each } from 'postgraphile/grafast'
import { extendSchema, gql, jsonPgSmartTags } from 'postgraphile/utils'

const { PGHOST, PGPORT, PGDATABASE } = process.env

/** The views casnet.*_load are for loading with COPY, not for people. */
const HideLoadViews = {
  name: 'HideLoadViews',
  version: '1.0.0',
  schema: {
    entityBehavior: {
      pgResource: {
        override: {
          provides: ['hideLoadViews'],
          callback: (behavior, resource) => resource.name.endsWith('_load') ? [behavior, '-*'] : behavior,
        },
      },
    },
  },
}

/** Names for relations.  Comments on casnet's tables would do, too, but those are the extension's. */
const key = (table, columns, fieldName, foreignFieldName) =>
  [`casnet.${table}.${table}_${columns}_tenant_id_fkey`, { tags: { fieldName, foreignFieldName } }]
const Names = jsonPgSmartTags({
  version: 1,
  config: {
    attribute: { 'casnet.users.hashed_password': { tags: { behavior: '-*' } } },    // a mark, no hash
    constraint: Object.fromEntries([
      key('record_tags', 'record_id', 'record', 'tagLinks'),
      key('record_tags', 'tag_id', 'tag', 'recordLinks'),
      key('record_persons', 'record_id', 'record', 'personLinks'),
      key('record_persons', 'person_id', 'person', 'recordLinks'),
      key('tasks', 'record_id', 'record', 'tasks'),
      key('tasks', 'assignee_id', 'assignee', 'tasks'),
      key('calendar_events', 'record_id', 'record', 'events'),
      key('calendar_events', 'series_id', 'series', 'occurrences'),
    ]),
  },
})

/** Many to many, in both directions.  (A field `xLinks` has the links themselves, with pages.) */
const ManyToMany = extendSchema(({ pgResources: { record_tags, record_persons, records, tags, persons } }) => {
  const through = (links, from, to, resource) => $row =>
    each(links.find({ [from]: $row.get('id'), tenant_id: $row.get('tenant_id') }), $link =>
      resource.get({ id: $link.get(to), tenant_id: $link.get('tenant_id') }))
  return {
    typeDefs: gql`
      extend type Record { tags: [Tag!]! persons: [Person!]! }
      extend type Tag { records: [Record!]! }
      extend type Person { records: [Record!]! }
    `,
    objects: {
      Record: {
        plans: {
          tags: through(record_tags, 'record_id', 'tag_id', tags),
          persons: through(record_persons, 'record_id', 'person_id', persons),
        },
      },
      Tag: { plans: { records: through(record_tags, 'tag_id', 'record_id', records) } },
      Person: { plans: { records: through(record_persons, 'person_id', 'record_id', records) } },
    },
  }
})

/** What casnet says is written for people; other errors stay masked. */
const FOR_PEOPLE = new Set(['28000', '28P01', '42501', '55000', 'P0002', '22023', '22001', '23503', '23505', '23514'])
function maskError(error) {
  const { code, message, hint } = error.originalError ?? error
  if (error instanceof GraphQLError && !error.originalError) return error    // of the query itself
  return new GraphQLError(FOR_PEOPLE.has(code) ? message : 'Something went wrong.', {
    nodes: error.nodes, source: error.source, positions: error.positions, path: error.path,
    extensions: FOR_PEOPLE.has(code) ? { code, hint } : {},
  })
}

export default {
  extends: [PostGraphileAmberPreset],
  plugins: [HideLoadViews, Names, ManyToMany],
  pgServices: [makePgService({
    connectionString: `postgres://example_web@${PGHOST}:${PGPORT}/${PGDATABASE}`,
    schemas: ['casnet', 'app'],
  })],
  grafast: {
    /** Who it is, anew for each request: settings of the transaction, so none is left in the pool. */
    context: ({ node }) => ({
      pgSettings: {
        role: 'example_web',
        'casnet.token': /^Bearer (\S+)$/i.exec(node?.req.headers.authorization ?? '')?.[1] ?? '',
      },
    }),
  },
  grafserv: { watch: false, maskError },
}
