import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

const ESTABLISHED = '01'
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6']

export const canReadSockets = existsSync(TABLES[0]!)

/**
 * Sockets that the system holds for established on a local port, as its own table has them. Those in a listener's backlog, which no process has
 * accepted yet, are in the table, too: read it when nothing is under way.
 */
export function establishedOn (port: number): number {
  return TABLES.filter(table => existsSync(table)).flatMap(table => readFileSync(table, 'utf8').split('\n').slice(1)).filter(line => {
    const [, local = '', , state] = line.trim().split(/\s+/)
    return state === ESTABLISHED && Number.parseInt(local.split(':')[1] ?? '', 16) === port
  }).length
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
