/**
 * The result of shared work, for one caller who may stop waiting. The work goes on.
 */
export async function untilAborted<T> (work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal == null) return work

  signal.throwIfAborted()

  return new Promise((resolve, reject) => {
    const onAbort = (): void => { reject(signal.reason) }

    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => { signal.removeEventListener('abort', onAbort) })
  })
}
