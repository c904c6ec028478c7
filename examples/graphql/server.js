import { createServer } from 'node:http'
import { postgraphile } from 'postgraphile'
import { grafserv } from 'postgraphile/grafserv/node'
import preset from './graphile.config.js'

/** A server on the port, any free one for 0; ends with what it returns. */
export async function start(port) {
  const pgl = postgraphile(preset)
  const serv = pgl.createServ(grafserv)
  const server = createServer()
  await serv.addTo(server)
  await new Promise(resolve => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/graphql`,
    schema: await pgl.getSchema(),
    async stop() {
      server.closeAllConnections()
      server.close()
      await pgl.release()
    },
  }
}

if (import.meta.main ?? process.argv[1] === import.meta.filename) {
  console.log((await start(Number(process.env.PORT ?? 5678))).url)
}
