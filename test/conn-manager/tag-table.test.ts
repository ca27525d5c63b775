import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_TAGS, TagTable } from '../../src/conn-manager/tag-table.ts'

type TagStep = { owner: number, tag: string, value: number, do: 'set' | 'delete' | 'clear' }

describe('TagTable', () => {
  const step: fc.Arbitrary<TagStep> = fc.record({
    owner: fc.nat(9),
    tag: fc.constantFrom('a', 'b', 'c', '', '__proto__', 'constructor', 'toString'),
    value: fc.maxSafeInteger(),
    do: fc.constantFrom('set', 'set', 'set', 'delete', 'clear')
  })

  it('is as good as a map per owner', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 400, size: 'max' }), steps => {
      const table = new TagTable()
      const heads = new Array<number>(10).fill(NO_TAGS)
      const models = heads.map(() => new Map<string, number>())

      const act: Record<TagStep['do'], (step: TagStep, head: number, model: Map<string, number>) => number> = {
        set ({ tag, value }, head, model) {
          model.set(tag, value)
          return table.set(head, tag, value)
        },
        delete ({ tag }, head, model) {
          model.delete(tag)
          return table.delete(head, tag)
        },
        clear (_, head, model) {
          model.clear()
          table.clear(head)
          return NO_TAGS
        }
      }

      for (const step of steps) heads[step.owner] = act[step.do](step, heads[step.owner]!, models[step.owner]!)

      const listed = heads.map(head => {
        const tags = new Map<string, number>()
        table.forEach(head, (tag, value) => { tags.set(tag, value) })
        return tags
      })
      expect(listed.map(tags => [...tags].sort())).toEqual(models.map(model => [...model].sort()))
      expect(heads.map(head => table.get(head, 'a'))).toEqual(models.map(model => model.get('a')))
      expect(table.size).toBe(models.reduce((sum, { size }) => sum + size, 0))
      expect(table.names).toBe(new Set(models.flatMap(model => [...model.keys()])).size)
    }))
  })

  it('keeps no name that nobody uses, and takes its room again', () => {
    const table = new TagTable()

    for (let i = 0; i < 10_000; i++) table.clear(table.set(NO_TAGS, `topic ${i}`, i))

    expect([table.size, table.names]).toEqual([0, 0])
  })
})
