import { describe, expect, it } from 'vitest'
import { MissingPackagesError, loadPackages } from '../../src/cli/packages.ts'

const missing = (name: string) => async (): Promise<never> => {
  throw Object.assign(new Error(`Cannot find package '${name}' imported from here`), { code: 'ERR_MODULE_NOT_FOUND' })
}

describe('loadPackages', () => {
  it('hands every package over by its name', async () => {
    await expect(loadPackages({ a: async () => 1, b: async () => 'two' })).resolves.toEqual({ a: 1, b: 'two' })
  })

  it('names all that are missing, in one sentence that can be run', async () => {
    const loading = loadPackages({ 'libp2p': async () => 1, '@libp2p/tcp': missing('@libp2p/tcp'), '@libp2p/noise': missing('@libp2p/noise') })

    await expect(loading).rejects.toThrow(new MissingPackagesError(['@libp2p/tcp', '@libp2p/noise']))
    await expect(loading).rejects.toThrow('npm install @libp2p/tcp @libp2p/noise')
  })

  it.each([
    ['breaks while it loads', async () => { throw new SyntaxError('Unexpected token') }, 'Unexpected token'],
    ['lacks a dependency of its own', missing('deep-inside'), 'deep-inside']
  ])('does not call a package missing that %s', async (_, load, message) => {
    const loading = loadPackages({ libp2p: load })

    await expect(loading).rejects.toThrow(message)
    await expect(loading).rejects.not.toBeInstanceOf(MissingPackagesError)
  })
})
