import { describe, expect, it } from 'vitest'
import { Ending } from '../../src/cli/ending.ts'

describe('Ending', () => {
  it('is over with the first reason, and keeps it', async () => {
    const ending = new Ending()
    expect(ending.over).toBe(false)

    ending.end('duration')
    ending.end('signal')
    ending.fail(new Error('too late'))

    expect(ending.over).toBe(true)
    await expect(ending.reason).resolves.toBe('duration')
  })

  it('passes an error on that came first', async () => {
    const ending = new Ending()
    ending.fail(new Error('no visitors'))
    ending.end('signal')

    await expect(ending.reason).rejects.toThrow('no visitors')
  })
})
