import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Heap and typed arrays in bytes, after everything that can go has gone: some goes only once the event loop has turned. */
export async function memoryInUse (): Promise<number> {
  let before = Infinity

  for (;;) {
    collect()
    await setImmediate()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    const now = heapUsed + arrayBuffers
    if (before - now < 10_000) return now

    before = now
  }
}
