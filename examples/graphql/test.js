/** What the server answers by HTTP.  Prints "ok what" or "not ok what". */
import { strict as assert } from 'node:assert'
import { start } from './server.js'

const server = await start(0)

async function check(what, test) {
  try {
    await test()
    console.log(`ok ${what}`)
  } catch (error) {
    process.exitCode = 1
    console.log(`not ok ${what}\n# ${error.stack.replaceAll('\n', '\n# ')}`)
  }
}

async function ask(query, token, variables) {
  const answer = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  })
  return answer.json()
}

async function get(query, token, variables) {
  const { data, errors } = await ask(query, token, variables)
  assert(!errors, JSON.stringify(errors))
  return data
}

async function refused(code, message, ...question) {
  const { errors } = await ask(...question)
  assert(errors, 'nothing was refused')
  assert.equal(errors[0].extensions.code, code, JSON.stringify(errors))
  assert.match(errors[0].message, message)
  assert(errors[0].extensions.hint)
}

const LOGIN = `mutation ($username: String!, $password: String!, $tenant: String!) {
  appLogin(input: { username: $username, password: $password, tenant: $tenant }) { result }
}`
const login = async (username, tenant, password = 'correct horse battery') =>
  (await get(LOGIN, undefined, { username, password, tenant })).appLogin.result
const ALL = '{ allRecords { nodes { rowId title } } }'
const titles = async token => (await get(ALL, token)).allRecords.nodes.map(record => record.title)
const CREATE = 'mutation ($title: String!) { createRecord(input: { record: { title: $title } }) { record { id rowId } } }'

await check('nobody is signed in: no rows, an error with a hint', () => refused('28000', /nobody is signed in/, ALL))
await check('a wrong password', () => refused('28P01', /login failed/, LOGIN, undefined,
  { username: 'ada', password: 'wrong', tenant: 'Child Services' }))
await check('a tenant of others', () => refused('P0002', /not a member of it/, LOGIN, undefined,
  { username: 'ada', password: 'correct horse battery', tenant: 'Adult Services' }))

const ada = await login('ada', 'Child Services')
const eve = await login('eve', 'Child Services')
const bob = await login('bob', 'Adult Services')

await check('each user has the records of the tenant, and none of another', async () => {
  assert.deepEqual(await titles(ada), ['Visit 1', 'Visit 2', 'Visit 3', 'Visit 4', 'Visit 5'])
  assert.deepEqual(await titles(eve), await titles(ada))
  assert.deepEqual(await titles(bob), ['Secret of Adult Services'])
  const { allRecords: { nodes: [{ rowId }] } } = await get(ALL, bob)
  const { allTenants: { nodes: [{ rowId: tenantId }] } } = await get('{ allTenants { nodes { rowId } } }', bob)
  const byKey = `query ($tenantId: UUID!, $rowId: UUID!) {
    recordByTenantIdAndRowId(tenantId: $tenantId, rowId: $rowId) { title }
  }`
  assert((await get(byKey, bob, { tenantId, rowId })).recordByTenantIdAndRowId)
  assert.equal((await get(byKey, ada, { tenantId, rowId })).recordByTenantIdAndRowId, null)
})
await check('a record is made, changed and tagged, and read by its tags and the other way round', async () => {
  const { createRecord: { record: { id, rowId } } } = await get(CREATE, ada, { title: 'Draft' })
  await get(`mutation ($id: ID!) { updateRecord(input: { id: $id, recordPatch: { title: "By GraphQL" } }) { clientMutationId } }`,
    ada, { id })
  const { appTagRecord: { result } } = await get(`mutation ($rowId: UUID!) {
    appTagRecord(input: { recordId: $rowId, names: ["urgent", "graphql"] }) {
      result { title tags { name records { title } } }
    }
  }`, ada, { rowId })
  const byName = Object.fromEntries(result.tags.map(tag => [tag.name, tag.records.map(record => record.title)]))
  assert.deepEqual(byName, { urgent: ['Visit 5', 'By GraphQL'], graphql: ['By GraphQL'] })
})
await check('tasks and persons of a record', async () => {
  const { allPeople } = await get(`{ allPeople(condition: { name: "Jane Doe" }) {
    nodes { records { title persons { name } tasks { nodes { title } } } }
  } }`, ada)
  assert.deepEqual(allPeople.nodes[0].records,
    [{ title: 'Visit 1', persons: [{ name: 'Jane Doe' }], tasks: { nodes: [{ title: 'Call the school' }] } }])
})
await check('pages by cursor', async () => {
  const seen = []
  for (let after = null, more = true; more;) {
    const { allRecords: { nodes, pageInfo } } = await get(`query ($after: Cursor) {
      allRecords(first: 2, after: $after, orderBy: [CREATED_AT_DESC, PRIMARY_KEY_DESC]) {
        nodes { title } pageInfo { endCursor hasNextPage }
      }
    }`, ada, { after })
    seen.push(...nodes.map(record => record.title));
    ({ endCursor: after, hasNextPage: more } = pageInfo)
  }
  assert.deepEqual(seen, ['By GraphQL', 'Visit 5', 'Visit 4', 'Visit 3', 'Visit 2', 'Visit 1'])
})
await check('search with snippets, among the records with a tag', async () => {
  const search = '{ appSearch(query: "parents", allOf: ["home visit"]) { nodes { title snippet } } }'
  const { appSearch: { nodes } } = await get(search, eve)
  assert.deepEqual(nodes.map(hit => hit.title).sort(), ['Visit 2', 'Visit 4'])
  assert.equal(nodes[0].snippet, 'Spoke to both <b>parents</b>.')
})
await check('a viewer may not write: the error and its hint are shown', () =>
  refused('42501', /permission "create_records" is missing/, CREATE, eve, { title: 'x' }))
await check('a token that was forged is refused', () =>
  refused('28000', /invalid session token/, ALL, `${ada.slice(0, -4)}AAAA`))
await check('what is no token is refused', async () => {
  const { data, errors } = await ask(ALL, 'nonsense')
  assert(errors && !data?.allRecords, 'nothing was refused')
})
await check('an error that is not for people is masked', async () => {
  const { errors } = await ask(CREATE, ada, { title: 'a\0b' })
  assert.deepEqual([errors[0].message, errors[0].extensions], ['Something went wrong.', {}])
})
await check('requests at the same time: each has its own identity, and none leaves one behind', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(ALL, [ada, bob, undefined][i % 3])))
  answers.forEach(({ data, errors }, i) => {
    if (i % 3 === 2) assert.equal(errors[0].extensions.code, '28000')
    else assert.equal(data.allRecords.nodes.some(record => record.title.includes('Secret')), i % 3 === 1)
  })
})
await check('after the logout the token is worth nothing', async () => {
  await get('mutation { appLogout(input: {}) { result } }', bob)
  await refused('28000', /invalid session token/, ALL, bob)
})
await check('a membership that ends is gone at the next request', async () => {
  assert((await titles(eve)).length)
  await get('mutation { appRemoveMember(input: { username: "eve" }) { result } }', ada)
  await refused('42501', /not a member of the active tenant/, ALL, eve)
})
await check('the schema has no hash of a password and no view to load a table through', async () => {
  const { __schema: { types } } = await get('{ __schema { types { name fields { name } } } }')
  const names = types.flatMap(type => [type.name, ...(type.fields ?? []).map(field => field.name)])
  assert(names.includes('tagLinks'))
  assert(!names.some(name => /Load|hashedPassword|grantPermission/.test(name)))
})

await server.stop()
