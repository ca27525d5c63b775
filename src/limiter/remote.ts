import { parseIp } from '../address/ip.ts'
import type { Ip } from '../address/ip.ts'

/** A socket, the text of its address, or an address that was parsed before. */
export type RemoteLike = string | Ip | { readonly remoteAddress?: string | undefined }

/** Undefined where there is no IP address that can be read. */
export type Remote = Ip | undefined

/** Never throws: what a remote sent, or a socket that is gone, is an unknown address and no error. */
export function remoteOf (remote: RemoteLike | undefined): Remote {
  if (typeof remote === 'string') return parseIp(remote)
  if (typeof remote !== 'object' || remote == null) return undefined
  if (isIp(remote)) return remote
  return typeof remote.remoteAddress === 'string' ? parseIp(remote.remoteAddress) : undefined
}

export function isIp (remote: object): remote is Ip {
  // Other descriptions of addresses have a family, too: Node's 'IPv4' or 4, and no bits.
  const { family, bits, a } = remote as { readonly family?: unknown, readonly bits?: unknown, readonly a?: unknown }
  return family === 4 ? typeof bits === 'number' : family === 6 && typeof a === 'number'
}
