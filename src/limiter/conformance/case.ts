/**
 * One promise of a contract, for any test runner: the name is a sentence, and `run` throws where the promise is broken.
 *
 * @example
 *
 * ```ts
 * import { blockList } from 'libp2p-connmgr/limiter'
 * import { blockListCases } from 'libp2p-connmgr/testing'
 *
 * const broken: string[] = []
 *
 * // with a test runner: it(name, run)
 * for (const { name, run } of blockListCases(blockList)) {
 *   try { await run() } catch { broken.push(name) }
 * }
 *
 * console.log(broken.length) // 0
 * ```
 */
export interface ConformanceCase {
  readonly name: string

  /** Resolves where the promise holds. @throws where it is broken, saying what was expected */
  run (): void | Promise<void>
}

class ConformanceError extends Error {
  override readonly name = 'ConformanceError'
  readonly code = 'ERR_CONFORMANCE'
}

/** Compares what JSON can show, and `undefined`; in which order the keys of an object come is its own affair. */
export function equal (actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [show(actual), show(expected)]

  if (got !== wanted) throw new ConformanceError(`Expected ${what} to be ${wanted}, received ${got}`)
}

export function ok (holds: boolean, what: string): void {
  if (!holds) throw new ConformanceError(`Expected that ${what}`)
}

export async function rejects (action: () => unknown, code: string, what: string): Promise<void> {
  let received: unknown = 'nothing thrown'

  try {
    await action()
  } catch (err) {
    received = (err as { code?: unknown }).code
  }

  equal(received, code, what)
}

function show (value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'number' && !Number.isFinite(inner)) return String(inner)
    if (typeof inner !== 'object' || inner == null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
  }) ?? 'undefined'
}
