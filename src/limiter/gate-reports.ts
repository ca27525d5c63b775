import { Listeners } from './listeners.ts'
import { checkChoice, checkFunction } from './options.ts'
import type { Clock } from '../clock/clock.ts'
import type { GateEvents, GateListener } from './gate-contract.ts'
import type { Denied, DenyReason } from './verdict.ts'

type Emitters = { readonly [Type in keyof GateEvents]: Listeners<{ readonly type: Type, readonly detail: GateEvents[Type] }> }

const EVENT_NAMES = ['deny', 'ban', 'unban'] as const satisfies ReadonlyArray<keyof GateEvents>

/** What a security gate says of what it does: denials by reason, and events. */
export class GateReports {
  readonly #clock: Clock
  readonly #denied: Partial<Record<DenyReason, number>> = {}
  readonly #listeners: Emitters = { deny: new Listeners(), ban: new Listeners(), unban: new Listeners() }

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** Denials over all time. */
  denied (): Partial<Record<DenyReason, number>> {
    return { ...this.#denied }
  }

  /** @returns the verdict */
  deny (stage: 'connect' | 'request', id: GateEvents['deny']['id'], verdict: Denied): Denied {
    this.#denied[verdict.reason] = (this.#denied[verdict.reason] ?? 0) + 1
    if (this.#listeners.deny.size > 0) this.#listeners.deny.emit({ type: 'deny', detail: { stage, id, verdict, at: this.#clock.now() } })
    return verdict
  }

  banned (detail: GateEvents['ban']): void {
    this.#listeners.ban.emit({ type: 'ban', detail })
  }

  unbanned (detail: GateEvents['unban']): void {
    this.#listeners.unban.emit({ type: 'unban', detail })
  }

  /** @throws {@link InvalidOptionError} for another event, or what is no function */
  add<Type extends keyof GateEvents> (type: Type, listener: GateListener<Type>): void {
    checkChoice('type', type, EVENT_NAMES)
    this.#listeners[type].add(checkFunction('listener', listener))
  }

  delete<Type extends keyof GateEvents> (type: Type, listener: GateListener<Type>): void {
    checkChoice('type', type, EVENT_NAMES)
    this.#listeners[type].delete(listener)
  }
}
