import { describe, expect, it } from 'vitest'
import { ProtocolRules } from '../../src/stream-gate/protocol-rules.ts'

const NAMES = ['/ipfs/kad/', '/ipfs/kad/1.0.0', '/ipfs/', '/a//b', '/a/../b', '/star/*', '/escape/%41']
const rules = new ProtocolRules(NAMES.map(name => [name, name] as const))

describe('a protocol falls under', () => {
  it.each([
    ['its exact name before any prefix', '/ipfs/kad/1.0.0', '/ipfs/kad/1.0.0'],
    ['the longest prefix', '/ipfs/kad/2.0.0', '/ipfs/kad/'],
    ['a shorter prefix when no longer one fits', '/ipfs/id/1.0.0', '/ipfs/'],
    ['a prefix when it is written like one', '/ipfs/kad/', '/ipfs/kad/'],
    ['no rule when it is only the beginning of a prefix', '/ipfs', undefined],
    ['no rule when it only begins like an exact name', '/ipfs', undefined],
    ['no rule when nothing fits', '/other/1.0.0', undefined],
    ['no rule without a name', '', undefined],
    ['its name as it is written, double slashes too', '/a//b', '/a//b'],
    ['its name as it is written, dots too', '/a/../b', '/a/../b'],
    ['no other way to write a name', '/a/b', undefined],
    ['no pattern', '/star/1', undefined],
    ['no escape', '/escape/A', undefined]
  ])('%s: %s', (_, protocol, rule) => {
    expect(rules.match(protocol)).toBe(rule)
  })

  it('nothing where there are no rules', () => {
    expect(new ProtocolRules().match('/ipfs/kad/1.0.0')).toBeUndefined()
  })
})

it('a rule is found by its name', () => {
  expect(NAMES.map(name => rules.get(name))).toEqual(NAMES)
  expect([rules.get('/none'), rules.get('/none/')]).toEqual([undefined, undefined])
  expect(rules.entries().map(([name]) => name).sort()).toEqual([...NAMES].sort())
})
