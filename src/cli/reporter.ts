import { closingLines, openingLines, secondLine, table } from './scoreboard.ts'
import type { Facts } from './run-tally.ts'
import type { Closing, Opening } from './scoreboard.ts'

/** Tells the story of a run, in the form its reader can use. */
export interface Reporter {
  opening (opening: Opening): void
  second (facts: Facts): void
  closing (closing: Closing): void
}

export type Write = (text: string) => void

/** One JSON object per line, told apart by `type`. */
export function jsonReporter (write: Write): Reporter {
  const record = (type: string, content: object): void => { write(`${JSON.stringify({ type, ...content })}\n`) }

  return {
    opening: opening => { record('start', opening) },
    second: facts => { record('second', facts) },
    closing: closing => { record('summary', closing) }
  }
}

/** One line per second. */
export function lineReporter (write: Write): Reporter {
  return {
    opening: opening => { write(text(openingLines(opening))) },
    second: facts => { write(text([secondLine(facts)])) },
    closing: closing => { write(text(closingLines(closing))) }
  }
}

/** A table that is drawn over itself. `width` is asked each time: terminals are resized. */
export function tableReporter (write: Write, width: () => number): Reporter {
  let drawn = 0

  // a line that wraps would be two lines, and the next drawing one too low
  const draw = (lines: string[]): string => text(lines.map(line => line.slice(0, width())))
  const erase = (): string => drawn === 0 ? '' : `\u001B[${drawn}F\u001B[J`

  return {
    opening: opening => { write(text([...openingLines(opening), ''])) },

    second: facts => {
      const lines = table(facts)
      write(erase() + draw(lines))
      drawn = lines.length
    },

    closing: closing => {
      write(erase() + text(closingLines(closing)))
      drawn = 0
    }
  }
}

function text (lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('')
}
