import { ignoreErrors } from './sockets.ts'
import type { Connection } from './sockets.ts'

/** A piece is some 200 bytes more than what is in it: who sends one byte at a time would have us keep as much for each. */
const MOST_PIECES = 64

/** What was read of a socket that was held. `ended` says that nothing more will come. */
export interface Heard {
  readonly bytes: Buffer
  readonly ended: boolean
}

/**
 * Reads a socket that nobody else has, until `look` has seen enough. What was read is in `heard` and no longer in the socket: whoever hands it
 * on puts back, with `unshift`, what is not theirs. Reading by `readable`, because it leaves the stream as if nobody had ever listened.
 *
 * @param look - gets each piece once; true when it was enough
 * @param heard - not called when the socket closes first, nor after the returned function
 * @returns stops listening, and gives what was read so far
 */
export function hold (socket: Connection, look: (piece: Uint8Array) => boolean, heard: (heard: Heard) => void): () => Buffer {
  let pieces: Buffer[] = []

  function finish (ended: boolean): void {
    heard({ bytes: letGo(), ended })
  }

  function onReadable (): void {
    // Readable without anything to read is the end; asking for it would take the `end` event from who comes after us.
    if (socket.readableLength === 0) {
      finish(true)
      return
    }

    // Asking for more than there is would end a stream that has nothing more to come, before what was read is put back.
    const piece = socket.read(socket.readableLength) as Buffer
    pieces.push(piece)
    if (pieces.length === MOST_PIECES) pieces = [Buffer.concat(pieces)]
    if (look(piece)) finish(false)
    else socket.read(0)
  }

  function onEnd (): void { finish(true) }

  function letGo (): Buffer {
    socket.off('readable', onReadable)
    socket.off('end', onEnd)
    socket.off('close', letGo)
    socket.off('error', ignoreErrors)
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  socket.on('readable', onReadable)
  socket.on('end', onEnd)
  socket.on('close', letGo)
  socket.on('error', ignoreErrors)
  return letGo
}

/**
 * Puts back what was read of a socket that was held, and gives it to who comes after us. A tick later, because it is then that Node forgets our
 * listener: it would set a socket flowing that its new owner has paused.
 *
 * @param next - not called when the socket closes first
 */
export function handOn (socket: Connection, bytes: Uint8Array, next: () => void): void {
  socket.on('error', ignoreErrors)
  process.nextTick(() => {
    // Its end was told to us alone: who comes after us would wait for it.
    if (socket.readableEnded) socket.destroy()
    if (socket.destroyed) return

    socket.off('error', ignoreErrors)
    // Whoever gave it to the server has resumed it since, or listens, too: nothing may flow before its new owner listens.
    const isFlowing = socket.readableFlowing === true
    if (isFlowing) socket.pause()
    handOnNow(socket, bytes, next)
    // TLS takes what is there a tick after it was given the socket.
    if (isFlowing) process.nextTick(() => { socket.resume() })
  })
}

/** The same for when the limits are taken off: who closes all connections of the server in the same breath has to find it there. */
export function handOnNow (socket: Connection, bytes: Uint8Array, next: () => void): void {
  if (bytes.length > 0) socket.unshift(bytes)
  next()
}

/**
 * Whether a piece has the blank line that ends an HTTP/1 header. It remembers the line it is in and not the bytes, so that a client that sends
 * one at a time pays more than we do.
 *
 * @param most - bytes after which the parser may say that it is too long
 */
export function headerEnd (most: number): (piece: Uint8Array) => boolean {
  let lineLength = 1 // blank lines before the request line end nothing (RFC 9112 §2.2), and are not counted
  let isStarted = false
  let seen = 0

  return piece => {
    seen += piece.length
    if (seen >= most) return true

    for (const code of piece) {
      if (code === LF) {
        if (isStarted && lineLength === 0) return true
        lineLength = 0
      } else if (code !== CR) {
        lineLength++
        isStarted = true
      }
    }

    return false
  }
}

const CR = 0x0d
const LF = 0x0a
