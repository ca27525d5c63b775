import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { looksLikeProxyHeader, MAX_V1_LENGTH, MAX_V2_LENGTH, readProxyHeader } from '../../src/server/proxy-protocol.ts'
import { V2_SIGNATURE, v2Header } from './support/proxy-header.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

describe('version 1', () => {
  it.each<[string, string, object]>([
    ['IPv4', 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n', { source: { address: '192.0.2.1', port: 56_324 } }],
    ['IPv6', 'PROXY TCP6 2001:db8::1 ::1 0 65535\r\n', { source: { address: '2001:db8::1', port: 0 } }],
    ['an unknown client', 'PROXY UNKNOWN\r\n', {}],
    ['an unknown client with anything behind', 'PROXY UNKNOWN ffff:: what ~ ever 1 2 3\r\n', {}]
  ])('reads %s', (_, line, source) => {
    expect(readProxyHeader(bytes(`${line}GET / HTTP/1.1\r\n`))).toEqual({ kind: 'header', length: line.length, ...source })
  })

  it.each([
    ['a family that does not fit', 'PROXY TCP4 2001:db8::1 198.51.100.1 1 2\r\n'],
    ['the other family that does not fit', 'PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n'],
    ['an unknown family', 'PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n'],
    ['an octal address', 'PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n'],
    ['a zone', 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n'],
    ['two blanks', 'PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n'],
    ['a missing port', 'PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n'],
    ['a port too many', 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n'],
    ['a port above 65535', 'PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n'],
    ['a port with a leading zero', 'PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n'],
    ['a bare line feed', 'PROXY TCP4 192.0.2.1 198.51.100.1 1 22\n'],
    ['a carriage return within', 'PROXY TCP4 192.0.2.1\r198.51.100.1 1 2\r\n'],
    ['a control character', 'PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n'],
    ['a byte that is no ASCII', 'PROXY TCP4 192.0.2.1\xff 198.51.100.1 1 2\r\n']
  ])('refuses %s', (_, line) => {
    expect(readProxyHeader(bytes(line))).toEqual({ kind: 'error', error: 'malformed' })
  })

  it('is at most 107 bytes long', () => {
    const longest = `PROXY UNKNOWN ${'x'.repeat(MAX_V1_LENGTH - 16)}\r\n`
    expect(readProxyHeader(bytes(longest))).toEqual({ kind: 'header', length: 107 })
    expect(readProxyHeader(bytes(longest.replace('x', 'xx')))).toEqual({ kind: 'error', error: 'too-long' })
    expect(readProxyHeader(bytes(longest.slice(0, -1)))).toEqual({ kind: 'more' })
  })
})

describe('version 2', () => {
  const rest = bytes('and what follows')
  const then = (header: Uint8Array): Uint8Array => Buffer.concat([header, rest])

  it.each<[string, Uint8Array, object]>([
    ['IPv4', v2Header({ source: '192.0.2.1', port: 56_324 }), { source: { address: '192.0.2.1', port: 56_324 } }],
    ['IPv6', v2Header({ source: '2001:db8::1', port: 1 }), { source: { address: '2001:db8:0:0:0:0:0:1', port: 1 } }],
    ['TLVs behind the addresses', v2Header({ source: '192.0.2.1', port: 1, tlvs: 200 }), { source: { address: '192.0.2.1', port: 1 } }],
    ['LOCAL, whatever it holds', v2Header({ command: 0, source: '192.0.2.1', port: 1 }), {}],
    ['LOCAL with nothing', v2Header({ command: 0, family: 0 }), {}],
    ['an unspecified family', v2Header({ family: 0 }), {}],
    ['a Unix socket', v2Header({ family: 0x31, length: 216 }), {}],
    ['UDP, which is not this connection', v2Header({ family: 0x12, length: 12 }), {}]
  ])('reads %s', (_, header, source) => {
    expect(readProxyHeader(then(header))).toEqual({ kind: 'header', length: header.length, ...source })
  })

  it.each<[string, Uint8Array, string]>([
    ['another version', v2Header({ version: 1, family: 0 }), 'malformed'],
    ['an unknown command', v2Header({ command: 2, family: 0 }), 'malformed'],
    ['an unknown family', v2Header({ family: 0x41 }), 'malformed'],
    ['an unknown transport', v2Header({ family: 0x13, length: 12 }), 'malformed'],
    ['IPv4 addresses cut short', v2Header({ family: 0x11, length: 11 }), 'malformed'],
    ['IPv6 addresses cut short', v2Header({ family: 0x21, length: 35 }), 'malformed'],
    ['Unix addresses cut short', v2Header({ family: 0x31, length: 215 }), 'malformed'],
    ['more than it will buffer, before it has come', v2Header({ family: 0x11, length: MAX_V2_LENGTH }).subarray(0, 16), 'too-long']
  ])('refuses %s', (_, header, error) => {
    expect(readProxyHeader(header)).toEqual({ kind: 'error', error })
  })
})

describe('whatever the bytes', () => {
  const headers = fc.oneof(
    fc.constantFrom('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n', 'PROXY TCP6 2001:db8::1 ::1 1 2\r\n', 'PROXY UNKNOWN\r\n').map(bytes),
    fc.record({ source: fc.constantFrom('192.0.2.1', '2001:db8::1'), port: fc.nat(65_535), tlvs: fc.nat(300) }).map(v2Header)
  )

  it('asks for more of every beginning of a header, and of nothing longer', () => {
    fc.assert(fc.property(headers, fc.uint8Array({ maxLength: 40, size: 'max' }), (header, rest) => {
      for (let length = 0; length < header.length; length++) expect(readProxyHeader(header.subarray(0, length))).toEqual({ kind: 'more' })
      expect(readProxyHeader(Buffer.concat([header, rest]))).toMatchObject({ kind: 'header', length: header.length })
    }), { numRuns: 60 })
  })

  it('never throws, never reads beyond what is there, and stops asking at the longest header', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 300, size: 'max' }),
      fc.uint8Array({ maxLength: 300, size: 'max' }).map(rest => Buffer.concat([bytes('PROXY '), rest])),
      fc.uint8Array({ maxLength: 300, size: 'max' }).map(rest => Buffer.concat([V2_SIGNATURE, rest])),
      fc.tuple(headers, fc.nat(60), fc.integer({ min: 0, max: 255 })).map(([header, at, byte]) => Uint8Array.from(header, (each, index) => index === at ? byte : each))
    )

    fc.assert(fc.property(hostile, input => {
      const result = readProxyHeader(input)
      expect(result.kind === 'header' ? result.length : 0).toBeLessThanOrEqual(input.length)
      expect(readProxyHeader(Buffer.concat([input, Buffer.alloc(MAX_V2_LENGTH, 'x')])).kind).not.toBe('more')
    }), { numRuns: 1_000 })
  })

  it.each<[string, boolean | undefined]>([
    ['', undefined], ['P', undefined], ['PROXY', undefined], ['PROXY ', true], ['POST / HTTP/1.1', false], ['GET', false],
    ['\r\n', undefined], ['\r\n\r\n\0\r\nQUIT\n', true], ['\r\n\r\nGET', false], ['\x16\x03\x01', false]
  ])('tells whether %j can be a header\'s beginning', (text, expected) => {
    expect(looksLikeProxyHeader(bytes(text))).toBe(expected)
  })
})
