import type { Import } from './imports.ts'

const GROUND = ['address', 'clock']
const PARTS = ['conn-manager', 'connection-gater', 'stream-gate']
const EDGES = ['libp2p', 'server', 'store', 'cli', 'inspector']
const DOOR = 'a door'

/** What the files of a folder may import, beside each other. The table of ARCHITECTURE.md in code. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ...all(GROUND, []),
  limiter: GROUND,
  ...all(PARTS, ['limiter', ...GROUND]),
  ...all(EDGES, [...PARTS, 'limiter', ...GROUND]),
  [DOOR]: [DOOR, ...EDGES, ...PARTS, 'limiter', ...GROUND]
}

/** @returns what is wrong with an import of our own file, or undefined */
export function wrongWith ({ from, to, line, specifier }: Import): string | undefined {
  if (/^libp2p-connmgr(\/|$)/.test(specifier)) return `${from}:${line} imports '${specifier}': inside the package, import the file that declares it`
  if (to == null) return undefined

  const [here, there] = [placeOf(from), placeOf(to)]
  const allowed = MAY_IMPORT[here]

  if (allowed == null) return `${from} is in a folder that is on no floor: give src/${here}/ a floor here and in ARCHITECTURE.md`
  if (allowed.includes(there) || (here === there && here !== DOOR)) return undefined

  return `${from}:${line} imports ${to}: ${here === DOOR ? here : `src/${here}/`} may import ${allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')}`
}

/** The folder below `src/`, or a door. */
function placeOf (path: string): string {
  const [, folder = '', ...rest] = path.split('/')
  return rest.length === 0 ? DOOR : folder
}

function all (folders: readonly string[], allowed: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(folders.map(folder => [folder, allowed]))
}
