/**
 * Where Node's `console.log` asks a value what it is. What is written only when it is read is a getter, and would not be shown: a denial in a log
 * without its key helps nobody.
 */
export const SHOWN = Symbol.for('nodejs.util.inspect.custom')
