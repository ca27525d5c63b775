import { libp2pDefaults } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { tcp } from '@libp2p/tcp'
import { createHelia } from 'helia'
import { describe, expect, it } from 'vitest'
import { connManager } from '../../src/index.ts'
import { fleet } from '../support/fleet.ts'
import { heard } from '../support/mock-house.ts'
import { startVisitor } from '../support/node.ts'
import type { ConnManager, ConnManagerInit } from '../../src/index.ts'
import type { UnixFS } from '@helia/unixfs'
import type { Libp2p } from '@libp2p/interface'
import type { Helia } from 'helia'

const { add } = fleet()
const BLOCK = 8_192

interface HeliaNode {
  readonly files: UnixFS
  readonly libp2p: Libp2p<{ connManager: ConnManager }>
}

/** Helia's own configuration with the manager among its services, on loopback and without what looks for peers by itself. */
async function startHelia (init: ConnManagerInit): Promise<HeliaNode> {
  const { identify, identifyPush, ping, dcutr, dht, keychain, relay } = libp2pDefaults().services

  const helia = createHelia({
    libp2p: {
      ...libp2pDefaults(),
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      peerDiscovery: [],
      services: { identify, identifyPush, ping, dcutr, dht, keychain, relay, connManager: connManager(init) }
    } as never
  })
  await helia.start()
  add(helia)

  return { files: unixfs(helia as Helia), libp2p: (helia as unknown as HeliaNode).libp2p }
}

describe('a Helia node with the manager among its services', () => {
  it('fetches a file of 300 kB while strangers come between its blocks and trims close them', async () => {
    const owner = await startHelia({})
    const reader = await startHelia({ lowWater: 4, highWater: 6, gracePeriod: 0, silencePeriod: 0 })
    const manager = reader.libp2p.services.connManager
    const trims = heard(manager, 'trim')
    const content = Uint8Array.from({ length: 300_000 }, (_, i) => i * 31 % 251)
    const cid = await owner.files.addBytes(content, { chunker: inBlocks })
    await reader.libp2p.dial(owner.libp2p.getMultiaddrs())

    const received: Uint8Array[] = []
    const trimsBefore: number[] = []

    // a range at a time: `cat` of the whole asks for all blocks at once
    for (let offset = 0; offset < content.length; offset += BLOCK) {
      const stranger = add(await startVisitor(`127.0.3.${offset / BLOCK}`))
      await stranger.dial(reader.libp2p.getMultiaddrs())
      trimsBefore.push(trims.length)
      for await (const bytes of reader.files.cat(cid, { offset, length: BLOCK })) received.push(bytes)
    }

    expect(Buffer.compare(Buffer.concat(received), content)).toBe(0)
    expect(trimsBefore.at(-1)).toBeGreaterThan(5)
    expect(trims.flatMap(({ entries }) => entries).filter(({ peer }) => peer.equals(owner.libp2p.peerId))).toEqual([])
    expect(manager.getTagInfo(owner.libp2p.peerId)!.conns).not.toEqual({})
  })
})

async function * inBlocks (source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    for (let start = 0; start < bytes.length; start += BLOCK) yield bytes.subarray(start, start + BLOCK)
  }
}
