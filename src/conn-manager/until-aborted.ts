/**
 * The result of shared work, for one caller who may stop waiting. The work goes on; it does not start for one who had stopped before.
 */
export async function untilAborted<T> (start: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted()

  const work = start()
  if (signal == null) return work

  return new Promise((resolve, reject) => {
    const onAbort = (): void => { reject(signal.reason) }

    signal.addEventListener('abort', onAbort, { once: true })
    // while it started
    if (signal.aborted) onAbort()
    work.then(resolve, reject).finally(() => { signal.removeEventListener('abort', onAbort) })
  })
}
