/**
 * Resolves in the next turn of the event loop, after sockets and timers had theirs. Used between the batches of long work; it is
 * not a delay. Node has `setImmediate`; a browser has `MessageChannel`, which unlike `setTimeout` is not clamped to 4 ms.
 */
export const nextTurn: () => Promise<void> = typeof setImmediate === 'function' ? immediate : message

async function immediate (): Promise<void> {
  return new Promise(resolve => { setImmediate(resolve) })
}

async function message (): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()

    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
