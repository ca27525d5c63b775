import * as chai from 'chai'

/**
 * What js-libp2p's suites take of `aegir/chai`. That package builds and releases js-libp2p, with hundreds of others; the suites only need its `expect`.
 * `vitest.config.ts` puts this file in its place, `overrides` in `package.json` a package that is there anyway.
 */
interface Chain {
  readonly _obj: unknown
}

interface Word {
  readonly name: string
  readonly args?: unknown[]
}

/** What is a property in chai and a call here, so that a linter sees that something happens. */
const CALLED = ['true', 'false']

chai.use(({ Assertion }) => {
  for (const name of CALLED) {
    Assertion.overwriteProperty(name, (assert: () => void) => function (this: Chain) {
      assert.call(this)
      return () => this
    })
  }

  Assertion.addMethod('equalBytes', function (this: Chain, expected: Uint8Array) {
    new Assertion([...this._obj as Uint8Array]).to.deep.equal([...expected])
  })

  Assertion.addProperty('eventually', function (this: Chain) {
    return later(Promise.resolve(this._obj), [])
  })
})

/** The words that follow, said once the promise has settled: of its value, or after `rejected` of what it rejected with. */
function later (promise: Promise<unknown>, words: readonly Word[]): unknown {
  const isRejected = words.some(({ name }) => name === 'rejected')
  const subject = async (): Promise<unknown> => isRejected ? promise.then(() => { throw new Error('It did not reject') }, error => error as unknown) : promise
  const run = async (): Promise<unknown> => say(chai.expect(await subject()), words.filter(({ name }) => name !== 'rejected'))

  return new Proxy(() => {}, {
    get: (_, name) => name === 'then' ? async (...handlers: Parameters<Promise<unknown>['then']>) => run().then(...handlers) : later(promise, [...words, { name: String(name) }]),
    apply: (_, __, args: unknown[]) => later(promise, [...words.slice(0, -1), { ...words.at(-1)!, args }])
  })
}

function say (subject: unknown, words: readonly Word[]): void {
  let said = subject as Record<string, unknown>

  for (const { name, args } of words) {
    const next = said[name]
    said = (args == null || typeof next !== 'function' ? next : next.apply(said, args)) as Record<string, unknown>
  }
}

export const { expect } = chai
