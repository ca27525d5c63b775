import { clientKey } from '../address/client-key.ts'
import { parseAddress } from '../address/parse-address.ts'
import { systemClock } from '../clock/system-clock.ts'
import { deny } from '../limiter/denial.ts'
import { GuardedEvents } from '../limiter/guarded-events.ts'
import { checkClock } from '../limiter/options.ts'
import { gatePort } from '../limiter/ports.ts'
import { BlockDesk } from './block-desk.ts'
import { makeGatePort } from './gate-port.ts'
import { GaterState } from './gater-state.ts'
import { makeHooks } from './hooks.ts'
import { checkAddress, checkSubnet, isAddress } from './lists.ts'
import { Lives } from './lives.ts'
import { Reporter } from './reporter.ts'
import { StageDesk } from './stage-desk.ts'
import { UserGater } from './user-gater.ts'
import type { ConnectionGater, ConnectionGaterEvents, GaterInspection, Intercept } from './contract.ts'
import type { Held } from './held.ts'
import type { ConnectionGaterInit } from './options.ts'
import type { RuleStore } from './rule-store.ts'
import type { Gate } from '../limiter/ports.ts'
import type { ConnectionGater as Libp2pConnectionGater, Logger } from '@libp2p/interface'

/** What the edge gives: the part itself reaches neither a store nor a runtime. */
export interface GaterEdge {
  readonly log: Logger
  readonly store?: RuleStore | undefined

  /** A browser's pages may dial neither private addresses nor WebSockets without TLS. */
  readonly isBrowser?: boolean
  readonly random?: () => number
}

export interface GaterWithPort extends ConnectionGater {
  readonly [gatePort]: Gate
}

/** Everything that a gater is made of, joined. */
class GaterBody {
  readonly state: GaterState
  readonly lives: Lives
  readonly stages: StageDesk
  readonly reporter: Reporter
  readonly blocks: BlockDesk
  readonly events: GuardedEvents<ConnectionGaterEvents>
  readonly hooks: Required<Libp2pConnectionGater>
  #displaced = 0

  constructor (init: ConnectionGaterInit, { log, store, isBrowser = false, random = Math.random }: GaterEdge) {
    const clock = checkClock(init.clock ?? systemClock)

    this.events = new GuardedEvents(log)
    this.state = new GaterState({ init, clock, isBrowser, random, displace: held => { this.#displace(held) } })
    this.lives = new Lives(this.state)
    this.stages = new StageDesk(this.state, this.lives)
    this.reporter = new Reporter(this.state, log)
    this.blocks = new BlockDesk({ parts: this.state, lives: this.lives, store, timeout: () => this.state.checks.checkTimeout, log })
    this.hooks = this.#hooks(init.also, log)
    this.blocks.seed(init.blocks ?? [], init.trust ?? [])
    this.#emit()
  }

  inspect (): GaterInspection {
    const { state, events, reporter: { denials } } = this
    const { held, core, desk } = state

    return {
      config: state.config(),
      connections: held.size,
      open: { ...held.open },
      pending: { ...held.pending },
      closing: held.closing,
      clients: countByClient(held.list()),
      prefixes: core.prefixes(),
      transports: held.transports,
      peers: held.peers,
      denials: denials.byReason,
      denialsByStage: denials.byStage,
      displaced: this.#displaced,
      bans: desk.bans(),
      scored: desk.scored,
      rateEntries: core.rateEntries,
      listenerFailures: events.listenerFailures
    }
  }

  get intercept (): Intercept {
    const { stages, reporter, blocks: { persistence } } = this
    const report: Reporter['verdict'] = (stage, verdict, about) => {
      // A verdict cannot wait for what is stored; the rules close what they find.
      if (!persistence.isLoaded) persistence.inBackground(persistence.load())
      return reporter.verdict(stage, verdict, about)
    }

    return {
      peerDial: peer => report('peer-dial', stages.peerDial(peer), { peer }),
      addrDial: (peer, address) => report('addr-dial', stages.addrDial(address, peer), { peer, address }),
      accept: maConn => report('accept', stages.accept(maConn), { maConn }),
      secured: (direction, peer, maConn) => report('secured', stages.secured(direction, peer, maConn), { peer, maConn }),
      upgraded: (_, peer, maConn) => {
        const verdict = stages.upgraded(peer, maConn)
        if (verdict.allow) stages.enter(maConn)
        return report('upgraded', verdict, { peer, maConn })
      }
    }
  }

  #hooks (also: Libp2pConnectionGater | undefined, log: Logger): Required<Libp2pConnectionGater> {
    const { stages, state, lives, reporter, blocks: { persistence } } = this

    return makeHooks({
      gate: stages,
      user: also == null ? undefined : new UserGater(also, () => state.checks, state.clock, log),
      loading: () => persistence.isLoaded ? undefined : persistence.load(),

      denied: (denied, { stage, maConn, address, peer }) => {
        reporter.denied(stage, denied, { maConn, address, peer })
        if (maConn == null) return

        const held = state.held.find(maConn.timeline)
        if (held == null) lives.refuse(maConn)
        else lives.end(held)
      },

      failed: (stage, error) => {
        log.error('the check at %s failed, which is to %s - %e', stage, state.checks.onCheckFailed, error)
        return state.checks.onCheckFailed === 'deny' ? deny({ action: 'close', reason: 'check-failed' }) : undefined
      }
    })
  }

  #emit (): void {
    const { events, state: { desk }, reporter: { denials } } = this

    desk.onBan.add(detail => { events.safeDispatchEvent('ban', { detail }) })
    desk.onUnban.add(detail => { events.safeDispatchEvent('unban', { detail }) })
    denials.onDescribed.add(detail => { events.safeDispatchEvent('deny', { detail }) })
    denials.isDescribed = () => events.listenerCount('deny') > 0
  }

  #displace (held: Held): void {
    this.#displaced++
    this.lives.end(held)
  }
}

