import { describe, expect, it } from 'vitest'
import { LoopbackError, assertLoopback } from '../../src/cli/loopback.ts'

describe('assertLoopback', () => {
  it('is content with an address of this machine', async () => {
    await expect(assertLoopback('127.0.0.1')).resolves.toBeUndefined()
  })

  it('names an address that this machine does not have, and the way out', async () => {
    const asserting = assertLoopback('192.0.2.1') // kept for documentation: nobody has it

    await expect(asserting).rejects.toBeInstanceOf(LoopbackError)
    await expect(asserting).rejects.toThrow(/^Could not use 192\.0\.2\.1: .* --listen$/)
  })
})
