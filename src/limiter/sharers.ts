import type { Ip } from '../address/ip.ts'

/** A gater, which may share its core with others, and keeps scores and bans of its own. */
export interface Sharer {
  /** Whether what is known of an address's rate must stay. */
  isHeld (ip: Ip): boolean

  /** Some range is not trusted any more, whoever said so. */
  trustLost (): void
}

/** Weak, because a limiter that is kept would keep everybody whom it was ever given to. */
export class Sharers implements Sharer {
  readonly #all = new Set<WeakRef<Sharer>>()

  add (sharer: Sharer): void {
    this.#all.add(new WeakRef(sharer))
  }

  isHeld (ip: Ip): boolean {
    for (const ref of this.#all) {
      const sharer = ref.deref()
      if (sharer == null) this.#all.delete(ref)
      else if (sharer.isHeld(ip)) return true
    }
    return false
  }

  trustLost (): void {
    for (const ref of this.#all) ref.deref()?.trustLost()
  }
}
