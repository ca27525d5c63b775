import { describe, expect, it } from 'vitest'
import {
  bumpOverwrite, bumpSumBounded, bumpSumUnbounded, decayExpireWhenInactive, decayFixed, decayLinear, decayNone
} from '../../src/conn-manager/decay.ts'
import { peer } from '../support/peers.ts'
import type { BumpFn, DecayFn, DecayingValue } from '../../src/conn-manager/decay.ts'

const NOW = 1_000_000
const of = (value: number, lastBump = NOW): DecayingValue => ({ tag: 't', peer: peer(0), added: 0, lastBump, value })

describe('decay presets', () => {
  it.each<[string, DecayFn, DecayingValue, { after: number, remove: boolean }]>([
    ['none keeps the value', decayNone(), of(5), { after: 5, remove: false }],
    ['none keeps zero', decayNone(), of(0), { after: 0, remove: false }],
    ['fixed takes off', decayFixed(3), of(5), { after: 2, remove: false }],
    ['fixed removes at zero', decayFixed(5), of(5), { after: 0, remove: true }],
    ['fixed removes below zero', decayFixed(1), of(-5), { after: -6, remove: true }],
    ['linear rounds down', decayLinear(0.5), of(5), { after: 2, remove: false }],
    ['linear removes at zero', decayLinear(0.5), of(1), { after: 0, remove: true }],
    ['linear by one never decays', decayLinear(1), of(5), { after: 5, remove: false }],
    ['inactive keeps the value until the last bump is old enough', decayExpireWhenInactive(10), of(5, NOW - 9), { after: 5, remove: false }],
    ['inactive removes when it is', decayExpireWhenInactive(10), of(5, NOW - 10), { after: 5, remove: true }]
  ])('%s', (_, decay, value, result) => {
    expect(decay(value, NOW)).toEqual(result)
  })

  it.each<[string, BumpFn, number, number, number]>([
    ['unbounded adds', bumpSumUnbounded(), 5, 3, 8],
    ['unbounded adds below zero', bumpSumUnbounded(), 5, -8, -3],
    ['bounded stops at its most', bumpSumBounded(0, 10), 5, 100, 10],
    ['bounded stops at its least', bumpSumBounded(3, 10), 0, 1, 3],
    ['overwrite replaces', bumpOverwrite(), 5, 3, 3]
  ])('%s', (_, bump, value, delta, result) => {
    expect(bump(of(value), delta)).toBe(result)
  })

  it.each<[string, () => unknown, string]>([
    ['a minuend that is none', () => decayFixed(NaN), 'minuend: it must be a finite number from 0, received NaN'],
    ['a minuend that adds', () => decayFixed(-1), 'minuend: it must be a finite number from 0, received -1'],
    ['a percentage', () => decayLinear(50), 'coefficient: it must be a number from 0 to 1, received 50'],
    ['a coefficient that is none', () => decayLinear(NaN), 'coefficient: it must be a number from 0 to 1, received NaN'],
    ['a text', () => decayLinear('0.5' as unknown as number), 'coefficient: it must be a number from 0 to 1, received "0.5"'],
    ['no time', () => decayExpireWhenInactive(undefined as unknown as number), 'after: it must be a number of milliseconds from 0, or Infinity, received undefined'],
    ['bounds in the wrong order', () => bumpSumBounded(10, 0), 'max: it must be a number of at least min (10), received 0'],
    ['no upper bound', () => bumpSumBounded(0, undefined as unknown as number), 'max: it must be a number of at least min (0), received undefined'],
    ['no bound', () => bumpSumBounded(NaN, 1), 'min: it must be a number, received NaN']
  ])('refuse %s when they are made', (_, make, complaint) => {
    expect(make).toThrow(`Could not use the option ${complaint}`)
  })

  it.each<[string, () => unknown]>([
    ['fixed by nothing', () => decayFixed(0)],
    ['linear to nothing', () => decayLinear(0)],
    ['inactive never', () => decayExpireWhenInactive(Infinity)],
    ['bounded on one side', () => bumpSumBounded(-Infinity, 5)],
    ['bounded to one value', () => bumpSumBounded(5, 5)]
  ])('may be %s', (_, make) => {
    expect(make).not.toThrow()
  })
})
