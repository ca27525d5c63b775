import { describe, expect, it } from 'vitest'
import { complaint } from '../../src/cli/complaint.ts'

const listenError = (details: string): Error => Object.assign(
  new Error(`Some configured addresses failed, set NO_FATAL:\n${details}`),
  { name: 'UnsupportedListenAddressesError' }
)

describe('complaint', () => {
  it.each<[unknown, string]>([
    [new Error('Could not do it'), 'Could not do it'],
    [new Error('Could not do it\nThis would help'), 'Could not do it'],
    [new TypeError(''), ''],
    ['just text', 'just text'],
    [
      listenError('\n  /ip4/127.0.0.1/tcp/80: Error: listen EACCES: permission denied\n      at node:net\n\n  /ip4/8.8.8.8/tcp/0: no such address\n'),
      'Could not listen on /ip4/127.0.0.1/tcp/80 (listen EACCES: permission denied) and /ip4/8.8.8.8/tcp/0 (no such address)'
    ],
    [listenError('and nothing else'), 'Some configured addresses failed, set NO_FATAL:']
  ])('turns %s into %j', (error, line) => {
    expect(complaint(error)).toBe(line)
  })
})
