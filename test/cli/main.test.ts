import { createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { BLOCKED_ADDRESS, FLOODING_ADDRESS } from '../../src/cli/visitor-plan.ts'
import { isAlive, spawnCli } from './spawned-cli.ts'
import type { Facts } from '../../src/cli/run-tally.ts'
import type { Closing, Opening } from '../../src/cli/scoreboard.ts'
import type { AddressInfo } from 'node:net'

type Line = { type: 'start' } & Opening | { type: 'second' } & Facts | { type: 'summary' } & Closing

const QUICK = ['--grace', '200ms', '--silence', '500ms']
const isStart = (line: string): boolean => line.includes('"type":"start"')

function parse (lines: readonly string[]): Line[] {
  return lines.map(line => JSON.parse(line) as Line)
}

function pidIn (start: string): number {
  const { visitors } = JSON.parse(start) as Opening
  return visitors?.pid ?? NaN
}

describe('the main job', () => {
  it('guards a real node against real peers, sums up and leaves nothing behind', async () => {
    const { code, lines, stderr } = await spawnCli('--duration', '6s', '--json', ...QUICK).result
    const told = parse(lines)
    const start = told.find(line => line.type === 'start')
    const seconds = told.filter(line => line.type === 'second')
    const summary = told.find(line => line.type === 'summary')

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(told.map(({ type }) => type)).toEqual(['start', ...seconds.map(() => 'second'), 'summary'])
    expect(seconds.length).toBeGreaterThanOrEqual(3)

    expect(start).toMatchObject({ visitors: { peers: 40 }, addresses: [expect.stringContaining('/tcp/'), expect.stringContaining('/ws')] })
    expect(seconds.filter(({ open, hardLimit }) => open > hardLimit)).toEqual([])
    expect(seconds.filter(({ open, high }) => open <= high).length).toBeGreaterThan(0)

    expect(summary).toMatchObject({
      ended: 'duration',
      low: 20,
      high: 30,
      protected: { peers: 2, connected: 2 },
      tagged: { peers: 10 },
      highestValueClosed: 0,
      left: { open: 0, places: 0 }
    })
    expect(summary?.trims).toBeGreaterThanOrEqual(1)
    expect(summary?.deniedByReason['blocked-address']).toBeGreaterThanOrEqual(1)
    expect(summary?.deniedByAddress[BLOCKED_ADDRESS]).toBeGreaterThanOrEqual(1)
    expect(summary?.deniedByAddress[FLOODING_ADDRESS]).toBeGreaterThanOrEqual(1)
    expect(isAlive(start?.visitors?.pid ?? NaN)).toBe(false)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('ends within two seconds of %s, with its summary and exit 0', async signal => {
    const cli = spawnCli('--duration', '1m', '--json', ...QUICK)
    const start = await cli.line(isStart)
    await cli.line(line => line.includes('"type":"second"'))

    const asked = performance.now()
    cli.process.kill(signal)
    const { code, lines } = await cli.result

    expect(performance.now() - asked).toBeLessThan(2_000)
    expect(code).toBe(0)
    expect(parse(lines).at(-1)).toMatchObject({ type: 'summary', ended: 'signal', left: { open: 0, places: 0 } })
    expect(isAlive(pidIn(start))).toBe(false)
  })

  it('ends at once at the second Ctrl-C', async () => {
    const cli = spawnCli('--duration', '1m', '--json')
    const start = await cli.line(isStart)

    cli.process.kill('SIGINT')
    cli.process.kill('SIGTERM')

    expect((await cli.result).code).toBe(130)
    await expect.poll(() => isAlive(pidIn(start)), { timeout: 5_000 }).toBe(false)
  })

  it('takes its visitors with it even when it is killed', async () => {
    const cli = spawnCli('--duration', '1m', '--json')
    const start = await cli.line(isStart)
    cli.process.kill('SIGKILL')
    await cli.result

    await expect.poll(() => isAlive(pidIn(start)), { timeout: 5_000 }).toBe(false)
  })

  it('says so and fails when its visitors are taken away', async () => {
    const cli = spawnCli('--duration', '1m', '--json')
    const start = await cli.line(isStart)
    process.kill(pidIn(start), 'SIGKILL')
    const { code, lines } = await cli.result

    expect(code).toBe(1)
    expect(parse(lines).at(-1)).toMatchObject({ type: 'summary', ended: 'visitors-lost' })
  })

  it('tells people a line a second when its output is piped', async () => {
    const { code, lines } = await spawnCli('--duration', '2500ms', '--peers', '3').result

    expect(code).toBe(0)
    expect(lines[0]).toMatch(/^Guarding 12D3Koo/)
    expect(lines).toContain('against 3 visitors, one address that floods and one that is blocked')
    expect(lines.filter(line => /^ +[12]s {2}open +\d+ \(20 to 30\)/.test(line)).length).toBe(2)
    expect(lines).toContain('Stopped after 2.5 s (its time was over)')
  })

  it('ends when nobody reads its output any more', async () => {
    const cli = spawnCli('--duration', '1m', '--json')
    const start = await cli.line(isStart)
    cli.process.stdout?.destroy()
    const { code } = await cli.result

    expect(code).toBe(0)
    expect(isAlive(pidIn(start))).toBe(false)
  })

  it('guards a node for peers of one\'s own until it is asked to stop', async () => {
    const cli = spawnCli('--listen', '/ip4/127.0.0.1/tcp/0', '--json')
    const start = JSON.parse(await cli.line(isStart)) as Opening
    cli.process.kill('SIGINT')
    const { code, lines } = await cli.result

    expect(start).not.toHaveProperty('visitors')
    expect(start.addresses).toEqual([expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3Koo/)])
    expect(code).toBe(0)
    expect(parse(lines).at(-1)).toMatchObject({ type: 'summary', ended: 'signal' })
  })

  it('says in one line why it cannot listen', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as AddressInfo
    const { code, lines, stderr } = await spawnCli('--listen', `/ip4/127.0.0.1/tcp/${port}`).result
    holder.close()

    expect({ code, lines }).toEqual({ code: 1, lines: [] })
    expect(stderr).toMatch(new RegExp(`^libp2p-connmgr: Could not listen on .*/tcp/${port} .*EADDRINUSE.*\n$`))
  })

  it.each([['--foo'], ['--duration', 'soon'], ['--low', '9', '--high', '8']])('answers %s %s with one line and exit 2', async (...args) => {
    const { code, lines, stderr } = await spawnCli(...args).result

    expect({ code, lines }).toEqual({ code: 2, lines: [] })
    expect(stderr).toMatch(/^libp2p-connmgr: .+ \(--help lists the flags\)\n$/)
  })

  it('helps', async () => {
    const { code, lines, stderr } = await spawnCli('--help').result

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(lines.join('\n')).toContain('--max-per-ip <n>')
  })

  it('helps nobody who does not read, and says nothing of that', async () => {
    const cli = spawnCli('--help')
    cli.process.stdout?.destroy()

    expect(await cli.result).toEqual({ code: 0, lines: [], stderr: '' })
  })
})
