import { fakeClock } from '../../clock/fake-clock.ts'
import { equal, ok, rejects } from './case.ts'
import type { FakeClock } from '../../clock/fake-clock.ts'
import type { BlockList, BlockListInit } from '../block-list-contract.ts'
import type { ConformanceCase } from './case.ts'

/** What every block list promises. */
export function blockListCases (create: (init: Required<BlockListInit>) => BlockList): ConformanceCase[] {
  const setup = (capacity = 100): { list: BlockList, clock: FakeClock } => {
    const clock = fakeClock()
    return { list: create({ capacity, clock }), clock }
  }
  const blocks = (list: BlockList, ...ips: string[]): boolean[] => ips.map(ip => list.match(ip) != null)

  return [
    {
      name: 'matches nothing while it is empty',
      run () {
        const { list } = setup()

        equal(blocks(list, '192.0.2.1', '2001:db8::1', 'no address', ''), [false, false, false, false], 'what it blocks')
        equal(list.size, 0, 'the size')
      }
    },
    {
      name: 'blocks an address and nothing beside it',
      run () {
        const { list } = setup()

        equal([list.blockAddress('192.0.2.1'), list.blockAddress('192.0.2.1')], [true, false], 'whether anything changed')
        equal(list.blockAddress('2001:db8::1'), true, 'whether anything changed')
        equal(blocks(list, '192.0.2.1', '192.0.2.0', '192.0.2.2', '2001:db8::1', '2001:db8::2'), [true, false, false, true, false], 'what it blocks')
        equal(blocks(list, '192.0.2.01', '192.0.513', '192.0.2.1/32', '192.0.2.1:80'), [false, false, false, false], 'what is no address')
        equal(list.match({ family: 4, bits: 0xc0000201 })?.range, '192.0.2.1', 'the rule of an address that is read already')
        equal(list.match('192.0.2.1'), { range: '192.0.2.1', source: 'rule' }, 'the rule')
      }
    },
    {
      name: 'blocks a subnet from its first address to its last',
      run () {
        const { list } = setup()
        equal([list.blockSubnet('192.0.2.64/26'), list.blockSubnet('192.0.2.65/26')], [true, false], 'whether anything changed')
        list.blockSubnet('2001:db8:8000::/33')

        equal(blocks(list, '192.0.2.63', '192.0.2.64', '192.0.2.127', '192.0.2.128'), [false, true, true, false], 'what it blocks of IPv4')
        equal(blocks(list, '2001:db8:7fff:ffff::', '2001:db8:8000::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db9::'), [false, true, true, false], 'what it blocks of IPv6')
      }
    },
    {
      name: 'takes an IPv4-mapped address for its IPv4 address, both ways',
      run () {
        const { list } = setup()
        list.blockSubnet('::ffff:192.0.2.0/120')
        list.blockAddress('::ffff:c633:6401')

        equal(blocks(list, '192.0.2.9', '::ffff:192.0.2.9', '198.51.100.1'), [true, true, true], 'what it blocks')
        equal(list.match('192.0.2.9')?.range, '192.0.2.0/24', 'the range')
      }
    },
    {
      name: 'blocks a whole family and not the other',
      run () {
        const { list } = setup()
        list.blockSubnet('::/0')

        equal(blocks(list, '2001:db8::1', '192.0.2.1', '::ffff:192.0.2.1'), [true, false, false], 'what it blocks')
      }
    },
    {
      name: 'answers with the narrowest rule, whether it was set or loaded',
      async run () {
        const { list } = setup()
        await list.load('10.0.0.0/8\n10.1.2.0/24\n10.1.2.3')
        list.blockSubnet('10.1.0.0/16', { reason: 'rule' })

        equal(list.match('10.9.9.9'), { range: '10.0.0.0/8', source: 'list' }, 'the list\'s /8')
        equal(list.match('10.1.9.9'), { range: '10.1.0.0/16', source: 'rule', reason: 'rule' }, 'the rule\'s /16')
        equal(list.match('10.1.2.9')?.range, '10.1.2.0/24', 'the list\'s /24')
        list.blockAddress('10.1.2.3', { reason: 'same range' })
        equal(list.match('10.1.2.3')?.source, 'rule', 'who wins at the same range')
      }
    },
    {
      name: 'ends a rule at its time and not before',
      run () {
        const { list, clock } = setup()
        list.blockSubnet('10.0.0.0/8', { reason: 'wide' })
        list.blockAddress('10.0.0.1', { ttl: 1_000, reason: 'short' })

        equal(list.match('10.0.0.1'), { range: '10.0.0.1', source: 'rule', until: clock.now() + 1_000, reason: 'short' }, 'the rule')
        clock.advance(999)
        equal(list.match('10.0.0.1')?.reason, 'short', 'the reason just before')
        clock.advance(1)
        equal(list.match('10.0.0.1')?.reason, 'wide', 'the reason at it')
        equal(list.size, 1, 'the size then')
        equal(list.unblockAddress('10.0.0.1'), false, 'whether the ended one was there')
      }
    },
    {
      name: 'ends the rule of a subnet, too, and says nothing more of what has ended',
      run () {
        const { list, clock } = setup()
        list.blockSubnet('10.0.0.0/8', { ttl: 1_000, reason: 'short' })
        list.blockSubnet('192.0.2.0/24', { ttl: Infinity })

        const rules = list.rules().sort((a, b) => a.range < b.range ? -1 : 1)
        equal(rules, [{ range: '10.0.0.0/8', source: 'rule', until: clock.now() + 1_000, reason: 'short' }, { range: '192.0.2.0/24', source: 'rule' }], 'the rules')
        clock.advance(1_000)
        equal(list.rules(), [{ range: '192.0.2.0/24', source: 'rule' }], 'the rules then')
        equal([...list.lines()], ['192.0.2.0/24'], 'the lines then')
      }
    },
    {
      name: 'takes away exactly the rule that is named, and nothing of the loaded list',
      async run () {
        const { list } = setup()
        await list.load('203.0.113.0/24')
        list.blockSubnet('10.0.0.0/8')
        list.blockSubnet('10.1.0.0/16')

        equal([list.unblockAddress('10.1.0.1'), list.unblockSubnet('10.0.0.0/9'), list.unblockSubnet('203.0.113.0/24')], [false, false, false], 'what was there')
        equal(list.unblockSubnet('10.0.0.0/8'), true, 'whether the wide one was')
        equal(blocks(list, '10.1.0.1', '10.2.0.1', '203.0.113.1'), [true, false, true], 'what it blocks')
      }
    },
    {
      name: 'never shortens a rule but by taking it away',
      run () {
        const { list, clock } = setup()
        list.blockAddress('10.0.0.1', { ttl: 1_000 })

        equal(list.blockAddress('10.0.0.1', { ttl: 500 }), false, 'whether a shorter one changed anything')
        equal(list.blockAddress('10.0.0.1', { ttl: 2_000, reason: 'longer' }), true, 'whether a longer one did')
        equal(list.match('10.0.0.1')?.reason, 'longer', 'the reason then')
        equal(list.blockAddress('10.0.0.1'), true, 'whether one for good did')
        equal(list.blockAddress('10.0.0.1', { ttl: 1e12 }), false, 'whether one with an end did then')
        clock.advance(1e12)
        equal(blocks(list, '10.0.0.1'), [true], 'whether it blocks')
        equal([list.unblockAddress('10.0.0.1'), list.unblockAddress('10.0.0.1')], [true, false], 'whether it was there')
        equal(blocks(list, '10.0.0.1'), [false], 'whether it blocks then')
      }
    },
    {
      name: 'neither ends nor prolongs a rule when the clock jumps back',
      run () {
        const { list, clock } = setup()
        list.blockAddress('10.0.0.1', { ttl: 1_000 })
        clock.advance(400)
        list.match('10.0.0.1')
        clock.jump(clock.now() - 3_600_000)

        equal(blocks(list, '10.0.0.1'), [true], 'whether it blocks after the jump')
        clock.advance(600)
        equal(blocks(list, '10.0.0.1'), [false], 'whether it blocks in the end')
      }
    },
    {
      name: 'reads lists as people write them',
      async run () {
        const { list } = setup()
        const report = await list.load('\uFEFF# a list\r\n\r\n  192.0.2.0/24\t# why\r\n192.0.2.128\n192.0.2.0/24\n2001:DB8::/32#x\n; a list\r\n2001:db9::/32 ; SBL1 # why\n ::ffff:203.0.113.0/120 \n198.51.100.7/24')

        equal(report, { ipv4: 4, ipv6: 2, duplicates: 1, applied: true }, 'the report')
        equal(blocks(list, '192.0.2.1', '192.0.2.128', '2001:db8::1', '203.0.113.9', '198.51.100.255', '192.0.3.0'), [true, true, true, true, true, false], 'what it blocks')
      }
    },
    {
      name: 'keeps the old list when a line of the new one is wrong',
      async run () {
        const { list } = setup()
        await list.load('192.0.2.0/24')

        for (const line of ['10.0.0.0/33', '10.1', '010.0.0.1', '10.0.0.0/', '10.0.0.0/08', 'example.org', '1.2.3.4 5.6.7.8', '2001:db8::/129', '10.0.0.1:80']) {
          await rejects(async () => list.load(`10.0.0.0/8\n# fine\n${line}\n`), 'ERR_INVALID_LIST', `the error of ${line}`)
        }
        equal(blocks(list, '192.0.2.1', '10.0.0.1'), [true, false], 'what it blocks')
      }
    },
    {
      name: 'replaces its list as a whole, and the last one that was asked for stays',
      async run () {
        const { list } = setup()
        list.blockAddress('198.51.100.1')
        await list.load('192.0.2.0/24')
        const [first, second] = [list.load(Array.from({ length: 20_000 }, (_, at) => `10.${at >> 8}.${at & 255}.0/24`).join('\n')), list.load('203.0.113.0/24')]

        equal(blocks(list, '192.0.2.1', '203.0.113.1'), [true, false], 'what it blocks meanwhile')
        equal([(await first).applied, (await second).applied], [false, true], 'which of them are applied')
        equal(blocks(list, '192.0.2.1', '203.0.113.1', '10.0.0.1'), [false, true, false], 'what it blocks in the end')
        await list.load('')
        equal(list.rules(), [{ range: '198.51.100.1', source: 'rule' }], 'the rules, which no list replaces')
        equal(list.size, 1, 'the size with an empty list')
      }
    },
    {
      name: 'writes what it reads',
      async run () {
        const { list } = setup()
        await list.load('10.0.0.0/8\n2001:db8::/32\n10.1.0.0/16\n192.0.2.1')
        list.blockAddress('198.51.100.1', { reason: 'two\nlines' })
        const lines = [...list.lines()]
        const { list: copy } = setup()
        await copy.load(lines.join('\n'))

        equal(lines, ['198.51.100.1 # two lines', '10.0.0.0/8', '10.1.0.0/16', '192.0.2.1', '2001:db8::/32'], 'the lines')
        equal(copy.size, list.size, 'the size of the copy')
      }
    },
    {
      name: 'holds no more rules than its capacity, of which those that ended leave',
      async run () {
        const { list, clock } = setup(2)
        await list.load('203.0.113.0/24\n2001:db8::/32')
        list.blockAddress('10.0.0.1', { ttl: 1_000 })
        list.blockAddress('10.0.0.2')

        await rejects(() => list.blockAddress('10.0.0.3'), 'ERR_CAPACITY', 'the error')
        await rejects(() => list.blockSubnet('10.1.0.0/16'), 'ERR_CAPACITY', 'the error of a subnet')
        equal(list.blockAddress('10.0.0.2', { reason: 'known' }), false, 'whether anything changed of one that is in')
        equal(blocks(list, '10.0.0.1', '10.0.0.2', '10.0.0.3'), [true, true, false], 'what it blocks')
        clock.advance(1_000)
        equal(list.blockAddress('10.0.0.3'), true, 'whether it blocks one more then')
        equal(list.rules().map(({ range }) => range).sort(), ['10.0.0.2', '10.0.0.3'], 'the rules')
      }
    },
    {
      name: 'throws for what is no address, no subnet, no option, no time and no reason, and changes nothing',
      async run () {
        const { list } = setup()

        for (const text of ['', 'localhost', '10.0.0.1:80', '10.1', '[::1]', '10.0.0.0/33', ' 10.0.0.1']) {
          await rejects(() => list.blockSubnet(text), 'ERR_INVALID_ADDRESS', `the error of ${text}`)
          await rejects(() => list.blockAddress(text), 'ERR_INVALID_ADDRESS', `the error of ${text}`)
          await rejects(() => list.unblockSubnet(text), 'ERR_INVALID_ADDRESS', `the error of ${text}`)
        }
        await rejects(() => list.blockAddress('10.0.0.0/8'), 'ERR_INVALID_ADDRESS', 'the error of a subnet as an address')
        for (const ttl of [0, -1, NaN]) await rejects(() => list.blockAddress('10.0.0.1', { ttl }), 'ERR_INVALID_OPTION', `the error of the ttl ${ttl}`)
        await rejects(() => list.blockAddress('10.0.0.1', { until: 1 } as object), 'ERR_INVALID_OPTION', 'the error of an option that there is not')
        await rejects(() => list.blockAddress('10.0.0.1', { reason: 5 } as object), 'ERR_INVALID_OPTION', 'the error of a reason that is no text')
        await rejects(async () => list.load(undefined as unknown as string), 'ERR_INVALID_OPTION', 'the error of a list that is no text')
        ok(list.size === 0, 'nothing is blocked')
      }
    }
  ]
}
