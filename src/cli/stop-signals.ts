/** As shells report a process that Ctrl-C ended. */
const INTERRUPTED = 130

/** The first Ctrl-C or SIGTERM asks, the second one does not wait. */
export function onStopSignal (ask: () => void): void {
  let asked = false

  const stop = (): void => {
    if (asked) process.exit(INTERRUPTED)

    asked = true
    ask()
  }

  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}
