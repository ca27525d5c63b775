import type { BumpFn, DecayFn } from './decay.ts'
import type { PeerId } from '@libp2p/interface'

/** A tag whose values fade. It is bumped, never set. */
export interface DecayingTag {
  readonly name: string

  /** The interval in force, in ms: never below the manager's `decayResolution`. */
  readonly interval: number

  /**
   * Hands `delta` to the tag's bump function; a peer without this tag starts at 0.
   *
   * @throws DecayingTagError after `close()`, InvalidTagError for a delta that is not finite or a result that is not a safe integer, InvalidOptionError
   * for what is no peer id
   */
  bump (peer: PeerId, delta: number): void

  /**
   * @returns whether the peer had this tag
   * @throws DecayingTagError after `close()`
   */
  remove (peer: PeerId): boolean

  /** Removes the tag from every peer and frees its name. Idempotent. */
  close (): void
}

/** How a decaying tag fades, and what a bump makes of it. */
export interface DecayingTagInit {
  /** Milliseconds between two decays; finite and above zero. */
  readonly interval: number
  readonly decay: DecayFn
  readonly bump: BumpFn
}
