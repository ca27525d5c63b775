import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

const ESTABLISHED = '01'
const LISTENING = '0A'
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6']

export const canReadSockets = existsSync(TABLES[0]!)

/** Rows of the system's own table of sockets on a local port. */
function rowsOn (port: number, wanted: string): string[][] {
  return TABLES.filter(table => existsSync(table)).flatMap(table => readFileSync(table, 'utf8').split('\n').slice(1)).map(line => line.trim().split(/\s+/)).filter(([, local = '', , state]) => {
    return state === wanted && Number.parseInt(local.split(':')[1] ?? '', 16) === port
  })
}

/**
 * Sockets that the system holds for established on a local port, as its own table has them. Those in a listener's backlog, which no process has
 * accepted yet, are in the table, too.
 */
export function establishedOn (port: number): number {
  return rowsOn(port, ESTABLISHED).length
}

/** The system's backlog: sockets that are established, and that no process has accepted yet. A listener's row has their number where others have bytes. */
export function backlogOn (port: number): number {
  return rowsOn(port, LISTENING).reduce((sum, [, , , , queues = '']) => sum + Number.parseInt(queues.split(':')[1] ?? '', 16), 0)
}

/** A bare socket that says nothing, and does not mind to be hung up on. */
export async function rawSocket (port: number, localAddress?: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', ...localAddress != null && { localAddress } })
  socket.on('error', () => {})
  await new Promise<void>(resolve => {
    socket.once('connect', () => { resolve() })
    socket.once('close', () => { resolve() })
  })
  return socket
}

export function closed (socket: Socket): Promise<void> {
  return new Promise(resolve => {
    if (socket.closed) resolve()
    else socket.once('close', () => { resolve() })
  })
}
