/** What every client here shares: the pool, the identity of a transaction, and the errors. */
import pg from 'pg'

/** The first statement of each transaction.  It ends with the transaction. */
export const SIGN_IN = `SELECT set_config('casnet.user_id', $1, true), casnet.use_tenant($2, true)`

/**
 * A pool whose connections come back without an identity, whatever the program forgot.
 * Not `DISCARD ALL`: it also drops statements that pg believes to be prepared.
 */
export class CleanPool extends pg.Pool {
  override connect(): Promise<pg.PoolClient>
  override connect(callback: (error: Error | undefined, client: pg.PoolClient | undefined,
    done: (release?: any) => void) => void): void
  override connect(callback?: any): any {
    const connected = super.connect().then(client => {
      const release = client.release
      client.release = error => {
        if (error) return release(error)
        const ended = client.getTransactionStatus() === 'I' ? Promise.resolve() : client.query('ROLLBACK')
        ended.then(() => client.query('SELECT casnet.sign_out()')).then(() => release(), release)
      }
      return client
    })
    if (!callback) return connected
    connected.then(client => callback(undefined, client, client.release), error => callback(error))
  }
}

/** An error in the words of the application. */
export class CaseError extends Error {
  constructor(readonly kind: 'sign in' | 'not allowed' | 'choose a tenant' | 'invalid' | 'try again',
    message: string, readonly hint?: string, cause?: unknown) {
    super(message, { cause })
  }
}

const KINDS: Record<string, CaseError['kind']> = {
  28000: 'sign in', '28P01': 'sign in', 42501: 'not allowed', 55000: 'choose a tenant',
  P0002: 'invalid', 22023: 'invalid', 22001: 'invalid', 23503: 'invalid', 23505: 'invalid', 23514: 'invalid',
  40001: 'try again', '40P01': 'try again', '55P03': 'try again',
}

/** What the server said, in the words of the application; any other error as it is. */
export function asCaseError(error: any): unknown {
  for (let e = error; e; e = e.cause) {    // Drizzle wraps the error of pg
    if (KINDS[e.code]) return new CaseError(KINDS[e.code], e.message, e.hint, error)
  }
  return error
}
