import { describe, expect, it } from 'vitest'
import { parseIp } from '../../src/address/ip.ts'
import { parseRisk } from '../../src/limiter/risk-options.ts'
import { Risk } from '../../src/limiter/risk.ts'
import type { Ip } from '../../src/address/ip.ts'
import type { Ban } from '../../src/limiter/ban-ledger.ts'
import type { Unban } from '../../src/limiter/risk.ts'
import type { RiskInit } from '../../src/limiter/risk-options.ts'

const MINUTE = 60_000
const START = 1_700_000_000_000
const ip = parseIp('192.0.2.1')!
const other = parseIp('192.0.2.2')!

function riskWith (init: RiskInit = {}, capacity = 1_000) {
  const risk = new Risk({ config: parseRisk(init), capacity })
  const bans: Ban[] = []
  const unbans: Unban[] = []
  risk.onBan.add(ban => { bans.push(ban) })
  risk.onUnban.add(unban => { unbans.push(unban) })

  return {
    risk,
    bans,
    unbans,
    offend (times: number, now: number, who: Ip = ip) {
      for (let time = 0; time < times; time++) risk.offend(who, 'connect-rate', START + now)
    },
    left: (now: number, who: Ip = ip) => risk.banLeft(who, START + now),
    score: (now: number, who: Ip = ip) => risk.score(who, START + now)
  }
}

