import type { Connection, Stream, StreamMiddleware } from '@libp2p/interface'

/**
 * js-libp2p's registrar and a connection's muxer as they are at run time (libp2p 3.3). The published types hide the second, and either may move:
 * each is asked for before it is used.
 */
export interface JsRegistrar {
  getMiddleware?: (protocol: string) => StreamMiddleware[]
}

interface JsMuxer {
  addEventListener: (type: 'stream', listener: (event: CustomEvent<Stream>) => void) => void
  removeEventListener: (type: 'stream', listener: (event: CustomEvent<Stream>) => void) => void
}

/** The middlewares that a wrapper of ours puts in front: several gates of a node share one, so that whoever stops first leaves nothing behind. */
const wrapped = new WeakMap<object, Wrapped>()

interface Wrapped {
  readonly middlewares: Set<StreamMiddleware>

  /** Takes the wrapper away. Somebody else may have wrapped it: it stays then, and adds nothing. */
  unwrap (): void
}

/**
 * Puts a middleware in front of those of every protocol.
 *
 * js-libp2p adds a stream's handler to the very array that `getMiddleware` returns; where that is the one that `use` was given, the n-th stream of
 * the protocol runs its handler n times. What is returned here is a new array each time, which mends that, too. `use` itself is never called: it
 * would replace what others have given it.
 *
 * @returns what undoes it; undefined where js-libp2p has moved `getMiddleware`
 */
export function wrapMiddleware (registrar: JsRegistrar, middleware: StreamMiddleware): (() => void) | undefined {
  if (typeof registrar.getMiddleware !== 'function') return undefined

  const { middlewares, unwrap } = wrapped.get(registrar.getMiddleware) ?? wrap(registrar, registrar.getMiddleware)
  middlewares.add(middleware)

  return () => {
    if (middlewares.delete(middleware) && middlewares.size === 0) unwrap()
  }
}

function wrap (registrar: JsRegistrar, original: Required<JsRegistrar>['getMiddleware']): Wrapped {
  const own = Object.getOwnPropertyDescriptor(registrar, 'getMiddleware')
  const middlewares = new Set<StreamMiddleware>()

  function getMiddleware (this: JsRegistrar, protocol: string): StreamMiddleware[] {
    const others = original.call(registrar, protocol)
    return middlewares.size > 0 ? [...middlewares, ...others] : others
  }

  function unwrap (): void {
    if (registrar.getMiddleware !== getMiddleware) return

    if (own == null) Reflect.deleteProperty(registrar, 'getMiddleware')
    else Object.defineProperty(registrar, 'getMiddleware', own)
  }

  const known = { middlewares, unwrap }
  registrar.getMiddleware = getMiddleware
  wrapped.set(getMiddleware, known)
  return known
}

/**
 * Hears of every stream that the remote opens, before its protocol is known.
 *
 * @returns what ends it; undefined where js-libp2p has moved the muxer
 */
export function hearStreams (connection: Connection, onStream: (stream: Stream) => void): (() => void) | undefined {
  const muxer = muxerOf(connection)
  if (muxer == null) return undefined

  const listener = ({ detail }: CustomEvent<Stream>): void => { onStream(detail) }
  muxer.addEventListener('stream', listener)
  return () => { muxer.removeEventListener('stream', listener) }
}

/** js-libp2p keeps it private. */
function muxerOf (connection: object): JsMuxer | undefined {
  const { muxer } = connection as { readonly muxer?: Partial<JsMuxer> }

  return typeof muxer?.addEventListener === 'function' && typeof muxer.removeEventListener === 'function' ? muxer as JsMuxer : undefined
}
