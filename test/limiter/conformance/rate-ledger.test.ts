import { describe, expect, it } from 'vitest'
import { textRateLedger } from '../../../src/limiter/rate-ledger.ts'
import { rateLedgerCases } from '../../../src/testing.ts'
import { brokenOf, changed } from './broken.ts'
import type { RateLedger, RateLedgerFixture } from '../../../src/testing.ts'

type Create = RateLedgerFixture<string>['create']

/** A ledger with some of its members replaced. */
function but (members: (ledger: RateLedger<string>) => Partial<RateLedger<string>>): Create {
  return (...given) => {
    const ledger = textRateLedger(...given)
    return changed(ledger, members(ledger))
  }
}

const suite = (create: Create) => rateLedgerCases({ create, key: at => `key ${at}` })

describe('the suite of a rate ledger', () => {
  it.each<[flaw: string, promise: RegExp, create: Create]>([
    ['a limit of one more', /counts each key/, (rate, ...given) => textRateLedger({ ...rate, limit: rate.limit + 1 }, ...given)],
    ['half a window', /counts each key/, (rate, ...given) => textRateLedger({ ...rate, window: rate.window / 2 }, ...given)],
    ['room for one more', /never holds more/, (rate, capacity, pinned) => textRateLedger(rate, capacity + 1, pinned)],
    ['room for one less', /lets those leave first/, (rate, capacity, pinned) => textRateLedger(rate, capacity - 1, pinned)],
    ['a question that takes', /remembers nobody for asking/, but(ledger => ({ wait: (...given) => ledger.take(...given) }))],
    ['one wait for all costs', /remembers nobody for asking/, but(ledger => ({ wait: (key, now) => ledger.wait(key, now) }))],
    ['a quota of somebody else', /has left/, but(ledger => ({ quota: (_, now) => ledger.quota('nobody', now) }))],
    ['a capacity that is not its own', /has left/, but(() => ({ capacity: 5 }))],
    ['a limit where there is none', /without a limit/, (rate, ...given) => textRateLedger({ ...rate, limit: Math.min(rate.limit, 1e6) }, ...given)],
    ['a rate that cannot be changed', /holds everybody to a new rate/, but(() => ({ setRate: () => {} }))],
    ['a new rate with the old window', /holds everybody to a new rate/, but(ledger => ({ setRate: (rate, now) => { ledger.setRate({ ...rate, window: ledger.rate.window }, now) } }))],
    ['offenders that it does not ask about', /is pinned/, (rate, capacity) => textRateLedger(rate, capacity)],
    ['offenders that it mistakes for others', /is pinned/, (rate, capacity, pinned) => textRateLedger(rate, capacity, pinned && (() => pinned('somebody else')))]
  ])('given one with %s, names the promise that is broken', async (_, promise, create) => {
    expect(await brokenOf(suite(create))).toContainEqual(expect.stringMatching(promise))
  })

  it('finds nothing in one that is right', async () => {
    expect(await brokenOf(suite(but(() => ({}))))).toEqual([])
  })
})
