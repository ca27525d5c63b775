import { DENIAL_MESSAGE } from '../limiter/verdict.ts'
import { retryAfter } from './rate-limit-fields.ts'
import type { Denied } from '../limiter/verdict.ts'

/**
 * A complete HTTP/1.1 answer for a connection that no HTTP parser will ever see. It says when to come back and nothing about limits.
 */
export function httpRefusal ({ retryAfter: ms }: Denied): string {
  return 'HTTP/1.1 429 Too Many Requests\r\n' +
    `Retry-After: ${retryAfter(ms)}\r\n` +
    'Connection: close\r\n' +
    'Content-Type: text/plain; charset=utf-8\r\n' +
    `Content-Length: ${DENIAL_MESSAGE.length}\r\n` +
    `\r\n${DENIAL_MESSAGE}`
}
