import { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import { Server as TlsServer } from 'node:tls'
import type { Server } from 'node:net'

/** What a server's clients speak. */
export interface ServerKind {
  readonly isSecure: boolean
  readonly protocol: 'http1' | 'http2' | 'raw'
}

/** Node exports no class of its HTTP/2 servers; both kinds, and no other server, can change their settings. */
export function serverKind (server: Server): ServerKind {
  const isSecure = server instanceof TlsServer
  if ('updateSettings' in server) return { isSecure, protocol: 'http2' }
  return { isSecure, protocol: server instanceof HttpServer || server instanceof HttpsServer ? 'http1' : 'raw' }
}
