import { byteStream, messageStreamToDuplex } from '@libp2p/utils'
import { pipe } from 'it-pipe'
import { describe, expect, it } from 'vitest'
import { byteQuotas, meter, throttle } from '../../src/index.ts'
import { gatedNodes, LISTEN } from '../support/gated-nodes.ts'
import { startNode } from '../support/node.ts'
import { until } from '../support/until.ts'
import type { BytesTransform } from '../../src/index.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

const UPLOAD = '/upload/1.0.0'
const MIB = 2 ** 20
const { add, visit } = gatedNodes()

interface Received {
  bytes: number
  ended: unknown
  readonly stream: Stream
}

/** A node that takes uploads: each through a step of ours, counted. */
async function taker (transport: string, step: (stream: Stream, connection: Connection) => BytesTransform, slowly: () => Promise<void> = async () => {}): Promise<{ node: Libp2p, uploads: Received[] }> {
  const node = add(await startNode({ addresses: { listen: [LISTEN[transport]!] } }))
  const uploads: Received[] = []

  await node.handle(UPLOAD, async (stream, connection) => {
    const upload: Received = { bytes: 0, ended: undefined, stream }
    uploads.push(upload)
    const end = (how: unknown): void => { upload.ended = how }

    await pipe(messageStreamToDuplex(stream).source, step(stream, connection), meter(bytes => { upload.bytes += bytes }), async source => {
      for await (const _ of source) await slowly()
    }).then(() => { end(true) }, end)
  }, { maxInboundStreams: 100 })

  return { node, uploads }
}

/** Sends as fast as it can be sent. */
async function send (connection: Connection, bytes: number): Promise<void> {
  const stream = await connection.newStream(UPLOAD)
  const chunks = Array.from({ length: bytes / 65_536 }, () => new Uint8Array(65_536))
  await pipe(chunks, messageStreamToDuplex(stream).sink)
}

async function * bytesOf (stream: Stream): AsyncGenerator<Uint8Array | Uint8ArrayList> {
  const bytes = byteStream(stream)
  for (let read = await bytes.read(); read != null; read = await bytes.read()) yield read
}

async function * heardOf (stream: Stream): AsyncGenerator<Uint8Array | Uint8ArrayList> {
  const heard: Array<Uint8Array | Uint8ArrayList> = []
  let [hasEnded, wake] = [false, (): void => {}]
  stream.addEventListener('end', () => { hasEnded = true })
  stream.addEventListener('message', ({ data }) => { heard.push(data) })
  for (const type of ['message', 'end'] as const) stream.addEventListener(type, () => { wake() })

  while (!hasEnded || heard.length > 0) {
    if (heard.length === 0) await new Promise<void>(resolve => { wake = resolve })
    yield * heard.splice(0)
  }
}

describe.each(Object.keys(LISTEN))('over %s', transport => {
  it('16 MiB at 8 MiB a second, 4 MiB of them at once, take 1.5 s, and none is lost', async () => {
    const quotas = byteQuotas({ limit: 4 * MIB, window: 500 })
    const { node, uploads } = await taker(transport, (stream, connection) => throttle(quotas.ofConnection(connection), { from: stream }))
    const connection = await visit(node)
    const began = performance.now()
    await send(connection, 16 * MIB)
    await until('all is there', () => uploads[0]?.ended != null)

    console.log(`  16 MiB over ${transport}: ${(performance.now() - began).toFixed(0)} ms, the quota says 1500`)
    expect(uploads[0]).toMatchObject({ bytes: 16 * MIB, ended: true })
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_490)
  })

  it('a reader that does not read holds no more than the muxer\'s window, however much is sent', async () => {
    const gate = Promise.withResolvers<void>()
    const { node, uploads } = await taker(transport, stream => throttle({ limit: Infinity, window: 1_000 }, { from: stream }), async () => gate.promise)
    const connection = await visit(node)
    const sent = send(connection, 16 * MIB)
    await until('as much has come as may', () => uploads[0]?.stream.readStatus === 'paused')
    let before = -1
    await until('no more comes', async () => {
      const held = uploads[0]!.stream.readBufferLength
      const isSame = held === before
      before = held
      await new Promise(resolve => { setTimeout(resolve, 100) })
      return isSame
    })

    const { bytes, stream } = uploads[0]!
    console.log(`  16 MiB over ${transport} to a reader that stands still: ${bytes} bytes passed, ${stream.readBufferLength} held`)
    expect(bytes).toBeLessThanOrEqual(MIB)
    expect(stream.readBufferLength).toBeLessThanOrEqual(MIB)

    gate.resolve()
    await sent
    await until('all is there', () => uploads[0]!.ended != null)
    expect(uploads[0]).toMatchObject({ bytes: 16 * MIB, ended: true })
  })
})

