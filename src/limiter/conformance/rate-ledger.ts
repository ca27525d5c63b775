import { equal, ok } from './case.ts'
import { NO_PLACE } from '../rate-ledger.ts'
import type { RateLedger } from '../rate-ledger.ts'
import type { Rate } from '../rate.ts'
import type { ConformanceCase } from './case.ts'

const START = 1_700_000_000_000
const RATE: Rate = { strategy: 'sliding-window', limit: 3, window: 1_000 }

/** How the suite makes ledgers and keys of the kind that it tests. */
export interface RateLedgerFixture<Key> {
  /**
   * A new ledger of this rate and capacity.
   *
   * @param pinned - tells offenders: asked before an entry that is not fresh leaves
   */
  create (rate: Rate, capacity: number, pinned?: (key: Key) => boolean): RateLedger<Key>

  /** Distinct keys, none of which may crowd out another before the ledger is full. */
  key (at: number): Key
}

/** The other keys of a ledger of 16. */
function others (than: number): number[] {
  return Array.from({ length: 16 }, (_, at) => at).filter(at => at !== than)
}

/** What every bounded ledger of one rate promises, whatever its keys are. */
export function rateLedgerCases<Key> ({ create, key }: RateLedgerFixture<Key>): ConformanceCase[] {
  const spend = (ledger: RateLedger<Key>, at: number, cost: number, now = START): number => ledger.take(key(at), now, cost)

  return [
    {
      name: 'counts each key by itself',
      run () {
        const ledger = create(RATE, 16)

        equal([spend(ledger, 0, 3), spend(ledger, 1, 3)], [0, 0], 'the answers')
        equal(ledger.size, 2, 'the size')
        equal(ledger.wait(key(0), START), 1_000, 'the wait')
        equal(ledger.used(key(1), START), 3, 'what is used')
      }
    },
    {
      name: 'remembers nobody for asking or for being refused',
      run () {
        const ledger = create(RATE, 16)

        equal(ledger.wait(key(0), START), 0, 'the wait')
        equal(spend(ledger, 0, 4), Infinity, 'a cost above the limit')
        equal(ledger.used(key(0), START), 0, 'what is used')
        equal([ledger.wait(key(0), START, 4), ledger.wait(key(0), START, 3)], [Infinity, 0], 'the waits of costs')
        equal(spend(ledger, 0, 0), 0, 'a cost of 0')
        equal(ledger.quota(key(0), START), { limit: 3, remaining: 3, resetAfter: 0, window: 1_000 }, 'the quota')
        equal(ledger.size, 0, 'the size')
      }
    },
    {
      name: 'says what a key has left, and in how long all of it',
      run () {
        const ledger = create(RATE, 16)
        spend(ledger, 0, 2)

        equal(ledger.quota(key(0), START + 400), { limit: 3, remaining: 1, resetAfter: 600, window: 1_000 }, 'the quota')
        equal([ledger.wait(key(0), START + 400), ledger.wait(key(0), START + 400, 2)], [0, 600], 'the waits')
        equal([ledger.rate, ledger.capacity], [RATE, 16], 'the rate and the capacity')
      }
    },
    {
      name: 'limits nobody and remembers nobody without a limit',
      run () {
        const ledger = create({ ...RATE, limit: Infinity }, 16)

        for (let at = 0; at < 100; at++) equal([spend(ledger, at, 1e9), ledger.wait(key(at), START, 1e9)], [0, 0], 'the answers')
        equal([ledger.size, ledger.used(key(0), START)], [0, 0], 'the size, and what is used')
      }
    },
    {
      name: 'gives a key its quota back when asked to',
      run () {
        const ledger = create(RATE, 16)
        spend(ledger, 0, 3)

        equal([ledger.reset(key(0)), ledger.reset(key(0))], [true, false], 'whether it was remembered')
        equal(spend(ledger, 0, 3), 0, 'the answer')
      }
    },
    {
      name: 'never holds more than its capacity',
      run () {
        const ledger = create(RATE, 16)

        for (let at = 0; at < 1_000; at++) {
          spend(ledger, at, 1)
          ok(ledger.size <= 16, `the size is ${ledger.size} of 16`)
        }
      }
    },
    {
      name: 'at capacity lets those leave first that are equal to new',
      run () {
        const ledger = create(RATE, 16)
        spend(ledger, 7, 2)
        for (const at of others(7)) spend(ledger, at, 2, START + 500)

        equal(spend(ledger, 16, 1, START + 1_000), 0, 'the newcomer')
        equal(ledger.used(key(7), START + 1_000), 0, 'what the settled one used')
        for (const at of [0, 6, 8, 15]) equal(ledger.used(key(at), START + 1_000), 2, `what ${at} used`)
      }
    },
    {
      name: 'then the one that is nearest to new',
      run () {
        const ledger = create(RATE, 16)
        spend(ledger, 9, 1)
        for (const at of others(9)) spend(ledger, at, 1, START + 10)

        equal(spend(ledger, 16, 1, START + 20), 0, 'the newcomer')
        equal(ledger.used(key(9), START + 20), 0, 'what the nearest used')
        for (const at of [0, 8, 10, 15]) equal(ledger.used(key(at), START + 20), 1, `what ${at} used`)
      }
    },
    {
      name: 'lets one that would be refused leave last, and never where nobody tells who an offender is',
      run () {
        const pinned = (): boolean => false
        const ledgers = [create(RATE, 16), create(RATE, 16, pinned)]
        const [untold, told] = ledgers as [RateLedger<Key>, RateLedger<Key>]

        for (const ledger of ledgers) {
          for (const at of others(3)) spend(ledger, at, 3)
          spend(ledger, 3, 1, START + 10)

          equal(spend(ledger, 16, 3, START + 20), 0, 'the newcomer in the place of one with something left')
          equal(ledger.wait(key(0), START + 20), 980, 'the wait of one that is refused')
        }
        equal(spend(untold, 17, 1, START + 20), NO_PLACE, 'a newcomer among refused ones')
        equal(untold.wait(key(17), START + 20), NO_PLACE, 'its wait')
        equal(spend(told, 17, 1, START + 20), 0, 'a newcomer among refused ones that are no offenders')
      }
    },
    {
      name: 'never lets one leave that is pinned, refused or not',
      run () {
        const asked: Key[] = []
        const ledger = create(RATE, 16, which => asked.push(which) > 0)
        for (let at = 0; at < 16; at++) spend(ledger, at, at === 3 ? 1 : 3)

        equal(spend(ledger, 16, 1), NO_PLACE, 'the newcomer')
        ok(asked.length > 0 && asked.every(which => ledger.used(which, START) > 0), 'those are asked about that are remembered')
        equal(ledger.wait(key(16), START), NO_PLACE, 'the wait of the newcomer')
        equal(ledger.used(key(3), START), 1, 'what one with something left used')
        equal(ledger.wait(key(0), START), 1_000, 'the wait of one that is refused')
      }
    },
    {
      name: 'frees no offender when a hundred thousand keys rotate through it',
      run () {
        const ledger = create(RATE, 16)
        spend(ledger, 0, 3)

        for (let at = 1; at < 100_000; at++) spend(ledger, at, 1)
        equal(spend(ledger, 0, 1), 1_000, 'the wait of the offender')
      }
    },
    {
      name: 'keeps what is used when its strategy changes',
      run () {
        for (const strategy of ['cooldown', 'fixed-window', 'sliding-window', 'token-bucket'] as const) {
          const ledger = create({ ...RATE, strategy: 'fixed-window' }, 16)
          spend(ledger, 0, 3)
          spend(ledger, 1, 2)
          ledger.setRate({ ...RATE, strategy }, START)

          ok(ledger.wait(key(0), START) > 0, `${strategy} frees nobody`)
          equal(spend(ledger, 1, 1), 0, `what is left in ${strategy}`)
          ok(ledger.wait(key(1), START) > 0, `${strategy} frees nobody else`)
          equal(ledger.used(key(2), START), 0, `a new key in ${strategy}`)
        }
      }
    },
    {
      name: 'holds everybody to a new rate, who had used more than its limit to all of it',
      run () {
        const ledger = create(RATE, 16)
        spend(ledger, 0, 3)
        spend(ledger, 1, 1)
        ledger.setRate({ ...RATE, limit: 2, window: 500 }, START)

        equal(ledger.quota(key(0), START), { limit: 2, remaining: 0, resetAfter: 500, window: 500 }, 'the quota of who had used more')
        equal(ledger.quota(key(1), START), { limit: 2, remaining: 1, resetAfter: 500, window: 500 }, 'the quota of who had not')
        equal([spend(ledger, 2, 3), spend(ledger, 2, 2), spend(ledger, 2, 1)], [Infinity, 0, 500], 'the answers to a new key')
        equal(ledger.rate, { ...RATE, limit: 2, window: 500 }, 'the rate')
      }
    },
    {
      name: 'neither bans nor frees anybody when the clock jumps back',
      run () {
        const ledger = create(RATE, 16)
        spend(ledger, 0, 3)
        equal(ledger.wait(key(0), START + 400), 600, 'the wait before')

        equal(ledger.wait(key(0), START - 3_600_000), 600, 'the wait after a jump by an hour')
        equal(ledger.wait(key(0), START - 3_600_000 + 599), 1, 'the wait in the end')
        equal(spend(ledger, 0, 1, START - 3_600_000 + 600), 0, 'the answer then')
      }
    }
  ]
}
