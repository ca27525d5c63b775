/** What a real node is made of. Not dependencies of this package: whoever has a node to guard has them already. */
const NODE_PACKAGES = {
  'libp2p': async () => import('libp2p'),
  '@libp2p/tcp': async () => import('@libp2p/tcp'),
  '@libp2p/websockets': async () => import('@libp2p/websockets'),
  '@libp2p/noise': async () => import('@libp2p/noise'),
  '@libp2p/yamux': async () => import('@libp2p/yamux'),
  '@libp2p/identify': async () => import('@libp2p/identify'),
  '@libp2p/ping': async () => import('@libp2p/ping')
}

export type NodePackages = Loaded<typeof NODE_PACKAGES>

type Imports = Readonly<Record<string, () => Promise<unknown>>>
type Loaded<T extends Imports> = { readonly [Name in keyof T]: Awaited<ReturnType<T[Name]>> }

export class MissingPackagesError extends Error {
  override readonly name = 'MissingPackagesError'

  constructor (packages: readonly string[]) {
    super(`Could not start a libp2p node without packages that are not installed here: npm install ${packages.join(' ')}`)
  }
}

export async function loadNodePackages (): Promise<NodePackages> {
  return loadPackages(NODE_PACKAGES)
}

/** @throws MissingPackagesError naming all that are missing; whatever else goes wrong while loading is thrown as it is */
export async function loadPackages<T extends Imports> (imports: T): Promise<Loaded<T>> {
  const names = Object.keys(imports)
  const results = await Promise.allSettled(Object.values(imports).map(async load => load()))
  const missing = names.filter((name, i) => isMissing(name, results[i]))

  if (missing.length > 0) throw new MissingPackagesError(missing)

  return Object.fromEntries(names.map((name, i) => [name, valueOf(results[i])])) as Loaded<T>
}

/** A package that is there but lacks one of its own dependencies is broken, not missing. */
function isMissing (name: string, result: PromiseSettledResult<unknown> | undefined): boolean {
  return result?.status === 'rejected' &&
    result.reason instanceof Error &&
    'code' in result.reason && result.reason.code === 'ERR_MODULE_NOT_FOUND' &&
    result.reason.message.includes(`'${name}'`)
}

function valueOf (result: PromiseSettledResult<unknown> | undefined): unknown {
  if (result?.status === 'rejected') throw result.reason
  return result?.value
}
