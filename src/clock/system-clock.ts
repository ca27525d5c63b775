import type { CancelTimer, Clock } from './clock.ts'

/** The longest delay that the platform's timers can hold; a longer one fires at once there, so we wait for it in pieces. */
const MAX_DELAY = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after
}

function after (delay: number, callback: () => void): CancelTimer {
  let timer = arm(delay)

  function arm (left: number): ReturnType<typeof setTimeout> {
    const piece = Math.min(Math.max(left, 0), MAX_DELAY)
    const handle = setTimeout(() => {
      if (left > piece) {
        timer = arm(left - piece)
      } else {
        callback()
      }
    }, piece)

    unref(handle)
    return handle
  }

  return () => { clearTimeout(timer) }
}

/** Node's timers are objects that can let the process go; a browser's are numbers. */
function unref (timer: unknown): void {
  if (typeof timer === 'object' && timer != null && 'unref' in timer && typeof timer.unref === 'function') {
    timer.unref()
  }
}
