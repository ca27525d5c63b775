import { deny } from '../limiter/denial.ts'
import { isThenable } from '../limiter/thenable.ts'
import type { Stage } from './stages.ts'
import type { Answer, Hook, UserGater } from './user-gater.ts'
import type { Denied, Verdict } from '../limiter/verdict.ts'
import type { ConnectionGater as Libp2pConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

type Deny = boolean | Promise<boolean>

/** What one hook asks. */
interface Question {
  readonly hook: Hook
  readonly stage: Stage
  readonly args: readonly unknown[]
  readonly decide: () => Verdict

  /** What has to be waited for before a no is final. */
  readonly recall?: (denied: Denied) => Promise<void> | undefined

  /** What is done once everybody has said yes. */
  readonly commit?: () => void
  readonly maConn?: MultiaddrConnection
  readonly address?: Multiaddr
  readonly peer?: PeerId
}

/** The stages as the hooks need them: `intercept` without its reports, which are made here. */
export interface Deciding {
  peerDial (peer: PeerId): Verdict
  addrDial (address: Multiaddr): Verdict
  accept (maConn: MultiaddrConnection): Verdict
  outbound (peer: PeerId, maConn: MultiaddrConnection): Verdict
  secured (direction: 'inbound' | 'outbound', peer: PeerId, maConn: MultiaddrConnection): Verdict
  recall (denied: Denied, peer: PeerId, maConn: MultiaddrConnection): Promise<void> | undefined
  upgraded (peer: PeerId, maConn: MultiaddrConnection): Verdict
  enter (maConn: MultiaddrConnection): void
  relayReservation (source: PeerId): Verdict
  relayThrough (source: PeerId, destination: PeerId): Verdict
  relayed (relay: PeerId, remote: PeerId): Verdict
  filter (address: Multiaddr): Verdict

  /** The rule that shuts this connection out now, if there is one. */
  ruleAgainst (maConn: MultiaddrConnection, peer: PeerId | undefined): Denied | undefined
}

export interface HooksInit {
  readonly gate: Deciding
  readonly user: UserGater | undefined

  /** Undefined once stored rules are in force. */
  readonly loading: () => Promise<void> | undefined

  /** Counts and says it, and ends the socket that it is about. */
  readonly denied: (denied: Denied, question: Pick<Question, 'stage' | 'maConn' | 'address' | 'peer'>) => void

  /** Something of ours threw. */
  readonly failed: (stage: Stage, error: unknown) => Answer
}

const NOT_OPEN = deny({ action: 'close', reason: 'not-open' })

/**
 * js-libp2p's twelve hooks. Each answers at once: what it counts must be counted in the turn in which the socket was seen. Only where the
 * user's own gater answers with a promise, stored rules are still being loaded, or the peer store is asked what a loser at the full house is worth, is
 * the answer a promise, too.
 */
export function makeHooks (init: HooksInit): Required<Libp2pConnectionGater> {
  const { gate } = init
  const ask = (question: Question): Deny => answer(init, question)

  return {
    denyDialPeer: peer => ask({ hook: 'denyDialPeer', stage: 'peer-dial', args: [peer], peer, decide: () => gate.peerDial(peer) }),
    denyDialMultiaddr: address => ask({ hook: 'denyDialMultiaddr', stage: 'addr-dial', args: [address], address, decide: () => gate.addrDial(address) }),
    denyInboundConnection: maConn => ask({ hook: 'denyInboundConnection', stage: 'accept', args: [maConn], maConn, decide: () => gate.accept(maConn) }),
    denyOutboundConnection: (peer, maConn) => ask({
      hook: 'denyOutboundConnection', stage: 'outbound', args: [peer, maConn], peer, maConn, decide: () => gate.outbound(peer, maConn)
    }),
    denyInboundEncryptedConnection: (peer, maConn) => ask({
      hook: 'denyInboundEncryptedConnection', stage: 'secured', args: [peer, maConn], peer, maConn, decide: () => gate.secured('inbound', peer, maConn), recall: denied => gate.recall(denied, peer, maConn)
    }),
    denyOutboundEncryptedConnection: (peer, maConn) => ask({
      hook: 'denyOutboundEncryptedConnection', stage: 'secured', args: [peer, maConn], peer, maConn, decide: () => gate.secured('outbound', peer, maConn)
    }),
    denyInboundUpgradedConnection: (peer, maConn) => ask({
      hook: 'denyInboundUpgradedConnection', stage: 'upgraded', args: [peer, maConn], peer, maConn, decide: () => gate.upgraded(peer, maConn), commit: () => { gate.enter(maConn) }
    }),
    denyOutboundUpgradedConnection: (peer, maConn) => ask({
      hook: 'denyOutboundUpgradedConnection', stage: 'upgraded', args: [peer, maConn], peer, maConn, decide: () => gate.upgraded(peer, maConn), commit: () => { gate.enter(maConn) }
    }),
    denyInboundRelayReservation: source => ask({
      hook: 'denyInboundRelayReservation', stage: 'relay-reservation', args: [source], peer: source, decide: () => gate.relayReservation(source)
    }),
    denyOutboundRelayedConnection: (source, destination) => ask({
      hook: 'denyOutboundRelayedConnection', stage: 'relay-through', args: [source, destination], peer: source, decide: () => gate.relayThrough(source, destination)
    }),
    denyInboundRelayedConnection: (relay, remote) => ask({
      hook: 'denyInboundRelayedConnection', stage: 'relayed', args: [relay, remote], peer: remote, decide: () => gate.relayed(relay, remote)
    }),
    filterMultiaddrForPeer: (peer, address) => invert(ask({
      hook: 'filterMultiaddrForPeer', stage: 'filter', args: [peer, address], peer, address, decide: () => gate.filter(address)
    }))
  }
}

function answer (init: HooksInit, question: Question): Deny {
  const loading = init.loading()
  const ours = decide(init, question)
  const recalled = ours == null ? undefined : question.recall?.(ours)

  if (recalled != null) return recalled.then(() => settle(init, question, init.loading(), decide(init, question)))
  return settle(init, question, loading, ours)
}

function settle (init: HooksInit, question: Question, loading: Promise<void> | undefined, ours: Answer): Deny {
  if (ours != null) return finish(init, question, ours)
  if (loading != null) return loading.then(async () => finishLate(init, question, again(init, question) ?? await askUser(init, question)))

  const theirs = askUser(init, question)
  return isThenable(theirs) ? theirs.then(late => finishLate(init, question, late)) as Promise<boolean> : finish(init, question, theirs)
}

function askUser ({ user }: HooksInit, { hook, args, maConn }: Question): Answer | Promise<Answer> {
  const answer = user?.ask(hook, args)
  if (!isThenable(answer)) return answer

  // What happened while we waited is not undone by a yes.
  return answer.then(late => late ?? (maConn == null || maConn.status === 'open' ? undefined : NOT_OPEN)) as Promise<Answer>
}

/** What was loaded meanwhile has closed who was counted; who was not is asked again. */
function again (init: HooksInit, question: Question): Answer {
  const { maConn, peer } = question
  if (maConn == null) return decide(init, question)
  return maConn.status === 'open' ? undefined : init.gate.ruleAgainst(maConn, peer) ?? NOT_OPEN
}

function decide ({ failed }: HooksInit, { stage, decide }: Question): Answer {
  try {
    const verdict = decide()
    return verdict.allow ? undefined : verdict
  } catch (error) {
    return failed(stage, error)
  }
}

/** The one place where a verdict becomes js-libp2p's boolean, which says the opposite of ours. */
function finish (init: HooksInit, question: Question, denied: Answer): boolean {
  if (denied == null) question.commit?.()
  else init.denied(denied, question)
  return denied != null
}

/** Others may have taken meanwhile what is only taken now. */
function finishLate (init: HooksInit, question: Question, denied: Answer): boolean {
  return finish(init, question, denied ?? (question.commit == null ? undefined : decide(init, question)))
}

function invert (deny: Deny): boolean | Promise<boolean> {
  return typeof deny === 'boolean' ? !deny : deny.then(deny => !deny)
}
