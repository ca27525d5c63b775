import { InvalidAddressError } from './errors.ts'
import { parseIp } from './ip.ts'
import type { Ip } from './ip.ts'

/** An address that an operator gave. @throws {@link InvalidAddressError} */
export function parseAddress (text: unknown): Ip {
  const ip = typeof text === 'string' ? parseIp(text) : undefined
  if (ip == null) throw new InvalidAddressError(String(text), 'an IPv4 or IPv6 address, without a port or a prefix length')
  return ip
}
