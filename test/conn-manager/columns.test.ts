import { describe, expect, it } from 'vitest'
import { grown } from '../../src/conn-manager/columns.ts'

describe('grown', () => {
  it.each([
    ['Int32Array', new Int32Array([1, -2, 3]), 4],
    ['Float64Array', new Float64Array([1.5, -2]), 3],
    ['Uint8Array', new Uint8Array(64).fill(7), 80],
    ['Uint16Array', new Uint16Array(1), 2]
  ])('%s has a quarter more room, and what it had', (_, column, length) => {
    const larger = grown(column)

    expect(larger.constructor).toBe(column.constructor)
    expect(larger).toHaveLength(length)
    expect([...larger.subarray(0, column.length)]).toEqual([...column])
    expect([...larger.subarray(column.length)].every(value => value === 0)).toBe(true)
  })
})
