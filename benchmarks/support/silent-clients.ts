// Clients that read nothing and hold on, in a process of their own. `{ port, count }` makes so many, anything else ends them; each is answered when done.

import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

interface Order {
  readonly port: number
  readonly count: number
}

let sockets: Socket[] = []

async function come ({ port, count }: Order): Promise<void> {
  sockets = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {}).pause())
  await Promise.all(sockets.map(async socket => once(socket, 'connect')))
}

async function leave (): Promise<void> {
  await Promise.all(sockets.splice(0).map(async socket => {
    socket.destroy()
    await once(socket, 'close')
  }))
}

process.on('message', (order: Order | 'leave') => {
  void (order === 'leave' ? leave() : come(order)).then(() => process.send!('done'))
})

// Whoever asked is gone.
process.on('disconnect', () => { process.exit() })