describe('risk', () => {
  it('bans at the threshold and not before, and says so once', () => {
    const { offend, left, bans } = riskWith()
    offend(9, 0)
    expect(left(0)).toBe(0)
    offend(5, 0)

    expect(left(0)).toBe(10 * MINUTE)
    expect(bans).toEqual([{ key: '192.0.2.1', ip, until: START + 10 * MINUTE, reason: 'connect-rate', automatic: true }])
    expect(left(0, other)).toBe(0)
  })

  it('halves a score every half-life and forgets it after ten offences\' worth of them', () => {
    const { offend, score } = riskWith()
    offend(8, 0)

    expect([0, 10, 20, 30].map(minutes => score(minutes * MINUTE))).toEqual([8, 4, 2, 1])
    expect(score(131 * MINUTE)).toBe(0)
  })

  it('never bans who offends seldom', () => {
    const { risk, bans } = riskWith()
    for (let minute = 0; minute < 10_000; minute += 2) risk.offend(ip, 'request-rate', START + minute * MINUTE)

    expect(bans).toEqual([])
  })

  it('leaves half the threshold after a ban, which fades from its end', () => {
    const { offend, score, left, unbans } = riskWith()
    offend(10, 0)

    expect([0, 5, 10, 20].map(minutes => score(minutes * MINUTE))).toEqual([5, 5, 5, 2.5])
    expect(left(10 * MINUTE - 1)).toBe(1)
    expect(left(10 * MINUTE)).toBe(0)
    expect(unbans).toMatchObject([{ key: '192.0.2.1', cause: 'ended' }])
  })

  it('doubles each ban up to the longest, where the original bans for the same time again and at the first offence', () => {
    const { offend, bans } = riskWith({ maxBanTime: 60 * MINUTE })
    let now = 0
    for (let ban = 0; ban < 5; ban++) {
      offend(10, now)
      now += 60 * MINUTE
    }

    expect(bans.map(({ until }, at) => (until - START) / MINUTE - at * 60)).toEqual([10, 20, 40, 60, 60])
  })

  it('lets the score fade from the end of a ban, also where the rules were said anew meanwhile', () => {
    const { risk, offend, score } = riskWith()
    offend(10, 0)
    risk.setConfig(parseRisk({}), START + MINUTE)

    expect([5, 10, 20].map(minutes => score(minutes * MINUTE))).toEqual([5, 5, 2.5])
  })

  it('begins with the shortest ban for who gets the place of one that was banned', () => {
    const { offend, left } = riskWith({}, 16)
    offend(10, 0)
    offend(10, 1_000 * MINUTE, other)

    expect(left(1_000 * MINUTE, other)).toBe(10 * MINUTE)
  })

  it('keeps the reason of an automatic ban that somebody says again without one', () => {
    const { risk, offend } = riskWith()
    offend(10, 0)

    expect([risk.ban(ip, MINUTE, START), risk.bans(START)]).toMatchObject([true, [{ reason: 'connect-rate', automatic: false, until: START + 10 * MINUTE }]])
  })

  it('begins with the shortest ban again when the score was forgotten', () => {
    const { offend, bans } = riskWith()
    offend(10, 0)
    offend(10, 10_000 * MINUTE, other)
    offend(1, 10_000 * MINUTE)
    expect(bans).toHaveLength(2)
    offend(9, 10_000 * MINUTE)

    expect(bans[2]!.until - START - 10_000 * MINUTE).toBe(10 * MINUTE)
  })

  it('scores nothing during a ban', () => {
    const { offend, score, bans } = riskWith()
    offend(1_000, 0)

    expect(bans).toHaveLength(1)
    expect(score(0)).toBe(5)
  })

  it('never shortens a ban, lengthens it, and lifts it', () => {
    const { risk, left, bans, unbans } = riskWith()

    expect(risk.ban(ip, 60 * MINUTE, START, 'spam')).toBe(true)
    expect(risk.ban(ip, MINUTE, START)).toBe(false)
    expect(left(0)).toBe(60 * MINUTE)
    expect(risk.ban(ip, Infinity, START, 'for good')).toBe(true)
    expect(risk.ban(ip, 60 * MINUTE, START)).toBe(false)
    expect(left(1e12)).toBe(Infinity)
    expect(bans.map(({ until, reason, automatic }) => [until - START, reason, automatic])).toEqual([[60 * MINUTE, 'spam', false], [Infinity, 'for good', false]])
    expect(risk.lift(ip, START)).toBe(true)
    expect(risk.lift(ip, START)).toBe(false)
    expect(left(0)).toBe(0)
    expect(unbans).toMatchObject([{ cause: 'lifted', reason: 'for good' }])
  })

  it('lets the score fade from the moment a ban is lifted', () => {
    const { risk, offend, score } = riskWith()
    offend(10, 0)
    risk.lift(ip, START + MINUTE)

    expect(score(11 * MINUTE)).toBe(2.5)
  })

  it('neither ends nor prolongs a ban when the clock jumps back', () => {
    const { offend, left } = riskWith()
    offend(10, 0)
    expect(left(4 * MINUTE)).toBe(6 * MINUTE)

    expect(left(-1_000 * MINUTE)).toBe(6 * MINUTE)
    expect(left(-994 * MINUTE)).toBe(0)
  })

  it('bans the /56 of an IPv6 client', () => {
    const { risk, offend } = riskWith()
    offend(10, 0, parseIp('2001:db8:0:100::1')!)

    expect(risk.banLeft(parseIp('2001:db8:0:1ff::2')!, START)).toBe(10 * MINUTE)
    expect(risk.banLeft(parseIp('2001:db8:0:200::1')!, START)).toBe(0)
    expect(risk.bans(START)).toMatchObject([{ key: '2001:db8:0:100::/56' }])
  })

  it('weighs offences, and forgives those of weight 0', () => {
    const { risk } = riskWith({ weights: { 'failed-handshake': 5, 'pending-timeout': 0 } })
    for (let time = 0; time < 100; time++) risk.offend(ip, 'pending-timeout', START)

    expect(risk.scored(START)).toBe(0)
    expect(risk.offend(ip, 'failed-handshake', START)).toBeUndefined()
    expect(risk.offend(ip, 'failed-handshake', START)).toMatchObject({ reason: 'failed-handshake' })
  })

  it('says so where a ban by hand finds no place, and is silent where an automatic one does not', () => {
    const { risk, offend, bans } = riskWith({}, 32)
    const ips = [1, 2, 3].map(host => parseIp(`192.0.2.${host}`)!)
    for (const ip of ips.slice(0, 2)) risk.ban(ip, MINUTE, START)

    expect(() => risk.ban(ips[2]!, MINUTE, START)).toThrow(expect.objectContaining({
      code: 'ERR_CAPACITY', message: 'Could not ban 192.0.2.3, whose /16 may have a sixteenth of all bans: the capacity of 32 is used up'
    }))
    expect(risk.ban(ips[0]!, 1, START)).toBe(false)
    offend(20, 0, ips[2])
    expect([bans.length, risk.banLeft(ips[2]!, START)]).toEqual([2, 0])
    expect(risk.ban(ips[2]!, MINUTE, START + MINUTE)).toBe(true)
  })

  it.each([
    ['IPv4 /16', ['192.0.2.1', '192.0.2.2', '192.0.2.3'], '198.51.100.1'],
    ['IPv6 /32', ['2001:db8:1::1', '2001:db8:2::1', '2001:db8:3::1'], '2001:db9::1']
  ])('scores and bans a sixteenth of its capacity in one %s, and others beside them', (_, hosts, outside) => {
    const { risk, offend, score, left } = riskWith({}, 32)
    const [first, second, third] = hosts.map(host => parseIp(host)!) as [Ip, Ip, Ip]
    const other = parseIp(outside)!
    for (const who of [first, second, third, other]) offend(1, 0, who)

    expect([first, second, third, other].map(who => score(0, who))).toEqual([1, 1, 0, 1])
    for (const who of [first, second, other]) expect(risk.ban(who, MINUTE, START)).toBe(true)
    expect(() => risk.ban(third, MINUTE, START)).toThrow(expect.objectContaining({ code: 'ERR_CAPACITY' }))
    expect([first, second, third, other].map(who => left(0, who))).toEqual([MINUTE, MINUTE, 0, MINUTE])
  })

  it('bans nobody for what is forgiven, also where the threshold was lowered below the score', () => {
    const { risk, offend, bans } = riskWith()
    offend(6, 0)
    risk.setConfig(parseRisk({ threshold: 5, weights: { 'stream-rate': 0 } }), START)

    expect([risk.offend(ip, 'stream-rate', START), bans]).toEqual([undefined, []])
    expect(risk.offend(ip, 'connect-rate', START)).toMatchObject({ reason: 'connect-rate' })
  })

  it('forgets nobody with a score for newcomers, and lets the forgotten go', () => {
    const { offend, score, left } = riskWith({}, 16)
    offend(9, 0)
    for (let net = 0; net < 10_000; net++) offend(1, 1, { family: 4, bits: 0x0a000000 + net * 65_536 })
    expect(score(1)).toBeCloseTo(9)

    offend(10, 1_000 * MINUTE, other)
    expect(left(1_000 * MINUTE, other)).toBe(10 * MINUTE)
  })

  it('notes a client as long as it has a score or a ban, and tells nobody of an end by that', () => {
    const { risk, offend, unbans } = riskWith()
    const noted = (minutes: number): boolean => risk.isNoted(ip, START + minutes * MINUTE)
    expect(noted(0)).toBe(false)
    offend(1, 0)
    expect([noted(99), risk.scored(START + 99 * MINUTE), noted(101), risk.scored(START + 101 * MINUTE)]).toEqual([true, 1, false, 0])
    risk.ban(ip, 10 * MINUTE, START + 200 * MINUTE)

    expect([noted(209), risk.scored(START + 209 * MINUTE), noted(210), unbans]).toEqual([true, 0, false, []])
  })

  it('survives listeners that throw', () => {
    const { risk, offend, bans } = riskWith()
    risk.onBan.add(() => { throw new Error('mine') })
    offend(10, 0)

    expect(bans).toHaveLength(1)
    expect(risk.onBan.failures).toBe(1)
  })

  it.each([
    [{ threshold: 0 }, 'risk.threshold'],
    [{ threshold: NaN }, 'risk.threshold'],
    [{ halfLife: 0 }, 'risk.halfLife'],
    [{ banTime: -1 }, 'risk.banTime'],
    [{ banTime: Infinity }, 'risk.banTime'],
    [{ maxBanTime: 1 }, 'risk.maxBanTime'],
    [{ weights: { 'connect-rate': -1 } }, 'risk.weights.connect-rate'],
    [{ weights: { other: 1 } }, 'risk.weights']
  ])('throws for %j', (init, option) => {
    expect(() => parseRisk(init as RiskInit)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }))
  })
})
