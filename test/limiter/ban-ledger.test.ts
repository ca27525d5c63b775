import { describe, expect, it } from 'vitest'
import { parseIp } from '../../src/address/ip.ts'
import { BanLedger } from '../../src/limiter/ban-ledger.ts'
import type { Ban } from '../../src/limiter/ban-ledger.ts'

const ip = parseIp('192.0.2.1')!
const START = 1_700_000_000_000

/** Who is told of an end does `act` about it, once. */
function ledgerThat (act: (ledger: BanLedger, ban: Ban, now: number) => void, capacity = 1_000) {
  const ended: Array<string | undefined> = []
  let now = START
  const ledger: BanLedger = new BanLedger(capacity, ban => {
    ended.push(ban.reason)
    if (ended.length === 1) act(ledger, ban, now)
  })

  return {
    ended,
    ban: (ms: number, reason: string, who = ip) => ledger.ban(who, ms, now, reason, true)?.reason,
    left: (who = ip) => ledger.left(who, now),
    find: () => ledger.find(ip, now)?.reason,
    lift: () => ledger.lift(ip, now)?.reason,
    sweep: () => { ledger.sweep(now) },
    list: () => ledger.list(now).map(({ reason }) => reason),
    pass: (ms: number) => { now += ms },
    size: () => ledger.size
  }
}

describe('a ban whose end is noticed, and whose client is banned again by who hears of it', () => {
  const again = () => ledgerThat((ledger, ban, now) => { ledger.ban(ban.ip, 10_000, now, 'again', true) })

  it.each<[string, (ledger: ReturnType<typeof again>) => unknown, unknown]>([
    ['left', ({ left }) => left(), 10_000],
    ['find', ({ find }) => find(), 'again'],
    ['lift', ({ lift }) => lift(), 'again'],
    ['list', ({ list }) => list(), ['again']],
    ['a longer ban', ({ ban, list }) => [ban(60_000, 'longer'), list()], ['longer', ['longer']]],
    ['a shorter ban', ({ ban, list }) => [ban(1_000, 'shorter'), list()], [undefined, ['again']]]
  ])('is banned to %s, which noticed it', (_, ask, expected) => {
    const ledger = again()
    ledger.ban(100, 'first')
    ledger.pass(100)

    expect(ask(ledger)).toEqual(expected)
    expect(ledger.ended).toEqual(['first'])
  })

  it('has one entry, and is free when that is over', () => {
    const ledger = again()
    ledger.ban(100, 'first')
    ledger.pass(100)
    ledger.ban(60_000, 'longer')
    expect(ledger.size()).toBe(1)
    ledger.pass(60_000)

    expect([ledger.left(), ledger.lift(), ledger.size(), ledger.list()]).toEqual([0, undefined, 0, []])
  })
})

describe('a full ledger', () => {
  it('has one entry for a client that is banned by who hears of an end that makes room for it', () => {
    const other = parseIp('192.0.2.2')!
    const ledger = ledgerThat((bans, _, now) => { bans.ban(other, 10_000, now, 'heard', true) }, 16)
    ledger.ban(100, 'first')
    ledger.pass(100)

    expect([ledger.ban(60_000, 'second', other), ledger.size(), ledger.left(other)]).toEqual(['second', 1, 60_000])
  })
})
