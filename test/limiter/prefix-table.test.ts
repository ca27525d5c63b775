import { expect, it } from 'vitest'
import fc from 'fast-check'
import { PrefixTable } from '../../src/limiter/prefix-table.ts'

const ip = (host: number) => ({ family: 4, bits: 0x0a000000 + host }) as const

it('looks for room among those of a network that are in, all of them in turn, whoever came and went', () => {
  fc.assert(fc.property(fc.array(fc.record({ host: fc.nat(12), looks: fc.nat(5) }), { maxLength: 60 }), moves => {
    const table = new PrefixTable({ family: 4, length: 32, capacity: 64 })
    const hosts = new Map<number, number>()

    for (const { host, looks } of moves) {
      const slot = hosts.get(host)
      if (slot != null) {
        table.remove(slot)
        hosts.delete(host)
      } else if (hosts.size < 4) {
        hosts.set(host, table.add(ip(host)))
      } else {
        expect([table.hasRoom(ip(host)), table.add(ip(host))]).toEqual([false, -1])
        const ring = table.ring(ip(host))
        for (let n = 0; n < looks; n++) table.candidate(ring)
        expect(new Set(Array.from({ length: 4 }, () => table.candidate(ring)))).toEqual(new Set(hosts.values()))
      }
    }
    expect(table.size).toBe(hosts.size)
  }))
})
