import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { componentsOf } from './inside.ts'
import type { DialTransportOptions, Libp2p, MessageStream, StreamMuxerFactory, Transport } from '@libp2p/interface'
import type { TCPComponents } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface Responder {
  readonly transport: (components: TCPComponents) => Transport
  readonly muxer: () => StreamMuxerFactory

  /** From here on a dial that asks for it answers instead of speaking first. */
  mend (node: Libp2p): void
}

/**
 * What a node needs to be the one who answers after a hole punch. js-libp2p's dcutr asks for it with `initiator: false`, and libp2p 3.3.11 hears of it
 * nowhere: its dial queue hands the option to no transport, and yamux takes whoever dialled for the client. Both sides of its hole punch speak first,
 * and it always fails. Here the option arrives at both; whom the gater is asked about, and with what, is js-libp2p's own doing.
 */
export function responder (): Responder {
  let initiator: boolean | undefined

  return {
    transport: components => {
      const transport = tcp()(components)
      const dial = transport.dial.bind(transport)
      return Object.assign(transport, { dial: async (address: Multiaddr, options: DialTransportOptions) => dial(address, { ...options, initiator } as never) })
    },

    muxer: () => {
      const factory = yamux()()
      const create = factory.createStreamMuxer.bind(factory)
      return Object.assign(factory, { createStreamMuxer: (stream: MessageStream) => create(initiator === false ? Object.assign(stream, { direction: 'inbound' }) : stream) })
    },

    mend: node => {
      const { connectionManager } = componentsOf(node)
      const open = connectionManager.openConnection.bind(connectionManager)

      connectionManager.openConnection = async (target, options = {}) => {
        initiator = options.initiator
        return open(target, options).finally(() => { initiator = undefined })
      }
    }
  }
}
