import { TypedEventEmitter } from 'main-event'
import type { ConnManager, ConnManagerEvents, ConnManagerInfo, TagInfo } from './contract.ts'
import type { DecayingTag } from './decay-contract.ts'
import type { TrimPlan, TrimReport } from './trim-contract.ts'

const EMPTY_PLAN: TrimPlan = {
  open: 0,
  target: Infinity,
  entries: [],
  spared: { 'protected': 0, 'trusted': 0, 'grace': 0, 'keep-alive': 0, 'outbound-reserve': 0 }
}

/**
 * A manager that remembers nothing and closes nothing, for code that expects one. Where go-libp2p's `NullConnMgr` hands out an empty
 * tag info for every peer, this one answers `undefined`, as the real one does for a peer it does not know.
 */
class NullConnManager extends TypedEventEmitter<ConnManagerEvents> implements ConnManager {
  start (): void {}
  stop (): void {}
  tagPeer (): void {}
  untagPeer (): boolean { return false }
  upsertTag (): void {}
  getTagInfo (): TagInfo | undefined { return undefined }
  protect (): void {}
  unprotect (): boolean { return false }
  isProtected (): boolean { return false }

  registerDecayingTag (name: string, { interval }: { interval: number }): DecayingTag {
    return { name, interval, bump () {}, remove: () => false, close () {} }
  }

  async trimOpenConns (): Promise<TrimReport> { return { ...EMPTY_PLAN, closed: 0, duration: 0 } }
  async forceTrim (): Promise<TrimReport> { return { ...EMPTY_PLAN, closed: 0, duration: 0 } }
  planTrim (): TrimPlan { return EMPTY_PLAN }
  checkLimit (): void {}

  getInfo (): ConnManagerInfo {
    return {
      lowWater: Infinity,
      highWater: Infinity,
      hardLimit: Infinity,
      outboundReserve: 0,
      gracePeriod: 0,
      silencePeriod: 0,
      connCount: 0,
      protectedPeers: 0,
      trackedPeers: 0
    }
  }

  setLimits (): void {}
  notifee (): { connected: () => void, disconnected: () => void } { return { connected () {}, disconnected () {} } }
}

/**
 * @returns a factory for `services`, like `connManager()`
 */
export function nullConnManager (): (components?: unknown) => ConnManager {
  return () => new NullConnManager()
}
