import type { AnyRequest } from './request-options.ts'

const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/**
 * The path that was asked for, with its query. Frameworks that mount applications keep the whole one in `originalUrl`. A proxy's form of a
 * request has the origin before it (`GET http://host/login`, RFC 9112 §3.2.2), and routers take it off; so do we, or no path rule would hold.
 */
export function requestPath (req: AnyRequest & { readonly originalUrl?: string }): string {
  const url = req.originalUrl ?? req.url ?? '/'
  if (url.startsWith('/')) return url

  const path = url.replace(ORIGIN, '')
  return path.startsWith('/') ? path : `/${path}`
}
