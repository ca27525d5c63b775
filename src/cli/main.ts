import { systemClock } from '../clock/system-clock.ts'
import { complaint } from './complaint.ts'
import { Ending } from './ending.ts'
import { parseFlags } from './flags.ts'
import { HELP } from './help.ts'
import { jsonReporter, lineReporter, tableReporter } from './reporter.ts'
import { run } from './run.ts'
import { onStopSignal } from './stop-signals.ts'
import type { RunOptions } from './flags.ts'
import type { Library } from './library.ts'
import type { Reporter, Write } from './reporter.ts'

const OK = 0
const FAILED = 1
const BAD_FLAG = 2

/** What some terminals that tell no width have at least. */
const UNKNOWN_WIDTH = 80

/** A socket that somebody else holds open must not hold us. */
const LINGER = 100

/** @returns the exit code */
export async function main (args: readonly string[], library: Library): Promise<number> {
  // nobody may read what we say, which is no reason to fail
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})

  const command = parseFlags(args)

  switch (command.kind) {
    case 'help':
      process.stdout.write(HELP)
      return OK

    case 'bad-flag':
      complain(`${command.message} (--help lists the flags)`)
      return BAD_FLAG

    case 'run':
      return runHere(library, command.options)
  }
}

async function runHere (library: Library, options: RunOptions): Promise<number> {
  const ending = new Ending()
  let code = FAILED

  onStopSignal(() => { ending.end('signal') })
  process.stdout.on('error', () => { ending.end('output-closed') })

  try {
    code = await run(library, options, reporterFor(options), ending) === 'visitors-lost' ? FAILED : OK
  } catch (error) {
    complain(complaint(error))
  }

  systemClock.after(LINGER, () => process.exit(code))
  return code
}

function reporterFor ({ json }: RunOptions): Reporter {
  const { stdout } = process
  const write: Write = text => { stdout.write(text) }

  if (json) return jsonReporter(write)
  return stdout.isTTY ? tableReporter(write, () => stdout.columns || UNKNOWN_WIDTH) : lineReporter(write)
}

function complain (message: string): void {
  process.stderr.write(`libp2p-connmgr: ${message}\n`)
}
