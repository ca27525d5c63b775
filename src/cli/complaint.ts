/** One line for people, without a stack. */
export function complaint (error: unknown): string {
  if (!(error instanceof Error)) return String(error)

  return error.name === 'UnsupportedListenAddressesError' ? listenComplaint(error.message) : firstLine(error.message)
}

/** libp2p says first how to configure it, and then, per address in an indented line, what is wrong. */
function listenComplaint (message: string): string {
  const causes = [...message.matchAll(/^ {2}(\/\S+): (?:Error: )?(.+)$/gm)].map(([, address, cause]) => `${address} (${cause})`)
  return causes.length === 0 ? firstLine(message) : `Could not listen on ${causes.join(' and ')}`
}

function firstLine (message: string): string {
  const [line = ''] = message.split('\n', 1)
  return line
}
