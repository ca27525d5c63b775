/** What the node's process tells the visitors' when it starts it, as its one argument. */
export interface Invitation {
  readonly peers: number
  readonly maxPerIp: number

  /** The node's multiaddrs, with its peer id. */
  readonly tcp: string
  readonly ws: string
}

/** The first message back: who will come, by peer id, before anybody has dialed. */
export interface Introduction {
  readonly kind: 'introduction'
  readonly protected: readonly string[]
  readonly steady: readonly string[]
}

/** The answer: the node knows them now, and the doors are open. */
export interface Welcome {
  readonly kind: 'welcome'
}

export function isIntroduction (message: unknown): message is Introduction {
  return isKind(message, 'introduction')
}

export function isWelcome (message: unknown): message is Welcome {
  return isKind(message, 'welcome')
}

function isKind (message: unknown, kind: string): boolean {
  return typeof message === 'object' && message != null && 'kind' in message && message.kind === kind
}
