import { Alarm } from '../clock/alarm.ts'
import { DecayingTags } from './decaying-tags.ts'
import type { DecayingTag, DecayingTagInit } from './decay-contract.ts'
import type { DecayingTagsInit } from './decaying-tags.ts'
import type { Clock } from '../clock/clock.ts'

/** Decaying tags with their life: one alarm, set while the manager runs and somebody has such a tag. */
export class DecaySchedule {
  readonly tags: DecayingTags
  readonly #clock: Clock
  readonly #alarm: Alarm
  #started = false

  constructor (init: Omit<DecayingTagsInit, 'origin'>, clock: Clock) {
    this.tags = new DecayingTags({ ...init, origin: clock.now() })
    this.#clock = clock
    this.#alarm = new Alarm(clock, () => { this.#ring() })
  }

  start (): void {
    this.#started = true
    this.#schedule()
  }

  stop (): void {
    this.#started = false
    this.#alarm.clear()
  }

  register (name: string, init: DecayingTagInit): DecayingTag {
    const tag = this.tags.register(name, init, this.#clock.now())

    return {
      name,
      interval: tag.interval,
      bump: (peer, delta) => {
        this.tags.bump(tag, peer, delta, this.#clock.now())
        this.#schedule()
      },
      remove: peer => {
        const removed = this.tags.remove(tag, peer)
        this.#schedule()
        return removed
      },
      close: () => {
        this.tags.close(tag)
        this.#schedule()
      }
    }
  }

  #schedule (): void {
    if (this.#started) this.#alarm.set(this.tags.nextTick(this.#clock.now()))
  }

  #ring (): void {
    this.tags.tick(this.#clock.now())
    this.#schedule()
  }
}
