import { systemClock } from '../clock/system-clock.ts'

/** Keeps no process alive by itself. */
export async function sleep (ms: number): Promise<void> {
  return new Promise(resolve => { systemClock.after(ms, resolve) })
}