/**
 * The gater without its edges: what `connectionGater` of the door is made of.
 *
 * js-libp2p detaches one of its hooks and assigns others, so it is a plain, extensible object of closures.
 *
 * @throws InvalidOptionError, InvalidAddressError
 */
export function makeGater (init: ConnectionGaterInit, edge: GaterEdge): GaterWithPort {
  const body = new GaterBody(init, edge)
  const { state, blocks, events } = body
  const { lists } = state

  return {
    ...body.hooks,
    intercept: body.intercept,

    blockPeer: async (peer, options) => blocks.blockPeer(peer, options),
    unblockPeer: async peer => blocks.unblockPeer(peer),
    blockedPeers: () => blocks.blockedPeers(),
    blockAddress: async (ip, options) => blocks.blockAddress(ip, options),
    unblockAddress: async ip => blocks.unblockAddress(ip),
    blockedAddresses: () => blocks.blockedAddresses(),
    blockSubnet: async (cidr, options) => blocks.blockSubnet(cidr, options),
    unblockSubnet: async cidr => blocks.unblockSubnet(cidr),
    blockedSubnets: () => blocks.blockedSubnets(),

    trustPeer: peer => lists.trustPeer(peer),
    untrustPeer: peer => {
      const changed = lists.untrustPeer(peer)
      if (changed) state.trustLost()
      return changed
    },
    trustedPeers: () => lists.trustedPeers(),
    trustAddress: ip => lists.trustRange(checkAddress(ip)),
    untrustAddress: ip => lists.untrustRange(checkAddress(ip)),
    trustedAddresses: () => lists.trustedRanges().filter(isAddress),
    trustSubnet: cidr => lists.trustRange(checkSubnet(cidr)),
    untrustSubnet: cidr => lists.untrustRange(checkSubnet(cidr)),
    trustedSubnets: () => lists.trustedRanges().filter(range => !isAddress(range)),

    numOpen: ip => state.core.numOpen(parseAddress(ip)),
    config: () => state.config(),
    setConfig: change => { state.setConfig(change) },
    inspect: () => body.inspect(),

    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),

    [gatePort]: makeGatePort({ state, stages: body.stages, lives: body.lives, reporter: body.reporter, persistence: blocks.persistence })
  }
}

function countByClient (all: readonly Held[]): Record<string, number> {
  const counts: Record<string, number> = {}

  for (const { client } of all) {
    const key = clientKey(client)
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}
