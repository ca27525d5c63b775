import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { nextTurn } from '../../src/clock/next-turn.ts'
import { systemClock } from '../../src/clock/system-clock.ts'

describe('the system clock', () => {
  it('tells the time of the machine', () => {
    const before = Date.now()

    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
    expect(systemClock.now()).toBeLessThanOrEqual(Date.now())
  })

  it('calls back once, and not after it was cancelled', async () => {
    const cancel = systemClock.after(0, () => { throw new Error('called back') })
    cancel()

    await new Promise<void>(resolve => { systemClock.after(1, resolve) })
    cancel()
  })

  it('does not fire at once for a delay longer than the platform can hold', async () => {
    let fired = false
    const cancel = systemClock.after(2 ** 31 + 10, () => { fired = true })

    await new Promise<void>(resolve => { systemClock.after(20, resolve) })
    cancel()

    expect(fired).toBe(false)
  })

  it('keeps no process alive', async () => {
    const clock = JSON.stringify(new URL('../../src/clock/system-clock.ts', import.meta.url).href)
    const script = `import { systemClock } from ${clock}; systemClock.after(600_000, () => {}); console.log('armed')`

    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { timeout: 20_000 })
    expect(stdout.trim()).toBe('armed')
  })
})

describe('the next turn of the event loop', () => {
  it('comes after what was due in this one', async () => {
    const order: string[] = []
    const turn = nextTurn().then(() => order.push('next turn'))

    process.nextTick(() => order.push('tick'))
    queueMicrotask(() => order.push('microtask'))
    await turn

    expect(order).toHaveLength(3)
    expect(order.at(-1)).toBe('next turn')
  })
})
