import { describe, expect, it } from 'vitest'
import { InvalidAddressError } from '../../src/address/errors.ts'

describe('InvalidAddressError', () => {
  it('says what was tried, what was given and what is allowed', () => {
    expect(new InvalidAddressError('10.1/8', 'an IPv4 range').message).toBe('Could not parse the address "10.1/8": it is not an IPv4 range')
  })

  it('names itself and keeps the whole input', () => {
    const input = 'x'.repeat(1_000)

    expect(new InvalidAddressError(input)).toMatchObject({ name: 'InvalidAddressError', code: 'ERR_INVALID_ADDRESS', input })
  })

  it.each([
    ['a line break', '10.0.0.1\n', '"10.0.0.1\\n"'],
    ['a quotation mark', '"', '"\\""'],
    ['as much as fits', 'x'.repeat(78), `"${'x'.repeat(78)}"`],
    ['too much', 'x'.repeat(79), `"${'x'.repeat(77)}…"`],
    ['far too much', 'x'.repeat(1_000_000), `"${'x'.repeat(77)}…"`]
  ])('quotes %s', (_, input, quoted) => {
    expect(new InvalidAddressError(input).message).toBe(`Could not parse the address ${quoted}: it is not an IPv4 or IPv6 address`)
  })
})
