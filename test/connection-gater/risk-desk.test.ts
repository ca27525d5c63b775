import { expect, it } from 'vitest'
import { fakeClock } from '../../src/testing.ts'
import { bench, socket } from './kit.ts'

it('the end of a ban is said when it ends, also where timers ring some ms early', () => {
  const time = fakeClock()
  const clock = { ...time, after: (delay: number, callback: () => void) => time.after(Math.max(1, delay - 3), callback) }
  const { gater } = bench({ clock, maxConnsPerIp: 0, risk: { threshold: 1, banTime: 1_000 } })
  const late: number[] = []
  gater.addEventListener('unban', ({ detail: { until, at } }) => { late.push(at - until) })
  gater.denyInboundConnection(socket())

  time.advance(3_000)
  expect(late).toEqual([0])
  expect(time.pending).toBe(0)
})
