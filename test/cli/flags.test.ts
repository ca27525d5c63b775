import { describe, expect, it } from 'vitest'
import { FLAG_DEFAULTS, parseFlags } from '../../src/cli/flags.ts'
import { HELP } from '../../src/cli/help.ts'

const defaults = { ...FLAG_DEFAULTS, json: false }

describe('parseFlags', () => {
  it('runs the built-in demo without any flag', () => {
    expect(parseFlags([])).toEqual({ kind: 'run', options: defaults })
  })

  it.each<[string, object]>([
    ['--duration 20s', { duration: 20_000 }],
    ['--duration=500ms', { duration: 500 }],
    ['--low 5 --high 8', { low: 5, high: 8 }],
    ['--low 8 --high 8', { low: 8, high: 8 }],
    ['--grace 0s --silence 100ms', { gracePeriod: 0, silencePeriod: 100 }],
    ['--max-per-ip 2 --peers 7', { maxPerIp: 2, peers: 7 }],
    ['--peers 1 --peers 2', { peers: 2 }],
    ['--json', { json: true }]
  ])('reads %s', (line, options) => {
    expect(parseFlags(line.split(' '))).toEqual({ kind: 'run', options: { ...defaults, ...options } })
  })

  it.each<[string, object]>([
    ['--low 40', { low: 40 }],
    ['--high 10', { high: 10 }]
  ])('leaves the other mark to the manager when it reads only %s', (line, marks) => {
    const { low: _low, high: _high, ...others } = defaults

    expect(parseFlags(line.split(' '))).toEqual({ kind: 'run', options: { ...others, ...marks } })
  })

  it('guards a node for peers of one\'s own, without an end, when it is told where to listen', () => {
    expect(parseFlags(['--listen', '/ip4/127.0.0.1/tcp/4001', '--listen', '/ip6/::1/tcp/4002/ws'])).toEqual({
      kind: 'run',
      options: { ...defaults, duration: Infinity, peers: 0, listen: ['/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4002/ws'] }
    })
  })

  it.each([['--help'], ['-h'], ['--low', '5', '--help']])('asks for help with %s', (...args) => {
    expect(parseFlags(args)).toEqual({ kind: 'help' })
  })

  it.each<[string, string]>([
    ['--foo', 'Unknown option \'--foo\''],
    ['--json=3', 'Option \'--json\' does not take an argument'],
    ['--low', 'Option \'--low <value>\' argument missing'],
    ['--low -5', 'Option \'--low\' argument is ambiguous'],
    ['here', 'Unexpected argument \'here\''],
    ['--duration 20', '--duration must be a time like 500ms, 20s or 2m, got \'20\''],
    ['--duration 0s', '--duration must be a time like 500ms, 20s or 2m, got \'0s\''],
    ['--low 0', '--low must be a whole number from 1 to 1000000, got \'0\''],
    ['--high 1.5', '--high must be a whole number from 1 to 1000000, got \'1.5\''],
    ['--peers many', '--peers must be a whole number from 1 to 2000, got \'many\''],
    ['--max-per-ip 0x10', '--max-per-ip must be a whole number from 1 to 1000, got \'0x10\''],
    ['--low 9 --high 8', '--low must not be above --high, got 9 and 8'],
    ['--listen /ip4/127.0.0.1/tcp/0 --peers 5', '--peers is the number of built-in visitors, and --listen has none: give one of the two'],
    ...['nowhere', '/ip4/127.0.0.1', '/ip4/127.0.0.1/udp/1/quic-v1', '/memory/a'].map((address): [string, string] => [
      `--listen ${address}`,
      `--listen must be a multiaddr like /ip4/127.0.0.1/tcp/4001 or /ip4/127.0.0.1/tcp/4002/ws, got '${address}'`
    ])
  ])('refuses %s with one line', (line, message) => {
    expect(parseFlags(line.split(' '))).toEqual({ kind: 'bad-flag', message })
  })
})

describe('HELP', () => {
  it.each(['duration', 'low', 'high', 'grace', 'silence', 'max-per-ip', 'peers', 'listen', 'json', 'help'])('explains --%s', flag => {
    expect(HELP).toMatch(new RegExp(`--${flag}\\s`))
  })
})
