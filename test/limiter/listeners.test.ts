import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Listeners } from '../../src/limiter/listeners.ts'

describe('a listener that', () => {
  it.each([
    ['throws', () => { throw new Error('broken') }],
    ['rejects', async () => { throw new Error('broken') }]
  ])('%s is counted, and the others hear', async (_, broken) => {
    const listeners = new Listeners<number>()
    const heard: number[] = []
    listeners.add(broken)
    listeners.add(event => { heard.push(event) })
    listeners.emit(7)
    // Nobody else catches what is rejected: vitest would fail the run.
    await setImmediate()

    expect([heard, listeners.failures]).toEqual([[7], 1])
  })

  it('takes itself away and adds itself again hears of an event once', () => {
    const listeners = new Listeners<number>()
    const heard: number[] = []
    const again = (event: number): void => {
      heard.push(event)
      if (heard.length > 9) throw new Error('heard of it for ever')
      listeners.delete(again)
      listeners.add(again)
    }
    listeners.add(again)
    for (const event of [1, 2]) listeners.emit(event)

    expect([heard, listeners.failures, listeners.size]).toEqual([[1, 2], 0, 1])
  })

  it('is taken away by another before its turn hears nothing, and one that is added hears of the next', () => {
    const listeners = new Listeners<number>()
    const heard: string[] = []
    const last = (): void => { heard.push('last') }
    listeners.add(() => {
      listeners.delete(last)
      listeners.add(late)
    })
    const late = (event: number): void => { heard.push(`late ${event}`) }
    listeners.add(last)
    for (const event of [1, 2]) listeners.emit(event)

    expect(heard).toEqual(['late 2'])
  })
})
