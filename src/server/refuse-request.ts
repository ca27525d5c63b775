import { constants } from 'node:http2'
import { DENIAL_MESSAGE } from '../limiter/verdict.ts'
import { refuseStream } from './http2-streams.ts'
import { retryAfter } from './rate-limit-fields.ts'
import { ignoreErrors } from './sockets.ts'
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Denied } from '../limiter/verdict.ts'
import type { ClosingSessions } from './closing-sessions.ts'

/** An answer of HTTP/1 or HTTP/2. */
export type AnyResponse = ServerResponse | Http2ServerResponse

/**
 * A 429 that keeps the connection, or one that ends it. An answer that somebody else has given stays his; one that he has only begun is broken
 * off, since our text would pass for the rest of it.
 *
 * @param closing - given where it ends the connection
 */
export function refuseRequest (res: AnyResponse, verdict: Denied, closing: ClosingSessions | undefined): void {
  if (isHttp2(res)) {
    refuseHttp2(res, verdict, closing)
    return
  }

  if (res.headersSent) {
    if (!res.writableEnded) res.destroy()
    return
  }

  res.statusCode = 429
  res.statusMessage = 'Too Many Requests'
  res.setHeader('Retry-After', retryAfter(verdict.retryAfter))
  res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  res.setHeader('Content-Length', DENIAL_MESSAGE.length)
  if (closing != null) res.setHeader('Connection', 'close')
  res.end(DENIAL_MESSAGE)
}

/** HTTP/2 has no `Connection` field; a connection is ended by a GOAWAY. */
function refuseHttp2 (res: Http2ServerResponse, verdict: Denied, closing: ClosingSessions | undefined): void {
  const { stream } = res
  const { session } = stream

  if (!res.headersSent) {
    res.statusCode = 429
    res.setHeader('retry-after', retryAfter(verdict.retryAfter))
    res.setHeader('content-type', 'text/plain; charset=utf-8')
    res.end(DENIAL_MESSAGE)
    refuseStream(stream, verdict)
  } else if (!res.writableEnded) {
    stream.on('error', ignoreErrors)
    stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  if (session != null) closing?.close(session)
}

function isHttp2 (message: AnyResponse | { readonly httpVersionMajor?: number, readonly stream?: unknown }): message is Http2ServerResponse {
  return 'stream' in message && message.stream != null
}
