import { createServer } from 'node:http'
import { createLibp2p } from 'libp2p'
import { describe, expect, it } from 'vitest'
import { byteQuotas, connectionGater, connManager, meter, streamGate, throttle } from '../../src/index.ts'
import { blockList, connectionLimiter, rateLimiter, securityGate } from '../../src/limiter.ts'
import { limitConnections, limitRequests } from '../../src/server.ts'
import { fakeClock } from '../../src/testing.ts'

/** What JavaScript lets a newcomer write. */
const anyhow = (value: unknown): never => value as never

const limiter = connectionLimiter()
const rate = { strategy: 'cooldown', limit: 1, window: 1_000 } as const

const CLOCKED: ReadonlyArray<readonly [string, (init: never) => unknown]> = [
  ['connManager', connManager],
  ['connectionGater', connectionGater],
  ['streamGate', streamGate],
  ['connectionLimiter', connectionLimiter],
  ['securityGate', securityGate],
  ['blockList', blockList],
  ['rateLimiter', options => rateLimiter(rate, options)],
  ['byteQuotas', options => byteQuotas({ limit: 1, window: 1_000 }, options)],
  ['throttle', options => throttle({ limit: 1, window: 1_000 }, options)]
]

/** Read aloud: each says what it could not do, which rule that broke, and what came instead. */
const MISTAKES: ReadonlyArray<readonly [string, () => unknown, string]> = [
  ['a misspelt mark', () => connManager(anyhow({ highWatter: 5 })), 'Could not use the option init: it must be an object whose keys are among lowWater, highWater, hardLimit, outboundReserve, onHardLimit, contestRate, gracePeriod, silencePeriod, decayResolution, maxUnconnectedPeers, takeOver, trimOrder, clock, received "highWatter"'],
  ['a number for all options', () => connManager(anyhow(100)), 'Could not use the option init: it must be an object, received 100'],
  ['nothing for options', () => connManager(anyhow(null)), 'Could not use the option init: it must be an object, received null'],
  ['a manager without its call', async () => createLibp2p({ start: false, services: { manager: anyhow(connManager) } }), 'Could not use the option init: it must be an object of options; among libp2p\'s services the factory is called: connManager(), received an object'],
  ['a gater without its call', async () => createLibp2p({ start: false, connectionGater: anyhow(connectionGater), services: { manager: connManager() } }), 'Could not use the option connectionGater: it must be an object with hooks: the factory is called, connectionGater(), received a function'],
  ['a gater of one\'s own that is a function', () => connectionGater({ also: anyhow(() => true) }), 'Could not use the option also: it must be an object, received a function'],
  ['a period in words', () => connManager({ gracePeriod: anyhow('1m') }), 'Could not set gracePeriod: it must be a finite number of ms of at least 0, received "1m"'],
  ['a mark as text', () => connManager({ highWater: anyhow('100') }), 'Could not set highWater: it must be a whole number of at least 1, received "100"'],
  ['a port in an address', async () => connectionGater().blockAddress('192.0.2.1:80'), 'Could not parse the address "192.0.2.1:80": it is not an IPv4 or IPv6 address, without a port or a prefix length'],
  ['a multiaddr for an address', async () => connectionGater().blockAddress('/ip4/192.0.2.1/tcp/80'), 'Could not parse the address "/ip4/192.0.2.1/tcp/80": it is not an IPv4 or IPv6 address, without a port or a prefix length'],
  ['a text for a peer', async () => connectionGater().blockPeer(anyhow('12D3Koo')), 'Could not use the option peer: it must be a peer id, received "12D3Koo"'],
  ['a time in words', async () => connectionGater().blockAddress('192.0.2.1', { ttl: anyhow('1h') }), 'Could not use the option ttl: it must be a number of milliseconds above 0, or Infinity, received "1h"'],
  ['a reason that is none', async () => connectionGater().blockAddress('192.0.2.1', { reason: anyhow(5) }), 'Could not use the option reason: it must be a text, received 5'],
  ['a reason of a rule that is none', () => blockList().blockAddress('192.0.2.1', { reason: anyhow({ by: 'me' }) }), 'Could not use the option reason: it must be a text, received {"by":"me"}'],
  ['a reason of a ban that is none', () => securityGate().banAddress('192.0.2.1', 1_000, anyhow(null)), 'Could not use the option reason: it must be a text, received null'],
  ['a no in words', async () => connectionGater().blockAddress('192.0.2.1', { closeExisting: anyhow('no') }), 'Could not use the option closeExisting: it must be true or false, received "no"'],
  ['no options for a gater', () => connectionGater(anyhow(null)), 'Could not use the option init: it must be an object, received null'],
  ['one trusted address for a list', () => connectionGater({ trust: anyhow('10.0.0.1') }), 'Could not use the option trust: it must be an array of addresses, CIDRs and peer ids, received "10.0.0.1"'],
  ['blocks by name', () => connectionGater({ blocks: anyhow({ '10.0.0.1': true }) }), 'Could not use the option blocks: it must be an array of addresses, CIDRs and peer ids, received {"10.0.0.1":true}'],
  ['a folder for a datastore', () => connectionGater({ datastore: anyhow('./data') }), 'Could not use the option datastore: it must be an object, received "./data"'],
  ['a Map for a datastore', () => connectionGater({ datastore: anyhow(new Map()) }), 'Could not use the option datastore: it must be an interface-datastore, received {}'],
  ['a counter that is none', () => meter(anyhow(5)), 'Could not use the option onBytes: it must be a function, received 5'],
  ...CLOCKED.map(([name, make]) => [`a clock of ${name} without its call`, () => make(anyhow({ clock: fakeClock })), 'Could not use the option clock: it must be an object, received a function'] as const),
  ...CLOCKED.map(([name, make]) => [`half a clock of ${name}`, () => make(anyhow({ clock: { now: () => 0 } })), 'Could not use the option clock: it must be an object with now() and after(), received {}'] as const),
  ['a misspelt cap', () => connectionLimiter(anyhow({ maxConnPerIp: 5 })), 'Could not use the option init: it must be an object whose keys are among maxConnsPerIp, prefixLimits, networks, maxConns, connectRate, onUnknownAddress, maxUnknown, trust, capacity, clock, received "maxConnPerIp"'],
  ['a misspelt change', () => { limiter.setConfig(anyhow({ maxConn: 5 })) }, 'Could not use the option change: it must be an object whose keys are among maxConnsPerIp, prefixLimits, networks, maxConns, connectRate, onUnknownAddress, maxUnknown, received "maxConn"'],
  ['a rate without a strategy', () => rateLimiter(anyhow({ limit: 5, window: 1_000 })), 'Could not use the option rate.strategy: it must be one of \'cooldown\', \'fixed-window\', \'sliding-window\', \'token-bucket\', received undefined'],
  ['a misspelt capacity', () => rateLimiter(rate, anyhow({ size: 5 })), 'Could not use the option options: it must be an object whose keys are among capacity, clock, received "size"'],
  ['a list given at once', () => blockList(anyhow(['192.0.2.1'])), 'Could not use the option init: it must be an object, received ["192.0.2.1"]'],
  ['a path without its slash', () => securityGate({ pathRates: { login: rate } }), 'Could not use the option pathRates[\'login\']: it must be a path that begins with / and has no ?, #, \\, blanks or dot segments, received "login"'],
  ['a misspelt risk', () => securityGate({ risk: anyhow({ treshold: 5 }) }), 'Could not use the option risk: it must be an object whose keys are among threshold, halfLife, banTime, maxBanTime, weights, received "treshold"'],
  ['an application for a server', () => limitConnections(anyhow(() => {}), limiter), 'Could not use the option server: it must be a server of net, tls, http, https or http2, received a function'],
  ['every proxy trusted', () => limitConnections(createServer(), limiter, { trustedProxies: anyhow(true) }), 'Could not use the option trustedProxies: it must be an array of addresses and CIDRs, received true'],
  ['a misspelt deadline', () => limitConnections(createServer(), limiter, anyhow({ headersDeadline: 5 })), 'Could not use the option options: it must be an object whose keys are among onDeny, writeDeadline, proxyProtocol, trustedProxies, firstByteDeadline, headerDeadline, releaseOnUpgrade, sweepInterval, limitStreams, clock, received "headersDeadline"'],
  ['a misspelt rate', () => streamGate(anyhow({ openRates: rate })), 'Could not use the option init: it must be an object whose keys are among openRate, maxPendingStreams, negotiationTimeout, protocolRates, peerRate, maxStreamsPerProtocol, directions, dropsBeforeClose, idleTimeout, strict, capacity, clock, received "openRates"'],
  ['a stream gate without its call', async () => createLibp2p({ start: false, services: { gate: anyhow(streamGate) } }), 'Could not use the option init: it must be an object of options; among libp2p\'s services the factory is called: streamGate(), received an object'],
  ['no bytes at all', () => byteQuotas({ limit: 0, window: 1_000 }), 'Could not use the option rate.limit: it must be a whole number from 1, or Infinity, received 0'],
  ['a limiter for requests', () => limitRequests(anyhow(limiter)), 'Could not use the option gate: it must be a securityGate, received {}']
]

describe('a newcomer\'s mistake is named', () => {
  it.each(MISTAKES)('%s', async (_, mistake, message) => {
    await expect(async () => mistake()).rejects.toThrow(expect.objectContaining({ message }))
  })

  it('and a function that has hooks is a gater', async () => {
    const gater = Object.assign(() => {}, { denyDialPeer: () => false })
    const node = await createLibp2p({ start: false, connectionGater: gater, services: { manager: connManager() } })

    expect(node.services.manager.getInfo().connCount).toBe(0)
  })
})
