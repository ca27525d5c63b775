import { expect, it } from 'vitest'
import { PeerLedger } from '../../src/conn-manager/peer-ledger.ts'
import { CrowdLedger } from '../../src/limiter/crowd-ledger.ts'

it.each<[string, number, (ledger: PeerLedger, id: string) => void, number]>([
  ['whose tags go', 4_096, (ledger, id) => { ledger.deleteTag(id, 'a') }, 1],
  ['who make room for others', 3, () => {}, 3 + 1]
])('the rows of peers %s are given to the next', (_, maxUnconnectedPeers, leave, expected) => {
  const ledger = new PeerLedger({ crowds: new CrowdLedger(), maxUnconnectedPeers, isProtected: () => false, forEachDecaying: () => {}, onForgotten: () => {} })
  const rows = Array.from({ length: 1_000 }, (_, n) => {
    ledger.setTag(`peer ${n}`, 'a', n, n)
    const row = ledger.find(`peer ${n}`)
    leave(ledger, `peer ${n}`)
    return row
  })

  expect(new Set(rows).size).toBe(expected)
  expect(ledger.size).toBe(expected - 1)
})
