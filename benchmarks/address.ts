// What does it cost to know the client of a new connection? Node's own `net.isIP`, which only says yes or no, is the yardstick.
//
//   npm run bench -- address

import { isIP } from 'node:net'
import { IpNet } from '@chainsafe/netmask'
import { multiaddr } from '@multiformats/multiaddr'
import ipaddr from 'ipaddr.js'
import { do_not_optimize, measure } from 'mitata'
import { clientKey } from '../src/address/client-key.ts'
import { clientOf } from '../src/address/client.ts'
import { cidrContains, parseCidr } from '../src/address/cidr.ts'
import { formatIp, parseIp } from '../src/address/ip.ts'
import { prefixKey } from '../src/address/prefix.ts'
import { per } from './support/figures.ts'
import { named } from './support/package-name.ts'
import { report } from './support/report.ts'
import type { Figure, Stats } from './support/figures.ts'
import type { Ip } from '../src/address/ip.ts'

/** More than any cache in the engine holds, as many as a busy node sees. */
const SIZE = 10_000

const random = mulberry32(1)
const word = (): number => Math.floor(random() * 2 ** 32)
const fill = <T>(make: () => T): T[] => Array.from({ length: SIZE }, make)

const ipv4 = fill((): Ip => ({ family: 4, bits: word() }))
const ipv6 = fill((): Ip => ({ family: 6, a: 0x20010000 | word() >>> 16, b: word(), c: word(), d: word() }))
const short6 = fill((): Ip => ({ family: 6, a: 0x20010db8, b: word() >>> 16, c: 0, d: word() >>> 20 }))
const texts4 = ipv4.map(ip => flat(formatIp(ip)))
const texts6 = ipv6.map(ip => flat(formatIp(ip)))
const shortTexts6 = short6.map(ip => flat(formatIp(ip)))
const mappedTexts = texts4.map(text => flat(`::ffff:${text}`))
const addrs4 = texts4.map(text => multiaddr(`/ip4/${text}/tcp/4001`))
const addrs6 = texts6.map(text => multiaddr(`/ip6/${text}/udp/4001/quic-v1`))
const net4 = new IpNet('192.0.2.0/24')
const cidr4 = ipaddr.parseCIDR('192.0.2.0/24')
const others = { [`net.isIP, Node ${process.version}`]: isIP, [named('ipaddr.js')]: (text: string): unknown => ipaddr.parse(text) }
const range4 = parseCidr('192.0.2.0/24')
const range6 = parseCidr('2001:db8::/48')

const figures: Figure[] = []

await time('parseIp, IPv4', texts4, parseIp, others)
await time('parseIp, IPv6 of 8 groups', texts6, parseIp, others)
await time('parseIp, IPv6 with ::', shortTexts6, parseIp, others)
await time('parseIp, mapped', mappedTexts, parseIp, others)

await time('formatIp, IPv4', ipv4, formatIp)
await time('formatIp, IPv6', ipv6, formatIp)
await time('prefixKey, IPv4 /24', ipv4, ip => prefixKey(ip, 24))
await time('prefixKey, IPv6 /48', ipv6, ip => prefixKey(ip, 48))
await time('prefixKey, IPv6 /56', ipv6, ip => prefixKey(ip, 56))
await time('cidrContains, IPv4', ipv4, ip => cidrContains(range4, ip))
await time('cidrContains, IPv6', ipv6, ip => cidrContains(range6, ip))
await time('parseIp and cidrContains, IPv4', texts4, text => cidrContains(range4, parseIp(text)!), {
  [named('@chainsafe/netmask')]: text => net4.contains(text),
  [named('ipaddr.js')]: text => ipaddr.parse(text).match(cidr4)
})
await time('getComponents alone, /ip4/…/tcp/…', addrs4, addr => addr.getComponents())
await time('clientOf, /ip4/…/tcp/…', addrs4, clientOf)
await time('clientOf, /ip6/…/udp/…/quic-v1', addrs6, clientOf)
await time('clientOf and clientKey, IPv4', addrs4, addr => clientKey(clientOf(addr)))
await time('clientOf and clientKey, IPv6', addrs6, addr => clientKey(clientOf(addr)))

report({
  title: 'reading an address, and knowing its client',
  figures,
  notes: ['`net.isIP` only says whether it is an address; `ipaddr.js` makes an object of it; `@chainsafe/netmask` is asked whether a subnet contains it.']
})

/** ns for one input: passes through all of them, so that neither the timer nor a pause counts */
async function time<T> (name: string, inputs: readonly T[], run: (input: T) => unknown, peers: Readonly<Record<string, (input: T) => unknown>> = {}): Promise<void> {
  const each = async (run: (input: T) => unknown): Promise<Stats> => per(await measure(() => {
    for (const input of inputs) do_not_optimize(run(input))
  }, { min_cpu_time: 2e8 } as object), inputs.length)
  const theirs: Record<string, Stats> = {}

  for (const [who, run] of Object.entries(peers)) theirs[who] = await each(run)
  figures.push({ name, size: inputs.length, unit: 'ns', ours: await each(run), peers: theirs })
}

/** As a socket gives it: in one piece, where a concatenated string keeps its halves and is slower to read. */
function flat (text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** The same inputs in every run. */
function mulberry32 (seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0
    let mixed = Math.imul(seed ^ seed >>> 15, seed | 1)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}
