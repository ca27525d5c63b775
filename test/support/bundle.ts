import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { onTestFinished } from 'vitest'
import type { AddressInfo } from 'node:net'
import type { Rolldown } from 'vite'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface BundleOptions {
  /** Packages are named in it and not part of it. */
  readonly external?: boolean
  readonly minify?: boolean
}

/** One script, as a user's bundler makes it for browsers out of a file of this package. Nothing is written. */
export async function bundle (entry: string, { external = false, minify = false }: BundleOptions = {}): Promise<string> {
  const { output } = await build({
    configFile: false,
    root: ROOT,
    logLevel: 'error',
    build: {
      target: 'es2024',
      write: false,
      minify,
      modulePreload: false,
      // not `lib`: it keeps the blanks of a minified module
      rolldownOptions: { input: ROOT + entry, preserveEntrySignatures: 'strict', external: external ? /^[@\w]/ : [], output: { codeSplitting: false } }
    },
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: { alias: ['limiter', 'testing', 'index'].map(door => ({ find: door === 'index' ? /^libp2p-connmgr$/ : `libp2p-connmgr/${door}`, replacement: `${ROOT}src/${door}.ts` })) }
  }) as Rolldown.RolldownOutput

  return output[0].code
}

/** Serves a page with nothing but this script on loopback, which browsers take for secure, for as long as the test. */
export async function servePage (script: string): Promise<string> {
  const server = createServer((req, res) => {
    const isScript = req.url === '/page.js'
    res.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' })
    res.end(isScript ? script : '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>')
  })

  onTestFinished(() => { server.close() })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
