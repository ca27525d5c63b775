import { expect, it } from 'vitest'
import { boundWindow } from '../../src/stream-gate/receive-window.ts'
import type { Stream } from '@libp2p/interface'

const KIB = 1_024
const MIB = 1_024 * KIB

interface Numbers {
  readonly recvWindow?: unknown
  readonly maxStreamWindowSize?: unknown
  readonly maxReadBufferLength: number
}

it.each<[string, Numbers, Numbers]>([
  [
    'has just been opened may grow to a quarter of the read buffer',
    { recvWindow: 256 * KIB, maxStreamWindowSize: 16 * MIB, maxReadBufferLength: 4 * MIB },
    { recvWindow: 256 * KIB, maxStreamWindowSize: MIB, maxReadBufferLength: 4 * MIB }
  ],
  [
    'has grown already keeps what the remote was given, and the buffer holds it',
    { recvWindow: 8 * MIB, maxStreamWindowSize: 16 * MIB, maxReadBufferLength: 4 * MIB },
    { recvWindow: 8 * MIB, maxStreamWindowSize: 8 * MIB, maxReadBufferLength: 8 * MIB }
  ],
  [
    'was given a smaller limit keeps it',
    { recvWindow: 256 * KIB, maxStreamWindowSize: 256 * KIB, maxReadBufferLength: 4 * MIB },
    { recvWindow: 256 * KIB, maxStreamWindowSize: 256 * KIB, maxReadBufferLength: 4 * MIB }
  ],
  ['has none stays as it is', { maxReadBufferLength: 4 * MIB }, { maxReadBufferLength: 4 * MIB }],
  [
    'has one that is no number stays as it is',
    { recvWindow: 256 * KIB, maxStreamWindowSize: {}, maxReadBufferLength: 4 * MIB },
    { recvWindow: 256 * KIB, maxStreamWindowSize: {}, maxReadBufferLength: 4 * MIB }
  ]
])('the window of a stream that %s', (_, before, after) => {
  const stream = { ...before }
  boundWindow(stream as unknown as Stream)
  expect(stream).toEqual(after)

  boundWindow(stream as unknown as Stream)
  expect(stream).toEqual(after)
})
