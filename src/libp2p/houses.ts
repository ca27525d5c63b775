import type { House } from '../limiter/ports.ts'

/** The managers that run, by the bus of their node: how a stream gate finds its own where no gater of ours joins them. */
const houses = new WeakMap<object, House>()

/** @returns what ends it */
export function announceHouse (events: object, house: House): () => void {
  houses.set(events, house)

  return () => { if (houses.get(events) === house) houses.delete(events) }
}

export function houseOf (events: object): House | undefined {
  return houses.get(events)
}
