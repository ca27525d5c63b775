import type { Tag } from '@libp2p/interface'

/** js-libp2p redials a peer with a tag of this prefix after it was closed (`interface/peer-store.ts`). */
const KEEP_ALIVE = 'keep-alive'

/** What other services (kad-dht, gossipsub, bootstrap, relay) said of one peer in the peer store, as of the last event. */
export interface PeerStoreTags {
  readonly tags: readonly PeerStoreTag[]

  /** The sum of the tags that had not expired when this was made. */
  readonly value: number

  /** Epoch ms after which `value` is too high; Infinity when no tag expires. */
  readonly validUntil: number

  /** Whether a `keep-alive*` tag was among them. */
  readonly keepAlive: boolean
}

interface PeerStoreTag {
  readonly name: string
  readonly value: number

  /** Epoch ms. */
  readonly expiry: number
}

/** The peer store hands its own records out, whose tags know their end though the interface does not name it. */
type StoredTag = Tag & { readonly expiry?: bigint | number }

/**
 * A tag without a number is none: one would make the peer's value no number for good, which no order survives.
 *
 * @returns undefined when there is none: most peers have no tags, and their row stays empty
 */
export function peerStoreTags (stored: ReadonlyMap<string, Tag>, now: number): PeerStoreTags | undefined {
  const tags: PeerStoreTag[] = []

  for (const [name, tag] of stored as ReadonlyMap<string, StoredTag>) {
    if (Number.isFinite(tag?.value)) tags.push({ name, value: tag.value, expiry: tag.expiry == null ? Infinity : Number(tag.expiry) })
  }

  return valid(tags, now)
}

/** The same tags without those that have expired; js-libp2p announces an expiry by no event. */
export function refreshed (known: PeerStoreTags, now: number): PeerStoreTags | undefined {
  return now > known.validUntil ? valid(known.tags, now) : known
}

function valid (all: readonly PeerStoreTag[], now: number): PeerStoreTags | undefined {
  const tags = all.filter(tag => tag.expiry >= now)
  if (tags.length === 0) return undefined

  return {
    tags,
    value: tags.reduce((sum, tag) => sum + tag.value, 0),
    validUntil: tags.reduce((first, tag) => Math.min(first, tag.expiry), Infinity),
    keepAlive: tags.some(tag => tag.name.startsWith(KEEP_ALIVE))
  }
}
