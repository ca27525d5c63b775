import { isIPv4, SocketAddress } from 'node:net'

export const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

export interface V2Init {
  readonly version?: number
  readonly command?: number
  readonly family?: number
  readonly source?: string
  readonly port?: number
  readonly tlvs?: number
  /** Of what follows the fixed part, where there is no source. */
  readonly length?: number
}

/** A header of version 2 as the specification draws it, right or wrong. */
export function v2Header ({ version = 2, command = 1, source, port = 0, tlvs = 0, family, length = 0 }: V2Init): Buffer {
  const body = source == null ? Buffer.alloc(length) : Buffer.concat([addresses(source, port), Buffer.alloc(tlvs)])
  const fixed = Buffer.of(version << 4 | command, family ?? (isIPv4(source ?? '') ? 0x11 : 0x21), body.length >> 8, body.length & 0xff)

  return Buffer.concat([V2_SIGNATURE, fixed, body])
}

function addresses (source: string, port: number): Buffer {
  const address = isIPv4(source) ? Buffer.from(source.split('.').map(Number)) : ipv6(source)
  const ports = Buffer.of(port >> 8, port & 0xff, 0, 80)

  return Buffer.concat([address, Buffer.alloc(address.length), ports])
}

function ipv6 (text: string): Buffer {
  const [head = '', tail = ''] = new SocketAddress({ address: text, family: 'ipv6' }).address.split('::')
  const groups = (part: string): string[] => part.split(':').filter(group => group !== '')
  const gap = 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: gap }, () => '0'), ...groups(tail)]

  return Buffer.from(all.map(group => group.padStart(4, '0')).join(''), 'hex')
}
