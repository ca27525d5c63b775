import { parseArgs } from 'node:util'
import { multiaddr } from '@multiformats/multiaddr'
import { parseDuration } from './duration.ts'

/** What the command line asked for. */
export type Command =
  | { readonly kind: 'run', readonly options: RunOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'bad-flag', readonly message: string }

export interface RunOptions {
  /** Milliseconds; `Infinity` until a signal. */
  readonly duration: number

  /** A mark that is absent is derived from the other one by the manager. */
  readonly low?: number
  readonly high?: number
  readonly gracePeriod: number
  readonly silencePeriod: number
  readonly maxPerIp: number

  /** Built-in visitors; 0 when the node is guarded for peers of one's own. */
  readonly peers: number
  readonly listen: readonly string[]
  readonly json: boolean
}

/** Small numbers and short periods, so that everything there is to see is seen within fifteen seconds. */
export const FLAG_DEFAULTS = {
  duration: 30_000,
  low: 20,
  high: 30,
  gracePeriod: 1_000,
  silencePeriod: 2_000,
  maxPerIp: 5,
  peers: 40,
  listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws']
} as const

const FLAGS = {
  'duration': { type: 'string' },
  'low': { type: 'string' },
  'high': { type: 'string' },
  'grace': { type: 'string' },
  'silence': { type: 'string' },
  'max-per-ip': { type: 'string' },
  'peers': { type: 'string' },
  'listen': { type: 'string', multiple: true },
  'json': { type: 'boolean' },
  'help': { type: 'boolean', short: 'h' }
} as const

const MOST_MARK = 1_000_000
const MOST_PER_IP = 1_000
const MOST_PEERS = 2_000 // each is a whole libp2p node in the visitors' process

class BadFlag extends Error {
  override readonly name = 'BadFlag'
}

/** Everything is checked here, once. Never throws. */
export function parseFlags (args: readonly string[]): Command {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false })
    return values.help === true ? { kind: 'help' } : { kind: 'run', options: toOptions(values) }
  } catch (error) {
    return { kind: 'bad-flag', message: firstSentence(error) }
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof FLAGS }>>['values']

function toOptions (values: Values): RunOptions {
  const own = values.listen != null

  if (own && values.peers != null) {
    throw new BadFlag('--peers is the number of built-in visitors, and --listen has none: give one of the two')
  }

  return {
    duration: period('duration', values.duration, 1) ?? (own ? Infinity : FLAG_DEFAULTS.duration),
    ...marks(count('low', values.low, MOST_MARK), count('high', values.high, MOST_MARK)),
    gracePeriod: period('grace', values.grace, 0) ?? FLAG_DEFAULTS.gracePeriod,
    silencePeriod: period('silence', values.silence, 0) ?? FLAG_DEFAULTS.silencePeriod,
    maxPerIp: count('max-per-ip', values['max-per-ip'], MOST_PER_IP) ?? FLAG_DEFAULTS.maxPerIp,
    peers: own ? 0 : count('peers', values.peers, MOST_PEERS) ?? FLAG_DEFAULTS.peers,
    listen: values.listen?.map(listenAddress) ?? FLAG_DEFAULTS.listen,
    json: values.json ?? false
  }
}

function marks (low: number | undefined, high: number | undefined): { low?: number, high?: number } {
  if (low == null && high == null) return { low: FLAG_DEFAULTS.low, high: FLAG_DEFAULTS.high }

  if (low != null && high != null && low > high) {
    throw new BadFlag(`--low must not be above --high, got ${low} and ${high}`)
  }

  return { ...low != null && { low }, ...high != null && { high } }
}

function count (flag: string, text: string | undefined, most: number): number | undefined {
  if (text == null) return undefined
  const value = Number(text)

  if (!/^\d{1,9}$/.test(text) || value < 1 || value > most) {
    throw new BadFlag(`--${flag} must be a whole number from 1 to ${most}, got '${text}'`)
  }

  return value
}

function period (flag: string, text: string | undefined, least: number): number | undefined {
  if (text == null) return undefined
  const value = parseDuration(text)

  if (value == null || value < least) {
    throw new BadFlag(`--${flag} must be a time like 500ms, 20s or 2m, got '${text}'`)
  }

  return value
}

function listenAddress (text: string): string {
  if (!/^ip[46],tcp(,ws)?$/.test(protocols(text))) {
    throw new BadFlag(`--listen must be a multiaddr like /ip4/127.0.0.1/tcp/4001 or /ip4/127.0.0.1/tcp/4002/ws, got '${text}'`)
  }

  return text
}

function protocols (text: string): string {
  try {
    return multiaddr(text).getComponents().map(({ name }) => name).join()
  } catch {
    return ''
  }
}

/** Node's own messages go on with advice; one clear line is enough. */
function firstSentence (error: unknown): string {
  const [sentence = ''] = String(error instanceof Error ? error.message : error).split(/\.? ?\n|\. /)
  return error instanceof BadFlag ? error.message : sentence
}
