import { describe, expect, it } from 'vitest'
import { blockList } from '../../../src/limiter.ts'
import { blockListCases } from '../../../src/testing.ts'
import { brokenOf, changed } from './broken.ts'
import type { BlockList, BlockListInit } from '../../../src/testing.ts'

type Create = (init: Required<BlockListInit>) => BlockList

/** A list with some of its members replaced. */
function but (members: (list: BlockList, init: Required<BlockListInit>) => Partial<BlockList>): Create {
  return init => {
    const list = blockList(init)
    return changed(list, members(list, init))
  }
}

describe('the suite of a block list', () => {
  it.each<[flaw: string, promise: RegExp, create: Create]>([
    ['rules of addresses that last a ms more', /at its time and not before/, but(list => ({ blockAddress: (ip, options) => list.blockAddress(ip, options?.ttl == null ? options : { ...options, ttl: options.ttl + 1 }) }))],
    ['rules of subnets that last for good', /the rule of a subnet, too/, but(list => ({ blockSubnet: (cidr, options) => list.blockSubnet(cidr, { ...options, ttl: Infinity }) }))],
    ['subnets that always say yes', /from its first address to its last/, but(list => ({
      blockSubnet (...given) {
        list.blockSubnet(...given)
        return true
      }
    }))],
    ['rules that say neither when nor why', /the rule of a subnet, too/, but(list => ({ rules: () => list.rules().map(({ range, source }) => ({ range, source })) }))],
    ['an unblocked address that takes its subnet along', /exactly the rule that is named/, but(list => ({ unblockAddress: ip => list.unblockSubnet(list.match(ip)?.range ?? ip) }))],
    ['a first reason that stays', /never shortens/, but(list => ({ blockAddress: (ip, options) => list.blockAddress(ip, { ...options, reason: list.match(ip)?.reason ?? options?.reason ?? 'none' }) }))],
    ['a text that replaces the rules, too', /replaces its list as a whole/, but(list => ({
      async load (text) {
        for (const { range } of list.rules()) list.unblockSubnet(range)
        return list.load(text)
      }
    }))],
    ['a moment without a list', /keeps the old list/, but(list => ({
      async load (text) {
        await list.load('')
        return list.load(text)
      }
    }))],
    ['a capacity that the loaded list uses up', /no more rules than its capacity/, but((list, { capacity }) => ({
      blockAddress (ip, options) {
        if (list.size >= capacity) throw new Error('full')
        return list.blockAddress(ip, options)
      }
    }))],
    ['addresses that are read as octal', /an address and nothing beside it/, but(list => ({ match: ip => list.match(typeof ip === 'string' ? ip.replaceAll(/\b0+(?=\d)/g, '') : ip) }))],
    ['misspelt options that pass', /throws for what is no/, but(list => ({ blockAddress: (ip, { ttl, reason } = {}) => list.blockAddress(ip, { ...ttl !== undefined && { ttl }, ...reason !== undefined && { reason } }) }))],
    ['reasons that are no text', /throws for what is no/, but(list => ({ blockAddress: (ip, options) => list.blockAddress(ip, { ...options, ...options?.reason != null && { reason: `${options.reason}` } }) }))]
  ])('given one with %s, names the promise that is broken', async (_, promise, create) => {
    expect(await brokenOf(blockListCases(create))).toContainEqual(expect.stringMatching(promise))
  })

  it('finds nothing in one that is right, in whatever order it names what it says', async () => {
    const reversed = but(list => ({ rules: () => list.rules().map(rule => Object.fromEntries(Object.entries(rule).reverse()) as unknown as typeof rule) }))

    expect(await brokenOf(blockListCases(reversed))).toEqual([])
  })
})
