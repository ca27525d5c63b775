import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { GuardedEvents } from '../../src/limiter/guarded-events.ts'
import { spyLogger } from '../support/spy-logger.ts'

interface Events {
  news: CustomEvent<number>
}

type News = (event: CustomEvent<number>) => void

function made () {
  const logger = spyLogger()
  const events = new GuardedEvents<Events>(logger.forComponent('test'))
  const tell = async (detail = 1) => {
    events.safeDispatchEvent('news', { detail })
    // What Node rethrows, it rethrows in the next tick: vitest would fail the run.
    await setImmediate()
  }

  return { events, tell, errors: () => logger.errors('test') }
}

describe('a listener that', () => {
  const broken: Array<[string, unknown]> = [
    ['throws', () => { throw new Error('broken') }],
    ['rejects', async () => { throw new Error('broken') }],
    ['is an object, and throws', { handleEvent: () => { throw new Error('broken') } }]
  ]

  it.each(broken)('%s is logged and counted, and the others hear', async (_, listener) => {
    const { events, tell, errors } = made()
    const heard: number[] = []
    events.addEventListener('news', listener as News)
    events.addEventListener('news', ({ detail }) => { heard.push(detail) })
    await tell(7)

    expect(heard).toEqual([7])
    expect(events.listenerFailures).toBe(1)
    expect(errors()).toEqual(['a listener of news failed, the failures are now 1 - Error: broken'])
  })

  it('throws at every event cannot flood the log', async () => {
    const { events, tell, errors } = made()
    events.addEventListener('news', () => { throw new Error('broken') })
    for (let n = 0; n < 1_000; n++) events.safeDispatchEvent('news', { detail: n })
    await tell()

    expect(events.listenerFailures).toBe(1_001)
    expect(errors()).toHaveLength(10)
  })
})

describe('listeners', () => {
  it('are added once, counted and removed as those of any event target', async () => {
    const { events, tell } = made()
    const heard: number[] = []
    const listener: News = ({ detail }) => { heard.push(detail) }
    events.addEventListener('news', listener)
    events.addEventListener('news', listener)
    await tell(1)
    expect([heard, events.listenerCount('news')]).toEqual([[1], 1])

    events.removeEventListener('news', listener)
    await tell(2)
    expect([heard, events.listenerCount('news')]).toEqual([[1], 0])
  })

  it('hear once where they ask for it, and not after their signal', async () => {
    const { events, tell } = made()
    const heard: string[] = []
    const controller = new AbortController()
    events.addEventListener('news', () => { heard.push('once') }, { once: true })
    events.addEventListener('news', () => { heard.push('until') }, { signal: controller.signal })
    await tell()
    controller.abort()
    await tell()

    expect([heard, events.listenerCount('news')]).toEqual([['once', 'until'], 0])
  })

  it('that are null or were never added are nothing', async () => {
    const { events, tell } = made()
    events.addEventListener('news', null)
    events.removeEventListener('news', null)
    events.removeEventListener('news', () => {})
    await tell()

    expect(events.listenerCount('news')).toBe(0)
  })
})
