import { once } from 'node:events'
import { createServer } from 'node:net'

export class LoopbackError extends Error {
  override readonly name = 'LoopbackError'
}

/**
 * Linux and Windows answer on all of 127.0.0.0/8, macOS on 127.0.0.1 alone.
 *
 * @throws LoopbackError when this system cannot use `address`
 */
export async function assertLoopback (address: string): Promise<void> {
  const server = createServer()

  try {
    await once(server.listen(0, address), 'listening')
  } catch {
    throw new LoopbackError(`Could not use ${address}: the built-in visitors need all of 127.0.0.0/8, so guard peers of your own with --listen`)
  } finally {
    server.close()
  }
}
