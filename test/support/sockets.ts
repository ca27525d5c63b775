import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

const ESTABLISHED = '01'
const LISTENING = '0A'
const TABLE = '/proc/net/tcp'

export const canReadSockets = existsSync(TABLE)

/** 127.0.0.1 as the table has it, where every listener of a test is. Other processes' dials may have the same port at another address. */
const LOCALHOST = '0100007F'

/**
 * Rows of the system's own table of sockets on a port of 127.0.0.1. The system does not read its table out at once: while sockets of other programs come
 * and go, a row may be there twice, or missing. So it is read until two readings agree.
 */
function rowsOn (port: number, wanted: string): string[][] {
  let [rows, before] = [readRows(port, wanted), '']

  while (JSON.stringify(rows) !== before) [rows, before] = [readRows(port, wanted), JSON.stringify(rows)]
  return rows
}

function readRows (port: number, wanted: string): string[][] {
  const local = `${LOCALHOST}:${port.toString(16).toUpperCase().padStart(4, '0')}`
  if (!canReadSockets) return []

  const rows = readFileSync(TABLE, 'utf8').split('\n').slice(1).map(line => line.trim().split(/\s+/)).filter(([, at, , state]) => at === local && state === wanted)
  return [...new Map(rows.map(([, , remote = '', , queues = '']) => [remote, [remote, queues]])).values()].sort(([a = ''], [b = '']) => a < b ? -1 : 1)
}

/**
 * Sockets that the system holds for established on a local port, as its own table has them. Those in a listener's backlog, which no process has
 * accepted yet, are in the table, too.
 */
export function establishedOn (port: number): number {
  return rowsOn(port, ESTABLISHED).length
}

/** The same by remote address. */
export function establishedByRemote (port: number): Record<string, number> {
  const counts: Record<string, number> = {}

  for (const [remote = ''] of rowsOn(port, ESTABLISHED)) {
    const ip = remote.slice(0, 8).match(/../g)!.toReversed().map(byte => Number.parseInt(byte, 16)).join('.')
    counts[ip] = (counts[ip] ?? 0) + 1
  }
  return counts
}

/** The system's backlog: sockets that are established, and that no process has accepted yet. A listener's row has their number where others have bytes. */
export function backlogOn (port: number): number {
  return rowsOn(port, LISTENING).reduce((sum, [, queues = '']) => sum + Number.parseInt(queues.split(':')[1] ?? '', 16), 0)
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
