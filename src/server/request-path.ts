import type { AnyRequest } from './request-options.ts'

/** The path that was asked for, with its query. Frameworks that mount applications keep the whole one in `originalUrl`. */
export function requestPath (req: AnyRequest & { readonly originalUrl?: string }): string {
  return req.originalUrl ?? req.url ?? '/'
}
