/** The first 16 bits of an address: an index of them stays in a processor's cache, and is 256 kB. */
export const NETWORKS = 65_536

/** Of fewer it would be most of a table. */
const INDEXED_FROM = 16_384

/**
 * How many of so many sorted addresses are before each /16, so that a search looks at those of one /16 only: from its number up to that of
 * the next.
 *
 * @param at - the first 32 bits of each
 * @returns undefined where there are so few that a search through all is as good
 */
export function networkStarts (count: number, at: (index: number) => number): Uint32Array | undefined {
  if (count < INDEXED_FROM) return undefined
  const starts = new Uint32Array(NETWORKS + 1)

  for (let network = 1; network <= NETWORKS; network++) {
    starts[network] = firstFrom(network * NETWORKS, starts[network - 1]!, count, at)
  }

  return starts
}

/** A search for each of 65,536 is less work than a look at each of a million. */
function firstFrom (address: number, low: number, high: number, at: (index: number) => number): number {
  // It is near where the last one was found.
  for (let step = 1; low < high; step *= 2) {
    const index = Math.min(low + step, (low + high) >>> 1)
    if (at(index) < address) low = index + 1
    else high = index
  }

  return low
}
