import { inspect } from 'node:util'
import { BlockList as NodeBlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIp } from '../../src/address/ip.ts'
import { blockList } from '../../src/limiter/block-list.ts'
import { blockListCases } from '../../src/limiter/conformance/block-list.ts'
import type { Ip } from '../../src/address/ip.ts'

describe('blockList keeps the contract of a block list', () => {
  it.each(blockListCases(blockList))('$name', ({ run }) => run())
})

// Few distinct bits, so that ranges nest and addresses fall into them and beside them.
const word = fc.constantFrom(0, 1, 0x80000000, 0xffffffff, 0x0a000000, 0x20010db8, 0x0000ffff, 0x12345678)
const ipv4 = fc.tuple(word, fc.nat(3)).map(([bits, low]): Ip => ({ family: 4, bits: (bits ^ low) >>> 0 }))
const ipv6 = fc.tuple(fc.constantFrom(0x20010db8, 0x20010db9, 0xfe800000, 0x20018db8), word, word, word).map(([a, b, c, d]): Ip => ({ family: 6, a, b, c, d }))
// Below 8 bits an IPv6 range may hold ::ffff:0:0/96, for which net.BlockList blocks IPv4, too: ours does not, on purpose.
const cidr = fc.oneof(
  fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })),
  fc.tuple(ipv6, fc.integer({ min: 8, max: 128 }))
).map(([ip, length]) => ({ address: formatIp(ip), length, family: ip.family === 4 ? 'ipv4' as const : 'ipv6' as const }))
const probes = fc.array(fc.oneof(ipv4, ipv6), { minLength: 1, maxLength: 40, size: 'max' })

describe('against net.BlockList', () => {
  it.each(['rules', 'list'])('the %s agree on random prefixes', async how => {
    await fc.assert(fc.asyncProperty(fc.array(cidr, { maxLength: 30, size: 'max' }), probes, async (cidrs, ips) => {
      const ours = blockList()
      const theirs = new NodeBlockList()
      const lines = cidrs.map(({ address, length }) => `${address}/${length}`)

      for (const { address, length, family } of cidrs) theirs.addSubnet(address, length, family)
      await ours.load(how === 'list' ? lines.join('\n') : '')
      lines.filter(() => how === 'rules').forEach(line => ours.blockSubnet(line))

      for (const ip of ips) {
        const text = formatIp(ip)
        expect([text, ours.match(text) != null]).toEqual([text, theirs.check(text, ip.family === 4 ? 'ipv4' : 'ipv6')])
      }
    }), { numRuns: 300 })
  })

  it('rules and list give the same narrowest range', async () => {
    await fc.assert(fc.asyncProperty(fc.array(cidr, { maxLength: 40, size: 'max' }), probes, async (cidrs, ips) => {
      const [rules, list] = [blockList(), blockList()]
      const lines = cidrs.map(({ address, length }) => `${address}/${length}`)
      lines.forEach(line => rules.blockSubnet(line))
      await list.load(lines.join('\n'))

      expect(list.size).toBe(rules.size)
      for (const ip of ips) expect(list.match(ip)?.range).toBe(rules.match(ip)?.range)
    }), { numRuns: 300 })
  })
})

// From so many on, a search begins at an index and a guess: ranges spread evenly, and crowded into one corner of one network.
describe('a list of forty thousand ranges finds what rules find', () => {
  const at = (seed: number): number => Math.imul(seed, 0x9e3779b1) >>> 0
  const even = (seed: number): Ip => ({ family: 6, a: (0x20000000 | at(seed) >>> 3) >>> 0, b: at(seed + 1), c: 0, d: 0 })
  const crowded = (seed: number): Ip => ({ family: 6, a: 0x2a0200ff, b: (0xfff00000 | at(seed) >>> 12) >>> 0, c: 0, d: 0 })
  const deep = (seed: number): Ip => ({ family: 6, a: 0x2a0200ff, b: 0xfff00000, c: at(seed), d: at(seed + 1) })
  const flat = (seed: number): Ip => ({ family: 4, bits: at(seed) })

  it.each([
    { name: 'IPv6, even', ip: even, shortest: 24, longest: 64 },
    { name: 'IPv6, crowded', ip: crowded, shortest: 40, longest: 64 },
    { name: 'IPv6, beyond a /64', ip: deep, shortest: 60, longest: 128 },
    { name: 'IPv4', ip: flat, shortest: 8, longest: 32 }
  ])('$name', async ({ ip, shortest, longest }) => {
    const lines = Array.from({ length: 40_000 }, (_, seed) => `${formatIp(ip(seed))}/${shortest + seed % (longest - shortest + 1)}`)
    const [rules, list] = [blockList(), blockList()]
    lines.forEach(line => rules.blockSubnet(line))
    await list.load(lines.join('\n'))

    const probes = Array.from({ length: 40_000 }, (_, seed) => ip(seed * 3 + 1))
    expect(list.size).toBe(rules.size)
    expect(probes.map(probe => list.match(probe)?.range)).toEqual(probes.map(probe => rules.match(probe)?.range))
    expect(list.match('2a02:ff:ffff:ffff:ffff:ffff:ffff:ffff')?.range).toBe(rules.match('2a02:ff:ffff:ffff:ffff:ffff:ffff:ffff')?.range)
    expect(list.match('::')).toBeUndefined()
    expect(list.match('ffff::')).toBeUndefined()
  })
})

describe('what a log shows', () => {
  it('of a loaded range is all of it', async () => {
    const list = blockList()
    await list.load('192.0.2.0/24')

    expect(inspect(list.match('192.0.2.1'))).toBe('{ range: \'192.0.2.0/24\', source: \'list\' }')
  })
})

describe('a list of three hundred thousand', () => {
  it('lets the event loop turn while it loads, and stays whole until it is swapped', async () => {
    const list = blockList()
    await list.load('198.51.100.0/24')
    const text = Array.from({ length: 300_000 }, (_, at) => `${1 + at % 200}.${at >> 8 & 255}.${at & 255}.${at * 7 & 255}/32`).join('\n')
    const seen: boolean[] = []
    const turn = (): void => {
      seen.push(list.match('198.51.100.1') != null)
      loading = setImmediate(turn)
    }
    let loading = setImmediate(turn)

    const report = await list.load(text)
    clearImmediate(loading)
    expect(report.ipv4 + report.duplicates).toBe(300_000)
    expect(seen.length).toBeGreaterThan(40)
    expect(seen.every(Boolean)).toBe(true)
    expect(list.match('198.51.100.1')).toBeUndefined()
  })
})