describe('an upload that is throttled', () => {
  it('and reset while it waits fails at once, and does not pass for one that has ended', async () => {
    const { node, uploads } = await taker('TCP', stream => throttle({ limit: 65_536, window: 3_600_000 }, { from: stream }))
    const connection = await visit(node)
    const stream = await connection.newStream(UPLOAD)
    stream.send(new Uint8Array(200_000))
    await until('it waits', () => uploads[0]?.bytes === 65_536)
    stream.abort(new Error('Enough'))

    await until('it has failed', () => uploads[0]!.ended != null)
    expect(uploads[0]!.ended).toMatchObject({ name: 'StreamResetError' })
  })

  it('comes whole although somebody else listens to the stream, too', async () => {
    let heard = 0
    const { node, uploads } = await taker('TCP', stream => {
      stream.addEventListener('message', ({ data }) => { heard += data.byteLength })
      return throttle({ limit: 65_536, window: 100 }, { from: stream })
    })
    const stream = await (await visit(node)).newStream(UPLOAD)
    await pipe(Array.from({ length: 25 }, () => new Uint8Array(8_192)), messageStreamToDuplex(stream).sink)
    await until('it has ended', () => uploads[0]?.ended != null)

    expect(uploads[0]).toMatchObject({ bytes: 204_800, ended: true })
    expect(heard).toBe(204_800)
  })

  it('and read by who begins to listen only after the remote\'s last word comes whole', async () => {
    const node = add(await startNode({ addresses: { listen: [LISTEN['TCP']!] } }))
    let bytes = 0
    await node.handle(UPLOAD, async stream => {
      const source = throttle({ limit: 65_536, window: 100 }, { from: stream })(stream)
      await until('all has been said', () => stream.remoteWriteStatus === 'closed')
      for await (const { byteLength } of source) bytes += byteLength
    })
    const stream = await (await visit(node)).newStream(UPLOAD)
    stream.send(new Uint8Array(100_000))
    await stream.close()

    await until('all is there', () => bytes === 100_000)
  })

  it.each<[string, (stream: Stream) => AsyncIterable<Uint8Array | Uint8ArrayList>]>([
    ['an adapter', stream => messageStreamToDuplex(stream).source],
    ['its own iterator', stream => stream],
    ['byteStream', bytesOf],
    ['listeners of its own', heardOf]
  ])('is whole, and ends, for whoever reads it by %s', async (_, read) => {
    const node = add(await startNode({ addresses: { listen: [LISTEN['TCP']!] } }))
    let bytes = 0
    let ended = false
    await node.handle(UPLOAD, async stream => {
      for await (const chunk of throttle({ limit: MIB / 2, window: 100 }, { from: stream })(read(stream))) bytes += chunk.byteLength
      ended = true
    })
    await send(await visit(node), 2 * MIB)
    await until('it has ended', () => ended)

    expect(bytes).toBe(2 * MIB)
  })

  it('goes on with another throttle where the first was left', async () => {
    const node = add(await startNode({ addresses: { listen: [LISTEN['TCP']!] } }))
    let bytes = 0
    let ended = false
    await node.handle(UPLOAD, async stream => {
      const { source } = messageStreamToDuplex(stream)
      const first = await throttle({ limit: MIB, window: 100 }, { from: stream })(source).next()
      bytes += (first.value as Uint8Array).byteLength
      for await (const chunk of throttle({ limit: MIB, window: 100 }, { from: stream })(source)) bytes += chunk.byteLength
      ended = true
    })
    await send(await visit(node), 2 * 65_536)
    await until('it has ended', () => ended)

    expect(bytes).toBe(2 * 65_536)
  })

  it('shares its peer\'s quota with others, also on another connection', async () => {
    const quotas = byteQuotas({ limit: MIB, window: 500 })
    const { node, uploads } = await taker('TCP', (stream, connection) => throttle(quotas.ofPeer(connection.remotePeer), { from: stream }))
    const visitor = add(await startNode())
    const [first, second] = [await visit(node, visitor), await visitor.dial(node.getMultiaddrs(), { force: true })]
    await until('both are there', () => node.getConnections(visitor.peerId).length === 2)
    const began = performance.now()
    await Promise.all([send(first, MIB), send(first, MIB), send(second, MIB)])
    await until('all are there', () => uploads.length === 3 && uploads.every(({ ended }) => ended != null))

    console.log(`  3 × 1 MiB of one peer on two connections: ${(performance.now() - began).toFixed(0)} ms, the quota says 1000`)
    expect(uploads.map(({ bytes }) => bytes)).toEqual([MIB, MIB, MIB])
    expect(performance.now() - began).toBeGreaterThanOrEqual(990)
  })

  it('on the way out waits as long, and ends when the stream does', async () => {
    const { node, uploads } = await taker('TCP', () => meter(() => {}))
    const connection = await visit(node)
    const stream = await connection.newStream(UPLOAD)
    const slow = throttle({ limit: 65_536, window: 3_600_000 }, { to: stream })
    let isClosed = false
    const source = (async function * () {
      try {
        for (;;) yield new Uint8Array(65_536)
      } finally {
        isClosed = true
      }
    })()
    const outcome = pipe(source, slow, messageStreamToDuplex(stream).sink).then(() => 'ended', (error: Error) => error.name)
    await until('it waits', () => uploads[0]?.bytes === 65_536)
    uploads[0]!.stream.abort(new Error('Enough'))

    expect(await outcome).toBe('StreamResetError')
    await until('its source is closed', () => isClosed)
  })
})

it('yamux has the numbers by which a stream\'s window is kept from growing', async () => {
  const { node, uploads } = await taker('memory', stream => throttle({ limit: Infinity, window: 1_000 }, { from: stream }))
  await send(await visit(node), MIB)
  await until('all is there', () => uploads[0]?.ended != null)

  expect(uploads[0]!.stream).toMatchObject({ maxStreamWindowSize: MIB, recvWindow: expect.any(Number), maxReadBufferLength: 4 * MIB })
})

it('without the stream what is sent piles up: the adapter takes whatever comes', async () => {
  const gate = Promise.withResolvers<void>()
  const { node, uploads } = await taker('TCP', () => throttle({ limit: Infinity, window: 1_000 }), async () => gate.promise)
  const connection = await visit(node)
  await send(connection, 16 * MIB)

  // all of it was sent, and all but the first of it waits in memory
  expect(uploads[0]!.bytes).toBeLessThanOrEqual(MIB)
  expect(uploads[0]!.stream.readStatus).not.toBe('paused')
  gate.resolve()
  await until('all is there', () => uploads[0]!.ended != null)
  expect(uploads[0]!.bytes).toBe(16 * MIB)
})
