import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnconnectedHeap } from '../../src/conn-manager/unconnected-heap.ts'

describe('UnconnectedHeap', () => {
  it('has on top whom a sort by value, then by age, has in front', () => {
    const step = fc.record({ peer: fc.nat(30), value: fc.integer({ min: -3, max: 3 }), do: fc.constantFrom('add', 'add', 'update', 'delete', 'pop') })

    fc.assert(fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
      const worth = new Map<number, { value: number, since: number }>()
      const heap = new UnconnectedHeap({ value: peer => worth.get(peer)!.value, since: peer => worth.get(peer)!.since })
      const first = (): number | undefined => [...worth].toSorted(([, a], [, b]) => a.value - b.value || a.since - b.since)[0]?.[0]
      const remove = (peer: number): void => {
        expect(heap.delete(peer)).toBe(worth.has(peer))
        worth.delete(peer)
      }

      const act: Record<string, (peer: number, value: number, since: number) => void> = {
        add (peer, value, since) {
          remove(peer)
          worth.set(peer, { value, since })
          heap.add(peer)
        },
        update (peer, value) {
          for (const known of [worth.get(peer)].filter(known => known != null)) worth.set(peer, { ...known, value })
          heap.update(peer)
        },
        delete: remove,
        pop () { remove(heap.first ?? -1) }
      }

      steps.forEach(({ peer, value, do: action }, at) => {
        act[action]!(peer, value, at)
        expect([heap.first, heap.size]).toEqual([first(), worth.size])
      })
    }))
  })

  it('leaves those that are not here alone', () => {
    const heap = new UnconnectedHeap({ value: () => 0, since: () => 0 })
    heap.update(1)

    expect([heap.delete(1), heap.has(1), heap.first, heap.size]).toEqual([false, false, undefined, 0])
  })
})
