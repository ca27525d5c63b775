/**
 * libp2p 3 uses `Promise.withResolvers`. On Node 20 a node starts, and every connection fails as ECONNRESET; better one sentence here.
 */
const { process } = globalThis as { process?: { versions?: { node?: string } } }

if (typeof Promise.withResolvers !== 'function') {
  throw new Error(`libp2p-connmgr needs Node.js 22 or newer, or a browser of 2024 or newer: this is ${process?.versions?.node == null ? 'an older runtime' : `Node.js ${process.versions.node}`}`)
}
